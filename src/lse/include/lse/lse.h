/* lse: log(sum(exp(x))) without overflow or underflow, in one pass over memory, the same bits every time.
 *
 * A C or C++ program links the static library and calls these functions; a C extension of Python gets them from the
 * installed package by lse/capsule.h. See docs/embedding.md.
 *
 * Conventions
 * - A function returns LSE_OK (0), or a negative error and then has written nothing; those of one and two numbers
 *   return the result.
 * - n and strides count elements. A stride is the distance from one element, or row, to the next; it may be negative
 *   or, for inputs, 0. Pointers are to the first element, whatever the sign of the stride, and aligned for their type.
 * - x and b must not overlap the output, unless a function says so.
 * - No function keeps a pointer, and all may be called from any number of threads at the same time that do not write to
 *   the same memory. Only functions with a parameter `threads` use threads other than the caller's.
 * - Modes and status flags of the floating-point unit are preserved, and do not change results.
 * - No function allocates memory, except for a weighted row whose terms nearly cancel or whose weights are subnormal or
 *   infinite, and for pieces of long rows on several threads.
 *
 * Results, their accuracy and their special values are those of the Python functions of the same name: -inf for no
 * elements, NaN if any is NaN, otherwise +inf if any is +inf. The bits do not depend on threads, strides or
 * processor. */
#ifndef LSE_H
#define LSE_H

#include <stddef.h>
#include <stdint.h>

/* The version of this interface. A new function raises the minor number, an incompatible change the major one. Before
 * the first release, while the major number is 0, anything may change. */
#define LSE_API_MAJOR 0
#define LSE_API_MINOR 1
#define LSE_VERSION "0.1.0" /* of the package that this header belongs to */

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LSE_OK = 0,
    /* A number of elements or rows is negative, or so large that addresses would overflow; a pointer is NULL that must
     * not be; threads is negative or above 65536; a stride of 0 makes elements of out overlap; or offsets do not ascend
     * from 0 or more to n or less. */
    LSE_ERROR_ARGUMENT = -1,
    /* No memory for a copy of a weighted row. */
    LSE_ERROR_MEMORY = -2,
    /* The environment variable LSE_KERNELS names no instruction set that this processor can run. */
    LSE_ERROR_KERNELS = -3,
    /* A state, or the bytes of one, was not initialised, is damaged, or is of another version. */
    LSE_ERROR_STATE = -4
};

/* The version of the library, which may differ from that of this header, LSE_VERSION. */
const char *lse_version(void);

/* An error as an English text; never NULL, whatever the number. */
const char *lse_error_message(int error);

/* The instruction set in use: "avx512", "avx2", "neon" or "scalar"; NULL in the case of LSE_ERROR_KERNELS. It is chosen
 * at the first call of any function and never changes. */
const char *lse_kernels_in_use(void);

/* One row -------------------------------------------------------------------------------------------------- */

/* *value = log(sum(exp(x[i]))) for i < n. x may be NULL if n is 0. */
int lse_logsumexp_f64(const double *x, ptrdiff_t n, double *value);
int lse_logsumexp_f32(const float *x, ptrdiff_t n, float *value);

/* The same for the elements x[i * stride]. */
int lse_logsumexp_strided_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, double *value);
int lse_logsumexp_strided_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, float *value);

/* *value = log|S| and *sign = 1, 0, -1 or NaN, the sign of S = sum(b[i * b_stride] exp(x[i * x_stride])). A weight of 0
 * contributes no term, whatever x is. sign may be NULL; then the value of a negative S is NaN. x and b may be NULL if n
 * is 0. */
int lse_logsumexp_weighted_f64(const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride, ptrdiff_t n,
                               double *value, double *sign);
int lse_logsumexp_weighted_f32(const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride, ptrdiff_t n,
                               float *value, float *sign);

/* Many rows ------------------------------------------------------------------------------------------------ */

