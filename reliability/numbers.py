"""All numbers: exp of every float and of hard doubles, its order, and reductions of millions of rows."""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import mpmath as mp

from reliability.bounds import bounds
from reliability.hard_doubles import hard_doubles
from reliability.seen import EXP, Seen, all_of, compiled, spans
from reliability.tables import CheckError, Table

BLOCKS = 2**32 // 4096
# of 2^-24 or 2^-53: what exp.h, wide.h and eighths.h allow
TERM = {"parts": 0.79, "wide": 2**-4.8, "eighths": 0.12}
FAULTS = ["unlike", "out_of_range", "misplaced"]  # counts of what must not be


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--one-in", type=int, default=1, help="of the blocks of 4096 floats look at one in so many")
    parser.add_argument("--doubles", type=int, default=10**8, help="random doubles; with 0 there is no table of exp")
    parser.add_argument("--reductions", type=int, default=10**7, help="rows; with 0 there is no table of bounds")
    parser.add_argument("--samples", type=int, default=10**4, help="rows of each of the other dtypes")


def greatest(name: str) -> Callable[[Seen], str]:
    """Show a greatest value, and the number that has it."""
    return lambda seen: f"{seen.greatest[name][0]:.4f} at `{seen.greatest[name][1]}`" if seen.greatest[name][0] else ""


def times(name: str) -> Callable[[Seen], str]:
    """Show a count."""
    return lambda seen: f"{seen.count[name][0]:,}"


ROWS = {
    "numbers looked at": times("numbers"),
    "greatest error of 2ⁿ (1 + u), in 2⁻²⁴ or 2⁻⁵³ of it": greatest("parts"),
    "greatest |u|": greatest("u"),
    "greatest error of the rounded e^x, in ulp": greatest("product"),
    "greatest error of e^x in sums of no more than 256 floats, in 2⁻²⁴": greatest("wide"),
    "the same in sums of more": greatest("eighths"),
    "e^x not the nearest number": times("wrongly_rounded"),
    "rounded e^x less than that of the number before, n the same": times("decreases"),
    "the same from one n to the next": times("decreases_between"),
    "2ⁿ (1 + u) less than that of the number before": times("parts_decrease"),
    "other bits by another kernel": times("unlike"),
    "other u at another anchor, not 0 below the range, or NaN lost": times("out_of_range"),
}


def decide(seen: Seen, digits: int) -> None:
    """Count those of the undecided that are not rounded correctly: of each x there is 1 + u, rounded."""
    with mp.workdps(60):
        for x, rounded in seen.undecided:
            exact = mp.exp(x - mp.nint(x / mp.log(2)) * mp.log(2))
            with mp.workprec(digits):
                nearest = +exact
            if nearest != mp.mpf(rounded):
                count, witness = seen.count["wrongly_rounded"]
                seen.count["wrongly_rounded"] = count + 1, witness if count else x.hex()


def look_at_exp(folder: Path, options: argparse.Namespace) -> dict[str, Seen]:
    """Run the programs that look at exp; what they saw, by column of the table."""
    single, double = compiled(folder, "exp_float", EXP), compiled(folder, "exp_double", EXP)
    listed = folder / "hard_doubles"
    listed.write_text("\n".join(x.hex() for x in hard_doubles()))
    every = "every number" if options.one_in == 1 else f"one in {options.one_in}"
    far = [("boundaries", sign * 2**k - 8, sign * 2**k + 8, 100) for k in range(11, 46) for sign in (-1, 1)]
    columns = {
        f"float32, {every}": all_of(single, ((*span, options.one_in) for span in spans(0, BLOCKS))),
        "float64, random": all_of(double, (("random", *span) for span in spans(0, options.doubles, 4096))),
        "float64, hardest": all_of(double, [("listed", 100, listed)]),
        "float64, where n changes": all_of(
            double, [*(("boundaries", *span, 1000) for span in spans(-1100, 1101)), *far]
        ),
    }
    for column, seen in columns.items():
        decide(seen, 24 if "float32" in column else 53)
    return columns


def table_of_exp(columns: dict[str, Seen]) -> Table:
    """Show what was seen."""
    rows = [[what, *(show(seen) for seen in columns.values())] for what, show in ROWS.items()]
    kernels = sorted(set().union(*(seen.kernels for seen in columns.values())))
    return Table("exponentials", ["", *columns], rows, f"Kernels: {', '.join(kernels)}.")


def failures_of_exp(columns: dict[str, Seen]) -> Iterator[str]:
    """Yield what is not as exp.h says."""
    for column, seen in columns.items():
        for name in FAULTS:
            count, witness = seen.count.get(name, (0, ""))
            if count:
                yield f"{column}: {count} {name}, the first at {witness}"
        for name, term in TERM.items():
            if not seen.greatest.get(name, (0, ""))[0] < term:
                yield f"{column}: an error of {greatest(name)(seen)} ({name})"


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Compile, run, and tell."""
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.doubles:
            columns = look_at_exp(folder, options)
            yield table_of_exp(columns)
            failures += failures_of_exp(columns)
        if options.reductions:
            table, found = bounds(folder, options.reductions, options.samples)
            yield table
            failures += found
    if failures:
        raise CheckError("\n".join(failures))
