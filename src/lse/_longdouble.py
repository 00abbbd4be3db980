"""longdouble, by NumPy's own functions: the core has no wider type than double."""

import numpy as np

WIDE = np.longdouble


def prepared(args):
    """Elements, with -inf for what does not exist, and weights or None."""
    a = args.a.astype(WIDE)
    b = None if args.b is None else args.b.astype(WIDE)
    exists = np.ones(a.shape, np.bool_) if args.where is None else args.where
    if b is not None:
        exists = exists & (b != 0)
        b = np.where(exists, b, WIDE(1))
    return np.where(exists, a, -WIDE(np.inf)), b


def exp_of_difference(a, b):
    """e^(a - b) with the error of one exp, for the difference is taken in two parts; 1 where both are infinite."""
    whole = a - b
    of_b = whole - a
    lost = (a - (whole - of_b)) - (b + of_b)
    power = np.exp(whole)
    return np.where(np.isfinite(whole), power + power * np.where(np.isfinite(lost), lost, 0), power)


def weighed(b, x, shift):
    """b e^(x - shift), also where the exponential alone is out of range."""
    half = np.exp((x - shift) / 2)
    return np.where(np.abs(x - shift) > 11000, half * b * half, b * exp_of_difference(x, shift))


def parts(args):
    """Of log|S| = shift + log|s| the shift, log|s| and s, with keepdims. The greatest term is kept out of the sum."""
    a, b = prepared(args)
    order = tuple(i for i in range(a.ndim) if i not in args.axes) + args.axes
    outer = tuple(a.shape[i] for i in order[: a.ndim - len(args.axes)])
    a = a.transpose(order).reshape(*outer, -1) if a.size else np.full((*outer, 1), -np.inf, WIDE)
    a = np.ascontiguousarray(a)  # so that the order of the sum is the same in any layout
    b = np.ones_like(a) if b is None or b.size == 0 else np.ascontiguousarray(b.transpose(order).reshape(a.shape))
    key = np.where(np.isneginf(a), a, a + np.log(np.abs(b)))
    key = np.where(np.isnan(key), WIDE(np.inf), key)
    place = np.argmax(key, axis=-1)[..., np.newaxis]
    top, lead = np.take_along_axis(a, place, -1), np.take_along_axis(b, place, -1)
    shift = np.where(np.isfinite(top), top, WIDE(0))
    terms = np.where(np.isneginf(a), WIDE(0), weighed(b, a, shift))
    np.put_along_axis(terms, place, WIDE(0), -1)
    lead = np.where(np.isneginf(top), WIDE(0), np.where(np.isfinite(top), lead, lead * np.exp(top)))
    rest = np.sum(terms, axis=-1, keepdims=True)
    total = lead + rest
    ratio = np.where(np.isfinite(rest), rest / lead, rest)
    near = np.isfinite(ratio) & (ratio > -0.5)
    log = np.where(near, np.log(np.abs(lead)) + np.log1p(np.where(near, ratio, 0)), np.log(np.abs(total)))
    return tuple(x.reshape(args.keepdims_shape) for x in (shift, log, total))


def logsumexp(args, return_sign):
    shift, log, total = parts(args)
    value, sign = shift + log, np.sign(total)
    if not return_sign:
        value = np.where(sign < 0, WIDE(np.nan), value)
    return value.reshape(args.shape), sign.reshape(args.shape)


def quotient(args, total):
    shift, _, over = parts(args)
    by_shift, _, under = parts(total)
    value = (shift - by_shift) + np.log(np.abs(over / under))
    negative = (np.sign(over) * np.sign(under) < 0) | ((over < 0) & (under == 0))
    return np.where(negative, WIDE(np.nan), value).reshape(args.shape)


def softmax(args, log):
    a, _ = prepared(args)
    shift, rest, total = parts(args)
    value = (a - shift) - rest if log else exp_of_difference(a, shift) / total
    empty = np.isnan(rest) | np.isneginf(rest)
    value = np.where(empty, WIDE(np.nan), value)
    infinite = np.isposinf(a)
    count = np.count_nonzero(infinite, axis=args.axes, keepdims=True)
    clean = ~np.any(np.isnan(a), axis=args.axes, keepdims=True)
    share = np.where(count > 0, count, 1).astype(WIDE)
    inside, outside = (-np.log(share), -WIDE(np.inf)) if log else (1 / share, WIDE(0))
    value = np.where((count > 0) & clean, np.where(infinite, inside, outside), value)
    if args.where is not None:
        nothing = ~np.any(args.where, axis=args.axes, keepdims=True)
        value = np.where(args.where | nothing, value, outside)
    return value


def cumulate(a, axis):
    """The log of the sum of every prefix; rows that span more than exp can are added one element after the other."""
    if a.size == 0:
        return a
    tops = np.maximum.accumulate(a, axis=axis)
    top = np.max(a, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, WIDE(0))
    sums = np.cumsum(np.exp(a - top), axis=axis)
    running = np.where(np.isneginf(tops), -WIDE(np.inf), tops + np.log(sums * np.exp(top - tops)))
    spans = top - np.take(tops, [0], axis=axis) > 11000
    return np.where(spans | ~np.isfinite(running), np.logaddexp.accumulate(a, axis=axis), running)
