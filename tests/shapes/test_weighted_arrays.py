"""Weights and `where` on arrays: broadcasting, layouts, dtypes, equal bits, errors."""

import math
import re

import numpy as np
import pytest

import lse
import oracle
from checks import layouts, same, same_bits

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

ml_dtypes = pytest.importorskip("ml_dtypes")

INF, NAN = np.inf, np.nan
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.float32, np.float64]
FUNCTIONS = [lse.logsumexp, lse.logmeanexp]
NORMALIZERS = [lse.softmax, lse.log_softmax]


# Shapes ------------------------------------------------------------------------------


def by_rows(function, a, b, axis):
    """Each element of the result from a contiguous copy."""
    a, b = np.broadcast_arrays(a, b)
    a, b = (np.moveaxis(x, axis, range(-len(axis), 0)) for x in (a, b))
    shape = a.shape[: a.ndim - len(axis)]
    pairs = [(a[i].ravel(), b[i].ravel()) for i in np.ndindex(shape)]
    return np.array([function(x, b=y) for x, y in pairs], a.dtype).reshape(shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 40), (40,)), ((3, 40), (3, 1)), ((3, 40), (1, 1)), ((3, 40), ()), ((40,), (3, 40)), ((3, 1), (40,)),
     ((), (3, 40)), ((2, 1, 9), (5, 1)), ((4, 1, 2, 1), (3, 1, 5)), ((70, 3), (70, 1)), ((70, 3), (3,)),
     ((3, 70), (3, 70)), ((70_001, 2), (1, 2)), ((2, 70_001), (2, 1))],
    ids=str,
)  # fmt: skip
def test_shapes_that_broadcast(dtype, function, a, b, rng):
    a, b = rng.standard_normal(a).astype(dtype), rng.uniform(0.1, 2, b).astype(dtype)
    a, b = np.asarray(a), np.asarray(b)
    ndim = max(a.ndim, b.ndim)
    for axis in {(0,), (ndim - 1,), (0, ndim - 1), tuple(range(ndim))}:
        if max(a.size, b.size) > 5000 and len(axis) == 1 and a.shape[axis[0]] == 2:
            continue
        expected = by_rows(function, a, b, axis)
        same_bits(function(a, axis=axis, b=b), expected)
        kept = function(a, axis=axis, b=b, keepdims=True)
        same_bits(kept.reshape(expected.shape), expected)
        assert kept.shape == tuple(1 if i in axis else k for i, k in enumerate(np.broadcast_shapes(a.shape, b.shape)))
        out = np.full(expected.shape, NAN, dtype)
        assert function(a, axis=axis, b=b, out=out) is out
        same_bits(out, expected)


def test_a_single_weight_for_all(rng):
    """A Python number does not widen; an array of another dtype does, as in NumPy."""
    a = rng.standard_normal((3, 5)).astype(np.float32)
    for b in (2, 2.0, True):
        got = lse.logsumexp(a, axis=1, b=b)
        same(got, lse.logsumexp(a, axis=1, b=np.full(5, b, np.float32)))
    assert lse.logsumexp(a, b=np.float64(2)).dtype == np.float64
    assert lse.logsumexp(a, b=np.ones(5)).dtype == np.float64
    assert lse.logsumexp(a, b=np.ones(5, np.int64)).dtype == np.float64
    assert lse.logsumexp(a.astype(float), b=np.ones(5, np.float32)).dtype == np.float64


@pytest.mark.parametrize(("a", "b"), [(np.float32, np.float64), (np.float64, np.float32), (np.int8, np.float32)])
def test_mixed_dtypes(a, b, rng):
    """Each is converted exactly."""
    x, w = (rng.standard_normal(100) * 5).astype(a), rng.uniform(0.1, 2, 100).astype(b)
    got = lse.logsumexp(x, b=w)
    same(got, lse.logsumexp(x.astype(np.float64), b=w.astype(np.float64)))
    same(lse.logsumexp(x[::-1], b=w[::-1].astype(w.dtype.newbyteorder())), lse.logsumexp(x[::-1], b=w[::-1]))


def test_integer_and_boolean_weights():
    a = np.array([1.0, 1000, -3])
    same(lse.logsumexp(a, b=[1, 0, 2]), lse.logsumexp(a, b=[1.0, 0, 2]))
    same(lse.logsumexp(a, b=np.array([True, False, True])), lse.logsumexp(a[[0, 2]]))
    same(lse.logsumexp(a, b=np.array([255, 0, 1], np.uint8)), lse.logsumexp(a, b=[255.0, 0, 1]))
    same(lse.logsumexp(a, b=np.array([-128, 0, 127], np.int8)), lse.logsumexp(a, b=[-128.0, 0, 127]))
    same(lse.logsumexp([1, 2], b=[1, -1], return_sign=True), lse.logsumexp([1.0, 2], b=[1.0, -1], return_sign=True))


