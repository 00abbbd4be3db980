"""dask arrays: what is computed, when and how often; the functions of lse with dask arrays; refused arguments."""

import importlib
import itertools
import pickle
import subprocess
import sys
import threading
from collections import Counter

import numpy as np
import pytest

import lse
from checks import same

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
lse_dask = importlib.import_module("lse.dask")

REDUCTIONS = ["logsumexp", "logmeanexp"]
MAPS = ["softmax", "log_softmax"]
FUNCTIONS = REDUCTIONS + MAPS


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


class Source:
    """Counts how often each chunk is read."""

    def __init__(self, a):
        self.a, self.shape, self.dtype, self.ndim = a, a.shape, a.dtype, a.ndim
        self.reads, self.lock = Counter(), threading.Lock()

    def __getitem__(self, place):
        with self.lock:
            self.reads[str(place)] += 1
        return self.a[place]


# Lazy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("axis", [None, 0, 1, ()])
def test_each_chunk_is_read_once_and_not_before_it_is_wanted(rng, axis, scheduler):
    a, b = rng.standard_normal((40, 30)), rng.random((40, 30))
    sources = [Source(a), Source(b), Source(b < 0.8)]
    x, weights, where = (da.from_array(s, chunks=(10, 7), asarray=False, meta=s.a[:0, :0]) for s in sources)
    results = [
        lse_dask.logsumexp(x, axis, b=weights, where=where),
        lse_dask.logmeanexp(x, axis, b=weights, where=where),
        dask.delayed(tuple)(lse_dask.logsumexp(x, axis, b=weights, where=where, return_sign=True)),
        lse_dask.softmax(x, axis, where=where),
    ]
    assert not any(s.reads for s in sources)
    for i, result in enumerate(results):
        for s in sources:
            s.reads.clear()
        result.compute(scheduler=scheduler)
        for s in sources[:: 2 if i == 3 else 1]:
            assert len(s.reads) == 20
            assert set(s.reads.values()) == {1}


@pytest.mark.parametrize(
    ("split_every", "layers"),
    [(None, [16, 4, 1]), (2, [32, 16, 8, 4, 2, 1]), (8, [8, 1]), ({-1: 16}, [4, 1]), (64, [1])],
)
def test_split_every_shapes_the_tree(split_every, layers):
    a = np.linspace(-300, 300, 64)
    x = da.from_array(a, chunks=1)
    for function in FUNCTIONS:
        got = getattr(lse_dask, function)(x, split_every=split_every)
        merging = {name: len(layer) for name, layer in got.dask.layers.items() if "-partial-" in name or "-agg" in name}
        assert list(merging.values()) == layers
        dependencies = got.dask.get_all_dependencies()
        widest = max(len(dependencies[key]) for name in merging for key in got.dask.layers[name])
        assert widest == 64 // layers[0]
        assert np.allclose(got.compute(), getattr(lse, function)(a), rtol=1e-15, atol=0)
    with dask.config.set(split_every=8):
        assert len(lse_dask.logsumexp(x).dask.layers) == len(lse_dask.logsumexp(x, split_every=8).dask.layers)


def test_the_scheduler_does_not_decide_the_bits(rng):
    a, b = rng.standard_normal((400, 300)) * 30, rng.standard_normal((400, 300))
    x, weights = (da.from_array(y, chunks=(70, 90)) for y in (a, b))
    lazy = [
        lse_dask.logsumexp(x, 0, b=weights),
        lse_dask.logsumexp(x),
        lse_dask.logmeanexp(x, 1, b=weights),
        lse_dask.softmax(x, 1),
        lse_dask.log_softmax(x, where=weights > 0),
        lse_dask.softmax(x.rechunk((70, -1)), 1),
    ]
    first = dask.compute(*lazy)
    for scheduler, workers in (("threads", 1), ("threads", 5), ("processes", 2)):
        for got, expected in zip(dask.compute(*lazy, scheduler=scheduler, num_workers=workers), first, strict=True):
            same(got, expected)
    same(first[-1], lse.softmax(a, 1))


