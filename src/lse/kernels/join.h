/* From the lanes of rows to their states, included once for each F. Arrays hold element (lane, column) at
 * [lane * columns + column]. */

/* hi[0 .. stride) = the sums over hi[0 .. count) with stride `stride`, lo likewise what rounding lost. The tree is
 * fixed: halves are added element by element. */
LSE_INLINE void FN(sum_lanes)(REAL *restrict hi, REAL *restrict lo, ptrdiff_t count, ptrdiff_t stride)
{
    for (ptrdiff_t half = count / 2; half >= stride; half /= 2)
        for (ptrdiff_t i = 0; i < half; i++) {
            const REAL a = hi[i], b = hi[i + half], sum = a + b, of_b = sum - a;
            hi[i] = sum;
            lo[i] = lo[i] + lo[i + half] + ((a - (sum - of_b)) + (b - of_b));
        }
}

/* winners[0 .. stride) = the greatest of max[0 .. count) with stride `stride`, losers[stride .. count) = all others,
 * losers[0 .. stride) = -inf. Of a and b one wins and one loses even if unordered: NaN is not lost. */
LSE_INLINE void FN(knock_out)(const REAL *max, REAL *winners, REAL *losers,
                              const ptrdiff_t count, const ptrdiff_t stride)
{
    for (ptrdiff_t half = count / 2; half >= stride; half /= 2) {
        const REAL *in = half == count / 2 ? max : winners;
        if (half >= VF(width)) {
            for (ptrdiff_t i = 0; i < half; i += VF(width)) {
                const V a = VF(load)(in + i), b = VF(load)(in + i + half);
                VF(store)(winners + i, VF(max)(b, a));
                VF(store)(losers + i + half, VF(min)(a, b));
            }
        } else {
            for (ptrdiff_t i = 0; i < half; i++) {
                const REAL a = in[i], b = in[i + half];
                losers[i + half] = a < b ? a : b;
                winners[i] = b > a ? b : a;
            }
        }
    }
    if (count == stride) memcpy(winners, max, (size_t)count * sizeof(REAL));
    for (ptrdiff_t i = 0; i < stride; i++) losers[i] = -(REAL)INFINITY;
}

/* The columns' numbers that belong to elements i and on of an array of lanes by columns. */
LSE_INLINE V FN(of_column)(const REAL *x, const ptrdiff_t columns, ptrdiff_t i)
{
    return columns > 1 ? VF(load)(x + i % columns) : VF(set)(x[0]);
}

/* States of `columns` rows from their lanes: element (lane, column) stands at [lane * columns + column];
 * columns is 1 or a multiple of the width, and the arrays hold a whole vector at least. anchor: that of the
 * sums hi + lo, or hi is NULL where no lane has seen more than one element.
 *
 * The lanes' maxima play a knock-out; the exponential of every loser joins the sum. */
LSE_INLINE void FN(join)(const REAL *max, const REAL *hi, const REAL *lo, const double *anchor, const int lanes,
                         const ptrdiff_t columns, ptrdiff_t count, ptrdiff_t at, lse_states *states)
{
    REAL winners[LANES * FN(PANEL)], losers[LANES * FN(PANEL)], sum[LANES * FN(PANEL)], sum_lo[LANES * FN(PANEL)];
    REAL bias[LSE_BATCH], floor[LSE_BATCH], first[LSE_BATCH], second[LSE_BATCH];
    double top[LSE_BATCH], level[LSE_BATCH], up[LSE_BATCH], down[LSE_BATCH], down_more[LSE_BATCH];
    const ptrdiff_t total = lanes * columns;
    FN(knock_out)(max, winners, losers, total, columns);
    for (ptrdiff_t c = 0; c < columns; c++) top[c] = (double)winners[c];
    anchors(top, columns, FN(LSE_FAR), HEADROOM, level, up);
    for (ptrdiff_t c = 0; c < columns; c++) {
        bias[c] = FN(bias)(level[c]);
        floor[c] = FN(floor)(level[c]);
    }
    if (hi) {
        descents(anchor, level, columns, 1.0 - (double)EXP_BIAS, down, down_more);
        for (ptrdiff_t c = 0; c < columns; c++) {
            first[c] = (REAL)down[c];
            second[c] = (REAL)down_more[c];
        }
    }
    for (ptrdiff_t i = 0; i < total; i += VF(width)) {
        V t = VF(load)(losers + i), scale, h = VF(set)(0), l = VF(set)(0);
        FN(exp_parts)(&t, &scale, 1, FN(of_column)(bias, columns, i), FN(of_column)(floor, columns, i));
        if (hi) {
            const V one = FN(of_column)(first, columns, i), two = FN(of_column)(second, columns, i);
            h = VF(mul)(VF(mul)(VF(load)(hi + i), one), two);
            l = VF(mul)(VF(mul)(VF(load)(lo + i), one), two);
        }
        FN(add_parts)(&h, &l, scale, VF(mul)(scale, t));
        VF(store)(sum + i, h);
        VF(store)(sum_lo + i, l);
    }
    FN(sum_lanes)(sum, sum_lo, total, columns);
    for (ptrdiff_t c = 0; c < count; c++) {
        states->max[at + c] = top[c];
        states->tail[at + c] = (double)sum[c] * up[c];
        states->tail_lo[at + c] = (double)sum_lo[c] * up[c];
    }
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
