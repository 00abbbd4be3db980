/* From states to the output. */
#include <math.h>
#include <string.h>

#include "engine/recompute.h"

/* Storing -------------------------------------------------------------------------------------------------- */

/* All NaN are stored as the same one. */
static void store_value(const lse_plan *plan, char *out, double value)
{
    if (value != value) value = NAN;
    if (plan->store) plan->store(out, 0, 1, &value);
    else plan->type->put(out, 0, value);
}

double lse_divide(double value, double low, double divisor, double divisor_lo)
{
    const double quotient = value - divisor, of_value = quotient + divisor;
    const double lost = (value - of_value) - (divisor - (of_value - quotient));
    return isfinite(quotient) ? quotient + (lost + (low - divisor_lo)) : quotient;
}

/* shift + value + value_lo, rounded once except for the last bits of value_lo; value alone where shift is 0. */
static void store_result(const lse_plan *plan, char *out, double shift, const lse_results *results, ptrdiff_t i)
{
    double value = results->value[i], low = results->value_lo[i];
    const double sign = results->sign[i];
    if (shift != 0) {
        const double total = shift + value, of_value = total - shift;
        low = ((shift - (total - of_value)) + (value - of_value)) + low;
        value = total + low;
        low = low - (value - total);
    }
    if (plan->divisor != 0.0) value = lse_divide(value, low, plan->divisor, plan->divisor_lo);
    if (plan->sign) store_value(plan, plan->sign + (out - plan->out), sign);
    else if (sign < 0) value = NAN;
    if (plan->low) store_value(plan, plan->low + (out - plan->out), low);
    store_value(plan, out, value);
}

/* Whether results of this size follow one another. */
static int are_neighbours(const ptrdiff_t *out_at, ptrdiff_t count, ptrdiff_t size)
{
    int neighbours = 1;
    for (ptrdiff_t i = 1; i < count; i++) neighbours &= out_at[i] - out_at[i - 1] == size;
    return neighbours;
}

/* Adds the sums to those given, which have the layout of the output, or stores them if there are none. */
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

static void store_sums(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, const lse_states *states,
                       int threads)
{
    ptrdiff_t out_at[LSE_BATCH];
    lse_states own;
    for (ptrdiff_t i = 0; i < count; i++) {
        lse_put_sum(lse_sums_in(&own), i, lse_sum_of_row(plan, &rows[i], states, i, threads));
        out_at[i] = out[i] - plan->out;
    }
    put_sums(plan, out_at, count, &own);
}

/* Groups --------------------------------------------------------------------------------------------------- */

static void finish_weighted(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count,
                            const lse_states *states, int threads)
{
    lse_results results;
    plan->table->weighted_finish(states, count, &results);
    for (ptrdiff_t i = 0; i < count; i++) {
        double shift = 0.0;
        if (!lse_refine_difference(plan, &rows[i], states, i, &results) && lse_needs_recomputation(plan, states, i))
            lse_recompute_weighted(plan, &rows[i], states, i, threads, &results, &shift);
        store_result(plan, out[i], shift, &results, i);
    }
}

/* For rounding errors and divisors the logarithm is computed to full precision. */
static lse_finish finish_for(const lse_plan *plan)
{
    if (plan->operation == LSE_SOFTMAX) return plan->kernels->finish_scaled;
    return plan->low || plan->divisor != 0.0 ? plan->table->real[LSE_F64].finish : plan->kernels->finish;
}

/* Returns 0 where the results of columns remain to be mapped together. */
static int finish_plain(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count,
                        const lse_states *states, int plain, int threads, lse_results *results)
{
    double shift[LSE_BATCH];
    ptrdiff_t infinities[LSE_BATCH];
    const int maps = lse_is_map(plan->operation);
    finish_for(plan)(states, count, results);
    if (plain && !maps && !plan->sign && !plan->low && plan->divisor == 0.0) {
        for (ptrdiff_t i = 0; i < count; i++) store_value(plan, out[i], results->value[i]);
        return 1;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        shift[i] = 0.0;
        infinities[i] = 0;
        plain &= !rows[0].where || !isnan(results->value[i]);
        lse_recompute_plain(plan, &rows[i], states, i, threads, results, &shift[i], &infinities[i]);
        results->sign[i] = isnan(results->value[i]) ? NAN : results->value[i] > -INFINITY;
    }
    if (maps) return lse_map_group(plan, rows, out, count, plain, shift, infinities, results, threads);
    for (ptrdiff_t i = 0; i < count; i++) store_result(plan, out[i], shift[i], results, i);
    return 1;
}

