#include "core/interrupt.hpp"

namespace fastcca {

namespace {

thread_local InterruptScope* innermost = nullptr;

}  // namespace

void throw_if_interrupted() {
  if (innermost != nullptr) {
    innermost->check();
  }
}

InterruptScope::InterruptScope() : outer_(innermost) { innermost = this; }

InterruptScope::~InterruptScope() { innermost = outer_; }

}  // namespace fastcca
