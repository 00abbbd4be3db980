/* Sums of more than LSE_SHORT elements, included once for each F: the algorithm of block.h, block by block.
 *
 * The maximum of each block of LSE_SHORT elements is found first. While it is below the largest one so far, all
 * elements are summed; if it equals that, elements equal to it are counted and left out; if it exceeds that, the term
 * of the old maximum, times its count, is added to a separate sum, and the anchor moves if the new maximum is more than
 * SLACK above the one it was chosen for: the online rescale, by an exact power of two.
 *
 * float64: the lanes of block.h; those of each block are added to compensated sums. float32: e^x 2^-N = a (1 + p), a
 * from a table of eighths, summed in double precision, neighbours first, in eight lanes; a p in float, in sixteen lanes
 * that are added to a double after FLUSH elements.
 *
 * The worst rows known, as fractions of the bound (tests/accuracy/test_worst_known.py): float64, 0.96, 512 elements of
 * which the 70th is -0x1.9059599ddeab3p+1, the others 112 of -0x1.1fcc69c624482p+2, 32 of -0x1.1ff5fca7c034bp+2 and 32
 * of -0x1.79f7388fa5858p+4, repeated; float32, 0.66, 257 elements of which the 31st is -0x1.18631ep+2, the others 16 of
 * -0x1.499a2cp+2 and 128 of -0x1.edd734p+3. */

enum { FN(FLUSH) = 128, FN(TURN) = 16 };

#if !F_IS_DOUBLE
enum { BEYOND, ADDED, RISES }; /* what became of some blocks */

/* The greatest element of a sum, and the greatest of all others. */
typedef struct {
    double max, second;
} top_two;

/* As many elements up to this as a piece has add up to no more than 2^-20. */
#define FAR_BELOW (-26.0)

/* Whether the maxima of blocks leave it open that a sum, so far up to `before`, is faint: one is within 2^-20 of 0, all
 * others are far below. */
LSE_INLINE int may_be_faint(double before, const double *max, ptrdiff_t blocks)
{
    double top = before;
    int high = before > FAR_BELOW;
    for (ptrdiff_t i = 0; i < blocks; i++) {
        high += max[i] > FAR_BELOW;
        top = max[i] > top ? max[i] : top;
    }
    return high == 1 && fabs(top) <= 0x1p-20;
}
#endif

#if F_IS_DOUBLE
/* (hi, lo) += count e^x 2^-N */
LSE_INLINE void add_term_f64(vf64 x, vf64 count, vf64 bias, vf64 floor, vf64 *hi, vf64 *lo)
{
    vf64 scale;
    exp_parts_f64(&x, &scale, 1, bias, floor);
    scale = vf64_mul(scale, count);
    const vf64 t = vf64_fma(scale, x, scale);
    *lo = vf64_add(*lo, vf64_fma(scale, x, vf64_sub(scale, t)));
    add_f64(hi, lo, t);
}

typedef struct {
    vf64 hi[LSE_LANE_GROUPS], lo[LSE_LANE_GROUPS];
    vf64 old, old_lo; /* the terms of earlier maxima; the same in every lane */
    double max, count, anchor, limit;
    int calm;  /* how often the maximum was not raised in a row */
    int known; /* whether elements are near the maximum that there will be in the end, or have been brought there */
    int asks;  /* whether to stop where the sum may be faint */
    wide_level level;
} FN(long_sum);
#else
typedef struct {
    vf64 s[LSE_LANE_GROUPS]; /* times 2^-896: the bits of a float as those of a double */
    double rest;             /* a p, and the terms of earlier maxima */
    double max, count, anchor, limit;
    int calm;  /* how often the maximum was not raised in a row */
    int known; /* whether elements are near the maximum that there will be in the end, or have been brought there */
    int asks;
    V top, bias, floor;
} FN(long_sum);
#endif

#if F_IS_DOUBLE
/* The offset for a block of elements up to e^max; LSE_OFFSET where the anchor is that of the maximum. */
LSE_INLINE double offset_of(double exponent)
{
    return LSE_OFFSET * 0x1p-500 * pow2(exponent);
}
#endif

