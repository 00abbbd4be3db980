/* Cumulative sums of rows of at most LSE_SHORT elements, in the tiles of panel.h or row by row, with the same bits,
 * included once for each F.
 *
 * All elements are added one after another; sums are the same at any anchor, which rises where an element wants it.
 * The first element that is not -inf is its own logarithm. Where rows have numbers beyond INSIDE_LIMIT, the sum is one
 * of elements less a base: the last of these numbers that the anchor was raised for. */

/* The larger magnitude of x and reach; NaN and infinities are ignored. */
LSE_INLINE V FN(farther)(V x, V reach)
{
    const V size = VF(abs)(x);
    return VF(max)(VF(select)(VF(set)(-(LOWEST)), size, size, VF(set)(0)), reach);
}

static void FN(cumulate_distant_tile)(const REAL *x, REAL *out, ptrdiff_t n);

/* One row, as one of a tile. */
static void FN(cumulate_distant)(const REAL *x, REAL *out, ptrdiff_t n)
{
    REAL tile[LSE_SHORT * VF(width)], result[LSE_SHORT * VF(width)];
    for (ptrdiff_t i = 0; i < n; i++) VF(store)(tile + i * VF(width), VF(set)(x[i]));
    FN(cumulate_distant_tile)(tile, result, n);
    for (ptrdiff_t i = 0; i < n; i++) out[i] = result[i * VF(width)];
}

/* One contiguous row; out may be x. */
static void FN(cumulate_short)(const char *x, char *out, ptrdiff_t n)
{
    FN(running) s = {.level = FN(level_for)(-(REAL)INFINITY)};
    REAL row[LSE_SHORT], y[LSE_SHORT];
    V reach = VF(set)(0);
    memcpy(row, x, (size_t)n * sizeof(REAL));
    for (ptrdiff_t i = 0; i < n; i += VF(width)) reach = FN(farther)(VF(load_some)(row + i, n - i, VF(set)(0)), reach);
    if (VF(greatest)(reach) > INSIDE_LIMIT) {
        FN(cumulate_distant)(row, y, n);
        memcpy(out, y, (size_t)n * sizeof(REAL));
        return;
    }
    for (ptrdiff_t i = 0, some = 1; i < n; i += some, some = 1) {
        if (row[i] != row[i]) {
            for (; i < n; i++) y[i] = (REAL)NAN;
        } else if (row[i] == (REAL)INFINITY) {
            for (; i < n && row[i] == row[i]; i++) y[i] = (REAL)INFINITY;
            some = 0;
        } else if (row[i] == -(REAL)INFINITY && s.hi == 0) {
            y[i] = row[i];
        } else {
            FN(raise_sum)(&s, row[i]);
            const int alone = s.hi == 0;
            while (some < FN(SERIAL) && i + some < n && row[i + some] <= s.level.limit) some++;
            FN(add_serially)((const char *)(row + i), (char *)(y + i), some, &s);
            if (alone) y[i] = row[i];
        }
    }
    memcpy(out, y, (size_t)n * sizeof(REAL));
}

/* A vector of running sums, and what the exponential needs of their anchors. */
typedef struct {
    V hi, lo, limit, anchor, bias, floor;
} FN(running_sums);

/* x 2^e for integers e <= 0, in two steps as factors_for. */
LSE_INLINE V FN(lowered)(V x, V e)
{
    const V least = VF(set)(1 - EXP_BIAS), bias = VF(set)(MAGIC + EXP_BIAS);
    const V first = VF(max)(e, least), second = VF(max)(VF(sub)(e, first), VF(set)(-EXP_BIAS));
    return VF(mul)(VF(mul)(x, VF(pow2)(VF(add)(first, bias))), VF(pow2)(VF(add)(second, bias)));
}

/* Raises the anchors of those sums whose next element exceeds their limit, as raise_sum does. */
LSE_INLINE void FN(raise_sums)(FN(running_sums) *s, V x)
{
    const V magic = VF(set)(MAGIC), most = VF(set)((REAL)INSIDE_LIMIT);
    const V limited = VF(min)(VF(max)(x, VF(set)(-(REAL)INSIDE_LIMIT)), most);
    const V n = VF(sub)(VF(fma)(limited, VF(set)(FN(LOG2E)), magic), magic);
    const V anchor = VF(select)(s->limit, x, s->anchor, VF(sub)(n, VF(set)((REAL)HEADROOM)));
    const V down = VF(sub)(s->anchor, anchor);
    s->hi = FN(lowered)(s->hi, down);
    s->lo = FN(lowered)(s->lo, down);
    s->limit = VF(select)(s->limit, x, s->limit, VF(add)(x, VF(set)(SLACK)));
    s->anchor = anchor;
    s->bias = VF(sub)(VF(set)(MAGIC + EXP_BIAS), anchor);
    s->floor = VF(mul)(VF(sub)(anchor, VF(set)(EXP_BIAS)), VF(set)(FN(LN2_HI)));
}