/* These functions take `rows` rows of n elements: element i of row r is x[r * row_stride + i * stride]. The rows of a
 * matrix in C order with n columns have row_stride n and stride 1; its columns, as rows, have row_stride 1 and stride
 * n. Pointers may be NULL if there are no elements.
 *
 * threads is the number of threads to use if the work is large enough to pay, including the caller's: 1 is only the
 * caller's; 0 means as many as OpenMP (OMP_NUM_THREADS), the affinity of the process and, in Python,
 * lse.set_num_threads and lse.num_threads allow. It is always 1 in a parallel region of the caller, in a child that was
 * forked after a call of such a function (in Python: after the import of lse), and in a library built without OpenMP.
 * One long row is divided among threads, too. */

/* values[r] = log(sum(exp(row r))) */
int lse_logsumexp_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                           double *values, int threads);
int lse_logsumexp_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                           float *values, int threads);

/* values[r] = log|S| and signs[r] = 1, 0, -1 or NaN, the sign of S, the sum of b exp(x) over those elements of row r
 * whose byte in where is not 0. A weight of 0 contributes no term, whatever x is. b and where may be NULL, as if all
 * were 1; their strides are then ignored. signs may be NULL; then the value of a negative S is NaN. */
int lse_logsumexp_rows_weighted_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, const double *b,
                                    ptrdiff_t b_row_stride, ptrdiff_t b_stride, const unsigned char *where,
                                    ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                    double *values, double *signs, int threads);
int lse_logsumexp_rows_weighted_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, const float *b,
                                    ptrdiff_t b_row_stride, ptrdiff_t b_stride, const unsigned char *where,
                                    ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows, ptrdiff_t n,
                                    float *values, float *signs, int threads);

/* values[i] = the log-sum-exp of x[k * stride] for offsets[i] <= k < offsets[i + 1], for i < segments. There are
 * segments + 1 offsets, none of them above n. */
int lse_logsumexp_segments_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                               ptrdiff_t segments, double *values, int threads);
int lse_logsumexp_segments_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                               ptrdiff_t segments, float *values, int threads);

/* Likewise values[i] = log|S| and signs[i] = 1, 0, -1 or NaN of the sum of b exp(x) over those elements of the segment
 * whose byte in where is not 0. b, where and signs may be NULL, as for lse_logsumexp_rows_weighted. */
int lse_logsumexp_segments_weighted_f64(const double *x, ptrdiff_t stride, const double *b, ptrdiff_t b_stride,
                                        const unsigned char *where, ptrdiff_t where_stride, ptrdiff_t n,
                                        const ptrdiff_t *offsets, ptrdiff_t segments, double *values, double *signs,
                                        int threads);
int lse_logsumexp_segments_weighted_f32(const float *x, ptrdiff_t stride, const float *b, ptrdiff_t b_stride,
                                        const unsigned char *where, ptrdiff_t where_stride, ptrdiff_t n,
                                        const ptrdiff_t *offsets, ptrdiff_t segments, float *values, float *signs,
                                        int threads);

/* out[k * out_stride] = the softmax of x[k * stride] among the elements of its segment; elements of no segment are left
 * as they are. out may be x itself, with its stride. */
int lse_softmax_segments_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                             ptrdiff_t segments, double *out, ptrdiff_t out_stride, int threads);
int lse_softmax_segments_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                             ptrdiff_t segments, float *out, ptrdiff_t out_stride, int threads);

/* The logarithm of that. */
int lse_log_softmax_segments_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                 ptrdiff_t segments, double *out, ptrdiff_t out_stride, int threads);
int lse_log_softmax_segments_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                 ptrdiff_t segments, float *out, ptrdiff_t out_stride, int threads);

/* The same of groups: element k belongs to group index[k], at least 0 and less than groups, in any order. The elements are
 * sorted, in memory that is allocated for it, and have the bits of segments. Of an error of memory the output may have
 * been written in part. */
