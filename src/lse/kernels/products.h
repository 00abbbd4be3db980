/* Products of matrices in log space: entry ij is log sum_k e^(a_ik + b_kj). In double precision for every type.
 *
 * A line, a row of a or a column of b, has an anchor N = nearest(max log2(e)) - headroom, an integer, and its elements
 * become factors e^x 2^-N: scaling rounds nothing, however far the maxima of the lines are from each other. An entry is
 * a sum of products of factors, and its logarithm that of the sum times 2^(N of the row + N of the column).
 *
 * The order of additions is the same for every tiling, thread and width of registers: chains of LSE_CHAIN fused
 * multiply-adds are added to the sum of LSE_PRODUCT_STEPS steps, and such sums with what rounding loses. So the error
 * grows with neither: a factor is within 1.79 of 2^-53, rounding of chains and of their sum costs LSE_CHAIN / 2 +
 * LSE_PRODUCT_STEPS / LSE_CHAIN / 2 + ... of 2^-53 at most, were every rounding the worst. */

/* Accumulators of a block: so many rows of so many vectors, of 32 registers or of 16. */
#ifndef LSE_PRODUCT_ROWS
#define LSE_PRODUCT_ROWS 4
#endif
enum { LSE_PRODUCT_VECTORS = 3 };

/* What has been seen of lines so far: the greatest element, the least finite one, and whether any is NaN. */
typedef struct {
    vf64 max, least, nan;
} extent;

LSE_INLINE extent no_extent(void)
{
    return (extent){vf64_set(-(double)INFINITY), vf64_set((double)INFINITY), vf64_set(0.0)};
}

LSE_INLINE void see(extent *seen, vf64 x)
{
    const vf64 infinite = vf64_set((double)INFINITY);
    seen->max = vf64_max(x, seen->max);
    seen->least = vf64_min(vf64_select(x, vf64_set(-DBL_MAX), x, infinite), seen->least);
    seen->nan = vf64_select(x, x, seen->nan, infinite);
}

/* max, least and nan of one line, with n more of its elements; nan is infinite where there is one. */
static void join_extent(const double *x, ptrdiff_t n, double *max, double *least, double *nan)
{
    extent seen[2] = {no_extent(), no_extent()};
    const vf64 rest = vf64_set(-(double)INFINITY);
    for (ptrdiff_t i = 0; i < n; i += 2 * vf64_width)
        LSE_UNROLL for (int j = 0; j < 2; j++)
            see(&seen[j], vf64_load_some(x + i + j * vf64_width, n - i - j * vf64_width, rest));
    const double top = vf64_greatest(vf64_max(seen[0].max, seen[1].max));
    const double low = -vf64_greatest(vf64_neg(vf64_min(seen[0].least, seen[1].least)));
    if (top > *max) *max = top;
    if (low < *least) *least = low;
    if (vf64_any_at_least(vf64_max(seen[0].nan, seen[1].nan), vf64_set(1.0))) *nan = (double)INFINITY;
}

