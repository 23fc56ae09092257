#include "core/principal_axes.hpp"

#include <algorithm>
#include <cmath>

#include "core/errors.hpp"
#include "core/host_vectors.hpp"

namespace fastcca {

template <class Scalar>
PrincipalAxesOf<Scalar> principal_axes(const LinearAlgebra<Scalar>& algebra,
                                       const BlockCovarianceOf<Scalar>& block) {
  // A dead unit could outweigh the others with nothing but rounding.
  const Units units = units_of(algebra, block);
  if (units.live.empty()) {
    return principal_axes(algebra, units, SpectrumOf<Scalar>{});
  }
  const std::vector<double> scale(units.live.size(), 1.0 / std::sqrt(block.degrees));
  const auto spectrum = spectrum_of_covariance(
      algebra, algebra.scaled_submatrix(*block.scatter, units.live, scale, units.live, scale),
      units.noise(),
      rank_rule::floors_of_covariance(units.live.size(), block.product_epsilon,
                                      block.rank_tolerance));
  if (!std::isfinite(array(spectrum.variances).sum())) {
    throw ScaleError(
        "the variances of a block overflow float64 when they are added up; divide the data by a "
        "constant (correlations do not depend on the scale)");
  }
  return principal_axes(algebra, units, spectrum);
}

PrincipalAxes principal_axes(const Moments& moments, Index block, double rank_tolerance) {
  BlockCovariance covariance = covariance_of(moments, block);
  covariance.rank_tolerance = rank_tolerance;
  return principal_axes(algebra_of<double>(moments.backend()), covariance);
}

template <class Scalar>
PrincipalAxesOf<Scalar> principal_axes(const LinearAlgebra<Scalar>& algebra, const Units& units,
                                       const SpectrumOf<Scalar>& spectrum) {
  const auto size = static_cast<Index>(units.variances.size());
  PrincipalAxesOf<Scalar> out;
  out.dead = units.dead();
  if (units.live.empty()) {
    out.axes = algebra.from_host(nullptr, size, 0);
    return out;
  }
  const auto all = index_range(static_cast<Index>(spectrum.variances.size()));
  out.axes = algebra.placed_rows(spectrum.axes(algebra, all), units.live, size);
  out.variances = vector_of(array(spectrum.variances).max(0.0));
  out.real = spectrum.rank.kept;
  out.undecided = spectrum.rank.undecided;
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
  const auto real = static_cast<Index>(axes.real.size());
  if (truncation.by == Truncation::By::kCount) {
    return {axes.real.begin(), axes.real.begin() + std::clamp(truncation.count, Index{0}, real)};
  }
  auto shares = vector_of(array(axes.variances)(axes.real));
  if (truncation.by == Truncation::By::kSingularValues) {
    array(shares) = array(shares).sqrt();
  }
  double total = 0.0;
  for (const double share : shares) {
    total += share;
  }
  double sum = 0.0;
  std::vector<Index> kept;
  for (std::size_t k = 0; k < shares.size() && sum < truncation.share * total; ++k) {
    sum += shares[k];
    kept.push_back(axes.real[k]);
  }
  return kept;
}

template PrincipalAxes principal_axes(const LinearAlgebra<double>&, const BlockCovariance&);
template PrincipalAxesOf<Complex> principal_axes(const LinearAlgebra<Complex>&,
                                                 const BlockCovarianceOf<Complex>&);
template PrincipalAxes principal_axes(const LinearAlgebra<double>&, const Units&,
                                      const SpectrumOf<double>&);
template std::vector<Index> kept_axes(const PrincipalAxes&, const Truncation&);
template std::vector<Index> kept_axes(const PrincipalAxesOf<Complex>&, const Truncation&);

}  // namespace fastcca
