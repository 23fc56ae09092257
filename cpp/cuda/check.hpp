// Statuses of the vendor's calls become exceptions.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cufft.h>
#include <cusolverDn.h>

#include <string>

namespace fastcca::cuda {

// "no CUDA-capable device is detected (cudaErrorNoDevice, 100)"
std::string description_of(cudaError_t status);

// Throw OutOfDeviceMemory or DeviceError with the call's name where the status is a failure.
void check(cudaError_t status, const char* call);
void check(cublasStatus_t status, const char* call);
void check(cusolverStatus_t status, const char* call);
void check(cufftResult status, const char* call);

[[noreturn]] void throw_out_of_memory(const char* call, std::size_t bytes);

}  // namespace fastcca::cuda
