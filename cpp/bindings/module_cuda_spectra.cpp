// Transforms of maps on CUDA devices, as numpy arrays over the device's memory: _device.py wraps
// them, and their values are never asked for.
#include <memory>
#include <utility>
#include <vector>

#include "bindings/bindings.hpp"
#include "bindings/module_cuda.hpp"

namespace fastcca {

namespace {

// A read-only array, which frees the matrix with its last view. It is not lent to other libraries,
// so that nobody has to be waited for then, unlike to_array's.
py::array array_over(Matrix memory, const py::dtype& dtype, const std::vector<py::ssize_t>& shape,
                     const std::vector<py::ssize_t>& strides) {
  auto owned = std::make_unique<Matrix>(std::move(memory));
  const double* data = owned->data();
  py::array out(dtype, shape, strides, data, keeper_of(std::move(owned)));
  out.attr("setflags")(py::arg("write") = false);
  return out;
}

// The half spectrum (samples, height, width // 2 + 1, channels) of maps (samples, height, width,
// channels), and the sum of squares of every channel.
py::tuple spectra(const py::object& maps, const std::string& name, int device) {
  const CudaBackend& backend = cuda_backend(device);
  const auto shape = maps.attr("shape").cast<std::vector<Index>>();
  if (shape.size() != 4) {
    throw py::value_error(name + " has " + std::to_string(shape.size()) +
                          " axes; they must be samples, height, width and channels");
  }
  const ArrayView view = views_of(backend, {name}, {maps}, std::nullopt).front();
  if (view.rows == 0 || view.cols == 0) {
    throw py::value_error(name + " has an axis of length 0; every axis must be at least 1");
  }
  cuda::Spectra found = without_gil([&] { return backend.spectra(view, shape[1], shape[2]); });
  const Index bytes = found.single ? 8 : 16;
  const Index kept = shape[2] / 2 + 1;
  const Index of_frequency = bytes * shape[0] * shape[3];
  return py::make_tuple(array_over(std::move(found.memory), py::dtype(found.single ? "c8" : "c16"),
                                   {shape[0], shape[1], kept, shape[3]},
                                   {bytes, of_frequency * kept, of_frequency, bytes * shape[0]}),
                        to_numpy(found.energies));
}

// (samples, features), float64
py::array negated(const py::object& values, const std::string& name, int device) {
  const CudaBackend& backend = cuda_backend(device);
  const ArrayView view = views_of(backend, {name}, {values}, std::nullopt).front();
  Matrix out = without_gil([&] { return backend.negated(view); });
  return array_over(std::move(out), py::dtype::of<double>(), {view.rows, view.cols},
                    {Index{sizeof(double)}, view.rows * Index{sizeof(double)}});
}

}  // namespace

void bind_spectra(py::module_& m) {
  m.def("spectra", &spectra, py::arg("maps"), py::arg("name"), py::arg("device"));
  m.def("negated", &negated, py::arg("values"), py::arg("name"), py::arg("device"));
}

}  // namespace fastcca
