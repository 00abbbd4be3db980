"""The functions of lse.h that take rows with weights and masks, segments, cumulative sums and states as bytes, called
through their addresses: the bits of the functions of Python, and errors after which nothing is written."""

import ctypes
import re
from pathlib import Path

import numpy as np
import pytest

import lse
from checks import same_bits, using
from lse import _core

pytestmark = pytest.mark.usefixtures("kernel")

DTYPES = [np.float32, np.float64]
OK, ARGUMENT, STATE = 0, -1, -4
UNTOUCHED = 12345.0
SIZE, ADDRESS = ctypes.c_ssize_t, ctypes.c_void_p
ctypes.pythonapi.PyCapsule_GetName.restype = ctypes.c_char_p
ctypes.pythonapi.PyCapsule_GetName.argtypes = [ctypes.py_object]
ctypes.pythonapi.PyCapsule_GetPointer.restype = ADDRESS
ctypes.pythonapi.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def address_of(name):
    capsule = _core.__pyx_capi__[name]
    return ctypes.pythonapi.PyCapsule_GetPointer(capsule, ctypes.pythonapi.PyCapsule_GetName(capsule))


def numbers_to_number(name, inputs, real):
    return ctypes.CFUNCTYPE(real, *[real] * inputs)(address_of(name))


def function(name, result=ctypes.c_int):
    """A function of lse.h, without lse_; integers become ptrdiff_t, arrays and None pointers, `threads` int."""
    call = ctypes.CFUNCTYPE(result)(address_of(name))

    def called(*arguments, threads=None):
        words = [ADDRESS(x.ctypes.data) if isinstance(x, np.ndarray) else ADDRESS(x) if x is None else SIZE(x)
                 for x in arguments]  # fmt: skip
        return call(*words, *([] if threads is None else [ctypes.c_int(threads)]))

    return called


def of_type(name, dtype):
    return function(f"{name}_{'f32' if dtype == np.float32 else 'f64'}")


