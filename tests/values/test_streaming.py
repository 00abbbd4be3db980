"""LogSumExp: right for any division into chunks and any merging, atomic, the same in every process."""

import copy
import itertools
import pickle
import subprocess
import sys
from functools import reduce

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lse
import oracle
from checks import in_threads, layouts, same, same_bits
from lse import LogSumExp, _streaming
from test_weights import SIGNED

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]


def streamed(chunks, dtype=np.float64, weights=None):
    total = LogSumExp(dtype=dtype)
    for i, chunk in enumerate(chunks):
        total.update(chunk, b=None if weights is None else weights[i])
    return total


def cuts(a, size):
    return [a[i : i + size] for i in range(0, len(a), size)]


# Right however it is cut ------------------------------------------------------------------------------------

ROWS = {
    "normal": lambda rng: rng.standard_normal(700),
    "wide": lambda rng: rng.standard_normal(700) * 200,
    "equal": lambda rng: np.full(700, 0.3),
    "ascending": lambda rng: np.linspace(-400, 300, 700),
    "descending": lambda rng: np.linspace(300, -400, 700),
    "around 0": lambda rng: np.log(rng.dirichlet(np.ones(700))),
    "tail of 0": lambda rng: np.r_[0.0, rng.uniform(-80, -20, 699)],
    "thirds": lambda rng: np.full(700, -np.log(700)),
    "far": lambda rng: 3e6 + rng.standard_normal(700),
    "steps": lambda rng: np.repeat(np.arange(7.0) * 100 - 300, 100),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("size", [1, 2, 7, 64, 699, 700])
def test_any_chunks(dtype, kind, size, rng):
    a = ROWS[kind](rng).astype(dtype)
    total = streamed(cuts(a, size), dtype)
    exact = oracle.logsumexp(a)
    assert total.value.dtype == dtype
    assert total.count == len(a)
    if kind == "tail of 0":
        assert oracle.error_in_ulp(total.value, exact) <= 2
    else:
        assert oracle.error(total.value, exact) <= 1
    assert total.sign == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_million_chunks(dtype):
    """The rounding errors of merging do not accumulate."""
    total = LogSumExp(dtype=dtype)
    chunk = np.array([0.7, 0.7], dtype)
    for _ in range(1_000_000):
        total.update(chunk)
    assert oracle.error(total.value, oracle.logsumexp_of_repeated(chunk[:1], [2_000_000])) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 3, 50, 400])
@pytest.mark.parametrize("scale", [1, 100])
def test_weights_of_both_signs(dtype, size, scale, rng):
    a = (rng.standard_normal(400) * scale).astype(dtype)
    b = (rng.standard_normal(400) * 10 ** rng.uniform(-3, 3, 400)).astype(dtype)
    total = streamed(cuts(a, size), dtype, cuts(b, size))
    assert oracle.error_of_sum(total.log_abs, total.sign, a, b) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 3, 50, 400])
def test_weights_that_are_not_negative(dtype, size, rng):
    a = (rng.standard_normal(400) * 30).astype(dtype)
    b = rng.random(400).astype(dtype)
    total = streamed(cuts(a, size), dtype, cuts(b, size))
    assert oracle.shortfall(total.value, oracle.weighted(a, b)) <= 1
    assert total.sign == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_with_and_without_weights(dtype, rng):
    """Chunks with and without weights in one sum."""
    a = (rng.standard_normal(400) * 3).astype(dtype)
    b = rng.standard_normal(400).astype(dtype)
    b[::100] = b[50:150] = 1
    total = LogSumExp(dtype=dtype)
    for start in range(0, 400, 50):
        part = slice(start, start + 50)
        total.update(a[part], b=None if (b[part] == 1).all() else b[part])
    assert oracle.error_of_sum(total.log_abs, total.sign, a, b) <= 1


def test_a_tail_beside_one():
    """log(1 + e^-40), whichever of the two has a weight."""
    for b in ([1.0], None):
        total = LogSumExp().update([0.0], b=b).update([-40.0], b=None if b else [1.0])
        assert oracle.error_in_ulp(total.value, oracle.logsumexp([0.0, -40.0])) <= 2


