// The backend's operations on host memory: our accumulation, BLAS and LAPACK through a table, Eigen
// for everything elementwise.
#pragma once

#include "core/backend.hpp"
#include "cpu/lapack.hpp"

namespace fastcca {

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const LapackTable& table) : lapack_(table) {}

  BatchMoments accumulate(std::span<const ArrayView> blocks) const override;
  NonFinite find_non_finite(const ArrayView& block) const override;

  Matrix from_host(const double* column_major, Index rows, Index cols) const override;
  void to_host(const Matrix& a, double* column_major) const override;
  Matrix copy(const Matrix& a) const override;
  Matrix transposed(const Matrix& a) const override;
  std::vector<double> diagonal(const Matrix& a) const override;

  void add_with_outer(Matrix& a, const Matrix& b, double weight, std::span<const double> u,
                      std::span<const double> v) const override;
  Matrix scaled_submatrix(const Matrix& a, std::span<const Index> rows,
                          std::span<const double> row_scale, std::span<const Index> cols,
                          std::span<const double> col_scale) const override;
  Matrix scattered_rows(const Matrix& a, std::span<const Index> rows,
                        std::span<const double> row_scale, Index total_rows) const override;
  Matrix scaled_columns(const Matrix& a, std::span<const Index> cols,
                        std::span<const double> col_scale) const override;
  void add_to_diagonal(Matrix& a, double value) const override;
  std::vector<double> weighted_squared_column_norms(const Matrix& a,
                                                    std::span<const double> weight) const override;

  Matrix multiply(const Matrix& a, Transpose trans_a, const Matrix& b,
                  Transpose trans_b) const override;
  std::optional<Matrix> cholesky(const Matrix& a) const override;
  void solve_triangular(const Matrix& lower, Transpose trans, Side side, Matrix& b) const override;
  std::vector<double> eigenvalues(Matrix symmetric) const override;
  EigenDecomposition eigh(Matrix symmetric) const override;
  std::vector<double> singular_values(Matrix a) const override;
  Svd svd(Matrix a) const override;
  Svd full_svd(Matrix a) const override;

 private:
  Svd svd_with_vectors(Matrix a, bool full) const;

  Lapack lapack_;
};

}  // namespace fastcca
