/* Merging states and turning them into results, for either type in double precision. */

LSE_INLINE vf64 vf64_neg(vf64 a) { return vf64_sub(vf64_set(-0.0), a); }

/* sum + *lost = a + b exactly, if |a| >= |b| or a = 0. */
LSE_INLINE vf64 vf64_fast_two_sum(vf64 a, vf64 b, vf64 *lost)
{
    const vf64 sum = vf64_add(a, b);
    *lost = vf64_add(vf64_sub(a, sum), b);
    return sum;
}

/* (a + a_lo) (b + b_lo) as a pair, as product. */
LSE_INLINE vf64 vf64_product(vf64 a, vf64 a_lo, vf64 b, vf64 b_lo, vf64 *lo)
{
    const vf64 hi = vf64_mul(a, b);
    *lo = vf64_add(vf64_fma(a, b, vf64_neg(hi)), vf64_add(vf64_mul(a, b_lo), vf64_mul(a_lo, b)));
    return hi;
}

static void merge(lse_states *into, const lse_states *from, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 a = vf64_load(into->max + i), b = vf64_load(from->max + i), zero = vf64_set(0.0);
        const vf64 of_a = vf64_load(into->count + i), of_b = vf64_load(from->count + i);
        const vf64 max = vf64_max(b, a), n = vf64_exponent_of(max);
        const vf64 e_a = vf64_sub(vf64_exponent_of(a), n), e_b = vf64_sub(vf64_exponent_of(b), n);
        const vf64 anchor = vf64_sub(n, vf64_set(500.0));
        const vf64 kept_a = vf64_select(a, b, of_a, zero), kept_b = vf64_select(b, a, of_b, zero);
        vf64 hi = vf64_down(vf64_load(into->tail + i), e_a), lo = vf64_down(vf64_load(into->tail_lo + i), e_a);
        add_f64(&hi, &lo, vf64_down(vf64_load(from->tail + i), e_b));
        lo = vf64_add(lo, vf64_down(vf64_load(from->tail_lo + i), e_b));
        add_term_f64(vf64_min(a, b), vf64_sub(vf64_sub(vf64_add(of_a, of_b), kept_a), kept_b),
                    vf64_sub(vf64_set(0x1.8p52 + 1023.0), anchor),
                    vf64_mul(vf64_sub(anchor, vf64_set(1023.0)), vf64_set(LN2_HI_f64)), &hi, &lo);
        vf64_store(into->max + i, max);
        vf64_store(into->count + i, vf64_add(kept_a, kept_b));
        vf64_store(into->tail + i, hi);
        vf64_store(into->tail_lo + i, lo);
    }
}

/* log((hi + lo) 2^e) as *value + *value_lo, for 1 <= hi < 2^1000, |lo| < 2^-52 hi, and an integer e.
 *
 * hi = 2^k f with f = 1 + d within a factor sqrt(2) of 1, and log f = 2 atanh(z / 2), z = 2 d / (2 + d). z has two
 * parts, so that the relative error, before the caller rounds, is below 2^-58. */
LSE_INLINE void vf64_log(vf64 hi, vf64 lo, vf64 e, vf64 *value, vf64 *value_lo)
{
    enum { TERMS = sizeof ATANH / sizeof ATANH[0] };
    const vf64 k = vf64_exponent(vf64_mul(hi, vf64_set(0x1.6a09e667f3bcdp0)));
    const vf64 down = vf64_ldexp1(vf64_neg(k)), one = vf64_set(1.0), two = vf64_set(2.0);
    vf64 d_lo, q_lo, lost;
    const vf64 d = vf64_fast_two_sum(vf64_sub(vf64_mul(hi, down), one), vf64_mul(lo, down), &d_lo);
    const vf64 q = vf64_fast_two_sum(two, d, &q_lo);
    const vf64 inverse = vf64_div(two, q);
    const vf64 z = vf64_mul(d, inverse), s = vf64_mul(vf64_mul(z, z), vf64_set(0.25));
    const vf64 rest = vf64_add(vf64_fma(vf64_neg(z), q, vf64_add(d, d)),
                               vf64_sub(vf64_add(d_lo, d_lo), vf64_mul(z, vf64_add(q_lo, d_lo))));
    vf64 p = vf64_set(ATANH[TERMS - 1]);
    LSE_UNROLL for (int i = TERMS - 2; i >= 0; i--) p = vf64_fma(p, s, vf64_set(ATANH[i]));
    const vf64 n = vf64_add(k, e), whole = vf64_mul(n, vf64_set(LN2_HI_f64));
    const vf64 series = vf64_fma(vf64_mul(z, s), p, vf64_mul(rest, vf64_mul(inverse, vf64_set(0.5))));
    const vf64 of_n = vf64_fma(n, vf64_set(LN2_LO_f64), vf64_fma(n, vf64_set(LN2_HI_f64), vf64_neg(whole)));
    *value = vf64_fast_two_sum(whole, z, &lost);
    *value_lo = vf64_add(lost, vf64_add(of_n, series));
}

