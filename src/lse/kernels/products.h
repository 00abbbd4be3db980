/* Products of matrices in log space: entry ij is log sum_k e^(a_ik + b_kj). In double precision for every type.
 *
 * A line, a row of a or a column of b, has an anchor N = nearest(max log2(e)) - headroom, an integer, and its elements
 * become factors e^x 2^-N: scaling rounds nothing, however far the maxima of the lines are from each other. An entry is
 * a sum of products of factors, and its logarithm that of the sum times 2^(N of the row + N of the column).
 *
 * The order of additions is the same for every tiling, thread and width of registers: chains of LSE_CHAIN fused
 * multiply-adds are added to the sum of LSE_PRODUCT_STEPS steps, and such sums with what rounding loses. So the error
 * grows with neither: a factor is within 1.79 of 2^-53, rounding of chains and of their sum costs LSE_CHAIN / 2 +
 * LSE_PRODUCT_STEPS / LSE_CHAIN / 2 + ... of 2^-53 at most, were every rounding the worst. Where results are rounded to
 * floats, a chain has LSE_PRODUCT_STEPS steps: 2^-46 of the sum at most, and rounding of their sums as much again up to
 * 2^14 of them; factors, of 2^-40, and logarithms, within 2^-37, err more. */

/* Accumulators of a block: so many rows of so many vectors, of 32 registers or of 16. */
#ifndef LSE_PRODUCT_ROWS
#define LSE_PRODUCT_ROWS 4
#endif
enum { LSE_PRODUCT_VECTORS = 3 };

/* Elements of lines, floats or doubles, from the i-th on. */
LSE_INLINE vf64 elements(const void *x, ptrdiff_t i, const lse_type of)
{
    return of == LSE_F32 ? vf64_from_f32((const float *)x + i) : vf64_load((const double *)x + i);
}

LSE_INLINE vf64 some_elements(const void *x, ptrdiff_t i, ptrdiff_t n, vf64 rest, const lse_type of)
{
    return of == LSE_F32 ? vf64_from_f32_some((const float *)x + i, n - i, rest)
                         : vf64_load_some((const double *)x + i, n - i, rest);
}

/* max, least and nan of so many vectors of lines side by side, a constant, of `count` lines, and so many more elements
 * of each, in rows. */
LSE_INLINE void join_vectors(const void *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t first, ptrdiff_t count,
                             const int vectors, double *max, double *least, double *nan, const lse_type of)
{
    const vf64 zero = vf64_set(0.0), nothing = vf64_set(-(double)INFINITY);
    const int whole = first + vectors * vf64_width <= count;
    extent_f64 seen[4];
    for (int finite = whole; finite >= 0; finite--) {
        LSE_UNROLL for (int v = 0; v < vectors; v++) {
            const ptrdiff_t at = first + v * vf64_width;
            seen[v] = (extent_f64){vf64_load(max + at), vf64_load(least + at), finite ? zero : vf64_load(nan + at)};
        }
        if (finite) {
            for (ptrdiff_t k = 0; k < steps; k++)
                LSE_UNROLL for (int v = 0; v < vectors; v++)
                    include_finite_f64(&seen[v], elements(x, k * pitch + first + v * vf64_width, of));
            if (are_finite_f64(seen, vectors)) break;
        } else {
            for (ptrdiff_t k = 0; k < steps; k++)
                LSE_UNROLL for (int v = 0; v < vectors; v++)
                    include_f64(&seen[v],
                                some_elements(x, k * pitch + first + v * vf64_width, k * pitch + count, nothing, of));
            LSE_UNROLL for (int v = 0; v < vectors; v++) vf64_store(nan + first + v * vf64_width, seen[v].nan);
        }
    }
    LSE_UNROLL for (int v = 0; v < vectors; v++) {
        vf64_store(max + first + v * vf64_width, seen[v].max);
        vf64_store(least + first + v * vf64_width, seen[v].least);
    }
}

