#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>

#include "cpu/threads.hpp"

namespace fastcca {

TEST_SUITE_BEGIN("threads");

TEST_CASE("every index up to the count is called once") {
  for (const int wanted : {0, 1, 2, 3, 7}) {
    std::array<std::atomic<int>, 8> calls{};
    std::atomic<int> counts{0};
    run_on_threads(wanted, [&](int index, int count) {
      ++calls.at(static_cast<std::size_t>(index));
      counts.store(count);
    });
    const int count = counts.load();
    CHECK(count >= 1);
    CHECK(count <= (wanted > 1 ? wanted : 1));
    for (int i = 0; i < 8; ++i) {
      CHECK(calls.at(static_cast<std::size_t>(i)).load() == (i < count ? 1 : 0));
    }
  }
}

TEST_CASE("the number of threads can be set and set back") {
  const int usual = num_threads();
  CHECK(usual >= 1);
  set_num_threads(5);
  CHECK(num_threads() == 5);
  set_num_threads(0);
  CHECK(num_threads() == usual);
}

TEST_SUITE_END();

}  // namespace fastcca
