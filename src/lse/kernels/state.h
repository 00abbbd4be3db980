/* Scalars shared by the kernels of both types. */

/* The integer nearest to max log2(e), for max within LSE_FAR. */
LSE_INLINE double exponent_of(double max)
{
    const double magic = 0x1.8p52;
    const double limit = LSE_FAR_f64;
    max = max > limit ? limit : max < -limit ? -limit : max;
    return (max * LOG2E_f64 + magic) - magic;
}

/* 2^e for an integer e: 0 below the normal range, 2^1023 above it. */
LSE_INLINE double pow2(double e)
{
    double t = (e > 1023.0 ? 1023.0 : e) + (0x1.8p52 + 1023.0);
    uint64_t bits;
    if (e < -1022.0) return 0.0;
    memcpy(&bits, &t, sizeof bits);
    bits <<= 52;
    memcpy(&t, &bits, sizeof t);
    return t;
}

/* nearest(max log2(e)), as exponent_of, for max within LSE_FAR. */
LSE_INLINE vf64 vf64_near_exponent_of(vf64 max)
{
    const vf64 magic = vf64_set(0x1.8p52);
    return vf64_sub(vf64_add(vf64_mul(max, vf64_set(LOG2E_f64)), magic), magic);
}

/* The same for any max, which is clamped. */
LSE_INLINE vf64 vf64_exponent_of(vf64 max)
{
    return vf64_near_exponent_of(vf64_min(vf64_max(max, vf64_set(-LSE_FAR_f64)), vf64_set(LSE_FAR_f64)));
}

/* 2^e for an integer e <= 1023, 0 below the normal range, as pow2. */
LSE_INLINE vf64 vf64_ldexp1(vf64 e)
{
    return vf64_pow2(vf64_add(vf64_max(e, vf64_set(-1023.0)), vf64_set(0x1.8p52 + 1023.0)));
}

/* x 2^e for an integer e <= 0, in two steps as factors_for. */
LSE_INLINE vf64 vf64_down(vf64 x, vf64 e)
{
    const vf64 least = vf64_set(-1022.0);
    const vf64 first = vf64_max(e, least);
    return vf64_mul(vf64_mul(x, vf64_ldexp1(first)), vf64_ldexp1(vf64_sub(e, first)));
}

/* A sum of exponentials of elements so large that an ulp of its logarithm is at least 2^-8, and six digits suffice:
 * e^max (1 + rest); empty if max is -inf. */
typedef struct {
    double max, rest;
} far_sum;

/* e^x for x <= 0, relative error below 2^-25; 0 below e^-708. */
LSE_INLINE double far_exp(double x)
{
    enum { TERMS = sizeof EXP_f32 / sizeof EXP_f32[0] };
    if (!(x > -708.0)) return 0.0;
    const double n = exponent_of(x), r = x - n * LN2_HI_f64;
    double p = EXP_f32[TERMS - 1];
    for (int k = TERMS - 2; k >= 0; k--) p = p * r + EXP_f32[k];
    return pow2(n) * (1.0 + r + r * r * p);
}

/* log(1 + w) for w >= 0, error below 2^-25. */
LSE_INLINE double far_log1p(double w)
{
    enum { TERMS = sizeof ATANH / sizeof ATANH[0] };
    double f = 1.0 + w;
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    const double k = (double)(bits >> 52) - 1023.0;
    f *= pow2(-k);
    const double z = (f - 1.0) / (f + 1.0), s = z * z;
    double p = ATANH[TERMS - 1];
    for (int i = TERMS - 2; i >= 0; i--) p = p * s + ATANH[i];
    return k * LN2_HI_f64 + 2.0 * (z + z * s * p);
}

/* Adds e^x and returns the logarithm; x may be infinite. */
LSE_INLINE double far_add(far_sum *sum, double x)
{
    if (x > sum->max) {
        sum->rest = (1.0 + sum->rest) * far_exp(sum->max - x);
        sum->max = x;
    } else if (x > -(double)INFINITY && sum->max < (double)INFINITY) {
        sum->rest += far_exp(x - sum->max);
    }
    return sum->rest == 0.0 ? sum->max : sum->max + far_log1p(sum->rest);
}

/* e^x = what is returned times 2^n, n the integer nearest to x log2(e), for |x| <= LSE_FAR_f64. */
LSE_INLINE double exp_with(double x, double *n)
{
    enum { TERMS = sizeof EXP_f64 / sizeof EXP_f64[0] };
    *n = exponent_of(x);
    const double r = fma(*n, -LN2_LO_f64, fma(*n, -LN2_HI_f64, x));
    double p = EXP_f64[TERMS - 1];
    for (int k = TERMS - 2; k >= 0; k--) p = fma(p, r, EXP_f64[k]);
    return 1.0 + fma(r * r, p, r);
}

/* State `at` is that of elements less max, brought near: what it is of them. NaN and nothing have no maximum. */
LSE_INLINE void put_distant(double max, lse_states *states, ptrdiff_t at)
{
    const double count = states->count[at], tail = states->tail[at] + states->tail_lo[at], none = -(double)INFINITY;
    double n;
    states->tail_lo[at] = 0.0;
    states->max[at] = tail == tail ? max : none;
    if (tail != tail || max == none) {
        states->count[at] = 0.0;
        states->tail[at] = tail == tail ? 0.0 : tail;
    } else if (max > LSE_FAR_f64 || max < -LSE_FAR_f64) {
        states->count[at] = 0.0;
        states->tail[at] = max == (double)INFINITY ? count : count * 0x1p500 + tail;
        states->tail_lo[at] = (double)INFINITY;
    } else { /* of floats, whose tails have digits to spare */
        states->tail[at] = tail * exp_with(max, &n);
    }
}

