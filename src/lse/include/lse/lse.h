/* lse: log(sum(exp(x))) without overflow or underflow, in one pass over memory, the same bits every time.
 *
 * A C or C++ program links the static library and calls these functions; a C extension of Python gets them from the
 * installed package by lse/capsule.h. See docs/embedding.md.
 *
 * Every function returns LSE_OK (0), or an error below 0 and then has written nothing. None keeps a pointer, and all may
 * be called from any number of threads at the same time, as long as these do not share what is written. Modes and
 * flags of the floating-point unit are left as they were found. Strides are in elements, may be negative or 0, and count
 * from the first element of a row to the second. x may not overlap what is written, but where a function says so.
 *
 * Results, their accuracy and their special values are those of the Python functions of the same name: of no elements
 * -inf, of NaN NaN, of +inf without NaN +inf. The bits do not depend on threads, strides or processor. */
#ifndef LSE_H
#define LSE_H

#include <stddef.h>
#include <stdint.h>

/* Of what this header declares. A new function raises the minor number; the major one, whatever breaks a caller. */
#define LSE_API_MAJOR 1
#define LSE_API_MINOR 0

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LSE_OK = 0,
    LSE_ERROR_SIZE = -1,    /* a number of elements or rows is negative, or a pointer to some is NULL */
    LSE_ERROR_MEMORY = -2,  /* no memory for a row that nearly cancels, or for its threads */
    LSE_ERROR_KERNELS = -3, /* the environment variable LSE_KERNELS names none that this processor can run */
    LSE_ERROR_STATE = -4    /* what is to be a state was never initialised, or by an incompatible version */
};

/* What an error means, in English; never NULL. */
const char *lse_error_message(int error);

/* The instruction set in use: avx512, avx2, neon or scalar; NULL where LSE_KERNELS names no other. */
const char *lse_kernels_in_use(void);

/* One row -------------------------------------------------------------------------------------------------- */

/* *value = log(sum(exp(x[i]))) for i < n. x may be NULL if n is 0. */
int lse_logsumexp_f64(const double *x, ptrdiff_t n, double *value);
int lse_logsumexp_f32(const float *x, ptrdiff_t n, float *value);

/* The same of elements that are `stride` apart. */
int lse_logsumexp_strided_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, double *value);
int lse_logsumexp_strided_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, float *value);

/* *value = log|S| for S = sum(b[i] exp(x[i])), *sign = the sign of S: 1, 0, -1 or NaN. Weights of 0 make no term,
 * whatever x. sign may be NULL; then the value of a negative sum is NaN. */
int lse_logsumexp_weighted_f64(const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride, ptrdiff_t n,
                               double *value, double *sign);
int lse_logsumexp_weighted_f32(const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride, ptrdiff_t n,
                               float *value, float *sign);

/* Many rows ------------------------------------------------------------------------------------------------ */

/* Of `rows` rows of n elements: element i of row r is x[r * row_stride + i * stride].
 *
 * threads: how many to use where the work is large enough to pay; 0 is as many as OpenMP, the affinity of the process and
 * lse.set_num_threads allow; 1 is the caller's alone. In a parallel region of the caller, in a forked child, and in
 * a library built without OpenMP it is always 1. */

/* values[r] = log(sum(exp(row r))) */
int lse_logsumexp_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                           double *values, int threads);
int lse_logsumexp_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                           float *values, int threads);

/* out row r = exp(row r) / sum(exp(row r)). out may be x, with the strides of x. */
int lse_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                         double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                         float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* out row r = row r - log(sum(exp(row r))). out may be x, with the strides of x. */
int lse_log_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                             double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_log_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                             float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* A running sum -------------------------------------------------------------------------------------------- */

/* The sum of all that was folded in, at full precision; copied by assignment, sent as bytes between processes of one
 * byte order. What is inside is not part of the interface. One that was not initialised is refused. */
typedef struct {
    uint32_t magic, version;
    int64_t count; /* elements folded in: to be read */
    double plain[3], weighted[3];
    double reserved[4];
} lse_state;

/* The sum of nothing. */
int lse_state_init(lse_state *state);

/* Fold in sum(b[i] exp(x[i])) for i < n; b NULL: all weights are 1, and b_stride is not looked at. Floats are summed in
 * single precision, unless the state was also fed doubles, in which case their sums are joined. */
int lse_state_update_f64(lse_state *state, const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                         ptrdiff_t n);
int lse_state_update_f32(lse_state *state, const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride,
                         ptrdiff_t n);

/* Fold in all that another state has seen. */
int lse_state_merge(lse_state *into, const lse_state *other);

/* *value = log|S|, *sign as for weights, and may be NULL likewise. The state may be fed on. */
int lse_state_finish(const lse_state *state, double *value, double *sign);

/* All of it as a table ------------------------------------------------------------------------------------- */

/* What a capsule holds. Members are only ever added, at the end, with a new minor number. */
typedef struct {
    int major, minor;
    const char *(*error_message)(int error);
    const char *(*kernels_in_use)(void);
    int (*logsumexp_f64)(const double *x, ptrdiff_t n, double *value);
    int (*logsumexp_f32)(const float *x, ptrdiff_t n, float *value);
    int (*logsumexp_strided_f64)(const double *x, ptrdiff_t stride, ptrdiff_t n, double *value);
    int (*logsumexp_strided_f32)(const float *x, ptrdiff_t stride, ptrdiff_t n, float *value);
    int (*logsumexp_weighted_f64)(const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                                  ptrdiff_t n, double *value, double *sign);
    int (*logsumexp_weighted_f32)(const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride, ptrdiff_t n,
                                  float *value, float *sign);
    int (*logsumexp_rows_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              double *values, int threads);
    int (*logsumexp_rows_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              float *values, int threads);
    int (*softmax_rows_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                            double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*softmax_rows_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                            float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*log_softmax_rows_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                                double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*log_softmax_rows_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                                float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*state_init)(lse_state *state);
    int (*state_update_f64)(lse_state *state, const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                            ptrdiff_t n);
    int (*state_update_f32)(lse_state *state, const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride,
                            ptrdiff_t n);
    int (*state_merge)(lse_state *into, const lse_state *other);
    int (*state_finish)(const lse_state *state, double *value, double *sign);
} lse_api;

/* The table of the library that is linked. */
const lse_api *lse_get_api(void);

#ifdef __cplusplus
}
#endif

#endif
