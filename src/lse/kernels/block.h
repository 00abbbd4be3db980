/* Rows of at most LSE_SHORT elements, included once for each F.
 *
 * The maximum is found first. Elements equal to it are counted and left out of the sum; NaN counts as different. The
 * terms of all others are summed in double precision in eight lanes, in index order, and the lanes in a fixed tree.
 * Nothing else affects the bits, so that they do not depend on the layout or on the other rows of a batch.
 *
 * float32: an ordinary sum of exponentials in double precision. float64: each term is split at a grid of 2^-43 of the
 * largest term. The sum of the multiples of the grid is exact; the remainders are summed separately. The sum is as
 * accurate as its worst term (exp.h: 0.79 of 2^-53). At the end of a row, missing elements add zeros.
 *
 * For a result in [1, 2) that is at most 0.40 ulp; the finish adds up to 0.15 and the last rounding 0.50. No row is
 * known in which all of them coincide. The worst known one is at 0.96 of the bound: 256 elements, the last
 * -0x1.8fced4fbc4e36p+1, the others -0x1.1ff4bf1cc3decp+2. For floats it is at 0.53: 176 times -0x1.a02622p+1, but
 * -0x1.3b2a2ep+1 for the 49th (tests/accuracy/test_worst_known.py). */

/* A register of elements, as doubles. */
LSE_INLINE vf64 FN(widen)(const void *p)
{
#if F_IS_DOUBLE
    return vf64_load(p);
#else
    return vf64_from_f32(p);
#endif
}

/* Adds `count` elements of one lane, a compile-time constant, from as many turns to its sum. For doubles hi includes
 * the offset. */
LSE_INLINE void FN(fold)(vf64 *hi, vf64 *lo, const vf64 *x, const int count, const wide_level *level, const int masked,
                         vf64 *others)
{
    vf64 scale[4];
    mf64 differs[4];
    LSE_UNROLL for (int j = 0; j < count && masked; j++) {
        differs[j] = vf64_differs(x[j], level->max);
        *others = vf64_tally(differs[j], *others);
    }
#if F_IS_DOUBLE
    vf64 e[4];
    LSE_UNROLL for (int j = 0; j < count; j++) e[j] = x[j];
    exp_parts_f64(e, scale, count, level->bias, level->floor);
    LSE_UNROLL for (int j = 0; j < count && masked; j++) scale[j] = vf64_keep(differs[j], scale[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const vf64 sum = vf64_fma(scale[j], e[j], vf64_add(*hi, scale[j]));
        const vf64 rest = vf64_sub(scale[j], vf64_sub(sum, *hi));
        *hi = sum;
        *lo = vf64_add(*lo, vf64_fma(scale[j], e[j], rest));
    }
#else
    (void)lo;
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const vf64 p = exp_wide(x[j], level, &scale[j]);
        if (masked) scale[j] = vf64_keep(differs[j], scale[j]);
        *hi = vf64_fma(scale[j], p, *hi);
    }
#endif
}

/* Vertically: sums side by side -------------------------------------------------------------------------------- */

/* Adds the lanes pairwise, halving their number; lanes: min(n, LSE_LANES). For doubles, after subtracting the offset,
 * the sum hi[0] is exact. */
LSE_INLINE void FN(add_lanes_of)(vf64 *hi, vf64 *lo, const int lanes, vf64 offset)
{
    LSE_UNROLL for (int j = 0; j < lanes && F_IS_DOUBLE; j++) hi[j] = vf64_sub(hi[j], offset);
    LSE_UNROLL for (int half = LSE_LANES / 2; half > 0; half /= 2)
        LSE_UNROLL for (int j = 0; j < half; j++) {
            if (j + half >= lanes) continue;
            hi[j] = vf64_add(hi[j], hi[j + half]);
            if (F_IS_DOUBLE) lo[j] = vf64_add(lo[j], lo[j + half]);
        }
}

/* Cache lines to prefetch for every two elements of vf64_width sums: as many as the panel occupies. */
enum { FN(ASKS) = vf64_width == 8 && F_IS_DOUBLE ? 2 : 1 };

