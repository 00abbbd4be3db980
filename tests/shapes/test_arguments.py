"""Shapes, axes, dtypes and outputs; errors with NumPy's types and messages."""

import inspect
import re

import numpy as np
import pytest

import lse

pytestmark = pytest.mark.usefixtures("kernel")

FUNCTIONS = [lse.logsumexp, lse.softmax, lse.log_softmax]


def by_hand(a, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(np.asarray(a, np.float64)), axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1, -3, (0,), (0, 2), (2, 0), (-1, 0), (0, 1, 2), ()], ids=str)
def test_axes(axis, keepdims, rng):
    a = rng.standard_normal((4, 5, 6))
    expected = by_hand(a, axis, keepdims)
    got = lse.logsumexp(a, axis=axis, keepdims=keepdims)
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)
    p = lse.softmax(a, axis=axis)
    assert p.shape == a.shape
    np.testing.assert_allclose(p, np.exp(a - by_hand(a, axis, True)), rtol=1e-13)
    np.testing.assert_allclose(lse.log_softmax(a, axis=axis), a - by_hand(a, axis, True), rtol=1e-13, atol=1e-14)


def test_many_dimensions(rng):
    a = rng.standard_normal((2, 1, 3, 1, 2, 2, 1, 2))
    for axis in [(0, 4), (2, 5, 7), (1, 3), tuple(range(8)), 6]:
        np.testing.assert_allclose(lse.logsumexp(a, axis=axis), by_hand(a, axis), rtol=1e-14)
    deep = a.reshape((1,) * 50 + a.shape)
    np.testing.assert_allclose(lse.logsumexp(deep, axis=-1), by_hand(deep, -1), rtol=1e-14, atol=1e-14)


def test_positional_arguments_are_those_of_scipy():
    assert str(inspect.signature(lse.logsumexp)) == (
        "(a, axis=None, b=None, keepdims=False, return_sign=False, *, where=True, out=None, dtype=None)"
    )
    assert str(inspect.signature(lse.softmax)) == "(x, axis=None, *, where=True, out=None, dtype=None, empty=nan)"
    assert str(inspect.signature(lse.log_softmax)) == str(inspect.signature(lse.softmax))


@pytest.mark.parametrize("n", [3, 5000, 70_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_of_whole_arrays_are_scalars(n, dtype):
    for a in (np.zeros(n, dtype), np.zeros((n, 1), dtype), np.zeros(n, dtype)[::-1]):
        assert type(lse.logsumexp(a)) is dtype
    assert type(lse.logsumexp(np.zeros(n, dtype), keepdims=True)) is np.ndarray
    assert lse.logsumexp(np.zeros(n, dtype), keepdims=True).shape == (1,)


@pytest.mark.parametrize("axis", [None, 0, -1, (), (0,), (-1,)], ids=str)
def test_zero_dimensional(axis):
    for value in (3.5, np.float64(3.5), np.array(3.5)):
        assert lse.logsumexp(value, axis=axis) == 3.5
        assert lse.softmax(value, axis=axis) == 1.0
        assert lse.log_softmax(value, axis=axis) == 0.0
        assert all(type(f(value, axis=axis)) is np.float64 for f in FUNCTIONS)
    assert type(lse.logsumexp(np.float32(2))) is np.float32
    assert lse.logcumsumexp(3.5).tolist() == [3.5]
    assert lse.logsumexp(np.float64(3.5), keepdims=True).shape == ()


@pytest.mark.parametrize("axis", [1, -2, (1,), (0, 1)], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_axes_that_nothing_has(function, axis):
    for value in (3.5, np.array(3.5), np.longdouble(3.5)):
        with pytest.raises(np.exceptions.AxisError):
            function(value, axis=axis)
    with pytest.raises(ValueError, match="repeated"):
        function(3.5, axis=(0, -1))


def memory_order(a):
    """The axes of more than one element by their strides."""
    return sorted((i for i, n in enumerate(a.shape) if n > 1), key=lambda i: -abs(a.strides[i]))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.longdouble, np.complex64])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1)], ids=str)
