/* Rows of one element each, included once for each F. Input and output are contiguous and may be the same memory. */

/* logsumexp: the elements, with -0 as 0 and every NaN as the same one. */
static void FN(copy_alone)(const char *x, char *out, ptrdiff_t count)
{
    const V zero = VF(set)(0), nan = VF(set)((REAL)NAN);
    for (ptrdiff_t i = 0; i < count; i += VF(width), x += sizeof(V), out += sizeof(V)) {
        const V own = VF(add)(VF(load_some)(x, count - i, zero), zero);
        VF(store_some)(out, count - i, VF(select)(own, own, own, nan));
    }
}

/* softmax and log_softmax: value, or NaN where the element is -inf or NaN. */
static void FN(fill_alone)(const char *x, char *out, ptrdiff_t count, double value)
{
    const V all = VF(set)((REAL)value), lowest = VF(set)(LOWEST), nan = VF(set)((REAL)NAN);
    for (ptrdiff_t i = 0; i < count; i += VF(width), x += sizeof(V), out += sizeof(V))
        VF(store_some)(out, count - i, VF(select)(VF(load_some)(x, count - i, all), lowest, all, nan));
}
