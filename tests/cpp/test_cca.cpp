// Canonical correlations that are known beforehand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/cca.hpp"
#include "data.hpp"
#include "known_data.hpp"

namespace fastcca::testing {

namespace {

Dense covariance(const Moments& moments, Index i, Index j) {
  const double degrees = static_cast<double>(moments.n_samples() - 1);
  return i >= j ? scaled(to_host(moments.scatter(i, j)), 1.0 / degrees)
                : transposed(scaled(to_host(moments.scatter(j, i)), 1.0 / degrees));
}

// Weights make variates of unit variance, uncorrelated but for their partners.
void check_weights(const Moments& moments, Index x, Index y, const CcaSolution& s,
                   double tolerance) {
  REQUIRE(s.x.weights.has_value());
  REQUIRE(s.y.weights.has_value());
  const auto k = static_cast<Index>(s.correlations.size());
  const Dense a = to_host(*s.x.weights);
  const Dense b = to_host(*s.y.weights);
  REQUIRE(a.rows == moments.block(x).size());
  REQUIRE(b.rows == moments.block(y).size());
  REQUIRE(a.cols == k);
  REQUIRE(b.cols == k);
  const auto between = [&](const Dense& left, const Dense& cov, const Dense& right) {
    return product(product(transposed(left), cov), right);
  };
  CHECK(norm(difference(between(a, covariance(moments, x, x), a), identity(k))) < tolerance);
  CHECK(norm(difference(between(b, covariance(moments, y, y), b), identity(k))) < tolerance);
  CHECK(norm(difference(between(a, covariance(moments, x, y), b),
                        diagonal_matrix(s.correlations))) < tolerance);
}

}  // namespace

TEST_SUITE_BEGIN("cca");

TEST_CASE("known correlations, whatever the sizes and the order of the blocks") {
  const std::pair<Index, Index> shapes[] = {{1, 1}, {1, 4}, {4, 1},  {3, 3},
                                            {6, 4}, {4, 9}, {30, 20}};
  for (const auto& [p, q] : shapes) {
    CAPTURE(p);
    CAPTURE(q);
    std::vector<double> correlations;
    for (Index j = 0; j < std::min(p, q); ++j) {
      correlations.push_back(0.95 - 0.9 * static_cast<double>(j) / static_cast<double>(p));
    }
    const Known data = known(200, p, q, correlations, 71);
    const Moments moments = moments_of({data.x, data.y});
    for (const auto& [x, y] : {std::pair<Index, Index>{0, 1}, {1, 0}}) {
      const CcaSolution s = solve_cca(moments, x, y, {});
      check_correlations(s.correlations, correlations, 1e-12);
      check_weights(moments, x, y, s, 1e-12);
      CHECK(s.x.rank == moments.block(x).size());
      CHECK(s.y.rank == moments.block(y).size());
      const CcaSolution values = solve_cca(moments, x, y, {0.0, false, {}, {}});
      check_correlations(values.correlations, correlations, 1e-12);
      CHECK_FALSE(values.x.weights.has_value());
      CHECK_FALSE(values.y.weights.has_value());
    }
  }
}

TEST_CASE("correlations of exactly 1 and 0") {
  const Known data = known(64, 4, 4, {1.0, 1.0, 0.5, 0.0}, 72);
  const CcaSolution s = solve_cca(moments_of({data.x, data.y}), 0, 1, {});
  check_correlations(s.correlations, data.correlations, 1e-13);
}

TEST_CASE("a block against itself has correlations of 1") {
  const Moments moments = moments_of({random_matrix(100, 7, 73)});
  const CcaSolution s = solve_cca(moments, 0, 0, {});
  check_correlations(s.correlations, std::vector<double>(7, 1.0), 1e-13);
  check_weights(moments, 0, 0, s, 1e-12);
}

TEST_CASE("blocks are picked out of many") {
  const Known data = known(150, 3, 5, {0.9, 0.6, 0.2}, 74);
  const Moments moments =
      moments_of({random_matrix(150, 4, 75), data.y, random_matrix(150, 2, 76), data.x});
  check_correlations(solve_cca(moments, 3, 1, {}).correlations, data.correlations, 1e-12);
  const CcaSolution s = solve_cca(moments, 1, 3, {});
  check_correlations(s.correlations, data.correlations, 1e-12);
  check_weights(moments, 1, 3, s, 1e-12);
}

TEST_CASE("dead and repeated units change nothing but the report") {
  const Known data = known(120, 3, 4, {0.8, 0.5, 0.3}, 77);
  Dense x(120, 6);
  for (Index i = 0; i < 120; ++i) {
    x(i, 0) = 42.0;
    x(i, 1) = data.x(i, 0);
    x(i, 2) = data.x(i, 1);
    x(i, 3) = data.x(i, 1);
    x(i, 4) = data.x(i, 2);
    x(i, 5) = 0.0;
  }
  const Moments moments = moments_of({x, data.y});
  const CcaSolution s = solve_cca(moments, 0, 1, {});
  check_correlations(s.correlations, data.correlations, 1e-12);
  check_weights(moments, 0, 1, s, 1e-12);
  CHECK(s.x.rank == 3);
  CHECK(s.x.dead == std::vector<Index>{0, 5});
  CHECK(s.y.rank == 4);
  CHECK(s.y.dead.empty());
}

TEST_CASE("a dead block gives no correlations, and weights of the right height") {
  const Moments moments = moments_of({Dense(10, 3), random_matrix(10, 2, 78)});
  const CcaSolution s = solve_cca(moments, 0, 1, {});
  CHECK(s.correlations.empty());
  CHECK(s.x.rank == 0);
  CHECK(s.y.rank == 2);
  REQUIRE(s.x.weights.has_value());
  REQUIRE(s.y.weights.has_value());
  CHECK(s.x.weights->rows() == 3);
  CHECK(s.x.weights->cols() == 0);
  CHECK(s.y.weights->rows() == 2);
  CHECK(s.y.weights->cols() == 0);
  CHECK_FALSE(solve_cca(moments, 0, 1, {0.0, false, {}, {}}).x.weights.has_value());
}

TEST_CASE("with n - 1 or fewer samples than directions, the rest are 1 by construction") {
  const Moments moments = moments_of({random_matrix(10, 7, 79), random_matrix(10, 6, 80)});
  const CcaSolution s = solve_cca(moments, 0, 1, {});
  REQUIRE(s.correlations.size() == 6);
  for (std::size_t i = 0; i < 4; ++i) {  // 7 + 6 - 9
    CHECK(s.correlations[i] > 1.0 - 1e-12);
  }
  CHECK(s.correlations[4] < 1.0 - 1e-6);
}

TEST_CASE("a ridge lowers the correlations as its formula says") {
  // One unit a side: rho / (1 + ridge).
  const Known data = known(50, 1, 1, {0.6}, 81);
  const CcaSolution s = solve_cca(moments_of({data.x, data.y}), 0, 1, {0.25, true, {}, {}});
  CHECK(s.correlations[0] == doctest::Approx(0.6 / 1.25).epsilon(1e-12));
}

TEST_CASE("independent Gaussians follow the null law, E[mean rho^2] = max(p, q) / (n - 1)") {
  double sum = 0.0;
  double squares = 0.0;
  const int trials = 400;
  for (int t = 0; t < trials; ++t) {
    const auto seed = static_cast<unsigned>(1000 + 2 * t);
    const CcaSolution s =
        solve_cca(moments_of({random_matrix(30, 3, seed), random_matrix(30, 5, seed + 1)}), 0, 1,
                  {0.0, false, {}, {}});
    double mean = 0.0;
    for (const double rho : s.correlations) {
      mean += rho * rho / 3.0;
    }
    sum += mean;
    squares += mean * mean;
  }
  const double mean = sum / trials;
  const double error = std::sqrt((squares / trials - mean * mean) / trials);
  CHECK(std::abs(mean - 5.0 / 29.0) < 4.0 * error);
}

TEST_CASE("fewer than two samples have no correlation") {
  const Moments one = moments_of({random_matrix(1, 2, 82), random_matrix(1, 3, 83)});
  CHECK_THROWS_WITH_AS(solve_cca(one, 0, 1, {}),
                       "a comparison needs at least 2 samples, but there is 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(solve_cca(Moments(backend()), 0, 1, {}), std::invalid_argument);
  const Moments two = moments_of({random_matrix(2, 2, 84), random_matrix(2, 3, 85)});
  check_correlations(solve_cca(two, 0, 1, {}).correlations, {1.0}, 1e-12);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
