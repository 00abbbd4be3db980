/* The states of the pieces of one long row whose neighbours in memory are far apart in its order, as those of an array
 * in Fortran order: its lines, of which the elements of the same index are neighbours, are longer than what is copied.
 *
 * A strand is some consecutive pieces that begin in one line; it may end in a later one. Those of neighbouring lines
 * are summed side by side, each in its order: tile by tile, elements are copied so that those of a line follow each
 * other. When the lines have been gone through, strands that did not end go on in the next line, from its start. */
#include <stdlib.h>
#include <string.h>

#include "engine/places.h"

enum {
    WIDTH = 512,                   /* bytes of neighbours in memory that are strands of one task, */
    STRIP = 8,                     /* as many of them copied together, */
    STEPS = 512,                   /* and elements of each */
    LANE = LSE_SHORT + STEPS + 16, /* what waits for a whole block is before those; not a power of two, for the cache */
    LONG_SPAN = 8 * LSE_PIECE      /* least part of a line whose pieces are a task: what follows it is read again */
};

typedef struct {
    lse_part_sum sum;
    ptrdiff_t at, end; /* the next element to be copied, and the last one */
    ptrdiff_t kept;    /* elements before it that wait for a whole block */
    int fails;         /* whether the piece needs another way */
} strand;

typedef struct {
    const lse_plan *plan;
    const lse_row *row;
    ptrdiff_t inner, lines, spans, span;
    lse_sum *sums; /* of the pieces */
} strands;

static ptrdiff_t up_to_piece(ptrdiff_t at) { return lse_quotient_up(at, LSE_PIECE) * LSE_PIECE; }

/* Adds n elements of a strand that begin a block; returns how many of them do not fill one. */
static ptrdiff_t extend(const strands *all, strand *s, const char *x, ptrdiff_t at, ptrdiff_t n)
{
    const lse_plan *plan = all->plan;
    lse_states own;
    while (n > 0) {
        const ptrdiff_t within = at % LSE_PIECE, left = lse_least(LSE_PIECE - within, all->row->n - at);
        const int last = n >= left;
        const ptrdiff_t some = last ? left : n - n % LSE_SHORT;
        if (some == 0) break;
        if (within == 0) s->fails = 0;
        s->fails = s->fails || !plan->kernels->sum_part(&s->sum, x, within, some, last, &own);
        if (last && s->fails) lse_piece_states(plan, all->row, at / LSE_PIECE, &own);
        if (last) all->sums[at / LSE_PIECE] = lse_sum_at(lse_sums_in(&own), 0);
        x += some * plan->itemsize;
        at += some;
        n -= some;
    }
    return n;
}

/* Elements from .. until of `count` lines, each to a lane from LSE_SHORT on. */
static void copy_tile(const strands *all, ptrdiff_t line, ptrdiff_t count, ptrdiff_t from, ptrdiff_t until, char *lanes)
{
    const lse_plan *plan = all->plan;
    const lse_layout *row = &plan->row;
    lse_place place;
    lse_find_place(&place, row, row->stride, line * all->inner + from);
    for (ptrdiff_t done = 0, some; done < until - from; done += some) {
        some = lse_run_of(&place, until - from - done);
        plan->kernels->transpose(all->row->x + place.at, row->stride[row->ndim - 1], some, count,
                                 lanes + (LSE_SHORT + done) * plan->itemsize, LANE * plan->itemsize);
        lse_go_on(&place, some);
    }
}

/* What `count` strands have in these columns of as many lines. */
static void extend_strip(const strands *all, strand *s, ptrdiff_t line, ptrdiff_t count, ptrdiff_t from,
                         ptrdiff_t until, char *lanes)
{
    const ptrdiff_t size = all->plan->itemsize, inner = all->inner;
    ptrdiff_t low = until, high = from;
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t start = s[i].at - (line + i) * inner, end = s[i].end - (line + i) * inner;
        if (start >= until || end <= from || start >= end) continue;
        low = lse_least(low, lse_most(start, from));
        high = lse_most(high, lse_least(end, until));
    }
    if (low >= high) return;
    copy_tile(all, line, lse_least(count, all->lines - line), low, high, lanes);
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t start = s[i].at - (line + i) * inner, end = lse_least(s[i].end - (line + i) * inner, high);
        if (start >= end) continue;
        char *base = lanes + (i * LANE + LSE_SHORT) * size, *run = base + (start - low - s[i].kept) * size;
        const ptrdiff_t n = end - start + s[i].kept, left = extend(all, &s[i], run, s[i].at - s[i].kept, n);
        memmove(base - left * size, run + (n - left) * size, (size_t)(left * size));
        s[i].at += end - start;
        s[i].kept = left;
        lse_add_progress(end - start);
    }
}

