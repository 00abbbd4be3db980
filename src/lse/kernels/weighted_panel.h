/* Weighted sums of a panel (panel.h), included once for each F: the sums of weighted.h side by side, with the same
 * bits. */

/* Adds elements of one lane from `turns` turns of a tile, a constant. */
LSE_INLINE void FN(fold_lane)(const REAL *x, const REAL *b, const int turns, V *hi, V *lo, V bias, V *odd,
                              const int ones)
{
    V v[4], w[4], top = VF(set)(0);
    LSE_UNROLL for (int j = 0; j < turns; j++) {
        v[j] = ones ? VF(set)(0) : VF(load)(x + j * LANES * VF(width));
        w[j] = VF(load)(b + j * LANES * VF(width));
    }
    FN(fold_weighted)(hi, lo, v, w, turns, bias, &top, odd, ones);
}

/* A vector of sums from their tile of n lines and that of their weights; whether one of them is_strange. The greatest
 * exponents come first. */
LSE_INLINE int FN(sum_of_weights)(const REAL *x, const REAL *b, ptrdiff_t n, lse_states *states, ptrdiff_t at,
                                  const int ones)
{
    const V base = VF(set)(MAGIC + EXP_BIAS), limit = VF(set)((REAL)exponent_of((double)FN(LSE_FAR)));
    V hi[LANES], lo[LANES], lost, top = VF(set)(-(REAL)INFINITY), odd = VF(set)(0);
    REAL sum[VF(width)], rest[VF(width)], exponent[VF(width)], strange[VF(width)];
    for (ptrdiff_t i = 0; i < n; i++) {
        V v = ones ? VF(set)(0) : VF(load)(x + i * VF(width)), t, level;
        V w = VF(load)(b + i * VF(width));
        FN(weighted_exponents)(&v, &w, &t, &level, 1, base, ones);
        top = VF(max)(t, top);
    }
    top = VF(sub)(top, base);
    const V limited = VF(max)(VF(min)(top, limit), VF(sub)(VF(set)(0), limit));
    const V bias = VF(sub)(base, VF(sub)(limited, VF(set)((REAL)HEADROOM)));
    ptrdiff_t lanes = n < LANES ? n : LANES;
    for (ptrdiff_t l = 0; l < lanes; l++) {
        V own = VF(set)(0), low = VF(set)(0);
        for (ptrdiff_t i = l; i < n; i += FN(QUAD)) {
            const REAL *from = x + i * VF(width), *weights = b + i * VF(width);
            switch ((n - i + LANES - 1) / LANES) {
            case 1: FN(fold_lane)(from, weights, 1, &own, &low, bias, &odd, ones); break;
            case 2: FN(fold_lane)(from, weights, 2, &own, &low, bias, &odd, ones); break;
            case 3: FN(fold_lane)(from, weights, 3, &own, &low, bias, &odd, ones); break;
            default: FN(fold_lane)(from, weights, 4, &own, &low, bias, &odd, ones);
            }
        }
        hi[l] = own;
        lo[l] = low;
    }
    for (ptrdiff_t half = LANES / 2; half > 0; half /= 2) /* the tree of sum_lanes */
        for (ptrdiff_t l = 0; l < half && l + half < lanes; l++) {
            hi[l] = FN(two_sum)(hi[l], hi[l + half], &lost);
            lo[l] = VF(add)(VF(add)(lo[l], lo[l + half]), lost);
        }
    VF(store)(sum, hi[0]);
    VF(store)(rest, lo[0]);
    VF(store)(exponent, top);
    VF(store)(strange, odd);
    for (int c = 0; c < VF(width); c += vf64_width) {
        const vf64 up = vf64_set(pow2(500.0 - HEADROOM)), zero = vf64_set(0.0), nan = vf64_set((double)NAN);
        vf64_store(states->max + at + c, FN(widen)(exponent + c));
        vf64_store(states->count + at + c, zero);
        vf64_store(states->tail + at + c,
                   vf64_select(zero, FN(widen)(strange + c), vf64_mul(FN(widen)(sum + c), up), nan));
        vf64_store(states->tail_lo + at + c, vf64_mul(FN(widen)(rest + c), up));
    }
    const V all = VF(add)(hi[0], odd), beyond = VF(set)((REAL)((int64_t)REACH + 1));
    const V nan = VF(select)(all, all, VF(set)(0), VF(set)(1));
    return VF(any_at_least)(VF(abs)(top), beyond) || VF(any_at_least)(nan, VF(set)(1));
}

