"""clongdouble: longdouble sums of the real and of the imaginary parts."""

import functools
from typing import Any

import numpy as np

from lse._arguments import Arguments
from lse._dtypes import Array
from lse._longdouble import INF, WHOLE, WIDE, Segments, Sums, as_rows, from_rows, presence_of, sum_runs

LEAST = np.finfo(WIDE).min


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
