/* Softmax and log-softmax of rows and columns whose sums are known. */
#include <math.h>
#include <string.h>

#include "engine/plan.h"
#include "kernels/pair.h"

/* Pieces of one row, mapped with result number index. */
typedef struct {
    const lse_plan *plan;
    const lse_row *row;
    char *out;
    ptrdiff_t index;
    double shift;
    const lse_results *results;
} mapped;

static void map_piece_task(void *context, ptrdiff_t piece)
{
    const mapped *m = (const mapped *)context;
    const lse_plan *plan = m->plan;
    const ptrdiff_t start = piece * LSE_PIECE, n = lse_least(m->row->n - start, LSE_PIECE);
    if (lse_is_stopped(plan->failed)) return;
    plan->map->row(plan->mapped_row, m->row, plan->mapped_out, m->out, start, n, m->shift, m->results, m->index);
}

static void map_pieces(const mapped *m, int threads)
{ m->plan->run(map_piece_task, (void *)m, (m->row->n + LSE_PIECE - 1) / LSE_PIECE, threads); }

static void select_infinity(const lse_plan *plan, const lse_row *row, char *out, double at_infinity, double outside)
{
    for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
        plan->kernels->select_infinity(plan->mapped_row, row, plan->mapped_out, out, start, n, at_infinity, outside);
}

static double outside_of(const lse_plan *plan) { return plan->operation == LSE_LOG_SOFTMAX ? -INFINITY : 0.0; }

static int is_present(const lse_plan *plan, const lse_row *row)
{
    int present = 0;
    for (ptrdiff_t start = 0, n; !present && (n = lse_next_piece(plan, row, start)) > 0; start += n)
        present = plan->kernels->is_present(plan->mapped_row, row, start, n);
    return present;
}

static void select_present(const lse_plan *plan, const lse_row *row, char *out, double present, double absent)
{
    for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
        plan->kernels->select_present(plan->mapped_row, row, plan->mapped_out, out, start, n, present, absent);
}

void lse_fill_included(const lse_plan *plan, const lse_row *row, char *out, double value)
{
    if (!row->where) select_infinity(plan, row, out, value, value);
    else select_present(plan, row, out, value, is_present(plan, row) ? outside_of(plan) : value);
}

void lse_leave_out(const lse_plan *plan, const lse_row *row, char *out)
{
    if (row->where && is_present(plan, row)) select_present(plan, row, out, NAN, outside_of(plan));
}

/* What maps the elements of sums: shift is subtracted from them first, infinities are how many are +inf. */
static void finish(const lse_plan *plan, ptrdiff_t count, lse_states *states, double *shift, ptrdiff_t *infinities,
                   lse_results *results)
{
    const int log = plan->operation == LSE_LOG_SOFTMAX;
    for (ptrdiff_t i = 0; i < count; i++)
        lse_state_of(lse_sum_at(lse_sums_in(states), i), plan->type->most, i, states, &shift[i], &infinities[i]);
    (log ? plan->kernels->finish : plan->kernels->finish_scaled)(states, count, results);
    for (ptrdiff_t i = 0; i < count; i++) {
        if (log && fabs(shift[i]) <= 0x1p1000) { /* from elements as they are */
            const pair value = two_sum(shift[i], results->value[i]);
            results->value[i] = value.hi;
            results->value_lo[i] = results->value_lo[i] + value.lo;
            shift[i] = 0.0;
        }
        if (results->value[i] == -INFINITY) results->value[i] = results->scale[i] = NAN;
    }
}

void lse_finish_map(const lse_plan *plan, ptrdiff_t count, lse_states *states, lse_wide_results *to, ptrdiff_t at)
{
    const size_t size = (size_t)count * sizeof(double);
    ptrdiff_t infinities[LSE_BATCH];
    lse_results results;
    finish(plan, count, states, to->shift + at, infinities, &results);
    for (ptrdiff_t i = 0; i < count; i++) {
        if (infinities[i] == 0) continue;
        const double all = (double)infinities[i], share = 1.0 / all;
        to->shift[at + i] = INFINITY;
        results.value[i] = lse_log(all);
        results.scale[i] = plan->type->is_single ? (double)(float)share : share; /* rounded once */
        results.value_lo[i] = results.scale_lo[i] = results.anchor[i] = 0.0;
    }
    memcpy(to->value + at, results.value, size);
    memcpy(to->value_lo + at, results.value_lo, size);
    memcpy(to->scale + at, results.scale, size);
    memcpy(to->scale_lo + at, results.scale_lo, size);
    memcpy(to->anchor + at, results.anchor, size);
}

void lse_map_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, lse_states *states,
                   int threads)
{
    const int log = plan->operation == LSE_LOG_SOFTMAX;
    double shift[LSE_BATCH];
    ptrdiff_t infinities[LSE_BATCH];
    lse_results results;
    finish(plan, count, states, shift, infinities, &results);
    for (ptrdiff_t i = 0; i < count; i++) {
        const mapped row = {plan, &rows[i], out[i], i, shift[i], &results};
        const double infinite = (double)infinities[i];
        if (infinities[i] > 0)
            select_infinity(plan, &rows[i], out[i], log ? 0.0 - lse_log(infinite) : 1.0 / infinite, outside_of(plan));
        else if (isnan(results.value[i]) && rows[i].where) lse_fill_included(plan, &rows[i], out[i], NAN);
        else map_pieces(&row, threads);
    }
}

int lse_is_stored(const lse_plan *plan, ptrdiff_t n)
{ return plan->operation == LSE_SOFTMAX && n <= LSE_STORED && !plan->given.max; }

void lse_map_stored(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count)
{
    const lse_real_kernels *kernels = plan->kernels;
    for (ptrdiff_t i = 0; i < count && !lse_is_stopped(plan->failed); i++)
        if (!kernels->softmax_whole_row(&plan->row, &rows[i], &plan->out_row, out[i]))
            lse_leave_out(plan, &rows[i], out[i]);
}

void lse_take_given(const lse_plan *plan, const lse_members *m, lse_states *states)
{
    for (ptrdiff_t i = 0; i < m->count; i++) lse_put_sum(lse_sums_in(states), i, lse_sum_at(plan->given, m->given[i]));
}
