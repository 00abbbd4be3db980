/* Rows as contiguous runs of F, and the reverse, included once for each F. */

/* Transposing -------------------------------------------------------------------------------------------------- */

/* One step: rotates the index of an element among all of v by one bit, the last to the front. */
LSE_INLINE void FN(rotate)(V *v, const int count)
{
    V w[VF(width)];
    LSE_UNROLL for (int i = 0; i < count / 2; i++) {
        w[i] = VF(evens)(v[2 * i], v[2 * i + 1]);
        w[count / 2 + i] = VF(odds)(v[2 * i], v[2 * i + 1]);
    }
    LSE_UNROLL for (int i = 0; i < count; i++) v[i] = w[i];
}

/* Transposes VF(width) rows of `length` elements, one after another in v, to `length` lines of VF(width); length is a
 * power of two. */
LSE_INLINE void FN(turn)(V *v, const int length)
{
    LSE_UNROLL for (int side = 1; side < length; side *= 2) FN(rotate)(v, length);
}

/* The reverse. */
LSE_INLINE void FN(turn_back)(V *v, const int length)
{
    LSE_UNROLL for (int side = 1; side < VF(width) && length > 1; side *= 2) FN(rotate)(v, length);
}

/* A square of a matrix, of which `tall` runs of `wide` elements are there. */
LSE_INLINE void FN(transpose_square)(const char *from, ptrdiff_t pitch, ptrdiff_t tall, ptrdiff_t wide, char *to,
                                     ptrdiff_t to_pitch)
{
    V v[VF(width)];
    for (int k = 0; k < VF(width); k++) v[k] = VF(load_some)(from + k * pitch, k < tall ? wide : 0, VF(set)(0));
    FN(turn)(v, VF(width));
    for (int k = 0; k < wide; k++) VF(store_some)(to + k * to_pitch, tall, v[k]);
}

/* `wide` columns, a constant and a power of two, of at least VF(width) rows; the last of these may be copied twice. */
LSE_INLINE void FN(transpose_strip)(const char *from, ptrdiff_t pitch, ptrdiff_t rows, const int wide, char *to,
                                    ptrdiff_t to_pitch)
{
    ptrdiff_t at[VF(width)];
    for (int k = 0; k < VF(width); k++) at[k] = k * pitch;
    for (ptrdiff_t i = 0; i < rows; i += VF(width)) {
        const ptrdiff_t row = i + VF(width) <= rows ? i : rows - VF(width);
        const char *first = from + row * pitch;
        V v[VF(width)];
        LSE_UNROLL for (int k = 0; k < wide; k++)
            v[k] = wide == VF(width) ? VF(load)(first + at[k])
                                     : VF(load_pieces)(first, at + k * (VF(width) / wide), wide);
        FN(turn)(v, wide);
        LSE_UNROLL for (int k = 0; k < wide; k++) VF(store)(to + k * to_pitch + row * (ptrdiff_t)sizeof(REAL), v[k]);
    }
}

/* Element j of run i of a matrix becomes element i of run j of another one; runs are `pitch` bytes apart. Strips of
 * columns, of some rows at a time, which stay in the cache; few rows are parts of squares, or copied element by element.
 * The last strip or square overlaps the one before. */
static void FN(transpose)(const char *from, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t columns, char *to,
                          ptrdiff_t to_pitch)
{
    enum { SIDE = VF(width), ROWS = 192 };
    const ptrdiff_t size = sizeof(REAL);
    ptrdiff_t wide = SIDE;
    if (rows < SIDE) {
        const ptrdiff_t some = columns < SIDE ? columns : SIDE;
        for (ptrdiff_t j = 0; 2 * rows * some >= SIDE * SIDE && j < columns; j += SIDE) {
            const ptrdiff_t column = j + some <= columns ? j : columns - some;
            FN(transpose_square)(from + column * size, pitch, rows, some, to + column * to_pitch, to_pitch);
        }
        for (ptrdiff_t i = 0; 2 * rows * some < SIDE * SIDE && i < rows; i++)
            for (ptrdiff_t j = 0; j < columns; j++)
                memcpy(to + j * to_pitch + i * size, from + i * pitch + j * size, sizeof(REAL));
        return;
    }
    while (wide > columns) wide /= 2;
    for (ptrdiff_t i = 0, some; i < rows; i += some) {
        some = rows - i < ROWS + SIDE ? rows - i : ROWS;
        for (ptrdiff_t j = 0; j < columns; j += wide) {
            const ptrdiff_t column = j + wide <= columns ? j : columns - wide;
            const char *strip = from + i * pitch + column * size;
            char *target = to + column * to_pitch + i * size;
            if (wide == SIDE) FN(transpose_strip)(strip, pitch, some, SIDE, target, to_pitch);
            else if (2 * wide == SIDE) FN(transpose_strip)(strip, pitch, some, SIDE / 2, target, to_pitch);
            else if (4 * wide == SIDE) FN(transpose_strip)(strip, pitch, some, SIDE / 4, target, to_pitch);
            else if (8 * wide == SIDE) FN(transpose_strip)(strip, pitch, some, SIDE / 8, target, to_pitch);
            else FN(transpose_strip)(strip, pitch, some, 1, target, to_pitch);
        }
    }
}