def test_what_cancels_across_chunks():
    """Equal terms cancel exactly and leave later ones; others cancel within the bound."""
    total = LogSumExp().update([800.0], b=[1.0]).update([800.0], b=[-1.0])
    assert (total.value, total.sign) == (-INF, 0)
    assert total.update([0.0], b=[-1.0]).log_abs == 0
    assert total.sign == -1
    total = LogSumExp().update([0.0, 30.0]).update([30.0], b=[-1.0])
    assert oracle.error_of_sum(total.log_abs, total.sign, [0.0, 30.0, 30.0], [1.0, 1.0, -1.0]) <= 1
    ends = LogSumExp().update([5.0, 5.0, 1.0], b=[1.0, -1.0, 1.0])  # cancels inside one chunk: exactly
    assert (ends.value, ends.sign) == (1, 1)


# Negative sums ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (70,)])
def test_a_negative_sum_is_what_logsumexp_returns(dtype, shape, rng):
    a = rng.standard_normal((*shape, 40)).astype(dtype)
    b = (rng.standard_normal((*shape, 40)) - np.where(rng.random(shape) < 0.5, 1, 0)[..., np.newaxis]).astype(dtype)
    for scale in (1, -1):
        total = LogSumExp.of(a, -1, b * scale)
        same_bits(total.value, lse.logsumexp(a, -1, b * scale))
        log_abs, sign = lse.logsumexp(a, -1, b * scale, return_sign=True)
        same_bits(total.log_abs, log_abs)
        same_bits(total.sign, sign)
        same(np.isnan(total.value), total.sign < 0)
        for other in (total + LogSumExp(shape, dtype), pickle.loads(pickle.dumps(total)), total.copy()):
            same_bits(other.value, total.value)
            same_bits(other.log_abs, log_abs)
    assert (total.sign < 0).any() or not shape


def test_the_value_of_a_negative_sum_comes_back():
    total = LogSumExp().update([0.0], b=[-1.0])
    assert np.isnan(total.value)
    assert (total.log_abs, total.sign) == (0, -1)
    assert repr(total) == "LogSumExp(shape=(), dtype=float64, count=1, value=nan)"
    total.update([0.0, 0.0])
    assert (total.value, total.log_abs, total.sign) == (0, 0, 1)
    total.update([0.0], b=[-1.0])
    assert (total.value, total.log_abs, total.sign) == (-INF, -INF, 0)
    total.update([INF], b=[-1.0])
    assert np.isnan(total.value)
    assert (total.log_abs, total.sign) == (INF, -1)
    total.update([NAN])
    assert np.isnan([total.value, total.log_abs, total.sign]).all()


# Masks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16, np.int64])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_what_a_mask_excludes(dtype, axis, weighted, rng):
    """As if excluded elements were missing, whatever their values; on the fast path and the general one."""
    a = (rng.standard_normal((5, 70, 9)) * 9).astype(dtype)
    b = rng.standard_normal((5, 70, 9)).astype(dtype if dtype in DTYPES else np.float64) if weighted else None
    where = rng.random((5, 70, 9)) < 0.6
    where[2] = where[:, :, 3] = False
    if np.dtype(dtype).kind == "f":
        a[~where] = rng.choice([NAN, INF, -INF, 3], size=np.count_nonzero(~where))
    precise = a if dtype in DTYPES else a.astype(np.float64)
    log_abs, sign = lse.logsumexp(precise, axis, b, return_sign=True, where=where)
    count = np.count_nonzero(where, axis=axis)
    for mask in (where, where.tolist()):
        total = LogSumExp.of(a, axis, b, where=mask)
        same_bits(total.log_abs, log_abs)
        same_bits(total.sign, sign)
        assert np.array_equal(total.count, count)
        same_bits(LogSumExp(np.shape(count), total.dtype).update(a, axis, b, where=mask).log_abs, log_abs)


@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_in_pieces(dtype, rng):
    a, where = (rng.standard_normal((70, 9)) * 9).astype(dtype), rng.random((70, 9)) < 0.6
    total = LogSumExp(9, dtype)
    for part in (slice(30), slice(30, 31), slice(31, 70)):
        total.update(a[part], 0, where=where[part])
    assert np.array_equal(total.count, np.count_nonzero(where, axis=0))
    for value, column, mask in zip(total.value, a.T, where.T, strict=True):
        assert oracle.error(value, oracle.logsumexp(column[mask])) <= 1


