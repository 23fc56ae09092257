#include "cpu/cpu_backend.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "cpu/accumulate.hpp"
#include "cpu/simd.hpp"

namespace fastcca {

namespace {

using Map = Eigen::Map<Eigen::MatrixXd>;
using ConstMap = Eigen::Map<const Eigen::MatrixXd>;
using ConstVectorMap = Eigen::Map<const Eigen::VectorXd>;

// Uninitialized: every operation writes all of what it returns.
Matrix allocate(Index rows, Index cols) {
  const auto count = static_cast<std::size_t>(std::max<Index>(rows * cols, 1));
  double* data = static_cast<double*>(::operator new[](count * sizeof(double)));
  return Matrix(Matrix::Storage(data, [](double* p) { ::operator delete[](p); }), rows, cols);
}

Map map(Matrix& a) { return Map(a.data(), a.rows(), a.cols()); }
ConstMap map(const Matrix& a) { return ConstMap(a.data(), a.rows(), a.cols()); }
ConstVectorMap map(std::span<const double> v) {
  return ConstVectorMap(v.data(), static_cast<Index>(v.size()));
}

template <class T>
std::size_t at(T i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

BatchMoments CpuBackend::accumulate(std::span<const ArrayView> blocks) const {
  const PackedMoments packed = accumulate_packed(blocks);
  const double n = static_cast<double>(packed.n);
  const ConstMap products(packed.products.get(), packed.width, packed.width);
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
      const Index col = packed.offsets[j];
      const Index cols = blocks[j].cols;
      Matrix& tile = tiles.emplace_back(allocate(rows, cols));
      auto t = map(tile);
      for (Index k = 0; k < cols; ++k) {
        const Index first = i == j ? k : 0;
        t.col(k).tail(rows - first) = products.col(col + k).segment(row + first, rows - first) -
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

NonFinite CpuBackend::find_non_finite(const ArrayView& block) const {
  constexpr Index kFeatures = 64;
  const simd::Level& level = simd::level();
  const Index lanes = level.lanes;
  const simd::Source source{block.data, block.row_stride, block.col_stride,
                            static_cast<int>(block.dtype), block.byte_swapped};
  const std::vector<double> zeros(at(kFeatures), 0.0);
  std::vector<double> sums(at(kFeatures));
  std::vector<double> packed(at(kFeatures * simd::kDepth));
  NonFinite out;
  for (Index row = 0; row < block.rows; row += simd::kDepth) {
    const Index depth = std::min<Index>(simd::kDepth, block.rows - row);
    for (Index col = 0; col < block.cols; col += kFeatures) {
      const Index cols = std::min(kFeatures, block.cols - col);
      level.pack(source, row, depth, col, cols, zeros.data(), packed.data(), sums.data());
      for (Index j = 0; j < cols; ++j) {
        const double* panel = packed.data() + (j / lanes) * lanes * simd::kDepth + j % lanes;
        for (Index k = 0; k < depth; ++k) {
          const double value = panel[k * lanes];
          if (std::isfinite(value)) {
            continue;
          }
          const bool earlier = row + k < out.row || (row + k == out.row && col + j < out.col);
          if (out.count == 0 || earlier) {
            out.row = row + k;
            out.col = col + j;
            out.value = value;
          }
          ++out.count;
        }
      }
    }
  }
  return out;
}

Matrix CpuBackend::from_host(const double* column_major, Index rows, Index cols) const {
  Matrix out = allocate(rows, cols);
  std::copy_n(column_major, rows * cols, out.data());
  return out;
}

void CpuBackend::to_host(const Matrix& a, double* column_major) const {
  std::copy_n(a.data(), a.rows() * a.cols(), column_major);
}

Matrix CpuBackend::copy(const Matrix& a) const { return from_host(a.data(), a.rows(), a.cols()); }

Matrix CpuBackend::transposed(const Matrix& a) const {
  Matrix out = allocate(a.cols(), a.rows());
  map(out) = map(a).transpose();
  return out;
}

std::vector<double> CpuBackend::diagonal(const Matrix& a) const {
  std::vector<double> out(at(std::min(a.rows(), a.cols())));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = a.data()[static_cast<Index>(i) * (a.rows() + 1)];
  }
  return out;
}

void CpuBackend::add_with_outer(Matrix& a, const Matrix& b, double weight,
                                std::span<const double> u, std::span<const double> v) const {
  // u[i] * v[j] first: with u = v the sum stays symmetric to the last bit.
  for (Index j = 0; j < a.cols(); ++j) {
    map(a).col(j) += map(b).col(j) + weight * (map(u) * v[at(j)]);
  }
}

Matrix CpuBackend::scaled_submatrix(const Matrix& a, std::span<const Index> rows,
                                    std::span<const double> row_scale, std::span<const Index> cols,
                                    std::span<const double> col_scale) const {
  Matrix out = allocate(static_cast<Index>(rows.size()), static_cast<Index>(cols.size()));
  double* to = out.data();
  for (std::size_t j = 0; j < cols.size(); ++j) {
    const double* column = a.data() + cols[j] * a.rows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      *to++ = row_scale[i] * column[rows[i]] * col_scale[j];
    }
  }
  return out;
}

Matrix CpuBackend::scattered_rows(const Matrix& a, std::span<const Index> rows,
                                  std::span<const double> row_scale, Index total_rows) const {
  Matrix out = allocate(total_rows, a.cols());
  map(out).setZero();
  for (Index j = 0; j < a.cols(); ++j) {
    const double* from = a.data() + j * a.rows();
    double* to = out.data() + j * total_rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      to[rows[i]] = row_scale[i] * from[i];
    }
  }
  return out;
}

Matrix CpuBackend::scaled_columns(const Matrix& a, std::span<const Index> cols,
                                  std::span<const double> col_scale) const {
  Matrix out = allocate(a.rows(), static_cast<Index>(cols.size()));
  auto to = map(out);
  for (std::size_t j = 0; j < cols.size(); ++j) {
    to.col(static_cast<Index>(j)) = map(a).col(cols[j]) * col_scale[j];
  }
  return out;
}

void CpuBackend::add_to_diagonal(Matrix& a, double value) const {
  map(a).diagonal().array() += value;
}

std::vector<double> CpuBackend::weighted_squared_column_norms(
    const Matrix& a, std::span<const double> weight) const {
  std::vector<double> out(at(a.cols()));
  Eigen::Map<Eigen::VectorXd>(out.data(), a.cols()) =
      map(a).array().square().matrix().transpose() * map(weight);
  return out;
}

Matrix CpuBackend::multiply(const Matrix& a, Transpose trans_a, const Matrix& b,
                            Transpose trans_b) const {
  const bool ta = trans_a == Transpose::kYes;
  const bool tb = trans_b == Transpose::kYes;
  const Index m = ta ? a.cols() : a.rows();
  const Index k = ta ? a.rows() : a.cols();
  const Index n = tb ? b.rows() : b.cols();
  Matrix out = allocate(m, n);
  if (k == 0) {
    map(out).setZero();
    return out;
  }
  lapack_.gemm(ta, tb, m, n, k, a.data(), b.data(), out.data());
  return out;
}

std::optional<Matrix> CpuBackend::cholesky(const Matrix& a) const {
  Matrix out = copy(a);
  if (!lapack_.potrf(a.rows(), out.data())) {
    return std::nullopt;
  }
  map(out).triangularView<Eigen::StrictlyUpper>().setZero();
  return out;
}

void CpuBackend::solve_triangular(const Matrix& lower, Transpose trans, Side side,
                                  Matrix& b) const {
  if (b.rows() > 0 && b.cols() > 0) {
    lapack_.trsm(side == Side::kRight, trans == Transpose::kYes, b.rows(), b.cols(), lower.data(),
                 b.data());
  }
}

std::vector<double> CpuBackend::eigenvalues(Matrix symmetric) const {
  std::vector<double> out(at(symmetric.rows()));
  lapack_.syevd(false, symmetric.rows(), symmetric.data(), out.data());
  return out;
}

EigenDecomposition CpuBackend::eigh(Matrix symmetric) const {
  EigenDecomposition out;
  out.values.resize(at(symmetric.rows()));
  lapack_.syevd(true, symmetric.rows(), symmetric.data(), out.values.data());
  out.vectors = std::move(symmetric);
  return out;
}

std::vector<double> CpuBackend::singular_values(Matrix a) const {
  std::vector<double> out(at(std::min(a.rows(), a.cols())));
  lapack_.svd('N', a.rows(), a.cols(), a.data(), out.data(), nullptr, nullptr);
  return out;
}

Svd CpuBackend::svd_with_vectors(Matrix a, bool full) const {
  const Index k = std::min(a.rows(), a.cols());
  Svd out;
  out.values.resize(at(k));
  out.u = allocate(a.rows(), full ? a.rows() : k);
  out.vt = allocate(full ? a.cols() : k, a.cols());
  if (k == 0) {  // LAPACK would return without a word and write nothing
    map(out.u).setIdentity();
    map(out.vt).setIdentity();
    return out;
  }
  lapack_.svd(full ? 'A' : 'S', a.rows(), a.cols(), a.data(), out.values.data(), out.u.data(),
              out.vt.data());
  return out;
}

Svd CpuBackend::svd(Matrix a) const { return svd_with_vectors(std::move(a), false); }
Svd CpuBackend::full_svd(Matrix a) const { return svd_with_vectors(std::move(a), true); }

}  // namespace fastcca
