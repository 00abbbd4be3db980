/* From elements to states, included once for each F.
 *
 * Element i of a row belongs to lane i mod LANES. A lane keeps the greatest element it has seen and adds the
 * exponential of each loser of that comparison to a compensated sum, in index order. Nothing else decides the
 * bits: not the width of the registers, nor how the loops below are cut, nor the anchor. */

typedef struct {
    V max[LANES / VF(width)], hi[LANES / VF(width)], lo[LANES / VF(width)];
} FN(row_lanes);

/* Terms of elements up to limit can be summed at this anchor. */
typedef struct {
    double anchor;
    REAL limit;
    int ascending; /* the last block exceeded its limit */
} FN(level);

LSE_INLINE FN(level) FN(level_for)(REAL max)
{
    FN(level) level;
    level.anchor = FN(anchor)((double)max);
    level.limit = max < FN(LSE_FAR) ? max + SLACK : (REAL)INFINITY;
    level.ascending = 0;
    return level;
}

/* Element j of four consecutive turns of one group of lanes is x[j]. */
LSE_INLINE void FN(fold4)(V *max, V *hi, V *lo, V x[4], V bias, V floor)
{
    LSE_UNROLL for (int j = 0; j < 4; j++) {
        const V loser = VF(min)(*max, x[j]); /* x[j] if unordered: NaN goes to the sum */
        *max = VF(max)(x[j], *max);
        x[j] = loser;
    }
    V scale[4];
    FN(exp_parts)(x, scale, 4, bias, floor);
    LSE_UNROLL for (int j = 0; j < 4; j += 2) {
        const V large = VF(max)(scale[j], scale[j + 1]), small = VF(min)(scale[j], scale[j + 1]);
        const V sum = VF(add)(large, small), lost = VF(sub)(small, VF(sub)(sum, large));
        FN(add_parts)(hi, lo, sum, VF(fma)(scale[j + 1], x[j + 1], VF(fma)(scale[j], x[j], lost)));
    }
}

LSE_INLINE void FN(fold_quad)(const char *x, FN(row_lanes) *s, V bias, V floor)
{
    LSE_UNROLL for (int g = 0; g < FN(groups); g++) {
        V v[4];
        LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = VF(load)(x + 64 * j + (size_t)g * sizeof(V));
        FN(fold4)(&s->max[g], &s->hi[g], &s->lo[g], v, bias, floor);
    }
}

/* The last, incomplete quad of a row, filled up with elements that add nothing. */
LSE_INLINE void FN(pad)(const char *x, ptrdiff_t n, REAL quad[FN(QUAD)])
{
    for (int i = 0; i < FN(QUAD); i++) quad[i] = -(REAL)INFINITY;
    memcpy(quad, x, (size_t)n * sizeof(REAL));
}

static void FN(sweep)(const char *x, ptrdiff_t n, FN(row_lanes) *state, double anchor)
{
    const V bias = VF(set)(FN(bias)(anchor)), floor = VF(set)(FN(floor)(anchor));
    FN(row_lanes) s = *state;
    for (; n >= FN(QUAD); n -= FN(QUAD), x += 256) {
        for (int line = 0; line < 256; line += 64) LSE_PREFETCH(x + LSE_AHEAD + line);
        FN(fold_quad)(x, &s, bias, floor);
    }
    if (n > 0) {
        REAL quad[FN(QUAD)];
        FN(pad)(x, n, quad);
        FN(fold_quad)((const char *)quad, &s, bias, floor);
    }
    *state = s;
}

LSE_INLINE REAL FN(lanes_max)(const FN(row_lanes) *s)
{
    V max = s->max[0];
    for (int g = 1; g < FN(groups); g++) max = VF(max)(s->max[g], max);
    return VF(greatest)(max);
}

/* The maximum of n elements, a multiple of QUAD; NaN is passed over. */
static REAL FN(block_max)(const char *x, ptrdiff_t n)
{
    V max[4];
    for (int j = 0; j < 4; j++) max[j] = VF(set)(-(REAL)INFINITY);
    for (const char *end = x + (size_t)n * sizeof(REAL); x < end; x += 4 * sizeof(V))
        LSE_UNROLL for (int j = 0; j < 4; j++) max[j] = VF(max)(VF(load)(x + (size_t)j * sizeof(V)), max[j]);
    return VF(greatest)(VF(max)(VF(max)(max[0], max[1]), VF(max)(max[2], max[3])));
}

