// Which devices there are. No CUDA header: the bindings ask these.
#pragma once

#include <cstddef>
#include <string>

namespace fastcca::cuda {

// Empty, or why no device can be used and what helps: no driver, one too old, no device.
std::string unusable();

// These throw DeviceError where there is no such device.
int device_count();
std::string device_name(int device);
std::size_t device_memory(int device);  // bytes in all

// The device whose memory a pointer is to, managed memory among it; -1 where it is to the host's.
int device_of(const void* pointer);

// 13000 for 13.0; 0 for the driver where there is none.
int driver_version();
int runtime_version();

}  // namespace fastcca::cuda
