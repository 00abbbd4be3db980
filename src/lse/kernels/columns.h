/* Neighbouring columns of more than LSE_SHORT elements, included once for each F: the algorithm of long.h for a vector
 * of columns, with the same bits. */

#if F_IS_DOUBLE
enum { FN(HALVES) = 1 };
#else
enum { FN(HALVES) = vf32_width > 1 ? 2 : 1 }; /* even and odd columns */
#endif

/* A vector of columns. */
typedef struct {
    V max, count, limit, bias, floor;
    vf64 anchor[FN(HALVES)];
#if F_IS_DOUBLE
    vf64 hi[LSE_LANES], lo[LSE_LANES], old, old_lo;
    vf64 offset, block[LSE_LANES], block_lo[LSE_LANES]; /* offset of a block, and the sums of its lanes */
#else
    vf64 s[LSE_LANES][FN(HALVES)], rest[FN(HALVES)];
#endif
} FN(column_sums);

static void FN(columns_start)(FN(column_sums) *c)
{
    c->max = c->limit = VF(set)(-(REAL)INFINITY);
    c->count = c->bias = c->floor = VF(set)(0);
    for (int h = 0; h < FN(HALVES); h++) c->anchor[h] = vf64_set(exponent_of(-FN(LSE_FAR)) - 500.0);
#if F_IS_DOUBLE
    for (int l = 0; l < LSE_LANES; l++) c->hi[l] = c->lo[l] = vf64_set(0.0);
    c->old = c->old_lo = vf64_set(0.0);
    c->offset = vf64_set(LSE_OFFSET);
#else
    for (int h = 0; h < FN(HALVES); h++) {
        c->rest[h] = vf64_set(0.0);
        for (int l = 0; l < LSE_LANES; l++) c->s[l][h] = vf64_set(0.0);
    }
#endif
}

/* The anchors for these maxima, clamped to the range of the kernels. */
LSE_INLINE vf64 FN(anchor_of)(vf64 max)
{
    const vf64 high = vf64_set(FN(LSE_FAR)), low = vf64_set(-FN(LSE_FAR));
    return vf64_sub(vf64_exponent_of(vf64_min(vf64_max(max, low), high)), vf64_set(500.0));
}

#if F_IS_DOUBLE
static void columns_raise_f64(column_sums_f64 *c, vf64 block)
{
    const vf64 max = vf64_max(block, c->max), zero = vf64_set(0.0);
    const vf64 lost = vf64_select(c->max, max, zero, c->count);
    const vf64 anchor = vf64_select(c->limit, max, c->anchor[0], anchor_of_f64(max));
    const vf64 up = vf64_sub(c->anchor[0], anchor);
    for (int l = 0; l < LSE_LANES; l++) {
        c->hi[l] = vf64_down(c->hi[l], up);
        c->lo[l] = vf64_down(c->lo[l], up);
    }
    c->old = vf64_down(c->old, up);
    c->old_lo = vf64_down(c->old_lo, up);
    c->bias = vf64_sub(vf64_set(0x1.8p52 + 1023.0), anchor);
    c->floor = vf64_mul(vf64_sub(anchor, vf64_set(1023.0)), vf64_set(LN2_HI_f64));
    c->offset = vf64_mul(vf64_set(LSE_OFFSET * 0x1p-500), vf64_ldexp1(vf64_sub(vf64_exponent_of(max), anchor)));
    add_term_f64(c->max, lost, c->bias, c->floor, &c->old, &c->old_lo);
    c->count = vf64_select(c->max, max, c->count, zero);
    c->limit = vf64_select(c->limit, max, c->limit, vf64_add(max, vf64_set(LONG_SLACK)));
    c->anchor[0] = anchor;
    c->max = max;
}

