/* A few neighbouring columns of more than LSE_SHORT elements, included once for each F: transposed into runs, a block
 * at a time, and summed as rows, because side by side they would not fill a vector. */

/* Rows that are packed before they are transposed, so that stores are not loaded at once. */
enum { FN(PACKED) = 128 };

/* Transposes whole vectors of `wide` neighbouring columns, a constant, and stores the first `count` of them as runs;
 * returns how many rows that were. If it reads more columns than it stores, at least one more row follows. */
LSE_INLINE ptrdiff_t FN(turn_columns)(const char *x, ptrdiff_t pitch, ptrdiff_t n, const int wide, ptrdiff_t count,
                                      ptrdiff_t length, REAL *runs)
{
    REAL packed[FN(PACKED) * 8];
    const ptrdiff_t whole = (n - (wide > count)) / FN(WIDTH) * FN(WIDTH), row = wide * (ptrdiff_t)sizeof(REAL);
    for (ptrdiff_t start = 0; start < whole; start += FN(PACKED)) {
        const ptrdiff_t some = whole - start < FN(PACKED) ? whole - start : FN(PACKED);
        const char *from = x + start * pitch;
        LSE_PREFETCH(from + LSE_AHEAD);
        if (pitch != row) {
            for (ptrdiff_t r = 0; r < some; r++) memcpy(packed + r * wide, from + r * pitch, (size_t)row);
            from = (const char *)packed;
        }
        for (ptrdiff_t i = 0; i < some; i += FN(WIDTH), from += FN(WIDTH) * row) {
            V v[FN(WIDTH)];
            LSE_UNROLL for (int r = 0; r < wide; r++) v[r] = VF(load)(from + (size_t)r * sizeof(V));
            FN(turn)(v, wide);
            LSE_UNROLL for (int c = 0; c < wide; c++)
                if (c < count) VF(store)(runs + c * length + start + i, v[c]);
        }
    }
    return whole;
}

/* Elements start .. start + n of each column, as runs of `length`. */
static void FN(runs_of)(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                        ptrdiff_t length, REAL *runs)
{
    const ptrdiff_t size = sizeof(REAL), pitch = layout->stride[0];
    const int plain = layout->ndim == 1 && pitch >= count * size;
    enum { STEP = FN(WIDTH) < 8 ? FN(WIDTH) : 8 };
    for (ptrdiff_t c = 0; c < count; c += STEP) {
        const ptrdiff_t some = count - c < STEP ? count - c : STEP;
        const char *x = first->x + start * pitch + c * size;
        ptrdiff_t done = 0;
        if (plain && FN(WIDTH) > 1) {
            REAL *to = runs + c * length;
            switch (some) {
            case 1: break;
            case 2: done = FN(turn_columns)(x, pitch, n, FN(WIDTH) < 2 ? 1 : 2, some, length, to); break;
            case 3:
            case 4: done = FN(turn_columns)(x, pitch, n, FN(WIDTH) < 4 ? 1 : 4, some, length, to); break;
            default: done = FN(turn_columns)(x, pitch, n, FN(WIDTH) < 8 ? 1 : 8, some, length, to);
            }
        }
        for (ptrdiff_t k = c; k < c + some && done < n; k++) {
            lse_row column = *first;
            REAL *to = runs + k * length + done;
            column.x += k * size;
            column.where = NULL;
            const char *from = FN(fetch)(layout, &column, start + done, n - done, 0, to);
            if (from != (const char *)to) memcpy(to, from, (size_t)((n - done) * size));
        }
        for (ptrdiff_t k = c; k < c + some && first->where; k++) {
            REAL *to = runs + k * length;
            FN(mask)(layout, first->where + k * layout->where_step, start, n, (const char *)to, -(REAL)INFINITY, to);
        }
    }
}

/* The sums of some columns, brought near to their maxima if these are known; BEYOND where they are not, and one may be
 * beyond the kernels; RISES, if that is asked, where one may be faint. */
