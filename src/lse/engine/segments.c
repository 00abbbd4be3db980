/* Segments of rows, of different lengths. */
#include "engine/fp.h"
#include "engine/plan.h"

static void find_segment(const lse_segments *segments, const lse_row *row, char *out, ptrdiff_t i, lse_row *segment,
                         char **segment_out)
{
    *segment = *row;
    segment->x += segments->offsets[i] * segments->stride;
    segment->n = segments->offsets[i + 1] - segments->offsets[i];
    *segment_out = out + i * segments->step;
}

/* Of a batch those that have more elements than `least`, and no more than `most`. */
static void some_segments(const lse_segments *segments, const lse_row *row, char *base, ptrdiff_t first,
                          ptrdiff_t least, ptrdiff_t most)
{
    lse_row rows[LSE_BATCH];
    char *out[LSE_BATCH];
    lse_states states;
    ptrdiff_t count = 0;
    for (ptrdiff_t i = first; i < first + LSE_BATCH && i < segments->count; i++) {
        find_segment(segments, row, base, i, &rows[count], &out[count]);
        count += least < rows[count].n && rows[count].n <= most;
    }
    if (count == 0) return;
    lse_whole_states(segments->plan, rows, count, 0, NULL, 1, &states);
    lse_finish_group(segments->plan, rows, out, count, &states, 1);
}

/* The segments of one batch that are no longer than a piece; the short apart, which the kernels turn in tiles. */
static void segments_task(void *context, ptrdiff_t index)
{
    const lse_segments *segments = (const lse_segments *)context;
    const ptrdiff_t first = index % segments->batches * LSE_BATCH, tile = 64 / segments->plan->itemsize;
    lse_row row;
    char *base;
    ptrdiff_t given;
    if (lse_is_stopped(segments->plan->failed)) return;
    lse_find_row(segments->plan, index / segments->batches, &row, &base, &given);
    some_segments(segments, &row, base, first, -1, tile);
    some_segments(segments, &row, base, first, tile, LSE_PIECE);
}

/* Those that are longer, each on all threads. */
static void long_segments(const lse_segments *segments, ptrdiff_t outer, int threads)
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
        lse_whole_states(segments->plan, &segment, 1, 0, NULL, threads, &states);
        lse_finish_group(segments->plan, &segment, &out, 1, &states, threads);
    }
}

void lse_execute_segments(lse_segments *segments, int threads)
{
    const lse_plan *plan = segments->plan;
    const lse_fp_state found = lse_fp_enter();
    segments->batches = (segments->count + LSE_BATCH - 1) / LSE_BATCH;
    for (ptrdiff_t outer = 0; outer < plan->outer; outer++) long_segments(segments, outer, threads);
    lse_run_until_stopped(plan, segments_task, segments, plan->outer * segments->batches, threads);
    lse_fp_leave(found);
}
