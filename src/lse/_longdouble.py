"""longdouble, by NumPy's own functions: the core has no wider type than double."""

import math

import numpy as np

WIDE = np.longdouble


def prepared(args, down=False):
    """Elements, with -inf for what does not exist, weights or None, and the power of two that these were divided by."""
    a = args.a.astype(WIDE)
    if args.b is None:
        return (a if args.where is None else np.where(args.where, a, -WIDE(np.inf))), None, 0
    b = args.b.astype(WIDE)
    exists = (b != 0) if args.where is None else (b != 0) & args.where
    b = np.where(exists, b, WIDE(1))
    plain = np.isfinite(b) & exists
    power = int(np.frexp(np.max(np.abs(b), where=plain, initial=0))[1])
    if abs(power) < np.finfo(WIDE).maxexp - 64 or (power > 0 and not down):
        power = 0  # what brings great weights down brings small ones nearer to their end
    b = np.ldexp(np.ldexp(b, -(power // 2)), power // 2 - power)
    return np.where(exists, a, -WIDE(np.inf)), np.where(exists, b, WIDE(1)), power


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
    product = np.where(np.abs(x - shift) > 11000, half * b * half, b * exp_of_difference(x, shift))
    return np.where(np.isinf(b) & np.isfinite(x), b, product)  # no exponential is 0


def summed(terms):
    """Sums along the last axis, kept, as good as if they were rounded once: on a coarse grid they are exact."""
    most = np.max(np.abs(terms), axis=-1, keepdims=True, initial=0)
    grid = np.ldexp(WIDE(1), np.frexp(np.where(np.isfinite(most), most, 0))[1] + terms.shape[-1].bit_length() + 1)
    coarse = (terms + grid) - grid
    total = np.sum(coarse, axis=-1, keepdims=True) + np.sum(terms - coarse, axis=-1, keepdims=True)
    return np.where(np.isfinite(total), total, np.sum(terms, axis=-1, keepdims=True))


def parts(args, down=False):
    """Of log|S| = shift + log|s| + power ln(2) the shift, log|s|, s and the power, with keepdims.

    The greatest term is kept out of the sum.
    """
    a, b, power = prepared(args, down)
    order = tuple(i for i in range(a.ndim) if i not in args.axes) + args.axes
    rows = math.prod(args.keepdims_shape)  # as one axis, for with all of 64 there is no room for another
    a = a.transpose(order).reshape(rows, -1) if a.size else np.full((rows, 1), -np.inf, WIDE)
    a = np.ascontiguousarray(a)  # so that the order of the sum is the same in any layout
    b = np.ones_like(a) if b is None or b.size == 0 else np.ascontiguousarray(b.transpose(order).reshape(a.shape))
    key = np.where(np.isneginf(a), a, a + np.log(np.abs(b)))
    key = np.where(np.isnan(key), WIDE(np.inf), key)
    place = np.argmax(key, axis=-1)[..., np.newaxis]
    top, lead = np.take_along_axis(a, place, -1), np.take_along_axis(b, place, -1)
    shift = np.where(np.isfinite(top), top, WIDE(0))
    nothing = np.isfinite(b) & (np.isneginf(a) | (np.isinf(lead) & np.isfinite(a)))  # beside an infinite weight too
    terms = np.where(nothing, WIDE(0), weighed(b, a, shift))
    np.put_along_axis(terms, place, WIDE(0), -1)
    lead = np.where(np.take_along_axis(nothing, place, -1), WIDE(0), lead)
    lead = np.where(np.isfinite(top), lead, np.where(lead == 0, lead, lead * np.exp(top)))
    rest = summed(terms)
    total = lead + rest
    plain = np.all((np.isfinite(a) | np.isneginf(a)) & np.isfinite(b), axis=-1, keepdims=True)
    if not down and np.any(plain & ~np.isfinite(total)):
        return parts(args, True)
    for row in map(tuple, np.argwhere(np.abs(total[..., 0]) < np.abs(lead[..., 0]) / 2**20)):
        lead[row], rest[row], shift[row] = without_cancelled(a[row], b[row])
        total[row] = lead[row] + rest[row]
    ratio = np.where(np.isfinite(rest), rest / lead, rest)
    near = np.isfinite(ratio) & (ratio > -0.5)
    log = np.where(near, np.log(np.abs(lead)) + np.log1p(np.where(near, ratio, 0)), np.log(np.abs(total)))
    return *(x.reshape(args.keepdims_shape) for x in (shift, log, total)), power


def without_cancelled(a, b):
    """The greatest term of a row, the sum of the others and the shift, with weights of equal elements added exactly.

    Exponentials of different rationals are linearly independent over the rationals: nothing else cancels exactly.
    """
    from fractions import Fraction  # half a millisecond that few imports of lse want to pay

    weights = {}
    for x, weight in zip(a.tolist(), b.tolist(), strict=True):
        if x > -np.inf:
            weights[x] = weights.get(x, 0) + Fraction(*weight.as_integer_ratio())
    left = sorted((x for x, weight in weights.items() if weight != 0), reverse=True)
    if not left:
        return WIDE(0), WIDE(0), WIDE(0)
    x, b = np.array(left, WIDE), np.array([as_wide(weights[x]) for x in left], WIDE)
    place = np.argmax(x + np.log(np.abs(b)))
    terms = weighed(b, x, x[place])
    lead = terms[place]
    return lead, np.sum(np.delete(terms, place)), x[place]


def as_wide(fraction):
    """A fraction of a power of two as the nearest longdouble but for its last bit."""
    top = fraction.numerator.bit_length() - fraction.denominator.bit_length()
    scaled = round(fraction * type(fraction)(2) ** (63 - top))
    return np.ldexp(WIDE(scaled >> 32) * WIDE(2**32) + WIDE(scaled & 0xFFFFFFFF), top - 63)


def near_one(value, log, shift, total):
    """`value`, or log|e^shift total| instead, where it lacks digits: where `log` was added to nearly its opposite.

    A small `log` has none to lose, and is what keeps a tail beside a total of exactly 1.
    """
    small = np.abs(shift) < 1000
    product = np.abs(total) * np.exp(np.where(small, shift, WIDE(0)))
    lost = small & (product > 1 / 16) & (product < 16) & ~(np.abs(log) < 0.5)
    return np.where(lost, np.log(np.where(lost, product, WIDE(1))), value)


def logsumexp(args, return_sign):
    shift, log, total, power = parts(args)
    value, sign = shift + (log + power * np.log(WIDE(2))), np.sign(total)
    if power == 0:
        value = near_one(value, log, shift, total)
    if not return_sign:
        value = np.where(sign < 0, WIDE(np.nan), value)
    return value.reshape(args.shape), sign.reshape(args.shape)


def quotient(args, total):
    shift, _, over, power = parts(args)
    by_shift, _, under, by_power = parts(total)
    ratio, by = np.abs(over / under), shift - by_shift
    log = np.log(ratio)
    value = by + log + (power - by_power) * np.log(WIDE(2))
    if power == by_power:
        value = near_one(value, log, by, ratio)
    negative = (np.sign(over) * np.sign(under) < 0) | ((over < 0) & (under == 0))
    return np.where(negative, WIDE(np.nan), value).reshape(args.shape)


def softmax(args, log):
    a, _, _ = prepared(args)
    shift, rest, total, _ = parts(args)
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


def running_sum(terms, start=0):
    """Sums of every prefix of the last axis, with all that rounding lost: np.cumsum adds one after the other."""
    sums = np.cumsum(np.concatenate([np.full((*terms.shape[:-1], 1), start, terms.dtype), terms], axis=-1), axis=-1)
    before, after = sums[..., :-1], sums[..., 1:]
    of_term = after - before
    lost = np.cumsum((before - (after - of_term)) + (terms - of_term), axis=-1)
    return np.where(np.isfinite(lost), after + lost, after)


def cumulate(a, axis):
    """The log of the sum of every prefix; rows that span more than exp can are added one element after the other."""
    if a.size == 0:
        return a
    a = np.ascontiguousarray(np.moveaxis(a, axis, -1))
    tops = np.maximum.accumulate(a, axis=-1)
    top = np.max(a, axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, WIDE(0))
    sums = running_sum(np.where(np.isneginf(a), WIDE(0), exp_of_difference(a, top)))
    log = np.log(sums * exp_of_difference(top, tops))
    running = np.where(np.isneginf(tops), -WIDE(np.inf), near_one(tops + log, log, top, sums))
    spans = top - tops[..., :1] > 11000
    result = np.where(spans | ~np.isfinite(running), np.logaddexp.accumulate(a, axis=-1), running)
    return np.moveaxis(result, -1, axis)
