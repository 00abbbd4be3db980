/* Segments of rows, of different lengths: their sums, and maps of them. */
#include <math.h>
#include <string.h>

#include "engine/operations.h"

typedef struct {
    const lse_plan *plan;
    lse_segments all;
    ptrdiff_t panels; /* per block of columns; 1 of rows */
    int direct;       /* rows, weights and outputs are runs of the kernels' type, without a mask */
    ptrdiff_t few;    /* elements of segments that go together */
} row_segments;

lse_segments lse_segments_of(const lse_request *q)
{
    lse_segments s = {.offsets = q->offsets, .count = q->segments, .maps = lse_is_map(q->operation)};
    s.batches = lse_quotient_up(s.count, LSE_BATCH);
    s.out_stride = q->segment_stride;
    for (int axis = 0; axis < q->a.ndim; axis++) {
        if (!(q->reduced >> axis & 1)) continue;
        s.stride = q->a.stride[axis];
        if (q->where.data) s.where_stride = q->where.stride[axis];
        if (q->weights.data) s.weight_stride = q->weights.stride[axis];
        if (s.maps) s.out_stride = q->out.stride[axis];
    }
    return s;
}

/* Short segments of rows ----------------------------------------------------------------------------------- */

/* So many segments are copied, padded to the length of the longest, and go through a panel together; or, where they are
 * runs, all that are of equal length go through one where they lie. Sums of more than FEW elements do so only if all
 * segments are of one length: else one after another in the order of memory is quicker. */
enum { PADDED = 16, FEW = 8, FEW_WEIGHTED = 24 };

/* The elements of a short segment as a run of n of the kernels' type, or its weights. What is left out, and the
 * padding, is -inf and has no weight: it adds nothing. */
static void put_run(const row_segments *s, const lse_row *row, int weights, ptrdiff_t n, char *to)
{
    const lse_plan *plan = s->plan;
    const lse_load load = weights ? plan->row.load_weight : plan->row.load;
    const ptrdiff_t stride = weights ? s->all.weight_stride : s->all.stride;
    const double absent = weights ? 0.0 : -INFINITY;
    if ((weights ? plan->row.native_weight : plan->row.native) && stride == plan->itemsize)
        memcpy(to, weights ? row->weight : row->x, (size_t)(row->n * stride));
    else load(weights ? row->weight : row->x, stride, row->n, to);
    for (ptrdiff_t k = 0; k < row->n && row->where; k++)
        if (!row->where[k * s->all.where_stride]) plan->type->put(to, k, absent);
    for (ptrdiff_t k = row->n; k < n; k++) plan->type->put(to, k, absent);
}

/* Runs of short segments, indices into a batch, as a panel. */
typedef struct {
    double values[PADDED * LSE_SHORT];
    ptrdiff_t at[PADDED], offset[LSE_SHORT];
    lse_panel panel;
} padded;

static void pad(const row_segments *s, const lse_row *rows, const int *index, ptrdiff_t count, int weights, padded *p)
{
    ptrdiff_t n = 1;
    for (ptrdiff_t i = 0; i < count; i++) n = lse_most(n, rows[index[i]].n);
    for (ptrdiff_t i = 0; i < count; i++) {
        p->at[i] = i * n * s->plan->itemsize;
        put_run(s, &rows[index[i]], weights, n, (char *)p->values + p->at[i]);
    }
    for (ptrdiff_t k = 0; k < n; k++) p->offset[k] = k * s->plan->itemsize;
    p->panel = (lse_panel){.n = n,
                           .count = count,
                           .form = LSE_BY_ROWS,
                           .out_form = LSE_BY_ROWS,
                           .x = (const char *)p->values,
                           .out = (char *)p->values,
                           .at = p->at,
                           .out_at = p->at,
                           .offset = p->offset,
                           .out_offset = p->offset,
                           .are_weights = weights};
}

/* Segments of equal length as a panel where they lie. */
typedef struct {
    ptrdiff_t at[LSE_BATCH], weight_at[LSE_BATCH], offset[LSE_SHORT];
    lse_panel panel, weights;
} lying;

