/* Sums of one element each, included once for each F: contiguous in the input and in the output, which may be one. */

/* The logarithms of the sums are the elements; -0 becomes 0, and every NaN the same one, as elsewhere. */
static void FN(copy_alone)(const char *x, char *out, ptrdiff_t count)
{
    const V zero = VF(set)(0), nan = VF(set)((REAL)NAN);
    for (ptrdiff_t i = 0; i < count; i += VF(width), x += sizeof(V), out += sizeof(V)) {
        const V own = VF(add)(VF(load_some)(x, count - i, zero), zero);
        VF(store_some)(out, count - i, VF(select)(own, own, own, nan));
    }
}

/* What each element is of its sum, or the logarithm of that: value, but NaN for -inf and NaN. */
static void FN(fill_alone)(const char *x, char *out, ptrdiff_t count, double value)
{
    const V all = VF(set)((REAL)value), lowest = VF(set)(LOWEST), nan = VF(set)((REAL)NAN);
    for (ptrdiff_t i = 0; i < count; i += VF(width), x += sizeof(V), out += sizeof(V))
        VF(store_some)(out, count - i, VF(select)(VF(load_some)(x, count - i, all), lowest, all, nan));
}
