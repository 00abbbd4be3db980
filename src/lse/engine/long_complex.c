/* Complex long double: sums of the real and of the imaginary parts. */
#include "engine/long_double.h"

/* A complex number, or a number for each part. */
typedef struct {
    long double re, im;
} pair;

typedef struct {
    lse_running_sum re, im;
} running_pair;

static void add_pair(running_pair *r, pair x)
{
    lse_add(&r->re, x.re);
    lse_add(&r->im, x.im);
}

static pair total_of(const running_pair *r) { return (pair){lse_total_of(&r->re), lse_total_of(&r->im)}; }

/* Elements and weights as b e^z = direction e^size; of those that are left out or have a weight of 0 the size is -inf
 * and the direction 1. */
typedef struct {
    long double size[LSE_SOME];
    pair direction[LSE_SOME];
    long double angle[LSE_SOME]; /* the imaginary part of z */
    unsigned char is_in[LSE_SOME];
} chunk;

static long double product(long double x, long double y) { return x == 0.0L || y == 0.0L ? 0.0L : x * y; }

/* e^(i angle) beside a real part: as C99's cexp, inf + i NaN where that is infinite and the angle is no number. */
static pair direction_of(long double size, long double angle)
{
    if (size == INFINITY && !isfinite(angle)) return (pair){1.0L, NAN};
    return (pair){cosl(angle), sinl(angle)};
}

static void gather_part(const lse_layout *layout, const ptrdiff_t *strides, lse_load load, const char *base,
                        ptrdiff_t imag, ptrdiff_t start, ptrdiff_t n, long double *to)
{
    if (imag > 0) lse_gather(layout, strides, load, base + imag, start, n, to);
    else
        for (ptrdiff_t i = 0; i < n; i++) to[i] = 0.0L;
}

static void fetch(const lse_long_doubles *all, const lse_row *row, ptrdiff_t start, ptrdiff_t n, chunk *c)
{
    const lse_layout *layout = &all->plan->row;
    long double re[LSE_SOME], im[LSE_SOME];
    lse_fetch_mask(all->plan, row, start, n, c->is_in);
    lse_gather(layout, layout->stride, layout->load, row->x, start, n, c->size);
    gather_part(layout, layout->stride, layout->load, row->x, all->imag, start, n, c->angle);
    if (row->weight) {
        lse_gather(layout, layout->weight_stride, layout->load_weight, row->weight, start, n, re);
        gather_part(layout, layout->weight_stride, layout->load_weight, row->weight, all->weight_imag, start, n, im);
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const pair own = direction_of(c->size[i], c->angle[i]);
        int absent = !c->is_in[i] || c->size[i] == -INFINITY;
        c->direction[i] = own;
        if (row->weight) {
            absent = !c->is_in[i] || (re[i] == 0.0L && im[i] == 0.0L) ||
                     (c->size[i] == -INFINITY && isfinite(re[i]) && isfinite(im[i]));
            c->direction[i].re = product(re[i], own.re) - product(im[i], own.im);
            c->direction[i].im = product(re[i], own.im) + product(im[i], own.re);
        }
        if (absent) {
            c->size[i] = -INFINITY;
            c->direction[i] = (pair){1.0L, 0.0L};
        }
    }
}

/* Sums ----------------------------------------------------------------------------------------------------- */

/* The sum is total e^shift, its logarithm shift + log + i angle. */
typedef struct {
    long double shift, log, angle;
} row_sum;

/* Elements as they are summed: less the greatest of a map whose elements are infinite, which share the result. */
typedef struct {
    const lse_long_doubles *all;
    const lse_row *row;
    int endless;
} terms;

static void fetch_terms(const terms *t, ptrdiff_t start, ptrdiff_t n, chunk *c)
{
    fetch(t->all, t->row, start, n, c);
    for (ptrdiff_t i = 0; i < n && t->endless; i++) {
        c->size[i] = c->size[i] == INFINITY ? 0.0L : -INFINITY;
        if (c->size[i] == -INFINITY) c->direction[i] = (pair){1.0L, 0.0L};
    }
}

static long double exponent_of(const chunk *c, ptrdiff_t i)
{ return c->size[i] + lse_rough_log(fmaxl(fabsl(c->direction[i].re), fabsl(c->direction[i].im))); }

/* The greater one; NaN wins. */
static long double greater(long double top, long double x) { return x <= top || isnan(top) ? top : x; }

static long double times_infinity(long double x) { return x == 0.0L ? x : x * INFINITY; }

