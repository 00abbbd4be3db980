/* Neighbouring columns reduced along the rows, included once for each F: the lanes of reduce.h, kept in an
 * array for every column of a panel of 256 bytes. */

typedef struct {
    REAL max[LANES * FN(PANEL)], hi[LANES * FN(PANEL)], lo[LANES * FN(PANEL)];
    REAL bias[FN(PANEL)], floor[FN(PANEL)], limit[FN(PANEL)];
    double anchor[FN(PANEL)];
} FN(panel);

/* Rows of one block, by address; `width` elements of each may be read. */
typedef struct {
    const char *row[FN(QUAD)];
    ptrdiff_t ahead; /* from a row to the one at its place in the next block, if that is known */
    REAL copy[FN(QUAD) * FN(PANEL)];
} FN(panel_block);

/* Rows whose distance is a multiple of this share few sets of a cache, and push each other out of it. */
enum { FN(CROWDED) = 4096 };

/* The addresses of rows start .. start + n, those up to QUAD standing in for elements that add nothing. The rows are
 * copied where count does not fill the vectors, something is left out, or the cache would not hold the block. */
static void FN(panel_rows)(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                           ptrdiff_t count, ptrdiff_t width, FN(panel_block) *block)
{
    const int whole = count == width && !first->where &&
                      !(layout->ndim && layout->stride[layout->ndim - 1] % FN(CROWDED) == 0);
    block->ahead = whole && layout->ndim == 1 ? FN(QUAD) * layout->stride[0] : 0;
    for (ptrdiff_t r = 0; r < FN(QUAD); r++) {
        const char *from = r < n ? element(layout, layout->stride, first->x, start + r) : NULL;
        REAL *copy = block->copy + r * FN(PANEL);
        block->row[r] = from && whole ? from : (const char *)copy;
        if (from && whole) continue;
        for (ptrdiff_t c = from ? count : 0; c < width; c++) copy[c] = -(REAL)INFINITY;
        if (!from) continue;
        if (first->where) {
            const char *where = element(layout, layout->where_stride, first->where, start + r);
            FN(mask_run)(from, where, layout->where_step, count, -(REAL)INFINITY, copy);
        } else {
            memcpy(copy, from, (size_t)count * sizeof(REAL));
        }
        if (layout->ndim == 1)
            for (int line = 0; line < 256; line += 64) LSE_PREFETCH(from + FN(QUAD) * layout->stride[0] + line);
    }
}

static void FN(panel_raise)(FN(panel) *s, ptrdiff_t c, REAL max)
{
    const FN(level) level = FN(level_for)(max);
    const FN(factors) f = FN(factors_for)(s->anchor[c], level.anchor);
    s->anchor[c] = level.anchor;
    s->limit[c] = level.limit;
    s->bias[c] = FN(bias)(level.anchor);
    s->floor[c] = FN(floor)(level.anchor);
    for (int l = 0; l < LANES; l++) {
        REAL *hi = &s->hi[l * FN(PANEL) + c], *lo = &s->lo[l * FN(PANEL) + c];
        *hi = *hi * f.first * f.second;
        *lo = *lo * f.first * f.second;
    }
}

/* The maxima of n rows in `vectors` neighbouring vectors, a compile-time constant. */
LSE_INLINE void FN(panel_max)(const FN(panel_block) *block, ptrdiff_t n, ptrdiff_t c, const int vectors, REAL *top)
{
    V max[4];
    LSE_UNROLL for (int j = 0; j < vectors; j++) max[j] = VF(set)(-(REAL)INFINITY);
    for (ptrdiff_t r = 0; r < n; r++) {
        const char *x = block->row[r] + (size_t)c * sizeof(REAL);
        LSE_UNROLL for (int j = 0; j < vectors; j++) max[j] = VF(max)(VF(load)(x + (size_t)j * sizeof(V)), max[j]);
    }
    LSE_UNROLL for (int j = 0; j < vectors; j++) VF(store)(top + c + j * VF(width), max[j]);
}

/* Anchors the panel so that every row of the block can be summed. */
static void FN(panel_level)(FN(panel) *s, const FN(panel_block) *block, ptrdiff_t n, ptrdiff_t width)
{
    REAL top[FN(PANEL)];
    ptrdiff_t c = 0;
    for (; c + 4 * VF(width) <= width; c += 4 * VF(width)) FN(panel_max)(block, n, c, 4, top);
    for (; c < width; c += VF(width)) FN(panel_max)(block, n, c, 1, top);
    for (c = 0; c < width; c++)
        if (top[c] > s->limit[c]) FN(panel_raise)(s, c, top[c]);
}

static void FN(panel_sweep)(FN(panel) *s, const FN(panel_block) *block, ptrdiff_t width)
{
    for (ptrdiff_t c = 0; c < width; c += VF(width)) {
        const size_t offset = (size_t)c * sizeof(REAL);
        const V bias = VF(load)(s->bias + c), floor = VF(load)(s->floor + c);
        for (int l = 0; l < LANES; l++) {
            const ptrdiff_t at = l * FN(PANEL) + c;
            V max = VF(load)(s->max + at), hi = VF(load)(s->hi + at), lo = VF(load)(s->lo + at), x[4];
            LSE_UNROLL for (int j = 0; j < 4; j++) {
                const char *from = block->row[l + j * LANES] + offset;
                LSE_PREFETCH(from + block->ahead);
                x[j] = VF(load)(from);
            }
            FN(fold4)(&max, &hi, &lo, x, bias, floor);
            VF(store)(s->max + at, max);
            VF(store)(s->hi + at, hi);
            VF(store)(s->lo + at, lo);
        }
    }
}

static void FN(columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                        lse_states *states)
{
    const ptrdiff_t width = FN(whole_vectors)(count);
    FN(panel) s;
    FN(panel_block) block;
    const FN(level) lowest = FN(level_for)(-(REAL)INFINITY);
    for (int i = 0; i < LANES * FN(PANEL); i++) {
        s.max[i] = -(REAL)INFINITY;
        s.hi[i] = s.lo[i] = 0;
    }
    for (int c = 0; c < FN(PANEL); c++) {
        s.anchor[c] = lowest.anchor;
        s.limit[c] = lowest.limit;
        s.bias[c] = FN(bias)(lowest.anchor);
        s.floor[c] = FN(floor)(lowest.anchor);
    }
    for (ptrdiff_t done = 0; done < n; done += FN(QUAD)) {
        const ptrdiff_t some = n - done < FN(QUAD) ? n - done : FN(QUAD);
        FN(panel_rows)(layout, row, start + done, some, count, width, &block);
        FN(panel_level)(&s, &block, some, width);
        FN(panel_sweep)(&s, &block, width);
    }
    if (width < FN(PANEL)) /* join wants the lanes of `width` columns side by side */
        for (int l = 1; l < LANES; l++) {
            memmove(s.max + l * width, s.max + l * FN(PANEL), (size_t)width * sizeof(REAL));
            memmove(s.hi + l * width, s.hi + l * FN(PANEL), (size_t)width * sizeof(REAL));
            memmove(s.lo + l * width, s.lo + l * FN(PANEL), (size_t)width * sizeof(REAL));
        }
    FN(join)(s.max, s.hi, s.lo, s.anchor, LANES, width, count, 0, states);
}
