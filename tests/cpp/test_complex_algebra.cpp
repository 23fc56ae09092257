// Every operation of the CPU backend on complex numbers, against plain loops or by residual ratios.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "complex_data.hpp"

namespace fastcca::testing {

namespace {

const std::pair<Index, Index> kShapes[] = {{1, 1}, {1, 5}, {5, 1},  {4, 4},
                                           {9, 6}, {6, 9}, {40, 25}};

bool equal(const ComplexDense& a, const ComplexDense& b) {
  return a.rows == b.rows && a.cols == b.cols && a.values == b.values;
}

ComplexDense op(const ComplexDense& a, Transpose trans) {
  return trans == Transpose::kYes ? adjoint(a) : a;
}

// A lower triangle that is well conditioned, under entries that must not be read.
ComplexDense lower_with(Index n, unsigned seed) {
  ComplexDense out = complex_random(n, n, seed);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < j; ++i) {
      out(i, j) = {nan, nan};
    }
    out(j, j) += Complex(3.0 + static_cast<double>(n) / 4.0, 1.0);
  }
  return out;
}

ComplexDense without_upper(ComplexDense a) {
  for (Index j = 0; j < a.cols; ++j) {
    for (Index i = 0; i < j; ++i) {
      a(i, j) = 0.0;
    }
  }
  return a;
}

// error / (largest n eps), of values in the same order
double values_ratio(const std::vector<double>& found, std::vector<double> wanted, bool ascending) {
  REQUIRE(found.size() == wanted.size());
  std::sort(wanted.begin(), wanted.end());
  if (!ascending) {
    std::reverse(wanted.begin(), wanted.end());
  }
  double worst = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(found[i] - wanted[i]));
    largest = std::max(largest, wanted[i]);
  }
  return worst == 0.0 ? 0.0 : worst / (largest * kEps * static_cast<double>(found.size()));
}

ComplexDense rectangular_with(const std::vector<double>& spectrum, Index rows, Index cols) {
  const auto k = static_cast<Index>(spectrum.size());
  return product(product(complex_orthonormal(rows, k, 611), complex_diagonal(spectrum)),
                 adjoint(complex_orthonormal(cols, k, 612)));
}

double largest(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

}  // namespace

TEST_SUITE_BEGIN("complex algebra");

TEST_CASE("matrices survive the way there and back; the transposed is the adjoint") {
  for (const Index rows : {0, 1, 5}) {
    for (const Index cols : {0, 1, 7}) {
      const ComplexDense a = complex_random(rows, cols, 601);
      const ComplexMatrix there = to_backend(a);
      CHECK(equal(to_host(there), a));
      CHECK(equal(to_host(complex_algebra().copy(there)), a));
      CHECK(equal(to_host(complex_algebra().transposed(there)), adjoint(a)));
      const auto diagonal = complex_algebra().diagonal(there);
      REQUIRE(diagonal.size() == at(std::min(rows, cols)));
      for (std::size_t i = 0; i < diagonal.size(); ++i) {
        CHECK(diagonal[i] == a(static_cast<Index>(i), static_cast<Index>(i)).real());
      }
    }
  }
}

TEST_CASE("real and imaginary parts make a complex matrix") {
  for (const auto& [rows, cols] : kShapes) {
    const Dense real = random_matrix(rows, cols, 602);
    const Dense imaginary = random_matrix(rows, cols, 603);
    const ComplexMatrix both = backend().to_complex(to_backend(real), to_backend(imaginary));
    CHECK(equal(to_host(both), complex_of(real, imaginary)));
  }
}

TEST_CASE("submatrices, scaled and scattered, hold the entries that were asked for") {
  const ComplexDense a = complex_random(6, 5, 604);
  const std::vector<Index> rows{4, 0, 5};
  const std::vector<double> row_scale{2.0, -0.5, 8.0};
  const std::vector<Index> cols{3, 1};
  const std::vector<double> col_scale{0.25, 4.0};
  const auto part =
      to_host(complex_algebra().scaled_submatrix(to_backend(a), rows, row_scale, cols, col_scale));
  const auto columns = to_host(complex_algebra().scaled_columns(to_backend(a), cols, col_scale));
  REQUIRE(part.rows == 3);
  REQUIRE(part.cols == 2);
  for (Index j = 0; j < 2; ++j) {
    for (Index i = 0; i < 3; ++i) {
      CHECK(part(i, j) == row_scale[at(i)] * a(rows[at(i)], cols[at(j)]) * col_scale[at(j)]);
    }
    for (Index i = 0; i < 6; ++i) {
      CHECK(columns(i, j) == a(i, cols[at(j)]) * col_scale[at(j)]);
    }
  }
  const auto spread =
      to_host(complex_algebra().scattered_rows(to_backend(part), rows, row_scale, 7));
  ComplexDense wanted(7, 2);
  for (Index j = 0; j < 2; ++j) {
    for (Index i = 0; i < 3; ++i) {
      wanted(rows[at(i)], j) = row_scale[at(i)] * part(i, j);
    }
  }
  CHECK(equal(spread, wanted));
}

