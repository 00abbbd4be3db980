/* Complex sums of any length: short ones in one lane of a tile, long ones dealt to all lanes, block by block, in pieces
 * that are merged in the order of their indices. */
#include <math.h>

#include "engine/complex.h"

enum { WAVE = 32, SOME = 16 }; /* states of pieces that are held at a time; lines of weights */

static void sum_short(const lse_plan *plan, const lse_member *m, lse_complex_sums *sums)
{
    lse_complex_line tile[LSE_SHORT];
    lse_fill_tile(plan, m, 1, m->row.n, tile);
    if (m->row.weight) {
        lse_weight_line weights[LSE_SHORT];
        lse_fill_weights(plan, m, 1, m->row.n, weights);
        plan->table->of_complex.weighted_sums(tile, weights, m->row.n, sums);
    } else {
        plan->table->of_complex.sums(tile, m->row.n, sums);
    }
}

static void add_weighted_block(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                               lse_complex_line *tile, lse_complex_sums *sum)
{
    const lse_complex_kernels *kernels = &plan->table->of_complex;
    double pairs[2 * SOME * LSE_LANES];
    lse_complex_line lines[SOME];
    lse_weight_line weights[LSE_LINES];
    for (ptrdiff_t at = 0, some; at < n; at += some) {
        some = lse_least(SOME * LSE_LANES, n - at);
        kernels->deal(lse_fetch_weight_pairs(plan, m, start + at, some, pairs), some, lines);
        for (ptrdiff_t k = 0; k * LSE_LANES < some; k++)
            for (int i = 0; i < LSE_LANES; i++) {
                const int exists = k * LSE_LANES + i < some;
                weights[at / LSE_LANES + k].re[i] = exists ? lines[k].re[i] : 0.0;
                weights[at / LSE_LANES + k].im[i] = exists ? lines[k].im[i] : 0.0;
            }
    }
    kernels->add_weighted(tile, weights, lse_quotient_up(n, LSE_LANES), sum);
}

/* One piece of each of some sums, a block of one after the other's, for they may be neighbouring columns. */
static void sum_piece(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t piece,
                      lse_complex_sums *sums)
{
    const lse_complex_kernels *kernels = &plan->table->of_complex;
    const ptrdiff_t end = lse_least((piece + 1) * LSE_PIECE, members[0].row.n);
    double pairs[2 * LSE_BLOCK];
    lse_complex_line tile[LSE_LINES];
    for (ptrdiff_t i = 0; i < count; i++) kernels->start(&sums[i]);
    for (ptrdiff_t start = piece * LSE_PIECE, n; start < end; start += n) {
        n = lse_least(LSE_BLOCK, end - start);
        for (ptrdiff_t i = 0; i < count; i++) {
            kernels->deal(lse_fetch_pairs(plan, &members[i], start, n, pairs), n, tile);
            if (plan->first.weight) add_weighted_block(plan, &members[i], start, n, tile, &sums[i]);
            else kernels->add(tile, lse_quotient_up(n, LSE_LANES), &sums[i]);
        }
    }
    lse_add_progress((end - piece * LSE_PIECE) * count);
}

typedef struct {
    const lse_plan *plan;
    const lse_member *members;
    ptrdiff_t count, first;
    lse_complex_sums *sums;
} pieces;

static void piece_task(void *context, ptrdiff_t index)
{
    const pieces *p = (const pieces *)context;
    if (!lse_is_stopped(p->plan->failed))
        sum_piece(p->plan, p->members, p->count, p->first + index, p->sums + index * p->count);
}

/* Whoever computes the pieces, they are merged in their order. */
void lse_sum_long(const lse_plan *plan, const lse_member *members, ptrdiff_t count, int threads, lse_complex_sums *sums)
{
    const lse_complex_kernels *kernels = &plan->table->of_complex;
    const ptrdiff_t all = lse_quotient_up(members[0].row.n, LSE_PIECE);
    lse_complex_sums wave[WAVE], whole[LSE_LANES];
    pieces p = {plan, members, count, 0, wave};
    kernels->start(&whole[0]);
    for (ptrdiff_t i = 1; i < LSE_LANES; i++) whole[i] = whole[0];
    for (ptrdiff_t some; p.first < all; p.first += some) {
        some = threads > 1 ? lse_least(WAVE / count, all - p.first) : 1;
        if (some > 1) plan->run(piece_task, &p, some, threads);
        else piece_task(&p, 0);
        if (lse_is_stopped(plan->failed)) break; /* some of them have never been written to */
        for (ptrdiff_t piece = 0; piece < some; piece++)
            for (ptrdiff_t i = 0; i < count; i++) {
                const lse_complex_sums *own = &wave[piece * count + i];
                if (p.first + piece == 0) whole[i] = *own;
                else (plan->first.weight ? kernels->merge_weighted : kernels->merge)(&whole[i], own);
            }
    }
    for (int i = 0; i < LSE_LANES; i++) kernels->end(&whole[i < count ? i : 0], i, sums);
}

void lse_sum_member(const lse_plan *plan, const lse_member *m, int threads, lse_complex_sums *sums)
{
    if (m->row.n <= LSE_SHORT) sum_short(plan, m, sums);
    else lse_sum_long(plan, m, 1, threads, sums);
}

void lse_put_sum_in_all(const lse_complex_sums *from, int i, lse_complex_sums *to)
{
    for (int j = 0; j < LSE_LANES; j++) {
        to->re[j] = from->re[i];
        to->im[j] = from->im[i];
        to->x[j] = from->x[i];
        to->x_lo[j] = from->x_lo[i];
        to->y[j] = from->y[i];
        to->y_lo[j] = from->y_lo[i];
    }
}

int lse_is_plain(const lse_plan *plan, const lse_complex_sums *s, int i)
{
    const double x = fabs(s->x[i]), y = fabs(s->y[i]), rest = x + y;
    if (s->re[i] == -INFINITY) return rest == 0.0;
    if (!plan->first.weight) return fabs(s->re[i]) <= plan->type->most && isfinite(s->im[i]) && rest <= 0x1p1000;
    return fabs(s->re[i]) <= plan->type->most_weighted && rest <= 0x1p1000 && rest >= plan->type->least_weighted;
}
