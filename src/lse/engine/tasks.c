/* Divides a plan into tasks of several rows or columns each; where those are too few, each in turn is divided into
 * pieces. */
#include "engine/plan.h"

static void find_members(const lse_plan *plan, ptrdiff_t index, lse_members *m)
{
    const ptrdiff_t first = (plan->columns ? index % plan->panels : index) * plan->together;
    if (plan->columns) {
        lse_find_columns(plan, index / plan->panels, first, lse_least(plan->together, plan->columns - first), m);
        return;
    }
    m->count = lse_least(plan->together, plan->outer - first);
    for (ptrdiff_t i = 0; i < m->count; i++) lse_find_row(plan, first + i, &m->rows[i], &m->out[i], &m->given[i]);
}

static void copy_masks(const lse_plan *plan, lse_members *m, char *copy)
{
    const ptrdiff_t n = plan->n, block = m->count > 1 ? 64 : n, stride = plan->mask_stride;
    for (ptrdiff_t start = 0; start < n; start += block)
        for (ptrdiff_t r = 0; r < m->count; r++) {
            const ptrdiff_t some = lse_least(n - start, block);
            lse_load_bytes(m->rows[r].where + start * stride, stride, some, copy + r * n + start);
        }
    for (ptrdiff_t r = 0; r < m->count; r++) m->rows[r].where = copy + r * n;
}

/* One task, on `threads` threads of its own. */
static void group(const lse_plan *plan, ptrdiff_t index, int threads)
{
    lse_members m;
    lse_states states;
    unsigned char are_empty[LSE_BATCH];
    char masks[LSE_TOGETHER];
    find_members(plan, index, &m);
    if (plan->mask_stride != 0) copy_masks(plan, &m, masks);
    if (plan->given.max && lse_is_map(plan->operation)) {
        lse_take_given(plan, &m, &states);
        lse_map_group(plan, m.rows, m.out, m.count, &states, threads);
        return;
    }
    const int any_empty = lse_find_empty(plan, m.rows, m.count, are_empty);
    if (lse_is_stored(plan, plan->n)) {
        lse_map_stored(plan, m.rows, m.out, m.count);
        lse_add_progress(plan->n * m.count);
    } else {
        lse_whole_states(plan, m.rows, m.count, plan->columns > 0, threads, &states);
        lse_finish_group(plan, m.rows, m.out, m.count, &states, threads);
    }
    if (any_empty) lse_put_empty(plan, m.rows, m.out, m.count, are_empty);
}

static void group_task(void *context, ptrdiff_t index)
{
    const lse_plan *plan = (const lse_plan *)context;
    if (!lse_is_stopped(plan->failed)) group(plan, index, 1);
}

/* Whether rows and their outputs are columns, of the kernels' type. */
static int are_columns(const lse_plan *plan, const lse_members *m)
{
    int side_by_side = m->count > 1 && plan->row.ndim == 1 && plan->row.native && plan->out_row.native;
    for (ptrdiff_t i = 1; i < m->count; i++)
        side_by_side &=
            m->rows[i].x - m->rows[i - 1].x == plan->itemsize && m->out[i] - m->out[i - 1] == plan->itemsize;
    return side_by_side;
}

/* Rows whose elements are neighbours share cache lines, and are processed together, block by block. */
static void cumulate_task(void *context, ptrdiff_t index)
{
    enum { BLOCK = 16384 };
    const lse_plan *plan = (const lse_plan *)context;
    lse_running running[LSE_BATCH];
    lse_members m;
    find_members(plan, index, &m);
    const int columns = are_columns(plan, &m);
    const ptrdiff_t block = m.count > 1 ? BLOCK / plan->itemsize : LSE_PIECE;
    for (ptrdiff_t start = 0, n; (n = lse_least(block, lse_next_piece(plan, &m.rows[0], start))) > 0; start += n) {
        if (columns)
            plan->kernels->cumulate_columns(&plan->row, m.rows[0].x, &plan->out_row, m.out[0], start, n, m.count,
                                            running);
        for (ptrdiff_t i = 0; i < m.count && !columns; i++)
            plan->kernels->cumulate_row(&plan->row, &m.rows[i], &plan->out_row, m.out[i], start, n, &running[i]);
        lse_add_progress(m.count * n);
    }
}

