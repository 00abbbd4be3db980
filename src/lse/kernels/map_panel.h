/* Softmax and log-softmax of a panel (panel.h), included once for each F. */

/* Reads the tiles of sums first .. first + some, and their maxima. Returns 0 if any maximum is beyond the kernels; then
 * the elements are shifted (terms.h), the maxima unchanged. */
LSE_INLINE int FN(near_tiles_in)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tiles, V *max)
{
    const ptrdiff_t vectors = FN(whole_vectors)(some) / FN(WIDTH);
    FN(tiles_in)(p, first, some, tiles, max);
    if (FN(are_near)(max, vectors)) return 1;
    for (ptrdiff_t v = 0; v < vectors; v++) {
        if (FN(are_near)(&max[v], 1)) continue;
        const FN(approach) a = FN(approach_to)(max[v], (double)NAN);
        FN(bring_near)(tiles + v * p->n * FN(WIDTH), p->n, &a);
    }
    return 0;
}

/* The terms of a tile: where the maximum is infinite, 1 for each +inf, and their exact share. */
static void FN(share_infinity)(REAL *tile, ptrdiff_t n, V max, REAL *r, REAL *r_lo)
{
    const V infinity = VF(set)((REAL)INFINITY), one = VF(set)(1), zero = VF(set)(0);
    const V half = VF(set)((REAL)(F_IS_DOUBLE ? 0x1p490 : 0x1p90)); /* between the terms of 0 and of -inf */
    REAL top[FN(WIDTH)], count[FN(WIDTH)];
    V sum = zero;
    for (ptrdiff_t i = 0; i < n; i++, tile += FN(WIDTH)) {
        const V term = VF(load)(tile), own = VF(add)(VF(select)(term, half, one, zero), VF(sub)(term, term));
        sum = VF(add)(sum, own);
        VF(store)(tile, VF(select)(max, infinity, own, term));
    }
    VF(store)(top, max);
    VF(store)(count, sum);
    for (int k = 0; k < FN(WIDTH); k++) {
        if (top[k] < (REAL)INFINITY) continue;
        r[k] = 1 / count[k];
        r_lo[k] = 0;
    }
}

/* Of results side by side, line i at to + offset[i]: excluded elements of sums that are all NaN, but have any included
 * ones, become absent. */
static void FN(put_absent)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL absent, char *to,
                           const ptrdiff_t *offset)
{
    for (ptrdiff_t k = 0; k < some; k++, to += sizeof(REAL)) {
        const char *where = p->where + p->where_at[first + k];
        int present = 0;
        REAL any;
        memcpy(&any, to + offset[0], sizeof any);
        for (ptrdiff_t i = 0; i < p->n && any != any && !present; i++) present = where[p->where_offset[i]];
        for (ptrdiff_t i = 0; i < p->n && present; i++)
            if (!where[p->where_offset[i]]) memcpy(to + offset[i], &absent, sizeof absent);
    }
}

/* Results of a panel from their tile, unless they are there already or lines of all tiles are written together, and
 * what is absent of sums that are NaN; fill: there are some. */
LSE_INLINE void FN(mapped_out)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, const int there, const int fill,
                               REAL absent, REAL *tile)
{
    ptrdiff_t lines[LSE_SHORT];
    for (ptrdiff_t i = 0; i < p->n && fill && !there; i++) lines[i] = i * (ptrdiff_t)sizeof(V);
    if (fill && there) FN(put_absent)(p, first, some, absent, p->out + p->out_at[first], p->out_offset);
    if (fill && !there) FN(put_absent)(p, first, some, absent, (char *)tile, lines);
    if (!there && p->out_form != LSE_BY_LINES) FN(tile_out)(p, first, some, tile);
}

static void FN(softmax_group)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tiles)
{
    REAL r[LSE_BATCH], r_lo[LSE_BATCH];
    V max[FN(PER_GROUP)];
    ask_ahead ask = FN(ask_after)(p, first, some, 1);
    const ptrdiff_t vectors = FN(whole_vectors)(some) / FN(WIDTH);
    const int in_range = FN(near_tiles_in)(p, first, some, tiles, max);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        REAL *tile = tiles + v * p->n * FN(WIDTH), *own = r + v * FN(WIDTH), *own_lo = r_lo + v * FN(WIDTH);
        FN(softmax_tile)(tile, p->n, in_range ? max[v] : FN(approach_to)(max[v], (double)NAN).max, &ask, own, own_lo);
        if (!in_range && p->n > 1 && VF(any_at_least)(max[v], VF(set)((REAL)INFINITY)))
            FN(share_infinity)(tile, p->n, max[v], own, own_lo);
    }
    const int fill = p->where && FN(any_nan)(r, vectors);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const FN(share) share = FN(share_of)(r + v * FN(WIDTH), r_lo + v * FN(WIDTH));
        const ptrdiff_t at = first + v * FN(WIDTH), left = some - v * FN(WIDTH);
        const int across = p->out_form == LSE_BY_COLUMNS && left >= FN(WIDTH);
        REAL *tile = tiles + v * p->n * FN(WIDTH);
        char *to = across ? p->out + p->out_at[at] : NULL;
        for (ptrdiff_t i = 0; i < p->n; i++) {
            const V own = FN(times)(VF(load)(tile + i * FN(WIDTH)), &share);
            VF(store)(across ? to + p->out_offset[i] : (char *)(tile + i * FN(WIDTH)), own);
        }
        FN(mapped_out)(p, at, left < FN(WIDTH) ? left : FN(WIDTH), across, fill, 0, tile);
    }
    if (p->out_form == LSE_BY_LINES) FN(lines_out)(p, first, some, tiles);
}

