// Vectors of the host as Eigen sees them: what decisions are taken on, of length O(p).
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace fastcca {

inline Eigen::Map<const Eigen::ArrayXd> array(std::span<const double> v) {
  return {v.data(), static_cast<Index>(v.size())};
}

inline Eigen::Map<Eigen::ArrayXd> array(std::vector<double>& v) {
  return {v.data(), static_cast<Index>(v.size())};
}

template <class Expression>
std::vector<double> vector_of(const Eigen::DenseBase<Expression>& values) {
  std::vector<double> out(static_cast<std::size_t>(values.size()));
  array(out) = values.derived();
  return out;
}

inline std::vector<double> filled(Index size, double value) {
  return std::vector<double>(static_cast<std::size_t>(size), value);
}

}  // namespace fastcca
