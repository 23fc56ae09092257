#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <vector>

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

TEST_CASE("every item is called once, on any number of threads") {
  for (const int threads : {0, 1, 2, 7}) {
    for (const std::size_t count : {0, 1, 2, 5, 1000}) {
      CAPTURE(threads);
      CAPTURE(count);
      std::vector<std::atomic<int>> calls(count);
      for_each_on_threads(threads, count, [&](std::size_t i) { ++calls.at(i); });
      for (const auto& call : calls) {
        CHECK(call.load() == 1);
      }
    }
  }
}

TEST_CASE("the first exception stops the rest and is thrown again") {
  for (const int threads : {1, 2, 7}) {
    CAPTURE(threads);
    std::vector<std::atomic<int>> calls(100000);
    const auto body = [&](std::size_t i) {
      ++calls.at(i);
      if (i == 3) {
        throw std::out_of_range("item 3");
      }
    };
    CHECK_THROWS_WITH_AS(for_each_on_threads(threads, calls.size(), body), "item 3",
                         std::out_of_range);
    for (const auto& call : calls) {
      CHECK(call.load() <= 1);
    }
    if (threads == 1) {
      CHECK(calls.at(4).load() == 0);
    }
  }
}

TEST_CASE("where every item throws, one exception comes out") {
  for (const int threads : {1, 2, 7}) {
    CHECK_THROWS_AS(
        for_each_on_threads(threads, 50, [](std::size_t) { throw std::runtime_error("no"); }),
        std::runtime_error);
  }
}

TEST_SUITE_END();

}  // namespace fastcca
