/* The states of whole rows and columns, from pieces that are merged in index order, whichever thread computed them. */
#include <stdlib.h>

#include "engine/plan.h"

enum {
    WAVE = 256,                    /* pieces whose states are stored at a time */
    COPIED = 1 << 12,              /* elements of a row from which on it is copied where it is turned */
    LONG_LINE = 3 * LSE_PIECE / 4, /* elements of a line from which on lines are summed side by side */
    LINE = 256,                    /* bytes of neighbours in memory that are read at a time, */
    MOST = 1 << 19                 /* if no more bytes have to be copied for that, or those of a piece */
};

/* Pieces of one long row, `together` of them in each task, and copied a few at a time, or of one panel of columns. */
typedef struct {
    const lse_plan *plan;
    const lse_row *row;
    ptrdiff_t columns, first, count, together, few;
    lse_states *states;
} pieces;

static ptrdiff_t longest(const lse_row *rows, ptrdiff_t count)
{
    ptrdiff_t n = 0;
    for (ptrdiff_t i = 0; i < count; i++) n = rows[i].n > n ? rows[i].n : n;
    return n;
}

/* How far from each other the neighbours in memory are in the order of a row, where its elements are better copied,
 * many lines of the cache at a time, than read one by one; else 0. */
static ptrdiff_t turned(const lse_plan *plan)
{
    const lse_layout *row = &plan->row;
    ptrdiff_t inner = 1;
    int axis = row->ndim - 1;
    for (; axis > 0 && row->stride[axis] != plan->itemsize; axis--) inner *= row->shape[axis];
    return inner > 1 && row->stride[axis] == plan->itemsize && row->native && !plan->first.weight ? inner : 0;
}

/* The states of some pieces of a row, out of copies of a few of them. Returns 0 if there is no memory for these. */
static int copied_states(const lse_plan *plan, const lse_row *row, ptrdiff_t piece, ptrdiff_t count, ptrdiff_t few,
                         lse_states *states)
{
    const ptrdiff_t end = lse_least((piece + count) * LSE_PIECE, row->n), most = lse_least(few * LSE_PIECE, row->n);
    const lse_layout run = {.ndim = 1, .shape = {most}, .stride = {plan->itemsize}, .native = 1, .direct = 1};
    char *copy = (char *)malloc((size_t)(most * plan->itemsize));
    if (!copy) return 0;
    for (ptrdiff_t start = piece * LSE_PIECE; start < end && !lse_is_stopped(plan->failed); start += most) {
        const ptrdiff_t n = lse_least(most, end - start);
        plan->kernels->copy_row(&plan->row, row, start, n, copy);
        for (ptrdiff_t done = 0; done < n; done += LSE_PIECE, states++) {
            const lse_row own = {.x = copy + done * plan->itemsize, .n = row->n};
            plan->kernels->rows(&run, &own, 0, lse_least(LSE_PIECE, n - done), 1, states);
        }
        lse_add_progress(n);
    }
    free(copy);
    return 1;
}

/* The states of the elements from piece * LSE_PIECE of several rows, or columns (rows: the first one). */
static void piece_states(const lse_plan *plan, const lse_row *rows, ptrdiff_t count, int columns, ptrdiff_t piece,
                         lse_states *states)
{
    const ptrdiff_t start = piece * LSE_PIECE, left = longest(rows, columns ? 1 : count) - start;
    const ptrdiff_t n = left < LSE_PIECE ? left : LSE_PIECE;
    const lse_real_kernels *k = plan->kernels;
    const int weighted = plan->first.weight != NULL, narrow = count * plan->itemsize < LSE_NARROW;
    const lse_reduce_columns plain_columns = narrow ? k->narrow_columns : k->columns;
    const lse_reduce_columns weighted_columns = narrow ? k->narrow_weighted_columns : k->weighted_columns;
    if (!columns && count == 1 && n >= COPIED && turned(plan) && copied_states(plan, rows, piece, 1, 1, states)) return;
    if (columns) (weighted ? weighted_columns : plain_columns)(&plan->row, rows, start, n, count, states);
    else (weighted ? k->weighted_rows : k->rows)(&plan->row, rows, start, n, count, states);
    lse_add_progress(n * count);
}

