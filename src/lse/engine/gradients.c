/* Rows divided into tasks. Runs are done by the kernels, several in a call, and so are neighbours, line by line,
 * elements of one index of many rows. Others are copied: short ones to a tile of such lines, long ones in blocks. */
#include "engine/gradients.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/plan.h"
#include "engine/types.h"

enum {
    BLOCK = 1024, /* elements that are copied at once; a multiple of LSE_LANES */
    STEP = 64,    /* elements that a kernel reads at once, or more */
    TILE = 128,   /* rows of a tile; whole vectors */
    SHORT = 16,   /* elements of a row in a tile, */
    RUN = 4,      /* or fewer of a row without gaps */
    NARROW = 16   /* fewer neighbouring rows are not read line by line */
};
static const ptrdiff_t ENOUGH = 1 << 14; /* elements of a task */

typedef struct {
    lse_gradient g;
    lse_gradient_run run;
    ptrdiff_t rows; /* of each task */
    enum { ROWS, RUNS, COLUMNS, TILES } mode;
    int are_lines; /* whether columns of a map are neighbours in all arrays */
} work;

static const lse_real_kernels *kernels_of(const lse_gradient *g) { return &g->table->real[g->type]; }
static ptrdiff_t size_of(const lse_gradient *g) { return lse_types[g->type].size; }
static int is_map(const lse_gradient *g) { return g->operation != LSE_LOGSUMEXP; }
static double get(const lse_gradient *g, const char *element) { return lse_types[g->type].get(element); }
static double value_of(const lse_gradient *g, ptrdiff_t row) { return get(g, g->value + row * g->value_stride); }
static double grad_of(const lse_gradient *g, ptrdiff_t row) { return get(g, g->grad + row * g->grad_stride[1]); }

/* Where element i of a row is. */
static ptrdiff_t place(const lse_gradient *g, const ptrdiff_t *stride, ptrdiff_t row, ptrdiff_t i)
{
    if (g->inner == 1) return row * stride[0] + i * stride[2]; /* divisions take as long as many elements */
    return row / g->inner * stride[0] + row % g->inner * stride[1] + i * stride[2];
}

/* A row whose log-sum-exp is infinite: at -inf no element has a share, at +inf those that are +inf share evenly. */
static void differentiate_infinite(const lse_gradient *g, ptrdiff_t row)
{
    const double value = value_of(g, row), grad = grad_of(g, row);
    double count = 0.0;
    for (ptrdiff_t i = 0; i < g->n; i++) count += get(g, g->x + place(g, g->x_stride, row, i)) == INFINITY;
    for (ptrdiff_t i = 0; i < g->n; i++) {
        const int shares = value > 0.0 && get(g, g->x + place(g, g->x_stride, row, i)) == INFINITY;
        lse_types[g->type].put(g->out + place(g, g->out_stride, row, i), 0, shares ? grad / count : 0.0);
    }
}

static lse_gradient_run run_of(const lse_gradient *g)
{
    switch (g->operation) {
    case LSE_SOFTMAX: return kernels_of(g)->softmax_gradient;
    case LSE_LOG_SOFTMAX: return kernels_of(g)->log_softmax_gradient;
    default: return kernels_of(g)->logsumexp_gradient;
    }
}

/* The sources of rows, which come from the lanes, step apart, of the sums of a map, or from the values. */
static void find_sources(const lse_gradient *g, ptrdiff_t row, ptrdiff_t count, const double *lanes, ptrdiff_t step,
                         lse_sources *of)
{
    const size_t rest = (size_t)lse_least(STEP, LSE_GRADIENTS - count), bytes = rest * (size_t)size_of(g);
    lse_source *const sources[] = {&of->value, &of->scale, &of->scale_lo};
    if (is_map(g)) {
        kernels_of(g)->sources_of_sums(of, lanes, step, count);
        return;
    }
    for (ptrdiff_t k = 0; k < count; k++)
        kernels_of(g)->source_of_value(of, k, value_of(g, row + k), grad_of(g, row + k));
    for (int i = 0; i < 3 && step > 1; i++) /* whole steps are read, but of one row its source alone */
        memset((char *)sources[i] + count * size_of(g), 0, bytes);
}

