/* What lse.h declares of rows, matrices and gradients, as requests to the engine. */
#include "include/lse/lse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api_arrays.h"
#include "engine/gradients.h"
#include "engine/products.h"

const char *lse_version(void) { return LSE_VERSION; }

const char *lse_error_message(int error)
{
    switch (error) {
    case LSE_OK: return "no error";
    case LSE_ERROR_ARGUMENT:
        return "a number of elements, rows or threads is negative or too great, a pointer is NULL, elements of out "
               "coincide, offsets do not ascend from 0 or more to n or less, or a label is no group";
    case LSE_ERROR_MEMORY: return "no memory for a copy of a row whose weighted sum nearly cancels, or of groups";
    case LSE_ERROR_KERNELS:
        return "LSE_KERNELS names no kernels that this processor can run; unset it to take the best";
    case LSE_ERROR_STATE:
        return "not a state, or the bytes of one, of this version of lse; initialise it with lse_state_init";
    default: return "unknown error";
    }
}

const char *lse_kernels_in_use(void)
{
    const lse_kernels *table = lse_chosen();
    return table ? table->name : NULL;
}

/* Log-sum-exps and maps of rows ------------------------------------------------------------------------------ */

static int logsumexp(int size, const void *data, ptrdiff_t stride, ptrdiff_t n, void *value)
{
    const lse_kernels *table = lse_chosen();
    union {
        double f64;
        float f32;
    } quick;
    if (!table) return LSE_ERROR_KERNELS;
    if (stride == 1 && 0 < n && n <= LSE_PIECE && data && value &&
        lse_quick_value(table, lse_type_of(size), data, n, &quick)) {
        memcpy(value, &quick, (size_t)size);
        return LSE_OK;
    }
    matrix x = matrix_of(data, size, 1, 0, n, stride);
    const matrix out = matrix_of(value, size, 1, 0, 1, 0);
    if (!is_sound(&x) || !value) return LSE_ERROR_ARGUMENT;
    if (n > 0) return execute_into(LSE_LOGSUMEXP, &x, NULL, NULL, &out, NULL, 1);
    store(value, size, 0, -INFINITY);
    return LSE_OK;
}

static int logsumexp_weighted(int size, const void *data, ptrdiff_t x_stride, const void *weights, ptrdiff_t b_stride,
                              ptrdiff_t n, void *value, void *sign)
{
    matrix x = matrix_of(data, size, 1, 0, n, x_stride), b = matrix_of(weights, size, 1, 0, n, b_stride);
    double found[2] = {-INFINITY, 0.0}; /* or floats at the same addresses */
    const matrix out = matrix_of(&found[0], size, 1, 0, 1, 0);
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!is_sound(&x) || !is_sound(&b) || !value) return LSE_ERROR_ARGUMENT;
    if (n > 0) {
        const int error = execute_into(LSE_LOGSUMEXP, &x, &b, NULL, &out, sign ? &found[1] : NULL, 1);
        if (error) return error;
        memcpy(value, &found[0], (size_t)size);
        if (sign) memcpy(sign, &found[1], (size_t)size);
        return LSE_OK;
    }
    store(value, size, 0, found[0]);
    if (sign) store(sign, size, 0, found[1]);
    return LSE_OK;
}

static int logsumexp_rows(int size, const void *data, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows,
                          ptrdiff_t n, void *values, int threads)
{
    matrix x = matrix_of(data, size, rows, row_stride, n, stride), out = matrix_of(values, size, rows, 1, 1, 0);
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!is_sound(&x) || !is_sound(&out) || !is_runnable(threads)) return LSE_ERROR_ARGUMENT;
    if (!is_empty(&x)) return execute_into(LSE_LOGSUMEXP, &x, NULL, NULL, &out, NULL, threads);
    for (ptrdiff_t r = 0; r < rows; r++) store(values, size, r, -INFINITY);
    return LSE_OK;
}