def test_results_lie_in_memory_as_those_of_numpy(dtype, order, rng):
    whole = np.ascontiguousarray((rng.standard_normal((2, 3, 4)) * 3).astype(dtype).transpose(order))
    a = whole.transpose(np.argsort(order))
    for x in (a, a[:, ::-1], a[:, :, ::2]):
        for axis in (0, 1, 2, (0, 1), ()):
            for keepdims in (False, True):
                expected = memory_order(np.sum(x, axis=axis, keepdims=keepdims))
                assert memory_order(lse.logsumexp(x, axis=axis, keepdims=keepdims)) == expected
                assert memory_order(lse.logmeanexp(x, axis=axis, keepdims=keepdims)) == expected
                b = np.ones(x.shape[2], np.int8)
                for part in lse.logsumexp(x, axis=axis, b=b, keepdims=keepdims, return_sign=True):
                    assert memory_order(part) == expected
            assert memory_order(lse.softmax(x, axis=axis)) == memory_order(x)
        assert memory_order(lse.logcumsumexp(x, axis=1)) == memory_order(np.cumsum(x, axis=1))
        assert memory_order(lse.segment_logsumexp(x, [0, 1, 1, 2], axis=0)) == memory_order(x)


def test_weighted_results_lie_in_memory_as_products_of_numpy(rng):
    """Where elements and weights lie in different orders too."""
    dtypes = [np.float64, np.float32, np.float16, np.longdouble, np.complex64, np.complex128, np.int64, np.int8]

    def laid_out(shape):
        order = rng.permutation(len(shape))
        x = np.ones([shape[i] for i in order], rng.choice(dtypes)).transpose(np.argsort(order))
        return x[::-1] if x.ndim and rng.random() < 0.3 else x

    for _ in range(100):
        shape = tuple(rng.choice([1, 2, 3, 4], rng.integers(1, 5)).tolist())
        other = tuple(1 if rng.random() < 0.3 else n for n in shape)[rng.integers(len(shape)) :]
        a, b = laid_out(shape), laid_out(shape if rng.random() < 0.5 else other)
        for x, w in ((a, b), (b, a)):
            for axis in (None, (), 0, (0, len(shape) - 1)):
                axes = tuple(set(axis)) if isinstance(axis, tuple) else axis
                for keepdims in (False, True):
                    expected = memory_order(np.maximum.reduce(x * w, axis=axes, keepdims=keepdims))
                    value, sign = lse.logsumexp(x, axes, w, keepdims, return_sign=True)
                    mean = lse.logmeanexp(x, axes, w, keepdims)
                    assert memory_order(value) == memory_order(sign) == memory_order(mean) == expected


@pytest.mark.parametrize(
    ("shape", "axis", "result"),
    [((0,), None, ()), ((0,), 0, ()), ((2, 0, 3), 1, (2, 3)), ((2, 0, 3), 0, (0, 3)), ((0, 3), 0, (3,)),
     ((0, 3), 1, (0,)), ((0, 0), (0, 1), ()), ((3, 0), None, ())],
)  # fmt: skip
def test_empty_arrays(shape, axis, result):
    for dtype in (np.float32, np.float64, np.int64):
        a = np.empty(shape, dtype)
        got = lse.logsumexp(a, axis=axis)
        assert np.shape(got) == result
        assert np.all(np.isneginf(got))
        assert lse.softmax(a, axis=axis).shape == shape
        assert lse.log_softmax(a, axis=axis).shape == shape
    assert lse.logsumexp([]) == -np.inf


INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


