/* Softmax and log-softmax of complex elements, from their sums. */

/* Terms are e^(z - kept) 2^SPARE times the inverse of a sum, so that the least ones are rounded once, where they become
 * subnormal; the exponent of an inverse beyond MOST is a factor of its own. */
#define SPARE 200.0
#define MOST_INVERSE 700.0

static void divide_complex(const lse_complex_sums *s, lse_operation operation, lse_complex_divisors *d)
{
    EACH {
        const complex_pair z = sum_over_kept(s, j);
        const vf64 zero = vf64_set(0.0), one = vf64_set(1.0);
        vf64_store(PART(d->re), vf64_load(PART(s->re)));
        vf64_store(PART(d->im), vf64_load(PART(s->im)));
        vf64_store(PART(d->nan), vf64_select(z.is_zero, one, vf64_set((double)NAN), zero));
        vf64 lo, angle, angle_lo;
        if (operation == LSE_LOG_SOFTMAX) {
            vf64_store(PART(d->log), log_of(&z, &lo));
            vf64_store(PART(d->log_lo), lo);
            angle_of(z.re, z.re_lo, z.im, z.im_lo, &angle, &angle_lo);
            vf64_store(PART(d->angle), angle);
            vf64_store(PART(d->angle_lo), angle_lo);
        } else {
            const vf64 square = square_of(&z, &lo);
            vf64_store(PART(d->inverse_re), vf64_div(z.re, square));
            vf64_store(PART(d->inverse_im), vf64_div(vf64_neg(z.im), square));
            vf64_store(PART(d->exponent), vf64_neg(z.exponent));
        }
    }
}

/* z less what is kept aside: both parts of each of its parts. */
typedef struct {
    vf64 re, re_lo, im, im_lo;
} difference;

LSE_INLINE difference less_kept(const lse_complex_line *line, const lse_complex_divisors *d, int j)
{
    const vf64 re = vf64_load(PART(line->re)), lowest = vf64_set(-DBL_MAX), zero = vf64_set(0.0);
    difference z;
    z.re = finite_sum(re, vf64_neg(vf64_load(PART(d->re))), &z.re_lo);
    z.im = two_sum_f64(vf64_load(PART(line->im)), vf64_neg(vf64_load(PART(d->im))), &z.im_lo);
    z.im = vf64_select(re, lowest, z.im, zero);
    z.im_lo = vf64_select(re, lowest, z.im_lo, zero);
    return z;
}

static void softmax_complex(lse_complex_line *tile, ptrdiff_t n, const lse_complex_divisors *d)
{
    vf64 bias[LSE_LANE_GROUPS], floor[LSE_LANE_GROUPS], factor[LSE_LANE_GROUPS];
    EACH {
        const vf64 exponent = vf64_load(PART(d->exponent)), most = vf64_min(exponent, vf64_set(MOST_INVERSE));
        const vf64 anchor = vf64_sub(vf64_set(-SPARE), most);
        bias[j] = vf64_sub(vf64_set(0x1.8p52 + 1023.0), anchor);
        floor[j] = vf64_mul(vf64_sub(anchor, vf64_set(1023.0)), vf64_set(LN2_HI_f64));
        factor[j] = vf64_ldexp1(vf64_sub(vf64_sub(exponent, most), vf64_set(SPARE)));
    }
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            const difference z = less_kept(&tile[k], d, j);
            const vf64 nan = vf64_load(PART(d->nan));
            const vf64 inverse_re = vf64_load(PART(d->inverse_re)), inverse_im = vf64_load(PART(d->inverse_im));
            vf64 size = z.re, scale, sine, cosine;
            exp_parts_f64(&size, &scale, 1, bias[j], floor[j]);
            sine_and_cosine(z.im, &sine, &cosine);
            size = vf64_add(size, vf64_fma(z.re_lo, size, z.re_lo));
            const vf64 y = vf64_fma(z.im_lo, cosine, sine), x = vf64_fma(vf64_neg(z.im_lo), sine, cosine);
            const vf64 re = vf64_fma(x, inverse_re, vf64_neg(vf64_mul(y, inverse_im)));
            const vf64 im = vf64_fma(x, inverse_im, vf64_mul(y, inverse_re));
            const vf64 of_re = vf64_mul(vf64_mul(vf64_fma(re, size, re), scale), factor[j]);
            const vf64 of_im = vf64_mul(vf64_mul(vf64_fma(im, size, im), scale), factor[j]);
            vf64_store(PART(tile[k].re), vf64_add(of_re, nan));
            vf64_store(PART(tile[k].im), vf64_add(of_im, nan));
        }
}

static void log_softmax_complex(lse_complex_line *tile, ptrdiff_t n, const lse_complex_divisors *d)
{
    const vf64 zero = vf64_set(0.0), lowest = vf64_set(-DBL_MAX);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            const difference z = less_kept(&tile[k], d, j);
            const vf64 nan = vf64_load(PART(d->nan)), log_lo = vf64_load(PART(d->log_lo));
            vf64 lost, angle_lost, lo;
            const vf64 whole = finite_sum(z.re, vf64_neg(vf64_load(PART(d->log))), &lost);
            const vf64 re = vf64_add(whole, vf64_add(lost, vf64_sub(z.re_lo, log_lo)));
            vf64 angle = two_sum_f64(z.im, vf64_neg(vf64_load(PART(d->angle))), &angle_lost);
            angle_lost = vf64_add(angle_lost, vf64_sub(z.im_lo, vf64_load(PART(d->angle_lo))));
            angle = vf64_add(within_a_turn(angle, angle_lost, &lo), zero);
            vf64_store(PART(tile[k].im), vf64_add(vf64_select(z.re, lowest, angle, zero), nan));
            vf64_store(PART(tile[k].re), vf64_add(re, nan));
        }
}

static void direction_of(double angle, double *cosine, double *sine)
{
    double each[2][vf64_width];
    vf64 x, y;
    if (fabs(angle) >= LSE_FAR_ANGLE && fabs(angle) <= DBL_MAX) angle = lse_reduce_angle(angle);
    sine_and_cosine(vf64_set(angle), &y, &x);
    vf64_store(each[0], x);
    vf64_store(each[1], y);
    *cosine = each[0][0];
    *sine = each[1][0];
}
#undef SPARE
#undef MOST_INVERSE