/* Copies of elements at distance step, and back. */
static void load(const lse_gradient *g, const char *from, ptrdiff_t step, ptrdiff_t count, void *copy)
{ lse_load_for('f', (int)size_of(g), 0, (int)size_of(g))(from, step, count, copy); }

static void store(const lse_gradient *g, char *out, ptrdiff_t step, ptrdiff_t count, const void *copy)
{ lse_store_for('f', (int)size_of(g), (int)size_of(g))(out, step, count, copy); }

/* Where a row begins. */
typedef struct {
    const char *x, *grad;
    char *out;
} start;

static start start_of(const lse_gradient *g, ptrdiff_t row)
{
    return (start){g->x + place(g, g->x_stride, row, 0), is_map(g) ? g->grad + place(g, g->grad_stride, row, 0) : NULL,
                   g->out + place(g, g->out_stride, row, 0)};
}

/* Elements at distance step: where they are, or a copy. */
static const char *fetch(const lse_gradient *g, const char *from, ptrdiff_t step, ptrdiff_t count, double *copy)
{
    if (!from || step == size_of(g)) return from;
    load(g, from, step, count, copy);
    return (const char *)copy;
}

/* Elements from index i on, of a row along `axis` 2 of its strides, or of neighbouring rows along axis 1. */
static void differentiate_part(const work *w, start at, ptrdiff_t i, int axis, ptrdiff_t count, const lse_sources *of)
{
    const lse_gradient *g = &w->g;
    const int direct = g->out_stride[axis] == size_of(g);
    double x[BLOCK], grad[BLOCK];
    char *out = at.out + i * g->out_stride[2];
    const char *of_x = fetch(g, at.x + i * g->x_stride[2], g->x_stride[axis], count, x);
    if (at.grad) at.grad = fetch(g, at.grad + i * g->grad_stride[2], g->grad_stride[axis], count, grad);
    w->run(of_x, at.grad, count, of, axis == 1, direct ? out : (char *)x);
    if (!direct) store(g, out, g->out_stride[axis], count, x);
}

/* Lanes for sums of count rows. */
static void clear(double *lanes, ptrdiff_t count)
{
    const size_t width = (size_t)lse_least(LSE_GRADIENTS, count + LSE_LANES); /* whole vectors are read */
    for (int i = 0; i < LSE_LANES; i++) memset(lanes + (ptrdiff_t)i * LSE_GRADIENTS, 0, width * sizeof *lanes);
}

/* Neighbouring rows of a map, which are so in all arrays. */
static void map_columns(const work *w, ptrdiff_t row, ptrdiff_t count)
{
    const lse_gradient *g = &w->g;
    const start at = start_of(g, row);
    const lse_gradient_pitch pitch = {g->x_stride[2], g->grad_stride[2], g->out_stride[2]};
    const lse_real_kernels *kernels = kernels_of(g);
    const lse_gradient_rows map =
        g->operation == LSE_SOFTMAX ? kernels->softmax_gradient_columns : kernels->log_softmax_gradient_columns;
    map(at.x, at.grad, g->n, count, &pitch, at.out);
}