/* n elements of vf64_width sums, those of the same index in a line of a tile. */
static void FN(sum_lines)(const REAL *x, ptrdiff_t n, wide_level level, ask_ahead *ask, lse_states *states,
                          ptrdiff_t at)
{
    vf64 hi[LSE_LANES], lo[LSE_LANES], others = vf64_set(0.0);
    ptrdiff_t i = 0;
    LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
        hi[j] = F_IS_DOUBLE ? level.offset : vf64_set(0.0);
        lo[j] = vf64_set(0.0);
    }
    for (; i + 2 * LSE_LANES <= n; i += 2 * LSE_LANES)
        LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
            const vf64 v[2] = {FN(widen)(x + (i + j) * VF(width)), FN(widen)(x + (i + j + LSE_LANES) * VF(width))};
            LSE_UNROLL for (int k = 0; k < FN(ASKS); k++) ask_for_one(ask);
            FN(fold)(&hi[j], &lo[j], v, 2, &level, 1, &others);
        }
    const ptrdiff_t rest = n - i;
    LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
        const REAL *from = x + (i + j) * VF(width);
        LSE_UNROLL for (int k = 0; k < FN(ASKS); k++) ask_for_one(ask);
        if (j + LSE_LANES < rest) {
            const vf64 v[2] = {FN(widen)(from), FN(widen)(from + LSE_LANES * VF(width))};
            FN(fold)(&hi[j], &lo[j], v, 2, &level, 1, &others);
        } else if (j < rest) {
            const vf64 v[1] = {FN(widen)(from)};
            FN(fold)(&hi[j], &lo[j], v, 1, &level, 1, &others);
        }
    }
    FN(add_lanes_of)(hi, lo, LSE_LANES, level.offset);
#if F_IS_DOUBLE
    hi[0] = two_sum_f64(hi[0], lo[0], &lo[0]);
#endif
    vf64_store(states->max + at, level.max);
    vf64_store(states->count + at, vf64_sub(vf64_set((double)n), others));
    vf64_store(states->tail + at, hi[0]);
    vf64_store(states->tail_lo + at, F_IS_DOUBLE ? lo[0] : vf64_set(0.0));
}

/* Vectors of sums that are computed side by side, step by step. */
enum {
    FN(SIDE) = 4,
    FN(PER_TILE) = VF(width) / vf64_width,
    FN(SIDE_TILES) = FN(SIDE) / FN(PER_TILE),
    FN(SIDE_LINES) = F_IS_DOUBLE ? 24 : LSE_TILE_LINES /* above that tiles are as quick one by one */
};

/* Where they are, their maxima and the constants of their exponentials, and where their states go. */
typedef struct {
    const REAL *x[FN(SIDE)];
    vf64 max[FN(SIDE)], bias[FN(SIDE)], floor[FN(SIDE)];
    ptrdiff_t at[FN(SIDE)];
} FN(sides);

/* Adds an element to each sum, those of one lane; hi includes the offset. */
LSE_INLINE void FN(fold_sides)(const vf64 *x, const FN(sides) *s, vf64 *hi, vf64 *lo)
{
    vf64 e[FN(SIDE)], scale[FN(SIDE)];
    LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) e[k] = x[k];
#if F_IS_DOUBLE
    exp_parts_at_f64(e, scale, SIDE_f64, s->bias, s->floor);
    LSE_UNROLL for (int k = 0; k < SIDE_f64; k++) {
        const vf64 own = vf64_keep(vf64_differs(x[k], s->max[k]), scale[k]);
        const vf64 sum = vf64_fma(own, e[k], vf64_add(hi[k], own));
        lo[k] = vf64_add(lo[k], vf64_fma(own, e[k], vf64_sub(own, vf64_sub(sum, hi[k]))));
        hi[k] = sum;
    }
#else
    (void)lo;
    exp_wide_at(e, scale, SIDE_f32, s->bias, s->floor);
    LSE_UNROLL for (int k = 0; k < SIDE_f32; k++)
        hi[k] = vf64_fma(vf64_keep(vf64_differs(x[k], s->max[k]), scale[k]), e[k], hi[k]);
#endif
}

