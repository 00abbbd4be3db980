/* Softmax and log-softmax of rows whose terms stay in the cache, included once for each F: vertically in the tiles of
 * panel.h, horizontally, and in columns, with the same bits. */

static void FN(finish)(const lse_states *states, ptrdiff_t count, lse_results *results);

/* The level of a maximum for terms that are stored. */
typedef struct {
    V bias, floor;
} FN(term_level);

LSE_INLINE FN(term_level) FN(term_level_for)(V max)
{
    const V far = VF(set)(FN(LSE_FAR)), magic = VF(set)(MAGIC);
    const V n = VF(sub)(VF(fma)(VF(min)(VF(max)(max, VF(set)(-FN(LSE_FAR))), far), VF(set)(FN(LOG2E)), magic), magic);
    FN(term_level) level;
#if F_IS_DOUBLE
    const V anchor = VF(sub)(n, VF(set)(HEADROOM));
    level.bias = VF(sub)(VF(set)(MAGIC + EXP_BIAS), anchor);
    level.floor = VF(mul)(VF(sub)(anchor, VF(set)(EXP_BIAS)), VF(set)(LN2_HI_f64));
#else
    level.bias = VF(fma)(n, VF(set)(-8), VF(set)((REAL)(0x1.8p23 + 8.0 * (127.0 + EIGHTHS_HEADROOM))));
    level.floor = VF(mul)(VF(sub)(n, VF(set)((REAL)EIGHTHS_FLOOR)), VF(set)(FN(LN2_HI)));
#endif
    return level;
}

/* e^x at that level, rounded; of floats times a factor that the sum has too. */
LSE_INLINE void FN(terms)(V *x, const int count, const FN(term_level) *level)
{
#if F_IS_DOUBLE
    exp_f64(x, count, level->bias, level->floor);
#else
    LSE_UNROLL for (int j = 0; j < count; j++) {
        vf32 p;
        const vf32 a = eighths_exp(x[j], level->bias, level->floor, &p);
        x[j] = vf32_fma(a, p, a);
    }
#endif
}

/* Sums of terms in double precision, and their reciprocals. */
typedef struct {
    vf64 hi, lo;
} FN(term_sum);

LSE_INLINE void FN(join_term)(FN(term_sum) *s, const void *term)
{
#if F_IS_DOUBLE
    add_f64(&s->hi, &s->lo, vf64_load(term));
#else
    s->hi = vf64_add(s->hi, vf64_from_f32(term));
#endif
}

/* 1 / (hi + lo) as r + r_lo. */
LSE_INLINE vf64 FN(reciprocal)(vf64 hi, vf64 lo, vf64 *r_lo)
{
    const vf64 one = vf64_set(1.0), r = vf64_div(one, hi);
    *r_lo = F_IS_DOUBLE ? vf64_mul(r, vf64_sub(vf64_fma(vf64_sub(vf64_set(-0.0), r), hi, one), vf64_mul(r, lo))) : lo;
    return r;
}

/* What each term is multiplied by. */
typedef struct {
    V r, r_lo;
} FN(share);

LSE_INLINE V FN(times)(V term, const FN(share) *share)
{
    return F_IS_DOUBLE ? VF(fma)(term, share->r, VF(mul)(term, share->r_lo)) : VF(mul)(term, share->r);
}

LSE_INLINE FN(share) FN(share_of)(const REAL *r, const REAL *r_lo)
{
    const FN(share) share = {VF(load)(r), F_IS_DOUBLE ? VF(load)(r_lo) : VF(set)(0)};
    return share;
}

/* Whether none of these maxima is infinite or beyond the kernels. */
LSE_INLINE int FN(are_near)(const REAL *max, ptrdiff_t count)
{
    int near = 1;
    for (ptrdiff_t i = 0; i < count; i++) near &= max[i] <= FN(LSE_FAR) && max[i] >= -FN(LSE_FAR);
    return near;
}

