/* Complex elements in memory of any layout, and the lines of tiles. */
#include <math.h>
#include <string.h>

#include "engine/complex.h"

enum { SIZE = 2 * sizeof(double), STEPS = 64 }; /* bytes of a pair; lines that are filled at a time */

static lse_member find_member(const lse_plan *plan, ptrdiff_t index)
{
    lse_member m = {.shift = 0.0};
    ptrdiff_t given;
    const ptrdiff_t kept = index % plan->kept_length;
    lse_find_row(plan, index / plan->kept_length, &m.row, &m.out, &given);
    m.row.x += kept * plan->kept_stride;
    if (m.row.where) m.row.where += kept * plan->kept_where_stride;
    if (m.row.weight) m.row.weight += kept * plan->kept_weight_stride;
    m.out += kept * plan->kept_out_stride;
    return m;
}

void lse_find_members(const lse_plan *plan, ptrdiff_t first, ptrdiff_t count, lse_member *members)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        if (i == 0 || (first + i) % plan->kept_length == 0) {
            members[i] = find_member(plan, first + i);
            continue;
        }
        members[i] = members[i - 1]; /* its neighbour along the last axis */
        members[i].row.x += plan->kept_stride;
        if (members[i].row.where) members[i].row.where += plan->kept_where_stride;
        if (members[i].row.weight) members[i].row.weight += plan->kept_weight_stride;
        members[i].out += plan->kept_out_stride;
    }
}

/* A place in the axes of a layout, with the strides of one of its arrays. */
typedef struct {
    const lse_layout *layout;
    const ptrdiff_t *strides;
    ptrdiff_t at, index[LSE_MAX_DIMS];
} place;

static void find_place(place *p, const lse_layout *layout, const ptrdiff_t *strides, ptrdiff_t element)
{
    p->layout = layout;
    p->strides = strides;
    p->at = 0;
    for (int axis = layout->ndim - 1; axis >= 0; axis--) {
        p->index[axis] = axis > 0 ? element % layout->shape[axis] : element;
        element /= layout->shape[axis];
        p->at += p->index[axis] * strides[axis];
    }
}

/* How many of n elements are in the run along the last axis that begins here. */
static ptrdiff_t run_of(const place *p, ptrdiff_t n)
{
    const int last = p->layout->ndim - 1;
    return last < 0 ? 1 : lse_least(n, p->layout->shape[last] - p->index[last]);
}

static void go_on(place *p, ptrdiff_t n)
{
    int axis = p->layout->ndim - 1;
    if (axis < 0) return;
    p->at += n * p->strides[axis];
    p->index[axis] += n;
    for (; axis > 0 && p->index[axis] == p->layout->shape[axis]; axis--) {
        p->at += p->strides[axis - 1] - p->index[axis] * p->strides[axis];
        p->index[axis] = 0;
        p->index[axis - 1]++;
    }
}

static void load_all(const lse_layout *layout, const ptrdiff_t *strides, lse_load load, const char *base,
                     ptrdiff_t start, ptrdiff_t n, double *to)
{
    const int last = layout->ndim - 1;
    place p;
    find_place(&p, layout, strides, start);
    for (ptrdiff_t some; n > 0; n -= some, to += 2 * some) {
        some = run_of(&p, n);
        load(base + p.at, last < 0 ? 0 : strides[last], some, to);
        go_on(&p, some);
    }
}

/* Pairs whose element is left out. */
static void leave_out(const lse_layout *layout, const char *where, ptrdiff_t start, ptrdiff_t n, double value,
                      double *pairs)
{
    const int last = layout->ndim - 1;
    place p;
    find_place(&p, layout, layout->where_stride, start);
    for (ptrdiff_t some; n > 0; n -= some, pairs += 2 * some) {
        const ptrdiff_t step = last < 0 ? 0 : layout->where_stride[last];
        some = run_of(&p, n);
        for (ptrdiff_t i = 0; i < some; i++)
            if (!where[p.at + i * step]) {
                pairs[2 * i] = value;
                pairs[2 * i + 1] = 0.0;
            }
        go_on(&p, some);
    }
}

static int is_direct(const lse_plan *plan) { return plan->row.direct && plan->type->size == SIZE; }

const char *lse_fetch_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, double *buffer)
{
    const lse_layout *layout = &plan->row;
    if (is_direct(plan) && !m->row.where && m->shift == 0.0 && !m->infinite) return m->row.x + start * SIZE;
    load_all(layout, layout->stride, layout->load, m->row.x, start, n, buffer);
    if (m->row.where) leave_out(layout, m->row.where, start, n, -INFINITY, buffer);
    if (m->infinite)
        for (ptrdiff_t i = 0; i < n; i++) buffer[2 * i] = buffer[2 * i] == INFINITY ? 0.0 : -INFINITY;
    else if (m->shift != 0.0)
        for (ptrdiff_t i = 0; i < n; i++) buffer[2 * i] -= m->shift;
    return (const char *)buffer;
}

const char *lse_fetch_weight_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                                   double *buffer)
{
    const lse_layout *layout = &plan->row;
    load_all(layout, layout->weight_stride, layout->load_weight, m->row.weight, start, n, buffer);
    if (m->row.where) leave_out(layout, m->row.where, start, n, 0.0, buffer);
    return (const char *)buffer;
}

void lse_put_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, const double *pairs)
{
    const lse_layout *layout = &plan->out_row;
    const int last = layout->ndim - 1;
    place p;
    find_place(&p, layout, layout->stride, start);
    for (ptrdiff_t some; n > 0; n -= some, pairs += 2 * some) {
        some = run_of(&p, n);
        layout->store(m->out + p.at, last < 0 ? 0 : layout->stride[last], some, pairs);
        go_on(&p, some);
    }
}

