/* Cumulative sums of complex elements, included once for each F: of rows of no more than LSE_STEPS, side by side; of
 * blocks of a longer one, whose lanes are consecutive runs, and what stands before each run is added to it. All sums
 * are in two parts. */

/* Sums whose exponents are so far below that of the greatest term have digits below the normal numbers. */
#define SPAN (F_IS_DOUBLE ? 1400.0 : 140.0)

/* The greatest real parts, and numbers that are not 0 where an element cannot be summed. */
LSE_INLINE void FN(look_for_bad)(lse_complex_line *tile, ptrdiff_t lines, REAL *max, REAL *bad)
{
    const V zero = VF(set)(0), lowest = VF(set)(LOWEST), most = VF(set)(FN(LSE_FAR)), one = VF(set)(1);
    FN(greatest) g;
    V wrong[FN(groups)];
    FN(find_greatest)(tile, lines, &g);
    memcpy(max, g.max, sizeof g.max);
    EACH wrong[j] = zero;
    for (ptrdiff_t k = 0; k < lines; k++)
        EACH {
            const V re = VF(load)(PART(tile[k].F.re)), im = VF(load)(PART(tile[k].F.im));
            const V here = VF(add)(VF(select)(most, VF(abs)(re), zero, one), VF(sub)(im, im));
            const V any = VF(add)(here, VF(sub)(re, re));
            wrong[j] = VF(add)(wrong[j], VF(select)(re, lowest, any, VF(select)(re, re, zero, any)));
        }
    EACH VF(store)(PART(bad), wrong[j]);
}

/* The logarithms of as many sums as a register has, in two parts each, times 2^anchor. */
#if F_IS_DOUBLE
LSE_INLINE void store_logs_f64(lse_complex_line *line, int j, vf64 x, vf64 x_lo, vf64 y, vf64 y_lo, vf64 anchor)
{
    vf64 lo, angle_lo;
    const complex_pair z = normalize_f64(x, x_lo, y, y_lo, anchor);
    const vf64 log = log_of_f64(&z, &lo), angle = angle_of_f64(&z, &angle_lo);
    vf64_store(PART(line->f64.re), vf64_add(log, lo));
    vf64_store(PART(line->f64.im), vf64_add(vf64_add(angle, angle_lo), vf64_set(0.0)));
}

#else
LSE_INLINE void store_logs_f32(lse_complex_line *line, int j, vf32 x, vf32 x_lo, vf32 y, vf32 y_lo, vf32 anchor)
{
    float each[5][vf32_width];
    vf32_store(each[0], x);
    vf32_store(each[1], x_lo);
    vf32_store(each[2], y);
    vf32_store(each[3], y_lo);
    vf32_store(each[4], anchor);
    LSE_UNROLL for (int i = 0; i < vf32_width; i += vf64_width) {
        const vf64 zero = vf64_set(0.0), re = vf64_add(vf64_from_f32(each[0] + i), vf64_from_f32(each[1] + i));
        const vf64 im = vf64_add(vf64_from_f32(each[2] + i), vf64_from_f32(each[3] + i));
        const vf64 square = vf64_fma(re, re, vf64_mul(im, im)), exponent = vf64_from_f32(each[4] + i);
        const vf64 log = short_log(square, zero, vf64_add(exponent, exponent)), nothing = vf64_set(-(double)INFINITY);
        const vf64 some = vf64_select(square, vf64_set(0x1p-600), vf64_mul(log, vf64_set(0.5)), nothing);
        vf64_to_f32(PART(line->f32.re) + i, some);
        vf64_to_f32(PART(line->f32.im) + i, vf64_add(short_angle_of(re, im), zero));
    }
}
#endif

/* The first sums are their elements. */
LSE_INLINE REAL FN(angle_of_first)(REAL angle)
{
    vf64 lo;
    const vf64 own = within_a_turn(vf64_set((double)angle), vf64_set(0.0), &lo);
    return (REAL)first_of(vf64_add(vf64_add(own, lo), vf64_set(0.0)));
}

