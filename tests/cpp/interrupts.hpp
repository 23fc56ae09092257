// An interrupt at a point of the work that a test chooses.
#pragma once

#include <exception>

#include "core/interrupt.hpp"

namespace fastcca::testing {

struct Interrupt : std::exception {};

// Ends what the thread does at the check that follows `checks` others.
class InterruptAfter final : public InterruptScope {
 public:
  explicit InterruptAfter(long checks) : left_(checks) {}

  void check() override {
    if (left_-- <= 0) {
      throw Interrupt();
    }
  }
  long left() const { return left_; }

 private:
  long left_;
};

}  // namespace fastcca::testing
