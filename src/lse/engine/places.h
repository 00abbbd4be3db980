/* A walk through the elements of a row of any layout. */
#ifndef LSE_PLACES_H
#define LSE_PLACES_H

#include "engine/plan.h"

/* A place in the axes of a layout, with the strides of one of its arrays. */
typedef struct {
    const lse_layout *layout;
    const ptrdiff_t *strides;
    ptrdiff_t at, index[LSE_MAX_DIMS];
} lse_place;

static inline void lse_find_place(lse_place *p, const lse_layout *layout, const ptrdiff_t *strides, ptrdiff_t element)
{
    p->layout = layout;
    p->strides = strides;
    p->at = 0;
    for (int axis = layout->ndim - 1; axis >= 0; axis--) {
        p->index[axis] = axis > 0 ? element % layout->shape[axis] : element;
        element /= layout->shape[axis];
        p->at += p->index[axis] * strides[axis];
    }
}

/* How many of n elements are in the run along the last axis that begins here. */
static inline ptrdiff_t lse_run_of(const lse_place *p, ptrdiff_t n)
{
    const int last = p->layout->ndim - 1;
    return last < 0 ? 1 : lse_least(n, p->layout->shape[last] - p->index[last]);
}

static inline void lse_go_on(lse_place *p, ptrdiff_t n)
{
    int axis = p->layout->ndim - 1;
    if (axis < 0) return;
    p->at += n * p->strides[axis];
    p->index[axis] += n;
    for (; axis > 0 && p->index[axis] == p->layout->shape[axis]; axis--) {
        p->at += p->strides[axis - 1] - p->index[axis] * p->strides[axis];
        p->index[axis] = 0;
        p->index[axis - 1]++;
    }
}

#endif
