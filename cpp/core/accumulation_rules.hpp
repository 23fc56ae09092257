// What the accumulation of every backend decides alike: which samples tell of all others, and
// whether products in single precision will do.
#pragma once

#include <span>

#include "core/types.hpp"

namespace fastcca {

inline constexpr Index kProbeRuns = 16;
inline constexpr Index kProbeRunLength = 16;
inline constexpr Index kMostProbes = kProbeRuns * kProbeRunLength;

// Calls visit(row, count) for runs of samples that are spread over the batch, so that they tell of
// all of it, whatever their order. Returns how many samples there are in them.
template <class Visit>
Index for_each_probe(Index rows, Visit visit) {
  if (rows <= kMostProbes) {
    visit(Index{0}, rows);
    return rows;
  }
  for (Index run = 0; run < kProbeRuns; ++run) {
    visit((rows - kProbeRunLength) * run / (kProbeRuns - 1), kProbeRunLength);
  }
  return kMostProbes;
}

// Between these magnitudes, and at 0, values are tame: whatever samples hold such values alone, the
// squares of their distances are 0 or far from the limits of float64.
inline constexpr double kLeastTame = 0x1p-332;
inline constexpr double kMostTame = 0x1p332;

// The power of two that brings the largest deviation of a feature's probes near 1: float32 has few
// exponents, and powers of two change no digit.
double single_scale(double largest_deviation);

// What single precision has found of every feature: sums of shifted samples, sums of squares of
// these times scale.
struct SingleTotals {
  std::span<const double> sums;
  std::span<const double> squares;
  std::span<const double> shift;
  std::span<const double> scale;
};

// Whether float32 can hold the samples of every feature: their squares in range, by Cauchy and
// Schwarz with them all products, and their mean at most half their spread, since what a mean takes
// from the products it takes from their digits.
bool fits_single(const SingleTotals& found, Index rows);

}  // namespace fastcca
