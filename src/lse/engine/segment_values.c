/* Log-sum-exps and maps of many segments that are runs of the kernels' type, without weights, mask or further outputs:
 * those of equal length go through panels together, whatever lies between them. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/plan.h"

/* Segments of one task at most; the elements of one up to which all of a length go together, of each type: longer ones
 * are summed one after another in the order of memory, which is quicker unless they are all alike; and bytes of the
 * elements of a task that are asked for before they are read out of order; about how many are mapped by one. */
enum {
    MOST = 1024,
    FEW_F64 = 24,
    FEW_F32 = 64,
    FEW_MAPPED = LSE_SHORT,
    LENGTHS = LSE_SHORT + 3,
    AHEAD = 1 << 18,
    MAPPED = 1 << 15
};

/* Some consecutive segments of a row, and the order of their lengths. */
typedef struct {
    const lse_plan *plan;
    const ptrdiff_t *offsets; /* of the first segment */
    ptrdiff_t out_stride, few;
    int maps;
    const char *x; /* the row */
    char *out;     /* the result of the first segment, or of a map those of the row */
    /* The segments of each length, of which there is one for all of more than `few` elements but no more than a piece,
     * and the last one for those to be left out; where they begin, and the last ones end. */
    uint16_t index[MOST];
    ptrdiff_t begin[LENGTHS + 1];
} some_segments;

static ptrdiff_t length_of(const some_segments *s, ptrdiff_t i) { return s->offsets[i + 1] - s->offsets[i]; }

static ptrdiff_t kind_of(const some_segments *s, ptrdiff_t i)
{
    const ptrdiff_t n = length_of(s, i);
    return n <= s->few ? n : n <= LSE_PIECE ? s->few + 1 : LENGTHS - 1;
}

/* Two at a time, one of each half: a count that was just raised is not known at once. */
static void sort_by_length(some_segments *s, ptrdiff_t count)
{
    const ptrdiff_t half = count / 2;
    ptrdiff_t at[2][LENGTHS] = {{0}}, next = 0;
    uint16_t kind[MOST];
    for (ptrdiff_t i = 0; i < count; i++) kind[i] = (uint16_t)kind_of(s, i);
    for (ptrdiff_t i = 0; i < half; i++) {
        at[0][kind[i]]++;
        at[1][kind[half + i]]++;
    }
    if (count % 2) at[1][kind[count - 1]]++;
    for (int n = 0; n < LENGTHS; n++) {
        s->begin[n] = next;
        for (int k = 0; k < 2; k++) {
            const ptrdiff_t own = at[k][n];
            at[k][n] = next;
            next += own;
        }
    }
    s->begin[LENGTHS] = next;
    for (ptrdiff_t i = 0; i < half; i++) {
        s->index[at[0][kind[i]]++] = (uint16_t)i;
        s->index[at[1][kind[half + i]]++] = (uint16_t)(half + i);
    }
    if (count % 2) s->index[at[1][kind[count - 1]]] = (uint16_t)(count - 1);
}

static void put_values(const some_segments *s, const uint16_t *index, ptrdiff_t count, const void *values)
{
    if (s->plan->itemsize == 8)
        for (ptrdiff_t i = 0; i < count; i++)
            memcpy(s->out + index[i] * s->out_stride, (const char *)values + i * 8, 8);
    else
        for (ptrdiff_t i = 0; i < count; i++)
            memcpy(s->out + index[i] * s->out_stride, (const char *)values + i * 4, 4);
}

static void put_nothing(const some_segments *s, const uint16_t *index, ptrdiff_t count)
{
    double values[LSE_BATCH];
    for (ptrdiff_t i = 0; i < lse_least(count, LSE_BATCH); i++) s->plan->type->put(values, i, -INFINITY);
    for (ptrdiff_t i = 0; i < count; i += LSE_BATCH) put_values(s, index + i, lse_least(count - i, LSE_BATCH), values);
}

/* Of one element, which is the result; every NaN is the same one. */
static void put_alone(const some_segments *s, const uint16_t *index, ptrdiff_t count)
{
    double elements[LSE_BATCH], values[LSE_BATCH];
    const ptrdiff_t size = s->plan->itemsize;
    for (ptrdiff_t i = 0; i < count; i++) {
        const char *from = s->x + s->offsets[index[i]] * size;
        if (size == 8) memcpy(elements + i, from, 8);
        else memcpy((char *)elements + i * 4, from, 4);
    }
    s->plan->kernels->copy_alone((const char *)elements, (char *)values, count);
    put_values(s, index, count, values);
}

static void finish(const some_segments *s, const uint16_t *index, ptrdiff_t count, lse_states *states)
{
    double values[LSE_BATCH];
    for (ptrdiff_t i = count; i % 8 != 0; i++) lse_put_sum(lse_sums_in(states), i, lse_no_sum()); /* whole vectors */
    s->plan->kernels->finish_values(states, count, values);
    put_values(s, index, count, values);
}

