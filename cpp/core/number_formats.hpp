// How one number of each format is read. Every unit that includes this has its own copy, compiled
// for its own instructions or its own device: names of an unnamed namespace are never shared.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define FASTCCA_NUMBER_FUNCTION __host__ __device__ inline
#else
#define FASTCCA_NUMBER_FUNCTION inline
#endif

namespace fastcca {
namespace {

struct Half {
  std::uint16_t bits;
};

// Shifts the exponent into place by a multiplication, which makes subnormals right as well.
FASTCCA_NUMBER_FUNCTION double widen(Half h) {
  const std::uint32_t magnitude = (h.bits & 0x7fffU) << 13;
  const std::uint32_t sign = (h.bits & 0x8000U) << 16;
  const std::uint32_t special = magnitude >= 0x0f800000U ? 0x7f800000U : 0U;
  float value;
  __builtin_memcpy(&value, &magnitude, sizeof(value));
  value *= 0x1p112F;
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  bits |= special | sign;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

struct BFloat {
  std::uint16_t bits;
};

// The upper half of a float.
FASTCCA_NUMBER_FUNCTION double widen(BFloat b) {
  const std::uint32_t bits = static_cast<std::uint32_t>(b.bits) << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

template <class T>
FASTCCA_NUMBER_FUNCTION double widen(T value) {
  return static_cast<double>(value);
}

template <class T, bool kSwapped>
FASTCCA_NUMBER_FUNCTION double read(const unsigned char* p) {
  T value;
  if constexpr (kSwapped) {
    unsigned char bytes[sizeof(T)];
    for (unsigned i = 0; i < sizeof(T); ++i) {
      bytes[i] = p[sizeof(T) - 1 - i];
    }
    __builtin_memcpy(&value, bytes, sizeof(T));
  } else {
    __builtin_memcpy(&value, p, sizeof(T));
  }
  return widen(value);
}

}  // namespace
}  // namespace fastcca
