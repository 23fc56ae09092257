// What the binding files share. They convert, check, release the GIL, call, and convert back.
#pragma once

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/moments.hpp"
#include "cpu/cpu_backend.hpp"

namespace fastcca {

namespace py = pybind11;

using DoubleVector = py::array_t<double, py::array::c_style>;
template <class Scalar>
using NumpyMatrix = py::array_t<Scalar, py::array::f_style>;
using DoubleMatrix = NumpyMatrix<double>;

// The moments as Python holds them: calls run without the GIL, so the object brings its own lock.
struct LockedMoments {
  explicit LockedMoments(Moments m) : moments(std::move(m)) {}
  Moments moments;
  mutable std::mutex mutex;
};

// Runs f(moments) without the GIL and under the object's lock.
template <class Locked, class F>
auto without_gil(Locked& locked, F f) {
  const py::gil_scoped_release release;
  const std::scoped_lock guard(locked.mutex);
  return f(locked.moments);
}

// lapack_capsules.cpp
// Fills the table from SciPy; returns an empty text, or why its LAPACK cannot be used.
std::string load_lapack();
const std::string& lapack_error();
const CpuBackend& cpu_backend();
// The same, or a RuntimeError where there is no usable LAPACK.
const CpuBackend& solving_backend();
void require_lapack();

// arrays.cpp
ArrayView view_of(const py::array& array, const std::string& name);
DoubleVector to_numpy(const std::vector<double>& values);
py::array_t<Index> to_numpy(const std::vector<Index>& values);
std::vector<double> to_vector(const DoubleVector& array);

template <class Scalar>
NumpyMatrix<Scalar> to_numpy(const LinearAlgebra<Scalar>& algebra, const MatrixOf<Scalar>& matrix) {
  NumpyMatrix<Scalar> out({matrix.rows(), matrix.cols()});
  algebra.to_host(matrix, out.mutable_data());
  return out;
}

template <class Scalar>
MatrixOf<Scalar> to_matrix(const LinearAlgebra<Scalar>& algebra, const NumpyMatrix<Scalar>& array) {
  if (array.ndim() != 2) {
    throw py::value_error("a matrix must have 2 dimensions, not " + std::to_string(array.ndim()));
  }
  return algebra.from_host(array.data(), array.shape(0), array.shape(1));
}

void bind_moments(py::module_& m);
void bind_cca(py::module_& m);
void bind_measures(py::module_& m);
void bind_config(py::module_& m);

}  // namespace fastcca
