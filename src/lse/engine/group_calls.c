/* Sums and maps of groups of one row, from labels to results, with the bits of segments. */
#include "engine/group_call.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 1 << 14 }; /* elements that are sorted at once */

/* In order ---------------------------------------------------------------------------------------------------- */

/* The first element whose label is wrong or less than the one before it, or n. */
LSE_INLINE ptrdiff_t ascending(const void *labels, const int size, ptrdiff_t n, ptrdiff_t count)
{
    ptrdiff_t before = 0, i = 0;
    for (; i < n; i++) {
        const ptrdiff_t label = lse_label_at(labels, size, i);
        if (label < before || label >= count) break;
        before = label;
    }
    return i;
}

/* The offsets of groups that are in order, from where each of them ends. */
LSE_INLINE void put_ends(const void *labels, const int size, ptrdiff_t n, ptrdiff_t count, ptrdiff_t *offsets)
{
    memset(offsets, 0, (size_t)(count + 1) * sizeof *offsets);
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t label = lse_label_at(labels, size, i);
        if ((size_t)label < (size_t)count) offsets[label + 1] = i + 1; /* others have been changed meanwhile */
    }
    for (ptrdiff_t group = 0; group < count; group++) offsets[group + 1] = lse_most(offsets[group], offsets[group + 1]);
}

static int execute_in_order(lse_group_call *c)
{
    ptrdiff_t *offsets = (ptrdiff_t *)malloc((size_t)(c->count + 1) * sizeof *offsets);
    if (!offsets) return LSE_NO_MEMORY;
    if (c->label_size == 8) put_ends(c->labels, 8, c->n, c->count, offsets);
    else put_ends(c->labels, 4, c->n, c->count, offsets);
    c->q.offsets = offsets;
    const int failed = lse_execute(&c->q);
    free(offsets);
    return failed;
}

/* Few elements ------------------------------------------------------------------------------------------------ */

/* Their places among sorted ones; offsets has room for two more than groups. */
LSE_INLINE int find_places(lse_group_call *c, const int size, ptrdiff_t *offsets, int32_t *place)
{
    const size_t count = (size_t)c->count;
    ptrdiff_t next = 0;
    memset(offsets, 0, (count + 2) * sizeof *offsets);
    for (ptrdiff_t i = 0; i < c->n; i++) {
        const ptrdiff_t label = lse_label_at(c->labels, size, i);
        if ((size_t)label >= count) return LSE_WRONG_LABEL;
        offsets[label + 2]++;
    }
    for (size_t group = 1; group <= count; group++) {
        next += offsets[group];
        offsets[group] = next;
    }
    offsets[count + 1] = c->n;
    for (ptrdiff_t i = 0; i < c->n; i++) {
        const ptrdiff_t label = lse_label_at(c->labels, size, i);
        const ptrdiff_t to = (size_t)label < count ? offsets[label + 1]++ : c->n;
        if (to >= c->n) return LSE_WRONG_LABEL; /* changed meanwhile */
        place[i] = (int32_t)to;
    }
    return 0;
}

/* Elements of a size that is a constant, to their places or back. */
LSE_INLINE void move_to(char *sorted, const int32_t *place, char *plain, ptrdiff_t step, ptrdiff_t n, const size_t size,
                        const int back)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        char *at = sorted + (size_t)place[i] * size;
        if (back) memcpy(plain + i * step, at, size);
        else memcpy(at, plain + i * step, size);
    }
}

static void move(char *sorted, const int32_t *place, char *plain, ptrdiff_t step, ptrdiff_t n, int size, int back)
{
    switch (size) {
    case 4: back ? move_to(sorted, place, plain, step, n, 4, 1) : move_to(sorted, place, plain, step, n, 4, 0); break;
    case 8: back ? move_to(sorted, place, plain, step, n, 8, 1) : move_to(sorted, place, plain, step, n, 8, 0); break;
    default: move_to(sorted, place, plain, step, n, (size_t)size, back);
    }
}

/* An array of the call sorted, at the beginning of some memory; returns where that goes on. */
static char *sort_array(const lse_group_call *c, lse_array *a, ptrdiff_t *stride, const int32_t *place, char *memory)
{
    if (!a->data) return memory;
    move(memory, place, a->data, a->stride[0], c->n, a->itemsize, 0);
    a->data = memory;
    *stride = a->itemsize;
    a->stride = stride;
    return memory + lse_in_lines((size_t)c->n * (size_t)a->itemsize);
}

static int execute_few(lse_group_call *c)
{
    const int maps = lse_is_map(c->q.operation);
    const lse_array out = c->q.out;
    const size_t n = (size_t)c->n, sizes[] = {lse_in_lines(((size_t)c->count + 2) * sizeof(ptrdiff_t)),
                                              lse_in_lines(n * (size_t)c->q.a.itemsize),
                                              c->q.weights.data ? lse_in_lines(n * (size_t)c->q.weights.itemsize) : 0,
                                              c->q.where.data ? lse_in_lines(n) : 0,
                                              maps ? lse_in_lines(n * (size_t)out.itemsize) : 0,
                                              n * sizeof(int32_t)};
    size_t all = 0;
    ptrdiff_t stride[4];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) all += sizes[i];
    char *memory = (char *)malloc(all), *next = memory + sizes[0];
    if (!memory) return LSE_NO_MEMORY;
    ptrdiff_t *offsets = (ptrdiff_t *)memory;
    int32_t *place = (int32_t *)(memory + all - sizes[5]);
    int failed = c->label_size == 8 ? find_places(c, 8, offsets, place) : find_places(c, 4, offsets, place);
    if (!failed) {
        next = sort_array(c, &c->q.a, &stride[0], place, next);
        next = sort_array(c, &c->q.weights, &stride[1], place, next);
        next = sort_array(c, &c->q.where, &stride[2], place, next);
        stride[3] = out.itemsize;
        if (maps) c->q.out = (lse_array){next, 1, out.kind, out.itemsize, out.swapped, c->q.a.shape, &stride[3]};
        c->q.offsets = offsets;
        failed = lse_execute(&c->q);
    }
    if (!failed && maps) move(next, place, out.data, out.stride[0], c->n, out.itemsize, 1);
    free(memory);
    return failed;
}

/* All of it --------------------------------------------------------------------------------------------------- */

int lse_execute_groups(const lse_request *request, const void *labels, int label_size, ptrdiff_t n)
{
    lse_group_call c = {*request, labels, label_size, n, request->segments};
    const ptrdiff_t order = label_size == 8 ? ascending(labels, 8, n, c.count) : ascending(labels, 4, n, c.count);
    int failed;
    if (order < n && n > FEW && !lse_fits_buckets(&c)) return LSE_NOT_TAKEN;
    const lse_question before = c.q.question ? lse_ask_meanwhile(c.q.question) : NULL;
    if (order == n) failed = execute_in_order(&c);
    else if (n <= FEW) failed = execute_few(&c);
    else failed = lse_run_buckets(&c);
    if (c.q.question) lse_ask_meanwhile(before);
    return failed;
}