/* Vectors of states that are finished side by side, step by step. */
enum { FINISHED = 4 };

/* 2^n e^-max, n = nearest(max log2(e)), in two parts, for `count` vectors, a compile-time constant, and |max| up to
 * LSE_FAR_f64. Relative error below 0.29 of 2^-53 (proved by tools/proof.py), from the polynomial and the roundings;
 * the worst known max is -0x1.602d2eea2c659p+43, 0.22. */
LSE_INLINE void exp_of_rests(const vf64 *max, const vf64 *n, vf64 *e, vf64 *e_lo, const int count)
{
    enum { TERMS = sizeof EXP_f64 / sizeof(double) };
    vf64 r[FINISHED], r_lo[FINISHED], p[FINISHED], lost;
    LSE_UNROLL for (int j = 0; j < count; j++) {
        r[j] = vf64_fast_two_sum(vf64_fma(n[j], vf64_set(LN2_HI_f64), vf64_neg(max[j])),
                                 vf64_mul(n[j], vf64_set(LN2_LO_f64)), &r_lo[j]);
        p[j] = vf64_set(EXP_f64[TERMS - 1]);
    }
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) p[j] = vf64_fma(p[j], r[j], vf64_set(EXP_f64[k]));
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const vf64 sum = vf64_fast_two_sum(vf64_set(1.0), r[j], &lost);
        lost = vf64_add(lost, vf64_fma(vf64_mul(r[j], r[j]), p[j], vf64_mul(r_lo[j], sum)));
        e[j] = vf64_fast_two_sum(sum, lost, &e_lo[j]);
    }
}

LSE_INLINE vf64 exp_of_rest(vf64 max, vf64 n, vf64 *lo)
{
    vf64 e;
    exp_of_rests(&max, &n, &e, lo, 1);
    return e;
}

/* The parts of a result to compute. */
typedef enum { VALUE_ALONE, BOTH_PARTS, AND_SCALE } wanted;

/* Vectors of states; a sum has `terms` terms e^max. */
typedef struct {
    vf64 max[FINISHED], terms[FINISHED], tail[FINISHED], tail_lo[FINISHED];
} unfinished;

/* value + value_lo = max + log(terms + w), with w the sum of all smaller terms divided by e^max, for `count` vectors, a
 * compile-time constant, and max within LSE_FAR_f64: value[j], or results i + j vf64_width and on.
 *
 * This adds an error below 0.29 of 2^-53 of w / (1 + w), that of e^-r, and the error of log_parts; all other error is
 * that of the terms. r, near zero, has two parts. */
