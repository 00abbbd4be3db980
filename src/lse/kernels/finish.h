/* Merging states and turning them into results, for either type in double precision. */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
LSE_INLINE vf64 vf64_neg(vf64 a) { return vf64_sub(vf64_set(-0.0), a); }
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
/* sum + *lost = a + b exactly, if |a| >= |b| or a = 0. */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
LSE_INLINE vf64 vf64_fast_two_sum(vf64 a, vf64 b, vf64 *lost)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
{
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 sum = vf64_add(a, b);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    *lost = vf64_add(vf64_sub(a, sum), b);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    return sum;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
}
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
static void merge(lse_states *into, const lse_states *from, ptrdiff_t count)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
{
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 a = vf64_load(into->max + i), b = vf64_load(from->max + i), zero = vf64_set(0.0);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 of_a = vf64_load(into->count + i), of_b = vf64_load(from->count + i);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 max = vf64_max(b, a), n = vf64_exponent_of(max);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 e_a = vf64_sub(vf64_exponent_of(a), n), e_b = vf64_sub(vf64_exponent_of(b), n);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 anchor = vf64_sub(n, vf64_set(500.0));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 kept_a = vf64_select(a, b, of_a, zero), kept_b = vf64_select(b, a, of_b, zero);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64 hi = vf64_down(vf64_load(into->tail + i), e_a), lo = vf64_down(vf64_load(into->tail_lo + i), e_a);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        add_f64(&hi, &lo, vf64_down(vf64_load(from->tail + i), e_b));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        lo = vf64_add(lo, vf64_down(vf64_load(from->tail_lo + i), e_b));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        add_term_f64(vf64_min(a, b), vf64_sub(vf64_sub(vf64_add(of_a, of_b), kept_a), kept_b),
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                    vf64_sub(vf64_set(0x1.8p52 + 1023.0), anchor),
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                    vf64_mul(vf64_sub(anchor, vf64_set(1023.0)), vf64_set(LN2_HI_f64)), &hi, &lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->max + i, max);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->count + i, vf64_add(kept_a, kept_b));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->tail + i, hi);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->tail_lo + i, lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    }
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
}
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
/* log((hi + lo) 2^e) as *value + *value_lo, for 1 <= hi < 2^1000, |lo| < 2^-52 hi, and an integer e.
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
 *
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
 * hi = 2^k f with f = 1 + d within sqrt(2) of 1, and log f = 2 atanh(z / 2), z = 2 d / (2 + d). z is carried in
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
 * two parts, so that the error relative to the result, before the caller rounds, is below 2^-58. */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