/* `turns` turns of the lanes, an even number; x: the first row; rows are `pitch` bytes apart. */
LSE_INLINE void columns_sweep_f64(column_sums_f64 *c, const char *x, ptrdiff_t pitch, ptrdiff_t turns, const int masked,
                                  ptrdiff_t ahead)
{
    const wide_level level = {c->max, c->bias, c->floor, c->offset};
    vf64 others = vf64_set(0.0);
    for (int l = 0; l < LSE_LANES; l++) {
        vf64 hi = c->block[l], lo = c->block_lo[l];
        const char *from = x + l * pitch;
        ptrdiff_t t = 0;
        for (; t + 4 <= turns; t += 4, from += 4 * LSE_LANES * pitch) {
            vf64 v[4];
            LSE_UNROLL for (int j = 0; j < 4; j++) {
                LSE_PREFETCH(from + j * LSE_LANES * pitch + ahead);
                v[j] = vf64_load(from + j * LSE_LANES * pitch);
            }
            fold_f64(&hi, &lo, v, 4, &level, masked, &others);
        }
        for (; t < turns; t += 2, from += 2 * LSE_LANES * pitch) {
            vf64 v[2];
            LSE_UNROLL for (int j = 0; j < 2; j++) v[j] = vf64_load(from + j * LSE_LANES * pitch);
            fold_f64(&hi, &lo, v, 2, &level, masked, &others);
        }
        c->block[l] = hi;
        c->block_lo[l] = lo;
    }
    if (masked) c->count = vf64_sub(c->count, others);
}

LSE_INLINE void columns_block_start_f64(column_sums_f64 *c)
{
    for (int l = 0; l < LSE_LANES; l++) {
        c->block[l] = c->offset;
        c->block_lo[l] = vf64_set(0.0);
    }
}

LSE_INLINE void columns_block_end_f64(column_sums_f64 *c)
{
    for (int l = 0; l < LSE_LANES; l++) {
        vf64 lost;
        c->hi[l] = two_sum_f64(c->hi[l], vf64_sub(c->block[l], c->offset), &lost);
        c->lo[l] = vf64_add(c->lo[l], vf64_add(lost, c->block_lo[l]));
    }
}

static void columns_end_f64(column_sums_f64 *c, ptrdiff_t at, lse_states *states)
{
    vf64 lost;
    LSE_UNROLL for (int half = LSE_LANES / 2; half > 0; half /= 2)
        LSE_UNROLL for (int j = 0; j < half; j++) {
            c->hi[j] = two_sum_f64(c->hi[j], c->hi[j + half], &lost);
            c->lo[j] = vf64_add(vf64_add(c->lo[j], c->lo[j + half]), lost);
        }
    const vf64 sum = two_sum_f64(c->hi[0], c->old, &lost);
    const vf64 rest = vf64_add(vf64_add(c->lo[0], c->old_lo), lost);
    const vf64 anchor = vf64_sub(vf64_exponent_of(c->max), vf64_set(500.0));
    const vf64 down = vf64_ldexp1(vf64_min(vf64_sub(c->anchor[0], anchor), vf64_set(1023.0)));
    vf64_store(states->max + at, c->max);
    vf64_store(states->count + at, vf64_select(c->max, vf64_set(LOWEST), c->count, vf64_set(0.0)));
    vf64_store(states->tail + at, vf64_mul(sum, down));
    vf64_store(states->tail_lo + at, vf64_mul(rest, down));
}
#else
#define columns_block_start_f32(c) ((void)0)
#define columns_block_end_f32(c) ((void)0)

/* Even and odd floats as doubles, and back. */
LSE_INLINE void columns_split(vf32 v, vf64 *half)
{
    float some[2 * vf32_width];
    vf32_store(some, vf32_evens(v, v));
    vf32_store(some + vf32_width, vf32_odds(v, v));
    for (int h = 0; h < HALVES_f32; h++) half[h] = vf64_from_f32(some + h * vf32_width);
}

LSE_INLINE vf32 columns_joined(const vf64 *half)
{
    float each[HALVES_f32][vf64_width], all[vf32_width];
    for (int h = 0; h < HALVES_f32; h++) vf64_to_f32(each[h], half[h]);
    for (int i = 0; i < vf32_width; i++) all[i] = each[i % HALVES_f32][i / HALVES_f32];
    return vf32_load(all);
}

