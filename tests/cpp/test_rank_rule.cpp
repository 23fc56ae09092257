// The rank rule on vectors that are written out.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "core/batch.hpp"
#include "core/rank_rule.hpp"
#include "data.hpp"

namespace fastcca::testing {

TEST_SUITE_BEGIN("rank rule");

TEST_CASE("noise goes with the mean square and with the square of the precision") {
  CHECK(rank_rule::noise_variance(1.0, 0x1p-23) == 9.0 * 0x1p-46);
  CHECK(rank_rule::noise_variance(4.0, 0x1p-10) == 36.0 * 0x1p-20);
  CHECK(rank_rule::noise_variance(0.0, 0x1p-10) == std::numeric_limits<double>::min());
}

TEST_CASE("a unit lives where its variance is above the noise of its values") {
  const double noise = rank_rule::noise_variance(1.0, 0x1p-23);
  const std::vector<double> variances{0.0, noise, 1.0000001 * noise, 0.9999999 * noise,
                                      1.0, 1e-300};
  const std::vector<double> energy{0.0, 1.0, 1.0, 1.0, 1e20, 1e-300};
  CHECK(rank_rule::live_units(variances, energy, 0x1p-23) == std::vector<Index>{2, 5});
  CHECK(rank_rule::live_units(variances, energy, 0x1p-52) == std::vector<Index>{1, 2, 3, 4, 5});
  CHECK(rank_rule::live_units({}, {}, 0x1p-52).empty());
}

TEST_CASE("a variance that is not finite is refused with the feature's number") {
  for (const double bad :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const std::vector<double> variances{1.0, bad};
    CHECK_THROWS_WITH_AS(
        rank_rule::live_units(variances, variances, kEps),
        "the variance of feature 1 overflows float64; divide the data by a constant",
        std::invalid_argument);
  }
}

TEST_CASE("the noise of a unit once it is scaled to unit variance") {
  const std::vector<Index> live{0, 2};
  const std::vector<double> variances{4.0, 0.0, 1e-6};
  const std::vector<double> energy{4.0, 1.0, 1.0};
  const auto noise = rank_rule::unit_noise(live, variances, energy, 0x1p-23);
  REQUIRE(noise.size() == 2);
  CHECK(noise[0] == 9.0 * 0x1p-46);
  CHECK(noise[1] == doctest::Approx(9e6 * 0x1p-46).epsilon(1e-12));
}

TEST_CASE("the floors grow with the number of features, from 64 on") {
  const auto covariance_floor = [](std::size_t p) { return rank_rule::covariance_floor(p, kEps); };
  for (const auto p : {1, 64, 1000}) {
    const double floor = std::max(p, 64) * kEps;
    CHECK(covariance_floor(static_cast<std::size_t>(p)) == floor);
    CHECK(rank_rule::factor_floor(static_cast<std::size_t>(p)) == floor);
    CHECK(rank_rule::covariance_floor(static_cast<std::size_t>(p), 0x1p-23) == 64.0 * 0x1p-23);
  }
}

TEST_CASE("a precision is coarser or not, and a view may be rounded coarser than its dtype") {
  CHECK(epsilon(Precision::kBFloat16) == 0x1p-7);
  CHECK(epsilon(Precision::kFloat16) == 0x1p-10);
  CHECK(epsilon(Precision::kFloat32) == 0x1p-23);
  CHECK(epsilon(Precision::kFloat64) == 0x1p-52);
  CHECK(coarser(Precision::kFloat16, Precision::kFloat64) == Precision::kFloat16);
  CHECK(coarser(Precision::kFloat16, Precision::kBFloat16) == Precision::kBFloat16);
  CHECK(coarser(Precision::kFloat64, Precision::kFloat32) == Precision::kFloat32);
  ArrayView view;
  for (const DType dtype : kDTypes) {
    view.dtype = dtype;
    view.rounded_to.reset();
    CHECK(precision_of(view) == precision_of(dtype));
    view.rounded_to = Precision::kFloat64;
    CHECK(precision_of(view) == precision_of(dtype));
    view.rounded_to = Precision::kBFloat16;
    CHECK(precision_of(view) == Precision::kBFloat16);
  }
}

TEST_SUITE_END();

}  // namespace fastcca::testing
