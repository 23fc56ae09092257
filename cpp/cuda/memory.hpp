// Memory of a device and pinned memory of the host, freed by their owners.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "core/types.hpp"
#include "cuda/check.hpp"

namespace fastcca::cuda {

// The calling thread's current device, until it is put back.
class CurrentDevice {
 public:
  explicit CurrentDevice(int device);
  ~CurrentDevice();
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int device_;
  int previous_ = 0;
};

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(cudaStream_t stream) const;
  void synchronize() const;  // the host waits; at once where nothing was recorded
  void order_before(cudaStream_t stream) const;  // what comes next there waits

 private:
  cudaEvent_t event_ = nullptr;
};

// Where the memory of one device comes from, in the order of one stream: a pool of our own, which
// keeps what was freed, or plain allocations where the device has no pools. Outlives its backend as
// long as any memory from it does.
class Arena {
 public:
  explicit Arena(int device);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  int device() const { return device_; }
  cudaStream_t stream() const { return stream_.get(); }

  // Throws OutOfDeviceMemory, after what the pool keeps was given back.
  void* allocate(std::size_t bytes);
  void free(void* memory) const noexcept;
  // The same where another device may be current, for owners that outlive a call.
  void free_from_anywhere(void* memory) const noexcept;

 private:
  cudaError_t try_to_allocate(void** out, std::size_t bytes) const;

  int device_;
  Stream stream_;
  cudaMemPool_t pool_ = nullptr;
};

// A temporary of one operation; may be used on other streams once they wait for the arena's.
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(std::shared_ptr<Arena> arena, Index count)
      : arena_(std::move(arena)),
        data_(static_cast<T*>(arena_->allocate(static_cast<std::size_t>(count) * sizeof(T)))),
        size_(count) {}
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() {
    if (data_ != nullptr) {
      arena_->free(data_);
    }
  }

  T* get() const { return data_; }
  Index size() const { return size_; }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  std::shared_ptr<Arena> arena_;
  T* data_ = nullptr;
  Index size_ = 0;
};

// A matrix that nothing was written to. Its memory is returned in the order of the arena's stream.
template <class Scalar>
MatrixOf<Scalar> allocate_matrix(const std::shared_ptr<Arena>& arena, Index rows, Index cols);

class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  ~PinnedBuffer();
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;

  // Nothing may still be copied from or to it where it has to grow; its content is lost then.
  void reserve(std::size_t bytes);
  unsigned char* get() const { return data_; }

 private:
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fastcca::cuda
