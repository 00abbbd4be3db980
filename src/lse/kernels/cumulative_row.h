/* y[i] = log(sum(e^x[j] for j <= i)) along a row, included once for each F.
 *
 * The running sum is hi + lo at an anchor (exp.h). Elements are added in index order, and divided into chunks by their
 * values and indices alone. A chunk that does not exceed the preceding sum by much is computed at once
 * (cumulative_chunk.h); otherwise, as at the beginning of a row and where it ascends, elements are added one at a
 * time. */

/* Elements and sums within INSIDE_LIMIT are inside. RISE: how much an element may exceed the sum and the elements
 * before it without pushing digits that matter below the smallest normal number: (HEADROOM + EXP_BIAS - 2 * 53) ln 2 or
 * more. HEADWAY: how much an element of a chunk may exceed the sum, so that the grid is at most 2^-10 of the sum. */
#define INSIDE_LIMIT (FN(LSE_FAR) / 2)
#if F_IS_DOUBLE
#define RISE 1000.0
#define HEADWAY 8.0
#else
#define RISE 100.0f
#define HEADWAY -1.5f
#endif

enum { FN(SERIAL) = 32 }; /* elements added one by one before a chunk is tried again */

enum { FN(OUTSIDE), FN(INSIDE), FN(LOST) };

/* n <= SERIAL elements, none of which exceeds those before it by more than RISE. */
static void FN(add_serially)(const char *x, char *out, ptrdiff_t n, FN(running) *s)
{
    REAL u[FN(SERIAL)], scale[FN(SERIAL)], high[FN(SERIAL)], low[FN(SERIAL)];
    const V bias = VF(set)(FN(bias)(s->level.anchor)), floor = VF(set)(FN(floor)(s->level.anchor));
    const V anchor = VF(set)((REAL)s->level.anchor);
    for (int i = 0; i < FN(SERIAL); i++) u[i] = -(REAL)INFINITY;
    memcpy(u, x, (size_t)n * sizeof(REAL));
    for (ptrdiff_t i = 0; i < n; i += 2 * VF(width)) {
        V v[2], power[2];
        LSE_UNROLL for (int j = 0; j < 2; j++) v[j] = VF(load)(u + i + j * VF(width));
        FN(exp_parts)(v, power, 2, bias, floor);
        LSE_UNROLL for (int j = 0; j < 2; j++) VF(store)(scale + i + j * VF(width), power[j]);
        LSE_UNROLL for (int j = 0; j < 2; j++) VF(store)(u + i + j * VF(width), VF(mul)(power[j], v[j]));
    }
    REAL hi = s->hi, lo = s->lo;
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL t = scale[i] + u[i], sum = hi + t, greater = hi > t ? hi : t, lesser = hi > t ? t : hi;
        lo = lo + ((lesser - (sum - greater)) + (u[i] - (t - scale[i])));
        high[i] = hi = sum;
        low[i] = lo;
    }
    for (ptrdiff_t i = n; i < FN(SERIAL); i++) high[i] = low[i] = 1;
    for (ptrdiff_t i = 0; i < n; i += 2 * VF(width)) {
        V h[2], l[2], y[2];
        LSE_UNROLL for (int j = 0; j < 2; j++) h[j] = VF(load)(high + i + j * VF(width));
        LSE_UNROLL for (int j = 0; j < 2; j++) l[j] = VF(load)(low + i + j * VF(width));
        FN(log_sums)(h, l, y, 2, anchor);
        LSE_UNROLL for (int j = 0; j < 2; j++) VF(store)(u + i + j * VF(width), y[j]);
    }
    memcpy(out, u, (size_t)n * sizeof(REAL));
    s->hi = hi;
    s->lo = lo;
}

LSE_INLINE REAL FN(read)(const char *x, ptrdiff_t i)
{
    REAL value;
    memcpy(&value, x + i * (ptrdiff_t)sizeof value, sizeof value);
    return value;
}

