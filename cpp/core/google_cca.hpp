// The quantities of google/svcca: symmetric CCA, and what no paper defines.
#pragma once

#include <optional>
#include <vector>

#include "core/covariance.hpp"

namespace fastcca {

// CCA by symmetric inverse square roots of the covariances.
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

template <class Scalar>
struct GoogleCcaOf {
  // Over the neurons kept; nothing where a side keeps none.
  std::optional<SymmetricCcaOf<Scalar>> solved;
  std::vector<Index> x_kept, y_kept;  // neurons whose variance is `epsilon` or more
};

// ``compute_ccas`` of given covariances: drops neurons, and solves the CCA of what is left. `cross`
// (p, q) is the covariance times the square root of the degrees of both blocks.
template <class Scalar>
GoogleCcaOf<Scalar> google_cca(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& x,
                               const BlockCovarianceOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                               double epsilon);

// ``get_cca_similarity``: the same of covariances over their largest entry, and nothing where a
// side does not vary.
GoogleCcaOf<double> google_cca(const Moments& moments, Index x, Index y, double epsilon);

// The same of complex samples; energies are those of covariance_of.
GoogleCcaOf<Complex> google_cca(const Moments& moments, const ComplexBlock& x,
                                const ComplexBlock& y, double epsilon,
                                const std::optional<std::vector<double>>& x_energy,
                                const std::optional<std::vector<double>>& y_energy);

struct GoogleWeights {
  std::vector<double> correlations;
  std::vector<double> weights;  // (k,) of sum 1; both empty where a side does not vary
};

// ``compute_pwcca``. There the "directions" are D = Xc C' + 1 m', with C the coefficients without
// the inverse square root and m the means of the neurons; the weights are absolute row sums of P'
// X, with P an orthonormal basis of D by QR and X uncentred. With Xc'Xc = L L' all of that follows
// from small matrices: B = [L' C'; sqrt(n) m'] has B'B = D'D, E = [L'; sqrt(n) m'] has B'E = D'X,
// and so P'X is what a QR of [B E] leaves above E. Where all of it vanishes, and the original
// divides by 0, weights are equal.
GoogleWeights google_weights(const Moments& moments, Index x, Index y, double epsilon);

}  // namespace fastcca
