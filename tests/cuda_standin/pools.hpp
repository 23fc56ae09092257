// Stream-ordered memory, from the device's own pool or from one that the program made.
#pragma once

#include <cuda_runtime_api.h>

#include "failures.hpp"

namespace standin {

cudaError_t allocate_in_stream_order(const Entry& entry, void** pointer, std::size_t bytes,
                                     cudaStream_t handle);
std::size_t live_pools();

}  // namespace standin
