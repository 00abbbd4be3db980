/* Arithmetic of running sums: a few operations per sum, in double or double-double precision. */
#include "engine/sums.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/types.h"
#include "kernels/pair.h"

#define TOP 0x1p500 /* the magnitude of the term e^max at its anchor */

static int is_far(lse_sum s) { return isinf(s.tail_lo); }
static int is_nothing(lse_sum s) { return s.max == -INFINITY && !isnan(s.tail); }

lse_sum lse_no_sum(void) { return (lse_sum){-INFINITY, 0.0, 0.0, 0.0}; }
static lse_sum infinite_sum(double terms) { return (lse_sum){INFINITY, terms, INFINITY, 0.0}; }
static lse_sum not_a_sum(void) { return (lse_sum){-INFINITY, NAN, 0.0, 0.0}; }

/* e^x = (hi + lo) 2^n, hi within a factor sqrt(2) of 1, within 2^-100 for |x| < 2^10; n is an integer. The first
 * product with n is exact, and so is its difference from x. */
static pair exp_of(pair x, double *n)
{
    *n = (x.hi * LOG2E_f64 + 0x1.8p52) - 0x1.8p52;
    const pair r = two_sum(fma(*n, -LN2_HI_f64, x.hi), fma(*n, -LN2_LO_f64, x.lo));
    const pair rest = exp_minus_one(r), e = two_sum(1.0, rest.hi);
    return (pair){e.hi, e.lo + rest.lo};
}

/* n ln 2 */
static pair log_of_power(double n)
{
    const double hi = n * LN2_HI_f64;
    return two_sum(hi, fma(n, LN2_LO_f64, fma(n, LN2_HI_f64, -hi)));
}

/* e^d for d <= 1 */
static double exp_down(double d)
{
    double n;
    if (!(d >= -1000.0)) return 0.0;
    const pair e = exp_of((pair){d, 0.0}, &n);
    return ldexp(e.hi, (int)n);
}

/* tail e^lo, where lo is the rounding error of a logarithm; a lo above 1 is less than an ulp of that, and is ignored */
static double tail_with(double tail, double lo) { return fabs(lo) <= 1.0 ? tail * exp_down(lo) : tail; }

lse_sum lse_sum_of(double value, double value_lo, double sign)
{
    double n;
    if (isnan(value) || isnan(sign)) return not_a_sum();
    if (value == -INFINITY) return lse_no_sum();
    if (value == INFINITY) return infinite_sum(sign);
    if (fabs(value) > LSE_FAR_f64) return (lse_sum){value, sign * TOP, INFINITY, 0.0};
    const pair e = exp_of((pair){value, value_lo}, &n);
    return (lse_sum){n, sign * TOP * e.hi, sign * TOP * e.lo, 0.0};
}

/* Merging -------------------------------------------------------------------------------------------------- */

/* A finite sum as e^(max + count) tail 2^-500. */
static lse_sum far_of(lse_sum s, int weighted)
{
    double n;
    if (is_far(s)) return s;
    if (weighted) {
        const pair max = log_of_power(s.max);
        return (lse_sum){max.hi, tail_with(s.tail, max.lo), INFINITY, 0.0};
    }
    return (lse_sum){s.max, s.count * TOP + s.tail / exp_of((pair){s.max, 0.0}, &n).hi, INFINITY, 0.0};
}

static lse_sum merge_far(lse_sum a, lse_sum b, int weighted)
{
    if (isnan(a.tail) || isnan(b.tail)) return not_a_sum();
    if (a.max == INFINITY && b.max == INFINITY)
        return (a.tail > 0.0) == (b.tail > 0.0) ? infinite_sum(a.tail + b.tail) : not_a_sum();
    if (a.max == INFINITY || is_nothing(b)) return a;
    if (b.max == INFINITY || is_nothing(a)) return b;
    const lse_sum far_a = far_of(a, weighted), far_b = far_of(b, weighted);
    const double above = (far_a.max - far_b.max) + (far_a.count - far_b.count), down = -fabs(above);
    const int a_is_high = above >= 0.0;
    if (down < -5000.0) return a_is_high ? a : b; /* unchanged: it may be in the other form, with more digits */
    const lse_sum high = a_is_high ? far_a : far_b, low = a_is_high ? far_b : far_a;
    return (lse_sum){high.max, high.tail + low.tail * exp_down(down), INFINITY, high.count};
}

