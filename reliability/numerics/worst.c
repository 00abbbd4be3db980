/* A search for the rows whose results are worst: `worst OPERATION SINGLE LEAST MOST SEED NUMBERS STARTS STEPS`, rows of
 * LEAST to MOST elements. Of NUMBERS random numbers it keeps those whose exponentials have the greatest errors; it makes
 * rows of a few of these, and climbs by STEPS small changes from the best of some, STARTS times. It prints the greatest
 * error, as a fraction of max(1 ulp, 2^-52 or 2^-23), and the row that has it: its length, the one element that stands
 * alone and its place, then length, value and weight of each of the runs that are repeated. */
#include <lse/lse.h>
#include <stdlib.h>
#include <string.h>

#define lse_kernels_scalar whole_table
/* what the kernels and the headers below both have */
#define difference kernels_difference
#define logarithm kernels_logarithm
#define see kernels_see
#define between kernels_between
#define settle kernels_settle
#define exact_sum kernels_exact_sum
#define exact_product kernels_exact_product
#define log_of_rest kernels_log_of_rest
#include "kernels/scalar.c"
#undef difference
#undef logarithm
#undef see
#undef between
#undef settle
#undef exact_sum
#undef exact_product
#undef log_of_rest
#undef lse_kernels_scalar

#include "double_double.h"
#include "figures.h"
#include "wide.h"

enum { VALUES = 3, POOL = 512, LONGEST = 65536, FRESH = 300 };
enum { LOGSUMEXP, WEIGHTED, LOG_SOFTMAX, OPERATIONS };

static const char *const operation_names[] = {"logsumexp", "weighted", "log_softmax"};

/* Runs of each value by turns, over and over, but for one element. */
typedef struct {
    int n, place, run[VALUES];
    double top, x[VALUES], b[VALUES];
} row;

static int operation, single, least, most;
static uint64_t state;

static double as(double x) { return single ? (double)(float)x : x; }
static int one_of(int n) { return (int)(next_bits(&state) % (uint64_t)n); }

/* Numbers with bad exponentials ------------------------------------------------------------------------------ */

/* For either sign of the error, in no order; last: the one with the least. */
static struct {
    double x[POOL], error[POOL];
    int count, last;
} pool[2];

/* scale (1 + u) against e^x, in 2^-53 or 2^-24 of it; n: the exponent that belongs to scale. */
static double off(double x, double n, double u)
{
    const dd p = dd_exp_minus_one(without_ln2((dd){x, 0}, n));
    return difference((dd){u, 0}, p).hi / (1 + p.hi) * (single ? 0x1p24 : 0x1p53);
}

/* The error of a term as it is summed. */
static double error_of_term(double x)
{
    const double anchor = rint(x / LN2[0]) - (single ? 60 : 500);
    if (!single) {
        double u = x, scale;
        exp_parts_f64(&u, &scale, 1, bias_f64(anchor), floor_f64(anchor));
        return off(x, logb(scale) + anchor, u);
    }
    float u = (float)x, scale;
    if (operation != LOG_SOFTMAX || most > LSE_STORED) {
        exp_parts_f32(&u, &scale, 1, bias_f32(anchor), floor_f32(anchor));
        return off(x, logb((double)scale) + anchor, (double)u);
    }
    const term_level_f32 level = term_level_for_f32(u);
    terms_f32(&u, 1, &level);
    const double term = (double)u * EIGHTHS_FACTOR, n = rint(x / LN2[0]), by = rint(log2(term));
    return off(x, n, term * exp2(-by) - 1);
}

static void keep(double x)
{
    const double error = error_of_term(x);
    const int side = error < 0;
    if (pool[side].count < POOL) {
        pool[side].x[pool[side].count] = x;
        pool[side].error[pool[side].count++] = fabs(error);
        return;
    }
    if (fabs(error) <= pool[side].error[pool[side].last]) return;
    pool[side].x[pool[side].last] = x;
    pool[side].error[pool[side].last] = fabs(error);
    for (int i = 0; i < POOL; i++)
        if (pool[side].error[i] < pool[side].error[pool[side].last]) pool[side].last = i;
}

