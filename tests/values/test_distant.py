"""Elements beyond what the kernels take as they are, infinities, NaN and unusual weights, side by side in one array:
are they right in rows and columns of every length?"""

import numpy as np
import pytest

import lse
from oracle import FLOOR

pytestmark = pytest.mark.usefixtures("kernel")

LONG = np.longdouble
DTYPES = [np.float32, np.float64]
SHAPES = [(n, count) for n in (1, 2, 5, 8, 17, 100, 256, 257, 1000) for count in (1, 3, 21, 70)]
SHAPES += [(4096, 5), (5000, 3), (70001, 9)]


def elements(n, count, dtype, seed=5):
    """Rows of many kinds: near, far above, far below, of both signs, infinite, NaN, nothing."""
    rng = np.random.default_rng(seed)
    far = {np.float32: [3e5, 1e8, 1e38], np.float64: [1e15, 1e30, 1e308]}[dtype]
    x = rng.standard_normal((count, n))
    for i in range(count):
        size = far[i // 9 % 3]
        match i % 9:
            case 1:
                x[i] = size * (1 + 1e-9 * x[i])
            case 2:
                x[i] -= size
            case 3:
                x[i] *= size / 8
            case 4:
                x[i, rng.integers(n)] = np.inf
            case 5:
                x[i, rng.integers(n)] = np.nan
            case 6:
                x[i] = -np.inf
            case 7:
                x[i, : n // 2] = -size
            case 8:
                x[i, ::2] = -np.inf
                x[i, rng.integers(n)] = size
    return x.astype(dtype)


def exact(x, b=None):
    """Of each row, in longdouble: value and sign."""
    x = x.astype(LONG)
    b = np.ones_like(x) if b is None else b.astype(LONG)
    x = np.where(b == 0, -np.inf, x)
    with np.errstate(all="ignore"):
        top = np.max(x, axis=1, keepdims=True)
        near = np.where(np.isfinite(top), x - top, np.where(x == np.inf, 0, x))
        power = np.where(np.isnan(x), np.nan, np.exp(near))
        infinite = np.isinf(top) | np.isnan(top)
        power = np.where(infinite & ~np.isnan(x), x == np.inf, power)
        terms = np.where(b == 0, 0, b * power)
        total = terms.sum(axis=1)
        value = np.where(total == 0, -np.inf, top[:, 0] + np.log(np.abs(total)))
        return np.where(np.isnan(total), np.nan, value), np.sign(total)


def check(computed, value, dtype, ulps=1.0, floor=True):
    """Within some ulps, of which each is FLOOR at least, of a value in longdouble; infinities and NaN are the same."""
    with np.errstate(over="ignore", under="ignore"):
        nearest = np.asarray(value).astype(dtype)
    finite = np.isfinite(nearest)
    assert computed.dtype == dtype
    assert np.array_equal(computed[~finite], nearest[~finite], equal_nan=True)
    unit = np.maximum(np.spacing(np.abs(nearest[finite])), FLOOR[np.dtype(dtype)] if floor else 0)
    assert np.all(np.abs(computed[finite].astype(LONG) - np.asarray(value)[finite]) <= ulps * unit.astype(LONG))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "count"), SHAPES)
