/* Copies between strided memory of any type and the contiguous float or double buffers of the kernels. */
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "target.h"

LSE_INLINE void swap(void *p, size_t size)
{
    unsigned char *b = (unsigned char *)p;
    for (size_t i = 0; i < size / 2; i++) {
        const unsigned char t = b[i];
        b[i] = b[size - 1 - i];
        b[size - 1 - i] = t;
    }
}

#define LOAD_LOOP(name, from, to, prepare)                                                  \
    static void name(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)         \
    {                                                                                       \
        to *out = (to *)dst;                                                                \
        for (ptrdiff_t i = 0; i < count; i++, src += stride) {                              \
            from x;                                                                         \
            memcpy(&x, src, sizeof x);                                                      \
            prepare;                                                                        \
            out[i] = (to)x;                                                                 \
        }                                                                                   \
    }
#define LOAD(from, to)                                             \
    LOAD_LOOP(load_##from, from, to, (void)0)                      \
    LOAD_LOOP(load_swapped_##from, from, to, swap(&x, sizeof x))

LOAD(float, float)
LOAD(double, double)
LOAD(int8_t, double)
LOAD(int16_t, double)
LOAD(int32_t, double)
LOAD(int64_t, double)
LOAD(uint8_t, double)
LOAD(uint16_t, double)
LOAD(uint32_t, double)
LOAD(uint64_t, double)

lse_load lse_load_for(char kind, int size, int swapped)
{
#define PAIR(type) (swapped ? load_swapped_##type : load_##type)
    switch (kind) {
    case 'f': return size == 4 ? PAIR(float) : size == 8 ? PAIR(double) : NULL;
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

#define STORE(type)                                                                               \
    static void store_##type(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src)       \
    {                                                                                             \
        const type *in = (const type *)src;                                                       \
        for (ptrdiff_t i = 0; i < count; i++, dst += stride) memcpy(dst, &in[i], sizeof in[i]);   \
    }

STORE(float)
STORE(double)

lse_store lse_store_for(int size) { return size == 4 ? store_float : store_double; }