/* Adds `count` lines of a tile, 1 or 2, none of which exceeds the limits: add_serially for each column. */
LSE_INLINE void FN(cumulate_lines)(const REAL *x, REAL *out, const int count, FN(running_sums) *s)
{
    const V zero = VF(set)(0), nan = VF(set)((REAL)NAN);
    V v[2], u[2], scale[2], before[2], hi[2], lo[2], y[2];
    LSE_UNROLL for (int j = 0; j < count; j++) u[j] = v[j] = VF(load)(x + j * VF(width));
    FN(exp_parts)(u, scale, count, s->bias, s->floor);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        u[j] = VF(mul)(scale[j], u[j]);
        const V t = VF(add)(scale[j], u[j]), sum = VF(add)(s->hi, t), large = VF(max)(s->hi, t);
        const V lost = VF(sub)(VF(min)(s->hi, t), VF(sub)(sum, large));
        before[j] = s->hi;
        hi[j] = s->hi = sum;
        lo[j] = s->lo = VF(add)(s->lo, VF(add)(lost, VF(sub)(u[j], VF(sub)(t, scale[j]))));
    }
    FN(log_sums)(hi, lo, y, count, s->anchor);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        y[j] = VF(select)(zero, before[j], v[j], y[j]);
        VF(store)(out + j * VF(width), VF(select)(y[j], y[j], y[j], nan));
    }
}

/* Sums of which some have an element that exceeds their limit, and is a new base if it is outside. Of what was summed
 * six digits are enough then. */
LSE_INLINE void FN(raise_bases)(FN(running_sums) *s, V *base, V *top, V x, V less)
{
    const V zero = VF(set)(0), one = VF(set)(1), infinity = VF(set)((REAL)INFINITY), nan = VF(set)((REAL)NAN);
    const V outside = VF(select)(VF(set)((REAL)INSIDE_LIMIT), VF(abs)(x), zero, one);
    const V own = VF(select)(s->limit, less, *base, VF(select)(outside, one, x, zero));
    const V moved = VF(select)(own, *base, VF(select)(*base, own, zero, one), one); /* where the base is another */
    const V hi = s->hi, lo = s->lo;
    V down = VF(fma)(s->anchor, VF(set)(FN(LN2_HI)), VF(sub)(*base, own)), scale;
    down = VF(select)(zero, hi, VF(set)(LOWEST), VF(fma)(s->anchor, VF(set)(FN(LN2_LO)), down));
    less = VF(select)(s->limit, less, less, VF(select)(outside, one, zero, x));
    s->limit = VF(select)(moved, one, VF(set)(-(REAL)INFINITY), s->limit);
    FN(raise_sums)(s, less);
    FN(exp_parts_at)(&down, &scale, 1, &s->bias, &s->floor);
    down = VF(fma)(scale, down, scale);
    s->hi = VF(select)(moved, one, VF(mul)(hi, down), s->hi);
    s->lo = VF(select)(moved, one, VF(mul)(lo, down), s->lo);
    *base = own;
    *top = VF(select)(own, infinity, own, nan);
}

/* A tile, of which some rows have elements that are outside. top: the base where that is +inf, of which +inf is at no
 * distance. */
static void FN(cumulate_distant_tile)(const REAL *x, REAL *out, ptrdiff_t n)
{
    const V zero = VF(set)(0);
    FN(running_sums) s = {zero, zero, VF(set)(-(REAL)INFINITY), VF(set)(-(REAL)(2 * INSIDE_LIMIT)), zero, zero};
    V base = zero, top = VF(set)((REAL)NAN);
    for (ptrdiff_t i = 0, some; i < n; i += some, x += some * VF(width), out += some * VF(width)) {
        const V own = VF(load)(x);
        REAL line[2 * VF(width)];
        V less = VF(select)(own, top, zero, VF(sub)(own, base));
        if (VF(any_at_least)(less, s.limit)) {
            FN(raise_bases)(&s, &base, &top, own, less);
            less = VF(select)(own, top, zero, VF(sub)(own, base));
        }
        VF(store)(line, less);
        some = 1;
        if (i + 1 < n) {
            const V next = VF(load)(x + VF(width));
            less = VF(select)(next, top, zero, VF(sub)(next, base));
            VF(store)(line + VF(width), less);
            some += !VF(any_at_least)(less, s.limit);
        }
        if (some == 2) FN(cumulate_lines)(line, out, 2, &s);
        else FN(cumulate_lines)(line, out, 1, &s);
        for (ptrdiff_t j = 0; j < some * VF(width); j += VF(width))
            VF(store)(out + j, VF(add)(VF(load)(out + j), base));
    }
}