def test_names_are_the_same_for_the_same_call_only():
    x = da.ones((6, 5), chunks=2)
    calls = [
        lambda f=f, axis=axis, options=options: getattr(lse_dask, f)(x, axis, **options)
        for f, axis, options in itertools.product(
            FUNCTIONS, (0, 1, None, ()), ({}, {"where": np.eye(6, 5) > 0}, {"dtype": "f4"})
        )
    ]
    calls += [lambda b=b, k=k: lse_dask.logsumexp(x, 0, b, k) for b in (None, 1.0, 2.0, x) for k in (False, True)][2:]
    calls += [lambda i=i: lse_dask.logsumexp(x, 0, return_sign=True)[i] for i in (0, 1)]
    names = [call().name for call in calls]
    assert names == [call().name for call in calls]
    assert len(set(names)) == len(names)


def test_graphs_travel():
    x = da.from_array(np.arange(12.0).reshape(3, 4), chunks=2)
    for function, axis in itertools.product(FUNCTIONS, (0, ())):
        lazy = getattr(lse_dask, function)(x, axis)
        same(pickle.loads(pickle.dumps(lazy)).compute(), lazy.compute())


def test_size_of_an_accumulator():
    for shape in ((), 1000, (30, 40)):
        total = lse.LogSumExp(shape)
        assert total.nbytes <= dask.sizeof.sizeof(total) <= total.nbytes + 200


# Chunk sizes that are not known -----------------------------------------------------------------------------


def test_unknown_chunk_sizes(rng):
    a = rng.standard_normal((7, 9))
    keep = a[:, 0] > 0
    x = da.from_array(a, chunks=(3, 4))
    x = x[x[:, 0] > 0]
    assert np.isnan(x.shape[0])
    b, where, a = rng.random(9), rng.random(9) < 0.7, a[keep]
    for axis in (None, 0, 1, ()):
        for function in REDUCTIONS:
            for options in ({}, {"b": b}, {"where": where}, {"b": x}, {"b": x[:, :1], "where": x > 0}):
                known = {k: v.compute() if isinstance(v, da.Array) else v for k, v in options.items()}
                got = getattr(lse_dask, function)(x, axis, **options).compute()
                expected = getattr(lse, function)(a, axis, **known)
                assert np.allclose(got, expected, rtol=1e-14, atol=1e-15, equal_nan=True)
        for function in MAPS:
            got = getattr(lse_dask, function)(x, axis, where=where).compute()
            assert np.allclose(got, getattr(lse, function)(a, axis, where=where), rtol=1e-14, atol=0, equal_nan=True)


def test_unknown_chunk_sizes_that_cannot_match(rng):
    x = da.from_array(rng.standard_normal((7, 9)), chunks=(3, 4))
    unknown = x[x[:, 0] > -9]
    for b in (x, x[:3], np.ones((7, 9)), x.T[x[0] > -9]):
        with pytest.raises(ValueError, match=r"compute_chunk_sizes|broadcast"):
            lse_dask.logsumexp(unknown, b=b)
    ones = da.ones(4, chunks=2)
    a, b = ones[ones > 0], da.from_array(np.array([1.0, 0.0, 1.0, 0.0]), chunks=2)
    with pytest.raises(ValueError, match=r"do not match: a \(2,\), b \(1,\)"):
        lse_dask.logsumexp(a, b=b[b > 0]).compute()


# The functions of lse ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_of_lse_answer_lazily(rng, function):
    a, where = rng.standard_normal((5, 6)), rng.random((5, 6)) < 0.6
    x, mask = da.from_array(a, chunks=2), da.from_array(where, chunks=3)
    call, lazy = getattr(lse, function), getattr(lse_dask, function)
    for got, expected in (
        (call(x), lazy(x)),
        (call(x, 1), lazy(x, 1)),
        (call(x, axis=(0, 1), dtype=np.float32), lazy(x, (0, 1), dtype=np.float32)),
        (call(a, 0, where=mask), lazy(a, 0, where=mask)),
        (call(x, where=where), lazy(x, where=where)),
    ):
        assert isinstance(got, da.Array)
        assert got.name == expected.name
    if function in REDUCTIONS:
        assert call(a, 1, mask, True).name == lazy(a, 1, mask, True).name
        assert call(a[0], b=x, where=where).name == lazy(a[0], b=x, where=where).name
    for out in (np.empty(call(a).shape), da.empty(5)):
        with pytest.raises(TypeError, match="out"):
            call(x, out=out)
    with pytest.raises(TypeError, match="out"):
        call(a, out=x)


