/* Softmax and log-softmax of rows and columns whose sums are known. */
#include <math.h>

#include "engine/plan.h"

/* Pieces of one row, whose result is at index, or of a panel of columns. */
typedef struct {
    const lse_plan *plan;
    const lse_row *row;
    char *out;
    ptrdiff_t columns, index;
    double shift;
    const lse_results *results;
} mapped;

static void map_piece_task(void *context, ptrdiff_t piece)
{
    const mapped *m = (const mapped *)context;
    const lse_plan *plan = m->plan;
    const lse_real_kernels *kernels = plan->kernels;
    const int log = plan->operation == LSE_LOG_SOFTMAX;
    const ptrdiff_t start = piece * LSE_PIECE, left = plan->n - start, n = left < LSE_PIECE ? left : LSE_PIECE;
    if (lse_is_stopped(plan->failed)) return;
    if (m->columns)
        (log ? kernels->log_softmax_columns : kernels->softmax_columns)(&plan->row, m->row, &plan->out_row, m->out,
                                                                        start, n, m->columns, m->results);
    else
        (log ? kernels->log_softmax_row : kernels->softmax_row)(&plan->row, m->row, &plan->out_row, m->out, start, n,
                                                                m->shift, m->results, m->index);
}

static void map_pieces(const mapped *m, int threads)
{ m->plan->run(map_piece_task, (void *)m, (m->plan->n + LSE_PIECE - 1) / LSE_PIECE, threads); }

static void select_infinity(const lse_plan *plan, const lse_row *row, char *out, double at_infinity, double outside)
{
    for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
        plan->kernels->select_infinity(&plan->row, row, &plan->out_row, out, start, n, at_infinity, outside);
}

/* NaN where there is something, and everywhere where there is nothing. */
static void select_present(const lse_plan *plan, const lse_row *row, char *out, double outside)
{
    int present = 0;
    for (ptrdiff_t start = 0, n; !present && (n = lse_next_piece(plan, row, start)) > 0; start += n)
        present = plan->kernels->is_present(&plan->row, row, start, n);
    for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
        plan->kernels->select_present(&plan->row, row, &plan->out_row, out, start, n, NAN, present ? outside : NAN);
}

void lse_map_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, int plain,
                   const double *shift, const ptrdiff_t *infinities, lse_results *results, int threads)
{
    const int log = plan->operation == LSE_LOG_SOFTMAX;
    const double outside = log ? -INFINITY : 0.0;
    if (plan->columns && !plan->is_short && plain) {
        const mapped panel = {plan, rows, out[0], count, 0, 0.0, results};
        map_pieces(&panel, threads);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        const mapped row = {plan, &rows[i], out[i], 0, i, shift[i], results};
        const double infinite = (double)infinities[i];
        if (infinities[i] > 0) {
            select_infinity(plan, &rows[i], out[i], log ? -lse_log(infinite) : 1.0 / infinite, outside);
            continue;
        }
        if (results->value[i] == -INFINITY) results->value[i] = NAN;
        if (isnan(results->value[i]) && rows[i].where) select_present(plan, &rows[i], out[i], outside);
        else map_pieces(&row, threads);
    }
}

int lse_is_stored(const lse_plan *plan)
{ return plan->operation == LSE_SOFTMAX && plan->n <= LSE_STORED && !plan->given.max; }

/* A row of which all is NaN now. */
static void finish_nan(const lse_plan *plan, const lse_row *row, char *out)
{
    if (row->where) select_present(plan, row, out, 0.0);
    else select_infinity(plan, row, out, NAN, NAN);
}

void lse_map_stored(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, int columns)
{
    double nan[LSE_BATCH];
    if (columns && plan->kernels->softmax_whole_columns(&plan->row, rows, &plan->out_row, out[0], count, nan)) {
        for (ptrdiff_t i = 0; i < count; i++)
            if (isnan(nan[i])) finish_nan(plan, &rows[i], out[i]);
        return;
    }
    for (ptrdiff_t i = 0; i < count && !lse_is_stopped(plan->failed); i++) {
        const int status = plan->kernels->softmax_whole_row(&plan->row, &rows[i], &plan->out_row, out[i]);
        if (status == 0) lse_finish_softmax(plan, &rows[i], out[i]);
        else if (status == LSE_IS_NAN) finish_nan(plan, &rows[i], out[i]);
    }
}

void lse_map_given(const lse_plan *plan, const lse_row *rows, char **out, const ptrdiff_t *given, ptrdiff_t count,
                   int threads)
{
    lse_states states;
    lse_results results;
    double shift[LSE_BATCH];
    ptrdiff_t infinities[LSE_BATCH];
    int plain = 1;
    for (ptrdiff_t i = 0; i < count || i % 8 != 0; i++) { /* whole vectors */
        lse_state_of(lse_sum_at(plan->given, given[i < count ? i : 0]), plan->far, i, &states, &shift[i],
                     &infinities[i]);
    }
    plan->kernels->finish_scaled(&states, count, &results);
    for (ptrdiff_t i = 0; i < count; i++) plain &= shift[i] == 0.0 && infinities[i] == 0 && isfinite(results.value[i]);
    lse_map_group(plan, rows, out, count, plain, shift, infinities, &results, threads);
}
