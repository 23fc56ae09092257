#include "cpu/accumulate.hpp"

#include <algorithm>
#include <atomic>
#include <new>

#include "core/interrupt.hpp"
#include "cpu/simd.hpp"
#include "cpu/threads.hpp"
#include "cpu/unwritten.hpp"

namespace fastcca {

namespace {

using simd::kDepth;

// Output tiles, in panels: rows of a tile stay in the second-level cache of a core.
constexpr Index kTileRows = 24;
constexpr Index kTileCols = 16;
constexpr Index kMostLanes = 8;

// Multiply-adds below which one thread is done before a second one has started.
constexpr double kSingleThreadWork = 1 << 24;

// Up to this padded width every sample range has products of its own; beyond it, threads share
// one set of products and own tiles of it.
constexpr Index kNarrowWidth = 512;

// Sample ranges of narrow data. A constant, not the number of threads, so that the order of all
// additions, and with it every bit of the result, is the same for any number of threads.
constexpr Index kLeaves = 8;

constexpr std::size_t kAlignment = 64;

struct AlignedDelete {
  void operator()(double* p) const { ::operator delete[](p, std::align_val_t{kAlignment}); }
};
using AlignedBuffer = std::unique_ptr<double[], AlignedDelete>;

AlignedBuffer aligned_buffer(Index count) {
  const auto bytes = static_cast<std::size_t>(count) * sizeof(double);
  AlignedBuffer out(static_cast<double*>(::operator new[](bytes, std::align_val_t{kAlignment})));
  mark_unwritten(out.get(), static_cast<std::size_t>(count));
  return out;
}

// Where the features of all blocks lie in the packed layout.
class Layout {
 public:
  Layout(std::span<const ArrayView> blocks, const simd::Level& level)
      : blocks_(blocks), level_(level) {
    for (const ArrayView& block : blocks) {
      offsets_.push_back(width_);
      const Index panels = (block.cols + level.lanes - 1) / level.lanes;
      width_ += panels * level.lanes;
    }
    for (Index row = 0; row < panels(); row += kTileRows) {
      const Index row_end = std::min(row + kTileRows, panels());
      for (Index col = 0; col < row_end; col += kTileCols) {
        tiles_.push_back({row, row_end, col, std::min(col + kTileCols, row_end)});
      }
    }
  }

  Index width() const { return width_; }
  Index panels() const { return width_ / level_.lanes; }
  Index tile_count() const { return static_cast<Index>(tiles_.size()); }
  const std::vector<Index>& offsets() const { return offsets_; }

  // Packs panels [first, last) of samples [row, row + depth), and adds their sums to sums.
  void pack(Index row, Index depth, Index first, Index last, const double* shift, double* packed,
            double* sums) const {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Index begin = std::max(first * level_.lanes - offsets_[b], Index{0});
      const Index end = std::min(last * level_.lanes - offsets_[b], blocks_[b].cols);
      if (begin < end) {
        // Sums of this block of samples alone first: however many runs its samples lie in, they
        // are added up in the same order.
        double block_sums[kTileCols * kMostLanes];
        for (Index from = begin; from < end; from += kTileCols * level_.lanes) {
          const Index cols = std::min(kTileCols * level_.lanes, end - from);
          const Index to = offsets_[b] + from;
          std::fill_n(block_sums, cols, 0.0);
          pack_rows(level_, blocks_[b], row, depth, from, cols, shift + to, packed + to * kDepth,
                    block_sums);
          for (Index j = 0; j < cols; ++j) {
            sums[to + j] += block_sums[j];
          }
        }
      }
    }
  }

  // Adds the products of one packed block of samples to the tile.
  void update(Index tile, const double* packed, Index depth, double* products) const {
    const Tile& t = tiles_[static_cast<std::size_t>(tile)];
    for (Index col = t.col; col < t.col_end; ++col) {
      level_.update(packed, depth, std::max(t.row, col), t.row_end, col, products, width_);
    }
  }

