/* Reductions of rows, against a reference of twice the digits. `reductions FIRST LAST` prints, for each function, type
 * and kind of row, the greatest error of these cases, as a fraction of what docs/accuracy.md promises, and the case;
 * `reductions show CASE` prints a row and what the reference has. */
#include <lse/lse.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "rows.h"
#include "wide.h"

enum { LOGSUMEXP, TAILS, WEIGHTED, SIGNED_SUM, SOFTMAX, LOG_SOFTMAX, LOGCUMSUMEXP, CUMULATED_TAILS, FUNCTIONS };

static const char *const function_names[] = {"logsumexp", "logsumexp_tail", "weighted",     "signed",
                                             "softmax",   "log_softmax",    "logcumsumexp", "logcumsumexp_tail"};

static greatest errors[2][FUNCTIONS][KINDS];
static count checked[2][FUNCTIONS], not_cancelled, cancelled, unlike; /* unlike: two columns, and the row */

/* The spacing of the type's numbers at y, divided by 2^(y.e). */
static double spacing(const row *r, wide y)
{
    double e = logb(y.number.hi);
    if (fabs(y.number.hi) == exp2(e) && y.number.lo * y.number.hi < 0) e -= 1;
    return exp2(fmax(e + y.e - (r->single ? 23 : 52), r->single ? -149 : -1074) - y.e);
}

/* |computed - y| in spacings, or where these are less than the precision of the type and `floor` is set, in those. */
static double distance(const row *r, double computed, wide y, int floor)
{
    if (y.number.hi == -INFINITY) return computed == -INFINITY ? 0 : INFINITY;
    if (y.number.hi == 0) return computed == 0 ? 0 : INFINITY;
    const double apart = fabs(sum((dd){scalbn(computed, (int)-y.e), 0}, minus(y.number)).hi);
    const double least = floor ? scalbn(r->single ? 0x1p-23 : 0x1p-52, (int)-y.e) : 0;
    return apart / fmax(spacing(r, y), least);
}

static void judge(const row *r, int function, double error)
{
    checked[r->single][function].times++;
    see(&errors[r->single][function][r->kind], error, (double)r->number);
}

/* What the library computes, as doubles --------------------------------------------------------------------- */

typedef struct {
    double value, weighted, sign, softmax[LONGEST], log_softmax[LONGEST], cumulated[LONGEST];
} computed;

#define COMPUTE(F, REAL, TYPE)                                                                                         \
    static void compute_##F(const row *r, computed *c)                                                                 \
    {                                                                                                                  \
        static REAL x[LONGEST], b[LONGEST], p[LONGEST], log_p[LONGEST], running[LONGEST];                              \
        const ptrdiff_t n = r->n;                                                                                      \
        lse_running state;                                                                                             \
        static REAL columns[2 * LONGEST];                                                                              \
        REAL value, weighted, sign, values[2];                                                                         \
        for (ptrdiff_t i = 0; i < n; i++) x[i] = (REAL)r->x[i], b[i] = (REAL)r->b[i];                                  \
        for (ptrdiff_t i = 0; i < 2 * n; i++) columns[i] = x[i / 2];                                                   \
        const lse_layout layout = {.ndim = 1, .native = 1, .direct = 1, .shape = {n}, .stride = {sizeof(REAL)}};       \
        const lse_row whole = {.x = (const char *)x, .n = n};                                                          \
        int failed = lse_logsumexp_##F(x, n, &value);                                                                  \
        failed |= lse_logsumexp_rows_##F(columns, 1, 2, 2, n, values, 1);                                              \
        for (int c = 0; c < 2; c++)                                                                                    \
            if (memcmp(&value, &values[c], sizeof value) != 0) happened(&unlike, (double)r->number);                   \
        failed |= lse_logsumexp_weighted_##F(x, 1, b, 1, n, &weighted, &sign);                                         \
        failed |= lse_softmax_rows_##F(x, n, 1, 1, n, p, n, 1, 1);                                                     \
        failed |= lse_log_softmax_rows_##F(x, n, 1, 1, n, log_p, n, 1, 1);                                             \
        if (failed) exit(3);                                                                                           \
        lse_chosen()->real[TYPE].cumulate_row(&layout, &whole, &layout, (char *)running, 0, n, &state);                \
        c->value = (double)value, c->weighted = (double)weighted, c->sign = (double)sign;                              \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                            \
            c->softmax[i] = (double)p[i];                                                                              \
            c->log_softmax[i] = (double)log_p[i];                                                                      \
            c->cumulated[i] = (double)running[i];                                                                      \
        }                                                                                                              \
    }
