// What handles of cuBLAS, cuSOLVER and cuFFT have in common, and how their calls become operations.
#pragma once

#include <cublas_v2.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "runtime.hpp"

namespace standin {

enum class HandleKind : std::uint8_t { kBlas, kSolver, kSolverParams, kFourierPlan };

struct Handle {
  HandleKind kind = HandleKind::kBlas;
  int device = 0;
  cudaStream_t stream_handle = nullptr;
  cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
  std::optional<Operand> workspace;
};

Handle* make_handle(HandleKind kind);
// Null where it is none of this kind.
Handle* find_handle(const void* handle, HandleKind kind);
void destroy_handle(Handle* handle);
std::size_t live_handles(HandleKind kind);
void set_stream(const char* call, Handle& handle, cudaStream_t stream);
// The stream of a handle that is about to be used; what is wrong with it ends the process.
StreamPointer stream_of_call(const char* call, const Handle& handle);

// A column-major matrix as an operand.
template <class T>
Operand matrix(const char* call, const char* argument, const Handle& handle, const T* data,
               std::int64_t rows, std::int64_t cols, std::int64_t leading, bool writes) {
  return device_operand(call, argument, data, handle.device,
                        {.offset = 0,
                         .width = static_cast<std::size_t>(rows) * sizeof(T),
                         .rows = static_cast<std::size_t>(cols),
                         .pitch = static_cast<std::size_t>(leading) * sizeof(T)},
                        writes);
}

// The stand-in's LAPACK counts with int.
int narrow(const char* call, std::int64_t size);

}  // namespace standin
