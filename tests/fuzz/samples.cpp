// Views of arbitrary values in any layout, as the bytes of an input say.
#include <algorithm>
#include <cmath>
#include <limits>

#include "fuzz.hpp"

namespace fastcca::fuzz {

namespace {

constexpr Index kDTypes = 12;

// Random numbers that are cheap to start (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  // Nearly normal.
  double normal() {
    const std::uint64_t b = bits();
    const auto part = [b](unsigned shift) {
      return static_cast<double>((b >> shift) & 0xffffU) * 0x1p-16;
    };
    return (part(0) + part(16) + part(32) + part(48) - 2.0) * std::sqrt(3.0);
  }

 private:
  std::uint64_t state_;
};

class Source {
 public:
  Source(Values kind, std::uint32_t seed) : kind_(kind), random_(seed), seed_(seed) {}

  double next(Index row, Index col) {
    using Limits = std::numeric_limits<double>;
    switch (kind_) {
      case Values::kDependent: {
        Random of_row(static_cast<std::uint64_t>(row) * 77 + seed_ % 5);
        const double a = of_row.normal();
        return a * static_cast<double>(col + 1) + of_row.normal() * static_cast<double>(col % 3);
      }
      case Values::kOffset:
        return std::ldexp(1.0, static_cast<int>(seed_ % 60)) + random_.normal();
      case Values::kScaled:
        return std::ldexp(
            random_.normal(),
            static_cast<int>((seed_ + static_cast<std::uint64_t>(col) * 611) % 2000) - 1000);
      case Values::kExtreme:
      case Values::kNonFinite: {
        constexpr std::array<double, 16> kNumbers{0.0,
                                                  -0.0,
                                                  1.0,
                                                  Limits::denorm_min(),
                                                  -Limits::denorm_min(),
                                                  Limits::min(),
                                                  1e-160,
                                                  1e-154,
                                                  6e-8,
                                                  65504.0,
                                                  1e154,
                                                  9e153,
                                                  -1e153,
                                                  1e160,
                                                  3.4e38,
                                                  Limits::max()};
        const std::uint64_t b = random_.bits();
        if (kind_ == Values::kNonFinite && b % 16 == 0) {
          return (b >> 8U) % 2 == 0 ? Limits::infinity() : Limits::quiet_NaN();
        }
        // A few of them at a time, or else nearly every input overflows.
        const std::uint64_t from = seed_ % kNumbers.size();
        return kNumbers[(from + (b >> 16U) % 3) % kNumbers.size()];
      }
      default:
        return random_.normal();
    }
  }

  void raw(unsigned char* to, Index size, Reader& in) {
    for (Index i = 0; i < size; ++i) {
      to[i] = in.empty() ? static_cast<unsigned char>(random_.bits()) : in.byte();
    }
  }

 private:
  Values kind_;
  Random random_;
  std::uint32_t seed_;
};

std::uint16_t half_of(double value) {
  const auto single = static_cast<float>(value);
  const auto bits = std::bit_cast<std::uint32_t>(single);
  const auto sign = static_cast<std::uint16_t>((bits >> 16U) & 0x8000U);
  const float magnitude = std::abs(single);
  if (std::isnan(single)) {
    return 0x7e01U;
  }
  if (magnitude >= 65520.0F) {
    return static_cast<std::uint16_t>(sign | 0x7c00U);
  }
  if (magnitude < 0x1p-14F) {
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(magnitude * 0x1p24F));
  }
  return static_cast<std::uint16_t>(sign | (((bits & 0x7fffffffU) - 0x38000000U) >> 13U));
}

std::uint16_t bfloat_of(double value) {
  const auto single = static_cast<float>(value);
  const auto bits = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(single) >> 16U);
  return std::isnan(single) ? 0x7fc1U : bits;
}

template <class T>
T clamped(double value) {
  if (std::isnan(value)) {
    return 0;
  }
  const double scaled = value * 16.0;
  // The upper limit of 64 bits is not a double: one power of two below is safe.
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double high = static_cast<double>(std::numeric_limits<T>::max() / 2);
  return static_cast<T>(std::clamp(scaled, low, high));
}

template <class T>
void put(unsigned char* to, T value, bool swapped) {
  std::array<unsigned char, sizeof(T)> bytes = std::bit_cast<decltype(bytes)>(value);
  if (swapped) {
    std::reverse(bytes.begin(), bytes.end());
  }
  std::copy(bytes.begin(), bytes.end(), to);
}