COMPUTE(f32, float, LSE_F32)
COMPUTE(f64, double, LSE_F64)

static void compute(const row *r, computed *c) { r->single ? compute_f32(r, c) : compute_f64(r, c); }

/* Against the promises -------------------------------------------------------------------------------------- */

/* Where the greatest element is 0 the result is the log of the rest alone: `tails` half ulp are promised. */
static void judge_sum(const row *r, int function, double value, const exponentials *s, double tails)
{
    const wide y = s->greatest == -INFINITY ? (wide){{-INFINITY, 0}, 0} : log_of(s);
    judge(r, function, distance(r, value, y, 1));
    if (s->greatest == 0 && s->rest.number.hi != 0 && s->rest.e < -1)
        judge(r, function + 1, distance(r, value, y, 0) / tails);
}

static void judge_maps(const row *r, const computed *c, const exponentials *s)
{
    const wide rest = log_of_rest(s);
    const dd log_rest = scaled(rest.number, rest.e);
    double worst = 0, worst_log = 0;
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const dd off = minus_greater(r->x[i], s->greatest);
        const dd log_p = off.hi == -INFINITY ? (dd){r->x[i] - s->greatest, 0} : difference(off, log_rest);
        worst_log = fmax(worst_log, distance(r, c->log_softmax[i], (wide){log_p, 0}, 1));
        if (log_p.hi > -1e6) worst = fmax(worst, distance(r, c->softmax[i], wide_exponential(log_p), 0) / 4);
        else if (c->softmax[i] != 0) worst = INFINITY;
    }
    judge(r, SOFTMAX, worst);
    judge(r, LOG_SOFTMAX, worst_log);
}

/* The sum of b e^(x - top), and of |b| e^(x - top). */
static void weighted_sums(const row *r, double top, wide *total, wide *magnitude)
{
    *total = *magnitude = (wide){{0, 0}, 0};
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const dd off = minus_greater(r->x[i], top);
        if (r->b[i] == 0 || off.hi == -INFINITY) continue;
        wide term = wide_exponential(off);
        const double by = logb(r->b[i]);
        term.number = times(term.number, scalbn(r->b[i], (int)-by));
        term.e += by;
        *total = wide_sum(*total, term);
        term.number = absolute(term.number);
        *magnitude = wide_sum(*magnitude, term);
    }
}

static double greatest_with_weight(const row *r)
{
    double top = -INFINITY;
    for (ptrdiff_t i = 0; i < r->n; i++)
        if (r->b[i] != 0 && r->x[i] > top) top = r->x[i];
    return top;
}

/* top + log|total| */
static wide log_of_total(wide total, double top)
{
    const dd log_2 = {LN2[0], LN2[1]}, logs = sum(logarithm(absolute(total.number)), times(log_2, total.e));
    return (wide){sum((dd){top, 0}, logs), 0};
}

/* |computed - total| as a fraction of what is promised: four half ulp of the terms' magnitudes, and one ulp of the
 * logarithm. Where that is no small number the logarithm alone is looked at; where nearly all has cancelled, so that the
 * reference does not know the rest, magnitudes alone. */
static double error_of_sum(const row *r, const computed *c, wide total, wide magnitude, double top)
{
    const wide terms = {times(magnitude.number, r->single ? 0x1p-22 : 0x1p-51), magnitude.e};
    if (c->sign != c->sign || c->weighted != c->weighted) return NAN;
    if (c->sign == 0 && c->weighted != -INFINITY) return INFINITY;
    double of_log = 0;
    if (total.number.hi == 0 || total.e < magnitude.e - 80) {
        total = (wide){{0, 0}, 0};
        happened(&cancelled, (double)r->number);
    } else {
        const wide y = log_of_total(total, top);
        of_log = spacing(r, y);
        if (c->sign * total.number.hi > 0 && of_log > 0x1p-10) return distance(r, c->weighted, y, 0);
    }
    const wide got = c->sign == 0 ? (wide){{0, 0}, 0} : wide_exponential(minus_greater(c->weighted, top));
    const wide apart = wide_sum((wide){times(got.number, c->sign), got.e}, (wide){minus(total.number), total.e});
    const wide allowed = wide_sum(terms, (wide){absolute(times(total.number, of_log)), total.e});
    return fabs(scaled(apart.number, apart.e - allowed.e).hi) / allowed.number.hi;
}