def test_axis_of_no_dimension_is_elementwise(rng):
    a, b = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    value, sign = lse.logsumexp(a, axis=(), b=b, return_sign=True)
    same(sign, np.sign(b))
    assert (
        max(
            oracle.shortfall(v, x + oracle.log(abs(oracle.exact(w))))
            for v, x, w in zip(*map(np.ravel, (value, a, b)), strict=True)
        )
        <= 1
    )
    same(lse.logsumexp(a, axis=(), b=b), np.where(b < 0, NAN, value))
    same(lse.logmeanexp(a, axis=()), a)


def test_sign_with_out(rng):
    a, b = rng.standard_normal((4, 5)), rng.standard_normal((4, 5))
    for keepdims in (False, True):
        expected = lse.logsumexp(a, axis=1, b=b, keepdims=keepdims, return_sign=True)
        out = np.empty(expected[0].shape, np.float32)
        value, sign = lse.logsumexp(a, axis=1, b=b, keepdims=keepdims, return_sign=True, out=out)
        assert value is out
        same(out, expected[0].astype(np.float32))
        same(sign, expected[1])


def test_out_may_be_the_weights_or_a_part_of_the_input(rng):
    a, b = rng.standard_normal((6, 6)), rng.uniform(0.1, 2, (6, 6))
    expected = lse.logsumexp(a, axis=0, b=b)
    for k in (0, 3, 5):
        x, w = a.copy(), b.copy()
        same(lse.logsumexp(x, axis=0, b=w, out=w[k]), expected)
        same(lse.logsumexp(x, axis=0, b=b, out=x[:, k]), expected)


# where ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mask", [(7, 60), (60,), (7, 1), ()], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_left_out_does_not_exist(dtype, mask, weighted, rng):
    a = rng.standard_normal((7, 60)).astype(dtype)
    b = rng.uniform(0.1, 2, 60).astype(dtype) if weighted else None
    where = np.asarray(rng.random(mask) < 0.6)
    full = np.broadcast_to(where, a.shape)
    dirty = np.where(full, a, rng.choice(np.array([NAN, INF, 1e30], dtype), a.shape))
    for function in FUNCTIONS:
        got = function(dirty, axis=1, b=b, where=where)
        for row, keep, y in zip(a, full, got, strict=True):
            weights = None if b is None else b[keep]
            exact = (
                (oracle.weighted if function is lse.logsumexp else oracle.mean)(row[keep], weights)
                if keep.any()
                else None
            )
            if exact is None:
                same(y, dtype(-INF if function is lse.logsumexp else NAN))
            else:
                assert oracle.shortfall(y, exact) <= 1
        same_bits(function(dirty.T, axis=0, b=None if b is None else b[:, None], where=full.T), got)
        if b is not None:
            same_bits(function(dirty, axis=1, b=np.where(full, b, 0).astype(dtype)), got)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", NORMALIZERS)
def test_what_softmax_leaves_out_has_no_probability(dtype, function, rng):
    a = rng.standard_normal((7, 60)).astype(dtype)
    where = rng.random((7, 60)) < 0.6
    where[3] = False
    dirty = np.where(where, a, rng.choice(np.array([NAN, INF, 1e30], dtype), a.shape))
    p = function(dirty, axis=1, where=where)
    same(p[3], np.full(60, NAN, dtype))  # no mass is left there
    for row, keep, got in zip(a, where, p, strict=True):
        if not keep.any():
            continue
        same(got[~keep], np.full(np.sum(~keep), 0 if function is lse.softmax else -INF, dtype))
        exact = getattr(oracle, function.__name__)(row[keep])
        distance = oracle.distance if function is lse.softmax else oracle.shortfall
        assert max((distance(x, y) for x, y in zip(got[keep], exact, strict=True)), default=0) <= (
            4 if function is lse.softmax else 1
        )
    same_bits(function(dirty.T, axis=0, where=where.T), p.T)
    assert function(dirty, axis=1, where=where, out=dirty) is dirty
    same_bits(dirty, p)


@pytest.mark.parametrize("function", NORMALIZERS)
def test_softmax_of_special_values_with_where(function):
    a, where = np.array([[NAN, 1, 1], [INF, 5, INF], [-INF, 2, -INF], [NAN, 2, 2]]), np.array([False, True, True])
    out = 0.0 if function is lse.softmax else -INF
    half, one = (0.5, 1.0) if function is lse.softmax else (-math.log(2), 0.0)
    same(function(a, axis=1, where=where), [[out, half, half], [out, out, one], [out, one, out], [out, half, half]])
    same(function([[INF, INF, NAN]], where=[True, True, False]), [[half, half, out]])
    same(function([-INF, 3.0], where=[True, False]), [NAN, out])
    same(function([NAN, 3.0, 3.0], where=[True, True, False]), [NAN, NAN, out])
    same(function([1.0, 2.0], where=True), function([1.0, 2.0]))


# Dtypes -----------------------------------------------------------------------------------------------------


def in_each_way(function, a, b):
    """By the fast path, and of memory that another library may have made."""
    yield function(a, b=b)
    if isinstance(a, np.ndarray):
        yield function(a.view(np.recarray), b=b)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "F", "D", "g", BFLOAT16], ids=str)
