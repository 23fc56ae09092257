#include "cpu/simd_unit.hpp"

namespace fastcca::simd {

constinit const Level kAvx512 = unit<8, 3>("avx512");

}  // namespace fastcca::simd
