/* Segments of rows, of different lengths. */
#include <math.h>
#include <string.h>

#include "engine/plan.h"

/* Segment i of a row consists of elements offsets[i] .. offsets[i + 1]; its result is i * step bytes after that of the
 * first. */
typedef struct {
    const lse_plan *plan;
    const ptrdiff_t *offsets;
    ptrdiff_t count, step;
    ptrdiff_t stride;  /* bytes from one element to the next */
    ptrdiff_t batches; /* per row */
} row_segments;

static void find_segment(const row_segments *segments, const lse_row *row, char *out, ptrdiff_t i, lse_row *segment,
                         char **segment_out)
{
    *segment = *row;
    segment->x += segments->offsets[i] * segments->stride;
    segment->n = segments->offsets[i + 1] - segments->offsets[i];
    *segment_out = out + i * segments->step;
}

/* Segments that are transposed together, all padded to the length of the longest. */
enum { TOGETHER = 16 };

/* The states of short segments of similar lengths, indices into a batch, by a panel of rows of equal length. The
 * padding, -inf, adds nothing. */
static void short_states(const lse_plan *plan, const lse_row *rows, const int *index, ptrdiff_t count,
                         lse_states *states)
{
    double padded[TOGETHER * LSE_SHORT];
    ptrdiff_t at[TOGETHER], n = 1;
    const size_t size = (size_t)plan->itemsize;
    lse_states own;
    for (ptrdiff_t i = 0; i < count; i++) n = rows[index[i]].n > n ? rows[index[i]].n : n;
    for (ptrdiff_t i = 0; i < count; i++) {
        const lse_row *row = &rows[index[i]];
        char *to = (char *)padded + (size_t)(i * n) * size;
        at[i] = to - (char *)padded;
        memcpy(to, row->x, (size_t)row->n * size);
        for (ptrdiff_t k = row->n; k < n; k++) plan->type->put(to, k, -INFINITY);
    }
    const lse_panel panel = {.n = n, .count = count, .form = LSE_BY_ROWS, .x = (const char *)padded, .at = at};
    plan->kernels->sum_panel(&panel, &own);
    for (ptrdiff_t i = 0; i < count; i++) lse_put_sum(lse_sums_in(states), index[i], lse_sum_at(lse_sums_in(&own), i));
}

/* Sorts rows by length, shortest first. */
static void sort_by_length(const lse_row *rows, ptrdiff_t count, int *index)
{
    for (int i = 0; i < count; i++) {
        int at = i;
        for (; at > 0 && rows[index[at - 1]].n > rows[i].n; at--) index[at] = index[at - 1];
        index[at] = i;
    }
}

/* The segments of one batch that are no longer than a piece. */
static void segments_task(void *context, ptrdiff_t number)
{
    const row_segments *segments = (const row_segments *)context;
    const lse_plan *plan = segments->plan;
    const ptrdiff_t first = number % segments->batches * LSE_BATCH;
    lse_row rows[LSE_BATCH], row;
    char *out[LSE_BATCH], *base;
    int index[LSE_BATCH];
    lse_states states, one;
    ptrdiff_t empty_at[LSE_BATCH], given, count = 0, empty = 0, done = 0;
    if (lse_is_stopped(plan->failed)) return;
    lse_find_row(plan, number / segments->batches, &row, &base, &given);
    for (ptrdiff_t i = first; i < first + LSE_BATCH && i < segments->count; i++) {
        find_segment(segments, &row, base, i, &rows[count], &out[count]);
        if (rows[count].n == 0) empty_at[empty++] = out[count] - plan->out;
        else count += rows[count].n <= LSE_PIECE;
    }
    lse_store_nothing(plan, empty_at, empty);
    if (count == 0) return;
    sort_by_length(rows, count, index);
    const int plain = plan->row.native && segments->stride == plan->itemsize;
    while (plain && done < count && rows[index[done]].n <= LSE_SHORT) {
        ptrdiff_t some = 0;
        while (some < TOGETHER && done + some < count && rows[index[done + some]].n <= LSE_SHORT) some++;
        short_states(plan, rows, index + done, some, &states);
        done += some;
    }
    for (; done < count; done++) {
        const int i = index[done];
        lse_whole_states(plan, &rows[i], 1, 0, 1, &one);
        lse_put_sum(lse_sums_in(&states), i, lse_sum_at(lse_sums_in(&one), 0));
    }
    for (ptrdiff_t i = count; i % 8 != 0; i++) lse_put_sum(lse_sums_in(&states), i, lse_no_sum()); /* whole vectors */
    lse_finish_group(plan, rows, out, count, &states, 1);
}

/* The longer segments, each on all threads. */
static void long_segments(const row_segments *segments, ptrdiff_t outer, int threads)
{
    lse_states states;
    lse_row row, segment;
    char *base, *out;
    ptrdiff_t given;
    lse_find_row(segments->plan, outer, &row, &base, &given);
    for (ptrdiff_t i = 0; i < segments->count; i++) {
        if (segments->offsets[i + 1] - segments->offsets[i] <= LSE_PIECE) continue;
        if (lse_is_stopped(segments->plan->failed)) return;
        find_segment(segments, &row, base, i, &segment, &out);
        lse_whole_states(segments->plan, &segment, 1, 0, threads, &states);
        lse_finish_group(segments->plan, &segment, &out, 1, &states, threads);
    }
}

void lse_run_segments(lse_plan *plan, const lse_request *q, int threads)
{
    const ptrdiff_t batches = lse_quotient_up(q->segments, LSE_BATCH);
    row_segments segments = {plan, q->offsets, q->segments, q->segment_stride, 0, batches};
    for (int axis = 0; axis < q->a.ndim; axis++)
        if (q->reduced >> axis & 1) segments.stride = q->a.stride[axis];
    for (ptrdiff_t outer = 0; outer < plan->outer; outer++) long_segments(&segments, outer, threads);
    lse_run_until_stopped(plan, segments_task, &segments, plan->outer * batches, threads);
}