LSE_INLINE void join_lines(const void *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t count, double *max, double *least,
                           double *nan, const lse_type of)
{
    ptrdiff_t v = 0;
    for (; v + 4 * vf64_width <= count; v += 4 * vf64_width)
        join_vectors(x, pitch, steps, v, count, 4, max, least, nan, of);
    for (; v < count; v += vf64_width) join_vectors(x, pitch, steps, v, count, 1, max, least, nan, of);
}

/* e[j] = e^e[j] 2^-N: to the last digit, or within 2^-40 where results are rounded to floats (tools/proof.py). */
LSE_INLINE void make_factors(vf64 *e, const int count, vf64 bias, vf64 floor, const lse_type type)
{
    enum { TERMS = sizeof EXP_SHORT / sizeof EXP_SHORT[0] };
    if (type == LSE_F64) {
        exp_f64(e, count, bias, floor);
        return;
    }
    vf64 t[4], p[4];
    LSE_UNROLL for (int j = 0; j < count; j++) e[j] = vf64_max(floor, e[j]);
    LSE_UNROLL for (int j = 0; j < count; j++) t[j] = vf64_fma(e[j], vf64_set(LOG2E_f64), bias);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const vf64 n = vf64_sub(t[j], bias);
        e[j] = vf64_fma(n, vf64_set(-LN2_LO_f64), vf64_fma(n, vf64_set(-LN2_HI_f64), e[j]));
    }
    LSE_UNROLL for (int j = 0; j < count; j++) p[j] = vf64_set(EXP_SHORT[TERMS - 1]);
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) p[j] = vf64_fma(p[j], e[j], vf64_set(EXP_SHORT[k]));
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const vf64 scale = vf64_pow2(t[j]);
        e[j] = vf64_mul(scale, vf64_fma(p[j], e[j], vf64_set(1.0)));
    }
}

/* The factors of n elements of a line. */
LSE_INLINE void line_factors(const void *x, ptrdiff_t n, double anchor, double *out, const lse_type type,
                             const lse_type of)
{
    const vf64 bias = vf64_set(bias_f64(anchor)), floor = vf64_set(floor_f64(anchor));
    const vf64 nothing = vf64_set(-(double)INFINITY);
    ptrdiff_t i = 0;
    for (; i + 4 * vf64_width <= n; i += 4 * vf64_width) {
        vf64 e[4];
        LSE_UNROLL for (int j = 0; j < 4; j++) e[j] = elements(x, i + j * vf64_width, of);
        make_factors(e, 4, bias, floor, type);
        LSE_UNROLL for (int j = 0; j < 4; j++) vf64_store(out + i + j * vf64_width, e[j]);
    }
    for (; i < n; i += 2 * vf64_width) {
        vf64 e[2] = {some_elements(x, i, n, nothing, of), some_elements(x, i + vf64_width, n, nothing, of)};
        make_factors(e, 2, bias, floor, type);
        vf64_store_some(out + i, n - i, e[0]);
        vf64_store_some(out + i + vf64_width, n - i - vf64_width, e[1]);
    }
}

/* The factors of `steps` elements of each of `count` lines side by side, in rows of whole vectors. */
LSE_INLINE void panel_factors(const void *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t count, const double *anchor,
                              double *out, const lse_type type, const lse_type of)
{
    const ptrdiff_t width = whole_vectors_f64(count);
    const vf64 nothing = vf64_set(-(double)INFINITY);
    for (ptrdiff_t v = 0; v < width; v += vf64_width) {
        const vf64 n = vf64_load(anchor + v), bias = vf64_sub(vf64_set(bias_f64(0.0)), n);
        const vf64 floor = vf64_mul(vf64_sub(n, vf64_set(1023.0)), vf64_set(LN2_HI_f64));
        ptrdiff_t k = 0;
        for (; k + 4 <= steps && v + vf64_width <= count; k += 4) {
            vf64 e[4];
            LSE_UNROLL for (int j = 0; j < 4; j++) e[j] = elements(x, (k + j) * pitch + v, of);
            make_factors(e, 4, bias, floor, type);
            LSE_UNROLL for (int j = 0; j < 4; j++) vf64_store(out + (k + j) * width + v, e[j]);
        }
        for (; k < steps; k += 2) { /* step k twice, if it is the last */
            const ptrdiff_t next = k + 1 < steps ? k + 1 : k;
            vf64 e[2] = {some_elements(x, k * pitch + v, k * pitch + count, nothing, of),
                         some_elements(x, next * pitch + v, next * pitch + count, nothing, of)};
            make_factors(e, 2, bias, floor, type);
            vf64_store(out + k * width + v, e[0]);
            vf64_store(out + next * width + v, e[1]);
        }
    }
}

