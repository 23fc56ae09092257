#include "core/whitener.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "core/errors.hpp"
#include "core/extreme_eigenvalues.hpp"
#include "core/rank_rule.hpp"

namespace fastcca {

namespace {

// Cholesky is taken only this far above the floor, where no direction is in doubt.
constexpr double kCholeskyMargin = 4.0;

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

template <class Scalar>
std::vector<double> variances_of(const LinearAlgebra<Scalar>& algebra,
                                 const BlockCovarianceOf<Scalar>& block) {
  return map(algebra.diagonal(*block.scatter), [&](double d) { return d / block.degrees; });
}

template <class Scalar>
std::vector<Index> live_units(const LinearAlgebra<Scalar>& algebra,
                              const BlockCovarianceOf<Scalar>& block) {
  return rank_rule::live_units(variances_of(algebra, block), block.energy, block.input_epsilon);
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
  // A dead unit could outweigh the others with nothing but rounding.
  const auto live = live_units(algebra, block);
  PrincipalAxesOf<Scalar> out;
  if (live.empty()) {
    out.axes = algebra.from_host(nullptr, block.scatter->rows(), 0);
    return out;
  }
  const std::vector<double> scale(live.size(), 1.0 / std::sqrt(block.degrees));
  std::vector<double> noise_of_units;
  for (const Index j : live) {
    noise_of_units.push_back(
        rank_rule::noise_variance(block.energy[static_cast<std::size_t>(j)], block.input_epsilon));
  }
  const auto eigen =
      algebra.eigh(algebra.scaled_submatrix(*block.scatter, live, scale, live, scale));
  const auto noise = algebra.weighted_squared_column_norms(eigen.vectors, noise_of_units);
  if (!std::isfinite(std::accumulate(eigen.values.begin(), eigen.values.end(), 0.0))) {
    throw ScaleError(
        "the variances of a block overflow float64 when they are added up; divide the data by a "
        "constant (correlations do not depend on the scale)");
  }

  const auto all = index_range(static_cast<Index>(live.size()));
  const std::vector<Index> descending(all.rbegin(), all.rend());
  const double largest = std::max(eigen.values.back(), 0.0);
  const double lost = rank_rule::covariance_floor(live.size(), block.product_epsilon) * largest;
  const double unwanted = block.rank_tolerance * block.rank_tolerance * largest;
  const double floor = std::max(lost, unwanted);
  for (const Index k : descending) {
    const auto i = static_cast<std::size_t>(k);
    if (eigen.values[i] > std::max(noise[i], floor)) {
      out.real.push_back(static_cast<Index>(out.variances.size()));
    } else if (unwanted < lost &&
               (eigen.values[i] > noise[i] || noise[i] < block.product_epsilon * largest)) {
      ++out.undecided;
    }
    out.variances.push_back(std::max(eigen.values[i], 0.0));
  }
  const auto axes =
      algebra.scaled_columns(eigen.vectors, descending, ones(static_cast<Index>(live.size())));
  out.axes = algebra.scattered_rows(axes, live, ones(static_cast<Index>(live.size())),
                                    block.scatter->rows());
  return out;
}

bool wants_more(const Truncation& truncation, Index real) {
  // What a covariance loses is far less than this share of the rest.
  constexpr double kAll = 1.0 - 1e-6;
  return truncation.by == Truncation::By::kCount ? truncation.count > real
                                                 : truncation.share > kAll;
}

template <class Scalar>
std::vector<Index> kept_axes(const PrincipalAxesOf<Scalar>& axes, const Truncation& truncation) {
  std::vector<Index> kept;
  if (truncation.by == Truncation::By::kCount) {
    const Index count =
        std::clamp(truncation.count, Index{0}, static_cast<Index>(axes.real.size()));
    kept.assign(axes.real.begin(), axes.real.begin() + count);
    return kept;
  }
  const bool roots = truncation.by == Truncation::By::kSingularValues;
  const auto share = [&](Index k) {
    const double v = axes.variances[static_cast<std::size_t>(k)];
    return roots ? std::sqrt(v) : v;
  };
  double total = 0.0;
  for (const Index k : axes.real) {
    total += share(k);
  }
  double sum = 0.0;
  for (const Index k : axes.real) {
    if (sum >= truncation.share * total) {
      break;
    }
    sum += share(k);
    kept.push_back(k);
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
                               const PrincipalAxesOf<Scalar>& axes, std::span<const Index> kept)
    : algebra_(&algebra),
      size_(axes.axes.rows()),
      rank_(static_cast<Index>(kept.size())),
      live_(index_range(size_)),
      inverse_scale_(ones(size_)) {
  if (rank_ == 0) {
    return;
  }
  for (const Index k : kept) {
    kept_variance_.push_back(axes.variances[static_cast<std::size_t>(k)]);
  }
  basis_ = algebra.scaled_columns(axes.axes, kept, ones(rank_));
  condition_ = std::sqrt(kept_variance_.front() / kept_variance_.back());
}

template <class Scalar>
void WhitenerOf<Scalar>::decompose(Mat correlation, const BlockCovarianceOf<Scalar>& block) {
  const auto noise = rank_rule::unit_noise(live_, variances_of(*algebra_, block), block.energy,
                                           block.input_epsilon);
  const double relative_floor =
      std::max(rank_rule::covariance_floor(live_.size(), block.product_epsilon),
               block.rank_tolerance * block.rank_tolerance);
  if (auto lower = algebra_->cholesky(correlation)) {
    const auto spectrum = extreme_eigenvalues(*algebra_, correlation, *lower);
    const double highest_floor =
        std::max(*std::max_element(noise.begin(), noise.end()), relative_floor * spectrum.largest);
    if (spectrum.smallest > kCholeskyMargin * highest_floor) {
      if (ridge_ > 0.0) {
        Mat regularized = algebra_->copy(correlation);
        algebra_->add_to_diagonal(regularized, ridge_);
        lower = algebra_->cholesky(regularized);
      }
      if (lower) {
        basis_ = std::move(*lower);
        rank_ = basis_.rows();
        condition_ = std::sqrt(std::max(spectrum.largest / spectrum.smallest, 1.0));
        return;
      }
    }
  }

  const auto eigen = algebra_->eigh(std::move(correlation));
  const double largest = eigen.values.back();
  const double lost = rank_rule::covariance_floor(live_.size(), block.product_epsilon) * largest;
  const double floor = relative_floor * largest;
  const auto noise_along = algebra_->weighted_squared_column_norms(eigen.vectors, noise);
  std::vector<Index> kept;
  for (std::size_t k = eigen.values.size(); k-- > 0;) {  // descending
    if (eigen.values[k] > std::max(noise_along[k], floor)) {
      kept.push_back(static_cast<Index>(k));
      kept_variance_.push_back(eigen.values[k] + ridge_);
    } else if (floor == lost && (eigen.values[k] > noise_along[k] ||
                                 noise_along[k] < block.product_epsilon * largest)) {
      ++undecided_;  // above the noise of the input, or below what a covariance can show
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
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra, Index size,
                               std::vector<Index> live, std::vector<double> inverse_scale, Mat axes,
                               std::vector<double> variances, double ridge)
    : algebra_(&algebra),
      size_(size),
      rank_(axes.cols()),
      ridge_(ridge),
      live_(std::move(live)),
      inverse_scale_(std::move(inverse_scale)),
      kept_variance_(std::move(variances)),
      basis_(std::move(axes)) {
  if (rank_ > 0) {
    condition_ = std::sqrt(kept_variance_.front() / kept_variance_.back());
  }
  for (double& v : kept_variance_) {
    v += ridge_;
  }
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
template std::vector<Index> kept_axes(const PrincipalAxes&, const Truncation&);
template std::vector<Index> kept_axes(const PrincipalAxesOf<Complex>&, const Truncation&);
template PrincipalAxesOf<Complex> principal_axes(const LinearAlgebra<Complex>&,
                                                 const BlockCovarianceOf<Complex>&);
template class WhitenerOf<double>;
template class WhitenerOf<Complex>;
template Matrix core_matrix(const LinearAlgebra<double>&, const Whitener&, const Whitener&,
                            const Matrix&, double);
template ComplexMatrix core_matrix(const LinearAlgebra<Complex>&, const WhitenerOf<Complex>&,
                                   const WhitenerOf<Complex>&, const ComplexMatrix&, double);

}  // namespace fastcca
