"""longdouble, by SciPy's formula and NumPy functions: the core has no type wider than double.

Arrays are reshaped to two dimensions, the reduced axes last; each sum is over a run of a row: all of it, or a segment.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lse._arguments import Arguments, Axes
from lse._dtypes import Array

WIDE, INF = np.longdouble, np.longdouble(np.inf)
WHOLE = (0,)  # the start of the only run of a row


def as_rows(x: Array, axes: Axes) -> Array:
    """Reshape an array to two dimensions, of which the last is that of the reduced axes."""
    kept = [i for i in range(x.ndim) if i not in axes]
    return x.transpose(*kept, *axes).reshape(math.prod(x.shape[i] for i in kept), math.prod(x.shape[i] for i in axes))


def from_rows(rows: Array, shape: tuple[int, ...], axes: Axes) -> Array:
    """Undo `as_rows` for an array of the given shape."""
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    return np.moveaxis(rows.reshape([shape[i] for i in order]), range(len(shape)), order)


class Sums(NamedTuple):
    """A total for each array of weights, divided by exp(shift), and the log of their magnitude together."""

    shift: Array
    log: Array
    totals: Sequence[Array]


def magnitude(parts: Sequence[Array]) -> Array:
    return functools.reduce(np.hypot, parts) if len(parts) > 1 else np.abs(parts[0])


def sum_runs(a: Array, weights: Sequence[Array], starts: Any) -> Sums:
    """Sum w exp(a) over runs of the rows of a, for each array of weights; excluded elements are -inf."""
    if a.shape[1] == 0:
        nothing = np.zeros((a.shape[0], 1), WIDE)
        return Sums(nothing, nothing - INF, [nothing] * len(weights))
    spread = functools.partial(np.repeat, repeats=np.diff(starts, append=a.shape[1]), axis=1)
    logs = a + np.log(functools.reduce(np.fmax, map(np.abs, weights)))
    top = np.maximum.reduceat(logs, starts, axis=1)
    shift = np.where(np.isneginf(top), WIDE(0), top)
    half = np.exp((a - spread(shift)) / 2)  # next to the smallest weights exp(a - shift) would overflow
    first = logs == spread(top)
    terms = [np.where(np.isposinf(logs), np.where(w == 0, w, w * INF), half * w * half) for w in weights]
    leads, rests = ([np.add.reduceat(np.where(x, term, 0), starts, axis=1) for term in terms] for x in (first, ~first))
    # |lead + rest|^2 is |lead|^2 (1 + 2 cross + square); log1p resolves small values
    power = sum(x * x for x in leads)
    cross, square = (sum(x * y for x, y in zip(rests, other, strict=True)) / power for other in (leads, rests))
    totals = [x + y for x, y in zip(leads, rests, strict=True)]
    near = (square < 0.25) & np.isfinite(power)
    log = np.where(near, np.log(magnitude(leads)) + np.log1p(2 * cross + square) / 2, np.log(magnitude(totals)))
    return Sums(shift, log, totals)


def rows_of(args: Arguments) -> tuple[Array, Array]:
    """The elements, -inf where they are left out, and their weights, as rows."""
    a, b = as_rows(args.a, args.axes).astype(WIDE), np.ones((1, 1), WIDE)
    if args.b is not None:
        b = as_rows(args.b, args.axes).astype(WIDE)
        a, b = np.where(b == 0, -INF, a), np.where(b == 0, WIDE(1), b)
    if args.where is not None:
        exists = as_rows(args.where, args.axes)
        a, b = np.where(exists, a, -INF), np.where(exists, b, WIDE(1))
    return a, b


def sum_rows(args: Arguments) -> Sums:
    a, b = rows_of(args)
    return sum_runs(a, [b], WHOLE)


def logsumexp(args: Arguments, result: Array, sign: Array | None = None) -> None:
    shift, log, (total,) = sum_rows(args)
    if sign is not None:
        sign[...] = np.sign(total).reshape(args.shape)
    result[...] = np.where((total < 0) & (sign is None), np.nan, shift + log).reshape(args.shape)


def logmeanexp(args: Arguments, result: Array) -> None:
    (a, log_a, (over,)), (b, log_b, (under,)) = sum_rows(args), sum_rows(args.weights_alone())
    negative = (np.sign(over) * np.sign(under) < 0) | ((over < 0) & (under == 0))
    result[...] = np.where(negative, np.nan, (a - b) + (log_a - log_b)).reshape(args.shape)


def map_runs(a: Array, exists: Array, starts: Any, log: bool, empty: float) -> Array:
    """Map runs of the rows of a."""
    spread = functools.partial(np.repeat, repeats=np.diff(starts, append=a.shape[1]), axis=1)
    a = np.where(exists, a, -INF)
    top = spread(np.maximum.reduceat(a, starts, axis=1))
    endless = np.isposinf(top)  # infinite elements share the result
    a = np.where(endless, np.where(np.isposinf(a), WIDE(0), -INF), a)
    shift, log_total, total = map(spread, flat(sum_runs(a, [np.ones((1, 1), WIDE)], starts)))
    value = (a - shift) - log_total if log else np.exp(a - shift) / total
    absent = spread(np.logical_or.reduceat(exists, starts, axis=1)) & ~exists
    outside = -INF if log else WIDE(0)
    return np.where(absent, outside, np.where(np.isneginf(top), WIDE(empty), value))


def flat(sums: Sums) -> list[Array]:
    return [sums.shift, sums.log, *sums.totals]


def presence_of(args: Arguments) -> Array:
    """The mask, as rows."""
    return as_rows(np.broadcast_to(True if args.where is None else args.where, args.a.shape), args.axes)


def map_elements(args: Arguments, operation: str, result: Array) -> None:
    log = {"softmax": False, "log_softmax": True}[operation]
    values = map_runs(as_rows(args.a, args.axes).astype(WIDE), presence_of(args), WHOLE, log, args.nothing)
    result[...] = from_rows(values, args.a.shape, args.axes)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    np.logaddexp.accumulate(a.astype(WIDE), axis=axis, out=result)


class Segments:
    """Those of an axis that are not empty, as runs of rows: `inside` is the range that they take up, where they begin
    at `starts`."""

    def __init__(self, args: Arguments, offsets: Array) -> None:
        self.filled = offsets[:-1] < offsets[1:]
        self.inside = slice(offsets[0], offsets[-1])
        self.starts = offsets[:-1][self.filled] - offsets[0]
        self.axis = args.axes[0]

    def cut(self, rows: Array) -> Array:
        return rows[:, self.inside] if rows.shape[1] > 1 else rows

    def store(self, result: Array, values: Array, nothing: Any) -> None:
        """Store a result for each, and one for those that are empty."""
        target = np.moveaxis(result, self.axis, -1)
        every = np.full((values.shape[0], self.filled.size), nothing, result.dtype)
        every[:, self.filled] = values
        target[...] = every.reshape(target.shape)

    def map(self, function: Callable[..., Array], args: Arguments, dtype: Any, operation: str, result: Array) -> None:
        """Map the elements inside by map_runs of their dtype."""
        if not self.filled.any():
            return
        a = as_rows(args.a, args.axes).astype(dtype)[:, self.inside]
        values = function(a, presence_of(args)[:, self.inside], self.starts, operation == "log_softmax", args.nothing)
        target = np.moveaxis(result, self.axis, -1)[..., self.inside]
        target[...] = values.reshape(target.shape)


def segment_logsumexp(args: Arguments, offsets: Array, result: Array, sign: Array | None = None) -> None:
    segments = Segments(args, offsets)
    a, b = map(segments.cut, rows_of(args))
    if not segments.filled.any():
        shift, log, total = (np.empty((a.shape[0], 0), WIDE) for _ in range(3))
    else:
        shift, log, (total,) = sum_runs(a, [b], segments.starts)
    if sign is not None:
        segments.store(sign, np.sign(total), 0)
    segments.store(result, np.where((total < 0) & (sign is None), np.nan, shift + log), -INF)


def map_segments(args: Arguments, offsets: Array, operation: str, result: Array) -> None:
    Segments(args, offsets).map(map_runs, args, WIDE, operation, result)
