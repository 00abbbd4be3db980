"""How far are derivatives of cumulative sums from the exact ones, in units of 2^-53 of the sums of absolute values?"""

import mpmath
import numpy as np
import pytest

from checks import KERNELS, same, using
from lse import _core

pytestmark = pytest.mark.usefixtures("kernel")
inf = np.inf
MOST = 16
LOST = 2.0**-1000  # of a share


def rows(rng):
    """Of lengths around those that are computed at once, flat, rising, falling and wild."""
    for n in (1, 2, 31, 33, 63, 64, 65, 200):
        x = rng.normal(size=n)
        for scale in (1e-3, 1.0, 30.0, 700.0, 1e4):
            yield x * scale
            yield np.sort(x) * scale
            yield np.sort(x)[::-1] * scale
    yield np.linspace(0, 64, 150)  # the anchor rises every now and then
    yield np.repeat([-inf, 1.0, -inf, 20.0, 20.0], 30)


def exactly(x, given, forward):
    """The derivatives, and those with absolute values."""
    top = mpmath.mpf(x.max())
    terms = [mpmath.exp(mpmath.mpf(v) - top) if v > -inf else mpmath.mpf(0) for v in x]
    sums = list(np.cumsum(terms))
    given = [mpmath.mpf(v) for v in given]
    found = []
    for factors in (given, [abs(v) for v in given]):
        if forward:
            sums_of_given = np.cumsum([f * t for f, t in zip(factors, terms, strict=True)])
            found.append([of / s if s else s for of, s in zip(sums_of_given, sums, strict=True)])
        else:
            each = [f / s if s else s for f, s in zip(factors, sums, strict=True)]
            found.append([t * s for t, s in zip(terms, np.cumsum(each[::-1])[::-1], strict=True)])
    return found


@pytest.mark.parametrize("forward", [False, True])
def test_errors(rng, forward):
    with mpmath.workprec(150):
        for x in rows(rng):
            given = rng.normal(size=x.size)
            got = _core.differentiate_cumulative(x, given, 0, forward)
            for g, e, size in zip(got.tolist(), *exactly(x, given, forward), strict=True):
                assert abs(g - e) <= MOST * 2.0**-53 * size + LOST


@pytest.mark.parametrize("forward", [False, True])
def test_the_bits_of_every_kernel(rng, forward):
    for x in rows(rng):
        given = rng.normal(size=x.size)
        expected = _core.differentiate_cumulative(x, given, 0, forward)
        for other in KERNELS:
            with using(other):
                same(_core.differentiate_cumulative(x, given, 0, forward), expected)


@pytest.mark.parametrize("forward", [False, True])
def test_long_rows(rng, forward):
    """Errors do not grow with the length."""
    n = 20_000
    given = rng.normal(size=n)
    got = _core.differentiate_cumulative(np.zeros(n), given, 0, forward)
    count = np.arange(1, n + 1)
    with mpmath.workprec(150):
        terms = [mpmath.mpf(v) for v in given]
        if forward:
            expected = [s / int(k) for s, k in zip(np.cumsum(terms), count, strict=True)]
            size = np.cumsum(np.abs(given)) / count
        else:
            expected = np.cumsum([t / int(k) for t, k in zip(terms, count, strict=True)][::-1])[::-1]
            size = np.cumsum((np.abs(given) / count)[::-1])[::-1]
        for g, e, s in zip(got[::97].tolist(), expected[::97], size[::97].tolist(), strict=True):
            assert abs(g - e) <= MOST * 2.0**-53 * s


def test_infinite_elements_share_what_is_infinite():
    x, given = np.array([1.0, 1.0, inf, inf, 5.0]), np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    same(_core.differentiate_cumulative(x, given, 0, False), np.array([2.0, 1.0, 16.0, 12.0, 0.0]))
    same(_core.differentiate_cumulative(x, given, 0, True), np.array([1.0, 1.5, 4.0, 6.0, 6.0]))


def test_sums_of_nothing_have_no_share():
    x, given = np.array([-inf, -inf, 3.0, -inf]), np.array([1.0, 2.0, 4.0, 8.0])
    same(_core.differentiate_cumulative(x, given, 0, False), np.array([0.0, 0.0, 12.0, 0.0]))
    same(_core.differentiate_cumulative(x, given, 0, True), np.array([0.0, 0.0, 4.0, 4.0]))


def test_nan_spreads_in_its_row_alone(rng):
    x, given = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    x[1, 2] = np.nan
    backward, forward = (np.isnan(_core.differentiate_cumulative(x, given, 1, forward)) for forward in (False, True))
    assert backward.tolist() == [[False] * 5, [True] * 5, [False] * 5]
    assert forward.tolist() == [[False] * 5, [False, False, True, True, True], [False] * 5]


def test_the_largest_numbers():
    x = np.array([-1.7e308, 1.7e308, 1.7e308])
    same(_core.differentiate_cumulative(x, np.array([1.0, 2.0, 4.0]), 0, False), np.array([1.0, 4.0, 2.0]))
    same(_core.differentiate_cumulative(x, np.array([1.0, 2.0, 4.0]), 0, True), np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(300, 20), (3, 5, 7), (2, 0, 3), (1, 70_001)])
def test_every_layout(rng, shape, dtype):
    """Those of each row alone, with the dtype of the elements."""
    x, given = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    for axis in range(len(shape)):
        got = _core.differentiate_cumulative(x, given, axis, False)
        assert (got.dtype, got.flags.c_contiguous) == (dtype, True)
        same(_core.differentiate_cumulative(np.asfortranarray(x), given[..., ::-1].copy()[..., ::-1], axis, False), got)
        if not got.size:
            continue
        moved = [np.moveaxis(a, axis, -1).reshape(-1, shape[axis])[:20] for a in (x, given, got)]
        for row, of_row, expected in zip(*moved, strict=True):
            same(_core.differentiate_cumulative(row, of_row, 0, False), expected)
