// Fills the LAPACK table from the library that the tests are linked with.
#include "linked_lapack.hpp"

#include <cstddef>

#define FASTCCA_CONCAT(a, b) a##b
#define FASTCCA_PREFIXED(prefix, name) FASTCCA_CONCAT(prefix, name)
#define FASTCCA_LAPACK(name) FASTCCA_PREFIXED(FASTCCA_TEST_LAPACK_PREFIX, name)

// Fortran compilers pass the length of every character argument at the end.
using Length = std::size_t;
using fastcca::Complex;

extern "C" {
void FASTCCA_LAPACK(dgemm_)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*,
                            double*, double*, int*, Length, Length);
void FASTCCA_LAPACK(dgemv_)(char*, int*, int*, double*, double*, int*, double*, int*, double*,
                            double*, int*, Length);
void FASTCCA_LAPACK(dtrsv_)(char*, char*, char*, int*, double*, int*, double*, int*, Length, Length,
                            Length);
void FASTCCA_LAPACK(dtrsm_)(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*,
                            int*, Length, Length, Length, Length);
void FASTCCA_LAPACK(dsyrk_)(char*, char*, int*, int*, double*, double*, int*, double*, double*,
                            int*, Length, Length);
void FASTCCA_LAPACK(dpotrf_)(char*, int*, double*, int*, int*, Length);
void FASTCCA_LAPACK(dsyevd_)(char*, char*, int*, double*, int*, double*, double*, int*, int*, int*,
                             int*, Length, Length);
void FASTCCA_LAPACK(dsyev_)(char*, char*, int*, double*, int*, double*, double*, int*, int*, Length,
                            Length);
void FASTCCA_LAPACK(dgesdd_)(char*, int*, int*, double*, int*, double*, double*, int*, double*,
                             int*, double*, int*, int*, int*, Length);
void FASTCCA_LAPACK(dgesvd_)(char*, char*, int*, int*, double*, int*, double*, double*, int*,
                             double*, int*, double*, int*, int*, Length, Length);
void FASTCCA_LAPACK(dsytrd_)(char*, int*, double*, int*, double*, double*, double*, double*, int*,
                             int*, Length);
void FASTCCA_LAPACK(dsterf_)(int*, double*, double*, int*);
void FASTCCA_LAPACK(dstein_)(int*, double*, double*, int*, double*, int*, int*, double*, int*,
                             double*, int*, int*, int*);
void FASTCCA_LAPACK(dstemr_)(char*, char*, int*, double*, double*, double*, double*, int*, int*,
                             int*, double*, double*, int*, int*, int*, int*, double*, int*, int*,
                             int*, int*, Length, Length);
void FASTCCA_LAPACK(dormtr_)(char*, char*, char*, int*, int*, double*, int*, double*, double*, int*,
                             double*, int*, int*, Length, Length, Length);
void FASTCCA_LAPACK(dtpqrt_)(int*, int*, int*, int*, double*, int*, double*, int*, double*, int*,
                             double*, int*);
void FASTCCA_LAPACK(zgemm_)(char*, char*, int*, int*, int*, Complex*, Complex*, int*, Complex*,
                            int*, Complex*, Complex*, int*, Length, Length);
void FASTCCA_LAPACK(zgemv_)(char*, int*, int*, Complex*, Complex*, int*, Complex*, int*, Complex*,
                            Complex*, int*, Length);
void FASTCCA_LAPACK(ztrsv_)(char*, char*, char*, int*, Complex*, int*, Complex*, int*, Length,
                            Length, Length);
void FASTCCA_LAPACK(ztrsm_)(char*, char*, char*, char*, int*, int*, Complex*, Complex*, int*,
                            Complex*, int*, Length, Length, Length, Length);
void FASTCCA_LAPACK(zpotrf_)(char*, int*, Complex*, int*, int*, Length);
void FASTCCA_LAPACK(zheevd_)(char*, char*, int*, Complex*, int*, double*, Complex*, int*, double*,
                             int*, int*, int*, int*, Length, Length);
void FASTCCA_LAPACK(zheev_)(char*, char*, int*, Complex*, int*, double*, Complex*, int*, double*,
                            int*, Length, Length);
