/* Complex exponentials, included once for each F. */

/* x + x_lo = n pi/2 + r, whose sine and cosine are turned n times, for |x| < 2 LSE_FAR_ANGLE and |x_lo| within half an
 * ulp of x. The first product subtracts exactly, and so do both with doubles.
 *
 * Doubles: within 1.4 of 2^-53, 1.32 at the worst x known, 0x1.a3b2f062d99c9p+11; next to 0 within 3.2 of 2^-53 of
 * themselves, the cosine of 0x1.65a1dd290660fp+16 at 3.15. Floats, all of them up to 2^18: within 1.09 of 2^-24, the
 * worst is 0x1.688608p+13f; and within 2.85 of 2^-24 of themselves, 0x1.7bfdd8p+16f. Those of small x are x and 1. */
LSE_INLINE void FN(sine_and_cosine)(V x, V x_lo, V *sine, V *cosine)
{
    enum { SINES = sizeof FN(SINE) / sizeof(REAL), COSINES = sizeof FN(COSINE) / sizeof(REAL) };
    const V magic = VF(set)(MAGIC), one = VF(set)(1);
    const V t = VF(fma)(x, VF(set)(FN(TWO_OVER_PI)), magic), n = VF(sub)(t, magic);
    V r = VF(fma)(n, VF(set)(-FN(HALF_PI_1)), x);
    r = VF(fma)(n, VF(set)(-FN(HALF_PI_2)), r);
    r = VF(add)(r, VF(fma)(n, VF(set)(-FN(HALF_PI_3)), x_lo));
    const V s = VF(mul)(r, r), half = VF(mul)(s, VF(set)((REAL)0.5)), rest = VF(sub)(one, half);
    V p = VF(set)(FN(SINE)[SINES - 1]), q = VF(set)(FN(COSINE)[COSINES - 1]);
    LSE_UNROLL for (int k = SINES - 2; k >= 0; k--) p = VF(fma)(p, s, VF(set)(FN(SINE)[k]));
    LSE_UNROLL for (int k = COSINES - 2; k >= 0; k--) q = VF(fma)(q, s, VF(set)(FN(COSINE)[k]));
    p = VF(fma)(VF(mul)(r, s), p, r);
    q = VF(add)(rest, VF(fma)(VF(mul)(s, s), q, VF(sub)(VF(sub)(one, rest), half)));
    *sine = VF(turn_sign)(VF(by_odd)(t, q, p), t);
    *cosine = VF(turn_sign)(VF(by_odd)(t, p, q), VF(add)(t, one));
}

/* e^(re + i (im + im_lo)) 2^-N, see exp_parts; im is finite. */
LSE_INLINE void FN(complex_term)(V re, V im, V im_lo, V bias, V floor, V *x, V *y)
{
    V scale, sine, cosine;
    FN(exp_parts)(&re, &scale, 1, bias, floor);
    FN(sine_and_cosine)(im, im_lo, &sine, &cosine);
    *x = VF(mul)(VF(fma)(cosine, re, cosine), scale);
    *y = VF(mul)(VF(fma)(sine, re, sine), scale);
}

/* Likewise times a weight 2^exponent (b_re + i b_im). */
LSE_INLINE void FN(weighted_term)(const lse_complex_line *line, const lse_weight_line *weight, int j, V bias, V floor,
                                  V *x, V *y)
{
    V re = VF(load)(PART(line->F.re)), scale, sine, cosine;
    const V exponent = VF(load)(PART(weight->F.exponent));
    const V b_re = VF(load)(PART(weight->F.re)), b_im = VF(load)(PART(weight->F.im));
    bias = VF(add)(bias, exponent);
    floor = VF(fma)(exponent, VF(set)(-FN(LN2_HI)), floor);
    FN(exp_parts)(&re, &scale, 1, bias, floor);
    FN(sine_and_cosine)(VF(load)(PART(line->F.im)), VF(set)(0), &sine, &cosine);
    const V across = VF(fma)(b_re, cosine, VF(sub)(VF(set)(0), VF(mul)(b_im, sine)));
    const V along = VF(fma)(b_re, sine, VF(mul)(b_im, cosine));
    *x = VF(mul)(VF(fma)(across, re, across), scale);
    *y = VF(mul)(VF(fma)(along, re, along), scale);
}

LSE_INLINE void FN(add_any)(V *hi, V *lo, V t)
{
    V lost;
    *hi = FN(two_sum)(*hi, t, &lost);
    *lo = VF(add)(*lo, lost);
}

LSE_INLINE void FN(put_vector)(REAL *to, vf64 x)
{
#if F_IS_DOUBLE
    vf64_store(to, x);
#else
    vf64_to_f32(to, x);
#endif
}

/* For terms near 2^HEADROOM where they are e^max[i], or 2^max[i] if these are exponents. */
typedef struct {
    REAL bias[LANES], floor[LANES];
} FN(levels);

LSE_INLINE void FN(find_levels)(const double *max, const int exponents, FN(levels) *level)
{
    const double most = (exponents ? 2 : 1) * (double)FN(LSE_FAR);
    for (int i = 0; i < LANES; i += vf64_width) {
        const vf64 own = vf64_min(vf64_max(vf64_load(max + i), vf64_set(-most)), vf64_set(most));
        const vf64 anchor = vf64_sub(exponents ? own : vf64_exponent_of(own), vf64_set(HEADROOM));
        FN(put_vector)(level->bias + i, vf64_sub(vf64_set((double)MAGIC + (double)EXP_BIAS), anchor));
        FN(put_vector)(level->floor + i,
                       vf64_mul(vf64_sub(anchor, vf64_set((double)EXP_BIAS)), vf64_set(LN2_HI_f64)));
    }
}

