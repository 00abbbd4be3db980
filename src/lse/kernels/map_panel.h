/* Softmax and log-softmax of a panel (panel.h), included once for each F. */

static void FN(finish)(const lse_states *states, ptrdiff_t count, lse_results *results);

static int FN(softmax_group)(const lse_panel *p, ptrdiff_t first, ptrdiff_t some, REAL *tiles)
{
    REAL r[LSE_BATCH], r_lo[LSE_BATCH];
    const ptrdiff_t vectors = FN(whole_vectors)(some) / FN(WIDTH);
    V max[FN(PER_GROUP)];
    ask_ahead ask = FN(ask_after)(p, first, some, 1);
    FN(tiles_in)(p, first, some, tiles, max);
    if (!FN(are_near)(max, vectors)) return 0;
    for (ptrdiff_t v = 0; v < vectors; v++)
        FN(softmax_tile)(tiles + v * p->n * FN(WIDTH), p->n, max[v], &ask, r + v * FN(WIDTH), r_lo + v * FN(WIDTH));
    if (FN(any_nan)(r, vectors)) return 0;
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
    ask_ahead ask = FN(ask_after)(p, first, some, 1);
    FN(tiles_in)(p, first, some, tiles, max);
    for (ptrdiff_t v = 0; v * FN(WIDTH) < some; v++)
        FN(log_sum_tile)(tiles + v * p->n * FN(WIDTH), p->n, max[v], &ask, &states, v * FN(WIDTH));
    if (p->n == 1) { /* of one element the sum is the element */
        for (ptrdiff_t k = 0; k < FN(whole_vectors)(some); k++) results.value[k] = states.max[k] + 0.0; /* no -0 */
        memset(results.value_lo, 0, sizeof results.value_lo);
    } else {
        FN(finish)(&states, FN(whole_vectors)(some), &results);
    }
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
        if (!FN(is_near)(max) || !FN(softmax_run)(x, p->out + p->out_at[k], p->n, max)) break;
    }
    return k;
}

static ptrdiff_t FN(log_softmax_rows_of)(const lse_panel *p)
{
    lse_states states;
    lse_results results;
    ptrdiff_t k = 0;
    if (p->count < 1) return 0; /* gcc asks what states would be then */
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