/* The same of `width` lines side by side, whole vectors of them, and so many more elements of each, in rows. */
static void join_extents(const double *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t width, double *max, double *least,
                         double *nan)
{
    for (ptrdiff_t v = 0; v < width; v += vf64_width) {
        extent seen = {vf64_load(max + v), vf64_load(least + v), vf64_load(nan + v)};
        for (ptrdiff_t k = 0; k < steps; k++) see(&seen, vf64_load(x + k * pitch + v));
        vf64_store(max + v, seen.max);
        vf64_store(least + v, seen.least);
        vf64_store(nan + v, seen.nan);
    }
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
LSE_INLINE void line_factors(const double *x, ptrdiff_t n, double anchor, double *out, const lse_type type)
{
    const vf64 bias = vf64_set(bias_f64(anchor)), floor = vf64_set(floor_f64(anchor));
    const vf64 nothing = vf64_set(-(double)INFINITY);
    ptrdiff_t i = 0;
    for (; i + 4 * vf64_width <= n; i += 4 * vf64_width) {
        vf64 e[4];
        LSE_UNROLL for (int j = 0; j < 4; j++) e[j] = vf64_load(x + i + j * vf64_width);
        make_factors(e, 4, bias, floor, type);
        LSE_UNROLL for (int j = 0; j < 4; j++) vf64_store(out + i + j * vf64_width, e[j]);
    }
    for (; i < n; i += 2 * vf64_width) {
        vf64 e[2] = {vf64_load_some(x + i, n - i, nothing),
                     vf64_load_some(x + i + vf64_width, n - i - vf64_width, nothing)};
        make_factors(e, 2, bias, floor, type);
        vf64_store_some(out + i, n - i, e[0]);
        vf64_store_some(out + i + vf64_width, n - i - vf64_width, e[1]);
    }
}

/* The factors of `steps` elements of each of `width` lines side by side, whole vectors of them, in rows of that width. */
LSE_INLINE void panel_factors(const double *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t width, const double *anchor,
                              double *out, const lse_type type)
{
    for (ptrdiff_t v = 0; v < width; v += vf64_width) {
        const vf64 n = vf64_load(anchor + v), bias = vf64_sub(vf64_set(bias_f64(0.0)), n);
        const vf64 floor = vf64_mul(vf64_sub(n, vf64_set(1023.0)), vf64_set(LN2_HI_f64));
        ptrdiff_t k = 0;
        for (; k + 4 <= steps; k += 4) {
            vf64 e[4];
            LSE_UNROLL for (int j = 0; j < 4; j++) e[j] = vf64_load(x + (k + j) * pitch + v);
            make_factors(e, 4, bias, floor, type);
            LSE_UNROLL for (int j = 0; j < 4; j++) vf64_store(out + (k + j) * width + v, e[j]);
        }
        for (; k < steps; k++) {
            vf64 e[1] = {vf64_load(x + k * pitch + v)};
            make_factors(e, 1, bias, floor, type);
            vf64_store(out + k * width + v, e[0]);
        }
    }
}

/* Sums of products, `rows` by `vectors` vectors, constants both, of `steps` steps: a row of a is contiguous, b has
 * rows of those vectors. They are added to what is in hi and lo, or start it. */
LSE_INLINE void multiply_block(const double *a, ptrdiff_t a_pitch, const double *b, ptrdiff_t steps, const int rows,
                               const int vectors, double *hi, double *lo, ptrdiff_t pitch, int start)
{
    double kept[LSE_PRODUCT_ROWS * LSE_PRODUCT_VECTORS * vf64_width];
    for (int i = 0; i < rows * vectors * vf64_width; i++) kept[i] = 0.0;
    for (ptrdiff_t k = 0; k < steps;) {
        const ptrdiff_t end = k + LSE_CHAIN < steps ? k + LSE_CHAIN : steps;
        vf64 chain[LSE_PRODUCT_ROWS][LSE_PRODUCT_VECTORS];
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
        LSE_UNROLL for (int r = 0; r < rows; r++)
            LSE_UNROLL for (int v = 0; v < vectors; v++) {
                double *at = kept + (r * vectors + v) * vf64_width;
                vf64_store(at, vf64_add(vf64_load(at), chain[r][v]));
            }
    }
    LSE_UNROLL for (int r = 0; r < rows; r++)
        LSE_UNROLL for (int v = 0; v < vectors; v++) {
            const vf64 sum = vf64_load(kept + (r * vectors + v) * vf64_width);
            double *to = hi + r * pitch + v * vf64_width, *to_lo = lo + r * pitch + v * vf64_width;
            vf64 whole = start ? vf64_set(0.0) : vf64_load(to), lost = start ? vf64_set(0.0) : vf64_load(to_lo);
            add_f64(&whole, &lost, sum);
            vf64_store(to, whole);
            vf64_store(to_lo, lost);
        }
}

#define MULTIPLY(rows, vectors)                                                                                     \
    static void multiply_##rows##_##vectors(const double *a, ptrdiff_t a_pitch, const double *b, ptrdiff_t steps,   \
                                            double *hi, double *lo, ptrdiff_t pitch, int start)                     \
    {                                                                                                               \
        multiply_block(a, a_pitch, b, steps, rows, vectors, hi, lo, pitch, start);                                  \
    }
MULTIPLY(1, 1)
MULTIPLY(1, 2)
MULTIPLY(1, 3)
MULTIPLY(4, 1)
MULTIPLY(4, 2)
MULTIPLY(4, 3)
#if LSE_PRODUCT_ROWS == 8
MULTIPLY(8, 1)
MULTIPLY(8, 2)
MULTIPLY(8, 3)
#endif
#undef MULTIPLY