/* Copies values of the kernels' type to their places in an output. */
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

static void store_weighted(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_states *states)
{
    lse_results results;
    double values[LSE_BATCH], signs[LSE_BATCH];
    plan->table->weighted_finish(states, count, &results);
    for (ptrdiff_t i = 0; i < count; i++) {
        plan->type->put(values, i, plan->sign || results.sign[i] > 0 ? results.value[i] : NAN);
        plan->type->put(signs, i, results.sign[i]);
    }
    scatter_values(plan, plan->out, out_at, count, (const char *)values);
    if (plan->sign) scatter_values(plan, plan->sign, out_at, count, (const char *)signs);
}

static void store_means(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, const lse_states *states)
{
    lse_results results;
    double values[LSE_BATCH];
    finish_for(plan)(states, count, &results);
    for (ptrdiff_t i = 0; i < count; i++) {
        const double mean = lse_divide(results.value[i], results.value_lo[i], plan->divisor, plan->divisor_lo);
        plan->type->put(values, i, mean != mean ? NAN : mean);
    }
    scatter_values(plan, plan->out, out_at, count, (const char *)values);
}

int lse_store_plain(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_states *states)
{
    double values[LSE_BATCH];
    const int weighted = plan->first.weight != NULL, sums = plan->operation == LSE_SUMS;
    int again = 0;
    if (!sums && (plan->low || plan->store || (plan->sign && !weighted) || (plan->divisor != 0.0 && weighted)))
        return 0;
    if (!sums && !weighted && plan->divisor == 0.0) {
        if (!plan->kernels->finish_values(states, count, values)) return 0;
        scatter_values(plan, plan->out, out_at, count, (const char *)values);
        return 1;
    }
    for (ptrdiff_t i = 0; i < count; i++)
        again |= weighted ? lse_needs_recomputation(plan, states, i) : !lse_is_plain(plan, states, i);
    if (again) return 0;
    if (sums) put_sums(plan, out_at, count, states);
    else if (weighted) store_weighted(plan, out_at, count, states);
    else store_means(plan, out_at, count, states);
    return 1;
}

void lse_finish_softmax(const lse_plan *plan, const lse_row *row, char *out)
{
    lse_states states;
    lse_results results;
    lse_whole_states(plan, row, 1, 0, NULL, 1, &states);
    finish_plain(plan, row, &out, 1, &states, 0, 1, &results);
}

static int are_plain(const lse_plan *plan, ptrdiff_t count, const lse_states *states)
{
    int plain = 1;
    for (ptrdiff_t i = 0; i < count; i++) plain &= lse_is_plain(plan, states, i);
    return plain;
}

void lse_finish_group(const lse_plan *plan, const lse_row *rows, char **out, ptrdiff_t count, const lse_states *states,
                      int threads)
{
    lse_results results;
    if (lse_is_stopped(plan->failed)) return;
    if (plan->operation == LSE_SUMS) store_sums(plan, rows, out, count, states, threads);
    else if (plan->first.weight) finish_weighted(plan, rows, out, count, states, threads);
    else if (lse_is_stored(plan)) lse_map_stored(plan, rows, out, count);
    else finish_plain(plan, rows, out, count, states, are_plain(plan, count, states), threads, &results);
}

int lse_finish_columns(const lse_plan *plan, lse_members *m, int threads, lse_results *results)
{
    lse_states states;
    lse_whole_states(plan, m->rows, m->count, 1, NULL, threads, &states);
    if (lse_is_stopped(plan->failed)) return 1;
    return finish_plain(plan, m->rows, m->out, m->count, &states, are_plain(plan, m->count, &states), threads, results);
}
