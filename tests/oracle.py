"""Exact answers by mpmath, and distances from them in units in the last place."""

import mpmath as mp
import numpy as np

DIGITS = 50
FLOOR = {np.dtype(np.float32): 2.0**-23, np.dtype(np.float64): 2.0**-52}


def logsumexp(row):
    """The log of the sum of the exponentials of finite numbers and -inf, to DIGITS digits."""
    with mp.workdps(DIGITS):
        terms = sorted(mp.mpf(float(x)) for x in row if x != -np.inf)
        if not terms:
            return -mp.inf
        greatest = terms.pop()
        return greatest + mp.log1p(mp.fsum(mp.exp(x - greatest) for x in terms))


def logsumexp_of_repeated(values, counts):
    """The same for `counts[i]` times `values[i]`."""
    with mp.workdps(DIGITS):
        terms = sorted(((mp.mpf(float(x)), c) for x, c in zip(values, counts, strict=True)), reverse=True)
        greatest, ties = terms[0]
        tail = mp.fsum(c * mp.exp(x - greatest) for x, c in terms[1:])
        return greatest + mp.log1p((ties - 1) + tail)


def softmax(row):
    with mp.workdps(DIGITS):
        y = logsumexp(row)
        return [mp.exp(mp.mpf(float(x)) - y) if x != -np.inf else mp.mpf(0) for x in row]


def log_softmax(row):
    with mp.workdps(DIGITS):
        y = logsumexp(row)
        return [mp.mpf(float(x)) - y if x != -np.inf else -mp.inf for x in row]


def ulp(exact, dtype):
    """The spacing of the numbers of a dtype at an exact value."""
    return float(np.spacing(np.abs(np.dtype(dtype).type(float(exact)))))


def error(computed, exact):
    """|computed - exact| in units of what the promise allows: the greater of 1 ulp and FLOOR."""
    dtype = computed.dtype
    with mp.workdps(DIGITS):
        return float(abs(mp.mpf(float(computed)) - exact)) / max(ulp(exact, dtype), FLOOR[dtype])


def error_in_ulp(computed, exact):
    """|computed - exact| in ulp of the exact value, for results near 0 too."""
    if exact == float(computed):
        return 0.0
    with mp.workdps(DIGITS):
        return float(abs(mp.mpf(float(computed)) - exact) / mp.mpf(ulp(exact, computed.dtype)))
