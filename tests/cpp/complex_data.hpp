// Complex matrices for plain loops.
#pragma once

#include <vector>

#include "data.hpp"

namespace fastcca::testing {

inline const LinearAlgebra<Complex>& complex_algebra() { return backend().complex(); }

struct ComplexDense {
  Index rows = 0;
  Index cols = 0;
  std::vector<Complex> values;

  ComplexDense() = default;
  ComplexDense(Index r, Index c) : rows(r), cols(c), values(static_cast<std::size_t>(r * c)) {}
  Complex& operator()(Index i, Index j) { return values[static_cast<std::size_t>(i + j * rows)]; }
  Complex operator()(Index i, Index j) const {
    return values[static_cast<std::size_t>(i + j * rows)];
  }
};

ComplexMatrix to_backend(const ComplexDense& a);
ComplexDense to_host(const ComplexMatrix& a);

ComplexDense complex_of(const Dense& real, const Dense& imaginary);
Dense real_part(const ComplexDense& a);
Dense imaginary_part(const ComplexDense& a);

ComplexDense complex_identity(Index n);
ComplexDense complex_diagonal(const std::vector<double>& values);
ComplexDense adjoint(const ComplexDense& a);
ComplexDense scaled(ComplexDense a, Complex factor);
ComplexDense product(const ComplexDense& a, const ComplexDense& b);  // summed in long double
ComplexDense difference(const ComplexDense& a, const ComplexDense& b);
double norm(const ComplexDense& a);  // largest absolute entry; NaN where there is one

// Real and imaginary parts are standard normal.
ComplexDense complex_random(Index rows, Index cols, unsigned seed);
// Columns are orthonormal, rows >= cols.
ComplexDense complex_orthonormal(Index rows, Index cols, unsigned seed);
// Q diag(spectrum) Q^H, Hermitian to the last bit.
ComplexDense hermitian_with(const std::vector<double>& spectrum, unsigned seed);

double residual_ratio(const ComplexDense& error, double size, Index n);
double orthogonality_ratio(const ComplexDense& v);

}  // namespace fastcca::testing
