"""The largest sizes: more than 2^31 elements and rows, checked against closed forms, in a fresh process each.

Rows beyond the size of memory are zeros, which Linux maps to one page as long as they are only read.
"""

import math
import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

import lse
from checks import fresh

if not sys.platform.startswith("linux"):
    pytest.skip("maps more than there is memory, as Linux does", allow_module_level=True)
resource = pytest.importorskip("resource")

NO_RESERVE = 0x4000  # Linux's MAP_NORESERVE: more can be mapped than there is memory
GIB = 2**30


def zeros(shape, dtype):
    """Zeros that take memory only once they are written."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
    return np.frombuffer(memory, dtype).reshape(shape)


def peak():
    """The peak memory of this process, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def row(n, dtype, written=False):
    """A row of zeros and three other elements; its log-sum-exp."""
    a = zeros((n,), dtype)
    if written:  # so that the memory written by a call is not counted as its own
        a.fill(0)
    a[[0, n // 2, n - 1]] = 1, 25, 24
    return a, math.log(n - 3 + math.e + math.exp(25) + math.exp(24))


def check(computed, expected, dtype):
    """Within an ulp of the dtype, with room for the error of the closed form in double precision."""
    computed, expected = np.asarray(computed, np.float64), np.asarray(expected, np.float64)
    unit = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64) + 4 * np.spacing(np.abs(expected))
    assert np.all(np.abs(computed - expected) <= unit), (computed, expected)


# Each returns a call without arguments, and a check of what it returns.


def one_row(n, dtype):
    a, expected = row(n, dtype)
    return lambda: lse.logsumexp(a), lambda y: check(y, expected, dtype)


def accumulator(n, dtype):
    a, expected = row(n, dtype)
    total = lse.LogSumExp(dtype=dtype)

    def right(found):
        check(found.value, expected, dtype)
        assert found.count == n

    return lambda: total.update(a), right


def two_rows(n, dtype):
    a, expected = row(n, dtype)
    a = a.reshape(2, -1)
    low = math.log(a.shape[1] - 1 + math.e)
    high = math.log(math.exp(expected) - math.exp(low))
    return lambda: lse.logsumexp(a, axis=1), lambda y: check(y, [low, high], dtype)


def masked(n, dtype):
    a, expected = row(n, dtype)
    keep = np.broadcast_to(np.array([True]), a.shape)
    return lambda: lse.logsumexp(a, where=keep), lambda y: check(y, expected, dtype)


def segments(n, dtype):
    a, expected = row(n, dtype)
    first = math.log(4 + math.e)
    rest = math.log(math.exp(expected) - math.exp(first))
    return lambda: lse.segment_logsumexp(a, [0, 5, 5, n]), lambda y: check(y[[0, 2]], [first, rest], dtype)


def stride_0(n, dtype):
    a = np.broadcast_to(np.array([2.0], dtype), (n,))
    return lambda: lse.logsumexp(a), lambda y: check(y, 2 + math.log(n), dtype)


def rows_of_2(n, dtype):
    a, out = zeros((n, 2), dtype), np.full(n, 7, dtype)
    a[-1] = 1, 2
    last = 2 + math.log1p(math.exp(-1))

    def right(y):
        check(y[[0, n // 2, n - 1]], [math.log(2), math.log(2), last], dtype)
        assert np.all(y[:-1] == y[0])

    return lambda: lse.logsumexp(a, axis=1, out=out), right


def columns_of_2(n, dtype):
    a, out = zeros((2, n), dtype), np.full(n, 7, dtype)
    a[:, -1] = 1, 2
    last = 2 + math.log1p(math.exp(-1))
    return lambda: lse.logsumexp(a, axis=0, out=out), lambda y: check(y[[0, -1]], [math.log(2), last], dtype)


def rows_of_stride_0(n, dtype):
    a, out = np.broadcast_to(np.array([1, 2], dtype), (n, 2)), np.full(n, 7, dtype)
    expected = 2 + math.log1p(math.exp(-1))
    return lambda: lse.logsumexp(a, axis=1, out=out), lambda y: check([y.min(), y.max()], [expected] * 2, dtype)


def softmax_in_place(n, dtype):
    a, total = row(n, dtype, written=True)
    at = [0, n // 2, n - 1, 1]
    expected = np.exp(np.array([1, 25, 24, 0]) - total)

    def right(y):
        found = y[at].astype(np.float64)
        assert np.all(np.abs(found - expected) <= 4 * np.spacing(expected.astype(dtype)).astype(np.float64))

    return lambda: lse.softmax(a, out=a), right


def logcumsumexp_in_place(n, dtype):
    a, expected = row(n, dtype, written=True)
    return lambda: lse.logcumsumexp(a, out=a), lambda y: check(y[-1], expected, dtype)


def random_row(n, dtype):
    """A row in actual memory: 10^5 random numbers, repeated."""
    some = np.random.default_rng(0).standard_normal(min(n, 10**5)).astype(dtype)
    expected = lse.logsumexp(some.astype(np.float64)) + math.log(n // some.size)
    a = np.resize(some, n)
    return lambda: lse.logsumexp(a), lambda y: check(y, expected, dtype)


LARGE, LARGER, MANY = 2**31 + 10, 2**33, 10**9
# the function that makes the call, its size and dtype, and how many GiB it writes
CASES = [
    (one_row, LARGE, "f4", 0),
    (one_row, LARGE, "f8", 0),
    (one_row, LARGER, "f4", 0),
    (one_row, LARGER, "f8", 0),
    (one_row, LARGER, "f2", 0),
    (accumulator, LARGER, "f4", 0),
    (two_rows, LARGE, "f4", 0),
    (two_rows, LARGER, "f8", 0),
    (masked, LARGE, "f4", 0),
    (segments, LARGE, "f4", 0),
    (stride_0, LARGE, "f8", 0),
    (softmax_in_place, LARGE, "f2", 4),
    (logcumsumexp_in_place, LARGE, "f2", 4),
    (rows_of_2, MANY, "f4", 5),
    (columns_of_2, MANY, "f4", 4),
    (rows_of_stride_0, MANY, "f4", 4),
    *((random_row, 10**k, "f4", 4) for k in range(5, 10)),
    *((random_row, 10**k, "f8", 8) for k in range(5, 10)),
]


def available():
    """Bytes of available memory."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))


def run(index):
    """Make the call of a case; the memory it needs beyond the arrays is independent of their size."""
    make, n, dtype, _ = CASES[index]
    call, right = make(n, dtype)
    lse.set_num_threads(2)
    lse.logsumexp(np.zeros(2**18))  # starts the threads
    before = peak()
    result = call()
    beyond = peak() - before
    right(result)
    assert beyond <= 2 * 1024, f"{beyond} KiB beyond the arrays"


IN_SECONDS = [(one_row, LARGE, "f4", 0), (one_row, LARGER, "f4", 0), (stride_0, LARGE, "f8", 0)]


def numbered(index, case):
    marks = [] if case in IN_SECONDS else [pytest.mark.long]
    return pytest.param(index, marks=marks, id=f"{case[0].__name__}-{case[1]}-{case[2]}")


@pytest.mark.exhausts
@pytest.mark.skipif(sys.maxsize < 2**33, reason="needs 64-bit addresses")
@pytest.mark.parametrize("index", [numbered(*pair) for pair in enumerate(CASES)])
def test_scale(index):
    if available() < 1.2 * GIB * CASES[index][3]:
        pytest.skip("needs more memory than is available")
    assert fresh(f"import test_scale; test_scale.run({index}); print('done')", timeout=1200) == "done"
