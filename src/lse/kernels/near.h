/* Elements beyond LSE_FAR, and infinities, brought near: as their difference to the maximum of their sum, included once
 * for each F. */

/* Whether none of these maxima is infinite or beyond the kernels. */
LSE_INLINE int FN(are_near)(const V *max, ptrdiff_t vectors)
{
    const REAL beyond = FN(LSE_FAR) * (1 + (F_IS_DOUBLE ? (REAL)DBL_EPSILON : (REAL)FLT_EPSILON));
    V farthest = VF(set)(0);
    for (ptrdiff_t v = 0; v < vectors; v++) farthest = VF(max)(VF(abs)(max[v]), farthest);
    return !VF(any_at_least)(farthest, VF(set)(beyond));
}

LSE_INLINE int FN(is_near)(REAL max) { return max <= FN(LSE_FAR) && max >= -FN(LSE_FAR); }

/* How elements are brought near: less the maximum, where that is infinite or beyond the kernels; then it is 0. Of
 * several +inf each is 0, all else -inf; where there is nothing but -inf, each is less `of_nothing`: 0, which leaves it
 * as it is, or NaN. Others stay as they are. */
typedef struct {
    V top, shift, max;
} FN(approach);

LSE_INLINE FN(approach) FN(approach_to)(V max, double of_nothing)
{
    const V limit = VF(set)(FN(LSE_FAR)), lowest = VF(set)(LOWEST), zero = VF(set)(0), nan = VF(set)((REAL)NAN);
    const V size = VF(abs)(max);
    FN(approach) a;
    a.top = VF(select)(limit, size, nan, VF(select)(max, lowest, max, nan));
    a.shift = VF(select)(limit, size, zero, VF(select)(max, lowest, max, VF(set)((REAL)of_nothing)));
    a.max = VF(select)(limit, size, max, zero);
    return a;
}

LSE_INLINE V FN(brought_near)(V x, const FN(approach) *a)
{ return VF(select)(x, a->top, VF(set)(0), VF(sub)(x, a->shift)); }

/* A tile of n lines. */
static void FN(bring_near)(REAL *line, ptrdiff_t n, const FN(approach) *a)
{
    for (ptrdiff_t i = 0; i < n; i++, line += VF(width)) VF(store)(line, FN(brought_near)(VF(load)(line), a));
}

/* A run of n elements, in a copy of whole vectors. */
static void FN(bring_run_near)(const char *x, ptrdiff_t n, REAL max, double of_nothing, REAL *copy)
{
    const FN(approach) a = FN(approach_to)(VF(set)(max), of_nothing);
    for (ptrdiff_t i = 0; i < n; i += VF(width)) {
        const V own = VF(load_some)(x + i * (ptrdiff_t)sizeof(REAL), n - i, VF(set)(0));
        VF(store)(copy + i, FN(brought_near)(own, &a));
    }
}

/* Of a row of n <= LSE_SHORT elements, in a copy; or the row itself, if its maximum is near. */
LSE_INLINE const char *FN(near_row)(const char *x, ptrdiff_t n, REAL *max, double of_nothing, REAL *copy)
{
    if (FN(is_near)(*max)) return x;
    FN(bring_run_near)(x, n, *max, of_nothing, copy);
    *max = 0;
    return (const char *)copy;
}
