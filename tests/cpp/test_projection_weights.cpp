// Projection weights against plain sums, and where correlations tie.
#include <doctest/doctest.h>

#include <cmath>

#include "core/projection_weights.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

std::vector<double> weights_of(const Dense& loadings, const std::vector<double>& correlations) {
  return projection_weights(backend(), to_backend(loadings), correlations);
}

// The columns [first, first + 3) turned by a rotation.
Dense turned(const Dense& loadings, Index first) {
  const Dense rotation = random_orthonormal(3, 3, 90);
  Dense out = loadings;
  for (Index i = 0; i < loadings.rows; ++i) {
    for (Index j = 0; j < 3; ++j) {
      out(i, first + j) = 0.0;
      for (Index k = 0; k < 3; ++k) {
        out(i, first + j) += loadings(i, first + k) * rotation(k, j);
      }
    }
  }
  return out;
}

void check_close(const std::vector<double>& found, const std::vector<double>& wanted) {
  REQUIRE(found.size() == wanted.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    CHECK(found[k] == doctest::Approx(wanted[k]).epsilon(1e-12));
  }
}

}  // namespace

TEST_SUITE_BEGIN("projection weights");

TEST_CASE("weights are shares of absolute column sums") {
  Dense loadings = random_matrix(7, 4, 1);
  std::vector<double> wanted(4, 0.0);
  double total = 0.0;
  for (Index j = 0; j < 4; ++j) {
    for (Index i = 0; i < 7; ++i) {
      wanted[at(j)] += std::abs(loadings(i, j));
    }
    total += wanted[at(j)];
  }
  for (double& w : wanted) {
    w /= total;
  }
  const std::vector<double> correlations{0.9, 0.7, 0.7 - 1e-9, 0.1};
  check_close(weights_of(loadings, correlations), wanted);
  check_close(weights_of(scaled(loadings, 0x1p1021), correlations), wanted);
  CHECK(weights_of(Dense(5, 0), {}).empty());
  CHECK(contains(refusal([&] { weights_of(loadings, {0.5}); }), "1 correlations of 4 variates"));
}

TEST_CASE("variates of tied correlations may be turned into each other") {
  const Dense loadings = random_matrix(7, 5, 2);
  for (const Index first : {0, 1, 2}) {
    CAPTURE(first);
    std::vector<double> correlations{0.9, 0.8, 0.7, 0.6, 0.5};
    correlations[at(first + 1)] = correlations[at(first)] - 1e-11;
    correlations[at(first + 2)] = correlations[at(first)] - 2e-11;
    const auto found = weights_of(loadings, correlations);
    check_close(weights_of(turned(loadings, first), correlations), found);
    check_close(weights_of(scaled(turned(loadings, first), 0x1p1021), correlations), found);
    // The first one explains most.
    const auto most = found[at(first)];
    CHECK(most * most > found[at(first + 2)] * found[at(first + 2)]);
  }
}

TEST_CASE("fewer features than tied variates") {
  const auto found = weights_of(random_matrix(2, 4, 3), {0.5, 0.0, 0.0, 0.0});
  CHECK(found[3] == 0.0);
  CHECK(found[0] + found[1] + found[2] == doctest::Approx(1.0).epsilon(1e-14));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
