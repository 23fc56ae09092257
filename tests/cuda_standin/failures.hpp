// The ways in which a call ends other than well: the caller's mistake ends the process with a
// message, a failure that a test asked for is a status.
#pragma once

#include <mutex>

namespace standin {

// For mistakes that a real device punishes by wrong results or not at all.
[[noreturn]] void die(const char* format, ...) __attribute__((format(printf, 1, 2)));

// At the head of every exported call: one call at a time, counted, and what it shall return.
class Entry {
 public:
  explicit Entry(const char* name);
  const char* name() const { return name_; }
  int failure() const { return failure_; }      // a status that a test asked for, or 0
  bool is_ignored() const { return ignored_; }  // a test asked for the call to do nothing
  int info() const { return info_; }            // a solver's info that a test asked for, or 0

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  const char* name_;
  int failure_ = 0;
  int info_ = 0;
  bool ignored_ = false;
};

}  // namespace standin
