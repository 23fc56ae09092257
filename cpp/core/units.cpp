#include "core/units.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/host_vectors.hpp"
#include "core/rank_rule.hpp"

namespace fastcca {

Units::Units(std::vector<double> of_units, std::vector<double> mean_squares, double epsilon)
    : variances(std::move(of_units)),
      energy(std::move(mean_squares)),
      input_epsilon(epsilon),
      live(rank_rule::live_units(variances, energy, input_epsilon)) {}

std::vector<Index> Units::dead() const {
  return all_but(live, static_cast<Index>(variances.size()));
}

std::vector<double> Units::inverse_scale() const {
  return vector_of(1.0 / array(variances)(live).sqrt());
}

std::vector<double> Units::noise() const {
  return vector_of(array(energy)(live).unaryExpr(
      [this](double e) { return rank_rule::noise_variance(e, input_epsilon); }));
}

std::vector<double> Units::unit_noise() const {
  return rank_rule::unit_noise(live, variances, energy, input_epsilon);
}

template <class Scalar>
Units units_of(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block) {
  std::vector<double> variances = algebra.diagonal(*block.scatter);
  array(variances) /= block.degrees;
  return {std::move(variances), block.energy, block.input_epsilon};
}

std::vector<Index> all_but(std::span<const Index> some, Index count) {
  const auto all = index_range(count);
  std::vector<Index> out;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(out));
  return out;
}

template Units units_of(const LinearAlgebra<double>&, const BlockCovariance&);
template Units units_of(const LinearAlgebra<Complex>&, const BlockCovarianceOf<Complex>&);

}  // namespace fastcca
