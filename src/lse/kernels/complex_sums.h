/* Sums of complex exponentials, eight at a time, in double precision. */

/* e^(re + i im) 2^-N, see exp_parts; im is finite. */
LSE_INLINE void complex_term(vf64 re, vf64 im, vf64 bias, vf64 floor, vf64 *x, vf64 *y)
{
    vf64 scale, sine, cosine;
    exp_parts_f64(&re, &scale, 1, bias, floor);
    sine_and_cosine(im, &sine, &cosine);
    *x = vf64_mul(vf64_fma(cosine, re, cosine), scale);
    *y = vf64_mul(vf64_fma(sine, re, sine), scale);
}

/* Likewise times a weight 2^exponent (b_re + i b_im). */
LSE_INLINE void weighted_term(const lse_complex_line *line, const lse_weight_line *weight, int j, vf64 bias, vf64 floor,
                              vf64 *x, vf64 *y)
{
    vf64 re = vf64_load(PART(line->re)), im = vf64_load(PART(line->im)), scale, sine, cosine;
    const vf64 exponent = vf64_load(PART(weight->exponent));
    const vf64 b_re = vf64_load(PART(weight->re)), b_im = vf64_load(PART(weight->im));
    bias = vf64_add(bias, exponent);
    floor = vf64_fma(exponent, vf64_set(-LN2_HI_f64), floor);
    exp_parts_f64(&re, &scale, 1, bias, floor);
    sine_and_cosine(im, &sine, &cosine);
    const vf64 across = vf64_fma(b_re, cosine, vf64_sub(vf64_set(0.0), vf64_mul(b_im, sine)));
    const vf64 along = vf64_fma(b_re, sine, vf64_mul(b_im, cosine));
    *x = vf64_mul(vf64_fma(across, re, across), scale);
    *y = vf64_mul(vf64_fma(along, re, along), scale);
}

LSE_INLINE void add_term(vf64 *hi, vf64 *lo, vf64 t)
{
    vf64 lost;
    *hi = two_sum_f64(*hi, t, &lost);
    *lo = vf64_add(*lo, lost);
}

/* The greatest element of each lane, and the line of the first of these, or one of NaN. Angles of -inf become 0, great
 * ones small, infinite ones NaN. */
static void find_greatest(lse_complex_line *tile, ptrdiff_t n, double *max, double *at)
{
    vf64 greatest[LSE_LANE_GROUPS], place[LSE_LANE_GROUPS], farthest = vf64_set(0.0);
    const vf64 zero = vf64_set(0.0), lowest = vf64_set(-DBL_MAX);
    EACH greatest[j] = vf64_set(-(double)INFINITY);
    EACH place[j] = zero;
    for (ptrdiff_t k = 0; k < n; k++) {
        const vf64 line = vf64_set((double)k);
        EACH {
            const vf64 re = vf64_load(PART(tile[k].re));
            const vf64 im = vf64_select(re, lowest, vf64_load(PART(tile[k].im)), zero);
            place[j] = vf64_select(greatest[j], re, place[j], line);
            greatest[j] = vf64_max(re, greatest[j]);
            farthest = vf64_max(vf64_abs(im), farthest);
            vf64_store(PART(tile[k].im), im);
        }
    }
    EACH vf64_store(PART(max), greatest[j]);
    EACH vf64_store(PART(at), place[j]);
    if (!vf64_any_at_least(farthest, vf64_set(LSE_FAR_ANGLE))) return;
    for (ptrdiff_t k = 0; k < n; k++)
        for (int i = 0; i < LSE_LANES; i++) {
            const double angle = tile[k].im[i];
            if (fabs(angle) >= LSE_FAR_ANGLE)
                tile[k].im[i] = fabs(angle) <= DBL_MAX ? lse_reduce_angle(angle) : (double)NAN;
        }
}

/* Sums in registers. */
typedef struct {
    vf64 x[LSE_LANE_GROUPS], x_lo[LSE_LANE_GROUPS], y[LSE_LANE_GROUPS], y_lo[LSE_LANE_GROUPS];
} complex_registers;

LSE_INLINE void load_sums(const lse_complex_sums *sums, complex_registers *r)
{
    EACH r->x[j] = vf64_load(PART(sums->x));
    EACH r->x_lo[j] = vf64_load(PART(sums->x_lo));
    EACH r->y[j] = vf64_load(PART(sums->y));
    EACH r->y_lo[j] = vf64_load(PART(sums->y_lo));
}

LSE_INLINE void store_sums(const complex_registers *r, lse_complex_sums *sums)
{
    EACH vf64_store(PART(sums->x), r->x[j]);
    EACH vf64_store(PART(sums->x_lo), r->x_lo[j]);
    EACH vf64_store(PART(sums->y), r->y[j]);
    EACH vf64_store(PART(sums->y_lo), r->y_lo[j]);
}

/* Adds the terms of n lines. */
LSE_INLINE void add_lines(const lse_complex_line *tile, ptrdiff_t n, const double *max, lse_complex_sums *sums)
{
    wide_level level[LSE_LANE_GROUPS];
    complex_registers r;
    EACH level[j] = wide_level_for(vf64_load(PART(max)), LSE_FAR_f64);
    load_sums(sums, &r);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            vf64 of_x, of_y;
            complex_term(vf64_load(PART(tile[k].re)), vf64_load(PART(tile[k].im)), level[j].bias, level[j].floor, &of_x,
                         &of_y);
            add_term(&r.x[j], &r.x_lo[j], of_x);
            add_term(&r.y[j], &r.y_lo[j], of_y);
        }
    store_sums(&r, sums);
}

