/* AVX-512 operations that SIMDe lacks, lane by lane, for the operands in avx512.c. */
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

static inline simde__m512 missing_mask_loadu_ps(simde__m512 rest, simde__mmask16 mask, const void *p)
{
    float x[16];
    simde_mm512_storeu_ps(x, rest);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy(&x[i], (const char *)p + 4 * i, 4);
    return simde_mm512_loadu_ps(x);
}

static inline simde__m512d missing_mask_loadu_pd(simde__m512d rest, simde__mmask8 mask, const void *p)
{
    double x[8];
    simde_mm512_storeu_pd(x, rest);
    for (int i = 0; i < 8; i++)
        if (mask >> i & 1) memcpy(&x[i], (const char *)p + 8 * i, 8);
    return simde_mm512_loadu_pd(x);
}

static inline void missing_mask_storeu_ps(void *p, simde__mmask16 mask, simde__m512 a)
{
    float x[16];
    simde_mm512_storeu_ps(x, a);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) memcpy((char *)p + 4 * i, &x[i], 4);
}

static inline void missing_mask_storeu_pd(void *p, simde__mmask8 mask, simde__m512d a)
{
    double x[8];
    simde_mm512_storeu_pd(x, a);
    for (int i = 0; i < 8; i++)
        if (mask >> i & 1) memcpy((char *)p + 8 * i, &x[i], 8);
}

static inline simde__m512d missing_cvtps_pd(simde__m256 a)
{
    float x[8];
    double wide[8];
    simde_mm256_storeu_ps(x, a);
    for (int i = 0; i < 8; i++) wide[i] = (double)x[i];
    return simde_mm512_loadu_pd(wide);
}

static inline simde__m256 missing_cvtpd_ps(simde__m512d a)
{
    double x[8];
    float narrow[8];
    simde_mm512_storeu_pd(x, a);
    for (int i = 0; i < 8; i++) narrow[i] = (float)x[i];
    return simde_mm256_loadu_ps(narrow);
}

#define _mm512_maskz_getexp_ps(mask, a) missing_getexp_ps(mask, a)
#define _mm512_maskz_getexp_pd(mask, a) missing_getexp_pd(mask, a)
#define _mm512_getmant_ps(a, interval, sign) missing_getmant_ps(a)
#define _mm512_getmant_pd(a, interval, sign) missing_getmant_pd(a)
#define _mm512_cvtepu8_epi32(a) missing_cvtepu8_epi32(a)
#define _mm512_cvtepu8_epi64(a) missing_cvtepu8_epi64(a)
#define _mm512_mask_loadu_ps(rest, mask, p) missing_mask_loadu_ps(rest, mask, p)
#define _mm512_mask_loadu_pd(rest, mask, p) missing_mask_loadu_pd(rest, mask, p)
#define _mm512_mask_storeu_ps(p, mask, a) missing_mask_storeu_ps(p, mask, a)
#define _mm512_mask_storeu_pd(p, mask, a) missing_mask_storeu_pd(p, mask, a)
#define _mm512_cvtps_pd(a) missing_cvtps_pd(a)
#define _mm512_cvtpd_ps(a) missing_cvtpd_ps(a)