static pair term_of(const chunk *c, ptrdiff_t i, long double exponent, long double shift)
{
    const pair direction = c->direction[i];
    if (exponent == INFINITY) return (pair){times_infinity(direction.re), times_infinity(direction.im)};
    const long double half = expl((c->size[i] - shift) / 2); /* a small direction may bring down what overflows */
    return (pair){half * direction.re * half, half * direction.im * half};
}

/* log|lead + rest|, with the digits of a small rest: |lead + rest|^2 = |lead|^2 (1 + 2 cross + square). */
static long double log_of(pair lead, pair rest)
{
    const long double power = lead.re * lead.re + lead.im * lead.im;
    const long double cross = (rest.re * lead.re + rest.im * lead.im) / power;
    const long double square = (rest.re * rest.re + rest.im * rest.im) / power;
    if (square < 0.25L && isfinite(power)) return logl(hypotl(lead.re, lead.im)) + log1pl(2 * cross + square) / 2;
    return logl(hypotl(lead.re + rest.re, lead.im + rest.im));
}

/* Not -pi of a negative sum whose imaginary part is -0; 0 of nothing. */
static long double angle_of(long double log, pair total)
{ return log == -INFINITY ? 0.0L : atan2l(total.im + 0.0L, total.re); }

/* Terms of the greatest exponent are kept apart from the rest. */
static row_sum sum_terms(const terms *t)
{
    const lse_plan *plan = t->all->plan;
    chunk c;
    long double top = -INFINITY;
    running_pair lead = {{0.0L, 0.0L}, {0.0L, 0.0L}}, rest = lead;
    LSE_EACH_CHUNK(plan, t->row, at, some)
    {
        fetch_terms(t, at, some, &c);
        for (ptrdiff_t i = 0; i < some; i++) top = greater(top, exponent_of(&c, i));
    }
    row_sum s = {.shift = top == -INFINITY ? 0.0L : top};
    LSE_EACH_CHUNK(plan, t->row, start, n)
    {
        fetch_terms(t, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++) {
            const long double exponent = exponent_of(&c, i);
            add_pair(exponent == top ? &lead : &rest, term_of(&c, i, exponent, s.shift));
        }
    }
    const pair a = total_of(&lead), b = total_of(&rest);
    s.log = log_of(a, b);
    s.angle = angle_of(s.log, (pair){a.re + b.re, a.im + b.im});
    return s;
}

static row_sum sum_row(const lse_long_doubles *all, const lse_row *row) { return sum_terms(&(terms){all, row, 0}); }

/* The sum of the weights, or how many elements there are. */
static row_sum sum_weights(const lse_long_doubles *all, const lse_row *row)
{
    static const long double zero = 0.0L;
    lse_plan plan = *all->plan;
    lse_long_doubles weights = *all;
    lse_row zeros = *row;
    if (!row->weight && !row->where) return (row_sum){0.0L, logl((long double)row->n), 0.0L};
    lse_all_are(&plan, &zeros, &zero);
    weights.plan = &plan;
    weights.imag = 0;
    return sum_row(&weights, &zeros);
}

/* The angle that differs by whole turns, for one of less than three half ones. */
static long double wrapped(long double angle)
{
    const long double pi = atan2l(0.0L, -1.0L);
    if (fabsl(angle) <= pi || isnan(angle)) return angle;
    return angle > 0.0L ? angle - 2 * pi : angle + 2 * pi;
}

static void put(const lse_plan *plan, char *out, pair value)
{
    plan->out_row.store(out, 0, 1, &value.re);
    plan->out_row.store(out + sizeof value.re, 0, 1, &value.im);
}

static void reduce_row(const lse_long_doubles *all, const lse_row *row, char *out)
{
    const lse_plan *plan = all->plan;
    const row_sum s = sum_row(all, row);
    pair value = {s.shift + s.log, s.angle};
    if (all->mean) {
        const row_sum b = sum_weights(all, row);
        value = (pair){(s.shift - b.shift) + (s.log - b.log), wrapped(s.angle - b.angle)};
    }
    put(plan, out, value);
    if (!plan->sign) return;
    const pair sign = {cosl(value.im), sinl(value.im)}, none = {0.0L, 0.0L};
    put(plan, plan->sign + (out - plan->out), value.re == -INFINITY ? none : sign);
}

/* Maps ----------------------------------------------------------------------------------------------------- */

