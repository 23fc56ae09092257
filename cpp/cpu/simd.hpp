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

// The widest panel of any level has so many features: that of floats in AVX-512.
inline constexpr std::int64_t kMostLanes = 16;

// These are the values of fastcca::DType.
enum : std::uint8_t { kF16, kBF16, kF32, kF64, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64 };

struct Source {
  const unsigned char* data;  // of sample 0, feature 0
  std::int64_t row_stride;    // bytes from sample to sample
  std::int64_t col_stride;    // bytes from feature to feature
  int dtype;
  bool byte_swapped;
};

// What becomes of samples as they are packed, one number for each of their features. Scales and
// squares are of single precision alone.
struct Packing {
  const double* shift;  // subtracted from them
  const double* scale;  // times what is left, before it is rounded to float
  double* sums;         // what is left is added to these, one sample after another
  double* squares;      // the squares of what is scaled, before it is rounded, to these
};

// Real is what samples are packed as, and multiplied in. A packed block is a row of panels, each
// (kDepth, lanes) with the lanes of a sample next to each other.
template <class Real>
struct Kernels {
  std::int64_t lanes;  // features per panel

  // Packs samples [row, row + depth) of features [col, col + cols) into the panels from `packed`
  // on, the last panel's unused lanes as zeros.
  void (*pack)(const Source& source, std::int64_t row, std::int64_t depth, std::int64_t col,
               std::int64_t cols, const Packing& with, Real* packed);

  // c += a' b for `panels` row panels from a on and the column panel b of the same packed block of
  // samples; c is column-major.
  void (*update)(const Real* a, std::int64_t panels, const Real* b, std::int64_t depth, double* c,
                 std::int64_t ldc);
};

struct Level {
  const char* name;
  Kernels<double> doubles;
  Kernels<float> singles;  // in panels of twice as many features
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
