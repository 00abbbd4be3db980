/* Signed sums of any weights, accurately: log|S| and the sign of S = sum(b e^a).
 *
 * Two additions carry it. The weights of equal a are summed without rounding: since the e^a of different rational
 * a are linearly independent over the rationals (Lindemann-Weierstrass), S is 0 only where each of these sums is, and
 * a group of sum 0 is left out. What the others give, each within 2^-102 of itself, is summed in three doubles. So
 * the error of S is below 2^-102 of sum(|b| e^a) over these groups, for any n and in any order; 2^-105.2 is the worst
 * seen: a = [0.0002628444710033482, -57.8713919248264], b = [5e-324, 5.593079014711252e+284]. */
/* x 2^e for |x| < 1, rounded once: ldexp of Windows 10 truncates subnormal results. */
LSE_INLINE double scale(double x, int e) { return e < -800 ? ldexp(x, e + 200) * 0x1p-200 : ldexp(x, e); }

/* A fixed-point number: sum(digit[i] 2^(32 i - FRACTION)). Digits have room for LAZY additions between carries. It
 * holds any sum of fewer than 2^63 doubles; multiples of 2^-FRACTION are exact. */
enum { DIGITS = 80, FRACTION = 42 * 32, LAZY = 1 << 30, NEGLIGIBLE = 1700 };
typedef struct {
    int64_t digit[DIGITS];
    int32_t added;
    int low, high; /* digits below low and from high on are 0 */
} fixed;

static void clear(fixed *f)
{
    memset(f, 0, sizeof *f);
    f->low = DIGITS;
}

/* Brings the digits to -2^31 .. 2^31 - 1, so that the first that is not 0 has the sign of the number, and returns the
 * index of that one, at least 2. */
static int settle(fixed *f)
{
    const int64_t half = INT64_C(1) << 31;
    int64_t carry = 0;
    int top = 2, i = f->low;
    for (; i < f->high || (carry != 0 && i < DIGITS); i++) {
        const uint64_t x = (uint64_t)(f->digit[i] + carry + half) + (UINT64_C(1) << 63); /* never negative */
        f->digit[i] = (int64_t)(x & 0xffffffff) - half;
        carry = (int64_t)(x >> 32) - half;
        if (f->digit[i] != 0 && i > top) top = i;
    }
    f->high = i > f->high ? i : f->high;
    f->added = 0;
    return top;
}

/* f += x 2^e, truncated below 2^-FRACTION. */
static void add(fixed *f, double x, int e)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)(bits >> 52 & 0x7ff), at = (exponent > 0 ? exponent : 1) - 1075 + e + FRACTION;
    const int from = at < 0 ? 0 : at, cut = from - at < 63 ? from - at : 63;
    const int64_t sign = x < 0.0 ? -1 : 1;
    const uint64_t m = ((bits & ((UINT64_C(1) << 52) - 1)) | (uint64_t)(exponent > 0) << 52) >> cut;
    const uint64_t low = (m & 0xffffffff) << from % 32, high = (m >> 32 << from % 32) + (low >> 32);
    const int first = from / 32;
    int64_t *digit = f->digit + first;
    digit[0] += sign * (int64_t)(low & 0xffffffff);
    digit[1] += sign * (int64_t)(high & 0xffffffff);
    digit[2] += sign * (int64_t)(high >> 32);
    f->low = first < f->low ? first : f->low;
    f->high = first + 3 > f->high ? first + 3 : f->high;
    if (++f->added == LAZY) settle(f);
}

/* Removes from f a double x 2^e within 0.501 ulp of it: 0.5 <= |x| < 1, or x = 0 if f is 0. */
static double take(fixed *f, int *e)
{
    const int top = settle(f);
    const int64_t *digit = f->digit + top;
    const pair first = two_sum((double)digit[0] * 0x1p32, (double)digit[-1]);
    const double x = frexp(first.hi + (first.lo + (double)digit[-2] * 0x1p-32), e);
    *e += 32 * (top - 1) - FRACTION;
    add(f, -x, *e);
    return x;
}

