/* Short sums, of at most LSE_SHORT elements: a task is a range of them, processed a panel at a time. */
#include <math.h>
#include <string.h>

#include "engine/plan.h"

/* The addresses of the elements of a sum, relative to its start. */
typedef struct {
    ptrdiff_t x[LSE_SHORT], where[LSE_SHORT], weight[LSE_SHORT], out[LSE_SHORT];
} offsets;

/* The starts of the sums of a panel, in the input, its mask, its weights and the output. */
typedef struct {
    ptrdiff_t x[LSE_BATCH], where[LSE_BATCH], weight[LSE_BATCH], out[LSE_BATCH];
} places;

/* offset[i] of element i, for axes of which the last one is the fastest. */
static void lay_out_offsets(const lse_layout *layout, const ptrdiff_t *stride, ptrdiff_t *offset)
{
    ptrdiff_t n = 1;
    offset[0] = 0;
    for (int axis = 0; axis < layout->ndim; axis++) {
        const ptrdiff_t length = layout->shape[axis];
        for (ptrdiff_t i = n * length - 1; i >= 0; i--) offset[i] = offset[i / length] + i % length * stride[axis];
        n *= length;
    }
}

/* count places at equal distances. */
static void lay_out_places(ptrdiff_t *at, ptrdiff_t start, ptrdiff_t step, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++, start += step) at[i] = start;
}

/* A task: sums that are processed one panel after another, and the places of those of a panel. */
typedef struct {
    const lse_plan *plan;
    ptrdiff_t most; /* sums of a panel */
    int one_run;    /* whether those of a panel are at equal distances */
    lse_panel panel, weights;
    places at;
} panels;

/* The places of `count` sums of a run, from number `start` of it, relative to its first one, in the panel from number
 * `found`, where the first sum of the run is at `row` and `out`. */
static void lay_out_run(panels *p, ptrdiff_t found, const lse_row *row, const char *out, ptrdiff_t start,
                        ptrdiff_t count)
{
    const lse_plan *plan = p->plan;
    const ptrdiff_t x = plan->kept_stride, to = plan->kept_out_stride;
    const ptrdiff_t where = plan->kept_where_stride, weight = plan->kept_weight_stride;
    lay_out_places(p->at.x + found, row->x - plan->first.x + start * x, x, count);
    lay_out_places(p->at.out + found, out - plan->out + start * to, to, count);
    if (row->where) lay_out_places(p->at.where + found, row->where - plan->first.where + start * where, where, count);
    if (row->weight)
        lay_out_places(p->at.weight + found, row->weight - plan->first.weight + start * weight, weight, count);
}

/* Panels of one run: the same places for each, relative to its first sum. */
static void start_run(panels *p) { lay_out_run(p, 0, &p->plan->first, p->plan->out, 0, p->most); }

/* The panel of sums `number` and on, no more than `most`, of one run: where its first one is. Returns how many. */
static ptrdiff_t find_in_run(panels *p, ptrdiff_t number, ptrdiff_t most)
{
    const lse_plan *plan = p->plan;
    const ptrdiff_t start = number % plan->kept_length;
    ptrdiff_t given;
    lse_row row;
    lse_find_row(plan, number / plan->kept_length, &row, &p->panel.out, &given);
    p->panel.x = row.x + start * plan->kept_stride;
    p->panel.out += start * plan->kept_out_stride;
    if (row.weight) p->weights.x = row.weight + start * plan->kept_weight_stride;
    if (row.where) *(row.weight ? &p->weights.where : &p->panel.where) = row.where + start * plan->kept_where_stride;
    return lse_least(plan->kept_length - start, most);
}

/* The panel of sums `number` and on, `most` of them, of any runs: where each of them is. */
static void find_in_runs(panels *p, ptrdiff_t number, ptrdiff_t most)
{
    const ptrdiff_t length = p->plan->kept_length;
    for (ptrdiff_t found = 0, some; found < most; found += some, number += some) {
        lse_row row;
        char *out;
        ptrdiff_t given;
        some = lse_least(length - number % length, most - found);
        lse_find_row(p->plan, number / length, &row, &out, &given);
        lay_out_run(p, found, &row, out, number % length, some);
    }
}

/* Finds the sums from number `first` that are the next panel, none beyond `end`. */
static void find_panel(panels *p, ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t count = lse_least(p->most, end - first);
    if (p->one_run) count = find_in_run(p, first, count);
    else find_in_runs(p, first, count);
    p->panel.count = p->weights.count = count;
}

/* The rows of a panel one by one, and where their results go. */
static void members_of(const panels *p, lse_row *rows, char **out)
{
    const int weighted = p->panel.weights != NULL;
    const char *where = weighted ? p->weights.where : p->panel.where;
    for (ptrdiff_t i = 0; i < p->panel.count; i++) {
        rows[i].x = p->panel.x + p->at.x[i];
        rows[i].where = where ? where + p->at.where[i] : NULL;
        rows[i].weight = weighted ? p->weights.x + p->at.weight[i] : NULL;
        rows[i].n = p->panel.n;
        out[i] = p->panel.out + p->at.out[i];
    }
}