static void FN(log_softmax_group)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tiles)
{
    lse_results results;
    V max[FN(PER_GROUP)];
    ask_ahead ask = FN(ask_after)(p, first, some, 1);
    const ptrdiff_t vectors = FN(whole_vectors)(some) / FN(WIDTH);
    if (!FN(near_tiles_in)(p, first, some, tiles, max))
        for (ptrdiff_t v = 0; v < vectors; v++) max[v] = FN(approach_to)(max[v], (double)NAN).max;
    FN(log_values_of_tiles)(tiles, p->n, max, vectors, &ask, &results);
    const int fill = p->where && any_nan_result(results.value_lo, vectors * FN(WIDTH));
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const ptrdiff_t at = first + v * FN(WIDTH), left = some - v * FN(WIDTH);
        const int across = p->out_form == LSE_BY_COLUMNS && left >= FN(WIDTH);
        REAL *tile = tiles + v * p->n * FN(WIDTH);
        char *to = across ? p->out + p->out_at[at] : NULL;
        for (ptrdiff_t i = 0; i < p->n; i++) {
            char *line = (char *)(tile + i * FN(WIDTH)), *target = across ? to + p->out_offset[i] : line;
            LSE_UNROLL for (int h = 0; h < FN(WIDTH); h += vf64_width)
                FN(log_softmax)(line + (size_t)h * sizeof(REAL), target + (size_t)h * sizeof(REAL),
                                vf64_load(results.value + v * FN(WIDTH) + h),
                                vf64_load(results.value_lo + v * FN(WIDTH) + h));
        }
        FN(mapped_out)(p, at, left < FN(WIDTH) ? left : FN(WIDTH), across, fill, -(REAL)INFINITY, tile);
    }
    if (p->out_form == LSE_BY_LINES) FN(lines_out)(p, first, some, tiles);
}

/* The rows of a panel one by one, which have no mask. */
static void FN(softmax_rows_of)(const lse_panel *p)
{
    REAL copy[LSE_SHORT];
    for (ptrdiff_t k = 0; k < p->count; k++) {
        const char *x = p->x + p->at[k];
        char *out = p->out + p->out_at[k];
        REAL max = FN(run_max)(x, p->n);
        const int infinite = max == (REAL)INFINITY;
        x = FN(near_row)(x, p->n, &max, (double)NAN, copy);
        if (infinite) FN(share_infinity_of_row)(copy, p->n, out);
        else FN(softmax_run)(x, out, p->n, max);
    }
}

static void FN(log_softmax_rows_of)(const lse_panel *p)
{
    REAL max[LSE_BATCH], copy[LSE_SHORT];
    lse_results results;
    for (ptrdiff_t k = 0; k < p->count; k++) max[k] = FN(run_max)(p->x + p->at[k], p->n);
    FN(log_values_of_rows)(p, max, &results);
    for (ptrdiff_t k = 0; k < p->count; k++) {
        const char *x = FN(near_row)(p->x + p->at[k], p->n, &max[k], (double)NAN, copy);
        FN(map_block)(x, p->out + p->out_at[k], p->n, &results, k, 1);
    }
}

LSE_INLINE void FN(map_panel)(const lse_panel *p, const int log)
{
    REAL tiles[FN(PER_GROUP) *FN(STAGE)];
    const ptrdiff_t longest = log && F_IS_DOUBLE ? 128 : 63; /* above that rows are faster one by one */
    if (p->out_form == LSE_BY_ROWS && FN(one_by_one)(p, longest)) {
        (log ? FN(log_softmax_rows_of) : FN(softmax_rows_of))(p);
        return;
    }
    const ptrdiff_t step = FN(group_step)(p);
    for (ptrdiff_t k = 0, some; k < p->count; k += some) {
        some = p->count - k < step ? p->count - k : step;
        (log ? FN(log_softmax_group) : FN(softmax_group))(p, k, some, tiles);
    }
}

static void FN(softmax_panel)(const lse_panel *p) { FN(map_panel)(p, 0); }
static void FN(log_softmax_panel)(const lse_panel *p) { FN(map_panel)(p, 1); }
