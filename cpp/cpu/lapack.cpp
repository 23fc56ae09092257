#include "cpu/lapack.hpp"

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "core/interrupt.hpp"
#include "cpu/lapack_calls.hpp"

namespace fastcca {

using namespace lapack_calls;

namespace {

template <class Scalar>
constexpr bool kIsReal = std::is_same_v<Scalar, double>;

// "gemm" as the routine of these numbers, dgemm or zgemm.
template <class Scalar>
std::string routine_name(const char* routine) {
  std::string name(1, kIsReal<Scalar> ? 'd' : 'z');
  return name += routine;
}

template <class Scalar>
char adjoint(bool trans) {
  return trans ? (kIsReal<Scalar> ? 'T' : 'C') : 'N';
}

template <class Scalar>
const auto& routines(const LapackTable& table) {
  if constexpr (kIsReal<Scalar>) {
    return table.real;
  } else {
    return table.complex;
  }
}

}  // namespace

template <class Scalar>
void Lapack<Scalar>::gemm(bool trans_a, bool trans_b, Index m, Index n, Index k, const Scalar* a,
                          const Scalar* b, Scalar* c) const {
  throw_if_interrupted();
  const int im = to_int(m, routine_name<Scalar>("gemm"));
  const int in = to_int(n, routine_name<Scalar>("gemm"));
  const int ik = to_int(k, routine_name<Scalar>("gemm"));
  const char ta = adjoint<Scalar>(trans_a);
  const int lda = leading(trans_a ? ik : im);
  const Scalar one = 1.0;
  const Scalar zero = 0.0;
  // A product of matrices copies a before it reads it, which one column is not worth.
  if (n == 1 && !trans_b) {
    // What gemv makes of NaN that it is to forget has differed from version to version of OpenBLAS.
    std::fill_n(c, m, zero);
    call(routines<Scalar>(table_).gemv, ta, trans_a ? ik : im, trans_a ? im : ik, one, a, lda, b, 1,
         zero, c, 1);
    return;
  }
  call(routines<Scalar>(table_).gemm, ta, adjoint<Scalar>(trans_b), im, in, ik, one, a, lda, b,
       leading(trans_b ? in : ik), zero, c, leading(im));
}

template <class Scalar>
void Lapack<Scalar>::gram(bool of_rows, Index m, Index n, const Scalar* a, Scalar* c,
                          Scalar beta) const
  requires(std::is_same_v<Scalar, double>)
{
  throw_if_interrupted();
  const int size = to_int(of_rows ? m : n, "dsyrk");
  const int depth = to_int(of_rows ? n : m, "dsyrk");
  call(table_.real.syrk, 'L', of_rows ? 'N' : 'T', size, depth, 1.0, a,
       leading(of_rows ? size : depth), beta, c, leading(size));
}

template <class Scalar>
void Lapack<Scalar>::trsm(bool right, bool trans, Index m, Index n, const Scalar* lower,
                          Scalar* b) const {
  throw_if_interrupted();
  const int rows = to_int(m, routine_name<Scalar>("trsm"));
  const int cols = to_int(n, routine_name<Scalar>("trsm"));
  if (!right && cols == 1) {
    call(routines<Scalar>(table_).trsv, 'L', adjoint<Scalar>(trans), 'N', rows, lower,
         leading(rows), b, 1);
    return;
  }
  solve_part({right, trans, rows, cols, lower, b}, 0, right ? n : m);
}

template <class Scalar>
struct Lapack<Scalar>::Triangular {
  bool right, trans;
  int rows, cols;  // of b
  const Scalar* lower;
  Scalar* b;

