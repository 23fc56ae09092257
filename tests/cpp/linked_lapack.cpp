// Fills the LAPACK table from the library that the tests are linked with.
#include <cstddef>

#include "data.hpp"

#define FASTCCA_CONCAT(a, b) a##b
#define FASTCCA_PREFIXED(prefix, name) FASTCCA_CONCAT(prefix, name)
#define FASTCCA_LAPACK(name) FASTCCA_PREFIXED(FASTCCA_TEST_LAPACK_PREFIX, name)

// Fortran compilers pass the length of every character argument at the end.
using Length = std::size_t;

extern "C" {
void FASTCCA_LAPACK(dgemm_)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*,
                            double*, double*, int*, Length, Length);
void FASTCCA_LAPACK(dtrsm_)(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*,
                            int*, Length, Length, Length, Length);
void FASTCCA_LAPACK(dpotrf_)(char*, int*, double*, int*, int*, Length);
void FASTCCA_LAPACK(dsyevd_)(char*, char*, int*, double*, int*, double*, double*, int*, int*, int*,
                             int*, Length, Length);
void FASTCCA_LAPACK(dgesdd_)(char*, int*, int*, double*, int*, double*, double*, int*, double*,
                             int*, double*, int*, int*, int*, Length);
void FASTCCA_LAPACK(dgesvd_)(char*, char*, int*, int*, double*, int*, double*, double*, int*,
                             double*, int*, double*, int*, int*, Length, Length);
}

namespace fastcca::testing {

LapackTable linked_lapack() {
  LapackTable table;
  table.dgemm = [](char* transa, char* transb, int* m, int* n, int* k, double* alpha, double* a,
                   int* lda, double* b, int* ldb, double* beta, double* c, int* ldc) {
    FASTCCA_LAPACK(dgemm_)(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, 1, 1);
  };
  table.dtrsm = [](char* side, char* uplo, char* transa, char* diag, int* m, int* n, double* alpha,
                   double* a, int* lda, double* b, int* ldb) {
    FASTCCA_LAPACK(dtrsm_)(side, uplo, transa, diag, m, n, alpha, a, lda, b, ldb, 1, 1, 1, 1);
  };
  table.dpotrf = [](char* uplo, int* n, double* a, int* lda, int* info) {
    FASTCCA_LAPACK(dpotrf_)(uplo, n, a, lda, info, 1);
  };
  table.dsyevd = [](char* jobz, char* uplo, int* n, double* a, int* lda, double* w, double* work,
                    int* lwork, int* iwork, int* liwork, int* info) {
    FASTCCA_LAPACK(dsyevd_)(jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork, info, 1, 1);
  };
  table.dgesdd = [](char* jobz, int* m, int* n, double* a, int* lda, double* s, double* u, int* ldu,
                    double* vt, int* ldvt, double* work, int* lwork, int* iwork, int* info) {
    FASTCCA_LAPACK(dgesdd_)(jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info, 1);
  };
  table.dgesvd = [](char* jobu, char* jobvt, int* m, int* n, double* a, int* lda, double* s,
                    double* u, int* ldu, double* vt, int* ldvt, double* work, int* lwork,
                    int* info) {
    FASTCCA_LAPACK(dgesvd_)(jobu, jobvt, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, info, 1,
                            1);
  };
  return table;
}

}  // namespace fastcca::testing
