/* Running sums as they are kept from call to call: of any magnitude, merged and finished without the data. */
#ifndef LSE_SUMS_H
#define LSE_SUMS_H

#include "engine/threads.h"
#include "kernels/kernels.h"
#include "kernels/target.h"

/* A plain sum is the state that kernels.h describes, sum(exp(x)) = count e^max + (tail + tail_lo) 2^(N - 500)
 * with N = nearest(max log2(e)); a weighted one (tail + tail_lo) 2^(max - 500), max an integer, count 0. Either, where
 * - it is nothing: (-inf, 0, 0, 0);
 * - there was NaN: tail is NaN;
 * - tail_lo is inf and max finite: it is e^max tail 2^-500, too great or too small for the above, and count 0;
 * - tail_lo and max are inf: an infinite sum; tail is the number of its terms that are +inf, negative for -inf. */
typedef struct {
    double max, tail, tail_lo, count;
} lse_sum;

/* The same of many. */
typedef struct {
    double *max, *tail, *tail_lo, *count;
} lse_sums;

/* In the loops over rows, where a call would show. */
LSE_INLINE lse_sum lse_sum_at(lse_sums s, ptrdiff_t i)
{ return (lse_sum){s.max[i], s.tail[i], s.tail_lo[i], s.count[i]}; }
LSE_INLINE void lse_put_sum(lse_sums s, ptrdiff_t i, lse_sum sum)
{
    s.max[i] = sum.max;
    s.tail[i] = sum.tail;
    s.tail_lo[i] = sum.tail_lo;
    s.count[i] = sum.count;
}
LSE_INLINE lse_sums lse_sums_from(lse_sums s, ptrdiff_t i)
{ return (lse_sums){s.max + i, s.tail + i, s.tail_lo + i, s.count + i}; }
LSE_INLINE lse_sums lse_sums_in(lse_states *states)
{ return (lse_sums){states->max, states->tail, states->tail_lo, states->count}; }

/* e^shift times a plain sum of maximum 0, and times a weighted sum. */
lse_sum lse_plain_sum(double shift, double count, double tail, double tail_lo);
lse_sum lse_weighted_sum(double shift, double exponent, double tail, double tail_lo);
/* The weighted sum of which lse_exact has found the logarithm and the sign. */
lse_sum lse_sum_of(double value, double value_lo, double sign);
lse_sum lse_infinite_sum(double terms);
lse_sum lse_no_sum(void);
lse_sum lse_not_a_sum(void);

/* The logarithm of a positive number, within .51 ulp where it is not next to 0. */
double lse_log(double t);

lse_sum lse_merge_sum(const lse_kernels *table, int weighted, lse_sum a, lse_sum b);
/* out = a + b for count <= LSE_BATCH sums, element by element; out may be either. For more, on threads if they are
 * many. All of these merge to the same bits. */
void lse_merge_few(const lse_kernels *table, int weighted, lse_sums out, lse_sums a, lse_sums b, ptrdiff_t count);
void lse_merge_sums(const lse_kernels *table, int weighted, lse_sums out, lse_sums a, lse_sums b, ptrdiff_t count,
                    lse_run run);

/* value, value_lo and sign of count <= LSE_BATCH plain sums, as those of floats where single; of sums of which each
 * is the sum of a plain and a weighted one, unless weighted.max is NULL. */
void lse_finish_sums(const lse_kernels *table, int single, lse_sums plain, lse_sums weighted, ptrdiff_t count,
                     lse_results *results);

/* State i of a plain sum whose elements are mapped: where its maximum is beyond limit, what the kernels take, the state
 * of the elements less shift. infinities: how many of them are +inf. */
void lse_state_of(lse_sum plain, double limit, ptrdiff_t i, lse_states *states, double *shift, ptrdiff_t *infinities);

#endif
