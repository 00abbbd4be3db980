/* Complex numbers of runs of memory, pairs of F, to the lines of a tile, and back, included once for each F. */

#define EACH LSE_UNROLL for (int j = 0; j < FN(groups); j++)
#define PART(array) ((array) + j * VF(width)) /* of the numbers of a line */
#define PAIR_BYTES (2 * (ptrdiff_t)sizeof(REAL))
#define LINE_BYTES (LANES * PAIR_BYTES)

LSE_INLINE void FN(deal_line)(const char *run, lse_complex_line *line)
{
    EACH {
        const char *from = run + j * VF(width) * PAIR_BYTES;
        const V first = VF(load)(from), second = VF(load)(from + sizeof(V));
        VF(store)(PART(line->F.re), VF(evens)(first, second));
        VF(store)(PART(line->F.im), VF(odds)(first, second));
    }
}

LSE_INLINE void FN(collect_line)(const lse_complex_line *line, char *run)
{
    EACH {
        V v[VF(width) < 2 ? 2 : VF(width)];
        v[0] = VF(load)(PART(line->F.re));
        v[1] = VF(load)(PART(line->F.im));
        if (VF(width) > 1) FN(turn_back)(v, 2); /* else they are turned already */
        VF(store)(run + j * VF(width) * PAIR_BYTES, v[0]);
        VF(store)(run + j * VF(width) * PAIR_BYTES + sizeof(V), v[1]);
    }
}

/* Pairs of a register of each of as many runs. */
enum { FN(TURNED) = VF(width) / 2 };

LSE_INLINE ptrdiff_t FN(whole_turns)(ptrdiff_t n)
{ return FN(TURNED) > 0 ? n / (FN(TURNED) > 0 ? FN(TURNED) : 1) * FN(TURNED) : 0; }

static void FN(turn_runs)(const char *const *runs, ptrdiff_t n, lse_complex_line *tile)
{
    const ptrdiff_t whole = FN(whole_turns)(n);
    char pairs[LINE_BYTES];
    for (ptrdiff_t k = 0; k < whole; k += FN(TURNED))
        EACH {
            V v[VF(width)];
            LSE_UNROLL for (int r = 0; r < VF(width); r++) v[r] = VF(load)(runs[j * VF(width) + r] + k * PAIR_BYTES);
            FN(turn)(v, VF(width));
            LSE_UNROLL for (int i = 0; i < FN(TURNED); i++) {
                VF(store)(PART(tile[k + i].F.re), v[2 * i]);
                VF(store)(PART(tile[k + i].F.im), v[2 * i + 1]);
            }
        }
    for (ptrdiff_t k = whole; k < n; k++) {
        for (int i = 0; i < LANES; i++) memcpy(pairs + i * PAIR_BYTES, runs[i] + k * PAIR_BYTES, PAIR_BYTES);
        FN(deal_line)(pairs, &tile[k]);
    }
}

static void FN(turn_runs_back)(const lse_complex_line *tile, ptrdiff_t n, char *const *runs)
{
    const ptrdiff_t whole = FN(whole_turns)(n);
    char pairs[LINE_BYTES];
    for (ptrdiff_t k = 0; k < whole; k += FN(TURNED))
        EACH {
            V v[VF(width)];
            LSE_UNROLL for (int i = 0; i < FN(TURNED); i++) {
                v[2 * i] = VF(load)(PART(tile[k + i].F.re));
                v[2 * i + 1] = VF(load)(PART(tile[k + i].F.im));
            }
            FN(turn_back)(v, VF(width));
            LSE_UNROLL for (int r = 0; r < VF(width); r++) VF(store)(runs[j * VF(width) + r] + k * PAIR_BYTES, v[r]);
        }
    for (ptrdiff_t k = whole; k < n; k++) {
        FN(collect_line)(&tile[k], pairs);
        for (int i = 0; i < LANES; i++) memcpy(runs[i] + k * PAIR_BYTES, pairs + i * PAIR_BYTES, PAIR_BYTES);
    }
}

static void FN(deal_run)(const char *run, ptrdiff_t n, lse_complex_line *tile)
{
    REAL pairs[2 * LANES];
    for (; n >= LANES; n -= LANES, tile++, run += LINE_BYTES) FN(deal_line)(run, tile);
    if (n == 0) return;
    memcpy(pairs, run, (size_t)(n * PAIR_BYTES));
    for (ptrdiff_t i = n; i < LANES; i++) {
        pairs[2 * i] = -(REAL)INFINITY;
        pairs[2 * i + 1] = 0;
    }
    FN(deal_line)((const char *)pairs, tile);
}

static void FN(collect_run)(const lse_complex_line *tile, ptrdiff_t n, char *run)
{
    char pairs[LINE_BYTES];
    for (; n >= LANES; n -= LANES, tile++, run += LINE_BYTES) FN(collect_line)(tile, run);
    if (n == 0) return;
    FN(collect_line)(tile, pairs);
    memcpy(run, pairs, (size_t)(n * PAIR_BYTES));
}
