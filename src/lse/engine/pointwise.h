/* The functions of one and two numbers, as loops over elements of any kind. */
#ifndef LSE_POINTWISE_H
#define LSE_POINTWISE_H

#include "kernels/kernels.h"

/* A function of floats of 2, 4 or 8 bytes, or LSE_LONGDOUBLE. float16 is computed in float. */
typedef struct {
    lse_function function;
    int size;
} lse_loop;

int lse_inputs(lse_function function);

/* As an lse_pointwise, but the output may overlap with inputs in any way: the elements are then computed in order. So
 * a reduction is a call whose output is also its first input, both with a step of 0, and a cumulative one a call whose
 * output is one step beyond its first input. For logaddexp both are computed as log-sum-exps of all elements. */
void lse_run_loop(const lse_kernels *table, const lse_loop *loop, char *const *args, const ptrdiff_t *steps,
                  ptrdiff_t n);

#endif
