#include "cuda/accumulate.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/accumulation_rules.hpp"
#include "core/interrupt.hpp"
#include "cuda/column_sums.hpp"
#include "cuda/products.hpp"
#include "cuda/sample_reader.hpp"
#include "cuda/scatter.hpp"

namespace fastcca::cuda {

namespace {

Columns columns_of(const double* samples, Index depth, Index width) {
  return {samples, width, 1, depth, width};
}

// One pass over the samples of all blocks, pieces of them on their way in while the products of the
// last one are computed.
class Pass {
 public:
  Pass(Context& context, std::span<const ArrayView> blocks, const KeptPairs& kept, int threads)
      : context_(context),
        blocks_(blocks),
        rows_(blocks[0].rows),
        reader_(context, blocks, most_rows(blocks), threads),
        width_(reader_.width()),
        piece_(std::min(piece_of(width_), rows_)),
        shift_(zeros(width_)),
        sums_(zeros(width_)),
        parts_(context.buffer<double>(width_ * kParts)) {
    samples_[0] = context.buffer<double>(std::max(piece_, std::min(rows_, kMostProbes)) * width_);
    if (piece_ < rows_) {
      samples_[1] = context.buffer<double>(piece_ * width_);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      auto& tiles = scatter_.emplace_back();
      for (std::size_t j = 0; j <= i; ++j) {
        const bool there = kept(i, j);
        Matrix& tile = tiles.emplace_back(allocate_matrix<double>(
            context.arena(), there ? blocks[i].cols : 0, there ? blocks[j].cols : 0));
        context.set_zero(tile.data(), tile.rows() * tile.cols());
      }
    }
    drain_.emplace(context);
  }

  // The mean of the probes becomes what is subtracted from every sample: near enough to the mean of
  // all that the products of what is left lose no digits.
  void choose_shift() {
    throw_if_interrupted();
    std::vector<Index> starts;
    probes_ = for_each_probe(rows_, [&](Index row, Index) { starts.push_back(row); });
    reader_.read_runs(starts, probes_ / static_cast<Index>(starts.size()),
                      {samples_[0].get(), width_, 1});
    reader_.precede_computation();
    cudaStream_t stream = context_.stream();
    add_sums(stream, columns_of(samples_[0].get(), probes_, width_), parts_.get(), shift_.get());
    divide(stream, shift_.get(), width_, static_cast<double>(probes_));
  }

  // Straight after choose_shift: the scales of single precision.
  std::vector<double> choose_scales() {
    const auto largest = zeros(width_);
    add_deviations(context_.stream(), columns_of(samples_[0].get(), probes_, width_), shift_.get(),
                   largest.get());
    std::vector<double> out = context_.download(largest.get(), width_);
    std::transform(out.begin(), out.end(), out.begin(), single_scale);
    return out;
  }

  // Calls arrived(columns) for what is to follow on the reading stream, and use(samples, depth) for
  // what is to follow on the other.
  template <class Arrived, class Use>
  void walk(Arrived arrived, Use use) {
    reader_.follow_computation();
    std::size_t turn = 0;
    for (Index row = 0; row < rows_; row += piece_) {
      throw_if_interrupted();
      const Index depth = std::min(piece_, rows_ - row);
      used_[turn].synchronize();
      double* samples = samples_[turn].get();
      reader_.read(row, depth, shift_.get(), {samples, width_, 1});
      const Columns columns = columns_of(samples, depth, width_);
      add_sums(context_.reading_stream(), columns, parts_.get(), sums_.get());
      arrived(columns);
      reader_.precede_computation();
      use(samples, depth);
      used_[turn].record(context_.stream());
      turn = 1 - turn;
    }
  }

  // Calls visit(tile, row, col) for every kept tile, with where its features begin.
  template <class Visit>
  void for_each_tile(Visit visit) {
    for (std::size_t i = 0; i < scatter_.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        Matrix& tile = scatter_[i][j];
        if (tile.rows() == 0) {
          continue;
        }
        visit(Tile{tile.data(), tile.rows(), tile.cols(), i == j}, reader_.offsets()[i],
              reader_.offsets()[j]);
      }
    }
  }

