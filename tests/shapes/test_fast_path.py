"""The fast path of base-class arrays and the general one, used for subclasses of ndarray, give the same bits."""

import numpy as np
import pytest

import lse

pytestmark = pytest.mark.usefixtures("kernel")


class Other(np.ndarray):
    """A subclass, which the fast path does not handle."""


REDUCTIONS = [lse.logsumexp, lse.logmeanexp]
MAPS = [lse.softmax, lse.log_softmax]
DTYPES = [np.float32, np.float64]
ASKED = [None, np.float32, np.float64, float, "float32", "float64", np.dtype("f4"), np.dtype("f8"), np.dtype(">f8")]
AXES = [None, 0, -1, 1, (0,), (0, 1), (1, 0), (-1, 0), ()]


def assert_same(x, y):
    assert type(x) is type(y)
    assert x.dtype == y.dtype
    assert x.shape == y.shape
    assert x.tobytes() == y.tobytes()


def arrays(dtype, rng):
    """1-d and 2-d arrays in several layouts, some with infinities and NaN."""
    a = (rng.standard_normal((5, 8)) * 10).astype(dtype)
    yield a
    yield np.asfortranarray(a)
    yield a[::2, ::-1]
    odd = a.copy()
    odd[1, 2], odd[2], odd[3, 3] = np.inf, -np.inf, np.nan
    yield odd
    yield from (x[1] for x in (a, odd))
    yield a[:, 3]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_dtypes_and_axes(dtype, asked, axis, rng):
    for a in arrays(dtype, rng):
        if axis not in (None, 0, -1, (0,), ()) and a.ndim == 1:
            continue
        for function in (*REDUCTIONS, *MAPS):
            assert_same(function(a, axis, dtype=asked), function(a.view(Other), axis, dtype=asked))
        for function in REDUCTIONS:
            assert_same(
                function(a, axis, keepdims=True, dtype=asked), function(a.view(Other), axis, keepdims=True, dtype=asked)
            )
        if axis is None or type(axis) is int:
            for reverse in (False, True):
                options = {"reverse": reverse, "dtype": asked}
                assert_same(lse.logcumsumexp(a, axis, **options), lse.logcumsumexp(a.view(Other), axis, **options))
        if type(axis) is int:
            indptr = np.array([0, 0, 2, 3, a.shape[axis]])
            assert_same(
                lse.segment_logsumexp(a, indptr, axis, dtype=asked),
                lse.segment_logsumexp(a.view(Other), indptr, axis, dtype=asked),
            )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("to", DTYPES)
def test_outputs(dtype, to, rng):
    for a in arrays(dtype, rng):
        for axis in (None, 0, -1):
            for function in (*REDUCTIONS, *MAPS, lse.logcumsumexp):
                expected = np.asarray(function(a.view(Other), axis, dtype=to))
                for out in (np.empty(expected.shape, to), np.empty(expected.shape[::-1], to).T):
                    out[...] = 7
                    assert function(a, axis, dtype=to, out=out) is out
                    assert np.array_equal(out, expected, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_outputs_that_overlap(dtype, rng):
    """The result is that of a separate output, however they overlap."""
    for start, step in ((0, 1), (0, -1), (1, 1), (3, 2)):
        for function in (*MAPS, lse.logcumsumexp):
            memory = (rng.standard_normal((6, 40)) * 10).astype(dtype)
            a = memory[:, 4:20]
            out = memory[:, 4 + start : 4 + start + 16 * abs(step) : abs(step)][:, :: step // abs(step)]
            expected = function(a.copy(), 1)
            assert function(a, 1, out=out) is out
            assert np.array_equal(out, expected)
        memory = (rng.standard_normal((6, 40)) * 10).astype(dtype)
        expected = lse.logsumexp(memory.copy(), 1)
        assert np.array_equal(lse.logsumexp(memory, 1, out=memory[:, start]), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_and_weights(dtype, rng):
    a = (rng.standard_normal((5, 8)) * 10).astype(dtype)
    mask, b = rng.random((5, 8)) < 0.7, rng.standard_normal((5, 8)).astype(dtype)
    for where in (mask, mask[:1], mask[:, :1], mask[0]):
        for axis in (None, 0, 1):
            for function in (*REDUCTIONS, *MAPS):
                assert_same(function(a, axis, where=where), function(a.view(Other), axis, where=where))
            expected = lse.logsumexp(a.view(Other), axis, b, where=where, return_sign=True)
            for x, y in zip(lse.logsumexp(a, axis, b, where=where, return_sign=True), expected, strict=True):
                assert_same(x, y)
            out = np.empty(np.shape(expected[0]), dtype)
            assert lse.logsumexp(a, axis, b, where=where, out=out) is out
            assert np.array_equal(out, lse.logsumexp(a.view(Other), axis, b, where=where), equal_nan=True)


@pytest.mark.parametrize("indptr", [[0, 5, 3, 8], [-1, 3], [0, 9], [[0, 8]]], ids=str)
def test_wrong_offsets(indptr, rng):
    out = np.full((3,), 7.0)
    with pytest.raises(ValueError, match="segment_logsumexp: indptr"):
        lse.segment_logsumexp(rng.standard_normal(8), np.array(indptr), out=out)
    assert np.all(out == 7)
