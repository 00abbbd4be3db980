/* Complex elements in memory of any layout, and the lines of tiles. */
#include <math.h>
#include <string.h>

#include "engine/complex.h"
#include "engine/places.h"
#include "kernels/target.h"

enum { STEPS = 64 }; /* lines that are filled at a time */

static lse_member find_member(const lse_plan *plan, ptrdiff_t outer, ptrdiff_t kept)
{
    lse_member m = {.shift = 0.0};
    ptrdiff_t given;
    lse_find_row(plan, outer, &m.row, &m.out, &given);
    m.row.x += kept * plan->kept_stride;
    if (m.row.where) m.row.where += kept * plan->kept_where_stride;
    if (m.row.weight) m.row.weight += kept * plan->kept_weight_stride;
    m.out += kept * plan->kept_out_stride;
    return m;
}

/* Sums `from` and on, of count, of those that are neighbours along the last axis. */
static void put_neighbours(const lse_plan *plan, lse_member m, ptrdiff_t count, lse_member *members)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        members[i] = m;
        m.row.x += plan->kept_stride;
        if (m.row.where) m.row.where += plan->kept_where_stride;
        if (m.row.weight) m.row.weight += plan->kept_weight_stride;
        m.out += plan->kept_out_stride;
    }
}

void lse_find_members(const lse_plan *plan, ptrdiff_t first, ptrdiff_t count, lse_member *members)
{
    ptrdiff_t outer = first / plan->kept_length, kept = first % plan->kept_length;
    for (ptrdiff_t i = 0, some; i < count; i += some, kept = 0, outer++) {
        some = lse_least(count - i, plan->kept_length - kept);
        put_neighbours(plan, find_member(plan, outer, kept), some, members + i);
    }
}

/* Pairs of doubles, and of floats at any address. */
static void narrow(const double *from, ptrdiff_t n, char *to)
{
    for (ptrdiff_t i = 0; i < 2 * n; i++) {
        const float x = (float)from[i];
        memcpy(to + i * (ptrdiff_t)sizeof x, &x, sizeof x);
    }
}

static void widen(const char *from, ptrdiff_t n, double *to)
{
    for (ptrdiff_t i = 0; i < 2 * n; i++) {
        float x;
        memcpy(&x, from + i * (ptrdiff_t)sizeof x, sizeof x);
        to[i] = (double)x;
    }
}

static inline void copy_pairs(const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step, ptrdiff_t n,
                              ptrdiff_t size)
{
    if (from_step == size && to_step == size) memcpy(to, from, (size_t)(n * size));
    else if (size == 8)
        for (ptrdiff_t i = 0; i < n; i++) memcpy(to + i * to_step, from + i * from_step, 8);
    else
        for (ptrdiff_t i = 0; i < n; i++) memcpy(to + i * to_step, from + i * from_step, 16);
}

/* n elements of any type become pairs of the plan's. */
static void load_run(const lse_plan *plan, lse_load load, int native, const char *from, ptrdiff_t step, ptrdiff_t n,
                     char *to)
{
    const ptrdiff_t size = plan->type->size;
    double pairs[2 * STEPS];
    if (native) copy_pairs(from, step, to, size, n, size);
    else if (size == LSE_PAIR) load(from, step, n, to);
    else
        for (ptrdiff_t done = 0, some; done < n; done += some) {
            some = lse_least(STEPS, n - done);
            load(from + done * step, step, some, pairs);
            narrow(pairs, some, to + done * size);
        }
}

static void load_all(const lse_plan *plan, const ptrdiff_t *strides, lse_load load, int native, const char *base,
                     ptrdiff_t start, ptrdiff_t n, char *to)
{
    const int last = plan->row.ndim - 1;
    lse_place p;
    lse_find_place(&p, &plan->row, strides, start);
    for (ptrdiff_t some; n > 0; n -= some, to += some * plan->type->size) {
        some = lse_run_of(&p, n);
        load_run(plan, load, native, base + p.at, last < 0 ? 0 : strides[last], some, to);
        lse_go_on(&p, some);
    }
}

