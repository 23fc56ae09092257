// Every operation of a backend but `accumulate`, against plain loops or by residual ratios.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "data.hpp"

namespace fastcca::testing {

namespace {

std::vector<double> random_vector(Index n, unsigned seed) {
  return random_matrix(n, 1, seed).values;
}

Dense multiply(const Dense& a, Transpose trans_a, const Dense& b, Transpose trans_b) {
  return to_host(backend().multiply(to_backend(a), trans_a, to_backend(b), trans_b));
}

// Q diag(spectrum) Q', symmetric to the last bit.
Dense symmetric_with(const std::vector<double>& spectrum, unsigned seed) {
  const auto n = static_cast<Index>(spectrum.size());
  const Dense q = random_orthonormal(n, n, seed);
  Dense out = product(product(q, diagonal_matrix(spectrum)), transposed(q));
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < j; ++i) {
      out(i, j) = out(j, i);
    }
  }
  return out;
}

// U diag(spectrum) V' with min(rows, cols) singular values.
Dense rectangular_with(const std::vector<double>& spectrum, Index rows, Index cols, unsigned seed) {
  const auto k = static_cast<Index>(spectrum.size());
  const Dense u = random_orthonormal(rows, k, seed);
  const Dense v = random_orthonormal(cols, k, seed + 1);
  return product(product(u, diagonal_matrix(spectrum)), transposed(v));
}

Dense lower_with(Index n, unsigned seed) {
  Dense out = random_matrix(n, n, seed);
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < j; ++i) {
      out(i, j) = std::numeric_limits<double>::quiet_NaN();  // must not be read
    }
    out(j, j) = 2.0 + std::abs(out(j, j)) + static_cast<double>(n) / 8.0;
  }
  return out;
}

Dense without_upper(Dense lower) {
  for (Index j = 0; j < lower.cols; ++j) {
    for (Index i = 0; i < j; ++i) {
      lower(i, j) = 0.0;
    }
  }
  return lower;
}

bool descending(const std::vector<double>& values) {
  return std::is_sorted(values.rbegin(), values.rend());
}

double largest(const std::vector<double>& values) {
  double out = 0.0;
  for (const double v : values) {
    out = std::max(out, std::abs(v));
  }
  return out;
}

double values_ratio(const std::vector<double>& a, const std::vector<double>& b, double size) {
  REQUIRE(a.size() == b.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
  }
  return worst == 0.0
             ? 0.0
             : worst / (size * kEps * static_cast<double>(std::max<std::size_t>(a.size(), 1)));
}

}  // namespace

TEST_SUITE_BEGIN("backend");

TEST_CASE("matrices survive the way to the backend and back, empty ones too") {
  for (const Index rows : {0, 1, 5}) {
    for (const Index cols : {0, 1, 7}) {
      const Dense a = random_matrix(rows, cols, 1);
      const Matrix there = to_backend(a);
      CHECK(there.rows() == rows);
      CHECK(there.cols() == cols);
      CHECK(same_bits(to_host(there).values, a.values));
      CHECK(same_bits(to_host(backend().copy(there)).values, a.values));
      CHECK(same_bits(to_host(backend().transposed(there)).values, transposed(a).values));
      const auto diagonal = backend().diagonal(there);
      REQUIRE(diagonal.size() == at(std::min(rows, cols)));
      for (std::size_t i = 0; i < diagonal.size(); ++i) {
        CHECK(diagonal[i] == a(static_cast<Index>(i), static_cast<Index>(i)));
      }
    }
  }
  CHECK(backend().from_host(nullptr, 4, 0).rows() == 4);
}

TEST_CASE("a copy shares nothing with its source") {
  Matrix a = to_backend(random_matrix(3, 3, 2));
  const Matrix b = backend().copy(a);
  const Dense before = to_host(b);
  backend().add_to_diagonal(a, 1.0);
  CHECK(same_bits(to_host(b).values, before.values));
}

