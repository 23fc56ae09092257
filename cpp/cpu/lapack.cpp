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

// "gemm" as the routine of these numbers: dgemm or zgemm.
template <class Scalar>
std::string named(const char* routine) {
  std::string out(routine);
  out.insert(out.begin(), kIsReal<Scalar> ? 'd' : 'z');
  return out;
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
  int im = to_int(m, named<Scalar>("gemm"));
  int in = to_int(n, named<Scalar>("gemm"));
  int ik = to_int(k, named<Scalar>("gemm"));
  char ta = adjoint<Scalar>(trans_a);
  char tb = adjoint<Scalar>(trans_b);
  int lda = leading(trans_a ? ik : im);
  int ldb = leading(trans_b ? in : ik);
  int ldc = leading(im);
  Scalar one = 1.0;
  Scalar zero = 0.0;
  // A product of matrices copies a before it reads it, which one column is not worth.
  if (n == 1 && !trans_b) {
    int step = 1;
    // What gemv makes of NaN that it is to forget has differed from version to version of OpenBLAS.
    std::fill_n(c, m, zero);
    routines<Scalar>(table_).gemv(&ta, trans_a ? &ik : &im, trans_a ? &im : &ik, &one, unconst(a),
                                  &lda, unconst(b), &step, &zero, c, &step);
    return;
  }
  routines<Scalar>(table_).gemm(&ta, &tb, &im, &in, &ik, &one, unconst(a), &lda, unconst(b), &ldb,
                                &zero, c, &ldc);
}

template <class Scalar>
void Lapack<Scalar>::gram(bool of_rows, Index m, Index n, const Scalar* a, Scalar* c,
                          Scalar beta) const
  requires(std::is_same_v<Scalar, double>)
{
  throw_if_interrupted();
  int size = to_int(of_rows ? m : n, "dsyrk");
  int depth = to_int(of_rows ? n : m, "dsyrk");
  char uplo = 'L';
  char trans = of_rows ? 'N' : 'T';
  int lda = leading(of_rows ? size : depth);
  int ldc = leading(size);
  double one = 1.0;
  table_.real.syrk(&uplo, &trans, &size, &depth, &one, unconst(a), &lda, &beta, c, &ldc);
}

