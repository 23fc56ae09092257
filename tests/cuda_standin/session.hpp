// A stream with handles on it, and memory by RAII, for tests; every status is checked.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cusolverDn.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace standin::testing {

// Usable in a case's process as well, where doctest does not run.
inline void succeed(int status, const char* call) {
  if (status == 0) return;
  std::fprintf(stderr, "%s returned %d\n", call, status);
  std::abort();
}
#define OK(call) standin::testing::succeed(static_cast<int>(call), #call)

struct Session {
  Session() {
    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    OK(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
    OK(cublasCreate(&blas));
    OK(cublasSetStream(blas, stream));
    OK(cusolverDnCreate(&solver));
    OK(cusolverDnSetStream(solver, stream));
    OK(cusolverDnCreateParams(&params));
    OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  }
  ~Session() {
    OK(cudaDeviceSynchronize());
    OK(cudaEventDestroy(event));
    OK(cusolverDnDestroyParams(params));
    OK(cusolverDnDestroy(solver));
    OK(cublasDestroy(blas));
    OK(cudaStreamDestroy(other));
    OK(cudaStreamDestroy(stream));
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void finish() const { OK(cudaStreamSynchronize(stream)); }

  cudaStream_t stream = nullptr;
  cudaStream_t other = nullptr;
  cudaEvent_t event = nullptr;
  cublasHandle_t blas = nullptr;
  cusolverDnHandle_t solver = nullptr;
  cusolverDnParams_t params = nullptr;
};

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t size) : size_(size) {
    OK(cudaMalloc(reinterpret_cast<void**>(&data_), size * sizeof(T)));
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    OK(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { OK(cudaFree(data_)); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* get() const { return data_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  std::vector<T> values() const {
    std::vector<T> result(size_);
    OK(cudaMemcpy(result.data(), data_, bytes(), cudaMemcpyDeviceToHost));
    return result;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

class PinnedArray {
 public:
  explicit PinnedArray(std::size_t size) : size_(size) {
    OK(cudaMallocHost(reinterpret_cast<void**>(&data_), size * sizeof(double)));
  }
  ~PinnedArray() { OK(cudaFreeHost(data_)); }
  PinnedArray(const PinnedArray&) = delete;
  PinnedArray& operator=(const PinnedArray&) = delete;

  double* get() const { return data_; }
  double& operator[](std::size_t i) const { return data_[i]; }
  std::size_t bytes() const { return size_ * sizeof(double); }

 private:
  double* data_ = nullptr;
  std::size_t size_;
};

}  // namespace standin::testing
