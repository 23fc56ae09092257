// The two ends of a spectrum, without the eigenvalues in between.
#pragma once

#include "core/backend.hpp"

namespace fastcca {

struct ExtremeEigenvalues {
  double smallest = 0.0;
  double largest = 0.0;
};

// Finds those of a positive definite matrix that has this lower Cholesky factor. They are exact for
// small matrices. For large ones the largest is too small by up to about a hundredth, rarely by a
// few, and the smallest too large by as much: they are Ritz values of the matrix and of its inverse
// in Krylov spaces of up to 32 vectors (Lanczos 1950), which cost O(p^2) in place of O(p^3).
template <class Scalar>
ExtremeEigenvalues extreme_eigenvalues(const LinearAlgebra<Scalar>& algebra,
                                       const MatrixOf<Scalar>& matrix,
                                       const MatrixOf<Scalar>& lower);

}  // namespace fastcca
