/* Rows as contiguous runs of F, and the reverse, included once for each F. */

/* Elements start .. start + n of the row at base with these strides: in place if they are a contiguous run of F,
 * otherwise copied to a buffer. */
LSE_INLINE const char *FN(gather)(const lse_layout *layout, const ptrdiff_t *strides, int native, lse_load load,
                                  const char *base, ptrdiff_t start, ptrdiff_t n, REAL *to)
{
    const int last = layout->ndim - 1;
    const ptrdiff_t length = last >= 0 ? layout->shape[last] : 1, stride = last >= 0 ? strides[last] : 0;
    const int runs = native && stride == (ptrdiff_t)sizeof(REAL);
    if (runs && length - start % length >= n) return element(layout, strides, base, start);
    walk w;
    walk_from(&w, layout, strides, base, start);
    for (ptrdiff_t done = 0, run; done < n; done += run) {
        if (done > 0) walk_on(&w, layout, strides);
        run = walk_run(&w, last, length, n - done);
        if (runs) memcpy(to + done, w.at, (size_t)run * sizeof(REAL));
        else load(w.at, stride, run, to + done);
    }
    return (const char *)to;
}

/* The reverse, for an output that is not contiguous. */
LSE_INLINE void FN(scatter)(const lse_layout *layout, char *base, ptrdiff_t start, ptrdiff_t n, const REAL *from)
{
    const int last = layout->ndim - 1;
    const ptrdiff_t length = last >= 0 ? layout->shape[last] : 1, stride = last >= 0 ? layout->stride[last] : 0;
    walk w;
    walk_from(&w, layout, layout->stride, base, start);
    for (ptrdiff_t done = 0, run; done < n; done += run) {
        if (done > 0) walk_on(&w, layout, layout->stride);
        run = walk_run(&w, last, length, n - done);
        layout->store((char *)(uintptr_t)w.at, stride, run, from + done);
    }
}

/* to[i] = from[i], or absent where it is excluded; from and to may be the same. */
LSE_INLINE void FN(mask_run)(const char *from, const char *where, ptrdiff_t stride, ptrdiff_t n, REAL absent, REAL *to)
{
    enum { STEP = 256 / sizeof(REAL) };
    const V none = VF(set)(absent);
    if (stride == 0 && n > 1) { /* one mask byte for all elements */
        if (to != (const void *)from) memcpy(to, from, (size_t)n * sizeof(REAL));
        for (ptrdiff_t i = 0; i < n && !*where; i++) to[i] = absent;
        return;
    }
    for (; n >= STEP && stride == 1; n -= STEP, from += 256, where += STEP, to += STEP) {
        for (int line = 0; line < 256; line += 64) LSE_PREFETCH(from + LSE_AHEAD + line);
        LSE_PREFETCH(where + LSE_AHEAD / (int)sizeof(REAL));
        for (int i = 0; i < STEP; i += VF(width))
            VF(store)(to + i, VF(where)(where + i, VF(load)(from + (size_t)i * sizeof(REAL)), none));
    }
    for (; VF(width) > 1 && n >= VF(width) && stride == 1; n -= VF(width), to += VF(width)) {
        VF(store)(to, VF(where)(where, VF(load)(from), none));
        from += sizeof(V);
        where += VF(width);
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        REAL x;
        memcpy(&x, from + (size_t)i * sizeof x, sizeof x);
        to[i] = where[i * stride] ? x : absent;
    }
}

LSE_INLINE void FN(mask)(const lse_layout *layout, const char *where, ptrdiff_t start, ptrdiff_t n, const char *from,
                         REAL absent, REAL *to)
{
    const int last = layout->ndim - 1;
    const ptrdiff_t length = last >= 0 ? layout->shape[last] : 1;
    const ptrdiff_t stride = last >= 0 ? layout->where_stride[last] : 0;
    walk w;
    walk_from(&w, layout, layout->where_stride, where, start);
    for (ptrdiff_t done = 0, run; done < n; done += run) {
        if (done > 0) walk_on(&w, layout, layout->where_stride);
        run = walk_run(&w, last, length, n - done);
        FN(mask_run)(from + (size_t)done * sizeof(REAL), w.at, stride, run, absent, to + done);
    }
}

/* Elements start .. start + n of a row as a contiguous run, in place or in the buffer. Excluded elements are -inf. */
LSE_INLINE const char *FN(fetch)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                 double shift, REAL *buffer)
{
    const char *from = layout->direct ? row->x + start * (ptrdiff_t)sizeof(REAL)
                                      : FN(gather)(layout, layout->stride, layout->native, layout->load, row->x, start,
                                                   n, buffer);
    if (row->where) {
        FN(mask)(layout, row->where, start, n, from, -(REAL)INFINITY, buffer);
        from = (const char *)buffer;
    }
    if (shift != 0) {
        const REAL by = (REAL)shift;
        for (ptrdiff_t i = 0; i < n; i++) {
            REAL x;
            memcpy(&x, from + (size_t)i * sizeof x, sizeof x);
            buffer[i] = x - by;
        }
        from = (const char *)buffer;
    }
    return from;
}

/* The same for its weights; excluded elements have weight 0. */
LSE_INLINE const char *FN(fetch_weights)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                         REAL *buffer)
{
    const char *from = layout->direct_weight
                           ? row->weight + start * (ptrdiff_t)sizeof(REAL)
                           : FN(gather)(layout, layout->weight_stride, layout->native_weight, layout->load_weight,
                                        row->weight, start, n, buffer);
    if (!row->where) return from;
    FN(mask)(layout, row->where, start, n, from, 0, buffer);
    return (const char *)buffer;
}
