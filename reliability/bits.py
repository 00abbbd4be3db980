"""The golden digests with every compiler, level of optimisation, kernel, number of threads and emulated processor."""

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from reliability.native import ENGINE, compilers, program
from reliability.tables import TESTS, Fault, Table

GOLDEN = TESTS / "helpers" / "golden.txt"
SOURCES = [*ENGINE, TESTS / "helpers" / "golden.c"]
LEVELS = [("-O1",), ("-O2",), ("-O3",), ("-O3", "-flto")]
KERNELS = ["avx512", "avx2", "neon", "scalar"]
THREADS = ["1", "2", "3", "7"]
CANNOT_RUN = 4  # what golden.c ends with where LSE_KERNELS names what this processor lacks

# compiler, what it is given, what its program is run by
EMULATED = [
    ("aarch64-linux-gnu-gcc", "aarch64", ["qemu-aarch64-static"]),
    ("gcc", "Haswell", ["qemu-x86_64-static", "-cpu", "Haswell"]),
    ("gcc", "Nehalem", ["qemu-x86_64-static", "-cpu", "Nehalem"]),
]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this run."""
    parser.add_argument("--compiler", choices=["gcc", "clang"], help="this one alone, without emulated processors")


def digests(command: Sequence[object], kernel: str, threads: str) -> bool:
    """Whether the processor can run a kernel; Fault where its digests are others than the golden ones."""
    words = [*map(str, command), threads]
    done = subprocess.run(words, env={**os.environ, "LSE_KERNELS": kernel}, capture_output=True, text=True)
    if done.returncode == CANNOT_RUN:
        return False
    if done.returncode:
        raise Fault(f"LSE_KERNELS={kernel} {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    wrong = sorted(set(done.stdout.splitlines()) - set(GOLDEN.read_text().splitlines()))
    if wrong or not done.stdout:
        raise Fault(f"LSE_KERNELS={kernel} {' '.join(words)}: not in {GOLDEN.name}:\n" + "\n".join(wrong))
    return True


def checked(command: Sequence[object], *counts: str) -> str:
    """The names of the kernels that gave the golden digests, with each of these numbers of threads."""
    names = [kernel for kernel in KERNELS if all(digests(command, kernel, threads) for threads in counts)]
    if not names:
        raise Fault(f"{' '.join(map(str, command))}: no kernel runs")
    return ", ".join(names)


def native(compiler: str) -> Iterator[tuple[str, str, str, str]]:
    """A row for each level of optimisation."""
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as folder:
            built = program(Path(folder), compiler, SOURCES, "-fopenmp", *level)
            yield compiler, " ".join(level), "this one", checked([built], *THREADS)


def emulated() -> Iterator[tuple[str, str, str, str]]:
    """A row for each emulated processor that there is a compiler and an emulator for."""
    for compiler, name, emulator in EMULATED:
        if shutil.which(compiler) and shutil.which(emulator[0]):
            with tempfile.TemporaryDirectory() as folder:
                built = program(Path(folder), compiler, SOURCES, "-fopenmp", "-O2", "-static")
                yield compiler, "-O2 -static", f"{name}, emulated", checked([*emulator, built], "3")
        else:
            yield compiler, "", f"{name}, emulated", "not run: compiler or emulator are missing"


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Compile tests/helpers/golden.c with the engine, and compare what it prints."""
    names = [options.compiler] if options.compiler else ["gcc", "clang"]
    table = Table("bits", ("compiler", "options", "processor", "kernels with the golden digests"))
    for compiler in compilers(*names):
        table.rows.extend(native(compiler))
    if not options.compiler:
        table.rows.extend(emulated())
    table.note = f"Each with {', '.join(THREADS)} threads, emulated processors with 3."
    yield table
