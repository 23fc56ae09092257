#include "cuda/memory.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

namespace fastcca::cuda {

// Destructors take no notice of failures: there is nobody to tell, and at the end of a process the
// driver may be gone before they run.

CurrentDevice::CurrentDevice(int device) : device_(device) {
  check(cudaGetDevice(&previous_), "cudaGetDevice");
  if (previous_ != device_) {
    check(cudaSetDevice(device_), "cudaSetDevice");
  }
}

CurrentDevice::~CurrentDevice() {
  if (previous_ != device_) {
    cudaSetDevice(previous_);
  }
}

Stream::Stream() {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}

Stream::~Stream() {
  cudaStreamSynchronize(stream_);
  cudaStreamDestroy(stream_);
}

Event::Event() {
  check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags");
}

Event::~Event() { cudaEventDestroy(event_); }

void Event::record(cudaStream_t stream) const {
  check(cudaEventRecord(event_, stream), "cudaEventRecord");
}

void Event::synchronize() const { check(cudaEventSynchronize(event_), "cudaEventSynchronize"); }

void Event::order_before(cudaStream_t stream) const {
  check(cudaStreamWaitEvent(stream, event_, 0), "cudaStreamWaitEvent");
}

Arena::Arena(int device) : device_(device) {
  int has_pools = 0;
  check(cudaDeviceGetAttribute(&has_pools, cudaDevAttrMemoryPoolsSupported, device),
        "cudaDeviceGetAttribute");
  if (has_pools == 0) {
    return;
  }
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  check(cudaMemPoolCreate(&pool_, &properties), "cudaMemPoolCreate");
  std::uint64_t keep = std::numeric_limits<std::uint64_t>::max();
  check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep),
        "cudaMemPoolSetAttribute");
}

Arena::~Arena() {
  cudaStreamSynchronize(stream_.get());
  if (pool_ != nullptr) {
    cudaMemPoolDestroy(pool_);
  }
}

cudaError_t Arena::try_to_allocate(void** out, std::size_t bytes) const {
  return pool_ != nullptr ? cudaMallocFromPoolAsync(out, bytes, pool_, stream_.get())
                          : cudaMalloc(out, bytes);
}

void* Arena::allocate(std::size_t bytes) {
  bytes = std::max<std::size_t>(bytes, 1);
  void* out = nullptr;
  cudaError_t status = try_to_allocate(&out, bytes);
  if (status == cudaErrorMemoryAllocation && pool_ != nullptr) {
    cudaGetLastError();
    check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
    check(cudaMemPoolTrimTo(pool_, 0), "cudaMemPoolTrimTo");
    status = try_to_allocate(&out, bytes);
  }
  const char* call = pool_ != nullptr ? "cudaMallocFromPoolAsync" : "cudaMalloc";
  if (status == cudaErrorMemoryAllocation) {
    throw_out_of_memory(call, bytes);
  }
  check(status, call);
  return out;
}

void Arena::free(void* memory) const noexcept {
  if (pool_ != nullptr) {
    cudaFreeAsync(memory, stream_.get());
  } else {
    cudaFree(memory);
  }
}

void Arena::free_from_anywhere(void* memory) const noexcept {
  int previous = 0;
  const bool other = cudaGetDevice(&previous) == cudaSuccess && previous != device_;
  if (other) {
    cudaSetDevice(device_);
  }
  free(memory);
  if (other) {
    cudaSetDevice(previous);
  }
}

template <class Scalar>
MatrixOf<Scalar> allocate_matrix(const std::shared_ptr<Arena>& arena, Index rows, Index cols) {
  if (cols > 0 && rows > std::numeric_limits<Index>::max() / cols / Index{sizeof(Scalar)}) {
    throw std::length_error("a matrix of " + std::to_string(rows) + " x " + std::to_string(cols) +
                            " numbers is beyond what can be addressed");
  }
  const auto bytes = static_cast<std::size_t>(rows * cols) * sizeof(Scalar);
  // Where there is no room for the owner itself, it frees what it was given.
  std::shared_ptr<Scalar[]> storage(static_cast<Scalar*>(arena->allocate(bytes)),
                                    [arena](Scalar* p) { arena->free_from_anywhere(p); });
  return {std::move(storage), rows, cols};
}

template MatrixOf<double> allocate_matrix(const std::shared_ptr<Arena>&, Index, Index);
template MatrixOf<Complex> allocate_matrix(const std::shared_ptr<Arena>&, Index, Index);

PinnedBuffer::~PinnedBuffer() { cudaFreeHost(data_); }

void PinnedBuffer::reserve(std::size_t bytes) {
  if (bytes <= size_) {
    return;
  }
  cudaFreeHost(data_);
  data_ = nullptr;
  size_ = 0;
  void* memory = nullptr;
  if (cudaMallocHost(&memory, bytes) != cudaSuccess) {
    cudaGetLastError();
    throw_out_of_memory("cudaMallocHost", bytes);
  }
  data_ = static_cast<unsigned char*>(memory);
  size_ = bytes;
}

}  // namespace fastcca::cuda