/* Copies sums to the arrays of a kernel, padded to whole vectors; returns whether any is out of the kernels' range. */
static int to_states(lse_sums s, ptrdiff_t count, lse_states *states)
{
    const size_t size = (size_t)count * sizeof(double);
    int any_far = 0;
    memcpy(states->max, s.max, size);
    memcpy(states->tail, s.tail, size);
    memcpy(states->tail_lo, s.tail_lo, size);
    memcpy(states->count, s.count, size);
    for (ptrdiff_t i = count; i % 8 != 0; i++) lse_put_sum(lse_sums_in(states), i, lse_no_sum());
    for (ptrdiff_t i = 0; i < count; i++) any_far |= fabs(s.tail_lo[i]) > DBL_MAX;
    return any_far;
}

void lse_merge_few(const lse_kernels *table, int weighted, lse_sums out, lse_sums a, lse_sums b, ptrdiff_t count)
{
    const size_t size = (size_t)count * sizeof(double);
    lse_states both, other;
    const int any_far = to_states(a, count, &both) | to_states(b, count, &other);
    (weighted ? table->weighted_merge : table->merge)(&both, &other, count);
    for (ptrdiff_t i = 0; i < count && any_far; i++) {
        const lse_sum one = lse_sum_at(a, i), two = lse_sum_at(b, i);
        if (is_far(one) || is_far(two)) lse_put_sum(lse_sums_in(&both), i, merge_far(one, two, weighted));
    }
    memcpy(out.max, both.max, size);
    memcpy(out.tail, both.tail, size);
    memcpy(out.tail_lo, both.tail_lo, size);
    memcpy(out.count, both.count, size);
}

/* Two arrays of sums to be merged, SHARE of them in each task. */
enum { SHARE = 16 * LSE_BATCH };
typedef struct {
    const lse_kernels *table;
    int weighted;
    lse_sums out, a, b;
    ptrdiff_t count;
} merging;

static void merge_task(void *context, ptrdiff_t index)
{
    const merging *m = (const merging *)context;
    const ptrdiff_t end = (index + 1) * SHARE < m->count ? (index + 1) * SHARE : m->count;
    for (ptrdiff_t i = index * SHARE; i < end; i += LSE_BATCH)
        lse_merge_few(m->table, m->weighted, lse_sums_from(m->out, i), lse_sums_from(m->a, i), lse_sums_from(m->b, i),
                      end - i < LSE_BATCH ? end - i : LSE_BATCH);
}

void lse_merge_sums(const lse_kernels *table, int weighted, lse_sums out, lse_sums a, lse_sums b, ptrdiff_t count,
                    lse_run run)
{
    const lse_fp_state found = lse_fp_enter();
    merging m = {table, weighted, out, a, b, count};
    run(merge_task, &m, (count + SHARE - 1) / SHARE, lse_threads_for(16 * count, lse_types[LSE_F64].parallel_from, 0));
    lse_fp_leave(found);
}

lse_sum lse_merge_sum(const lse_kernels *table, int weighted, lse_sum a, lse_sum b)
{
    const lse_fp_state found = lse_fp_enter();
    const lse_sums into = {&a.max, &a.tail, &a.tail_lo, &a.count}, from = {&b.max, &b.tail, &b.tail_lo, &b.count};
    lse_merge_few(table, weighted, into, into, from, 1);
    lse_fp_leave(found);
    return a;
}

/* Finishing ------------------------------------------------------------------------------------------------ */

/* An unweighted sum as a weighted one. */
static lse_sum weighted_of(lse_sum s)
{
    double n;
    if (is_far(s) || isnan(s.tail) || is_nothing(s)) return s;
    const pair top = product((pair){TOP * s.count, 0.0}, exp_of((pair){s.max, 0.0}, &n)), sum = two_sum(top.hi, s.tail);
    return (lse_sum){n, sum.hi, sum.lo + top.lo + s.tail_lo, 0.0};
}