void lse_set_real_pair(const lse_plan *plan, char *pairs, ptrdiff_t i, double value)
{
    const double wide[2] = {value, 0.0};
    const float floats[2] = {(float)value, 0.0f};
    if (plan->type->size == LSE_PAIR) memcpy(pairs + i * LSE_PAIR, wide, sizeof wide);
    else memcpy(pairs + i * (LSE_PAIR / 2), floats, sizeof floats);
}

/* Pairs whose element is left out. */
static void leave_out(const lse_plan *plan, const char *where, ptrdiff_t start, ptrdiff_t n, double value, char *pairs)
{
    const lse_layout *layout = &plan->row;
    const int last = layout->ndim - 1;
    ptrdiff_t done = 0;
    lse_place p;
    lse_find_place(&p, layout, layout->where_stride, start);
    for (ptrdiff_t some; done < n; done += some) {
        const ptrdiff_t step = last < 0 ? 0 : layout->where_stride[last];
        some = lse_run_of(&p, n - done);
        for (ptrdiff_t i = 0; i < some; i++)
            if (!where[p.at + i * step]) lse_set_real_pair(plan, pairs, done + i, value);
        lse_go_on(&p, some);
    }
}

static double brought_near(const lse_member *m, double re)
{
    if (!m->infinite) return re - m->shift;
    return re == INFINITY ? 0.0 : -INFINITY;
}

/* Elements less the shift, or shares of infinity. */
static void bring_near(const lse_plan *plan, const lse_member *m, ptrdiff_t n, char *pairs)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        double pair_of[2];
        char *own = pairs + i * plan->type->size;
        if (plan->type->size == LSE_PAIR) {
            memcpy(pair_of, own, LSE_PAIR);
            pair_of[0] = brought_near(m, pair_of[0]);
            memcpy(own, pair_of, LSE_PAIR);
        } else {
            widen(own, 1, pair_of);
            pair_of[0] = brought_near(m, pair_of[0]);
            narrow(pair_of, 1, own);
        }
    }
}

static int is_direct(const lse_plan *plan, const lse_member *m)
{ return plan->row.direct && !m->row.where && m->shift == 0.0 && !m->infinite; }

const char *lse_fetch_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, void *buffer)
{
    char *to = (char *)buffer;
    if (is_direct(plan, m)) return m->row.x + start * plan->type->size;
    load_all(plan, plan->row.stride, plan->row.load, plan->row.native, m->row.x, start, n, to);
    if (m->row.where) leave_out(plan, m->row.where, start, n, -INFINITY, to);
    if (m->infinite || m->shift != 0.0) bring_near(plan, m, n, to);
    return to;
}

const char *lse_fetch_weight_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n,
                                   void *buffer)
{
    char *to = (char *)buffer;
    if (plan->row.direct_weight && !m->row.where) return m->row.weight + start * plan->type->size;
    load_all(plan, plan->row.weight_stride, plan->row.load_weight, plan->row.native_weight, m->row.weight, start, n,
             to);
    if (m->row.where) leave_out(plan, m->row.where, start, n, 0.0, to);
    return to;
}

void lse_fetch_doubles(const lse_plan *plan, const lse_member *m, int weights, ptrdiff_t start, ptrdiff_t n, double *to)
{
    double buffer[2 * LSE_SHORT];
    const char *from =
        weights ? lse_fetch_weight_pairs(plan, m, start, n, buffer) : lse_fetch_pairs(plan, m, start, n, buffer);
    if (plan->type->size == LSE_PAIR) {
        memcpy(to, from, (size_t)n * LSE_PAIR);
        return;
    }
    widen(from, n, to);
}

static void store_run(const lse_plan *plan, const char *pairs, ptrdiff_t n, char *to, ptrdiff_t step)
{
    const ptrdiff_t size = plan->type->size;
    double wide[2 * STEPS];
    if (plan->out_row.native) copy_pairs(pairs, size, to, step, n, size);
    else if (size == LSE_PAIR) plan->out_row.store(to, step, n, pairs);
    else
        for (ptrdiff_t done = 0, some; done < n; done += some) {
            some = lse_least(STEPS, n - done);
            widen(pairs + done * size, some, wide);
            plan->out_row.store(to + done * step, step, some, wide);
        }
}

