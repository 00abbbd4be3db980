"""64-bit integers that float64 cannot hold: their differences and sums are those of the integers themselves.

Elements become differences from the greatest of their row, exact where they matter; weights become two terms, each
exact. Rows whose greatest element and weights float64 holds are computed as in any other array.
"""

from collections.abc import Iterator
from typing import Any, TypeGuard

import numpy as np

from lse import _core, _native
from lse._arguments import Arguments
from lse._double_double import two_sum
from lse._dtypes import Array

GREATEST = 2**53  # float64 holds integers of no greater magnitude
LOW = 2047  # the bits that float64 has no room for beside the others

# Each element of the result is the greatest of those before it, or a little more: rounding them changes it by no more
# than its own rounding, and the first is itself.
logcumsumexp = _native.logcumsumexp


def are_inexact(args: Arguments) -> bool:
    """Whether elements or weights are integers that double precision rounds; single precision is asked for as it is."""
    return not args.single and any(x is not None and _core.holds_wide_integers(x) for x in (args.a, args.b))


def is_integer(a: Any) -> TypeGuard[Array]:
    """Whether an array, also one of dask, is of 64-bit integers."""
    return a is not None and a.dtype.kind in "iu" and a.dtype.itemsize == 8


def are_great(a: Array) -> Array:
    great: Array = (a >= GREATEST) | ((a < -GREATEST) if a.dtype.kind == "i" else False)
    return great


def in_two_terms(a: Array) -> tuple[Array, Array]:
    """Integers as float64 numbers of which they are the sums."""
    low = a & LOW
    return (a - low).astype(np.float64), low.astype(np.float64)


def taking_part(args: Arguments) -> Array:
    """Where elements have a weight."""
    part = True if args.where is None else args.where
    return np.broadcast_to(part if args.b is None else part & (args.b != 0), args.a.shape)


def greatest_of(args: Arguments, part: Array) -> Array | None:
    """The greatest integer of each row, the axes reduced kept with length 1; None of what is not integers."""
    if not is_integer(args.a):
        return None
    least = np.iinfo(args.a.dtype).min
    greatest: Array = np.max(args.a, axis=args.axes, keepdims=True, where=part, initial=least)
    return greatest.astype(args.a.dtype.newbyteorder("="), copy=False)


def differences(a: Array, base: Array | None) -> Array:
    """Integers less the greatest of their row, where float64 does not hold that; other elements as they are."""
    if base is None:
        return a
    a = a.astype(base.dtype, copy=False)
    below = base.view(np.uint64) - a.view(np.uint64)
    return np.where(are_great(base), -below.astype(np.float64), a.astype(np.float64))


def split(args: Arguments, base: Array | None) -> Arguments:
    """The same rows less their base, with every weight that is an integer in two terms, along a new first axis."""
    a = differences(args.a, base)
    args = args._replace(a=a, dtype=np.dtype(np.float64))
    if not is_integer(args.b):
        return args
    weights = np.stack(in_two_terms(args.b.astype(args.b.dtype.newbyteorder("="), copy=False)))
    return args._replace(
        a=np.broadcast_to(a, weights.shape),
        b=weights,
        where=None if args.where is None else np.broadcast_to(args.where, weights.shape),
        axes=(0, *(axis + 1 for axis in args.axes)),
        shape=args.shape if len(args.shape) < args.a.ndim else (1, *args.shape),
    )


def add_base(base: Array | None, value: Array, low: Array | float) -> Array:
    """The base plus a logarithm, rounded once but for the last bits of `low`."""
    if base is None:
        return value + low
    high, rest = in_two_terms(np.where(are_great(base), base, 0).astype(base.dtype).reshape(value.shape))
    whole, lost = two_sum(high, value)
    total: Array = np.where(np.isfinite(whole), whole + (rest + (lost + low)), whole)
    return total