TEST_CASE("sums: of a matrix with another, and along the diagonal") {
  const ComplexDense a = complex_random(4, 4, 605);
  const ComplexDense b = complex_random(4, 4, 606);
  ComplexMatrix there = to_backend(a);
  complex_algebra().add_to_diagonal(there, 0.5);
  complex_algebra().add_scaled(there, -2.0, to_backend(b));
  ComplexDense wanted = difference(a, scaled(b, 2.0));
  for (Index i = 0; i < 4; ++i) {
    wanted(i, i) = a(i, i) + 0.5 - 2.0 * b(i, i);
  }
  CHECK(norm(difference(to_host(there), wanted)) < 4.0 * kEps);
}

TEST_CASE("norms and sums of columns") {
  for (const auto& [rows, cols] : kShapes) {
    const ComplexDense a = complex_random(rows, cols, 607);
    std::vector<double> weight = random_matrix(rows, 1, 608).values;
    const auto norms = complex_algebra().weighted_squared_column_norms(to_backend(a), weight);
    const auto sums = complex_algebra().column_abs_sums(to_backend(a));
    REQUIRE(norms.size() == at(cols));
    REQUIRE(sums.size() == at(cols));
    long double all = 0.0L;
    for (Index j = 0; j < cols; ++j) {
      long double squares = 0.0L;
      long double size = 0.0L;
      long double moduli = 0.0L;
      for (Index i = 0; i < rows; ++i) {
        const long double modulus = std::hypot(static_cast<long double>(a(i, j).real()),
                                               static_cast<long double>(a(i, j).imag()));
        squares += weight[at(i)] * modulus * modulus;
        size += std::abs(weight[at(i)]) * modulus * modulus;
        moduli += modulus;
        all += modulus * modulus;
      }
      CHECK(std::abs(norms[at(j)] - static_cast<double>(squares)) <
            20.0 * kEps * static_cast<double>(size));
      CHECK(sums[at(j)] == doctest::Approx(static_cast<double>(moduli)).epsilon(1e-14));
    }
    const double wanted = static_cast<double>(std::sqrt(all));
    CHECK(complex_algebra().frobenius_norm(to_backend(a)) ==
          doctest::Approx(wanted).epsilon(1e-14));
  }
}

TEST_CASE("the Frobenius norm of entries whose squares over- or underflow") {
  for (const double scale : {1e-300, 1e-200, 1e-160, 1.0, 1e160, 1e200, 1e307}) {
    CAPTURE(scale);
    ComplexDense a(3, 2);
    a(0, 0) = {3.0 * scale, 0.0};
    a(2, 1) = {0.0, -4.0 * scale};
    CHECK(complex_algebra().frobenius_norm(to_backend(a)) ==
          doctest::Approx(5.0 * scale).epsilon(1e-14).scale(0.0));
    CHECK(backend().frobenius_norm(to_backend(difference(real_part(a), imaginary_part(a)))) ==
          doctest::Approx(5.0 * scale).epsilon(1e-14).scale(0.0));
  }
  CHECK(complex_algebra().frobenius_norm(to_backend(ComplexDense(3, 2))) == 0.0);
  CHECK(complex_algebra().frobenius_norm(to_backend(ComplexDense(0, 2))) == 0.0);
}

TEST_CASE("products in all four transpositions, which are adjoints") {
  for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
    for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
      for (const auto& [m, n] : kShapes) {
        for (const Index k : {0, 1, 7}) {
          const bool a_across = ta == Transpose::kYes;
          const bool b_across = tb == Transpose::kYes;
          const ComplexDense a = complex_random(a_across ? k : m, a_across ? m : k, 609);
          const ComplexDense b = complex_random(b_across ? n : k, b_across ? k : n, 610);
          const auto found =
              to_host(complex_algebra().multiply(to_backend(a), ta, to_backend(b), tb));
          REQUIRE(found.rows == m);
          REQUIRE(found.cols == n);
          const auto wanted = product(op(a, ta), op(b, tb));
          CHECK(residual_ratio(difference(found, wanted), 10.0, k) < kRatioLimit);
        }
      }
    }
  }
}

