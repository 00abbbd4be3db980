/* Derivatives of log-sum-exp, softmax and log-softmax of a run, from their results, included once for each F.
 *
 * softmax:      out = y (grad - s), s = sum of y grad, in double: floats within 0.51 ulp and the error of s
 * log-softmax:  out = grad - e^y s, s = sum of grad: within 0.5 ulp of out and 2 ulp of e^y s, and the error of s
 * log-sum-exp:  out = grad e^(x - y), within 2 ulp and the error of rounding x - y
 *
 * Element i of a sum of n is in lane i mod LSE_LANES, so that it is within (n / LSE_LANES + 4) 2^-53 of the sum of
 * absolute values. Exponentials of log-softmax below 2^-126 or 2^-1022 are 0, as are shares below 2^-186 or 2^-1522
 * (tests/embedding/test_c_functions.py). */

LSE_INLINE vf64 FN(widened)(const char *p)
{
#if F_IS_DOUBLE
    return vf64_load(p);
#else
    return vf64_from_f32(p);
#endif
}

/* The first k elements, the rest 0. */
LSE_INLINE vf64 FN(widened_some)(const char *p, ptrdiff_t k)
{
#if F_IS_DOUBLE
    return vf64_load_some(p, k, vf64_set(0.0));
#else
    return vf64_from_f32_some(p, k, vf64_set(0.0));
#endif
}

LSE_INLINE void FN(narrowed)(char *p, vf64 a)
{
#if F_IS_DOUBLE
    vf64_store(p, a);
#else
    vf64_to_f32(p, a);
#endif
}

/* Copies n < most <= 64 elements, by copies of known sizes. */
LSE_INLINE void FN(copy_rest)(char *to, const char *from, ptrdiff_t n, const int most)
{
    enum { SIZE = sizeof(REAL) };
#define COPY(count)                               \
    if (most > (count) && n & (count)) {          \
        memcpy(to, from, (count) * (size_t)SIZE); \
        to += (count) * SIZE;                     \
        from += (count) * SIZE;                   \
    }
    COPY(32)
    COPY(16)
    COPY(8)
    COPY(4)
    COPY(2)
    COPY(1)
#undef COPY
}

/* sum += a b, or b, for the first n of LSE_LANES elements. */
LSE_INLINE void FN(add_eight)(const char *a, const char *b, ptrdiff_t n, vf64 *sum, const int are_factors)
{
    LSE_UNROLL for (int part = 0; part < LSE_LANE_GROUPS; part++) {
        const size_t at = (size_t)part * vf64_width * sizeof(REAL);
        const ptrdiff_t left = n - part * vf64_width;
        const vf64 factor = are_factors ? FN(widened_some)(a + at, left) : vf64_set(1.0);
        sum[part] = vf64_fma(factor, FN(widened_some)(b + at, left), sum[part]);
    }
}

/* Likewise for all n elements; n is a multiple of LSE_LANES, except at the end of a row. */
LSE_INLINE void FN(add_run)(const char *a, const char *b, ptrdiff_t n, vf64 *sum, const int are_factors)
{
    const size_t step = LSE_LANES * sizeof(REAL);
    for (; n >= LSE_LANES; n -= LSE_LANES, b += step) {
        FN(add_eight)(a, b, LSE_LANES, sum, are_factors);
        if (are_factors) a += step;
    }
    if (n > 0) FN(add_eight)(a, b, n, sum, are_factors);
}

LSE_INLINE void FN(add_dot)(const char *a, const char *b, ptrdiff_t n, double *lanes, const int are_factors)
{
    vf64 sum[LSE_LANE_GROUPS];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) sum[g] = vf64_load(lanes + g * vf64_width);
    FN(add_run)(a, b, n, sum, are_factors);
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) vf64_store(lanes + g * vf64_width, sum[g]);
}

static void FN(dot)(const char *a, const char *b, ptrdiff_t n, double *lanes)
{
    if (a) FN(add_dot)(a, b, n, lanes, 1);
    else FN(add_dot)(a, b, n, lanes, 0);
}