/* (hi + lo) 2^e, within 2^-106 of f; f is destroyed. */
static pair take_pair(fixed *f, int *e)
{
    int e_lo;
    const double hi = take(f, e), lo = take(f, &e_lo);
    return (pair){hi, scale(lo, e_lo - *e)};
}

/* The sum of the groups so far is e^top (high + middle + low) 2^(anchor - UP); top is the first, and largest, a among
 * them, -inf if there is none. The weight of a group is between 2^-1074 and 2^1087, so that terms more than NEGLIGIBLE
 * below top do not contribute. The largest term is near 2^anchor, and what underflows below 2^-1500 of it. */
typedef struct {
    double top, high, middle, low;
    int anchor;
    lse_stopped stopped;
    void *context;
} total;

enum { MANY = 4096, UP = 600, LOWEST_ANCHOR = -10000 }; /* below MANY elements, do not ask whether to stop */

/* s += the parts 2^(anchor - UP), within 2^-150 of the largest sum there was. */
static void add_parts(total *s, const double *part, int count, int anchor)
{
    if (anchor > s->anchor) {
        s->high = ldexp(s->high, s->anchor - anchor);
        s->middle = ldexp(s->middle, s->anchor - anchor);
        s->low = ldexp(s->low, s->anchor - anchor);
        s->anchor = anchor;
    }
    for (int i = 0; i < count; i++) {
        const double own = anchor == s->anchor ? part[i] : ldexp(part[i], anchor - s->anchor);
        const pair high = two_sum(s->high, own), middle = two_sum(s->middle, high.lo);
        s->high = high.hi;
        s->middle = middle.hi;
        s->low += middle.lo;
    }
}

/* (hi + lo) 2^e, the sum of n weights within 2^-106 of itself, however much of them cancels: mostly a pair holds it. */
static pair weigh(const total *s, const double *b, ptrdiff_t n, int *e)
{
    fixed sum;
    pair whole = {b[0], 0.0};
    int exact = 1;
    for (ptrdiff_t i = 1; i < n && exact; i++) {
        const pair more = two_sum(whole.hi, b[i]), lost = two_sum(whole.lo, more.lo);
        whole = (pair){more.hi, lost.hi};
        exact = lost.lo == 0.0;
    }
    whole = two_sum(whole.hi, whole.lo);
    if (exact && isfinite(whole.hi)) {
        const double hi = frexp(whole.hi, e);
        return (pair){hi, whole.lo == 0.0 ? 0.0 : ldexp(whole.lo, -*e)};
    }
    clear(&sum);
    for (ptrdiff_t i = 0; i < n; i++) {
        if (i % MANY == MANY - 1 && s->stopped(s->context)) break;
        add(&sum, b[i], 0);
    }
    return take_pair(&sum, e);
}

/* s += e^a sum(b), for a in descending order, each only once.
 * a - top = k ln 2 + r, with r within 2^-106: the products with k are exact but for the last, and so is the first
 * difference. |k| < 4096 even where top - NEGLIGIBLE was rounded. */
static void add_group(total *s, double a, const double *b, ptrdiff_t n)
{
    int e;
    pair weight = weigh(s, b, n, &e);
    if (weight.hi == 0.0) return;
    if (s->top == -INFINITY) s->top = a;
    const pair d = two_sum(a, -s->top);
    const double k = (d.hi * LOG2E_f64 + 0x1.8p52) - 0x1.8p52;
    const pair x = two_sum(d.hi - k * LN2_SHORT, d.lo), r = two_sum(x.hi, -k * LN2_MIDDLE);
    const pair p = exp_minus_one(two_sum(r.hi, r.lo + x.lo - k * LN2_LEAST));
    const pair more = product(weight, p);
    const double parts[] = {weight.hi * 0x1p600, more.hi * 0x1p600, (weight.lo + more.lo) * 0x1p600};
    add_parts(s, parts, 3, e + (int)k);
}