 private:
  struct Tile {
    Index row, row_end, col, col_end;
  };
  std::span<const ArrayView> blocks_;
  const simd::Level& level_;
  std::vector<Index> offsets_;
  std::vector<Tile> tiles_;
  Index width_ = 0;
};

// The mean of some samples spread over the batch: near enough to the mean of all that the products
// of what is left lose no digits, whatever the order of the samples.
std::vector<double> shift_of(const Layout& layout, Index rows) {
  constexpr Index kRuns = 16;
  constexpr Index kRunLength = 16;
  const auto width = static_cast<std::size_t>(layout.width());
  const std::vector<double> zeros(width, 0.0);
  std::vector<double> sums(width, 0.0);
  const AlignedBuffer packed = aligned_buffer(layout.width() * kDepth);
  Index count = 0;
  if (rows <= kRuns * kRunLength) {
    layout.pack(0, rows, 0, layout.panels(), zeros.data(), packed.get(), sums.data());
    count = rows;
  } else {
    for (Index run = 0; run < kRuns; ++run) {
      const Index row = (rows - kRunLength) * run / (kRuns - 1);
      layout.pack(row, kRunLength, 0, layout.panels(), zeros.data(), packed.get(), sums.data());
    }
    count = kRuns * kRunLength;
  }
  for (double& s : sums) {
    s /= static_cast<double>(count);
  }
  return sums;
}

Index block_count(Index rows) { return (rows + kDepth - 1) / kDepth; }

// Sample ranges with sums and products of their own, added up in their order at the end.
void accumulate_narrow(const Layout& layout, Index rows, int most_threads, PackedMoments& out) {
  const Index width = layout.width();
  const Index blocks = block_count(rows);
  const double work =
      static_cast<double>(rows) * static_cast<double>(width) * static_cast<double>(width);
  const Index leaves = work < kSingleThreadWork ? 1 : std::min(kLeaves, blocks);
  const int threads = static_cast<int>(std::min<Index>(most_threads, leaves));

  const Index cells = width * width;
  // A single range needs no place of its own.
  const auto own_products =
      std::make_unique<double[]>(static_cast<std::size_t>(leaves > 1 ? cells * leaves : 0));
  double* products = leaves > 1 ? own_products.get() : out.products.get();
  std::vector<double> sums(static_cast<std::size_t>(width * leaves), 0.0);
  const AlignedBuffer packed = aligned_buffer(width * kDepth * threads);
  std::atomic<Index> next{0};
  run_on_threads(threads, [&](int thread, Team&) {
    double* own = packed.get() + thread * width * kDepth;
    for (Index leaf = next++; leaf < leaves; leaf = next++) {
      double* leaf_products = products + leaf * cells;
      double* leaf_sums = sums.data() + leaf * width;
      for (Index b = blocks * leaf / leaves; b < blocks * (leaf + 1) / leaves; ++b) {
        throw_if_interrupted();
        const Index row = b * kDepth;
        const Index depth = std::min(kDepth, rows - row);
        layout.pack(row, depth, 0, layout.panels(), out.shift.data(), own, leaf_sums);
        for (Index tile = 0; tile < layout.tile_count(); ++tile) {
          layout.update(tile, own, depth, leaf_products);
        }
      }
    }
  });
  for (Index leaf = 0; leaf < leaves; ++leaf) {
    for (Index j = 0; j < width; ++j) {
      out.sums[static_cast<std::size_t>(j)] += sums[static_cast<std::size_t>(leaf * width + j)];
    }
    for (Index k = 0; leaves > 1 && k < cells; ++k) {
      out.products[static_cast<std::size_t>(k)] +=
          products[static_cast<std::size_t>(leaf * cells + k)];
    }
  }
}

// One set of products, its tiles shared out; every tile sees the samples in their order.
void accumulate_wide(const Layout& layout, Index rows, int most_threads, PackedMoments& out) {
  constexpr Index kPackPanels = 8;
  const Index blocks = block_count(rows);
  const Index pack_tasks = (layout.panels() + kPackPanels - 1) / kPackPanels;
  const AlignedBuffer packed = aligned_buffer(layout.width() * kDepth);
  std::atomic<Index> next_pack{0};
  std::atomic<Index> next_tile{0};
  const int threads = static_cast<int>(std::min<Index>(most_threads, layout.tile_count()));
  run_on_threads(threads, [&](int, Team& team) {
    for (Index b = 0; b < blocks; ++b) {
      const Index row = b * kDepth;
      const Index depth = std::min(kDepth, rows - row);
      for (Index task = next_pack++; task < pack_tasks; task = next_pack++) {
        throw_if_interrupted();
        layout.pack(row, depth, task * kPackPanels,
                    std::min((task + 1) * kPackPanels, layout.panels()), out.shift.data(),
                    packed.get(), out.sums.data());
      }
      team.wait();
      next_pack.store(0);
      for (Index tile = next_tile++; tile < layout.tile_count(); tile = next_tile++) {
        throw_if_interrupted();
        layout.update(tile, packed.get(), depth, out.products.get());
      }
      team.wait();
      next_tile.store(0);
    }
  });
}

}  // namespace

void pack_rows(const simd::Level& level, const ArrayView& view, Index row, Index depth, Index col,
               Index cols, const double* shift, double* packed, double* sums) {
  const Index run = view.run > 0 ? view.run : view.rows;
  const Index end = row + depth;
  for (Index at = row; at < end;) {
    const Index index = at / run;
    const Index within = at % run;
    const Index count = std::min(run - within, end - at);
    const unsigned char* first = view.data + index / view.runs_per_outer * view.outer_stride +
                                 index % view.runs_per_outer * view.run_stride;
    const simd::Source source{first, view.row_stride, view.col_stride, static_cast<int>(view.dtype),
                              view.byte_swapped};
    level.pack(source, within, count, col, cols, shift, packed + (at - row) * level.lanes, sums);
    at += count;
  }
}

PackedMoments accumulate_packed(std::span<const ArrayView> blocks, int threads) {
  const Layout layout(blocks, simd::level());
  const Index rows = blocks[0].rows;
  PackedMoments out;
  out.n = rows;
  out.width = layout.width();
  out.offsets = layout.offsets();
  out.shift = shift_of(layout, rows);
  out.sums.assign(static_cast<std::size_t>(out.width), 0.0);
  out.products = std::make_unique<double[]>(static_cast<std::size_t>(out.width * out.width));
  const int most_threads = threads > 0 ? threads : num_threads();
  if (out.width <= kNarrowWidth) {
    accumulate_narrow(layout, rows, most_threads, out);
  } else {
    accumulate_wide(layout, rows, most_threads, out);
  }
  return out;
}

}  // namespace fastcca
