/* Rows that need recomputation, and what is stored of them: see recompute.c. */
#ifndef LSE_RECOMPUTE_H
#define LSE_RECOMPUTE_H

#include <math.h>

#include "engine/plan.h"
#include "kernels/target.h"

/* In the loops over rows, where a call would show. Whether a sum without weights is what the kernels have made of it. */
LSE_INLINE int lse_is_plain(const lse_plan *plan, const lse_states *states, ptrdiff_t i)
{ return fabs(states->max[i]) <= plan->most; }

/* Whether a weighted sum is not what the kernels make well: its greatest exponent is beyond them, or it is far below
 * its greatest term, which is near 2^500: something cancels, or NaN stands for a weight that is not plain. */
LSE_INLINE int lse_needs_recomputation(const lse_plan *plan, const lse_states *states, ptrdiff_t i)
{ return !(lse_is_plain(plan, states, i) && fabs(states->tail[i]) >= plan->type->least_weighted); }

/* Result i of a row from state i, if that is not plain: of the elements less shift, or infinite, with so many elements
 * that are +inf, or NaN. shift and infinities are 0 before. */
void lse_recompute_plain(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i, int threads,
                         lse_results *results, double *shift, ptrdiff_t *infinities);
/* Likewise of a weighted row that needs recomputation. */
void lse_recompute_weighted(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i,
                            int threads, lse_results *results, double *shift);
/* A row as a running sum, recomputed if it needs that. */
lse_sum lse_sum_of_row(const lse_plan *plan, const lse_row *row, const lse_states *states, ptrdiff_t i, int threads);

#endif
