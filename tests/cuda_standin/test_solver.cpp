// Each cuSOLVER call gives a decomposition that is one, and fails where it should.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "matrices.hpp"
#include "session.hpp"
#include "standin.hpp"

using standin::testing::Complex;
using standin::testing::Dense;
using standin::testing::DeviceArray;
using standin::testing::distance;
using standin::testing::drawn;
using standin::testing::identity;
using standin::testing::product;
using standin::testing::Session;

namespace {

constexpr double kTolerance = 1e-13;
constexpr int kN = 5;
constexpr int kM = 7;
constexpr int kLeading = 8;

template <class T>
constexpr cudaDataType kType = std::is_same_v<T, Complex> ? CUDA_C_64F : CUDA_R_64F;

// The buffers that a _bufferSize call asks for.
struct Buffers {
  template <class Ask>
  explicit Buffers(Ask ask) {
    OK(ask(&device_bytes, &host_bytes));
    device.push_back(std::make_unique<DeviceArray<char>>(device_bytes));
    host.resize(host_bytes);
  }
  std::size_t device_bytes = 0;
  std::size_t host_bytes = 0;
  std::vector<std::unique_ptr<DeviceArray<char>>> device;
  std::vector<char> host;
};

template <class T>
Dense<T> positive_definite(unsigned seed) {
  const auto a = drawn<T>(kN, kM, seed);
  Dense<T> result(kN, kN, kLeading);
  const auto square = product(a, a.adjoint());
  for (int j = 0; j < kN; ++j) {
    for (int i = 0; i < kN; ++i) result(i, j) = square(i, j);
  }
  return result;
}

template <class T>
Dense<T> read(const DeviceArray<T>& on_device, int rows, int cols, int leading) {
  Dense<T> result(rows, cols, leading);
  result.data = on_device.values();
  return result;
}

template <class T>
Dense<T> scaled_columns(Dense<T> a, const std::vector<double>& scale) {
  for (int j = 0; j < a.cols; ++j) {
    for (int i = 0; i < a.rows; ++i) a(i, j) *= scale[static_cast<std::size_t>(j)];
  }
  return a;
}

template <class T>
int potrf(const Session& session, const DeviceArray<T>& a) {
  const Buffers buffers([&](std::size_t* device, std::size_t* host) {
    return cusolverDnXpotrf_bufferSize(session.solver, session.params, CUBLAS_FILL_MODE_LOWER, kN,
                                       kType<T>, a.get(), kLeading, kType<T>, device, host);
  });
  auto host = buffers.host;
  const DeviceArray<int> info(1);
  OK(cusolverDnXpotrf(session.solver, session.params, CUBLAS_FILL_MODE_LOWER, kN, kType<T>, a.get(),
                      kLeading, kType<T>, buffers.device[0]->get(), buffers.device_bytes,
                      host.data(), host.size(), info.get()));
  session.finish();
  return info.values()[0];
}

template <class T>
struct Eigen {
  int info;
  std::vector<double> values;
  Dense<T> vectors;
};

template <class T>
Eigen<T> syevd(const Session& session, const Dense<T>& a, cusolverEigMode_t mode) {
  const DeviceArray<T> on_a(a.data);
  const DeviceArray<double> w(kN);
  const DeviceArray<int> info(1);
  Buffers buffers([&](std::size_t* device, std::size_t* host) {
    return cusolverDnXsyevd_bufferSize(session.solver, session.params, mode, CUBLAS_FILL_MODE_LOWER,
                                       kN, kType<T>, on_a.get(), kLeading, CUDA_R_64F, w.get(),
                                       kType<T>, device, host);
  });
  OK(cusolverDnXsyevd(session.solver, session.params, mode, CUBLAS_FILL_MODE_LOWER, kN, kType<T>,
                      on_a.get(), kLeading, CUDA_R_64F, w.get(), kType<T>, buffers.device[0]->get(),
                      buffers.device_bytes, buffers.host.data(), buffers.host_bytes, info.get()));
  session.finish();
  return {info.values()[0], w.values(), read(on_a, kN, kN, kLeading)};
}

}  // namespace