/* The prefixes of as many rows as there are lanes; returns a bit for each lane of which nothing can be said so. */
static unsigned FN(cumulate_complex_rows)(lse_complex_line *tile, ptrdiff_t n)
{
    REAL max[LANES], bad[LANES], first_re[LANES], first_im[LANES];
    double tops[LANES];
    FN(complex_registers) r;
    FN(levels) level;
    ptrdiff_t first[LANES];
    unsigned left = 0;
    FN(look_for_bad)(tile, n, max, bad);
    for (int i = 0; i < LANES; i++) {
        for (first[i] = 0; first[i] < n - 1 && !(tile[first[i]].F.re[i] > -(REAL)INFINITY);) first[i]++;
        first_re[i] = tile[first[i]].F.re[i];
        first_im[i] = tile[first[i]].F.im[i];
        tops[i] = (double)max[i];
        if (!(bad[i] == 0 && exponent_of(tops[i]) - exponent_of((double)first_re[i]) <= SPAN)) left |= 1u << i;
    }
    FN(find_levels)(tops, 0, &level);
    FN(clear)(&r);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            const V bias = VF(load)(PART(level.bias)), anchor = VF(sub)(VF(set)(MAGIC + EXP_BIAS), bias);
            V x, y;
            FN(complex_term)(VF(load)(PART(tile[k].F.re)), VF(load)(PART(tile[k].F.im)), VF(set)(0), bias,
                             VF(load)(PART(level.floor)), &x, &y);
            FN(add_to_registers)(&r, j, x, y);
            FN(store_logs)(&tile[k], j, r.x[j], r.x_lo[j], r.y[j], r.y_lo[j], anchor);
        }
    for (int i = 0; i < LANES; i++) {
        tile[first[i]].F.re[i] = first_re[i];
        tile[first[i]].F.im[i] = FN(angle_of_first)(first_im[i]);
    }
    return left;
}

/* The first element that is not -inf, in the order of the sum; 0 where there is none. */
LSE_INLINE int FN(find_first)(const lse_complex_line *tile, ptrdiff_t lines, int *lane, ptrdiff_t *line)
{
    for (*lane = 0; *lane < LANES; ++*lane)
        for (*line = 0; *line < lines; ++*line)
            if (tile[*line].F.re[*lane] > -(REAL)INFINITY) return 1;
    return 0;
}

/* Whether all but the first element are -inf. */
LSE_INLINE int FN(is_alone)(const lse_complex_line *tile, ptrdiff_t lines)
{
    int alone = lines == 1;
    for (int i = 1; i < LANES; i++) alone &= !(tile[0].F.re[i] > -(REAL)INFINITY);
    return alone;
}

typedef struct {
    REAL x[LSE_STEPS][LANES], x_lo[LSE_STEPS][LANES], y[LSE_STEPS][LANES], y_lo[LSE_STEPS][LANES];
} FN(prefixes);

/* Of each lane by itself. */
LSE_INLINE void FN(sum_prefixes)(const lse_complex_line *tile, ptrdiff_t lines, double anchor, FN(prefixes) *p)
{
    const V bias = VF(set)(FN(bias)(anchor)), floor = VF(set)(FN(floor)(anchor));
    FN(complex_registers) r;
    FN(clear)(&r);
    for (ptrdiff_t k = 0; k < lines; k++)
        EACH {
            V x, y;
            FN(complex_term)(VF(load)(PART(tile[k].F.re)), VF(load)(PART(tile[k].F.im)), VF(set)(0), bias, floor, &x,
                             &y);
            FN(add_to_registers)(&r, j, x, y);
            VF(store)(PART(p->x[k]), r.x[j]);
            VF(store)(PART(p->x_lo[k]), r.x_lo[j]);
            VF(store)(PART(p->y[k]), r.y[j]);
            VF(store)(PART(p->y_lo[k]), r.y_lo[j]);
        }
}

