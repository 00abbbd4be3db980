/* exp(x - y) and x - y for y a finished result, included once for each F. */

/* What turns x into its softmax: e^x at an anchor, times scale + scale_lo; or into its log-softmax: x - y - y_lo. */
typedef struct {
    REAL bias, floor, scale, scale_lo, y, y_lo;
} FN(target);

LSE_INLINE FN(target) FN(target_for)(const lse_results *results, ptrdiff_t i)
{
    const double anchor = results->anchor[i] - HEADROOM, y = results->value[i];
    const double scale = results->scale[i] * pow2(-HEADROOM);
    FN(target) t;
    t.bias = FN(bias)(anchor);
    t.floor = FN(floor)(anchor);
    t.scale = (REAL)scale;
    t.scale_lo = (REAL)((scale - (double)t.scale) + results->scale_lo[i] * pow2(-HEADROOM));
    t.y = (REAL)y;
    t.y_lo = (REAL)((y - (double)t.y) + results->value_lo[i]);
    return t;
}

/* x[j] = e^x[j] (scale + scale_lo) for j < count, rounded once but for a quarter of an ulp. */
LSE_INLINE void FN(softmax)(V *x, const int count, V bias, V floor, V scale, V scale_lo)
{
    V power[4];
    FN(exp_parts)(x, power, count, bias, floor);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const V whole = VF(mul)(power[j], scale);
        x[j] = VF(add)(whole, VF(fma)(whole, x[j], VF(mul)(power[j], scale_lo)));
    }
}

/* x - (y + y_lo), rounded once but for the last bits of y_lo: what x - y loses is found by two-sum, which wants it
 * finite, so that an infinite x is put back at the end. */
LSE_INLINE V FN(log_softmax)(V x, V y, V y_lo)
{
    const V finite = VF(max)(VF(set)(LOWEST), x);
    const V d = VF(sub)(finite, y), of_y = VF(sub)(d, finite);
    const V lost = VF(sub)(VF(sub)(finite, VF(sub)(d, of_y)), VF(add)(y, of_y));
    return VF(add)(VF(add)(d, VF(sub)(lost, y_lo)), VF(sub)(x, finite));
}

static void FN(map_block)(const char *x, char *out, ptrdiff_t n, FN(target) t, const int log)
{
    const V bias = VF(set)(t.bias), floor = VF(set)(t.floor), scale = VF(set)(t.scale), scale_lo = VF(set)(t.scale_lo);
    const V y = VF(set)(t.y), y_lo = VF(set)(t.y_lo);
    enum { STEP = 4 * VF(width) };
    REAL rest[STEP];
    for (ptrdiff_t i = 0; i < n; i += STEP) {
        const ptrdiff_t left = n - i;
        const char *from = x + (size_t)i * sizeof(REAL);
        char *to = out + (size_t)i * sizeof(REAL);
        V v[4];
        for (size_t line = 0; line < STEP * sizeof(REAL); line += 64) LSE_PREFETCH_OUT(to + LSE_AHEAD / 2 + line);
        if (left < STEP) {
            for (int j = 0; j < STEP; j++) rest[j] = 0;
            memcpy(rest, from, (size_t)left * sizeof(REAL));
            from = (const char *)rest;
            to = (char *)rest;
        }
        LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = VF(load)(from + (size_t)j * sizeof(V));
        if (!log) FN(softmax)(v, 4, bias, floor, scale, scale_lo);
        else LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = FN(log_softmax)(v[j], y, y_lo);
        LSE_UNROLL for (int j = 0; j < 4; j++) VF(store)(to + (size_t)j * sizeof(V), v[j]);
        if (left < STEP) memcpy(out + (size_t)i * sizeof(REAL), rest, (size_t)left * sizeof(REAL));
    }
}

LSE_INLINE void FN(map_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, double shift, FN(target) t, const int log)
{
    REAL buffer[FN(BLOCK)], result[FN(BLOCK)];
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *x = FN(fetch)(layout, row, start + done, some, shift, buffer);
        if (out_layout->direct) {
            FN(map_block)(x, out + (start + done) * (ptrdiff_t)sizeof(REAL), some, t, log);
        } else {
            FN(map_block)(x, (char *)result, some, t, log);
            FN(scatter)(out_layout, out, start + done, some, result);
        }
    }
}

