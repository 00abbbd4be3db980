/* Complex sums of any length: short ones in one lane of a tile, long ones dealt to all lanes, block by block, in pieces
 * that are merged in the order of their indices. */
#include <math.h>
#include <string.h>

#include "engine/complex.h"

enum { WAVE = 32, SOME = 16 }; /* states of pieces that are held at a time; lines of weights */

static void sum_short(const lse_plan *plan, const lse_member *m, lse_complex_sums *sums)
{
    lse_complex_line tile[LSE_SHORT];
    lse_fill_tile(plan, m, 1, m->row.n, tile);
    if (m->row.weight) {
        lse_weight_line weights[LSE_SHORT];
        lse_fill_weights(plan, m, 1, m->row.n, weights);
        plan->complex->weighted_sums(tile, weights, m->row.n, sums);
    } else {
        plan->complex->sums(tile, m->row.n, 0, sums);
    }
}

static void add_weighted_block(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                               lse_complex_line *tile, lse_complex_sums *sum)
{
    const lse_complex_kernels *kernels = plan->complex;
    const ptrdiff_t lanes = kernels->lanes, lines = lse_quotient_up(n, lanes), size = plan->type->size;
    double pairs[SOME * LSE_PAIR * LSE_LANES / sizeof(double)];
    lse_complex_line of_weights[SOME];
    lse_weight_line weights[LSE_LINES];
    for (ptrdiff_t at = 0, some; at < lines; at += some) {
        const ptrdiff_t left = lse_least(SOME * lanes, n - at * lanes);
        const char *from = lse_fetch_weight_pairs(plan, m, start + at * lanes, left, pairs);
        some = lse_quotient_up(left, lanes);
        if (left % lanes != 0) {
            if (from != (const char *)pairs) memcpy(pairs, from, (size_t)(left * size));
            for (ptrdiff_t i = left; i < some * lanes; i++) lse_set_real_pair(plan, (char *)pairs, i, 0.0);
            from = (const char *)pairs;
        }
        kernels->deal(from, some * lanes, of_weights);
        for (ptrdiff_t k = 0; k < some; k++) memcpy(&weights[at + k], &of_weights[k], sizeof of_weights[k]);
    }
    kernels->add_weighted(tile, weights, lines, sum);
}

/* One piece of each of some sums, a block of one after the other's, for they may be neighbouring columns. */
static void sum_piece(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t piece,
                      lse_complex_sums *sums)
{
    const lse_complex_kernels *kernels = plan->complex;
    const ptrdiff_t end = lse_least((piece + 1) * LSE_PIECE, members[0].row.n);
    const ptrdiff_t block = LSE_BLOCK_BYTES / plan->type->size;
    double pairs[LSE_BLOCK_BYTES / sizeof(double)];
    lse_complex_line tile[LSE_LINES];
    for (ptrdiff_t i = 0; i < count; i++) kernels->start(&sums[i]);
    for (ptrdiff_t start = piece * LSE_PIECE, n; start < end; start += n) {
        n = lse_least(block, end - start);
        for (ptrdiff_t i = 0; i < count; i++) {
            kernels->deal(lse_fetch_pairs(plan, &members[i], start, n, pairs), n, tile);
            if (plan->first.weight) add_weighted_block(plan, &members[i], start, n, tile, &sums[i]);
            else kernels->add(tile, lse_quotient_up(n, kernels->lanes), &sums[i]);
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

static void put_sum(const lse_complex_sums *from, ptrdiff_t i, lse_complex_sums *to, ptrdiff_t j)
{
    to->re[j] = from->re[i];
    to->im[j] = from->im[i];
    to->x[j] = from->x[i];
    to->x_lo[j] = from->x_lo[i];
    to->y[j] = from->y[i];
    to->y_lo[j] = from->y_lo[i];
    to->at[j] = -1;
}

/* Sums without weights of no more than a block: the greatest element is found first. */
static void sum_blocks(const lse_plan *plan, const lse_member *members, ptrdiff_t count, lse_complex_sums *sums)
{
    const lse_complex_kernels *kernels = plan->complex;
    const ptrdiff_t n = members[0].row.n;
    double pairs[LSE_BLOCK_BYTES / sizeof(double)];
    lse_complex_line tile[LSE_LINES];
    lse_complex_sums own;
    for (ptrdiff_t i = 0; i < count; i++) {
        kernels->deal(lse_fetch_pairs(plan, &members[i], 0, n, pairs), n, tile);
        kernels->row(tile, lse_quotient_up(n, kernels->lanes), 0, &own);
        put_sum(&own, 0, sums, i);
    }
    for (ptrdiff_t i = count; i < kernels->lanes; i++) put_sum(sums, 0, sums, i);
    lse_add_progress(n * count);
}

/* Whoever computes the pieces, they are merged in their order. */
void lse_sum_long(const lse_plan *plan, const lse_member *members, ptrdiff_t count, int threads, lse_complex_sums *sums)
{
    const lse_complex_kernels *kernels = plan->complex;
    const ptrdiff_t all = lse_quotient_up(members[0].row.n, LSE_PIECE);
    lse_complex_sums wave[WAVE], whole[LSE_COMPLEX_LANES];
    pieces p = {plan, members, count, 0, wave};
    if (!plan->first.weight && members[0].row.n * plan->type->size <= LSE_BLOCK_BYTES) {
        sum_blocks(plan, members, count, sums);
        return;
    }
    kernels->start(&whole[0]);
    for (ptrdiff_t i = 1; i < count; i++) whole[i] = whole[0];
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
    for (int i = 0; i < count; i++) kernels->end(&whole[i], plan->first.weight != NULL, i, sums);
    for (ptrdiff_t i = count; i < kernels->lanes; i++) put_sum(sums, 0, sums, i);
}

void lse_sum_member(const lse_plan *plan, const lse_member *m, int threads, lse_complex_sums *sums)
{
    if (m->row.n <= LSE_SHORT) sum_short(plan, m, sums);
    else lse_sum_long(plan, m, 1, threads, sums);
}

void lse_put_sum_in_all(const lse_complex_sums *from, int i, lse_complex_sums *to)
{
    for (ptrdiff_t j = 0; j < LSE_COMPLEX_LANES; j++) put_sum(from, i, to, j);
}

static double most_of(const lse_plan *plan)
{ return plan->first.weight ? plan->type->most_weighted : plan->type->most; }

static double least_of(const lse_plan *plan) { return plan->first.weight ? plan->type->least_weighted : 0.0; }

int lse_is_in_range(const lse_plan *plan, const lse_complex_sums *s, int i)
{
    const double rest = fabs(s->x[i]) + fabs(s->y[i]);
    if (s->re[i] == -INFINITY) return rest == 0.0;
    return fabs(s->re[i]) <= most_of(plan) && isfinite(s->im[i]) && rest <= 0x1p1000 && rest >= least_of(plan);
}

int lse_are_in_range(const lse_plan *plan, const lse_complex_sums *s, ptrdiff_t count)
{
    int in_range = plan->complex->are_in_range(s, plan->complex->lanes, most_of(plan), least_of(plan));
    if (in_range) return 1;
    for (int i = 0; i < count; i++)
        if (!lse_is_in_range(plan, s, i)) return 0;
    return 1;
}