/* Whether sums lie side by side as lanes do, with nothing to be done to their elements. */
static int are_across(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n)
{
    int across = count == LSE_LANES && plan->row.native && !members[0].row.where;
    for (ptrdiff_t i = 0; i < count && across; i++)
        across = members[i].row.x - members[0].row.x == i * plan->itemsize && members[i].row.n == n &&
                 members[i].shift == 0.0 && !members[i].infinite;
    return across;
}

static void fill_across(const lse_plan *plan, const char *x, ptrdiff_t n, lse_complex_line *tile)
{
    double pairs[2 * LSE_LANES];
    place p;
    find_place(&p, &plan->row, plan->row.stride, 0);
    for (ptrdiff_t k = 0; k < n; k++) {
        const char *from = x + p.at;
        if (plan->type->size != SIZE) {
            plan->row.load(from, plan->type->size, LSE_LANES, pairs);
            from = (const char *)pairs;
        }
        plan->table->of_complex.deal(from, LSE_LANES, &tile[k]);
        go_on(&p, 1);
    }
}

/* Elements start .. start + n of each sum, as far as it has them, and `value` beyond; of no sum those of the first. */
static void fill_lines(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t start, ptrdiff_t n,
                       int weights, lse_complex_line *tile)
{
    double buffer[LSE_LANES][2 * STEPS];
    const char *runs[LSE_LANES] = {NULL};
    for (ptrdiff_t i = 0; i < count; i++) {
        const lse_member *m = &members[i];
        const ptrdiff_t left = lse_most(0, lse_least(n, m->row.n - start));
        runs[i] = weights ? lse_fetch_weight_pairs(plan, m, start, left, buffer[i])
                          : lse_fetch_pairs(plan, m, start, left, buffer[i]);
        if (left == n) continue;
        if (runs[i] != (const char *)buffer[i]) memcpy(buffer[i], runs[i], (size_t)left * SIZE);
        for (ptrdiff_t k = left; k < n; k++) {
            buffer[i][2 * k] = weights ? 0.0 : -INFINITY;
            buffer[i][2 * k + 1] = 0.0;
        }
        runs[i] = (const char *)buffer[i];
    }
    for (ptrdiff_t i = count; i < LSE_LANES; i++) runs[i] = runs[0];
    plan->table->of_complex.turn(runs, n, tile);
}

void lse_fill_tile(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                   lse_complex_line *tile)
{
    if (are_across(plan, members, count, n)) {
        fill_across(plan, members[0].row.x, n, tile);
        return;
    }
    for (ptrdiff_t start = 0; start < n; start += STEPS)
        fill_lines(plan, members, count, start, lse_least(STEPS, n - start), 0, tile + start);
}

void lse_fill_weights(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                      lse_weight_line *weights)
{
    lse_complex_line some[STEPS];
    for (ptrdiff_t start = 0; start < n; start += STEPS) {
        const ptrdiff_t steps = lse_least(STEPS, n - start);
        fill_lines(plan, members, count, start, steps, 1, some);
        for (ptrdiff_t k = 0; k < steps; k++) memcpy(&weights[start + k], &some[k], sizeof some[k]);
    }
}

static void put_across(const lse_plan *plan, char *out, ptrdiff_t n, const lse_complex_line *tile)
{
    double pairs[2 * LSE_LANES];
    place p;
    find_place(&p, &plan->out_row, plan->out_row.stride, 0);
    for (ptrdiff_t k = 0; k < n; k++) {
        plan->table->of_complex.collect(&tile[k], LSE_LANES, (char *)pairs);
        plan->out_row.store(out + p.at, plan->type->size, LSE_LANES, pairs);
        go_on(&p, 1);
    }
}

void lse_put_tile(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                  const lse_complex_line *tile)
{
    double buffer[LSE_LANES][2 * STEPS];
    char *runs[LSE_LANES];
    int even = count == LSE_LANES;
    for (ptrdiff_t i = 0; i < count && even; i++) even = members[i].row.n == n;
    const int direct = plan->out_row.direct && plan->type->size == SIZE && even;
    int across = even && !direct && n > 1;
    for (ptrdiff_t i = 0; i < count && across; i++) across = members[i].out - members[0].out == i * plan->type->size;
    if (across) {
        put_across(plan, members[0].out, n, tile);
        return;
    }
    for (ptrdiff_t start = 0; start < n; start += STEPS) {
        const ptrdiff_t steps = lse_least(STEPS, n - start);
        for (ptrdiff_t i = 0; i < LSE_LANES; i++) runs[i] = direct ? members[i].out + start * SIZE : (char *)buffer[i];
        plan->table->of_complex.turn_back(tile + start, steps, runs);
        for (ptrdiff_t i = 0; i < count && !direct; i++)
            if (start < members[i].row.n)
                lse_put_pairs(plan, &members[i], start, lse_least(steps, members[i].row.n - start), buffer[i]);
    }
}

void lse_put_left_out(const lse_plan *plan, const lse_member *m, double value)
{
    const double left_out[2] = {value, 0.0};
    double marks[2 * STEPS];
    int any = 0;
    if (!m->row.where) return;
    for (int pass = 0; pass < 2; pass++)
        for (ptrdiff_t start = 0, n; start < m->row.n && (pass == 0 || any); start += n) {
            n = lse_least(STEPS, m->row.n - start);
            for (ptrdiff_t i = 0; i < n; i++) marks[2 * i] = 1.0;
            leave_out(&plan->row, m->row.where, start, n, 0.0, marks);
            for (ptrdiff_t i = 0; i < n; i++) {
                if (pass == 0) any |= marks[2 * i] != 0.0;
                else if (marks[2 * i] == 0.0) lse_put_pairs(plan, m, start + i, 1, left_out);
            }
        }
}
