"""The same bits for any number of threads, batch, layout and axis. Across kernels: test_golden.py."""

import math

import numpy as np
import pytest

import lse

pytestmark = pytest.mark.usefixtures("kernel")

DTYPES = [np.float32, np.float64]
EVERY = [*DTYPES, np.complex128]
FUNCTIONS = [lse.logsumexp, lse.softmax, lse.log_softmax]
LENGTHS = [1, 2, 3, 5, 8, 11, 16, 17, 24, 31, 32, 33, 63, 64, 65, 100, 128, 129, 257, 1000, 2049, 4097, 9001]


def rows(n, count, dtype, rng):
    """Rows of very different scales and levels, so that anchors move and small terms matter."""
    scale = np.array([0.01, 1, 10, 100, 600])[rng.integers(5, size=count)]
    level = np.array([0, 0, 5, -300, 70000, 200000])[rng.integers(6, size=count)]
    a = rng.standard_normal((count, n)) * scale[:, None] + level[:, None]
    a[rng.random((count, n)) < 0.02] = -np.inf
    if count > 4:
        a[1] = np.sort(a[1])
        a[2] = np.sort(a[2])[::-1]
        a[3, n // 2] = np.nan
        a[4, n // 2] = np.inf
    return with_angles(a, rng).astype(dtype) if np.dtype(dtype).kind == "c" else a.astype(dtype)


def normal(shape, dtype, rng):
    a = rng.standard_normal(shape) * 20
    return with_angles(a, rng).astype(dtype) if np.dtype(dtype).kind == "c" else a.astype(dtype)


def with_angles(a, rng):
    """Angles of any size beside the real parts."""
    z = a.astype(complex)
    z.imag = rng.standard_normal(a.shape) * np.array([1, 1, 30, 1e8])[rng.integers(4, size=a.shape)]
    return z


def bits(x):
    x = np.ascontiguousarray(x)
    return x.view(np.uint32 if x.real.dtype == np.float32 else np.uint64)


def assert_same(x, y):
    assert x.dtype == y.dtype
    assert np.array_equal(bits(x), bits(y))


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", LENGTHS)
def test_a_row_alone_and_in_any_batch(dtype, function, n, rng):
    a = rows(n, 70, dtype, rng)
    whole = function(a, axis=1)
    for count in (1, 2, 3, 33, 65):
        assert_same(function(a[5 : 5 + count], axis=1), whole[5 : 5 + count])
    for i in range(0, 70, 7):
        assert_same(np.asarray(function(a[i])), whole[i])


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("count", [2, 7, 16, 33, 70, 130])
def test_rows_and_columns(dtype, function, n, count, rng):
    a = rows(n, count, dtype, rng)
    across = function(a, axis=1)
    down = function(np.ascontiguousarray(a.T), axis=0)
    assert_same(across, down.T)
    assert_same(across, function(np.asfortranarray(a), axis=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", [257, 300, 2049, 9001])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 20, 40])
def test_few_columns(dtype, function, n, count, rng):
    for a in (rows(n, count, dtype, rng), normal((count, n), dtype, rng)):
        alone = np.array([function(row) for row in a]).T
        wide = np.zeros((n, count + 3), dtype)
        wide[:, 1:-2] = a.T
        backwards = np.ascontiguousarray(a.T[::-1])[::-1]
        chosen = rng.random(a.shape) < 0.8
        masked = np.array([function(row, where=w) for row, w in zip(a, chosen, strict=True)]).T
        for columns in (np.ascontiguousarray(a.T), wide[:, 1:-2], backwards):
            assert_same(function(columns, axis=0), alone)
            assert_same(function(columns, axis=0, where=chosen.T), masked)
            if alone.ndim == 2:
                out = np.full((n, count + 1), 7, dtype)
                assert_same(function(columns, axis=0, out=out[:, :-1]), alone)
                assert np.all(out[:, -1] == 7)
        inside = wide[:, 1:-2]
        if alone.ndim == 2:
            assert_same(function(inside, axis=0, out=inside), alone)
            assert not wide[:, :1].any()
            assert not wide[:, -2:].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [257, 300, 2049, 9001, 70_001])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 15, 17])
def test_few_columns_with_weights(dtype, n, count, rng):
    a, b = rows(n, count, dtype, rng), normal((count, n), dtype, rng)
    b[:, ::7] = 0
    chosen = rng.random(a.shape) < 0.8
    for weights in (b, np.abs(b), b[:1], b[:, :1], b.real.astype(np.float16).astype(dtype)[::-1]):
        every = np.broadcast_to(weights, a.shape)
        alone = [lse.logsumexp(row, b=w, return_sign=True) for row, w in zip(a, every, strict=True)]
        masked = [lse.logsumexp(row, b=w, where=c) for row, w, c in zip(a, every, chosen, strict=True)]
        wide = np.zeros((n, count + 3), dtype)
        wide[:, 1:-2] = a.T
        for columns in (np.ascontiguousarray(a.T), wide[:, 1:-2]):
            value, sign = lse.logsumexp(columns, axis=0, b=np.ascontiguousarray(weights.T), return_sign=True)
            assert_same(value, np.array([v for v, _ in alone]))
            assert_same(sign, np.array([s for _, s in alone]))
            assert_same(lse.logsumexp(columns, axis=0, b=weights.T, where=chosen.T), np.array(masked))


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_long_rows_and_columns(dtype, function, rng):
    a = rows(200_003, 6, dtype, rng)
    assert_same(function(a, axis=1), function(np.ascontiguousarray(a.T), axis=0).T)
    assert_same(function(a, axis=1)[5], function(a[5:].T.copy(), axis=0).T[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("n", "count"), [(257, 1100), (300, 513), (4500, 140), (70_001, 33)])
@pytest.mark.parametrize("threads", [1, 5])
def test_many_columns(dtype, function, n, count, threads, rng):
    a = normal((count, n), dtype, rng)
    odd = slice(count // 2, count // 2 + 8)  # infinite, NaN or out of range, among ordinary columns
    a[odd] = rows(n, 8, dtype, rng)
    with lse.num_threads(1):
        alone = np.array([function(row) for row in a]).T
        chosen = rng.random(a.shape) < 0.8
        masked = np.array([function(row, where=w) for row, w in zip(a, chosen, strict=True)]).T
    with lse.num_threads(threads):
        columns = np.ascontiguousarray(a.T)
        assert_same(function(columns, axis=0), alone)
        assert_same(function(columns, axis=0, where=chosen.T), masked)
        blocks = np.stack([columns, columns])
        assert_same(function(blocks, axis=1)[1], alone)
        if alone.ndim == 2:
            assert_same(function(columns, axis=0, out=columns), alone)


def layouts(a):
    """The same values in different memory layouts."""
    yield "Fortran", np.asfortranarray(a)
    spread = np.full([2 * k for k in a.shape], np.nan, a.dtype)
    spread[tuple(slice(None, None, 2) for _ in a.shape)] = a
    yield "strided", spread[tuple(slice(None, None, 2) for _ in a.shape)]
    yield "reversed", np.ascontiguousarray(a[(slice(None, None, -1),) * a.ndim])[(slice(None, None, -1),) * a.ndim]
    yield "byte-swapped", a.astype(a.dtype.newbyteorder())
    raw = np.zeros(a.nbytes + 1, np.uint8)
    unaligned = raw[1:].view(a.dtype).reshape(a.shape)
    unaligned[...] = a
    yield "unaligned", unaligned
    yield "unaligned Fortran", unaligned.reshape(a.shape[::-1]).T if a.ndim == 1 else unaligned
    read_only = a.copy()
    read_only.flags.writeable = False
    yield "read-only", read_only
    yield "permuted", np.ascontiguousarray(a.transpose(range(a.ndim)[::-1])).transpose(range(a.ndim)[::-1])
    for axis in range(a.ndim):
        yield f"axis {axis} last", np.moveaxis(np.ascontiguousarray(np.moveaxis(a, axis, -1)), -1, axis)


AXES = [None, 0, 1, 2, -1, (0, 1), (1, 2), (0, 2), (2, 0), (0, 1, 2)]


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 70, 40), (40, 3, 70), (65, 33, 2)])
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_layouts(dtype, function, shape, axis, rng):
    a = rows(shape[1] * shape[2], shape[0], dtype, rng)
    a[~np.isfinite(a)] = -np.inf
    a = a.reshape(shape)
    expected = function(a, axis=axis)
    for name, b in layouts(a):
        assert np.array_equal(bits(function(b, axis=axis)), bits(expected)), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [*FUNCTIONS, lse.logcumsumexp])
