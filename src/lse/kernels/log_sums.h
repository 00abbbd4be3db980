/* Values of log-sum-exps for log_softmax of at most LSE_SHORT elements, included once for each F.
 *
 * float64: those of logsumexp. float32: in float alone, in two parts, at half the work. e^x = a (1 + p) from the table
 * of eighths. a is split at a GRID so coarse that sums of its multiples are exact in any order; the remainders and a p
 * are summed in sixteen lanes, element i in lane i mod 16, and the lanes pairwise. Maxima are counted and left out of
 * the sum; the logarithm is that of their count plus the sum, also in two parts.
 *
 * The exponentials of the elements and of the maximum are within 0.12 of 2^-24, the logarithm within 2^-28, the sums of
 * the lanes within 0.04 of 2^-24: for a result in [1, 2) that is at most 0.20 ulp, plus 0.50 from the last rounding.
 * The worst row known is at 0.73: 64 of 0x1.8d233ep+2, one of -0x1.0d0376p+2, 191 of -0x1.c27de2p+1, the 230th
 * 0x1.210d28p+3 (tests/accuracy/test_worst_known.py). */
#if F_IS_DOUBLE
static void finish_f64(const lse_states *states, ptrdiff_t count, lse_results *results);

LSE_INLINE void log_values_of_tiles_f64(double *tiles, ptrdiff_t n, const V *max, ptrdiff_t vectors,
                                        ask_ahead *ask, lse_results *results)
{
    lse_states states;
    sum_tiles_f64(tiles, n, max, vectors, ask, &states, 0);
    finish_f64(&states, vectors * vf64_width, results);
}

/* The log-sum-exps of rows whose maxima are known. */
static void log_values_of_rows_f64(const lse_panel *p, const double *max, lse_results *results)
{
    lse_states states;
    double copy[LSE_SHORT];
    ptrdiff_t k = 0;
    do {
        double own = max[k];
        sum_short_f64(near_row_f64(p->x + p->at[k], p->n, &own, (double)NAN, copy), p->n, &states, k);
    } while (++k < p->count); /* a panel is not empty */
    fill_states(&states, p->count);
    finish_f64(&states, p->count, results);
}
#else
/* Terms are below 2^101 (eighths.h), and 256 of them, on the grid 2^85, below 2^109. */
#define GRID 0x1.8p108f
enum { LOG_LANES = 16 };

/* A vector of sums: their maxima, how many elements differ from them, and the part of their sum that lies on the
 * grid. */
typedef struct {
    vf32 max, others, whole;
    term_level_f32 level;
} log_sum;

LSE_INLINE log_sum log_sum_for(vf32 max)
{
    const log_sum s = {max, vf32_set(0), vf32_set(0), term_level_for_f32(max)};
    return s;
}

/* Adds an element to each sum, its remainder to a lane; start: the lane is empty. */
LSE_INLINE void log_term(vf32 x, log_sum *s, vf32 *rest, const int start)
{
    vf32 p;
    const mf32 differs = vf32_differs(x, s->max);
    const vf32 a = vf32_keep(differs, eighths_exp(x, s->level.bias, s->level.floor, &p));
    const vf32 whole = vf32_sub(vf32_add(a, vf32_set(GRID)), vf32_set(GRID)), below = vf32_sub(a, whole);
    s->others = vf32_tally(differs, s->others);
    s->whole = vf32_add(s->whole, whole);
    *rest = vf32_fma(a, p, start ? below : vf32_add(*rest, below));
}

/* Sums to be finished: maxima, how many elements differ from them, and both parts of the sums of those. */
typedef struct {
    float max[LSE_BATCH], others[LSE_BATCH], whole[LSE_BATCH], rest[LSE_BATCH];
} log_sums;

LSE_INLINE void put_log_sum(log_sums *sums, ptrdiff_t at, const log_sum *s, vf32 rest)
{
    vf32_store(sums->max + at, s->max);
    vf32_store(sums->others + at, s->others);
    vf32_store(sums->whole + at, s->whole);
    vf32_store(sums->rest + at, rest);
}

/* value = max and value_lo = log(n - others + w), w = (whole + rest) e^-max, for count sums, padded to pairs of
 * vectors. Both terms of the sum are scaled by 2^115, far from subnormal numbers; w below 2^-40, which equals its
 * logarithm, is added at the end, as a double. */
