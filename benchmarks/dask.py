"""Dask arrays, by lse.dask and by the formula written with dask.array: ``python -m benchmarks.dask``."""

import argparse
import contextlib
import functools
import itertools
import logging
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dask
import dask.array as da
import distributed
import numpy as np

import lse.dask
from benchmarks.measure import show
from benchmarks.quiet import Calm

WORKERS = 2
CALLS = itertools.count()
PATIENCE = 60.0  # seconds to wait in all for others to leave processors free

Contender = Callable[[da.Array, int | None], da.Array]
Compute = Callable[[da.Array], da.Array]  # into memory, where the result stays


def logsumexp_by_formula(x: da.Array, axis: int | None) -> da.Array:
    """As one writes it."""
    m = x.max(axis=axis, keepdims=True)
    return da.squeeze(m + da.log(da.exp(x - m).sum(axis=axis, keepdims=True)), axis=axis)


def softmax_by_formula(x: da.Array, axis: int | None) -> da.Array:
    """As one writes it."""
    e = da.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


CONTENDERS: dict[str, tuple[Contender, Contender]] = {
    "logsumexp": (lse.dask.logsumexp, logsumexp_by_formula),
    "softmax": (lse.dask.softmax, softmax_by_formula),
}


@dataclass(frozen=True)
class Case:
    """An operation along an axis of an array of a shape, cut into chunks."""

    operation: str
    dtype: str
    shape: tuple[int, int]
    chunks: tuple[int, int]
    axis: int | None

    def __str__(self) -> str:
        shape, chunks = ("x".join(map(str, x)) for x in (self.shape, self.chunks))
        return f"{self.operation} {self.dtype} {shape} by {chunks}, axis {self.axis}"

    def array(self) -> da.Array:
        """Made by whoever computes it."""
        return da.random.default_rng(0).standard_normal(self.shape, chunks=self.chunks, dtype=self.dtype)


def cases(scale: int) -> Iterator[Case]:
    """Of scale * 2^20 elements, in chunks of 2^20: square ones, flat ones, and ones that hold whole rows."""
    for operation, dtype in itertools.product(CONTENDERS, ("float64", "float32")):
        shape = (1024 * scale // 4, 4096)
        for axis in (None, 0, 1):
            yield Case(operation, dtype, shape, (1024, 1024), axis)
        yield Case(operation, dtype, shape, (256, 4096), 1)


@contextlib.contextmanager
def cluster() -> Iterator[distributed.Client]:
    """Processes of one thread each."""
    options = {
        "n_workers": WORKERS,
        "threads_per_worker": 1,
        "dashboard_address": None,
        "silence_logs": logging.CRITICAL,
    }
    with distributed.LocalCluster(processes=True, **options) as workers, distributed.Client(workers) as client:
        yield client


def on_cluster(client: distributed.Client, x: da.Array) -> da.Array:
    """Compute into the memory of the workers."""
    result = client.persist(x)
    distributed.wait(result)
    return result


def same(block: np.ndarray, call: int) -> np.ndarray:
    """Return the block itself."""
    return block


def unseen(x: da.Array) -> da.Array:
    """The same chunks by other names, so that no result of an earlier call is found in the memory of a cluster."""
    return x.map_blocks(same, call=next(CALLS), meta=x._meta)


def seconds(compute: Compute, x: da.Array, contender: Contender, axis: int | None) -> float:
    """For a result that stays where it is computed."""
    x = unseen(x)
    start = time.perf_counter()
    result = compute(contender(x, axis))
    elapsed = time.perf_counter() - start
    del result
    return elapsed


def ratios(case: Case, compute: Compute, rounds: int, calm: Calm) -> tuple[float, np.ndarray]:
    """The median of our seconds, and for each round the quotient of the formula's and ours."""
    x = compute(case.array())
    ours, formula = CONTENDERS[case.operation]
    taken = {ours: [], formula: []}
    order = [ours, formula]
    for i in range(rounds + 1):
        random.Random(i).shuffle(order)
        for contender in order:
            calm.wait(WORKERS)
            taken[contender].append(seconds(compute, x, contender, case.axis))
    mine, theirs = (np.array(taken[c][1:]) for c in (ours, formula))  # the first warms up
    return float(np.median(mine)), theirs / mine


def high_water() -> int:
    """Bytes that this process has had in memory at most, the interpreter and its modules included."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def peak(case: Case, contender: Contender) -> float:
    """MiB that the worker which took most took, in a new cluster, of data that the workers make."""
    with cluster() as client:
        result = on_cluster(client, contender(case.array(), case.axis))
        most = max(client.run(high_water).values()) / 2**20
        del result
    return most


def time_table(title: str, some: list[Case], compute: Compute, rounds: int, calm: Calm) -> None:
    """Print a row for each case as soon as it is known."""
    print(f"\n{title}\n\n| case | ours, ms | formula / ours | quartiles |\n|---|---|---|---|")
    for case in some:
        ours, found = ratios(case, compute, rounds, calm)
        low, middle, high = np.percentile(found, (25, 50, 75))
        print(f"| {case} | {show(ours * 1e3)} | {show(middle)} | {show(low)}-{show(high)} |", flush=True)


def memory_table(some: list[Case]) -> None:
    """Print a row for each case as soon as it is known; float32 takes half."""
    print("\nMost memory of a worker, MiB\n\n| case | ours | formula |\n|---|---|---|")
    for case in some:
        ours, formula = (show(peak(case, contender)) for contender in CONTENDERS[case.operation])
        print(f"| {case} | {ours} | {formula} |", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dask", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="of each case; both take part in each")
    parser.add_argument(
        "--scale", type=int, default=64, metavar="N", help="arrays of N * 2^20 elements, a multiple of 4"
    )
    parser.add_argument("--only", choices=["threads", "cluster", "memory"], help="one table")
    options = parser.parse_args(arguments)
    calm, some = Calm(PATIENCE), list(cases(options.scale))
    if options.only in (None, "memory"):
        memory_table([case for case in some if case.dtype == "float64"])
    if options.only in (None, "threads"):
        with dask.config.set(scheduler="threads"):
            time_table("By threads", some, lambda x: x.persist(), options.rounds, calm)
    if options.only in (None, "cluster"):
        with cluster() as client:
            time_table(f"By {WORKERS} processes", some, functools.partial(on_cluster, client), options.rounds, calm)
    print(f"\n{calm.crowded} of {calm.samples} samples were taken while others were at work")


if __name__ == "__main__":
    main()
