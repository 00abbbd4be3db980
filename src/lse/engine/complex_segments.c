/* Segments of complex rows: short ones of like lengths in the lanes of a tile, longer ones by themselves. */
#include <math.h>

#include "engine/complex.h"

typedef struct {
    const lse_plan *plan;
    lse_segments all;
} complex_segments;

static lse_member find_segment(const complex_segments *s, const lse_member *row, ptrdiff_t i)
{
    lse_member m = *row;
    lse_find_segment(&s->all, &row->row, row->out, i, &m.row, &m.out);
    return m;
}

/* Some short ones, in the order of their lengths. */
static void run_some(const complex_segments *s, lse_member *members, ptrdiff_t count)
{
    const ptrdiff_t n = lse_most(1, members[count - 1].row.n);
    if (s->all.maps) lse_map_members(s->plan, members, count, n);
    else lse_reduce_members(s->plan, members, count, n);
}

static void run_long(const complex_segments *s, lse_member *m, int threads)
{
    lse_complex_sums sums;
    lse_sum_member(s->plan, m, threads, &sums);
    if (lse_is_stopped(s->plan->failed)) return;
    if (s->all.maps) lse_map_long(s->plan, m, 1, &sums, threads);
    else lse_put_complex_values(s->plan, m, 1, &sums, threads);
}

static void segments_task(void *context, ptrdiff_t index)
{
    const complex_segments *s = (const complex_segments *)context;
    const ptrdiff_t first = index % s->all.batches * LSE_BATCH, end = lse_least(first + LSE_BATCH, s->all.count);
    lse_member members[LSE_BATCH], row;
    ptrdiff_t count = 0;
    if (lse_is_stopped(s->plan->failed)) return;
    lse_find_members(s->plan, index / s->all.batches, 1, &row);
    for (ptrdiff_t i = first; i < end; i++) {
        const lse_member m = find_segment(s, &row, i);
        ptrdiff_t at = count;
        if (m.row.n > LSE_PIECE || (m.row.n == 0 && s->all.maps)) continue;
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
    for (ptrdiff_t i = 0; i < s->all.count && !lse_is_stopped(s->plan->failed); i++) {
        if (lse_segment_length(&s->all, i) <= LSE_PIECE) continue;
        lse_member m = find_segment(s, &row, i);
        run_long(s, &m, threads);
    }
}

void lse_run_complex_segments(lse_plan *plan, const lse_request *q, int threads)
{
    const ptrdiff_t rows = plan->outer * plan->kept_length;
    const complex_segments s = {plan, lse_segments_of(q)};
    for (ptrdiff_t row = 0; row < rows; row++) long_segments(&s, row, threads);
    lse_run_until_stopped(plan, segments_task, (void *)&s, rows * s.all.batches, threads);
}
