// Whitening of one block: the rank rule, dead units, and W'SW = I on what is kept.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/whitener.hpp"
#include "data.hpp"

namespace fastcca::testing {

namespace {

// `rank` latent directions seen by `units` units, at an offset of so many standard deviations.
Dense layer(Index n, Index rank, Index units, double offset, unsigned seed) {
  const Dense latent = random_matrix(n, rank, seed);
  const Dense mixing = random_matrix(rank, units, seed + 1);
  Dense out = product(latent, mixing);
  for (Index j = 0; j < units; ++j) {
    double squares = 0.0;
    for (Index k = 0; k < rank; ++k) {
      squares += mixing(k, j) * mixing(k, j);
    }
    for (Index i = 0; i < n; ++i) {
      out(i, j) += offset * std::sqrt(squares);
    }
  }
  return out;
}

Whitener whitener_of(const Moments& moments, double ridge = 0.0) {
  return {algebra(), covariance_of(moments, 0), ridge};
}

std::vector<Index> dead_of(const Moments& moments) {
  return units_of(algebra(), covariance_of(moments, 0)).dead();
}

Dense covariance(const Moments& moments) {
  return scaled(to_host(moments.scatter(0, 0)), 1.0 / static_cast<double>(moments.n_samples() - 1));
}

// The distance of W'SW from the identity, where W are the whitener's own directions.
double whitening_error(const Moments& moments, const Whitener& whitener) {
  const Dense w = to_host(whitener.weights(to_backend(identity(whitener.rank()))));
  REQUIRE(w.rows == whitener.size());
  REQUIRE(w.cols == whitener.rank());
  const Dense found = product(product(transposed(w), covariance(moments)), w);
  return norm(difference(found, identity(whitener.rank())));
}

double factor_error(const Moments& moments, const Whitener& whitener) {
  const Dense f = to_host(whitener.factor());
  const Dense found = product(f, transposed(f));
  const Dense wanted = covariance(moments);
  double worst = 0.0;
  const auto& live = whitener.live();
  for (std::size_t j = 0; j < live.size(); ++j) {
    for (std::size_t i = 0; i < live.size(); ++i) {
      const double error =
          std::abs(found(static_cast<Index>(i), static_cast<Index>(j)) - wanted(live[i], live[j]));
      worst =
          std::max(worst, error / std::sqrt(wanted(live[i], live[i]) * wanted(live[j], live[j])));
    }
  }
  return worst;
}

}  // namespace

TEST_SUITE_BEGIN("whitener");

TEST_CASE("a full block is whitened, whatever its scales and offsets") {
  for (const Index units : {1, 2, 20, 70}) {
    CAPTURE(units);
    Dense x = random_matrix(500, units, 51);
    for (Index j = 0; j < units; ++j) {
      const double scale = std::pow(10.0, static_cast<double>(j % 13) - 6.0);
      for (Index i = 0; i < x.rows; ++i) {
        x(i, j) = scale * (x(i, j) + 3.0);
      }
    }
    const Moments moments = moments_of({x});
    const Whitener whitener = whitener_of(moments);
    CHECK(whitener.size() == units);
    CHECK(whitener.rank() == units);
    CHECK(dead_of(moments).empty());
    CHECK(whitener.condition() >= 1.0);
    CHECK(whitener.condition() < 3.0);
    CHECK(whitening_error(moments, whitener) < 1e-13);
    CHECK(factor_error(moments, whitener) < 1e-14);
  }
}

TEST_CASE("the rank of float32 layers is that of their directions, at any offset") {
  for (const Index rank : {1, 8, 32}) {
    for (const double offset : {0.0, 1.0, 100.0, 10000.0}) {
      for (const Index units : {33, 64}) {
        CAPTURE(rank);
        CAPTURE(offset);
        CAPTURE(units);
        const Dense x = layer(2000, rank, units, offset, 52);
        const Moments moments = moments_of({x}, DType::kFloat32);
        const Whitener whitener = whitener_of(moments);
        CHECK(whitener.rank() == rank);
        CHECK(dead_of(moments).empty());
        CHECK(whitening_error(moments, whitener) < 1e-9);
      }
    }
  }
}

TEST_CASE("the rank of float64 layers, duplicated units among them") {
  Dense x = layer(1000, 5, 12, 10.0, 53);
  const Moments low = moments_of({x});
  CHECK(whitener_of(low).rank() == 5);

  Dense doubled = random_matrix(300, 6, 54);
  for (Index i = 0; i < doubled.rows; ++i) {
    doubled(i, 3) = doubled(i, 1);
    doubled(i, 5) = -2.5 * doubled(i, 0) + 7.0;
  }
  const Moments moments = moments_of({doubled});
  const Whitener whitener = whitener_of(moments);
  CHECK(whitener.rank() == 4);
  CHECK(dead_of(moments).empty());
  CHECK(whitening_error(moments, whitener) < 1e-12);
  CHECK(factor_error(moments, whitener) < 1e-13);
}

TEST_CASE("fewer samples than units leave n - 1 directions") {
  const Moments moments = moments_of({random_matrix(10, 25, 55)});
  const Whitener whitener = whitener_of(moments);
  CHECK(whitener.rank() == 9);
  CHECK(whitening_error(moments, whitener) < 1e-12);
}

TEST_CASE("dead units are reported and take no part") {
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const Dense live = random_matrix(200, 8, 56);
    Dense x = live;
    for (Index i = 0; i < x.rows; ++i) {
      x(i, 0) = 0.0;    // a unit that never fires
      x(i, 3) = 0.1;    // one that always says the same, with a mean that rounds
      x(i, 7) = -1e30;  // and on a scale of its own
    }
    const Moments moments = moments_of({x}, dtype);
    const Whitener whitener = whitener_of(moments);
    CHECK(dead_of(moments) == std::vector<Index>{0, 3, 7});
    CHECK(whitener.live() == std::vector<Index>{1, 2, 4, 5, 6});
    CHECK(whitener.rank() == 5);
    CHECK(whitening_error(moments, whitener) < 1e-13);
    const Dense w = to_host(whitener.weights(to_backend(identity(5))));
    for (const Index j : dead_of(moments)) {
      for (Index k = 0; k < 5; ++k) {
        CHECK(w(j, k) == 0.0);
      }
    }
  }
}

