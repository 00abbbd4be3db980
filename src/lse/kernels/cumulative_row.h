/* y[i] = log(sum(e^x[j] for j <= i)) along a row, included once for each F.
 *
 * The running sum is hi + lo at an anchor (exp.h). Elements are added in index order, and divided into chunks by their
 * values and indices alone. A chunk that does not exceed the preceding sum by much is computed at once
 * (cumulative_chunk.h); otherwise, as at the beginning of a row and where it ascends, a tile with an anchor for each
 * lane; where a lane ascends too much for that, and at the end of a row, elements are added one at a time. */

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
    REAL u[FN(SERIAL)], term[FN(SERIAL)], rest[FN(SERIAL)], sums[1 + FN(SERIAL)], low[FN(SERIAL)], *high = sums + 1;
    const V bias = VF(set)(FN(bias)(s->level.anchor)), floor = VF(set)(FN(floor)(s->level.anchor));
    const V anchor = VF(set)((REAL)s->level.anchor);
    for (int i = 0; i < FN(SERIAL); i++) u[i] = -(REAL)INFINITY;
    memcpy(u, x, (size_t)n * sizeof(REAL));
    for (ptrdiff_t i = 0; i < n; i += 2 * VF(width)) {
        V v[2], power[2];
        LSE_UNROLL for (int j = 0; j < 2; j++) v[j] = VF(load)(u + i + j * VF(width));
        FN(exp_parts)(v, power, 2, bias, floor);
        LSE_UNROLL for (int j = 0; j < 2; j++) {
            const V more = VF(mul)(power[j], v[j]), whole = VF(add)(power[j], more);
            VF(store)(term + i + j * VF(width), whole);
            VF(store)(rest + i + j * VF(width), VF(sub)(more, VF(sub)(whole, power[j])));
        }
    }
    REAL hi = s->hi, lo = s->lo;
    sums[0] = hi;
    for (ptrdiff_t i = 0; i < n; i++) high[i] = hi = hi + term[i];
    for (ptrdiff_t i = n; i < FN(SERIAL); i++) high[i] = hi;
    for (ptrdiff_t i = 0; i < n; i += VF(width)) { /* what these sums lack */
        const V before = VF(load)(sums + i), own = VF(load)(term + i), sum = VF(load)(high + i);
        const V lost = VF(sub)(VF(min)(own, before), VF(sub)(sum, VF(max)(before, own)));
        VF(store)(rest + i, VF(add)(lost, VF(load)(rest + i)));
    }
    for (ptrdiff_t i = 0; i < n; i++) low[i] = lo = lo + rest[i];
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

/* How many of n elements, less base, come before the first that is NaN or exceeds most. */
LSE_INLINE ptrdiff_t FN(up_to)(const char *x, ptrdiff_t n, REAL base, REAL most)
{
    const V less = VF(set)(base), limit = VF(set)(most), zero = VF(set)(0), one = VF(set)(1);
    ptrdiff_t i = 0;
    for (; i < n; i += VF(width)) {
        const V own = VF(sub)(VF(load_some)(x + i * (ptrdiff_t)sizeof(REAL), n - i, less), less);
        if (VF(any_at_least)(VF(select)(limit, own, zero, one), one)) break;
    }
    while (i < n && FN(read)(x, i) - base <= most) i++;
    return i < n ? i : n;
}

