"""A call on few elements, in units of an empty call and of a.max(): ``python -m benchmarks calls``."""

import argparse

from benchmarks import tables
from benchmarks.cases import NAMES, Case
from benchmarks.contenders import PEERS, Contender, contenders
from benchmarks.measure import Effort, Key, Measured, show
from benchmarks.session import Session, share
from benchmarks.sweep import OPERATIONS

LENGTHS = (*range(1, 17), 20, 25, 32, 33, 50, 64, 100, 200)
FEW = (1, 3, 8, 16)
SHORT = 16  # up to here a call is held to some empty calls
EMPTY: Key = ("empty call", 1)
MAX: Key = ("a.max()", 1)
OURS: Key = ("lse", 1)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser, None)


def cases(lengths: tuple[int, ...]) -> list[Case]:
    """Every operation and type on one axis."""
    return [Case("small", dtype, (n,), 0, operation) for operation in OPERATIONS for dtype in NAMES for n in lengths]


def field_of(case: Case, session: Session) -> list[Contender]:
    """lse on one thread, and the two units."""
    field = contenders(case, case.data(), session.limits, [1], PEERS)
    return [one for one in field if (one.name, one.threads) in (OURS, EMPTY, MAX)]


def units(measured: Measured) -> tuple[str, str]:
    """The time of lse in empty calls, if there are any, and in a.max()."""
    ratios = (measured.ratio(OURS, unit) for unit in (EMPTY, MAX))
    return tuple(ratio.brief if ratio else "" for ratio in ratios)


def worst(results: list[Measured], unit: Key) -> str:
    """The longest call, with its length."""
    found = [(ratio.median, one.case.size) for one in results if (ratio := one.ratio(OURS, unit))]
    return f"{show(max(found)[0])} (n={max(found)[1]})" if found else ""


def table(results: list[Measured]) -> list[str]:
    """The longest calls of each operation and type, up to `SHORT` elements."""
    rows = [("operation", "type", "longest in empty calls", "longest in a.max()")]
    for operation in OPERATIONS:
        for dtype in NAMES:
            group = [one for one in results if (one.case.operation, one.case.dtype) == (operation, dtype)]
            short = [one for one in group if one.case.size <= SHORT]
            if short:
                rows.append((operation, dtype, worst(short, EMPTY), worst(short, MAX)))
    return tables.aligned(rows, 2)


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    session = Session(options)
    effort = Effort(options.rounds or (3 if options.quick else 9), 0.002 if options.quick else 0.005, 1.0)
    results = []
    print_row = "{:<26}{:>12}{:>14}{:>12}".format
    wanted = session.wanted(cases(FEW if options.quick else LENGTHS))
    print(print_row("", "time", "empty calls", "a.max()"))
    for case in wanted:
        results.append(session.measure(case, field_of(case, session), effort))
        text = tables.duration(results[-1].median(OURS))
        print(print_row(case.name, text, *units(results[-1])), flush=True)
    print("", f"Up to {SHORT} elements:", *table(results), "", sep="\n")
    session.close(results, {})
