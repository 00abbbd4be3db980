/* Softmax of rows and of columns whose terms stay in the cache, one row or group of columns at a time, included once
 * for each F. */

/* Softmax of a row of no more than LSE_STORED elements; 0 where it is all NaN now. */
static int FN(softmax_whole_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out)
{
    REAL buffer[LSE_STORED], result[LSE_STORED];
    const ptrdiff_t n = row->n;
    const char *x = FN(fetch)(layout, row, 0, n, 0, buffer);
    char *to = out_layout->direct ? out : (char *)result;
    const REAL max = FN(run_max)(x, n);
    const int distant = !FN(is_near)(max);
    int is_number = 1;
    if (distant) {
        FN(bring_run_near)(x, n, max, (double)NAN, buffer);
        x = (const char *)buffer;
    }
    if (max == (REAL)INFINITY) {
        FN(share_infinity_of_row)(buffer, n, to);
        is_number = buffer[0] == buffer[0];
    } else {
        is_number = FN(softmax_run)(x, to, n, distant ? 0 : max);
    }
    if (to != out) FN(scatter)(out_layout, out, 0, n, result);
    return is_number;
}

/* Columns --------------------------------------------------------------------------------------------------------- */

/* Rows of columns that are processed together while they are in the L1 cache. */
enum { FN(TOGETHER) = 8 * LSE_LANES };

/* Writes the terms of at most TOGETHER rows from start of one vector of columns to out, and adds them to its sums. */
static void FN(column_terms)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                             ptrdiff_t start, ptrdiff_t c, ptrdiff_t count, V max, FN(term_sum) (*sums)[LSE_LANES])
{
    enum { HALVES = VF(width) / vf64_width };
    const FN(approach) a = FN(approach_to)(max, (double)NAN);
    const FN(term_level) level = FN(term_level_for)(a.max);
    const int all_near = FN(are_near)(&max, 1), lines = layout->ndim == 1 && out_layout->ndim == 1;
    const ptrdiff_t left = row->n - start, n = left < FN(TOGETHER) ? left : FN(TOGETHER);
    const ptrdiff_t some = count - c < VF(width) ? count - c : VF(width);
    const size_t offset = (size_t)c * sizeof(REAL);
    FN(term_sum) s[HALVES][LSE_LANES];
    REAL line[VF(width)];
    memcpy(s, sums, sizeof s);
    if (all_near && lines && n == FN(TOGETHER) && some == VF(width)) {
        const ptrdiff_t pitch = layout->stride[0], out_pitch = out_layout->stride[0];
        const char *x = row->x + start * pitch + offset;
        char *to = out + start * out_pitch + offset;
        for (ptrdiff_t i = 0; i < n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++, x += pitch, to += out_pitch) {
                VF(store)(line, VF(load)(x));
                FN(tile_term)(line, &level, NULL, s, j, 0);
                VF(store)(to, VF(load)(line));
            }
    } else {
        for (ptrdiff_t i = 0; i < n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
                if (i + j >= n) break;
                const char *from = element(layout, layout->stride, row->x, start + i + j) + offset;
                const V own = VF(load_some)(from, some, VF(set)(0));
                VF(store)(line, all_near ? own : FN(brought_near)(own, &a));
                FN(tile_term)(line, &level, all_near ? NULL : &max, s, j, 0);
                char *to = (char *)element(out_layout, out_layout->stride, out, start + i + j) + offset;
                VF(store_some)(to, some, VF(load)(line));
            }
    }
    memcpy(sums, s, sizeof s);
}

/* The maxima of count neighbouring columns. */
LSE_INLINE void FN(columns_max_of)(const lse_layout *layout, const lse_row *row, ptrdiff_t count, V *max)
{
    for (int v = 0; v < FN(PANEL) / VF(width); v++) max[v] = VF(set)(-(REAL)INFINITY);
    for (ptrdiff_t i = 0; i < row->n; i++) {
        const char *x = element(layout, layout->stride, row->x, i);
        if (layout->ndim == 1)
            for (int line = 0; line < 256; line += 64) LSE_PREFETCH(x + 8 * layout->stride[0] + line);
        for (ptrdiff_t c = 0, v = 0; c < count; c += VF(width), v++)
            max[v] = VF(max)(VF(load_some)(x + c * (ptrdiff_t)sizeof(REAL), count - c, VF(set)(0)), max[v]);
    }
}

/* Columns that form one run although a row does not fill whole vectors: maxima, levels and shares of each element of a
 * period, and the sums of the lanes of each column, for a turn of LSE_LANES rows. */
