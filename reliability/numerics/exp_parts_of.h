/* The functions of exp_parts.h, out of what the kernel included before has. Of all else in it nothing is compiled: the
 * function that returns the table is static under another name, and not called. */
#ifndef EXP_PARTS_OF_H
#define EXP_PARTS_OF_H

#include "exp_parts.h"

static inline const lse_kernels *whole_table(void);

#define EXP_PARTS(F, V, REAL)                                                                                          \
    static void exp_parts_of_##F(const REAL *x, const double *anchor, ptrdiff_t n, REAL *scale, REAL *u,               \
                                 REAL *product)                                                                        \
    {                                                                                                                  \
        REAL bias[V##_width], floor[V##_width];                                                                        \
        for (ptrdiff_t i = 0; i < n; i += V##_width) {                                                                 \
            V v = V##_load(x + i), power, rounded = v;                                                                 \
            for (int j = 0; j < V##_width; j++) {                                                                      \
                bias[j] = bias_##F(anchor[i + j]);                                                                     \
                floor[j] = floor_##F(anchor[i + j]);                                                                   \
            }                                                                                                          \
            exp_parts_##F(&v, &power, 1, V##_load(bias), V##_load(floor));                                             \
            exp_##F(&rounded, 1, V##_load(bias), V##_load(floor));                                                     \
            V##_store(scale + i, power);                                                                               \
            V##_store(u + i, v);                                                                                       \
            V##_store(product + i, rounded);                                                                           \
        }                                                                                                              \
    }

#define EXP_PARTS_OF_BOTH EXP_PARTS(f32, vf32, float) EXP_PARTS(f64, vf64, double)

#define EXP_TABLE(NAME)                                                                                                \
    const lse_kernels *lse_kernels_##NAME(void)                                                                        \
    {                                                                                                                  \
        static const exp_parts parts = {{.name = #NAME}, exp_parts_of_f32, exp_parts_of_f64};                          \
        return &parts.table;                                                                                           \
    }
#define NO_EXP_TABLE(NAME)                                                                                             \
    const lse_kernels *lse_kernels_##NAME(void) { return NULL; }

#endif