LSE_INLINE void FN(long_start)(FN(long_sum) *s)
{
    s->max = s->limit = -(double)INFINITY;
    s->count = 0;
    s->calm = s->known = s->asks = 0;
    s->anchor = exponent_of(-FN(LSE_FAR)) - 500.0;
#if F_IS_DOUBLE
    for (int g = 0; g < LSE_LANE_GROUPS; g++) s->hi[g] = s->lo[g] = vf64_set(0.0);
    s->old = s->old_lo = vf64_set(0.0);
    s->level = wide_level_for(vf64_set(s->max), FN(LSE_FAR));
#else
    for (int g = 0; g < LSE_LANE_GROUPS; g++) s->s[g] = vf64_set(0.0);
    s->rest = 0;
    s->top = VF(set)(-(REAL)INFINITY);
    s->bias = VF(set)(eighths_bias(s->anchor));
    s->floor = VF(set)(eighths_floor(s->anchor));
#endif
}

/* Moves the anchor up and rescales the sums. */
LSE_INLINE void FN(long_rescale)(FN(long_sum) *s, double anchor)
{
    const double by = s->anchor - anchor, least = -1022.0;
    const double first = pow2(by > least ? by : least), second = by > least ? 1.0 : pow2(by - least);
    s->anchor = anchor;
#if F_IS_DOUBLE
    const vf64 one = vf64_set(first), two = vf64_set(second);
    for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        s->hi[g] = vf64_mul(vf64_mul(s->hi[g], one), two);
        s->lo[g] = vf64_mul(vf64_mul(s->lo[g], one), two);
    }
    s->old = vf64_mul(vf64_mul(s->old, one), two);
    s->old_lo = vf64_mul(vf64_mul(s->old_lo, one), two);
#else
    for (int g = 0; g < LSE_LANE_GROUPS; g++) s->s[g] = vf64_mul(vf64_mul(s->s[g], vf64_set(first)), vf64_set(second));
    s->rest = s->rest * first * second;
#endif
}

/* Adds count e^max to the sum outside the lanes. */
LSE_INLINE void FN(add_old)(FN(long_sum) *s)
{
#if F_IS_DOUBLE
    add_term_f64(vf64_set(s->max), vf64_set(s->count), s->level.bias, s->level.floor, &s->old, &s->old_lo);
#else
    double term[vf64_width];
    vf64_store(term, eighths_term(vf64_set(s->max), vf64_set(s->count), vf64_set(s->anchor)));
    s->rest += term[0];
#endif
}

/* Takes a new, larger maximum. */
LSE_INLINE void FN(long_raise)(FN(long_sum) *s, double max)
{
    if (max > s->limit) {
        const double limit = FN(LSE_FAR);
        FN(long_rescale)(s, exponent_of(max > limit ? limit : max < -limit ? -limit : max) - 500.0);
        s->limit = (double)((REAL)max + LONG_SLACK);
#if F_IS_DOUBLE
        s->level = wide_level_for(vf64_set(max), limit);
#else
        s->bias = VF(set)(eighths_bias(s->anchor));
        s->floor = VF(set)(eighths_floor(s->anchor));
#endif
    }
    if (s->count > 0) FN(add_old)(s);
    s->max = max;
    s->count = 0;
#if F_IS_DOUBLE
    s->level.max = vf64_set(max);
    s->level.offset = vf64_set(offset_of(exponent_of(max) - s->anchor));
#else
    s->top = VF(set)((REAL)max);
#endif
}

/* Adds the n elements of a block, whole turns except at the end of a row. masked: elements equal to the maximum are
 * left out, and the number of those that differ is returned; otherwise returns 0 and, unless top is NULL, raises it to
 * the largest element. */