def inexact_rows(args: Arguments, base: Array | None, part: Array) -> Array:
    """The rows that float64 does not hold."""
    rows: Array = np.zeros(tuple(1 if i in args.axes else n for i, n in enumerate(args.a.shape)), bool)
    if base is not None:
        rows |= are_great(base)
    if is_integer(args.b):
        rows |= np.any(are_great(args.b), axis=args.axes, keepdims=True, where=part)
    return rows


def replace(result: Array, rows: Array, values: Array) -> None:
    """Store float64 values, rounded once, in some places of a result."""
    np.copyto(result, _native.rounded(np.ascontiguousarray(values), result.dtype), where=rows.reshape(result.shape))


def logsumexp(args: Arguments, result: Array, sign: Array | None = None) -> None:
    _native.logsumexp(args, result, sign)
    part = taking_part(args)
    base = greatest_of(args, part)
    rows = inexact_rows(args, base, part)
    value, low, signs = (x.reshape(result.shape) for x in _native.in_two_parts(split(args, base)))
    exact = add_base(base, value, low)
    if sign is None:
        exact = np.where(signs < 0, np.nan, exact)
    else:
        replace(sign, rows, signs)
    replace(result, rows, exact)


def logmeanexp(args: Arguments, result: Array) -> None:
    _native.logmeanexp(args, result)
    part = taking_part(args)
    base = greatest_of(args, part)
    terms = split(args, base)
    mean = np.empty(terms.shape)
    _native.logmeanexp(terms, mean)
    replace(result, inexact_rows(args, base, part), add_base(base, mean.reshape(result.shape), 0.0))


def map_elements(args: Arguments, operation: str, result: Array) -> None:
    part = taking_part(args)
    base = greatest_of(args, part)
    exact = np.empty(args.a.shape)
    _native.map_elements(split(args, base), operation, exact)
    _native.map_elements(args, operation, result)
    replace(result, np.broadcast_to(inexact_rows(args, base, part), result.shape), exact)


def inexact_segments(args: Arguments, offsets: Array) -> Iterator[tuple[Any, tuple[slice, ...], Arguments]]:
    """Yield the number of each segment that may have rows float64 does not hold, its place in arrays of the shape of
    the elements, and its arguments."""
    axis = args.axes[0]
    others = tuple(i for i in range(args.a.ndim) if i != axis)
    great = np.zeros(args.a.shape[axis], bool)
    for x in (args.a, args.b):
        if is_integer(x):
            great |= np.any(are_great(x), axis=others)
    before = np.concatenate([[0], np.cumsum(great)])
    for i in np.flatnonzero(before[offsets[:-1]] < before[offsets[1:]]):
        place = (*(slice(None),) * axis, slice(offsets[i], offsets[i + 1]))
        b, where = (None if x is None else x[place] for x in (args.b, args.where))
        shape = args.a.shape[:axis] + args.a.shape[axis + 1 :]
        yield i, place, args._replace(a=args.a[place], b=b, where=where, shape=shape)


def segment_logsumexp(args: Arguments, offsets: Array, result: Array, sign: Array | None = None) -> None:
    _native.segment_logsumexp(args, offsets, result, sign)
    for i, place, segment in inexact_segments(args, offsets):
        at: Any = (*place[:-1], i)
        signs = None if sign is None else np.empty(segment.shape, sign.dtype)
        exact = np.empty(segment.shape, result.dtype)
        logsumexp(segment, exact, signs)
        result[at] = exact
        if sign is not None:
            sign[at] = signs


def map_segments(args: Arguments, offsets: Array, operation: str, result: Array) -> None:
    exact = {}
    for i, place, segment in inexact_segments(args, offsets):
        exact[i] = place, np.empty(segment.a.shape, result.dtype)
        map_elements(segment, operation, exact[i][1])
    _native.map_segments(args, offsets, operation, result)  # which may be the elements
    for place, values in exact.values():
        result[place] = values
