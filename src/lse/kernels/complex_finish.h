/* Logarithms of complex sums, included once for each F: for doubles in two numbers each, for floats in plain double
 * precision. */

#if F_IS_DOUBLE
/* A complex number in two parts each, times 2^exponent; re and im are below 2, and one of them is 1 at least. For floats
 * any number whose square is normal. */
typedef struct {
    vf64 re, re_lo, im, im_lo, exponent, is_zero; /* the last 1 or 0 */
} complex_pair;

LSE_INLINE complex_pair normalize_f64(vf64 re, vf64 re_lo, vf64 im, vf64 im_lo, vf64 exponent)
{
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0), least = vf64_set(DBL_MIN);
    complex_pair z;
    re = two_sum_f64(re, re_lo, &re_lo);
    im = two_sum_f64(im, im_lo, &im_lo);
    const vf64 size = vf64_max(vf64_abs(re), vf64_abs(im));
    const vf64 own = vf64_exponent(vf64_select(size, least, size, one)), down = vf64_ldexp1(vf64_neg(own));
    z.is_zero = vf64_select(size, least, zero, one);
    z.exponent = vf64_add(own, exponent);
    z.re = vf64_select(size, least, vf64_mul(re, down), zero);
    z.re_lo = vf64_select(size, least, vf64_mul(re_lo, down), zero);
    z.im = vf64_select(size, least, vf64_mul(im, down), zero);
    z.im_lo = vf64_select(size, least, vf64_mul(im_lo, down), zero);
    return z;
}

/* The sums of lanes i and on over the element kept aside, 1 + (x + i y) 2^(N - 500) e^-re; *factor is 2^N e^-re. */
LSE_INLINE complex_pair sum_over_kept_f64(const lse_complex_sums *s, int i, vf64 *factor)
{
    const vf64 zero = vf64_set(0.0), re = vf64_load(s->re + i), max = vf64_select(re, vf64_set(-DBL_MAX), re, zero);
    const vf64 x = vf64_load(s->x + i), x_lo = vf64_load(s->x_lo + i);
    const vf64 y = vf64_load(s->y + i), y_lo = vf64_load(s->y_lo + i);
    vf64 e_lo, lost;
    const vf64 e = exp_of_rest(max, vf64_exponent_of(max), &e_lo);
    const vf64 w = vf64_mul(x, e), h = vf64_mul(y, e);
    const vf64 w_lo = vf64_add(vf64_fma(x, e, vf64_neg(w)), vf64_fma(x, e_lo, vf64_mul(x_lo, e)));
    const vf64 h_lo = vf64_add(vf64_fma(y, e, vf64_neg(h)), vf64_fma(y, e_lo, vf64_mul(y_lo, e)));
    const vf64 whole = two_sum_f64(vf64_set(0x1p500), w, &lost);
    *factor = e;
    return normalize_f64(whole, vf64_add(lost, w_lo), h, h_lo, vf64_set(-500.0));
}

/* |z|^2 2^(-2 exponent). */
LSE_INLINE vf64 square_of(const complex_pair *z, vf64 *lo)
{
    const vf64 two = vf64_set(2.0);
    return sum_of_products(z->re, vf64_mul(two, z->re_lo), z->re, z->im, vf64_mul(two, z->im_lo), z->im, lo);
}

/* log|z| in two parts; -inf of 0. */
LSE_INLINE vf64 log_of_f64(const complex_pair *z, vf64 *lo)
{
    const vf64 half = vf64_set(0.5), zero = vf64_set(0.0), one = vf64_set(1.0), most = vf64_set(3000.0);
    vf64 square_lo, log, log_lo;
    const vf64 square = square_of(z, &square_lo), twice = vf64_add(z->exponent, z->exponent);
    log_parts_f64(&square, &square_lo, &log, &log_lo, 1, twice);
    if (vf64_any_at_least(vf64_abs(twice), most)) {
        vf64 distant, distant_lo;
        vf64_log(square, square_lo, twice, &distant, &distant_lo);
        log = vf64_select(vf64_abs(twice), most, distant, log);
        log_lo = vf64_select(vf64_abs(twice), most, distant_lo, log_lo);
    }
    *lo = vf64_select(z->is_zero, one, zero, vf64_mul(log_lo, half));
    return vf64_select(z->is_zero, one, vf64_set(-(double)INFINITY), vf64_mul(log, half));
}

LSE_INLINE vf64 angle_of_f64(const complex_pair *z, vf64 *lo)
{
    vf64 angle;
    angle_of(z->re, z->re_lo, z->im, z->im_lo, &angle, lo);
    return angle;
}

/* a + b, and what rounding loses, 0 where it is not finite. */
LSE_INLINE vf64 finite_sum(vf64 a, vf64 b, vf64 *lost)
{
    const vf64 sum = two_sum_f64(a, b, lost);
    *lost = vf64_select(vf64_set(DBL_MAX), vf64_abs(sum), *lost, vf64_set(0.0));
    return sum;
}

#else
LSE_INLINE complex_pair normalize_f32(vf64 re, vf64 re_lo, vf64 im, vf64 im_lo, vf64 exponent)
{
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0), least = vf64_set(0x1p-300);
    const vf64 size = vf64_max(vf64_abs(re), vf64_abs(im));
    complex_pair z = {re, re_lo, im, im_lo, exponent, vf64_select(size, least, zero, one)};
    return z;
}

