/* States of long complex sums, in double precision whatever the elements are, included once. Element i is in lane i mod
 * lanes; of doubles the second half of the lanes is nothing. */

#define ALL_LANES(i) for (int i = 0; i < LSE_COMPLEX_LANES; i += vf64_width)

/* re and im are the first lane's. */
static void start_complex_sum(lse_complex_sums *sum)
{
    *sum = (lse_complex_sums){{0}, {0}, {0}, {0}, {0}, {0}, {0}};
    for (int i = 0; i < LSE_COMPLEX_LANES; i++) sum->re[i] = -(double)INFINITY;
}

LSE_INLINE void scale_part(double *part, vf64 by)
{ ALL_LANES(i) vf64_store(part + i, vf64_down(vf64_load(part + i), by)); }

/* All lanes times 2^e, e <= 0. */
static void scale_lanes(lse_complex_sums *sum, double e)
{
    const vf64 by = vf64_set(e);
    scale_part(sum->x, by);
    scale_part(sum->x_lo, by);
    scale_part(sum->y, by);
    scale_part(sum->y_lo, by);
}

LSE_INLINE void add_to_pair(double *hi, double *lo, double t)
{
    const pair sum = two_sum(*hi, t);
    *hi = sum.hi;
    *lo += sum.lo;
}

/* Adds e^(re + i im) to a sum whose anchor is that of max, to its first lane. */
static void add_element(lse_complex_sums *sum, double re, double im, double max)
{
    const wide_level level = wide_level_for(vf64_set(max), LSE_FAR_f64);
    double each[2][vf64_width];
    vf64 x, y;
    complex_term_f64(vf64_set(re), vf64_set(im), vf64_set(0.0), level.bias, level.floor, &x, &y);
    vf64_store(each[0], x);
    vf64_store(each[1], y);
    add_to_pair(&sum->x[0], &sum->x_lo[0], each[0][0]);
    add_to_pair(&sum->y[0], &sum->y_lo[0], each[1][0]);
}

/* A greater element is kept aside, and what was kept is added. */
static void replace_kept(lse_complex_sums *sum, double re, double im)
{
    const double before = sum->re[0], angle = sum->im[0];
    if (before > -(double)INFINITY) {
        scale_lanes(sum, exponent_of(before) - exponent_of(re));
        add_element(sum, before, angle, re);
    }
    for (int i = 0; i < LSE_COMPLEX_LANES; i++) sum->re[i] = re;
    sum->im[0] = im;
}

/* The greatest exponent becomes `exponent`, if that is greater. */
static void raise_exponent(lse_complex_sums *sum, double exponent)
{
    if (!(exponent > sum->re[0])) return;
    if (sum->re[0] > -(double)INFINITY) scale_lanes(sum, sum->re[0] - exponent);
    for (int i = 0; i < LSE_COMPLEX_LANES; i++) sum->re[i] = exponent;
}

LSE_INLINE void add_part_of(double *sum, double *sum_lo, const double *from, const double *from_lo)
{
    ALL_LANES(i)
    {
        vf64 hi = vf64_load(sum + i), lo = vf64_load(sum_lo + i);
        add_any_f64(&hi, &lo, vf64_load(from + i));
        vf64_store(sum + i, hi);
        vf64_store(sum_lo + i, vf64_add(lo, vf64_load(from_lo + i)));
    }
}

/* Lane by lane, of sums of the same anchor. */
LSE_INLINE void add_lanes_of(lse_complex_sums *sum, const lse_complex_sums *from)
{
    add_part_of(sum->x, sum->x_lo, from->x, from->x_lo);
    add_part_of(sum->y, sum->y_lo, from->y, from->y_lo);
}

/* sum = sum + other, one sum each. */
static void merge_complex(lse_complex_sums *sum, const lse_complex_sums *other)
{
    lse_complex_sums from = *other;
    if (from.re[0] > sum->re[0]) {
        replace_kept(sum, from.re[0], from.im[0]);
    } else if (from.re[0] > -(double)INFINITY) {
        scale_lanes(&from, exponent_of(from.re[0]) - exponent_of(sum->re[0]));
        add_element(sum, from.re[0], from.im[0], sum->re[0]);
    }
    add_lanes_of(sum, &from);
}

