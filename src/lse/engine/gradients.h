/* Derivatives of rows of log-sum-exps, softmaxes, log-softmaxes and cumulative sums by their elements. */
#ifndef LSE_GRADIENTS_H
#define LSE_GRADIENTS_H

#include "kernels/kernels.h"

/* The rows are those of `outer` blocks of `inner` rows each. Strides are in bytes: to the next block, row and element. */
typedef struct {
    lse_operation operation; /* LSE_LOGSUMEXP, LSE_SOFTMAX or LSE_LOG_SOFTMAX */
    lse_type type;           /* LSE_F32 or LSE_F64, of all arrays */
    const lse_kernels *table;
    int threads;               /* as in lse_request */
    ptrdiff_t outer, inner, n; /* at least 1; outer is 1 for LSE_LOGSUMEXP */
    const char *x;             /* the elements, or the results of a map */
    const char *grad;          /* of a map for each result, otherwise one for each row, grad_stride[1] apart */
    const char *value;         /* the log-sum-exps, value_stride apart */
    char *out;                 /* may be x, or grad of a map, with their strides */
    ptrdiff_t x_stride[3], grad_stride[3], out_stride[3], value_stride;
} lse_gradient;

void lse_differentiate(const lse_gradient *gradient);

/* Of cumulative sums y in log space: out_i = the sum of given_j e^(x_i - y_j) over j >= i, or, forward, out_j = that of
 * given_i over i <= j. Sums of nothing have no share, and those that are +inf have that of their infinite elements. */
enum { LSE_CUMULATIVE_PART = 64 };
typedef struct {
    const lse_kernels *table;
    int forward;
    ptrdiff_t rows, n; /* at least 1; rows without gaps */
    const double *x, *given;
    double *out, *room; /* of room, an element for each LSE_CUMULATIVE_PART of a row, or fewer */
} lse_cumulative_gradient;

void lse_differentiate_cumulative(const lse_cumulative_gradient *gradient);

#endif