/* Results as they come, where they are neighbours of the kernels' type. */
static int store_run(const panels *p, lse_states *states)
{
    const lse_plan *plan = p->plan;
    const int neighbours = p->one_run && plan->kept_out_stride == plan->itemsize;
    if (!neighbours || p->panel.count % LSE_LANES != 0 || p->panel.weights || !lse_has_plain_results(plan)) return 0;
    plan->kernels->finish_values(states, p->panel.count, p->panel.out);
    return 1;
}

static void sum_panel(const panels *p)
{
    const lse_plan *plan = p->plan;
    const lse_panel *panel = &p->panel;
    const int two = panel->weights && plan->n == 2;
    lse_states states;
    lse_row rows[LSE_BATCH];
    char *out[LSE_BATCH];
    ptrdiff_t out_at[LSE_BATCH];
    (panel->weights ? plan->kernels->sum_weighted_panel : plan->kernels->sum_panel)(panel, &states);
    if (store_run(p, &states)) return;
    if (two) members_of(p, rows, out);
    const int differences = two && lse_hold_differences(plan, rows, panel->weights->are_the_same ? 1 : panel->count);
    for (ptrdiff_t i = 0; i < panel->count; i++) out_at[i] = p->panel.out - plan->out + p->at.out[i];
    if (!differences && lse_store_short(plan, out_at, panel->count, &states)) return;
    if (!two) members_of(p, rows, out);
    lse_finish_group(plan, rows, out, panel->count, &states, 1);
}

static void map_panel(const panels *p)
{
    const lse_plan *plan = p->plan;
    lse_row rows[LSE_BATCH];
    char *out[LSE_BATCH];
    unsigned char are_empty[LSE_BATCH];
    if (plan->has_empty) members_of(p, rows, out);
    const int any_empty = lse_find_empty(plan, rows, p->panel.count, are_empty);
    plan->map->panel(&p->panel);
    if (any_empty) lse_put_empty(plan, rows, out, p->panel.count, are_empty);
}

/* Whether every sum has the weights of the first. */
static int have_the_same_weights(const lse_plan *plan)
{
    int same = !plan->first.where && plan->kept_weight_stride == 0;
    for (int axis = 0; axis < plan->outer_ndim; axis++) same &= plan->outer_weight_stride[axis] == 0;
    return same;
}

void lse_panels_task(void *context, ptrdiff_t index)
{
    const lse_plan *plan = (const lse_plan *)context;
    const ptrdiff_t first = index * plan->together,
                    end = lse_least(first + plan->together, plan->outer * plan->kept_length);
    const int maps = lse_is_map(plan->operation), weighted = plan->first.weight != NULL;
    const int one_run = plan->outer == 1 || lse_is_across(plan->form) ||
                        (weighted && lse_is_across(plan->weight_form)) || (maps && lse_is_across(plan->out_form));
    offsets o;
    panels p;
    if (lse_is_stopped(plan->failed)) return;
    p.plan = plan;
    p.one_run = one_run;
    p.most = lse_least(LSE_BATCH, one_run ? lse_least(plan->kept_length, end - first) : end - first);
    p.panel = (lse_panel){
        .n = plan->n,
        .form = plan->form,
        .out_form = plan->out_form,
        .x = plan->first.x,
        .where = weighted ? NULL : plan->first.where,
        .out = plan->out,
        .at = p.at.x,
        .where_at = p.at.where,
        .out_at = p.at.out,
        .offset = o.x,
        .where_offset = o.where,
        .out_offset = o.out,
        .layout = &plan->row,
        .out_layout = &plan->out_row,
        .weights = weighted ? &p.weights : NULL,
    };
    p.weights = (lse_panel){
        .n = plan->n,
        .form = plan->weight_form,
        .x = plan->first.weight,
        .where = plan->first.where,
        .at = p.at.weight,
        .where_at = p.at.where,
        .offset = o.weight,
        .where_offset = o.where,
        .layout = &plan->row,
        .are_weights = 1,
        .are_the_same = have_the_same_weights(plan),
    };
    if (plan->kept_length == 1 || one_run) { /* a single run of rows */
        p.panel.pitch = plan->kept_stride;
        p.weights.pitch = plan->kept_weight_stride;
        p.panel.out_pitch = plan->kept_out_stride;
    }
    if (one_run) start_run(&p);
    lay_out_offsets(&plan->row, plan->row.stride, o.x);
    if (plan->first.where) lay_out_offsets(&plan->row, plan->row.where_stride, o.where);
    if (weighted) lay_out_offsets(&plan->row, plan->row.weight_stride, o.weight);
    if (maps) lay_out_offsets(&plan->out_row, plan->out_row.stride, o.out);
    for (ptrdiff_t at = first; at < end; at += p.panel.count) {
        find_panel(&p, at, end);
        if (maps) map_panel(&p);
        else sum_panel(&p);
    }
    lse_add_progress((end - first) * plan->n);
}
