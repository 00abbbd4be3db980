"""logcumsumexp: every prefix within the bound, special values, axes, direction, outputs, equal bits."""

import numpy as np
import pytest

import lse
import oracle
from checks import layouts, same, same_bits

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]


def worst(computed, exact, distance=oracle.shortfall):
    return max((distance(g, e) for g, e in zip(computed, exact, strict=True)), default=0)


# Special values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "result"),
    [
        ([], []),
        ([7], [7]),
        ([-INF, -INF], [-INF, -INF]),
        ([-INF, 5, -INF], [-INF, 5, 5]),
        ([INF, 1, -INF], [INF, INF, INF]),
        ([-INF, INF, 2], [-INF, INF, INF]),
        ([3, NAN, 1, INF], [3, NAN, NAN, NAN]),
        ([INF, NAN], [INF, NAN]),
        ([NAN, -INF], [NAN, NAN]),
        ([-1000, 1000, -1000], [-1000, 1000, 1000]),
        ([1e30, -1e30, 2e30], [1e30, 1e30, 2e30]),
    ],
    ids=str,
)
def test_special_values(dtype, a, result):
    same(lse.logcumsumexp(np.array(a, dtype)), np.array(result, dtype))
    same(lse.logcumsumexp(np.array(a[::-1], dtype), reverse=True), np.array(result[::-1], dtype))
    columns = np.repeat(np.array(a, dtype)[:, None], 70, axis=1)
    same(lse.logcumsumexp(columns, axis=0), np.repeat(np.array(result, dtype)[:, None], 70, axis=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 9, 64, 300, 4097, 70_001])
