/* Double-double arithmetic, for what is done once per row. */
#ifndef LSE_PAIR_H
#define LSE_PAIR_H

#include <math.h>

#include "coefficients.h"
#include "target.h"

/* hi + lo, |lo| about 2^-53 of |hi| */
typedef struct {
    double hi, lo;
} pair;

/* a + b exactly (Knuth). */
LSE_INLINE pair two_sum(double a, double b)
{
    const double sum = a + b, of_b = sum - a;
    return (pair){sum, (a - (sum - of_b)) + (b - of_b)};
}

/* a b, within 2^-103 of it. */
LSE_INLINE pair product(pair a, pair b)
{
    const double hi = a.hi * b.hi;
    return (pair){hi, fma(a.hi, b.hi, -hi) + (a.hi * b.lo + a.lo * b.hi)};
}

/* How many terms the series of e^r - 1 has, and how many of them are pairs: within 2^-102 of it, the series left out is
 * below 2^-114 r; or within 2^-76. */
typedef struct {
    int terms, pairs;
} series;
enum {
    ALL_TERMS = sizeof INVERSE_FACTORIAL / sizeof(double),
    ALL_PAIRS = sizeof INVERSE_FACTORIAL_LO / sizeof(double)
};
static const series ALL_DIGITS = {ALL_TERMS, ALL_PAIRS}, SOME_DIGITS = {19, 8};

/* e^r - 1 for |r| < 0.3467. */
LSE_INLINE pair exp_minus_one_by(pair r, series s)
{
    pair p = {INVERSE_FACTORIAL[s.terms - 1], 0.0};
    int k = s.terms - 2;
    for (; k >= s.pairs; k--) p.hi = p.hi * r.hi + INVERSE_FACTORIAL[k];
    for (; k > 0; k--) {
        const pair higher = product(p, r);
        p = two_sum(INVERSE_FACTORIAL[k], higher.hi);
        p.lo += INVERSE_FACTORIAL_LO[k] + higher.lo;
    }
    return product(r, p);
}

/* log(1 + d) for 1 + d within sqrt(2) of 1, within 2^-101 of it, or 2^-74: a step of Newton's method from what a double
 * holds. */
LSE_INLINE pair log_one_plus_by(pair d, series e)
{
    enum { TERMS = sizeof ATANH / sizeof ATANH[0] };
    const double z = d.hi / (2.0 + d.hi), s = z * z;
    double p = ATANH[TERMS - 1];
    for (int i = TERMS - 2; i >= 0; i--) p = p * s + ATANH[i];
    const pair y = {2.0 * (z + z * s * p), 0.0}, reached = exp_minus_one_by(y, e);
    return (pair){y.hi, ((d.hi - reached.hi) + (d.lo - reached.lo)) / (1.0 + d.hi)};
}

LSE_INLINE pair exp_minus_one(pair r) { return exp_minus_one_by(r, ALL_DIGITS); }
LSE_INLINE pair log_one_plus(pair d) { return log_one_plus_by(d, ALL_DIGITS); }

#endif