/* One chain for each sum, of the steps from k to end. */
LSE_INLINE void multiply_chains(const double *a, ptrdiff_t a_pitch, const double *b, ptrdiff_t k, ptrdiff_t end,
                                const int rows, const int vectors,
                                vf64 chain[LSE_PRODUCT_ROWS][LSE_PRODUCT_VECTORS])
{
    LSE_UNROLL for (int r = 0; r < rows; r++)
        LSE_UNROLL for (int v = 0; v < vectors; v++) chain[r][v] = vf64_set(0.0);
    for (; k < end; k++) {
        vf64 x[LSE_PRODUCT_VECTORS];
        LSE_UNROLL for (int v = 0; v < vectors; v++) x[v] = vf64_load(b + (k * vectors + v) * vf64_width);
        LSE_UNROLL for (int r = 0; r < rows; r++) {
            const vf64 factor = vf64_set(a[r * a_pitch + k]);
            LSE_UNROLL for (int v = 0; v < vectors; v++) chain[r][v] = vf64_fma(factor, x[v], chain[r][v]);
        }
    }
}

/* Sums of products, `rows` by `vectors` vectors, constants both, of `steps` steps: a row of a is contiguous, b has
 * rows of those vectors. They are added to what is in hi and lo, or start it; lo may be NULL. */
LSE_INLINE void multiply_block(const double *a, ptrdiff_t a_pitch, const double *b, ptrdiff_t steps, const int rows,
                               const int vectors, double *hi, double *lo, ptrdiff_t pitch, int start,
                               const lse_type type)
{
    const ptrdiff_t most = type == LSE_F64 ? (ptrdiff_t)LSE_CHAIN : (ptrdiff_t)LSE_PRODUCT_STEPS;
    vf64 chain[LSE_PRODUCT_ROWS][LSE_PRODUCT_VECTORS];
    ptrdiff_t k = most < steps ? most : steps;
    multiply_chains(a, a_pitch, b, 0, k, rows, vectors, chain);
    if (type == LSE_F64)
        while (k < steps) {
            const ptrdiff_t from = k;
            double kept[LSE_PRODUCT_ROWS * LSE_PRODUCT_VECTORS * vf64_width];
            LSE_UNROLL for (int r = 0; r < rows; r++)
                LSE_UNROLL for (int v = 0; v < vectors; v++)
                    vf64_store(kept + (r * vectors + v) * vf64_width, chain[r][v]);
            k = k + most < steps ? k + most : steps;
            multiply_chains(a, a_pitch, b, from, k, rows, vectors, chain);
            LSE_UNROLL for (int r = 0; r < rows; r++)
                LSE_UNROLL for (int v = 0; v < vectors; v++)
                    chain[r][v] = vf64_add(vf64_load(kept + (r * vectors + v) * vf64_width), chain[r][v]);
        }
    LSE_UNROLL for (int r = 0; r < rows; r++)
        LSE_UNROLL for (int v = 0; v < vectors; v++) {
            double *to = hi + r * pitch + v * vf64_width;
            vf64 whole = start ? chain[r][v] : vf64_load(to), lost = vf64_set(0.0);
            if (!lo) {
                if (!start) whole = vf64_add(whole, chain[r][v]);
            } else {
                double *to_lo = lo + r * pitch + v * vf64_width;
                if (!start) lost = vf64_load(to_lo);
                if (!start) add_f64(&whole, &lost, chain[r][v]);
                vf64_store(to_lo, lost);
            }
            vf64_store(to, whole);
        }
}

