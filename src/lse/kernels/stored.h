/* Softmax of rows and of columns whose terms stay in the cache, one by one, included once for each F. */

/* Softmax of a row of no more than LSE_STORED elements: 1; LSE_BAD_NAN where it is all NaN now; 0 where its maximum wants a
 * second look, and nothing is written. */
static int FN(softmax_whole_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out)
{
    REAL buffer[LSE_STORED], result[LSE_STORED];
    const char *x = FN(fetch)(layout, row, 0, row->n, 0, buffer);
    const REAL max = FN(run_max)(x, row->n);
    if (!FN(is_near)(max)) return 0;
    if (out_layout->direct) return FN(softmax_run)(x, out, row->n, max) ? 1 : LSE_IS_NAN;
    const int plain = FN(softmax_run)(x, (char *)result, row->n, max);
    FN(scatter)(out_layout, out, 0, row->n, result);
    return plain ? 1 : LSE_IS_NAN;
}

/* Columns --------------------------------------------------------------------------------------------------------- */

/* Rows of columns that are worked on together, while they are in the first cache. */
enum { FN(TOGETHER) = 8 * LSE_LANES };

/* The terms of rows start and on of one vector of columns, written to out, join its sums; no more than TOGETHER rows. */
static void FN(column_terms)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                             ptrdiff_t start, ptrdiff_t c, ptrdiff_t count, V max, FN(term_sum) (*sums)[LSE_LANES])
{
    enum { HALVES = VF(width) / vf64_width };
    const FN(term_level) level = FN(term_level_for)(max);
    const ptrdiff_t left = row->n - start, n = left < FN(TOGETHER) ? left : FN(TOGETHER);
    const size_t offset = (size_t)c * sizeof(REAL);
    FN(term_sum) s[HALVES][LSE_LANES];
    REAL copy[FN(PANEL)], line[VF(width)];
    memcpy(s, sums, sizeof s);
    if (n == FN(TOGETHER) && count - c >= VF(width) && !row->where && layout->ndim == 1 && out_layout->ndim == 1) {
        const ptrdiff_t pitch = layout->stride[0], out_pitch = out_layout->stride[0];
        const char *x = row->x + start * pitch + offset;
        char *to = out + start * out_pitch + offset;
        for (ptrdiff_t i = 0; i < n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++, x += pitch, to += out_pitch) {
                VF(store)(line, VF(load)(x));
                FN(tile_term)(line, &level, s, j, 0);
                VF(store)(to, VF(load)(line));
            }
    } else {
        for (ptrdiff_t i = 0; i < n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
                if (i + j >= n) break;
                const char *from = FN(panel_line)(layout, row, start + i + j, count, copy) + offset;
                VF(store)(line, VF(load_some)(from, count - c, VF(set)(0)));
                FN(tile_term)(line, &level, s, j, 0);
                char *to = (char *)element(out_layout, out_layout->stride, out, start + i + j) + offset;
                VF(store_some)(to, count - c, VF(load)(line));
            }
    }
    memcpy(sums, s, sizeof s);
}

/* The maxima of count neighbouring columns. */
LSE_INLINE void FN(columns_max_of)(const lse_layout *layout, const lse_row *row, ptrdiff_t count, V *max)
{
    REAL copy[FN(PANEL)];
    for (int v = 0; v < FN(PANEL) / VF(width); v++) max[v] = VF(set)(-(REAL)INFINITY);
    for (ptrdiff_t i = 0; i < row->n; i++) {
        const char *x = FN(panel_line)(layout, row, i, count, copy);
        if (layout->ndim == 1)
            for (int line = 0; line < 256; line += 64) LSE_PREFETCH(x + 8 * layout->stride[0] + line);
        for (ptrdiff_t c = 0, v = 0; c < count; c += VF(width), v++)
            max[v] = VF(max)(VF(load_some)(x + c * (ptrdiff_t)sizeof(REAL), count - c, VF(set)(0)), max[v]);
    }
}

/* Softmax of count neighbouring columns of no more than LSE_STORED elements; NaN in nan[c] where column c is all NaN now.
 * 0 where a maximum wants a second look, and nothing is written. */
static int FN(softmax_whole_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                     ptrdiff_t count, double *nan)
{
    enum { MOST = FN(PANEL) / VF(width), HALVES = VF(width) / vf64_width };
    REAL top[FN(PANEL)];
    V max[MOST];
    FN(share) share[MOST];
    FN(term_sum) s[MOST][HALVES][LSE_LANES];
    FN(columns_max_of)(layout, row, count, max);
    if (!FN(are_near)(max, FN(whole_vectors)(count) / VF(width))) return 0;
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