/* The sums from their lanes: hi[j] of lane j. */
LSE_INLINE void FN(store_sides)(const FN(sides) *s, ptrdiff_t n, vf64 (*hi)[FN(SIDE)], vf64 (*lo)[FN(SIDE)],
                                const int lanes, const vf64 *others, lse_states *states)
{
    LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) {
        vf64 own[LSE_LANES], low[LSE_LANES];
        LSE_UNROLL for (int j = 0; j < lanes; j++) {
            own[j] = hi[j][k];
            low[j] = lo[j][k];
        }
        FN(add_lanes_of)(own, low, lanes, vf64_set(LSE_OFFSET));
#if F_IS_DOUBLE
        own[0] = two_sum_f64(own[0], low[0], &low[0]);
#endif
        vf64_store(states->max + s->at[k], s->max[k]);
        vf64_store(states->count + s->at[k], vf64_sub(vf64_set((double)n), others[k]));
        vf64_store(states->tail + s->at[k], own[0]);
        vf64_store(states->tail_lo + s->at[k], F_IS_DOUBLE ? low[0] : vf64_set(0.0));
    }
}

LSE_INLINE void FN(start_sides)(vf64 *hi, vf64 *lo)
{
    LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) {
        hi[k] = vf64_set(F_IS_DOUBLE ? LSE_OFFSET : 0.0);
        lo[k] = vf64_set(0.0);
    }
}

/* Sums of n < LSE_LANES elements, a compile-time constant, each of which is a lane. Of no more than two terms any order
 * has the same bits, so that the maximum of two or three elements is left out at once. */
LSE_INLINE void FN(sum_few_sides)(const FN(sides) *s, const int n, ask_ahead *ask, lse_states *states)
{
    const int terms = n <= 3 ? n - 1 : n;
    vf64 x[LSE_LANES][FN(SIDE)], hi[LSE_LANES][FN(SIDE)], lo[LSE_LANES][FN(SIDE)], others[FN(SIDE)];
    ask_for(ask, FN(SIDE) * n);
    LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) {
        vf64 own[LSE_LANES];
        others[k] = vf64_set(0.0);
        LSE_UNROLL for (int j = 0; j < n; j++) {
            own[j] = FN(widen)(s->x[k] + j * VF(width));
            others[k] = vf64_tally(vf64_differs(own[j], s->max[k]), others[k]);
        }
        if (n <= 3) leave_one_out_f64(own, n, s->max[k]);
        LSE_UNROLL for (int j = 0; j < terms; j++) x[j][k] = own[j];
    }
    LSE_UNROLL for (int j = 0; j < terms; j++) {
        FN(start_sides)(hi[j], lo[j]);
        FN(fold_sides)(x[j], s, hi[j], lo[j]);
    }
    FN(store_sides)(s, n, hi, lo, terms, others, states);
}

/* Sums of n elements. */
static void FN(sum_sides)(const FN(sides) *s, ptrdiff_t n, ask_ahead *ask, lse_states *states)
{
    vf64 hi[LSE_LANES][FN(SIDE)], lo[LSE_LANES][FN(SIDE)], others[FN(SIDE)];
    LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) others[k] = vf64_set(0.0);
    for (ptrdiff_t j = 0; j < LSE_LANES; j++) {
        vf64 own[FN(SIDE)], low[FN(SIDE)];
        FN(start_sides)(own, low);
        for (ptrdiff_t i = j; i < n; i += LSE_LANES) {
            vf64 x[FN(SIDE)];
            LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) {
                x[k] = FN(widen)(s->x[k] + i * VF(width));
                others[k] = vf64_tally(vf64_differs(x[k], s->max[k]), others[k]);
            }
            FN(fold_sides)(x, s, own, low);
            ask_for(ask, FN(SIDE));
        }
        LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) {
            hi[j][k] = own[k];
            lo[j][k] = low[k];
        }
    }
    FN(store_sides)(s, n, hi, lo, LSE_LANES, others, states);
}

/* Sums of one element: itself, which is their maximum unless it is NaN. */
LSE_INLINE void FN(sum_one)(vf64 x, vf64 max, lse_states *states, ptrdiff_t at)
{
    vf64_store(states->max + at, max);
    vf64_store(states->count + at, vf64_set(1.0));
    vf64_store(states->tail + at, vf64_keep(vf64_differs(x, max), x));
    vf64_store(states->tail_lo + at, vf64_set(0.0));
}

#if F_IS_DOUBLE
/* Whether the log-sum-exp may itself be tiny: the maximum is near 0 and all other terms are small, but not all 0. These
 * terms then need a finer grid. */
