#include "complex_data.hpp"

#include <algorithm>
#include <cmath>

namespace fastcca::testing {

namespace {

using LongComplex = std::complex<long double>;

LongComplex widened(Complex z) { return {z.real(), z.imag()}; }
Complex narrowed(LongComplex z) {
  return {static_cast<double>(z.real()), static_cast<double>(z.imag())};
}

}  // namespace

ComplexMatrix to_backend(const ComplexDense& a) {
  return complex_algebra().from_host(a.values.data(), a.rows, a.cols);
}

ComplexDense to_host(const ComplexMatrix& a) {
  ComplexDense out(a.rows(), a.cols());
  complex_algebra().to_host(a, out.values.data());
  return out;
}

ComplexDense complex_of(const Dense& real, const Dense& imaginary) {
  ComplexDense out(real.rows, real.cols);
  for (std::size_t k = 0; k < out.values.size(); ++k) {
    out.values[k] = {real.values[k], imaginary.values[k]};
  }
  return out;
}

Dense real_part(const ComplexDense& a) {
  Dense out(a.rows, a.cols);
  std::transform(a.values.begin(), a.values.end(), out.values.begin(),
                 [](Complex z) { return z.real(); });
  return out;
}

Dense imaginary_part(const ComplexDense& a) {
  Dense out(a.rows, a.cols);
  std::transform(a.values.begin(), a.values.end(), out.values.begin(),
                 [](Complex z) { return z.imag(); });
  return out;
}

ComplexDense complex_identity(Index n) { return complex_diagonal(std::vector<double>(at(n), 1.0)); }

ComplexDense complex_diagonal(const std::vector<double>& values) {
  const Dense real = diagonal_matrix(values);
  return complex_of(real, Dense(real.rows, real.cols));
}

ComplexDense adjoint(const ComplexDense& a) {
  ComplexDense out(a.cols, a.rows);
  for (Index j = 0; j < a.cols; ++j) {
    for (Index i = 0; i < a.rows; ++i) {
      out(j, i) = std::conj(a(i, j));
    }
  }
  return out;
}

ComplexDense scaled(ComplexDense a, Complex factor) {
  for (Complex& z : a.values) {
    z *= factor;
  }
  return a;
}

ComplexDense product(const ComplexDense& a, const ComplexDense& b) {
  ComplexDense out(a.rows, b.cols);
  for (Index j = 0; j < b.cols; ++j) {
    for (Index i = 0; i < a.rows; ++i) {
      LongComplex sum = 0.0L;
      for (Index k = 0; k < a.cols; ++k) {
        sum += widened(a(i, k)) * widened(b(k, j));
      }
      out(i, j) = narrowed(sum);
    }
  }
  return out;
}

ComplexDense difference(const ComplexDense& a, const ComplexDense& b) {
  ComplexDense out(a.rows, a.cols);
  for (std::size_t k = 0; k < out.values.size(); ++k) {
    out.values[k] = a.values[k] - b.values[k];
  }
  return out;
}

double norm(const ComplexDense& a) {
  double largest = 0.0;
  for (const Complex z : a.values) {
    const double size = std::abs(z);
    if (std::isnan(size)) {
      return size;
    }
    largest = std::max(largest, size);
  }
  return largest;
}

ComplexDense complex_random(Index rows, Index cols, unsigned seed) {
  const Dense both = random_matrix(rows, 2 * cols, seed);
  ComplexDense out(rows, cols);
  for (Index j = 0; j < cols; ++j) {
    for (Index i = 0; i < rows; ++i) {
      out(i, j) = {both(i, j), both(i, cols + j)};
    }
  }
  return out;
}

ComplexDense complex_orthonormal(Index rows, Index cols, unsigned seed) {
  ComplexDense out = complex_random(rows, cols, seed);
  for (Index j = 0; j < cols; ++j) {
    for (int pass = 0; pass < 2; ++pass) {  // Gram-Schmidt, and once more for its rounding
      for (Index k = 0; k <= j; ++k) {
        LongComplex dot = 0.0L;
        for (Index i = 0; i < rows; ++i) {
          dot += std::conj(widened(out(i, k))) * widened(out(i, j));
        }
        for (Index i = 0; i < rows; ++i) {
          const LongComplex z = widened(out(i, j));
          out(i, j) = narrowed(k < j ? z - dot * widened(out(i, k)) : z / std::sqrt(dot.real()));
        }
      }
    }
  }
  return out;
}

ComplexDense hermitian_with(const std::vector<double>& spectrum, unsigned seed) {
  const auto n = static_cast<Index>(spectrum.size());
  const ComplexDense q = complex_orthonormal(n, n, seed);
  ComplexDense out = product(product(q, complex_diagonal(spectrum)), adjoint(q));
  for (Index j = 0; j < n; ++j) {
    out(j, j) = out(j, j).real();
    for (Index i = 0; i < j; ++i) {
      out(i, j) = std::conj(out(j, i));
    }
  }
  return out;
}

double residual_ratio(const ComplexDense& error, double size, Index n) {
  const double found = norm(error);
  return found == 0.0 ? 0.0 : found / (size * static_cast<double>(std::max<Index>(n, 1)) * kEps);
}

double orthogonality_ratio(const ComplexDense& v) {
  return residual_ratio(difference(product(adjoint(v), v), complex_identity(v.cols)), 1.0, v.rows);
}

}  // namespace fastcca::testing
