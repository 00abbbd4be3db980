"""logmatmulexp and LogMatrix: values against mpmath, shapes against np.matmul, and bits that nothing changes."""

import itertools
import pickle

import mpmath as mp
import numpy as np
import pytest

import lse
import oracle
from checks import same

pytestmark = pytest.mark.usefixtures("kernel")

# float64: half an ulp and 27 * 2^-53; float32: .501 ulp, near 0 2^-25
HALF = {np.float64: 0.5, np.float32: 0.501}
NEAR = {np.float64: 27 * 2.0**-53, np.float32: 2.0**-25}
SHAPES = [(1, 1, 1), (2, 3, 2), (3, 1, 5), (9, 17, 25), (5, 40, 3), (1, 33, 30), (30, 2, 1), (4, 150, 4)]


def excess(computed, row, column):
    """The error beyond the bound, in units of it: at most 1."""
    exact, dtype = oracle.log_of_pairs(row, column), computed.dtype.type
    if mp.isinf(exact):
        return 0.0 if float(computed) == exact else np.inf
    with mp.workdps(oracle.DIGITS):
        error = float(abs(mp.mpf(float(computed)) - exact))
    allowed = HALF[dtype] * oracle.ulp(exact, computed.dtype)
    return error / (max(allowed, NEAR[dtype]) if dtype is np.float32 else allowed + NEAR[dtype])


def check(a, b, count=24):
    """Some entries, the first, the last and any, against mpmath."""
    got = lse.logmatmulexp(a, b)
    places = list(itertools.product(range(a.shape[0]), range(b.shape[1])))
    step = max(1, len(places) // count)
    for i, j in {*places[::step], places[-1]}:
        assert excess(got[i, j], a[i], b[:, j]) <= 1, (i, j, got[i, j])
    return got


def operands(rng, shape, dtype, scale=1.0):
    n, k, m = shape
    return (scale * rng.standard_normal((n, k))).astype(dtype), (scale * rng.standard_normal((k, m))).astype(dtype)


def by_logsumexp(a, b):
    return lse.logsumexp(a[..., :, :, None] + b[..., None, :, :], axis=-2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", [1, 30, 300, 3000])
def test_accuracy(rng, shape, dtype, scale):
    """At 300 and 3000 the greatest elements of rows and columns hardly ever meet."""
    check(*operands(rng, shape, dtype, scale))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(2, 3000, 2), (2, 2500, 4), (3, 5000, 30)], ids=str)
def test_long_sums(rng, shape, dtype):
    """Equal terms round alike: the error must not grow with their number."""
    check(*operands(rng, shape, dtype), count=2)
    n, k, m = shape
    equal = np.full((n, k), dtype(0.1)), np.full((k, m), dtype(0.2))
    got = lse.logmatmulexp(*equal)
    with mp.workdps(oracle.DIGITS):
        exact = mp.log(k) + mp.mpf(float(dtype(0.1))) + mp.mpf(float(dtype(0.2)))
        assert all(abs(mp.mpf(float(x)) - exact) <= HALF[dtype] * oracle.ulp(exact, got.dtype) + NEAR[np.float64]
                   for x in got.ravel())  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_maxima_that_do_not_meet(rng, dtype):
    """What underflows where each operand is scaled by its own maxima."""
    for far in (200, 700, 1500, 20000):
        a, b = operands(rng, (9, 6, 29), dtype)
        a[:, 0] += far
        b[1:] += far
        b[0] -= far
        a[:, 1:] -= far
        check(a, b)
    a = np.array([[0, -1000.0]], dtype)
    b = np.array([[-2000.0], [-500.0]], dtype)
    assert lse.logmatmulexp(a, b) == -1500


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("level", [2.0**16, 2.0**17, 1e10, 2.0**46, 1e30, 1e37])
def test_magnitudes(rng, dtype, level):
    a, b = operands(rng, (5, 7, 26), dtype)
    a[1:3] += dtype(level)
    a[4, ::2] -= dtype(level)
    b[:, 3:9] += dtype(level)
    b[::3, 5] -= dtype(level)
    check(a, b, count=200)


