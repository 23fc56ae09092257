// Which operation happens before which, by what streams, events and synchronisations promise, and
// whether two that touch the same bytes, one of them writing, are in no order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace standin {

struct Region {
  std::size_t offset = 0;
  std::size_t width = 0;
  std::size_t rows = 1;
  std::size_t pitch = 0;

  bool empty() const { return width == 0 || rows == 0; }
  std::size_t end() const { return empty() ? offset : offset + (rows - 1) * pitch + width; }
};

bool overlap(const Region& a, const Region& b);

// clock[i]: the operations of stream i up to this position happened before.
using Clock = std::vector<std::uint64_t>;
void join(Clock& clock, const Clock& other);

struct Moment {
  std::size_t stream = 0;
  std::uint64_t position = 0;
  std::shared_ptr<const Clock> before;  // what happened before it
  std::string operation;
};

struct PastAccess {
  Moment moment;
  Region region;
  const char* argument;
  bool writes;
};

// The accesses to one block that a later one could still conflict with.
class History {
 public:
  // Ends the process where the new access conflicts with one of the past.
  void add(PastAccess access, const std::string& block);
  void clear() { past_.clear(); }

 private:
  std::vector<PastAccess> past_;
};

}  // namespace standin
