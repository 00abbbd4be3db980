"""Softmax of pieces whose sums are known: as accurate as that of the whole, for any division."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

import lse
import oracle
from checks import layouts, same
from lse import _core

pytestmark = pytest.mark.usefixtures("kernel")

OPERATIONS = {"softmax": lse.softmax, "log_softmax": lse.log_softmax}
AXES = [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]


def cuts(shape, parts):
    """Index tuples of the blocks of a whole."""
    along = [[slice(k * n // parts, (k + 1) * n // parts) for k in range(parts)] for n in shape]
    return list(itertools.product(*along))


def by_pieces(operation, x, axes, parts=3, dtype=None):
    """The softmax of every block, from the merged sums of all blocks."""
    dtype = x.dtype if dtype is None else np.dtype(dtype)
    kept = [i for i in range(x.ndim) if i not in axes]
    bits = sum(1 << i for i in axes)
    totals = {}
    for place in cuts(x.shape, parts):
        key = tuple((place[i].start, place[i].stop) for i in kept)
        sums = lse.LogSumExp.of(x[place], axes, dtype=np.float32 if dtype == np.float32 else None)
        totals[key] = totals[key] + sums if key in totals else sums
    result = np.full(x.shape, 7, dtype)
    for place in cuts(x.shape, parts):
        if x[place].size:
            total = totals[tuple((place[i].start, place[i].stop) for i in kept)]
            _core.map_sums(operation, x[place], bits, dtype == np.float32, result[place], total)
    return result


@pytest.fixture
def _many_digits(monkeypatch):
    """Enough digits for an oracle that adds small numbers to 1e308."""
    monkeypatch.setattr(oracle, "DIGITS", 350)


def check_accuracy(x, axes, operation, parts=3):
    """Within 4 ulp of each element of the softmax; for the logarithm, within the larger of 1 ulp and that of 1."""
    got = by_pieces(operation, x, axes, parts)
    order = [i for i in range(x.ndim) if i not in axes] + list(axes)
    length = math.prod(x.shape[i] for i in axes)
    rows, results = (a.transpose(order).reshape(-1, length) for a in (x, got))
    for row, result in zip(rows, results, strict=True):
        exact = oracle.softmax(row) if operation == "softmax" else oracle.log_softmax(row)
        for computed, y in zip(result, exact, strict=True):
            if operation == "softmax":
                assert oracle.error_in_ulp(computed, y) <= 4, (row, computed, y)
            else:
                assert (computed == -np.inf) if y == -mp.inf else oracle.error(computed, y) <= 1, (row, computed, y)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_accuracy_of_pieces(rng, axes, operation, dtype):
    check_accuracy((rng.standard_normal((5, 7, 9)) * 10).astype(dtype), axes, operation)


@pytest.mark.usefixtures("_many_digits")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("dtype", "size"), [("f4", 2.0**17), ("f4", 2.0**60), ("f4", 1e38), ("f8", 2.0**46), ("f8", 2.0**80), ("f8", 1e308)]
)
@pytest.mark.parametrize("axis", [0, 1])
def test_magnitudes_beyond_the_digits(rng, operation, dtype, size, axis):
    for base in np.array([size, -1.5 * size], dtype):
        x = (base + rng.integers(-3, 3, (6, 7)) * np.spacing(base)).astype(dtype)
        x[2, 3], x[4, 5] = 0, -np.inf
        check_accuracy(x, (axis,), operation)


@pytest.mark.usefixtures("_many_digits")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_and_rows_of_great_magnitude_side_by_side(rng, operation, dtype):
    sizes = np.array([0, 1, 2.0**16, 2.0**18, 2.0**45, 2.0**47, -(2.0**18), -(2.0**47), 1e38, -1e38])
    x = (sizes + rng.standard_normal((9, 10)) * 3).astype(dtype)
    check_accuracy(x, (0,), operation)
    check_accuracy(np.ascontiguousarray(x.T), (1,), operation)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axes", AXES)
def test_special_values_are_those_of_the_whole(rng, operation, dtype, axes):
    for rate in (0.02, 0.1, 0.5, 0.95):
        for values in ([-np.inf], [np.inf], [np.nan], [np.inf, -np.inf], [np.inf, -np.inf, np.nan]):
            x = rng.choice([0.0, 1.0, -3.0, 300.0], (6, 8, 10)).astype(dtype)
            here = rng.random(x.shape) < rate
            x[here] = rng.choice(values, here.sum())
            got, expected = by_pieces(operation, x, axes), OPERATIONS[operation](x, axis=axes)
            finite = np.isfinite(expected)
            same(np.where(finite, 0, got), np.where(finite, 0, expected))
            assert np.allclose(got[finite], expected[finite], rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_of_all_pieces_share(dtype):
    x = np.zeros((3, 300), dtype)
    x[0, [1, 150, 298]] = np.inf
    x[1, 299] = np.inf
    x[2, [0, 299]] = np.inf, np.nan
    got = by_pieces("softmax", x, (1,))
    expected = np.where(x == np.inf, np.array([[1 / 3], [1], [1]], dtype), dtype(0))
    expected[2] = np.nan
    same(got, expected)
    got = by_pieces("log_softmax", x, (1,))
    expected = np.where(x == np.inf, np.array([[-math.log(3)], [0], [0]], dtype), dtype(-np.inf))
    expected[2] = np.nan
    same(got, expected)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_rows_of_nothing_but_minus_infinity(operation):
    x = np.zeros((4, 50))
    x[1] = -np.inf
    x[3, :40] = -np.inf
    got = by_pieces(operation, x, (1,))
    assert np.isnan(got[1]).all()
    same(got[3, :40], np.full(40, 0.0 if operation == "softmax" else -np.inf))
    same(got[[0, 2, 3]], OPERATIONS[operation](x[[0, 2, 3]], axis=1))
    same(by_pieces(operation, x.T, (0,)), got.T)


@pytest.mark.parametrize("axes", AXES)
def test_one_piece_has_the_bits_of_the_whole(rng, axes):
    """For log-softmax of float64; all other functions sum their own terms if a row is not divided."""
    for shape in ((3, 40, 5), (2, 3, 700), (1, 1, 1), (65, 2, 33)):
        x = rng.standard_normal(shape) * 30
        same(by_pieces("log_softmax", x, axes, parts=1), lse.log_softmax(x, axis=axes))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.bool_])
def test_layouts_and_dtypes_have_the_same_bits(rng, operation, dtype):
    x = (rng.standard_normal((6, 8, 10)) * 20).astype(dtype)
    to = dtype if np.dtype(dtype).kind == "f" else np.float64
    for axes in AXES:
        expected = by_pieces(operation, x, axes, dtype=to)
        for name, y in layouts(x):
            same(by_pieces(operation, y, axes, dtype=to), expected), name


@pytest.mark.parametrize("operation", OPERATIONS)
def test_long_rows_and_wide_columns(rng, operation):
    for shape, axis in (((2, 100_000), 1), ((100_000, 2), 0), ((300, 1000), 0), ((1000, 300), 1)):
        for dtype in (np.float32, np.float64):
            x = rng.standard_normal(shape).astype(dtype)
            got, expected = by_pieces(operation, x, (axis,)), OPERATIONS[operation](x, axis=axis)
            assert np.max(np.abs(got - expected) / np.spacing(np.abs(expected))) <= 4


def test_shapes_that_do_not_fit_are_refused():
    x, out = np.zeros((3, 4)), np.empty((3, 4))
    wrong = [((4,), 2, out), ((3, 1), 2, out), ((1, 4), 1, out), ((), 1, out), ((3,), 2, np.empty((4, 3)))]
    for shape, bits, target in wrong:
        with pytest.raises(ValueError, match="shape"):
            _core.map_sums("softmax", x, bits, False, target, lse.LogSumExp(shape))
