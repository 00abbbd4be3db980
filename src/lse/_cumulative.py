"""Sums of every prefix of an axis, and of its segments: from the arguments of the public functions to the core."""

from itertools import pairwise

import numpy as np

from lse import _complex, _core, _longdouble
from lse._arguments import (
    Arguments,
    axes_of,
    axis_number,
    checked_out,
    delivered,
    flag,
    is_plain,
    loadable,
    occupies,
    stored,
)
from lse._core import CUMULATE
from lse._foreign import unwrap
from lse._results import fill


def one_axis(axis, ndim, function):
    """An axis as a number that is not negative."""
    return axes_of((axis_number(axis, function, "an integer"),), ndim, function)[0]


def same_shape(args, target):
    """An array for a result of the shape of the input: the output if it serves."""
    in_place = target is not None and is_plain(target, args.dtype)
    if in_place and args.overlaps(target):
        in_place = occupies(args.a, target)
    return target if in_place else np.empty(args.a.shape, args.dtype)


def logcumsumexp(a, axis, reverse, out, dtype):
    args = Arguments("logcumsumexp", a, (), dtype=dtype)
    if axis is None:
        args.a = args.a.reshape(-1)
        axis = 0
    elif args.a.ndim == 0:
        args.a = args.a.reshape(1)
        axis = one_axis(axis, 1, "logcumsumexp")
    else:
        axis = one_axis(axis, args.a.ndim, "logcumsumexp")
    reverse = flag(reverse, "logcumsumexp", "reverse")
    target = checked_out(out, args.a.shape, args.dtype, "logcumsumexp")
    result = same_shape(args, target)
    turned = tuple(slice(None, None, -1 if reverse and i == axis else 1) for i in range(args.a.ndim))
    source, sums = args.a[turned], result[turned]
    if args.dtype.kind == "c":
        sums[...] = _complex.cumulate(source.astype(np.complex128), axis)
    elif args.dtype.char == "g":
        sums[...] = _longdouble.cumulate(source.astype(np.longdouble), axis)
    elif source.size:
        _core.reduce(
            CUMULATE, loadable(source, np.float64), None, None, 1 << axis, args.single, stored(sums), None, None
        )
    return delivered(result, out, target, args.like)


def offsets_of(indptr, length, function):
    """CSR offsets, checked, as contiguous integers."""
    given = np.array(unwrap(indptr, function, "indptr")[0])  # a copy, which nobody changes once it is checked
    if given.ndim != 1:
        raise ValueError(f"{function}: indptr must have one dimension, not {given.ndim}")
    if given.size == 0:
        raise ValueError(f"{function}: indptr is empty; it must have one offset more than there are segments")
    if given.dtype.kind not in "iu":
        raise TypeError(f"{function}: indptr must be of integers, not {given.dtype.name}; convert it first")
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


def segment_logsumexp(a, indptr, axis, out, dtype):
    args = Arguments("segment_logsumexp", a, (), dtype=dtype)
    axis = one_axis(axis, args.a.ndim, "segment_logsumexp")
    offsets = offsets_of(indptr, args.a.shape[axis], "segment_logsumexp")
    shape = (*args.a.shape[:axis], offsets.size - 1, *args.a.shape[axis + 1 :])
    target = checked_out(out, shape, args.dtype, "segment_logsumexp")
    in_place = out is not None and is_plain(target, args.dtype) and not args.overlaps(target)
    result = target if in_place else np.empty(shape, args.dtype)
    if args.dtype.kind == "c" or args.dtype.char == "g":
        one_by_one(args, offsets, axis, result)
    elif result.size and args.a.size:
        first = stored(result)[(*(slice(None),) * axis, slice(1))].squeeze(axis)
        _core.reduce_segments(loadable(args.a, np.float64), offsets, axis, args.single, first, result.strides[axis])
    else:
        fill(result, -np.inf)
    return delivered(result, out, target, args.like)


def one_by_one(args, offsets, axis, result):
    """Each segment as a reduction of its own, for the dtypes that the core does not sum."""
    module = _complex if args.dtype.kind == "c" else _longdouble
    for i, (start, stop) in enumerate(pairwise(offsets)):
        before = (slice(None),) * axis
        piece = Arguments("segment_logsumexp", args.a[(*before, slice(start, stop))], axis, dtype=args.dtype)
        result[(*before, i)] = module.logsumexp(piece, False)[0]
