#include "core/symmetric_cca.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "core/host_vectors.hpp"

namespace fastcca {

namespace {

// Makes basis diag(scale) basis', with the rows of basis placed at `rows` of a (size, size) matrix.
template <class Scalar>
MatrixOf<Scalar> symmetric_product(const LinearAlgebra<Scalar>& algebra,
                                   const MatrixOf<Scalar>& basis, std::span<const double> scale,
                                   std::span<const Index> rows, Index size) {
  const auto placed = algebra.placed_rows(basis, rows, size);
  const auto scaled = algebra.scaled_columns(placed, index_range(placed.cols()), scale);
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

template SymmetricCca solve_symmetric_cca(const LinearAlgebra<double>&, const BlockCovariance&,
                                          const BlockCovariance&, const Matrix&, double);
template SymmetricCcaOf<Complex> solve_symmetric_cca(const LinearAlgebra<Complex>&,
                                                     const BlockCovarianceOf<Complex>&,
                                                     const BlockCovarianceOf<Complex>&,
                                                     const ComplexMatrix&, double);

}  // namespace fastcca
