// The instruction set that every machine of the architecture has.
#include "cpu/simd_unit.hpp"

namespace fastcca::simd {

constinit const Level kBaseline = unit<2, 3>("baseline");

}  // namespace fastcca::simd
