#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <vector>

#include "cpu/threads.hpp"
#include "interrupts.hpp"

namespace fastcca {

TEST_SUITE_BEGIN("threads");

TEST_CASE("every index up to the number of threads is called once") {
  for (const int wanted : {-1, 0, 1, 2, 3, 7}) {
    CAPTURE(wanted);
    std::array<std::atomic<int>, 8> calls{};
    run_on_threads(wanted, [&](int index, Team&) { ++calls.at(static_cast<std::size_t>(index)); });
    CHECK(calls.at(0).load() == 1);
    for (int i = 1; i < 8; ++i) {  // the system may give fewer threads, never others
      const int before = calls.at(static_cast<std::size_t>(i) - 1).load();
      const int here = calls.at(static_cast<std::size_t>(i)).load();
      CHECK(here <= before);
      CHECK((i < wanted || here == 0));
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

TEST_CASE("threads that wait for each other see what the others did before") {
  constexpr int kRounds = 200;
  for (const int threads : {1, 2, 7}) {
    CAPTURE(threads);
    std::atomic<int> members{0};
    std::atomic<int> done{0};
    std::atomic<bool> missed{false};
    run_on_threads(threads, [&](int, Team& team) {
      ++members;
      team.wait();
      for (int round = 1; round <= kRounds; ++round) {
        ++done;
        team.wait();
        missed.store(missed.load() || done.load() != round * members.load());
        team.wait();
      }
    });
    CHECK_FALSE(missed.load());
    CHECK(done.load() == kRounds * members.load());
  }
}

TEST_CASE("a thread that returns early is not waited for") {
  std::atomic<int> waits{0};
  run_on_threads(5, [&](int index, Team& team) {
    for (int i = 0; i <= index; ++i) {
      team.wait();
      ++waits;
    }
  });
  CHECK(waits.load() >= 1);
}

TEST_CASE("a failure in any thread ends those that wait and those that work") {
  for (const int thrower : {0, 1, 3, 6}) {
    for (const bool waiting : {true, false}) {
      CAPTURE(thrower);
      CAPTURE(waiting);
      const auto body = [&](int index, Team& team) {
        if (index == thrower) {
          throw std::bad_alloc();
        }
        while (true) {
          if (waiting) {
            team.wait();
          } else {
            throw_if_interrupted();
          }
        }
      };
      CHECK_THROWS_AS(run_on_threads(7, body), std::bad_alloc);
    }
  }
}

TEST_CASE("a failure in the midst of many waits") {
  for (int round = 0; round < 100; ++round) {
    const auto body = [&](int index, Team& team) {
      for (int i = 0;; ++i) {
        if (index == round % 4 && i == round) {
          throw std::out_of_range("here");
        }
        team.wait();
      }
    };
    CHECK_THROWS_WITH_AS(run_on_threads(4, body), "here", std::out_of_range);
  }
}

TEST_CASE("of many failures one comes out") {
  for (const int threads : {1, 2, 7}) {
    CHECK_THROWS_AS(run_on_threads(threads, [](int, Team&) { throw std::runtime_error("no"); }),
                    std::runtime_error);
  }
}

TEST_CASE("a failure ends long items of other threads, and those of teams inside") {
  for (const bool nested : {false, true}) {
    CAPTURE(nested);
    const auto endless = [] {
      while (true) {
        throw_if_interrupted();
      }
    };
    const auto item = [&](std::size_t i) {
      if (i == 2) {
        throw std::out_of_range("item 2");
      }
      if (nested) {
        run_on_threads(2, [&](int, Team&) { endless(); });
      } else {
        endless();
      }
    };
    // As many threads as items: an endless one must not keep the failing one from its turn.
    CHECK_THROWS_WITH_AS(for_each_on_threads(3, 3, item), "item 2", std::out_of_range);
  }
}

TEST_CASE("the caller's interrupt ends the work of all threads") {
  for (const int threads : {1, 2, 7}) {
    CAPTURE(threads);
    testing::InterruptAfter interrupt(1000);
    const auto endless = [](int, Team&) {
      while (true) {
        throw_if_interrupted();
      }
    };
    CHECK_THROWS_AS(run_on_threads(threads, endless), testing::Interrupt);
  }
  throw_if_interrupted();  // nobody is asked any more
}

TEST_CASE("scopes of interrupts nest, and the innermost one is asked") {
  testing::InterruptAfter outer(0);
  {
    testing::InterruptAfter inner(1000000);
    throw_if_interrupted();
  }
  CHECK_THROWS_AS(throw_if_interrupted(), testing::Interrupt);
}

TEST_CASE("more items than an int can count need no more threads than that") {
  const auto body = [](std::size_t i) {
    if (i == 10) {
      throw std::out_of_range("item 10");
    }
  };
  CHECK_THROWS_AS(for_each_on_threads(2, std::size_t{1} << 33U, body), std::out_of_range);
}

TEST_SUITE_END();

}  // namespace fastcca
