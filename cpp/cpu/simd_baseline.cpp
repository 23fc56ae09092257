// The instruction set that every machine of the architecture has.
#define FASTCCA_SIMD_LEVEL kBaseline
#define FASTCCA_SIMD_NAME "baseline"
#define FASTCCA_SIMD_LANES 2
#include "cpu/simd_unit.inc"
