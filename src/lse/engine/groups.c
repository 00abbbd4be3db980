/* A stable counting sort by label, in two steps, so that no step writes to more places than caches and the tables of
 * virtual memory hold: to buckets of neighbouring groups by the high bits of the labels, on threads that each have a
 * part of the elements; and within each bucket by the low bits. Short rows are sorted in one step. */
#include "engine/groups.h"

#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"

enum {
    MANY = 1 << 15,  /* elements of a row that is not short; of a bucket, if there may be enough buckets */
    SOME = 1 << 16,  /* elements between two questions whether to stop */
    FEWEST = 1 << 8, /* buckets if there are as many groups */
    MOST = 1 << 11   /* buckets */
};

/* Of labels of 4 or 8 bytes, a constant. */
LSE_INLINE ptrdiff_t label_at(const void *labels, const int size, ptrdiff_t i)
{ return size == 8 ? (ptrdiff_t)((const int64_t *)labels)[i] : (ptrdiff_t)((const int32_t *)labels)[i]; }

static ptrdiff_t label_of(const lse_groups *g, ptrdiff_t i) { return label_at(g->labels, g->label_size, i); }

static ptrdiff_t end_of(const lse_groups *g, ptrdiff_t task) { return lse_least((task + 1) * g->each, g->n); }

/* Grouping ------------------------------------------------------------------------------------------------- */

/* What the tasks of lse_group share; wrong and in_order are of each of them. */
typedef struct {
    lse_groups *g;
    int failed;
    ptrdiff_t *wrong;
    unsigned char *in_order;
} grouping;

/* How many elements of each bucket, or group, elements start .. end have, and whether their labels ascend from the one
 * before. Returns the first wrong one, or -1. */
LSE_INLINE ptrdiff_t count_some(const lse_groups *g, const int size, ptrdiff_t start, ptrdiff_t end, ptrdiff_t *count,
                                int *in_order)
{
    const void *labels = g->labels;
    const int shift = g->shift > 0 ? g->shift : 0;
    const size_t groups = (size_t)g->count;
    ptrdiff_t before = start > 0 ? label_at(labels, size, start - 1) : 0;
    int ascend = 1;
    for (ptrdiff_t i = start; i < end; i++) {
        const ptrdiff_t label = label_at(labels, size, i);
        if ((size_t)label >= groups) return i;
        ascend &= label >= before;
        before = label;
        count[label >> shift]++;
    }
    *in_order &= ascend;
    return -1;
}

static void count_task(void *context, ptrdiff_t task)
{
    grouping *c = (grouping *)context;
    lse_groups *g = c->g;
    const ptrdiff_t end = g->shift < 0 ? g->n : end_of(g, task);
    ptrdiff_t *count = g->places + task * g->buckets, wrong = -1;
    int in_order = 1;
    for (ptrdiff_t start = task * g->each, stop; start < end && wrong < 0; start = stop) {
        stop = lse_least(end, start + SOME);
        if (lse_is_stopped(&c->failed)) break;
        wrong = g->label_size == 8 ? count_some(g, 8, start, stop, count, &in_order)
                                   : count_some(g, 4, start, stop, count, &in_order);
    }
    c->wrong[task] = wrong;
    c->in_order[task] = (unsigned char)in_order;
}

/* From numbers of elements to the places of the first of them. */
static void place_buckets(lse_groups *g)
{
    ptrdiff_t next = 0;
    for (ptrdiff_t b = 0; b < g->buckets; b++) {
        g->bucket_at[b] = next;
        for (ptrdiff_t task = 0; task < (g->shift < 0 ? 1 : g->tasks); task++) {
            const ptrdiff_t own = g->places[task * g->buckets + b];
            g->places[task * g->buckets + b] = next;
            next += own;
        }
    }
    g->bucket_at[g->buckets] = next;
}

static void offsets_of_order(lse_groups *g)
{
    ptrdiff_t group = 0;
    for (ptrdiff_t i = 0; i < g->n; i++)
        for (const ptrdiff_t label = lse_least(label_of(g, i), g->count - 1); group <= label; group++)
            g->offsets[group] = i;
    for (; group <= g->count; group++) g->offsets[group] = g->n;
}

