// Which units of a block are alive: what is taken from the diagonal of its covariance.
#pragma once

#include <span>
#include <vector>

#include "core/covariance.hpp"

namespace fastcca {

struct Units {
  // Variances and energies are those of all units, (p,). Throws where a variance is not finite.
  Units(std::vector<double> of_units, std::vector<double> mean_squares, double epsilon);

  std::vector<double> variances;
  std::vector<double> energy;  // see BlockCovarianceOf
  double input_epsilon;
  std::vector<Index> live;  // units that vary by more than the rounding of their values

  std::vector<Index> dead() const;
  // What follows is (live,): 1 / standard deviation, the variance that is rounding of the input,
  // and that of the unit scaled to unit variance.
  std::vector<double> inverse_scale() const;
  std::vector<double> noise() const;
  std::vector<double> unit_noise() const;
};

template <class Scalar>
Units units_of(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block);

// What [0, count) holds besides `some`, which ascend.
std::vector<Index> all_but(std::span<const Index> some, Index count);

}  // namespace fastcca
