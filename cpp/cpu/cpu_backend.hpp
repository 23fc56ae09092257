// The backend's operations on host memory: our accumulation, BLAS and LAPACK through a table, Eigen
// for everything elementwise.
#pragma once

#include "core/backend.hpp"
#include "cpu/lapack.hpp"

namespace fastcca {

// Base is the interface to implement: LinearAlgebra<Scalar>, or Backend, which extends it.
template <class Scalar, class Base = LinearAlgebra<Scalar>>
class CpuLinearAlgebra : public Base {
 public:
  using Mat = MatrixOf<Scalar>;

  explicit CpuLinearAlgebra(const LapackTable& table) : lapack_(table) {}

  Mat from_host(const Scalar* column_major, Index rows, Index cols) const override;
  void to_host(const Mat& a, Scalar* column_major) const override;
  Mat copy(const Mat& a) const override;
  Mat transposed(const Mat& a) const override;
  std::vector<double> diagonal(const Mat& a) const override;

  Mat scaled_submatrix(const Mat& a, std::span<const Index> rows, std::span<const double> row_scale,
                       std::span<const Index> cols,
                       std::span<const double> col_scale) const override;
  Mat scattered_rows(const Mat& a, std::span<const Index> rows, std::span<const double> row_scale,
                     Index total_rows) const override;
  Mat scaled_columns(const Mat& a, std::span<const Index> cols,
                     std::span<const double> col_scale) const override;
  void add_to_diagonal(Mat& a, double value) const override;
  void add_scaled(Mat& a, double weight, const Mat& b) const override;

  std::vector<double> weighted_squared_column_norms(const Mat& a,
                                                    std::span<const double> weight) const override;
  std::vector<double> column_abs_sums(const Mat& a) const override;
  double frobenius_norm(const Mat& a) const override;

  Mat multiply(const Mat& a, Transpose trans_a, const Mat& b, Transpose trans_b) const override;
  std::optional<Mat> cholesky(const Mat& a) const override;
  void solve_triangular(const Mat& lower, Transpose trans, Side side, Mat& b) const override;
  std::vector<double> eigenvalues(Mat symmetric) const override;
  EigenDecompositionOf<Scalar> eigh(Mat symmetric) const override;
  std::vector<double> singular_values(Mat a) const override;
  SvdOf<Scalar> svd(Mat a) const override;
  SvdOf<Scalar> full_svd(Mat a) const override;

 private:
  SvdOf<Scalar> svd_with_vectors(Mat a, bool full) const;

  Lapack<Scalar> lapack_;
};

class CpuBackend final : public CpuLinearAlgebra<double, Backend> {
 public:
  explicit CpuBackend(const LapackTable& table)
      : CpuLinearAlgebra<double, Backend>(table), lapack_(table), complex_(table) {}

  BatchMoments accumulate(std::span<const ArrayView> blocks, const WantedTiles& wanted,
                          int threads) const override;
  BatchMoments accumulate_single(std::span<const ArrayView> blocks, const WantedTiles& wanted,
                                 int threads) const override;
  bool stages() const override { return true; }
  StagingMemory staging_memory(Index bytes) const override;
  bool stage(const ArrayView& block, unsigned char* to) const override;
  NonFinite find_non_finite(const ArrayView& block) const override;
  double largest_deviation(const ArrayView& block) const override;
  CentredRows read_centred(std::span<const ArrayView> blocks, Index row,
                           Index count) const override;
  Matrix read_samples(const ArrayView& block, Index row, Index count,
                      std::span<const double> shift) const override;
  Index piece_bytes() const override { return Index{1} << 20; }  // which stay in a cache
  Matrix zeros(Index rows, Index cols) const override;
  void set_columns(Matrix& a, Index first, const Matrix& columns) const override;
  void set_row(Matrix& a, Index row, std::span<const double> values) const override;
  void set_rows(Matrix& a, Index row, const Matrix& values) const override;
  void add_gram(Matrix& a, const Matrix& b) const override;
  void fold_into(Matrix& upper, Matrix rows) const override;
  void for_each(int threads, std::size_t count,
                const std::function<void(std::size_t)>& body) const override;
  void add_with_outer(Matrix& a, const Matrix& b, double weight, std::span<const double> u,
                      std::span<const double> v) const override;
  const LinearAlgebra<Complex>& complex() const override { return complex_; }
  ComplexMatrix to_complex(const Matrix& real, const Matrix& imaginary) const override;

 private:
  Lapack<double> lapack_;
  CpuLinearAlgebra<Complex> complex_;
};

}  // namespace fastcca