void lse_piece_states(const lse_plan *plan, const lse_row *row, ptrdiff_t piece, lse_states *states)
{ piece_states(plan, row, 1, 0, piece, states); }

static void piece_task(void *context, ptrdiff_t index)
{
    const pieces *p = (const pieces *)context;
    const ptrdiff_t at = index * p->together, first = p->first + at;
    const ptrdiff_t count = lse_least(p->together, p->count - at);
    if (lse_is_stopped(p->plan->failed)) return;
    if (p->few > 0 && copied_states(p->plan, p->row, first, count, p->few, &p->states[at])) return;
    for (ptrdiff_t i = 0; i < count; i++)
        piece_states(p->plan, p->row, p->columns ? p->columns : 1, p->columns > 0, first + i, &p->states[at + i]);
}

ptrdiff_t lse_next_piece(const lse_plan *plan, const lse_row *row, ptrdiff_t start)
{
    const ptrdiff_t left = row->n - start;
    return lse_is_stopped(plan->failed) ? 0 : left < LSE_PIECE ? left : LSE_PIECE;
}

static void merge(const lse_plan *plan, lse_states *into, lse_states *from, ptrdiff_t count)
{
    const lse_sums sums = lse_sums_in(into);
    lse_merge_few(plan->table, plan->first.weight != NULL, sums, sums, lse_sums_in(from), count);
}

/* Several rows have one piece each. */
void lse_whole_states(const lse_plan *plan, const lse_row *rows, ptrdiff_t count, int columns, int threads,
                      lse_states *states)
{
    const ptrdiff_t all = (longest(rows, columns ? 1 : count) + LSE_PIECE - 1) / LSE_PIECE;
    const ptrdiff_t inner = columns || count > 1 || all == 1 ? 0 : turned(plan);
    const ptrdiff_t wave = lse_least(all, WAVE);
    pieces p = {plan, rows, columns ? count : 0, 0, wave, 1, 0, NULL};
    if (inner >= LONG_LINE && plan->row.stride[0] == plan->itemsize && !rows[0].where &&
        lse_strand_states(plan, rows, threads, states))
        return;
    if (inner > 0) {
        const ptrdiff_t most = MOST / plan->itemsize, lines = LINE / plan->itemsize * inner;
        const int are_whole = 2 * inner <= most; /* otherwise a copy holds no line, and need not be large */
        p.together = lse_quotient_up(wave, threads > 1 ? 2 * threads : 1);
        p.few = are_whole ? lse_least(lse_quotient_up(lines, LSE_PIECE), most / LSE_PIECE) : 1;
    }
    if (all > 1 && (threads > 1 || p.few > 0)) p.states = (lse_states *)malloc((size_t)wave * sizeof(lse_states));
    if (!p.states) {
        lse_states other;
        piece_states(plan, rows, count, columns, 0, states);
        for (ptrdiff_t piece = 1; piece < all && !lse_is_stopped(plan->failed); piece++) {
            piece_states(plan, rows, count, columns, piece, &other);
            merge(plan, states, &other, count);
        }
        return;
    }
    for (; p.first < all; p.first += wave) {
        p.count = lse_least(all - p.first, wave);
        plan->run(piece_task, &p, lse_quotient_up(p.count, p.together), threads);
        if (lse_is_stopped(plan->failed)) { /* some were never written */
            *states = (lse_states){{0}, {0}, {0}, {0}};
            break;
        }
        for (ptrdiff_t i = 0; i < p.count; i++) {
            if (p.first + i == 0) *states = p.states[0];
            else merge(plan, states, &p.states[i], count);
        }
    }
    free(p.states);
}
