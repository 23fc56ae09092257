// Matrices in host memory as Eigen sees them.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <memory>
#include <new>

#include "core/host_vectors.hpp"
#include "cpu/unwritten.hpp"

namespace fastcca {

// Uninitialized: every operation writes all of what it returns.
template <class Scalar>
MatrixOf<Scalar> allocate(Index rows, Index cols) {
  const auto count = static_cast<std::size_t>(std::max<Index>(rows * cols, 1));
  auto* data = static_cast<Scalar*>(::operator new[](count * sizeof(Scalar)));
  std::shared_ptr<Scalar[]> storage(data, [](Scalar* p) { ::operator delete[](p); });
  mark_unwritten(data, count);
  return {std::move(storage), rows, cols};
}

template <class Scalar>
Eigen::Map<Eigen::MatrixX<Scalar>> map(MatrixOf<Scalar>& a) {
  return {a.data(), a.rows(), a.cols()};
}

template <class Scalar>
Eigen::Map<const Eigen::MatrixX<Scalar>> map(const MatrixOf<Scalar>& a) {
  return {a.data(), a.rows(), a.cols()};
}

template <class T>
std::size_t at(T i) {
  return static_cast<std::size_t>(i);
}

}  // namespace fastcca
