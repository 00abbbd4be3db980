/* Running sums stored between calls: of any magnitude, merged and finished without the data. */
#ifndef LSE_SUMS_H
#define LSE_SUMS_H

#include "engine/threads.h"
#include "kernels/kernels.h"
#include "kernels/target.h"

/* A state of kernels.h: of any magnitude, plain or weighted. */
typedef struct {
    double max, tail, tail_lo, count;
} lse_sum;

/* Arrays of running sums. */
typedef struct {
    double *max, *tail, *tail_lo, *count;
} lse_sums;

/* Inline, for loops over rows, where a call would cost time. */
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

/* The weighted sum of which the logarithm and the sign were found exactly. */
lse_sum lse_sum_of(double value, double value_lo, double sign);
lse_sum lse_no_sum(void);

/* The logarithm of a positive number, within .51 ulp unless it is close to 0. */
double lse_log(double t);
/* log(count) and its rounding error, with the bits of a sum of one term of that weight. */
double lse_log_of_count(const lse_kernels *table, ptrdiff_t count, double *lo);

lse_sum lse_merge_sum(const lse_kernels *table, int weighted, lse_sum a, lse_sum b);
/* out = a + b for count <= LSE_BATCH sums, element by element; out may be a or b. The second is for any number, on
 * threads if there are many. All of these functions give the same bits. */
void lse_merge_few(const lse_kernels *table, int weighted, lse_sums out, lse_sums a, lse_sums b, ptrdiff_t count);
void lse_merge_sums(const lse_kernels *table, int weighted, lse_sums out, lse_sums a, lse_sums b, ptrdiff_t count,
                    lse_run run);

/* value, value_lo and sign of count <= LSE_BATCH unweighted sums, as for this type; unless weighted.max is NULL, of the
 * totals of an unweighted and a weighted sum each. */
void lse_finish_sums(const lse_kernels *table, lse_type type, lse_sums plain, lse_sums weighted, ptrdiff_t count,
                     lse_results *results);

/* State i of an unweighted sum whose elements are mapped: where its maximum exceeds `most`, the state of the elements
 * minus shift. infinities: how many of the elements are +inf. */
void lse_state_of(lse_sum plain, double most, ptrdiff_t i, lse_states *states, double *shift, ptrdiff_t *infinities);

#endif
