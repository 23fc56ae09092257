// The two ends of a spectrum, without the eigenvalues in between.
#pragma once

#include <span>
#include <vector>

#include "core/backend.hpp"

namespace fastcca {

struct ExtremeEigenvalues {
  double smallest = 0.0;
  double largest = 0.0;
};

// A positive definite matrix and its lower Cholesky factor.
template <class Scalar>
struct Factorized {
  const MatrixOf<Scalar>* matrix;
  const MatrixOf<Scalar>* lower;
};

// Of every one. Exact for small matrices. Of large ones the largest is too small by up to about a
// hundredth, rarely by a few, and the smallest too large by as much: Ritz values of the matrix and
// of its inverse in Krylov spaces of up to 32 vectors (Lanczos 1950), which cost O(p^2) in place of
// O(p^3).
template <class Scalar>
std::vector<ExtremeEigenvalues> extreme_eigenvalues_each(
    const LinearAlgebra<Scalar>& algebra, std::span<const Factorized<Scalar>> matrices);

}  // namespace fastcca
