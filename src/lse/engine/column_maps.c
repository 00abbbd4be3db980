/* Softmax and log-softmax of columns of more than LSE_SHORT elements. A task is a group of neighbouring columns, wider
 * than the panels that are summed together: results are computed panel by panel, then the group is mapped row by row,
 * so that memory is written in runs. If there are few groups, each in turn uses all threads. */
#include <math.h>

#include "engine/plan.h"

/* Columns of a group, of which `each` are summed together, on `threads` threads, and `rows` rows of all mapped. */
typedef struct {
    const lse_plan *plan;
    ptrdiff_t block, first, count, each, rows;
    int threads;
    unsigned char any_empty[LSE_WIDE]; /* for each panel: whether any column has nothing in it, see empty.c, */
    unsigned char are_empty[LSE_WIDE]; /* and which */
    lse_wide_results results;
} group;

static void results_task(void *context, ptrdiff_t panel)
{
    group *g = (group *)context;
    const lse_plan *plan = g->plan;
    const ptrdiff_t at = panel * g->each;
    lse_members m;
    lse_states states;
    if (at >= g->count) return;
    g->any_empty[panel] = 0;
    if (lse_is_stopped(plan->failed)) return;
    lse_find_columns(plan, g->block, g->first + at, lse_least(g->each, g->count - at), &m);
    g->any_empty[panel] = (unsigned char)lse_find_empty(plan, m.rows, m.count, g->are_empty + at);
    if (plan->given.max) lse_take_given(plan, &m, &states);
    else lse_whole_states(plan, m.rows, m.count, 1, g->threads, &states);
    if (!lse_is_stopped(plan->failed)) lse_finish_map(plan, m.count, &states, &g->results, at);
}

static void map_task(void *context, ptrdiff_t piece)
{
    const group *g = (const group *)context;
    const lse_plan *plan = g->plan;
    const ptrdiff_t start = piece * g->rows, n = lse_least(g->rows, plan->n - start);
    lse_members m;
    if (lse_is_stopped(plan->failed)) return;
    lse_find_columns(plan, g->block, g->first, 1, &m);
    plan->map->columns(&plan->row, &m.rows[0], &plan->out_row, m.out[0], start, n, g->count, &g->results);
}

/* What masks leave out of columns that are mapped, all NaN where their results are. */
static void leave_out(const lse_plan *plan, const lse_row *first, char *out, ptrdiff_t count,
                      const lse_wide_results *results)
{
    for (ptrdiff_t i = 0; i < count && first->where; i++) {
        const lse_row column = lse_column_of(plan, first, i);
        if (isnan(results->value[i])) lse_leave_out(plan, &column, out + i * plan->out_column_stride);
    }
}

static void put_empty(const group *g, ptrdiff_t at)
{
    lse_members m;
    lse_find_columns(g->plan, g->block, g->first + at, lse_least(g->each, g->count - at), &m);
    lse_put_empty(g->plan, m.rows, m.out, m.count, g->are_empty + at);
}

/* Threads share the panels if there are enough of them, otherwise each panel. A smaller team would end some threads,
 * and the next team would start them again, so both loops have tasks for all threads, though some may be empty. */
static void map_group(group *g, int threads)
{
    const ptrdiff_t panels = lse_quotient_up(g->count, g->each), n = g->plan->n;
    const int by_pieces = panels < threads && n > LSE_PIECE;
    lse_members m;
    g->threads = by_pieces ? threads : 1;
    g->rows = lse_least(lse_quotient_up(n, threads), lse_most(16, LSE_PIECE / g->count));
    g->plan->run(results_task, g, by_pieces ? panels : lse_most(panels, threads), by_pieces ? 1 : threads);
    g->plan->run(map_task, g, lse_quotient_up(n, g->rows), threads);
    if (lse_is_stopped(g->plan->failed)) return;
    lse_find_columns(g->plan, g->block, g->first, 1, &m);
    leave_out(g->plan, &m.rows[0], m.out[0], g->count, &g->results);
    for (ptrdiff_t panel = 0; panel < panels; panel++)
        if (g->any_empty[panel]) put_empty(g, panel * g->each);
}

/* The number of columns in a task, and the number of tasks. */
typedef struct {
    const lse_plan *plan;
    ptrdiff_t width, tasks;
} cut;

static cut cut_to(const lse_plan *plan, ptrdiff_t width)
{ return (cut){plan, width, plan->outer * lse_quotient_up(plan->columns, width)}; }

