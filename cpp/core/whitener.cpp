#include "core/whitener.hpp"

#include <algorithm>
#include <cmath>
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

// Variance, relative to a unit's own, below which a direction is rounding: the stored values are
// rounded in proportion to their uncentred size.
double noise_variance(double mean, double inverse_scale, double input_epsilon) {
  const double offset = mean * inverse_scale;
  const double noise = kNoiseFactor * input_epsilon;
  return noise * noise * (1.0 + offset * offset);
}

// Below this share of the largest eigenvalue, forming the covariance has lost the direction.
double compute_floor(Index p) { return kEps * static_cast<double>(std::max<Index>(p, 64)); }

std::vector<double> map(std::span<const double> in, double (*f)(double)) {
  std::vector<double> out(in.size());
  std::transform(in.begin(), in.end(), out.begin(), f);
  return out;
}

}  // namespace

BlockCovariance covariance_of(const Moments& moments, Index block) {
  const Block& b = moments.block(block);
  return {&moments.scatter(block, block), static_cast<double>(moments.n_samples() - 1), b.mean,
          epsilon(b.precision)};
}

Whitener::Whitener(const Backend& backend, const BlockCovariance& block, double ridge)
    : backend_(&backend), size_(block.scatter->rows()) {
  find_live(block);
  if (live_.empty()) {
    return;
  }
  const double root_degrees = std::sqrt(block.degrees);
  std::vector<double> scale(inverse_scale_);
  for (double& s : scale) {
    s /= root_degrees;
  }
  decompose(backend.scaled_submatrix(*block.scatter, live_, scale, live_, scale), block, ridge);
}

void Whitener::find_live(const BlockCovariance& block) {
  const auto diagonal = backend_->diagonal(*block.scatter);
  for (Index j = 0; j < size_; ++j) {
    const auto k = static_cast<std::size_t>(j);
    if (!std::isfinite(diagonal[k])) {
      throw std::invalid_argument("the variance of feature " + std::to_string(j) +
                                  " overflows float64; divide the data by a constant");
    }
    const double deviation = std::sqrt(std::max(diagonal[k], 0.0) / block.degrees);
    if (deviation > kNoiseFactor * block.input_epsilon * std::abs(block.mean[k])) {
      live_.push_back(j);
      inverse_scale_.push_back(1.0 / deviation);
    }
  }
}

void Whitener::decompose(Matrix correlation, const BlockCovariance& block, double ridge) {
  std::vector<double> noise(live_.size());
  for (std::size_t k = 0; k < live_.size(); ++k) {
    noise[k] = noise_variance(block.mean[static_cast<std::size_t>(live_[k])], inverse_scale_[k],
                              block.input_epsilon);
  }
  const auto values = backend_->eigenvalues(backend_->copy(correlation));
  const double largest = values.back();
  const double floor = compute_floor(static_cast<Index>(live_.size())) * largest;
  const double highest_floor = std::max(*std::max_element(noise.begin(), noise.end()), floor);

  if (values.front() > kCholeskyMargin * highest_floor) {
    Matrix regularized = backend_->copy(correlation);
    backend_->add_to_diagonal(regularized, ridge);
    if (auto lower = backend_->cholesky(regularized)) {
      basis_ = std::move(*lower);
      rank_ = basis_.rows();
      condition_ = std::sqrt(largest / values.front());
      return;
    }
  }

  const EigenDecomposition eigen = backend_->eigh(std::move(correlation));
  const auto noise_along = backend_->weighted_squared_column_norms(eigen.vectors, noise);
  std::vector<Index> kept;
  for (std::size_t k = eigen.values.size(); k-- > 0;) {  // descending
    if (eigen.values[k] > std::max(noise_along[k], floor)) {
      kept.push_back(static_cast<Index>(k));
      kept_variance_.push_back(eigen.values[k] + ridge);
    }
  }
  rank_ = static_cast<Index>(kept.size());
  if (rank_ == 0) {
    return;
  }
  const std::vector<double> ones(kept.size(), 1.0);
  basis_ = backend_->scaled_columns(eigen.vectors, kept, ones);
  condition_ = std::sqrt(eigen.values[static_cast<std::size_t>(kept.front())] /
                         eigen.values[static_cast<std::size_t>(kept.back())]);
}

std::vector<Index> Whitener::dead() const {
  std::vector<Index> out;
  const auto all = index_range(size_);
  std::set_difference(all.begin(), all.end(), live_.begin(), live_.end(), std::back_inserter(out));
  return out;
}

Matrix Whitener::whiten_rows(Matrix c) const {
  if (kept_variance_.empty()) {
    backend_->solve_triangular(basis_, Transpose::kNo, Side::kLeft, c);
    return c;
  }
  const auto inverse = map(kept_variance_, [](double v) { return 1.0 / std::sqrt(v); });
  const Matrix rotated = backend_->multiply(basis_, Transpose::kYes, c, Transpose::kNo);
  const std::vector<double> ones(static_cast<std::size_t>(c.cols()), 1.0);
  return backend_->scaled_submatrix(rotated, index_range(rank_), inverse, index_range(c.cols()),
                                    ones);
}

Matrix Whitener::whiten_columns(Matrix c) const {
  if (kept_variance_.empty()) {
    backend_->solve_triangular(basis_, Transpose::kYes, Side::kRight, c);
    return c;
  }
  const auto inverse = map(kept_variance_, [](double v) { return 1.0 / std::sqrt(v); });
  const Matrix rotated = backend_->multiply(c, Transpose::kNo, basis_, Transpose::kNo);
  return backend_->scaled_columns(rotated, index_range(rank_), inverse);
}

Matrix Whitener::weights(Matrix u) const {
  if (kept_variance_.empty()) {
    backend_->solve_triangular(basis_, Transpose::kYes, Side::kLeft, u);
    return backend_->scattered_rows(u, live_, inverse_scale_, size_);
  }
  const auto inverse = map(kept_variance_, [](double v) { return 1.0 / std::sqrt(v); });
  const Matrix whitening = backend_->scaled_columns(basis_, index_range(rank_), inverse);
  const Matrix combined = backend_->multiply(whitening, Transpose::kNo, u, Transpose::kNo);
  return backend_->scattered_rows(combined, live_, inverse_scale_, size_);
}

Matrix Whitener::factor() const {
  const auto scale = map(inverse_scale_, [](double s) { return 1.0 / s; });
  const auto rows = index_range(static_cast<Index>(live_.size()));
  const auto root = kept_variance_.empty()
                        ? std::vector<double>(static_cast<std::size_t>(rank_), 1.0)
                        : map(kept_variance_, [](double v) { return std::sqrt(v); });
  return backend_->scaled_submatrix(basis_, rows, scale, index_range(rank_), root);
}

Matrix core_matrix(const Backend& backend, const Whitener& x, const Whitener& y,
                   const Matrix& cross, double degrees) {
  const double root_degrees = std::sqrt(degrees);
  std::vector<double> x_scale(x.inverse_scale());
  std::vector<double> y_scale(y.inverse_scale());
  for (double& s : x_scale) {
    s /= root_degrees;
  }
  for (double& s : y_scale) {
    s /= root_degrees;
  }
  Matrix c = backend.scaled_submatrix(cross, x.live(), x_scale, y.live(), y_scale);
  return y.whiten_columns(x.whiten_rows(std::move(c)));
}

}  // namespace fastcca