LSE_INLINE int is_faint(row_sum s)
{ return s.count == 1.0 && fabs(s.max) <= 0x1p-20 && s.tail <= 0x1p480 && !(s.tail == 0.0 && s.tail_lo == 0.0); }

/* The level for a maximum whose sum is faint: the grid is that of the greatest element below it. */
LSE_INLINE wide_level faint_level_for(vf64 max, vf64 second)
{
    const vf64 by = vf64_sub(vf64_exponent_of(second), vf64_near_exponent_of(max));
    wide_level level = near_level_for(max);
    level.offset = vf64_mul(level.offset, vf64_ldexp1(vf64_max(by, vf64_set(-1100.0))));
    return level;
}

/* A sum of at most LSE_SHORT elements up to this, and of one within 2^-20 of 0, is faint: 256 e^-19.5 < 2^-20. */
#define SURELY_FAINT (-19.5)

/* For each sum of a tile that is faint without doubt, or whose terms are all 0, the greatest element below the maximum;
 * for others more than SURELY_FAINT. */
static vf64 sure_second_of_tile_f64(const double *tile, ptrdiff_t n, vf64 max)
{
    const vf64 none = vf64_set(-(double)INFINITY), zero = vf64_set(0.0), sure = vf64_set(SURELY_FAINT);
    vf64 second = vf64_select(vf64_set(0x1p-20), vf64_abs(max), none, zero), others = zero;
    for (ptrdiff_t i = 0; i < n && vf64_any_at_least(sure, second);)
        for (const ptrdiff_t end = n - i < LSE_LANES ? n : i + LSE_LANES; i < end; i++) {
            const vf64 x = vf64_load(tile + i * vf64_width);
            second = vf64_max(vf64_select(x, max, none, x), second);
            others = vf64_tally(vf64_differs(x, max), others);
        }
    return vf64_select(others, vf64_set((double)(n - 1)), second, zero); /* the maximum is alone */
}

static int any_sure_f64(const double *tiles, ptrdiff_t n, const vf64 *max, ptrdiff_t count)
{
    int any = 0;
    for (ptrdiff_t v = 0; v < count; v++) {
        if (!vf64_any_at_least(vf64_set(0x1p-20), vf64_abs(max[v]))) continue;
        const vf64 second = sure_second_of_tile_f64(tiles + v * n * vf64_width, n, max[v]);
        any |= vf64_any_at_least(vf64_set(SURELY_FAINT), second);
    }
    return any;
}

/* The level of a tile: where a sum is faint without doubt, that is seen beforehand. */
LSE_INLINE wide_level level_of_tile_f64(vf64 max, vf64 second)
{
    const wide_level plain = near_level_for(max);
    wide_level level = faint_level_for(max, second);
    level.offset = vf64_select(vf64_set(SURELY_FAINT), second, level.offset, plain.offset);
    return level;
}

static void sum_faint_of_tile_f64(const double *tile, ptrdiff_t n, vf64 max, vf64 sure, lse_states *states,
                                  ptrdiff_t at)
{
    const vf64 none = vf64_set(-(double)INFINITY);
    double seen[vf64_width];
    lse_states own;
    ask_ahead nothing = {.lines = 0};
    vf64 second = none;
    int any = 0;
    vf64_store(seen, sure);
    for (int k = 0; k < vf64_width; k++)
        any |= seen[k] > SURELY_FAINT && is_faint(row_sum_at(states, at + k));
    if (!any) return;
    for (ptrdiff_t i = 0; i < n; i++) {
        const vf64 x = vf64_load(tile + i * vf64_width);
        second = vf64_max(vf64_select(x, max, none, x), second);
    }
    sum_lines_f64(tile, n, faint_level_for(max, second), &nothing, &own, 0);
    for (int k = 0; k < vf64_width; k++) {
        if (!is_faint(row_sum_at(states, at + k))) continue;
        states->tail[at + k] = own.tail[k];
        states->tail_lo[at + k] = own.tail_lo[k];
    }
}

/* A tile of several lines, of which some maxima are within 2^-20 of 0. */
static void sum_tile_near_zero_f64(const double *tile, ptrdiff_t n, vf64 max, ask_ahead *ask, lse_states *states,
                                   ptrdiff_t at)
{
    const vf64 second = sure_second_of_tile_f64(tile, n, max);
    sum_lines_f64(tile, n, level_of_tile_f64(max, second), ask, states, at);
    sum_faint_of_tile_f64(tile, n, max, second, states, at);
}
#else
#define any_sure_f32(tiles, n, max, count) 0
#endif

