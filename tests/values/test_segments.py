"""segment_logsumexp: the bits of logsumexp of each slice, offsets of every kind, errors that name the bad offset."""

import itertools
import warnings

import numpy as np
import pytest

import lse
from checks import layouts, same, same_bits

pytestmark = pytest.mark.usefixtures("kernel")

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]


@pytest.fixture(autouse=True)
def _no_floating_point_errors():
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def by_slices(a, indptr, axis=-1):
    a = np.moveaxis(np.asarray(a), axis, -1)
    slices = [lse.logsumexp(a[..., i:j], axis=-1) for i, j in itertools.pairwise(indptr)]
    return np.moveaxis(np.array(slices, a.dtype).reshape(len(slices), *a.shape[:-1]), 0, axis)


def offsets(n, count, rng):
    """Offsets of segments of very different lengths, including empty ones and single elements."""
    cuts = np.sort(rng.integers(0, n + 1, count - 1) ** 2 // max(n, 1))
    return np.concatenate([[0], cuts, [n]])


def data(shape, dtype, rng):
    a = (rng.standard_normal(shape) * rng.choice([1, 30, 500], shape)).astype(dtype)
    a[rng.random(shape) < 0.02] = -INF
    return a


# The bits of each slice -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 7, 16, 17, 64, 100, 1000, 5000])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 1000])
def test_random_segments(dtype, n, count, rng):
    a, indptr = data(n, dtype, rng), offsets(n, count, rng)
    got = lse.segment_logsumexp(a, indptr)
    assert got.shape == (count,)
    same_bits(got, by_slices(a, indptr))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 129, 257, 2049])
def test_segments_of_one_length_are_rows(dtype, length, rng):
    a = data((70, length), dtype, rng)
    got = lse.segment_logsumexp(a.ravel(), np.arange(71) * length)
    same_bits(got, lse.logsumexp(a, axis=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "lengths", [[200_003], [70_001, 65_536, 65_537], [3] * 500 + [150_001] + [0, 1, 2] * 200, [0, 131_072, 0]],
    ids=["one", "several", "one among small", "one among empty"],
)  # fmt: skip
def test_long_segments(dtype, lengths, rng):
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    a = data(indptr[-1], dtype, rng)
    expected = by_slices(a, indptr)
    for threads in (1, 2):
        with lse.num_threads(threads):
            same_bits(lse.segment_logsumexp(a, indptr), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_segments_by_threads(dtype, rng):
    a, indptr = data(300_000, dtype, rng), offsets(300_000, 20_000, rng)
    with lse.num_threads(1):
        expected = lse.segment_logsumexp(a, indptr)
    with lse.num_threads(2):
        same_bits(lse.segment_logsumexp(a, indptr), expected)


# Values and offsets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(dtype):
    a = np.array([1, NAN, -INF, -INF, INF, 5, NAN, INF, 1e30, 2, -INF], dtype)
    indptr = [0, 1, 1, 2, 4, 6, 8, 9, 11, 11]
    same(lse.segment_logsumexp(a, indptr), np.array([1, -INF, NAN, -INF, INF, NAN, 1e30, 2, -INF], dtype))


def test_a_worked_example():
    """Elements in no segment are ignored."""
    a = np.array([NAN, 0.0, 0, 7, INF, NAN])
    same(lse.segment_logsumexp(a, [1, 3, 3, 4]), np.array([np.log(2), -INF, 7]))
    same(lse.segment_logsumexp(a, [4]), np.empty(0))
    same(lse.segment_logsumexp(a, [6, 6]), np.array([-INF]))
    same(lse.segment_logsumexp([], [0, 0, 0]), np.array([-INF, -INF]))
    same(lse.segment_logsumexp([1, 2, 3], [0, 3]), lse.logsumexp([[1, 2, 3]], axis=1))


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">u8"])
def test_offsets_of_every_integer_type(kind, rng):
    a = rng.standard_normal(100)
    indptr = np.array([0, 3, 3, 50, 99])
    expected = by_slices(a, indptr)
    for offsets in (
        indptr.astype(kind),
        np.repeat(indptr, 2).astype(kind)[::2],
        indptr.astype(kind)[::-1].copy()[::-1],
    ):
        same_bits(lse.segment_logsumexp(a, offsets), expected)
    same_bits(lse.segment_logsumexp(a, indptr.tolist()), expected)
    same_bits(lse.segment_logsumexp(a, tuple(indptr)), expected)


def test_offsets_of_scipys_csr_arrays(rng):
    sparse = pytest.importorskip("scipy.sparse")
    dense = rng.standard_normal((20, 30)) * (rng.random((20, 30)) < 0.2)
    matrix = sparse.csr_array(dense)
    got = lse.segment_logsumexp(matrix.data, matrix.indptr)
    same(np.isneginf(got), ~dense.any(axis=1))
    same_bits(got, by_slices(matrix.data, matrix.indptr))


