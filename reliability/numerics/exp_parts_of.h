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

#define TERMS_OF_SUMS                                                                                                  \
    static void terms_of(const float *x, const double *n, ptrdiff_t count, double *wide, double *eighths)              \
    {                                                                                                                  \
        for (ptrdiff_t i = 0; i < count; i += vf64_width) {                                                            \
            const vf64 anchor = vf64_sub(vf64_load(n + i), vf64_set(500.0));                                           \
            wide_level level = wide_level_for(vf64_set(0.0), LSE_FAR_f32);                                             \
            vf64 scale;                                                                                                \
            level.bias = vf64_sub(vf64_set(0x1.8p52 + 1023.0), anchor);                                                \
            level.floor = vf64_mul(vf64_sub(anchor, vf64_set(1023.0)), vf64_set(LN2_HI_f64));                          \
            const vf64 p = exp_wide(vf64_from_f32(x + i), &level, &scale);                                             \
            vf64_store(wide + i, vf64_mul(vf64_mul(scale, p), vf64_set(0x1p-500)));                                    \
        }                                                                                                              \
        for (ptrdiff_t i = 0; i < count; i += vf32_width) {                                                            \
            float bias[vf32_width], floor[vf32_width], a[vf32_width], p[vf32_width];                                   \
            vf32 rest;                                                                                                 \
            for (int j = 0; j < vf32_width; j++) {                                                                     \
                bias[j] = eighths_bias(n[i + j] - 500.0);                                                              \
                floor[j] = eighths_floor(n[i + j] - 500.0);                                                            \
            }                                                                                                          \
            vf32_store(a, eighths_exp(vf32_load(x + i), vf32_load(bias), vf32_load(floor), &rest));                    \
            vf32_store(p, rest);                                                                                       \
            for (int j = 0; j < vf32_width; j++)                                                                       \
                eighths[i + j] = (double)a[j] * (1 + (double)p[j]) * (EIGHTHS_FACTOR * 0x1p-100);                      \
        }                                                                                                              \
    }

#define EXP_PARTS_OF_BOTH EXP_PARTS(f32, vf32, float) EXP_PARTS(f64, vf64, double) TERMS_OF_SUMS

#define EXP_TABLE(NAME)                                                                                                \
    const lse_kernels *lse_kernels_##NAME(void)                                                                        \
    {                                                                                                                  \
        static const exp_parts parts = {{.name = #NAME}, exp_parts_of_f32, exp_parts_of_f64, terms_of};                \
        return &parts.table;                                                                                           \
    }
#define NO_EXP_TABLE(NAME)                                                                                             \
    const lse_kernels *lse_kernels_##NAME(void) { return NULL; }

#endif
