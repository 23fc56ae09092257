// Measures of two blocks other than canonical correlations, each a few lines over their moments.
#pragma once

#include <vector>

#include "core/covariance.hpp"
#include "core/whitener.hpp"

namespace fastcca {

struct PlsSolution {
  std::vector<double> singular_values;  // (k,) of the cross-covariance, k = min(p, q)
  Matrix x_weights;                     // (p, k), orthonormal columns
  Matrix y_weights;                     // (q, k)
};

// Partial least squares by the SVD of the cross-covariance (Wold 1985; Wegelin 2000).
PlsSolution solve_pls(const Moments& moments, Index x, Index y);

// Linear centred kernel alignment (Kornblith et al. 2019), 0 where a block does not vary.
double linear_cka(const Moments& moments, Index x, Index y);

// Nuclear norm of X'Y over ||X|| ||Y||: how well a rotation maps one block to the other
// (Schoenemann 1966). 0 where a block does not vary.
double procrustes(const Moments& moments, Index x, Index y);

struct Regression {
  double r2 = 0.0;  // 0 where a block does not vary
  double x_condition = 1.0;
  Index x_undecided = 0;  // see WhitenerOf
};

// Share of y's variance that a linear map of x explains.
Regression linear_regression(const Moments& moments, Index x, Index y, double rank_tolerance = 0.0);
// Answers with x whitened before, without a ridge.
Regression linear_regression(const Moments& moments, Index x, Index y, const Whitener& whitener);

}  // namespace fastcca
