// A state as Python holds it: calls run without the GIL, so the object brings its own lock.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "core/backend.hpp"
#include "core/interrupt.hpp"

namespace fastcca {

// Lets the handlers of signals, Ctrl-C among them, end a call that runs without the GIL. Made and
// destroyed with the GIL. Python runs handlers on its main thread alone: elsewhere this does
// nothing.
class PythonSignals final : public InterruptScope {
 public:
  PythonSignals();
  void check() override;

 private:
  bool on_main_thread_;
  std::chrono::steady_clock::time_point next_;
};

// A lock that is waited for without the GIL, so that a check for signals by its holder can have
// the GIL. The same thread may hold it twice: the handler of a signal, which runs in the midst of
// a call, may read the state of that call.
class StateLock {
 public:
  void lock();
  void unlock();
  // Whether the thread that holds it, which alone may ask, held it before already.
  bool held_twice() const { return depth_ > 1; }

 private:
  std::recursive_timed_mutex mutex_;
  int depth_ = 0;
  std::atomic<long> process_{0};  // of the holder
};

template <class State>
class Locked {
 public:
  explicit Locked(State s) : state_(std::move(s)), backend_(state_.backend()) {}

  // Does not change, so it needs no lock.
  const Backend& backend() const { return backend_; }

  // f(state) under the lock, to be called without the GIL. Where f reads what the state settles
  // down to, it gets that.
  template <class F>
  auto call(F f) const {
    const std::scoped_lock guard(lock_);
    if constexpr (std::is_invocable_v<F, const State&>) {
      return std::invoke(f, state_);
    } else {
      return std::invoke(f, state_.settled());
    }
  }
  template <class F>
  auto call(F f) {
    const std::scoped_lock guard(lock_);
    if (lock_.held_twice()) {
      throw std::runtime_error(
          "this state is in use by the call that a signal's handler has interrupted: the handler "
          "may read it, but not change it");
    }
    return f(state_);
  }

 private:
  State state_;
  const Backend& backend_;
  mutable StateLock lock_;
};

// f() without the GIL, where signals are heard.
template <class F>
auto without_gil(F f) {
  PythonSignals signals;
  const pybind11::gil_scoped_release release;
  return f();
}

// f(state) without the GIL and under the object's lock.
template <class L, class F>
auto without_gil(L& locked, F f) {
  return without_gil([&] { return locked.call(f); });
}

}  // namespace fastcca