TEST_CASE_TEMPLATE("potrf gives a factor, or says where the matrix is not positive definite", T,
                   double, Complex) {
  const Session session;
  auto a = positive_definite<T>(1);
  const DeviceArray<T> good(a.data);
  CHECK(potrf(session, good) == 0);
  auto factor = read(good, kN, kN, kLeading);
  CHECK(factor(0, 1) == a(0, 1));  // the other triangle is left alone
  for (int j = 0; j < kN; ++j) {
    for (int i = 0; i < j; ++i) factor(i, j) = T{};
  }
  CHECK(distance(product(factor, factor.adjoint()), a) < kTolerance);
  a(2, 2) = T(-1);
  const DeviceArray<T> bad(a.data);
  CHECK(potrf(session, bad) == 3);
}

TEST_CASE_TEMPLATE("syevd gives ascending values and orthonormal vectors", T, double, Complex) {
  const Session session;
  const auto a = positive_definite<T>(2);
  const auto result = syevd(session, a, CUSOLVER_EIG_MODE_VECTOR);
  CHECK(result.info == 0);
  CHECK(std::is_sorted(result.values.begin(), result.values.end()));
  const auto& v = result.vectors;
  CHECK(distance(product(v.adjoint(), v), identity<T>(kN)) < kTolerance);
  CHECK(distance(product(scaled_columns(v, result.values), v.adjoint()), a) < kTolerance);
  const auto values_only = syevd(session, a, CUSOLVER_EIG_MODE_NOVECTOR);
  for (std::size_t i = 0; i < kN; ++i) {
    CHECK(values_only.values[i] == doctest::Approx(result.values[i]).epsilon(kTolerance));
  }
  CHECK(std::isnan(std::abs(values_only.vectors(0, 0))));  // documented as destroyed
}

TEST_CASE("syevBatched does what syevd does to each matrix") {
  const Session session;
  std::vector<double> stack;
  constexpr int kBatch = 3;
  std::vector<Dense<double>> matrices;
  for (unsigned i = 0; i < kBatch; ++i) {
    matrices.push_back(positive_definite<double>(10 + i));
    stack.insert(stack.end(), matrices.back().data.begin(), matrices.back().data.end());
  }
  const DeviceArray<double> a(stack);
  const DeviceArray<double> w(std::size_t{kBatch} * kN);
  const DeviceArray<int> info(kBatch);
  Buffers buffers([&](std::size_t* device, std::size_t* host) {
    return cusolverDnXsyevBatched_bufferSize(
        session.solver, session.params, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_LOWER, kN,
        CUDA_R_64F, a.get(), kLeading, CUDA_R_64F, w.get(), CUDA_R_64F, device, host, kBatch);
  });
  OK(cusolverDnXsyevBatched(session.solver, session.params, CUSOLVER_EIG_MODE_VECTOR,
                            CUBLAS_FILL_MODE_LOWER, kN, CUDA_R_64F, a.get(), kLeading, CUDA_R_64F,
                            w.get(), CUDA_R_64F, buffers.device[0]->get(), buffers.device_bytes,
                            buffers.host.data(), buffers.host_bytes, info.get(), kBatch));
  session.finish();
  const auto vectors = a.values();
  const auto values = w.values();
  for (std::size_t i = 0; i < kBatch; ++i) {
    const auto one = syevd(session, matrices[i], CUSOLVER_EIG_MODE_VECTOR);
    CHECK(info.values()[i] == 0);
    CHECK(std::equal(one.values.begin(), one.values.end(),
                     values.begin() + static_cast<long>(i) * kN));
    const std::size_t size = matrices[i].data.size();
    CHECK(vectors[i * size] == one.vectors(0, 0));
    CHECK(vectors[(i + 1) * size - (kLeading - kN) - 1] == one.vectors(kN - 1, kN - 1));
  }
}

