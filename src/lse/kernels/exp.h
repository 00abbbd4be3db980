/* e^x * 2^-N for vectors of F, included once for each F.
 *
 * N, the anchor, is an integer. Multiplying by 2^-N is exact, so that the sum of such terms is the same for any anchor,
 * apart from the power of two. The anchor is chosen so that the largest terms are near 2^HEADROOM: far from overflow,
 * and 2^(HEADROOM + EXP_BIAS - 1) above the smallest normal number. */

/* Elements of a block of a row, of four turns of all lanes, of a panel of columns; registers that hold the lanes. */
enum {
    FN(BLOCK) = 16384 / sizeof(REAL),
    FN(QUAD) = 4 * LANES,
    FN(PANEL) = 256 / sizeof(REAL),
    FN(NARROW) = LSE_NARROW / sizeof(REAL),
    FN(groups) = LANES / VF(width)
};

LSE_INLINE ptrdiff_t FN(whole_vectors)(ptrdiff_t count)
{
    return (count + VF(width) - 1) / VF(width) * VF(width);
}

/* The anchor for terms not much above e^max, exactly representable together with MAGIC. */
LSE_INLINE double FN(anchor)(double max)
{
    const double limit = FN(LSE_FAR);
    return exponent_of(max > limit ? limit : max < -limit ? -limit : max) - HEADROOM;
}

/* A sum is moved from one anchor to a higher one by two factors: a single factor could be subnormal although the
 * product is not. */
typedef struct {
    REAL first, second;
} FN(factors);

LSE_INLINE FN(factors) FN(factors_for)(double from, double to)
{
    const double least = -EXP_BIAS + 1, by = from - to;
    FN(factors) f;
    f.first = (REAL)pow2(by > least ? by : least);
    f.second = (REAL)(by > least ? 1.0 : pow2(by - least));
    return f;
}

/* The bias that the exponential needs for an anchor. */
LSE_INLINE REAL FN(bias)(double anchor) { return (REAL)((double)(MAGIC + EXP_BIAS) - anchor); }
LSE_INLINE REAL FN(floor)(double anchor) { return (REAL)((anchor - (double)EXP_BIAS) * LN2_HI_f64); }

/* x[j] = e^x[j] - 1 for j < count, a compile-time constant, and |x| <= ln(2) / 2. The steps of several vectors are
 * interleaved.
 *
 * Error below 0.54 of 2^-53 or 0.51 of 2^-24 of 1 + x (proved by tools/proof.py), largest at x = -ln(2) / 2: 0.36 from
 * rounding the result, 0.09 from the polynomial, 0.04 from rounding x x, and 0.05 from the sums of coefficients. */
LSE_INLINE void FN(expm1)(V *x, const int count)
{
    enum { TERMS = sizeof(FN(EXP)) / sizeof(REAL) };
    V p[4];
    LSE_UNROLL for (int j = 0; j < count; j++) p[j] = VF(set)(FN(EXP)[TERMS - 1]);
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) p[j] = VF(fma)(p[j], x[j], VF(set)(FN(EXP)[k]));
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(VF(mul)(x[j], x[j]), p[j], x[j]);
}

/* e^x[j] * 2^-N = scale[j] (1 + x[j]); x is overwritten. For |x| < LSE_FAR and any anchor the error is that of expm1
 * plus 0.25 from r: below 0.79 of 2^-53 or 0.77 of 2^-24 of 1 + x (proved by tools/proof.py). The worst known x are
 * -0x1.1fe37e19296d4p+2, 0.77, and for floats -0x1.b475fp+14, 0.73 (python -m reliability numbers, worst).
 *
 * With x log2(e) = n + r log2(e), n an integer, scale = 2^(n - N) and 1 + x = e^r. The fused multiply-add onto bias =
 * MAGIC + EXP_BIAS - N leaves the biased exponent n - N + EXP_BIAS in the low bits of t. x below floor, where that
 * exponent is 0, gives a scale of exactly 0; NaN gives NaN. */
LSE_INLINE void FN(exp_parts_at)(V *x, V *scale, const int count, const V *bias, const V *floor)
{
    V t[4], n[4];
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(max)(floor[j], x[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) t[j] = VF(fma)(x[j], VF(set)(FN(LOG2E)), bias[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) n[j] = VF(sub)(t[j], bias[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(n[j], VF(set)(-FN(LN2_HI)), x[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(n[j], VF(set)(-FN(LN2_LO)), x[j]);
    FN(expm1)(x, count);
    LSE_UNROLL for (int j = 0; j < count; j++) scale[j] = VF(pow2)(t[j]);
}

/* The same at one anchor. */
LSE_INLINE void FN(exp_parts)(V *x, V *scale, const int count, V bias, V floor)
{
    const V biases[4] = {bias, bias, bias, bias}, floors[4] = {floor, floor, floor, floor};
    FN(exp_parts_at)(x, scale, count, biases, floors);
}

/* x[j] = e^x[j] * 2^-N, rounded once more: within 1.79 of 2^-53 or 1.77 of 2^-24 of it, if that is normal. */
LSE_INLINE void FN(exp)(V *x, const int count, V bias, V floor)
{
    V scale[4];
    FN(exp_parts)(x, scale, count, bias, floor);
    LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(scale[j], x[j], scale[j]);
}

/* (hi, lo) += t, where hi and t are not negative: the rounding error of hi + t is added to lo. */
LSE_INLINE void FN(add)(V *hi, V *lo, V t)
{
    const V sum = VF(add)(*hi, t);
    const V lost = VF(sub)(VF(min)(*hi, t), VF(sub)(sum, VF(max)(*hi, t)));
    *hi = sum;
    *lo = VF(add)(*lo, lost);
}

/* sum + *lost = a + b exactly, for any a and b (Knuth). */
LSE_INLINE V FN(two_sum)(V a, V b, V *lost)
{
    const V sum = VF(add)(a, b), of_b = VF(sub)(sum, a);
    *lost = VF(add)(VF(sub)(a, VF(sub)(sum, of_b)), VF(sub)(b, of_b));
    return sum;
}