/* Sums in registers, of terms at HEADROOM. */
typedef struct {
    V x[FN(groups)], x_lo[FN(groups)], y[FN(groups)], y_lo[FN(groups)];
} FN(complex_registers);

LSE_INLINE void FN(clear)(FN(complex_registers) *r)
{ EACH r->x[j] = r->x_lo[j] = r->y[j] = r->y_lo[j] = VF(set)(0); }

LSE_INLINE void FN(add_to_registers)(FN(complex_registers) *r, int j, V x, V y)
{
    FN(add_any)(&r->x[j], &r->x_lo[j], x);
    FN(add_any)(&r->y[j], &r->y_lo[j], y);
}

/* hi + lo, from 2^HEADROOM to 2^500, added to sums or in place of them. */
LSE_INLINE void FN(add_part)(const V *hi, const V *lo, const int fresh, double *sum, double *sum_lo)
{
    REAL each[LANES], each_lo[LANES];
    EACH VF(store)(PART(each), hi[j]);
    EACH VF(store)(PART(each_lo), lo[j]);
    for (int i = 0; i < LANES; i += vf64_width) {
        const vf64 more = FN(widen)(each + i), more_lo = FN(widen)(each_lo + i), up = vf64_set(0x1p440);
        vf64 x = F_IS_DOUBLE ? more : vf64_mul(vf64_add(more, more_lo), up), lost = vf64_set(0.0);
        if (!fresh) x = two_sum_f64(vf64_load(sum + i), x, &lost);
        if (!fresh) lost = vf64_add(lost, vf64_load(sum_lo + i));
        vf64_store(sum + i, x);
        vf64_store(sum_lo + i, F_IS_DOUBLE ? vf64_add(lost, more_lo) : lost);
    }
}

LSE_INLINE void FN(put_registers)(const FN(complex_registers) *r, lse_complex_sums *sums)
{
    FN(add_part)(r->x, r->x_lo, 1, sums->x, sums->x_lo);
    FN(add_part)(r->y, r->y_lo, 1, sums->y, sums->y_lo);
}

LSE_INLINE void FN(add_registers)(const FN(complex_registers) *r, lse_complex_sums *sums)
{
    FN(add_part)(r->x, r->x_lo, 0, sums->x, sums->x_lo);
    FN(add_part)(r->y, r->y_lo, 0, sums->y, sums->y_lo);
}

/* The greatest element of each lane, and the first line that has it; or instead of these one of NaN. */
typedef struct {
    REAL max[LANES], re[LANES], im[LANES], at[LANES];
} FN(greatest);

/* Angles of -inf become 0, great ones small, infinite ones NaN; 0 if there are none of the latter two. */
LSE_INLINE int FN(look_at_lines)(lse_complex_line *tile, ptrdiff_t n, FN(greatest) *g)
{
    V max[FN(groups)], re[FN(groups)], im[FN(groups)], at[FN(groups)], farthest = VF(set)(0);
    const V zero = VF(set)(0), lowest = VF(set)(LOWEST), nothing = VF(set)(-(REAL)INFINITY);
    EACH max[j] = re[j] = nothing;
    EACH im[j] = at[j] = zero;
    for (ptrdiff_t k = 0; k < n; k++) {
        const V line = VF(set)((REAL)k);
        EACH {
            const V own = VF(load)(PART(tile[k].F.re));
            const V angle = VF(select)(own, lowest, VF(load)(PART(tile[k].F.im)), zero);
            at[j] = VF(select)(max[j], own, at[j], line);
            re[j] = VF(select)(max[j], own, re[j], own);
            im[j] = VF(select)(max[j], own, im[j], angle);
            max[j] = VF(max)(own, max[j]);
            farthest = VF(max)(VF(abs)(angle), farthest);
            VF(store)(PART(tile[k].F.im), angle);
        }
    }
    EACH VF(store)(PART(g->max), max[j]);
    EACH VF(store)(PART(g->re), re[j]);
    EACH VF(store)(PART(g->im), im[j]);
    EACH VF(store)(PART(g->at), at[j]);
    return VF(any_at_least)(farthest, VF(set)(FN(LSE_FAR_ANGLE)));
}

static void FN(reduce_angles)(lse_complex_line *tile, ptrdiff_t n)
{
    for (ptrdiff_t k = 0; k < n; k++)
        for (int i = 0; i < LANES; i++) {
            const double angle = (double)tile[k].F.im[i];
            if (fabs(angle) >= (double)FN(LSE_FAR_ANGLE))
                tile[k].F.im[i] = fabs(angle) <= DBL_MAX ? (REAL)lse_reduce_angle(angle) : (REAL)NAN;
        }
}

static void FN(find_greatest)(lse_complex_line *tile, ptrdiff_t n, FN(greatest) *g)
{
    if (!FN(look_at_lines)(tile, n, g)) return;
    FN(reduce_angles)(tile, n);
    FN(look_at_lines)(tile, n, g);
}
