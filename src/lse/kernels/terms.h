/* Softmax and log-softmax of rows whose terms stay in the cache, included once for each F: vertically in the tiles of
 * panel.h, horizontally, and in columns, with the same bits. */

/* What the terms of sums with this maximum are computed with. */
typedef struct {
    V bias, floor;
} FN(term_level);

LSE_INLINE FN(term_level) FN(term_level_for)(V max)
{
    const V limit = VF(set)(FN(LSE_FAR)), magic = VF(set)(MAGIC);
    const V n = VF(sub)(VF(fma)(VF(min)(VF(max)(max, VF(set)(-FN(LSE_FAR))), limit), VF(set)(FN(LOG2E)), magic), magic);
    FN(term_level) level;
#if F_IS_DOUBLE
    const V anchor = VF(sub)(n, VF(set)(HEADROOM));
    level.bias = VF(sub)(VF(set)(MAGIC + EXP_BIAS), anchor);
    level.floor = VF(mul)(VF(sub)(anchor, VF(set)(EXP_BIAS)), VF(set)(LN2_HI_f64));
#else
    level.bias = VF(fma)(n, VF(set)(-8), VF(set)((REAL)(0x1.8p23 + 8.0 * (127.0 + EIGHTHS_HEADROOM))));
    level.floor = VF(mul)(VF(sub)(n, VF(set)((REAL)EIGHTHS_FLOOR)), VF(set)(FN(LN2_HI)));
#endif
    return level;
}

/* e^x at that level, rounded; for floats times a constant factor, which the sum has too. */
LSE_INLINE void FN(terms)(V *x, const int count, const FN(term_level) *level)
{
#if F_IS_DOUBLE
    exp_f64(x, count, level->bias, level->floor);
#else
    LSE_UNROLL for (int j = 0; j < count; j++) {
        vf32 p;
        const vf32 a = eighths_exp(x[j], level->bias, level->floor, &p);
        x[j] = vf32_fma(a, p, a);
    }
#endif
}

/* Sums of terms in double precision, and their reciprocals. float64: hi sums the multiples of the grid of TERMS_OFFSET,
 * exactly for up to LSE_STORED terms, and lo the remainders. */
typedef struct {
    vf64 hi, lo;
} FN(term_sum);

#define TERMS_OFFSET 0x1.8p513

LSE_INLINE FN(term_sum) FN(no_terms)(void)
{
    const FN(term_sum) none = {vf64_set(F_IS_DOUBLE ? TERMS_OFFSET : 0.0), vf64_set(0.0)};
    return none;
}

/* start: the sum is empty. */
LSE_INLINE void FN(join_term)(FN(term_sum) *s, const void *term, const int start)
{
#if F_IS_DOUBLE
    const vf64 own = vf64_load(term), before = start ? vf64_set(TERMS_OFFSET) : s->hi;
    s->hi = vf64_add(before, own);
    const vf64 below = vf64_sub(own, vf64_sub(s->hi, before));
    s->lo = start ? below : vf64_add(s->lo, below);
#else
    s->hi = start ? vf64_from_f32(term) : vf64_add(s->hi, vf64_from_f32(term));
#endif
}

/* A term of a sum that was brought near to this maximum. Where that was infinite, it is the same for each that had it;
 * of floats 1, so that shares come out rounded once. */
LSE_INLINE V FN(near_term)(V term, V max)
{
    const V own = VF(add)(VF(select)(term, VF(set)((REAL)0x1p90), VF(set)(1), VF(set)(0)), VF(sub)(term, term));
    return F_IS_DOUBLE ? term : VF(select)(max, VF(set)((REAL)INFINITY), own, term);
}

/* 1 / (hi + lo) as r + r_lo. */
LSE_INLINE vf64 FN(reciprocal)(vf64 hi, vf64 lo, vf64 *r_lo)
{
    const vf64 one = vf64_set(1.0), r = vf64_div(one, hi);
    *r_lo = F_IS_DOUBLE ? vf64_mul(r, vf64_sub(vf64_fma(vf64_sub(vf64_set(-0.0), r), hi, one), vf64_mul(r, lo))) : lo;
    return r;
}

/* The factor of each term. */
typedef struct {
    V r, r_lo;
} FN(share);

LSE_INLINE V FN(times)(V term, const FN(share) *share)
{
    return F_IS_DOUBLE ? VF(fma)(term, share->r, VF(mul)(term, share->r_lo)) : VF(mul)(term, share->r);
}

LSE_INLINE FN(share) FN(share_of)(const REAL *r, const REAL *r_lo)
{
    const FN(share) share = {VF(load)(r), F_IS_DOUBLE ? VF(load)(r_lo) : VF(set)(0)};
    return share;
}