/* How many of n elements the sum can take at one anchor: 0 where the first is NaN or beyond INSIDE_LIMIT. */
LSE_INLINE ptrdiff_t FN(steady)(const char *x, ptrdiff_t n, REAL last)
{
    const REAL first = FN(read)(x, 0), low = first > last ? first : last;
    const REAL high = low + RISE < INSIDE_LIMIT ? low + RISE : (REAL)INSIDE_LIMIT;
    return last <= INSIDE_LIMIT ? FN(up_to)(x, n, 0, high) : 0;
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

/* The anchors of the lanes of a tile, and the sum before each at its own. */
typedef struct {
    REAL anchor[LANES], bias[LANES], floor[LANES], hi[LANES], lo[LANES];
} FN(steep_lanes);

/* Finds the levels of lanes, from their first and greatest elements; 0 where a lane rises by too much for one, or
 * leaves. *last is that of the last one. */
LSE_INLINE int FN(find_lane_levels)(const FN(running) *s, const REAL *first, const REAL *max, FN(steep_lanes) *lanes,
                                    FN(level) *last)
{
    FN(level) level = s->level;
    REAL top = s->last, bias = FN(bias)(level.anchor), floor = FN(floor)(level.anchor);
    for (int i = 0; i < LANES; i++) {
        const REAL low = first[i] > top ? first[i] : top;
        if (max[i] > low + RISE || max[i] > INSIDE_LIMIT) return 0;
        top = max[i] > top ? max[i] : top;
        if (top > level.limit) {
            level = FN(level_for)(top);
            bias = FN(bias)(level.anchor);
            floor = FN(floor)(level.anchor);
        }
        lanes->anchor[i] = (REAL)level.anchor;
        lanes->bias[i] = bias;
        lanes->floor[i] = floor;
    }
    *last = level;
    return 1;
}

/* From the sums of the lanes, what precedes each; moves the running sum to the end of the tile. */
LSE_INLINE void FN(join_lanes)(FN(running) *s, const REAL *hi, const REAL *lo, FN(steep_lanes) *lanes)
{
    for (int i = 0; i < LANES; i++) {
        const double anchor = (double)lanes->anchor[i];
        if (anchor != s->level.anchor) {
            const FN(factors) f = FN(factors_for)(s->level.anchor, anchor);
            s->hi = s->hi * f.first * f.second;
            s->lo = s->lo * f.first * f.second;
            s->level.anchor = anchor;
        }
        lanes->hi[i] = s->hi;
        lanes->lo[i] = s->lo;
        const REAL sum = s->hi + hi[i], greater = s->hi > hi[i] ? s->hi : hi[i], lesser = s->hi > hi[i] ? hi[i] : s->hi;
        s->lo = (s->lo + lo[i]) + (lesser - (sum - greater));
        s->hi = sum;
    }
}

/* n <= TILE elements that rise too steeply for a chunk: each lane has an anchor of its own, and compensated sums. 0,
 * and nothing is written, where a lane does too. */
static int FN(add_steep)(const char *x, char *out, ptrdiff_t n, FN(running) *s)
{
    enum { GROUPS = FN(groups), COUNT = FN(TILE_VECTORS) };
    V v[COUNT], hi[COUNT], lo[COUNT], h[GROUPS], l[GROUPS], max[GROUPS];
    REAL first[LANES], top[LANES], last[LANES], rest[LANES];
    FN(steep_lanes) lanes;
    FN(level) level;
    LSE_UNROLL for (int i = 0; i < COUNT; i++)
        v[i] = VF(load_some)(x + (size_t)i * sizeof(V), n - i * VF(width), VF(set)(-(REAL)INFINITY));
    FN(mirror)(v);
    for (int g = 0; g < GROUPS; g++) {
        max[g] = VF(set)(-(REAL)INFINITY);
        for (int i = g; i < COUNT; i += GROUPS) max[g] = VF(max)(v[i], max[g]);
        VF(store)(first + g * VF(width), v[g]);
        VF(store)(top + g * VF(width), max[g]);
        h[g] = l[g] = VF(set)(0);
    }
    if (!FN(find_lane_levels)(s, first, top, &lanes, &level)) return 0;
    for (int i = 0; i < COUNT; i += 4) {
        V scale[4], bias[4], floor[4];
        LSE_UNROLL for (int j = 0; j < 4; j++) {
            bias[j] = VF(load)(lanes.bias + (i + j) % GROUPS * VF(width));
            floor[j] = VF(load)(lanes.floor + (i + j) % GROUPS * VF(width));
        }
        FN(exp_parts_at)(v + i, scale, 4, bias, floor);
        LSE_UNROLL for (int j = 0; j < 4; j++) {
            const int g = (i + j) % GROUPS;
            const V more = VF(mul)(scale[j], v[i + j]), term = VF(add)(scale[j], more);
            FN(add)(&h[g], &l[g], term);
            l[g] = VF(add)(l[g], VF(sub)(more, VF(sub)(term, scale[j])));
            hi[i + j] = h[g];
            lo[i + j] = l[g];
        }
    }
    for (int g = 0; g < GROUPS; g++) {
        VF(store)(last + g * VF(width), h[g]);
        VF(store)(rest + g * VF(width), l[g]);
    }
    FN(join_lanes)(s, last, rest, &lanes);
    s->level = level;
    for (int g = 0; g < GROUPS; g++) {
        const V before = VF(load)(lanes.hi + g * VF(width)), before_lo = VF(load)(lanes.lo + g * VF(width));
        const V anchor = VF(load)(lanes.anchor + g * VF(width));
        for (int i = g; i < COUNT; i += 2 * GROUPS) {
            V sum[2], low[2], y[2];
            LSE_UNROLL for (int j = 0; j < 2; j++) {
                const int at = i + j * GROUPS;
                V all = before, lost = VF(add)(before_lo, lo[at]);
                FN(add)(&all, &lost, hi[at]);
                sum[j] = VF(add)(all, lost);
                low[j] = VF(sub)(lost, VF(sub)(sum[j], all));
            }
            FN(log_sums)(sum, low, y, 2, anchor);
            v[i] = y[0];
            v[i + GROUPS] = y[1];
        }
    }
    FN(mirror)(v);
    LSE_UNROLL for (int i = 0; i < COUNT; i++) VF(store_some)(out + (size_t)i * sizeof(V), n - i * VF(width), v[i]);
    return 1;
}

LSE_INLINE void FN(normalise)(FN(running) *s)
{
    const REAL hi = s->hi, lo = s->lo;
    s->hi = hi + lo;
    s->lo = lo - (s->hi - hi);
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
    const ptrdiff_t all = n < most ? n : most, few = all < FN(SERIAL) ? all : FN(SERIAL);
    const ptrdiff_t steep = all < FN(TILE) ? all : FN(TILE);
    ptrdiff_t some = all;
    const REAL finer = (REAL)1.3;
    REAL max = FN(run_max)(x, few), top = s->last + HEADWAY;
    const int rises = max > top + finer;
    if (!rises) max = FN(run_max)(x, some);
    if (max > top && some > FN(TILE)) { /* a single tile has a finer grid */
        some = FN(TILE);
        top += finer;
        if (!rises) max = FN(run_max)(x, some);
    }
    if (max <= top && s->last <= INSIDE_LIMIT) {
        FN(raise_sum)(s, s->last);
        FN(add_chunk)(x, out, some, max, s);
    } else if (all > FN(SERIAL) && s->last <= INSIDE_LIMIT && FN(add_steep)(x, out, steep, s)) {
        some = steep;
        FN(normalise)(s);
    } else {
        some = FN(steady)(x, few, s->last);
        if (some == 0) {
            FN(leave)(s);
            return 0;
        }
        max = FN(run_max)(x, some);
        FN(raise_sum)(s, max > s->last ? max : s->last);
        FN(add_serially)(x, out, some, s);
        FN(normalise)(s);
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

/* n elements become one number. */
LSE_INLINE void FN(fill_run)(char *out, ptrdiff_t n, REAL value)
{
    for (ptrdiff_t i = 0; i < n; i += VF(width))
        VF(store_some)(out + i * (ptrdiff_t)sizeof(REAL), n - i, VF(set)(value));
}

/* Adds elements while the sum is outside, until it is inside or NaN; returns how many. */
static ptrdiff_t FN(add_outside)(const char *x, char *out, ptrdiff_t n, FN(running) *s)
{
    for (ptrdiff_t i = 0, some; i < n; i += some) {
        const char *from = x + i * (ptrdiff_t)sizeof(REAL);
        char *to = out + i * (ptrdiff_t)sizeof(REAL);
        const int infinite = s->outside.max - s->outside.max != 0;
        some = infinite ? FN(up_to)(from, n - i, 0, (REAL)s->outside.max) : 0; /* they leave it as it is */
        if (some > 0) {
            FN(fill_run)(to, some, (REAL)s->outside.max);
            continue;
        }
        const REAL value = FN(read)(from, 0);
        if (value != value) {
            s->where = FN(LOST);
            return i;
        }
        s->last = (REAL)far_add(&s->outside, (double)value);
        memcpy(to, &s->last, sizeof(REAL));
        some = 1;
        if (s->outside.max - s->outside.max == 0) {
            FN(enter)(s);
            return i + 1;
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
        some = FN(up_to)(x, some, s->base, RISE);
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
            FN(fill_run)(to, n - i, nan);
            i = n;
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

/* `count` rows side by side, with an output that is too, a chunk of each at a time. */
static void FN(cumulate_columns)(const lse_layout *layout, const char *x, const lse_layout *out_layout, char *out,
                                 ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, lse_running *running)
{
    enum { LINE = 64 / sizeof(REAL), PITCH = FN(CHUNK) + LINE }; /* not a power of two, for the cache */
    const ptrdiff_t stride = layout->stride[0], out_stride = out_layout->stride[0], pitch = PITCH * sizeof(REAL);
    REAL chunk[LINE * PITCH];
    for (ptrdiff_t done = start; done < start + n; done += FN(CHUNK)) {
        const ptrdiff_t left = start + n - done, some = left < FN(CHUNK) ? left : FN(CHUNK);
        FN(transpose)(x + done * stride, stride, some, count, (char *)chunk, pitch);
        for (ptrdiff_t i = 0; i < count; i++) {
            char *own = (char *)(chunk + i * PITCH);
            FN(running) s = {.where = FN(OUTSIDE), .outside = {-(double)INFINITY, 0}};
            if (done > 0) memcpy(&s, &running[i], sizeof s);
            FN(cumulate_block)(own, own, some, &s);
            memcpy(&running[i], &s, sizeof s);
        }
        FN(transpose)((const char *)chunk, pitch, count, some, out + done * out_stride, out_stride);
    }
}
