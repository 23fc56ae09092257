#include "cuda/batched_solver.hpp"

#include "cuda/numbers.hpp"
#include "cuda/solver_workspace.hpp"

namespace fastcca::cuda {

template <class Scalar>
std::vector<bool> BatchedSolver<Scalar>::cholesky(Index n, std::span<Scalar* const> a) const {
  const auto count = static_cast<Index>(a.size());
  const auto pointers = context_.upload(a);
  const auto info = context_.buffer<int>(count);
  const auto factorize = [&](auto call) {
    return call(context_.solver().get(), CUBLAS_FILL_MODE_LOWER, static_cast<int>(n),
                numbers(pointers.get()), static_cast<int>(n), info.get(), static_cast<int>(count));
  };
  if constexpr (kIsReal<Scalar>) {
    check(factorize(cusolverDnDpotrfBatched), "cusolverDnDpotrfBatched");
  } else {
    check(factorize(cusolverDnZpotrfBatched), "cusolverDnZpotrfBatched");
  }
  std::vector<bool> out;
  for (const int found : context_.download(info.get(), count)) {
    if (found < 0) {
      fail("potrfBatched", found);
    }
    out.push_back(found == 0);
  }
  return out;
}

template <class Scalar>
void BatchedSolver<Scalar>::solve_triangular(std::span<const Scalar* const> lower,
                                             cublasOperation_t op, cublasSideMode_t side,
                                             Index rows, Index cols,
                                             std::span<Scalar* const> b) const {
  const auto lowers = context_.upload(lower);
  const auto right_sides = context_.upload(b);
  const Index order = side == CUBLAS_SIDE_LEFT ? rows : cols;
  const NumberOf<Scalar> one = number<Scalar>(1.0);
  const auto solve = [&](auto call) {
    return call(context_.blas(), side, CUBLAS_FILL_MODE_LOWER, op, CUBLAS_DIAG_NON_UNIT, rows, cols,
                &one, numbers(lowers.get()), order, numbers(right_sides.get()), rows,
                static_cast<Index>(b.size()));
  };
  if constexpr (kIsReal<Scalar>) {
    check(solve(cublasDtrsmBatched_64), "cublasDtrsmBatched");
  } else {
    check(solve(cublasZtrsmBatched_64), "cublasZtrsmBatched");
  }
}

template <class Scalar>
std::vector<std::vector<double>> BatchedSolver<Scalar>::eigh(bool vectors, Index n, Index count,
                                                             Scalar* stack) const {
  const auto w = context_.buffer<double>(n * count);
  const std::vector<int> found = eigh_batched(context_, vectors, n, count, stack, w.get());
  const std::vector<double> values = context_.download(w.get(), n * count);
  std::vector<std::vector<double>> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (found[i] < 0) {
      fail("XsyevBatched", found[i]);
    }
    if (found[i] == 0) {
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i) * n;
      out[i].assign(begin, begin + n);
    }
  }
  return out;
}

template class BatchedSolver<double>;
template class BatchedSolver<Complex>;

}  // namespace fastcca::cuda
