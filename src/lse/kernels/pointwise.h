/* The functions of one and two numbers, log(e^x + e^y) and those like it, included once.
 *
 * All are m + log(1 + w) or m + log(1 - w), where w = e^d and d <= 0:
 *
 *     logaddexp(x, y) = m + log(1 + w), m = max(x, y), d = min(x, y) - m
 *     log1pexp(x) = m + log(1 + w), m = max(x, 0), d = -|x|
 *     logsubexp(x, y) = x + log(1 - w), d = y - x
 *     log1mexp(x) = log(1 - w), d = x
 *     logexpm1(x) = x + log(1 - w), d = -x
 *
 * float32 is computed in double precision, float64 in two parts. Where m and the logarithm of logaddexp or logsubexp
 * cancel to less than a limit, log_near_one.c computes the result instead. That of logexpm1 is near 0 only about
 * ln 2, where w = (1 + v) / 2 with v near 0, so that no digits are lost if the parts of ln 2 are subtracted exactly.
 *
 * float64: 1 + w is within 2^-69, and 1 - w within 2^-65 of it where |d| < ln(2) / 32; the logarithm adds 2^-69,
 * or 2^-64 of itself where w < 1 / 47. Results of two numbers are above 2^-9 and 2^-4 of the logarithm, or exact to
 * 2^-57 of themselves. So errors are below 0.51 ulp, and for logsubexp of numbers that close below 0.57. Subnormal
 * results are rounded twice: 0.76. float32: errors of 2^-48, and limits of 2^-18 and 2^-12: 0.51.
 *
 * The worst known: logsubexp(3.7673060564197485, 3.743836173949097), 0.518; logaddexp(-0.13442542933437732,
 * -2.0464087107691875), 0.502; logsubexp(0x1.47d83ff4b3afbp-978, -0x1.52d3463406bccp+9), 0.73, which is subnormal;
 * logexpm1(0x1.54c2d1b29b196p-1), 0.50005; and of floats log1mexp(-0x1.514d22p+2), 0.500001. They were found among
 * 120,000 arguments of each function, random ones and pairs at every distance from a result of 0. */

#define IS_SUM(f) ((f) == LSE_LOGADDEXP || (f) == LSE_LOG1PEXP)
#define IS_OF_TWO(f) ((f) == LSE_LOGADDEXP || (f) == LSE_LOGSUBEXP)

/* hi + lo; lo is small beside hi, but need not be below half an ulp of it. */
typedef struct {
    vf64 hi, lo;
} vf64_parts;

LSE_INLINE vf64_parts exact_sum(vf64 a, vf64 b)
{
    vf64_parts sum;
    sum.hi = two_sum_f64(a, b, &sum.lo);
    return sum;
}

/* The same, if |a| >= |b| or a = 0. */
LSE_INLINE vf64_parts ordered_sum(vf64 a, vf64 b)
{
    vf64_parts sum;
    sum.hi = vf64_fast_two_sum(a, b, &sum.lo);
    return sum;
}

LSE_INLINE vf64_parts exact_product(vf64 a, vf64 b)
{
    vf64_parts product = {vf64_mul(a, b), vf64_set(0.0)};
    product.lo = vf64_fma(a, b, vf64_neg(product.hi));
    return product;
}

#define POLYNOMIAL(p, c, r)                                                                                          \
    vf64 p = vf64_set(c[sizeof c / sizeof c[0] - 1]);                                                                \
    LSE_UNROLL for (int k = sizeof c / sizeof c[0] - 2; k >= 0; k--) p = vf64_fma(p, r, vf64_set(c[k]))

/* -d / (ln(2) / 16), rounded to an integer N in the low bits of t: e^d = 2^(-N / 16) e^r, |r| <= ln(2) / 32. */
LSE_INLINE vf64 sixteenths_of(vf64 d, vf64 *n)
{
    const vf64 magic = vf64_set(0x1.8p52), t = vf64_fma(d, vf64_set(-16 * LOG2E_f64), magic);
    *n = vf64_sub(t, magic);
    return t;
}