LSE_INLINE double FN(sweep)(FN(long_sum) *state, const char *x, ptrdiff_t n, const int masked, V *top)
{
    FN(long_sum) s = *state;
    REAL last[FN(TURN)], count = 0;
    V greatest[4], others = VF(set)(0);
    for (int j = 0; j < 4; j++) greatest[j] = VF(set)(-(REAL)INFINITY);
#if F_IS_DOUBLE
    while (n > 0) {
        vf64 hi[LSE_LANE_GROUPS], lo[LSE_LANE_GROUPS], lost;
        ptrdiff_t left = n < LSE_SHORT ? n : LSE_SHORT;
        n -= left;
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
            hi[g] = s.level.offset;
            lo[g] = vf64_set(0.0);
        }
        for (; left >= 32; left -= 32, x += 256) {
            for (int line = 0; line < 256; line += 64) LSE_PREFETCH(x + LSE_AHEAD + line);
            LSE_UNROLL for (int j = 0; j < 32 / vf64_width && top; j++)
                greatest[j % 4] = vf64_max(vf64_load(x + (size_t)j * sizeof(vf64)), greatest[j % 4]);
            FN(fold_turns)(x, 4, hi, lo, &s.level, masked, &others);
        }
        for (; left > 0; left -= FN(TURN), x += FN(TURN) * sizeof(REAL)) {
            if (left < FN(TURN)) {
                FN(last_turns)(x, left, (REAL)s.max, last);
                x = (const char *)last;
            }
            FN(fold_turns)(x, 2, hi, lo, &s.level, masked, &others);
        }
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
            s.hi[g] = two_sum_f64(s.hi[g], vf64_sub(hi[g], s.level.offset), &lost);
            s.lo[g] = vf64_add(s.lo[g], vf64_add(lost, lo[g]));
        }
    }
#else
    V lo[FN(groups)];
    while (n > 0) {
        const ptrdiff_t left = n < FN(FLUSH) ? n : FN(FLUSH), some = left < FN(TURN) ? left : left - left % FN(TURN);
        LSE_UNROLL for (int g = 0; g < FN(groups); g++) lo[g] = VF(set)(0);
        if (some < FN(TURN)) {
            FN(last_turns)(x, some, (REAL)s.max, last);
            x = (const char *)last;
        }
        for (ptrdiff_t done = 0; done < some; done += FN(TURN), x += FN(TURN) * sizeof(REAL)) {
            LSE_PREFETCH(x + LSE_AHEAD);
            LSE_UNROLL for (int g = 0; g < FN(groups) && top; g++)
                greatest[g % 4] = VF(max)(VF(load)(x + (size_t)g * sizeof(V)), greatest[g % 4]);
            eighths_turn(x, masked, s.top, s.bias, s.floor, s.s, lo, &others);
        }
        s.rest += (double)eighths_flush(lo);
        n -= some;
    }
#endif
    *state = s;
    if (top) *top = VF(max)(VF(max)(greatest[0], greatest[1]), VF(max)(greatest[2], greatest[3]));
    if (!masked) return 0;
    REAL each[VF(width)];
    VF(store)(each, others);
    for (int i = 0; i < VF(width); i++) count += each[i];
    return (double)count;
}

/* Adds one block whose maximum is known. */
LSE_INLINE void FN(add_block)(FN(long_sum) *s, const char *x, ptrdiff_t n, double max)
{
    if (max > s->max) FN(long_raise)(s, max);
    if (max >= s->max || n % FN(TURN) != 0) s->count += (double)n - FN(sweep)(s, x, n, 1, NULL);
    else FN(sweep)(s, x, n, 0, NULL);
}

/* Some blocks: all at once where none of them reaches the maximum so far. That is seen in the same sweep, whose sums
 * are dropped if one does; where one did in the blocks before, the maxima come first. BEYOND or RISES, and nothing is
 * added, where a maximum is raised beyond the kernels, or from far below to 0. */
LSE_INLINE int FN(add_blocks)(FN(long_sum) *s, const char *x, ptrdiff_t n)
{
    double max[FN(BLOCK) / LSE_SHORT];
    const double before = s->max;
    ptrdiff_t block = 0;
    if (s->calm >= 4 && n % LSE_SHORT == 0) {
        FN(long_sum) tried = *s;
        V top;
        FN(sweep)(&tried, x, n, 0, &top);
        if ((double)VF(greatest)(top) < s->max) {
            *s = tried;
            return ADDED;
        }
    }
    for (ptrdiff_t i = 0; i < n; i += LSE_SHORT, block++) {
        max[block] = (double)FN(run_max)(x + i * (ptrdiff_t)sizeof(REAL), n - i < LSE_SHORT ? n - i : LSE_SHORT);
        if (!s->known && max[block] > before && !FN(is_near)((REAL)max[block])) return BEYOND;
    }
    if (F_IS_DOUBLE && s->asks && may_be_faint(before, max, block)) return RISES;
    block = 0;
    for (ptrdiff_t i = 0; i < n; i += LSE_SHORT, block++)
        FN(add_block)(s, x + i * (ptrdiff_t)sizeof(REAL), n - i < LSE_SHORT ? n - i : LSE_SHORT, max[block]);
    s->calm = s->max == before ? s->calm + 1 : 0;
    return ADDED;
}

