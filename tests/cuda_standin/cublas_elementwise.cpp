// cuBLAS: geam, axpy, nrm2, asum.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdlib>

#include "cublas_call.hpp"

namespace standin {
namespace {

template <class T>
T element(cublasOperation_t op, const T* a, std::int64_t leading, std::int64_t i, std::int64_t j) {
  if (op == CUBLAS_OP_N) return a[i + j * leading];
  const T value = a[j + i * leading];
  if constexpr (std::is_same_v<T, host::Complex>) {
    if (op == CUBLAS_OP_C) return std::conj(value);
  }
  return value;
}

// In place is allowed where nothing is transposed.
template <class T>
bool is_in_place_wrongly(cublasOperation_t op, const T* a, std::int64_t lda, const T* c,
                         std::int64_t ldc) {
  return a == c && (op != CUBLAS_OP_N || lda != ldc);
}

template <class T>
cublasStatus_t geam(BlasCall call, cublasOperation_t op_a, cublasOperation_t op_b, std::int64_t m,
                    std::int64_t n, const T* alpha_at, const T* a, std::int64_t lda,
                    const T* beta_at, const T* b, std::int64_t ldb, T* c, std::int64_t ldc) {
  if (const cublasStatus_t refused = call.refused()) return refused;
  const std::int64_t rows_a = op_a == CUBLAS_OP_N ? m : n;
  const std::int64_t rows_b = op_b == CUBLAS_OP_N ? m : n;
  if (m < 0 || n < 0 || !is_leading_dimension(lda, rows_a) || !is_leading_dimension(ldb, rows_b) ||
      !is_leading_dimension(ldc, m) || is_in_place_wrongly(op_a, a, lda, c, ldc) ||
      is_in_place_wrongly(op_b, b, ldb, c, ldc)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const Scalar<T> alpha = call.scalar("alpha", alpha_at);
  const Scalar<T> beta = call.scalar("beta", beta_at);
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  // What has the factor zero is not read.
  if (!alpha.is_known_zero()) a = call.read("A", a, rows_a, m + n - rows_a, lda);
  if (!beta.is_known_zero()) b = call.read("B", b, rows_b, m + n - rows_b, ldb);
  c = call.write("C", c, m, n, ldc);
  return call.submit([=] {
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t i = 0; i < m; ++i) {
        T sum{};
        if (alpha.get() != T{}) sum += alpha.get() * element(op_a, a, lda, i, j);
        if (beta.get() != T{}) sum += beta.get() * element(op_b, b, ldb, i, j);
        c[i + j * ldc] = sum;
      }
    }
  });
}

// A vector is a matrix of one row, its increment the leading dimension.
std::int64_t step(std::int64_t increment) { return std::abs(increment); }
std::int64_t start(std::int64_t n, std::int64_t increment) {
  return increment < 0 ? (1 - n) * increment : 0;
}

template <class T>
cublasStatus_t axpy(BlasCall call, std::int64_t n, const T* alpha_at, const T* x, std::int64_t incx,
                    T* y, std::int64_t incy) {
  if (const cublasStatus_t refused = call.refused()) return refused;
  const Scalar<T> alpha = call.scalar("alpha", alpha_at);
  if (n <= 0) return CUBLAS_STATUS_SUCCESS;
  x = call.read("x", x, 1, incx == 0 ? 1 : n, step(incx)) + start(n, incx);
  y = call.write("y", y, 1, incy == 0 ? 1 : n, step(incy)) + start(n, incy);
  return call.submit([=] {
    for (std::int64_t i = 0; i < n; ++i) y[i * incy] += alpha.get() * x[i * incx];
  });
}

template <class T>
cublasStatus_t nrm2(BlasCall call, std::int64_t n, const T* x, std::int64_t incx,
                    host::Real<T>* result) {
  if (const cublasStatus_t refused = call.refused()) return refused;
  x = call.read("x", x, 1, n <= 0 || incx <= 0 ? 0 : n, incx);
  return call.submit_result(result, [=] {
    host::Real<T> norm = 0;
    for (std::int64_t i = 0; i < n && incx > 0; ++i) norm = std::hypot(norm, std::abs(x[i * incx]));
    return norm;
  });
}

template <class T>
cublasStatus_t asum(BlasCall call, std::int64_t n, const T* x, std::int64_t incx,
                    host::Real<T>* result) {
  if (const cublasStatus_t refused = call.refused()) return refused;
  x = call.read("x", x, 1, n <= 0 || incx <= 0 ? 0 : n, incx);
  return call.submit_result(result, [=] {
    host::Real<T> sum = 0;
    for (std::int64_t i = 0; i < n && incx > 0; ++i) sum += std::abs(x[i * incx]);
    return sum;
  });
}

}  // namespace
}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

// Every routine twice: with int and with int64_t.
#define FASTCCA_GEAM(name, T, integer)                                                       \
  cublasStatus_t name(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, \
                      integer m, integer n, const T* alpha, const T* a, integer lda,         \
                      const T* beta, const T* b, integer ldb, T* c, integer ldc) {           \
    return geam({#name, handle}, op_a, op_b, m, n, standard(alpha), standard(a), lda,        \
                standard(beta), standard(b), ldb, standard(c), ldc);                         \
  }
#define FASTCCA_AXPY(name, T, integer)                                                            \
  cublasStatus_t name(cublasHandle_t handle, integer n, const T* alpha, const T* x, integer incx, \
                      T* y, integer incy) {                                                       \
    return axpy({#name, handle}, n, standard(alpha), standard(x), incx, standard(y), incy);       \
  }
#define FASTCCA_REDUCTION(name, function, real, T, integer)                                       \
  cublasStatus_t name(cublasHandle_t handle, integer n, const T* x, integer incx, real* result) { \
    return function({#name, handle}, n, standard(x), incx, result);                               \
  }

extern "C" {
FASTCCA_GEAM(cublasDgeam, double, int)
FASTCCA_GEAM(cublasDgeam_64, double, int64_t)
FASTCCA_GEAM(cublasZgeam, cuDoubleComplex, int)
FASTCCA_GEAM(cublasZgeam_64, cuDoubleComplex, int64_t)
FASTCCA_AXPY(cublasDaxpy_v2, double, int)
FASTCCA_AXPY(cublasDaxpy_v2_64, double, int64_t)
FASTCCA_AXPY(cublasZaxpy_v2, cuDoubleComplex, int)
FASTCCA_AXPY(cublasZaxpy_v2_64, cuDoubleComplex, int64_t)
FASTCCA_REDUCTION(cublasDnrm2_v2, nrm2, double, double, int)
FASTCCA_REDUCTION(cublasDnrm2_v2_64, nrm2, double, double, int64_t)
FASTCCA_REDUCTION(cublasDznrm2_v2, nrm2, double, cuDoubleComplex, int)
FASTCCA_REDUCTION(cublasDznrm2_v2_64, nrm2, double, cuDoubleComplex, int64_t)
FASTCCA_REDUCTION(cublasDasum_v2, asum, double, double, int)
FASTCCA_REDUCTION(cublasDasum_v2_64, asum, double, double, int64_t)
}  // extern "C"
