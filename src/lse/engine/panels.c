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

/* Finds the places of sums from number first, at most `most` of them and, for columns, only within one run; returns how
 * many. */
static ptrdiff_t find_places(const lse_plan *plan, ptrdiff_t first, ptrdiff_t most, int one_run, places *p)
{
    const ptrdiff_t length = plan->kept_length;
    for (ptrdiff_t found = 0; found < most;) {
        lse_row row;
        char *out;
        ptrdiff_t given;
        const ptrdiff_t at = first + found, start = at % length, some = lse_least(length - start, most - found);
        lse_find_row(plan, at / length, &row, &out, &given);
        const ptrdiff_t x = plan->kept_stride, to = plan->kept_out_stride;
        const ptrdiff_t where = plan->kept_where_stride, weight = plan->kept_weight_stride;
        lay_out_places(p->x + found, row.x - plan->first.x + start * x, x, some);
        lay_out_places(p->out + found, out - plan->out + start * to, to, some);
        if (row.where) lay_out_places(p->where + found, row.where - plan->first.where + start * where, where, some);
        if (row.weight)
            lay_out_places(p->weight + found, row.weight - plan->first.weight + start * weight, weight, some);
        found += some;
        if (one_run) return found;
    }
    return most;
}

/* The rows of a panel one by one. */
static void members_of(const lse_plan *plan, const places *p, ptrdiff_t count, lse_row *rows, char **out)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        rows[i] = plan->first;
        rows[i].x += p->x[i];
        if (rows[i].where) rows[i].where += p->where[i];
        if (rows[i].weight) rows[i].weight += p->weight[i];
        out[i] = plan->out + p->out[i];
    }
}

static void sum_panel(const lse_plan *plan, const lse_panel *panel, const places *p)
{
    lse_states states;
    lse_row rows[LSE_BATCH];
    char *out[LSE_BATCH];
    (panel->weights ? plan->kernels->sum_weighted_panel : plan->kernels->sum_panel)(panel, &states);
    const int two = panel->weights && plan->n == 2;
    if (two) members_of(plan, p, panel->count, rows, out);
    const int differences = two && lse_hold_differences(plan, rows, panel->weights->are_the_same ? 1 : panel->count);
    if (!differences && lse_store_plain(plan, p->out, panel->count, &states)) return;
    if (!two) members_of(plan, p, panel->count, rows, out);
    lse_finish_group(plan, rows, out, panel->count, &states, 1);
}

static void map_panel(const lse_plan *plan, const lse_panel *panel, const places *p)
{
    lse_row rows[LSE_BATCH];
    char *out[LSE_BATCH];
    unsigned char are_empty[LSE_BATCH];
    if (plan->has_empty) members_of(plan, p, panel->count, rows, out);
    const int any_empty = lse_find_empty(plan, rows, panel->count, are_empty);
    plan->map->panel(panel);
    if (any_empty) lse_put_empty(plan, rows, out, panel->count, are_empty);
}

/* Whether the sums of a panel must be one run. */
static int is_across(lse_form form) { return form == LSE_BY_COLUMNS || form == LSE_BY_LINES; }

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
    const int one_run =
        is_across(plan->form) || (weighted && is_across(plan->weight_form)) || (maps && is_across(plan->out_form));
    offsets o;
    places p;
    if (lse_is_stopped(plan->failed)) return;
    lse_panel panel = {
        .n = plan->n,
        .form = plan->form,
        .out_form = plan->out_form,
        .x = plan->first.x,
        .where = weighted ? NULL : plan->first.where,
        .out = plan->out,
        .at = p.x,
        .where_at = p.where,
        .out_at = p.out,
        .offset = o.x,
        .where_offset = o.where,
        .out_offset = o.out,
        .layout = &plan->row,
        .out_layout = &plan->out_row,
    };
    lse_panel weights = {
        .n = plan->n,
        .form = plan->weight_form,
        .x = plan->first.weight,
        .where = plan->first.where,
        .at = p.weight,
        .where_at = p.where,
        .offset = o.weight,
        .where_offset = o.where,
        .layout = &plan->row,
        .are_weights = 1,
        .are_the_same = have_the_same_weights(plan),
    };
    if (weighted) panel.weights = &weights;
    if (plan->kept_length == 1 || plan->outer == 1 || one_run) { /* a single run of rows */
        panel.pitch = plan->kept_stride;
        weights.pitch = plan->kept_weight_stride;
        panel.out_pitch = plan->kept_out_stride;
    }
    lay_out_offsets(&plan->row, plan->row.stride, o.x);
    if (plan->first.where) lay_out_offsets(&plan->row, plan->row.where_stride, o.where);
    if (weighted) lay_out_offsets(&plan->row, plan->row.weight_stride, o.weight);
    if (maps) lay_out_offsets(&plan->out_row, plan->out_row.stride, o.out);
    for (ptrdiff_t at = first; at < end; at += panel.count) {
        panel.count = weights.count = find_places(plan, at, lse_least(LSE_BATCH, end - at), one_run, &p);
        if (maps) map_panel(plan, &panel, &p);
        else sum_panel(plan, &panel, &p);
    }
    lse_add_progress((end - first) * plan->n);
}