LSE_INLINE void finish_vectors_f64(const unfinished *s, const int count, const wanted what, ptrdiff_t i,
                                   lse_results *results, vf64 *value)
{
    const vf64 down = vf64_set(0x1p-500);
    vf64 n[FINISHED], e[FINISHED], e_lo[FINISHED], v[FINISHED], v_lo[FINISHED], log_hi[FINISHED], log_lo[FINISHED];
    LSE_UNROLL for (int j = 0; j < count; j++) n[j] = vf64_near_exponent_of(s->max[j]);
    exp_of_rests(s->max, n, e, e_lo, count);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        /* w = tail e^-r 2^-500, scaled last because it may be subnormal */
        const vf64 tail = s->tail[j];
        vf64 w = vf64_mul(tail, e[j]), w_lo = vf64_fma(tail, e[j], vf64_neg(w));
        w_lo = vf64_add(w_lo, vf64_fma(tail, e_lo[j], vf64_mul(s->tail_lo[j], e[j])));
        w = vf64_fast_two_sum(w, w_lo, &w_lo);
        w = vf64_mul(w, down);
        v[j] = two_sum_f64(s->terms[j], w, &v_lo[j]);
        v_lo[j] = vf64_add(v_lo[j], vf64_mul(w_lo, down));
    }
    log_parts_f64(v, v_lo, log_hi, log_lo, count, vf64_set(0.0));
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const ptrdiff_t at = i + j * vf64_width;
        vf64 lost;
        value[j] = two_sum_f64(s->max[j], log_hi[j], &lost);
        value[j] = vf64_fast_two_sum(value[j], vf64_add(lost, log_lo[j]), &lost);
        if (what == VALUE_ALONE) continue;
        vf64_store(results->value + at, value[j]);
        vf64_store(results->value_lo + at, lost);
        if (what == BOTH_PARTS) continue;
        const vf64 scale = vf64_div(e[j], v[j]);
        const vf64 rest = vf64_sub(vf64_add(vf64_fma(vf64_neg(scale), v[j], e[j]), e_lo[j]),
                                   vf64_mul(scale, v_lo[j]));
        vf64_store(results->scale + at, scale);
        vf64_store(results->scale_lo + at, vf64_div(rest, v[j]));
        vf64_store(results->anchor + at, n[j]);
    }
}

/* The same for sums of floats, in ordinary double precision: the logarithm is within 2^-28.8 w / (1 + w). */
LSE_INLINE void finish_vectors_f32(const unfinished *s, const int count, const wanted what, ptrdiff_t i,
                                   lse_results *results, vf64 *value)
{
    enum { TERMS = sizeof EXP_WIDE / sizeof(double), LOG_TERMS = 4 }; /* of LOG_f64: the rest are below 2^-32 */
    const vf64 one = vf64_set(1.0);
    vf64 n[FINISHED], r[FINISHED], e[FINISHED], v[FINISHED], u[FINISHED], p[FINISHED], whole[FINISHED];
    LSE_UNROLL for (int j = 0; j < count; j++) {
        n[j] = vf64_near_exponent_of(s->max[j]);
        e[j] = vf64_set(EXP_WIDE[TERMS - 1]);
        r[j] = vf64_fma(n[j], vf64_set(LN2_HI_f64), vf64_neg(s->max[j]));
    }
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) e[j] = vf64_fma(e[j], r[j], vf64_set(EXP_WIDE[k]));
    LSE_UNROLL for (int j = 0; j < count; j++) {
        e[j] = vf64_fma(e[j], r[j], one);
        const vf64 rest = vf64_mul(vf64_mul(vf64_add(s->tail[j], s->tail_lo[j]), e[j]), vf64_set(0x1p-500));
        const vf64 w = vf64_add(rest, vf64_sub(s->terms[j], one));
        v[j] = vf64_add(w, one);
        /* log v = k ln 2 + t + log(1 + u), as in log_parts; u is w where that is small */
        const vf64 a = vf64_mul(v[j], vf64_set(LOG_SPLIT)), c = vf64_lower(vf64_lookup(INVERSE_f64, a), a);
        whole[j] = vf64_fma(vf64_exponent(a), vf64_set(LN2_HI_f64), vf64_lookup(LOG_OF_f64, a));
        u[j] = vf64_fma(vf64_sub(w, vf64_sub(v[j], one)), c, vf64_fma(v[j], c, vf64_set(-1.0)));
        p[j] = vf64_set(LOG_f64[LOG_TERMS - 1]);
    }
    LSE_UNROLL for (int k = LOG_TERMS - 2; k >= 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) p[j] = vf64_fma(p[j], u[j], vf64_set(LOG_f64[k]));
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const ptrdiff_t at = i + j * vf64_width;
        const vf64 log = vf64_add(whole[j], vf64_fma(vf64_mul(u[j], u[j]), p[j], u[j]));
        vf64 lost;
        value[j] = vf64_add(s->max[j], log);
        if (what == VALUE_ALONE) continue;
        value[j] = two_sum_f64(s->max[j], log, &lost);
        vf64_store(results->value + at, value[j]);
        vf64_store(results->value_lo + at, lost);
        if (what == BOTH_PARTS) continue;
        vf64_store(results->scale + at, vf64_div(e[j], v[j]));
        vf64_store(results->scale_lo + at, vf64_set(0.0));
        vf64_store(results->anchor + at, n[j]);
    }
}

