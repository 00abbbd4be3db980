/* Complex operations, cut into tasks of some sums each; long rows into pieces and blocks. */
#include <math.h>
#include <string.h>

#include "engine/complex.h"
#include "engine/operations.h"

enum { STORED_BYTES = 2 * LSE_BLOCK_BYTES }; /* of a row that stays in one tile */

/* Results -------------------------------------------------------------------------------------------------- */

/* Every NaN is stored as the same one. */
static void set_pair(double *pair, double re, double im)
{
    pair[0] = re != re ? NAN : re;
    pair[1] = im != im ? NAN : im;
}

/* One pair for each sum, beside the output. */
static void put_pairs(const lse_plan *plan, char *base, const lse_member *members, ptrdiff_t count, const double *pairs)
{
    const ptrdiff_t first = members[0].out - plan->out, step = count > 1 ? members[1].out - members[0].out : 0;
    int even = 1;
    for (ptrdiff_t i = 2; i < count; i++) even &= members[i].out - members[i - 1].out == step;
    if (even) {
        plan->out_row.store(base + first, step, count, pairs);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) plan->out_row.store(base + (members[i].out - plan->out), 0, 1, pairs + 2 * i);
}

/* Nothing but logarithms. */
static void put_logarithms(const lse_plan *plan, const lse_member *members, ptrdiff_t count,
                           const lse_complex_results *r)
{
    double values[2 * LSE_COMPLEX_LANES];
    for (ptrdiff_t i = 0; i < count; i++) {
        values[2 * i] = r->log[i];
        values[2 * i + 1] = r->angle[i];
    }
    put_pairs(plan, plan->out, members, count, values);
}

void lse_put_complex_values(const lse_plan *plan, const lse_member *members, ptrdiff_t count,
                            const lse_complex_sums *sums, int threads)
{
    double values[2 * LSE_COMPLEX_LANES], signs[2 * LSE_COMPLEX_LANES], lows[2 * LSE_COMPLEX_LANES];
    lse_complex_results r;
    plan->complex->finish(sums, plan->first.weight != NULL, plan->sign != NULL, &r);
    int shifted = 0;
    for (ptrdiff_t i = 0; i < count; i++) shifted |= members[i].shift != 0.0;
    if (!shifted && !plan->sign && !plan->low && plan->divisor == 0.0 && lse_are_in_range(plan, sums, count)) {
        put_logarithms(plan, members, count, &r);
        return;
    }
    for (int i = 0; i < count; i++) {
        lse_complex_value v = {r.log[i], r.log_lo[i], r.angle[i], r.angle_lo[i], 0.0, 0.0};
        if (plan->sign) {
            v.sign_re = r.sign_re[i];
            v.sign_im = r.sign_im[i];
        }
        if (!lse_is_in_range(plan, sums, i)) {
            lse_member m = members[i];
            m.shift = 0.0;
            lse_careful_value(plan, &m, threads, &v);
        } else if (members[i].shift != 0.0) {
            const pair log = two_sum(members[i].shift, v.log);
            v.log = log.hi;
            v.log_lo += log.lo;
            const pair sum = two_sum(v.log, v.log_lo);
            v.log = sum.hi;
            v.log_lo = sum.lo;
        }
        if (plan->divisor != 0.0) v.log = lse_divide(v.log, v.log_lo, plan->divisor, plan->divisor_lo);
        set_pair(values + 2 * i, v.log, v.angle);
        set_pair(signs + 2 * i, v.sign_re, v.sign_im);
        set_pair(lows + 2 * i, v.log_lo, v.angle_lo);
    }
    put_pairs(plan, plan->out, members, count, values);
    if (plan->sign) put_pairs(plan, plan->sign, members, count, signs);
    if (plan->low) put_pairs(plan, plan->low, members, count, lows);
}

/* Short sums ----------------------------------------------------------------------------------------------- */

static void reduce_weighted(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                            lse_complex_line *tile, lse_complex_sums *sums)
{
    lse_weight_line weights[LSE_SHORT];
    lse_fill_weights(plan, members, count, n, weights);
    plan->complex->weighted_sums(tile, weights, n, sums);
}

