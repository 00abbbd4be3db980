"""What is computed side by side, or gathered from memory in another order, has the bits of one row by itself."""

import numpy as np
import pytest

import lse
from checks import layouts, same_bits

pytestmark = pytest.mark.usefixtures("kernel", "no_floating_point_errors")

DTYPES = [np.float32, np.float64]
MAPS = [lse.softmax, lse.log_softmax]
SUMS = [lse.logsumexp, lse.logmeanexp]
ODD = [0.0, -0.0, 1e-30, -1e-8, -700.0, -np.inf, np.inf, np.nan, 1e30, -1e30]
# squares that are transposed in registers, whole and overlapping, and what is too small for them
SHAPES = [(3, 5), (8, 40), (16, 16), (17, 33), (33, 17), (40, 6), (70, 300), (300, 70)]


def odd_numbers(shape, dtype, rng):
    """Normally distributed, some of them equal, and some rows with odd ones among them."""
    a = np.round(4 * rng.standard_normal(shape)) / 4
    a[:, ::3] = rng.choice(ODD, a[:, ::3].shape)
    a[:, 1::3] += rng.standard_normal(a[:, 1::3].shape)
    a[:, 4] = 0
    a[0, 4] = rng.choice([1e-9, -1e-9, 0])
    a[1:, 4] -= 600 * rng.random(len(a) - 1)
    return a.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 25, 64, 65])
def test_neighbours_are_summed_as_each_alone(n, dtype, rng):
    for columns in (7, 24, 150):
        a = odd_numbers((n, columns), dtype, rng)
        for function in (lse.logsumexp, *MAPS):
            alone = np.stack([function(np.ascontiguousarray(column)) for column in a.T], axis=-1)
            same_bits(function(a, axis=0), alone)
            same_bits(function(np.ascontiguousarray(a.T), axis=1), alone.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_whole_arrays_in_any_order_of_memory(shape, dtype, rng):
    a = rng.standard_normal(shape).astype(dtype)
    for name, b in layouts(a):
        same_bits(lse.logsumexp(b), lse.logsumexp(a.ravel()))
        for function in MAPS:
            out = np.empty_like(a, order="F" if name == "Fortran" else "C")
            same_bits(function(b, axis=None, out=out), function(a.ravel()).reshape(shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (30, 8), (5, 8), (20, 3)], ids=str)
@pytest.mark.parametrize("axis", [0, 1])
def test_masks_in_any_layout(shape, dtype, axis, rng):
    a, full, b = rng.standard_normal(shape).astype(dtype), rng.random(shape) < 0.7, rng.random(shape).astype(dtype)
    masks = [full, np.broadcast_to(full[:1], shape), np.broadcast_to(full[:, :1], shape)]
    for mask in masks:
        plain = np.ascontiguousarray(mask)
        others = [mask, *(other for _, other in layouts(plain))]
        for function in (*SUMS, *MAPS):
            expected = function(a, axis=axis, where=plain)
            for other in others:
                same_bits(function(a, axis=axis, where=other), expected)
        for function in SUMS:
            expected = function(a, axis=axis, b=b, where=plain)
            for other in others:
                same_bits(function(a, axis=axis, b=b, where=other), expected)


@pytest.mark.parametrize("dtype", [np.float16, *DTYPES])
@pytest.mark.parametrize("keepdims", [False, True])
def test_means_over_masks_of_many_dimensions(keepdims, dtype, rng):
    a, mask = rng.standard_normal((4, 5, 6)).astype(dtype), rng.random((4, 5, 6)) < 0.5
    mask[1], mask[:, 2, 3] = False, False
    for axis in (0, 1, 2, (0, 2), (1,), None, ()):
        axes = tuple(range(3)) if axis is None else axis
        counts = np.asarray(np.count_nonzero(mask, axis=axes, keepdims=keepdims)) if axes != () else mask.astype(int)
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = lse.logsumexp(a, axis=axis, where=mask, keepdims=keepdims, dtype=np.float64) - np.log(counts)
        for order in "CF":
            b = np.asarray(a, order=order)
            mean = lse.logmeanexp(b, axis=axis, where=np.asarray(mask, order=order), keepdims=keepdims)
            same_bits(mean, lse.logmeanexp(a, axis=axis, where=mask, keepdims=keepdims))
            tolerance = 4 * np.finfo(dtype).eps
            np.testing.assert_allclose(mean, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n", [2, 100, 5000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_have_the_mean_zero(n, dtype, rng):
    b = rng.random((n, 40)).astype(dtype)
    assert not np.any(lse.logmeanexp(np.zeros((n, 40), dtype), axis=0, b=b))
    assert not np.any(lse.logmeanexp(np.zeros((40, n), dtype), axis=1, b=np.ascontiguousarray(b.T)))