/* What was seen of a sum that is made again: the sum of its terms that are not finite, and its greatest element. */
typedef struct {
    double infinite, max;
} seen;

/* State `at` is that of weighted elements less shift, and `infinite` the sum of the terms that are not finite: what it
 * is of them all. Rounding shift + max ln 2 loses less than an ulp of it. */
LSE_INLINE void put_weighted(double shift, double infinite, lse_states *states, ptrdiff_t at)
{
    const double exponent = states->max[at];
    double n;
    if (infinite != 0) {
        states->max[at] = infinite == infinite ? (double)INFINITY : -(double)INFINITY;
        states->tail[at] = infinite > 0 ? 1.0 : infinite < 0 ? -1.0 : infinite;
        states->tail_lo[at] = infinite == infinite ? (double)INFINITY : 0.0;
    } else if (exponent == -(double)INFINITY) {
        states->tail[at] = states->tail_lo[at] = 0.0;
    } else if (shift <= LSE_FAR_f64 && shift >= -LSE_FAR_f64) { /* of floats, but for 0 */
        const double more = exp_with(shift, &n);
        states->max[at] = exponent + n;
        states->tail[at] = states->tail[at] * more;
        states->tail_lo[at] = states->tail_lo[at] * more;
    } else {
        const pair max = two_sum(shift, exponent * LN2_HI_f64);
        states->max[at] = max.hi;
        states->tail[at] = states->tail[at] * (max.lo <= 1.0 && max.lo >= -1.0 ? far_exp(max.lo) : 1.0);
        states->tail_lo[at] = (double)INFINITY;
    }
}

/* The address of element `index` of a row whose axes have these strides. */
LSE_INLINE const char *element(const lse_layout *layout, const ptrdiff_t *strides, const char *base, ptrdiff_t index)
{
    for (int axis = layout->ndim - 1; axis > 0; axis--) {
        base += index % layout->shape[axis] * strides[axis];
        index /= layout->shape[axis];
    }
    return layout->ndim ? base + index * strides[0] : base;
}

/* A position in nested axes, moving from one run along the last of them to the next. */
typedef struct {
    const char *at;
    ptrdiff_t index[LSE_MAX_DIMS];
} walk;

LSE_INLINE void walk_from(walk *w, const lse_layout *layout, const ptrdiff_t *strides, const char *base,
                          ptrdiff_t index)
{
    w->at = base;
    for (int axis = layout->ndim - 1; axis >= 0; axis--) {
        w->index[axis] = axis > 0 ? index % layout->shape[axis] : index;
        w->at += w->index[axis] * strides[axis];
        index = axis > 0 ? index / layout->shape[axis] : 0;
    }
}

LSE_INLINE void walk_on(walk *w, const lse_layout *layout, const ptrdiff_t *strides)
{
    int axis = layout->ndim - 1;
    w->at -= w->index[axis] * strides[axis];
    w->index[axis] = 0;
    for (axis--; axis >= 0; axis--) {
        w->at += strides[axis];
        if (++w->index[axis] < layout->shape[axis]) return;
        w->at -= layout->shape[axis] * strides[axis];
        w->index[axis] = 0;
    }
}

/* How many elements are left of the run of `length`, but at most n. */
LSE_INLINE ptrdiff_t walk_run(const walk *w, int last, ptrdiff_t length, ptrdiff_t n)
{
    const ptrdiff_t left = last >= 0 ? length - w->index[last] : 1;
    return left < n ? left : n;
}

/* The mask of rows start .. start + n of `count` neighbouring columns, one row after another: where it lies, or in a
 * copy. */
LSE_INLINE const char *mask_lines(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                  ptrdiff_t count, char *copy)
{
    const ptrdiff_t step = layout->where_step, pitch = layout->ndim == 1 ? layout->where_stride[0] : 0;
    const char *first = element(layout, layout->where_stride, row->where, start);
    if (step == 1 && (n == 1 || (layout->ndim == 1 && pitch == count))) return first;
    if (layout->ndim == 1) {
        ptrdiff_t c = 0;
        for (; c + 4 <= count; c += 4, first += 4 * step)
            for (ptrdiff_t r = 0; r < n; r++) {
                const char *at = first + r * pitch;
                const char four[4] = {at[0], at[step], at[2 * step], at[3 * step]};
                memcpy(copy + r * count + c, four, sizeof four);
            }
        for (; c < count; c++, first += step)
            for (ptrdiff_t r = 0; r < n; r++) copy[r * count + c] = first[r * pitch];
        return copy;
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        const char *where = element(layout, layout->where_stride, row->where, start + r);
        for (ptrdiff_t c = 0; c < count; c++) copy[r * count + c] = where[c * step];
    }
    return copy;
}

/* How many of the elements start .. start + n a row has. */
LSE_INLINE ptrdiff_t reach_of(const lse_row *row, ptrdiff_t start, ptrdiff_t n)
{
    return row->n - start < n ? row->n - start : n;
}