static void choose_buckets(lse_groups *g)
{
    const ptrdiff_t most = lse_least(MOST, lse_most(FEWEST, g->n / MANY));
    const int threads = lse_threads_for(g->n * lse_most(1, g->rows), MANY, g->threads);
    g->shift = 0;
    if (g->n < MANY) {
        g->shift = -1;
        g->tasks = lse_most(1, lse_least(threads, g->rows));
        g->buckets = g->count;
        g->each = g->n;
        return;
    }
    while (g->count > most << g->shift) g->shift++;
    g->buckets = lse_quotient_up(g->count, (ptrdiff_t)1 << g->shift);
    g->low_size = g->shift <= 16 ? 2 : 4;
    g->tasks = lse_least(threads, lse_quotient_up(g->n, MANY));
    g->each = lse_quotient_up(g->n, g->tasks);
    g->tasks = lse_quotient_up(g->n, g->each);
}

static void find_wrong(grouping *c, ptrdiff_t tasks)
{
    lse_groups *g = c->g;
    g->wrong = -1;
    g->in_order = 1;
    for (ptrdiff_t task = 0; task < tasks && g->wrong < 0; task++) {
        g->wrong = c->wrong[task];
        if (g->wrong < 0) g->in_order &= c->in_order[task];
    }
    if (g->wrong >= 0) c->failed = LSE_WRONG_LABEL;
}

/* Moving --------------------------------------------------------------------------------------------------- */

/* An array and its sorted twin: records of several bytes that lie together in both, the distances from one to the next
 * along the axis, and the other axes, whose rows are moved one after another. With the first row the low bits of the
 * labels go to their buckets, and the offsets are found. */
typedef struct {
    lse_groups *g;
    int failed, back, first;
    char *plain, *sorted; /* of the row */
    ptrdiff_t record, step, sorted_step;
    int ndim;
    ptrdiff_t rows, shape[LSE_MAX_DIMS], stride[LSE_MAX_DIMS], sorted_stride[LSE_MAX_DIMS];
} moving;

/* Elements start .. end of a row go to the next place of their bucket, or come from there. The sizes of labels, of low
 * bits or 0, and of records are constants, so that each is an instruction. */
LSE_INLINE int move_some(const moving *m, const int size, const int low_size, const ptrdiff_t record,
                         const ptrdiff_t sorted_step, const int back, ptrdiff_t start, ptrdiff_t end, ptrdiff_t *at)
{
    const lse_groups *g = m->g;
    const void *labels = g->labels;
    void *low = g->low;
    const int shift = g->shift > 0 ? g->shift : 0;
    const ptrdiff_t mask = ((ptrdiff_t)1 << shift) - 1, n = g->n, step = m->step;
    const size_t groups = (size_t)g->count;
    char *plain = m->plain, *sorted = m->sorted;
    for (ptrdiff_t i = start; i < end; i++) {
        const ptrdiff_t label = label_at(labels, size, i);
        if ((size_t)label >= groups) return LSE_WRONG_LABEL;
        const ptrdiff_t to = at[label >> shift]++;
        if (to >= n) return LSE_WRONG_LABEL;
        if (low_size == 2) ((uint16_t *)low)[to] = (uint16_t)(label & mask);
        if (low_size == 4) ((uint32_t *)low)[to] = (uint32_t)(label & mask);
        if (back) memcpy(plain + i * step, sorted + to * sorted_step, (size_t)record);
        else memcpy(sorted + to * sorted_step, plain + i * step, (size_t)record);
    }
    return 0;
}

LSE_INLINE void copy_run(char *to, ptrdiff_t step, const char *from, ptrdiff_t from_step, ptrdiff_t record,
                         ptrdiff_t count)
{
    if (step == record && from_step == record) memcpy(to, from, (size_t)(count * record));
    else
        for (ptrdiff_t k = 0; k < count; k++) memcpy(to + k * step, from + k * from_step, (size_t)record);
}

