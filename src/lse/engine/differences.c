/* Weighted sums of two elements of which one is subtracted from the other: as accurate as log(expm1). */
#include <math.h>

#include "engine/plan.h"

/* The elements of a row of two and their weights, which are 0 where they are excluded. */
static void load_both(const lse_plan *plan, const lse_row *row, double *x, double *weights)
{ plan->kernels->collect(&plan->row, row, 0, 2, x, weights); }

int lse_hold_differences(const lse_plan *plan, const lse_row *rows, ptrdiff_t count)
{
    double x[2], weights[2];
    for (ptrdiff_t i = 0; i < count; i++) {
        load_both(plan, &rows[i], x, weights);
        if (weights[0] == -weights[1] && weights[0] != 0.0) return 1;
    }
    return 0;
}

int lse_refine_difference(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i,
                          lse_results *results)
{
    double x[2], weights[2];
    if (plan->n != 2) return 0;
    /* the sum is tail 2^-500 of its greatest term, so that the logarithm has lost as much */
    if (!plan->low && fabs(states->max[i]) <= plan->most && fabs(results->value[i]) * fabs(states->tail[i]) >= 0x1p499)
        return 0;
    load_both(plan, row, x, weights);
    return plan->table->difference(x, weights, &results->value[i], &results->value_lo[i], &results->sign[i]);
}
