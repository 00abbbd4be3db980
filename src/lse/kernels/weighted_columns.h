/* Sums with weights of neighbouring columns, included once for each F. */

/* Columns -------------------------------------------------------------------------------------------------- */

/* Pointers to the rows of one block; `width` elements of each may be read. */
typedef struct {
    const char *row[FN(QUAD)];
    ptrdiff_t ahead; /* from a row to its counterpart in the next block, if known */
    REAL copy[FN(QUAD) * FN(PANEL)];
} FN(panel_block);

/* The addresses of n rows from number start, `step` apart, those up to QUAD standing in for elements that add nothing.
 * The rows are copied where count does not fill the vectors, something is left out, the cache would not hold the block,
 * or elements are taken less a shift, which may be NULL. */
static void FN(panel_rows)(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n, ptrdiff_t step,
                           ptrdiff_t count, ptrdiff_t width, const REAL *shift, FN(panel_block) *block)
{
    const int whole = count == width && !first->where && !shift &&
                      !(layout->ndim && layout->stride[layout->ndim - 1] % FN(CROWDED) == 0);
    if (layout->ones) {
        REAL *none = block->copy + FN(PANEL);
        for (ptrdiff_t c = 0; c < width; c++) block->copy[c] = 0, none[c] = -(REAL)INFINITY;
        for (ptrdiff_t r = 0; r < FN(QUAD); r++) block->row[r] = (const char *)(r < n ? block->copy : none);
        block->ahead = 0;
        return;
    }
    block->ahead = whole && layout->ndim == 1 ? FN(QUAD) * layout->stride[0] : 0;
    for (ptrdiff_t r = 0; r < FN(QUAD); r++) {
        const char *from = r < n ? element(layout, layout->stride, first->x, start + r * step) : NULL;
        REAL *copy = block->copy + r * FN(PANEL);
        block->row[r] = from && whole ? from : (const char *)copy;
        if (from && whole) continue;
        for (ptrdiff_t c = from ? count : 0; c < width; c++) copy[c] = -(REAL)INFINITY;
        if (!from) continue;
        if (first->where) {
            const char *where = element(layout, layout->where_stride, first->where, start + r * step);
            FN(mask_run)(from, where, layout->where_step, count, -(REAL)INFINITY, copy);
        } else {
            memcpy(copy, from, (size_t)count * sizeof(REAL));
        }
        for (ptrdiff_t c = 0; c < width && shift; c += VF(width))
            VF(store)(copy + c, VF(sub)(VF(load)(copy + c), VF(load)(shift + c)));
        if (layout->ndim == 1)
            for (int line = 0; line < 256; line += 64) LSE_PREFETCH(from + FN(QUAD) * layout->stride[0] + line);
    }
}

typedef struct {
    REAL hi[LANES * FN(PANEL)], lo[LANES * FN(PANEL)], bias[FN(PANEL)], top[FN(PANEL)], odd[FN(PANEL)];
    double anchor[FN(PANEL)], exponent[FN(PANEL)];
    int ones;
} FN(weighted_panel);

static void FN(weighted_panel_start)(FN(weighted_panel) *s, ptrdiff_t width, int ones)
{
    const double lowest = FN(anchor_at)(-(double)INFINITY);
    s->ones = ones;
    for (ptrdiff_t i = 0; i < LANES * width; i++) s->hi[i] = s->lo[i] = 0;
    for (ptrdiff_t c = 0; c < width; c++) {
        s->odd[c] = 0;
        s->anchor[c] = lowest;
        s->bias[c] = FN(bias)(lowest);
        s->exponent[c] = -(double)INFINITY;
    }
}

/* The top of each column from some of n rows. */
static void FN(weighted_panel_look)(FN(weighted_panel) *s, const char *const *x, const char *const *b, ptrdiff_t n,
                                    ptrdiff_t width)
{
    const ptrdiff_t step = n < FN(QUAD) ? 1 : 4;
    for (ptrdiff_t c = 0; c < width; c += VF(width)) {
        const size_t offset = (size_t)c * sizeof(REAL);
        const V bias = VF(load)(s->bias + c);
        V greatest = VF(set)(-(REAL)INFINITY), t, level;
        for (ptrdiff_t r = 0; r < n; r += step) {
            V v = VF(load)(x[r] + offset);
            V w = VF(load)(b[r] + offset);
            FN(weighted_exponents)(&v, &w, &t, &level, 1, bias, 0);
            greatest = VF(max)(t, greatest);
        }
        VF(store)(s->top + c, greatest);
    }
}