TEST_CASE("add_with_outer adds a matrix and a weighted outer product") {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {6, 4}, {3, 9}}) {
    const Dense a = random_matrix(rows, cols, 3);
    const Dense b = random_matrix(rows, cols, 4);
    const auto u = random_vector(rows, 5);
    const auto v = random_vector(cols, 6);
    Matrix sum = to_backend(a);
    backend().add_with_outer(sum, to_backend(b), 0.75, u, v);
    const Dense found = to_host(sum);
    for (Index j = 0; j < cols; ++j) {
      for (Index i = 0; i < rows; ++i) {
        const double wanted = a(i, j) + b(i, j) + 0.75 * u[at(i)] * v[at(j)];
        CHECK(found(i, j) == doctest::Approx(wanted).epsilon(1e-15));
      }
    }
  }
}

TEST_CASE("add_with_outer keeps a symmetric matrix symmetric to the last bit") {
  const Index n = 37;
  const auto u = random_vector(n, 7);
  const Dense a = symmetric_with(random_vector(n, 8), 9);
  Matrix sum = to_backend(a);
  backend().add_with_outer(sum, to_backend(a), 1.0 / 3.0, u, u);
  const Dense found = to_host(sum);
  CHECK(same_bits(found.values, transposed(found).values));
}

TEST_CASE("submatrices, scaled and scattered, hold the entries that were asked for") {
  const Dense a = random_matrix(6, 5, 10);
  const Matrix there = to_backend(a);
  const std::vector<Index> rows{4, 0, 5};
  const std::vector<Index> cols{1, 3};
  const std::vector<double> row_scale{2.0, -1.0, 0.5};
  const std::vector<double> col_scale{3.0, 7.0};

  const Dense sub = to_host(backend().scaled_submatrix(there, rows, row_scale, cols, col_scale));
  REQUIRE(sub.rows == 3);
  REQUIRE(sub.cols == 2);
  const Dense columns = to_host(backend().scaled_columns(there, cols, col_scale));
  REQUIRE(columns.rows == 6);
  REQUIRE(columns.cols == 2);
  for (std::size_t j = 0; j < cols.size(); ++j) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CHECK(sub(static_cast<Index>(i), static_cast<Index>(j)) ==
            row_scale[i] * a(rows[i], cols[j]) * col_scale[j]);
    }
    for (Index i = 0; i < 6; ++i) {
      CHECK(columns(i, static_cast<Index>(j)) == a(i, cols[j]) * col_scale[j]);
    }
  }

  const Dense few = random_matrix(3, 4, 11);
  const Dense scattered = to_host(backend().scattered_rows(to_backend(few), rows, row_scale, 6));
  REQUIRE(scattered.rows == 6);
  REQUIRE(scattered.cols == 4);
  for (Index j = 0; j < 4; ++j) {
    for (Index i = 0; i < 6; ++i) {
      const auto found = std::find(rows.begin(), rows.end(), i) - rows.begin();
      const double wanted = found == 3 ? 0.0 : row_scale[at(found)] * few(found, j);
      CHECK(scattered(i, j) == wanted);
    }
  }
}

TEST_CASE("nothing selected gives empty matrices, or zeros where nothing was scattered") {
  const Matrix a = to_backend(random_matrix(4, 3, 12));
  CHECK(backend().scaled_submatrix(a, {}, {}, {}, {}).rows() == 0);
  CHECK(backend().scaled_columns(a, {}, {}).cols() == 0);
  const Dense zeros =
      to_host(backend().scattered_rows(backend().from_host(nullptr, 0, 3), {}, {}, 4));
  CHECK(zeros.rows == 4);
  CHECK(zeros.cols == 3);
  CHECK(norm(zeros) == 0.0);
}

TEST_CASE("add_to_diagonal touches the diagonal alone") {
  const Dense a = random_matrix(5, 5, 13);
  Matrix there = to_backend(a);
  backend().add_to_diagonal(there, 0.25);
  const Dense found = to_host(there);
  for (Index j = 0; j < 5; ++j) {
    for (Index i = 0; i < 5; ++i) {
      CHECK(found(i, j) == a(i, j) + (i == j ? 0.25 : 0.0));
    }
  }
}

TEST_CASE("weighted squared column norms") {
  const Dense a = random_matrix(9, 4, 14);
  const auto weight = random_vector(9, 15);
  const auto found = backend().weighted_squared_column_norms(to_backend(a), weight);
  REQUIRE(found.size() == 4);
  for (Index j = 0; j < 4; ++j) {
    double wanted = 0.0;
    double size = 0.0;
    for (Index i = 0; i < 9; ++i) {
      wanted += weight[at(i)] * a(i, j) * a(i, j);
      size += std::abs(weight[at(i)]) * a(i, j) * a(i, j);
    }
    CHECK(std::abs(found[at(j)] - wanted) <= 9.0 * kEps * size);
  }
  CHECK(backend().weighted_squared_column_norms(to_backend(Dense(0, 2)), {}) ==
        std::vector<double>{0.0, 0.0});
}