TEST_CASE_TEMPLATE("gesvd and gesvdp give singular vectors, transposed and not", T, double,
                   Complex) {
  const Session session;
  const auto a = drawn<T>(kM, kN, 3, kLeading);
  for (const bool polar : {false, true}) {
    const DeviceArray<T> on_a(a.data);
    const DeviceArray<double> s(kN);
    const DeviceArray<T> u(kLeading * kM);
    const DeviceArray<T> v(kLeading * kN);
    const DeviceArray<int> info(1);
    double error = -1.0;
    if (polar) {
      Buffers buffers([&](std::size_t* device, std::size_t* host) {
        return cusolverDnXgesvdp_bufferSize(
            session.solver, session.params, CUSOLVER_EIG_MODE_VECTOR, 1, kM, kN, kType<T>,
            on_a.get(), kLeading, CUDA_R_64F, s.get(), kType<T>, u.get(), kLeading, kType<T>,
            v.get(), kLeading, kType<T>, device, host);
      });
      OK(cusolverDnXgesvdp(session.solver, session.params, CUSOLVER_EIG_MODE_VECTOR, 1, kM, kN,
                           kType<T>, on_a.get(), kLeading, CUDA_R_64F, s.get(), kType<T>, u.get(),
                           kLeading, kType<T>, v.get(), kLeading, kType<T>,
                           buffers.device[0]->get(), buffers.device_bytes, buffers.host.data(),
                           buffers.host_bytes, info.get(), &error));
      session.finish();
      CHECK(error == 0.0);
    } else {
      Buffers buffers([&](std::size_t* device, std::size_t* host) {
        return cusolverDnXgesvd_bufferSize(session.solver, session.params, 'S', 'S', kM, kN,
                                           kType<T>, on_a.get(), kLeading, CUDA_R_64F, s.get(),
                                           kType<T>, u.get(), kLeading, kType<T>, v.get(), kLeading,
                                           kType<T>, device, host);
      });
      OK(cusolverDnXgesvd(session.solver, session.params, 'S', 'S', kM, kN, kType<T>, on_a.get(),
                          kLeading, CUDA_R_64F, s.get(), kType<T>, u.get(), kLeading, kType<T>,
                          v.get(), kLeading, kType<T>, buffers.device[0]->get(),
                          buffers.device_bytes, buffers.host.data(), buffers.host_bytes,
                          info.get()));
      session.finish();
    }
    CHECK(info.values()[0] == 0);
    CHECK(std::isnan(std::abs(on_a.values()[0])));  // documented as destroyed
    auto left = read(u, kM, kN, kLeading);
    const auto right = read(v, kN, kN, kLeading);
    CHECK(distance(product(left.adjoint(), left), identity<T>(kN)) < kTolerance);
    const auto vt = polar ? right.adjoint() : right;
    CHECK(distance(product(scaled_columns(left, s.values()), vt), a) < kTolerance);
  }
}

TEST_CASE("gesvd refuses wide matrices, and workspaces smaller than asked for") {
  const Session session;
  const DeviceArray<double> a(drawn<double>(kN, kM, 3).data);
  const DeviceArray<int> info(1);
  std::size_t device_bytes = 0;
  std::size_t host_bytes = 0;
  CHECK(cusolverDnXgesvd_bufferSize(session.solver, session.params, 'N', 'N', kN, kM, CUDA_R_64F,
                                    a.get(), kN, CUDA_R_64F, nullptr, CUDA_R_64F, nullptr, 1,
                                    CUDA_R_64F, nullptr, 1, CUDA_R_64F, &device_bytes,
                                    &host_bytes) == CUSOLVER_STATUS_INVALID_VALUE);
  OK(cusolverDnXpotrf_bufferSize(session.solver, session.params, CUBLAS_FILL_MODE_LOWER, kN,
                                 CUDA_R_64F, a.get(), kN, CUDA_R_64F, &device_bytes, &host_bytes));
  const DeviceArray<char> buffer(device_bytes - 1);
  std::vector<char> host(host_bytes);
  CHECK(cusolverDnXpotrf(session.solver, session.params, CUBLAS_FILL_MODE_LOWER, kN, CUDA_R_64F,
                         a.get(), kN, CUDA_R_64F, buffer.get(), device_bytes - 1, host.data(),
                         host_bytes, info.get()) == CUSOLVER_STATUS_INVALID_VALUE);
}

