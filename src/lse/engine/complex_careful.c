/* Complex sums with NaN or infinities, or of elements farther out than the kernels go, or that cancel. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/complex.h"
#include "kernels/pair.h"
#include "kernels/target.h"

/* What the elements of a sum are: of maps only those parts that come from them. */
typedef struct {
    lse_component x, y;
    int nan, infinite; /* of the real parts */
    double max;        /* the greatest finite real part */
    int exponent;      /* of the greatest weight */
} census;

/* 0 times anything is nothing. */
static double times(double a, double b) { return a == 0.0 || b == 0.0 ? 0.0 : a * b; }

/* A term w e^re of one of the components. */
static void note(lse_component *c, double re, double w)
{
    if (w == 0.0) return;
    if (isnan(re) || isnan(w) || (re == -INFINITY && isinf(w))) c->nan = 1;
    else if (re == INFINITY || isinf(w)) *(w > 0.0 ? &c->plus : &c->minus) = 1;
}

/* b e^(i im), as the C standard has the directions of infinite elements. */
static void direction_of(const lse_plan *plan, const double *a, const double *b, double *x, double *y)
{
    double cosine = NAN, sine = NAN;
    if (isfinite(a[1])) plan->complex->direction(a[1], &cosine, &sine);
    else if (a[0] == INFINITY) cosine = 1.0;
    if (!b) {
        *x = cosine;
        *y = sine;
        return;
    }
    *x = times(b[0], cosine) - times(b[1], sine);
    *y = times(b[0], sine) + times(b[1], cosine);
}

static int exponent_of_weight(const double *b)
{
    int exponent = 0;
    const double size = fmax(fabs(b[0]), fabs(b[1]));
    if (!isfinite(size) || size == 0.0) return INT_MIN;
    frexp(size, &exponent);
    return exponent;
}

static void look_at(const lse_plan *plan, const double *a, const double *b, census *c)
{
    double x, y;
    if (b && b[0] == 0.0 && b[1] == 0.0) return;
    if (a[0] == -INFINITY && (!b || (isfinite(b[0]) && isfinite(b[1])))) return;
    direction_of(plan, a, b, &x, &y);
    note(&c->x, a[0], x);
    note(&c->y, a[0], y);
    c->nan |= isnan(a[0]);
    c->infinite |= a[0] == INFINITY;
    if (isfinite(a[0])) c->max = fmax(c->max, a[0]);
    if (b && exponent_of_weight(b) > c->exponent) c->exponent = exponent_of_weight(b);
}

/* Elements of a row, and their weights if there are any. */
static void fetch(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, double *a, double *b)
{
    lse_fetch_doubles(plan, m, 0, start, n, a);
    if (m->row.weight) lse_fetch_doubles(plan, m, 1, start, n, b);
}

static census look_at_all(const lse_plan *plan, const lse_member *m)
{
    census c = {.max = -INFINITY, .exponent = INT_MIN};
    double a[2 * LSE_SHORT], b[2 * LSE_SHORT];
    for (ptrdiff_t start = 0, n; start < m->row.n && !lse_is_stopped(plan->failed); start += n) {
        n = lse_least(LSE_SHORT, m->row.n - start);
        fetch(plan, m, start, n, a, b);
        for (ptrdiff_t i = 0; i < n; i++) look_at(plan, a + 2 * i, m->row.weight ? b + 2 * i : NULL, &c);
    }
    return c;
}

static int is_unknown(const lse_component *c) { return c->nan || (c->plus && c->minus); }
static int sign_of(const lse_component *c) { return c->plus - c->minus; }

/* Of a sum with NaN or infinities. */
static void special_value(const lse_plan *plan, const census *c, lse_complex_value *value)
{
    const int unknown = is_unknown(&c->x) || is_unknown(&c->y), x = sign_of(&c->x), y = sign_of(&c->y);
    const int infinite = (x != 0 && !is_unknown(&c->x)) || (y != 0 && !is_unknown(&c->y));
    const int eighths = y == 0 ? (x < 0 ? 4 : 0) : y * (2 - x);
    *value = (lse_complex_value){.log = infinite ? INFINITY : NAN, .angle = unknown ? NAN : eighths * (0.25 * PI_HI)};
    value->sign_re = value->sign_im = NAN;
    if (!unknown) plan->complex->direction(value->angle, &value->sign_re, &value->sign_im);
}

static pair add(pair a, pair b)
{
    const pair sum = two_sum(a.hi, b.hi), low = two_sum(a.lo, b.lo);
    return two_sum(sum.hi, sum.lo + low.hi + low.lo);
}