static void FN(sum_distant_tile)(REAL *tile, ptrdiff_t n, V max, ask_ahead *ask, lse_states *states, ptrdiff_t at);

/* A whole vector of sums from its tile of n lines, which may change; max are their maxima. */
static void FN(sum_tile)(REAL *tile, ptrdiff_t n, V max, ask_ahead *ask, lse_states *states, ptrdiff_t at)
{
    REAL top[VF(width)];
    if (!FN(are_near)(&max, 1)) {
        FN(sum_distant_tile)(tile, n, max, ask, states, at);
        return;
    }
#if F_IS_DOUBLE
    if (n > 1 && vf64_any_at_least(vf64_set(0x1p-20), vf64_abs(max))) {
        sum_tile_near_zero_f64(tile, n, max, ask, states, at);
        return;
    }
#endif
    VF(store)(top, max);
    for (ptrdiff_t c = 0; c < VF(width); c += vf64_width) {
        const REAL *x = tile + c;
        const vf64 m = FN(widen)(top + c);
        if (n == 1) FN(sum_one)(FN(widen)(x), m, states, at + c);
        else FN(sum_lines)(x, n, near_level_for(m), ask, states, at + c);
    }
}

/* States first and on, of elements brought near to these maxima where they were not. */
LSE_INLINE void FN(put_distant)(V max, lse_states *states, ptrdiff_t at)
{
    REAL top[VF(width)];
    VF(store)(top, max);
    for (int k = 0; k < VF(width); k++)
        if (!FN(is_near)(top[k])) put_distant((double)top[k], states, at + k);
}

static void FN(sum_distant_tile)(REAL *tile, ptrdiff_t n, V max, ask_ahead *ask, lse_states *states, ptrdiff_t at)
{
    const FN(approach) a = FN(approach_to)(max, 0.0);
    FN(bring_near)(tile, n, &a);
    FN(sum_tile)(tile, n, a.max, ask, states, at);
    FN(put_distant)(max, states, at);
}

/* No more than SIDE_TILES tiles of n lines, whose maxima are near. */
static void FN(sum_side_tiles)(const REAL *tiles, ptrdiff_t n, const V *max, ptrdiff_t count, ask_ahead *ask,
                               lse_states *states, ptrdiff_t at)
{
    FN(sides) s;
    LSE_UNROLL for (int k = 0; k < FN(SIDE); k++) { /* missing ones are the last one again */
        const ptrdiff_t wanted = k / FN(PER_TILE), v = wanted < count ? wanted : count - 1;
        const ptrdiff_t half = k % FN(PER_TILE) * vf64_width;
        REAL top[VF(width)];
        VF(store)(top, max[v]);
        const wide_level level = near_level_for(FN(widen)(top + half));
        s.max[k] = level.max;
        s.bias[k] = level.bias;
        s.floor[k] = level.floor;
        s.x[k] = tiles + v * n * VF(width) + half;
        s.at[k] = at + v * VF(width) + half;
    }
    switch (n) {
    case 2: FN(sum_few_sides)(&s, 2, ask, states); break;
    case 3: FN(sum_few_sides)(&s, 3, ask, states); break;
    case 4: FN(sum_few_sides)(&s, 4, ask, states); break;
    case 5: FN(sum_few_sides)(&s, 5, ask, states); break;
    case 6: FN(sum_few_sides)(&s, 6, ask, states); break;
    case 7: FN(sum_few_sides)(&s, 7, ask, states); break;
    default: FN(sum_sides)(&s, n, ask, states);
    }
#if F_IS_DOUBLE
    vf64 least = vf64_abs(max[0]);
    for (ptrdiff_t v = 1; v < count; v++) least = vf64_min(vf64_abs(max[v]), least);
    if (!vf64_any_at_least(vf64_set(0x1p-20), least)) return;
    for (ptrdiff_t v = 0; v < count; v++)
        sum_faint_of_tile_f64(tiles + v * n * vf64_width, n, max[v], vf64_set(0.0), states, at + v * vf64_width);
#endif
}

