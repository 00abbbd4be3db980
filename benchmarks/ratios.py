"""Cases beside several contenders: a row for each and each count of threads, and which is worst."""

import argparse
from collections.abc import Callable, Iterator

from benchmarks import tables
from benchmarks.contenders import Contender
from benchmarks.measure import Effort, Measured, Ratio, show
from benchmarks.session import Session


def run(
    options: argparse.Namespace,
    cases: list,
    field_of: Callable[..., Iterator[Contender]],
    ratios: Callable[[Measured, int], dict[str, Ratio | None]],
    layout: str,
    head: tuple[str, ...],
    against: tuple[str, str],
    note: str,
    more: Callable[..., tuple[str, ...]] = lambda case: (),
) -> None:
    """Measure, print, write: `ratios` of the contenders, and of the worst the one named first in `against`, in words
    the second."""
    session = Session(options)
    effort = Effort(options.rounds or (3 if options.quick else 7), 0.002 if options.quick else 0.01, 0.5)
    wanted = session.wanted(cases)
    print(layout.format("", "threads", "time", *head))
    results = []
    for case in wanted:
        results.append(session.measure(case, list(field_of(case, options.threads)), effort))
        for threads in options.threads:
            cells = [ratio.brief if ratio else "" for ratio in ratios(results[-1], threads).values()]
            text = tables.duration(results[-1].median(("lse", threads)))
            print(layout.format(case.name, str(threads), text, *cells, *more(case)), flush=True)
    worst = min(
        (ratio.median, one.case.name) for one in results for count in one.counts()
        if (ratio := ratios(one, count)[against[0]])
    )  # fmt: skip
    print("", f"worst: {show(worst[0])} times {against[1]} time, {worst[1]}", note, "", sep="\n")
    session.close(results, {})
