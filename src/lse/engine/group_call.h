/* A call for groups of one row: what group_calls.c makes of it, and group_buckets.c where there are many elements. */
#ifndef LSE_GROUP_CALL_H
#define LSE_GROUP_CALL_H

#include "engine/groups.h"
#include "engine/plan.h"

/* A request whose arrays have one axis, and the labels of its n elements. */
typedef struct {
    lse_request q;
    const void *labels;
    int label_size;
    ptrdiff_t n, count; /* of elements, of groups */
} lse_group_call;

/* Of labels of 4 or 8 bytes, a constant. */
LSE_INLINE ptrdiff_t lse_label_at(const void *labels, const int size, ptrdiff_t i)
{ return size == 8 ? (ptrdiff_t)((const int64_t *)labels)[i] : (ptrdiff_t)((const int32_t *)labels)[i]; }

static inline size_t lse_in_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Whether a map may write its results where its input is. */
static inline int lse_is_alike(const lse_array *a, const lse_array *out)
{ return out->kind == a->kind && out->itemsize == a->itemsize && !a->swapped && !out->swapped; }

/* group_buckets.c: whether it takes a call of many groups, and the call; LSE_NOT_TAKEN, and nothing is done, if they had
 * better be sorted in one step. */
int lse_fits_buckets(const lse_group_call *call);
int lse_run_buckets(const lse_group_call *call);

#endif
