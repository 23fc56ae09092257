// cudart: copies and fills, blocking and queued.
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "memory.hpp"
#include "runtime.hpp"
#include "standin.hpp"

namespace standin {
namespace {

struct Plane {
  std::size_t width;
  std::size_t rows;
};

// One end of a copy: device or pinned memory is an operand, pageable memory just an address.
struct End {
  std::optional<Operand> operand;
  char* data = nullptr;
  bool on_device = false;
};

End end_of(const char* call, const char* argument, const void* pointer, std::size_t pitch,
           Plane plane, bool writes) {
  const Region region{.offset = 0, .width = plane.width, .rows = plane.rows, .pitch = pitch};
  End end;
  end.on_device = is_device_address(pointer);
  end.operand = end.on_device ? device_operand(call, argument, pointer, kHost, region, writes)
                              : pinned_operand(call, argument, pointer, region, writes);
  end.data =
      end.operand ? end.operand->data() : const_cast<char*>(static_cast<const char*>(pointer));
  return end;
}

void require_kind(const char* call, cudaMemcpyKind kind, const End& to, const End& from) {
  const cudaMemcpyKind actual =
      to.on_device ? (from.on_device ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice)
                   : (from.on_device ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost);
  if (kind != cudaMemcpyDefault && kind != actual) {
    die("%s: the kind is %d, but the two pointers make it %d (cudaMemcpyKind)", call, kind, actual);
  }
}

void copy_rows(char* to, std::size_t to_pitch, const char* from, std::size_t from_pitch,
               Plane plane) {
  for (std::size_t i = 0; i < plane.rows; ++i) {
    std::memmove(to + i * to_pitch, from + i * from_pitch, plane.width);
  }
}

// stream: null for a blocking call
cudaError_t copy(const Entry& entry, void* to, std::size_t to_pitch, const void* from,
                 std::size_t from_pitch, Plane plane, cudaMemcpyKind kind,
                 const cudaStream_t* handle) {
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (to_pitch < plane.width || from_pitch < plane.width) return result(cudaErrorInvalidPitchValue);
  const StreamPointer stream = handle == nullptr ? nullptr : working_stream(entry.name(), *handle);
  if (plane.width == 0 || plane.rows == 0) return cudaSuccess;
  End target = end_of(entry.name(), "dst", to, to_pitch, plane, true);
  End source = end_of(entry.name(), "src", from, from_pitch, plane, false);
  require_kind(entry.name(), kind, target, source);

  Operation operation{.name = entry.name(), .operands = {}, .run = {}};
  if (target.operand) operation.operands.push_back(*target.operand);
  if (source.operand) operation.operands.push_back(*source.operand);
  std::shared_ptr<std::vector<char>> staged;
  if (stream != nullptr && !source.operand) {
    // Pageable memory is read before the call returns.
    staged = std::make_shared<std::vector<char>>(plane.width * plane.rows);
    copy_rows(staged->data(), plane.width, source.data, from_pitch, plane);
    source.data = staged->data();
    from_pitch = plane.width;
  }
  operation.run = [staged, to_data = target.data, to_pitch, from_data = source.data, from_pitch,
                   plane](const Moment&) {
    copy_rows(to_data, to_pitch, from_data, from_pitch, plane);
  };
  if (stream == nullptr) {
    run_now(current_device(), std::move(operation));
    return cudaSuccess;
  }
  enqueue(stream, std::move(operation));
  if (!target.operand) synchronize(stream);  // pageable memory is written before it returns
  return cudaSuccess;
}

cudaError_t fill(const Entry& entry, void* to, std::size_t pitch, int value, Plane plane,
                 const cudaStream_t* handle) {
  if (const cudaError_t refused = refusal(entry)) return refused;
  if (pitch < plane.width) return result(cudaErrorInvalidPitchValue);
  const StreamPointer stream = handle == nullptr ? nullptr : working_stream(entry.name(), *handle);
  if (plane.width == 0 || plane.rows == 0) return cudaSuccess;
  const Region region{.offset = 0, .width = plane.width, .rows = plane.rows, .pitch = pitch};
  const Operand target = device_operand(entry.name(), "devPtr", to, kHost, region, true);
  Operation operation{.name = entry.name(),
                      .operands = {target},
                      .run = [data = target.data(), pitch, value, plane](const Moment&) {
                        for (std::size_t i = 0; i < plane.rows; ++i) {
                          std::memset(data + i * pitch, value, plane.width);
                        }
                      }};
  if (stream == nullptr) {
    run_now(current_device(), std::move(operation));
  } else {
    enqueue(stream, std::move(operation));
  }
  return cudaSuccess;
}

}  // namespace
}  // namespace standin

using namespace standin;  // NOLINT(google-build-using-namespace): this file is its C interface

extern "C" {

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return copy(Entry("cudaMemcpy"), to, bytes, from, bytes, {bytes, 1}, kind, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return copy(Entry("cudaMemcpyAsync"), to, bytes, from, bytes, {bytes, 1}, kind, &stream);
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  return copy(Entry("cudaMemcpy2D"), to, to_pitch, from, from_pitch, {width, height}, kind,
              nullptr);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  return copy(Entry("cudaMemcpy2DAsync"), to, to_pitch, from, from_pitch, {width, height}, kind,
              &stream);
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return fill(Entry("cudaMemset"), to, bytes, value, {bytes, 1}, nullptr);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return fill(Entry("cudaMemsetAsync"), to, bytes, value, {bytes, 1}, &stream);
}

cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width,
                              std::size_t height, cudaStream_t stream) {
  return fill(Entry("cudaMemset2DAsync"), to, pitch, value, {width, height}, &stream);
}

void fastcca_standin_copy_in(void* device_memory, const void* host, std::size_t bytes) {
  const Entry entry("fastcca_standin_copy_in");
  if (bytes == 0) return;
  const Region region{.offset = 0, .width = bytes};
  std::memcpy(
      device_operand(entry.name(), "device_memory", device_memory, kHost, region, true).data(),
      host, bytes);
}

void fastcca_standin_copy_out(void* host, const void* device_memory, std::size_t bytes) {
  const Entry entry("fastcca_standin_copy_out");
  if (bytes == 0) return;
  const Region region{.offset = 0, .width = bytes};
  std::memcpy(
      host,
      device_operand(entry.name(), "device_memory", device_memory, kHost, region, false).data(),
      bytes);
}

}  // extern "C"