static int logsumexp_rows_weighted(const matrix *rows_of_x, const matrix *rows_of_b, const matrix *mask, void *values,
                                   void *signs, int threads)
{
    matrix x = *rows_of_x, b = *rows_of_b, where = *mask;
    const ptrdiff_t rows = x.shape[0];
    matrix out = matrix_of(values, x.size, rows, 1, 1, 0), beside = matrix_of(signs, x.size, rows, 1, 1, 0);
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!is_sound(&x) || (b.data && !is_sound(&b)) || (where.data && !is_sound(&where)) || !is_sound(&out) ||
        (signs && !is_sound(&beside)) || !is_runnable(threads))
        return LSE_ERROR_ARGUMENT;
    if (!is_empty(&x))
        return execute_into(LSE_LOGSUMEXP, &x, b.data ? &b : NULL, where.data ? &where : NULL, &out, signs, threads);
    for (ptrdiff_t r = 0; r < rows; r++) {
        store(values, x.size, r, -INFINITY);
        if (signs) store(signs, x.size, r, 0.0);
    }
    return LSE_OK;
}

/* where.data may be NULL. */
static int map_rows(lse_operation operation, int size, const void *data, ptrdiff_t row_stride, ptrdiff_t stride,
                    ptrdiff_t rows, ptrdiff_t n, matrix where, void *results, ptrdiff_t out_row_stride,
                    ptrdiff_t out_stride, int threads)
{
    matrix x = matrix_of(data, size, rows, row_stride, n, stride);
    matrix out = matrix_of(results, size, rows, out_row_stride, n, out_stride);
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!is_sound(&x) || (where.data && !is_sound(&where)) || !is_sound(&out) || !has_no_overlap(&out) ||
        !is_runnable(threads))
        return LSE_ERROR_ARGUMENT;
    return is_empty(&x) ? LSE_OK : execute_into(operation, &x, NULL, where.data ? &where : NULL, &out, NULL, threads);
}

int lse_is_row(const void *data, int size, ptrdiff_t n, ptrdiff_t *stride)
{
    matrix row = matrix_of(data, size, 1, 0, n, *stride);
    if (!is_sound(&row)) return 0;
    *stride = row.stride[1];
    return 1;
}

/* The sum of one row, for states.c: nothing where n is 0. */
int lse_sum_row(int size, const void *data, ptrdiff_t x_stride, const void *weights, ptrdiff_t b_stride, ptrdiff_t n,
                lse_sum *sum)
{
    matrix x = matrix_of(data, size, 1, 0, n, x_stride), b = matrix_of(weights, size, 1, 0, n, b_stride);
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!is_sound(&x) || (weights && !is_sound(&b))) return LSE_ERROR_ARGUMENT;
    *sum = lse_no_sum();
    if (n == 0) return LSE_OK;
    if (!weights && x_stride == 1 && n <= LSE_PIECE) {
        lse_quick_sum(lse_chosen(), lse_type_of(size), data, n, sum);
        return LSE_OK;
    }
    lse_request q = request_for(LSE_SUMS, &x, weights ? &b : NULL, NULL, 1);
    q.into = (lse_sums){&sum->max, &sum->tail, &sum->tail_lo, &sum->count};
    return execute(&q);
}

static int logmatmulexp(matrix *a, matrix *b, matrix *out, int threads)
{
    const ptrdiff_t rows = a->shape[0], steps = a->shape[1], columns = b->shape[1];
    const lse_kernels *table = lse_chosen();
    if (!table) return LSE_ERROR_KERNELS;
    if (!is_sound(a) || !is_sound(b) || !is_sound(out) || !has_no_overlap(out) || !is_runnable(threads))
        return LSE_ERROR_ARGUMENT;
    if (is_empty(out)) return LSE_OK;
    if (steps == 0) {
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = 0; j < columns; j++)
                store((char *)out->data + i * out->stride[0] + j * out->stride[1], out->size, 0, -INFINITY);
        return LSE_OK;
    }
    if (lse_watch_forks(1) != 0) return LSE_ERROR_MEMORY;
    const lse_product q = {.table = table,
                           .type = lse_type_of(out->size),
                           .run = lse_run_tasks,
                           .threads = threads,
                           .a = array_of(a),
                           .b = array_of(b),
                           .out = array_of(out)};
    return lse_multiply(&q) == 0 ? LSE_OK : LSE_ERROR_MEMORY;
}