/* LSE_GRADIENTS neighbouring rows or fewer. */
static void differentiate_columns(const work *w, ptrdiff_t row, ptrdiff_t count)
{
    const lse_gradient *g = &w->g;
    const start at = start_of(g, row);
    double lanes[LSE_LANES * LSE_GRADIENTS], x[LSE_GRADIENTS], grad[LSE_GRADIENTS];
    lse_sources of;
    if (is_map(g)) clear(lanes, count);
    for (ptrdiff_t i = 0; is_map(g) && i < g->n; i++) {
        const char *from = g->operation == LSE_SOFTMAX ? at.x + i * g->x_stride[2] : NULL;
        kernels_of(g)->dot_line(fetch(g, from, g->x_stride[1], count, x),
                                fetch(g, at.grad + i * g->grad_stride[2], g->grad_stride[1], count, grad), count,
                                lanes + i % LSE_LANES * LSE_GRADIENTS);
    }
    find_sources(g, row, count, lanes, LSE_GRADIENTS, &of);
    for (ptrdiff_t i = 0; i < g->n; i++) differentiate_part(w, at, i, 1, count, &of);
}

/* All rows of some blocks, TILE or fewer, of no more than SHORT elements. */
static void differentiate_tile(const work *w, ptrdiff_t block, ptrdiff_t blocks)
{
    const lse_gradient *g = &w->g;
    const ptrdiff_t count = blocks * g->inner, size = size_of(g), pitch = TILE * size;
    double x[SHORT * TILE], grad[SHORT * TILE], lanes[LSE_LANES * LSE_GRADIENTS];
    lse_sources of;
    clear(lanes, count);
    for (ptrdiff_t i = 0; i < g->n; i++) {
        char *of_x = (char *)x + i * pitch, *of_grad = (char *)grad + i * pitch;
        for (ptrdiff_t k = 0; k < g->inner; k++) {
            const ptrdiff_t row = block * g->inner + k, at = k * blocks * size;
            load(g, g->x + place(g, g->x_stride, row, i), g->x_stride[0], blocks, of_x + at);
            load(g, g->grad + place(g, g->grad_stride, row, i), g->grad_stride[0], blocks, of_grad + at);
        }
        kernels_of(g)->dot_line(g->operation == LSE_SOFTMAX ? of_x : NULL, of_grad, count,
                                lanes + i % LSE_LANES * LSE_GRADIENTS);
    }
    find_sources(g, 0, count, lanes, LSE_GRADIENTS, &of);
    for (ptrdiff_t i = 0; i < g->n; i++) {
        char *of_x = (char *)x + i * pitch;
        w->run(of_x, (char *)grad + i * pitch, count, &of, 1, of_x);
        for (ptrdiff_t k = 0; k < g->inner; k++)
            store(g, g->out + place(g, g->out_stride, block * g->inner + k, i), g->out_stride[0], blocks,
                  of_x + k * blocks * size);
    }
}

/* Rows of a map without gaps, at equal distances. */
static void differentiate_runs(const lse_gradient *g, ptrdiff_t row, ptrdiff_t count)
{
    const int axis = g->inner > 1;
    const start at = start_of(g, row);
    const lse_gradient_pitch pitch = {g->x_stride[axis], g->grad_stride[axis], g->out_stride[axis]};
    const lse_real_kernels *kernels = kernels_of(g);
    const lse_gradient_rows map =
        g->operation == LSE_SOFTMAX ? kernels->softmax_gradient_rows : kernels->log_softmax_gradient_rows;
    map(at.x, at.grad, g->n, count, &pitch, at.out);
}

/* A row block by block, or a log-sum-exp's without gaps at once. */
static void differentiate_row(const work *w, ptrdiff_t row)
{
    const lse_gradient *g = &w->g;
    const ptrdiff_t size = size_of(g);
    const int is_run = !is_map(g) && g->x_stride[2] == size && g->out_stride[2] == size;
    const ptrdiff_t most = is_run ? g->n : BLOCK;
    const start at = start_of(g, row);
    double lanes[LSE_LANES] = {0}, x[BLOCK], grad[BLOCK];
    lse_sources of;
    for (ptrdiff_t i = 0, count; is_map(g) && i < g->n; i += count) {
        const char *from = g->operation == LSE_SOFTMAX ? at.x + i * g->x_stride[2] : NULL;
        count = lse_least(most, g->n - i);
        kernels_of(g)->dot(fetch(g, from, g->x_stride[2], count, x),
                           fetch(g, at.grad + i * g->grad_stride[2], g->grad_stride[2], count, grad), count, lanes);
    }
    find_sources(g, row, 1, lanes, 1, &of);
    for (ptrdiff_t i = 0; i < g->n; i += most) differentiate_part(w, at, i, 2, lse_least(most, g->n - i), &of);
}

