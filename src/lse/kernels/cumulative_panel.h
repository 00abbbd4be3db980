/* Cumulative sums of rows of at most LSE_SHORT elements, in the tiles of panel.h or row by row, with the same bits,
 * included once for each F.
 *
 * Elements are added one at a time. Sums are the same at any anchor; it rises when an element exceeds what it can take.
 * The logarithm of the first element that is not -inf is that element. Rows with numbers beyond INSIDE_LIMIT are
 * handled as long rows. */

/* The larger magnitude of x and reach; NaN and -inf are ignored. */
LSE_INLINE V FN(farther)(V x, V reach)
{
    return VF(max)(VF(select)(x, VF(set)(LOWEST), VF(abs)(x), VF(set)(0)), reach);
}

static void FN(cumulate_far)(const REAL *x, REAL *out, ptrdiff_t n)
{
    FN(running) s = {.where = FN(OUTSIDE), .outside = {-(double)INFINITY, 0}};
    FN(cumulate_block)((const char *)x, (char *)out, n, &s);
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
        FN(cumulate_far)(row, y, n);
        memcpy(out, y, (size_t)n * sizeof(REAL));
        return;
    }
    for (ptrdiff_t i = 0, some = 1; i < n; i += some, some = 1) {
        if (row[i] != row[i]) {
            for (; i < n; i++) y[i] = (REAL)NAN;
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

/* A vector of rows from their tile of n lines. */
static void FN(cumulate_tile)(const REAL *x, REAL *out, ptrdiff_t n)
{
    const V zero = VF(set)(0);
    FN(running_sums) s = {zero, zero, VF(set)(-(REAL)INFINITY), VF(set)(-(REAL)(2 * INSIDE_LIMIT)), zero, zero};
    REAL farthest[VF(width)], row[LSE_SHORT], y[LSE_SHORT];
    V reach = zero;
    for (ptrdiff_t i = 0; i < n;) {
        const REAL *line = x + i * VF(width);
        const V first = VF(load)(line);
        if (VF(any_at_least)(first, s.limit)) FN(raise_sums)(&s, first);
        if (i + 1 < n && !VF(any_at_least)(VF(load)(line + VF(width)), s.limit)) {
            FN(cumulate_lines)(line, out + i * VF(width), 2, &s);
            reach = FN(farther)(VF(load)(line + VF(width)), reach);
            i++;
        } else {
            FN(cumulate_lines)(line, out + i * VF(width), 1, &s);
        }
        reach = FN(farther)(first, reach);
        i++;
    }
    VF(store)(farthest, reach);
    for (int k = 0; k < VF(width); k++) {
        if (farthest[k] <= INSIDE_LIMIT) continue;
        for (ptrdiff_t i = 0; i < n; i++) row[i] = x[i * VF(width) + k];
        FN(cumulate_far)(row, y, n);
        for (ptrdiff_t i = 0; i < n; i++) out[i * VF(width) + k] = y[i];
    }
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
            FN(cumulate_tile)(x + v * p->n, out, p->n);
            FN(tile_out)(p, k + v, some - v < FN(WIDTH) ? some - v : FN(WIDTH), out);
        }
    }
}
