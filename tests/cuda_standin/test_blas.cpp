// Each cuBLAS call gives what plain loops give, on whole matrices and on parts of larger ones.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "matrices.hpp"
#include "session.hpp"

using standin::testing::Complex;
using standin::testing::Dense;
using standin::testing::DeviceArray;
using standin::testing::distance;
using standin::testing::drawn;
using standin::testing::product;
using standin::testing::Session;

namespace {

constexpr int kM = 5;
constexpr int kN = 4;
constexpr int kK = 6;
constexpr int kLeading = 9;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

cuDoubleComplex* vendor(Complex* p) { return reinterpret_cast<cuDoubleComplex*>(p); }
const cuDoubleComplex* vendor(const Complex* p) {
  return reinterpret_cast<const cuDoubleComplex*>(p);
}
double* vendor(double* p) { return p; }
const double* vendor(const double* p) { return p; }
float* vendor(float* p) { return p; }
const float* vendor(const float* p) { return p; }

template <class T>
double tolerance() {
  return 100.0 * std::is_same_v<T, float> * 6e-8 + 100.0 * !std::is_same_v<T, float> * 1.2e-16;
}

template <class T>
constexpr auto kGemm = cublasDgemm_64;
template <>
constexpr auto kGemm<float> = cublasSgemm_64;
template <>
constexpr auto kGemm<Complex> = cublasZgemm_64;
template <class T>
constexpr auto kSyrk = cublasDsyrk_64;
template <>
constexpr auto kSyrk<float> = cublasSsyrk_64;
template <>
constexpr auto kSyrk<Complex> = cublasZherk_64;
template <class T>
constexpr auto kTrsm = cublasDtrsm_64;
template <>
constexpr auto kTrsm<Complex> = cublasZtrsm_64;
template <class T>
constexpr auto kGeam = cublasDgeam_64;
template <>
constexpr auto kGeam<Complex> = cublasZgeam_64;

template <class T>
Dense<T> result_of(const Session& session, const DeviceArray<T>& on_device, int rows, int cols,
                   int leading) {
  session.finish();
  Dense<T> result(rows, cols, leading);
  result.data = on_device.values();
  return result;
}

template <class T>
Dense<T> opened(const Dense<T>& a, bool trans) {
  return trans ? a.adjoint() : a;
}

}  // namespace

TEST_CASE_TEMPLATE("gemm", T, float, double, Complex) {
  const Session session;
  const cublasOperation_t adjoint = std::is_same_v<T, Complex> ? CUBLAS_OP_C : CUBLAS_OP_T;
  for (const bool trans_a : {false, true}) {
    for (const bool trans_b : {false, true}) {
      const auto a = trans_a ? drawn<T>(kK, kM, 1, kLeading) : drawn<T>(kM, kK, 1, kLeading);
      const auto b = trans_b ? drawn<T>(kN, kK, 2, kLeading) : drawn<T>(kK, kN, 2, kLeading);
      const auto old = drawn<T>(kM, kN, 3, kLeading);
      const DeviceArray<T> on_a(a.data);
      const DeviceArray<T> on_b(b.data);
      const DeviceArray<T> on_c(old.data);
      const T alpha = T(2);
      const T beta = T(3);
      OK(kGemm<T>(session.blas, trans_a ? adjoint : CUBLAS_OP_N, trans_b ? adjoint : CUBLAS_OP_N,
                  kM, kN, kK, vendor(&alpha), vendor(on_a.get()), kLeading, vendor(on_b.get()),
                  kLeading, vendor(&beta), vendor(on_c.get()), kLeading));
      const auto c = result_of(session, on_c, kM, kN, kLeading);
      auto expected = product(opened(a, trans_a), opened(b, trans_b));
      for (int j = 0; j < kN; ++j) {
        for (int i = 0; i < kM; ++i) expected(i, j) = alpha * expected(i, j) + beta * old(i, j);
      }
      CHECK(distance(c, expected) < tolerance<T>());
      CHECK(c.data[kM] == old.data[kM]);  // the rows below the part are left alone
    }
  }
}

