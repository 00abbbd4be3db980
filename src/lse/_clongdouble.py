"""clongdouble: longdouble sums of the real and of the imaginary parts, by NumPy functions.

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
LEAST = np.finfo(WIDE).min


def as_rows(x: Array, axes: Axes) -> Array:
    """Reshape an array to two dimensions, of which the last is that of the reduced axes."""
    kept = [i for i in range(x.ndim) if i not in axes]
    return x.transpose(*kept, *axes).reshape(math.prod(x.shape[i] for i in kept), math.prod(x.shape[i] for i in axes))


def from_rows(rows: Array, shape: tuple[int, ...], axes: Axes) -> Array:
    """Undo `as_rows` for an array of the given shape."""
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    return np.moveaxis(rows.reshape([shape[i] for i in order]), range(len(shape)), order)


class Sums(NamedTuple):
    """The real and the imaginary part of totals, divided by exp(shift), and the log of their magnitude."""

    shift: Array
    log: Array
    totals: Sequence[Array]


def sum_runs(a: Array, weights: Sequence[Array], starts: Any) -> Sums:
    """Sum w exp(a) over runs of the rows of a, w being complex; excluded elements are -inf."""
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
    log = np.where(near, np.log(np.hypot(*leads)) + np.log1p(2 * cross + square) / 2, np.log(np.hypot(*totals)))
    return Sums(shift, log, totals)


def presence_of(args: Arguments) -> Array:
    """The mask, as rows."""
    return as_rows(np.broadcast_to(True if args.where is None else args.where, args.a.shape), args.axes)


def product(x: Array, y: Array) -> Array:
    """Multiply; 0 times infinity is 0."""
    return np.where((x == 0) | (y == 0), WIDE(0), x * y)


def directions(a: Array, b: Array | None = None, exists: Array | None = None) -> tuple[Array, Array, Array]:
    """Return Re a and the real and imaginary parts of b e^(i Im a); -inf, 1 and 0 for excluded elements."""
    a = a.astype(np.clongdouble)
    u, v = np.cos(a.imag), np.sin(a.imag)
    endless = np.isposinf(a.real) & ~np.isfinite(a.imag)  # C99's cexp: inf + i NaN
    u, v = np.where(endless, WIDE(1), u), np.where(endless, WIDE(np.nan), v)
    absent = np.isneginf(a.real)
    if b is not None:
        b = b.astype(np.clongdouble)
        u, v = product(b.real, u) - product(b.imag, v), product(b.real, v) + product(b.imag, u)
        absent = (absent & np.isfinite(b)) | (b == 0)
    if exists is not None:
        absent = absent | ~exists
    return np.where(absent, -INF, a.real), np.where(absent, WIDE(1), u), np.where(absent, WIDE(0), v)


def rows_of(args: Arguments) -> tuple[Array, Array, Array]:
    b, exists = (None if x is None else as_rows(x, args.axes) for x in (args.b, args.where))
    return directions(as_rows(args.a, args.axes), b, exists)


def sum_rows(args: Arguments) -> Sums:
    size, *parts = rows_of(args)
    return sum_runs(size, parts, WHOLE)


def angle_of(sums: Sums) -> Array:
    u, v = sums.totals
    return np.where(np.isneginf(sums.log), WIDE(0), np.arctan2(v + WIDE(0), u))  # not -pi for v = -0


def from_parts(real: Array, imag: Array) -> Array:
    result = np.empty(np.broadcast_shapes(real.shape, imag.shape), np.clongdouble)
    result.real, result.imag = real, imag
    return result


def logsumexp(args: Arguments, result: Array, sign: Array | None = None) -> None:
    sums = sum_rows(args)
    log, angle = (sums.shift + sums.log).reshape(args.shape), angle_of(sums).reshape(args.shape)
    if sign is None:
        result[...] = from_parts(log, angle)
        return
    result[...] = log
    sign[...] = np.where(np.isneginf(log), 0, from_parts(np.cos(angle), np.sin(angle)))


def wrap_angle(angle: Array) -> Array:
    """Reduce an angle to (-pi, pi]."""
    pi = np.arctan2(WIDE(0), WIDE(-1))
    return np.where(np.abs(angle) <= pi, angle, pi - (pi - angle) % (2 * pi))


def logmeanexp(args: Arguments, result: Array) -> None:
    over, under = sum_rows(args), sum_rows(args.weights_alone())
    log = (over.shift - under.shift) + (over.log - under.log)
    result[...] = from_parts(log, wrap_angle(angle_of(over) - angle_of(under))).reshape(args.shape)


def map_runs(a: Array, exists: Array, starts: Any, log: bool, empty: float) -> Array:
    """Map runs of the rows of a."""
    spread = functools.partial(np.repeat, repeats=np.diff(starts, append=a.shape[1]), axis=1)
    size, u, v = directions(a, None, exists)
    top = spread(np.maximum.reduceat(size, starts, axis=1))
    endless = np.isposinf(top)  # infinite elements share the result
    size = np.where(endless, np.where(np.isposinf(size), WIDE(0), -INF), size)
    u, v = np.where(np.isneginf(size), WIDE(1), u), np.where(np.isneginf(size), WIDE(0), v)
    sums = sum_runs(size, [u, v], starts)
    shift, log_total, angle = map(spread, (sums.shift, sums.log, angle_of(sums)))
    if log:  # of a large angle the direction is known, and the digits of a difference would be those of the angle
        own = np.where(np.abs(a.imag) <= 4, a.imag, np.arctan2(v, u))
        real, imag = (size - shift) - log_total, wrap_angle(own - angle)
    else:  # phases are multiplied: the difference of large angles is inexact
        scale = np.exp((size - shift) - log_total)
        x, y = np.cos(angle), np.sin(angle)
        real, imag = scale * (u * x + v * y), scale * (v * x - u * y)
    dead = ~(log_total > -INF)
    real, imag = np.where(dead, WIDE(np.nan), real), imag if log else np.where(dead, WIDE(np.nan), imag)
    if not np.isnan(empty):
        nothing = np.isneginf(top)
        real, imag = np.where(nothing, WIDE(empty), real), np.where(nothing, WIDE(0), imag)
    absent = spread(np.logical_or.reduceat(exists, starts, axis=1)) & ~exists
    return from_parts(np.where(absent, -INF if log else WIDE(0), real), np.where(absent, WIDE(0), imag))


def map_elements(args: Arguments, operation: str, result: Array) -> None:
    log = {"softmax": False, "log_softmax": True}[operation]
    a = as_rows(args.a, args.axes).astype(np.clongdouble)
    result[...] = from_rows(map_runs(a, presence_of(args), WHOLE, log, args.nothing), args.a.shape, args.axes)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    """Merge sums of 1, 2, 4, ... elements, each scaled by its maximum."""
    size, *parts = directions(np.moveaxis(a, axis, -1))
    known = np.isfinite(size)
    top, sums = np.where(known, size, LEAST), np.stack(parts)
    sums = np.where(known, sums, np.where(np.isneginf(size) | (sums == 0), WIDE(0), sums * size))
    step = 1
    while step < top.shape[-1]:
        pair = top[..., :-step], top[..., step:]
        above = np.maximum(*pair)
        before, after = (
            np.where(np.isfinite(x), x * np.exp(y - above), x)
            for x, y in zip((sums[..., :-step], sums[..., step:]), pair, strict=True)
        )
        sums[..., step:], top[..., step:] = before + after, above
        step *= 2
    u, v = sums
    log = top + np.log(np.hypot(u, v))
    np.moveaxis(result, axis, -1)[...] = from_parts(log, angle_of(Sums(top, log, (u, v))))


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
    size, *parts = map(segments.cut, rows_of(args))
    if segments.filled.any():
        sums = sum_runs(size, parts, segments.starts)
        log, angle = sums.shift + sums.log, angle_of(sums)
    else:
        log = angle = np.empty((size.shape[0], 0), WIDE)
    if sign is None:
        segments.store(result, from_parts(log, angle), -INF)
        return
    segments.store(result, log, -INF)
    segments.store(sign, np.where(np.isneginf(log), 0, from_parts(np.cos(angle), np.sin(angle))), 0)


def map_segments(args: Arguments, offsets: Array, operation: str, result: Array) -> None:
    Segments(args, offsets).map(map_runs, args, np.clongdouble, operation, result)