static void find_lying(const row_segments *s, const lse_row *rows, const int *index, ptrdiff_t count, lying *p)
{
    const lse_row *first = &rows[index[0]];
    const int weighted = first->weight != NULL;
    for (ptrdiff_t i = 0; i < count; i++) {
        p->at[i] = rows[index[i]].x - first->x;
        if (weighted) p->weight_at[i] = rows[index[i]].weight - first->weight;
    }
    for (ptrdiff_t k = 0; k < first->n; k++) p->offset[k] = k * s->plan->itemsize;
    p->panel = (lse_panel){
        .n = first->n, .count = count, .form = LSE_BY_ROWS, .x = first->x, .at = p->at, .offset = p->offset};
    p->weights = p->panel;
    p->weights.x = first->weight;
    p->weights.at = p->weight_at;
    p->weights.are_weights = 1;
    if (weighted) p->panel.weights = &p->weights;
}

/* Their states. */
static void panel_states(const lse_plan *plan, const lse_panel *panel, const int *index, lse_states *states)
{
    lse_states own;
    (panel->weights ? plan->kernels->sum_weighted_panel : plan->kernels->sum_panel)(panel, &own);
    for (ptrdiff_t i = 0; i < panel->count; i++)
        lse_put_sum(lse_sums_in(states), index[i], lse_sum_at(lse_sums_in(&own), i));
}

static void padded_states(const row_segments *s, const lse_row *rows, const int *index, ptrdiff_t count,
                          lse_states *states)
{
    padded elements, weights;
    pad(s, rows, index, count, 0, &elements);
    if (s->plan->first.weight) {
        pad(s, rows, index, count, 1, &weights);
        elements.panel.weights = &weights.panel;
    }
    panel_states(s->plan, &elements.panel, index, states);
}

static void states_one_by_one(const lse_plan *plan, const lse_row *rows, const int *index, ptrdiff_t count,
                              lse_states *states)
{
    lse_states one;
    for (ptrdiff_t i = 0; i < count; i++) {
        lse_whole_states(plan, &rows[index[i]], 1, 0, 1, &one);
        lse_put_sum(lse_sums_in(states), index[i], lse_sum_at(lse_sums_in(&one), 0));
    }
}

/* Segments of nothing: sums without a term, or what becomes -inf. */
static void states_of_nothing(const lse_plan *plan, const int *index, ptrdiff_t count, lse_states *states)
{
    lse_sum nothing = lse_no_sum();
    if (plan->operation != LSE_SUMS && !plan->first.weight) nothing.count = 1.0;
    for (ptrdiff_t i = 0; i < count; i++) lse_put_sum(lse_sums_in(states), index[i], nothing);
}

/* The states of short segments that go together. */
static void short_states(const row_segments *s, const lse_row *rows, const int *index, ptrdiff_t count,
                         lse_states *states)
{
    const ptrdiff_t n = rows[index[0]].n;
    lying p;
    if (n == 0 && (s->direct || rows[index[count - 1]].n == 0)) {
        states_of_nothing(s->plan, index, count, states);
    } else if (!s->direct) {
        padded_states(s, rows, index, count, states);
    } else {
        find_lying(s, rows, index, count, &p);
        panel_states(s->plan, &p.panel, index, states);
    }
}

/* Likewise mapped: of -inf both maps make what they make of elements that are left out, but in segments of NaN. */
static void map_short(const row_segments *s, const lse_row *rows, char **out, const int *index, ptrdiff_t count)
{
    const lse_plan *plan = s->plan;
    padded p;
    pad(s, rows, index, count, 0, &p);
    plan->map->panel(&p.panel);
    for (ptrdiff_t i = 0; i < count; i++) {
        const lse_row *row = &rows[index[i]];
        const char *from = (const char *)p.values + p.at[i];
        char *to = out[index[i]];
        if (plan->out_row.native && s->all.out_stride == plan->itemsize)
            memcpy(to, from, (size_t)(row->n * s->all.out_stride));
        else plan->out_row.store(to, s->all.out_stride, row->n, from);
        if (row->where && isnan(plan->type->get(from))) lse_leave_out(plan, row, to);
    }
}