#define MULTIPLY(rows, vectors, F, type)                                                                             \
    static void multiply_##rows##_##vectors##_##F(const double *a, ptrdiff_t a_pitch, const double *b,               \
                                                  ptrdiff_t steps, double *hi, double *lo, ptrdiff_t pitch,          \
                                                  int start)                                                         \
    {                                                                                                                \
        multiply_block(a, a_pitch, b, steps, rows, vectors, hi, lo, pitch, start, type);                             \
    }
#define MULTIPLY_ROWS(rows, F, type) MULTIPLY(rows, 1, F, type) MULTIPLY(rows, 2, F, type) MULTIPLY(rows, 3, F, type)
MULTIPLY_ROWS(1, f32, LSE_F32)
MULTIPLY_ROWS(1, f64, LSE_F64)
MULTIPLY_ROWS(4, f32, LSE_F32)
MULTIPLY_ROWS(4, f64, LSE_F64)
#if LSE_PRODUCT_ROWS == 8
MULTIPLY_ROWS(8, f32, LSE_F32)
MULTIPLY_ROWS(8, f64, LSE_F64)
#endif
#undef MULTIPLY_ROWS
#undef MULTIPLY

typedef void (*multiply)(const double *a, ptrdiff_t a_pitch, const double *b, ptrdiff_t steps, double *hi, double *lo,
                         ptrdiff_t pitch, int start);

/* The same for any number of rows, and a panel of columns. */
LSE_INLINE void multiply_panel(const double *a, ptrdiff_t a_pitch, ptrdiff_t rows, const double *b, ptrdiff_t steps,
                               ptrdiff_t width, double *hi, double *lo, ptrdiff_t pitch, int start,
                               const multiply (*by)[LSE_PRODUCT_VECTORS])
{
    const ptrdiff_t vectors = width / vf64_width - 1;
    ptrdiff_t i = 0;
#define ROWS(at, rows_at_once)                                                                                       \
    for (; i + rows_at_once <= rows; i += rows_at_once)                                                              \
        by[at][vectors](a + i * a_pitch, a_pitch, b, steps, hi + i * pitch, lo ? lo + i * pitch : NULL, pitch, start);
#if LSE_PRODUCT_ROWS == 8
    ROWS(2, 8)
#endif
    ROWS(1, 4)
    ROWS(0, 1)
#undef ROWS
}

/* Thin products: the sum over k of factors of a row, made here or ready, and of a column, which is one run too. Element
 * k belongs to lane k mod 8, whatever the width of the registers; chains and sums are as those of multiply_block, but
 * that lanes of sums for floats have four chains, k / 8 mod 4. */
LSE_INLINE void dot(const void *x, ptrdiff_t n, double anchor, const int is_ready, const double *y, double *hi,
                    double *lo, const lse_type type, const lse_type of)
{
    const vf64 bias = vf64_set(bias_f64(anchor)), floor = vf64_set(floor_f64(anchor)), zero = vf64_set(0.0);
    const vf64 rest = is_ready ? zero : vf64_set(-(double)INFINITY);
    const ptrdiff_t most = LSE_LANES * (type == LSE_F64 ? (ptrdiff_t)LSE_CHAIN : (ptrdiff_t)LSE_PRODUCT_STEPS);
    const int chains = type == LSE_F64 ? 1 : 4;
    vf64 whole[LSE_LANE_GROUPS], lost[LSE_LANE_GROUPS];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) whole[g] = lost[g] = zero;
    for (ptrdiff_t k = 0; k < n;) {
        const ptrdiff_t end = k + most < n ? k + most : n;
        vf64 chain[LSE_LANE_GROUPS][4];
#define EACH LSE_UNROLL for (int j = 0; j < 4; j++)
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) EACH chain[g][j] = zero;
        for (; k + 4 * LSE_LANES <= end; k += 4 * LSE_LANES)
            LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
                const ptrdiff_t at = k + g * vf64_width;
                vf64 e[4];
                EACH e[j] = elements(x, at + j * LSE_LANES, of);
                if (!is_ready) make_factors(e, 4, bias, floor, type);
                EACH chain[g][j % chains] =
                    vf64_fma(e[j], vf64_load(y + at + j * LSE_LANES), chain[g][j % chains]);
            }
        for (; k < end; k += 4 * LSE_LANES)
            LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
                const ptrdiff_t at = k + g * vf64_width;
                vf64 e[4], f[4];
                EACH e[j] = some_elements(x, at + j * LSE_LANES, n, rest, of);
                if (!is_ready) make_factors(e, 4, bias, floor, type);
                EACH f[j] = vf64_load_some(y + at + j * LSE_LANES, n - at - j * LSE_LANES, zero);
                EACH chain[g][j % chains] = vf64_fma(e[j], f[j], chain[g][j % chains]);
            }