@pytest.mark.parametrize("level", [2.0**34, 1e15, 2.0**60, 1e30, 1e300])
@pytest.mark.parametrize("columns", [2, 9])
def test_large_elements_that_differ(rng, level, columns):
    """What rounding a sum of two elements loses is more than sums differ by."""
    a, b = level * rng.standard_normal((5, 70)), level * rng.standard_normal((70, columns))
    check(a, b, count=50)
    b[40:] = (b[:30].max() + 1.7 * level) * (1 + 1e-16 * rng.integers(0, 3, (30, columns)))  # several meet
    a[:, 40:] = (a.max() + 3 * level) * (1 + 1e-16 * rng.integers(0, 3, (5, 30)))
    check(a, b, count=50)


def test_ends_of_the_range():
    most = np.finfo(np.float64).max
    a = np.array([[most, -most], [5.0, 0.0], [-most, -most]])
    b = np.array([[most, 1.0, -most], [0.0, 2.0, -most]])
    got = lse.logmatmulexp(a, b)
    same(got, [[np.inf, most, 0.0], [most, 6.0 + np.log1p(np.exp(-4.0)), -most], [0.0, -most, -np.inf]])


def test_special_values():
    inf, nan = np.inf, np.nan
    a = np.array([[0, inf], [nan, 0], [-inf, -inf], [-inf, 0], [inf, -inf], [1, 2]])
    b = np.array([[0, -inf, inf, nan], [-1, 0, -inf, -inf]])
    with np.errstate(invalid="ignore"):
        expected = by_logsumexp(a, b)
    for wide in (1, 9):  # thin products, and panels
        same(np.isnan(lse.logmatmulexp(a, np.repeat(b, wide, axis=1))), np.repeat(np.isnan(expected), wide, axis=1))
        for got, want in ((lse.logmatmulexp(a, b[:, j : j + 1])[:, 0], expected[:, j]) for j in range(4)):
            assert np.allclose(got, want, rtol=1e-15, atol=1e-15, equal_nan=True)
    assert np.allclose(lse.logmatmulexp(a, b), expected, rtol=1e-15, atol=1e-15, equal_nan=True)


def test_impossible_transitions(rng):
    """A banded matrix: -inf where there is no way, exactly."""
    a = np.where(np.abs(np.subtract.outer(range(40), range(40))) <= 2, rng.standard_normal((40, 40)), -np.inf)
    got = check(a, a, count=300)
    same(np.isneginf(got), np.abs(np.subtract.outer(range(40), range(40))) > 4)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3,), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (7, 3, 4)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((0, 3), (3, 4)),
        ((2, 0), (0, 4)),
        ((2, 3), (3, 0)),
        ((0, 2, 3), (3, 1)),
        ((2, 1, 1, 2, 70), (3, 1, 70, 30)),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int16])
def test_shapes(rng, a, b, dtype):
    x, y = ((3 * rng.standard_normal(shape)).astype(dtype) for shape in (a, b))
    got = lse.logmatmulexp(x, y)
    with np.errstate(divide="ignore"):
        expected = np.log(np.exp(x.astype(float)) @ np.exp(y.astype(float)))
    kind = np.float64 if dtype is np.int16 else dtype
    assert got.shape == expected.shape
    assert got.dtype == kind
    assert type(got) is type(np.asarray(expected, kind)[()])
    assert np.allclose(got, expected, rtol=4 * np.finfo(kind).eps, atol=4 * np.finfo(kind).eps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(5, 7, 2), (13, 140, 29), (1, 30, 30), (200, 20, 250), (300, 9, 4)], ids=str)
