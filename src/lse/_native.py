"""The reductions of the core, called by this module alone."""

import numpy as np

from lse import _core
from lse._arguments import Arguments
from lse._double_double import Sums
from lse._dtypes import BFLOAT16, Array, DType, fill, is_bfloat16, is_complex, is_single


def as_core_array(a: Array) -> Array:
    """Return an array as the core reads it and writes to it: bfloat16 as two-byte void."""
    return a.view(BFLOAT16) if a.dtype != BFLOAT16 and is_bfloat16(a.dtype) else a


def logsumexp(args: Arguments, result: Array, sign: Array | None = None, low: Array | None = None) -> None:
    """Also write signs and rounding errors to `sign` and `low`, which have the shape and strides of `result`.

    With the signs of complex sums, which are complex, `result` is real.
    """
    if not args.a.size:
        fill(result, -np.inf)
        for other in (sign, low):
            if other is not None:
                fill(other, 0)
        return
    values = result if sign is None or not is_complex(sign.dtype) else args.empty(sign.dtype)
    weights = None if args.b is None else as_core_array(args.b)
    _core.reduce(
        "logsumexp", as_core_array(args.a), args.where, weights, args.bits, args.single,
        as_core_array(values), None if sign is None else as_core_array(sign), low,
    )  # fmt: skip
    if values is not result:
        result[...] = values.real


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
    _core.round_to(np.ascontiguousarray(values), as_core_array(result))
    return result


def complex_in_two_parts(args: Arguments) -> tuple[Array, Array]:
    """Return the logarithms of complex sums in two complex128 arrays."""
    value, low = (np.empty(args.shape, np.complex128) for _ in range(2))
    logsumexp(args._replace(dtype=value.dtype), value, low=low)
    return value, low


def logmeanexp(args: Arguments, result: Array) -> None:
    if not args.a.size:
        result[...] = rounded(np.full(result.shape, np.nan), result.dtype)
        return
    a, target = as_core_array(args.a), args.empty(result.dtype)
    weights = None if args.b is None else as_core_array(args.b)
    _core.reduce_mean(a, args.where, weights, args.bits, args.single, as_core_array(target))
    result[...] = target


def maps_in_single(args: Arguments, operation: str) -> bool:
    """Also softmax of halves, where the 4 ulp of single precision are invisible."""
    return args.single or (operation == "softmax" and args.dtype.itemsize == 2)


def map_elements(args: Arguments, operation: str, result: Array) -> None:
    single = maps_in_single(args, operation)
    a, target = as_core_array(args.a), as_core_array(result)
    _core.reduce(operation, a, args.where, None, args.bits, single, target, empty=args.nothing)


def map_sums(args: Arguments, log: bool, total: _core.LogSumExp, result: Array) -> None:
    """Softmax or log-softmax of elements from given sums, over the axes and possibly over more."""
    operation = "log_softmax" if log else "softmax"
    _core.map_sums(operation, as_core_array(args.a), args.bits, args.single, as_core_array(result), total)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    single, elements = is_single(result.dtype), as_core_array(a)
    _core.reduce("logcumsumexp", elements, None, None, 1 << axis, single, as_core_array(result))


def segment_logsumexp(args: Arguments, offsets: Array, result: Array, sign: Array | None = None) -> None:
    if not (args.a.size and result.size):
        fill(result, -np.inf)
        if sign is not None:
            fill(sign, 0)
        return
    values = result if sign is None or not is_complex(sign.dtype) else args.empty(sign.dtype)
    weights = None if args.b is None else as_core_array(args.b)
    _core.reduce_segments(
        "logsumexp", as_core_array(args.a), args.where, weights, offsets, args.axes[0], args.single,
        as_core_array(values), None if sign is None else as_core_array(sign),
    )  # fmt: skip
    if values is not result:
        result[...] = values.real


def map_segments(args: Arguments, offsets: Array, operation: str, result: Array) -> None:
    single = maps_in_single(args, operation)
    a, target = as_core_array(args.a), as_core_array(result)
    _core.reduce_segments(operation, a, args.where, None, offsets, args.axes[0], single, target)
