// The rank-k update, a part of one SIMD unit, in double and in single precision.
#pragma once

#include "cpu/simd_vectors.hpp"

namespace fastcca::simd {
namespace {

// A register tile: kVectors row panels against one column panel, all samples of the block.
template <std::int64_t kLanes, int kVectors>
inline void update_tile(const double* a, const double* b, std::int64_t depth, double* c,
                        std::int64_t ldc) {
  // What is added to at the end is fetched meanwhile.
  for (std::int64_t j = 0; j < kLanes; ++j) {
    for (int i = 0; i < kVectors; ++i) {
      __builtin_prefetch(c + j * ldc + i * kLanes, 1);
    }
  }
  using Vec = Vector<double, kLanes>;
  Vec acc[kLanes][kVectors];
  for (std::int64_t j = 0; j < kLanes; ++j) {
    for (int i = 0; i < kVectors; ++i) {
      acc[j][i] = Vec{};
    }
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    Vec rows[kVectors];
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) {
      rows[i] = load<Vec>(a + i * kDepth * kLanes + k * kLanes);
    }
#pragma GCC unroll 8
    for (std::int64_t j = 0; j < kLanes; ++j) {
      const double factor = b[k * kLanes + j];
#pragma GCC unroll 8
      for (int i = 0; i < kVectors; ++i) {
        acc[j][i] += rows[i] * factor;
      }
    }
  }
  for (std::int64_t j = 0; j < kLanes; ++j) {
    for (int i = 0; i < kVectors; ++i) {
      double* out = c + j * ldc + i * kLanes;
      store(out, load<Vec>(out) + acc[j][i]);
    }
  }
}

// Calls tile<k>(i) for k row panels from i on, as many at once as there are registers for.
template <int kVectors, class Tile>
inline void for_row_panels(std::int64_t i, std::int64_t panels, const Tile& tile) {
  for (; i + kVectors <= panels; i += kVectors) {
    tile.template operator()<kVectors>(i);
  }
  if constexpr (kVectors > 1) {
    for_row_panels<(kVectors > 4 ? kVectors / 2 : kVectors - 1)>(i, panels, tile);
  }
}

template <std::int64_t kLanes, int kRowVectors>
void update(const double* a, std::int64_t panels, const double* b, std::int64_t depth, double* c,
            std::int64_t ldc) {
  for_row_panels<kRowVectors>(0, panels, [&]<int kVectors>(std::int64_t i) {
    update_tile<kLanes, kVectors>(a + i * kDepth * kLanes, b, depth, c + i * kLanes, ldc);
  });
}

// ---- single precision: in float for a few samples at a time, in double from there on -----------

// A register tile: its accumulators, and what a sample of them is made from, fit into registers.
template <int kRowVectors>
constexpr int kSingleRows = kRowVectors < 4 ? kRowVectors : 4;
template <std::int64_t kLanes>
constexpr std::int64_t kSingleColumns = kLanes == 8 ? 8 : 4;

// A loop, which must not be unrolled before it is made into vectors: of the conversion of a whole
// vector GCC makes twice as many of half the size.
template <std::int64_t kLanes>
inline void add_to(double* out, Vector<float, 2 * kLanes> v) {
  constexpr std::int64_t kSingleLanes = 2 * kLanes;
  float values[kSingleLanes];
  __builtin_memcpy(values, &v, sizeof(v));
#ifndef __clang__  // which makes vectors of it as it is, and does not know the first of these
#pragma GCC ivdep
#pragma GCC unroll 1
#endif
  for (std::int64_t i = 0; i < kSingleLanes; ++i) {
    out[i] += static_cast<double>(values[i]);
  }
}

// Loops over a register tile are unrolled wholly: what GCC has not unrolled before it gives out
// registers it keeps in memory, the accumulators of a run among it.
template <std::int64_t kLanes, int kVectors>
struct SingleTile {
  static constexpr std::int64_t kSingleLanes = 2 * kLanes;
  static constexpr std::int64_t kColumns = kSingleColumns<kLanes>;
  using SingleVec = Vector<float, 2 * kLanes>;

  SingleVec at[kColumns][kVectors];

  void clear() {
#pragma GCC unroll 8
    for (auto& column : at) {
#pragma GCC unroll 8
      for (SingleVec& v : column) {
        v = SingleVec{};
      }
    }
  }

  void add(const SingleTile& other) {
#pragma GCC unroll 8
    for (std::int64_t j = 0; j < kColumns; ++j) {
#pragma GCC unroll 8
      for (int i = 0; i < kVectors; ++i) {
        at[j][i] += other.at[j][i];
      }
    }
  }

  void add_products(const float* a, const float* b, std::int64_t samples) {
#pragma GCC unroll 2
    for (std::int64_t k = 0; k < samples; ++k) {
      SingleVec rows[kVectors];
#pragma GCC unroll 8
      for (int i = 0; i < kVectors; ++i) {
        rows[i] = load<SingleVec>(a + i * kDepth * kSingleLanes + k * kSingleLanes);
      }
#pragma GCC unroll 8
      for (std::int64_t j = 0; j < kColumns; ++j) {
#pragma GCC unroll 8
        for (int i = 0; i < kVectors; ++i) {
          at[j][i] += rows[i] * b[k * kSingleLanes + j];
        }
      }
    }
  }
};

// kVectors row panels against some columns of a panel. Sums of samples that are alike, as
// zeros of a sparse layer are, round to the same side again and again, in proportion to what they
// have grown to: so they are of few terms each, and of few such sums, before they are of doubles.
template <std::int64_t kLanes, int kVectors>
__attribute__((noinline)) void update_single_tile(const float* a, const float* b,
                                                  std::int64_t depth, double* c, std::int64_t ldc) {
  using Tile = SingleTile<kLanes, kVectors>;
  constexpr std::int64_t kSingleLanes = Tile::kSingleLanes;
  constexpr std::int64_t kColumns = Tile::kColumns;
  // What is added to at the end is fetched meanwhile: it is twice as large as what is multiplied.
  for (std::int64_t j = 0; j < kColumns; ++j) {
    for (int i = 0; i < kVectors; ++i) {
      __builtin_prefetch(c + j * ldc + i * kSingleLanes, 1);
    }
  }
  Tile total;
  total.clear();
  for (std::int64_t k = 0; k < depth; k += kSingleRun) {
    const std::int64_t samples = depth - k < kSingleRun ? depth - k : kSingleRun;
    Tile run;
    run.clear();
    run.add_products(a + k * kSingleLanes, b + k * kSingleLanes, samples);
    total.add(run);
  }
  for (std::int64_t j = 0; j < kColumns; ++j) {
    for (int i = 0; i < kVectors; ++i) {
      add_to<kLanes>(c + j * ldc + i * kSingleLanes, total.at[j][i]);
    }
  }
}

template <std::int64_t kLanes, int kRowVectors>
void update_single(const float* a, std::int64_t panels, const float* b, std::int64_t depth,
                   double* c, std::int64_t ldc) {
  constexpr std::int64_t kSingleLanes = 2 * kLanes;
  for (std::int64_t j = 0; j < kSingleLanes; j += kSingleColumns<kLanes>) {
    for_row_panels<kSingleRows<kRowVectors>>(0, panels, [&]<int kVectors>(std::int64_t i) {
      update_single_tile<kLanes, kVectors>(a + i * kDepth * kSingleLanes, b + j, depth,
                                           c + j * ldc + i * kSingleLanes, ldc);
    });
  }
}

}  // namespace
}  // namespace fastcca::simd
