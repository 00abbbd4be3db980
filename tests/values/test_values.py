"""Special values, by identity; no warnings or floating-point errors."""

import itertools

import numpy as np
import pytest

import lse

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]
LENGTHS = [1, 2, 7, 8, 9, 16, 17, 33, 64, 65, 129, 300, 4097, 70001]


def same(computed, expected):
    computed, expected = np.asarray(computed), np.asarray(expected)
    assert computed.shape == expected.shape
    assert np.array_equal(computed, expected, equal_nan=True), (computed, expected)


def places(n):
    """Indices for a special element: ends, and both sides of the boundaries of lanes, quads, blocks and pieces."""
    edges = [0, 1, 8, 16, 32, 64, 2048, 4096, 65536, n]
    return sorted({i + d for i in edges for d in (-1, 0) if 0 <= i + d < n})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("special", [NAN, INF], ids=["nan", "inf"])
@pytest.mark.parametrize("rest", [0.0, -INF, 1e30, -1e30], ids=str)
def test_one_special_element_decides(dtype, n, special, rest):
    a = np.full(n, rest, dtype)
    for i in places(n):
        a[i] = special
        same(lse.logsumexp(a), dtype(special))
        a[i] = rest


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_nan_beats_infinity(dtype, n):
    if n < 2:
        return
    for rest in (0.0, -INF, INF):
        a = np.full(n, rest, dtype)
        for i, j in itertools.permutations({0, n // 2, n - 1}, 2):
            a[i], a[j] = NAN, INF
            same(lse.logsumexp(a), dtype(NAN))
            same(lse.softmax(a), np.full(n, NAN, dtype))
            same(lse.log_softmax(a), np.full(n, NAN, dtype))
            a[i] = a[j] = rest


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_nothing_but_minus_infinity(dtype, n):
    a = np.full(n, -INF, dtype)
    same(lse.logsumexp(a), dtype(-INF))
    same(lse.softmax(a), np.full(n, NAN, dtype))
    same(lse.log_softmax(a), np.full(n, NAN, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_one_finite_element_among_minus_infinities(dtype, n):
    for value in (0.0, -0.0, 3.5, -1e-30, 1e30, -1e30, 2.0**17 + 1, np.finfo(dtype).max, np.finfo(dtype).min):
        a = np.full(n, -INF, dtype)
        for i in places(n):
            a[i] = value
            same(lse.logsumexp(a), dtype(value))
            a[i] = -INF


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 8, 9, 40, 100, 5000, 70000])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_softmax_of_some_infinities(dtype, n, k):
    k = min(k, n)
    a = np.linspace(-1, 1, n).astype(dtype)
    a[:: max(1, n // k)][:k] = INF
    k = np.count_nonzero(a == INF)
    same(lse.softmax(a), np.where(a == INF, dtype(1 / k), dtype(0)))
    same(lse.log_softmax(a), np.where(a == INF, dtype(-np.log(k)), dtype(-INF)))


@pytest.mark.parametrize("axis", [0, 1])
def test_each_row_decides_for_itself(axis):
    """Rows that need recomputation next to rows that do not, in the same batch or panel."""
    columns = {
        "plain": ([0.0, 1.0, 2.0], 2.40760596444438),
        "nan": ([0.0, NAN, 2.0], NAN),
        "inf": ([0.0, INF, 2.0], INF),
        "both": ([NAN, INF, 2.0], NAN),
        "none": ([-INF, -INF, -INF], -INF),
        "far": ([1e300, 1e300, -1e300], 1e300),
        "some": ([-INF, 5.0, -INF], 5.0),
    }
    a = np.array([values for values, _ in columns.values()] * 20)
    expected = np.array([y for _, y in columns.values()] * 20)
    got = lse.logsumexp(np.ascontiguousarray(a if axis else a.T), axis=axis)
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    p = lse.softmax(np.ascontiguousarray(a if axis else a.T), axis=axis)
    for row, values in zip(p if axis else p.T, a, strict=True):
        same(row, lse.softmax(values))
    q = lse.log_softmax(np.ascontiguousarray(a if axis else a.T), axis=axis)
    for row, values in zip(q if axis else q.T, a, strict=True):
        same(row, lse.log_softmax(values))


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_in_place_of_far_and_infinite_columns(dtype):
    a = np.array([[0, 1e30, INF, NAN], [1, 1e30, 0, 0]], dtype)
    expected = np.array([lse.softmax(c) for c in a.T]).T
    assert lse.softmax(a, axis=0, out=a) is a
    same(a, expected)


@pytest.mark.parametrize("function", [lse.softmax, lse.log_softmax])
def test_minus_infinity_in_a_row_of_softmax(function):
    p = function([0.0, -INF, 0.0])
    assert p[1] == (0 if function is lse.softmax else -INF)


def test_worked_examples():
    assert str(lse.logsumexp(np.float32([1000, 1001, 1002]))) == "1002.4076"
    assert lse.logsumexp([1000.0, 1001.0, 1002.0]) == 1002.4076059644444
    for x, y in ((1000.0, 1001.0986122886682), (-1000.0, -998.9013877113318)):
        a = np.full(3, x)
        assert lse.logsumexp(a) == y
        assert np.abs(np.exp(a - lse.logsumexp(a)) - 1 / 3).max() <= 1e-12
    a = np.array([-1000.0, -1000.0, 1000.0])
    assert lse.logsumexp(a) == 1000.0
    same(lse.softmax(a), [0.0, 0.0, 1.0])
    with np.errstate(under="ignore"):  # NumPy's own exp
        same(np.exp(a - lse.logsumexp(a)), [0.0, 0.0, 1.0])
