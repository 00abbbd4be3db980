"""The floating-point status flags are preserved by every function and for every dtype."""

import ctypes
import ctypes.util
import platform
import sys

import numpy as np
import pytest

import lse

if platform.machine() not in ("x86_64", "AMD64") or not sys.platform.startswith("linux"):
    pytest.skip("the numbers of the flags are those of Linux on x86-64", allow_module_level=True)

libm = ctypes.CDLL(ctypes.util.find_library("m"))
INVALID, DIVBYZERO, OVERFLOW, UNDERFLOW, INEXACT = 1, 4, 8, 16, 32
ALL = INVALID | DIVBYZERO | OVERFLOW | UNDERFLOW | INEXACT

DTYPES = [np.dtype(t) for t in ("f2", "f4", "f8", "g", "F", "D", "G", "i4", "?")]
try:
    import ml_dtypes

    DTYPES.append(np.dtype(ml_dtypes.bfloat16))
except ImportError:
    pass

CALLS = {
    "logsumexp": lambda a, b, out: lse.logsumexp(a, -1),
    "logsumexp, all": lambda a, b, out: lse.logsumexp(a),
    "logsumexp, columns": lambda a, b, out: lse.logsumexp(a, 0),
    "logsumexp, weights": lambda a, b, out: lse.logsumexp(a, -1, b),
    "logsumexp, sign": lambda a, b, out: lse.logsumexp(a, -1, b, return_sign=True),
    "logsumexp, where": lambda a, b, out: lse.logsumexp(a, where=[True, False, True]),
    "logmeanexp": lambda a, b, out: lse.logmeanexp(a, -1),
    "logmeanexp of b": lambda a, b, out: lse.logmeanexp(a, -1, b),
    "softmax": lambda a, b, out: lse.softmax(a, -1),
    "softmax, out": lambda a, b, out: lse.softmax(a, -1, out=out),
    "softmax, complex64": lambda a, b, out: lse.softmax(a, 0, dtype=np.complex64),
    "log_softmax": lambda a, b, out: lse.log_softmax(a, -1),
    "log_softmax, columns": lambda a, b, out: lse.log_softmax(a, 0),
    "logcumsumexp": lambda a, b, out: lse.logcumsumexp(a, -1),
    "derivatives of cumulative sums": lambda a, b, out: [
        lse._core.differentiate_cumulative(a, np.broadcast_to(b, a.shape), 1, forward)
        for forward in (False, True)
        if a.dtype in ("f4", "f8")
    ],
    "segment_logsumexp": lambda a, b, out: lse.segment_logsumexp(a, [0, 1, 1, 3]),
    "segment_logsumexp, weights": lambda a, b, out: lse.segment_logsumexp(a, [0, 1, 1, 3], b=b),
    "segment_softmax": lambda a, b, out: lse.segment_softmax(a, [0, 1, 1, 3]),
    "scatter_logsumexp": lambda a, b, out: lse.scatter_logsumexp(a, [2, 0, 2]),
    "scatter_log_softmax": lambda a, b, out: lse.scatter_log_softmax(a, [2, 0, 2]),
    "softmax, empty": lambda a, b, out: lse.softmax(a, -1, empty=0.0),
}


def hard(dtype):
    """Numbers whose exponentials overflow, underflow, are NaN, or are inexact."""
    if dtype.kind in "ib":
        return np.array([[1, 0, 1], [1, 1, 0]], dtype)
    greatest = float(ml_dtypes.finfo(dtype).max if dtype.name == "bfloat16" else np.finfo(dtype).max)
    rows = [
        [1.5, 2.25, -3.125], [-np.inf, np.inf, 0], [np.nan, 1, 2], [-np.inf] * 3, [greatest, -greatest, 1],
        [0, -87.5, -708.5], [-745, 0, -104], [0, -11350, -11390],
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        return np.array(rows, np.longdouble).astype(dtype)


@pytest.fixture
def environment():
    """Restores the flags that these tests raise."""
    saved = ctypes.create_string_buffer(64)
    libm.fegetenv(saved)
    yield
    libm.fesetenv(saved)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_flags_are_as_they_were(name, dtype):
    a = hard(dtype)
    weights = np.array([1, -1, 1] if dtype.kind not in "b" else [1, 0, 1]).astype(dtype)
    out = np.empty(a.shape, np.float64 if dtype.kind in "ib" else dtype)
    for array in (a, np.asfortranarray(a), np.repeat(a, 700, axis=0)):
        target = np.resize(out, array.shape)
        call, clear, test, set_all = CALLS[name], libm.feclearexcept, libm.fetestexcept, libm.feraiseexcept
        call(array, weights, target)
        clear(ALL)
        before = test(ALL)
        call(array, weights, target)
        raised = test(ALL)
        set_all(ALL)
        call(array, weights, target)
        kept = test(ALL)
        clear(ALL)
        assert before == 0
        assert raised == 0, f"raised {raised:#x}"
        assert kept == ALL, f"cleared {ALL & ~kept:#x}"


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n", [1, 2, 5, 300])
def test_flags_of_longdoubles_computed_in_another_dtype(n, dtype):
    a = np.linspace(np.longdouble(1) / 3, 2, n)
    b = a.astype(dtype)
    out = np.empty((), dtype)
    for call in (
        lambda: lse.logsumexp(a, dtype=dtype),
        lambda: lse.logsumexp(a, b=b, dtype=dtype),
        lambda: lse.logsumexp(b, b=a, dtype=dtype),
        lambda: lse.logsumexp(b, b=a, dtype=dtype, return_sign=True),
        lambda: lse.logmeanexp(a, b=b, dtype=dtype),
        lambda: lse.logmeanexp(b, b=a, dtype=dtype, out=out),
        lambda: lse.softmax(a, dtype=dtype),
        lambda: lse.logcumsumexp(a, dtype=dtype),
        lambda: lse.LogSumExp(dtype=dtype).update(b, b=b),
        lambda: lse.segment_logsumexp(a, [0, n], b=b, dtype=dtype),
        lambda: lse.scatter_logsumexp(b, [0] * n, b=a, dtype=dtype),
    ):
        call()
        libm.feclearexcept(ALL)
        call()
        assert libm.fetestexcept(ALL) == 0


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_flags_of_long_rows_and_of_errors(dtype):
    a = np.linspace(-1000, 1000, 200_003).astype(dtype)
    for call in (lse.logsumexp, lse.softmax, lse.logcumsumexp, lambda a: lse.logsumexp(a, b=a)):
        libm.feclearexcept(ALL)
        call(a)
        assert libm.fetestexcept(ALL) == 0
        libm.feraiseexcept(ALL)
        call(a)
        assert libm.fetestexcept(ALL) == ALL
    libm.feclearexcept(ALL)
    with pytest.raises(TypeError):
        lse.logsumexp(["x"])
    assert libm.fetestexcept(ALL & ~INEXACT) == 0


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_flags_and_rounding_of_single_rows(dtype, rng):
    """Single short contiguous rows have their own code path."""
    upward = 0x800
    for a in (*rng.normal(size=(50, 8)).astype(dtype), *hard(np.dtype(dtype))):
        libm.feclearexcept(ALL)
        expected = lse.logsumexp(a)
        assert libm.fetestexcept(ALL) == 0
        libm.fesetround(upward)
        found = lse.logsumexp(a)
        libm.fesetround(0)
        assert np.array_equal(found, expected, equal_nan=True)