@pytest.mark.parametrize(
    "weight", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", BFLOAT16], ids=str
)
def test_promotion_is_that_of_a_product(function, kind, weight):
    a, b = np.ones(3, kind), np.array([1, 0, 1]).astype(weight)
    assert all(x.dtype == (a * b).dtype for x in in_each_way(function, a, b))
    if np.dtype(weight).kind in "fV":
        for number in (1.0, 1, True):
            assert function(number, b=b).dtype == b.dtype
    else:
        assert function(1.0, b=b).dtype == np.float64
    for number in (2.0, 2, True):
        assert all(x.dtype == a.dtype for x in in_each_way(function, a, number))


def test_numbers_are_weak_beside_complex_ones():
    assert lse.logsumexp(1j, b=np.ones(2, np.float32)).dtype == np.complex64
    assert lse.logsumexp(np.ones(2, np.float32), b=1j).dtype == np.complex64
    assert lse.logsumexp(np.ones(2, np.complex64), b=np.array([True, False])).dtype == np.complex64
    assert lse.logsumexp(1.0, b=2).dtype == np.float64


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint16, np.bool_])
def test_integer_elements_are_float64_whatever_the_weights(kind):
    assert lse.logsumexp(np.ones(3, kind), b=np.ones(3, np.float32)).dtype == np.float64
    assert lse.logsumexp(np.ones(3, kind), b=np.ones(3, np.int8)).dtype == np.float64


# Layouts, columns, threads ----------------------------------------------------------------------------------


def weights_of(shape, dtype, rng):
    b = rng.standard_normal(shape).astype(dtype)
    b[rng.random(shape) < 0.1] = 0
    return b


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 70, 40), (65, 3, 9)])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 2), (1, 2)], ids=str)
def test_layouts(dtype, shape, axis, rng):
    a, b = (rng.standard_normal(shape) * 5).astype(dtype), weights_of(shape, dtype, rng)
    where = rng.random(shape) < 0.8
    value, sign = lse.logsumexp(a, axis=axis, b=b, return_sign=True, where=where)
    variants = zip(layouts(a), reversed(list(layouts(b))), layouts(where), strict=False)
    for (name, x), (other, w), (_, mask) in variants:
        got = lse.logsumexp(x, axis=axis, b=w, return_sign=True, where=mask)
        assert np.array_equal(got[0], value), (name, other)
        assert np.array_equal(got[1], sign), (name, other)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [2, 16, 33, 70, 130])
@pytest.mark.parametrize("n", [1, 8, 17, 100, 2049])
def test_rows_and_columns(dtype, count, n, rng):
    a, b = (rng.standard_normal((count, n)) * 5).astype(dtype), weights_of((count, n), dtype, rng)
    for w in (b, abs(b)):
        rows = lse.logsumexp(a, axis=1, b=w, return_sign=True)
        columns = lse.logsumexp(np.ascontiguousarray(a.T), axis=0, b=np.ascontiguousarray(w.T), return_sign=True)
        same_bits(columns[0], rows[0])
        same_bits(columns[1], rows[1])
    same_bits(lse.logsumexp(a[-1], b=w[-1]), rows[0][-1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(200_001,), (2, 150_001), (3000, 70)])
def test_threads(dtype, shape, rng):
    a, b = (rng.standard_normal(shape) * 5).astype(dtype), rng.uniform(0, 2, shape).astype(dtype)
    where = rng.random(shape) < 0.8
    for axis in (None, -1):
        with lse.num_threads(1):
            expected = lse.logsumexp(a, axis=axis, b=b), lse.logmeanexp(a, axis=axis, where=where)
        with lse.num_threads(2):
            same_bits(lse.logsumexp(a, axis=axis, b=b), expected[0])
            same_bits(lse.logmeanexp(a, axis=axis, where=where), expected[1])


# Errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_weights_of_wrong_shape_or_dtype(function):
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2,\)"):
        function(np.zeros((2, 3)), b=np.ones(2))
    for b in (["x"], [None], np.array(["2000-01-01"], "M8[D]")):
        with pytest.raises(TypeError, match=re.escape(np.asarray(b).dtype.name)):
            function(np.zeros(1), b=b)
    with pytest.raises(TypeError, match=r"\.data, where=~.*\.mask"):
        function(np.zeros(2), b=np.ma.masked_array([1.0, 2.0], [True, False]))


@pytest.mark.parametrize("function", FUNCTIONS + NORMALIZERS)
def test_wrong_where(function):
    a = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"\(2,\).*\(2, 3\)|\(2, 3\).*\(2,\)"):
        function(a, where=np.ones(2, bool))
    with pytest.raises(ValueError, match=r"\(4, 2, 3\)"):  # it must not enlarge the input
        function(a, where=np.ones((4, 2, 3), bool))
    with pytest.raises(ValueError, match=r"\(3,\)"):
        function(np.zeros(1), where=np.ones(3, bool))
    for where in (1, [1, 0, 1], np.ones(3), "yes", [None] * 3):
        with pytest.raises(TypeError, match=r"where.*bool"):
            function(a, where=where)
    with pytest.raises(TypeError, match=r"\.data, where=~.*\.mask"):
        function(a, where=np.ma.masked_array([True] * 3, [True, False, False]))