/* Sums without weights whose elements are only too far out are read less the greatest of them; whether there are any. */
static int shift_far(const lse_plan *plan, const lse_complex_sums *sums, lse_member *members, ptrdiff_t count)
{
    int any = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const int is_far = isfinite(sums->re[i]) && fabs(sums->re[i]) > plan->type->most && isfinite(sums->im[i]);
        members[i].shift = is_far ? sums->re[i] : 0.0;
        any |= is_far;
    }
    return any;
}

void lse_reduce_members(const lse_plan *plan, lse_member *members, ptrdiff_t count, ptrdiff_t n)
{
    lse_complex_line tile[LSE_SHORT];
    lse_complex_sums sums;
    lse_fill_tile(plan, members, count, n, tile);
    if (plan->first.weight) reduce_weighted(plan, members, count, n, tile, &sums);
    else plan->complex->sums(tile, n, 0, &sums);
    if (!plan->first.weight && !lse_are_in_range(plan, &sums, count) && shift_far(plan, &sums, members, count)) {
        lse_fill_tile(plan, members, count, n, tile);
        plan->complex->sums(tile, n, 0, &sums);
    }
    lse_put_complex_values(plan, members, count, &sums, 1);
}

/* Maps ----------------------------------------------------------------------------------------------------- */

/* What divides the elements of count sums; NaN where there is no result. */
static void divide(const lse_plan *plan, const lse_complex_sums *sums, ptrdiff_t count, int in_range,
                   lse_complex_divisors *divisors)
{
    plan->complex->divide(sums, plan->operation, divisors);
    if (in_range) return;
    for (int i = 0; i < count; i++)
        if (!lse_is_in_range(plan, sums, i)) divisors->nan[i] = NAN;
}

static int is_nothing(const lse_plan *plan, const lse_complex_sums *sums, int i)
{ return sums->re[i] == -INFINITY && lse_is_in_range(plan, sums, i); }

static void put_empty(const lse_plan *plan, const lse_member *m)
{
    double pairs[2 * LSE_LINES]; /* or floats */
    for (ptrdiff_t i = 0; i < LSE_LINES; i++) lse_set_real_pair(plan, (char *)pairs, i, plan->empty);
    for (ptrdiff_t start = 0; start < m->row.n; start += LSE_LINES)
        lse_put_pairs(plan, m, start, lse_least(LSE_LINES, m->row.n - start), pairs);
}

/* A row of NaN, because there is nothing in it or for another reason. */
static void finish_nan(const lse_plan *plan, const lse_member *m, int nothing)
{
    if (nothing && plan->has_empty) put_empty(plan, m);
    lse_put_left_out(plan, m, plan->operation == LSE_SOFTMAX ? 0.0 : -INFINITY);
}

void lse_map_members(const lse_plan *plan, lse_member *members, ptrdiff_t count, ptrdiff_t n)
{
    const lse_complex_kernels *kernels = plan->complex;
    const int keep = plan->operation == LSE_SOFTMAX;
    lse_complex_line tile[LSE_SHORT];
    lse_complex_sums sums;
    lse_complex_divisors divisors;
    int again = 0;
    lse_fill_tile(plan, members, count, n, tile);
    kernels->sums(tile, n, keep, &sums);
    int in_range = lse_are_in_range(plan, &sums, count);
    if (!in_range && shift_far(plan, &sums, members, count)) {
        lse_fill_tile(plan, members, count, n, tile);
        kernels->sums(tile, n, keep, &sums);
        in_range = lse_are_in_range(plan, &sums, count);
    }
    for (int i = 0; i < count && !in_range; i++) {
        if (lse_is_in_range(plan, &sums, i)) continue;
        members[i].shift = 0.0;
        again |= lse_careful_member(plan, &members[i]);
    }
    if (again) {
        lse_fill_tile(plan, members, count, n, tile);
        kernels->sums(tile, n, keep, &sums);
    }
    divide(plan, &sums, count, in_range, &divisors);
    if (keep) kernels->softmax_of_terms(tile, n, &divisors);
    else kernels->log_softmax(tile, n, 0, &divisors);
    lse_put_tile(plan, members, count, n, tile);
    for (int i = 0; i < count; i++)
        if (isnan(divisors.nan[i])) finish_nan(plan, &members[i], is_nothing(plan, &sums, i));
}