#undef EACH
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
            const vf64 *c = chain[g];
            add_f64(&whole[g], &lost[g],
                    chains == 1 ? c[0] : vf64_add(vf64_add(c[0], c[1]), vf64_add(c[2], c[3])));
        }
    }
    double lanes[LSE_LANES], lanes_lo[LSE_LANES];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64_store(lanes + g * vf64_width, whole[g]);
        vf64_store(lanes_lo + g * vf64_width, lost[g]);
    }
    add_compensated_lanes(lanes, lanes_lo);
    *hi = lanes[0];
    *lo = lanes_lo[0];
}

#define OF_ELEMENTS(F, type, G, of)                                                                                  \
    static void factors_of_line_##F##_##G(const void *x, ptrdiff_t n, double anchor, double *out)                    \
    {                                                                                                                \
        line_factors(x, n, anchor, out, type, of);                                                                   \
    }                                                                                                                \
    static void factors_of_lines_##F##_##G(const void *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t count,         \
                                           const double *anchor, double *out)                                        \
    {                                                                                                                \
        panel_factors(x, pitch, steps, count, anchor, out, type, of);                                                \
    }                                                                                                                \
    static void dot_of_elements_##F##_##G(const void *x, ptrdiff_t n, double anchor, const double *y, double *hi,    \
                                          double *lo)                                                                \
    {                                                                                                                \
        dot(x, n, anchor, 0, y, hi, lo, type, of);                                                                   \
    }
