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
from lse._dtypes import BFLOAT16, Array, is_complex

GREATEST = 2**53  # float64 holds integers of no greater magnitude
NEGLIGIBLE = 2048  # by so much less than another is an element that adds nothing to it
NOTHING = (-np.inf, 0, 0, 0)  # the state of an empty sum
LOW = 2047  # the bits that float64 has no room for beside the others


def are_inexact(args: Arguments) -> bool:
    """Whether elements or weights are integers that double precision rounds; single precision is asked for as it is."""
    return not args.single and any(x is not None and _core.holds_wide_integers(x) for x in (args.a, args.b))


def is_integer(a: Any) -> TypeGuard[Array]:
    """Whether an array, also one of dask, is of 64-bit integers."""
    return a is not None and a.dtype.kind in "iu" and a.dtype.itemsize == 8


def are_great(a: Array) -> Array:
    """Where float64 may not hold an integer and all that matter beside it; as `_core.holds_wide_integers`."""
    great: Array = (a >= GREATEST) | ((a < NEGLIGIBLE - GREATEST) if a.dtype.kind == "i" else False)
    return great


def in_native_order(a: Array) -> Array:
    return a.astype(a.dtype.newbyteorder("="), copy=False)


def in_two_terms(a: Array) -> tuple[Array, Array]:
    """Integers as float64 numbers of which they are the sums."""
    low = a & LOW
    return (a - low).astype(np.float64), low.astype(np.float64)


def taking_part(args: Arguments) -> Array:
    """Where elements have a weight."""
    part = True if args.where is None else args.where
    if args.b is not None:
        part = part & (args.b.view(np.uint16) << 1 != 0 if args.b.dtype == BFLOAT16 else args.b != 0)
    return np.broadcast_to(part, args.a.shape)


def greatest_of(args: Arguments, part: Array) -> Array:
    """The greatest integer of each row, the axes reduced kept with length 1."""
    least = np.iinfo(args.a.dtype).min
    greatest: Array = np.max(args.a, axis=args.axes, keepdims=True, where=part, initial=least)
    return in_native_order(greatest)


def distances(a: Array, base: Array) -> Array:
    """Greater integers less others, as uint64."""
    below: Array = base.view(np.uint64) - a.astype(base.dtype, copy=False).view(np.uint64)
    return below


def differences(a: Array, base: Array | None) -> Array:
    """Integers less the greatest of their row, where float64 does not hold that; other elements as they are."""
    if base is None:
        return a
    return np.where(are_great(base), -distances(a, base).astype(np.float64), a.astype(np.float64))


def split(args: Arguments, base: Array | None) -> Arguments:
    """The same rows less their base, with every weight that is an integer in two terms, along a new first axis."""
    a = differences(args.a, base)
    args = args._replace(a=a, dtype=np.dtype(np.complex128 if is_complex(args.dtype) else np.float64))
    if not is_integer(args.b):
        return args
    weights = np.stack(in_two_terms(in_native_order(args.b)))
    return args._replace(
        a=np.broadcast_to(a, weights.shape),
        b=weights,
        where=None if args.where is None else np.broadcast_to(args.where, weights.shape),
        axes=(0, *(axis + 1 for axis in args.axes)),
        shape=args.shape if len(args.shape) < args.a.ndim else (1, *args.shape),
    )


