/* Sums of b e^x with weights b of either sign, included once for each F.
 *
 * With |b| = beta 2^k, 1 <= beta < 2, a term is +-beta 2^(n + k - N) e^r: the size of a weight moves its exponent
 * alone, and the anchor N follows the greatest n + k. No term is kept aside. Element i belongs to lane i mod LANES,
 * and lanes are added in a fixed tree; sums are compensated, and take either sign. Weights of 0 make no term,
 * whatever x is. Where a sum is NaN, or its greatest exponent beyond what the kernels take (REACH, which means an x
 * that is no greater than LSE_FAR, whatever the weight), it is made again: its terms that are not finite decide, or its
 * elements less their maximum are summed. */

#if F_IS_DOUBLE
#define SMALLEST DBL_MIN
#define LEAST 0x1p-1074
#define ROOM 400.0 /* a sum of 2^30 terms and more stays below 2^(HEADROOM + ROOM + 60) */
#define REACH (1.4 * LSE_FAR_f64 - 1100.0) /* 1.4 is less than log2(e), and a weight between LEAST and 2^1024 */
#else
#define SMALLEST FLT_MIN
#define LEAST 0x1p-149f
#define ROOM 39.0
#define REACH (1.4 * LSE_FAR_f32 - 200.0)
#endif

/* hi[0 .. stride) = the sums of hi[0 .. count) at stride `stride`; lo likewise sums the rounding errors. The tree is
 * fixed: halves are added element by element. */
LSE_INLINE void FN(sum_lanes)(REAL *restrict hi, REAL *restrict lo, ptrdiff_t count, ptrdiff_t stride)
{
    for (ptrdiff_t half = count / 2; half >= stride; half /= 2)
        for (ptrdiff_t i = 0; i < half; i++) {
            const REAL a = hi[i], b = hi[i + half], sum = a + b, of_b = sum - a;
            hi[i] = sum;
            lo[i] = lo[i] + lo[i + half] + ((a - (sum - of_b)) + (b - of_b));
        }
}

/* The last, incomplete quad of a row, padded with elements that add nothing. */
LSE_INLINE void FN(pad)(const char *x, ptrdiff_t n, REAL quad[FN(QUAD)])
{
    for (int i = 0; i < FN(QUAD); i++) quad[i] = -(REAL)INFINITY;
    memcpy(quad, x, (size_t)n * sizeof(REAL));
}

typedef struct {
    V hi[LANES / VF(width)], lo[LANES / VF(width)];
    V top; /* the greatest MAGIC + EXP_BIAS + n + k - N */
    V odd; /* 0, or NaN: there was a weight that is not finite */
} FN(weighted_lanes);

/* The exponent n + k of a term, from MAGIC + EXP_BIAS + n + k - N; -inf for -inf. */
LSE_INLINE double FN(exponent_at)(REAL top, double anchor)
{
    return (double)top - (double)(MAGIC + EXP_BIAS) + anchor;
}

/* The anchor for terms of this exponent. */
LSE_INLINE double FN(anchor_at)(double exponent)
{
    const double limit = exponent_of((double)FN(LSE_FAR));
    return (exponent > limit ? limit : exponent < -limit ? -limit : exponent) - HEADROOM;
}

/* t = MAGIC + EXP_BIAS + n + k - N, and level without the n; x where there is no weight becomes -inf, b that is
 * subnormal 2^64 times as great. */
LSE_INLINE void FN(weighted_exponents)(V *x, V *b, V *t, V *level, const int count, V bias, const int ones)
{
    const V smallest = VF(set)(SMALLEST), none = VF(set)(-(REAL)INFINITY), lower = VF(sub)(bias, VF(set)(64));
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const V own = VF(abs)(b[j]);
        b[j] = VF(select)(own, smallest, b[j], VF(mul)(b[j], VF(set)((REAL)0x1p64)));
        const V size = VF(abs)(b[j]);
        level[j] = VF(add)(VF(exponent)(size), VF(select)(own, smallest, bias, lower));
        if (ones) t[j] = VF(select)(size, smallest, level[j], none);
        else x[j] = VF(select)(size, smallest, x[j], none);
    }
    if (ones) return;
    LSE_UNROLL for (int j = 0; j < count; j++) t[j] = VF(fma)(x[j], VF(set)(FN(LOG2E)), level[j]);
}

