"""dask arrays: right for any chunks."""

import importlib
import itertools
import warnings

import numpy as np
import pytest

import lse
import oracle
from checks import same

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
hypothesis = pytest.importorskip("hypothesis")
lse_dask = importlib.import_module("lse.dask")
st, given = hypothesis.strategies, hypothesis.given

REDUCTIONS = ["logsumexp", "logmeanexp"]
MAPS = ["softmax", "log_softmax"]
FUNCTIONS = REDUCTIONS + MAPS
AXES = [None, 0, 1, -1, (0, 1), (0, -1), (1, 2), (2, 0, 1), ()]
settings = hypothesis.settings(
    deadline=None, derandomize=True, max_examples=60, suppress_health_check=list(hypothesis.HealthCheck)
)


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def both(function, a, *args, chunks=2, **kwargs):
    """The results for a dask array, after checking its announced dtype and shape, and for a NumPy array."""
    lazy = {k: cut(x, chunks) if isinstance(x, np.ndarray) else x for k, x in kwargs.items()}
    got = getattr(lse_dask, function)(cut(a, chunks), *args, **lazy)
    expected = getattr(lse, function)(a, *args, **kwargs)
    pairs = zip(got, expected, strict=True) if kwargs.get("return_sign") else [(got, expected)]
    return [(computed(x), np.asarray(y)) for x, y in pairs]


def cut(a, chunks):
    return da.from_array(a, chunks=(chunks,) * a.ndim if isinstance(chunks, int) else chunks)


def computed(lazy):
    assert isinstance(lazy, da.Array)
    with np.errstate(all="raise"):
        result = lazy.compute()
    assert isinstance(result, np.ndarray if lazy.ndim else np.generic)
    assert lazy.dtype == lazy._meta.dtype == result.dtype
    assert lazy.ndim == lazy._meta.ndim
    assert lazy.shape == result.shape
    return np.asarray(result)


def near(got, expected, units=2):
    """Of the same type, with the same infinities and NaN, the rest within some spacings at the result, or at 1."""
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    finite = np.isfinite(expected)
    same(np.where(finite, 0, got), np.where(finite, 0, expected))
    got, expected = got[finite], expected[finite]
    step = float(np.finfo(expected.dtype).eps)
    assert np.all(np.abs(got - expected) <= units * step * np.maximum(np.abs(expected), 1)), (got, expected)


# Right ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", REDUCTIONS)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_along_any_axis(rng, function, axis, keepdims):
    a = rng.standard_normal((3, 4, 5)) * 10
    b, where = rng.random((3, 4, 5)), rng.random((3, 4, 5)) < 0.6
    for chunks in (1, 2, ((1, 2), (4,), (3, 2)), 5):
        for options in ({}, {"b": b}, {"where": where}, {"b": b, "where": where}):
            near(*both(function, a, axis, keepdims=keepdims, chunks=chunks, **options)[0])