typedef struct {
    ptrdiff_t count, period;
    int all_near; /* whether all maxima are near */
    REAL max[FN(PERIOD)], bias[FN(PERIOD)], floor[FN(PERIOD)], r[FN(PERIOD)], r_lo[FN(PERIOD)];
    double hi[LSE_LANES * FN(PANEL) + vf64_width], lo[LSE_LANES * FN(PANEL) + vf64_width];
} FN(column_run);

/* Repeats the values of the first columns over the period. */
LSE_INLINE void FN(repeat)(REAL *x, ptrdiff_t count, ptrdiff_t period)
{
    for (ptrdiff_t i = count; i < period; i++) x[i] = x[i - count];
}

LSE_INLINE void FN(run_maxima)(FN(column_run) *run, const char *x, ptrdiff_t n)
{
    const V none = VF(set)(-(REAL)INFINITY);
    for (ptrdiff_t at = 0; at < run->period; at += VF(width)) {
        V max = none;
        for (ptrdiff_t i = at; i < n; i += run->period)
            max = VF(max)(VF(load_some)(x + i * (ptrdiff_t)sizeof(REAL), n - i, none), max);
        VF(store)(run->max + at, max);
    }
}

/* The levels of all maxima, and empty sums. */
LSE_INLINE void FN(run_levels)(FN(column_run) *run)
{
    for (ptrdiff_t i = run->count; i < run->period; i++) {
        REAL *max = run->max + i % run->count;
        if (run->max[i] > *max) *max = run->max[i];
    }
    run->all_near = 1;
    for (ptrdiff_t c = 0; c < run->count; c++) run->all_near &= FN(is_near)(run->max[c]);
    FN(repeat)(run->max, run->count, run->period);
    for (ptrdiff_t at = 0; at < run->period; at += VF(width)) {
        const FN(term_level) level = FN(term_level_for)(FN(approach_to)(VF(load)(run->max + at), (double)NAN).max);
        VF(store)(run->bias + at, level.bias);
        VF(store)(run->floor + at, level.floor);
    }
    for (ptrdiff_t j = 0; j < LSE_LANES * run->count + vf64_width; j++) {
        run->hi[j] = F_IS_DOUBLE ? TERMS_OFFSET : 0.0;
        run->lo[j] = 0.0;
    }
}

/* Writes the terms of n elements and adds them to the sums; beyond the last one there are zeros. */
LSE_INLINE void FN(run_terms)(FN(column_run) *run, const char *x, char *out, ptrdiff_t n)
{
    const ptrdiff_t turn = LSE_LANES * run->count;
    REAL line[VF(width)];
    for (ptrdiff_t at = 0, j = 0; n > 0; n -= VF(width), x += sizeof(V), out += sizeof(V)) {
        const FN(term_level) level = {VF(load)(run->bias + at), VF(load)(run->floor + at)};
        V v = VF(load_some)(x, n, VF(set)(-(REAL)INFINITY));
        if (!run->all_near) {
            const FN(approach) a = FN(approach_to)(VF(load)(run->max + at), (double)NAN);
            v = FN(brought_near)(v, &a);
        }
        FN(terms)(&v, 1, &level);
        if (!run->all_near) v = FN(near_term)(v, VF(load)(run->max + at));
        VF(store_some)(out, n, v);
        VF(store)(line, v);
        LSE_UNROLL for (int part = 0; part < VF(width); part += vf64_width) {
            FN(term_sum) s = {vf64_load(run->hi + j), vf64_load(run->lo + j)};
            FN(join_term)(&s, line + part, 0);
            vf64_store(run->hi + j, s.hi);
            vf64_store(run->lo + j, s.lo);
            j = j + vf64_width == turn ? 0 : j + vf64_width;
        }
        at = FN(next_place)(at, run->period);
    }
}

/* The reciprocals to multiply the terms by; NaN in nan[c] if all results of column c are NaN. */
LSE_INLINE void FN(run_shares)(FN(column_run) *run, double *nan)
{
    for (ptrdiff_t c = 0; c < run->count; c += vf64_width) {
        const ptrdiff_t left = run->count - c, some = left < vf64_width ? left : vf64_width;
        FN(term_sum) s[LSE_LANES];
        REAL r[vf64_width], r_lo[vf64_width] = {0};
        for (ptrdiff_t j = 0; j < LSE_LANES; j++) {
            s[j].hi = vf64_load(run->hi + j * run->count + c);
            s[j].lo = vf64_load(run->lo + j * run->count + c);
        }
        FN(tile_share)(s, LSE_LANES, r, r_lo);
        memcpy(run->r + c, r, (size_t)some * sizeof(REAL));
        memcpy(run->r_lo + c, r_lo, (size_t)some * sizeof(REAL));
        for (ptrdiff_t k = 0; k < some; k++) nan[c + k] = (double)r[k];
    }
    FN(repeat)(run->r, run->count, run->period);
    FN(repeat)(run->r_lo, run->count, run->period);
}