def test_masks_that_broadcast(rng):
    a = rng.standard_normal((4, 6))
    for where in ([True, False] * 3, np.array([[True], [False], [True], [True]]), np.True_, np.False_, False, [[True]]):
        for axis in (None, 0, 1):
            total = LogSumExp.of(a, axis, where=where)
            same_bits(total.value, lse.logsumexp(a, axis, where=where))
            assert np.array_equal(total.count, np.count_nonzero(np.broadcast_to(where, a.shape), axis=axis))


def test_counts_of_masks():
    """A number, until sums have different numbers of elements; then a read-only array."""
    total, a, where = LogSumExp(3), np.zeros((2, 3)), np.array([[True, False, True], [False, False, True]])
    assert total.update(a, 0).count == 2
    assert repr(total) == "LogSumExp(shape=(3,), dtype=float64, count=2)"
    before, size = total.count, total.nbytes
    total.update(a, 0, where=where)
    assert (before, total.count.tolist(), total.count.dtype) == (2, [3, 2, 4], np.int64)
    assert repr(total) == "LogSumExp(shape=(3,), dtype=float64)"
    assert total.nbytes == size + 24
    with pytest.raises(ValueError, match="read-only"):
        total.count[0] = 7
    for other in (total.copy(), pickle.loads(pickle.dumps(total)), total + LogSumExp(3), LogSumExp(3) + total):
        assert other.count.tolist() == [3, 2, 4]
        assert not other.count.flags.writeable
    total.merge(total).update(a, 0)
    assert total.count.tolist() == [8, 6, 10]
    assert total.reset().count == 0
    single = LogSumExp().update(a, where=where).update(0.0, where=False).update([0.0], where=[True])
    assert (type(single.count), single.count) == (int, 4)
    assert LogSumExp((0, 3)).update(np.zeros((0, 3, 2)), 2, where=True).count == 2
    assert LogSumExp((0, 3)).update(np.zeros((0, 3, 2)), 2, where=np.True_).count.shape == (0, 3)


LAYOUTS = [
    lambda mask: mask,
    np.asfortranarray,
    lambda mask: mask[::-1, ..., ::-1],
    lambda mask: mask.repeat(2, 1)[:, ::2],
    lambda mask: mask[:, :1],
    lambda mask: mask[:1, ..., :1],
    lambda mask: mask.view(np.uint8).__mul__(200).view(bool),
]


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 1, 600), (600, 2, 1), (1, 3, 1, 300)])
def test_counts_of_masks_in_any_layout(shape, rng):
    """Bytes that are not 0 are True, whatever they are; runs of more than 255 are counted."""
    ndim = len(shape)
    for make, reduced in itertools.product(LAYOUTS, range(1 << ndim)):
        mask = np.broadcast_to(make(rng.random(shape) < 0.7), shape)
        axes = tuple(i for i in range(ndim) if reduced >> i & 1)
        count = np.add.reduce(mask.astype(bool) != 0, axis=axes, dtype=np.int64)
        total = LogSumExp(count.shape).update(np.zeros(shape), axes, where=mask)
        assert np.array_equal(total.count, count)
        same(total.value, lse.logsumexp(np.zeros(shape), axes, where=mask))


def test_more_elements_than_are_counted():
    """A number is unbounded; those in an array are not."""
    total = LogSumExp(2).update([0.0, 0.0], ())
    for _ in range(62):
        total.merge(total)
    total.update([0.0, 0.0], (), where=[True, False])
    assert total.count.tolist() == [(1 << 62) + 1, 1 << 62]
    before = pickle.dumps(total)
    with pytest.raises(OverflowError, match="more elements than an int64 can count"):
        total.merge(total)
    assert pickle.dumps(total) == before
    huge = LogSumExp(2).update([0.0, 0.0], ())
    for _ in range(64):
        huge.merge(huge)
    assert huge.count == 1 << 64
    before = pickle.dumps(huge)
    with pytest.raises(OverflowError):
        huge.update([0.0, 0.0], (), where=[True, False])
    assert pickle.dumps(huge) == before


# Special values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", SIGNED, ids=str)
def test_signed_values_in_one_chunk(dtype, case):
    a, b, value, sign = case
    total = LogSumExp(dtype=dtype).update(np.array(a, dtype), b=np.array(b, dtype))
    same(total.log_abs, dtype(value))
    same(total.sign, dtype(sign))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", [c for c in SIGNED if not {800, -800, 1000, -7} & set(c[0])], ids=str)
