/* Cumulative sums of complex elements: of rows of no more than LSE_STEPS, side by side; of blocks of a longer one,
 * whose lanes are consecutive runs, and what stands before each run is added to it. All sums are in two parts. */

/* Sums whose exponents are so far below that of the greatest term have digits below the normal numbers. */
#define SPAN 1400.0

/* The greatest real parts, and numbers that are not 0 where an element cannot be summed. */
LSE_INLINE void look_for_bad(lse_complex_line *tile, ptrdiff_t lines, double *max, double *bad)
{
    const vf64 zero = vf64_set(0.0), lowest = vf64_set(-DBL_MAX), most = vf64_set(LSE_FAR_f64);
    double at[LSE_LANES];
    vf64 wrong[LSE_LANE_GROUPS];
    find_greatest(tile, lines, max, at);
    EACH wrong[j] = zero;
    for (ptrdiff_t k = 0; k < lines; k++)
        EACH {
            const vf64 re = vf64_load(PART(tile[k].re)), im = vf64_load(PART(tile[k].im));
            const vf64 beyond = vf64_select(most, vf64_abs(re), zero, vf64_set(1.0));
            const vf64 here = vf64_add(beyond, vf64_sub(im, im)), any = vf64_add(here, vf64_sub(re, re));
            wrong[j] = vf64_add(wrong[j], vf64_select(re, lowest, any, vf64_select(re, re, zero, any)));
        }
    EACH vf64_store(PART(bad), wrong[j]);
}

/* The logarithm of (x + i y) 2^anchor. */
LSE_INLINE void store_log(lse_complex_line *line, int j, vf64 x, vf64 x_lo, vf64 y, vf64 y_lo, vf64 anchor)
{
    vf64 lo, angle, angle_lo;
    complex_pair z = normalize(x, x_lo, y, y_lo);
    z.exponent = vf64_add(z.exponent, anchor);
    const vf64 log = log_of(&z, &lo);
    angle_of(z.re, z.re_lo, z.im, z.im_lo, &angle, &angle_lo);
    vf64_store(PART(line->re), vf64_add(log, lo));
    vf64_store(PART(line->im), vf64_add(vf64_add(angle, angle_lo), vf64_set(0.0)));
}

/* The first sums are their elements. */
LSE_INLINE void store_first(lse_complex_line *tile, const ptrdiff_t *line, double *re, double *im, int count)
{
    EACH {
        vf64 lo;
        const vf64 angle = within_a_turn(vf64_load(PART(im)), vf64_set(0.0), &lo);
        vf64_store(PART(im), vf64_add(vf64_add(angle, lo), vf64_set(0.0)));
    }
    for (int i = 0; i < count; i++) {
        tile[line[i]].re[i] = re[i];
        tile[line[i]].im[i] = im[i];
    }
}

/* The prefixes of eight rows; returns a bit for each lane of which nothing can be said so. */
static unsigned cumulate_complex_rows(lse_complex_line *tile, ptrdiff_t n)
{
    double max[LSE_LANES], bad[LSE_LANES], first_re[LSE_LANES], first_im[LSE_LANES];
    vf64 x[LSE_LANE_GROUPS], x_lo[LSE_LANE_GROUPS], y[LSE_LANE_GROUPS], y_lo[LSE_LANE_GROUPS];
    wide_level level[LSE_LANE_GROUPS];
    ptrdiff_t first[LSE_LANES];
    unsigned left = 0;
    look_for_bad(tile, n, max, bad);
    for (int i = 0; i < LSE_LANES; i++) {
        for (first[i] = 0; first[i] < n - 1 && !(tile[first[i]].re[i] > -(double)INFINITY);) first[i]++;
        first_re[i] = tile[first[i]].re[i];
        first_im[i] = tile[first[i]].im[i];
        if (!(bad[i] == 0.0 && exponent_of(max[i]) - exponent_of(first_re[i]) <= SPAN)) left |= 1u << i;
    }
    EACH x[j] = x_lo[j] = y[j] = y_lo[j] = vf64_set(0.0);
    EACH level[j] = wide_level_for(vf64_load(PART(max)), LSE_FAR_f64);
    for (ptrdiff_t k = 0; k < n; k++)
        EACH {
            const vf64 anchor = vf64_sub(vf64_set(0x1.8p52 + 1023.0), level[j].bias);
            vf64 of_x, of_y;
            complex_term(vf64_load(PART(tile[k].re)), vf64_load(PART(tile[k].im)), level[j].bias, level[j].floor, &of_x,
                         &of_y);
            add_term(&x[j], &x_lo[j], of_x);
            add_term(&y[j], &y_lo[j], of_y);
            store_log(&tile[k], j, x[j], x_lo[j], y[j], y_lo[j], anchor);
        }
    store_first(tile, first, first_re, first_im, LSE_LANES);
    return left;
}

/* The first element that is not -inf, in the order of the sum; 0 where there is none. */
LSE_INLINE int find_first(const lse_complex_line *tile, ptrdiff_t lines, int *lane, ptrdiff_t *line)
{
    for (*lane = 0; *lane < LSE_LANES; ++*lane)
        for (*line = 0; *line < lines; ++*line)
            if (tile[*line].re[*lane] > -(double)INFINITY) return 1;
    return 0;
}

/* Whether all but the first element are -inf. */
LSE_INLINE int is_alone(const lse_complex_line *tile, ptrdiff_t lines)
{
    int alone = lines == 1;
    for (int i = 1; i < LSE_LANES; i++) alone &= !(tile[0].re[i] > -(double)INFINITY);
    return alone;
}

