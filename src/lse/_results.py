"""Sums in two parts and what is made of them: for the functions of NumPy arrays and the tasks of dask alike."""

import functools

import numpy as np

from lse import _core
from lse._arguments import Arguments, is_brain, loadable, stored
from lse._core import LOGSUMEXP
from lse._foreign import BRAIN

MINUS_INFINITY = np.uint16(0xFF80)  # of bfloat16


def fill(result, value):
    """Fill with 0 or -inf."""
    if is_brain(result.dtype):
        result.view(np.uint16)[...] = MINUS_INFINITY if value else 0
    else:
        result.fill(value)


def by_core(args, result, sign=None, low=None):
    """Reduce into result, and into sign and low, of its shape and strides, the signs and what rounding lost."""
    if args.a.size:
        weights = None if args.b is None else loadable(args.b, np.float64)
        _core.reduce(
            LOGSUMEXP, loadable(args.a, np.float64), args.where, weights, args.bits, args.single,
            stored(result), sign if sign is None else stored(sign), low,
        )  # fmt: skip
        return
    fill(result, -np.inf)
    for other in (sign, low):
        if other is not None:
            fill(other, 0)


def two_parts(args):
    """log|sum| in two float64 arrays, and the sum's sign."""
    value, sign, low = (np.empty(args.shape) for _ in range(3))
    by_core(args, value, sign, low)
    return value, low, sign


def weights_alone(args, keepdims):
    """The sum of the weights that exist, as a sum of the exponentials of zeros."""
    b = np.broadcast_to(1.0, args.a.shape) if args.b is None else args.b
    if b.dtype == BRAIN:
        b = (b.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    where = True if args.where is None else args.where
    zeros = np.broadcast_to(0.0, args.a.shape)
    return Arguments("logmeanexp", zeros, args.axes, keepdims=keepdims, b=b, where=where)


@functools.lru_cache(maxsize=64)
def log_of_count(count):
    """log(count) in two parts, and its sign, as two_parts."""
    value, sign, low = (np.empty(()) for _ in range(3))
    _core.reduce(LOGSUMEXP, np.zeros(1), None, np.array([float(count)]), 1, False, value, sign, low)
    return value, low, sign


def quotient(over, under):
    """The log of a quotient, of logs in two parts and signs: NaN where it is negative or 0 / 0."""
    (a, a_lo, a_sign), (b, b_lo, b_sign) = over, under
    whole = a - b
    of_b = whole - a
    lost = (a - (whole - of_b)) - (b + of_b) + (a_lo - b_lo)
    exact = np.where(np.isfinite(whole), whole + lost, whole)
    return np.where((a_sign * b_sign < 0) | ((a_sign < 0) & (b_sign == 0)), np.nan, exact)


def rounded(result, dtype):
    """A float64 array as one of dtype, rounded once."""
    if dtype.itemsize > 2:
        return np.asarray(result, dtype)
    out = np.empty(result.shape, dtype)
    _core.round_to(np.ascontiguousarray(result), stored(out))
    return out