@pytest.mark.parametrize("function", MAPS)
@pytest.mark.parametrize("axis", AXES)
def test_maps_along_any_axis(rng, function, axis):
    x, where = rng.standard_normal((3, 4, 5)) * 10, rng.random((3, 4, 5)) < 0.6
    for chunks in (1, 2, ((1, 2), (4,), (3, 2)), 5):
        for options in ({}, {"where": where}):
            near(*both(function, x, axis, chunks=chunks, **options)[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_error_bounds_across_chunks(rng, dtype):
    for scale in (1e-3, 1, 30, 1e4):
        x = (rng.standard_normal(300) * scale).astype(dtype)
        b = rng.random(300).astype(dtype)
        a = cut(x, (37,))
        assert oracle.error(lse_dask.logsumexp(a).compute(), oracle.logsumexp(x)) <= 1
        assert oracle.error(lse_dask.logsumexp(a, b=b).compute(), oracle.weighted(x, b)) <= 1
        assert oracle.error(lse_dask.logmeanexp(a).compute(), oracle.mean(x)) <= 1
        assert oracle.error(lse_dask.logmeanexp(a, b=b).compute(), oracle.mean(x, b)) <= 1
        for got, y in zip(lse_dask.softmax(a).compute(), oracle.softmax(x), strict=True):
            assert oracle.error_in_ulp(got, y) <= 4
        for got, y in zip(lse_dask.log_softmax(a).compute(), oracle.log_softmax(x), strict=True):
            assert oracle.error(got, y) <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("side", [1, -1])
def test_positive_and_negative_sums_are_those_of_an_accumulator(dtype, side, rng):
    a, b = rng.standard_normal((2, 40, 3)).astype(dtype)
    b = (side * (b + np.array([3, -3, 0]))).astype(dtype)
    total = lse.LogSumExp(3, dtype)
    for start in range(0, 40, 9):
        total += lse.LogSumExp.of(a[start : start + 9], 0, b[start : start + 9])
    x, weights = (cut(y, (9, 3)) for y in (a, b))
    same(computed(lse_dask.logsumexp(x, 0, weights, split_every=99)), total.value)
    log_abs, sign = lse_dask.logsumexp(x, 0, weights, return_sign=True, split_every=99)
    same(computed(log_abs), total.log_abs)
    same(computed(sign), total.sign)
    assert np.isnan(total.value).any()


def test_weights_of_both_signs(rng):
    for _ in range(20):
        a, b = rng.standard_normal(60) * 3, rng.standard_normal(60)
        value, sign = dask.compute(*lse_dask.logsumexp(cut(a, (7,)), b=cut(b, (11,)), return_sign=True))
        assert oracle.error_of_sum(value, sign, a, b) <= 1
        unsigned = lse_dask.logsumexp(cut(a, (7,)), b=b).compute()
        same(unsigned, value if sign > 0 else np.float64(np.nan))


def test_inputs_on_which_a_formula_fails():
    for row, b, chunks in (
        ([0.0, -40.0], None, 1),
        ([-600.0] * 7 + [0.0], None, 2),
        ([0.0] + [-746.0] * 1000, None, 100),
        ([0.0, -1000.0], [1e-300, 1e300], 1),
        ([0.0, 0.0], [1e308, 1e308], 1),
    ):
        got = lse_dask.logsumexp(cut(np.array(row), (chunks,)), b=b if b is None else np.array(b)).compute()
        assert oracle.error_in_ulp(got, oracle.weighted(row, b)) <= 2
    a, b = cut(np.array([800.0, 800.0, 0.0]), (1,)), np.array([1.0, -1.0, 1.0])
    same(lse_dask.logsumexp(a, b=b).compute(), np.float64(0))
    same(lse_dask.logmeanexp(da.full(1000, 1e9, chunks=10)).compute(), np.float64(1e9))


@settings
@given(st.data())
def test_any_chunks(data):
    """Also empty ones, and different ones for the weights and the mask than for the elements."""
    shape = tuple(data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=3), label="shape"))

    def chunks(of):
        inner = [sorted(data.draw(st.lists(st.integers(0, n), max_size=3))) for n in of]
        return tuple(tuple(np.diff([0, *cuts, n]).tolist()) for cuts, n in zip(inner, of, strict=True))

    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a = rng.choice([0.0, 1.0, -2.5, 700.0, -700.0, 3.0, *data.draw(st.sampled_from([(), (np.inf, -np.inf)]))], shape)
    options, lazy = {}, {}
    for name, array in (("b", rng.random(shape)), ("where", rng.random(shape) < 0.7)):
        if data.draw(st.booleans(), label=name):
            options[name] = array[(slice(None, 1),) * data.draw(st.integers(0, len(shape)))]
            lazy[name] = cut(options[name], chunks(options[name].shape))
    axis = data.draw(
        st.sampled_from([x for n in range(len(shape) + 1) for x in itertools.permutations(range(len(shape)), n)])
    )
    keepdims, x, split_every = data.draw(st.booleans()), cut(a, chunks(shape)), data.draw(st.sampled_from([None, 2, 3]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", da.PerformanceWarning)
        for function in REDUCTIONS:
            got = getattr(lse_dask, function)(x, axis, keepdims=keepdims, split_every=split_every, **lazy)
            near(computed(got), np.asarray(getattr(lse, function)(a, axis, keepdims=keepdims, **options)))
        options.pop("b", None), lazy.pop("b", None)
        for function in MAPS:
            got = getattr(lse_dask, function)(x, axis, split_every=split_every, **lazy)
            near(computed(got), getattr(lse, function)(a, axis, **options))


def test_weights_and_masks_are_broadcast(rng):
    a, b, where = rng.standard_normal((4, 1, 5)), rng.random((3, 1)), rng.random((4, 1, 1)) < 0.7
    for axis in (None, 0, 1, 2, (0, 2)):
        for function in REDUCTIONS:
            near(*both(function, a, axis, b=b)[0])
            near(*both(function, a, axis, b=b, where=where)[0])
            near(*both(function, b, axis, b=a)[0])
            near(*both(function, a, axis, b=2.5)[0])
            near(*both(function, a, axis, b=3)[0])
        for function in MAPS:
            near(*both(function, a, axis, where=where)[0])
            near(*both(function, a, axis, where=np.array(False))[0])
    for got, expected in both("logsumexp", a, 0, b=b - 0.5, return_sign=True):
        near(got, expected, 8)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "uint64", "bool"])