/* Of n elements each, no more than LSE_SHORT. */
static void run_alike(const some_segments *s, const uint16_t *index, ptrdiff_t count, ptrdiff_t n)
{
    const ptrdiff_t size = s->plan->itemsize, start = s->offsets[index[0]];
    ptrdiff_t at[LSE_BATCH], offset[LSE_SHORT];
    lse_states states;
    for (ptrdiff_t i = 0; i < count; i++) at[i] = (s->offsets[index[i]] - start) * size;
    for (ptrdiff_t k = 0; k < n; k++) offset[k] = k * size;
    const lse_panel panel = {.n = n,
                             .count = count,
                             .form = LSE_BY_ROWS,
                             .out_form = LSE_BY_ROWS,
                             .x = s->x + start * size,
                             .out = s->out + start * size,
                             .at = at,
                             .out_at = at,
                             .offset = offset,
                             .out_offset = offset};
    if (s->maps) {
        s->plan->map->panel(&panel);
        return;
    }
    s->plan->kernels->sum_panel(&panel, &states);
    finish(s, index, count, &states);
}

/* Of any lengths up to a piece. */
static void map_others(const some_segments *s, const uint16_t *index, ptrdiff_t count)
{
    lse_states states;
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t start = s->offsets[index[i]] * s->plan->itemsize;
        const lse_row row = {.x = s->x + start, .n = length_of(s, index[i])};
        char *out = s->out + start;
        if (lse_is_stored(s->plan, row.n)) {
            lse_map_stored(s->plan, &row, &out, 1);
            continue;
        }
        lse_whole_states(s->plan, &row, 1, 0, 1, &states);
        lse_finish_group(s->plan, &row, &out, 1, &states, 1);
    }
}

static void sum_others(const some_segments *s, const uint16_t *index, ptrdiff_t count)
{
    lse_row rows[LSE_BATCH];
    lse_states states;
    int alike = 1;
    for (ptrdiff_t i = 0; i < count; i++) {
        const ptrdiff_t n = length_of(s, index[i]);
        rows[i] = (lse_row){.x = s->x + s->offsets[index[i]] * s->plan->itemsize, .n = n};
        alike &= n == rows[0].n;
    }
    if (alike && rows[0].n <= LSE_SHORT) {
        run_alike(s, index, count, rows[0].n);
        return;
    }
    lse_whole_states(s->plan, rows, count, 0, 1, &states);
    finish(s, index, count, &states);
}

/* Segments that sort_by_length found to have n elements, or more than `few`. */
static void run_length(const some_segments *s, ptrdiff_t n)
{
    const ptrdiff_t end = s->begin[n + 1];
    if (n == 0 && !s->maps) put_nothing(s, s->index, end);
    for (ptrdiff_t i = s->begin[n], some; i < end && n > 0 && !lse_is_stopped(s->plan->failed); i += some) {
        some = lse_least(end - i, LSE_BATCH);
        if (n == 1 && !s->maps) put_alone(s, s->index + i, some);
        else if (n <= s->few) run_alike(s, s->index + i, some, n);
        else if (s->maps) map_others(s, s->index + i, some);
        else sum_others(s, s->index + i, some);
    }
}

/* What the tasks share. */
typedef struct {
    const lse_plan *plan;
    const lse_segments *all;
    ptrdiff_t each, tasks; /* segments of a task, and tasks of a row */
    int any_longer;        /* whether any segment is longer than a piece */
} job;

static void task(void *context, ptrdiff_t number)
{
    job *j = (job *)context;
    const ptrdiff_t first = number % j->tasks * j->each;
    some_segments s = {
        .plan = j->plan, .offsets = j->all->offsets + first, .out_stride = j->all->out_stride, .maps = j->all->maps};
    lse_row row;
    ptrdiff_t given;
    if (lse_is_stopped(j->plan->failed)) return;
    lse_find_row(j->plan, number / j->tasks, &row, &s.out, &given);
    s.x = row.x;
    if (!s.maps) s.out += first * s.out_stride;
    const ptrdiff_t count = lse_least(j->each, j->all->count - first), size = j->plan->itemsize;
    const char *start = s.x + s.offsets[0] * size, *end = s.x + s.offsets[count] * size;
    for (const char *x = start; x < end && end - start <= AHEAD; x += 64) LSE_PREFETCH(x);
    s.few = s.maps ? FEW_MAPPED : size == 8 ? FEW_F64 : FEW_F32;
    sort_by_length(&s, count);
    if (s.begin[LENGTHS - 1] < count) LSE_STORE(&j->any_longer, 1);
    for (ptrdiff_t n = 0; n <= s.few + 1; n++) run_length(&s, n);
}

int lse_run_segment_values(const lse_plan *plan, const lse_segments *all, int threads)
{
    job j = {plan, all, MOST, 1, 0};
    if (all->maps) j.each = lse_most(LSE_BATCH, lse_least(MOST, MAPPED / lse_most(1, plan->n / all->count)));
    if (threads > 1)
        j.each = lse_most(LSE_BATCH, lse_least(j.each, plan->outer * all->count / (8 * (ptrdiff_t)threads)));
    j.tasks = lse_quotient_up(all->count, j.each);
    lse_run_until_stopped(plan, task, &j, plan->outer * j.tasks, threads);
    return LSE_LOAD(&j.any_longer);
}