/* Sum 0, less its shift and a power of two of its weights. */
static void put_value(const lse_plan *plan, const lse_complex_sums *sums, pair more, lse_complex_value *value)
{
    lse_complex_results r;
    plan->complex->finish(sums, plan->first.weight != NULL, plan->sign != NULL, &r);
    const pair log = add((pair){r.log[0], r.log_lo[0]}, more);
    *value = (lse_complex_value){log.hi, log.lo, r.angle[0], r.angle_lo[0], 0.0, 0.0};
    if (!plan->sign) return;
    value->sign_re = r.sign_re[0];
    value->sign_im = r.sign_im[0];
}

/* e^x for x <= 0, within 2^-100 of it where it is a normal number. */
static pair exp_of(pair x)
{
    const double n = nearbyint(x.hi * LOG2E_f64);
    const pair ln2 = {-LN2_HI_f64, -LN2_LO_f64}, r = add(x, product((pair){n, 0.0}, ln2));
    const pair e = add((pair){1.0, 0.0}, exp_minus_one(r));
    if (!(x.hi > -1e4)) return (pair){0.0, 0.0};
    return (pair){ldexp(e.hi, (int)n), ldexp(e.lo, (int)n)};
}

static int is_stopped(void *failed) { return lse_is_stopped((int *)failed); }

/* The sum (x + i y) 2^anchor in all lanes. */
static lse_complex_sums in_all_lanes(double anchor, pair x, pair y)
{
    const double up = 0x1p500;
    const lse_complex_sums one = {{anchor}, {0.0}, {x.hi * up}, {x.lo * up}, {y.hi * up}, {y.lo * up}, {-1}};
    lse_complex_sums sums;
    lse_put_sum_in_all(&one, 0, &sums);
    return sums;
}

/* The parts of the sum by themselves: weights of equal real parts are added without rounding. */
static void exact_value(const lse_plan *plan, const lse_member *m, int power, lse_complex_value *value)
{
    const size_t n = (size_t)m->row.n;
    const double half = ldexp(1.0, power / 2), other = ldexp(1.0, power - power / 2);
    double a[2 * LSE_SHORT], b[2 * LSE_SHORT], log[2], log_lo[2], sign[2];
    double *x = (double *)malloc((4 * n + (size_t)lse_room_for(m->row.n)) * sizeof(double));
    if (!x) {
        LSE_STORE(plan->failed, LSE_NO_MEMORY);
        return;
    }
    for (ptrdiff_t start = 0, some; start < m->row.n && !lse_is_stopped(plan->failed); start += some) {
        some = lse_least(LSE_SHORT, m->row.n - start);
        fetch(plan, m, start, some, a, b);
        for (ptrdiff_t i = 0; i < some; i++) {
            double *to = x + start + i;
            const double scaled[2] = {b[2 * i] * half * other, b[2 * i + 1] * half * other};
            to[0] = to[2 * n] = a[2 * i];
            to[n] = to[3 * n] = 0.0;
            if (a[2 * i] > -INFINITY) direction_of(plan, a + 2 * i, scaled, &to[n], &to[3 * n]);
        }
    }
    for (int part = 0; part < 2 && !lse_is_stopped(plan->failed); part++)
        plan->table->sum_exactly(x + 2 * n * (size_t)part, x + n + 2 * n * (size_t)part, m->row.n, x + 4 * n,
                                 is_stopped, plan->failed, &log[part], &log_lo[part], &sign[part]);
    free(x);
    *value = (lse_complex_value){.log = -INFINITY};
    if (lse_is_stopped(plan->failed) || (sign[0] == 0.0 && sign[1] == 0.0)) return;
    const int greater = sign[0] == 0.0 || (sign[1] != 0.0 && log[1] > log[0]);
    pair part[2];
    for (int j = 0; j < 2; j++) {
        const pair down = add((pair){log[j], log_lo[j]}, (pair){-log[greater], -log_lo[greater]});
        part[j] = sign[j] == 0.0 ? (pair){0.0, 0.0} : exp_of(down);
    }
    const lse_complex_sums sums = in_all_lanes(0.0, (pair){sign[0] * part[0].hi, sign[0] * part[0].lo},
                                               (pair){sign[1] * part[1].hi, sign[1] * part[1].lo});
    const pair of_power = product((pair){-power, 0.0}, (pair){LN2_HI_f64, LN2_LO_f64});
    put_value(plan, &sums, add(add((pair){log[greater], log_lo[greater]}, (pair){m->shift, 0.0}), of_power), value);
}

/* Elements so far out are taken less the greatest of them. */
static double shift_for(const lse_plan *plan, double max) { return fabs(max) > 0.5 * plan->type->most ? max : 0.0; }

void lse_careful_value(const lse_plan *plan, const lse_member *m, int threads, lse_complex_value *value)
{
    enum { MOST_EXPONENT = 900 }; /* of weights: their sums are far from the end of the range */
    const census c = look_at_all(plan, m);
    lse_member again = *m;
    lse_complex_sums sums;
    if (is_unknown(&c.x) || is_unknown(&c.y) || sign_of(&c.x) != 0 || sign_of(&c.y) != 0) {
        special_value(plan, &c, value);
        return;
    }
    *value = (lse_complex_value){.log = -INFINITY};
    if (c.max == -INFINITY || lse_is_stopped(plan->failed)) return;
    again.shift = shift_for(plan, c.max);
    lse_sum_member(plan, &again, threads, &sums);
    if (lse_is_in_range(plan, &sums, 0)) put_value(plan, &sums, (pair){again.shift, 0.0}, value);
    else if (m->row.weight) exact_value(plan, &again, MOST_EXPONENT - c.exponent, value);
}

