/* Numbers of twice the digits of a double: what results are judged by.
 *
 * u = 2^-106. Nothing here is taken from the sources that it judges. Sums and products are Dekker's and Knuth's; the
 * bounds of their errors are those of Joldes, Muller and Popescu, "Tight and rigorous error bounds for basic building
 * blocks of double-word arithmetic" (2017). The fused multiply-add must be exact, contraction off. */
#ifndef DOUBLE_DOUBLE_H
#define DOUBLE_DOUBLE_H

#include <math.h>

#include "constants.h"

/* hi + lo, hi being the double nearest to it. */
typedef double_double dd;

/* a + b exactly, where |a| >= |b| or a = 0. */
static inline dd quick_sum(double a, double b)
{
    const double sum = a + b;
    return (dd){sum, b - (sum - a)};
}

/* a + b exactly. */
static inline dd exact_sum(double a, double b)
{
    const double sum = a + b, of_b = sum - a;
    return (dd){sum, (a - (sum - of_b)) + (b - of_b)};
}

/* a b exactly, where it is not near the smallest numbers. */
static inline dd exact_product(double a, double b)
{
    const double hi = a * b;
    return (dd){hi, fma(a, b, -hi)};
}

/* Error below 3 u of |a + b| even where they cancel. */
static inline dd sum(dd a, dd b)
{
    const dd hi = exact_sum(a.hi, b.hi), lo = exact_sum(a.lo, b.lo), most = quick_sum(hi.hi, hi.lo + lo.hi);
    return quick_sum(most.hi, most.lo + lo.lo);
}

static inline dd minus(dd a) { return (dd){-a.hi, -a.lo}; }
static inline dd difference(dd a, dd b) { return sum(a, minus(b)); }
static inline dd absolute(dd a) { return a.hi < 0 ? minus(a) : a; }

/* Error below 5 u. */
static inline dd dd_product(dd a, dd b)
{
    const dd hi = exact_product(a.hi, b.hi);
    return quick_sum(hi.hi, hi.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline dd times(dd a, double b) { return dd_product(a, (dd){b, 0}); }

/* a 2^e exactly, where no digits fall below the smallest number. */
static inline dd scaled(dd a, double e)
{
    const int by = e < -4000 ? -4000 : (int)e;
    return (dd){scalbn(a.hi, by), scalbn(a.lo, by)};
}

/* e^r - 1, error below 2^-102 of it, for |r| < 0.36. The series left out is below 2^-108 of it; of terms from the
 * thirteenth on a double is enough. */
static inline dd dd_exp_minus_one(dd r)
{
    enum { LAST = 23, PAIRS = 13 };
    double tail = INVERSE_FACTORIALS[LAST].hi;
    for (int k = LAST - 1; k > PAIRS; k--) tail = tail * r.hi + INVERSE_FACTORIALS[k].hi;
    dd p = sum(INVERSE_FACTORIALS[PAIRS], exact_product(tail, r.hi));
    for (int k = PAIRS - 1; k >= 1; k--) {
        const dd higher = dd_product(p, r), most = quick_sum(INVERSE_FACTORIALS[k].hi, higher.hi);
        p = quick_sum(most.hi, most.lo + (INVERSE_FACTORIALS[k].lo + higher.lo));
    }
    return dd_product(p, r);
}

/* x - n ln 2, absolute error below 2^-104 for |n| < 2^48, where x and n ln 2 are near. */
static inline dd without_ln2(dd x, double n)
{
    const dd first = exact_product(n, LN2[0]), second = exact_product(n, LN2[1]);
    const dd most = sum((dd){x.hi - first.hi, 0}, difference((dd){x.lo, 0}, (dd){first.lo, 0}));
    return difference(difference(most, second), (dd){n * LN2[2], 0});
}

/* e^x = result 2^*n, error below 2^-101 of it, for |x| < 2^47 whose lower part is below 2^-53. */
static inline dd exponential(dd x, double *n)
{
    *n = rint(x.hi / LN2[0]);
    return sum((dd){1, 0}, dd_exp_minus_one(without_ln2(x, *n)));
}

/* log(x) for x in [2^-1000, 2^1000], error below 2^-103 of the greater of it and 1: a step of Newton's method from what
 * libm has. */
static inline dd logarithm(dd x)
{
    double n;
    const double first = log(x.hi);
    const dd power = exponential((dd){-first, 0}, &n), near_one = dd_product(scaled(x, n), power);
    const dd rest = sum(near_one, (dd){-1, 0});
    return sum((dd){first, 0}, difference(rest, (dd){0.5 * rest.hi * rest.hi, 0}));
}

/* log(1 + w 2^e) = result 2^e for w 2^e < 2^-20: error below 2^-100 of it. */
static inline dd small_log_one_plus(dd w, double e)
{
    const dd x = scaled(w, e);
    dd p = sum(times(x, -0.25), THIRD);
    p = sum(minus(dd_product(p, x)), (dd){0.5, 0});
    p = sum(minus(dd_product(p, x)), (dd){1, 0});
    return dd_product(w, p);
}

#endif
