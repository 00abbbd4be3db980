/* One element at a time, in portable C. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "target.h"

/* Nothing to interleave, and unrolling would make up two thirds of the library. */
#undef LSE_UNROLL
#define LSE_UNROLL

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
typedef int mf32;
LSE_INLINE mf32 vf32_differs(vf32 a, vf32 b) { return a != b; }
LSE_INLINE int vf32_any_at_least(vf32 a, vf32 b) { return a >= b; }
LSE_INLINE vf32 vf32_keep(mf32 m, vf32 a) { return m ? a : 0.0f; }
LSE_INLINE vf32 vf32_tally(mf32 m, vf32 count) { return m ? count + 1.0f : count; }
LSE_INLINE vf32 vf32_load_some(const void *p, ptrdiff_t k, vf32 rest) { return k > 0 ? vf32_load(p) : rest; }
LSE_INLINE void vf32_store_some(void *p, ptrdiff_t k, vf32 a) { if (k > 0) vf32_store(p, a); }
LSE_INLINE vf32 vf32_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    (void)length;
    return vf32_load(x + at[0]);
}
LSE_INLINE void vf32_store_pieces(char *x, const ptrdiff_t *at, const int length, vf32 a)
{
    (void)length;
    vf32_store(x + at[0], a);
}
LSE_INLINE vf32 vf32_eighths(vf32 t, const int32_t *table)
{
    uint32_t i;
    memcpy(&i, &t, 4);
    i = (i << 20) + (uint32_t)table[i & 7];
    memcpy(&t, &i, 4);
    return t;
}
LSE_INLINE float vf32_total(vf32 a) { return a; }
LSE_INLINE vf32 vf32_abs(vf32 a) { return fabsf(a); }
LSE_INLINE vf32 vf32_select(vf32 a, vf32 b, vf32 x, vf32 y) { return a >= b ? x : y; }
LSE_INLINE vf32 vf32_where(const char *where, vf32 x, vf32 y) { return *where ? x : y; }
LSE_INLINE vf32 vf32_exponent(vf32 a) { uint32_t i; memcpy(&i, &a, 4); return (float)(i >> 23) - 127.0f; }
LSE_INLINE vf32 vf32_mantissa(vf32 a)
{
    uint32_t i;
    memcpy(&i, &a, 4);
    i = (i & 0x807fffffu) | 0x3f800000u;
    memcpy(&a, &i, 4);
    return a;
}
LSE_INLINE vf32 vf32_lookup(const float *table, vf32 a) { uint32_t i; memcpy(&i, &a, 4); return table[i >> 19 & 15]; }
LSE_INLINE vf32 vf32_lower(vf32 c, vf32 a)
{
    uint32_t i, e;
    memcpy(&i, &c, 4);
    memcpy(&e, &a, 4);
    i -= e & (uint32_t)0xff << 23;
    memcpy(&c, &i, 4);
    return c;
}
LSE_INLINE vf32 vf32_evens(vf32 a, vf32 b) { (void)b; return a; }
LSE_INLINE vf32 vf32_odds(vf32 a, vf32 b) { (void)a; return b; }
LSE_INLINE float vf32_greatest(vf32 a) { return a; }
LSE_INLINE vf32 vf32_by_odd(vf32 t, vf32 x, vf32 y) { uint32_t i; memcpy(&i, &t, 4); return i & 1 ? x : y; }
LSE_INLINE vf32 vf32_turn_sign(vf32 a, vf32 t)
{
    uint32_t i, bits;
    memcpy(&i, &t, 4);
    memcpy(&bits, &a, 4);
    bits ^= (i >> 1 & 1) << 31;
    memcpy(&a, &bits, 4);
    return a;
}

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
typedef int mf64;
LSE_INLINE mf64 vf64_differs(vf64 a, vf64 b) { return a != b; }
LSE_INLINE int vf64_any_at_least(vf64 a, vf64 b) { return a >= b; }
LSE_INLINE int vf64_count_at_least(vf64 a, vf64 b) { return a >= b; }
LSE_INLINE vf64 vf64_keep(mf64 m, vf64 a) { return m ? a : 0.0; }
LSE_INLINE vf64 vf64_tally(mf64 m, vf64 count) { return m ? count + 1.0 : count; }
LSE_INLINE vf64 vf64_load_some(const void *p, ptrdiff_t k, vf64 rest) { return k > 0 ? vf64_load(p) : rest; }
LSE_INLINE void vf64_store_some(void *p, ptrdiff_t k, vf64 a) { if (k > 0) vf64_store(p, a); }
LSE_INLINE vf64 vf64_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    (void)length;
    return vf64_load(x + at[0]);
}
LSE_INLINE void vf64_store_pieces(char *x, const ptrdiff_t *at, const int length, vf64 a)
{
    (void)length;
    vf64_store(x + at[0], a);
}
LSE_INLINE vf64 vf64_from_f32(const void *p) { return (double)vf32_load(p); }
LSE_INLINE vf64 vf64_from_f32_some(const void *p, ptrdiff_t k, vf64 rest) { return k > 0 ? vf64_from_f32(p) : rest; }
LSE_INLINE void vf64_to_f32(void *p, vf64 a) { vf32_store(p, (float)a); }
LSE_INLINE vf64 vf64_of_evens(vf32 a)
{
    uint32_t i;
    uint64_t wide;
    memcpy(&i, &a, 4);
    wide = (uint64_t)i << 29;
    double d;
    memcpy(&d, &wide, 8);
    return d;
}
LSE_INLINE vf64 vf64_of_odds(vf32 a) { (void)a; return 0.0; }
LSE_INLINE vf64 vf64_where(const char *where, vf64 x, vf64 y) { return *where ? x : y; }
LSE_INLINE vf64 vf64_exponent(vf64 a) { uint64_t i; memcpy(&i, &a, 8); return (double)(i >> 52) - 1023.0; }
LSE_INLINE vf64 vf64_abs(vf64 a) { return fabs(a); }
LSE_INLINE vf64 vf64_select(vf64 a, vf64 b, vf64 x, vf64 y) { return a >= b ? x : y; }
LSE_INLINE vf64 vf64_mantissa(vf64 a)
{
    uint64_t i;
    memcpy(&i, &a, 8);
    i = (i & 0x800fffffffffffffu) | 0x3ff0000000000000u;
    memcpy(&a, &i, 8);
    return a;
}
LSE_INLINE vf64 vf64_lookup(const double *table, vf64 a) { uint64_t i; memcpy(&i, &a, 8); return table[i >> 48 & 15]; }
LSE_INLINE vf64 vf64_lower(vf64 c, vf64 a)
{
    uint64_t i, e;
    memcpy(&i, &c, 8);
    memcpy(&e, &a, 8);
    i -= e & (uint64_t)0x7ff << 52;
    memcpy(&c, &i, 8);
    return c;
}
LSE_INLINE vf64 vf64_sixteenths(vf64 t) { uint64_t i; memcpy(&i, &t, 8); i <<= 48; memcpy(&t, &i, 8); return t; }
LSE_INLINE vf64 vf64_evens(vf64 a, vf64 b) { (void)b; return a; }
LSE_INLINE vf64 vf64_odds(vf64 a, vf64 b) { (void)a; return b; }
LSE_INLINE double vf64_greatest(vf64 a) { return a; }
LSE_INLINE vf64 vf64_by_odd(vf64 t, vf64 x, vf64 y) { uint64_t i; memcpy(&i, &t, 8); return i & 1 ? x : y; }
LSE_INLINE vf64 vf64_turn_sign(vf64 a, vf64 t)
{
    uint64_t i, bits;
    memcpy(&i, &t, 8);
    memcpy(&bits, &a, 8);
    bits ^= (i >> 1 & 1) << 63;
    memcpy(&a, &bits, 8);
    return a;
}
LSE_INLINE vf64 vf64_with_sign(vf64 a, vf64 b) { return copysign(a, b); }

#include "body.h"

const lse_kernels *lse_kernels_scalar(void) { LSE_TABLE("scalar"); }
