"""64-bit integers beyond 2^53: differences and sums are those of the integers, not of their nearest float64."""

import mpmath as mp
import numpy as np
import pytest

import lse
import oracle
from checks import layouts, same, same_bits

pytestmark = pytest.mark.usefixtures("kernel")

BIG = 2**53
LIMITS = [
    (np.int64, 2**63 - 1),
    (np.int64, -(2**63)),
    (np.uint64, 2**64 - 1),
    (np.int64, BIG + 40),
    (np.uint64, 2**60 + 7),
]


def near(limit, shape, rng):
    """Integers that are some units, or some millions, from a limit on the side of 0."""
    away = rng.integers(0, 40, shape) * rng.choice([1, 1, 1, 10**6], shape)
    return [int(limit) - (int(n) if limit > 0 else -int(n)) for n in away.ravel()]


def sum_of(a, b=None):
    """log|S|, and S / e^max, of integers and weights that are integers or floats."""
    with mp.workdps(60):
        b = [1] * len(a) if b is None else b
        pairs = [(int(x), mp.mpf(w if isinstance(w, float) else int(w))) for x, w in zip(a, b, strict=True) if w != 0]
        top = max(x for x, _ in pairs)
        total = mp.fsum(w * mp.exp(x - top) for x, w in pairs)
        return (top + mp.log(abs(total)) if total else -mp.inf), total


def distance(computed, exact):
    """In ulp of the exact value, or of 1 where that is less."""
    with mp.workdps(60):
        return float(abs(mp.mpf(float(computed)) - exact)) / max(oracle.ulp(exact, np.float64), 2.0**-52)


def test_known_values():
    a = np.array([BIG, BIG + 1], np.uint64)
    same(lse.softmax(a), lse.softmax([0.0, 1.0]))
    same(lse.log_softmax(a), lse.log_softmax([0.0, 1.0]))
    assert lse.logsumexp([0.0, 0.0], b=[2**60 + 1, -(2**60)]) == 0
    same(lse.logsumexp([0.0, 0.0], b=[2**60, -(2**60) - 1], return_sign=True), (np.float64(0), np.float64(-1)))
    assert lse.logmeanexp([1.0, 1.0], b=[2**60 + 1, -(2**60)]) == 1
    value, sign = lse.logsumexp(np.array([BIG, BIG + 1]), b=[1, -1], return_sign=True)
    assert (value, sign) == (float(BIG), -1)  # 2^53 + log(e - 1)
    assert lse.LogSumExp.of([0.0, 0.0], b=np.array([2**60 + 1, -(2**60)])).value == 0
    assert lse.LogSumExp.of([0.0, 0.0], b=np.array([2**60 + 1, -(2**60)])).count == 2
    assert lse.softmax(np.array([-(2**63), 2**63 - 1])).tolist() == [0, 1]
    assert lse.softmax(np.array([0, 2**64 - 1], np.uint64)).tolist() == [0, 1]


@pytest.mark.parametrize(("dtype", "limit"), LIMITS, ids=str)
@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_elements(dtype, limit, n, rng):
    for _ in range(5):
        row = near(limit, n, rng)
        a = np.array(row, dtype)
        y, _ = sum_of(row)
        assert distance(lse.logsumexp(a), y) <= 0.51
        with mp.workdps(60):
            assert distance(lse.logmeanexp(a), y - mp.log(n)) <= 0.51
            for p, q, x in zip(lse.softmax(a), lse.log_softmax(a), row, strict=True):
                assert distance(p, mp.exp(x - y)) <= 4
                assert distance(q, x - y) <= 1
        signs = rng.choice([-1.0, 1.0, 0.5, -3.0], n)
        y, total = sum_of(row, signs.tolist())
        value, sign = lse.logsumexp(a, b=signs, return_sign=True)
        assert distance(value, y) <= 0.51
        assert sign == mp.sign(total)


@pytest.mark.parametrize("n", [2, 7, 300])
def test_weights(n, rng):
    for dtype, limit in LIMITS:
        b = np.array(near(limit, n, rng), dtype)
        if dtype is np.int64 and limit > 0:
            b *= rng.choice([-1, 1], n)
        for a in (np.zeros(n), rng.integers(-3, 3, n), np.full(n, 2**55), rng.integers(2**60, 2**60 + 5, n)):
            y, total = sum_of(a, b)
            value, sign = lse.logsumexp(a, b=b, return_sign=True)
            assert sign == mp.sign(total)
            assert distance(value, y) <= 0.6 or value == y
            if np.all(np.abs(a) < BIG):
                total = lse.LogSumExp.of(a, b=b)
                assert distance(total.log_abs, y) <= 1.1
                assert total.count == n
                doubled = lse.LogSumExp().update(a, b=b).update(a, b=b)
                assert doubled.count == 2 * n