  int size() const { return right ? cols : rows; }
  // An entry of the factor, and the part of b that becomes the unknowns from one on.
  const Scalar* factor(Index row, Index col) const { return lower + row + col * size(); }
  Scalar* unknowns(Index from) const { return b + (right ? from * rows : from); }
};

// Solves for unknowns [begin, end); what others contribute has been subtracted. Products of halves
// are faster than the solves of a BLAS: OpenBLAS reaches a third of its own products' rate there.
template <class Scalar>
void Lapack<Scalar>::solve_part(const Triangular& t, Index begin, Index end) const {
  constexpr Index kWhole = 64;
  const auto& blas = routines<Scalar>(table_);
  const char trans = adjoint<Scalar>(t.trans);
  const int lda = leading(t.size());
  const int ldb = leading(t.rows);
  const Scalar one = 1.0;
  const Scalar minus = -1.0;
  const int count = static_cast<int>(end - begin);
  if (count <= kWhole) {
    call(blas.trsm, t.right ? 'R' : 'L', 'L', trans, 'N', t.right ? t.rows : count,
         t.right ? count : t.cols, one, t.factor(begin, begin), lda, t.unknowns(begin), ldb);
    return;
  }
  const Index middle = begin + (count + kWhole) / (2 * kWhole) * kWhole;
  const bool forwards = t.right == t.trans;
  const Index first = forwards ? begin : middle;
  const Index second = forwards ? middle : begin;
  const int known = static_cast<int>(forwards ? middle - begin : end - middle);
  const int rest = count - known;
  solve_part(t, first, first + known);
  if (t.right) {
    call(blas.gemm, 'N', trans, t.rows, rest, known, minus, t.unknowns(first), ldb,
         t.factor(middle, begin), lda, one, t.unknowns(second), ldb);
  } else {
    call(blas.gemm, trans, 'N', rest, t.cols, known, minus, t.factor(middle, begin), lda,
         t.unknowns(first), ldb, one, t.unknowns(second), ldb);
  }
  solve_part(t, second, second + rest);
}

template <class Scalar>
bool Lapack<Scalar>::potrf(Index n, Scalar* a) const {
  throw_if_interrupted();
  const int in = to_int(n, routine_name<Scalar>("potrf"));
  int info = 0;
  call(routines<Scalar>(table_).potrf, 'L', in, a, leading(in), &info);
  if (info < 0) {
    fail(routine_name<Scalar>("potrf"), info);
  }
  return info == 0;
}

template <class Scalar>
void Lapack<Scalar>::eigh(bool vectors, Index n, Scalar* a, double* w) const {
  throw_if_interrupted();
  const std::string name = kIsReal<Scalar> ? "dsyevd" : "zheevd";
  const int in = to_int(n, name);
  const int lda = leading(in);
  const char job = vectors ? 'V' : 'N';
  int info = 0;
  if (vectors) {
    const double size = static_cast<double>(n);
    workspace(1.0 + size * (6.0 + 2.0 * size), name);
  }
  const std::vector<Scalar> saved(a, a + n * n);
  std::vector<double> rwork(1);  // of complex numbers alone
  std::vector<int> iwork(1);
  int lrwork = -1;
  int liwork = -1;
  run_with_workspace<Scalar>(name, [&](Scalar* work, int lwork) {
    if constexpr (kIsReal<Scalar>) {
      call(table_.real.syevd, job, 'L', in, a, lda, w, work, lwork, iwork.data(), liwork, &info);
    } else {
      call(table_.complex.heevd, job, 'L', in, a, lda, w, work, lwork, rwork.data(), lrwork,
           iwork.data(), liwork, &info);
    }
    if (lwork == -1) {  // the answers to the other two questions
      lrwork = workspace(rwork.front(), name);
      liwork = iwork.front();
      rwork = array<double>(lrwork);
      iwork = array<int>(liwork);
    }
  });
  if (info == 0) {
    return;
  }
  if (info < 0) {
    fail(name, info);
  }
  // Divide and conquer did not converge; QR iteration is slower and surer.
  std::copy(saved.begin(), saved.end(), a);
  const std::string slower = kIsReal<Scalar> ? "dsyev" : "zheev";
  rwork.resize(static_cast<std::size_t>(3 * n + 1));
  run_with_workspace<Scalar>(slower, [&](Scalar* work, int lwork) {
    if constexpr (kIsReal<Scalar>) {
      call(table_.real.syev, job, 'L', in, a, lda, w, work, lwork, &info);
    } else {
      call(table_.complex.heev, job, 'L', in, a, lda, w, work, lwork, rwork.data(), &info);
    }
  });
  if (info != 0) {
    fail(slower, info);
  }
}

template <class Scalar>
void Lapack<Scalar>::svd(char job, Index m, Index n, Scalar* a, double* s, Scalar* u,
                         Scalar* vt) const {
  throw_if_interrupted();
  const int im = to_int(m, routine_name<Scalar>("gesdd"));
  const int in = to_int(n, routine_name<Scalar>("gesdd"));
  const int small = std::min(im, in);
  const int lda = leading(im);
  const int ldvt = leading(job == 'A' ? in : small);
  if (job != 'N') {
    const double size = static_cast<double>(small);
    workspace(size * (4.0 * size + 7.0), routine_name<Scalar>("gesdd"));
  }
  const std::vector<Scalar> saved(a, a + m * n);
  int info = 0;
  // zgesdd's real workspace, at its largest: 5 small^2 + 5 small or 2 large small + 2 small^2.
  std::vector<double> rwork;
  if constexpr (!kIsReal<Scalar>) {
    const auto k = static_cast<std::size_t>(small);
    const auto l = static_cast<std::size_t>(std::max(im, in));
    rwork = workspace_of<double>(
        job == 'N' ? 7 * k + 1 : std::max(5 * k * k + 5 * k, 2 * l * k + 2 * k * k + k) + 1);
  }
  auto iwork = array<int>(8 * small);
  run_with_workspace<Scalar>(routine_name<Scalar>("gesdd"), [&](Scalar* work, int lwork) {
    if constexpr (kIsReal<Scalar>) {
      call(table_.real.gesdd, job, im, in, a, lda, s, u, lda, vt, ldvt, work, lwork, iwork.data(),
           &info);
    } else {
      call(table_.complex.gesdd, job, im, in, a, lda, s, u, lda, vt, ldvt, work, lwork,
           rwork.data(), iwork.data(), &info);
    }
  });
  if (info == 0) {
    return;
  }
  if (info < 0) {
    fail(routine_name<Scalar>("gesdd"), info);
  }
  // Divide and conquer did not converge; QR iteration is slower and surer.
  std::copy(saved.begin(), saved.end(), a);
  rwork.resize(std::max(rwork.size(), static_cast<std::size_t>(5 * small + 1)));
  run_with_workspace<Scalar>(routine_name<Scalar>("gesvd"), [&](Scalar* work, int lwork) {
    if constexpr (kIsReal<Scalar>) {
      call(table_.real.gesvd, job, job, im, in, a, lda, s, u, lda, vt, ldvt, work, lwork, &info);
    } else {
      call(table_.complex.gesvd, job, job, im, in, a, lda, s, u, lda, vt, ldvt, work, lwork,
           rwork.data(), &info);
    }
  });
  if (info != 0) {
    fail(routine_name<Scalar>("gesvd"), info);
  }
}

template <class Scalar>
void Lapack<Scalar>::tpqrt(Index m, Index n, double* upper, double* rows) const
  requires(std::is_same_v<Scalar, double>)
{
  throw_if_interrupted();
  constexpr int kBlock = 32;
  const int im = to_int(m, "dtpqrt");
  const int in = to_int(n, "dtpqrt");
  if (im == 0 || in == 0) {
    return;
  }
  const int nb = std::min(kBlock, in);
  int info = 0;
  call(table_.real.tpqrt, im, in, 0, nb, upper, in, rows, im, array<double>(nb * in).data(), nb,
       array<double>(nb * in).data(), &info);
  if (info != 0) {
    fail("dtpqrt", info);
  }
}

template class Lapack<double>;
template class Lapack<Complex>;

}  // namespace fastcca