def test_a_special_element_decides_from_its_place_on(dtype, n):
    for i in {0, 1, n // 2, n - 1}:
        for special in (NAN, INF):
            a = np.zeros(n, dtype)
            a[i] = special
            got = lse.logcumsumexp(a)
            same(got[i:], np.full(n - i, special, dtype))
            assert np.all(np.isfinite(got[:i]))
            same(lse.logcumsumexp(a[::-1], reverse=True), got[::-1])


# Accuracy ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 64, 65, 100, 257, 1000])
def test_every_prefix(dtype, n, rng):
    for scale in (1e-3, 1, 30, 700):
        row = (rng.standard_normal(n) * scale).astype(dtype)
        for a in (row, np.sort(row), np.sort(row)[::-1], (row - dtype(float(oracle.weighted(row)))).astype(dtype)):
            exact = oracle.cumulative(a)
            got = lse.logcumsumexp(a)
            assert got.dtype == dtype
            assert worst(got, exact) <= 1
            same_bits(lse.logcumsumexp(a[::-1], reverse=True), got[::-1])
            assert oracle.shortfall(lse.logsumexp(a), exact[-1]) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_values(dtype):
    """log(1), log(2), log(3) ..., where no errors cancel."""
    with oracle.mp.workdps(oracle.DIGITS):
        exact = [oracle.mp.log(k) for k in range(1, 5001)]
    assert worst(lse.logcumsumexp(np.zeros(5000, dtype)), exact) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_rows(dtype, rng):
    """The error does not grow with the length: compared with a sum of few repeated values, at some prefixes."""
    n = 200_003
    values = (rng.standard_normal(17) * 3).astype(dtype)
    choice = rng.integers(17, size=n)
    got = lse.logcumsumexp(values[choice])
    for k in (2047, 2048, 2049, 65_535, 65_536, 65_537, 131_073, n):
        counts = np.bincount(choice[:k], minlength=17).astype(float)
        assert oracle.shortfall(got[k - 1], oracle.weighted(values, counts)) <= 1
    assert np.all(np.diff(got) >= 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("slope", [0.1, 1, 6, 30, 500])
def test_steep_rows(dtype, slope, rng):
    """Also side by side, where they have the same bits."""
    for n in (270, 700, 1100) if slope < 100 else (270,):
        a = (slope * np.arange(n) + 3 * rng.standard_normal(n)).astype(dtype)
        a[1:][rng.random(n - 1) < 0.05] = -INF
        exact, got = oracle.cumulative(a), lse.logcumsumexp(a)
        assert worst(got, exact) <= 1
        for count in (5, 16, 23):
            columns = np.repeat(a, count).reshape(n, count)
            for order in "CF":
                same_bits(lse.logcumsumexp(columns.copy(order), 0)[:, 4], got)
        end = 2 * n // 3
        a[end] = NAN
        got = lse.logcumsumexp(a)
        assert worst(got[:end], exact[:end]) <= 1
        assert np.isnan(got[end:]).all()


@pytest.mark.parametrize(("dtype", "tiny"), [(np.float32, -80), (np.float64, -700)])
def test_tails_keep_their_digits(dtype, tiny):
    a = np.array([0] + [tiny] * 50, dtype)
    assert worst(lse.logcumsumexp(a), oracle.cumulative(a), oracle.distance) <= 5  # docs/accuracy.md
    assert lse.logcumsumexp([0, -40.0])[1] == 4.248354255291589e-18


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("before", [False, True])
def test_tails_of_all_sizes_keep_their_digits(dtype, before):
    """Including those of some hundredths, where a polynomial of small absolute error was inaccurate."""
    for x in np.linspace(-12, -1, 200).astype(dtype):
        a = np.array([x, 0] if before else [0, x], dtype)
        assert oracle.distance(lse.logcumsumexp(a)[1], oracle.logsumexp(a)) <= 5


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_magnitudes(dtype):
    for a in ([2.0**20 + 0.5, 2.0**20, 2.0**20 - 1], [131072.0, 131071.0, 131073.0, 131072.5], [-3e38, -3e38, 3e38]):
        a = np.array(a, dtype)
        exact = oracle.cumulative(a) if abs(a[0]) < 1e30 else [a[0], a[0], a[2]]
        assert worst(lse.logcumsumexp(a), [oracle.exact(y) if isinstance(y, dtype) else y for y in exact]) <= 1


# Axes, layouts, threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 17, 33, 100, 256, 257])
def test_short_rows_alone_and_among_others(n, dtype, rng):
    x = rng.standard_normal((37, n))
    a = (x * rng.choice([1e-3, 3, 300, 50000], (37, 1))).astype(dtype)
    a[::5].sort()
    a[3::7] = -np.sort(-a[3::7])
    for share, value in [(0.2, -INF), (0.02, NAN), (0.02, INF), (0.02, 1e30), (0.02, -1e30)]:
        chosen = rng.random((37, 1)) < 0.3
        a[chosen & (rng.random((37, n)) < share)] = value
    a[::9, : n // 2] = -INF
    alone = np.array([lse.logcumsumexp(row) for row in a])
    same_bits(lse.logcumsumexp(a, axis=1), alone)
    same_bits(lse.logcumsumexp(np.ascontiguousarray(a.T), axis=0).T, alone)
    same_bits(lse.logcumsumexp(np.asfortranarray(a), axis=1), alone)
    same_bits(lse.logcumsumexp(a[:, ::-1], axis=1, reverse=True)[:, ::-1], alone)
    for count in (2, 3, 9):
        same_bits(lse.logcumsumexp(a[:count], axis=1), alone[:count])
    same_bits(lse.logcumsumexp(a, axis=1, out=a), alone)


@pytest.mark.parametrize("reverse", [False, True])
def test_axes(reverse, rng):
    a = rng.standard_normal((4, 5, 6))
    for axis in (0, 1, 2, -1, -3):
        got = lse.logcumsumexp(a, axis=axis, reverse=reverse)
        assert got.shape == a.shape
        rows = [lse.logcumsumexp(row, reverse=reverse) for row in np.moveaxis(a, axis, -1).reshape(-1, a.shape[axis])]
        same_bits(np.moveaxis(got, axis, -1).reshape(-1, a.shape[axis]), np.array(rows))
    flat = lse.logcumsumexp(a, reverse=reverse)
    same_bits(flat, lse.logcumsumexp(a.ravel(), reverse=reverse))
    same_bits(lse.logcumsumexp(np.asfortranarray(a), None, reverse=reverse), flat)  # in index order


@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (3, 0), (2, 0, 4)], ids=str)
def test_shapes_are_those_of_cumsum(shape):
    a = np.zeros(shape)
    for axis in (None, *range(-len(shape), len(shape))):
        expected = np.cumsum(a, axis=axis)
        got = lse.logcumsumexp(a, axis=axis)
        assert got.shape == expected.shape
        assert got.dtype == np.float64
    assert lse.logcumsumexp(np.zeros(shape, np.float32)).dtype == np.float32
    assert lse.logcumsumexp(3.5).tolist() == [3.5]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 70, 40), (65, 3, 9)])
