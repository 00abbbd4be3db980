/* Sixteen floats or eight doubles: AVX-512F alone (Skylake-X, Zen 4 and later). */
#include "kernels.h"
#include "target.h"

#if LSE_X86_64
#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

LSE_REGION_BEGIN("avx512f,f16c")
#include "quarters.h"
#include "halves.h"

/* A register from pieces of 32, 16, 8 or 4 bytes, and back. */
LSE_INLINE __m512d pieces_of(const char *x, const ptrdiff_t *at, const int bytes)
{
    if (bytes == 32) {
        const __m512d first = _mm512_castpd256_pd512(_mm256_loadu_pd((const void *)(x + at[0])));
        return _mm512_insertf64x4(first, _mm256_loadu_pd((const void *)(x + at[1])), 1);
    }
    const int each = 16 / bytes;
    __m256 half[2];
    LSE_UNROLL for (int h = 0; h < 2; h++, at += 2 * each)
        half[h] = _mm256_insertf128_ps(_mm256_castps128_ps256(quarter_of(x, at, bytes)),
                                       quarter_of(x, at + each, bytes), 1);
    return _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_castps_pd(half[0])), _mm256_castps_pd(half[1]), 1);
}
LSE_INLINE void put_pieces(char *x, const ptrdiff_t *at, const int bytes, __m512d a)
{
    const __m256d half[2] = {_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1)};
    LSE_UNROLL for (int h = 0; h < 2; h++) {
        if (bytes == 32) {
            _mm256_storeu_pd((void *)(x + at[h]), half[h]);
            continue;
        }
        const int each = 16 / bytes;
        const __m256 own = _mm256_castpd_ps(half[h]);
        put_quarter(x, at + 2 * h * each, bytes, _mm256_castps256_ps128(own));
        put_quarter(x, at + (2 * h + 1) * each, bytes, _mm256_extractf128_ps(own, 1));
    }
}

typedef __m512 vf32;
enum { vf32_width = 16 };
LSE_INLINE vf32 vf32_load(const void *p) { return _mm512_loadu_ps((const float *)p); }
LSE_INLINE void vf32_store(void *p, vf32 a) { _mm512_storeu_ps((float *)p, a); }
LSE_INLINE vf32 vf32_set(float a) { return _mm512_set1_ps(a); }
LSE_INLINE vf32 vf32_add(vf32 a, vf32 b) { return _mm512_add_ps(a, b); }
LSE_INLINE vf32 vf32_sub(vf32 a, vf32 b) { return _mm512_sub_ps(a, b); }
LSE_INLINE vf32 vf32_mul(vf32 a, vf32 b) { return _mm512_mul_ps(a, b); }
LSE_INLINE vf32 vf32_fma(vf32 a, vf32 b, vf32 c) { return _mm512_fmadd_ps(a, b, c); }
LSE_INLINE vf32 vf32_max(vf32 a, vf32 b) { return _mm512_max_ps(a, b); }
LSE_INLINE vf32 vf32_min(vf32 a, vf32 b) { return _mm512_min_ps(a, b); }
LSE_INLINE vf32 vf32_pow2(vf32 t) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(t), 23)); }
typedef __mmask16 mf32;
LSE_INLINE mf32 vf32_differs(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
LSE_INLINE int vf32_any_at_least(vf32 a, vf32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ) != 0; }
LSE_INLINE vf32 vf32_keep(mf32 m, vf32 a) { return _mm512_maskz_mov_ps(m, a); }
LSE_INLINE vf32 vf32_tally(mf32 m, vf32 count) { return _mm512_mask_add_ps(count, m, count, _mm512_set1_ps(1.0f)); }
LSE_INLINE vf32 vf32_load_some(const void *p, ptrdiff_t k, vf32 rest)
{
    return k >= 16 ? _mm512_loadu_ps(p) : k > 0 ? _mm512_mask_loadu_ps(rest, (__mmask16)((1u << k) - 1), p) : rest;
}
LSE_INLINE void vf32_store_some(void *p, ptrdiff_t k, vf32 a)
{
    if (k >= 16) _mm512_storeu_ps(p, a);
    else if (k > 0) _mm512_mask_storeu_ps(p, (__mmask16)((1u << k) - 1), a);
}
LSE_INLINE vf32 vf32_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    return _mm512_castpd_ps(pieces_of(x, at, length * 4));
}
LSE_INLINE void vf32_store_pieces(char *x, const ptrdiff_t *at, const int length, vf32 a)
{
    put_pieces(x, at, length * 4, _mm512_castps_pd(a));
}
LSE_INLINE vf32 vf32_eighths(vf32 t, const int32_t *table)
{
    const __m512i i = _mm512_castps_si512(t);
    const __m512i entries = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)table));
    const __m512i entry = _mm512_permutexvar_epi32(i, entries);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(i, 20), entry));
}
LSE_INLINE float vf32_total(vf32 a)
{
    const __m256 half = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), half);
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(p, _mm_shuffle_ps(p, p, 1)));
}
LSE_INLINE vf32 vf32_abs(vf32 a) { return _mm512_abs_ps(a); }
LSE_INLINE vf32 vf32_select(vf32 a, vf32 b, vf32 x, vf32 y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GE_OQ), y, x);
}
LSE_INLINE vf32 vf32_where(const char *where, vf32 x, vf32 y)
{
    const __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)where));
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(bytes, bytes), y, x);
}
LSE_INLINE vf32 vf32_exponent(vf32 a)
{
    return _mm512_maskz_getexp_ps(_mm512_cmp_ps_mask(a, _mm512_set1_ps(FLT_MIN), _CMP_GE_OQ), a);
}
LSE_INLINE vf32 vf32_mantissa(vf32 a) { return _mm512_getmant_ps(a, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src); }
LSE_INLINE vf32 vf32_lookup(const float *table, vf32 a)
{
    return _mm512_permutexvar_ps(_mm512_srli_epi32(_mm512_castps_si512(a), 19), _mm512_loadu_ps(table));
}
LSE_INLINE vf32 vf32_lower(vf32 c, vf32 a)
{
    const __m512i exponent = _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0xff << 23));
    return _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(c), exponent));
}
LSE_INLINE vf32 vf32_evens(vf32 a, vf32 b)
{
    const __m512i i = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(a, i, b);
}
LSE_INLINE vf32 vf32_odds(vf32 a, vf32 b)
{
    const __m512i i = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_ps(a, i, b);
}
LSE_INLINE float vf32_greatest(vf32 a)
{
    const __m256 half = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
    const __m256 m = _mm256_max_ps(_mm512_castps512_ps256(a), half);
    const __m128 q = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
    const __m128 p = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(p, _mm_shuffle_ps(p, p, 1)));
}
LSE_INLINE vf32 vf32_by_odd(vf32 t, vf32 x, vf32 y)
{
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(_mm512_castps_si512(t), _mm512_set1_epi32(1)), y, x);
}
LSE_INLINE vf32 vf32_turn_sign(vf32 a, vf32 t)
{
    const __m512i second = _mm512_slli_epi32(_mm512_castps_si512(t), 30), sign = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a), _mm512_and_si512(second, sign)));
}

