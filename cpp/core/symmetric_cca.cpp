#include "core/symmetric_cca.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastcca {

namespace {

// basis diag(scale) basis', with the rows of basis placed at `rows` of a (size, size) matrix.
Matrix symmetric_product(const Backend& backend, const Matrix& basis, std::span<const double> scale,
                         std::span<const Index> rows, Index size) {
  const std::vector<double> ones(rows.size(), 1.0);
  const Matrix placed = backend.scattered_rows(basis, rows, ones, size);
  const Matrix scaled = backend.scaled_columns(placed, index_range(placed.cols()), scale);
  return backend.multiply(scaled, Transpose::kNo, placed, Transpose::kYes);
}

struct InverseSqrt {
  Matrix matrix;
  Index rank = 0;
};

// The factor's singular values are the square roots of the covariance's eigenvalues: taking them
// from the factor keeps the digits that eigenvalues of badly scaled covariances lose.
InverseSqrt inverse_sqrt_of_kept(const Backend& backend, const BlockCovariance& block) {
  const Whitener whitener(backend, block, 0.0);
  if (whitener.rank() == 0) {
    return {backend.scattered_rows(backend.from_host(nullptr, 0, whitener.size()), {}, {},
                                   whitener.size()),
            0};
  }
  const Svd svd = backend.svd(whitener.factor());
  std::vector<double> inverse(svd.values.size());
  std::transform(svd.values.begin(), svd.values.end(), inverse.begin(),
                 [](double s) { return 1.0 / s; });
  return {symmetric_product(backend, svd.u, inverse, whitener.live(), whitener.size()),
          whitener.rank()};
}

InverseSqrt inverse_sqrt_with_epsilon(const Backend& backend, const BlockCovariance& block,
                                      double epsilon) {
  const Index size = block.scatter->rows();
  const std::vector<double> scale(static_cast<std::size_t>(size), 1.0 / std::sqrt(block.degrees));
  Matrix regularized =
      backend.scaled_submatrix(*block.scatter, index_range(size), scale, index_range(size), scale);
  backend.add_to_diagonal(regularized, epsilon);
  const EigenDecomposition eigen = backend.eigh(std::move(regularized));
  // A covariance has no negative eigenvalue, so what lies under epsilon is rounding.
  std::vector<double> inverse(eigen.values.size());
  std::transform(eigen.values.begin(), eigen.values.end(), inverse.begin(),
                 [epsilon](double v) { return 1.0 / std::sqrt(std::max(v, epsilon)); });
  return {symmetric_product(backend, eigen.vectors, inverse, index_range(size), size), size};
}

InverseSqrt inverse_sqrt(const Backend& backend, const BlockCovariance& block, double epsilon) {
  return epsilon > 0.0 ? inverse_sqrt_with_epsilon(backend, block, epsilon)
                       : inverse_sqrt_of_kept(backend, block);
}

}  // namespace

SymmetricCca solve_symmetric_cca(const Backend& backend, const BlockCovariance& x,
                                 const BlockCovariance& y, const Matrix& cross, double epsilon) {
  SymmetricCca out;
  InverseSqrt x_root = inverse_sqrt(backend, x, epsilon);
  InverseSqrt y_root = inverse_sqrt(backend, y, epsilon);
  out.x_inverse_sqrt = std::move(x_root.matrix);
  out.y_inverse_sqrt = std::move(y_root.matrix);
  out.x_rank = x_root.rank;
  out.y_rank = y_root.rank;
  const Matrix half = backend.multiply(out.x_inverse_sqrt, Transpose::kNo, cross, Transpose::kNo);
  Svd svd =
      backend.full_svd(backend.multiply(half, Transpose::kNo, out.y_inverse_sqrt, Transpose::kNo));
  out.u = std::move(svd.u);
  out.vt = std::move(svd.vt);
  out.correlations = std::move(svd.values);
  const auto rank = static_cast<std::size_t>(std::min(out.x_rank, out.y_rank));
  for (std::size_t k = 0; k < out.correlations.size(); ++k) {
    out.correlations[k] = k < rank ? std::clamp(out.correlations[k], 0.0, 1.0) : 0.0;
  }
  return out;
}

}  // namespace fastcca
