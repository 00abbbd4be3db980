"""Cases of many kinds, each held to what it should reach: ``python -m benchmarks``."""

import argparse
from pathlib import Path

from benchmarks import tables
from benchmarks.cases import all_cases
from benchmarks.contenders import contenders
from benchmarks.measure import Effort, Measured
from benchmarks.session import Session, share
from benchmarks.targets import verdicts


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it, as .png or .svg; needs matplotlib")


def measured(session: Session) -> list[Measured]:
    """Every wanted case, printed as soon as it is known."""
    options = session.options
    rounds = options.rounds or (3 if options.quick else 9)
    sample, patience = (0.005, 0.2) if options.quick else (0.02, 3.0)
    results = []
    for case in session.wanted(all_cases(options.quick)):
        effort = Effort(3 * rounds if case.small else rounds, sample, patience)
        field = list(contenders(case, case.data(), session.limits, options.threads))
        results.append(session.measure(case, field, effort))
        print(tables.case_table(results[-1]), flush=True)
    return results


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    session = Session(options)
    results = measured(session)
    found = list(verdicts(results))
    print(tables.verdict_table(found))
    session.close(results, {"held to": tables.held_to(found)})
    if options.plot:
        from benchmarks.plot import plot

        plot(results, options.plot, tables.subtitle(session.environment))
