"""The command: ``python -m benchmarks``."""

import argparse
import os
import re
import sys
import time
from pathlib import Path

from benchmarks import report
from benchmarks.cases import all_cases
from benchmarks.contenders import installed
from benchmarks.measure import Effort, Measured, measure
from benchmarks.native import Limits, compile_limits
from benchmarks.quiet import Calm
from benchmarks.targets import verdicts

PATIENCE = 120.0  # seconds that a run waits in all for others to leave processors free


def counts(text: str) -> list[int]:
    """Parse the argument of --threads."""
    numbers = sorted({int(word) for word in text.split(",")})
    if numbers[0] < 1:
        raise argparse.ArgumentTypeError("at least one thread")
    return numbers


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure lse side by side with its peers and the limits of the machine.",
    )
    parser.add_argument("--only", metavar="PATTERN", help="cases whose name contains this regular expression")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument(
        "--rounds",
        type=int,
        metavar="N",
        help="rounds of each case (9, with --quick 3); small calls: three times as many",
    )
    parser.add_argument("--quick", action="store_true", help="small arrays: a first look, too small to judge")
    parser.add_argument("--threads", type=counts, default=[1, 2], metavar="1,2", help="counts of threads")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it, as .png or .svg; needs matplotlib")
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace, limits: Limits, calm: Calm) -> list[Measured]:
    """Every wanted case, printed as soon as it is known."""
    rounds = options.rounds or (3 if options.quick else 9)
    sample, patience = (0.005, 0.2) if options.quick else (0.02, 3.0)
    results = []
    for case in all_cases(options.quick):
        if options.only and not re.search(options.only, case.name):
            continue
        effort = Effort(3 * rounds if case.small else rounds, sample, patience)
        results.append(measure(case, limits, options.threads, effort, calm))
        print(report.case_table(results[-1]), flush=True)
    return results


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    options = parse(arguments)
    if options.list:
        print(*(case.name for case in all_cases(options.quick)), sep="\n")
        return 0
    start = time.perf_counter()
    limits = compile_limits()
    described = report.environment()
    print(*(f"{name}: {value}" for name, value in described.items()), sep="\n")
    for missing in (name for name, there in installed().items() if not there):
        print(f"not installed: {missing}")
    if limits.problem:
        print(limits.problem)
    if max(options.threads) > (os.cpu_count() or 1):
        print("more threads than processors: do not judge by this")
    print()
    calm = Calm(PATIENCE / 6 if options.quick else PATIENCE)
    results = measured(options, limits, calm)
    if not results:
        print("no such case; --list names them", file=sys.stderr)
        return 2
    found = list(verdicts(results))
    if options.quick:
        print("These arrays are too small to judge by.")
    print(report.verdict_table(found))
    print(f"{calm.crowded} of {calm.samples} samples were taken while others were at work (~: most of a ratio's)")
    print(f"{time.perf_counter() - start:.0f} s")
    if options.json:
        options.json.write_text(report.as_json(results, found, vars(options)))
    if options.plot:
        from benchmarks.plot import plot

        plot(results, options.plot, f"lse {described['lse']} ({described['kernel']}), {described['machine']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