/* A double above min and not above max with as many doubles on one side as on the other. */
static double between(double min, double max)
{
    const uint64_t negative = UINT64_C(1) << 63;
    uint64_t low, high; /* in the order of the doubles, once the negative ones are complemented */
    memcpy(&low, &min, sizeof low);
    memcpy(&high, &max, sizeof high);
    low = low & negative ? ~low : low | negative;
    high = high & negative ? ~high : high | negative;
    low += (high - low + 1) / 2;
    low = low & negative ? low ^ negative : ~low;
    memcpy(&min, &low, sizeof min);
    return min;
}

/* Several groups ------------------------------------------------------------------------------------------- */

/* Puts elements of equal a together, so that a, b + lo are those of the groups, whose weights are exact; returns how
 * many there are. 0 where a pair does not hold a weight, or a place of the table is asked for too often: then some are
 * put together, and *n elements are left. table: 4 *n places at most. */
static ptrdiff_t join_equal(double *a, double *b, double *lo, ptrdiff_t *n, uint16_t *table)
{
    enum { NONE = 0xffff, PROBES = 128 };
    int bits = 3;
    while (*n > (ptrdiff_t)1 << (bits - 1)) bits++;
    const size_t last = ((size_t)1 << bits) - 1;
    ptrdiff_t groups = 0, i = 0;
    memset(table, 0xff, (last + 1) * sizeof *table);
    for (; i < *n; i++) {
        const double a_i = a[i], b_i = b[i];
        uint64_t key;
        memcpy(&key, &a_i, sizeof key);
        size_t at = (size_t)(((key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - bits));
        int probes = 0;
        while (table[at] != NONE && a[table[at]] != a_i && probes < PROBES) at = (at + 1) & last, probes++;
        const ptrdiff_t group = table[at];
        if (group == NONE) {
            table[at] = (uint16_t)groups;
            a[groups] = a_i;
            b[groups] = b_i;
            lo[groups++] = 0.0;
            continue;
        }
        const pair more = two_sum(b[group], b_i), lost = two_sum(lo[group], more.lo);
        if (probes == PROBES || !(lost.lo == 0.0 && fabs(more.hi) < 0x1p1022)) break;
        b[group] = more.hi;
        lo[group] = lost.hi;
    }
    if (i == *n) return groups;
    for (ptrdiff_t g = 0, given = groups; g < given; g++) { /* no more than there were */
        if (lo[g] == 0.0) continue;
        a[groups] = a[g];
        b[groups++] = lo[g];
    }
    memmove(a + groups, a + i, (size_t)(*n - i) * sizeof *a);
    memmove(b + groups, b + i, (size_t)(*n - i) * sizeof *b);
    *n += groups - i;
    return 0;
}

/* Leaves out the groups of sum 0, and sets top if it was not. Returns how many are left. */
static ptrdiff_t keep_groups(double *top, double *a, double *b, double *lo, ptrdiff_t n)
{
    double max = -INFINITY;
    ptrdiff_t kept = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const pair weight = two_sum(b[i], lo[i]);
        const int is_there = weight.hi != 0.0;
        max = is_there && a[i] > max ? a[i] : max;
        a[kept] = a[i];
        b[kept] = weight.hi;
        lo[kept] = weight.lo;
        kept += is_there;
    }
    if (*top == -INFINITY) *top = max;
    return kept;
}