/* Likewise of any vector of states. Where a sum is infinite, nothing, or e^max tail 2^-500, the finish is that of
 * maximum 0, and max is added at the end; the scale is that of elements less max. */
#define FINISH_ANY(F)                                                                                                \
    static vf64 finish_distant_##F(const unfinished *s, int j, const wanted what, ptrdiff_t i, lse_results *results) \
    {                                                                                                                \
        const vf64 zero = vf64_set(0.0), limit = vf64_set(LSE_FAR_f64), max = s->max[j], size = vf64_abs(max);       \
        const vf64 none = vf64_select(max, vf64_set(-DBL_MAX), zero, vf64_set(1.0)); /* whose logarithm is 0 */      \
        const vf64 base = vf64_select(limit, size, max, zero);                                                       \
        unfinished one;                                                                                              \
        lse_results own;                                                                                             \
        vf64 lost, value;                                                                                            \
        one.max[0] = base;                                                                                           \
        one.terms[0] = vf64_select(limit, size, s->terms[j], none);                                                  \
        one.tail[0] = s->tail[j];                                                                                    \
        one.tail_lo[0] = vf64_select(limit, size, s->tail_lo[j], zero);                                              \
        finish_vectors_##F(&one, 1, what, 0, &own, &value);                                                          \
        const vf64 total = two_sum_f64(vf64_sub(max, base), value, &lost);                                           \
        if (what == VALUE_ALONE) return total;                                                                       \
        lost = vf64_select(vf64_set(DBL_MAX), vf64_abs(total), vf64_add(lost, vf64_load(own.value_lo)), zero);       \
        vf64_store(results->value + i, total);                                                                       \
        vf64_store(results->value_lo + i, lost);                                                                     \
        if (what == BOTH_PARTS) return total;                                                                        \
        vf64_store(results->scale + i, vf64_load(own.scale));                                                        \
        vf64_store(results->scale_lo + i, vf64_load(own.scale_lo));                                                  \
        vf64_store(results->anchor + i, vf64_load(own.anchor));                                                      \
        return total;                                                                                                \
    }                                                                                                                \
    LSE_INLINE void finish_any_##F(const unfinished *s, const int count, const wanted what, ptrdiff_t i,             \
                                   lse_results *results, vf64 *value)                                               \
    {                                                                                                                \
        vf64 farthest = vf64_set(0.0);                                                                               \
        LSE_UNROLL for (int j = 0; j < count; j++) farthest = vf64_max(vf64_abs(s->max[j]), farthest);               \
        if (!vf64_any_at_least(farthest, vf64_set(LSE_FAR_f64 * (1.0 + DBL_EPSILON)))) {                             \
            finish_vectors_##F(s, count, what, i, results, value);                                                   \
            return;                                                                                                  \
        }                                                                                                            \
        for (int j = 0; j < count; j++) value[j] = finish_distant_##F(s, j, what, i + j * vf64_width, results);      \
    }
FINISH_ANY(f32)
FINISH_ANY(f64)
#undef FINISH_ANY

/* Numbers i and on of count, and the first one in place of those beyond the last, which nothing has been written to. */
LSE_INLINE vf64 some_of(const double *x, ptrdiff_t i, ptrdiff_t count)
{
    return vf64_load_some(x + i, count - i, vf64_set(x[0]));
}

/* Vectors of states from number i, `vectors` of them, a compile-time constant. */
LSE_INLINE void load_unfinished(const lse_states *s, ptrdiff_t i, ptrdiff_t count, const int vectors, unfinished *u)
{
    LSE_UNROLL for (int j = 0; j < vectors; j++, i += vf64_width) {
        u->max[j] = some_of(s->max, i, count);
        u->terms[j] = some_of(s->count, i, count);
        u->tail[j] = some_of(s->tail, i, count);
        u->tail_lo[j] = some_of(s->tail_lo, i, count);
    }
}

