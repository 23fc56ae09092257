// What becomes of sums of products, enqueued on a stream. Of tiles on the diagonal the lower
// triangle alone is read until finish_tile.
#pragma once

#include <cuda_runtime_api.h>

#include "core/types.hpp"

namespace fastcca::cuda {

// A tile of the sums of products, and what was summed of the features along its sides.
struct Tile {
  double* products;
  Index rows;
  Index cols;
  bool on_diagonal;
};

// tile += product, in single precision and laid out like it
void add_single(cudaStream_t stream, const Tile& tile, const float* product);

// tile[i, j] /= row_scale[i] * col_scale[j], one after the other
void unscale(cudaStream_t stream, const Tile& tile, const double* row_scale,
             const double* col_scale);

// tile[i, j] -= row_sums[i] / n * col_sums[j]: the sums of products of centred samples. Variances
// are not negative, and both halves of a tile on the diagonal are written.
void finish_tile(cudaStream_t stream, const Tile& tile, const double* row_sums,
                 const double* col_sums, Index n);

}  // namespace fastcca::cuda
