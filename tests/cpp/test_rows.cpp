// The operations of a backend on samples that are read into matrices, and those that the triangular
// factor is made of.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data.hpp"

namespace fastcca::testing {

TEST_SUITE_BEGIN("rows");

TEST_CASE("samples of all blocks side by side, centred, with a row of zeros below") {
  const Samples x = random_samples(700, 5, DType::kFloat32, 901, Layout::kSliced);
  const Samples y = random_samples(700, 19, DType::kInt16, 902, Layout::kColumnMajor, true);
  const ArrayView views[] = {x.view, y.view};
  for (const auto& [row, count] :
       {std::pair<Index, Index>{0, 700}, {0, 1}, {699, 1}, {100, 256}, {3, 600}}) {
    CAPTURE(row);
    CAPTURE(count);
    const CentredRows found = backend().read_centred(views, row, count);
    const Dense samples = to_host(found.samples);
    REQUIRE(samples.rows == count + 1);
    REQUIRE(samples.cols == 24);
    REQUIRE(found.mean.size() == 24);
    for (Index j = 0; j < 24; ++j) {
      const auto value = [&](Index i) {
        return j < 5 ? x.values(row + i, j) : y.values(row + i, j - 5);
      };
      long double mean = 0.0L;
      double size = 0.0;
      for (Index i = 0; i < count; ++i) {
        mean += value(i) / static_cast<long double>(count);
        size = std::max(size, std::abs(value(i)));
      }
      CHECK(std::abs(found.mean[at(j)] - static_cast<double>(mean)) <= 4.0 * kEps * size);
      for (Index i = 0; i < count; ++i) {
        const auto wanted = static_cast<double>(value(i) - mean);
        CHECK(std::abs(samples(i, j) - wanted) <= 4.0 * kEps * size);
      }
      CHECK(samples(count, j) == 0.0);
    }
  }
}

TEST_CASE("samples of a block less a shift, one in each column, in every dtype and layout") {
  constexpr Index kRows = 700;
  for (const DType dtype : kDTypes) {
    for (const Layout layout : kLayouts) {
      for (const Index cols : {1, 7, 130}) {
        CAPTURE(layout);
        CAPTURE(cols);
        const Samples x = random_samples(kRows, cols, dtype, 907, layout, cols == 7);
        const std::vector<double> shift = random_matrix(cols, 1, 908).values;
        for (const auto& [row, count] :
             {std::pair<Index, Index>{0, kRows}, {kRows - 1, 1}, {100, 256}, {3, 0}}) {
          Dense wanted(cols, count);
          for (Index i = 0; i < count; ++i) {
            for (Index j = 0; j < cols; ++j) {
              wanted(j, i) = x.values(row + i, j) - shift[at(j)];
            }
          }
          const Dense found = to_host(backend().read_samples(x.view, row, count, shift));
          REQUIRE(found.rows == cols);
          REQUIRE(found.cols == count);
          CHECK(same_bits(found.values, wanted.values));
        }
      }
    }
  }
}

TEST_CASE("columns that are set") {
  const Dense before = random_matrix(3, 6, 909);
  const Dense columns = random_matrix(3, 2, 910);
  Matrix a = to_backend(before);
  backend().set_columns(a, 6, backend().zeros(3, 0));
  backend().set_columns(a, 3, to_backend(columns));
  const Dense found = to_host(a);
  for (Index j = 0; j < 6; ++j) {
    for (Index i = 0; i < 3; ++i) {
      CHECK(found(i, j) == (j == 3 || j == 4 ? columns(i, j - 3) : before(i, j)));
    }
  }
}

TEST_CASE("rows below a triangle are folded into it") {
  for (const Index n : {1, 2, 31, 32, 33, 80}) {
    for (const Index m : {0, 1, 5, 100}) {
      CAPTURE(n);
      CAPTURE(m);
      Dense upper = random_matrix(n, n, 903);
      for (Index j = 0; j < n; ++j) {
        for (Index i = j + 1; i < n; ++i) {
          upper(i, j) = 0.0;
        }
      }
      const Dense rows = random_matrix(m, n, 904);
      Matrix folded = to_backend(upper);
      backend().fold_into(folded, to_backend(rows));
      const Dense r = to_host(folded);
      Dense wanted = product(transposed(upper), upper);
      const Dense more = product(transposed(rows), rows);
      for (std::size_t k = 0; k < wanted.values.size(); ++k) {
        wanted.values[k] += more.values[k];
      }
      CHECK(residual_ratio(difference(product(transposed(r), r), wanted), norm(wanted), n) <
            kRatioLimit);
      for (Index j = 0; j < n; ++j) {
        for (Index i = j + 1; i < n; ++i) {
          CHECK(r(i, j) == 0.0);
        }
      }
    }
  }
}

TEST_CASE("zeros, a row that is set, and a matrix that is added") {
  Matrix a = backend().zeros(3, 4);
  CHECK(same_bits(to_host(a).values, std::vector<double>(12, 0.0)));
  const std::vector<double> row{1.0, -2.0, 3.0, 0.5};
  backend().set_row(a, 2, row);
  const Dense b = random_matrix(3, 4, 905);
  backend().add_scaled(a, 4.0, to_backend(b));
  const Dense found = to_host(a);
  for (Index j = 0; j < 4; ++j) {
    for (Index i = 0; i < 3; ++i) {
      CHECK(found(i, j) == doctest::Approx((i == 2 ? row[at(j)] : 0.0) + 4.0 * b(i, j)));
    }
  }
}

TEST_CASE("several rows that are set, and inner products of rows that are added") {
  const Dense b = random_matrix(3, 7, 907);
  Matrix a = backend().zeros(6, 7);
  backend().set_rows(a, 2, to_backend(b));
  backend().set_rows(a, 6, backend().zeros(0, 7));
  const Dense found = to_host(a);
  CHECK(same_bits(rows_of(found, 2, 5).values, b.values));
  CHECK(norm(rows_of(found, 0, 2)) == 0.0);
  CHECK(norm(rows_of(found, 5, 6)) == 0.0);

  const Dense more = random_matrix(3, 4, 908);
  Matrix gram = backend().zeros(3, 3);
  backend().add_gram(gram, to_backend(b));
  backend().add_gram(gram, to_backend(more));
  backend().add_gram(gram, backend().zeros(3, 0));
  Dense wanted = product(b, transposed(b));
  const Dense second = product(more, transposed(more));
  for (std::size_t k = 0; k < wanted.values.size(); ++k) {
    wanted.values[k] += second.values[k];
  }
  CHECK(residual_ratio(difference(to_host(gram), wanted), norm(wanted), 3) < kRatioLimit);
}

TEST_CASE("sums of the sizes in a column") {
  const Dense a = random_matrix(9, 3, 906);
  const auto sums = backend().column_abs_sums(to_backend(a));
  REQUIRE(sums.size() == 3);
  for (Index j = 0; j < 3; ++j) {
    double wanted = 0.0;
    for (Index i = 0; i < 9; ++i) {
      wanted += std::abs(a(i, j));
    }
    CHECK(sums[at(j)] == doctest::Approx(wanted).epsilon(1e-14));
  }
  CHECK(backend().column_abs_sums(backend().zeros(0, 2)) == std::vector<double>{0.0, 0.0});
}

TEST_SUITE_END();

}  // namespace fastcca::testing
