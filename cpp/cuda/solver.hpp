// cuSOLVER's decompositions as checked calls that wait for their answer: workspaces, info, scaling,
// and a second way where the first one fails. Pointers are to device memory, matrices column-major
// without gaps, Scalar is double or Complex.
#pragma once

#include "cuda/context.hpp"

namespace fastcca::cuda {

template <class Scalar>
class Solver {
 public:
  explicit Solver(const Context& context) : context_(context) {}

  // False where a is not positive definite. Only the lower triangle is read and written.
  bool cholesky(Index n, Scalar* a) const;
  // Ascending eigenvalues, for the host; with vectors, a becomes them, and otherwise it is lost.
  std::vector<double> eigh(bool vectors, Index n, Scalar* a) const;
  // Descending singular values, for the host, of a (m, n) with m >= n >= 1, which is lost. Without
  // u no vectors; u (m, full ? m : n) and vt (n, n) otherwise.
  std::vector<double> svd(bool full, Index m, Index n, Scalar* a, Scalar* u, Scalar* vt) const;
  // The upper triangle of a (m, n), m >= n, becomes that of its QR decomposition.
  void qr(Index m, Index n, Scalar* a) const;

 private:
  // Where squares of the entries could leave the range of float64, multiplies a by a power of two
  // and returns it: what cuSOLVER does of itself there is not documented.
  double bring_into_range(Scalar* a, Index count, const char* what) const;
  int read(const DeviceBuffer<int>& info) const;
  int syevd(bool vectors, Index n, Scalar* a, double* w) const;
  int syev_batched(bool vectors, Index n, Scalar* a, double* w) const;
  int gesvd(bool full, Index m, Index n, Scalar* a, double* s, Scalar* u, Scalar* vt) const;
  int gesvdp(bool full, Index m, Index n, Scalar* a, double* s, Scalar* u, Scalar* vt) const;

  const Context& context_;
};

// The Euclidean norm of all entries, without overflow.
double norm(const Context& context, const double* a, Index count);
double norm(const Context& context, const Complex* a, Index count);

// out (cols, rows) = the conjugate transpose of a (rows, cols)
void transpose(const Context& context, const double* a, Index rows, Index cols, double* out);
void transpose(const Context& context, const Complex* a, Index rows, Index cols, Complex* out);

}  // namespace fastcca::cuda
