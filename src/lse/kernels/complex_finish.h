/* Logarithms of complex sums, and what maps divide by, included once. */

/* A complex number in two parts each, times 2^exponent; re and im are below 2, and one of them is 1 at least. */
typedef struct {
    vf64 re, re_lo, im, im_lo, exponent, is_zero; /* the last 1 or 0 */
} complex_pair;

LSE_INLINE complex_pair normalize(vf64 re, vf64 re_lo, vf64 im, vf64 im_lo)
{
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0), least = vf64_set(DBL_MIN);
    complex_pair z;
    re = two_sum_f64(re, re_lo, &re_lo);
    im = two_sum_f64(im, im_lo, &im_lo);
    const vf64 size = vf64_max(vf64_abs(re), vf64_abs(im));
    z.is_zero = vf64_select(size, least, zero, one);
    z.exponent = vf64_exponent(vf64_select(size, least, size, one));
    const vf64 down = vf64_ldexp1(vf64_neg(z.exponent));
    z.re = vf64_select(size, least, vf64_mul(re, down), zero);
    z.re_lo = vf64_select(size, least, vf64_mul(re_lo, down), zero);
    z.im = vf64_select(size, least, vf64_mul(im, down), zero);
    z.im_lo = vf64_select(size, least, vf64_mul(im_lo, down), zero);
    return z;
}

/* a b + c d of numbers in two parts, b and d in one. */
LSE_INLINE vf64 sum_of_products(vf64 a, vf64 a_lo, vf64 b, vf64 c, vf64 c_lo, vf64 d, vf64 *lo)
{
    const vf64 first = vf64_mul(a, b), second = vf64_mul(c, d);
    vf64 lost;
    const vf64 sum = two_sum_f64(first, second, &lost);
    lost = vf64_add(lost, vf64_add(vf64_fma(a, b, vf64_neg(first)), vf64_fma(c, d, vf64_neg(second))));
    *lo = vf64_add(lost, vf64_fma(a_lo, b, vf64_mul(c_lo, d)));
    return sum;
}

/* The sum over e^(re + i im), the element kept aside: 1 + (x + i y) e^(-re - i im) 2^(N - 500). */
LSE_INLINE complex_pair sum_over_kept(const lse_complex_sums *s, int j)
{
    const vf64 zero = vf64_set(0.0), re = vf64_load(PART(s->re)), max = vf64_select(re, vf64_set(-DBL_MAX), re, zero);
    const vf64 x = vf64_load(PART(s->x)), x_lo = vf64_load(PART(s->x_lo));
    const vf64 y = vf64_load(PART(s->y)), y_lo = vf64_load(PART(s->y_lo));
    vf64 sine, cosine, u_lo, v_lo, e_lo, lost;
    sine_and_cosine(vf64_load(PART(s->im)), &sine, &cosine);
    const vf64 u = sum_of_products(x, x_lo, cosine, y, y_lo, sine, &u_lo);
    const vf64 v = sum_of_products(y, y_lo, cosine, x, x_lo, vf64_neg(sine), &v_lo);
    const vf64 e = exp_of_rest(max, vf64_exponent_of(max), &e_lo);
    const vf64 w = vf64_mul(u, e), h = vf64_mul(v, e);
    const vf64 w_lo = vf64_add(vf64_fma(u, e, vf64_neg(w)), vf64_fma(u, e_lo, vf64_mul(u_lo, e)));
    const vf64 h_lo = vf64_add(vf64_fma(v, e, vf64_neg(h)), vf64_fma(v, e_lo, vf64_mul(v_lo, e)));
    const vf64 whole = two_sum_f64(vf64_set(0x1p500), w, &lost);
    complex_pair z = normalize(whole, vf64_add(lost, w_lo), h, h_lo);
    z.exponent = vf64_sub(z.exponent, vf64_set(500.0));
    return z;
}

/* |z|^2 2^(-2 exponent). */
LSE_INLINE vf64 square_of(const complex_pair *z, vf64 *lo)
{
    const vf64 two = vf64_set(2.0);
    return sum_of_products(z->re, vf64_mul(two, z->re_lo), z->re, z->im, vf64_mul(two, z->im_lo), z->im, lo);
}

/* log|z| in two parts; -inf of 0. */
LSE_INLINE vf64 log_of(const complex_pair *z, vf64 *lo)
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

/* a + b, and what rounding loses, 0 where it is not finite. */
LSE_INLINE vf64 finite_sum(vf64 a, vf64 b, vf64 *lost)
{
    const vf64 sum = two_sum_f64(a, b, lost);
    *lost = vf64_select(vf64_set(DBL_MAX), vf64_abs(sum), *lost, vf64_set(0.0));
    return sum;
}

/* Logarithms and angles of the sums, of which those without weights are given over the elements kept aside. */
static void finish_complex(const lse_complex_sums *s, int weighted, int signs, lse_complex_results *r)
{
    EACH {
        const vf64 re = vf64_load(PART(s->re)), im = vf64_load(PART(s->im)), zero = vf64_set(0.0);
        vf64 log_lo, angle_lo, lost;
        complex_pair z;
        if (weighted) {
            z = normalize(vf64_load(PART(s->x)), vf64_load(PART(s->x_lo)), vf64_load(PART(s->y)),
                          vf64_load(PART(s->y_lo)));
            z.exponent = vf64_add(z.exponent, vf64_sub(re, vf64_set(500.0)));
        } else {
            z = sum_over_kept(s, j);
        }
        vf64 log = log_of(&z, &log_lo), angle;
        angle_of(z.re, z.re_lo, z.im, z.im_lo, &angle, &angle_lo);
        if (!weighted) {
            log = finite_sum(re, log, &lost);
            log = finite_sum(log, vf64_add(lost, log_lo), &log_lo);
            angle = two_sum_f64(im, angle, &lost);
            angle = within_a_turn(angle, vf64_add(lost, angle_lo), &angle_lo);
        } else {
            log = finite_sum(log, log_lo, &log_lo);
            angle = two_sum_f64(angle, angle_lo, &angle_lo);
        }
        vf64_store(PART(r->log), log);
        vf64_store(PART(r->log_lo), log_lo);
        vf64_store(PART(r->angle), vf64_add(angle, zero)); /* never -0 */
        vf64_store(PART(r->angle_lo), angle_lo);
        if (!signs) continue;
        vf64 sine, cosine;
        sine_and_cosine(angle, &sine, &cosine);
        const vf64 exists = vf64_select(log, vf64_set(-DBL_MAX), vf64_set(1.0), zero);
        const vf64 turned = vf64_fma(vf64_neg(angle_lo), sine, cosine);
        vf64_store(PART(r->sign_im), vf64_mul(vf64_fma(angle_lo, cosine, sine), exists));
        vf64_store(PART(r->sign_re), vf64_mul(turned, exists));
    }
}
