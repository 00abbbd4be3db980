/* How far the elements of a line reach, included once for each F: the greatest, the least finite one, and whether any
 * is NaN, for the anchors of products (products.h). */
typedef struct {
    V max, least, nan;
} FN(extent);

LSE_INLINE FN(extent) FN(no_extent)(void)
{
    return (FN(extent)){VF(set)(-(REAL)INFINITY), VF(set)((REAL)INFINITY), VF(set)(0)};
}

LSE_INLINE void FN(include)(FN(extent) *seen, V x)
{
    const V infinite = VF(set)((REAL)INFINITY);
    seen->max = VF(max)(x, seen->max);
    seen->least = VF(min)(VF(select)(x, VF(set)(LOWEST), x, infinite), seen->least);
    seen->nan = VF(select)(x, x, seen->nan, infinite);
}

/* The same of finite elements, in half the time; of others nan becomes NaN, and the rest means nothing. */
LSE_INLINE void FN(include_finite)(FN(extent) *seen, V x)
{
    seen->max = VF(max)(x, seen->max);
    seen->least = VF(min)(x, seen->least);
    seen->nan = VF(fma)(x, VF(set)(0), seen->nan);
}

/* Whether only finite elements have been seen so far, by all of `count`. */
LSE_INLINE int FN(are_finite)(const FN(extent) *seen, const int count)
{
    const V zero = VF(set)(0), one = VF(set)(1);
    V odd = zero;
    LSE_UNROLL for (int j = 0; j < count; j++) odd = VF(max)(VF(select)(seen[j].nan, zero, zero, one), odd);
    return !VF(any_at_least)(odd, one);
}

/* max, least and nan of one line, with n more of its elements, n > 0; nan is infinite where there is one. */
static void FN(join_extent)(const void *line, ptrdiff_t n, double *max, double *least, double *nan)
{
    enum { SO_MANY = 4, STEP = SO_MANY * VF(width) };
    const REAL *x = (const REAL *)line;
    FN(extent) seen[SO_MANY];
    REAL first;
    memcpy(&first, x, sizeof first);
    const V again = VF(set)(first);
    for (int finite = 1; finite >= 0; finite--) {
        LSE_UNROLL for (int j = 0; j < SO_MANY; j++) seen[j] = FN(no_extent)();
        if (finite) {
            ptrdiff_t i = 0;
            for (; i + STEP <= n; i += STEP)
                LSE_UNROLL for (int j = 0; j < SO_MANY; j++)
                    FN(include_finite)(&seen[j], VF(load)(x + i + j * VF(width)));
            for (; i < n; i += VF(width)) FN(include_finite)(&seen[0], VF(load_some)(x + i, n - i, again));
            if (FN(are_finite)(seen, SO_MANY)) break;
        } else {
            for (ptrdiff_t i = 0; i < n; i += VF(width)) FN(include)(&seen[0], VF(load_some)(x + i, n - i, again));
        }
    }
    V top = seen[0].max, low = seen[0].least;
    LSE_UNROLL for (int j = 1; j < SO_MANY; j++) {
        top = VF(max)(top, seen[j].max);
        low = VF(min)(low, seen[j].least);
    }
    const double greatest = VF(greatest)(top), lowest = -VF(greatest)(VF(sub)(VF(set)(0), low));
    if (greatest > *max) *max = greatest;
    if (lowest < *least) *least = lowest;
    if (VF(any_at_least)(seen[0].nan, VF(set)(1))) *nan = (double)INFINITY;
}
