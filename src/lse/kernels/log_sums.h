/* Sums for log_softmax, included once for each F.
 *
 * float64: those of logsumexp. float32, of no more than LSE_STORED elements: of terms as softmax has them, but that the
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

/* From the sum of terms at this bias to the tail of a state: near a half, the level's n, found in float, is not always the
 * nearest(max log2(e)) that a state has. */
LSE_INLINE vf64 log_scale(vf64 bias, vf64 max)
{
    const vf64 of_zero = vf64_set(0x1.8p23 + 8.0 * (127.0 + EIGHTHS_HEADROOM));
    const vf64 n = vf64_mul(vf64_sub(of_zero, bias), vf64_set(0.125));
    const vf64 up = vf64_min(vf64_sub(n, vf64_exponent_of(max)), vf64_set(1.0));
    return vf64_mul(vf64_ldexp1(up), vf64_set(EIGHTHS_FACTOR * 0x1p400));
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
LSE_INLINE void log_line(const void *line, log_level *level, vf64 (*s)[LSE_LANES], const int j, const int start)
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
    float max[vf32_width], others[vf32_width], bias[vf32_width];
    vf32_store(max, level->max);
    vf32_store(bias, level->level.bias);
    vf32_store(others, level->others);
    LSE_UNROLL for (int h = 0; h < vf32_width / vf64_width; h++) {
        LSE_UNROLL for (int half = LSE_LANES / 2; half > 0; half /= 2)
            LSE_UNROLL for (int j = 0; j < half; j++)
                if (j + half < lanes) s[h][j] = vf64_add(s[h][j], s[h][j + half]);
        const ptrdiff_t to = at + h * vf64_width;
        const vf64 top = vf64_from_f32(max + h * vf64_width);
        vf64_store(states->max + to, top);
        vf64_store(states->count + to, vf64_sub(vf64_set((double)n), vf64_from_f32(others + h * vf64_width)));
        vf64_store(states->tail + to, vf64_mul(s[h][0], log_scale(vf64_from_f32(bias + h * vf64_width), top)));
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
    double lanes[LSE_LANES], scale[vf64_width];
    float last[TURN], term[TURN], others[vf32_width], bias[vf32_width], differ = 0;
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
    vf32_store(bias, level.level.bias);
    vf64_store(scale, log_scale(vf64_set((double)bias[0]), vf64_set((double)max)));
    states->tail[at] = add_lanes(lanes) * scale[0];
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

/* Rows start and on of one vector of columns, no more than TOGETHER. */
static void log_column(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t c, ptrdiff_t count,
                       log_level *level, vf64 (*sums)[LSE_LANES])
{
    const ptrdiff_t left = row->n - start, n = left < TOGETHER_f32 ? left : TOGETHER_f32;
    const size_t offset = (size_t)c * sizeof(float);
    vf64 s[vf32_width / vf64_width][LSE_LANES];
    float copy[PANEL_f32], line[vf32_width];
    log_level own = *level;
    memcpy(s, sums, sizeof s);
    if (n == TOGETHER_f32 && count - c >= vf32_width && !row->where && layout->ndim == 1) {
        const char *x = row->x + start * layout->stride[0] + offset;
        for (ptrdiff_t i = 0; i < n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++, x += layout->stride[0])
                log_line(x, &own, s, j, 0);
    } else {
        for (ptrdiff_t i = 0; i < n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
                if (i + j >= n) break;
                const char *from = panel_line_f32(layout, row, start + i + j, count, copy) + offset;
                vf32_store(line, vf32_load_some(from, count - c, vf32_set(0)));
                log_line(line, &own, s, j, 0);
            }
    }
    memcpy(sums, s, sizeof s);
    *level = own;
}

static void log_columns_f32(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                            lse_states *states)
{
    enum { MOST = PANEL_f32 / vf32_width, HALVES = vf32_width / vf64_width };
    vf64 s[MOST][HALVES][LSE_LANES];
    log_level level[MOST];
    vf32 max[MOST];
    if (row->n > LSE_STORED) {
        columns_f32(layout, row, start, n, count, states);
        return;
    }
    columns_max_of_f32(layout, row, count, max);
    for (ptrdiff_t c = 0, v = 0; c < count; c += vf32_width, v++) {
        level[v] = log_level_for(max[v]);
        for (int h = 0; h < HALVES; h++)
            for (int j = 0; j < LSE_LANES; j++) s[v][h][j] = vf64_set(0.0);
    }
    for (ptrdiff_t i = 0; i < row->n; i += TOGETHER_f32)
        for (ptrdiff_t c = 0, v = 0; c < count; c += vf32_width, v++)
            log_column(layout, row, i, c, count, &level[v], s[v]);
    for (ptrdiff_t c = 0, v = 0; c < count; c += vf32_width, v++)
        log_states(s[v], LSE_LANES, row->n, &level[v], states, c);
}
#endif
