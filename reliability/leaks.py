"""Every function 100,000 times, called rightly and wrongly: nothing is held that was not held before.

The calls are those of tests/memory/test_leaks.py; here there are more of them, and those of dask and numba.
"""

import argparse
import importlib.util
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from reliability.tables import TESTS, Fault, Table

TIMES = 100_000
PAGE = resource.getpagesize()
Case = tuple[str, Callable[..., object], tuple[object, ...]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this run."""
    parser.add_argument("--times", type=int, default=TIMES, help=f"calls of each, {TIMES} by default")
    parser.add_argument("--part", action="append", help="only this one, may be repeated")


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Yield one table; Fault behind it where something is kept."""
    sys.path.insert(0, str(TESTS / "memory"))
    import holdings
    import leak_calls

    table = Table(
        "leaks", ["part", "different calls", "times each", "kept", "memory before, KiB", "growth, KiB", "minutes"]
    )
    faults = []
    for part, slower in {**leak_calls.PARTS, dask_arrays: 100, compiled_by_numba: 1}.items():
        if options.part and part.__name__ not in options.part:
            continue
        times, start, found = options.times // slower, time.monotonic(), {}
        cases = list(part())
        for _, function, given in cases:
            function(*given)
        before = resident()
        for name, function, given in cases:
            found[name] = holdings.leaks(function, given, times)
        kept = {name: what for name, what in found.items() if what}
        faults += [f"{part.__name__}, {name}: {what}" for name, what in kept.items()]
        minutes = f"{(time.monotonic() - start) / 60:.1f}"
        table.rows.append(
            [part.__name__.replace("_", " "), len(cases), times, len(kept), before, resident() - before, minutes]
        )
        print(*table.rows[-1], file=sys.stderr, flush=True)
    yield table
    if faults:
        raise Fault("\n".join(faults))


def resident() -> int:
    """KiB of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE // 1024


def dask_arrays() -> Iterator[Case]:
    """Reductions and maps of chunks; a hundredth of the calls."""
    if importlib.util.find_spec("dask") is None:
        return
    import dask
    import dask.array as da

    import leak_calls
    import lse.dask

    dask.config.set(scheduler="synchronous")
    a = da.from_array(leak_calls.TABLE, chunks=(3, 4))
    for name in ("logsumexp", "logmeanexp", "softmax", "log_softmax"):
        function = getattr(lse.dask, name)
        yield f"{name} of chunks", lambda a, f=function: f(a, axis=1).compute(), (a,)
        yield f"{name} of chunks, wrong", leak_calls.refused, (ValueError, function, a, 5)


def compiled_by_numba() -> Iterator[Case]:
    """The functions in nopython mode, without errors: Numba keeps the arguments of a call within one that raises."""
    if importlib.util.find_spec("numba") is None:
        return
    import numba

    import leak_calls
    import lse
    import lse.numba

    @numba.njit
    def row(a: object) -> float:
        return lse.logsumexp(a)

    @numba.njit
    def weighted(a: object, b: object) -> float:
        return lse.logsumexp(a, b=b)

    yield "a row", row, (leak_calls.ROW,)
    yield "a row backwards", row, (leak_calls.ROW[::-1],)
    yield "with weights", weighted, (leak_calls.ROW, leak_calls.ROW)
    yield "an address", lse.numba.address, ("logsumexp_f64",)
    yield "an address of nothing", leak_calls.refused, (ValueError, lse.numba.address, "nothing")
