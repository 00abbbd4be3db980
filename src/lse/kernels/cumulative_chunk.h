/* Cumulative sums of a chunk of a row, computed together, and their logarithms, included once for each F.
 *
 * Each lane sums a run of consecutive elements. Terms are split at a grid so coarse that sums of its multiples are
 * exact in any order; the remainders are summed separately. */

enum {
    FN(TILE) = LANES * LANES,
    FN(TILE_VECTORS) = LANES * FN(groups),
    FN(CHUNK) = 4096 / sizeof(REAL),
    FN(TILES) = FN(CHUNK) / FN(TILE)
};

/* Terms of elements up to limit can be summed at this anchor. */
typedef struct {
    double anchor;
    REAL limit;
} FN(level);

LSE_INLINE FN(level) FN(level_for)(REAL max)
{
    FN(level) level;
    level.anchor = FN(anchor)((double)max);
    level.limit = max < FN(LSE_FAR) ? max + SLACK : (REAL)INFINITY;
    return level;
}

/* What precedes an element: nothing or an infinite sum (outside), e^base 2^anchor (hi + lo) (inside), or NaN (lost).
 * base is 0 or beyond INSIDE_LIMIT; last is the latest result, less base; limit that of the level. */
typedef struct {
    FN(level) level;
    REAL hi, lo, last, base;
    far_sum outside;
    int where;
} FN(running);

/* Transposes LANES by LANES elements: each round rotates the index by one bit, the last to the front. */
LSE_INLINE void FN(mirror)(V *v)
{
    enum { HALF = FN(TILE_VECTORS) / 2 };
    V w[FN(TILE_VECTORS)];
    for (int side = 1; side < LANES; side *= 2) {
        LSE_UNROLL for (int i = 0; i < HALF; i++) {
            w[i] = VF(evens)(v[2 * i], v[2 * i + 1]);
            w[HALF + i] = VF(odds)(v[2 * i], v[2 * i + 1]);
        }
        LSE_UNROLL for (int i = 0; i < 2 * HALF; i++) v[i] = w[i];
    }
}

/* A chunk of `tiles` tiles: each lane has a run of tiles * LANES consecutive elements, LANES of them in each tile.
 * coarse: the offset plus, along each lane, the sums of the terms rounded to the grid; fine: the sums of the
 * remainders. */
typedef struct {
    int tiles;
    V coarse[FN(TILES)][FN(TILE_VECTORS)], fine[FN(TILES)][FN(TILE_VECTORS)];
    V coarse_before[FN(groups)], fine_before[FN(groups)]; /* the sums of all preceding lanes, still to be added */
} FN(chunk);

/* The index in memory of element 0 of vector i of a tile. */
LSE_INLINE size_t FN(place)(const FN(chunk) *c, int tile, int i)
{
    const int run = i / FN(groups), part = i % FN(groups);
    return ((size_t)(run * c->tiles + tile) * LANES + (size_t)(part * VF(width))) * sizeof(REAL);
}

/* The sums of e^x 2^-N along the lanes. The grid is an ulp of the offset, so that sums of rounded terms are exact. */
LSE_INLINE void FN(sum_lanes_of)(const char *x, FN(chunk) *c, V bias, V floor, V offset)
{
    V h[FN(groups)], l[FN(groups)];
    LSE_UNROLL for (int g = 0; g < FN(groups); g++) {
        h[g] = offset;
        l[g] = VF(set)(0);
    }
    for (int tile = 0; tile < c->tiles; tile++) {
        V v[FN(TILE_VECTORS)];
        for (int line = 0; line < LANES; line++) LSE_PREFETCH(x + LSE_AHEAD + (size_t)(tile * LANES + line) * 64);
        LSE_UNROLL for (int i = 0; i < FN(TILE_VECTORS); i++) v[i] = VF(load)(x + FN(place)(c, tile, i));
        FN(mirror)(v);
        for (int i = 0; i < FN(TILE_VECTORS); i += 4) {
            V scale[4];
            FN(exp_parts)(v + i, scale, 4, bias, floor);
            LSE_UNROLL for (int j = 0; j < 4; j++) {
                const int g = FN(groups) <= 4 ? j % FN(groups) : (i + j) % FN(groups);
                const V sum = VF(fma)(scale[j], v[i + j], VF(add)(h[g], scale[j]));
                const V rest = VF(sub)(scale[j], VF(sub)(sum, h[g]));
                h[g] = sum;
                l[g] = VF(add)(l[g], VF(fma)(scale[j], v[i + j], rest));
                c->coarse[tile][i + j] = h[g];
                c->fine[tile][i + j] = l[g];
            }
        }
    }
}

