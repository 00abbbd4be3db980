/* lse: log(sum(exp(x))) without overflow or underflow, in one pass over memory, the same bits every time.
 *
 * A C or C++ program links the static library and calls these functions; a C extension of Python gets them from the
 * installed package by lse/capsule.h. See docs/embedding.md.
 *
 * Conventions
 * - A function returns LSE_OK (0), or an error below 0 and then has written nothing.
 * - n and strides count elements. A stride leads from an element, or a row, to the next; it may be negative or, in what
 *   is read, 0. Pointers are to the first element, whatever the sign of the stride, and aligned for their type.
 * - x and b may not overlap what is written, but where a function says so.
 * - No function keeps a pointer, and all may be called from any number of threads at the same time that do not write to
 *   the same memory. Only those with a parameter `threads` ever use another thread than the caller's.
 * - Modes and status flags of the floating-point unit are left as they were found, and do not change results.
 * - No function allocates memory, but for a weighted row whose terms nearly cancel or whose weights are subnormal or
 *   infinite, and for pieces of long rows on several threads.
 *
 * Results, their accuracy and their special values are those of the Python functions of the same name: of no elements
 * -inf, of NaN NaN, of +inf without NaN +inf. The bits do not depend on threads, strides or processor. */
#ifndef LSE_H
#define LSE_H

#include <stddef.h>
#include <stdint.h>

/* Of what this header declares. A new function raises the minor number; the major one, whatever breaks a caller. Before
 * the first release, while the major number is 0, anything may change. */
#define LSE_API_MAJOR 0
#define LSE_API_MINOR 1
#define LSE_VERSION "0.1.0" /* of the package that this header is of */

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LSE_OK = 0,
    /* A number of elements or rows is negative, or so great that addresses would overflow; a pointer is NULL that may
     * not be; threads is negative or above 65536; a stride of 0 lets elements of out coincide; or offsets do not ascend
     * from 0 or more to n or less. */
    LSE_ERROR_ARGUMENT = -1,
    /* No memory for a copy of a weighted row. */
    LSE_ERROR_MEMORY = -2,
    /* The environment variable LSE_KERNELS names no instruction set that this processor can run. */
    LSE_ERROR_KERNELS = -3,
    /* What is to be a state, or the bytes of one, was not initialised or is damaged, or is of another version. */
    LSE_ERROR_STATE = -4
};

/* The version of the library, which may be another than that of this header, LSE_VERSION. */
const char *lse_version(void);

/* What an error means, in English; never NULL, whatever the number. */
const char *lse_error_message(int error);

/* The instruction set in use: "avx512", "avx2", "neon" or "scalar"; NULL in the case of LSE_ERROR_KERNELS. It is chosen
 * at the first call of any function, from then on for good. */
const char *lse_kernels_in_use(void);

/* One row -------------------------------------------------------------------------------------------------- */

/* *value = log(sum(exp(x[i]))) for i < n. x may be NULL if n is 0. */
int lse_logsumexp_f64(const double *x, ptrdiff_t n, double *value);
int lse_logsumexp_f32(const float *x, ptrdiff_t n, float *value);

/* The same of the elements x[i * stride]. */
int lse_logsumexp_strided_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, double *value);
int lse_logsumexp_strided_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, float *value);

/* *value = log|S| and *sign = 1, 0, -1 or NaN, the sign of S = sum(b[i * b_stride] exp(x[i * x_stride])). A weight of 0
 * makes no term, whatever x. sign may be NULL; then the value of a negative S is NaN. x and b may be NULL if n is 0. */
int lse_logsumexp_weighted_f64(const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride, ptrdiff_t n,
                               double *value, double *sign);
int lse_logsumexp_weighted_f32(const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride, ptrdiff_t n,
                               float *value, float *sign);

/* Many rows ------------------------------------------------------------------------------------------------ */

