// Kernels around the transforms of maps, enqueued on a stream. Pointers are to device memory, T is
// float or double.
#pragma once

#include <cuda_runtime_api.h>

#include "core/types.hpp"

namespace fastcca::cuda {

// The squares of a channel are added up in so many parts, and these in their order.
inline constexpr Index kEnergyParts = 512;

// energies[c] = the sum of squares of channel c, whose `size` values begin at values[c * size].
// parts holds kEnergyParts * channels numbers.
template <class T>
void sum_squares(cudaStream_t stream, const T* values, Index size, Index channels, double* parts,
                 double* energies);

// out[2 i] = values[i], out[2 i + 1] = 0
template <class T>
void widen_to_complex(cudaStream_t stream, const T* values, Index count, T* out);

}  // namespace fastcca::cuda
