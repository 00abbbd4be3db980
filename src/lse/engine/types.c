#include "engine/types.h"

static void put_f32(void *values, ptrdiff_t i, double value) { ((float *)values)[i] = (float)value; }
static void put_f64(void *values, ptrdiff_t i, double value) { ((double *)values)[i] = value; }

/* What is left of a sum
 * below 2^-10 or 2^-20 of its greatest term has lost more digits than the kernels carry beyond those of the result. */
const lse_type_facts lse_types[LSE_TYPES] = {
    [LSE_F32] = {.size = 4, .most = LSE_FAR_f32, .least_weighted = 0x1p490, .parallel_from = 1 << 17, .put = put_f32},
    [LSE_F64] = {.size = 8, .most = LSE_FAR_f64, .least_weighted = 0x1p480, .parallel_from = 1 << 16, .put = put_f64},
};
