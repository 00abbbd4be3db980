/* e^x of floats from a table of eighths, for long sums: e^x 2^-N = a (1 + p) FACTOR, where a is a power of two times an
 * entry of EIGHTHS and p = e^r - 1 with |r| <= ln(2) / 16.
 *
 * The terms of the maximum are near 2^HEADROOM. Terms are clamped at FLOOR below that, 2^-187 of the maximum, so that
 * no product is subnormal. N = anchor + 500 (wide.h). */

#define EIGHTHS_HEADROOM 100.0
#define EIGHTHS_FLOOR 187.0

LSE_INLINE float eighths_bias(double anchor)
{
    return (float)(0x1.8p23 + 8.0 * (127.0 + EIGHTHS_HEADROOM - 500.0) - 8.0 * anchor);
}
LSE_INLINE float eighths_floor(double anchor) { return (float)((anchor + 500.0 - EIGHTHS_FLOOR) * LN2_HI_f64); }

/* a and p; within 0.12 of 2^-24 of a (1 + p) FACTOR, for |x| < LSE_FAR_f32 (proved by tools/proof.py); the worst known
 * x is -0x1.d7f7a8p+16, 0.113 (python -m reliability numbers). */
LSE_INLINE vf32 eighths_exp(vf32 x, vf32 bias, vf32 floor, vf32 *p)
{
    x = vf32_max(floor, x);
    const vf32 t = vf32_fma(x, vf32_set(8 * LOG2E_f32), bias), n = vf32_sub(t, bias);
    vf32 r = vf32_fma(n, vf32_set(-LN2_HI_f32 / 8), x);
    r = vf32_fma(n, vf32_set(-LN2_LO_f32 / 8), r);
    const vf32 two = vf32_fma(vf32_set(EXP_EIGHTHS[2]), r, vf32_set(EXP_EIGHTHS[1]));
    const vf32 q = vf32_fma(two, r, vf32_set(EXP_EIGHTHS[0]));
    *p = vf32_fma(vf32_mul(r, r), q, r);
    return vf32_eighths(t, EIGHTHS);
}

/* Adds sixteen elements of a row to the sums: a in double precision, neighbours first, a p in float. */
LSE_INLINE void eighths_turn(const char *x, const int masked, vf32 max, vf32 bias, vf32 floor, vf64 *s, vf32 *lo,
                             vf32 *others)
{
    enum { GROUPS = 16 / vf32_width };
    vf32 a[GROUPS];
    LSE_UNROLL for (int g = 0; g < GROUPS; g++) {
        vf32 p;
        const vf32 v = vf32_load(x + (size_t)g * sizeof(vf32));
        a[g] = eighths_exp(v, bias, floor, &p);
        if (masked) {
            const mf32 differs = vf32_differs(v, max);
            a[g] = vf32_keep(differs, a[g]);
            *others = vf32_tally(differs, *others);
        }
        lo[g] = vf32_fma(a[g], p, lo[g]);
    }
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        const vf64 first = vf64_of_evens(vf32_width > 1 ? a[g] : a[2 * g]);
        const vf64 second = vf32_width > 1 ? vf64_of_odds(a[g]) : vf64_of_evens(a[2 * g + 1]);
        s[g] = vf64_add(s[g], vf64_add(first, second));
    }
}

/* The sum of sixteen lanes, halving their number. */
LSE_INLINE float eighths_flush(vf32 *lo)
{
    LSE_UNROLL for (int half = 16 / vf32_width / 2; half > 0; half /= 2)
        LSE_UNROLL for (int g = 0; g < half; g++) lo[g] = vf32_add(lo[g], lo[g + half]);
    return vf32_total(lo[0]);
}

/* The tail of a state from a sum of a, times 2^-896, and a sum of a p. */
LSE_INLINE double eighths_total(double sum, double rest)
{
    return fma(sum, 0x1p896, rest) * (EIGHTHS_FACTOR * 0x1p400);
}

/* count e^x in the units of eighths_total. */
LSE_INLINE vf64 eighths_term(vf64 x, vf64 count, vf64 anchor)
{
    wide_level level;
    vf64 scale;
    const vf64 own = vf64_add(anchor, vf64_set(500.0 - EIGHTHS_HEADROOM));
    level.bias = vf64_sub(vf64_set(0x1.8p52 + 1023.0), own);
    level.floor = vf64_mul(vf64_sub(own, vf64_set(1023.0)), vf64_set(LN2_HI_f64));
    level.max = x;
    const vf64 p = exp_wide(x, &level, &scale);
    return vf64_mul(vf64_mul(vf64_mul(scale, p), count), vf64_set(1 / EIGHTHS_FACTOR));
}
