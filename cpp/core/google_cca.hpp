// The quantities of google/svcca that no paper defines, from moments.
#pragma once

#include <optional>
#include <vector>

#include "core/block.hpp"
#include "core/symmetric_cca.hpp"

namespace fastcca {

template <class Scalar>
struct GoogleCcaOf {
  // Over the neurons kept; nothing where a side keeps none.
  std::optional<SymmetricCcaOf<Scalar>> solved;
  std::vector<Index> x_kept, y_kept;  // neurons whose variance is `epsilon` or more
};

// ``compute_ccas`` of given covariances: drops neurons, and solves the CCA of what is left. `cross`
// is the (p, q) covariance.
template <class Scalar>
GoogleCcaOf<Scalar> google_cca(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& x,
                               const BlockCovarianceOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                               double epsilon);

// ``get_cca_similarity``: the same of covariances over their largest entry, and nothing where a
// side does not vary. `pair` may come in any order.
template <class Scalar>
GoogleCcaOf<Scalar> google_cca(const LinearAlgebra<Scalar>& algebra, BlockPairOf<Scalar> pair,
                               double epsilon);

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
