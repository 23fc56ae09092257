#include "core/whitener.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

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

}  // namespace

// One block on the way to its whitener.
template <class Scalar>
struct WhitenerOf<Scalar>::Undecomposed {
  WhitenerOf* whitener;
  Mat correlation;
  std::vector<double> noise;  // of every live unit
  double lost_share;          // of the largest eigenvalue: below it, forming the covariance lost it
  double dropped_share;       // the same with what is not wanted
  double product_epsilon;
  std::optional<Mat> lower;
  ExtremeEigenvalues spectrum;  // where there is a factor

  // Whether every direction is so far above its noise that Cholesky will do.
  bool is_safe() const {
    const double highest =
        std::max(*std::max_element(noise.begin(), noise.end()), dropped_share * spectrum.largest);
    return spectrum.smallest > kCholeskyMargin * highest;
  }
};

template <class Scalar>
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& block, double ridge)
    : WhitenerOf(std::move(of_each(algebra, std::span(&block, 1), ridge).front())) {}

template <class Scalar>
WhitenerOf<Scalar>::WhitenerOf(const LinearAlgebra<Scalar>& algebra,
                               const BlockCovarianceOf<Scalar>& block, const Units& units,
                               double ridge)
    : algebra_(&algebra), size_(block.scatter->rows()), ridge_(ridge), live_(units.live) {
  for (const Index j : live_) {
    inverse_scale_.push_back(1.0 / std::sqrt(units.variances[static_cast<std::size_t>(j)]));
  }
}

template <class Scalar>
auto WhitenerOf<Scalar>::undecomposed(const BlockCovarianceOf<Scalar>& block, const Units& units)
    -> Undecomposed {
  const double root_degrees = std::sqrt(block.degrees);
  const auto scale = map(inverse_scale_, [&](double s) { return s / root_degrees; });
  const double lost = rank_rule::covariance_floor(live_.size(), block.product_epsilon);
  return {this,
          algebra_->scaled_submatrix(*block.scatter, live_, scale, live_, scale),
          rank_rule::unit_noise(live_, units.variances, block.energy, block.input_epsilon),
          lost,
          std::max(lost, block.rank_tolerance * block.rank_tolerance),
          block.product_epsilon,
          std::nullopt,
          {}};
}

template <class Scalar>
std::vector<WhitenerOf<Scalar>> WhitenerOf<Scalar>::of_each(
    const LinearAlgebra<Scalar>& algebra, std::span<const BlockCovarianceOf<Scalar>> blocks,
    double ridge) {
  const std::vector<Units> units = units_of_each(algebra, blocks);
  std::vector<WhitenerOf> out;
  out.reserve(blocks.size());
  std::vector<Undecomposed> all;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    out.push_back(WhitenerOf(algebra, blocks[i], units[i], ridge));
    if (!units[i].live.empty()) {
      all.push_back(out.back().undecomposed(blocks[i], units[i]));
    }
  }
  factorize(algebra, all);
  std::vector<Undecomposed*> safe;
  std::vector<Undecomposed*> rest;
  for (Undecomposed& one : all) {
    (one.lower && one.is_safe() ? safe : rest).push_back(&one);
  }
  if (ridge > 0.0) {
    add_ridge(algebra, ridge, safe);
  }
  for (Undecomposed* one : safe) {
    if (one->lower) {
      one->whitener->take(*std::move(one->lower), one->spectrum);
    } else {
      rest.push_back(one);
    }
  }
  std::vector<Mat> correlations;
  for (Undecomposed* one : rest) {
    correlations.push_back(std::move(one->correlation));
  }
  const auto eigen = algebra.eigh_each(std::move(correlations));
  for (std::size_t i = 0; i < rest.size(); ++i) {
    rest[i]->whitener->take(eigen[i], *rest[i]);
  }
  return out;
}

// Lower factors where there are any, and the extremes of their spectra.
template <class Scalar>
void WhitenerOf<Scalar>::factorize(const LinearAlgebra<Scalar>& algebra,
                                   std::vector<Undecomposed>& all) {
  std::vector<const Mat*> correlations;
  for (const Undecomposed& one : all) {
    correlations.push_back(&one.correlation);
  }
  auto lowers = algebra.cholesky_each(correlations);
  std::vector<Undecomposed*> positive;
  std::vector<Factorized<Scalar>> factorized;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (std::optional<Mat>& found = lowers[i]; found) {
      const Mat& lower = all[i].lower.emplace(*std::move(found));
      positive.push_back(&all[i]);
      factorized.push_back({&all[i].correlation, &lower});
    }
  }
  const auto spectra = extreme_eigenvalues_each<Scalar>(algebra, factorized);
  for (std::size_t i = 0; i < positive.size(); ++i) {
    positive[i]->spectrum = spectra[i];
  }
}

// Factors of what is to be whitened; none where the ridge has cost the sign of a pivot.
template <class Scalar>
void WhitenerOf<Scalar>::add_ridge(const LinearAlgebra<Scalar>& algebra, double ridge,
                                   std::span<Undecomposed* const> to) {
  std::vector<Mat> regularized;
  std::vector<const Mat*> pointers;
  regularized.reserve(to.size());
  for (const Undecomposed* one : to) {
    regularized.push_back(algebra.copy(one->correlation));
    algebra.add_to_diagonal(regularized.back(), ridge);
    pointers.push_back(&regularized.back());
  }
  auto lowers = algebra.cholesky_each(pointers);
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i]->lower = std::move(lowers[i]);
  }
}