/* The second matrix is that of the gradients of a map, or of the values and gradients of log-sum-exps, one a row. */
static int differentiate(lse_operation operation, const matrix *of_x, const matrix *of_grad, const void *values,
                         const matrix *of_out, int threads)
{
    const lse_kernels *table = lse_chosen();
    matrix x = *of_x, grad = *of_grad, out = *of_out, value = matrix_of(values, x.size, x.shape[0], 1, 1, 0);
    if (!table) return LSE_ERROR_KERNELS;
    if (!is_sound(&x) || !is_sound(&grad) || !is_sound(&out) || !has_no_overlap(&out) || !is_runnable(threads))
        return LSE_ERROR_ARGUMENT;
    if (operation == LSE_LOGSUMEXP && !is_sound(&value)) return LSE_ERROR_ARGUMENT;
    if (is_empty(&x)) return LSE_OK;
    if (lse_watch_forks(1) != 0) return LSE_ERROR_MEMORY;
    const lse_gradient g = {.operation = operation,
                            .type = lse_type_of(x.size),
                            .table = table,
                            .threads = threads,
                            .outer = 1,
                            .inner = x.shape[0],
                            .n = x.shape[1],
                            .x = x.data,
                            .grad = grad.data,
                            .value = value.data,
                            .out = out.data,
                            .x_stride = {0, x.stride[0], x.stride[1]},
                            .grad_stride = {0, grad.stride[0], grad.stride[1]},
                            .out_stride = {0, out.stride[0], out.stride[1]},
                            .value_stride = value.stride[0]};
    lse_differentiate(&g);
    return LSE_OK;
}

/* For both types ------------------------------------------------------------------------------------------- */

#define MAP_ROWS(name, OPERATION, F, REAL)                                                                             \
    int lse_##name##_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,      \
                              REAL *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)                  \
    {                                                                                                                  \
        return map_rows(OPERATION, sizeof *x, x, row_stride, stride, rows, n, matrix_of(NULL, 1, rows, 0, n, 0), out,  \
                        out_row_stride, out_stride, threads);                                                          \
    }

#define MAP_ROWS_MASKED(name, OPERATION, F, REAL)                                                                      \
    int lse_##name##_rows_masked_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride,                            \
                                     const unsigned char *where, ptrdiff_t where_row_stride, ptrdiff_t where_stride,   \
                                     ptrdiff_t rows, ptrdiff_t n, REAL *out, ptrdiff_t out_row_stride,                 \
                                     ptrdiff_t out_stride, int threads)                                                \
    {                                                                                                                  \
        if (!where && rows > 0 && n > 0) return lse_chosen() ? LSE_ERROR_ARGUMENT : LSE_ERROR_KERNELS;                 \
        return map_rows(OPERATION, sizeof *x, x, row_stride, stride, rows, n,                                          \
                        matrix_of(where, 1, rows, where_row_stride, n, where_stride), out, out_row_stride, out_stride, \
                        threads);                                                                                      \
    }

#define MAP_BACKWARD(name, OPERATION, F, REAL)                                                                         \
    int lse_##name##_backward_rows_##F(const REAL *y, ptrdiff_t row_stride, ptrdiff_t stride, const REAL *grad,        \
                                       ptrdiff_t grad_row_stride, ptrdiff_t grad_stride, ptrdiff_t rows, ptrdiff_t n,  \
                                       REAL *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)         \
    {                                                                                                                  \
        const matrix of_y = matrix_of(y, sizeof *y, rows, row_stride, n, stride);                                      \
        const matrix of_grad = matrix_of(grad, sizeof *grad, rows, grad_row_stride, n, grad_stride);                   \
        const matrix to = matrix_of(out, sizeof *out, rows, out_row_stride, n, out_stride);                            \
        return differentiate(OPERATION, &of_y, &of_grad, NULL, &to, threads);                                          \
    }