def test_signed_values_one_by_one(dtype, case):
    a, b, value, sign = case
    total = LogSumExp(dtype=dtype)
    for x, w in zip(a, b, strict=True):
        total.update(np.array([x], dtype), b=np.array([w], dtype))
    same(total.log_abs, dtype(value))
    same(total.sign, dtype(sign))


SPECIAL = [
    ([], -INF),
    ([[]], -INF),
    ([[-INF], [-INF]], -INF),
    ([[-INF], [3.0]], 3.0),
    ([[3.0], [-INF]], 3.0),
    ([[INF], [1.0]], INF),
    ([[1.0], [INF], [INF]], INF),
    ([[INF], [-INF]], INF),
    ([[1.0], [NAN]], NAN),
    ([[NAN], [1.0]], NAN),
    ([[INF], [NAN]], NAN),
    ([[NAN], [INF]], NAN),
    ([[NAN], [-INF]], NAN),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", SPECIAL, ids=str)
def test_special_values(dtype, weighted, case):
    chunks, value = case
    chunks = [np.array(c, dtype) for c in chunks]
    total = streamed(chunks, dtype, [np.ones_like(c) for c in chunks] if weighted else None)
    same(total.value, dtype(value))
    same(total.sign, dtype(NAN if np.isnan(value) else value > -INF))


def exact_far_out(a, b=None):
    """log(sum(b e^a)) for weights of similar size and elements so far apart that most are negligible."""
    a = [float(x) for x in a]
    top = max(a)
    kept = [i for i, x in enumerate(a) if top - x < 5000]
    shifted = [a[i] - top for i in kept]
    with oracle.mp.workdps(400):
        return oracle.mp.mpf(top) + oracle.weighted(shifted, None if b is None else [float(b[i]) for i in kept])


FAR = [
    [[3e38, 3e38], [3e38]],
    [[-3e38], [-3e38, -3e38]],
    [[2.0**17 + 1, 2.0**17], [2.0**17 - 3]],
    [[2.0**20], [2.0**20 - 5, 2.0**20 + 8]],
    [[1.5e5, 1.5e5 - 1], [1.2e5], [-1e38]],
    [[2.0**45], [2.0**45 + 2.0**22]],
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weights", [None, 1.0, 3.0, 1e-30, 1e30])
@pytest.mark.parametrize("chunks", FAR, ids=str)
def test_far_out(dtype, weights, chunks):
    chunks = [np.array(c, dtype) for c in chunks]
    b = None if weights is None else [np.full_like(c, weights) for c in chunks]
    for order in (1, -1):
        total = streamed(chunks[::order], dtype, b and b[::order])
        a = np.concatenate(chunks)
        exact = exact_far_out(a, b and np.concatenate(b))
        assert oracle.shortfall(total.value, exact) <= 1


@pytest.mark.parametrize("weights", [None, 1.0, 5e-324, 1e-300, 1e300])
@pytest.mark.parametrize(
    "chunks",
    [
        [[1e300], [1e300, -1e300]],
        [[1.7e308], [-1.7e308]],
        [[2.0**46], [2.0**46 + 2.0**-6, 2.0**46 - 1]],
        [[2.0**46 * 1.2, 2.0**46 * 1.2 - 0.5], [2.0**46 * 1.2 + 600]],
        [[2.0**46 + 1], [2.0**46 - 1], [0.0]],
        [[-(2.0**46) - 1], [-(2.0**46) + 1], [-(2.0**60)]],
        [[0.0], [-(2.0**50)]],
        [[0.875, -0.5], [-(2.0**46) - 1], [0.125]],
    ],
    ids=str,
)
def test_far_out_of_float64(weights, chunks):
    b = None if weights is None else [np.full(len(c), weights) for c in chunks]
    for order in (1, -1):
        total = streamed(chunks[::order], np.float64, b and b[::order])
        exact = exact_far_out(np.concatenate(chunks), b and np.concatenate(b))
        assert oracle.shortfall(total.value, exact) <= 1


# One answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 8, 17, 129, 5000, 65_536, 65_537, 300_001])
def test_one_chunk_has_the_bits_of_logsumexp(dtype, n, rng):
    a = (rng.standard_normal(n) * 20).astype(dtype)
    for threads in (1, 2):
        with lse.num_threads(threads):
            same_bits(LogSumExp.of(a).value, lse.logsumexp(a))
    same_bits(LogSumExp(dtype=dtype).update(a).value, lse.logsumexp(a))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 2), (1, 2), ()], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_layouts(dtype, axis, weighted, rng):
    a = (rng.standard_normal((5, 70, 9)) * 9).astype(dtype)
    b = rng.standard_normal((5, 70, 9)).astype(dtype) if weighted else None
    value, sign = lse.logsumexp(a, axis, b, return_sign=True)
    total = LogSumExp.of(a, axis, b)
    same_bits(total.log_abs, value)
    same_bits(total.sign, sign)
    assert total.count == a.size // max(1, np.size(value))
    for name, other in layouts(a):
        again = LogSumExp(np.shape(value), dtype).update(other, axis, b)
        assert np.array_equal(again.log_abs, total.log_abs), name


