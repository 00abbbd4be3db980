/* Long double, for which there are no kernels: row by row, in two passes, with functions of the C library. */
#include <stdint.h>

#include "engine/long_double.h"

/* Some elements of a row, where they lie or copied: those that are left out, or have a weight of 0, are -inf with a weight
 * of 1. The exponents of their terms are about log|b e^x|. */
typedef struct {
    const long double *x, *exponent;
    long double own_x[LSE_SOME], own_exponent[LSE_SOME], weight[LSE_SOME];
    unsigned char is_in[LSE_SOME]; /* whether the mask keeps it */
} chunk;

static void fetch(const lse_plan *plan, const lse_row *row, ptrdiff_t start, ptrdiff_t n, chunk *c)
{
    const lse_layout *layout = &plan->row;
    c->x = c->exponent = c->own_x;
    lse_fetch_mask(plan, row, start, n, c->is_in);
    if (layout->direct && !row->weight && !row->where && (uintptr_t)row->x % _Alignof(long double) == 0) {
        c->x = c->exponent = (const long double *)row->x + start;
        return;
    }
    lse_gather(layout, layout->stride, layout->load, row->x, start, n, c->own_x);
    for (ptrdiff_t i = 0; i < n; i++)
        if (!c->is_in[i]) c->own_x[i] = -INFINITY;
    if (!row->weight) return;
    lse_gather(layout, layout->weight_stride, layout->load_weight, row->weight, start, n, c->weight);
    for (ptrdiff_t i = 0; i < n && plan->pairs; i++) c->own_x[i] += c->weight[i];
    if (plan->pairs) return;
    for (ptrdiff_t i = 0; i < n; i++) {
        if (!c->is_in[i] || c->weight[i] == 0.0L) {
            c->own_x[i] = -INFINITY;
            c->weight[i] = 1.0L;
        }
        c->own_exponent[i] = c->own_x[i] + lse_rough_log(c->weight[i]);
    }
    c->exponent = c->own_exponent;
}

static void put(const lse_plan *plan, char *out, long double value) { plan->out_row.store(out, 0, 1, &value); }

/* Sums ----------------------------------------------------------------------------------------------------- */

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
    LSE_EACH_CHUNK(plan, row, start, n)
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
    lse_running_sum lead = {0.0L, 0.0L}, rest = {0.0L, 0.0L};
    row_sum s = {.shift = top == -INFINITY ? 0.0L : top};
    LSE_EACH_CHUNK(plan, row, start, n)
    {
        fetch(plan, row, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++) {
            if (c.exponent[i] != top) lse_add(&rest, term_of(&c, i, s.shift));
            else if (row->weight && !plan->pairs) lse_add(&lead, term_of(&c, i, s.shift));
            else lead.sum += top > -INFINITY;
        }
    }
    s.total = lse_total_of(&lead) + lse_total_of(&rest);
    s.log = log_of(lse_total_of(&lead), lse_total_of(&rest));
    return s;
}

static row_sum sum_row(const lse_plan *plan, const lse_row *row) { return sum_from(plan, row, greatest(plan, row)); }

/* The sum of the weights, or how many elements there are, with the shift of sum_row, which is called where it is
 * infinite. */