TEST_CASE("products in all four transpositions") {
  for (const Index m : {0, 1, 5, 33}) {
    for (const Index n : {0, 1, 8, 20}) {
      for (const Index k : {0, 1, 7, 64}) {
        CAPTURE(m);
        CAPTURE(n);
        CAPTURE(k);
        const Dense a = random_matrix(m, k, 16);
        const Dense b = random_matrix(k, n, 17);
        const Dense wanted = product(a, b);
        const double size = std::max(norm(a) * norm(b), 1.0);
        for (const bool ta : {false, true}) {
          for (const bool tb : {false, true}) {
            const Dense found =
                multiply(ta ? transposed(a) : a, ta ? Transpose::kYes : Transpose::kNo,
                         tb ? transposed(b) : b, tb ? Transpose::kYes : Transpose::kNo);
            REQUIRE(found.rows == m);
            REQUIRE(found.cols == n);
            CHECK(residual_ratio(difference(found, wanted), size, k) < kRatioLimit);
          }
        }
      }
    }
  }
}

TEST_CASE("Cholesky factors what is positive definite and says so of what is not") {
  for (const Index n : {1, 2, 9, 40, 130}) {
    for (const Family& family : families(n)) {
      CAPTURE(n);
      CAPTURE(family.name);
      const Dense a = symmetric_with(family.spectrum, 18);
      const auto lower = backend().cholesky(to_backend(a));
      const double smallest = *std::min_element(family.spectrum.begin(), family.spectrum.end());
      const bool definite = smallest > 1e-12 * largest(family.spectrum);
      if (definite) {
        REQUIRE(lower.has_value());
      }
      if (lower) {
        const Dense l = to_host(*lower);
        CHECK(same_bits(without_upper(l).values, l.values));
        CHECK(residual_ratio(difference(product(l, transposed(l)), a), norm(a), n) < kRatioLimit);
      }
    }
  }
  CHECK_FALSE(backend().cholesky(to_backend(Dense(3, 3))).has_value());
  CHECK_FALSE(backend().cholesky(to_backend(diagonal_matrix({1.0, -1.0, 1.0}))).has_value());
  CHECK(backend().cholesky(to_backend(Dense(0, 0))).has_value());
}

TEST_CASE("triangular solves from both sides, reading the lower triangle alone") {
  for (const Index n : {1, 2, 9, 40, 65, 128, 200}) {
    for (const Index other : {0, 1, 13}) {
      const Dense lower = lower_with(n, 19);
      for (const bool trans : {false, true}) {
        const Dense op = trans ? transposed(without_upper(lower)) : without_upper(lower);
        for (const bool right : {false, true}) {
          CAPTURE(n);
          CAPTURE(other);
          const Dense b = right ? random_matrix(other, n, 20) : random_matrix(n, other, 20);
          Matrix x = to_backend(b);
          backend().solve_triangular(to_backend(lower), trans ? Transpose::kYes : Transpose::kNo,
                                     right ? Side::kRight : Side::kLeft, x);
          const Dense found = to_host(x);
          const Dense back = right ? product(found, op) : product(op, found);
          const double size = std::max(norm(op) * norm(found), norm(b));
          CHECK(residual_ratio(difference(back, b), size, n) < kRatioLimit);
        }
      }
    }
  }
}

TEST_CASE("eigenvalues and eigenvectors of symmetric matrices") {
  for (const Index n : {1, 2, 9, 40, 130}) {
    for (const Family& family : families(n)) {
      CAPTURE(n);
      CAPTURE(family.name);
      const Dense a = symmetric_with(family.spectrum, 21);
      const EigenDecomposition eigen = backend().eigh(to_backend(a));
      const Dense v = to_host(eigen.vectors);
      CHECK(std::is_sorted(eigen.values.begin(), eigen.values.end()));
      CHECK(orthogonality_ratio(v) < kRatioLimit);
      const double size = largest(family.spectrum);
      const Dense residual = difference(product(a, v), product(v, diagonal_matrix(eigen.values)));
      CHECK(residual_ratio(residual, size, n) < kRatioLimit);

      std::vector<double> wanted = family.spectrum;
      std::sort(wanted.begin(), wanted.end());
      CHECK(values_ratio(eigen.values, wanted, size) < kRatioLimit);
      CHECK(values_ratio(backend().eigenvalues(to_backend(a)), wanted, size) < kRatioLimit);
    }
  }
  CHECK(backend().eigenvalues(to_backend(Dense(0, 0))).empty());
  CHECK(backend().eigh(to_backend(Dense(0, 0))).values.empty());
}

