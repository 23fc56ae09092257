#include <algorithm>

#include "bindings/locked.hpp"

#ifndef _WIN32
#include <pthread.h>
#include <unistd.h>
#endif

namespace fastcca {

namespace {

namespace py = pybind11;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often signals are looked for, and how rarely where other threads keep the GIL for long: the
// wait is a twentieth of the time between.
constexpr milliseconds kInterval{50};
constexpr milliseconds kLongestInterval{1000};
constexpr int kShareOfWaits = 20;

constexpr milliseconds kPatience{50};

#ifdef _WIN32
long this_process() { return 0; }  // nothing forks there
#else
// Kept, since a short call would spend a tenth of its time on asking the system. Only a fork
// changes it. 0 where it is to be asked for.
std::atomic<long> known_process{0};
const bool hears_of_forks = pthread_atfork(nullptr, nullptr, [] { known_process.store(0); }) == 0;

long this_process() {
  long process = known_process.load(std::memory_order_relaxed);
  if (process == 0 || !hears_of_forks) {
    process = static_cast<long>(getpid());
    known_process.store(process, std::memory_order_relaxed);
  }
  return process;
}
#endif

// Asked for once in every process, with the GIL, which guards what is kept: a fork alone makes
// another thread the main one.
unsigned long main_thread() {
  static long process = -1;
  static unsigned long ident = 0;
  if (process != this_process()) {
    const py::object main = py::module_::import("threading").attr("main_thread")();
    ident = main.attr("ident").cast<unsigned long>();
    process = this_process();
  }
  return ident;
}

}  // namespace

PythonSignals::PythonSignals()
    : on_main_thread_(main_thread() == PyThread_get_thread_ident()),
      next_(steady_clock::now() + kInterval) {}

void PythonSignals::check() {
  // A thread that is not Python's main one must not even ask for the GIL: it would be ended inside
  // a call if the interpreter shuts down meanwhile.
  if (!on_main_thread_) {
    return;
  }
  const auto start = steady_clock::now();
  if (start < next_) {
    return;
  }
  const py::gil_scoped_acquire gil;
  const auto waited = std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
  if (PyErr_CheckSignals() != 0) {
    throw py::error_already_set();
  }
  next_ = steady_clock::now() +
          std::clamp<milliseconds>(waited * kShareOfWaits, kInterval, kLongestInterval);
}

void StateLock::lock() {
  while (!mutex_.try_lock_for(kPatience)) {
    throw_if_interrupted();
    const long holder = process_.load();
    if (holder != 0 && holder != this_process()) {
      throw std::runtime_error(
          "this state was in use by another thread when the process was forked, and that thread "
          "does not exist here; make a new state");
    }
  }
  ++depth_;
  process_.store(this_process());
}

void StateLock::unlock() {
  if (--depth_ == 0) {
    process_.store(0);
  }
  mutex_.unlock();
}

}  // namespace fastcca
