// Kernels around the transforms of maps, enqueued on a stream. Pointers are to device memory, T is
// float or double.
#pragma once

#include <cuda_runtime_api.h>

#include "core/types.hpp"

namespace fastcca::cuda {

// out[2 i] = values[i], out[2 i + 1] = 0
template <class T>
void widen_to_complex(cudaStream_t stream, const T* values, Index count, T* out);

}  // namespace fastcca::cuda
