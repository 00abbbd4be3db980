/* log|b e^x - b e^y|, as accurate as log(expm1).
 *
 * With x the greater it is x + log|b| + log(1 - q), q = e^(y - x): x and the multiples of ln 2 are exact, q and the
 * logarithms are pairs, and the sum of all keeps four times the digits of a double. Some digits of the pairs are enough
 * unless the result is near 0; then all are taken. Error below .51 ulp where the result is 2^-47 and more; of
 * lesser ones 2^-110 is the worst seen: x = 0.07129222028765064, y = -2.6051101945206234, b = 1. */
#include "pair.h"

/* log(m 2^e) without e ln 2, for some e, to which the exponent of m is added. */
LSE_INLINE pair log_of_pair(pair m, series s, int *e)
{
    int own;
    const double fraction = frexp(m.hi, &own);
    own -= fraction < 0x1.6a09e667f3bcdp-1;
    const pair d = two_sum(ldexp(m.hi, -own), -1.0);
    *e += own;
    return log_one_plus_by(two_sum(d.hi, d.lo + ldexp(m.lo, -own)), s);
}

/* log(1 - e^d) for d < 0, likewise. e^d = 2^k e^r. */
LSE_INLINE pair log_of_rest(pair d, series s, int *e)
{
    if (d.hi < -745.2) return (pair){0.0, 0.0};
    const double k = (d.hi * LOG2E_f64 + 0x1.8p52) - 0x1.8p52;
    const pair x = two_sum(d.hi - k * LN2_SHORT, d.lo), r = two_sum(x.hi, -k * LN2_MIDDLE);
    const pair p = exp_minus_one_by(two_sum(r.hi, r.lo + x.lo - k * LN2_LEAST), s);
    if (k == 0.0) return log_of_pair((pair){-p.hi, -p.lo}, s, e);
    const double first = pow2(k > -500.0 ? k : -500.0), second = pow2(k > -500.0 ? 0.0 : k + 500.0);
    const pair power = two_sum(1.0, p.hi);
    const pair q = {power.hi * first * second, (power.lo + p.lo) * first * second};
    if (q.hi < 0.29) return log_one_plus_by((pair){-q.hi, -q.lo}, s);
    const pair m = two_sum(1.0, -q.hi);
    return log_of_pair((pair){m.hi, m.lo - q.lo}, s, e);
}

/* The sum of some numbers, with four times the digits of a double. */
LSE_INLINE pair sum_of(double *part, int count)
{
    for (int times = 0; times < 3; times++)
        for (int i = 1; i < count; i++) {
            const pair s = two_sum(part[i], part[i - 1]);
            part[i] = s.hi;
            part[i - 1] = s.lo;
        }
    double rest = 0.0;
    for (int i = 0; i < count - 1; i++) rest += part[i];
    return two_sum(part[count - 1], rest);
}

static pair log_of_difference(double x, pair d, double b, series s)
{
    int e = 0;
    const pair of_b = b == 1.0 ? (pair){0.0, 0.0} : log_of_pair((pair){b, 0.0}, s, &e);
    const pair rest = log_of_rest(d, s, &e);
    double parts[] = {rest.lo, of_b.lo, e * LN2_LEAST, rest.hi, of_b.hi, e * LN2_MIDDLE, e * LN2_SHORT, x};
    return sum_of(parts, sizeof parts / sizeof parts[0]);
}

static int log_difference(const double *x, const double *b, double *value, double *value_lo, double *sign)
{
    const int greater = x[1] > x[0];
    const double top = x[greater], other = x[1 - greater], size = fabs(b[0]);
    if (b[0] != -b[1] || !(size > 0.0 && size < INFINITY) || !isfinite(top) || !isfinite(other) || top == other)
        return 0;
    /* no part overflows where both are of ordinary size */
    const pair d = fabs(top) < 0x1p1000 && fabs(other) < 0x1p1000 ? two_sum(other, -top) : (pair){other - top, 0.0};
    pair result = log_of_difference(top, d, size, SOME_DIGITS);
    if (fabs(result.hi) < 0x1p-20) result = log_of_difference(top, d, size, ALL_DIGITS);
    *value = result.hi;
    *value_lo = result.lo;
    *sign = b[greater] > 0.0 ? 1.0 : -1.0;
    return 1;
}
