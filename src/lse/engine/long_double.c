/* Long double, for which there are no kernels: row by row in two passes, with functions of the C library. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/operations.h"
#include "engine/places.h"

enum { SOME = 64, ENOUGH = 1 << 12 }; /* elements that are fetched at a time, and those of a task */

/* Some elements of a row, where they lie or copied: those that are left out, or have a weight of 0, are -inf with a weight
 * of 1. The exponents of their terms are log|b e^x|. */
typedef struct {
    const long double *x, *exponent;
    long double own_x[SOME], own_exponent[SOME], weight[SOME];
    unsigned char is_in[SOME]; /* whether the mask keeps it */
} chunk;

/* From one element of a run to the next. */
static ptrdiff_t step_of(const lse_layout *layout, const ptrdiff_t *strides)
{ return layout->ndim > 0 ? strides[layout->ndim - 1] : 0; }

static void gather(const lse_layout *layout, const ptrdiff_t *strides, lse_load load, const char *base, ptrdiff_t start,
                   ptrdiff_t n, long double *to)
{
    lse_place p;
    lse_find_place(&p, layout, strides, start);
    for (ptrdiff_t done = 0, some; done < n; done += some) {
        some = lse_run_of(&p, n - done);
        load(base + p.at, step_of(layout, strides), some, to + done);
        lse_go_on(&p, some);
    }
}

static void fetch_mask(const lse_plan *plan, const lse_row *row, ptrdiff_t start, ptrdiff_t n, unsigned char *is_in)
{
    lse_place p;
    memset(is_in, 1, (size_t)n);
    if (!row->where) return;
    lse_find_place(&p, &plan->row, plan->row.where_stride, start);
    for (ptrdiff_t i = 0; i < n; i++) {
        is_in[i] = row->where[p.at] != 0;
        lse_go_on(&p, 1);
    }
}

static void fetch(const lse_plan *plan, const lse_row *row, ptrdiff_t start, ptrdiff_t n, chunk *c)
{
    const lse_layout *layout = &plan->row;
    c->x = c->exponent = c->own_x;
    fetch_mask(plan, row, start, n, c->is_in);
    if (layout->direct && !row->weight && !row->where && (uintptr_t)row->x % _Alignof(long double) == 0) {
        c->x = c->exponent = (const long double *)row->x + start;
        return;
    }
    gather(layout, layout->stride, layout->load, row->x, start, n, c->own_x);
    for (ptrdiff_t i = 0; i < n; i++)
        if (!c->is_in[i]) c->own_x[i] = -INFINITY;
    if (!row->weight) return;
    gather(layout, layout->weight_stride, layout->load_weight, row->weight, start, n, c->weight);
    for (ptrdiff_t i = 0; i < n; i++) {
        if (!c->is_in[i] || c->weight[i] == 0.0L) {
            c->own_x[i] = -INFINITY;
            c->weight[i] = 1.0L;
        }
        c->own_exponent[i] = c->own_x[i] + logl(fabsl(c->weight[i]));
    }
    c->exponent = c->own_exponent;
}

/* Whether to go on with the next chunk: at the end of a row, and when stopped, n becomes 0. */
static int next(const lse_plan *plan, const lse_row *row, ptrdiff_t *start, ptrdiff_t *n)
{
    *start += *n;
    *n = *start % ENOUGH == 0 && lse_is_stopped(plan->failed) ? 0 : lse_least(SOME, row->n - *start);
    return *n > 0;
}
#define EACH_CHUNK(plan, row, start, n) for (ptrdiff_t start = 0, n = 0; next(plan, row, &start, &n);)

static void put(const lse_plan *plan, char *out, long double value) { plan->out_row.store(out, 0, 1, &value); }

/* Sums ----------------------------------------------------------------------------------------------------- */

/* A sum and what its roundings have lost. */
typedef struct {
    long double sum, lost;
} running;

static void add(running *r, long double x)
{
    const long double sum = r->sum + x, of_x = sum - r->sum;
    r->lost += (r->sum - (sum - of_x)) + (x - of_x);
    r->sum = sum;
}

static long double total_of(const running *r) { return isfinite(r->sum) ? r->sum + r->lost : r->sum; }

/* The sum of b e^x is total e^shift, its logarithm shift + log. */
typedef struct {
    long double shift, log, total;
} row_sum;

/* b e^(x - shift), of which e^(x - shift) alone may overflow beside a small b. */
static long double term_of(const chunk *c, ptrdiff_t i, long double shift)
{
    if (c->exponent == c->x) return expl(c->x[i] - shift);
    if (c->exponent[i] == INFINITY) return c->weight[i] * INFINITY;
    const long double half = expl((c->x[i] - shift) / 2);
    return half * c->weight[i] * half;
}

