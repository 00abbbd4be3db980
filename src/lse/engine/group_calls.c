/* Sums and maps of groups of one row, from labels to results, with the bits of segments. */
#include "engine/group_call.h"
#include "engine/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    FEW = 1 << 19,      /* elements that are sorted in one step; */
    FEW_SUMS = 1 << 12, /* more of them, if they are of so many groups, whose lines of memory are written by turns, */
    FEW_MAPS = 1 << 10, /* and for maps read as well */
    SOME = 1 << 16,     /* elements between two questions whether to stop */
    PARALLEL_FROM = 1 << 16, /* elements; */
    LEAST = 1 << 14,         /* of each task then */
    AHEAD = 32               /* elements whose places are asked for before they are moved */
};

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

/* In one step ------------------------------------------------------------------------------------------------- */

/* A stable counting sort, whose tasks have a part of the elements each. */
typedef struct {
    const lse_group_call *c;
    int failed;
    ptrdiff_t tasks, each; /* elements of a task */
    uint32_t *next;        /* for each task, how many elements of each group it has, then the place of the next one */
    int32_t *place;        /* of each element among the sorted ones; NULL where one array is moved, and never back */
    ptrdiff_t room;        /* sorted elements that there is room for */
    char *plain, *sorted;  /* what is moved: elements of this size, at these distances and one after another */
    ptrdiff_t step;
    int size, back;
} sorting;

/* Calls do(start, end) for the elements of a task, until told to stop. */
#define EACH_PART(s, task, DO)                                                                                         \
    do {                                                                                                               \
        const ptrdiff_t last_ = lse_least((s)->c->n, ((task) + 1) * (s)->each);                                        \
        for (ptrdiff_t start_ = (task) * (s)->each, end_; start_ < last_ && !lse_is_stopped(&(s)->failed);             \
             start_ = end_) {                                                                                          \
            end_ = lse_least(last_, start_ + SOME);                                                                    \
            const int failed_ = DO(start_, end_);                                                                      \
            if (failed_) LSE_STORE(&(s)->failed, failed_);                                                             \
        }                                                                                                              \
    } while (0)

LSE_INLINE int count_part(const lse_group_call *c, const int label_size, ptrdiff_t start, ptrdiff_t end, uint32_t *next)
{
    const void *labels = c->labels;
    const size_t count = (size_t)c->count;
    for (ptrdiff_t i = start; i < end; i++) {
        const size_t label = (size_t)lse_label_at(labels, label_size, i);
        if (label >= count) return LSE_WRONG_LABEL;
        next[label]++;
    }
    return 0;
}

static void count_task(void *context, ptrdiff_t task)
{
    sorting *s = (sorting *)context;
    uint32_t *next = s->next + task * s->c->count;
    memset(next, 0, (size_t)s->c->count * sizeof *next);
#define COUNT(start, end)                                                                                              \
    (s->c->label_size == 8 ? count_part(s->c, 8, start, end, next) : count_part(s->c, 4, start, end, next))
    EACH_PART(s, task, COUNT);
#undef COUNT
}

/* From numbers of elements to places, and the offsets of the groups. */
static void find_offsets(sorting *s, ptrdiff_t *offsets)
{
    const ptrdiff_t count = s->c->count;
    uint32_t at = 0;
    for (ptrdiff_t group = 0; group < count; group++) {
        offsets[group] = at;
        for (ptrdiff_t task = 0; task < s->tasks; task++) {
            const uint32_t own = s->next[task * count + group];
            s->next[task * count + group] = at;
            at += own;
        }
    }
    offsets[count] = at;
}

/* Elements to the next places of their groups, which are noted if so wanted. The sizes are constants, or a size that is
 * not. */
LSE_INLINE int sort_part(const sorting *s, const int label_size, const size_t size, const int noted, ptrdiff_t start,
                         ptrdiff_t end, uint32_t *next)
{
    const void *labels = s->c->labels;
    const size_t count = (size_t)s->c->count;
    const ptrdiff_t n = s->c->n, room = s->room, step = s->step;
    const char *plain = s->plain;
    char *sorted = s->sorted;
    int32_t *place = s->place;
    for (ptrdiff_t i = start; i < end; i++) {
        const size_t label = (size_t)lse_label_at(labels, label_size, i);
        const size_t later = (size_t)lse_label_at(labels, label_size, lse_least(i + AHEAD, n - 1));
        if (later < count) LSE_PREFETCH_OUT(sorted + (size_t)(next[later] & ~LSE_IS_COLUMN) * size);
        if (label >= count) return LSE_WRONG_LABEL; /* changed meanwhile */
        const uint32_t at = next[label];
        const ptrdiff_t to = (ptrdiff_t)(at & ~LSE_IS_COLUMN);
        if (to >= room) return LSE_WRONG_LABEL;
        next[label] = at + (at >= LSE_IS_COLUMN ? LSE_BATCH : 1);
        if (noted) place[i] = (int32_t)to;
        memcpy(sorted + (size_t)to * size, plain + i * step, size);
    }
    return 0;
}

