// cudart: streams and events.
#include <map>
#include <memory>

#include "runtime.hpp"

namespace standin {
namespace {

std::map<const void*, std::unique_ptr<Event>>& events() {
  static auto* const instance = new std::map<const void*, std::unique_ptr<Event>>;
  return *instance;
}

Event& event_of(const char* call, cudaEvent_t handle) {
  const auto found = events().find(handle);
  if (found == events().end())
    die("%s: %p is no event, or one that was destroyed", call, static_cast<void*>(handle));
  return *found->second;
}

cudaError_t make_event(const Entry& entry, cudaEvent_t* handle) {
  if (const cudaError_t refused = refusal(entry)) return refused;
  auto event = std::make_unique<Event>();
  event->device = current_device();
  *handle = reinterpret_cast<cudaEvent_t>(event.get());
  events()[event.get()] = std::move(event);
  return cudaSuccess;
}

cudaError_t make_stream_for(const Entry& entry, cudaStream_t* handle, bool blocking) {
  if (const cudaError_t refused = refusal(entry)) return refused;
  *handle = reinterpret_cast<cudaStream_t>(make_stream(current_device(), blocking).get());
  return cudaSuccess;
}

}  // namespace

std::size_t live_events() { return events().size(); }

StreamPointer stream_of(const char* call, cudaStream_t handle) {
  StreamPointer stream = stream_of_handle(handle, current_device());
  if (stream == nullptr) {
    die("%s: %p is no stream, or one that was destroyed", call, static_cast<void*>(handle));
  }
  return stream;
}

StreamPointer working_stream(const char* call, cudaStream_t handle) {
  if (handle == nullptr)
    die("%s: stream 0 was given: the work must go to a stream of its own", call);
  return stream_of(call, handle);
}

}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* handle) {
  return make_stream_for(Entry("cudaStreamCreate"), handle, true);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned int flags) {
  return make_stream_for(Entry("cudaStreamCreateWithFlags"), handle,
                         flags != cudaStreamNonBlocking);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const Entry entry("cudaStreamDestroy");
  if (const cudaError_t refused = refusal(entry)) return refused;
  destroy_stream(working_stream(entry.name(), handle));
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Entry entry("cudaStreamSynchronize");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (entry.is_ignored()) return cudaSuccess;
  synchronize(stream_of(entry.name(), handle));
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Entry entry("cudaStreamQuery");
  if (const cudaError_t refused = refusal(entry)) return refused;
  return progress(stream_of(entry.name(), handle)) ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned int) {
  const Entry entry("cudaStreamWaitEvent");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (entry.is_ignored()) return cudaSuccess;
  wait_for(stream_of(entry.name(), handle), event_of(entry.name(), event));
  return cudaSuccess;
}

cudaError_t cudaStreamGetDevice(cudaStream_t handle, int* device) {
  const Entry entry("cudaStreamGetDevice");
  if (const cudaError_t refused = refusal(entry)) return refused;
  *device = stream_of(entry.name(), handle)->device;
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* handle) {
  return make_event(Entry("cudaEventCreate"), handle);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned int) {
  return make_event(Entry("cudaEventCreateWithFlags"), handle);
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  const Entry entry("cudaEventDestroy");
  if (const cudaError_t refused = refusal(entry)) return refused;
  event_of(entry.name(), handle);
  events().erase(handle);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream) {
  const Entry entry("cudaEventRecord");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (entry.is_ignored()) return cudaSuccess;
  Event& event = event_of(entry.name(), handle);
  const StreamPointer recorded = stream_of(entry.name(), stream);
  if (event.device != recorded->device) {
    die("cudaEventRecord: the event is of device %d, the stream of device %d", event.device,
        recorded->device);
  }
  record(event, recorded);
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  const Entry entry("cudaEventSynchronize");
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (entry.is_ignored()) return cudaSuccess;
  synchronize(event_of(entry.name(), handle));
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  const Entry entry("cudaEventQuery");
  if (const cudaError_t refused = refusal(entry)) return refused;
  return progress(event_of(entry.name(), handle)) ? cudaSuccess : cudaErrorNotReady;
}

}  // extern "C"
