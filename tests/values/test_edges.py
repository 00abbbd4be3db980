"""Bugs found by searches, each as a regression test."""

import math

import numpy as np
import pytest

import lse
import oracle
from checks import same

pytestmark = pytest.mark.usefixtures("kernel")

LONG = np.longdouble


def test_offsets_may_be_where_the_result_goes():
    lengths = np.array([1, 100] * 40)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    a = np.linspace(-3, 3, offsets[-1])
    expected = lse.segment_logsumexp(a, offsets)
    out = offsets[:-1].view(np.float64)
    same(lse.segment_logsumexp(a, offsets, out=out), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weighted_sums_near_the_least_number(dtype):
    x = np.finfo(dtype).min / dtype(1.1)
    value, sign = lse.logsumexp(np.array([x]), b=np.ones(1, dtype), return_sign=True)
    same(value, x)
    same(sign, dtype(1))
    same(lse.logmeanexp(np.array([x, -np.inf], dtype), b=np.array([1, 0], dtype)), x)


def test_longdouble_that_cancels():
    for a, exact in (([300, 300, 0], 0), ([0, 0, -40], -40)):
        value = lse.logsumexp(np.array(a, LONG), b=[1, -1, 1])
        assert abs(value - exact) <= 4 * np.finfo(LONG).eps * max(map(abs, a))
    value, sign = lse.logsumexp(np.array([5, 5], LONG), b=[1, -1], return_sign=True)
    same(value, LONG(-np.inf))
    same(sign, LONG(0))


def test_longdouble_weights_of_any_size():
    least, greatest = np.finfo(LONG).smallest_subnormal, np.finfo(LONG).max / 2
    a = np.array([1, 2], LONG)
    exact = oracle.mean(a)
    for weight in (least, greatest):
        assert oracle.shortfall(lse.logmeanexp(a, b=np.full(2, weight)), exact) <= 2
        assert oracle.shortfall(lse.logsumexp(a, b=np.full(2, weight)), oracle.weighted(a, np.full(2, weight))) <= 2


@pytest.mark.parametrize("dtype", [np.float64, LONG, np.complex128])
@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_infinite_weights_of_nothing_are_nan(dtype, weight):
    assert np.isnan(lse.logsumexp(np.array([-np.inf, 0], dtype), b=[weight, 1]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, LONG])
@pytest.mark.parametrize(
    ("a", "b", "sign"),
    [([0, -22799], [np.inf, np.inf], 1), ([0, -22799], [1, -np.inf], -1), ([-22799, 0], [np.inf, -1e30], 1)],
)
def test_no_exponential_is_nothing_beside_an_infinite_weight(a, b, sign, dtype):
    found = lse.logsumexp(np.array(a, dtype), b=np.array(b, dtype), return_sign=True)
    assert found == (np.inf, sign)


def test_prefixes_of_longdouble_do_not_depend_on_what_follows():
    a = np.array([0.1, 0.3, 0.7, 10999], LONG)
    for i in range(1, 4):
        exact = oracle.weighted(a[:i])
        assert oracle.shortfall(lse.logcumsumexp(a)[i - 1], exact) <= 2


def test_complex_running_sums():
    same(lse.logcumsumexp(np.array([np.inf, 1], complex)), np.array([np.inf, np.inf], complex))
    a = np.full(10**5, 0.1)
    a[0] = 35
    assert abs(lse.logcumsumexp(a + 0j)[-1].real - lse.logcumsumexp(a)[-1]) <= 1e-14


def test_complex_softmax():
    half = math.tan(5e14)  # e^ix / (e^ix + 1) = (1 + i tan(x / 2)) / 2
    np.testing.assert_allclose(lse.softmax([1e15j, 0j]), [0.5 + 0.5j * half, 0.5 - 0.5j * half], rtol=1e-14)
    p = lse.softmax(np.array([-600, 0.3, 0.1], complex))[0].real
    assert abs(p / lse.softmax([-600, 0.3, 0.1])[0] - 1) <= 4 * np.finfo(float).eps
    same(lse.softmax(np.array([np.inf, np.inf, 0], complex)), np.array([0.5, 0.5, 0], complex))


def test_weights_beyond_float32():
    a = np.float32([0, 1])
    mean = np.float32(oracle.mean(a))
    for weight in (1e-50, 1e300):
        same(lse.logmeanexp(a, b=weight), mean)
        same(lse.logsumexp(a, b=weight), np.float32(oracle.weighted(a, np.full(2, weight))))


def test_more_than_32_dimensions():
    x = np.zeros((1,) * 40 + (2,))
    for axis in (-1, (0, -1)):
        assert lse.logsumexp(x, axis, x + 1, where=x == 0).ravel() == math.log(2)
    assert lse.softmax(x, -1, where=x == 0).shape == x.shape
    assert lse.logmeanexp(x, -1).ravel() == 0


def test_weights_that_are_left_out_are_not_looked_at():
    a, b = np.arange(300.0), np.where(np.arange(300) % 3 == 0, np.nan, 1.0)
    for shape, axis in (((300,), 0), ((100, 3), 0), ((3, 100), 1)):
        x, w = a.reshape(shape), b.reshape(shape)
        same(lse.logsumexp(x, axis, w, where=~np.isnan(w)), lse.logsumexp(x, axis, np.nan_to_num(w)))


def test_errors_of_what_used_to_slip_through():
    assert lse.logsumexp([1.0, 2.0], b=2**70) == lse.logsumexp([1.0, 2.0], b=2.0**70)
    with pytest.raises(ValueError, match="beyond the range"):
        lse.logsumexp([1.0], b=10**400)
    for axis in (2**40, 2**100, (2**100,)):
        for function in (lse.logsumexp, lse.softmax):
            with pytest.raises(np.exceptions.AxisError):
                function([1.0], axis=axis)
    with pytest.raises(TypeError, match="void16"):
        lse.logsumexp(np.zeros(3, "V2"))
    for dtype in ("U5", object):
        with pytest.raises(TypeError, match="cast"):
            lse.logsumexp([1.0], out=np.zeros((), dtype))


SINGLES = np.array([0.0, -0.0, 1.5, -3e38, 3e38, 1e-45, np.inf, -np.inf, np.nan, -np.nan, 2.0**17, -700.25] * 7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(84, 1), (1, 84), (7, 1, 12), (1, 84, 1)])
def test_sums_of_one_element(dtype, shape):
    a = SINGLES.astype(dtype).reshape(shape)
    axis = shape.index(1)
    for x in (a, a.swapaxes(0, -1).copy().swapaxes(0, -1), np.repeat(a, 2, axis=-1)[..., ::2]):
        exists = x > -np.inf
        same(lse.logsumexp(x, axis=axis), np.squeeze(np.where(np.isnan(x), np.nan, x + 0.0), axis).astype(dtype))
        same(lse.softmax(x, axis=axis), np.where(exists, 1, np.nan).astype(dtype))
        same(lse.log_softmax(x, axis=axis), np.where(exists, 0, np.nan).astype(dtype))
        out = x.copy()
        same(lse.softmax(out, axis=axis, out=out), np.where(exists, 1, np.nan).astype(dtype))