  BatchMoments finish() {
    for_each_tile([&](const Tile& tile, Index row, Index col) {
      throw_if_interrupted();
      finish_tile(context_.stream(), tile, sums_.get() + row, sums_.get() + col, rows_);
    });
    BatchMoments out;
    out.n = rows_;
    const std::vector<double> sums = context_.download(sums_.get(), width_);
    const std::vector<double> shift = context_.download(shift_.get(), width_);
    std::size_t at = 0;
    for (const ArrayView& block : blocks_) {
      auto& means = out.means.emplace_back();
      for (Index j = 0; j < block.cols; ++j, ++at) {
        means.push_back(shift[at] + sums[at] / static_cast<double>(rows_));
      }
    }
    out.scatter = std::move(scatter_);
    return out;
  }

  DeviceBuffer<double> zeros(Index count) const {
    auto out = context_.buffer<double>(count);
    context_.set_zero(out.get(), count);
    return out;
  }

  Index rows() const { return rows_; }
  Index width() const { return width_; }
  Index piece() const { return piece_; }
  double* parts() const { return parts_.get(); }
  std::vector<double> sums() const { return context_.download(sums_.get(), width_); }
  std::vector<double> shift() const { return context_.download(shift_.get(), width_); }

 private:
  static Index most_rows(std::span<const ArrayView> blocks) {
    Index width = 0;
    for (const ArrayView& block : blocks) {
      width += block.cols;
    }
    return std::max(piece_of(width), kMostProbes);
  }

  Context& context_;
  std::span<const ArrayView> blocks_;
  Index rows_;
  SampleReader reader_;
  Index width_;
  Index piece_;
  Index probes_ = 0;
  DeviceBuffer<double> shift_;
  DeviceBuffer<double> sums_;
  DeviceBuffer<double> parts_;
  DeviceBuffer<double> samples_[2];
  std::vector<std::vector<Matrix>> scatter_;
  Event used_[2];  // the samples of that turn
  std::optional<Drain> drain_;
};

}  // namespace

BatchMoments accumulate(Context& context, std::span<const ArrayView> blocks, const KeptPairs& kept,
                        int threads) {
  Pass pass(context, blocks, kept, threads);
  pass.choose_shift();
  pass.walk([](const Columns&) {},
            [&](const double* samples, Index depth) {
              pass.for_each_tile([&](const Tile& tile, Index row, Index col) {
                add_products(context, {samples, pass.width(), depth}, row, col, tile);
              });
            });
  return pass.finish();
}

BatchMoments accumulate_single(Context& context, std::span<const ArrayView> blocks,
                               const KeptPairs& kept, int threads) {
  {
    Pass pass(context, blocks, kept, threads);
    pass.choose_shift();
    const std::vector<double> scales = pass.choose_scales();
    const auto scale = context.upload(std::span<const double>(scales));
    const auto squares = pass.zeros(pass.width());
    const auto narrowed = context.buffer<float>(pass.piece() * pass.width());
    Index largest_tile = 0;
    pass.for_each_tile([&](const Tile& tile, Index, Index) {
      largest_tile = std::max(largest_tile, tile.rows * tile.cols);
    });
    const auto scratch = context.buffer<float>(largest_tile);
    const Drain drain(context);
    pass.walk(
        [&](const Columns& columns) {
          add_squares(context.reading_stream(), columns, scale.get(), pass.parts(), squares.get());
        },
        [&](const double* samples, Index depth) {
          narrow(context.stream(), columns_of(samples, depth, pass.width()), scale.get(),
                 narrowed.get());
          pass.for_each_tile([&](const Tile& tile, Index row, Index col) {
            add_products(context, {narrowed.get(), pass.width(), depth}, row, col, tile,
                         scratch.get());
          });
        });
    const std::vector<double> sums = pass.sums();
    const std::vector<double> found = context.download(squares.get(), pass.width());
    const std::vector<double> shift = pass.shift();
    if (fits_single({sums, found, shift, scales}, pass.rows())) {
      pass.for_each_tile([&](const Tile& tile, Index row, Index col) {
        unscale(context.stream(), tile, scale.get() + row, scale.get() + col);
      });
      return pass.finish();
    }
  }
  return accumulate(context, blocks, kept, threads);
}

}  // namespace fastcca::cuda
