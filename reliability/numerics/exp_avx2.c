#include "exp_parts_of.h"

#define lse_kernels_avx2 whole_table
#include "kernels/avx2.c"
#undef lse_kernels_avx2

#if LSE_X86_64
LSE_REGION_BEGIN("avx2,fma")
EXP_PARTS_OF_BOTH
LSE_REGION_END
EXP_TABLE(avx2)
#else
NO_EXP_TABLE(avx2)
#endif
