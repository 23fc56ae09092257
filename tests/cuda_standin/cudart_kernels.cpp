// cudart: kernels run as the host twins that the program registers. What nvcc generates calls the
// functions with two underscores.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "address_space.hpp"
#include "faults.hpp"
#include "memory.hpp"
#include "runtime.hpp"
#include "settings.hpp"
#include "standin.hpp"

// Declared by nvcc's own headers only, which a host compiler does not read.
extern "C" {
void** __cudaRegisterFatBinary(void* binary);
void __cudaRegisterFatBinaryEnd(void** handle);
void __cudaUnregisterFatBinary(void** handle);
char __cudaInitModule(void** handle);
void __cudaRegisterFunction(void** handle, const char* host_stub, char* device_function,
                            const char* device_name, int thread_limit, uint3* thread, uint3* block,
                            dim3* block_size, dim3* grid_size, int* warp_size);
void __cudaRegisterVar(void** handle, char* host, char* device, const char* name, int external,
                       std::size_t size, int constant, int global);
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared,
                                     cudaStream_t stream);
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream);
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host_stub);
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** args,
                               std::size_t shared, cudaStream_t stream);
}

namespace standin {
namespace {

constexpr std::size_t kWord = sizeof(std::uintptr_t);
constexpr std::uintptr_t kLowestMapping = std::uintptr_t{1}
                                          << 44;  // programs and libraries lie above
constexpr std::uintptr_t kHighestMapping = std::uintptr_t{1} << 47;
constexpr unsigned kMaxThreadsPerBlock = 1024;
constexpr unsigned kMaxGridYZ = 65535;

struct Twin {
  void (*run)(void** args);
  std::size_t body_size;
};

struct Configuration {
  dim3 grid;
  dim3 block;
  std::size_t shared;
  cudaStream_t stream;
};

struct State {
  std::map<const void*, std::string> names;
  std::map<const void*, Twin> twins;
};

State& state() {
  static auto* const instance = new State;
  return *instance;
}

thread_local std::vector<Configuration> configurations;

bool is_mapped(std::uintptr_t word) {
  if (word < kLowestMapping || word >= kHighestMapping) return false;
  unsigned char resident = 0;
  void* page = reinterpret_cast<void*>(word / kPageBytes * kPageBytes);
  return mincore(page, kPageBytes, &resident) == 0;
}

// Memory that a kernel may use, because a word of its body is an address in it.
struct Use {
  BlockPointer block;
  std::vector<std::size_t> offsets;  // that the words name
};

// Padding between members can hold any word that was there before, so a word is no mistake by
// itself: what is wrong about it shows when the kernel touches the memory. Pageable memory could
// not show then; of its addresses those are let pass that a flag with seven bytes of padding could
// be.
std::vector<Use> uses_of(const std::string& kernel, const std::vector<char>& body, int device) {
  std::map<BlockPointer, std::vector<std::size_t>> offsets;
  for (std::size_t i = 0; i + kWord <= body.size(); i += kWord) {
    std::uintptr_t word = 0;
    std::memcpy(&word, body.data() + i, kWord);
    const char* const pointer = reinterpret_cast<const char*>(word);
    const BlockPointer block = find_block(pointer);
    if (block != nullptr && (block->device == device || block->device == kHost)) {
      offsets[block].push_back(static_cast<std::size_t>(pointer - block->address));
    } else if (!is_device_address(pointer) && word % 256 > 1 && is_mapped(word)) {
      die("kernel %s: the word at byte %zu of its body is the address of pageable host memory, %p",
          kernel.c_str(), i, static_cast<const void*>(pointer));
    }
  }
  std::vector<Use> uses;
  for (auto& [block, found] : offsets) uses.push_back({block, std::move(found)});
  return uses;
}

std::vector<char> contents(const Block& block) {
  return {block.working, block.working + block.bytes};
}

// The bytes from the first to the last that differ from what was there before.
Region changed(const Block& block, const std::vector<char>& before) {
  const char* end = block.working + block.bytes;
  const char* first = std::mismatch(before.begin(), before.end(), block.working).second;
  if (first == end) return {};
  const char* last = end;
  for (auto old = before.end(); last != first && *(last - 1) == *(old - 1); --last) --old;
  return {.offset = static_cast<std::size_t>(first - block.working),
          .width = static_cast<std::size_t>(last - first)};
}

void run_twin(const Twin& twin, const std::string& name, const std::vector<Use>& uses,
              std::vector<char> body, std::int64_t count, const Moment& moment) {
  std::vector<BlockPointer> blocks;
  for (const Use& use : uses) {
    if (use.block->live) blocks.push_back(use.block);
  }
  std::vector<std::vector<char>> before;
  const bool may_race = settings().check_races && live_streams() > 1;
  for (const BlockPointer& block : blocks) {
    before.push_back(may_race ? contents(*block) : std::vector<char>());
  }
  std::vector<char> touched;
  {
    const KernelAccess access(name, blocks);
    void* args[] = {body.data(), &count};
    twin.run(args);
    touched = access.touched();
  }
  const std::string after = "by kernel " + name;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (touched[i] == 0) continue;
    require_intact(*blocks[i], after.c_str());
    const auto use = std::find_if(uses.begin(), uses.end(),
                                  [&](const Use& one) { return one.block == blocks[i]; });
    const auto add = [&](const Region& region, bool writes) {
      blocks[i]->history.add(
          {.moment = moment, .region = region, .argument = "body", .writes = writes},
          blocks[i]->name());
    };
    if (!may_race) continue;
    // At least there: nothing says how far the kernel reads.
    for (const std::size_t offset : use->offsets) add({.offset = offset, .width = 1}, false);
    add(changed(*blocks[i], before[i]), true);
  }
}

cudaError_t launch(const Entry& entry, const void* stub, dim3 grid, dim3 block, void** args,
                   cudaStream_t handle) {
  if (const cudaError_t refused = refusal(entry)) return refused;
  const std::string name = state().names.contains(stub) ? state().names[stub] : "of no known name";
  if (!state().twins.contains(stub)) {
    die("kernel %s has no twin: fastcca_standin_register_kernel was not called", name.c_str());
  }
  const auto threads = std::uint64_t{block.x} * block.y * block.z;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 2147483647U || grid.y > kMaxGridYZ ||
      grid.z > kMaxGridYZ || threads == 0 || threads > kMaxThreadsPerBlock) {
    return result(cudaErrorInvalidConfiguration);
  }
  const StreamPointer stream = working_stream(name.c_str(), handle);
  if (stream->device != current_device()) {
    die("kernel %s: its stream is of device %d, the current device is %d", name.c_str(),
        stream->device, current_device());
  }
  const Twin twin = state().twins[stub];
  const char* const first = static_cast<const char*>(args[0]);
  std::vector<char> body(first, first + twin.body_size);
  std::int64_t count = 0;
  std::memcpy(&count, args[1], sizeof count);