/* The greatest exponent of a term; NaN wins. */
static long double greatest(const lse_plan *plan, const lse_row *row)
{
    chunk c;
    long double top = -INFINITY;
    EACH_CHUNK(plan, row, start, n)
    {
        fetch(plan, row, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++)
            if (!(c.exponent[i] <= top) && !isnan(top)) top = c.exponent[i];
    }
    return top;
}

/* log|lead + rest|, with the digits of a small rest: |lead + rest|^2 = lead^2 (1 + 2 cross + cross^2). */
static long double log_of(long double lead, long double rest)
{
    const long double cross = rest / lead;
    return fabsl(cross) < 0.5L && isfinite(lead) ? logl(fabsl(lead)) + log1pl(cross) : logl(fabsl(lead + rest));
}

/* Terms of the greatest exponent are kept apart from the rest. Without weights those are 1, of an infinite one too. */
static row_sum sum_from(const lse_plan *plan, const lse_row *row, long double top)
{
    chunk c;
    running lead = {0.0L, 0.0L}, rest = {0.0L, 0.0L};
    row_sum s = {.shift = top == -INFINITY ? 0.0L : top};
    EACH_CHUNK(plan, row, start, n)
    {
        fetch(plan, row, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++) {
            if (c.exponent[i] != top) add(&rest, term_of(&c, i, s.shift));
            else if (row->weight) add(&lead, term_of(&c, i, s.shift));
            else lead.sum += top > -INFINITY;
        }
    }
    s.total = total_of(&lead) + total_of(&rest);
    s.log = log_of(total_of(&lead), total_of(&rest));
    return s;
}

static row_sum sum_row(const lse_plan *plan, const lse_row *row) { return sum_from(plan, row, greatest(plan, row)); }

/* The sum of the weights, or how many elements there are. */
static row_sum sum_weights(const lse_plan *plan, const lse_row *row)
{
    static const long double zero = 0.0L;
    lse_plan all = *plan;
    lse_row weights = *row;
    if (!row->weight && !row->where) return (row_sum){0.0L, logl((long double)row->n), (long double)row->n};
    all.row.load = lse_load_for('f', sizeof zero, 0, LSE_LONGDOUBLE);
    for (int axis = 0; axis < all.row.ndim; axis++) all.row.stride[axis] = 0;
    weights.x = (const char *)&zero;
    return sum_row(&all, &weights);
}

static int sign_of(long double x) { return (x > 0.0L) - (x < 0.0L); }

static void reduce_row(const lse_plan *plan, const lse_row *row, int mean, char *out)
{
    const row_sum s = sum_row(plan, row);
    long double log = s.shift + s.log;
    int negative = s.total < 0.0L && !plan->sign;
    if (mean) {
        const row_sum b = sum_weights(plan, row);
        negative = sign_of(s.total) * sign_of(b.total) < 0 || (s.total < 0.0L && b.total == 0.0L);
        log = (s.shift - b.shift) + (s.log - b.log);
    }
    put(plan, out, negative ? NAN : log);
    if (plan->sign) put(plan, plan->sign + (out - plan->out), isnan(s.total) ? s.total : (long double)sign_of(s.total));
}

/* Maps ----------------------------------------------------------------------------------------------------- */

static void put_chunk(const lse_plan *plan, char *out, ptrdiff_t start, ptrdiff_t n, const long double *values)
{
    const lse_layout *layout = &plan->out_row;
    lse_place p;
    lse_find_place(&p, layout, layout->stride, start);
    for (ptrdiff_t done = 0, some; done < n; done += some) {
        some = lse_run_of(&p, n - done);
        layout->store(out + p.at, step_of(layout, layout->stride), some, values + done);
        lse_go_on(&p, some);
    }
}

/* A row without any term: `empty`, except where others are left out. */
static void map_nothing(const lse_plan *plan, const lse_row *row, char *out, long double outside)
{
    const long double nothing = plan->has_empty ? (long double)plan->empty : (long double)NAN;
    long double values[SOME];
    unsigned char is_in[SOME];
    int any = 0;
    EACH_CHUNK(plan, row, at, some)
    {
        fetch_mask(plan, row, at, some, is_in);
        for (ptrdiff_t i = 0; i < some; i++) any |= is_in[i];
    }
    EACH_CHUNK(plan, row, start, n)
    {
        fetch_mask(plan, row, start, n, is_in);
        for (ptrdiff_t i = 0; i < n; i++) values[i] = any && !is_in[i] ? outside : nothing;
        put_chunk(plan, out, start, n, values);
    }
}

