#include "exp_parts_of.h"

#define lse_kernels_scalar whole_table
#include "kernels/scalar.c"
#undef lse_kernels_scalar

EXP_PARTS_OF_BOTH
EXP_TABLE(scalar)
