// Matrices in host memory as Eigen sees them.
#pragma once

#include <Eigen/Core>
#include <new>
#include <span>

#include "core/types.hpp"
#include "cpu/unwritten.hpp"

namespace fastcca::host {

template <class Scalar>
using DynamicMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
template <class Scalar>
using ConstMap = Eigen::Map<const DynamicMatrix<Scalar>>;
using ConstVectorMap = Eigen::Map<const Eigen::VectorXd>;

// Uninitialized: every operation writes all of what it returns.
template <class Scalar>
MatrixOf<Scalar> allocate(Index rows, Index cols) {
  const auto count = static_cast<std::size_t>(std::max<Index>(rows * cols, 1));
  auto* data = static_cast<Scalar*>(::operator new[](count * sizeof(Scalar)));
  mark_unwritten(data, count);
  using Storage = typename MatrixOf<Scalar>::Storage;
  return {Storage(data, [](Scalar* p) { ::operator delete[](p); }), rows, cols};
}

template <class Scalar>
Eigen::Map<DynamicMatrix<Scalar>> map(MatrixOf<Scalar>& a) {
  return {a.data(), a.rows(), a.cols()};
}

template <class Scalar>
ConstMap<Scalar> map(const MatrixOf<Scalar>& a) {
  return {a.data(), a.rows(), a.cols()};
}

inline ConstVectorMap map(std::span<const double> v) {
  return {v.data(), static_cast<Index>(v.size())};
}

template <class T>
std::size_t at(T i) {
  return static_cast<std::size_t>(i);
}

}  // namespace fastcca::host