/* e^r - 1, as exp_minus_one, of `count` vectors. */
LSE_INLINE void exp_minus_ones(const vf64 *r, const vf64 *r_lo, vf64 *p, vf64 *p_lo, const int count)
{
    vf64 lost;
    LSE_UNROLL for (int j = 0; j < count; j++) p[j] = vf64_set(INVERSE_FACTORIAL[ALL_TERMS - 1]);
    for (int k = ALL_TERMS - 2; k >= ALL_PAIRS; k--)
        LSE_UNROLL for (int j = 0; j < count; j++)
            p[j] = vf64_add(vf64_mul(p[j], r[j]), vf64_set(INVERSE_FACTORIAL[k]));
    LSE_UNROLL for (int j = 0; j < count; j++) p_lo[j] = vf64_set(0.0);
    for (int k = ALL_PAIRS - 1; k > 0; k--)
        LSE_UNROLL for (int j = 0; j < count; j++) {
            const vf64 higher = vf64_product(p[j], p_lo[j], r[j], r_lo[j], &lost);
            p[j] = vf64_fast_two_sum(vf64_set(INVERSE_FACTORIAL[k]), higher, &p_lo[j]);
            p_lo[j] = vf64_add(p_lo[j], vf64_add(vf64_set(INVERSE_FACTORIAL_LO[k]), lost));
        }
    LSE_UNROLL for (int j = 0; j < count; j++) p[j] = vf64_product(r[j], r_lo[j], p[j], p_lo[j], &p_lo[j]);
}

/* The groups of a vector: a - top; k, the integer next to (a - top) log2(e); and their weights (hi + lo) 2^e, hi
 * between 1 and 2. Those more than NEGLIGIBLE below top are there instead, where they are nothing beside any other. */
typedef struct {
    vf64 d, d_lo, k, e, hi, lo;
} groups;

LSE_INLINE groups load_groups(const double *a, const double *b, const double *lo, ptrdiff_t n, double top)
{
    const vf64 magic = vf64_set(0x1.8p52), one = vf64_set(1.0), up = vf64_set(0x1p512), down = vf64_set(0x1p-512);
    const vf64 zero = vf64_set(0.0), least = vf64_set(-NEGLIGIBLE);
    const vf64 own = vf64_load_some(a, n, vf64_set(-DBL_MAX)), hi = vf64_load_some(b, n, zero), size = vf64_abs(hi);
    const vf64 great = vf64_set(0x1p500), slight = vf64_set(0x1p-500), by = vf64_set(512.0);
    const vf64 scale = vf64_select(size, great, down, vf64_select(size, slight, one, up));
    const vf64 away = vf64_select(size, great, by, vf64_select(size, slight, zero, vf64_neg(by)));
    const vf64 exponent = vf64_exponent(vf64_mul(size, scale)), back = vf64_ldexp1(vf64_neg(exponent));
    groups g;
    g.d = two_sum_f64(own, vf64_set(-top), &g.d_lo);
    g.d_lo = vf64_select(g.d, least, g.d_lo, zero);
    g.d = vf64_max(g.d, least);
    g.k = vf64_sub(vf64_add(vf64_mul(g.d, vf64_set(LOG2E_f64)), magic), magic);
    g.e = vf64_add(exponent, away);
    g.hi = vf64_mul(vf64_mul(hi, scale), back);
    g.lo = vf64_mul(vf64_mul(vf64_load_some(lo, n, zero), scale), back);
    return g;
}

/* The sum in each of LSE_LANES lanes, in three doubles. */
typedef struct {
    vf64 high[LSE_LANE_GROUPS], middle[LSE_LANE_GROUPS], low[LSE_LANE_GROUPS];
} lane_sums;

LSE_INLINE void add_to_lanes(lane_sums *s, int at, vf64 first, vf64 second, vf64 third)
{
    vf64 lost, rest;
    s->high[at] = two_sum_f64(s->high[at], first, &lost);
    s->middle[at] = two_sum_f64(s->middle[at], lost, &rest);
    s->low[at] = vf64_add(s->low[at], rest);
    s->high[at] = two_sum_f64(s->high[at], second, &lost);
    s->middle[at] = two_sum_f64(s->middle[at], lost, &rest);
    s->low[at] = vf64_add(s->low[at], rest);
    s->middle[at] = two_sum_f64(s->middle[at], third, &rest);
    s->low[at] = vf64_add(s->low[at], rest);
}

