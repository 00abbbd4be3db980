/* One contiguous run without a plan: a call on few elements should cost little more than its arithmetic. */
#include <math.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/plan.h"

/* The state of one contiguous run. */
static void quick_state(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, lse_states *state)
{
    const lse_row row = {(const char *)data, NULL, NULL, n};
    lse_layout layout;
    layout.direct = 1;
    table->real[type].rows(&layout, &row, 0, n, 1, state);
}

/* Every NaN is the same one. */
static void put_value(lse_type type, double x, void *value) { lse_types[type].put(value, 0, isnan(x) ? NAN : x); }

static int quick_value(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value)
{
    const lse_real_kernels *kernels = &table->real[type];
    lse_states state;
    lse_results results;
    if (n <= LSE_FEW) return kernels->value_of_few((const char *)data, n, value);
    quick_state(table, type, data, n, &state);
    kernels->finish(&state, 1, &results);
    put_value(type, results.value[0], value);
    return 1;
}

int lse_quick_value(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value)
{
    const lse_fp_state found = lse_fp_enter();
    const int done = quick_value(table, type, data, n, value);
    lse_fp_leave(found);
    return done;
}

void lse_quick_mean(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, void *value)
{
    const lse_fp_state found = lse_fp_enter();
    lse_states state;
    lse_results results;
    double of_n_lo;
    quick_state(table, type, data, n, &state);
    table->real[LSE_F64].finish(&state, 1, &results); /* with all digits that the sum has */
    const double of_n = lse_log_of_count(table, n, &of_n_lo);
    put_value(type, lse_divide(results.value[0], results.value_lo[0], of_n, of_n_lo), value);
    lse_fp_leave(found);
}

void lse_quick_sum(const lse_kernels *table, lse_type type, const void *data, ptrdiff_t n, lse_sum *sum)
{
    const lse_fp_state found = lse_fp_enter();
    lse_states state;
    quick_state(table, type, data, n, &state);
    *sum = lse_sum_at(lse_sums_in(&state), 0);
    lse_fp_leave(found);
}

/* Elements axis .. of an array, which begin at x, as one run in a buffer; returns where that ends. */
static char *gather(const lse_array *a, lse_load load, int size, int axis, const char *x, char *to)
{
    const ptrdiff_t length = a->shape[axis], stride = a->stride[axis];
    if (axis == a->ndim - 1) {
        load(x, stride, length, to);
        return to + length * size;
    }
    for (ptrdiff_t i = 0; i < length; i++) to = gather(a, load, size, axis + 1, x + i * stride, to);
    return to;
}

/* The elements of an array as one run of the kernels' type: where they are, or in the buffer. */
static const char *run_of(const lse_array *a, int size, void *buffer)
{
    if (a->ndim == 1 && a->kind == 'f' && a->itemsize == size && !a->swapped && a->stride[0] == size) return a->data;
    gather(a, lse_load_for(a->kind, a->itemsize, a->swapped, size), size, 0, a->data, (char *)buffer);
    return (const char *)buffer;
}

const void *lse_quick_run(const lse_array *a, lse_type type, void *buffer)
{
    if (a->ndim == 0 || lse_is_extended(a)) return NULL;
    const lse_fp_state found = lse_fp_enter();
    const void *run = run_of(a, lse_types[type].size, buffer);
    lse_fp_leave(found);
    return run;
}

/* Likewise its weights, 0 where elements are excluded. */
static const char *weights_of(const lse_request *q, ptrdiff_t n, void *buffer)
{
    const lse_type_facts *facts = &lse_types[q->type];
    const char *weights = run_of(&q->weights, facts->size, buffer);
    double where[LSE_SHORT];
    if (!q->where.data) return weights;
    if (weights != buffer) memcpy(buffer, weights, (size_t)n * (size_t)facts->size);
    gather(&q->where, lse_load_for('b', 1, 0, 8), 8, 0, q->where.data, (char *)where);
    for (ptrdiff_t i = 0; i < n; i++)
        if (where[i] == 0.0) facts->put(buffer, i, 0.0);
    return (const char *)buffer;
}

int lse_quick_weighted(const lse_request *q, ptrdiff_t n, double *value, double *value_lo, double *sign)
{
    const lse_type_facts *facts = &lse_types[q->type];
    double x[LSE_SHORT], weights[LSE_SHORT];
    lse_layout layout;
    lse_states state;
    lse_results results;
    if (n > LSE_SHORT || n == 2 || q->a.ndim == 0) return 0; /* of two it may be the difference */
    if (lse_is_extended(&q->a) || lse_is_extended(&q->weights)) return 0;
    const lse_fp_state found = lse_fp_enter();
    const char *run = q->ones ? NULL : run_of(&q->a, facts->size, x);
    const lse_row row = {run, NULL, weights_of(q, n, weights), n};
    layout.direct = layout.direct_weight = 1;
    layout.ones = q->ones;
    q->table->real[q->type].weighted_rows(&layout, &row, 0, n, 1, &state);
    const int done = !isfinite(state.max[0]) || !isless(fabs(state.tail[0]), facts->least_weighted);
    if (done) q->table->weighted_finish(&state, 1, &results);
    lse_fp_leave(found);
    if (!done) return 0;
    *value = isnan(results.value[0]) ? NAN : results.value[0]; /* every NaN is the same one */
    *value_lo = results.value_lo[0];
    *sign = isnan(results.sign[0]) ? NAN : results.sign[0];
    return 1;
}

static int quick_map(const lse_real_kernels *kernels, lse_operation operation, const void *data, ptrdiff_t n, void *out)
{
    static const ptrdiff_t start[1] = {0};
    if (operation == LSE_LOG_SOFTMAX && n <= LSE_FEW) return kernels->log_softmax_of_few((const char *)data, n, out);
    const lse_panel row = {.n = n,
                           .count = 1,
                           .form = LSE_BY_ROWS,
                           .out_form = LSE_BY_ROWS,
                           .x = data,
                           .out = out,
                           .at = start,
                           .out_at = start};
    kernels->maps[operation].panel(&row);
    return 1;
}

int lse_quick_map(const lse_kernels *table, lse_type type, lse_operation operation, const void *data, ptrdiff_t n,
                  void *out)
{
    const lse_fp_state found = lse_fp_enter();
    const int done = quick_map(&table->real[type], operation, data, n, out);
    lse_fp_leave(found);
    return done;
}