/* Gathering ---------------------------------------------------------------------------------------------------- */

/* The axis before the last one whose elements are neighbours in memory, of F; -1 if there is none. */
LSE_INLINE int FN(lines_of)(const lse_layout *layout, const ptrdiff_t *strides, int native)
{
    int axis = layout->ndim - 2;
    while (axis >= 0 && strides[axis] != (ptrdiff_t)sizeof(REAL)) axis--;
    return native ? axis : -1;
}

/* Elements first .. first + n, in the order of the indices, of one index of all axes before that of the lines; w is at
 * element 0. A run of the last axis is a row of a matrix whose columns are lines: those of the first one are
 * `top` and on from element `from` on, and those of the last one up to `end`, and that one too before element `until`. */
static void FN(turn_block)(const lse_layout *layout, const ptrdiff_t *strides, ptrdiff_t inner, walk *w,
                           ptrdiff_t first, ptrdiff_t n, REAL *run, int back)
{
    const int last = layout->ndim - 1;
    const ptrdiff_t length = layout->shape[last], stride = strides[last], size = sizeof(REAL);
    const ptrdiff_t top = first / inner, from = first % inner, end = (first + n) / inner, until = (first + n) % inner;
    for (ptrdiff_t at = 0, next; at < inner; at = next) {
        const ptrdiff_t low = at < from ? top + 1 : top, high = at < until ? end + 1 : end;
        const ptrdiff_t within = at % length;
        next = at - within + length;
        if (at < from && from < next) next = from;
        if (at < until && until < next) next = until;
        if (at > 0 && within == 0) walk_on(w, layout, strides);
        if (high <= low) continue;
        char *line = (char *)(uintptr_t)w->at + within * stride + low * size;
        char *own = (char *)(run + low * inner + at - first);
        if (back) FN(transpose)(own, inner * size, high - low, next - at, line, stride);
        else FN(transpose)(line, stride, next - at, high - low, own, inner * size);
    }
}

/* How many elements of the axes after this one there are for each of it. */
LSE_INLINE ptrdiff_t FN(inner_of)(const lse_layout *layout, int axis)
{
    ptrdiff_t inner = 1;
    while (++axis < layout->ndim) inner *= layout->shape[axis];
    return inner;
}

/* Elements start .. start + n to a run, or back, where those along that axis are neighbours: a line of the cache of them
 * at a time, or four where their runs are long. */
static void FN(turn_lines)(const lse_layout *layout, const ptrdiff_t *strides, int axis, const char *base,
                           ptrdiff_t start, ptrdiff_t n, REAL *run, int back)
{
    const ptrdiff_t inner = FN(inner_of)(layout, axis), all = inner * layout->shape[axis];
    const ptrdiff_t block = inner * (inner > 2048 ? 256 : 64) / (ptrdiff_t)sizeof(REAL);
    for (ptrdiff_t done = 0, some; done < n; done += some) {
        const ptrdiff_t first = (start + done) % all, next = first - first % block + block;
        const ptrdiff_t left = (next < all ? next : all) - first;
        walk w;
        some = n - done < left ? n - done : left;
        walk_from(&w, layout, strides, base, start + done - first);
        FN(turn_block)(layout, strides, inner, &w, first, some, run + done, back);
    }
}

LSE_INLINE void FN(repeat_element)(const char *from, ptrdiff_t n, REAL *to)
{
    REAL x;
    memcpy(&x, from, sizeof x);
    for (ptrdiff_t i = 0; i < n; i++) to[i] = x;
}

/* Elements start .. start + n of what lies at base with these strides, where they lie if that is one run of F, else
 * in a buffer. */
LSE_INLINE const char *FN(gather)(const lse_layout *layout, const ptrdiff_t *strides, int native, lse_load load,
                                  const char *base, ptrdiff_t start, ptrdiff_t n, REAL *to)
{
    const int last = layout->ndim - 1;
    const ptrdiff_t length = last >= 0 ? layout->shape[last] : 1, stride = last >= 0 ? strides[last] : 0;
    const int runs = native && stride == (ptrdiff_t)sizeof(REAL);
    const int lines = runs ? -1 : FN(lines_of)(layout, strides, native);
    if (runs && length - start % length >= n) return element(layout, strides, base, start);
    if (lines >= 0 && n >= 2 * FN(inner_of)(layout, lines)) {
        FN(turn_lines)(layout, strides, lines, base, start, n, to, 0);
        return (const char *)to;
    }
    walk w;
    walk_from(&w, layout, strides, base, start);
    for (ptrdiff_t done = 0, run; done < n; done += run) {
        if (done > 0) walk_on(&w, layout, strides);
        run = walk_run(&w, last, length, n - done);
        if (runs) memcpy(to + done, w.at, (size_t)run * sizeof(REAL));
        else if (native && stride == 0) FN(repeat_element)(w.at, run, to + done);
        else load(w.at, stride, run, to + done);
    }
    return (const char *)to;
}

