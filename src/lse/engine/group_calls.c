/* Sums and maps of groups of one row, from labels to results: few elements are sorted at once, many to buckets of
 * neighbouring groups, each of which is sorted and summed while it is in the cache. The bits are those of segments. */
#include <stdlib.h>
#include <string.h>

#include "engine/groups.h"
#include "engine/plan.h"

enum {
    FEW = 1 << 14,      /* elements that are sorted at once */
    SOME = 1 << 16,     /* elements between two questions whether to stop */
    CHUNK = 1 << 10,    /* bytes of elements of a bucket that lie together */
    IN_CACHE = 1 << 14, /* elements of a bucket, unless there would be too many buckets */
    MOST = 1 << 7,      /* buckets */
    GROUPS = 1 << 12,   /* likewise groups */
    LONG = 1 << 20      /* elements of a bucket that is summed on all threads */
};

/* A request for one row, the labels of its n elements, and the arrays of one axis that it becomes. */
typedef struct {
    lse_request q;
    const void *labels;
    int label_size;
    ptrdiff_t n, count, step; /* of elements, of groups, from one element to the next */
    ptrdiff_t wrong;
} row_call;

/* Of labels of 4 or 8 bytes, a constant. */
LSE_INLINE ptrdiff_t label_at(const void *labels, const int size, ptrdiff_t i)
{ return size == 8 ? (ptrdiff_t)((const int64_t *)labels)[i] : (ptrdiff_t)((const int32_t *)labels)[i]; }

/* In order ---------------------------------------------------------------------------------------------------- */

/* The first element whose label is wrong or less than the one before it, or n. */
LSE_INLINE ptrdiff_t ascending(const void *labels, const int size, ptrdiff_t n, ptrdiff_t count)
{
    ptrdiff_t before = 0, i = 0;
    for (; i < n; i++) {
        const ptrdiff_t label = label_at(labels, size, i);
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
        const ptrdiff_t label = label_at(labels, size, i);
        if ((size_t)label < (size_t)count) offsets[label + 1] = i + 1; /* others have been changed meanwhile */
    }
    for (ptrdiff_t group = 0; group < count; group++) offsets[group + 1] = lse_most(offsets[group], offsets[group + 1]);
}

