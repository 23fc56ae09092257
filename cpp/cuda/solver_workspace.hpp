// What the calls of cuSOLVER's 64-bit interface need: names of types, workspaces, and an error.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "core/errors.hpp"
#include "cuda/context.hpp"

namespace fastcca::cuda {

template <class Scalar>
inline constexpr cudaDataType kType = std::is_same_v<Scalar, double> ? CUDA_R_64F : CUDA_C_64F;

inline constexpr cudaDataType kReal = CUDA_R_64F;

[[noreturn]] inline void fail(const std::string& routine, int info) {
  throw DecompositionError("cuSOLVER's " + routine + " failed with info = " + std::to_string(info) +
                           "; compute on the host with backend=\"cpu\", and please report this "
                           "with the data that causes it");
}

// Asks a routine for the sizes of its workspaces, makes them, and keeps them while it runs.
class Workspace {
 public:
  template <class Query>
  Workspace(const Context& context, const char* call, Query query) {
    std::size_t on_device = 0;
    std::size_t on_host = 0;
    check(query(&on_device, &on_host), call);
    device_ = context.buffer<unsigned char>(static_cast<Index>(on_device));
    host_.resize(std::max<std::size_t>(on_host, 1));
    device_size_ = on_device;
    host_size_ = on_host;
  }
  void* device() const { return device_.get(); }
  std::size_t device_size() const { return device_size_; }
  void* host() { return host_.data(); }
  std::size_t host_size() const { return host_size_; }

 private:
  DeviceBuffer<unsigned char> device_;
  std::vector<unsigned char> host_;
  std::size_t device_size_ = 0;
  std::size_t host_size_ = 0;
};

}  // namespace fastcca::cuda
