// The measures that invert a covariance, from the triangular factor, which keeps the digits that a
// covariance loses.
#pragma once

#include "core/cca.hpp"
#include "core/measures.hpp"
#include "core/qr_factor.hpp"

namespace fastcca {

// Canonical correlations as cosines between orthonormal bases (Bjorck & Golub 1973), the bases
// from the singular value decomposition of the columns of R: unit-scaled, or in their own scale
// where a truncation is asked for. It decides the rank with the digits of the data.
CcaSolution solve_cca(const QrFactor& factor, Index x, Index y, const CcaOptions& options);

// Principal axes of a block, by the singular values of the data in place of their squares.
PrincipalAxes principal_axes(const QrFactor& factor, Index block, double rank_tolerance);

Regression linear_regression(const QrFactor& factor, Index x, Index y, double rank_tolerance);

// R'R: the moments of the same samples, for what needs no more.
Moments moments_of(const QrFactor& factor);

}  // namespace fastcca
