"""The functions of lse for scipy.LowLevelCallable, in the routines that call them."""

import numpy as np
import pytest

import lse

scipy = pytest.importorskip("scipy")
from scipy import integrate, ndimage  # noqa: E402


def test_signatures():
    integrand = scipy.LowLevelCallable.from_cython(lse, "integrand")
    assert integrand.signature == "double (int, double *)"
    in_footprint = scipy.LowLevelCallable.from_cython(lse, "filter_footprint")
    assert in_footprint.signature == "int (double *, intptr_t, double *, void *)"


def test_quad():
    """The integral of log(e^x + e^c) over x from 0 to 1, compared with the same in Python."""
    integrand = scipy.LowLevelCallable.from_cython(lse, "integrand")
    for c in (-1000.0, -1.0, 0.5, 1000.0):
        found = integrate.quad(integrand, 0, 1, args=(c,))
        assert found == integrate.quad(lambda x, c=c: lse.logsumexp([x, c]), 0, 1)
    assert integrate.quad(integrand, 0, 1, args=(1000.0,))[0] == pytest.approx(1000.0, rel=1e-15)


@pytest.mark.parametrize("name", ["log1pexp", "log1mexp", "logexpm1"])
def test_quad_of_one_number(name):
    function = scipy.LowLevelCallable.from_cython(lse, f"{name}_f64")
    assert function.signature == "double (double)"
    ends = (-2, -1) if name == "log1mexp" else (1, 2)
    assert integrate.quad(function, *ends) == integrate.quad(getattr(lse, name), *ends)


def test_nquad():
    integrand = scipy.LowLevelCallable.from_cython(lse, "integrand")
    ranges = [[0, 1], [-1, 2], [3, 4]]
    value, error = integrate.nquad(integrand, ranges)
    assert value == integrate.nquad(lambda *x: lse.logsumexp(x), ranges)[0]
    assert error < 1e-6


@pytest.mark.parametrize("size", [1, 3, (2, 5)])
@pytest.mark.parametrize("mode", ["reflect", "constant", "wrap"])
def test_generic_filter(rng, size, mode):
    in_footprint = scipy.LowLevelCallable.from_cython(lse, "filter_footprint")
    image = rng.normal(size=(20, 30)) * 100
    image[3, 4], image[10, 11], image[15, 6] = np.inf, np.nan, -np.inf
    found = ndimage.generic_filter(image, in_footprint, size=size, mode=mode)
    expected = ndimage.generic_filter(image, lse.logsumexp, size=size, mode=mode)
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.isnan(found).any()
