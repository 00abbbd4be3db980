/* All of the engine's parallel functions, called from several threads with shared inputs; and alternately the settings
 * that all of them read. Compiled with PLANTED, all write to one output, which is a race. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "include/lse/lse.h"

enum { CALLERS = 4, TEAM = 3, ROUNDS = 6, ROWS = 48, N = 4096, SUMS = 8192 };

static double x64[ROWS * N];
static float x32[ROWS * N];
static ptrdiff_t offsets[ROWS + 1];
static lse_state shared;

#define CHECK(condition)                                                                                               \
    do                                                                                                                 \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    while (0)

/* The interface of lse.h: rows and columns, one row on all threads, both types. */
#define FOR_TYPE(F, REAL)                                                                                              \
    static void rows_##F(const REAL *x, REAL *out)                                                                     \
    {                                                                                                                  \
        REAL value, sign;                                                                                              \
        CHECK(lse_logsumexp_rows_##F(x, N, 1, ROWS, N, out, TEAM) == 0);                                               \
        CHECK(lse_logsumexp_rows_##F(x, 1, ROWS, ROWS, N, out, TEAM) == 0);                                            \
        CHECK(lse_logsumexp_rows_##F(x, ROWS * N, 1, 1, ROWS * N, out, TEAM) == 0);                                    \
        CHECK(lse_softmax_rows_##F(x, N, 1, ROWS, N, out, N, 1, TEAM) == 0);                                           \
        CHECK(lse_log_softmax_rows_##F(x, 1, ROWS, ROWS, N, out, 1, ROWS, TEAM) == 0);                                 \
        CHECK(lse_softmax_rows_##F(x, ROWS * N, 1, 1, ROWS * N, out, ROWS * N, 1, 0) == 0);                            \
        CHECK(lse_logsumexp_weighted_##F(x, 1, x, 1, ROWS * N, &value, &sign) == 0);                                   \
        CHECK(isfinite(value));                                                                                        \
    }
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)

static void states(void)
{
    lse_state own;
    double value;
    CHECK(lse_state_init(&own) == 0);
    CHECK(lse_state_update_f64(&own, x64, 1, NULL, 0, ROWS * N) == 0);
    CHECK(lse_state_update_f32(&own, x32, 1, x32, 1, ROWS * N) == 0);
    CHECK(lse_state_merge(&own, &shared) == 0);
    CHECK(lse_state_finish(&own, &value, NULL) == 0);
}

/* Functions reached only from Python: cumulative sums, segments, merges of many sums. */
static void inner(double *out)
{
    static const ptrdiff_t shape[] = {ROWS, N}, one[] = {ROWS, 1}, stride[] = {N * sizeof(double), sizeof(double)};
    lse_request q = {.operation = LSE_CUMULATE,
                     .type = LSE_F64,
                     .table = lse_chosen(),
                     .run = lse_run_tasks,
                     .threads = TEAM,
                     .reduced = 2};
    q.a = (lse_array){(char *)x64, 2, 'f', 8, 0, shape, stride};
    q.out = (lse_array){(char *)out, 2, 'f', 8, 0, shape, stride};
    CHECK(lse_execute(&q) == 0);
    q.operation = LSE_LOGSUMEXP;
    q.out.shape = one;
    q.offsets = offsets;
    q.segments = ROWS;
    q.segment_stride = sizeof(double);
    CHECK(lse_execute(&q) == 0);
    const lse_sums sums = {x64, x64 + SUMS, x64 + 2 * SUMS, x64 + 3 * SUMS};
    const lse_sums into = {out, out + SUMS, out + 2 * SUMS, out + 3 * SUMS};
    lse_merge_sums(lse_chosen(), 0, into, sums, sums, SUMS, lse_run_tasks);
}

static int always(void) { return 1; }

/* The thread that asks a question answers it, and stops the others. */
static void interrupted(double *out)
{
    const lse_question before = lse_ask_meanwhile(always);
    int error = 0;
    for (int i = 0; i < 100000 && !error; i++) error = lse_softmax_rows_f64(x64, N, 1, ROWS, N, out, N, 1, TEAM);
    CHECK(error == LSE_ERROR_MEMORY && before == NULL); /* lse.h has no other error for an interrupted call */
    lse_ask_meanwhile(before);
}

#ifdef PLANTED
static double planted[ROWS * N];
#endif

static void *caller(void *argument)
{
    const int number = *(const int *)argument;
    double *out = malloc(sizeof x64);
    CHECK(out);
    for (int round = 0; round < ROUNDS; round++) {
        lse_limit_threads(number ? -1 : 2 + round % 2, number ? 4 : -1);
        lse_limit_own_threads(round % 2 ? 2 : 0);
        CHECK(lse_available_threads() > 0 && lse_progress() >= 0);
        rows_f64(x64, out);
        rows_f32(x32, (float *)(void *)out);
        states();
        inner(out);
#ifdef PLANTED
        rows_f64(x64, planted);
#endif
    }
    interrupted(out);
    free(out);
    return NULL;
}

int main(void)
{
    pthread_t threads[CALLERS];
    int numbers[CALLERS];
    for (int i = 0; i < ROWS * N; i++) x32[i] = (float)(x64[i] = 1.0 + i % 1000 / 1000.0);
    for (int i = 0; i <= ROWS; i++) offsets[i] = i * (N / ROWS);
    CHECK(lse_state_init(&shared) == 0 && lse_state_update_f64(&shared, x64, 1, NULL, 0, N) == 0);
    for (int i = 0; i < CALLERS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, caller, &numbers[i]) == 0);
    }
    for (int i = 0; i < CALLERS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    printf("%d %lld\n", CALLERS * ROUNDS * 16, lse_progress()); /* 16: those with TEAM above */
    return 0;
}
