// What cuBLAS and cuSOLVER call the numbers that matrices hold.
#pragma once

#include <cublas_v2.h>

#include <type_traits>

#include "core/types.hpp"

namespace fastcca::cuda {

template <class Scalar>
inline constexpr bool kIsReal = std::is_same_v<std::remove_const_t<Scalar>, double>;

// Their complex type has the layout of ours.
template <class Scalar>
using NumberOf = std::conditional_t<
    kIsReal<Scalar>, Scalar,
    std::conditional_t<std::is_const_v<Scalar>, const cuDoubleComplex, cuDoubleComplex>>;

template <class Scalar>
NumberOf<Scalar>* numbers(Scalar* p) {
  return reinterpret_cast<NumberOf<Scalar>*>(p);
}

template <class Scalar>
NumberOf<Scalar> number(double value) {
  if constexpr (kIsReal<Scalar>) {
    return value;
  } else {
    return {value, 0.0};
  }
}

template <class Scalar>
cublasOperation_t operation(bool transposed) {
  return !transposed ? CUBLAS_OP_N : kIsReal<Scalar> ? CUBLAS_OP_T : CUBLAS_OP_C;
}

}  // namespace fastcca::cuda
