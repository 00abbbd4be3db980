/* Complex numbers of runs of memory, pairs of doubles, to the lines of a tile, and back. */

#define EACH LSE_UNROLL for (int j = 0; j < LSE_LANE_GROUPS; j++)
#define PART(array) ((array) + j * vf64_width) /* of eight numbers */

enum { PAIR_BYTES = 2 * sizeof(double), LINE_BYTES = LSE_LANES * PAIR_BYTES };

/* Pairs of doubles of a register of each of as many runs. */
enum { TURNED = vf64_width / 2 };

static void turn_runs(const char *const *runs, ptrdiff_t n, lse_complex_line *tile)
{
    const ptrdiff_t whole = TURNED > 0 ? n / (TURNED > 0 ? TURNED : 1) * TURNED : 0;
    for (ptrdiff_t k = 0; k < whole; k += TURNED)
        EACH {
            vf64 v[vf64_width];
            LSE_UNROLL for (int r = 0; r < vf64_width; r++) v[r] = vf64_load(runs[j * vf64_width + r] + k * PAIR_BYTES);
            turn_f64(v, vf64_width);
            LSE_UNROLL for (int i = 0; i < TURNED; i++) {
                vf64_store(PART(tile[k + i].re), v[2 * i]);
                vf64_store(PART(tile[k + i].im), v[2 * i + 1]);
            }
        }
    for (ptrdiff_t k = whole; k < n; k++)
        for (int i = 0; i < LSE_LANES; i++) {
            memcpy(&tile[k].re[i], runs[i] + k * PAIR_BYTES, sizeof(double));
            memcpy(&tile[k].im[i], runs[i] + k * PAIR_BYTES + sizeof(double), sizeof(double));
        }
}

static void turn_runs_back(const lse_complex_line *tile, ptrdiff_t n, char *const *runs)
{
    const ptrdiff_t whole = TURNED > 0 ? n / (TURNED > 0 ? TURNED : 1) * TURNED : 0;
    for (ptrdiff_t k = 0; k < whole; k += TURNED)
        EACH {
            vf64 v[vf64_width];
            LSE_UNROLL for (int i = 0; i < TURNED; i++) {
                v[2 * i] = vf64_load(PART(tile[k + i].re));
                v[2 * i + 1] = vf64_load(PART(tile[k + i].im));
            }
            turn_back_f64(v, vf64_width);
            LSE_UNROLL for (int r = 0; r < vf64_width; r++) vf64_store(runs[j * vf64_width + r] + k * PAIR_BYTES, v[r]);
        }
    for (ptrdiff_t k = whole; k < n; k++)
        for (int i = 0; i < LSE_LANES; i++) {
            memcpy(runs[i] + k * PAIR_BYTES, &tile[k].re[i], sizeof(double));
            memcpy(runs[i] + k * PAIR_BYTES + sizeof(double), &tile[k].im[i], sizeof(double));
        }
}

static void deal_run(const char *run, ptrdiff_t n, lse_complex_line *tile)
{
    const ptrdiff_t whole = n / LSE_LANES, rest = n % LSE_LANES;
    for (ptrdiff_t k = 0; k < whole; k++, run += LINE_BYTES)
        EACH {
            const char *from = run + j * vf64_width * PAIR_BYTES;
            const vf64 first = vf64_load(from), second = vf64_load(from + sizeof(vf64));
            vf64_store(PART(tile[k].re), vf64_evens(first, second));
            vf64_store(PART(tile[k].im), vf64_odds(first, second));
        }
    for (int i = 0; rest > 0 && i < LSE_LANES; i++) {
        tile[whole].re[i] = -(double)INFINITY;
        tile[whole].im[i] = 0.0;
        if (i >= rest) continue;
        memcpy(&tile[whole].re[i], run + i * PAIR_BYTES, sizeof(double));
        memcpy(&tile[whole].im[i], run + i * PAIR_BYTES + sizeof(double), sizeof(double));
    }
}

LSE_INLINE void collect_line(const lse_complex_line *line, char *run)
{
    EACH {
        vf64 v[vf64_width < 2 ? 2 : vf64_width];
        v[0] = vf64_load(PART(line->re));
        v[1] = vf64_load(PART(line->im));
        if (vf64_width > 1) turn_back_f64(v, 2); /* else they are turned already */
        vf64_store(run + j * vf64_width * PAIR_BYTES, v[0]);
        vf64_store(run + j * vf64_width * PAIR_BYTES + sizeof(vf64), v[1]);
    }
}

static void collect_run(const lse_complex_line *tile, ptrdiff_t n, char *run)
{
    char pairs[LINE_BYTES];
    for (; n >= LSE_LANES; n -= LSE_LANES, tile++, run += LINE_BYTES) collect_line(tile, run);
    if (n == 0) return;
    collect_line(tile, pairs);
    memcpy(run, pairs, (size_t)n * PAIR_BYTES);
}