typedef void (*multiply)(const double *a, ptrdiff_t a_pitch, const double *b, ptrdiff_t steps, double *hi, double *lo,
                         ptrdiff_t pitch, int start);

/* The same for any number of rows, and a panel of columns. */
static void multiply_panel(const double *a, ptrdiff_t a_pitch, ptrdiff_t rows, const double *b, ptrdiff_t steps,
                           ptrdiff_t width, double *hi, double *lo, ptrdiff_t pitch, int start)
{
    static const multiply ones[] = {multiply_1_1, multiply_1_2, multiply_1_3};
    static const multiply fours[] = {multiply_4_1, multiply_4_2, multiply_4_3};
    const ptrdiff_t vectors = width / vf64_width - 1;
    ptrdiff_t i = 0;
#if LSE_PRODUCT_ROWS == 8
    static const multiply eights[] = {multiply_8_1, multiply_8_2, multiply_8_3};
    for (; i + 8 <= rows; i += 8)
        eights[vectors](a + i * a_pitch, a_pitch, b, steps, hi + i * pitch, lo + i * pitch, pitch, start);
#endif
    for (; i + 4 <= rows; i += 4)
        fours[vectors](a + i * a_pitch, a_pitch, b, steps, hi + i * pitch, lo + i * pitch, pitch, start);
    for (; i < rows; i++)
        ones[vectors](a + i * a_pitch, a_pitch, b, steps, hi + i * pitch, lo + i * pitch, pitch, start);
}

/* Thin products: the sum over k of factors of a row, made here or ready, and of a column, which is one run too. Element
 * k belongs to lane k mod 8, whatever the width of the registers; chains and sums are as those of multiply_block. */
LSE_INLINE void dot(const double *x, ptrdiff_t n, double anchor, const int is_ready, const double *y, double *hi,
                    double *lo, const lse_type type)
{
    const vf64 bias = vf64_set(bias_f64(anchor)), floor = vf64_set(floor_f64(anchor)), zero = vf64_set(0.0);
    const vf64 rest = is_ready ? zero : vf64_set(-(double)INFINITY);
    vf64 whole[LSE_LANE_GROUPS], lost[LSE_LANE_GROUPS];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) whole[g] = lost[g] = zero;
    for (ptrdiff_t k = 0; k < n;) {
        const ptrdiff_t end = k + LSE_LANES * LSE_CHAIN;
        vf64 chain[LSE_LANE_GROUPS];
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) chain[g] = zero;
        for (; k < end && k < n; k += 4 * LSE_LANES)
            LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
                vf64 e[4], f[4];
                LSE_UNROLL for (int j = 0; j < 4; j++) {
                    const ptrdiff_t at = k + j * LSE_LANES + g * vf64_width;
                    e[j] = vf64_load_some(x + at, n - at, rest);
                    f[j] = vf64_load_some(y + at, n - at, zero);
                }
                if (!is_ready) make_factors(e, 4, bias, floor, type);
                LSE_UNROLL for (int j = 0; j < 4; j++) chain[g] = vf64_fma(e[j], f[j], chain[g]);
            }
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) add_f64(&whole[g], &lost[g], chain[g]);
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

static void dot_of_factors(const double *x, ptrdiff_t n, const double *y, double *hi, double *lo)
{
    dot(x, n, 0.0, 1, y, hi, lo, LSE_F64);
}

#define FOR_RESULTS(F, type)                                                                                        \
    static void factors_of_line_##F(const double *x, ptrdiff_t n, double anchor, double *out)                       \
    {                                                                                                               \
        line_factors(x, n, anchor, out, type);                                                                      \
    }                                                                                                               \
    static void factors_of_lines_##F(const double *x, ptrdiff_t pitch, ptrdiff_t steps, ptrdiff_t width,            \
                                     const double *anchor, double *out)                                             \
    {                                                                                                               \
        panel_factors(x, pitch, steps, width, anchor, out, type);                                                   \
    }                                                                                                               \
    static void dot_of_elements_##F(const double *x, ptrdiff_t n, double anchor, const double *y, double *hi,       \
                                    double *lo)                                                                     \
    {                                                                                                               \
        dot(x, n, anchor, 0, y, hi, lo, type);                                                                      \
    }
FOR_RESULTS(f32, LSE_F32)
FOR_RESULTS(f64, LSE_F64)
#undef FOR_RESULTS