/* 2^(-N / 16) for 0 <= N < 16 * 1022, rounded. */
LSE_INLINE vf64 power_of_sixteenths(vf64 t)
{
    const vf64 at = vf64_sixteenths(t);
    return vf64_lower(vf64_lookup(SIXTEENTHS, at), at);
}

/* Special values, and m so large that nothing is added to it. */
LSE_INLINE vf64 with_special_values(const lse_function f, vf64 x, vf64 y, vf64 m, vf64 result)
{
    const vf64 infinity = vf64_set(INFINITY), least = vf64_set(-INFINITY), nan = vf64_set((double)NAN);
    const vf64 zero = vf64_set(0.0);
    if (f != LSE_LOG1MEXP) result = vf64_select(vf64_abs(m), vf64_set(0x1p400), m, result);
    if (f == LSE_LOGSUBEXP) {
        const vf64 equal = vf64_select(x, infinity, nan, least);
        result = vf64_select(y, x, vf64_select(x, y, equal, nan), result);
    }
    if (f == LSE_LOG1MEXP) result = vf64_select(x, zero, vf64_select(zero, x, least, nan), result);
    if (f == LSE_LOGEXPM1) result = vf64_select(zero, x, vf64_select(x, zero, least, nan), result);
    if (IS_OF_TWO(f)) result = vf64_select(y, y, result, y);
    return vf64_select(x, x, result, x);
}

/* Replaces results below limit by those of log_near_one.c. */
LSE_INLINE vf64 with_results_near_0(const lse_function f, vf64 x, vf64 y, vf64 limit, vf64 result)
{
    const vf64 size = vf64_max(vf64_set(0x1p-1074), vf64_abs(result)); /* that of NaN is NaN */
    if (!vf64_any_at_least(limit, size)) return result;
    double of_x[vf64_width], of_y[vf64_width], of_limit[vf64_width], of_size[vf64_width], results[vf64_width];
    vf64_store(of_x, x);
    vf64_store(of_y, y);
    vf64_store(of_limit, limit);
    vf64_store(of_size, size);
    vf64_store(results, result);
    for (int i = 0; i < vf64_width; i++)
        if (of_limit[i] >= of_size[i] && (f == LSE_LOGADDEXP ? of_x[i] == of_x[i] : of_x[i] > of_y[i])) {
            const double greater = of_x[i] > of_y[i] ? of_x[i] : of_y[i];
            const double smaller = of_x[i] > of_y[i] ? of_y[i] : of_x[i];
            results[i] = lse_log_near_one(greater, smaller, f == LSE_LOGSUBEXP);
        }
    return vf64_load(results);
}

/* d, how far below m the other argument is; d_lo is its rounding error. */
LSE_INLINE vf64 distance_below(const lse_function f, vf64 x, vf64 y, vf64 *m, vf64 *d_lo)
{
    const vf64 zero = vf64_set(0.0);
    *d_lo = zero;
    if (f == LSE_LOG1PEXP) {
        *m = vf64_max(x, zero);
        return vf64_neg(vf64_abs(x));
    }
    *m = f == LSE_LOG1MEXP ? zero : f == LSE_LOGADDEXP ? vf64_max(x, y) : x;
    if (f == LSE_LOG1MEXP) return x;
    if (f == LSE_LOGEXPM1) return vf64_neg(x);
    const vf64_parts d = exact_sum(f == LSE_LOGADDEXP ? vf64_min(x, y) : y, vf64_neg(*m));
    *d_lo = vf64_select(d.hi, vf64_set(-800.0), d.lo, zero);
    return d.hi;
}