LSE_INLINE void FN(raise)(FN(level) *level, FN(row_lanes) *s, REAL max)
{
    const FN(level) old = *level;
    *level = FN(level_for)(max);
    const FN(factors) f = FN(factors_for)(old.anchor, level->anchor);
    const V first = VF(set)(f.first), second = VF(set)(f.second);
    for (int g = 0; g < FN(groups); g++) {
        s->hi[g] = VF(mul)(VF(mul)(s->hi[g], first), second);
        s->lo[g] = VF(mul)(VF(mul)(s->lo[g], first), second);
    }
}

/* One block of a row. The anchor of what came before mostly serves; where it does not, the block is folded
 * again from where it started, and the next one looks for its maximum first. */
LSE_INLINE void FN(fold_block)(const char *x, ptrdiff_t n, FN(row_lanes) *s, FN(level) *level)
{
    if (level->ascending) {
        const REAL max = FN(block_max)(x, n - n % FN(QUAD));
        if (max > level->limit) {
            FN(raise)(level, s, max);
            level->ascending = 1;
        } else {
            level->ascending = 0;
        }
    }
    const FN(row_lanes) before = *s;
    FN(sweep)(x, n, s, level->anchor);
    const REAL max = FN(lanes_max)(s);
    if (max > level->limit) {
        *s = before;
        FN(raise)(level, s, max);
        level->ascending = 1;
        FN(sweep)(x, n, s, level->anchor);
    }
}

/* The lanes of up to PANEL rows, before they are joined. */
typedef struct {
    REAL max[LANES * FN(PANEL)], hi[LANES * FN(PANEL)], lo[LANES * FN(PANEL)];
    double anchor[FN(PANEL)];
} FN(many_lanes);

LSE_INLINE ptrdiff_t FN(whole_vectors)(ptrdiff_t count)
{
    return (count + VF(width) - 1) / VF(width) * VF(width);
}

static void FN(join_rows)(FN(many_lanes) *rows, ptrdiff_t count, ptrdiff_t at, lse_states *states)
{
    FN(many_lanes) turned;
    const ptrdiff_t columns = FN(whole_vectors)(count);
    if (count == 1) {
        FN(join)(rows->max, rows->hi, rows->lo, rows->anchor, LANES, 1, 1, at, states);
        return;
    }
    for (ptrdiff_t c = count; c < columns; c++) { /* fill the vectors with copies of the first row */
        rows->anchor[c] = rows->anchor[0];
        memcpy(rows->max + c * LANES, rows->max, sizeof(REAL) * LANES);
        memcpy(rows->hi + c * LANES, rows->hi, sizeof(REAL) * LANES);
        memcpy(rows->lo + c * LANES, rows->lo, sizeof(REAL) * LANES);
    }
    FN(transpose)(rows->max, turned.max, LANES, columns);
    FN(transpose)(rows->hi, turned.hi, LANES, columns);
    FN(transpose)(rows->lo, turned.lo, LANES, columns);
    FN(join)(turned.max, turned.hi, turned.lo, rows->anchor, LANES, columns, count, at, states);
}

/* One row of no more than LANES elements. */
static void FN(short_row)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, double shift,
                          lse_states *states)
{
    REAL lanes[LANES], buffer[LANES];
    const char *x = FN(fetch)(layout, row, start, n, shift, buffer);
    for (int i = 0; i < LANES; i++) lanes[i] = -(REAL)INFINITY;
    memcpy(lanes, x, (size_t)n * sizeof(REAL));
    /* whole vectors: what stands beside fewer lanes may be subnormal, and cost hundreds of cycles */
    if (n <= 4 && VF(width) <= 4) FN(join)(lanes, NULL, NULL, NULL, 4, 1, 1, 0, states);
    else if (n <= 8 && VF(width) <= 8) FN(join)(lanes, NULL, NULL, NULL, 8, 1, 1, 0, states);
    else FN(join)(lanes, NULL, NULL, NULL, LANES, 1, 1, 0, states);
}

