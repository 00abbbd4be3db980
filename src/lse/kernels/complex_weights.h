/* Weighted sums of complex exponentials, eight at a time. The anchor is the greatest exponent of a term, an integer,
 * nearest(re log2(e)) + exponent of the weight, and no term is kept aside. */

/* Weights b become 2^exponent b with the greater of |re| and |im| in [1, 2), and what has weight 0 becomes -inf; max:
 * the greatest exponents, -inf where nothing has a weight. Infinite and NaN weights make NaN of their sums. */
static void weigh_lines(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n, double *max)
{
    const vf64 zero = vf64_set(0.0), nothing = vf64_set(-(double)INFINITY), lowest = vf64_set(-DBL_MAX);
    const vf64 least = vf64_set(0x1p-800), great = vf64_set(0x1p800), by = vf64_set(400.0);
    vf64 greatest[LSE_LANE_GROUPS];
    EACH greatest[j] = nothing;
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            vf64 b_re = vf64_load(PART(weights[k].re)), b_im = vf64_load(PART(weights[k].im));
            vf64 re = vf64_load(PART(tile[k].re));
            vf64 size = vf64_max(vf64_abs(b_re), vf64_abs(b_im));
            const vf64 some = vf64_add(vf64_abs(b_re), vf64_abs(b_im)); /* NaN where there is any */
            const vf64 up = vf64_select(size, least, vf64_select(size, great, vf64_sub(zero, by), zero), by);
            const vf64 factor = vf64_ldexp1(up);
            size = vf64_mul(size, factor);
            const vf64 own = vf64_select(size, vf64_set(DBL_MIN), vf64_exponent(size), zero);
            const vf64 down = vf64_ldexp1(vf64_sub(zero, own)), exponent = vf64_sub(own, up);
            b_re = vf64_mul(vf64_mul(b_re, factor), down);
            b_im = vf64_mul(vf64_mul(b_im, factor), down);
            re = vf64_select(zero, some, nothing, re);
            const vf64 of_term = vf64_add(vf64_exponent_of(re), exponent);
            greatest[j] = vf64_max(vf64_select(re, lowest, of_term, nothing), greatest[j]);
            vf64_store(PART(tile[k].re), re);
            vf64_store(PART(weights[k].re), b_re);
            vf64_store(PART(weights[k].im), b_im);
            vf64_store(PART(weights[k].exponent), exponent);
        }
    EACH vf64_store(PART(max), greatest[j]);
}

LSE_INLINE void add_weighted_lines(const lse_complex_line *tile, const lse_weight_line *weights, ptrdiff_t n,
                                   lse_complex_sums *sums)
{
    complex_registers r;
    vf64 bias[LSE_LANE_GROUPS], floor[LSE_LANE_GROUPS];
    EACH {
        const vf64 most = vf64_max(vf64_load(PART(sums->re)), vf64_set(-2.0 * LSE_FAR_f64));
        const vf64 anchor = vf64_sub(most, vf64_set(500.0));
        bias[j] = vf64_sub(vf64_set(0x1.8p52 + 1023.0), anchor);
        floor[j] = vf64_mul(vf64_sub(anchor, vf64_set(1023.0)), vf64_set(LN2_HI_f64));
    }
    load_sums(sums, &r);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            vf64 of_x, of_y;
            weighted_term(&tile[k], &weights[k], j, bias[j], floor[j], &of_x, &of_y);
            add_term(&r.x[j], &r.x_lo[j], of_x);
            add_term(&r.y[j], &r.y_lo[j], of_y);
        }
    store_sums(&r, sums);
}

/* Eight sums; the weights are overwritten. */
static void sum_weighted_complex_tile(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n,
                                      lse_complex_sums *sums)
{
    double max[LSE_LANES], at[LSE_LANES];
    *sums = (lse_complex_sums){{0}, {0}, {0}, {0}, {0}, {0}};
    weigh_lines(tile, weights, n, sums->re);
    find_greatest(tile, n, max, at); /* for great angles */
    add_weighted_lines(tile, weights, n, sums);
}

/* The greatest exponent becomes `exponent`, if that is greater. */
LSE_INLINE void raise_exponent(lse_complex_sums *sum, double exponent)
{
    if (!(exponent > sum->re[0])) return;
    if (sum->re[0] > -(double)INFINITY) scale_lanes(sum, sum->re[0] - exponent);
    for (int i = 0; i < LSE_LANES; i++) sum->re[i] = exponent;
}

/* Of one sum, as add_complex_block. */
static void add_weighted_complex_block(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n,
                                       lse_complex_sums *sum)
{
    double max[LSE_LANES], at[LSE_LANES];
    weigh_lines(tile, weights, n, max);
    for (int i = 0; i < LSE_LANES; i++) raise_exponent(sum, max[i]);
    find_greatest(tile, n, max, at);
    add_weighted_lines(tile, weights, n, sum);
}

static void merge_weighted_complex(lse_complex_sums *sum, const lse_complex_sums *other)
{
    lse_complex_sums from = *other;
    raise_exponent(sum, from.re[0]);
    if (from.re[0] > -(double)INFINITY) raise_exponent(&from, sum->re[0]);
    add_lanes_of(sum, &from);
}