static int execute_in_order(row_call *c)
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
LSE_INLINE int find_places(row_call *c, const int size, ptrdiff_t *offsets, int32_t *place)
{
    const size_t count = (size_t)c->count;
    ptrdiff_t next = 0;
    memset(offsets, 0, (count + 2) * sizeof *offsets);
    for (ptrdiff_t i = 0; i < c->n; i++) {
        const ptrdiff_t label = label_at(c->labels, size, i);
        if ((size_t)label >= count) {
            c->wrong = i;
            return LSE_WRONG_LABEL;
        }
        offsets[label + 2]++;
    }
    for (size_t group = 1; group <= count; group++) {
        next += offsets[group];
        offsets[group] = next;
    }
    offsets[count + 1] = c->n;
    for (ptrdiff_t i = 0; i < c->n; i++) {
        const ptrdiff_t label = label_at(c->labels, size, i);
        const ptrdiff_t to = (size_t)label < count ? offsets[label + 1]++ : c->n;
        if (to >= c->n) { /* changed meanwhile */
            c->wrong = i;
            return LSE_WRONG_LABEL;
        }
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

static size_t in_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* An array of the call sorted, at the beginning of some memory; returns where that goes on. */
static char *sort_array(const row_call *c, lse_array *a, ptrdiff_t *stride, const int32_t *place, char *memory)
{
    if (!a->data) return memory;
    move(memory, place, a->data, a->stride[0], c->n, a->itemsize, 0);
    a->data = memory;
    *stride = a->itemsize;
    a->stride = stride;
    return memory + in_lines((size_t)c->n * (size_t)a->itemsize);
}

static int execute_few(row_call *c)
{
    const int maps = lse_is_map(c->q.operation);
    const lse_array out = c->q.out;
    const size_t n = (size_t)c->n, sizes[] = {in_lines(((size_t)c->count + 2) * sizeof(ptrdiff_t)),
                                              in_lines(n * (size_t)c->q.a.itemsize),
                                              c->q.weights.data ? in_lines(n * (size_t)c->q.weights.itemsize) : 0,
                                              c->q.where.data ? in_lines(n) : 0,
                                              maps ? in_lines(n * (size_t)out.itemsize) : 0,
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

/* Many elements ----------------------------------------------------------------------------------------------- */

/* What one thread puts in buckets, in chunks, each of which has the number of the next one of its bucket: values, and
 * the low bits of the labels. The chunk with the number of a bucket is its first. */
typedef struct {
    char *values;
    uint16_t *low;
    uint32_t *next;                  /* of each chunk */
    uint32_t slot[MOST], full[MOST]; /* of the next element of each bucket; chunks before the one with that */
    uint32_t chunks;                 /* that are in use */
    ptrdiff_t wrong;
} part;

typedef struct {
    const row_call *c;
    int failed, shift;
    uint32_t chunk;                 /* elements of a chunk */
    ptrdiff_t tasks, each, buckets; /* tasks that elements are divided among; elements of one */
    part *parts;
} sorting;

/* The first slot of the next chunk of a bucket, after its last one is full. */
LSE_INLINE uint32_t new_chunk(part *p, size_t bucket, uint32_t slot, const uint32_t chunk)
{
    const uint32_t own = p->chunks++;
    p->next[(slot - 1) / chunk] = own;
    p->full[bucket]++;
    for (size_t at = 0; at < CHUNK; at += 64) LSE_PREFETCH_OUT(p->values + (size_t)own * CHUNK + at);
    for (size_t at = 0; at < chunk; at += 32) LSE_PREFETCH_OUT(p->low + (size_t)own * chunk + at);
    return own * chunk;
}

/* Elements start .. end go to their buckets. The sizes are constants; returns the first wrong one, or -1. */
LSE_INLINE ptrdiff_t deal(const sorting *s, part *p, const int label_size, const size_t size, ptrdiff_t start,
                          ptrdiff_t end)
{
    const void *labels = s->c->labels;
    const size_t count = (size_t)s->c->count;
    const uint32_t chunk = CHUNK / (uint32_t)size;
    const int shift = s->shift;
    const char *x = s->c->q.a.data;
    const ptrdiff_t step = s->c->step;
    char *values = p->values;
    uint16_t *low = p->low;
    uint32_t *slots = p->slot;
    for (ptrdiff_t i = start; i < end; i++) {
        const size_t label = (size_t)label_at(labels, label_size, i), bucket = label >> shift;
        if (label >= count) return i;
        const uint32_t slot = slots[bucket], next = slot + 1;
        slots[bucket] = next % chunk == 0 ? new_chunk(p, bucket, next, chunk) : next;
        low[slot] = (uint16_t)(label - (bucket << shift));
        memcpy(values + slot * size, x + i * step, size);
    }
    return -1;
}

#define OF_LABELS(size) (c->label_size == 8 ? deal(s, p, 8, size, start, end) : deal(s, p, 4, size, start, end))
static ptrdiff_t deal_any(const sorting *s, part *p, ptrdiff_t start, ptrdiff_t end)
{
    const row_call *c = s->c;
    switch (c->q.a.itemsize) {
    case 1: return OF_LABELS(1);
    case 2: return OF_LABELS(2);
    case 4: return OF_LABELS(4);
    case 8: return OF_LABELS(8);
    default: return OF_LABELS(16);
    }
}
#undef OF_LABELS

static void deal_task(void *context, ptrdiff_t task)
{
    sorting *s = (sorting *)context;
    part *p = &s->parts[task];
    const ptrdiff_t end = lse_least(s->c->n, (task + 1) * s->each);
    for (ptrdiff_t b = 0; b < s->buckets; b++) p->slot[b] = (uint32_t)b * s->chunk;
    p->chunks = (uint32_t)s->buckets;
    p->wrong = -1;
    for (ptrdiff_t start = task * s->each; start < end && !lse_is_stopped(&s->failed); start += SOME) {
        p->wrong = deal_any(s, p, start, lse_least(end, start + SOME));
        if (p->wrong >= 0) LSE_STORE(&s->failed, LSE_WRONG_LABEL);
    }
}

/* The elements of a bucket, chunk after chunk. */
typedef struct {
    const sorting *s;
    ptrdiff_t bucket, task;
    uint32_t chunk;
    const char *values;
    const uint16_t *low;
} walk;

static walk chunks_of(const sorting *s, ptrdiff_t bucket)
{ return (walk){.s = s, .bucket = bucket, .chunk = (uint32_t)bucket}; }

/* How many elements the next chunk has; -1 after the last one. */
static ptrdiff_t next_chunk(walk *w)
{
    if (w->task == w->s->tasks) return -1;
    const part *p = &w->s->parts[w->task];
    const uint32_t at = w->chunk, chunk = w->s->chunk, slot = p->slot[w->bucket];
    w->values = p->values + (size_t)at * CHUNK;
    w->low = p->low + (size_t)at * chunk;
    if (at == slot / chunk) {
        w->chunk = (uint32_t)w->bucket;
        w->task++;
        return slot % chunk;
    }
    w->chunk = p->next[at];
    for (size_t i = 0; i < chunk; i += 32) LSE_PREFETCH(p->low + (size_t)w->chunk * chunk + i);
    for (size_t i = 0; i < CHUNK; i += 64) LSE_PREFETCH(p->values + (size_t)w->chunk * CHUNK + i);
    return chunk;
}

static ptrdiff_t size_of_bucket(const sorting *s, ptrdiff_t bucket)
{
    ptrdiff_t all = 0;
    for (ptrdiff_t t = 0; t < s->tasks; t++)
        all += (ptrdiff_t)(s->parts[t].full[bucket] * s->chunk + s->parts[t].slot[bucket] % s->chunk);
    return all;
}

/* How many elements each group of a bucket has, to two places after it. */
static void count_bucket(const sorting *s, ptrdiff_t bucket, ptrdiff_t *count)
{
    walk w = chunks_of(s, bucket);
    for (ptrdiff_t some; (some = next_chunk(&w)) >= 0;) {
        const uint16_t *low = w.low;
        for (ptrdiff_t k = 0; k < some; k++) count[low[k] + 2]++;
    }
}

/* The elements of a chunk to the next places of their groups. */
LSE_INLINE void sort_chunk(const char *values, const uint16_t *low, ptrdiff_t count, const size_t size, ptrdiff_t *at,
                           char *sorted)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        const ptrdiff_t to = at[low[k]]++;
        memcpy(sorted + (size_t)to * size, values + (size_t)k * size, size);
    }
}

/* A bucket of several groups, whose elements the offsets count. */
static void sort_bucket(const sorting *s, ptrdiff_t bucket, ptrdiff_t groups, ptrdiff_t *offsets, char *sorted)
{
    walk w = chunks_of(s, bucket);
    ptrdiff_t next = 0;
    memset(offsets, 0, (size_t)(groups + 2) * sizeof *offsets);
    count_bucket(s, bucket, offsets);
    for (ptrdiff_t g = 1; g < groups + 2; g++) {
        next += offsets[g];
        offsets[g] = next;
    }
    for (ptrdiff_t some; (some = next_chunk(&w)) >= 0;) switch (s->c->q.a.itemsize) {
        case 1: sort_chunk(w.values, w.low, some, 1, offsets + 1, sorted); break;
        case 2: sort_chunk(w.values, w.low, some, 2, offsets + 1, sorted); break;
        case 4: sort_chunk(w.values, w.low, some, 4, offsets + 1, sorted); break;
        case 8: sort_chunk(w.values, w.low, some, 8, offsets + 1, sorted); break;
        default: sort_chunk(w.values, w.low, some, 16, offsets + 1, sorted);
        }
}

/* A bucket that is a group. */
static void collect_bucket(const sorting *s, ptrdiff_t bucket, ptrdiff_t n, ptrdiff_t *offsets, char *sorted)
{
    const size_t size = (size_t)s->c->q.a.itemsize;
    walk w = chunks_of(s, bucket);
    offsets[0] = 0;
    offsets[1] = n;
    for (ptrdiff_t some; (some = next_chunk(&w)) >= 0; sorted += (size_t)some * size)
        memcpy(sorted, w.values, (size_t)some * size);
}

/* Sorts and sums a bucket. */
static int run_bucket(const sorting *s, ptrdiff_t bucket, ptrdiff_t n, int threads)
{
    const row_call *c = s->c;
    const ptrdiff_t first = bucket << s->shift, groups = lse_least((ptrdiff_t)1 << s->shift, c->count - first);
    const size_t room = in_lines((size_t)(groups + 2) * sizeof(ptrdiff_t));
    const ptrdiff_t stride = c->q.a.itemsize;
    char *memory = (char *)malloc(room + (size_t)lse_most(n, 1) * (size_t)stride);
    if (!memory) return LSE_NO_MEMORY;
    lse_request q = c->q;
    if (s->shift == 0) collect_bucket(s, bucket, n, (ptrdiff_t *)memory, memory + room);
    else sort_bucket(s, bucket, groups, (ptrdiff_t *)memory, memory + room);
    n = lse_most(n, 1);
    q.a.data = memory + room;
    q.a.shape = &n;
    q.a.stride = &stride;
    q.out.data += first * q.segment_stride;
    if (q.sign) q.sign += first * q.segment_stride;
    q.offsets = (const ptrdiff_t *)memory;
    q.segments = groups;
    q.threads = threads;
    q.question = NULL;
    const int failed = lse_execute(&q);
    free(memory);
    return failed;
}

static void bucket_task(void *context, ptrdiff_t bucket)
{
    sorting *s = (sorting *)context;
    const ptrdiff_t n = size_of_bucket(s, bucket);
    if (lse_is_stopped(&s->failed) || n > LONG) return;
    const int failed = run_bucket(s, bucket, n, 1);
    if (failed) LSE_STORE(&s->failed, failed);
}

static void sort_and_sum(sorting *s)
{
    const lse_request *q = &s->c->q;
    q->run(deal_task, s, s->tasks, (int)s->tasks);
    if (lse_is_stopped(&s->failed)) return;
    q->run(bucket_task, s, s->buckets, (int)s->tasks);
    for (ptrdiff_t b = 0; b < s->buckets && !lse_is_stopped(&s->failed); b++) {
        const ptrdiff_t n = size_of_bucket(s, b);
        if (n > LONG) s->failed = run_bucket(s, b, n, (int)s->tasks);
    }
}

static int allocate(sorting *s)
{
    const size_t chunks = (size_t)s->buckets + (size_t)s->each / s->chunk + 1, lows = chunks * s->chunk;
    s->parts = (part *)calloc((size_t)s->tasks, sizeof(part));
    if (!s->parts) return LSE_NO_MEMORY;
    for (ptrdiff_t t = 0; t < s->tasks; t++) {
        part *p = &s->parts[t];
        p->values = (char *)malloc(chunks * (CHUNK + sizeof *p->next) + lows * sizeof *p->low);
        if (!p->values) return LSE_NO_MEMORY;
        p->next = (uint32_t *)(p->values + chunks * CHUNK);
        p->low = (uint16_t *)(p->next + chunks);
    }
    return 0;
}

static void choose_buckets(sorting *s)
{
    const row_call *c = s->c;
    s->chunk = (uint32_t)(CHUNK / c->q.a.itemsize);
    const ptrdiff_t wanted = lse_most(lse_quotient_up(c->n, IN_CACHE), lse_quotient_up(c->count, GROUPS));
    const ptrdiff_t most = lse_least(MOST, wanted);
    while (c->count > most << s->shift) s->shift++;
    s->buckets = lse_quotient_up(c->count, (ptrdiff_t)1 << s->shift);
    s->tasks = lse_least(lse_threads_for(c->n, 1 << 16, c->q.threads), lse_quotient_up(c->n, SOME));
    s->each = lse_quotient_up(c->n, s->tasks);
    s->tasks = lse_quotient_up(c->n, s->each);
}

static int execute_many(row_call *c)
{
    sorting s = {.c = c};
    choose_buckets(&s);
    s.failed = allocate(&s);
    if (!s.failed) sort_and_sum(&s);
    for (ptrdiff_t t = 0; s.parts && t < s.tasks; t++) {
        if (s.failed == LSE_WRONG_LABEL && s.parts[t].wrong >= 0 && (c->wrong < 0 || s.parts[t].wrong < c->wrong))
            c->wrong = s.parts[t].wrong;
        free(s.parts[t].values);
    }
    free(s.parts);
    return s.failed;
}

/* All of it --------------------------------------------------------------------------------------------------- */

static int takes_many(const row_call *c)
{
    const lse_request *q = &c->q;
    return q->operation == LSE_LOGSUMEXP && !q->weights.data && !q->where.data && !q->low && q->a.itemsize <= 16 &&
           (q->a.itemsize & (q->a.itemsize - 1)) == 0 && c->n < (ptrdiff_t)1 << 31 && (c->count - 1) >> 16 < MOST;
}

int lse_execute_groups(const lse_request *request, const void *labels, int label_size, ptrdiff_t n, ptrdiff_t *wrong)
{
    row_call c = {*request, labels, label_size, n, request->segments, request->a.stride[0], -1};
    const ptrdiff_t order = label_size == 8 ? ascending(labels, 8, n, c.count) : ascending(labels, 4, n, c.count);
    int failed;
    if (order < n && n > FEW && !takes_many(&c)) return LSE_NOT_TAKEN;
    const lse_question before = c.q.question ? lse_ask_meanwhile(c.q.question) : NULL;
    if (order == n) failed = execute_in_order(&c);
    else if (n <= FEW) failed = execute_few(&c);
    else failed = execute_many(&c);
    if (c.q.question) lse_ask_meanwhile(before);
    *wrong = c.wrong;
    return failed;
}