@pytest.mark.parametrize("dtype", [*INTEGERS, np.bool_])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_integers_and_bool_become_float64(dtype, function, axis):
    if dtype is np.bool_:
        values = np.array([[True, False, True], [False, False, True]])
    else:
        low, high = max(np.iinfo(dtype).min, -(2**53)), min(np.iinfo(dtype).max, 2**53 - 1)
        values = np.array([[low, high, high - 3], [0, 1, high // 2]], dtype)
    got = function(values, axis=axis)
    assert got.dtype == np.float64
    assert np.array_equal(got, function(values.astype(np.float64), axis=axis))
    if np.dtype(dtype).itemsize > 1:
        assert np.array_equal(function(values.astype(values.dtype.newbyteorder()), axis=axis), got)
    assert np.array_equal(function(values[:, ::-1], axis=axis), function(values[:, ::-1].astype(float), axis=axis))


def test_unsigned_integers_do_not_wrap():
    assert lse.logsumexp(np.array([0, 255], np.uint8)) == 255.0
    assert lse.logsumexp([3, 4]) == lse.logsumexp([3.0, 4.0])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sequences(function):
    expected = function(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    for a in ([[1, 2], [3, 4]], ((1.0, 2.0), (3.0, 4.0)), [np.array([1, 2]), [3, 4]]):
        assert np.array_equal(function(a, axis=0), expected)
    with pytest.raises(ValueError, match="inhomogeneous"):
        function([[1, 2], [3]])


def test_subclasses_of_arrays(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert type(lse.logsumexp(mapped, axis=1)) is np.ndarray
    assert np.array_equal(lse.logsumexp(mapped, axis=1), lse.logsumexp(np.array(mapped), axis=1))
    assert type(lse.softmax(mapped)) is np.ndarray


# The output -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_out_is_filled_and_returned(function, axis, rng):
    a = rng.standard_normal((30, 40))
    expected = np.asarray(function(a, axis=axis))
    wide = np.zeros([2 * n for n in expected.shape])
    outs = [np.empty(expected.shape), np.empty(expected.shape, order="F"), np.empty(expected.shape, ">f8")]
    outs += [np.empty(expected.shape, np.float32), wide[(..., *(slice(None, None, 2) for _ in expected.shape))]]
    outs += [np.empty(expected.shape, np.complex128)]
    for out in outs:
        assert function(a, axis=axis, out=out) is out
        assert np.array_equal(out, expected.astype(out.dtype))


def test_out_of_a_subclass_that_squeezes_otherwise():
    a = np.arange(12.0).reshape(3, 4)
    big = np.zeros(40)
    out = big[:3].reshape(3, 1).view(np.matrix)
    assert lse.logsumexp(a, 1, keepdims=True, out=out) is out
    assert np.array_equal(big[:3], lse.logsumexp(a, 1))
    assert not big[3:].any()
    wide = np.zeros((3, 4)).view(np.matrix)
    assert lse.softmax(a, 1, out=wide) is wide
    assert np.array_equal(np.asarray(wide), lse.softmax(a, 1))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_masked_out_is_refused(function):
    out = np.ma.array(np.zeros(() if function is lse.logsumexp else 3))
    with pytest.raises(TypeError, match="masked"):
        function(np.zeros(3), out=out)


def test_out_with_keepdims(rng):
    a = rng.standard_normal((3, 4, 5))
    out = np.empty((3, 1, 5))
    assert lse.logsumexp(a, axis=1, keepdims=True, out=out) is out
    assert np.array_equal(out[:, 0], lse.logsumexp(a, axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [lse.softmax, lse.log_softmax])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("shape", [(7, 5), (300, 200), (2, 70_000)])
def test_out_may_be_the_input(function, axis, shape, dtype, rng):
    a = rng.standard_normal(shape).astype(dtype)
    expected = function(a, axis=axis)
    for b in (a.copy(), np.asfortranarray(a), np.repeat(a, 2, axis=1)[:, ::2], a.astype(a.dtype.newbyteorder())):
        assert function(b, axis=axis, out=b) is b
        assert np.array_equal(b, expected)


@pytest.mark.parametrize("function", [lse.softmax, lse.log_softmax])
def test_out_may_overlap_the_input(function, rng):
    values = rng.standard_normal(1001)
    expected = function(values[1:])
    buffer = values.copy()
    function(buffer[1:], out=buffer[:-1])
    assert np.array_equal(buffer[:-1], expected)
    buffer = values[1:].copy()
    function(buffer, out=buffer[::-1])
    assert np.array_equal(buffer[::-1], expected)


def test_out_of_a_sum_may_overlap_the_input(rng):
    a = rng.standard_normal((50, 50))
    expected = lse.logsumexp(a, axis=1)
    lse.logsumexp(a, axis=1, out=a[0])
    assert np.array_equal(a[0], expected)


@pytest.mark.parametrize("function", [lse.softmax, lse.log_softmax])
def test_out_may_overlap_the_mask(function, rng):
    """Input, output and mask in the same memory, whose bytes are 0 and 1."""
    memory = rng.integers(0, 2, 8 * 256, np.uint8)
    x, where = memory.view(np.float64).reshape(16, 16), memory[:256].view(np.bool_).reshape(16, 16)
    expected = function(x.copy(), axis=1, where=where.copy())
    function(x, axis=1, where=where, out=x)
    assert np.array_equal(x, expected, equal_nan=True)


@pytest.mark.parametrize("name", ["b", "where"])
def test_out_of_a_sum_may_overlap_weights_and_masks(name, rng):
    memory = rng.integers(0, 2, 8 * 4096, np.uint8)
    out = memory[2048:2560].view(np.float64)
    other = memory.view(np.float64 if name == "b" else np.bool_)[:4096].reshape(64, 64)
    a = rng.standard_normal((64, 64))
    expected = lse.logsumexp(a, axis=1, **{name: other.copy()})
    lse.logsumexp(a, axis=1, **{name: other}, out=out)
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_wrong_out(function):
    a = np.zeros((2, 3))
    shape = (2,) if function is lse.logsumexp else (2, 3)
    with pytest.raises(ValueError, match=r"out has shape \(5,\).*result has shape"):
        function(a, axis=1, out=np.empty(5))
    with pytest.raises(TypeError, match=r"float64.*int64.*same_kind"):
        function(a, axis=1, out=np.empty(shape, np.int64))
    with pytest.raises(TypeError, match="out must be an array of NumPy, not list"):
        function(a, axis=1, out=[0, 0])
    read_only = np.zeros(shape)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        function(a, axis=1, out=read_only)
    assert not read_only.any()


# Errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", [2, -3, (0, 2), 10**30])
def test_axis_out_of_range(function, axis):
    with pytest.raises((np.exceptions.AxisError, OverflowError)):
        function(np.zeros((2, 3)), axis=axis)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_other_wrong_axes(function):
    with pytest.raises(np.exceptions.AxisError, match="axis 5 is out of bounds for array of dimension 1"):
        function(np.zeros(3), axis=5)
    with pytest.raises(ValueError, match="repeated axis"):
        function(np.zeros((2, 3)), axis=(0, 0))
    with pytest.raises(ValueError, match="repeated axis"):
        function(np.zeros((2, 3)), axis=(1, -1))
    with pytest.raises(np.exceptions.AxisError):
        function(np.float64(1), axis=1)
    for axis in (1.0, "0", [0.5]):
        with pytest.raises(TypeError):
            function(np.zeros((2, 3)), axis=axis)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "a", [["x"], np.array([None]), np.array(["2000-01-01"], "M8[D]"), np.zeros(2, "m8[s]"), np.zeros(2, "i4,f4"),
          np.array([b"x"])],
    ids=lambda a: np.asarray(a).dtype.name,
)  # fmt: skip
def test_dtypes_that_are_not_numbers(function, a):
    with pytest.raises(TypeError, match=re.escape(np.asarray(a).dtype.name)):
        function(a)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_masked_arrays_are_refused(function):
    with pytest.raises(TypeError, match="masked"):
        function(np.ma.masked_array([1.0, 2.0], [True, False]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_input_is_never_changed(function, rng):
    for a in (rng.standard_normal((50, 60)), np.array([[1e300, np.inf], [np.nan, 0]]), np.arange(10)):
        before = a.copy()
        for axis in (None, 0, -1):
            function(a, axis=axis)
        assert np.array_equal(a, before, equal_nan=True)