static void judge_weights(const row *r, const computed *c)
{
    const double top = greatest_with_weight(r);
    const int none = c->weighted == -INFINITY && c->sign == 0;
    wide total, magnitude;
    if (r->weights == EXACTLY || top == -INFINITY) {
        judge(r, SIGNED_SUM, none ? 0 : INFINITY);
        if (!none) happened(&not_cancelled, (double)r->number);
        return;
    }
    weighted_sums(r, top, &total, &magnitude);
    if (r->weights != POSITIVE) judge(r, SIGNED_SUM, error_of_sum(r, c, total, magnitude, top));
    else judge(r, WEIGHTED, c->sign == 1 ? distance(r, c->weighted, log_of_total(total, top), 1) : INFINITY);
}

/* The row of a case; one that is to be centred is moved by its result. */
static void prepare(int64_t number, row *r)
{
    exponentials s = nothing;
    row_of_case(number, r);
    if (r->kind != CENTRED) return;
    for (ptrdiff_t i = 0; i < r->n; i++) add_exponential(&s, r->x[i]);
    const double y = log_of(&s).number.hi;
    for (ptrdiff_t i = 0; i < r->n; i++) r->x[i] = as(r, r->x[i] - y);
}

static void judge_case(int64_t number)
{
    static row r;
    static computed c;
    exponentials s = nothing;
    prepare(number, &r);
    compute(&r, &c);
    for (ptrdiff_t i = 0; i < r.n; i++) {
        add_exponential(&s, r.x[i]);
        if (number % 4 == 0) judge_sum(&r, LOGCUMSUMEXP, c.cumulated[i], &s, 5);
    }
    judge_sum(&r, LOGSUMEXP, c.value, &s, 2);
    if (s.greatest > -INFINITY) judge_maps(&r, &c, &s);
    judge_weights(&r, &c);
}

static void print_wide(const char *name, wide x) { printf("%s %a %a %.0f\n", name, x.number.hi, x.number.lo, x.e); }

/* A row, what is computed of it, and what that is judged by. */
static void show_case(int64_t number)
{
    static row r;
    static computed c;
    exponentials s = nothing;
    wide total, magnitude;
    prepare(number, &r);
    compute(&r, &c);
    printf("case %d %s %d\n", r.single, kind_names[r.kind], r.weights);
    for (ptrdiff_t i = 0; i < r.n; i++) {
        add_exponential(&s, r.x[i]);
        printf("element %a %a %a %a %a\n", r.x[i], r.b[i], c.softmax[i], c.log_softmax[i], c.cumulated[i]);
    }
    printf("computed %a %a %a\n", c.value, c.weighted, c.sign);
    const double top = greatest_with_weight(&r);
    weighted_sums(&r, top, &total, &magnitude);
    print_wide("logsumexp", log_of(&s));
    print_wide("total", total);
    print_wide("magnitude", magnitude);
    printf("top %a\n", top);
}

int main(int arguments, char **argument)
{
    char name[80];
    if (arguments != 3) return 2;
    if (!strcmp(argument[1], "show")) {
        show_case(atoll(argument[2]));
        return 0;
    }
    for (int64_t number = atoll(argument[1]); number < atoll(argument[2]); number++) judge_case(number);
    for (int single = 0; single < 2; single++)
        for (int function = 0; function < FUNCTIONS; function++) {
            const char *type = single ? "float32" : "float64";
            for (int kind = 0; kind < KINDS; kind++) {
                snprintf(name, sizeof name, "%s,%s,%s", function_names[function], type, kind_names[kind]);
                print_greatest(name, &errors[single][function][kind]);
            }
            snprintf(name, sizeof name, "%s,%s", function_names[function], type);
            print_count(name, &checked[single][function]);
        }
    print_count("not_cancelled", &not_cancelled);
    print_count("cancelled", &cancelled);
    print_count("unlike", &unlike);
    return 0;
}