/* Those of which about n, from least to most, have a sum near e. */
static void fill_pools(long numbers)
{
    const double low = operation == LOG_SOFTMAX ? -8 : 1 - log(most),
                 high = operation == LOG_SOFTMAX ? 8 : 1.2 - log(least);
    for (long i = 0; i < numbers; i++) keep(as(between(&state, low, high)));
}

/* Rows and their errors --------------------------------------------------------------------------------------- */

static double x[LONGEST], b[LONGEST], out[LONGEST];
static float x_f32[LONGEST], b_f32[LONGEST], out_f32[LONGEST];

static void lay_out(const row *r)
{
    int period = 0;
    for (int v = 0; v < VALUES; v++) period += r->run[v];
    for (int i = 0; i < r->n; i++) {
        int at = i % period, v = 0;
        while (at >= r->run[v]) at -= r->run[v++];
        x[i] = i == r->place ? r->top : r->x[v];
        b[i] = i == r->place ? 1 : r->b[v];
        x_f32[i] = (float)x[i], b_f32[i] = (float)b[i];
    }
}

#define COMPUTE(F, REAL, X, B, OUT)                                                                                    \
    static double compute_##F(ptrdiff_t n)                                                                             \
    {                                                                                                                  \
        REAL value = 0, sign;                                                                                          \
        int failed = 0;                                                                                                \
        if (operation == LOGSUMEXP) failed = lse_logsumexp_##F(X, n, &value);                                          \
        if (operation == WEIGHTED) failed = lse_logsumexp_weighted_##F(X, 1, B, 1, n, &value, &sign);                  \
        if (operation == LOG_SOFTMAX) failed = lse_log_softmax_rows_##F(X, n, 1, 1, n, OUT, n, 1, 1);                  \
        if (failed) exit(3);                                                                                           \
        return (double)value;                                                                                          \
    }
COMPUTE(f32, float, x_f32, b_f32, out_f32)
COMPUTE(f64, double, x, b, out)

/* |computed - y| as a fraction of what is promised. */
static double fraction(double computed, dd y)
{
    const double apart = fabs(difference((dd){computed, 0}, y).hi), precision = single ? 0x1p-23 : 0x1p-52;
    return apart / (precision * fmax(1, exp2(logb(y.hi))));
}

static double judge(const row *r)
{
    wide total = {{0, 0}, 0};
    double greatest_x = r->top, worst = 0;
    int first[VALUES + 1], times_of[VALUES + 1] = {0};
    lay_out(r);
    for (int i = 0, at = 0, v = 0; i < r->n; i++, at++) {
        while (at >= r->run[v]) at = 0, v = (v + 1) % VALUES;
        const int which = i == r->place ? VALUES : v;
        if (!times_of[which]++) first[which] = i;
    }
    for (int v = 0; v < VALUES; v++)
        if (times_of[v]) greatest_x = fmax(greatest_x, r->x[v]);
    for (int v = 0; v <= VALUES; v++) {
        if (!times_of[v]) continue;
        wide term = wide_exponential(minus_greater(v < VALUES ? r->x[v] : r->top, greatest_x));
        const double weight = v < VALUES && operation == WEIGHTED ? r->b[v] : 1;
        term.number = times(times(term.number, (double)times_of[v]), weight);
        total = wide_sum(total, term);
    }
    const dd logs = sum(logarithm(total.number), times((dd){LN2[0], LN2[1]}, total.e));
    const dd y = sum((dd){greatest_x, 0}, logs);
    const double computed = single ? compute_f32(r->n) : compute_f64(r->n);
    if (operation != LOG_SOFTMAX) return fraction(computed, y);
    for (int v = 0; v <= VALUES; v++) {
        if (!times_of[v]) continue;
        const double own = single ? (double)out_f32[first[v]] : out[first[v]];
        worst = fmax(worst, fraction(own, difference((dd){v < VALUES ? r->x[v] : r->top, 0}, y)));
    }
    return worst;
}

