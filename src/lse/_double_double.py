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
