// The BLAS and LAPACK routines that the CPU backend calls, as one table of pointers. Whoever loads
// the library fills it: the Python module from SciPy's capsules, the C++ tests from a linked one.
#pragma once

#include <type_traits>
#include <vector>

#include "core/types.hpp"

namespace fastcca {

// The routines for one kind of numbers, with 32-bit integers as in every BLAS that SciPy's wheels
// ship. For complex numbers: zgemm, zgemv, ztrsm, ztrsv, zpotrf, zheevd, zheev, zgesdd, zgesvd.
template <class Scalar>
struct LapackRoutines {
  using Gemm = void(char* transa, char* transb, int* m, int* n, int* k, Scalar* alpha, Scalar* a,
                    int* lda, Scalar* b, int* ldb, Scalar* beta, Scalar* c, int* ldc);
  using Gemv = void(char* trans, int* m, int* n, Scalar* alpha, Scalar* a, int* lda, Scalar* x,
                    int* incx, Scalar* beta, Scalar* y, int* incy);
  using Trsm = void(char* side, char* uplo, char* transa, char* diag, int* m, int* n, Scalar* alpha,
                    Scalar* a, int* lda, Scalar* b, int* ldb);
  using Trsv = void(char* uplo, char* trans, char* diag, int* n, Scalar* a, int* lda, Scalar* x,
                    int* incx);
  using Potrf = void(char* uplo, int* n, Scalar* a, int* lda, int* info);

  Gemm* gemm = nullptr;
  Gemv* gemv = nullptr;
  Trsm* trsm = nullptr;
  Trsv* trsv = nullptr;
  Potrf* potrf = nullptr;
};

struct RealRoutines : LapackRoutines<double> {
  using Syevd = void(char* jobz, char* uplo, int* n, double* a, int* lda, double* w, double* work,
                     int* lwork, int* iwork, int* liwork, int* info);
  using Syev = void(char* jobz, char* uplo, int* n, double* a, int* lda, double* w, double* work,
                    int* lwork, int* info);
  using Gesdd = void(char* jobz, int* m, int* n, double* a, int* lda, double* s, double* u,
                     int* ldu, double* vt, int* ldvt, double* work, int* lwork, int* iwork,
                     int* info);
  using Gesvd = void(char* jobu, char* jobvt, int* m, int* n, double* a, int* lda, double* s,
                     double* u, int* ldu, double* vt, int* ldvt, double* work, int* lwork,
                     int* info);

  using Tpqrt = void(int* m, int* n, int* l, int* nb, double* a, int* lda, double* b, int* ldb,
                     double* t, int* ldt, double* work, int* info);

  using Syrk = void(char* uplo, char* trans, int* n, int* k, double* alpha, double* a, int* lda,
                    double* beta, double* c, int* ldc);
  using Sytrd = void(char* uplo, int* n, double* a, int* lda, double* d, double* e, double* tau,
                     double* work, int* lwork, int* info);
  using Sterf = void(int* n, double* d, double* e, int* info);
  using Stein = void(int* n, double* d, double* e, int* m, double* w, int* iblock, int* isplit,
                     double* z, int* ldz, double* work, int* iwork, int* ifail, int* info);
  using Stemr = void(char* jobz, char* range, int* n, double* d, double* e, double* vl, double* vu,
                     int* il, int* iu, int* m, double* w, double* z, int* ldz, int* nzc,
                     int* isuppz, int* tryrac, double* work, int* lwork, int* iwork, int* liwork,
                     int* info);
  using Ormtr = void(char* side, char* uplo, char* trans, int* m, int* n, double* a, int* lda,
                     double* tau, double* c, int* ldc, double* work, int* lwork, int* info);

  Tpqrt* tpqrt = nullptr;
  Syrk* syrk = nullptr;
  Sytrd* sytrd = nullptr;
  Sterf* sterf = nullptr;
  Stein* stein = nullptr;
  Stemr* stemr = nullptr;
  Ormtr* ormtr = nullptr;
  Syevd* syevd = nullptr;
  Syev* syev = nullptr;
  Gesdd* gesdd = nullptr;
  Gesvd* gesvd = nullptr;
};

struct ComplexRoutines : LapackRoutines<Complex> {
  using Heevd = void(char* jobz, char* uplo, int* n, Complex* a, int* lda, double* w, Complex* work,
                     int* lwork, double* rwork, int* lrwork, int* iwork, int* liwork, int* info);
  using Heev = void(char* jobz, char* uplo, int* n, Complex* a, int* lda, double* w, Complex* work,
                    int* lwork, double* rwork, int* info);
  using Gesdd = void(char* jobz, int* m, int* n, Complex* a, int* lda, double* s, Complex* u,
                     int* ldu, Complex* vt, int* ldvt, Complex* work, int* lwork, double* rwork,
                     int* iwork, int* info);
  using Gesvd = void(char* jobu, char* jobvt, int* m, int* n, Complex* a, int* lda, double* s,
                     Complex* u, int* ldu, Complex* vt, int* ldvt, Complex* work, int* lwork,
                     double* rwork, int* info);

  Heevd* heevd = nullptr;
  Heev* heev = nullptr;
  Gesdd* gesdd = nullptr;
  Gesvd* gesvd = nullptr;
};

struct LapackTable {
  RealRoutines real;
  ComplexRoutines complex;
};

// Checked calls over a table. Sizes beyond the 32-bit interface and failures become exceptions
// that name the routine. Matrices are column-major with no gap between columns. A call can be
// interrupted before the routine, never inside it.
template <class Scalar>
class Lapack {
 public:
  explicit Lapack(const LapackTable& table) : table_(table) {}

  // c = op(a) op(b); op is the conjugate transpose or nothing
  void gemm(bool trans_a, bool trans_b, Index m, Index n, Index k, const Scalar* a, const Scalar* b,
            Scalar* c) const;
  // The lower triangle of c = a' a + beta c, or of a a' + beta c, for a (m, n)
  void gram(bool of_rows, Index m, Index n, const Scalar* a, Scalar* c, Scalar beta = 0.0) const
    requires(std::is_same_v<Scalar, double>);
  // b (m, n) <- op(lower)^-1 b, or b op(lower)^-1 from the right
  void trsm(bool right, bool trans, Index m, Index n, const Scalar* lower, Scalar* b) const;
  // False where a is not positive definite. Only the lower triangle is read and written.
  bool potrf(Index n, Scalar* a) const;
  // Ascending eigenvalues of a symmetric (Hermitian) matrix; with vectors, a becomes them.
  void eigh(bool vectors, Index n, Scalar* a, double* w) const;
  // job 'N': values only, 'S': min(m, n) vectors, 'A': all. a is destroyed.
  void svd(char job, Index m, Index n, Scalar* a, double* s, Scalar* u, Scalar* vt) const;

  // R of the QR of the upper triangular upper (n, n) with rows (m, n) below; rows are destroyed.
  void tpqrt(Index m, Index n, double* upper, double* rows) const
    requires(std::is_same_v<Scalar, double>);

  const LapackTable& table() const { return table_; }

 private:
  struct Triangular;
  void solve_part(const Triangular& t, Index begin, Index end) const;

  LapackTable table_;
};

}  // namespace fastcca