/* Elements to places that are known, or back. */
LSE_INLINE int move_part(const sorting *s, const size_t size, const int back, ptrdiff_t start, ptrdiff_t end)
{
    const ptrdiff_t step = s->step;
    const int32_t *place = s->place;
    char *plain = s->plain, *sorted = s->sorted;
    for (ptrdiff_t i = start; i < end; i++) {
        char *at = sorted + (size_t)place[i] * size;
        if (back) memcpy(plain + i * step, at, size);
        else memcpy(at, plain + i * step, size);
    }
    return 0;
}

#define OF_EACH_SIZE(DO)                                                                                               \
    switch (s->size) {                                                                                                 \
    case 1: DO(1); break;                                                                                              \
    case 2: DO(2); break;                                                                                              \
    case 4: DO(4); break;                                                                                              \
    case 8: DO(8); break;                                                                                              \
    case 16: DO(16); break;                                                                                            \
    default: DO((size_t)s->size);                                                                                      \
    }

static int sort_any(const sorting *s, ptrdiff_t start, ptrdiff_t end, uint32_t *next)
{
    const int wide = s->c->label_size == 8, noted = s->place != NULL;
    int failed = 0;
#define OF_LABELS(size, noted)                                                                                         \
    (wide ? sort_part(s, 8, size, noted, start, end, next) : sort_part(s, 4, size, noted, start, end, next))
#define SORT(size) failed = noted ? OF_LABELS(size, 1) : OF_LABELS(size, 0)
    OF_EACH_SIZE(SORT)
#undef SORT
#undef OF_LABELS
    return failed;
}

static int move_any(const sorting *s, ptrdiff_t start, ptrdiff_t end)
{
#define MOVE(size) s->back ? move_part(s, size, 1, start, end) : move_part(s, size, 0, start, end)
    OF_EACH_SIZE(MOVE)
#undef MOVE
    return 0;
}

static void sort_task(void *context, ptrdiff_t task)
{
    sorting *s = (sorting *)context;
    uint32_t *next = s->next + task * s->c->count;
#define SORT(start, end) sort_any(s, start, end, next)
    EACH_PART(s, task, SORT);
#undef SORT
}

static void move_task(void *context, ptrdiff_t task)
{
    sorting *s = (sorting *)context;
#define MOVE(start, end) move_any(s, start, end)
    EACH_PART(s, task, MOVE);
#undef MOVE
}

/* An array of the call sorted, at the beginning of some memory; returns where that goes on. */
static char *sort_array(sorting *s, lse_array *a, ptrdiff_t *stride, lse_task task, char *memory)
{
    if (!a->data || lse_is_stopped(&s->failed)) return memory;
    s->plain = a->data;
    s->sorted = memory;
    s->step = a->stride[0];
    s->size = a->itemsize;
    s->c->q.run(task, s, s->tasks, (int)s->tasks);
    a->data = memory;
    *stride = a->itemsize;
    a->stride = stride;
    return memory + lse_in_lines((size_t)s->c->n * (size_t)a->itemsize);
}

static void put_back(sorting *s, const lse_array *out, char *sorted)
{
    s->plain = out->data;
    s->sorted = sorted;
    s->step = out->stride[0];
    s->size = out->itemsize;
    s->back = 1;
    s->c->q.run(move_task, s, s->tasks, (int)s->tasks);
}

/* Fewer tasks if otherwise their counts took more memory than labels. */
static void divide(sorting *s)
{
    const lse_group_call *c = s->c;
    const ptrdiff_t most = lse_least(lse_quotient_up(c->n, LEAST), lse_most(1, c->n / lse_most(1, c->count)));
    s->tasks = lse_least(most, lse_threads_for(c->n, PARALLEL_FROM, c->q.threads));
    s->each = lse_quotient_up(c->n, s->tasks);
    s->tasks = lse_quotient_up(c->n, s->each);
}