static void columns_raise_f32(column_sums_f32 *c, vf32 block)
{
    const vf32 max = vf32_max(block, c->max), zero = vf32_set(0);
    vf64 old[2], lost[2], top[2], moves[2], bias[2], floor[2];
    columns_split(c->max, old);
    columns_split(vf32_select(c->max, max, zero, c->count), lost);
    columns_split(max, top);
    columns_split(vf32_select(c->limit, max, zero, vf32_set(1)), moves);
    for (int h = 0; h < HALVES_f32; h++) {
        const vf64 anchor = vf64_select(moves[h], vf64_set(0.5), anchor_of_f32(top[h]), c->anchor[h]);
        const vf64 up = vf64_sub(c->anchor[h], anchor);
        for (int l = 0; l < LSE_LANES; l++) c->s[l][h] = vf64_down(c->s[l][h], up);
        c->rest[h] = vf64_add(vf64_down(c->rest[h], up), eighths_term(old[h], lost[h], anchor));
        bias[h] = vf64_sub(vf64_set(0x1.8p23 + 8.0 * (127.0 + EIGHTHS_HEADROOM - 500.0)),
                           vf64_mul(anchor, vf64_set(8.0)));
        floor[h] = vf64_mul(vf64_add(anchor, vf64_set(500.0 - EIGHTHS_FLOOR)), vf64_set(LN2_HI_f64));
        c->anchor[h] = anchor;
    }
    c->bias = columns_joined(bias);
    c->floor = columns_joined(floor);
    c->count = vf32_select(c->max, max, c->count, zero);
    c->limit = vf32_select(c->limit, max, c->limit, vf32_add(max, vf32_set(LONG_SLACK)));
    c->max = max;
}

/* `turns` turns of sixteen rows, at most FLUSH elements; x: the first row; rows are `pitch` bytes apart. */
LSE_INLINE void columns_sweep_f32(column_sums_f32 *c, const char *x, ptrdiff_t pitch, ptrdiff_t turns, const int masked,
                                  ptrdiff_t ahead)
{
    vf32 lo[16], others = vf32_set(0);
    const vf32 max = c->max, bias = c->bias, floor = c->floor;
    vf64 half[2];
    for (int l = 0; l < LSE_LANES; l++) {
        const char *from = x + 2 * l * pitch;
        vf32 first = vf32_set(0), second = vf32_set(0);
        vf64 s[2] = {c->s[l][0], c->s[l][HALVES_f32 - 1]};
        for (ptrdiff_t t = 0; t < turns; t++, from += 16 * pitch) {
            vf32 v[2], a[2], p[2];
            LSE_UNROLL for (int j = 0; j < 2; j++) {
                LSE_PREFETCH(from + j * pitch + ahead);
                v[j] = vf32_load(from + j * pitch);
                a[j] = eighths_exp(v[j], bias, floor, &p[j]);
                if (masked) {
                    const mf32 differs = vf32_differs(v[j], max);
                    a[j] = vf32_keep(differs, a[j]);
                    others = vf32_tally(differs, others);
                }
            }
            first = vf32_fma(a[0], p[0], first);
            second = vf32_fma(a[1], p[1], second);
            s[0] = vf64_add(s[0], vf64_add(vf64_of_evens(a[0]), vf64_of_evens(a[1])));
            if (HALVES_f32 > 1) s[1] = vf64_add(s[1], vf64_add(vf64_of_odds(a[0]), vf64_of_odds(a[1])));
        }
        lo[2 * l] = first;
        lo[2 * l + 1] = second;
        for (int h = 0; h < HALVES_f32; h++) c->s[l][h] = s[h];
    }
    LSE_UNROLL for (int by = 8; by > 0; by /= 2)
        LSE_UNROLL for (int j = 0; j < by; j++) lo[j] = vf32_add(lo[j], lo[j + by]);
    columns_split(lo[0], half);
    for (int h = 0; h < HALVES_f32; h++) c->rest[h] = vf64_add(c->rest[h], half[h]);
    if (masked) c->count = vf32_sub(c->count, others);
}

