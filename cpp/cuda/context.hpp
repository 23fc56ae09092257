// What the operations on one device share: streams, handles of the libraries, staging memory.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "cuda/memory.hpp"

namespace fastcca::cuda {

// Throws where the device does not exist or cannot run what was compiled.
void require_device(int device);

class Blas {
 public:
  explicit Blas(cudaStream_t stream);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  cublasHandle_t get() const { return handle_; }

 private:
  Blas();  // what is made is destroyed where the rest of the other constructor fails

  cublasHandle_t handle_ = nullptr;
};

class SolverHandle {
 public:
  explicit SolverHandle(cudaStream_t stream);
  ~SolverHandle();
  SolverHandle(const SolverHandle&) = delete;
  SolverHandle& operator=(const SolverHandle&) = delete;
  cusolverDnHandle_t get() const { return handle_; }
  cusolverDnParams_t parameters() const { return parameters_; }

 private:
  SolverHandle();

  cusolverDnHandle_t handle_ = nullptr;
  cusolverDnParams_t parameters_ = nullptr;
};

// Made and destroyed while its device is current.
class Context {
 public:
  explicit Context(int device);

  const std::shared_ptr<Arena>& arena() const { return arena_; }
  int device() const { return arena_->device(); }
  cudaStream_t stream() const { return arena_->stream(); }        // of all computation
  cudaStream_t reading_stream() const { return reading_.get(); }  // of samples on their way in
  cublasHandle_t blas() const { return blas_.get(); }
  const SolverHandle& solver() const { return solver_; }

  // One of two areas for samples of the host, by turns.
  PinnedBuffer& staging(std::size_t index) { return staging_[index]; }

  void synchronize() const { check(cudaStreamSynchronize(stream()), "cudaStreamSynchronize"); }

  template <class T>
  DeviceBuffer<T> buffer(Index count) const {
    return DeviceBuffer<T>(arena_, count);
  }

  // Pageable memory is read before this returns.
  template <class T>
  void copy_in(const T* from, Index count, T* to) const {
    if (count > 0) {
      check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(count) * sizeof(T),
                            cudaMemcpyHostToDevice, stream()),
            "cudaMemcpyAsync");
    }
  }

  template <class T>
  DeviceBuffer<T> upload(std::span<const T> values) const {
    auto out = buffer<T>(static_cast<Index>(values.size()));
    copy_in(values.data(), out.size(), out.get());
    return out;
  }

  // Waits for all computation.
  template <class T>
  void copy_out(const T* from, Index count, T* to) const {
    if (count > 0) {
      check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(count) * sizeof(T),
                            cudaMemcpyDeviceToHost, stream()),
            "cudaMemcpyAsync");
    }
    synchronize();
  }

  template <class T>
  std::vector<T> download(const T* from, Index count) const {
    std::vector<T> out(static_cast<std::size_t>(count));
    copy_out(from, count, out.data());
    return out;
  }

  template <class T>
  void copy_within(const T* from, Index count, T* to) const {
    if (count > 0) {
      check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(count) * sizeof(T),
                            cudaMemcpyDeviceToDevice, stream()),
            "cudaMemcpyAsync");
    }
  }

  template <class T>
  void set_zero(T* memory, Index count) const {
    if (count > 0) {
      check(cudaMemsetAsync(memory, 0, static_cast<std::size_t>(count) * sizeof(T), stream()),
            "cudaMemsetAsync");
    }
  }

 private:
  friend class Call;

  std::recursive_mutex mutex_;
  std::shared_ptr<Arena> arena_;
  Stream reading_;
  Blas blas_;
  SolverHandle solver_;
  PinnedBuffer staging_[2];
};

// Frees the context with its device current.
std::shared_ptr<Context> make_context(int device);

// One operation: no other thread works with the context meanwhile, because handles and staging
// memory are not made for that, and the caller's device comes back at the end.
class Call {
 public:
  explicit Call(Context& context) : lock_(context.mutex_), device_(context.device()) {}

 private:
  std::lock_guard<std::recursive_mutex> lock_;
  CurrentDevice device_;
};

}  // namespace fastcca::cuda
