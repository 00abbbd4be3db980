/* Eight floats or four doubles: AVX2 and FMA (Haswell, Zen and later). */
#include "kernels.h"
#include "target.h"

#if LSE_X86_64
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

LSE_REGION_BEGIN("avx2,fma,f16c")
#include "quarters.h"
#include "halves.h"

/* A register from pieces of 16, 8 or 4 bytes, and back. */
LSE_INLINE __m256 pieces_of(const char *x, const ptrdiff_t *at, const int bytes)
{
    const __m128 first = quarter_of(x, at, bytes), second = quarter_of(x, at + 16 / bytes, bytes);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(first), second, 1);
}
LSE_INLINE void put_pieces(char *x, const ptrdiff_t *at, const int bytes, __m256 a)
{
    put_quarter(x, at, bytes, _mm256_castps256_ps128(a));
    put_quarter(x, at + 16 / bytes, bytes, _mm256_extractf128_ps(a, 1));
}

typedef __m256 vf32;
enum { vf32_width = 8 };
LSE_INLINE vf32 vf32_load(const void *p) { return _mm256_loadu_ps((const float *)p); }
LSE_INLINE void vf32_store(void *p, vf32 a) { _mm256_storeu_ps((float *)p, a); }
LSE_INLINE vf32 vf32_set(float a) { return _mm256_set1_ps(a); }
LSE_INLINE vf32 vf32_add(vf32 a, vf32 b) { return _mm256_add_ps(a, b); }
LSE_INLINE vf32 vf32_sub(vf32 a, vf32 b) { return _mm256_sub_ps(a, b); }
LSE_INLINE vf32 vf32_mul(vf32 a, vf32 b) { return _mm256_mul_ps(a, b); }
LSE_INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return _mm256_fmadd_ps(a, b, c); }
LSE_INLINE vf32 vf32_max(vf32 a, vf32 b) { return _mm256_max_ps(a, b); }
LSE_INLINE vf32 vf32_min(vf32 a, vf32 b) { return _mm256_min_ps(a, b); }
LSE_INLINE vf32 vf32_pow2(vf32 t) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 23)); }
typedef __m256 mf32;
LSE_INLINE mf32 vf32_differs(vf32 a, vf32 b) { return _mm256_cmp_ps(a, b, _CMP_NEQ_UQ); }
LSE_INLINE int vf32_any_at_least(vf32 a, vf32 b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ)) != 0; }
LSE_INLINE vf32 vf32_keep(mf32 m, vf32 a) { return _mm256_and_ps(m, a); }
LSE_INLINE vf32 vf32_tally(mf32 m, vf32 count) { return _mm256_add_ps(count, _mm256_and_ps(m, _mm256_set1_ps(1.0f))); }
LSE_INLINE __m256i vf32_first(ptrdiff_t k)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)k), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
LSE_INLINE vf32 vf32_load_some(const void *p, ptrdiff_t k, vf32 rest)
{
    if (k >= 8) return _mm256_loadu_ps((const float *)p);
    if (k <= 0) return rest;
    const __m256i mask = vf32_first(k);
    return _mm256_blendv_ps(rest, _mm256_maskload_ps((const float *)p, mask), _mm256_castsi256_ps(mask));
}
LSE_INLINE void vf32_store_some(void *p, ptrdiff_t k, vf32 a)
{
    if (k >= 8) _mm256_storeu_ps((float *)p, a);
    else if (k > 0) _mm256_maskstore_ps((float *)p, vf32_first(k), a);
}
LSE_INLINE vf32 vf32_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    return pieces_of(x, at, length * 4);
}
LSE_INLINE void vf32_store_pieces(char *x, const ptrdiff_t *at, const int length, vf32 a)
{
    put_pieces(x, at, length * 4, a);
}
LSE_INLINE vf32 vf32_eighths(vf32 t, const int32_t *table)
{
    const __m256i i = _mm256_castps_si256(t);
    const __m256i entry = _mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)table), i);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(i, 20), entry));
}
LSE_INLINE float vf32_total(vf32 a)
{
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(p, _mm_shuffle_ps(p, p, 1)));
}
LSE_INLINE vf32 vf32_abs(vf32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
LSE_INLINE vf32 vf32_select(vf32 a, vf32 b, vf32 x, vf32 y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_GE_OQ));
}
LSE_INLINE vf32 vf32_where(const char *where, vf32 x, vf32 y)
{
    const __m256i bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)where));
    return _mm256_blendv_ps(y, x, _mm256_castsi256_ps(_mm256_cmpgt_epi32(bytes, _mm256_setzero_si256())));
}
LSE_INLINE vf32 vf32_exponent(vf32 a)
{
    const __m256i biased = _mm256_srli_epi32(_mm256_castps_si256(a), 23);
    return _mm256_sub_ps(_mm256_cvtepi32_ps(biased), _mm256_set1_ps(127.0f));
}
LSE_INLINE vf32 vf32_mantissa(vf32 a)
{
    const vf32 kept = _mm256_castsi256_ps(_mm256_set1_epi32((int)0x807fffffu));
    return _mm256_or_ps(_mm256_and_ps(a, kept), _mm256_set1_ps(1.0f));
}
LSE_INLINE vf32 vf32_lookup(const float *table, vf32 a)
{
    const __m256i i = _mm256_srli_epi32(_mm256_castps_si256(a), 19); /* bit 3 becomes the sign bit that blendv tests */
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(_mm256_loadu_ps(table), i),
                            _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), i),
                            _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)));
}
LSE_INLINE vf32 vf32_lower(vf32 c, vf32 a)
{
    const __m256i exponent = _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0xff << 23));
    return _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(c), exponent));
}
LSE_INLINE vf32 vf32_quarters(__m256 a) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xd8)); }
LSE_INLINE vf32 vf32_evens(vf32 a, vf32 b) { return vf32_quarters(_mm256_shuffle_ps(a, b, 0x88)); }
LSE_INLINE vf32 vf32_odds(vf32 a, vf32 b) { return vf32_quarters(_mm256_shuffle_ps(a, b, 0xdd)); }
LSE_INLINE float vf32_greatest(vf32 a)
{
    const __m128 q = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 p = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(p, _mm_shuffle_ps(p, p, 1)));
}
LSE_INLINE vf32 vf32_by_odd(vf32 t, vf32 x, vf32 y)
{
    return _mm256_blendv_ps(y, x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 31)));
}
LSE_INLINE vf32 vf32_turn_sign(vf32 a, vf32 t)
{
    const vf32 second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 30));
    return _mm256_xor_ps(a, _mm256_and_ps(second, _mm256_set1_ps(-0.0f)));
}

