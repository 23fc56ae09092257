// Where the features of all blocks lie in the packed layout, and how they get there.
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

#include "cpu/product_tiles.hpp"
#include "cpu/runs.hpp"
#include "cpu/simd.hpp"
#include "cpu/unwritten.hpp"

namespace fastcca {

template <class Real>
using AlignedBuffer = std::shared_ptr<Real[]>;

template <class Real>
AlignedBuffer<Real> aligned_buffer(Index count) {
  constexpr std::align_val_t kCacheLine{64};
  const auto bytes = static_cast<std::size_t>(count) * sizeof(Real);
  AlignedBuffer<Real> out(static_cast<Real*>(::operator new[](bytes, kCacheLine)),
                          [](Real* p) { ::operator delete[](p, kCacheLine); });
  mark_unwritten(out.get(), static_cast<std::size_t>(count));
  return out;
}

// What becomes of a sample, (width,) each.
struct Preparation {
  std::vector<double> shift;  // subtracted from it
  std::vector<double> scale;  // of what is left, powers of two; single precision only
};

// What packing adds up, (width,) each. The squares, of scaled samples, in single precision only.
struct Totals {
  double* sums;
  double* squares;
};

inline void add_to(double* totals, const double* values, Index count) {
  for (Index j = 0; j < count; ++j) {
    totals[j] += values[j];
  }
}

// Real is what samples are packed as: a panel is as wide as a vector of it.
template <class Real>
class PackedLayout {
 public:
  static constexpr bool kSingle = std::is_same_v<Real, float>;

  PackedLayout(std::span<const ArrayView> blocks, const KeptPairs& kept, const simd::Level& level)
      : blocks_(blocks), kernels_(kernels_of(level)), lanes_(kernels_.lanes) {
    std::vector<Index> widths;
    for (const ArrayView& block : blocks) {
      offsets_.push_back(width_);
      widths.push_back(padded(block.cols, lanes_));
      width_ += widths.back();
      widest_ += padded(block.cols, simd::kMostLanes);
    }
    product_tiles_ = ProductTiles(widths, kept);
    for (std::size_t j = 0; j < blocks.size(); ++j) {
      // Blocks that are kept one after the other are worked off as one.
      for (std::size_t i = j; i < blocks.size();) {
        std::size_t end = i;
        while (end < blocks.size() && product_tiles_.has(end, j)) {
          ++end;
        }
        if (end > i) {
          add_tiles(i, end, j);
        }
        i = end + 1;
      }
    }
  }

  Index lanes() const { return lanes_; }
  Index width() const { return width_; }
  // The width with the widest panels that there are. What follows from it, as the order of
  // additions, is the same for every instruction set and in either precision.
  Index widest() const { return widest_; }
  Index panels() const { return width_ / lanes_; }
  Index tile_count() const { return static_cast<Index>(tiles_.size()); }
  const std::vector<Index>& offsets() const { return offsets_; }
  const ProductTiles& product_tiles() const { return product_tiles_; }

  // Packs panels [first, last) of samples [row, row + depth), and adds up what they hold.
  void pack(Index row, Index depth, Index first, Index last, const Preparation& with, Real* packed,
            Totals totals) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Index begin = std::max(first * lanes_ - offsets_[b], Index{0});
      const Index end = std::min(last * lanes_ - offsets_[b], blocks_[b].cols);
      for (Index from = begin; from < end; from += kAtOnce) {
        // Sums of this block of samples alone first: however many runs its samples lie in, they
        // are added up in the same order.
        double sums[kAtOnce];
        double squares[kAtOnce];
        const Index cols = std::min(kAtOnce, end - from);
        const Index to = offsets_[b] + from;
        simd::Packing packing{with.shift.data() + to, nullptr, sums, nullptr};
        std::fill_n(sums, cols, 0.0);
        if constexpr (kSingle) {
          packing.scale = with.scale.data() + to;
          packing.squares = squares;
          std::fill_n(squares, cols, 0.0);
        }
        pack_rows(kernels_, blocks_[b], row, depth, from, cols, packing,
                  packed + to * simd::kDepth);
        add_to(totals.sums + to, sums, cols);
        if constexpr (kSingle) {
          add_to(totals.squares + to, squares, cols);
        }
      }
    }
  }

  // Adds the products of one packed block of samples to the tile.
  void update(Index tile, const Real* packed, Index depth, double* products) const {
    const Tile& t = tiles_[static_cast<std::size_t>(tile)];
    const Index panel = lanes_ * simd::kDepth;
    for (Index col = t.col; col < t.col_end; ++col) {
      const Index row = std::max(t.row, col);
      const Real* a = packed + row * panel;
      const Real* b = packed + col * panel;
      double* c = products + t.begin + (row - t.row) * lanes_ + (col - t.col) * lanes_ * t.height;
      kernels_.update(a, t.row_end - row, b, depth, c, t.height);
    }
  }

 private:
  static const simd::Kernels<Real>& kernels_of(const simd::Level& level) {
    if constexpr (kSingle) {
      return level.singles;
    } else {
      return level.doubles;
    }
  }

  // Panels of samples, and where their products begin.
  struct Tile {
    Index row, row_end, col, col_end;
    Index begin, height;
  };
  // Output tiles, in panels: rows of a tile stay in the second-level cache of a core.
  static constexpr Index kTileRows = 24;
  static constexpr Index kTileCols = 16;
  // Features that are packed at once: whole panels of every level.
  static constexpr Index kAtOnce = 128;

  // Blocks [first, last) with block j.
  void add_tiles(std::size_t first, std::size_t last, std::size_t j) {
    const Index rows_begin = offsets_[first] / lanes_;
    const Index rows_end = (offsets_[last - 1] + product_tiles_.width(last - 1)) / lanes_;
    const Index cols_begin = offsets_[j] / lanes_;
    const Index cols_end = (offsets_[j] + product_tiles_.width(j)) / lanes_;
    const Index height = product_tiles_.height(j);
    for (Index row = rows_begin; row < rows_end; row += kTileRows) {
      const Index row_end = std::min(row + kTileRows, rows_end);
      for (Index col = cols_begin; col < std::min(cols_end, row_end); col += kTileCols) {
        const Index begin = product_tiles_.begin(first, j) + (row - rows_begin) * lanes_ +
                            (col - cols_begin) * lanes_ * height;
        tiles_.push_back(
            {row, row_end, col, std::min({col + kTileCols, cols_end, row_end}), begin, height});
      }
    }
  }

  static Index padded(Index cols, Index lanes) { return (cols + lanes - 1) / lanes * lanes; }

  std::span<const ArrayView> blocks_;
  const simd::Kernels<Real>& kernels_;
  Index lanes_;
  std::vector<Index> offsets_;
  ProductTiles product_tiles_;
  std::vector<Tile> tiles_;
  Index width_ = 0;
  Index widest_ = 0;
};

}  // namespace fastcca
