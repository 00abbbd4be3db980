/* Calls functions of lse.h as requested on standard input, and writes the results to standard output: see c_program.py.
 * Compiled with -DTHROUGH_TABLE it gets the functions from lse_get_api; with any argument it calls them in modes of the
 * floating-point unit other than the default, and exits with 7 if one leaves a mode or a flag changed. */
#define _GNU_SOURCE /* feenableexcept */
#include <fenv.h>
#include <lse/lse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#ifdef THROUGH_TABLE
#define CALL(name) lse_get_api()->name
#else
#define CALL(name) lse_##name
#endif

enum { NO_X = 1, NO_B = 2, NO_OUT = 4, NO_SIGN = 8, IN_PLACE = 16, RAW_STATE = 32 };
enum { VALUE, STRIDED, WEIGHTED, ROWS, SOFTMAX, LOG_SOFTMAX, INIT, UPDATE, MERGE, FINISH };

/* Numbers of elements; first is the index of the element that a pointer is to. */
typedef struct {
    int64_t function, size, flags, threads, state, other;
    int64_t rows, n, row_stride, stride, first, x_length;
    int64_t b_stride, b_first, b_length;
    int64_t out_row_stride, out_stride, out_first, out_length;
} request;

static lse_state states[4];

static void *allocated(int64_t count, int64_t size)
{
    void *memory = calloc((size_t)count, (size_t)size); /* for no elements, a pointer that must not be read from */
    if (!memory && count) exit(3);
    return memory;
}

static void *array(int64_t count, int64_t size)
{
    void *memory = allocated(count, size);
    if (fread(memory, (size_t)size, (size_t)count, stdin) != (size_t)count) exit(4);
    return memory;
}

static void put(const void *memory, int64_t count, int64_t size)
{
    if (fwrite(memory, (size_t)size, (size_t)count, stdout) != (size_t)count) exit(5);
}

/* P + i, or NULL. */
#define AT(P, I, ABSENT) (q->flags & (ABSENT) ? NULL : (P) + (I))

#define FOR_TYPE(F, REAL)                                                                                              \
    static int call_##F(const request *q, REAL *x, const REAL *b, REAL *out, REAL *sign)                               \
    {                                                                                                                  \
        const REAL *from = AT(x, q->first, NO_X), *weights = AT(b, q->b_first, NO_B);                                  \
        REAL *to = q->flags & IN_PLACE ? x + q->first : AT(out, q->out_first, NO_OUT);                                 \
        const ptrdiff_t rows = q->rows, n = q->n, row_stride = q->row_stride, stride = q->stride;                      \
        const ptrdiff_t out_row_stride = q->out_row_stride, out_stride = q->out_stride;                                \
        const int threads = (int)q->threads;                                                                           \
        switch (q->function) {                                                                                         \
        case VALUE: return CALL(logsumexp_##F)(from, n, to);                                                           \
        case STRIDED: return CALL(logsumexp_strided_##F)(from, stride, n, to);                                         \
        case WEIGHTED:                                                                                                 \
            return CALL(logsumexp_weighted_##F)(from, stride, weights, q->b_stride, n, to, AT(sign, 0, NO_SIGN));      \
        case ROWS: return CALL(logsumexp_rows_##F)(from, row_stride, stride, rows, n, to, threads);                    \
        case SOFTMAX:                                                                                                  \
            return CALL(softmax_rows_##F)(from, row_stride, stride, rows, n, to, out_row_stride, out_stride, threads); \
        case LOG_SOFTMAX:                                                                                              \
            return CALL(log_softmax_rows_##F)(from, row_stride, stride, rows, n, to, out_row_stride, out_stride,       \
                                              threads);                                                                \
        case UPDATE: return CALL(state_update_##F)(&states[q->state], from, stride, weights, q->b_stride, n);          \
        default: exit(6);                                                                                              \
        }                                                                                                              \
    }
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)

static int call(const request *q, void *x, const void *b, void *out, void *sign)
{
    if (q->flags & RAW_STATE) memset(&states[q->state], 0, sizeof(lse_state));
    switch (q->function) {
    case INIT: return CALL(state_init)(&states[q->state]);
    case MERGE: return CALL(state_merge)(&states[q->state], &states[q->other]);
    case FINISH:
        return CALL(state_finish)(&states[q->state], AT((double *)out, 0, NO_OUT), AT((double *)sign, 0, NO_SIGN));
    default: break;
    }
    return q->size == 4 ? call_f32(q, (float *)x, (const float *)b, (float *)out, (float *)sign)
                        : call_f64(q, (double *)x, (const double *)b, (double *)out, (double *)sign);
}

/* 0 for an invalid state. */
static int64_t count_of(const lse_state *state)
{
    int64_t count = 0;
    CALL(state_count)(state, &count);
    return count;
}

static void set_modes(void)
{
    fesetround(FE_UPWARD);
#ifdef __SSE__
    _mm_setcsr(_mm_getcsr() | 0x8040); /* flush subnormal numbers to 0 */
#endif
#ifdef __GLIBC__
    feenableexcept(FE_ALL_EXCEPT); /* if the processor supports it */
#endif
}

static int checked_call(const request *q, void *x, const void *b, void *out, void *sign)
{
    feclearexcept(FE_ALL_EXCEPT);
    const int error = call(q, x, b, out, sign);
    if (fetestexcept(FE_ALL_EXCEPT) || fegetround() != FE_UPWARD) exit(7);
#ifdef __SSE__
    if ((_mm_getcsr() & 0x8040) != 0x8040) exit(7);
#endif
    return error;
}

int main(int argc, char **argv)
{
    request q;
    (void)argv;
    if (argc > 1) set_modes();
    const char *kernels = CALL(kernels_in_use)();
    fprintf(stderr, "%s\n%s\n", kernels ? kernels : "none", CALL(error_message)(LSE_ERROR_KERNELS));
    while (fread(&q, sizeof q, 1, stdin) == 1) {
        void *x = array(q.x_length, q.size), *b = array(q.b_length, q.size);
        void *out = array(q.out_length, q.size), *sign = allocated(1, q.size);
        const int64_t answer[] = {(argc > 1 ? checked_call : call)(&q, x, b, out, sign), count_of(&states[q.state])};
        put(answer, 2, sizeof answer[0]);
        put(q.flags & IN_PLACE ? x : out, q.flags & IN_PLACE ? q.x_length : q.out_length, q.size);
        put(sign, 1, q.size);
        free(x);
        free(b);
        free(out);
        free(sign);
    }
    return 0;
}
