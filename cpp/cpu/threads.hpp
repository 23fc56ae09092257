// Threads for the accumulation, started per call: nothing survives a fork, nothing to shut down.
#pragma once

#include <cstddef>
#include <functional>

namespace fastcca {

// All cores that this process may use, FASTCCA_NUM_THREADS, or what set_num_threads asked for.
int num_threads();
// k >= 1; 0 returns to the default.
void set_num_threads(int k);

// Calls body(index, count) on up to `wanted` threads at once, the caller's among them. `count` is
// how many could be started; body must do all the work for any count. Exceptions are not expected
// from the body: whatever it needs is allocated before.
void run_on_threads(int wanted, const std::function<void(int index, int count)>& body);

// Calls body(i) for i in [0, count), one item at a time on each of `threads` threads. The first
// exception stops the rest and is thrown again here.
void for_each_on_threads(int threads, std::size_t count,
                         const std::function<void(std::size_t)>& body);

}  // namespace fastcca
