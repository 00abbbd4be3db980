/* The engine as its callers see it: a request says all of a call, and lse_execute carries it out. The core of Python
 * and the functions of lse.h know no more than this, sums.h and threads.h. */
#ifndef LSE_ENGINE_H
#define LSE_ENGINE_H

#include "engine/sums.h"
#include "engine/threads.h"
#include "kernels/kernels.h"

/* An array of the kinds and sizes of lse_load_for, with strides in bytes. data is NULL where there is no array. */
typedef struct {
    char *data;
    int ndim;
    char kind;
    int itemsize, swapped;
    const ptrdiff_t *shape, *stride;
} lse_array;

/* All of a call. What is not needed is 0 or NULL; nothing is empty. */
typedef struct {
    lse_operation operation;
    lse_type type; /* what is computed in */
    const lse_kernels *table;
    lse_run run;
    int threads;                 /* at most; 0: as many as pay */
    lse_question question;       /* what to ask of the caller meanwhile, see threads.h */
    unsigned long long reduced;  /* a bit for each axis of a */
    lse_array a, where, weights; /* the mask and the weights have the shape of a */
    lse_array out;
    char *sign, *low; /* of LSE_LOGSUMEXP, with the dtype and the strides of out: signs, and what rounding lost */
    int mean;         /* likewise, without weights and mask: less the logarithm of the count, before it is rounded */
    /* LSE_SUMS: where the sums go, and what they are added to. Maps: the sums of their rows. Both have sum_stride, in
     * elements, for each axis kept. */
    lse_sums into, given;
    const ptrdiff_t *sum_stride;
    /* LSE_SEGMENTS: segment i of the one axis reduced are its elements offsets[i] .. offsets[i + 1], and its result is
     * i * segment_stride bytes from that of the first, which is in out. */
    const ptrdiff_t *offsets;
    ptrdiff_t segments, segment_stride;
} lse_request;

/* operations.c: whether the output has the shape of the input; else it lacks the reduced axes, or has them with length
 * 1. */
int lse_is_map(lse_operation operation);

/* execute.c: in the default floating-point state, which is left as it was found. 0, or LSE_NO_MEMORY,
 * LSE_INTERRUPTED or LSE_NO_KERNEL; then what has been written means nothing. */
int lse_execute(const lse_request *request);

/* quick.c: the log-sum-exp, log-mean-exp or sum of one contiguous run of no more than LSE_PIECE elements, not 0,
 * without a plan; 0 where it needs recomputation. */
int lse_quick_value(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value);
int lse_quick_mean(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value);
int lse_quick_sum(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, lse_sum *sum);
/* Likewise log|sum| and the sign of a weighted sum of no more than LSE_SHORT elements of any type, of arrays of one
 * axis. */
int lse_quick_weighted(const lse_request *request, double *value, double *sign);
/* Likewise softmax or log-softmax of no more than LSE_SHORT elements; data is as it was where it returns 0. */
int lse_quick_map(const lse_kernels *table, lse_type type, lse_operation operation, const void *data, ptrdiff_t n,
                  void *out);

#endif