template <class Scalar>
void Lapack<Scalar>::trsm(bool right, bool trans, Index m, Index n, const Scalar* lower,
                          Scalar* b) const {
  throw_if_interrupted();
  int rows = to_int(m, named<Scalar>("trsm"));
  int cols = to_int(n, named<Scalar>("trsm"));
  if (!right && cols == 1) {
    char uplo = 'L';
    char transa = adjoint<Scalar>(trans);
    char diag = 'N';
    int lda = leading(rows);
    int step = 1;
    routines<Scalar>(table_).trsv(&uplo, &transa, &diag, &rows, unconst(lower), &lda, b, &step);
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
  char transa = adjoint<Scalar>(t.trans);
  int lda = leading(t.size());
  int ldb = leading(t.rows);
  Scalar one = 1.0;
  if (end - begin <= kWhole) {
    char side = t.right ? 'R' : 'L';
    char uplo = 'L';
    char diag = 'N';
    int im = t.right ? t.rows : static_cast<int>(end - begin);
    int in = t.right ? static_cast<int>(end - begin) : t.cols;
    routines<Scalar>(table_).trsm(&side, &uplo, &transa, &diag, &im, &in, &one,
                                  unconst(t.factor(begin, begin)), &lda, t.unknowns(begin), &ldb);
    return;
  }
  const Index middle = begin + (end - begin + kWhole) / (2 * kWhole) * kWhole;
  const bool forwards = t.right == t.trans;
  const Index first = forwards ? begin : middle;
  const Index second = forwards ? middle : begin;
  int known = static_cast<int>(forwards ? middle - begin : end - middle);
  int rest = static_cast<int>(end - begin) - known;
  solve_part(t, first, first + known);
  char plain = 'N';
  Scalar minus = -1.0;
  Scalar* coefficients = unconst(t.factor(middle, begin));
  if (t.right) {
    int rows = t.rows;
    routines<Scalar>(table_).gemm(&plain, &transa, &rows, &rest, &known, &minus, t.unknowns(first),
                                  &ldb, coefficients, &lda, &one, t.unknowns(second), &ldb);
  } else {
    int cols = t.cols;
    routines<Scalar>(table_).gemm(&transa, &plain, &rest, &cols, &known, &minus, coefficients, &lda,
                                  t.unknowns(first), &ldb, &one, t.unknowns(second), &ldb);
  }
  solve_part(t, second, second + rest);
}

template <class Scalar>
bool Lapack<Scalar>::potrf(Index n, Scalar* a) const {
  throw_if_interrupted();
  int in = to_int(n, named<Scalar>("potrf"));
  int lda = leading(in);
  char uplo = 'L';
  int info = 0;
  routines<Scalar>(table_).potrf(&uplo, &in, a, &lda, &info);
  if (info < 0) {
    fail(named<Scalar>("potrf"), info);
  }
  return info == 0;
}

template <class Scalar>
void Lapack<Scalar>::eigh(bool vectors, Index n, Scalar* a, double* w) const {
  throw_if_interrupted();
  const std::string name = kIsReal<Scalar> ? "dsyevd" : "zheevd";
  int in = to_int(n, name);
  int lda = leading(in);
  char jobz = vectors ? 'V' : 'N';
  char uplo = 'L';
  int info = 0;
  int query = -1;
  if (vectors) {
    const double size = static_cast<double>(n);
    workspace(1.0 + size * (6.0 + 2.0 * size), name);
  }
  const std::vector<Scalar> saved(a, a + n * n);
  Scalar work_size = 0.0;
  int iwork_size = 0;
  if constexpr (kIsReal<Scalar>) {
    table_.real.syevd(&jobz, &uplo, &in, a, &lda, w, &work_size, &query, &iwork_size, &query,
                      &info);
    int lwork = workspace(work_size, name);
    auto work = array<double>(lwork);
    auto iwork = array<int>(iwork_size);
    table_.real.syevd(&jobz, &uplo, &in, a, &lda, w, work.data(), &lwork, iwork.data(), &iwork_size,
                      &info);
  } else {
    double rwork_size = 0.0;
    table_.complex.heevd(&jobz, &uplo, &in, a, &lda, w, &work_size, &query, &rwork_size, &query,
                         &iwork_size, &query, &info);
    int lwork = workspace(work_size, name);
    int lrwork = workspace(rwork_size, name);
    auto work = array<Complex>(lwork);
    auto rwork = array<double>(lrwork);
    auto iwork = array<int>(iwork_size);
    table_.complex.heevd(&jobz, &uplo, &in, a, &lda, w, work.data(), &lwork, rwork.data(), &lrwork,
                         iwork.data(), &iwork_size, &info);
  }
  if (info == 0) {
    return;
  }
  if (info < 0) {
    fail(name, info);
  }
  // Divide and conquer did not converge; QR iteration is slower and surer.
  std::copy(saved.begin(), saved.end(), a);
  const std::string slower = kIsReal<Scalar> ? "dsyev" : "zheev";
  [[maybe_unused]] std::vector<double> rwork(static_cast<std::size_t>(3 * n + 1));
  const auto syev = [&](Scalar* work, int* lwork) {
    if constexpr (kIsReal<Scalar>) {
      table_.real.syev(&jobz, &uplo, &in, a, &lda, w, work, lwork, &info);
    } else {
      table_.complex.heev(&jobz, &uplo, &in, a, &lda, w, work, lwork, rwork.data(), &info);
    }
  };
  syev(&work_size, &query);
  int lwork = workspace(work_size, slower);
  auto work = array<Scalar>(lwork);
  syev(work.data(), &lwork);
  if (info != 0) {
    fail(slower, info);
  }
}

template <class Scalar>
void Lapack<Scalar>::svd(char job, Index m, Index n, Scalar* a, double* s, Scalar* u,
                         Scalar* vt) const {
  throw_if_interrupted();
  int im = to_int(m, named<Scalar>("gesdd"));
  int in = to_int(n, named<Scalar>("gesdd"));
  int small = std::min(im, in);
  int large = std::max(im, in);
  int lda = leading(im);
  int ldu = leading(im);
  int ldvt = leading(job == 'A' ? in : small);
  if (job != 'N') {
    const double size = static_cast<double>(small);
    workspace(size * (4.0 * size + 7.0), named<Scalar>("gesdd"));
  }
  const std::vector<Scalar> saved(a, a + m * n);
  int info = 0;
  int query = -1;
  Scalar size = 0.0;
  // zgesdd's real workspace, at its largest: 5 small^2 + 5 small or 2 large small + 2 small^2.
  std::vector<double> rwork;
  if constexpr (!kIsReal<Scalar>) {
    const auto k = static_cast<std::size_t>(small);
    const auto l = static_cast<std::size_t>(large);
    rwork = workspace_of<double>(
        job == 'N' ? 7 * k + 1 : std::max(5 * k * k + 5 * k, 2 * l * k + 2 * k * k + k) + 1);
  }
  auto iwork = array<int>(8 * small);
  const auto gesdd = [&](Scalar* work, int* lwork) {
    if constexpr (kIsReal<Scalar>) {
      table_.real.gesdd(&job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, work, lwork, iwork.data(),
                        &info);
    } else {
      table_.complex.gesdd(&job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, work, lwork,
                           rwork.data(), iwork.data(), &info);
    }
  };
  gesdd(&size, &query);
  int lwork = workspace(size, named<Scalar>("gesdd"));
  auto work = array<Scalar>(lwork);
  gesdd(work.data(), &lwork);
  if (info == 0) {
    return;
  }
  if (info < 0) {
    fail(named<Scalar>("gesdd"), info);
  }
  // Divide and conquer did not converge; QR iteration is slower and surer.
  std::copy(saved.begin(), saved.end(), a);
  const auto gesvd = [&](Scalar* work_area, int* area_size) {
    if constexpr (kIsReal<Scalar>) {
      table_.real.gesvd(&job, &job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, work_area, area_size,
                        &info);
    } else {
      rwork.resize(std::max(rwork.size(), static_cast<std::size_t>(5 * small + 1)));
      table_.complex.gesvd(&job, &job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, work_area,
                           area_size, rwork.data(), &info);
    }
  };
  gesvd(&size, &query);
  lwork = workspace(size, named<Scalar>("gesvd"));
  work.resize(static_cast<std::size_t>(lwork));
  gesvd(work.data(), &lwork);
  if (info != 0) {
    fail(named<Scalar>("gesvd"), info);
  }
}

template <class Scalar>
void Lapack<Scalar>::tpqrt(Index m, Index n, double* upper, double* rows) const
  requires(std::is_same_v<Scalar, double>)
{
  throw_if_interrupted();
  constexpr int kBlock = 32;
  int im = to_int(m, "dtpqrt");
  int in = to_int(n, "dtpqrt");
  if (im == 0 || in == 0) {
    return;
  }
  int no_trapezoid = 0;
  int nb = std::min(kBlock, in);
  auto t = array<double>(nb * in);
  auto work = array<double>(nb * in);
  int info = 0;
  table_.real.tpqrt(&im, &in, &no_trapezoid, &nb, upper, &in, rows, &im, t.data(), &nb, work.data(),
                    &info);
  if (info != 0) {
    fail("dtpqrt", info);
  }
}

template class Lapack<double>;
template class Lapack<Complex>;

}  // namespace fastcca
