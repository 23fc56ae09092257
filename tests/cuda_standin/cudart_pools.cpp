// cudart: pools of stream-ordered memory. They only need to exist: every block has its own
// addresses.
#include <set>

#include "pools.hpp"
#include "runtime.hpp"
#include "settings.hpp"

namespace standin {
namespace {

struct Pool {
  int device = 0;
};

std::set<const void*>& pools() {
  static auto* const instance = new std::set<const void*>;
  return *instance;
}

Pool& pool_of(const char* call, cudaMemPool_t handle) {
  if (!pools().contains(handle)) die("%s: %p is no pool", call, static_cast<void*>(handle));
  return *reinterpret_cast<Pool*>(handle);
}

void require_pool_of(const char* call, cudaMemPool_t handle, const StreamPointer& stream) {
  if (pool_of(call, handle).device != stream->device) {
    die("%s: the pool is of device %d, the stream of device %d", call, pool_of(call, handle).device,
        stream->device);
  }
}

}  // namespace

std::size_t live_pools() { return pools().size(); }

}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cudaError_t cudaMemPoolCreate(cudaMemPool_t* handle, const cudaMemPoolProps* properties) {
  const Entry entry("cudaMemPoolCreate");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (!settings().pools) return result(cudaErrorNotSupported);
  if (properties->allocType != cudaMemAllocationTypePinned ||
      properties->location.type != cudaMemLocationTypeDevice || properties->location.id < 0 ||
      properties->location.id >= settings().devices) {
    return result(cudaErrorInvalidValue);
  }
  auto* pool = new Pool{properties->location.id};
  pools().insert(pool);
  *handle = reinterpret_cast<cudaMemPool_t>(pool);
  return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t handle) {
  const Entry entry("cudaMemPoolDestroy");
  if (const cudaError_t refused = refusal(entry)) return refused;
  Pool& pool = pool_of(entry.name(), handle);
  pools().erase(&pool);
  delete &pool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t handle, cudaMemPoolAttr, void* value) {
  const Entry entry("cudaMemPoolSetAttribute");
  if (const cudaError_t refused = refusal(entry)) return refused;
  pool_of(entry.name(), handle);
  require_host(entry.name(), "value", value);
  return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t handle, std::size_t) {
  const Entry entry("cudaMemPoolTrimTo");
  if (const cudaError_t refused = refusal(entry)) return refused;
  pool_of(entry.name(), handle);
  return cudaSuccess;
}

cudaError_t cudaMallocFromPoolAsync(void** pointer, std::size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t stream) {
  const Entry entry("cudaMallocFromPoolAsync");
  if (const cudaError_t refused = refusal(entry)) return refused;
  require_pool_of(entry.name(), pool, working_stream(entry.name(), stream));
  return allocate_in_stream_order(entry, pointer, bytes, stream);
}

}  // extern "C"