TEST_CASE("a beta of zero does not read what was there, an alpha of zero not the factors") {
  const Session session;
  const DeviceArray<double> a(std::vector<double>{1.0, 2.0, 3.0, 4.0});
  const DeviceArray<double> c(std::vector<double>(4, kNan));
  const double one = 1.0;
  const double zero = 0.0;
  OK(cublasDgemm(session.blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, a.get(), 2, a.get(), 2,
                 &zero, c.get(), 2));
  session.finish();
  CHECK(c.values() == std::vector<double>{7.0, 10.0, 15.0, 22.0});
  OK(cublasDgemm(session.blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &zero, nullptr, 2, nullptr, 2,
                 &one, c.get(), 2));
  session.finish();
  CHECK(c.values() == std::vector<double>{7.0, 10.0, 15.0, 22.0});
}

TEST_CASE("alpha is read at the call in host pointer mode, when it runs in device pointer mode") {
  const Session session;
  const DeviceArray<double> x(std::vector<double>{1.0});
  const DeviceArray<double> y(std::vector<double>{0.0});
  double alpha = 2.0;
  OK(cublasDaxpy(session.blas, 1, &alpha, x.get(), 1, y.get(), 1));
  alpha = 100.0;
  session.finish();
  CHECK(y.values()[0] == 2.0);
  const DeviceArray<double> factor(std::vector<double>{5.0});
  const double seven = 7.0;
  OK(cublasSetPointerMode(session.blas, CUBLAS_POINTER_MODE_DEVICE));
  OK(cublasDaxpy(session.blas, 1, factor.get(), x.get(), 1, y.get(), 1));
  OK(cudaMemcpyAsync(factor.get(), &seven, 8, cudaMemcpyHostToDevice, session.stream));
  OK(cublasDaxpy(session.blas, 1, factor.get(), x.get(), 1, y.get(), 1));
  session.finish();
  CHECK(y.values()[0] == 14.0);
}

TEST_CASE_TEMPLATE("syrk and herk touch one triangle", T, float, double, Complex) {
  const Session session;
  using Real = decltype(std::abs(T{}));
  const Real alpha = 2;
  const Real beta = 0;
  for (const bool trans : {false, true}) {
    for (const bool lower : {false, true}) {
      const auto a = trans ? drawn<T>(kK, kN, 4, kLeading) : drawn<T>(kN, kK, 4, kLeading);
      const DeviceArray<T> on_a(a.data);
      const DeviceArray<T> on_c(std::vector<T>(kN * kN, T(7)));
      const cublasOperation_t op = !trans                       ? CUBLAS_OP_N
                                   : std::is_same_v<T, Complex> ? CUBLAS_OP_C
                                                                : CUBLAS_OP_T;
      OK(kSyrk<T>(session.blas, lower ? CUBLAS_FILL_MODE_LOWER : CUBLAS_FILL_MODE_UPPER, op, kN, kK,
                  &alpha, vendor(on_a.get()), kLeading, &beta, vendor(on_c.get()), kN));
      const auto c = result_of(session, on_c, kN, kN, kN);
      auto expected = trans ? product(a.adjoint(), a) : product(a, a.adjoint());
      for (int j = 0; j < kN; ++j) {
        for (int i = 0; i < kN; ++i) {
          expected(i, j) = (lower ? i >= j : i <= j) ? T(2) * expected(i, j) : T(7);
        }
      }
      CHECK(distance(c, expected) < tolerance<T>());
    }
  }
}

