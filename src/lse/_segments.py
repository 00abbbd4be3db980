"""Sums and maps of consecutive segments of an axis: from public arguments to a backend, and back."""

from typing import Any

import numpy as np

from lse._arguments import (
    Arguments,
    as_axis,
    can_hold,
    check_arguments,
    check_flag,
    check_out,
    return_result,
)
from lse._backends import backend_for
from lse._dtypes import Array, check_integers, fill, real_dtype
from lse._foreign import unwrap


def check_offsets(indptr: Any, length: int, function: str) -> Array:
    """Return the offsets of a CSR matrix as contiguous integers."""
    given = np.array(unwrap(indptr, function, "indptr")[0])  # a copy, so that it cannot change after the checks
    if given.ndim != 1:
        raise ValueError(f"{function}: indptr must have one dimension, not {given.ndim}")
    if given.size == 0:
        raise ValueError(f"{function}: indptr is empty; it must have one offset more than there are segments")
    check_integers(given.dtype, function, "indptr")
    wrong = (given < 0) | (given > length)
    falls = given[1:] < given[:-1]
    if not wrong.any() and not falls.any():
        return np.ascontiguousarray(given, np.intp)
    i = min(int(np.argmax(x)) + more for x, more in ((wrong, 0), (falls, 1)) if x.any())
    if wrong[i]:
        raise ValueError(f"{function}: indptr[{i}] is {given[i]}, but the axis has length {length}")
    raise ValueError(
        f"{function}: indptr[{i}] is {given[i]}, less than {given[i - 1]} before it; offsets must not fall"
    )


def check_one_axis(function: str, a: Any, axis: Any, **options: Any) -> Arguments:
    """Check the arguments of a call for groups of elements along one axis."""
    number = as_axis(axis, function, "an integer")
    args = check_arguments(function, a, number, **options)
    if args.a.ndim == 0:
        raise np.exceptions.AxisError(number, 0, function)
    return args


def with_results(args: Arguments, count: int) -> Arguments:
    """For a result of so many elements along the axis."""
    axis = args.axes[0]
    return args._replace(shape=(*args.a.shape[:axis], count, *args.a.shape[axis + 1 :]))


def segment_logsumexp(
    a: Any, indptr: Any, axis: Any, b: Any, return_sign: Any, where: Any, out: Any, dtype: Any
) -> Any:
    args = check_one_axis("segment_logsumexp", a, axis, b=b, where=where, dtype=dtype)
    return_sign = check_flag(return_sign, "segment_logsumexp", "return_sign")
    offsets = check_offsets(indptr, args.a.shape[args.axes[0]], "segment_logsumexp")
    args = with_results(args, offsets.size - 1)
    kind = real_dtype(args.dtype) if return_sign else args.dtype
    target = check_out(out, args.shape, kind, "segment_logsumexp")
    free = not args.overlaps(target) and not return_sign
    result = target if can_hold(target, kind) and free else args.empty(kind)
    sign = args.empty(args.dtype) if return_sign else None
    backend_for(args).segment_logsumexp(args, offsets, result, sign)
    value = return_result(result, out, target, args.like)
    return value if sign is None else (value, return_result(sign, None, None, args.like))


def fill_outside(result: Array, offsets: Array, axis: int, value: float) -> None:
    """Elements of no segment become what the map makes of those that are left out."""
    for outside in (slice(0, offsets[0]), slice(offsets[-1], None)):
        fill(result[(*(slice(None),) * axis, outside)], value)


def map_segments(function: str, x: Any, indptr: Any, axis: Any, where: Any, out: Any, dtype: Any) -> Any:
    """Map each segment by a function that is named segment_ and the name of the map."""
    args = check_one_axis(function, x, axis, name="x", where=where, dtype=dtype)
    axis, operation = args.axes[0], function.removeprefix("segment_")
    offsets = check_offsets(indptr, args.a.shape[axis], function)
    target = check_out(out, args.a.shape, args.dtype, function)
    result = args.place_for_map(target)
    if args.a.size:
        if offsets.size > 1:
            backend_for(args).map_segments(args, offsets, operation, result)
        fill_outside(result, offsets, axis, -np.inf if operation == "log_softmax" else 0.0)
    return return_result(result, out, target, args.like)
