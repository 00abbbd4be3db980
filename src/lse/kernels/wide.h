/* Double-precision arithmetic shared by the kernels of both types.
 *
 * A sum of e^x is taken at an anchor, an integer N = nearest(max log2(e)) - 500: its terms are e^x 2^-N. Multiplying by
 * 2^-N is exact, so that the sum is the same for any anchor, apart from the power of two. */

/* Registers that hold the lanes of a sum: element i of a block belongs to lane i mod 8. */
enum { LSE_LANE_GROUPS = LSE_LANES / vf64_width };

/* The constants that the exponential needs for an anchor, the maximum that is left out of the sum, and the initial
 * value of sums: adding a term to OFFSET rounds it to the grid of its last digit, on which sums of at most 256 terms
 * are exact in any order. */
typedef struct {
    vf64 max, bias, floor, offset;
} wide_level;

/* For terms up to 2^500.5: sums of 256, on the grid 2^457, are below 2^509. */
#define LSE_OFFSET 0x1.8p509

/* For maxima within LSE_FAR. */
LSE_INLINE wide_level near_level_for(vf64 max)
{
    const vf64 anchor = vf64_sub(vf64_near_exponent_of(max), vf64_set(500.0));
    wide_level level;
    level.max = max;
    level.bias = vf64_sub(vf64_set(0x1.8p52 + 1023.0), anchor);
    level.floor = vf64_mul(vf64_sub(anchor, vf64_set(1023.0)), vf64_set(LN2_HI_f64));
    level.offset = vf64_set(LSE_OFFSET);
    return level;
}

/* For any maxima; sums of those of magnitude above limit are meaningless. */
LSE_INLINE wide_level wide_level_for(vf64 max, double limit)
{
    wide_level level = near_level_for(vf64_min(vf64_max(max, vf64_set(-limit)), vf64_set(limit)));
    level.max = max;
    return level;
}

/* e^x[j] 2^-N = scale[j] times what x[j] becomes, for j < count, a compile-time constant, and x converted from floats:
 * within 2^-28.8 of it (proved by tools/proof.py), 0 below the range. The worst known x is 0x1.ff7e36p+16, within
 * 2^-28.9 (python -m reliability numbers). */
LSE_INLINE void exp_wide_at(vf64 *x, vf64 *scale, const int count, const vf64 *bias, const vf64 *floor)
{
    enum { TERMS = sizeof EXP_WIDE / sizeof EXP_WIDE[0] };
    vf64 t[4], r[4];
    LSE_UNROLL for (int j = 0; j < count; j++) {
        x[j] = vf64_max(floor[j], x[j]);
        t[j] = vf64_fma(x[j], vf64_set(LOG2E_f64), bias[j]);
        r[j] = vf64_fma(vf64_sub(t[j], bias[j]), vf64_set(-LN2_HI_f64), x[j]);
        x[j] = vf64_set(EXP_WIDE[TERMS - 1]);
    }
    LSE_UNROLL for (int k = TERMS - 2; k >= 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) x[j] = vf64_fma(x[j], r[j], vf64_set(EXP_WIDE[k]));
    LSE_UNROLL for (int j = 0; j < count; j++) {
        scale[j] = vf64_pow2(t[j]);
        x[j] = vf64_fma(x[j], r[j], vf64_set(1.0));
    }
}

LSE_INLINE vf64 exp_wide(vf64 x, const wide_level *level, vf64 *scale)
{
    exp_wide_at(&x, scale, 1, &level->bias, &level->floor);
    return x;
}

/* Of two or three elements, some of which are the maximum, all but one of these. */
#define LEAVE_ONE_OUT(F)                                                                             \
    LSE_INLINE void leave_one_out_##F(v##F *x, const int n, v##F max)                                \
    {                                                                                                \
        const v##F last = x[n - 1], first = x[0];                                                    \
        x[0] = v##F##_select(first, max, last, first);                                               \
        if (n == 3) x[1] = v##F##_select(x[1], max, v##F##_select(first, max, x[1], last), x[1]);    \
    }
LEAVE_ONE_OUT(f32)
LEAVE_ONE_OUT(f64)
#undef LEAVE_ONE_OUT

/* One of the states of lse_states. */
typedef struct {
    double max, count, tail, tail_lo;
} row_sum;

LSE_INLINE row_sum row_sum_at(const lse_states *states, ptrdiff_t i)
{
    return (row_sum){states->max[i], states->count[i], states->tail[i], states->tail_lo[i]};
}

/* Memory to prefetch during the computation: `lines` lines of 64 bytes of what comes next, four at each offset, or
 * contiguous if offset is NULL; out may be NULL. */
typedef struct {
    const char *x, *out;
    const ptrdiff_t *offset, *out_offset;
    ptrdiff_t next, lines;
} ask_ahead;

LSE_INLINE void ask_for_one(ask_ahead *ask)
{
    if (ask->next >= ask->lines) return;
    const ptrdiff_t next = ask->next++, row = next >> 2, line = (next & 3) * 64;
    LSE_PREFETCH(ask->x + (ask->offset ? ask->offset[row] + line : next * 64));
    if (ask->out) LSE_PREFETCH_OUT(ask->out + (ask->out_offset ? ask->out_offset[row] + line : next * 64));
}

LSE_INLINE void ask_for(ask_ahead *ask, ptrdiff_t lines)
{
    for (; lines > 0; lines--) ask_for_one(ask);
}

/* The same for scalars: the sum of eight lanes, halving their number. */
LSE_INLINE double add_lanes(const double *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* The same with rounding errors: hi[0] + lo[0] becomes the total. */
LSE_INLINE void add_compensated_lanes(double *hi, double *lo)
{
    LSE_UNROLL for (int half = LSE_LANES / 2; half > 0; half /= 2)
        LSE_UNROLL for (int i = 0; i < half; i++) {
            const pair sum = two_sum(hi[i], hi[i + half]);
            hi[i] = sum.hi;
            lo[i] = lo[i] + lo[i + half] + sum.lo;
        }
}

LSE_INLINE double total_of(vf64 v)
{
    double each[vf64_width], sum = 0;
    vf64_store(each, v);
    for (int i = 0; i < vf64_width; i++) sum += each[i];
    return sum;
}

/* Pads the states to whole vectors with copies of the first. */
LSE_INLINE void fill_states(lse_states *states, ptrdiff_t count)
{
    for (ptrdiff_t k = count; k % LSE_LANES != 0; k++) {
        states->max[k] = states->max[0];
        states->count[k] = states->count[0];
        states->tail[k] = states->tail[0];
        states->tail_lo[k] = states->tail_lo[0];
    }
}

/* Whether any of these results, in whole vectors, is NaN. */
LSE_INLINE int any_nan_result(const double *value, ptrdiff_t count)
{
    const vf64 zero = vf64_set(0.0), one = vf64_set(1.0);
    vf64 found = zero;
    for (ptrdiff_t i = 0; i < count; i += vf64_width) {
        const vf64 own = vf64_load(value + i);
        found = vf64_max(vf64_select(own, own, zero, one), found);
    }
    return vf64_any_at_least(found, one);
}