TEST_CASE_TEMPLATE("trsm solves what it says", T, double, Complex) {
  const Session session;
  const cublasOperation_t adjoint = std::is_same_v<T, Complex> ? CUBLAS_OP_C : CUBLAS_OP_T;
  for (const bool right : {false, true}) {
    for (const bool trans : {false, true}) {
      const int order = right ? kN : kM;
      auto lower = drawn<T>(order, order, 5, kLeading);
      for (int j = 0; j < order; ++j) {
        for (int i = 0; i < j; ++i) lower(i, j) = T{};
        lower(j, j) += T(3);
      }
      const auto b = drawn<T>(kM, kN, 6, kLeading);
      const DeviceArray<T> on_l(lower.data);
      const DeviceArray<T> on_b(b.data);
      const T one = T(1);
      OK(kTrsm<T>(session.blas, right ? CUBLAS_SIDE_RIGHT : CUBLAS_SIDE_LEFT,
                  CUBLAS_FILL_MODE_LOWER, trans ? adjoint : CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, kM,
                  kN, vendor(&one), vendor(on_l.get()), kLeading, vendor(on_b.get()), kLeading));
      const auto x = result_of(session, on_b, kM, kN, kLeading);
      const auto l = opened(lower, trans);
      CHECK(distance(right ? product(x, l) : product(l, x), b) < tolerance<T>());
    }
  }
}

TEST_CASE_TEMPLATE("geam transposes, adds, and works in place", T, double, Complex) {
  const Session session;
  const auto a = drawn<T>(kN, kM, 7, kLeading);
  const auto b = drawn<T>(kM, kN, 8, kLeading);
  const DeviceArray<T> on_a(a.data);
  const DeviceArray<T> on_b(b.data);
  const T alpha = T(2);
  const T beta = T(3);
  OK(kGeam<T>(session.blas, CUBLAS_OP_C, CUBLAS_OP_N, kM, kN, vendor(&alpha), vendor(on_a.get()),
              kLeading, vendor(&beta), vendor(on_b.get()), kLeading, vendor(on_b.get()), kLeading));
  const auto c = result_of(session, on_b, kM, kN, kLeading);
  auto expected = a.adjoint();
  for (int j = 0; j < kN; ++j) {
    for (int i = 0; i < kM; ++i) expected(i, j) = alpha * expected(i, j) + beta * b(i, j);
  }
  CHECK(distance(c, expected) < tolerance<T>());
  CHECK(kGeam<T>(session.blas, CUBLAS_OP_C, CUBLAS_OP_N, kN, kN, vendor(&alpha), vendor(on_b.get()),
                 kLeading, vendor(&beta), vendor(on_a.get()), kLeading, vendor(on_b.get()),
                 kLeading) == CUBLAS_STATUS_INVALID_VALUE);
}

TEST_CASE("sums and norms of vectors with gaps; the result is there when the call returns") {
  const Session session;
  const DeviceArray<double> x(std::vector<double>{3.0, kNan, -4.0});
  const DeviceArray<Complex> z(std::vector<Complex>{{3.0, 4.0}, {0.0, 12.0}});
  const double two = 2.0;
  const Complex i{0.0, 1.0};
  double result = 0.0;
  OK(cublasDnrm2(session.blas, 2, x.get(), 2, &result));
  CHECK(result == doctest::Approx(5.0));
  OK(cublasDasum(session.blas, 2, x.get(), 2, &result));
  CHECK(result == 7.0);
  OK(cublasDznrm2(session.blas, 2, vendor(z.get()), 1, &result));
  CHECK(result == doctest::Approx(13.0));
  const DeviceArray<double> y(std::vector<double>{1.0, 2.0});
  OK(cublasDaxpy(session.blas, 2, &two, x.get(), 2, y.get(), -1));
  OK(cublasZaxpy(session.blas, 2, vendor(&i), vendor(z.get()), 1, vendor(z.get()), 1));
  session.finish();
  CHECK(y.values() == std::vector<double>{-7.0, 8.0});
  CHECK(z.values() == std::vector<Complex>{{-1.0, 7.0}, {-12.0, 12.0}});
}
