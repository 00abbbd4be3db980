/* Sums of one element each: at the speed of a copy, never recomputed. */
#include "engine/operations.h"

int lse_is_single(const lse_plan *plan)
{
    const ptrdiff_t size = plan->itemsize;
    return plan->is_short && plan->n == 1 && lse_operations[plan->operation].of_one != LSE_GENERAL &&
           !plan->first.where && !plan->first.weight && !plan->has_empty && !plan->sign && !plan->low &&
           plan->divisor == 0.0 && !plan->store && plan->row.native &&
           (plan->kept_length == 1 || (plan->kept_stride == size && plan->kept_out_stride == size));
}

void lse_singles_task(void *context, ptrdiff_t index)
{
    const lse_plan *plan = (const lse_plan *)context;
    const lse_operation_facts *facts = &lse_operations[plan->operation];
    const ptrdiff_t first = index * plan->together, sums = plan->outer * plan->kept_length, size = plan->itemsize;
    const ptrdiff_t end = lse_least(first + plan->together, sums);
    if (lse_is_stopped(plan->failed)) return;
    for (ptrdiff_t at = first, some; at < end; at += some) { /* one run of neighbours after another */
        const ptrdiff_t start = at % plan->kept_length, left = plan->kept_length - start;
        lse_row row;
        char *out;
        ptrdiff_t given;
        lse_find_row(plan, at / plan->kept_length, &row, &out, &given);
        some = lse_least(left, end - at);
        const char *x = row.x + start * size;
        out += start * size;
        if (facts->of_one == LSE_CONSTANT) plan->kernels->fill_alone(x, out, some, facts->constant);
        else plan->kernels->copy_alone(x, out, some);
    }
    lse_add_progress(end - first);
}
