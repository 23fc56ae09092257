#include "cuda/check.hpp"

#include "cuda/errors.hpp"

namespace fastcca::cuda {

namespace {

// cuSOLVER has no call for these.
const char* name_of(cusolverStatus_t status) {
  switch (status) {
    case CUSOLVER_STATUS_NOT_INITIALIZED:
      return "CUSOLVER_STATUS_NOT_INITIALIZED";
    case CUSOLVER_STATUS_ALLOC_FAILED:
      return "CUSOLVER_STATUS_ALLOC_FAILED";
    case CUSOLVER_STATUS_INVALID_VALUE:
      return "CUSOLVER_STATUS_INVALID_VALUE";
    case CUSOLVER_STATUS_ARCH_MISMATCH:
      return "CUSOLVER_STATUS_ARCH_MISMATCH";
    case CUSOLVER_STATUS_EXECUTION_FAILED:
      return "CUSOLVER_STATUS_EXECUTION_FAILED";
    case CUSOLVER_STATUS_INTERNAL_ERROR:
      return "CUSOLVER_STATUS_INTERNAL_ERROR";
    case CUSOLVER_STATUS_MATRIX_TYPE_NOT_SUPPORTED:
      return "CUSOLVER_STATUS_MATRIX_TYPE_NOT_SUPPORTED";
    case CUSOLVER_STATUS_NOT_SUPPORTED:
      return "CUSOLVER_STATUS_NOT_SUPPORTED";
    case CUSOLVER_STATUS_INVALID_WORKSPACE:
      return "CUSOLVER_STATUS_INVALID_WORKSPACE";
    default:
      return "an unknown status";
  }
}

// Nor cuFFT.
const char* name_of(cufftResult status) {
  switch (status) {
    case CUFFT_INVALID_PLAN:
      return "CUFFT_INVALID_PLAN, the handle is none of a plan";
    case CUFFT_ALLOC_FAILED:
      return "CUFFT_ALLOC_FAILED, memory could not be allocated";
    case CUFFT_INVALID_TYPE:
      return "CUFFT_INVALID_TYPE, the type of transform is not supported";
    case CUFFT_INVALID_VALUE:
      return "CUFFT_INVALID_VALUE, a pointer or parameter is invalid";
    case CUFFT_INTERNAL_ERROR:
      return "CUFFT_INTERNAL_ERROR, an error of the driver or of cuFFT";
    case CUFFT_EXEC_FAILED:
      return "CUFFT_EXEC_FAILED, the transform could not be executed";
    case CUFFT_SETUP_FAILED:
      return "CUFFT_SETUP_FAILED, the library could not be initialized";
    case CUFFT_INVALID_SIZE:
      return "CUFFT_INVALID_SIZE, the size of the transform is not supported";
    case CUFFT_UNALIGNED_DATA:
      return "CUFFT_UNALIGNED_DATA, the data are not aligned";
    case CUFFT_INVALID_DEVICE:
      return "CUFFT_INVALID_DEVICE, the plan is of another device";
    case CUFFT_NO_WORKSPACE:
      return "CUFFT_NO_WORKSPACE, the plan has no workspace";
    case CUFFT_NOT_IMPLEMENTED:
      return "CUFFT_NOT_IMPLEMENTED, cuFFT does not implement this";
    case CUFFT_NOT_SUPPORTED:
      return "CUFFT_NOT_SUPPORTED, cuFFT does not support this";
    case CUFFT_MISSING_DEPENDENCY:
      return "CUFFT_MISSING_DEPENDENCY, a library that cuFFT needs was not found";
    case CUFFT_NVRTC_FAILURE:
      return "CUFFT_NVRTC_FAILURE, a kernel could not be compiled";
    case CUFFT_NVJITLINK_FAILURE:
      return "CUFFT_NVJITLINK_FAILURE, a kernel could not be linked";
    default:
      return "an unknown status";
  }
}

[[noreturn]] void fail(const char* call, const std::string& description) {
  throw DeviceError(std::string(call) + " failed: " + description);
}

std::string memory_left() {
  std::size_t free = 0;
  std::size_t total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) {
    return "";
  }
  return " " + std::to_string(free) + " of " + std::to_string(total) + " bytes are free.";
}

[[noreturn]] void throw_out_of_memory(const std::string& failure) {
  cudaGetLastError();  // the next call is not to find this one's failure
  throw OutOfDeviceMemory("the device is out of memory: " + failure + "." + memory_left() +
                          " Free what other programs and libraries hold there (in PyTorch "
                          "torch.cuda.empty_cache()), give fewer layers or features at once, or "
                          "compute on the host with backend=\"cpu\"");
}

}  // namespace

std::string description_of(cudaError_t status) {
  return std::string(cudaGetErrorString(status)) + " (" + cudaGetErrorName(status) + ", " +
         std::to_string(static_cast<int>(status)) + ")";
}

void throw_out_of_memory(const char* call, std::size_t bytes) {
  throw_out_of_memory(std::string(call) + " was asked for " + std::to_string(bytes) + " bytes");
}

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) {
    return;
  }
  if (status == cudaErrorMemoryAllocation) {
    throw_out_of_memory(std::string(call));
  }
  cudaGetLastError();
  fail(call, description_of(status));
}

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) {
    return;
  }
  if (status == CUBLAS_STATUS_ALLOC_FAILED) {
    throw_out_of_memory(std::string(call));
  }
  fail(call, std::string(cublasGetStatusString(status)) + " (" +
                 std::to_string(static_cast<int>(status)) + ")");
}

void check(cusolverStatus_t status, const char* call) {
  if (status == CUSOLVER_STATUS_SUCCESS) {
    return;
  }
  if (status == CUSOLVER_STATUS_ALLOC_FAILED) {
    throw_out_of_memory(std::string(call));
  }
  fail(call, std::string(name_of(status)) + " (" + std::to_string(static_cast<int>(status)) + ")");
}

void check(cufftResult status, const char* call) {
  if (status == CUFFT_SUCCESS) {
    return;
  }
  if (status == CUFFT_ALLOC_FAILED) {
    throw_out_of_memory(std::string(call));
  }
  fail(call, std::string(name_of(status)) + " (" + std::to_string(static_cast<int>(status)) + ")");
}

}  // namespace fastcca::cuda
