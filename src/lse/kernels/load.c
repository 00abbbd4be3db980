/* Copies between strided memory of any type and the contiguous float or double buffers of the kernels. */
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "target.h"

/* Floats of 16 bits, by their places of mantissa and the exponent of their smallest normal number: IEEE binary16 and
 * bfloat16. */
enum { HALF_PLACES = 10, HALF_LEAST = -14, BRAIN_PLACES = 7, BRAIN_LEAST = -126 };

LSE_INLINE double double_of(uint16_t bits, int places, int least)
{
    const int exponents = (1 << (15 - places)) - 1, exponent = bits >> places & exponents;
    const uint64_t sign = (uint64_t)(bits >> 15) << 63, mantissa = bits & ((1u << places) - 1);
    uint64_t wide;
    double x;
    if (exponent == 0) { /* zero or subnormal: a multiple of 2^(least - places) */
        wide = (uint64_t)(1023 + least - places) << 52;
        memcpy(&x, &wide, sizeof x);
        x *= (double)mantissa;
        return sign ? -x : x;
    }
    wide = (uint64_t)(exponent == exponents ? 2047 : exponent - 1 + least + 1023) << 52;
    wide |= sign | mantissa << (52 - places);
    memcpy(&x, &wide, sizeof x);
    return x;
}

/* Rounded to nearest, ties to even; NaN to a quiet NaN. */
LSE_INLINE uint16_t bits_of(double x, int places, int least)
{
    const uint64_t infinite = ((1u << (15 - places)) - 1u) << places;
    const int drop = 52 - places;
    uint64_t wide, sign, down;
    double magic;
    memcpy(&wide, &x, sizeof wide);
    sign = wide >> 63 << 15;
    wide &= ~(uint64_t)0 >> 1;
    memcpy(&x, &wide, sizeof x);
    if (x != x) return (uint16_t)(sign | infinite | 1u << (places - 1));
    down = (uint64_t)(1023 + least) << 52;
    if (wide < down) { /* adding magic leaves the multiple of 2^(least - places) in the low bits */
        const uint64_t start = (uint64_t)(1023 + least - places + 52) << 52;
        memcpy(&magic, &start, sizeof magic);
        x += magic;
        memcpy(&wide, &x, sizeof wide);
        return (uint16_t)(sign | (wide - start));
    }
    wide += ((uint64_t)1 << (drop - 1)) - 1 + (wide >> drop & 1);
    wide = (wide >> drop) - ((uint64_t)(1022 + least) << places);
    return (uint16_t)(sign | (wide > infinite ? infinite : wide));
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

#define LOAD_LOOP(name, from, to, prepare, value)                                           \
    static void name(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)         \
    {                                                                                       \
        to *out = (to *)dst;                                                                \
        for (ptrdiff_t i = 0; i < count; i++, src += stride) {                              \
            from x;                                                                         \
            memcpy(&x, src, sizeof x);                                                      \
            prepare;                                                                        \
            out[i] = (to)(value);                                                           \
        }                                                                                   \
    }
#define LOAD_TO(name, from, to, value)                                            \
    LOAD_LOOP(load_##name##_##to, from, to, (void)0, value)                       \
    LOAD_LOOP(load_swapped_##name##_##to, from, to, swap(&x, sizeof x), value)
#define LOAD(name, from, value) LOAD_TO(name, from, float, value) LOAD_TO(name, from, double, value)

LOAD(float, float, x)
LOAD(double, double, x)
LOAD(half, uint16_t, double_of(x, HALF_PLACES, HALF_LEAST))
LOAD(brain, uint16_t, double_of(x, BRAIN_PLACES, BRAIN_LEAST))
LOAD(int8_t, int8_t, x)
LOAD(int16_t, int16_t, x)
LOAD(int32_t, int32_t, x)
LOAD(int64_t, int64_t, x)
LOAD(uint8_t, uint8_t, x)
LOAD(uint16_t, uint16_t, x)
LOAD(uint32_t, uint32_t, x)
LOAD(uint64_t, uint64_t, x)

lse_load lse_load_for(char kind, int size, int swapped, int to)
{
#define PAIR(name) \
    (to == 4 ? swapped ? load_swapped_##name##_float : load_##name##_float \
             : swapped ? load_swapped_##name##_double : load_##name##_double)
    switch (kind) {
    case 'f': return size == 4 ? PAIR(float) : size == 8 ? PAIR(double) : size == 2 ? PAIR(half) : NULL;
    case 'V': return size == 2 ? PAIR(brain) : NULL;
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

#define STORE_FROM(name, from, to, value)                                                       \
    static void store_##name##_##from(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src) \
    {                                                                                           \
        const from *in = (const from *)src;                                                     \
        for (ptrdiff_t i = 0; i < count; i++, dst += stride) {                                  \
            const from x = in[i];                                                               \
            const to result = value;                                                            \
            memcpy(dst, &result, sizeof result);                                                \
        }                                                                                       \
    }
#define STORE(name, to, value) STORE_FROM(name, float, to, value) STORE_FROM(name, double, to, value)

STORE(float, float, (float)x)
STORE(double, double, (double)x)
STORE(half, uint16_t, bits_of((double)x, HALF_PLACES, HALF_LEAST))
STORE(brain, uint16_t, bits_of((double)x, BRAIN_PLACES, BRAIN_LEAST))

lse_store lse_store_for(char kind, int size, int from)
{
#define PAIR(name) (from == 4 ? store_##name##_float : store_##name##_double)
    if (kind == 'V') return size == 2 ? PAIR(brain) : NULL;
    if (kind != 'f') return NULL;
    return size == 4 ? PAIR(float) : size == 8 ? PAIR(double) : size == 2 ? PAIR(half) : NULL;
#undef PAIR
}
