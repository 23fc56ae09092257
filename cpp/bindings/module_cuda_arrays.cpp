// Arrays in the memory of CUDA devices: made from the host's, multiplied, and lent by DLPack.
#include <cstdint>
#include <string_view>

#include "bindings/bindings.hpp"
#include "bindings/dlpack_abi.hpp"
#include "bindings/module_cuda.hpp"

namespace fastcca {

namespace {

// A tensor and what it points to: alive until its consumer gives it back.
template <class Managed>
struct Lent {
  Managed managed{};
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  py::array view;
};

// Consumers call it on any thread, with or without the GIL.
template <class Managed>
void take_back(Managed* managed) {
  auto* lent = static_cast<Lent<Managed>*>(managed->context);
  if (Py_IsInitialized() == 0) {
    return;  // the process ends, and nothing is left that could free an array
  }
  const py::gil_scoped_acquire gil;
  const std::unique_ptr<Lent<Managed>> last(lent);
}

dlpack::DataType type_of(const py::dtype& dtype) {
  const auto bits = static_cast<std::uint8_t>(8 * dtype.itemsize());
  switch (dtype.kind()) {
    case 'c':
      return {dlpack::kComplex, bits, 1};
    case 'f':
      return {dlpack::kFloat, bits, 1};
    default:
      throw py::buffer_error("an array of dtype " + py::str(dtype).cast<std::string>() +
                             " is not lent by DLPack");
  }
}

template <class Managed>
py::object lend(const py::array& view, int device, const char* name) {
  auto lent = std::make_unique<Lent<Managed>>();
  const dlpack::DataType type = type_of(view.dtype());
  const py::ssize_t size = view.itemsize();
  for (py::ssize_t i = 0; i < view.ndim(); ++i) {
    lent->shape.push_back(view.shape(i));
    lent->strides.push_back(view.strides(i) / size);
  }
  lent->view = view;
  Managed& managed = lent->managed;
  managed.tensor = {
      const_cast<void*>(view.data()),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
      {dlpack::kCuda, device},
      static_cast<std::int32_t>(view.ndim()),
      type,
      lent->shape.data(),
      lent->strides.data(),
      0};
  managed.context = lent.get();
  managed.deleter = &take_back<Managed>;
  if constexpr (std::is_same_v<Managed, dlpack::VersionedTensor>) {
    managed.version = {dlpack::kMajorVersion, dlpack::kMinorVersion};
    managed.flags = view.writeable() ? 0 : dlpack::kReadOnly;
  }
  PyObject* capsule = PyCapsule_New(&managed, name, [](PyObject* self) {
    const char* held = PyCapsule_GetName(self);
    // A consumer renames the capsule that it has taken the tensor of.
    if (std::string_view(held).starts_with("dltensor")) {
      auto* unused = static_cast<Managed*>(PyCapsule_GetPointer(self, held));
      unused->deleter(unused);
    }
  });
  if (capsule == nullptr) {
    throw py::error_already_set();
  }
  lent.release();  // NOLINT(bugprone-unused-return-value): the capsule has it
  return py::reinterpret_steal<py::object>(capsule);
}

// A DLPack capsule of an array of the device; the consumer's stream waits for ours, where it is
// given one.
py::object to_dlpack(const py::array& view, int device, std::optional<std::uintptr_t> stream,
                     bool versioned) {
  if (stream) {
    cuda_backend(device).let_follow(*stream);
  }
  return versioned ? lend<dlpack::VersionedTensor>(view, device, "dltensor_versioned")
                   : lend<dlpack::ManagedTensor>(view, device, "dltensor");
}

template <class Scalar>
NumpyMatrix<Scalar> to_device(const NumpyMatrix<Scalar>& array, int device) {
  const CudaBackend& backend = cuda_backend(device);
  return to_array<Scalar>(backend, to_matrix<Scalar>(algebra_of<Scalar>(backend), array));
}

// (k, n), of samples (n, p) of all blocks side by side less shift (p,), times weights (p, k).
DoubleMatrix multiply_samples(const std::vector<py::object>& blocks, const DoubleVector& shift,
                              const py::object& weights, int device) {
  const CudaBackend& backend = cuda_backend(device);
  const std::vector<ArrayView> samples =
      views_of(backend, std::vector<std::string>(blocks.size(), "x"), blocks, std::nullopt);
  const std::vector<ArrayView> factor = views_of(backend, {"weights"}, {weights}, std::nullopt);
  const std::vector<double> means = to_vector(shift);
  return to_array<double>(
      backend, without_gil([&] { return backend.multiply_samples(samples, means, factor[0]); }));
}

}  // namespace

void bind_device_arrays(py::module_& m) {
  m.def("to_dlpack", &to_dlpack, py::arg("view"), py::arg("device"), py::arg("stream"),
        py::arg("versioned"));
  m.def("to_device", &to_device<double>, py::arg("array"), py::arg("device"));
  m.def("to_device", &to_device<Complex>, py::arg("array"), py::arg("device"));
  m.def("multiply_samples", &multiply_samples, py::arg("blocks"), py::arg("shift"),
        py::arg("weights"), py::arg("device"));
  m.def("stream", [](int device) { return cuda_backend(device).stream(); }, py::arg("device"));
}

}  // namespace fastcca