/* Sets how many rows a task has, and returns how many tasks there are. */
static ptrdiff_t cut_cumulated(lse_plan *plan, int threads)
{
    const int last = plan->outer_ndim - 1, side_by_side = last >= 0 && plan->outer_stride[last] == plan->itemsize;
    plan->together = side_by_side ? lse_least(64 / plan->itemsize, lse_most(1, plan->outer / (2 * threads))) : 1;
    return lse_quotient_up(plan->outer, plan->together);
}

/* Whether at most a fifth of the threads' time is spent waiting for the last task. */
static int are_balanced(ptrdiff_t tasks, int threads)
{ return 4 * threads * lse_quotient_up(tasks, threads) <= 5 * tasks; }

ptrdiff_t lse_width_for(const lse_plan *plan, ptrdiff_t widest, ptrdiff_t narrowest, int threads)
{
    ptrdiff_t width = widest;
    while (width > narrowest && !are_balanced(plan->outer * lse_quotient_up(plan->columns, width), threads)) width /= 2;
    return width;
}

/* Sets how many rows or columns a task has, and returns how many tasks there are. */
static ptrdiff_t cut(lse_plan *plan, int threads)
{
    if (plan->columns) {
        plan->together = lse_width_for(plan, plan->kernels->panel, 64 / plan->itemsize, threads);
        plan->panels = lse_quotient_up(plan->columns, plan->together);
        return plan->outer * plan->panels;
    }
    /* enough for a task to fit in the cache between its reduction and its map, and for all threads to have some */
    plan->together = lse_most(1, lse_least(LSE_BATCH, LSE_TOGETHER / plan->n));
    if (threads > 1) plan->together = lse_most(1, lse_least(plan->together, plan->outer / (4 * threads)));
    if (plan->n > LSE_PIECE) plan->together = 1;
    return lse_quotient_up(plan->outer, plan->together);
}

/* The same for short sums: whole panels, and so many that starting a task costs nothing in comparison. */
static ptrdiff_t cut_short(lse_plan *plan, int threads)
{
    enum { ENOUGH = 1 << 14, MUCH = 1 << 18 };
    const ptrdiff_t sums = plan->outer * plan->kept_length, share = lse_quotient_up(sums, 8 * (ptrdiff_t)threads);
    const ptrdiff_t low = lse_quotient_up(ENOUGH, plan->n), high = lse_quotient_up(MUCH, plan->n);
    plan->together = lse_quotient_up(lse_least(lse_most(share, low), high), LSE_BATCH) * LSE_BATCH;
    return lse_quotient_up(sums, plan->together);
}

/* Tasks started at a time: skipping the remaining ones after an interrupt takes time too, however little each does. */
enum { SOME = 1 << 14 };
typedef struct {
    lse_task task;
    void *context;
    ptrdiff_t first;
} some_tasks;

static void one_of_some(void *context, ptrdiff_t index)
{
    const some_tasks *some = (const some_tasks *)context;
    some->task(some->context, some->first + index);
}

void lse_run_until_stopped(const lse_plan *plan, lse_task task, void *context, ptrdiff_t count, int threads)
{
    some_tasks some = {task, context, 0};
    for (; some.first < count && !lse_is_stopped(plan->failed); some.first += SOME)
        plan->run(one_of_some, &some, lse_least(SOME, count - some.first), threads);
}

void lse_run_short(lse_plan *plan, int threads)
{
    const lse_task task = lse_is_single(plan) ? lse_singles_task : lse_panels_task;
    lse_run_until_stopped(plan, task, plan, cut_short(plan, threads), threads);
}

void lse_run_cumulative(lse_plan *plan, const lse_request *request, int threads)
{
    (void)request;
    lse_run_until_stopped(plan, cumulate_task, plan, cut_cumulated(plan, threads), threads);
}

void lse_run_rows(lse_plan *plan, const lse_request *request, int threads)
{
    (void)request;
    if (plan->columns && lse_is_map(plan->operation)) {
        lse_map_columns_of(plan, threads);
        return;
    }
    const ptrdiff_t tasks = cut(plan, threads), each = plan->n * plan->together;
    if (threads > 1 && plan->n > LSE_PIECE && (tasks < threads || each > LSE_LONG))
        for (ptrdiff_t i = 0; i < tasks && !lse_is_stopped(plan->failed); i++) group(plan, i, threads);
    else lse_run_until_stopped(plan, group_task, plan, tasks, threads);
}