typedef __m512d vf64;
enum { vf64_width = 8 };
LSE_INLINE vf64 vf64_load(const void *p) { return _mm512_loadu_pd((const double *)p); }
LSE_INLINE void vf64_store(void *p, vf64 a) { _mm512_storeu_pd((double *)p, a); }
LSE_INLINE vf64 vf64_set(double a) { return _mm512_set1_pd(a); }
LSE_INLINE vf64 vf64_add(vf64 a, vf64 b) { return _mm512_add_pd(a, b); }
LSE_INLINE vf64 vf64_sub(vf64 a, vf64 b) { return _mm512_sub_pd(a, b); }
LSE_INLINE vf64 vf64_mul(vf64 a, vf64 b) { return _mm512_mul_pd(a, b); }
LSE_INLINE vf64 vf64_div(vf64 a, vf64 b) { return _mm512_div_pd(a, b); }
LSE_INLINE vf64 vf64_fma(vf64 a, vf64 b, vf64 c) { return _mm512_fmadd_pd(a, b, c); }
LSE_INLINE vf64 vf64_max(vf64 a, vf64 b) { return _mm512_max_pd(a, b); }
LSE_INLINE vf64 vf64_min(vf64 a, vf64 b) { return _mm512_min_pd(a, b); }
LSE_INLINE vf64 vf64_pow2(vf64 t) { return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(t), 52)); }
typedef __mmask8 mf64;
LSE_INLINE mf64 vf64_differs(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_NEQ_UQ); }
LSE_INLINE int vf64_any_at_least(vf64 a, vf64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ) != 0; }
LSE_INLINE int vf64_count_at_least(vf64 a, vf64 b)
{
    int m = _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ), count = 0;
    for (; m; m &= m - 1) count++;
    return count;
}
LSE_INLINE vf64 vf64_keep(mf64 m, vf64 a) { return _mm512_maskz_mov_pd(m, a); }
LSE_INLINE vf64 vf64_tally(mf64 m, vf64 count) { return _mm512_mask_add_pd(count, m, count, _mm512_set1_pd(1.0)); }
LSE_INLINE vf64 vf64_load_some(const void *p, ptrdiff_t k, vf64 rest)
{
    return k >= 8 ? _mm512_loadu_pd(p) : k > 0 ? _mm512_mask_loadu_pd(rest, (__mmask8)((1u << k) - 1), p) : rest;
}
LSE_INLINE void vf64_store_some(void *p, ptrdiff_t k, vf64 a)
{
    if (k >= 8) _mm512_storeu_pd(p, a);
    else if (k > 0) _mm512_mask_storeu_pd(p, (__mmask8)((1u << k) - 1), a);
}
LSE_INLINE vf64 vf64_load_pieces(const char *x, const ptrdiff_t *at, const int length)
{
    return pieces_of(x, at, length * 8);
}
LSE_INLINE void vf64_store_pieces(char *x, const ptrdiff_t *at, const int length, vf64 a)
{
    put_pieces(x, at, length * 8, a);
}
LSE_INLINE vf64 vf64_from_f32(const void *p) { return _mm512_cvtps_pd(_mm256_loadu_ps((const float *)p)); }
LSE_INLINE vf64 vf64_from_f32_some(const void *p, ptrdiff_t k, vf64 rest)
{
    if (k >= 8) return vf64_from_f32(p);
    if (k <= 0) return rest;
    const __m512d some = _mm512_cvtps_pd(_mm512_castps512_ps256(vf32_load_some(p, k, vf32_set(0.0f))));
    return _mm512_mask_blend_pd((__mmask8)((1u << k) - 1), rest, some);
}
LSE_INLINE void vf64_to_f32(void *p, vf64 a) { _mm256_storeu_ps((float *)p, _mm512_cvtpd_ps(a)); }
LSE_INLINE vf64 vf64_of_evens(vf32 a)
{
    return _mm512_castsi512_pd(_mm512_mul_epu32(_mm512_castps_si512(a), _mm512_set1_epi64(1 << 29)));
}
LSE_INLINE vf64 vf64_of_odds(vf32 a)
{
    const __m512i high = _mm512_srli_epi64(_mm512_castps_si512(a), 3);
    return _mm512_castsi512_pd(_mm512_and_si512(high, _mm512_set1_epi64(-(1LL << 29))));
}
LSE_INLINE vf64 vf64_where(const char *where, vf64 x, vf64 y)
{
    const __m512i bytes = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)where));
    return _mm512_mask_blend_pd(_mm512_test_epi64_mask(bytes, bytes), y, x);
}
LSE_INLINE vf64 vf64_exponent(vf64 a)
{
    return _mm512_maskz_getexp_pd(_mm512_cmp_pd_mask(a, _mm512_set1_pd(DBL_MIN), _CMP_GE_OQ), a);
}
LSE_INLINE vf64 vf64_abs(vf64 a) { return _mm512_abs_pd(a); }
LSE_INLINE vf64 vf64_select(vf64 a, vf64 b, vf64 x, vf64 y)
{
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_GE_OQ), y, x);
}
LSE_INLINE vf64 vf64_mantissa(vf64 a) { return _mm512_getmant_pd(a, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src); }
LSE_INLINE vf64 vf64_lookup(const double *table, vf64 a)
{
    const __m512i i = _mm512_srli_epi64(_mm512_castpd_si512(a), 48);
    return _mm512_permutex2var_pd(_mm512_loadu_pd(table), i, _mm512_loadu_pd(table + 8));
}
LSE_INLINE vf64 vf64_lower(vf64 c, vf64 a)
{
    const __m512i exponent = _mm512_and_si512(_mm512_castpd_si512(a), _mm512_set1_epi64(0x7ffLL << 52));
    return _mm512_castsi512_pd(_mm512_sub_epi64(_mm512_castpd_si512(c), exponent));
}
LSE_INLINE vf64 vf64_sixteenths(vf64 t) { return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(t), 48)); }
LSE_INLINE vf64 vf64_evens(vf64 a, vf64 b)
{
    return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b);
}
LSE_INLINE vf64 vf64_odds(vf64 a, vf64 b)
{
    return _mm512_permutex2var_pd(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b);
}
LSE_INLINE double vf64_greatest(vf64 a)
{
    const __m256d m = _mm256_max_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    const __m128d p = _mm_max_pd(_mm256_castpd256_pd128(m), _mm256_extractf128_pd(m, 1));
    return _mm_cvtsd_f64(_mm_max_sd(p, _mm_unpackhi_pd(p, p)));
}
LSE_INLINE vf64 vf64_by_odd(vf64 t, vf64 x, vf64 y)
{
    return _mm512_mask_blend_pd(_mm512_test_epi64_mask(_mm512_castpd_si512(t), _mm512_set1_epi64(1)), y, x);
}
LSE_INLINE vf64 vf64_turn_sign(vf64 a, vf64 t)
{
    const __m512i second = _mm512_slli_epi64(_mm512_castpd_si512(t), 62), sign = _mm512_set1_epi64(INT64_MIN);
    return _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(a), _mm512_and_si512(second, sign)));
}
LSE_INLINE vf64 vf64_with_sign(vf64 a, vf64 b)
{
    const __m512i sign = _mm512_set1_epi64(INT64_MIN), of_b = _mm512_and_si512(_mm512_castpd_si512(b), sign);
    return _mm512_castsi512_pd(_mm512_or_si512(_mm512_andnot_si512(sign, _mm512_castpd_si512(a)), of_b));
}

