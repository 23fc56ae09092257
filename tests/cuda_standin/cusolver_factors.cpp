// cuSOLVER: Cholesky and QR.
#include "cusolver_call.hpp"

namespace standin {
namespace {

char letter(cublasFillMode_t uplo) { return uplo == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U'; }

template <class T>
cusolverStatus_t potrf(SolverCall call, cublasFillMode_t uplo, std::int64_t n64, void* a_at,
                       std::int64_t lda64, const Workspace& workspace, int* info) {
  const int n = call.narrow_size(n64);
  const int lda = call.narrow_size(lda64);
  if (n < 0 || !is_leading(lda, n)) return CUSOLVER_STATUS_INVALID_VALUE;
  if (!call.take(workspace, workspace_size(n, n, sizeof(T)))) return CUSOLVER_STATUS_INVALID_VALUE;
  T* const a = call.write<T>("A", a_at, n, n, lda);
  return call.submit(info, [=] { return n == 0 ? 0 : host::potrf<T>(letter(uplo), n, a, lda); });
}

template <class T>
cusolverStatus_t geqrf(SolverCall call, std::int64_t m64, std::int64_t n64, void* a_at,
                       std::int64_t lda64, void* tau_at, const Workspace& workspace, int* info) {
  const int m = call.narrow_size(m64);
  const int n = call.narrow_size(n64);
  const int lda = call.narrow_size(lda64);
  if (m < 0 || n < 0 || !is_leading(lda, m)) return CUSOLVER_STATUS_INVALID_VALUE;
  if (!call.take(workspace, workspace_size(m, n, sizeof(T)))) return CUSOLVER_STATUS_INVALID_VALUE;
  T* const a = call.write<T>("A", a_at, m, n, lda);
  T* const tau = call.write<T>("tau", tau_at, std::min(m, n), 1, std::max(1, std::min(m, n)));
  return call.submit(info,
                     [=] { return m == 0 || n == 0 ? 0 : host::geqrf<T>(m, n, a, lda, tau); });
}

constexpr std::size_t kLegacyWork = 64;  // entries for every column or row of C

cusolverStatus_t size_of_legacy_work(const char* name, cusolverDnHandle_t handle, int columns,
                                     int* size) {
  const SolverCall call(name, handle);
  if (const cusolverStatus_t refused = call.refused()) return refused;
  if (columns < 0) return CUSOLVER_STATUS_INVALID_VALUE;
  *size = static_cast<int>(kLegacyWork) * std::max(1, columns);
  return CUSOLVER_STATUS_SUCCESS;
}

bool take_legacy_work(SolverCall& call, double* work, int size, int columns) {
  if (size < static_cast<int>(kLegacyWork) * std::max(1, columns)) return false;
  call.write<double>("work", work, size, 1, size);
  return true;
}

}  // namespace
}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cusolverStatus_t cusolverDnXpotrf_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t,
                                             cublasFillMode_t, int64_t n, cudaDataType type,
                                             const void*, int64_t lda, cudaDataType compute,
                                             std::size_t* device_bytes, std::size_t* host_bytes) {
  return answer_size({"cusolverDnXpotrf_bufferSize", handle}, type, compute, n, n, lda,
                     device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXpotrf(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                  cublasFillMode_t uplo, int64_t n, cudaDataType type, void* a,
                                  int64_t lda, cudaDataType compute, void* device_buffer,
                                  std::size_t device_bytes, void* host_buffer,
                                  std::size_t host_bytes, int* info) {
  SolverCall call("cusolverDnXpotrf", handle);
  if (const cusolverStatus_t refused = call.refused(params)) return refused;
  if (compute != type) return CUSOLVER_STATUS_INVALID_VALUE;
  return dispatch(type, [&](auto zero) {
    return potrf<decltype(zero)>(std::move(call), uplo, n, a, lda,
                                 {device_buffer, device_bytes, host_buffer, host_bytes}, info);
  });
}

cusolverStatus_t cusolverDnXgeqrf_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t,
                                             int64_t m, int64_t n, cudaDataType type, const void*,
                                             int64_t lda, cudaDataType tau_type, const void*,
                                             cudaDataType compute, std::size_t* device_bytes,
                                             std::size_t* host_bytes) {
  if (tau_type != type) return CUSOLVER_STATUS_INVALID_VALUE;
  return answer_size({"cusolverDnXgeqrf_bufferSize", handle}, type, compute, m, n, lda,
                     device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXgeqrf(cusolverDnHandle_t handle, cusolverDnParams_t params, int64_t m,
                                  int64_t n, cudaDataType type, void* a, int64_t lda,
                                  cudaDataType tau_type, void* tau, cudaDataType compute,
                                  void* device_buffer, std::size_t device_bytes, void* host_buffer,
                                  std::size_t host_bytes, int* info) {
  SolverCall call("cusolverDnXgeqrf", handle);
  if (const cusolverStatus_t refused = call.refused(params)) return refused;
  if (compute != type || tau_type != type) return CUSOLVER_STATUS_INVALID_VALUE;
  return dispatch(type, [&](auto zero) {
    return geqrf<decltype(zero)>(std::move(call), m, n, a, lda, tau,
                                 {device_buffer, device_bytes, host_buffer, host_bytes}, info);
  });
}

cusolverStatus_t cusolverDnDorgqr_bufferSize(cusolverDnHandle_t handle, int, int n, int,
                                             const double*, int, const double*, int* size) {
  return size_of_legacy_work("cusolverDnDorgqr_bufferSize", handle, n, size);
}

cusolverStatus_t cusolverDnDorgqr(cusolverDnHandle_t handle, int m, int n, int k, double* a,
                                  int lda, const double* tau, double* work, int work_size,
                                  int* info) {
  SolverCall call("cusolverDnDorgqr", handle);
  if (const cusolverStatus_t refused = call.refused()) return refused;
  if (n < 0 || m < n || k < 0 || n < k || !is_leading(lda, m) ||
      !take_legacy_work(call, work, work_size, n)) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  double* const q = call.write<double>("A", a, m, n, lda);
  const double* const scales = call.read<double>("tau", tau, k, 1, std::max(1, k));
  return call.submit(info,
                     [=] { return n == 0 ? 0 : host::orgqr<double>(m, n, k, q, lda, scales); });
}

cusolverStatus_t cusolverDnDormqr_bufferSize(cusolverDnHandle_t handle, cublasSideMode_t side,
                                             cublasOperation_t, int m, int n, int, const double*,
                                             int, const double*, const double*, int, int* size) {
  return size_of_legacy_work("cusolverDnDormqr_bufferSize", handle,
                             side == CUBLAS_SIDE_LEFT ? n : m, size);
}

cusolverStatus_t cusolverDnDormqr(cusolverDnHandle_t handle, cublasSideMode_t side,
                                  cublasOperation_t op, int m, int n, int k, const double* a,
                                  int lda, const double* tau, double* c, int ldc, double* work,
                                  int work_size, int* info) {
  SolverCall call("cusolverDnDormqr", handle);
  if (const cusolverStatus_t refused = call.refused()) return refused;
  const bool left = side == CUBLAS_SIDE_LEFT;
  const int order = left ? m : n;
  if (m < 0 || n < 0 || k < 0 || k > order || !is_leading(lda, order) || !is_leading(ldc, m) ||
      !take_legacy_work(call, work, work_size, left ? n : m)) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  const double* const reflectors = call.read<double>("A", a, order, k, lda);
  const double* const scales = call.read<double>("tau", tau, k, 1, std::max(1, k));
  double* const target = call.write<double>("C", c, m, n, ldc);
  return call.submit(info, [=] {
    if (m == 0 || n == 0) return 0;
    return host::ormqr<double>(left ? 'L' : 'R', op == CUBLAS_OP_N ? 'N' : 'T', m, n, k, reflectors,
                               lda, scales, target, ldc);
  });
}

}  // extern "C"
