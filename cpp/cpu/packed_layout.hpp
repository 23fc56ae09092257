// Where the features of all blocks lie in the packed layout, and how they get there.
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

#include "cpu/accumulate.hpp"
#include "cpu/simd.hpp"
#include "cpu/unwritten.hpp"

namespace fastcca {

inline constexpr std::size_t kAlignment = 64;

template <class Real>
struct AlignedDelete {
  void operator()(Real* p) const { ::operator delete[](p, std::align_val_t{kAlignment}); }
};
template <class Real>
using AlignedBuffer = std::unique_ptr<Real[], AlignedDelete<Real>>;

template <class Real>
AlignedBuffer<Real> aligned_buffer(Index count) {
  const auto bytes = static_cast<std::size_t>(count) * sizeof(Real);
  AlignedBuffer<Real> out(
      static_cast<Real*>(::operator new[](bytes, std::align_val_t{kAlignment})));
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

// Real is what samples are packed as: a panel is as wide as a vector of it.
template <class Real>
class PackedLayout {
 public:
  static constexpr bool kSingle = std::is_same_v<Real, float>;

  PackedLayout(std::span<const ArrayView> blocks, const simd::Level& level)
      : blocks_(blocks), level_(level), lanes_(kSingle ? 2 * level.lanes : level.lanes) {
    for (const ArrayView& block : blocks) {
      offsets_.push_back(width_);
      width_ += (block.cols + lanes_ - 1) / lanes_ * lanes_;
    }
    for (Index row = 0; row < panels(); row += kTileRows) {
      const Index row_end = std::min(row + kTileRows, panels());
      for (Index col = 0; col < row_end; col += kTileCols) {
        tiles_.push_back({row, row_end, col, std::min(col + kTileCols, row_end)});
      }
    }
  }

  Index lanes() const { return lanes_; }
  Index width() const { return width_; }
  Index panels() const { return width_ / lanes_; }
  Index tile_count() const { return static_cast<Index>(tiles_.size()); }
  const std::vector<Index>& offsets() const { return offsets_; }

  // Packs panels [first, last) of samples [row, row + depth), and adds up what they hold.
  void pack(Index row, Index depth, Index first, Index last, const Preparation& with, Real* packed,
            Totals totals) const {
    constexpr Index kAtOnce = kSingle ? 2 : kTileCols;  // panels
    AlignedBuffer<double> doubles;
    if constexpr (kSingle) {
      doubles = aligned_buffer<double>(kAtOnce * lanes_ * simd::kDepth);
    }
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Index begin = std::max(first * lanes_ - offsets_[b], Index{0});
      const Index end = std::min(last * lanes_ - offsets_[b], blocks_[b].cols);
      for (Index from = begin; from < end; from += kAtOnce * lanes_) {
        // Sums of this block of samples alone first: however many runs its samples lie in, they
        // are added up in the same order.
        double block_sums[kTileCols * kMostLanes];
        const Index cols = std::min(kAtOnce * lanes_, end - from);
        const Index to = offsets_[b] + from;
        std::fill_n(block_sums, cols, 0.0);
        double* out = doubles.get();
        if constexpr (!kSingle) {
          out = packed + to * simd::kDepth;
        }
        pack_rows(level_, blocks_[b], row, depth, from, cols, with.shift.data() + to, out,
                  block_sums);
        if constexpr (kSingle) {
          narrow(depth, cols, with.scale.data() + to, out, packed + to * simd::kDepth,
                 totals.squares + to);
        }
        for (Index j = 0; j < cols; ++j) {
          totals.sums[to + j] += block_sums[j];
        }
      }
    }
  }

  // Adds the products of one packed block of samples to the tile.
  void update(Index tile, const Real* packed, Index depth, double* products) const {
    const Tile& t = tiles_[static_cast<std::size_t>(tile)];
    for (Index col = t.col; col < t.col_end; ++col) {
      const Index row = std::max(t.row, col);
      if constexpr (kSingle) {
        level_.update_single(packed, depth, row, t.row_end, col, products, width_);
      } else {
        level_.update(packed, depth, row, t.row_end, col, products, width_);
      }
    }
  }

 private:
  struct Tile {
    Index row, row_end, col, col_end;
  };
  // Output tiles, in panels: rows of a tile stay in the second-level cache of a core.
  static constexpr Index kTileRows = 24;
  static constexpr Index kTileCols = 16;
  static constexpr Index kMostLanes = 8;

  void narrow(Index depth, Index cols, const double* scale, double* doubles, float* packed,
              double* squares) const {
    const Index half = level_.lanes;
    if ((cols + half - 1) / half % 2 == 1) {  // no features in the other half of the last panel
      std::fill_n(doubles + (cols + half - 1) / half * half * simd::kDepth, depth * half, 0.0);
    }
    for (Index j = 0; j < cols; j += lanes_) {
      level_.narrow(doubles + j * simd::kDepth, depth, scale + j, packed + j * simd::kDepth,
                    squares + j);
    }
  }

  std::span<const ArrayView> blocks_;
  const simd::Level& level_;
  Index lanes_;
  std::vector<Index> offsets_;
  std::vector<Tile> tiles_;
  Index width_ = 0;
};

}  // namespace fastcca
