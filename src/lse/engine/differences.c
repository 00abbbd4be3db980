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

int lse_take_difference(const lse_plan *plan, const lse_row *row, double *value, double *value_lo, double *sign)
{
    double x[2], weights[2];
    if (row->n != 2) return 0;
    load_both(plan, row, x, weights);
    return plan->table->difference(x, weights, value, value_lo, sign);
}

void lse_refine_difference(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i,
                           lse_results *results)
{
    /* the sum is tail 2^-500 of its largest term, so that the logarithm has lost as much */
    const int is_usual = isfinite(states->max[i]) && isfinite(states->tail_lo[i]);
    if (!plan->low && !plan->divisors && is_usual && fabs(results->value[i]) * fabs(states->tail[i]) >= 0x1p499) return;
    lse_take_difference(plan, row, &results->value[i], &results->value_lo[i], &results->sign[i]);
}