/* Likewise of any maxima, but of two or three elements, of which one is to be left out; the tiles may change. */
static void FN(sum_any_tiles)(REAL *tiles, ptrdiff_t n, const V *max, ptrdiff_t count, ask_ahead *ask,
                              lse_states *states, ptrdiff_t at)
{
    V nearer[FN(SIDE_TILES)] = {max[0]};
    if (FN(are_near)(max, count)) {
        FN(sum_side_tiles)(tiles, n, max, count, ask, states, at);
        return;
    }
    for (ptrdiff_t v = 0; v < count; v++) {
        const FN(approach) a = FN(approach_to)(max[v], 0.0);
        FN(bring_near)(tiles + v * n * VF(width), n, &a);
        nearer[v] = a.max;
    }
    FN(sum_side_tiles)(tiles, n, nearer, count, ask, states, at);
    for (ptrdiff_t v = 0; v < count; v++) FN(put_distant)(max[v], states, at + v * VF(width));
}

/* Whole vectors of sums from their tiles, one after another. */
static void FN(sum_tiles)(REAL *tiles, ptrdiff_t n, const V *max, ptrdiff_t vectors, ask_ahead *ask,
                          lse_states *states, ptrdiff_t at)
{
    for (ptrdiff_t v = 0, some; v < vectors; v += some) {
        REAL *own = tiles + v * n * VF(width);
        some = vectors - v < FN(SIDE_TILES) ? vectors - v : FN(SIDE_TILES);
        if (some > 1 && n > 1 && n <= FN(SIDE_LINES) && (n > 3 || FN(are_near)(max + v, some)) &&
            !(F_IS_DOUBLE && FN(any_sure)(own, n, max + v, some))) {
            FN(sum_any_tiles)(own, n, max + v, some, ask, states, at + v * VF(width));
        } else {
            some = 1;
            FN(sum_tile)(own, n, max[v], ask, states, at + v * VF(width));
        }
    }
}

/* Horizontally: one row --------------------------------------------------------------------------------------- */

/* The maximum of n elements, ignoring NaN. */
LSE_INLINE REAL FN(run_max)(const char *x, ptrdiff_t n)
{
    const V lowest = VF(set)(-(REAL)INFINITY);
    V max[4] = {lowest, lowest, lowest, lowest};
    const char *end = x + n * (ptrdiff_t)sizeof(REAL);
    for (; x + 4 * sizeof(V) <= end; x += 4 * sizeof(V))
        LSE_UNROLL for (int j = 0; j < 4; j++) max[j] = VF(max)(VF(load)(x + (size_t)j * sizeof(V)), max[j]);
    for (; x < end; x += sizeof(V))
        max[0] = VF(max)(VF(load_some)(x, (end - x) / (ptrdiff_t)sizeof(REAL), lowest), max[0]);
    return VF(greatest)(VF(max)(VF(max)(max[0], max[1]), VF(max)(max[2], max[3])));
}

/* Adds `turns` turns of the lanes, 2 or 4, to the sums. */
LSE_INLINE void FN(fold_turns)(const char *x, const int turns, vf64 *hi, vf64 *lo, const wide_level *level,
                               const int masked, vf64 *others)
{
    enum { STEP = vf64_width * sizeof(REAL), TURN = LSE_LANES * sizeof(REAL) };
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64 v[4];
        LSE_UNROLL for (int j = 0; j < turns; j++) v[j] = FN(widen)(x + j * TURN + g * STEP);
        FN(fold)(&hi[g], &lo[g], v, turns, level, masked, others);
    }
}

/* The last n < 16 elements of a row, padded with copies of the maximum, which add nothing. */
LSE_INLINE void FN(last_turns)(const char *x, ptrdiff_t n, REAL max, REAL *turns)
{
    for (int i = 0; i < 2 * LSE_LANES; i += VF(width))
        VF(store)(turns + i, VF(load_some)(x + (size_t)i * sizeof(REAL), n - i, VF(set)(max)));
}

/* The sum of a row from its lanes; others: how many of its elements differ from the maximum. */
LSE_INLINE row_sum FN(sum_of_lanes)(REAL max, ptrdiff_t n, vf64 others, const vf64 *hi, const vf64 *lo, vf64 offset)
{
    row_sum sum = {(double)max, (double)n - total_of(others), 0.0, 0.0};
    double lanes[LSE_LANES], lost[LSE_LANES];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64_store(lanes + g * vf64_width, F_IS_DOUBLE ? vf64_sub(hi[g], offset) : hi[g]);
        vf64_store(lost + g * vf64_width, lo[g]);
    }
    const pair tail = two_sum(add_lanes(lanes), F_IS_DOUBLE ? add_lanes(lost) : 0.0);
    sum.tail = tail.hi;
    sum.tail_lo = tail.lo;
    return sum;
}