/* Vertically ----------------------------------------------------------------------------------------------------- */

/* The reciprocal of the sums of vf64_width columns from their lanes; lanes: min(n, LSE_LANES). */
LSE_INLINE void FN(tile_share)(FN(term_sum) *s, ptrdiff_t lanes, REAL *r, REAL *r_lo)
{
    vf64 hi[LSE_LANES], lo[LSE_LANES], low;
    LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
        hi[j] = s[j].hi;
        lo[j] = s[j].lo;
    }
    LSE_UNROLL for (int half = LSE_LANES / 2; half > 0; half /= 2)
        LSE_UNROLL for (int j = 0; j < half; j++)
            if (j + half < lanes) FN(add_lane)(hi, lo, j, j + half);
    const vf64 share = FN(reciprocal)(hi[0], lo[0], &low);
#if F_IS_DOUBLE
    vf64_store(r, share);
    vf64_store(r_lo, low);
#else
    (void)r_lo;
    vf64_to_f32(r, share);
#endif
}

/* Line i of the tile becomes its terms, which join lane j; start: the lane has none yet. */
LSE_INLINE void FN(tile_term)(REAL *line, const FN(term_level) *level, FN(term_sum) (*s)[LSE_LANES], const int j,
                              const int start)
{
    V v = VF(load)(line);
    FN(terms)(&v, 1, level);
    VF(store)(line, v);
    LSE_UNROLL for (int h = 0; h < VF(width) / vf64_width; h++) {
        if (start) {
            s[h][j].hi = FN(widen)(line + h * vf64_width);
            s[h][j].lo = vf64_set(0.0);
        } else {
            FN(join_term)(&s[h][j], line + h * vf64_width);
        }
    }
}

/* The terms of a tile, in its place, and what they are to be multiplied by; lanes: min(n, LSE_LANES), a constant, and n
 * itself if it is less. */
LSE_INLINE void FN(softmax_lines)(REAL *tile, ptrdiff_t n, const int lanes, V max, ask_ahead *ask, REAL *r,
                                  REAL *r_lo)
{
    enum { HALVES = VF(width) / vf64_width };
    const FN(term_level) level = FN(term_level_for)(max);
    FN(term_sum) s[HALVES][LSE_LANES];
    LSE_UNROLL for (int j = 0; j < lanes; j++) {
        ask_for_one(ask);
        FN(tile_term)(tile + j * VF(width), &level, s, j, 1);
    }
    LSE_UNROLL for (int j = lanes; j < LSE_LANES; j++)
        LSE_UNROLL for (int h = 0; h < HALVES; h++) s[h][j].hi = s[h][j].lo = vf64_set(0.0);
    if (lanes == LSE_LANES) {
        ptrdiff_t i = LSE_LANES;
        for (; i + LSE_LANES <= n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
                ask_for_one(ask);
                FN(tile_term)(tile + (i + j) * VF(width), &level, s, j, 0);
            }
        LSE_UNROLL for (int j = 0; j < LSE_LANES - 1; j++)
            if (i + j < n) FN(tile_term)(tile + (i + j) * VF(width), &level, s, j, 0);
    }
    LSE_UNROLL for (int h = 0; h < HALVES; h++)
        FN(tile_share)(s[h], lanes, r + h * vf64_width, r_lo + h * vf64_width);
}

static void FN(softmax_tile)(REAL *tile, ptrdiff_t n, V max, ask_ahead *ask, REAL *r, REAL *r_lo)
{
    switch (n) {
    case 1: FN(softmax_lines)(tile, 1, 1, max, ask, r, r_lo); break;
    case 2: FN(softmax_lines)(tile, 2, 2, max, ask, r, r_lo); break;
    case 3: FN(softmax_lines)(tile, 3, 3, max, ask, r, r_lo); break;
    case 4: FN(softmax_lines)(tile, 4, 4, max, ask, r, r_lo); break;
    case 5: FN(softmax_lines)(tile, 5, 5, max, ask, r, r_lo); break;
    case 6: FN(softmax_lines)(tile, 6, 6, max, ask, r, r_lo); break;
    case 7: FN(softmax_lines)(tile, 7, 7, max, ask, r, r_lo); break;
    default: FN(softmax_lines)(tile, n, LSE_LANES, max, ask, r, r_lo);
    }
}