TEST_CASE("geqrf, orgqr and ormqr agree about Q") {
  const Session session;
  const auto a = drawn<double>(kM, kN, 4, kLeading);
  const DeviceArray<double> on_a(a.data);
  const DeviceArray<double> tau(kN);
  const DeviceArray<int> info(1);
  Buffers buffers([&](std::size_t* device, std::size_t* host) {
    return cusolverDnXgeqrf_bufferSize(session.solver, session.params, kM, kN, CUDA_R_64F,
                                       on_a.get(), kLeading, CUDA_R_64F, tau.get(), CUDA_R_64F,
                                       device, host);
  });
  OK(cusolverDnXgeqrf(session.solver, session.params, kM, kN, CUDA_R_64F, on_a.get(), kLeading,
                      CUDA_R_64F, tau.get(), CUDA_R_64F, buffers.device[0]->get(),
                      buffers.device_bytes, buffers.host.data(), buffers.host_bytes, info.get()));
  session.finish();
  Dense<double> r(kN, kN);
  const auto packed = read(on_a, kM, kN, kLeading);
  for (int j = 0; j < kN; ++j) {
    for (int i = 0; i <= j; ++i) r(i, j) = packed(i, j);
  }
  int size = 0;
  OK(cusolverDnDormqr_bufferSize(session.solver, CUBLAS_SIDE_LEFT, CUBLAS_OP_T, kM, kN, kN,
                                 on_a.get(), kLeading, tau.get(), on_a.get(), kLeading, &size));
  const DeviceArray<double> work(static_cast<std::size_t>(size));
  const DeviceArray<double> c(a.data);  // Q' a is R above zeros
  OK(cusolverDnDormqr(session.solver, CUBLAS_SIDE_LEFT, CUBLAS_OP_T, kM, kN, kN, on_a.get(),
                      kLeading, tau.get(), c.get(), kLeading, work.get(), size, info.get()));
  OK(cusolverDnDorgqr_bufferSize(session.solver, kM, kN, kN, on_a.get(), kLeading, tau.get(),
                                 &size));
  const DeviceArray<double> more_work(static_cast<std::size_t>(size));
  OK(cusolverDnDorgqr(session.solver, kM, kN, kN, on_a.get(), kLeading, tau.get(), more_work.get(),
                      size, info.get()));
  session.finish();
  const auto q = read(on_a, kM, kN, kLeading);
  CHECK(distance(product(q.adjoint(), q), identity<double>(kN)) < kTolerance);
  CHECK(distance(product(q, r), a) < kTolerance);
  CHECK(distance(read(c, kN, kN, kLeading), r) < kTolerance);
}

TEST_CASE("a failure that is asked for comes once, and leaves NaN behind") {
  const Session session;
  const auto a = positive_definite<double>(5);
  fastcca_standin_fail("cusolverDnXsyevd", 1, 1, 0, 4);
  CHECK(syevd(session, a, CUSOLVER_EIG_MODE_VECTOR).info == 0);
  const auto failed = syevd(session, a, CUSOLVER_EIG_MODE_VECTOR);
  CHECK(failed.info == 4);
  CHECK(std::isnan(failed.values[0]));
  CHECK(std::isnan(failed.vectors(0, 0)));
  CHECK(syevd(session, a, CUSOLVER_EIG_MODE_VECTOR).info == 0);
  fastcca_standin_fail("cusolverDnXpotrf_bufferSize", 0, 1, CUSOLVER_STATUS_INTERNAL_ERROR, 0);
  std::size_t bytes = 0;
  CHECK(cusolverDnXpotrf_bufferSize(session.solver, session.params, CUBLAS_FILL_MODE_LOWER, kN,
                                    CUDA_R_64F, nullptr, kN, CUDA_R_64F, &bytes,
                                    &bytes) == CUSOLVER_STATUS_INTERNAL_ERROR);
  fastcca_standin_fail_nothing();
}
