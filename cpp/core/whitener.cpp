#include "core/whitener.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/extreme_eigenvalues.hpp"
#include "core/host_vectors.hpp"
#include "core/rank_rule.hpp"
#include "core/spectrum.hpp"

namespace fastcca {

namespace {

std::vector<double> inverse_roots(const std::vector<double>& values) {
  return vector_of(1.0 / array(values).sqrt());
}

std::vector<double> inverse(const std::vector<double>& values) {
  return vector_of(1.0 / array(values));
}

}  // namespace

template <class Scalar>
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& block, double ridge)
    : algebra_(&algebra), size_(block.scatter->rows()), ridge_(ridge) {
  const Units units = units_of(algebra, block);
  live_ = units.live;
  inverse_scale_ = units.inverse_scale();
  if (live_.empty()) {
    return;
  }
  const auto scale = vector_of(array(inverse_scale_) / std::sqrt(block.degrees));
  Mat correlation = algebra.scaled_submatrix(*block.scatter, live_, scale, live_, scale);
  const auto noise = units.unit_noise();
  const auto floors =
      rank_rule::floors_of_covariance(live_.size(), block.product_epsilon, block.rank_tolerance);
  if (whiten_by_cholesky(correlation, noise, floors)) {
    return;
  }
  const auto spectrum = spectrum_of_covariance(algebra, std::move(correlation), noise, floors);
  undecided_ = spectrum.rank.undecided;
  whiten_by_axes(spectrum.axes(algebra, spectrum.rank.kept), spectrum.kept_variances());
}

template <class Scalar>
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra,
                               const PrincipalAxesOf<Scalar>& axes, std::span<const Index> kept)
    : WhitenerOf(algebra, axes.axes.rows(), index_range(axes.axes.rows()),
                 filled(axes.axes.rows(), 1.0), algebra.columns(axes.axes, kept),
                 vector_of(array(axes.variances)(kept)), 0.0) {}

template <class Scalar>
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra, Index size,
                               std::vector<Index> live, std::vector<double> inverse_scale, Mat axes,
                               std::vector<double> variances, double ridge)
    : algebra_(&algebra),
      size_(size),
      ridge_(ridge),
      live_(std::move(live)),
      inverse_scale_(std::move(inverse_scale)) {
  whiten_by_axes(std::move(axes), std::move(variances));
}

// False where a direction may have to be dropped, or where the ridge has cost the sign of a pivot.
template <class Scalar>
bool WhitenerOf<Scalar>::whiten_by_cholesky(const Mat& correlation,
                                            std::span<const double> noise_of_units,
                                            const rank_rule::Floors& floors) {
  auto lower = algebra_->cholesky(correlation);
  if (!lower) {
    return false;
  }
  const ExtremeEigenvalues ends = extreme_eigenvalues(*algebra_, correlation, *lower);
  if (!rank_rule::keeps_all(ends.smallest, ends.largest, noise_of_units, floors)) {
    return false;
  }
  if (ridge_ > 0.0) {
    Mat regularized = algebra_->copy(correlation);
    algebra_->add_to_diagonal(regularized, ridge_);
    lower = algebra_->cholesky(regularized);
    if (!lower) {
      return false;
    }
  }
  basis_ = *std::move(lower);
  condition_ = std::sqrt(std::max(ends.largest / ends.smallest, 1.0));
  return true;
}

template <class Scalar>
void WhitenerOf<Scalar>::whiten_by_axes(Mat axes, std::vector<double> variances) {
  basis_ = std::move(axes);
  kept_variance_ = std::move(variances);
  if (!kept_variance_.empty()) {
    condition_ = std::sqrt(kept_variance_.front() / kept_variance_.back());
  }
  array(kept_variance_) += ridge_;
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::whiten_rows(Mat c) const {
  if (by_cholesky()) {
    algebra_->solve_triangular(basis_, Transpose::kNo, Side::kLeft, c);
    return c;
  }
  const Mat rotated = algebra_->multiply(basis_, Transpose::kYes, c, Transpose::kNo);
  return algebra_->scaled_rows(rotated, inverse_roots(kept_variance_));
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::whiten_columns(Mat c) const {
  if (by_cholesky()) {
    algebra_->solve_triangular(basis_, Transpose::kYes, Side::kRight, c);
    return c;
  }
  const Mat rotated = algebra_->multiply(c, Transpose::kNo, basis_, Transpose::kNo);
  return algebra_->scaled_columns(rotated, inverse_roots(kept_variance_));
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::weights(Mat u) const {
  if (by_cholesky()) {
    algebra_->solve_triangular(basis_, Transpose::kYes, Side::kLeft, u);
    return algebra_->scattered_rows(u, live_, inverse_scale_, size_);
  }
  const Mat whitening = algebra_->scaled_columns(basis_, inverse_roots(kept_variance_));
  const Mat combined = algebra_->multiply(whitening, Transpose::kNo, u, Transpose::kNo);
  return algebra_->scattered_rows(combined, live_, inverse_scale_, size_);
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::loadings(const Mat& u) const {
  const auto scale = inverse(inverse_scale_);
  if (by_cholesky()) {
    Mat combined = algebra_->multiply(basis_, Transpose::kNo, u, Transpose::kNo);
    if (ridge_ > 0.0) {  // the factor is that of the covariance with the ridge
      Mat solved = algebra_->copy(u);
      algebra_->solve_triangular(basis_, Transpose::kYes, Side::kLeft, solved);
      algebra_->add_scaled(combined, -ridge_, solved);
    }
    return algebra_->scattered_rows(combined, live_, scale, size_);
  }
  const auto variance = array(kept_variance_);
  const auto spread = vector_of((variance - ridge_) / variance.sqrt());
  const Mat factor = algebra_->scaled_columns(basis_, spread);
  const Mat combined = algebra_->multiply(factor, Transpose::kNo, u, Transpose::kNo);
  return algebra_->scattered_rows(combined, live_, scale, size_);
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::factor() const {
  const auto root = by_cholesky() ? filled(rank(), 1.0) : vector_of(array(kept_variance_).sqrt());
  return algebra_->scaled_submatrix(basis_, index_range(basis_.rows()), inverse(inverse_scale_),
                                    index_range(rank()), root);
}

template <class Scalar>
MatrixOf<Scalar> core_matrix(const LinearAlgebra<Scalar>& algebra, const WhitenerOf<Scalar>& x,
                             const WhitenerOf<Scalar>& y, const MatrixOf<Scalar>& cross,
                             double degrees) {
  if (x.rank() == 0 || y.rank() == 0) {
    return {};
  }
  const auto x_scale = vector_of(array(x.inverse_scale()) / std::sqrt(degrees));
  const auto y_scale = vector_of(array(y.inverse_scale()) / std::sqrt(degrees));
  auto scaled = algebra.scaled_submatrix(cross, x.live(), x_scale, y.live(), y_scale);
  return y.whiten_columns(x.whiten_rows(std::move(scaled)));
}

template class WhitenerOf<double>;
template class WhitenerOf<Complex>;
template Matrix core_matrix(const LinearAlgebra<double>&, const Whitener&, const Whitener&,
                            const Matrix&, double);
template ComplexMatrix core_matrix(const LinearAlgebra<Complex>&, const WhitenerOf<Complex>&,
                                   const WhitenerOf<Complex>&, const ComplexMatrix&, double);

}  // namespace fastcca
