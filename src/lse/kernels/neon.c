/* Four floats or two doubles: Advanced SIMD, which every AArch64 processor has. */
#include "kernels.h"
#include "target.h"

#if LSE_AARCH64
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

typedef float32x4_t vf32;
enum { vf32_width = 4 };
LSE_INLINE vf32 vf32_load(const void *p) { return vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)p)); }
LSE_INLINE void vf32_store(void *p, vf32 a) { vst1q_u8((uint8_t *)p, vreinterpretq_u8_f32(a)); }
LSE_INLINE vf32 vf32_set(float a) { return vdupq_n_f32(a); }
LSE_INLINE vf32 vf32_add(vf32 a, vf32 b) { return vaddq_f32(a, b); }
LSE_INLINE vf32 vf32_sub(vf32 a, vf32 b) { return vsubq_f32(a, b); }
LSE_INLINE vf32 vf32_mul(vf32 a, vf32 b) { return vmulq_f32(a, b); }
LSE_INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return vfmaq_f32(c, a, b); }
LSE_INLINE vf32 vf32_max(vf32 a, vf32 b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
LSE_INLINE vf32 vf32_min(vf32 a, vf32 b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
LSE_INLINE vf32 vf32_pow2(vf32 t) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(t), 23)); }
typedef uint32x4_t mf32;
LSE_INLINE mf32 vf32_differs(vf32 a, vf32 b) { return vmvnq_u32(vceqq_f32(a, b)); }
LSE_INLINE int vf32_any_at_least(vf32 a, vf32 b) { return vmaxvq_u32(vcgeq_f32(a, b)) != 0; }
LSE_INLINE vf32 vf32_keep(mf32 m, vf32 a) { return vreinterpretq_f32_u32(vandq_u32(m, vreinterpretq_u32_f32(a))); }
LSE_INLINE vf32 vf32_tally(mf32 m, vf32 count) { return vaddq_f32(count, vf32_keep(m, vdupq_n_f32(1.0f))); }
LSE_INLINE vf32 vf32_load_some(const void *p, ptrdiff_t k, vf32 rest)
{
    float all[4];
    if (k >= 4) return vf32_load(p);
    vst1q_f32(all, rest);
    if (k > 0) memcpy(all, p, (size_t)k * sizeof(float));
    return vld1q_f32(all);
}
LSE_INLINE void vf32_store_some(void *p, ptrdiff_t k, vf32 a)
{
    float all[4];
    vst1q_f32(all, a);
    if (k > 0) memcpy(p, all, (size_t)(k < 4 ? k : 4) * sizeof(float));
}
LSE_INLINE uint8x16_t pieces_of(const char *x, const ptrdiff_t *at, const int bytes)
{
    uint8_t all[16];
    if (bytes == 8)
        return vcombine_u8(vld1_u8((const uint8_t *)(x + at[0])), vld1_u8((const uint8_t *)(x + at[1])));
    for (int k = 0; k < 16 / bytes; k++) memcpy(all + k * bytes, x + at[k], (size_t)bytes);
    return vld1q_u8(all);
}
LSE_INLINE void put_pieces(char *x, const ptrdiff_t *at, const int bytes, uint8x16_t a)
{
    uint8_t all[16];
    vst1q_u8(all, a);
    for (int k = 0; k < 16 / bytes; k++) memcpy(x + at[k], all + k * bytes, (size_t)bytes);
}
LSE_INLINE vf32 vf32_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    return vreinterpretq_f32_u8(pieces_of(x, at, length * 4));
}
LSE_INLINE void vf32_store_pieces(char *x, const ptrdiff_t *at, const int length, vf32 a)
{
    put_pieces(x, at, length * 4, vreinterpretq_u8_f32(a));
}
LSE_INLINE vf32 vf32_eighths(vf32 t, const int32_t *table)
{
    const uint32x4_t i = vreinterpretq_u32_f32(t);
    uint32_t at[4];
    vst1q_u32(at, vandq_u32(i, vdupq_n_u32(7)));
    const uint32_t four[4] = {(uint32_t)table[at[0]], (uint32_t)table[at[1]], (uint32_t)table[at[2]],
                              (uint32_t)table[at[3]]};
    return vreinterpretq_f32_u32(vaddq_u32(vshlq_n_u32(i, 20), vld1q_u32(four)));
}
LSE_INLINE float vf32_total(vf32 a)
{
    const float32x2_t p = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(p, 0) + vget_lane_f32(p, 1);
}

