#include "cuda/devices.hpp"

#include "cuda/check.hpp"
#include "cuda/context.hpp"
#include "cuda/errors.hpp"

namespace fastcca::cuda {

namespace {

std::string as_version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

cudaDeviceProp properties_of(int device) {
  require_device(device);
  cudaDeviceProp out{};
  check(cudaGetDeviceProperties(&out, device), "cudaGetDeviceProperties");
  return out;
}

}  // namespace

std::string unusable() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) {
    return "";
  }
  cudaGetLastError();
  const std::string text = status == cudaSuccess
                               ? std::string("cudaGetDeviceCount found none")
                               : "cudaGetDeviceCount says: " + description_of(status);
  if (status == cudaErrorInsufficientDriver) {
    const int driver = driver_version();
    const std::string needed = "CUDA " + as_version(runtime_version());
    return driver == 0 ? "no NVIDIA driver is loaded (" + text + "); install one that serves " +
                             needed + ", version 580 or newer"
                       : "the NVIDIA driver is too old: it serves CUDA " + as_version(driver) +
                             ", and this build needs " + needed + " (" + text +
                             "); update it to version 580 or newer";
  }
  return "there is no usable NVIDIA device (" + text +
         "); look at nvidia-smi and at the environment variable CUDA_VISIBLE_DEVICES";
}

int device_count() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  return count;
}

std::string device_name(int device) { return properties_of(device).name; }

std::size_t device_memory(int device) { return properties_of(device).totalGlobalMem; }

int device_of(const void* pointer) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, pointer), "cudaPointerGetAttributes");
  const bool there =
      attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
  return there ? attributes.device : -1;
}

int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

int runtime_version() {
  int version = 0;
  check(cudaRuntimeGetVersion(&version), "cudaRuntimeGetVersion");
  return version;
}

}  // namespace fastcca::cuda
