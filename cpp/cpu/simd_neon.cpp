// Every aarch64 has these instructions, and twice the registers of a baseline x86-64: a tile of
// 8 x 2 vectors takes 16 of the 32, and what it is made from 10.
#define FASTCCA_SIMD_LEVEL kNeon
#define FASTCCA_SIMD_NAME "neon"
#define FASTCCA_SIMD_LANES 2
#define FASTCCA_SIMD_ROW_VECTORS 8
#include "cpu/simd_unit.inc"
