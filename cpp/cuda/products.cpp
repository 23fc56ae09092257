#include "cuda/products.hpp"

#include <algorithm>

namespace fastcca::cuda {

void add_products(const Context& context, const Piece<double>& piece, Index row, Index col,
                  const Tile& tile) {
  const double one = 1.0;
  if (tile.on_diagonal) {
    check(
        cublasDsyrk_64(context.blas(), CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, tile.rows, piece.depth,
                       &one, piece.samples + row, piece.width, &one, tile.products, tile.rows),
        "cublasDsyrk");
  } else {
    check(cublasDgemm_64(context.blas(), CUBLAS_OP_N, CUBLAS_OP_T, tile.rows, tile.cols,
                         piece.depth, &one, piece.samples + row, piece.width, piece.samples + col,
                         piece.width, &one, tile.products, tile.rows),
          "cublasDgemm");
  }
}

void add_products(const Context& context, const Piece<float>& piece, Index row, Index col,
                  const Tile& tile, float* scratch) {
  const float one = 1.0F;
  for (Index k = 0; k < piece.depth; k += kSingleRun) {
    const Index depth = std::min(kSingleRun, piece.depth - k);
    const bool is_first = k / kSingleRun % kSingleRuns == 0;
    const bool is_last = k / kSingleRun % kSingleRuns == kSingleRuns - 1;
    const float keep = is_first ? 0.0F : 1.0F;
    const float* samples = piece.samples + k * piece.width;
    if (tile.on_diagonal) {
      check(cublasSsyrk_64(context.blas(), CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, tile.rows, depth,
                           &one, samples + row, piece.width, &keep, scratch, tile.rows),
            "cublasSsyrk");
    } else {
      check(cublasSgemm_64(context.blas(), CUBLAS_OP_N, CUBLAS_OP_T, tile.rows, tile.cols, depth,
                           &one, samples + row, piece.width, samples + col, piece.width, &keep,
                           scratch, tile.rows),
            "cublasSgemm");
    }
    if (is_last || k + depth == piece.depth) {
      add_single(context.stream(), tile, scratch);
    }
  }
}

}  // namespace fastcca::cuda