/* Climbing ------------------------------------------------------------------------------------------------------ */

static int a_run(void) { return (const int[]){0, 0, 1, 8, 15, 16, 16, 32, 64, 112, 128, 256}[one_of(12)]; }

static double a_value(int side)
{ return pool[side].count ? pool[side].x[one_of(pool[side].count)] : pool[!side].x[one_of(pool[!side].count)]; }

static int within(double n) { return n < least ? least : n > most ? most : (int)n; }

/* The result, or that of the lone element, is to be a little beyond a power of two, where an ulp is least. */
static void settle(row *r)
{
    const double y = exp2(one_of(4) ? 0 : one_of(3) - 1) * (1 + between(&state, 0, 1) * between(&state, 0, 1));
    if (!r->run[0]) r->run[0] = 16;
    if (operation == LOG_SOFTMAX) r->n = within(1 + (exp(y) - 1) * exp(r->top - r->x[0]));
    else r->n = within(exp((one_of(4) ? y : -y) - r->x[0]));
    r->place = one_of(r->n);
}

static row fresh(void)
{
    const int side = one_of(2);
    row r;
    for (int v = 0; v < VALUES; v++) {
        r.x[v] = a_value(side);
        r.run[v] = a_run();
        r.b[v] = one_of(3) ? 1 : as(between(&state, 1, 2));
        if (v && one_of(2)) r.x[v] = as(r.x[0] - between(&state, 5, single ? 20 : 40));
    }
    r.top = as(r.x[0] + (one_of(2) ? between(&state, 0, 3) : between(&state, 0, 1e-3)));
    settle(&r);
    return r;
}

static row changed(row r)
{
    const int v = one_of(VALUES);
    switch (one_of(7)) {
    case 0: r.n = within(r.n + one_of(33) - 16); break;
    case 1: r.top = as(r.top + between(&state, -1, 1) * exp2(between(&state, -20, 0))); break;
    case 2: r.run[v] = a_run(); break;
    case 3: r.x[v] = a_value(one_of(2)); break;
    case 4: r.b[v] = as(between(&state, 1, 2)); break;
    case 5: settle(&r); break;
    default: r.x[v] = as(r.x[v] + between(&state, -1, 1) * exp2(between(&state, single ? -22 : -50, 0)));
    }
    if (!(r.run[0] + r.run[1] + r.run[2])) r.run[0] = 16;
    r.place %= r.n;
    return r;
}

static void print_row(double error, const row *r)
{
    printf("%.4f %d %a %d", error, r->n, r->top, r->place);
    for (int v = 0; v < VALUES; v++)
        if (r->run[v]) printf(" %d %a %a", r->run[v], r->x[v], operation == WEIGHTED ? r->b[v] : 1.0);
    puts("");
}

int main(int arguments, char **argument)
{
    if (arguments != 9) return 2;
    while (operation < OPERATIONS && strcmp(argument[1], operation_names[operation])) operation++;
    single = atoi(argument[2]), least = atoi(argument[3]), most = atoi(argument[4]);
    state = (uint64_t)atoll(argument[5]);
    if (operation == OPERATIONS || least < 1 || most > LONGEST) return 2;
    fill_pools(atol(argument[6]));
    row worst = {0};
    double greatest_error = 0;
    for (int start = 0; start < atoi(argument[7]); start++) {
        row best = fresh();
        double error = judge(&best);
        for (int step = -FRESH; step < atoi(argument[8]); step++) {
            const row next = step < 0 ? fresh() : changed(best);
            const double own = judge(&next);
            if (own >= error) error = own, best = next;
        }
        if (error > greatest_error) greatest_error = error, worst = best;
    }
    print_row(greatest_error, &worst);
    return 0;
}