#if LSE_PRODUCT_ROWS == 8
#define EIGHT_ROWS(F) , {multiply_8_1_##F, multiply_8_2_##F, multiply_8_3_##F}
#else
#define EIGHT_ROWS(F)
#endif
#define FOR_RESULTS(F, type)                                                                                         \
    OF_ELEMENTS(F, type, f32, LSE_F32)                                                                               \
    OF_ELEMENTS(F, type, f64, LSE_F64)                                                                               \
    static void join_extents_##F(const void *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t count, double *max,      \
                                 double *least, double *nan)                                                         \
    {                                                                                                                \
        join_lines(x, pitch, steps, count, max, least, nan, type);                                                   \
    }                                                                                                                \
    static void dot_of_factors_##F(const double *x, ptrdiff_t n, const double *y, double *hi, double *lo)            \
    {                                                                                                                \
        dot(x, n, 0.0, 1, y, hi, lo, type, LSE_F64);                                                                 \
    }                                                                                                                \
    static void multiply_##F(const double *a, ptrdiff_t a_pitch, ptrdiff_t rows, const double *b, ptrdiff_t steps,   \
                             ptrdiff_t width, double *hi, double *lo, ptrdiff_t pitch, int start)                    \
    {                                                                                                                \
        static const multiply by[][LSE_PRODUCT_VECTORS] = {                                                          \
            {multiply_1_1_##F, multiply_1_2_##F, multiply_1_3_##F},                                                  \
            {multiply_4_1_##F, multiply_4_2_##F, multiply_4_3_##F} EIGHT_ROWS(F)};                                   \
        multiply_panel(a, a_pitch, rows, b, steps, width, hi, lo, pitch, start, by);                                 \
    }
FOR_RESULTS(f32, LSE_F32)
FOR_RESULTS(f64, LSE_F64)
#undef FOR_RESULTS
#undef EIGHT_ROWS
#undef OF_ELEMENTS

/* Logarithms of `count` sums, whole vectors of them, in a row with an anchor, in columns with anchors of theirs. */
static void logs_of_products_f64(const double *hi, const double *lo, ptrdiff_t count, double row_anchor,
                                 const double *anchor, double *out)
{
    const vf64 own = vf64_set(row_anchor), zero = vf64_set(0.0), most = vf64_set(3000.0);
    const vf64 nothing = vf64_set(-(double)INFINITY);
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 sum = vf64_load(hi + i), rest = lo ? vf64_load(lo + i) : zero;
        const vf64 n = vf64_add(own, vf64_load(anchor + i));
        const vf64 magnitude = vf64_abs(n);
        vf64 log, log_lo, distant, distant_lo;
        log_parts_f64(&sum, &rest, &log, &log_lo, 1, n);
        log = vf64_add(log, log_lo);
        if (vf64_any_at_least(magnitude, most)) {
            vf64_log(sum, rest, n, &distant, &distant_lo);
            log = vf64_select(magnitude, most, vf64_add(distant, distant_lo), log);
        }
        vf64_store(out + i, vf64_select(zero, sum, nothing, log));
    }
}

/* The same for results that are rounded to floats: within 2^-37 and two ulps of a double (tools/proof.py). */
static void logs_of_products_f32(const double *hi, const double *lo, ptrdiff_t count, double row_anchor,
                                 const double *anchor, double *out)
{
    enum { TERMS = sizeof LOG_SHORT / sizeof LOG_SHORT[0] };
    const vf64 own = vf64_set(row_anchor), zero = vf64_set(0.0), nothing = vf64_set(-(double)INFINITY);
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 sum = lo ? vf64_add(vf64_load(hi + i), vf64_load(lo + i)) : vf64_load(hi + i);
        const vf64 a = vf64_mul(sum, vf64_set(LOG_SPLIT));
        const vf64 k = vf64_add(vf64_exponent(a), vf64_add(own, vf64_load(anchor + i)));
        const vf64 r = vf64_fma(sum, vf64_lower(vf64_lookup(INVERSE_f64, a), a), vf64_set(-1.0));
        vf64 p = vf64_set(LOG_SHORT[TERMS - 1]);
        LSE_UNROLL for (int j = TERMS - 2; j >= 0; j--) p = vf64_fma(p, r, vf64_set(LOG_SHORT[j]));
        const vf64 log = vf64_fma(k, vf64_set(LN2_HI_f64), vf64_add(vf64_lookup(LOG_OF_f64, a), r));
        vf64_store(out + i, vf64_select(zero, sum, nothing, vf64_fma(vf64_mul(r, r), p, log)));
    }
}

/* Whether every sum of `count`, whole vectors, is at least what its column asks for, and what its row does; nothing is
 * at least NaN. */
static int are_safe_products(const double *hi, ptrdiff_t count, double row_least, const double *least)
{
    const vf64 own = vf64_set(row_least), one = vf64_set(1.0), zero = vf64_set(0.0);
    vf64 unsafe = zero;
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 sum = vf64_load(hi + i), by_column = vf64_select(sum, vf64_load(least + i), zero, one);
        unsafe = vf64_max(vf64_select(sum, own, by_column, one), unsafe);
    }
    return !vf64_any_at_least(unsafe, one);
}

/* Whether any a_k + b_k is NaN. */
LSE_INLINE int is_any_pair_nan(const void *a, const double *b, ptrdiff_t n, const lse_type of)
{
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0);
    vf64 unknown = zero;
    for (ptrdiff_t k = 0; k < n; k += vf64_width) {
        const vf64 sum = vf64_add(some_elements(a, k, n, zero, of), vf64_load_some(b + k, n - k, zero));
        unknown = vf64_select(sum, sum, unknown, one);
    }
    return vf64_any_at_least(unknown, one);
}

