/* From states to the output, and the rows that need recomputation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"
#include "kernels/target.h"

/* Sums that cancel ----------------------------------------------------------------------------------------- */

/* Whether a weighted sum is so far below its greatest term, which is near 2^500, that digits of it are lost. */
static int cancels(const lse_type_facts *type, lse_sum s)
{ return isfinite(s.max) && fabs(s.tail) < type->least_weighted; }

static int is_stopped(void *failed) { return lse_is_stopped((int *)failed); }

/* The sum of n elements and weights in double precision. */
static lse_sum sum_in_double(const lse_plan *plan, const double *x, const double *b, ptrdiff_t n)
{
    const lse_row row = {(const char *)x, NULL, (const char *)b, n};
    lse_layout layout;
    lse_states states;
    lse_sum sum = lse_no_sum();
    layout.direct = layout.direct_weight = 1;
    for (ptrdiff_t start = 0, some; (some = lse_next_piece(plan, &row, start)) > 0; start += some) {
        plan->table->real[LSE_F64].weighted_rows(&layout, &row, start, some, 1, &states);
        sum = lse_merge_sum(plan->table, 1, sum, lse_sum_at(lse_sums_in(&states), 0));
    }
    return sum;
}

/* A sum seen again: of floats in double precision; where that cancels too, log|sum| = value + value_lo and its sign. */
typedef struct {
    int exact;
    lse_sum sum;
    double value, value_lo, sign;
} sum_again;

static sum_again see_again(const lse_plan *plan, const lse_row *row)
{
    sum_again seen = {.exact = 1, .value = -INFINITY};
    double *x = (double *)malloc(2 * (size_t)row->n * sizeof(double));
    if (!x) {
        LSE_STORE(plan->failed, LSE_NO_MEMORY);
        return seen;
    }
    for (ptrdiff_t start = 0, n; (n = lse_next_piece(plan, row, start)) > 0; start += n)
        plan->kernels->collect(&plan->row, row, start, n, x + start, x + row->n + start);
    if (plan->itemsize < 8) {
        seen.sum = sum_in_double(plan, x, x + row->n, row->n);
        seen.exact = cancels(&lse_types[LSE_F64], seen.sum);
    }
    if (seen.exact && !lse_is_stopped(plan->failed))
        plan->table->sum_exactly(x, x + row->n, row->n, is_stopped, plan->failed, &seen.value, &seen.value_lo,
                                 &seen.sign);
    free(x);
    return seen;
}

/* Storing -------------------------------------------------------------------------------------------------- */

double lse_divide(double value, double low, double divisor, double divisor_lo)
{
    const double quotient = value - divisor, of_value = quotient + divisor;
    const double lost = (value - of_value) - (divisor - (of_value - quotient));
    return isfinite(quotient) ? quotient + (lost + (low - divisor_lo)) : quotient;
}

/* Whether results of this size follow one another. */
static int are_neighbours(const ptrdiff_t *out_at, ptrdiff_t count, ptrdiff_t size)
{
    int neighbours = 1;
    for (ptrdiff_t i = 1; i < count; i++) neighbours &= out_at[i] - out_at[i - 1] == size;
    return neighbours;
}

/* Values of the kernels' type, to where they belong in an output. */
static void scatter_values(const lse_plan *plan, char *out, const ptrdiff_t *out_at, ptrdiff_t count,
                           const char *values)
{
    const size_t size = (size_t)plan->itemsize;
    if (are_neighbours(out_at, count, plan->itemsize)) {
        memcpy(out + out_at[0], values, (size_t)count * size);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) memcpy(out + out_at[i], values + (size_t)i * size, size);
}

/* Likewise doubles, of which every NaN becomes the same one. */
static void scatter(const lse_plan *plan, char *out, const ptrdiff_t *out_at, ptrdiff_t count, double *values)
{
    double own[LSE_BATCH];
    const ptrdiff_t step = count > 1 ? out_at[1] - out_at[0] : 0;
    for (ptrdiff_t i = 0; i < count; i++) values[i] = isnan(values[i]) ? NAN : values[i];
    if (!plan->store) {
        for (ptrdiff_t i = 0; i < count; i++) plan->type->put(own, i, values[i]);
        scatter_values(plan, out, out_at, count, (const char *)own);
    } else if (are_neighbours(out_at, count, step)) {
        plan->store(out + out_at[0], step, count, values);
    } else {
        for (ptrdiff_t i = 0; i < count; i++) plan->store(out + out_at[i], 0, 1, values + i);
    }
}

/* All that is asked for of some results, whose signs are known where there are weights. */
static void store_results(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_results *results)
{
    double *value = results->value, *low = results->value_lo, *sign = results->sign;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (!plan->first.weight) sign[i] = isnan(value[i]) ? NAN : value[i] > -INFINITY;
        if (plan->divisor != 0.0) value[i] = lse_divide(value[i], low[i], plan->divisor, plan->divisor_lo);
        if (!plan->sign && sign[i] < 0) value[i] = NAN;
    }
    if (plan->sign) scatter(plan, plan->sign, out_at, count, sign);
    if (plan->low) scatter(plan, plan->low, out_at, count, low);
    scatter(plan, plan->out, out_at, count, value);
}