/* Horizontally --------------------------------------------------------------------------------------------------- */

/* One row of n <= LSE_STORED elements in one run, where its maximum is near; x and out may be one. 0 where a term is NaN:
 * then so is all of out. */
static int FN(softmax_run)(const char *x, char *out, ptrdiff_t n, REAL max)
{
    enum { TURN = 16, GROUPS = TURN / VF(width), STEP = GROUPS < 4 ? GROUPS : 4, PARTS = TURN / vf64_width };
    const FN(term_level) level = FN(term_level_for)(VF(set)(max));
    FN(term_sum) s[LSE_LANE_GROUPS];
    double hi[LSE_LANES], lo[LSE_LANES];
    REAL last[TURN];
    for (int g = 0; g < LSE_LANE_GROUPS; g++) s[g].hi = s[g].lo = vf64_set(0.0);
    for (ptrdiff_t i = 0; i < n; i += TURN) {
        const ptrdiff_t left = n - i;
        const char *from = x + i * (ptrdiff_t)sizeof(REAL);
        char *to = left < TURN ? (char *)last : out + i * (ptrdiff_t)sizeof(REAL);
        V v[GROUPS];
        if (left < TURN) {
            LSE_UNROLL for (int g = 0; g < GROUPS; g++)
                v[g] = VF(load_some)(from + (size_t)g * sizeof(V), left - g * VF(width), VF(set)(-(REAL)INFINITY));
        } else {
            LSE_UNROLL for (int g = 0; g < GROUPS; g++) v[g] = VF(load)(from + (size_t)g * sizeof(V));
        }
        LSE_UNROLL for (int g = 0; g < GROUPS; g += STEP) FN(terms)(v + g, STEP, &level);
        LSE_UNROLL for (int g = 0; g < GROUPS; g++) VF(store)(to + (size_t)g * sizeof(V), v[g]);
        LSE_UNROLL for (int j = 0; j < PARTS; j++)
            FN(join_term)(&s[j % LSE_LANE_GROUPS], to + (size_t)(j * vf64_width) * sizeof(REAL));
        if (left < TURN) memcpy(out + i * (ptrdiff_t)sizeof(REAL), last, (size_t)left * sizeof(REAL));
    }
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64_store(hi + g * vf64_width, s[g].hi);
        vf64_store(lo + g * vf64_width, s[g].lo);
    }
#if F_IS_DOUBLE
    add_compensated_lanes(hi, lo);
#else
    hi[0] = add_lanes(hi);
#endif
    if (hi[0] != hi[0]) {
        for (ptrdiff_t i = 0; i < n; i++) {
            const REAL nan = (REAL)NAN;
            memcpy(out + i * (ptrdiff_t)sizeof nan, &nan, sizeof nan);
        }
        return 0;
    }
    double r_lo[vf64_width], r[vf64_width];
    vf64 low;
    vf64_store(r, FN(reciprocal)(vf64_set(hi[0]), vf64_set(lo[0]), &low));
    vf64_store(r_lo, low);
    const FN(share) share = {VF(set)((REAL)r[0]), VF(set)((REAL)r_lo[0])};
    ptrdiff_t i = 0;
    for (; i + 2 * VF(width) <= n; i += 2 * VF(width))
        LSE_UNROLL for (int j = 0; j < 2; j++) {
            char *to = out + (i + j * VF(width)) * (ptrdiff_t)sizeof(REAL);
            VF(store)(to, FN(times)(VF(load)(to), &share));
        }
    for (; i < n; i += VF(width)) {
        char *to = out + i * (ptrdiff_t)sizeof(REAL);
        VF(store_some)(to, n - i, FN(times)(VF(load_some)(to, n - i, VF(set)(0)), &share));
    }
    return 1;
}

