/* Copies between strided memory of any type and the contiguous float or double buffers of the kernels. */
#include <float.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "target.h"

/* 16-bit floats as floats, and back: IEEE binary16 and bfloat16. There are no branches, so that loops vectorize, and no
 * arithmetic on subnormals, which would be slow. */
LSE_INLINE float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

LSE_INLINE uint32_t bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* condition is 0 or 1; both are evaluated, which a compiler does not do for ?: where they may raise a flag. */
LSE_INLINE uint32_t chosen(uint32_t condition, uint32_t yes, uint32_t no)
{
    return no ^ ((yes ^ no) & (0u - condition));
}

LSE_INLINE float float_of_half(uint16_t half)
{
    const uint32_t size = half & 0x7fffu, sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t subnormal = bits_of_float((float)(int32_t)size * 0x1p-24f);
    const uint32_t normal = (size << 13) + (112u << 23) + chosen(size >= 0x7c00u, 112u << 23, 0);
    return float_of_bits(sign | chosen(size < 0x400u, subnormal, normal));
}

LSE_INLINE float float_of_bfloat16(uint16_t bfloat16) { return float_of_bits((uint32_t)bfloat16 << 16); }

/* Rounded to nearest, ties to even; NaN to a quiet NaN. */
LSE_INLINE uint16_t half_of_float(float x)
{
    const uint32_t bits = bits_of_float(x), size = bits & 0x7fffffffu;
    /* adding 1/2 leaves the multiple of 2^-24 in the low bits */
    const uint32_t is_small = size < 0x38800000u, low = chosen(is_small, size, 0);
    const uint32_t subnormal = bits_of_float(float_of_bits(low) + 0.5f) - bits_of_float(0.5f);
    const uint32_t normal = (size + 0xfffu + (size >> 13 & 1) - (112u << 23)) >> 13;
    const uint32_t finite = chosen(is_small, subnormal, normal), wide = chosen(size >= 0x477ff000u, 0x7c00u, finite);
    const uint32_t any = chosen(size > 0x7f800000u, 0x7e00u, wide);
    return (uint16_t)((bits >> 16 & 0x8000u) | any);
}

LSE_INLINE uint16_t bfloat16_of_float(float x)
{
    const uint32_t bits = bits_of_float(x), size = bits & 0x7fffffffu;
    const uint32_t wide = chosen(size > 0x7f800000u, 0x7fc0u, (size + 0x7fffu + (size >> 16 & 1)) >> 16);
    return (uint16_t)((bits >> 16 & 0x8000u) | wide);
}

/* A float that rounds to the same 16 bits as x: if x has more digits, the last one is set (round to odd). */
LSE_INLINE float odd_float(double x)
{
    const float nearest = (float)x;
    const uint32_t bits = bits_of_float(nearest);
    const double lost = x - (double)nearest; /* of the opposite sign if nearest is larger in magnitude */
    const uint32_t inexact = (uint32_t)(lost != 0) & (uint32_t)(nearest - nearest == 0);
    const uint32_t away = (uint32_t)(nearest != 0) & (uint32_t)((lost < 0) == (nearest > 0));
    return float_of_bits(chosen(inexact, (bits - away) | 1u, bits));
}

LSE_INLINE void swap(void *p, size_t size)
{
    unsigned char *b = (unsigned char *)p;
    for (size_t i = 0; i < size / 2; i++) {
        const unsigned char t = b[i];
        b[i] = b[size - 1 - i];
        b[size - 1 - i] = t;
    }
}

/* Contiguous data has a loop of its own, which vectorizes. */
#define LOAD_LOOP(name, from, to, prepare, value)                                           \
    LSE_INLINE void name##_at(const char *src, ptrdiff_t stride, ptrdiff_t count, to *out)  \
    {                                                                                       \
        for (ptrdiff_t i = 0; i < count; i++) {                                             \
            from x;                                                                         \
            memcpy(&x, src + i * stride, sizeof x);                                         \
            prepare;                                                                        \
            out[i] = (to)(value);                                                           \
        }                                                                                   \
    }                                                                                       \
    static void name(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)         \
    {                                                                                       \
        if (stride == (ptrdiff_t)sizeof(from)) name##_at(src, sizeof(from), count, (to *)dst); \
        else name##_at(src, stride, count, (to *)dst);                                      \
    }
