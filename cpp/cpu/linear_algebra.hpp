// The matrix operations of the CPU backend, for real and complex numbers: BLAS and LAPACK through a
// table, Eigen for everything elementwise. For cpu_backend.cpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <type_traits>
#include <utility>

#include "core/backend.hpp"
#include "cpu/gram_singular_values.hpp"
#include "cpu/host_matrix.hpp"
#include "cpu/lapack.hpp"

namespace fastcca {

// Base is the interface to implement: LinearAlgebra<Scalar>, or Backend, which extends it.
template <class Scalar, class Base = LinearAlgebra<Scalar>>
class CpuLinearAlgebra : public Base {
 public:
  using Mat = MatrixOf<Scalar>;

  explicit CpuLinearAlgebra(const LapackTable& table) : lapack_(table) {}

  // -- memory -------------------------------------------------------------------------------------
  Mat from_host(const Scalar* column_major, Index rows, Index cols) const override {
    Mat out = allocate<Scalar>(rows, cols);
    std::copy_n(column_major, rows * cols, out.data());
    return out;
  }

  void to_host(const Mat& a, Scalar* column_major) const override {
    std::copy_n(a.data(), a.rows() * a.cols(), column_major);
  }

  Mat copy(const Mat& a) const override { return from_host(a.data(), a.rows(), a.cols()); }

  Mat transposed(const Mat& a) const override {
    Mat out = allocate<Scalar>(a.cols(), a.rows());
    map(out) = map(a).adjoint();
    return out;
  }

  std::vector<double> diagonal(const Mat& a) const override {
    return vector_of(map(a).diagonal().real());
  }

  // -- elementwise --------------------------------------------------------------------------------
  Mat scaled_submatrix(const Mat& a, std::span<const Index> rows, std::span<const double> row_scale,
                       std::span<const Index> cols,
                       std::span<const double> col_scale) const override {
    Mat out = allocate<Scalar>(static_cast<Index>(rows.size()), static_cast<Index>(cols.size()));
    const auto factors = array(row_scale).matrix();
    for (std::size_t j = 0; j < cols.size(); ++j) {
      map(out).col(static_cast<Index>(j)) =
          factors.cwiseProduct(map(a).col(cols[j])(rows)) * col_scale[j];
    }
    return out;
  }

  Mat scattered_rows(const Mat& a, std::span<const Index> rows, std::span<const double> row_scale,
                     Index total_rows) const override {
    Mat out = allocate<Scalar>(total_rows, a.cols());
    map(out).setZero();
    for (Index j = 0; j < a.cols(); ++j) {
      map(out).col(j)(rows) = array(row_scale).matrix().cwiseProduct(map(a).col(j));
    }
    return out;
  }

  Mat scaled_columns(const Mat& a, std::span<const Index> cols,
                     std::span<const double> col_scale) const override {
    Mat out = allocate<Scalar>(a.rows(), static_cast<Index>(cols.size()));
    auto to = map(out);
    for (std::size_t j = 0; j < cols.size(); ++j) {
      to.col(static_cast<Index>(j)) = map(a).col(cols[j]) * col_scale[j];
    }
    return out;
  }

  void add_to_diagonal(Mat& a, double value) const override { map(a).diagonal().array() += value; }

  void add_scaled(Mat& a, double weight, const Mat& b) const override { map(a) += weight * map(b); }

  // -- reductions ---------------------------------------------------------------------------------
  std::vector<double> weighted_squared_column_norms(const Mat& a,
                                                    std::span<const double> weight) const override {
    std::vector<double> out(at(a.cols()));
    array(out).matrix() = map(a).cwiseAbs2().transpose() * array(weight).matrix();
    return out;
  }

  std::vector<double> column_abs_sums(const Mat& a) const override {
    return vector_of(map(a).cwiseAbs().colwise().sum().transpose());
  }

  double frobenius_norm(const Mat& a) const override {
    // Squares of the entries relative to the largest can neither over- nor underflow to nothing.
    const double largest = a.rows() * a.cols() > 0 ? map(a).cwiseAbs().maxCoeff() : 0.0;
    return largest > 0.0 ? largest * (map(a) / largest).norm() : 0.0;
  }

  // -- products and decompositions ----------------------------------------------------------------
  Mat multiply(const Mat& a, Transpose trans_a, const Mat& b, Transpose trans_b) const override {
    const bool ta = trans_a == Transpose::kYes;
    const bool tb = trans_b == Transpose::kYes;
    const Index m = ta ? a.cols() : a.rows();
    const Index k = ta ? a.rows() : a.cols();
    const Index n = tb ? b.rows() : b.cols();
    Mat out = allocate<Scalar>(m, n);
    if (k == 0) {
      map(out).setZero();
    } else {
      lapack_.gemm(ta, tb, m, n, k, a.data(), b.data(), out.data());
    }
    return out;
  }

  std::optional<Mat> cholesky(const Mat& a) const override {
    Mat out = copy(a);
    if (!lapack_.potrf(a.rows(), out.data())) {
      return std::nullopt;
    }
    map(out).template triangularView<Eigen::StrictlyUpper>().setZero();
    return out;
  }

  void solve_triangular(const Mat& lower, Transpose trans, Side side, Mat& b) const override {
    if (b.rows() > 0 && b.cols() > 0) {
      lapack_.trsm(side == Side::kRight, trans == Transpose::kYes, b.rows(), b.cols(), lower.data(),
                   b.data());
    }
  }

  std::vector<double> eigenvalues(Mat symmetric) const override {
    std::vector<double> out(at(symmetric.rows()));
    lapack_.eigh(false, symmetric.rows(), symmetric.data(), out.data());
    return out;
  }

  EigenDecompositionOf<Scalar> eigh(Mat symmetric) const override {
    std::vector<double> values(at(symmetric.rows()));
    lapack_.eigh(true, symmetric.rows(), symmetric.data(), values.data());
    return {std::move(values), std::move(symmetric)};
  }

  std::vector<double> singular_values(Mat a) const override {
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

  SvdOf<Scalar> svd(Mat a) const override { return svd_with_vectors(std::move(a), false); }
  SvdOf<Scalar> full_svd(Mat a) const override { return svd_with_vectors(std::move(a), true); }

 protected:
  const Lapack<Scalar>& lapack() const { return lapack_; }

 private:
  SvdOf<Scalar> svd_with_vectors(Mat a, bool full) const {
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

  Lapack<Scalar> lapack_;
};

}  // namespace fastcca
