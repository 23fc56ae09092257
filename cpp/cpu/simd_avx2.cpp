#include "cpu/simd_unit.hpp"

namespace fastcca::simd {

constinit const Level kAvx2 = unit<4, 3>("avx2");

}  // namespace fastcca::simd
