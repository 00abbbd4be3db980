"""All differences from SciPy, and the rows of docs/scipy.md that describe them, which this prints as a script."""
# ruff: noqa: RUF001  the page's minus signs

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lse
from scipy_calls import Call, Outcome, are_same, pairs_apart


@dataclass
class Difference:
    """A row of the page, the aspects in which results may differ, and the calls that it describes.

    The names of the aspects are those of `scipy_calls.differences`. For values, `pairs` tells which pairs of results,
    ours and theirs, differ in this way.
    """

    call: str
    scipy: str
    lse: str
    aspects: set[str]
    applies: Callable[[Call, Outcome, Outcome], bool]
    pairs: Callable[[Any, Any], bool] = lambda x, y: True

    def row(self):
        return f"| {self.call} | {self.scipy} | {self.lse} |"

    def tells(self, call, ours, theirs, aspects, apart):
        """Return the aspects that it explains, and the indices of the pairs of values that it explains."""
        found = self.aspects & aspects
        if not found or not self.applies(call, ours, theirs):
            return set(), set()
        pairs = {i for i, (x, y) in enumerate(apart) if "value" in self.aspects and self.pairs(x, y)}
        return found if pairs else found - {"value"}, pairs


def is_map(call):
    return call.function != "logsumexp"


def is_integer(x):
    return x is not None and x.dtype.kind in "biu"


def is_numeric(call):
    return all(x is None or x.dtype.kind in "biufc" for x in (call.array, call.b))


def is_complex(call):
    return any(x is not None and x.dtype.kind == "c" for x in (call.array, call.b))


def has_infinity(x):
    return x is not None and x.dtype.kind in "fc" and bool(np.any(np.isinf(x) & ~np.isneginf(x.real)))


def has_negative(x):
    return x is not None and x.dtype.kind in "fi" and bool(np.any(x < 0))


def has_zero(x):
    return x is not None and bool(np.any(x == 0))


def has_extremes(x):
    """Whether weights are so large or small that products or sums with them overflow or underflow."""
    if x is None or x.dtype.kind not in "fc" or x.dtype.itemsize < 4:
        return False
    sizes = np.abs(x[np.isfinite(x) & (x != 0)]).astype(np.longdouble)
    return bool(np.any((sizes > 1e100) | (sizes < 1e-100)))


def is_empty(call):
    return call.array.size == 0 or (call.b is not None and call.b.size == 0)


def cancels(call, ours):
    """Whether a sum is less than a third of that of its terms without their signs."""
    if is_map(call) or ours.error:
        return False
    with np.errstate(all="ignore"):
        b = np.abs(1 if call.b is None else call.b).astype(np.longdouble)
        whole = lse.logsumexp(call.array.real, call.options["axis"], b, bool(call.options.get("keepdims", False)))
        return bool(np.any(whole - ours.arrays[0].real > 1))