/* Updates the exponents from the tops, and raises anchors that are exceeded; returns whether there were any. */
static int FN(weighted_panel_raise)(FN(weighted_panel) *s, ptrdiff_t width)
{
    int raised = 0;
    for (ptrdiff_t c = 0; c < width; c++) {
        const double exponent = FN(exponent_at)(s->top[c], s->anchor[c]);
        if (exponent > s->exponent[c]) s->exponent[c] = exponent;
        if (s->top[c] <= (REAL)(MAGIC + EXP_BIAS + HEADROOM + ROOM)) continue;
        const double higher = FN(anchor_at)(exponent);
        const FN(factors) f = FN(factors_for)(s->anchor[c], higher);
        raised = 1;
        s->anchor[c] = higher;
        s->bias[c] = FN(bias)(higher);
        for (int l = 0; l < LANES; l++) {
            s->hi[l * width + c] = s->hi[l * width + c] * f.first * f.second;
            s->lo[l * width + c] = s->lo[l * width + c] * f.first * f.second;
        }
    }
    return raised;
}

/* `turns` rows, 1 or 4, for each of the first `lanes` lanes. */
LSE_INLINE void FN(weighted_panel_sweep)(FN(weighted_panel) *s, const char *const *x, const char *const *b,
                                         ptrdiff_t lanes, const int turns, ptrdiff_t width, ptrdiff_t ahead_x,
                                         ptrdiff_t ahead_b, const int ones)
{
    for (ptrdiff_t c = 0; c < width; c += VF(width)) {
        const size_t offset = (size_t)c * sizeof(REAL);
        const V bias = VF(load)(s->bias + c);
        V odd = VF(load)(s->odd + c), top = VF(set)(-(REAL)INFINITY);
        for (ptrdiff_t l = 0; l < lanes; l++) {
            V hi = VF(load)(s->hi + l * width + c), lo = VF(load)(s->lo + l * width + c), v[4], w[4];
            LSE_UNROLL for (int j = 0; j < turns; j++) {
                const char *from = x[l + j * LANES] + offset, *weights = b[l + j * LANES] + offset;
                if (!ones) LSE_PREFETCH(from + ahead_x);
                LSE_PREFETCH(weights + ahead_b);
                v[j] = ones ? VF(set)(0) : VF(load)(from);
                w[j] = VF(load)(weights);
            }
            FN(fold_weighted)(&hi, &lo, v, w, turns, bias, &top, &odd, ones);
            VF(store)(s->hi + l * width + c, hi);
            VF(store)(s->lo + l * width + c, lo);
        }
        VF(store)(s->odd + c, odd);
        VF(store)(s->top + c, top);
    }
}

static void FN(sweep_block)(FN(weighted_panel) *s, const FN(panel_block) *x, const FN(panel_block) *b, ptrdiff_t width)
{
    if (s->ones) FN(weighted_panel_sweep)(s, x->row, b->row, LANES, 4, width, x->ahead, b->ahead, 1);
    else FN(weighted_panel_sweep)(s, x->row, b->row, LANES, 4, width, x->ahead, b->ahead, 0);
}

/* Adds one block of rows, and once more at higher anchors if its terms exceed these. */
static void FN(fold_weighted_panel)(FN(weighted_panel) *s, const FN(panel_block) *x, const FN(panel_block) *b,
                                    ptrdiff_t width)
{
    REAL hi[LANES * FN(PANEL)], lo[LANES * FN(PANEL)];
    const size_t size = (size_t)(LANES * width) * sizeof(REAL);
    memcpy(hi, s->hi, size);
    memcpy(lo, s->lo, size);
    FN(sweep_block)(s, x, b, width);
    int exceeded = 0;
    for (ptrdiff_t c = 0; c < width; c++) exceeded |= s->top[c] > (REAL)(MAGIC + EXP_BIAS + HEADROOM + ROOM);
    if (exceeded) {
        memcpy(s->hi, hi, size);
        memcpy(s->lo, lo, size);
    }
    if (FN(weighted_panel_raise)(s, width)) FN(sweep_block)(s, x, b, width);
}

static void FN(weighted_panel_end)(FN(weighted_panel) *s, ptrdiff_t width, ptrdiff_t count, ptrdiff_t at,
                                   lse_states *states)
{
    FN(sum_lanes)(s->hi, s->lo, LANES * width, width);
    for (ptrdiff_t c = 0; c < count; c++)
        FN(weighted_state)(s->hi[c], s->lo[c], s->odd[c], s->anchor[c], s->exponent[c], at + c, states);
}