def test_empty_states_are_neutral(rng):
    total = LogSumExp.of(rng.standard_normal((3, 7)), axis=1).update(rng.standard_normal(3), (), np.ones(3))
    same_bits((total + LogSumExp(3)).value, total.value)
    same_bits((LogSumExp(3) + total).value, total.value)
    assert LogSumExp().value == -INF
    assert LogSumExp().sign == 0
    assert LogSumExp(4).merge(LogSumExp(4)).count == 0


# Shapes and dtypes ------------------------------------------------------------------------------------------


def test_shapes(rng):
    a = rng.standard_normal((4, 5, 6))
    total = LogSumExp((4, 6))
    for i in range(5):
        assert total.update(a[:, i], axis=()) is total
    assert np.allclose(total.value, lse.logsumexp(a, axis=1), rtol=1e-15)
    assert total.shape == (4, 6)
    assert total.count == 5
    assert total.value.shape == (4, 6)
    assert type(LogSumExp.of(a).value) is np.float64
    assert LogSumExp(6).shape == (6,)
    assert LogSumExp((0, 3)).update(np.zeros((0, 3, 2)), axis=2).value.shape == (0, 3)
    assert LogSumExp((2, 3)).update(np.zeros((2, 3, 0)), axis=2).count == 0
    big = LogSumExp(1000).update(rng.standard_normal((3, 1000)), axis=0)  # more than the kernels process at once
    assert big.merge(big).count == 6


@pytest.mark.parametrize("dtype", ["e", "f", "d", "i", "u1", "?", ">f8", ">i2"])
def test_dtypes(dtype, rng):
    a = (rng.random(50) * 3).astype(dtype)
    total = LogSumExp().update(a)
    same_bits(total.value, lse.logsumexp(a.astype(np.float64)))
    assert LogSumExp.of(a).dtype == (np.float32 if dtype == "f" else np.float64)


def test_bfloat16(rng):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    a = rng.random(50).astype(ml_dtypes.bfloat16)
    same_bits(LogSumExp.of(a).value, lse.logsumexp(a.astype(np.float64)))


def test_float64_into_float32():
    """Out of the range of float32, and with more digits than it has."""
    total = LogSumExp(dtype=np.float32).update([1e300]).update([1e300])
    assert total.value == np.float32(INF)
    total = LogSumExp(dtype=np.float32).update(np.full(1000, 2.0**-30))
    assert total.value == np.float32(np.log(1000))


def test_scalars_and_lists():
    assert LogSumExp().update(3.0).update(np.float32(3)).update([3]).value == lse.logsumexp([3.0, 3.0, 3.0])


# Errors change nothing --------------------------------------------------------------------------------------


def wrong_updates():
    yield ValueError, r"shape \(3,\) reduced over axis=None has shape \(\)", (np.zeros(3),), {}
    yield ValueError, r"has shape \(3,\), but the accumulator has shape \(2,\)", (np.zeros((4, 3)),), {"axis": 0}
    yield ValueError, "do not broadcast", (np.zeros((4, 2)), 0, np.zeros(3)), {}
    yield ValueError, "repeated", (np.zeros((4, 2)),), {"axis": (0, 0)}
    yield np.exceptions.AxisError, "out of bounds", (np.zeros((4, 2)),), {"axis": 2}
    yield TypeError, "complex128 data are not supported", (np.zeros((4, 2), complex),), {"axis": 0}
    yield TypeError, "complex128 data are not supported", (np.zeros((4, 2)), 0, 1j), {}
    yield TypeError, "not supported", (np.zeros((4, 2), object),), {"axis": 0}
    yield TypeError, "masked", (np.ma.array(np.zeros((4, 2)), mask=np.eye(4, 2)),), {"axis": 0}
    if np.dtype(np.longdouble).itemsize > 8:
        yield TypeError, "longdouble|float128", (np.zeros((4, 2), np.longdouble),), {"axis": 0}


