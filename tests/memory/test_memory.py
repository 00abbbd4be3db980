"""Peak memory: nothing proportional to the input; and arrays of more than 2^31 elements."""

import os
import subprocess
import sys

import pytest

from checks import fresh

resource = pytest.importorskip("resource")

# The peak of a fresh process above what it held before the call, in KiB. Threads' stacks are touched before.
PEAK = """
import resource, sys, numpy as np, lse
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shape, dtype, axis, view = eval(sys.argv[1])
a = np.full(shape, 0.5, dtype)
a = eval(view)
lse.set_num_threads(2)
lse.logsumexp(np.zeros(1 << 18, a.dtype.type if a.dtype.kind == "f" else float))
out = np.full(a.sum(axis=axis).shape, 1.0, np.float32 if a.dtype == np.float32 else np.float64)
before = peak()
lse.logsumexp(a, axis=axis, out=out)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="ru_maxrss is in bytes there, and counts otherwise")
@pytest.mark.parametrize(
    "case",
    [
        ((20_000_000,), "f4", None, "a"),
        ((20_000_000,), "f8", None, "a[::-1]"),
        ((20_000_000,), "f8", None, "a[::2]"),
        ((20_000_000,), ">f8", None, "a"),
        ((20_000_000,), "i4", None, "a"),
        ((4000, 5000), "f8", 0, "a"),
        ((4000, 5000), "f4", 1, "a"),
        ((4000, 5000), "f8", None, "a.T"),
        ((100, 200, 1000), "f8", (0, 2), "a"),
        ((20, 1000, 1000), "f8", 1, "a[:, ::2, ::-1]"),
    ],
    ids=str,
)
def test_no_temporary_is_proportional_to_the_input(case):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", PEAK, repr(case)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 2 * 1024  # 1 MiB for each of two threads


HUGE = """
import numpy as np, lse
n = 2**31 + 10
a = np.zeros(n, np.float32)
a[-1] = 30
b = np.lib.stride_tricks.as_strided(np.array([1.0, 2.0]), (n,), (0,))
two = np.zeros((2, n // 2), np.float32)
two[1, -1] = 30
print(repr(lse.logsumexp(a)), repr(lse.logsumexp(b)), lse.logsumexp(two, axis=1)[1])
"""


@pytest.mark.exhausts
@pytest.mark.skipif(sys.maxsize < 2**33, reason="needs 64-bit addresses")
def test_more_than_2_31_elements():
    """Pages of zeros that are only read stay unmapped, so this takes no memory to speak of."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", HUGE], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # log(2^31 + 9 + e^30), 1 + log(2^31 + 10), log(2^30 + 4 + e^30)
    assert done.stdout.split() == ["np.float32(30.0002)", "np.float64(22.48756260201492)", "30.000101"]


GREATER = """
import math, mmap, numpy as np, lse
n = 2**33
flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000  # MAP_NORESERVE: more than there is memory
a = np.frombuffer(mmap.mmap(-1, 4 * n, flags=flags), np.float32)
a[[0, n // 2, -1]] = 1, 25, 24
expected = math.log(n - 3 + math.e + math.exp(25) + math.exp(24))
print(lse.logsumexp(a) - np.float32(expected))
"""


@pytest.mark.exhausts
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="maps more than there is memory, as Linux does")
def test_2_33_elements():
    assert fresh(GREATER, timeout=600) == "0.0"


def test_import_brings_nothing_but_numpy():
    code = "import numpy, sys; before = set(sys.modules); import lse; print(*sorted(set(sys.modules) - before))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    names = {name.split(".")[0] for name in done.stdout.split()}
    assert {name for name in names if not name.startswith(("lse", "_cython", "cython"))} <= {"numpy"}
