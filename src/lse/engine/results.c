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

static int any_cancels(const lse_type_facts *type, lse_sums sums, ptrdiff_t count)
{
    int any = 0;
    for (ptrdiff_t i = 0; i < count; i++) any |= cancels(type, lse_sum_at(sums, i));
    return any;
}

static int is_stopped(void *failed) { return lse_is_stopped((int *)failed); }

/* What is known of a sum that cancels: nothing more; the sum, of floats in double precision; or log|sum| = value +
 * value_lo and its sign. */
typedef struct {
    enum { LSE_SEEN_ONCE, LSE_SUMMED_AGAIN, LSE_EXACT } how;
    lse_sum sum;
    double value, value_lo, sign;
} sum_again;

/* The elements of a row and their weights in double precision, in room for n >= row->n of each, of which those beyond
 * the last add nothing. */
static void collect(const lse_plan *plan, const lse_row *row, ptrdiff_t n, double *x, double *b)
{
    for (ptrdiff_t start = 0, some; (some = lse_next_piece(plan, row, start)) > 0; start += some)
        plan->kernels->collect(&plan->row, row, start, some, x + start, b + start);
    for (ptrdiff_t i = row->n; i < n; i++) {
        x[i] = -INFINITY;
        b[i] = 0.0;
    }
}

static double *room_for(const lse_plan *plan, ptrdiff_t count)
{
    double *room = (double *)malloc((size_t)count * sizeof(double));
    if (!room) LSE_STORE(plan->failed, LSE_NO_MEMORY);
    return room;
}

/* The sum of n elements and weights in double precision. */
static lse_sum sum_long(const lse_plan *plan, const double *x, const double *b, ptrdiff_t n)
{
    const lse_row row = {(const char *)x, NULL, (const char *)b, n};
    lse_layout layout;
    lse_states states;
    lse_sum sum = lse_no_sum();
    layout.direct = layout.direct_weight = 1;
    layout.ones = 0;
    for (ptrdiff_t start = 0, some; (some = lse_next_piece(plan, &row, start)) > 0; start += some) {
        plan->table->real[LSE_F64].weighted_rows(&layout, &row, start, some, 1, &states);
        sum = lse_merge_sum(plan->table, 1, sum, lse_sum_at(lse_sums_in(&states), 0));
    }
    return sum;
}

/* The sums of `count` rows of n <= LSE_SHORT elements, one after another, and as many weights. */
static void sum_short(const lse_plan *plan, const double *x, const double *b, ptrdiff_t n, ptrdiff_t count,
                      lse_states *states)
{
    ptrdiff_t at[LSE_BATCH];
    lse_layout layout;
    layout.direct = layout.direct_weight = 1;
    layout.ones = 0;
    lse_panel panel = {.n = n, .count = count, .form = LSE_BY_ROWS, .x = (const char *)x, .at = at, .layout = &layout};
    lse_panel weights = panel;
    panel.pitch = weights.pitch = n * (ptrdiff_t)sizeof(double);
    for (ptrdiff_t i = 0; i < count; i++) at[i] = i * panel.pitch;
    weights.x = (const char *)b;
    weights.are_weights = 1;
    panel.weights = &weights;
    plan->table->real[LSE_F64].sum_weighted_panel(&panel, states);
}

/* Sums of floats again in double precision, of those rows in `which`, of which only those remain that cancel there
 * too; returns how many. */
static ptrdiff_t sum_in_double(const lse_plan *plan, const lse_row *rows, ptrdiff_t *which, ptrdiff_t count,
                               sum_again *seen)
{
    ptrdiff_t n = 0, left = 0;
    for (ptrdiff_t i = 0; i < count; i++) n = lse_most(n, rows[which[i]].n);
    const ptrdiff_t at_once = n <= LSE_SHORT ? count : 1;
    double *x = room_for(plan, 2 * n * at_once);
    if (!x) return 0;
    double *b = x + n * at_once;
    for (ptrdiff_t first = 0; first < count && !lse_is_stopped(plan->failed); first += at_once) {
        lse_states states;
        for (ptrdiff_t i = 0; i < at_once; i++)
            collect(plan, &rows[which[first + i]], n <= LSE_SHORT ? n : 0, x + i * n, b + i * n);
        if (n <= LSE_SHORT) sum_short(plan, x, b, n, at_once, &states);
        else lse_put_sum(lse_sums_in(&states), 0, sum_long(plan, x, b, rows[which[first]].n));
        for (ptrdiff_t i = 0; i < at_once; i++) {
            const ptrdiff_t row = which[first + i];
            seen[row].how = LSE_SUMMED_AGAIN;
            seen[row].sum = lse_sum_at(lse_sums_in(&states), i);
            if (cancels(&lse_types[LSE_F64], seen[row].sum)) which[left++] = row;
        }
    }
    free(x);
    return left;
}