int lse_careful_member(const lse_plan *plan, lse_member *m)
{
    const census c = look_at_all(plan, m);
    if (c.nan) return 0;
    m->infinite = c.infinite;
    if (!c.infinite) m->shift = shift_for(plan, c.max);
    return 1;
}

/* Cumulative sums ------------------------------------------------------------------------------------------ */

/* x + i y = the sum over e^max of elements farther out than the kernels go, where an ulp of it is 2^-6 at least. */
static void add_far(const lse_plan *plan, lse_complex_prefix *p, const double *a)
{
    double cosine, sine;
    if (!p->is_far || a[0] > p->max) {
        const pair down = p->is_far ? exp_of((pair){p->max - a[0], 0.0}) : (pair){0.0, 0.0};
        p->x = p->is_far ? product(p->x, down) : down;
        p->y = p->is_far ? product(p->y, down) : down;
        p->max = a[0];
        p->is_far = 1;
    }
    const pair size = exp_of((pair){a[0] - p->max, 0.0});
    plan->complex->direction(a[1], &cosine, &sine);
    p->x = add(p->x, product(size, (pair){cosine, 0.0}));
    p->y = add(p->y, product(size, (pair){sine, 0.0}));
}

static void far_value(const lse_plan *plan, const lse_complex_prefix *p, lse_complex_value *value)
{
    const lse_complex_sums sums = in_all_lanes(0.0, p->x, p->y);
    lse_complex_results r;
    plan->complex->finish(&sums, 1, 0, &r);
    *value = (lse_complex_value){.log = p->max + r.log[0], .angle = r.angle[0]};
}

/* Elements farther below a sum add nothing. */
enum { FAR_BELOW = 800 };

/* What the kernels have summed, as x + i y times e^max. */
static void make_far(const lse_plan *plan, lse_complex_prefix *p)
{
    const lse_complex_running *own = &p->running;
    const lse_complex_sums one = {{own->anchor}, {0.0}, {own->x}, {own->x_lo}, {own->y}, {own->y_lo}, {-1}};
    lse_complex_sums sums;
    lse_complex_results r;
    lse_put_sum_in_all(&one, 0, &sums);
    plan->complex->finish(&sums, 1, 1, &r);
    const pair size = exp_of((pair){r.log_lo[0], 0.0});
    p->is_far = r.log[0] > -INFINITY;
    p->max = r.log[0];
    p->x = product(size, (pair){r.sign_re[0], 0.0});
    p->y = product(size, (pair){r.sign_im[0], 0.0});
    p->running.anchor = -INFINITY;
}

/* What the sum has been before. */
static void near_value(const lse_plan *plan, lse_complex_prefix *p, lse_complex_value *value)
{
    const double none[2] = {-INFINITY, 0.0};
    lse_complex_line nothing;
    double pair_of[2];
    lse_put_element(plan, none, &nothing);
    plan->complex->cumulate(&nothing, 1, &p->running);
    lse_take_element(plan, &nothing, 0, pair_of);
    *value = (lse_complex_value){.log = pair_of[0], .angle = pair_of[1]};
}

int lse_is_near(const lse_plan *plan, const lse_complex_prefix *p, double re)
{
    const int special =
        p->seen_x.nan | p->seen_x.plus | p->seen_x.minus | p->seen_y.nan | p->seen_y.plus | p->seen_y.minus;
    return !special && fabs(re) <= plan->type->most && (!p->is_far || re > p->max + FAR_BELOW);
}

void lse_careful_prefix(const lse_plan *plan, lse_complex_prefix *p, const double *a, lse_complex_value *value)
{
    census c = {.x = p->seen_x, .y = p->seen_y, .max = -INFINITY, .exponent = INT_MIN};
    look_at(plan, a, NULL, &c);
    p->seen_x = c.x;
    p->seen_y = c.y;
    if (is_unknown(&c.x) || is_unknown(&c.y) || sign_of(&c.x) != 0 || sign_of(&c.y) != 0) {
        special_value(plan, &c, value);
        return;
    }
    near_value(plan, p, value);
    if (a[0] > -INFINITY && !p->is_far && a[0] >= value->log - FAR_BELOW) make_far(plan, p);
    if (a[0] > -INFINITY && (p->is_far ? a[0] >= p->max - FAR_BELOW : value->log == -INFINITY)) add_far(plan, p, a);
    if (p->is_far) far_value(plan, p, value);
}
