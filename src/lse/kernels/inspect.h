/* What is written of rows with infinities or NaN, and read of those that cancel, included once for each F. All of these
 * are of elements start .. start + n of a row. */

static void FN(select_infinity)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, double at_infinity, double elsewhere)
{
    REAL buffer[FN(BLOCK)], result[FN(BLOCK)];
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *from = FN(fetch)(layout, row, start + done, some, 0, buffer);
        for (ptrdiff_t i = 0; i < some; i++) {
            REAL x;
            memcpy(&x, from + (size_t)i * sizeof x, sizeof x);
            result[i] = (REAL)(x == (REAL)INFINITY ? at_infinity : elsewhere);
        }
        FN(scatter)(out_layout, out, start + done, some, result);
    }
}

/* to[i] = 0, or -inf where element start + i is excluded. */
LSE_INLINE void FN(presence)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, REAL *to)
{
    memset(to, 0, (size_t)n * sizeof(REAL));
    FN(mask)(layout, row->where, start, n, (const char *)to, -(REAL)INFINITY, to);
}

static int FN(is_present)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n)
{
    const int last = layout->ndim - 1;
    const ptrdiff_t length = last >= 0 ? layout->shape[last] : 1;
    const ptrdiff_t stride = last >= 0 ? layout->where_stride[last] : 0;
    int found = 0;
    walk w;
    walk_from(&w, layout, layout->where_stride, row->where, start);
    for (ptrdiff_t done = 0, run; done < n && !found; done += run) {
        if (done > 0) walk_on(&w, layout, layout->where_stride);
        run = walk_run(&w, last, length, n - done);
        for (ptrdiff_t i = 0; i < (stride == 0 ? 1 : run); i++) found |= w.at[i * stride];
    }
    return found;
}

static void FN(select_present)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                               ptrdiff_t start, ptrdiff_t n, double present, double absent)
{
    REAL result[FN(BLOCK)];
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        FN(presence)(layout, row, start + done, some, result);
        for (ptrdiff_t i = 0; i < some; i++) result[i] = (REAL)(result[i] == 0 ? present : absent);
        FN(scatter)(out_layout, out, start + done, some, result);
    }
}

/* n elements and weights as doubles; the weight of an element left out is 0. */
static void FN(collect)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, double *x,
                        double *weight)
{
    REAL x_buffer[FN(BLOCK)], b_buffer[FN(BLOCK)];
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *from = FN(fetch_elements)(layout, row, start + done, some, 0, x_buffer);
        const char *weights = FN(fetch_weights)(layout, row, start + done, some, b_buffer);
        for (ptrdiff_t i = 0; i < some; i++) {
            REAL own, b;
            memcpy(&own, from + (size_t)i * sizeof own, sizeof own);
            memcpy(&b, weights + (size_t)i * sizeof b, sizeof b);
            x[done + i] = (double)own;
            weight[done + i] = (double)b;
        }
    }
}
