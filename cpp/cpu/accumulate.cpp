#include "cpu/accumulate.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "core/accumulation_rules.hpp"
#include "core/host_vectors.hpp"
#include "core/interrupt.hpp"
#include "cpu/packed_layout.hpp"
#include "cpu/simd.hpp"
#include "cpu/threads.hpp"

namespace fastcca {

namespace {

using simd::kDepth;

// Multiply-adds that are worth a sample range of their own: a thread has begun with it long before
// another one would have done it as well.
constexpr double kLeafWork = 1 << 23;

// Up to this width, with the widest panels, every sample range has products of its own; beyond it,
// threads share one set of products and own tiles of it.
constexpr Index kNarrowWidth = 512;

// Sample ranges of narrow data at most. How many there are depends on the data, never on threads,
// so that the order of all additions, and with it every bit of the result, is the same for any
// number of threads.
constexpr Index kMostLeaves = 8;

// The mean of the probes: near enough to the mean of all that the products of what is left lose no
// digits.
std::vector<double> shift_of(const PackedLayout<double>& layout, Index rows) {
  const auto width = static_cast<std::size_t>(layout.width());
  const Preparation none{std::vector<double>(width, 0.0), {}};
  std::vector<double> sums(width, 0.0);
  const auto packed = aligned_buffer<double>(layout.width() * kDepth);
  const Index count = for_each_probe(rows, [&](Index row, Index depth) {
    layout.pack(row, depth, 0, layout.panels(), none, packed.get(), {sums.data(), nullptr});
  });
  for (double& s : sums) {
    s /= static_cast<double>(count);
  }
  return sums;
}

Index block_count(Index rows) { return (rows + kDepth - 1) / kDepth; }

// Sums and products of no sample, where those of samples go.
template <class Real>
PackedMoments nothing_yet(const PackedLayout<Real>& layout, Index rows) {
  PackedMoments out;
  out.n = rows;
  out.width = layout.width();
  out.offsets = layout.offsets();
  out.tiles = layout.product_tiles();
  out.sums.assign(static_cast<std::size_t>(layout.width()), 0.0);
  out.squares = out.sums;
  out.products = std::make_unique<double[]>(static_cast<std::size_t>(out.tiles.size()));
  return out;
}

// Sample ranges with sums and products of their own, added up in their order at the end.
template <class Real>
void accumulate_narrow(const PackedLayout<Real>& layout, Index rows, int most_threads,
                       const Preparation& with, PackedMoments& out) {
  const Index width = layout.width();
  const Index blocks = block_count(rows);
  const auto widest = static_cast<double>(layout.widest());
  const double work = static_cast<double>(rows) * widest * widest;
  const Index most_leaves = std::min(kMostLeaves, blocks);
  const Index leaves = static_cast<Index>(
      std::clamp(std::floor(work / kLeafWork), 1.0, static_cast<double>(most_leaves)));
  const int threads = static_cast<int>(std::min<Index>(most_threads, leaves));

  const Index cells = layout.product_tiles().size();
  // The first range needs no place of its own.
  const auto own_products = aligned_buffer<double>(cells * (leaves - 1));
  std::vector<double> sums(static_cast<std::size_t>(width * leaves), 0.0);
  std::vector<double> squares(static_cast<std::size_t>(width * leaves), 0.0);
  const auto packed = aligned_buffer<Real>(width * kDepth * threads);
  std::atomic<Index> next{0};
  std::atomic<Index> next_cells{0};
  run_on_threads(threads, [&](int thread, Team& team) {
    Real* own = packed.get() + thread * width * kDepth;
    for (Index leaf = next++; leaf < leaves; leaf = next++) {
      double* leaf_products =
          leaf == 0 ? out.products.get() : own_products.get() + (leaf - 1) * cells;
      if (leaf > 0) {
        std::fill_n(leaf_products, cells, 0.0);
      }
      const Totals totals{sums.data() + leaf * width, squares.data() + leaf * width};
      for (Index b = blocks * leaf / leaves; b < blocks * (leaf + 1) / leaves; ++b) {
        throw_if_interrupted();
        const Index row = b * kDepth;
        const Index depth = std::min(kDepth, rows - row);
        layout.pack(row, depth, 0, layout.panels(), with, own, totals);
        for (Index tile = 0; tile < layout.tile_count(); ++tile) {
          layout.update(tile, own, depth, leaf_products);
        }
      }
    }
    team.wait();
    constexpr Index kCells = 1 << 14;
    for (Index from = next_cells.fetch_add(kCells); from < cells;
         from = next_cells.fetch_add(kCells)) {
      const Index count = std::min(kCells, cells - from);
      for (Index leaf = 1; leaf < leaves; ++leaf) {
        add_to(out.products.get() + from, own_products.get() + (leaf - 1) * cells + from, count);
      }
    }
  });
  for (Index leaf = 0; leaf < leaves; ++leaf) {
    add_to(out.sums.data(), sums.data() + leaf * width, width);
    add_to(out.squares.data(), squares.data() + leaf * width, width);
  }
}

// One set of products, its tiles shared out; every tile sees the samples in their order. While some
// threads finish the tiles of one block of samples, the others pack the next one.
template <class Real>
void accumulate_wide(const PackedLayout<Real>& layout, Index rows, int most_threads,
                     const Preparation& with, PackedMoments& out) {
  constexpr Index kPackPanels = 8;
  const Index blocks = block_count(rows);
  const Index tiles = layout.tile_count();
  const Index pack_tasks = (layout.panels() + kPackPanels - 1) / kPackPanels;
  const AlignedBuffer<Real> packed[2] = {aligned_buffer<Real>(layout.width() * kDepth),
                                         aligned_buffer<Real>(layout.width() * kDepth)};
  const auto depth_of = [rows](Index block) { return std::min(kDepth, rows - block * kDepth); };
  const auto pack = [&](Index block, Index task) {
    layout.pack(block * kDepth, depth_of(block), task * kPackPanels,
                std::min((task + 1) * kPackPanels, layout.panels()), with, packed[block % 2].get(),
                {out.sums.data(), out.squares.data()});
  };
  // A step updates by one block and packs its successor; the first one packs alone. Its counter is
  // made ready for it in the step before.
  std::atomic<Index> next_task[2] = {0, 0};
  const int threads = static_cast<int>(std::min<Index>(most_threads, tiles));
  run_on_threads(threads, [&](int, Team& team) {
    for (Index b = -1; b < blocks; ++b) {
      std::atomic<Index>& next = next_task[(b + 1) % 2];
      next_task[(b + 2) % 2].store(0);
      const Index updates = b < 0 ? 0 : tiles;
      const Index tasks = updates + (b + 1 < blocks ? pack_tasks : 0);
      for (Index task = next++; task < tasks; task = next++) {
        throw_if_interrupted();
        if (task < updates) {
          layout.update(task, packed[b % 2].get(), depth_of(b), out.products.get());
        } else {
          pack(b + 1, task - updates);
        }
      }
      team.wait();
    }
  });
}

template <class Real>
PackedMoments accumulate_all(const PackedLayout<Real>& layout, Index rows, int threads,
                             const Preparation& with) {
  PackedMoments out = nothing_yet(layout, rows);
  const int most_threads = threads > 0 ? threads : num_threads();
  if (layout.widest() <= kNarrowWidth) {
    accumulate_narrow(layout, rows, most_threads, with, out);
  } else {
    accumulate_wide(layout, rows, most_threads, with, out);
  }
  out.shift = with.shift;
  return out;
}

// ---- single precision --------------------------------------------------------------------------

// Finds shifts and scales of every feature.
Preparation prepare_single(const PackedLayout<double>& doubles, const PackedLayout<float>& singles,
                           std::span<const ArrayView> blocks, const std::vector<double>& shift) {
  const Index lanes = doubles.lanes();
  std::vector<double> largest(shift.size(), 0.0);
  std::vector<double> sums(shift.size());
  const auto packed = aligned_buffer<double>(doubles.width() * kDepth);
  for_each_probe(blocks[0].rows, [&](Index row, Index depth) {
    doubles.pack(row, depth, 0, doubles.panels(), {shift, {}}, packed.get(),
                 {sums.data(), nullptr});
    for (Index j = 0; j < doubles.width(); ++j) {
      const double* panel = packed.get() + j / lanes * lanes * kDepth + j % lanes;
      const Eigen::Map<const Eigen::ArrayXd, 0, Eigen::InnerStride<>> samples(
          panel, depth, Eigen::InnerStride<>(lanes));
      double& most = largest[static_cast<std::size_t>(j)];
      most = std::max(most, samples.abs().maxCoeff<Eigen::PropagateNumbers>());
    }
  });
  const auto width = static_cast<std::size_t>(singles.width());
  Preparation out{std::vector<double>(width, 0.0), std::vector<double>(width, 1.0)};
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    for (Index j = 0; j < blocks[b].cols; ++j) {
      const auto from = static_cast<std::size_t>(doubles.offsets()[b] + j);
      const auto to = static_cast<std::size_t>(singles.offsets()[b] + j);
      out.shift[to] = shift[from];
      out.scale[to] = single_scale(largest[from]);
    }
  }
  return out;
}

// Brings products back to the scale of the samples, which is exact.
void unscale(PackedMoments& moments, const std::vector<double>& scale) {
  const ProductTiles& tiles = moments.tiles;
  for (std::size_t j = 0; j < tiles.blocks(); ++j) {
    const double* col_scale = scale.data() + moments.offsets[j];
    for (std::size_t i = j; i < tiles.blocks(); ++i) {
      if (!tiles.has(i, j)) {
        continue;
      }
      const auto row_scale = array(std::span(scale).subspan(
          static_cast<std::size_t>(moments.offsets[i]), static_cast<std::size_t>(tiles.width(i))));
      for (Index col = 0; col < tiles.width(j); ++col) {
        double* column = moments.products.get() + tiles.begin(i, j) + col * tiles.height(j);
        Eigen::Map<Eigen::ArrayXd> cells(column, tiles.width(i));
        cells = cells / row_scale / col_scale[col];
      }
    }
  }
}

}  // namespace

PackedMoments accumulate_packed(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                int threads) {
  const PackedLayout<double> layout(blocks, kept, simd::level());
  const Index rows = blocks[0].rows;
  return accumulate_all(layout, rows, threads, {shift_of(layout, rows), {}});
}

PackedMoments accumulate_packed_single(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                       int threads) {
  const PackedLayout<double> doubles(blocks, kept, simd::level());
  const PackedLayout<float> layout(blocks, kept, simd::level());
  const Index rows = blocks[0].rows;
  const Preparation with = prepare_single(doubles, layout, blocks, shift_of(doubles, rows));
  PackedMoments found = accumulate_all(layout, rows, threads, with);
  if (!fits_single({found.sums, found.squares, with.shift, with.scale}, rows)) {
    return accumulate_packed(blocks, kept, threads);
  }
  unscale(found, with.scale);
  return found;
}

}  // namespace fastcca