/* Takes an element out of its tile, to be kept aside; NaN stays, so that it is seen. */
LSE_INLINE void take_out(lse_complex_line *line, int lane, double *re, double *im)
{
    *re = line->re[lane];
    *im = line->im[lane];
    if (*re == *re) line->re[lane] = -(double)INFINITY;
}

/* Eight sums of n <= LSE_SHORT elements; the tile keeps its elements, but for great angles. */
static void sum_complex_tile(lse_complex_line *tile, ptrdiff_t n, lse_complex_sums *sums)
{
    double max[LSE_LANES], at[LSE_LANES];
    *sums = (lse_complex_sums){{0}, {0}, {0}, {0}, {0}, {0}};
    find_greatest(tile, n, max, at);
    for (int i = 0; i < LSE_LANES; i++) take_out(&tile[(int)at[i]], i, &sums->re[i], &sums->im[i]);
    add_lines(tile, n, sums->re, sums);
    for (int i = 0; i < LSE_LANES; i++) tile[(int)at[i]].re[i] = sums->re[i];
}

/* One sum in eight lanes: re and im are the first lane's. */
static void start_complex_sum(lse_complex_sums *sum)
{
    *sum = (lse_complex_sums){{0}, {0}, {0}, {0}, {0}, {0}};
    for (int i = 0; i < LSE_LANES; i++) sum->re[i] = -(double)INFINITY;
}

/* All lanes times 2^e, e <= 0. */
LSE_INLINE void scale_lanes(lse_complex_sums *sum, double e)
{
    const vf64 by = vf64_set(e);
    EACH {
        vf64_store(PART(sum->x), vf64_down(vf64_load(PART(sum->x)), by));
        vf64_store(PART(sum->x_lo), vf64_down(vf64_load(PART(sum->x_lo)), by));
        vf64_store(PART(sum->y), vf64_down(vf64_load(PART(sum->y)), by));
        vf64_store(PART(sum->y_lo), vf64_down(vf64_load(PART(sum->y_lo)), by));
    }
}

LSE_INLINE void add_to_pair(double *hi, double *lo, double t)
{
    const pair sum = two_sum(*hi, t);
    *hi = sum.hi;
    *lo += sum.lo;
}

/* Adds e^(re + i im) to a sum whose anchor is that of max, to its first lane. */
LSE_INLINE void add_element(lse_complex_sums *sum, double re, double im, double max)
{
    const wide_level level = wide_level_for(vf64_set(max), LSE_FAR_f64);
    double each[2][vf64_width];
    vf64 x, y;
    complex_term(vf64_set(re), vf64_set(im), level.bias, level.floor, &x, &y);
    vf64_store(each[0], x);
    vf64_store(each[1], y);
    add_to_pair(&sum->x[0], &sum->x_lo[0], each[0][0]);
    add_to_pair(&sum->y[0], &sum->y_lo[0], each[1][0]);
}

/* The element kept aside becomes re + i im, greater than the one before, which joins the others. */
LSE_INLINE void replace_kept(lse_complex_sums *sum, double re, double im)
{
    const double before = sum->re[0], angle = sum->im[0];
    if (before > -(double)INFINITY) {
        scale_lanes(sum, exponent_of(before) - exponent_of(re));
        add_element(sum, before, angle, re);
    }
    for (int i = 0; i < LSE_LANES; i++) sum->re[i] = re;
    sum->im[0] = im;
}

/* Adds the lines of a tile, in which element i is in lane i mod 8 of line i / 8; what is beyond the last is -inf. */
static void add_complex_block(lse_complex_line *tile, ptrdiff_t n, lse_complex_sums *sum)
{
    double max[LSE_LANES], at[LSE_LANES], re, im;
    int best = 0;
    find_greatest(tile, n, max, at);
    for (int i = 1; i < LSE_LANES; i++)
        if (max[i] > max[best] || (max[i] == max[best] && at[i] < at[best])) best = i;
    if (max[best] > sum->re[0]) {
        take_out(&tile[(int)at[best]], best, &re, &im);
        if (re == re) replace_kept(sum, re, im);
    }
    add_lines(tile, n, sum->re, sum);
}

/* The lanes in halves. */
LSE_INLINE void join_lanes(double *hi, double *lo)
{
    add_compensated_lanes(hi, lo);
    const pair sum = two_sum(hi[0], lo[0]);
    hi[0] = sum.hi;
    lo[0] = sum.lo;
}

/* Such a sum becomes sum i of eight. */
static void end_complex_sum(const lse_complex_sums *sum, int i, lse_complex_sums *sums)
{
    lse_complex_sums own = *sum;
    join_lanes(own.x, own.x_lo);
    join_lanes(own.y, own.y_lo);
    sums->re[i] = own.re[0];
    sums->im[i] = own.im[0];
    sums->x[i] = own.x[0];
    sums->x_lo[i] = own.x_lo[0];
    sums->y[i] = own.y[0];
    sums->y_lo[i] = own.y_lo[0];
}

/* Lane by lane, of sums of the same anchor. */
LSE_INLINE void add_lanes_of(lse_complex_sums *sum, const lse_complex_sums *from)
{
    EACH {
        vf64 x = vf64_load(PART(sum->x)), x_lo = vf64_load(PART(sum->x_lo));
        vf64 y = vf64_load(PART(sum->y)), y_lo = vf64_load(PART(sum->y_lo));
        add_term(&x, &x_lo, vf64_load(PART(from->x)));
        add_term(&y, &y_lo, vf64_load(PART(from->y)));
        vf64_store(PART(sum->x), x);
        vf64_store(PART(sum->x_lo), vf64_add(x_lo, vf64_load(PART(from->x_lo))));
        vf64_store(PART(sum->y), y);
        vf64_store(PART(sum->y_lo), vf64_add(y_lo, vf64_load(PART(from->y_lo))));
    }
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
