"""What every command begins and ends with: options, the machine, the cases that are wanted, and the file of results."""

import argparse
import os
import re
import sys
import time
from pathlib import Path

from benchmarks import files, tables
from benchmarks.contenders import Contender, installed
from benchmarks.measure import Effort, Measured, measure
from benchmarks.native import compile_limits
from benchmarks.quiet import Calm

WAIT = 120.0  # seconds that a run waits in all for others to leave processors free


def counts(text: str) -> list[int]:
    """Parse the argument of --threads."""
    numbers = sorted({int(word) for word in text.split(",")})
    if numbers[0] < 1:
        raise argparse.ArgumentTypeError("at least one thread")
    return numbers


def number(text: str) -> int:
    """Parse a count that may be written as 1e6."""
    return int(float(text))


def share(parser: argparse.ArgumentParser, threads: str | None = "1,2") -> None:
    """Add the options that all commands have; without a default for --threads, one thread is all there is."""
    parser.add_argument("--only", metavar="REGEX", help="cases whose name contains this regular expression")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each case")
    parser.add_argument("--quick", action="store_true", help="a first look, too short to judge by")
    if threads:
        told = f"counts of threads (default: {threads})"
        parser.add_argument("--threads", type=counts, default=threads, metavar="N,M", help=told)
    else:
        parser.set_defaults(threads=[1])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument(
        "--wait",
        type=float,
        metavar="SECONDS",
        help=f"wait so long in all for others to leave processors free (default: {WAIT:g}, with --quick a sixth)",
    )


class Session:
    """One run of a command."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.start = time.perf_counter()
        self.limits = compile_limits()
        wait = options.wait if options.wait is not None else WAIT / 6 if options.quick else WAIT
        self.calm = Calm(wait)
        self.environment = tables.environment()

    def describe(self) -> None:
        """Print what the figures depend on."""
        print(*(f"{name}: {value}" for name, value in self.environment.items()), sep="\n")
        for missing in (name for name, there in installed().items() if not there):
            print(f"not installed: {missing}")
        if self.limits.problem:
            print(self.limits.problem)
        if max(self.options.threads) > (os.cpu_count() or 1):
            print("more threads than processors: do not judge by this")
        print()

    def wanted(self, cases: list) -> list:
        """Those that --only asks for; exits after --list, or if there are none."""
        if self.options.list:
            print(*(case.name for case in cases), sep="\n")
            sys.exit()
        chosen = [case for case in cases if not self.options.only or re.search(self.options.only, case.name)]
        if not chosen:
            sys.exit("no such case; --list names them")
        self.describe()
        return chosen

    def measure(self, case, field: list[Contender], effort: Effort) -> Measured:
        """All rounds of one case."""
        return measure(case, field, effort, self.calm)

    def close(self, results: list[Measured], more: dict) -> None:
        """Say how much the run was disturbed and how long it took, and write everything."""
        if self.options.quick:
            print("Too short to judge by.")
        print(f"{self.calm.crowded} of {self.calm.samples} samples were taken while others were at work")
        print(f"{time.perf_counter() - self.start:.0f} s")
        if self.options.json:
            text = files.as_json(results, self.environment, vars(self.options), more)
            self.options.json.write_text(text)
