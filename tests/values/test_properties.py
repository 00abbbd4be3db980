"""Identities between calls that hold for any input, over random shapes, strides and dtypes."""

import itertools
import math

import numpy as np
import pytest

import lse
import oracle
from checks import same, same_bits

pytestmark = pytest.mark.usefixtures("no_floating_point_errors")

hypothesis = pytest.importorskip("hypothesis")
st, given = hypothesis.strategies, hypothesis.given

FLOATS = [np.float16, np.float32, np.float64]
settings = hypothesis.settings(
    deadline=None, derandomize=True, max_examples=60, suppress_health_check=list(hypothesis.HealthCheck)
)


# Strategies -------------------------------------------------------------------------------------------------


def elements(dtype, special=False):
    """Numbers that are likely to be equal, close, distant, tiny or huge."""
    limit = float(np.finfo(dtype).max) / 4
    choices = [
        st.integers(-5, 5).map(float),
        st.floats(-30, 30, width=16),
        st.floats(-1000, 1000, width=16),
        st.sampled_from([0.0, -0.0, 2.0**-14, -limit, limit, -math.inf]),
    ]
    return st.one_of(*choices, *([st.sampled_from([math.nan, math.inf])] if special else []))


@st.composite
def arrays(draw, dtypes=FLOATS, min_dims=1, max_dims=3, max_side=8, special=False):
    """Arrays with any strides: permuted axes, steps, reversed and repeated axes."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(st.lists(st.integers(0, max_side), min_size=min_dims, max_size=max_dims))
    steps = [draw(st.sampled_from([1, 1, 2, -1, -2])) for _ in shape]
    size = math.prod(n * abs(k) for n, k in zip(shape, steps, strict=True))
    values = draw(st.lists(elements(dtype, special), min_size=1, max_size=20))
    with np.errstate(all="ignore"):
        base = np.resize(np.array(values), size).astype(dtype)
    order = draw(st.permutations(range(len(shape))))
    inner = base.reshape([shape[i] * abs(steps[i]) for i in order]).transpose(np.argsort(order))
    return inner[tuple(slice(None, None, k) for k in steps)]


def rows(special=False):
    def of(dtype):
        return st.lists(elements(dtype, special), min_size=1, max_size=80).map(lambda values: cast(values, dtype))

    return st.sampled_from(FLOATS).flatmap(of)


def cast(values, dtype):
    with np.errstate(all="ignore"):
        return np.array(values).astype(dtype)


def spacing(x):
    """One ulp; NumPy's own function raises below the normal numbers."""
    with np.errstate(all="ignore"):
        return np.spacing(np.abs(x)).astype(np.float64)


def slack(x):
    """The allowed difference of two results that are both within the bound."""
    return 2 * max(float(spacing(x)), 0 if x.dtype == np.float16 else float(np.finfo(x.dtype).eps))


def axes_of(ndim):
    subsets = st.lists(st.integers(0, ndim - 1), unique=True, max_size=ndim).map(tuple)
    return st.one_of(st.none(), st.integers(-ndim, ndim - 1), subsets)


def within(computed, y, bound):
    """Within the bound: infinities by identity, float16 in spacings."""
    if not oracle.mp.isfinite(y):
        assert computed == float(y)
    elif computed.dtype == np.float16:
        assert oracle.distance(computed, y) <= 0.51 * bound
    else:
        assert oracle.shortfall(computed, y) <= bound


def exact_sum_of(row):
    return oracle.weighted(row.astype(np.float64)) if row.size else -oracle.mp.inf


def near(row):
    """Only numbers whose exponentials the oracle can add."""
    return row[np.abs(row.astype(np.float64)) < 2000]


# Identities of logsumexp ------------------------------------------------------------------------------------


@settings
@given(rows())
def test_the_exact_sum(row):
    row = near(row)
    within(lse.logsumexp(row), exact_sum_of(row), 1)
    if row.size:
        with oracle.mp.workdps(oracle.DIGITS):
            within(lse.logmeanexp(row), exact_sum_of(row) - oracle.mp.log(row.size), 1)