LSE_INLINE vf64 pointwise_f64(const lse_function f, vf64 x, vf64 y)
{
    const vf64 one = vf64_set(1.0), half = vf64_set(0.5), zero = vf64_set(0.0);
    const double lowest = -800.0, tiny = -600.0;
    vf64 m, n, r_lo;
    const vf64 given = distance_below(f, x, y, &m, &r_lo), d = vf64_max(vf64_set(lowest), given);
    /* e^d = s e^(r + r_lo); d + n SHORT / 16 is exact */
    const vf64 t = sixteenths_of(d, &n), s = power_of_sixteenths(t);
    vf64_parts r = exact_product(n, vf64_set(LN2_MIDDLE / 16));
    r = exact_sum(vf64_fma(n, vf64_set(LN2_SHORT / 16), d), r.hi);
    r_lo = vf64_add(vf64_fma(n, vf64_set(LN2_LEAST / 16), r.lo),
                    vf64_add(r_lo, vf64_lookup(SIXTEENTHS_LO, vf64_sixteenths(t))));
    /* v = e^(r + r_lo) - 1 */
    POLYNOMIAL(p, EXP_FINE, r.hi);
    const vf64_parts square = exact_product(vf64_mul(r.hi, half), r.hi);
    vf64_parts v = ordered_sum(r.hi, square.hi);
    v.lo = vf64_add(vf64_add(v.lo, square.lo),
                    vf64_fma(vf64_mul(square.hi, r.hi), p, vf64_fma(r_lo, v.hi, r_lo)));
    /* w = s (1 + v), and a = 1 + w or 1 - w */
    vf64_parts product = exact_product(s, v.hi), w = ordered_sum(s, product.hi), a;
    product.lo = vf64_fma(s, v.lo, product.lo);
    w.lo = vf64_add(w.lo, product.lo);
    if (IS_SUM(f)) {
        a = ordered_sum(one, w.hi);
        a.lo = vf64_add(a.lo, w.lo);
    } else {
        const vf64_parts rest = ordered_sum(one, vf64_neg(s));
        a = exact_sum(rest.hi, vf64_neg(product.hi));
        a.lo = vf64_add(a.lo, vf64_sub(rest.lo, product.lo));
        a.hi = vf64_mul(a.hi, vf64_set(0x1p100)); /* it may be subnormal */
        a.lo = vf64_mul(a.lo, vf64_set(0x1p100));
    }
    /* log a = k ln 2 + t + log(1 + r), with 1 + r = a c */
    const vf64 at = vf64_mul(a.hi, vf64_set(LOG_SPLIT));
    const vf64 k = IS_SUM(f) ? vf64_exponent(at) : vf64_sub(vf64_exponent(at), vf64_set(100.0));
    const vf64 c = vf64_lower(vf64_lookup(INVERSE_f64, at), at), log_c = vf64_lookup(LOG_OF_f64, at);
    const vf64 is_small = vf64_set(0x1p-30); /* below it, a.lo has too few digits of w */
    product = exact_product(a.hi, c);
    r = ordered_sum(vf64_sub(product.hi, one), vf64_fma(a.lo, c, product.lo));
    r.hi = vf64_select(is_small, w.hi, IS_SUM(f) ? w.hi : vf64_neg(w.hi), r.hi);
    r.lo = vf64_select(is_small, w.hi, IS_SUM(f) ? w.lo : vf64_neg(w.lo), r.lo);
    POLYNOMIAL(q, LOG_FINE, r.hi);
    const vf64_parts minus = exact_product(vf64_mul(r.hi, vf64_set(-0.5)), r.hi);
    vf64_parts log = ordered_sum(r.hi, minus.hi);
    log.lo = vf64_add(vf64_add(log.lo, minus.lo),
                      vf64_fma(vf64_mul(minus.hi, r.hi), q, vf64_fma(r.lo, vf64_neg(r.hi), r.lo)));
    vf64 more = vf64_add(log.lo, vf64_lookup(LOG_OF_LO, at));
    vf64_parts sum;
    if (f == LSE_LOGEXPM1) {
        sum = exact_sum(m, vf64_mul(k, vf64_set(LN2_SHORT)));
        const vf64_parts next = exact_sum(sum.hi, vf64_mul(k, vf64_set(LN2_MIDDLE)));
        const vf64_parts last = exact_sum(next.hi, log_c);
        more = vf64_add(vf64_fma(k, vf64_set(LN2_LEAST), more), vf64_add(sum.lo, vf64_add(next.lo, last.lo)));
        sum = exact_sum(last.hi, log.hi);
    } else {
        const vf64 whole = vf64_fma(k, vf64_set(LN2_HEAD_f64), log_c);
        more = vf64_fma(k, vf64_set(LN2_TAIL_f64), more);
        if (f == LSE_LOG1MEXP) {
            sum = exact_sum(whole, log.hi);
        } else {
            const vf64_parts first = exact_sum(m, whole);
            sum = exact_sum(first.hi, log.hi);
            sum.lo = vf64_add(sum.lo, first.lo);
        }
    }
    vf64 result = vf64_add(sum.hi, vf64_add(sum.lo, more)), limit = zero;
    if (IS_OF_TWO(f)) {
        const vf64 size = vf64_abs(vf64_sub(result, m));
        limit = vf64_min(vf64_mul(size, vf64_set(0x1p-4)), vf64_set(0x1p-9));
    }
    /* where w may be subnormal: m + w or m - w, computed 2^300 times as large */
    if (vf64_any_at_least(vf64_set(tiny), d)) {
        const vf64 up = power_of_sixteenths(vf64_sub(t, vf64_set(16.0 * 300.0)));
        product = exact_product(up, v.hi);
        w = ordered_sum(up, product.hi);
        w.lo = vf64_add(w.lo, vf64_fma(up, v.lo, product.lo));
        sum = exact_sum(vf64_mul(m, vf64_set(0x1p300)), IS_SUM(f) ? w.hi : vf64_neg(w.hi));
        more = vf64_add(sum.hi, IS_SUM(f) ? vf64_add(sum.lo, w.lo) : vf64_sub(sum.lo, w.lo));
        result = vf64_select(vf64_set(tiny), d, vf64_mul(more, vf64_set(0x1p-300)), result);
        if (IS_OF_TWO(f))
            limit = vf64_select(vf64_set(tiny), d, vf64_mul(w.hi, vf64_set(0x1p-304)), limit);
    }
    if (IS_OF_TWO(f)) result = with_results_near_0(f, x, y, limit, result);
    return with_special_values(f, x, y, m, result);
}