DIFFERENCES = {
    "Values": [
        Difference(
            "terms that cancel: `logsumexp([40, 39, 0], b=[1, -e, 1])`, `logsumexp([800, 800, 0], b=[1, -1, 1])`",
            "the remainder has lost its digits: 0.0 or 3.5, by the processor; nan",
            "2.604, exact for the float64 nearest e; 0.0",
            {"value", "sign"},
            lambda call, ours, theirs: cancels(call, ours),
        ),
        Difference(
            "weights near the ends of the range: `b=[1e-300, 1e300]` of `[0, -1000]`; `b=[1e308, 1e308]` of `[0, 0]`",
            "−690.78, the greater term lost; inf, RuntimeWarning",
            "−309.22; 709.89",
            {"value", "sign"},
            lambda call, ours, theirs: has_extremes(call.b),
        ),
        Difference(
            "zero weights: all of a sum, with large, infinite or NaN elements; that of one of several +inf",
            "nan",
            "−inf, sign 0; +inf",
            {"value", "sign"},
            lambda call, ours, theirs: has_zero(call.b),
            lambda x, y: np.isinf(x.real) and np.isnan(y),
        ),
        Difference(
            "infinite weights; infinities among complex elements",
            "nan",
            "infinite; for complex numbers with the direction of C99's `log(sum(exp))`",
            {"value", "sign"},
            lambda call, ours, theirs: (
                not is_map(call) and (has_infinity(call.b) or (is_complex(call) and has_infinity(call.array)))
            ),
            lambda x, y: np.isposinf(x.real) and np.isnan(y),
        ),
        Difference(
            "a negative sum whose magnitude underflows: `logsumexp(-800, b=-1)`",
            "−inf",
            "nan, as for other negative sums",
            {"value"},
            lambda call, ours, theirs: has_negative(call.b),
            lambda x, y: np.isnan(x) and np.isneginf(y.real),
        ),
        Difference(
            "+inf in softmax and log_softmax: `softmax([inf, 0])`, `log_softmax([inf, inf, 0])`",
            "[nan, nan]; [nan, nan, −inf]; RuntimeWarning",
            "[1, 0]; [−log 2, −log 2, −inf]",
            {"value"},
            lambda call, ours, theirs: is_map(call) and has_infinity(call.array),
            lambda x, y: np.isnan(y) or (np.isneginf(x.real) and np.isneginf(y.real)),
        ),
        Difference(
            "imaginary parts of `log_softmax` where real parts are −inf",
            "kept, less that of the logarithm; also beside nan, where all are −inf",
            "0; nan, where all are −inf",
            {"value"},
            lambda call, ours, theirs: call.function == "log_softmax" and is_complex(call),
            lambda x, y: (np.isnan(x) and np.isnan(y.real)) or (np.isneginf(x.real) and np.isneginf(y.real)),
        ),
        Difference(
            "results near 0: `log_softmax([0, -40])`",
            "[0, −40]",
            "[−4.25e−18, −40]",
            {"tail"},
            lambda call, ours, theirs: call.function == "log_softmax",
        ),
        Difference(
            "float16: `logsumexp(zeros(65536, float16))`",
            "computed in float16: inf, RuntimeWarning",
            "rounded once: 11.09",
            {"value"},
            lambda call, ours, theirs: call.array.size > 100 and theirs.arrays[0].dtype == np.float16,
        ),
        Difference(
            "the imaginary part of clongdouble",
            "has the digits of float64, and may be −π",
            "has all digits, in (−π, π]",
            {"value"},
            lambda call, ours, theirs: ours.arrays[0].dtype.char == "G",
            lambda x, y: bool(are_same(np.complex128(x), np.complex128(y))),
        ),
    ],
    "Nothing, and arrays without axes": [
        Difference(
            "`softmax([])`, `log_softmax([])`",
            "ValueError",
            "an empty array",
            {"refused by SciPy"},
            lambda call, ours, theirs: is_map(call) and call.array.size == 0,
        ),
        Difference(
            "`logsumexp` of an empty array over several axes, as `zeros((2, 0, 3))` with `axis=None`",
            "IndexError",
            "−inf",
            {"refused by SciPy"},
            lambda call, ours, theirs: not is_map(call) and is_empty(call) and theirs.error is IndexError,
        ),
        Difference(
            "sign of a sum over nothing",
            "−1; of complex numbers nan, and the logarithm is complex too",
            "0; and the logarithm is real",
            {"sign", "dtype"},
            lambda call, ours, theirs: is_empty(call) and bool(call.options.get("return_sign")),
        ),
        Difference(
            "`axis=()` of an empty array",
            "−inf in an array of one element",
            "an empty array",
            {"shape", "type"},
            lambda call, ours, theirs: is_empty(call) and call.options["axis"] == (),
        ),
        Difference(
            "a wrong axis of an empty array",
            "IndexError; True and lists may be accepted",
            "the same error as for other arrays",
            {"error", "refused by lse"},
            lambda call, ours, theirs: (
                is_empty(call)
                and issubclass(ours.error, TypeError | ValueError)
                and (theirs.error is IndexError or type(call.options["axis"]) in (bool, list))
            ),
        ),
        Difference(
            "a 0-d array with `keepdims=True` or `axis=()`",
            "an array of shape (1,)",
            "a scalar, as NumPy's reductions return",
            {"shape", "type"},
            lambda call, ours, theirs: (
                call.array.ndim == 0 and (bool(call.options.get("keepdims")) or call.options["axis"] == ())
            ),
        ),
        Difference(
            "`axis=(0,)` of a 0-d array in softmax and log_softmax; `axis=(0, 0)` of one",
            "AxisError",
            "taken as in logsumexp; ValueError, as of other arrays",
            {"refused by SciPy", "error"},
            lambda call, ours, theirs: (
                call.array.ndim == 0 and isinstance(call.options["axis"], tuple) and is_map(call)
            ),
        ),
    ],
    "Dtypes": [
        Difference(
            "integers in softmax and log_softmax: `softmax(uint8([0, 255]))`",
            "subtracted in their own dtype, in which 0 − 255 is 1: [0.731, 0.2688], float16",
            "converted to float64 first: [1.8e−111, 1]",
            {"dtype", "value"},
            lambda call, ours, theirs: is_map(call) and is_integer(call.array),
        ),
        Difference(
            "bool in softmax and log_softmax",
            "TypeError",
            "computed in float64",
            {"refused by SciPy"},
            lambda call, ours, theirs: is_map(call) and call.array.dtype == bool,
        ),
        Difference(
            "bool or integers with weights of float16, float32 or complex64",
            "NumPy's promotion of both: float16 for int8 and float16",
            "float64 or complex128, as without weights",
            {"dtype", "value"},
            lambda call, ours, theirs: is_integer(call.array) and call.b is not None and call.b.dtype.char in "efF",
        ),
        Difference(
            "object, str, datetime",
            "TypeError or ValueError; datetime is read as a number, and an empty object array as float",
            "TypeError that names the dtype and the supported ones",
            {"error", "refused by lse"},
            lambda call, ours, theirs: not is_numeric(call) and ours.error is TypeError,
        ),
    ],
    "Arguments": [
        Difference(
            "the order in memory of complex sums of arrays in Fortran order",
            "C order",
            "that of NumPy's reductions",
            {"order"},
            lambda call, ours, theirs: is_complex(call),
        ),
        Difference(
            "a masked array",
            "the mask is ignored, and −inf may become 1.0",
            "TypeError that says to pass `where=~a.mask`, if it masks anything",
            {"refused by lse", "error", "value", "sign"},
            lambda call, ours, theirs: call.container == "masked",
        ),
        Difference(
            "`np.matrix` in logsumexp",
            "TypeError, or ValueError with weights",
            "an ndarray without the reduced axes",
            {"refused by SciPy", "error"},
            lambda call, ours, theirs: not is_map(call) and call.container == "matrix",
        ),
        Difference(
            "`keepdims` and `return_sign` that are neither bool nor integers",
            "converted to bool",
            "TypeError",
            {"refused by lse", "error"},
            lambda call, ours, theirs: any(call.options.get(name) in ("yes", None) for name in call.flags),
        ),
    ],
}


def explain(call, ours, theirs, aspects):
    """Return the differences that explain a call, and the aspects that none explains."""
    apart = pairs_apart(call, ours, theirs) if "value" in aspects else []
    told, pairs, used = set(), set(), []
    for difference in (row for rows in DIFFERENCES.values() for row in rows):
        some, indices = difference.tells(call, ours, theirs, aspects, apart)
        if some:
            used.append(difference)
        told, pairs = told | some, pairs | indices
    if len(pairs) < len(apart):
        told.discard("value")
    return used, aspects - told


def tables():
    """The lines of the tables of the page, by the titles of their sections."""
    head = ["| call | SciPy | lse |", "|---|---|---|"]
    return {title: [*head, *(row.row() for row in rows)] for title, rows in DIFFERENCES.items()}


if __name__ == "__main__":
    for title, lines in tables().items():
        print(f"## {title}", "", *lines, "", sep="\n")
