/* exp(x - y) and x - y for a finished result y, included once for each F.
 *
 * For rows of at most LSE_STORED elements each exponential is evaluated once: the terms are stored in the output,
 * summed in eight lanes in double precision (float64: in two parts), and multiplied by 1 / sum. For longer ones, whose
 * terms would not stay in the cache, it is evaluated again, from their finished sum. */

/* Turns x into its softmax: e^x at an anchor, times scale + scale_lo. */
typedef struct {
    REAL bias, floor, scale, scale_lo;
} FN(target);

LSE_INLINE FN(target) FN(target_for)(double scale, double scale_lo, double anchor)
{
    FN(target) t;
    anchor = anchor - HEADROOM;
    scale = scale * pow2(-HEADROOM);
    t.bias = FN(bias)(anchor);
    t.floor = FN(floor)(anchor);
    t.scale = (REAL)scale;
    t.scale_lo = (REAL)((scale - (double)t.scale) + scale_lo * pow2(-HEADROOM));
    return t;
}

/* x[j] = e^x[j] (scale + scale_lo) for j < count, rounded once plus a quarter of an ulp. */
LSE_INLINE void FN(softmax)(V *x, const int count, V bias, V floor, V scale, V scale_lo)
{
    V power[4];
    FN(exp_parts)(x, power, count, bias, floor);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const V whole = VF(mul)(power[j], scale);
        x[j] = VF(add)(whole, VF(fma)(whole, x[j], VF(mul)(power[j], scale_lo)));
    }
}

/* x - (y + y_lo) for vf64_width elements, rounded once except for the last bits of y_lo. float64: the rounding error of
 * x - y is found by two-sum, which needs finite operands; where x is -inf or NaN, x - y is the result. */
LSE_INLINE void FN(log_softmax)(const char *from, char *to, vf64 y, vf64 y_lo)
{
#if F_IS_DOUBLE
    const vf64 x = vf64_load(from), d = vf64_sub(x, y), of_y = vf64_sub(d, x);
    const vf64 lost = vf64_sub(vf64_sub(x, vf64_sub(d, of_y)), vf64_add(y, of_y));
    vf64_store(to, vf64_select(x, vf64_set(LOWEST), vf64_add(d, vf64_sub(lost, y_lo)), d));
#else
    vf64_to_f32(to, vf64_sub(vf64_sub(vf64_from_f32(from), y), y_lo));
#endif
}

/* A contiguous run, STEP elements at a time, with result number index. */
LSE_INLINE void FN(map_block)(const char *x, char *out, ptrdiff_t n, const lse_results *results, ptrdiff_t index,
                              const int log)
{
    enum { STEP = 4 * VF(width), PART = vf64_width * sizeof(REAL) };
    const FN(target) t = FN(target_for)(results->scale[index], results->scale_lo[index], results->anchor[index]);
    const V bias = VF(set)(t.bias), floor = VF(set)(t.floor), scale = VF(set)(t.scale), scale_lo = VF(set)(t.scale_lo);
    const vf64 y = vf64_set(results->value[index]), y_lo = vf64_set(results->value_lo[index]);
    REAL rest[STEP];
    ptrdiff_t i = 0;
    for (; log && i + STEP <= n; i += STEP) {
        const char *from = x + (size_t)i * sizeof(REAL);
        char *to = out + (size_t)i * sizeof(REAL);
        for (size_t line = 0; line < STEP * sizeof(REAL); line += 64) LSE_PREFETCH_OUT(to + LSE_AHEAD / 2 + line);
        LSE_UNROLL for (size_t part = 0; part < STEP * sizeof(REAL); part += PART)
            FN(log_softmax)(from + part, to + part, y, y_lo);
    }
    for (; log && i < n; i += vf64_width) {
        const char *from = x + (size_t)i * sizeof(REAL);
        char *to = out + (size_t)i * sizeof(REAL);
        if (n - i >= vf64_width) {
            FN(log_softmax)(from, to, y, y_lo);
        } else {
            VF(store)(rest, VF(load_some)(from, n - i, VF(set)(0)));
            FN(log_softmax)((const char *)rest, (char *)rest, y, y_lo);
            VF(store_some)(to, n - i, VF(load)(rest));
        }
    }
    for (; i < n; i += STEP) {
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
        FN(softmax)(v, 4, bias, floor, scale, scale_lo);
        LSE_UNROLL for (int j = 0; j < 4; j++) VF(store)(to + (size_t)j * sizeof(V), v[j]);
        if (left < STEP) memcpy(out + (size_t)i * sizeof(REAL), rest, (size_t)left * sizeof(REAL));
    }
}

LSE_INLINE void FN(map_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index,
                            const int log)
{
    REAL buffer[FN(BLOCK)], result[FN(BLOCK)];
    for (ptrdiff_t done = 0; done < n; done += FN(BLOCK)) {
        const ptrdiff_t some = n - done < FN(BLOCK) ? n - done : FN(BLOCK);
        const char *x = FN(fetch)(layout, row, start + done, some, shift, buffer);
        if (out_layout->direct) {
            FN(map_block)(x, out + (start + done) * (ptrdiff_t)sizeof(REAL), some, results, index, log);
        } else {
            FN(map_block)(x, (char *)result, some, results, index, log);
            FN(scatter)(out_layout, out, start + done, some, result);
        }
    }
}

static void FN(softmax_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                            ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index)
{
    FN(map_row)(layout, row, out_layout, out, start, n, shift, results, index, 0);
}

static void FN(log_softmax_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                                ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results,
                                ptrdiff_t index)
{
    FN(map_row)(layout, row, out_layout, out, start, n, shift, results, index, 1);
}
