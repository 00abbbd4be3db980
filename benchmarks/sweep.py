"""Lengths from 1 to 32001 and some drawn, of rows and columns, against peers: ``python -m benchmarks sweep``."""

import argparse
import math
import os
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import tables
from benchmarks.cases import NAMES, Case
from benchmarks.contenders import OWN, Contender, contenders
from benchmarks.measure import Effort, Key, Measured, Ratio, geometric_mean, show
from benchmarks.session import Session, number, share

OPERATIONS = ("logsumexp", "softmax", "log_softmax")
LENGTHS = (
    *range(1, 11), 13, 17, 20, 25, 31, 32, 33, 50, 63, 64, 65, 80, 100, 127, 128, 129, 150, 200, 257, 300, 400, 512,
    700, 1000, 2000, 5000, 32001,
)  # fmt: skip
FEW = (1, 3, 8, 17, 50, 100, 300, 2000)
AT_LEAST = 32  # rows or columns, however long
SINGLE = ("NumPy", "SciPy")  # peers that have one thread, whoever they are compared with
RIVALS = ("torch", "jax", *SINGLE)
NEAR = 1.25  # times a pure copy, or a pure read: a peer so close leaves nothing to gain
NOTE = f"""\
Ratios are the time of the best peer / the time of lse: above 1, lse is faster (~: others were at work).
Peers are torch, on as many threads as lse; NumPy and SciPy, on one; jax, on its own, beside the most threads of lse if
there are no more processors.
below: lengths whose ratio is below 1, or below .9 if that peer takes at most {NEAR} times as long as a pure copy
(softmax, log_softmax) or a pure read (logsumexp) on as many threads."""


@dataclass(frozen=True)
class Best:
    """The fastest peer of one case on one count of threads: its time / that of lse."""

    case: Case
    threads: int
    peer: str
    ratio: Ratio
    near: bool

    @property
    def below(self) -> bool:
        """Whether lse is slower than it should be."""
        return self.ratio.median < (0.9 if self.near else 1.0)

    @property
    def group(self) -> tuple[str, str, str, int]:
        """The row of the table."""
        return self.case.operation, self.case.dtype, self.case.direction, self.threads


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser)
    parser.add_argument("--seed", type=int, help="of the lengths that are drawn (default: another in every run)")
    parser.add_argument("--drawn", type=int, default=5, metavar="N", help="how many are drawn (default: 5, or 1)")
    parser.add_argument(
        "--elements",
        type=number,
        metavar="N",
        help="of a matrix, which should fit a cache (default: 1e6, with --quick 2e5)",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw time against length; needs matplotlib")


def drawn(seed: int, how_many: int) -> list[int]:
    """Lengths that nothing can be tuned to, as many short as long ones."""
    draw = random.Random(seed)
    return [round(math.exp(draw.uniform(math.log(2), math.log(30000)))) for _ in range(how_many)]


def cases(lengths: list[int], elements: int) -> Iterator[Case]:
    """Every operation, type and direction, each over all lengths."""
    for operation in OPERATIONS:
        for dtype in NAMES:
            for axis in (1, 0):
                for n in lengths:
                    others = max(AT_LEAST, elements // n)
                    yield Case("swept", dtype, (others, n) if axis else (n, others), axis, operation)


def limit_of(case: Case) -> str:
    """What no implementation can be faster than."""
    return "pure read" if case.operation == "logsumexp" else "pure copy"


def field_of(case: Case, session: Session) -> list[Contender]:
    """Contenders; jax has as many threads as there are processors, so only where lse has too."""
    threads = session.options.threads
    without = ["numba"] if threads[-1] >= (os.cpu_count() or 1) else ["numba", "jax"]
    field = contenders(case, case.data(), session.limits, threads, without)
    return [one for one in field if one.name in ("lse", limit_of(case), *RIVALS)]


def rivals(measured: Measured, threads: int) -> list[Key]:
    """Who is compared with lse on so many threads."""
    most = threads == measured.counts()[-1]
    return [
        (name, used)
        for name, used in measured.seconds
        if name in RIVALS and (used == threads or name in SINGLE or (used == OWN and most))
    ]


def best_of(measured: Measured, threads: int) -> Best | None:
    """The fastest peer; None where there is no peer."""
    ratios = {key: measured.ratio(key, ("lse", threads)) for key in rivals(measured, threads)}
    if not ratios:
        return None
    key = min(ratios, key=lambda key: ratios[key].median)
    of_limit = measured.ratio(key, (limit_of(measured.case), threads))
    near = of_limit is not None and of_limit.median <= NEAR
    return Best(measured.case, threads, key[0], ratios[key], near)


def best(results: list[Measured]) -> list[Best]:
    """Of every case and count of threads."""
    found = (best_of(measured, threads) for measured in results for threads in measured.counts())
    return [one for one in found if one]


def grouped(found: list[Best]) -> dict[tuple, list[Best]]:
    """By the rows of the table, in their first order."""
    groups: dict[tuple, list[Best]] = {}
    for one in found:
        groups.setdefault(one.group, []).append(one)
    return groups


def summary(found: list[Best]) -> list[tuple[str, ...]]:
    """Rows of the table, with its headings."""
    rows = [("operation", "type", "along", "threads", "worst", "at n", "peer", "geometric mean", "below", "lengths")]
    for (operation, dtype, along, threads), group in grouped(found).items():
        worst = min(group, key=lambda one: one.ratio.median)
        mean = geometric_mean([one.ratio.median for one in group])
        place = (worst.ratio.brief, str(worst.case.length), worst.peer)
        below = sum(one.below for one in group)
        rows.append((operation, dtype, along, str(threads), *place, show(mean), str(below), str(len(group))))
    return rows


def line(measured: Measured) -> str:
    """One case as soon as it is known."""
    parts = [f"{measured.case.name:<32}"]
    for threads in measured.counts():
        text = f"{show(measured.median(('lse', threads)) / measured.case.size * 1e9)} ns"
        if one := best_of(measured, threads):
            text += f", {one.peer} {one.ratio.brief}{'*' if one.below else ''}"
        parts.append(f"{threads}: {text:<24}")
    return "  ".join(parts).rstrip()


def best_records(found: list[Best]) -> list[dict]:
    """For the file."""
    return [
        {
            "case": one.case.name,
            "threads": one.threads,
            "best peer": one.peer,
            "ratio": one.ratio.median,
            "quartiles": [one.ratio.low, one.ratio.high],
            "near the limit": one.near,
            "below": one.below,
        }
        for one in found
    ]


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    if options.seed is None:
        options.seed = secrets.randbelow(10**6)
    session = Session(options)
    extra = drawn(options.seed, min(options.drawn, 1) if options.quick else options.drawn)
    lengths = sorted({*(FEW if options.quick else LENGTHS), *extra})
    elements = options.elements or (200000 if options.quick else 10**6)
    wanted = session.wanted(list(cases(lengths, elements)))
    print(f"drawn with --seed {options.seed}: n = {', '.join(map(str, extra)) or 'none'}\n")
    effort = Effort(options.rounds or (3 if options.quick else 5), 0.002 if options.quick else 0.005, 0.05)
    results = []
    for case in wanted:
        results.append(session.measure(case, field_of(case, session), effort))
        print(line(results[-1]), flush=True)
    found = best(results)
    print("", *tables.aligned(summary(found), 3), NOTE, "", sep="\n")
    session.close(results, {"best": best_records(found)})
    if options.plot:
        from benchmarks.plot_sweep import plot

        plot(results, options.plot, tables.subtitle(session.environment))
