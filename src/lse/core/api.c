/* What lse.h declares, as requests to the engine. */
#include "include/lse/lse.h"

#include <math.h>

#include "core/fp.h"
#include "core/plan.h"

enum { MAGIC = 0x6c736531, VERSION = 1 };

const char *lse_error_message(int error)
{
    switch (error) {
    case LSE_OK: return "no error";
    case LSE_ERROR_SIZE: return "a number of elements or rows is negative, or a pointer to some is NULL";
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

/* Rows of numbers, 4 or 8 bytes each, with strides in elements. */
static lse_array array_of(const void *data, int size, const ptrdiff_t shape[2], const ptrdiff_t stride[2])
{
    return (lse_array){(char *)(uintptr_t)data, 2, 'f', size, 0, shape, stride};
}

/* Does what is asked; sign and low may be NULL. */
static int perform(lse_request *request, void *sign, void *low)
{
    lse_plan plan;
    int failed = 0;
    request->table = lse_chosen();
    request->run = lse_run_tasks;
    if (!request->table) return LSE_ERROR_KERNELS;
    if (lse_watch_forks() != 0) return LSE_ERROR_MEMORY;
    if (lse_make_plan(&plan, request) != 0) return LSE_ERROR_SIZE;
    plan.sign = (char *)sign;
    plan.low = (char *)low;
    plan.failed = &failed;
    lse_execute(&plan);
    return failed ? LSE_ERROR_MEMORY : LSE_OK;
}

static int are_there(const void *x, ptrdiff_t rows, ptrdiff_t n) { return rows >= 0 && n >= 0 && (x || !rows || !n); }

static void store(void *values, int size, ptrdiff_t i, double value)
{
    if (size == 4) ((float *)values)[i] = (float)value;
    else ((double *)values)[i] = value;
}

/* Of one row, with or without weights, into a value, and a sign if there is room for it; or, where that is asked, into
 * the three numbers of a running sum. */
static int reduce_row(lse_operation operation, int size, const void *x, ptrdiff_t x_stride, const void *b,
                      ptrdiff_t b_stride, ptrdiff_t n, void *out, void *sign, void *low)
{
    const ptrdiff_t shape[] = {1, n}, x_strides[] = {0, x_stride * size}, b_strides[] = {0, b_stride * size};
    const int out_size = operation == LSE_SUMS ? 8 : size;
    lse_request q = {.operation = operation, .reduced = 2, .single = size == 4};
    q.a = array_of(x, size, shape, x_strides);
    q.weights = array_of(b, size, shape, b_strides);
    q.out = array_of(out, out_size, shape, (ptrdiff_t[]){0, 0});
    return perform(&q, sign, low);
}

static int logsumexp(int size, const void *x, ptrdiff_t stride, ptrdiff_t n, void *value)
{
    double quick;
    const lse_kernels *table = lse_chosen();
    if (!are_there(x, 1, n)) return LSE_ERROR_SIZE;
    if (n == 0) {
        store(value, size, 0, -INFINITY);
        return LSE_OK;
    }
    if (stride == 1 && n <= LSE_PIECE && table && lse_quick_value(table, size == 4, x, n, &quick)) {
        store(value, size, 0, quick);
        return LSE_OK;
    }
    return reduce_row(LSE_LOGSUMEXP, size, x, stride, NULL, 0, n, value, NULL, NULL);
}

static int logsumexp_weighted(int size, const void *x, ptrdiff_t x_stride, const void *b, ptrdiff_t b_stride,
                              ptrdiff_t n, void *value, void *sign)
{
    if (!are_there(x, 1, n) || !are_there(b, 1, n)) return LSE_ERROR_SIZE;
    if (n > 0) return reduce_row(LSE_LOGSUMEXP, size, x, x_stride, b, b_stride, n, value, sign, NULL);
    store(value, size, 0, -INFINITY);
    if (sign) store(sign, size, 0, 0.0);
    return LSE_OK;
}

static int logsumexp_rows(int size, const void *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                          void *values, int threads)
{
    const ptrdiff_t shape[] = {rows, n}, strides[] = {row_stride * size, stride * size}, out_strides[] = {size, 0};
    lse_request q = {.operation = LSE_LOGSUMEXP, .reduced = 2, .single = size == 4, .threads = threads};
    if (!are_there(x, rows, n) || threads < 0) return LSE_ERROR_SIZE;
    q.a = array_of(x, size, shape, strides);
    q.out = array_of(values, size, shape, out_strides);
    if (rows > 0 && n > 0) return perform(&q, NULL, NULL);
    for (ptrdiff_t r = 0; r < rows; r++) store(values, size, r, -INFINITY);
    return LSE_OK;
}

static int map_rows(lse_operation operation, int size, const void *x, ptrdiff_t row_stride, ptrdiff_t stride,
                    ptrdiff_t rows, ptrdiff_t n, void *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)
{
    const ptrdiff_t shape[] = {rows, n}, strides[] = {row_stride * size, stride * size};
    const ptrdiff_t out_strides[] = {out_row_stride * size, out_stride * size};
    lse_request q = {.operation = operation, .reduced = 2, .single = size == 4, .threads = threads};
    if (!are_there(x, rows, n) || !are_there(out, rows, n) || threads < 0) return LSE_ERROR_SIZE;
    q.a = array_of(x, size, shape, strides);
    q.out = array_of(out, size, shape, out_strides);
    return rows > 0 && n > 0 ? perform(&q, NULL, NULL) : LSE_OK;
}

/* States --------------------------------------------------------------------------------------------------- */

static int is_state(const lse_state *s) { return s && s->magic == MAGIC && s->version == VERSION; }
static lse_sum sum_of(const double s[3]) { return (lse_sum){s[0], s[1], s[2]}; }

static void put(double s[3], lse_sum sum)
{
    s[0] = sum.max;
    s[1] = sum.tail;
    s[2] = sum.tail_lo;
}

int lse_state_init(lse_state *state)
{
    if (!state) return LSE_ERROR_STATE;
    *state = (lse_state){.magic = MAGIC, .version = VERSION};
    put(state->plain, lse_no_sum());
    put(state->weighted, lse_no_sum());
    return LSE_OK;
}

static int update(int size, lse_state *state, const void *x, ptrdiff_t x_stride, const void *b, ptrdiff_t b_stride,
                  ptrdiff_t n)
{
    lse_sum sum;
    const lse_kernels *table = lse_chosen();
    if (!is_state(state)) return LSE_ERROR_STATE;
    if (!are_there(x, 1, n)) return LSE_ERROR_SIZE;
    if (n == 0) return LSE_OK;
    if (b || x_stride != 1 || n > LSE_PIECE || !table || !lse_quick_sum(table, size == 4, x, n, &sum)) {
        const int error =
            reduce_row(LSE_SUMS, size, x, x_stride, b, b_stride, n, &sum.max, &sum.tail, &sum.tail_lo);
        if (error) return error;
    }
    double *into = b ? state->weighted : state->plain;
    put(into, lse_merge_sum(table, b != NULL, sum_of(into), sum));
    state->count += n;
    return LSE_OK;
}

int lse_state_merge(lse_state *into, const lse_state *from)
{
    const lse_kernels *table = lse_chosen();
    if (!is_state(into) || !is_state(from)) return LSE_ERROR_STATE;
    if (!table) return LSE_ERROR_KERNELS;
    put(into->plain, lse_merge_sum(table, 0, sum_of(into->plain), sum_of(from->plain)));
    put(into->weighted, lse_merge_sum(table, 1, sum_of(into->weighted), sum_of(from->weighted)));
    into->count += from->count;
    return LSE_OK;
}

int lse_state_finish(const lse_state *state, double *value, double *sign)
{
    const lse_kernels *table = lse_chosen();
    if (!is_state(state)) return LSE_ERROR_STATE;
    if (!table) return LSE_ERROR_KERNELS;
    const lse_fp_state found = lse_fp_enter();
    const lse_sum plain = sum_of(state->plain), weighted = sum_of(state->weighted);
    lse_results results;
    lse_finish_sums(table, &plain, weighted.max == -INFINITY && weighted.tail == 0.0 ? NULL : &weighted, 1, &results);
    lse_fp_leave(found);
    *value = !sign && results.sign[0] < 0.0 ? NAN : results.value[0];
    if (sign) *sign = results.sign[0];
    return LSE_OK;
}

/* For both types ------------------------------------------------------------------------------------------- */

#define FOR_TYPE(F, REAL)                                                                                            \
    int lse_logsumexp_##F(const REAL *x, ptrdiff_t n, REAL *value) { return logsumexp(sizeof *x, x, 1, n, value); }  \
    int lse_logsumexp_strided_##F(const REAL *x, ptrdiff_t stride, ptrdiff_t n, REAL *value)                         \
    {                                                                                                                \
        return logsumexp(sizeof *x, x, stride, n, value);                                                            \
    }                                                                                                                \
    int lse_logsumexp_weighted_##F(const REAL *x, ptrdiff_t x_stride, const REAL *b, ptrdiff_t b_stride, ptrdiff_t n, \
                                   REAL *value, REAL *sign)                                                          \
    {                                                                                                                \
        return logsumexp_weighted(sizeof *x, x, x_stride, b, b_stride, n, value, sign);                              \
    }                                                                                                                \
    int lse_logsumexp_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,   \
                               REAL *values, int threads)                                                            \
    {                                                                                                                \
        return logsumexp_rows(sizeof *x, x, row_stride, stride, rows, n, values, threads);                           \
    }                                                                                                                \
    int lse_softmax_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,     \
                             REAL *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)                 \
    {                                                                                                                \
        return map_rows(LSE_SOFTMAX, sizeof *x, x, row_stride, stride, rows, n, out, out_row_stride, out_stride,     \
                        threads);                                                                                    \
    }                                                                                                                \
    int lse_log_softmax_rows_##F(const REAL *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n, \
                                 REAL *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads)             \
    {                                                                                                                \
        return map_rows(LSE_LOG_SOFTMAX, sizeof *x, x, row_stride, stride, rows, n, out, out_row_stride, out_stride, \
                        threads);                                                                                    \
    }                                                                                                                \
    int lse_state_update_##F(lse_state *state, const REAL *x, ptrdiff_t x_stride, const REAL *b, ptrdiff_t b_stride, \
                             ptrdiff_t n)                                                                            \
    {                                                                                                                \
        return update(sizeof *x, state, x, x_stride, b, b_stride, n);                                                \
    }
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)

const lse_api *lse_get_api(void)
{
#define BOTH(name) .name##_f64 = lse_##name##_f64, .name##_f32 = lse_##name##_f32
    static const lse_api api = {
        .major = LSE_API_MAJOR,
        .minor = LSE_API_MINOR,
        .error_message = lse_error_message,
        .kernels_in_use = lse_kernels_in_use,
        BOTH(logsumexp),
        BOTH(logsumexp_strided),
        BOTH(logsumexp_weighted),
        BOTH(logsumexp_rows),
        BOTH(softmax_rows),
        BOTH(log_softmax_rows),
        .state_init = lse_state_init,
        BOTH(state_update),
        .state_merge = lse_state_merge,
        .state_finish = lse_state_finish,
    };
    return &api;
}
