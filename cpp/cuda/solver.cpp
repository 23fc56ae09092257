#include "cuda/solver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "core/errors.hpp"
#include "cuda/elementwise.hpp"
#include "cuda/solver_workspace.hpp"

namespace fastcca::cuda {

template <class Scalar>
int Solver<Scalar>::read(const DeviceBuffer<int>& info) const {
  int out = 0;
  context_.copy_out(info.get(), 1, &out);
  return out;
}

template <class Scalar>
double Solver<Scalar>::bring_into_range(Scalar* a, Index count, const char* what) const {
  constexpr int kFar = 300;
  double size = norm(context_, a, count);
  double factor = 1.0;
  if (size > std::numeric_limits<double>::max()) {  // of numbers that need not be infinite
    factor = std::ldexp(1.0, -2 * kFar);
    scale(context_.stream(), a, count, factor);
    size = norm(context_, a, count);
  }
  if (!std::isfinite(size)) {
    throw DecompositionError(std::string("the matrix whose ") + what + " are wanted is not finite");
  }
  const int exponent = size > 0.0 ? std::ilogb(size) : 0;
  if (std::abs(exponent) > kFar) {
    const double more = std::ldexp(1.0, std::min(-exponent, 1000));
    scale(context_.stream(), a, count, more);
    factor *= more;
  }
  return factor;
}

template <class Scalar>
bool Solver<Scalar>::cholesky(Index n, Scalar* a) const {
  const SolverHandle& solver = context_.solver();
  Workspace work(context_, "cusolverDnXpotrf_bufferSize", [&](auto* device, auto* host) {
    return cusolverDnXpotrf_bufferSize(solver.get(), solver.parameters(), CUBLAS_FILL_MODE_LOWER, n,
                                       kType<Scalar>, a, n, kType<Scalar>, device, host);
  });
  const auto info = context_.buffer<int>(1);
  check(cusolverDnXpotrf(solver.get(), solver.parameters(), CUBLAS_FILL_MODE_LOWER, n,
                         kType<Scalar>, a, n, kType<Scalar>, work.device(), work.device_size(),
                         work.host(), work.host_size(), info.get()),
        "cusolverDnXpotrf");
  const int found = read(info);
  if (found < 0) {
    fail("Xpotrf", found);
  }
  return found == 0;
}

// By divide and conquer.
template <class Scalar>
int Solver<Scalar>::syevd(bool vectors, Index n, Scalar* a, double* w) const {
  const SolverHandle& solver = context_.solver();
  const auto job = vectors ? CUSOLVER_EIG_MODE_VECTOR : CUSOLVER_EIG_MODE_NOVECTOR;
  const auto half = CUBLAS_FILL_MODE_LOWER;
  const auto info = context_.buffer<int>(1);
  Workspace work(context_, "cusolverDnXsyevd_bufferSize", [&](auto* device, auto* host) {
    return cusolverDnXsyevd_bufferSize(solver.get(), solver.parameters(), job, half, n,
                                       kType<Scalar>, a, n, kReal, w, kType<Scalar>, device, host);
  });
  check(cusolverDnXsyevd(solver.get(), solver.parameters(), job, half, n, kType<Scalar>, a, n,
                         kReal, w, kType<Scalar>, work.device(), work.device_size(), work.host(),
                         work.host_size(), info.get()),
        "cusolverDnXsyevd");
  return read(info);
}

// By the algorithm for several matrices, of which there is one.
template <class Scalar>
int Solver<Scalar>::syev_batched(bool vectors, Index n, Scalar* a, double* w) const {
  const SolverHandle& solver = context_.solver();
  const auto job = vectors ? CUSOLVER_EIG_MODE_VECTOR : CUSOLVER_EIG_MODE_NOVECTOR;
  const auto half = CUBLAS_FILL_MODE_LOWER;
  const auto info = context_.buffer<int>(1);
  Workspace work(context_, "cusolverDnXsyevBatched_bufferSize", [&](auto* device, auto* host) {
    return cusolverDnXsyevBatched_bufferSize(solver.get(), solver.parameters(), job, half, n,
                                             kType<Scalar>, a, n, kReal, w, kType<Scalar>, device,
                                             host, 1);
  });
  check(cusolverDnXsyevBatched(solver.get(), solver.parameters(), job, half, n, kType<Scalar>, a, n,
                               kReal, w, kType<Scalar>, work.device(), work.device_size(),
                               work.host(), work.host_size(), info.get(), 1),
        "cusolverDnXsyevBatched");
  return read(info);
}

template <class Scalar>
std::vector<double> Solver<Scalar>::eigh(bool vectors, Index n, Scalar* a) const {
  if (n == 0) {
    return {};
  }
  const double factor = bring_into_range(a, n * n, "eigenvalues");
  const auto saved = context_.buffer<Scalar>(n * n);
  context_.copy_within(a, n * n, saved.get());
  const auto w = context_.buffer<double>(n);
  int info = syevd(vectors, n, a, w.get());
  if (info < 0) {
    fail("Xsyevd", info);
  }
  if (info > 0) {
    // Divide and conquer did not converge.
    context_.copy_within(saved.get(), n * n, a);
    info = syev_batched(vectors, n, a, w.get());
    if (info != 0) {
      fail("XsyevBatched", info);
    }
  }
  std::vector<double> values = context_.download(w.get(), n);
  for (double& value : values) {
    value /= factor;
  }
  return values;
}

template <class Scalar>
int Solver<Scalar>::gesvd(bool full, Index m, Index n, Scalar* a, double* s, Scalar* u,
                          Scalar* vt) const {
  const SolverHandle& solver = context_.solver();
  const char letter = u == nullptr ? 'N' : full ? 'A' : 'S';
  const auto job = static_cast<signed char>(letter);
  const auto info = context_.buffer<int>(1);
  Workspace work(context_, "cusolverDnXgesvd_bufferSize", [&](auto* device, auto* host) {
    return cusolverDnXgesvd_bufferSize(solver.get(), solver.parameters(), job, job, m, n,
                                       kType<Scalar>, a, m, kReal, s, kType<Scalar>, u, m,
                                       kType<Scalar>, vt, n, kType<Scalar>, device, host);
  });
  check(cusolverDnXgesvd(solver.get(), solver.parameters(), job, job, m, n, kType<Scalar>, a, m,
                         kReal, s, kType<Scalar>, u, m, kType<Scalar>, vt, n, kType<Scalar>,
                         work.device(), work.device_size(), work.host(), work.host_size(),
                         info.get()),
        "cusolverDnXgesvd");
  return read(info);
}

// By the polar decomposition.
template <class Scalar>
int Solver<Scalar>::gesvdp(bool full, Index m, Index n, Scalar* a, double* s, Scalar* u,
                           Scalar* vt) const {
  const SolverHandle& solver = context_.solver();
  const auto job = u == nullptr ? CUSOLVER_EIG_MODE_NOVECTOR : CUSOLVER_EIG_MODE_VECTOR;
  const int thin = full ? 0 : 1;
  const auto info = context_.buffer<int>(1);
  DeviceBuffer<Scalar> v;
  if (u != nullptr) {
    v = context_.buffer<Scalar>(n * n);
  }
  Workspace work(context_, "cusolverDnXgesvdp_bufferSize", [&](auto* device, auto* host) {
    return cusolverDnXgesvdp_bufferSize(solver.get(), solver.parameters(), job, thin, m, n,
                                        kType<Scalar>, a, m, kReal, s, kType<Scalar>, u, m,
                                        kType<Scalar>, v.get(), n, kType<Scalar>, device, host);
  });
  double perturbation = 0.0;
  check(cusolverDnXgesvdp(solver.get(), solver.parameters(), job, thin, m, n, kType<Scalar>, a, m,
                          kReal, s, kType<Scalar>, u, m, kType<Scalar>, v.get(), n, kType<Scalar>,
                          work.device(), work.device_size(), work.host(), work.host_size(),
                          info.get(), &perturbation),
        "cusolverDnXgesvdp");
  const int found = read(info);
  if (found == 0 && u != nullptr) {
    transpose(context_, v.get(), n, n, vt);
  }
  return found;
}

template <class Scalar>
std::vector<double> Solver<Scalar>::svd(bool full, Index m, Index n, Scalar* a, Scalar* u,
                                        Scalar* vt) const {
  const double factor = bring_into_range(a, m * n, "singular values");
  const auto saved = context_.buffer<Scalar>(m * n);
  context_.copy_within(a, m * n, saved.get());
  const auto s = context_.buffer<double>(n);
  int info = gesvd(full, m, n, a, s.get(), u, vt);
  if (info < 0) {
    fail("Xgesvd", info);
  }
  if (info > 0) {
    // QR iteration did not converge.
    context_.copy_within(saved.get(), m * n, a);
    info = gesvdp(full, m, n, a, s.get(), u, vt);
    if (info != 0) {
      fail("Xgesvdp", info);
    }
  }
  std::vector<double> values = context_.download(s.get(), n);
  for (double& value : values) {
    value /= factor;
  }
  return values;
}

template <class Scalar>
void Solver<Scalar>::qr(Index m, Index n, Scalar* a) const {
  const SolverHandle& solver = context_.solver();
  const auto tau = context_.buffer<Scalar>(n);
  const auto info = context_.buffer<int>(1);
  Workspace work(context_, "cusolverDnXgeqrf_bufferSize", [&](auto* device, auto* host) {
    return cusolverDnXgeqrf_bufferSize(solver.get(), solver.parameters(), m, n, kType<Scalar>, a, m,
                                       kType<Scalar>, tau.get(), kType<Scalar>, device, host);
  });
  check(cusolverDnXgeqrf(solver.get(), solver.parameters(), m, n, kType<Scalar>, a, m,
                         kType<Scalar>, tau.get(), kType<Scalar>, work.device(), work.device_size(),
                         work.host(), work.host_size(), info.get()),
        "cusolverDnXgeqrf");
  const int found = read(info);
  if (found != 0) {
    fail("Xgeqrf", found);
  }
}

template class Solver<double>;
template class Solver<Complex>;

double norm(const Context& context, const double* a, Index count) {
  double out = 0.0;
  if (count > 0) {
    check(cublasDnrm2_64(context.blas(), count, a, 1, &out), "cublasDnrm2");
    context.synchronize();
  }
  return out;
}

double norm(const Context& context, const Complex* a, Index count) {
  double out = 0.0;
  if (count > 0) {
    check(cublasDznrm2_64(context.blas(), count, reinterpret_cast<const cuDoubleComplex*>(a), 1,
                          &out),
          "cublasDznrm2");
    context.synchronize();
  }
  return out;
}

void transpose(const Context& context, const double* a, Index rows, Index cols, double* out) {
  if (rows == 0 || cols == 0) {
    return;
  }
  const double one = 1.0;
  const double zero = 0.0;
  check(cublasDgeam_64(context.blas(), CUBLAS_OP_T, CUBLAS_OP_N, cols, rows, &one, a, rows, &zero,
                       out, cols, out, cols),
        "cublasDgeam");
}

void transpose(const Context& context, const Complex* a, Index rows, Index cols, Complex* out) {
  if (rows == 0 || cols == 0) {
    return;
  }
  const cuDoubleComplex one{1.0, 0.0};
  const cuDoubleComplex zero{0.0, 0.0};
  auto* to = reinterpret_cast<cuDoubleComplex*>(out);
  check(
      cublasZgeam_64(context.blas(), CUBLAS_OP_C, CUBLAS_OP_N, cols, rows, &one,
                     reinterpret_cast<const cuDoubleComplex*>(a), rows, &zero, to, cols, to, cols),
      "cublasZgeam");
}

}  // namespace fastcca::cuda