@pytest.mark.parametrize(("error", "message", "arguments", "keywords"), list(wrong_updates()))
def test_wrong_updates(error, message, arguments, keywords):
    total = LogSumExp(2).update([[1.0, 2.0]], axis=0)
    before = pickle.dumps(total)
    with pytest.raises(error, match=message):
        total.update(*arguments, **keywords)
    assert pickle.dumps(total) == before


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (TypeError, ((), np.int64)),
        (TypeError, ((), np.float16)),
        (TypeError, ((), "nonsense")),
        (TypeError, (2.5,)),
        (TypeError, ("ab",)),
        (TypeError, ((2, None),)),
        (ValueError, (-1,)),
        (ValueError, ((2, -3),)),
        (ValueError, ((1,) * 64,)),
        ((MemoryError, ValueError), ((1 << 40, 1 << 40),)),
    ],
    ids=str,
)
def test_wrong_accumulators(error, arguments):
    with pytest.raises(error):
        LogSumExp(*arguments)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_dtypes_of_the_other_byte_order_are_taken_for_the_native_ones(dtype):
    swapped = np.dtype(dtype).newbyteorder()
    assert lse.LogSumExp(2, swapped).dtype == lse.LogSumExp.of([0.0], dtype=swapped).dtype == np.dtype(dtype)


def test_wrong_merges():
    total = LogSumExp(2)
    with pytest.raises(TypeError, match=r"expected a LogSumExp, not ndarray; update\(\) takes data"):
        total.merge(np.zeros(2))
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\) differ"):
        total.merge(LogSumExp(3))
    with pytest.raises(TypeError):
        total + 1
    with pytest.raises(TypeError):
        total += 1.0


# A value like others ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_pickles_and_copies(shape, weighted, dtype, rng):
    total = LogSumExp(shape, dtype).update(rng.standard_normal(shape), axis=())
    if weighted:
        total.update(rng.standard_normal(shape), (), rng.standard_normal(shape))
    protocols = range(pickle.HIGHEST_PROTOCOL + 1)
    others = [pickle.loads(pickle.dumps(total, protocol)) for protocol in protocols]
    before = total.log_abs
    for other in [*others, total.copy(), copy.copy(total), copy.deepcopy(total)]:
        same_bits(other.log_abs, before)
        same_bits(other.sign, total.sign)
        assert (other.shape, other.dtype, other.count) == (shape, dtype, total.count)
        other.update(rng.standard_normal(shape), axis=())
        same_bits(total.log_abs, before)


class Named(LogSumExp):
    """A subclass with attributes, and a constructor that takes other arguments."""

    __slots__ = ("__dict__", "slot")

    def __new__(cls, name):
        return super().__new__(cls, 2, "float32")

    def __init__(self, name):
        self.name, self.slot, self.me = name, [name], self


class Plain(LogSumExp):
    pass


def test_subclasses_survive():
    assert type(Plain.of([1.0])) is Plain
    assert type(Plain.from_bytes(LogSumExp.of([1.0]).to_bytes())) is Plain
    assert type(Plain().copy()) is Plain
    assert type(Plain() + LogSumExp()) is Plain
    assert type(sum([Plain(), LogSumExp()])) is Plain
    plain = pickle.loads(pickle.dumps(Plain.of([1.0])))
    assert (type(plain), plain.value) == (Plain, 1.0)


