/* Groups of many elements of one row: dealt to buckets of neighbouring groups, each of which is sorted, and summed or
 * mapped, while it is in the cache. Labels are read once, or twice for a map. */
#include <stdlib.h>
#include <string.h>

#include "engine/group_call.h"
#include "engine/memory.h"

enum {
    SOME = 1 << 16,     /* elements between two questions whether to stop */
    CHUNK = 1 << 10,    /* bytes of elements of a bucket that lie together */
    IN_CACHE = 1 << 14, /* elements of a bucket, unless there would be too many buckets */
    GROUPS = 1 << 12,   /* likewise groups */
    MOST = 1 << 7,      /* buckets */
    LONG = 1 << 20      /* elements of a bucket that is summed on all threads */
};

/* What one thread puts in buckets, in chunks, each of which has the number of the next one of its bucket: values, and
 * the low bits of the labels. The chunk with the number of a bucket is its first. */
typedef struct {
    char *values;
    uint16_t *low;
    uint32_t *next;                  /* of each chunk */
    uint32_t slot[MOST], full[MOST]; /* of the next element of each bucket; chunks before the one with that */
    uint32_t chunks;                 /* that are in use */
} part;

typedef struct {
    const lse_group_call *c;
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

/* Elements start .. end go to their buckets. The sizes are constants. */
LSE_INLINE int deal(const sorting *s, part *p, const int label_size, const size_t size, ptrdiff_t start, ptrdiff_t end)
{
    const void *labels = s->c->labels;
    const size_t count = (size_t)s->c->count;
    const uint32_t chunk = CHUNK / (uint32_t)size;
    const int shift = s->shift;
    const char *x = s->c->q.a.data;
    const ptrdiff_t step = s->c->q.a.stride[0];
    char *values = p->values;
    uint16_t *low = p->low;
    uint32_t *slots = p->slot;
    for (ptrdiff_t i = start; i < end; i++) {
        const size_t label = (size_t)lse_label_at(labels, label_size, i), bucket = label >> shift;
        if (label >= count) return LSE_WRONG_LABEL;
        const uint32_t slot = slots[bucket], next = slot + 1;
        slots[bucket] = next % chunk == 0 ? new_chunk(p, bucket, next, chunk) : next;
        low[slot] = (uint16_t)(label - (bucket << shift));
        memcpy(values + slot * size, x + i * step, size);
    }
    return 0;
}

/* Likewise what the buckets have become goes back to the elements' places in the output; at: a slot of each bucket. */
LSE_INLINE int deal_back(const sorting *s, const part *p, const int label_size, const size_t size, ptrdiff_t start,
                         ptrdiff_t end, uint32_t *at)
{
    const void *labels = s->c->labels;
    const size_t count = (size_t)s->c->count;
    const uint32_t chunk = CHUNK / (uint32_t)size;
    const int shift = s->shift;
    char *out = s->c->q.out.data;
    const ptrdiff_t step = s->c->q.out.stride[0];
    for (ptrdiff_t i = start; i < end; i++) {
        const size_t label = (size_t)lse_label_at(labels, label_size, i), bucket = label >> shift;
        if (label >= count || at[bucket] == p->slot[bucket]) return LSE_WRONG_LABEL; /* changed meanwhile */
        const uint32_t slot = at[bucket]++;
        memcpy(out + i * step, p->values + slot * size, size);
        if ((slot + 1) % chunk != 0) continue;
        const uint32_t next = p->next[slot / chunk];
        at[bucket] = next * chunk;
        for (size_t k = 0; k < CHUNK; k += 64) LSE_PREFETCH(p->values + (size_t)next * CHUNK + k);
    }
    return 0;
}

static int deal_any(const sorting *s, part *p, ptrdiff_t start, ptrdiff_t end, uint32_t *at)
{
#define OF_LABELS(labels, size)                                                                                        \
    (at ? deal_back(s, p, labels, size, start, end, at) : deal(s, p, labels, size, start, end))
#define OF_SIZE(size) (s->c->label_size == 8 ? OF_LABELS(8, size) : OF_LABELS(4, size))
    switch (s->c->q.a.itemsize) {
    case 1: return OF_SIZE(1);
    case 2: return OF_SIZE(2);
    case 4: return OF_SIZE(4);
    case 8: return OF_SIZE(8);
    default: return OF_SIZE(16);
    }
#undef OF_SIZE
#undef OF_LABELS
}

static void deal_part(sorting *s, ptrdiff_t task, uint32_t *at)
{
    const ptrdiff_t end = lse_least(s->c->n, (task + 1) * s->each);
    for (ptrdiff_t start = task * s->each; start < end && !lse_is_stopped(&s->failed); start += SOME) {
        const int failed = deal_any(s, &s->parts[task], start, lse_least(end, start + SOME), at);
        if (failed) LSE_STORE(&s->failed, failed);
    }
}

static void deal_task(void *context, ptrdiff_t task)
{
    sorting *s = (sorting *)context;
    part *p = &s->parts[task];
    for (ptrdiff_t b = 0; b < s->buckets; b++) p->slot[b] = (uint32_t)b * s->chunk;
    p->chunks = (uint32_t)s->buckets;
    deal_part(s, task, NULL);
}

static void deal_back_task(void *context, ptrdiff_t task)
{
    sorting *s = (sorting *)context;
    uint32_t at[MOST];
    for (ptrdiff_t b = 0; b < s->buckets; b++) at[b] = (uint32_t)b * s->chunk;
    deal_part(s, task, at);
}

/* The elements of a bucket, chunk after chunk. */
typedef struct {
    const sorting *s;
    ptrdiff_t bucket, task;
    uint32_t chunk;
    char *values;
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
    return chunk;
}

static ptrdiff_t size_of_bucket(const sorting *s, ptrdiff_t bucket)
{
    ptrdiff_t all = 0;
    for (ptrdiff_t t = 0; t < s->tasks; t++)
        all += (ptrdiff_t)(s->parts[t].full[bucket] * s->chunk + s->parts[t].slot[bucket] % s->chunk);
    return all;
}

/* How many elements each group of a bucket has; asks for these, which are needed next. */
static void count_bucket(const sorting *s, ptrdiff_t bucket, uint32_t *count)
{
    const ptrdiff_t line = 64 / s->c->q.a.itemsize;
    walk w = chunks_of(s, bucket);
    for (ptrdiff_t some; (some = next_chunk(&w)) >= 0;) {
        const uint16_t *low = w.low;
        for (ptrdiff_t k = 0; k < some; k += line, w.values += 64) {
            LSE_PREFETCH(w.values);
            for (ptrdiff_t i = k; i < lse_least(some, k + line); i++) count[low[i]]++;
        }
    }
}

/* The elements of a chunk to the next places of their groups, or back. */
LSE_INLINE void sort_chunk(char *values, const uint16_t *low, ptrdiff_t count, const size_t size, uint32_t *next,
                           char *sorted, const int back)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        const uint32_t at = next[low[k]];
        char *to = sorted + (size_t)(at & ~LSE_IS_COLUMN) * size;
        next[low[k]] = at + (at >= LSE_IS_COLUMN ? LSE_BATCH : 1);
        if (back) memcpy(values + (size_t)k * size, to, size);
        else memcpy(to, values + (size_t)k * size, size);
    }
}

