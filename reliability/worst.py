"""The worst rows: those of which results are farthest off, searched for by climbing."""

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

import native
from reliability.seen import compiled
from reliability.tables import CheckError, Table

OPERATIONS = ["logsumexp", "weighted", "log_softmax"]
LENGTHS = {(2, 256): 1, (257, 512): 2, (513, 4096): 10, (4097, 20000): 60}  # and how many times fewer rows


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--numbers", type=int, default=10**7, help="of which the worst exponentials make up rows")
    parser.add_argument("--starts", type=int, default=400, help="rows from which to climb")
    parser.add_argument("--steps", type=int, default=2000, help="changes of each")


def described(words: list[str]) -> str:
    """Say what worst.c prints of a row."""
    n, top, place, *runs = words
    triples = zip(runs[::3], runs[1::3], runs[2::3], strict=True)
    parts = [f"{length} of {x}" + ("" if b == "0x1p+0" else f" times {b}") for length, x, b in triples]
    return f"{n}: {', '.join(parts)}, over and over; {top} at {place}"


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Compile, search, and tell."""
    with tempfile.TemporaryDirectory() as name:
        program = compiled(Path(name), "worst", native.engine(Path(name)))
        cases = list(itertools.product(OPERATIONS, ("float64", "float32"), LENGTHS.items()))

        def search(case: tuple[str, str, tuple[tuple[int, int], int]]) -> list[str]:
            operation, dtype, (lengths, fewer) = case
            effort = options.numbers, options.starts // fewer + 1, options.steps // min(fewer, 10)
            words = [operation, int(dtype == "float32"), *lengths, options.seed, *effort]
            return native.output([program, *words]).split()

        with ThreadPoolExecutor(cpu_count()) as pool:
            found = list(pool.map(search, cases))
    table = Table("worst", ["", "elements", "greatest error", "of a row of"], note="Of max(1 ulp, 2⁻⁵² or 2⁻²³).")
    failures = []
    for (operation, dtype, ((least, most), _)), (error, *row) in zip(cases, found, strict=True):
        table.rows.append([f"`{operation}`, {dtype}", f"{least} to {most}", error, described(row)])
        if not float(error) <= 1:
            failures.append(f"{operation}, {dtype}: {error} times what is promised, of {described(row)}")
    yield table
    if failures:
        raise CheckError("\n".join(failures))
