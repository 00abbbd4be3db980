/* Many short sums at once, included once for each F: reading tiles, one vertical kernel for each operation, writing
 * tiles.
 *
 * A tile holds a vector of sums, one per column: line i holds element i of each. Rows are transposed in registers,
 * columns copied, everything else gathered; results are written likewise. A panel has four tiles. */

enum {
    FN(WIDTH) = VF(width),
    FN(PER_GROUP) = FN(WIDTH) * 4 > LSE_BATCH ? LSE_BATCH / FN(WIDTH) : 4, /* tiles that are filled together */
    FN(STAGE) = LSE_SHORT * FN(WIDTH)
};

/* Transposing -------------------------------------------------------------------------------------------------- */

/* The rows of a tile: separate, or one dense run. */
typedef struct {
    char *x;
    const ptrdiff_t *at;
    int dense;
} FN(rows_at);

/* Adjacent rows are one run of whole vectors, for these lengths. */
#ifdef LSE_HAS_DEAL
#define IS_DEALT(n) ((n) == 3 || (n) == 5)
#else
#define IS_DEALT(n) 0
#endif
LSE_INLINE int FN(is_dense)(ptrdiff_t n, ptrdiff_t pitch)
{
    return ((n & (n - 1)) == 0 || IS_DEALT(n)) && pitch == n * (ptrdiff_t)sizeof(REAL);
}
#undef IS_DEALT

#ifdef LSE_HAS_DEAL
/* A dense run to its tile and back; n is a compile-time constant. */
LSE_INLINE void FN(run_in)(const FN(rows_at) *rows, const int n, REAL *tile)
{
    V v[5];
    LSE_UNROLL for (int i = 0; i < n; i++) v[i] = VF(load)(rows->x + rows->at[0] + (size_t)i * sizeof(V));
    VF(deal)(v, n);
    LSE_UNROLL for (int i = 0; i < n; i++) VF(store)(tile + i * FN(WIDTH), v[i]);
}

LSE_INLINE void FN(run_out)(const FN(rows_at) *rows, const int n, const REAL *tile)
{
    V v[5];
    LSE_UNROLL for (int i = 0; i < n; i++) v[i] = VF(load)(tile + i * FN(WIDTH));
    VF(deal_back)(v, n);
    LSE_UNROLL for (int i = 0; i < n; i++) VF(store)(rows->x + rows->at[0] + (size_t)i * sizeof(V), v[i]);
}
#endif

/* `length` elements from element `start` of each row become lines of the tile; length is a power of two up to WIDTH. */
LSE_INLINE void FN(chunk_in)(const FN(rows_at) *rows, ptrdiff_t start, const int length, REAL *tile)
{
    V v[FN(WIDTH)];
    const char *x = rows->x + start * (ptrdiff_t)sizeof(REAL);
    if (length == FN(WIDTH)) {
        LSE_UNROLL for (int r = 0; r < FN(WIDTH); r++) v[r] = VF(load)(x + rows->at[r]);
    } else if (rows->dense) {
        LSE_UNROLL for (int r = 0; r < length; r++) v[r] = VF(load)(x + rows->at[0] + (size_t)r * sizeof(V));
    } else {
        LSE_UNROLL for (int r = 0; r < length; r++)
            v[r] = VF(load_pieces)(x, rows->at + r * (FN(WIDTH) / length), length);
    }
    FN(turn)(v, length);
    LSE_UNROLL for (int i = 0; i < length; i++) VF(store)(tile + (start + i) * FN(WIDTH), v[i]);
}

LSE_INLINE void FN(chunk_out)(const FN(rows_at) *rows, ptrdiff_t start, const int length, const REAL *tile)
{
    V v[FN(WIDTH)];
    char *x = rows->x + start * (ptrdiff_t)sizeof(REAL);
    LSE_UNROLL for (int i = 0; i < length; i++) v[i] = VF(load)(tile + (start + i) * FN(WIDTH));
    FN(turn_back)(v, length);
    if (length == FN(WIDTH)) {
        LSE_UNROLL for (int r = 0; r < FN(WIDTH); r++) VF(store)(x + rows->at[r], v[r]);
    } else if (rows->dense) {
        LSE_UNROLL for (int r = 0; r < length; r++) VF(store)(x + rows->at[0] + (size_t)r * sizeof(V), v[r]);
    } else {
        LSE_UNROLL for (int r = 0; r < length; r++)
            VF(store_pieces)(x, rows->at + r * (FN(WIDTH) / length), length, v[r]);
    }
}