/* Four vectors, the rest filled up with 0, and back. */
LSE_INLINE void FN(load_four)(const char *from, ptrdiff_t left, V *v)
{
    LSE_UNROLL for (int j = 0; j < 4; j++)
        v[j] = VF(load_some)(from + (size_t)j * sizeof(V), left - j * VF(width), VF(set)(0));
}

LSE_INLINE void FN(store_four)(char *to, ptrdiff_t left, const V *v)
{
    REAL rest[4 * VF(width)];
    char *at = left < 4 * VF(width) ? (char *)rest : to;
    LSE_UNROLL for (int j = 0; j < 4; j++) VF(store)(at + (size_t)j * sizeof(V), v[j]);
    if (left < 4 * VF(width)) FN(copy_rest)(to, (const char *)rest, left, 4 * VF(width));
}

/* sums[i] += a[i] b[i], or b[i], for n elements of neighbouring rows; sums has room for whole vectors. */
LSE_INLINE void FN(add_line)(const char *a, const char *b, ptrdiff_t n, double *sums, const int are_factors)
{
    const size_t step = vf64_width * sizeof(REAL);
    for (; n >= vf64_width; n -= vf64_width, b += step, sums += vf64_width) {
        const vf64 factor = are_factors ? FN(widened)(a) : vf64_set(1.0);
        vf64_store(sums, vf64_fma(factor, FN(widened)(b), vf64_load(sums)));
        if (are_factors) a += step;
    }
    if (n > 0) {
        const vf64 factor = are_factors ? FN(widened_some)(a, n) : vf64_set(1.0);
        vf64_store(sums, vf64_fma(factor, FN(widened_some)(b, n), vf64_load(sums)));
    }
}

static void FN(dot_line)(const char *a, const char *b, ptrdiff_t n, double *sums)
{
    if (a) FN(add_line)(a, b, n, sums, 1);
    else FN(add_line)(a, b, n, sums, 0);
}

/* The first k elements, or as many as a vector has. */
LSE_INLINE void FN(softmax_step)(const char *y, const char *grad, ptrdiff_t k, vf64 sum, char *out)
{
    FN(narrowed)(out, vf64_mul(FN(widened_some)(y, k), vf64_sub(FN(widened_some)(grad, k), sum)));
}

/* Element i belongs to the row of sum[i], or all to that of sum[0]. The last vector overlaps with the one before it,
 * and is computed first, as out may be an input. */
LSE_INLINE void FN(softmax_gradients)(const char *y, const char *grad, ptrdiff_t n, const double *sum, char *out,
                                      const int each)
{
    const size_t step = vf64_width * sizeof(REAL);
    const ptrdiff_t last = n < vf64_width ? 0 : n - vf64_width;
    const vf64 s = vf64_set(sum[0]);
    char *const end = out + (size_t)last * sizeof(REAL);
    REAL rest[vf64_width];
    FN(softmax_step)(y + (size_t)last * sizeof(REAL), grad + (size_t)last * sizeof(REAL), n - last,
                     each ? vf64_load(sum + last) : s, (char *)rest);
    for (ptrdiff_t i = 0; i < last; i += vf64_width, y += step, grad += step, out += step)
        FN(softmax_step)(y, grad, vf64_width, each ? vf64_load(sum + i) : s, out);
    if (n < vf64_width) FN(copy_rest)(end, (const char *)rest, n, vf64_width);
    else memcpy(end, rest, sizeof rest);
}

static void FN(softmax_gradient)(const char *y, const char *grad, ptrdiff_t n, const lse_sources *of, int each,
                                 char *out)
{
    if (each) FN(softmax_gradients)(y, grad, n, of->sum, out, 1);
    else FN(softmax_gradients)(y, grad, n, of->sum, out, 0);
}

/* Vector j of four of them, of elements from i on. */
LSE_INLINE V FN(of_rows)(const REAL *values, ptrdiff_t i, int j, const int each)
{
    return each ? VF(load)(values + i + j * VF(width)) : VF(set)(values[0]);
}

/* Elements i to i + 4 VF(width). */
LSE_INLINE void FN(log_softmax_step)(const char *y, const char *grad, const REAL *minus_s, ptrdiff_t i, ptrdiff_t left,
                                     const int each, V *v)
{
    const V bias = VF(set)(FN(bias)(0.0)), floor = VF(set)(FN(floor)(0.0));
    const size_t at = (size_t)i * sizeof(REAL);
    V g[4];
    FN(load_four)(y + at, left, v);
    FN(load_four)(grad + at, left, g);
    FN(exp)(v, 4, bias, floor);
    LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = VF(fma)(v[j], FN(of_rows)(minus_s, i, j, each), g[j]);
}

