"""A changed floating-point environment affects no result, and is preserved."""

import ctypes
import ctypes.util
import os
import pickle
import platform
import subprocess
import sys

import numpy as np
import pytest

import golden
import lse
from checks import same_bits, tool
from test_status_flags import DTYPES

if platform.machine() not in ("x86_64", "AMD64") or not sys.platform.startswith("linux"):
    pytest.skip("the layout of fenv_t is that of Linux on x86-64", allow_module_level=True)

libm = ctypes.CDLL(ctypes.util.find_library("m"))
CONTROL, MXCSR = slice(0, 2), slice(28, 32)  # of x87 and of SSE, in glibc's fenv_t
SUBNORMALS_ARE_ZERO = 0x8040  # as results and as operands
# bits to set in MXCSR; bits of x87's control word to clear and to set
STATES = {
    "subnormals are zero": (SUBNORMALS_ARE_ZERO, 0, 0),
    "rounding up": (0x4000, 0, 0x800),
    "rounding down": (0x2000, 0, 0x400),
    "rounding to zero": (0x6000, 0, 0xC00),
    "x87 computes in double": (0, 0x300, 0x200),
    "x87 computes in single": (0, 0x300, 0),
    "all of it": (0x6000 | SUBNORMALS_ARE_ZERO, 0x300, 0xC00),
}


def found():
    """The current modes, without the status flags."""
    buffer = ctypes.create_string_buffer(32)
    libm.fegetenv(buffer)
    control = int.from_bytes(buffer.raw[CONTROL], "little")
    return int.from_bytes(buffer.raw[MXCSR], "little") & ~0x3F, control


class Modes:
    """Calls a function in modes other than the default."""

    def __init__(self, name):
        sse, clear, put = STATES[name]
        self.default = ctypes.create_string_buffer(32)
        libm.fegetenv(self.default)
        changed = bytearray(self.default.raw)
        changed[MXCSR] = (int.from_bytes(changed[MXCSR], "little") | sse).to_bytes(4, "little")
        changed[CONTROL] = (int.from_bytes(changed[CONTROL], "little") & ~clear | put).to_bytes(2, "little")
        self.changed = ctypes.create_string_buffer(bytes(changed), 32)

    def call(self, function, *arguments):
        libm.fesetenv(self.changed)
        before = found()
        try:
            return function(*arguments)
        finally:
            after = found()
            libm.fesetenv(self.default)
            assert after == before
            assert before != found()


def folded(a, positive):
    sums = lse.LogSumExp(len(a), dtype=np.float64)
    sums.update(a[:, :3], axis=1).update(a[:, 3:], axis=1, b=positive[:, 3:])
    sums = pickle.loads(pickle.dumps(sums)) + sums
    return np.stack([sums.value, sums.sign])