def test_sums(n, count, dtype):
    x = elements(n, count, dtype)
    value, _ = exact(x)
    columns = np.ascontiguousarray(x.T)
    check(lse.logsumexp(x, axis=1), value, dtype)
    assert np.array_equal(lse.logsumexp(columns, axis=0), lse.logsumexp(x, axis=1), equal_nan=True)
    sums = lse.LogSumExp(count, dtype).update(columns[: n // 2], axis=0).update(columns[n // 2 :], axis=0)
    check(sums.value, value, dtype)
    with np.errstate(invalid="ignore"):
        check(lse.logmeanexp(x, axis=1), value - np.log(LONG(n)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "count"), SHAPES)
def test_maps(n, count, dtype):
    x = elements(n, count, dtype)
    wide = x.astype(LONG)
    infinite = np.isposinf(x).sum(axis=1, keepdims=True).astype(LONG)
    with np.errstate(all="ignore"):
        less = wide - np.max(wide, axis=1, keepdims=True)
        logs = less - np.log(np.exp(less).sum(axis=1, keepdims=True))
        shares = np.where(x == np.inf, -np.log(infinite), -np.inf)
        logs = np.where((infinite > 0) & ~np.isnan(x).any(axis=1, keepdims=True), shares, logs)
        powers = np.exp(logs)
    for a, axis in ((x, 1), (np.ascontiguousarray(x.T), 0)):
        computed = lse.softmax(a, axis=axis), lse.log_softmax(a, axis=axis)
        power, log = computed if axis else (y.T for y in computed)
        check(power, powers, dtype, 4, floor=False)
        check(log, logs, dtype, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "count"), [shape for shape in SHAPES if shape[0] <= 5000])
def test_running_sums(n, count, dtype):
    x = elements(n, count, dtype)
    with np.errstate(all="ignore"):
        expected = np.logaddexp.accumulate(x.astype(LONG), axis=1)
    for a, axis in ((x, 1), (np.ascontiguousarray(x.T), 0)):
        computed = lse.logcumsumexp(a, axis=axis)
        check(computed if axis else computed.T, expected, dtype, 1.01)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "count"), SHAPES)
def test_weights(n, count, dtype):
    x = elements(n, count, dtype, 7)
    rng = np.random.default_rng(n)
    b = rng.random((count, n)).astype(dtype)
    b[:, :: max(1, n // 3)] *= np.finfo(dtype).smallest_normal / 16  # subnormal
    b[::4] = -b[::4]
    b[rng.random(b.shape) < 0.1] = 0
    b[3::11, n // 2] = np.inf
    b[5::11, n // 3] = np.nan
    value, sign = exact(x, b)
    special = np.isinf(b).any(axis=1) | np.isnan(b).any(axis=1)
    for i in np.flatnonzero(special):
        with np.errstate(all="ignore"):
            taking = b[i] != 0
            power = np.where(x[i] == -np.inf, 0, np.where(np.isfinite(x[i]), 1, x[i]))[taking]
            total = np.sum(np.where(np.isfinite(b[i][taking] * power), 0, b[i][taking] * power))
        value[i], sign[i] = (np.nan, np.nan) if np.isnan(total) else (np.inf, np.sign(total))
    for a, w, axis in ((x, b, 1), (np.ascontiguousarray(x.T), np.ascontiguousarray(b.T), 0)):
        computed, signs = lse.logsumexp(a, axis=axis, b=w, return_sign=True)
        check(computed, value, dtype)
        assert np.array_equal(signs, sign, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_kernel_smoother(dtype):
    """Weights that go through the subnormal numbers to 0 lose no digit."""
    x = np.random.default_rng(1).standard_normal(3000).astype(dtype)
    reach = 1.2 * np.sqrt(-np.log(float(np.finfo(dtype).smallest_subnormal)))
    b = np.exp(-(np.linspace(-reach, reach, 3000).astype(dtype) ** 2))
    tails = b < np.finfo(dtype).smallest_normal
    assert np.any(b[tails])
    for keep in (np.full(3000, True), tails):
        value, sign = exact(x[None], np.where(keep, b, 0)[None])
        computed, signs = lse.logsumexp(x, b=b, where=keep, return_sign=True)
        check(computed, value[0], dtype)
        assert signs == sign[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_far_out_in_several_pieces(dtype):
    x = np.random.default_rng(2).standard_normal((70001, 2)).astype(dtype) * dtype(np.finfo(dtype).max / 64)
    assert np.array_equal(lse.logsumexp(x, axis=0), x.max(axis=0))
    assert lse.logsumexp(x[:, 0], b=np.ones(70001, dtype)) == x[:, 0].max()
    assert np.array_equal(lse.softmax(x, axis=0), x == x.max(axis=0))