TEST_CASE("singular values and vectors, thin and full") {
  const std::pair<Index, Index> shapes[] = {{1, 1},  {1, 6},  {6, 1},   {7, 7},
                                            {40, 9}, {9, 40}, {90, 90}, {130, 40}};
  for (const auto& [rows, cols] : shapes) {
    const Index k = std::min(rows, cols);
    for (const Family& family : families(k)) {
      CAPTURE(rows);
      CAPTURE(cols);
      CAPTURE(family.name);
      const Dense a = rectangular_with(family.spectrum, rows, cols, 22);
      const double size = largest(family.spectrum);
      std::vector<double> wanted = family.spectrum;
      std::sort(wanted.rbegin(), wanted.rend());

      const Svd thin = backend().svd(to_backend(a));
      const Svd full = backend().full_svd(to_backend(a));
      CHECK(values_ratio(backend().singular_values(to_backend(a)), wanted, size) < kRatioLimit);
      for (const Svd* svd : {&thin, &full}) {
        const Dense u = to_host(svd->u);
        const Dense vt = to_host(svd->vt);
        REQUIRE(u.rows == rows);
        REQUIRE(u.cols == (svd == &thin ? k : rows));
        REQUIRE(vt.rows == (svd == &thin ? k : cols));
        REQUIRE(vt.cols == cols);
        CHECK(descending(svd->values));
        CHECK(values_ratio(svd->values, wanted, size) < kRatioLimit);
        CHECK(orthogonality_ratio(u) < kRatioLimit);
        CHECK(orthogonality_ratio(transposed(vt)) < kRatioLimit);
        Dense middle(u.cols, vt.rows);
        for (Index i = 0; i < k; ++i) {
          middle(i, i) = svd->values[at(i)];
        }
        const Dense residual = difference(product(product(u, middle), vt), a);
        CHECK(residual_ratio(residual, size, std::max(rows, cols)) < kRatioLimit);
      }
    }
  }
}

TEST_CASE("the SVD of a matrix without rows or columns") {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{0, 0}, {0, 3}, {4, 0}}) {
    CAPTURE(rows);
    CAPTURE(cols);
    CHECK(backend().singular_values(to_backend(Dense(rows, cols))).empty());
    const Svd thin = backend().svd(to_backend(Dense(rows, cols)));
    CHECK(thin.values.empty());
    CHECK(thin.u.cols() == 0);
    CHECK(thin.vt.rows() == 0);
    const Svd full = backend().full_svd(to_backend(Dense(rows, cols)));
    CHECK(full.values.empty());
    CHECK(norm(difference(to_host(full.u), identity(rows))) == 0.0);
    CHECK(norm(difference(to_host(full.vt), identity(cols))) == 0.0);
  }
}

TEST_CASE("values that are not finite are counted and the first is found") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const Layout layout : {Layout::kRowMajor, Layout::kColumnMajor, Layout::kReversed}) {
    CAPTURE(layout);
    Dense values = random_matrix(600, 75, 23);
    CHECK(backend().find_non_finite(samples_of(values, DType::kFloat64, layout).view).count == 0);
    values(599, 0) = nan;
    values(300, 74) = inf;
    values(300, 70) = -inf;
    values(301, 1) = nan;
    const NonFinite found =
        backend().find_non_finite(samples_of(values, DType::kFloat64, layout).view);
    CHECK(found.count == 4);
    CHECK(found.row == 300);
    CHECK(found.col == 70);
    CHECK(found.value == -inf);
  }
  // Finite values whose squares overflow are finite all the same.
  CHECK(backend().find_non_finite(samples_of(scaled(identity(3), 1e300)).view).count == 0);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