void lse_put_pairs(const lse_plan *plan, const lse_member *m, ptrdiff_t start, ptrdiff_t n, const void *pairs)
{
    const lse_layout *layout = &plan->out_row;
    const int last = layout->ndim - 1;
    const char *from = (const char *)pairs;
    lse_place p;
    lse_find_place(&p, layout, layout->stride, start);
    for (ptrdiff_t some; n > 0; n -= some, from += some * plan->type->size) {
        some = lse_run_of(&p, n);
        store_run(plan, from, some, m->out + p.at, last < 0 ? 0 : layout->stride[last]);
        lse_go_on(&p, some);
    }
}

char *lse_place_of_run(const lse_plan *plan, const lse_member *m, ptrdiff_t start)
{ return plan->out_row.direct ? m->out + start * plan->type->size : NULL; }

/* Tiles ---------------------------------------------------------------------------------------------------- */

/* Whether sums are of n elements each, with nothing to be done to these. */
static int are_plain(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n)
{
    int plain = plan->row.native && !members[0].row.where;
    for (ptrdiff_t i = 0; i < count && plain; i++)
        plain = members[i].row.n == n && members[i].shift == 0.0 && !members[i].infinite;
    return plain;
}

/* Whether sums lie side by side as lanes do. */
static int are_across(const lse_plan *plan, const lse_member *members, ptrdiff_t count)
{
    int across = count == plan->complex->lanes;
    for (ptrdiff_t i = 0; i < count && across; i++)
        across = members[i].row.x - members[0].row.x == i * plan->type->size;
    return across;
}

/* Lines of LSE_LINE bytes; the neighbours on the right, which come next, are asked for. */
static void fill_across(const lse_plan *plan, const char *x, ptrdiff_t n, lse_complex_line *tile)
{
    lse_place p;
    lse_find_place(&p, &plan->row, plan->row.stride, 0);
    for (ptrdiff_t k = 0; k < n; k++) {
        LSE_PREFETCH(x + p.at + sizeof *tile);
        LSE_PREFETCH(x + p.at + sizeof *tile + sizeof *tile / 2);
        plan->complex->deal(x + p.at, plan->complex->lanes, &tile[k]);
        lse_go_on(&p, 1);
    }
}

/* Sums that are runs. */
static void fill_from_runs(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                           lse_complex_line *tile)
{
    const char *runs[LSE_COMPLEX_LANES];
    for (ptrdiff_t i = 0; i < plan->complex->lanes; i++) runs[i] = members[i < count ? i : 0].row.x;
    plan->complex->turn(runs, n, tile);
}

/* Elements start .. start + n of each sum, as far as it has them, and -inf or a weight of 0 beyond; of no sum those of
 * the first. */
static void fill_lines(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t start, ptrdiff_t n,
                       int weights, lse_complex_line *tile)
{
    double buffer[LSE_LANES * 2 * STEPS];
    const char *runs[LSE_COMPLEX_LANES] = {NULL};
    for (ptrdiff_t i = 0; i < count; i++) {
        const lse_member *m = &members[i];
        const ptrdiff_t left = lse_most(0, lse_least(n, m->row.n - start));
        char *own = (char *)buffer + i * STEPS * plan->type->size;
        runs[i] =
            weights ? lse_fetch_weight_pairs(plan, m, start, left, own) : lse_fetch_pairs(plan, m, start, left, own);
        if (left == n) continue;
        if (runs[i] != own) memcpy(own, runs[i], (size_t)(left * plan->type->size));
        for (ptrdiff_t k = left; k < n; k++) lse_set_real_pair(plan, own, k, weights ? 0.0 : -INFINITY);
        runs[i] = own;
    }
    for (ptrdiff_t i = count; i < plan->complex->lanes; i++) runs[i] = runs[0];
    plan->complex->turn(runs, n, tile);
}