void FASTCCA_LAPACK(zgesdd_)(char*, int*, int*, Complex*, int*, double*, Complex*, int*, Complex*,
                             int*, Complex*, int*, double*, int*, int*, Length);
void FASTCCA_LAPACK(zgesvd_)(char*, char*, int*, int*, Complex*, int*, double*, Complex*, int*,
                             Complex*, int*, Complex*, int*, double*, int*, Length, Length);
}

namespace fastcca::testing {

LapackTable linked_lapack() {
  LapackTable table;
  table.real.gemm = [](char* transa, char* transb, int* m, int* n, int* k, double* alpha, double* a,
                       int* lda, double* b, int* ldb, double* beta, double* c, int* ldc) {
    FASTCCA_LAPACK(dgemm_)(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, 1, 1);
  };
  table.real.gemv = [](char* trans, int* m, int* n, double* alpha, double* a, int* lda, double* x,
                       int* incx, double* beta, double* y, int* incy) {
    FASTCCA_LAPACK(dgemv_)(trans, m, n, alpha, a, lda, x, incx, beta, y, incy, 1);
  };
  table.real.trsv = [](char* uplo, char* trans, char* diag, int* n, double* a, int* lda, double* x,
                       int* incx) {
    FASTCCA_LAPACK(dtrsv_)(uplo, trans, diag, n, a, lda, x, incx, 1, 1, 1);
  };
  table.real.trsm = [](char* side, char* uplo, char* transa, char* diag, int* m, int* n,
                       double* alpha, double* a, int* lda, double* b, int* ldb) {
    FASTCCA_LAPACK(dtrsm_)(side, uplo, transa, diag, m, n, alpha, a, lda, b, ldb, 1, 1, 1, 1);
  };
  table.real.syrk = [](char* uplo, char* trans, int* n, int* k, double* alpha, double* a, int* lda,
                       double* beta, double* c, int* ldc) {
    FASTCCA_LAPACK(dsyrk_)(uplo, trans, n, k, alpha, a, lda, beta, c, ldc, 1, 1);
  };
  table.real.potrf = [](char* uplo, int* n, double* a, int* lda, int* info) {
    FASTCCA_LAPACK(dpotrf_)(uplo, n, a, lda, info, 1);
  };
  table.real.syevd = [](char* jobz, char* uplo, int* n, double* a, int* lda, double* w,
                        double* work, int* lwork, int* iwork, int* liwork, int* info) {
    FASTCCA_LAPACK(dsyevd_)(jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork, info, 1, 1);
  };
  table.real.syev = [](char* jobz, char* uplo, int* n, double* a, int* lda, double* w, double* work,
                       int* lwork, int* info) {
    FASTCCA_LAPACK(dsyev_)(jobz, uplo, n, a, lda, w, work, lwork, info, 1, 1);
  };
  table.real.gesdd = [](char* jobz, int* m, int* n, double* a, int* lda, double* s, double* u,
                        int* ldu, double* vt, int* ldvt, double* work, int* lwork, int* iwork,
                        int* info) {
    FASTCCA_LAPACK(dgesdd_)(jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info, 1);
  };
  table.real.gesvd = [](char* jobu, char* jobvt, int* m, int* n, double* a, int* lda, double* s,
                        double* u, int* ldu, double* vt, int* ldvt, double* work, int* lwork,
                        int* info) {
    FASTCCA_LAPACK(dgesvd_)(jobu, jobvt, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, info, 1,
                            1);
  };
  table.real.sytrd = [](char* uplo, int* n, double* a, int* lda, double* d, double* e, double* tau,
                        double* work, int* lwork, int* info) {
    FASTCCA_LAPACK(dsytrd_)(uplo, n, a, lda, d, e, tau, work, lwork, info, 1);
  };
  table.real.sterf = [](int* n, double* d, double* e, int* info) {
    FASTCCA_LAPACK(dsterf_)(n, d, e, info);
  };
  table.real.stein = [](int* n, double* d, double* e, int* m, double* w, int* iblock, int* isplit,
                        double* z, int* ldz, double* work, int* iwork, int* ifail, int* info) {
    FASTCCA_LAPACK(dstein_)(n, d, e, m, w, iblock, isplit, z, ldz, work, iwork, ifail, info);
  };
  table.real.stemr = [](char* jobz, char* range, int* n, double* d, double* e, double* vl,
                        double* vu, int* il, int* iu, int* m, double* w, double* z, int* ldz,
                        int* nzc, int* isuppz, int* tryrac, double* work, int* lwork, int* iwork,
                        int* liwork, int* info) {
    FASTCCA_LAPACK(dstemr_)(jobz, range, n, d, e, vl, vu, il, iu, m, w, z, ldz, nzc, isuppz, tryrac,
                            work, lwork, iwork, liwork, info, 1, 1);
  };
  table.real.ormtr = [](char* side, char* uplo, char* trans, int* m, int* n, double* a, int* lda,
                        double* tau, double* c, int* ldc, double* work, int* lwork, int* info) {
    FASTCCA_LAPACK(dormtr_)(side, uplo, trans, m, n, a, lda, tau, c, ldc, work, lwork, info, 1, 1,
                            1);
  };
  table.real.tpqrt = [](int* m, int* n, int* l, int* nb, double* a, int* lda, double* b, int* ldb,
                        double* t, int* ldt, double* work, int* info) {
    FASTCCA_LAPACK(dtpqrt_)(m, n, l, nb, a, lda, b, ldb, t, ldt, work, info);
  };
  table.complex.gemm = [](char* transa, char* transb, int* m, int* n, int* k, Complex* alpha,
                          Complex* a, int* lda, Complex* b, int* ldb, Complex* beta, Complex* c,
                          int* ldc) {
    FASTCCA_LAPACK(zgemm_)(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, 1, 1);
  };
  table.complex.gemv = [](char* trans, int* m, int* n, Complex* alpha, Complex* a, int* lda,
                          Complex* x, int* incx, Complex* beta, Complex* y, int* incy) {
    FASTCCA_LAPACK(zgemv_)(trans, m, n, alpha, a, lda, x, incx, beta, y, incy, 1);
  };
  table.complex.trsv = [](char* uplo, char* trans, char* diag, int* n, Complex* a, int* lda,
                          Complex* x, int* incx) {
    FASTCCA_LAPACK(ztrsv_)(uplo, trans, diag, n, a, lda, x, incx, 1, 1, 1);
  };
  table.complex.trsm = [](char* side, char* uplo, char* transa, char* diag, int* m, int* n,
                          Complex* alpha, Complex* a, int* lda, Complex* b, int* ldb) {
    FASTCCA_LAPACK(ztrsm_)(side, uplo, transa, diag, m, n, alpha, a, lda, b, ldb, 1, 1, 1, 1);
  };
  table.complex.potrf = [](char* uplo, int* n, Complex* a, int* lda, int* info) {
    FASTCCA_LAPACK(zpotrf_)(uplo, n, a, lda, info, 1);
  };
  table.complex.heevd = [](char* jobz, char* uplo, int* n, Complex* a, int* lda, double* w,
                           Complex* work, int* lwork, double* rwork, int* lrwork, int* iwork,
                           int* liwork, int* info) {
    FASTCCA_LAPACK(zheevd_)(jobz, uplo, n, a, lda, w, work, lwork, rwork, lrwork, iwork, liwork,
                            info, 1, 1);
  };
  table.complex.heev = [](char* jobz, char* uplo, int* n, Complex* a, int* lda, double* w,
                          Complex* work, int* lwork, double* rwork, int* info) {
    FASTCCA_LAPACK(zheev_)(jobz, uplo, n, a, lda, w, work, lwork, rwork, info, 1, 1);
  };
  table.complex.gesdd = [](char* jobz, int* m, int* n, Complex* a, int* lda, double* s, Complex* u,
                           int* ldu, Complex* vt, int* ldvt, Complex* work, int* lwork,
                           double* rwork, int* iwork, int* info) {
    FASTCCA_LAPACK(zgesdd_)(jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, rwork, iwork,
                            info, 1);
  };
  table.complex.gesvd = [](char* jobu, char* jobvt, int* m, int* n, Complex* a, int* lda, double* s,
                           Complex* u, int* ldu, Complex* vt, int* ldvt, Complex* work, int* lwork,
                           double* rwork, int* info) {
    FASTCCA_LAPACK(zgesvd_)(jobu, jobvt, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, rwork,
                            info, 1, 1);
  };
  return table;
}

}  // namespace fastcca::testing
