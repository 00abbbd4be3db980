/* exp of every float: `exp_float FIRST LAST EVERY` looks at one block of numbers in EVERY of the blocks FIRST .. LAST,
 * neighbours and in order, at four anchors and by all kernels. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constants.h"
#include "exp_figures.h"
#include "exp_parts.h"
#include "kernels/kernels.h"

/* A block, and behind it the first number of the next one and some that are not looked at. */
enum { BLOCK = 4096, WITH_NEXT = BLOCK + 16, OWN = 0, ANCHORS = 4 };

static const double far = LSE_FAR_f32, below = 60;

typedef struct {
    float scale[WITH_NEXT], u[WITH_NEXT], product[WITH_NEXT];
} results;

/* Number i of all floats from -NaN over -inf, -0, 0 and inf to NaN. */
static float in_order(int64_t i)
{
    uint32_t bits = i > UINT32_MAX ? UINT32_MAX : (uint32_t)i;
    bits ^= bits & 0x80000000u ? 0x80000000u : 0xffffffffu;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* e^r - 1, absolute error below 2^-53, for |r| < 0.36; the series left out is below 2^-64. */
static double exp_minus_one(double r)
{
    double p = INVERSE_FACTORIALS[15].hi;
    for (int k = 14; k >= 2; k--) p = p * r + INVERSE_FACTORIALS[k].hi;
    return r + r * r * p;
}

/* x - n ln 2 within 2^-55; the first product is exact, and so is the first difference. */
static double reduced(double x, double n)
{
    const double head = (double)(float)LN2[0], rest = (LN2[0] - head) + LN2[1];
    return (x - n * head) - n * rest;
}

/* How 1 + p is rounded to a float; `half` is set where it may be half-way between two. */
static double rounded(double p, int *half)
{
    const double grid = p < 0 ? 0x1p24 : 0x1p23, whole = rint(p * grid);
    *half = fabs(p * grid - whole) > 0.5 - 0x1p-27;
    return whole / grid;
}

static void judge(double x, double anchor, double scale, double u, double product)
{
    const double n = logb(scale) + anchor, r = reduced(x, n), p = exp_minus_one(r), error = fabs(u - p) / (1 + p);
    int half;
    const double nearest = rounded(p, &half), got = product / scale - 1;
    look_at_argument(r, x);
    see(&parts_error, error * 0x1p24, x);
    see(&greatest_u, fabs(u), x);
    see(&product_error, fabs(got - p) * (p < 0 ? 0x1p24 : 0x1p23), x);
    if (half) printf("undecided %a %a\n", x, product / scale);
    else if (got != nearest) happened(&wrongly_rounded, x);
}

/* From a number to the next, neither the rounded e^x nor scale (1 + u) may decrease. */
static void compare(double x, const results *own, const double *anchor, int i)
{
    const double more = anchor[i + 1] - anchor[i];
    const double step = scalbn(own->scale[i + 1] / own->scale[i], (int)more); /* 2^(n' - n) */
    if (own->product[i + 1] / own->scale[i + 1] * step < own->product[i] / own->scale[i])
        happened(step == 1 ? &decreases : &decreases_between, x);
    if (step == 1 ? own->u[i + 1] < own->u[i] : (1.0 + own->u[i + 1]) * step < 1.0 + own->u[i])
        happened(&parts_decrease, x);
}

/* At another anchor u is the same, scale another power of two; NaN stays NaN; what is below the range becomes 0. */
static void compare_anchors(double x, double n, double anchor, const results *own, const results *other, int i)
{
    int fault = 0;
    if (x != x) fault = other->product[i] == other->product[i];
    else if (fabs(x) < far && n - anchor <= 127) {
        const double scale = n - anchor < -126 ? 0 : ldexp(1, (int)(n - anchor));
        fault =
            other->scale[i] != scale || (scale > 0 && other->u[i] != own->u[i]) || !(other->product[i] >= scale * 0.7);
        fault |= scale == 0 && other->product[i] != 0;
    } else if (x < (anchor - 128) * LN2[0]) fault = other->scale[i] != 0 || other->product[i] != 0;
    if (fault) happened(&out_of_range, x);
}

/* The terms of sums, within LSE_FAR; other bits by another kernel. */
static void judge_terms(const float *x, const double *anchor)
{
    static double n[WITH_NEXT], wide[2][WITH_NEXT], eighths[2][WITH_NEXT];
    for (int i = 0; i < WITH_NEXT; i++) n[i] = anchor[i] + below;
    for (int k = 0; k < kernels_count; k++) {
        const int other = k > 0;
        kernels[k]->terms(x, n, WITH_NEXT, wide[other], eighths[other]);
        for (int i = 0; i < BLOCK && other; i++)
            if (fabs((double)x[i]) < far && (wide[0][i] != wide[1][i] || eighths[0][i] != eighths[1][i]))
                happened(&unlike, (double)x[i]);
    }
    for (int i = 0; i < BLOCK; i++) {
        const double at = (double)x[i];
        if (!(fabs(at) < far)) continue;
        const double exact = 1 + exp_minus_one(reduced(at, n[i]));
        see(&wide_error, fabs(wide[0][i] - exact) / exact * 0x1p24, at);
        see(&eighths_error, fabs(eighths[0][i] - exact) / exact * 0x1p24, at);
    }
}

static int same(const float *a, const float *b, int i)
{ return !memcmp(a + i, b + i, sizeof *a) || (a[i] != a[i] && b[i] != b[i]); }

static void by_all_kernels(const float *x, const double *anchor, results *first)
{
    static results other;
    kernels[0]->f32(x, anchor, WITH_NEXT, first->scale, first->u, first->product);
    for (int k = 1; k < kernels_count; k++) {
        kernels[k]->f32(x, anchor, WITH_NEXT, other.scale, other.u, other.product);
        if (!memcmp(first, &other, sizeof other)) continue;
        for (int i = 0; i < WITH_NEXT; i++)
            if (!same(first->scale, other.scale, i) || !same(first->u, other.u, i) ||
                !same(first->product, other.product, i))
                happened(&unlike, (double)x[i]);
    }
}

static void look_at_block(int64_t block)
{
    static float x[WITH_NEXT];
    static double anchor[ANCHORS][WITH_NEXT];
    static results of[ANCHORS];
    const double fixed[ANCHORS] = {0, -below, rint(-far / LN2[0]) - below, rint(far / LN2[0]) - below};
    for (int i = 0; i < WITH_NEXT; i++) {
        x[i] = in_order(block * BLOCK + i);
        const double within = fabs((double)x[i]) < far ? (double)x[i] : x[i] > 0 ? far : -far;
        anchor[OWN][i] = rint(within / LN2[0]) - below;
        for (int a = 1; a < ANCHORS; a++) anchor[a][i] = fixed[a];
    }
    for (int a = 0; a < ANCHORS; a++) by_all_kernels(x, anchor[a], &of[a]);
    judge_terms(x, anchor[OWN]);
    numbers.times += BLOCK;
    for (int i = 0; i < BLOCK; i++) {
        const double at = (double)x[i], n = logb((double)of[OWN].scale[i]) + anchor[OWN][i];
        if (fabs(at) < far) judge(at, anchor[OWN][i], of[OWN].scale[i], of[OWN].u[i], of[OWN].product[i]);
        if (fabs(at) < far && fabs((double)x[i + 1]) < far) compare(at, &of[OWN], anchor[OWN], i);
        for (int a = 1; a < ANCHORS; a++) compare_anchors(at, n, fixed[a], &of[OWN], &of[a], i);
    }
}

int main(int arguments, char **argument)
{
    if (arguments != 4) return 2;
    const int64_t first = atoll(argument[1]), last = atoll(argument[2]), every = atoll(argument[3]);
    find_kernels();
    for (int64_t from = first; from < last; from += every) {
        uint64_t seed = (uint64_t)from;
        const int64_t block = from + (int64_t)(next_bits(&seed) % (uint64_t)every);
        if (block < last) look_at_block(block);
    }
    print_figures();
    return 0;
}
