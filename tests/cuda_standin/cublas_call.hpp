// One cuBLAS call while it is checked and queued.
#pragma once

#include <complex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "handles.hpp"
#include "host_lapack.hpp"

namespace standin {

// cuBLAS's complex type and the stand-in's have one layout.
inline const host::Complex* standard(const cuDoubleComplex* p) {
  return reinterpret_cast<const host::Complex*>(p);
}
inline host::Complex* standard(cuDoubleComplex* p) { return reinterpret_cast<host::Complex*>(p); }
template <class T>
  requires(std::is_floating_point_v<std::remove_const_t<T>>)
T* standard(T* p) {
  return p;
}

// alpha or beta: host memory read at the call, or device memory read when the operation runs.
template <class T>
struct Scalar {
  T value{};
  const T* on_device = nullptr;

  T get() const { return on_device == nullptr ? value : *on_device; }
  bool is_known_zero() const { return on_device == nullptr && value == T{}; }
};

class BlasCall {
 public:
  BlasCall(const char* name, cublasHandle_t handle)
      : entry_(name), handle_(find_handle(handle, HandleKind::kBlas)) {}

  const char* name() const { return entry_.name(); }
  const Handle& handle() const { return *handle_; }
  // What the call returns without doing anything, or success.
  cublasStatus_t refused() const;

  template <class T>
  Scalar<T> scalar(const char* argument, const T* pointer) {
    if (handle_->pointer_mode == CUBLAS_POINTER_MODE_HOST) {
      require_host(name(), argument, pointer);
      return {.value = *pointer};
    }
    operands_.push_back(device_operand(name(), argument, pointer, handle_->device,
                                       {.offset = 0, .width = sizeof(T)}, false));
    return {.on_device = reinterpret_cast<const T*>(operands_.back().data())};
  }

  // Where the stand-in finds a matrix of the caller.
  template <class T>
  T* read(const char* argument, T* data, std::int64_t rows, std::int64_t cols,
          std::int64_t leading) {
    return add(argument, data, rows, cols, leading, false);
  }
  template <class T>
  T* write(const char* argument, T* data, std::int64_t rows, std::int64_t cols,
           std::int64_t leading) {
    return add(argument, data, rows, cols, leading, true);
  }

  template <class Run>
  cublasStatus_t submit(Run run) {
    const StreamPointer stream = stream_of_call(name(), *handle_);
    if (handle_->workspace) operands_.push_back(*handle_->workspace);
    enqueue(stream, {.name = name(),
                     .operands = std::move(operands_),
                     .run = [run = std::move(run)](const Moment&) { run(); }});
    return CUBLAS_STATUS_SUCCESS;
  }

  // A result in host memory is there when the call returns, one in device memory when it runs.
  template <class T, class Compute>
  cublasStatus_t submit_result(T* result, Compute compute) {
    if (handle_->pointer_mode == CUBLAS_POINTER_MODE_DEVICE) {
      T* const data = add("result", result, 1, 1, 1, true);
      return submit([=] { *data = compute(); });
    }
    require_host(name(), "result", result);
    const cublasStatus_t status = submit([=] { *result = compute(); });
    synchronize(stream_of_call(name(), *handle_));
    return status;
  }

 private:
  template <class T>
  T* add(const char* argument, T* data, std::int64_t rows, std::int64_t cols, std::int64_t leading,
         bool writes) {
    if (rows == 0 || cols == 0) return data;
    operands_.push_back(matrix(name(), argument, *handle_, data, rows, cols, leading, writes));
    return reinterpret_cast<T*>(operands_.back().data());
  }

  Entry entry_;
  Handle* handle_;
  std::vector<Operand> operands_;
};

inline bool is_leading_dimension(std::int64_t leading, std::int64_t rows) {
  return leading >= std::max<std::int64_t>(1, rows);
}

}  // namespace standin
