#include "cpu/threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace fastcca {

namespace {

std::atomic<int> requested_threads{0};
constexpr long kMostThreads = 4096;

int default_threads() {
  if (const char* text = std::getenv("FASTCCA_NUM_THREADS"); text != nullptr && *text != '\0') {
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < 1 || value > kMostThreads) {
      throw std::invalid_argument("FASTCCA_NUM_THREADS='" + std::string(text) +
                                  "' must be a whole number from 1 to " +
                                  std::to_string(kMostThreads));
    }
    return static_cast<int>(value);
  }
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

int num_threads() {
  const int requested = requested_threads.load();
  return requested > 0 ? requested : default_threads();
}

void set_num_threads(int k) { requested_threads.store(k); }

void run_on_threads(int wanted, const std::function<void(int index, int count)>& body) {
  if (wanted <= 1) {
    body(0, 1);
    return;
  }
  // Threads wait until it is known how many the system gave.
  std::atomic<int> count{0};
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(wanted - 1));
  try {
    for (int i = 1; i < wanted; ++i) {
      threads.emplace_back([&count, &body, i] {
        count.wait(0);
        body(i, count.load());
      });
    }
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // Fewer threads than wanted do the same work.
  }
  count.store(static_cast<int>(threads.size()) + 1);
  count.notify_all();
  body(0, count.load());
  for (auto& thread : threads) {
    thread.join();
  }
}

void for_each_on_threads(int threads, std::size_t count,
                         const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex mutex;
  run_on_threads(std::min(threads, static_cast<int>(count)), [&](int, int) {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        body(i);
      }
    } catch (...) {
      const std::scoped_lock guard(mutex);
      if (!error) {
        error = std::current_exception();
      }
      next.store(count);
    }
  });
  if (error) {
    std::rethrow_exception(error);
  }
}

}  // namespace fastcca
