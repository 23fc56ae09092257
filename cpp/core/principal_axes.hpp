// Principal component analysis of one block, and how many of its axes to keep.
#pragma once

#include <cstdint>
#include <vector>

#include "core/spectrum.hpp"
#include "core/units.hpp"

namespace fastcca {

// Principal axes of a block in its own scale.
template <class Scalar>
struct PrincipalAxesOf {
  std::vector<double> variances;  // of the live units, descending, 0 or more
  MatrixOf<Scalar> axes;          // (p, live), a column per variance, dead units exactly 0
  std::vector<Index> real;        // axes whose variance is more than rounding, in their order
  Index undecided = 0;            // others that the covariance has lost, as of WhitenerOf
  std::vector<Index> dead;        // units without variance
};
using PrincipalAxes = PrincipalAxesOf<double>;

template <class Scalar>
PrincipalAxesOf<Scalar> principal_axes(const LinearAlgebra<Scalar>& algebra,
                                       const BlockCovarianceOf<Scalar>& block);

PrincipalAxes principal_axes(const Moments& moments, Index block, double rank_tolerance);

// Makes them of the spectrum of live units in their own scale.
template <class Scalar>
PrincipalAxesOf<Scalar> principal_axes(const LinearAlgebra<Scalar>& algebra, const Units& units,
                                       const SpectrumOf<Scalar>& spectrum);

// How many leading principal axes to keep.
struct Truncation {
  enum class By : std::uint8_t { kVariance, kSingularValues, kCount };
  By by = By::kVariance;
  double share = 1.0;  // of the summed variances, or singular values, of the axes that are real
  Index count = 0;
};

// Whether a truncation would keep more than so many real axes, were there more.
bool wants_more(const Truncation& truncation, Index real);

// The leading axes that are more than rounding: as many as reach the share, the one that does
// included.
template <class Scalar>
std::vector<Index> kept_axes(const PrincipalAxesOf<Scalar>& axes, const Truncation& truncation);

}  // namespace fastcca