static void columns_end_f32(column_sums_f32 *c, ptrdiff_t at, lse_states *states)
{
    double sum[vf64_width], rest[vf64_width], anchor[vf64_width];
    float max[vf32_width], count[vf32_width];
    vf32_store(max, c->max);
    vf32_store(count, c->count);
    for (int h = 0; h < HALVES_f32; h++) {
        const vf64 *s = &c->s[0][h];
        enum { NEXT = HALVES_f32 };
        const vf64 all = vf64_add(vf64_add(vf64_add(s[0], s[4 * NEXT]), vf64_add(s[2 * NEXT], s[6 * NEXT])),
                                  vf64_add(vf64_add(s[NEXT], s[5 * NEXT]), vf64_add(s[3 * NEXT], s[7 * NEXT])));
        vf64_store(sum, all);
        vf64_store(rest, c->rest[h]);
        vf64_store(anchor, c->anchor[h]);
        for (int i = 0; i < vf64_width; i++) {
            const int column = i * HALVES_f32 + h;
            const double m = (double)max[column];
            const double down = m > -(double)INFINITY ? pow2(anchor[i] - (exponent_of(m) - 500.0)) : 1.0;
            states->max[at + column] = m;
            states->count[at + column] = m > -(double)INFINITY ? (double)count[column] : 0;
            states->tail[at + column] = eighths_total(sum[i], rest[i]) * down;
            states->tail_lo[at + column] = 0;
        }
    }
}
#endif

/* Not inlined: two copies of a sweep are enough. */
static void FN(sweep_masked)(FN(column_sums) *c, const char *x, ptrdiff_t pitch, ptrdiff_t turns, ptrdiff_t ahead)
{
    FN(columns_sweep)(c, x, pitch, turns, 1, ahead);
}

static void FN(sweep_plain)(FN(column_sums) *c, const char *x, ptrdiff_t pitch, ptrdiff_t turns, ptrdiff_t ahead)
{
    FN(columns_sweep)(c, x, pitch, turns, 0, ahead);
}

/* Adds n rows of one vector of columns, no more than a block; masked: without those that are the maximum. */
static void FN(columns_add)(FN(column_sums) *c, const char *x, ptrdiff_t pitch, ptrdiff_t n, int masked,
                            ptrdiff_t ahead)
{
    enum { ROWS = F_IS_DOUBLE ? 2 * LSE_LANES : 16, TURNS = F_IS_DOUBLE ? 2 : 1 };
    if (masked) c->count = VF(add)(c->count, VF(set)((REAL)((n + ROWS - 1) / ROWS * ROWS)));
    const ptrdiff_t whole = n / ROWS * ROWS, step = F_IS_DOUBLE ? LSE_SHORT : 128;
    FN(columns_block_start)(c);
    for (ptrdiff_t i = 0; i < whole; i += step) {
        const ptrdiff_t some = whole - i < step ? whole - i : step;
        (masked ? FN(sweep_masked) : FN(sweep_plain))(c, x + i * pitch, pitch, some / ROWS * TURNS, ahead);
    }
    if (whole < n) {
        REAL last[ROWS * VF(width)]; /* padded with copies of the maximum, which are subtracted from the count */
        for (ptrdiff_t r = 0; r < ROWS; r++)
            VF(store)(last + r * VF(width), whole + r < n ? VF(load)(x + (whole + r) * pitch) : c->max);
        FN(sweep_masked)(c, (const char *)last, sizeof(V), TURNS, 0);
        c->count = VF(sub)(c->count, VF(set)((REAL)(whole + ROWS - n)));
    }
    FN(columns_block_end)(c);
}

/* Adds a block of n rows of one vector of columns, whose maxima are known. */
static void FN(columns_block)(FN(column_sums) *c, const char *x, ptrdiff_t pitch, ptrdiff_t n, V block, ptrdiff_t ahead)
{
    const int reached = VF(any_at_least)(block, c->max);
    if (reached) FN(columns_raise)(c, block);
    FN(columns_add)(c, x, pitch, n, reached || n % 16 != 0, ahead);
}

/* Rows start .. start + n of a panel, in place, or copied where they would evict each other from the cache. */
typedef struct {
    const char *x;
    ptrdiff_t pitch, ahead;
    REAL copy[LSE_SHORT * FN(PANEL)];
} FN(column_block);

