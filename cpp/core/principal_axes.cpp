#include "core/principal_axes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/errors.hpp"
#include "core/rank_rule.hpp"
#include "core/units.hpp"

namespace fastcca {

template <class Scalar>
PrincipalAxesOf<Scalar> principal_axes(const LinearAlgebra<Scalar>& algebra,
                                       const BlockCovarianceOf<Scalar>& block) {
  // A dead unit could outweigh the others with nothing but rounding.
  const auto live = units_of(algebra, block).live;
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
  const std::vector<double> ones(live.size(), 1.0);
  const auto axes = algebra.scaled_columns(eigen.vectors, descending, ones);
  out.axes = algebra.scattered_rows(axes, live, ones, block.scatter->rows());
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

template PrincipalAxes principal_axes(const LinearAlgebra<double>&, const BlockCovariance&);
template std::vector<Index> kept_axes(const PrincipalAxes&, const Truncation&);
template std::vector<Index> kept_axes(const PrincipalAxesOf<Complex>&, const Truncation&);
template PrincipalAxesOf<Complex> principal_axes(const LinearAlgebra<Complex>&,
                                                 const BlockCovarianceOf<Complex>&);

}  // namespace fastcca