static void sum_exactly(const lse_plan *plan, const lse_row *row, sum_again *seen)
{
    const ptrdiff_t n = row->n;
    double *x = room_for(plan, 2 * n + lse_room_for(n));
    seen->how = LSE_EXACT;
    seen->value = -INFINITY;
    seen->value_lo = seen->sign = 0.0;
    if (!x) return;
    collect(plan, row, n, x, x + n);
    if (!lse_is_stopped(plan->failed))
        plan->table->sum_exactly(x, x + n, n, x + 2 * n, is_stopped, plan->failed, &seen->value, &seen->value_lo,
                                 &seen->sign);
    free(x);
}

/* Sums that cancel, again; those that are differences too where it is not as much, if they are to be `refined`. */
static void see_again(const lse_plan *plan, const lse_row *rows, lse_sums sums, ptrdiff_t count, int refined,
                      sum_again *seen)
{
    ptrdiff_t again[LSE_BATCH], exactly[LSE_BATCH], some = 0, others = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const lse_sum sum = lse_sum_at(sums, i);
        const int lost = cancels(plan->type, sum);
        seen[i].how = LSE_SEEN_ONCE;
        if (!lost && !refined) continue;
        if (lse_take_difference(plan, &rows[i], &seen[i].value, &seen[i].value_lo, &seen[i].sign))
            seen[i].how = LSE_EXACT;
        else if (lost && fabs(sum.tail) > plan->type->least_in_double) again[some++] = i;
        else if (lost) exactly[others++] = i;
    }
    if (some > 0) some = sum_in_double(plan, rows, again, some, seen);
    for (ptrdiff_t i = 0; i < some; i++) exactly[others++] = again[i];
    for (ptrdiff_t i = 0; i < others && !lse_is_stopped(plan->failed); i++)
        sum_exactly(plan, &rows[exactly[i]], &seen[exactly[i]]);
}

/* Storing -------------------------------------------------------------------------------------------------- */

static inline double divide(double value, double low, double divisor, double divisor_lo)
{
    const double quotient = value - divisor, of_value = quotient + divisor;
    const double lost = (value - of_value) - (divisor - (of_value - quotient));
    return isfinite(quotient) ? quotient + (lost + (low - divisor_lo)) : quotient;
}

static inline double divide_by(double value, double low, double sign, const double *divisors, ptrdiff_t count,
                               ptrdiff_t i)
{
    const double quotient = divide(value, low, divisors[i], divisors[count + i]), other = divisors[2 * count + i];
    return sign * other < 0.0 || (sign < 0.0 && other == 0.0) ? NAN : quotient;
}

double lse_divide(double value, double low, double divisor, double divisor_lo)
{ return divide(value, low, divisor, divisor_lo); }

double lse_divide_by(double value, double low, double sign, const double *divisors, ptrdiff_t count, ptrdiff_t i)
{ return divide_by(value, low, sign, divisors, count, i); }

/* The number of a result, of a power of two of bytes, from its distance to the first. */
static inline ptrdiff_t place_of(const lse_plan *plan, ptrdiff_t distance)
{
    switch (plan->out_size) {
    case 2: return distance / 2;
    case 4: return distance / 4;
    default: return distance / (ptrdiff_t)sizeof(double);
    }
}

/* Whether each place is so far behind the one before it. */
static int are_apart_by(const ptrdiff_t *out_at, ptrdiff_t count, ptrdiff_t step)
{
    ptrdiff_t differ = 0; /* in bits, which vectorizes */
    for (ptrdiff_t i = 1; i < count; i++) differ |= (out_at[i] - out_at[i - 1]) ^ step;
    return differ == 0;
}

/* Values of the kernels' type, to where they belong in an output. */
static void scatter_values(const lse_plan *plan, char *out, const ptrdiff_t *out_at, ptrdiff_t count,
                           const char *values)
{
    const size_t size = (size_t)plan->itemsize;
    if (are_apart_by(out_at, count, plan->itemsize)) {
        memcpy(out + out_at[0], values, (size_t)count * size);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) memcpy(out + out_at[i], values + (size_t)i * size, size);
}