/* Logarithms of `count` sums, whole vectors of them, in a row with an anchor, in columns with anchors of theirs. */
static void logs_of_products(const double *hi, const double *lo, ptrdiff_t count, double row_anchor,
                             const double *anchor, double *out)
{
    const vf64 own = vf64_set(row_anchor), zero = vf64_set(0.0), most = vf64_set(3000.0);
    const vf64 nothing = vf64_set(-(double)INFINITY);
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 sum = vf64_load(hi + i), rest = vf64_load(lo + i), n = vf64_add(own, vf64_load(anchor + i));
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

/* log sum_k e^(a_k + b_k) of n elements of each, whatever they hold: a_k + b_k is taken in two parts. Element k belongs
 * to lane k mod 8. Terms below e^-150 of the largest are nothing beside it, even 2^50 of them. Where results are rounded
 * to floats one part of everything is enough. */
LSE_INLINE double log_of_sum_of_pairs(const double *a, const double *b, ptrdiff_t n, const lse_type type)
{
    enum { TURNS = 4, STEP = TURNS * LSE_LANES };
    const vf64 nothing = vf64_set(-(double)INFINITY), zero = vf64_set(0.0), one = vf64_set(1.0);
    vf64 top[2] = {nothing, nothing}, unknown[2] = {zero, zero};
    vf64 hi[LSE_LANE_GROUPS], lo[LSE_LANE_GROUPS], rest[LSE_LANE_GROUPS];
    for (ptrdiff_t k = 0; k < n; k += 2 * vf64_width)
        LSE_UNROLL for (int j = 0; j < 2; j++) {
            const ptrdiff_t at = k + j * vf64_width;
            const vf64 x = vf64_load_some(a + at, n - at, nothing), y = vf64_load_some(b + at, n - at, nothing);
            const vf64 sum = vf64_add(x, y);
            top[j] = vf64_max(sum, top[j]);
            unknown[j] = vf64_select(sum, sum, unknown[j], one);
        }
    const double max = vf64_greatest(vf64_max(top[0], top[1]));
    if (vf64_any_at_least(vf64_max(unknown[0], unknown[1]), one)) return (double)NAN;
    if (!(fabs(max) <= DBL_MAX)) return max;
    const vf64 bias = vf64_set(bias_f64(0.0)), floor = vf64_set(floor_f64(0.0)), shift = vf64_set(max);
    const vf64 least = vf64_set(-150.0);
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) hi[g] = lo[g] = rest[g] = zero;
    for (ptrdiff_t k = 0; k < n; k += STEP)
        LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
            vf64 e[TURNS], lost[TURNS], largest = nothing;
            LSE_UNROLL for (int j = 0; j < TURNS; j++) {
                const ptrdiff_t at = k + j * LSE_LANES + g * vf64_width;
                const vf64 x = vf64_load_some(a + at, n - at, nothing), y = vf64_load_some(b + at, n - at, nothing);
                const vf64 sum = type == LSE_F64 ? two_sum_f64(x, y, &lost[j]) : vf64_add(x, y);
                const vf64 below = vf64_sub(sum, shift);
                e[j] = vf64_select(below, least, below, nothing);
                if (type == LSE_F64) lost[j] = vf64_select(below, least, lost[j], zero); /* NaN beside -inf */
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
    double lanes[LSE_LANES], lanes_lo[LSE_LANES];
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64_store(lanes + g * vf64_width, hi[g]);
        vf64_store(lanes_lo + g * vf64_width, vf64_add(lo[g], rest[g]));
    }
    add_compensated_lanes(lanes, lanes_lo);
    const vf64 sum = vf64_set(lanes[0]), sum_lo = vf64_set(lanes_lo[0]);
    vf64 log, log_lo, of_both;
    log_parts_f64(&sum, &sum_lo, &log, &log_lo, 1, zero);
    log = two_sum_f64(shift, log, &of_both);
    return vf64_greatest(vf64_add(log, vf64_add(of_both, log_lo)));
}

static double log_of_pairs_f32(const double *a, const double *b, ptrdiff_t n)
{
    return log_of_sum_of_pairs(a, b, n, LSE_F32);
}

static double log_of_pairs_f64(const double *a, const double *b, ptrdiff_t n)
{
    return log_of_sum_of_pairs(a, b, n, LSE_F64);
}
