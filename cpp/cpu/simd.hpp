// What one instruction set offers to the accumulation: packing and the rank-k update.
// Plain pointers and integers only, because the units that implement it include nothing else.
#pragma once

#include <cstdint>

namespace fastcca::simd {

// Samples per packed block: a panel of it stays in the first-level cache.
inline constexpr std::int64_t kDepth = 256;

// Single precision adds up the products of so many samples, and then the sums of a block, before
// they join a sum in double.
inline constexpr std::int64_t kSingleRun = 32;

// Features of the widest panel of any level, that of floats in AVX-512.
inline constexpr std::int64_t kMostLanes = 16;

// Same values as fastcca::DType.
enum : std::uint8_t { kF16, kBF16, kF32, kF64, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64 };

struct Source {
  const unsigned char* data;  // of sample 0, feature 0
  std::int64_t row_stride;    // bytes from sample to sample
  std::int64_t col_stride;    // bytes from feature to feature
  int dtype;
  bool byte_swapped;
};

struct Level {
  const char* name;
  // Features per panel. A packed block is a row of panels, each (kDepth, lanes) with the lanes of a
  // sample next to each other.
  std::int64_t lanes;

  // Packs samples [row, row + depth) of features [col, col + cols) minus shift[0..cols) into the
  // panels from `packed` on, the last panel's unused lanes as zeros, and adds the samples to
  // sums[0..cols) one after another.
  void (*pack)(const Source& source, std::int64_t row, std::int64_t depth, std::int64_t col,
               std::int64_t cols, const double* shift, double* packed, double* sums);

  // c += a' b for `panels` row panels from a on and the column panel b of the same packed block of
  // samples; c is column-major.
  void (*update)(const double* a, std::int64_t panels, const double* b, std::int64_t depth,
                 double* c, std::int64_t ldc);

  // Single precision, in panels of 2 * lanes features: as `pack`, then times scale[0..cols) and
  // rounded to float; adds squares before they are rounded to squares[0..cols).
  void (*pack_single)(const Source& source, std::int64_t row, std::int64_t depth, std::int64_t col,
                      std::int64_t cols, const double* shift, const double* scale, float* packed,
                      double* sums, double* squares);

  // As `update`, of panels that `pack_single` made.
  void (*update_single)(const float* a, std::int64_t panels, const float* b, std::int64_t depth,
                        double* c, std::int64_t ldc);
};

extern const Level kBaseline;
#ifdef FASTCCA_X86_SIMD
extern const Level kAvx2;
extern const Level kAvx512;
#endif
#ifdef FASTCCA_ARM_SIMD
extern const Level kNeon;
#endif

// The best level of this machine, or the one that FASTCCA_SIMD names ("baseline", "avx2",
// "avx512", "neon"). Throws where the machine does not have it.
const Level& level();

}  // namespace fastcca::simd