static row_sum sum_weights(const lse_plan *plan, const lse_row *row)
{
    static const long double zero = 0.0L;
    const lse_layout *layout = &plan->row;
    lse_running_sum sum = {0.0L, 0.0L};
    long double top = 0.0L;
    lse_plan alone = *plan;
    lse_row zeros = *row;
    if (!row->weight && !row->where) return (row_sum){0.0L, logl((long double)row->n), (long double)row->n};
    LSE_EACH_CHUNK(plan, row, start, n)
    {
        long double weight[LSE_SOME];
        unsigned char is_in[LSE_SOME];
        lse_fetch_mask(plan, row, start, n, is_in);
        if (row->weight) lse_gather(layout, layout->weight_stride, layout->load_weight, row->weight, start, n, weight);
        for (ptrdiff_t i = 0; i < n; i++) {
            const long double own = is_in[i] ? row->weight ? weight[i] : 1.0L : 0.0L;
            lse_add(&sum, own);
            top = fmaxl(fabsl(own), top);
        }
    }
    if (isfinite(sum.sum)) { /* halves, as in term_of */
        const long double shift = top > 0.0L ? lse_rough_log(top) : 0.0L, half = expl(-shift / 2);
        return (row_sum){shift, log_of(half * sum.sum * half, half * sum.lost * half), lse_total_of(&sum)};
    }
    lse_all_are(&alone, &zeros, &zero);
    return sum_row(&alone, &zeros);
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

/* A row without any term: `empty`, except where others are left out. */
static void map_nothing(const lse_plan *plan, const lse_row *row, char *out, long double outside)
{
    const long double nothing = plan->has_empty ? (long double)plan->empty : (long double)NAN;
    long double values[LSE_SOME];
    unsigned char is_in[LSE_SOME];
    int any = 0;
    LSE_EACH_CHUNK(plan, row, at, some)
    {
        lse_fetch_mask(plan, row, at, some, is_in);
        for (ptrdiff_t i = 0; i < some; i++) any |= is_in[i];
    }
    LSE_EACH_CHUNK(plan, row, start, n)
    {
        lse_fetch_mask(plan, row, start, n, is_in);
        for (ptrdiff_t i = 0; i < n; i++) values[i] = any && !is_in[i] ? outside : nothing;
        lse_put_chunk(plan, out, start, n, values);
    }
}

/* The terms, or their exponents, lie in the output until their sum is known. Infinite elements share what there is. */
static void map_row(const lse_plan *plan, const lse_row *row, char *out)
{
    const int log = plan->operation == LSE_LOG_SOFTMAX;
    const long double top = greatest(plan, row), outside = log ? -INFINITY : 0.0L;
    const lse_load load = lse_load_for('f', sizeof top, 0, LSE_LONGDOUBLE);
    chunk c;
    long double values[LSE_SOME];
    lse_running_sum lead = {0.0L, 0.0L}, rest = {0.0L, 0.0L};
    if (top == -INFINITY) {
        map_nothing(plan, row, out, outside);
        return;
    }
    LSE_EACH_CHUNK(plan, row, at, some)
    {
        fetch(plan, row, at, some, &c);
        for (ptrdiff_t i = 0; i < some; i++) {
            const long double exponent = c.x[i] == top ? 0.0L : c.x[i] - top, term = expl(exponent);
            lse_add(exponent == 0.0L ? &lead : &rest, term);
            values[i] = log ? exponent : term;
        }
        lse_put_chunk(plan, out, at, some, values);
    }
    const long double log_total = log_of(lse_total_of(&lead), lse_total_of(&rest)),
                      total = lse_total_of(&lead) + lse_total_of(&rest);
    LSE_EACH_CHUNK(plan, row, start, n)
    {
        lse_gather(&plan->out_row, plan->out_row.stride, load, out, start, n, values);
        lse_fetch_mask(plan, row, start, n, c.is_in);
        for (ptrdiff_t i = 0; i < n; i++) {
            const long double value = log ? values[i] - log_total : values[i] / total;
            values[i] = c.is_in[i] ? value : outside;
        }
        lse_put_chunk(plan, out, start, n, values);
    }
}

/* The greatest element so far, and the sum of all others relative to it. */
static void cumulate_row(const lse_plan *plan, const lse_row *row, char *out)
{
    chunk c;
    long double top = -INFINITY, values[LSE_SOME];
    lse_running_sum tail = {0.0L, 0.0L};
    LSE_EACH_CHUNK(plan, row, start, n)
    {
        fetch(plan, row, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++) {
            const long double x = c.x[i];
            if (isnan(x) || x > top) {
                const long double scale = expl(top - x), rest = tail.sum * scale;
                tail = (lse_running_sum){0.0L, tail.lost * scale};
                if (top > -INFINITY) lse_add(&tail, scale);
                lse_add(&tail, rest);
                top = isnan(top) ? top : x;
            } else if (x > -INFINITY && top < INFINITY) {
                lse_add(&tail, expl(x - top));
            }
            values[i] = isfinite(top) ? top + log1pl(lse_total_of(&tail)) : top;
        }
        lse_put_chunk(plan, out, start, n, values);
    }
}

/* Tasks ---------------------------------------------------------------------------------------------------- */

static void run_one(const lse_long_doubles *all, const lse_row *row, char *out)
{
    const lse_plan *plan = all->plan;
    if (plan->type->kind == 'c') lse_run_long_complex(all, row, out);
    else if (plan->operation == LSE_CUMULATE) cumulate_row(plan, row, out);
    else if (lse_is_map(plan->operation)) map_row(plan, row, out);
    else reduce_row(plan, row, all->mean, out);
    lse_add_progress(row->n);
}

static void rows_task(void *context, ptrdiff_t index)
{
    const lse_long_doubles *all = (const lse_long_doubles *)context;
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
    lse_long_doubles all = {.plan = plan, .segments = q->offsets ? &segments : NULL, .mean = q->mean};
    if (q->a.kind == 'c') all.imag = q->a.itemsize / 2;
    if (q->weights.data && q->weights.kind == 'c') all.weight_imag = q->weights.itemsize / 2;
    all.rows = plan->outer * (q->offsets ? segments.count : 1);
    all.together = lse_most(1, LSE_ENOUGH / lse_most(1, plan->outer * plan->n / lse_most(1, all.rows)));
    lse_run_until_stopped(plan, rows_task, &all, lse_quotient_up(all.rows, all.together), threads);
}
