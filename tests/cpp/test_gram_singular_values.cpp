// Singular values from a Gram matrix, beside LAPACK's by divide and conquer with vectors.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cpu/cpu_backend.hpp"
#include "cpu/gram_singular_values.hpp"
#include "data.hpp"
#include "linked_lapack.hpp"

namespace fastcca::testing {

namespace {

// Of the largest singular value. Roots of eigenvalues alone would be off by 1e-8.
constexpr double kTolerance = 2e-14;

constexpr Index kSize = kGramSingularValuesFrom;

struct Spectrum {
  std::string name;
  std::vector<double> values;
};

template <class F>
Spectrum spectrum(std::string name, F f) {
  Spectrum out{std::move(name), {}};
  for (Index k = 0; k < kSize; ++k) {
    out.values.push_back(f(static_cast<double>(k) / static_cast<double>(kSize - 1)));
  }
  return out;
}

// Few enough small values for the Gram matrix to be the way.
std::vector<Spectrum> spectra() {
  return {
      spectrum("none small", [](double t) { return 1.0 - 0.9 * t; }),
      spectrum("even", [](double t) { return 1.0 - t; }),
      spectrum("nearly one", [](double t) { return 1.0 - std::pow(10.0, -14.0 + 13.0 * t); }),
      spectrum("tenth of them down to rounding",
               [](double t) { return t < 0.9 ? 1.0 : std::pow(10.0, -170.0 * (t - 0.9)); }),
      spectrum("all at the boundary",
               [](double t) { return t < 0.7 ? 1.0 : 0.05 * (1.0 + 1e-9 * (t - 0.85)); }),
      spectrum("some zero", [](double t) { return t < 0.8 ? 0.5 + t : 0.0; }),
      spectrum("few small, close together",
               [](double t) { return t < 0.9 ? 1.0 : 0.04 + 1e-15 * t; }),
      // Further apart than inverse iteration makes vectors orthogonal.
      spectrum("few small, in two groups",
               [](double t) { return t < 0.9    ? 1.0
                                     : t < 0.95 ? 0.048
                                                : 1e-9; }),
      spectrum("two clusters", [](double t) { return t < 0.75 ? 1.0 : 1e-9; }),
  };
}

double largest_error(const std::vector<double>& found, const std::vector<double>& wanted) {
  REQUIRE(found.size() == wanted.size());
  double out = 0.0;
  for (std::size_t k = 0; k < found.size(); ++k) {
    out = std::max(out, std::abs(found[k] - wanted[k]));
  }
  return out;
}

// Matrices of one shape, whose orthonormal factors cost most of the time.
class Matrices {
 public:
  Matrices(Index rows, Index cols)
      : u_(to_backend(random_orthonormal(rows, kSize, 51))),
        v_(to_backend(random_orthonormal(cols, kSize, 52))) {}

  Matrix with(const std::vector<double>& values) const {
    const Matrix scaled = backend().scaled_columns(u_, index_range(kSize), values);
    return backend().multiply(scaled, Transpose::kNo, v_, Transpose::kYes);
  }