# Axes, dtypes, layouts, outputs -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40,), (3, 40), (40, 3), (2, 5, 40), (2, 40, 70), (40, 2, 33)])
def test_axes_and_layouts(dtype, shape, rng):
    a = data(shape, dtype, rng)
    for axis, n in enumerate(shape):
        indptr = np.array([0, 1, n // 3, n // 3, n])
        indptr.sort()
        expected = by_slices(a, indptr, axis)
        assert expected.shape == (*shape[:axis], 4, *shape[axis + 1 :])
        same_bits(lse.segment_logsumexp(a, indptr, axis), expected)
        same_bits(lse.segment_logsumexp(a, indptr, axis=axis - len(shape)), expected)
        for _, x in layouts(a):
            same_bits(lse.segment_logsumexp(x, indptr, axis=axis), expected)
    same_bits(lse.segment_logsumexp(a, [0, shape[-1]]), by_slices(a, [0, shape[-1]]))


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0, 0)])
def test_empty_arrays(shape):
    for axis, n in enumerate(shape):
        got = lse.segment_logsumexp(np.empty(shape), [0, 0, n], axis=axis)
        assert got.shape == (*shape[:axis], 2, *shape[axis + 1 :])
        assert np.all(np.isneginf(got))


def test_dtypes():
    for dtype in (np.float16, np.float32, np.longdouble, np.complex64, np.complex128, np.clongdouble):
        assert lse.segment_logsumexp(np.zeros(4, dtype), [0, 2, 4]).dtype == dtype
    for dtype in (np.int8, np.uint64, bool):
        same(lse.segment_logsumexp(np.ones(4, dtype), [0, 1, 4]), lse.segment_logsumexp(np.ones(4), [0, 1, 4]))
    assert lse.segment_logsumexp([1, 2], [0, 2], dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_segments_of_longdouble(dtype, rng):
    for n, count in ((1, 1), (50, 20), (300, 7)):
        a = rng.standard_normal((2, n, 3)).astype(dtype) * 30
        indptr = offsets(n, count, rng)
        same_bits(lse.segment_logsumexp(a, indptr, axis=1), by_slices(a, indptr, axis=1))
        same_bits(lse.segment_logsumexp(a, indptr[1:-1] if count > 1 else [0], axis=1),
                  by_slices(a, indptr[1:-1] if count > 1 else [0], axis=1))  # fmt: skip


def test_out(rng):
    a, indptr = rng.standard_normal((30, 40)), [0, 5, 5, 40]
    for axis in (0, 1):
        pointers = np.minimum(indptr, a.shape[axis])
        expected = lse.segment_logsumexp(a, pointers, axis=axis)
        outs = [np.empty(expected.shape), np.empty(expected.shape, order="F"), np.empty(expected.shape, np.float32)]
        for out in [*outs, np.empty([2 * n for n in expected.shape])[::2, ::-2]]:
            assert lse.segment_logsumexp(a, pointers, axis=axis, out=out) is out
            same(out, expected.astype(out.dtype))
    expected = lse.segment_logsumexp(a, indptr)
    assert lse.segment_logsumexp(a, indptr, out=a[:, :3]).base is a
    same(a[:, :3], expected)
    with pytest.raises(ValueError, match=r"out has shape \(2,\).*result has shape \(3,\)"):
        lse.segment_logsumexp(np.zeros(4), [0, 1, 2, 3], out=np.empty(2))
    with pytest.raises(TypeError, match="same_kind"):
        lse.segment_logsumexp(np.zeros(4), [0, 1], out=np.empty(1, int))


# Errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("indptr", "first"),
    [([0, 3, 2, 5], 2), ([0, 3, 2, 1, 11], 2), ([-1, 3], 0), ([0, 2, -5], 2), ([0, 5, 11], 2), ([11], 0),
     ([0, 12, 11], 1), ([0] * 5000 + [4, 3] + [10] * 100, 5001), ([0, 10, 10, 9], 3), ([2**31 - 1, 0], 0)],
    ids=lambda x: str(x)[:30],
)  # fmt: skip
def test_the_first_bad_offset_is_named(kind, indptr, first):
    out = np.zeros(len(indptr) - 1)
    with pytest.raises(ValueError, match=rf"indptr\[{first}\].*{indptr[first]}"):
        lse.segment_logsumexp(np.ones(10), np.array(indptr, kind), out=out)
    assert not out.any()


def test_offsets_beyond_the_range_of_int64():
    with pytest.raises(ValueError, match=r"indptr\[1\]"):
        lse.segment_logsumexp(np.ones(10), np.array([0, 2**64 - 1], np.uint64))
    with pytest.raises(ValueError, match=r"indptr\[1\]"):
        lse.segment_logsumexp(np.ones(10), np.array([0, 2**32 + 5]))


@pytest.mark.parametrize(
    "indptr", [[], 3, [[0, 1], [1, 2]], [0.0, 2.0], ["0"], [None], [True, True], [0, 1.5]], ids=str
)
def test_impossible_offsets(indptr):
    with pytest.raises((ValueError, TypeError), match="indptr"):
        lse.segment_logsumexp(np.ones(4), indptr)


def test_other_errors():
    with pytest.raises(np.exceptions.AxisError):
        lse.segment_logsumexp(np.ones(4), [0, 1], axis=1)
    with pytest.raises((ValueError, TypeError)):
        lse.segment_logsumexp(1.0, [0, 1])
    for axis in (None, (0,), 0.5):
        with pytest.raises(TypeError):
            lse.segment_logsumexp(np.ones(4), [0, 1], axis=axis)
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    with pytest.raises(TypeError, match="mask"):
        lse.segment_logsumexp(masked, [0, 1])
    with pytest.raises(TypeError, match="mask"):
        lse.segment_logsumexp(np.ones(4), np.ma.masked_array([0, 1], [False, True]))
    for a in (["x"], np.zeros(2, "M8[s]")):
        with pytest.raises(TypeError, match="dtype"):
            lse.segment_logsumexp(a, [0, 1])
