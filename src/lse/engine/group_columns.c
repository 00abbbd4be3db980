/* Groups of moderate length, which are not sorted into rows but into columns of panels, so that the kernels read them as
 * they are. The rest are rows, and segments. */
#include <math.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/group_call.h"

enum {
    TOGETHER = 1 << 12, /* elements of a task, about */
    MEAN_LENGTH = 128,  /* of groups that are worth it, at most; */
    FEW_ELEMENTS = 8,   /* likewise if there are few groups: those that fill no panel are rows; */
    SOME_GROUPS = 256,  /* of which there are fewer then */
    LEAST = 1 << 10     /* elements, at least */
};

static int is_of_kernels(const lse_array *a, int size) { return a->kind == 'f' && a->itemsize == size && !a->swapped; }

int lse_fits_columns(const lse_group_call *c)
{
    const lse_request *q = &c->q;
    const int size = q->type == LSE_F64 ? 8 : q->type == LSE_F32 ? 4 : 0;
    return is_of_kernels(&q->a, size) && is_of_kernels(&q->out, size) && !q->weights.data && !q->where.data &&
           !q->sign && !q->low && !q->divisors && c->n >= LEAST &&
           c->n / (c->count < SOME_GROUPS ? FEW_ELEMENTS : MEAN_LENGTH) <= c->count;
}

/* How many elements of a group all tasks have. */
LSE_INLINE uint32_t length_of(const uint32_t *next, ptrdiff_t group, ptrdiff_t count, const ptrdiff_t tasks)
{
    uint32_t length = next[group];
    for (ptrdiff_t task = 1; task < tasks; task++) length += next[task * count + group];
    return length;
}

/* The mean length is not much less than that of the longest column, so that there is not much padding: less than
 * LSE_BATCH times the longest. */
static ptrdiff_t longest_of(const lse_group_call *c) { return lse_least(LSE_SHORT, 2 * (c->n / c->count) + 8); }

ptrdiff_t lse_room_for_columns(const lse_group_call *c) { return c->n + LSE_BATCH * longest_of(c); }

/* Lengths above that of the longest column as one. */
LSE_INLINE size_t kind_of(uint32_t length, uint32_t longest) { return length <= longest ? length : longest + 1; }

/* How many groups there are of each kind, counted by turns: a count that was just raised is not known at once. */
LSE_INLINE void count_kinds(const uint32_t *next, ptrdiff_t count, const ptrdiff_t tasks, uint32_t longest,
                            uint32_t *groups)
{
    uint32_t others[LSE_SHORT + 2] = {0};
    ptrdiff_t group = 0;
    for (; group + 2 <= count; group += 2) {
        groups[kind_of(length_of(next, group, count, tasks), longest)]++;
        others[kind_of(length_of(next, group + 1, count, tasks), longest)]++;
    }
    if (group < count) groups[kind_of(length_of(next, group, count, tasks), longest)]++;
    for (uint32_t kind = 0; kind <= longest + 1; kind++) groups[kind] += others[kind];
}

/* The next of the columns of a kind, where those that lie in order with it end, and the place of column 0, if all before
 * this kind were as long; column i is number i % LSE_BATCH of a panel. */
typedef struct {
    uint32_t slot, most, first;
    uint32_t *group;
} columns_of_kind;

static void find_panels(lse_columns *k, const uint32_t *groups, columns_of_kind *kinds)
{
    uint32_t at = 0, slot = 0;
    ptrdiff_t panels = 0;
    for (uint32_t n = 0; n <= 1; n++) {
        const uint32_t own = groups[n] / LSE_BATCH;
        kinds[n] = (columns_of_kind){0, own * LSE_BATCH, at, k->group + panels * LSE_BATCH};
        k->begin[n] = panels;
        k->up_to[n] = 0;
        panels += own;
        at += own * LSE_BATCH * n;
    }
    k->begin[2] = panels;
    for (uint32_t n = 2; (ptrdiff_t)n <= k->longest; n++) {
        const uint32_t before = slot / LSE_BATCH, end = slot + groups[n], own = end / LSE_BATCH - before;
        kinds[n] = (columns_of_kind){slot, 0, at - before * LSE_BATCH * n, k->group + panels * LSE_BATCH};
        slot = end;
        k->up_to[n] = slot;
        k->begin[n + 1] = panels + slot / LSE_BATCH;
        at += own * LSE_BATCH * n;
    }
    for (ptrdiff_t n = 2; n <= k->longest; n++) kinds[n].most = slot / LSE_BATCH * LSE_BATCH;
    kinds[k->longest + 1] = (columns_of_kind){0, 0, 0, NULL};
    k->rows_begin = at;
}

LSE_INLINE void lay_out(lse_columns *k, uint32_t *next, ptrdiff_t count, const ptrdiff_t tasks)
{
    columns_of_kind kinds[LSE_SHORT + 2];
    uint32_t groups[LSE_SHORT + 2] = {0};
    const uint32_t longest = (uint32_t)k->longest;
    count_kinds(next, count, tasks, longest, groups);
    find_panels(k, groups, kinds);
    uint32_t at = (uint32_t)k->rows_begin;
    ptrdiff_t rows = 0;
    for (ptrdiff_t group = 0; group < count; group++) {
        const uint32_t n = length_of(next, group, count, tasks);
        columns_of_kind *kind = &kinds[kind_of(n, longest)];
        const uint32_t slot = kind->slot;
        const int is_column = slot < kind->most;
        uint32_t place = at;
        if (is_column) {
            kind->slot = slot + 1;
            kind->group[slot] = (uint32_t)group;
            place = (kind->first + slot + slot / LSE_BATCH * LSE_BATCH * (n - 1)) | LSE_IS_COLUMN;
        } else {
            k->offsets[rows++] = at - (uint32_t)k->rows_begin;
            k->group[count - rows] = (uint32_t)group;
            at += n;
        }
        for (ptrdiff_t task = 0; task < tasks; task++) {
            const uint32_t own = next[task * count + group];
            next[task * count + group] = place;
            if (task + 1 < tasks) place += is_column ? own * LSE_BATCH : own;
        }
    }
    k->offsets[rows] = at - (uint32_t)k->rows_begin;
    k->rows = rows;
}

