#include "core/google_cca.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "core/host_vectors.hpp"
#include "core/whitener.hpp"

namespace fastcca {

namespace {

// Makes basis diag(scale) basis', with the rows of basis placed at `rows` of a (size, size) matrix.
template <class Scalar>
MatrixOf<Scalar> symmetric_product(const LinearAlgebra<Scalar>& algebra,
                                   const MatrixOf<Scalar>& basis, std::span<const double> scale,
                                   std::span<const Index> rows, Index size) {
  const auto placed = algebra.placed_rows(basis, rows, size);
  const auto scaled = algebra.scaled_columns(placed, scale);
  return algebra.multiply(scaled, Transpose::kNo, placed, Transpose::kYes);
}

// The inverse square root of a covariance, and how many dimensions it keeps.
template <class Scalar>
std::pair<MatrixOf<Scalar>, Index> inverse_sqrt(const LinearAlgebra<Scalar>& algebra,
                                                const BlockCovarianceOf<Scalar>& block,
                                                double epsilon) {
  const Index size = block.scatter->rows();
  const auto all = index_range(size);
  if (epsilon > 0.0) {
    const auto scale = filled(size, 1.0 / std::sqrt(block.degrees));
    auto regularized = algebra.scaled_submatrix(*block.scatter, all, scale, all, scale);
    algebra.add_to_diagonal(regularized, epsilon);
    const auto eigen = algebra.eigh(std::move(regularized));
    // A covariance has no negative eigenvalue, so what lies under epsilon is rounding.
    const auto inverse = vector_of(1.0 / array(eigen.values).max(epsilon).sqrt());
    return {symmetric_product(algebra, eigen.vectors, inverse, all, size), size};
  }
  const WhitenerOf<Scalar> whitener(algebra, block, 0.0);
  if (whitener.rank() == 0) {
    return {algebra.placed_rows(algebra.from_host(nullptr, 0, size), {}, size), 0};
  }
  // The factor's singular values are the square roots of the covariance's eigenvalues: taking them
  // from the factor keeps the digits that eigenvalues of badly scaled covariances lose.
  const auto svd = algebra.svd(whitener.factor());
  const auto inverse = vector_of(1.0 / array(svd.values));
  return {symmetric_product(algebra, svd.u, inverse, whitener.live(), size), whitener.rank()};
}

// The neurons of a block whose variance is epsilon or more, and their covariance.
template <class Scalar>
struct Kept {
  std::vector<Index> neurons;
  std::vector<double> scale;  // the root of 1 / degrees, for each of them
  MatrixOf<Scalar> covariance;
  BlockCovarianceOf<Scalar> block;

