// Every aarch64 has these instructions, and twice the registers of a baseline x86-64: a tile of
// 8 x 2 vectors takes 16 of the 32, and what it is made from 10.
#include "cpu/simd_unit.hpp"

namespace fastcca::simd {

constinit const Level kNeon = unit<2, 8>("neon");

}  // namespace fastcca::simd