/* What stands before each lane, and at the end of all. */
LSE_INLINE pair FN(sum_before)(const REAL *hi, const REAL *lo, pair start, REAL *before, REAL *before_lo)
{
    for (int i = 0; i < LANES; i++) {
        before[i] = (REAL)start.hi;
        before_lo[i] = (REAL)(start.hi - (double)before[i] + start.lo);
        const pair sum = two_sum(start.hi, (double)hi[i]);
        start = (pair){sum.hi, start.lo + ((double)lo[i] + sum.lo)};
    }
    return two_sum(start.hi, start.lo);
}

static int FN(cumulate_complex)(lse_complex_line *tile, ptrdiff_t lines, lse_complex_running *running)
{
    REAL most[LANES], bad[LANES], x[LANES], x_lo[LANES], y[LANES], y_lo[LANES];
    const int is_empty = running->anchor == -(double)INFINITY;
    ptrdiff_t line = 0;
    int lane = 0;
    FN(prefixes) p;
    FN(look_for_bad)(tile, lines, most, bad);
    double max = (double)most[0];
    for (int i = 0; i < LANES; i++) {
        if (bad[i] != 0) return 0;
        max = (double)most[i] > max ? (double)most[i] : max;
    }
    const int exists = is_empty && FN(find_first)(tile, lines, &lane, &line);
    if (is_empty && !exists) {
        for (ptrdiff_t k = 0; k < lines; k++)
            for (int i = 0; i < LANES; i++) tile[k].F.im[i] = 0;
        return 1;
    }
    const REAL first_re = tile[line].F.re[lane], first_im = tile[line].F.im[lane];
    const double first = is_empty ? exponent_of((double)first_re) : running->anchor;
    const double own = max > -(double)INFINITY ? exponent_of(max) : first, top = own > first ? own : first;
    if (top - first > SPAN && !FN(is_alone)(tile, lines)) return 0;
    FN(sum_prefixes)(tile, lines, top - HEADROOM, &p);
    /* from 2^500 to 2^HEADROOM, and down */
    const vf64 down = vf64_set((is_empty ? 0.0 : first - top) - (500.0 - HEADROOM));
    const double x_hi = first_of(vf64_down(vf64_set(running->x), down));
    const double y_hi = first_of(vf64_down(vf64_set(running->y), down));
    const pair of_x = {x_hi, first_of(vf64_down(vf64_set(running->x_lo), down))};
    const pair of_y = {y_hi, first_of(vf64_down(vf64_set(running->y_lo), down))};
    const ptrdiff_t last = lines - 1;
    const pair end_x = FN(sum_before)(p.x[last], p.x_lo[last], of_x, x, x_lo);
    const pair end_y = FN(sum_before)(p.y[last], p.y_lo[last], of_y, y, y_lo);
    for (ptrdiff_t k = 0; k < lines; k++)
        EACH {
            V re = VF(load)(PART(p.x[k])), re_lo = VF(load)(PART(p.x_lo[k]));
            V im = VF(load)(PART(p.y[k])), im_lo = VF(load)(PART(p.y_lo[k]));
            FN(add_any)(&re, &re_lo, VF(load)(PART(x)));
            FN(add_any)(&im, &im_lo, VF(load)(PART(y)));
            re_lo = VF(add)(re_lo, VF(load)(PART(x_lo)));
            im_lo = VF(add)(im_lo, VF(load)(PART(y_lo)));
            FN(store_logs)(&tile[k], j, re, re_lo, im, im_lo, VF(set)((REAL)(top - HEADROOM)));
        }
    const double up = pow2(500.0 - HEADROOM);
    *running = (lse_complex_running){top, end_x.hi * up, end_x.lo * up, end_y.hi * up, end_y.lo * up};
    if (!is_empty) return 1;
    tile[line].F.re[lane] = first_re;
    tile[line].F.im[lane] = FN(angle_of_first)(first_im);
    return 1;
}
#undef SPAN
#undef EACH
#undef PART
#undef PAIR_BYTES
#undef LINE_BYTES
