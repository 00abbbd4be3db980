#include "exp_parts_of.h"

#define lse_kernels_avx512 whole_table
#include "kernels/avx512.c"
#undef lse_kernels_avx512

#if LSE_X86_64
LSE_REGION_BEGIN("avx512f")
EXP_PARTS_OF_BOTH
LSE_REGION_END
EXP_TABLE(avx512)
#else
NO_EXP_TABLE(avx512)
#endif
