"""From the checked arguments of the public functions to the core, and back."""

import functools
import math

import numpy as np

from lse import _complex, _core, _longdouble
from lse._arguments import Arguments, checked_out, delivered, flag, is_brain, is_plain, loadable, occupies, stored
from lse._foreign import BRAIN, is_dask

LOGSUMEXP, SOFTMAX, LOG_SOFTMAX, CUMULATE = range(4)  # as in engine/plan.h
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


def lazily(function, out, *arguments, **options):
    """The same function of dask arrays."""
    from lse import dask  # whose module of that name is loaded already

    if out is not None:
        raise TypeError(f"{function}: out cannot take the result for dask arrays, computed later; leave it out")
    return getattr(dask, function)(*arguments, **options)


def logsumexp(a, axis, b, keepdims, return_sign, where, out, dtype):
    if is_dask(a, b, where):
        return lazily("logsumexp", out, a, axis, b, keepdims, return_sign, where=where, dtype=dtype)
    args = Arguments("logsumexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    return_sign, complex_result = flag(return_sign, "logsumexp", "return_sign"), args.dtype.kind == "c"
    kind = args.dtype.type(0).real.dtype if return_sign and complex_result else args.dtype
    target = checked_out(out, args.shape, kind, "logsumexp")
    if complex_result or args.dtype.char == "g":
        result, sign = (_complex if complex_result else _longdouble).logsumexp(args, return_sign)
    else:
        in_place = out is not None and not return_sign and is_plain(target, args.dtype) and not args.overlaps(target)
        result = target if in_place else np.empty(args.shape, args.dtype)
        sign = np.empty(args.shape, args.dtype) if return_sign else None
        by_core(args, result, sign)
    value = delivered(result, out, target, args.like)
    return (value, delivered(sign, None, None, args.like)) if return_sign else value


def logmeanexp(a, axis, b, keepdims, where, out, dtype):
    if is_dask(a, b, where):
        return lazily("logmeanexp", out, a, axis, b, keepdims, where=where, dtype=dtype)
    args = Arguments("logmeanexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    target = checked_out(out, args.shape, args.dtype, "logmeanexp")
    if args.dtype.kind == "c" or args.dtype.char == "g":
        module = _complex if args.dtype.kind == "c" else _longdouble
        result = module.quotient(args, weights_alone(args, keepdims))
    else:
        alone = args.b is None and args.where is None
        count = math.prod(args.a.shape[i] for i in args.axes)
        under = log_of_count(count) if alone else two_parts(weights_alone(args, keepdims))
        result = rounded(quotient(two_parts(args), under), args.dtype)
    return delivered(result, out, target, args.like)


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


def softmax(operation, x, axis, where, out, dtype):
    function = "softmax" if operation == SOFTMAX else "log_softmax"
    if is_dask(x, where):
        return lazily(function, out, x, axis, where=where, dtype=dtype)
    args = Arguments(function, x, axis, name="x", where=where, dtype=dtype)
    target = checked_out(out, args.a.shape, args.dtype, function)
    if args.dtype.kind == "c" or args.dtype.char == "g":
        module = _complex if args.dtype.kind == "c" else _longdouble
        result = module.softmax(args, operation == LOG_SOFTMAX) if args.a.size else np.empty(args.a.shape, args.dtype)
        return delivered(result, out, target, args.like)
    in_place = out is not None and is_plain(target, args.dtype)
    if in_place and args.overlaps(target):
        in_place = occupies(args.a, target) and (args.where is None or not np.may_share_memory(args.where, target))
    if in_place:
        result = target
    elif args.a.dtype == BRAIN:
        result = np.empty(args.a.shape, BRAIN)
    else:
        result = np.empty_like(args.a, args.dtype, subok=False)
    if args.a.size:
        _core.reduce(
            operation,
            loadable(args.a, np.float64),
            args.where,
            None,
            args.bits,
            args.single,
            stored(result),
            None,
            None,
        )
    return delivered(result, out, target, args.like)
