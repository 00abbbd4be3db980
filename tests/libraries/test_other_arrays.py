"""Arrays of other libraries: zero-copy input, results of the same library, refusals with advice."""

import numpy as np
import pytest

import lse
from checks import fresh, same

A = np.array([[1000.0, 1001, 1002], [0, -40, np.nan], [-np.inf, 3, np.inf]])


def segments(a, **kwargs):
    return lse.segment_logsumexp(a, [0, 2, 3], **kwargs)


FUNCTIONS = [lse.logsumexp, lse.logmeanexp, lse.softmax, lse.log_softmax, lse.logcumsumexp, segments]
WEIGHTED = [lse.logsumexp, lse.logmeanexp]
MASKABLE = [lse.logsumexp, lse.logmeanexp, lse.softmax, lse.log_softmax]


# torch ------------------------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64", "complex128"])
def test_tensors_are_answered_by_tensors(function, name, torch):
    for a in (A.astype(name), A.astype(name).T, A.astype(name)[::2, 1:]):
        if function is segments and a.shape[-1] < 3:
            continue
        got = function(torch.from_numpy(a), axis=-1)
        assert type(got) is torch.Tensor
        assert got.dtype is getattr(torch, name)
        same(got.numpy(), function(a, axis=-1))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_tensors_of_bfloat16(function, torch):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    a = torch.tensor(A, dtype=torch.bfloat16)
    got = function(a, axis=-1)
    assert type(got) is torch.Tensor
    assert got.dtype is torch.bfloat16
    same(got.float().numpy(), function(A.astype(ml_dtypes.bfloat16), axis=-1).astype(np.float32))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64", "complex128"])
def test_tensors_of_bfloat16_computed_in_another_dtype(function, name, torch):
    a = torch.tensor(A, dtype=torch.bfloat16)
    got = function(a, axis=-1, dtype=name)
    assert got.dtype is getattr(torch, name)
    same(got.numpy(), function(a.float().numpy(), axis=-1, dtype=name))
    if function in WEIGHTED:
        same(np.asarray(function(A, axis=-1, b=a, dtype=name)), function(A, axis=-1, b=a.float().numpy(), dtype=name))


def test_whole_tensors(torch):
    got = lse.logsumexp(torch.tensor([1000.0, 1001, 1002]))
    assert type(got) is torch.Tensor
    assert got.shape == ()
    assert str(got.numpy()) == "1002.4076"
    assert lse.softmax(torch.tensor([[1.0, 2], [3, 4]])).shape == (2, 2)
    assert lse.logsumexp(torch.zeros(2, 0), axis=1).tolist() == [-np.inf] * 2
    for kind in (torch.int8, torch.uint8, torch.int64, torch.bool):
        assert lse.logsumexp(torch.ones(3, dtype=kind)).dtype is torch.float64
    assert lse.logsumexp(torch.ones(3), dtype=np.float64).dtype is torch.float64


