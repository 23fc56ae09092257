// What only the CPU backend does.
#include <doctest/doctest.h>

#include <stdexcept>

#include "data.hpp"

namespace fastcca::testing {

TEST_SUITE_BEGIN("cpu backend");

TEST_CASE("arrays in the memory of a device are turned away") {
  const Samples host = samples_of(random_matrix(5, 2, 1));
  ArrayView elsewhere = host.view;
  elsewhere.memory = Memory::kDevice;
  const ArrayView views[] = {host.view, elsewhere};
  CHECK_THROWS_WITH_AS(backend().accumulate(views, {}, 0), doctest::Contains("array 1"),
                       std::invalid_argument);
  CHECK_THROWS_AS(backend().accumulate_single(views, {}, 0), std::invalid_argument);
  CHECK_THROWS_AS(backend().read_centred(views, 0, 5), std::invalid_argument);
  CHECK_THROWS_AS(backend().find_non_finite(elsewhere), std::invalid_argument);
  CHECK_THROWS_AS(backend().largest_deviation(elsewhere), std::invalid_argument);
}

TEST_SUITE_END();

}  // namespace fastcca::testing