CALLS = {
    "logsumexp": lambda a, b, p: lse.logsumexp(a, -1),
    "logsumexp, columns": lambda a, b, p: lse.logsumexp(a, 0),
    "logsumexp, one row": lambda a, b, p: np.array([lse.logsumexp(np.ascontiguousarray(row)) for row in a]),
    "logsumexp, weights": lambda a, b, p: lse.logsumexp(a, -1, b, return_sign=True)[0],
    "logsumexp, where": lambda a, b, p: lse.logsumexp(a, where=[True, False] * (a.shape[1] // 2)),
    "logmeanexp": lambda a, b, p: lse.logmeanexp(a, -1, p),
    "softmax": lambda a, b, p: lse.softmax(a, -1),
    "log_softmax": lambda a, b, p: lse.log_softmax(a, 0),
    "logcumsumexp": lambda a, b, p: lse.logcumsumexp(a, -1),
    "segment_logsumexp": lambda a, b, p: lse.segment_logsumexp(a, [0, 1, 1, 8], axis=1),
    "segment_softmax": lambda a, b, p: lse.segment_softmax(a, [0, 1, 1, 8], axis=1),
    "scatter_logsumexp": lambda a, b, p: lse.scatter_logsumexp(a, np.arange(40) % 3, 0, b=b, return_sign=True)[0],
    "scatter_log_softmax": lambda a, b, p: lse.scatter_log_softmax(a, np.arange(40) % 3, 0),
    "LogSumExp": lambda a, b, p: folded(a, p) if a.dtype.kind not in "c" and a.dtype.char != "g" else 0,
}


def numbers(dtype, rng):
    """Rows whose results, and the steps to them, are subnormal, inexact, tiny or large."""
    a = rng.standard_normal((40, 8)) * np.array([0.1, 1, 30, 500])[rng.integers(4, size=(40, 1))]
    a[:4] = [[0.0] + [x] * 7 for x in (-40, -86.5, -103, -744)]
    a[4:8] -= a[4:8].max(axis=1, keepdims=True)
    b = rng.standard_normal((40, 8))
    b[::3] *= 1e-40  # subnormal in float32
    b[1::3] *= 1e-310  # and in float64
    if dtype.kind in "ib":
        return a.astype(dtype), np.rint(b * 3).astype(dtype)
    with np.errstate(all="ignore"):
        return a.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("state", STATES)
def test_results_are_those_of_the_default_modes(state, dtype, rng):
    a, b = numbers(dtype, rng)
    positive = np.abs(b)
    modes = Modes(state)
    for call in CALLS.values():
        expected = call(a, b, positive)
        same_bits(modes.call(call, a, b, positive), expected)


@pytest.mark.parametrize("state", STATES)
def test_threads_started_in_other_modes(state, rng):
    """OpenMP's threads are started by the first parallel region, and inherit the modes of its thread."""
    a = rng.standard_normal(300_000) * 100
    expected = [lse.logsumexp(a), lse.logsumexp(a.astype(np.float32)), lse.softmax(a), lse.logcumsumexp(a)]
    with lse.num_threads(7):  # more than ever used before, so that new ones are started
        modes = Modes(state)
        calls = [modes.call(f, x) for f, x in ((lse.logsumexp, a), (lse.logsumexp, a.astype(np.float32)))]
        calls += [modes.call(lse.softmax, a), modes.call(lse.logcumsumexp, a)]
    for x, y in zip(calls, expected, strict=True):
        same_bits(x, y)


@pytest.mark.parametrize("state", STATES)
def test_errors_leave_the_modes(state):
    modes = Modes(state)
    for wrong in ([1, 2, "x"], np.zeros(3, "M8[s]")):
        with pytest.raises(TypeError):
            modes.call(lse.logsumexp, wrong)
    with pytest.raises(ValueError, match="shape"):
        modes.call(lambda: lse.softmax(np.zeros((2, 3)), out=np.zeros(2)))


def test_dask(rng):
    """Chunks in other modes, and subnormal results rounded there."""
    array = pytest.importorskip("dask.array")
    import lse.dask

    a = np.zeros((40, 6), np.float32)
    a[:, 1:] = rng.uniform(-104, -86, (40, 5))
    lazy = array.from_array(a, (10, 2))
    for call in (lse.dask.logsumexp, lse.dask.softmax, lse.dask.logmeanexp):
        expected = call(lazy, axis=1).compute(scheduler="synchronous")
        computed = Modes("subnormals are zero").call(
            lambda call: call(lazy, axis=1).compute(scheduler="synchronous"), call
        )
        same_bits(computed, expected)


FAST_MATH = """
import ctypes, sys, warnings
if sys.argv[2] == "first":
    ctypes.CDLL(sys.argv[1])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # NumPy says that it has seen it
    import golden, numpy as np
if sys.argv[2] == "later":
    ctypes.CDLL(sys.argv[1])
assert np.float32(1e-38) * np.float32(0.125) == 0, "subnormal numbers are kept after all"
golden.main()
"""


@pytest.mark.compiles
@pytest.mark.parametrize("when", ["first", "later"])
def test_a_library_built_with_fast_math(when, tmp_path):
    """A library linked with -ffast-math disables subnormal numbers for the whole process when it is loaded."""
    (tmp_path / "fast.c").write_text("int fast(void) { return 1; }\n")
    library = tmp_path / "fast.so"
    subprocess.run([tool("gcc"), "-shared", "-fPIC", "-ffast-math", "-o", library, tmp_path / "fast.c"], check=True)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", FAST_MATH, library, when], env=env, capture_output=True, text=True, timeout=120
    )
    if "subnormal numbers are kept" in done.stderr:
        pytest.skip("this compiler's -ffast-math does not reach a library")
    assert done.returncode == 0, done.stderr
    assert done.stdout == golden.GOLDEN.read_text()