LSE_INLINE complex_pair sum_over_kept_f32(const lse_complex_sums *s, int i, vf64 *factor)
{
    enum { TERMS = sizeof EXP_WIDE / sizeof(double) };
    const vf64 zero = vf64_set(0.0), re = vf64_load(s->re + i), one = vf64_set(1.0), down = vf64_set(0x1p-500);
    const vf64 max = vf64_select(re, vf64_set(-DBL_MAX), re, zero);
    const vf64 r = vf64_fma(vf64_exponent_of(max), vf64_set(LN2_HI_f64), vf64_neg(max));
    vf64 e = vf64_set(EXP_WIDE[TERMS - 1]);
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--) e = vf64_fma(e, r, vf64_set(EXP_WIDE[k]));
    e = vf64_fma(e, r, one);
    const vf64 by = vf64_mul(e, down), w = vf64_mul(vf64_load(s->x + i), by), h = vf64_mul(vf64_load(s->y + i), by);
    const vf64 whole = vf64_add(w, one);
    *factor = e;
    return normalize_f32(whole, vf64_sub(w, vf64_sub(whole, one)), h, zero, zero);
}

/* log((square + lost) 2^n) to float precision, of a normal number. */
LSE_INLINE vf64 short_log(vf64 square, vf64 lost, vf64 n)
{
    enum { LOG_TERMS = 4 }; /* of LOG_f64: the rest are below 2^-32 */
    const vf64 a = vf64_mul(square, vf64_set(LOG_SPLIT)), t = vf64_lookup(LOG_OF_f64, a);
    const vf64 k = vf64_add(n, vf64_exponent(a)), c = vf64_lower(vf64_lookup(INVERSE_f64, a), a);
    const vf64 u = vf64_fma(lost, c, vf64_fma(square, c, vf64_set(-1.0)));
    vf64 p = vf64_set(LOG_f64[LOG_TERMS - 1]);
    LSE_UNROLL for (int j = LOG_TERMS - 2; j >= 0; j--) p = vf64_fma(p, u, vf64_set(LOG_f64[j]));
    return vf64_add(vf64_fma(k, vf64_set(LN2_HI_f64), t), vf64_fma(vf64_mul(u, u), p, u));
}

/* log|z|; near 1 as accurate as its low part. */
LSE_INLINE vf64 log_of_f32(const complex_pair *z, vf64 *lo)
{
    const vf64 two = vf64_set(2.0), first = vf64_mul(z->re, z->re), second = vf64_mul(z->im, z->im);
    vf64 lost;
    const vf64 square = vf64_max(two_sum_f64(first, second, &lost), vf64_set(0x1p-600));
    lost = vf64_add(lost, vf64_fma(vf64_mul(two, z->re), z->re_lo, vf64_fma(z->re, z->re, vf64_neg(first))));
    const vf64 log = vf64_mul(short_log(square, lost, vf64_mul(two, z->exponent)), vf64_set(0.5));
    *lo = vf64_set(0.0);
    return vf64_select(z->is_zero, vf64_set(1.0), vf64_set(-(double)INFINITY), log);
}

LSE_INLINE vf64 angle_of_f32(const complex_pair *z, vf64 *lo)
{
    *lo = vf64_set(0.0);
    return short_angle_of(z->re, z->im);
}
#endif

/* Logarithms and angles of the sums, of which those without weights are given over the elements kept aside. */
static void FN(finish_complex)(const lse_complex_sums *s, int weighted, int signs, lse_complex_results *r)
{
    for (int i = 0; i < LANES; i += vf64_width) {
        const vf64 re = vf64_load(s->re + i), im = vf64_load(s->im + i), zero = vf64_set(0.0);
        vf64 log_lo, angle_lo, lost, factor;
        complex_pair z;
        if (weighted) {
            const vf64 down = vf64_set(F_IS_DOUBLE ? 1.0 : 0x1p-500);
            z = FN(normalize)(vf64_mul(vf64_load(s->x + i), down), vf64_mul(vf64_load(s->x_lo + i), down),
                              vf64_mul(vf64_load(s->y + i), down), vf64_mul(vf64_load(s->y_lo + i), down),
                              F_IS_DOUBLE ? vf64_sub(re, vf64_set(500.0)) : re);
        } else {
            z = FN(sum_over_kept)(s, i, &factor);
        }
        vf64 log = FN(log_of)(&z, &log_lo), angle = FN(angle_of)(&z, &angle_lo);
        if (!weighted) {
            log = finite_sum(re, log, &lost);
            log = finite_sum(log, vf64_add(lost, log_lo), &log_lo);
            angle = two_sum_f64(im, angle, &lost);
            angle = within_a_turn(angle, vf64_add(lost, angle_lo), &angle_lo);
        } else {
            log = finite_sum(log, log_lo, &log_lo);
            angle = two_sum_f64(angle, angle_lo, &angle_lo);
        }
        vf64_store(r->log + i, log);
        vf64_store(r->log_lo + i, log_lo);
        vf64_store(r->angle + i, vf64_add(angle, zero)); /* never -0 */
        vf64_store(r->angle_lo + i, angle_lo);
        if (!signs) continue;
        vf64 sine, cosine;
        sine_and_cosine_f64(angle, angle_lo, &sine, &cosine);
        const vf64 exists = vf64_select(log, vf64_set(-DBL_MAX), vf64_set(1.0), zero);
        vf64_store(r->sign_im + i, vf64_mul(sine, exists));
        vf64_store(r->sign_re + i, vf64_mul(cosine, exists));
    }
}
