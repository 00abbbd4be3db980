/* Numbers of any magnitude, and sums of exponentials. */
#ifndef WIDE_H
#define WIDE_H

#include "double_double.h"

/* number 2^e, for results and sums that a double could not hold. */
typedef struct {
    dd number;
    double e;
} wide;

/* e^greatest (1 + rest): a sum of exponentials. */
typedef struct {
    double greatest;
    wide rest;
} exponentials;

static const exponentials nothing = {-INFINITY, {{0, 0}, 0}};

static inline wide wide_sum(wide a, wide b)
{
    if (a.number.hi == 0) return b;
    if (b.number.hi == 0) return a;
    const wide large = a.e > b.e ? a : b, small = a.e > b.e ? b : a;
    const dd added = sum(large.number, scaled(small.number, small.e - large.e));
    if (added.hi == 0) return (wide){{0, 0}, 0};
    const double by = logb(added.hi);
    return (wide){scaled(added, -by), large.e + by};
}

/* e^x; 0 where that is below e^-1e6. */
static inline wide wide_exponential(dd x)
{
    wide result = {{0, 0}, 0};
    if (x.hi > -1e6) result.number = exponential(x, &result.e);
    return result;
}

/* a - b, -inf where that overflows. */
static inline dd minus_greater(double a, double b)
{
    if (a - b == -INFINITY) return (dd){-INFINITY, 0};
    return exact_sum(a, -b);
}

static inline void add_exponential(exponentials *s, double x)
{
    if (x == -INFINITY) return;
    if (x > s->greatest) {
        const wide old = wide_exponential(minus_greater(s->greatest, x));
        const wide more = {dd_product(s->rest.number, old.number), s->rest.e + old.e};
        s->rest = wide_sum(old, more);
        s->greatest = x;
    } else s->rest = wide_sum(s->rest, wide_exponential(minus_greater(x, s->greatest)));
}

/* log(1 + rest) */
static inline wide log_of_rest(const exponentials *s)
{
    const wide w = s->rest;
    if (w.e < -22) return (wide){small_log_one_plus(w.number, w.e), w.e};
    return (wide){logarithm(sum((dd){1, 0}, scaled(w.number, w.e))), 0};
}

/* greatest + log(1 + rest) */
static inline wide log_of(const exponentials *s)
{
    const wide more = log_of_rest(s);
    if (s->greatest == 0) return more;
    return (wide){sum((dd){s->greatest, 0}, scaled(more.number, more.e)), 0};
}

#endif