void lse_store_nothing(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count)
{
    double values[LSE_BATCH], zeros[LSE_BATCH];
    if (count == 0) return;
    for (ptrdiff_t i = 0; i < count; i++) {
        values[i] = -INFINITY;
        zeros[i] = 0.0;
    }
    if (plan->sign) scatter(plan, plan->sign, out_at, count, zeros);
    if (plan->low) scatter(plan, plan->low, out_at, count, zeros);
    scatter(plan, plan->out, out_at, count, values);
}

/* Sums join those given, which lie as the output does, or go where there are none. */
static void put_sums(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_states *states)
{
    enum { SIZE = sizeof(double) };
    const int weighted = plan->first.weight != NULL;
    const lse_sums all = plan->into, sums = lse_sums_in(states);
    const ptrdiff_t first = out_at[0] / SIZE;
    if (plan->given.max && are_neighbours(out_at, count, SIZE)) {
        lse_merge_few(plan->table, weighted, lse_sums_from(all, first), lse_sums_from(plan->given, first), sums, count);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t at = out_at[i] / SIZE;
        const lse_sum sum = lse_sum_at(sums, i);
        lse_put_sum(all, at,
                    plan->given.max ? lse_merge_sum(plan->table, weighted, lse_sum_at(plan->given, at), sum) : sum);
    }
}

static void store_sums(const lse_plan *plan, const lse_row *rows, const ptrdiff_t *out_at, ptrdiff_t count,
                       lse_states *states)
{
    const lse_sums sums = lse_sums_in(states);
    for (ptrdiff_t i = 0; i < count && plan->first.weight; i++) {
        sum_again seen;
        seen.exact = lse_take_difference(plan, &rows[i], &seen.value, &seen.value_lo, &seen.sign);
        if (!seen.exact && !cancels(plan->type, lse_sum_at(sums, i))) continue;
        if (!seen.exact) seen = see_again(plan, &rows[i]);
        lse_put_sum(sums, i, seen.exact ? lse_sum_of(seen.value, seen.value_lo, seen.sign) : seen.sum);
    }
    put_sums(plan, out_at, count, states);
}

/* Groups --------------------------------------------------------------------------------------------------- */

static void finish_weighted(const lse_plan *plan, const lse_row *rows, const ptrdiff_t *out_at, ptrdiff_t count,
                            lse_states *states)
{
    lse_results results;
    sum_again seen[LSE_BATCH];
    const lse_sums sums = lse_sums_in(states);
    for (ptrdiff_t i = 0; i < count; i++) {
        seen[i].exact = 0;
        if (!cancels(plan->type, lse_sum_at(sums, i))) continue;
        seen[i].exact = lse_take_difference(plan, &rows[i], &seen[i].value, &seen[i].value_lo, &seen[i].sign);
        if (!seen[i].exact) seen[i] = see_again(plan, &rows[i]);
        lse_put_sum(sums, i, seen[i].exact ? lse_no_sum() : seen[i].sum);
    }
    plan->table->weighted_finish(states, count, &results);
    for (ptrdiff_t i = 0; i < count; i++) {
        if (!seen[i].exact) {
            lse_refine_difference(plan, &rows[i], states, i, &results);
            continue;
        }
        results.value[i] = seen[i].value;
        results.value_lo[i] = seen[i].value_lo;
        results.sign[i] = seen[i].sign;
    }
    store_results(plan, out_at, count, &results);
}

/* What rounding loses is wanted of all digits that the sum has. */
static lse_finish finish_for(const lse_plan *plan)
{ return plan->low || plan->divisor != 0.0 ? plan->table->real[LSE_F64].finish : plan->kernels->finish; }

static void finish_plain(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, const lse_states *states)
{
    lse_results results;
    finish_for(plan)(states, count, &results);
    store_results(plan, out_at, count, &results);
}

int lse_store_plain(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_states *states)
{
    double values[LSE_BATCH];
    const int weighted = plan->first.weight != NULL;
    for (ptrdiff_t i = 0; i < count && weighted; i++)
        if (cancels(plan->type, lse_sum_at(lse_sums_in(states), i))) return 0;
    if (plan->operation == LSE_SUMS) {
        put_sums(plan, out_at, count, states);
    } else if (weighted) {
        lse_results results;
        plan->table->weighted_finish(states, count, &results);
        store_results(plan, out_at, count, &results);
    } else if (plan->sign || plan->low || plan->store || plan->divisor != 0.0) {
        finish_plain(plan, out_at, count, states);
    } else {
        plan->kernels->finish_values(states, count, values);
        scatter_values(plan, plan->out, out_at, count, (const char *)values);
    }
    return 1;
}

void lse_finish_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, lse_states *states,
                      int threads)
{
    ptrdiff_t out_at[LSE_BATCH];
    if (lse_is_stopped(plan->failed)) return;
    for (ptrdiff_t i = 0; i < count; i++) out_at[i] = out[i] - plan->out;
    if (plan->operation == LSE_SUMS) store_sums(plan, rows, out_at, count, states);
    else if (plan->first.weight) finish_weighted(plan, rows, out_at, count, states);
    else if (lse_is_map(plan->operation)) lse_map_group(plan, rows, out, count, states, threads);
    else finish_plain(plan, out_at, count, states);
}
