"""Complex arguments: two weighted sums of the core, those of the real and the imaginary part."""

import numpy as np

from lse import _core
from lse._longdouble import exp_of_difference, running_sum

# ln(2) in two parts, the first so short that its product with a power of weights is exact
LN2_SHORT, LN2_REST = float.fromhex("0x1.62e42fefa4000p-1"), float.fromhex("-0x1.8432a1b0e2634p-43")


def phases(a, b, where):
    """b e^(i Im a), with weight 0 for what does not exist; and Re a."""
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


def raised(b):
    """Weights times 2^power: where some are so small that products would lose digits, the greatest is near 2^1000."""
    b = b.astype(np.complex128 if b.dtype.kind == "c" else np.float64)
    sizes = np.maximum(np.abs(b.real), np.abs(b.imag))
    plain = np.isfinite(sizes) & (sizes > 0)
    if np.min(sizes, initial=1.0, where=plain) > 2.0**-900:
        return b, 0
    power = 1000 - int(np.frexp(np.max(sizes, where=plain, initial=0.0))[1])
    scaled = joined(np.ldexp(b.real, power), np.ldexp(b.imag, power), np.complex128)
    return scaled if np.iscomplexobj(b) else scaled.real, power


def parts(args):
    """log|S| and the phase of S, the sum of b e^a."""
    b, power = (None, 0) if args.b is None else raised(args.b)
    size, real, imag = phases(args.a, b, args.where)
    shift = np.max(size, axis=args.axes, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(shift), shift, 0.0)
    size = np.asarray(size - shift)
    (u, u_low, u_sign), (v, v_low, v_sign) = (weighted(args, size, weights) for weights in (real, imag))
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


def two_sum(a, b):
    """a + b and what rounding it loses."""
    whole = a + b
    of_b = whole - a
    return whole, (a - (whole - of_b)) + (b - of_b)


def weighted(args, size, weights):
    """log|sum of weights e^size|, what rounding it lost, and the sign."""
    value, low, sign = (np.empty(args.shape) for _ in range(3))
    if size.size:
        _core.reduce(0, size, None, np.asarray(weights), args.bits, False, value, sign, low)
    else:
        value.fill(-np.inf)
        low.fill(0)
        sign.fill(0)
    return value, low, sign


def joined(log, angle, dtype):
    result = np.empty(log.shape, dtype)
    result.real, result.imag = log, angle
    return result


def logsumexp(args, return_sign):
    log, angle = parts(args)
    if not return_sign:
        return joined(log, angle, args.dtype), None
    sign = np.where(np.isneginf(log), 0, joined(np.cos(angle), np.sin(angle), np.complex128))
    return log.astype(args.dtype.type(0).real.dtype), sign.astype(args.dtype)


def wrapped(angle):
    """Into (-pi, pi]."""
    return np.where(np.abs(angle) <= np.pi, angle, np.pi - (np.pi - angle) % (2.0 * np.pi))


def quotient(args, total):
    log, angle = parts(args)
    by, by_angle = parts(total)
    return joined(log - by, wrapped(angle - by_angle), args.dtype)


def softmax(args, log):
    args.shape = args.keepdims_shape
    exists = True if args.where is None else args.where
    args.a = limited(args.a.astype(np.complex128), exists, args.axes)
    size, angle = parts(args)
    a, dead = args.a, np.isneginf(size) | np.isnan(size)
    shift = np.max(np.where(exists, a.real, -np.inf), axis=args.axes, keepdims=True, initial=-np.inf)
    if log:
        real, imag = np.where(dead, np.nan, a.real - size), wrapped(a.imag - angle)
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
    return joined(real, imag, args.dtype)


def limited(a, exists, axes):
    """Where a row has +inf and no NaN: 0 in place of +inf and -inf in place of all else, so that infinities share."""
    endless = np.isposinf(a.real) & exists
    rows = np.any(endless, axis=axes, keepdims=True) & ~np.any(np.isnan(a.real) & exists, axis=axes, keepdims=True)
    return joined(np.where(rows, np.where(endless, 0.0, -np.inf), a.real), a.imag, np.complex128)


def cumulate(a, axis):
    """The log of the sum of every prefix."""
    if a.size == 0:
        return a  # of rows without elements there may be any number
    a = np.moveaxis(a, axis, -1)
    result = np.empty_like(a)
    for place in np.ndindex(a.shape[:-1]):
        result[place] = cumulate_row(a[place])
    return np.moveaxis(result, -1, axis)


def cumulate_row(a):
    """Of one row, in runs in which the greatest real part rises by less than what exp can span."""
    tops = np.maximum.accumulate(np.where(np.isfinite(a.real), a.real, -np.finfo(float).max))
    result = np.empty_like(a)
    total, at, start = 0j, tops[0] if a.size else 0.0, 0
    while start < a.size:
        end = start + int(np.searchsorted(tops[start:], tops[start] + 500.0, side="right"))
        top = tops[end - 1]
        _, real, imag = phases(a[start:end], None, None)
        size = np.exp(a.real[start:end] - top)
        total = total * np.exp(at - top) if np.isfinite(total) else total
        x = running_sum(np.where(real == 0, 0.0, size * real), total.real)
        y = running_sum(np.where(imag == 0, 0.0, size * imag), total.imag)
        nothing = (x == 0) & (y == 0)
        result[start:end].real = np.where(nothing, -np.inf, top + np.log(np.hypot(x, y)))
        result[start:end].imag = np.where(nothing, 0.0, np.arctan2(y, x))
        total, at, start = complex(x[-1], y[-1]), top, end
    return result
