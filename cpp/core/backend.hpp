// The operations that the algorithms need, declared once and implemented by each backend.
//
// Every operation costs O(p^2) or more, so a virtual call is free. Matrices live where the backend
// put them; vectors of length O(p) are host memory, so that decisions are taken on the host.
//
// What may take long calls throw_if_interrupted (interrupt.hpp), except for what changes a matrix
// elementwise: an algorithm can change its state by these alone, and then does it whole.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "core/kept_pairs.hpp"
#include "core/types.hpp"

namespace fastcca {

// The transpose of a complex matrix is the conjugate one.
enum class Transpose : std::uint8_t { kNo, kYes };
enum class Side : std::uint8_t { kLeft, kRight };

template <class Scalar>
struct EigenDecompositionOf {
  std::vector<double> values;  // ascending
  MatrixOf<Scalar> vectors;    // one column per value
};
using EigenDecomposition = EigenDecompositionOf<double>;

template <class Scalar>
struct SvdOf {
  MatrixOf<Scalar> u;          // (rows, k)
  std::vector<double> values;  // (k,), descending
  MatrixOf<Scalar> vt;         // (k, cols), conjugate-transposed right vectors
};
using Svd = SvdOf<double>;

// Operations on matrices of real or complex numbers; "symmetric" means Hermitian where complex.
template <class Scalar>
class LinearAlgebra {
 public:
  using Mat = MatrixOf<Scalar>;

  virtual ~LinearAlgebra() = default;

  // -- memory -------------------------------------------------------------------------------
  virtual Mat from_host(const Scalar* column_major, Index rows, Index cols) const = 0;
  virtual void to_host(const Mat& a, Scalar* column_major) const = 0;
  virtual Mat copy(const Mat& a) const = 0;
  virtual Mat transposed(const Mat& a) const = 0;
  virtual std::vector<double> diagonal(const Mat& a) const = 0;  // real parts

  // -- elementwise --------------------------------------------------------------------------
  // out[i, j] = row_scale[i] * a[rows[i], cols[j]] * col_scale[j]
  virtual Mat scaled_submatrix(const Mat& a, std::span<const Index> rows,
                               std::span<const double> row_scale, std::span<const Index> cols,
                               std::span<const double> col_scale) const = 0;
  // out[rows[i], :] = row_scale[i] * a[i, :], zero elsewhere
  virtual Mat scattered_rows(const Mat& a, std::span<const Index> rows,
                             std::span<const double> row_scale, Index total_rows) const = 0;
  // out[:, j] = a[:, cols[j]] * col_scale[j]
  virtual Mat scaled_columns(const Mat& a, std::span<const Index> cols,
                             std::span<const double> col_scale) const = 0;
  virtual void add_to_diagonal(Mat& a, double value) const = 0;
  // a += weight * b
  virtual void add_scaled(Mat& a, double weight, const Mat& b) const = 0;

  // -- reductions ---------------------------------------------------------------------------
  // out[j] = sum_i weight[i] * |a[i, j]|^2
  virtual std::vector<double> weighted_squared_column_norms(
      const Mat& a, std::span<const double> weight) const = 0;
  // out[j] = sum_i |a[i, j]|
  virtual std::vector<double> column_abs_sums(const Mat& a) const = 0;
  virtual double frobenius_norm(const Mat& a) const = 0;

  // -- products and decompositions ----------------------------------------------------------
  virtual Mat multiply(const Mat& a, Transpose trans_a, const Mat& b, Transpose trans_b) const = 0;
  // Lower Cholesky factor with zeros above it; nothing where a is not positive definite.
  virtual std::optional<Mat> cholesky(const Mat& a) const = 0;
  // b <- op(lower)^-1 b from the left, or b op(lower)^-1 from the right.
  virtual void solve_triangular(const Mat& lower, Transpose trans, Side side, Mat& b) const = 0;
  virtual std::vector<double> eigenvalues(Mat symmetric) const = 0;  // ascending
  virtual EigenDecompositionOf<Scalar> eigh(Mat symmetric) const = 0;
  virtual std::vector<double> singular_values(Mat a) const = 0;
  virtual SvdOf<Scalar> svd(Mat a) const = 0;       // k = min(rows, cols)
  virtual SvdOf<Scalar> full_svd(Mat a) const = 0;  // u and vt square

