"""The real dtypes that the core sums: float16, bfloat16, float32 and float64. No other module calls its reductions."""

import functools
import math

import numpy as np

from lse import _core
from lse._arguments import Arguments
from lse._core import CUMULATE, LOG_SOFTMAX, LOGSUMEXP, SOFTMAX
from lse._double_double import Sums, divide
from lse._dtypes import BFLOAT16, Array, DType, fill, is_bfloat16

MERGEABLE = True


def as_core_output(a: Array) -> Array:
    """An array as the core writes to it: bfloat16 as void of two bytes."""
    return a.view(BFLOAT16) if a.dtype != BFLOAT16 and is_bfloat16(a.dtype) else a


def as_core_input(a: Array) -> Array:
    """An array as the core reads it: not as longdouble, whose values are to be computed in another dtype."""
    return a.astype(np.float64) if a.dtype.char == "g" else as_core_output(a)


def logsumexp(args: Arguments, result: Array, sign: Array | None = None, low: Array | None = None) -> None:
    """Also into sign and low, which have the shape and strides of result, the signs and what rounding lost."""
    if args.a.size:
        weights = None if args.b is None else as_core_input(args.b)
        _core.reduce(
            LOGSUMEXP, as_core_input(args.a), args.where, weights, args.bits, args.single,
            as_core_output(result), None if sign is None else as_core_output(sign), low,
        )  # fmt: skip
        return
    fill(result, -np.inf)
    for other in (sign, low):
        if other is not None:
            fill(other, 0)


def in_two_parts(args: Arguments) -> Sums:
    """log|sum| in two float64 arrays, and the sum's sign."""
    value, sign, low = (np.empty(args.shape) for _ in range(3))
    logsumexp(args, value, sign, low)
    return value, low, sign


def in_two_parts_of_weights(args: Arguments, b: Array) -> Sums:
    """log|sum(b)|, likewise: of zeros that lie side by side where the weights do, and are the same along other axes."""
    kind = np.dtype(np.float32 if args.single else np.float64)
    shape = args.a.shape
    steps = [(abs(step), axis) for axis, step in enumerate(b.strides) if step and shape[axis] > 1]
    nearest = min(steps)[1] if steps else -1
    zeros = np.zeros([n if axis == nearest else 1 for axis, n in enumerate(shape)], kind)
    return in_two_parts(args._replace(a=np.broadcast_to(zeros, shape)))


@functools.lru_cache(maxsize=64)
def log_of_count(count: int) -> Sums:
    """log(count), likewise."""
    weights = np.array([float(count)])
    return in_two_parts(Arguments(np.zeros(1), weights, None, weights.dtype, (0,), ()))


def rounded(values: Array, dtype: DType) -> Array:
    """A float64 array as one of dtype, rounded once."""
    if dtype.itemsize > 2:
        return np.asarray(values, dtype)
    result = np.empty(values.shape, dtype)
    _core.round_to(np.ascontiguousarray(values), as_core_output(result))
    return result


def logmeanexp(args: Arguments, result: Array) -> None:
    if args.b is not None:
        under = in_two_parts_of_weights(args, args.b)
    elif args.where is not None:
        counts = np.asarray(np.count_nonzero(args.where, axis=args.axes), np.float64).reshape(args.shape)
        under = in_two_parts(Arguments(np.zeros(args.shape), counts, None, counts.dtype, (), args.shape))
    else:
        under = log_of_count(math.prod(args.a.shape[i] for i in args.axes))
    result[...] = rounded(divide(in_two_parts(args), under), result.dtype)


def softmax(args: Arguments, log: bool, result: Array) -> None:
    single = args.single or (not log and args.dtype.itemsize == 2)  # of 4 ulp, which halves do not see
    operation = LOG_SOFTMAX if log else SOFTMAX
    a, target = as_core_input(args.a), as_core_output(result)
    _core.reduce(operation, a, args.where, None, args.bits, single, target, None, None)


def map_sums(args: Arguments, log: bool, total: _core.LogSumExp, result: Array) -> None:
    """Softmax or log-softmax of elements whose sums, over the axes and over more, are known."""
    operation = LOG_SOFTMAX if log else SOFTMAX
    _core.map_sums(operation, as_core_input(args.a), args.bits, args.single, as_core_output(result), total)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    single = result.dtype.char == "f"
    _core.reduce(CUMULATE, as_core_input(a), None, None, 1 << axis, single, as_core_output(result), None, None)


def segment_logsumexp(a: Array, offsets: Array, axis: int, result: Array) -> None:
    if not (a.size and result.size):
        fill(result, -np.inf)
        return
    first = as_core_output(result)[(*(slice(None),) * axis, slice(1))].squeeze(axis)
    single = result.dtype.char == "f"
    _core.reduce_segments(as_core_input(a), offsets, axis, single, first, result.strides[axis])
