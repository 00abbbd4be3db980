/* Sixteen floats or eight doubles: AVX-512F alone (Skylake-X, Zen 4 and later). */
#include "kernels.h"
#include "target.h"

#if LSE_X86_64
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

LSE_REGION_BEGIN("avx512f")

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
LSE_INLINE float vf32_greatest(vf32 a) { return _mm512_reduce_max_ps(a); }

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
LSE_INLINE vf64 vf64_exponent(vf64 a) { return _mm512_getexp_pd(a); }
LSE_INLINE double vf64_greatest(vf64 a) { return _mm512_reduce_max_pd(a); }

#include "body.h"

LSE_REGION_END

const lse_kernels *lse_kernels_avx512(void) { LSE_TABLE("avx512"); }
#else
const lse_kernels *lse_kernels_avx512(void) { return NULL; }
#endif