static int is_infinite(const lse_gradient *g, ptrdiff_t row) { return !is_map(g) && isinf(value_of(g, row)); }

static void differentiate_task(void *context, ptrdiff_t task)
{
    const work *w = (const work *)context;
    const lse_gradient *g = &w->g;
    const ptrdiff_t end = lse_least((task + 1) * w->rows, g->outer * g->inner);
    for (ptrdiff_t row = task * w->rows, count; row < end; row += count) {
        const ptrdiff_t left = g->inner == 1 ? end - row : lse_least(end - row, g->inner - row % g->inner);
        const ptrdiff_t most = lse_least(LSE_GRADIENTS, left);
        count = 1;
        if (is_infinite(g, row)) {
            differentiate_infinite(g, row);
        } else if (w->mode == COLUMNS) {
            while (count < most && !is_infinite(g, row + count)) count++;
            (w->are_lines ? map_columns : differentiate_columns)(w, row, count);
        } else if (w->mode == RUNS) {
            differentiate_runs(g, row, left);
            count = left;
        } else if (w->mode == TILES) {
            const ptrdiff_t blocks = lse_least(TILE, end - row) / g->inner;
            differentiate_tile(w, row / g->inner, blocks);
            count = blocks * g->inner;
        } else {
            differentiate_row(w, row);
        }
    }
}

/* Each row a block of its own, unless rows are neighbours. */
static void divide(lse_gradient *g, int neighbours)
{
    if (neighbours || g->outer > 1 || !is_map(g)) return;
    g->outer = g->inner;
    g->inner = 1;
    g->x_stride[0] = g->x_stride[1];
    g->grad_stride[0] = g->grad_stride[1];
    g->out_stride[0] = g->out_stride[1];
}

void lse_differentiate(const lse_gradient *gradient)
{
    const lse_gradient *g = gradient;
    const lse_type_facts *type = &lse_types[g->type];
    const int are_runs = g->x_stride[2] == type->size && g->out_stride[2] == type->size &&
                         (!is_map(g) || g->grad_stride[2] == type->size);
    const int neighbours = g->inner > 1 && g->x_stride[1] == type->size && g->out_stride[1] == type->size;
    work w = {.g = *g, .run = run_of(g), .rows = g->n < ENOUGH ? ENOUGH / g->n : 1, .mode = ROWS};
    ptrdiff_t unit = 1;
    divide(&w.g, neighbours);
    if (is_map(g) && are_runs && g->n >= RUN) w.mode = RUNS;
    else if (is_map(g) && g->n <= SHORT && w.g.inner < NARROW && w.g.outer > 1) w.mode = TILES;
    else if (neighbours && !are_runs && g->n > 1 && (g->inner >= NARROW || !is_map(g))) w.mode = COLUMNS;
    if (w.mode == TILES) unit = TILE / w.g.inner * w.g.inner;
    if (w.mode == COLUMNS) unit = LSE_GRADIENTS;
    w.are_lines = is_map(g) && g->grad_stride[1] == type->size;
    w.rows = lse_quotient_up(w.rows, unit) * unit;
    const ptrdiff_t rows = g->outer * g->inner, tasks = lse_quotient_up(rows, w.rows);
    const lse_fp_state found = lse_fp_enter();
    lse_run_tasks(differentiate_task, &w, tasks, lse_threads_for(rows * g->n, type->parallel_from, g->threads));
    lse_fp_leave(found);
}
