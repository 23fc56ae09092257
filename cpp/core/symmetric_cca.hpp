// CCA by symmetric inverse square roots, the form in which google/svcca returns its coefficients.
#pragma once

#include <vector>

#include "core/backend.hpp"
#include "core/whitener.hpp"

namespace fastcca {

template <class Scalar>
struct SymmetricCcaOf {
  MatrixOf<Scalar> u;                // (p, p)
  std::vector<double> correlations;  // (min(p, q),), zero beyond the smaller rank
  MatrixOf<Scalar> vt;               // (q, q)
  MatrixOf<Scalar> x_inverse_sqrt;   // (p, p)
  MatrixOf<Scalar> y_inverse_sqrt;   // (q, q)
  Index x_rank = 0;                  // dimensions that the inverse square roots keep
  Index y_rank = 0;
};
using SymmetricCca = SymmetricCcaOf<double>;

// `cross` is the (p, q) covariance. With epsilon > 0 it is added to the diagonal of both
// covariances, and nothing else is removed; at epsilon = 0 the rank rule decides, and the inverse
// square roots are those of the kept directions.
template <class Scalar>
SymmetricCcaOf<Scalar> solve_symmetric_cca(const LinearAlgebra<Scalar>& algebra,
                                           const BlockCovarianceOf<Scalar>& x,
                                           const BlockCovarianceOf<Scalar>& y,
                                           const MatrixOf<Scalar>& cross, double epsilon);

}  // namespace fastcca
