#include "core/google_cca.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fastcca {

namespace {

std::vector<double> ones(std::size_t n) { return std::vector<double>(n, 1.0); }

// The neurons of a block whose variance is epsilon or more, and their covariance.
template <class Scalar>
struct Kept {
  std::vector<Index> neurons;
  std::vector<double> root_degrees;  // for each of them
  MatrixOf<Scalar> covariance;

  Kept(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block,
       double epsilon) {
    const auto diagonal = algebra.diagonal(*block.scatter);
    for (std::size_t j = 0; j < diagonal.size(); ++j) {
      if (std::abs(diagonal[j] / block.degrees) >= epsilon) {
        neurons.push_back(static_cast<Index>(j));
      }
    }
    root_degrees.assign(neurons.size(), 1.0 / std::sqrt(block.degrees));
    covariance =
        algebra.scaled_submatrix(*block.scatter, neurons, root_degrees, neurons, root_degrees);
  }

  BlockCovarianceOf<Scalar> block(const BlockCovarianceOf<Scalar>& whole) const {
    BlockCovarianceOf<Scalar> out = whole;
    out.scatter = &covariance;
    out.degrees = 1.0;
    out.energy.clear();
    for (const Index j : neurons) {
      out.energy.push_back(whole.energy[static_cast<std::size_t>(j)]);
    }
    return out;
  }
};

// Divides the covariance by its largest entry, which is on its diagonal.
template <class Scalar>
void divide_by_largest(const LinearAlgebra<Scalar>& algebra, BlockCovarianceOf<Scalar>& block) {
  const auto diagonal = algebra.diagonal(*block.scatter);
  const double largest = *std::max_element(diagonal.begin(), diagonal.end());
  if (largest > 0.0) {
    for (std::size_t j = 0; j < diagonal.size(); ++j) {
      // Less than the variance itself a mean square cannot be.
      const double energy = std::max(block.energy[j], diagonal[j] / block.degrees);
      block.energy[j] = energy / (largest / block.degrees);
    }
    block.degrees = largest;
  }
}

}  // namespace

template <class Scalar>
GoogleCcaOf<Scalar> google_cca(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& x,
                               const BlockCovarianceOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                               double epsilon) {
  Kept<Scalar> of_x(algebra, x, epsilon);
  Kept<Scalar> of_y(algebra, y, epsilon);
  GoogleCcaOf<Scalar> out;
  if (!of_x.neurons.empty() && !of_y.neurons.empty()) {
    const auto between = algebra.scaled_submatrix(cross, of_x.neurons, ones(of_x.neurons.size()),
                                                  of_y.neurons, ones(of_y.neurons.size()));
    out.solved = solve_symmetric_cca(algebra, of_x.block(x), of_y.block(y), between, epsilon);
  }
  out.x_kept = std::move(of_x.neurons);
  out.y_kept = std::move(of_y.neurons);
  return out;
}

template <class Scalar>
GoogleCcaOf<Scalar> google_cca(const LinearAlgebra<Scalar>& algebra, BlockPairOf<Scalar> pair,
                               double epsilon) {
  divide_by_largest(algebra, pair.rows);
  divide_by_largest(algebra, pair.cols);
  const auto all_rows = index_range(pair.cross->rows());
  const auto all_cols = index_range(pair.cross->cols());
  const std::vector<double> row_scale(all_rows.size(), 1.0 / std::sqrt(pair.rows.degrees));
  const std::vector<double> col_scale(all_cols.size(), 1.0 / std::sqrt(pair.cols.degrees));
  auto cross = algebra.scaled_submatrix(*pair.cross, all_rows, row_scale, all_cols, col_scale);
  if (pair.swapped) {
    cross = algebra.transposed(cross);
    std::swap(pair.rows, pair.cols);
  }
  auto out = google_cca(algebra, pair.rows, pair.cols, cross, epsilon);
  if (out.solved && std::min(out.solved->x_rank, out.solved->y_rank) == 0) {
    out.solved.reset();
  }
  return out;
}

GoogleWeights google_weights(const Moments& moments, Index x, Index y, double epsilon) {
  const Backend& backend = moments.backend();
  const LinearAlgebra<double>& algebra = backend;
  auto found = google_cca(algebra, pair_of(moments, x, y), epsilon);
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

  auto eigen = backend.eigh(backend.scaled_submatrix(moments.scatter(side, side), kept,
                                                     ones(kept.size()), kept, ones(kept.size())));
  for (double& v : eigen.values) {
    v = std::sqrt(std::max(v, 0.0));
  }
  const Matrix root = backend.scaled_columns(eigen.vectors, index_range(m), eigen.values);  // L
  Matrix transposed = backend.zeros(2 * m, m);
  backend.set_rows(transposed, 0,
                   backend.multiply(coefficients, Transpose::kYes, root, Transpose::kNo));
  backend.set_rows(transposed, m, root);
  Matrix both = backend.scattered_rows(backend.transposed(transposed), index_range(m),
                                       ones(kept.size()), m + 1);
  std::vector<double> offset;
  for (const Index j : kept) {
    offset.push_back(std::sqrt(static_cast<double>(moments.n_samples())) *
                     moments.block(side).mean[static_cast<std::size_t>(j)]);
  }
  offset.insert(offset.end(), offset.begin(), offset.begin() + m);
  backend.set_row(both, m, offset);
  Matrix triangle = backend.zeros(2 * m, 2 * m);
  backend.fold_into(triangle, std::move(both));

  auto right = index_range(m);
  for (Index& column : right) {
    column += m;
  }
  GoogleWeights out{std::move(found.solved->correlations),
                    backend.column_abs_sums(backend.transposed(backend.scaled_submatrix(
                        triangle, index_range(m), ones(kept.size()), right, ones(kept.size()))))};
  double total = 0.0;
  for (const double w : out.weights) {
    total += w;
  }
  for (double& w : out.weights) {  // every direction may be orthogonal to the uncentred neurons
    w = total > 0.0 ? w / total : 1.0 / static_cast<double>(m);
  }
  return out;
}

template GoogleCcaOf<double> google_cca(const LinearAlgebra<double>&, const BlockCovariance&,
                                        const BlockCovariance&, const Matrix&, double);
template GoogleCcaOf<Complex> google_cca(const LinearAlgebra<Complex>&,
                                         const BlockCovarianceOf<Complex>&,
                                         const BlockCovarianceOf<Complex>&, const ComplexMatrix&,
                                         double);
template GoogleCcaOf<double> google_cca(const LinearAlgebra<double>&, BlockPair, double);
template GoogleCcaOf<Complex> google_cca(const LinearAlgebra<Complex>&, BlockPairOf<Complex>,
                                         double);

}  // namespace fastcca
