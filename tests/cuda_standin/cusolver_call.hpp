// One cuSOLVER call while it is checked and queued.
#pragma once

#include <cusolverDn.h>

#include <complex>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "handles.hpp"
#include "host_lapack.hpp"

namespace standin {

template <class T>
constexpr cudaDataType kDataType = CUDA_R_64F;
template <>
inline constexpr cudaDataType kDataType<float> = CUDA_R_32F;
template <>
inline constexpr cudaDataType kDataType<host::Complex> = CUDA_C_64F;

// Calls function(T{}) for the type that a cudaDataType names.
template <class Function>
cusolverStatus_t dispatch(cudaDataType type, Function function) {
  if (type == CUDA_R_32F) return function(float{});
  if (type == CUDA_R_64F) return function(double{});
  if (type == CUDA_C_64F) return function(host::Complex{});
  return CUSOLVER_STATUS_NOT_SUPPORTED;
}

// What every routine of the 64-bit interface takes beside its operands.
struct Workspace {
  void* device;
  std::size_t device_bytes;
  void* host;
  std::size_t host_bytes;
};

// Not what cuSOLVER takes, but never nothing, and less for smaller problems.
struct WorkspaceSize {
  std::size_t device;
  std::size_t host;
};
inline WorkspaceSize workspace_size(std::int64_t rows, std::int64_t cols, std::size_t element) {
  const auto entries = static_cast<std::size_t>(std::max<std::int64_t>(1, rows * cols));
  return {.device = (entries + 32) * element, .host = 64 + 8 * static_cast<std::size_t>(cols)};
}

class SolverCall {
 public:
  SolverCall(const char* name, cusolverDnHandle_t handle)
      : entry_(name), handle_(find_handle(handle, HandleKind::kSolver)) {}

  const char* name() const { return entry_.name(); }
  cusolverStatus_t refused() const;
  cusolverStatus_t refused(cusolverDnParams_t params) const;
  int narrow_size(std::int64_t size) const { return narrow(name(), size); }

  template <class T>
  T* read(const char* argument, const void* data, std::int64_t rows, std::int64_t cols,
          std::int64_t leading) {
    return add<T>(argument, data, rows, cols, leading, false);
  }
  template <class T>
  T* write(const char* argument, void* data, std::int64_t rows, std::int64_t cols,
           std::int64_t leading) {
    return add<T>(argument, data, rows, cols, leading, true);
  }

  // Registers the buffers; false where one is smaller than what _bufferSize said.
  bool take(const Workspace& workspace, WorkspaceSize needed);

  // compute() returns LAPACK's info, which goes to info[0]. Where a test asked for a failure, the
  // operands that would have been written hold NaN instead.
  template <class Compute>
  cusolverStatus_t submit(int* info, Compute compute) {
    return submit_batch(info, 1, [compute](int* infos) { infos[0] = compute(); });
  }

  template <class Compute>  // compute(infos)
  cusolverStatus_t submit_batch(int* info, std::int64_t batch, Compute compute) {
    const StreamPointer stream = stream_of_call(name(), *handle_);
    const std::vector<Operand> written = written_operands();
    int* const infos = write<int>("info", info, batch, 1, batch);
    const int asked_for = entry_.info();
    enqueue(stream, {.name = name(),
                     .operands = operands_,
                     .run = [=, this_workspace = workspace_](const Moment&) {
                       spoil(this_workspace);
                       if (asked_for == 0) {
                         compute(infos);
                       } else {
                         for (const Operand& operand : written) spoil(operand);
                         std::fill_n(infos, batch, asked_for);
                       }
                       spoil(this_workspace);
                     }});
    return CUSOLVER_STATUS_SUCCESS;
  }

 private:
  // NaN in every byte: nobody may rely on what a routine leaves there.
  static void spoil(const Operand& operand);
  static void spoil(const std::vector<Operand>& operands) {
    for (const Operand& operand : operands) spoil(operand);
  }
  std::vector<Operand> written_operands() const;

  template <class T>
  T* add(const char* argument, const void* data, std::int64_t rows, std::int64_t cols,
         std::int64_t leading, bool writes) {
    if (rows == 0 || cols == 0) return nullptr;
    operands_.push_back(matrix(name(), argument, *handle_, static_cast<const T*>(data), rows, cols,
                               leading, writes));
    return reinterpret_cast<T*>(operands_.back().data());
  }

  Entry entry_;
  Handle* handle_;
  std::vector<Operand> operands_;
  std::vector<Operand> workspace_;
};

template <class T>
void fill_nan(T* data, std::int64_t rows, std::int64_t cols, std::int64_t leading) {
  for (std::int64_t j = 0; j < cols && data != nullptr; ++j) {
    std::memset(static_cast<void*>(data + j * leading), 0xFF,
                static_cast<std::size_t>(rows) * sizeof(T));
  }
}

// What every _bufferSize of the 64-bit interface answers.
cusolverStatus_t answer_size(const SolverCall& call, cudaDataType type, cudaDataType compute,
                             std::int64_t rows, std::int64_t cols, std::int64_t leading,
                             std::size_t* device_bytes, std::size_t* host_bytes);

inline bool is_leading(std::int64_t leading, std::int64_t rows) {
  return leading >= std::max<std::int64_t>(1, rows);
}

}  // namespace standin
