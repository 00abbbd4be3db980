"""Forks beside running regions, how soon an interrupt is honoured, and the threads there are in pools of others."""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from reliability.tables import TESTS, Fault, Table

FORKS = 200  # by each process
LATEST = 1.0  # seconds

# What is run in a pool of two; `seen` is how many threads the process has, after or during each task.
POOLED = """
import os, numpy as np, lse
def tasks():
    return len(os.listdir("/proc/self/task"))
x = np.full((8, 1 << 22), 0.5)
def work(i):
    lse.logsumexp(x[i])
    return tasks()
if __name__ == "__main__":
    lse.set_num_threads({limit})
    before = tasks()
    {call}
    print(max(seen), before, lse.get_num_threads())
"""
JOBS = "import joblib; seen = joblib.Parallel(2, {backend!r})(joblib.delayed(work)(i) for i in range(8))"
LAZY = """import dask, dask.array as da; seen = []
    y = da.from_array(x, chunks=(1, -1)).map_blocks(lambda block: (seen.append(tasks()), block)[1], dtype=float)
    {start}
    lse.logsumexp(y){compute}; seen.append(tasks())"""
CLUSTER = """import distributed; client = distributed.Client(processes=False, n_workers=1, threads_per_worker=2,
        dashboard_address=None); before = tasks()"""
POOLS = {
    "joblib, 2 processes (loky): in each": (JOBS.format(backend="loky"), None),
    "joblib, 2 threads": (JOBS.format(backend="threading"), None),
    "joblib, 2 threads, `set_num_threads(1)`": (JOBS.format(backend="threading"), 1),
    "dask, 2 threads": (LAZY.format(start="", compute=".compute(scheduler='threads', num_workers=2)"), None),
    "distributed, 1 worker of 2 threads": (LAZY.format(start=CLUSTER, compute=".compute()"), None),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add how much of each."""
    parser.add_argument("--processes", type=int, default=10, help=f"that fork {FORKS} times each (default: 10)")
    parser.add_argument("--repeats", type=int, default=3, help="interrupts of each kind of call (default: 3)")


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Fork, interrupt, count; by what the tests have, which need lse and pytest."""
    sys.path[:0] = [str(TESTS / "processes"), str(TESTS / "helpers")]
    yield forks(options.processes)
    yield delays(options.repeats)
    yield threads()


def python(code: str, *words: object, timeout: float = 600) -> list[str]:
    """Return the words that a fresh interpreter prints; Fault where it fails or does not end."""
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Fault(f"did not end in {timeout} s:\n{code}") from None
    if done.returncode:
        raise Fault(f"ended with {done.returncode}: {done.stderr[-2000:]}\n{code}")
    return done.stdout.split()


def forks(processes: int) -> Table:
    """Fork beside two threads that run regions; every child reduces, and must end with the right bits."""
    from test_processes import BESIDE

    for _ in range(processes):
        if python(BESIDE, FORKS, 60) != ["0", "[]", "True"]:
            raise Fault("a child, forked beside running regions, was wrong or did not end")
    rows = [[processes, processes * FORKS, 0]]
    return Table("forks", ["processes with running regions", "children forked", "wrong, hung or ended"], rows)


def delays(repeats: int) -> Table:
    """Interrupt every kind of call, of minutes each, on one thread and on all."""
    from test_interrupts import CALLS

    table = Table("interrupts", ["call", "worst delay on 1 thread", "on 2 threads"])
    for name, call in CALLS.items():
        worst = [max(delay(call, count) for _ in range(repeats)) for count in (1, 2)]
        if max(worst) > LATEST:
            raise Fault(f"{name}: an interrupt took {max(worst):.2f} s")
        table.rows.append([name, *(f"{1000 * seconds:.0f} ms" for seconds in worst)])
    return table


def delay(call: Callable[[], object], count: int) -> float:
    """Return the seconds from SIGINT to KeyboardInterrupt; the right result of the next call is looked at."""
    import numpy as np

    import lse
    from lse import _core

    sent = []

    def send() -> None:
        before = _core.progress()
        while _core.progress() == before:
            time.sleep(0.01)
        time.sleep(0.5)
        sent.append(time.perf_counter())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    with lse.num_threads(count):
        try:
            call()
            raise Fault("a call of minutes has ended")
        except KeyboardInterrupt:
            seconds = time.perf_counter() - sent[0]
        thread.join()
        if lse.logsumexp(np.zeros(1 << 20)) != np.log(1 << 20):
            raise Fault("a wrong result after an interrupt")
    return seconds


def threads() -> Table:
    """Count the threads of a process whose pool of two reduces large rows."""
    table = Table("threads", ["pool", "threads of lse.get_num_threads()", "threads before", "at most while it reduces"])
    for name, (call, limit) in POOLS.items():
        most, before, wanted = python(POOLED.format(call=call, limit=limit))
        table.rows.append([name, wanted, before, most])
    return table
