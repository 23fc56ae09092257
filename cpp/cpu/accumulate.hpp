// First and second moments of one batch: the only step that reads the data.
#pragma once

#include <span>

#include "core/backend.hpp"
#include "cpu/product_tiles.hpp"
#include "cpu/simd.hpp"

namespace fastcca {

// Moments of one batch in the packed layout: features of all blocks side by side, every block
// padded to whole panels.
struct PackedMoments {
  Index n = 0;
  Index width = 0;             // padded features of all blocks
  std::vector<Index> offsets;  // where each block's features begin
  std::vector<double> shift;   // (width,) what was subtracted from every sample
  std::vector<double> sums;    // (width,) sums of the shifted samples
  ProductTiles tiles;
  std::unique_ptr<double[]> products;  // where `tiles` says, of a block with itself its lower
                                       // panels: sums of products of the shifted samples
};

// On up to `threads` threads, 0 for the default.
PackedMoments accumulate_packed(std::span<const ArrayView> blocks, const WantedTiles& wanted,
                                int threads);

// The same with products of float32 numbers, added up in float64 between a few samples; in float64
// throughout where the samples of a feature differ too much in size for float32.
PackedMoments accumulate_packed_single(std::span<const ArrayView> blocks, const WantedTiles& wanted,
                                       int threads);

// level.pack for samples [row, row + depth) of a view with any levels of strides.
void pack_rows(const simd::Level& level, const ArrayView& view, Index row, Index depth, Index col,
               Index cols, const double* shift, double* packed, double* sums);

// level.pack_single likewise.
void pack_rows_single(const simd::Level& level, const ArrayView& view, Index row, Index depth,
                      Index col, Index cols, const double* shift, const double* scale,
                      float* packed, double* sums, double* squares);

}  // namespace fastcca
