/* What lse.h declares, as requests to the engine. */
#include "include/lse/lse.h"

#include <math.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/fp.h"
#include "engine/types.h"

enum { MAGIC = 0x6c736531, VERSION = 2 };

const char *lse_error_message(int error)
{
    switch (error) {
    case LSE_OK: return "no error";
    case LSE_ERROR_ARGUMENT:
        return "a number of elements, rows or threads is negative or too great, a pointer is NULL, or elements of out "
               "coincide";
    case LSE_ERROR_MEMORY: return "no memory for a copy of a row whose weighted sum nearly cancels";
    case LSE_ERROR_KERNELS:
        return "LSE_KERNELS names no kernels that this processor can run; unset it to take the best";
    case LSE_ERROR_STATE: return "this is no state of this version of lse; initialise it with lse_state_init";
    default: return "no error of lse";
    }
}

const char *lse_kernels_in_use(void)
{
    const lse_kernels *table = lse_chosen();
    return table ? table->name : NULL;
}

/* Requests ------------------------------------------------------------------------------------------------- */

enum { MOST_THREADS = 1 << 16 }; /* as for lse.set_num_threads */
#define MOST_ELEMENTS (PTRDIFF_MAX / 64)

/* Rows of numbers, `size` bytes each, with strides in elements, and in bytes: of an axis of one element, 0. */
typedef struct {
    void *data;
    int size;
    ptrdiff_t shape[2], elements[2], stride[2];
} matrix;

static matrix matrix_of(const void *data, int size, ptrdiff_t rows, ptrdiff_t row_stride, ptrdiff_t n, ptrdiff_t stride)
{ return (matrix){(void *)(uintptr_t)data, size, {rows, n}, {row_stride, stride}, {0, 0}}; }

static int is_empty(const matrix *m) { return m->shape[0] == 0 || m->shape[1] == 0; }

/* Whether it can lie in memory, at an address that is not NULL; then it gets its strides in bytes. Two axes of no more
 * than MOST_ELEMENTS reach no farther than a quarter of what a ptrdiff_t holds, in bytes, and so may be added. */
static int is_sound(matrix *m)
{
    const ptrdiff_t rows = m->shape[0], n = m->shape[1];
    if (rows < 0 || n < 0) return 0;
    if (is_empty(m)) return 1;
    if (!m->data || n > MOST_ELEMENTS / rows) return 0;
    for (int axis = 0; axis < 2; axis++) {
        if (m->shape[axis] == 1) continue;
        const ptrdiff_t most = MOST_ELEMENTS / (m->shape[axis] - 1);
        if (m->elements[axis] > most || m->elements[axis] < -most) return 0;
        m->stride[axis] = m->elements[axis] * m->size;
    }
    return 1;
}

static int has_no_overlap(const matrix *m)
{ return is_empty(m) || ((m->shape[0] == 1 || m->stride[0] != 0) && (m->shape[1] == 1 || m->stride[1] != 0)); }

static lse_array array_of(const matrix *m) { return (lse_array){m->data, 2, 'f', m->size, 0, m->shape, m->stride}; }

static lse_type type_of(int size) { return size == 4 ? LSE_F32 : LSE_F64; }

/* A request for the rows of x, which are sound and not empty; b may be NULL. */
static lse_request request_for(lse_operation operation, const matrix *x, const matrix *b, int threads)
{
    lse_request q = {.operation = operation, .type = type_of(x->size), .run = lse_run_tasks, .threads = threads};
    q.a = array_of(x);
    if (b) q.weights = array_of(b);
    q.reduced = 2; /* axis 1 */
    return q;
}

static int execute(lse_request *q)
{
    q->table = lse_chosen();
    if (!q->table) return LSE_ERROR_KERNELS;
    if (lse_watch_forks(1) != 0) return LSE_ERROR_MEMORY;
    switch (lse_execute(q)) {
    case 0: return LSE_OK;
    case LSE_NO_KERNEL: return LSE_ERROR_ARGUMENT;
    default: return LSE_ERROR_MEMORY;
    }
}

static int execute_into(lse_operation operation, const matrix *x, const matrix *b, const matrix *out, void *sign,
                        int threads)
{
    lse_request q = request_for(operation, x, b, threads);
    q.out = array_of(out);
    q.sign = (char *)sign;
    return execute(&q);
}

/* The sum of one row. */
static int execute_sum(const matrix *x, const matrix *b, lse_sum *sum)
{
    lse_request q = request_for(LSE_SUMS, x, b, 1);
    q.into = (lse_sums){&sum->max, &sum->tail, &sum->tail_lo, &sum->count};
    return execute(&q);
}

static int is_runnable(int threads) { return threads >= 0 && threads <= MOST_THREADS; }

/* A number that every type holds exactly. */
static void store(void *values, int size, ptrdiff_t i, double value) { lse_types[type_of(size)].put(values, i, value); }

static int logsumexp(int size, const void *data, ptrdiff_t stride, ptrdiff_t n, void *value)
{
    const lse_kernels *table = lse_chosen();
    union {
        double f64;
        float f32;
    } quick;
    if (!table) return LSE_ERROR_KERNELS;
    if (stride == 1 && 0 < n && n <= LSE_PIECE && data && value &&
        lse_quick_value(table, type_of(size), data, n, &quick)) {
        memcpy(value, &quick, (size_t)size);
        return LSE_OK;
    }
    matrix x = matrix_of(data, size, 1, 0, n, stride);
    const matrix out = matrix_of(value, size, 1, 0, 1, 0);
    if (!is_sound(&x) || !value) return LSE_ERROR_ARGUMENT;
    if (n > 0) return execute_into(LSE_LOGSUMEXP, &x, NULL, &out, NULL, 1);
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
        const int error = execute_into(LSE_LOGSUMEXP, &x, &b, &out, sign ? &found[1] : NULL, 1);
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
    if (!is_empty(&x)) return execute_into(LSE_LOGSUMEXP, &x, NULL, &out, NULL, threads);
    for (ptrdiff_t r = 0; r < rows; r++) store(values, size, r, -INFINITY);
    return LSE_OK;
}

