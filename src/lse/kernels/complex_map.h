/* Softmax and log-softmax of complex elements, from their sums, included once for each F. */

static void FN(divide_complex)(const lse_complex_sums *s, lse_operation operation, lse_complex_divisors *d)
{
    for (int i = 0; i < LANES; i += vf64_width) {
        vf64 lo, factor;
        const complex_pair z = FN(sum_over_kept)(s, i, &factor);
        const vf64 zero = vf64_set(0.0), one = vf64_set(1.0), nan = vf64_set((double)NAN);
        const vf64 headroom = vf64_set(-HEADROOM), top = vf64_load(s->re + i);
        vf64_store(d->re + i, top);
        vf64_store(d->im + i, vf64_load(s->im + i));
        vf64_store(d->nan + i, vf64_select(z.is_zero, one, nan, vf64_select(top, vf64_set(-DBL_MAX), zero, nan)));
        if (operation == LSE_LOG_SOFTMAX) {
            vf64_store(d->log + i, FN(log_of)(&z, &lo));
            vf64_store(d->log_lo + i, lo);
            vf64_store(d->angle + i, FN(angle_of)(&z, &lo));
            vf64_store(d->angle_lo + i, lo);
        } else {
            const vf64 square = square_of(&z, &lo), up = vf64_ldexp1(vf64_neg(z.exponent));
            const vf64 re = vf64_div(z.re, square), im = vf64_div(vf64_neg(z.im), square);
            const vf64 down = vf64_mul(factor, vf64_ldexp1(vf64_sub(headroom, z.exponent)));
            vf64_store(d->kept_re + i, vf64_mul(re, up));
            vf64_store(d->kept_im + i, vf64_mul(im, up));
            vf64_store(d->factor_re + i, vf64_mul(re, down));
            vf64_store(d->factor_im + i, vf64_mul(im, down));
        }
    }
    for (int i = 0; i < LANES && operation == LSE_SOFTMAX; i++) d->at[i] = s->at[i];
}

/* What terms are multiplied with. */
typedef struct {
    REAL re[LANES], im[LANES], nan[LANES];
} FN(multiplier);

LSE_INLINE void FN(find_multiplier)(const lse_complex_divisors *d, FN(multiplier) *m)
{
    for (int i = 0; i < LANES; i++) {
        m->re[i] = (REAL)d->factor_re[i];
        m->im[i] = (REAL)d->factor_im[i];
        m->nan[i] = (REAL)d->nan[i];
    }
}

LSE_INLINE void FN(store_product)(lse_complex_line *line, int j, V x, V y, const FN(multiplier) *m)
{
    const V re = VF(load)(PART(m->re)), im = VF(load)(PART(m->im)), nan = VF(load)(PART(m->nan));
    const V of_re = VF(fma)(x, re, VF(sub)(VF(set)(0), VF(mul)(y, im)));
    VF(store)(PART(line->F.re), VF(add)(of_re, nan));
    VF(store)(PART(line->F.im), VF(add)(VF(fma)(x, im, VF(mul)(y, re)), nan));
}

/* Of terms that were kept; the elements kept aside are where d->at says, if that is no -1. */
static void FN(softmax_of_terms)(lse_complex_line *tile, ptrdiff_t n, const lse_complex_divisors *d)
{
    FN(multiplier) m;
    FN(find_multiplier)(d, &m);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH FN(store_product)(&tile[k], j, VF(load)(PART(tile[k].F.re)), VF(load)(PART(tile[k].F.im)), &m);
    for (int i = 0; i < LANES; i++) {
        if (d->at[i] < 0) continue;
        tile[d->at[i]].F.re[i] = (REAL)(d->kept_re[i] + d->nan[i]);
        tile[d->at[i]].F.im[i] = (REAL)(d->kept_im[i] + d->nan[i]);
    }
}