/* The last step overlaps with the one before it, and is computed first, as out may be an input. */
LSE_INLINE void FN(log_softmax_gradients)(const char *y, const char *grad, ptrdiff_t n, const REAL *minus_s, char *out,
                                          const int each)
{
    enum { STEP = 4 * VF(width) };
    const ptrdiff_t last = n < STEP ? 0 : n - STEP;
    V v[4], rest[4];
    FN(log_softmax_step)(y, grad, minus_s, last, n - last, each, rest);
    for (ptrdiff_t i = 0; i < last; i += STEP) {
        FN(log_softmax_step)(y, grad, minus_s, i, STEP, each, v);
        FN(store_four)(out + (size_t)i * sizeof(REAL), STEP, v);
    }
    FN(store_four)(out + (size_t)last * sizeof(REAL), n - last, rest);
}

static void FN(log_softmax_gradient)(const char *y, const char *grad, ptrdiff_t n, const lse_sources *of, int each,
                                     char *out)
{
    const REAL *minus_s = of->minus_sum.F;
    if (each) FN(log_softmax_gradients)(y, grad, n, minus_s, out, 1);
    else FN(log_softmax_gradients)(y, grad, n, minus_s, out, 0);
}

/* The sources of rows of softmax and log-softmax, from the lanes of their sums; beyond them there are zeros. */
static void FN(sources_of_sums)(lse_sources *of, const double *lanes, ptrdiff_t step, ptrdiff_t count)
{
    enum { STEP = 4 * VF(width) };
    ptrdiff_t r = 0;
    for (; r < count; r++) {
        const double *own = lanes + r;
        double sum[LSE_LANES / 2];
        for (int half = LSE_LANES / 2, i = 0; i < half; i++) sum[i] = own[i * step] + own[(i + half) * step];
        of->sum[r] = (sum[0] + sum[2]) + (sum[1] + sum[3]);
        of->minus_sum.F[r] = (REAL)-of->sum[r];
    }
    for (; r % STEP != 0 && r < LSE_GRADIENTS; r++) { /* whole steps are read */
        of->sum[r] = 0.0;
        of->minus_sum.F[r] = 0;
    }
}

/* Maps of count rows without gaps: their sums, then their gradients. */
LSE_INLINE void FN(map_gradients)(const char *y, const char *grad, ptrdiff_t n, ptrdiff_t count,
                                  const lse_gradient_pitch *pitch, char *out, const int log)
{
    for (; count > 0; count--, y += pitch->y, grad += pitch->grad, out += pitch->out) {
        vf64 sum[LSE_LANE_GROUPS];
        double lanes[LSE_LANES];
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) sum[g] = vf64_set(0.0);
        FN(add_run)(y, grad, n, sum, !log);
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) vf64_store(lanes + g * vf64_width, sum[g]);
        const double s = add_lanes(lanes);
        const REAL minus_s = (REAL)-s;
        if (log) FN(log_softmax_gradients)(y, grad, n, &minus_s, out, 0);
        else FN(softmax_gradients)(y, grad, n, &s, out, 0);
    }
}

static void FN(softmax_gradient_rows)(const char *y, const char *grad, ptrdiff_t n, ptrdiff_t count,
                                      const lse_gradient_pitch *pitch, char *out)
{
    FN(map_gradients)(y, grad, n, count, pitch, out, 0);
}

static void FN(log_softmax_gradient_rows)(const char *y, const char *grad, ptrdiff_t n, ptrdiff_t count,
                                          const lse_gradient_pitch *pitch, char *out)
{
    FN(map_gradients)(y, grad, n, count, pitch, out, 1);
}

