"""The real dtypes of the core: float16, bfloat16, float32 and float64. Only this module calls the core's reductions."""

import numpy as np

from lse import _core
from lse._arguments import Arguments
from lse._double_double import Sums, divide
from lse._dtypes import BFLOAT16, Array, DType, fill, is_bfloat16

MERGEABLE = True


def as_core_output(a: Array) -> Array:
    """Return an array as the core writes to it: bfloat16 as two-byte void."""
    return a.view(BFLOAT16) if a.dtype != BFLOAT16 and is_bfloat16(a.dtype) else a


def as_core_input(a: Array) -> Array:
    """Return an array as the core reads it, except longdouble, whose values are computed in another dtype."""
    return a.astype(np.float64) if a.dtype.char == "g" else as_core_output(a)


def logsumexp(args: Arguments, result: Array, sign: Array | None = None, low: Array | None = None) -> None:
    """Also write signs and rounding errors to `sign` and `low`, which have the shape and strides of `result`."""
    if args.a.size:
        weights = None if args.b is None else as_core_input(args.b)
        _core.reduce(
            "logsumexp", as_core_input(args.a), args.where, weights, args.bits, args.single,
            as_core_output(result), None if sign is None else as_core_output(sign), low,
        )  # fmt: skip
        return
    fill(result, -np.inf)
    for other in (sign, low):
        if other is not None:
            fill(other, 0)


def in_two_parts(args: Arguments) -> Sums:
    """Return log|sum| in two float64 arrays, and the sign of the sum."""
    value, sign, low = (np.empty(args.shape) for _ in range(3))
    logsumexp(args, value, sign, low)
    return value, low, sign


def rounded(values: Array, dtype: DType) -> Array:
    """Round a float64 array once to dtype."""
    if dtype.itemsize > 2:
        return np.asarray(values, dtype)
    result = np.empty(values.shape, dtype)
    _core.round_to(np.ascontiguousarray(values), as_core_output(result))
    return result


def logmeanexp(args: Arguments, result: Array) -> None:
    if args.b is not None or args.where is not None:
        result[...] = rounded(divide(in_two_parts(args), in_two_parts(args.weights_alone())), result.dtype)
    elif args.a.size:
        a, target = as_core_input(args.a), as_core_output(result)
        _core.reduce("logsumexp", a, None, None, args.bits, args.single, target, mean=True)
    else:
        fill(result, np.nan)


def softmax(args: Arguments, log: bool, result: Array) -> None:
    single = args.single or (not log and args.dtype.itemsize == 2)  # its 4 ulp are invisible in half precision
    operation = "log_softmax" if log else "softmax"
    a, target = as_core_input(args.a), as_core_output(result)
    _core.reduce(operation, a, args.where, None, args.bits, single, target, None, None)


def map_sums(args: Arguments, log: bool, total: _core.LogSumExp, result: Array) -> None:
    """Softmax or log-softmax of elements from given sums, over the axes and possibly over more."""
    operation = "log_softmax" if log else "softmax"
    _core.map_sums(operation, as_core_input(args.a), args.bits, args.single, as_core_output(result), total)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    single = result.dtype.char == "f"
    _core.reduce("logcumsumexp", as_core_input(a), None, None, 1 << axis, single, as_core_output(result), None, None)


def segment_logsumexp(a: Array, offsets: Array, axis: int, result: Array) -> None:
    if not (a.size and result.size):
        fill(result, -np.inf)
        return
    first = as_core_output(result)[(*(slice(None),) * axis, slice(1))].squeeze(axis)
    single = result.dtype.char == "f"
    _core.reduce_segments(as_core_input(a), offsets, axis, single, first, result.strides[axis])