/* Softmax of a row of no more than LSE_STORED elements: 1; LSE_BAD_NAN where it is all NaN now; 0 where its maximum wants a
 * second look, and nothing is written. */
static int FN(softmax_whole_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out)
{
    REAL buffer[LSE_STORED], result[LSE_STORED];
    const char *x = FN(fetch)(layout, row, 0, row->n, 0, buffer);
    const REAL max = FN(run_max)(x, row->n);
    if (!FN(are_near)(&max, 1)) return 0;
    if (out_layout->direct) return FN(softmax_run)(x, out, row->n, max) ? 1 : LSE_IS_NAN;
    const int plain = FN(softmax_run)(x, (char *)result, row->n, max);
    FN(scatter)(out_layout, out, 0, row->n, result);
    return plain ? 1 : LSE_IS_NAN;
}

/* Columns --------------------------------------------------------------------------------------------------------- */

/* The terms of one vector of columns, written to out, and what they are to be multiplied by. */
LSE_INLINE FN(share) FN(column_terms)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout,
                                      char *out, ptrdiff_t c, ptrdiff_t count, V max)
{
    enum { HALVES = VF(width) / vf64_width };
    const FN(term_level) level = FN(term_level_for)(max);
    const size_t offset = (size_t)c * sizeof(REAL);
    FN(term_sum) s[HALVES][LSE_LANES];
    REAL copy[FN(PANEL)], line[VF(width)], r[VF(width)], r_lo[VF(width)];
    for (int h = 0; h < HALVES; h++)
        for (int j = 0; j < LSE_LANES; j++) s[h][j].hi = s[h][j].lo = vf64_set(0.0);
    for (ptrdiff_t i = 0; i < row->n; i += LSE_LANES)
        LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
            if (i + j >= row->n) break;
            const char *from = FN(panel_line)(layout, row, i + j, count, copy) + offset;
            VF(store)(line, VF(load_some)(from, count - c, VF(set)(0)));
            FN(tile_term)(line, &level, s, j, 0);
            char *to = (char *)element(out_layout, out_layout->stride, out, i + j) + offset;
            VF(store_some)(to, count - c, VF(load)(line));
        }
    LSE_UNROLL for (int h = 0; h < HALVES; h++)
        FN(tile_share)(s[h], LSE_LANES, r + h * vf64_width, r_lo + h * vf64_width);
    return FN(share_of)(r, r_lo);
}

/* The maxima of count neighbouring columns. */
LSE_INLINE void FN(columns_max_of)(const lse_layout *layout, const lse_row *row, ptrdiff_t count, V *max)
{
    REAL copy[FN(PANEL)];
    for (int v = 0; v < FN(PANEL) / VF(width); v++) max[v] = VF(set)(-(REAL)INFINITY);
    for (ptrdiff_t i = 0; i < row->n; i++) {
        const char *x = FN(panel_line)(layout, row, i, count, copy);
        for (ptrdiff_t c = 0, v = 0; c < count; c += VF(width), v++)
            max[v] = VF(max)(VF(load_some)(x + c * (ptrdiff_t)sizeof(REAL), count - c, max[v]), max[v]);
    }
}

/* Softmax of count neighbouring columns of no more than LSE_STORED elements; NaN in nan[c] where column c is all NaN now.
 * 0 where a maximum wants a second look, and nothing is written. */
