#define FASTCCA_SIMD_LEVEL kAvx512
#define FASTCCA_SIMD_NAME "avx512"
#define FASTCCA_SIMD_LANES 8
#include "cpu/simd_unit.inc"
