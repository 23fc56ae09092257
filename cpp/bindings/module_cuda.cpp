// The module of CUDA devices.
#include "bindings/module_cuda.hpp"

#include <memory>
#include <mutex>
#include <vector>

#include "bindings/bindings.hpp"
#include "bindings/dlpack_abi.hpp"
#include "cuda/cuda_backend.hpp"
#include "cuda/devices.hpp"

namespace fastcca {

const CudaBackend& cuda_backend(int device) {
  static std::mutex mutex;
  // Never destroyed: the driver may be gone when static objects are.
  static auto& made = *new std::vector<std::unique_ptr<const CudaBackend>>;
  const py::gil_scoped_release release;  // making one takes long
  const std::scoped_lock guard(mutex);
  if (const std::string reason = cuda::unusable(); !reason.empty()) {
    throw std::runtime_error("backend=\"cuda\" cannot run here: " + reason);
  }
  const int count = cuda::device_count();
  if (device < 0 || device >= count) {
    throw std::invalid_argument("there is no CUDA device " + std::to_string(device) + "; there " +
                                (count == 1 ? "is" : "are") + " " + std::to_string(count) +
                                ", counted from 0");
  }
  made.resize(static_cast<std::size_t>(count));
  auto& backend = made[static_cast<std::size_t>(device)];
  if (!backend) {
    backend = std::make_unique<const CudaBackend>(device);
  }
  return *backend;
}

namespace {

py::dict cuda_config() {
  py::dict out;
  const std::string reason = cuda::unusable();
  out["unusable"] = reason;
  out["runtime"] = cuda::runtime_version();
  out["driver"] = cuda::driver_version();
  py::list devices;
  for (int i = 0; reason.empty() && i < cuda::device_count(); ++i) {
    devices.append(cuda::device_name(i));
  }
  out["devices"] = devices;
  return out;
}

// For arrays that only tell their address: its device, which has waited for the work so far on
// the stream of the array's producer, if it names one.
int device_of_address(std::uintptr_t address, std::optional<std::uintptr_t> stream,
                      const std::string& name) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the protocol tells it as a number
  const int device = cuda::device_of(reinterpret_cast<const void*>(address));
  if (device < 0) {
    throw py::type_error(name + " says that it is on a CUDA device, but its memory is on none");
  }
  const CudaBackend& backend = cuda_backend(device);
  if (stream) {
    backend.wait_for(*stream);
  }
  return device;
}

// The bytes of a device's memory as a numpy array.
py::array_t<std::uint8_t> read_bytes(std::uintptr_t address, Index count, int device) {
  py::array_t<std::uint8_t> out(count);
  const CudaBackend& backend = cuda_backend(device);
  std::uint8_t* bytes = out.mutable_data();
  {
    const py::gil_scoped_release release;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    backend.read_bytes(reinterpret_cast<const void*>(address), static_cast<std::size_t>(count),
                       bytes);
  }
  return out;
}

}  // namespace

const Backend& backend_on(int device) { return cuda_backend(device); }

int device_of(const Backend& backend) { return static_cast<const CudaBackend&>(backend).device(); }

void require_usable() {}  // or there would be no backend

std::optional<std::uintptr_t> stream_to_read(std::int32_t device_type, std::int32_t device,
                                             const std::string& name) {
  if (device_type != dlpack::kCuda && device_type != dlpack::kCudaManaged) {
    throw py::type_error(name + " is not in the memory of a CUDA device (DLPack device type " +
                         std::to_string(device_type) + ")");
  }
  return cuda_backend(device).stream();
}

Memory memory_of_tensors() { return Memory::kDevice; }

void wait_for_borrowers(const Backend& backend) noexcept {
  static_cast<const CudaBackend&>(backend).wait_for_device();
}

}  // namespace fastcca

PYBIND11_MODULE(_cuda, m) {
  m.attr("ScaleError") = pybind11::module_::import("fastcca._core").attr("ScaleError");
  fastcca::bind_backend(m);
  fastcca::bind_spectra(m);
  m.def("config", &fastcca::cuda_config);
  m.def("device_memory", &fastcca::cuda::device_memory, pybind11::arg("device"));
  m.def("device_of_address", &fastcca::device_of_address, pybind11::arg("address"),
        pybind11::arg("stream"), pybind11::arg("name"));
  m.def("read_bytes", &fastcca::read_bytes, pybind11::arg("address"), pybind11::arg("count"),
        pybind11::arg("device"));
  fastcca::bind_device_arrays(m);
}
