#include "cpu/threads.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#include "core/interrupt.hpp"

namespace fastcca {

namespace {

std::atomic<int> requested_threads{0};
constexpr long kMostThreads = 4096;

// The cores that the process is bound to, as by a job scheduler or a container. The standard
// library counts all that there are, and reads a file for it.
int usable_cores() {
#ifdef __linux__
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) {  // fails beyond 1024 cores
    return CPU_COUNT(&cores);
  }
#endif
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

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
  return usable_cores();
}

// Ends the work of a thread whose team has failed; the team's error is another one.
class Stopped : public std::exception {};

class TeamScope final : public InterruptScope {
 public:
  explicit TeamScope(const Team& team) : team_(team) {}

  void check() override {
    team_.check();
    if (outer() != nullptr) {
      outer()->check();
    }
  }

 private:
  const Team& team_;
};

}  // namespace

int num_threads() {
  const int requested = requested_threads.load();
  return requested > 0 ? requested : default_threads();
}

void set_num_threads(int k) { requested_threads.store(k); }

void Team::run(const Body& body, int index) {
  try {
    const TeamScope scope(*this);
    body(index, *this);
  } catch (...) {
    const std::scoped_lock guard(mutex_);
    if (!error_) {
      error_ = std::current_exception();
      failed_.store(true);
    }
  }
  barrier_.arrive_and_drop();
}

void Team::wait() {
  barrier_.arrive_and_wait();
  check();
}

void Team::check() const {
  if (failed_.load()) {
    throw Stopped();
  }
}

void run_on_threads(int most, const Team::Body& body) {
  // Everything that can fail for want of memory comes before the first thread.
  const int members = std::max(most, 1);
  Team team(members);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(members - 1));
  int next = 1;
  try {
    for (; next < members; ++next) {
      threads.emplace_back([&team, &body, index = next] { team.run(body, index); });
    }
  } catch (const std::exception&) {
    // Fewer threads do the same work.
    for (; next < members; ++next) {
      team.go_without_one();
    }
  }
  team.run(body, 0);
  for (auto& thread : threads) {
    thread.join();
  }
  team.rethrow();
}

void for_each_on_threads(int threads, std::size_t count,
                         const std::function<void(std::size_t)>& body) {
  const auto most = static_cast<std::size_t>(std::max(threads, 1));
  std::atomic<std::size_t> next{0};
  run_on_threads(static_cast<int>(std::min(most, count)), [&](int, Team&) {
    for (std::size_t i = next++; i < count; i = next++) {
      throw_if_interrupted();
      body(i);
    }
  });
}

}  // namespace fastcca