def test_integers_that_float64_holds_are_as_before(rng):
    """Whatever other rows hold: the bits of a row are its own."""
    small = rng.integers(-1000, 1000, (5, 9))
    great = np.array([near(2**62, 9, rng) for _ in range(4)])
    rows, b = np.concatenate([small, great]), rng.choice([-1, 2, 3], 9)
    mask = rng.random(9) < 0.8
    mask[0] = True
    for options in ({}, {"b": b}, {"where": mask}, {"b": b, "where": mask}):
        for function in (lse.logsumexp, lse.logmeanexp):
            whole = function(rows, axis=1, **options)
            same_bits(whole[:5], function(small, axis=1, **options))
            same_bits(whole, np.array([function(row, **options) for row in rows]))
            same_bits(function(rows.T, axis=0, **{k: x[:, None] for k, x in options.items()}), whole)
    for function in (lse.softmax, lse.log_softmax):
        same_bits(function(rows, axis=1), np.array([function(row) for row in rows]))
        same_bits(function(rows, axis=1, where=mask)[:5], function(small, axis=1, where=mask))
    offsets = np.arange(0, 82, 9)
    same_bits(lse.segment_logsumexp(rows.ravel(), offsets), lse.logsumexp(rows, axis=1))
    weights = np.concatenate([rng.integers(1, 9, (5, 9)), great])
    whole = lse.logsumexp(small[0], axis=1, b=weights)
    same_bits(whole[:5], lse.logsumexp(small[0], axis=1, b=weights[:5]))


def test_what_is_left_out_does_not_exist(rng):
    a = np.array([[2**62, 3, 4, 5], [1, 2**62, 3, 3]])
    where = np.array([[False, True, True, True], [True, False, True, True]])
    expected = [lse.logsumexp([3.0, 4, 5]), lse.logsumexp([1.0, 3, 3])]
    same(lse.logsumexp(a, axis=1, where=where), np.array(expected))
    same(lse.logsumexp(a, axis=1, b=where.astype(np.int8)), np.array(expected))
    same(lse.softmax(a, axis=1, where=where)[0], np.concatenate([[0.0], lse.softmax([3.0, 4, 5])]))
    same(lse.logsumexp(a, axis=1, where=False), np.full(2, -np.inf))
    same(lse.logmeanexp(a, axis=1, where=where)[0], lse.logmeanexp([3.0, 4, 5]))


@pytest.mark.parametrize("function", [lse.logsumexp, lse.logmeanexp, lse.softmax, lse.log_softmax])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 2), ()], ids=str)
def test_layouts_options_and_outputs(function, axis, rng):
    a = np.array(near(2**62, (2, 3, 4), rng)).reshape(2, 3, 4)
    expected = np.asarray(function(a, axis))
    for _, x in layouts(a):
        same(np.asarray(function(x, axis)), expected)
    for dtype in (np.float64, np.float32):
        out = np.zeros(expected.shape, dtype)
        assert function(a, axis, out=out) is out
        same(out, expected.astype(dtype))
    if function in (lse.logsumexp, lse.logmeanexp):
        same(function(a, axis, keepdims=True).ravel(), expected.ravel())
        same(function(a, axis, b=np.ones(4, np.int64)), function(a, axis, b=np.ones(4)))
    if axis is not None:
        assert function(a, axis, dtype=np.float16).dtype == np.float16


def test_cumulative_sums_and_segments(rng):
    row = sorted(near(2**62, 40, rng))
    a = np.array(row)
    for i, got in enumerate(lse.logcumsumexp(a)):
        assert distance(got, sum_of(row[: i + 1])[0]) <= 1.01
    offsets = [0, 3, 3, 20, 40]
    got = lse.segment_logsumexp(a, offsets)
    for i in (0, 2, 3):
        assert distance(got[i], sum_of(row[offsets[i] : offsets[i + 1]])[0]) <= 0.51
    assert got[1] == -np.inf
    table = np.stack([a, a[::-1] - 5])
    same(lse.segment_logsumexp(table, offsets, 1)[0], got)
    same(lse.segment_logsumexp(table.T, offsets, 0)[:, 0], got)


def test_dask(rng):
    da = pytest.importorskip("dask.array")
    a = np.array(near(2**62, (4, 6), rng)).reshape(4, 6)
    whole = da.from_array(a, chunks=(2, 6))
    for function in (lse.logsumexp, lse.softmax):
        same(function(whole, axis=1).compute(), function(a, axis=1))
    for axis in (0, None):
        for where in (True, rng.random((4, 6)) < 0.8):
            got = lse.softmax(da.from_array(a, chunks=(2, 4)), axis=axis, where=where).compute()
            assert np.max(np.abs(got - lse.softmax(a, axis=axis, where=where))) <= 2.0**-52
    b = np.array([2**60 + 1, -(2**60), 0, 2**60 + 3, 0, -(2**60)])
    cut = da.from_array(np.zeros(6), chunks=3)
    assert lse.logsumexp(cut, b=da.from_array(b, chunks=3)).compute() == np.log(4)