LSE_INLINE void FN(long_end)(const FN(long_sum) *s, lse_states *states, ptrdiff_t at)
{
    double lanes[LSE_LANES];
    const double down = s->max > -(double)INFINITY ? pow2(s->anchor - (exponent_of(s->max) - 500.0)) : 1.0;
    states->max[at] = s->max;
    states->count[at] = s->max > -(double)INFINITY ? s->count : 0;
#if F_IS_DOUBLE
    double lost[LSE_LANES], old[vf64_width], old_lo[vf64_width];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64_store(lanes + g * vf64_width, s->hi[g]);
        vf64_store(lost + g * vf64_width, s->lo[g]);
    }
    vf64_store(old, s->old);
    vf64_store(old_lo, s->old_lo);
    add_compensated_lanes(lanes, lost);
    const pair sum = two_sum(lanes[0], old[0]);
    states->tail[at] = sum.hi * down;
    states->tail_lo[at] = ((lost[0] + old_lo[0]) + sum.lo) * down;
#else
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) vf64_store(lanes + g * vf64_width, s->s[g]);
    states->tail[at] = eighths_total(add_lanes(lanes), s->rest) * down;
    states->tail_lo[at] = 0;
#endif
}

#if F_IS_DOUBLE
/* The two greatest of what is given and elements start .. start + n of a row; they are equal where the greatest occurs
 * twice. Stops where the second is more than `most`. */
static top_two find_top_two(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, top_two given,
                            double most)
{
    double buffer[BLOCK_f64], each[2 * vf64_width];
    vf64 max = vf64_set(-(double)INFINITY), second = max;
    for (ptrdiff_t done = 0; done < n && !vf64_any_at_least(second, vf64_set(most)); done += BLOCK_f64) {
        const ptrdiff_t some = n - done < BLOCK_f64 ? n - done : BLOCK_f64;
        const char *x = fetch_f64(layout, row, start + done, some, 0, buffer);
        for (ptrdiff_t i = 0; i < some; i += vf64_width) {
            const vf64 own = vf64_load_some(x + i * (ptrdiff_t)sizeof(double), some - i, vf64_set(-(double)INFINITY));
            second = vf64_max(vf64_min(own, max), second);
            max = vf64_max(own, max);
        }
    }
    vf64_store(each, max);
    vf64_store(each + vf64_width, second);
    for (int i = 0; i < 2 * vf64_width; i++) {
        if (each[i] > given.max) {
            given.second = given.max;
            given.max = each[i];
        } else if (each[i] > given.second) {
            given.second = each[i];
        }
    }
    return given;
}

/* Whether a sum of n elements, of which none is NaN, is_faint without doubt. */
LSE_INLINE int are_surely_faint(top_two top, ptrdiff_t n)
{ return fabs(top.max) <= 0x1p-20 && top.second >= -1000.0 && (double)n * far_exp(top.second) <= 0x1p-21; }

/* The state of a sum that is_faint, on the grid of the greatest element below the maximum. */
static void sum_faint(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, top_two top,
                      lse_states *states, ptrdiff_t at)
{
    double buffer[BLOCK_f64];
    long_sum_f64 s;
    long_start_f64(&s);
    long_raise_f64(&s, top.max);
    const double exponent = exponent_of(top.second) - s.anchor;
    s.level.offset = vf64_set(offset_of(exponent > -600.0 ? exponent : -600.0));
    for (ptrdiff_t done = 0; done < n; done += BLOCK_f64) {
        const ptrdiff_t some = n - done < BLOCK_f64 ? n - done : BLOCK_f64;
        const char *x = fetch_f64(layout, row, start + done, some, 0, buffer);
        s.count += (double)some - sweep_f64(&s, x, some, 1, NULL);
    }
    long_end_f64(&s, states, at);
}

static void sum_faint_columns_f64(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                                  ptrdiff_t count, lse_states *states); /* faint.h */
static int sum_surely_faint_columns_f64(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                                        ptrdiff_t count, lse_states *states);
#else
#define sum_faint_columns_f32(layout, first, start, n, count, states) ((void)0)
#define sum_surely_faint_columns_f32(layout, first, start, n, count, states) 0
#endif

