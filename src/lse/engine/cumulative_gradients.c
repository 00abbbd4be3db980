/* Derivatives of cumulative sums in log space, with no logarithm: element i has the share e^(x_i - a) / s_j in sum j, where
 * s_j is the sum of e^(x_k - a) over k <= j. The anchor a is an element that no other one exceeds by more than RISE, and
 * rises with the elements; what was summed is then multiplied by e to the power of the difference.
 *
 * A share is within 16 units of 2^-53: e^(x - a), s_j and the quotient are within 3, 4 and 1, unless the anchor rises, and
 * the sums over j or i carry their rounding errors along. Shares below 2^-1000 are 0. */
#include <math.h>

#include "engine/fp.h"
#include "engine/gradients.h"
#include "engine/plan.h"
#include "engine/types.h"
#include "kernels/pair.h"

enum { PART = LSE_CUMULATIVE_PART, RISE = 16 };
static const ptrdiff_t ENOUGH = 1 << 12; /* elements of a task */

typedef struct {
    const lse_cumulative_gradient *g;
    ptrdiff_t rows; /* of each task */
} work;

/* e^(x - anchor) and what the anchor before an element is to that of it, for the elements of a part of a row. */
typedef struct {
    double term[PART], drop[PART];
} part;

/* Adds to hi + lo. */
static void add(pair *sum, double x)
{
    const pair exact = two_sum(sum->hi, x);
    sum->lo += isfinite(exact.hi) ? exact.lo : 0.0;
    sum->hi = exact.hi;
}

static void multiply(pair *sum, double factor)
{
    sum->hi *= factor;
    sum->lo *= factor;
}

/* a - b and its rounding error; 0 for +inf twice, -inf for -inf twice. */
static pair difference(double a, double b)
{
    const pair exact = two_sum(a, -b);
    if (isfinite(exact.hi)) return exact;
    if (a == -INFINITY) return (pair){a, 0.0};
    return (pair){a == b ? 0.0 : exact.hi, 0.0};
}

static double exp_of(const lse_kernels *table, pair x)
{
    double hi[LSE_EXPONENTIALS] = {x.hi};
    table->exponentials(hi, 1);
    return hi[0] + hi[0] * x.lo;
}

/* The part that begins with x; its anchor becomes that of its last element. */
static void find_terms(const lse_kernels *table, const double *x, ptrdiff_t count, double *anchor, part *found)
{
    double lo[PART], at = *anchor;
    for (ptrdiff_t i = 0; i < count; i++) {
        found->drop[i] = 1.0;
        if (x[i] > at + RISE) {
            found->drop[i] = exp_of(table, difference(at, x[i]));
            at = x[i];
        }
        const pair exact = difference(x[i], at);
        found->term[i] = exact.hi;
        lo[i] = exact.lo;
    }
    for (ptrdiff_t i = count; i < PART && i % LSE_EXPONENTIALS; i++) found->term[i] = 0.0;
    table->exponentials(found->term, count);
    for (ptrdiff_t i = 0; i < count; i++) found->term[i] += found->term[i] * lo[i];
    *anchor = at;
}

/* Forward, sum_i given_i e^(x_i - y_j) for each j; otherwise given_j / s_j, and the anchor at the start of each part. */
static void sum_forward(const lse_cumulative_gradient *g, const double *x, const double *given, double *out,
                        double *anchors)
{
    pair sum = {0.0, 0.0}, of_given = {0.0, 0.0};
    double anchor = -INFINITY;
    for (ptrdiff_t start = 0; start < g->n; start += PART) {
        const ptrdiff_t count = lse_least(PART, g->n - start);
        part of;
        anchors[start / PART] = anchor;
        find_terms(g->table, x + start, count, &anchor, &of);
        for (ptrdiff_t i = 0; i < count; i++) {
            double each = given[start + i];
            if (of.drop[i] != 1.0) {
                multiply(&sum, of.drop[i]);
                multiply(&of_given, of.drop[i]);
            }
            add(&sum, of.term[i]);
            if (g->forward) {
                add(&of_given, of.term[i] * each);
                each = of_given.hi + of_given.lo;
            }
            const double total = sum.hi + sum.lo;
            out[start + i] = total == 0.0 ? 0.0 : each / total;
        }
    }
}

/* From given_j / s_j, sum_j given_j e^(x_i - y_j) for each i. */
static void sum_backward(const lse_cumulative_gradient *g, const double *x, double *out, const double *anchors)
{
    pair sum = {0.0, 0.0};
    for (ptrdiff_t start = (g->n - 1) / PART * PART; start >= 0; start -= PART) {
        const ptrdiff_t count = lse_least(PART, g->n - start);
        double anchor = anchors[start / PART];
        part of;
        find_terms(g->table, x + start, count, &anchor, &of);
        for (ptrdiff_t i = count - 1; i >= 0; i--) {
            add(&sum, out[start + i]);
            out[start + i] = of.term[i] * (sum.hi + sum.lo);
            if (of.drop[i] != 1.0) multiply(&sum, of.drop[i]);
        }
    }
}

static void differentiate_rows(void *context, ptrdiff_t task)
{
    const work *w = (const work *)context;
    const lse_cumulative_gradient *g = w->g;
    const ptrdiff_t end = lse_least((task + 1) * w->rows, g->rows), parts = lse_quotient_up(g->n, PART);
    for (ptrdiff_t row = task * w->rows; row < end; row++) {
        const ptrdiff_t at = row * g->n;
        sum_forward(g, g->x + at, g->given + at, g->out + at, g->room + row * parts);
        if (!g->forward) sum_backward(g, g->x + at, g->out + at, g->room + row * parts);
    }
}

void lse_differentiate_cumulative(const lse_cumulative_gradient *gradient)
{
    const lse_cumulative_gradient *g = gradient;
    const work w = {g, g->n < ENOUGH ? ENOUGH / g->n : 1};
    const ptrdiff_t tasks = lse_quotient_up(g->rows, w.rows), size = g->rows * g->n;
    const lse_fp_state found = lse_fp_enter();
    lse_run_tasks(differentiate_rows, (void *)&w, tasks, lse_threads_for(size, lse_types[LSE_F64].parallel_from, 0));
    lse_fp_leave(found);
}
