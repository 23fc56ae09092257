// The matrix operations of the CUDA backend, for real and complex numbers.
#include <algorithm>

#include "core/interrupt.hpp"
#include "cuda/context.hpp"
#include "cuda/cuda_backend.hpp"
#include "cuda/elementwise.hpp"
#include "cuda/numbers.hpp"
#include "cuda/solver.hpp"

namespace fastcca {

using cuda::allocate_matrix;
using cuda::Call;
using cuda::check;
using cuda::Context;
using cuda::kIsReal;
using cuda::number;
using cuda::numbers;
using cuda::operation;
using cuda::Solver;

namespace {

template <class Scalar>
Index size_of(const MatrixOf<Scalar>& a) {
  return a.rows() * a.cols();
}

Index size_of(std::span<const Index> v) { return static_cast<Index>(v.size()); }

Index leading(Index rows) { return std::max<Index>(rows, 1); }

}  // namespace

template <class Scalar, class Base>
CudaLinearAlgebra<Scalar, Base>::CudaLinearAlgebra(std::shared_ptr<cuda::Context> context)
    : context_(std::move(context)) {}

template <class Scalar, class Base>
MatrixOf<Scalar> CudaLinearAlgebra<Scalar, Base>::from_host(const Scalar* column_major, Index rows,
                                                            Index cols) const {
  const Call call(*context_);
  Mat out = allocate_matrix<Scalar>(context_->arena(), rows, cols);
  context_->copy_in(column_major, rows * cols, out.data());
  return out;
}

template <class Scalar, class Base>
void CudaLinearAlgebra<Scalar, Base>::to_host(const Mat& a, Scalar* column_major) const {
  const Call call(*context_);
  context_->copy_out(a.data(), size_of(a), column_major);
}

template <class Scalar, class Base>
MatrixOf<Scalar> CudaLinearAlgebra<Scalar, Base>::copy(const Mat& a) const {
  const Call call(*context_);
  Mat out = allocate_matrix<Scalar>(context_->arena(), a.rows(), a.cols());
  context_->copy_within(a.data(), size_of(a), out.data());
  return out;
}

template <class Scalar, class Base>
MatrixOf<Scalar> CudaLinearAlgebra<Scalar, Base>::transposed(const Mat& a) const {
  const Call call(*context_);
  Mat out = allocate_matrix<Scalar>(context_->arena(), a.cols(), a.rows());
  transpose(*context_, a.data(), a.rows(), a.cols(), out.data());
  return out;
}

template <class Scalar, class Base>
std::vector<double> CudaLinearAlgebra<Scalar, Base>::diagonal(const Mat& a) const {
  const Call call(*context_);
  const Index count = std::min(a.rows(), a.cols());
  const auto out = context_->buffer<double>(count);
  cuda::take_diagonal(context_->stream(), a.data(), a.rows(), count, out.get());
  return context_->download(out.get(), count);
}

template <class Scalar, class Base>
MatrixOf<Scalar> CudaLinearAlgebra<Scalar, Base>::scaled_submatrix(
    const Mat& a, std::span<const Index> rows, std::span<const double> row_scale,
    std::span<const Index> cols, std::span<const double> col_scale) const {
  const Call call(*context_);
  const auto there = context_->upload(rows);
  const auto row_factors = context_->upload(row_scale);
  const auto across = context_->upload(cols);
  const auto col_factors = context_->upload(col_scale);
  Mat out = allocate_matrix<Scalar>(context_->arena(), size_of(rows), size_of(cols));
  cuda::scale_submatrix(context_->stream(), a.data(), a.rows(), there.get(), row_factors.get(),
                        out.rows(), across.get(), col_factors.get(), out.cols(), out.data());
  return out;
}

template <class Scalar, class Base>
MatrixOf<Scalar> CudaLinearAlgebra<Scalar, Base>::scattered_rows(const Mat& a,
                                                                 std::span<const Index> rows,
                                                                 std::span<const double> row_scale,
                                                                 Index total_rows) const {
  const Call call(*context_);
  const auto there = context_->upload(rows);
  const auto factors = context_->upload(row_scale);
  Mat out = allocate_matrix<Scalar>(context_->arena(), total_rows, a.cols());
  context_->set_zero(out.data(), size_of(out));
  cuda::scatter_rows(context_->stream(), a.data(), there.get(), factors.get(), a.rows(), a.cols(),
                     out.data(), total_rows);
  return out;
}

template <class Scalar, class Base>
MatrixOf<Scalar> CudaLinearAlgebra<Scalar, Base>::scaled_columns(
    const Mat& a, std::span<const Index> cols, std::span<const double> col_scale) const {
  const Call call(*context_);
  const auto across = context_->upload(cols);
  const auto factors = context_->upload(col_scale);
  Mat out = allocate_matrix<Scalar>(context_->arena(), a.rows(), size_of(cols));
  cuda::scale_columns(context_->stream(), a.data(), a.rows(), across.get(), factors.get(),
                      out.cols(), out.data());
  return out;
}

template <class Scalar, class Base>
void CudaLinearAlgebra<Scalar, Base>::add_to_diagonal(Mat& a, double value) const {
  const Call call(*context_);
  cuda::add_to_diagonal(context_->stream(), a.data(), a.rows(), std::min(a.rows(), a.cols()),
                        value);
}

template <class Scalar, class Base>
void CudaLinearAlgebra<Scalar, Base>::add_scaled(Mat& a, double weight, const Mat& b) const {
  const Call call(*context_);
  cuda::add_scaled(context_->stream(), a.data(), weight, b.data(), size_of(a));
}

template <class Scalar, class Base>
std::vector<double> CudaLinearAlgebra<Scalar, Base>::weighted_squared_column_norms(
    const Mat& a, std::span<const double> weight) const {
  const Call call(*context_);
  const auto weights = context_->upload(weight);
  const auto parts = context_->buffer<double>(a.cols() * cuda::kColumnParts);
  const auto out = context_->buffer<double>(a.cols());
  cuda::weighted_squares(context_->stream(), a.data(), weights.get(), a.rows(), a.cols(),
                         parts.get(), out.get());
  return context_->download(out.get(), a.cols());
}

template <class Scalar, class Base>
std::vector<double> CudaLinearAlgebra<Scalar, Base>::column_abs_sums(const Mat& a) const {
  const Call call(*context_);
  const auto parts = context_->buffer<double>(a.cols() * cuda::kColumnParts);
  const auto out = context_->buffer<double>(a.cols());
  cuda::abs_sums(context_->stream(), a.data(), a.rows(), a.cols(), parts.get(), out.get());
  return context_->download(out.get(), a.cols());
}

template <class Scalar, class Base>
double CudaLinearAlgebra<Scalar, Base>::frobenius_norm(const Mat& a) const {
  const Call call(*context_);
  return norm(*context_, a.data(), size_of(a));
}

template <class Scalar, class Base>
MatrixOf<Scalar> CudaLinearAlgebra<Scalar, Base>::multiply(const Mat& a, Transpose trans_a,
                                                           const Mat& b, Transpose trans_b) const {
  throw_if_interrupted();
  const Call call(*context_);
  const bool ta = trans_a == Transpose::kYes;
  const bool tb = trans_b == Transpose::kYes;
  const Index m = ta ? a.cols() : a.rows();
  const Index k = ta ? a.rows() : a.cols();
  const Index n = tb ? b.rows() : b.cols();
  Mat out = allocate_matrix<Scalar>(context_->arena(), m, n);
  if (m == 0 || n == 0 || k == 0) {
    context_->set_zero(out.data(), size_of(out));
    return out;
  }
  const cublasOperation_t op_a = operation<Scalar>(ta);
  const cublasOperation_t op_b = operation<Scalar>(tb);
  const auto one = number<Scalar>(1.0);
  const auto zero = number<Scalar>(0.0);
  if constexpr (kIsReal<Scalar>) {
    check(cublasDgemm_64(context_->blas(), op_a, op_b, m, n, k, &one, a.data(), a.rows(), b.data(),
                         b.rows(), &zero, out.data(), m),
          "cublasDgemm");
  } else {
    check(cublasZgemm_64(context_->blas(), op_a, op_b, m, n, k, &one, numbers(a.data()), a.rows(),
                         numbers(b.data()), b.rows(), &zero, numbers(out.data()), m),
          "cublasZgemm");
  }
  return out;
}

template <class Scalar, class Base>
std::optional<MatrixOf<Scalar>> CudaLinearAlgebra<Scalar, Base>::cholesky(const Mat& a) const {
  throw_if_interrupted();
  const Call call(*context_);
  Mat out = copy(a);
  if (a.rows() > 0 && !Solver<Scalar>(*context_).cholesky(a.rows(), out.data())) {
    return std::nullopt;
  }
  cuda::clear_above_diagonal(context_->stream(), out.data(), a.rows());
  return out;
}

template <class Scalar, class Base>
void CudaLinearAlgebra<Scalar, Base>::solve_triangular(const Mat& lower, Transpose trans, Side side,
                                                       Mat& b) const {
  if (b.rows() == 0 || b.cols() == 0) {
    return;
  }
  throw_if_interrupted();
  const Call call(*context_);
  const auto where = side == Side::kRight ? CUBLAS_SIDE_RIGHT : CUBLAS_SIDE_LEFT;
  const cublasOperation_t op = operation<Scalar>(trans == Transpose::kYes);
  const auto one = number<Scalar>(1.0);
  if constexpr (kIsReal<Scalar>) {
    check(cublasDtrsm_64(context_->blas(), where, CUBLAS_FILL_MODE_LOWER, op, CUBLAS_DIAG_NON_UNIT,
                         b.rows(), b.cols(), &one, lower.data(), leading(lower.rows()), b.data(),
                         b.rows()),
          "cublasDtrsm");
  } else {
    check(cublasZtrsm_64(context_->blas(), where, CUBLAS_FILL_MODE_LOWER, op, CUBLAS_DIAG_NON_UNIT,
                         b.rows(), b.cols(), &one, numbers(lower.data()), leading(lower.rows()),
                         numbers(b.data()), b.rows()),
          "cublasZtrsm");
  }
}

template <class Scalar, class Base>
std::vector<double> CudaLinearAlgebra<Scalar, Base>::eigenvalues(Mat symmetric) const {
  throw_if_interrupted();
  const Call call(*context_);
  return Solver<Scalar>(*context_).eigh(false, symmetric.rows(), symmetric.data());
}

template <class Scalar, class Base>
EigenDecompositionOf<Scalar> CudaLinearAlgebra<Scalar, Base>::eigh(Mat symmetric) const {
  throw_if_interrupted();
  const Call call(*context_);
  EigenDecompositionOf<Scalar> out;
  out.values = Solver<Scalar>(*context_).eigh(true, symmetric.rows(), symmetric.data());
  out.vectors = std::move(symmetric);
  return out;
}

template <class Scalar, class Base>
std::vector<double> CudaLinearAlgebra<Scalar, Base>::singular_values(Mat a) const {
  throw_if_interrupted();
  const Call call(*context_);
  if (a.rows() == 0 || a.cols() == 0) {
    return {};
  }
  if (a.rows() < a.cols()) {  // cuSOLVER takes no wide matrix
    a = transposed(a);
  }
  return Solver<Scalar>(*context_).svd(false, a.rows(), a.cols(), a.data(), nullptr, nullptr);
}

template <class Scalar, class Base>
SvdOf<Scalar> CudaLinearAlgebra<Scalar, Base>::svd_with_vectors(Mat a, bool full) const {
  throw_if_interrupted();
  const Call call(*context_);
  const Index k = std::min(a.rows(), a.cols());
  const auto& arena = context_->arena();
  SvdOf<Scalar> out;
  if (k == 0) {  // nothing to decompose: any square factors do
    out.u = allocate_matrix<Scalar>(arena, a.rows(), full ? a.rows() : 0);
    out.vt = allocate_matrix<Scalar>(arena, full ? a.cols() : 0, a.cols());
    cuda::set_identity(context_->stream(), out.u.data(), out.u.cols());
    cuda::set_identity(context_->stream(), out.vt.data(), out.vt.rows());
    return out;
  }
  // cuSOLVER takes no wide matrix: a' = v s u'.
  const bool wide = a.rows() < a.cols();
  if (wide) {
    a = transposed(a);
  }
  Mat left = allocate_matrix<Scalar>(arena, a.rows(), full ? a.rows() : k);
  Mat right = allocate_matrix<Scalar>(arena, k, k);  // transposed
  out.values =
      Solver<Scalar>(*context_).svd(full, a.rows(), k, a.data(), left.data(), right.data());
  if (wide) {
    out.u = transposed(right);
    out.vt = transposed(left);
  } else {
    out.u = std::move(left);
    out.vt = std::move(right);
  }
  return out;
}

template <class Scalar, class Base>
SvdOf<Scalar> CudaLinearAlgebra<Scalar, Base>::svd(Mat a) const {
  return svd_with_vectors(std::move(a), false);
}

template <class Scalar, class Base>
SvdOf<Scalar> CudaLinearAlgebra<Scalar, Base>::full_svd(Mat a) const {
  return svd_with_vectors(std::move(a), true);
}

template class CudaLinearAlgebra<double, Backend>;
template class CudaLinearAlgebra<Complex>;

}  // namespace fastcca
