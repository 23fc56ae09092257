// cuBLAS: gemm, syrk, herk, trsm.
#include <algorithm>
#include <array>

#include "cublas_call.hpp"

namespace standin {
namespace {

char letter(cublasOperation_t op) {
  return op == CUBLAS_OP_N ? 'N' : op == CUBLAS_OP_T ? 'T' : 'C';
}
char letter(cublasFillMode_t uplo) { return uplo == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U'; }

// A beta of zero means that what was there is not read, NaN included.
template <class T>
void clear(T* data, int rows, int cols, int leading) {
  for (std::int64_t j = 0; j < cols; ++j) std::fill_n(data + j * leading, rows, T{});
}

template <class T>
void clear_triangle(bool lower, T* data, int n, int leading) {
  for (std::int64_t j = 0; j < n; ++j) {
    T* const column = data + j * leading;
    if (lower) {
      std::fill(column + j, column + n, T{});
    } else {
      std::fill(column, column + j + 1, T{});
    }
  }
}

// Products are added up in runs of so many: how long a sum a machine's BLAS makes in one go, and so
// its rounding, depends on the processor.
constexpr int kRun = 128;

template <class T>
cublasStatus_t gemm(BlasCall call, cublasOperation_t op_a, cublasOperation_t op_b, std::int64_t m64,
                    std::int64_t n64, std::int64_t k64, const T* alpha_at, const T* a,
                    std::int64_t lda64, const T* b, std::int64_t ldb64, const T* beta_at, T* c,
                    std::int64_t ldc64) {
  if (const cublasStatus_t refused = call.refused()) return refused;
  const std::int64_t rows_a = op_a == CUBLAS_OP_N ? m64 : k64;
  const std::int64_t rows_b = op_b == CUBLAS_OP_N ? k64 : n64;
  if (m64 < 0 || n64 < 0 || k64 < 0 || !is_leading_dimension(lda64, rows_a) ||
      !is_leading_dimension(ldb64, rows_b) || !is_leading_dimension(ldc64, m64)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto [m, n, k] =
      std::array{narrow(call.name(), m64), narrow(call.name(), n64), narrow(call.name(), k64)};
  const auto [lda, ldb, ldc] = std::array{narrow(call.name(), lda64), narrow(call.name(), ldb64),
                                          narrow(call.name(), ldc64)};
  const Scalar<T> alpha = call.scalar("alpha", alpha_at);
  const Scalar<T> beta = call.scalar("beta", beta_at);
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  if (!alpha.is_known_zero()) {
    a = call.read("A", a, rows_a, op_a == CUBLAS_OP_N ? k64 : m64, lda64);
    b = call.read("B", b, rows_b, op_b == CUBLAS_OP_N ? n64 : k64, ldb64);
  }
  c = call.write("C", c, m64, n64, ldc64);
  return call.submit([=] {
    if (beta.get() == T{}) clear(c, m, n, ldc);
    T keep = beta.get();
    int from = 0;
    do {  // once where k is 0: beta alone counts
      const std::int64_t at = from;
      host::gemm<T>(letter(op_a), letter(op_b), m, n, std::min(kRun, k - from), alpha.get(),
                    a + (op_a == CUBLAS_OP_N ? at * lda : at), lda,
                    b + (op_b == CUBLAS_OP_N ? at : at * ldb), ldb, keep, c, ldc);
      keep = T{1};
      from += kRun;
    } while (from < k);
  });
}

// herk where T is complex
template <class T>
cublasStatus_t syrk(BlasCall call, cublasFillMode_t uplo, cublasOperation_t op, std::int64_t n64,
                    std::int64_t k64, const host::Real<T>* alpha_at, const T* a, std::int64_t lda64,
                    const host::Real<T>* beta_at, T* c, std::int64_t ldc64) {
  if (const cublasStatus_t refused = call.refused()) return refused;
  const std::int64_t rows_a = op == CUBLAS_OP_N ? n64 : k64;
  const bool complex = std::is_same_v<T, host::Complex>;
  if (n64 < 0 || k64 < 0 || !is_leading_dimension(lda64, rows_a) ||
      !is_leading_dimension(ldc64, n64) || uplo == CUBLAS_FILL_MODE_FULL ||
      (complex && op == CUBLAS_OP_T)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto [n, k] = std::array{narrow(call.name(), n64), narrow(call.name(), k64)};
  const auto [lda, ldc] = std::array{narrow(call.name(), lda64), narrow(call.name(), ldc64)};
  const Scalar<host::Real<T>> alpha = call.scalar("alpha", alpha_at);
  const Scalar<host::Real<T>> beta = call.scalar("beta", beta_at);
  if (n == 0) return CUBLAS_STATUS_SUCCESS;
  if (!alpha.is_known_zero()) a = call.read("A", a, rows_a, op == CUBLAS_OP_N ? k64 : n64, lda64);
  c = call.write("C", c, n64, n64, ldc64);
  const char trans = op == CUBLAS_OP_N ? 'N' : complex ? 'C' : 'T';
  return call.submit([=] {
    if (beta.get() == 0) clear_triangle(uplo == CUBLAS_FILL_MODE_LOWER, c, n, ldc);
    host::Real<T> keep = beta.get();
    int from = 0;
    do {
      const std::int64_t at = from;
      host::syrk<T>(letter(uplo), trans, n, std::min(kRun, k - from), alpha.get(),
                    a + (op == CUBLAS_OP_N ? at * lda : at), lda, keep, c, ldc);
      keep = 1;
      from += kRun;
    } while (from < k);
  });
}

template <class T>
cublasStatus_t trsm(BlasCall call, cublasSideMode_t side, cublasFillMode_t uplo,
                    cublasOperation_t op, cublasDiagType_t diag, std::int64_t m64, std::int64_t n64,
                    const T* alpha_at, const T* a, std::int64_t lda64, T* b, std::int64_t ldb64) {
  if (const cublasStatus_t refused = call.refused()) return refused;
  const std::int64_t order = side == CUBLAS_SIDE_LEFT ? m64 : n64;
  if (m64 < 0 || n64 < 0 || !is_leading_dimension(lda64, order) ||
      !is_leading_dimension(ldb64, m64) || uplo == CUBLAS_FILL_MODE_FULL) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto [m, n] = std::array{narrow(call.name(), m64), narrow(call.name(), n64)};
  const auto [lda, ldb] = std::array{narrow(call.name(), lda64), narrow(call.name(), ldb64)};
  const Scalar<T> alpha = call.scalar("alpha", alpha_at);
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  a = call.read("A", a, order, order, lda64);
  b = call.write("B", b, m64, n64, ldb64);
  return call.submit([=] {
    host::trsm<T>(side == CUBLAS_SIDE_LEFT ? 'L' : 'R', letter(uplo), letter(op),
                  diag == CUBLAS_DIAG_UNIT ? 'U' : 'N', m, n, alpha.get(), a, lda, b, ldb);
  });
}

}  // namespace
}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

// Every routine twice: with int and with int64_t.
#define FASTCCA_GEMM(name, T, integer)                                                          \
  cublasStatus_t name(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,    \
                      integer m, integer n, integer k, const T* alpha, const T* a, integer lda, \
                      const T* b, integer ldb, const T* beta, T* c, integer ldc) {              \
    return gemm({#name, handle}, op_a, op_b, m, n, k, standard(alpha), standard(a), lda,        \
                standard(b), ldb, standard(beta), standard(c), ldc);                            \
  }
#define FASTCCA_SYRK(name, real, T, integer)                                                       \
  cublasStatus_t name(cublasHandle_t handle, cublasFillMode_t uplo, cublasOperation_t op,          \
                      integer n, integer k, const real* alpha, const T* a, integer lda,            \
                      const real* beta, T* c, integer ldc) {                                       \
    return syrk({#name, handle}, uplo, op, n, k, alpha, standard(a), lda, beta, standard(c), ldc); \
  }
#define FASTCCA_TRSM(name, T, integer)                                                          \
  cublasStatus_t name(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t uplo,      \
                      cublasOperation_t op, cublasDiagType_t diag, integer m, integer n,        \
                      const T* alpha, const T* a, integer lda, T* b, integer ldb) {             \
    return trsm({#name, handle}, side, uplo, op, diag, m, n, standard(alpha), standard(a), lda, \
                standard(b), ldb);                                                              \
  }

extern "C" {
FASTCCA_GEMM(cublasSgemm_v2, float, int)
FASTCCA_GEMM(cublasSgemm_v2_64, float, int64_t)
FASTCCA_GEMM(cublasDgemm_v2, double, int)
FASTCCA_GEMM(cublasDgemm_v2_64, double, int64_t)
FASTCCA_GEMM(cublasZgemm_v2, cuDoubleComplex, int)
FASTCCA_GEMM(cublasZgemm_v2_64, cuDoubleComplex, int64_t)
FASTCCA_SYRK(cublasSsyrk_v2, float, float, int)
FASTCCA_SYRK(cublasSsyrk_v2_64, float, float, int64_t)
FASTCCA_SYRK(cublasDsyrk_v2, double, double, int)
FASTCCA_SYRK(cublasDsyrk_v2_64, double, double, int64_t)
FASTCCA_SYRK(cublasZherk_v2, double, cuDoubleComplex, int)
FASTCCA_SYRK(cublasZherk_v2_64, double, cuDoubleComplex, int64_t)
FASTCCA_TRSM(cublasDtrsm_v2, double, int)
FASTCCA_TRSM(cublasDtrsm_v2_64, double, int64_t)
FASTCCA_TRSM(cublasZtrsm_v2, cuDoubleComplex, int)
FASTCCA_TRSM(cublasZtrsm_v2_64, cuDoubleComplex, int64_t)
}  // extern "C"