/* a_k + b_k - shift, in two parts until it is rounded, of those that are not far below it; -inf of others. */
LSE_INLINE vf64 below_in_two_parts(const void *a, const double *b, ptrdiff_t k, ptrdiff_t n, vf64 shift,
                                   const lse_type of)
{
    const vf64 nothing = vf64_set(-(double)INFINITY);
    vf64 lost;
    const vf64 x = some_elements(a, k, n, nothing, of), y = vf64_load_some(b + k, n - k, nothing);
    const vf64 below = vf64_sub(two_sum_f64(x, y, &lost), shift);
    return vf64_select(below, vf64_set(-DBL_MAX), vf64_add(below, lost), nothing); /* lost is NaN beside -inf */
}

/* log sum_k e^(a_k + b_k) = shift + shift_lo + log(hi + lo) of n elements of each, whatever they hold: a_k + b_k is
 * taken in two parts. Element k belongs to lane k mod 8. Terms below e^-150 of the largest are nothing beside it, even
 * 2^50 of them; where there are no others, the largest is all. Where results are rounded to floats one part of
 * everything is enough. Usual elements are neither NaN nor +inf. */
LSE_INLINE void sum_of_pairs(const void *a, const double *b, ptrdiff_t n, int are_usual, lse_pair_sum *sum,
                             const lse_type type, const lse_type of)
{
    enum { TURNS = 4, STEP = TURNS * LSE_LANES, VECTORS = STEP / vf64_width, SPANS = 64 };
    const vf64 nothing = vf64_set(-(double)INFINITY), zero = vf64_set(0.0), least = vf64_set(-150.0);
    const ptrdiff_t span = (n / (STEP * SPANS) + 1) * STEP; /* so that there are no more than SPANS */
    double tops[SPANS * vf64_width];
    vf64 greatest = nothing;
    ptrdiff_t spans = 0;
#define PAIR(at) vf64_add(elements(a, at, of), vf64_load(b + (at)))
#define SOME_PAIR(at) vf64_add(some_elements(a, at, n, nothing, of), vf64_load_some(b + (at), n - (at), nothing))
    for (ptrdiff_t k = 0; k < n; spans++) {
        const ptrdiff_t end = k + span < n ? k + span : n;
        vf64 top[4] = {nothing, nothing, nothing, nothing};
        for (; k + STEP <= end; k += STEP)
            LSE_UNROLL for (int j = 0; j < VECTORS; j++) top[j % 4] = vf64_max(PAIR(k + j * vf64_width), top[j % 4]);
        for (; k < end; k += vf64_width) top[0] = vf64_max(SOME_PAIR(k), top[0]);
        top[0] = vf64_max(vf64_max(top[0], top[1]), vf64_max(top[2], top[3]));
        greatest = vf64_max(top[0], greatest);
        vf64_store(tops + spans * vf64_width, top[0]);
    }
    const double max = vf64_greatest(greatest);
    *sum = (lse_pair_sum){max, 0.0, 1.0, 0.0};
    if (!are_usual && is_any_pair_nan(a, b, n, of)) sum->shift = (double)NAN;
    if (!(fabs(sum->shift) <= DBL_MAX)) return;
    /* of large sums what rounding loses can be more than terms differ by */
    const int is_large = type == LSE_F64 && fabs(max) > 0x1p32;
    const vf64 needed = vf64_set(max - 151.0 - fabs(max) * 0x1p-51), at_max = vf64_set(max);
    const vf64 bias = vf64_set(bias_f64(0.0)), floor = vf64_set(floor_f64(0.0));
    int count = 0;
    for (ptrdiff_t s = 0; s < spans && count < 2; s++) {
        if (!vf64_any_at_least(vf64_load(tops + s * vf64_width), needed)) continue;
        const ptrdiff_t end = (s + 1) * span < n ? (s + 1) * span : n;
        for (ptrdiff_t k = s * span; k < end; k += vf64_width) count += vf64_count_at_least(SOME_PAIR(k), needed);
    }
    if (count == 1) return;
    if (is_large) {
        vf64 top = nothing;
        for (ptrdiff_t k = 0; k < n; k += vf64_width) top = vf64_max(below_in_two_parts(a, b, k, n, at_max, of), top);
        sum->shift_lo = vf64_greatest(top);
    }
    vf64 hi[LSE_LANE_GROUPS], lo[LSE_LANE_GROUPS], rest[LSE_LANE_GROUPS];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) hi[g] = lo[g] = rest[g] = zero;
    for (ptrdiff_t k = 0; k < n; k += STEP) {
        if (!vf64_any_at_least(vf64_load(tops + k / span * vf64_width), needed)) continue;
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
            vf64 e[TURNS], lost[TURNS], largest = nothing;
            LSE_UNROLL for (int j = 0; j < TURNS; j++) {
                const ptrdiff_t at = k + j * LSE_LANES + g * vf64_width;
                const vf64 x = some_elements(a, at, n, nothing, of), y = vf64_load_some(b + at, n - at, nothing);
                vf64 below;
                lost[j] = zero;
                if (is_large) {
                    below = vf64_sub(below_in_two_parts(a, b, at, n, at_max, of), vf64_set(sum->shift_lo));
                } else {
                    below = vf64_sub(type == LSE_F64 ? two_sum_f64(x, y, &lost[j]) : vf64_add(x, y), at_max);
                    lost[j] = vf64_select(below, least, lost[j], zero); /* NaN beside -inf */
                }
                e[j] = vf64_select(below, least, below, nothing);
                largest = vf64_max(below, largest);
            }
            if (!vf64_any_at_least(largest, least)) continue;
            make_factors(e, TURNS, bias, floor, type);
            LSE_UNROLL for (int j = 0; j < TURNS; j++) {
                if (type == LSE_F64) {
                    add_f64(&hi[g], &lo[g], e[j]);
                    rest[g] = vf64_fma(e[j], lost[j], rest[g]);
                } else {
                    hi[g] = vf64_add(hi[g], e[j]);
                }
            }
        }
    }
