// Packing, a part of one SIMD unit: samples of any format and strides, less a shift, as panels of
// doubles, or scaled and rounded as panels of floats of twice as many features.
#pragma once

#include "cpu/simd_vectors.hpp"

namespace fastcca::simd {
namespace {

inline float round_to_single(double v) { return static_cast<float>(v); }
template <class Vec>
inline auto round_to_single(Vec v) {
  return __builtin_convertvector(v, Vector<float, sizeof(Vec) / sizeof(double)>);
}

// Where samples go, as doubles or as floats. Features are counted from the first one that is
// packed.
template <std::int64_t kVectorLanes, class Real>
struct Output {
  static constexpr std::int64_t kLanes = kVectorLanes;
  static constexpr bool kSingle = sizeof(Real) == sizeof(float);
  static constexpr std::int64_t kPanelLanes = kSingle ? 2 * kLanes : kLanes;
  static_assert(kMostLanes % kPanelLanes == 0);

  Packing with;
  Real* packed;

  // Takes kGroups values side by side, each a sample of kLanes features or of a single one.
  template <class V, int kGroups>
  struct Writer {
    Writer(const Output& to, std::int64_t feature) : to_(to), first_(feature) {
      for (int g = 0; g < kGroups; ++g) {
        const std::int64_t j = first_ + g * kLanes;
        packed_[g] = to.at(j);
        offset_[g] = load<V>(to.with.shift + j);
        sum_[g] = load<V>(to.with.sums + j);
        if constexpr (kSingle) {
          factor_[g] = load<V>(to.with.scale + j);
          square_[g] = load<V>(to.with.squares + j);
        }
      }
    }

    void put(int g, std::int64_t k, V sample) {
      const V v = sample - offset_[g];
      sum_[g] += v;
      if constexpr (kSingle) {
        const V scaled = v * factor_[g];
        store(packed_[g] + k * kPanelLanes, round_to_single(scaled));
        square_[g] += scaled * scaled;
      } else {
        store(packed_[g] + k * kPanelLanes, v);
      }
    }

    void finish() const {
      for (int g = 0; g < kGroups; ++g) {
        store(to_.with.sums + first_ + g * kLanes, sum_[g]);
        if constexpr (kSingle) {
          store(to_.with.squares + first_ + g * kLanes, square_[g]);
        }
      }
    }

   private:
    const Output& to_;
    std::int64_t first_;
    Real* packed_[kGroups];
    V offset_[kGroups];
    V sum_[kGroups];
    V factor_[kSingle ? kGroups : 1];
    V square_[kSingle ? kGroups : 1];
  };

  Output from(std::int64_t feature) const {
    Output out{{with.shift + feature, nullptr, with.sums + feature, nullptr}, at(feature)};
    if constexpr (kSingle) {
      out.with.scale = with.scale + feature;
      out.with.squares = with.squares + feature;
    }
    return out;
  }

