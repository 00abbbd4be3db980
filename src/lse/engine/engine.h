/* The engine's interface: lse_execute carries out a request, which describes a whole call. The Python core and the
 * functions of lse.h use only this, sums.h and threads.h. */
#ifndef LSE_ENGINE_H
#define LSE_ENGINE_H

#include <stdint.h>

#include "engine/sums.h"
#include "engine/threads.h"
#include "kernels/kernels.h"

/* An array of a kind and size that lse_load_for accepts, with strides in bytes; data is NULL for no array. */
typedef struct {
    char *data;
    int ndim;
    char kind;
    int itemsize, swapped;
    const ptrdiff_t *shape, *stride;
} lse_array;

/* Whether there is an array, and it is of long doubles, which raise flags that lse_fp_leave does not restore. */
static inline int lse_is_extended(const lse_array *a) { return a->data && a->itemsize > (a->kind == 'c' ? 16 : 8); }

/* A call. Unused members are 0 or NULL; no array is empty. */
typedef struct {
    lse_operation operation;
    lse_type type; /* the type of the computation */
    const lse_kernels *table;
    lse_run run;
    int threads;                 /* maximum number; 0: as many as pay */
    lse_question question;       /* called now and then to ask whether to stop, see threads.h */
    unsigned long long reduced;  /* a bit for each axis of a */
    lse_array a, where, weights; /* the mask and the weights have the shape of a */
    lse_array out;
    char *sign, *low; /* for LSE_LOGSUMEXP, with dtype and strides of out: signs, and rounding errors */
    int has_empty;    /* of softmax and log-softmax: rows with nothing in them become `empty` instead of NaN */
    double empty;
    int mean; /* of LSE_LOGSUMEXP: subtract the log of the count before rounding; there are no weights and no mask but of
               * long doubles */
    int pairs; /* of LSE_LOGSUMEXP of long doubles: the weights are elements too, which are added to those of a */
    int ones;  /* of LSE_LOGSUMEXP: the sums of the weights alone; a is as well that of the weights */
    /* Likewise: parts of the logarithms of sums, as lse_log_counts gives, that all results are to be divided by before
     * rounding, in the order of the output, which has no gaps; NULL for none. */
    const double *divisors;
    ptrdiff_t divisor_count;
    /* LSE_SUMS: the sums, and those that they are added to. Maps: the sums of the rows. Both have sum_stride, in
     * elements, for each kept axis. */
    lse_sums into, given;
    const ptrdiff_t *sum_stride;
    /* Unless offsets is NULL: segment i of the one reduced axis, elements offsets[i] .. offsets[i + 1], is summed or
     * mapped by itself. Its result is i * segment_stride bytes after that of the first, which is in out or, of
     * LSE_SUMS, in into; a map leaves elements of no segment as they are. */
    const ptrdiff_t *offsets;
    ptrdiff_t segments, segment_stride;
} lse_request;

/* operations.c: whether the output has the shape of the input; otherwise the reduced axes are missing or of length
 * 1. */
int lse_is_map(lse_operation operation);
const char *lse_operation_name(lse_operation operation); /* of the Python function, or "sums" */

/* execute.c: runs in the default floating-point environment, and restores the caller's. Returns 0, LSE_NO_MEMORY,
 * LSE_INTERRUPTED or LSE_NO_KERNEL; on errors the output is undefined. */
int lse_execute(const lse_request *request);

/* counts.c: adds the number of elements that a mask keeps to the count of their sum. Counts are in C order, one for
 * each sum over the axes whose bits are set in reduced. */
void lse_count_mask(const lse_array *where, unsigned long long reduced, int64_t *counts);

/* counts.c: log(counts[i]) = parts[i] + parts[count + i], and its sign in parts[2 count + i], 0 of a count of 0. */
void lse_log_counts(const lse_kernels *table, const int64_t *counts, ptrdiff_t count, double *parts);

/* results.c: value + low - divisor - divisor_lo, rounded once except for the last bits of the low parts. */
double lse_divide(double value, double low, double divisor, double divisor_lo);

/* results.c: the same for a sum of this sign and divisor i, NaN where the quotient is negative or 0 / 0. */
double lse_divide_by(double value, double low, double sign, const double *divisors, ptrdiff_t count, ptrdiff_t i);

/* quick.c: log-sum-exp, log-mean-exp or sum of a contiguous run of 1 to LSE_PIECE elements, without a plan; the first
 * returns 0 where it needs one. */
int lse_quick_value(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value);
void lse_quick_mean(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value);
void lse_quick_sum(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, lse_sum *sum);
/* For these: no more than LSE_SHORT elements, of some axes, as one run of a real type, where they are or in a buffer;
 * NULL of arrays without axes and of long doubles. */
const void *lse_quick_run(const lse_array *a, lse_type type, void *buffer);
/* Likewise log|sum| = value + value_lo and the sign of a weighted sum of all n elements, no more than LSE_SHORT and not
 * 2, of arrays of any type but long double and some axes. */
int lse_quick_weighted(const lse_request *request, ptrdiff_t n, double *value, double *value_lo, double *sign);
/* Likewise a map of no more than LSE_SHORT elements; data is as it was where it returns 0. */
int lse_quick_map(const lse_kernels *table, lse_type type, lse_operation operation, const void *data, ptrdiff_t n,
                  void *out);

#endif