#define FOR_TYPE(F, REAL)                                                                                              \
    int lse_logsumexp_##F(const REAL *x, ptrdiff_t n, REAL *value) { return logsumexp(sizeof *x, x, 1, n, value); }    \
    int lse_logsumexp_strided_##F(const REAL *x, ptrdiff_t stride, ptrdiff_t n, REAL *value)                           \
    { return logsumexp(sizeof *x, x, stride, n, value); }                                                              \
    int lse_logsumexp_weighted_##F(const REAL *x, ptrdiff_t x_stride, const REAL *b, ptrdiff_t b_stride, ptrdiff_t n,  \
                                   REAL *value, REAL *sign)                                                            \
    { return logsumexp_weighted(sizeof *x, x, x_stride, b, b_stride, n, value, sign); }                                \
    int lse_logsumexp_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,     \
                               REAL *values, int threads)                                                              \
    { return logsumexp_rows(sizeof *x, x, row_stride, stride, rows, n, values, threads); }                             \
    int lse_logsumexp_rows_weighted_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, const REAL *b,          \
                                        ptrdiff_t b_row_stride, ptrdiff_t b_stride, const unsigned char *where,        \
                                        ptrdiff_t where_row_stride, ptrdiff_t where_stride, ptrdiff_t rows,            \
                                        ptrdiff_t n, REAL *values, REAL *signs, int threads)                           \
    {                                                                                                                  \
        const matrix of_x = matrix_of(x, sizeof *x, rows, row_stride, n, stride);                                      \
        const matrix of_b = matrix_of(b, sizeof *b, rows, b_row_stride, n, b_stride);                                  \
        const matrix mask = matrix_of(where, 1, rows, where_row_stride, n, where_stride);                              \
        return logsumexp_rows_weighted(&of_x, &of_b, &mask, values, signs, threads);                                   \
    }                                                                                                                  \
    int lse_logmatmulexp_##F(const REAL *a, ptrdiff_t a_row_stride, ptrdiff_t a_stride, const REAL *b,                 \
                             ptrdiff_t b_row_stride, ptrdiff_t b_stride, ptrdiff_t rows, ptrdiff_t steps,              \
                             ptrdiff_t columns, REAL *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride,             \
                             int threads)                                                                              \
    {                                                                                                                  \
        matrix of_a = matrix_of(a, sizeof *a, rows, a_row_stride, steps, a_stride);                                    \
        matrix of_b = matrix_of(b, sizeof *b, steps, b_row_stride, columns, b_stride);                                 \
        matrix to = matrix_of(out, sizeof *out, rows, out_row_stride, columns, out_stride);                            \
        return logmatmulexp(&of_a, &of_b, &to, threads);                                                               \
    }                                                                                                                  \
    MAP_ROWS(softmax, LSE_SOFTMAX, F, REAL)                                                                            \
    MAP_ROWS(log_softmax, LSE_LOG_SOFTMAX, F, REAL)                                                                    \
    MAP_ROWS(logcumsumexp, LSE_CUMULATE, F, REAL)                                                                      \
    int lse_logsumexp_backward_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows,         \
                                        ptrdiff_t n, const REAL *values, const REAL *grads, REAL *out,                 \
                                        ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)                   \
    {                                                                                                                  \
        const matrix of_x = matrix_of(x, sizeof *x, rows, row_stride, n, stride);                                      \
        const matrix of_grad = matrix_of(grads, sizeof *grads, rows, 1, 1, 0);                                         \
        const matrix to = matrix_of(out, sizeof *out, rows, out_row_stride, n, out_stride);                            \
        return differentiate(LSE_LOGSUMEXP, &of_x, &of_grad, values, &to, threads);                                    \
    }                                                                                                                  \
    MAP_BACKWARD(softmax, LSE_SOFTMAX, F, REAL)                                                                        \
    MAP_BACKWARD(log_softmax, LSE_LOG_SOFTMAX, F, REAL)                                                                \
    MAP_ROWS_MASKED(softmax, LSE_SOFTMAX, F, REAL)                                                                     \
    MAP_ROWS_MASKED(log_softmax, LSE_LOG_SOFTMAX, F, REAL)
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)