template <class Scalar>
void WhitenerOf<Scalar>::take(Mat lower, const ExtremeEigenvalues& spectrum) {
  basis_ = std::move(lower);
  rank_ = basis_.rows();
  condition_ = std::sqrt(std::max(spectrum.largest / spectrum.smallest, 1.0));
}

template <class Scalar>
void WhitenerOf<Scalar>::take(const EigenDecompositionOf<Scalar>& eigen, const Undecomposed& from) {
  const double largest = eigen.values.back();
  const double lost = from.lost_share * largest;
  const double floor = from.dropped_share * largest;
  const auto noise_along = algebra_->weighted_squared_column_norms(eigen.vectors, from.noise);
  std::vector<Index> kept;
  for (std::size_t k = eigen.values.size(); k-- > 0;) {  // descending
    if (eigen.values[k] > std::max(noise_along[k], floor)) {
      kept.push_back(static_cast<Index>(k));
      kept_variance_.push_back(eigen.values[k] + ridge_);
    } else if (floor == lost && (eigen.values[k] > noise_along[k] ||
                                 noise_along[k] < from.product_epsilon * largest)) {
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
  std::vector<Mat> one;
  one.push_back(std::move(c));
  whiten_rows_each(std::array{this}, one);
  return std::move(one.front());
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::whiten_columns(Mat c) const {
  std::vector<Mat> one;
  one.push_back(std::move(c));
  whiten_columns_each(std::array{this}, one);
  return std::move(one.front());
}

// By the factors of those whiteners that have one.
template <class Scalar>
void WhitenerOf<Scalar>::solve_each(Each whiteners, Transpose trans, Side side,
                                    std::vector<Mat>& c) {
  std::vector<const Mat*> lowers;
  std::vector<Mat*> right_sides;
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (whiteners[i]->by_cholesky()) {
      lowers.push_back(&whiteners[i]->basis_);
      right_sides.push_back(&c[i]);
    }
  }
  if (!lowers.empty()) {
    whiteners.front()->algebra_->solve_triangular_each(lowers, trans, side, right_sides);
  }
}

template <class Scalar>
void WhitenerOf<Scalar>::whiten_rows_each(Each whiteners, std::vector<Mat>& c) {
  solve_each(whiteners, Transpose::kNo, Side::kLeft, c);
  for (std::size_t i = 0; i < c.size(); ++i) {
    const WhitenerOf& w = *whiteners[i];
    if (!w.by_cholesky()) {
      const Mat rotated = w.algebra_->multiply(w.basis_, Transpose::kYes, c[i], Transpose::kNo);
      c[i] = w.algebra_->scaled_submatrix(rotated, index_range(w.rank_),
                                          inverse_roots(w.kept_variance_),
                                          index_range(rotated.cols()), ones(rotated.cols()));
    }
  }
}

template <class Scalar>
void WhitenerOf<Scalar>::whiten_columns_each(Each whiteners, std::vector<Mat>& c) {
  solve_each(whiteners, Transpose::kYes, Side::kRight, c);
  for (std::size_t i = 0; i < c.size(); ++i) {
    const WhitenerOf& w = *whiteners[i];
    if (!w.by_cholesky()) {
      const Mat rotated = w.algebra_->multiply(c[i], Transpose::kNo, w.basis_, Transpose::kNo);
      c[i] = w.algebra_->scaled_columns(rotated, index_range(w.rank_),
                                        inverse_roots(w.kept_variance_));
    }
  }
}

template <class Scalar>
MatrixOf<Scalar> WhitenerOf<Scalar>::weights(Mat u) const {
  if (by_cholesky()) {
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
  if (by_cholesky()) {
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
  const auto root =
      by_cholesky() ? ones(rank_) : map(kept_variance_, [](double v) { return std::sqrt(v); });
  return algebra_->scaled_submatrix(basis_, rows, scale, index_range(rank_), root);
}

template <class Scalar>
std::vector<MatrixOf<Scalar>> core_matrices(const LinearAlgebra<Scalar>& algebra,
                                            std::span<const WhitenedPairOf<Scalar>> pairs) {
  std::vector<MatrixOf<Scalar>> out;
  std::vector<const WhitenerOf<Scalar>*> rows;
  std::vector<const WhitenerOf<Scalar>*> cols;
  for (const auto& pair : pairs) {
    const auto over_degrees = [&](double s) { return s / std::sqrt(pair.degrees); };
    const auto row_scale = map(pair.rows->inverse_scale(), over_degrees);
    const auto col_scale = map(pair.cols->inverse_scale(), over_degrees);
    out.push_back(algebra.scaled_submatrix(*pair.cross, pair.rows->live(), row_scale,
                                           pair.cols->live(), col_scale));
    rows.push_back(pair.rows);
    cols.push_back(pair.cols);
  }
  WhitenerOf<Scalar>::whiten_rows_each(rows, out);
  WhitenerOf<Scalar>::whiten_columns_each(cols, out);
  return out;
}

template class WhitenerOf<double>;
template class WhitenerOf<Complex>;
template std::vector<Matrix> core_matrices(const LinearAlgebra<double>&,
                                           std::span<const WhitenedPairOf<double>>);
template std::vector<ComplexMatrix> core_matrices(const LinearAlgebra<Complex>&,
                                                  std::span<const WhitenedPairOf<Complex>>);

}  // namespace fastcca