/* Rows at distances that are multiples of this share few sets of a cache and evict each other. */
enum { FN(CROWDED) = 4096 };

/* less: NULL, or how each vector of columns is brought near, always in a copy. */
static void FN(columns_fetch)(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                              ptrdiff_t count, ptrdiff_t width, const FN(approach) *less, FN(column_block) *block)
{
    const int line = layout->ndim == 1;
    const ptrdiff_t pitch = line ? layout->stride[0] : 0;
    const V none = VF(set)(-(REAL)INFINITY);
    if (!less && count == width && !first->where && line && pitch % FN(CROWDED) != 0) {
        block->x = first->x + start * pitch;
        block->pitch = pitch;
        block->ahead = LSE_SHORT * pitch;
        return;
    }
    block->x = (const char *)block->copy;
    block->pitch = width * (ptrdiff_t)sizeof(REAL);
    block->ahead = 0;
    if (first->where) FN(masked_lines)(layout, first, start, n, count, block->copy, block->pitch);
    for (ptrdiff_t r = 0; r < n; r++) {
        REAL *copy = block->copy + r * width;
        const char *from = element(layout, layout->stride, first->x, start + r);
        if (line) LSE_PREFETCH(from + LSE_SHORT * pitch);
        if (first->where) from = (const char *)copy;
        for (ptrdiff_t c = 0; c < width && (less || !first->where); c += VF(width)) {
            const V own = VF(load_some)(from + c * (ptrdiff_t)sizeof(REAL), count - c, none);
            VF(store)(copy + c, less ? FN(brought_near)(own, &less[c / VF(width)]) : own);
        }
        for (ptrdiff_t c = count; c < width && first->where; c++) copy[c] = -(REAL)INFINITY;
    }
}

/* The maxima of each vector of columns of a panel. */
static void FN(columns_max)(const FN(column_block) *block, ptrdiff_t n, ptrdiff_t vectors, V *max)
{
    enum { MOST = FN(PANEL) / VF(width) };
    for (ptrdiff_t v = 0; v < vectors; v++) max[v] = VF(set)(-(REAL)INFINITY);
    const char *x = block->x;
    if (vectors == MOST && MOST <= 8) {
        V m[MOST];
        LSE_UNROLL for (int v = 0; v < MOST; v++) m[v] = max[v];
        for (ptrdiff_t r = 0; r < n; r++, x += block->pitch)
            LSE_UNROLL for (int v = 0; v < MOST; v++) m[v] = VF(max)(VF(load)(x + (size_t)v * sizeof(V)), m[v]);
        LSE_UNROLL for (int v = 0; v < MOST; v++) max[v] = m[v];
        return;
    }
    for (ptrdiff_t r = 0; r < n; r++, x += block->pitch)
        for (ptrdiff_t v = 0; v < vectors; v++) max[v] = VF(max)(VF(load)(x + (size_t)v * sizeof(V)), max[v]);
}

/* Columns of at most LSE_SHORT elements, one tile for each vector of columns. */
static void FN(short_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t count, lse_states *states)
{
    FN(column_block) block;
    REAL tile[LSE_SHORT * VF(width)];
    ask_ahead none = {.lines = 0};
    const ptrdiff_t n = row->n, width = FN(whole_vectors)(count);
    FN(columns_fetch)(layout, row, 0, n, count, width, NULL, &block);
    for (ptrdiff_t c = 0; c < width; c += VF(width)) {
        const char *x = block.x + c * (ptrdiff_t)sizeof(REAL);
        V max = VF(set)(-(REAL)INFINITY);
        for (ptrdiff_t r = 0; r < n; r++, x += block.pitch) {
            const V v = VF(load)(x);
            max = VF(max)(v, max);
            VF(store)(tile + r * VF(width), v);
        }
        FN(sum_tile)(tile, n, max, &none, states, c);
    }
}

