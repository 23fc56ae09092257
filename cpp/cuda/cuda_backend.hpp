// The backend's operations on one NVIDIA device: cuBLAS, cuSOLVER and few kernels. No CUDA header,
// so that the bindings need no path to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/backend.hpp"
#include "cuda/spectra.hpp"

namespace fastcca {

// Base is the interface to implement: LinearAlgebra<Scalar>, or Backend, which extends it.
template <class Scalar, class Base = LinearAlgebra<Scalar>>
class CudaLinearAlgebra : public Base {
 public:
  using Mat = MatrixOf<Scalar>;

  explicit CudaLinearAlgebra(std::shared_ptr<cuda::Context> context);

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

 protected:
  cuda::Context& context() const { return *context_; }
  const std::shared_ptr<cuda::Context>& shared_context() const { return context_; }

 private:
  SvdOf<Scalar> svd_with_vectors(Mat a, bool full) const;

  std::shared_ptr<cuda::Context> context_;
};

// May be used from several threads at once; they take turns. Arrays that it reads are on the host
// or on its device.
class CudaBackend final : public CudaLinearAlgebra<double, Backend> {
 public:
  // Throws DeviceError with the reason where the device cannot be used.
  explicit CudaBackend(int device);

  int device() const;
  // The stream that all work is ordered on: a cudaStream_t, for the protocols of array exchange.
  std::uintptr_t stream() const;
  // Our stream goes on when what is queued on that one so far is done: a cudaStream_t, or 1 and 2
  // for the default streams.
  void wait_for(std::uintptr_t producer) const;
  // The other way round: that stream goes on when what is queued on ours so far is done.
  void let_follow(std::uintptr_t consumer) const;
  // The host waits for all work on the device, that of others included. Failures go unnoticed.
  void wait_for_device() const noexcept;
  // Copies memory of the device, in the order of our stream, and waits.
  void read_bytes(const void* device_memory, std::size_t bytes, void* host) const;
  // Samples of blocks side by side (n, p), less shift (p,), times weights (p, k): (k, n), the
  // products of one sample next to each other.
  Matrix multiply_samples(std::span<const ArrayView> blocks, std::span<const double> shift,
                          const ArrayView& weights) const;

  BatchMoments accumulate(std::span<const ArrayView> blocks, const KeptPairs& kept,
                          int threads) const override;
  BatchMoments accumulate_single(std::span<const ArrayView> blocks, const KeptPairs& kept,
                                 int threads) const override;
  NonFinite find_non_finite(const ArrayView& block) const override;
  double largest_deviation(const ArrayView& block) const override;
  CentredRows read_centred(std::span<const ArrayView> blocks, Index row,
                           Index count) const override;
  Matrix read_samples(const ArrayView& block, Index row, Index count,
                      std::span<const double> shift) const override;
  Index piece_bytes() const override { return Index{256} << 20; }  // which keep a device busy
  Matrix zeros(Index rows, Index cols) const override;
  void set_columns(Matrix& a, Index first, const Matrix& columns) const override;
  void set_row(Matrix& a, Index row, std::span<const double> values) const override;
  void set_rows(Matrix& a, Index row, const Matrix& values) const override;
  void add_gram(Matrix& a, const Matrix& b) const override;
  void fold_into(Matrix& upper, Matrix rows) const override;
  // One after the other on the calling thread: the device is shared, more threads would wait.
  void for_each(int threads, std::size_t count,
                const std::function<void(std::size_t)>& body) const override;
  void add_with_outer(Matrix& a, const Matrix& b, double weight, std::span<const double> u,
                      std::span<const double> v) const override;
  const LinearAlgebra<Complex>& complex() const override { return complex_; }
  ComplexMatrix to_complex(const Matrix& real, const Matrix& imaginary) const override;

  // Maps whose rows are the pixels of `height` lines of `width`, sample after sample.
  cuda::Spectra spectra(const ArrayView& maps, Index height, Index width) const;
  // The values with the other sign.
  Matrix negated(const ArrayView& values) const;

 private:
  CudaLinearAlgebra<Complex> complex_;
};

}  // namespace fastcca
