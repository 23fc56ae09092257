// Measures of rearranged samples against plain products of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "core/permuted_products.hpp"
#include "core/projection_weights.hpp"
#include "data.hpp"
#include "interrupts.hpp"

namespace fastcca::testing {

namespace {

std::vector<Index> shuffled(Index n, unsigned seed) {
  std::vector<Index> out = index_range(n);
  std::mt19937 generator(seed);
  std::shuffle(out.begin(), out.end(), generator);
  return out;
}

SampleCoordinates coordinates_of(const Dense& samples) {
  SampleCoordinates out(backend(), samples.rows, std::vector<double>(at(samples.cols), 0.0),
                        index_range(samples.cols));
  out.add(samples_of(samples).view);
  return out;
}

// x' y with the units of y in another order, in long double.
Dense product_of(const Dense& x, const Dense& y, const PermutedUnits& units,
                 const std::vector<Index>& order) {
  Dense rearranged = y;
  const std::vector<Index> places = units.places(order);
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (Index j = 0; j < y.cols; ++j) {
      rearranged(units.samples[i], j) = y(units.samples[at(places[i])], j);
    }
  }
  return product(transposed(x), rearranged);
}

struct Case {
  Dense x;
  Dense y;
  PermutedUnits units;
  std::vector<Index> order;
  Dense product;

  Case(Index n, Index p, Index q, Index unit_size, unsigned seed)
      : x(random_matrix(n, p, seed)),
        y(random_matrix(n, q, seed + 1)),
        units{shuffled(n, seed + 2), unit_size},
        order(shuffled(n / unit_size, seed + 3)),
        product(product_of(x, y, units, order)) {}

  double value(ProductStatistic statistic, const Dense& of_x = {}, const Dense& of_y = {}) const {
    const SampleCoordinates x_there = coordinates_of(x);
    const SampleCoordinates y_there = coordinates_of(y);
    return PermutedProducts({&x_there, 0.5, to_backend(of_x)}, {&y_there, 4.0, to_backend(of_y)},
                            units, statistic)
        .value(order);
  }
};

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double weighted(const Dense& loadings, const Dense& turn, const std::vector<double>& correlations) {
  const auto weights =
      projection_weights(backend(), to_backend(product(loadings, turn)), correlations);
  return std::inner_product(weights.begin(), weights.end(), correlations.begin(), 0.0);
}

}  // namespace

TEST_SUITE_BEGIN("permuted products");

TEST_CASE("statistics of a product of rearranged samples") {
  // The first is summed over several pieces.
  for (const auto& [n, p, q, size] : {std::array<Index, 4>{6000, 20, 60, 1},
                                      {120, 5, 3, 4},
                                      {90, 3, 6, 3},
                                      {7, 1, 1, 7},
                                      {12, 4, 4, 1}}) {
    CAPTURE(n);
    const Case given(n, p, q, size, static_cast<unsigned>(n));
    Svd svd = backend().svd(to_backend(given.product));
    double squares = 0.0;
    for (const double v : given.product.values) {
      squares += v * v;
    }
    CHECK(given.value(ProductStatistic::kSumOfSquares) ==
          doctest::Approx(4.0 * squares).epsilon(1e-12));
    CHECK(given.value(ProductStatistic::kNuclearNorm) ==
          doctest::Approx(2.0 * sum(svd.values)).epsilon(1e-7));
    const Dense of_x = random_matrix(9, p, 1);
    const Dense of_y = random_matrix(5, q, 2);
    const double by_x = weighted(of_x, to_host(svd.u), svd.values);
    const double by_y = weighted(of_y, transposed(to_host(svd.vt)), svd.values);
    CHECK(given.value(ProductStatistic::kWeightedByX, of_x, of_y) ==
          doctest::Approx(2.0 * by_x).epsilon(1e-7));
    CHECK(given.value(ProductStatistic::kWeightedByBoth, of_x, of_y) ==
          doctest::Approx(by_x + by_y).epsilon(1e-12));
  }
}

TEST_CASE("a block without coordinates has nothing in common with another") {
  const Case given(10, 0, 3, 1, 5);
  CHECK(given.value(ProductStatistic::kNuclearNorm) == 0.0);
  CHECK(given.value(ProductStatistic::kWeightedByX, Dense(4, 0), Dense(4, 3)) == 0.0);
}

TEST_CASE("inner products of rearranged Gram matrices") {
  for (const auto& [n, size] : {std::pair<Index, Index>{500, 1}, {60, 4}, {2, 1}}) {
    CAPTURE(n);
    const Case given(n, 3, 5, size, 40);
    const auto gram = [](const Dense& a) { return product(a, transposed(a)); };
    const auto norm_of = [](const Dense& a) {
      long double out = 0.0L;
      for (const double v : a.values) {
        out += static_cast<long double>(v) * v;
      }
      return std::sqrt(out);
    };
    const Dense x = gram(given.x);
    const Dense y = gram(given.y);
    const PermutedGrams grams(backend(), to_backend(x), to_backend(y), given.units);
    const long double norm = norm_of(given.product);
    const auto wanted = static_cast<double>(norm * norm / norm_of(x) / norm_of(y));
    CHECK(std::abs(grams.value(given.order) - wanted) < 1e-14);
    const PermutedGrams none(backend(), to_backend(x), backend().zeros(n, n), given.units);
    CHECK(none.value(given.order) == 0.0);
  }
}

TEST_CASE("a permuted product has the same bits on any number of threads") {
  const Case given(4000, 40, 30, 1, 50);
  const SampleCoordinates x = coordinates_of(given.x);
  const SampleCoordinates y = coordinates_of(given.y);
  const PermutedProducts products({&x, 1.0, {}}, {&y, 1.0, {}}, given.units,
                                  ProductStatistic::kSumOfSquares);
  std::vector<double> found(8);
  backend().for_each(3, found.size(),
                     [&](std::size_t i) { found[i] = products.value(given.order); });
  CHECK(std::all_of(found.begin(), found.end(), [&](double v) { return v == found[0]; }));
}

TEST_CASE("an interrupted permutation, and orders and units that are none") {
  const Case given(12, 2, 2, 3, 60);
  const SampleCoordinates x = coordinates_of(given.x);
  const SampleCoordinates y = coordinates_of(given.y);
  const auto products = [&](PermutedUnits units, ProductStatistic statistic) {
    return PermutedProducts({&x, 1.0, {}}, {&y, 1.0, {}}, std::move(units), statistic);
  };
  const PermutedProducts made = products(given.units, ProductStatistic::kSumOfSquares);
  {
    InterruptAfter interrupt(0);
    CHECK_THROWS_AS(made.value(given.order), Interrupt);
  }
  CHECK(contains(refusal([&] { return made.value(index_range(3)); }), "name every unit"));
  const std::vector<Index> beyond{0, 1, 2, 4};
  CHECK(contains(refusal<std::out_of_range>([&] { return made.value(beyond); }), "no unit 4"));
  for (const PermutedUnits& wrong : {PermutedUnits{index_range(11), 1},
                                     {index_range(12), 5},
                                     {index_range(12), 0},
                                     {std::vector<Index>(12, 12), 1}}) {
    CHECK(contains(refusal([&] { products(wrong, ProductStatistic::kSumOfSquares); }),
                   "list every sample"));
  }
  CHECK(contains(refusal([&] { products(given.units, ProductStatistic::kWeightedByX); }),
                 "need the loadings"));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
