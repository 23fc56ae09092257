#include "cpu/lapack.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "core/errors.hpp"
#include "core/interrupt.hpp"
#include "cpu/unwritten.hpp"

namespace fastcca {

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

int to_int(Index value, const std::string& routine) {
  if (value > std::numeric_limits<int>::max()) {
    throw std::length_error("a matrix dimension of " + std::to_string(value) +
                            " is beyond the 32-bit interface of LAPACK's " + routine);
  }
  return static_cast<int>(value);
}

int workspace(double reported, const std::string& routine) {
  if (reported > static_cast<double>(std::numeric_limits<int>::max())) {
    throw std::length_error("the workspace of LAPACK's " + routine +
                            " for a matrix of this size is beyond its 32-bit interface; reduce the "
                            "features first (pooling, a random projection)");
  }
  return std::max(static_cast<int>(reported), 1);
}

int workspace(const Complex& reported, const std::string& routine) {
  return workspace(reported.real(), routine);
}

// LAPACK takes no const, and writes only to the arguments that it documents as output.
template <class Scalar>
Scalar* unconst(const Scalar* p) {
  return const_cast<Scalar*>(p);
}

int leading(int rows) { return std::max(rows, 1); }

template <class T>
std::vector<T> array(int size) {
  const auto count = static_cast<std::size_t>(size);
  if constexpr (std::is_integral_v<T>) {
    return std::vector<T>(count);
  } else {
    return workspace_of<T>(count);
  }
}

[[noreturn]] void fail(const std::string& routine, int info) {
  throw DecompositionError("LAPACK's " + routine + " failed with info = " + std::to_string(info) +
                           "; please report this with the data that causes it");
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
  routines<Scalar>(table_).gemm(&ta, &tb, &im, &in, &ik, &one, unconst(a), &lda, unconst(b), &ldb,
                                &zero, c, &ldc);
}

template <class Scalar>
void Lapack<Scalar>::trsm(bool right, bool trans, Index m, Index n, const Scalar* lower,
                          Scalar* b) const {
  throw_if_interrupted();
  int im = to_int(m, named<Scalar>("trsm"));
  int in = to_int(n, named<Scalar>("trsm"));
  char side = right ? 'R' : 'L';
  char uplo = 'L';
  char transa = adjoint<Scalar>(trans);
  char diag = 'N';
  int lda = leading(right ? in : im);
  int ldb = leading(im);
  Scalar one = 1.0;
  routines<Scalar>(table_).trsm(&side, &uplo, &transa, &diag, &im, &in, &one, unconst(lower), &lda,
                                b, &ldb);
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

template <class Scalar>
Tridiagonal Lapack<Scalar>::tridiagonal(Index n, double* a) const
  requires(std::is_same_v<Scalar, double>)
{
  throw_if_interrupted();
  int in = to_int(n, "dsytrd");
  const auto size = static_cast<std::size_t>(n);
  Tridiagonal t{workspace_of<double>(size), workspace_of<double>(size), workspace_of<double>(size)};
  char lower = 'L';
  int lda = leading(in);
  int query = -1;
  int info = 0;
  double reported = 0.0;
  table_.real.sytrd(&lower, &in, a, &lda, t.d.data(), t.e.data(), t.tau.data(), &reported, &query,
                    &info);
  int lwork = workspace(reported, "dsytrd");
  auto work = array<double>(lwork);
  table_.real.sytrd(&lower, &in, a, &lda, t.d.data(), t.e.data(), t.tau.data(), work.data(), &lwork,
                    &info);
  if (info != 0) {
    fail("dsytrd", info);
  }
  return t;
}

template <class Scalar>
std::optional<std::vector<double>> Lapack<Scalar>::eigenvalues(const Tridiagonal& t) const
  requires(std::is_same_v<Scalar, double>)
{
  throw_if_interrupted();
  std::vector<double> values = t.d;
  std::vector<double> e = t.e;
  int n = static_cast<int>(values.size());
  int info = 0;
  table_.real.sterf(&n, values.data(), e.data(), &info);
  if (info != 0) {
    return std::nullopt;
  }
  return values;
}

template <class Scalar>
std::optional<std::vector<double>> Lapack<Scalar>::smallest_eigenvectors(const Tridiagonal& t,
                                                                         const double* q,
                                                                         Index count) const
  requires(std::is_same_v<Scalar, double>)
{
  throw_if_interrupted();
  std::vector<double> d = t.d;
  std::vector<double> e = t.e;
  int n = static_cast<int>(d.size());
  int wanted = static_cast<int>(count);
  auto values = workspace_of<double>(d.size());
  auto vectors = workspace_of<double>(d.size() * static_cast<std::size_t>(count));
  std::vector<int> support(2 * static_cast<std::size_t>(count));
  char with_vectors = 'V';
  char by_index = 'I';
  double unused = 0.0;
  int first = 1;
  int found = 0;
  int high_accuracy = 1;
  int lwork = 18 * n;
  int liwork = 10 * n;
  auto work = array<double>(lwork);
  auto iwork = array<int>(liwork);
  int info = 0;
  table_.real.stemr(&with_vectors, &by_index, &n, d.data(), e.data(), &unused, &unused, &first,
                    &wanted, &found, values.data(), vectors.data(), &n, &wanted, support.data(),
                    &high_accuracy, work.data(), &lwork, iwork.data(), &liwork, &info);
  if (info != 0 || found != wanted) {
    return std::nullopt;
  }
  char left = 'L';
  char lower = 'L';
  char plain = 'N';
  int query = -1;
  double reported = 0.0;
  const auto ormtr = [&](double* area, int* area_size) {
    table_.real.ormtr(&left, &lower, &plain, &n, &wanted, unconst(q), &n, unconst(t.tau.data()),
                      vectors.data(), &n, area, area_size, &info);
  };
  ormtr(&reported, &query);
  lwork = workspace(reported, "dormtr");
  work.resize(std::max(work.size(), static_cast<std::size_t>(lwork)));
  ormtr(work.data(), &lwork);
  if (info != 0) {
    fail("dormtr", info);
  }
  return vectors;
}

template class Lapack<double>;
template class Lapack<Complex>;

}  // namespace fastcca
