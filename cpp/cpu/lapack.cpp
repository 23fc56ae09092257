#include "cpu/lapack.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/errors.hpp"

namespace fastcca {

namespace {

int to_int(Index value, const char* routine) {
  if (value > std::numeric_limits<int>::max()) {
    throw std::length_error(std::string("a matrix dimension of ") + std::to_string(value) +
                            " is beyond the 32-bit interface of LAPACK's " + routine);
  }
  return static_cast<int>(value);
}

int workspace(double reported, const char* routine) {
  if (reported > static_cast<double>(std::numeric_limits<int>::max())) {
    throw std::length_error(std::string("the workspace of LAPACK's ") + routine +
                            " for a matrix of this size is beyond its 32-bit interface; reduce the "
                            "features first (pooling, a random projection)");
  }
  return static_cast<int>(reported);
}

// LAPACK takes no const, and writes only to the arguments that it documents as output.
double* unconst(const double* p) { return const_cast<double*>(p); }

int leading(int rows) { return std::max(rows, 1); }

[[noreturn]] void fail(const char* routine, int info) {
  throw DecompositionError(std::string("LAPACK's ") + routine +
                           " failed with info = " + std::to_string(info) +
                           "; please report this with the data that causes it");
}

}  // namespace

void Lapack::gemm(bool trans_a, bool trans_b, Index m, Index n, Index k, const double* a,
                  const double* b, double* c) const {
  int im = to_int(m, "dgemm");
  int in = to_int(n, "dgemm");
  int ik = to_int(k, "dgemm");
  char ta = trans_a ? 'T' : 'N';
  char tb = trans_b ? 'T' : 'N';
  int lda = leading(trans_a ? ik : im);
  int ldb = leading(trans_b ? in : ik);
  int ldc = leading(im);
  double one = 1.0;
  double zero = 0.0;
  table_.dgemm(&ta, &tb, &im, &in, &ik, &one, unconst(a), &lda, unconst(b), &ldb, &zero, c, &ldc);
}

void Lapack::trsm(bool right, bool trans, Index m, Index n, const double* lower, double* b) const {
  int im = to_int(m, "dtrsm");
  int in = to_int(n, "dtrsm");
  char side = right ? 'R' : 'L';
  char uplo = 'L';
  char transa = trans ? 'T' : 'N';
  char diag = 'N';
  int lda = leading(right ? in : im);
  int ldb = leading(im);
  double one = 1.0;
  table_.dtrsm(&side, &uplo, &transa, &diag, &im, &in, &one, unconst(lower), &lda, b, &ldb);
}

bool Lapack::potrf(Index n, double* a) const {
  int in = to_int(n, "dpotrf");
  int lda = leading(in);
  char uplo = 'L';
  int info = 0;
  table_.dpotrf(&uplo, &in, a, &lda, &info);
  if (info < 0) {
    fail("dpotrf", info);
  }
  return info == 0;
}

void Lapack::syevd(bool vectors, Index n, double* a, double* w) const {
  int in = to_int(n, "dsyevd");
  int lda = leading(in);
  char jobz = vectors ? 'V' : 'N';
  char uplo = 'L';
  int info = 0;
  int query = -1;
  double work_size = 0.0;
  int iwork_size = 0;
  if (vectors) {
    const double size = static_cast<double>(n);
    workspace(1.0 + size * (6.0 + 2.0 * size), "dsyevd");
  }
  table_.dsyevd(&jobz, &uplo, &in, a, &lda, w, &work_size, &query, &iwork_size, &query, &info);
  int lwork = workspace(work_size, "dsyevd");
  int liwork = iwork_size;
  std::vector<double> work(static_cast<std::size_t>(lwork));
  std::vector<int> iwork(static_cast<std::size_t>(liwork));
  table_.dsyevd(&jobz, &uplo, &in, a, &lda, w, work.data(), &lwork, iwork.data(), &liwork, &info);
  if (info != 0) {
    fail("dsyevd", info);
  }
}

void Lapack::svd(char job, Index m, Index n, double* a, double* s, double* u, double* vt) const {
  int im = to_int(m, "dgesdd");
  int in = to_int(n, "dgesdd");
  int lda = leading(im);
  int ldu = leading(im);
  int ldvt = leading(job == 'A' ? in : std::min(im, in));
  if (job != 'N') {
    const double small = static_cast<double>(std::min(m, n));
    workspace(small * (4.0 * small + 7.0), "dgesdd");
  }
  const std::vector<double> saved(a, a + m * n);
  int info = 0;
  int query = -1;
  double work_size = 0.0;
  std::vector<int> iwork(static_cast<std::size_t>(8 * std::min(m, n)));
  table_.dgesdd(&job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, &work_size, &query, iwork.data(),
                &info);
  int lwork = workspace(work_size, "dgesdd");
  std::vector<double> work(static_cast<std::size_t>(lwork));
  table_.dgesdd(&job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, work.data(), &lwork, iwork.data(),
                &info);
  if (info == 0) {
    return;
  }
  if (info < 0) {
    fail("dgesdd", info);
  }
  // Divide and conquer did not converge; QR iteration is slower and surer.
  std::copy(saved.begin(), saved.end(), a);
  table_.dgesvd(&job, &job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, &work_size, &query, &info);
  lwork = workspace(work_size, "dgesvd");
  work.resize(static_cast<std::size_t>(lwork));
  table_.dgesvd(&job, &job, &im, &in, a, &lda, s, u, &ldu, vt, &ldvt, work.data(), &lwork, &info);
  if (info != 0) {
    fail("dgesvd", info);
  }
}

}  // namespace fastcca