 private:
  Matrix u_, v_;
};

std::optional<std::vector<double>> by_gram(const LapackTable& table, const Matrix& a) {
  return gram_singular_values(Lapack<double>(table), a.data(), a.rows(), a.cols());
}

void fail_stein(int*, double*, double*, int*, double*, int*, int*, double*, int*, double*, int*,
                int*, int* info) {
  *info = 1;
}

void fail_stemr(char*, char*, int*, double*, double*, double*, double*, int*, int*, int*, double*,
                double*, int*, int*, int*, int*, double*, int*, int*, int*, int* info) {
  *info = 2;
}

}  // namespace

TEST_SUITE_BEGIN("gram singular values");

TEST_CASE("as accurate as those with vectors, whatever the spectrum and the shape") {
  for (const auto& [rows, cols] :
       {std::pair<Index, Index>{kSize, kSize}, {kSize + 60, kSize}, {kSize, kSize + 61}}) {
    CAPTURE(rows);
    CAPTURE(cols);
    const Matrices matrices(rows, cols);
    for (const Spectrum& family : spectra()) {
      CAPTURE(family.name);
      const double largest = *std::max_element(family.values.begin(), family.values.end());
      const Matrix a = matrices.with(family.values);
      const auto found = by_gram(linked_lapack(), a);
      REQUIRE(found);
      CHECK(std::is_sorted(found->rbegin(), found->rend()));
      const std::vector<double> wanted = backend().svd(backend().copy(a)).values;
      CHECK(largest_error(*found, wanted) < kTolerance * largest);
      CHECK(backend().singular_values(backend().copy(a)) == *found);
    }
  }
}

TEST_CASE("a tridiagonal form that falls apart") {
  for (const Spectrum& family : spectra()) {
    CAPTURE(family.name);
    const auto found = by_gram(linked_lapack(), to_backend(diagonal_matrix(family.values)));
    REQUIRE(found);
    std::vector<double> wanted = family.values;
    std::sort(wanted.rbegin(), wanted.rend());
    CHECK(largest_error(*found, wanted) < kTolerance * wanted.front());
  }
}

TEST_CASE("left to LAPACK where it would not pay, and where squares leave the range") {
  const Matrices matrices(kSize, kSize);
  const Spectrum half = spectrum("half small", [](double t) { return t < 0.5 ? 1.0 : 1e-3; });
  const Matrix a = matrices.with(half.values);
  CHECK_FALSE(by_gram(linked_lapack(), a));
  CHECK(largest_error(backend().singular_values(backend().copy(a)),
                      backend().svd(backend().copy(a)).values) < kTolerance);

  std::vector<double> values = spectra()[0].values;
  const std::vector<double> wanted = backend().svd(matrices.with(values)).values;
  for (const double scale : {0x1p-900, 0x1p900}) {
    std::vector<double> extreme = values;
    for (double& v : extreme) {
      v *= scale;
    }
    const Matrix b = matrices.with(extreme);
    CHECK_FALSE(by_gram(linked_lapack(), b));
    std::vector<double> found = backend().singular_values(backend().copy(b));
    for (double& v : found) {
      v /= scale;
    }
    CHECK(largest_error(found, wanted) < kTolerance);
  }
  const Matrix zero = backend().zeros(kSize, kSize);
  CHECK_FALSE(by_gram(linked_lapack(), zero));
  CHECK(backend().singular_values(backend().copy(zero)) == std::vector<double>(at(kSize), 0.0));
}

TEST_CASE(
    "vectors are found by inverse iteration where they are few, and by robust representations") {
  const Matrix few = Matrices(kSize, kSize).with(spectra()[1].values);
  const Matrix many = Matrices(kSize, kSize).with(spectra()[5].values);
  LapackTable no_iteration = linked_lapack();
  no_iteration.real.stein = fail_stein;
  LapackTable no_representations = linked_lapack();
  no_representations.real.stemr = fail_stemr;
  CHECK(by_gram(no_representations, few));
  CHECK_FALSE(by_gram(no_representations, many));
  for (const Matrix* a : {&few, &many}) {
    const auto found = by_gram(no_iteration, *a);
    REQUIRE(found);
    CHECK(largest_error(*found, backend().svd(backend().copy(*a)).values) <
          kTolerance * found->front());
  }
}

TEST_CASE("where LAPACK finds no eigenvalue or vector, the bidiagonal form has the answer") {
  const Matrix a = Matrices(kSize, kSize).with(spectra()[1].values);
  const std::vector<double> wanted = backend().svd(backend().copy(a)).values;
  LapackTable no_values = linked_lapack();
  no_values.real.sterf = [](int*, double*, double*, int* info) { *info = 7; };
  LapackTable no_vectors = linked_lapack();
  no_vectors.real.stein = fail_stein;
  no_vectors.real.stemr = fail_stemr;
  for (const LapackTable& table : {no_values, no_vectors}) {
    CHECK_FALSE(by_gram(table, a));
    const auto unlucky = make_cpu_backend(table);
    CHECK(largest_error(unlucky->singular_values(unlucky->copy(a)), wanted) < kTolerance);
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
