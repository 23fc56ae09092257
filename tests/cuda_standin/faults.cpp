#include "faults.hpp"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "address_space.hpp"

namespace standin {
namespace {

struct sigaction previous_handler;
KernelAccess* running = nullptr;
pthread_t running_thread;

}  // namespace

struct FaultHandler {
  // In a signal handler, but of a thread that stopped at a memory access of its own: nothing that
  // is used here was interrupted.
  static void handle(int signal, siginfo_t* info, void* context) {
    const bool in_kernel = running != nullptr && pthread_equal(running_thread, pthread_self()) != 0;
    if (in_kernel && open_for(*running, static_cast<const char*>(info->si_addr))) return;
    if (is_device_address(info->si_addr)) {
      const std::string who = in_kernel ? "kernel " + running->kernel_ + " touched "
                                        : "host code touched device memory at ";
      const std::string text = "fastcca_standin: " + who + describe(info->si_addr) + "\n";
      [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
    }
    sigaction(SIGSEGV, &previous_handler, nullptr);
    if ((previous_handler.sa_flags & SA_SIGINFO) != 0) {
      previous_handler.sa_sigaction(signal, info, context);
    }
    // Otherwise the instruction is run again, under the handler that was there before.
  }

  static bool open_for(KernelAccess& access, const char* address) {
    for (std::size_t i = 0; i < access.blocks_.size(); ++i) {
      const Block& block = *access.blocks_[i];
      const Pages pages = visible_pages(block);
      if (block.device == kHost || access.touched_[i] != 0 || address < pages.begin ||
          address >= pages.begin + pages.bytes) {
        continue;
      }
      access.touched_[i] = 1;
      allow_access(pages, true);
      return true;
    }
    return false;
  }
};

void watch_faults() {
  struct sigaction current = {};
  sigaction(SIGSEGV, nullptr, &current);
  if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == FaultHandler::handle) return;
  struct sigaction handler = {};
  handler.sa_sigaction = FaultHandler::handle;
  handler.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &handler, &previous_handler);
}

KernelAccess::KernelAccess(const std::string& kernel, const std::vector<BlockPointer>& blocks)
    : kernel_(kernel), blocks_(blocks), touched_(blocks.size(), 0) {
  for (std::size_t i = 0; i < blocks.size(); ++i) touched_[i] = blocks[i]->device == kHost ? 1 : 0;
  watch_faults();
  running_thread = pthread_self();
  running = this;
}

KernelAccess::~KernelAccess() {
  running = nullptr;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (touched_[i] != 0 && blocks_[i]->device != kHost) {
      allow_access(visible_pages(*blocks_[i]), false);
    }
  }
}

}  // namespace standin