static int FN(softmax_whole_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                     ptrdiff_t count, double *nan)
{
    enum { MOST = FN(PANEL) / VF(width) };
    REAL top[FN(PANEL)];
    V max[MOST];
    FN(share) share[MOST];
    FN(columns_max_of)(layout, row, count, max);
    for (int v = 0; v < MOST; v++) VF(store)(top + v * VF(width), max[v]);
    if (!FN(are_near)(top, count)) return 0;
    for (ptrdiff_t c = 0, v = 0; c < count; c += VF(width), v++) {
        share[v] = FN(column_terms)(layout, row, out_layout, out, c, count, max[v]);
        VF(store)(top + c, share[v].r);
    }
    for (ptrdiff_t i = 0; i < row->n; i++) {
        char *to = (char *)element(out_layout, out_layout->stride, out, i);
        for (ptrdiff_t c = 0, v = 0; c < count; c += VF(width), v++) {
            char *at = to + c * (ptrdiff_t)sizeof(REAL);
            VF(store_some)(at, count - c, FN(times)(VF(load_some)(at, count - c, VF(set)(0)), &share[v]));
        }
    }
    for (ptrdiff_t c = 0; c < count; c++) nan[c] = (double)top[c];
    return 1;
}

/* Sums for log_softmax ------------------------------------------------------------------------------------------ */

/* float64: those of logsumexp. float32, of no more than LSE_STORED elements: of terms as softmax has them, but that the
 * maxima are counted and kept out; half the work. Rounding a term to float may cost 1 of 2^-24 of it, the exponential 0.12,
 * and results in [1, 2) are of sums of which the maximum, which costs nothing, is more than an eighth: 0.99 ulp at most, where
 * 0.52 would be to be had. The worst row known is at 0.97: 112 of 0x1.03a6eep+1, 64 of -0x1.ed1536p+2 and 16 of
 * -0x1.92764cp+2, over and over to 197, the 181st 0x1.3cf9ccp+2 (tests/accuracy/test_worst_known.py). */
#if F_IS_DOUBLE
#define log_sum_tile_f64 sum_tile_f64
LSE_INLINE void log_sum_run_f64(const char *x, ptrdiff_t n, lse_states *states, ptrdiff_t at)
{
    sum_short_f64(x, n, states, at);
}
#define log_rows_f64 rows_f64
#define log_columns_f64 columns_f64
#else
typedef struct {
    term_level_f32 level;
    vf32 max, others;
} log_level;

LSE_INLINE log_level log_level_for(vf32 max)
{
    const log_level level = {term_level_for_f32(max), max, vf32_set(0)};
    return level;
}

/* The term of x, 0 for the maximum. */
LSE_INLINE vf32 log_term(vf32 x, log_level *level)
{
    const mf32 differs = vf32_differs(x, level->max);
    level->others = vf32_tally(differs, level->others);
    terms_f32(&x, 1, &level->level);
    return vf32_keep(differs, x);
}

/* A line of a tile joins lane j; start: the lane has none yet. */
LSE_INLINE void log_line(const float *line, log_level *level, vf64 (*s)[LSE_LANES], const int j, const int start)
{
    float term[vf32_width];
    vf32_store(term, log_term(vf32_load(line), level));
    LSE_UNROLL for (int h = 0; h < vf32_width / vf64_width; h++) {
        const vf64 own = vf64_from_f32(term + h * vf64_width);
        s[h][j] = start ? own : vf64_add(s[h][j], own);
    }
}

/* The states of a vector of sums from their lanes. */
LSE_INLINE void log_states(vf64 (*s)[LSE_LANES], const int lanes, ptrdiff_t n, const log_level *level, lse_states *states,
                           ptrdiff_t at)
{
    float max[vf32_width], others[vf32_width];
    vf32_store(max, level->max);
    vf32_store(others, level->others);
    LSE_UNROLL for (int h = 0; h < vf32_width / vf64_width; h++) {
        LSE_UNROLL for (int half = LSE_LANES / 2; half > 0; half /= 2)
            LSE_UNROLL for (int j = 0; j < half; j++)
                if (j + half < lanes) s[h][j] = vf64_add(s[h][j], s[h][j + half]);
        const ptrdiff_t to = at + h * vf64_width;
        vf64_store(states->max + to, vf64_from_f32(max + h * vf64_width));
        vf64_store(states->count + to, vf64_sub(vf64_set((double)n), vf64_from_f32(others + h * vf64_width)));
        vf64_store(states->tail + to, vf64_mul(s[h][0], vf64_set(EIGHTHS_FACTOR * 0x1p400)));
        vf64_store(states->tail_lo + to, vf64_set(0.0));
    }
}