/* Adds `count` vectors of groups, from number `first` on, e^a (b + lo) 2^(UP - anchor) each. */
LSE_INLINE void add_vectors(lane_sums *s, ptrdiff_t first, const double *a, const double *b, const double *lo,
                            ptrdiff_t n, double top, double anchor, const int count)
{
    vf64 r[4], r_lo[4], p[4], p_lo[4], more, lost;
    groups g[4];
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const ptrdiff_t from = j * vf64_width;
        g[j] = load_groups(a + from, b + from, lo + from, n - from, top);
        const vf64 k = g[j].k, x = two_sum_f64(vf64_sub(g[j].d, vf64_mul(k, vf64_set(LN2_SHORT))), g[j].d_lo, &more);
        const vf64 close = two_sum_f64(x, vf64_neg(vf64_mul(k, vf64_set(LN2_MIDDLE))), &lost);
        lost = vf64_sub(vf64_add(lost, more), vf64_mul(k, vf64_set(LN2_LEAST)));
        r[j] = two_sum_f64(close, lost, &r_lo[j]);
    }
    exp_minus_ones(r, r_lo, p, p_lo, count);
    LSE_UNROLL for (int j = 0; j < count; j++) {
        const vf64 scale = vf64_ldexp1(vf64_add(vf64_add(g[j].k, g[j].e), vf64_set(UP - anchor)));
        const vf64 rest = vf64_product(g[j].hi, g[j].lo, p[j], p_lo[j], &more);
        add_to_lanes(s, (int)((first + j) % LSE_LANE_GROUPS), vf64_mul(g[j].hi, scale), vf64_mul(rest, scale),
                     vf64_mul(vf64_add(g[j].lo, more), scale));
    }
}

/* s += sum((b + lo) e^a) of these groups, which have a weight. */
static void add_groups(total *s, const double *a, const double *b, const double *lo, ptrdiff_t n)
{
    enum { AT_ONCE = 4, STEP = AT_ONCE * vf64_width };
    lane_sums sums;
    double each[3][LSE_LANES];
    vf64 greatest = vf64_set(-(double)INFINITY);
    ptrdiff_t i = 0;
    for (; i < n; i += vf64_width) {
        const groups g = load_groups(a + i, b + i, lo + i, n - i, s->top);
        greatest = vf64_max(vf64_add(g.k, g.e), greatest);
    }
    const double anchor = vf64_greatest(greatest);
    for (int j = 0; j < LSE_LANE_GROUPS; j++) sums.high[j] = sums.middle[j] = sums.low[j] = vf64_set(0.0);
    for (i = 0; i + STEP <= n; i += STEP)
        add_vectors(&sums, i / vf64_width, a + i, b + i, lo + i, STEP, s->top, anchor, AT_ONCE);
    for (; i < n; i += vf64_width)
        add_vectors(&sums, i / vf64_width, a + i, b + i, lo + i, n - i, s->top, anchor, 1);
    for (int j = 0; j < LSE_LANE_GROUPS; j++) {
        vf64_store(each[0] + j * vf64_width, sums.high[j]);
        vf64_store(each[1] + j * vf64_width, sums.middle[j]);
        vf64_store(each[2] + j * vf64_width, sums.low[j]);
    }
    for (int part = 0; part < 3; part++)
        add_parts(s, each[part], n < LSE_LANES ? (int)n : LSE_LANES, (int)anchor);
}

/* s += sum(b e^a), in descending groups: a quicksort that goes no further than it must, which is to LSE_SEARCHED
 * elements unless weights lose digits there. Every split halves the doubles that remain possible, so at most 65 calls
 * are within one another, and none is quadratic. */