TEST_CASE("a block without a live unit has rank 0") {
  Dense x(20, 3);
  for (double& v : x.values) {
    v = 2.5;
  }
  const Whitener whitener = whitener_of(moments_of({x}));
  CHECK(whitener.rank() == 0);
  CHECK(dead_of(moments_of({x})) == std::vector<Index>{0, 1, 2});
  CHECK(whitener.live().empty());
}

TEST_CASE("a ridge is added after the rank was decided") {
  const Dense full = random_matrix(400, 6, 57);
  const Dense deficient = layer(400, 3, 6, 0.0, 58);
  for (const Dense& x : {full, deficient}) {
    const Moments moments = moments_of({x});
    const Whitener plain = whitener_of(moments);
    const Whitener ridged = whitener_of(moments, 0.5);
    CHECK(ridged.rank() == plain.rank());
    CHECK(ridged.condition() == plain.condition());
    // W'(S + ridge D^2)W = I, with D the standard deviations, on the kept directions.
    Dense regularized = covariance(moments);
    for (Index j = 0; j < 6; ++j) {
      regularized(j, j) *= 1.5;
    }
    const Dense w = to_host(ridged.weights(to_backend(identity(ridged.rank()))));
    const Dense found = product(product(transposed(w), regularized), w);
    CHECK(norm(difference(found, identity(ridged.rank()))) < 1e-13);
  }
}

TEST_CASE("both routes whiten the same cross covariance to the same core") {
  // A unit that nearly repeats another sends the block to the eigenvectors, and must change little.
  const Dense x = random_matrix(500, 4, 59);
  const Dense y = random_matrix(500, 3, 60);
  Dense close(500, 5);
  for (Index i = 0; i < 500; ++i) {
    for (Index j = 0; j < 4; ++j) {
      close(i, j) = x(i, j);
    }
    close(i, 4) = x(i, 0);
  }
  const auto core_values = [&](const Dense& rows) {
    const Moments moments = moments_of({y, rows});
    const Whitener wy(algebra(), covariance_of(moments, 0), 0.0);
    const Whitener wx(algebra(), covariance_of(moments, 1), 0.0);
    CHECK(wx.rank() == 4);
    return backend().singular_values(core_matrix(algebra(), wx, wy, moments.scatter(1, 0), 499.0));
  };
  const auto plain = core_values(x);
  const auto repeated = core_values(close);
  REQUIRE(plain.size() == 3);
  REQUIRE(repeated.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(std::abs(plain[i] - repeated[i]) < 1e-13);
  }
}

TEST_CASE("the condition is that of the unit-scaled block") {
  // Two units with correlation r: eigenvalues 1 + r and 1 - r.
  const Dense q = random_orthonormal(100, 3, 61);
  Dense x(100, 2);
  double mean[3] = {0.0, 0.0, 0.0};
  for (Index i = 0; i < 100; ++i) {
    for (Index j = 0; j < 3; ++j) {
      mean[j] += q(i, j) / 100.0;
    }
  }
  const double r = 0.9;
  for (Index i = 0; i < 100; ++i) {
    const double a = q(i, 0) - mean[0];
    const double b = q(i, 1) - mean[1];
    x(i, 0) = 1e8 * a;
    x(i, 1) = r * a + std::sqrt(1.0 - r * r) * b;
  }
  const Moments moments = moments_of({x});
  const Dense s = covariance(moments);
  const double found = s(0, 1) / std::sqrt(s(0, 0) * s(1, 1));
  const double wanted = std::sqrt((1.0 + std::abs(found)) / (1.0 - std::abs(found)));
  CHECK(whitener_of(moments).condition() == doctest::Approx(wanted).epsilon(1e-10));
}

TEST_CASE("a variance that is not finite is refused with the feature's number") {
  Dense scatter = identity(3);
  scatter(2, 2) = std::numeric_limits<double>::infinity();
  const Matrix there = to_backend(scatter);
  const std::vector<double> mean(3, 0.0);
  try {
    const Whitener whitener(algebra(), {&there, 1.0, mean, kEps}, 0.0);
    FAIL("nothing was thrown");
  } catch (const std::invalid_argument& error) {
    CHECK(std::string(error.what()).find("feature 2") != std::string::npos);
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
