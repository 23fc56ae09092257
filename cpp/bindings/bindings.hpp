// What the binding files share. They convert, check, release the GIL, call, and convert back.
#pragma once

#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/locked.hpp"
#include "bindings/module.hpp"
#include "core/cca.hpp"
#include "core/measures.hpp"
#include "core/qr_factor.hpp"
#include "core/staged_moments.hpp"

namespace fastcca {

namespace py = pybind11;

using DoubleVector = py::array_t<double, py::array::c_style>;
template <class Scalar>
using NumpyMatrix = py::array_t<Scalar, py::array::f_style>;
using DoubleMatrix = NumpyMatrix<double>;

using LockedMoments = Locked<StagedMoments>;
using LockedFactor = Locked<QrFactor>;

// arrays.cpp
// How arrays of bfloat16 are handed over: numpy has no such type, see _bfloat16.py.
py::dtype bfloat16_dtype();
// Arrays for a state on that backend, each a numpy array or a DeviceArray of _device.py.
// `precisions`, one for each block, where values were computed from coarser ones.
std::vector<ArrayView> views_of(const Backend& backend, const std::vector<std::string>& names,
                                const std::vector<py::object>& arrays,
                                const std::optional<std::vector<std::string>>& precisions);
std::vector<Block> blocks_of(const std::vector<std::string>& names,
                             const std::vector<DoubleVector>& means,
                             const std::vector<std::string>& precisions);
std::vector<double> to_vector(const DoubleVector& array);

template <class T>
py::array_t<T> to_numpy(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class Scalar>
NumpyMatrix<Scalar> to_numpy(const LinearAlgebra<Scalar>& algebra, const MatrixOf<Scalar>& matrix) {
  NumpyMatrix<Scalar> out({matrix.rows(), matrix.cols()});
  Scalar* values = out.mutable_data();
  {
    // A device may be busy with another thread's call, which needs the GIL to hear signals.
    const py::gil_scoped_release release;
    algebra.to_host(matrix, values);
  }
  return out;
}

// A capsule that owns what it is given, for arrays over memory that lies in there.
template <class T>
py::capsule keeper_of(std::unique_ptr<T> owned) {
  const py::capsule out(owned.get(),
                        [](void* p) { const std::unique_ptr<T> last(static_cast<T*>(p)); });
  owned.release();  // NOLINT(bugprone-unused-return-value): the capsule has it
  return out;
}

// The matrix's own memory as an array, freed with the last reference to it. Where that is a
// device's, the host must not read it: numpy only carries shape and strides.
template <class Scalar>
NumpyMatrix<Scalar> to_array(const Backend& backend, MatrixOf<Scalar> matrix) {
  struct Owner {
    const Backend& backend;
    MatrixOf<Scalar> matrix;
    ~Owner() { wait_for_borrowers(backend); }
  };
  std::unique_ptr<Owner> owner(new Owner{backend, std::move(matrix)});
  const MatrixOf<Scalar>& kept = owner->matrix;
  const std::array<Index, 2> shape{kept.rows(), kept.cols()};
  const Scalar* values = kept.data();
  return NumpyMatrix<Scalar>(shape, values, keeper_of(std::move(owner)));
}

// A matrix of a result, copied to the host unless it is there or is to stay in its place.
template <class Scalar>
NumpyMatrix<Scalar> to_python(const Backend& backend, MatrixOf<Scalar> matrix, bool in_place) {
  if (in_place || memory_of_tensors() == Memory::kHost) {
    return to_array<Scalar>(backend, std::move(matrix));
  }
  return to_numpy<Scalar>(algebra_of<Scalar>(backend), matrix);
}

template <class Scalar>
MatrixOf<Scalar> to_matrix(const LinearAlgebra<Scalar>& algebra, const NumpyMatrix<Scalar>& array) {
  if (array.ndim() != 2) {
    throw py::value_error("a matrix must have 2 dimensions, not " + std::to_string(array.ndim()));
  }
  const Scalar* values = array.data();
  const Index rows = array.shape(0);
  const Index cols = array.shape(1);
  const py::gil_scoped_release release;
  return algebra.from_host(values, rows, cols);
}

// What every state offers. Its content is copied under the lock, and becomes Python's afterwards.
template <class State>
void bind_state(py::class_<Locked<State>>& state) {
  using L = Locked<State>;
  const auto block = [](const L& self, Index i) {
    return without_gil(self, [i](const State& s) {
      if (i < 0 || i >= s.block_count()) {
        throw py::index_error("there is no block " + std::to_string(i) + ", only " +
                              std::to_string(s.block_count()));
      }
      return s.block(i);
    });
  };
  state
      .def(
          "merge",
          [](L& self, const L& other) {
            // A copy first: two objects merged into each other must not wait for each other.
            const State copy = without_gil(other, &State::clone);
            without_gil(self, [&](State& s) { s.merge(copy); });
          },
          py::arg("other"))
      .def("clone",
           [](const L& self) { return std::make_unique<L>(without_gil(self, &State::clone)); })
      .def_property_readonly("device", [](const L& self) { return device_of(self.backend()); })
      .def_property_readonly("n_samples",
                             [](const L& self) { return without_gil(self, &State::n_samples); })
      .def_property_readonly("block_names",
                             [](const L& self) { return without_gil(self, &State::block_names); })
      .def(
          "mean", [block](const L& self, Index i) { return to_numpy(block(self, i).mean); },
          py::arg("block"))
      .def(
          "precision",
          [block](const L& self, Index i) {
            return std::string(name_of(block(self, i).precision));
          },
          py::arg("block"))
      .def_property_readonly_static("format_version",
                                    [](const py::object&) { return State::kFormatVersion; });
}

// (real block, imaginary block or None)
using ComplexIndex = std::pair<Index, std::optional<Index>>;
inline ComplexBlock block_of(const ComplexIndex& index) { return {index.first, index.second}; }
// Mean squares of features, where they are not those of the samples.
using Energy = std::optional<std::vector<double>>;

// ("variance" | "singular_values" | "count", value)
using Keep = std::optional<std::pair<std::string, double>>;
std::optional<Truncation> truncation_of(const Keep& keep);

void bind_dlpack(py::module_& m);
void bind_moments(py::module_& m);
void bind_qr_factor(py::module_& m);
void bind_cca(py::module_& m);
void bind_few_samples(py::module_& m);
void bind_google(py::module_& m);
void bind_measures(py::module_& m);
void bind_pairwise(py::module_& m);
void bind_resampling(py::module_& m);
// This is for _core alone.
void bind_config(py::module_& m);

}  // namespace fastcca
