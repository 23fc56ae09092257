// Measures other than canonical correlations against their formulas over the samples.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "core/cca.hpp"
#include "core/measures.hpp"
#include "data.hpp"
#include "known_data.hpp"

namespace fastcca::testing {

namespace {

Dense centred(const Dense& x) {
  const Reference reference = reference_of(x);
  Dense out = x;
  for (Index j = 0; j < x.cols; ++j) {
    for (Index i = 0; i < x.rows; ++i) {
      out(i, j) -= reference.mean[at(j)];
    }
  }
  return out;
}

double squares(const Dense& a) {
  long double sum = 0.0L;
  for (const double v : a.values) {
    sum += static_cast<long double>(v) * v;
  }
  return static_cast<double>(sum);
}

Dense gram(const Dense& x) { return product(x, transposed(x)); }

// tr(K L) / (||K|| ||L||) over the n x n kernels, the definition.
double cka_of(const Dense& x, const Dense& y) {
  const Dense k = gram(centred(x));
  const Dense l = gram(centred(y));
  long double trace = 0.0L;
  for (std::size_t i = 0; i < k.values.size(); ++i) {
    trace += static_cast<long double>(k.values[i]) * l.values[i];
  }
  return static_cast<double>(trace) / std::sqrt(squares(k)) / std::sqrt(squares(l));
}

// What is left of y after its projection on an orthonormal basis of x, as a share of y.
double regression_of(const Dense& x, const Dense& y) {
  Dense basis = centred(x);
  for (Index j = 0; j < basis.cols; ++j) {
    for (int pass = 0; pass < 2; ++pass) {
      for (Index k = 0; k <= j; ++k) {
        long double dot = 0.0L;
        for (Index i = 0; i < basis.rows; ++i) {
          dot += static_cast<long double>(basis(i, j)) * basis(i, k);
        }
        for (Index i = 0; i < basis.rows; ++i) {
          basis(i, j) = static_cast<double>(k < j ? basis(i, j) - dot * basis(i, k)
                                                  : basis(i, j) / std::sqrt(dot));
        }
      }
    }
  }
  const Dense target = centred(y);
  return squares(product(transposed(basis), target)) / squares(target);
}

struct Pair {
  Dense x;
  Dense y;
};

Pair related(Index n, Index p, Index q, unsigned seed) {
  Pair out{random_matrix(n, p, seed), random_matrix(n, q, seed + 1)};
  for (Index j = 0; j < std::min(p, q); ++j) {
    for (Index i = 0; i < n; ++i) {
      out.y(i, j) += 2.0 * out.x(i, p - 1 - j);
    }
  }
  for (Index j = 0; j < p; ++j) {
    for (Index i = 0; i < n; ++i) {
      out.x(i, j) = out.x(i, j) * (1.0 + static_cast<double>(j)) + 5.0;
    }
  }
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("measures");

TEST_CASE("PLS: singular vectors and values of the cross covariance, in either order") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {5, 3}, {3, 8}}) {
    const Pair data = related(80, p, q, 401);
    const Moments moments = moments_of({data.x, data.y});
    Dense wanted(p, q);
    for (Index j = 0; j < q; ++j) {
      for (Index i = 0; i < p; ++i) {
        wanted(i, j) = static_cast<double>(centred_product(data.x, i, data.y, j)) / 79.0;
      }
    }
    for (const bool swapped : {false, true}) {
      CAPTURE(swapped);
      const PlsSolution s = solve_pls(moments, swapped ? 1 : 0, swapped ? 0 : 1);
      const Dense a = to_host(swapped ? s.y_weights : s.x_weights);
      const Dense b = to_host(swapped ? s.x_weights : s.y_weights);
      const auto k = std::min(p, q);
      REQUIRE(s.singular_values.size() == at(k));
      REQUIRE(a.rows == p);
      REQUIRE(a.cols == k);
      REQUIRE(b.rows == q);
      REQUIRE(b.cols == k);
      CHECK(std::is_sorted(s.singular_values.rbegin(), s.singular_values.rend()));
      CHECK(orthogonality_ratio(a) < kRatioLimit);
      CHECK(orthogonality_ratio(b) < kRatioLimit);
      const Dense found = product(product(a, diagonal_matrix(s.singular_values)), transposed(b));
      CHECK(norm(difference(found, wanted)) < 1e-13 * norm(wanted));
    }
  }
}

TEST_CASE("CKA is that of the kernels of the samples") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {5, 3}, {3, 70}}) {
    const Pair data = related(40, p, q, 411);
    const Moments moments = moments_of({data.x, data.y});
    const double wanted = cka_of(data.x, data.y);
    CHECK(linear_cka(moments, 0, 1) == doctest::Approx(wanted).epsilon(1e-12));
    CHECK(linear_cka(moments, 1, 0) == doctest::Approx(wanted).epsilon(1e-12));
    CHECK(linear_cka(moments, 0, 0) == doctest::Approx(1.0).epsilon(1e-14));
  }
}

