/* log(e^x + e^y) and log(e^x - e^y) where the result is near 0, in fixed point.
 *
 * d = (e^x - 1) + e^y, or minus, is computed with an error below 2^-120 of its terms, and if it is below 2^-62 of them
 * again with an error below 2^-180. The result is log(1 + d), rounded twice: its error is below 0.51 ulp if |d| is
 * above 2^-120 of the terms. That is presumably true of every pair of doubles: for the y that is best for a random x, d
 * is about 2^-54 of the terms, and there are 2^62 x, so that the least is to be expected near 2^-116 of them. */
#include "log_near_one.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "coefficients.h"
#include "target.h"

/* An integer of 192 bits, the least significant word first. In units of 2^-192 it is a fraction; in units of 2^-190, in
 * two's complement, a number in [-2, 2). */
typedef struct {
    uint64_t word[3];
} fixed;

/* *low += x, with the carry to *high. */
LSE_INLINE void add_word(uint64_t *low, uint64_t *high, uint64_t x)
{
    *low += x;
    *high += *low < x;
}

LSE_INLINE fixed sum(fixed a, fixed b)
{
    uint64_t first = 0, second = 0;
    add_word(&a.word[0], &first, b.word[0]);
    add_word(&a.word[1], &second, b.word[1]);
    add_word(&a.word[1], &second, first);
    a.word[2] += b.word[2] + second;
    return a;
}

LSE_INLINE fixed minus(fixed a)
{
    const fixed one = {{1, 0, 0}};
    for (int i = 0; i < 3; i++) a.word[i] = ~a.word[i];
    return sum(a, one);
}

/* a b / 2^192, at most 4 units too small; with two words, whose lowest ones are 0, at most 3 units of 2^64. */
LSE_INLINE fixed product(fixed a, fixed b, const int words)
{
    fixed p = {{0, lse_high_word(a.word[1], b.word[2]), lse_high_word(a.word[2], b.word[2])}};
    add_word(&p.word[1], &p.word[2], lse_high_word(a.word[2], b.word[1]));
    add_word(&p.word[1], &p.word[2], a.word[2] * b.word[2]);
    if (words == 2) return p;
    uint64_t carry = 0;
    add_word(&p.word[0], &carry, lse_high_word(a.word[0], b.word[2]));
    add_word(&p.word[0], &carry, lse_high_word(a.word[1], b.word[1]));
    add_word(&p.word[0], &carry, lse_high_word(a.word[2], b.word[0]));
    add_word(&p.word[0], &carry, a.word[1] * b.word[2]);
    add_word(&p.word[0], &carry, a.word[2] * b.word[1]);
    add_word(&p.word[1], &p.word[2], carry);
    return p;
}

/* a 2^n for |n| < 192, without the bits that are shifted out; a is not negative. */
static fixed shifted(fixed a, int n)
{
    fixed to = {{0, 0, 0}};
    const int words = (n + 192) / 64 - 3, bits = (n + 192) % 64; /* rounded down */
    for (int i = 0; i < 3; i++) {
        const int from = i - words;
        if (from >= 0 && from < 3) to.word[i] = a.word[from] << bits;
        if (bits && from >= 1 && from < 4) to.word[i] |= a.word[from - 1] >> (64 - bits);
    }
    return to;
}

static fixed from_double(uint64_t significand, int n)
{
    const fixed a = {{significand, 0, 0}};
    const fixed zero = {{0, 0, 0}};
    return n > -192 ? shifted(a, n) : zero;
}

/* |x| = significand 2^exponent, with 53 bits. */
static uint64_t significand_of(double x, int *exponent)
{
    const double fraction = frexp(fabs(x), exponent);
    *exponent -= 53;
    return (uint64_t)(fraction * 0x1p53);
}

/* x = n ln(2) + r, |r| < 0.3467; r = fraction or -fraction. For |x| < 800. */
typedef struct {
    int n, negative;
    fixed fraction;
} reduced;

static reduced reduce(double x)
{
    int exponent;
    const uint64_t significand = significand_of(x, &exponent);
    const double n = (x * LOG2E_f64 + 0x1.8p52) - 0x1.8p52;
    reduced to = {(int)n, 0, {{0, 0, 0}}};
    /* modulo 1, the integers are dropped */
    fixed whole = from_double(significand, exponent + 192), part = {{0, 0, 0}};
    const uint64_t times = (uint64_t)fabs(n);
    uint64_t carry = lse_high_word(LN2_WORDS[0], times);
    for (int i = 0; i < 3; i++) {
        const uint64_t low = LN2_WORDS[i + 1] * times + carry;
        carry = lse_high_word(LN2_WORDS[i + 1], times) + (low < carry);
        part.word[i] = low;
    }
    to.fraction = sum(x < 0.0 ? minus(whole) : whole, n < 0.0 ? part : minus(part));
    to.negative = to.fraction.word[2] >> 63 != 0 || (to.n == 0 && x < 0.0);
    if (to.fraction.word[2] >> 63 != 0) to.fraction = minus(to.fraction);
    return to;
}

