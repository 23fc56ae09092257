// Data and states at the limits of float64 and of counts: refused with a reason, never 0 or NaN.
#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "core/factor_measures.hpp"
#include "core/google_cca.hpp"
#include "core/measures.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

constexpr Index kMostSamples = std::numeric_limits<Index>::max();

// Five times the same unit, whose scatter float64 holds and that of all five it does not.
Moments near_overflow() {
  Dense x(4, 5);
  for (Index j = 0; j < x.cols; ++j) {
    for (Index i = 0; i < x.rows; ++i) {
      x(i, j) = i % 2 == 0 ? 6.5e153 : -6.5e153;
    }
  }
  return moments_of({x, x});
}

}  // namespace

TEST_SUITE_BEGIN("limits");

TEST_CASE("more samples than can be counted are turned away, and nothing changes") {
  const Moments small = moments_of({random_matrix(9, 2, 32)});
  const auto with_count = [&](Index n) {
    std::vector<std::vector<Matrix>> scatter(1);
    scatter[0].push_back(backend().copy(small.scatter(0, 0)));
    return Moments::restore(backend(), n, {small.block(0)}, std::move(scatter));
  };
  Moments large = with_count(kMostSamples - 9);
  large.merge(small);
  CHECK(large.n_samples() == kMostSamples);
  const Snapshot before = snapshot(large);
  CHECK_THROWS_AS(large.merge(small), std::length_error);
  CHECK_THROWS_AS(large.merge(large), std::length_error);
  CHECK(same_bits(snapshot(large), before));
}

TEST_CASE("more samples than a factor can count are turned away") {
  const auto with_count = [](Index n) {
    return QrFactor::restore(backend(), n, {{"x", {0.0}, Precision::kFloat64}},
                             to_backend(identity(1)));
  };
  QrFactor large = with_count(kMostSamples - 1);
  large.merge(with_count(1));
  CHECK(large.n_samples() == kMostSamples);
  CHECK_THROWS_AS(large.merge(with_count(1)), std::length_error);
  CHECK_THROWS_AS(large.merge(large), std::length_error);
  CHECK(large.n_samples() == kMostSamples);
}

TEST_CASE("variances that overflow only when they are added up are refused") {
  const Moments moments = near_overflow();
  CHECK_THROWS_AS(linear_cka(moments, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(procrustes(moments, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(linear_regression(moments, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(solve_pls(moments, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(principal_axes(algebra(), covariance_of(moments, 0)), std::invalid_argument);
  const CcaSolution solution = solve_cca(moments, 0, 1, {0.0, true, {}, {}});
  CHECK(solution.correlations.size() == 1);  // unit variances do not overflow
  CHECK(solution.correlations[0] == doctest::Approx(1.0));
}

TEST_CASE("inverse square roots that overflow with the covariances of other units are refused") {
  const Dense z = random_matrix(40, 3, 34);
  Dense x(40, 2);
  Dense y(40, 1);
  for (Index i = 0; i < 40; ++i) {
    x(i, 0) = z(i, 0) * 1e-150;
    x(i, 1) = (z(i, 0) + z(i, 1)) * 1e150;
    y(i, 0) = z(i, 2) * 1e150;
  }
  const Moments moments = moments_of({y, x});
  CHECK_THROWS_AS(solve_symmetric_cca(algebra(), covariance_of(moments, 1),
                                      covariance_of(moments, 0), moments.scatter(1, 0), 0.0),
                  std::invalid_argument);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