/* Of `rows` rows of n elements: element i of row r is x[r * row_stride + i * stride]. The rows of a matrix in C order
 * with n columns have row_stride n and stride 1, its columns, as rows, row_stride 1 and stride n. Pointers may be NULL
 * if there is no element behind them.
 *
 * threads is how many to use where the work is large enough to pay, the caller's included: 1 is the caller's alone; 0
 * means as many as OpenMP (OMP_NUM_THREADS), the affinity of the process and, in Python, lse.set_num_threads and
 * lse.num_threads allow. It is always 1 in a parallel region of the caller, in a child that was forked after a call of
 * such a function (in Python: after the import of lse), and in a library built without OpenMP. One long row is divided
 * among threads, too.
 */

/* values[r] = log(sum(exp(row r))) */
int lse_logsumexp_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                           double *values, int threads);
int lse_logsumexp_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                           float *values, int threads);

/* values[r] = log|S| and signs[r] = 1, 0, -1 or NaN, the sign of S, the sum of b exp(x) over those elements of row r
 * whose byte in where is not 0. A weight of 0 makes no term, whatever x. b and where may be NULL, as if all were 1, and
 * their strides are not looked at then; signs may be NULL, then the value of a negative S is NaN. */
int lse_logsumexp_rows_weighted_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, const double *b,
                                    ptrdiff_t b_row_stride, ptrdiff_t b_stride, const unsigned char *where,
                                    ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                    double *values, double *signs, int threads);
int lse_logsumexp_rows_weighted_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, const float *b,
                                    ptrdiff_t b_row_stride, ptrdiff_t b_stride, const unsigned char *where,
                                    ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                    float *values, float *signs, int threads);

/* values[i] = the log-sum-exp of x[k * stride] for offsets[i] <= k < offsets[i + 1]: segment i of `segments`, so that
 * there is one offset more, of no more than n elements. */
int lse_logsumexp_segments_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                               ptrdiff_t segments, double *values, int threads);
int lse_logsumexp_segments_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                               ptrdiff_t segments, float *values, int threads);

/* out[r * out_row_stride + i * out_stride] = the log-sum-exp of elements 0 to i of row r; with negative strides and
 * pointers to the last elements, of elements i and on. out may be x itself, with the strides of x. No two elements of
 * out may share memory. One row is done by one thread. */
int lse_logcumsumexp_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_logcumsumexp_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* out[r * out_row_stride + i * out_stride] = exp(element i of row r - logsumexp of row r). out may be x itself, with
 * the strides of x. No two elements of out may share memory. */
int lse_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                         double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                         float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* The logarithm of that: element i of row r - logsumexp of row r. */
int lse_log_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                             double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_log_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                             float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* Likewise of those elements whose byte in where is not 0; the others become 0, or -inf in log_softmax. */
int lse_softmax_rows_masked_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, const unsigned char *where,
                                ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_softmax_rows_masked_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, const unsigned char *where,
                                ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_log_softmax_rows_masked_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, const unsigned char *where,
                                    ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                    double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_log_softmax_rows_masked_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, const unsigned char *where,
                                    ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                    float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* A running sum -------------------------------------------------------------------------------------------- */

/* The sum of all that was folded in, at full precision: the log-sum-exp of data that come in chunks, or are spread over
 * threads or processes, each with a state of its own. May be copied by assignment or memcpy within a process; what is in
 * it is nobody else's. Zeros and other bytes that were not initialised are refused with LSE_ERROR_STATE, and so is NULL. */
typedef struct {
    uint64_t opaque[12];
} lse_state;

/* The sum of nothing. */
int lse_state_init(lse_state *state);

/* Fold in sum(b[i * b_stride] exp(x[i * x_stride])) for i < n. b may be NULL: then all weights are 1, and b_stride is
 * not looked at. f32 sums its n floats with the precision of logsumexp_f32, and joins that to the state as f64 does. */
