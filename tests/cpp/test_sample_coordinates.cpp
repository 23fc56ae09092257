// Samples in the coordinates of their block, against plain products.
#include <doctest/doctest.h>

#include <cmath>

#include "core/sample_coordinates.hpp"
#include "data.hpp"
#include "interrupts.hpp"

namespace fastcca::testing {

TEST_SUITE_BEGIN("sample coordinates");

TEST_CASE("samples less a mean, times weights, in batches") {
  // So many that a batch is read in several pieces.
  const Dense x = random_matrix(7000, 50, 1);
  const Dense weights = random_matrix(50, 6, 2);
  const std::vector<double> mean = random_matrix(50, 1, 3).values;
  SampleCoordinates found(backend(), x.rows, mean, to_backend(weights));
  for (const auto& [first, last] : {std::pair<Index, Index>{0, 5}, {5, 6900}, {6900, 7000}}) {
    found.add(samples_of(rows_of(x, first, last), DType::kFloat64, Layout::kColumnMajor).view);
  }
  Dense less = transposed(x);
  for (Index i = 0; i < x.rows; ++i) {
    for (Index j = 0; j < x.cols; ++j) {
      less(j, i) -= mean[at(j)];
    }
  }
  const Dense wanted = product(transposed(weights), less);
  CHECK(residual_ratio(difference(to_host(found.values()), wanted), norm(wanted), 50) <
        kRatioLimit);
  double squares = 0.0;
  for (const double v : wanted.values) {
    squares += v * v;
  }
  const Dense scatter = product(wanted, transposed(wanted));
  double fourths = 0.0;
  for (const double v : scatter.values) {
    fourths += v * v;
  }
  CHECK(found.norms().first == doctest::Approx(std::sqrt(squares)).epsilon(1e-13));
  CHECK(found.norms().second == doctest::Approx(std::sqrt(fourths)).epsilon(1e-13));
}

TEST_CASE("the live units of a block of moments, centred") {
  Dense x = random_matrix(40, 4, 4);
  for (Index i = 0; i < 40; ++i) {
    x(i, 1) = 3.0;
  }
  SampleCoordinates found(moments_of({random_matrix(40, 2, 5), x}), 1);
  found.add(samples_of(x).view);
  const Dense values = to_host(found.values());
  REQUIRE(values.rows == 3);
  const Reference reference = reference_of(x);
  for (Index i = 0; i < 40; ++i) {
    for (const auto& [k, j] : {std::pair<Index, Index>{0, 0}, {1, 2}, {2, 3}}) {
      CHECK(values(k, i) == doctest::Approx(x(i, j) - reference.mean[at(j)]).epsilon(1e-13));
    }
  }
}

TEST_CASE("coordinates of an interrupted batch are made again, and some samples are refused") {
  const Samples x = samples_of(random_matrix(20, 3, 6));
  const std::vector<double> zeros(3, 0.0);
  SampleCoordinates found(backend(), 20, zeros, index_range(3));
  {
    InterruptAfter interrupt(0);
    CHECK_THROWS_AS(found.add(x.view), Interrupt);
  }
  CHECK(contains(refusal([&] { found.values(); }), "20 samples were given 0"));
  CHECK(contains(refusal([&] { found.add(samples_of(random_matrix(20, 2, 7)).view); }),
                 "20 of 3 features in all"));
  CHECK(contains(refusal([&] { found.add(samples_of(random_matrix(21, 3, 7)).view); }),
                 "20 of 3 features in all"));
  found.add(x.view);
  CHECK(same_bits(to_host(found.values()).values, transposed(x.values).values));
  CHECK(contains(
      refusal([&] { SampleCoordinates(backend(), 20, zeros, to_backend(random_matrix(4, 2, 8))); }),
      "weights of 4 features, and means of 3"));
}

TEST_SUITE_END();

}  // namespace fastcca::testing
