/* Rows of a map with nothing in them: all -inf, or left out. Their results are `empty` instead of NaN. */
#include <math.h>

#include "engine/plan.h"

/* Whether the first element of a row shows that there is something, as it mostly does. */
static int begins_with_something(const lse_plan *plan, const lse_row *row)
{ return plan->row.native && !(row->where && !*row->where) && plan->type->get(row->x) != -INFINITY; }

static int is_nothing(const lse_plan *plan, const lse_row *row)
{
    lse_states state;
    if (begins_with_something(plan, row)) return 0;
    for (ptrdiff_t start = 0, n; start < row->n; start += n) {
        n = lse_least(LSE_SHORT, row->n - start);
        plan->kernels->rows(&plan->row, row, start, n, 1, &state);
        if (state.max[0] > -INFINITY || isnan(state.tail[0])) return 0;
    }
    return 1;
}

int lse_find_empty(const lse_plan *plan, const lse_row *rows, ptrdiff_t count, unsigned char *are_empty)
{
    int any = 0;
    if (!plan->has_empty) return 0;
    for (ptrdiff_t i = 0; i < count; i++) any |= are_empty[i] = (unsigned char)is_nothing(plan, &rows[i]);
    return any;
}

void lse_put_empty(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count,
                   const unsigned char *are_empty)
{
    for (ptrdiff_t i = 0; i < count; i++)
        if (are_empty[i]) lse_fill_included(plan, &rows[i], out[i], plan->empty);
}