LSE_INLINE vf32 vf32_abs(vf32 a) { return vabsq_f32(a); }
LSE_INLINE vf32 vf32_select(vf32 a, vf32 b, vf32 x, vf32 y) { return vbslq_f32(vcgeq_f32(a, b), x, y); }
LSE_INLINE vf32 vf32_where(const char *where, vf32 x, vf32 y)
{
    uint32_t four;
    memcpy(&four, where, sizeof four);
    const uint32x4_t bytes = vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four))));
    return vbslq_f32(vtstq_u32(bytes, bytes), x, y);
}
LSE_INLINE vf32 vf32_exponent(vf32 a)
{
    return vsubq_f32(vcvtq_f32_u32(vshrq_n_u32(vreinterpretq_u32_f32(a), 23)), vdupq_n_f32(127.0f));
}
LSE_INLINE vf32 vf32_mantissa(vf32 a)
{
    return vbslq_f32(vdupq_n_u32(0x807fffffu), a, vdupq_n_f32(1.0f));
}
LSE_INLINE vf32 vf32_lookup(const float *table, vf32 a)
{
    uint32_t i[4];
    vst1q_u32(i, vandq_u32(vshrq_n_u32(vreinterpretq_u32_f32(a), 19), vdupq_n_u32(15)));
    const float entries[4] = {table[i[0]], table[i[1]], table[i[2]], table[i[3]]};
    return vld1q_f32(entries);
}
LSE_INLINE vf32 vf32_lower(vf32 c, vf32 a)
{
    const uint32x4_t exponent = vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32((uint32_t)0xff << 23));
    return vreinterpretq_f32_u32(vsubq_u32(vreinterpretq_u32_f32(c), exponent));
}
LSE_INLINE vf32 vf32_evens(vf32 a, vf32 b) { return vuzp1q_f32(a, b); }
LSE_INLINE vf32 vf32_odds(vf32 a, vf32 b) { return vuzp2q_f32(a, b); }
LSE_INLINE float vf32_greatest(vf32 a) { return vmaxvq_f32(a); }
LSE_INLINE vf32 vf32_by_odd(vf32 t, vf32 x, vf32 y)
{
    return vbslq_f32(vtstq_u32(vreinterpretq_u32_f32(t), vdupq_n_u32(1)), x, y);
}
LSE_INLINE vf32 vf32_turn_sign(vf32 a, vf32 t)
{
    const uint32x4_t second = vshlq_n_u32(vreinterpretq_u32_f32(t), 30), sign = vdupq_n_u32(1u << 31);
    return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(a), vandq_u32(second, sign)));
}

