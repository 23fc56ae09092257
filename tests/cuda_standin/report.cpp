// What is alive: counted for tests, listed at exit.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "handles.hpp"
#include "memory.hpp"
#include "pools.hpp"
#include "runtime.hpp"
#include "settings.hpp"
#include "standin.hpp"

namespace standin {
namespace {

constexpr int kLeakStatus = 86;  // what a process with leaks exits with, where they are fatal

constexpr const char* kKinds[] = {"blocks",        "pinned",       "streams",
                                  "events",        "blas handles", "solver handles",
                                  "solver params", "pools",        "fourier plans"};

std::size_t blocks_of(bool pinned, bool bytes) {
  std::size_t result = 0;
  for (const BlockPointer& block : live_blocks()) {
    if ((block->device == kHost) != pinned || block->freed_in_stream_order) continue;
    result += bytes ? block->bytes : 1;
  }
  return result;
}

std::size_t count(const std::string& kind) {
  if (kind == "blocks") return blocks_of(false, false);
  if (kind == "bytes") return blocks_of(false, true);
  if (kind == "pinned") return blocks_of(true, false);
  if (kind == "streams") return live_streams();
  if (kind == "events") return live_events();
  if (kind == "blas handles") return live_handles(HandleKind::kBlas);
  if (kind == "solver handles") return live_handles(HandleKind::kSolver);
  if (kind == "solver params") return live_handles(HandleKind::kSolverParams);
  if (kind == "fourier plans") return live_handles(HandleKind::kFourierPlan);
  if (kind == "pools") return live_pools();
  if (kind == "queued") return queued_operations();
  die("fastcca_standin_count: nothing of the kind \"%s\" is counted", kind.c_str());
}

std::string list() {
  std::string text;
  for (const char* kind : kKinds) {
    if (const std::size_t alive = count(kind)) {
      text += "fastcca_standin: alive: " + std::to_string(alive) + " " + kind + "\n";
    }
  }
  for (const BlockPointer& block : live_blocks()) {
    if (!block->freed_in_stream_order) text += "fastcca_standin: alive: " + block->name() + "\n";
  }
  return text;
}

std::size_t total() {
  std::size_t result = 0;
  for (const char* kind : kKinds) result += count(kind);
  return result;
}

// After the destructors of everything that was loaded later.
__attribute__((destructor)) void report_at_exit() {
  const Settings& asked = settings();
  const std::size_t fatal = asked.fatal_leaks == Leaks::kAll      ? total()
                            : asked.fatal_leaks == Leaks::kBlocks ? blocks_of(false, false)
                                                                  : 0;
  if (fatal == 0 && (asked.leak_report.empty() || total() == 0)) return;
  FILE* file = asked.leak_report.empty() || asked.leak_report == "-"
                   ? stderr
                   : std::fopen(asked.leak_report.c_str(), "a");
  if (file == nullptr) file = stderr;
  std::fprintf(file, "fastcca_standin: process %d ends with\n%s", static_cast<int>(getpid()),
               list().c_str());
  std::fflush(file);
  if (fatal > 0) _exit(kLeakStatus);
}

}  // namespace
}  // namespace standin

using standin::Entry;

std::size_t fastcca_standin_count(const char* kind) {
  const Entry entry("fastcca_standin_count");
  return standin::count(kind);
}

std::size_t fastcca_standin_leaks(int print) {
  const Entry entry("fastcca_standin_leaks");
  if (print != 0) std::fputs(standin::list().c_str(), stderr);
  return standin::total();
}

void fastcca_standin_set_memory(std::size_t bytes) {
  const Entry entry("fastcca_standin_set_memory");
  standin::settings().memory = bytes;
}
