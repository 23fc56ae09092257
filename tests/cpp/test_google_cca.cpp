// The quantities of google/svcca: of given covariances, of moments, and its weights.
#include <doctest/doctest.h>

#include <cmath>

#include "core/cca.hpp"
#include "core/google_cca.hpp"
#include "data.hpp"
#include "known_data.hpp"

namespace fastcca::testing {

namespace {

// The absolute row sums of P'X, step by step over the samples: P by Gram and Schmidt, twice.
std::vector<double> weights_over_samples(const Dense& samples, const Dense& coefficients) {
  const Index n = samples.rows;
  Dense directions = samples;
  std::vector<double> mean(at(samples.cols));
  for (Index j = 0; j < samples.cols; ++j) {
    for (Index i = 0; i < n; ++i) {
      mean[at(j)] += samples(i, j) / static_cast<double>(n);
    }
    for (Index i = 0; i < n; ++i) {
      directions(i, j) -= mean[at(j)];
    }
  }
  directions = product(directions, coefficients);
  for (Index j = 0; j < directions.cols; ++j) {
    for (Index i = 0; i < n; ++i) {
      directions(i, j) += mean[at(j)];
    }
  }
  Dense basis = directions;
  for (Index j = 0; j < basis.cols; ++j) {
    for (int pass = 0; pass < 2; ++pass) {
      for (Index k = 0; k < j; ++k) {
        long double dot = 0.0L;
        for (Index i = 0; i < n; ++i) {
          dot += static_cast<long double>(basis(i, j)) * basis(i, k);
        }
        for (Index i = 0; i < n; ++i) {
          basis(i, j) = static_cast<double>(basis(i, j) - dot * basis(i, k));
        }
      }
    }
    long double squares = 0.0L;
    for (Index i = 0; i < n; ++i) {
      squares += static_cast<long double>(basis(i, j)) * basis(i, j);
    }
    for (Index i = 0; i < n; ++i) {
      basis(i, j) = static_cast<double>(basis(i, j) / std::sqrt(squares));
    }
  }
  const Dense projected = product(transposed(basis), samples);
  std::vector<double> out(at(basis.cols));
  double total = 0.0;
  for (Index k = 0; k < basis.cols; ++k) {
    for (Index j = 0; j < samples.cols; ++j) {
      out[at(k)] += std::abs(projected(k, j));
    }
    total += out[at(k)];
  }
  for (double& w : out) {
    w /= total;
  }
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("google");

TEST_CASE("coefficients are the canonical correlations, in any order of the blocks") {
  const Known data = known(300, 5, 3, {0.9, 0.6, 0.2}, 1101);
  const Moments moments = moments_of({data.x, data.y});
  for (const bool swapped : {false, true}) {
    const auto found = google_cca(moments, swapped ? 1 : 0, swapped ? 0 : 1, 0.0);
    REQUIRE(found.solved);
    check_correlations(found.solved->correlations, data.correlations, 1e-11);
    CHECK(found.x_kept == index_range(swapped ? 3 : 5));
    CHECK(found.solved->u.rows() == (swapped ? 3 : 5));
    CHECK(found.solved->vt.rows() == (swapped ? 5 : 3));
  }
}

TEST_CASE("neurons of less than a share of the largest variance are dropped") {
  Dense x = random_matrix(100, 4, 1111);
  for (Index i = 0; i < 100; ++i) {
    x(i, 1) *= 1e-4;
    x(i, 3) = 2.0;
  }
  const Dense y = random_matrix(100, 2, 1112);
  const Moments moments = moments_of({x, y});
  const auto found = google_cca(moments, 0, 1, 1e-6);
  CHECK(found.x_kept == std::vector<Index>{0, 2});
  CHECK(found.y_kept == index_range(2));
  REQUIRE(found.solved);
  CHECK(found.solved->x_inverse_sqrt.rows() == 2);
  CHECK_FALSE(google_cca(moments, 0, 1, 2.0).solved);
  const Moments constant = moments_of({Dense(100, 2), y});
  CHECK_FALSE(google_cca(constant, 0, 1, 0.0).solved);
  CHECK(google_weights(constant, 0, 1, 0.0).weights.empty());
}

TEST_CASE("given covariances are taken as they are") {
  const Moments moments = moments_of({random_matrix(90, 4, 1121), random_matrix(90, 3, 1122)});
  const Dense cross = transposed(to_host(moments.scatter(1, 0)));
  const auto found = google_cca(algebra(), covariance_of(moments, 0), covariance_of(moments, 1),
                                to_backend(cross), 0.0);
  REQUIRE(found.solved);
  check_correlations(found.solved->correlations, solve_cca(moments, 0, 1, {}).correlations, 1e-12);
}

TEST_CASE("weights are those of the original's steps over the samples") {
  const Known data = known(200, 6, 4, {0.9, 0.7, 0.3, 0.1}, 1131);
  const Moments moments = moments_of({data.x, data.y});
  for (const double epsilon : {0.0, 1e-9}) {  // under the variance of every neuron
    for (const auto& [x, y] : {std::pair<Index, Index>{0, 1}, {1, 0}}) {
      const auto solved = google_cca(moments, x, y, epsilon).solved;
      REQUIRE(solved);
      // The side of fewer neurons; the original's answer depends on the signs of coefficients.
      const auto wanted = weights_over_samples(
          data.y, x == 0 ? transposed(to_host(solved->vt)) : to_host(solved->u));
      const GoogleWeights found = google_weights(moments, x, y, epsilon);
      REQUIRE(found.weights.size() == 4);
      for (std::size_t k = 0; k < 4; ++k) {
        CHECK(found.weights[k] == doctest::Approx(wanted[k]).epsilon(1e-8));
      }
      CHECK(same_bits(found.correlations, solved->correlations));
    }
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
