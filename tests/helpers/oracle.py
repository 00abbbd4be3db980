"""Exact results by mpmath, and errors in units in the last place."""

import functools

import mpmath as mp
import numpy as np

DIGITS = 50
FLOOR = {np.dtype(np.float32): 2.0**-23, np.dtype(np.float64): 2.0**-52}


def remembered(function):
    """Cache results, because every kernel needs the same ones; all arguments are arrays, or None."""

    @functools.lru_cache(1 << 15)
    def answer(digits, *given):
        return function(*(x and np.frombuffer(x[0], x[1]).reshape(x[2]) for x in given))

    @functools.wraps(function)
    def ask(*given):
        arrays = [None if x is None else np.asarray(x) for x in given]
        return answer(DIGITS, *(x if x is None else (x.tobytes(), x.dtype, x.shape) for x in arrays))

    return ask


@remembered
def logsumexp(row):
    """The log of the sum of the exponentials of finite numbers and -inf, to DIGITS digits."""
    with mp.workdps(DIGITS):
        terms = sorted(float(x) for x in row if x != -np.inf)
        if not terms:
            return -mp.inf
        greatest = mp.mpf(terms.pop())
        return greatest + mp.log1p(mp.fsum(mp.exp(x - greatest) for x in terms))


def logsumexp_of_repeated(values, counts):
    """The same for `counts[i]` times `values[i]`."""
    with mp.workdps(DIGITS):
        terms = sorted(((mp.mpf(float(x)), c) for x, c in zip(values, counts, strict=True)), reverse=True)
        greatest, ties = terms[0]
        tail = mp.fsum(c * mp.exp(x - greatest) for x, c in terms[1:])
        return greatest + mp.log1p((ties - 1) + tail)


@remembered
def log_of_pairs(a, b):
    """The log of the sum of exp(a[k] + b[k]), of the exact sums."""
    with mp.workdps(DIGITS):
        pairs = zip(a.astype(float), b.astype(float), strict=True)
        terms = sorted(mp.mpf(float(x)) + mp.mpf(float(y)) for x, y in pairs if min(x, y) != -np.inf)
        if not terms:
            return -mp.inf
        greatest = terms.pop()
        return greatest + mp.log1p(mp.fsum(mp.exp(x - greatest) for x in terms))


@remembered
def softmax(row):
    with mp.workdps(DIGITS):
        y = logsumexp(row)
        return [mp.exp(mp.mpf(float(x)) - y) if x != -np.inf else mp.mpf(0) for x in row]


@remembered
def log_softmax(row):
    with mp.workdps(DIGITS):
        y = logsumexp(row)
        return [mp.mpf(float(x)) - y if x != -np.inf else -mp.inf for x in row]


def ulp(exact, dtype):
    """The spacing of the numbers of a dtype at an exact value."""
    return float(np.spacing(np.abs(np.dtype(dtype).type(float(exact)))))


def error(computed, exact):
    """|computed - exact| in units of the bound: the larger of 1 ulp and FLOOR."""
    dtype = computed.dtype
    with mp.workdps(DIGITS):
        return float(abs(mp.mpf(float(computed)) - exact)) / max(ulp(exact, dtype), FLOOR[dtype])


def error_in_ulp(computed, exact):
    """|computed - exact| in ulp of the exact value, also for results near 0."""
    if exact == float(computed):
        return 0.0
    with mp.workdps(DIGITS):
        return float(abs(mp.mpf(float(computed)) - exact) / mp.mpf(ulp(exact, computed.dtype)))


# Weights, signs, complex numbers and every dtype -------------------------------------------------------------


def exact(x):
    """Convert a number of any dtype exactly; a longdouble has more digits than a Python float."""
    if isinstance(x, np.complexfloating):
        return mp.mpc(exact(x.real), exact(x.imag))
    if not isinstance(x, np.longdouble) or not np.isfinite(x):
        return mp.mpf(float(x))
    with mp.workprec(200):
        mantissa, exponent = np.frexp(x)
        total = mp.mpf(0)
        for _ in range(3):  # parts of 53 bits; IEEE's quadruple precision has 113
            total += float(mantissa)
            mantissa -= np.longdouble(float(mantissa))
        assert mantissa == 0
        return mp.ldexp(total, int(exponent))


