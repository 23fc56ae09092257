// The module of the CPU.
#include "bindings/bindings.hpp"
#include "bindings/dlpack_abi.hpp"
#include "bindings/lapack_capsules.hpp"
#include "core/errors.hpp"
#include "cpu/cpu_backend.hpp"

namespace fastcca {

const Backend& backend_on(int device) {
  if (device != 0) {
    throw py::value_error("the CPU has no device " + std::to_string(device));
  }
  static const auto backend = make_cpu_backend(lapack_table());
  return *backend;
}

int device_of(const Backend& /*backend*/) { return 0; }

void require_usable() {
  if (!lapack_error().empty()) {
    throw std::runtime_error("the cpu backend has no LAPACK: " + lapack_error() +
                             "; use backend=\"numpy\"");
  }
}

std::optional<std::uintptr_t> stream_to_read(std::int32_t device_type, std::int32_t /*device*/,
                                             const std::string& name) {
  if (device_type == dlpack::kCpu || device_type == dlpack::kCudaHost ||
      device_type == dlpack::kRocmHost) {
    return std::nullopt;
  }
  throw py::type_error(name + " is not in the memory of the CPU (DLPack device type " +
                       std::to_string(device_type) + "); copy it there first, with " + name +
                       ".cpu() in PyTorch, jax.device_get(" + name + ") or cupy.asnumpy(" + name +
                       ")");
}

Memory memory_of_tensors() { return Memory::kHost; }

void wait_for_borrowers(const Backend& /*backend*/) noexcept {}

}  // namespace fastcca

PYBIND11_MODULE(_core, m) {
  fastcca::load_lapack();
  const pybind11::exception<fastcca::ScaleError> scale_error(m, "ScaleError", PyExc_ValueError);
  fastcca::bind_config(m);
  fastcca::bind_backend(m);
}