static int FN(sum_narrow)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                          const REAL *known, int asks, FN(long_sum) *s)
{
    REAL runs[FN(BLOCK)];
    const ptrdiff_t length = FN(BLOCK) / count / LSE_SHORT * LSE_SHORT;
    for (ptrdiff_t c = 0; c < count; c++) {
        FN(long_start)(&s[c]);
        s[c].known = known != NULL;
        s[c].asks = asks;
    }
    for (ptrdiff_t done = 0; done < n; done += length) {
        const ptrdiff_t some = n - done < length ? n - done : length;
        FN(runs_of)(layout, row, start + done, some, count, length, runs);
        for (ptrdiff_t c = 0; c < count; c++) {
            REAL *run = runs + c * length;
            if (known && !FN(is_near)(known[c])) FN(bring_run_near)((const char *)run, some, known[c], 0.0, run);
            const int result = FN(add_blocks)(&s[c], (const char *)run, some);
            if (result != ADDED) return result;
        }
    }
    return ADDED;
}

/* The maxima of some columns. */
static void FN(narrow_maxima)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                              ptrdiff_t count, REAL *max)
{
    REAL runs[FN(BLOCK)];
    const ptrdiff_t length = FN(BLOCK) / count / LSE_SHORT * LSE_SHORT;
    for (ptrdiff_t c = 0; c < count; c++) max[c] = -(REAL)INFINITY;
    for (ptrdiff_t done = 0; done < n; done += length) {
        const ptrdiff_t some = n - done < length ? n - done : length;
        FN(runs_of)(layout, row, start + done, some, count, length, runs);
        for (ptrdiff_t c = 0; c < count; c++) {
            const REAL own = FN(run_max)((const char *)(runs + c * length), some);
            max[c] = own > max[c] ? own : max[c];
        }
    }
}

static void FN(narrow_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                               ptrdiff_t count, lse_states *states)
{
    FN(long_sum) s[FN(NARROW)];
    REAL max[FN(NARROW)];
    int result = FN(sum_narrow)(layout, row, start, n, count, NULL, F_IS_DOUBLE, s);
    if (result == RISES) {
        if (FN(sum_surely_faint_columns)(layout, row, start, n, count, states)) {
            fill_states(states, count);
            return;
        }
        result = FN(sum_narrow)(layout, row, start, n, count, NULL, 0, s);
    }
    const int plain = result != BEYOND;
    if (!plain) {
        FN(narrow_maxima)(layout, row, start, n, count, max);
        FN(sum_narrow)(layout, row, start, n, count, max, 0, s);
    }
    for (ptrdiff_t c = 0; c < count; c++) {
        FN(long_end)(&s[c], states, c);
        if (!plain && !FN(is_near)(max[c])) put_distant((double)max[c], states, c);
    }
    FN(sum_faint_columns)(layout, row, start, n, count, states);
    fill_states(states, count);
}

/* The layout of the weights as rows of their own. */
LSE_INLINE void FN(lay_out_weights)(const lse_layout *layout, lse_layout *weights)
{
    *weights = *layout;
    weights->native = layout->native_weight;
    weights->direct = layout->direct_weight;
    weights->load = layout->load_weight;
    for (int axis = 0; axis < layout->ndim; axis++) weights->stride[axis] = layout->weight_stride[axis];
}

/* Column `at` by itself. */
static void FN(weighted_column)(const lse_layout *layout, const lse_row *first, ptrdiff_t start, ptrdiff_t n,
                                ptrdiff_t at, lse_states *states)
{
    lse_row column = *first;
    column.x += at * (ptrdiff_t)sizeof(REAL);
    column.weight += at * layout->weight_step;
    if (column.where) column.where += at * layout->where_step;
    FN(weighted_row)(layout, &column, start, n, at, states);
}

