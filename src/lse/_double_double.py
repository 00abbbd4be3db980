"""Double-double arithmetic: a number and its rounding error."""

from typing import Any, TypeAlias

import numpy as np

from lse._dtypes import Array

Sums: TypeAlias = tuple[Any, Any, Any]  # log|sum| in two parts, and the sign of the sum: arrays or floats


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a + b and its rounding error."""
    whole = a + b
    of_b = whole - a
    return whole, (a - (whole - of_b)) + (b - of_b)


def divide(over: Sums, under: Sums) -> Array:
    """Return the log of the quotient of two sums: NaN if it is negative or 0 / 0."""
    (a, a_low, a_sign), (b, b_low, b_sign) = over, under
    whole, lost = two_sum(a, -b)
    exact = np.where(np.isfinite(whole), whole + (lost + (a_low - b_low)), whole)
    return np.where((a_sign * b_sign < 0) | ((a_sign < 0) & (b_sign == 0)), np.nan, exact)


def exp_of_difference(a: Array, b: Array) -> Array:
    """Return e^(a - b) with the error of one exponential; 1 where both are infinite."""
    whole, lost = two_sum(a, -b)
    power: Array = np.exp(whole)
    return np.where(np.isfinite(whole), power + power * np.where(np.isfinite(lost), lost, 0), power)


def cumulative_sum(terms: Array, start: float = 0) -> Array:
    """Return cumulative sums along the last axis, including all rounding errors: np.cumsum adds sequentially."""
    first = np.full((*terms.shape[:-1], 1), start, terms.dtype)
    sums = np.cumsum(np.concatenate([first, terms], axis=-1), axis=-1)
    before, after = sums[..., :-1], sums[..., 1:]
    of_term = after - before
    lost = np.cumsum((before - (after - of_term)) + (terms - of_term), axis=-1)
    return np.where(np.isfinite(lost), after + lost, after)
