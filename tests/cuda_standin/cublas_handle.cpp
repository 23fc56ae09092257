// cuBLAS: handles and their settings, and what a status is called.
#include "cublas_call.hpp"
#include "settings.hpp"

namespace standin {
namespace {

struct StatusText {
  cublasStatus_t status;
  const char* name;
  const char* text;
};

constexpr StatusText kStatuses[] = {
    {CUBLAS_STATUS_SUCCESS, "CUBLAS_STATUS_SUCCESS", "success"},
    {CUBLAS_STATUS_NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED",
     "the library was not initialized"},
    {CUBLAS_STATUS_ALLOC_FAILED, "CUBLAS_STATUS_ALLOC_FAILED", "the resource allocation failed"},
    {CUBLAS_STATUS_INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE",
     "an unsupported value or parameter was passed to the function"},
    {CUBLAS_STATUS_EXECUTION_FAILED, "CUBLAS_STATUS_EXECUTION_FAILED",
     "the GPU program failed to execute"},
    {CUBLAS_STATUS_INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR", "an internal operation failed"},
    {CUBLAS_STATUS_NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED",
     "the functionality requested is not supported"},
};

const StatusText& text_of(cublasStatus_t status) {
  for (const StatusText& known : kStatuses) {
    if (known.status == status) return known;
  }
  static const StatusText unknown{status, "CUBLAS_STATUS of no name", "unknown status"};
  return unknown;
}

}  // namespace

cublasStatus_t BlasCall::refused() const {
  if (handle_ == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  stream_of_call(name(), *handle_);
  return static_cast<cublasStatus_t>(entry_.failure());
}

}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  const Entry entry("cublasCreate");
  if (settings().driver != Driver::kPresent) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (entry.failure() != 0) return static_cast<cublasStatus_t>(entry.failure());
  *handle = reinterpret_cast<cublasHandle_t>(make_handle(HandleKind::kBlas));
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  const Entry entry("cublasDestroy");
  Handle* found = find_handle(handle, HandleKind::kBlas);
  if (found == nullptr) die("cublasDestroy: no such handle, or not any more");
  synchronize_device(found->device);  // as documented
  destroy_handle(found);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  const Entry entry("cublasSetStream");
  Handle* found = find_handle(handle, HandleKind::kBlas);
  if (found == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  set_stream(entry.name(), *found, stream);
  return static_cast<cublasStatus_t>(entry.failure());
}

cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t* stream) {
  const Entry entry("cublasGetStream");
  const Handle* found = find_handle(handle, HandleKind::kBlas);
  if (found == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  *stream = found->stream_handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
  const Entry entry("cublasSetPointerMode");
  Handle* found = find_handle(handle, HandleKind::kBlas);
  if (found == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  found->pointer_mode = mode;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t* mode) {
  const Entry entry("cublasGetPointerMode");
  const Handle* found = find_handle(handle, HandleKind::kBlas);
  if (found == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  *mode = found->pointer_mode;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t) {
  const Entry entry("cublasSetMathMode");
  return find_handle(handle, HandleKind::kBlas) == nullptr
             ? CUBLAS_STATUS_NOT_INITIALIZED
             : static_cast<cublasStatus_t>(entry.failure());
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  const Entry entry("cublasSetWorkspace");
  Handle* found = find_handle(handle, HandleKind::kBlas);
  if (found == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  found->workspace = device_operand(entry.name(), "workspace", workspace, found->device,
                                    {.offset = 0, .width = bytes}, true);
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) { return text_of(status).name; }
const char* cublasGetStatusString(cublasStatus_t status) { return text_of(status).text; }

}  // extern "C"