#define FINISH(F)                                                                                                    \
    LSE_INLINE void finish_all_##F(const lse_states *s, ptrdiff_t count, const wanted what, lse_results *results)    \
    {                                                                                                                \
        enum { STEP = FINISHED * vf64_width };                                                                       \
        unfinished u;                                                                                                \
        vf64 value[FINISHED];                                                                                        \
        ptrdiff_t i = 0;                                                                                             \
        if (count == 1) { /* whatever stands beside the one is not looked at: subnormals would cost time */          \
            u.max[0] = vf64_set(s->max[0]);                                                                          \
            u.terms[0] = vf64_set(s->count[0]);                                                                      \
            u.tail[0] = vf64_set(s->tail[0]);                                                                        \
            u.tail_lo[0] = vf64_set(s->tail_lo[0]);                                                                  \
            finish_any_##F(&u, 1, what, 0, results, value);                                                          \
            return;                                                                                                  \
        }                                                                                                            \
        for (; i + STEP <= count; i += STEP) {                                                                       \
            load_unfinished(s, i, i + STEP, FINISHED, &u);                                                           \
            finish_any_##F(&u, FINISHED, what, i, results, value);                                                   \
        }                                                                                                            \
        for (; i < count; i += vf64_width) {                                                                         \
            load_unfinished(s, i, count, 1, &u);                                                                     \
            finish_any_##F(&u, 1, what, i, results, value);                                                          \
        }                                                                                                            \
    }                                                                                                                \
    static void finish_##F(const lse_states *states, ptrdiff_t count, lse_results *results)                          \
    {                                                                                                                \
        finish_all_##F(states, count, BOTH_PARTS, results);                                                          \
    }                                                                                                                \
    static void finish_scaled_##F(const lse_states *states, ptrdiff_t count, lse_results *results)                   \
    {                                                                                                                \
        finish_all_##F(states, count, AND_SCALE, results);                                                           \
    }                                                                                                                \
    LSE_INLINE void finish_values_of_##F(const lse_states *s, ptrdiff_t i, const int vectors, char *values)          \
    {                                                                                                                \
        unfinished u;                                                                                                \
        vf64 value[FINISHED];                                                                                        \
        load_unfinished(s, i, i + vectors * vf64_width, vectors, &u);                                                \
        finish_any_##F(&u, vectors, VALUE_ALONE, 0, NULL, value);                                                    \
        LSE_UNROLL for (int j = 0; j < vectors; j++)                                                                 \
            put_##F(values + (size_t)(i + j * vf64_width) * sizeof_##F,                                              \
                    vf64_select(value[j], value[j], value[j], vf64_set((double)NAN)));                               \
    }                                                                                                                \
    static void finish_values_##F(const lse_states *s, ptrdiff_t count, void *values)                                \
    {                                                                                                                \
        enum { STEP = FINISHED * vf64_width };                                                                       \
        ptrdiff_t i = 0;                                                                                             \
        for (; i + STEP <= count; i += STEP) finish_values_of_##F(s, i, FINISHED, (char *)values);                   \
        for (; i < count; i += vf64_width) finish_values_of_##F(s, i, 1, (char *)values);                            \
    }
#define sizeof_f32 sizeof(float)
#define sizeof_f64 sizeof(double)
#define put_f32 vf64_to_f32
#define put_f64 vf64_store
FINISH(f32)
FINISH(f64)
#undef FINISH

static void weighted_merge(lse_states *into, const lse_states *from, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 a = vf64_load(into->max + i), b = vf64_load(from->max + i), max = vf64_max(b, a);
        const vf64 down_a = vf64_sub(a, max), down_b = vf64_sub(b, max); /* NaN for two empty states */
        vf64 lost;
        const vf64 hi = two_sum_f64(vf64_down(vf64_load(into->tail + i), down_a),
                                    vf64_down(vf64_load(from->tail + i), down_b), &lost);
        const vf64 lo = vf64_add(vf64_down(vf64_load(into->tail_lo + i), down_a),
                                 vf64_down(vf64_load(from->tail_lo + i), down_b));
        vf64_store(into->max + i, max);
        vf64_store(into->count + i, vf64_set(0.0));
        vf64_store(into->tail + i, hi);
        vf64_store(into->tail_lo + i, vf64_add(lo, lost));
    }
}

