/* Logarithms of sums in two parts, included once for each F. */

/* y[j] + y_lo[j] = log(2^n (hi + lo)) for j < count, where hi and 1 / hi are normal and lo is within 2^-20 of hi.
 *
 * With hi = 2^k f, log f = t + log(c f) where c is near 1 / f and t = -log c, both from a table. The rounding error of
 * the sum (k + n) ln 2 + t + r is computed exactly. For sums near 1 the sum is r alone, so that they keep their low
 * part.
 *
 * Error: below 2^-57.5 or 2^-28.1. With n = 0 and hi within 0.021 of 1 it is also below 1.14 of 2^-53 or 1.62 of 2^-24
 * of the logarithm, most of which is the rounding of r. r is exact if lo is 0, and then it is below 2^-56 or 2^-24.7 of
 * the logarithm. All this is proved by tools/proof.py. The worst known hi and lo, in this order:
 *
 *     doubles  0x1.5cfff43c94d28p-1 -0x1.51f46de249b5p-56, 2^-57.6; 0x1.f7ebb59a01bf7p-1 -0x1.901c25501a2dcp-55, 1.07;
 *              0x1.f7eb612b57952p-1 0, 2^-56.5
 *     floats   0x1.5c991ap+0 0x1.1386a2p-24, 2^-28.2; 0x1.f7fddp-1 -0x1.380244p-25, 1.45; 0x1.0519cp+0 0, 2^-24.9 */
LSE_INLINE void FN(log_parts)(const V *hi, const V *lo, V *y, V *y_lo, const int count, V n)
{
    enum { TERMS = sizeof(FN(LOG)) / sizeof(REAL) };
    const V minus_one = VF(set)(-1);
    V a[4], k[4], c[4], t[4], r[4], p[4];
    LSE_UNROLL for (int j = 0; j < count; j++)
        a[j] = VF(mul)(hi[j], VF(set)((REAL)LOG_SPLIT));
    LSE_UNROLL for (int j = 0; j < count; j++)
        k[j] = VF(exponent)(a[j]);
    LSE_UNROLL for (int j = 0; j < count; j++)
        c[j] = VF(lower)(VF(lookup)(FN(INVERSE), a[j]), a[j]);
    LSE_UNROLL for (int j = 0; j < count; j++)
        t[j] = VF(lookup)(FN(LOG_OF), a[j]);
    LSE_UNROLL for (int j = 0; j < count; j++)
        k[j] = VF(add)(k[j], n);
    LSE_UNROLL for (int j = 0; j < count; j++)
        r[j] = VF(fma)(lo[j], c[j], VF(fma)(hi[j], c[j], minus_one));
    LSE_UNROLL for (int j = 0; j < count; j++)
        p[j] = VF(set)(FN(LOG)[TERMS - 1]);
    LSE_UNROLL for (int i = TERMS - 2; i >= 0; i--) LSE_UNROLL
        for (int j = 0; j < count; j++) p[j] = VF(fma)(p[j], r[j], VF(set)(FN(LOG)[i]));
    LSE_UNROLL for (int j = 0; j < count; j++)
        y[j] = VF(add)(VF(fma)(k[j], VF(set)(FN(LN2_HEAD)), t[j]), r[j]);
    LSE_UNROLL for (int j = 0; j < count; j++)
        t[j] = VF(add)(VF(sub)(t[j], VF(fma)(k[j], VF(set)(-FN(LN2_HEAD)), y[j])), r[j]);
    LSE_UNROLL for (int j = 0; j < count; j++)
        t[j] = VF(fma)(k[j], VF(set)(FN(LN2_TAIL)), t[j]);
    LSE_UNROLL for (int j = 0; j < count; j++)
        y_lo[j] = VF(fma)(VF(mul)(r[j], r[j]), p[j], t[j]);
}

/* The same, rounded to y. */
LSE_INLINE void FN(log_sums)(const V *hi, const V *lo, V *y, const int count, V n)
{
    V y_lo[4];
    FN(log_parts)(hi, lo, y, y_lo, count, n);
    LSE_UNROLL for (int j = 0; j < count; j++)
        y[j] = VF(add)(y[j], y_lo[j]);
}
