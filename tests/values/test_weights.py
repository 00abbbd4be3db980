"""Weights, signs and means: special values by identity, and within the stated bounds of the exact value."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

import lse
import oracle
from checks import same

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]


# Special values ---------------------------------------------------------------------------------------------

# a, b, log of the magnitude, sign; the value without return_sign is NaN if the sign is -1
SIGNED = [
    ([], [], -INF, 0),
    ([1, 2], [0, 0], -INF, 0),
    ([INF, NAN, -INF], [0, 0, 0], -INF, 0),  # excluded by a weight of 0
    ([INF, NAN, 3], [0, 0, 1], 3, 1),
    ([INF, NAN, 3], [-0.0, -0.0, -1], 3, -1),
    ([-INF, -INF], [1, -1], -INF, 0),
    ([-INF, 5], [-2, 1], 5, 1),
    ([NAN, 1], [1, 1], NAN, NAN),
    ([NAN, INF], [1, -1], NAN, NAN),
    ([1, 2], [NAN, 1], NAN, NAN),
    ([-INF, 2], [NAN, 1], NAN, NAN),
    ([1, INF], [NAN, 1], NAN, NAN),
    ([INF], [1], INF, 1),
    ([INF], [-1], INF, -1),  # SciPy's issue 23548
    ([INF, INF, 0], [1, 2, -1], INF, 1),
    ([INF, INF, 0], [-1, -2, 1], INF, -1),
    ([INF, INF], [1, -1], NAN, NAN),
    ([INF, -INF], [1, -1], INF, 1),
    ([0, 1], [INF, 1], INF, 1),
    ([0, 1], [-INF, 1], INF, -1),
    ([0, 1], [INF, -INF], NAN, NAN),
    ([-INF, 1], [INF, 1], NAN, NAN),  # 0 times infinity
    ([INF, 0], [1, -INF], NAN, NAN),
    ([1, 1], [1, -1], -INF, 0),
    ([3, -7, 3, -7], [2, 5, -2, -5], -INF, 0),
    ([1, 1, 1], [1, -1, -1], 1, -1),
    ([800, 800, 0], [1, -1, 1], 0, 1),
    ([800, 0, 800], [1, 1, -1], 0, 1),
    ([0, 800, 800], [-1, 1, -1], 0, -1),
    ([-800, 800, 800, 800], [1, 3, -1, -2], -800, 1),
    ([1000], [1], 1000, 1),
    ([-1000], [-1], -1000, -1),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", SIGNED, ids=lambda c: f"{c[0]}-{c[1]}")
def test_signed_values(dtype, case):
    a, b = np.array(case[0], dtype), np.array(case[1], dtype)
    value, sign = lse.logsumexp(a, b=b, return_sign=True)
    same(value, dtype(case[2]))
    same(sign, dtype(case[3]))
    assert not np.signbit(sign) or sign == -1 or np.isnan(sign)
    same(lse.logsumexp(a, b=b), dtype(NAN if case[3] == -1 else case[2]))
    pad = np.full(2000, -INF, dtype)  # the same among many elements that do not contribute
    for extra, weight in ((pad, 1), (-pad, 0)):
        long, weights = np.insert(extra, 1000, a), np.insert(np.full(2000, weight, dtype), 1000, b)
        for x, y in zip(lse.logsumexp(long, b=weights, return_sign=True), (value, sign), strict=True):
            same(x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "value", "sign"),
    [([], -INF, 0), ([-INF, -INF], -INF, 0), ([NAN, INF], NAN, NAN), ([INF, 1], INF, 1), ([-5, -INF], -5, 1)],
)
def test_the_sign_without_weights(dtype, a, value, sign):
    got = lse.logsumexp(np.array(a, dtype), return_sign=True)
    same(got[0], dtype(value))
    same(got[1], dtype(sign))


@pytest.mark.parametrize("shape", [(2, 0, 3), (0, 3)])
def test_the_sign_of_empty_arrays(shape):
    for axis in (0, 1, None):
        value, sign = lse.logsumexp(np.empty(shape), axis=axis, return_sign=True)
        expected = np.sum(np.empty(shape), axis=axis)
        same(value, np.full_like(expected, -INF))
        same(sign, np.zeros_like(expected))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ([], [], NAN), ([1, 2], [0, 0], NAN), ([INF, 3, NAN], [0, 2, 0], 3), ([-INF, -INF], [1, 1], -INF),
        ([NAN, 1], [1, 1], NAN), ([INF, 1], [1, 1], INF), ([2, 1], [1, -1], INF),
        ([2, 1], [-1, 1], NAN), ([7, 7, 7], [5, 2, 2], 7),
        ([-800, -800], [1, 1], -800), ([4, 4], [-1, -2], 4), ([2, 2, 5], [3, -1, 0], 2), ([9, 1], [0, NAN], NAN),
        ([2, 3], [1, -3], None),
    ],
)  # fmt: skip
def test_means(dtype, a, b, value):
    a, b = np.array(a, dtype), np.array(b, dtype)
    got = lse.logmeanexp(a, b=b)
    if value is None:  # a ratio of two negative numbers
        assert oracle.shortfall(got, oracle.mean(a, b)) <= 2
    else:
        same(got, dtype(value))
    if np.all(b == 1):
        same(lse.logmeanexp(a), dtype(value))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 9, 100, 5000, 70_000])
def test_the_mean_of_equal_numbers_is_that_number(dtype, n):
    for x in (0, -3.25, 1e30):
        same(lse.logmeanexp(np.full(n, x, dtype)), dtype(x))


# Accuracy ---------------------------------------------------------------------------------------------------

HUGE_AND_TINY = [
    ([0, -1000], [1e-300, 1e300]),
    ([0, 0], [1e308, 1e308]),
    ([0, 1], [5e-324, 1e-310]),
    ([700, 0], [5e-324, 5e-324]),
    ([-1e300, -1e300], [3, 4]),
    ([1000, -1000, 0], [1e-300, 1e300, 1]),
    ([0] + [-746] * 1000, [1] * 1001),
    ([0, 0], [1, 2**-60]),
    ([0, -40], [1, 0.5]),
]


@pytest.mark.parametrize(("a", "b"), HUGE_AND_TINY)
def test_weights_of_any_size(a, b):
    a, b = np.array(a, float), np.array(b, float)
    for order in (slice(None), slice(None, None, -1)):
        assert oracle.shortfall(lse.logsumexp(a[order], b=b[order]), oracle.weighted(a, b)) <= 1


def test_worked_examples():
    assert round(lse.logsumexp([0, -1000], b=[1e-300, 1e300]), 2) == -309.22
    assert round(lse.logsumexp([0, 0], b=[1e308, 1e308]), 3) == 709.889
    assert round(lse.logsumexp([40, 39, 0], b=[1, -math.e, 1]), 3) == 2.604
    assert lse.logsumexp([0, -40.0], b=[1, 1]) == 4.248354255291589e-18
    assert lse.logsumexp([1, 2], b=[1, 1]) == lse.logsumexp([1, 2])


def test_weights_of_float32():
    big, least = np.float32(3e38), np.float32(1e-45)
    for a, b in (([0, 0], [big, big]), ([-87, 80], [big, least]), ([0, 0], [least, least]), ([-300, 0], [big, least])):
        a, b = np.array(a, np.float32), np.array(b, np.float32)
        assert oracle.shortfall(lse.logsumexp(a, b=b), oracle.weighted(a, b)) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 257])
def test_random_positive_weights(dtype, n, rng):
    for scale in (1e-3, 1, 30):
        for spread in (0.5, 20):
            a = (rng.standard_normal(n) * scale).astype(dtype)
            b = np.exp(rng.standard_normal(n) * spread).astype(dtype)
            b[rng.random(n) < 0.1] = 0
            b[rng.integers(n)] = 1.5
            assert oracle.shortfall(lse.logsumexp(a, b=b), oracle.weighted(a, b)) <= 1
            assert oracle.shortfall(lse.logmeanexp(a), oracle.mean(a)) <= 1
            centred = (a - dtype(float(oracle.weighted(a, b)))).astype(dtype)
            assert oracle.shortfall(lse.logsumexp(centred, b=b), oracle.weighted(centred, b)) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3, 8, 17, 64, 100, 300])
def test_random_signed_weights(dtype, n, rng):
    for scale in (0, 1, 30):
        for closeness in (0, 1e-2, 1e-6):
            a = (rng.standard_normal(n) * scale).astype(dtype)
            b = rng.standard_normal(n).astype(dtype)
            half = n // 2  # pairs that nearly cancel
            a[half : 2 * half], b[half : 2 * half] = a[:half], (b[:half] * dtype(closeness - 1)).astype(dtype)
            value, sign = lse.logsumexp(a, b=b, return_sign=True)
            assert oracle.error_of_sum(value, sign, a, b) <= 1
            same(lse.logsumexp(a, b=b), dtype(NAN) if sign < 0 else value)


def test_nearly_cancelling_terms_of_peers():
    a, b = np.array([40.0, 39, 0]), np.array([1, -math.e, 1])
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        value, sign = lse.logsumexp(a[order], b=b[order], return_sign=True)
        assert oracle.error_of_sum(value, sign, a, b) <= 1


LEFT = [  # what cancels, and what is left of it
    ([800, 800], [1, -1], [0], [1]),
    ([800, 800], [1, -1], [0, -740], [1, 1]),
    ([800, 800], [1, -1], [0, -250], [1, -1]),
    ([300, 300], [1, -1], [-40, -45], [1, -1]),
    ([9, 9, 9], [1e300, 3, -1e300], [9], [-3 - 2**-40]),
    ([9] * 5, [1e300, 1, 1e-300, -1e300, -1], [], []),  # more than two doubles hold
    ([9] * 5, [1e300, 1, 1e-300, -1e300, -1], [9], [-1e-300]),
    ([9] * 4, [1.5e308, 1.5e308, -1.5e308, -1.5e308], [3], [2]),
    ([0.5, 0.5], [5e-324, -5e-324], [0.25], [5e-324]),
    ([3, 3, 4, 4], [1.7e308, 1e307, 1e300, -1e300], [3, 3], [-1.7e308, -1e307 * (1 - 2**-40)]),
]


@pytest.mark.parametrize(("a", "b", "rest", "weights"), LEFT)
@pytest.mark.parametrize("n", [0, 10, 1000, 40_000])
def test_what_exact_cancellation_leaves(a, b, rest, weights, n, rng):
    """Beside n more pairs that cancel."""
    more, by = 20 * rng.standard_normal(n) + 700, rng.standard_normal(n)
    if max(map(abs, b)) > 1e200:
        more -= 690
    x, y = np.concatenate([more, a, more, rest]), np.concatenate([by, b, -by, weights])
    order = rng.permutation(len(x))
    value, sign = lse.logsumexp(x[order], b=y[order], return_sign=True)
    with mp.workdps(1500):
        exact = mp.fsum(mp.mpf(w) * mp.exp(v) for v, w in zip([*a, *rest], [*b, *weights], strict=True))
        assert sign == mp.sign(exact)
        if exact != 0:
            log = mp.log(abs(exact))
            assert abs(mp.mpf(float(value)) - log) <= math.ulp(float(log))
        else:
            same(value, -INF)


def colliding(count):
    """Numbers that the table of exact.h would put in the same place."""
    inverse, word = pow(0x9E3779B97F4A7C15, -1, 1 << 64), (1 << 64) - 1
    keys = ((i * inverse) & word for i in range(1, 10**6))
    a = np.array([key ^ key >> 32 for _, key in zip(range(200 * count), keys, strict=False)], np.uint64).view(float)
    with np.errstate(invalid="ignore"):
        return a[(abs(a) < 300) & (abs(a) > 1e-10)][:count]


def test_elements_that_collide():
    a = colliding(1000)
    assert len(a) == 1000
    b = np.linspace(1, 2, len(a))
    for rest in (0, 1):
        x, y = np.concatenate([a, [5], a]), np.concatenate([b, [rest], -b])
        value, sign = lse.logsumexp(x, b=y, return_sign=True)
        assert sign == rest
        same(value, 5.0 if rest else -INF)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 8, 100, 300])
def test_sums_that_cancel_side_by_side(dtype, n, rng):
    a, b = rng.standard_normal((50, n)).astype(dtype), rng.standard_normal((50, n)).astype(dtype)
    half = n // 2
    a[:, half : 2 * half] = a[:, :half]
    b[:, half : 2 * half] = -b[:, :half] * (1 + rng.choice([0, 1e-5, 1e-4, 1e-2], (50, 1)).astype(dtype))
    b[::3, 2 * half :] = 0
    one_by_one = [lse.logsumexp(x, b=y, return_sign=True) for x, y in zip(a, b, strict=True)]
    for rows, weights, axis in ((a, b, 1), (a.T.copy(), b.T.copy(), 0), (a, np.asfortranarray(b), 1)):
        value, sign = lse.logsumexp(rows, axis, b=weights, return_sign=True)
        for i, (one, of_one) in enumerate(one_by_one):
            same(value[i], one)
            same(sign[i], of_one)
            assert oracle.error_of_sum(one, of_one, a[i], b[i]) <= 1
    cuts = np.array([0, 1, 4, 4, 20, 29, 50]) * n
    value, sign = lse.segment_logsumexp(a.ravel(), cuts, b=b.ravel(), return_sign=True)
    for i, (start, end) in enumerate(itertools.pairwise(cuts)):
        one, of_one = lse.logsumexp(a.ravel()[start:end], b=b.ravel()[start:end], return_sign=True)
        same(value[i], one)
        same(sign[i], of_one)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 8, 100, 300])
@pytest.mark.parametrize("masked", [False, True])
def test_means_side_by_side(dtype, n, masked, rng):
    """Each is that of a row by itself, whatever the weights."""
    a, b = rng.standard_normal((60, n)).astype(dtype), rng.random((60, n)).astype(dtype)
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    special = np.array([NAN, INF, 0, -1, tiny, huge, 1e-30], dtype)
    where = rng.random(a.shape) < 0.7 if masked else np.ones(a.shape, bool)
    for i in range(30):
        b[i, rng.integers(n)] = special[i % len(special)]
    b[30:35], where[35] = 0, False
    b[36] = np.where(np.arange(n) % 2, 1, -1)
    b[37], b[38] = tiny, huge
    a[39], a[40, 0], a[41, n // 2] = -INF, NAN, INF
    with np.errstate(all="ignore"):
        half = b.astype(np.float16)
    for weights in (b, np.asfortranarray(b), b[:, ::-1].copy()[:, ::-1], half):
        want = [lse.logmeanexp(x, b=y, where=z) for x, y, z in zip(a, weights, where, strict=True)]
        for rows, by, mask, axis in ((a, weights, where, 1), (a.T.copy(), weights.T, where.T, 0)):
            given = lse.logmeanexp(rows, axis, b=by, where=mask)
            assert given.dtype == dtype
            for i in range(60):
                same(given[i], want[i])
    for i in range(42, 60):
        if where[i].any():
            mean = oracle.mean(a[i][where[i]], b[i][where[i]])
            assert oracle.shortfall(lse.logmeanexp(a[i], b=b[i], where=where[i]), mean) <= 1
    want = [lse.logmeanexp(x, where=z) for x, z in zip(a, where, strict=True)]
    for rows, mask, axis in ((a, where, 1), (a.T.copy(), where.T.copy(), 0)):
        given = lse.logmeanexp(rows, axis, where=mask)
        for i in range(60):
            same(given[i], want[i])
    for i in range(42, 60):
        if where[i].any():
            assert oracle.shortfall(want[i], oracle.mean(a[i][where[i]])) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [4097, 65_537, 200_003])
def test_long_rows(dtype, n, rng):
    """Few different pairs of element and weight, so that the exact sum is quick."""
    a, b = (rng.standard_normal(37) * 3).astype(dtype), rng.uniform(0.1, 2, 37).astype(dtype)
    choice = rng.integers(37, size=n)
    counts = np.bincount(choice, minlength=37)
    got = lse.logsumexp(a[choice], b=b[choice])
    assert oracle.shortfall(got, oracle.weighted(a, b * counts.astype(np.longdouble))) <= 1
    signed = b * np.where(np.arange(37) % 2, 1, -1).astype(dtype)
    value, sign = lse.logsumexp(a[choice], b=signed[choice], return_sign=True)
    assert oracle.error_of_sum(value, sign, a, signed * counts.astype(np.longdouble)) <= 1
