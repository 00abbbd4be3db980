/* Sums of complex exponentials, a lane each or in all lanes, included once for each F. */

/* Adds the terms of n lines, as they are or, with `turned`, over the direction of what is kept aside in their lane, and
 * with `out` but for the lines it names; `terms` may be the lines themselves, or NULL. */
LSE_INLINE void FN(add_lines)(const lse_complex_line *tile, ptrdiff_t n, const FN(levels) *level, const int turned,
                              const REAL *kept, const REAL *out, lse_complex_line *terms, FN(complex_registers) *r)
{
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            V im = VF(load)(PART(tile[k].F.im)), im_lo = VF(set)(0), x, y;
            if (turned) im = FN(two_sum)(im, VF(sub)(VF(set)(0), VF(load)(PART(kept))), &im_lo);
            FN(complex_term)(VF(load)(PART(tile[k].F.re)), im, im_lo, VF(load)(PART(level->bias)),
                             VF(load)(PART(level->floor)), &x, &y);
            if (terms) {
                VF(store)(PART(terms[k].F.re), x);
                VF(store)(PART(terms[k].F.im), y);
            }
            if (out) {
                x = VF(keep)(VF(differs)(VF(set)((REAL)k), VF(load)(PART(out))), x);
                y = VF(keep)(VF(differs)(VF(set)((REAL)k), VF(load)(PART(out))), y);
            }
            FN(add_to_registers)(r, j, x, y);
        }
}

/* As many sums as there are lanes, of n <= LSE_SHORT elements. The tile keeps its elements, but for great angles, or
 * with `keep` has the terms instead. */
static void FN(sum_complex_tile)(lse_complex_line *tile, ptrdiff_t n, int keep, lse_complex_sums *sums)
{
    FN(greatest) g;
    FN(complex_registers) r;
    FN(levels) level;
    FN(find_greatest)(tile, n, &g);
    for (int i = 0; i < LANES; i += vf64_width) {
        vf64_store(sums->re + i, FN(widen)(g.re + i));
        vf64_store(sums->im + i, FN(widen)(g.im + i));
    }
    FN(find_levels)(sums->re, 0, &level);
    FN(clear)(&r);
    if (keep) FN(add_lines)(tile, n, &level, 1, g.im, g.at, tile, &r);
    else FN(add_lines)(tile, n, &level, 1, g.im, g.at, NULL, &r);
    FN(put_registers)(&r, sums);
    for (int i = 0; i < LANES && keep; i++) sums->at[i] = (int)g.at[i];
}

/* Takes an element out of its tile, to be kept aside; NaN stays, so that it is seen. */
LSE_INLINE void FN(take_out)(lse_complex_line *line, int lane, REAL *re, REAL *im)
{
    *re = line->F.re[lane];
    *im = line->F.im[lane];
    if (*re == *re) line->F.re[lane] = -(REAL)INFINITY;
}

/* The lane of the first of the greatest elements of a sum in all lanes. */
LSE_INLINE int FN(best_lane)(const FN(greatest) *g)
{
    int best = 0;
    for (int i = 1; i < LANES; i++)
        if (g->max[i] > g->max[best] || (g->max[i] == g->max[best] && g->at[i] < g->at[best])) best = i;
    return best;
}

/* One sum: element i is in lane i mod LANES of line i / LANES. The tile keeps its elements, but for great angles, or
 * with `keep` has their terms. */
static void FN(sum_complex_row)(lse_complex_line *tile, ptrdiff_t n, int keep, lse_complex_sums *sums)
{
    REAL re, im, kept[LANES];
    lse_complex_sums lanes;
    FN(greatest) g;
    FN(complex_registers) r;
    FN(levels) level;
    FN(find_greatest)(tile, n, &g);
    const int best = FN(best_lane)(&g);
    lse_complex_line *line = &tile[(int)g.at[best]];
    FN(take_out)(line, best, &re, &im);
    for (int i = 0; i < LANES; i++) {
        lanes.re[i] = sums->re[i] = (double)re;
        sums->im[i] = (double)im;
        sums->at[i] = i == best ? (int)g.at[best] : -1;
        kept[i] = im;
    }
    FN(find_levels)(lanes.re, 0, &level);
    FN(clear)(&r);
    if (keep) FN(add_lines)(tile, n, &level, 1, kept, NULL, tile, &r);
    else FN(add_lines)(tile, n, &level, 1, kept, NULL, NULL, &r);
    FN(put_registers)(&r, &lanes);
    if (!keep) line->F.re[best] = re;
    const pair x = join_lanes(lanes.x, lanes.x_lo, LANES), y = join_lanes(lanes.y, lanes.y_lo, LANES);
    for (int i = 0; i < LANES; i++) {
        sums->x[i] = x.hi;
        sums->x_lo[i] = x.lo;
        sums->y[i] = y.hi;
        sums->y_lo[i] = y.lo;
    }
}

/* Adds such lines to a sum in all lanes; what is beyond its last element is -inf. */
static void FN(add_complex_block)(lse_complex_line *tile, ptrdiff_t n, lse_complex_sums *sum)
{
    REAL re, im;
    FN(greatest) g;
    FN(complex_registers) r;
    FN(levels) level;
    FN(find_greatest)(tile, n, &g);
    const int best = FN(best_lane)(&g);
    if ((double)g.max[best] > sum->re[0]) {
        FN(take_out)(&tile[(int)g.at[best]], best, &re, &im);
        if (re == re) replace_kept(sum, (double)re, (double)im);
    }
    FN(find_levels)(sum->re, 0, &level);
    FN(clear)(&r);
    FN(add_lines)(tile, n, &level, 0, NULL, NULL, NULL, &r);
    FN(add_registers)(&r, sum);
}
