#include "cuda/launch.hpp"
#include "cuda/scatter.hpp"

namespace fastcca::cuda {

namespace {

__host__ __device__ inline bool is_stored(const Tile& tile, Index at) {
  return !tile.on_diagonal || at % tile.rows >= at / tile.rows;
}

struct AddSingle {
  Tile tile;
  const float* product;
  __host__ __device__ void operator()(Index at) const {
    if (is_stored(tile, at)) {
      tile.products[at] += static_cast<double>(product[at]);
    }
  }
};

struct Unscale {
  Tile tile;
  const double* row_scale;
  const double* col_scale;
  __host__ __device__ void operator()(Index at) const {
    if (is_stored(tile, at)) {
      tile.products[at] = tile.products[at] / row_scale[at % tile.rows] / col_scale[at / tile.rows];
    }
  }
};

struct Finish {
  Tile tile;
  const double* row_sums;
  const double* col_sums;
  double n;
  __host__ __device__ void operator()(Index at) const {
    if (!is_stored(tile, at)) {
      return;
    }
    const Index i = at % tile.rows;
    const Index j = at / tile.rows;
    double centred = tile.products[at] - row_sums[i] / n * col_sums[j];
    if (tile.on_diagonal) {
      if (i == j && centred < 0.0) {
        centred = 0.0;
      }
      tile.products[j + i * tile.rows] = centred;
    }
    tile.products[at] = centred;
  }
};

}  // namespace

void add_single(cudaStream_t stream, const Tile& tile, const float* product) {
  launch(stream, tile.rows * tile.cols, AddSingle{tile, product});
}

void unscale(cudaStream_t stream, const Tile& tile, const double* row_scale,
             const double* col_scale) {
  launch(stream, tile.rows * tile.cols, Unscale{tile, row_scale, col_scale});
}

void finish_tile(cudaStream_t stream, const Tile& tile, const double* row_sums,
                 const double* col_sums, Index n) {
  launch(stream, tile.rows * tile.cols, Finish{tile, row_sums, col_sums, static_cast<double>(n)});
}

}  // namespace fastcca::cuda