/* The terms, or their exponents, lie in the output until their sum is known. Infinite elements share what there is. */
static void map_row(const lse_plan *plan, const lse_row *row, char *out)
{
    const int log = plan->operation == LSE_LOG_SOFTMAX;
    const long double top = greatest(plan, row), outside = log ? -INFINITY : 0.0L;
    const lse_load load = lse_load_for('f', sizeof top, 0, LSE_LONGDOUBLE);
    chunk c;
    long double values[SOME];
    running lead = {0.0L, 0.0L}, rest = {0.0L, 0.0L};
    if (top == -INFINITY) {
        map_nothing(plan, row, out, outside);
        return;
    }
    EACH_CHUNK(plan, row, at, some)
    {
        fetch(plan, row, at, some, &c);
        for (ptrdiff_t i = 0; i < some; i++) {
            const long double exponent = c.x[i] == top ? 0.0L : c.x[i] - top, term = expl(exponent);
            add(exponent == 0.0L ? &lead : &rest, term);
            values[i] = log ? exponent : term;
        }
        put_chunk(plan, out, at, some, values);
    }
    const long double log_total = log_of(total_of(&lead), total_of(&rest)), total = total_of(&lead) + total_of(&rest);
    EACH_CHUNK(plan, row, start, n)
    {
        gather(&plan->out_row, plan->out_row.stride, load, out, start, n, values);
        fetch_mask(plan, row, start, n, c.is_in);
        for (ptrdiff_t i = 0; i < n; i++) {
            const long double value = log ? values[i] - log_total : values[i] / total;
            values[i] = c.is_in[i] ? value : outside;
        }
        put_chunk(plan, out, start, n, values);
    }
}

/* The greatest element so far, and the sum of all others relative to it. */
static void cumulate_row(const lse_plan *plan, const lse_row *row, char *out)
{
    chunk c;
    long double top = -INFINITY, values[SOME];
    running tail = {0.0L, 0.0L};
    EACH_CHUNK(plan, row, start, n)
    {
        fetch(plan, row, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++) {
            const long double x = c.x[i];
            if (isnan(x) || x > top) {
                const long double scale = expl(top - x), rest = tail.sum * scale;
                tail = (running){0.0L, tail.lost * scale};
                if (top > -INFINITY) add(&tail, scale);
                add(&tail, rest);
                top = isnan(top) ? top : x;
            } else if (x > -INFINITY && top < INFINITY) {
                add(&tail, expl(x - top));
            }
            values[i] = isfinite(top) ? top + log1pl(total_of(&tail)) : top;
        }
        put_chunk(plan, out, start, n, values);
    }
}

/* Tasks ---------------------------------------------------------------------------------------------------- */

typedef struct {
    const lse_plan *plan;
    const lse_segments *segments; /* NULL for whole rows */
    ptrdiff_t rows, together;
    int mean;
} long_doubles;

static void run_one(const long_doubles *all, const lse_row *row, char *out)
{
    const lse_plan *plan = all->plan;
    if (plan->operation == LSE_CUMULATE) cumulate_row(plan, row, out);
    else if (lse_is_map(plan->operation)) map_row(plan, row, out);
    else reduce_row(plan, row, all->mean, out);
    lse_add_progress(row->n);
}

static void rows_task(void *context, ptrdiff_t index)
{
    const long_doubles *all = (const long_doubles *)context;
    const ptrdiff_t first = index * all->together, end = lse_least(first + all->together, all->rows);
    for (ptrdiff_t i = first; i < end && !lse_is_stopped(all->plan->failed); i++) {
        lse_row row, segment;
        char *out, *segment_out;
        ptrdiff_t given;
        const lse_segments *s = all->segments;
        lse_find_row(all->plan, s ? i / s->count : i, &row, &out, &given);
        if (!s) {
            run_one(all, &row, out);
            continue;
        }
        lse_find_segment(s, &row, out, i % s->count, &segment, &segment_out);
        run_one(all, &segment, segment_out);
    }
}

void lse_run_long_double(lse_plan *plan, const lse_request *q, int threads)
{
    const lse_segments segments = lse_segments_of(q);
    long_doubles all = {.plan = plan, .segments = q->offsets ? &segments : NULL, .mean = q->mean};
    fenv_t found; /* of the functions of the C library, which the engine leaves alone */
    fegetenv(&found);
    fesetenv(FE_DFL_ENV);
    all.rows = plan->outer * (q->offsets ? segments.count : 1);
    all.together = lse_most(1, ENOUGH / lse_most(1, plan->outer * plan->n / lse_most(1, all.rows)));
    lse_run_until_stopped(plan, rows_task, &all, lse_quotient_up(all.rows, all.together), threads);
    fesetenv(&found);
}