static void find_group(const cut *c, ptrdiff_t index, group *g)
{
    const ptrdiff_t groups = lse_quotient_up(c->plan->columns, c->width);
    g->plan = c->plan;
    g->block = index / groups;
    g->first = index % groups * c->width;
    g->count = lse_least(c->width, c->plan->columns - g->first);
    g->each = c->plan->kernels->panel;
}

static void group_task(void *context, ptrdiff_t index)
{
    group g;
    if (lse_is_stopped(((const cut *)context)->plan->failed)) return;
    find_group((const cut *)context, index, &g);
    map_group(&g, 1);
}

static void map_stored_columns(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count)
{
    double nan[LSE_BATCH];
    if (!plan->kernels->softmax_whole_columns(&plan->row, &rows[0], &plan->out_row, out[0], count, nan))
        lse_map_stored(plan, rows, out, count);
    else
        for (ptrdiff_t i = 0; i < count; i++)
            if (isnan(nan[i])) lse_leave_out(plan, &rows[i], out[i]);
}

static void stored_task(void *context, ptrdiff_t index)
{
    const lse_plan *plan = ((const cut *)context)->plan;
    lse_members m;
    group g;
    unsigned char are_empty[LSE_BATCH];
    if (lse_is_stopped(plan->failed)) return;
    find_group((const cut *)context, index, &g);
    lse_find_columns(plan, g.block, g.first, g.count, &m);
    const int any_empty = lse_find_empty(plan, m.rows, m.count, are_empty);
    map_stored_columns(plan, m.rows, m.out, m.count);
    if (any_empty) lse_put_empty(plan, m.rows, m.out, m.count, are_empty);
    lse_add_progress(plan->n * m.count);
}

static void map_stored(const lse_plan *plan, int threads)
{
    cut c = cut_to(plan, lse_width_for(plan, plan->kernels->panel, 64 / plan->itemsize, threads));
    lse_run_until_stopped(plan, stored_task, &c, c.tasks, threads);
}

/* Elements of a group per thread above which starting and joining all threads twice pays. */
enum { MUCH = 1 << 17 };

void lse_map_columns_of(const lse_plan *plan, int threads)
{
    const ptrdiff_t widest = lse_least(LSE_WIDE, 2048 / plan->itemsize), panel = plan->kernels->panel;
    group g;
    if (lse_is_stored(plan, plan->n)) {
        map_stored(plan, threads);
        return;
    }
    cut alone = cut_to(plan, lse_width_for(plan, widest, panel, threads)), together = cut_to(plan, widest);
    const ptrdiff_t share = plan->n * lse_least(widest, plan->columns) / threads;
    const int too_few = 5 * alone.tasks < 4 * threads || (alone.width < widest / 2 && share >= MUCH);
    const int too_long = plan->n > LSE_PIECE && plan->n * alone.width > LSE_LONG;
    if (threads == 1 || !(too_few || too_long)) {
        lse_run_until_stopped(plan, group_task, &alone, alone.tasks, threads);
        return;
    }
    for (ptrdiff_t i = 0; i < together.tasks && !lse_is_stopped(plan->failed); i++) {
        find_group(&together, i, &g);
        while (g.each > 64 / plan->itemsize && lse_quotient_up(g.count, g.each) < threads) g.each /= 2;
        map_group(&g, threads);
    }
}

/* Some columns and their results. */
typedef struct {
    const lse_plan *plan;
    const lse_row *row;
    char *out;
    ptrdiff_t count;
    lse_wide_results results;
} some_columns;

static void map_some_task(void *context, ptrdiff_t piece)
{
    const some_columns *c = (const some_columns *)context;
    const ptrdiff_t start = piece * LSE_PIECE, n = lse_least(c->row->n - start, LSE_PIECE);
    if (lse_is_stopped(c->plan->failed)) return;
    c->plan->map->columns(&c->plan->row, c->row, &c->plan->out_row, c->out, start, n, c->count, &c->results);
}

void lse_map_some_columns(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, int threads)
{
    lse_states states;
    some_columns c = {.plan = plan, .row = &rows[0], .out = out[0], .count = count};
    if (lse_is_stored(plan, rows[0].n)) {
        map_stored_columns(plan, rows, out, count);
        return;
    }
    lse_whole_states(plan, rows, count, 1, threads, &states);
    if (lse_is_stopped(plan->failed)) return;
    lse_finish_map(plan, count, &states, &c.results, 0);
    plan->run(map_some_task, &c, lse_quotient_up(rows[0].n, LSE_PIECE), threads);
    leave_out(plan, &rows[0], out[0], count, &c.results);
}