/* n elements in chunks: as many of WIDTH as fit, then one that ends with the row and may overlap the previous one; for
 * rows shorter than WIDTH, two that overlap. Nothing outside a row is accessed. */
#define EACH_CHUNK(n, DO)                                                                    \
    do {                                                                                     \
        ptrdiff_t start_ = 0;                                                                \
        for (; start_ + FN(WIDTH) <= (n); start_ += FN(WIDTH)) DO(start_, FN(WIDTH));        \
        ptrdiff_t rest_ = (n) - start_;                                                      \
        if (start_ > 0 && rest_ > FN(WIDTH) / 2) DO((n) - FN(WIDTH), FN(WIDTH));             \
        else                                                                                 \
            while (rest_ > 0) {                                                              \
                const int whole_ = start_ == 0;                                              \
                const ptrdiff_t size_ = FN(chunk_size)(rest_, whole_), at_ = (n) - rest_;    \
                const ptrdiff_t from_ = whole_ || at_ + size_ <= (n) ? at_ : (n) - size_;    \
                switch (size_) {                                                             \
                case 1: DO(from_, 1); break;                                                 \
                case 2: DO(from_, FN(WIDTH) < 2 ? 1 : 2); break;                                                 \
                case 4: DO(from_, FN(WIDTH) < 4 ? 1 : 4); break;                             \
                default: DO(from_, FN(WIDTH) < 8 ? 1 : 8);                                   \
                }                                                                            \
                start_ = from_ + size_;                                                      \
                rest_ = (n) - start_;                                                        \
            }                                                                                \
    } while (0)

/* The largest power of two up to `rest`, or, where there is something to overlap, the smallest that is no less. */
LSE_INLINE ptrdiff_t FN(chunk_size)(ptrdiff_t rest, int down)
{
    ptrdiff_t size = 1;
    while (2 * size <= rest) size *= 2;
    return down || size == rest ? size : 2 * size;
}

static void FN(rows_in)(const FN(rows_at) *rows, ptrdiff_t n, REAL *tile)
{
#define CHUNK_IN(start, length) FN(chunk_in)(rows, start, length, tile)
#ifdef LSE_HAS_DEAL
    if (rows->dense && n == 3) {
        FN(run_in)(rows, 3, tile);
        return;
    }
    if (rows->dense && n == 5) {
        FN(run_in)(rows, 5, tile);
        return;
    }
#endif
    EACH_CHUNK(n, CHUNK_IN);
#undef CHUNK_IN
}

static void FN(rows_out)(const FN(rows_at) *rows, ptrdiff_t n, const REAL *tile)
{
#define CHUNK_OUT(start, length) FN(chunk_out)(rows, start, length, tile)
#ifdef LSE_HAS_DEAL
    if (rows->dense && n == 3) {
        FN(run_out)(rows, 3, tile);
        return;
    }
    if (rows->dense && n == 5) {
        FN(run_out)(rows, 5, tile);
        return;
    }
#endif
    EACH_CHUNK(n, CHUNK_OUT);
#undef CHUNK_OUT
}
#undef EACH_CHUNK

/* Reading ------------------------------------------------------------------------------------------------------ */

LSE_INLINE V FN(tile_max)(const REAL *tile, ptrdiff_t n)
{
    V max = VF(set)(-(REAL)INFINITY), other = max;
    ptrdiff_t i = 0;
    for (; i + 2 <= n; i += 2) {
        max = VF(max)(VF(load)(tile + i * FN(WIDTH)), max);
        other = VF(max)(VF(load)(tile + (i + 1) * FN(WIDTH)), other);
    }
    if (i < n) max = VF(max)(VF(load)(tile + i * FN(WIDTH)), max);
    return VF(max)(other, max);
}

/* The places of the sums of a tile, from number first; missing ones are padded with the first. */
LSE_INLINE const ptrdiff_t *FN(places)(const ptrdiff_t *at, ptrdiff_t first, ptrdiff_t some, ptrdiff_t *own)
{
    if (some == FN(WIDTH)) return at + first;
    for (ptrdiff_t k = 0; k < FN(WIDTH); k++) own[k] = at[first + (k < some ? k : 0)];
    return own;
}

/* Whether rows are at equal distances, as their elements are, so that all of them are one run. */
LSE_INLINE int FN(is_even)(const lse_layout *layout, const ptrdiff_t *stride, ptrdiff_t n, ptrdiff_t pitch)
{
    return layout->ndim == 1 && pitch != 0 && pitch == n * stride[0];
}