/* b[j] e^x[j] 2^-N = scale[j] (1 + x[j]), as exp_parts; with ones x is 0, and remains as it is. Below the range of the
 * exponent scale is 0. */
LSE_INLINE void FN(weighted_parts)(V *x, V *b, V *scale, const int count, V bias, V *top, V *odd, const int ones)
{
    const V zero = VF(set)(0);
    V t[4], n[4], level[4];
    LSE_UNROLL for (int j = 0; j < count; j++) *odd = VF(fma)(b[j], zero, *odd);
    FN(weighted_exponents)(x, b, t, level, count, bias, ones);
    LSE_UNROLL for (int j = 0; j < count; j++) *top = VF(max)(t[j], *top);
    LSE_UNROLL for (int j = 0; j < count; j++) t[j] = VF(max)(VF(set)(MAGIC), t[j]);
    if (!ones) {
        LSE_UNROLL for (int j = 0; j < count; j++) n[j] = VF(sub)(t[j], level[j]);
        LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(n[j], VF(set)(-FN(LN2_HI)), x[j]);
        LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(fma)(n[j], VF(set)(-FN(LN2_LO)), x[j]);
        LSE_UNROLL for (int j = 0; j < count; j++) x[j] = VF(max)(VF(set)(-0.5f), x[j]);
        FN(expm1)(x, count);
    }
    LSE_UNROLL for (int j = 0; j < count; j++) scale[j] = VF(mul)(VF(mantissa)(b[j]), VF(pow2)(t[j]));
}

/* Adds the elements of `count` consecutive turns, up to 4, of one group of lanes to the sums. Each term is rounded and
 * its rounding error kept.
 *
 * The worst rows known with positive weights, as fractions of the bound (tests/accuracy/test_worst_known.py): float64,
 * 0.88, 256 elements of which the 253rd is -0x1.1fe55322736e4p+2, the others 8 of -0x1.1fea29c80c9ap+2 times
 * 0x1.07dfcce4141ccp+0 and 256 of -0x1.20286c19af011p+2, repeated; float32, 0.85, 384 elements of which the 59th is
 * -0x1.4ca79ep+2, the others 15 of -0x1.4cad8p+2 times 0x1.4e0bb2p+0 and 128 of -0x1.4caa68p+2 times 0x1.fba3cp+0,
 * over and over. */
LSE_INLINE void FN(fold_weighted)(V *hi, V *lo, V *x, V *b, const int count, V bias, V *top, V *odd, const int ones)
{
    V scale[4], t[4], less[4], lost, sum, rest;
    FN(weighted_parts)(x, b, scale, count, bias, top, odd, ones);
    LSE_UNROLL for (int j = 0; j < count; j++) t[j] = ones ? scale[j] : VF(fma)(scale[j], x[j], scale[j]);
    LSE_UNROLL for (int j = 0; j < count; j++)
        less[j] = ones ? VF(set)(0) : VF(fma)(scale[j], x[j], VF(sub)(scale[j], t[j]));
    LSE_UNROLL for (int j = 0; j + 1 < count; j += 2) {
        t[j] = FN(two_sum)(t[j], t[j + 1], &lost);
        less[j] = VF(add)(VF(add)(less[j], less[j + 1]), lost);
    }
    sum = t[0];
    rest = less[0];
    if (count > 2) { /* missing elements would add zeros */
        sum = FN(two_sum)(t[0], t[2], &lost);
        rest = VF(add)(VF(add)(less[0], less[2]), lost);
    }
    sum = FN(two_sum)(sum, rest, &lost);
    *lo = VF(add)(*lo, lost);
    *hi = FN(two_sum)(*hi, sum, &lost);
    *lo = VF(add)(*lo, lost);
}

