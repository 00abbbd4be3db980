/* One element at a time, in portable C. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "target.h"

typedef float vf32;
enum { vf32_width = 1 };
LSE_INLINE vf32 vf32_load(const void *p) { vf32 x; memcpy(&x, p, sizeof x); return x; }
LSE_INLINE void vf32_store(void *p, vf32 a) { memcpy(p, &a, sizeof a); }
LSE_INLINE vf32 vf32_set(float a) { return a; }
LSE_INLINE vf32 vf32_add(vf32 a, vf32 b) { return a + b; }
LSE_INLINE vf32 vf32_sub(vf32 a, vf32 b) { return a - b; }
LSE_INLINE vf32 vf32_mul(vf32 a, vf32 b) { return a * b; }
LSE_INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return fmaf(a, b, c); }
LSE_INLINE vf32 vf32_max(vf32 a, vf32 b) { return a > b ? a : b; }
LSE_INLINE vf32 vf32_min(vf32 a, vf32 b) { return a < b ? a : b; }
LSE_INLINE vf32 vf32_pow2(vf32 t) { uint32_t i; memcpy(&i, &t, 4); i <<= 23; memcpy(&t, &i, 4); return t; }
LSE_INLINE vf32 vf32_evens(vf32 a, vf32 b) { (void)b; return a; }
LSE_INLINE vf32 vf32_odds(vf32 a, vf32 b) { (void)a; return b; }
LSE_INLINE float vf32_greatest(vf32 a) { return a; }

typedef double vf64;
enum { vf64_width = 1 };
LSE_INLINE vf64 vf64_load(const void *p) { vf64 x; memcpy(&x, p, sizeof x); return x; }
LSE_INLINE void vf64_store(void *p, vf64 a) { memcpy(p, &a, sizeof a); }
LSE_INLINE vf64 vf64_set(double a) { return a; }
LSE_INLINE vf64 vf64_add(vf64 a, vf64 b) { return a + b; }
LSE_INLINE vf64 vf64_sub(vf64 a, vf64 b) { return a - b; }
LSE_INLINE vf64 vf64_mul(vf64 a, vf64 b) { return a * b; }
LSE_INLINE vf64 vf64_div(vf64 a, vf64 b) { return a / b; }
LSE_INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return fma(a, b, c); }
LSE_INLINE vf64 vf64_max(vf64 a, vf64 b) { return a > b ? a : b; }
LSE_INLINE vf64 vf64_min(vf64 a, vf64 b) { return a < b ? a : b; }
LSE_INLINE vf64 vf64_pow2(vf64 t) { uint64_t i; memcpy(&i, &t, 8); i <<= 52; memcpy(&t, &i, 8); return t; }
LSE_INLINE vf64 vf64_exponent(vf64 a) { uint64_t i; memcpy(&i, &a, 8); return (double)(i >> 52) - 1023.0; }
LSE_INLINE vf64 vf64_evens(vf64 a, vf64 b) { (void)b; return a; }
LSE_INLINE vf64 vf64_odds(vf64 a, vf64 b) { (void)a; return b; }
LSE_INLINE double vf64_greatest(vf64 a) { return a; }

#include "body.h"

const lse_kernels *lse_kernels_scalar(void) { LSE_TABLE("scalar"); }
