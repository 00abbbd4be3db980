"""64-bit integers beyond 2^53: differences and sums are those of the integers, not of their nearest float64."""

import itertools

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


def test_elements_beside_the_least_that_float64_holds():
    for x in (-BIG, 3 - BIG, 700 - BIG):
        a = [x, -BIG - 1, -BIG - 2]
        y, _ = sum_of(a)
        for p, q in zip(lse.softmax(np.array(a)), a, strict=True):
            with mp.workdps(60):
                assert distance(p, mp.exp(q - y)) <= 4
        assert distance(lse.logsumexp(np.array(a)), y) <= 0.51
        same_bits(lse.softmax(np.array([a, [0, 1, 2]]), axis=1)[0], lse.softmax(np.array(a)))


@pytest.mark.parametrize(("dtype", "limit"), LIMITS, ids=str)
def test_running_sums(dtype, limit, rng):
    for n in (1, 2, 7, 300):
        row = near(limit, n, rng)
        a, b = np.array(row, dtype), rng.choice([-1.0, 1.0, 0.5, -3.0], n)
        y, _ = sum_of(row)
        signed, total = sum_of(row, b.tolist())
        for k in range(0, n, max(n // 3, 1)):  # in one piece, and in two
            whole = lse.LogSumExp.of(a[:k]).update(a[k:])
            assert distance(whole.value, y) <= 0.51
            assert whole.count == n
            weighted = lse.LogSumExp.of(a[:k], b=b[:k]).merge(lse.LogSumExp.of(a[k:], b=b[k:]))
            assert weighted.sign == mp.sign(total)
            if total and abs(total) > 1e-9:
                assert distance(weighted.log_abs, signed) <= 0.51
            same_bits(lse.LogSumExp.from_bytes(weighted.to_bytes()).log_abs, weighted.log_abs)
    table = np.array([near(limit, 4, rng), [0, 1, 2, 3]], dtype)
    total = lse.LogSumExp.of(table, axis=1)
    same(total.value, lse.logsumexp(table, axis=1))
    same_bits(total.value[1], lse.LogSumExp.of(table[1]).value)
    same(lse.LogSumExp.of(table, axis=()).value, table.astype(np.float64))


def test_weights_and_elements_of_running_sums(rng):
    a, b = np.array(near(2**62, 9, rng)), np.array(near(2**60, 9, rng)) * rng.choice([-1, 1], 9)
    y, total = sum_of(a, b)
    seen = lse.LogSumExp.of(a, b=b)
    assert seen.count == 9
    assert seen.sign == mp.sign(total)
    assert distance(seen.log_abs, y) <= 0.6
    two = np.array([BIG, BIG + 1])
    for b, value in (([np.inf, 1.0], np.inf), ([np.nan, 1.0], np.nan), ([1, -np.inf], np.nan), ([0, 0], -np.inf)):
        same(lse.LogSumExp.of(two, b=b).value, np.float64(value))
    total = lse.LogSumExp.of(two, where=[False, True])
    assert (total.value, total.count) == (BIG, 1)
    total = lse.LogSumExp.of(two[:1]).update(two[1:], b=[-1])
    assert (total.log_abs, total.sign) == (BIG, -1)  # 2^53 + log(e - 1)
    assert lse.LogSumExp.of(two[:0]).value == -np.inf


def test_complex_numbers_beside_integers():
    """As from differences and parts that complex128 holds."""
    a, b = np.array([BIG, BIG + 1]), np.array([2**60 + 1, -(2**60)])
    for weights in ([1, -1j], [1j, 0.5], [1, -1 + 0j], [0, 1j]):
        near = lse.logsumexp([0.0, 1.0], b=weights)
        value = lse.logsumexp(a, b=weights)
        assert abs(value.imag - near.imag) <= 4e-16
        with mp.workdps(60):
            assert distance(value.real, BIG + mp.mpf(float(near.real))) <= 0.51
        size, phase = lse.logsumexp(a, b=weights, return_sign=True)
        assert size == value.real
        assert abs(phase - lse.logsumexp([0.0, 1.0], b=weights, return_sign=True)[1]) <= 4e-16
        mean = lse.logmeanexp(a, b=weights)
        assert sum(weights) == 0 or abs(mean - BIG - lse.logmeanexp([0.0, 1.0], b=weights)) <= 2
    for x in ([0j, 0], [1j, 1j], [0.5 + 3j, 0.5 + 3j]):
        assert abs(lse.logsumexp(x, b=b) - x[0]) <= 1e-15
        assert abs(lse.logmeanexp(x, b=b) - x[0]) <= 1e-15
    for dtype in (np.complex64, np.complex128):  # integers are computed in complex128, and rounded once
        same(lse.softmax(a, dtype=dtype), lse.softmax([-1, 0j]).astype(dtype))
        same(lse.log_softmax(a, dtype=dtype), lse.log_softmax([-1, 0j]).astype(dtype))
    same(lse.logsumexp(np.array([[BIG, BIG + 1], [0, 1]]), axis=1, b=[1, -1j])[1], lse.logsumexp([0, 1], b=[1, -1j]))


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


@pytest.mark.parametrize(("dtype", "limit"), LIMITS, ids=str)
def test_cumulative_sums(dtype, limit, rng):
    rows = [near(limit, 40, rng), [limit - 1, 7, limit, 5] if limit > 0 else [limit, 7, 8]]
    for row in (*rows, sorted(rows[0])):
        a = np.array(row, dtype)
        for i, got in enumerate(lse.logcumsumexp(a)):
            assert distance(got, sum_of(row[: i + 1])[0]) <= 0.51
        same_bits(lse.logcumsumexp(a[::-1], reverse=True)[::-1], lse.logcumsumexp(a))
        same(lse.logcumsumexp(a, dtype=np.complex128), lse.logcumsumexp(a) + 0j)
        table = np.stack([a, a // 2, a // 2**60])
        for axis, x in ((1, table), (0, table.T)):
            got = lse.logcumsumexp(x, axis)
            same_bits(got if axis else got.T, np.stack([lse.logcumsumexp(line) for line in table]))


def test_segments(rng):
    row = sorted(near(2**62, 40, rng))
    a = np.array(row)
    offsets = [0, 3, 3, 20, 40]
    got = lse.segment_logsumexp(a, offsets)
    for i in (0, 2, 3):
        assert distance(got[i], sum_of(row[offsets[i] : offsets[i + 1]])[0]) <= 0.51
    assert got[1] == -np.inf
    same(lse.segment_logsumexp(a, offsets, dtype=np.complex128), got + 0j)
    same(lse.segment_logsumexp(a, [5, 5, 9]), np.append(-np.inf, lse.logsumexp(a[5:9])))
    table = np.stack([a, a[::-1] - 5])
    same(lse.segment_logsumexp(table, offsets, 1)[0], got)
    same(lse.segment_logsumexp(table.T, offsets, 0)[:, 0], got)


@pytest.mark.parametrize("axis", [0, 1])
def test_many_segments(axis, rng):
    """Each as by itself, those of integers that float64 holds too."""
    n = 900
    a = rng.integers(-50, 50, (3, n)) + np.where(rng.random(n) < 0.1, 2**60, 0)
    b, where = rng.integers(-(2**60), 2**60, (3, n)), rng.random((3, n)) < 0.8
    offsets = np.append(5, np.sort(rng.integers(5, n - 7, 150)))
    if axis == 0:
        a, b, where = a.T, b.T, where.T
    value, sign = lse.segment_logsumexp(a, offsets, axis, b, True, where=where)
    mapped = lse.segment_log_softmax(a, offsets, axis, where=where)
    for i, (start, stop) in enumerate(itertools.pairwise(offsets)):
        own = (slice(None),) * axis + (slice(start, stop),)
        want = lse.logsumexp(a[own], axis, b[own], return_sign=True, where=where[own])
        same_bits(np.take(value, i, axis), want[0])
        same_bits(np.take(sign, i, axis), want[1])
        same_bits(mapped[own], lse.log_softmax(a[own], axis, where=where[own]))


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
    assert distance(lse.logsumexp(whole.rechunk((4, 2)), axis=1).compute()[0], sum_of(a[0].tolist())[0]) <= 0.51
    signs = [1, -1, 1, -1, 1, -1]
    got = lse.logsumexp(whole.rechunk((4, 3)), axis=1, b=np.array(signs), return_sign=True)
    for value, sign, row in zip(*(x.compute() for x in got), a.tolist(), strict=True):
        y, total = sum_of(row, signs)
        assert sign == mp.sign(total)
        assert not total or distance(value, y) <= 0.51
    cut = da.from_array(np.zeros(6), chunks=3)
    assert lse.logsumexp(cut, b=da.from_array(b, chunks=3)).compute() == np.log(4)
