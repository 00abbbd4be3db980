/* e^x * 2^-N for vectors of F, included once for each F.
 *
 * N, the anchor, is an integer: multiplying by 2^-N rounds nothing, so a sum of such terms is the same sum
 * whatever the anchor, but for the power of two. It sits so that the terms of interest are near
 * 2^HEADROOM: far from overflow, and 2^(HEADROOM + EXP_BIAS - 1) above the smallest normal number. */

#if F_IS_DOUBLE
#define LANES 8 /* 64 bytes of elements */
#define MAGIC 0x1.8p52
#define EXP_BIAS 1023.0
#define HEADROOM 500.0
#define ADDENDS 1 /* terms added plainly before each compensated addition */
#define SLACK 277.0 /* (EXP_BIAS - HEADROOM) ln 2, and room for 2^30 terms and more */
#else
#define LANES 16
#define MAGIC 0x1.8p23f
#define EXP_BIAS 127.0f
#define HEADROOM 60.0
#define ADDENDS 2
#define SLACK 27.0f
#endif

enum { FN(width) = VF(width), FN(lanes) = LANES, FN(groups) = LANES / VF(width) };

/* The anchor for terms not much above e^max, exactly representable together with MAGIC. */
LSE_INLINE double FN(anchor)(double max)
{
    const double far = FN(LSE_FAR);
    return exponent_of(max > far ? far : max < -far ? -far : max) - HEADROOM;
}

/* What the exponential wants to know of the anchor. */
LSE_INLINE REAL FN(bias)(double anchor) { return (REAL)((double)(MAGIC + EXP_BIAS) - anchor); }
LSE_INLINE REAL FN(floor)(double anchor) { return (REAL)((anchor - (double)EXP_BIAS) * LN2_HI_f64); }

/* x[j] = e^x[j] * 2^-N for j < count, a compile-time constant; the stages of several vectors interleave.
 *
 * With x log2(e) = n + r log2(e), n an integer, the result is e^r 2^(n - N). The fused multiply-add onto
 * bias = MAGIC + EXP_BIAS - N leaves the biased exponent n - N + EXP_BIAS in the low bits of t. x below
 * floor, where that exponent is 0, gives exactly 0; NaN gives NaN.
 *
 * Error relative to the term, for |x| < LSE_FAR and any anchor: at most 0.5 ulp for rounding the polynomial
 * and 0.1 ulp for its stages. tests/test_accuracy.py measures it through the sums. */
LSE_INLINE void FN(exp)(V *x, const int count, V bias, V floor)
{
    enum { TERMS = sizeof(FN(EXP)) / sizeof(REAL) };
    V t[4], p[4];
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(max)(floor, x[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) t[j] = VF(fma)(x[j], VF(set)(FN(LOG2E)), bias);
    LSE_UNROLL for (int j = 0; j < count; j++) p[j] = VF(sub)(t[j], bias);
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(p[j], VF(set)(-FN(LN2_HI)), x[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(p[j], VF(set)(-FN(LN2_LO)), x[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) p[j] = VF(set)(FN(EXP)[TERMS - 1]);
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) p[j] = VF(fma)(p[j], x[j], VF(set)(FN(EXP)[k]));
    LSE_UNROLL for (int k = 0; k < 2; k++)
        LSE_UNROLL for (int j = 0; j < count; j++) p[j] = VF(fma)(p[j], x[j], VF(set)(1));
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(mul)(p[j], VF(pow2)(t[j]));
}

/* (hi, lo) += t, where hi and t are not negative: what rounding hi + t loses goes to lo. */
LSE_INLINE void FN(add)(V *hi, V *lo, V t)
{
    const V sum = VF(add)(*hi, t);
    const V lost = VF(sub)(VF(min)(*hi, t), VF(sub)(sum, VF(max)(*hi, t)));
    *hi = sum;
    *lo = VF(add)(*lo, lost);
}