static void log_values(log_sums *s, ptrdiff_t count, ptrdiff_t n, lse_results *results)
{
#define EACH LSE_UNROLL for (int j = 0; j < 2; j++)
    const double square = EIGHTHS_FACTOR * EIGHTHS_FACTOR;
    const float factor = (float)square, factor_lo = (float)(square - (double)factor);
    const vf32 zero = vf32_set(0), magic = vf32_set(MAGIC), least = vf32_set(0x1p75f);
    const vf32 all = vf32_set((float)n * 0x1p115f);
    for (; count % (2 * vf32_width) != 0; count++) {
        s->max[count] = s->max[0];
        s->others[count] = s->others[0];
        s->whole[count] = s->whole[0];
        s->rest[count] = s->rest[0];
    }
    for (ptrdiff_t i = 0; i < count; i += 2 * vf32_width) {
        vf32 max[2], bias[2], a[2], p[2], top[2], low[2], e[2], sum[2], lost[2], w[2], main[2], v[2], y[2], y_lo[2];
        /* e + low = e^-max 2^15 FACTOR^2, in units of the terms, which are 2^100 / FACTOR */
        EACH max[j] = vf32_load(s->max + i + j * vf32_width);
        EACH bias[j] = vf32_sub(vf32_fma(max[j], vf32_set(LOG2E_f32), magic), magic);
        EACH bias[j] = vf32_fma(bias[j], vf32_set(8), vf32_set((float)(0x1.8p23 + 8.0 * (127.0 + 15.0))));
        EACH a[j] = eighths_exp(vf32_sub(zero, max[j]), bias[j], vf32_set(LOWEST), &p[j]);
        EACH top[j] = vf32_mul(a[j], vf32_set(factor));
        EACH low[j] = vf32_fma(a[j], vf32_set(factor_lo), vf32_fma(a[j], vf32_set(factor), vf32_sub(zero, top[j])));
        EACH low[j] = vf32_fma(top[j], p[j], low[j]);
        EACH e[j] = vf32_add(top[j], low[j]);
        EACH low[j] = vf32_sub(low[j], vf32_sub(e[j], top[j]));
        EACH sum[j] =
            two_sum_f32(vf32_load(s->whole + i + j * vf32_width), vf32_load(s->rest + i + j * vf32_width), &lost[j]);
        EACH w[j] = vf32_mul(sum[j], e[j]);
        EACH lost[j] = vf32_fma(lost[j], e[j], vf32_fma(sum[j], e[j], vf32_sub(zero, w[j])));
        EACH low[j] = vf32_fma(sum[j], low[j], lost[j]);
        EACH main[j] = vf32_select(w[j], least, w[j], zero);
        EACH low[j] = vf32_select(w[j], least, low[j], zero);
        EACH v[j] = two_sum_f32(vf32_fma(vf32_load(s->others + i + j * vf32_width), vf32_set(-0x1p115f), all), main[j],
                                &lost[j]);
        EACH low[j] = vf32_add(low[j], lost[j]);
        log_parts_f32(v, low, y, y_lo, 2, vf32_set(-115.0f));
        EACH w[j] = vf32_sub(w[j], main[j]);
        float parts[3][2 * vf32_width];
        EACH vf32_store(parts[0] + j * vf32_width, y[j]);
        EACH vf32_store(parts[1] + j * vf32_width, y_lo[j]);
        EACH vf32_store(parts[2] + j * vf32_width, w[j]);
        LSE_UNROLL for (int h = 0; h < 2 * vf32_width; h += vf64_width) {
            const vf64 tiny = vf64_mul(vf64_from_f32(parts[2] + h), vf64_set(0x1p-115));
            vf64_store(results->value + i + h, vf64_from_f32(s->max + i + h));
            vf64_store(results->value_lo + i + h,
                       vf64_add(vf64_from_f32(parts[0] + h), vf64_add(vf64_from_f32(parts[1] + h), tiny)));
        }
    }
#undef EACH
}

/* Adds the lanes pairwise; lanes: min(n, LOG_LANES), or more if those beyond are 0. */
LSE_INLINE vf32 add_log_lanes(vf32 *rest, const int lanes)
{
    LSE_UNROLL for (int half = LOG_LANES / 2; half > 0; half /= 2)
        LSE_UNROLL for (int j = 0; j < half; j++)
            if (j + half < lanes) rest[j] = vf32_add(rest[j], rest[j + half]);
    return rest[0];
}

/* A vector of sums from a tile of n < LOG_LANES lines, n a compile-time constant. Of no more than two terms any order
 * has the same bits, so that the maximum of two or three elements is left out at once. */
