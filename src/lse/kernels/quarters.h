/* Sixteen bytes from pieces of 16, 8 or 4 at different places and back, without a copy in memory, which a wider load
 * would have to wait for. */

/* By memcpy, for no alignment is known. */
LSE_INLINE __m128 single_of(const char *x) { float own; memcpy(&own, x, sizeof own); return _mm_set_ss(own); }
LSE_INLINE __m128d double_of(const char *x) { double own; memcpy(&own, x, sizeof own); return _mm_set_sd(own); }
LSE_INLINE void put_single(char *x, __m128 a) { const float own = _mm_cvtss_f32(a); memcpy(x, &own, sizeof own); }
LSE_INLINE void put_double(char *x, __m128d a) { const double own = _mm_cvtsd_f64(a); memcpy(x, &own, sizeof own); }

LSE_INLINE __m128 quarter_of(const char *x, const ptrdiff_t *at, const int bytes)
{
    if (bytes == 16) return _mm_castpd_ps(_mm_loadu_pd((const void *)(x + at[0])));
    if (bytes == 8) return _mm_castpd_ps(_mm_unpacklo_pd(double_of(x + at[0]), double_of(x + at[1])));
    return _mm_movelh_ps(_mm_unpacklo_ps(single_of(x + at[0]), single_of(x + at[1])),
                         _mm_unpacklo_ps(single_of(x + at[2]), single_of(x + at[3])));
}

LSE_INLINE void put_quarter(char *x, const ptrdiff_t *at, const int bytes, __m128 quarter)
{
    const __m128d two = _mm_castps_pd(quarter);
    if (bytes == 16) {
        _mm_storeu_pd((void *)(x + at[0]), two);
    } else if (bytes == 8) {
        put_double(x + at[0], two);
        put_double(x + at[1], _mm_unpackhi_pd(two, two));
    } else {
        put_single(x + at[0], quarter);
        put_single(x + at[1], _mm_shuffle_ps(quarter, quarter, 1));
        put_single(x + at[2], _mm_shuffle_ps(quarter, quarter, 2));
        put_single(x + at[3], _mm_shuffle_ps(quarter, quarter, 3));
    }
}