int lse_state_update_f64(lse_state *state, const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                         ptrdiff_t n);
int lse_state_update_f32(lse_state *state, const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride,
                         ptrdiff_t n);

/* Fold in all that another state has seen, which may be the same one. */
int lse_state_merge(lse_state *into, const lse_state *other);

/* *value = log|S|, *sign = the sign of S; sign may be NULL, then the value of a negative S is NaN. The state is as it
 * was and may be fed on. */
int lse_state_finish(const lse_state *state, double *value, double *sign);

/* *count = how many elements were folded in; INT64_MAX where there were more. */
int lse_state_count(const lse_state *state, int64_t *count);

/* A state as bytes, for a file or a process on any other machine: those of lse.LogSumExp.to_bytes() of Python for one
 * sum. bytes has room for LSE_STATE_BYTES; *size becomes how many were written. */
enum { LSE_STATE_BYTES = 80 };
int lse_state_to_bytes(const lse_state *state, void *bytes, size_t *size);
/* The reverse, of `size` bytes. The state need not be initialised. */
int lse_state_from_bytes(lse_state *state, const void *bytes, size_t size);

/* All of it as a table ------------------------------------------------------------------------------------- */

/* What the capsule of the Python package holds. Members are only ever added, at the end, with a new minor number. */
/* begin: generated by tools/bindings.py */
typedef struct {
    int major, minor;
    const char *(*error_message)(int error);
    const char *(*kernels_in_use)(void);
    int (*logsumexp_f64)(const double *x, ptrdiff_t n, double *value);
    int (*logsumexp_f32)(const float *x, ptrdiff_t n, float *value);
    int (*logsumexp_strided_f64)(const double *x, ptrdiff_t stride, ptrdiff_t n, double *value);
    int (*logsumexp_strided_f32)(const float *x, ptrdiff_t stride, ptrdiff_t n, float *value);
    int (*logsumexp_weighted_f64)(const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride, ptrdiff_t n,
                                  double *value, double *sign);
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
    const char *(*version)(void);
    int (*logsumexp_rows_weighted_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, const double *b,
                                       ptrdiff_t b_row_stride, ptrdiff_t b_stride, const unsigned char *where,
                                       ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                       double *values, double *signs, int threads);
    int (*logsumexp_rows_weighted_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, const float *b,
                                       ptrdiff_t b_row_stride, ptrdiff_t b_stride, const unsigned char *where,
                                       ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                       float *values, float *signs, int threads);
    int (*logsumexp_segments_f64)(const double *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                  ptrdiff_t segments, double *values, int threads);
    int (*logsumexp_segments_f32)(const float *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                  ptrdiff_t segments, float *values, int threads);
    int (*logcumsumexp_rows_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                                 double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*logcumsumexp_rows_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                                 float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*softmax_rows_masked_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, const unsigned char *where,
                                   ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                   double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*softmax_rows_masked_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, const unsigned char *where,
                                   ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                   float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*log_softmax_rows_masked_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride,
                                       const unsigned char *where, ptrdiff_t where_row_stride, ptrdiff_t where_stride,
                                       ptrdiff_t rows, ptrdiff_t n, double *out, ptrdiff_t out_row_stride,
                                       ptrdiff_t out_stride, int threads);
    int (*log_softmax_rows_masked_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride,
                                       const unsigned char *where, ptrdiff_t where_row_stride, ptrdiff_t where_stride,
                                       ptrdiff_t rows, ptrdiff_t n, float *out, ptrdiff_t out_row_stride,
                                       ptrdiff_t out_stride, int threads);
    int (*state_count)(const lse_state *state, int64_t *count);
    int (*state_to_bytes)(const lse_state *state, void *bytes, size_t *size);
    int (*state_from_bytes)(lse_state *state, const void *bytes, size_t size);
} lse_api;
/* end: generated by tools/bindings.py */

/* The table of the library that is linked. */
const lse_api *lse_get_api(void);

#ifdef __cplusplus
}
#endif

#endif
