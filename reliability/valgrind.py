"""Tests of numbers, every function, and programs in C, under valgrind's memcheck.

It sees what AddressSanitizer does not: values that depend on memory nobody has written, and code as it is released, not
compiled for it. It knows no AVX-512, and hides it from the program, which then takes AVX2.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import native
import scratch
from reliability import programs
from reliability.tables import CheckError, Table

MEMCHECK = ["valgrind", "--quiet", "--error-limit=no", "--num-callers=40", "--leak-check=full"]
MEMCHECK += ["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]
KERNELS = ["avx2", "scalar"]
TESTS = [
    "values/test_values.py",
    "values/test_edges.py",
    "values/test_segments.py",
    "values/test_weights.py",
    "shapes/test_weighted_arrays.py",
    "values/test_cumulative.py",
    "values/test_streaming.py",
]
# It is 30 times slower: accuracy and bits go through the same code with other numbers, arguments and dtypes through the
# calls of leak_calls.py, and what is not of numbers is not of memory. These look at what valgrind does not compute,
# 80 bits; at processes of their own; or wait for a reference of many digits:
LEFT_OUT = "not longdouble and not pickle and not (test_every_prefix and 1000)"
LONGEST_ROW = 2000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this run."""
    parser.add_argument("--compiler", action="append", choices=["gcc", "clang"], help="only this one, may be repeated")
    parser.add_argument("--kernel", action="append", choices=KERNELS, help="only this one, may be repeated")
    parser.add_argument("--calls", action="store_true", help="every function once, without the tests of numbers")


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Yield a table for each compiler; raise CheckError after it if something was found."""
    native.installed("valgrind")
    for compiler in options.compiler or native.installed("gcc", "clang"):
        table = Table(f"valgrind_{compiler}", ["compiler", "kernel", "what", "result", "errors within lse", "minutes"])
        failures: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            scratch.build(scratch.copy(Path(folder)), compiler, "-O3", "-gdwarf-4")
            for kernel in options.kernel or KERNELS:
                for what, command in commands(options):
                    failures += watch(Path(folder), compiler, kernel, what, command, table)
            failures += of_programs(Path(folder), compiler, table)
        yield table
        if failures:
            raise CheckError("\n".join(failures))


def commands(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """What Python runs, in a copy of the sources."""
    yield "every function", ["tests/memory/leak_calls.py"]
    if not options.calls:
        files = [f"tests/{name}" for name in TESTS]
        yield "tests of numbers", ["-m", "pytest", "--all", "-q", "-p", "no:cacheprovider", "-k", LEFT_OUT, *files]


def watch(folder: Path, compiler: str, kernel: str, what: str, command: list[str], table: Table) -> Iterator[str]:
    """Run a command of Python, add a row, yield the errors on whose stack the extension is; NumPy's are not ours."""
    report = folder / "report.xml"
    environment = {"PYTHONPATH": str(folder / "src"), "PYTHONMALLOC": "malloc"}
    start = time.monotonic()
    done = subprocess.run(
        [*MEMCHECK, "--xml=yes", f"--xml-file={report}", sys.executable, *command],
        cwd=folder,
        env={**os.environ, **environment, "LSE_KERNELS": kernel},
        capture_output=True,
        text=True,
    )
    found = [text for text in errors(report) if "/_core." in text]
    last = done.stdout.strip().splitlines()[-1:] or ["done"]
    minutes = f"{(time.monotonic() - start) / 60:.0f}"
    table.rows.append([compiler, kernel, what, last[0].strip("= "), len(found), minutes])
    print(*table.rows[-1], file=sys.stderr, flush=True)
    yield from (f"{compiler}, {kernel}: {text}" for text in found)
    if done.returncode:
        yield f"{compiler}, {kernel}, {what}: ended with {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}"


def errors(report: Path) -> Iterator[str]:
    """What memcheck has found, one text each: kind, and the stack with the objects that its frames are in."""
    with contextlib.suppress(ElementTree.ParseError):  # the process was ended: its exit status says so
        for _, error in ElementTree.iterparse(report):
            if error.tag == "error":
                fields = ("fn", "file", "line", "obj")
                frames = [" ".join(filter(None, map(f.findtext, fields))) for f in error.find("stack").iter("frame")]
                yield "\n  ".join([error.findtext("kind"), *frames])


def of_programs(folder: Path, compiler: str, table: Table) -> Iterator[str]:
    """Let the programs in C run, whose errors are all ours."""
    target = folder / "programs"
    target.mkdir()
    selftest, embedding = programs.compiled(target, compiler, "-O3", "-gdwarf-4")
    checked = [*MEMCHECK, "--error-exitcode=9"]
    for kernel in KERNELS:
        start = time.monotonic()
        count, found = programs.watched([*checked, selftest], [*checked, embedding], LONGEST_ROW, LSE_KERNELS=kernel)
        minutes = f"{(time.monotonic() - start) / 60:.0f}"
        table.rows.append([compiler, kernel, "calls from C", f"{count} calls", len(found), minutes])
        yield from found