/* Adjacent rows of n = 3 or 5 elements, one for each lane, become a register for each of the n elements, and back:
 * element j = k n + i of the run, below 80, is lane k of register i. */
#define LSE_HAS_DEAL
#define DEAL(F, LANES, EXPONENT, BITS, SUFFIX, MULTIPLY, ...)                                                         \
    LSE_INLINE __m512i multiple_##F(__m512i k, const int n) /* k n */                                                 \
    {                                                                                                                 \
        const __m512i twice = _mm512_add_##BITS(k, k);                                                                \
        return n == 3 ? _mm512_add_##BITS(twice, k) : _mm512_add_##BITS(_mm512_add_##BITS(twice, twice), k);          \
    }                                                                                                                 \
    LSE_INLINE void v##F##_deal(v##F *v, const int n)                                                                 \
    {                                                                                                                 \
        v##F dealt[5];                                                                                                \
        const __m512i start = multiple_##F(_mm512_setr_##BITS(__VA_ARGS__), n);                                       \
        LSE_UNROLL for (int i = 0; i < n; i++) {                                                                      \
            const __m512i j = _mm512_add_##BITS(start, _mm512_set1_##BITS(i));                                        \
            const __m512i from = _mm512_srli_##BITS(j, EXPONENT);                                                     \
            dealt[i] = _mm512_permutex2var_##SUFFIX(v[0], j, v[1]);                                                   \
            LSE_UNROLL for (int r = 2; r < n; r++)                                                                    \
                dealt[i] = _mm512_mask_permutexvar_##SUFFIX(                                                          \
                    dealt[i], _mm512_cmpeq_##BITS##_mask(from, _mm512_set1_##BITS(r)), j, v[r]);                      \
        }                                                                                                             \
        LSE_UNROLL for (int i = 0; i < n; i++) v[i] = dealt[i];                                                       \
    }                                                                                                                 \
    LSE_INLINE void v##F##_deal_back(v##F *v, const int n)                                                            \
    {                                                                                                                 \
        v##F run[5];                                                                                                  \
        const __m512i lane = _mm512_setr_##BITS(__VA_ARGS__);                                                         \
        LSE_UNROLL for (int r = 0; r < n; r++) {                                                                      \
            const __m512i j = _mm512_add_##BITS(lane, _mm512_set1_##BITS(LANES * r));                                 \
            const __m512i scaled = MULTIPLY(j, _mm512_set1_##BITS(n == 3 ? 171 : 205));                               \
            const __m512i k = _mm512_srli_##BITS(scaled, n == 3 ? 9 : 10);                                            \
            const __m512i i = _mm512_sub_##BITS(j, multiple_##F(k, n));                                               \
            const __m512i at = _mm512_add_##BITS(k, _mm512_slli_##BITS(i, EXPONENT));                                 \
            run[r] = _mm512_permutex2var_##SUFFIX(v[0], at, v[1]);                                                    \
            LSE_UNROLL for (int line = 2; line < n; line++)                                                           \
                run[r] = _mm512_mask_permutexvar_##SUFFIX(                                                            \
                    run[r], _mm512_cmpeq_##BITS##_mask(i, _mm512_set1_##BITS(line)), at, v[line]);                    \
        }                                                                                                             \
        LSE_UNROLL for (int r = 0; r < n; r++) v[r] = run[r];                                                         \
    }
DEAL(f32, 16, 4, epi32, ps, _mm512_mullo_epi32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
DEAL(f64, 8, 3, epi64, pd, _mm512_mul_epu32, 0, 1, 2, 3, 4, 5, 6, 7)
#undef DEAL

/* Reductions to one number are not faster in wide registers: a call of 8 doubles takes 121 ns in these, 110 in
 * AVX2's. */
#define LSE_PRODUCT_ROWS 8
#define LSE_FEW_BY lse_kernels_avx2
#include "body.h"

LSE_REGION_END

const lse_kernels *lse_kernels_avx512(void) { LSE_TABLE("avx512"); }
#else
const lse_kernels *lse_kernels_avx512(void) { return NULL; }
#endif