/* lanes: min(n, LSE_LANES), a constant, and n itself if it is less. */
LSE_INLINE void log_sum_lines(const float *tile, ptrdiff_t n, const int lanes, vf32 max, ask_ahead *ask,
                              lse_states *states, ptrdiff_t at)
{
    log_level level = log_level_for(max);
    vf64 s[vf32_width / vf64_width][LSE_LANES];
    LSE_UNROLL for (int j = 0; j < lanes; j++) {
        ask_for_one(ask);
        log_line(tile + j * vf32_width, &level, s, j, 1);
    }
    ptrdiff_t i = LSE_LANES;
    for (; lanes == LSE_LANES && i + LSE_LANES <= n; i += LSE_LANES)
        LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
            ask_for_one(ask);
            log_line(tile + (i + j) * vf32_width, &level, s, j, 0);
        }
    LSE_UNROLL for (int j = 0; j < LSE_LANES - 1; j++)
        if (lanes == LSE_LANES && i + j < n) log_line(tile + (i + j) * vf32_width, &level, s, j, 0);
    log_states(s, lanes, n, &level, states, at);
}

static void log_sum_tile_f32(const float *tile, ptrdiff_t n, vf32 max, ask_ahead *ask, lse_states *states, ptrdiff_t at)
{
    switch (n) {
    case 1: log_sum_lines(tile, 1, 1, max, ask, states, at); break;
    case 2: log_sum_lines(tile, 2, 2, max, ask, states, at); break;
    case 3: log_sum_lines(tile, 3, 3, max, ask, states, at); break;
    case 4: log_sum_lines(tile, 4, 4, max, ask, states, at); break;
    case 5: log_sum_lines(tile, 5, 5, max, ask, states, at); break;
    case 6: log_sum_lines(tile, 6, 6, max, ask, states, at); break;
    case 7: log_sum_lines(tile, 7, 7, max, ask, states, at); break;
    default: log_sum_lines(tile, n, LSE_LANES, max, ask, states, at);
    }
}

/* One row in one run. */
static void log_sum_run_f32(const char *x, ptrdiff_t n, lse_states *states, ptrdiff_t at)
{
    enum { TURN = 16, GROUPS = TURN / vf32_width, PARTS = TURN / vf64_width };
    const float max = run_max_f32(x, n);
    log_level level = log_level_for(vf32_set(max));
    vf64 s[LSE_LANE_GROUPS];
    double lanes[LSE_LANES];
    float last[TURN], term[TURN], others[vf32_width], differ = 0;
    for (int g = 0; g < LSE_LANE_GROUPS; g++) s[g] = vf64_set(0.0);
    for (ptrdiff_t i = 0; i < n; i += TURN) {
        const char *from = x + i * (ptrdiff_t)sizeof(float);
        if (n - i < TURN) { /* filled up with copies of the maximum, which add nothing */
            last_turns_f32(from, n - i, max, last);
            from = (const char *)last;
        }
        LSE_UNROLL for (int g = 0; g < GROUPS; g++)
            vf32_store(term + g * vf32_width, log_term(vf32_load(from + (size_t)g * sizeof(vf32)), &level));
        LSE_UNROLL for (int j = 0; j < PARTS; j++)
            s[j % LSE_LANE_GROUPS] = vf64_add(s[j % LSE_LANE_GROUPS], vf64_from_f32(term + j * vf64_width));
    }
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) vf64_store(lanes + g * vf64_width, s[g]);
    vf32_store(others, level.others);
    for (int i = 0; i < vf32_width; i++) differ += others[i];
    states->max[at] = (double)max;
    states->count[at] = (double)n - (double)differ;
    states->tail[at] = add_lanes(lanes) * (EIGHTHS_FACTOR * 0x1p400);
    states->tail_lo[at] = 0.0;
}

