// Products of samples by cuBLAS, on the context's stream.
#pragma once

#include "cuda/context.hpp"
#include "cuda/scatter.hpp"

namespace fastcca::cuda {

// Samples in device memory, all features of one next to each other.
template <class Real>
struct Piece {
  const Real* samples;
  Index width;
  Index depth;
};

// Adds the products of the features from `row` on with those from `col` on to the tile.
void add_products(const Context& context, const Piece<double>& piece, Index row, Index col,
                  const Tile& tile);

// So many products are added up in single precision, as many such sums again, and these join a sum
// in double: the same losses as on the CPU.
inline constexpr Index kSingleRun = 32;
inline constexpr Index kSingleRuns = 8;

// The same by products in single precision; scratch holds as many numbers as the tile.
void add_products(const Context& context, const Piece<float>& piece, Index row, Index col,
                  const Tile& tile, float* scratch);

}  // namespace fastcca::cuda