def test_layouts(dtype, shape, rng):
    a = (rng.standard_normal(shape) * 5).astype(dtype)
    for axis in (None, 0, 1, 2):
        expected = lse.logcumsumexp(a, axis=axis)
        for _, x in layouts(a):
            same_bits(lse.logcumsumexp(x, axis=axis), expected)
    wide = np.broadcast_to(a[0, 0], (70, shape[2]))
    for axis in (0, 1):
        same_bits(lse.logcumsumexp(wide, axis=axis), lse.logcumsumexp(wide.copy(), axis=axis))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(300_001,), (3, 100_001), (100_001, 3), (3000, 100)])
def test_threads(dtype, shape, rng):
    a = (rng.standard_normal(shape) * 5).astype(dtype)
    for axis in (None, *range(len(shape))):
        with lse.num_threads(1):
            expected = lse.logcumsumexp(a, axis=axis)
        with lse.num_threads(2):
            same_bits(lse.logcumsumexp(a, axis=axis), expected)


# Outputs and errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_out(axis, reverse, rng):
    a = rng.standard_normal((30, 40))
    expected = lse.logcumsumexp(a, axis=axis, reverse=reverse)
    for out in (np.empty(expected.shape), np.empty(expected.shape, order="F"), np.empty(expected.shape, np.float32),
                np.empty(expected.shape, ">f8"), np.empty((2 * len(expected), *expected.shape[1:]))[::-2]):  # fmt: skip
        assert lse.logcumsumexp(a, axis=axis, reverse=reverse, out=out) is out
        same(out.astype(np.float64), expected.astype(out.dtype).astype(np.float64))
    x = a.copy() if axis is not None else a.ravel()
    assert lse.logcumsumexp(x, axis=axis, reverse=reverse, out=x) is x
    same(x, expected)


def test_out_may_overlap_the_input(rng):
    values = rng.standard_normal(1001)
    expected = lse.logcumsumexp(values[1:])
    for out in (slice(None, -1), slice(None, 0, -1)):
        buffer = values.copy()
        lse.logcumsumexp(buffer[1:], out=buffer[out])
        same(buffer[out], expected)


def test_errors():
    a = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"out has shape \(2,\).*result has shape \(2, 3\)"):
        lse.logcumsumexp(a, axis=0, out=np.empty(2))
    with pytest.raises(ValueError, match=r"result has shape \(6,\)"):
        lse.logcumsumexp(a, out=np.empty((2, 3)))
    with pytest.raises(TypeError, match="same_kind"):
        lse.logcumsumexp(a, axis=0, out=np.empty((2, 3), np.int64))
    with pytest.raises(TypeError, match="out must be an array"):
        lse.logcumsumexp(a, axis=0, out=[0])
    with pytest.raises(np.exceptions.AxisError):
        lse.logcumsumexp(a, axis=2)
    for axis in ((0, 1), (), 0.5, "0"):
        with pytest.raises(TypeError):
            lse.logcumsumexp(a, axis=axis)
    for x, out in ((np.ma.masked_array([1.0, 2.0], [True, False]), None), (np.zeros(2), np.ma.zeros(2))):
        with pytest.raises(TypeError, match="mask"):
            lse.logcumsumexp(x, out=out)


def test_the_input_is_never_changed(rng):
    a = rng.standard_normal((50, 60))
    before = a.copy()
    for axis in (None, 0, 1):
        for reverse in (False, True):
            lse.logcumsumexp(a, axis=axis, reverse=reverse)
    same(a, before)