/* The sums of columns less their shifts, if any, or strange ones; weights lie side by side too. */
static void FN(sum_narrow_weighted)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                    ptrdiff_t count, const REAL *shift, lse_states *states)
{
    const ptrdiff_t length = FN(BLOCK) / count / FN(QUAD) * FN(QUAD);
    const lse_row weight_row = {row->weight, NULL, NULL, row->n};
    REAL x[FN(BLOCK)], b[FN(BLOCK)]; /* with ones x is not read */
    FN(weighted_sum) s[FN(NARROW)];
    lse_layout weights;
    int lost = 0;
    FN(lay_out_weights)(layout, &weights);
    for (ptrdiff_t c = 0; c < count; c++) FN(weighted_start)(&s[c], layout->ones);
    for (ptrdiff_t done = 0; done < n && !lost; done += length) {
        const ptrdiff_t some = n - done < length ? n - done : length;
        if (!layout->ones) FN(runs_of)(layout, row, start + done, some, count, length, x);
        FN(runs_of)(&weights, &weight_row, start + done, some, count, length, b);
        lost = 1;
        for (ptrdiff_t c = 0; c < count; c++) {
            REAL *own = x + c * length;
            for (ptrdiff_t i = 0; i < some && shift; i++) own[i] -= shift[c];
            FN(add_weighted_block)(&s[c], (const char *)own, (const char *)(b + c * length), some, done == 0);
            lost &= FN(is_lost)(&s[c]);
        }
    }
    for (ptrdiff_t c = 0; c < count; c++) FN(weighted_end)(&s[c], c, states);
}

/* What not_finite finds in them. */
static void FN(look_at_narrow)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                               ptrdiff_t count, seen *found)
{
    const ptrdiff_t length = FN(BLOCK) / count / FN(QUAD) * FN(QUAD);
    const lse_row weight_row = {row->weight, NULL, NULL, row->n};
    const V none = VF(set)(-(REAL)INFINITY), zero = VF(set)(0);
    REAL x[FN(BLOCK)], b[FN(BLOCK)], each[VF(width)];
    V infinite[FN(NARROW)], max[FN(NARROW)];
    lse_layout weights;
    FN(lay_out_weights)(layout, &weights);
    memset(x, 0, layout->ones ? sizeof x : 0);
    for (ptrdiff_t c = 0; c < count; c++) infinite[c] = zero, max[c] = none;
    for (ptrdiff_t done = 0; done < n; done += length) {
        const ptrdiff_t some = n - done < length ? n - done : length;
        if (!layout->ones) FN(runs_of)(layout, row, start + done, some, count, length, x);
        FN(runs_of)(&weights, &weight_row, start + done, some, count, length, b);
        for (ptrdiff_t c = 0; c < count; c++)
            for (ptrdiff_t i = c * length; i < c * length + some; i += VF(width)) {
                const ptrdiff_t left = c * length + some - i;
                const V own = VF(load_some)(x + i, left, none), weight = VF(load_some)(b + i, left, zero);
                infinite[c] = VF(add)(infinite[c], FN(not_finite)(own, weight, &max[c]));
            }
    }
    for (ptrdiff_t c = 0; c < count; c++) {
        found[c] = (seen){0, (double)VF(greatest)(max[c])};
        VF(store)(each, infinite[c]);
        for (int i = 0; i < VF(width); i++) found[c].infinite += (double)each[i];
    }
}

/* Likewise with weights, where they lie side by side too; else one by one. */
static void FN(narrow_weighted_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                        ptrdiff_t count, lse_states *states)
{
    seen found[FN(NARROW)];
    REAL shift[FN(NARROW)];
    int again = 0, distant = 0;
    if (row->where || !layout->native_weight || layout->weight_step != (ptrdiff_t)sizeof(REAL)) {
        for (ptrdiff_t c = 0; c < count; c++) FN(weighted_column)(layout, row, start, n, c, states);
        return;
    }
    FN(sum_narrow_weighted)(layout, row, start, n, count, NULL, states);
    for (ptrdiff_t c = 0; c < count; c++) again |= FN(is_strange)(states, c);
    if (!again) return;
    FN(look_at_narrow)(layout, row, start, n, count, found);
    for (ptrdiff_t c = 0; c < count; c++) {
        shift[c] = (REAL)FN(shift_for)(found[c], states, c);
        distant |= shift[c] != 0;
    }
    if (distant) FN(sum_narrow_weighted)(layout, row, start, n, count, shift, states);
    for (ptrdiff_t c = 0; c < count; c++) put_weighted((double)shift[c], found[c].infinite, states, c);
}
