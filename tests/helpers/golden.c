/* Prints the digests of results of functions of lse.h on a fixed set of inputs; golden.py computes the same in Python,
 * and golden.txt has the expected output. `golden [threads]`; the status is 4 if LSE_KERNELS names an instruction set
 * that cannot run here. */
#include <lse/lse.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 12, SHORT = 140 };
static const ptrdiff_t LONGER[] = {257, 1000, 2049, 4097, 9001, 70000, 200003};
static const double LEVEL[ROWS] = {0, -10, -600, 70000, -200000, -0x1p126, 0.25, 0, 0, -25, 0, -20};
static const double SCALE[ROWS] = {1, 20, 1200, 30, -100, 0x1p127, 0, 0, 0, 50, 0, 40};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 64 random bits, the same on every machine. */
static uint64_t word(uint64_t seed, uint64_t i)
{ return mix(seed * 0xd1b54a32d192ed03u + (i + 1) * 0x9e3779b97f4a7c15u); }

static double fraction(uint64_t w) { return (double)(w >> 11) * 0x1p-53; }

/* Element i of row r of n. */
static double element(int r, ptrdiff_t n, ptrdiff_t i, uint64_t w)
{
    if (r == 7) return 0.5 * (double)i;
    if (r == 8) return -0.125 * (double)i;
    if (r == 9 && w % 8 == 0) return -INFINITY;
    if (r == 11 && i == n / 2) return n % 2 ? NAN : INFINITY;
    const double product = SCALE[r] * fraction(w);
    return LEVEL[r] + product;
}

static double weight(int r, uint64_t w)
{ return r % 3 == 2 ? (double)(w >> 61) - 3 : r % 3 == 1 ? 2 * fraction(w) - 1 : fraction(w); }

static void *allocated(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) exit(2);
    return memory;
}

static void check(int error)
{
    if (!error) return;
    fprintf(stderr, "%s\n", lse_error_message(error));
    exit(3);
}

/* A sum of mixed bits; all NaN count as the same. */
typedef struct {
    uint64_t sum, count;
} digest;

static void add_word(digest *d, uint64_t bits) { d->sum += mix(bits + ++d->count * 0x9e3779b97f4a7c15u); }

static void add_f64(digest *d, const double *x, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        add_word(d, isnan(x[i]) ? 0x7ff8000000000000u : bits);
    }
}

static void add_f32(digest *d, const float *x, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        add_word(d, isnan(x[i]) ? 0x7fc00000u : bits);
    }
}

static double raw_f64(uint64_t w)
{
    double x;
    memcpy(&x, &w, sizeof x);
    return x;
}

static float raw_f32(uint64_t w)
{
    const uint32_t half = (uint32_t)(w >> 32);
    float x;
    memcpy(&x, &half, sizeof x);
    return x;
}

enum { LOGSUMEXP, COLUMNS, SOFTMAX, SOFTMAX_COLUMNS, LOG_SOFTMAX, WEIGHTED, STATE, NAMES };
static const char *const NAME[NAMES] = {"logsumexp",   "logsumexp, columns", "softmax", "softmax, columns",
                                        "log_softmax", "logsumexp, weights", "state"};

#define FN(f) f##_f64
#define LSE(f) lse_##f##_f64
#define TYPE "f64"
#define REAL double
#include "golden.h"

#undef FN
#undef LSE
#undef TYPE
#undef REAL
#define FN(f) f##_f32
#define LSE(f) lse_##f##_f32
#define TYPE "f32"
#define REAL float
#include "golden.h"

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 1;
    if (!lse_kernels_in_use()) return 4;
    print_f64(threads);
    print_f32(threads);
    return 0;
}
