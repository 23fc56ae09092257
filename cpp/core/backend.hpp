// The operations that the algorithms need, declared once and implemented by each backend.
//
// Every operation costs O(p^2) or more, so a virtual call is free. Matrices live where the backend
// put them; vectors of length O(p) are host memory, so that decisions are taken on the host.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace fastcca {

enum class Transpose : std::uint8_t { kNo, kYes };
enum class Side : std::uint8_t { kLeft, kRight };

// First and centred second moments of one batch of samples. scatter[i][j] for j <= i is the
// (p_i, p_j) sum over samples of the outer product of centred blocks i and j; the diagonal tiles
// are symmetric, both halves stored.
struct BatchMoments {
  Index n = 0;
  std::vector<std::vector<double>> means;
  std::vector<std::vector<Matrix>> scatter;
};

struct NonFinite {
  Index count = 0;
  Index row = 0;  // of the first one, samples before features
  Index col = 0;
  double value = 0.0;
};

struct EigenDecomposition {
  std::vector<double> values;  // ascending
  Matrix vectors;              // one column per value
};

struct Svd {
  Matrix u;                    // (rows, k)
  std::vector<double> values;  // (k,), descending
  Matrix vt;                   // (k, cols)
};

class Backend {
 public:
  virtual ~Backend() = default;

  // -- data ---------------------------------------------------------------------------------
  // One pass over the samples of all blocks, which have the same number of rows, at least one.
  // Where input is not finite, or its squares overflow, the diagonal of a scatter is not finite.
  virtual BatchMoments accumulate(std::span<const ArrayView> blocks) const = 0;
  virtual NonFinite find_non_finite(const ArrayView& block) const = 0;

  // -- memory -------------------------------------------------------------------------------
  virtual Matrix from_host(const double* column_major, Index rows, Index cols) const = 0;
  virtual void to_host(const Matrix& a, double* column_major) const = 0;
  virtual Matrix copy(const Matrix& a) const = 0;
  virtual Matrix transposed(const Matrix& a) const = 0;
  virtual std::vector<double> diagonal(const Matrix& a) const = 0;

  // -- elementwise --------------------------------------------------------------------------
  // a += b + weight * u v'
  virtual void add_with_outer(Matrix& a, const Matrix& b, double weight, std::span<const double> u,
                              std::span<const double> v) const = 0;
  // out[i, j] = row_scale[i] * a[rows[i], cols[j]] * col_scale[j]
  virtual Matrix scaled_submatrix(const Matrix& a, std::span<const Index> rows,
                                  std::span<const double> row_scale, std::span<const Index> cols,
                                  std::span<const double> col_scale) const = 0;
  // out[rows[i], :] = row_scale[i] * a[i, :], zero elsewhere
  virtual Matrix scattered_rows(const Matrix& a, std::span<const Index> rows,
                                std::span<const double> row_scale, Index total_rows) const = 0;
  // out[:, j] = a[:, cols[j]] * col_scale[j]
  virtual Matrix scaled_columns(const Matrix& a, std::span<const Index> cols,
                                std::span<const double> col_scale) const = 0;
  virtual void add_to_diagonal(Matrix& a, double value) const = 0;
  // out[j] = sum_i weight[i] * a[i, j]^2
  virtual std::vector<double> weighted_squared_column_norms(
      const Matrix& a, std::span<const double> weight) const = 0;

  // -- products and decompositions ----------------------------------------------------------
  virtual Matrix multiply(const Matrix& a, Transpose trans_a, const Matrix& b,
                          Transpose trans_b) const = 0;
  // Lower Cholesky factor with zeros above it; nothing where a is not positive definite.
  virtual std::optional<Matrix> cholesky(const Matrix& a) const = 0;
  // b <- op(lower)^-1 b from the left, or b op(lower)^-1 from the right.
  virtual void solve_triangular(const Matrix& lower, Transpose trans, Side side,
                                Matrix& b) const = 0;
  virtual std::vector<double> eigenvalues(Matrix symmetric) const = 0;
  virtual EigenDecomposition eigh(Matrix symmetric) const = 0;
  virtual std::vector<double> singular_values(Matrix a) const = 0;
  virtual Svd svd(Matrix a) const = 0;       // k = min(rows, cols)
  virtual Svd full_svd(Matrix a) const = 0;  // u and vt square
};

}  // namespace fastcca