typedef __m256d vf64;
enum { vf64_width = 4 };
LSE_INLINE vf64 vf64_load(const void *p) { return _mm256_loadu_pd((const double *)p); }
LSE_INLINE void vf64_store(void *p, vf64 a) { _mm256_storeu_pd((double *)p, a); }
LSE_INLINE vf64 vf64_set(double a) { return _mm256_set1_pd(a); }
LSE_INLINE vf64 vf64_add(vf64 a, vf64 b) { return _mm256_add_pd(a, b); }
LSE_INLINE vf64 vf64_sub(vf64 a, vf64 b) { return _mm256_sub_pd(a, b); }
LSE_INLINE vf64 vf64_mul(vf64 a, vf64 b) { return _mm256_mul_pd(a, b); }
LSE_INLINE vf64 vf64_div(vf64 a, vf64 b) { return _mm256_div_pd(a, b); }
LSE_INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return _mm256_fmadd_pd(a, b, c); }
LSE_INLINE vf64 vf64_max(vf64 a, vf64 b) { return _mm256_max_pd(a, b); }
LSE_INLINE vf64 vf64_min(vf64 a, vf64 b) { return _mm256_min_pd(a, b); }
LSE_INLINE vf64 vf64_pow2(vf64 t) { return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(t), 52)); }
typedef __m256d mf64;
LSE_INLINE mf64 vf64_differs(vf64 a, vf64 b) { return _mm256_cmp_pd(a, b, _CMP_NEQ_UQ); }
LSE_INLINE int vf64_any_at_least(vf64 a, vf64 b) { return _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_GE_OQ)) != 0; }
LSE_INLINE int vf64_count_at_least(vf64 a, vf64 b)
{
    const int m = _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_GE_OQ));
    return (m & 1) + (m >> 1 & 1) + (m >> 2 & 1) + (m >> 3);
}
LSE_INLINE vf64 vf64_keep(mf64 m, vf64 a) { return _mm256_and_pd(m, a); }
LSE_INLINE vf64 vf64_tally(mf64 m, vf64 count) { return _mm256_add_pd(count, _mm256_and_pd(m, _mm256_set1_pd(1.0))); }
LSE_INLINE __m256i vf64_first(ptrdiff_t k)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(k), _mm256_setr_epi64x(0, 1, 2, 3));
}
LSE_INLINE vf64 vf64_load_some(const void *p, ptrdiff_t k, vf64 rest)
{
    if (k >= 4) return _mm256_loadu_pd((const double *)p);
    if (k <= 0) return rest;
    const __m256i mask = vf64_first(k);
    return _mm256_blendv_pd(rest, _mm256_maskload_pd((const double *)p, mask), _mm256_castsi256_pd(mask));
}
LSE_INLINE void vf64_store_some(void *p, ptrdiff_t k, vf64 a)
{
    if (k >= 4) _mm256_storeu_pd((double *)p, a);
    else if (k > 0) _mm256_maskstore_pd((double *)p, vf64_first(k), a);
}
LSE_INLINE vf64 vf64_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    return _mm256_castps_pd(pieces_of(x, at, length * 8));
}
LSE_INLINE void vf64_store_pieces(char *x, const ptrdiff_t *at, const int length, vf64 a)
{
    put_pieces(x, at, length * 8, _mm256_castpd_ps(a));
}
LSE_INLINE vf64 vf64_from_f32(const void *p) { return _mm256_cvtps_pd(_mm_loadu_ps((const float *)p)); }
LSE_INLINE vf64 vf64_from_f32_some(const void *p, ptrdiff_t k, vf64 rest)
{
    if (k >= 4) return vf64_from_f32(p);
    if (k <= 0) return rest;
    const __m128i mask = _mm_cmpgt_epi32(_mm_set1_epi32((int)k), _mm_setr_epi32(0, 1, 2, 3));
    const vf64 some = _mm256_cvtps_pd(_mm_maskload_ps((const float *)p, mask));
    return _mm256_blendv_pd(rest, some, _mm256_castsi256_pd(vf64_first(k)));
}
LSE_INLINE void vf64_to_f32(void *p, vf64 a) { _mm_storeu_ps((float *)p, _mm256_cvtpd_ps(a)); }
LSE_INLINE vf64 vf64_of_evens(vf32 a)
{
    return _mm256_castsi256_pd(_mm256_mul_epu32(_mm256_castps_si256(a), _mm256_set1_epi64x(1 << 29)));
}
LSE_INLINE vf64 vf64_of_odds(vf32 a)
{
    const __m256i high = _mm256_srli_epi64(_mm256_castps_si256(a), 3);
    return _mm256_castsi256_pd(_mm256_and_si256(high, _mm256_set1_epi64x(-(1LL << 29))));
}
LSE_INLINE vf64 vf64_where(const char *where, vf64 x, vf64 y)
{
    int32_t four;
    memcpy(&four, where, sizeof four);
    const __m256i bytes = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
    return _mm256_blendv_pd(y, x, _mm256_castsi256_pd(_mm256_cmpgt_epi64(bytes, _mm256_setzero_si256())));
}
LSE_INLINE vf64 vf64_exponent(vf64 a)
{
    const vf64 magic = _mm256_set1_pd(0x1p52); /* adding it leaves an integer below 2^52 in the low bits */
    const vf64 biased = _mm256_castsi256_pd(_mm256_srli_epi64(_mm256_castpd_si256(a), 52));
    return _mm256_sub_pd(_mm256_or_pd(biased, magic), _mm256_set1_pd(0x1p52 + 1023.0));
}
LSE_INLINE vf64 vf64_abs(vf64 a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
LSE_INLINE vf64 vf64_select(vf64 a, vf64 b, vf64 x, vf64 y)
{
    return _mm256_blendv_pd(y, x, _mm256_cmp_pd(a, b, _CMP_GE_OQ));
}
LSE_INLINE vf64 vf64_mantissa(vf64 a)
{
    const vf64 kept = _mm256_castsi256_pd(_mm256_set1_epi64x((long long)0x800fffffffffffffu));
    return _mm256_or_pd(_mm256_and_pd(a, kept), _mm256_set1_pd(1.0));
}
LSE_INLINE vf64 vf64_lookup(const double *table, vf64 a)
{
    const __m256i i = _mm256_srli_epi64(_mm256_slli_epi64(_mm256_castpd_si256(a), 12), 60);
    return _mm256_i64gather_pd(table, i, 8);
}
LSE_INLINE vf64 vf64_lower(vf64 c, vf64 a)
{
    const __m256i exponent = _mm256_and_si256(_mm256_castpd_si256(a), _mm256_set1_epi64x(0x7ffLL << 52));
    return _mm256_castsi256_pd(_mm256_sub_epi64(_mm256_castpd_si256(c), exponent));
}
LSE_INLINE vf64 vf64_sixteenths(vf64 t) { return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(t), 48)); }
LSE_INLINE vf64 vf64_evens(vf64 a, vf64 b) { return _mm256_permute4x64_pd(_mm256_unpacklo_pd(a, b), 0xd8); }
LSE_INLINE vf64 vf64_odds(vf64 a, vf64 b) { return _mm256_permute4x64_pd(_mm256_unpackhi_pd(a, b), 0xd8); }
LSE_INLINE double vf64_greatest(vf64 a)
{
    const __m128d p = _mm_max_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_max_sd(p, _mm_unpackhi_pd(p, p)));
}
LSE_INLINE vf64 vf64_by_odd(vf64 t, vf64 x, vf64 y)
{
    return _mm256_blendv_pd(y, x, _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(t), 63)));
}
LSE_INLINE vf64 vf64_turn_sign(vf64 a, vf64 t)
{
    const vf64 second = _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(t), 62));
    return _mm256_xor_pd(a, _mm256_and_pd(second, _mm256_set1_pd(-0.0)));
}
LSE_INLINE vf64 vf64_with_sign(vf64 a, vf64 b)
{
    const vf64 sign = _mm256_set1_pd(-0.0);
    return _mm256_or_pd(_mm256_andnot_pd(sign, a), _mm256_and_pd(sign, b));
}

#include "body.h"

LSE_REGION_END

const lse_kernels *lse_kernels_avx2(void) { LSE_TABLE("avx2"); }
#else
const lse_kernels *lse_kernels_avx2(void) { return NULL; }
#endif