static int map_rows(lse_operation operation, int size, const void *data, ptrdiff_t row_stride, ptrdiff_t stride,
                    ptrdiff_t rows, ptrdiff_t n, void *results, ptrdiff_t out_row_stride, ptrdiff_t out_stride,
                    int threads)
{
    matrix x = matrix_of(data, size, rows, row_stride, n, stride);
    matrix out = matrix_of(results, size, rows, out_row_stride, n, out_stride);
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    if (!is_sound(&x) || !is_sound(&out) || !has_no_overlap(&out) || !is_runnable(threads)) return LSE_ERROR_ARGUMENT;
    return is_empty(&x) ? LSE_OK : execute_into(operation, &x, NULL, &out, NULL, threads);
}

/* States --------------------------------------------------------------------------------------------------- */

static int is_state(const lse_state *s) { return s && s->magic == MAGIC && s->version == VERSION && s->count >= 0; }
static lse_sums sums_of(double s[4]) { return (lse_sums){&s[0], &s[1], &s[2], &s[3]}; }
static lse_sum sum_of(const double s[4]) { return (lse_sum){s[0], s[1], s[2], s[3]}; }

static void put(double s[4], lse_sum sum) { lse_put_sum(sums_of(s), 0, sum); }

int lse_state_init(lse_state *state)
{
    if (!state) return LSE_ERROR_ARGUMENT;
    *state = (lse_state){.magic = MAGIC, .version = VERSION};
    put(state->plain, lse_no_sum());
    put(state->weighted, lse_no_sum());
    return LSE_OK;
}

static void add_count(lse_state *state, int64_t n)
{ state->count = n > INT64_MAX - state->count ? INT64_MAX : state->count + n; }

static int update(int size, lse_state *state, const void *data, ptrdiff_t x_stride, const void *weights,
                  ptrdiff_t b_stride, ptrdiff_t n)
{
    lse_sum sum;
    const lse_kernels *table = lse_chosen();
    matrix x = matrix_of(data, size, 1, 0, n, x_stride), b = matrix_of(weights, size, 1, 0, n, b_stride);
    if (!table) return LSE_ERROR_KERNELS;
    if (!is_state(state)) return LSE_ERROR_STATE;
    if (!is_sound(&x) || (weights && !is_sound(&b))) return LSE_ERROR_ARGUMENT;
    if (n == 0) return LSE_OK;
    if (weights || x_stride != 1 || n > LSE_PIECE || !lse_quick_sum(table, type_of(size), data, n, &sum)) {
        const int error = execute_sum(&x, weights ? &b : NULL, &sum);
        if (error) return error;
    }
    double *into = weights ? state->weighted : state->plain;
    put(into, lse_merge_sum(table, weights != NULL, sum_of(into), sum));
    add_count(state, n);
    return LSE_OK;
}

int lse_state_merge(lse_state *into, const lse_state *from)
{
    const lse_kernels *table = lse_chosen();
    if (!table) return LSE_ERROR_KERNELS;
    if (!is_state(into) || !is_state(from)) return LSE_ERROR_STATE;
    const int64_t count = from->count; /* which may be into */
    put(into->plain, lse_merge_sum(table, 0, sum_of(into->plain), sum_of(from->plain)));
    put(into->weighted, lse_merge_sum(table, 1, sum_of(into->weighted), sum_of(from->weighted)));
    add_count(into, count);
    return LSE_OK;
}

int lse_state_finish(const lse_state *state, double *value, double *sign)
{
    const lse_kernels *table = lse_chosen();
    if (!table) return LSE_ERROR_KERNELS;
    if (!is_state(state)) return LSE_ERROR_STATE;
    if (!value) return LSE_ERROR_ARGUMENT;
    const lse_fp_state found = lse_fp_enter();
    lse_state now = *state;
    lse_results results;
    const int plain = now.weighted[0] == -INFINITY && now.weighted[1] == 0.0;
    lse_finish_sums(table, LSE_F64, sums_of(now.plain),
                    plain ? (lse_sums){NULL, NULL, NULL, NULL} : sums_of(now.weighted), 1, &results);
    lse_fp_leave(found);
    *value = !sign && isless(results.sign[0], 0.0) ? NAN : results.value[0]; /* NaN raises no flag in isless */
    if (sign) *sign = results.sign[0];
    return LSE_OK;
}

/* For both types ------------------------------------------------------------------------------------------- */

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
    int lse_softmax_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,       \
                             REAL *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)                   \
    {                                                                                                                  \
        return map_rows(LSE_SOFTMAX, sizeof *x, x, row_stride, stride, rows, n, out, out_row_stride, out_stride,       \
                        threads);                                                                                      \
    }                                                                                                                  \
    int lse_log_softmax_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,   \
                                 REAL *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)               \
    {                                                                                                                  \
        return map_rows(LSE_LOG_SOFTMAX, sizeof *x, x, row_stride, stride, rows, n, out, out_row_stride, out_stride,   \
                        threads);                                                                                      \
    }                                                                                                                  \
    int lse_state_update_##F(lse_state *state, const REAL *x, ptrdiff_t x_stride, const REAL *b, ptrdiff_t b_stride,   \
                             ptrdiff_t n)                                                                              \
    { return update(sizeof *x, state, x, x_stride, b, b_stride, n); }
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)
