/* The states of whole rows and columns, from pieces that are merged in index order, whichever thread computed them. */
#include <stdlib.h>

#include "engine/plan.h"

enum { WAVE = 256, COPIED = 1 << 12 }; /* pieces whose states are stored at a time; elements of one that is copied */

/* Pieces of one long row, or of one panel of columns. */
typedef struct {
    const lse_plan *plan;
    const lse_row *row;
    ptrdiff_t columns, first;
    lse_states *states;
} pieces;

static ptrdiff_t longest(const lse_row *rows, ptrdiff_t count)
{
    ptrdiff_t n = 0;
    for (ptrdiff_t i = 0; i < count; i++) n = rows[i].n > n ? rows[i].n : n;
    return n;
}

/* Whether the neighbours in memory of an element, which is native, are far from it in the order of a row, so that the
 * elements of a piece are better read a line of the cache at a time than one by one. */
static int is_turned(const lse_plan *plan)
{
    const lse_layout *row = &plan->row;
    int turned = 0;
    for (int axis = 0; axis < row->ndim - 1; axis++) turned |= row->stride[axis] == plan->itemsize;
    return turned && row->native && !plan->first.weight;
}

/* The states of elements start .. start + n of a row, out of a copy of them. Returns 0 if there is no memory for that. */
static int copied_states(const lse_plan *plan, const lse_row *row, ptrdiff_t start, ptrdiff_t n, lse_states *states)
{
    const lse_layout run = {.ndim = 1, .shape = {n}, .stride = {plan->itemsize}, .native = 1, .direct = 1};
    char *copy = (char *)malloc((size_t)(n * plan->itemsize));
    if (!copy) return 0;
    plan->kernels->copy_row(&plan->row, row, start, n, copy);
    plan->kernels->rows(&run, &(lse_row){.x = copy, .n = n}, 0, n, 1, states);
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
    if (!columns && count == 1 && n >= COPIED && is_turned(plan) && copied_states(plan, rows, start, n, states)) {
        lse_add_progress(n);
        return;
    }
    if (columns) (weighted ? weighted_columns : plain_columns)(&plan->row, rows, start, n, count, states);
    else (weighted ? k->weighted_rows : k->rows)(&plan->row, rows, start, n, count, states);
    lse_add_progress(n * count);
}

static void piece_task(void *context, ptrdiff_t index)
{
    const pieces *p = (const pieces *)context;
    if (lse_is_stopped(p->plan->failed)) return;
    piece_states(p->plan, p->row, p->columns ? p->columns : 1, p->columns > 0, p->first + index, &p->states[index]);
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
    const ptrdiff_t wave = all < WAVE ? all : WAVE;
    pieces p = {plan, rows, columns ? count : 0, 0, NULL};
    if (all > 1 && threads > 1) p.states = (lse_states *)malloc((size_t)wave * sizeof(lse_states));
    if (!p.states) {
        lse_states other;
        piece_states(plan, rows, count, columns, 0, states);
        for (ptrdiff_t piece = 1; piece < all && !lse_is_stopped(plan->failed); piece++) {
            piece_states(plan, rows, count, columns, piece, &other);
            merge(plan, states, &other, count);
        }
        return;
    }
    for (; p.first < all; p.first += WAVE) {
        const ptrdiff_t some = all - p.first < WAVE ? all - p.first : WAVE;
        plan->run(piece_task, &p, some, threads);
        if (lse_is_stopped(plan->failed)) { /* some were never written */
            *states = (lse_states){{0}, {0}, {0}, {0}};
            break;
        }
        for (ptrdiff_t i = 0; i < some; i++) {
            if (p.first + i == 0) *states = p.states[0];
            else merge(plan, states, &p.states[i], count);
        }
    }
    free(p.states);
}
