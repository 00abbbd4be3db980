"""lse in functions compiled by Numba: the same bits in every mode, and errors for unsupported arguments."""

import ctypes
import doctest
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import lse
from checks import same, same_bits

numba = pytest.importorskip("numba")

import lse.numba as nb  # noqa: E402

DTYPES = [np.float32, np.float64]


@numba.njit
def plain(a):
    return lse.logsumexp(a)


@numba.njit(nogil=True)
def weighted(a, b):
    return lse.logsumexp(a, b=b)


@numba.njit(parallel=True)
def rows_in_parallel(a, out):
    for i in numba.prange(a.shape[0]):
        out[i] = lse.logsumexp(a[i])


def hard_rows(rng, dtype):
    for n in (0, 1, 7, 8, 100, 1001, 70_001):
        yield (rng.normal(size=n) * 20).astype(dtype)
    for special in (np.nan, np.inf, -np.inf, np.finfo(dtype).max, np.finfo(dtype).min):
        row = rng.normal(size=20).astype(dtype)
        row[7] = special
        yield row
        yield np.full(9, special, dtype)


def views(a):
    """Runs, strided arrays, read-only and unaligned ones."""
    yield a
    yield a[::-1]
    yield np.repeat(a, 3)[1::3]
    yield np.broadcast_to(a[:1], a.shape)
    read_only = a.copy()
    read_only.flags.writeable = False
    yield read_only
    unaligned = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype)
    unaligned[:] = a
    yield unaligned


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits(rng, dtype):
    for row in hard_rows(rng, dtype):
        b = rng.normal(size=row.size).astype(dtype)
        for a in views(row):
            same_bits(dtype(plain(a)), lse.logsumexp(a))
            same_bits(dtype(weighted(a, b)), lse.logsumexp(a, b=b))
            same_bits(dtype(weighted(a, np.abs(b)[::-1])), lse.logsumexp(a, b=np.abs(b)[::-1]))
            same_bits(dtype(weighted(a, None)), lse.logsumexp(a))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_type_of_a_result_is_that_of_the_array(dtype):
    @numba.njit
    def stored(a):
        return np.array([lse.logsumexp(a), lse.logsumexp(a, b=a)])

    assert stored(np.ones(3, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_in_parallel(rng, dtype):
    a = rng.normal(size=(300, 50)).astype(dtype)
    for given in (a, np.asfortranarray(a), np.repeat(a, 2000 // 50, axis=1)):
        out = np.empty(300, dtype)
        rows_in_parallel(given, out)
        same_bits(out, lse.logsumexp(given, axis=1))


def test_axes():
    @numba.njit
    def with_axes(a):
        return (
            lse.logsumexp(a, None),
            lse.logsumexp(a, 0),
            lse.logsumexp(a, axis=-1),
            lse.logsumexp(a, 0, None, False),
        )

    a = np.array([0.0, 1.0])
    assert with_axes(a) == (lse.logsumexp(a),) * 4


@numba.njit
def along_0(a, b):
    return lse.logsumexp(a, 0), lse.logsumexp(a, 0, b), lse.softmax(a, 0), lse.log_softmax(a, axis=0)


@numba.njit
def along_1(a, b):
    return lse.logsumexp(a, 1), lse.logsumexp(a, 1, b), lse.softmax(a, 1), lse.log_softmax(a, axis=1)


@numba.njit
def along_last(a, b):
    return lse.logsumexp(a, -1), lse.logsumexp(a, -1, b), lse.softmax(a, -1), lse.log_softmax(a, axis=-1)


@numba.njit
def of_all(a, b):
    return lse.logsumexp(a), lse.logsumexp(a, b=b), lse.softmax(a), lse.log_softmax(a)


# few types of arrays, because each is compiled: of one dimension in test_bits
@pytest.mark.parametrize(
    ("dtype", "shapes"), [(np.float64, [(3, 4), (300, 2), (0, 3), (3, 0)]), (np.float32, [(4, 5, 6)])]
)
def test_every_axis(rng, dtype, shapes):
    for shape in shapes:
        array, b = rng.normal(size=shape).astype(dtype) * 20, rng.random(shape).astype(dtype)
        for a in (array, array[::-1, ::-1]):
            for function, axis in ((along_0, 0), (along_1, 1), (along_last, -1), (of_all, None)):
                expected = (lse.logsumexp(a, axis), lse.logsumexp(a, axis, b))
                expected += (lse.softmax(a, axis), lse.log_softmax(a, axis))
                for found, wanted in zip(function(a, b), expected, strict=True):
                    same_bits(found if np.ndim(wanted) else dtype(found), wanted)


OF_TWO, OF_ONE = ["logaddexp", "logsubexp"], ["log1pexp", "log1mexp", "logexpm1"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_TWO)
def test_functions_of_two_numbers(rng, name, dtype):
    ufunc, scalar = getattr(lse, name), getattr(nb, f"{name}_{'f32' if dtype == np.float32 else 'f64'}")
    of = numba.njit(eval(f"lambda x, y: lse.{name}(x, y)", {"lse": lse}))
    of_numbers = numba.njit(eval("lambda x, y: scalar(x, y)", {"scalar": scalar}))
    for shape, other in (((4, 1), (3,)), ((2, 2), (2,)), ((0, 3), (3,))):
        x, y = rng.normal(size=shape).astype(dtype), rng.normal(size=other).astype(dtype) - 1
        same_bits(of(x, y), ufunc(x, y))
    x, y = rng.normal(size=200).astype(dtype), rng.normal(size=200).astype(dtype) - 1
    same_bits(of(x, y), ufunc(x, y))
    same_bits(of(x[::2], dtype(-2)), ufunc(x[::2], dtype(-2)))
    same_bits(of(dtype(2), x), ufunc(dtype(2), x))
    special = np.array([0, np.inf, -np.inf, np.nan, 1e-30, -1e-30], dtype)
    for u, v in [*zip(x, y, strict=True), *((u, v) for u in special for v in special)]:
        same_bits(dtype(of(u, v)), ufunc(u, v))
        same_bits(dtype(of_numbers(u, v)), ufunc(u, v))
    with pytest.raises(ValueError, match="broadcast"):
        of(x, x[:3])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_ONE)
def test_functions_of_one_number(rng, name, dtype):
    ufunc, scalar = getattr(lse, name), getattr(nb, f"{name}_{'f32' if dtype == np.float32 else 'f64'}")
    of = numba.njit(eval(f"lambda x: lse.{name}(x)", {"lse": lse}))
    of_number = numba.njit(eval("lambda x: scalar(x)", {"scalar": scalar}))
    for shape in ((20, 10), (0, 3)):
        x = (rng.normal(size=shape) * 20).astype(dtype)
        same_bits(of(x), ufunc(x))
        same_bits(of(x[::2, ::-1]), ufunc(x[::2, ::-1]))
    for u in (rng.normal(size=50) * 20).astype(dtype):
        same_bits(dtype(of(u)), ufunc(u))
        same_bits(dtype(of_number(u)), ufunc(u))


@numba.njit
def product(a, b):
    return lse.logmatmulexp(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_products(rng, dtype):
    a, b = (rng.normal(size=(5, 9)) * 400).astype(dtype), (rng.normal(size=(9, 4)) * 400).astype(dtype)
    for x, y in ((a, b), (a[::-1, ::-1], b[:, ::2]), (a[0], b), (a, b[:, 0]), (a[:, :0], b[:0]), (a[0, :0], b[:0])):
        same_bits(product(x, y), lse.logmatmulexp(x, y))
    same_bits(dtype(product(a[0], b[:, 0])), lse.logmatmulexp(a[0], b[:, 0]))
    with pytest.raises(ValueError, match="must be of one length"):
        product(a, b[:4])
    with pytest.raises(numba.TypingError, match=r"not b: array\(int64, 2d, C\)"):
        product(a, b.astype(int))


def test_integers_become_float64():
    @numba.njit
    def of_integers(x, y):
        return lse.log1pexp(x), lse.log1pexp(3), lse.logaddexp(x, 1), lse.logaddexp(x, y), lse.logsubexp(True, False)

    x, y = np.arange(4), np.zeros(4, np.float32)
    found = of_integers(x, y)
    expected = lse.log1pexp(x), lse.log1pexp(3), lse.logaddexp(x, 1), lse.logaddexp(x, y), lse.logsubexp(True, False)
    for number, wanted in zip(found, expected, strict=True):
        same_bits(np.asarray(number), np.asarray(wanted, np.float64))


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("lse.logsumexp(a.reshape(2, 2), 2)", "not axis=2"),
        ("lse.logsumexp(a.reshape(2, 2), b=a)", "not b: array(float64, 1d, C)"),
        ("lse.logsumexp(a.astype(np.int64))", "not a: array(int64, 1d, C)"),
        ("lse.logsumexp(a.astype(np.complex128))", "not a: array(complex128, 1d, C)"),
        ("lse.logsumexp(2.0)", "not a: float64"),
        ("lse.logsumexp(a, 1)", "not axis=1"),
        ("lse.logsumexp(a, axis=n)", "not axis=int64"),
        ("lse.logsumexp(a, (0,))", "not axis="),
        ("lse.logsumexp(a, False)", "not axis="),
        ("lse.logsumexp(a, b=2.0)", "not b: float64"),
        ("lse.logsumexp(a, b=a.astype(np.float32))", "not b: array(float32, 1d, C)"),
        ("lse.logsumexp(a, b=a.reshape(2, 2))", "not b: array(float64, 2d, C)"),
        ("lse.logsumexp(a, keepdims=True)", "not keepdims="),
        ("lse.logsumexp(a, None, None, True)", "not keepdims="),
        ("lse.logsumexp(a, return_sign=True)", "not return_sign="),
        ("lse.logsumexp(a, where=a > 1)", "not where=array(bool, 1d, C)"),
        ("lse.logsumexp(a, where=False)", "not where="),
        ("lse.logsumexp(a, out=a)", "not out=array(float64, 1d, C)"),
        ("lse.logsumexp(a, dtype=np.float32)", "not dtype="),
        ("lse.logsumexp(a, b=a[:2])", ValueError("a and b must be of one shape")),
        ("lse.logsumexp(a.reshape(2, 2), 1, b=a.reshape(4, 1))", ValueError("a and b must be of one shape")),
        ("lse.softmax(2.0)", "not x: float64"),
        ("lse.log_softmax(a, axis=n)", "not axis=int64"),
        ("lse.softmax(a, -2)", "not axis=-2"),
        ("lse.softmax(a, where=a > 1)", "not where=array(bool, 1d, C)"),
        ("lse.softmax(a, out=a)", "not out=array(float64, 1d, C)"),
    ],
)
def test_what_is_not_supported(call, complaint):
    function = numba.njit(eval(f"lambda a, n: {call}", {"lse": lse, "np": np}))
    error = type(complaint) if isinstance(complaint, Exception) else numba.TypingError
    with pytest.raises(error) as raised:
        function(np.arange(4.0), 0)
    assert str(complaint) in str(raised.value)
    if error is numba.TypingError:
        assert re.search(nb.SUPPORTED.format(r"lse.\w+", ".*"), str(raised.value))


@pytest.mark.parametrize("call", ["lse.logaddexp(a, 1j)", "lse.log1pexp(a + 0j)", "lse.logexpm1(np.array(1.0))"])
def test_numbers_of_other_kinds(call):
    with pytest.raises(numba.TypingError, match=r"No implementation of function .*lse\.log"):
        numba.njit(eval(f"lambda a: {call}", {"lse": lse, "np": np}))(np.arange(4.0))


def test_elements_between_which_a_half_lies():
    a = np.zeros(4, [("x", "f8"), ("y", "f4")])["x"]
    for function in (plain, lambda a: weighted(a, np.ones(4)), lambda a: weighted(np.ones(4), a)):
        with pytest.raises(ValueError, match="whole number of elements apart"):
            function(a)


# The functions of lse.h -------------------------------------------------------------------------------------


@numba.njit
def maps(x, values, soft, log_soft):
    rows, n = x.shape
    return (
        nb.logsumexp_rows_f64(x.ctypes, n, 1, rows, n, values.ctypes, 1),
        nb.softmax_rows_f64(x.ctypes, n, 1, rows, n, soft.ctypes, n, 1, 2),
        nb.log_softmax_rows_f64(x.ctypes, n, 1, rows, n, log_soft.ctypes, n, 1, 0),
    )


@numba.njit
def maps_f32(x, values, soft, log_soft):
    rows, n = x.shape
    return (
        nb.logsumexp_rows_f32(x.ctypes, n, 1, rows, n, values.ctypes, 1),
        nb.softmax_rows_f32(x.ctypes, n, 1, rows, n, soft.ctypes, n, 1, 2),
        nb.log_softmax_rows_f32(x.ctypes, n, 1, rows, n, log_soft.ctypes, n, 1, 0),
    )


@pytest.mark.parametrize(("dtype", "function"), [(np.float64, maps), (np.float32, maps_f32)])
def test_maps(rng, dtype, function):
    x = rng.normal(size=(5, 9)).astype(dtype)
    out = [np.empty(5, dtype), np.empty_like(x), np.empty_like(x)]
    assert function(x, *out) == (0, 0, 0)
    same_bits(out[0], lse.logsumexp(x, 1))
    same_bits(out[1], lse.softmax(x, 1))
    same_bits(out[2], lse.log_softmax(x, 1))
    assert function(x[:0], *out) == (0, 0, 0)


@numba.njit
def signed(x, b):
    value, sign = nb.room_f64(), nb.room_f64()
    error = nb.logsumexp_weighted_f64(x.ctypes, 1, b.ctypes, 1, x.size, value, sign)
    return error, value[0], sign[0]


def test_signs(rng):
    x, b = rng.normal(size=(2, 30))
    same(signed(x, b - 2), (0, *lse.logsumexp(x, b=b - 2, return_sign=True)))


@numba.njit
def streamed(chunks, single):
    state, other = np.empty(nb.STATE_SIZE // 8), np.empty(nb.STATE_SIZE // 8)
    value, sign = nb.room_f64(), nb.room_f64()
    error = nb.state_finish(state.ctypes, value, sign) != -4
    error |= nb.state_init(state.ctypes) | nb.state_init(other.ctypes)
    for chunk in chunks:
        error |= nb.state_update_f64(state.ctypes, chunk.ctypes, 1, nb.null_f64(), 0, chunk.size)
    error |= nb.state_update_f32(other.ctypes, single.ctypes, 1, nb.null_f32(), 0, single.size)
    error |= nb.state_merge(state.ctypes, other.ctypes)
    error |= nb.state_finish(state.ctypes, value, sign)
    return error, value[0], sign[0]


def test_states(rng):
    chunks, single = rng.normal(size=(4, 100)), rng.normal(size=10).astype(np.float32)
    total = lse.LogSumExp()
    for chunk in chunks:
        total.update(chunk)
    total.merge(lse.LogSumExp.of(single))
    same(streamed(chunks, single), (0, total.value, 1.0))


def test_addresses():
    pointer, size = ctypes.POINTER(ctypes.c_double), ctypes.c_ssize_t
    function = ctypes.CFUNCTYPE(ctypes.c_int, pointer, size, pointer)(nb.address("logsumexp_f64"))
    x, value = (ctypes.c_double * 2)(0.0, 0.0), ctypes.c_double()
    assert function(x, 2, value) == 0
    assert value.value == lse.logsumexp([0.0, 0.0])
    with pytest.raises(ValueError, match="no_such"):
        nb.address("no_such")


NO_MEMORY = """
import resource, numba, numpy as np, lse, lse.numba

@numba.njit
def weighted(a, b):
    return lse.logsumexp(a, b=b)

n = 1 << 24
a, b = np.broadcast_to(np.zeros(1), n), np.ones(n)
b[::2] = -1
print(weighted(a[:9], -b[:9]) == lse.logsumexp(a[:9], b=-b[:9]))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 27),) * 2)
try:
    weighted(a, b)
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_no_memory():
    """A sum that cancels needs a copy of the row."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", NO_MEMORY], env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\nlse: no memory\n", "")


def test_docstrings():
    tried = doctest.testmod(nb)
    assert tried.failed == 0
    assert tried.attempted >= 3


# Without importing lse.numba --------------------------------------------------------------------------------

FOUND = """
import sys, numba, numpy as np, lse

@numba.njit(cache=True)
def both(a, b):
    return lse.logsumexp(a), lse.logsumexp(a, b=b)

assert "lse.numba" not in sys.modules
a = np.arange(10.0)
assert both(a, a) == (lse.logsumexp(a), lse.logsumexp(a, b=a))
print("lse.numba" in sys.modules, sum(both.stats.cache_hits.values()))
"""


@pytest.mark.compiles
def test_numba_finds_an_installed_lse(installed, tmp_path):
    """Also for running functions that another process has compiled."""
    (tmp_path / "found.py").write_text(FOUND)
    for expected in ("True 0", "True 1"):
        assert installed.printed("found.py", cwd=tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == expected


# Other processes --------------------------------------------------------------------------------------------

CACHED = """
import numba, numpy as np, lse, lse.numba as nb

@numba.njit(cache=True)
def sum_of(a, b):
    value = nb.room_f64()
    error = nb.logsumexp_f64(a.ctypes, a.size, value)
    return lse.logsumexp(a), lse.logsumexp(a[::2], b=b[::2]), error, value[0]

if __name__ == "__main__":
    a = np.arange(10.0)
    assert sum_of(a, a) == (lse.logsumexp(a), lse.logsumexp(a[::2], b=a[::2]), 0, lse.logsumexp(a))
    print(sum(sum_of.stats.cache_hits.values()), sum(sum_of.stats.cache_misses.values()))
"""


def test_cached_functions_run_in_another_process(tmp_path):
    (tmp_path / "cached.py").write_text(CACHED)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for expected in ("0 1", "1 0", "1 0"):
        command = [sys.executable, tmp_path / "cached.py"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.strip() == expected