/* The reverse, for an output that is not contiguous. */
LSE_INLINE void FN(scatter)(const lse_layout *layout, char *base, ptrdiff_t start, ptrdiff_t n, const REAL *from)
{
    const int last = layout->ndim - 1;
    const ptrdiff_t length = last >= 0 ? layout->shape[last] : 1, stride = last >= 0 ? layout->stride[last] : 0;
    const int lines = FN(lines_of)(layout, layout->stride, layout->native);
    if (lines >= 0 && n >= 2 * FN(inner_of)(layout, lines)) {
        FN(turn_lines)(layout, layout->stride, lines, base, start, n, (REAL *)(uintptr_t)from, 1);
        return;
    }
    walk w;
    walk_from(&w, layout, layout->stride, base, start);
    for (ptrdiff_t done = 0, run; done < n; done += run) {
        if (done > 0) walk_on(&w, layout, layout->stride);
        run = walk_run(&w, last, length, n - done);
        layout->store((char *)(uintptr_t)w.at, stride, run, from + done);
    }
}

/* Bytes of a mask, in whole vectors, that are gathered before the first of them are used: they are not in the cache at
 * once. */
enum { FN(MASKED) = 512 };

/* out[i] = from[i], or absent where it is left out; the two may be one. Nothing branches on what a mask says of one
 * element. */
LSE_INLINE void FN(mask_run)(const char *from, const char *where, ptrdiff_t stride, ptrdiff_t n, REAL absent, void *out)
{
    enum { STEP = 256 / sizeof(REAL) };
    const V none = VF(set)(absent);
    char *to = (char *)out;
    if (stride == 0 && n > 1) { /* one mask byte for all elements */
        if (*where && to != from) memcpy(to, from, (size_t)n * sizeof(REAL));
        for (; n > 0 && !*where; n -= VF(width), to += sizeof(V)) VF(store_some)(to, n, none);
        return;
    }
    for (; n >= STEP && stride == 1; n -= STEP, from += 256, where += STEP, to += 256) {
        for (int line = 0; line < 256; line += 64) LSE_PREFETCH(from + LSE_AHEAD + line);
        LSE_PREFETCH(where + LSE_AHEAD / (int)sizeof(REAL));
        for (int i = 0; i < STEP; i += VF(width))
            VF(store)(to + (size_t)i * sizeof(REAL),
                      VF(where)(where + i, VF(load)(from + (size_t)i * sizeof(REAL)), none));
    }
    for (; VF(width) > 1 && n >= VF(width) && stride == 1; n -= VF(width), from += sizeof(V), to += sizeof(V)) {
        VF(store)(to, VF(where)(where, VF(load)(from), none));
        where += VF(width);
    }
    for (ptrdiff_t some; n > 0; n -= some, from += some * (ptrdiff_t)sizeof(REAL), where += some * stride) {
        char run[FN(MASKED) + VF(width)];
        some = n < FN(MASKED) ? n : FN(MASKED);
        memset(run + some, 0, VF(width));
        for (ptrdiff_t i = 0; i < some && some < 64; i++) run[i] = where[i * stride];
        if (some >= 64) lse_load_bytes(where, stride, some, run);
        for (ptrdiff_t i = 0; i < some; i += VF(width), to += sizeof(V)) {
            const V own = VF(load_some)(from + (size_t)i * sizeof(REAL), some - i, none);
            VF(store_some)(to, some - i, VF(where)(run + i, own, none));
        }
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

/* Rows start .. start + n of `count` neighbouring columns, excluded elements -inf, to rows `pitch` bytes apart, which
 * may be the same ones. */
static void FN(masked_lines)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                             ptrdiff_t count, void *out, ptrdiff_t pitch)
{
    enum { MOST = 4096 };
    const ptrdiff_t step = layout->where_step;
    const int turned = step != 0 && step != 1 && layout->ndim == 1 && layout->where_stride[0] == 1;
    char *to = (char *)out, copy[MOST];
    for (ptrdiff_t done = 0, some; done < n; done += some) {
        some = turned && n - done > MOST / count ? MOST / count : n - done;
        const char *lines = turned ? mask_lines(layout, row, start + done, some, count, copy) : NULL;
        for (ptrdiff_t r = start + done; r < start + done + some; r++, to += pitch) {
            const char *where = turned ? lines : element(layout, layout->where_stride, row->where, r);
            FN(mask_run)(element(layout, layout->stride, row->x, r), where, turned ? 1 : step, count, -(REAL)INFINITY,
                         to);
            if (turned) lines += count;
        }
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

/* The same to memory of the caller. */
static void FN(copy_row)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, void *to)
{
    const char *from = FN(fetch)(layout, row, start, n, 0, (REAL *)to);
    if (from != (const char *)to) memcpy(to, from, (size_t)n * sizeof(REAL));
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
