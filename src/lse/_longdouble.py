"""longdouble, by SciPy's formula and NumPy functions: the core has no type wider than double."""

import numpy as np

from lse._arguments import Arguments, segment_arguments
from lse._dtypes import Array

MERGEABLE = False
WIDE, INF = np.longdouble, np.longdouble(np.inf)


def log_sums(args: Arguments) -> tuple[Array, Array, Array]:
    """Return total * exp(shift), the shift, log|total| and the total of each sum; log1p resolves small values."""
    axes, a = args.axes, args.a.astype(WIDE, order="C")
    b = np.ones_like(a) if args.b is None else args.b.astype(WIDE, order="C")
    exists = b != 0 if args.where is None else (b != 0) & args.where
    a, b = np.where(exists, a, -INF), np.where(exists, b, WIDE(1))
    logs = a + np.log(np.abs(b))
    top = np.max(logs, axis=axes, keepdims=True, initial=-INF)
    shift = np.where(np.isneginf(top), WIDE(0), top)
    half = np.exp((a - shift) / 2)  # next to the smallest weights exp(a - shift) would overflow
    terms = np.where(np.isposinf(logs), np.copysign(INF, b), half * b * half)
    lead, rest = (np.sum(np.where(x, terms, 0), axis=axes, keepdims=True) for x in (logs == top, logs != top))
    near = np.abs(rest) < np.abs(lead) / 2
    log = np.where(near, np.log(np.abs(lead)) + np.log1p(rest / lead), np.log(np.abs(lead + rest)))
    return shift, log, lead + rest


def logsumexp(args: Arguments, result: Array, sign: Array | None = None) -> None:
    shift, log, total = log_sums(args)
    if sign is not None:
        sign[...] = np.sign(total).reshape(args.shape)
    result[...] = np.where((total < 0) & (sign is None), np.nan, shift + log).reshape(args.shape)


def logmeanexp(args: Arguments, result: Array) -> None:
    (a, log_a, over), (b, log_b, under) = log_sums(args), log_sums(args.weights_alone())
    negative = (np.sign(over) * np.sign(under) < 0) | ((over < 0) & (under == 0))
    result[...] = np.where(negative, np.nan, (a - b) + (log_a - log_b)).reshape(args.shape)


def softmax(args: Arguments, log: bool, result: Array) -> None:
    exists = np.broadcast_to(True if args.where is None else args.where, args.a.shape)
    a = np.where(exists, args.a.astype(WIDE), -INF)
    endless = np.isposinf(np.max(a, axis=args.axes, keepdims=True))  # infinite elements share the result
    a = np.where(endless, np.where(np.isposinf(a), WIDE(0), -INF), a)
    shift, log_total, total = log_sums(args._replace(a=a, where=None))
    value = (a - shift) - log_total if log else np.exp(a - shift) / total
    result[...] = np.where(np.any(exists, axis=args.axes, keepdims=True) & ~exists, -INF if log else WIDE(0), value)


def logcumsumexp(a: Array, axis: int, result: Array) -> None:
    np.logaddexp.accumulate(a.astype(WIDE), axis=axis, out=result)


def segment_logsumexp(a: Array, offsets: Array, axis: int, result: Array) -> None:
    for place, args in segment_arguments(a, offsets, axis, result.dtype):
        logsumexp(args, result[place])