#undef SOME_PAIR
#undef PAIR
    double lanes[LSE_LANES], lanes_lo[LSE_LANES];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64_store(lanes + g * vf64_width, hi[g]);
        vf64_store(lanes_lo + g * vf64_width, vf64_add(lo[g], rest[g]));
    }
    add_compensated_lanes(lanes, lanes_lo);
    sum->hi = lanes[0];
    sum->lo = lanes_lo[0];
}

#define SUM_OF_PAIRS(F, type, G, of)                                                                                 \
    static void sum_of_pairs_##F##_##G(const void *a, const double *b, ptrdiff_t n, int are_usual,                   \
                                       lse_pair_sum *sum)                                                            \
    {                                                                                                                \
        sum_of_pairs(a, b, n, are_usual, sum, type, of);                                                             \
    }
SUM_OF_PAIRS(f32, LSE_F32, f32, LSE_F32)
SUM_OF_PAIRS(f32, LSE_F32, f64, LSE_F64)
SUM_OF_PAIRS(f64, LSE_F64, f32, LSE_F32)
SUM_OF_PAIRS(f64, LSE_F64, f64, LSE_F64)
#undef SUM_OF_PAIRS

/* Their logarithms. */
static void logs_of_pairs(const lse_pair_sum *sums, ptrdiff_t count, double *out)
{
    const vf64 zero = vf64_set(0.0), most = vf64_set(DBL_MAX);
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        double parts[4][vf64_width];
        for (ptrdiff_t j = 0; j < vf64_width; j++) {
            const lse_pair_sum *s = &sums[i + j < count ? i + j : i];
            parts[0][j] = s->shift;
            parts[1][j] = s->shift_lo;
            parts[2][j] = s->hi;
            parts[3][j] = s->lo;
        }
        const vf64 shift = vf64_load(parts[0]), hi = vf64_load(parts[2]), lo = vf64_load(parts[3]);
        vf64 log, log_lo, of_both;
        log_parts_f64(&hi, &lo, &log, &log_lo, 1, zero);
        log = two_sum_f64(shift, log, &of_both);
        const vf64 rest = vf64_add(of_both, vf64_add(log_lo, vf64_load(parts[1])));
        vf64_store_some(out + i, count - i, vf64_select(most, vf64_abs(shift), vf64_add(log, rest), shift));
    }
}
