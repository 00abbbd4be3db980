"""Complex arguments: two weighted sums of the core, those of the real and the imaginary part."""

from typing import Any

import numpy as np

from lse._arguments import Arguments, segment_arguments
from lse._double_double import cumulative_sum, exp_of_difference, two_sum
from lse._dtypes import Array
from lse._native import in_two_parts

MERGEABLE = False

# ln(2) in two parts, the first so short that its product with a power of weights is exact
LN2_SHORT, LN2_REST = float.fromhex("0x1.62e42fefa4000p-1"), float.fromhex("-0x1.8432a1b0e2634p-43")


def phases(a: Array, b: Array | None, where: Array | None) -> tuple[Array, Array, Array]:
    """Re a, and the real and the imaginary part of b e^(i Im a), which is 0 for excluded elements."""
    size, angle = a.real.astype(np.float64), a.imag.astype(np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    endless = np.isposinf(size) & ~np.isfinite(angle)  # C99's cexp: inf + i NaN
    cosine, sine = np.where(endless, 1.0, cosine), np.where(endless, np.nan, sine)
    sine[angle == 0] = 0.0  # so that inf does not make it NaN
    if b is None:
        real, imag = cosine, sine
    elif np.iscomplexobj(b):
        b = b.astype(np.complex128)
        real, imag = b.real * cosine - b.imag * sine, b.real * sine + b.imag * cosine
    else:
        real, imag = b * cosine, b * sine
    absent = np.isneginf(size) if b is None else np.isneginf(size) & np.isfinite(b)
    if b is not None:
        absent |= b == 0
    if where is not None:
        absent |= ~where
    real, imag = np.where(absent, 0.0, real), np.where(absent, 0.0, imag)
    return np.where(absent, -np.inf, size), real, imag


def scale_weights(b: Array) -> tuple[Array, int]:
    """Weights times 2^power, and the power: where the smallest would lose digits, the greatest is near 2^1000."""
    b = b.astype(np.complex128 if b.dtype.kind == "c" else np.float64)
    sizes = np.maximum(np.abs(b.real), np.abs(b.imag))
    usual = np.isfinite(sizes) & (sizes > 0)
    if np.min(sizes, initial=1.0, where=usual) > 2.0**-900:
        return b, 0
    power = 1000 - int(np.frexp(np.max(sizes, where=usual, initial=0.0))[1])
    scaled = from_parts(np.ldexp(b.real, power), np.ldexp(b.imag, power))
    return scaled if np.iscomplexobj(b) else scaled.real, power


def parts(args: Arguments) -> tuple[Array, Array]:
    """log|S| and the phase of S, the sum of b e^a."""
    b, power = (None, 0) if args.b is None else scale_weights(args.b)
    size, real, imag = phases(args.a, b, args.where)
    shift = np.max(size, axis=args.axes, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(shift), shift, 0.0)
    size = np.asarray(size - shift)
    (u, u_low, u_sign), (v, v_low, v_sign) = (
        in_two_parts(args._replace(a=size, b=np.asarray(weights), where=None, dtype=np.dtype(np.float64)))
        for weights in (real, imag)
    )
    top = np.fmax(u, v)
    endless = np.isposinf(top)
    scale = np.where((np.abs(top) < 600) | ~np.isfinite(top), 0.0, top)
    # of infinite parts the directions alone count
    x, y = (
        np.where(endless, np.isposinf(w) * 1.0, np.exp(w - scale) * (1 + low)) for w, low in ((u, u_low), (v, v_low))
    )
    angle = np.where(np.isneginf(top), 0.0, np.arctan2(v_sign * y, u_sign * x))
    low = np.where(np.isfinite(top), np.fmin(u, v) - top, -np.inf)
    log, lost = two_sum(top, shift.reshape(args.shape))
    log, more = two_sum(log, -power * LN2_SHORT)
    lost = lost + more
    if power:  # what rounding a large logarithm lost is seen when the power is taken off
        lost = lost + np.where(u >= v, u_low, v_low)
    lost = np.where(np.isfinite(lost), lost, 0.0)
    log = log + (lost - power * LN2_REST + 0.5 * np.log1p(np.exp(2.0 * low)))
    unknown = np.isnan(u_sign) | np.isnan(v_sign)
    return np.where(unknown & ~endless, np.nan, log), np.where(unknown, np.nan, angle)


def store(result: Array, real: Array, imag: Array) -> Array:
    result.real[...], result.imag[...] = real, imag
    return result


def from_parts(real: Array, imag: Array) -> Array:
    return store(np.empty(real.shape, np.complex128), real, imag)


def logsumexp(args: Arguments, result: Array, sign: Array | None = None) -> None:
    log, angle = parts(args)
    if sign is None:
        store(result, log, angle)
        return
    result[...] = log
    nothing = np.isneginf(log)
    store(sign, np.where(nothing, 0, np.cos(angle)), np.where(nothing, 0, np.sin(angle)))


def wrap_angle(angle: Array) -> Array:
    """Into (-pi, pi]."""
    return np.where(np.abs(angle) <= np.pi, angle, np.pi - (np.pi - angle) % (2.0 * np.pi))


def logmeanexp(args: Arguments, result: Array) -> None:
    (over, over_angle), (under, under_angle) = parts(args), parts(args.weights_alone())
    store(result, over - under, wrap_angle(over_angle - under_angle))


def softmax(args: Arguments, log: bool, result: Array) -> None:
    exists: Any = True if args.where is None else args.where
    a = share_infinities(args.a.astype(np.complex128), exists, args.axes)
    size, angle = parts(args._replace(a=a, shape=args.keepdims_shape))
    dead = np.isneginf(size) | np.isnan(size)
    shift = np.max(np.where(exists, a.real, -np.inf), axis=args.axes, keepdims=True, initial=-np.inf)
    if log:
        real, imag = np.where(dead, np.nan, a.real - size), wrap_angle(a.imag - angle)
        outside = (-np.inf, 0.0)
    else:  # the phases are multiplied, for the difference of large angles has lost digits
        scale = exp_of_difference(a.real, shift) / np.exp(size - shift)
        x, y, u, v = np.cos(a.imag), np.sin(a.imag), np.cos(angle), np.sin(angle)
        real, imag = scale * (x * u + y * v), scale * (y * u - x * v)
        real, imag = (np.where(dead, np.nan, np.where(np.isneginf(a.real), 0.0, part)) for part in (real, imag))
        outside = (0.0, 0.0)
    if args.where is not None:
        exists = exists | ~np.any(exists, axis=args.axes, keepdims=True)
        real, imag = (np.where(exists, part, other) for part, other in zip((real, imag), outside, strict=True))
    store(result, real, imag)


def share_infinities(a: Array, exists: Any, axes: tuple[int, ...]) -> Array:
    """Where a row has +inf and no NaN: 0 in place of +inf and -inf in place of all else, so that infinities share."""
    endless = np.isposinf(a.real) & exists
    rows = np.any(endless, axis=axes, keepdims=True) & ~np.any(np.isnan(a.real) & exists, axis=axes, keepdims=True)
    return from_parts(np.where(rows, np.where(endless, 0.0, -np.inf), a.real), a.imag)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    a, result = np.moveaxis(a.astype(np.complex128), axis, -1), np.moveaxis(result, axis, -1)
    for place in np.ndindex(a.shape[:-1]):
        result[place] = cumulate_row(a[place])


def cumulate_row(a: Array) -> Array:
    """Of one row, in runs in which the greatest real part rises by less than what exp can span."""
    tops = np.maximum.accumulate(np.where(np.isfinite(a.real), a.real, -np.finfo(float).max))
    result = np.empty_like(a)
    total, at, start = 0j, tops[0], 0
    while start < a.size:
        end = start + int(np.searchsorted(tops[start:], tops[start] + 500.0, side="right"))
        top = tops[end - 1]
        _, real, imag = phases(a[start:end], None, None)
        size = np.exp(a.real[start:end] - top)
        total = total * np.exp(at - top) if np.isfinite(total) else total
        x = cumulative_sum(np.where(real == 0, 0.0, size * real), total.real)
        y = cumulative_sum(np.where(imag == 0, 0.0, size * imag), total.imag)
        nothing = (x == 0) & (y == 0)
        result[start:end].real = np.where(nothing, -np.inf, top + np.log(np.hypot(x, y)))
        result[start:end].imag = np.where(nothing, 0.0, np.arctan2(y, x))
        total, at, start = complex(x[-1], y[-1]), top, end
    return result


def segment_logsumexp(a: Array, offsets: Array, axis: int, result: Array) -> None:
    for place, args in segment_arguments(a, offsets, axis, result.dtype):
        logsumexp(args, result[place])
