// Samples of the host, from any strides into memory without gaps, on their way to the device.
#pragma once

#include "core/types.hpp"

namespace fastcca::cuda {

// Where sample `row` of a view begins.
const unsigned char* sample_of(const ArrayView& view, Index row);

// Copies samples [row, row + depth), as they are, to `to`; returns the view of them there, whose
// samples or features lie next to each other, as they are nearer in the array.
ArrayView gather(const ArrayView& view, Index row, Index depth, int threads, unsigned char* to);

}  // namespace fastcca::cuda
