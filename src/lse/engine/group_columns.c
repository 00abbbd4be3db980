/* Short groups, which are not sorted into rows but into columns of panels: as many of one length as go together, so that
 * the kernels read them as they are. The rest are rows, and segments. */
#include <math.h>
#include <string.h>

#include "engine/fp.h"
#include "engine/group_call.h"

enum {
    TOGETHER = 8,    /* panels of a task */
    MEAN_LENGTH = 8, /* of groups that are worth it, at most, */
    LEAST = 1 << 10  /* elements, at least */
};

static int is_of_kernels(const lse_array *a, int size) { return a->kind == 'f' && a->itemsize == size && !a->swapped; }

int lse_fits_columns(const lse_group_call *c)
{
    const lse_request *q = &c->q;
    const int size = q->type == LSE_F64 ? 8 : q->type == LSE_F32 ? 4 : 0;
    return is_of_kernels(&q->a, size) && is_of_kernels(&q->out, size) && !q->weights.data && !q->where.data &&
           !q->sign && !q->low && !q->divisors && c->n >= LEAST && c->n / MEAN_LENGTH <= c->count;
}

/* How many elements of a group all tasks have. */
LSE_INLINE uint32_t length_of(const uint32_t *next, ptrdiff_t group, ptrdiff_t count, const ptrdiff_t tasks)
{
    uint32_t length = next[group];
    for (ptrdiff_t task = 1; task < tasks; task++) length += next[task * count + group];
    return length;
}

/* Lengths above LSE_COLUMN as one, none of which is a column. */
LSE_INLINE size_t kind_of(uint32_t length) { return length <= LSE_COLUMN ? length : LSE_COLUMN + 1; }

/* How many groups there are of each kind, counted by turns: a count that was just raised is not known at once. */
LSE_INLINE void count_kinds(const uint32_t *next, ptrdiff_t count, const ptrdiff_t tasks, uint32_t *groups)
{
    uint32_t others[LSE_COLUMN + 2] = {0};
    ptrdiff_t group = 0;
    for (; group + 2 <= count; group += 2) {
        groups[kind_of(length_of(next, group, count, tasks))]++;
        others[kind_of(length_of(next, group + 1, count, tasks))]++;
    }
    if (group < count) groups[kind_of(length_of(next, group, count, tasks))]++;
    for (size_t kind = 0; kind < LSE_COLUMN + 2; kind++) groups[kind] += others[kind];
    groups[LSE_COLUMN + 1] = 0;
}

LSE_INLINE void lay_out(lse_columns *k, uint32_t *next, ptrdiff_t count, const ptrdiff_t tasks)
{
    struct {
        uint32_t slot, most, first; /* the next of the columns, how many there will be, and their first element */
        uint32_t *group;
    } kinds[LSE_COLUMN + 2];
    uint32_t groups[LSE_COLUMN + 2] = {0}, at = 0;
    ptrdiff_t panels = 0, rows = 0;
    count_kinds(next, count, tasks, groups);
    for (uint32_t n = 0; n < LSE_COLUMN + 2; n++) {
        const uint32_t own = groups[n] / LSE_BATCH;
        kinds[n].slot = 0;
        kinds[n].most = own * LSE_BATCH;
        kinds[n].first = at;
        kinds[n].group = k->group + panels * LSE_BATCH;
        k->begin[n] = panels;
        panels += own;
        at += own * LSE_BATCH * n;
    }
    k->rows_begin = at;
    for (ptrdiff_t group = 0; group < count; group++) {
        const uint32_t n = length_of(next, group, count, tasks), kind = (uint32_t)kind_of(n), slot = kinds[kind].slot;
        const int is_column = slot < kinds[kind].most;
        uint32_t place = at;
        if (is_column) {
            kinds[kind].slot = slot + 1;
            kinds[kind].group[slot] = (uint32_t)group;
            place = (kinds[kind].first + slot + slot / LSE_BATCH * LSE_BATCH * (n - 1)) | LSE_IS_COLUMN;
        } else {
            k->offsets[rows++] = at - k->rows_begin;
            k->group[count - rows] = (uint32_t)group;
            at += n;
        }
        for (ptrdiff_t task = 0; task < tasks; task++) {
            const uint32_t own = next[task * count + group];
            next[task * count + group] = place;
            if (task + 1 < tasks) place += is_column ? own * LSE_BATCH : own;
        }
    }
    k->offsets[rows] = at - k->rows_begin;
    k->rows = rows;
}

void lse_lay_out_columns(lse_columns *k, uint32_t *next, ptrdiff_t count, ptrdiff_t tasks)
{
    if (tasks == 1) lay_out(k, next, count, 1);
    else lay_out(k, next, count, tasks);
}

/* What the tasks share. */
typedef struct {
    const lse_columns *k;
    const lse_request *q;
    char *sorted;
    int failed;
} job;

static void put_value(const lse_request *q, uint32_t group, const void *values, ptrdiff_t i)
{
    char *to = q->out.data + (ptrdiff_t)group * q->segment_stride;
    if (q->out.itemsize == 8) memcpy(to, (const double *)values + i, 8);
    else memcpy(to, (const float *)values + i, 4);
}

/* The sums or the maps of a panel of groups of n elements. */
static void run_panel(const job *j, ptrdiff_t n, char *x, const uint32_t *group)
{
    const lse_real_kernels *kernels = &j->q->table->real[j->q->type];
    const ptrdiff_t size = j->q->a.itemsize;
    ptrdiff_t at[LSE_BATCH], offset[LSE_COLUMN];
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
    const ptrdiff_t all = k->begin[LSE_COLUMN + 1], end = lse_least(all, (task + 1) * TOGETHER);
    if (lse_is_stopped(&j->failed)) return;
    ptrdiff_t before = 0, n = 0; /* elements of the panels before those of this length */
    for (ptrdiff_t panel = task * TOGETHER; panel < end; panel++) {
        for (; panel >= k->begin[n + 1]; n++) before += (k->begin[n + 1] - k->begin[n]) * LSE_BATCH * n;
        const ptrdiff_t start = before + (panel - k->begin[n]) * LSE_BATCH * n;
        run_panel(j, n, j->sorted + start * j->q->a.itemsize, k->group + panel * LSE_BATCH);
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
    job j = {k, &c->q, sorted, 0};
    const ptrdiff_t tasks = lse_quotient_up(k->begin[LSE_COLUMN + 1], TOGETHER);
    const lse_fp_state found = lse_fp_enter();
    c->q.run(columns_task, &j, tasks, threads);
    lse_fp_leave(found);
    return j.failed ? j.failed : run_rows(k, &c->q, c->count, sorted, values);
}