/* Whether the maximum of a column rises from far below to 0 with this block: its sum may be faint. */
LSE_INLINE int FN(may_fade)(const FN(column_sums) *c, V block)
{
    const V none = VF(set)(0), one = VF(set)(1);
    const V at_zero = VF(select)(VF(set)((REAL)0x1p-20), VF(abs)(block), one, none);
    return F_IS_DOUBLE && VF(any_at_least)(VF(select)(VF(set)((REAL)FAR_BELOW), c->max, at_zero, none), one);
}

/* The sums of whole vectors of columns, brought near to their maxima if these are known; BEYOND where they are not, and
 * one may be beyond the kernels; RISES, if that is asked, where one may be faint. */
static int FN(sum_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                           const V *known, int asks, FN(column_sums) *c)
{
    const ptrdiff_t width = FN(whole_vectors)(count), vectors = width / VF(width);
    FN(column_block) block;
    FN(approach) less[FN(PANEL) / VF(width)];
    V max[FN(PANEL) / VF(width)];
    const int distant = known && !FN(are_near)(known, vectors);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        FN(columns_start)(&c[v]);
        if (distant) less[v] = FN(approach_to)(known[v], 0.0);
    }
    for (ptrdiff_t done = 0; done < n; done += LSE_SHORT) {
        const ptrdiff_t some = n - done < LSE_SHORT ? n - done : LSE_SHORT;
        FN(columns_fetch)(layout, row, start + done, some, count, width, distant ? less : NULL, &block);
        FN(columns_max)(&block, some, vectors, max);
        for (ptrdiff_t v = 0; v < vectors; v++) {
            const V none = VF(set)(0), raised = VF(select)(c[v].max, max[v], none, max[v]);
            if (!known && !FN(are_near)(&raised, 1)) return BEYOND;
            if (asks && FN(may_fade)(&c[v], max[v])) return RISES;
        }
        for (ptrdiff_t v = 0; v < vectors; v++)
            FN(columns_block)(&c[v], block.x + (size_t)v * sizeof(V), block.pitch, some, max[v], block.ahead);
    }
    return ADDED;
}

/* The maxima of whole vectors of columns. */
static void FN(find_maxima)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                            ptrdiff_t count, V *greatest)
{
    const ptrdiff_t width = FN(whole_vectors)(count), vectors = width / VF(width);
    FN(column_block) block;
    V max[FN(PANEL) / VF(width)];
    for (ptrdiff_t v = 0; v < vectors; v++) greatest[v] = VF(set)(-(REAL)INFINITY);
    for (ptrdiff_t done = 0; done < n; done += LSE_SHORT) {
        const ptrdiff_t some = n - done < LSE_SHORT ? n - done : LSE_SHORT;
        FN(columns_fetch)(layout, row, start + done, some, count, width, NULL, &block);
        FN(columns_max)(&block, some, vectors, max);
        for (ptrdiff_t v = 0; v < vectors; v++) greatest[v] = VF(max)(max[v], greatest[v]);
    }
}

static void FN(columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                        lse_states *states)
{
    enum { MOST = FN(PANEL) / VF(width) };
    const ptrdiff_t vectors = FN(whole_vectors)(count) / VF(width);
    FN(column_sums) c[MOST];
    V max[MOST];
    if (row->n <= LSE_SHORT) {
        FN(short_columns)(layout, row, count, states);
        return;
    }
    int result = FN(sum_columns)(layout, row, start, n, count, NULL, F_IS_DOUBLE, c);
    if (result == RISES) {
        if (FN(sum_surely_faint_columns)(layout, row, start, n, count, states)) return;
        result = FN(sum_columns)(layout, row, start, n, count, NULL, 0, c);
    }
    const int plain = result != BEYOND;
    if (!plain) {
        FN(find_maxima)(layout, row, start, n, count, max);
        FN(sum_columns)(layout, row, start, n, count, max, 0, c);
    }
    for (ptrdiff_t v = 0; v < vectors; v++) {
        FN(columns_end)(&c[v], v * VF(width), states);
        if (!plain) FN(put_distant)(max[v], states, v * VF(width));
    }
    FN(sum_faint_columns)(layout, row, start, n, count, states);
}