/* The state of what was summed at an anchor; NaN where there was a weight that is not finite. */
LSE_INLINE void FN(weighted_state)(REAL hi, REAL lo, REAL odd, double anchor, double exponent, ptrdiff_t at,
                                   lse_states *states)
{
    const double up = exponent > -(double)INFINITY ? pow2(anchor - exponent + 500.0) : 0;
    states->max[at] = exponent;
    states->count[at] = 0;
    states->tail[at] = odd == 0 ? (double)hi * up : (double)NAN;
    states->tail_lo[at] = (double)lo * up;
}

/* Sums made again ------------------------------------------------------------------------------------------- */

/* What a term is where it is not finite, and else 0. Raises max to the elements that have a weight. */
LSE_INLINE V FN(not_finite)(V x, V b, V *max)
{
    const V zero = VF(set)(0), least = VF(set)(LEAST), lowest = VF(set)(LOWEST), infinity = VF(set)((REAL)INFINITY);
    const V none = VF(sub)(zero, infinity), size = VF(abs)(b);
    const V positive = VF(select)(x, lowest, VF(select)(x, infinity, x, VF(set)(1)), x); /* 1, inf or NaN for e^x */
    const V power = VF(select)(none, x, zero, positive);
    const V term = VF(select)(size, least, VF(mul)(b, power), VF(sub)(b, b)); /* 0 or NaN where there is no weight */
    *max = VF(max)(VF(select)(size, least, x, none), *max);
    return VF(select)(VF(abs)(term), infinity, term, VF(sub)(term, term));
}

LSE_INLINE int FN(is_strange)(const lse_states *s, ptrdiff_t i)
{
    const int known = s->max[i] <= REACH && s->max[i] >= -REACH;
    return !(known && s->tail[i] == s->tail[i]);
}

/* What elements are to be less, so that the kernels take them. */
LSE_INLINE double FN(shift_for)(seen s, const lse_states *states, ptrdiff_t i)
{
    const int is_number = s.max >= (double)LOWEST && s.max < (double)INFINITY && s.infinite == 0;
    return is_number && FN(is_strange)(states, i) ? s.max : 0;
}

/* Rows ----------------------------------------------------------------------------------------------------- */

LSE_INLINE void FN(sweep_weights)(const char *x, const char *b, ptrdiff_t n, FN(weighted_lanes) *s, double anchor,
                                  const int ones)
{
    const V bias = VF(set)(FN(bias)(anchor));
    V hi[FN(groups)], lo[FN(groups)], top = VF(set)(-(REAL)INFINITY), odd = s->odd;
    REAL last[2][FN(QUAD)];
    for (int g = 0; g < FN(groups); g++) hi[g] = s->hi[g], lo[g] = s->lo[g];
    for (; n > 0; n -= FN(QUAD), x += 256, b += 256) {
        if (n < FN(QUAD)) {
            if (!ones) FN(pad)(x, n, last[0]);
            FN(pad)(b, n, last[1]);
            for (ptrdiff_t i = n; i < FN(QUAD); i++) last[1][i] = 0;
            x = (const char *)last[0];
            b = (const char *)last[1];
        }
        for (int line = 0; line < 256; line += 64) {
            if (!ones) LSE_PREFETCH(x + LSE_AHEAD + line);
            LSE_PREFETCH(b + LSE_AHEAD + line);
        }
        LSE_UNROLL for (int g = 0; g < FN(groups); g++) {
            V v[4], w[4];
            LSE_UNROLL for (int j = 0; j < 4; j++) {
                v[j] = ones ? VF(set)(0) : VF(load)(x + 64 * j + (size_t)g * sizeof(V));
                w[j] = VF(load)(b + 64 * j + (size_t)g * sizeof(V));
            }
            FN(fold_weighted)(&hi[g], &lo[g], v, w, 4, bias, &top, &odd, ones);
        }
    }
    for (int g = 0; g < FN(groups); g++) s->hi[g] = hi[g], s->lo[g] = lo[g];
    s->top = top;
    s->odd = odd;
}