TEST_CASE("Cholesky factors what is positive definite and says so of what is not") {
  for (const Index n : {1, 2, 9, 70}) {
    CAPTURE(n);
    std::vector<double> spectrum;
    for (Index i = 0; i < n; ++i) {
      spectrum.push_back(1.0 + static_cast<double>(i));
    }
    const ComplexDense a = hermitian_with(spectrum, 613);
    const auto found = complex_algebra().cholesky(to_backend(a));
    REQUIRE(found.has_value());
    const ComplexDense l = to_host(*found);
    CHECK(equal(l, without_upper(l)));
    CHECK(residual_ratio(difference(product(l, adjoint(l)), a), largest(spectrum), n) <
          kRatioLimit);
    for (Index i = 0; i < n; ++i) {
      CHECK(l(i, i).real() > 0.0);
      CHECK(l(i, i).imag() == 0.0);
    }
    spectrum.back() = -1.0;
    CHECK_FALSE(complex_algebra().cholesky(to_backend(hermitian_with(spectrum, 614))).has_value());
  }
}

TEST_CASE("triangular solves from both sides, reading the lower triangle alone") {
  for (const Index n : {1, 2, 9, 70, 150}) {
    for (const Index m : {1, 5}) {
      const ComplexDense lower = lower_with(n, 615);
      for (const Transpose trans : {Transpose::kNo, Transpose::kYes}) {
        const ComplexDense matrix = op(without_upper(lower), trans);
        const ComplexDense b = complex_random(n, m, 616);
        ComplexMatrix left = to_backend(b);
        complex_algebra().solve_triangular(to_backend(lower), trans, Side::kLeft, left);
        CHECK(residual_ratio(difference(product(matrix, to_host(left)), b), 10.0, n) < kRatioLimit);
        ComplexMatrix right = to_backend(adjoint(b));
        complex_algebra().solve_triangular(to_backend(lower), trans, Side::kRight, right);
        CHECK(residual_ratio(difference(product(to_host(right), matrix), adjoint(b)), 10.0, n) <
              kRatioLimit);
      }
    }
  }
}

TEST_CASE("eigenvalues and eigenvectors of Hermitian matrices") {
  for (const Index n : {1, 2, 9, 40}) {
    for (const Family& family : families(n)) {
      CAPTURE(family.name);
      CAPTURE(n);
      const ComplexDense a = hermitian_with(family.spectrum, 617);
      const double size = std::max(largest(family.spectrum), 1e-300);
      const auto eigen = complex_algebra().eigh(to_backend(a));
      const ComplexDense v = to_host(eigen.vectors);
      CHECK(std::is_sorted(eigen.values.begin(), eigen.values.end()));
      CHECK(values_ratio(eigen.values, family.spectrum, true) < kRatioLimit);
      CHECK(values_ratio(complex_algebra().eigenvalues(to_backend(a)), family.spectrum, true) <
            kRatioLimit);
      CHECK(orthogonality_ratio(v) < kRatioLimit);
      CHECK(residual_ratio(difference(product(a, v), product(v, complex_diagonal(eigen.values))),
                           size, n) < kRatioLimit);
    }
  }
}

TEST_CASE("singular values and vectors, thin and full") {
  for (const auto& [rows, cols] : kShapes) {
    const Index k = std::min(rows, cols);
    for (const Family& family : families(k)) {
      CAPTURE(family.name);
      CAPTURE(rows);
      CAPTURE(cols);
      const ComplexDense a = rectangular_with(family.spectrum, rows, cols);
      const double size = std::max(largest(family.spectrum), 1e-300);
      CHECK(values_ratio(complex_algebra().singular_values(to_backend(a)), family.spectrum, false) <
            kRatioLimit);
      for (const bool full : {false, true}) {
        const auto s =
            full ? complex_algebra().full_svd(to_backend(a)) : complex_algebra().svd(to_backend(a));
        const ComplexDense u = to_host(s.u);
        const ComplexDense vt = to_host(s.vt);
        REQUIRE(u.rows == rows);
        REQUIRE(u.cols == (full ? rows : k));
        REQUIRE(vt.rows == (full ? cols : k));
        REQUIRE(vt.cols == cols);
        CHECK(std::is_sorted(s.values.rbegin(), s.values.rend()));
        CHECK(values_ratio(s.values, family.spectrum, false) < kRatioLimit);
        CHECK(orthogonality_ratio(u) < kRatioLimit);
        CHECK(orthogonality_ratio(adjoint(vt)) < kRatioLimit);
        ComplexDense middle(u.cols, vt.rows);
        for (Index i = 0; i < k; ++i) {
          middle(i, i) = s.values[at(i)];
        }
        CHECK(residual_ratio(difference(product(product(u, middle), vt), a), size,
                             std::max(rows, cols)) < kRatioLimit);
      }
    }
  }
}

TEST_CASE("the SVD of a matrix without rows or columns") {
  const auto s = complex_algebra().full_svd(to_backend(ComplexDense(0, 3)));
  CHECK(s.values.empty());
  CHECK(equal(to_host(s.vt), complex_identity(3)));
  CHECK(complex_algebra().svd(to_backend(ComplexDense(4, 0))).u.rows() == 4);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