def test_subclasses_with_other_arguments():
    total = Named("a").update(np.array([[1.0, 2.0]], "f4"), 0)
    pickled = [pickle.loads(pickle.dumps(total, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for other in [total.copy(), copy.copy(total), copy.deepcopy(total), total + LogSumExp(2), sum([total]), *pickled]:
        assert type(other) is Named
        assert (other.shape, other.name, other.slot, other.count) == ((2,), "a", ["a"], 1)
        same(other.value.astype("f4"), total.value)
    assert total.copy().slot is total.slot
    assert total.copy().me is total
    deep = copy.deepcopy(total)
    assert deep.slot is not total.slot
    assert deep.me is deep
    assert (total + LogSumExp(2)).dtype == np.float64
    failed = r"LogSumExp\.(of|from_bytes): Named\(shape, dtype\) failed: .*must override"
    for call in (lambda: Named.of([1.0, 2.0]), lambda: Named.from_bytes(total.to_bytes())):
        with pytest.raises(TypeError, match=failed):
            call()


def test_subclasses_without_new():
    class Wrong(LogSumExp):
        def __init__(self, name, unit=None):
            super().__init__()

    for call in (lambda: Wrong("a"), lambda: Wrong(2, unit="m")):
        with pytest.raises(TypeError, match=r"^LogSumExp: ") as raised:
            call()
        assert "must override __new__" in raised.value.__notes__[0]
    with pytest.raises(TypeError, match="shape") as raised:
        LogSumExp("a")
    assert not hasattr(raised.value, "__notes__")


def test_addition(rng):
    parts = [LogSumExp.of(rng.standard_normal(9)) for _ in range(4)]
    values = [p.value for p in parts]
    total = reduce(lambda x, y: x + y, parts)
    assert [p.value for p in parts] == values
    assert total.count == 36
    same_bits(sum(parts, start=LogSumExp()).value, total.value)
    same_bits(sum(parts).value, total.value)
    assert sum(parts[:1]) is not parts[0]
    first = parts[0]
    first += parts[1]
    assert first is parts[0]
    assert (LogSumExp(dtype=np.float32) + LogSumExp(dtype=np.float32)).dtype == np.float32
    assert (LogSumExp(dtype=np.float32) + LogSumExp()).dtype == np.float64
    first.merge(first)
    assert abs(first.value - lse.logsumexp([values[0], values[1]]) - np.log(2)) < 1e-15


def test_reset():
    total = LogSumExp(2).update([1.0, 2.0], (), [1.0, -1.0])
    assert total.reset() is total
    assert total.count == 0
    same(total.value, np.full(2, -INF))
    assert total.nbytes == 2 * 32


def test_repr():
    assert repr(LogSumExp()) == "LogSumExp(shape=(), dtype=float64, count=0, value=-inf)"
    total = LogSumExp(dtype="f4").update(np.array([0.1, 0.1], "f4"))
    assert repr(total) == f"LogSumExp(shape=(), dtype=float32, count=2, value={total.value!s})"
    assert repr(LogSumExp(3)) == "LogSumExp(shape=(3,), dtype=float64, count=0)"


def test_size():
    total = LogSumExp((10, 10))
    assert total.nbytes == 3200
    assert sys.getsizeof(total) >= 3200
    assert total.update(np.zeros((10, 10)), (), np.ones((10, 10))).nbytes == 6400


def state_bytes(plain, weighted=None, count=3, shape=(2,)):
    """The bytes of an accumulator with these numbers."""
    return _streaming.to_bytes(shape, False, count, np.array(plain), None if weighted is None else np.array(weighted))


def with_byte(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1 :]


GOOD = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 0.0], [1.0, 3.0]])
DATA = state_bytes(GOOD)
MALFORMED = [
    None,
    (),
    list(DATA),
    b"",
    DATA[:15],
    DATA[:20],
    DATA[:-1],
    DATA + b"\0",
    with_byte(DATA, 0, ord("L")),
    with_byte(DATA, 3, 2),
    with_byte(DATA, 4, 4),
    with_byte(DATA, 4, 16),
    with_byte(DATA, 5, 1),
    with_byte(DATA, 5, 2),
    with_byte(DATA, 6, 0),
    with_byte(DATA, 6, 200),
    with_byte(DATA, 7, 1),
    with_byte(DATA, 7, 2),
    with_byte(DATA, 15, 0x80),
    with_byte(DATA, 23, 0x80),
    state_bytes(GOOD[:, :1], shape=(1,)),
    state_bytes(GOOD[:, 0], shape=()),
    state_bytes(GOOD, count=np.array([1, -1])),
    state_bytes(np.full((4, 2), NAN)),
    state_bytes(np.full((4, 2), INF)),
    state_bytes(GOOD * [[1], [1], [1], [-1]]),
    state_bytes(np.concatenate([GOOD[:3], np.full((1, 2), INF)])),
    state_bytes(GOOD, np.full((4, 2), INF)),
]