static void FN(sweep_terms)(const char *x, const char *b, ptrdiff_t n, FN(weighted_lanes) *s, double anchor)
{
    FN(sweep_weights)(x, b, n, s, anchor, 0);
}

static void FN(sweep_ones)(const char *b, ptrdiff_t n, FN(weighted_lanes) *s, double anchor)
{
    FN(sweep_weights)(b, b, n, s, anchor, 1);
}

LSE_INLINE void FN(weighted_sweep)(const char *x, const char *b, ptrdiff_t n, FN(weighted_lanes) *s, double anchor,
                                   int ones)
{
    if (ones) FN(sweep_ones)(b, n, s, anchor);
    else FN(sweep_terms)(x, b, n, s, anchor);
}

/* Adds one block of a row, and once more at a higher anchor if its terms exceed this one's range. */
LSE_INLINE void FN(fold_weighted_block)(const char *x, const char *b, ptrdiff_t n, FN(weighted_lanes) *s,
                                        double *anchor, double *exponent, int ones)
{
    const FN(weighted_lanes) before = *s;
    FN(weighted_sweep)(x, b, n, s, *anchor, ones);
    const REAL top = VF(greatest)(s->top);
    const double own = FN(exponent_at)(top, *anchor);
    if (top > (REAL)(MAGIC + EXP_BIAS + HEADROOM + ROOM)) {
        const double higher = FN(anchor_at)(own);
        const FN(factors) f = FN(factors_for)(*anchor, higher);
        const V first = VF(set)(f.first), second = VF(set)(f.second);
        *s = before;
        for (int g = 0; g < FN(groups); g++) {
            s->hi[g] = VF(mul)(VF(mul)(s->hi[g], first), second);
            s->lo[g] = VF(mul)(VF(mul)(s->lo[g], first), second);
        }
        *anchor = higher;
        FN(weighted_sweep)(x, b, n, s, higher, ones);
    }
    if (own > *exponent) *exponent = own;
}

typedef struct {
    FN(weighted_lanes) lanes;
    double anchor, exponent;
    int ones;
} FN(weighted_sum);

LSE_INLINE void FN(weighted_start)(FN(weighted_sum) *s, int ones)
{
    s->ones = ones;
    for (int g = 0; g < FN(groups); g++) s->lanes.hi[g] = s->lanes.lo[g] = VF(set)(0);
    s->lanes.odd = VF(set)(0);
    s->anchor = FN(anchor_at)(-(double)INFINITY);
    s->exponent = -(double)INFINITY;
}

/* The greatest exponent of a term in four parts of n elements, each no longer than a quad. */
LSE_INLINE double FN(look_at_some)(const char *x, const char *b, ptrdiff_t n, int ones)
{
    enum { PARTS = 4 };
    const V bias = VF(set)(FN(bias)(0)), none = VF(set)(-(REAL)INFINITY), zero = VF(set)(0);
    V top = none, t, level;
    const ptrdiff_t some = n < FN(QUAD) ? n : FN(QUAD), apart = (n - some) / (PARTS - 1);
    for (int part = 0; part < (apart > 0 ? PARTS : 1); part++) {
        const ptrdiff_t first = part * apart;
        for (ptrdiff_t i = 0; i < some; i += VF(width)) {
            const ptrdiff_t at = (first + i) * (ptrdiff_t)sizeof(REAL);
            V v = ones ? zero : VF(load_some)(x + at, some - i, none), w = VF(load_some)(b + at, some - i, zero);
            if (ones) FN(weighted_exponents)(&v, &w, &t, &level, 1, bias, 1);
            else FN(weighted_exponents)(&v, &w, &t, &level, 1, bias, 0);
            top = VF(max)(t, top);
        }
    }
    return FN(exponent_at)(VF(greatest)(top), 0);
}