/* slope[j] = (e^r - 1) / r for r[j], in units of 2^-190. The first term that is left out is below 2^-122 or 2^-190. */
LSE_INLINE void slopes_of(const reduced r[2], fixed slope[2], const int words)
{
    enum { ALL = sizeof FACTORIAL_WORDS / sizeof FACTORIAL_WORDS[0] };
    const int terms = words == 2 ? 25 : ALL;
    memset(slope, 0, 2 * sizeof *slope);
    for (int k = terms - 1; k >= 0; k--) {
        fixed term;
        memcpy(&term, FACTORIAL_WORDS[k], sizeof term);
        if (words == 2) term.word[0] = 0;
        for (int j = 0; j < 2; j++) {
            const fixed p = product(r[j].fraction, slope[j], words);
            slope[j] = sum(term, r[j].negative ? minus(p) : p);
        }
    }
}

/* e^r, in units of 2^-190. */
LSE_INLINE fixed exp_of(const reduced *r, fixed slope, const int words)
{
    const fixed one = {{0, 0, UINT64_C(1) << 62}}, p = product(r->fraction, slope, words);
    return sum(one, r->negative ? minus(p) : p);
}

/* e^x - 1 = the return value times 2^*exponent; the value is in units of 2^-190, and above 0.2 or below -0.2. */
LSE_INLINE fixed exp_minus_one(double x, const reduced *r, fixed slope, int *exponent, const int words)
{
    const fixed one = {{0, 0, UINT64_C(1) << 62}};
    if (r->n != 0) {
        *exponent = r->n;
        return sum(exp_of(r, slope, words), minus(shifted(one, -r->n)));
    }
    const uint64_t significand = significand_of(x, exponent);
    const fixed p = product(from_double(significand, 139), slope, words);
    *exponent += 53;
    return x < 0.0 ? minus(p) : p;
}

/* (e^x - 1) + e^y or minus, as exp_minus_one. The terms nearly cancel, so that their exponents are about the same. */
LSE_INLINE fixed sum_minus_one(double x, double y, int subtract, int *exponent, const int words)
{
    const reduced r[2] = {reduce(x), reduce(y)};
    fixed slope[2];
    slopes_of(r, slope, words);
    const fixed first = exp_minus_one(x, &r[0], slope[0], exponent, words);
    const fixed second = shifted(exp_of(&r[1], slope[1], words), r[1].n - *exponent);
    return sum(first, subtract ? minus(second) : second);
}

static fixed sum_of_two_words(double x, double y, int subtract, int *exponent)
{ return sum_minus_one(x, y, subtract, exponent, 2); }

static fixed sum_of_three_words(double x, double y, int subtract, int *exponent)
{ return sum_minus_one(x, y, subtract, exponent, 3); }

/* Index of the leading bit of a word that is not 0. */
static int leading_bit(uint64_t word)
{
    int exponent;
    frexp((double)(word >> 11 ? word >> 11 : word), &exponent); /* exact */
    return exponent - 1 + (word >> 11 ? 11 : 0);
}

/* x 2^e, rounded once: ldexp of Windows 10 truncates subnormal results. */
static double scale(double x, int e) { return e < -800 ? ldexp(x, e + 200) * 0x1p-200 : ldexp(x, e); }

double lse_log_near_one(double x, double y, int subtract)
{
    int exponent, negative;
    fixed d = sum_of_two_words(x, y, subtract, &exponent);
    /* |d| < 2^-62 */
    if (d.word[2] + 1 <= 1) d = sum_of_three_words(x, y, subtract, &exponent);
    negative = d.word[2] >> 63 != 0;
    if (negative) d = minus(d);
    const int top = d.word[2] ? 2 : d.word[1] ? 1 : 0;
    if (!d.word[top]) return 0.0;
    const int at = 64 * top + leading_bit(d.word[top]);
    d = shifted(d, 191 - at);
    const double sign = negative ? -1.0 : 1.0;
    const double hi = sign * (double)(d.word[2] >> 11) * 0x1p-52;
    const double lo = sign * (double)((d.word[2] & 0x7ff) << 42 | d.word[1] >> 22) * 0x1p-105;
    exponent += at - 190;
    if (exponent < -60) return scale(hi + lo, exponent);
    const double s = ldexp(hi, exponent), s_lo = ldexp(lo, exponent);
    double p = 0.0;
    for (int k = 12; k >= 2; k--) p = (k % 2 ? 1.0 : -1.0) / k + s * p;
    return s + (s_lo + s * s * p);
}