void lse_lay_out_columns(lse_columns *k, const lse_group_call *c, uint32_t *next, ptrdiff_t tasks)
{
    k->longest = longest_of(c);
    if (tasks == 1) lay_out(k, next, c->count, 1);
    else lay_out(k, next, c->count, tasks);
}

/* What the tasks share. */
typedef struct {
    const lse_columns *k;
    const lse_request *q;
    char *sorted;
    ptrdiff_t together; /* panels of a task */
    int failed;
} job;

static void put_value(const lse_request *q, uint32_t group, const void *values, ptrdiff_t i)
{
    char *to = q->out.data + (ptrdiff_t)group * q->segment_stride;
    if (q->out.itemsize == 8) memcpy(to, (const double *)values + i, 8);
    else memcpy(to, (const float *)values + i, 4);
}

/* What the shorter groups of a panel lack of n elements; slot: of the first group among those of at least 2. */
static void pad(const job *j, ptrdiff_t n, ptrdiff_t slot, char *x)
{
    for (ptrdiff_t i = n - 1; i > 1 && j->k->up_to[i] > slot; i--)
        for (ptrdiff_t c = 0; c < j->k->up_to[i] - slot; c++)
            lse_types[j->q->type].put(x, i * LSE_BATCH + c, -INFINITY);
}

/* The sums or the maps of a panel of groups of n elements. */
static void run_panel(const job *j, ptrdiff_t n, char *x, const uint32_t *group)
{
    const lse_real_kernels *kernels = &j->q->table->real[j->q->type];
    const ptrdiff_t size = j->q->a.itemsize;
    ptrdiff_t at[LSE_BATCH], offset[LSE_SHORT];
    double values[LSE_BATCH];
    lse_states states;
    for (ptrdiff_t i = 0; i < LSE_BATCH; i++) at[i] = i * size;
    for (ptrdiff_t i = 0; i < n; i++) offset[i] = i * LSE_BATCH * size;
    const lse_panel panel = {.n = n,
                             .count = LSE_BATCH,
                             .form = LSE_BY_COLUMNS,
                             .out_form = LSE_BY_COLUMNS,
                             .x = x,
                             .out = x,
                             .at = at,
                             .out_at = at,
                             .offset = offset,
                             .out_offset = offset};
    if (lse_is_map(j->q->operation)) {
        if (n > 0) kernels->maps[j->q->operation].panel(&panel);
        return;
    }
    if (n > 1) {
        kernels->sum_panel(&panel, &states);
        kernels->finish_values(&states, LSE_BATCH, values);
    } else if (n == 1) {
        kernels->copy_alone(x, (char *)values, LSE_BATCH);
    } else {
        for (ptrdiff_t i = 0; i < LSE_BATCH; i++) lse_types[j->q->type].put(values, i, -INFINITY);
    }
    for (ptrdiff_t i = 0; i < LSE_BATCH; i++) put_value(j->q, group[i], values, i);
}

static void columns_task(void *context, ptrdiff_t task)
{
    job *j = (job *)context;
    const lse_columns *k = j->k;
    const ptrdiff_t end = lse_least(k->begin[k->longest + 1], (task + 1) * j->together);
    if (lse_is_stopped(&j->failed)) return;
    ptrdiff_t before = 0, n = 0; /* elements of the panels before those of this length */
    for (ptrdiff_t panel = task * j->together; panel < end; panel++) {
        for (; panel >= k->begin[n + 1]; n++) before += (k->begin[n + 1] - k->begin[n]) * LSE_BATCH * n;
        char *x = j->sorted + (before + (panel - k->begin[n]) * LSE_BATCH * n) * j->q->a.itemsize;
        pad(j, n, (panel - k->begin[2]) * LSE_BATCH, x);
        run_panel(j, n, x, k->group + panel * LSE_BATCH);
    }
}

/* The groups that are rows, as segments; of sums the values go to some memory first. */
static int run_rows(const lse_columns *k, const lse_request *request, ptrdiff_t count, char *sorted, char *values)
{
    lse_request q = *request;
    const ptrdiff_t size = q.a.itemsize, n = lse_most(1, k->offsets[k->rows]);
    if (k->rows == 0) return 0;
    q.a.data = sorted + k->rows_begin * size;
    q.a.shape = &n;
    q.a.stride = &size;
    q.offsets = k->offsets;
    q.segments = k->rows;
    if (lse_is_map(q.operation)) {
        q.out = q.a;
        return lse_execute(&q);
    }
    q.out.data = values;
    q.segment_stride = size;
    const int failed = lse_execute(&q);
    for (ptrdiff_t i = 0; i < k->rows; i++) put_value(request, k->group[count - 1 - i], values, i);
    return failed;
}

int lse_run_columns(const lse_columns *k, const lse_group_call *c, char *sorted, int threads, char *values)
{
    job j = {k, &c->q, sorted, lse_most(1, TOGETHER * c->count / (LSE_BATCH * c->n)), 0};
    const ptrdiff_t tasks = lse_quotient_up(k->begin[k->longest + 1], j.together);
    const lse_fp_state found = lse_fp_enter();
    c->q.run(columns_task, &j, tasks, threads);
    lse_fp_leave(found);
    return j.failed ? j.failed : run_rows(k, &c->q, c->count, sorted, values);
}