/* A weighted sum normalised to a tail between 2^500 and 2^501, or empty. */
static lse_sum scaled(lse_sum s)
{
    int e;
    if (is_far(s) || isnan(s.tail) || is_nothing(s)) return s;
    const pair sum = two_sum(s.tail, s.tail_lo);
    if (sum.hi == 0.0) return lse_no_sum();
    frexp(sum.hi, &e);
    return (lse_sum){s.max + (e - 501), ldexp(sum.hi, 501 - e), ldexp(sum.lo, 501 - e), 0.0};
}

double lse_log(double t)
{
    int e;
    const double half = frexp(t, &e), f = half < 0x1.6a09e667f3bcdp-1 ? 2.0 * half : half;
    const pair of_e = log_of_power(f == half ? e : e - 1), of_f = log_one_plus((pair){f - 1.0, 0.0});
    const pair sum = two_sum(of_e.hi, of_f.hi);
    return sum.hi + (sum.lo + of_e.lo + of_f.lo);
}

double lse_log_of_count(const lse_kernels *table, ptrdiff_t count, double *lo)
{
    int e;
    lse_states state;
    lse_results results;
    lse_put_sum(lse_sums_in(&state), 0, lse_no_sum());
    state.tail[0] = ldexp(frexp((double)count, &e), 501);
    state.max[0] = e - 1;
    table->weighted_finish(&state, 1, &results);
    *lo = results.value_lo[0];
    return results.value[0];
}

/* Finishes a sum that no kernel handles. */
static void finish_far(lse_sum s, ptrdiff_t i, lse_results *results)
{
    double value = NAN, value_lo = 0.0, sign = NAN;
    if (is_nothing(s) || (s.tail == 0.0 && is_far(s))) {
        value = -INFINITY;
        sign = 0.0;
    } else if (is_far(s)) {
        const pair log = two_sum(s.max, s.count + lse_log(fabs(s.tail) * 0x1p-500));
        value = s.max == INFINITY ? INFINITY : log.hi;
        value_lo = s.max == INFINITY ? 0.0 : log.lo;
        sign = s.tail > 0.0 ? 1.0 : -1.0;
    }
    results->value[i] = value;
    results->value_lo[i] = value_lo;
    results->sign[i] = sign;
}

void lse_finish_sums(const lse_kernels *table, lse_type type, lse_sums plain, lse_sums weighted, ptrdiff_t count,
                     lse_results *results)
{
    lse_states states;
    const lse_sums sums = lse_sums_in(&states);
    to_states(plain, count, &states);
    for (ptrdiff_t i = 0; i < count && weighted.max; i++)
        lse_put_sum(sums, i,
                    scaled(lse_merge_sum(table, 1, weighted_of(lse_sum_at(plain, i)), lse_sum_at(weighted, i))));
    (weighted.max ? table->weighted_finish : table->real[type].finish)(&states, count, results);
    for (ptrdiff_t i = 0; i < count; i++) {
        const lse_sum s = lse_sum_at(sums, i);
        if (!weighted.max) results->sign[i] = 1.0;
        if (is_far(s) || isnan(s.tail) || is_nothing(s)) finish_far(s, i, results);
    }
}

void lse_state_of(lse_sum s, double most, ptrdiff_t i, lse_states *states, double *shift, ptrdiff_t *infinities)
{
    double n;
    *shift = 0.0;
    *infinities = 0;
    if (s.max == INFINITY) {
        *infinities = (ptrdiff_t)s.tail;
    } else if (is_far(s)) {
        *shift = s.max;
        s = (lse_sum){0.0, s.tail - TOP, 0.0, 1.0};
    } else if (fabs(s.max) > most && s.max > -INFINITY) {
        *shift = s.max;
        s = (lse_sum){0.0, s.tail / exp_of((pair){s.max, 0.0}, &n).hi, 0.0, s.count};
    }
    lse_put_sum(lse_sums_in(states), i, s);
}