/* One by one, where there is no memory for more. */
static void sum_pieces(const strands *all, ptrdiff_t at, ptrdiff_t end)
{
    lse_states own;
    for (; at < end && !lse_is_stopped(all->plan->failed); at += LSE_PIECE) {
        lse_piece_states(all->plan, all->row, at / LSE_PIECE, &own);
        all->sums[at / LSE_PIECE] = lse_sum_at(lse_sums_in(&own), 0);
    }
}

/* Elements from .. of the lines in which these strands are: of `line` and on, one each. Returns whether any goes on in
 * the next line. */
static int extend_all(const strands *all, strand *s, ptrdiff_t line, ptrdiff_t count, ptrdiff_t from, char *lanes)
{
    ptrdiff_t until = 0;
    int more = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t left = s[i].at < s[i].end ? s[i].end - (line + i) * all->inner : 0;
        until = lse_most(until, lse_least(left, all->inner));
        more |= left > all->inner;
    }
    for (; from < until && !lse_is_stopped(all->plan->failed); from += STEPS)
        for (ptrdiff_t i = 0; i < count; i += STRIP)
            extend_strip(all, s + i, line + i, lse_least(STRIP, count - i), from, lse_least(from + STEPS, until),
                         lanes + i * LANE * all->plan->itemsize);
    return more && !lse_is_stopped(all->plan->failed);
}

static void strands_task(void *context, ptrdiff_t index)
{
    const strands *all = (const strands *)context;
    const ptrdiff_t size = all->plan->itemsize, most = WIDTH / size, first = index / all->spans * most;
    const ptrdiff_t count = lse_least(most, all->lines - first), from = index % all->spans * all->span;
    const ptrdiff_t until = lse_least(from + all->span, all->inner);
    strand *s = (strand *)malloc((size_t)(count * ((ptrdiff_t)sizeof *s + LANE * size)));
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t start = (first + i) * all->inner, at = up_to_piece(start + from);
        const ptrdiff_t end = lse_least(up_to_piece(start + until), all->row->n);
        if (s) s[i] = (strand){.at = at, .end = end};
        else sum_pieces(all, at, end);
    }
    for (ptrdiff_t line = first; s && extend_all(all, s, line, count, line == first ? from : 0, (char *)(s + count));)
        line++;
    free(s);
}

int lse_strand_states(const lse_plan *plan, const lse_row *row, int threads, lse_states *states)
{
    const ptrdiff_t count = lse_quotient_up(row->n, LSE_PIECE), lines = plan->row.shape[0];
    const ptrdiff_t inner = row->n / lines, groups = lse_quotient_up(lines * plan->itemsize, WIDTH);
    const ptrdiff_t wanted = threads > 1 ? lse_quotient_up(2 * threads, groups) : 1;
    const ptrdiff_t span = lse_least(inner, lse_most(lse_quotient_up(inner, wanted), LONG_SPAN));
    lse_sum *sums = (lse_sum *)malloc((size_t)count * sizeof *sums);
    const strands all = {plan, row, inner, lines, lse_quotient_up(inner, span), span, sums};
    lse_states other;
    if (!sums) return 0;
    plan->run(strands_task, (void *)&all, groups * all.spans, threads);
    if (lse_is_stopped(plan->failed)) { /* some were never written */
        *states = (lse_states){{0}, {0}, {0}, {0}};
    } else {
        lse_put_sum(lse_sums_in(states), 0, sums[0]);
        for (ptrdiff_t i = 1; i < count; i++) {
            lse_put_sum(lse_sums_in(&other), 0, sums[i]);
            lse_merge_few(plan->table, 0, lse_sums_in(states), lse_sums_in(states), lse_sums_in(&other), 1);
        }
    }
    free(sums);
    return 1;
}
