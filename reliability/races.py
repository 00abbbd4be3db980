"""The engine under clang's thread sanitizer; archer tells it what OpenMP synchronises."""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reliability.native import ENGINE, compilers, output, program
from reliability.tables import ROOT, Fault, Table

FLAGS = ["-fsanitize=thread", "-fopenmp", "-g", "-O1"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add how often it is run."""
    parser.add_argument("--repeats", type=int, default=3, help="runs of the program, each of four callers (default: 3)")


def archer() -> str:
    """Return the path of libarcher.so among the libraries of the clang that is used."""
    libraries = Path(output(["clang", "-print-resource-dir"]).strip()).parents[1]
    found = sorted(libraries.rglob("libarcher.so"))
    if not found:
        raise Fault(f"libarcher.so is not in {libraries}; it comes with libomp")
    return str(found[0])


def run(options: argparse.Namespace) -> Iterator[Table]:
    """See a race that is planted, then none in what is there."""
    compilers("clang")
    source = ROOT / "reliability" / "races.c"
    environment = {"OMP_TOOL_LIBRARIES": archer(), "TSAN_OPTIONS": "ignore_noninstrumented_modules=1"}
    environment |= {"OMP_NUM_THREADS": "3", "ARCHER_OPTIONS": "verbose=1"}
    table = Table("races", ["program", "calls on several threads", "elements read", "races"])
    with tempfile.TemporaryDirectory() as folder:
        built = program(Path(folder), "clang", [*ENGINE, source], *FLAGS)
        planted = Path(folder) / "planted"
        planted.mkdir()
        shown = see_planted(program(planted, "clang", [*ENGINE, source], *FLAGS, "-DPLANTED"), environment)
        table.rows.append(["with a race planted", "", "", shown])
        read = sum(int(output([built], **environment).split()[-1]) for _ in range(options.repeats))
    calls = options.repeats * 4 * 6 * 16
    table.rows.append([f"as it is, {options.repeats} times", calls, f"{read:.2e}", 0])
    yield table


def see_planted(built: Path, environment: dict[str, str]) -> str:
    """Return what the sanitizer calls the planted race; Fault where it sees none, for then it is blind."""
    try:
        output([built], **environment)
    except Fault as fault:
        if "data race" in str(fault) and "races.c" in str(fault):
            return "seen"
        raise
    raise Fault("the thread sanitizer does not see a race that was planted")
