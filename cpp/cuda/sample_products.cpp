#include "cuda/sample_products.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/interrupt.hpp"
#include "cuda/sample_reader.hpp"

namespace fastcca::cuda {

namespace {

void check_shapes(std::span<const ArrayView> blocks, std::span<const double> shift,
                  const ArrayView& weights) {
  Index width = 0;
  bool same_rows = !blocks.empty();
  for (const ArrayView& block : blocks) {
    width += block.cols;
    same_rows = same_rows && block.rows == blocks[0].rows;
  }
  if (!same_rows || width != weights.rows || width != static_cast<Index>(shift.size())) {
    throw std::invalid_argument("samples of " + std::to_string(width) +
                                " features cannot be multiplied by " +
                                std::to_string(weights.rows) + " rows of weights, less " +
                                std::to_string(shift.size()) + " means");
  }
}

// One feature's weights below each other, (width, cols).
DeviceBuffer<double> read_weights(Context& context, const ArrayView& weights) {
  auto out = context.buffer<double>(weights.rows * weights.cols);
  SampleReader reader(context, {&weights, 1}, weights.rows, 0);
  const Drain drain(context);
  reader.follow_computation();
  reader.read(0, weights.rows, nullptr, {out.get(), 1, weights.rows});
  reader.precede_computation();
  return out;
}

}  // namespace

Matrix multiply_samples(Context& context, std::span<const ArrayView> blocks,
                        std::span<const double> shift, const ArrayView& weights) {
  check_shapes(blocks, shift, weights);
  const Index rows = blocks[0].rows;
  const Index width = weights.rows;
  const Index cols = weights.cols;
  Matrix out = allocate_matrix<double>(context.arena(), cols, rows);
  if (rows == 0 || width == 0 || cols == 0) {
    context.set_zero(out.data(), rows * cols);
    return out;
  }
  const auto factor = read_weights(context, weights);
  const auto means = context.upload(shift);
  const Index piece = std::min(piece_of(width), rows);
  const auto samples = context.buffer<double>(piece * width);
  SampleReader reader(context, blocks, piece, 0);
  const Drain drain(context);
  const double one = 1.0;
  const double zero = 0.0;
  for (Index row = 0; row < rows; row += piece) {
    throw_if_interrupted();
    const Index depth = std::min(piece, rows - row);
    reader.follow_computation();  // which is done with the piece before
    reader.read(row, depth, means.get(), {samples.get(), width, 1});
    reader.precede_computation();
    check(cublasDgemm_64(context.blas(), CUBLAS_OP_T, CUBLAS_OP_N, cols, depth, width, &one,
                         factor.get(), width, samples.get(), width, &zero, out.data() + row * cols,
                         cols),
          "cublasDgemm");
  }
  return out;
}

}  // namespace fastcca::cuda
