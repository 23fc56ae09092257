#include "cuda/cuda_backend.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/interrupt.hpp"
#include "cuda/accumulate.hpp"
#include "cuda/column_sums.hpp"
#include "cuda/context.hpp"
#include "cuda/elementwise.hpp"
#include "cuda/sample_products.hpp"
#include "cuda/sample_reader.hpp"
#include "cuda/solver.hpp"

namespace fastcca {

using cuda::allocate_matrix;
using cuda::Call;
using cuda::Columns;
using cuda::Context;
using cuda::DeviceBuffer;
using cuda::Drain;
using cuda::SampleReader;

CudaBackend::CudaBackend(int device)
    : CudaLinearAlgebra<double, Backend>(cuda::make_context(device)), complex_(shared_context()) {}

int CudaBackend::device() const { return context().device(); }

std::uintptr_t CudaBackend::stream() const {
  return reinterpret_cast<std::uintptr_t>(context().stream());
}

void CudaBackend::wait_for(std::uintptr_t producer) const {
  const Call call(context());
  const cuda::Event queued;
  // The protocols of array exchange give streams as numbers.
  queued.record(reinterpret_cast<cudaStream_t>(producer));  // NOLINT(performance-no-int-to-ptr)
  queued.order_before(context().stream());
}

void CudaBackend::let_follow(std::uintptr_t consumer) const {
  const Call call(context());
  const cuda::Event queued;
  queued.record(context().stream());
  queued.order_before(
      reinterpret_cast<cudaStream_t>(consumer));  // NOLINT(performance-no-int-to-ptr)
}

void CudaBackend::wait_for_device() const noexcept {
  int previous = 0;
  const bool other = cudaGetDevice(&previous) == cudaSuccess && previous != device();
  if (other) {
    cudaSetDevice(device());
  }
  cudaDeviceSynchronize();
  if (other) {
    cudaSetDevice(previous);
  }
}

void CudaBackend::read_bytes(const void* device_memory, std::size_t bytes, void* host) const {
  const Call call(context());
  context().copy_out(static_cast<const unsigned char*>(device_memory), static_cast<Index>(bytes),
                     static_cast<unsigned char*>(host));
}

Matrix CudaBackend::multiply_samples(std::span<const ArrayView> blocks,
                                     std::span<const double> shift,
                                     const ArrayView& weights) const {
  const Call call(context());
  return cuda::multiply_samples(context(), blocks, shift, weights);
}

BatchMoments CudaBackend::accumulate(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                     int threads) const {
  const Call call(context());
  return cuda::accumulate(context(), blocks, kept, threads);
}

BatchMoments CudaBackend::accumulate_single(std::span<const ArrayView> blocks,
                                            const KeptPairs& kept, int threads) const {
  const Call call(context());
  return cuda::accumulate_single(context(), blocks, kept, threads);
}

namespace {

// Calls visit(row, columns) for pieces of all samples, for what is to follow on the reading stream.
template <class Visit>
void for_each_piece(Context& context, const ArrayView& block, Visit visit) {
  const Index piece = std::min(cuda::piece_of(block.cols), block.rows);
  SampleReader reader(context, {&block, 1}, piece, 0);
  const auto samples = context.buffer<double>(piece * block.cols);
  const Drain drain(context);
  reader.follow_computation();
  for (Index row = 0; row < block.rows; row += piece) {
    throw_if_interrupted();
    const Index depth = std::min(piece, block.rows - row);
    reader.read(row, depth, nullptr, {samples.get(), block.cols, 1});
    visit(row, Columns{samples.get(), block.cols, 1, depth, block.cols});
  }
  reader.precede_computation();
}

}  // namespace

NonFinite CudaBackend::find_non_finite(const ArrayView& block) const {
  const Call call(context());
  const auto count = context().buffer<Index>(block.cols);
  const auto row = context().buffer<Index>(block.cols);
  const auto value = context().buffer<double>(block.cols);
  context().set_zero(count.get(), block.cols);
  for_each_piece(context(), block, [&](Index first, const Columns& columns) {
    cuda::add_non_finite(context().reading_stream(), columns, first,
                         {count.get(), row.get(), value.get()});
  });
  const std::vector<Index> counts = context().download(count.get(), block.cols);
  const std::vector<Index> rows = context().download(row.get(), block.cols);
  const std::vector<double> values = context().download(value.get(), block.cols);
  NonFinite out;
  for (std::size_t j = 0; j < counts.size(); ++j) {
    if (counts[j] > 0 && (out.count == 0 || rows[j] < out.row)) {
      out.row = rows[j];
      out.col = static_cast<Index>(j);
      out.value = values[j];
    }
    out.count += counts[j];
  }
  return out;
}

double CudaBackend::largest_deviation(const ArrayView& block) const {
  const Call call(context());
  const auto centre = context().buffer<double>(block.cols);
  const auto largest = context().buffer<double>(block.cols);
  context().set_zero(largest.get(), block.cols);
  for_each_piece(context(), block, [&](Index first, const Columns& columns) {
    cudaStream_t stream = context().reading_stream();
    if (first == 0) {
      cuda::check(cudaMemcpyAsync(centre.get(), columns.data,
                                  static_cast<std::size_t>(block.cols) * sizeof(double),
                                  cudaMemcpyDeviceToDevice, stream),
                  "cudaMemcpyAsync");
    }
    cuda::add_deviations(stream, columns, centre.get(), largest.get());
  });
  const std::vector<double> found = context().download(largest.get(), block.cols);
  return found.empty() ? 0.0 : *std::max_element(found.begin(), found.end());
}

CentredRows CudaBackend::read_centred(std::span<const ArrayView> blocks, Index row,
                                      Index count) const {
  const Call call(context());
  cudaStream_t stream = context().stream();
  Index width = 0;
  for (const ArrayView& block : blocks) {
    width += block.cols;
  }
  const Index piece = std::min(cuda::piece_of(width), count);
  CentredRows out;
  out.samples = allocate_matrix<double>(context().arena(), count + 1, width);
  const Index lda = count + 1;
  const auto sums = context().buffer<double>(width);
  const auto parts = context().buffer<double>(width * cuda::kParts);
  SampleReader reader(context(), blocks, piece, 0);
  const Drain drain(context());
  context().set_zero(out.samples.data(), lda * width);
  reader.follow_computation();
  for (Index from = 0; from < count; from += piece) {
    throw_if_interrupted();
    reader.read(row + from, std::min(piece, count - from), nullptr,
                {out.samples.data() + from, 1, lda});
  }
  reader.precede_computation();
  const Columns columns{out.samples.data(), 1, lda, count, width};
  // The first mean is rounded, and what it leaves is worth a second one.
  out.mean.assign(static_cast<std::size_t>(width), 0.0);
  for (int pass = 0; pass < 2; ++pass) {
    context().set_zero(sums.get(), width);
    cuda::add_sums(stream, columns, parts.get(), sums.get());
    cuda::subtract_means(stream, out.samples.data(), columns, sums.get());
    const std::vector<double> found = context().download(sums.get(), width);
    for (std::size_t j = 0; j < found.size(); ++j) {
      out.mean[j] += found[j] / static_cast<double>(count);
    }
  }
  return out;
}

Matrix CudaBackend::read_samples(const ArrayView& block, Index row, Index count,
                                 std::span<const double> shift) const {
  const Call call(context());
  const Index width = block.cols;
  const Index piece = std::min(cuda::piece_of(width), count);
  Matrix out = allocate_matrix<double>(context().arena(), width, count);
  const auto offsets = context().upload(shift);
  SampleReader reader(context(), {&block, 1}, piece, 0);
  const Drain drain(context());
  reader.follow_computation();
  for (Index from = 0; from < count; from += piece) {
    throw_if_interrupted();
    reader.read(row + from, std::min(piece, count - from), offsets.get(),
                {out.data() + from * width, width, 1});
  }
  reader.precede_computation();
  return out;
}

Matrix CudaBackend::zeros(Index rows, Index cols) const {
  const Call call(context());
  Matrix out = allocate_matrix<double>(context().arena(), rows, cols);
  context().set_zero(out.data(), rows * cols);
  return out;
}

void CudaBackend::set_columns(Matrix& a, Index first, const Matrix& columns) const {
  const Call call(context());
  context().copy_within(columns.data(), columns.rows() * columns.cols(),
                        a.data() + first * a.rows());
}

void CudaBackend::set_row(Matrix& a, Index row, std::span<const double> values) const {
  const Call call(context());
  const auto there = context().upload(values);
  cuda::set_row(context().stream(), a.data(), a.rows(), a.cols(), row, there.get());
}

void CudaBackend::set_rows(Matrix& a, Index row, const Matrix& values) const {
  const Call call(context());
  if (values.rows() == 0 || values.cols() == 0) {
    return;
  }
  const auto bytes = [](Index rows) { return static_cast<std::size_t>(rows) * sizeof(double); };
  cuda::check(
      cudaMemcpy2DAsync(a.data() + row, bytes(a.rows()), values.data(), bytes(values.rows()),
                        bytes(values.rows()), static_cast<std::size_t>(values.cols()),
                        cudaMemcpyDeviceToDevice, context().stream()),
      "cudaMemcpy2DAsync");
}

void CudaBackend::add_gram(Matrix& a, const Matrix& b) const {
  throw_if_interrupted();
  const Call call(context());
  if (a.rows() > 0 && b.cols() > 0) {
    const double one = 1.0;
    cuda::check(
        cublasDgemm_64(context().blas(), CUBLAS_OP_N, CUBLAS_OP_T, a.rows(), a.rows(), b.cols(),
                       &one, b.data(), b.rows(), b.data(), b.rows(), &one, a.data(), a.rows()),
        "cublasDgemm");
  }
}

void CudaBackend::fold_into(Matrix& upper, Matrix rows) const {
  throw_if_interrupted();
  const Call call(context());
  const Index n = upper.rows();
  const Index m = rows.rows();
  if (n == 0 || m == 0) {
    return;
  }
  const auto stacked = context().buffer<double>((n + m) * n);
  cuda::stack(context().stream(), upper.data(), rows.data(), n, m, stacked.get());
  cuda::Solver<double>(context()).qr(n + m, n, stacked.get());
  cuda::take_upper(context().stream(), stacked.get(), n + m, n, upper.data());
}

void CudaBackend::for_each(int, std::size_t count,
                           const std::function<void(std::size_t)>& body) const {
  for (std::size_t i = 0; i < count; ++i) {
    throw_if_interrupted();
    body(i);
  }
}

void CudaBackend::add_with_outer(Matrix& a, const Matrix& b, double weight,
                                 std::span<const double> u, std::span<const double> v) const {
  const Call call(context());
  const auto left = context().upload(u);
  const auto right = context().upload(v);
  cuda::add_with_outer(context().stream(), a.data(), b.data(), weight, left.get(), right.get(),
                       a.rows(), a.cols());
}

ComplexMatrix CudaBackend::to_complex(const Matrix& real, const Matrix& imaginary) const {
  const Call call(context());
  ComplexMatrix out = allocate_matrix<Complex>(context().arena(), real.rows(), real.cols());
  cuda::join_parts(context().stream(), real.data(), imaginary.data(), real.rows() * real.cols(),
                   out.data());
  return out;
}

cuda::Spectra CudaBackend::spectra(const ArrayView& maps, Index height, Index width) const {
  const Call call(context());
  return cuda::spectra_of(context(), maps, height, width);
}

Matrix CudaBackend::negated(const ArrayView& values) const {
  const Call call(context());
  Matrix out = allocate_matrix<double>(context().arena(), values.rows, values.cols);
  SampleReader reader(context(), {&values, 1}, values.rows, 0);
  reader.follow_computation();
  reader.read(0, values.rows, nullptr, {out.data(), 1, values.rows});
  reader.precede_computation();
  cuda::scale(context().stream(), out.data(), values.rows * values.cols, -1.0);
  return out;
}

}  // namespace fastcca