  Kept(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& whole, double epsilon)
      : block(whole) {
    const auto diagonal = algebra.diagonal(*whole.scatter);
    for (std::size_t j = 0; j < diagonal.size(); ++j) {
      if (std::abs(diagonal[j] / whole.degrees) >= epsilon) {
        neurons.push_back(static_cast<Index>(j));
      }
    }
    scale.assign(neurons.size(), 1.0 / std::sqrt(whole.degrees));
    covariance = algebra.scaled_submatrix(*whole.scatter, neurons, scale, neurons, scale);
    block.scatter = &covariance;
    block.degrees = 1.0;
    block.energy = vector_of(array(whole.energy)(neurons));
  }
};

// Divides the covariance by its largest entry, which is on its diagonal.
template <class Scalar>
BlockCovarianceOf<Scalar> over_largest(const LinearAlgebra<Scalar>& algebra,
                                       BlockCovarianceOf<Scalar> block) {
  const auto diagonal = algebra.diagonal(*block.scatter);
  const double largest = *std::max_element(diagonal.begin(), diagonal.end());
  if (largest > 0.0) {
    // Less than the variance itself a mean square cannot be.
    array(block.energy) =
        array(block.energy).max(array(diagonal) / block.degrees) / (largest / block.degrees);
    block.degrees = largest;
  }
  return block;
}

template <class Scalar>
GoogleCcaOf<Scalar> google_cca_of_scatters(const LinearAlgebra<Scalar>& algebra,
                                           const BlockCovarianceOf<Scalar>& x,
                                           const BlockCovarianceOf<Scalar>& y,
                                           const MatrixOf<Scalar>& cross, double epsilon) {
  auto out =
      google_cca(algebra, over_largest(algebra, x), over_largest(algebra, y), cross, epsilon);
  if (out.solved && std::min(out.solved->x_rank, out.solved->y_rank) == 0) {
    out.solved.reset();
  }
  return out;
}

}  // namespace

template <class Scalar>
SymmetricCcaOf<Scalar> solve_symmetric_cca(const LinearAlgebra<Scalar>& algebra,
                                           const BlockCovarianceOf<Scalar>& x,
                                           const BlockCovarianceOf<Scalar>& y,
                                           const MatrixOf<Scalar>& cross, double epsilon) {
  SymmetricCcaOf<Scalar> out;
  std::tie(out.x_inverse_sqrt, out.x_rank) = inverse_sqrt(algebra, x, epsilon);
  std::tie(out.y_inverse_sqrt, out.y_rank) = inverse_sqrt(algebra, y, epsilon);
  const auto half = algebra.multiply(out.x_inverse_sqrt, Transpose::kNo, cross, Transpose::kNo);
  auto core = algebra.multiply(half, Transpose::kNo, out.y_inverse_sqrt, Transpose::kNo);
  // An inverse root in the scale of one unit meets the covariances of another.
  const auto sums = algebra.column_abs_sums(core);
  if (!array(sums).isFinite().all()) {
    throw std::invalid_argument(
        "the features of a block are so many orders of magnitude apart that products with the "
        "inverse square root overflow float64; scale the features alike");
  }
  auto svd = algebra.full_svd(std::move(core));
  out.u = std::move(svd.u);
  out.vt = std::move(svd.vt);
  out.correlations = std::move(svd.values);
  const auto rank = static_cast<std::size_t>(std::min(out.x_rank, out.y_rank));
  for (std::size_t k = 0; k < out.correlations.size(); ++k) {
    out.correlations[k] = k < rank ? std::clamp(out.correlations[k], 0.0, 1.0) : 0.0;
  }
  return out;
}

template <class Scalar>
GoogleCcaOf<Scalar> google_cca(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& x,
                               const BlockCovarianceOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                               double epsilon) {
  Kept<Scalar> of_x(algebra, x, epsilon);
  Kept<Scalar> of_y(algebra, y, epsilon);
  GoogleCcaOf<Scalar> out;
  if (!of_x.neurons.empty() && !of_y.neurons.empty()) {
    const auto between =
        algebra.scaled_submatrix(cross, of_x.neurons, of_x.scale, of_y.neurons, of_y.scale);
    out.solved = solve_symmetric_cca(algebra, of_x.block, of_y.block, between, epsilon);
  }
  out.x_kept = std::move(of_x.neurons);
  out.y_kept = std::move(of_y.neurons);
  return out;
}

GoogleCcaOf<double> google_cca(const Moments& moments, Index x, Index y, double epsilon) {
  return google_cca_of_scatters(algebra_of<double>(moments.backend()), covariance_of(moments, x),
                                covariance_of(moments, y), moments.copy_of_cross(x, y), epsilon);
}

GoogleCcaOf<Complex> google_cca(const Moments& moments, const ComplexBlock& x,
                                const ComplexBlock& y, double epsilon,
                                const std::optional<std::vector<double>>& x_energy,
                                const std::optional<std::vector<double>>& y_energy) {
  const ComplexMatrix xx = complex_scatter(moments, x, x);
  const ComplexMatrix yy = complex_scatter(moments, y, y);
  return google_cca_of_scatters(
      moments.backend().complex(), covariance_of(moments, x, xx, x_energy),
      covariance_of(moments, y, yy, y_energy), complex_scatter(moments, x, y), epsilon);
}

GoogleWeights google_weights(const Moments& moments, Index x, Index y, double epsilon) {
  const Backend& backend = moments.backend();
  auto found = google_cca(moments, x, y, epsilon);
  if (!found.solved) {
    return {};
  }
  // The side with fewer neurons kept, x if equal.
  const bool first = found.x_kept.size() <= found.y_kept.size();
  const auto& kept = first ? found.x_kept : found.y_kept;
  const auto m = static_cast<Index>(kept.size());
  const Index side = first ? x : y;
  const Matrix coefficients =
      first ? std::move(found.solved->u) : backend.transposed(found.solved->vt);  // C'

  const auto eigen = backend.eigh(backend.submatrix(moments.scatter(side, side), kept, kept));
  const Matrix root =
      backend.scaled_columns(eigen.vectors, vector_of(array(eigen.values).max(0.0).sqrt()));  // L
  Matrix transposed = backend.zeros(2 * m, m);
  backend.set_rows(transposed, 0,
                   backend.multiply(coefficients, Transpose::kYes, root, Transpose::kNo));
  backend.set_rows(transposed, m, root);
  Matrix both = backend.placed_rows(backend.transposed(transposed), index_range(m), m + 1);
  auto offset = vector_of(array(moments.block(side).mean)(kept) *
                          std::sqrt(static_cast<double>(moments.n_samples())));
  offset.insert(offset.end(), offset.begin(), offset.begin() + m);
  backend.set_row(both, m, offset);
  Matrix triangle = backend.zeros(2 * m, 2 * m);
  backend.fold_into(triangle, std::move(both));

  const auto all = index_range(2 * m);
  const auto [top, right] =
      std::pair(std::span(all).first(kept.size()), std::span(all).last(kept.size()));
  GoogleWeights out{
      std::move(found.solved->correlations),
      backend.column_abs_sums(backend.transposed(backend.submatrix(triangle, top, right)))};
  const double total = array(out.weights).sum();
  // Every direction may be orthogonal to the uncentred neurons.
  out.weights =
      total > 0.0 ? vector_of(array(out.weights) / total) : filled(m, 1.0 / static_cast<double>(m));
  return out;
}

template SymmetricCca solve_symmetric_cca(const LinearAlgebra<double>&, const BlockCovariance&,
                                          const BlockCovariance&, const Matrix&, double);
template GoogleCcaOf<double> google_cca(const LinearAlgebra<double>&, const BlockCovariance&,
                                        const BlockCovariance&, const Matrix&, double);
template GoogleCcaOf<Complex> google_cca(const LinearAlgebra<Complex>&,
                                         const BlockCovarianceOf<Complex>&,
                                         const BlockCovarianceOf<Complex>&, const ComplexMatrix&,
                                         double);

}  // namespace fastcca