def base_in_two_terms(base: Array | None, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The base of each row that has one; 0 of others."""
    if base is None:
        return 0.0, 0.0
    return in_two_terms(np.where(are_great(base), base, 0).astype(base.dtype).reshape(shape))


def add_base(base: Array | None, value: Array, low: Any) -> Array:
    """The base plus a logarithm, rounded once but for the last bits of `low`."""
    if is_complex(value.dtype):
        result = np.array(value + low)
        result.real = add_base(base, value.real, np.real(low))
        return result
    high, rest = base_in_two_terms(base, value.shape)
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
    base = greatest_of(args, part) if is_integer(args.a) else None
    rows, terms = inexact_rows(args, base, part), split(args, base)
    if is_complex(args.dtype):
        value, low = (x.reshape(result.shape) for x in _native.complex_in_two_parts(terms))
        exact = add_base(base, value, low)
        if sign is not None:
            phase = np.empty(terms.shape, np.complex128)
            _native.logsumexp(terms, np.empty(terms.shape), phase)
            replace(sign, rows, phase)
            exact = exact.real
    else:
        value, low, signs = (x.reshape(result.shape) for x in _native.in_two_parts(terms))
        exact = add_base(base, value, low)
        if sign is None:
            exact = np.where(signs < 0, np.nan, exact)
        else:
            replace(sign, rows, signs)
    replace(result, rows, exact)


def logmeanexp(args: Arguments, result: Array) -> None:
    _native.logmeanexp(args, result)
    part = taking_part(args)
    base = greatest_of(args, part) if is_integer(args.a) else None
    terms = split(args, base)
    mean = np.empty(terms.shape, terms.dtype)
    _native.logmeanexp(terms, mean)
    replace(result, inexact_rows(args, base, part), add_base(base, mean.reshape(result.shape), 0.0))


def map_elements(args: Arguments, operation: str, result: Array) -> None:
    part = taking_part(args)
    base = greatest_of(args, part) if is_integer(args.a) else None
    terms = split(args, base)
    exact = np.empty(args.a.shape, terms.dtype)
    _native.map_elements(terms, operation, exact)
    _native.map_elements(args, operation, result)
    replace(result, np.broadcast_to(inexact_rows(args, base, part), result.shape), exact)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    """Steps between the greatest elements so far, and distances from these, are shortened to what makes the same sums;
    float64 holds the integers that this leaves."""
    _native.logcumsumexp(a, axis, result)
    greatest = np.maximum.accumulate(in_native_order(a), axis=axis)
    near = -np.minimum(distances(a, greatest), NEGLIGIBLE).astype(np.float64)
    before = np.insert(np.delete(greatest, -1, axis), 0, np.take(greatest, 0, axis), axis)
    anchor = np.cumsum(np.minimum(distances(before, greatest), NEGLIGIBLE).astype(np.float64), axis=axis)
    sums = np.empty(a.shape)
    _native.logcumsumexp(anchor + near, axis, sums)
    replace(result, are_great(greatest), add_base(greatest, sums - anchor, 0.0))


def inexact_segments(args: Arguments, offsets: Array) -> Iterator[tuple[Array, Array, Arguments]]:
    """Yield the segments that may have rows float64 does not hold, those of each length as rows: their numbers, the
    places of their elements, and their arguments."""
    axis = args.axes[0]
    others = tuple(i for i in range(args.a.ndim) if i != axis)
    great = np.zeros(args.a.shape[axis], bool)
    for x in (args.a, args.b):
        if is_integer(x):
            great |= np.any(are_great(x), axis=others)
    before = np.concatenate([[0], np.cumsum(great)])
    affected = np.flatnonzero(before[offsets[:-1]] < before[offsets[1:]])
    lengths = offsets[affected + 1] - offsets[affected]
    order = np.argsort(lengths, kind="stable")
    cuts = np.flatnonzero(np.diff(lengths[order])) + 1
    for numbers in np.split(affected[order], cuts) if affected.size else []:
        starts = offsets[numbers]
        places = starts[:, np.newaxis] + np.arange(offsets[numbers[0] + 1] - starts[0])
        b, where = (None if x is None else np.take(x, places, axis) for x in (args.b, args.where))
        shape = (*args.a.shape[:axis], numbers.size, *args.a.shape[axis + 1 :])
        a = np.take(args.a, places, axis)
        yield numbers, places, args._replace(a=a, b=b, where=where, axes=(axis + 1,), shape=shape)


def segment_logsumexp(args: Arguments, offsets: Array, result: Array, sign: Array | None = None) -> None:
    _native.segment_logsumexp(args, offsets, result, sign)
    before: tuple[Any, ...] = (slice(None),) * args.axes[0]
    for numbers, _, rows in inexact_segments(args, offsets):
        signs = None if sign is None else np.empty(rows.shape, sign.dtype)
        exact = np.empty(rows.shape, result.dtype)
        logsumexp(rows, exact, signs)
        result[(*before, numbers)] = exact
        if sign is not None:
            sign[(*before, numbers)] = signs


def map_segments(args: Arguments, offsets: Array, operation: str, result: Array) -> None:
    before: tuple[Any, ...] = (slice(None),) * args.axes[0]
    exact = []
    for _, places, rows in inexact_segments(args, offsets):
        exact.append((places, np.empty(rows.a.shape, result.dtype)))
        map_elements(rows, operation, exact[-1][1])
    _native.map_segments(args, offsets, operation, result)  # which may be the elements
    for places, values in exact:
        result[(*before, places)] = values


# Running sums -----------------------------------------------------------------------------------------------


def without_great(args: Arguments) -> tuple[Array, Arguments]:
    """The weighted sums of rows of integers that float64 does not hold, as kernels.h has sums that are far from 1, and
    the arguments with nothing in these rows."""
    base = greatest_of(args, taking_part(args))
    rows = are_great(base)
    value, low, sign = (x.reshape(args.shape) for x in _native.in_two_parts(split(args, base)))
    high, rest = base_in_two_terms(base, value.shape)
    known = np.isfinite(value)
    whole = np.floor(np.where(known, value, 0))
    tail = np.exp(np.where(known, value - whole + low, 0)) * sign * 2.0**500
    top = NEGLIGIBLE * np.floor((rest + whole) / NEGLIGIBLE)
    sums = np.array([high + top, tail, np.full_like(tail, np.inf), rest + whole - top])
    for special, state in (
        (value == -np.inf, NOTHING),
        (value == np.inf, (np.inf, sign, np.inf, 0)),
        (np.isnan(value) | np.isnan(sign), (-np.inf, np.nan, 0, 0)),
        (~rows.reshape(value.shape), NOTHING),
    ):
        for i, number in enumerate(state):
            np.copyto(sums[i, ...], number, where=special)
    a = np.where(rows, -np.inf, args.a.astype(np.float64))
    b = None if args.b is None else np.where(rows, np.zeros((), args.b.dtype), args.b)
    return sums, args._replace(a=a, b=b)
