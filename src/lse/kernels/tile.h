/* Tiles: some rows turned, so that their sums lie side by side, included once for each F. */

LSE_INLINE ptrdiff_t FN(whole_vectors)(ptrdiff_t count)
{
    return (count + VF(width) - 1) / VF(width) * VF(width);
}

/* to[lane * columns + column] = from[column * lanes + lane], lanes a power of two: as many rounds as it has bits, each
 * of which brings the last bit of the index to the front. */
LSE_INLINE void FN(transpose)(const void *source, REAL *to, int lanes, ptrdiff_t columns)
{
    REAL other[LANES * FN(PANEL)];
    const char *from = (const char *)source;
    const ptrdiff_t half = lanes * columns / 2;
    int rounds = 0;
    while (1 << rounds < lanes) rounds++;
    for (; rounds > 0; rounds--) {
        REAL *out = rounds % 2 ? to : other;
        for (ptrdiff_t i = 0; i < half; i += VF(width)) {
            const size_t at = 2 * (size_t)i * sizeof(REAL);
            const V a = VF(load)(from + at), b = VF(load)(from + at + sizeof(V));
            VF(store)(out + i, VF(evens)(a, b));
            VF(store)(out + half + i, VF(odds)(a, b));
        }
        from = (const char *)out;
    }
}

/* Several rows of no more than LANES elements as the columns of a tile, filled up with elements that add
 * nothing; returns how many lanes it has. */
LSE_INLINE int FN(tile_of_rows)(const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n,
                                ptrdiff_t count, const double *shift, REAL *tile)
{
    REAL copy[LANES * FN(PANEL)], buffer[LANES];
    const ptrdiff_t columns = FN(whole_vectors)(count), pitch = n * (ptrdiff_t)sizeof(REAL);
    int lanes = 2, dense = layout->direct && !rows[0].where && !shift && count == columns;
    while (lanes < n) lanes *= 2;
    dense &= n == lanes && rows[0].n - start >= n;
    for (ptrdiff_t c = 1; c < count; c++)
        dense &= rows[c].x - rows[c - 1].x == pitch && rows[c].n == rows[0].n;
    if (dense) {
        const char *x = rows[0].x + start * (ptrdiff_t)sizeof(REAL);
        for (ptrdiff_t i = 0; i < pitch * count; i += 64) LSE_PREFETCH(x + LSE_AHEAD + i);
        FN(transpose)(x, tile, lanes, columns);
        return lanes;
    }
    for (ptrdiff_t i = 0; i < columns * lanes; i++) copy[i] = -(REAL)INFINITY;
    for (ptrdiff_t c = 0; c < count; c++) {
        const ptrdiff_t reach = reach_of(&rows[c], start, n);
        if (reach <= 0) continue;
        const char *x = FN(fetch)(layout, &rows[c], start, reach, shift ? shift[c] : 0, buffer);
        LSE_PREFETCH(x + LSE_AHEAD);
        memcpy(copy + c * lanes, x, (size_t)reach * sizeof(REAL));
    }
    FN(transpose)(copy, tile, lanes, columns);
    return lanes;
}
