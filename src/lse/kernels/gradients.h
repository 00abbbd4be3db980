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

LSE_INLINE void FN(narrowed)(char *p, vf64 a)
{
#if F_IS_DOUBLE
    vf64_store(p, a);
#else
    vf64_to_f32(p, a);
#endif
}

/* lanes += a b, or b where a is NULL. n is a multiple of LSE_LANES, except in the last call for a row. */
static void FN(dot)(const char *a, const char *b, ptrdiff_t n, double *lanes)
{
    enum { PARTS = LSE_LANES / vf64_width };
    const vf64 one = vf64_set(1.0);
    REAL rest_a[LSE_LANES] = {0}, rest_b[LSE_LANES] = {0};
    vf64 sum[PARTS];
    LSE_UNROLL for (int part = 0; part < PARTS; part++) sum[part] = vf64_load(lanes + part * vf64_width);
    for (ptrdiff_t i = 0; i < n; i += LSE_LANES) {
        const char *of_a = a ? a + (size_t)i * sizeof(REAL) : NULL, *of_b = b + (size_t)i * sizeof(REAL);
        if (n - i < LSE_LANES) {
            if (a) memcpy(rest_a, of_a, (size_t)(n - i) * sizeof(REAL));
            memcpy(rest_b, of_b, (size_t)(n - i) * sizeof(REAL));
            of_a = a ? (const char *)rest_a : NULL;
            of_b = (const char *)rest_b;
        }
        LSE_UNROLL for (int part = 0; part < PARTS; part++) {
            const size_t at = (size_t)part * vf64_width * sizeof(REAL);
            sum[part] = vf64_fma(a ? FN(widened)(of_a + at) : one, FN(widened)(of_b + at), sum[part]);
        }
    }
    LSE_UNROLL for (int part = 0; part < PARTS; part++) vf64_store(lanes + part * vf64_width, sum[part]);
}

/* Four vectors, the rest filled up with 0, and back. */
LSE_INLINE void FN(load_four)(const char *from, ptrdiff_t left, V *v)
{
    REAL rest[4 * VF(width)] = {0};
    if (left < 4 * VF(width)) {
        memcpy(rest, from, (size_t)left * sizeof(REAL));
        from = (const char *)rest;
    }
    LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = VF(load)(from + (size_t)j * sizeof(V));
}

LSE_INLINE void FN(store_four)(char *to, ptrdiff_t left, const V *v)
{
    REAL rest[4 * VF(width)];
    char *at = left < 4 * VF(width) ? (char *)rest : to;
    LSE_UNROLL for (int j = 0; j < 4; j++) VF(store)(at + (size_t)j * sizeof(V), v[j]);
    if (left < 4 * VF(width)) memcpy(to, rest, (size_t)left * sizeof(REAL));
}

/* sums[i] += a[i] b[i], or b[i] where a is NULL, for n elements of neighbouring rows. */
static void FN(dot_line)(const char *a, const char *b, ptrdiff_t n, double *sums)
{
    const vf64 one = vf64_set(1.0);
    for (ptrdiff_t i = 0; i < n; i += vf64_width) {
        const size_t at = (size_t)i * sizeof(REAL), bytes = (size_t)(n - i) * sizeof(REAL);
        REAL rest[2][vf64_width] = {{0}};
        const char *of_a = a ? a + at : NULL, *of_b = b + at;
        if (n - i < vf64_width) {
            if (a) of_a = (const char *)memcpy(rest[0], of_a, bytes);
            of_b = (const char *)memcpy(rest[1], of_b, bytes);
        }
        const vf64 sum = vf64_load(sums + i);
        vf64_store(sums + i, vf64_fma(a ? FN(widened)(of_a) : one, FN(widened)(of_b), sum));
    }
}

/* Element i belongs to the row of sum[i], or all to that of sum[0]. */
LSE_INLINE void FN(softmax_gradients)(const char *y, const char *grad, ptrdiff_t n, const double *sum, char *out,
                                      const int each)
{
    for (ptrdiff_t i = 0; i < n; i += vf64_width) {
        const size_t at = (size_t)i * sizeof(REAL), bytes = (size_t)(n - i) * sizeof(REAL);
        REAL rest[3][vf64_width] = {{0}};
        const char *of_y = y + at, *of_grad = grad + at;
        char *to = out + at;
        if (n - i < vf64_width) {
            of_y = (const char *)memcpy(rest[0], of_y, bytes);
            of_grad = (const char *)memcpy(rest[1], of_grad, bytes);
            to = (char *)rest[2];
        }
        const vf64 s = each ? vf64_load(sum + i) : vf64_set(sum[0]);
        FN(narrowed)(to, vf64_mul(FN(widened)(of_y), vf64_sub(FN(widened)(of_grad), s)));
        if (n - i < vf64_width) memcpy(out + at, rest[2], bytes);
    }
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

LSE_INLINE void FN(log_softmax_gradients)(const char *y, const char *grad, ptrdiff_t n, const REAL *minus_s, char *out,
                                          const int each)
{
    enum { STEP = 4 * VF(width) };
    const V bias = VF(set)(FN(bias)(0.0)), floor = VF(set)(FN(floor)(0.0));
    for (ptrdiff_t i = 0; i < n; i += STEP) {
        const size_t at = (size_t)i * sizeof(REAL);
        V v[4], g[4];
        FN(load_four)(y + at, n - i, v);
        FN(load_four)(grad + at, n - i, g);
        FN(exp)(v, 4, bias, floor);
        LSE_UNROLL for (int j = 0; j < 4; j++) v[j] = VF(fma)(v[j], FN(of_rows)(minus_s, i, j, each), g[j]);
        FN(store_four)(out + at, n - i, v);
    }
}

static void FN(log_softmax_gradient)(const char *y, const char *grad, ptrdiff_t n, const lse_sources *of, int each,
                                     char *out)
{
    const REAL *minus_s = of->minus_sum.F;
    if (each) FN(log_softmax_gradients)(y, grad, n, minus_s, out, 1);
    else FN(log_softmax_gradients)(y, grad, n, minus_s, out, 0);
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

/* Row number r of the sources of log-softmax, from its sum, and of log-sum-exp, from its value and gradient. */
static void FN(source_of_sum)(lse_sources *of, ptrdiff_t r, double sum)
{
    of->sum[r] = sum;
    of->minus_sum.F[r] = (REAL)-sum;
}

static void FN(source_of_value)(lse_sources *of, ptrdiff_t r, double value, double grad)
{
    const double scale = grad * pow2(-HEADROOM);
    const REAL whole = (REAL)scale;
    of->value.F[r] = (REAL)value;
    of->scale.F[r] = whole;
    of->scale_lo.F[r] = (REAL)(scale - (double)whole);
}