static void log_rows_f32(const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                         const double *shift, lse_states *states)
{
    float buffer[LSE_STORED];
    if (rows[0].n > LSE_STORED) {
        rows_f32(layout, rows, start, n, count, shift, states);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++)
        log_sum_run_f32(fetch_f32(layout, &rows[i], 0, rows[i].n, shift ? shift[i] : 0, buffer), rows[i].n, states, i);
}

static void log_columns_f32(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                            lse_states *states)
{
    enum { MOST = PANEL_f32 / vf32_width };
    float copy[PANEL_f32];
    vf32 max[MOST];
    if (row->n > LSE_STORED) {
        columns_f32(layout, row, start, n, count, states);
        return;
    }
    columns_max_of_f32(layout, row, count, max);
    for (ptrdiff_t c = 0, v = 0; c < count; c += vf32_width, v++) {
        log_level level = log_level_for(max[v]);
        vf64 s[vf32_width / vf64_width][LSE_LANES];
        float line[vf32_width];
        for (int h = 0; h < vf32_width / vf64_width; h++)
            for (int j = 0; j < LSE_LANES; j++) s[h][j] = vf64_set(0.0);
        for (ptrdiff_t i = 0; i < row->n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
                if (i + j >= row->n) break;
                const char *from = panel_line_f32(layout, row, i + j, count, copy) + c * (ptrdiff_t)sizeof(float);
                vf32_store(line, vf32_load_some(from, count - c, vf32_set(0)));
                log_line(line, &level, s, j, 0);
            }
        log_states(s, LSE_LANES, row->n, &level, states, c);
    }
}
#endif

/* Panels --------------------------------------------------------------------------------------------------------- */

static int FN(softmax_group)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tiles)
{
    REAL top[LSE_BATCH], r[LSE_BATCH], r_lo[LSE_BATCH];
    V max[FN(PER_GROUP)];
    ask_ahead ask = FN(ask_after)(p, first, some);
    FN(tiles_in)(p, first, some, tiles, max);
    for (ptrdiff_t v = 0; v * FN(WIDTH) < some; v++) {
        VF(store)(top + v * FN(WIDTH), max[v]);
        FN(softmax_tile)(tiles + v * p->n * FN(WIDTH), p->n, max[v], &ask, r + v * FN(WIDTH), r_lo + v * FN(WIDTH));
    }
    int plain = FN(are_near)(top, some);
    for (ptrdiff_t k = 0; k < some; k++) plain &= r[k] == r[k];
    if (!plain) return 0;
    for (ptrdiff_t v = 0; v * FN(WIDTH) < some; v++) {
        const FN(share) share = FN(share_of)(r + v * FN(WIDTH), r_lo + v * FN(WIDTH));
        const ptrdiff_t left = some - v * FN(WIDTH);
        REAL *tile = tiles + v * p->n * FN(WIDTH);
        if (p->out_form == LSE_BY_COLUMNS && left >= FN(WIDTH)) {
            char *to = p->out + p->out_at[first + v * FN(WIDTH)];
            for (ptrdiff_t i = 0; i < p->n; i++)
                VF(store)(to + p->out_offset[i], FN(times)(VF(load)(tile + i * FN(WIDTH)), &share));
            continue;
        }
        for (ptrdiff_t i = 0; i < p->n; i++)
            VF(store)(tile + i * FN(WIDTH), FN(times)(VF(load)(tile + i * FN(WIDTH)), &share));
        FN(tile_out)(p, first + v * FN(WIDTH), left < FN(WIDTH) ? left : FN(WIDTH), tile);
    }
    return 1;
}

