"""Groups by label: the bits of segments of the sorted data, labels of every kind and shape, errors that name them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lse
from checks import layouts, same, same_bits

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]
MAPS = ["softmax", "log_softmax"]


def data(shape, dtype, rng):
    a = np.round(rng.standard_normal(shape) * rng.choice([1, 30, 500], shape), 2).astype(dtype)
    a[rng.random(shape) < 0.02] = -INF
    return a


def sorted_by(index, size):
    """The stable order of labels, and the offsets of the groups."""
    order = np.argsort(index, kind="stable")
    return order, np.searchsorted(index[order], np.arange(size + 1))


def check(a, index, size, b=None, where=True, axis=-1):
    """All functions for labels along an axis: as of segments of what is sorted."""
    order, indptr = sorted_by(np.asarray(index), size)
    taken = {"b": b, "where": where}
    taken = {k: np.take(x, order, axis) if np.ndim(x) else x for k, x in taken.items()}
    want = lse.segment_logsumexp(np.take(a, order, axis), indptr, axis, return_sign=True, **taken)
    got = lse.scatter_logsumexp(a, index, axis, size, b, True, where=where)
    same_bits(got[0], want[0])
    same_bits(got[1], want[1])
    for name in MAPS:
        x = np.take(a, order, axis)
        want = np.empty_like(lse.segment_softmax(x, indptr, axis))
        at = (slice(None),) * (axis % a.ndim) + (order,)
        want[at] = getattr(lse, "segment_" + name)(x, indptr, axis, where=taken["where"])
        same_bits(getattr(lse, "scatter_" + name)(a, index, axis, size, where=where), want)


# Bits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16, np.complex64, np.complex128, np.longdouble, np.int64, bool])
@pytest.mark.parametrize("n", [1, 2, 17, 300, 5000])
@pytest.mark.parametrize("groups", [1, 3, 40, 3000])
def test_groups_are_segments_of_the_sorted_data(dtype, n, groups, rng):
    a = (
        np.where(np.isfinite(x := data(n, np.float32, rng)), x, 0)
        if dtype in (np.int64, bool)
        else data(n, np.float32, rng)
    )
    a, index = a.astype(dtype), rng.integers(0, groups, n)
    check(a, index, groups)
    check(a, index, groups, np.round(rng.standard_normal(n), 2), rng.random(n) < 0.7)


@pytest.mark.parametrize(
    ("dtype", "kind", "n", "groups"),
    [
        ("f8", "i8", 100_001, 7), ("f8", "i8", 100_001, 200_000), ("f4", "i4", 100_001, 300),
        ("f8", "i8", 100_001, 30_000), ("f8", "i8", 600_001, 5000), ("f8", "i8", 600_001, 200_000),
        ("f4", "i4", 600_001, 20_000),
    ],
)  # fmt: skip
def test_many_elements(dtype, kind, n, groups, rng):
    """In one step or in buckets, by any number of threads."""
    a, index = data(n, dtype, rng), rng.integers(0, groups, n).astype(kind)
    for threads in (1, 3):
        with lse.num_threads(threads):
            check(a, index, groups)
    check(a, np.where(index % 5, groups // 2, index).astype(kind), groups, where=rng.random(n) < 0.9)


@pytest.mark.parametrize(
    ("dtype", "groups"), [("f4", 900), ("f2", 5), ("f2", 5000), ("c8", 6000), ("i1", 9000), ("c16", 7000), ("g", 90)]
)
@pytest.mark.parametrize("n", [16_385, 530_000])
def test_many_elements_of_any_size(dtype, groups, n, rng):
    """Chunks of buckets hold as many elements as there is room for; here also from every second element."""
    a = np.repeat(np.round(10 * rng.standard_normal(n)).astype(dtype), 2)[::2]
    index = rng.integers(0, groups, n)
    order, indptr = sorted_by(index, groups + 5)
    for threads in (1, 2):
        with lse.num_threads(threads):
            got = lse.scatter_logsumexp(a, index, size=groups + 5)
        same_bits(got, lse.segment_logsumexp(a[order], indptr))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "groups"), [(1024, 1000), (5000, 900), (80_001, 20_000)])
def test_short_groups(dtype, n, groups, rng):
    """Those of one length are columns that lie side by side; elements of all kinds, outputs at any distance."""
    a, index = data(n, dtype, rng), rng.integers(0, groups, n)
    a[rng.random(n) < 0.02], a[rng.random(n) < 0.01] = INF, NAN
    a[index < groups // 4] *= 1e30
    order, indptr = sorted_by(index, groups)
    for threads in (1, 3):
        with lse.num_threads(threads):
            check(a, index, groups)
            out = np.full(3 * groups, 7, dtype)[::-3]
            same_bits(lse.scatter_logsumexp(a, index, size=groups, out=out), lse.segment_logsumexp(a[order], indptr))
            assert np.all(out.base.reshape(-1, 3)[:, :2] == 7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mean", "groups"), [(3, 400), (30, 260), (90, 700), (40, 20_000)])
def test_groups_of_unequal_length(dtype, mean, groups, rng):
    """Those of similar length are columns of padded panels; the longest, and those that fill no panel, are rows."""
    lengths = rng.integers(0, 2 * mean, groups)
    lengths[rng.random(groups) < 0.02] = 5 * mean
    index = rng.permutation(np.repeat(np.arange(groups), lengths))
    a = data(index.size, dtype, rng)
    special = np.array([INF, NAN, 0.0, -0.0, 1e30, -1e30, 1e-40, -0.75, 1e-9], dtype)
    a = np.where(rng.random(a.size) < 0.02, rng.choice(special, a.size), a)
    a[index % 5 == 0] = -INF
    a[index % 5 == 1] = rng.choice(np.array([1e-9, -1e-9, -30], dtype), np.count_nonzero(index % 5 == 1))
    a[index % 5 == 2] = rng.choice(np.array([-0.0, -40], dtype), np.count_nonzero(index % 5 == 2))
    order, indptr = sorted_by(index, groups)
    for threads in (1, 3):
        with lse.num_threads(threads):
            same_bits(lse.scatter_logsumexp(a, index, size=groups), lse.segment_logsumexp(a[order], indptr))
            for name in MAPS:
                want = np.empty_like(a)
                want[order] = getattr(lse, "segment_" + name)(a[order], indptr)
                same_bits(getattr(lse, "scatter_" + name)(a, index), want)


@pytest.mark.parametrize(
    ("n", "groups", "share"), [(1_300_000, 9, 0.9), (1_300_000, 9000, 0.9), (2_400_000, 9000, 0.45)]
)
def test_a_group_of_most_elements(n, groups, share, rng):
    """All are sorted in one step, or its bucket is summed on all threads."""
    a = data(n, np.float32, rng)
    index = np.where(rng.random(n) < share, 4, rng.integers(0, groups, n)).astype(np.int32)
    order, indptr = sorted_by(index, groups)
    for threads in (1, 2):
        with lse.num_threads(threads):
            same_bits(lse.scatter_logsumexp(a, index, size=groups), lse.segment_logsumexp(a[order], indptr))


@pytest.mark.parametrize("shape", [(40,), (3, 40), (40, 3), (2, 5, 40), (2, 40, 7), (70_000, 2), (2, 70_000)])
def test_axes_and_layouts(shape, rng):
    a = data(shape, np.float64, rng)
    for axis, n in enumerate(shape):
        index = rng.integers(0, 9, n)
        check(a, index, 10, axis=axis)
        check(a, index, 10, np.round(rng.standard_normal(shape), 2), rng.random(shape) < 0.5, axis=axis)
        want, mapped = lse.scatter_logsumexp(a, index, axis, 10), lse.scatter_softmax(a, index, axis)
        for _, x in layouts(a) if a.size < 1000 else ():
            same_bits(lse.scatter_logsumexp(x, index, axis, 10), want)
            same_bits(lse.scatter_softmax(x, index, axis), mapped)


@pytest.mark.parametrize("kind", ["i8", "i4", "u1", "u8", ">i8"])
@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (3, 40, 4), (2, 30_000)])
def test_labels_of_each_row_alone(shape, kind, rng):
    """As with a mask that hides nothing, which takes another way."""
    a, index = data(shape, np.float32, rng), rng.integers(0, 6, shape).astype(kind)
    every = np.ones(shape, bool)
    for size in (6, 9, None):
        want = lse.scatter_logsumexp(a, index, -1, size, return_sign=True, where=every)
        got = lse.scatter_logsumexp(a, index, -1, size, return_sign=True)
        same_bits(got[0], want[0])
        same_bits(got[1], want[1])
        same_bits(lse.scatter_logsumexp(a, index, size=size, dtype="f8"),
                  lse.scatter_logsumexp(a, index, size=size, dtype="f8", where=every))  # fmt: skip
        for name in MAPS:
            scatter = getattr(lse, "scatter_" + name)
            same_bits(scatter(a, index, -1, size), scatter(a, index, -1, size, where=every))
    index[1, ..., 3] = 7
    for scatter in (lse.scatter_logsumexp, lse.scatter_softmax):
        with pytest.raises(ValueError, match=r"index\[1, (0, )?3\] is 7, but size is 6"):
            scatter(a, index, -1, 6)


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16, ">f8", np.complex64, np.longdouble, np.int32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_labels_of_an_axis_alone(dtype, order, rng):
    """Likewise; outputs of the same dtype and of others, and the input itself."""
    a = np.asarray(data((6, 7, 8), np.float32, rng), order=order)
    a = np.where(np.isfinite(a), a, 0).astype(dtype, order=order)
    for axis, n in enumerate(a.shape):
        for index in (rng.integers(0, 4, n), np.sort(rng.integers(0, 4, n))):
            want = lse.scatter_logsumexp(a, index, axis, 5, where=np.ones(a.shape, bool))
            got = lse.scatter_logsumexp(a, index, axis, 5)
            same_bits(got, want)
            assert got.strides == want.strides
            same_bits(lse.scatter_logsumexp(a, index, axis, 5, out=np.empty_like(want)), want)
            for name in MAPS:
                scatter = getattr(lse, "scatter_" + name)
                want = scatter(a, index, axis, where=np.ones(a.shape, bool))
                got = scatter(a, index, axis)
                same_bits(got, want)
                assert got.strides == want.strides
                same_bits(scatter(a, index, axis, out=np.empty(a.shape, got.dtype)), want)
                if np.dtype(dtype) == got.dtype:
                    x = a.copy(order="K")
                    same_bits(scatter(x, index, axis, out=x), want)
    before = a.copy()
    with pytest.raises(ValueError, match=r"index\[2\] is -1"):
        lse.scatter_softmax(a, [0, 1, -1, 2, 0, 0], 0, out=a if a.dtype.kind == "f" else None)
    same_bits(a, before)


def test_many_short_rows_by_threads(rng):
    a, index = data((5000, 30), np.float64, rng), rng.integers(0, 5, 30)
    for threads in (1, 2):
        with lse.num_threads(threads):
            check(a, index, 5)


@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (3, 40, 4), (300, 300)])
def test_labels_of_each_row(shape, rng):
    """Of as many dimensions as the array, broadcast to it."""
    a, b, where = data(shape, np.float64, rng), np.round(rng.standard_normal(shape), 2), rng.random(shape) < 0.7
    for axis in range(len(shape)):
        for lengths in (shape, tuple(n if i in (0, axis) else 1 for i, n in enumerate(shape))):
            index = rng.integers(0, 6, lengths)
            value, sign = lse.scatter_logsumexp(a, index, axis, 7, b, True, where=where)
            mapped = lse.scatter_log_softmax(a, index, axis, where=where)
            rows = [np.moveaxis(np.broadcast_to(x, x.shape if x.ndim == len(shape) else shape), axis, -1)
                    for x in (a, np.broadcast_to(index, shape), b, where, value, sign, mapped)]  # fmt: skip
            for r in np.ndindex(rows[0].shape[:-1]):
                x, i, weights, mask, v, s, m = (row[r] for row in rows)
                want = lse.scatter_logsumexp(x, i, -1, 7, weights, True, where=mask)
                same_bits(v, want[0])
                same_bits(s, want[1])
                same_bits(m, lse.scatter_log_softmax(x, i, where=mask))


def test_labels_that_ascend_need_no_copy(rng):
    a, index = data(100_000, np.float64, rng), np.sort(rng.integers(0, 50, 100_000))
    check(a, index, 60)
    check(np.ascontiguousarray(np.stack([a, a[::-1]])), index, 60)


# Properties -------------------------------------------------------------------------------------------------

LABELLED = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from([-INF, INF, NAN, 0.0, 1e300, -1e300, -0.5, 710.0, 1.0, 3.25, -40.0])),
    max_size=40,
)


@given(pairs=LABELLED, order=st.randoms(use_true_random=False))
def test_properties(pairs, order):
    index = np.array([i for i, _ in pairs], np.int64)
    a = np.array([x for _, x in pairs])
    got = lse.scatter_logsumexp(a, index, size=7)
    # a loop of logsumexp
    same_bits(got, np.array([lse.logsumexp(a[index == g]) for g in range(7)]))
    # permuting labels permutes results
    labels = list(range(7))
    order.shuffle(labels)
    same_bits(lse.scatter_logsumexp(a, np.array(labels)[index], size=7)[labels], got)
    # softmax sums to 1 in each group, and is the exponential of log-softmax
    if a.size:
        softmax = lse.scatter_softmax(a, index, size=7)
        with np.errstate(under="ignore"):
            np.testing.assert_allclose(np.exp(lse.scatter_log_softmax(a, index, size=7)), softmax, rtol=1e-12)
        sums = np.bincount(index, softmax, 7)
        some = np.isfinite(sums) & (sums > 0)
        np.testing.assert_allclose(sums[some], 1, rtol=1e-14)


# Arguments --------------------------------------------------------------------------------------------------


def test_a_worked_example():
    same(lse.scatter_logsumexp([0.0, 5, 0], [0, 3, 0]), np.array([np.log(2), -INF, -INF, 5]))
    same(lse.scatter_softmax([0.0, 5, 0], [1, 0, 1]), np.array([0.5, 1, 0.5]))
    same(lse.scatter_softmax([[NAN, 1, 1]], [2, 0, 0], where=[[False, True, True]]), np.array([[NAN, 0.5, 0.5]]))


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">u8", ">i8"])
def test_labels_of_every_integer_type(kind, rng):
    a, index = rng.standard_normal(60), rng.integers(0, 9, 60)
    want = lse.scatter_logsumexp(a, index, size=9)
    for given_index in (index.astype(kind), np.repeat(index, 2).astype(kind)[::2], index[::-1].astype(kind)[::-1]):
        same_bits(lse.scatter_logsumexp(a, given_index, size=9), want)
    same_bits(lse.scatter_logsumexp(a, index.tolist(), size=9), want)


def test_empty_arrays_and_groups():
    same(lse.scatter_logsumexp([], np.empty(0, int)), np.empty(0))
    same(lse.scatter_logsumexp([], np.empty(0, int), size=2), np.array([-INF, -INF]))
    assert lse.scatter_logsumexp(np.empty((0, 4)), [0, 1, 1, 2], 1).shape == (0, 3)
    assert lse.scatter_softmax(np.empty((4, 0)), [0, 1, 1, 2], 0).shape == (4, 0)
    assert lse.scatter_logsumexp(np.empty((3, 0, 2)), np.empty(0, int), 1, 5, return_sign=True)[1].shape == (3, 5, 2)
    assert lse.scatter_logsumexp(np.ones((2, 3)), np.zeros((2, 3), int), 1, dtype=np.float32).dtype == np.float32


def test_outputs(rng):
    a, index = rng.standard_normal((30, 40)), rng.integers(0, 5, 40)
    want = lse.scatter_logsumexp(a, index)
    for out in (np.empty((30, 5)), np.empty((30, 5), np.float32, order="F"), np.empty((60, 10))[::2, ::-2]):
        assert lse.scatter_logsumexp(a, index, out=out) is out
        same(out, want.astype(out.dtype))
    for labels in (index, np.sort(index), rng.integers(0, 5, (30, 40))):
        want = lse.scatter_softmax(a, labels)
        for out in (np.empty_like(a), np.empty(a.shape, np.float32), a.copy(), np.asfortranarray(a)):
            x = out if out.dtype == a.dtype and np.array_equal(out, a) else a
            assert lse.scatter_softmax(x, labels, out=out) is out
            same(out, want.astype(out.dtype))
    inside = np.concatenate([a, a])
    want = lse.scatter_softmax(a, index)
    same_bits(
        lse.scatter_softmax(inside[10:40], index, out=inside[:30]),
        lse.scatter_softmax(np.roll(np.concatenate([a, a]), -10, 0)[:30], index),
    )


@pytest.mark.parametrize(
    ("index", "size", "message"),
    [
        ([0, -1, 9], None, r"index\[1\] is -1; labels must not be negative"),
        ([0, 2, -1], 2, r"index\[1\] is 2, but size is 2"),
        ([0, 0, 2**62], 5, r"index\[2\] is 4611686018427387904, but size is 5"),
        (np.array([0, 2**64 - 1, 0], np.uint64), 5, r"index\[1\] is 18446744073709551615, but size is 5"),
        (np.array([1, 1, 200], np.uint8), 5, r"index\[2\] is 200, but size is 5"),
        ([0, 0, 0], 0, r"index\[0\] is 0, but size is 0"),
        ([0, 1], None, r"index has 2 labels, but the axis has length 3"),
        ([[0, 1]], None, r"shapes that do not broadcast with each other: [ax] \(3,\), index \(1, 2\)"),
        ([[0, 1, 0], [0, 0, 0]], None, r"index has shape \(2, 3\), which does not broadcast to \(3,\)"),
        (3, None, r"index has shape \(\)"),
        ([0, 0, 0], -1, "size must not be negative, but is -1"),
    ],
    ids=str,
)  # fmt: skip
def test_the_first_wrong_label_is_named(index, size, message):
    for name in ("logsumexp", *MAPS):
        shape = 3 if name != "logsumexp" else size
        out = None if shape in (None, -1) else np.full(shape, 7.0)
        with pytest.raises(ValueError, match=f"scatter_{name}: {message}"):
            getattr(lse, "scatter_" + name)(np.ones(3), index, size=size, out=out)
        assert out is None or (out == 7).all()


def test_wrong_labels_of_rows_and_of_long_arrays():
    index = np.zeros((2, 3, 4), int)
    index[1, 0, 2], index[1, 1, 0] = 8, -3
    with pytest.raises(ValueError, match=r"index\[1, 0, 2\] is 8, but size is 8"):
        lse.scatter_logsumexp(np.ones((2, 3, 4)), index, size=8)
    labels = np.zeros(300_000, np.int32)
    labels[[250_000, 299_000]] = 7
    for threads in (1, 2):
        with lse.num_threads(threads), pytest.raises(ValueError, match=r"index\[250000\] is 7"):
            lse.scatter_logsumexp(np.ones(300_000), labels, size=7)


@pytest.mark.parametrize("index", [[0.0, 1.0], [True, False], ["0", "1"], [None, 0], [0j, 1]], ids=str)
def test_labels_that_are_no_integers(index):
    with pytest.raises(TypeError, match="index must be of integers"):
        lse.scatter_logsumexp(np.ones(2), index)


def test_other_errors():
    for size in (1.5, "3", True, [3]):
        with pytest.raises(TypeError, match="size must be None or an integer"):
            lse.scatter_softmax(np.ones(2), [0, 1], size=size)
    for axis in (None, (0,), 0.5):
        with pytest.raises(TypeError, match="axis must be an integer"):
            lse.scatter_logsumexp(np.ones(2), [0, 1], axis)
    with pytest.raises(np.exceptions.AxisError):
        lse.scatter_logsumexp(1.0, [0])
    with pytest.raises(TypeError, match=r"index is a masked array.*pass index\.data"):
        lse.scatter_logsumexp(np.ones(2), np.ma.masked_array([0, 1], [False, True]))
    with pytest.raises(ValueError, match="out has shape"):
        lse.scatter_logsumexp(np.ones(2), [0, 1], out=np.empty(3))


# Running sums -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5,), (300,), (4, 3), (4, 20)])
def test_update_at_once(dtype, shape, rng):
    """The bits are those of scatter_logsumexp."""
    n = 700
    a, index = data((n, *shape[1:]), dtype, rng), rng.integers(0, shape[0], n)
    total = lse.LogSumExp(shape, dtype)
    assert total.update_at(index, a) is total
    same_bits(total.value, lse.scatter_logsumexp(a, index, 0, shape[0]))
    counts = np.bincount(index, minlength=shape[0]).reshape(-1, *(1,) * (len(shape) - 1))
    same(total.count, np.broadcast_to(counts, shape))
    copy = lse.LogSumExp.from_bytes(total.to_bytes())
    same_bits(copy.value, total.value)
    same(copy.count, total.count)


@pytest.mark.parametrize("shape", [(6,), (6, 3)])
def test_update_at_in_pieces(shape, rng):
    n = 500
    a, b = rng.standard_normal((n, *shape[1:])) * 50, rng.standard_normal((n, *shape[1:]))
    index, where = rng.integers(0, 6, n), rng.random((n, *shape[1:])) < 0.6
    total, others = lse.LogSumExp(shape), lse.LogSumExp(shape)
    for start in range(0, n, 100):
        piece = slice(start, start + 100)
        (total if start % 200 else others).update_at(index[piece], a[piece], b[piece], where=where[piece])
    total += others
    log_abs, sign = lse.scatter_logsumexp(a, index, 0, 6, b, True, where=where)
    np.testing.assert_allclose(total.log_abs, log_abs, rtol=1e-12)
    same(total.sign, sign)
    ones = np.zeros((6, *shape[1:]), np.int64)
    np.add.at(ones, index, where)
    same(total.count, ones)
    before = total.value
    total.update_at([], np.empty((0, *shape[1:])))
    same_bits(total.value, before)
    total.update_at([5, 5], -INF)
    same_bits(total.value, before)


def test_update_at_broadcasts():
    total = lse.LogSumExp((3, 2)).update_at([[0, 2], [2, 2]], 0.0)
    same(total.value, np.array([[0, 0], [-INF, -INF], [np.log(3), np.log(3)]]))
    same(total.count, np.array([[1, 1], [0, 0], [3, 3]]))
    total.update_at(1, [1.0, 2.0], b=[1.0, -1.0])
    same(total.log_abs[1], np.array([1.0, 2.0]))
    same(total.sign[1], np.array([1.0, -1.0]))
    wide = lse.LogSumExp(2).update_at([0, 1, 0], [0.0, 0, 0], b=np.array([2**53 + 1, 1, -(2**53)]))
    same(wide.value, np.array([0.0, 0.0]))
    same(wide.count, np.array([2, 1]))


def test_update_at_errors():
    total = lse.LogSumExp((3, 2)).update_at([0], [[1.0, 2.0]])
    before = total.to_bytes()
    for index, a, message in (
        ([0, 3], 0.0, r"LogSumExp.update_at: index\[1\] is 3, but size is 3"),
        ([[0, 1], [-1, 5]], 0.0, r"index\[1, 0\] is -1; labels must not be negative"),
        ([0, 1], np.zeros((3, 2)), r"shapes that do not broadcast"),
        ([0], np.zeros((2, 1, 2)), r"a has shape \(2, 1, 2\), which does not broadcast to \(1, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            total.update_at(index, a)
    with pytest.raises(TypeError, match="index must be of integers"):
        total.update_at([0.5], 0.0)
    with pytest.raises(TypeError, match="complex128 data are not supported"):
        total.update_at([0], 1j)
    with pytest.raises(ValueError, match="the accumulator has no axes"):
        lse.LogSumExp().update_at([0], [1.0])
    assert total.to_bytes() == before
