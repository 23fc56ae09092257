// Faults on device memory: the message that names the block, and the blocks that a kernel may use,
// which are opened when it touches them.
#pragma once

#include <string>
#include <vector>

#include "memory.hpp"

namespace standin {

// Again after another handler came in, such as Python's faulthandler; that one has its turn after.
void watch_faults();

// While it lives, this thread may touch these blocks by the caller's addresses.
class KernelAccess {
 public:
  KernelAccess(const std::string& kernel, const std::vector<BlockPointer>& blocks);
  ~KernelAccess();
  KernelAccess(const KernelAccess&) = delete;
  KernelAccess& operator=(const KernelAccess&) = delete;

  // Which of them it has touched; pinned memory is always open, and counts as touched.
  const std::vector<char>& touched() const { return touched_; }

 private:
  friend struct FaultHandler;

  const std::string& kernel_;
  const std::vector<BlockPointer>& blocks_;
  std::vector<char> touched_;
};

}  // namespace standin