LSE_INLINE vf64 pointwise_f32(const lse_function f, vf64 x, vf64 y)
{
    const vf64 one = vf64_set(1.0);
    vf64 m, n, unused;
    const vf64 d = vf64_max(vf64_set(-700.0), distance_below(f, x, y, &m, &unused));
    const vf64 t = sixteenths_of(d, &n), s = power_of_sixteenths(t);
    vf64 r = vf64_fma(n, vf64_set(LN2_LO_f64 / 16), vf64_fma(n, vf64_set(LN2_HI_f64 / 16), d));
    POLYNOMIAL(p, EXP_BRIEF, r);
    const vf64 v = vf64_fma(vf64_mul(r, r), p, r), w = vf64_fma(s, v, s);
    vf64_parts a;
    if (IS_SUM(f)) {
        a = ordered_sum(one, w);
    } else {
        a.hi = vf64_fma(vf64_neg(s), v, vf64_sub(one, s));
        a.lo = vf64_set(0.0);
    }
    const vf64 at = vf64_mul(a.hi, vf64_set(LOG_SPLIT)), k = vf64_exponent(at);
    const vf64 c = vf64_lower(vf64_lookup(INVERSE_f64, at), at);
    const vf64 whole = vf64_fma(k, vf64_set(LN2_HEAD_f64), vf64_lookup(LOG_OF_f64, at));
    const vf64 is_small = vf64_set(0x1p-6); /* below it, c = 1, and a has too few digits of w */
    r = vf64_fma(a.lo, c, vf64_fma(a.hi, c, vf64_neg(one)));
    r = vf64_select(is_small, w, IS_SUM(f) ? w : vf64_neg(w), r);
    POLYNOMIAL(q, LOG_BRIEF, r);
    const vf64 rest = vf64_fma(k, vf64_set(LN2_TAIL_f64), vf64_mul(vf64_mul(r, r), q));
    const vf64 result = vf64_add(vf64_add(vf64_add(m, whole), r), rest);
    if (!IS_OF_TWO(f)) return with_special_values(f, x, y, m, result);
    const vf64 size = vf64_abs(vf64_sub(result, m));
    const vf64 limit = vf64_min(vf64_mul(size, vf64_set(0x1p-12)), vf64_set(0x1p-18));
    return with_special_values(f, x, y, m, with_results_near_0(f, x, y, limit, result));
}

enum { POINTWISE_BLOCK = 64 };

