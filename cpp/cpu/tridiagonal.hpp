// A symmetric matrix as Q T Q' with T tridiagonal: its eigenvalues, and the vectors of a few.
#pragma once

#include <optional>
#include <vector>

#include "cpu/lapack.hpp"

namespace fastcca {

class Tridiagonalized {
 public:
  // a (n, n), of which the lower triangle is read, becomes what is kept of Q: it must live on.
  Tridiagonalized(const RealRoutines& routines, Index n, double* a);

  // Ascending; nothing where they do not converge.
  std::optional<std::vector<double>> eigenvalues() const;

  // Eigenvectors (n, count) of the matrix for the first of its eigenvalues; nothing where LAPACK
  // finds none. Orthonormal to a few eps; to a few thousand where eigenvalues are further apart
  // than a thousandth of the norm.
  std::optional<std::vector<double>> eigenvectors(const std::vector<double>& eigenvalues,
                                                  Index count) const;

 private:
  bool by_inverse_iteration(const std::vector<double>& eigenvalues, double* vectors,
                            int count) const;
  bool by_relatively_robust_representations(double* vectors, int count) const;
  void rotate(std::vector<double>& vectors, int count) const;

  RealRoutines routines_;
  int n_;
  const double* reflectors_;
  std::vector<double> d_, e_, scales_;  // T's diagonal and what is beside it; of the reflectors
};

}  // namespace fastcca