void lse_fill_tile(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                   lse_complex_line *tile)
{
    const int plain = are_plain(plan, members, count, n);
    if (plain && are_across(plan, members, count)) fill_across(plan, members[0].row.x, n, tile);
    else if (plain && plan->row.direct) fill_from_runs(plan, members, count, n, tile);
    else
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

void lse_put_element(const lse_plan *plan, const double *element, lse_complex_line *line)
{
    for (ptrdiff_t i = 0; i < plan->complex->lanes; i++) {
        if (plan->type->size == LSE_PAIR) {
            line->f64.re[i] = element[0];
            line->f64.im[i] = element[1];
        } else {
            line->f32.re[i] = (float)element[0];
            line->f32.im[i] = (float)element[1];
        }
    }
}

void lse_take_element(const lse_plan *plan, const lse_complex_line *line, ptrdiff_t lane, double *element)
{
    const int wide = plan->type->size == LSE_PAIR;
    element[0] = wide ? line->f64.re[lane] : (double)line->f32.re[lane];
    element[1] = wide ? line->f64.im[lane] : (double)line->f32.im[lane];
}

void lse_put_result(const lse_plan *plan, const lse_member *m, ptrdiff_t at, const double *element)
{
    char floats[LSE_PAIR / 2];
    narrow(element, 1, floats);
    lse_put_pairs(plan, m, at, 1, plan->type->size == LSE_PAIR ? (const void *)element : floats);
}

static void put_across(const lse_plan *plan, char *out, ptrdiff_t n, const lse_complex_line *tile)
{
    lse_place p;
    lse_find_place(&p, &plan->out_row, plan->out_row.stride, 0);
    for (ptrdiff_t k = 0; k < n; k++) {
        plan->complex->collect(&tile[k], plan->complex->lanes, out + p.at);
        LSE_PREFETCH_OUT(out + p.at + sizeof *tile);
        LSE_PREFETCH_OUT(out + p.at + sizeof *tile + sizeof *tile / 2);
        lse_go_on(&p, 1);
    }
}

void lse_put_tile(const lse_plan *plan, const lse_member *members, ptrdiff_t count, ptrdiff_t n,
                  const lse_complex_line *tile)
{
    const ptrdiff_t size = plan->type->size;
    double buffer[LSE_LANES * 2 * STEPS];
    char *runs[LSE_COMPLEX_LANES];
    int even = 1;
    for (ptrdiff_t i = 0; i < count && even; i++) even = members[i].row.n == n;
    const int direct = plan->out_row.direct && even;
    int across = even && count == plan->complex->lanes && plan->out_row.native && !(direct && n > 1);
    for (ptrdiff_t i = 0; i < count && across; i++) across = members[i].out - members[0].out == i * size;
    if (across) {
        put_across(plan, members[0].out, n, tile);
        return;
    }
    for (ptrdiff_t start = 0; start < n; start += STEPS) {
        const ptrdiff_t steps = lse_least(STEPS, n - start);
        for (ptrdiff_t i = 0; i < plan->complex->lanes; i++)
            runs[i] = direct && i < count ? members[i].out + start * size : (char *)buffer + i * STEPS * size;
        plan->complex->turn_back(tile + start, steps, runs);
        for (ptrdiff_t i = 0; i < count && !direct; i++)
            if (start < members[i].row.n)
                lse_put_pairs(plan, &members[i], start, lse_least(steps, members[i].row.n - start), runs[i]);
    }
}

void lse_put_left_out(const lse_plan *plan, const lse_member *m, double value)
{
    const ptrdiff_t size = plan->type->size;
    char left_out[LSE_PAIR], marks[LSE_PAIR * STEPS];
    char zero[LSE_PAIR] = {0};
    int any = 0;
    if (!m->row.where) return;
    lse_set_real_pair(plan, left_out, 0, value);
    for (int pass = 0; pass < 2; pass++)
        for (ptrdiff_t start = 0, n; start < m->row.n && (pass == 0 || any); start += n) {
            n = lse_least(STEPS, m->row.n - start);
            for (ptrdiff_t i = 0; i < n; i++) lse_set_real_pair(plan, marks, i, 1.0);
            leave_out(plan, m->row.where, start, n, 0.0, marks);
            for (ptrdiff_t i = 0; i < n; i++) {
                const int is_left_out = memcmp(marks + i * size, zero, (size_t)size) == 0;
                if (pass == 0) any |= !is_left_out;
                else if (is_left_out) lse_put_pairs(plan, m, start + i, 1, left_out);
            }
        }
}
