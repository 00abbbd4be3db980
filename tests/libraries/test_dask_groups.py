"""lse.dask.scatter_logsumexp: chunked in any way, by merged running sums."""

import numpy as np
import pytest

import lse
from checks import same, same_bits

da = pytest.importorskip("dask.array")
pytest.importorskip("lse.dask")

pytestmark = pytest.mark.usefixtures("kernel")


@pytest.mark.parametrize("shape", [(60,), (60, 4), (3, 60), (2, 60, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
def test_chunks(shape, dtype, rng):
    axis = shape.index(60)
    a = (rng.standard_normal(shape) * 20).astype(dtype)
    index, b, where = rng.integers(0, 7, 60), rng.standard_normal(shape).astype(np.float32), rng.random(shape) < 0.7
    for length in (60, 17, 1):
        chunks = tuple(length if n == 60 else 2 for n in shape)
        lazy = da.from_array(a, chunks=chunks)
        got = lse.dask.scatter_logsumexp(lazy, index, axis, 8)
        want = lse.scatter_logsumexp(a, index, axis, 8)
        assert got.shape == want.shape
        assert got.dtype == want.dtype
        computed = got.compute()
        assert computed.dtype == want.dtype
        np.testing.assert_allclose(computed, want, rtol=2e-3 if dtype == np.float16 else 1e-6)
        if length == 60:
            same_bits(computed, want)
        labels = da.from_array(index, chunks=13)
        value, sign = lse.scatter_logsumexp(lazy, labels, axis, 8, b, True, where=da.from_array(where, chunks=chunks))
        right, of = lse.scatter_logsumexp(a, index, axis, 8, b, True, where=where)
        np.testing.assert_allclose(value.compute(), right, rtol=1e-2 if dtype == np.float16 else 1e-4, atol=1e-4)
        same(sign.compute(), of)


def test_weights_that_are_wider_than_elements(rng):
    a, b, index = rng.standard_normal(40), rng.random((3, 40)), rng.integers(0, 4, 40)
    got = lse.dask.scatter_logsumexp(da.from_array(a, chunks=9), index, -1, 4, da.from_array(b, chunks=(2, 9)))
    np.testing.assert_allclose(got.compute(), lse.scatter_logsumexp(a, index, -1, 4, b), rtol=1e-14)


def test_complex_in_one_chunk(rng):
    a, index = rng.standard_normal(20) + 1j, rng.integers(0, 4, 20)
    same(lse.dask.scatter_logsumexp(da.from_array(a), index, size=4).compute(), lse.scatter_logsumexp(a, index, size=4))
    with pytest.raises(TypeError, match="cannot be merged across chunks"):
        lse.dask.scatter_logsumexp(da.from_array(a, chunks=5), index, size=4)


def test_errors():
    a = da.zeros(10, chunks=3)
    with pytest.raises(TypeError, match="size must be given for dask arrays"):
        lse.scatter_logsumexp(a, np.zeros(10, int))
    with pytest.raises(TypeError, match="out cannot take the result"):
        lse.scatter_logsumexp(a, np.zeros(10, int), size=2, out=np.empty(2))
    with pytest.raises(TypeError, match="index must be of integers"):
        lse.scatter_logsumexp(a, da.zeros(10), size=2)
    with pytest.raises(ValueError, match=r"index has shape \(9,\), but the axis has length 10"):
        lse.scatter_logsumexp(a, np.zeros(9, int), size=2)
    with pytest.raises(ValueError, match=r"index\[1\] is 5, but size is 2"):
        lse.scatter_logsumexp(a, np.array([0, 0, 0, 0, 5, 0, 0, 0, 0, 0]), size=2).compute()
    with pytest.raises(ValueError, match="chunk sizes unknown"):
        lse.scatter_logsumexp(a[a > -1], np.zeros(10, int), size=2)
    with pytest.raises(TypeError, match="axis must be an integer"):
        lse.scatter_logsumexp(a, np.zeros(10, int), None, 2)