/* The masks of rows that are one run. */
static void FN(mask_stage)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *stage)
{
    char run[FN(STAGE)];
    const char *where = p->where;
    for (ptrdiff_t k = 0, at = 0; k < some; k++)
        for (ptrdiff_t i = 0; i < p->n; i++, at++) run[at] = where[p->where_at[first + k] + p->where_offset[i]];
    FN(mask_run)((const char *)stage, run, 1, some * p->n, p->are_weights ? 0 : -(REAL)INFINITY, stage);
}

/* Rows of any type, mask and layout, copied to runs first: one by one, or all at once. */
static void FN(staged_in)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tile)
{
    REAL stage[FN(STAGE)];
    ptrdiff_t at[FN(WIDTH)];
    const FN(rows_at) rows = {(char *)stage, at, 0};
    const ptrdiff_t *stride = p->are_weights ? p->layout->weight_stride : p->layout->stride;
    const int even = FN(is_even)(p->layout, stride, p->n, p->pitch);
    if (even) {
        (p->are_weights ? p->layout->load_weight : p->layout->load)(p->x + p->at[first], stride[0], some * p->n, stage);
        if (p->where) FN(mask_stage)(p, first, some, stage);
    }
    for (ptrdiff_t k = 0; k < FN(WIDTH); k++) {
        REAL *to = stage + k * p->n;
        at[k] = k * p->n * (ptrdiff_t)sizeof(REAL);
        if (k >= some) {
            memcpy(to, stage, (size_t)p->n * sizeof(REAL));
        } else if (!even) {
            const char *own = p->x + p->at[first + k];
            const lse_row row = {own, p->where ? p->where + p->where_at[first + k] : NULL, own, p->n};
            const char *x = p->are_weights ? FN(fetch_weights)(p->layout, &row, 0, p->n, to)
                                           : FN(fetch)(p->layout, &row, 0, p->n, 0, to);
            if (x != (const char *)to) memcpy(to, x, (size_t)p->n * sizeof(REAL));
        }
    }
    FN(rows_in)(&rows, p->n, tile);
}

/* Line by line, all tiles at once, where the elements of an index are at equal distances. */
static void FN(lines_in)(const lse_panel *p, ptrdiff_t first, ptrdiff_t count, REAL *tiles, V *max)
{
    const lse_load load = p->are_weights ? p->layout->load_weight : p->layout->load;
    const REAL absent = p->are_weights ? 0 : -(REAL)INFINITY;
    const ptrdiff_t vectors = FN(whole_vectors)(count) / FN(WIDTH);
    const ptrdiff_t next = count > 1 ? p->at[first + 1] - p->at[first] : 0;
    const ptrdiff_t where_next = count > 1 && p->where ? p->where_at[first + 1] - p->where_at[first] : 0;
    REAL line[FN(PER_GROUP) * FN(WIDTH)];
    for (ptrdiff_t v = 0; v < vectors; v++) max[v] = VF(set)(-(REAL)INFINITY);
    for (ptrdiff_t i = 0; i < p->n; i++) {
        load(p->x + p->at[first] + p->offset[i], next, count, line);
        if (p->where) {
            const char *where = p->where + p->where_at[first] + p->where_offset[i];
            FN(mask_run)((const char *)line, where, where_next, count, absent, line);
        }
        for (ptrdiff_t k = count; k < vectors * FN(WIDTH); k++) line[k] = line[0];
        for (ptrdiff_t v = 0; v < vectors; v++) {
            const V own = VF(load)(line + v * FN(WIDTH));
            max[v] = VF(max)(own, max[v]);
            VF(store)(tiles + (v * p->n + i) * FN(WIDTH), own);
        }
    }
}

/* Elements of the kernel's own type at any places. */
static void FN(gathered_in)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tile)
{
    ptrdiff_t own[FN(WIDTH)];
    const ptrdiff_t *at = FN(places)(p->at, first, some, own);
    for (ptrdiff_t i = 0; i < p->n; i++) {
        const char *x = p->x + p->offset[i];
        LSE_UNROLL for (int k = 0; k < FN(WIDTH); k++) memcpy(tile + i * FN(WIDTH) + k, x + at[k], sizeof(REAL));
    }
}

