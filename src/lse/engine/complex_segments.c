/* Segments of complex rows: short ones of like lengths in the lanes of a tile, longer ones by themselves. */
#include <math.h>

#include "engine/complex.h"
#include "engine/operations.h"

typedef struct {
    const lse_plan *plan;
    const ptrdiff_t *offsets;
    ptrdiff_t count;
    /* bytes from an element to the next, and in the output from an element of a map, or a result, to the next */
    ptrdiff_t stride, where_stride, weight_stride, out_stride;
    ptrdiff_t batches; /* of each row */
    int maps;
} complex_segments;

static lse_member find_segment(const complex_segments *s, const lse_member *row, ptrdiff_t i)
{
    lse_member m = *row;
    const ptrdiff_t start = s->offsets[i];
    m.row.x += start * s->stride;
    if (m.row.where) m.row.where += start * s->where_stride;
    if (m.row.weight) m.row.weight += start * s->weight_stride;
    m.row.n = s->offsets[i + 1] - start;
    m.out += (s->maps ? start : i) * s->out_stride;
    return m;
}

/* Some short ones, in the order of their lengths. */
static void run_some(const complex_segments *s, lse_member *members, ptrdiff_t count)
{
    const ptrdiff_t n = lse_most(1, members[count - 1].row.n);
    if (s->maps) lse_map_members(s->plan, members, count, n);
    else lse_reduce_members(s->plan, members, count, n);
}

static void run_long(const complex_segments *s, lse_member *m, int threads)
{
    lse_complex_sums sums;
    lse_sum_member(s->plan, m, threads, &sums);
    if (lse_is_stopped(s->plan->failed)) return;
    if (s->maps) lse_map_long(s->plan, m, 1, &sums, threads);
    else lse_put_complex_values(s->plan, m, 1, &sums, threads);
}

static void segments_task(void *context, ptrdiff_t index)
{
    const complex_segments *s = (const complex_segments *)context;
    const ptrdiff_t first = index % s->batches * LSE_BATCH, end = lse_least(first + LSE_BATCH, s->count);
    lse_member members[LSE_BATCH], row;
    ptrdiff_t count = 0;
    if (lse_is_stopped(s->plan->failed)) return;
    lse_find_members(s->plan, index / s->batches, 1, &row);
    for (ptrdiff_t i = first; i < end; i++) {
        const lse_member m = find_segment(s, &row, i);
        ptrdiff_t at = count;
        if (m.row.n > LSE_PIECE || (m.row.n == 0 && s->maps)) continue;
        for (; at > 0 && members[at - 1].row.n > m.row.n; at--) members[at] = members[at - 1];
        members[at] = m;
        count++;
    }
    ptrdiff_t done = 0;
    while (done < count && members[done].row.n <= LSE_SHORT) {
        ptrdiff_t some = 1;
        while (some < s->plan->complex->lanes && done + some < count && members[done + some].row.n <= LSE_SHORT) some++;
        run_some(s, &members[done], some);
        done += some;
    }
    for (; done < count; done++) run_long(s, &members[done], 1);
}

/* Those that are longer than a piece, each on all threads. */
static void long_segments(const complex_segments *s, ptrdiff_t index, int threads)
{
    lse_member row;
    lse_find_members(s->plan, index, 1, &row);
    for (ptrdiff_t i = 0; i < s->count && !lse_is_stopped(s->plan->failed); i++) {
        if (s->offsets[i + 1] - s->offsets[i] <= LSE_PIECE) continue;
        lse_member m = find_segment(s, &row, i);
        run_long(s, &m, threads);
    }
}

void lse_run_complex_segments(lse_plan *plan, const lse_request *q, int threads)
{
    const ptrdiff_t rows = plan->outer * plan->kept_length;
    complex_segments s = {.plan = plan, .offsets = q->offsets, .count = q->segments, .maps = lse_is_map(q->operation)};
    s.batches = lse_quotient_up(s.count, LSE_BATCH);
    s.out_stride = q->segment_stride;
    for (int axis = 0; axis < q->a.ndim; axis++) {
        if (!(q->reduced >> axis & 1)) continue;
        s.stride = q->a.stride[axis];
        if (q->where.data) s.where_stride = q->where.stride[axis];
        if (q->weights.data) s.weight_stride = q->weights.stride[axis];
        if (s.maps) s.out_stride = q->out.stride[axis];
    }
    for (ptrdiff_t row = 0; row < rows; row++) long_segments(&s, row, threads);
    lse_run_until_stopped(plan, segments_task, &s, rows * s.batches, threads);
}
