// Samples of the host, from any strides into memory without gaps, on their way to the device.
#pragma once

#include <span>

#include "core/types.hpp"

namespace fastcca::cuda {

// Samples of an array: `count` from the first one on, or runs of `length` that begin at `starts`.
struct Rows {
  Index first = 0;
  Index count = 0;
  std::span<const Index> starts = {};
  Index length = 0;

  Index at(Index k) const {
    return starts.empty() ? first + k : starts[static_cast<std::size_t>(k / length)] + k % length;
  }
  // How many from the k-th on follow each other.
  Index following(Index k) const { return starts.empty() ? count - k : length - k % length; }
};

// Where sample `row` of a view begins.
const unsigned char* sample_of(const ArrayView& view, Index row);

// Copies samples, as they are, to `to`; returns the view of them there, whose samples or features
// lie next to each other, as they are nearer in the array.
ArrayView gather(const ArrayView& view, const Rows& rows, int threads, unsigned char* to);

}  // namespace fastcca::cuda