static void FN(softmax_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index)
{
    FN(map_row)(layout, row, out_layout, out, start, n, shift, FN(target_for)(results, index), 0);
}

static void FN(log_softmax_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results,
                                ptrdiff_t index)
{
    FN(map_row)(layout, row, out_layout, out, start, n, shift, FN(target_for)(results, index), 1);
}

/* Vectors of one row of a panel, four at a time; what does not fill a vector goes through a copy. */
LSE_INLINE void FN(map_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_results *results,
                                const int log)
{
    enum { STEP = 4 * VF(width) };
    REAL bias[FN(PANEL)], floor[FN(PANEL)], scale[FN(PANEL)], scale_lo[FN(PANEL)], rest[STEP];
    REAL y[FN(PANEL)], y_lo[FN(PANEL)], masked[FN(PANEL)];
    for (ptrdiff_t c = 0; c < FN(PANEL); c++) {
        const FN(target) t = FN(target_for)(results, c < count ? c : 0);
        bias[c] = t.bias;
        floor[c] = t.floor;
        scale[c] = t.scale;
        scale_lo[c] = t.scale_lo;
        y[c] = t.y;
        y_lo[c] = t.y_lo;
    }
    for (ptrdiff_t r = start; r < start + n; r++) {
        const char *x = element(layout, layout->stride, row->x, r);
        char *to_row = (char *)element(out_layout, out_layout->stride, out, r);
        if (row->where) {
            FN(mask_run)(x, element(layout, layout->where_stride, row->where, r), layout->where_step, count,
                         -(REAL)INFINITY, masked);
            x = (const char *)masked;
        }
        for (ptrdiff_t c = 0; c < count; c += STEP) {
            const size_t offset = (size_t)c * sizeof(REAL);
            const ptrdiff_t left = count - c;
            const char *from = x + offset;
            char *to = to_row + offset;
            V v[4];
            if (left < STEP) {
                for (int j = 0; j < STEP; j++) rest[j] = 0;
                memcpy(rest, from, (size_t)left * sizeof(REAL));
                from = (const char *)rest;
                to = (char *)rest;
            }
            LSE_UNROLL for (int j = 0; j < 4; j++) {
                const ptrdiff_t at = c + j * VF(width);
                v[j] = VF(load)(from + (size_t)j * sizeof(V));
                if (log)
                    v[j] = FN(log_softmax)(v[j], VF(load)(y + at), VF(load)(y_lo + at));
                else
                    FN(softmax)(&v[j], 1, VF(load)(bias + at), VF(load)(floor + at), VF(load)(scale + at),
                                VF(load)(scale_lo + at));
            }
            LSE_UNROLL for (int j = 0; j < 4; j++) VF(store)(to + (size_t)j * sizeof(V), v[j]);
            if (left < STEP) memcpy(to_row + offset, rest, (size_t)left * sizeof(REAL));
        }
    }
}

static void FN(softmax_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_results *results)
{
    FN(map_columns)(layout, row, out_layout, out, start, n, count, results, 0);
}

static void FN(log_softmax_columns)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout,
                                    char *out, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
                                    const lse_results *results)
{
    FN(map_columns)(layout, row, out_layout, out, start, n, count, results, 1);
}

static void FN(census)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t *nans,
                       ptrdiff_t *infinities)
{
    REAL buffer[FN(BLOCK)];
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *from = FN(fetch)(layout, row, start + done, some, 0, buffer);
        for (ptrdiff_t i = 0; i < some; i++) {
            REAL x;
            memcpy(&x, from + (size_t)i * sizeof x, sizeof x);
            *nans += x != x;
            *infinities += x == (REAL)INFINITY;
        }
    }
}

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

/* to[i] = 0, or -inf where element start + i is left out. */
LSE_INLINE void FN(presence)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, REAL *to)
{
    memset(to, 0, (size_t)n * sizeof(REAL));
    FN(mask)(layout, row->where, start, n, (const char *)to, -(REAL)INFINITY, to);
}

static int FN(is_present)(const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n)
{
    REAL found[FN(BLOCK)];
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        FN(presence)(layout, row, start + done, some, found);
        for (ptrdiff_t i = 0; i < some; i++)
            if (found[i] == 0) return 1;
    }
    return 0;
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
