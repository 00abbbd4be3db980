/* Products of matrices in log space, as their callers see them. */
#ifndef LSE_PRODUCTS_H
#define LSE_PRODUCTS_H

#include "engine/engine.h"

/* An operand as factors: of its lines, rows of a left operand or columns of a right one, each of `steps` elements. Those
 * of a row are one run, `pitch` from the next; those of columns are in panels, one after another. */
typedef struct {
    ptrdiff_t lines, steps, pitch;
    double *factors, *anchor, *spread; /* spread: the greatest element less the least finite one; infinite where the
                                        * factors mean nothing */
    void *block;                       /* to free */
} lse_factors;

/* All of a product. The arrays have the same number of axes, the last two those of matrices, the others of a length,
 * along which operands may have stride 0. Nothing is empty. */
typedef struct {
    const lse_kernels *table;
    lse_type type; /* that results are rounded to, or wider */
    lse_run run;
    int threads;           /* at most; 0: as many as pay */
    lse_question question; /* what to ask of the caller meanwhile, see threads.h */
    lse_array a, b, out;
    const lse_factors *of_a, *of_b; /* NULL, or the factors of an operand that is the same for all matrices */
} lse_product;

/* Factors of a matrix of two axes, and back; 0, or as lse_multiply. */
int lse_make_factors(lse_factors *factors, const lse_product *of, int right);
void lse_free_factors(lse_factors *factors);

/* In the default floating-point state, which is left as it was found. 0, or LSE_NO_MEMORY, LSE_INTERRUPTED or
 * LSE_NO_KERNEL; then what has been written means nothing. */
int lse_multiply(const lse_product *product);

#endif
