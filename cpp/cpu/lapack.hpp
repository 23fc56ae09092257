// The BLAS and LAPACK routines that the CPU backend calls, as one table of pointers. Whoever loads
// the library fills it: the Python module from SciPy's capsules, the C++ tests from a linked one.
#pragma once

#include <type_traits>
#include <vector>

#include "core/types.hpp"

namespace fastcca {

// A routine of Fortran takes the places of its arguments, in the order of its documentation.
template <class... Arguments>
using Fortran = void(Arguments*...);

// The routines for one kind of numbers, with 32-bit integers as in every BLAS that SciPy's wheels
// ship. For complex numbers: zgemm, zgemv, ztrsm, ztrsv, zpotrf, zheevd, zheev, zgesdd, zgesvd.
template <class S>
struct LapackRoutines {
  Fortran<char, char, int, int, int, S, S, int, S, int, S, S, int>* gemm = nullptr;
  Fortran<char, int, int, S, S, int, S, int, S, S, int>* gemv = nullptr;
  Fortran<char, char, char, char, int, int, S, S, int, S, int>* trsm = nullptr;
  Fortran<char, char, char, int, S, int, S, int>* trsv = nullptr;
  Fortran<char, int, S, int, int>* potrf = nullptr;
};

struct RealRoutines : LapackRoutines<double> {
  using D = double;

  Fortran<char, char, int, int, D, D, int, D, D, int>* syrk = nullptr;
  Fortran<int, int, int, int, D, int, D, int, D, int, D, int>* tpqrt = nullptr;
  Fortran<char, char, int, D, int, D, D, int, int, int, int>* syevd = nullptr;
  Fortran<char, char, int, D, int, D, D, int, int>* syev = nullptr;
  Fortran<char, int, int, D, int, D, D, int, D, int, D, int, int, int>* gesdd = nullptr;
  Fortran<char, char, int, int, D, int, D, D, int, D, int, D, int, int>* gesvd = nullptr;
  // What works on tridiagonal matrices.
  Fortran<char, int, D, int, D, D, D, D, int, int>* sytrd = nullptr;
  Fortran<int, D, D, int>* sterf = nullptr;
  Fortran<int, D, D, int, D, int, int, D, int, D, int, int, int>* stein = nullptr;
  Fortran<char, char, int, D, D, D, D, int, int, int, D, D, int, int, int, int, D, int, int, int,
          int>* stemr = nullptr;
  Fortran<char, char, char, int, int, D, int, D, D, int, D, int, int>* ormtr = nullptr;
};

struct ComplexRoutines : LapackRoutines<Complex> {
  using D = double;
  using Z = Complex;

  Fortran<char, char, int, Z, int, D, Z, int, D, int, int, int, int>* heevd = nullptr;
  Fortran<char, char, int, Z, int, D, Z, int, D, int>* heev = nullptr;
  Fortran<char, int, int, Z, int, D, Z, int, Z, int, Z, int, D, int, int>* gesdd = nullptr;
  Fortran<char, char, int, int, Z, int, D, Z, int, Z, int, Z, int, D, int>* gesvd = nullptr;
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
