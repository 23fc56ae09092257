// Which units of a block are alive: what is taken from the diagonal of its covariance.
#pragma once

#include <span>
#include <vector>

#include "core/block.hpp"

namespace fastcca {

struct Units {
  std::vector<double> variances;  // of all units
  std::vector<Index> live;        // those that vary by more than the rounding of their values
};

template <class Scalar>
Units units_of(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block);
template <class Scalar>
std::vector<Units> units_of_each(const LinearAlgebra<Scalar>& algebra,
                                 std::span<const BlockCovarianceOf<Scalar>> blocks);

// The units that are not.
template <class Scalar>
std::vector<Index> dead_units(const LinearAlgebra<Scalar>& algebra,
                              const BlockCovarianceOf<Scalar>& block);

// What [0, count) holds besides `some`, which ascend.
std::vector<Index> others(Index count, std::span<const Index> some);

}  // namespace fastcca
