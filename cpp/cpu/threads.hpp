// Threads for the accumulation, started per call: nothing survives a fork, nothing to shut down.
#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>

namespace fastcca {

// All cores that this process may use, FASTCCA_NUM_THREADS, or what set_num_threads asked for.
int num_threads();
// k >= 1; 0 returns to the default.
void set_num_threads(int k);

// The threads of one call. The first exception of any of them ends the call: it stops the others
// where they wait for each other and where they call throw_if_interrupted, and the caller gets it
// when all have ended.
class Team {
 public:
  using Body = std::function<void(int index, Team& team)>;

  // These are for run_on_threads.
  explicit Team(int members) : barrier_(members) {}
  void run(const Body& body, int index);
  void go_without_one() { barrier_.arrive_and_drop(); }
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

  // Returns when all have come here, or throws where one of them has failed. Bodies that return
  // are not waited for.
  void wait();
  // Throws where one has failed.
  void check() const;

 private:
  std::barrier<> barrier_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
};

// Calls body(index, team) on up to `most` threads at once, index 0 on the caller's. The system
// may give fewer; body must do all the work on any number.
void run_on_threads(int most, const Team::Body& body);

// Calls body(i) for i in [0, count), one item at a time on each of `threads` threads. The first
// exception stops the rest and is thrown again here.
void for_each_on_threads(int threads, std::size_t count,
                         const std::function<void(std::size_t)>& body);

}  // namespace fastcca
