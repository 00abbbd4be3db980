/* The exponentials of exp.h, as each instruction set has them. */
#ifndef EXP_PARTS_H
#define EXP_PARTS_H

#include <stdio.h>

#include "kernels/kernels.h"

/* e^x[i] 2^-anchor[i] = scale[i] (1 + u[i]), and product[i], which is that rounded; n is a multiple of 16. */
typedef void (*parts_f32)(const float *x, const double *anchor, ptrdiff_t n, float *scale, float *u, float *product);
typedef void (*parts_f64)(const double *x, const double *anchor, ptrdiff_t n, double *scale, double *u,
                          double *product);

/* e^x[i] 2^-n[i] as sums of floats have it: those of few elements by exp_wide, those of many by eighths_exp; count is a
 * multiple of 16, n[i] the integer nearest to x[i] log2(e). */
typedef void (*terms_of_sums)(const float *x, const double *n, ptrdiff_t count, double *wide, double *eighths);

/* What stands for a table of a kernel: nothing but its name, and these. */
typedef struct {
    lse_kernels table;
    parts_f32 f32;
    parts_f64 f64;
    terms_of_sums terms;
} exp_parts;

/* Those that this processor can run, the best first; asking the processor is slow, so it is done once. */
static const exp_parts *kernels[8];
static int kernels_count;

static inline void find_kernels(void)
{
    for (const lse_kernels *table; (table = lse_available(kernels_count)); kernels_count++) {
        kernels[kernels_count] = (const exp_parts *)table;
        printf("kernel %s\n", table->name);
    }
}

#endif
