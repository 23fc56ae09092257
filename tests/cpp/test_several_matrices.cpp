// Operations on several matrices, of sizes that repeat and of sizes that do not, against what the
// matrices were made from.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <mutex>

#include "complex_data.hpp"

namespace fastcca::testing {

namespace {

// The same for real and for complex matrices.
template <class Scalar>
struct Kind;

template <>
struct Kind<double> {
  using Dense = testing::Dense;
  static const LinearAlgebra<double>& algebra() { return testing::algebra(); }
  static Dense random(Index rows, Index cols, unsigned seed) {
    return random_matrix(rows, cols, seed);
  }
  static Dense orthonormal(Index rows, Index cols, unsigned seed) {
    return random_orthonormal(rows, cols, seed);
  }
  static Dense diagonal(const std::vector<double>& values) { return diagonal_matrix(values); }
  static Dense adjoint(const Dense& a) { return transposed(a); }
};

template <>
struct Kind<Complex> {
  using Dense = ComplexDense;
  static const LinearAlgebra<Complex>& algebra() { return complex_algebra(); }
  static Dense random(Index rows, Index cols, unsigned seed) {
    return complex_random(rows, cols, seed);
  }
  static Dense orthonormal(Index rows, Index cols, unsigned seed) {
    return complex_orthonormal(rows, cols, seed);
  }
  static Dense diagonal(const std::vector<double>& values) { return complex_diagonal(values); }
  static Dense adjoint(const Dense& a) { return testing::adjoint(a); }
};

template <class Scalar>
using DenseOf = typename Kind<Scalar>::Dense;

// Sizes in an order in which no two of a kind are neighbours.
constexpr Index kSizes[] = {6, 40, 1, 6, 0, 40, 9, 6, 1, 0};

double largest(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

struct Spectrum {
  std::vector<double> values;  // descending
  std::string name;
};

// All hard families at those sizes.
std::vector<Spectrum> spectra() {
  std::vector<Spectrum> out;
  for (const Index n : kSizes) {
    if (n == 0) {
      out.push_back({{}, "none"});
      continue;
    }
    for (const Family& family : families(n)) {
      out.push_back({family.spectrum, family.name});
      std::sort(out.back().values.rbegin(), out.back().values.rend());
    }
  }
  return out;
}

// U diag(values) V', and Q diag(values) Q'.
template <class Scalar>
DenseOf<Scalar> with_singular_values(const std::vector<double>& values, Index rows, Index cols,
                                     unsigned seed) {
  using K = Kind<Scalar>;
  const auto k = static_cast<Index>(values.size());
  return product(product(K::orthonormal(rows, k, seed), K::diagonal(values)),
                 K::adjoint(K::orthonormal(cols, k, seed + 1)));
}
template <class Scalar>
DenseOf<Scalar> with_eigenvalues(const std::vector<double>& values, unsigned seed) {
  using K = Kind<Scalar>;
  const auto n = static_cast<Index>(values.size());
  const auto q = K::orthonormal(n, n, seed);
  return product(product(q, K::diagonal(values)), K::adjoint(q));
}

template <class Scalar>
std::vector<MatrixOf<Scalar>> all_to_backend(const std::vector<DenseOf<Scalar>>& all) {
  std::vector<MatrixOf<Scalar>> out;
  for (const auto& a : all) {
    out.push_back(to_backend(a));
  }
  return out;
}

template <class Scalar>
std::vector<const MatrixOf<Scalar>*> pointers_to(const std::vector<MatrixOf<Scalar>>& all) {
  std::vector<const MatrixOf<Scalar>*> out;
  for (const auto& a : all) {
    out.push_back(&a);
  }
  return out;
}

// Of values that both descend.
double ratio(const std::vector<double>& found, const std::vector<double>& wanted) {
  REQUIRE(found.size() == wanted.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(found[i] - wanted[i]));
  }
  return worst == 0.0 ? 0.0 : worst / (largest(wanted) * kEps * static_cast<double>(found.size()));
}

}  // namespace

TEST_SUITE_BEGIN("several matrices");

TEST_CASE_TEMPLATE("diagonals", Scalar, double, Complex) {
  std::vector<DenseOf<Scalar>> dense;
  for (const Index n : kSizes) {
    dense.push_back(Kind<Scalar>::random(n, n, static_cast<unsigned>(900 + dense.size())));
  }
  const auto there = all_to_backend<Scalar>(dense);
  const auto found = Kind<Scalar>::algebra().diagonal_each(pointers_to(there));
  REQUIRE(found.size() == dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    REQUIRE(found[i].size() == at(dense[i].rows));
    for (Index j = 0; j < dense[i].rows; ++j) {
      CHECK(found[i][at(j)] == std::real(dense[i](j, j)));
    }
  }
  CHECK(Kind<Scalar>::algebra().diagonal_each({}).empty());
}

TEST_CASE_TEMPLATE("Cholesky, with some that are not positive definite among them", Scalar, double,
                   Complex) {
  std::vector<DenseOf<Scalar>> dense;
  std::vector<bool> positive;
  for (const bool is_positive : {true, false, true}) {
    for (const Index n : kSizes) {
      std::vector<double> values;
      for (Index j = 0; j < n; ++j) {
        values.push_back(1.0 + static_cast<double>(j));
      }
      if (n > 0 && !is_positive) {
        values.back() = -1.0;
      }
      positive.push_back(is_positive || n == 0);
      dense.push_back(with_eigenvalues<Scalar>(values, static_cast<unsigned>(910 + dense.size())));
    }
  }
  const auto there = all_to_backend<Scalar>(dense);
  const auto found = Kind<Scalar>::algebra().cholesky_each(pointers_to(there));
  REQUIRE(found.size() == dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    CAPTURE(i);
    REQUIRE(found[i].has_value() == positive[i]);
    CHECK(norm(difference(to_host(there[i]), dense[i])) == 0.0);  // what was given stays
    if (!positive[i]) {
      continue;
    }
    const auto l = to_host(*found[i]);
    for (Index col = 0; col < l.cols; ++col) {
      for (Index row = 0; row < col; ++row) {
        CHECK(l(row, col) == Scalar{});
      }
    }
    CHECK(residual_ratio(difference(product(l, Kind<Scalar>::adjoint(l)), dense[i]),
                         static_cast<double>(l.rows), l.rows) < kRatioLimit);
  }
}

TEST_CASE_TEMPLATE("triangular solves from both sides", Scalar, double, Complex) {
  using K = Kind<Scalar>;
  for (const Transpose trans : {Transpose::kNo, Transpose::kYes}) {
    for (const Side side : {Side::kLeft, Side::kRight}) {
      std::vector<DenseOf<Scalar>> lowers;
      std::vector<DenseOf<Scalar>> right_sides;
      for (const Index m : {3, 2, 3}) {
        for (const Index n : kSizes) {
          const auto seed = static_cast<unsigned>(940 + lowers.size());
          auto lower = K::random(n, n, seed);
          for (Index j = 0; j < n; ++j) {
            lower(j, j) = lower(j, j) + (3.0 + static_cast<double>(n) / 4.0);
            for (Index i = 0; i < j; ++i) {
              lower(i, j) = std::numeric_limits<double>::quiet_NaN();  // must not be read
            }
          }
          lowers.push_back(lower);
          right_sides.push_back(side == Side::kLeft ? K::random(n, m, seed + 100)
                                                    : K::random(m, n, seed + 100));
        }
      }
      const auto there = all_to_backend<Scalar>(lowers);
      auto solved = all_to_backend<Scalar>(right_sides);
      std::vector<MatrixOf<Scalar>*> in_place;
      for (auto& b : solved) {
        in_place.push_back(&b);
      }
      K::algebra().solve_triangular_each(pointers_to(there), trans, side, in_place);
      for (std::size_t i = 0; i < lowers.size(); ++i) {
        CAPTURE(i);
        auto matrix = lowers[i];
        for (Index col = 0; col < matrix.cols; ++col) {
          for (Index row = 0; row < col; ++row) {
            matrix(row, col) = Scalar{};
          }
        }
        if (trans == Transpose::kYes) {
          matrix = K::adjoint(matrix);
        }
        const auto x = to_host(solved[i]);
        const auto back = side == Side::kLeft ? product(matrix, x) : product(x, matrix);
        CHECK(residual_ratio(difference(back, right_sides[i]), 10.0,
                             std::max<Index>(matrix.rows, 1)) < kRatioLimit);
      }
    }
  }
}

TEST_CASE_TEMPLATE("eigenvalues and eigenvectors", Scalar, double, Complex) {
  const std::vector<Spectrum> wanted = spectra();
  std::vector<DenseOf<Scalar>> dense;
  for (const Spectrum& spectrum : wanted) {
    dense.push_back(
        with_eigenvalues<Scalar>(spectrum.values, static_cast<unsigned>(960 + dense.size())));
  }
  auto there = all_to_backend<Scalar>(dense);
  const auto values = Kind<Scalar>::algebra().eigenvalues_each(pointers_to(there));
  for (std::size_t i = 0; i < dense.size(); ++i) {
    CHECK(norm(difference(to_host(there[i]), dense[i])) == 0.0);
  }
  const auto eigen = Kind<Scalar>::algebra().eigh_each(std::move(there));
  REQUIRE(values.size() == dense.size());
  REQUIRE(eigen.size() == dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    CAPTURE(wanted[i].name);
    CHECK(ratio({values[i].rbegin(), values[i].rend()}, wanted[i].values) < kRatioLimit);
    CHECK(ratio({eigen[i].values.rbegin(), eigen[i].values.rend()}, wanted[i].values) <
          kRatioLimit);
    const auto v = to_host(eigen[i].vectors);
    const double size = std::max(largest(wanted[i].values), 1e-300);
    CHECK(orthogonality_ratio(v) < kRatioLimit);
    CHECK(residual_ratio(
              difference(product(dense[i], v), product(v, Kind<Scalar>::diagonal(eigen[i].values))),
              size, std::max<Index>(v.rows, 1)) < kRatioLimit);
  }
}

TEST_CASE_TEMPLATE("singular values of tall, wide and square matrices", Scalar, double, Complex) {
  std::vector<Spectrum> wanted;
  std::vector<DenseOf<Scalar>> dense;
  for (const auto& [more_rows, more_cols] : {std::pair<Index, Index>{0, 0}, {5, 0}, {0, 7}}) {
    for (const Spectrum& spectrum : spectra()) {
      const auto k = static_cast<Index>(spectrum.values.size());
      wanted.push_back(spectrum);
      dense.push_back(with_singular_values<Scalar>(spectrum.values, k + more_rows, k + more_cols,
                                                   static_cast<unsigned>(980 + dense.size())));
    }
  }
  const auto found = Kind<Scalar>::algebra().singular_values_each(all_to_backend<Scalar>(dense));
  REQUIRE(found.size() == dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    CAPTURE(wanted[i].name);
    CAPTURE(dense[i].rows);
    CAPTURE(dense[i].cols);
    CHECK(std::is_sorted(found[i].rbegin(), found[i].rend()));
    CHECK(std::all_of(found[i].begin(), found[i].end(), [](double v) { return v >= 0.0; }));
    CHECK(ratio(found[i], wanted[i].values) < kRatioLimit);
  }
}

TEST_CASE("ranges of problems cover all of them once, whatever one of them takes") {
  for (const std::size_t count : {0, 1, 7, 100}) {
    for (const Index bytes : {Index{0}, Index{1} << 20, Index{100} << 20, Index{1} << 40}) {
      std::mutex mutex;
      std::vector<std::size_t> visited;
      backend().for_each_range(2, count, bytes, [&](std::size_t first, std::size_t last) {
        const std::scoped_lock lock(mutex);
        CHECK(first < last);
        for (std::size_t i = first; i < last; ++i) {
          visited.push_back(i);
        }
      });
      std::sort(visited.begin(), visited.end());
      REQUIRE(visited.size() == count);
      for (std::size_t i = 0; i < count; ++i) {
        CHECK(visited[i] == i);
      }
    }
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