typedef float64x2_t vf64;
enum { vf64_width = 2 };
LSE_INLINE vf64 vf64_load(const void *p) { return vreinterpretq_f64_u8(vld1q_u8((const uint8_t *)p)); }
LSE_INLINE void vf64_store(void *p, vf64 a) { vst1q_u8((uint8_t *)p, vreinterpretq_u8_f64(a)); }
LSE_INLINE vf64 vf64_set(double a) { return vdupq_n_f64(a); }
LSE_INLINE vf64 vf64_add(vf64 a, vf64 b) { return vaddq_f64(a, b); }
LSE_INLINE vf64 vf64_sub(vf64 a, vf64 b) { return vsubq_f64(a, b); }
LSE_INLINE vf64 vf64_mul(vf64 a, vf64 b) { return vmulq_f64(a, b); }
LSE_INLINE vf64 vf64_div(vf64 a, vf64 b) { return vdivq_f64(a, b); }
LSE_INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return vfmaq_f64(c, a, b); }
LSE_INLINE vf64 vf64_max(vf64 a, vf64 b) { return vbslq_f64(vcgtq_f64(a, b), a, b); }
LSE_INLINE vf64 vf64_min(vf64 a, vf64 b) { return vbslq_f64(vcltq_f64(a, b), a, b); }
LSE_INLINE vf64 vf64_pow2(vf64 t) { return vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(t), 52)); }
typedef uint64x2_t mf64;
LSE_INLINE mf64 vf64_differs(vf64 a, vf64 b)
{
    return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(vceqq_f64(a, b))));
}
LSE_INLINE int vf64_any_at_least(vf64 a, vf64 b)
{
    const uint64x2_t m = vcgeq_f64(a, b);
    return (vgetq_lane_u64(m, 0) | vgetq_lane_u64(m, 1)) != 0;
}
LSE_INLINE int vf64_count_at_least(vf64 a, vf64 b)
{
    const uint64x2_t m = vcgeq_f64(a, b);
    return (int)(vgetq_lane_u64(m, 0) & 1) + (int)(vgetq_lane_u64(m, 1) & 1);
}
LSE_INLINE vf64 vf64_keep(mf64 m, vf64 a) { return vreinterpretq_f64_u64(vandq_u64(m, vreinterpretq_u64_f64(a))); }
LSE_INLINE vf64 vf64_tally(mf64 m, vf64 count) { return vaddq_f64(count, vf64_keep(m, vdupq_n_f64(1.0))); }
LSE_INLINE vf64 vf64_load_some(const void *p, ptrdiff_t k, vf64 rest)
{
    double first;
    if (k >= 2) return vf64_load(p);
    if (k <= 0) return rest;
    memcpy(&first, p, sizeof first);
    return vsetq_lane_f64(first, rest, 0);
}
LSE_INLINE void vf64_store_some(void *p, ptrdiff_t k, vf64 a)
{
    double all[2];
    vst1q_f64(all, a);
    if (k > 0) memcpy(p, all, (size_t)(k < 2 ? k : 2) * sizeof(double));
}
LSE_INLINE vf64 vf64_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    return vreinterpretq_f64_u8(pieces_of(x, at, length * 8));
}
LSE_INLINE void vf64_store_pieces(char *x, const ptrdiff_t *at, const int length, vf64 a)
{
    put_pieces(x, at, length * 8, vreinterpretq_u8_f64(a));
}
LSE_INLINE vf64 vf64_from_f32(const void *p)
{
    float two[2];
    memcpy(two, p, sizeof two);
    return vcvt_f64_f32(vld1_f32(two));
}
LSE_INLINE vf64 vf64_from_f32_some(const void *p, ptrdiff_t k, vf64 rest)
{
    float first;
    if (k >= 2) return vf64_from_f32(p);
    if (k <= 0) return rest;
    memcpy(&first, p, sizeof first);
    return vsetq_lane_f64((double)first, rest, 0);
}
LSE_INLINE void vf64_to_f32(void *p, vf64 a)
{
    float two[2];
    vst1_f32(two, vcvt_f32_f64(a));
    memcpy(p, two, sizeof two);
}
LSE_INLINE vf64 vf64_of_evens(vf32 a)
{
    const uint64x2_t low = vandq_u64(vreinterpretq_u64_f32(a), vdupq_n_u64(0xffffffffu));
    return vreinterpretq_f64_u64(vshlq_n_u64(low, 29));
}
LSE_INLINE vf64 vf64_of_odds(vf32 a)
{
    const uint64x2_t high = vshrq_n_u64(vreinterpretq_u64_f32(a), 32);
    return vreinterpretq_f64_u64(vshlq_n_u64(high, 29));
}
LSE_INLINE vf64 vf64_where(const char *where, vf64 x, vf64 y)
{
    const uint64_t two[2] = {(uint8_t)where[0], (uint8_t)where[1]};
    const uint64x2_t bytes = vld1q_u64(two);
    return vbslq_f64(vtstq_u64(bytes, bytes), x, y);
}
LSE_INLINE vf64 vf64_exponent(vf64 a)
{
    const uint64x2_t biased = vshrq_n_u64(vreinterpretq_u64_f64(a), 52);
    return vsubq_f64(vcvtq_f64_u64(biased), vdupq_n_f64(1023.0));
}
LSE_INLINE vf64 vf64_abs(vf64 a) { return vabsq_f64(a); }
LSE_INLINE vf64 vf64_select(vf64 a, vf64 b, vf64 x, vf64 y) { return vbslq_f64(vcgeq_f64(a, b), x, y); }
LSE_INLINE vf64 vf64_mantissa(vf64 a)
{
    return vbslq_f64(vdupq_n_u64(0x800fffffffffffffu), a, vdupq_n_f64(1.0));
}
LSE_INLINE vf64 vf64_lookup(const double *table, vf64 a)
{
    const uint64x2_t i = vandq_u64(vshrq_n_u64(vreinterpretq_u64_f64(a), 48), vdupq_n_u64(15));
    const double entries[2] = {table[vgetq_lane_u64(i, 0)], table[vgetq_lane_u64(i, 1)]};
    return vld1q_f64(entries);
}
LSE_INLINE vf64 vf64_lower(vf64 c, vf64 a)
{
    const uint64x2_t exponent = vandq_u64(vreinterpretq_u64_f64(a), vdupq_n_u64((uint64_t)0x7ff << 52));
    return vreinterpretq_f64_u64(vsubq_u64(vreinterpretq_u64_f64(c), exponent));
}
LSE_INLINE vf64 vf64_sixteenths(vf64 t)
{
    return vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(t), 48));
}
LSE_INLINE vf64 vf64_evens(vf64 a, vf64 b) { return vuzp1q_f64(a, b); }
LSE_INLINE vf64 vf64_odds(vf64 a, vf64 b) { return vuzp2q_f64(a, b); }
LSE_INLINE double vf64_greatest(vf64 a) { return vmaxvq_f64(a); }
LSE_INLINE vf64 vf64_by_odd(vf64 t, vf64 x, vf64 y)
{
    return vbslq_f64(vtstq_u64(vreinterpretq_u64_f64(t), vdupq_n_u64(1)), x, y);
}
LSE_INLINE vf64 vf64_turn_sign(vf64 a, vf64 t)
{
    const uint64x2_t second = vshlq_n_u64(vreinterpretq_u64_f64(t), 62), sign = vdupq_n_u64((uint64_t)1 << 63);
    return vreinterpretq_f64_u64(veorq_u64(vreinterpretq_u64_f64(a), vandq_u64(second, sign)));
}
LSE_INLINE vf64 vf64_with_sign(vf64 a, vf64 b) { return vbslq_f64(vdupq_n_u64((uint64_t)1 << 63), b, a); }

#include "body.h"

const lse_kernels *lse_kernels_neon(void) { LSE_TABLE("neon"); }
#else
const lse_kernels *lse_kernels_neon(void) { return NULL; }
#endif
