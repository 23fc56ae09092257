// Singular values alone, faster than by a bidiagonal form, which memory holds up.
#pragma once

#include <optional>
#include <vector>

#include "cpu/lapack.hpp"

namespace fastcca {

// LAPACK's own way is as fast for matrices with fewer rows or columns.
constexpr Index kGramSingularValuesFrom = 384;

// Singular values of a (rows, cols), descending, from the eigenvalues of its Gram matrix; those
// below a twentieth of the largest, which lose digits there, by a Rayleigh-Ritz step: as singular
// values of `a` times the eigenvectors of theirs. Every value is within a few dozen eps of the
// largest one.
//
// With V the computed eigenvectors of the small end, and A'A V = V D + R: R is a few eps of the
// largest eigenvalue. In bases of A V and of its complement A is block triangular with R / sigma
// beside a small value sigma and at least tau = 1/20 of the largest below it, which moves sigma by
// no more than sigma (R / sigma) / tau = R / tau. A value above tau is the root of an eigenvalue
// that is wrong by R, and so by R / (2 tau). Where V is orthonormal to no more than a few thousand
// eps, between eigenvalues that lie far apart, values move by the square of that.
//
// Nothing where that pays for too many small ones, or where LAPACK finds no answer.
std::optional<std::vector<double>> gram_singular_values(const Lapack<double>& lapack,
                                                        const double* a, Index rows, Index cols);

}  // namespace fastcca
