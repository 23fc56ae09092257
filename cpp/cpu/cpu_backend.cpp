#include "cpu/cpu_backend.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "core/interrupt.hpp"
#include "cpu/accumulate.hpp"
#include "cpu/host_matrix.hpp"
#include "cpu/simd.hpp"
#include "cpu/stage.hpp"
#include "cpu/threads.hpp"

namespace fastcca {

using namespace host;

namespace {

BatchMoments centred(const PackedMoments& packed, std::span<const ArrayView> blocks) {
  const double n = static_cast<double>(packed.n);
  const ConstVectorMap sums(packed.sums.data(), packed.width);
  const ConstVectorMap shift(packed.shift.data(), packed.width);
  const Eigen::VectorXd mean = sums / n;  // of the shifted samples

  BatchMoments out;
  out.n = packed.n;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Index row = packed.offsets[i];
    const Index rows = blocks[i].cols;
    auto& means = out.means.emplace_back(at(rows));
    Eigen::Map<Eigen::VectorXd>(means.data(), rows) =
        shift.segment(row, rows) + mean.segment(row, rows);
    auto& tiles = out.scatter.emplace_back();
    for (std::size_t j = 0; j <= i; ++j) {
      if (!packed.tiles.has(i, j)) {
        tiles.push_back(allocate<double>(0, 0));
        continue;
      }
      const Index col = packed.offsets[j];
      const Index cols = blocks[j].cols;
      const Eigen::Map<const Eigen::MatrixXd, 0, Eigen::OuterStride<>> products(
          packed.products.get() + packed.tiles.begin(i, j), rows, cols,
          Eigen::OuterStride<>(packed.tiles.height(j)));
      Matrix& tile = tiles.emplace_back(allocate<double>(rows, cols));
      auto t = map(tile);
      for (Index k = 0; k < cols; ++k) {
        throw_if_interrupted();
        const Index first = i == j ? k : 0;
        t.col(k).tail(rows - first) = products.col(k).tail(rows - first) -
                                      mean.segment(row + first, rows - first) * sums(col + k);
      }
      if (i == j) {
        t.diagonal() = t.diagonal().unaryExpr([](double d) { return d < 0.0 ? 0.0 : d; });
        t.triangularView<Eigen::StrictlyUpper>() = t.transpose();
      }
    }
  }
  return out;
}

void require_host(std::span<const ArrayView> blocks) {
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (blocks[b].memory != Memory::kHost) {
      throw std::invalid_argument("array " + std::to_string(b) +
                                  " lies in the memory of a device, which the CPU cannot read; "
                                  "copy it to the host, or use the backend of its device");
    }
  }
}

}  // namespace

BatchMoments CpuBackend::accumulate(std::span<const ArrayView> blocks, const WantedTiles& wanted,
                                    int threads) const {
  require_host(blocks);
  return centred(accumulate_packed(blocks, wanted, threads), blocks);
}

BatchMoments CpuBackend::accumulate_single(std::span<const ArrayView> blocks,
                                           const WantedTiles& wanted, int threads) const {
  require_host(blocks);
  return centred(accumulate_packed_single(blocks, wanted, threads), blocks);
}

StagingMemory CpuBackend::staging_memory(Index bytes) const { return allocate_staging(bytes); }

bool CpuBackend::stage(const ArrayView& block, unsigned char* to) const {
  require_host({&block, 1});
  return stage_samples(block, to);
}

namespace {

// Calls visit(row, col, value) for every value, a block of samples after the other.
template <class Visit>
void for_each_value(const ArrayView& block, Visit visit) {
  constexpr Index kFeatures = 64;
  const simd::Level& level = simd::level();
  const Index lanes = level.lanes;
  const std::vector<double> zeros(at(kFeatures), 0.0);
  std::vector<double> sums(at(kFeatures));
  std::vector<double> packed(at(kFeatures * simd::kDepth));
  for (Index row = 0; row < block.rows; row += simd::kDepth) {
    const Index depth = std::min<Index>(simd::kDepth, block.rows - row);
    throw_if_interrupted();
    for (Index col = 0; col < block.cols; col += kFeatures) {
      const Index cols = std::min(kFeatures, block.cols - col);
      pack_rows(level, block, row, depth, col, cols, zeros.data(), packed.data(), sums.data());
      for (Index j = 0; j < cols; ++j) {
        const double* panel = packed.data() + (j / lanes) * lanes * simd::kDepth + j % lanes;
        for (Index k = 0; k < depth; ++k) {
          visit(row + k, col + j, panel[k * lanes]);
        }
      }
    }
  }
}

}  // namespace

NonFinite CpuBackend::find_non_finite(const ArrayView& block) const {
  require_host({&block, 1});
  NonFinite out;
  for_each_value(block, [&out](Index row, Index col, double value) {
    if (std::isfinite(value)) {
      return;
    }
    if (out.count == 0 || row < out.row || (row == out.row && col < out.col)) {
      out.row = row;
      out.col = col;
      out.value = value;
    }
    ++out.count;
  });
  return out;
}

double CpuBackend::largest_deviation(const ArrayView& block) const {
  require_host({&block, 1});
  std::vector<double> first(at(block.cols));
  double out = 0.0;
  for_each_value(block, [&](Index row, Index col, double value) {
    if (row == 0) {
      first[at(col)] = value;
    }
    out = std::max(out, std::abs(value - first[at(col)]));
  });
  return out;
}