/* The greatest of elements start .. start + n of a row. */
static REAL FN(row_max)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n)
{
    REAL buffer[FN(BLOCK)], max = -(REAL)INFINITY;
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const REAL own = FN(run_max)(FN(fetch)(layout, row, start + done, some, 0, buffer), some);
        max = own > max ? own : max;
    }
    return max;
}

/* Likewise their sum, brought near to the maximum if it is known; BEYOND where it is not, and is beyond the kernels,
 * and, unless top is NULL, RISES where the sum is faint, with these elements on top. */
LSE_INLINE int FN(sum_blocks)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                              const REAL *max, top_two *top, FN(long_sum) *s)
{
    REAL buffer[FN(BLOCK)];
    FN(long_start)(s);
    s->known = max != NULL;
    s->asks = top != NULL;
    for (ptrdiff_t done = 0, some; done < n; done += some) {
        some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *x = FN(fetch)(layout, row, start + done, some, 0, buffer);
        if (max && !FN(is_near)(*max)) {
            FN(bring_run_near)(x, some, *max, 0.0, buffer);
            x = (const char *)buffer;
        }
        const int result = FN(add_blocks)(s, x, some);
        if (result == BEYOND) return BEYOND;
        if (result == ADDED) continue;
#if F_IS_DOUBLE
        const top_two before = {s->max, -(double)INFINITY};
        *top = find_top_two(layout, row, start + done, n - done, before, SURELY_FAINT);
        if (are_surely_faint(*top, n)) return RISES;
        s->asks = 0;
        some = 0;
#endif
    }
    return ADDED;
}

/* The state of elements start .. start + n of a row. */
static void FN(sum_long)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, lse_states *states,
                         ptrdiff_t at)
{
    FN(long_sum) s;
    top_two top;
    REAL max = 0;
    int result = FN(sum_blocks)(layout, row, start, n, NULL, F_IS_DOUBLE ? &top : NULL, &s);
#if F_IS_DOUBLE
    if (result == RISES) {
        sum_faint(layout, row, start, n, top, states, at);
        if (is_faint(row_sum_at(states, at))) return;
        result = sum_blocks_f64(layout, row, start, n, NULL, NULL, &s); /* there is NaN */
    }
#endif
    if (result == BEYOND) {
        max = FN(row_max)(layout, row, start, n);
        FN(sum_blocks)(layout, row, start, n, &max, NULL, &s);
    }
    FN(long_end)(&s, states, at);
    if (!FN(is_near)(max)) {
        put_distant((double)max, states, at);
        return;
    }
#if F_IS_DOUBLE
    if (is_faint(row_sum_at(states, at))) {
        const top_two none = {-(double)INFINITY, -(double)INFINITY};
        top = find_top_two(layout, row, start, n, none, (double)INFINITY);
        sum_faint(layout, row, start, n, top, states, at);
    }
#else
    (void)top;
#endif
}

static int FN(sum_part)(lse_part_sum *sum, const char *x, ptrdiff_t start, ptrdiff_t n, int is_last, lse_states *states)
{
    FN(long_sum) s;
    _Static_assert(sizeof s <= sizeof *sum, "no room for a sum");
    if (start > 0) memcpy(&s, sum, sizeof s);
    else FN(long_start)(&s);
    for (ptrdiff_t done = 0, some; done < n; done += some, x += some * (ptrdiff_t)sizeof(REAL)) {
        some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        if (FN(add_blocks)(&s, x, some) == BEYOND) return 0;
    }
    if (is_last) FN(long_end)(&s, states, 0);
    else memcpy(sum, &s, sizeof s);
#if F_IS_DOUBLE
    if (is_last && is_faint(row_sum_at(states, 0))) return 0;
#endif
    return 1;
}

static void FN(rows)(const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                     lse_states *states)
{
    REAL buffer[LSE_SHORT];
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t reach = reach_of(&rows[i], start, n);
        if (rows[i].n <= LSE_SHORT)
            FN(sum_short)(FN(fetch)(layout, &rows[i], start, reach, 0, buffer), reach, states, i);
        else FN(sum_long)(layout, &rows[i], start, reach, states, i);
    }
}