/* The elements of a bucket, which lie from element `start` on and are copied to a buffer, go to the next place of their
 * group; or back. */
LSE_INLINE void sort_some(const moving *m, const int low_size, const ptrdiff_t record, const ptrdiff_t step,
                          const int back, ptrdiff_t start, ptrdiff_t count, ptrdiff_t *at, char *buffer)
{
    const void *low = (const char *)m->g->low + start * low_size;
    char *sorted = m->sorted;
    if (!back) copy_run(buffer, record, sorted + start * step, step, record, count);
    for (ptrdiff_t k = 0; k < count; k++) {
        const ptrdiff_t own = low_size == 2 ? ((const uint16_t *)low)[k] : (ptrdiff_t)((const uint32_t *)low)[k];
        char *to = sorted + at[own]++ * step;
        if (back) memcpy(buffer + k * record, to, (size_t)record);
        else memcpy(to, buffer + k * record, (size_t)record);
    }
    if (back) copy_run(sorted + start * step, step, buffer, record, record, count);
}

/* Calls a function for records of each size that elements have, one after another, and for all others. */
#define OF_EACH_SIZE(CALL)                                                                                             \
    switch (m->sorted_step == m->record ? m->record : -1) {                                                            \
    case 1: CALL(1, 1); break;                                                                                         \
    case 2: CALL(2, 2); break;                                                                                         \
    case 4: CALL(4, 4); break;                                                                                         \
    case 8: CALL(8, 8); break;                                                                                         \
    case 16: CALL(16, 16); break;                                                                                      \
    default: CALL(m->record, m->sorted_step);                                                                          \
    }

static int move_records(const moving *m, ptrdiff_t start, ptrdiff_t end, ptrdiff_t *at)
{
    const int low_size = m->first && m->g->shift > 0 ? m->g->low_size : 0, wide = m->g->label_size == 8;
    int failed = 0;
#define OF_LABELS(low, bytes, step, back)                                                                              \
    failed = wide ? move_some(m, 8, low, bytes, step, back, start, end, at)                                            \
                  : move_some(m, 4, low, bytes, step, back, start, end, at)
#define MOVE(bytes, step)                                                                                              \
    if (low_size == 2) OF_LABELS(2, bytes, step, 0);                                                                   \
    else if (low_size == 4) OF_LABELS(4, bytes, step, 0);                                                              \
    else if (m->back) OF_LABELS(0, bytes, step, 1);                                                                    \
    else OF_LABELS(0, bytes, step, 0)
    OF_EACH_SIZE(MOVE)
#undef MOVE
#undef OF_LABELS
    return failed;
}

static void sort_records(const moving *m, ptrdiff_t start, ptrdiff_t count, ptrdiff_t *at, char *buffer)
{
#define SORT(bytes, step)                                                                                              \
    if (m->g->low_size == 4) sort_some(m, 4, bytes, step, m->back, start, count, at, buffer);                          \
    else if (m->back) sort_some(m, 2, bytes, step, 1, start, count, at, buffer);                                       \
    else sort_some(m, 2, bytes, step, 0, start, count, at, buffer)
    OF_EACH_SIZE(SORT)
#undef SORT
}

/* A part of a row to its buckets. */
static void part_task(void *context, ptrdiff_t task)
{
    moving *m = (moving *)context;
    const lse_groups *g = m->g;
    const ptrdiff_t end = end_of(g, task);
    ptrdiff_t at[MOST];
    memcpy(at, g->places + task * g->buckets, (size_t)g->buckets * sizeof *at);
    for (ptrdiff_t start = task * g->each; start < end && !lse_is_stopped(&m->failed); start += SOME) {
        const int failed = move_records(m, start, lse_least(end, start + SOME), at);
        if (failed) LSE_STORE(&m->failed, failed);
    }
}

