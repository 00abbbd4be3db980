#include "engine/types.h"

#include <math.h>
#include <string.h>

static void put_f32(void *values, ptrdiff_t i, double value) { ((float *)values)[i] = (float)value; }
static double get_f32(const void *value)
{
    float number;
    memcpy(&number, value, sizeof number);
    return (double)number;
}
static double get_f64(const void *value)
{
    double number;
    memcpy(&number, value, sizeof number);
    return number;
}
static void put_f64(void *values, ptrdiff_t i, double value) { ((double *)values)[i] = value; }

/* A sum below 2^-10 or 2^-20 of its largest term has lost more digits than the kernels carry beyond those of the
 * result; what floats leave below 2^-40 most often cancels in double precision too. A complex sum below 2^-80 of it may
 * lack terms that underflowed. */
#define COMPLEX .least_weighted = 0x1p420, .parallel_from = 1 << 14
const lse_type_facts lse_types[LSE_ALL_TYPES] = {
    [LSE_F32] = {.kind = 'f',
                 .size = 4,
                 .loaded = 4,
                 .is_single = 1,
                 .most = LSE_FAR_f32,
                 .least_weighted = 0x1p490,
                 .least_in_double = 0x1p460,
                 .parallel_from = 1 << 17,
                 .put = put_f32,
                 .get = get_f32},
    [LSE_F64] = {.kind = 'f',
                 .size = 8,
                 .loaded = 8,
                 .most = LSE_FAR_f64,
                 .least_weighted = 0x1p480,
                 .least_in_double = INFINITY,
                 .parallel_from = 1 << 16,
                 .put = put_f64,
                 .get = get_f64},
    [LSE_C64] = {.kind = 'c',
                 .size = 8,
                 .loaded = 16,
                 .most = LSE_FAR_f32,
                 .most_weighted = 1.4 * LSE_FAR_f32 - 300.0,
                 COMPLEX},
    [LSE_C128] = {.kind = 'c',
                  .size = 16,
                  .loaded = 16,
                  .most = LSE_FAR_f64,
                  .most_weighted = 1.4 * LSE_FAR_f64 - 1100.0,
                  COMPLEX},
    [LSE_LD] = {.kind = 'f', .size = sizeof(long double), .loaded = LSE_LONGDOUBLE, .parallel_from = 1 << 13},
    [LSE_CLD] = {.kind = 'c', .size = 2 * sizeof(long double), .loaded = LSE_LONGDOUBLE, .parallel_from = 1 << 12},
};
