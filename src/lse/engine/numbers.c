/* The functions of one and two numbers of lse.h. */
#include "include/lse/lse.h"

#include <math.h>

#include "engine/api.h"
#include "engine/engine.h"
#include "engine/fp.h"
#include "engine/pointwise.h"

/* args: the inputs and the output, steps bytes apart. */
static int run(lse_function function, lse_type type, char *const *args, const ptrdiff_t *steps, ptrdiff_t n)
{
    const lse_kernels *table = lse_chosen();
    if (!table) return LSE_ERROR_KERNELS;
    const lse_fp_state found = lse_fp_enter();
    table->real[type].pointwise[function](args, steps, n);
    lse_fp_leave(found);
    return LSE_OK;
}

/* data and strides: those of the inputs and the output. */
static int of_arrays(lse_function function, int size, const void *const *data, const ptrdiff_t *strides, ptrdiff_t n)
{
    const int inputs = lse_inputs(function);
    char *args[3];
    ptrdiff_t steps[3];
    if (!lse_chosen()) return LSE_ERROR_KERNELS;
    for (int i = 0; i <= inputs; i++) {
        args[i] = (char *)(uintptr_t)data[i];
        steps[i] = strides[i];
        if (!lse_is_row(args[i], size, n, &steps[i])) return LSE_ERROR_ARGUMENT;
    }
    if (n > 1 && steps[inputs] == 0) return LSE_ERROR_ARGUMENT;
    return n == 0 ? LSE_OK : run(function, lse_type_of(size), args, steps, n);
}

/* For both types ------------------------------------------------------------------------------------------- */

#define OF_ONE(name, FUNCTION, F, REAL)                                                                                \
    REAL lse_##name##_##F(REAL x)                                                                                      \
    {                                                                                                                  \
        static const ptrdiff_t steps[2];                                                                               \
        REAL value;                                                                                                    \
        char *const args[] = {(char *)&x, (char *)&value};                                                             \
        return run(FUNCTION, lse_type_of(sizeof x), args, steps, 1) == LSE_OK ? value : (REAL)NAN;                     \
    }                                                                                                                  \
    int lse_##name##_array_##F(const REAL *x, ptrdiff_t x_stride, ptrdiff_t n, REAL *out, ptrdiff_t out_stride)        \
    {                                                                                                                  \
        const void *const data[] = {x, out};                                                                           \
        const ptrdiff_t strides[] = {x_stride, out_stride};                                                            \
        return of_arrays(FUNCTION, sizeof *x, data, strides, n);                                                       \
    }

#define OF_TWO(name, FUNCTION, F, REAL)                                                                                \
    REAL lse_##name##_##F(REAL x, REAL y)                                                                              \
    {                                                                                                                  \
        static const ptrdiff_t steps[3];                                                                               \
        REAL value;                                                                                                    \
        char *const args[] = {(char *)&x, (char *)&y, (char *)&value};                                                 \
        return run(FUNCTION, lse_type_of(sizeof x), args, steps, 1) == LSE_OK ? value : (REAL)NAN;                     \
    }                                                                                                                  \
    int lse_##name##_array_##F(const REAL *x, ptrdiff_t x_stride, const REAL *y, ptrdiff_t y_stride, ptrdiff_t n,      \
                               REAL *out, ptrdiff_t out_stride)                                                        \
    {                                                                                                                  \
        const void *const data[] = {x, y, out};                                                                        \
        const ptrdiff_t strides[] = {x_stride, y_stride, out_stride};                                                  \
        return of_arrays(FUNCTION, sizeof *x, data, strides, n);                                                       \
    }

#define FOR_TYPE(F, REAL)                                                                                              \
    OF_TWO(logaddexp, LSE_LOGADDEXP, F, REAL)                                                                          \
    OF_TWO(logsubexp, LSE_LOGSUBEXP, F, REAL)                                                                          \
    OF_ONE(log1pexp, LSE_LOG1PEXP, F, REAL)                                                                            \
    OF_ONE(log1mexp, LSE_LOG1MEXP, F, REAL)                                                                            \
    OF_ONE(logexpm1, LSE_LOGEXPM1, F, REAL)
FOR_TYPE(f64, double)
FOR_TYPE(f32, float)