static int FN(log_softmax_group)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tiles)
{
    lse_states states;
    lse_results results;
    V max[FN(PER_GROUP)];
    ask_ahead ask = FN(ask_after)(p, first, some);
    FN(tiles_in)(p, first, some, tiles, max);
    for (ptrdiff_t v = 0; v * FN(WIDTH) < some; v++)
        FN(log_sum_tile)(tiles + v * p->n * FN(WIDTH), p->n, max[v], &ask, &states, v * FN(WIDTH));
    FN(finish)(&states, FN(whole_vectors)(some), &results);
    if (!are_plain(&states, &results, some, FN(LSE_FAR))) return 0;
    for (ptrdiff_t v = 0; v * FN(WIDTH) < some; v++) {
        const ptrdiff_t left = some - v * FN(WIDTH);
        const int across = p->out_form == LSE_BY_COLUMNS && left >= FN(WIDTH);
        REAL *tile = tiles + v * p->n * FN(WIDTH);
        char *to = across ? p->out + p->out_at[first + v * FN(WIDTH)] : NULL;
        for (ptrdiff_t i = 0; i < p->n; i++) {
            char *line = (char *)(tile + i * FN(WIDTH)), *target = across ? to + p->out_offset[i] : line;
            LSE_UNROLL for (int h = 0; h < FN(WIDTH); h += vf64_width)
                FN(log_softmax)(line + (size_t)h * sizeof(REAL), target + (size_t)h * sizeof(REAL),
                                vf64_load(results.value + v * FN(WIDTH) + h),
                                vf64_load(results.value_lo + v * FN(WIDTH) + h));
        }
        if (!across) FN(tile_out)(p, first + v * FN(WIDTH), left < FN(WIDTH) ? left : FN(WIDTH), tile);
    }
    return 1;
}

/* The rows of a panel one by one; returns how many are done. */
static ptrdiff_t FN(softmax_rows_of)(const lse_panel *p)
{
    ptrdiff_t k = 0;
    for (; k < p->count; k++) {
        const char *x = p->x + p->at[k];
        const REAL max = FN(run_max)(x, p->n);
        if (!FN(are_near)(&max, 1) || !FN(softmax_run)(x, p->out + p->out_at[k], p->n, max)) break;
    }
    return k;
}

static ptrdiff_t FN(log_softmax_rows_of)(const lse_panel *p)
{
    lse_states states;
    lse_results results;
    ptrdiff_t k = 0;
    for (; k < p->count; k++) FN(log_sum_run)(p->x + p->at[k], p->n, &states, k);
    fill_states(&states, p->count);
    FN(finish)(&states, p->count, &results);
    for (k = 0; k < p->count; k++) {
        if (!is_plain(&states, &results, k, FN(LSE_FAR))) break;
        FN(map_block)(p->x + p->at[k], p->out + p->out_at[k], p->n, &results, k, 1);
    }
    return k;
}

LSE_INLINE ptrdiff_t FN(map_panel)(const lse_panel *p, const int log)
{
    REAL tiles[FN(PER_GROUP) * FN(STAGE)];
    ptrdiff_t k = 0;
    if (p->out_form == LSE_BY_ROWS && FN(one_by_one)(p, 128))
        return log ? FN(log_softmax_rows_of)(p) : FN(softmax_rows_of)(p);
    const ptrdiff_t step = FN(group_step)(p);
    for (ptrdiff_t some; k < p->count; k += some) {
        some = p->count - k < step ? p->count - k : step;
        if (!(log ? FN(log_softmax_group) : FN(softmax_group))(p, k, some, tiles)) return k;
    }
    return k;
}

static ptrdiff_t FN(softmax_panel)(const lse_panel *p) { return FN(map_panel)(p, 0); }
static ptrdiff_t FN(log_softmax_panel)(const lse_panel *p) { return FN(map_panel)(p, 1); }
