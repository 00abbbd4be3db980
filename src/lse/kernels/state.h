/* Scalars that the kernels of both types share. */

/* The integer nearest to max log2(e), for max within LSE_FAR. */
LSE_INLINE double exponent_of(double max)
{
    const double magic = 0x1.8p52;
    const double far = LSE_FAR_f64;
    max = max > far ? far : max < -far ? -far : max;
    return (max * LOG2E_f64 + magic) - magic;
}

/* 2^e for an integer e: 0 where it is below the normal range, 2^1023 where above. */
LSE_INLINE double pow2(double e)
{
    double t = (e > 1023.0 ? 1023.0 : e) + (0x1.8p52 + 1023.0);
    uint64_t bits;
    if (e < -1022.0) return 0.0;
    memcpy(&bits, &t, sizeof bits);
    bits <<= 52;
    memcpy(&t, &bits, sizeof t);
    return t;
}

/* The address of element `index` of a row. */
LSE_INLINE const char *element(const lse_layout *layout, const char *base, ptrdiff_t index)
{
    for (int axis = layout->ndim - 1; axis > 0; axis--) {
        base += index % layout->shape[axis] * layout->stride[axis];
        index /= layout->shape[axis];
    }
    return layout->ndim ? base + index * layout->stride[0] : base;
}
