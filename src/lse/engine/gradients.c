/* Rows divided into tasks; those that are neither runs nor columns side by side are copied block by block. */
#include "engine/gradients.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/plan.h"
#include "engine/types.h"

enum { BLOCK = 1024 };                   /* elements that are copied at once; a multiple of LSE_LANES */
static const ptrdiff_t ENOUGH = 1 << 14; /* elements of a task */

typedef struct {
    const lse_gradient *g;
    ptrdiff_t rows; /* of each task */
    int direct;     /* each row is a run in all arrays */
    int columns;    /* the rows lie side by side in all arrays */
} work;

static double value_of(const lse_gradient *g, ptrdiff_t row)
{ return lse_types[g->type].get(g->value + row * g->value_stride); }

/* A row whose log-sum-exp is infinite: at -inf no element has a share, at +inf those that are +inf share evenly. */
static void differentiate_infinite(const lse_gradient *g, ptrdiff_t row, double value, double grad)
{
    const char *x = g->x + row * g->x_stride[0];
    char *out = g->out + row * g->out_stride[0];
    double count = 0.0;
    for (ptrdiff_t i = 0; i < g->n; i++) count += lse_types[g->type].get(x + i * g->x_stride[1]) == INFINITY;
    for (ptrdiff_t i = 0; i < g->n; i++) {
        const double share =
            value > 0.0 && lse_types[g->type].get(x + i * g->x_stride[1]) == INFINITY ? grad / count : 0.0;
        lse_types[g->type].put(out + i * g->out_stride[1], 0, share);
    }
}

