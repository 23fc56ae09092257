// cudart: device memory, stream-ordered memory, pinned memory, what a pointer points to.
#include "memory.hpp"
#include "pools.hpp"
#include "runtime.hpp"
#include "settings.hpp"
#include "standin.hpp"

namespace standin {
namespace {

Operand whole(const BlockPointer& block) {
  return {.block = block,
          .region = {.offset = 0, .width = block->bytes},
          .argument = "pointer",
          .writes = true};
}

BlockPointer block_to_free(const char* call, const void* pointer, bool pinned) {
  const BlockPointer block = find_block(pointer);
  if (block == nullptr || block->address != pointer || (block->device == kHost) != pinned ||
      block->freed_in_stream_order) {
    die("%s: there is no such block to free, or not any more: %s", call, describe(pointer).c_str());
  }
  return block;
}

cudaError_t allocated(void** pointer, void* block, std::size_t bytes) {
  *pointer = block;
  return block == nullptr && bytes > 0 ? result(cudaErrorMemoryAllocation) : cudaSuccess;
}

cudaError_t allocate_pinned_for(const Entry& entry, void** pointer, std::size_t bytes) {
  if (const cudaError_t refused = refusal(entry)) return refused;
  return allocated(pointer, allocate_pinned(bytes, entry.name()), bytes);
}

}  // namespace

cudaError_t allocate_in_stream_order(const Entry& entry, void** pointer, std::size_t bytes,
                                     cudaStream_t handle) {
  if (!settings().pools) return result(cudaErrorNotSupported);
  const StreamPointer stream = working_stream(entry.name(), handle);
  const cudaError_t status =
      allocated(pointer, allocate(stream->device, bytes, entry.name()), bytes);
  if (*pointer == nullptr) return status;
  const BlockPointer block = find_block(*pointer);
  block->made_in_stream_order = true;
  enqueue(stream, {.name = entry.name(), .operands = {whole(block)}, .run = {}});
  return cudaSuccess;
}

}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  const Entry entry("cudaMalloc");
  if (const cudaError_t refused = refusal(entry)) return refused;
  return allocated(pointer, allocate(current_device(), bytes, entry.name()), bytes);
}

cudaError_t cudaFree(void* pointer) {
  const Entry entry("cudaFree");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (pointer == nullptr) return cudaSuccess;
  const BlockPointer block = block_to_free(entry.name(), pointer, false);
  synchronize_device(block->device);
  uncount(*block);
  release(block);
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream) {
  const Entry entry("cudaMallocAsync");
  if (const cudaError_t refused = refusal(entry)) return refused;
  return allocate_in_stream_order(entry, pointer, bytes, stream);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t handle) {
  const Entry entry("cudaFreeAsync");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (pointer == nullptr) return cudaSuccess;
  const BlockPointer block = block_to_free(entry.name(), pointer, false);
  if (!block->made_in_stream_order) {
    die("cudaFreeAsync: only stream-ordered memory can be freed so: %s", block->name().c_str());
  }
  const StreamPointer stream = working_stream(entry.name(), handle);
  uncount(*block);
  enqueue(stream, {.name = entry.name(), .operands = {whole(block)}, .run = [block](const Moment&) {
                     release(block);
                   }});
  block->freed_in_stream_order = true;
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return allocate_pinned_for(Entry("cudaMallocHost"), pointer, bytes);
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned int) {
  return allocate_pinned_for(Entry("cudaHostAlloc"), pointer, bytes);
}

cudaError_t cudaFreeHost(void* pointer) {
  const Entry entry("cudaFreeHost");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (pointer == nullptr) return cudaSuccess;
  const BlockPointer block = block_to_free(entry.name(), pointer, true);
  if (is_queued(*block)) die("cudaFreeHost: queued work still uses %s", block->name().c_str());
  uncount(*block);
  release(block);
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const Entry entry("cudaPointerGetAttributes");
  if (const cudaError_t refused = refusal(entry)) return refused;
  *attributes = {};
  attributes->device = cudaInvalidDeviceId;
  const BlockPointer block = find_block(pointer);
  if (block == nullptr && is_device_address(pointer)) {
    die("cudaPointerGetAttributes: no live block: %s", describe(pointer).c_str());
  }
  void* const address = const_cast<void*>(pointer);
  if (block == nullptr) {
    attributes->type = cudaMemoryTypeUnregistered;
    attributes->hostPointer = address;
  } else if (block->device == kHost) {
    attributes->type = cudaMemoryTypeHost;
    attributes->device = 0;
    attributes->devicePointer = attributes->hostPointer = address;
  } else {
    attributes->type = cudaMemoryTypeDevice;
    attributes->device = block->device;
    attributes->devicePointer = address;
  }
  return cudaSuccess;
}

void* fastcca_standin_malloc(std::size_t bytes, int device) {
  const Entry entry("fastcca_standin_malloc");
  return allocate(device, bytes, entry.name());
}

void fastcca_standin_free(void* pointer) {
  const Entry entry("fastcca_standin_free");
  if (pointer == nullptr) return;
  const BlockPointer block = block_to_free(entry.name(), pointer, false);
  if (is_queued(*block)) die("%s: queued work still uses %s", entry.name(), block->name().c_str());
  uncount(*block);
  release(block);
}

}  // extern "C"
