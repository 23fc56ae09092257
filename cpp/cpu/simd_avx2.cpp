#define FASTCCA_SIMD_LEVEL kAvx2
#define FASTCCA_SIMD_NAME "avx2"
#define FASTCCA_SIMD_LANES 4
#include "cpu/simd_unit.inc"
