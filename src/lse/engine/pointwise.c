/* The functions of one and two numbers, as loops over elements of any kind. */
#include "engine/pointwise.h"

#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/fp.h"
#include "engine/types.h"

enum { BLOCK = 256, MANY = 8 /* elements of a reduction from which a log-sum-exp is faster */ };

int lse_inputs(lse_function function) { return function == LSE_LOGADDEXP || function == LSE_LOGSUBEXP ? 2 : 1; }

/* log(1 - e^d) for d <= 0 */
static long double log_complement(long double d) { return d > -0.7L ? logl(-expm1l(d)) : log1pl(-expl(d)); }

static long double of_longdoubles(lse_function function, long double x, long double y)
{
    switch (function) {
    case LSE_LOGADDEXP:
        if (x == y) return x + logl(2.0L); /* also infinities */
        return x > y ? x + log1pl(expl(y - x)) : y + log1pl(expl(x - y));
    case LSE_LOGSUBEXP:
        if (x == y) return x > 0.0L && isinf(x) ? (long double)NAN : -(long double)INFINITY;
        return x < y ? (long double)NAN : x + log_complement(y - x);
    case LSE_LOG1PEXP: return x > 0.0L ? x + log1pl(expl(-x)) : log1pl(expl(x));
    case LSE_LOG1MEXP: return x > 0.0L ? (long double)NAN : log_complement(x);
    default: return x < 1.0L ? logl(expm1l(x)) : x + log_complement(-x);
    }
}

/* The C library may raise flags of the x87, which lse_fp_enter does not know. */
static void run_longdoubles(const lse_loop *loop, char *const *args, const ptrdiff_t *steps, ptrdiff_t n)
{
    const int inputs = lse_inputs(loop->function);
    fenv_t found;
    fegetenv(&found);
    fesetenv(FE_DFL_ENV);
    for (ptrdiff_t i = 0; i < n; i++) {
        long double x, y;
        memcpy(&x, args[0] + i * steps[0], sizeof x);
        memcpy(&y, args[inputs - 1] + i * steps[inputs - 1], sizeof y);
        x = of_longdoubles(loop->function, x, y);
        memcpy(args[inputs] + i * steps[inputs], &x, sizeof x);
    }
    fesetenv(&found);
}

/* Whether an element of the output may be an input of a later element. */
static int is_in_order(const char *in, ptrdiff_t step, const char *out, ptrdiff_t out_step, ptrdiff_t size, ptrdiff_t n)
{
    const ptrdiff_t last = (n - 1) * step, out_last = (n - 1) * out_step;
    const uintptr_t low = (uintptr_t)in + (uintptr_t)(last < 0 ? last : 0);
    const uintptr_t high = (uintptr_t)in + (uintptr_t)(last > 0 ? last : 0) + (uintptr_t)size;
    const uintptr_t out_low = (uintptr_t)out + (uintptr_t)(out_last < 0 ? out_last : 0);
    const uintptr_t out_high = (uintptr_t)out + (uintptr_t)(out_last > 0 ? out_last : 0) + (uintptr_t)size;
    if (n == 1 || high <= out_low || out_high <= low) return 0;
    return in != out || step != out_step || step == 0;
}

/* What floats of any size but that of long double are computed in. */
static lse_type type_of(const lse_loop *loop) { return loop->size == sizeof(double) ? LSE_F64 : LSE_F32; }

/* A log-sum-exp, or a cumulative one, of n elements; returns 0 where there is no memory for it. */
static int sum_up(const lse_kernels *table, const lse_loop *loop, lse_operation operation, const char *in,
                  ptrdiff_t step, char *out, ptrdiff_t out_step, ptrdiff_t n)
{
    lse_request q = {.operation = operation, .table = table, .run = lse_run_tasks, .threads = 1, .reduced = 1};
    const lse_array a = {(char *)(uintptr_t)in, 1, 'f', loop->size, 0, &n, &step};
    q.type = type_of(loop);
    q.a = q.out = a;
    q.out.data = out;
    q.out.ndim = lse_is_map(operation);
    q.out.stride = &out_step;
    return lse_execute(&q) == 0;
}

