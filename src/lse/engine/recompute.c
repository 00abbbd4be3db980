/* Rows of which the kernels' state is not the sum: seen again, with another anchor or exactly. */
#include "engine/recompute.h"

#include <math.h>
#include <stdlib.h>

/* A result that is no finite number. */
static void set_result(lse_results *results, ptrdiff_t i, double value, double sign)
{
    results->value[i] = value;
    results->value_lo[i] = 0.0;
    results->sign[i] = sign;
    results->scale[i] = NAN;
}

/* What the maximum of a row says of it: its sum is what the kernels have made of it, nothing, NaN, infinite, or to be
 * made again from its elements less the maximum. */
typedef enum { PLAIN, NOTHING, NOT_A_NUMBER, INFINITE, DISTANT } sum_class;

static sum_class classify(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i,
                          ptrdiff_t *infinities)
{
    ptrdiff_t nans = 0;
    *infinities = 0;
    if (lse_is_plain(plan, states, i)) return PLAIN;
    if (states->max[i] == -INFINITY && !isnan(states->tail[i])) return NOTHING;
    for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
        plan->kernels->census(&plan->row, row, start, n, &nans, infinities);
    if (nans > 0) *infinities = 0;
    return nans > 0 ? NOT_A_NUMBER : *infinities > 0 ? INFINITE : DISTANT;
}

/* Result i, computed from the elements less shift. */
static void finish_shifted(const lse_plan *plan, const lse_row *row, ptrdiff_t i, double shift, int threads,
                           lse_results *results)
{
    lse_states again;
    lse_results one;
    lse_whole_states(plan, row, 1, 0, &shift, threads, &again);
    plan->kernels->finish_scaled(&again, 1, &one);
    results->value[i] = one.value[0];
    results->value_lo[i] = one.value_lo[0];
    results->scale[i] = one.scale[0];
    results->scale_lo[i] = one.scale_lo[0];
    results->anchor[i] = one.anchor[0];
}

void lse_recompute_plain(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i, int threads,
                         lse_results *results, double *shift, ptrdiff_t *infinities)
{
    switch (classify(plan, row, states, i, infinities)) {
    case PLAIN: return;
    case NOTHING: set_result(results, i, -INFINITY, 0.0); return;
    case NOT_A_NUMBER: set_result(results, i, NAN, NAN); return;
    case INFINITE: set_result(results, i, INFINITY, 1.0); return;
    case DISTANT: *shift = states->max[i]; finish_shifted(plan, row, i, *shift, threads, results);
    }
}

/* A weighted row seen again: one state of its elements less shift, or log|sum| = value + value_lo and its sign. */
typedef struct {
    int exact;
    double shift, value, value_lo, sign;
    lse_states again;
} recomputed_sum;

static int is_stopped(void *failed) { return lse_is_stopped((int *)failed); }

static void recompute_weighted_sum(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i,
                                   int threads, recomputed_sum *seen)
{
    double max = -INFINITY;
    int plain = 1;
    *seen = (recomputed_sum){.exact = 1, .value = -INFINITY};
    if (!lse_is_plain(plan, states, i)) {
        for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
            plan->kernels->weighted_census(&plan->row, row, start, n, &max, &plain);
        if (plain && max == -INFINITY) return;
        if (plain && max > -INFINITY) {
            lse_whole_states(plan, row, 1, 0, &max, threads, &seen->again);
            seen->shift = max;
            seen->exact = lse_needs_recomputation(plan, &seen->again, 0);
            if (!seen->exact) return;
        }
    }
    double *x = (double *)malloc(2 * (size_t)row->n * sizeof(double));
    if (!x) {
        LSE_STORE(plan->failed, LSE_NO_MEMORY);
        return;
    }
    for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
        plan->kernels->collect(&plan->row, row, start, n, x + start, x + row->n + start);
    if (!lse_is_stopped(plan->failed))
        lse_exact(x, x + row->n, row->n, is_stopped, plan->failed, &seen->value, &seen->value_lo, &seen->sign);
    free(x);
}

void lse_recompute_weighted(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i,
                            int threads, lse_results *results, double *shift)
{
    recomputed_sum seen;
    lse_results one;
    recompute_weighted_sum(plan, row, states, i, threads, &seen);
    if (!seen.exact) {
        *shift = seen.shift;
        plan->table->weighted_finish(&seen.again, 1, &one);
        seen.value = one.value[0];
        seen.value_lo = one.value_lo[0];
        seen.sign = one.sign[0];
    }
    set_result(results, i, seen.value, seen.sign);
    results->value_lo[i] = seen.value_lo;
}

lse_sum lse_sum_of_row(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i, int threads)
{
    const lse_sum found = {states->max[i], states->tail[i], states->tail_lo[i], states->count[i]};
    ptrdiff_t infinities;
    if (plan->first.weight) {
        recomputed_sum seen;
        if (!lse_needs_recomputation(plan, states, i)) return found;
        recompute_weighted_sum(plan, row, states, i, threads, &seen);
        if (seen.exact) return lse_sum_of(seen.value, seen.value_lo, seen.sign);
        return lse_weighted_sum(seen.shift, seen.again.max[0], seen.again.tail[0], seen.again.tail_lo[0]);
    }
    switch (classify(plan, row, states, i, &infinities)) {
    case NOTHING: return lse_no_sum();
    case NOT_A_NUMBER: return lse_not_a_sum();
    case INFINITE: return lse_infinite_sum((double)infinities);
    case DISTANT: {
        lse_states again;
        lse_whole_states(plan, row, 1, 0, &states->max[i], threads, &again);
        return lse_plain_sum(states->max[i], again.count[0], again.tail[0], again.tail_lo[0]);
    }
    case PLAIN: break;
    }
    return found;
}