def test_signs_of_dask_arrays_by_lse():
    value, sign = lse.logsumexp(da.ones(4, chunks=2), b=np.array([1.0, -2, -3, 1]), return_sign=True)
    same(dask.compute(value, sign), (np.log(3 * np.e), -1.0))


def test_what_has_no_lazy_form_says_so():
    x = da.ones((4, 4), chunks=2)
    for call in (
        lse.logcumsumexp,
        lambda x: lse.segment_logsumexp(x, [0, 2]),
        lambda x: lse.segment_logsumexp(np.ones(3), x),
        lse.LogSumExp.of,
        lse.LogSumExp().update,
        lambda x: lse.LogSumExp().update([1.0], b=x),
    ):
        with pytest.raises(TypeError, match=r"dask array.*compute\(\)"):
            call(x)


def test_importing_lse_does_not_import_dask():
    code = "import sys, numpy, lse; lse.logsumexp([1, 2], dtype='f4'); assert 'dask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# Refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"axis": 2}, np.exceptions.AxisError, "axis 2"),
        ({"axis": (0, -2)}, ValueError, "repeated axis"),
        ({"axis": 0.5}, TypeError, "axis must be None, an integer"),
        ({"where": np.ones(3)}, TypeError, "where must be boolean"),
        ({"where": da.ones((2, 4, 3), dtype=bool)}, ValueError, "where has shape"),
        ({"where": np.ones((5, 1), bool)}, ValueError, "broadcast"),
        ({"dtype": int}, TypeError, "dtype int64"),
        ({"dtype": "nonsense"}, TypeError, "not a dtype"),
        ({"split_every": 1}, ValueError, "split_every=1"),
        ({"split_every": 2.5}, TypeError, "split_every"),
        ({"split_every": {0: 2, -2: 3}}, ValueError, "split_every"),
        ({"split_every": {1: 2}, "axis": 0}, ValueError, "split_every"),
        ({"split_every": {7: 2}}, np.exceptions.AxisError, "7"),
        ({"split_every": [2]}, TypeError, "split_every"),
    ],
)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_options_that_are_wrong(function, options, error, match):
    with pytest.raises(error, match=match):
        getattr(lse_dask, function)(da.ones((4, 3), chunks=2), **options)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_arrays_that_are_wrong(function):
    call = getattr(lse_dask, function)
    x = da.ones((4, 3), chunks=2)
    for a, match in (
        (x.astype(object), "dtype object"),
        (x.astype("M8[s]"), "dtype datetime64"),
        (da.ma.masked_array(x, x > 2), r"where=~dask\.array\.ma\.getmaskarray"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), r"\.data, where=~.*\.mask"),
        (["x"], "dtype str"),
    ):
        with pytest.raises(TypeError, match=match):
            call(a)
    with pytest.raises(TypeError, match="masked"):
        call(x, where=da.ma.masked_array(x > 2, x > 2))
    if function in REDUCTIONS:
        with pytest.raises(TypeError, match="masked"):
            call(x, b=da.ma.masked_array(x, x > 2))
        with pytest.raises(ValueError, match=r"a \(4, 3\), b \(4,\)"):
            call(x, b=np.ones(4))
        with pytest.raises(ValueError, match="range of float64"):
            call(x, b=10**400)


def test_anything_that_numpy_takes(rng):
    for a in ([1.0, 2.0], 3, np.float32(2), np.arange(6).reshape(2, 3)):
        for function in FUNCTIONS:
            same(getattr(lse_dask, function)(a).compute(), getattr(lse, function)(a))
