// The checked calls over the LAPACK table: what they do where LAPACK cannot go on.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "complex_data.hpp"
#include "core/errors.hpp"
#include "cpu/cpu_backend.hpp"
#include "linked_lapack.hpp"

namespace fastcca::testing {

namespace {

// What an exception thrown by f says; empty where none was.
template <class Error, class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

constexpr Index kBeyondInt = Index{1} << 31;

}  // namespace

TEST_SUITE_BEGIN("lapack");

TEST_CASE("sizes beyond the 32-bit interface are refused before anything is touched") {
  const Lapack<double> lapack(linked_lapack());
  const auto gemm = message_of<std::length_error>(
      [&] { lapack.gemm(false, false, kBeyondInt, 1, 1, nullptr, nullptr, nullptr); });
  CHECK(contains(gemm, "2147483648"));
  CHECK(contains(gemm, "dgemm"));
  CHECK(contains(message_of<std::length_error>([&] { lapack.potrf(kBeyondInt, nullptr); }),
                 "LAPACK"));
  CHECK(contains(message_of<std::length_error>(
                     [&] { lapack.trsm(false, false, kBeyondInt, 1, nullptr, nullptr); }),
                 "LAPACK"));
  // These dimensions fit, and the workspace does not.
  CHECK(contains(message_of<std::length_error>([&] { lapack.eigh(true, 32767, nullptr, nullptr); }),
                 "workspace"));
  CHECK(contains(message_of<std::length_error>(
                     [&] { lapack.svd('S', 23171, 23171, nullptr, nullptr, nullptr, nullptr); }),
                 "workspace"));
}

TEST_CASE("where divide and conquer does not converge, QR iteration takes over") {
  LapackTable table = linked_lapack();
  table.real.gesdd = [](char*, int* m, int* n, double* a, int*, double*, double*, int*, double*,
                        int*, double* work, int* lwork, int*, int* info) {
    *info = 0;
    if (*lwork == -1) {
      *work = 1.0;
      return;
    }
    std::fill_n(a, *m * *n, std::numeric_limits<double>::quiet_NaN());  // it destroys its input
    *info = 1;
  };
  const auto unlucky = make_cpu_backend(table);
  const Dense a = random_matrix(12, 7, 31);
  const Svd wanted = backend().svd(to_backend(a));
  for (const Svd& svd : {unlucky->svd(to_backend(a)), unlucky->full_svd(to_backend(a))}) {
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
      CHECK(svd.values[i] == doctest::Approx(wanted.values[i]).epsilon(1e-13));
    }
    CHECK(orthogonality_ratio(to_host(svd.u)) < kRatioLimit);
    CHECK(orthogonality_ratio(transposed(to_host(svd.vt))) < kRatioLimit);
  }
  const auto values = unlucky->singular_values(to_backend(a));
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(values[i] == doctest::Approx(wanted.values[i]).epsilon(1e-13));
  }
}

TEST_CASE("eigenvectors by QR iteration as well") {
  LapackTable table = linked_lapack();
  table.real.syevd = [](char*, char*, int* n, double* a, int*, double*, double* work, int* lwork,
                        int* iwork, int*, int* info) {
    *info = 0;
    *work = 1.0;
    *iwork = 1;
    if (*lwork != -1) {
      std::fill_n(a, *n * *n, std::numeric_limits<double>::quiet_NaN());
      *info = 1;
    }
  };
  table.complex.heevd = [](char*, char*, int* n, Complex* a, int*, double*, Complex* work,
                           int* lwork, double* rwork, int*, int* iwork, int*, int* info) {
    *info = 0;
    *work = 1.0;
    *rwork = 1.0;
    *iwork = 1;
    if (*lwork != -1) {
      std::fill_n(a, *n * *n, Complex(std::numeric_limits<double>::quiet_NaN()));
      *info = 1;
    }
  };
  const auto unlucky = make_cpu_backend(table);
  const std::vector<double> spectrum{1e-3, 0.5, 1.0, 1.5, 2.0, 4.0, 9.0};
  const Dense q = random_orthonormal(7, 7, 33);
  const Dense a = product(product(q, diagonal_matrix(spectrum)), transposed(q));
  const auto found = unlucky->eigh(to_backend(a));
  const auto values = unlucky->eigenvalues(to_backend(a));
  const ComplexDense c = hermitian_with(spectrum, 34);
  const auto complex = unlucky->complex().eigh(to_backend(c));
  for (std::size_t i = 0; i < spectrum.size(); ++i) {
    CHECK(found.values[i] == doctest::Approx(spectrum[i]).epsilon(1e-12));
    CHECK(values[i] == doctest::Approx(spectrum[i]).epsilon(1e-12));
    CHECK(complex.values[i] == doctest::Approx(spectrum[i]).epsilon(1e-12));
  }
  CHECK(orthogonality_ratio(to_host(found.vectors)) < kRatioLimit);
  CHECK(orthogonality_ratio(to_host(complex.vectors)) < kRatioLimit);
  const Dense v = to_host(found.vectors);
  CHECK(norm(difference(product(a, v), product(v, diagonal_matrix(spectrum)))) < 1e-13);
}

TEST_CASE("a failure names the routine and its info") {
  LapackTable table = linked_lapack();
  table.real.syev = [](char*, char*, int*, double*, int*, double*, double* work, int* lwork,
                       int* info) {
    *info = *lwork == -1 ? 0 : 2;
    *work = 1.0;
  };
  table.real.syevd = [](char*, char*, int*, double*, int*, double*, double* work, int* lwork,
                        int* iwork, int*, int* info) {
    *info = *lwork == -1 ? 0 : 3;
    *work = 1.0;
    *iwork = 1;
  };
  table.real.potrf = [](char*, int*, double*, int*, int* info) { *info = -4; };
  const auto broken = make_cpu_backend(table);
  const auto eigenvalues =
      message_of<DecompositionError>([&] { broken->eigenvalues(to_backend(identity(2))); });
  CHECK(contains(eigenvalues, "dsyev "));
  CHECK(contains(eigenvalues, "info = 2"));
  CHECK(contains(message_of<DecompositionError>([&] { broken->cholesky(to_backend(identity(2))); }),
                 "dpotrf"));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