#define LOAD_TO(name, from, to, value)                                            \
    LOAD_LOOP(load_##name##_##to, from, to, (void)0, value)                       \
    LOAD_LOOP(load_swapped_##name##_##to, from, to, swap(&x, sizeof x), value)
#define LOAD(name, from, value) \
    LOAD_TO(name, from, float, value) LOAD_TO(name, from, double, value) LOAD_TO(name, from, longdouble, value)

typedef long double longdouble;
LOAD(longdouble, longdouble, x)
LOAD(float, float, x)
LOAD(double, double, x)
LOAD(half, uint16_t, float_of_half(x))
LOAD(bfloat16, uint16_t, float_of_bfloat16(x))
LOAD(int8_t, int8_t, x)
LOAD(int16_t, int16_t, x)
LOAD(int32_t, int32_t, x)
LOAD(int64_t, int64_t, x)
LOAD(uint8_t, uint8_t, x)
LOAD(uint16_t, uint16_t, x)
LOAD(uint32_t, uint32_t, x)
LOAD(uint64_t, uint64_t, x)

/* Complex numbers, and real ones with an imaginary part of 0, as pairs of doubles. */
#define LOAD_PARTS(name, from, prepare, re, im)                                                        \
    LSE_INLINE void name##_at(const char *src, ptrdiff_t stride, ptrdiff_t count, double *out)         \
    {                                                                                                  \
        for (ptrdiff_t i = 0; i < count; i++) {                                                        \
            from x[2];                                                                                 \
            memcpy(x, src + i * stride, sizeof x);                                                     \
            prepare;                                                                                   \
            out[2 * i] = (double)(re);                                                                 \
            out[2 * i + 1] = (double)(im);                                                             \
        }                                                                                              \
    }                                                                                                  \
    static void name(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)                    \
    {                                                                                                  \
        if (stride == 2 * (ptrdiff_t)sizeof(from)) name##_at(src, 2 * sizeof(from), count, (double *)dst); \
        else name##_at(src, stride, count, (double *)dst);                                             \
    }
LOAD_PARTS(load_complex_float, float, (void)0, x[0], x[1])
LOAD_PARTS(load_complex_double, double, (void)0, x[0], x[1])
LOAD_PARTS(load_complex_longdouble, longdouble, (void)0, x[0], x[1])
LOAD_PARTS(load_swapped_complex_float, float, (swap(&x[0], 4), swap(&x[1], 4)), x[0], x[1])
LOAD_PARTS(load_swapped_complex_double, double, (swap(&x[0], 8), swap(&x[1], 8)), x[0], x[1])
LOAD_PARTS(load_swapped_complex_longdouble, longdouble, (swap(&x[0], sizeof *x), swap(&x[1], sizeof *x)), x[0], x[1])

#define LOAD_REAL(name)                                                                                         \
    static void load_##name##_pairs(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)              \
    {                                                                                                           \
        for (ptrdiff_t i = 0; i < count; i++) load_##name##_double(src + i * stride, 0, 1, (double *)dst + 2 * i); \
        for (ptrdiff_t i = 0; i < count; i++) ((double *)dst)[2 * i + 1] = 0.0;                                 \
    }                                                                                                           \
    static void load_swapped_##name##_pairs(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)      \
    {                                                                                                           \
        for (ptrdiff_t i = 0; i < count; i++)                                                                   \
            load_swapped_##name##_double(src + i * stride, 0, 1, (double *)dst + 2 * i);                        \
        for (ptrdiff_t i = 0; i < count; i++) ((double *)dst)[2 * i + 1] = 0.0;                                 \
    }
LOAD_REAL(longdouble)
LOAD_REAL(float)
LOAD_REAL(double)
LOAD_REAL(half)
LOAD_REAL(bfloat16)
LOAD_REAL(int8_t)
LOAD_REAL(int16_t)
LOAD_REAL(int32_t)
LOAD_REAL(int64_t)
LOAD_REAL(uint8_t)
LOAD_REAL(uint16_t)
LOAD_REAL(uint32_t)
LOAD_REAL(uint64_t)

static lse_load load_complex(int size, int swapped)
{
    if (size == 8) return swapped ? load_swapped_complex_float : load_complex_float;
    if (size == 16) return swapped ? load_swapped_complex_double : load_complex_double;
    if (size == 2 * (int)sizeof(longdouble)) return swapped ? load_swapped_complex_longdouble : load_complex_longdouble;
    return NULL;
}

/* Four at a time: .18 ns a byte, against .27. */
void lse_load_bytes(const char *src, ptrdiff_t stride, ptrdiff_t count, char *dst)
{
    for (; count >= 4; count -= 4, src += 4 * stride, dst += 4) {
        const char a = src[0], b = src[stride], c = src[2 * stride], d = src[3 * stride];
        dst[0] = a;
        dst[1] = b;
        dst[2] = c;
        dst[3] = d;
    }
    for (; count > 0; count--, src += stride) *dst++ = *src;
}

/* The chosen kernels' own, if they have any. */
static lse_load load_half(int to)
{
    const lse_kernels *kernels = lse_chosen();
    return kernels && (to == 4 || to == 8) ? kernels->halves.load[to == 4 ? LSE_F32 : LSE_F64] : NULL;
}

static lse_store store_half(int from)
{
    const lse_kernels *kernels = lse_chosen();
    return kernels ? kernels->halves.store[from == 4 ? LSE_F32 : LSE_F64] : NULL;
}

lse_load lse_load_for(char kind, int size, int swapped, int to)
{
    if (to == LSE_LONGDOUBLE && kind == 'c') return lse_load_for('f', size / 2, swapped, to);
#define PAIR(name) \
    (to == LSE_LONGDOUBLE ? swapped ? load_swapped_##name##_longdouble : load_##name##_longdouble \
     : to == 4 ? swapped ? load_swapped_##name##_float : load_##name##_float \
     : to == 8 ? swapped ? load_swapped_##name##_double : load_##name##_double \
               : swapped ? load_swapped_##name##_pairs : load_##name##_pairs)
    if (kind == 'c') return to == 16 ? load_complex(size, swapped) : NULL;
    switch (kind) {
    case 'f':
        if (size == (int)sizeof(longdouble) && size > 8) return PAIR(longdouble);
        if (size == 2 && !swapped && load_half(to)) return load_half(to);
        return size == 4 ? PAIR(float) : size == 8 ? PAIR(double) : size == 2 ? PAIR(half) : NULL;
    case 'V': return size == 2 ? PAIR(bfloat16) : NULL;
    case 'b': return PAIR(uint8_t);
    case 'i':
    case 'u':
        switch (size) {
        case 1: return kind == 'i' ? PAIR(int8_t) : PAIR(uint8_t);
        case 2: return kind == 'i' ? PAIR(int16_t) : PAIR(uint16_t);
        case 4: return kind == 'i' ? PAIR(int32_t) : PAIR(uint32_t);
        case 8: return kind == 'i' ? PAIR(int64_t) : PAIR(uint64_t);
        default: return NULL;
        }
    default: return NULL;
    }
#undef PAIR
}

#define STORE_FROM(name, from, to, value)                                                                \
    LSE_INLINE void store_##name##_##from##_at(char *dst, ptrdiff_t stride, ptrdiff_t count, const from *in) \
    {                                                                                                    \
        for (ptrdiff_t i = 0; i < count; i++) {                                                          \
            const from x = in[i];                                                                        \
            const to result = value;                                                                     \
            memcpy(dst + i * stride, &result, sizeof result);                                            \
        }                                                                                                \
    }                                                                                                    \
    static void store_##name##_##from(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src)     \
    {                                                                                                    \
        const from *in = (const from *)src;                                                              \
        if (stride == (ptrdiff_t)sizeof(to)) store_##name##_##from##_at(dst, sizeof(to), count, in);     \
        else store_##name##_##from##_at(dst, stride, count, in);                                         \
    }

STORE_FROM(float, float, float, x)
STORE_FROM(float, double, float, (float)x)
STORE_FROM(double, float, double, (double)x)
STORE_FROM(double, double, double, x)
STORE_FROM(half, float, uint16_t, half_of_float(x))
STORE_FROM(half, double, uint16_t, half_of_float(odd_float(x)))
STORE_FROM(bfloat16, float, uint16_t, bfloat16_of_float(x))
STORE_FROM(bfloat16, double, uint16_t, bfloat16_of_float(odd_float(x)))

/* Bytes that are no part of the number become 0. */
static void store_longdouble(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src)
{
    const longdouble *in = (const longdouble *)src;
    const size_t used = LDBL_MANT_DIG == 64 ? 10 : sizeof(longdouble);
    for (ptrdiff_t i = 0; i < count; i++) {
        char bytes[sizeof(longdouble)] = {0};
        memcpy(bytes, &in[i], used);
        memcpy(dst + i * stride, bytes, sizeof bytes);
    }
}

static void store_complex_float(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src)
{
    const double *in = (const double *)src;
    for (ptrdiff_t i = 0; i < count; i++) {
        const float parts[2] = {(float)in[2 * i], (float)in[2 * i + 1]};
        memcpy(dst + i * stride, parts, sizeof parts);
    }
}

static void store_complex_double(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src)
{
    const double *in = (const double *)src;
    for (ptrdiff_t i = 0; i < count; i++) memcpy(dst + i * stride, in + 2 * i, 2 * sizeof(double));
}

lse_store lse_store_for(char kind, int size, int from)
{
    if (from == 16)
        return kind != 'c' ? NULL : size == 8 ? store_complex_float : size == 16 ? store_complex_double : NULL;
    if (from == LSE_LONGDOUBLE) {
        const int part = kind == 'c' ? size / 2 : size;
        return (kind == 'f' || kind == 'c') && part == (int)sizeof(longdouble) ? store_longdouble : NULL;
    }
#define PAIR(name) (from == 4 ? store_##name##_float : store_##name##_double)
    if (kind == 'V') return size == 2 ? PAIR(bfloat16) : NULL;
    if (kind != 'f') return NULL;
    if (size == 2 && store_half(from)) return store_half(from);
    return size == 4 ? PAIR(float) : size == 8 ? PAIR(double) : size == 2 ? PAIR(half) : NULL;
#undef PAIR
}