  const std::vector<Use> uses = uses_of(name, body, stream->device);
  enqueue(stream, {.name = "kernel " + name,
                   .operands = {},
                   .run = [twin, name, uses, body, count](const Moment& moment) {
                     run_twin(twin, name, uses, body, count, moment);
                   }});
  return cudaSuccess;
}

}  // namespace
}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cudaError_t cudaLaunchKernel(const void* stub, dim3 grid, dim3 block, void** args, std::size_t,
                             cudaStream_t stream) {
  return launch(Entry("cudaLaunchKernel"), stub, grid, block, args, stream);
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host_stub) {
  *kernel = static_cast<cudaKernel_t>(const_cast<void*>(host_stub));
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** args, std::size_t,
                               cudaStream_t stream) {
  return launch(Entry("cudaLaunchKernel"), kernel, grid, block, args, stream);
}

void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;
  return &handle;
}

void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 0; }

void __cudaRegisterFunction(void**, const char* host_stub, char*, const char* device_name, int,
                            uint3*, uint3*, dim3*, dim3*, int*) {
  const Entry entry("__cudaRegisterFunction");
  state().names[host_stub] = device_name;
}

void __cudaRegisterVar(void**, char*, char*, const char* name, int, std::size_t, int, int) {
  die("the stand-in has no device variables: %s", name);
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared,
                                     cudaStream_t stream) {
  configurations.push_back({grid, block, shared, stream});
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream) {
  if (configurations.empty()) return result(cudaErrorInvalidConfiguration);
  *grid = configurations.back().grid;
  *block = configurations.back().block;
  *shared = configurations.back().shared;
  *static_cast<cudaStream_t*>(stream) = configurations.back().stream;
  configurations.pop_back();
  return cudaSuccess;
}

void fastcca_standin_register_kernel(const void* host_stub, void (*twin)(void** args),
                                     std::size_t body_size) {
  const Entry entry("fastcca_standin_register_kernel");
  state().twins[host_stub] = {twin, body_size};
}

}  // extern "C"