int lse_logsumexp_groups_f64(const double *x, ptrdiff_t stride, const double *b, ptrdiff_t b_stride,
                             const unsigned char *where, ptrdiff_t where_stride, const ptrdiff_t *index, ptrdiff_t n,
                             ptrdiff_t groups, double *values, double *signs, int threads);
int lse_logsumexp_groups_f32(const float *x, ptrdiff_t stride, const float *b, ptrdiff_t b_stride,
                             const unsigned char *where, ptrdiff_t where_stride, const ptrdiff_t *index, ptrdiff_t n,
                             ptrdiff_t groups, float *values, float *signs, int threads);
int lse_softmax_groups_f64(const double *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n, ptrdiff_t groups,
                           double *out, ptrdiff_t out_stride, int threads);
int lse_softmax_groups_f32(const float *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n, ptrdiff_t groups,
                           float *out, ptrdiff_t out_stride, int threads);
int lse_log_softmax_groups_f64(const double *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n, ptrdiff_t groups,
                               double *out, ptrdiff_t out_stride, int threads);
int lse_log_softmax_groups_f32(const float *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n, ptrdiff_t groups,
                               float *out, ptrdiff_t out_stride, int threads);

/* out[r * out_row_stride + i * out_stride] = the log-sum-exp of elements 0 to i of row r; with negative strides and
 * pointers to the last elements, that of elements from i on. out may be x itself, with the strides of x. Elements of
 * out must not share memory. One row is computed by one thread. */
int lse_logcumsumexp_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_logcumsumexp_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* out[r * out_row_stride + i * out_stride] = exp(element i of row r - logsumexp of row r). out may be x itself, with
 * the strides of x. Elements of out must not share memory. */
int lse_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                         double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                         float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* The logarithm of that: element i of row r - logsumexp of row r. */
int lse_log_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                             double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_log_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                             float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* The same over those elements whose byte in where is not 0; the others become 0, or -inf in log_softmax. */
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

/* Derivatives: out[r * out_row_stride + i * out_stride] = the gradient by element i of row r, where grads are those by
 * the results; threads as above. out may be x, or y or grad, with their strides. Elements of out must not share memory.
 *
 * Of logsumexp, from its values, which it takes for exact: grads[r] * exp(x - values[r]). Where values[r] is -inf it is
 * 0, where it is +inf the elements that are +inf have equal shares. */
int lse_logsumexp_backward_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows,
                                    ptrdiff_t n, const double *values, const double *grads, double *out,
                                    ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_logsumexp_backward_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                                    const float *values, const float *grads, float *out, ptrdiff_t out_row_stride,
                                    ptrdiff_t out_stride, int threads);