static void add_all(total *s, double *a, double *b, ptrdiff_t n, double *room)
{
    double min = a[0], max = a[0];
    if (n > MANY && s->stopped(s->context)) return;
    if (n <= LSE_SEARCHED && n > 1) {
        const ptrdiff_t groups = join_equal(a, b, room, &n, (uint16_t *)(room + n));
        if (groups > 0) {
            const ptrdiff_t kept = keep_groups(&s->top, a, b, room, groups);
            if (kept > 0) add_groups(s, a, b, room, kept);
            return;
        }
    }
    for (ptrdiff_t i = 1; i < n; i++) {
        min = a[i] < min ? a[i] : min;
        max = a[i] > max ? a[i] : max;
    }
    if (max < s->top - NEGLIGIBLE) return;
    if (min == max) {
        add_group(s, max, b, n);
        return;
    }
    const double pivot = between(min, max);
    ptrdiff_t above = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const double a_i = a[i], b_i = b[i];
        a[i] = a[above];
        b[i] = b[above];
        a[above] = a_i;
        b[above] = b_i;
        above += a_i >= pivot;
    }
    add_all(s, a, b, above, room);
    add_all(s, a + above, b + above, n - above, room);
}

/* The logarithm of the sum and its sign, unless it is 0. Divided by e^top it is +-(1 + d) 2^e, and d has all its digits
 * however small it is: hence the result is accurate near 0. */
static void logarithm(const total *s, double *value, double *value_lo, double *sign)
{
    int e;
    pair low = two_sum(s->middle, s->low), high = two_sum(s->high, low.hi), middle = two_sum(high.lo, low.lo);
    high = two_sum(high.hi, middle.hi);
    middle = two_sum(high.lo, middle.lo);
    if (high.hi == 0.0) return;
    *sign = high.hi > 0.0 ? 1.0 : -1.0;
    const double fraction = *sign * frexp(high.hi, &e);
    e -= fraction < 0x1.6a09e667f3bcdp-1;
    const double down = *sign * pow2(-e);
    const pair d = two_sum(high.hi * down - 1.0, middle.hi * down);
    const pair log = log_one_plus(two_sum(d.hi, d.lo + middle.lo * down));
    e += s->anchor - UP;
    double parts[] = {log.lo, e * LN2_LEAST, log.hi, e * LN2_MIDDLE, e * LN2_SHORT, s->top};
    const pair result = sum_of(parts, sizeof parts / sizeof parts[0]);
    *value = result.hi;
    *value_lo = result.lo;
}

static void sum_exactly(double *a, double *b, ptrdiff_t n, double *room, lse_stopped stopped, void *context,
                        double *value, double *value_lo, double *sign)
{
    enum { NONE = 0, POSITIVE = 1, NEGATIVE = 2, NEITHER = POSITIVE | NEGATIVE }; /* inf - inf is NaN as well */
    const double values[] = {-INFINITY, INFINITY, INFINITY, NAN}, signs[] = {0.0, 1.0, -1.0, NAN};
    int infinite = NONE;
    ptrdiff_t kept = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const double a_i = a[i] + 0.0, b_i = b[i]; /* -0.0 becomes 0.0 */
        if (b_i == 0.0 || (a_i == -INFINITY && isfinite(b_i))) continue;
        if (isnan(a_i) || isnan(b_i) || a_i == -INFINITY) infinite |= NEITHER;
        else if (isinf(a_i) || isinf(b_i)) infinite |= b_i > 0.0 ? POSITIVE : NEGATIVE;
        a[kept] = a_i;
        b[kept++] = b_i;
    }
    *value = values[infinite];
    *value_lo = 0.0;
    *sign = signs[infinite];
    if (infinite != NONE || kept == 0) return;
    total s = {-INFINITY, 0.0, 0.0, 0.0, LOWEST_ANCHOR, stopped, context};
    add_all(&s, a, b, kept, room);
    logarithm(&s, value, value_lo, sign);
}