/* The sum of one row of n <= LSE_SHORT elements, whose maximum is known. */
LSE_INLINE row_sum FN(sum_run)(const char *x, ptrdiff_t n, REAL max, const wide_level *level)
{
    vf64 hi[LSE_LANE_GROUPS], lo[LSE_LANE_GROUPS], others = vf64_set(0.0);
    ptrdiff_t i = 0;
    for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        hi[g] = F_IS_DOUBLE ? level->offset : vf64_set(0.0);
        lo[g] = vf64_set(0.0);
    }
    for (; i + 2 * LSE_LANES <= n; i += 2 * LSE_LANES)
        FN(fold_turns)(x + i * (ptrdiff_t)sizeof(REAL), 2, hi, lo, level, 1, &others);
    if (i < n) {
        REAL last[2 * LSE_LANES];
        FN(last_turns)(x + i * (ptrdiff_t)sizeof(REAL), n - i, max, last);
        FN(fold_turns)((const char *)last, 2, hi, lo, level, 1, &others);
    }
    return FN(sum_of_lanes)(max, n, others, hi, lo, level->offset);
}

#if F_IS_DOUBLE
/* The greatest of n elements below the maximum, or one that is greater than `enough`. */
static double second_of_run(const char *x, ptrdiff_t n, double max, double enough)
{
    const vf64 none = vf64_set(-(double)INFINITY), least = vf64_set(enough);
    vf64 greatest = none;
    for (ptrdiff_t i = 0; i < n && !vf64_any_at_least(greatest, least); i += vf64_width) {
        const vf64 own = vf64_load_some(x + i * (ptrdiff_t)sizeof(double), n - i, vf64_set(max));
        greatest = vf64_max(vf64_select(own, vf64_set(max), none, own), greatest);
    }
    return vf64_greatest(greatest);
}

/* Whether a row, whose maximum is within 2^-20 of 0, is faint without doubt, or has no other terms but 0. */
static int is_surely_faint(const char *x, ptrdiff_t n, double max)
{
    vf64 others = vf64_set(0.0);
    if (second_of_run(x, n, max, SURELY_FAINT) > SURELY_FAINT) return 0;
    for (ptrdiff_t i = 0; i < n; i += vf64_width) {
        const vf64 own = vf64_load_some(x + i * (ptrdiff_t)sizeof(double), n - i, vf64_set(max));
        others = vf64_tally(vf64_differs(own, vf64_set(max)), others);
    }
    return total_of(others) == (double)(n - 1);
}

static row_sum sum_faint_run(const char *x, ptrdiff_t n, double max)
{
    const double second = second_of_run(x, n, max, (double)INFINITY);
    const wide_level level = faint_level_for(vf64_set(max), vf64_set(second));
    return sum_run_f64(x, n, max, &level);
}
#endif

/* The state of one row of n <= LSE_SHORT elements. */
LSE_INLINE void FN(sum_short)(const char *x, ptrdiff_t n, lse_states *states, ptrdiff_t at)
{
    const REAL top = FN(run_max)(x, n);
    REAL max = top, copy[LSE_SHORT];
    x = FN(near_row)(x, n, &max, 0.0, copy);
    const wide_level level = near_level_for(vf64_set((double)max));
#if F_IS_DOUBLE
    const int sure = n > 1 && max <= 0x1p-20 && max >= -0x1p-20 && is_surely_faint(x, n, max);
    row_sum sum = sure ? sum_faint_run(x, n, max) : sum_run_f64(x, n, max, &level);
    if (!sure && is_faint(sum)) sum = sum_faint_run(x, n, max);
#else
    const row_sum sum = FN(sum_run)(x, n, max, &level);
#endif
    states->max[at] = sum.max;
    states->count[at] = sum.count;
    states->tail[at] = sum.tail;
    states->tail_lo[at] = sum.tail_lo;
    if (!FN(is_near)(top)) put_distant((double)top, states, at);
}