static int FN(sum_weighted_tile)(const REAL *x, const REAL *b, ptrdiff_t n, lse_states *states, ptrdiff_t at)
{
    return FN(sum_of_weights)(x, b, n, states, at, 0);
}

static int FN(sum_ones_tile)(const REAL *b, ptrdiff_t n, lse_states *states, ptrdiff_t at)
{
    return FN(sum_of_weights)(b, b, n, states, at, 1);
}

/* Likewise, and again where a sum wants it; with ones x is not used otherwise. */
static void FN(weighted_tile)(REAL *x, const REAL *b, ptrdiff_t n, lse_states *states, ptrdiff_t at, int ones)
{
    REAL infinite[VF(width)], greatest[VF(width)], shift[VF(width)];
    V sum = VF(set)(0), max = VF(set)(-(REAL)INFINITY);
    int distant = 0;
    if (!(ones ? FN(sum_ones_tile)(b, n, states, at) : FN(sum_weighted_tile)(x, b, n, states, at))) return;
    if (ones) memset(x, 0, (size_t)n * sizeof(V));
    for (ptrdiff_t i = 0; i < n; i++)
        sum = VF(add)(sum, FN(not_finite)(VF(load)(x + i * VF(width)), VF(load)(b + i * VF(width)), &max));
    VF(store)(infinite, sum);
    VF(store)(greatest, max);
    for (int k = 0; k < VF(width); k++) {
        const seen s = {(double)infinite[k], (double)greatest[k]};
        shift[k] = (REAL)FN(shift_for)(s, states, at + k);
        distant |= shift[k] != 0;
    }
    for (ptrdiff_t i = 0; i < n && distant; i++)
        VF(store)(x + i * VF(width), VF(sub)(VF(load)(x + i * VF(width)), VF(load)(shift)));
    if (distant) FN(sum_weighted_tile)(x, b, n, states, at);
    for (int k = 0; k < VF(width); k++) put_weighted((double)shift[k], (double)infinite[k], states, at + k);
}

/* Rows one by one, where elements and weights are both rows. */
static void FN(weighted_rows_of)(const lse_panel *p, lse_states *states)
{
    lse_layout layout;
    layout.direct = layout.direct_weight = 1;
    layout.ones = p->layout && p->layout->ones;
    for (ptrdiff_t k = 0; k < p->count; k++) {
        const lse_row row = {p->x + p->at[k], NULL, p->weights->x + p->weights->at[k], p->n};
        FN(weighted_row)(&layout, &row, 0, p->n, k, states);
    }
    fill_states(states, p->count);
}

/* Half as many elements as sum_panel takes at once, and as many weights. */
static void FN(sum_weighted_panel)(const lse_panel *p, lse_states *states)
{
    enum { HALF = FN(PER_GROUP) * FN(STAGE) / 2 };
    REAL x[HALF], b[HALF];
    V max[FN(PER_GROUP)];
    const lse_panel *weights = p->weights;
    const int same = weights->are_the_same, ones = p->layout && p->layout->ones;
    if (weights->form == LSE_BY_ROWS && FN(one_by_one)(p, LSE_SHORT)) {
        FN(weighted_rows_of)(p, states);
        return;
    }
    const ptrdiff_t most = HALF / (p->n * FN(WIDTH)) * FN(WIDTH), usual = FN(group_step)(p);
    const ptrdiff_t step = most < usual ? most : usual;
    if (same) FN(tiles_in)(weights, 0, 1, b, max);
    for (ptrdiff_t k = 0; k < p->count; k += step) {
        const ptrdiff_t some = p->count - k < step ? p->count - k : step;
        if (!ones) FN(tiles_in)(p, k, some, x, max);
        if (!same) FN(tiles_in)(weights, k, some, b, max);
        for (ptrdiff_t v = 0; v * FN(WIDTH) < some; v++) {
            const ptrdiff_t at = v * p->n * FN(WIDTH);
            FN(weighted_tile)(x + at, same ? b : b + at, p->n, states, k + v * FN(WIDTH), ones);
        }
    }
}
