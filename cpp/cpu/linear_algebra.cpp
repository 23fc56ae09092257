// The matrix operations of the CPU backend, for real and complex numbers.
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "cpu/cpu_backend.hpp"
#include "cpu/gram_singular_values.hpp"
#include "cpu/host_matrix.hpp"

namespace fastcca {

using host::allocate;
using host::at;
using host::map;

template <class Scalar, class Base>
MatrixOf<Scalar> CpuLinearAlgebra<Scalar, Base>::from_host(const Scalar* column_major, Index rows,
                                                           Index cols) const {
  Mat out = allocate<Scalar>(rows, cols);
  std::copy_n(column_major, rows * cols, out.data());
  return out;
}

template <class Scalar, class Base>
void CpuLinearAlgebra<Scalar, Base>::to_host(const Mat& a, Scalar* column_major) const {
  std::copy_n(a.data(), a.rows() * a.cols(), column_major);
}

template <class Scalar, class Base>
MatrixOf<Scalar> CpuLinearAlgebra<Scalar, Base>::copy(const Mat& a) const {
  return from_host(a.data(), a.rows(), a.cols());
}

template <class Scalar, class Base>
MatrixOf<Scalar> CpuLinearAlgebra<Scalar, Base>::transposed(const Mat& a) const {
  Mat out = allocate<Scalar>(a.cols(), a.rows());
  map(out) = map(a).adjoint();
  return out;
}

template <class Scalar, class Base>
std::vector<double> CpuLinearAlgebra<Scalar, Base>::diagonal(const Mat& a) const {
  std::vector<double> out(at(std::min(a.rows(), a.cols())));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = std::real(a.data()[static_cast<Index>(i) * (a.rows() + 1)]);
  }
  return out;
}

template <class Scalar, class Base>
MatrixOf<Scalar> CpuLinearAlgebra<Scalar, Base>::scaled_submatrix(
    const Mat& a, std::span<const Index> rows, std::span<const double> row_scale,
    std::span<const Index> cols, std::span<const double> col_scale) const {
  Mat out = allocate<Scalar>(static_cast<Index>(rows.size()), static_cast<Index>(cols.size()));
  Scalar* to = out.data();
  for (std::size_t j = 0; j < cols.size(); ++j) {
    const Scalar* column = a.data() + cols[j] * a.rows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      *to++ = row_scale[i] * column[rows[i]] * col_scale[j];
    }
  }
  return out;
}

template <class Scalar, class Base>
MatrixOf<Scalar> CpuLinearAlgebra<Scalar, Base>::scattered_rows(const Mat& a,
                                                                std::span<const Index> rows,
                                                                std::span<const double> row_scale,
                                                                Index total_rows) const {
  Mat out = allocate<Scalar>(total_rows, a.cols());
  map(out).setZero();
  for (Index j = 0; j < a.cols(); ++j) {
    const Scalar* from = a.data() + j * a.rows();
    Scalar* to = out.data() + j * total_rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      to[rows[i]] = row_scale[i] * from[i];
    }
  }
  return out;
}

template <class Scalar, class Base>
MatrixOf<Scalar> CpuLinearAlgebra<Scalar, Base>::scaled_columns(
    const Mat& a, std::span<const Index> cols, std::span<const double> col_scale) const {
  Mat out = allocate<Scalar>(a.rows(), static_cast<Index>(cols.size()));
  auto to = map(out);
  for (std::size_t j = 0; j < cols.size(); ++j) {
    to.col(static_cast<Index>(j)) = map(a).col(cols[j]) * col_scale[j];
  }
  return out;
}

template <class Scalar, class Base>
void CpuLinearAlgebra<Scalar, Base>::add_to_diagonal(Mat& a, double value) const {
  map(a).diagonal().array() += value;
}

template <class Scalar, class Base>
void CpuLinearAlgebra<Scalar, Base>::add_scaled(Mat& a, double weight, const Mat& b) const {
  map(a) += weight * map(b);
}

template <class Scalar, class Base>
std::vector<double> CpuLinearAlgebra<Scalar, Base>::weighted_squared_column_norms(
    const Mat& a, std::span<const double> weight) const {
  std::vector<double> out(at(a.cols()));
  Eigen::Map<Eigen::VectorXd>(out.data(), a.cols()) = map(a).cwiseAbs2().transpose() * map(weight);
  return out;
}

template <class Scalar, class Base>
std::vector<double> CpuLinearAlgebra<Scalar, Base>::column_abs_sums(const Mat& a) const {
  std::vector<double> out(at(a.cols()));
  Eigen::Map<Eigen::VectorXd>(out.data(), a.cols()) = map(a).cwiseAbs().colwise().sum();
  return out;
}