/* The finish of weighted sums of which some are infinite, nothing, NaN or e^max tail 2^-500: that of exponent 0, and
 * max is added at the end. */
static void finish_weighted_vector(vf64 max, vf64 tail, vf64 tail_lo, ptrdiff_t i, lse_results *results);

static void finish_distant_weighted(vf64 max, vf64 tail, vf64 tail_lo, ptrdiff_t i, lse_results *results)
{
    const vf64 zero = vf64_set(0.0), most = vf64_set(DBL_MAX), one = vf64_set(0x1p500);
    const vf64 none = vf64_select(max, vf64_set(-DBL_MAX), zero, vf64_set(1.0));
    const vf64 base = vf64_select(most, vf64_abs(tail_lo), vf64_select(vf64_set(-DBL_MAX), max, zero, max), zero);
    vf64 lost;
    finish_weighted_vector(base, vf64_select(tail, tail, vf64_add(tail, vf64_mul(none, one)), tail),
                           vf64_select(most, vf64_abs(tail_lo), tail_lo, zero), i, results);
    const vf64 value = vf64_load(results->value + i), sign = vf64_load(results->sign + i);
    const vf64 total = two_sum_f64(vf64_sub(max, base), value, &lost);
    lost = vf64_select(most, vf64_abs(total), vf64_add(lost, vf64_load(results->value_lo + i)), zero);
    vf64_store(results->value + i, total);
    vf64_store(results->value_lo + i, lost);
    vf64_store(results->sign + i, vf64_select(tail, tail, vf64_select(none, vf64_set(1.0), zero, sign), tail));
}

/* For sums of magnitude 1 and more; of others, value is no number to use. Exponents that log_parts takes are most; the
 * logarithm of a count is then that of as many plain terms, to the last digit. */
static void finish_weighted_vector(vf64 max, vf64 tail, vf64 tail_lo, ptrdiff_t i, lse_results *results)
{
    vf64 sum_lo, log_hi, log_lo, far_hi, far_lo, lost;
    const vf64 sum = two_sum_f64(tail, tail_lo, &sum_lo);
    const vf64 zero = vf64_set(0.0), negative = vf64_select(zero, sum, vf64_set(-1.0), sum); /* NaN of NaN */
    const vf64 sign = vf64_select(sum, zero, vf64_set(1.0), negative);
    const vf64 anchor = vf64_sub(max, vf64_set(500.0));
    const vf64 size = vf64_abs(sum), rest = vf64_mul(sum_lo, sign);
    const vf64 magnitude = vf64_abs(anchor), most = vf64_set(3000.0);
    log_parts_f64(&size, &rest, &log_hi, &log_lo, 1, anchor);
    if (vf64_any_at_least(magnitude, most)) {
        vf64_log(size, rest, anchor, &far_hi, &far_lo);
        log_hi = vf64_select(magnitude, most, far_hi, log_hi);
        log_lo = vf64_select(magnitude, most, far_lo, log_lo);
    }
    vf64_store(results->value + i, vf64_fast_two_sum(log_hi, log_lo, &lost));
    vf64_store(results->value_lo + i, lost);
    vf64_store(results->sign + i, sign);
}

static void weighted_finish(const lse_states *states, ptrdiff_t count, lse_results *results)
{
    const vf64 infinity = vf64_set((double)INFINITY);
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 max = some_of(states->max, i, count), tail = some_of(states->tail, i, count);
        const vf64 tail_lo = some_of(states->tail_lo, i, count);
        if (vf64_any_at_least(vf64_max(vf64_abs(max), vf64_abs(tail_lo)), infinity))
            finish_distant_weighted(max, tail, tail_lo, i, results);
        else finish_weighted_vector(max, tail, tail_lo, i, results);
    }
}
