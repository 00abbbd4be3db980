"""Expected results of the public functions, by NumPy in longdouble: simple, and accurate to some ulp."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

WIDE = np.longdouble
EPS = {"e": 2.0**-10, "f": 2.0**-23, "d": 2.0**-52, "g": 2.0**-52}


class Refused(Exception):  # noqa: N818
    """The call is invalid, and must raise."""


def is_brain(dtype):
    return dtype.name == "bfloat16"


def eps_of(dtype):
    return 2.0**-7 if is_brain(dtype) else EPS[dtype.type(0).real.dtype.char]


def finfo(dtype):
    """For bfloat16 that of float32, which has the same exponents."""
    return np.finfo(np.float32 if is_brain(dtype) else dtype)


def smallest(dtype):
    """The smallest number above 0."""
    return np.longdouble(2.0**-133 if is_brain(dtype) else np.finfo(dtype).smallest_subnormal)


def refuse(condition):
    if condition:
        raise Refused


def natural(dtype):
    """The dtype that elements of another are computed in."""
    if dtype.char in "efdgFDG" or is_brain(dtype):
        return dtype.newbyteorder("=") if not is_brain(dtype) else dtype
    refuse(dtype.kind not in "biu")
    return np.dtype(np.float64)


def result_dtype(a, b, dtype):
    found = natural(a.dtype)
    if b is not None and natural(b.dtype) != found:
        kinds = [np.dtype("f4") if is_brain(t) else t for t in (found, natural(b.dtype))]
        found = np.result_type(*kinds)
    if dtype is None:
        return found
    wanted = np.dtype(dtype)
    refuse(wanted.char not in "efdgFDG" and not is_brain(wanted))
    refuse(found.kind == "c" and wanted.kind != "c")
    return wanted if is_brain(wanted) else wanted.newbyteorder("=")


def broadcast(*shapes):
    ndim = max(map(len, shapes))
    lengths = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
    result = tuple(next((n for n in axis if n != 1), 1) for axis in zip(*lengths, strict=True))
    refuse(any(x not in (1, n) for shape in lengths for x, n in zip(shape, result, strict=True)))
    return result


def normal_axes(axis, ndim):
    if axis is None:
        return tuple(range(ndim))
    if ndim == 0 and not isinstance(axis, tuple) and axis in (0, -1):
        return ()
    try:
        return normalize_axis_tuple(axis, ndim)
    except ValueError:
        raise Refused from None


def check_out(out, shape, dtype):
    if out is None:
        return
    refuse(out.shape != shape or not out.flags.writeable)
    refuse(out.dtype.kind not in "fc" and not is_brain(out.dtype))
    refuse(not np.can_cast(dtype, out.dtype, "same_kind"))


def wide(x, single, extended=False):
    """Convert to the numbers of the computation: those of float32, float64 or, extended, longdouble."""
    if x.dtype.kind == "c":
        return x.astype(np.clongdouble)
    with np.errstate(all="ignore"):
        x = x.astype(np.float32) if single else x if extended and x.dtype.char == "g" else x.astype(np.float64)
    return x.astype(WIDE)


class Sums:
    """Sums of b e^a over axes, as total e^top, and those of |b e^a|, as size e^top; all with keepdims."""

    def __init__(self, a, b, where, axes, dtype):
        single = dtype.char == "f" and (b is None or b.dtype.itemsize <= 4)
        extended = dtype.char == "g"
        self.a, self.axes = wide(a, single, extended), axes
        self.exists = np.broadcast_to(True if where is None else where, a.shape)
        self.b = np.broadcast_to(WIDE(1), a.shape) if b is None else wide(b, single, extended)
        live = self.exists & (self.b != 0)
        with np.errstate(all="ignore"):
            key = np.where(live, self.a.real + np.log(np.abs(self.b)), -WIDE(math.inf))
            self.top = np.max(np.where(np.isfinite(key), key, -WIDE(math.inf)), axes, keepdims=True, initial=-math.inf)
            self.top = np.where(np.isfinite(self.top), self.top, 0)
            phase = self.b / np.where(live, np.abs(self.b), 1)
            phase = np.where(np.isinf(self.b), np.sign(self.b.real), phase)
            if self.a.dtype.kind == "c":
                phase = phase * np.exp(1j * self.a.imag)
            size = np.exp(key - self.top)
            terms = np.where(live & ~np.isneginf(key), phase * size, 0)
            self.total = np.sum(terms, axes, keepdims=True)
            self.size = np.sum(np.where(live, np.where(np.isneginf(key), 0, size), 0), axes, keepdims=True)
            self.log = self.top + np.log(np.abs(self.total))


def agree(got, want, bound, what):
    """Equal if either is not finite, else within the bound; overflow to infinity is accepted."""
    got = got.astype(WIDE)
    with np.errstate(all="ignore"):
        odd = ~np.isfinite(got) | ~np.isfinite(want)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        near = np.abs(got - want) <= bound
    assert np.all(np.where(odd, same, near)), (what, got, want)


def check_logs(value, sign, sums, dtype, what):
    """Compare log|S| and sign with S, relative to the sum of magnitudes, for any cancellation."""
    value = np.asarray(value).reshape(sums.total.shape).astype(WIDE)
    total, size = sums.total, sums.size
    greatest = finfo(dtype).max
    with np.errstate(all="ignore"):
        bound = (16 + np.where(np.isfinite(sums.log), np.abs(sums.log), 0)) * eps_of(dtype) * size
        bound = bound + np.finfo(WIDE).eps * np.abs(sums.top) * size  # lost when the log of a weight was added
        if sign is None:
            negative = np.isnan(value) & (total < bound)  # or indistinguishable from it
            sign = np.where(negative, np.sign(total), np.where(np.isnan(value), value, 1))
            value = np.where(negative, sums.log, value)
        sign = np.asarray(sign).reshape(total.shape).astype(WIDE)
        over = np.isinf(value) & (np.abs(sums.log) >= greatest * (1 - eps_of(dtype)))
        got = np.where(np.isneginf(value), 0, sign * np.exp(value - sums.top))
        near = np.abs(value - sums.log) <= 16 * eps_of(dtype) * np.maximum(1, np.abs(value))
        got = np.where(over | (near & (sign == np.sign(total))), total, got)
        bound = np.where(np.isfinite(bound), bound, 0)
    agree(got, total, bound + np.where(np.isneginf(value), 16 * eps_of(dtype) * size, 0), what)


def softmax(sums, log):
    """Softmax of all elements, and the allowed error of each, in units of eps."""
    with np.errstate(all="ignore"):
        a = np.where(sums.exists, sums.a, -WIDE(math.inf))
        logs = (a - sums.top) - np.log(sums.total)
        endless = np.isposinf(a)
        count = np.sum(endless, sums.axes, keepdims=True)
        clean = ~np.any(np.isnan(a), sums.axes, keepdims=True)
        shared = np.where(endless, -np.log(np.maximum(count, 1).astype(WIDE)), -math.inf)
        logs = np.where((count > 0) & clean, shared, logs)
        nothing = np.all(~sums.exists, sums.axes, keepdims=True)
        logs = np.where(sums.exists | nothing, logs, -math.inf)
        dead = (np.isnan(sums.total) | (sums.total == 0)) & ~((count > 0) & clean)
        logs = np.where(dead & (sums.exists | nothing), math.nan, logs)
        return (logs, 16 + np.abs(logs)) if log else (np.exp(logs), 16 * np.exp(logs))