/* Multiplies the terms by the shares. */
LSE_INLINE void FN(run_times)(const FN(column_run) *run, char *out, ptrdiff_t n)
{
    for (ptrdiff_t at = 0; n > 0; n -= VF(width), out += sizeof(V)) {
        const FN(share) share = FN(share_of)(run->r + at, run->r_lo + at);
        VF(store_some)(out, n, FN(times)(VF(load_some)(out, n, VF(set)(0)), &share));
        at = FN(next_place)(at, run->period);
    }
}

/* softmax_whole_columns of a run. */
static void FN(softmax_column_run)(const char *x, char *out, ptrdiff_t n, ptrdiff_t count, double *nan)
{
    FN(column_run) run;
    run.count = count;
    run.period = FN(period_of)(count);
    FN(run_maxima)(&run, x, n * count);
    FN(run_levels)(&run);
    FN(run_terms)(&run, x, out, n * count);
    FN(run_shares)(&run, nan);
    FN(run_times)(&run, out, n * count);
}

/* Columns to the output, in which excluded elements are -inf. */
static void FN(copy_masked_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout,
                                    char *out, ptrdiff_t count)
{
    if (out_layout->ndim == 1)
        FN(masked_lines)(layout, row, 0, row->n, count, out, out_layout->stride[0]);
    for (ptrdiff_t r = 0; r < row->n && out_layout->ndim != 1; r++)
        FN(masked_lines)(layout, row, r, 1, count, (char *)element(out_layout, out_layout->stride, out, r), 0);
}

/* Softmax of count neighbouring columns of no more than LSE_STORED elements; NaN in nan[c] where column c is all NaN
 * now. 0, and nothing is written, where they are better done one by one. */
static int FN(softmax_whole_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout,
                                     char *out, ptrdiff_t count, double *nan)
{
    enum { MOST = FN(PANEL) / VF(width), HALVES = VF(width) / vf64_width };
    REAL top[FN(PANEL)];
    V max[MOST];
    FN(share) share[MOST];
    FN(term_sum) s[MOST][HALVES][LSE_LANES];
    const lse_row copied = {out, NULL, NULL, row->n};
    const lse_row *masked = row->where ? row : NULL;
    const lse_layout *masked_layout = layout;
    if (masked) {
        row = &copied;
        layout = out_layout;
    }
    const int is_run = FN(are_one_run)(layout, row, out_layout, count) && row->n > 1;
    const int narrow = count < FN(NARROW) && row->n > 1;
    if (narrow && !is_run) return 0; /* one by one is quicker than in vectors that are not full */
    if (masked) FN(copy_masked_columns)(masked_layout, masked, out_layout, out, count);
    if (is_run && (narrow || count % VF(width) != 0)) {
        FN(softmax_column_run)(row->x, out, row->n, count, nan);
        return 1;
    }
    FN(columns_max_of)(layout, row, count, max);
    for (ptrdiff_t c = 0; c < count && row->n == 1; c += VF(width)) { /* one element has all of the sum */
        VF(store_some)(out + c * (ptrdiff_t)sizeof(REAL), count - c, VF(set)(1));
        for (ptrdiff_t k = c; k < count; k++) nan[k] = 1;
    }
    if (row->n == 1) return 1;
    for (int v = 0; v < MOST; v++)
        for (int h = 0; h < HALVES; h++)
            for (int j = 0; j < LSE_LANES; j++) s[v][h][j] = FN(no_terms)();
    for (ptrdiff_t start = 0; start < row->n; start += FN(TOGETHER))
        for (ptrdiff_t c = 0, v = 0; c < count; c += VF(width), v++)
            FN(column_terms)(layout, row, out_layout, out, start, c, count, max[v], s[v]);
    for (ptrdiff_t c = 0, v = 0; c < count; c += VF(width), v++) {
        REAL r[VF(width)], r_lo[VF(width)];
        LSE_UNROLL for (int h = 0; h < HALVES; h++)
            FN(tile_share)(s[v][h], LSE_LANES, r + h * vf64_width, r_lo + h * vf64_width);
        share[v] = FN(share_of)(r, r_lo);
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