LSE_INLINE void vf64_log(vf64 hi, vf64 lo, vf64 e, vf64 *value, vf64 *value_lo)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
{
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    enum { TERMS = sizeof ATANH / sizeof ATANH[0] };
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 k = vf64_exponent(vf64_mul(hi, vf64_set(0x1.6a09e667f3bcdp0)));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 down = vf64_ldexp1(vf64_neg(k)), one = vf64_set(1.0), two = vf64_set(2.0);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 d_lo, q_lo, lost;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 d = vf64_fast_two_sum(vf64_sub(vf64_mul(hi, down), one), vf64_mul(lo, down), &d_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 q = vf64_fast_two_sum(two, d, &q_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 inverse = vf64_div(two, q);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 z = vf64_mul(d, inverse), s = vf64_mul(vf64_mul(z, z), vf64_set(0.25));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 rest = vf64_add(vf64_fma(vf64_neg(z), q, vf64_add(d, d)),
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                               vf64_sub(vf64_add(d_lo, d_lo), vf64_mul(z, vf64_add(q_lo, d_lo))));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 p = vf64_set(ATANH[TERMS - 1]);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    LSE_UNROLL for (int i = TERMS - 2; i >= 0; i--) p = vf64_fma(p, s, vf64_set(ATANH[i]));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 n = vf64_add(k, e), whole = vf64_mul(n, vf64_set(LN2_HI_f64));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 small = vf64_fma(vf64_mul(z, s), p, vf64_mul(rest, vf64_mul(inverse, vf64_set(0.5))));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 of_n = vf64_fma(n, vf64_set(LN2_LO_f64), vf64_fma(n, vf64_set(LN2_HI_f64), vf64_neg(whole)));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    *value = vf64_fast_two_sum(whole, z, &lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    *value_lo = vf64_add(lost, vf64_add(of_n, small));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
}
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
/* What of a result is wanted; no more is computed. */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
typedef enum { VALUE_ALONE, BOTH_PARTS, AND_SCALE } wanted;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
/* value + value_lo = max + log(count + w), w the sum of all smaller terms divided by e^max.
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
 *
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
 * The error of value + value_lo that arises here is below 0.27 of 2^-53 of w / (1 + w), from the polynomial and the
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
value|value|; all else is that of the terms. e^-r is taken with r in two parts, near zero. */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
LSE_INLINE vf64 finish_vector_f64(vf64 max, vf64 terms, vf64 tail, vf64 tail_lo, const wanted what, ptrdiff_t i,
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                                  lse_results *results)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
{
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    enum { TERMS = sizeof EXP_f64 / sizeof(double) };
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 one = vf64_set(1.0), down = vf64_set(0x1p-500);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 n = vf64_exponent_of(max);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    /* -r = n ln 2 - max, and e^-r = e + e_lo */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 r_lo, e_lo, w_lo, v_lo, log_lo, lost;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 r = vf64_fast_two_sum(vf64_fma(n, vf64_set(LN2_HI_f64), vf64_neg(max)),
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                                     vf64_mul(n, vf64_set(LN2_LO_f64)), &r_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 p = vf64_set(EXP_f64[TERMS - 1]);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--) p = vf64_fma(p, r, vf64_set(EXP_f64[k]));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 e = vf64_fast_two_sum(one, r, &e_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    e_lo = vf64_add(e_lo, vf64_fma(vf64_mul(r, r), p, vf64_mul(r_lo, e)));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    e = vf64_fast_two_sum(e, e_lo, &e_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    /* w = tail e^-r 2^-500, scaled last because it may be subnormal */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 w = vf64_mul(tail, e);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    w_lo = vf64_fma(tail, e, vf64_neg(w));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    w_lo = vf64_add(w_lo, vf64_fma(tail, e_lo, vf64_mul(tail_lo, e)));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    w = vf64_fast_two_sum(w, w_lo, &w_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    w = vf64_mul(w, down);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 v = two_sum_f64(terms, w, &v_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    v_lo = vf64_add(v_lo, vf64_mul(w_lo, down));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 log_hi;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    log_parts_f64(&v, &v_lo, &log_hi, &log_lo, 1, vf64_set(0.0));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 value = two_sum_f64(max, log_hi, &lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    value = vf64_fast_two_sum(value, vf64_add(lost, log_lo), &lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    if (what == VALUE_ALONE) return value;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->value + i, value);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->value_lo + i, lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    if (what == BOTH_PARTS) return value;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 scale = vf64_div(e, v);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 rest = vf64_sub(vf64_add(vf64_fma(vf64_neg(scale), v, e), e_lo), vf64_mul(scale, v_lo));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->scale + i, scale);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->scale_lo + i, vf64_div(rest, v));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->anchor + i, n);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    return value;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
}
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
/* Likewise of sums of floats, in plain double precision: the logarithm is within 2^-28.8 w / (1 + w). */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
LSE_INLINE vf64 finish_vector_f32(vf64 max, vf64 terms, vf64 tail, vf64 tail_lo, const wanted what, ptrdiff_t i,
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                                  lse_results *results)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
{
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    enum { TERMS = sizeof EXP_WIDE / sizeof(double), LOG_TERMS = sizeof ATANH / sizeof(double) - 2 };
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 one = vf64_set(1.0), n = vf64_exponent_of(max);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 lost, e = vf64_set(EXP_WIDE[TERMS - 1]);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 r = vf64_fma(n, vf64_set(LN2_HI_f64), vf64_neg(max));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--) e = vf64_fma(e, r, vf64_set(EXP_WIDE[k]));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    e = vf64_fma(e, r, one);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 rest = vf64_mul(vf64_mul(vf64_add(tail, tail_lo), e), vf64_set(0x1p-500));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 w = vf64_add(rest, vf64_sub(terms, one)), v = vf64_add(w, one);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 k = vf64_exponent(vf64_mul(v, vf64_set(0x1.6a09e667f3bcdp0))), down = vf64_ldexp1(vf64_neg(k));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 d = vf64_fma(w, down, vf64_sub(down, one));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 z = vf64_div(d, vf64_add(d, vf64_set(2.0))), s = vf64_mul(z, z), twice = vf64_add(z, z);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64 p = vf64_set(ATANH[LOG_TERMS - 1]);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    LSE_UNROLL for (int j = LOG_TERMS - 2; j >= 0; j--) p = vf64_fma(p, s, vf64_set(ATANH[j]));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 log = vf64_fma(k, vf64_set(LN2_HI_f64), vf64_fma(vf64_mul(twice, s), p, twice));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    if (what == VALUE_ALONE) return vf64_add(max, log);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    const vf64 value = two_sum_f64(max, log, &lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->value + i, value);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->value_lo + i, lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    if (what == BOTH_PARTS) return value;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->scale + i, vf64_div(e, v));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->scale_lo + i, vf64_set(0.0));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    vf64_store(results->anchor + i, n);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    return value;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
}
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
#define FINISH(F)                                                                                                    \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    LSE_INLINE void finish_all_##F(const lse_states *s, ptrdiff_t count, const wanted what, lse_results *results)    \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    {                                                                                                                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        if (count == 1) { /* whatever stands beside the one is not looked at: subnormals would cost time */          \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            finish_vector_##F(vf64_set(s->max[0]), vf64_set(s->count[0]), vf64_set(s->tail[0]),                      \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                              vf64_set(s->tail_lo[0]), what, 0, results);                                            \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            return;                                                                                                  \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        }                                                                                                            \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        for (ptrdiff_t i = 0; i < count; i += vf64_width)                                                            \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            finish_vector_##F(vf64_load(s->max + i), vf64_load(s->count + i), vf64_load(s->tail + i),                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                              vf64_load(s->tail_lo + i), what, i, results);                                          \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    }                                                                                                                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    static void finish_##F(const lse_states *states, ptrdiff_t count, lse_results *results)                          \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    {                                                                                                                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        finish_all_##F(states, count, BOTH_PARTS, results);                                                          \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    }                                                                                                                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    static void finish_scaled_##F(const lse_states *states, ptrdiff_t count, lse_results *results)                   \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    {                                                                                                                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        finish_all_##F(states, count, AND_SCALE, results);                                                           \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    }                                                                                                                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    static int finish_values_##F(const lse_states *s, ptrdiff_t count, void *values)                                 \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    {                                                                                                                \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        char *to = (char *)values;                                                                                   \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64 farthest = vf64_set(0.0);                                                                               \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        for (ptrdiff_t i = 0; i < count; i += vf64_width) {                                                          \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            const vf64 max = vf64_load(s->max + i);                                                                  \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            const vf64 value = finish_vector_##F(max, vf64_load(s->count + i), vf64_load(s->tail + i),               \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                                                 vf64_load(s->tail_lo + i), VALUE_ALONE, 0, NULL);                   \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            farthest = vf64_max(vf64_abs(max), farthest);                                                            \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            put_##F(to, vf64_select(value, value, value, vf64_set((double)NAN)));                                    \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            to += vf64_width * sizeof_##F;                                                                           \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        }                                                                                                            \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        return !vf64_any_at_least(farthest, vf64_set(LSE_FAR_##F * (1.0 + DBL_EPSILON)));                            \
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    }
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
#define sizeof_f32 sizeof(float)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
#define sizeof_f64 sizeof(double)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
#define put_f32 vf64_to_f32
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
#define put_f64 vf64_store
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
FINISH(f32)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
FINISH(f64)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
#undef FINISH
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
static void weighted_merge(lse_states *into, const lse_states *from, ptrdiff_t count)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
{
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 a = vf64_load(into->max + i), b = vf64_load(from->max + i), max = vf64_max(b, a);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 down_a = vf64_sub(a, max), down_b = vf64_sub(b, max); /* of empty states NaN, no great step down */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64 lost;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 hi = two_sum_f64(vf64_down(vf64_load(into->tail + i), down_a),
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                                    vf64_down(vf64_load(from->tail + i), down_b), &lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 lo = vf64_add(vf64_down(vf64_load(into->tail_lo + i), down_a),
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
                                 vf64_down(vf64_load(from->tail_lo + i), down_b));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->max + i, max);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->count + i, vf64_set(0.0));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->tail + i, hi);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(into->tail_lo + i, vf64_add(lo, lost));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    }
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
}
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|

ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
/* For sums of magnitude 1 and more; of others, value is no number to use. Exponents that log_parts takes are most; the
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
 * logarithm of a count is then that of as many plain terms, to the last digit. */
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
static void weighted_finish(const lse_states *states, ptrdiff_t count, lse_results *results)
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
{
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64 sum_lo, log_hi, log_lo, far_hi, far_lo, lost;
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 sum = two_sum_f64(vf64_load(states->tail + i), vf64_load(states->tail_lo + i), &sum_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 sign = vf64_select(sum, vf64_set(0.0), vf64_set(1.0), vf64_set(-1.0));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 anchor = vf64_sub(vf64_load(states->max + i), vf64_set(500.0));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        const vf64 size = vf64_abs(sum), rest = vf64_mul(sum_lo, sign), far = vf64_abs(anchor), most = vf64_set(3000.0);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        log_parts_f64(&size, &rest, &log_hi, &log_lo, 1, anchor);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        if (vf64_any_at_least(far, most)) {
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            vf64_log(size, rest, anchor, &far_hi, &far_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            log_hi = vf64_select(far, most, far_hi, log_hi);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
            log_lo = vf64_select(far, most, far_lo, log_lo);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        }
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(results->value + i, vf64_fast_two_sum(log_hi, log_lo, &lost));
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(results->value_lo + i, lost);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
        vf64_store(results->sign + i, sign);
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
    }
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
}
ll else| * roundings of e^-r, and 2^-57 of the logarithm; all else|
