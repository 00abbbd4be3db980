/* What the C interface costs beside the kernels it calls: both on the same rows, in turns.
 *
 *     embed ROUNDS
 *
 * Prints, for each type and length: nanoseconds a call of lse_logsumexp, of the bare kernel, and the median of their
 * ratios, one for each round. The flag of inexact results is up all the time, as in most programs; where a caller
 * clears it before every call, putting it back costs some 70 ns more. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/kernels.h"
#include "lse/lse.h"

enum { CALLS = 20000, MOST = 1024 };

static const lse_kernels *table;
static double x_f64[MOST];
static float x_f32[MOST];
static volatile double sink;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The least that gives the value: the reduction and its logarithm. */
#define BARE(F, TYPE)                                                                        \
    static double bare_##F(ptrdiff_t n)                                                      \
    {                                                                                        \
        lse_layout layout;                                                                   \
        lse_states state;                                                                    \
        lse_results results;                                                                 \
        const lse_row row = {(const char *)x_##F, NULL, NULL, n};                            \
        layout.direct = 1;                                                                   \
        table->real[TYPE].rows(&layout, &row, 0, n, 1, &state);                              \
        table->real[TYPE].finish(&state, 1, &results);                                       \
        return results.value[0];                                                             \
    }
BARE(f64, LSE_F64)
BARE(f32, LSE_F32)

static double public_f64(ptrdiff_t n)
{
    double value = 0.0;
    lse_logsumexp_f64(x_f64, n, &value);
    return value;
}

static double public_f32(ptrdiff_t n)
{
    float value = 0.0f;
    lse_logsumexp_f32(x_f32, n, &value);
    return value;
}

/* Nanoseconds a call. */
static double timed(double (*call)(ptrdiff_t), ptrdiff_t n)
{
    const double start = now();
    for (int i = 0; i < CALLS; i++) sink = call(n);
    return (now() - start) / CALLS;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static void report(const char *type, double (*call)(ptrdiff_t), double (*bare)(ptrdiff_t), ptrdiff_t n, int rounds)
{
    double *times = (double *)malloc(3 * (size_t)rounds * sizeof(double));
    if (!times) exit(1);
    double *of_bare = times + rounds, *ratios = of_bare + rounds;
    for (int i = -1; i < rounds; i++) { /* the first is to warm up */
        const int at = i < 0 ? 0 : i;
        if (i % 2 == 0) times[at] = timed(call, n);
        of_bare[at] = timed(bare, n);
        if (i % 2 != 0) times[at] = timed(call, n);
        ratios[at] = times[at] / of_bare[at];
    }
    printf("%s %4td  %8.1f  %8.1f  %6.3f\n", type, n, median(times, rounds), median(of_bare, rounds),
           median(ratios, rounds));
    free(times);
}

int main(int argc, char **argv)
{
    static const ptrdiff_t lengths[] = {1, 8, 32, 1000};
    const int rounds = argc > 1 ? atoi(argv[1]) : 0;
    table = lse_chosen();
    if (rounds < 1 || !table) return 1;
    for (int i = 0; i < MOST; i++) x_f32[i] = (float)(x_f64[i] = i * 7919 % 1000 * 0.03);
    printf("%s; ns a call\ntype    n       lse      bare   ratio\n", table->name);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        report("f64", public_f64, bare_f64, lengths[i], rounds);
        report("f32", public_f32, bare_f32, lengths[i], rounds);
    }
    return 0;
}