/* How many of n elements the sum can take at one anchor: 0 where the first is NaN or beyond INSIDE_LIMIT. */
LSE_INLINE ptrdiff_t FN(steady)(const char *x, ptrdiff_t n, REAL last)
{
    const REAL first = FN(read)(x, 0), low = first > last ? first : last;
    const REAL high = low + RISE < INSIDE_LIMIT ? low + RISE : (REAL)INSIDE_LIMIT;
    ptrdiff_t i = 0;
    if (!(last <= INSIDE_LIMIT)) return 0;
    while (i < n && FN(read)(x, i) <= high) i++;
    return i;
}

LSE_INLINE void FN(raise_sum)(FN(running) *s, REAL max)
{
    const FN(level) old = s->level;
    if (max <= old.limit) return;
    s->level = FN(level_for)(max);
    const FN(factors) f = FN(factors_for)(old.anchor, s->level.anchor);
    s->hi = s->hi * f.first * f.second;
    s->lo = s->lo * f.first * f.second;
}

LSE_INLINE void FN(leave)(FN(running) *s)
{
    s->where = FN(OUTSIDE);
    s->outside.max = (double)s->base + (double)s->last;
    s->outside.rest = 0;
}

/* The next elements of n, inside and less base; returns how many. */
static ptrdiff_t FN(add_inside)(const char *x, char *out, ptrdiff_t n, ptrdiff_t most, FN(running) *s)
{
    ptrdiff_t some = n < most ? n : most;
    REAL max = FN(run_max)(x, some), top = s->last + HEADWAY;
    if (max > top && some > FN(TILE)) { /* a single tile has a finer grid */
        some = FN(TILE);
        max = FN(run_max)(x, some);
        top += (REAL)1.3;
    }
    if (max <= top && s->last <= INSIDE_LIMIT) {
        FN(raise_sum)(s, s->last);
        FN(add_chunk)(x, out, some, max, s);
    } else {
        some = FN(steady)(x, some < FN(SERIAL) ? some : FN(SERIAL), s->last);
        if (some == 0) {
            FN(leave)(s);
            return 0;
        }
        max = FN(run_max)(x, some);
        FN(raise_sum)(s, max > s->last ? max : s->last);
        FN(add_serially)(x, out, some, s);
        const REAL hi = s->hi, lo = s->lo;
        s->hi = hi + lo;
        s->lo = lo - (s->hi - hi);
    }
    s->last = FN(read)(out, some - 1);
    return some;
}

/* Brings inside a sum that is the term of outside.max and little more. */
LSE_INLINE void FN(enter)(FN(running) *s)
{
    const REAL max = (REAL)s->outside.max;
    REAL term[VF(width)], rest[VF(width)];
    s->base = max >= -INSIDE_LIMIT && max <= INSIDE_LIMIT ? 0 : max;
    V u = VF(set)(max - s->base), scale;
    s->level = FN(level_for)(max - s->base);
    FN(exp_parts)(&u, &scale, 1, VF(set)(FN(bias)(s->level.anchor)), VF(set)(FN(floor)(s->level.anchor)));
    VF(store)(term, scale);
    VF(store)(rest, VF(mul)(scale, u));
    const REAL whole = term[0] + rest[0], more = whole * (REAL)s->outside.rest;
    s->hi = whole + more;
    s->lo = (rest[0] - (whole - term[0])) + (more - (s->hi - whole));
    if (s->base != 0) s->last = (REAL)far_log1p(s->outside.rest);
    s->where = FN(INSIDE);
}

/* Adds elements one at a time while the sum is outside, until it is inside or NaN; returns how many. */
static ptrdiff_t FN(add_outside)(const char *x, char *out, ptrdiff_t n, FN(running) *s)
{
    for (ptrdiff_t i = 0; i < n;) {
        const REAL value = FN(read)(x, i);
        if (value != value) {
            s->where = FN(LOST);
            return i;
        }
        s->last = (REAL)far_add(&s->outside, (double)value);
        memcpy(out + i++ * (ptrdiff_t)sizeof(REAL), &s->last, sizeof(REAL));
        if (s->outside.max - s->outside.max == 0) {
            FN(enter)(s);
            return i;
        }
    }
    return n;
}