CentredRows CpuBackend::read_centred(std::span<const ArrayView> blocks, Index row,
                                     Index count) const {
  require_host(blocks);
  const simd::Level& level = simd::level();
  const Index lanes = level.lanes;
  Index width = 0;
  for (const ArrayView& block : blocks) {
    width += block.cols;
  }
  CentredRows out;
  out.samples = allocate<double>(count + 1, width);
  out.mean.resize(at(width));
  auto samples = map(out.samples);
  const std::vector<double> no_shift(at(lanes), 0.0);
  std::vector<double> sums(at(lanes));
  std::vector<double> packed(at(lanes * simd::kDepth));
  Index first = 0;
  for (const ArrayView& block : blocks) {
    for (Index col = 0; col < block.cols; col += lanes) {
      const Index cols = std::min(lanes, block.cols - col);
      throw_if_interrupted();
      for (Index from = 0; from < count; from += simd::kDepth) {
        const Index depth = std::min<Index>(simd::kDepth, count - from);
        pack_rows(level, block, row + from, depth, col, cols, no_shift.data(), packed.data(),
                  sums.data());
        for (Index j = 0; j < cols; ++j) {
          samples.col(first + col + j).segment(from, depth) =
              Eigen::Map<const Eigen::VectorXd, 0, Eigen::InnerStride<>>(
                  packed.data() + j, depth, Eigen::InnerStride<>(lanes));
        }
      }
    }
    first += block.cols;
  }
  for (Index j = 0; j < width; ++j) {
    auto column = samples.col(j).head(count);
    double mean = column.mean();
    column.array() -= mean;
    // The first mean is rounded, and what it leaves is worth a second one.
    const double rest = column.mean();
    column.array() -= rest;
    mean += rest;
    out.mean[at(j)] = mean;
    samples(count, j) = 0.0;
  }
  return out;
}

Matrix CpuBackend::read_samples(const ArrayView& block, Index row, Index count,
                                std::span<const double> shift) const {
  require_host({&block, 1});
  constexpr Index kFeatures = 64;  // of a call: as many as stay in the nearest cache
  const simd::Level& level = simd::level();
  const Index lanes = level.lanes;
  std::vector<double> sums(at(kFeatures));
  std::vector<double> packed(at(kFeatures * simd::kDepth));
  Matrix out = allocate<double>(block.cols, count);
  for (Index from = 0; from < count; from += simd::kDepth) {
    const Index depth = std::min<Index>(simd::kDepth, count - from);
    throw_if_interrupted();
    for (Index col = 0; col < block.cols; col += kFeatures) {
      const Index cols = std::min(kFeatures, block.cols - col);
      pack_rows(level, block, row + from, depth, col, cols, shift.data() + col, packed.data(),
                sums.data());
      for (Index j = 0; j < cols; j += lanes) {
        const Eigen::Map<const Eigen::MatrixXd, 0, Eigen::OuterStride<>> panel(
            packed.data() + j * simd::kDepth, std::min(lanes, cols - j), depth,
            Eigen::OuterStride<>(lanes));
        map(out).block(col + j, from, panel.rows(), depth) = panel;
      }
    }
  }
  return out;
}

Matrix CpuBackend::zeros(Index rows, Index cols) const {
  Matrix out = allocate<double>(rows, cols);
  map(out).setZero();
  return out;
}

void CpuBackend::set_columns(Matrix& a, Index first, const Matrix& columns) const {
  map(a).middleCols(first, columns.cols()) = map(columns);
}

void CpuBackend::set_row(Matrix& a, Index row, std::span<const double> values) const {
  map(a).row(row) = map(values).transpose();
}

void CpuBackend::set_rows(Matrix& a, Index row, const Matrix& values) const {
  map(a).middleRows(row, values.rows()) = map(values);
}

void CpuBackend::add_gram(Matrix& a, const Matrix& b) const {
  if (b.cols() > 0) {
    lapack_.gram(true, b.rows(), b.cols(), b.data(), a.data(), 1.0);
    map(a).triangularView<Eigen::StrictlyUpper>() = map(a).transpose();
  }
}

void CpuBackend::fold_into(Matrix& upper, Matrix rows) const {
  lapack_.tpqrt(rows.rows(), upper.rows(), upper.data(), rows.data());
}

void CpuBackend::for_each(int threads, std::size_t count,
                          const std::function<void(std::size_t)>& body) const {
  for_each_on_threads(threads > 0 ? threads : num_threads(), count, body);
}

void CpuBackend::add_with_outer(Matrix& a, const Matrix& b, double weight,
                                std::span<const double> u, std::span<const double> v) const {
  // u[i] * v[j] first: with u = v the sum stays symmetric to the last bit.
  for (Index j = 0; j < a.cols(); ++j) {
    map(a).col(j) += map(b).col(j) + weight * (map(u) * v[at(j)]);
  }
}

ComplexMatrix CpuBackend::to_complex(const Matrix& real, const Matrix& imaginary) const {
  ComplexMatrix out = allocate<Complex>(real.rows(), real.cols());
  map(out).real() = map(real);
  map(out).imag() = map(imaginary);
  return out;
}

}  // namespace fastcca
