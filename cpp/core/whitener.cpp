#include "core/whitener.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

namespace fastcca {

namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();

// How many roundings of the input a direction must stand above. Noise directions of real layers
// lie between 0.2 and 1.1, real ones far above.
constexpr double kNoiseFactor = 3.0;

// Cholesky is taken only this far above the floor, where no direction is in doubt.
constexpr double kCholeskyMargin = 4.0;

// Variance below which a unit, or a direction, is rounding of its input.
double noise_variance(double energy, double input_epsilon) {
  const double noise = kNoiseFactor * input_epsilon;
  return noise * noise * energy;
}

// Below this share of the largest eigenvalue, forming the covariance has lost the direction.
double compute_floor(std::size_t p) {
  return kEps * static_cast<double>(std::max<std::size_t>(p, 64));
}

template <class F>
std::vector<double> map(std::span<const double> in, F f) {
  std::vector<double> out(in.size());
  std::transform(in.begin(), in.end(), out.begin(), f);
  return out;
}

std::vector<double> ones(Index n) { return std::vector<double>(static_cast<std::size_t>(n), 1.0); }

std::vector<double> inverse_roots(std::span<const double> values) {
  return map(values, [](double v) { return 1.0 / std::sqrt(v); });
}

void check_finite(std::span<const double> diagonal) {
  for (std::size_t j = 0; j < diagonal.size(); ++j) {
    if (!std::isfinite(diagonal[j])) {
      throw std::invalid_argument("the variance of feature " + std::to_string(j) +
                                  " overflows float64; divide the data by a constant");
    }
  }
}

// Units that vary by more than the rounding of their values.
template <class Scalar>
std::vector<Index> live_units(const LinearAlgebra<Scalar>& algebra,
                              const BlockCovarianceOf<Scalar>& block) {
  const auto diagonal = algebra.diagonal(*block.scatter);
  check_finite(diagonal);
  std::vector<Index> out;
  for (std::size_t j = 0; j < diagonal.size(); ++j) {
    if (diagonal[j] / block.degrees > noise_variance(block.energy[j], block.input_epsilon)) {
      out.push_back(static_cast<Index>(j));
    }
  }
  return out;
}

}  // namespace

template <class Scalar>
bool varies(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block) {
  return !live_units(algebra, block).empty();
}

template <class Scalar>
std::vector<Index> dead_units(const LinearAlgebra<Scalar>& algebra,
                              const BlockCovarianceOf<Scalar>& block) {
  const auto all = index_range(block.scatter->rows());
  const auto live = live_units(algebra, block);
  std::vector<Index> out;
  std::set_difference(all.begin(), all.end(), live.begin(), live.end(), std::back_inserter(out));
  return out;
}

template <class Scalar>
PrincipalAxesOf<Scalar> principal_axes(const LinearAlgebra<Scalar>& algebra,
                                       const BlockCovarianceOf<Scalar>& block) {
  const auto& scatter = *block.scatter;
  check_finite(algebra.diagonal(scatter));
  const auto all = index_range(scatter.rows());
  const auto scale = std::vector<double>(all.size(), 1.0 / std::sqrt(block.degrees));
  const auto eigen = algebra.eigh(algebra.scaled_submatrix(scatter, all, scale, all, scale));
  const auto noise = algebra.weighted_squared_column_norms(
      eigen.vectors,
      map(block.energy, [&](double e) { return noise_variance(e, block.input_epsilon); }));

  PrincipalAxesOf<Scalar> out;
  std::vector<Index> descending(all.rbegin(), all.rend());
  const double floor = compute_floor(all.size()) * std::max(eigen.values.back(), 0.0);
  bool kept = true;
  for (const Index k : descending) {
    const auto i = static_cast<std::size_t>(k);
    out.variances.push_back(std::max(eigen.values[i], 0.0));
    kept = kept && eigen.values[i] > std::max(noise[i], floor);
    out.rank += kept ? 1 : 0;
  }
  out.axes = algebra.scaled_columns(eigen.vectors, descending, ones(scatter.rows()));
  return out;
}

