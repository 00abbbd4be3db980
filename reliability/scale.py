"""The greatest sizes: more than 2^31 elements and rows, time for an element, and memory beyond the arrays."""

import argparse
import math
import mmap
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np

import lse
from reliability.tables import Fault, Table

NO_RESERVE = 0x4000  # Linux's MAP_NORESERVE: more may be mapped than there is memory, as long as it is not written
MIB = 2**20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this run."""
    parser.add_argument("--small", action="store_true", help="a thousandth of the sizes, to try the run itself")


def zeros(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Zeros that take memory only where they are written."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
    return np.frombuffer(memory, dtype).reshape(shape)


def peak() -> float:
    """The most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def whole(n: int, dtype: str, written: bool = False) -> tuple:
    """One row of zeros and three other elements; its log-sum-exp."""
    a = zeros((n,), dtype)
    if written:  # so that the time and the memory of a call that writes to it are not those of the system's pages
        a.fill(0)
    a[[0, n // 2, n - 1]] = 1, 25, 24
    return a, math.log(n - 3 + math.e + math.exp(25) + math.exp(24))


def check(computed: object, expected: object, dtype: str) -> None:
    """Fault where a result is an ulp of its dtype away from the expected one, a double with an error of its own."""
    computed, expected = np.asarray(computed, np.float64), np.asarray(expected, np.float64)
    unit = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64) + 4 * np.spacing(np.abs(expected))
    if not np.all(np.abs(computed - expected) <= unit):
        raise Fault(f"{computed} is not {expected}")


def one_row(n: int, dtype: str) -> tuple:
    a, expected = whole(n, dtype)
    return a.size, lambda: lse.logsumexp(a), lambda y: check(y, expected, dtype)


def folded(n: int, dtype: str) -> tuple:
    a, expected = whole(n, dtype)
    sums = lse.LogSumExp(dtype=dtype)

    def right(found: lse.LogSumExp) -> None:
        check(found.value, expected, dtype)
        if found.count != n:
            raise Fault(f"the count is {found.count}")

    return n, lambda: sums.update(a), right


def two_rows(n: int, dtype: str) -> tuple:
    a, expected = whole(n, dtype)
    a = a[: n // 2 * 2].reshape(2, -1)
    low = math.log(a.shape[1] - 1 + math.e)
    high = math.log(math.exp(expected) - math.exp(low))
    return a.size, lambda: lse.logsumexp(a, axis=1), lambda y: check(y, [low, high], dtype)


def masked(n: int, dtype: str) -> tuple:
    a, expected = whole(n, dtype)
    keep = np.broadcast_to(np.array([True]), a.shape)
    return a.size, lambda: lse.logsumexp(a, where=keep), lambda y: check(y, expected, dtype)


def segments(n: int, dtype: str) -> tuple:
    a, expected = whole(n, dtype)
    first = math.log(4 + math.e)
    rest = math.log(math.exp(expected) - math.exp(first))
    return n, lambda: lse.segment_logsumexp(a, [0, 5, 5, n]), lambda y: check(y[[0, 2]], [first, rest], dtype)


def stride_0(n: int, dtype: str) -> tuple:
    a = np.broadcast_to(np.array([2.0], dtype), (n,))
    return n, lambda: lse.logsumexp(a), lambda y: check(y, 2 + math.log(n), dtype)


def rows_of_2(n: int, dtype: str) -> tuple:
    a, out = zeros((n, 2), dtype), np.full(n, 7, dtype)
    a[-1] = 1, 2
    last = 2 + math.log1p(math.exp(-1))

    def right(y: np.ndarray) -> None:
        check(y[[0, n // 2, n - 1]], [math.log(2), math.log(2), last], dtype)
        if np.any(y[:-1] != y[0]):
            raise Fault("equal rows differ")

    return a.size, lambda: lse.logsumexp(a, axis=1, out=out), right


def columns_of_2(n: int, dtype: str) -> tuple:
    a, out = zeros((2, n), dtype), np.full(n, 7, dtype)
    a[:, -1] = 1, 2
    last = 2 + math.log1p(math.exp(-1))
    return a.size, lambda: lse.logsumexp(a, axis=0, out=out), lambda y: check(y[[0, -1]], [math.log(2), last], dtype)


def rows_of_stride_0(n: int, dtype: str) -> tuple:
    a, out = np.broadcast_to(np.array([1, 2], dtype), (n, 2)), np.full(n, 7, dtype)
    expected = 2 + math.log1p(math.exp(-1))
    return a.size, lambda: lse.logsumexp(a, axis=1, out=out), lambda y: check([y.min(), y.max()], [expected] * 2, dtype)


def in_place(n: int, dtype: str) -> tuple:
    """Softmax of one row over itself; 1 and 0 rounded apart."""
    a, total = whole(n, dtype, written=True)
    at = [0, n // 2, n - 1, 1]
    expected = np.exp(np.array([1, 25, 24, 0]) - total)

    def right(y: np.ndarray) -> None:
        found = y[at].astype(np.float64)
        if not np.all(np.abs(found - expected) <= 4 * np.spacing(expected.astype(dtype)).astype(np.float64)):
            raise Fault(f"{found} is not {expected}")

    return n, lambda: lse.softmax(a, out=a), right


def running(n: int, dtype: str) -> tuple:
    a, expected = whole(n, dtype, written=True)
    return n, lambda: lse.logcumsumexp(a, out=a), lambda y: check(y[-1], expected, dtype)


def in_memory(n: int, dtype: str) -> tuple:
    """A row that is really there: random numbers, repeated."""
    some = np.random.default_rng(0).standard_normal(min(n, 10**5)).astype(dtype)
    expected = lse.logsumexp(some.astype(np.float64)) + math.log(n // some.size)
    a = np.resize(some, n)
    return n, lambda: lse.logsumexp(a), lambda y: check(y, expected, dtype)


BIG, GREATER, MANY = 2**31 + 10, 2**33, 10**9
CASES: list[tuple[str, Callable, int, str]] = [
    ("one row", one_row, BIG, "f4"),
    ("one row", one_row, BIG, "f8"),
    ("one row", one_row, GREATER, "f4"),
    ("one row", one_row, GREATER, "f8"),
    ("one row, of half precision", one_row, GREATER, "f2"),
    ("LogSumExp.update", folded, GREATER, "f4"),
    ("2 rows", two_rows, GREATER, "f8"),
    ("one row, where", masked, BIG, "f4"),
    ("segments, one longer than 2^31", segments, BIG, "f4"),
    ("one row of stride 0", stride_0, BIG, "f8"),
    ("softmax in place", in_place, BIG, "f2"),
    ("logcumsumexp in place", running, BIG, "f2"),
    ("10^9 rows of 2", rows_of_2, MANY, "f4"),
    ("10^9 columns of 2", columns_of_2, MANY, "f4"),
    ("10^9 rows of stride 0", rows_of_stride_0, MANY, "f4"),
    *(("one row, in memory", in_memory, 10**k, "f4") for k in range(5, 10)),
    *(("one row, in memory", in_memory, 10**k, "f8") for k in range(5, 10)),
]


def measured(index: int, divisor: int) -> tuple[int, float, float]:
    """Elements, the least seconds of some calls, and MiB beyond the arrays, of one case in a process of its own."""
    _, make, n, dtype = CASES[index]
    elements, call, right = make(max(n // divisor, 10), dtype)
    lse.logsumexp(np.zeros(2**18))  # starts the threads
    before, times = peak(), []
    while not times or (sum(times) < 0.5 and make is in_memory):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    beyond = peak() - before
    right(result)
    return elements, min(times), beyond


def run(options: argparse.Namespace) -> Iterator[Table]:
    """One case after the other, each in a fresh process."""
    table = Table("scale", ("what", "dtype", "elements", "seconds", "ns / element", "MiB beyond the arrays"))
    divisor = 1000 if options.small else 1
    context = multiprocessing.get_context("spawn")
    for index, (what, _, _, dtype) in enumerate(CASES):
        with ProcessPoolExecutor(1, context) as pool:
            elements, seconds, beyond = pool.submit(measured, index, divisor).result()
        table.rows.append(
            (what, dtype, f"{elements:.3g}", f"{seconds:.3g}", f"{seconds / elements * 1e9:.3f}", f"{beyond:.1f}")
        )
        print(*table.rows[-1], sep="  ", flush=True)
    table.note = (
        f"{lse.get_num_threads()} threads. What is not in memory are zeros that the system maps as they are read."
    )
    yield table