/* How many of the short segments, indices in the order of their lengths, go together. Those of one element do not go
 * with others, because a map of one is exact; nor do those of none. */
static ptrdiff_t together(const row_segments *s, const lse_row *rows, const int *index, ptrdiff_t count)
{
    const ptrdiff_t n = rows[index[0]].n, most = s->direct ? LSE_BATCH : PADDED;
    ptrdiff_t some = 1;
    while (some < most && some < count && (rows[index[some]].n == n || (!s->direct && n > 1))) some++;
    return some;
}

/* Segments of rows ----------------------------------------------------------------------------------------- */

/* Orders rows by length, shortest first, all those of more than `most` elements as they come; returns how many are no
 * longer. */
static ptrdiff_t sort_by_length(const lse_row *rows, ptrdiff_t count, ptrdiff_t most, int *index)
{
    unsigned char end[LSE_SHORT + 2]; /* of the rows of each length, and all longer ones */
    ptrdiff_t longest = 0;
    for (ptrdiff_t i = 0; i < count; i++) longest = lse_most(longest, lse_least(rows[i].n, most + 1));
    memset(end, 0, (size_t)longest + 1);
    for (ptrdiff_t i = 0; i < count; i++) end[lse_least(rows[i].n, most + 1)]++;
    for (ptrdiff_t n = 1; n <= longest; n++) end[n] = (unsigned char)(end[n] + end[n - 1]);
    const ptrdiff_t some = longest > most ? end[most] : count;
    for (ptrdiff_t i = count - 1; i >= 0; i--) index[--end[lse_least(rows[i].n, most + 1)]] = (int)i;
    return some;
}

/* One segment or as many columns of one, of any length but 0. */
static void run_one(const row_segments *s, const lse_row *rows, char **out, ptrdiff_t count, int threads)
{
    const lse_plan *plan = s->plan;
    const int columns = plan->columns > 0;
    lse_states states;
    if (s->all.maps && columns) {
        lse_map_some_columns(plan, rows, out, count, threads);
        return;
    }
    if (s->all.maps && lse_is_stored(plan, rows[0].n)) {
        lse_map_stored(plan, rows, out, count);
        return;
    }
    lse_whole_states(plan, rows, count, columns, threads, &states);
    lse_finish_group(plan, rows, out, count, &states, threads);
}

static int are_alike(const lse_row *rows, ptrdiff_t count)
{
    int alike = 1;
    for (ptrdiff_t i = 1; i < count; i++) alike &= rows[i].n == rows[0].n;
    return alike;
}

/* The sums of some rows to the output. */
static void finish_rows(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, lse_states *states)
{
    ptrdiff_t out_at[LSE_BATCH];
    for (ptrdiff_t i = count; i % 8 != 0; i++) lse_put_sum(lse_sums_in(states), i, lse_no_sum()); /* whole vectors */
    if (plan->first.weight) {
        lse_finish_group(plan, rows, out, count, states, 1);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) out_at[i] = out[i] - plan->out;
    lse_store_short(plan, out_at, count, states);
}