def exact_sum(terms):
    """Sum without any rounding, so that terms that cancel exactly leave the rest visible."""
    real = imag = mp.mpf(0)
    for t in terms:
        real = mp.fadd(real, t.real, exact=True)
        imag = mp.fadd(imag, t.imag, exact=True)
    return mp.mpc(real, imag) if imag else real


@remembered
def sums(a, b=None):
    """The sums of b e^a and of |b e^a|; a number less than 10^4 digits below another is not lost."""
    a = np.asarray(a)
    b = np.broadcast_to(np.asarray(1.0 if b is None else b), a.shape)
    with mp.workdps(DIGITS):
        pairs = [(exact(x), exact(w)) for x, w in zip(a.ravel(), b.ravel(), strict=True) if w != 0 and x != -np.inf]
        terms = [mp.fmul(w, mp.exp(x), exact=True) for x, w in pairs]
        return exact_sum(terms), exact_sum([abs(t) for t in terms])


def log(x):
    """The principal logarithm; -inf at 0."""
    with mp.workdps(DIGITS):
        return mp.log(x) if x else -mp.inf


def weighted(a, b=None):
    """The log of the sum of b e^a, for nonnegative weights."""
    return log(sums(a, b)[0])


@remembered
def mean(a, b=None):
    """The log of the ratio of the sum of b e^a and the sum of b."""
    with mp.workdps(DIGITS):
        weights = [exact(w) for w in np.broadcast_to(np.asarray(1.0 if b is None else b), np.shape(a)).ravel()]
        return log(sums(a, b)[0] / exact_sum(weights))


@remembered
def cumulative(row):
    """logsumexp of the first one, two, three ... elements."""
    total, result = mp.mpf(0), []
    with mp.workdps(DIGITS):
        for x in row:
            total = mp.fadd(total, mp.exp(exact(x)) if x != -np.inf else 0, exact=True)
            result.append(log(total))
    return result


@functools.cache
def finfo(dtype):
    """The digits of a dtype, the exponent of its smallest number, and its largest number."""
    dtype = np.dtype(dtype)
    if dtype.name == "bfloat16":
        return 8, -133, mp.ldexp(255, 120)
    info = np.finfo(dtype)
    return info.nmant + 1, int(info.minexp) - info.nmant, exact(info.max)


def spacing(y, dtype):
    """The spacing of the numbers of any real dtype around an exact value."""
    digits, least, _ = finfo(dtype)
    return mp.ldexp(1, max(mp.frexp(abs(y))[1] - digits if y else least, least))


def distance(computed, y):
    """|computed - y| in spacings at y, for any real dtype; 0 where y rounds to the infinity computed."""
    with mp.workdps(DIGITS):
        unit = spacing(y, computed.dtype) if mp.isfinite(y) else mp.mpf(1)
        if np.isinf(computed):
            greatest = finfo(computed.dtype)[2]
            beyond = abs(y) >= greatest + unit / 2
            return 0.0 if beyond and (y > 0) == (computed > 0) else np.inf
        return float(abs(exact(computed) - y) / unit)


def shortfall(computed, y):
    """`error`, for any real dtype and without raising floating-point flags or errors."""
    with mp.workdps(DIGITS):
        unit = spacing(y, computed.dtype) if mp.isfinite(y) else 1
        floor = mp.ldexp(1, 1 - finfo(computed.dtype)[0])
        return float(distance(computed, y) * unit / max(unit, floor))


def error_of_sum(value, sign, a, b, factor=4):
    """|sign e^value - sum of b e^a| in units of what the promise for signed and complex weights allows.

    That is `factor` half ulps of the sum of |b e^a|, and one ulp of the logarithm and of its phase.
    """
    total, magnitude = sums(a, b)
    dtype = value.real.dtype
    with mp.workdps(DIGITS):
        y = log(total)
        phase = spacing(mp.mpf(1), dtype) if isinstance(sign, np.complexfloating) else spacing(y.imag, dtype)
        unit = spacing(y.real, dtype) + phase * bool(y.imag) if total else 0
        allowed = factor * mp.ldexp(magnitude, -finfo(dtype)[0]) + unit * abs(total)
        got = mp.mpf(0) if np.isneginf(value.real) else exact(sign) * mp.exp(exact(value))
        return float(abs(got - total) / allowed) if allowed else float(got != 0)