def test_layouts(rng, shape, dtype):
    a, b = operands(rng, shape, dtype, 100)
    expected = lse.logmatmulexp(a, b)
    wide = np.empty((2 * shape[0], 3 * shape[1]), dtype)
    wide[::2, ::3] = a
    unaligned = np.frombuffer(b"x" + b.tobytes(), dtype, offset=1).reshape(b.shape)
    swapped = b.astype(b.dtype.newbyteorder())
    for x in (a, np.asfortranarray(a), wide[::2, ::3], a[::-1][::-1]):
        for y in (b, np.asfortranarray(b), unaligned, swapped, b[:, ::-1][:, ::-1]):
            same(lse.logmatmulexp(x, y), expected)
    same(lse.logmatmulexp(a[::-1], b[:, ::-1]), expected[::-1, ::-1])
    out = np.empty_like(expected, order="F")
    assert lse.logmatmulexp(a, b, out=out) is out
    same(out, expected)
    same(lse.logmatmulexp(np.broadcast_to(a, (3, *a.shape)), b), np.broadcast_to(expected, (3, *expected.shape)))


@pytest.mark.parametrize("shape", [(40, 30, 2), (70, 260, 50), (400, 300, 500), (2, 900, 900), (9000, 12, 5)], ids=str)
def test_tiles_and_threads(rng, shape):
    """A row, a column, any number of threads: the bits of the whole."""
    a, b = operands(rng, shape, np.float64, 20)
    a[0], b[:, -1] = -700 * rng.random(shape[1]), 700 * rng.random(shape[1])
    expected = lse.logmatmulexp(a, b)
    for threads in (1, 2, 3):
        with lse.num_threads(threads):
            same(lse.logmatmulexp(a, b), expected)
    same(lse.logmatmulexp(a[-3:], b), expected[-3:])
    if shape[2] > 8:
        same(lse.logmatmulexp(a, b[:, 4:9]), expected[:, 4:9])
        same(lse.logmatmulexp(a[1], b), expected[1])


def test_bits_of_every_kernel(rng, kernel):
    """The same digest for all kernels: what the first has computed, the others must too."""
    found = b"".join(
        lse.logmatmulexp(*operands(np.random.default_rng(7), shape, dtype, scale)).tobytes()
        for shape in SHAPES for dtype in (np.float64, np.float32) for scale in (1, 300)
    )  # fmt: skip
    assert DIGESTS.setdefault("all", found) == found


DIGESTS = {}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(
    "shape", [(1, 30, 30), (30, 30, 1), (60, 50, 70), (90, 32, 5), (90, 9, 2), (90, 33, 40)], ids=str
)
def test_prepared_matrices(rng, shape, dtype):
    a, b = operands(rng, shape, dtype, 10)
    expected = lse.logmatmulexp(a, b)
    left, right = lse.LogMatrix(a), lse.LogMatrix(b)
    for x, y in itertools.product((a, left), (b, right)):
        for _ in range(2):
            same(lse.logmatmulexp(x, y), expected)
    same(lse.logmatmulexp(right.T, left.T), lse.logmatmulexp(b.T, a.T))
    same(lse.logmatmulexp(np.stack([a, a[::-1]]), right), np.stack([expected, expected[::-1]]))
    copy = pickle.loads(pickle.dumps(right))
    same(lse.logmatmulexp(a, copy), expected)
    assert (left.shape, left.dtype, copy.T.shape) == (a.shape, a.dtype, b.T.shape)
    a[:] = 0  # it has a copy
    same(lse.logmatmulexp(left, b), expected)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(left)[0, 0] = 1


