/* exp(x - y) and x - y of neighbouring columns, row by row, included once for each F.
 *
 * Adjacent rows of `count` columns without gaps are processed as one run; otherwise one row at a time is, or a copy of
 * several. The results of the columns repeat every `count` elements, and every period in whole vectors. */

enum { FN(PERIOD) = FN(PANEL) * VF(width), FN(TARGETS) = FN(PERIOD) > LSE_WIDE ? FN(PERIOD) : LSE_WIDE }; /* at most */

LSE_INLINE ptrdiff_t FN(period_of)(ptrdiff_t count)
{
    const ptrdiff_t factor = count & -count;
    return factor < VF(width) ? count / factor * VF(width) : count;
}

LSE_INLINE int FN(is_column_run)(const lse_layout *layout, ptrdiff_t count)
{ return layout->ndim == 1 && layout->stride[0] == count * (ptrdiff_t)sizeof(REAL); }

/* Whether rows of this many columns are best processed as one run. */
LSE_INLINE int FN(are_one_run)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout,
                               ptrdiff_t count)
{
    const int whole = count % VF(width) == 0 || count <= FN(PANEL);
    return whole && !row->where && FN(is_column_run)(layout, count) && FN(is_column_run)(out_layout, count);
}

/* Copies `count` columns of n rows element by element: a row is too short for memcpy to pay. */
LSE_INLINE void FN(copy_columns)(const char *from, ptrdiff_t pitch, char *to, ptrdiff_t to_pitch, ptrdiff_t n,
                                 ptrdiff_t count)
{
    for (ptrdiff_t c = 0; c < count; c++, from += sizeof(REAL), to += sizeof(REAL))
        for (ptrdiff_t r = 0; r < n; r++) memcpy(to + r * to_pitch, from + r * pitch, sizeof(REAL));
}

/* Rows start .. start + n as a run, in place or in the buffer. */
LSE_INLINE const char *FN(fetch_columns)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                         ptrdiff_t count, REAL *buffer)
{
    const ptrdiff_t pitch = count * (ptrdiff_t)sizeof(REAL);
    const char *x = element(layout, layout->stride, row->x, start);
    if (row->where && count >= FN(NARROW)) {
        FN(masked_lines)(layout, row, start, n, count, buffer, pitch);
        return (const char *)buffer;
    }
    if (n > 1 && !FN(is_column_run)(layout, count)) {
        if (layout->ndim == 1) FN(copy_columns)(x, layout->stride[0], (char *)buffer, pitch, n, count);
        for (ptrdiff_t r = 0; r < n && layout->ndim != 1; r++)
            memcpy(buffer + r * count, element(layout, layout->stride, row->x, start + r), (size_t)pitch);
        x = (const char *)buffer;
    }
    if (row->where) {
        char copy[FN(NARROW) * LSE_SHORT];
        FN(mask_run)(x, mask_lines(layout, row, start, n, count, copy), 1, n * count, -(REAL)INFINITY, buffer);
        x = (const char *)buffer;
    }
    return x;
}

/* Where to write the results of these rows: in place, or in the buffer, from which scatter_columns copies them. */
LSE_INLINE char *FN(place_of_columns)(const lse_layout *out_layout, char *out, ptrdiff_t start, ptrdiff_t n,
                                      ptrdiff_t count, REAL *buffer)
{
    return n == 1 || FN(is_column_run)(out_layout, count)
               ? (char *)element(out_layout, out_layout->stride, out, start)
               : (char *)buffer;
}

LSE_INLINE void FN(scatter_columns)(const lse_layout *out_layout, char *out, ptrdiff_t start, ptrdiff_t n,
                                    ptrdiff_t count, const char *from, const REAL *buffer)
{
    const ptrdiff_t pitch = count * (ptrdiff_t)sizeof(REAL);
    char *to = (char *)element(out_layout, out_layout->stride, out, start);
    if (from != (const char *)buffer) return;
    if (out_layout->ndim == 1) FN(copy_columns)(from, pitch, to, out_layout->stride[0], n, count);
    for (ptrdiff_t r = 0; r < n && out_layout->ndim != 1; r++)
        memcpy((char *)element(out_layout, out_layout->stride, out, start + r), buffer + r * count, (size_t)pitch);
}

/* The results for each element of a period: y and y_lo for log-softmax, bias to scale_lo for softmax. Elements of
 * distant columns are brought near first: less shift, 0 from top on. */
typedef struct {
    int distant;
    REAL top[FN(TARGETS)], shift[FN(TARGETS)];
    REAL bias[FN(TARGETS)], floor[FN(TARGETS)], scale[FN(TARGETS)], scale_lo[FN(TARGETS)];
    double y[FN(TARGETS)], y_lo[FN(TARGETS)];
} FN(targets);