def strides(a):
    return [step // a.itemsize for step in a.strides]


def untouched(shape, dtype):
    return np.full(shape, UNTOUCHED, dtype)


def assert_same(x, y):
    assert np.asarray(x).tobytes() == np.asarray(y, x.dtype).tobytes()


def matrices(dtype, rng):
    """Short and long rows in C and in Fortran order, reversed, with infinities and NaN."""
    for rows, n in SIZES:
        a = (rng.standard_normal((rows, n)) * 20).astype(dtype)
        if rows > 3:
            a[0, n // 2], a[1, 0], a[2] = np.inf, np.nan, -np.inf
        yield a
        yield np.asfortranarray(a)
        yield a[::-1, ::-1]


@pytest.mark.parametrize("threads", [1, 2, 0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_with_weights_and_masks(dtype, threads, rng):
    call = of_type("logsumexp_rows_weighted", dtype)
    for a in matrices(dtype, rng):
        rows, n = a.shape
        b = np.where(rng.random(a.shape) < 0.2, 0, rng.standard_normal(a.shape)).astype(dtype)
        bytes_of = (rng.integers(0, 256, a.shape) * (rng.random(a.shape) < 0.8)).astype(np.uint8)
        for weights in (None, b, b[:1], b[:, :1])[: 4 if a.size < 10_000 else 2]:
            for mask in (None, bytes_of, bytes_of[:1], np.asfortranarray(bytes_of))[: 4 if a.size < 10_000 else 2]:
                every_b = None if weights is None else np.broadcast_to(weights, a.shape)
                every = None if mask is None else np.broadcast_to(mask, a.shape)
                where = True if mask is None else every != 0
                value, sign = lse.logsumexp(a, 1, every_b, return_sign=True, where=where)
                out, signs = untouched(rows, dtype), untouched(rows, dtype)
                words = [a, *strides(a), every_b, *([0, 0] if every_b is None else strides(every_b))]
                words += [every, *([0, 0] if every is None else strides(every)), rows, n]
                assert call(*words, out, signs, threads=threads) == OK
                assert_same(out, value)
                assert_same(signs, sign)
                assert call(*words, out, None, threads=threads) == OK
                assert_same(out, lse.logsumexp(a, 1, every_b, where=where))
    out = untouched(3, dtype)
    assert call(None, 0, 1, None, 0, 0, None, 0, 0, 3, 0, out, None, threads=1) == OK
    assert_same(out, np.full(3, -np.inf))


@pytest.mark.parametrize("threads", [1, 2, 0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_masked_maps(dtype, threads, rng):
    for a in matrices(dtype, rng):
        mask = (rng.integers(0, 256, a.shape) * (rng.random(a.shape) < 0.8)).astype(np.uint8)
        for name in ("softmax", "log_softmax"):
            out = untouched(a.shape, dtype)
            call = of_type(f"{name}_rows_masked", dtype)
            words = [a, *strides(a), mask, *strides(mask), *a.shape]
            assert call(*words, out, *strides(out), threads=threads) == OK
            assert_same(out, getattr(lse, name)(a, 1, where=mask != 0))
            assert call(a, *strides(a), None, 0, 0, *a.shape, out, *strides(out), threads=threads) == ARGUMENT


@pytest.mark.parametrize("threads", [1, 2, 0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_cumulative_sums(dtype, threads, rng):
    call = of_type("logcumsumexp_rows", dtype)
    for a in matrices(dtype, rng):
        out = untouched(a.shape, dtype)
        assert call(a, *strides(a), *a.shape, out, *strides(out), threads=threads) == OK
        assert_same(out, lse.logcumsumexp(a, 1))
        turned, back = a[:, ::-1], out[:, ::-1]
        assert call(turned, *strides(turned), *a.shape, back, *strides(back), threads=threads) == OK
        assert_same(out, lse.logcumsumexp(a, 1, reverse=True))
        in_place = a.copy()
        assert call(in_place, *strides(in_place), *a.shape, in_place, *strides(in_place), threads=threads) == OK
        assert_same(in_place, lse.logcumsumexp(a, 1))


# Gradients --------------------------------------------------------------------------------------------------


SIZES = ((1, 1), (1000, 5), (40, 33), (700, 20), (5, 1000), (2, 70_001), (300, 450), *((9, n) for n in range(1, 18)))


def gradient(name, x, grad, values=None, out=None, threads=1):
    """The gradient of a function of rows, of results for a map."""
    out = untouched(x.shape, x.dtype) if out is None else out
    more = [values, grad] if values is not None else []
    beside = [] if more else [grad, *strides(grad)]
    call = of_type(f"{name}_backward_rows", x.dtype)
    assert call(x, *strides(x), *beside, *x.shape, *more, out, *strides(out), threads=threads) == OK
    return out


def with_gaps(a):
    """The same rows, further apart."""
    return np.hstack([a, a])[:, : a.shape[1]]


def exact_gradient(name, x, grad, values=None):
    """In extended precision; the error that is allowed, but for that of the last rounding; and what is not lost."""
    x, grad, eps = x.astype(np.longdouble), grad.astype(np.longdouble), np.finfo(x.dtype).eps
    lanes = np.longdouble(x.shape[1] + 16) * 2.0**-53  # of a sum of doubles
    if name == "logsumexp":
        exact = grad[:, None] * np.exp(x - values.astype(np.longdouble)[:, None])
        return exact, np.abs(exact) * eps * (2 + np.abs(x - values[:, None]))
    if name == "softmax":
        size = np.abs(x) * (np.abs(grad) + np.abs(x * grad).sum(1, keepdims=True))
        return x * (grad - (x * grad).sum(1, keepdims=True)), size * (lanes if x.shape[1] else 0)
    size = np.exp(x) * np.abs(grad).sum(1, keepdims=True)
    return grad - np.exp(x) * grad.sum(1, keepdims=True), size * (lanes + 2 * eps)


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 2.0**-60, reason="longdouble has no more digits here")
@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients(dtype, name, rng):
    for rows, n in SIZES:
        a = (rng.standard_normal((rows, n)) * 5).astype(dtype)
        values = lse.logsumexp(a, 1) if name == "logsumexp" else None
        x = a if values is not None else getattr(lse, name)(a, 1)
        grad = rng.standard_normal(rows if values is not None else a.shape).astype(dtype)
        exact, allowed = exact_gradient(name, x, grad, values)
        error = np.abs(gradient(name, x, grad, values) - exact)
        tiny = np.finfo(dtype).smallest_normal * max(1, np.abs(grad).sum())
        assert np.all(error <= allowed + 0.51 * np.spacing(np.abs(exact).astype(dtype)) + tiny)


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_of_gradients(dtype, name, rng):
    """For every kernel, layout and number of threads; also in place."""
    for rows, n in SIZES:
        a = (rng.standard_normal((rows, n)) * 20).astype(dtype)
        if rows > 3:
            a[0, n // 2], a[1, 0], a[2] = np.inf, np.nan, -np.inf
        with using("scalar"):
            values = lse.logsumexp(a, 1) if name == "logsumexp" else None
            x = a if values is not None else getattr(lse, name)(a, 1)
            grad = rng.standard_normal(rows if values is not None else a.shape).astype(dtype)
            expected = gradient(name, x, grad, values)
        for threads in (1, 2, 0):
            for change in (np.ascontiguousarray, np.asfortranarray, with_gaps, lambda b: np.repeat(b, 2, 1)[:, ::2]):
                beside = grad if values is not None else change(grad)
                same_bits(gradient(name, change(x), beside, values, threads=threads), expected)
                out = change(untouched(a.shape, dtype))
                same_bits(gradient(name, x, grad, values, out, threads), expected)
        in_place = x.copy()
        same_bits(gradient(name, in_place, grad, values, in_place), expected)
        if values is None:
            in_place = grad.copy()
            same_bits(gradient(name, x, in_place, out=in_place), expected)
        else:
            turned = np.ascontiguousarray(a[:, ::-1])[:, ::-1]
            same_bits(gradient(name, turned, grad, values), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_of_infinite_sums(dtype):
    inf, nan = np.inf, np.nan
    for order in ("C", "F"):
        x = np.array(
            [[inf, 0, inf, inf, inf], [-inf] * 5, [0, nan, 1, 2, inf], [0, -inf, -inf, -inf, -inf]], dtype, order=order
        )
        got = gradient("logsumexp", x, np.array([2, 3, 4, 5], dtype), lse.logsumexp(x, 1))
        expected = np.array([[0.5, 0, 0.5, 0.5, 0.5], [0] * 5, [nan] * 5, [5, 0, 0, 0, 0]], dtype)
        same_bits(got, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_wrong_gradients(dtype):
    x, grad, values, out = (np.zeros(shape, dtype) for shape in ((2, 3), (2, 3), 2, (2, 3)))
    out[...] = UNTOUCHED
    for name in ("softmax", "log_softmax"):
        call = of_type(f"{name}_backward_rows", dtype)
        right = [x, 3, 1, grad, 3, 1, 2, 3, out, 3, 1]
        for at, wrong in ((0, None), (1, 2**62), (3, None), (5, 2**62), (6, -1), (7, -1), (8, None), (9, 0), (10, 0)):
            assert call(*right[:at], wrong, *right[at + 1 :], threads=1) == ARGUMENT
        assert call(*right, threads=-1) == ARGUMENT
    call = of_type("logsumexp_backward_rows", dtype)
    right = [x, 3, 1, 2, 3, values, grad, out, 3, 1]
    for at, wrong in ((0, None), (2, 2**62), (3, -1), (5, None), (6, None), (7, None), (8, 0)):
        assert call(*right[:at], wrong, *right[at + 1 :], threads=1) == ARGUMENT
    assert np.all(out == UNTOUCHED)
    assert call(None, 0, 0, 0, 3, None, None, None, 0, 0, threads=1) == OK


@pytest.mark.parametrize("threads", [1, 2, 0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_segments(dtype, threads, rng):
    call = of_type("logsumexp_segments", dtype)
    for n in (1, 10, 5000, 200_000):
        memory = (rng.standard_normal(2 * n) * 20).astype(dtype)
        for x in (memory[:n], memory[::2], memory[:n][::-1]):
            for count in (1, 7, 300):
                offsets = np.sort(rng.integers(0, n + 1, count + 1)).astype(np.intp)
                out = untouched(count, dtype)
                assert call(x, *strides(x), n, offsets, count, out, threads=threads) == OK
                assert_same(out, lse.segment_logsumexp(x, offsets))
    out, x = untouched(2, dtype), np.zeros(4, dtype)
    assert call(None, 1, 0, np.zeros(3, np.intp), 2, out, threads=1) == OK
    assert_same(out, np.full(2, -np.inf))
    assert call(x, 1, 4, np.array([1]), 0, None, threads=1) == OK
    out = untouched(2, dtype)
    for offsets in ([0, 3, 2], [-1, 2, 3], [0, 2, 5], [5, 5, 5]):
        assert call(x, 1, 4, np.array(offsets, np.intp), 2, out, threads=1) == ARGUMENT
    good = np.array([0, 2, 4], np.intp)
    for words in ([None, 1, 4, good, 2, out], [x, 1, -1, good, 2, out], [x, 1, 4, None, 2, out],
                  [x, 1, 4, good, -1, out], [x, 1, 4, good, 2, None]):  # fmt: skip
        assert call(*words, threads=1) == ARGUMENT
    assert call(x, 1, 4, good, 2, out, threads=-1) == ARGUMENT
    assert np.all(out == UNTOUCHED)


def group_cases(dtype, rng):
    """Elements and weights at distances, masks, offsets of segments and labels of groups."""
    for n in (1, 10, 3000, 70_000):
        memory = np.round(rng.standard_normal((2, 2 * n)) * 20, 2).astype(dtype)
        mask = (rng.random(3 * n) < 0.7).astype(np.uint8)
        for x, b in ((memory[0, :n], memory[1, ::2]), (memory[0, ::2], memory[1, :n][::-1])):
            for count in (1, 7, 3000):
                offsets = np.sort(rng.integers(0, n + 1, count + 1)).astype(np.intp)
                yield x, b, mask[: 3 * n : 3], offsets, count, rng.integers(0, count, n).astype(np.intp)
                yield x, None, None, offsets, count, np.sort(rng.integers(0, count, n)).astype(np.intp)


@pytest.mark.parametrize("threads", [1, 2, 0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_segments_and_groups(dtype, threads, rng):
    of_segments, of_groups = (of_type(name, dtype) for name in ("logsumexp_segments_weighted", "logsumexp_groups"))
    for x, b, mask, offsets, count, index in group_cases(dtype, rng):
        n, where = x.size, True if mask is None else mask != 0
        words = [x, *strides(x), b, 0 if b is None else strides(b)[0], mask, 0 if mask is None else strides(mask)[0]]
        for call, more, function, by in (
            (of_segments, (n, offsets, count), lse.segment_logsumexp, (offsets, -1)),
            (of_groups, (index, n, count), lse.scatter_logsumexp, (index, -1, count)),
        ):
            values, signs = untouched((2, count), dtype)
            assert call(*words, *more, values, signs, threads=threads) == OK
            want = function(x, *by, b, True, where=where)
            assert_same(values, want[0])
            assert_same(signs, want[1])
            assert call(*words, *more, values, None, threads=threads) == OK
            assert_same(values, function(x, *by, b, where=where))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_maps_of_segments_and_groups(name, dtype, rng):
    of_segments, of_groups = of_type(f"{name}_segments", dtype), of_type(f"{name}_groups", dtype)
    for x, _, _, offsets, count, index in group_cases(dtype, rng):
        for out in (untouched(x.size, dtype), untouched(2 * x.size, dtype)[::2], x.copy()):
            source = out if np.array_equal(out, x) else x
            inside = slice(offsets[0], offsets[-1])
            want = getattr(lse, f"segment_{name}")(x, offsets)
            mine = out.copy()
            words = [mine if source is out else x, *strides(mine if source is out else x)]
            assert of_segments(*words, x.size, offsets, count, mine, *strides(mine), threads=2) == OK
            assert_same(mine[inside], want[inside])
            assert_same(mine[: inside.start], out[: inside.start])
            words = [source, *strides(source)]
            want = getattr(lse, f"scatter_{name}")(x, index, size=count)
            assert of_groups(*words, index, x.size, count, out, *strides(out), threads=2) == OK
            assert_same(out, want)


def test_wrong_groups():
    x, out, good = np.zeros(4), untouched(4, np.float64), np.array([0, 1, 1, 0])
    call = of_type("logsumexp_groups", np.float64)
    for index, n, count, values in (
        (np.array([0, 1, 2, 0]), 4, 2, out), (np.array([0, -1, 0, 0]), 4, 2, out), (None, 4, 2, out),
        (good, -1, 2, out), (good, 4, -1, out), (good, 4, 2, None), (good, 4, 0, out),
    ):  # fmt: skip
        assert call(x, 1, None, 0, None, 0, index, n, count, values, None, threads=1) == ARGUMENT
    call = of_type("softmax_groups", np.float64)
    assert call(x, 1, np.array([0, 1, 2, 0]), 4, 2, out, 1, threads=1) == ARGUMENT
    assert call(x, 1, good, 4, 2, out, 0, threads=1) == ARGUMENT
    assert call(x, 1, good, 4, 2, out, 1, threads=-1) == ARGUMENT
    assert np.all(out == UNTOUCHED)
    assert call(None, 1, None, 0, 0, None, 1, threads=1) == OK
    call = of_type("logsumexp_groups", np.float64)
    assert call(None, 1, None, 0, None, 0, None, 0, 2, out, out[2:], threads=1) == OK
    assert_same(out, np.array([-np.inf, -np.inf, 0, 0]))


@pytest.mark.parametrize("threads", [1, 2, 0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_products(dtype, threads, rng):
    call = of_type("logmatmulexp", dtype)
    for rows, steps, columns in ((1, 1, 1), (5, 9, 2), (7, 130, 40), (300, 200, 100)):
        a, b = ((200 * rng.standard_normal(shape)).astype(dtype) for shape in ((rows, steps), (steps, columns)))
        for x, y in ((a, b), (np.asfortranarray(a), b[:, ::-1]), (a[::-1], np.asfortranarray(b))):
            for out in (untouched((rows, columns), dtype), untouched((columns, 2 * rows), dtype)[:, ::2].T):
                sizes = rows, steps, columns
                assert call(x, *strides(x), y, *strides(y), *sizes, out, *strides(out), threads=threads) == OK
                assert_same(out, lse.logmatmulexp(x, y))
    out = untouched((2, 3), dtype)
    assert call(None, 0, 1, None, 3, 1, 2, 0, 3, out, 3, 1, threads=threads) == OK
    assert_same(out, np.full((2, 3), -np.inf))
    assert call(None, 0, 1, None, 3, 1, 0, 0, 3, None, 3, 1, threads=threads) == OK
    out = untouched((2, 3), dtype)
    right = [np.zeros((2, 4), dtype), 4, 1, np.zeros((4, 3), dtype), 3, 1, 2, 4, 3, out, 3, 1]
    wrongs = {0: None, 1: 2**62, 3: None, 5: 2**62, 6: -1, 7: -1, 8: -1, 9: None, 10: 0, 11: 0}
    for at, wrong in wrongs.items():
        assert call(*right[:at], wrong, *right[at + 1 :], threads=threads) == ARGUMENT
    assert call(*right, threads=-1) == ARGUMENT
    assert np.all(out == UNTOUCHED)


OF_TWO, OF_ONE = ["logaddexp", "logsubexp"], ["log1pexp", "log1mexp", "logexpm1"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_TWO + OF_ONE)
def test_functions_of_numbers(name, dtype, rng):
    inputs = 2 if name in OF_TWO else 1
    real = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    one = numbers_to_number(f"{name}_{'f32' if dtype == np.float32 else 'f64'}", inputs, real)
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, np.log(2), 1e-40, -1e30]
    values = [*rng.normal(size=30).astype(dtype) * 5, *special]
    for x in values:
        for y in values if inputs == 2 else [None]:
            given = [dtype(number) for number in (x, y)[:inputs]]
            assert_same(np.asarray(one(*given), dtype), getattr(lse, name)(*given))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_TWO + OF_ONE)
def test_functions_of_arrays_of_numbers(name, dtype, rng):
    call, ufunc = of_type(f"{name}_array", dtype), getattr(lse, name)
    for n in (0, 1, 7, 64, 65, 1000):
        memory = (rng.standard_normal((2, 2 * n + 1)) * 3).astype(dtype)
        for views in (slice(0, n), slice(0, 2 * n, 2), slice(n, 0, -1)):
            x, y = memory[0, views], memory[1, views]
            for inputs in [[x, y], [x, x], [np.broadcast_to(y[:1], n), x]] if name in OF_TWO else [[x]]:
                expected = ufunc(*inputs)
                words = [word for array in inputs for word in (array, *strides(array))]
                for out in (untouched(n, dtype), untouched(3 * n, dtype)[::-3]):
                    assert call(*words, n, out, *strides(out)) == OK
                    assert_same(out, expected)
        x, y = memory[0].copy(), memory[1].copy()
        expected = ufunc(x, y) if name in OF_TWO else ufunc(x)
        assert call(*([x, 1, y, 1] if name in OF_TWO else [x, 1]), x.size, x, 1) == OK
        assert_same(x, expected)
    out, x = untouched(2, dtype), np.zeros(2, dtype)
    right = [*([x, 1, x, 1] if name in OF_TWO else [x, 1]), 2, out, 1]
    wrongs = {0: None, 1: 2**62, len(right) - 3: -1, len(right) - 2: None, len(right) - 1: 0}
    for at, wrong in wrongs.items():
        assert call(*right[:at], wrong, *right[at + 1 :]) == ARGUMENT
    assert np.all(out == UNTOUCHED)


@pytest.mark.parametrize("dtype", DTYPES)
def test_wrong_rows(dtype):
    x, b, mask, great = np.zeros((2, 3), dtype), np.ones((2, 3), dtype), np.ones((2, 3), np.uint8), 2**62
    out, signs = untouched(2, dtype), untouched(2, dtype)
    call = of_type("logsumexp_rows_weighted", dtype)
    right = [x, 3, 1, b, 3, 1, mask, 3, 1, 2, 3, out, signs]
    for at, wrong in ((0, None), (1, great), (2, great), (4, great), (5, great), (7, great), (8, great), (9, -1),
                      (10, -1), (11, None)):  # fmt: skip
        assert call(*right[:at], wrong, *right[at + 1 :], threads=1) == ARGUMENT
    assert call(*right, threads=65537) == ARGUMENT
    assert np.all(out == UNTOUCHED)
    assert np.all(signs == UNTOUCHED)
    assert call(*right, threads=1) == OK
    results = untouched((2, 3), dtype)
    for name in ("logcumsumexp_rows", "softmax_rows_masked"):
        masked = [mask, 3, 1] if name == "softmax_rows_masked" else []
        for words in ([x, 3, 1, *masked, 2, 3, results, 0, 1], [x, 3, 1, *masked, 2, 3, results, 3, 0],
                      [x, 3, 1, *masked, -1, 3, results, 3, 1],
                      [None, 3, 1, *masked, 2, 3, results, 3, 1]):  # fmt: skip
            assert of_type(name, dtype)(*words, threads=1) == ARGUMENT
    assert np.all(results == UNTOUCHED)


# States -----------------------------------------------------------------------------------------------------


def state_of(*chunks):
    """A state updated with pairs of elements and weights, or None."""
    state = np.zeros(12, np.uint64)
    assert function("state_init")(state) == OK
    for x, b in chunks:
        assert function("state_update_f64")(state, x, 1, b, 1, x.size) == OK
    return state


def bytes_of(state):
    data, size = np.zeros(80, np.uint8), np.zeros(1, np.uintp)
    assert function("state_to_bytes")(state, data, size) == OK
    return data[: size[0]].tobytes()


def finished(state):
    value, sign, count = np.zeros(1), np.zeros(1), np.zeros(1, np.int64)
    assert function("state_finish")(state, value, sign) == OK
    assert function("state_count")(state, count) == OK
    return value[0], sign[0], count[0]


def states(rng):
    """States with and without weights, out of range, infinite, empty; and accumulators with the same data."""
    x, b = rng.standard_normal(100), rng.standard_normal(100)
    for chunks in ([], [(x, None)], [(x, b)], [(x, None), (x * 50, b)], [(x * 1e20, None)],
                   [(np.array([np.inf]), None)], [(np.array([np.nan]), b[:1])],
                   [(np.array([-np.inf]), None)]):  # fmt: skip
        total = lse.LogSumExp()
        for one, weights in chunks:
            total.update(one, b=weights)
        yield state_of(*chunks), total


def test_bytes_are_those_of_python(rng):
    for state, total in states(rng):
        data = bytes_of(state)
        assert data == total.to_bytes()
        assert lse.LogSumExp.from_bytes(data).to_bytes() == data
        again = np.zeros(12, np.uint64)
        assert function("state_from_bytes")(again, np.frombuffer(data, np.uint8), len(data)) == OK
        assert again.tobytes() == state.tobytes()
        value, sign, count = finished(again)
        assert_same(np.float64(value), total.log_abs)
        assert_same(np.float64(sign), total.sign)
        assert count == total.count


def test_damaged_bytes_are_refused(rng):
    """Whatever one byte becomes, the state is refused, with nothing written, or has different values."""
    data = np.frombuffer(bytes_of(state_of((rng.standard_normal(9), rng.standard_normal(9)))), np.uint8)
    call = function("state_from_bytes")
    for size in range(len(data)):
        state = np.zeros(12, np.uint64)
        expected = OK if size == len(data) else STATE
        assert call(state, data, size) == (expected if size != 48 else STATE)
        assert not state.any()
    for at in range(8):
        for value in range(256):
            damaged, state = data.copy(), np.zeros(12, np.uint64)
            damaged[at] = value
            assert call(state, damaged, len(data)) == (OK if value == data[at] else STATE)
    for at, value in ((15, 0x80), (16 + 24 + 7, 0xFF)):  # a negative count, and one of the maximum
        damaged = data.copy()
        damaged[at] = value
        assert call(np.zeros(12, np.uint64), damaged, len(data)) == STATE
    for sum_at in (16, 48):
        damaged = data.copy()
        damaged[sum_at : sum_at + 8] = np.frombuffer(np.float64(np.nan).tobytes(), np.uint8)
        assert call(np.zeros(12, np.uint64), damaged, len(data)) == STATE
    assert call(None, data, len(data)) == ARGUMENT
    assert call(np.zeros(12, np.uint64), None, len(data)) == ARGUMENT
    raw, count = np.zeros(12, np.uint64), np.zeros(1, np.int64)
    assert function("state_count")(raw, count) == STATE
    assert function("state_to_bytes")(raw, np.zeros(80, np.uint8), np.zeros(1, np.uintp)) == STATE
    assert function("state_count")(state_of(), None) == ARGUMENT


def test_version():
    assert function("version", ctypes.c_char_p)() == lse.__version__.encode()
    header = (Path(lse.get_include()) / "lse" / "lse.h").read_text("utf-8")
    assert re.search(r'#define LSE_VERSION "(.*)"', header)[1] == lse.__version__
    assert re.search(r"LSE_STATE_BYTES = (\d+)", header)[1] == "80"