/* A run of n elements of a tile that one sum was dealt to. */
static void put_run(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                    const lse_complex_line *tile)
{
    double pairs[LSE_BLOCK_BYTES / sizeof(double)];
    const ptrdiff_t block = LSE_BLOCK_BYTES / plan->type->size, lanes = plan->complex->lanes;
    char *to = lse_place_of_run(plan, m, start);
    if (to) {
        plan->complex->collect(tile, n, to);
        return;
    }
    for (ptrdiff_t at = 0, some; at < n; at += some) {
        some = lse_least(block, n - at);
        plan->complex->collect(tile + at / lanes, some, (char *)pairs);
        lse_put_pairs(plan, m, start + at, some, pairs);
    }
}

static void deal_blocks(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, lse_complex_line *tile)
{
    double pairs[LSE_BLOCK_BYTES / sizeof(double)];
    const ptrdiff_t block = LSE_BLOCK_BYTES / plan->type->size, lanes = plan->complex->lanes;
    for (ptrdiff_t at = 0, some; at < n; at += some) {
        some = lse_least(block, n - at);
        plan->complex->deal(lse_fetch_pairs(plan, m, start + at, some, pairs), some, tile + at / lanes);
    }
}

/* A row that stays in one tile from its sum to its results. */
static void map_stored(const lse_plan *plan, lse_member *m)
{
    const lse_complex_kernels *kernels = plan->complex;
    const int keep = plan->operation == LSE_SOFTMAX;
    const ptrdiff_t n = plan->n, lines = lse_quotient_up(n, kernels->lanes);
    lse_complex_line tile[STORED_BYTES / sizeof(lse_complex_line)];
    lse_complex_sums sums;
    lse_complex_divisors divisors;
    deal_blocks(plan, m, 0, n, tile);
    kernels->row(tile, lines, keep, &sums);
    if (!lse_is_in_range(plan, &sums, 0) && lse_careful_member(plan, m)) {
        deal_blocks(plan, m, 0, n, tile);
        kernels->row(tile, lines, keep, &sums);
    }
    divide(plan, &sums, kernels->lanes, 0, &divisors);
    if (keep) kernels->softmax_of_terms(tile, lines, &divisors);
    else kernels->log_softmax(tile, lines, 0, &divisors);
    put_run(plan, m, 0, n, tile);
    if (isnan(divisors.nan[0])) finish_nan(plan, m, is_nothing(plan, &sums, 0));
}

/* Long rows, or neighbouring columns, that are mapped together. */
typedef struct {
    const lse_plan *plan;
    const lse_member *members;
    ptrdiff_t count;
    lse_complex_divisors divisors[LSE_COMPLEX_LANES];
} long_map;

static void map_block(void *context, ptrdiff_t index)
{
    const long_map *map = (const long_map *)context;
    const lse_plan *plan = map->plan;
    const lse_complex_kernels *kernels = plan->complex;
    const ptrdiff_t block = LSE_BLOCK_BYTES / plan->type->size, start = index * block;
    const ptrdiff_t n = lse_least(block, map->members[0].row.n - start), lines = lse_quotient_up(n, kernels->lanes);
    lse_complex_line tile[LSE_LINES];
    if (lse_is_stopped(plan->failed)) return;
    for (ptrdiff_t i = 0; i < map->count; i++) {
        const lse_member *m = &map->members[i];
        deal_blocks(plan, m, start, n, tile);
        if (plan->operation == LSE_SOFTMAX) kernels->softmax(tile, lines, &map->divisors[i]);
        else kernels->log_softmax(tile, lines, 1, &map->divisors[i]);
        put_run(plan, m, start, n, tile);
    }
}

void lse_map_long(const lse_plan *plan, lse_member *members, ptrdiff_t count, const lse_complex_sums *sums, int threads)
{
    long_map map = {.plan = plan, .members = members, .count = count};
    lse_complex_sums own;
    int nothing[LSE_COMPLEX_LANES];
    for (int i = 0; i < count; i++) {
        nothing[i] = is_nothing(plan, sums, i);
        if (lse_is_in_range(plan, sums, i) || !lse_careful_member(plan, &members[i])) lse_put_sum_in_all(sums, i, &own);
        else lse_sum_member(plan, &members[i], threads, &own);
        divide(plan, &own, plan->complex->lanes, 0, &map.divisors[i]);
    }
    lse_run_until_stopped(plan, map_block, &map, lse_quotient_up(members[0].row.n * plan->type->size, LSE_BLOCK_BYTES),
                          threads);
    for (int i = 0; i < count; i++)
        if (isnan(map.divisors[i].nan[0])) finish_nan(plan, &members[i], nothing[i]);
}

