/* Elements that belong to groups by their labels, sorted so that each group is a segment. */
#ifndef LSE_GROUPS_H
#define LSE_GROUPS_H

#include <stdint.h>

#include "engine/engine.h"

/* n labels, each the number of a group, and the segments that the groups become: element i of group g is among
 * offsets[g] .. offsets[g + 1], in the order of the elements. */
typedef struct {
    const void *labels; /* one after the other */
    int label_size;     /* 4 or 8 bytes, signed */
    ptrdiff_t n, count; /* of elements, of groups */
    ptrdiff_t rows;     /* about how many arrays of n elements will be sorted */
    ptrdiff_t *offsets; /* count + 1 of them; set by lse_group */
    int in_order;       /* whether the elements are sorted as they are; set by lse_group */
    ptrdiff_t wrong;    /* LSE_WRONG_LABEL: the first label that is no group */
    lse_run run;
    lse_question question; /* as in a request */
    int threads;           /* maximum number; 0: as many as pay */
    /* of groups.c */
    ptrdiff_t tasks, each; /* tasks that elements, or in short rows the rows, are divided among; elements of one */
    ptrdiff_t *places; /* for each task the place of the next element of each bucket, or in short rows of each group */
    int shift;         /* a bucket is the groups whose labels differ in so many low bits only; -1: short rows */
    ptrdiff_t buckets;
    ptrdiff_t *bucket_at; /* where they begin, and the last one ends */
    void *low;            /* the low bits of the labels, as the elements are in their buckets */
    int low_size;         /* 2 or 4 bytes */
} lse_groups;

enum { LSE_WRONG_LABEL = 100, LSE_NOT_TAKEN };

/* Groups the elements, and with that moves a first array as lse_sort_by_groups does, unless they are in order, or there
 * is none and its data NULL. Returns 0, LSE_NO_MEMORY, LSE_INTERRUPTED or LSE_WRONG_LABEL; unless it is 0 there is
 * nothing to free. */
int lse_group(lse_groups *groups, const lse_array *plain, const lse_array *sorted, int axis);
void lse_free_groups(lse_groups *groups);

/* Moves the elements of an array, which has length n along an axis, to an array of the same shape where they are
 * sorted, or back from there, which leaves the latter in disorder. Only itemsize, shape and strides matter. Returns 0,
 * LSE_NO_MEMORY, LSE_INTERRUPTED, or LSE_WRONG_LABEL where another thread has changed the labels. */
int lse_sort_by_groups(lse_groups *groups, const lse_array *plain, const lse_array *sorted, int axis, int back);

/* group_calls.c: a request for segments of arrays of one axis, but for the offsets: those of groups by labels of 4 or 8
 * bytes. Returns what lse_execute does, or LSE_WRONG_LABEL, or LSE_NOT_TAKEN, and nothing is done: of many elements it
 * takes sums and maps without weights and mask, unless they are in order. */
int lse_execute_groups(const lse_request *request, const void *labels, int label_size, ptrdiff_t n);

#endif
