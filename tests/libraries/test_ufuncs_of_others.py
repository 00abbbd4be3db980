"""Do arrays of other libraries go through the ufuncs as through NumPy's?"""

import numpy as np
import pytest

import lse
from checks import same

UFUNCS = [lse.logaddexp, lse.logsubexp, lse.log1pexp, lse.log1mexp, lse.logexpm1]
X = {lse.log1mexp: -np.linspace(0.1, 9, 12)}


def given(ufunc):
    x = X.get(ufunc, np.linspace(0.1, 9, 12)).reshape(3, 4)
    return (x, x - 1)[: ufunc.nin]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_dask(ufunc):
    array = pytest.importorskip("dask.array")
    lazy = ufunc(*(array.from_array(x, chunks=2) for x in given(ufunc)))
    assert isinstance(lazy, array.Array)
    same(lazy.compute(), ufunc(*given(ufunc)))


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_xarray(ufunc):
    xarray = pytest.importorskip("xarray")
    result = ufunc(*(xarray.DataArray(x, dims=("a", "b")) for x in given(ufunc)))
    assert result.dims == ("a", "b")
    same(result.values, ufunc(*given(ufunc)))


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_pandas(ufunc):
    pandas = pytest.importorskip("pandas")
    result = ufunc(*(pandas.Series(x[0], index=list("abcd")) for x in given(ufunc)))
    assert list(result.index) == list("abcd")
    same(result.to_numpy(), ufunc(*(x[0] for x in given(ufunc))))


def test_masked_arrays():
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
    result = lse.log1pexp(masked)
    assert list(result.mask) == [False, True, False]
    same(result.compressed(), lse.log1pexp(np.array([1.0, 3.0])))
