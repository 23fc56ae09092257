// The ends of spectra that are known, of matrices whose Cholesky factor is.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "complex_data.hpp"
#include "core/extreme_eigenvalues.hpp"

namespace fastcca::testing {

namespace {

std::vector<double> geometric(Index n, double smallest) {
  std::vector<double> out;
  for (Index k = 0; k < n; ++k) {
    out.push_back(std::pow(smallest, static_cast<double>(k) / static_cast<double>(n - 1)));
  }
  return out;
}

// The eigenvalues that hardly differ from their neighbours converge last.
std::vector<double> even(Index n) {
  std::vector<double> out;
  for (Index k = 0; k < n; ++k) {
    out.push_back(1.0 + static_cast<double>(k) / static_cast<double>(n));
  }
  return out;
}

// Relative errors of the smallest and the largest eigenvalue, in the directions they may have.
void check(const ExtremeEigenvalues& found, std::vector<double> spectrum, double tolerance) {
  std::sort(spectrum.begin(), spectrum.end());
  constexpr double kRounding = 1e-9;
  CHECK(found.largest <= spectrum.back() * (1.0 + kRounding));
  CHECK(found.largest >= spectrum.back() * (1.0 - tolerance));
  CHECK(found.smallest >= spectrum.front() * (1.0 - kRounding));
  CHECK(found.smallest <= spectrum.front() * (1.0 + tolerance));
}

template <class Scalar>
ExtremeEigenvalues extremes_of(const LinearAlgebra<Scalar>& algebra, const MatrixOf<Scalar>& a) {
  return extreme_eigenvalues(algebra, a, *algebra.cholesky(a));
}

ExtremeEigenvalues of_spectrum(const std::vector<double>& spectrum, unsigned seed) {
  const auto n = static_cast<Index>(spectrum.size());
  const Dense q = random_orthonormal(n, n, seed);
  const Matrix a = to_backend(product(product(q, diagonal_matrix(spectrum)), transposed(q)));
  return extremes_of(algebra(), a);
}

}  // namespace

TEST_SUITE_BEGIN("extreme eigenvalues");

TEST_CASE("exact for small matrices") {
  for (const Index n : {1, 2, 40, 128}) {
    const auto spectrum = n == 1 ? std::vector<double>{3.0} : geometric(n, 1e-4);
    check(of_spectrum(spectrum, 11), spectrum, 1e-9);
  }
}

TEST_CASE("within 2 % for large ones") {
  for (const Index n : {129, 300}) {
    CAPTURE(n);
    for (const double smallest : {0.5, 1e-2, 1e-4, 1e-7}) {
      CAPTURE(smallest);
      const auto spectrum = geometric(n, smallest);
      check(of_spectrum(spectrum, 12), spectrum, 0.02);
    }
    check(of_spectrum(even(n), 13), even(n), 0.02);
  }
}

TEST_CASE("a single eigenvalue far from the others") {
  std::vector<double> spectrum(200, 1.0);
  spectrum[17] = 1e-6;
  spectrum[18] = 50.0;
  check(of_spectrum(spectrum, 14), spectrum, 1e-9);
}

TEST_CASE("a single eigenvalue beside a bulk") {
  for (const double gap : {0.03, 0.06, 0.3}) {
    CAPTURE(gap);
    std::vector<double> below = even(300);
    below.front() = 1.0 - gap;
    check(of_spectrum(below, 21), below, 0.02);
    std::vector<double> above = even(300);
    above.back() = 2.0 * (1.0 + gap);
    check(of_spectrum(above, 22), above, 0.02);
  }
}

TEST_CASE("the space is exhausted before its size is reached") {
  const std::vector<double> ones(200, 2.0);
  check(of_spectrum(ones, 15), ones, 1e-9);
  const Matrix unit = to_backend(identity(200));
  check(extremes_of(algebra(), unit), std::vector<double>(200, 1.0), 1e-9);
}

TEST_CASE("complex matrices") {
  const auto spectrum = geometric(150, 1e-5);
  const ComplexMatrix a = to_backend(hermitian_with(spectrum, 16));
  check(extremes_of(complex_algebra(), a), spectrum, 0.02);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