/* Copies columns, for one tile or all at once, in memory order. */
static void FN(columns_in)(const lse_panel *p, ptrdiff_t first, ptrdiff_t count, REAL *tiles, V *max)
{
    const ptrdiff_t n = p->n, vectors = (count + FN(WIDTH) - 1) / FN(WIDTH);
    const REAL absent = p->are_weights ? 0 : -(REAL)INFINITY;
    const V none = VF(set)(absent);
    const char *x = p->x + p->at[first], *where = p->where ? p->where + p->where_at[first] : NULL;
    for (ptrdiff_t v = 0; v < vectors; v++) max[v] = none;
    if (count == FN(PER_GROUP) * FN(WIDTH) && !where && FN(PER_GROUP) == 4) {
        V m[4] = {none, none, none, none};
        for (ptrdiff_t i = 0; i < n; i++) {
            const char *from = x + p->offset[i];
            REAL *to = tiles + i * FN(WIDTH);
            LSE_UNROLL for (int v = 0; v < 4; v++) {
                const V own = VF(load)(from + (size_t)v * sizeof(V));
                m[v] = VF(max)(own, m[v]);
                VF(store)(to + v * n * FN(WIDTH), own);
            }
        }
        LSE_UNROLL for (int v = 0; v < 4; v++) max[v] = m[v];
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t v = 0; v < vectors; v++) {
            const ptrdiff_t left = count - v * FN(WIDTH);
            REAL *to = tiles + (v * n + i) * FN(WIDTH);
            V own = VF(load_some)(x + p->offset[i] + (size_t)v * sizeof(V), left, VF(set)(0));
            if (where && left >= FN(WIDTH)) {
                own = VF(where)(where + p->where_offset[i] + v * FN(WIDTH), own, none);
            } else if (where) {
                VF(store)(to, own);
                FN(mask_run)((const char *)to, where + p->where_offset[i] + v * FN(WIDTH), 1, left, absent, to);
                own = VF(load)(to);
            }
            max[v] = VF(max)(own, max[v]);
            VF(store)(to, own);
        }
}

/* Reads sums first .. first + count of a panel, at most TILES tiles, and their maxima. */
static void FN(tiles_in)(const lse_panel *p, ptrdiff_t first, ptrdiff_t count, REAL *tiles, V *max)
{
    if (lse_is_across(p->form)) {
        (p->form == LSE_BY_COLUMNS ? FN(columns_in) : FN(lines_in))(p, first, count, tiles, max);
        return;
    }
    for (ptrdiff_t v = 0; v * FN(WIDTH) < count; v++) {
        const ptrdiff_t at = first + v * FN(WIDTH), left = count - v * FN(WIDTH);
        const ptrdiff_t some = left < FN(WIDTH) ? left : FN(WIDTH);
        REAL *tile = tiles + v * p->n * FN(WIDTH);
        if (p->form == LSE_BY_ROWS) {
            ptrdiff_t own[FN(WIDTH)];
            const int dense = some == FN(WIDTH) && FN(is_dense)(p->n, p->pitch);
            const FN(rows_at) rows = {(char *)(uintptr_t)p->x, FN(places)(p->at, at, some, own), dense};
            LSE_PREFETCH(p->x + p->at[at] + LSE_AHEAD);
            FN(rows_in)(&rows, p->n, tile);
        } else if (p->form == LSE_GATHERED) {
            FN(gathered_in)(p, at, some, tile);
        } else {
            FN(staged_in)(p, at, some, tile);
        }
        max[v] = FN(tile_max)(tile, p->n);
    }
}

/* Writing ------------------------------------------------------------------------------------------------------ */

/* As staged_in. */
static void FN(staged_out)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, const REAL *tile)
{
    REAL stage[FN(STAGE)];
    ptrdiff_t at[FN(WIDTH)];
    const FN(rows_at) rows = {(char *)stage, at, 0};
    const lse_layout *layout = p->out_layout;
    char *out = p->out;
    for (ptrdiff_t k = 0; k < FN(WIDTH); k++) at[k] = k * p->n * (ptrdiff_t)sizeof(REAL);
    FN(rows_out)(&rows, p->n, tile);
    if (FN(is_even)(layout, layout->stride, p->n, p->out_pitch)) {
        layout->store(out + p->out_at[first], layout->stride[0], some * p->n, stage);
        return;
    }
    for (ptrdiff_t k = 0; k < some; k++) FN(scatter)(layout, out + p->out_at[first + k], 0, p->n, stage + k * p->n);
}

/* Line by line, as lines_in. */
static void FN(lines_out)(const lse_panel *p, ptrdiff_t first, ptrdiff_t count, const REAL *tiles)
{
    const ptrdiff_t next = count > 1 ? p->out_at[first + 1] - p->out_at[first] : 0;
    REAL line[FN(PER_GROUP) * FN(WIDTH)];
    for (ptrdiff_t i = 0; i < p->n; i++) {
        for (ptrdiff_t k = 0; k < count; k += FN(WIDTH)) VF(store)(line + k, VF(load)(tiles + k * p->n + i * FN(WIDTH)));
        p->out_layout->store(p->out + p->out_at[first] + p->out_offset[i], next, count, line);
    }
}