/* The elements of a bucket of several groups, whose next places these are. */
static void move_bucket(const sorting *s, ptrdiff_t bucket, uint32_t *next, char *sorted, int back)
{
#define SORT(size)                                                                                                     \
    if (back) sort_chunk(w.values, w.low, some, size, next, sorted, 1);                                                \
    else sort_chunk(w.values, w.low, some, size, next, sorted, 0)
    walk w = chunks_of(s, bucket);
    for (ptrdiff_t some; (some = next_chunk(&w)) >= 0;) {
        switch (s->c->q.a.itemsize) {
        case 1: SORT(1); break;
        case 2: SORT(2); break;
        case 4: SORT(4); break;
        case 8: SORT(8); break;
        default: SORT(16);
        }
    }
#undef SORT
}

/* From numbers of elements to places and offsets. */
static void find_offsets(ptrdiff_t groups, uint32_t *next, ptrdiff_t *offsets)
{
    uint32_t at = 0;
    for (ptrdiff_t g = 0; g < groups; g++) {
        const uint32_t own = next[g];
        next[g] = at;
        offsets[g] = at;
        at += own;
    }
    offsets[groups] = at;
}

/* The call that a bucket is, but for its elements. */
static lse_group_call call_of_bucket(const sorting *s, ptrdiff_t bucket, ptrdiff_t n, int threads)
{
    const ptrdiff_t first = bucket << s->shift;
    lse_group_call c = *s->c;
    if (!lse_is_map(c.q.operation)) c.q.out.data += first * c.q.segment_stride;
    if (c.q.sign) c.q.sign += first * c.q.segment_stride;
    c.count = c.q.segments = lse_least((ptrdiff_t)1 << s->shift, s->c->count - first);
    c.n = n;
    c.q.threads = threads;
    c.q.question = NULL;
    return c;
}

