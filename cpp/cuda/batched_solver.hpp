// Decompositions of several matrices of one size by one call each, checked. Pointers are to device
// memory, matrices column-major without gaps, Scalar is double or Complex. What returns something
// waits for it.
#pragma once

#include <span>
#include <vector>

#include "cuda/context.hpp"

namespace fastcca::cuda {

template <class Scalar>
class BatchedSolver {
 public:
  explicit BatchedSolver(const Context& context) : context_(context) {}

  // Lower factors in place, whatever is above their diagonals. Whether each matrix was positive
  // definite.
  std::vector<bool> cholesky(Index n, std::span<Scalar* const> a) const;
  // b <- op(lower)^-1 b, or b op(lower)^-1, for b (rows, cols)
  void solve_triangular(std::span<const Scalar* const> lower, cublasOperation_t op,
                        cublasSideMode_t side, Index rows, Index cols,
                        std::span<Scalar* const> b) const;
  // Ascending eigenvalues of the matrices (n, n) that follow each other in `stack`, one vector of n
  // after the other; what did not converge has none. With vectors, the stack becomes them, and
  // otherwise it is lost.
  std::vector<std::vector<double>> eigh(bool vectors, Index n, Index count, Scalar* stack) const;

 private:
  const Context& context_;
};

}  // namespace fastcca::cuda
