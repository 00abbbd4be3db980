"""The command: ``python -m reliability``."""

import argparse
import importlib
import sys

from native import CommandError
from reliability.tables import CheckError

# a module for each: `arguments(parser)` adds its options, `run(options)` yields tables and raises CheckError on a bug
RUNS = {
    "sanitizers": "the suite and programs in C under AddressSanitizer and UndefinedBehaviorSanitizer",
    "valgrind": "tests of numbers, every function and programs in C under valgrind",
    "numbers": "exp of every float and of hard doubles, and reductions of ten million rows",
    "worst": "rows of which results are farthest off, searched for",
    "fuzz": "lse.h and the engine beneath it, by libFuzzer under sanitizers",
    "fuzz_python": "all that is public in Python, by hypothesis",
}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m reliability", description="Look for bugs.")
    commands = parser.add_subparsers(dest="name", required=True, metavar="RUN")
    for name, what in RUNS.items():
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--record", action="store_true", help="keep the figures in docs/figures")
        module = importlib.import_module(f"reliability.{name}")
        module.arguments(command)
        command.set_defaults(run=module.run)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run one of them, print its tables, keep them if asked to."""
    options = parse(arguments)
    try:
        for table in options.run(options):
            print(table.markdown(), flush=True)
            if options.record:
                print(f"kept in {table.record()}")
    except (CheckError, CommandError) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