@pytest.mark.parametrize("state", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_bytes(state):
    total = LogSumExp(2).update([1.0, 2.0], axis=())
    before = pickle.dumps(total)
    with pytest.raises((TypeError, ValueError), match="from_bytes"):
        total.__setstate__(state)
    assert pickle.dumps(total) == before
    if state not in (DATA, with_byte(DATA, 4, 4)) and not (isinstance(state, bytes) and len(state) in (56, 48)):
        with pytest.raises((TypeError, ValueError), match="from_bytes"):
            LogSumExp.from_bytes(state)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 1)], ids=str)
def test_bytes(dtype, shape, rng):
    a, b = rng.standard_normal((5, *shape)), rng.standard_normal((5, *shape))
    for total in (
        LogSumExp(shape, dtype),
        LogSumExp(shape, dtype).update(a, 0),
        LogSumExp(shape, dtype).update(a, 0, b),
        LogSumExp(shape, dtype).update(a, 0).update(a * 50, 0, b, where=b > 0),
    ):
        data = total.to_bytes()
        for same_data in (data, bytearray(data), memoryview(data)):
            again = LogSumExp.from_bytes(same_data)
            assert (again.shape, again.dtype) == (total.shape, total.dtype)
            assert np.array_equal(again.count, total.count)
            for name in ("value", "log_abs", "sign"):
                same_bits(np.asarray(getattr(again, name)), np.asarray(getattr(total, name)))
            assert again.to_bytes() == data
        again.update(a, 0)
        assert total.to_bytes() == data


def test_bytes_of_a_subclass():
    class Own(LogSumExp):
        pass

    assert type(Own.from_bytes(LogSumExp.of([1.0]).to_bytes())) is Own


FAR = [1e20, 1e20, 2.0**500, 2.0**500, INF, INF]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(), min_size=16, max_size=16), st.booleans())
@example([*FAR, 1.0, 1.0, 1e86, -1e86, 2.0**500, 2.0**500, 0.0, 0.0, 0.0, 0.0], True)  # not an exponent
def test_no_bytes_do_harm(numbers, weighted):
    """Using a state with any finite or infinite numbers neither crashes nor warns."""
    parts = np.array(numbers).reshape(2, 4, 2)
    try:
        total = LogSumExp.from_bytes(state_bytes(parts[0], parts[1] if weighted else None))
    except ValueError:
        return
    total.update([1.0, 2.0], (), [1.0, -1.0]).update([1e300, -1e300], axis=()).merge(total)
    assert total.value.shape == total.sign.shape == (2,)


# Threads and processes --------------------------------------------------------------------------------------


def test_threads_of_their_own(rng):
    data = rng.standard_normal((4, 50, 5000))
    totals = [LogSumExp() for _ in range(4)]

    def work(i):
        for chunk in data[i]:
            totals[i].update(chunk)

    in_threads(work, 4)
    for i in range(4):
        same_bits(totals[i].value, streamed(data[i]).value)


def test_threads_that_share_one(rng):
    data = rng.standard_normal((4, 200, 3, 300))
    total = LogSumExp(3)

    def work(i):
        for chunk in data[i]:
            total.update(chunk, axis=1)
            total.merge(LogSumExp.of(chunk, axis=1))

    in_threads(work, 4)
    assert total.count == 2 * 4 * 200 * 300
    expected = lse.logsumexp(np.moveaxis(data, 2, 0).reshape(3, -1), axis=1) + np.log(2)
    assert np.abs(total.value - expected).max() < 1e-14


def test_another_process(rng):
    """A state goes through a pipe to another interpreter and back."""
    code = "import pickle, sys; t = pickle.load(sys.stdin.buffer); pickle.dump(t.update([1.0]), sys.stdout.buffer)"
    total = LogSumExp.of(rng.standard_normal(100))
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(total), capture_output=True, check=True)
    same_bits(pickle.loads(done.stdout).value, total.update([1.0]).value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rest", [-np.inf, 0, np.inf])
@pytest.mark.parametrize("n", [1, 2, 20, 300])
def test_nan_anywhere_is_not_lost(dtype, rest, n):
    for place in range(n):
        a = np.full(n, rest, dtype)
        a[place] = np.nan
        assert np.isnan(lse.logsumexp(a))
        assert np.isnan(lse.segment_logsumexp(a, [0, n])[0])
        assert np.isnan(lse.logsumexp(np.stack([a] * 9, axis=1), axis=0)).all()
        assert np.isnan(lse.LogSumExp.of(a).update([np.inf]).value)
        assert np.isnan((lse.LogSumExp.of([np.inf]) + lse.LogSumExp.of(a)).value)
