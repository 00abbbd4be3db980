/* exp of doubles, by all kernels. `exp_double random FIRST LAST`: of numbers FIRST .. LAST of a sequence that looks
 * random; `exp_double boundaries FIRST LAST SIDE`: of SIDE neighbours on either side of where n goes to n + 1, for each n;
 * `exp_double listed SIDE FILE`: around each of the numbers in a file. */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "double_double.h"
#include "exp_figures.h"
#include "exp_parts.h"
#include "kernels/kernels.h"

enum { MOST = 4096, BEST = 64 };

static const double far = LSE_FAR_f64, below = 500;

typedef struct {
    double scale[MOST], u[MOST], product[MOST];
} results;

static void by_all_kernels(const double *x, const double *anchor, ptrdiff_t n, results *first)
{
    static results other;
    kernels[0]->f64(x, anchor, n, first->scale, first->u, first->product);
    for (int k = 1; k < kernels_count; k++) {
        kernels[k]->f64(x, anchor, n, other.scale, other.u, other.product);
        const size_t size = (size_t)n * sizeof *x;
        if (memcmp(first->scale, other.scale, size) || memcmp(first->u, other.u, size) ||
            memcmp(first->product, other.product, size))
            happened(&unlike, x[0]);
    }
}

static double judge(double x, double anchor, double scale, double u, double product)
{
    const double n = logb(scale) + anchor;
    const dd r = without_ln2((dd){x, 0}, n), p = dd_exp_minus_one(r);
    const double error = fabs(difference((dd){u, 0}, p).hi) / (1 + p.hi) * 0x1p53, grid = p.hi < 0 ? 0x1p53 : 0x1p52;
    const double off = fabs(difference((dd){product / scale - 1, 0}, p).hi) * grid;
    numbers.times++;
    see(&parts_error, error, x);
    see(&product_error, off, x);
    see(&greatest_u, fabs(u), x);
    look_at_argument(r.hi, x);
    if (fabs(off - 0.5) < 0x1p-40) printf("undecided %a %a\n", x, product / scale);
    else if (off > 0.5) happened(&wrongly_rounded, x);
    return error;
}

/* The greatest element's anchor, and 0 far below it. */
static void anchors(const double *x, ptrdiff_t n, double *anchor)
{
    for (ptrdiff_t i = 0; i < n; i++) anchor[i] = rint(x[i] / LN2[0]) - below;
}

/* The same u at the highest anchor where the scale is not 0 yet, and 0 at the next one. */
static void look_lower(const double *x, const double *anchor, ptrdiff_t n, const results *own)
{
    static double last[MOST], next[MOST];
    static results at_last, at_next;
    for (ptrdiff_t i = 0; i < n; i++) {
        last[i] = anchor[i] + logb(own->scale[i]) + 1022;
        next[i] = last[i] + 1;
    }
    by_all_kernels(x, last, n, &at_last);
    by_all_kernels(x, next, n, &at_next);
    for (ptrdiff_t i = 0; i < n; i++)
        if (at_last.scale[i] != DBL_MIN || at_last.u[i] != own->u[i] || at_next.scale[i] != 0 ||
            at_next.product[i] != 0)
            happened(&out_of_range, x[i]);
}

/* Of n <= MOST numbers, a multiple of 16; errors are returned. */
static void look(const double *x, ptrdiff_t n, double *errors, int in_order)
{
    static double anchor[MOST];
    static results own;
    anchors(x, n, anchor);
    by_all_kernels(x, anchor, n, &own);
    look_lower(x, anchor, n, &own);
    for (ptrdiff_t i = 0; i < n; i++) errors[i] = judge(x[i], anchor[i], own.scale[i], own.u[i], own.product[i]);
    for (ptrdiff_t i = 0; in_order && i + 1 < n; i++) {
        const double step = scalbn(own.scale[i + 1] / own.scale[i], (int)(anchor[i + 1] - anchor[i]));
        const double before = own.product[i] / own.scale[i], after = own.product[i + 1] / own.scale[i + 1] * step;
        const dd parts = difference(scaled(exact_sum(1, own.u[i + 1]), logb(step)), exact_sum(1, own.u[i]));
        if (x[i + 1] <= x[i]) continue;
        if (after < before) happened(step == 1 ? &decreases : &decreases_between, x[i]);
        if (parts.hi < 0) happened(&parts_decrease, x[i]);
    }
}

/* SIDE numbers on either side of x, and x. */
static void look_around(double x, int side)
{
    static double near[MOST], errors[MOST];
    const int n = (2 * side + 1 + 15) / 16 * 16;
    near[0] = x;
    for (int i = 0; i < side; i++) near[0] = nextafter(near[0], -INFINITY);
    for (int i = 1; i < n; i++) near[i] = nextafter(near[i - 1], INFINITY);
    if (fabs(near[0]) < far && fabs(near[n - 1]) < far) look(near, n, errors, 1);
}

/* Number i of the sequence: by turns of any magnitude; without or with an n that doubles' exponentials have; anywhere;
 * and near where n goes to n + 1. */
static double number(int64_t i)
{
    uint64_t seed = (uint64_t)i;
    const double magnitude = exp2(between(&seed, -30, 46)), sign = next_bits(&seed) % 2 ? 1 : -1;
    switch (i % 5) {
    case 0: return sign * magnitude;
    case 1: return between(&seed, -0.3466, 0.3466);
    case 2: return between(&seed, -745, 709);
    case 3: return between(&seed, -far, far);
    default: return sign * fmin((rint(magnitude) + 0.5) * LN2[0] * (1 + between(&seed, -0x1p-40, 0x1p-40)), far / 2);
    }
}

/* Around the worst of each lot of numbers it looks closer. */
static void look_at_random(int64_t first, int64_t last)
{
    static double x[MOST], errors[MOST];
    double worst = 0, error = 0;
    for (int64_t from = first; from < last; from += MOST) {
        for (int i = 0; i < MOST; i++) x[i] = number(from + i);
        look(x, MOST, errors, 0);
        for (int i = 0; i < MOST; i++)
            if (errors[i] > error) error = errors[i], worst = x[i];
        if (from / MOST % BEST == BEST - 1) {
            look_around(worst, 1000);
            error = 0;
        }
    }
}

static void look_at_listed(int side, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) exit(3);
    for (double x; fscanf(file, "%la", &x) == 1;) look_around(x, side);
    fclose(file);
}

int main(int arguments, char **argument)
{
    const char *what = arguments > 1 ? argument[1] : "";
    const int64_t first = arguments > 2 ? atoll(argument[2]) : 0, last = arguments > 3 ? atoll(argument[3]) : 0;
    find_kernels();
    if (!strcmp(what, "random") && arguments == 4) look_at_random(first, last);
    else if (!strcmp(what, "boundaries") && arguments == 5)
        for (int64_t n = first; n < last; n++) look_around(((double)n + 0.5) * LN2[0], atoi(argument[4]));
    else if (!strcmp(what, "listed") && arguments == 4) look_at_listed((int)first, argument[3]);
    else return 2;
    print_figures();
    return 0;
}
