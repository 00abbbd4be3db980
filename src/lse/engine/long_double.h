/* What long double and complex long double share: rows of any layout, some elements at a time, and sums. */
#ifndef LSE_LONG_DOUBLE_H
#define LSE_LONG_DOUBLE_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/places.h"
#include "engine/plan.h"

enum { LSE_SOME = 64, LSE_ENOUGH = 1 << 12 }; /* elements that are fetched at a time, and those of a task */

/* A call. The imaginary parts of elements and weights are so many bytes after the real ones; 0 if there are none. */
typedef struct {
    const lse_plan *plan;
    const lse_segments *segments; /* NULL for whole rows */
    ptrdiff_t rows, together;
    int mean;
    ptrdiff_t imag, weight_imag;
} lse_long_doubles;

/* long_complex.c: one row, or one segment, of complex numbers. */
void lse_run_long_complex(const lse_long_doubles *all, const lse_row *row, char *out);

/* From one element of a run to the next. */
static inline ptrdiff_t lse_step_of(const lse_layout *layout, const ptrdiff_t *strides)
{ return layout->ndim > 0 ? strides[layout->ndim - 1] : 0; }

static inline void lse_gather(const lse_layout *layout, const ptrdiff_t *strides, lse_load load, const char *base,
                              ptrdiff_t start, ptrdiff_t n, long double *to)
{
    lse_place p;
    lse_find_place(&p, layout, strides, start);
    for (ptrdiff_t done = 0, some; done < n; done += some) {
        some = lse_run_of(&p, n - done);
        load(base + p.at, lse_step_of(layout, strides), some, to + done);
        lse_go_on(&p, some);
    }
}

static inline void lse_fetch_mask(const lse_plan *plan, const lse_row *row, ptrdiff_t start, ptrdiff_t n,
                                  unsigned char *is_in)
{
    lse_place p;
    memset(is_in, 1, (size_t)n);
    if (!row->where) return;
    lse_find_place(&p, &plan->row, plan->row.where_stride, start);
    for (ptrdiff_t i = 0; i < n; i++) {
        is_in[i] = row->where[p.at] != 0;
        lse_go_on(&p, 1);
    }
}

/* Whether to go on with the next chunk: at the end of a row, and when stopped, n becomes 0. */
static inline int lse_next_chunk(const lse_plan *plan, const lse_row *row, ptrdiff_t *start, ptrdiff_t *n)
{
    *start += *n;
    *n = *start % LSE_ENOUGH == 0 && lse_is_stopped(plan->failed) ? 0 : lse_least(LSE_SOME, row->n - *start);
    return *n > 0;
}
#define LSE_EACH_CHUNK(plan, row, start, n) for (ptrdiff_t start = 0, n = 0; lse_next_chunk(plan, row, &start, &n);)

static inline void lse_put_chunk(const lse_plan *plan, char *out, ptrdiff_t start, ptrdiff_t n,
                                 const long double *values)
{
    const lse_layout *layout = &plan->out_row;
    lse_place p;
    lse_find_place(&p, layout, layout->stride, start);
    for (ptrdiff_t done = 0, some; done < n; done += some) {
        some = lse_run_of(&p, n - done);
        layout->store(out + p.at, lse_step_of(layout, layout->stride), some, values + done);
        lse_go_on(&p, some);
    }
}

/* Let all elements of a row be one number. */
static inline void lse_all_are(lse_plan *plan, lse_row *row, const long double *number)
{
    plan->row.load = lse_load_for('f', sizeof *number, 0, LSE_LONGDOUBLE);
    for (int axis = 0; axis < plan->row.ndim; axis++) plan->row.stride[axis] = 0;
    plan->row.direct = 0;
    row->x = (const char *)number;
}

/* log|x| within log 2 of a number that is not 0: enough to find the terms that matter most. */
static inline long double lse_rough_log(long double x)
{ return isfinite(x) ? 0.693147180559945309417L * (long double)ilogbl(x) : fabsl(x); }

/* A sum and what its roundings have lost. */
typedef struct {
    long double sum, lost;
} lse_running_sum;

static inline void lse_add(lse_running_sum *r, long double x)
{
    const long double sum = r->sum + x, of_x = sum - r->sum;
    r->lost += (r->sum - (sum - of_x)) + (x - of_x);
    r->sum = sum;
}

static inline long double lse_total_of(const lse_running_sum *r)
{ return isfinite(r->sum) ? r->sum + r->lost : r->sum; }

#endif
