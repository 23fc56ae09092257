#include "cuda/context.hpp"

#include <string>

#include "cuda/devices.hpp"
#include "cuda/errors.hpp"

namespace fastcca::cuda {

void require_device(int device) {
  const std::string reason = unusable();
  if (!reason.empty()) {
    throw DeviceError(reason);
  }
  const int count = device_count();
  if (device < 0 || device >= count) {
    throw DeviceError("device " + std::to_string(device) + " does not exist: there " +
                      (count == 1 ? "is 1 device, number 0"
                                  : "are " + std::to_string(count) + " devices, numbered from 0"));
  }
  constexpr int kOldest = 75;
  int major = 0;
  int minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
        "cudaDeviceGetAttribute");
  if (10 * major + minor < kOldest) {
    throw DeviceError("device " + std::to_string(device) + " has compute capability " +
                      std::to_string(major) + "." + std::to_string(minor) +
                      ", and CUDA 13 needs 7.5 (Turing) or newer; compute on the host with "
                      "backend=\"cpu\"");
  }
}

Blas::Blas() { check(cublasCreate(&handle_), "cublasCreate"); }

Blas::Blas(cudaStream_t stream) : Blas() {
  // What cuBLAS sets of itself, said here because results depend on it: at least the precision
  // that is asked for, so no TF32.
  check(cublasSetMathMode(handle_, CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
  check(cublasSetPointerMode(handle_, CUBLAS_POINTER_MODE_HOST), "cublasSetPointerMode");
  check(cublasSetStream(handle_, stream), "cublasSetStream");
}

Blas::~Blas() { cublasDestroy(handle_); }

SolverHandle::SolverHandle() { check(cusolverDnCreate(&handle_), "cusolverDnCreate"); }

SolverHandle::SolverHandle(cudaStream_t stream) : SolverHandle() {
  check(cusolverDnCreateParams(&parameters_), "cusolverDnCreateParams");
  check(cusolverDnSetStream(handle_, stream), "cusolverDnSetStream");
}

SolverHandle::~SolverHandle() {
  if (parameters_ != nullptr) {
    cusolverDnDestroyParams(parameters_);
  }
  cusolverDnDestroy(handle_);
}

Context::Context(int device)
    : arena_(std::make_shared<Arena>(device)), blas_(arena_->stream()), solver_(arena_->stream()) {}

std::shared_ptr<Context> make_context(int device) {
  require_device(device);
  const CurrentDevice current(device);
  return {new Context(device), [device](Context* context) {
            int previous = 0;
            const bool other = cudaGetDevice(&previous) == cudaSuccess && previous != device;
            if (other) {
              cudaSetDevice(device);
            }
            delete context;
            if (other) {
              cudaSetDevice(previous);
            }
          }};
}

}  // namespace fastcca::cuda
