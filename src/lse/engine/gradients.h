/* Derivatives of rows of log-sum-exps, softmaxes and log-softmaxes by their elements. */
#ifndef LSE_GRADIENTS_H
#define LSE_GRADIENTS_H

#include "kernels/kernels.h"

/* Strides are in bytes. */
typedef struct {
    lse_operation operation; /* LSE_LOGSUMEXP, LSE_SOFTMAX or LSE_LOG_SOFTMAX */
    lse_type type;           /* LSE_F32 or LSE_F64, of all arrays */
    const lse_kernels *table;
    int threads;       /* as in lse_request */
    ptrdiff_t rows, n; /* at least 1 */
    const char *x;     /* the elements, or the results of a map */
    const char *grad;  /* of a map for each result, otherwise one for each row, grad_stride[0] apart */
    const char *value; /* the log-sum-exps, value_stride apart */
    char *out;         /* may be x, or grad of a map, with their strides */
    ptrdiff_t x_stride[2], grad_stride[2], out_stride[2], value_stride; /* to the next row, and element */
} lse_gradient;

void lse_differentiate(const lse_gradient *gradient);

#endif