  Real* at(std::int64_t feature) const {
    return packed + feature / kPanelLanes * kPanelLanes * kDepth + feature % kPanelLanes;
  }
};

template <int... kIndices>
struct Indices {};
template <int kCount, int... kIndices>
struct CountedTo : CountedTo<kCount - 1, kCount - 1, kIndices...> {};
template <int... kIndices>
struct CountedTo<0, kIndices...> {
  using Type = Indices<kIndices...>;
};

// Exchanges the lanes of a whose number has the bit kStride with those of b that lack it.
template <int kStride, class Vec, int... kI>
inline void exchange(Vec& a, Vec& b, Indices<kI...>) {
  constexpr std::int64_t kLanes = sizeof...(kI);
  const Vec low =
      __builtin_shufflevector(a, b, ((kI & kStride) != 0 ? kLanes + kI - kStride : kI)...);
  b = __builtin_shufflevector(a, b, ((kI & kStride) != 0 ? kLanes + kI : kI + kStride)...);
  a = low;
}

// In log2(lanes) rounds, each of which exchanges the off-diagonal quarters of blocks.
template <std::int64_t kLanes, std::int64_t kStride = kLanes / 2>
inline void transpose(Vector<double, kLanes> (&rows)[kLanes]) {
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; ++i) {
    if ((i & kStride) == 0) {
      exchange<kStride>(rows[i], rows[i + kStride], typename CountedTo<kLanes>::Type{});
    }
  }
  if constexpr (kStride > 1) {
    transpose<kLanes, kStride / 2>(rows);
  }
}

// Packs features [feature, cols), one after the other.
template <class T, class Out>
void pack_scalar(const unsigned char* p, const Source& s, std::int64_t depth, std::int64_t feature,
                 std::int64_t cols, const Out& out) {
  for (; feature < cols; ++feature) {
    const unsigned char* column = p + feature * s.col_stride;
    typename Out::template Writer<double, 1> writer(out, feature);
    for (std::int64_t k = 0; k < depth; ++k) {
      writer.put(0, k, read<T, false>(column + k * s.row_stride));
    }
    writer.finish();
  }
}

// Few samples at a time, so that memory is read as it lies: of a wide array every sample is on
// another page.
constexpr std::int64_t kSamplesAtOnce = 8;

// Packs features that are next to each other in memory: vectors are read along them.
template <class T, int kGroups, class Out>
void pack_along_features(const unsigned char* p, const Source& s, std::int64_t first,
                         std::int64_t last, std::int64_t feature, const Out& out) {
  constexpr std::int64_t kLanes = Out::kLanes;
  typename Out::template Writer<Vector<double, kLanes>, kGroups> writer(out, feature);
  for (std::int64_t k = first; k < last; ++k) {
    const unsigned char* row = p + k * s.row_stride + feature * s.col_stride;
    // Fetches the next samples: what is read of each is too short for a processor to foresee them.
    __builtin_prefetch(row + kSamplesAtOnce * s.row_stride);
    for (int g = 0; g < kGroups; ++g) {
      writer.put(g, k, read_vector<kLanes, T>(row + g * kLanes * s.col_stride, s.col_stride));
    }
  }
  writer.finish();
}

// Packs samples that are next to each other in memory: vectors are read along them, transposed.
template <class T, class Out>
void pack_along_samples(const unsigned char* p, const Source& s, std::int64_t depth,
                        std::int64_t feature, const Out& out) {
  constexpr std::int64_t kLanes = Out::kLanes;
  using Vec = Vector<double, kLanes>;
  const unsigned char* column = p + feature * s.col_stride;
  typename Out::template Writer<Vec, 1> writer(out, feature);
  std::int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    Vec rows[kLanes];
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const unsigned char* samples = column + k * s.row_stride + j * s.col_stride;
      rows[j] = read_vector<kLanes, T>(samples, s.row_stride);
      // Fetches the features that are next: each of them lies on a page of its own.
      __builtin_prefetch(samples + kLanes * s.col_stride);
    }
    transpose<kLanes>(rows);
    for (std::int64_t i = 0; i < kLanes; ++i) {
      writer.put(0, k + i, rows[i]);
    }
  }
  for (; k < depth; ++k) {
    writer.put(0, k, read_vector<kLanes, T>(column + k * s.row_stride, s.col_stride));
  }
  writer.finish();
}

// Writes zeros into the lanes of the last panel that no feature is in.
template <class Out>
void clear_rest(const Out& out, std::int64_t feature, std::int64_t depth) {
  for (; feature % Out::kPanelLanes != 0; ++feature) {
    for (std::int64_t k = 0; k < depth; ++k) {
      out.at(feature)[k * Out::kPanelLanes] = 0;
    }
  }
}

template <class T, class Out>
void pack_vectors(const unsigned char* p, const Source& s, std::int64_t depth, std::int64_t cols,
                  const Out& out) {
  constexpr std::int64_t kLanes = Out::kLanes;
  constexpr int kGroups = 4;  // enough features at once to use up the cache lines they lie in
  const bool along_samples = (s.row_stride < 0 ? -s.row_stride : s.row_stride) <
                             (s.col_stride < 0 ? -s.col_stride : s.col_stride);
  if (along_samples) {
    for (std::int64_t j = 0; j < cols; j += kLanes) {
      pack_along_samples<T>(p, s, depth, j, out);
    }
    return;
  }
  for (std::int64_t k = 0; k < depth; k += kSamplesAtOnce) {
    const std::int64_t last = k + kSamplesAtOnce < depth ? k + kSamplesAtOnce : depth;
    std::int64_t j = 0;
    for (; j + kGroups * kLanes <= cols; j += kGroups * kLanes) {
      pack_along_features<T, kGroups>(p, s, k, last, j, out);
    }
    for (; j < cols; j += kLanes) {
      pack_along_features<T, 1>(p, s, k, last, j, out);
    }
  }
}

