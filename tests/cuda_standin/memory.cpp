#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "address_space.hpp"
#include "failures.hpp"
#include "faults.hpp"
#include "settings.hpp"

namespace standin {
namespace {

constexpr std::size_t kAlignment = 256;  // what cudaMalloc promises
constexpr std::size_t kRemembered = 4096;
constexpr std::size_t kPinnedQuarantine = 256;
constexpr unsigned char kCanary = 0xA5;
constexpr unsigned char kFresh = 0xFF;  // a NaN in every floating-point format

struct Freed {
  const char* address;
  std::size_t bytes;
  std::string name;
};

struct State {
  std::map<const char*, BlockPointer> live;  // by the caller's address
  std::deque<Freed> freed;
  std::deque<Pages> pinned_quarantine;
  std::map<int, std::size_t> used;
  std::uint64_t blocks_made = 0;
};

State& state() {
  static auto* const instance = new State;
  return *instance;
}

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

// Blocks end where a page ends, up to their alignment: the page after it belongs to nobody.
std::size_t pages_for(std::size_t bytes) {
  return rounded_up(rounded_up(bytes, kAlignment), kPageBytes);
}

Pages pages_of(const Block& block, char* address) {
  const std::size_t pages = pages_for(block.bytes);
  return {address + rounded_up(block.bytes, kAlignment) - pages, pages};
}

void fill_fresh(const Block& block) {
  const Pages pages = pages_of(block, block.working);
  std::memset(pages.begin, kCanary, pages.bytes);
  std::memset(block.working, kFresh, block.bytes);
}

void* add_block(int device, std::size_t bytes, const char* call, char* first_page, char* working) {
  auto block = std::make_shared<Block>();
  const std::size_t lead = pages_for(bytes) - rounded_up(bytes, kAlignment);
  block->number = ++state().blocks_made;
  block->device = device;
  block->address = first_page + lead;
  block->working = working + lead;
  block->bytes = bytes;
  block->made_by = call;
  fill_fresh(*block);
  state().used[device] += bytes;
  state().live[block->address] = block;
  return block->address;
}

Operand operand_in(const char* call, const char* argument, const BlockPointer& block,
                   const void* pointer, Region region, bool writes) {
  if (block->freed_in_stream_order) {
    die("%s: argument %s is %s, which cudaFreeAsync has been called for", call, argument,
        describe(pointer).c_str());
  }
  region.offset += static_cast<std::size_t>(static_cast<const char*>(pointer) - block->address);
  if (region.end() > block->bytes) {
    die("%s: argument %s reaches %zu bytes past the end: it is %s, and takes %zu rows of %zu "
        "bytes, "
        "%zu bytes apart",
        call, argument, region.end() - block->bytes, describe(pointer).c_str(), region.rows,
        region.width, region.pitch);
  }
  return {.block = block, .region = region, .argument = argument, .writes = writes};
}

}  // namespace

std::string Block::name() const {
  return "block #" + std::to_string(number) + " (" + std::to_string(bytes) + " bytes, " + made_by +
         (device == kHost ? "" : ", device " + std::to_string(device)) + ")";
}

void* allocate(int device, std::size_t bytes, const char* call) {
  if (bytes == 0) return nullptr;
  watch_faults();
  if (bytes > settings().memory || state().used[device] > settings().memory - bytes) return nullptr;
  const std::size_t offset = take_addresses(device, pages_for(bytes));
  return add_block(device, bytes, call, visible_base(device) + offset,
                   working_base(device) + offset);
}

void* allocate_pinned(std::size_t bytes, const char* call) {
  const std::size_t pages = pages_for(bytes);
  void* mapped =
      mmap(nullptr, pages + 2 * kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* first_page = static_cast<char*>(mapped) + kPageBytes;
  if (mprotect(first_page, pages, PROT_READ | PROT_WRITE) != 0) die("%s: mprotect failed", call);
  return add_block(kHost, bytes, call, first_page, first_page);
}

void uncount(const Block& block) { state().used[block.device] -= block.bytes; }

void release(const BlockPointer& block) {
  require_intact(*block, "before it was freed");
  block->live = false;
  block->history.clear();
  state().live.erase(block->address);
  state().freed.push_front({block->address, block->bytes, block->name()});
  if (state().freed.size() > kRemembered) state().freed.pop_back();
  const Pages pages = pages_of(*block, block->working);
  if (block->device != kHost) {
    give_back_pages(block->device,
                    static_cast<std::size_t>(pages.begin - working_base(block->device)),
                    pages.bytes);
    return;
  }
  // Not unmapped at once: whoever still uses it shall not find other memory there.
  mprotect(pages.begin, pages.bytes, PROT_NONE);
  madvise(pages.begin, pages.bytes, MADV_DONTNEED);
  state().pinned_quarantine.push_back({pages.begin - kPageBytes, pages.bytes + 2 * kPageBytes});
  if (state().pinned_quarantine.size() > kPinnedQuarantine) {
    munmap(state().pinned_quarantine.front().begin, state().pinned_quarantine.front().bytes);
    state().pinned_quarantine.pop_front();
  }
}

std::size_t used_bytes(int device) { return state().used[device]; }

std::vector<BlockPointer> live_blocks() {
  std::vector<BlockPointer> result;
  for (const auto& [address, block] : state().live) result.push_back(block);
  return result;
}

BlockPointer find_block(const void* pointer) {
  const char* address = static_cast<const char*>(pointer);
  auto found = state().live.upper_bound(address);
  if (found == state().live.begin()) return nullptr;
  const BlockPointer& block = (--found)->second;
  return address < block->address + std::max<std::size_t>(block->bytes, 1) ? block : nullptr;
}

bool is_device_address(const void* pointer) { return device_of_address(pointer) >= 0; }

std::string describe(const void* pointer) {
  const char* address = static_cast<const char*>(pointer);
  char text[40];
  std::snprintf(text, sizeof text, "%p", pointer);
  const std::string value = text;
  if (pointer == nullptr) return "a null pointer";
  if (const BlockPointer block = find_block(pointer)) {
    return value + ", byte " + std::to_string(address - block->address) + " of " + block->name();
  }
  for (const Freed& freed : state().freed) {
    if (address >= freed.address && address < freed.address + freed.bytes) {
      return value + ", in the freed " + freed.name;
    }
  }
  auto after = state().live.upper_bound(address);
  if (is_device_address(pointer) && after != state().live.begin()) {
    const Block& block = *(--after)->second;
    return value + ", " + std::to_string(address - (block.address + block.bytes)) +
           " bytes past the end of " + block.name();
  }
  return value + (is_device_address(pointer) ? ", a device address of no block" : ", host memory");
}

void require_host(const char* call, const char* argument, const void* pointer) {
  if (pointer == nullptr || is_device_address(pointer)) {
    die("%s: argument %s must be host memory, got %s", call, argument, describe(pointer).c_str());
  }
}

Operand device_operand(const char* call, const char* argument, const void* pointer, int device,
                       Region region, bool writes) {
  const BlockPointer block = find_block(pointer);
  if (block == nullptr || block->device == kHost) {
    die("%s: argument %s must be device memory, got %s", call, argument, describe(pointer).c_str());
  }
  if (device != kHost && block->device != device) {
    die("%s: argument %s is %s, but the call works on device %d", call, argument,
        describe(pointer).c_str(), device);
  }
  return operand_in(call, argument, block, pointer, region, writes);
}

std::optional<Operand> pinned_operand(const char* call, const char* argument, const void* pointer,
                                      Region region, bool writes) {
  require_host(call, argument, pointer);
  const BlockPointer block = find_block(pointer);
  if (block == nullptr) return std::nullopt;
  return operand_in(call, argument, block, pointer, region, writes);
}

void require_intact(const Block& block, const char* after) {
  const Pages pages = pages_of(block, block.working);
  const auto is_canary = [](char c) { return static_cast<unsigned char>(c) == kCanary; };
  const char* end = block.working + block.bytes;
  if (!std::all_of(pages.begin, block.working, is_canary)) {
    die("%s: bytes before its beginning were overwritten, %s", block.name().c_str(), after);
  }
  if (!std::all_of(end, static_cast<const char*>(pages.begin) + pages.bytes, is_canary)) {
    die("%s: bytes past its end were overwritten, %s", block.name().c_str(), after);
  }
}

Pages visible_pages(const Block& block) { return pages_of(block, block.address); }

void allow_access(const Pages& pages, bool allowed) {
  if (mprotect(pages.begin, pages.bytes, allowed ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) {
    die("mprotect failed");
  }
}

}  // namespace standin