@settings
@given(rows(), st.integers(-10, 10))
def test_shift_invariance(row, shift):
    """With multiples of 1/64, which are shifted exactly."""
    row = np.round(near(row).astype(np.float64) * 64) / 64
    for dtype in (np.float32, np.float64):
        a = row.astype(dtype)
        moved = a + dtype(shift)
        with oracle.mp.workdps(oracle.DIGITS):
            within(lse.logsumexp(moved), exact_sum_of(a) + shift, 1)
        if a.size:
            p, q = lse.softmax(a), lse.softmax(moved)
            assert np.all(np.abs(p.astype(float) - q.astype(float)) <= 8 * spacing(p))


@settings
@given(rows(special=True), st.randoms(use_true_random=False))
def test_permutation(row, random):
    order = list(range(row.size))
    random.shuffle(order)
    x, y = lse.logsumexp(row), lse.logsumexp(row[order])
    if np.isfinite(x):
        assert abs(float(x) - float(y)) <= slack(x)
    else:
        same(x, y)
    with np.errstate(all="ignore"):
        weights = np.arange(row.size).astype(row.dtype) - row.dtype.type(3)
    x = lse.logsumexp(row, b=weights, return_sign=True)
    y = lse.logsumexp(row[order], b=weights[order], return_sign=True)
    assert np.isnan(x[0]) == np.isnan(y[0])
    assert np.isposinf(x[0]) == np.isposinf(y[0])


@settings
@given(rows(), st.data())
def test_monotonicity(row, data):
    """A larger element does not lower the sum by more than the bounds; nor does an additional element."""
    i = data.draw(st.integers(0, row.size - 1))
    greater = row.copy()
    with np.errstate(all="ignore"):
        greater[i] = max(row[i], data.draw(elements(row.dtype)))
    x = lse.logsumexp(row)
    less = float(x) - (slack(x) if np.isfinite(x) else 0)
    assert float(lse.logsumexp(greater)) >= less
    assert float(lse.logsumexp(np.append(row, row[i]))) >= less
    assert float(x) >= float(row.max())
    sums = lse.logcumsumexp(row).astype(np.float64)
    assert all(y >= x or y >= x - slack(row.dtype.type(x)) for x, y in itertools.pairwise(sums))


@settings
@given(rows(special=True), st.integers(0, 2**32))
def test_where_zero_weights_and_deletion_agree(row, seed):
    keep = np.random.default_rng(seed).random(row.size) < 0.7
    x = lse.logsumexp(row, where=keep)
    weighted = lse.logsumexp(row, b=keep.astype(row.dtype))
    same(lse.logsumexp(np.where(keep, row, row.dtype.type(-math.inf))), x)
    y = lse.logsumexp(row[keep])
    if np.isfinite(x):
        total = exact_sum_of(near(row[keep])) if near(row[keep]).size == row[keep].size else None
        if total is not None:
            within(x, total, 1)
            within(y, total, 1)
            within(weighted, total, 1)
            means = lse.logmeanexp(row, where=keep), lse.logmeanexp(row, b=keep.astype(row.dtype))
            assert abs(float(means[0]) - float(means[1])) <= 2 * max(spacing(means[0]), spacing(x))
    else:
        same(x, y)
        same(weighted, x)
    p = lse.softmax(row, where=keep)
    if keep.any():
        assert not np.any(p[~keep])
        deleted = lse.softmax(row[keep])
        assert np.array_equal(np.isnan(p[keep]), np.isnan(deleted))
        finite = ~np.isnan(deleted)
        limit = 8 * spacing(deleted[finite])
        assert np.all(np.abs(p[keep][finite].astype(float) - deleted[finite].astype(float)) <= limit)


@settings
@given(rows(), st.integers(0, 2**32))
def test_signed_weights(row, seed):
    row = near(row)
    with np.errstate(all="ignore"):
        b = np.random.default_rng(seed).integers(-3, 4, row.size).astype(row.dtype)
    value, sign = lse.logsumexp(row, b=b, return_sign=True)
    assert oracle.error_of_sum(value, sign, row, b) <= 1
    other, opposite = lse.logsumexp(row, b=-b, return_sign=True)
    same(other, value)
    assert opposite == -sign
    plain = lse.logsumexp(row, b=b)
    same(plain, value if sign >= 0 else row.dtype.type(math.nan))