/* The next elements of n that do not exceed the base by more than RISE, so that their difference is exact wherever it
 * matters. */
static ptrdiff_t FN(add_distant)(const char *x, char *out, ptrdiff_t n, ptrdiff_t most, FN(running) *s)
{
    REAL less[FN(CHUNK)];
    const V base = VF(set)(s->base);
    ptrdiff_t some = n < most ? n : most, done = 0;
    if (FN(run_max)(x, some) - s->base > RISE) {
        const ptrdiff_t all = some;
        for (some = 0; some < all && FN(read)(x, some) - s->base <= RISE;) some++;
        if (some == 0) {
            FN(leave)(s);
            return 0;
        }
    }
    for (ptrdiff_t i = 0; i < some; i += VF(width))
        VF(store)(less + i, VF(sub)(VF(load_some)(x + i * (ptrdiff_t)sizeof(REAL), some - i, base), base));
    while (done < some && s->where == FN(INSIDE))
        done += FN(add_inside)((const char *)(less + done), (char *)(less + done), some - done, most - done, s);
    for (ptrdiff_t i = 0; i < done; i += VF(width))
        VF(store_some)(out + i * (ptrdiff_t)sizeof(REAL), done - i, VF(add)(VF(load)(less + i), base));
    return done;
}

/* n elements of a row in one contiguous run. */
LSE_INLINE void FN(cumulate_block)(const char *x, char *out, ptrdiff_t n, FN(running) *s)
{
    const REAL nan = (REAL)NAN;
    for (ptrdiff_t i = 0; i < n;) {
        const char *from = x + (size_t)i * sizeof(REAL);
        char *to = out + (size_t)i * sizeof(REAL);
        if (s->where == FN(OUTSIDE)) {
            i += FN(add_outside)(from, to, n - i, s);
        } else if (s->where == FN(INSIDE)) {
            const ptrdiff_t most = FN(CHUNK) - i % FN(CHUNK);
            const ptrdiff_t some = s->base == 0 ? FN(add_inside)(from, to, n - i, most, s)
                                                : FN(add_distant)(from, to, n - i, most, s);
            if (s->hi != s->hi) {
                s->where = FN(LOST);
                for (ptrdiff_t j = 0; j < some; j++)
                    if (FN(read)(to, j) != FN(read)(to, j)) memcpy(to + j * (ptrdiff_t)sizeof nan, &nan, sizeof nan);
            }
            i += some;
        } else {
            memcpy(out + i++ * (ptrdiff_t)sizeof nan, &nan, sizeof nan);
        }
    }
}

static void FN(cumulate_row)(const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
                             ptrdiff_t start, ptrdiff_t n, lse_running *running)
{
    REAL buffer[FN(BLOCK)], result[FN(BLOCK)];
    FN(running) s = {.where = FN(OUTSIDE), .outside = {-(double)INFINITY, 0}};
    _Static_assert(sizeof s <= sizeof *running, "no room for a running sum");
    if (start > 0) memcpy(&s, running, sizeof s);
    for (ptrdiff_t done = start; done < start + n; done += FN(BLOCK)) {
        const ptrdiff_t left = start + n - done, some = left < FN(BLOCK) ? left : FN(BLOCK);
        const char *x = FN(fetch)(layout, row, done, some, 0, buffer);
        if (out_layout->direct) {
            FN(cumulate_block)(x, out + done * (ptrdiff_t)sizeof(REAL), some, &s);
        } else {
            FN(cumulate_block)(x, (char *)result, some, &s);
            FN(scatter)(out_layout, out, done, some, result);
        }
    }
    memcpy(running, &s, sizeof s);
}