@pytest.mark.parametrize("dtype", [LONG, np.clongdouble])
def test_sums_of_longdouble_do_not_depend_on_the_layout(dtype, rng):
    for shape in ((3, 40, 5), (70, 2, 9)):
        a, b = (rng.standard_normal(shape).astype(dtype) * scale for scale in (30, 1))
        turned = np.asfortranarray(a.T)
        for x, y in zip(
            lse.logsumexp(a, 1, b, return_sign=True), lse.logsumexp(turned, 1, b.T, return_sign=True), strict=True
        ):
            same(x, y.T)
        same(lse.softmax(a, 0), lse.softmax(turned, 2).T)


def test_running_sums_of_clongdouble(rng):
    a = np.array([0.3 + 1j, 450.1 - 2j, -np.inf, 9999 + 3j, 9999 - 40j], np.clongdouble)
    found = lse.logcumsumexp(a)
    assert abs(found[0] - a[0]) <= np.finfo(LONG).eps
    for i in range(1, a.size):
        assert oracle.error_of_sum(found[i], LONG(1), a[: i + 1], None, 8) <= 1
    steep = np.array([1, np.inf, 2, np.nan, 3], np.clongdouble)
    same(lse.logcumsumexp(steep)[:3], np.array([1, np.inf, np.inf], np.clongdouble))
    assert np.isnan(lse.logcumsumexp(steep)[3:]).all()