# Identities between functions -------------------------------------------------------------------------------


@settings
@given(arrays(max_dims=2, min_dims=2, special=True), st.data())
def test_segments_are_rows(a, data):
    n = a.shape[-1]
    indptr = sorted(data.draw(st.lists(st.integers(0, n), min_size=1, max_size=6)))
    got = lse.segment_logsumexp(a, indptr)
    assert got.shape == (a.shape[0], len(indptr) - 1)
    for k in range(len(indptr) - 1):
        same_bits(got[:, k], lse.logsumexp(a[:, indptr[k] : indptr[k + 1]], axis=1))
    same_bits(lse.segment_logsumexp(a.T, indptr, axis=0), got.T)


@settings
@given(arrays(special=True), st.data())
def test_the_last_of_the_cumulative_sum(a, data):
    axis = data.draw(st.integers(0, a.ndim - 1))
    sums, totals = lse.logcumsumexp(a, axis=axis), lse.logsumexp(a, axis=axis)
    assert sums.shape == a.shape
    assert sums.dtype == a.dtype
    if a.shape[axis]:
        for x, y in zip(np.take(sums, -1, axis).ravel(), np.ravel(totals), strict=True):
            if np.isfinite(y):
                assert abs(float(x) - float(y)) <= slack(y)
            else:
                same(x, y)
        same_bits(np.flip(lse.logcumsumexp(np.flip(a, axis), axis=axis, reverse=True), axis), sums)


@settings
@given(arrays([np.float32, np.float64], special=True), st.data())
def test_softmax_is_the_exponential_of_log_softmax(a, data):
    axis = data.draw(axes_of(a.ndim))
    p, logs = lse.softmax(a, axis=axis), lse.log_softmax(a, axis=axis)
    assert p.shape == logs.shape == a.shape
    assert np.array_equal(np.isnan(p), np.isnan(logs))
    finite = np.isfinite(logs)
    with np.errstate(all="ignore"):
        expected = np.exp(logs[finite].astype(np.longdouble))
        limit = 4 * spacing(p[finite]) + 2 * p[finite] * np.maximum(spacing(logs[finite]), np.finfo(a.dtype).eps)
        assert np.all(abs(p[finite] - expected) <= limit)
    assert not np.any(p[np.isneginf(logs)])
    total = np.sum(p.astype(np.longdouble), axis=axis)
    whole = ~np.isnan(total) & (np.sum(np.ones(a.shape), axis=axis) > 0)
    assert np.all(abs(total[whole] - 1) <= a.size * np.finfo(a.dtype).eps + np.finfo(a.dtype).eps)


@settings
@given(arrays(special=True), st.data())
def test_axes_are_a_reshape(a, data):
    """keepdims and tuples of axes, compared with one flat axis of a contiguous copy: the same bits."""
    axis = data.draw(axes_of(a.ndim))
    reduced = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    reduced = sorted(i % a.ndim for i in reduced)
    kept = [i for i in range(a.ndim) if i not in reduced]
    shape, n = [a.shape[i] for i in kept], math.prod(a.shape[i] for i in reduced)
    flat = np.ascontiguousarray(a.transpose(kept + reduced)).reshape(*shape, n)
    for function in (lse.logsumexp, lse.logmeanexp):
        expected = np.asarray(function(flat, axis=-1))
        same_bits(function(a, axis=axis), expected)
        same_bits(
            function(a, axis=axis, keepdims=True),
            expected.reshape([1 if i in reduced else k for i, k in enumerate(a.shape)]),
        )
        out = np.zeros(expected.shape, a.dtype)
        assert function(a, axis=axis, out=out) is out
        same_bits(out, expected)
    for function in (lse.softmax, lse.log_softmax):
        moved = function(a, axis=axis).transpose(kept + reduced)
        same_bits(moved.reshape(*shape, n), function(flat, axis=-1))