static void FN(scattered_out)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, const REAL *tile)
{
    for (ptrdiff_t i = 0; i < p->n; i++)
        for (ptrdiff_t k = 0; k < some; k++)
            memcpy(p->out + p->out_offset[i] + p->out_at[first + k], tile + i * FN(WIDTH) + k, sizeof(REAL));
}

static void FN(tile_out)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, const REAL *tile)
{
    if (p->out_form == LSE_BY_COLUMNS) {
        char *to = p->out + p->out_at[first];
        for (ptrdiff_t i = 0; i < p->n; i++)
            VF(store_some)(to + p->out_offset[i], some, VF(load)(tile + i * FN(WIDTH)));
    } else if (p->out_form == LSE_BY_ROWS && some == FN(WIDTH)) {
        const FN(rows_at) rows = {p->out, p->out_at + first, FN(is_dense)(p->n, p->out_pitch)};
        FN(rows_out)(&rows, p->n, tile);
    } else if (p->out_form == LSE_BY_LINES) {
        FN(lines_out)(p, first, some, tile);
    } else if (p->out_form == LSE_STAGED) {
        FN(staged_out)(p, first, some, tile);
    } else {
        FN(scattered_out)(p, first, some, tile);
    }
}

/* Sums --------------------------------------------------------------------------------------------------------- */

/* Long rows, or too few to fill a tile, are processed one by one; so is a single row, which may have no offsets. */
LSE_INLINE int FN(one_by_one)(const lse_panel *p, ptrdiff_t longest)
{
    return p->form == LSE_BY_ROWS && (p->n > longest || p->count == 1 || 2 * p->count < FN(WIDTH));
}

/* How many sums are processed together: tiles of short ones stay in the L1 cache; columns are read in memory order. */
LSE_INLINE ptrdiff_t FN(group_step)(const lse_panel *p)
{
    return p->n <= LSE_TILE_LINES || lse_is_across(p->form) ? FN(PER_GROUP) * FN(WIDTH) : FN(WIDTH);
}

/* The lowest address of sums some .. 2 some, if number 0 is at x and they are at distances of `pitch`. */
LSE_INLINE const char *FN(next_of)(const char *x, ptrdiff_t some, ptrdiff_t pitch)
{
    return x + (pitch < 0 ? 2 * some - 1 : some) * pitch;
}

/* What to prefetch after sums first .. first + some: the columns that come next, or the next rows of a dense run, of
 * the input and, for maps, of the output. */
LSE_INLINE ask_ahead FN(ask_after)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, const int maps)
{
    const ptrdiff_t size = sizeof(REAL), row = p->n * size;
    ask_ahead ask = {.lines = 0};
    if (lse_is_across(p->form)) {
        ask.x = FN(next_of)(p->x + p->at[first], some, p->pitch);
        ask.offset = p->offset;
        ask.lines = 4 * p->n;
        if (maps && lse_is_across(p->out_form)) {
            ask.out = FN(next_of)(p->out + p->out_at[first], some, p->out_pitch);
            ask.out_offset = p->out_offset;
        }
    } else if (p->form == LSE_BY_ROWS && p->pitch == row) {
        ask.x = p->x + p->at[first] + some * row;
        ask.lines = some * row / 64;
        if (maps && p->out_form == LSE_BY_ROWS && p->out_pitch == row) ask.out = p->out + p->out_at[first] + some * row;
    }
    return ask;
}

static void FN(sum_panel)(const lse_panel *p, lse_states *states)
{
    REAL tiles[FN(PER_GROUP) * FN(STAGE)];
    V max[FN(PER_GROUP)];
    if (FN(one_by_one)(p, F_IS_DOUBLE ? 200 : LSE_SHORT)) {
        for (ptrdiff_t k = 0; k < p->count; k++) FN(sum_short)(p->x + p->at[k], p->n, states, k);
        fill_states(states, p->count);
        return;
    }
    const ptrdiff_t step = FN(group_step)(p);
    for (ptrdiff_t k = 0; k < p->count; k += step) {
        const ptrdiff_t some = p->count - k < step ? p->count - k : step;
        ask_ahead ask = FN(ask_after)(p, k, some, 0);
        FN(tiles_in)(p, k, some, tiles, max);
        FN(sum_tiles)(tiles, p->n, max, FN(whole_vectors)(some) / FN(WIDTH), &ask, states, k);
    }
}