/* Computes the sum that precedes each lane, and moves the running sum to the end of the chunk. */
LSE_INLINE void FN(join_chunk)(FN(chunk) *c, REAL offset, FN(running) *s)
{
    REAL hi[LANES], lo[LANES];
    const V *coarse = c->coarse[c->tiles - 1] + FN(TILE_VECTORS) - FN(groups);
    const V *fine = c->fine[c->tiles - 1] + FN(TILE_VECTORS) - FN(groups);
    const REAL even = 1.5f * offset; /* adding this rounds to the grid on either side of 0 */
    for (int g = 0; g < FN(groups); g++) {
        const V whole = VF(sub)(VF(add)(fine[g], VF(set)(even)), VF(set)(even));
        VF(store)(hi + g * VF(width), VF(add)(VF(sub)(coarse[g], VF(set)(offset)), whole));
        VF(store)(lo + g * VF(width), VF(sub)(fine[g], whole));
    }
    REAL h = (s->hi + even) - even, l = (s->hi - h) + s->lo;
    for (int i = 0; i < LANES; i++) {
        const REAL own = hi[i], rest = lo[i];
        hi[i] = h;
        lo[i] = l;
        h = h + own;
        l = l + rest;
    }
    for (int g = 0; g < FN(groups); g++) {
        const V rest = VF(load)(lo + g * VF(width));
        const V whole = VF(sub)(VF(add)(rest, VF(set)(even)), VF(set)(even));
        c->coarse_before[g] = VF(sub)(VF(add)(VF(load)(hi + g * VF(width)), whole), VF(set)(offset));
        c->fine_before[g] = VF(sub)(rest, whole);
    }
    s->hi = h + l;
    s->lo = l - (s->hi - h);
}

LSE_INLINE void FN(log_chunk)(const FN(chunk) *c, char *out, V n)
{
    for (int tile = 0; tile < c->tiles; tile++) {
        V y[FN(TILE_VECTORS)];
        for (int line = 0; line < LANES; line++)
            LSE_PREFETCH_OUT(out + LSE_AHEAD / 2 + (size_t)(tile * LANES + line) * 64);
        for (int i = 0; i < FN(TILE_VECTORS); i += 2) {
            V hi[2], lo[2];
            LSE_UNROLL for (int j = 0; j < 2; j++) {
                const int g = FN(groups) <= 2 ? j % FN(groups) : (i + j) % FN(groups);
                hi[j] = VF(add)(c->coarse[tile][i + j], c->coarse_before[g]);
                lo[j] = VF(add)(c->fine[tile][i + j], c->fine_before[g]);
            }
            /* remainders may add up to 2^-5 of a sum in float32, too much for log_sums */
            LSE_UNROLL for (int j = 0; j < 2 && !F_IS_DOUBLE; j++) {
                const V sum = VF(add)(hi[j], lo[j]);
                lo[j] = VF(sub)(lo[j], VF(sub)(sum, hi[j]));
                hi[j] = sum;
            }
            FN(log_sums)(hi, lo, y + i, 2, n);
        }
        FN(mirror)(y);
        LSE_UNROLL for (int i = 0; i < FN(TILE_VECTORS); i++) VF(store)(out + FN(place)(c, tile, i), y[i]);
    }
}

/* The power of two above bound: adding it to a number below bound rounds to 2^-23 or 2^-52 of it. */
LSE_INLINE REAL FN(offset_for)(double bound)
{
    uint64_t bits;
    memcpy(&bits, &bound, sizeof bits);
    bits &= (uint64_t)0x7ff << 52;
    memcpy(&bound, &bits, sizeof bound);
    return (REAL)(2.0 * bound);
}

/* n <= CHUNK elements of at most max, which exceeds the last result by no more than add_inside allows. */
static void FN(add_chunk)(const char *x, char *out, ptrdiff_t n, REAL max, FN(running) *s)
{
    const double anchor = s->level.anchor;
    const REAL offset = FN(offset_for)((double)s->hi + (double)(n + 4) * pow2(exponent_of((double)max) + 1 - anchor));
    FN(chunk) c;
    REAL copy[FN(CHUNK)];
    c.tiles = (int)((n + FN(TILE) - 1) / FN(TILE));
    const int padded = n < c.tiles * FN(TILE);
    if (padded) {
        for (ptrdiff_t i = n; i < c.tiles * FN(TILE); i++) copy[i] = -(REAL)INFINITY;
        memcpy(copy, x, (size_t)n * sizeof(REAL));
    }
    FN(sum_lanes_of)(padded ? (char *)copy : x, &c, VF(set)(FN(bias)(anchor)), VF(set)(FN(floor)(anchor)),
                     VF(set)(offset));
    FN(join_chunk)(&c, offset, s);
    FN(log_chunk)(&c, padded ? (char *)copy : out, VF(set)((REAL)anchor));
    if (padded) memcpy(out, copy, (size_t)n * sizeof(REAL));
}