/* The sum that the result of a map needs. */
static double total(const double *lanes)
{
    double sum[LSE_LANES / 2];
    for (int half = LSE_LANES / 2, i = 0; i < half; i++) sum[i] = lanes[i] + lanes[i + half];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

static int is_map(const lse_gradient *g) { return g->operation != LSE_LOGSUMEXP; }

/* The first element of index i of a row. */
static const char *place(const char *data, const ptrdiff_t *stride, ptrdiff_t row, ptrdiff_t i)
{ return data + row * stride[0] + i * stride[1]; }

static lse_gradient_run run_of(const lse_gradient *g)
{
    const lse_real_kernels *kernels = &g->table->real[g->type];
    switch (g->operation) {
    case LSE_SOFTMAX: return kernels->softmax_gradient;
    case LSE_LOG_SOFTMAX: return kernels->log_softmax_gradient;
    default: return kernels->logsumexp_gradient;
    }
}

/* Source number k is that of a row, the sum of whose lanes, step apart, is needed for a map. */
static void find_source(const lse_gradient *g, ptrdiff_t row, const double *lanes, ptrdiff_t step, lse_sources *of,
                        ptrdiff_t k)
{
    const lse_real_kernels *kernels = &g->table->real[g->type];
    double own[LSE_LANES];
    if (!is_map(g)) {
        kernels->source_of_value(of, k, value_of(g, row), lse_types[g->type].get(g->grad + row * g->grad_stride[0]));
        return;
    }
    for (int i = 0; i < LSE_LANES; i++) own[i] = lanes[i * step];
    kernels->source_of_sum(of, k, total(own));
}

/* LSE_GRADIENTS neighbouring columns or fewer. */
static void differentiate_columns(const lse_gradient *g, ptrdiff_t row, ptrdiff_t count)
{
    const lse_gradient_run run = run_of(g);
    double lanes[LSE_LANES * LSE_GRADIENTS];
    lse_sources of;
    memset(&of, 0, sizeof of); /* whole vectors are read */
    if (is_map(g)) {
        memset(lanes, 0, sizeof lanes);
        for (ptrdiff_t i = 0; i < g->n; i++)
            g->table->real[g->type].dot_line(g->operation == LSE_SOFTMAX ? place(g->x, g->x_stride, row, i) : NULL,
                                             place(g->grad, g->grad_stride, row, i), count,
                                             lanes + i % LSE_LANES * LSE_GRADIENTS);
    }
    for (ptrdiff_t k = 0; k < count; k++) find_source(g, row + k, lanes + k, LSE_GRADIENTS, &of, k);
    for (ptrdiff_t i = 0; i < g->n; i++)
        run(place(g->x, g->x_stride, row, i), is_map(g) ? place(g->grad, g->grad_stride, row, i) : NULL, count, &of, 1,
            (char *)(uintptr_t)place(g->out, g->out_stride, row, i));
}

/* A row of elements at any distance. */
static void differentiate_copied(const lse_gradient *g, ptrdiff_t row)
{
    const int size = lse_types[g->type].size;
    const lse_load load = lse_load_for('f', size, 0, size);
    const lse_store store = lse_store_for('f', size, size);
    double x[BLOCK], grad[BLOCK], lanes[LSE_LANES] = {0};
    lse_sources of;
    for (ptrdiff_t start = 0, n; is_map(g) && start < g->n; start += n) {
        n = lse_least(BLOCK, g->n - start);
        if (g->operation == LSE_SOFTMAX) load(place(g->x, g->x_stride, row, start), g->x_stride[1], n, x);
        load(place(g->grad, g->grad_stride, row, start), g->grad_stride[1], n, grad);
        g->table->real[g->type].dot(g->operation == LSE_SOFTMAX ? (const char *)x : NULL, (const char *)grad, n, lanes);
    }
    find_source(g, row, lanes, 1, &of, 0);
    for (ptrdiff_t start = 0, n; start < g->n; start += n) {
        n = lse_least(BLOCK, g->n - start);
        load(place(g->x, g->x_stride, row, start), g->x_stride[1], n, x);
        if (is_map(g)) load(place(g->grad, g->grad_stride, row, start), g->grad_stride[1], n, grad);
        run_of(g)((const char *)x, (const char *)grad, n, &of, 0, (char *)x);
        store((char *)(uintptr_t)place(g->out, g->out_stride, row, start), g->out_stride[1], n, x);
    }
}

static void differentiate_direct(const lse_gradient *g, ptrdiff_t row)
{
    const char *x = g->x + row * g->x_stride[0], *grad = g->grad + row * g->grad_stride[0];
    double lanes[LSE_LANES] = {0};
    lse_sources of;
    if (is_map(g)) g->table->real[g->type].dot(g->operation == LSE_SOFTMAX ? x : NULL, grad, g->n, lanes);
    find_source(g, row, lanes, 1, &of, 0);
    run_of(g)(x, grad, g->n, &of, 0, g->out + row * g->out_stride[0]);
}

static int is_infinite(const lse_gradient *g, ptrdiff_t row) { return !is_map(g) && isinf(value_of(g, row)); }

static void differentiate_task(void *context, ptrdiff_t task)
{
    const work *w = (const work *)context;
    const lse_gradient *g = w->g;
    const ptrdiff_t end = lse_least((task + 1) * w->rows, g->rows);
    for (ptrdiff_t row = task * w->rows, count; row < end; row += count) {
        count = 1;
        if (is_infinite(g, row)) {
            differentiate_infinite(g, row, value_of(g, row), lse_types[g->type].get(g->grad + row * g->grad_stride[0]));
        } else if (w->columns) {
            while (count < LSE_GRADIENTS && row + count < end && !is_infinite(g, row + count)) count++;
            differentiate_columns(g, row, count);
        } else if (w->direct) {
            differentiate_direct(g, row);
        } else {
            differentiate_copied(g, row);
        }
    }
}

void lse_differentiate(const lse_gradient *g)
{
    const lse_type_facts *type = &lse_types[g->type];
    work w = {g, 1, 0, 0};
    for (int axis = 0; axis < 2; axis++) {
        const int runs = g->x_stride[axis] == type->size && g->out_stride[axis] == type->size &&
                         (!is_map(g) || g->grad_stride[axis] == type->size);
        if (axis == 0) w.columns = runs && g->n > 1;
        else w.direct = runs || g->n == 1;
    }
    w.columns &= !w.direct;
    w.rows = g->n < ENOUGH ? ENOUGH / g->n : 1;
    if (w.columns) w.rows = lse_quotient_up(w.rows, LSE_GRADIENTS) * LSE_GRADIENTS;
    const ptrdiff_t tasks = lse_quotient_up(g->rows, w.rows);
    const lse_fp_state found = lse_fp_enter();
    lse_run_tasks(differentiate_task, &w, tasks, lse_threads_for(g->rows * g->n, type->parallel_from, g->threads));
    lse_fp_leave(found);
}
