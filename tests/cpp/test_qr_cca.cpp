// CCA from the triangular factor: the digits that moments lose, and the same answers where they
// lose none.
#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "core/factor_measures.hpp"
#include "data.hpp"
#include "known_data.hpp"

namespace fastcca::testing {

namespace {

QrFactor factor_of(const std::vector<Dense>& blocks, DType dtype = DType::kFloat64) {
  std::vector<Samples> samples;
  std::vector<ArrayView> views;
  std::vector<std::string> names;
  for (const Dense& block : blocks) {
    samples.push_back(samples_of(block, dtype));
    views.push_back(samples.back().view);
    names.push_back("block" + std::to_string(names.size()));
  }
  QrFactor out(backend());
  out.update(names, views, 1);
  return out;
}

Dense covariance(const Dense& x, const Dense& y) {
  Dense out(x.cols, y.cols);
  for (Index j = 0; j < y.cols; ++j) {
    for (Index i = 0; i < x.cols; ++i) {
      out(i, j) =
          static_cast<double>(centred_product(x, i, y, j)) / static_cast<double>(x.rows - 1);
    }
  }
  return out;
}

Dense between(const Dense& a, const Dense& cov, const Dense& b) {
  return product(product(transposed(a), cov), b);
}

Dense diagonal_plus(Dense a, double ridge) {
  for (Index i = 0; i < a.rows; ++i) {
    a(i, i) *= 1.0 + ridge;  // the ridge belongs to the unit-scaled covariance
  }
  return a;
}

// Weights whiten, and loadings are covariances of the units with the variates.
void check_sides(const Dense& x, const Dense& y, const CcaSolution& s, double ridge,
                 double tolerance) {
  REQUIRE(s.x.weights.has_value());
  REQUIRE(s.y.loadings.has_value());
  const Dense a = to_host(*s.x.weights);
  const Dense b = to_host(*s.y.weights);
  const auto k = static_cast<Index>(s.correlations.size());
  REQUIRE(a.rows == x.cols);
  REQUIRE(a.cols == k);
  REQUIRE(b.rows == y.cols);
  REQUIRE(b.cols == k);
  const Dense sxx = covariance(x, x);
  const Dense syy = covariance(y, y);
  CHECK(norm(difference(between(a, diagonal_plus(sxx, ridge), a), identity(k))) < tolerance);
  CHECK(norm(difference(between(b, diagonal_plus(syy, ridge), b), identity(k))) < tolerance);
  CHECK(norm(difference(between(a, covariance(x, y), b), diagonal_matrix(s.correlations))) <
        tolerance);
  CHECK(norm(difference(product(sxx, a), to_host(*s.x.loadings))) <
        tolerance * norm(product(sxx, a)));
  CHECK(norm(difference(product(syy, b), to_host(*s.y.loadings))) <
        tolerance * norm(product(syy, b)));
}

Dense with_column(const Dense& x, Index where, double value) {
  Dense out(x.rows, x.cols + 1);
  for (Index i = 0; i < x.rows; ++i) {
    for (Index j = 0; j < out.cols; ++j) {
      out(i, j) = j == where ? value : x(i, j < where ? j : j - 1);
    }
  }
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("qr cca");

TEST_CASE("known correlations, whatever the sizes and the order of the blocks") {
  for (const auto& [p, q] : {std::pair<Index, Index>{1, 1}, {1, 4}, {4, 1}, {6, 4}, {30, 20}}) {
    CAPTURE(p);
    CAPTURE(q);
    std::vector<double> correlations;
    for (Index j = 0; j < std::min(p, q); ++j) {
      correlations.push_back(0.95 - 0.9 * static_cast<double>(j) / static_cast<double>(p));
    }
    const Known data = known(200, p, q, correlations, 301);
    const QrFactor factor = factor_of({data.x, data.y});
    const CcaSolution s = solve_cca(factor, 0, 1, {});
    check_correlations(s.correlations, correlations, 1e-13);
    check_sides(data.x, data.y, s, 0.0, 1e-12);
    CHECK(s.x.rank == p);
    CHECK(s.x.kept == p);
    CHECK(s.y.rank == q);
    CHECK(s.x.undecided == 0);
    const CcaSolution swapped = solve_cca(factor, 1, 0, {});
    check_correlations(swapped.correlations, correlations, 1e-13);
    check_sides(data.y, data.x, swapped, 0.0, 1e-12);
    const CcaSolution values = solve_cca(factor, 0, 1, {0.0, false, {}, {}});
    check_correlations(values.correlations, correlations, 1e-13);
    CHECK_FALSE(values.x.weights.has_value());
    CHECK_FALSE(values.y.loadings.has_value());
  }
}

TEST_CASE("the error goes with the condition, not with its square") {
  const std::vector<double> correlations{1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 1e-3, 0.0};
  for (const double kappa : {1.0, 1e2, 1e4, 1e6, 1e8, 1e10}) {
    CAPTURE(kappa);
    const Known data = known_with_condition(300, 8, 8, correlations, kappa, 311);
    const CcaSolution s = solve_cca(factor_of({data.x, data.y}), 0, 1, {});
    CHECK(s.x.rank == 8);
    CHECK(s.y.rank == 8);
    CHECK(s.x.condition < 3.0 * kappa);
    CHECK(s.x.condition > kappa / 300.0);
    check_correlations(s.correlations, correlations, 10.0 * kappa * kEps + 1e-14);
  }
}

TEST_CASE("float32 layers of low rank keep their directions alone, at any offset") {
  for (const double offset : {0.0, 1.0, 100.0, 10000.0}) {
    CAPTURE(offset);
    const Dense latent = random_matrix(1500, 8, 321);
    Dense x = product(latent, random_matrix(8, 24, 322));
    Dense y = product(latent, random_matrix(8, 17, 323));
    for (Dense* data : {&x, &y}) {
      for (double& v : data->values) {
        v += 3.0 * offset;
      }
    }
    const CcaSolution s = solve_cca(factor_of({x, y}, DType::kFloat32), 0, 1, {});
    CHECK(s.x.rank == 8);
    CHECK(s.y.rank == 8);
    CHECK(s.x.dead.empty());
    REQUIRE(s.correlations.size() == 8);
    CHECK(s.correlations.back() > 1.0 - 1e-4);
  }
}

TEST_CASE("repeated units and combinations in float64") {
  Dense x = random_matrix(400, 7, 331);
  for (Index i = 0; i < x.rows; ++i) {
    x(i, 3) = x(i, 1);
    x(i, 5) = -2.5 * x(i, 0) + 7.0;
    x(i, 6) = 1e3 * x(i, 2) + x(i, 4);
  }
  Dense y = random_matrix(400, 3, 332);
  for (Index i = 0; i < x.rows; ++i) {
    y(i, 0) += x(i, 0);
  }
  const CcaSolution s = solve_cca(factor_of({x, y}), 0, 1, {});
  CHECK(s.x.rank == 4);
  CHECK(s.y.rank == 3);
  check_sides(x, y, s, 0.0, 1e-9);
  const CcaSolution wanted = solve_cca(moments_of({x, y}), 0, 1, {});
  check_correlations(s.correlations, wanted.correlations, 1e-9);
}

TEST_CASE("dead units are reported and take no part") {
  const Known data = known(120, 3, 4, {0.8, 0.5, 0.3}, 341);
  for (const double value : {0.0, 42.0, 0.1, -1e30}) {
    CAPTURE(value);
    const Dense x = with_column(data.x, 1, value);
    const CcaSolution s = solve_cca(factor_of({x, data.y}), 0, 1, {});
    check_correlations(s.correlations, data.correlations, 1e-12);
    CHECK(s.x.dead == std::vector<Index>{1});
    CHECK(s.y.dead.empty());
    CHECK(s.x.rank == 3);
    const Dense a = to_host(*s.x.weights);
    for (Index k = 0; k < 3; ++k) {
      CHECK(a(1, k) == 0.0);
    }
  }
}

TEST_CASE("a dead block gives no correlations, and weights of the right height") {
  const QrFactor factor = factor_of({Dense(10, 3), random_matrix(10, 2, 342)});
  for (const auto& [x, y] : {std::pair<Index, Index>{0, 1}, {1, 0}}) {
    const CcaSolution s = solve_cca(factor, x, y, {});
    const CcaSideOf<double>& dead = x == 0 ? s.x : s.y;
    const CcaSideOf<double>& live = x == 0 ? s.y : s.x;
    CHECK(s.correlations.empty());
    CHECK(dead.rank == 0);
    CHECK(dead.dead == std::vector<Index>{0, 1, 2});
    CHECK(live.rank == 2);
    CHECK(live.dead.empty());
    CHECK(dead.weights->rows() == 3);
    CHECK(dead.weights->cols() == 0);
    CHECK(live.loadings->rows() == 2);
    CHECK(live.loadings->cols() == 0);
  }
}

TEST_CASE("a ridge does what it does to moments") {
  Dense deficient = random_matrix(300, 6, 351);
  for (Index i = 0; i < 300; ++i) {
    deficient(i, 5) = deficient(i, 0) - deficient(i, 1);
  }
  Dense y = random_matrix(300, 4, 352);
  for (Index i = 0; i < 300; ++i) {
    y(i, 1) = 50.0 * (y(i, 1) + 2.0 * deficient(i, 0));
  }
  for (const double ridge : {1e-6, 0.1, 3.0}) {
    CAPTURE(ridge);
    const CcaSolution s = solve_cca(factor_of({deficient, y}), 0, 1, {ridge, true, {}, {}});
    const CcaSolution wanted = solve_cca(moments_of({deficient, y}), 0, 1, {ridge, true, {}, {}});
    check_correlations(s.correlations, wanted.correlations, 1e-12);
    CHECK(s.x.rank == wanted.x.rank);
    CHECK(s.x.condition == doctest::Approx(wanted.x.condition).epsilon(1e-10));
    check_sides(deficient, y, s, ridge, 1e-11);
  }
}

TEST_CASE("with n - 1 or fewer samples than directions, the rest are 1 by construction") {
  const Dense x = random_matrix(10, 7, 361);
  const Dense y = random_matrix(10, 6, 362);
  const CcaSolution s = solve_cca(factor_of({x, y}), 0, 1, {});
  REQUIRE(s.correlations.size() == 6);
  for (std::size_t i = 0; i < 4; ++i) {  // 7 + 6 - 9
    CHECK(s.correlations[i] > 1.0 - 1e-13);
  }
  CHECK(s.correlations[4] < 1.0 - 1e-6);
  const Dense wide = random_matrix(10, 30, 363);
  const CcaSolution all = solve_cca(factor_of({wide, y}), 0, 1, {});
  CHECK(all.x.rank == 9);
  check_correlations(all.correlations, std::vector<double>(6, 1.0), 1e-12);
  check_sides(wide, y, all, 0.0, 1e-11);
}

TEST_CASE("fewer than two samples have no correlation") {
  CHECK_THROWS_WITH_AS(
      solve_cca(factor_of({random_matrix(1, 2, 371), random_matrix(1, 3, 372)}), 0, 1, {}),
      "a comparison needs at least 2 samples, but there is 1", std::invalid_argument);
  CHECK_THROWS_AS(solve_cca(QrFactor(backend()), 0, 1, {}), std::invalid_argument);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
