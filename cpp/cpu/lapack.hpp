// The BLAS and LAPACK routines that the CPU backend calls, as one table of pointers. Whoever loads
// the library fills it: the Python module from SciPy's capsules, the C++ tests from a linked one.
#pragma once

#include "core/types.hpp"

namespace fastcca {

// 32-bit integers, as in every BLAS that SciPy's wheels ship.
struct LapackTable {
  void (*dgemm)(char* transa, char* transb, int* m, int* n, int* k, double* alpha, double* a,
                int* lda, double* b, int* ldb, double* beta, double* c, int* ldc) = nullptr;
  void (*dtrsm)(char* side, char* uplo, char* transa, char* diag, int* m, int* n, double* alpha,
                double* a, int* lda, double* b, int* ldb) = nullptr;
  void (*dpotrf)(char* uplo, int* n, double* a, int* lda, int* info) = nullptr;
  void (*dsyevd)(char* jobz, char* uplo, int* n, double* a, int* lda, double* w, double* work,
                 int* lwork, int* iwork, int* liwork, int* info) = nullptr;
  void (*dgesdd)(char* jobz, int* m, int* n, double* a, int* lda, double* s, double* u, int* ldu,
                 double* vt, int* ldvt, double* work, int* lwork, int* iwork, int* info) = nullptr;
  void (*dgesvd)(char* jobu, char* jobvt, int* m, int* n, double* a, int* lda, double* s, double* u,
                 int* ldu, double* vt, int* ldvt, double* work, int* lwork, int* info) = nullptr;
};

// Checked calls over a table. Sizes beyond the 32-bit interface and failures become exceptions
// that name the routine. Matrices are column-major with no gap between columns.
class Lapack {
 public:
  explicit Lapack(const LapackTable& table) : table_(table) {}

  // c = op(a) op(b)
  void gemm(bool trans_a, bool trans_b, Index m, Index n, Index k, const double* a, const double* b,
            double* c) const;
  // b (m, n) <- op(lower)^-1 b, or b op(lower)^-1 from the right
  void trsm(bool right, bool trans, Index m, Index n, const double* lower, double* b) const;
  // False where a is not positive definite. Only the lower triangle is read and written.
  bool potrf(Index n, double* a) const;
  // Ascending eigenvalues; with vectors, a becomes them.
  void syevd(bool vectors, Index n, double* a, double* w) const;
  // job 'N': values only, 'S': min(m, n) vectors, 'A': all. a is destroyed.
  void svd(char job, Index m, Index n, double* a, double* s, double* u, double* vt) const;

 private:
  LapackTable table_;
};

}  // namespace fastcca
