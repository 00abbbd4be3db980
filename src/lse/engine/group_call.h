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

/* group_columns.c: panels of LSE_BATCH groups, of which each lies LSE_BATCH elements after the one before. Groups are in
 * the order of their lengths, those of nothing and of one element apart, and what the shorter ones of a panel lack
 * becomes -inf, which adds nothing. The rest are rows. */
#define LSE_IS_COLUMN (UINT32_C(1) << 31) /* beside the place of an element */

typedef struct {
    ptrdiff_t longest;              /* elements of a column */
    ptrdiff_t begin[LSE_SHORT + 2]; /* the first panel of each length, and the end of all */
    ptrdiff_t up_to[LSE_SHORT + 1]; /* how many groups have 2 elements to so many; none do of 0 and 1 */
    uint32_t *group;                /* that the columns are, and from the end on the rows */
    ptrdiff_t rows, rows_begin;     /* how many, and their first element */
    ptrdiff_t *offsets;             /* of the rows, from there on */
} lse_columns;

int lse_fits_columns(const lse_group_call *call);
/* How many elements there is to be room for. */
ptrdiff_t lse_room_for_columns(const lse_group_call *call);
/* From the numbers of elements of each group that some tasks have to the place of the first of them; `group` and
 * `offsets` have room for all groups, and one more. */
void lse_lay_out_columns(lse_columns *columns, const lse_group_call *call, uint32_t *next, ptrdiff_t tasks);
/* The sums or maps of elements that are so sorted, these where they are; values: memory for sums of all groups. */
int lse_run_columns(const lse_columns *columns, const lse_group_call *call, char *sorted, int threads, char *values);

#endif