/* The weights of these rows, and up to QUAD of the rows that add nothing. */
static void FN(panel_weights)(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                              ptrdiff_t step, ptrdiff_t count, ptrdiff_t width, FN(panel_block) *block)
{
    const int whole = count == width && !first->where && layout->native_weight &&
                      layout->weight_step == (ptrdiff_t)sizeof(REAL);
    block->ahead = whole && layout->ndim == 1 ? FN(QUAD) * layout->weight_stride[0] : 0;
    for (ptrdiff_t r = 0; r < FN(QUAD); r++) {
        REAL *copy = block->copy + r * FN(PANEL);
        const char *from = r < n ? element(layout, layout->weight_stride, first->weight, start + r * step) : NULL;
        block->row[r] = (const char *)copy;
        if (from && whole) {
            block->row[r] = from;
            continue;
        }
        for (ptrdiff_t c = from ? count : 0; c < width; c++) copy[c] = 0;
        if (!from) continue;
        layout->load_weight(from, layout->weight_step, count, copy);
        if (!first->where) continue;
        const char *where = element(layout, layout->where_stride, first->where, start + r * step);
        FN(mask_run)((const char *)copy, where, layout->where_step, count, 0, copy);
    }
}

/* The states of elements start .. start + n of columns, less their shifts, if any, or strange ones. */
static void FN(sum_weighted_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                     ptrdiff_t count, const REAL *shift, lse_states *states)
{
    const ptrdiff_t width = FN(whole_vectors)(count);
    FN(weighted_panel) s;
    FN(panel_block) x, b;
    FN(weighted_panel_start)(&s, width, layout->ones);
    for (ptrdiff_t done = 0; done < n; done += FN(QUAD)) {
        const ptrdiff_t some = n - done < FN(QUAD) ? n - done : FN(QUAD);
        if (done == 0) { /* the anchors come from rows all over */
            FN(panel_rows)(layout, row, start, some, n / some, count, width, shift, &x);
            FN(panel_weights)(layout, row, start, some, n / some, count, width, &b);
            FN(weighted_panel_look)(&s, x.row, b.row, some, width);
            FN(weighted_panel_raise)(&s, width);
        }
        FN(panel_rows)(layout, row, start + done, some, 1, count, width, shift, &x);
        FN(panel_weights)(layout, row, start + done, some, 1, count, width, &b);
        FN(fold_weighted_panel)(&s, &x, &b, width);
        int lost = 1;
        for (ptrdiff_t c = 0; c < count; c++) lost &= s.exponent[c] > REACH;
        if (lost) break;
    }
    FN(weighted_panel_end)(&s, width, count, 0, states);
}

static void FN(look_at_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                ptrdiff_t count, REAL *infinite, REAL *max)
{
    const ptrdiff_t width = FN(whole_vectors)(count);
    FN(panel_block) x, b;
    for (ptrdiff_t c = 0; c < width; c++) {
        infinite[c] = 0;
        max[c] = -(REAL)INFINITY;
    }
    for (ptrdiff_t done = 0; done < n; done += FN(QUAD)) {
        const ptrdiff_t some = n - done < FN(QUAD) ? n - done : FN(QUAD);
        FN(panel_rows)(layout, row, start + done, some, 1, count, width, NULL, &x);
        FN(panel_weights)(layout, row, start + done, some, 1, count, width, &b);
        for (ptrdiff_t c = 0; c < width; c += VF(width)) {
            V sum = VF(load)(infinite + c), greatest = VF(load)(max + c);
            for (ptrdiff_t r = 0; r < some; r++) {
                const size_t offset = (size_t)c * sizeof(REAL);
                sum = VF(add)(sum, FN(not_finite)(VF(load)(x.row[r] + offset), VF(load)(b.row[r] + offset), &greatest));
            }
            VF(store)(infinite + c, sum);
            VF(store)(max + c, greatest);
        }
    }
}

static void FN(weighted_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                 ptrdiff_t count, lse_states *states)
{
    REAL infinite[FN(PANEL)], max[FN(PANEL)], shift[FN(PANEL)] = {0};
    int again = 0, distant = 0;
    FN(sum_weighted_columns)(layout, row, start, n, count, NULL, states);
    for (ptrdiff_t c = 0; c < count; c++) again |= FN(is_strange)(states, c);
    if (!again) return;
    FN(look_at_columns)(layout, row, start, n, count, infinite, max);
    for (ptrdiff_t c = 0; c < count; c++) {
        const seen s = {(double)infinite[c], (double)max[c]};
        shift[c] = (REAL)FN(shift_for)(s, states, c);
        distant |= shift[c] != 0;
    }
    if (distant) FN(sum_weighted_columns)(layout, row, start, n, count, shift, states);
    for (ptrdiff_t c = 0; c < count; c++) put_weighted((double)shift[c], (double)infinite[c], states, c);
}

static void FN(weighted_rows)(const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n,
                              ptrdiff_t count, lse_states *states)
{
    for (ptrdiff_t i = 0; i < count; i++)
        FN(weighted_row)(layout, &rows[i], start, reach_of(&rows[i], start, n), i, states);
}