float to_float(double value) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return std::isfinite(value) ? static_cast<float>(std::clamp(value, -kLargest, kLargest))
                              : static_cast<float>(value);
}

void put(unsigned char* to, double value, DType dtype, bool swapped) {
  switch (dtype) {
    case DType::kFloat16:
      return put(to, half_of(to_float(value)), swapped);
    case DType::kBFloat16:
      return put(to, bfloat_of(to_float(value)), swapped);
    case DType::kFloat32:
      return put(to, to_float(value), swapped);
    case DType::kFloat64:
      return put(to, value, swapped);
    case DType::kInt8:
      return put(to, clamped<std::int8_t>(value), swapped);
    case DType::kInt16:
      return put(to, clamped<std::int16_t>(value), swapped);
    case DType::kInt32:
      return put(to, clamped<std::int32_t>(value), swapped);
    case DType::kInt64:
      return put(to, clamped<std::int64_t>(value), swapped);
    case DType::kUInt8:
      return put(to, clamped<std::uint8_t>(value), swapped);
    case DType::kUInt16:
      return put(to, clamped<std::uint16_t>(value), swapped);
    case DType::kUInt32:
      return put(to, clamped<std::uint32_t>(value), swapped);
    default:
      return put(to, clamped<std::uint64_t>(value), swapped);
  }
}

void choose_strides(ArrayView& view, Reader& in) {
  const Index size = size_of(view.dtype);
  view.row_stride = view.cols * size;
  view.col_stride = size;
  const auto any_stride = [&in] { return in.below(96) - 48; };
  switch (in.below(12)) {
    case 4:
      view.row_stride = size;
      view.col_stride = view.rows * size;
      break;
    case 5:
      view.row_stride = -view.row_stride;
      break;
    case 6:
      view.col_stride = -view.col_stride;
      break;
    case 7:
      view.row_stride = 0;
      break;
    case 8:
      view.col_stride = 0;
      break;
    case 9:
      view.row_stride = any_stride();
      view.col_stride = any_stride();
      break;
    case 10: {  // folded, its samples next to each other
      view.run = 1 + in.below(view.rows);
      view.run_stride = view.run * view.row_stride;
      view.runs_per_outer = 1 + in.below(4);
      view.outer_stride = view.runs_per_outer * view.run_stride;
      break;
    }
    case 11:
      view.row_stride = any_stride();
      view.col_stride = any_stride();
      view.run = 1 + in.below(view.rows);
      view.run_stride = any_stride();
      view.runs_per_outer = 1 + in.below(4);
      view.outer_stride = any_stride();
      break;
    default:
      break;
  }
}

Index offset_of(const ArrayView& view, Index row, Index col) {
  const Index run = view.run > 0 ? view.run : view.rows;
  const Index index = row / run;
  return index / view.runs_per_outer * view.outer_stride +
         index % view.runs_per_outer * view.run_stride + row % run * view.row_stride +
         col * view.col_stride;
}

}  // namespace

Samples read_samples(Reader& in, Index rows, Index cols) {
  Samples out;
  ArrayView& view = out.view;
  view.dtype = static_cast<DType>(in.below(kDTypes));
  view.byte_swapped = in.rarely(4);
  if (in.rarely(8)) {
    view.rounded_to = kPrecisions[static_cast<std::size_t>(in.below(Index{kPrecisions.size()}))];
  }
  view.rows = rows;
  view.cols = cols;
  if (rows < 1 || cols < 1) {
    return out;  // nothing that could be read, which must be refused unread
  }
  choose_strides(view, in);
  const auto kind = static_cast<Values>(in.below(kValueKinds));
  Source source(kind, in.bits<std::uint32_t>());

  Index low = 0;
  Index high = 0;
  for (Index i = 0; i < rows; ++i) {
    for (const Index j : {Index{0}, cols - 1}) {
      low = std::min(low, offset_of(view, i, j));
      high = std::max(high, offset_of(view, i, j));
    }
  }
  const Index size = size_of(view.dtype);
  const auto extent = static_cast<std::size_t>(high - low + size);
  out.bytes = std::make_unique<unsigned char[]>(extent);
  view.data = out.bytes.get() - low;
  if (kind == Values::kArbitrary) {
    source.raw(out.bytes.get(), high - low + size, in);
    return out;
  }
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      put(out.bytes.get() - low + offset_of(view, i, j), source.next(i, j), view.dtype,
          view.byte_swapped);
    }
  }
  return out;
}

}  // namespace fastcca::fuzz