  // -- what follows from these ------------------------------------------------------------------
  Mat submatrix(const Mat& a, std::span<const Index> rows, std::span<const Index> cols) const {
    return scaled_submatrix(a, rows, std::vector<double>(rows.size(), 1.0), cols,
                            std::vector<double>(cols.size(), 1.0));
  }
  // diag(factors) a
  Mat scaled_rows(const Mat& a, std::span<const double> factors) const {
    const auto cols = index_range(a.cols());
    return scaled_submatrix(a, index_range(a.rows()), factors, cols,
                            std::vector<double>(cols.size(), 1.0));
  }
  // a diag(factors)
  Mat scaled_columns(const Mat& a, std::span<const double> factors) const {
    return scaled_columns(a, index_range(a.cols()), factors);
  }
  Mat scaled(const Mat& a, double factor) const {
    return scaled_columns(a, std::vector<double>(static_cast<std::size_t>(a.cols()), factor));
  }
  Mat columns(const Mat& a, std::span<const Index> cols) const {
    return scaled_columns(a, cols, std::vector<double>(cols.size(), 1.0));
  }
  Mat placed_rows(const Mat& a, std::span<const Index> rows, Index total_rows) const {
    return scattered_rows(a, rows, std::vector<double>(rows.size(), 1.0), total_rows);
  }
};

// First and centred second moments of one batch of samples. scatter[i][j] for j <= i is the
// (p_i, p_j) sum over samples of the outer product of centred blocks i and j, or (0, 0) where it
// is not kept; the diagonal tiles are symmetric, both halves stored.
struct BatchMoments {
  Index n = 0;
  std::vector<std::vector<double>> means;
  std::vector<std::vector<Matrix>> scatter;
};

// Some samples of all blocks side by side, less their mean, and one row more that is zero.
struct CentredRows {
  std::vector<double> mean;  // (P,)
  Matrix samples;            // (n + 1, P)
};

// Memory of the host for samples that wait.
using StagingMemory = std::shared_ptr<unsigned char[]>;

struct NonFinite {
  Index count = 0;
  Index row = 0;  // of the first one, samples before features
  Index col = 0;
  double value = 0.0;
};

// One device: its real operations, those that read data, and the way to its complex ones.
class Backend : public LinearAlgebra<double> {
 public:
  // One pass over the samples of all blocks, which have the same number of rows, at least one,
  // on up to `threads` threads, 0 for the default. Where input is not finite, or its squares
  // overflow, the diagonal of a scatter is not finite. The tiles that are kept have the same bits
  // whatever else is.
  virtual BatchMoments accumulate(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                  int threads) const = 0;
  // Does the same by products in single precision, where the samples fit into its range.
  virtual BatchMoments accumulate_single(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                         int threads) const = 0;
  // Whether small batches are worth a copy in the host's memory, to be accumulated together.
  virtual bool stages() const { return false; }
  // Gives so many bytes for such copies, or nothing where there is not the memory.
  virtual StagingMemory staging_memory(Index /*bytes*/) const { return nullptr; }
  // Copies samples to `to`, the features of each next to each other in the machine's byte order.
  // Returns whether all values are tame (accumulation_rules.hpp). Only of a backend that stages.
  virtual bool stage(const ArrayView& /*block*/, unsigned char* /*to*/) const { return false; }

  virtual NonFinite find_non_finite(const ArrayView& block) const = 0;
  // The largest distance of a value from the first one of its feature.
  virtual double largest_deviation(const ArrayView& block) const = 0;

  // Reads samples [row, row + count) of all blocks.
  virtual CentredRows read_centred(std::span<const ArrayView> blocks, Index row,
                                   Index count) const = 0;
  // Reads samples [row, row + count) of a block less shift (p,), one in each column: (p, count).
  virtual Matrix read_samples(const ArrayView& block, Index row, Index count,
                              std::span<const double> shift) const = 0;
  // So many bytes of samples are worth reading or rearranging at a time.
  virtual Index piece_bytes() const = 0;
  virtual Matrix zeros(Index rows, Index cols) const = 0;
  // a[:, first + j] = columns[:, j]
  virtual void set_columns(Matrix& a, Index first, const Matrix& columns) const = 0;
  virtual void set_row(Matrix& a, Index row, std::span<const double> values) const = 0;
  // Writes rows [row, row + rows of `values`) of a.
  virtual void set_rows(Matrix& a, Index row, const Matrix& values) const = 0;
  // a += b b'
  virtual void add_gram(Matrix& a, const Matrix& b) const = 0;
  // `upper` becomes the upper triangular factor of itself with `rows` below it.
  virtual void fold_into(Matrix& upper, Matrix rows) const = 0;
  // Calls body(i) for i in [0, count) on up to `threads` threads.
  virtual void for_each(int threads, std::size_t count,
                        const std::function<void(std::size_t)>& body) const = 0;

  // a += b + weight * u v'
  virtual void add_with_outer(Matrix& a, const Matrix& b, double weight, std::span<const double> u,
                              std::span<const double> v) const = 0;

  virtual const LinearAlgebra<Complex>& complex() const = 0;
  virtual ComplexMatrix to_complex(const Matrix& real, const Matrix& imaginary) const = 0;
};

// The operations on real or on complex matrices.
template <class Scalar>
const LinearAlgebra<Scalar>& algebra_of(const Backend& backend) {
  if constexpr (std::is_same_v<Scalar, Complex>) {
    return backend.complex();
  } else {
    return backend;
  }
}

}  // namespace fastcca
