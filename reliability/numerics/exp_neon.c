#include "exp_parts_of.h"

#define lse_kernels_neon whole_table
#include "kernels/neon.c"
#undef lse_kernels_neon

#if LSE_AARCH64
EXP_PARTS_OF_BOTH
EXP_TABLE(neon)
#else
NO_EXP_TABLE(neon)
#endif