/* Likewise doubles, of which every NaN becomes the same one. */
static void scatter(const lse_plan *plan, char *out, const ptrdiff_t *out_at, ptrdiff_t count, double *values)
{
    const ptrdiff_t step = count > 1 ? out_at[1] - out_at[0] : 0;
    for (ptrdiff_t i = 0; i < count; i++) values[i] = isnan(values[i]) ? NAN : values[i];
    if (!plan->store && plan->type->is_single) {
        float own[LSE_BATCH];
        for (ptrdiff_t i = 0; i < count; i++) own[i] = (float)values[i];
        scatter_values(plan, out, out_at, count, (const char *)own);
    } else if (!plan->store) {
        scatter_values(plan, out, out_at, count, (const char *)values);
    } else if (are_apart_by(out_at, count, step)) {
        plan->store(out + out_at[0], step, count, values);
    } else {
        for (ptrdiff_t i = 0; i < count; i++) plan->store(out + out_at[i], 0, 1, values + i);
    }
}

/* All that is asked for of some results, whose signs are known where there are weights. */
static void store_results(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_results *results)
{
    double *value = results->value, *low = results->value_lo, *sign = results->sign;
    for (ptrdiff_t i = 0; i < count && !plan->first.weight; i++) sign[i] = isnan(value[i]) ? NAN : value[i] > -INFINITY;
    for (ptrdiff_t i = 0; i < count && plan->divisor != 0.0; i++)
        value[i] = divide(value[i], low[i], plan->divisor, plan->divisor_lo);
    for (ptrdiff_t i = 0; i < count && plan->divisors; i++)
        value[i] = divide_by(value[i], low[i], sign[i], plan->divisors, plan->divisor_count, place_of(plan, out_at[i]));
    for (ptrdiff_t i = 0; i < count && !plan->sign && !plan->divisors; i++)
        value[i] = sign[i] < 0.0 ? (double)NAN : value[i];
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
    if (plan->given.max && are_apart_by(out_at, count, SIZE)) {
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
    sum_again seen[LSE_BATCH];
    if (plan->first.weight) see_again(plan, rows, sums, count, 1, seen);
    for (ptrdiff_t i = 0; i < count && plan->first.weight; i++)
        if (seen[i].how != LSE_SEEN_ONCE)
            lse_put_sum(sums, i,
                        seen[i].how == LSE_EXACT ? lse_sum_of(seen[i].value, seen[i].value_lo, seen[i].sign)
                                                 : seen[i].sum);
    put_sums(plan, out_at, count, states);
}

/* Groups --------------------------------------------------------------------------------------------------- */

static void finish_weighted(const lse_plan *plan, const lse_row *rows, const ptrdiff_t *out_at, ptrdiff_t count,
                            lse_states *states)
{
    lse_results results;
    sum_again seen[LSE_BATCH];
    const lse_sums sums = lse_sums_in(states);
    see_again(plan, rows, sums, count, 0, seen);
    for (ptrdiff_t i = 0; i < count; i++)
        if (seen[i].how != LSE_SEEN_ONCE) lse_put_sum(sums, i, seen[i].how == LSE_EXACT ? lse_no_sum() : seen[i].sum);
    plan->table->weighted_finish(states, count, &results);
    for (ptrdiff_t i = 0; i < count; i++) {
        if (seen[i].how != LSE_EXACT) {
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
{
    return plan->low || plan->divisors || plan->divisor != 0.0 ? plan->table->real[LSE_F64].finish
                                                               : plan->kernels->finish;
}

static void finish_unweighted(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, const lse_states *states)
{
    lse_results results;
    finish_for(plan)(states, count, &results);
    store_results(plan, out_at, count, &results);
}

int lse_has_plain_results(const lse_plan *plan)
{
    return plan->operation == LSE_LOGSUMEXP && !plan->sign && !plan->low && !plan->store && !plan->divisors &&
           plan->divisor == 0.0;
}

int lse_store_short(const lse_plan *plan, const ptrdiff_t *out_at, ptrdiff_t count, lse_states *states)
{
    double values[LSE_BATCH];
    const int weighted = plan->first.weight != NULL;
    if (weighted && any_cancels(plan->type, lse_sums_in(states), count)) return 0;
    if (plan->operation == LSE_SUMS) {
        put_sums(plan, out_at, count, states);
    } else if (weighted) {
        lse_results results;
        plan->table->weighted_finish(states, count, &results);
        store_results(plan, out_at, count, &results);
    } else if (lse_has_plain_results(plan)) {
        plan->kernels->finish_values(states, count, values);
        scatter_values(plan, plan->out, out_at, count, (const char *)values);
    } else {
        finish_unweighted(plan, out_at, count, states);
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
    else finish_unweighted(plan, out_at, count, states);
}
