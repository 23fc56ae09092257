// Device and pinned memory as blocks with guards around them. Device memory has two addresses: the
// caller's, which no host code can read, and the one that the stand-in works on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "races.hpp"

namespace standin {

constexpr int kHost = -1;

struct Block {
  std::uint64_t number = 0;
  int device = kHost;  // kHost: pinned memory
  char* address = nullptr;
  char* working = nullptr;  // the same for pinned memory
  std::size_t bytes = 0;
  const char* made_by = "";
  bool live = true;
  bool made_in_stream_order = false;
  bool freed_in_stream_order = false;  // nothing may be queued on it any more
  History history;

  std::string name() const;
};
using BlockPointer = std::shared_ptr<Block>;

// Part of a block: `rows` runs of `width` bytes, `pitch` bytes from one to the next.
struct Operand {
  BlockPointer block;
  Region region;
  const char* argument = "";
  bool writes = false;

  char* data() const { return block->working + region.offset; }
};

// Null where the device has not that much left.
void* allocate(int device, std::size_t bytes, const char* call);
void* allocate_pinned(std::size_t bytes, const char* call);
// The memory is given back to the device's count when a free is called, and its pages when it runs.
void uncount(const Block& block);
void release(const BlockPointer& block);

std::size_t used_bytes(int device);
std::vector<BlockPointer> live_blocks();
bool is_device_address(const void* pointer);
BlockPointer find_block(const void* pointer);  // null where no live block contains it
std::string describe(const void* pointer);     // for messages

// A device operand; whatever is wrong with it ends the process with a message.
Operand device_operand(const char* call, const char* argument, const void* pointer, int device,
                       Region region, bool writes);
// The same where the pointer is pinned memory; nothing where it is pageable.
std::optional<Operand> pinned_operand(const char* call, const char* argument, const void* pointer,
                                      Region region, bool writes);
void require_host(const char* call, const char* argument, const void* pointer);
void require_intact(const Block& block, const char* after);

// The pages of a device's block at the caller's address: closed but while a kernel uses them.
struct Pages {
  char* begin;
  std::size_t bytes;
};
Pages visible_pages(const Block& block);
void allow_access(const Pages& pages, bool allowed);

}  // namespace standin
