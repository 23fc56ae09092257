#include "handles.hpp"

#include <limits>
#include <map>
#include <memory>

namespace standin {
namespace {

std::map<const void*, std::unique_ptr<Handle>>& handles() {
  static auto* const instance = new std::map<const void*, std::unique_ptr<Handle>>;
  return *instance;
}

}  // namespace

Handle* make_handle(HandleKind kind) {
  auto handle = std::make_unique<Handle>();
  handle->kind = kind;
  handle->device = current_device();
  Handle* const made = handle.get();
  handles()[made] = std::move(handle);
  return made;
}

Handle* find_handle(const void* handle, HandleKind kind) {
  const auto found = handles().find(handle);
  return found == handles().end() || found->second->kind != kind ? nullptr : found->second.get();
}

void destroy_handle(Handle* handle) { handles().erase(handle); }

std::size_t live_handles(HandleKind kind) {
  std::size_t count = 0;
  for (const auto& [address, handle] : handles()) count += handle->kind == kind ? 1 : 0;
  return count;
}

void set_stream(const char* call, Handle& handle, cudaStream_t stream) {
  if (stream != nullptr && stream_of(call, stream)->device != handle.device) {
    die("%s: the handle is of device %d, the stream of device %d", call, handle.device,
        stream_of(call, stream)->device);
  }
  handle.stream_handle = stream;
  handle.workspace.reset();  // as documented
}

StreamPointer stream_of_call(const char* call, const Handle& handle) {
  if (handle.device != current_device()) {
    die("%s: the handle is of device %d, the current device is %d", call, handle.device,
        current_device());
  }
  if (handle.stream_handle == nullptr) die("%s: the handle has no stream set", call);
  return stream_of(call, handle.stream_handle);
}

int narrow(const char* call, std::int64_t size) {
  if (size > std::numeric_limits<int>::max()) {
    die("%s: the stand-in has no sizes of 64 bits: %lld", call, static_cast<long long>(size));
  }
  return static_cast<int>(size);
}

}  // namespace standin