LSE_INLINE void FN(targets_for)(const lse_wide_results *results, ptrdiff_t count, ptrdiff_t period, const int log,
                                FN(targets) *t)
{
    t->distant = 0;
    for (ptrdiff_t i = 0; i < count; i++) t->distant |= results->shift[i] != 0.0;
    for (ptrdiff_t i = 0; i < count && t->distant; i++) {
        const REAL shift = (REAL)results->shift[i];
        t->shift[i] = shift;
        t->top[i] = shift == 0 ? (REAL)NAN : shift;
    }
    for (ptrdiff_t i = count; i < period && t->distant; i++) {
        t->shift[i] = t->shift[i - count];
        t->top[i] = t->top[i - count];
    }
    for (ptrdiff_t i = 0; i < count && log; i++) {
        t->y[i] = results->value[i];
        t->y_lo[i] = results->value_lo[i];
    }
    for (ptrdiff_t i = 0; i < count && !log; i++) {
        const FN(target) own = FN(target_for)(results->scale[i], results->scale_lo[i], results->anchor[i]);
        t->bias[i] = own.bias;
        t->floor[i] = own.floor;
        t->scale[i] = own.scale;
        t->scale_lo[i] = own.scale_lo;
    }
    for (ptrdiff_t i = count; i < period && log; i++) {
        t->y[i] = t->y[i - count];
        t->y_lo[i] = t->y_lo[i - count];
    }
    for (ptrdiff_t i = count; i < period && !log; i++) {
        t->bias[i] = t->bias[i - count];
        t->floor[i] = t->floor[i - count];
        t->scale[i] = t->scale[i - count];
        t->scale_lo[i] = t->scale_lo[i - count];
    }
}

/* Maps a vector at position `at` of a period. */
LSE_INLINE void FN(map_vector)(const char *x, char *out, const FN(targets) *t, ptrdiff_t at, const int log)
{
    if (log) {
        LSE_UNROLL for (int part = 0; part < VF(width); part += vf64_width)
            FN(log_softmax)(x + (size_t)part * sizeof(REAL), out + (size_t)part * sizeof(REAL),
                            vf64_load(t->y + at + part), vf64_load(t->y_lo + at + part));
    } else {
        V v = VF(load)(x);
        FN(softmax)(&v, 1, VF(load)(t->bias + at), VF(load)(t->floor + at), VF(load)(t->scale + at),
                    VF(load)(t->scale_lo + at));
        VF(store)(out, v);
    }
}

LSE_INLINE ptrdiff_t FN(next_place)(ptrdiff_t at, ptrdiff_t period)
{ return at + VF(width) == period ? 0 : at + VF(width); }

/* Brings a run of n elements near, in a copy, which may be the run itself. */
LSE_INLINE void FN(bring_columns_near)(const char *x, ptrdiff_t n, const FN(targets) *t, ptrdiff_t period, REAL *copy)
{
    for (ptrdiff_t at = 0; n > 0; n -= VF(width), x += sizeof(V), copy += VF(width)) {
        const V own = VF(load_some)(x, n, VF(set)(0)), less = VF(sub)(own, VF(load)(t->shift + at));
        VF(store_some)(copy, n, VF(select)(own, VF(load)(t->top + at), VF(set)(0), less));
        at = FN(next_place)(at, period);
    }
}

/* Maps a run of n elements. */
LSE_INLINE void FN(map_run)(const char *x, char *out, ptrdiff_t n, const FN(targets) *t, ptrdiff_t period,
                            const int log)
{
    REAL last[VF(width)];
    ptrdiff_t at = 0;
    for (; n >= VF(width); n -= VF(width), x += sizeof(V), out += sizeof(V)) {
        LSE_PREFETCH_OUT(out + LSE_AHEAD / 2);
        FN(map_vector)(x, out, t, at, log);
        at = FN(next_place)(at, period);
    }
    if (n == 0) return;
    VF(store)(last, VF(load_some)(x, n, VF(set)(0)));
    FN(map_vector)((const char *)last, (char *)last, t, at, log);
    VF(store_some)(out, n, VF(load)(last));
}

LSE_INLINE void FN(map_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_wide_results *results,
                                const int log)
{
    const ptrdiff_t pitch = count * (ptrdiff_t)sizeof(REAL);
    const int all = FN(are_one_run)(layout, row, out_layout, count), one_by_one = !all && count >= FN(NARROW);
    const ptrdiff_t period = one_by_one ? FN(whole_vectors)(count) : FN(period_of)(count);
    REAL buffer[FN(BLOCK)];
    FN(targets) t;
    FN(targets_for)(results, count, period, log, &t);
    const ptrdiff_t copied = FN(BLOCK) / count < LSE_SHORT ? FN(BLOCK) / count : LSE_SHORT;
    const ptrdiff_t together = all && !t.distant ? n : one_by_one && !row->where ? 1 : copied;
    for (ptrdiff_t done = 0; done < n; done += together) {
        const ptrdiff_t at = start + done, some = n - done < together ? n - done : together;
        const char *x = FN(fetch_columns)(layout, row, at, some, count, buffer);
        for (ptrdiff_t r = 0; r < some && one_by_one; r++, x += pitch) {
            if (t.distant) FN(bring_columns_near)(x, count, &t, period, buffer + r * count);
            FN(map_run)(t.distant ? (const char *)(buffer + r * count) : x,
                        (char *)element(out_layout, out_layout->stride, out, at + r), count, &t, period, log);
        }
        if (one_by_one) continue;
        if (t.distant) {
            FN(bring_columns_near)(x, some * count, &t, period, buffer);
            x = (const char *)buffer;
        }
        char *to = FN(place_of_columns)(out_layout, out, at, some, count, buffer);
        FN(map_run)(x, to, some * count, &t, period, log);
        FN(scatter_columns)(out_layout, out, at, some, count, to, buffer);
    }
}

static void FN(softmax_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_wide_results *results)
{
    FN(map_columns)(layout, row, out_layout, out, start, n, count, results, 0);
}

static void FN(log_softmax_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout,
                                    char *out, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                                    const lse_wide_results *results)
{
    FN(map_columns)(layout, row, out_layout, out, start, n, count, results, 1);
}
