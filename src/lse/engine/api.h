/* What the functions of lse.h share: of their files, api.c, api_segments.c, numbers.c and states.c. */
#ifndef LSE_API_H
#define LSE_API_H

#include "engine/sums.h"

/* The sum of a row of elements of `size` bytes, with weights of that size or NULL, strides in elements; an error of
 * lse.h. */
int lse_sum_row(int size, const void *x, ptrdiff_t x_stride, const void *b, ptrdiff_t b_stride, ptrdiff_t n,
                lse_sum *sum);

static inline lse_type lse_type_of(int size) { return size == 4 ? LSE_F32 : LSE_F64; }

/* Whether a row of n elements can be in memory at data, *stride elements apart; *stride becomes the distance in bytes,
 * 0 for a single element. */
int lse_is_row(const void *data, int size, ptrdiff_t n, ptrdiff_t *stride);

#endif
