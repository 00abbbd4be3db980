/* Cumulative sums of complex rows: short ones side by side, a longer one by one thread, block by block. */
#include <math.h>
#include <string.h>

#include "engine/complex.h"

enum { STEPS_BYTES = LSE_PAIR * LSE_LANES * LSE_STEPS }; /* of a block */

/* Elements start .. start + n of a row; 0 where the kernels cannot do them together. */
static int cumulate_block(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                          lse_complex_prefix *prefix)
{
    const lse_complex_kernels *kernels = plan->complex;
    const ptrdiff_t lines = lse_quotient_up(n, kernels->lanes), size = plan->type->size;
    double pairs[STEPS_BYTES / sizeof(double)];
    lse_complex_line tile[LSE_STEPS];
    char *runs[LSE_COMPLEX_LANES], *own = (char *)pairs;
    const char *from = lse_fetch_pairs(plan, m, start, n, pairs);
    if (from != own) memcpy(own, from, (size_t)(n * size));
    for (ptrdiff_t i = n; i < lines * kernels->lanes; i++) lse_set_real_pair(plan, own, i, -INFINITY);
    for (ptrdiff_t i = 0; i < kernels->lanes; i++) runs[i] = own + i * lines * size;
    kernels->turn((const char *const *)runs, lines, tile);
    if (!kernels->cumulate(tile, lines, &prefix->running)) return 0;
    kernels->turn_back(tile, lines, runs);
    lse_put_pairs(plan, m, start, n, pairs);
    return 1;
}

static void cumulate_element(const lse_plan *plan, const lse_member *m, ptrdiff_t at, lse_complex_prefix *prefix)
{
    double a[2];
    lse_complex_value value;
    lse_fetch_doubles(plan, m, 0, at, 1, a);
    if (lse_is_near(plan, prefix, a[0])) {
        prefix->is_far = 0;
        if (cumulate_block(plan, m, at, 1, prefix)) return;
    }
    lse_careful_prefix(plan, prefix, a, &value);
    const double result[2] = {isnan(value.log) ? NAN : value.log, isnan(value.angle) ? NAN : value.angle};
    lse_put_result(plan, m, at, result);
}

/* What cannot be done together is done in halves. */
static void cumulate_some(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                          lse_complex_prefix *prefix)
{
    if (n == 1) {
        cumulate_element(plan, m, start, prefix);
    } else if (!lse_is_near(plan, prefix, 0.0) || prefix->is_far || !cumulate_block(plan, m, start, n, prefix)) {
        cumulate_some(plan, m, start, n / 2, prefix);
        cumulate_some(plan, m, start + n / 2, n - n / 2, prefix);
    }
}

static void cumulate_task(void *context, ptrdiff_t index)
{
    const lse_plan *plan = (const lse_plan *)context;
    lse_member m;
    lse_complex_prefix prefix = {.running = {.anchor = -INFINITY}};
    lse_find_members(plan, index, 1, &m);
    for (ptrdiff_t start = 0, n; start < plan->n && !lse_is_stopped(plan->failed); start += n) {
        n = lse_least(STEPS_BYTES / plan->type->size, plan->n - start);
        cumulate_some(plan, &m, start, n, &prefix);
        lse_add_progress(n);
    }
}

/* Some rows that are side by side. */
void lse_cumulate_group(const lse_plan *plan, const lse_member *members, ptrdiff_t count)
{
    lse_complex_line tile[LSE_STEPS];
    lse_fill_tile(plan, members, count, plan->n, tile);
    const unsigned left = plan->complex->cumulate_rows(tile, plan->n) & ((1u << count) - 1u);
    if (left == 0) {
        lse_put_tile(plan, members, count, plan->n, tile);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        lse_complex_prefix prefix = {.running = {.anchor = -INFINITY}};
        if (left >> i & 1u) cumulate_some(plan, &members[i], 0, plan->n, &prefix);
        else
            for (ptrdiff_t k = 0; k < plan->n; k++) {
                double element[2];
                lse_take_element(plan, &tile[k], i, element);
                lse_put_result(plan, &members[i], k, element);
            }
    }
}

void lse_run_complex_cumulative(lse_plan *plan, int threads)
{ lse_run_until_stopped(plan, cumulate_task, plan, plan->outer * plan->kept_length, threads); }
