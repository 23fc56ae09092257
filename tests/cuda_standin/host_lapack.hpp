// The host's BLAS and LAPACK behind the stand-in, column-major, for float, double and
// complex<double>. Loaded at first use and for the stand-in alone: its symbols must not come before
// those of the LAPACK that the process itself uses.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace standin::host {

using Complex = std::complex<double>;

template <class T>
struct RealOf {
  using type = T;
};
template <>
struct RealOf<Complex> {
  using type = double;
};
template <class T>
using Real = typename RealOf<T>::type;

void* symbol(const std::string& routine);

template <class T>
std::string named(const char* real, const char* complex) {
  if (std::is_same_v<T, Complex>) return std::string("z") + complex;
  return (std::is_same_v<T, float> ? "s" : "d") + std::string(real);
}

// `real` and `complex`: the routine's name without its first letter.
template <class T, class Function>
Function* routine(const char* real, const char* complex) {
  return reinterpret_cast<Function*>(symbol(named<T>(real, complex)));
}

template <class T>
void gemm(char trans_a, char trans_b, int m, int n, int k, T alpha, const T* a, int lda, const T* b,
          int ldb, T beta, T* c, int ldc);
// alpha a a' (op = 'N') or alpha a' a, conjugated where complex (herk)
template <class T>
void syrk(char uplo, char trans, int n, int k, Real<T> alpha, const T* a, int lda, Real<T> beta,
          T* c, int ldc);
template <class T>
void trsm(char side, char uplo, char trans, char diag, int m, int n, T alpha, const T* a, int lda,
          T* b, int ldb);

// These return LAPACK's info.
template <class T>
int potrf(char uplo, int n, T* a, int lda);
template <class T>
int syevd(char jobz, char uplo, int n, T* a, int lda, Real<T>* w);
template <class T>
int gesvd(char jobu, char jobvt, int m, int n, T* a, int lda, Real<T>* s, T* u, int ldu, T* vt,
          int ldvt);
template <class T>
int geqrf(int m, int n, T* a, int lda, T* tau);
template <class T>
int orgqr(int m, int n, int k, T* a, int lda, const T* tau);
template <class T>
int ormqr(char side, char trans, int m, int n, int k, const T* a, int lda, const T* tau, T* c,
          int ldc);

}  // namespace standin::host
