/* Segments of complex rows: short ones of like lengths in the lanes of a tile, longer ones by themselves. */
#include <math.h>

#include "engine/complex.h"

typedef struct {
    const lse_plan *plan;
    const ptrdiff_t *offsets;
    ptrdiff_t count, step; /* bytes from a result to the next */
    ptrdiff_t stride;      /* bytes from an element to the next */
    ptrdiff_t batches;     /* of each row */
} complex_segments;

static lse_member find_segment(const complex_segments *s, const lse_member *row, ptrdiff_t i)
{
    lse_member m = *row;
    m.row.x += s->offsets[i] * s->stride;
    m.row.n = s->offsets[i + 1] - s->offsets[i];
    m.out += i * s->step;
    return m;
}

/* Some of one batch, in the order of their lengths. */
static void reduce_some(const lse_plan *plan, const lse_member *members, ptrdiff_t count)
{
    lse_complex_line tile[LSE_SHORT];
    lse_complex_sums sums;
    const ptrdiff_t n = lse_most(1, members[count - 1].row.n);
    lse_fill_tile(plan, members, count, n, tile);
    plan->complex->sums(tile, n, 0, &sums);
    lse_put_complex_values(plan, members, count, &sums, 1);
}

static void segments_task(void *context, ptrdiff_t index)
{
    const complex_segments *s = (const complex_segments *)context;
    const lse_plan *plan = s->plan;
    const ptrdiff_t first = index % s->batches * LSE_BATCH, end = lse_least(first + LSE_BATCH, s->count);
    lse_member members[LSE_BATCH], row;
    ptrdiff_t count = 0;
    if (lse_is_stopped(plan->failed)) return;
    lse_find_members(plan, index / s->batches, 1, &row);
    for (ptrdiff_t i = first; i < end; i++) {
        const lse_member m = find_segment(s, &row, i);
        ptrdiff_t at = count;
        if (m.row.n > LSE_PIECE) continue;
        for (; at > 0 && members[at - 1].row.n > m.row.n; at--) members[at] = members[at - 1];
        members[at] = m;
        count++;
    }
    ptrdiff_t done = 0;
    while (done < count && members[done].row.n <= LSE_SHORT) {
        ptrdiff_t some = 1;
        while (some < plan->complex->lanes && done + some < count && members[done + some].row.n <= LSE_SHORT) some++;
        reduce_some(plan, &members[done], some);
        done += some;
    }
    for (; done < count; done++) {
        lse_complex_sums sums;
        lse_sum_member(plan, &members[done], 1, &sums);
        lse_put_complex_values(plan, &members[done], 1, &sums, 1);
    }
}

/* Those that are longer than a piece, each on all threads. */
static void long_segments(const complex_segments *s, ptrdiff_t index, int threads)
{
    lse_member row;
    lse_find_members(s->plan, index, 1, &row);
    for (ptrdiff_t i = 0; i < s->count; i++) {
        lse_complex_sums sums;
        if (s->offsets[i + 1] - s->offsets[i] <= LSE_PIECE) continue;
        const lse_member m = find_segment(s, &row, i);
        lse_sum_member(s->plan, &m, threads, &sums);
        if (lse_is_stopped(s->plan->failed)) return;
        lse_put_complex_values(s->plan, &m, 1, &sums, threads);
    }
}

void lse_run_complex_segments(lse_plan *plan, const lse_request *q, int threads)
{
    const ptrdiff_t batches = lse_quotient_up(q->segments, LSE_BATCH), rows = plan->outer * plan->kept_length;
    complex_segments s = {plan, q->offsets, q->segments, q->segment_stride, 0, batches};
    for (int axis = 0; axis < q->a.ndim; axis++)
        if (q->reduced >> axis & 1) s.stride = q->a.stride[axis];
    for (ptrdiff_t row = 0; row < rows; row++) long_segments(&s, row, threads);
    lse_run_until_stopped(plan, segments_task, &s, rows * batches, threads);
}