/* Of elements, whose divisors are the same in all lanes. What equals the element kept aside gets its very result. */
static void FN(softmax_complex)(lse_complex_line *tile, ptrdiff_t n, const lse_complex_divisors *d)
{
    const V zero = VF(set)(0), kept_re = VF(set)((REAL)d->kept_re[0]), kept_im = VF(set)((REAL)d->kept_im[0]);
    const V top = VF(set)((REAL)d->re[0]), kept = VF(set)((REAL)-d->im[0]);
    FN(multiplier) m;
    FN(levels) level;
    FN(greatest) g;
    FN(find_multiplier)(d, &m);
    FN(find_levels)(d->re, 0, &level);
    FN(find_greatest)(tile, n, &g); /* for great angles */
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            V im_lo, x, y;
            const V re = VF(load)(PART(tile[k].F.re));
            const V im = FN(two_sum)(VF(load)(PART(tile[k].F.im)), kept, &im_lo);
            FN(complex_term)(re, im, im_lo, VF(load)(PART(level.bias)), VF(load)(PART(level.floor)), &x, &y);
            FN(store_product)(&tile[k], j, x, y, &m);
            const V lower = VF(max)(VF(sub)(top, re), VF(abs)(im)); /* 0 of that element */
            const V of_re = VF(load)(PART(tile[k].F.re)), of_im = VF(load)(PART(tile[k].F.im));
            VF(store)(PART(tile[k].F.re), VF(select)(zero, lower, VF(add)(kept_re, VF(load)(PART(m.nan))), of_re));
            VF(store)(PART(tile[k].F.im), VF(select)(zero, lower, VF(add)(kept_im, VF(load)(PART(m.nan))), of_im));
        }
}

#if F_IS_DOUBLE
/* z less what is kept aside, and less the logarithm; both parts of each of its parts. */
static void log_softmax_complex_f64(lse_complex_line *tile, ptrdiff_t n, int fresh, const lse_complex_divisors *d)
{
    greatest_f64 g;
    if (fresh) find_greatest_f64(tile, n, &g); /* for great angles */
    const vf64 zero = vf64_set(0.0), lowest = vf64_set(-DBL_MAX);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            vf64 re_lo, im_lo, lost, angle_lost, lo;
            const vf64 nan = vf64_load(PART(d->nan)), log_lo = vf64_load(PART(d->log_lo));
            const vf64 re = finite_sum(vf64_load(PART(tile[k].f64.re)), vf64_neg(vf64_load(PART(d->re))), &re_lo);
            const vf64 im = two_sum_f64(vf64_load(PART(tile[k].f64.im)), vf64_neg(vf64_load(PART(d->im))), &im_lo);
            const vf64 whole = finite_sum(re, vf64_neg(vf64_load(PART(d->log))), &lost);
            vf64 angle = two_sum_f64(im, vf64_neg(vf64_load(PART(d->angle))), &angle_lost);
            angle_lost = vf64_add(angle_lost, vf64_sub(im_lo, vf64_load(PART(d->angle_lo))));
            angle = vf64_add(within_a_turn(angle, angle_lost, &lo), zero);
            const vf64 log = vf64_add(whole, vf64_add(lost, vf64_sub(re_lo, log_lo)));
            vf64_store(PART(tile[k].f64.im), vf64_add(vf64_select(re, lowest, angle, zero), nan));
            vf64_store(PART(tile[k].f64.re), vf64_add(log, nan));
        }
}

#else
/* Of floats, whose difference to what is kept aside is exact in double precision wherever that counts. */
static void log_softmax_complex_f32(lse_complex_line *tile, ptrdiff_t n, int fresh, const lse_complex_divisors *d)
{
    greatest_f32 g;
    if (fresh) find_greatest_f32(tile, n, &g);
    const vf64 zero = vf64_set(0.0), lowest = vf64_set(-DBL_MAX);
    for (ptrdiff_t k = 0; k < n; k++)
        for (int i = 0; i < LANES; i += vf64_width) {
            vf64 lo;
            const vf64 nan = vf64_load(d->nan + i), own = vf64_from_f32(tile[k].f32.re + i);
            const vf64 re = vf64_sub(vf64_sub(own, vf64_load(d->re + i)), vf64_load(d->log + i));
            const vf64 im = vf64_sub(vf64_from_f32(tile[k].f32.im + i), vf64_load(d->im + i));
            const vf64 angle = within_a_turn(vf64_sub(im, vf64_load(d->angle + i)), zero, &lo);
            const vf64 some = vf64_select(re, lowest, vf64_add(angle, zero), zero);
            vf64_to_f32(tile[k].f32.re + i, vf64_add(re, nan));
            vf64_to_f32(tile[k].f32.im + i, vf64_add(some, nan));
        }
}
#endif
