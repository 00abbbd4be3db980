"""Arrays of up to 64 dimensions, and of lengths whose products approach the limit of integers."""

import itertools

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import lse

REDUCTIONS = [lse.logsumexp, lse.logmeanexp]
MAPS = [lse.softmax, lse.log_softmax]
DTYPES = ["f2", "f4", "f8", ">f8", "i1", "g", "F", "D"]
FAR = 2**62  # for int8 the longest array but one that NumPy can make
TOO_MUCH = (MemoryError, ValueError)  # NumPy's exceptions for sizes that can be addressed, and for those that cannot


# 32 to 64 dimensions ----------------------------------------------------------------------------------------


def deep(ndim, dtype, rng):
    """2^10 elements, with the dimensions longer than 1 at random positions; and these positions."""
    places = tuple(sorted(rng.choice(ndim, 10, replace=False).tolist()))
    a = (rng.standard_normal([2 if i in places else 1 for i in range(ndim)]) * 3).astype(dtype)
    return a, places


def axes_of(ndim, places):
    yield from (None, (), 0, -1, -ndim, *places, places, places[::2], tuple(range(ndim)), tuple(range(0, ndim, 2)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ndim", [32, 33, 64])
def test_many_dimensions_are_as_few(ndim, dtype, rng):
    """The same result as for the ten dimensions that are longer than 1."""
    a, places = deep(ndim, dtype, rng)
    few = a.reshape((2,) * 10)
    for axis in axes_of(ndim, places):
        wanted = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis % ndim,)
        same = tuple(places.index(i) for i in wanted if i in places)
        for function in REDUCTIONS:
            expected = np.asarray(function(few, axis=same, keepdims=True))
            got = np.asarray(function(a, axis=axis, keepdims=True))
            assert got.shape == tuple(1 if i in wanted else n for i, n in enumerate(a.shape))
            assert np.array_equal(got.ravel(), expected.ravel()), axis
            assert np.array_equal(np.ravel(function(a, axis=axis)), expected.ravel())
            out = np.empty(got.shape, got.dtype)
            assert function(a, axis=axis, keepdims=True, out=out) is out
            assert np.array_equal(out, got)
        for function in MAPS:
            got = function(a, axis=axis, out=np.empty(a.shape, function(few, axis=same).dtype))
            assert np.array_equal(got.ravel(), function(few, axis=same).ravel())


@pytest.mark.parametrize("ndim", [32, 64])
def test_many_dimensions_with_weights_and_masks(ndim, rng):
    a, places = deep(ndim, np.float64, rng)
    b, where = rng.standard_normal(a.shape[1:]), rng.random(a.shape) < 0.5
    few = a.reshape((2,) * 10)
    weights, mask = np.broadcast_to(b, a.shape).reshape(few.shape), where.reshape(few.shape)
    for axis, same in ((None, None), (places, None), (places[0], 0), (places[3:7], (3, 4, 5, 6))):
        got = lse.logsumexp(a, axis=axis, b=b, return_sign=True, where=where)
        for x, y in zip(got, lse.logsumexp(few, axis=same, b=weights, return_sign=True, where=mask), strict=True):
            assert np.array_equal(np.ravel(x), np.ravel(y))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ndim", [32, 64])
def test_along_one_of_many_dimensions(ndim, dtype, rng):
    a, places = deep(ndim, dtype, rng)
    few = a.reshape((2,) * 10)
    for i, axis in enumerate(places):
        got = lse.logcumsumexp(a, axis=axis)
        assert got.shape == a.shape
        assert np.array_equal(got.ravel(), lse.logcumsumexp(few, axis=i).ravel())
        got = lse.segment_logsumexp(a, [0, 1, 1, 2], axis=axis)
        assert got.shape == (*a.shape[:axis], 3, *a.shape[axis + 1 :])
        assert np.array_equal(got.ravel(), lse.segment_logsumexp(few, [0, 1, 1, 2], axis=i).ravel())


def test_accumulators_of_many_dimensions(rng):
    a, places = deep(64, np.float64, rng)
    for axis in (0, places, places[:3], tuple(range(64))):
        total = lse.LogSumExp.of(a, axis=axis)
        assert np.array_equal(total.value, lse.logsumexp(a, axis=axis))
        assert np.array_equal((total + total.copy()).value, lse.LogSumExp(total.shape).merge(total).merge(total).value)
    shape = (2,) * 10 + (1,) * 53
    assert lse.LogSumExp(shape).update(a.reshape(shape), axis=()).value.shape == shape


# Products of lengths ----------------------------------------------------------------------------------------

EMPTY = [(0, 2**59), (2**59, 0), (2**31, 0, 2**31), (0, FAR), (FAR, 0), (0, *(2,) * 58, 1, 1, 1), (2, 0, 2**58)]


def calls(shape):
    """Every function over every axis, and the shape of its result, or None for that of the input."""
    for axis in (None, (), *range(len(shape)), tuple(range(1, len(shape)))):
        axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        left = tuple(n for i, n in enumerate(shape) if i not in axes)
        for function, options in itertools.product(REDUCTIONS, ({}, {"b": 2}, {"where": np.True_})):
            yield function, {"axis": axis, **options}, left
        for function in MAPS:
            yield function, {"axis": axis}, shape
        if isinstance(axis, int):
            yield lse.logcumsumexp, {"axis": axis}, shape
            yield lse.segment_logsumexp, {"axis": axis, "indptr": [0]}, (*shape[:axis], 0, *shape[axis + 1 :])
            yield lse.segment_logsumexp, {"axis": axis, "indptr": [0, 0]}, (*shape[:axis], 1, *shape[axis + 1 :])


@pytest.mark.parametrize("dtype", ["i1", "f4", "f8", "F", "g"])
@pytest.mark.parametrize("shape", EMPTY, ids=lambda shape: str(shape[:4]))
def test_no_elements_at_all(shape, dtype):
    """An empty result, results of empty sums, or an error if these need too much memory; immediately in any case."""
    try:
        a = np.empty(shape, dtype)
    except ValueError:
        pytest.skip("NumPy makes no such array of this dtype")
    for function, options, left in calls(shape):
        count = np.prod([float(n) for n in left])
        if 0 < count < 2**50 and count > 2**20:
            continue  # might fit in memory
        if count >= 2**50:
            with pytest.raises(TOO_MUCH, match=r"nable to allocate|too big"):
                function(a, **options)
            continue
        try:
            got = np.asarray(function(a, **options))
        except ValueError as error:  # for int8, which NumPy supports, as float64, which it does not
            if "too big" in str(error):
                continue
            raise
        assert got.shape == left
        assert count <= 2**20
        assert np.isneginf(got.real).all() or (function is lse.logmeanexp and np.isnan(got.real).all())


HUGE = np.broadcast_to(np.int8(0), (FAR,))


@pytest.mark.parametrize(
    "call",
    [
        lambda: lse.softmax(HUGE),
        lambda: lse.logcumsumexp(HUGE),
        lambda: lse.logsumexp(HUGE, axis=()),
        lambda: lse.logmeanexp(HUGE, axis=()),
        lambda: lse.logsumexp(0.0, b=HUGE, axis=()),
        lambda: lse.logsumexp(np.zeros((3, 1)), b=np.broadcast_to(np.int8(1), (1, FAR))),
        lambda: lse.logsumexp(np.zeros((1, 3)), b=np.broadcast_to(1.0, (2**58, 1)), axis=1),
        lambda: lse.log_softmax(np.broadcast_to(0.0, (2**29, 2**30)), axis=0),
        lambda: lse.softmax(np.broadcast_to(0.0, (2**59,)), where=np.True_),
        lambda: lse.segment_logsumexp(np.broadcast_to(np.int8(0), (4, FAR // 2)), [0, 1, 4], axis=0),
        lambda: lse.LogSumExp.of(HUGE, axis=()),
        lambda: lse.LogSumExp().update(HUGE, axis=()),
    ],
)
def test_no_room_for_the_result(call):
    with pytest.raises((MemoryError, ValueError)):
        call()


def test_a_few_elements_of_a_huge_view():
    assert np.array_equal(lse.segment_logsumexp(HUGE, [0, 3]), [lse.logsumexp([0, 0, 0])])
    ends = lse.segment_logsumexp(HUGE, [FAR - 3, FAR - 1, FAR, FAR])
    assert np.array_equal(ends, [lse.logsumexp([0, 0]), 0.0, -np.inf])


@pytest.mark.parametrize("step", [2**62, -(2**63), 2**63 - 1])
def test_strides_that_are_never_taken(step):
    """Strides of dimensions of length 1 may be anything."""
    values = np.arange(3.0)
    a = as_strided(values, (1, 3, 1), (step, 8, step))
    for axis in (None, 0, 1, 2, (0, 1), (1, 2), ()):
        assert np.array_equal(lse.logsumexp(a, axis=axis), lse.logsumexp(a.copy(), axis=axis))
        assert np.array_equal(lse.softmax(a, axis=axis), lse.softmax(a.copy(), axis=axis))
        assert np.array_equal(lse.LogSumExp.of(a, axis=axis).value, lse.logsumexp(a.copy(), axis=axis))
    assert np.array_equal(lse.logcumsumexp(a, axis=1), lse.logcumsumexp(a.copy(), axis=1))
    assert lse.logsumexp(as_strided(values, (1,) * 30 + (3,) + (1,) * 33, (step,) * 30 + (8,) + (step,) * 33)) == (
        lse.logsumexp(values)
    )
    out = as_strided(np.zeros(3), (3, 1), (8, step))
    lse.logsumexp(np.arange(6.0).reshape(3, 2), axis=1, keepdims=True, out=out)
    assert np.array_equal(out[:, 0], lse.logsumexp(np.arange(6.0).reshape(3, 2), axis=1))