def test_dtypes(rng, dtype):
    a = (rng.standard_normal((6, 7)) * 2).astype(getattr(pytest.importorskip("ml_dtypes"), dtype, dtype))
    for function, axis in itertools.product(FUNCTIONS, (None, 0, 1)):
        ((got, expected),) = both(function, a, axis)
        if got.dtype.itemsize == 2:
            same(got, expected)
        else:
            near(got, expected)
        near(*both(function, a, axis, dtype=np.float32)[0])
    zeros = da.zeros(65536, dtype=np.float16, chunks=5000)
    same(lse_dask.logsumexp(zeros).compute(), np.float16(11.09))


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, np.longdouble, np.clongdouble])
def test_what_cannot_be_merged_must_lie_in_one_chunk(rng, dtype):
    a = rng.standard_normal((4, 5)).astype(dtype)
    for function in FUNCTIONS:
        for got, expected in both(function, a, 1, chunks=((1, 3), (5,))):
            same(got, expected)
        with pytest.raises(TypeError, match=r"rechunk.*\(1,\) have one chunk each"):
            getattr(lse_dask, function)(cut(a, 2), axis=1)
    for got, expected in both("logsumexp", a, 1, chunks=((1, 3), (5,)), return_sign=True):
        same(got, expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_special_values(function):
    a = np.array(list(itertools.product([0.0, -np.inf, np.inf, np.nan], repeat=4)))
    for chunks in (((256,), (1, 1, 1, 1)), ((256,), (0, 1, 0, 3)), ((100, 0, 156), (2, 2))):
        near(*both(function, a, 1, chunks=chunks)[0])
        if function == "logsumexp":
            for b in (np.ones(4), np.array([1.0, -1.0, 0.0, -2.0])):
                got = dask.compute(*lse_dask.logsumexp(cut(a, chunks), 1, b, return_sign=True))
                for x, y in zip(got, lse.logsumexp(a, 1, b, return_sign=True), strict=True):
                    near(x, y, 8)
    for where in itertools.product([False, True], repeat=4):
        near(*both(function, a, 1, where=np.broadcast_to(where, a.shape), chunks=((256,), (1, 2, 1)))[0])


@pytest.mark.parametrize("function", REDUCTIONS)
def test_empty_arrays(function):
    for shape, axis in (((0,), 0), ((0, 3), 0), ((0, 3), 1), ((2, 0, 3), None), ((2, 0, 3), (0, 1)), ((0,), ())):
        for keepdims in (False, True):
            near(*both(function, np.empty(shape), axis, keepdims=keepdims, chunks=1)[0])
    for got, expected in both("logsumexp", np.empty((0, 3)), 0, return_sign=True):
        same(got, expected)


# Products of matrices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"), [((7, 9), (9, 5)), ((9,), (9, 5)), ((7, 9), (9,)), ((3, 7, 9), (9, 5)), ((9,), (9,))]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logmatmulexp(rng, a, b, dtype):
    x, y = ((100 * rng.standard_normal(shape)).astype(dtype) for shape in (a, b))
    expected = lse.logmatmulexp(x, y)
    for got in (
        lse.dask.logmatmulexp(da.from_array(x, chunks=4), da.from_array(y, chunks=(3, 5)[-y.ndim :])),
        lse.logmatmulexp(da.from_array(x, chunks=2), y),
        lse.logmatmulexp(x, da.from_array(y, chunks=(2, 5)[: y.ndim])),
    ):
        assert isinstance(got, da.Array)
        assert (got.shape, got.dtype) == (np.shape(expected), dtype)
        same(got.compute(), expected)
    if y.ndim == 2:
        same(lse.dask.logmatmulexp(da.from_array(x, chunks=4), lse.LogMatrix(y)).compute(), expected)


def test_logmatmulexp_wrong_calls():
    a = da.zeros((3, 4), chunks=2)
    with pytest.raises(ValueError, match="do not fit"):
        lse.dask.logmatmulexp(a, a)
    with pytest.raises(TypeError, match="out cannot take"):
        lse.logmatmulexp(a, a.T, out=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        lse.dask.logmatmulexp(a[a[:, 0] == 0], a.T)
