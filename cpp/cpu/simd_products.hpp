// The rank-k update of one SIMD unit, in double precision.
#pragma once

#include "cpu/simd_vectors.hpp"

namespace fastcca::simd {
namespace {

// A register tile: kVectors row panels against one column panel, all samples of the block.
template <int kLanes, int kVectors>
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

template <int kLanes, int kRowVectors>
void update(const double* a, std::int64_t panels, const double* b, std::int64_t depth, double* c,
            std::int64_t ldc) {
  for_row_panels<kRowVectors>(0, panels, [&]<int kVectors>(std::int64_t i) {
    update_tile<kLanes, kVectors>(a + i * kDepth * kLanes, b, depth, c + i * kLanes, ldc);
  });
}

}  // namespace
}  // namespace fastcca::simd
