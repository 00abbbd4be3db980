/* Weighted sums of complex exponentials, included once for each F. The anchor is the greatest exponent of a term, an
 * integer, nearest(re log2(e)) + exponent of the weight, and no term is kept aside. */

/* e^re 2^exponent is near 2 to the power of this. */
LSE_INLINE V FN(exponent_of_term)(V re, V exponent)
{
    const V magic = VF(set)(MAGIC), limit = VF(set)(FN(LSE_FAR));
    re = VF(min)(VF(max)(re, VF(sub)(VF(set)(0), limit)), limit);
    return VF(add)(VF(sub)(VF(add)(VF(mul)(re, VF(set)(FN(LOG2E))), magic), magic), exponent);
}

/* 2^e, 0 below the normal range. */
LSE_INLINE V FN(power)(V e) { return VF(pow2)(VF(add)(VF(max)(e, VF(set)(-EXP_BIAS)), VF(set)(MAGIC + EXP_BIAS))); }

/* Weights b become 2^exponent b with the greater of |re| and |im| in [1, 2), and what has weight 0 becomes -inf; max:
 * the greatest exponents, -inf where nothing has a weight. Infinite and NaN weights make NaN of their sums. */
static void FN(weigh_lines)(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n, double *max)
{
    const REAL smallest = F_IS_DOUBLE ? (REAL)DBL_MIN : (REAL)FLT_MIN;
    const V zero = VF(set)(0), nothing = VF(set)(-(REAL)INFINITY), lowest = VF(set)(LOWEST);
    const V least = VF(set)(F_IS_DOUBLE ? (REAL)0x1p-800 : (REAL)0x1p-80);
    const V great = VF(set)(F_IS_DOUBLE ? (REAL)0x1p800 : (REAL)0x1p80);
    const V by = VF(set)(F_IS_DOUBLE ? (REAL)400 : (REAL)40);
    V greatest[FN(groups)];
    REAL each[LANES];
    EACH greatest[j] = nothing;
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            V b_re = VF(load)(PART(weights[k].F.re)), b_im = VF(load)(PART(weights[k].F.im));
            V re = VF(load)(PART(tile[k].F.re));
            V size = VF(max)(VF(abs)(b_re), VF(abs)(b_im));
            const V some = VF(add)(VF(abs)(b_re), VF(abs)(b_im)); /* NaN where there is any */
            const V up = VF(select)(size, least, VF(select)(size, great, VF(sub)(zero, by), zero), by);
            const V factor = FN(power)(up);
            size = VF(mul)(size, factor);
            const V own = VF(select)(size, VF(set)(smallest), VF(exponent)(size), zero);
            const V down = FN(power)(VF(sub)(zero, own)), exponent = VF(sub)(own, up);
            b_re = VF(mul)(VF(mul)(b_re, factor), down);
            b_im = VF(mul)(VF(mul)(b_im, factor), down);
            re = VF(select)(zero, some, nothing, re);
            greatest[j] =
                VF(max)(VF(select)(re, lowest, FN(exponent_of_term)(re, exponent), nothing), greatest[j]);
            VF(store)(PART(tile[k].F.re), re);
            VF(store)(PART(weights[k].F.re), b_re);
            VF(store)(PART(weights[k].F.im), b_im);
            VF(store)(PART(weights[k].F.exponent), exponent);
        }
    EACH VF(store)(PART(each), greatest[j]);
    for (int i = 0; i < LSE_COMPLEX_LANES; i++) max[i] = i < LANES ? (double)each[i] : -(double)INFINITY;
}

LSE_INLINE void FN(add_weighted_lines)(const lse_complex_line *tile, const lse_weight_line *weights, ptrdiff_t n,
                                       lse_complex_sums *sums)
{
    FN(complex_registers) r;
    FN(levels) level;
    FN(find_levels)(sums->re, 1, &level);
    FN(clear)(&r);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            V x, y;
            FN(weighted_term)(&tile[k], &weights[k], j, VF(load)(PART(level.bias)), VF(load)(PART(level.floor)), &x,
                              &y);
            FN(add_to_registers)(&r, j, x, y);
        }
    FN(add_registers)(&r, sums);
}

/* As many sums as there are lanes; the weights are overwritten. */
static void FN(sum_weighted_complex_tile)(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n,
                                          lse_complex_sums *sums)
{
    FN(greatest) g;
    *sums = (lse_complex_sums){{0}, {0}, {0}, {0}, {0}, {0}, {0}};
    FN(weigh_lines)(tile, weights, n, sums->re);
    FN(find_greatest)(tile, n, &g); /* for great angles */
    FN(add_weighted_lines)(tile, weights, n, sums);
}

/* Of one sum, as add_complex_block. */
static void FN(add_weighted_complex_block)(lse_complex_line *tile, lse_weight_line *weights, ptrdiff_t n,
                                           lse_complex_sums *sum)
{
    FN(greatest) g;
    double exponents[LSE_COMPLEX_LANES];
    FN(weigh_lines)(tile, weights, n, exponents);
    for (int i = 0; i < LANES; i++) raise_exponent(sum, exponents[i]);
    FN(find_greatest)(tile, n, &g);
    FN(add_weighted_lines)(tile, weights, n, sum);
}