/* Softmax of a row brought near to +inf: 0 where it was that, -inf where it was not, or NaN, which makes all NaN. */
static void FN(share_infinity_of_row)(REAL *x, ptrdiff_t n, char *out)
{
    const V one = VF(set)(1);
    REAL lanes[VF(width)], count = 0;
    V sum = VF(set)(0);
    for (ptrdiff_t i = 0; i < n; i += VF(width)) {
        const V own = VF(add)(VF(max)(VF(set)(-1), VF(load_some)(x + i, n - i, VF(set)(-(REAL)INFINITY))), one);
        VF(store_some)(x + i, n - i, own);
        sum = VF(add)(sum, own);
    }
    VF(store)(lanes, sum);
    for (int j = 0; j < VF(width); j++) count = count + lanes[j];
    for (ptrdiff_t i = 0; i < n; i++) x[i] = x[i] * (1 / count);
    memcpy(out, x, (size_t)n * sizeof(REAL));
}

/* Whether any element of some vectors is NaN. */
LSE_INLINE int FN(any_nan)(const REAL *x, ptrdiff_t vectors)
{
    const V zero = VF(set)(0), one = VF(set)(1);
    V found = zero;
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const V own = VF(load)(x + v * VF(width));
        found = VF(max)(VF(select)(own, own, zero, one), found);
    }
    return VF(any_at_least)(found, one);
}

/* Vertically ----------------------------------------------------------------------------------------------------- */

/* The reciprocal of the sums of vf64_width columns from their lanes; lanes: min(n, LSE_LANES). */
LSE_INLINE void FN(tile_share)(FN(term_sum) *s, const int lanes, REAL *r, REAL *r_lo)
{
    vf64 hi[LSE_LANES], lo[LSE_LANES], low;
    LSE_UNROLL for (int j = 0; j < lanes; j++) {
        hi[j] = s[j].hi;
        lo[j] = s[j].lo;
    }
    FN(add_lanes_of)(hi, lo, lanes, vf64_set(TERMS_OFFSET));
    const vf64 share = FN(reciprocal)(hi[0], lo[0], &low);
#if F_IS_DOUBLE
    vf64_store(r, share);
    vf64_store(r_lo, low);
#else
    (void)r_lo;
    vf64_to_f32(r, share);
#endif
}

/* A line of the tile becomes its terms, which join lane j; start: the lane has none yet. near_to: NULL, or the maxima
 * that it was brought near to. */
LSE_INLINE void FN(tile_term)(REAL *line, const FN(term_level) *level, const V *near_to,
                              FN(term_sum) (*s)[LSE_LANES], const int j, const int start)
{
    V v = VF(load)(line);
    FN(terms)(&v, 1, level);
    if (near_to) v = FN(near_term)(v, *near_to);
    VF(store)(line, v);
    LSE_UNROLL for (int h = 0; h < VF(width) / vf64_width; h++)
        FN(join_term)(&s[h][j], line + h * vf64_width, start);
}

/* Replaces a tile by its terms, and computes their factors; lanes: min(n, LSE_LANES), a compile-time constant. If n is
 * less than LSE_LANES, it is one too. */
LSE_INLINE void FN(softmax_lines)(REAL *tile, ptrdiff_t n, const int lanes, V max, ask_ahead *ask, REAL *r,
                                  REAL *r_lo)
{
    enum { HALVES = VF(width) / vf64_width };
    const FN(term_level) level = FN(term_level_for)(max);
    FN(term_sum) s[HALVES][LSE_LANES];
    LSE_UNROLL for (int j = 0; j < lanes; j++) {
        ask_for_one(ask);
        FN(tile_term)(tile + j * VF(width), &level, NULL, s, j, 1);
    }
    if (lanes == LSE_LANES) {
        ptrdiff_t i = LSE_LANES;
        for (; i + LSE_LANES <= n; i += LSE_LANES)
            LSE_UNROLL for (int j = 0; j < LSE_LANES; j++) {
                ask_for_one(ask);
                FN(tile_term)(tile + (i + j) * VF(width), &level, NULL, s, j, 0);
            }
        LSE_UNROLL for (int j = 0; j < LSE_LANES - 1; j++) {
            if (i + j >= n) break;
            ask_for_one(ask);
            FN(tile_term)(tile + (i + j) * VF(width), &level, NULL, s, j, 0);
        }
    }
    LSE_UNROLL for (int h = 0; h < HALVES; h++)
        FN(tile_share)(s[h], lanes, r + h * vf64_width, r_lo + h * vf64_width);
}

/* For one line: the softmax of a single element is 1, or NaN. */
LSE_INLINE void FN(softmax_line)(REAL *line, REAL *r, REAL *r_lo)
{
    const V x = VF(load)(line), all = VF(select)(x, x, VF(set)(1), x);
    VF(store)(line, all);
    VF(store)(r, all);
    VF(store)(r_lo, VF(set)(0));
}