def test_dtypes(rng):
    a, b = operands(rng, (3, 4, 5), np.float64)
    assert lse.logmatmulexp(a.astype(np.float32), b).dtype == np.float64
    assert lse.logmatmulexp(a.astype(np.float16), b.astype(np.float32)).dtype == np.float32
    assert lse.logmatmulexp(a, b, dtype=np.float32).dtype == np.float32
    out = np.empty((3, 5), np.float32)
    assert lse.logmatmulexp(a, b, out=out) is out
    same(out, lse.logmatmulexp(a, b).astype(np.float32))
    wide = lse.logmatmulexp(a.astype(np.longdouble), b)
    assert wide.dtype == np.longdouble
    assert np.abs(wide - lse.logmatmulexp(a, b)).max() < 1e-14
    halves = (a * 10).astype(np.float16), (b * 10).astype(np.float16)
    exact = lse.logmatmulexp(*(x.astype(np.float64) for x in halves))
    same(lse.logmatmulexp(*halves), exact.astype(np.float16))


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 2), (3, 200, 5), (70, 3, 90)])
def test_longdouble(shape, rng):
    a, b = operands(rng, shape, np.longdouble)
    a[0, -1], b[-1, 0] = -np.inf, 3
    if shape[0] > 1:
        a[1, 0], b[0, 1] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):  # inf - inf
        whole = lse.logsumexp(a[:, :, None] + b, axis=1)
    for left, right in ((a, b), (np.asfortranarray(a), b[::-1][::-1]), (a, np.repeat(b, 2, axis=1)[:, ::2])):
        same(lse.logmatmulexp(left, right), whole)
    same(lse.logmatmulexp(a[0], b), whole[0])
    same(lse.logmatmulexp(a, b[:, 0]), whole[:, 0])
    same(lse.logmatmulexp(np.stack([a, a])[:, None], np.stack([b, b, b])), np.broadcast_to(whole, (2, 3, *whole.shape)))
    out = np.empty((whole.shape[1], whole.shape[0]), np.longdouble).T
    assert lse.logmatmulexp(a, b, out=out) is out
    same(out, whole)
    with lse.num_threads(2):
        same(lse.logmatmulexp(a, b), whole)


@pytest.mark.parametrize("kinds", ["ee", "fd", "dg", "?q", "Ql"])
def test_longdouble_of_other_types(kinds, rng):
    a, b = ((rng.standard_normal((4, 4)) * 9).astype(kind) for kind in kinds)
    whole = lse.logsumexp(a.astype(np.longdouble)[:, :, None] + b.astype(np.longdouble), axis=1)
    same(lse.logmatmulexp(a, b, dtype=np.longdouble), whole)


def test_output_over_operands(rng):
    a, _ = operands(rng, (30, 30, 30), np.float64)
    expected = lse.logmatmulexp(a, a)
    same(lse.logmatmulexp(a, a, out=a), expected)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: lse.logmatmulexp(1.0, np.zeros((2, 2))), ValueError, "a has no axes"),
        (lambda: lse.logmatmulexp(np.zeros((2, 3)), np.zeros((2, 3))), ValueError, "last axis of a"),
        (lambda: lse.logmatmulexp(np.zeros((2, 2, 2)), np.zeros((3, 2, 2))), ValueError, "do not broadcast"),
        (lambda: lse.logmatmulexp(np.zeros((2, 2), complex), np.zeros((2, 2))), TypeError, "complex"),
        (lambda: lse.logmatmulexp(np.zeros((2, 2)), np.zeros((2, 2)), dtype=complex), TypeError, "complex"),
        (lambda: lse.logmatmulexp(np.zeros((2, 2)), np.zeros((2, 2)), dtype="i8"), TypeError, "int64"),
        (lambda: lse.logmatmulexp(np.zeros((2, 2)), np.array([["a"]])), TypeError, "of b is not supported"),
        (lambda: lse.logmatmulexp(np.zeros((2, 2)), np.zeros((2, 2)), out=np.zeros(4)), ValueError, "out has shape"),
        (lambda: lse.logmatmulexp(np.ma.masked_less(np.zeros((2, 2)), 1), np.zeros((2, 2))), TypeError, "masked"),
        (lambda: lse.LogMatrix([1.0, 2.0]), ValueError, "two axes"),
        (lambda: lse.LogMatrix([[1j]]), TypeError, "complex"),
    ],
)
def test_wrong_calls(call, error, said):
    with pytest.raises(error, match=said):
        call()
