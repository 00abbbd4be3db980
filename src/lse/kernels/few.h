/* A call on one row of few elements, included once for each F: from the elements to the result without storing a state,
 * with the bits of block.h, log_sums.h and finish.h. */

#ifdef LSE_FEW_BY
static int FN(value_of_few)(const char *x, ptrdiff_t n, void *value)
{
    return LSE_FEW_BY()->real[F_IS_DOUBLE ? LSE_F64 : LSE_F32].value_of_few(x, n, value);
}

static int FN(log_softmax_of_few)(const char *x, ptrdiff_t n, void *out)
{
    return LSE_FEW_BY()->real[F_IS_DOUBLE ? LSE_F64 : LSE_F32].log_softmax_of_few(x, n, out);
}
#else
/* The sum of n <= LSE_FEW elements; missing ones are -inf, which adds nothing. */
LSE_INLINE row_sum FN(sum_of_few)(const char *x, ptrdiff_t n)
{
    const V lowest = VF(set)(-(REAL)INFINITY);
    REAL few[LSE_FEW];
    V top = lowest;
    LSE_UNROLL for (int i = 0; i < LSE_FEW; i += VF(width)) {
        const V own = VF(load_some)(x + (size_t)i * sizeof(REAL), n - i, lowest);
        VF(store)(few + i, own);
        top = VF(max)(own, top);
    }
    const REAL max = VF(greatest)(top);
    const wide_level level = wide_level_for(vf64_set((double)max), FN(LSE_FAR));
    vf64 hi[LSE_LANE_GROUPS], lo[LSE_LANE_GROUPS], others = vf64_set(0.0);
    for (int g = 0; g < LSE_LANE_GROUPS; g++) {
        hi[g] = F_IS_DOUBLE ? level.offset : vf64_set(0.0);
        lo[g] = vf64_set(0.0);
    }
    if (n <= LSE_LANES) FN(fold_turns)((const char *)few, 1, hi, lo, &level, 1, &others);
    else FN(fold_turns)((const char *)few, 2, hi, lo, &level, 1, &others);
    return FN(sum_of_lanes)(max, n <= LSE_LANES ? LSE_LANES : LSE_FEW, others, hi, lo, level.offset);
}

/* value and value_lo; returns 0 where the row needs recomputation. */
LSE_INLINE int FN(finish_few)(row_sum s, lse_results *results)
{
    results->value[0] = (double)NAN;
    if (!FN(is_near)((REAL)s.max)) return 0;
    const unfinished u = {{vf64_set(s.max)}, {vf64_set(s.count)}, {vf64_set(s.tail)}, {vf64_set(s.tail_lo)}};
    vf64 value;
    FN(finish_vectors)(&u, 1, BOTH_PARTS, 0, results, &value);
    return results->value[0] == results->value[0] && !(F_IS_DOUBLE && is_faint(s));
}

static int FN(value_of_few)(const char *x, ptrdiff_t n, void *value)
{
    lse_results results;
    const int plain = FN(finish_few)(FN(sum_of_few)(x, n), &results);
    *(REAL *)value = (REAL)results.value[0];
    return plain;
}

static int FN(log_softmax_of_few)(const char *x, ptrdiff_t n, void *out)
{
    lse_results results;
    results.anchor[0] = results.scale[0] = results.scale_lo[0] = 0.0; /* unused, but gcc warns otherwise */
#if F_IS_DOUBLE
    if (!FN(finish_few)(FN(sum_of_few)(x, n), &results)) return 0;
#else
    log_sums sums;
    const float max = run_max_f32(x, n);
    if (!is_near_f32(max)) return 0;
    log_sum_of_row(x, n, max, &sums, 0);
    log_values(&sums, 1, n, &results);
#endif
    FN(map_block)(x, (char *)out, n, &results, 0, 1);
    return 1;
}
#endif