@pytest.mark.parametrize("shape", [(5000, 30), (300, 700), (17, 9000), (33, 3, 3001), (40, 41, 43), (9, 7, 20, 60)])
def test_whole_arrays_in_any_order(dtype, function, shape, rng):
    a = normal(shape, dtype, rng)
    a.flat[1::997] = -np.inf
    expected = function(a, axis=None)
    for order in (range(a.ndim)[::-1], [1, 0, *range(2, a.ndim)], [*range(1, a.ndim), 0]):
        turned = np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order))
        assert_same(function(turned, axis=None), expected)
    inner = np.empty([n + 3 for n in shape], dtype, order="F")[tuple(slice(1, n + 1) for n in shape)]
    inner[...] = a
    for threads in (1, 3):
        with lse.num_threads(threads):
            assert_same(function(inner, axis=None), expected)


def odd_values(a):
    """The same array, and others with what needs to be summed again."""
    yield a
    for value in (np.inf, np.nan, 1e30):
        other = a.copy()
        other.flat[a.size // 3] = value
        yield other
    few = np.full_like(a, -np.inf)
    few.flat[:: a.size // 7] = 3
    yield few
    faint = a - 100
    faint.flat[a.size // 2] = 0
    yield faint


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(2, 200_001), (3, 76_001), (5, 131_072), (9, 3, 25_003), (65, 75_000), (3, 131, 601), (2, 3, 4, 19_000)]
)
def test_long_lines(dtype, shape, rng):
    """Neighbours in memory are far apart in the order of the elements; lines end within pieces."""
    for a in odd_values(normal(shape, dtype, rng)):
        turned, expected = np.asfortranarray(a), lse.logsumexp(a)
        backwards = np.asfortranarray(a[..., ::-1])[..., ::-1]
        chosen = rng.random(a.shape) < 0.8
        for threads in (1, 3):
            with lse.num_threads(threads):
                assert_same(lse.logsumexp(turned), expected)
                assert_same(lse.logsumexp(backwards), expected)
        if a.ndim == 2:
            assert_same(lse.logsumexp(turned, where=chosen), lse.logsumexp(a, where=chosen))
            both = np.stack([turned.T, turned.T]).swapaxes(1, 2)
            assert_same(lse.logsumexp(both, axis=(1, 2)), np.full(2, expected))


@pytest.mark.parametrize("n", [257, 300, 1000, 2048, 5000, 70_001])
@pytest.mark.parametrize("count", [3, 21])
def test_faint_sums_of_rows_and_columns(n, count, rng):
    """All but one element near 0 is small, in most rows: that is seen early, late or not at all."""
    a = -rng.choice([20, 40, 300, 745, 1100], (count, n)) - rng.random((count, n))
    a[np.arange(count), rng.integers(0, n, count)] = rng.choice([0, 1e-9, -1e-7, 1e-4], count)
    a[:2] -= 100 * (a[:2] < -1)
    a[2, [1, -1]] = 0
    if count > 6:
        a[3, 5], a[4, 7], a[5, n // 2], a[6] = np.nan, np.inf, -3, np.where(a[6] < -1, -1200, 0)
    expected = np.array([lse.logsumexp(row) for row in a])
    of_some = np.array([lse.logsumexp(row, where=row > -700) for row in a])
    exact = [math.log1p(math.fsum(np.exp(row[row != 0]))) for row in a[:2] if 0 in row]
    np.testing.assert_allclose(expected[:2][(a[:2] == 0).any(axis=1)], exact, rtol=4.5e-16, atol=0)
    for x, axis in ((a, 1), (a.T.copy(), 0), (np.asfortranarray(a), 1), (a[:, ::-1].copy()[:, ::-1], 1)):
        assert_same(lse.logsumexp(x, axis=axis), expected)
        assert_same(lse.logsumexp(x, axis=axis, where=x > -700), of_some)


@pytest.mark.parametrize("n", [257, 1000, 5003, 70_001])
@pytest.mark.parametrize("count", [2, 5, 8, 21, 70])
def test_columns_that_are_all_faint(n, count, rng):
    """Each has an element near 0 somewhere and all else is small; then one has two, NaN or something in between."""
    a = -rng.choice([40, 300, 700], (count, n)) - rng.random((count, n))
    a[np.arange(count), rng.integers(0, n, count)] = rng.choice([0, 2.0**-21, -(2.0**-21)], count)
    for value in (-700, 0, np.nan, -5, np.inf):
        a[count // 2, n // 3] = value
        expected = np.array([lse.logsumexp(row) for row in a])
        of_some = np.array([lse.logsumexp(row, where=row > -500) for row in a])
        columns = np.ascontiguousarray(a.T)
        assert_same(lse.logsumexp(columns, axis=0), expected)
        assert_same(lse.logsumexp(columns, axis=0, where=columns > -500), of_some)


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("function", FUNCTIONS[1:])
@pytest.mark.parametrize("shape", [(20, 9, 33), (30, 20, 2, 40)])
def test_memory_orders_of_maps(dtype, function, shape, rng):
    """Elements, mask and output each in an order of its own, their values odd or plain."""
    odd = rows(shape[-1], np.prod(shape[:-1]), dtype, rng).reshape(shape)
    odd[np.isnan(odd)] = -np.inf
    for a in (normal(shape, dtype, rng), odd):
        chosen = rng.random(shape) < 0.8
        for axis in (None, (0, 1), (1, 2), (0, 2)):
            wanted = function(a, axis=axis), function(a, axis=axis, where=chosen)
            for orders in rng.permuted(np.tile(np.arange(a.ndim), (3, 3, 1)), axis=2):
                x, where, out = (moved(y, order) for y, order in zip((a, chosen, a), orders, strict=True))
                assert_same(function(x, axis=axis, out=out), wanted[0])
                assert_same(function(x, axis=axis, out=out, where=where), wanted[1])


def moved(a, order):
    """A copy whose axes lie in this order in memory."""
    return a.transpose(order).copy().transpose(np.argsort(order))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("n", "count"), [(7, 70), (300, 3), (300, 70), (700, 530), (5000, 9), (5000, 70)])
def test_masks(dtype, function, n, count, rng):
    """Of any layout, which may leave out all of a row, or of a column with NaN or infinities in it."""
    a = rows(n, count, dtype, rng)
    full = rng.random(a.shape) < 0.8
    full[:4] = [[True], [False], [True], [False]][:count]
    for mask in (full, full[:, :1], full[:1], np.zeros((1, 1), bool)):
        expected = function(a, axis=1, where=np.broadcast_to(mask, a.shape).copy())
        for name, where in layouts(mask):
            assert np.array_equal(bits(function(a, axis=1, where=where)), bits(expected)), name
            columns = function(np.ascontiguousarray(a.T), axis=0, where=where.T)
            assert np.array_equal(bits(columns.T), bits(expected)), name
            if expected.ndim == 2:
                assert_same(function(a.T, axis=0, where=where.T, out=a.T.copy()).T, expected)
                assert_same(function(a, axis=1, where=where, out=a.copy()), expected)


@pytest.mark.parametrize("dtype", [*EVERY, np.complex64, np.longdouble, np.clongdouble])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", [5, 17, 70, 300])
def test_masks_of_every_layout(dtype, function, n, rng):
    a, mask = normal((23, n), dtype, rng), rng.random((23, n)) < 0.7
    expected = [function(x, where=y) for x, y in zip(a, mask, strict=True)]
    for x in (a, np.asfortranarray(a)):
        for where in (mask, np.asfortranarray(mask), np.repeat(mask, 2, axis=1)[:, ::2], mask[:, ::-1].copy()[:, ::-1]):
            np.testing.assert_array_equal(function(x, axis=1, where=where), expected)
            np.testing.assert_array_equal(np.moveaxis(function(x.T, axis=0, where=where.T), 0, -1), expected)


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_zero_strides(dtype, function, rng):
    a = normal(50, dtype, rng)
    wide = np.broadcast_to(a, (40, 50))
    tall = np.broadcast_to(a[:, None], (50, 40))
    for axis in (0, 1, None):
        assert_same(np.asarray(function(wide, axis=axis)), np.asarray(function(wide.copy(), axis=axis)))
        assert_same(np.asarray(function(tall, axis=axis)), np.asarray(function(tall.copy(), axis=axis)))


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(700_001,), (3, 200_001), (5000, 100), (100, 5001), (66_000, 9)])
@pytest.mark.parametrize("threads", [2, *(pytest.param(n, marks=pytest.mark.exhausts) for n in (3, 7))])
def test_threads(dtype, function, shape, threads, rng):
    a = normal(shape, dtype, rng)
    for axis in (None, *range(len(shape))):
        with lse.num_threads(1):
            expected = function(a, axis=axis)
        with lse.num_threads(threads):
            assert_same(np.asarray(function(a, axis=axis)), np.asarray(expected))