typedef struct {
    double x[LSE_STEPS][LSE_LANES], x_lo[LSE_STEPS][LSE_LANES], y[LSE_STEPS][LSE_LANES], y_lo[LSE_STEPS][LSE_LANES];
} prefixes;

/* Of each lane by itself. */
LSE_INLINE void sum_prefixes(const lse_complex_line *tile, ptrdiff_t lines, double anchor, prefixes *p)
{
    const vf64 bias = vf64_set(0x1.8p52 + 1023.0 - anchor), floor = vf64_set((anchor - 1023.0) * LN2_HI_f64);
    vf64 x[LSE_LANE_GROUPS], x_lo[LSE_LANE_GROUPS], y[LSE_LANE_GROUPS], y_lo[LSE_LANE_GROUPS];
    EACH x[j] = x_lo[j] = y[j] = y_lo[j] = vf64_set(0.0);
    for (ptrdiff_t k = 0; k < lines; k++)
        EACH {
            vf64 of_x, of_y;
            complex_term(vf64_load(PART(tile[k].re)), vf64_load(PART(tile[k].im)), bias, floor, &of_x, &of_y);
            add_term(&x[j], &x_lo[j], of_x);
            add_term(&y[j], &y_lo[j], of_y);
            vf64_store(PART(p->x[k]), x[j]);
            vf64_store(PART(p->x_lo[k]), x_lo[j]);
            vf64_store(PART(p->y[k]), y[j]);
            vf64_store(PART(p->y_lo[k]), y_lo[j]);
        }
}

/* What stands before each lane, and at the end of all. */
LSE_INLINE pair sum_before(const double *hi, const double *lo, pair start, double *before, double *before_lo)
{
    for (int i = 0; i < LSE_LANES; i++) {
        before[i] = start.hi;
        before_lo[i] = start.lo;
        const pair sum = two_sum(start.hi, hi[i]);
        start = two_sum(sum.hi, sum.lo + (start.lo + lo[i]));
    }
    return start;
}

static int cumulate_complex(lse_complex_line *tile, ptrdiff_t lines, lse_complex_running *running)
{
    double most[LSE_LANES], bad[LSE_LANES], x[LSE_LANES], x_lo[LSE_LANES], y[LSE_LANES], y_lo[LSE_LANES];
    const int is_empty = running->anchor == -(double)INFINITY;
    ptrdiff_t line = 0;
    int lane = 0;
    prefixes p;
    look_for_bad(tile, lines, most, bad);
    double max = most[0];
    for (int i = 0; i < LSE_LANES; i++) {
        if (bad[i] != 0.0) return 0;
        max = most[i] > max ? most[i] : max;
    }
    const int exists = is_empty && find_first(tile, lines, &lane, &line);
    if (is_empty && !exists) {
        for (ptrdiff_t k = 0; k < lines; k++)
            for (int i = 0; i < LSE_LANES; i++) tile[k].im[i] = 0.0;
        return 1;
    }
    const double first_re = tile[line].re[lane], first_im = tile[line].im[lane];
    const double first = is_empty ? exponent_of(first_re) : running->anchor;
    const double own = max > -(double)INFINITY ? exponent_of(max) : first, top = own > first ? own : first;
    if (top - first > SPAN && !is_alone(tile, lines)) return 0;
    sum_prefixes(tile, lines, top - 500.0, &p);
    const vf64 down = vf64_set(is_empty ? 0.0 : first - top);
    double start[4][vf64_width];
    vf64_store(start[0], vf64_down(vf64_set(running->x), down));
    vf64_store(start[1], vf64_down(vf64_set(running->x_lo), down));
    vf64_store(start[2], vf64_down(vf64_set(running->y), down));
    vf64_store(start[3], vf64_down(vf64_set(running->y_lo), down));
    const ptrdiff_t last = lines - 1;
    const pair end_x = sum_before(p.x[last], p.x_lo[last], (pair){start[0][0], start[1][0]}, x, x_lo);
    const pair end_y = sum_before(p.y[last], p.y_lo[last], (pair){start[2][0], start[3][0]}, y, y_lo);
    *running = (lse_complex_running){top, end_x.hi, end_x.lo, end_y.hi, end_y.lo};
    for (ptrdiff_t k = 0; k < lines; k++)
        EACH {
            vf64 lost, more;
            const vf64 re = two_sum_f64(vf64_load(PART(p.x[k])), vf64_load(PART(x)), &lost);
            const vf64 im = two_sum_f64(vf64_load(PART(p.y[k])), vf64_load(PART(y)), &more);
            lost = vf64_add(lost, vf64_add(vf64_load(PART(p.x_lo[k])), vf64_load(PART(x_lo))));
            more = vf64_add(more, vf64_add(vf64_load(PART(p.y_lo[k])), vf64_load(PART(y_lo))));
            store_log(&tile[k], j, re, lost, im, more, vf64_set(top - 500.0));
        }
    if (!is_empty) return 1;
    double re[LSE_LANES] = {first_re}, im[LSE_LANES] = {first_im};
    lse_complex_line sum;
    const ptrdiff_t here = 0;
    store_first(&sum, &here, re, im, 1);
    tile[line].re[lane] = sum.re[0];
    tile[line].im[lane] = sum.im[0];
    return 1;
}
#undef SPAN
#undef EACH
#undef PART