/* The sums or the map of a bucket that is sorted. */
static int execute_rows(const lse_group_call *c, ptrdiff_t *offsets, char *sorted)
{
    lse_request q = c->q;
    const ptrdiff_t stride = q.a.itemsize, n = lse_most(c->n, 1);
    q.a.data = sorted;
    q.a.shape = &n;
    q.a.stride = &stride;
    if (lse_is_map(q.operation)) q.out = q.a;
    q.offsets = offsets;
    return lse_execute(&q);
}

static int run_bucket(const sorting *s, ptrdiff_t bucket, ptrdiff_t n, int threads)
{
    const lse_group_call c = call_of_bucket(s, bucket, n, threads);
    const int maps = lse_is_map(c.q.operation), columns = lse_fits_columns(&c);
    const size_t groups = (size_t)c.count, elements = (size_t)lse_most(columns ? lse_room_for_columns(&c) : n, 1);
    const size_t sizes[] = {lse_in_lines((groups + 1) * sizeof(ptrdiff_t)), lse_in_lines(groups * sizeof(double)),
                            columns ? lse_in_lines(groups * sizeof(uint32_t)) : 0,
                            maps ? lse_in_lines(groups * sizeof(uint32_t)) : 0};
    char *memory =
        (char *)lse_large_memory(sizes[0] + sizes[1] + sizes[2] + sizes[3] + elements * (size_t)c.q.a.itemsize);
    if (!memory) return LSE_NO_MEMORY;
    ptrdiff_t *offsets = (ptrdiff_t *)memory;
    uint32_t *next = (uint32_t *)(memory + sizes[0]); /* and the sums of rows beside columns */
    uint32_t *first = (uint32_t *)(memory + sizes[0] + sizes[1] + sizes[2]);
    char *sorted = (char *)first + sizes[3];
    lse_columns k = {.group = (uint32_t *)(memory + sizes[0] + sizes[1]), .offsets = offsets};
    memset(next, 0, groups * sizeof *next);
    count_bucket(s, bucket, next);
    if (columns) lse_lay_out_columns(&k, &c, next, 1);
    else find_offsets(c.count, next, offsets);
    if (maps) memcpy(first, next, groups * sizeof *next);
    move_bucket(s, bucket, next, sorted, 0);
    const int failed =
        columns ? lse_run_columns(&k, &c, sorted, threads, (char *)next) : execute_rows(&c, offsets, sorted);
    if (maps) move_bucket(s, bucket, first, sorted, 1);
    free(memory);
    return failed;
}

