// cuSOLVER: eigenvalues and singular values.
#include "cusolver_call.hpp"

namespace standin {
namespace {

char letter(cublasFillMode_t uplo) { return uplo == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U'; }

template <class T>
cusolverStatus_t syevd(SolverCall call, bool vectors, cublasFillMode_t uplo, std::int64_t n64,
                       void* a_at, std::int64_t lda64, void* w_at, const Workspace& workspace,
                       int* info, std::int64_t batch) {
  const int n = call.narrow_size(n64);
  const int lda = call.narrow_size(lda64);
  if (n < 0 || batch < 0 || !is_leading(lda, n)) return CUSOLVER_STATUS_INVALID_VALUE;
  if (!call.take(workspace, workspace_size(n, n * batch, sizeof(T))))
    return CUSOLVER_STATUS_INVALID_VALUE;
  using Real = host::Real<T>;
  T* const a = call.write<T>("A", a_at, n, n * batch, lda);
  Real* const w = call.write<Real>("W", w_at, n, batch, n);
  if (batch == 0) return CUSOLVER_STATUS_SUCCESS;
  return call.submit_batch(info, batch, [=](int* infos) {
    for (std::int64_t i = 0; i < batch; ++i) {
      T* const one = a + i * lda * n;
      infos[i] =
          n == 0 ? 0 : host::syevd<T>(vectors ? 'V' : 'N', letter(uplo), n, one, lda, w + i * n);
      if (!vectors) fill_nan(one, n, n, lda);
    }
  });
}

struct SvdOperands {
  void* a;
  std::int64_t lda;
  void* s;
  void* u;
  std::int64_t ldu;
  void* v;  // transposed for gesvd, not for gesvdp
  std::int64_t ldv;
};

// What is stored of u and of the right vectors.
std::int64_t stored(char job, std::int64_t all, std::int64_t some) {
  return job == 'A' ? all : job == 'S' ? some : 0;
}

template <class T>
cusolverStatus_t gesvd(SolverCall call, char jobu, char jobvt, std::int64_t m64, std::int64_t n64,
                       const SvdOperands& at, const Workspace& workspace, int* info) {
  const int m = call.narrow_size(m64);
  const int n = call.narrow_size(n64);
  const int k = std::min(m, n);
  const std::int64_t u_cols = stored(jobu, m, k);
  const std::int64_t vt_rows = stored(jobvt, n, k);
  // As documented: not for wide matrices.
  if (n < 0 || m < n || !is_leading(at.lda, m) || !is_leading(at.ldu, u_cols == 0 ? 1 : m) ||
      !is_leading(at.ldv, vt_rows) || !call.take(workspace, workspace_size(m, n, sizeof(T)))) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  const int lda = call.narrow_size(at.lda);
  const int ldu = call.narrow_size(at.ldu);
  const int ldv = call.narrow_size(at.ldv);
  T* const a = call.write<T>("A", at.a, m, n, lda);
  auto* const s = call.write<host::Real<T>>("S", at.s, k, 1, std::max(1, k));
  T* const u = call.write<T>("U", at.u, m, u_cols, ldu);
  T* const vt = call.write<T>("VT", at.v, vt_rows, n, ldv);
  return call.submit(info, [=] {
    if (k == 0) return 0;
    const int result = host::gesvd<T>(jobu, jobvt, m, n, a, lda, s, u, ldu, vt, ldv);
    fill_nan(a, m, n, lda);
    return result;
  });
}

template <class T>
T conjugated(T value) {
  if constexpr (std::is_same_v<T, host::Complex>) return std::conj(value);
  return value;
}

template <class T>
cusolverStatus_t gesvdp(SolverCall call, bool vectors, bool economic, std::int64_t m64,
                        std::int64_t n64, const SvdOperands& at, const Workspace& workspace,
                        int* info, double* error) {
  const int m = call.narrow_size(m64);
  const int n = call.narrow_size(n64);
  const int k = std::min(m, n);
  const char job = !vectors ? 'N' : economic ? 'S' : 'A';
  const int u_cols = static_cast<int>(stored(job, m, k));
  const int v_cols = static_cast<int>(stored(job, n, k));
  if (m < 0 || n < 0 || !is_leading(at.lda, m) || !is_leading(at.ldu, vectors ? m : 1) ||
      !is_leading(at.ldv, vectors ? n : 1) ||
      !call.take(workspace, workspace_size(m, n, sizeof(T)))) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  require_host(call.name(), "h_err_sigma", error);
  *error = 0.0;
  const int lda = call.narrow_size(at.lda);
  const int ldu = call.narrow_size(at.ldu);
  const std::int64_t ldv = at.ldv;
  T* const a = call.write<T>("A", at.a, m, n, lda);
  auto* const s = call.write<host::Real<T>>("S", at.s, k, 1, std::max(1, k));
  T* const u = call.write<T>("U", at.u, m, u_cols, ldu);
  T* const v = call.write<T>("V", at.v, n, v_cols, ldv);
  return call.submit(info, [=] {
    if (k == 0) return 0;
    std::vector<T> vt(static_cast<std::size_t>(v_cols) * static_cast<std::size_t>(n));
    const int result =
        host::gesvd<T>(job, job, m, n, a, lda, s, u, ldu, vt.data(), std::max(1, v_cols));
    for (std::int64_t j = 0; j < v_cols; ++j) {
      for (std::int64_t i = 0; i < n; ++i) {
        v[i + j * ldv] = conjugated(vt[static_cast<std::size_t>(j + i * v_cols)]);
      }
    }
    fill_nan(a, m, n, lda);
    return result;
  });
}

bool are_real_of(cudaDataType type, cudaDataType real) {
  return real == (type == CUDA_C_64F ? CUDA_R_64F : type);
}

bool is_job(signed char job) { return job == 'A' || job == 'S' || job == 'N'; }

}  // namespace
}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cusolverStatus_t cusolverDnXsyevd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t,
                                             cusolverEigMode_t, cublasFillMode_t, int64_t n,
                                             cudaDataType type, const void*, int64_t lda,
                                             cudaDataType w_type, const void*, cudaDataType compute,
                                             std::size_t* device_bytes, std::size_t* host_bytes) {
  if (!are_real_of(type, w_type)) return CUSOLVER_STATUS_INVALID_VALUE;
  return answer_size({"cusolverDnXsyevd_bufferSize", handle}, type, compute, n, n, lda,
                     device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXsyevd(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                  cusolverEigMode_t jobz, cublasFillMode_t uplo, int64_t n,
                                  cudaDataType type, void* a, int64_t lda, cudaDataType w_type,
                                  void* w, cudaDataType compute, void* device_buffer,
                                  std::size_t device_bytes, void* host_buffer,
                                  std::size_t host_bytes, int* info) {
  SolverCall call("cusolverDnXsyevd", handle);
  if (const cusolverStatus_t refused = call.refused(params)) return refused;
  if (compute != type || !are_real_of(type, w_type)) return CUSOLVER_STATUS_INVALID_VALUE;
  return dispatch(type, [&](auto zero) {
    return syevd<decltype(zero)>(std::move(call), jobz == CUSOLVER_EIG_MODE_VECTOR, uplo, n, a, lda,
                                 w, {device_buffer, device_bytes, host_buffer, host_bytes}, info,
                                 1);
  });
}

cusolverStatus_t cusolverDnXsyevBatched_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t,
                                                   cusolverEigMode_t, cublasFillMode_t, int64_t n,
                                                   cudaDataType type, const void*, int64_t lda,
                                                   cudaDataType w_type, const void*,
                                                   cudaDataType compute, std::size_t* device_bytes,
                                                   std::size_t* host_bytes, int64_t batch) {
  if (!are_real_of(type, w_type) || batch < 0) return CUSOLVER_STATUS_INVALID_VALUE;
  return answer_size({"cusolverDnXsyevBatched_bufferSize", handle}, type, compute, n, n * batch,
                     lda, device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXsyevBatched(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                        cusolverEigMode_t jobz, cublasFillMode_t uplo, int64_t n,
                                        cudaDataType type, void* a, int64_t lda,
                                        cudaDataType w_type, void* w, cudaDataType compute,
                                        void* device_buffer, std::size_t device_bytes,
                                        void* host_buffer, std::size_t host_bytes, int* info,
                                        int64_t batch) {
  SolverCall call("cusolverDnXsyevBatched", handle);
  if (const cusolverStatus_t refused = call.refused(params)) return refused;
  if (compute != type || !are_real_of(type, w_type)) return CUSOLVER_STATUS_INVALID_VALUE;
  return dispatch(type, [&](auto zero) {
    return syevd<decltype(zero)>(std::move(call), jobz == CUSOLVER_EIG_MODE_VECTOR, uplo, n, a, lda,
                                 w, {device_buffer, device_bytes, host_buffer, host_bytes}, info,
                                 batch);
  });
}

cusolverStatus_t cusolverDnXgesvd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t,
                                             signed char, signed char, int64_t m, int64_t n,
                                             cudaDataType type, const void*, int64_t lda,
                                             cudaDataType s_type, const void*, cudaDataType u_type,
                                             const void*, int64_t, cudaDataType vt_type,
                                             const void*, int64_t, cudaDataType compute,
                                             std::size_t* device_bytes, std::size_t* host_bytes) {
  if (m < n || !are_real_of(type, s_type) || u_type != type || vt_type != type) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  return answer_size({"cusolverDnXgesvd_bufferSize", handle}, type, compute, m, n, lda,
                     device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXgesvd(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                  signed char jobu, signed char jobvt, int64_t m, int64_t n,
                                  cudaDataType type, void* a, int64_t lda, cudaDataType s_type,
                                  void* s, cudaDataType u_type, void* u, int64_t ldu,
                                  cudaDataType vt_type, void* vt, int64_t ldvt,
                                  cudaDataType compute, void* device_buffer,
                                  std::size_t device_bytes, void* host_buffer,
                                  std::size_t host_bytes, int* info) {
  SolverCall call("cusolverDnXgesvd", handle);
  if (const cusolverStatus_t refused = call.refused(params)) return refused;
  if (compute != type || !are_real_of(type, s_type) || u_type != type || vt_type != type ||
      !is_job(jobu) || !is_job(jobvt)) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  return dispatch(type, [&](auto zero) {
    return gesvd<decltype(zero)>(std::move(call), static_cast<char>(jobu), static_cast<char>(jobvt),
                                 m, n, {a, lda, s, u, ldu, vt, ldvt},
                                 {device_buffer, device_bytes, host_buffer, host_bytes}, info);
  });
}

cusolverStatus_t cusolverDnXgesvdp_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t,
                                              cusolverEigMode_t, int, int64_t m, int64_t n,
                                              cudaDataType type, const void*, int64_t lda,
                                              cudaDataType s_type, const void*, cudaDataType u_type,
                                              const void*, int64_t, cudaDataType v_type,
                                              const void*, int64_t, cudaDataType compute,
                                              std::size_t* device_bytes, std::size_t* host_bytes) {
  if (!are_real_of(type, s_type) || u_type != type || v_type != type) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  return answer_size({"cusolverDnXgesvdp_bufferSize", handle}, type, compute, m, n, lda,
                     device_bytes, host_bytes);
}

cusolverStatus_t cusolverDnXgesvdp(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                   cusolverEigMode_t jobz, int econ, int64_t m, int64_t n,
                                   cudaDataType type, void* a, int64_t lda, cudaDataType s_type,
                                   void* s, cudaDataType u_type, void* u, int64_t ldu,
                                   cudaDataType v_type, void* v, int64_t ldv, cudaDataType compute,
                                   void* device_buffer, std::size_t device_bytes, void* host_buffer,
                                   std::size_t host_bytes, int* info, double* error) {
  SolverCall call("cusolverDnXgesvdp", handle);
  if (const cusolverStatus_t refused = call.refused(params)) return refused;
  if (compute != type || !are_real_of(type, s_type) || u_type != type || v_type != type) {
    return CUSOLVER_STATUS_INVALID_VALUE;
  }
  return dispatch(type, [&](auto zero) {
    return gesvdp<decltype(zero)>(std::move(call), jobz == CUSOLVER_EIG_MODE_VECTOR, econ != 0, m,
                                  n, {a, lda, s, u, ldu, v, ldv},
                                  {device_buffer, device_bytes, host_buffer, host_bytes}, info,
                                  error);
  });
}

}  // extern "C"
