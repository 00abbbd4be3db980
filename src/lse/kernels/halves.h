/* IEEE binary16 to float or double and back, by the instructions of x86-64, with the bits of load.c: eight numbers at a
 * time, which are gathered first where they are not neighbours. */

/* `some` numbers, at most eight; memory beyond them is not accessed. */
LSE_INLINE __m256 floats_of_halves(const char *src, ptrdiff_t stride, ptrdiff_t some)
{
    uint16_t own[8] = {0};
    if (stride == 2 && some == 8) return _mm256_cvtph_ps(_mm_loadu_si128((const void *)src));
    for (ptrdiff_t k = 0; k < some; k++) memcpy(&own[k], src + k * stride, sizeof own[k]);
    return _mm256_cvtph_ps(_mm_loadu_si128((const void *)own));
}

static void load_half_float(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)
{
    float last[8], *out = (float *)dst;
    for (; count >= 8; count -= 8, src += 8 * stride, out += 8)
        _mm256_storeu_ps(out, floats_of_halves(src, stride, 8));
    if (count == 0) return;
    _mm256_storeu_ps(last, floats_of_halves(src, stride, count));
    memcpy(out, last, (size_t)count * sizeof *out);
}

LSE_INLINE void put_doubles(double *out, __m256 x)
{
    _mm256_storeu_pd(out, _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
    _mm256_storeu_pd(out + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
}

static void load_half_double(const char *src, ptrdiff_t stride, ptrdiff_t count, void *dst)
{
    double last[8], *out = (double *)dst;
    for (; count >= 8; count -= 8, src += 8 * stride, out += 8) put_doubles(out, floats_of_halves(src, stride, 8));
    if (count == 0) return;
    put_doubles(last, floats_of_halves(src, stride, count));
    memcpy(out, last, (size_t)count * sizeof *out);
}

/* As floats_of_halves. NaN keeps its sign alone. */
LSE_INLINE void put_halves(char *dst, ptrdiff_t stride, ptrdiff_t some, __m256 x)
{
    uint16_t own[8];
    const __m256 nan = _mm256_or_ps(_mm256_and_ps(x, _mm256_set1_ps(-0.0f)), _mm256_set1_ps((float)NAN));
    const __m256 same = _mm256_blendv_ps(x, nan, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    const __m128i halves = _mm256_cvtps_ph(same, _MM_FROUND_TO_NEAREST_INT);
    if (stride == 2 && some == 8) {
        _mm_storeu_si128((void *)dst, halves);
        return;
    }
    _mm_storeu_si128((void *)own, halves);
    for (ptrdiff_t k = 0; k < some; k++) memcpy(dst + k * stride, &own[k], sizeof own[k]);
}

static void store_half_float(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src)
{
    const float *in = (const float *)src;
    float last[8] = {0};
    for (; count >= 8; count -= 8, in += 8, dst += 8 * stride) put_halves(dst, stride, 8, _mm256_loadu_ps(in));
    if (count == 0) return;
    memcpy(last, in, (size_t)count * sizeof *in);
    put_halves(dst, stride, count, _mm256_loadu_ps(last));
}

/* Floats that round to the same halves: rounded to odd, if what is cut off is not 0 the last bit that is kept is set. */
LSE_INLINE __m128 odd_floats(const double *x)
{
    const __m256i cut = _mm256_set1_epi64x((1 << 29) - 1), bits = _mm256_loadu_si256((const void *)x);
    const __m256i sticky = _mm256_or_si256(_mm256_add_epi64(_mm256_and_si256(bits, cut), cut), bits);
    return _mm256_cvtpd_ps(_mm256_castsi256_pd(_mm256_andnot_si256(cut, sticky)));
}

LSE_INLINE __m256 eight_odd_floats(const double *x)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(odd_floats(x)), odd_floats(x + 4), 1);
}

static void store_half_double(char *dst, ptrdiff_t stride, ptrdiff_t count, const void *src)
{
    const double *in = (const double *)src;
    double last[8] = {0};
    for (; count >= 8; count -= 8, in += 8, dst += 8 * stride) put_halves(dst, stride, 8, eight_odd_floats(in));
    if (count == 0) return;
    memcpy(last, in, (size_t)count * sizeof *in);
    put_halves(dst, stride, count, eight_odd_floats(last));
}

#define LSE_HALVES {{load_half_float, load_half_double}, {store_half_float, store_half_double}}