static void put_chunk(const lse_plan *plan, char *out, ptrdiff_t start, ptrdiff_t n, const pair *values)
{
    long double re[LSE_SOME], im[LSE_SOME];
    for (ptrdiff_t i = 0; i < n; i++) {
        re[i] = values[i].re;
        im[i] = values[i].im;
    }
    lse_put_chunk(plan, out, start, n, re);
    lse_put_chunk(plan, out + sizeof *re, start, n, im);
}

/* Phases are multiplied, because the difference of large angles is inexact. */
static pair softmax_of(const chunk *c, ptrdiff_t i, const row_sum *s, pair turn)
{
    const long double scale = expl((c->size[i] - s->shift) - s->log);
    const pair own = c->direction[i];
    return (pair){scale * (own.re * turn.re + own.im * turn.im), scale * (own.im * turn.re - own.re * turn.im)};
}

/* Of a large angle the direction is known, and the digits of a difference would be those of the angle. */
static pair log_softmax_of(const chunk *c, ptrdiff_t i, const row_sum *s)
{
    const long double angle = c->angle[i], direction = atan2l(c->direction[i].im, c->direction[i].re);
    return (pair){(c->size[i] - s->shift) - s->log, wrapped((fabsl(angle) <= 4.0L ? angle : direction) - s->angle)};
}

static void map_row(const lse_long_doubles *all, const lse_row *row, char *out)
{
    const lse_plan *plan = all->plan;
    const int log = plan->operation == LSE_LOG_SOFTMAX;
    chunk c;
    pair values[LSE_SOME];
    long double top = -INFINITY;
    int any = 0;
    LSE_EACH_CHUNK(plan, row, at, some)
    {
        fetch(all, row, at, some, &c);
        for (ptrdiff_t i = 0; i < some; i++) {
            top = greater(top, c.size[i]);
            any |= c.is_in[i];
        }
    }
    const terms t = {all, row, top == INFINITY};
    const row_sum s = sum_terms(&t);
    const pair turn = {cosl(s.angle), sinl(s.angle)}, outside = {log ? -INFINITY : 0.0L, 0.0L};
    LSE_EACH_CHUNK(plan, row, start, n)
    {
        fetch_terms(&t, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++) {
            values[i] = log ? log_softmax_of(&c, i, &s) : softmax_of(&c, i, &s, turn);
            if (!(s.log > -INFINITY)) values[i] = (pair){NAN, log ? values[i].im : (long double)NAN};
            if (top == -INFINITY && plan->has_empty) values[i] = (pair){plan->empty, 0.0L};
            if (any && !c.is_in[i]) values[i] = outside;
        }
        put_chunk(plan, out, start, n, values);
    }
}

/* Cumulative sums ------------------------------------------------------------------------------------------ */

static long double scaled(long double x, long double scale) { return isfinite(x) ? x * scale : x; }

static void rescale(lse_running_sum *r, long double scale)
{
    r->sum = scaled(r->sum, scale);
    r->lost = scaled(r->lost, scale);
}

/* A term that is infinite or not a number. */
static long double special(long double size, long double part)
{ return size == -INFINITY || part == 0.0L ? 0.0L : part * size; }

static void cumulate_row(const lse_long_doubles *all, const lse_row *row, char *out)
{
    const lse_plan *plan = all->plan;
    chunk c;
    pair values[LSE_SOME];
    long double top = -LDBL_MAX;
    running_pair sum = {{0.0L, 0.0L}, {0.0L, 0.0L}};
    LSE_EACH_CHUNK(plan, row, start, n)
    {
        fetch(all, row, start, n, &c);
        for (ptrdiff_t i = 0; i < n; i++) {
            const long double size = c.size[i];
            pair own = c.direction[i];
            if (!isfinite(size)) {
                add_pair(&sum, (pair){special(size, own.re), special(size, own.im)});
            } else {
                if (size > top) {
                    rescale(&sum.re, expl(top - size));
                    rescale(&sum.im, expl(top - size));
                    top = size;
                }
                const long double scale = expl(size - top);
                add_pair(&sum, (pair){scaled(own.re, scale), scaled(own.im, scale)});
            }
            const pair total = total_of(&sum);
            const long double magnitude = top + logl(hypotl(total.re, total.im));
            values[i] = (pair){magnitude, angle_of(magnitude, total)};
        }
        put_chunk(plan, out, start, n, values);
    }
}

void lse_run_long_complex(const lse_long_doubles *all, const lse_row *row, char *out)
{
    if (all->plan->operation == LSE_CUMULATE) cumulate_row(all, row, out);
    else if (lse_is_map(all->plan->operation)) map_row(all, row, out);
    else reduce_row(all, row, out);
}