@pytest.mark.parametrize("function", WEIGHTED)
def test_weights_and_where_of_tensors(function, torch):
    a, b, where = A[:1].T @ np.ones((1, 3)), np.array([0.5, 1, 2]), np.array([True, False, True])
    expected = function(a, axis=1, b=b, where=where)
    for x, w, m in (
        (a, b, where),
        (torch.tensor(a), torch.tensor(b), torch.tensor(where)),
        (torch.tensor(a), b, where),
    ):
        got = function(x, axis=1, b=w, where=m)
        assert type(got) is type(x)
        same(np.asarray(got), expected)
    value, sign = lse.logsumexp(torch.tensor(a), axis=1, b=-torch.tensor(b), return_sign=True)
    assert type(value) is type(sign) is torch.Tensor
    assert sign.tolist() == [-1, -1, -1]
    same(lse.softmax(torch.tensor(a), axis=1, where=torch.tensor(where)).numpy(), lse.softmax(a, axis=1, where=where))
    same(lse.segment_logsumexp(torch.tensor(b), torch.tensor([0, 1, 3])).numpy(), lse.segment_logsumexp(b, [0, 1, 3]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_tensors_that_cannot_be_read(function, torch):
    a = torch.zeros(3, requires_grad=True)
    if function is segments:
        with pytest.raises(TypeError, match="detach"):
            function(a)
    assert function(a.detach()) is not None
    with pytest.raises(TypeError, match="cpu"):
        function(torch.zeros(3, device="meta"))
    for argument in ("b", "where"):
        if function in (WEIGHTED if argument == "b" else MASKABLE):
            with pytest.raises(TypeError, match="cpu"):
                function(np.zeros(3), **{argument: torch.ones(3, device="meta", dtype=torch.bool)})
    if function in WEIGHTED:
        with pytest.raises(TypeError, match="detach"):
            function(np.zeros(3), b=a)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_tensors_that_numpy_cannot_read(function, torch):
    name = "segment_logsumexp" if function is segments else function.__name__
    with pytest.raises(TypeError, match=rf"^{name}: [ax] is a sparse tensor .*to_dense\(\)"):
        function(torch.eye(3).to_sparse())
    with pytest.raises(TypeError, match=rf"^{name}: [ax] is a tensor of torch.float8_e4m3fn .*[ax]\.float\(\)"):
        function(torch.ones(3).to(torch.float8_e4m3fn))
    rows = [torch.ones(3, requires_grad=True), torch.ones(3)]
    with pytest.raises(TypeError, match=rf"^{name}: [ax] holds tensors .*torch.stack\([ax]\)\.detach\(\)"):
        function(rows, axis=-1)
    same(np.asarray(function([x.detach() for x in rows], axis=-1)), function(np.ones((2, 3), np.float32), axis=-1))


def test_tensors_without_values(torch):
    with pytest.raises(TypeError, match=r"^logsumexp: a is a tensor without values .* outside of torch\.func"):
        torch.func.vmap(lse.logsumexp)(torch.ones(2, 3))


def test_wide_integers_with_weights_of_bfloat16(torch):
    a, b = np.array([2**53, 2**53 + 1]), torch.tensor([1.0, 0.0], dtype=torch.bfloat16)
    for order in (slice(None), [1, 0]):
        for x in (a[order], torch.from_numpy(a[order])):
            assert lse.logsumexp(x, b=b) == lse.logmeanexp(x, b=b) == float(a[order][0])
            assert lse.LogSumExp.of(x, b=b).value == float(a[order][0])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_dtypes_for_tensors(function, torch):
    name = "segment_logsumexp" if function is segments else function.__name__
    a = torch.ones(3)
    with pytest.raises(TypeError, match=rf"^{name}: dtype=torch.float64 .*pass its name, 'float64'"):
        function(a, dtype=torch.float64)
    with pytest.raises(TypeError, match=rf"^{name}: the library of [ax] has no arrays of dtype (longdouble|float128)"):
        function(a, dtype=np.longdouble)
    assert function(a, dtype=pytest.importorskip("ml_dtypes").bfloat16).dtype is torch.bfloat16


def test_bfloat16_has_no_name_before_ml_dtypes_is_imported():
    program = """
import lse
try:
    lse.logsumexp([1.0], dtype="bfloat16")
except TypeError as error:
    print(error)
"""
    assert "dtype='bfloat16' is not a dtype of NumPy before ml_dtypes is imported" in fresh(program)


def test_the_input_of_torch_is_not_changed(torch):
    a = torch.tensor(A)
    for function in FUNCTIONS:
        got = function(a, axis=-1)
        got.zero_()
    same(a.numpy(), A)


# jax --------------------------------------------------------------------------------------------------------


@pytest.fixture
def jnp():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield jax.numpy


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", ["bfloat16", "float16", "float32", "float64", "complex64"])
def test_jax_is_answered_by_jax(function, name, jnp):
    a = jnp.asarray(A).astype(name)
    got = function(a, axis=-1)
    assert type(got) is type(a)
    assert got.dtype == name
    same(np.asarray(got), function(np.asarray(a), axis=-1))


def test_weights_and_where_of_jax(jnp):
    b, where = np.array([0.5, 1, 2]), np.array([True, False, True])
    got = lse.logsumexp(jnp.asarray(A), axis=1, b=jnp.asarray(b), where=jnp.asarray(where))
    assert type(got) is type(jnp.asarray(b))
    same(np.asarray(got), lse.logsumexp(A, axis=1, b=b, where=where))
    assert lse.logsumexp(jnp.arange(3)).dtype == np.float64
    assert str(np.asarray(lse.logsumexp(jnp.asarray([1000.0, 1001, 1002], jnp.float32)))) == "1002.4076"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_jax_traces_has_no_values(function, jnp):
    jax = pytest.importorskip("jax")
    name = "segment_logsumexp" if function is segments else function.__name__
    refused = pytest.raises(TypeError, match=rf"^{name}: [ax] is traced by jax .*lse\.{name} outside.*pure_callback")
    with refused:
        jax.jit(function)(jnp.zeros(3))
    with refused:
        jax.grad(lambda a: function(a, axis=-1).sum())(jnp.zeros(3))
    with refused:
        jax.vmap(function)(jnp.zeros((2, 3)))
    with refused:
        jax.jit(lambda a: function([a, a], axis=-1))(jnp.zeros(3))
    if function in WEIGHTED:
        with pytest.raises(TypeError, match=f"^{name}: b is traced by jax"):
            jax.jit(lambda b: function(np.zeros(3), b=b))(jnp.ones(3))
    with pytest.raises(TypeError, match=f"^{name}: axis is traced by jax"):
        jax.jit(lambda axis: function(np.zeros(3), axis=axis))(0)


def test_jax_calls_back(jnp):
    jax = pytest.importorskip("jax")
    shape = jax.ShapeDtypeStruct((), np.float64)
    got = jax.jit(lambda a: jax.pure_callback(lambda x: lse.logsumexp(np.asarray(x)), shape, a))(jnp.zeros(3))
    same(np.asarray(got), np.asarray(lse.logsumexp(np.zeros(3))))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_dtypes_that_jax_has_only_with_64_bits(function):
    jax = pytest.importorskip("jax")
    name = "segment_logsumexp" if function is segments else function.__name__
    with jax.enable_x64(False):
        a = jax.numpy.zeros(3)
        for dtype, less in (("float64", "float32"), ("complex128", "complex64")):
            with pytest.raises(TypeError, match=f"^{name}: dtype={dtype} would be .* {less}, .*jax_enable_x64"):
                function(a, dtype=dtype)
        assert function(a, dtype=np.float16).dtype == np.float16
        for x, y, operand in ((a, a, "a"), (a, np.zeros(3), "a"), (np.zeros(3), a, "b")):
            with pytest.raises(TypeError, match=f"^logmatmulexp: dtype=float64 would be .* library of {operand} has"):
                lse.logmatmulexp(x, y, dtype=np.float64)
    with jax.enable_x64(True):
        assert function(a, dtype=np.float64).dtype == np.float64
        with pytest.raises(TypeError, match=f"^{name}: the library of [ax] has no arrays of dtype"):
            function(a, dtype=np.longdouble)


# pandas, xarray, dask ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_pandas(function):
    pd = pytest.importorskip("pandas")
    for x in (
        pd.DataFrame(A, columns=list("abc"), index=list("xyz")),
        pd.Series(A[0], index=[5, 6, 7]),
        pd.Index(A[0]),
    ):
        got, expected = function(x, axis=-1), function(np.asarray(x), axis=-1)
        assert type(got) is type(expected)
        same(got, expected)
    mixed = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": [True, False, True]})
    same(function(mixed[["a", "b"]].assign(c=1), axis=0), function(mixed[["a", "b"]].assign(c=1).to_numpy(), axis=0))
    with pytest.raises(TypeError, match="object"):
        function(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": list("xyz")}))


@pytest.mark.parametrize("dask", [False, True])
def test_xarray(dask):
    xr = pytest.importorskip("xarray")
    a = np.random.default_rng(0).standard_normal((4, 30, 5))
    x, options = xr.DataArray(a, dims=["time", "member", "place"], coords={"time": [10, 20, 30, 40]}), {}
    if dask:
        pytest.importorskip("dask.array")
        x, options = x.chunk(time=1, place=2), {"dask": "parallelized", "output_dtypes": [float]}
    for function in WEIGHTED:
        got = xr.apply_ufunc(function, x, input_core_dims=[["member"]], kwargs={"axis": -1}, **options)
        assert got.dims == ("time", "place")
        assert got.time.values.tolist() == [10, 20, 30, 40]
        same(got.to_numpy(), function(a, axis=1))
    dims = {"input_core_dims": [["member"]], "output_core_dims": [["member"]], "kwargs": {"axis": -1}}
    for function in (lse.softmax, lse.log_softmax, lse.logcumsumexp):
        got = xr.apply_ufunc(function, x, **dims, **options).transpose(*x.dims)
        same(got.to_numpy(), function(a, axis=1))
    same(lse.logsumexp(x, axis=1), lse.logsumexp(a, axis=1))


# SciPy's sparse arrays, and units ---------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix", "coo_array", "dok_array"])
def test_sparse_arrays_are_refused_with_advice(function, kind):
    sparse = pytest.importorskip("scipy.sparse")
    name = "segment_logsumexp" if function is segments else function.__name__
    a = getattr(sparse, kind)(np.eye(3))
    with pytest.raises(TypeError, match=rf"^{name}: [ax] is a sparse array .*toarray\(\).*segment_logsumexp"):
        function(a)
    if function in WEIGHTED:
        with pytest.raises(TypeError, match=f"^{name}: b is a sparse array"):
            function(np.zeros((3, 3)), b=a)


def units(library):
    """What makes an array of numbers with a unit."""
    module = pytest.importorskip({"astropy": "astropy.units"}.get(library, library))
    if library == "pint":
        return module.UnitRegistry().Quantity
    return module.Quantity if library == "astropy" else module.unyt_array


@pytest.mark.parametrize("library", ["astropy", "pint", "unyt"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_units(function, library):
    make, name = units(library), "segment_logsumexp" if function is segments else function.__name__
    a = np.array([100.0, 300.0, 0.0])
    for unit, factor in (("dimensionless", 1), ("percent", 0.01)):
        x = make(a, "" if (library, unit) == ("astropy", "dimensionless") else unit)
        for given in (x, [x, x], [list(x), [1.0, 2.0, 3.0]]):
            numbers = a * factor if given is x else [a * factor, a * factor if given[1] is x else [1.0, 2.0, 3.0]]
            got, expected = function(given, axis=-1), function(np.array(numbers), axis=-1)
            assert type(got) is type(expected)
            np.testing.assert_array_max_ulp(got, expected, 4)
    meters = make(a, "m")
    for wrong in (meters, [meters, meters], [list(meters)]):
        with pytest.raises(TypeError, match=f"^{name}: [ax] is a .*(uantity|unyt_array) with a unit.*dimensionless"):
            function(wrong, axis=-1)
    if function in WEIGHTED:
        for wrong in (meters, list(meters)):
            with pytest.raises(TypeError, match=f"^{name}: b is a .* with a unit"):
                function(a, b=wrong)
    if library != "pint":
        with pytest.raises(TypeError, match=f"^{name}: out is an array of class .*numpy.ndarray"):
            function(a, axis=-1, out=make(np.zeros(np.shape(function(a, axis=-1))), "m"))
    with pytest.raises(TypeError, match=f"^{name}: axis must be .*integer"):
        function(np.zeros(3), axis=make(np.array([0.5, 1.0]), "m"))


def test_masks_distributions_and_logarithms_of_astropy():
    u = pytest.importorskip("astropy.units")
    masked = pytest.importorskip("astropy.utils.masked").Masked
    with pytest.raises(TypeError, match="logsumexp: a is an array of class MaskedNDArray"):
        lse.logsumexp(masked(np.ones(3), mask=[True, False, False]))
    with pytest.raises(TypeError, match="logsumexp: a is a MaskedQuantity"):
        lse.logsumexp(masked(np.ones(3) * u.one, mask=[True, False, False]))
    with pytest.raises(TypeError, match="logsumexp: a is a Magnitude with a unit"):
        lse.logsumexp(u.Magnitude([1.0, 2.0]))


class WithRules(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        raise AssertionError("must not be called")


class WithoutUfuncs(np.ndarray):
    __array_ufunc__ = None


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", [WithRules, WithoutUfuncs])
def test_classes_of_arrays_with_ufuncs_of_their_own(function, kind):
    a = A[0].view(kind)
    for wrong in (a, [a, a]):
        with pytest.raises(TypeError, match=rf"[ax] is an array of class {kind.__name__}.*numpy\.asarray\([ax]\)"):
            function(wrong, axis=-1)
    same(function(np.asarray(a)), function(A[0]))
    out = np.empty_like(function(A, axis=-1))
    with pytest.raises(TypeError, match=rf"out is an array of class {kind.__name__}.*out\.view\(numpy\.ndarray\)"):
        function(A, axis=-1, out=out.view(kind))
    options = {"b": a} if function in WEIGHTED else {}
    options |= {"where": (A[0] > 0).view(kind)} if function in MASKABLE else {}
    for name, wrong in options.items():
        with pytest.raises(TypeError, match=f"{name} is an array of class {kind.__name__}"):
            function(A, axis=-1, **{name: wrong})
    with pytest.raises(TypeError, match="indptr is an array of class"):
        lse.segment_logsumexp(A[0], np.array([0, 1]).view(kind))


# NumPy's own relatives, and objects with a protocol ---------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_masked_arrays_are_refused_with_advice(function):
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [True, False, False])
    advice = r"\.data, where=~.*\.mask"
    with pytest.raises(TypeError, match=advice if function in MASKABLE else "mask"):
        function(masked)
    with pytest.raises(TypeError, match="mask"):
        function([1.0, np.ma.masked, 2.0])
    with pytest.raises(TypeError, match="mask"):
        function(np.zeros(3), out=np.ma.zeros(np.shape(function(np.zeros(3)))))
    if function in MASKABLE:
        same(function(masked.data, where=~masked.mask), function(masked.data, where=np.array([False, True, True])))
        with pytest.raises(TypeError, match=advice):
            function(np.zeros(3), where=masked > 1)
    if function in WEIGHTED:
        with pytest.raises(TypeError, match=advice):
            function(np.zeros(3), b=masked)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_mask_that_hides_nothing_is_ignored(function):
    values, no, yes = np.array([1.0, 2.0, 3.0]), np.zeros(3, bool), np.ma.masked_array([True, False, True])
    expected = function(values)
    for masked in (np.ma.masked_array(values), np.ma.masked_array(values, no)):
        got = function(masked)
        same(got, expected)
        assert type(got) is type(expected)
    same(function([np.ma.masked_array(values, no)] * 2), function([values] * 2))
    if function in MASKABLE:
        same(function(values, where=yes), function(values, where=yes.data))
    if function in WEIGHTED:
        same(function(values, b=np.ma.masked_array(values, no)), function(values, b=values))


class Array:
    """An array with NumPy's protocol only."""

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return self.a if dtype is None else self.a.astype(dtype)


class DLPack:
    """An array with DLPack's protocol only."""

    def __init__(self, a):
        self.a = a

    def __dlpack__(self, **kwargs):
        return self.a.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.a.__dlpack_device__()


class Elsewhere(DLPack):
    def __dlpack_device__(self):
        return (2, 0)  # the first CUDA device

    def __dlpack__(self, **kwargs):
        raise AssertionError("must not be read")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("wrap", [Array, DLPack])
def test_protocols(function, wrap):
    for dtype in (np.float32, np.float64):
        same(np.asarray(function(wrap(A.astype(dtype)), axis=-1)), np.asarray(function(A.astype(dtype), axis=-1)))
    if function in WEIGHTED:
        same(function(A, axis=1, b=wrap(np.array([1.0, 0, 2]))), function(A, axis=1, b=np.array([1.0, 0, 2])))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_device_is_refused_with_advice(function):
    with pytest.raises(TypeError, match=r"(?i)cpu"):
        function(Elsewhere(np.zeros(3)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_subclasses_of_arrays_give_plain_arrays(function, tmp_path):
    np.save(tmp_path / "a.npy", A)
    for a in (np.load(tmp_path / "a.npy", mmap_mode="r"), A.view(np.recarray)):
        got = function(a, axis=-1)
        assert type(got) is np.ndarray
        same(got, function(A, axis=-1))