/* The offsets of the groups of a bucket, from how many elements they have. */
static void find_offsets(const lse_groups *g, ptrdiff_t bucket, ptrdiff_t groups)
{
    ptrdiff_t *offset = g->offsets + (bucket << g->shift), next = g->bucket_at[bucket];
    const ptrdiff_t end = g->bucket_at[bucket + 1];
    memset(offset, 0, (size_t)groups * sizeof *offset);
    if (g->low_size == 2)
        for (ptrdiff_t i = next; i < end; i++) offset[((const uint16_t *)g->low)[i]]++;
    else
        for (ptrdiff_t i = next; i < end; i++) offset[((const uint32_t *)g->low)[i]]++;
    for (ptrdiff_t k = 0; k < groups; k++) {
        const ptrdiff_t own = offset[k];
        offset[k] = next;
        next += own;
    }
}

/* A bucket of a row to its groups. */
static void bucket_task(void *context, ptrdiff_t bucket)
{
    moving *m = (moving *)context;
    const lse_groups *g = m->g;
    const ptrdiff_t first = bucket << g->shift, groups = lse_least((ptrdiff_t)1 << g->shift, g->count - first);
    const ptrdiff_t start = g->bucket_at[bucket], count = g->bucket_at[bucket + 1] - start;
    const size_t places = (size_t)groups * sizeof(ptrdiff_t);
    if (lse_is_stopped(&m->failed)) return;
    if (m->first) find_offsets(g, bucket, groups);
    if (count == 0 || m->record == 0) return;
    ptrdiff_t *at = (ptrdiff_t *)malloc(places + (size_t)(count * m->record));
    if (!at) {
        LSE_STORE(&m->failed, LSE_NO_MEMORY);
        return;
    }
    memcpy(at, g->offsets + first, places);
    sort_records(m, start, count, at, (char *)at + places);
    free(at);
}

static void find_row(moving *m, const lse_array *plain, const lse_array *sorted, ptrdiff_t row)
{
    m->plain = plain->data;
    m->sorted = sorted->data;
    for (int axis = m->ndim - 1; axis >= 0; axis--) {
        const ptrdiff_t i = row % m->shape[axis];
        row /= m->shape[axis];
        m->plain += i * m->stride[axis];
        m->sorted += i * m->sorted_stride[axis];
    }
}

/* Some short rows, and the arrays they are of. The places of the task are used up, and set again for each. */
typedef struct {
    moving *m;
    const lse_array *plain, *sorted;
} short_rows;

static void rows_task(void *context, ptrdiff_t task)
{
    const short_rows *s = (const short_rows *)context;
    const lse_groups *g = s->m->g;
    const ptrdiff_t share = lse_quotient_up(s->m->rows, g->tasks), end = lse_least(s->m->rows, (task + 1) * share);
    ptrdiff_t *at = g->places + task * g->buckets;
    moving own = *s->m;
    for (ptrdiff_t row = task * share; row < end && !lse_is_stopped(&s->m->failed); row++) {
        find_row(&own, s->plain, s->sorted, row);
        memcpy(at, g->offsets, (size_t)g->count * sizeof *at);
        const int failed = move_records(&own, 0, g->n, at);
        if (failed) LSE_STORE(&s->m->failed, failed);
    }
}

static ptrdiff_t size_of(ptrdiff_t stride) { return stride < 0 ? -stride : stride; }

/* The axes but one in the order of the plain array's memory, those that lie together in both arrays as one record. */
static void lay_out(moving *m, const lse_array *plain, const lse_array *sorted, int axis)
{
    m->step = plain->stride[axis];
    m->sorted_step = sorted->stride[axis];
    m->record = plain->itemsize;
    for (int i = 0; i < plain->ndim; i++) {
        if (i == axis || plain->shape[i] == 1) continue;
        int at = m->ndim++;
        for (; at > 0 && size_of(m->stride[at - 1]) < size_of(plain->stride[i]); at--) {
            m->shape[at] = m->shape[at - 1];
            m->stride[at] = m->stride[at - 1];
            m->sorted_stride[at] = m->sorted_stride[at - 1];
        }
        m->shape[at] = plain->shape[i];
        m->stride[at] = plain->stride[i];
        m->sorted_stride[at] = sorted->stride[i];
    }
    while (m->ndim > 0 && m->stride[m->ndim - 1] == m->record && m->sorted_stride[m->ndim - 1] == m->record)
        m->record *= m->shape[--m->ndim];
    for (int i = 0; i < m->ndim; i++) m->rows *= m->shape[i];
}