LSE_INLINE void log_sum_of_few(const float *tile, const int n, vf32 max, ask_ahead *ask, log_sums *sums, ptrdiff_t at)
{
    const int terms = n <= 3 ? n - 1 : n;
    log_sum s = log_sum_for(max);
    vf32 x[LOG_LANES], rest[LOG_LANES];
    ask_for(ask, n);
    LSE_UNROLL for (int j = 0; j < n; j++) x[j] = vf32_load(tile + j * vf32_width);
    if (n <= 3) leave_one_out_f32(x, n, max);
    LSE_UNROLL for (int j = 0; j < terms; j++) log_term(x[j], &s, &rest[j], 1);
    put_log_sum(sums, at, &s, add_log_lanes(rest, terms));
}

LSE_INLINE void log_sum_of_tile(const float *tile, ptrdiff_t n, vf32 max, ask_ahead *ask, log_sums *sums, ptrdiff_t at)
{
    log_sum s = log_sum_for(max);
    vf32 rest[LOG_LANES];
    ptrdiff_t i = 0;
    LSE_UNROLL for (int j = 0; j < LOG_LANES; j++) rest[j] = vf32_set(0);
    for (; i + LOG_LANES <= n; i += LOG_LANES)
        LSE_UNROLL for (int j = 0; j < LOG_LANES; j++) {
            ask_for_one(ask);
            log_term(vf32_load(tile + (i + j) * vf32_width), &s, &rest[j], 0);
        }
    LSE_UNROLL for (int j = 0; j < LOG_LANES - 1; j++) {
        if (i + j >= n) break;
        ask_for_one(ask);
        log_term(vf32_load(tile + (i + j) * vf32_width), &s, &rest[j], 0);
    }
    put_log_sum(sums, at, &s, add_log_lanes(rest, LOG_LANES));
}

static void log_values_of_tiles_f32(const float *tiles, ptrdiff_t n, const vf32 *max, ptrdiff_t vectors, ask_ahead *ask,
                                    lse_results *results)
{
    log_sums s;
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const float *tile = tiles + v * n * vf32_width;
        const ptrdiff_t at = v * vf32_width;
        switch (n) {
        case 2: log_sum_of_few(tile, 2, max[v], ask, &s, at); break;
        case 3: log_sum_of_few(tile, 3, max[v], ask, &s, at); break;
        case 4: log_sum_of_few(tile, 4, max[v], ask, &s, at); break;
        case 5: log_sum_of_few(tile, 5, max[v], ask, &s, at); break;
        case 6: log_sum_of_few(tile, 6, max[v], ask, &s, at); break;
        case 7: log_sum_of_few(tile, 7, max[v], ask, &s, at); break;
        default: log_sum_of_tile(tile, n, max[v], ask, &s, at);
        }
    }
    log_values(&s, vectors * vf32_width, n, results);
}

/* The sum of one row. */
LSE_INLINE void log_sum_of_row(const char *x, ptrdiff_t n, float max, log_sums *s, ptrdiff_t k)
{
    enum { GROUPS = LOG_LANES / vf32_width };
    log_sum own = log_sum_for(vf32_set(max));
    vf32 rest[GROUPS];
    float last[LOG_LANES];
    LSE_UNROLL for (int g = 0; g < GROUPS; g++) rest[g] = vf32_set(0);
    for (ptrdiff_t i = 0; i < n; i += LOG_LANES, x += sizeof last) {
        if (n - i < LOG_LANES) { /* padded with copies of the maximum, which add nothing */
            last_turns_f32(x, n - i, max, last);
            x = (const char *)last;
        }
        LSE_UNROLL for (int g = 0; g < GROUPS; g++)
            log_term(vf32_load(x + (size_t)g * sizeof(vf32)), &own, &rest[g], 0);
    }
    s->max[k] = max;
    s->others[k] = vf32_total(own.others);
    s->whole[k] = vf32_total(own.whole);
    s->rest[k] = eighths_flush(rest);
}

static void log_values_of_rows_f32(const lse_panel *p, const float *max, lse_results *results)
{
    log_sums s;
    float copy[LSE_SHORT];
    ptrdiff_t k = 0;
    do {
        float own = max[k];
        const char *x = near_row_f32(p->x + p->at[k], p->n, &own, (double)NAN, copy);
        log_sum_of_row(x, p->n, own, &s, k);
    } while (++k < p->count); /* a panel is not empty */
    log_values(&s, p->count, p->n, results);
}
#undef GRID
#endif
