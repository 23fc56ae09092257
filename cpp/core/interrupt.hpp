// How a long call is ended before it is done, without knowing who wants that.
#pragma once

namespace fastcca {

// Long loops call this between pieces of work of microseconds to milliseconds. It throws where the
// call shall end. Until the last of them a call must not have changed any state. What runs inside
// BLAS and LAPACK cannot be ended: a call of theirs is one piece, however long it takes.
void throw_if_interrupted();

// While one lives, throw_if_interrupted asks it on the thread that made it. They nest, and the
// innermost one is asked.
class InterruptScope {
 public:
  InterruptScope();
  virtual ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // Throws what ends the call, or returns. It is called often.
  virtual void check() = 0;

 protected:
  InterruptScope* outer() const { return outer_; }

 private:
  InterruptScope* outer_;
};

}  // namespace fastcca
