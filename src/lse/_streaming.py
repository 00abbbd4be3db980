"""From the arguments of `LogSumExp` to its state, and back."""

import math
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lse import _core
from lse._arguments import Arguments, check_arguments
from lse._backends import backend_of
from lse._dtypes import Array, DType, as_dtype
from lse._native import as_core_input

STATE_VERSION = 2  # of what is pickled


def checked(shape: Any, dtype: Any) -> tuple[bool, tuple[int, ...]]:
    """Whether results are float32, and a shape as a tuple."""
    dtype = as_dtype(dtype, "LogSumExp", "expected float64 or float32").newbyteorder("=")
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"LogSumExp: dtype must be float64 or float32, not {dtype.name}")
    several = isinstance(shape, Sequence) and not isinstance(shape, str | bytes)
    lengths = tuple(shape) if several or (isinstance(shape, np.ndarray) and shape.ndim > 0) else (shape,)
    if any(isinstance(n, bool) or not hasattr(n, "__index__") for n in lengths):
        raise TypeError(f"LogSumExp: shape must be an integer or a tuple of integers, not {shape!r}")
    lengths = tuple(map(operator.index, lengths))
    if any(n < 0 for n in lengths):
        raise ValueError(f"LogSumExp: shape {shape!r} has a negative length")
    if math.prod(max(n, 1) for n in lengths) > sys.maxsize // 24:
        raise ValueError(f"LogSumExp: shape {shape!r} has more elements than any memory has room for")
    if len(lengths) > 63:
        raise ValueError(f"LogSumExp: shape has {len(lengths)} dimensions; 63 are the most")
    return dtype == np.float32, lengths


def checked_arguments(a: Any, axis: Any, b: Any, where: Any) -> Arguments:
    if isinstance(a, _core.LogSumExp):
        raise TypeError("LogSumExp: a is an accumulator, not data; merge() takes those")
    args = check_arguments("LogSumExp", a, axis, b=b, where=where)
    if not backend_of(args.dtype).MERGEABLE:
        raise TypeError(
            f"LogSumExp: {args.dtype.name} data are not supported; expected float16, bfloat16, float32, float64, an "
            "integer type or bool"
        )
    return args


def fold(total: Any, args: Arguments) -> Any:
    """Fold checked arguments in; float32 data alone, in a float32 accumulator, are summed in single precision."""
    weights = None if args.b is None else as_core_input(args.b)
    single = total.dtype == np.float32 and args.dtype == np.float32 and args.single
    total._fold(as_core_input(args.a), args.where, weights, args.bits, single)
    return total


def update(total: _core.LogSumExp, a: Any, axis: Any, b: Any, where: Any) -> None:
    args = checked_arguments(a, axis, b, where)
    if args.shape != total.shape:
        raise ValueError(
            f"LogSumExp.update: an array of shape {args.a.shape} reduced over axis={axis} has shape {args.shape}, but "
            f"the accumulator has shape {total.shape}"
        )
    fold(total, args)


def of(cls: Callable[..., Any], a: Any, axis: Any, b: Any, where: Any, dtype: Any) -> Any:
    args = checked_arguments(a, axis, b, where)
    if dtype is None:
        dtype = np.float32 if args.dtype == np.float32 else np.float64
    return fold(cls(args.shape, dtype), args)


def in_dtype(values: Array, dtype: DType, sign: Any = 1) -> Any:
    """Results as the user sees them, every NaN the same one; NaN where the sign is negative."""
    result = np.where(np.isnan(values) | (sign < 0), np.nan, values).astype(dtype)
    return result[()] if result.ndim == 0 else result


def checked_sums(sums: Any, shape: tuple[int, ...], name: str) -> Array:
    sums = np.array(sums, order="C") if isinstance(sums, np.ndarray) else None  # a copy of what lies in memory
    if sums is None or sums.dtype.kind != "f" or sums.dtype.itemsize != 8:
        raise TypeError(f"LogSumExp: a pickled state whose {name} sums are no array of float64")
    if sums.shape != (4, *shape):
        raise ValueError(f"LogSumExp: a pickled state whose {name} sums have shape {sums.shape}, not {(4, *shape)}")
    counts = sums[3]
    if np.isnan(sums[0]).any() or np.isinf(sums[1]).any() or not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError(f"LogSumExp: a pickled state whose {name} sums are no sums")
    native: Array = sums.astype(np.float64, copy=False)
    return native


def checked_count(count: Any, shape: tuple[int, ...]) -> Any:
    if type(count) is int and count >= 0:
        return count
    if isinstance(count, np.ndarray) and count.dtype.kind == "i" and count.shape == shape != ():
        count = np.array(count, np.int64, order="C")
        if count.min(initial=0) >= 0:
            count.flags.writeable = False
            return count
    raise ValueError(f"LogSumExp: a pickled state whose count is {count!r}")


def checked_state(state: Any, shape: tuple[int, ...]) -> tuple[Any, Array, Array | None]:
    """The parts of a pickled state; what is not one raises."""
    if not isinstance(state, tuple) or len(state) != 4:
        raise TypeError("LogSumExp: a pickled state must be a tuple of version, count, plain and weighted sums")
    version, count, plain, weighted = state
    if type(version) is not int or version != STATE_VERSION:
        raise ValueError(f"LogSumExp: a pickled state of version {version!r}; this lse reads version {STATE_VERSION}")
    count = checked_count(count, shape)
    plain = checked_sums(plain, shape, "plain")
    return count, plain, None if weighted is None else checked_sums(weighted, shape, "weighted")