/* A tile without numbers outside: +inf is for cumulate_infinities. */
static void FN(cumulate_near_tile)(const REAL *x, REAL *out, ptrdiff_t n)
{
    const V zero = VF(set)(0);
    FN(running_sums) s = {zero, zero, VF(set)(-(REAL)INFINITY), VF(set)(-(REAL)(2 * INSIDE_LIMIT)), zero, zero};
    for (ptrdiff_t i = 0; i < n;) {
        const REAL *line = x + i * VF(width);
        const V first = VF(load)(line);
        if (VF(any_at_least)(first, s.limit)) FN(raise_sums)(&s, first);
        if (i + 1 < n && !VF(any_at_least)(VF(load)(line + VF(width)), s.limit)) {
            FN(cumulate_lines)(line, out + i * VF(width), 2, &s);
            i += 2;
        } else {
            FN(cumulate_lines)(line, out + i * VF(width), 1, &s);
            i++;
        }
    }
}

/* Of those rows of a tile that have +inf, which is all that they have outside: +inf from there on, or NaN where there
 * was one. */
static void FN(cumulate_infinities)(const REAL *x, REAL *out, ptrdiff_t n)
{
    const V zero = VF(set)(0), infinity = VF(set)((REAL)INFINITY), nan = VF(set)((REAL)NAN);
    V found = zero; /* 0, +inf or NaN */
    for (ptrdiff_t i = 0; i < n * VF(width); i += VF(width)) {
        const V own = VF(load)(x + i), finite = VF(select)(VF(set)(-(LOWEST)), own, zero, own);
        found = VF(add)(found, finite);
        VF(store)(out + i, VF(select)(zero, found, VF(load)(out + i), VF(select)(found, infinity, infinity, nan)));
    }
}

/* A vector of rows from their tile of n lines, and their maxima. */
static void FN(cumulate_tile)(const REAL *x, REAL *out, ptrdiff_t n, V max)
{
    const V zero = VF(set)(0), one = VF(set)(1), inside = VF(set)((REAL)INSIDE_LIMIT);
    REAL distant[LSE_SHORT * VF(width)];
    V reach = zero;
    for (ptrdiff_t i = 0; i < n * VF(width); i += VF(width)) reach = FN(farther)(VF(load)(x + i), reach);
    if (VF(any_at_least)(inside, reach)) {
        FN(cumulate_near_tile)(x, out, n);
        if (VF(any_at_least)(max, VF(set)((REAL)INFINITY))) FN(cumulate_infinities)(x, out, n);
        if (!VF(any_at_least)(VF(select)(inside, reach, zero, one), one)) return;
    }
    FN(cumulate_distant_tile)(x, distant, n);
    for (ptrdiff_t i = 0; i < n * VF(width); i += VF(width))
        VF(store)(out + i, VF(select)(inside, reach, VF(load)(out + i), VF(load)(distant + i)));
}

static void FN(cumulate_panel)(const lse_panel *p)
{
    REAL x[FN(PER_GROUP) * FN(STAGE)], out[FN(STAGE)];
    V max[FN(PER_GROUP)];
    if (p->out_form == LSE_BY_ROWS && FN(one_by_one)(p, LSE_SHORT)) {
        for (ptrdiff_t k = 0; k < p->count; k++)
            FN(cumulate_short)(p->x + p->at[k], p->out + p->out_at[k], p->n);
        return;
    }
    const ptrdiff_t step = FN(group_step)(p);
    for (ptrdiff_t k = 0; k < p->count; k += step) {
        const ptrdiff_t some = p->count - k < step ? p->count - k : step;
        FN(tiles_in)(p, k, some, x, max);
        for (ptrdiff_t v = 0; v < some; v += FN(WIDTH)) {
            FN(cumulate_tile)(x + v * p->n, out, p->n, max[v / FN(WIDTH)]);
            FN(tile_out)(p, k + v, some - v < FN(WIDTH) ? some - v : FN(WIDTH), out);
        }
    }
}
