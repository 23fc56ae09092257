// cudart: devices, versions, errors.
#include <unistd.h>

#include <cstring>
#include <string>

#include "memory.hpp"
#include "runtime.hpp"
#include "settings.hpp"

namespace standin {
namespace {

constexpr int kVersion = CUDART_VERSION;
constexpr int kOldDriverVersion = 12040;

thread_local int device_of_thread = 0;
thread_local cudaError_t last_error = cudaSuccess;
pid_t initialized_by = 0;

struct ErrorText {
  cudaError_t code;
  const char* name;
  const char* text;
};

constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const ErrorText& text_of(cudaError_t error) {
  for (const ErrorText& known : kErrors) {
    if (known.code == error) return known;
  }
  static const ErrorText unrecognized{cudaErrorUnknown, "unrecognized error code",
                                      "unrecognized error code"};
  return unrecognized;
}

bool is_device(int device) { return device >= 0 && device < settings().devices; }

}  // namespace

cudaError_t result(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

cudaError_t refusal(const Entry& entry) {
  const Driver driver = settings().driver;
  if (driver == Driver::kMissing || driver == Driver::kOld)
    return result(cudaErrorInsufficientDriver);
  if (driver == Driver::kNoDevice || settings().devices == 0) return result(cudaErrorNoDevice);
  if (initialized_by == 0) initialized_by = getpid();
  if (initialized_by != getpid()) return result(cudaErrorInitializationError);
  return result(static_cast<cudaError_t>(entry.failure()));
}

int current_device() { return device_of_thread; }

}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  const Entry entry("cudaGetDeviceCount");
  *count = 0;
  if (const cudaError_t refused = refusal(entry)) return refused;
  *count = settings().devices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  const Entry entry("cudaGetDevice");
  if (const cudaError_t refused = refusal(entry)) return refused;
  *device = current_device();
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  const Entry entry("cudaSetDevice");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  device_of_thread = device;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const Entry entry("cudaDeviceSynchronize");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (entry.is_ignored()) return cudaSuccess;
  synchronize_device(current_device());
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  const Entry entry("cudaDeviceGetAttribute");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = 4;
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxGridDimX:
      *value = 2147483647;
      break;
    case cudaDevAttrWarpSize:
      *value = 32;
      break;
    case cudaDevAttrUnifiedAddressing:
      *value = 1;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = settings().pools ? 1 : 0;
      break;
    default:
      die("cudaDeviceGetAttribute: the stand-in has no attribute %d", attribute);
  }
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Entry entry("cudaGetDeviceProperties");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  *properties = {};
  const std::string name = "fastcca stand-in " + std::to_string(device);
  std::strncpy(properties->name, name.c_str(), sizeof properties->name - 1);
  properties->totalGlobalMem = settings().memory;
  properties->major = 9;
  properties->multiProcessorCount = 4;
  properties->maxThreadsPerBlock = 1024;
  properties->maxGridSize[0] = 2147483647;
  properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
  properties->warpSize = 32;
  properties->unifiedAddressing = 1;
  properties->memoryPoolsSupported = settings().pools ? 1 : 0;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Entry entry("cudaMemGetInfo");
  if (const cudaError_t refused = refusal(entry)) return refused;
  const std::size_t used = used_bytes(current_device());
  *total = settings().memory;
  *free = *total > used ? *total - used : 0;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  const Entry entry("cudaDriverGetVersion");
  const Driver driver = settings().driver;
  *version = driver == Driver::kMissing ? 0 : driver == Driver::kOld ? kOldDriverVersion : kVersion;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  const Entry entry("cudaRuntimeGetVersion");
  *version = kVersion;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() { return last_error; }
const char* cudaGetErrorName(cudaError_t error) { return text_of(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return text_of(error).text; }

}  // extern "C"