template <class T, class Out>
void pack_typed(const Source& s, std::int64_t row, std::int64_t depth, std::int64_t col,
                std::int64_t cols, const Out& out) {
  const unsigned char* p = s.data + row * s.row_stride + col * s.col_stride;
  const std::int64_t whole = cols / Out::kLanes * Out::kLanes;
  pack_vectors<T>(p, s, depth, whole, out);
  pack_scalar<T>(p, s, depth, whole, cols, out);
  clear_rest(out, cols, depth);
}

// ---- formats that are too rare for code of their own

template <class T>
void widen_values(const unsigned char* p, const Source& s, std::int64_t depth, std::int64_t cols,
                  double* wide) {
  for (std::int64_t j = 0; j < cols; ++j) {
    for (std::int64_t k = 0; k < depth; ++k) {
      const unsigned char* value = p + k * s.row_stride + j * s.col_stride;
      wide[j * kDepth + k] = s.byte_swapped ? read<T, true>(value) : read<T, false>(value);
    }
  }
}

// Makes samples doubles, kDepth from feature to feature.
inline void widen_block(const Source& s, std::int64_t row, std::int64_t depth, std::int64_t col,
                        std::int64_t cols, double* wide) {
  const unsigned char* p = s.data + row * s.row_stride + col * s.col_stride;
  switch (s.dtype) {
    case kF16:
      return widen_values<Half>(p, s, depth, cols, wide);
    case kBF16:
      return widen_values<BFloat>(p, s, depth, cols, wide);
    case kF32:
      return widen_values<float>(p, s, depth, cols, wide);
    case kF64:
      return widen_values<double>(p, s, depth, cols, wide);
    case kI8:
      return widen_values<std::int8_t>(p, s, depth, cols, wide);
    case kI16:
      return widen_values<std::int16_t>(p, s, depth, cols, wide);
    case kI32:
      return widen_values<std::int32_t>(p, s, depth, cols, wide);
    case kI64:
      return widen_values<std::int64_t>(p, s, depth, cols, wide);
    case kU8:
      return widen_values<std::uint8_t>(p, s, depth, cols, wide);
    case kU16:
      return widen_values<std::uint16_t>(p, s, depth, cols, wide);
    case kU32:
      return widen_values<std::uint32_t>(p, s, depth, cols, wide);
    default:
      return widen_values<std::uint64_t>(p, s, depth, cols, wide);
  }
}

template <class Out>
void pack_widened(const Source& s, std::int64_t row, std::int64_t depth, std::int64_t col,
                  std::int64_t cols, const Out& out) {
  constexpr std::int64_t kFeatures = 16;  // whole panels
  static_assert(kFeatures % Out::kPanelLanes == 0);
  double wide[kFeatures * kDepth];
  const Source doubles{reinterpret_cast<const unsigned char*>(wide), sizeof(double),
                       sizeof(double) * kDepth, kF64, false};
  for (std::int64_t j = 0; j < cols; j += kFeatures) {
    const std::int64_t count = cols - j < kFeatures ? cols - j : kFeatures;
    widen_block(s, row, depth, col + j, count, wide);
    pack_typed<double>(doubles, 0, depth, 0, count, out.from(j));
  }
}

template <std::int64_t kLanes, class Real>
void pack(const Source& s, std::int64_t row, std::int64_t depth, std::int64_t col,
          std::int64_t cols, const Packing& with, Real* packed) {
  const Output<kLanes, Real> out{with, packed};
  if (!s.byte_swapped) {
    switch (s.dtype) {
      case kF16:
        return pack_typed<Half>(s, row, depth, col, cols, out);
      case kBF16:
        return pack_typed<BFloat>(s, row, depth, col, cols, out);
      case kF32:
        return pack_typed<float>(s, row, depth, col, cols, out);
      case kF64:
        return pack_typed<double>(s, row, depth, col, cols, out);
      default:
        break;
    }
  }
  pack_widened(s, row, depth, col, cols, out);
}

}  // namespace
}  // namespace fastcca::simd