/* Several rows of no more than LANES elements as the columns of a tile, filled up with elements that add
 * nothing; returns how many lanes it has. */
LSE_INLINE int FN(tile_of_rows)(const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n,
                                ptrdiff_t count, const double *shift, REAL *tile)
{
    REAL copy[LANES * FN(PANEL)], buffer[LANES];
    const ptrdiff_t columns = FN(whole_vectors)(count), pitch = n * (ptrdiff_t)sizeof(REAL);
    int lanes = 2, dense = layout->direct && !rows[0].where && !shift && count == columns;
    while (lanes < n) lanes *= 2;
    dense &= n == lanes && rows[0].n - start >= n;
    for (ptrdiff_t c = 1; c < count; c++)
        dense &= rows[c].x - rows[c - 1].x == pitch && rows[c].n == rows[0].n;
    if (dense) {
        const char *x = rows[0].x + start * (ptrdiff_t)sizeof(REAL);
        for (ptrdiff_t i = 0; i < pitch * count; i += 64) LSE_PREFETCH(x + LSE_AHEAD + i);
        FN(transpose)(x, tile, lanes, columns);
        return lanes;
    }
    for (ptrdiff_t i = 0; i < columns * lanes; i++) copy[i] = -(REAL)INFINITY;
    for (ptrdiff_t c = 0; c < count; c++) {
        const ptrdiff_t reach = reach_of(&rows[c], start, n);
        if (reach <= 0) continue;
        const char *x = FN(fetch)(layout, &rows[c], start, reach, shift ? shift[c] : 0, buffer);
        LSE_PREFETCH(x + LSE_AHEAD);
        memcpy(copy + c * lanes, x, (size_t)reach * sizeof(REAL));
    }
    FN(transpose)(copy, tile, lanes, columns);
    return lanes;
}

static void FN(long_row)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, double shift,
                         FN(many_lanes) *rows, ptrdiff_t index)
{
    REAL buffer[FN(BLOCK)];
    FN(row_lanes) s;
    FN(level) level = FN(level_for)(-(REAL)INFINITY);
    for (int g = 0; g < FN(groups); g++) {
        s.max[g] = VF(set)(-(REAL)INFINITY);
        s.hi[g] = s.lo[g] = VF(set)(0);
    }
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *x = FN(fetch)(layout, row, start + done, some, shift, buffer);
        if (some < FN(QUAD)) {
            REAL quad[FN(QUAD)];
            FN(pad)(x, some, quad);
            if (done == 0) level = FN(level_for)(FN(block_max)((const char *)quad, FN(QUAD)));
            FN(fold_block)((const char *)quad, FN(QUAD), &s, &level);
        } else {
            if (done == 0) level = FN(level_for)(FN(block_max)(x, FN(QUAD)));
            FN(fold_block)(x, some, &s, &level);
        }
    }
    for (int g = 0; g < FN(groups); g++) {
        const ptrdiff_t at = index * LANES + g * VF(width);
        VF(store)(rows->max + at, s.max[g]);
        VF(store)(rows->hi + at, s.hi[g]);
        VF(store)(rows->lo + at, s.lo[g]);
    }
    rows->anchor[index] = level.anchor;
}

static void FN(rows)(const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                     const double *shift, lse_states *states)
{
    if (n <= LANES && count == 1) {
        FN(short_row)(layout, rows, start, reach_of(rows, start, n), shift ? shift[0] : 0, states);
        return;
    }
    for (ptrdiff_t at = 0; at < count; at += FN(PANEL)) {
        const ptrdiff_t some = count - at < FN(PANEL) ? count - at : FN(PANEL);
        FN(many_lanes) lanes;
        if (n <= LANES) {
            const int used = FN(tile_of_rows)(layout, rows + at, start, n, some, shift ? shift + at : NULL, lanes.max);
            FN(join)(lanes.max, NULL, NULL, NULL, used, FN(whole_vectors)(some), some, at, states);
            continue;
        }
        for (ptrdiff_t i = 0; i < some; i++)
            FN(long_row)(layout, &rows[at + i], start, reach_of(&rows[at + i], start, n), shift ? shift[at + i] : 0,
                         &lanes, i);
        FN(join_rows)(&lanes, some, at, states);
    }
}