static void bucket_task(void *context, ptrdiff_t bucket)
{
    sorting *s = (sorting *)context;
    const ptrdiff_t n = size_of_bucket(s, bucket);
    if (lse_is_stopped(&s->failed) || n > LONG || (n == 0 && lse_is_map(s->c->q.operation))) return;
    const int failed = run_bucket(s, bucket, n, 1);
    if (failed) LSE_STORE(&s->failed, failed);
}

/* Whether most elements are in one bucket, whose sorted copy would take as much memory again as all buckets do; not if
 * there are so many groups that counting them takes as much. */
static int is_one_step_better(const sorting *s)
{
    ptrdiff_t most = 0;
    for (ptrdiff_t b = 0; b < s->buckets; b++) most = lse_most(most, size_of_bucket(s, b));
    return most > s->c->n / 2 && s->c->count < s->c->n / 8;
}

static void run(sorting *s)
{
    const lse_request *q = &s->c->q;
    q->run(deal_task, s, s->tasks, (int)s->tasks);
    if (!lse_is_stopped(&s->failed) && is_one_step_better(s)) s->failed = LSE_NOT_TAKEN;
    if (lse_is_stopped(&s->failed)) return;
    q->run(bucket_task, s, s->buckets, (int)s->tasks);
    for (ptrdiff_t b = 0; b < s->buckets && !lse_is_stopped(&s->failed); b++) {
        const ptrdiff_t n = size_of_bucket(s, b);
        if (n > LONG) s->failed = run_bucket(s, b, n, (int)s->tasks);
    }
    if (lse_is_map(q->operation) && !lse_is_stopped(&s->failed)) q->run(deal_back_task, s, s->tasks, (int)s->tasks);
}

static int allocate(sorting *s)
{
    const size_t chunks = (size_t)s->buckets + (size_t)s->each / s->chunk + 1, lows = chunks * s->chunk;
    s->parts = (part *)calloc((size_t)s->tasks, sizeof(part));
    if (!s->parts) return LSE_NO_MEMORY;
    for (ptrdiff_t t = 0; t < s->tasks; t++) {
        part *p = &s->parts[t];
        p->values = (char *)lse_large_memory(chunks * (CHUNK + sizeof *p->next) + lows * sizeof *p->low);
        if (!p->values) return LSE_NO_MEMORY;
        p->next = (uint32_t *)(p->values + chunks * CHUNK);
        p->low = (uint16_t *)(p->next + chunks);
    }
    return 0;
}

static void choose_buckets(sorting *s)
{
    const lse_group_call *c = s->c;
    s->chunk = (uint32_t)(CHUNK / c->q.a.itemsize);
    const ptrdiff_t wanted = lse_most(lse_quotient_up(c->n, IN_CACHE), lse_quotient_up(c->count, GROUPS));
    const ptrdiff_t most = lse_least(MOST, wanted);
    while (c->count > most << s->shift) s->shift++;
    s->buckets = lse_quotient_up(c->count, (ptrdiff_t)1 << s->shift);
    s->tasks = lse_least(lse_threads_for(c->n, 1 << 16, c->q.threads), lse_quotient_up(c->n, SOME));
    s->each = lse_quotient_up(c->n, s->tasks);
    s->tasks = lse_quotient_up(c->n, s->each);
}

int lse_fits_buckets(const lse_group_call *c)
{
    const lse_request *q = &c->q;
    const int size = q->a.itemsize, maps = lse_is_map(q->operation) && lse_is_alike(&q->a, &q->out);
    return (maps || q->operation == LSE_LOGSUMEXP) && !q->weights.data && !q->where.data && !q->low && size <= 16 &&
           (size & (size - 1)) == 0 && c->n <= INT32_MAX && (c->count - 1) >> 16 < MOST;
}

int lse_run_buckets(const lse_group_call *c)
{
    sorting s = {.c = c};
    choose_buckets(&s);
    s.failed = allocate(&s);
    if (!s.failed) run(&s);
    for (ptrdiff_t t = 0; s.parts && t < s.tasks; t++) free(s.parts[t].values);
    free(s.parts);
    return s.failed;
}
