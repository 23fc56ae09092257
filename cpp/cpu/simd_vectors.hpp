// Vectors of one SIMD unit, and how they are read. What is in these headers is compiled by each
// unit for its own instructions, and has internal linkage in each: they include neither Eigen nor
// templates of the standard library.
//
// Vectors are those of GCC and Clang (vector_size); a product and a sum contract to a fused
// multiply-add where the instruction set has it.
#pragma once

#include <cstdint>

#include "core/number_formats.hpp"
#include "cpu/simd.hpp"

namespace fastcca::simd {
namespace {

template <class T, std::int64_t kLanes>
struct VectorOf {
  typedef T Type __attribute__((vector_size(sizeof(T) * kLanes)));
};
template <class T, std::int64_t kLanes>
using Vector = typename VectorOf<T, kLanes>::Type;

template <class V, class Real>
inline V load(const Real* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

template <class Real, class V>
inline void store(Real* p, V v) {
  __builtin_memcpy(p, &v, sizeof(v));
}

// kLanes values from p on, next to each other.
template <std::int64_t kLanes, class T>
inline Vector<double, kLanes> read_contiguous(const unsigned char* p, T) {
  const auto values = load<Vector<T, kLanes>>(p);
  return __builtin_convertvector(values, Vector<double, kLanes>);
}

template <std::int64_t kLanes>
inline Vector<double, kLanes> read_contiguous(const unsigned char* p, Half) {
  using Bits = Vector<std::uint32_t, kLanes>;
  using Floats = Vector<float, kLanes>;
  const auto halves = load<Vector<std::uint16_t, kLanes>>(p);
  const Bits bits = __builtin_convertvector(halves, Bits);
  const Bits magnitude = (bits & 0x7fffU) << 13;
  const Bits special = reinterpret_cast<Bits>(magnitude >= 0x0f800000U) & 0x7f800000U;
  const Floats scaled = reinterpret_cast<Floats>(magnitude) * 0x1p112F;
  const Bits widened = reinterpret_cast<Bits>(scaled) | special | ((bits & 0x8000U) << 16);
  return __builtin_convertvector(reinterpret_cast<Floats>(widened), Vector<double, kLanes>);
}

template <std::int64_t kLanes>
inline Vector<double, kLanes> read_contiguous(const unsigned char* p, BFloat) {
  using Bits = Vector<std::uint32_t, kLanes>;
  using Floats = Vector<float, kLanes>;
  const auto halves = load<Vector<std::uint16_t, kLanes>>(p);
  const Bits bits = __builtin_convertvector(halves, Bits) << 16;
  return __builtin_convertvector(reinterpret_cast<Floats>(bits), Vector<double, kLanes>);
}

// kLanes values from p on, `stride` bytes apart.
template <std::int64_t kLanes, class T>
inline Vector<double, kLanes> read_vector(const unsigned char* p, std::int64_t stride) {
  if (stride == static_cast<std::int64_t>(sizeof(T))) {
    return read_contiguous<kLanes>(p, T{});
  }
  Vector<double, kLanes> out{};
  for (std::int64_t i = 0; i < kLanes; ++i) {
    out[i] = read<T, false>(p + i * stride);
  }
  return out;
}

}  // namespace
}  // namespace fastcca::simd