/* A row that is not short. */
static void move_row(moving *m)
{
    const lse_groups *g = m->g;
    const int buckets = g->shift > 0, threads = (int)g->tasks;
    if (m->back && buckets) g->run(bucket_task, m, g->buckets, threads);
    if (!lse_is_stopped(&m->failed)) g->run(part_task, m, g->tasks, threads);
    if (!m->back && buckets && !lse_is_stopped(&m->failed)) g->run(bucket_task, m, g->buckets, threads);
}

static int move(lse_groups *g, const lse_array *plain, const lse_array *sorted, int axis, int back, int first)
{
    moving m = {.g = g, .back = back, .rows = 1};
    short_rows s = {&m, plain, sorted};
    if (plain->data) lay_out(&m, plain, sorted, axis);
    if (g->shift < 0) {
        g->run(rows_task, &s, g->tasks, (int)g->tasks);
        return m.failed;
    }
    for (ptrdiff_t row = 0; row < m.rows && !lse_is_stopped(&m.failed); row++) {
        m.first = first && row == 0;
        find_row(&m, plain, sorted, row);
        move_row(&m);
    }
    return m.failed;
}

int lse_sort_by_groups(lse_groups *g, const lse_array *plain, const lse_array *sorted, int axis, int back)
{
    const lse_question before = g->question ? lse_ask_meanwhile(g->question) : NULL;
    const int failed = move(g, plain, sorted, axis, back, 0);
    if (g->question) lse_ask_meanwhile(before);
    return failed;
}

/* All of it --------------------------------------------------------------------------------------------------- */

static void group(grouping *c, const lse_array *plain, const lse_array *sorted, int axis)
{
    lse_groups *g = c->g;
    const ptrdiff_t counted = g->shift < 0 ? 1 : g->tasks;
    g->run(count_task, c, counted, (int)counted);
    if (c->failed) return;
    find_wrong(c, counted);
    if (c->failed) return;
    if (g->in_order) {
        offsets_of_order(g);
        return;
    }
    place_buckets(g);
    if (g->shift <= 0) memcpy(g->offsets, g->bucket_at, (size_t)(g->count + 1) * sizeof *g->offsets);
    else {
        g->offsets[g->count] = g->n;
        g->low = malloc((size_t)g->n * (size_t)g->low_size);
        if (!g->low) c->failed = LSE_NO_MEMORY;
    }
    if (!c->failed) c->failed = move(g, plain, sorted, axis, 0, 1);
}

int lse_group(lse_groups *g, const lse_array *plain, const lse_array *sorted, int axis)
{
    choose_buckets(g);
    const size_t tasks = (size_t)g->tasks, buckets = (size_t)g->buckets;
    grouping c = {.g = g};
    g->low = NULL;
    c.wrong = (ptrdiff_t *)malloc(tasks * sizeof *c.wrong);
    c.in_order = (unsigned char *)malloc(tasks);
    g->places = (ptrdiff_t *)calloc(tasks * buckets + 1, sizeof *g->places);
    g->bucket_at = (ptrdiff_t *)malloc((buckets + 1) * sizeof *g->bucket_at);
    if (c.wrong && c.in_order && g->places && g->bucket_at) {
        const lse_question before = g->question ? lse_ask_meanwhile(g->question) : NULL;
        group(&c, plain, sorted, axis);
        if (g->question) lse_ask_meanwhile(before);
    } else {
        c.failed = LSE_NO_MEMORY;
    }
    free(c.wrong);
    free(c.in_order);
    if (c.failed) lse_free_groups(g);
    return c.failed;
}

void lse_free_groups(lse_groups *g)
{
    free(g->places);
    free(g->bucket_at);
    free(g->low);
    g->places = g->bucket_at = NULL;
    g->low = NULL;
}