static void FN(softmax_tile)(REAL *tile, ptrdiff_t n, V max, ask_ahead *ask, REAL *r, REAL *r_lo)
{
    switch (n) {
    case 1: FN(softmax_line)(tile, r, r_lo); break;
    case 2: FN(softmax_lines)(tile, 2, 2, max, ask, r, r_lo); break;
    case 3: FN(softmax_lines)(tile, 3, 3, max, ask, r, r_lo); break;
    case 4: FN(softmax_lines)(tile, 4, 4, max, ask, r, r_lo); break;
    case 5: FN(softmax_lines)(tile, 5, 5, max, ask, r, r_lo); break;
    case 6: FN(softmax_lines)(tile, 6, 6, max, ask, r, r_lo); break;
    case 7: FN(softmax_lines)(tile, 7, 7, max, ask, r, r_lo); break;
    default: FN(softmax_lines)(tile, n, LSE_LANES, max, ask, r, r_lo);
    }
}

/* Horizontally --------------------------------------------------------------------------------------------------- */

/* One contiguous row of n <= LSE_STORED elements, its maximum within range; x and out may be the same. Returns 0 where
 * a term is NaN; then all of out is. */
static int FN(softmax_run)(const char *x, char *out, ptrdiff_t n, REAL max)
{
    enum { TURN = 16, GROUPS = TURN / VF(width), STEP = GROUPS < 4 ? GROUPS : 4, PARTS = TURN / vf64_width };
    if (n == 1) {
        REAL all;
        memcpy(&all, x, sizeof all);
        all = all == all ? 1 : (REAL)NAN;
        memcpy(out, &all, sizeof all);
        return all == all;
    }
    const FN(term_level) level = FN(term_level_for)(VF(set)(max));
    FN(term_sum) s[LSE_LANE_GROUPS];
    double hi[LSE_LANES], lo[LSE_LANES];
    REAL last[TURN];
    for (int g = 0; g < LSE_LANE_GROUPS; g++) s[g] = FN(no_terms)();
    for (ptrdiff_t i = 0; i < n; i += TURN) {
        const ptrdiff_t left = n - i;
        const char *from = x + i * (ptrdiff_t)sizeof(REAL);
        char *to = left < TURN ? (char *)last : out + i * (ptrdiff_t)sizeof(REAL);
        V v[GROUPS];
        if (left < TURN) {
            LSE_UNROLL for (int g = 0; g < GROUPS; g++)
                v[g] = VF(load_some)(from + (size_t)g * sizeof(V), left - g * VF(width), VF(set)(-(REAL)INFINITY));
        } else {
            LSE_UNROLL for (int g = 0; g < GROUPS; g++) v[g] = VF(load)(from + (size_t)g * sizeof(V));
        }
        LSE_UNROLL for (int g = 0; g < GROUPS; g += STEP) FN(terms)(v + g, STEP, &level);
        LSE_UNROLL for (int g = 0; g < GROUPS; g++) VF(store)(to + (size_t)g * sizeof(V), v[g]);
        LSE_UNROLL for (int j = 0; j < PARTS; j++)
            FN(join_term)(&s[j % LSE_LANE_GROUPS], to + (size_t)(j * vf64_width) * sizeof(REAL), 0);
        if (left < TURN) memcpy(out + i * (ptrdiff_t)sizeof(REAL), last, (size_t)left * sizeof(REAL));
    }
    LSE_UNROLL for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        vf64_store(hi + g * vf64_width, F_IS_DOUBLE ? vf64_sub(s[g].hi, vf64_set(TERMS_OFFSET)) : s[g].hi);
        vf64_store(lo + g * vf64_width, s[g].lo);
    }
    hi[0] = add_lanes(hi);
    lo[0] = add_lanes(lo);
    if (hi[0] != hi[0]) {
        for (ptrdiff_t i = 0; i < n; i++) {
            const REAL nan = (REAL)NAN;
            memcpy(out + i * (ptrdiff_t)sizeof nan, &nan, sizeof nan);
        }
        return 0;
    }
    double r_lo[vf64_width], r[vf64_width];
    vf64 low;
    vf64_store(r, FN(reciprocal)(vf64_set(hi[0]), vf64_set(lo[0]), &low));
    vf64_store(r_lo, low);
    const FN(share) share = {VF(set)((REAL)r[0]), VF(set)((REAL)r_lo[0])};
    ptrdiff_t i = 0;
    for (; i + 2 * VF(width) <= n; i += 2 * VF(width))
        LSE_UNROLL for (int j = 0; j < 2; j++) {
            char *to = out + (i + j * VF(width)) * (ptrdiff_t)sizeof(REAL);
            VF(store)(to, FN(times)(VF(load)(to), &share));
        }
    for (; i < n; i += VF(width)) {
        char *to = out + i * (ptrdiff_t)sizeof(REAL);
        VF(store_some)(to, n - i, FN(times)(VF(load_some)(to, n - i, VF(set)(0)), &share));
    }
    return 1;
}
