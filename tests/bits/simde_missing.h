/* AVX-512 operations that SIMDe lacks, lane by lane, for what avx512.c gives them. */
#include <stdint.h>
#include <string.h>

static inline simde__m512 missing_getexp_ps(simde__mmask16 mask, simde__m512 a)
{
    float x[16];
    simde_mm512_storeu_ps(x, a);
    for (int i = 0; i < 16; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        x[i] = mask >> i & 1 ? (float)(bits >> 23 & 0xff) - 127.0f : 0.0f;
    }
    return simde_mm512_loadu_ps(x);
}

static inline simde__m512d missing_getexp_pd(simde__mmask8 mask, simde__m512d a)
{
    double x[8];
    simde_mm512_storeu_pd(x, a);
    for (int i = 0; i < 8; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        x[i] = mask >> i & 1 ? (double)(bits >> 52 & 0x7ff) - 1023.0 : 0.0;
    }
    return simde_mm512_loadu_pd(x);
}

static inline simde__m512 missing_getmant_ps(simde__m512 a)
{
    uint32_t bits[16];
    simde_mm512_storeu_ps((float *)bits, a);
    for (int i = 0; i < 16; i++) bits[i] = (bits[i] & 0x807fffffu) | 0x3f800000u;
    return simde_mm512_loadu_ps((const float *)bits);
}

static inline simde__m512d missing_getmant_pd(simde__m512d a)
{
    uint64_t bits[8];
    simde_mm512_storeu_pd((double *)bits, a);
    for (int i = 0; i < 8; i++) bits[i] = (bits[i] & 0x800fffffffffffffu) | 0x3ff0000000000000u;
    return simde_mm512_loadu_pd((const double *)bits);
}

static inline simde__m512i missing_cvtepu8_epi32(simde__m128i a)
{
    uint8_t bytes[16];
    uint32_t wide[16];
    simde_mm_storeu_si128((simde__m128i *)bytes, a);
    for (int i = 0; i < 16; i++) wide[i] = bytes[i];
    return simde_mm512_loadu_si512(wide);
}

static inline simde__m512i missing_cvtepu8_epi64(simde__m128i a)
{
    uint8_t bytes[16];
    uint64_t wide[8];
    simde_mm_storeu_si128((simde__m128i *)bytes, a);
    for (int i = 0; i < 8; i++) wide[i] = bytes[i];
    return simde_mm512_loadu_si512(wide);
}

#define _mm512_maskz_getexp_ps(mask, a) missing_getexp_ps(mask, a)
#define _mm512_maskz_getexp_pd(mask, a) missing_getexp_pd(mask, a)
#define _mm512_getmant_ps(a, interval, sign) missing_getmant_ps(a)
#define _mm512_getmant_pd(a, interval, sign) missing_getmant_pd(a)
#define _mm512_cvtepu8_epi32(a) missing_cvtepu8_epi32(a)
#define _mm512_cvtepu8_epi64(a) missing_cvtepu8_epi64(a)
