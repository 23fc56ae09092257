#include "core/units.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/rank_rule.hpp"

namespace fastcca {

template <class Scalar>
std::vector<Units> units_of_each(const LinearAlgebra<Scalar>& algebra,
                                 std::span<const BlockCovarianceOf<Scalar>> blocks) {
  std::vector<const MatrixOf<Scalar>*> scatters;
  for (const auto& block : blocks) {
    scatters.push_back(block.scatter);
  }
  std::vector<Units> out;
  auto diagonals = algebra.diagonal_each(scatters);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (double& d : diagonals[i]) {
      d /= blocks[i].degrees;
    }
    auto live = rank_rule::live_units(diagonals[i], blocks[i].energy, blocks[i].input_epsilon);
    out.push_back({std::move(diagonals[i]), std::move(live)});
  }
  return out;
}

template <class Scalar>
Units units_of(const LinearAlgebra<Scalar>& algebra, const BlockCovarianceOf<Scalar>& block) {
  return std::move(units_of_each(algebra, std::span(&block, 1)).front());
}

template <class Scalar>
std::vector<Index> dead_units(const LinearAlgebra<Scalar>& algebra,
                              const BlockCovarianceOf<Scalar>& block) {
  return others(block.scatter->rows(), units_of(algebra, block).live);
}

std::vector<Index> others(Index count, std::span<const Index> some) {
  const auto all = index_range(count);
  std::vector<Index> out;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(out));
  return out;
}

template std::vector<Units> units_of_each(const LinearAlgebra<double>&,
                                          std::span<const BlockCovariance>);
template std::vector<Units> units_of_each(const LinearAlgebra<Complex>&,
                                          std::span<const BlockCovarianceOf<Complex>>);
template Units units_of(const LinearAlgebra<double>&, const BlockCovariance&);
template Units units_of(const LinearAlgebra<Complex>&, const BlockCovarianceOf<Complex>&);
template std::vector<Index> dead_units(const LinearAlgebra<double>&, const BlockCovariance&);
template std::vector<Index> dead_units(const LinearAlgebra<Complex>&,
                                       const BlockCovarianceOf<Complex>&);

}  // namespace fastcca
