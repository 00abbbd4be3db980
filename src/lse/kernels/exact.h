/* Signed sums of any weights, slowly and accurately: log|S| and the sign of S = sum(b e^a).
 *
 * Two exact additions carry it. The weights of equal a are summed without rounding: since the e^a of different rational
 * a are linearly independent over the rationals (Lindemann-Weierstrass), S is 0 only where each of these sums is, and
 * a group of sum 0 is left out. What the others give, each within 2^-102 of itself, is summed without rounding too. So
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

/* The sum of the groups so far, divided by e^top; top is the first, and largest, a among them, -inf if there is none.
 * The weight of a group is between 2^-1074 and 2^1087. So 2^-FRACTION is below 2^-269 of the largest term, and terms
 * more than NEGLIGIBLE below top do not contribute. */
typedef struct {
    fixed over_top;
    double top;
    lse_stopped stopped;
    void *context;
} total;

enum { MANY = 4096 }; /* below this many elements, do not ask whether to stop */

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
    /* 2^100: where a is just below top, the product would underflow */
    weight = (pair){0x1p100 * weight.hi, 0x1p100 * weight.lo};
    const pair more = product(weight, p);
    e += (int)k - 100;
    add(&s->over_top, weight.hi, e);
    add(&s->over_top, more.hi, e);
    add(&s->over_top, weight.lo + more.lo, e);
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

/* s += sum(b e^a) for a few elements, which are put in descending order. */
static void add_few(total *s, double *a, double *b, ptrdiff_t n)
{
    for (ptrdiff_t i = 1; i < n; i++) {
        const double a_i = a[i], b_i = b[i];
        ptrdiff_t at = i;
        for (; at > 0 && a[at - 1] < a_i; at--) {
            a[at] = a[at - 1];
            b[at] = b[at - 1];
        }
        a[at] = a_i;
        b[at] = b_i;
    }
    for (ptrdiff_t i = 0, same; i < n; i += same) {
        same = 1;
        while (i + same < n && a[i + same] == a[i]) same++;
        add_group(s, a[i], b + i, same);
    }
}

/* s += sum(b e^a), in descending groups: a quicksort that goes no further than it must. Every split halves the doubles
 * that remain possible, so at most 65 calls are within one another, and none is quadratic. */
static void add_all(total *s, double *a, double *b, ptrdiff_t n)
{
    enum { FEW = 24 };
    double min = a[0], max = a[0];
    if (n > MANY && s->stopped(s->context)) return;
    for (ptrdiff_t i = 1; i < n; i++) {
        min = a[i] < min ? a[i] : min;
        max = a[i] > max ? a[i] : max;
    }
    if (max < s->top - NEGLIGIBLE) return;
    if (min == max) {
        add_group(s, max, b, n);
        return;
    }
    if (n <= FEW) {
        add_few(s, a, b, n);
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
    add_all(s, a, b, above);
    add_all(s, a + above, b + above, n - above);
}

/* top + log|f| and the sign of f, unless f is 0; f is destroyed.
 * |f| = (1 + d) 2^e, and d is within 2^-106 of itself however small: hence the result is accurate near 0. The parts of
 * the result are summed exactly, so that nothing is lost where they cancel. */
static void logarithm(fixed *f, double top, double *value, double *value_lo, double *sign)
{
    int e, below;
    const double first = take(f, &e);
    if (first == 0.0) return;
    *sign = first > 0.0 ? 1.0 : -1.0;
    const int doubled = fabs(first) < 0x1.6a09e667f3bcdp-1;
    e -= doubled;
    add(f, ldexp(first, doubled) - *sign, e);
    const pair rest = take_pair(f, &below);
    const pair log = log_one_plus((pair){*sign * scale(rest.hi, below - e), *sign * scale(rest.lo, below - e)});
    const double parts[] = {top, log.hi, log.lo, e * LN2_SHORT, e * LN2_MIDDLE, e * LN2_LEAST};
    fixed sum;
    clear(&sum);
    for (int i = 0; i < 6; i++) add(&sum, parts[i], 0);
    const pair result = take_pair(&sum, &e);
    *value = scale(result.hi, e);
    *value_lo = scale(result.lo, e);
}

static void sum_exactly(double *a, double *b, ptrdiff_t n, lse_stopped stopped, void *context, double *value,
                        double *value_lo, double *sign)
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
    total s;
    clear(&s.over_top);
    s.top = -INFINITY;
    s.stopped = stopped;
    s.context = context;
    add_all(&s, a, b, kept);
    logarithm(&s.over_top, s.top, value, value_lo, sign);
}
