#include "cpu/cpu_backend.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "core/interrupt.hpp"
#include "cpu/accumulate.hpp"
#include "cpu/linear_algebra.hpp"
#include "cpu/runs.hpp"
#include "cpu/stage.hpp"
#include "cpu/threads.hpp"

namespace fastcca {

namespace {

BatchMoments centred(const PackedMoments& packed, std::span<const ArrayView> blocks) {
  const auto sums = array(packed.sums).matrix();
  const auto shift = array(packed.shift).matrix();
  const Eigen::VectorXd mean = sums / static_cast<double>(packed.n);  // of the shifted samples

  BatchMoments out;
  out.n = packed.n;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Index row = packed.offsets[i];
    const Index rows = blocks[i].cols;
    out.means.push_back(vector_of(shift.segment(row, rows) + mean.segment(row, rows)));
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

// Calls visit(row, col, panel) for `count` samples from `first` on, less shift (p,): a panel holds
// a few features of the samples from `row` on, a feature in each row, and the panels of the same
// samples follow each other.
template <class Visit>
void for_each_panel(const ArrayView& block, Index first, Index count, std::span<const double> shift,
                    Visit visit) {
  constexpr Index kFeatures = 64;  // as many as stay in the nearest cache
  const simd::Kernels<double>& kernels = simd::level().doubles;
  const Index lanes = kernels.lanes;
  std::vector<double> sums(at(kFeatures));
  std::vector<double> packed(at(kFeatures * simd::kDepth));
  for (Index row = 0; row < count; row += simd::kDepth) {
    const Index depth = std::min<Index>(simd::kDepth, count - row);
    for (Index col = 0; col < block.cols; col += kFeatures) {
      throw_if_interrupted();
      const Index cols = std::min(kFeatures, block.cols - col);
      pack_rows(kernels, block, first + row, depth, col, cols,
                {shift.data() + col, nullptr, sums.data(), nullptr}, packed.data());
      for (Index j = 0; j < cols; j += lanes) {
        visit(row, col + j,
              Eigen::Map<const Eigen::MatrixXd, 0, Eigen::OuterStride<>>(
                  packed.data() + j * simd::kDepth, std::min(lanes, cols - j), depth,
                  Eigen::OuterStride<>(lanes)));
      }
    }
  }
}

class CpuBackend final : public CpuLinearAlgebra<double, Backend> {
 public:
  explicit CpuBackend(const LapackTable& table)
      : CpuLinearAlgebra<double, Backend>(table), complex_(table) {}

  BatchMoments accumulate(std::span<const ArrayView> blocks, const KeptPairs& kept,
                          int threads) const override {
    require_host(blocks);
    return centred(accumulate_packed(blocks, kept, threads), blocks);
  }

  BatchMoments accumulate_single(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                 int threads) const override {
    require_host(blocks);
    return centred(accumulate_packed_single(blocks, kept, threads), blocks);
  }

  bool stages() const override { return true; }
  StagingMemory staging_memory(Index bytes) const override { return allocate_staging(bytes); }
  bool stage(const ArrayView& block, unsigned char* to) const override {
    require_host({&block, 1});
    return stage_samples(block, to);
  }

  NonFinite find_non_finite(const ArrayView& block) const override {
    require_host({&block, 1});
    NonFinite out;
    for_each_panel(block, 0, block.rows, filled(block.cols, 0.0),
                   [&out](Index from, Index first, const auto& panel) {
                     for (Index k = 0; k < panel.cols(); ++k) {
                       for (Index j = 0; j < panel.rows(); ++j) {
                         const Index row = from + k;
                         const Index col = first + j;
                         if (std::isfinite(panel(j, k))) {
                           continue;
                         }
                         if (out.count == 0 || row < out.row || (row == out.row && col < out.col)) {
                           out.row = row;
                           out.col = col;
                           out.value = panel(j, k);
                         }
                         ++out.count;
                       }
                     }
                   });
    return out;
  }

  double largest_deviation(const ArrayView& block) const override {
    require_host({&block, 1});
    Eigen::VectorXd first(block.cols);
    double out = 0.0;
    for_each_panel(block, 0, block.rows, filled(block.cols, 0.0),
                   [&](Index row, Index col, const auto& panel) {
                     auto reference = first.segment(col, panel.rows());
                     if (row == 0) {
                       reference = panel.col(0);
                     }
                     out = std::max(out, (panel.colwise() - reference).cwiseAbs().maxCoeff());
                   });
    return out;
  }

  CentredRows read_centred(std::span<const ArrayView> blocks, Index row,
                           Index count) const override {
    require_host(blocks);
    Index width = 0;
    for (const ArrayView& block : blocks) {
      width += block.cols;
    }
    CentredRows out{std::vector<double>(at(width)), allocate<double>(count + 1, width)};
    auto samples = map(out.samples);
    Index first = 0;
    for (const ArrayView& block : blocks) {
      for_each_panel(block, row, count, filled(block.cols, 0.0),
                     [&](Index from, Index col, const auto& panel) {
                       samples.block(from, first + col, panel.cols(), panel.rows()) =
                           panel.transpose();
                     });
      first += block.cols;
    }
    for (Index j = 0; j < width; ++j) {
      auto column = samples.col(j).head(count);
      const double mean = column.mean();
      column.array() -= mean;
      // The first mean is rounded, and what it leaves is worth a second one.
      const double rest = column.mean();
      column.array() -= rest;
      out.mean[at(j)] = mean + rest;
      samples(count, j) = 0.0;
    }
    return out;
  }

  Matrix read_samples(const ArrayView& block, Index row, Index count,
                      std::span<const double> shift) const override {
    require_host({&block, 1});
    Matrix out = allocate<double>(block.cols, count);
    for_each_panel(block, row, count, shift, [&](Index from, Index col, const auto& panel) {
      map(out).block(col, from, panel.rows(), panel.cols()) = panel;
    });
    return out;
  }

  Index piece_bytes() const override { return Index{1} << 20; }  // which stay in a cache

  Matrix zeros(Index rows, Index cols) const override {
    Matrix out = allocate<double>(rows, cols);
    map(out).setZero();
    return out;
  }

  void set_columns(Matrix& a, Index first, const Matrix& columns) const override {
    map(a).middleCols(first, columns.cols()) = map(columns);
  }

  void set_row(Matrix& a, Index row, std::span<const double> values) const override {
    map(a).row(row) = array(values).matrix().transpose();
  }

  void set_rows(Matrix& a, Index row, const Matrix& values) const override {
    map(a).middleRows(row, values.rows()) = map(values);
  }

  void add_gram(Matrix& a, const Matrix& b) const override {
    if (b.cols() > 0) {
      lapack().gram(true, b.rows(), b.cols(), b.data(), a.data(), 1.0);
      map(a).triangularView<Eigen::StrictlyUpper>() = map(a).transpose();
    }
  }

  void fold_into(Matrix& upper, Matrix rows) const override {
    lapack().tpqrt(rows.rows(), upper.rows(), upper.data(), rows.data());
  }

  void for_each(int threads, std::size_t count,
                const std::function<void(std::size_t)>& body) const override {
    for_each_on_threads(threads > 0 ? threads : num_threads(), count, body);
  }

  void add_with_outer(Matrix& a, const Matrix& b, double weight, std::span<const double> u,
                      std::span<const double> v) const override {
    // u[i] * v[j] first: with u = v the sum stays symmetric to the last bit.
    for (Index j = 0; j < a.cols(); ++j) {
      map(a).col(j) += map(b).col(j) + weight * (array(u).matrix() * v[at(j)]);
    }
  }

  const LinearAlgebra<Complex>& complex() const override { return complex_; }

  ComplexMatrix to_complex(const Matrix& real, const Matrix& imaginary) const override {
    ComplexMatrix out = allocate<Complex>(real.rows(), real.cols());
    map(out).real() = map(real);
    map(out).imag() = map(imaginary);
    return out;
  }

 private:
  CpuLinearAlgebra<Complex> complex_;
};

}  // namespace

std::unique_ptr<const Backend> make_cpu_backend(const LapackTable& table) {
  return std::make_unique<const CpuBackend>(table);
}

}  // namespace fastcca
