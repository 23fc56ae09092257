// cuSOLVER: handles, parameters, and what all calls check.
#include "cusolver_call.hpp"
#include "settings.hpp"

namespace standin {

cusolverStatus_t SolverCall::refused() const {
  if (handle_ == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  stream_of_call(name(), *handle_);
  return static_cast<cusolverStatus_t>(entry_.failure());
}

cusolverStatus_t SolverCall::refused(cusolverDnParams_t params) const {
  if (params != nullptr && find_handle(params, HandleKind::kSolverParams) == nullptr) {
    die("%s: argument params is no parameters of cusolverDnCreateParams, or not any more", name());
  }
  return refused();
}

cusolverStatus_t answer_size(const SolverCall& call, cudaDataType type, cudaDataType compute,
                             std::int64_t rows, std::int64_t cols, std::int64_t leading,
                             std::size_t* device_bytes, std::size_t* host_bytes) {
  if (const cusolverStatus_t refused = call.refused()) return refused;
  if (compute != type || rows < 0 || cols < 0 || !is_leading(leading, rows)) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  return dispatch(type, [&](auto zero) {
    const WorkspaceSize size = workspace_size(rows, cols, sizeof zero);
    *device_bytes = size.device;
    *host_bytes = size.host;
    return CUSOLVER_STATUS_SUCCESS;
  });
}

bool SolverCall::take(const Workspace& workspace, WorkspaceSize needed) {
  if (workspace.device_bytes < needed.device || workspace.host_bytes < needed.host) return false;
  workspace_.push_back(device_operand(name(), "bufferOnDevice", workspace.device, handle_->device,
                                      {.offset = 0, .width = workspace.device_bytes}, true));
  operands_.push_back(workspace_.back());
  require_host(name(), "bufferOnHost", workspace.host);
  std::memset(workspace.host, 0xFF, workspace.host_bytes);  // shows a buffer smaller than was said
  return true;
}

void SolverCall::spoil(const Operand& operand) {
  for (std::size_t i = 0; i < operand.region.rows; ++i) {
    std::memset(operand.data() + i * operand.region.pitch, 0xFF, operand.region.width);
  }
}

std::vector<Operand> SolverCall::written_operands() const {
  std::vector<Operand> result;
  for (const Operand& operand : operands_) {
    if (operand.writes) result.push_back(operand);
  }
  return result;
}

}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  const Entry entry("cusolverDnCreate");
  if (settings().driver != Driver::kPresent) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (entry.failure() != 0) return static_cast<cusolverStatus_t>(entry.failure());
  *handle = reinterpret_cast<cusolverDnHandle_t>(make_handle(HandleKind::kSolver));
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  const Entry entry("cusolverDnDestroy");
  Handle* found = find_handle(handle, HandleKind::kSolver);
  if (found == nullptr) die("cusolverDnDestroy: no such handle, or not any more");
  synchronize_device(found->device);
  destroy_handle(found);
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  const Entry entry("cusolverDnSetStream");
  Handle* found = find_handle(handle, HandleKind::kSolver);
  if (found == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  set_stream(entry.name(), *found, stream);
  return static_cast<cusolverStatus_t>(entry.failure());
}

cusolverStatus_t cusolverDnGetStream(cusolverDnHandle_t handle, cudaStream_t* stream) {
  const Entry entry("cusolverDnGetStream");
  const Handle* found = find_handle(handle, HandleKind::kSolver);
  if (found == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  *stream = found->stream_handle;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetDeterministicMode(cusolverDnHandle_t handle,
                                                cusolverDeterministicMode_t) {
  const Entry entry("cusolverDnSetDeterministicMode");
  return find_handle(handle, HandleKind::kSolver) == nullptr ? CUSOLVER_STATUS_NOT_INITIALIZED
                                                             : CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t* params) {
  const Entry entry("cusolverDnCreateParams");
  if (entry.failure() != 0) return static_cast<cusolverStatus_t>(entry.failure());
  *params = reinterpret_cast<cusolverDnParams_t>(make_handle(HandleKind::kSolverParams));
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t params) {
  const Entry entry("cusolverDnDestroyParams");
  Handle* found = find_handle(params, HandleKind::kSolverParams);
  if (found == nullptr) die("cusolverDnDestroyParams: no such parameters, or not any more");
  destroy_handle(found);
  return CUSOLVER_STATUS_SUCCESS;
}

}  // extern "C"
