// cudart: kernels run as the host twins that the program registers. What nvcc generates calls the
// functions with two underscores.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "address_space.hpp"
#include "memory.hpp"
#include "runtime.hpp"
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

// The memory that the words of a kernel's body point to.
std::vector<Operand> operands_of(const std::string& kernel, const std::vector<char>& body,
                                 int device) {
  std::vector<Operand> operands;
  for (std::size_t i = 0; i + kWord <= body.size(); i += kWord) {
    std::uintptr_t word = 0;
    std::memcpy(&word, body.data() + i, kWord);
    const void* pointer = reinterpret_cast<const void*>(word);
    const std::string argument = "word at byte " + std::to_string(i) + " of the body";
    const BlockPointer block = find_block(pointer);
    if (block == nullptr && !is_device_address(pointer)) {
      if (is_mapped(word)) {
        die("kernel %s: the %s is the address of pageable host memory, %p", kernel.c_str(),
            argument.c_str(), pointer);
      }
      continue;
    }
    if (block != nullptr && block->device == kHost) {
      operands.push_back(*pinned_operand(kernel.c_str(), "body", pointer, {}, false));
    } else {
      operands.push_back(
          device_operand(kernel.c_str(), argument.c_str(), pointer, device, {}, false));
      operands.back().argument = "body";
    }
    operands.back().region.width = 1;  // at least there: nothing says how far the kernel goes
  }
  return operands;
}

std::vector<BlockPointer> blocks_of(const std::vector<Operand>& operands) {
  std::set<BlockPointer> blocks;
  for (const Operand& operand : operands) blocks.insert(operand.block);
  return {blocks.begin(), blocks.end()};
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

void run_twin(const Twin& twin, const std::string& name, const std::vector<BlockPointer>& blocks,
              std::vector<char> body, std::int64_t count, const Moment& moment) {
  std::vector<std::vector<char>> before;
  if (live_streams() > 1) {
    for (const BlockPointer& block : blocks) before.push_back(contents(*block));
  }
  {
    const OpenBlocks open(blocks);
    set_running_kernel(name.c_str());
    void* args[] = {body.data(), &count};
    twin.run(args);
    set_running_kernel(nullptr);
  }
  const std::string after = "by kernel " + name;
  for (const BlockPointer& block : blocks) require_intact(*block, after.c_str());
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Region region = changed(*blocks[i], before[i]);
    blocks[i]->history.add({.moment = moment, .region = region, .argument = "body", .writes = true},
                           blocks[i]->name());
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

  std::vector<Operand> operands = operands_of(name, body, stream->device);
  const std::vector<BlockPointer> blocks = blocks_of(operands);
  enqueue(stream, {.name = "kernel " + name,
                   .operands = std::move(operands),
                   .run = [twin, name, blocks, body, count](const Moment& moment) {
                     run_twin(twin, name, blocks, body, count, moment);
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
  std::memcpy(stream, &configurations.back().stream, sizeof(cudaStream_t));
  configurations.pop_back();
  return cudaSuccess;
}

void fastcca_standin_register_kernel(const void* host_stub, void (*twin)(void** args),
                                     std::size_t body_size) {
  const Entry entry("fastcca_standin_register_kernel");
  state().twins[host_stub] = {twin, body_size};
}

}  // extern "C"