/* The arrays sorted, then segments, and back, in memory for all of that. */
static int execute_sorted(sorting *s, ptrdiff_t *offsets, char *memory)
{
    lse_request q = s->c->q;
    const lse_array out = q.out;
    const int maps = lse_is_map(q.operation), in_place = maps && lse_is_alike(&q.a, &out);
    ptrdiff_t stride[4] = {[3] = out.itemsize};
    char *next = sort_array(s, &q.a, &stride[0], sort_task, memory);
    next = sort_array(s, &q.weights, &stride[1], move_task, next);
    next = sort_array(s, &q.where, &stride[2], move_task, next);
    if (in_place) next = memory;
    if (maps) q.out = (lse_array){next, 1, out.kind, out.itemsize, out.swapped, q.a.shape, &stride[3]};
    q.offsets = offsets;
    if (!s->failed) s->failed = lse_execute(&q);
    if (!s->failed && maps) put_back(s, &out, next);
    return s->failed;
}

/* Likewise groups as columns; group: room for the number of each. */
static int execute_columns(sorting *s, ptrdiff_t *offsets, uint32_t *group, char *memory)
{
    lse_columns k = {.group = group, .offsets = offsets};
    lse_array a = s->c->q.a;
    ptrdiff_t stride;
    lse_lay_out_columns(&k, s->c, s->next, s->tasks);
    sort_array(s, &a, &stride, sort_task, memory);
    if (!s->failed) s->failed = lse_run_columns(&k, s->c, memory, (int)s->tasks, (char *)s->next);
    if (!s->failed && lse_is_map(s->c->q.operation)) put_back(s, &s->c->q.out, memory);
    return s->failed;
}

static int execute_in_one_step(const lse_group_call *c)
{
    sorting s = {.c = c};
    const lse_request *q = &c->q;
    const int maps = lse_is_map(q->operation), noted = maps || q->weights.data || q->where.data;
    const int columns = lse_fits_columns(c);
    divide(&s);
    const size_t n = (size_t)c->n, count = (size_t)c->count, counts = (size_t)s.tasks * count * sizeof *s.next;
    const size_t sizes[] = {
        lse_in_lines((count + 1) * sizeof(ptrdiff_t)),
        lse_in_lines(columns && counts < count * sizeof(double) ? count * sizeof(double) : counts), /* and for sums */
        columns ? lse_in_lines(count * sizeof(uint32_t)) : 0, noted ? lse_in_lines(n * sizeof *s.place) : 0};
    s.room = columns ? lse_room_for_columns(c) : c->n;
    const size_t arrays = lse_in_lines((size_t)s.room * (size_t)q->a.itemsize) +
                          (q->weights.data ? lse_in_lines(n * (size_t)q->weights.itemsize) : 0) +
                          (q->where.data ? lse_in_lines(n) : 0) +
                          (maps && !lse_is_alike(&q->a, &q->out) ? n * (size_t)q->out.itemsize : 0);
    char *memory = (char *)lse_large_memory(sizes[0] + sizes[1] + sizes[2] + sizes[3] + arrays), *next = memory;
    if (!memory) return LSE_NO_MEMORY;
    ptrdiff_t *offsets = (ptrdiff_t *)next;
    s.next = (uint32_t *)(next += sizes[0]);
    uint32_t *group = (uint32_t *)(next += sizes[1]);
    next += sizes[2];
    if (noted) s.place = (int32_t *)next;
    next += sizes[3];
    q->run(count_task, &s, s.tasks, (int)s.tasks);
    if (!s.failed && columns) {
        execute_columns(&s, offsets, group, next);
    } else if (!s.failed) {
        find_offsets(&s, offsets);
        execute_sorted(&s, offsets, next);
    }
    free(memory);
    return s.failed;
}

/* All of it --------------------------------------------------------------------------------------------------- */

int lse_execute_groups(const lse_request *request, const void *labels, int label_size, ptrdiff_t n)
{
    lse_group_call c = {*request, labels, label_size, n, request->segments};
    const ptrdiff_t order = label_size == 8 ? ascending(labels, 8, n, c.count) : ascending(labels, 4, n, c.count);
    int failed;
    const ptrdiff_t few_groups = lse_is_map(request->operation) ? FEW_MAPS : FEW_SUMS;
    const int few = n <= FEW || (c.count <= few_groups && n <= INT32_MAX);
    if (order < n && !few && !lse_fits_buckets(&c)) return LSE_NOT_TAKEN;
    const lse_question before = c.q.question ? lse_ask_meanwhile(c.q.question) : NULL;
    if (order == n) failed = execute_in_order(&c);
    else if (few || (failed = lse_run_buckets(&c)) == LSE_NOT_TAKEN) failed = execute_in_one_step(&c);
    if (c.q.question) lse_ask_meanwhile(before);
    return failed;
}