template <class Scalar, class Base>
double CpuLinearAlgebra<Scalar, Base>::frobenius_norm(const Mat& a) const {
  // Squares of the entries relative to the largest can neither over- nor underflow to nothing.
  const double largest = a.rows() * a.cols() > 0 ? map(a).cwiseAbs().maxCoeff() : 0.0;
  return largest > 0.0 ? largest * (map(a) / largest).norm() : 0.0;
}

template <class Scalar, class Base>
MatrixOf<Scalar> CpuLinearAlgebra<Scalar, Base>::multiply(const Mat& a, Transpose trans_a,
                                                          const Mat& b, Transpose trans_b) const {
  const bool ta = trans_a == Transpose::kYes;
  const bool tb = trans_b == Transpose::kYes;
  const Index m = ta ? a.cols() : a.rows();
  const Index k = ta ? a.rows() : a.cols();
  const Index n = tb ? b.rows() : b.cols();
  Mat out = allocate<Scalar>(m, n);
  if (k == 0) {
    map(out).setZero();
    return out;
  }
  lapack_.gemm(ta, tb, m, n, k, a.data(), b.data(), out.data());
  return out;
}

template <class Scalar, class Base>
std::optional<MatrixOf<Scalar>> CpuLinearAlgebra<Scalar, Base>::cholesky(const Mat& a) const {
  Mat out = copy(a);
  if (!lapack_.potrf(a.rows(), out.data())) {
    return std::nullopt;
  }
  map(out).template triangularView<Eigen::StrictlyUpper>().setZero();
  return out;
}

template <class Scalar, class Base>
void CpuLinearAlgebra<Scalar, Base>::solve_triangular(const Mat& lower, Transpose trans, Side side,
                                                      Mat& b) const {
  if (b.rows() > 0 && b.cols() > 0) {
    lapack_.trsm(side == Side::kRight, trans == Transpose::kYes, b.rows(), b.cols(), lower.data(),
                 b.data());
  }
}

template <class Scalar, class Base>
std::vector<double> CpuLinearAlgebra<Scalar, Base>::eigenvalues(Mat symmetric) const {
  std::vector<double> out(at(symmetric.rows()));
  lapack_.eigh(false, symmetric.rows(), symmetric.data(), out.data());
  return out;
}

template <class Scalar, class Base>
EigenDecompositionOf<Scalar> CpuLinearAlgebra<Scalar, Base>::eigh(Mat symmetric) const {
  EigenDecompositionOf<Scalar> out;
  out.values.resize(at(symmetric.rows()));
  lapack_.eigh(true, symmetric.rows(), symmetric.data(), out.values.data());
  out.vectors = std::move(symmetric);
  return out;
}

template <class Scalar, class Base>
std::vector<double> CpuLinearAlgebra<Scalar, Base>::singular_values(Mat a) const {
  if constexpr (std::is_same_v<Scalar, double>) {
    if (std::min(a.rows(), a.cols()) >= kGramSingularValuesFrom) {
      if (auto values = gram_singular_values(lapack_, a.data(), a.rows(), a.cols())) {
        return std::move(*values);
      }
    }
  }
  std::vector<double> out(at(std::min(a.rows(), a.cols())));
  lapack_.svd('N', a.rows(), a.cols(), a.data(), out.data(), nullptr, nullptr);
  return out;
}

template <class Scalar, class Base>
SvdOf<Scalar> CpuLinearAlgebra<Scalar, Base>::svd_with_vectors(Mat a, bool full) const {
  const Index k = std::min(a.rows(), a.cols());
  SvdOf<Scalar> out;
  out.values.resize(at(k));
  out.u = allocate<Scalar>(a.rows(), full ? a.rows() : k);
  out.vt = allocate<Scalar>(full ? a.cols() : k, a.cols());
  if (k == 0) {  // nothing to decompose: any square factors do
    map(out.u).setIdentity();
    map(out.vt).setIdentity();
    return out;
  }
  lapack_.svd(full ? 'A' : 'S', a.rows(), a.cols(), a.data(), out.values.data(), out.u.data(),
              out.vt.data());
  return out;
}

template <class Scalar, class Base>
SvdOf<Scalar> CpuLinearAlgebra<Scalar, Base>::svd(Mat a) const {
  return svd_with_vectors(std::move(a), false);
}

template <class Scalar, class Base>
SvdOf<Scalar> CpuLinearAlgebra<Scalar, Base>::full_svd(Mat a) const {
  return svd_with_vectors(std::move(a), true);
}

template class CpuLinearAlgebra<double, Backend>;
template class CpuLinearAlgebra<Complex>;

}  // namespace fastcca