Index kept_axes(const std::vector<double>& variances, Index rank, const Truncation& truncation) {
  if (truncation.by == Truncation::By::kCount) {
    return std::min(truncation.count, rank);
  }
  const bool roots = truncation.by == Truncation::By::kSingularValues;
  const auto shares = map(variances, [roots](double v) { return roots ? std::sqrt(v) : v; });
  double total = 0.0;
  for (Index k = 0; k < rank; ++k) {
    total += shares[static_cast<std::size_t>(k)];
  }
  double sum = 0.0;
  Index kept = 0;
  while (kept < rank && sum < truncation.share * total) {
    sum += shares[static_cast<std::size_t>(kept)];
    ++kept;
  }
  return kept;
}

template <class Scalar>
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& block, double ridge)
    : algebra_(&algebra),
      size_(block.scatter->rows()),
      ridge_(ridge),
      live_(live_units(algebra, block)) {
  if (live_.empty()) {
    return;
  }
  const auto diagonal = algebra.diagonal(*block.scatter);
  for (const Index j : live_) {
    inverse_scale_.push_back(1.0 /
                             std::sqrt(diagonal[static_cast<std::size_t>(j)] / block.degrees));
  }
  const double root_degrees = std::sqrt(block.degrees);
  const auto scale = map(inverse_scale_, [&](double s) { return s / root_degrees; });
  decompose(algebra.scaled_submatrix(*block.scatter, live_, scale, live_, scale), block);
}

template <class Scalar>
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra,
                               const PrincipalAxesOf<Scalar>& axes, Index kept)
    : algebra_(&algebra),
      size_(axes.axes.rows()),
      rank_(kept),
      live_(index_range(size_)),
      inverse_scale_(ones(size_)),
      kept_variance_(axes.variances.begin(), axes.variances.begin() + kept) {
  if (kept > 0) {
    basis_ = algebra.scaled_columns(axes.axes, index_range(kept), ones(kept));
    condition_ = std::sqrt(kept_variance_.front() / kept_variance_.back());
  }
}