static void merge_weighted_complex(lse_complex_sums *sum, const lse_complex_sums *other)
{
    lse_complex_sums from = *other;
    raise_exponent(sum, from.re[0]);
    if (from.re[0] > -(double)INFINITY) raise_exponent(&from, sum->re[0]);
    add_lanes_of(sum, &from);
}

/* The lanes in halves. */
LSE_INLINE pair join_lanes(const double *hi, const double *lo, int lanes)
{
    pair sums[LSE_COMPLEX_LANES];
    for (int i = 0; i < lanes; i++) sums[i] = (pair){hi[i], lo[i]};
    for (int half = lanes / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) {
            const pair sum = two_sum(sums[i].hi, sums[i + half].hi);
            sums[i] = (pair){sum.hi, sums[i].lo + sums[i + half].lo + sum.lo};
        }
    return two_sum(sums[0].hi, sums[0].lo);
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

LSE_INLINE double first_of(vf64 x)
{
    double each[vf64_width];
    vf64_store(each, x);
    return each[0];
}

/* Such a sum becomes sum i of others, without weights over the direction of the element kept aside. */
static void end_complex_sum(const lse_complex_sums *sum, int weighted, int i, lse_complex_sums *sums)
{
    pair x = join_lanes(sum->x, sum->x_lo, LSE_COMPLEX_LANES);
    pair y = join_lanes(sum->y, sum->y_lo, LSE_COMPLEX_LANES);
    if (!weighted) {
        vf64 sine, cosine, u_lo, v_lo;
        sine_and_cosine_f64(vf64_set(sum->im[0]), vf64_set(0.0), &sine, &cosine);
        const vf64 hi = vf64_set(x.hi), lo = vf64_set(x.lo), y_hi = vf64_set(y.hi), y_lo = vf64_set(y.lo);
        const vf64 u = sum_of_products(hi, lo, cosine, y_hi, y_lo, sine, &u_lo);
        const vf64 v = sum_of_products(y_hi, y_lo, cosine, hi, lo, vf64_neg(sine), &v_lo);
        x = (pair){first_of(u), first_of(u_lo)};
        y = (pair){first_of(v), first_of(v_lo)};
    }
    sums->re[i] = sum->re[0];
    sums->im[i] = sum->im[0];
    sums->x[i] = x.hi;
    sums->x_lo[i] = x.lo;
    sums->y[i] = y.hi;
    sums->y_lo[i] = y.lo;
}

/* Whether all exponents or greatest elements are no larger than `most`, their angles finite, and sums of all others
 * finite and no smaller than `least`. */
static int are_sums_in_range(const lse_complex_sums *s, ptrdiff_t lanes, double most, double least)
{
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0), top = vf64_set(most), bottom = vf64_set(least);
    vf64 wrong = zero;
    for (ptrdiff_t i = 0; i < lanes; i += vf64_width) {
        const vf64 rest = vf64_add(vf64_abs(vf64_load(s->x + i)), vf64_abs(vf64_load(s->y + i)));
        const vf64 a = vf64_select(top, vf64_abs(vf64_load(s->re + i)), zero, one);
        const vf64 b = vf64_select(vf64_set(DBL_MAX), vf64_abs(vf64_load(s->im + i)), zero, one);
        const vf64 c = vf64_select(vf64_set(0x1p1000), rest, zero, one), d = vf64_select(rest, bottom, zero, one);
        wrong = vf64_max(wrong, vf64_max(vf64_max(a, b), vf64_max(c, d)));
    }
    return !vf64_any_at_least(wrong, one);
}

static void direction_of(double angle, double *cosine, double *sine)
{
    vf64 x, y;
    if (fabs(angle) >= LSE_FAR_ANGLE_f64 && fabs(angle) <= DBL_MAX) angle = lse_reduce_angle(angle);
    sine_and_cosine_f64(vf64_set(angle), vf64_set(0.0), &y, &x);
    *cosine = first_of(x);
    *sine = first_of(y);
}
#undef ALL_LANES
