// What a device can fail with. No CUDA header: the bindings catch these.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace fastcca {

// A call to CUDA, cuBLAS, cuSOLVER or cuFFT that failed, by its name and the vendor's name for the
// status.
class DeviceError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The device or its driver has no memory left. Whatever was asked for is unchanged.
class OutOfDeviceMemory : public std::bad_alloc {
 public:
  explicit OutOfDeviceMemory(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

}  // namespace fastcca
