/* Sixteen bytes from pieces of 16, 8 or 4 at different places and back, without a copy in memory, which a wider load
 * would have to wait for. */

LSE_INLINE __m128 quarter_of(const char *x, const ptrdiff_t *at, const int bytes)
{
    if (bytes == 16) return _mm_castpd_ps(_mm_loadu_pd((const void *)(x + at[0])));
    if (bytes == 8)
        return _mm_castpd_ps(_mm_loadh_pd(_mm_load_sd((const void *)(x + at[0])), (const void *)(x + at[1])));
    const __m128 first = _mm_load_ss((const void *)(x + at[0])), second = _mm_load_ss((const void *)(x + at[1]));
    const __m128 third = _mm_load_ss((const void *)(x + at[2])), fourth = _mm_load_ss((const void *)(x + at[3]));
    return _mm_movelh_ps(_mm_unpacklo_ps(first, second), _mm_unpacklo_ps(third, fourth));
}

LSE_INLINE void put_quarter(char *x, const ptrdiff_t *at, const int bytes, __m128 quarter)
{
    const __m128d two = _mm_castps_pd(quarter);
    if (bytes == 16) {
        _mm_storeu_pd((void *)(x + at[0]), two);
    } else if (bytes == 8) {
        _mm_store_sd((void *)(x + at[0]), two);
        _mm_storeh_pd((void *)(x + at[1]), two);
    } else {
        const __m128i four = _mm_castps_si128(quarter);
        _mm_store_ss((void *)(x + at[0]), quarter);
        _mm_store_ss((void *)(x + at[1]), _mm_castsi128_ps(_mm_shuffle_epi32(four, 1)));
        _mm_store_ss((void *)(x + at[2]), _mm_castsi128_ps(_mm_shuffle_epi32(four, 2)));
        _mm_store_ss((void *)(x + at[3]), _mm_castsi128_ps(_mm_shuffle_epi32(four, 3)));
    }
}
