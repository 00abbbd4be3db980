"""empty= of softmax and log_softmax: rows with nothing in them, in every layout and dtype, and only these."""

import numpy as np
import pytest

import lse
from checks import layouts, same_bits

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

INF, NAN = np.inf, np.nan
NAMES = ["softmax", "log_softmax"]


def expected(name, x, axis, where, empty):
    """The result where NaN has no other reason than that there is nothing."""
    result = getattr(lse, name)(x, axis, where=where)
    included = np.broadcast_to(where, x.shape)
    nothing = (np.isneginf(x.real) | ~included).all(axis, keepdims=True)
    return np.where(nothing & (included | ~included.any(axis, keepdims=True)), np.asarray(empty, x.dtype), result)


def make(shape, axis, dtype, rng):
    x = np.round(rng.standard_normal(shape), 2).astype(dtype)
    dead = rng.random(tuple(1 if i == axis else n for i, n in enumerate(shape))) < 0.4
    x = np.where(dead, dtype(-INF), x)
    x[rng.random(shape) < 0.01] = NAN
    return x


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("n", [1, 2, 7, 16, 33, 256, 257, 700, 4097, 66_000])
def test_rows_and_columns(name, dtype, n, rng):
    function = getattr(lse, name)
    for shape, axis in (((n,), 0), ((5, n), 1), ((n, 3), 0), ((n, 20), 0), ((2, n, 3), 1)):
        if n > 4097 and len(shape) > 1 and 3 not in shape:
            continue
        x = make(shape, axis, dtype, rng)
        for where in (True, rng.random(shape) < 0.3, np.zeros(shape, bool)):
            for empty in (0.0, -INF, 2.5)[: 1 if n > 1000 else 3]:
                want = expected(name, x, axis, where, empty)
                same_bits(function(x, axis, where=where, empty=empty), want)
                out = x.copy()
                assert function(out, axis, where=where, out=out, empty=empty) is out
                same_bits(out, want)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(6, 40), (2, 300, 9)])
def test_layouts(name, shape, rng):
    x = make(shape, 1, np.float64, rng)
    where = rng.random(shape) < 0.5
    want = expected(name, x, 1, where, 0.0)
    for _, other in layouts(x):
        same_bits(getattr(lse, name)(other, 1, where=where, empty=0.0), want)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_long_double(name, dtype, rng):
    x = make((6, 9), 1, dtype, rng)
    where = rng.random((6, 9)) < 0.4
    np.testing.assert_array_equal(getattr(lse, name)(x, 1, where=where, empty=0.0), expected(name, x, 1, where, 0.0))


def test_attention():
    """A query whose keys are all masked attends to nothing."""
    scores, mask = np.array([[1.0, 1.0], [5.0, 7.0]]), np.array([[True, True], [False, False]])
    same_bits(lse.softmax(scores, axis=-1, where=mask, empty=0.0), np.array([[0.5, 0.5], [0, 0]]))
    same_bits(lse.log_softmax(scores, axis=-1, where=mask, empty=-INF)[1], np.array([-INF, -INF]))
    assert np.isnan(lse.softmax(scores, axis=-1, where=mask)[1]).all()
    same_bits(lse.softmax([[3, 4]], axis=1, where=[[False, False]], empty=0), np.zeros((1, 2)))


@pytest.mark.parametrize("empty", [None, "0", 1j, [0.0], True, np.zeros(1)])
def test_impossible_values(empty):
    for name in NAMES:
        with pytest.raises(TypeError, match=f"{name}: empty must be a real number"):
            getattr(lse, name)([1.0, 2.0], empty=empty)