static void run_floats(const lse_kernels *table, const lse_loop *loop, char *const *args, const ptrdiff_t *steps,
                       ptrdiff_t n)
{
    const int inputs = lse_inputs(loop->function), computed = lse_types[type_of(loop)].size;
    const lse_pointwise run = table->real[type_of(loop)].pointwise[loop->function];
    if (loop->size == computed) {
        run(args, steps, n);
        return;
    }
    const lse_load load = lse_load_for('f', loop->size, 0, computed);
    const lse_store store = lse_store_for('f', loop->size, computed);
    float buffers[3][BLOCK];
    char *const own[3] = {(char *)buffers[0], (char *)buffers[1], (char *)buffers[2]};
    const ptrdiff_t own_steps[3] = {computed, computed, computed};
    for (ptrdiff_t at = 0; at < n; at += BLOCK) {
        const ptrdiff_t count = n - at < BLOCK ? n - at : BLOCK;
        for (int j = 0; j < inputs; j++) load(args[j] + at * steps[j], steps[j], count, own[j]);
        run(own, own_steps, count);
        store(args[inputs] + at * steps[inputs], steps[inputs], count, own[inputs]);
    }
}

/* A reduction or cumulative reduction by logaddexp of enough floats; returns 0 if this is none. */
static int run_as_sum(const lse_kernels *table, const lse_loop *loop, char *const *args, const ptrdiff_t *steps,
                      ptrdiff_t n)
{
    double first, total;
    const size_t size = (size_t)loop->size;
    if (loop->function != LSE_LOGADDEXP || n < MANY) return 0;
    if (is_in_order(args[1], steps[1], args[2], steps[2], loop->size, n)) return 0;
    char *const as_one[] = {args[0], (char *)&total, args[2]};
    char *const as_many[] = {(char *)&first, args[2], args[2]};
    const ptrdiff_t many_steps[] = {0, steps[2], steps[2]};
    memcpy(&first, args[0], size);
    if (args[0] == args[2] && steps[0] == 0 && steps[2] == 0) {
        if (!sum_up(table, loop, LSE_LOGSUMEXP, args[1], steps[1], (char *)&total, 0, n)) return 0;
        run_floats(table, loop, as_one, steps, 1);
        return 1;
    }
    if (args[0] + steps[0] != args[2] || steps[0] != steps[2] || steps[0] == 0) return 0;
    if (!sum_up(table, loop, LSE_CUMULATE, args[1], steps[1], args[2], steps[2], n)) return 0;
    run_floats(table, loop, as_many, many_steps, n);
    return 1;
}

void lse_run_loop(const lse_kernels *table, const lse_loop *loop, char *const *args, const ptrdiff_t *steps,
                  ptrdiff_t n)
{
    const int inputs = lse_inputs(loop->function);
    int in_order = 0;
    if (n == 0) return;
    if (loop->size == LSE_LONGDOUBLE) {
        run_longdoubles(loop, args, steps, n);
        return;
    }
    for (int j = 0; j < inputs; j++)
        in_order |= is_in_order(args[j], steps[j], args[inputs], steps[inputs], loop->size, n);
    const lse_fp_state found = lse_fp_enter();
    if (!in_order) {
        run_floats(table, loop, args, steps, n);
    } else if (!run_as_sum(table, loop, args, steps, n)) {
        char *own[3] = {args[0], args[1], args[inputs]};
        for (ptrdiff_t i = 0; i < n; i++) {
            run_floats(table, loop, own, steps, 1);
            for (int j = 0; j <= inputs; j++) own[j] += steps[j];
        }
    }
    lse_fp_leave(found);
}
