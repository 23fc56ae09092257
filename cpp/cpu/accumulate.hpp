// First and second moments of one batch: the only step that reads the data.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/backend.hpp"
#include "cpu/product_tiles.hpp"

namespace fastcca {

// Moments of one batch in the packed layout: features of all blocks side by side, every block
// padded to whole panels.
struct PackedMoments {
  Index n = 0;
  Index width = 0;              // padded features of all blocks
  std::vector<Index> offsets;   // where each block's features begin
  std::vector<double> shift;    // (width,) what was subtracted from every sample
  std::vector<double> sums;     // (width,) sums of the shifted samples
  std::vector<double> squares;  // (width,) of single precision alone: of the scaled samples
  ProductTiles tiles;
  std::unique_ptr<double[]> products;  // where `tiles` says, of a block with itself its lower
                                       // panels: sums of products of the shifted samples
};

// Accumulates on up to `threads` threads, 0 for the default.
PackedMoments accumulate_packed(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                int threads);

// Does so with products of float32 numbers, added up in float64 between a few samples; in float64
// throughout where the samples of a feature differ too much in size for float32.
PackedMoments accumulate_packed_single(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                       int threads);

}  // namespace fastcca