TEST_CASE("CKA and Procrustes are 1 under rotations, scales and offsets, at any size") {
  const Dense x = random_matrix(60, 6, 421);
  for (const double scale : {1e-70, 1.0, 1e70}) {
    CAPTURE(scale);
    Dense y = scaled(product(x, random_orthonormal(6, 6, 422)), scale);
    for (double& v : y.values) {
      v += 3.0 * scale;
    }
    const Moments moments = moments_of({x, y});
    CHECK(linear_cka(moments, 0, 1) == doctest::Approx(1.0).epsilon(1e-13));
    CHECK(procrustes(moments, 0, 1) == doctest::Approx(1.0).epsilon(1e-13));
    CHECK(linear_regression(moments, 0, 1).r2 == doctest::Approx(1.0).epsilon(1e-13));
  }
}

TEST_CASE("Procrustes is the nuclear norm over the norms") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {5, 3}, {3, 8}}) {
    const Pair data = related(80, p, q, 431);
    const Moments moments = moments_of({data.x, data.y});
    const Dense x = centred(data.x);
    const Dense y = centred(data.y);
    const auto values = backend().singular_values(to_backend(product(transposed(x), y)));
    const double nuclear = std::accumulate(values.begin(), values.end(), 0.0);
    const double wanted = nuclear / std::sqrt(squares(x)) / std::sqrt(squares(y));
    CHECK(procrustes(moments, 0, 1) == doctest::Approx(wanted).epsilon(1e-12));
    CHECK(procrustes(moments, 1, 0) == doctest::Approx(wanted).epsilon(1e-12));
  }
}

TEST_CASE("regression: the share of y in the span of x, which has a direction") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {5, 3}, {3, 8}}) {
    const Pair data = related(80, p, q, 441);
    const Moments moments = moments_of({data.x, data.y});
    CHECK(linear_regression(moments, 0, 1).r2 ==
          doctest::Approx(regression_of(data.x, data.y)).epsilon(1e-12));
    CHECK(linear_regression(moments, 1, 0).r2 ==
          doctest::Approx(regression_of(data.y, data.x)).epsilon(1e-12));
    CHECK(linear_regression(moments, 1, 1).r2 == doctest::Approx(1.0).epsilon(1e-13));
  }
}

TEST_CASE("regression on repeated and dead units is regression on the others") {
  const Pair data = related(80, 3, 4, 451);
  Dense wide(80, 6);
  for (Index i = 0; i < 80; ++i) {
    wide(i, 0) = 7.0;
    wide(i, 1) = data.x(i, 0);
    wide(i, 2) = data.x(i, 0);
    wide(i, 3) = data.x(i, 1);
    wide(i, 4) = data.x(i, 2);
    wide(i, 5) = data.x(i, 2) - data.x(i, 1);
  }
  const double wanted = regression_of(data.x, data.y);
  CHECK(linear_regression(moments_of({wide, data.y}), 0, 1).r2 ==
        doctest::Approx(wanted).epsilon(1e-10));
  CHECK(linear_regression(moments_of({data.y, wide}), 1, 0).r2 ==
        doctest::Approx(wanted).epsilon(1e-10));
}

TEST_CASE("regression with one target is the square of the correlation") {
  const Known data = known(70, 4, 1, {0.6}, 461);
  const Moments moments = moments_of({data.x, data.y});
  CHECK(linear_regression(moments, 0, 1).r2 == doctest::Approx(0.36).epsilon(1e-12));
}

TEST_CASE("blocks are picked out of many") {
  const Pair data = related(50, 4, 3, 471);
  const Moments many =
      moments_of({random_matrix(50, 2, 1), data.y, random_matrix(50, 5, 2), data.x});
  const Moments two = moments_of({data.x, data.y});
  CHECK(linear_cka(many, 3, 1) == doctest::Approx(linear_cka(two, 0, 1)).epsilon(1e-12));
  CHECK(procrustes(many, 3, 1) == doctest::Approx(procrustes(two, 0, 1)).epsilon(1e-12));
  for (const bool swapped : {false, true}) {
    CHECK(linear_regression(many, swapped ? 1 : 3, swapped ? 3 : 1).r2 ==
          doctest::Approx(linear_regression(two, swapped ? 1 : 0, swapped ? 0 : 1).r2)
              .epsilon(1e-12));
  }
}

TEST_CASE("a block that does not vary shares nothing with any other") {
  Dense constant(30, 3);
  for (Index i = 0; i < 30; ++i) {
    constant(i, 0) = 0.1;
    constant(i, 1) = -1e20;
  }
  const Moments moments = moments_of({constant, random_matrix(30, 2, 481)});
  for (const auto& [x, y] : {std::pair<Index, Index>{0, 1}, {1, 0}, {0, 0}}) {
    CHECK(linear_cka(moments, x, y) == 0.0);
    CHECK(procrustes(moments, x, y) == 0.0);
    CHECK(linear_regression(moments, x, y).r2 == 0.0);
  }
}

TEST_CASE("fewer than two samples have no measure") {
  const Moments one = moments_of({random_matrix(1, 2, 491), random_matrix(1, 3, 492)});
  CHECK_THROWS_AS(solve_pls(one, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(linear_cka(one, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(procrustes(one, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(linear_regression(one, 0, 1), std::invalid_argument);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