/* Tasks ---------------------------------------------------------------------------------------------------- */

static void short_task(void *context, ptrdiff_t index)
{
    const lse_plan *plan = (const lse_plan *)context;
    const ptrdiff_t first = index * plan->together;
    const ptrdiff_t end = lse_least(first + plan->together, plan->outer * plan->kept_length);
    lse_member members[LSE_COMPLEX_LANES];
    if (lse_is_stopped(plan->failed)) return;
    for (ptrdiff_t at = first, count; at < end; at += count) {
        count = lse_least(plan->complex->lanes, end - at);
        lse_find_members(plan, at, count, members);
        if (plan->operation == LSE_CUMULATE) lse_cumulate_group(plan, members, count);
        else if (lse_is_map(plan->operation)) lse_map_members(plan, members, count, plan->n);
        else lse_reduce_members(plan, members, count, plan->n);
    }
    lse_add_progress((end - first) * plan->n);
}

/* Task `index` of long rows, or of some neighbouring columns. */
static void long_group(const lse_plan *plan, ptrdiff_t index, int threads)
{
    const ptrdiff_t lanes = plan->complex->lanes, groups = lse_quotient_up(plan->kept_length, lanes);
    const ptrdiff_t first = index % groups * lanes, count = lse_least(lanes, plan->kept_length - first);
    lse_member members[LSE_COMPLEX_LANES];
    lse_complex_sums sums;
    lse_find_members(plan, index / groups * plan->kept_length + first, count, members);
    if (lse_is_map(plan->operation) && plan->n * plan->type->size <= STORED_BYTES) {
        for (ptrdiff_t i = 0; i < count && !lse_is_stopped(plan->failed); i++) map_stored(plan, &members[i]);
        lse_add_progress(count * plan->n);
        return;
    }
    lse_sum_long(plan, members, count, threads, &sums);
    if (lse_is_stopped(plan->failed)) return;
    if (lse_is_map(plan->operation)) lse_map_long(plan, members, count, &sums, threads);
    else lse_put_complex_values(plan, members, count, &sums, threads);
}

static void long_task(void *context, ptrdiff_t index)
{
    const lse_plan *plan = (const lse_plan *)context;
    if (!lse_is_stopped(plan->failed)) long_group(plan, index, 1);
}

static void run_long(lse_plan *plan, int threads)
{
    const ptrdiff_t tasks = plan->outer * lse_quotient_up(plan->kept_length, plan->complex->lanes);
    const ptrdiff_t each = plan->n * lse_least(plan->complex->lanes, plan->kept_length);
    if (threads > 1 && plan->n > LSE_PIECE && (tasks < threads || each > LSE_LONG))
        for (ptrdiff_t i = 0; i < tasks && !lse_is_stopped(plan->failed); i++) long_group(plan, i, threads);
    else lse_run_until_stopped(plan, long_task, plan, tasks, threads);
}

static void run_short(lse_plan *plan, int threads)
{
    enum { ENOUGH = 1 << 13, MUCH = 1 << 17 };
    const ptrdiff_t sums = plan->outer * plan->kept_length, share = lse_quotient_up(sums, 8 * (ptrdiff_t)threads);
    const ptrdiff_t low = lse_quotient_up(ENOUGH, plan->n), high = lse_quotient_up(MUCH, plan->n);
    plan->together =
        lse_quotient_up(lse_least(lse_most(share, low), high), plan->complex->lanes) * plan->complex->lanes;
    lse_run_until_stopped(plan, short_task, plan, lse_quotient_up(sums, plan->together), threads);
}

void lse_run_complex(lse_plan *plan, const lse_request *request, int threads)
{
    if (plan->operation == LSE_CUMULATE && plan->n > LSE_STEPS) lse_run_complex_cumulative(plan, threads);
    else if (request->offsets) lse_run_complex_segments(plan, request, threads);
    else if (plan->n <= LSE_SHORT) run_short(plan, threads);
    else run_long(plan, threads);
}