/* The segments of one batch that are no longer than a piece. */
static void rows_task(void *context, ptrdiff_t number)
{
    const row_segments *s = (const row_segments *)context;
    const lse_plan *plan = s->plan;
    const ptrdiff_t first = number % s->all.batches * LSE_BATCH, end = lse_least(first + LSE_BATCH, s->all.count);
    lse_row rows[LSE_BATCH], row;
    char *out[LSE_BATCH], *base;
    int index[LSE_BATCH];
    lse_states states;
    ptrdiff_t given, count = 0;
    if (lse_is_stopped(plan->failed)) return;
    lse_find_row(plan, number / s->all.batches, &row, &base, &given);
    for (ptrdiff_t i = first; i < end; i++) {
        lse_find_segment(&s->all, &row, base, i, &rows[count], &out[count]);
        count += rows[count].n <= LSE_PIECE && !(s->all.maps && rows[count].n == 0);
    }
    if (count == 0) return;
    const ptrdiff_t few = sort_by_length(rows, count, are_alike(rows, count) ? LSE_SHORT : s->few, index);
    for (ptrdiff_t done = 0, some; done < few; done += some) {
        some = together(s, rows, index + done, few - done);
        if (s->all.maps) map_short(s, rows, out, index + done, some);
        else short_states(s, rows, index + done, some, &states);
    }
    for (ptrdiff_t i = few; i < count && s->all.maps; i++) run_one(s, &rows[index[i]], &out[index[i]], 1, 1);
    if (s->all.maps) return;
    states_one_by_one(plan, rows, index + few, count - few, &states);
    if (!lse_is_stopped(plan->failed)) finish_rows(plan, rows, out, count, &states);
}

/* Segments of columns -------------------------------------------------------------------------------------- */

/* Segment i of panel number `panel` of all. */
static void find_columns(const row_segments *s, ptrdiff_t panel, ptrdiff_t i, lse_members *m)
{
    const lse_plan *plan = s->plan;
    const ptrdiff_t first = panel % s->panels * plan->together;
    lse_find_columns(plan, panel / s->panels, first, lse_least(plan->together, plan->columns - first), m);
    for (ptrdiff_t k = 0; k < m->count; k++)
        lse_find_segment(&s->all, &m->rows[k], m->out[k], i, &m->rows[k], &m->out[k]);
}

static void nothing_in_columns(const row_segments *s, lse_members *m)
{
    ptrdiff_t at[LSE_BATCH];
    lse_states states;
    for (ptrdiff_t k = 0; k < m->count; k++) {
        at[k] = m->out[k] - s->plan->out;
        lse_put_sum(lse_sums_in(&states), k, lse_no_sum());
    }
    if (s->plan->operation == LSE_SUMS) lse_finish_group(s->plan, m->rows, m->out, m->count, &states, 1);
    else if (!s->all.maps) lse_store_nothing(s->plan, at, m->count);
}

/* The places of a panel of columns, and of their elements. */
typedef struct {
    ptrdiff_t at[LSE_BATCH], where_at[LSE_BATCH], out_at[LSE_BATCH];
    ptrdiff_t offset[LSE_SHORT], where_offset[LSE_SHORT], out_offset[LSE_SHORT];
} places;

/* A short segment of some columns, or its weights, as a panel; a mask goes with the weights, if there are any. */
static lse_panel panel_of_columns(const row_segments *s, const lse_members *m, int weights, places *p)
{
    const lse_plan *plan = s->plan;
    const lse_row *row = &m->rows[0];
    const int native = weights ? plan->row.native_weight : 1, masked = row->where && (weights || !row->weight);
    const ptrdiff_t step = weights ? plan->row.weight_step : plan->itemsize;
    for (ptrdiff_t k = 0; k < m->count; k++) {
        p->at[k] = k * step;
        p->where_at[k] = k * plan->row.where_step;
        p->out_at[k] = k * plan->out_column_stride;
    }
    for (ptrdiff_t i = 0; i < row->n; i++) {
        p->offset[i] = i * (weights ? s->all.weight_stride : s->all.stride);
        p->where_offset[i] = i * s->all.where_stride;
        p->out_offset[i] = i * s->all.out_stride;
    }
    return (lse_panel){
        .n = row->n,
        .count = m->count,
        .form =
            native && step == plan->itemsize && !(masked && plan->row.where_step != 1) ? LSE_BY_COLUMNS : LSE_STAGED,
        .out_form = LSE_BY_COLUMNS,
        .x = weights ? row->weight : row->x,
        .where = masked ? row->where : NULL,
        .out = m->out[0],
        .at = p->at,
        .where_at = p->where_at,
        .out_at = p->out_at,
        .offset = p->offset,
        .where_offset = p->where_offset,
        .out_offset = p->out_offset,
        .layout = &plan->row,
        .out_layout = &plan->out_row,
        .are_weights = weights,
    };
}