/* Of softmax, from its results: y * (grad - sum(y * grad)); of log_softmax: grad - exp(y) * sum(grad). */
int lse_softmax_backward_rows_f64(const double *y, ptrdiff_t row_stride, ptrdiff_t stride, const double *grad,
                                  ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                  double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_softmax_backward_rows_f32(const float *y, ptrdiff_t row_stride, ptrdiff_t stride, const float *grad,
                                  ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                  float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_log_softmax_backward_rows_f64(const double *y, ptrdiff_t row_stride, ptrdiff_t stride, const double *grad,
                                      ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                      double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_log_softmax_backward_rows_f32(const float *y, ptrdiff_t row_stride, ptrdiff_t stride, const float *grad,
                                      ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                      float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* Products of matrices ------------------------------------------------------------------------------------- */

/* out[i * out_row_stride + j * out_stride] = log(sum(exp(a[i * a_row_stride + s * a_stride] +
 * b[s * b_row_stride + j * b_stride]))) over s < steps, for i < rows and j < columns: the logarithm of a product of
 * matrices. Nothing is lost to underflow, wherever the largest elements of a row and a column are. out must not share
 * memory with a or b. It needs memory for the exponentials of both, in double. */
int lse_logmatmulexp_f64(const double *a, ptrdiff_t a_row_stride, ptrdiff_t a_stride, const double *b,
                         ptrdiff_t b_row_stride, ptrdiff_t b_stride, ptrdiff_t rows, ptrdiff_t steps, ptrdiff_t columns,
                         double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
int lse_logmatmulexp_f32(const float *a, ptrdiff_t a_row_stride, ptrdiff_t a_stride, const float *b,
                         ptrdiff_t b_row_stride, ptrdiff_t b_stride, ptrdiff_t rows, ptrdiff_t steps, ptrdiff_t columns,
                         float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);

/* One and two numbers -------------------------------------------------------------------------------------- */

/* log(exp(x) + exp(y)), log(exp(x) - exp(y)), log(1 + exp(x)), log(1 - exp(x)) and log(exp(x) - 1), near 0 too within
 * 0.57 ulp of the result, 0.76 if that is subnormal; NaN outside of the domain, and in the case of LSE_ERROR_KERNELS. */
double lse_logaddexp_f64(double x, double y);
double lse_logsubexp_f64(double x, double y);
double lse_log1pexp_f64(double x);
double lse_log1mexp_f64(double x);
double lse_logexpm1_f64(double x);
float lse_logaddexp_f32(float x, float y);
float lse_logsubexp_f32(float x, float y);
float lse_log1pexp_f32(float x);
float lse_log1mexp_f32(float x);
float lse_logexpm1_f32(float x);

/* out[i * out_stride] = the same of x[i * x_stride], and y[i * y_stride], for i < n, several times as fast. out may be
 * x or y itself, with its stride. */
int lse_logaddexp_array_f64(const double *x, ptrdiff_t x_stride, const double *y, ptrdiff_t y_stride, ptrdiff_t n,
                            double *out, ptrdiff_t out_stride);
int lse_logsubexp_array_f64(const double *x, ptrdiff_t x_stride, const double *y, ptrdiff_t y_stride, ptrdiff_t n,
                            double *out, ptrdiff_t out_stride);
int lse_log1pexp_array_f64(const double *x, ptrdiff_t x_stride, ptrdiff_t n, double *out, ptrdiff_t out_stride);
int lse_log1mexp_array_f64(const double *x, ptrdiff_t x_stride, ptrdiff_t n, double *out, ptrdiff_t out_stride);
int lse_logexpm1_array_f64(const double *x, ptrdiff_t x_stride, ptrdiff_t n, double *out, ptrdiff_t out_stride);
int lse_logaddexp_array_f32(const float *x, ptrdiff_t x_stride, const float *y, ptrdiff_t y_stride, ptrdiff_t n,
                            float *out, ptrdiff_t out_stride);
int lse_logsubexp_array_f32(const float *x, ptrdiff_t x_stride, const float *y, ptrdiff_t y_stride, ptrdiff_t n,
                            float *out, ptrdiff_t out_stride);
int lse_log1pexp_array_f32(const float *x, ptrdiff_t x_stride, ptrdiff_t n, float *out, ptrdiff_t out_stride);
int lse_log1mexp_array_f32(const float *x, ptrdiff_t x_stride, ptrdiff_t n, float *out, ptrdiff_t out_stride);
int lse_logexpm1_array_f32(const float *x, ptrdiff_t x_stride, ptrdiff_t n, float *out, ptrdiff_t out_stride);

/* A running sum -------------------------------------------------------------------------------------------- */

/* The sum of all data added so far, at full precision: the log-sum-exp of data that come in chunks, or are divided
 * among threads or processes, each with its own state. May be copied by assignment or memcpy within a process; its
 * contents are private. Zeros and other uninitialised bytes are refused with LSE_ERROR_STATE, and so is NULL. */
typedef struct {
    uint64_t opaque[12];
} lse_state;

/* An empty sum. */
int lse_state_init(lse_state *state);

/* Adds sum(b[i * b_stride] exp(x[i * x_stride])) for i < n. b may be NULL: then all weights are 1, and b_stride is
 * ignored. f32 sums its n floats with the precision of logsumexp_f32, and adds that to the state as f64 does. */
int lse_state_update_f64(lse_state *state, const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                         ptrdiff_t n);
int lse_state_update_f32(lse_state *state, const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride,
                         ptrdiff_t n);

/* Adds another state, which may be the same one. */
int lse_state_merge(lse_state *into, const lse_state *other);

/* *value = log|S|, *sign = the sign of S; sign may be NULL, then the value of a negative S is NaN. The state is
 * unchanged and may be updated further. */
int lse_state_finish(const lse_state *state, double *value, double *sign);

/* *count = how many elements were added; saturates at INT64_MAX. */
int lse_state_count(const lse_state *state, int64_t *count);

/* A state as bytes, for a file or a process on any other machine, the same as those of Python's
 * lse.LogSumExp.to_bytes() for one sum. bytes has room for LSE_STATE_BYTES; *size becomes how many were written. */
enum { LSE_STATE_BYTES = 80 };
int lse_state_to_bytes(const lse_state *state, void *bytes, size_t *size);
/* The reverse, from `size` bytes. The state need not be initialised. */
int lse_state_from_bytes(lse_state *state, const void *bytes, size_t size);

/* Table of functions --------------------------------------------------------------------------------------- */

/* The contents of the Python package's capsule. Members are only ever added, at the end, with a new minor number. */
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
    int (*logmatmulexp_f64)(const double *a, ptrdiff_t a_row_stride, ptrdiff_t a_stride, const double *b,
                            ptrdiff_t b_row_stride, ptrdiff_t b_stride, ptrdiff_t rows, ptrdiff_t steps,
                            ptrdiff_t columns, double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride,
                            int threads);
    int (*logmatmulexp_f32)(const float *a, ptrdiff_t a_row_stride, ptrdiff_t a_stride, const float *b,
                            ptrdiff_t b_row_stride, ptrdiff_t b_stride, ptrdiff_t rows, ptrdiff_t steps,
                            ptrdiff_t columns, float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    double (*logaddexp_f64)(double x, double y);
    double (*logsubexp_f64)(double x, double y);
    double (*log1pexp_f64)(double x);
    double (*log1mexp_f64)(double x);
    double (*logexpm1_f64)(double x);
    float (*logaddexp_f32)(float x, float y);
    float (*logsubexp_f32)(float x, float y);
    float (*log1pexp_f32)(float x);
    float (*log1mexp_f32)(float x);
    float (*logexpm1_f32)(float x);
    int (*logaddexp_array_f64)(const double *x, ptrdiff_t x_stride, const double *y, ptrdiff_t y_stride, ptrdiff_t n,
                               double *out, ptrdiff_t out_stride);
    int (*logsubexp_array_f64)(const double *x, ptrdiff_t x_stride, const double *y, ptrdiff_t y_stride, ptrdiff_t n,
                               double *out, ptrdiff_t out_stride);
    int (*log1pexp_array_f64)(const double *x, ptrdiff_t x_stride, ptrdiff_t n, double *out, ptrdiff_t out_stride);
    int (*log1mexp_array_f64)(const double *x, ptrdiff_t x_stride, ptrdiff_t n, double *out, ptrdiff_t out_stride);
    int (*logexpm1_array_f64)(const double *x, ptrdiff_t x_stride, ptrdiff_t n, double *out, ptrdiff_t out_stride);
    int (*logaddexp_array_f32)(const float *x, ptrdiff_t x_stride, const float *y, ptrdiff_t y_stride, ptrdiff_t n,
                               float *out, ptrdiff_t out_stride);
    int (*logsubexp_array_f32)(const float *x, ptrdiff_t x_stride, const float *y, ptrdiff_t y_stride, ptrdiff_t n,
                               float *out, ptrdiff_t out_stride);
    int (*log1pexp_array_f32)(const float *x, ptrdiff_t x_stride, ptrdiff_t n, float *out, ptrdiff_t out_stride);
    int (*log1mexp_array_f32)(const float *x, ptrdiff_t x_stride, ptrdiff_t n, float *out, ptrdiff_t out_stride);
    int (*logexpm1_array_f32)(const float *x, ptrdiff_t x_stride, ptrdiff_t n, float *out, ptrdiff_t out_stride);
    int (*logsumexp_segments_weighted_f64)(const double *x, ptrdiff_t stride, const double *b, ptrdiff_t b_stride,
                                           const unsigned char *where, ptrdiff_t where_stride, ptrdiff_t n,
                                           const ptrdiff_t *offsets, ptrdiff_t segments, double *values, double *signs,
                                           int threads);
    int (*logsumexp_segments_weighted_f32)(const float *x, ptrdiff_t stride, const float *b, ptrdiff_t b_stride,
                                           const unsigned char *where, ptrdiff_t where_stride, ptrdiff_t n,
                                           const ptrdiff_t *offsets, ptrdiff_t segments, float *values, float *signs,
                                           int threads);
    int (*softmax_segments_f64)(const double *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                ptrdiff_t segments, double *out, ptrdiff_t out_stride, int threads);
    int (*softmax_segments_f32)(const float *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                ptrdiff_t segments, float *out, ptrdiff_t out_stride, int threads);
    int (*log_softmax_segments_f64)(const double *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                    ptrdiff_t segments, double *out, ptrdiff_t out_stride, int threads);
    int (*log_softmax_segments_f32)(const float *x, ptrdiff_t stride, ptrdiff_t n, const ptrdiff_t *offsets,
                                    ptrdiff_t segments, float *out, ptrdiff_t out_stride, int threads);
    int (*logsumexp_groups_f64)(const double *x, ptrdiff_t stride, const double *b, ptrdiff_t b_stride,
                                const unsigned char *where, ptrdiff_t where_stride, const ptrdiff_t *index, ptrdiff_t n,
                                ptrdiff_t groups, double *values, double *signs, int threads);
    int (*logsumexp_groups_f32)(const float *x, ptrdiff_t stride, const float *b, ptrdiff_t b_stride,
                                const unsigned char *where, ptrdiff_t where_stride, const ptrdiff_t *index, ptrdiff_t n,
                                ptrdiff_t groups, float *values, float *signs, int threads);
    int (*softmax_groups_f64)(const double *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n, ptrdiff_t groups,
                              double *out, ptrdiff_t out_stride, int threads);
    int (*softmax_groups_f32)(const float *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n, ptrdiff_t groups,
                              float *out, ptrdiff_t out_stride, int threads);
    int (*log_softmax_groups_f64)(const double *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n,
                                  ptrdiff_t groups, double *out, ptrdiff_t out_stride, int threads);
    int (*log_softmax_groups_f32)(const float *x, ptrdiff_t stride, const ptrdiff_t *index, ptrdiff_t n,
                                  ptrdiff_t groups, float *out, ptrdiff_t out_stride, int threads);
    int (*logsumexp_backward_rows_f64)(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows,
                                       ptrdiff_t n, const double *values, const double *grads, double *out,
                                       ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*logsumexp_backward_rows_f32)(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows,
                                       ptrdiff_t n, const float *values, const float *grads, float *out,
                                       ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*softmax_backward_rows_f64)(const double *y, ptrdiff_t row_stride, ptrdiff_t stride, const double *grad,
                                     ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                     double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*softmax_backward_rows_f32)(const float *y, ptrdiff_t row_stride, ptrdiff_t stride, const float *grad,
                                     ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                     float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*log_softmax_backward_rows_f64)(const double *y, ptrdiff_t row_stride, ptrdiff_t stride, const double *grad,
                                         ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                         double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
    int (*log_softmax_backward_rows_f32)(const float *y, ptrdiff_t row_stride, ptrdiff_t stride, const float *grad,
                                         ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,
                                         float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads);
} lse_api;
/* end: generated by tools/bindings.py */

/* The table of the linked library. */
const lse_api *lse_get_api(void);

#ifdef __cplusplus
}
#endif

#endif
