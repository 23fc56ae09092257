// CCA by symmetric inverse square roots, the form in which google/svcca returns its coefficients.
#pragma once

#include <vector>

#include "core/backend.hpp"
#include "core/whitener.hpp"

namespace fastcca {

struct SymmetricCca {
  Matrix u;                          // (p, p)
  std::vector<double> correlations;  // (min(p, q),), zero beyond the smaller rank
  Matrix vt;                         // (q, q)
  Matrix x_inverse_sqrt;             // (p, p)
  Matrix y_inverse_sqrt;             // (q, q)
  Index x_rank = 0;                  // dimensions that the inverse square roots keep
  Index y_rank = 0;
};

// `cross` is the (p, q) covariance. With epsilon > 0 it is added to the diagonal of both
// covariances, and nothing else is removed; at epsilon = 0 the rank rule decides, and the inverse
// square roots are those of the kept directions.
SymmetricCca solve_symmetric_cca(const Backend& backend, const BlockCovariance& x,
                                 const BlockCovariance& y, const Matrix& cross, double epsilon);

}  // namespace fastcca