static void run_short_columns(const row_segments *s, lse_members *m)
{
    const lse_plan *plan = s->plan;
    places p, of_weights;
    lse_states states;
    lse_panel panel = panel_of_columns(s, m, 0, &p), weights;
    if (s->all.maps) {
        plan->map->panel(&panel);
        return;
    }
    if (plan->first.weight) {
        weights = panel_of_columns(s, m, 1, &of_weights);
        panel.weights = &weights;
    }
    (plan->first.weight ? plan->kernels->sum_weighted_panel : plan->kernels->sum_panel)(&panel, &states);
    lse_finish_group(plan, m->rows, m->out, m->count, &states, 1);
}

static void columns_task(void *context, ptrdiff_t number)
{
    const row_segments *s = (const row_segments *)context;
    const ptrdiff_t first = number % s->all.batches * LSE_BATCH, end = lse_least(first + LSE_BATCH, s->all.count);
    lse_members m;
    for (ptrdiff_t i = first; i < end && !lse_is_stopped(s->plan->failed); i++) {
        if (lse_segment_length(&s->all, i) > LSE_PIECE) continue;
        find_columns(s, number / s->all.batches, i, &m);
        if (lse_segment_length(&s->all, i) == 0) nothing_in_columns(s, &m);
        else if (lse_segment_length(&s->all, i) <= LSE_SHORT) run_short_columns(s, &m);
        else run_one(s, m.rows, m.out, m.count, 1);
    }
}

/* All segments --------------------------------------------------------------------------------------------- */

/* Those longer than a piece of a row, or of a panel of columns, each on all threads. */
static void long_segments(const row_segments *s, ptrdiff_t outer, int threads)
{
    const lse_plan *plan = s->plan;
    lse_members m;
    lse_row row;
    char *base;
    ptrdiff_t given;
    for (ptrdiff_t i = 0; i < s->all.count; i++) {
        if (lse_segment_length(&s->all, i) <= LSE_PIECE) continue;
        if (lse_is_stopped(plan->failed)) return;
        if (plan->columns) {
            find_columns(s, outer, i, &m);
            run_one(s, m.rows, m.out, m.count, threads);
        } else {
            lse_find_row(plan, outer, &row, &base, &given);
            lse_find_segment(&s->all, &row, base, i, &m.rows[0], &m.out[0]);
            run_one(s, m.rows, m.out, 1, threads);
        }
    }
}

/* Whether nothing but log-sum-exps or maps of runs is wanted, in the kernels' type. */
static int are_values(const row_segments *s, const lse_request *q)
{
    const lse_plan *plan = s->plan;
    const int sums = q->operation == LSE_LOGSUMEXP && !q->weights.data && !q->sign && !q->low && !plan->store;
    return s->direct && !plan->columns && (sums || s->all.maps);
}

void lse_run_segments(lse_plan *plan, const lse_request *q, int threads)
{
    row_segments s = {.plan = plan, .all = lse_segments_of(q), .panels = 1};
    s.direct = plan->row.native && (s.all.stride == plan->itemsize || plan->n == 1) && !q->where.data &&
               (!q->weights.data || (plan->row.native_weight && s.all.weight_stride == plan->itemsize)) &&
               (!s.all.maps || (plan->out_row.native && s.all.out_stride == plan->itemsize));
    s.few = s.all.maps ? LSE_SHORT : plan->first.weight ? FEW_WEIGHTED : FEW;
    if (plan->columns) {
        plan->together = plan->kernels->panel;
        s.panels = lse_quotient_up(plan->columns, plan->together);
    }
    const ptrdiff_t outer = plan->outer * s.panels;
    int any_longer = plan->n > LSE_PIECE;
    if (are_values(&s, q)) any_longer &= lse_run_segment_values(plan, &s.all, threads);
    else lse_run_until_stopped(plan, plan->columns ? columns_task : rows_task, &s, outer * s.all.batches, threads);
    for (ptrdiff_t i = 0; i < outer && any_longer; i++) long_segments(&s, i, threads);
}