/* Adds the next block, of whole quads except at the end of a row. The anchor comes from parts of the first block. */
LSE_INLINE void FN(add_weighted_block)(FN(weighted_sum) *s, const char *x, const char *b, ptrdiff_t n, int is_first)
{
    if (is_first) {
        const double exponent = FN(look_at_some)(x, b, n, s->ones);
        s->anchor = FN(anchor_at)(exponent);
        if (exponent > REACH) { /* nothing that follows is of use */
            s->exponent = exponent;
            return;
        }
    }
    FN(fold_weighted_block)(x, b, n, &s->lanes, &s->anchor, &s->exponent, s->ones);
}

/* Whether it is_strange already, whatever comes. */
LSE_INLINE int FN(is_lost)(const FN(weighted_sum) *s)
{
    const V zero = VF(set)(0), one = VF(set)(1);
    V all = s->lanes.odd;
    for (int g = 0; g < FN(groups); g++) all = VF(add)(s->lanes.hi[g], all);
    return s->exponent > REACH || VF(any_at_least)(VF(select)(all, all, zero, one), one);
}

LSE_INLINE void FN(weighted_end)(const FN(weighted_sum) *s, ptrdiff_t at, lse_states *states)
{
    REAL hi[LANES], lo[LANES], odd[VF(width)], any = 0;
    for (int g = 0; g < FN(groups); g++) {
        VF(store)(hi + g * VF(width), s->lanes.hi[g]);
        VF(store)(lo + g * VF(width), s->lanes.lo[g]);
    }
    VF(store)(odd, s->lanes.odd);
    for (int i = 0; i < VF(width); i++) any += odd[i];
    FN(sum_lanes)(hi, lo, LANES, 1);
    FN(weighted_state)(hi[0], lo[0], any, s->anchor, s->exponent, at, states);
}

/* Elements of a weighted row, as fetch. */
LSE_INLINE const char *FN(fetch_elements)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                          double shift, REAL *buffer)
{
    if (!layout->ones) return FN(fetch)(layout, row, start, n, shift, buffer);
    memset(buffer, 0, (size_t)n * sizeof(REAL));
    return (const char *)buffer;
}

/* The state of elements start .. start + n of a row, less shift, or a strange one. */
static void FN(sum_weighted_row)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                 double shift, ptrdiff_t at, lse_states *states)
{
    REAL x_buffer[FN(BLOCK)], b_buffer[FN(BLOCK)];
    FN(weighted_sum) s;
    FN(weighted_start)(&s, layout->ones);
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *x = FN(fetch_elements)(layout, row, start + done, some, shift, x_buffer);
        const char *b = FN(fetch_weights)(layout, row, start + done, some, b_buffer);
        FN(add_weighted_block)(&s, x, b, some, done == 0);
        if (FN(is_lost)(&s)) break;
    }
    FN(weighted_end)(&s, at, states);
}

static seen FN(look_at_row)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n)
{
    const V none = VF(set)(-(REAL)INFINITY), zero = VF(set)(0);
    REAL x_buffer[FN(BLOCK)], b_buffer[FN(BLOCK)], each[VF(width)];
    V infinite = zero, max = none;
    seen s = {0, 0};
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *x = FN(fetch_elements)(layout, row, start + done, some, 0, x_buffer);
        const char *b = FN(fetch_weights)(layout, row, start + done, some, b_buffer);
        for (ptrdiff_t i = 0; i < some; i += VF(width), x += sizeof(V), b += sizeof(V)) {
            const V own = VF(load_some)(x, some - i, none), weight = VF(load_some)(b, some - i, zero);
            infinite = VF(add)(infinite, FN(not_finite)(own, weight, &max));
        }
    }
    VF(store)(each, infinite);
    for (int i = 0; i < VF(width); i++) s.infinite += (double)each[i];
    s.max = (double)VF(greatest)(max);
    return s;
}

static void FN(weighted_row)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t at,
                             lse_states *states)
{
    FN(sum_weighted_row)(layout, row, start, n, 0, at, states);
    if (!FN(is_strange)(states, at)) return;
    const seen s = FN(look_at_row)(layout, row, start, n);
    const double shift = FN(shift_for)(s, states, at);
    if (shift != 0) FN(sum_weighted_row)(layout, row, start, n, shift, at, states);
    put_weighted(shift, s.infinite, states, at);
}