template <class Scalar>
void WhitenerOf<Scalar>::decompose(Mat correlation, const BlockCovarianceOf<Scalar>& block) {
  std::vector<double> noise(live_.size());
  for (std::size_t k = 0; k < live_.size(); ++k) {
    const double energy = block.energy[static_cast<std::size_t>(live_[k])];
    noise[k] = noise_variance(energy * inverse_scale_[k] * inverse_scale_[k], block.input_epsilon);
  }
  const auto values = algebra_->eigenvalues(algebra_->copy(correlation));
  const double largest = values.back();
  const double floor = compute_floor(live_.size()) * largest;
  const double highest_floor = std::max(*std::max_element(noise.begin(), noise.end()), floor);

  if (values.front() > kCholeskyMargin * highest_floor) {
    Mat regularized = algebra_->copy(correlation);
    algebra_->add_to_diagonal(regularized, ridge_);
    if (auto lower = algebra_->cholesky(regularized)) {
      basis_ = std::move(*lower);
      rank_ = basis_.rows();
      condition_ = std::sqrt(largest / values.front());
      return;
    }
  }

  const auto eigen = algebra_->eigh(std::move(correlation));
  const auto noise_along = algebra_->weighted_squared_column_norms(eigen.vectors, noise);
  std::vector<Index> kept;
  for (std::size_t k = eigen.values.size(); k-- > 0;) {  // descending
    if (eigen.values[k] > std::max(noise_along[k], floor)) {
      kept.push_back(static_cast<Index>(k));
      kept_variance_.push_back(eigen.values[k] + ridge_);
    }
  }
  rank_ = static_cast<Index>(kept.size());
  if (rank_ == 0) {
    return;
  }
  basis_ = algebra_->scaled_columns(eigen.vectors, kept, ones(rank_));
  condition_ = std::sqrt(eigen.values[static_cast<std::size_t>(kept.front())] /
                         eigen.values[static_cast<std::size_t>(kept.back())]);
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::whiten_rows(Mat c) const {
  if (kept_variance_.empty()) {
    algebra_->solve_triangular(basis_, Transpose::kNo, Side::kLeft, c);
    return c;
  }
  const Mat rotated = algebra_->multiply(basis_, Transpose::kYes, c, Transpose::kNo);
  return algebra_->scaled_submatrix(rotated, index_range(rank_), inverse_roots(kept_variance_),
                                    index_range(c.cols()), ones(c.cols()));
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::whiten_columns(Mat c) const {
  if (kept_variance_.empty()) {
    algebra_->solve_triangular(basis_, Transpose::kYes, Side::kRight, c);
    return c;
  }
  const Mat rotated = algebra_->multiply(c, Transpose::kNo, basis_, Transpose::kNo);
  return algebra_->scaled_columns(rotated, index_range(rank_), inverse_roots(kept_variance_));
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::weights(Mat u) const {
  if (kept_variance_.empty()) {
    algebra_->solve_triangular(basis_, Transpose::kYes, Side::kLeft, u);
    return algebra_->scattered_rows(u, live_, inverse_scale_, size_);
  }
  const Mat whitening =
      algebra_->scaled_columns(basis_, index_range(rank_), inverse_roots(kept_variance_));
  const Mat combined = algebra_->multiply(whitening, Transpose::kNo, u, Transpose::kNo);
  return algebra_->scattered_rows(combined, live_, inverse_scale_, size_);
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::loadings(const Mat& u) const {
  const auto scale = map(inverse_scale_, [](double s) { return 1.0 / s; });
  if (kept_variance_.empty()) {
    Mat combined = algebra_->multiply(basis_, Transpose::kNo, u, Transpose::kNo);
    if (ridge_ > 0.0) {  // the factor is that of the covariance with the ridge
      Mat solved = algebra_->copy(u);
      algebra_->solve_triangular(basis_, Transpose::kYes, Side::kLeft, solved);
      algebra_->add_scaled(combined, -ridge_, solved);
    }
    return algebra_->scattered_rows(combined, live_, scale, size_);
  }
  const auto spread = map(kept_variance_, [this](double v) { return (v - ridge_) / std::sqrt(v); });
  const Mat factor = algebra_->scaled_columns(basis_, index_range(rank_), spread);
  const Mat combined = algebra_->multiply(factor, Transpose::kNo, u, Transpose::kNo);
  return algebra_->scattered_rows(combined, live_, scale, size_);
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::factor() const {
  const auto scale = map(inverse_scale_, [](double s) { return 1.0 / s; });
  const auto rows = index_range(static_cast<Index>(live_.size()));
  const auto root = kept_variance_.empty()
                        ? ones(rank_)
                        : map(kept_variance_, [](double v) { return std::sqrt(v); });
  return algebra_->scaled_submatrix(basis_, rows, scale, index_range(rank_), root);
}

template <class Scalar>
MatrixOf<Scalar> core_matrix(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& rows,
                             const WhitenerOf<Scalar>& cols, const MatrixOf<Scalar>& cross,
                             double degrees) {
  const auto over_degrees = [&](double s) { return s / std::sqrt(degrees); };
  const auto row_scale = map(rows.inverse_scale(), over_degrees);
  const auto col_scale = map(cols.inverse_scale(), over_degrees);
  auto c = algebra.scaled_submatrix(cross, rows.live(), row_scale, cols.live(), col_scale);
  return cols.whiten_columns(rows.whiten_rows(std::move(c)));
}

template bool varies(const LinearAlgebra<double>&, const BlockCovariance&);
template std::vector<Index> dead_units(const LinearAlgebra<double>&, const BlockCovariance&);
template std::vector<Index> dead_units(const LinearAlgebra<Complex>&,
                                       const BlockCovarianceOf<Complex>&);
template PrincipalAxes principal_axes(const LinearAlgebra<double>&, const BlockCovariance&);
template PrincipalAxesOf<Complex> principal_axes(const LinearAlgebra<Complex>&,
                                                 const BlockCovarianceOf<Complex>&);
template class WhitenerOf<double>;
template class WhitenerOf<Complex>;
template Matrix core_matrix(const LinearAlgebra<double>&, const Whitener&, const Whitener&,
                            const Matrix&, double);
template ComplexMatrix core_matrix(const LinearAlgebra<Complex>&, const WhitenerOf<Complex>&,
                                   const WhitenerOf<Complex>&, const ComplexMatrix&, double);

}  // namespace fastcca
