"""Segments: the bits of each slice by itself, offsets of every kind, errors that name the bad offset."""

import itertools

import numpy as np
import pytest

import lse
from checks import layouts, same, same_bits

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]


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
@pytest.mark.parametrize("longest", [2, 9, 40, 80, 300])
def test_many_segments_of_any_length(dtype, longest, rng):
    """Those of equal length are summed together, wherever they lie; NaN, infinities and distant elements among them."""
    indptr = np.append(0, np.cumsum(rng.integers(0, longest, 2500)))
    a = data(indptr[-1], dtype, rng)
    a[rng.random(a.size) < 0.01] = rng.choice([NAN, INF, 1e30, -1e30, 0.0, -0.0])
    want = by_slices(a, indptr)
    for threads in (1, 3):
        with lse.num_threads(threads):
            same_bits(lse.segment_logsumexp(a, indptr), want)
    out = np.full((2500, 2), 7, dtype)
    assert lse.segment_logsumexp(a, indptr, out=out[:, 1]) is not None
    same_bits(out[:, 1].copy(), want)
    assert (out[:, 0] == 7).all()
    same_bits(lse.segment_logsumexp(np.stack([a, a[::-1]]), indptr)[0], want)


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


# Weights, masks, signs and maps -----------------------------------------------------------------------------

SHAPES = [(40,), (700,), (3, 300), (300, 3), (300, 20), (2, 90, 9), (5000,), (4500, 2), (66_000,), (66_000, 2)]


def part(x, axis, i, j):
    return x[(slice(None),) * axis + (slice(i, j),)] if isinstance(x, np.ndarray) else x


def convert(a, dtype):
    with np.errstate(under="ignore"):
        return a.astype(dtype)


def make_masks(shape, rng):
    mask = rng.random(shape) < 0.6
    return [mask, np.asfortranarray(mask), np.broadcast_to(rng.random(shape[-1]) < 0.5, shape)]


def make_weights(shape, dtype, rng):
    b = np.round(rng.standard_normal(shape), 2)
    if np.dtype(dtype).kind == "c":
        return [b.astype(dtype) * dtype(1 + 2j), np.asfortranarray(b).astype(np.float32)]
    return [b.astype(dtype), np.sign(b).astype(dtype), np.asfortranarray(b).astype(dtype), (3 * b).astype(np.int8), b]


def with_axes(shape):
    """The axes of a shape along which there is something to divide, and offsets."""
    for axis, n in enumerate(shape):
        yield axis, np.unique([0, 1, min(3, n), n // 9, n // 7, n // 2, n])


@pytest.mark.parametrize("dtype", [*DTYPES, np.complex64, np.complex128, np.float16])
@pytest.mark.parametrize("shape", SHAPES)
def test_masks_weights_and_signs_are_those_of_slices(dtype, shape, rng):
    a = convert(data(shape, np.float32, rng), dtype)
    if a.dtype.kind == "c":
        a.imag = rng.standard_normal(shape)
    most = 1 if a.size > 10_000 else None
    for axis, indptr in with_axes(shape):
        for where in (True, *make_masks(shape, rng)[:most]):
            for b in (None, *make_weights(shape, dtype, rng)[:most]):
                got = lse.segment_logsumexp(a, indptr, axis, b, True, where=where)
                each = [
                    lse.logsumexp(part(a, axis, i, j), axis, part(b, axis, i, j), False, True,
                                  where=part(where, axis, i, j))
                    for i, j in itertools.pairwise(indptr)
                ]  # fmt: skip
                for i in (0, 1):
                    same_bits(got[i], np.stack([x[i] for x in each], axis))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", [*DTYPES, np.complex64, np.complex128, np.float16])
@pytest.mark.parametrize("shape", SHAPES)
def test_maps_are_those_of_slices(name, dtype, shape, rng):
    a = convert(data(shape, np.float32, rng), dtype)
    a[rng.random(shape) < 0.002] = NAN
    a[rng.random(shape) < 0.002] = INF
    function, whole = getattr(lse, "segment_" + name), getattr(lse, name)
    for axis, indptr in with_axes(shape):
        for where in (True, *make_masks(shape, rng)[: 1 if a.size > 10_000 else None]):
            expected = np.full(shape, 0 if name == "softmax" else -INF, dtype)
            offsets = indptr[1:-1]
            for i, j in itertools.pairwise(offsets):
                part(expected, axis, i, j)[...] = whole(part(a, axis, i, j), axis, where=part(where, axis, i, j))
            same_bits(function(a, offsets, axis, where=where), expected)
            for order in "CF":
                out = np.array(a, order=order)
                assert function(out, offsets, axis, where=where, out=out) is out
                same_bits(out, expected)


@pytest.mark.parametrize("kind", [np.longdouble, np.clongdouble, np.int64, bool])
def test_options_of_other_dtypes(kind, rng):
    a = (rng.standard_normal((3, 60)) * 9).astype(kind)
    if kind is np.int64:
        a += 2**60
    b, where, indptr = rng.standard_normal((3, 60)), rng.random((3, 60)) < 0.7, [2, 2, 3, 20, 55]
    where[:, 3:20] = False
    got = lse.segment_logsumexp(a, indptr, 1, b, True, where=where)
    for k, (i, j) in enumerate(itertools.pairwise(indptr)):
        for x, y in zip(got, lse.logsumexp(a[:, i:j], 1, b[:, i:j], False, True, where=where[:, i:j]), strict=True):
            np.testing.assert_allclose(x[:, k], y, rtol=1e-15, atol=0)
    for name in ("softmax", "log_softmax"):
        got = getattr(lse, "segment_" + name)(a, indptr, 1, where=where)
        for i, j in itertools.pairwise(indptr):
            np.testing.assert_allclose(got[:, i:j], getattr(lse, name)(a[:, i:j], 1, where=where[:, i:j]), rtol=1e-15)
        absent = 0 if name == "softmax" else -INF
        assert (got[:, [0, 1, 55, 59]] == absent).all()


def test_differences_within_segments():
    """Two terms of opposite weights are as accurate there as by themselves."""
    a, b = np.array([0.0, 1e-9, 3, 3 - 1e-12, 5]), np.array([-1.0, 1, 1, -1, 1])
    got = lse.segment_logsumexp(a, [0, 2, 4, 5], b=b)
    same_bits(got, np.array([lse.logsumexp(a[i:j], b=b[i:j]) for i, j in ((0, 2), (2, 4), (4, 5))]))


def test_maps_of_nothing():
    for name, absent in (("segment_softmax", 0.0), ("segment_log_softmax", -INF)):
        function = getattr(lse, name)
        same(function(np.ones(3), [1]), np.full(3, absent))
        same(function([1.0, 2.0], [1, 1, 2]), np.array([absent, 1.0 if absent == 0 else 0.0]))
        assert function(np.empty((0, 4)), [0, 4]).shape == (0, 4)
        assert function(np.empty((4, 0)), [0, 0], dtype=np.float32).dtype == np.float32
        with pytest.raises(ValueError, match=r"indptr\[1\]"):
            function(np.ones(3), [0, 5])
        with pytest.raises(np.exceptions.AxisError):
            function(1.0, [0, 1])


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