/* Copies count elements of `size` bytes, stride bytes apart, to a contiguous run. */
#define GATHER_F(F, REAL)                                                                                            \
    static void take_run_##F(const char *from, ptrdiff_t stride, ptrdiff_t count, REAL *to)                          \
    {                                                                                                                \
        for (ptrdiff_t i = 0; i < count; i++) memcpy(to + i, from + i * stride, sizeof(REAL));                       \
    }                                                                                                                \
    static void put_run_##F(char *to, ptrdiff_t stride, ptrdiff_t count, const REAL *from)                           \
    {                                                                                                                \
        for (ptrdiff_t i = 0; i < count; i++) memcpy(to + i * stride, from + i, sizeof(REAL));                       \
    }
GATHER_F(f32, float)
GATHER_F(f64, double)
#undef GATHER_F

#define load_f32 vf64_from_f32
#define load_f64 vf64_load

/* args: the inputs and the output, steps bytes apart. Whole blocks of contiguous runs are used where they are, all
 * others are copied; what pads the last vector is 0, whose results are all either finite or without a search. */
#define APPLY(F, REAL)                                                                                               \
    LSE_INLINE void apply_##F(const lse_function f, char *const *args, const ptrdiff_t *steps, ptrdiff_t n)          \
    {                                                                                                                \
        const int inputs = IS_OF_TWO(f) ? 2 : 1;                                                                     \
        REAL copy[3][POINTWISE_BLOCK];                                                                               \
        for (int j = 0; j < inputs; j++)                                                                             \
            if (steps[j] == 0)                                                                                       \
                take_run_##F(args[j], 0, n < POINTWISE_BLOCK ? n : POINTWISE_BLOCK, copy[j]);                        \
        for (ptrdiff_t at = 0; at < n; at += POINTWISE_BLOCK) {                                                      \
            const ptrdiff_t count = n - at < POINTWISE_BLOCK ? n - at : POINTWISE_BLOCK;                             \
            const int whole = count == POINTWISE_BLOCK;                                                              \
            const char *from[2];                                                                                     \
            for (int j = 0; j < inputs; j++) {                                                                       \
                const char *const own = args[j] + at * steps[j];                                                     \
                const int direct = whole && steps[j] == sizeof(REAL);                                                \
                if (!direct && steps[j] != 0) take_run_##F(own, steps[j], count, copy[j]);                           \
                for (ptrdiff_t i = count; !direct && i % vf64_width != 0; i++) copy[j][i] = 0;                       \
                from[j] = direct ? own : (const char *)copy[j];                                                      \
            }                                                                                                        \
            char *const own = args[inputs] + at * steps[inputs];                                                     \
            const int direct = whole && steps[inputs] == sizeof(REAL);                                               \
            char *const to = direct ? own : (char *)copy[2];                                                         \
            for (ptrdiff_t i = 0; i < count; i += vf64_width) {                                                      \
                const vf64 x = load_##F(from[0] + (size_t)i * sizeof(REAL));                                         \
                const vf64 y = inputs == 2 ? load_##F(from[1] + (size_t)i * sizeof(REAL)) : x;                       \
                put_##F(to + (size_t)i * sizeof(REAL), pointwise_##F(f, x, y));                                      \
            }                                                                                                        \
            if (!direct) put_run_##F(own, steps[inputs], count, copy[2]);                                            \
        }                                                                                                            \
    }
APPLY(f32, float)
APPLY(f64, double)
#undef APPLY

#define POINTWISE(name, f)                                                                                           \
    static void name##_f32(char *const *args, const ptrdiff_t *steps, ptrdiff_t n) { apply_f32(f, args, steps, n); } \
    static void name##_f64(char *const *args, const ptrdiff_t *steps, ptrdiff_t n) { apply_f64(f, args, steps, n); }
POINTWISE(logaddexp, LSE_LOGADDEXP)
POINTWISE(logsubexp, LSE_LOGSUBEXP)
POINTWISE(log1pexp, LSE_LOG1PEXP)
POINTWISE(log1mexp, LSE_LOG1MEXP)
POINTWISE(logexpm1, LSE_LOGEXPM1)
#undef POINTWISE