/* Maps of count neighbouring rows, of which an index has elements side by side. */
LSE_INLINE void FN(map_column_gradients)(const char *y, const char *grad, ptrdiff_t n, ptrdiff_t count,
                                         const lse_gradient_pitch *pitch, char *out, const int log)
{
    double lanes[LSE_LANES * LSE_GRADIENTS];
    lse_sources of;
    const size_t width = (size_t)(count + vf64_width - 1) / vf64_width * vf64_width;
    for (int j = 0; j < LSE_LANES; j++) memset(lanes + j * LSE_GRADIENTS, 0, width * sizeof *lanes);
    for (ptrdiff_t i = 0; i < n; i++)
        FN(add_line)(log ? NULL : y + i * pitch->y, grad + i * pitch->grad, count,
                     lanes + i % LSE_LANES * LSE_GRADIENTS, !log);
    FN(sources_of_sums)(&of, lanes, LSE_GRADIENTS, count);
    for (ptrdiff_t i = 0; i < n; i++, y += pitch->y, grad += pitch->grad, out += pitch->out) {
        if (log) FN(log_softmax_gradients)(y, grad, count, of.minus_sum.F, out, 1);
        else FN(softmax_gradients)(y, grad, count, of.sum, out, 1);
    }
}

static void FN(softmax_gradient_columns)(const char *y, const char *grad, ptrdiff_t n, ptrdiff_t count,
                                         const lse_gradient_pitch *pitch, char *out)
{
    FN(map_column_gradients)(y, grad, n, count, pitch, out, 0);
}

static void FN(log_softmax_gradient_columns)(const char *y, const char *grad, ptrdiff_t n, ptrdiff_t count,
                                             const lse_gradient_pitch *pitch, char *out)
{
    FN(map_column_gradients)(y, grad, n, count, pitch, out, 1);
}

LSE_INLINE void FN(logsumexp_gradients)(const char *x, ptrdiff_t n, const lse_sources *of, char *out, const int each)
{
    enum { STEP = 4 * VF(width) };
    const V bias = VF(set)(FN(bias)(-HEADROOM)), floor = VF(set)(FN(floor)(-HEADROOM));
    const REAL *y = of->value.F, *scale = of->scale.F, *scale_lo = of->scale_lo.F;
    for (ptrdiff_t i = 0; i < n; i += STEP) {
        const size_t at = (size_t)i * sizeof(REAL);
        V v[4], power[4];
        FN(load_four)(x + at, n - i, v);
        LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = VF(sub)(v[j], FN(of_rows)(y, i, j, each));
        FN(exp_parts)(v, power, 4, bias, floor);
        LSE_UNROLL for (int j = 0; j < 4; j++) {
            const V whole = VF(mul)(power[j], FN(of_rows)(scale, i, j, each));
            const V lost = VF(mul)(power[j], FN(of_rows)(scale_lo, i, j, each));
            v[j] = VF(add)(whole, VF(fma)(whole, v[j], lost));
        }
        FN(store_four)(out + at, n - i, v);
    }
}

/* grad is not read: it is in the sources. */
static void FN(logsumexp_gradient)(const char *x, const char *grad, ptrdiff_t n, const lse_sources *of, int each,
                                   char *out)
{
    (void)grad;
    if (each) FN(logsumexp_gradients)(x, n, of, out, 1);
    else FN(logsumexp_gradients)(x, n, of, out, 0);
}

/* Row number r of those of log-sum-exp, from its value and gradient. */
static void FN(source_of_value)(lse_sources *of, ptrdiff_t r, double value, double grad)
{
    const double scale = grad * pow2(-HEADROOM);
    const REAL whole = (REAL)scale;
    of->value.F[r] = (REAL)value;
    of->scale.F[r] = whole;
    of->scale_lo.F[r] = (REAL)(scale - (double)whole);
}

#if F_IS_DOUBLE
/* Those below 2^-1022 are 0. */
static void replace_by_exponentials(double *x, ptrdiff_t n)
{
    const vf64 bias = vf64_set(bias_f64(0.0)), floor = vf64_set(floor_f64(0.0));
    for (ptrdiff_t i = 0; i < n; i += 4 * vf64_width) {
        vf64 v[4];
        LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = vf64_load((const char *)(x + i + j * vf64_width));
        exp_f64(v, 4, bias, floor);
        LSE_UNROLL for (int j = 0; j < 4; j++) vf64_store((char *)(x + i + j * vf64_width), v[j]);
    }
}
#endif
