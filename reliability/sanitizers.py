"""The suite, and programs in C, with all memory accesses and all undefined behaviour watched.

Each compiler builds a copy of the sources with AddressSanitizer and UndefinedBehaviorSanitizer; the suite runs on it
once for every kernel. A report of any process that the tests start counts, whatever became of the test.
"""

import argparse
import os
import platform
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

# gcc does not count a float that does not fit into an integer as undefined
SANITIZE = [
    "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-g",
]
LEVEL = "-O1"  # at -O3 loads whose values are not used are gone before they are watched
LINK = {"gcc": "", "clang": "-shared-libasan"}  # clang's runtime is linked to programs alone unless asked for
# as clang has it for one processor, and where it is built for all
PRELOADED = {
    "gcc": [["libasan.so"], ["libubsan.so"], ["libstdc++.so"]],
    "clang": [[f"libclang_rt.asan-{platform.machine()}.so", "libclang_rt.asan.so"]],
}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:detect_stack_use_after_return=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}

# what cannot run so, of tests/, and why
DESELECTED = {
    "bits/test_kernels.py": "compiles programs of its own, with sanitizers of their own",
    "embedding/test_c_interface.py": "links the library of an ordinary build; the same calls are made below",
    "embedding/test_embedding.py": "compiles against an installed lse, an ordinary build",
    "accuracy/test_exp.py": "compiles programs of its own, by a compiler that would be watched too",
    "hostile/test_fuzz_corpus.py": "compiles a program of its own, with sanitizers of its own",
    "memory/test_no_memory.py": "takes the place of malloc, and sets limits that the shadow of the memory exceeds",
    "calls/test_cli.py::test_a_file_larger_than_memory": "sets such a limit too",
    "hostile/test_malformed.py::test_what_is_promised_takes_no_memory": "measures memory; the shadow is a part of it",
    "processes/test_processes.py::test_a_forked_child_of_a_c_program_computes": "links an ordinary library",
    "processes/test_interrupts.py::test_dask_is_interrupted": "a chunk that takes seconds takes a minute",
    "libraries/test_dask_cluster.py": "workers of 256 MiB, which the shadow of the memory and freed memory exceed",
    "memory/test_scale.py": "takes hours with the scalar kernels",
    "processes/test_races.py": "compiles programs of its own, with a sanitizer of its own",
    "processes/test_interrupts.py::test_an_interrupt_takes_less_than_a_second": "measures time",
    "memory/test_memory.py::test_no_temporary_is_proportional_to_the_input": "freed memory is kept, to see its use",
}
COLUMNS = ["compiler", "kernel", "what", "passed", "skipped", "failed", "reports", "minutes"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this run."""
    parser.add_argument("--compiler", action="append", choices=LINK, help="only this one, may be repeated")
    parser.add_argument("--kernel", action="append", help="only this one, may be repeated")
    parser.add_argument("pytest", nargs="*", help="what pytest gets besides; behind --")


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Yield a table for each compiler; raise CheckError after it if something was found."""
    for compiler in options.compiler or native.installed(*LINK):
        table = Table("_".join(["sanitizers", compiler, *(options.kernel or [])]), COLUMNS)
        with tempfile.TemporaryDirectory() as folder:
            failures = [*suite(compiler, options, Path(folder), table), *of_programs(compiler, options, table)]
        yield table
        if failures:
            raise CheckError("\n".join(failures))


def suite(compiler: str, options: argparse.Namespace, folder: Path, table: Table) -> Iterator[str]:
    """Build the extension, run the suite on every kernel, add a row for each; yield what was found."""
    scratch.copy(folder)
    scratch.build(folder, compiler, LEVEL, " ".join(SANITIZE), " ".join([*SANITIZE[:1], LINK[compiler]]))
    environment = {
        **OPTIONS,
        "CC": compiler,  # what tests compile shares the OpenMP runtime of the extension
        "LD_PRELOAD": " ".join(library(compiler, names) for names in PRELOADED[compiler]),
        "PYTHONMALLOC": "malloc",  # each object of Python is memory of its own
        "PYTHONPATH": str(folder / "src"),
    }
    names = "import lse; print(*lse.show_config(mode='dict')['available_kernels'])"
    for kernel in options.kernel or native.output([sys.executable, "-c", names], **environment).split():
        reports = folder / "reports" / kernel
        reports.mkdir(parents=True)
        watched = {name: f"{environment[name]}:log_path={reports / name}" for name in OPTIONS}
        start = time.monotonic()
        counts, code = pytest(folder, options.pytest, {**environment, **watched, "LSE_KERNELS": kernel})
        said = [text for path in sorted(reports.iterdir()) if is_finding(text := path.read_text(errors="replace"))]
        minutes = f"{(time.monotonic() - start) / 60:.0f}"
        table.rows.append([compiler, kernel, "suite", *counts, len(said), minutes])
        print(*table.rows[-1], file=sys.stderr, flush=True)
        yield from (f"{compiler}, {kernel}:\n{text[:6000]}" for text in said)
        if code:
            yield f"{compiler}, {kernel}: pytest ended with {code}"


def is_finding(report: str) -> bool:
    """Whether a report says more than that more memory was asked for than there is, as tests do on purpose."""
    return any("WARNING: AddressSanitizer failed to allocate" not in line for line in report.splitlines())


def library(compiler: str, names: list[str]) -> str:
    """Where a compiler has a library of one of these names."""
    for name in names:
        path = native.output([compiler, f"-print-file-name={name}"]).strip()
        if os.path.isabs(path):
            return path
    raise CheckError(f"{compiler} has no {' or '.join(names)}")


def pytest(folder: Path, more: list[str], environment: dict[str, str]) -> tuple[list[int], int]:
    """Run the suite; how many tests passed, were skipped and failed, as far as it came, and its exit status."""
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    deselected = (f"--deselect=tests/{name}" for name in DESELECTED)
    command = [sys.executable, "-m", "pytest", "--all", "-p", "no:cacheprovider", f"--junitxml={results}"]
    command += [*deselected, *more]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, stdout=sys.stderr, stderr=sys.stderr)
    if not results.exists():
        return [0, 0, 0], done.returncode
    count = {name: int(n) for name, n in ElementTree.parse(results).find("testsuite").items() if n.isdecimal()}
    failed = count["failures"] + count["errors"]
    return [count["tests"] - failed - count["skipped"], count["skipped"], failed], done.returncode


def of_programs(compiler: str, options: argparse.Namespace, table: Table) -> Iterator[str]:
    """Watch programs that hold the engine alone, for leaks too, which the memory that Python keeps would hide."""
    if options.pytest:
        return
    environment = {"ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:max_allocation_size_mb=300"}
    with tempfile.TemporaryDirectory() as folder:
        selftest, embedding = programs.compiled(Path(folder), compiler, *SANITIZE, LEVEL)
        for kernel in options.kernel or native.output([selftest, "--names"]).split():
            start = time.monotonic()
            count, failures = programs.watched([selftest], [embedding], LSE_KERNELS=kernel, **environment)
            minutes = f"{(time.monotonic() - start) / 60:.0f}"
            table.rows.append([compiler, kernel, "calls from C", count, 0, len(failures), len(failures), minutes])
            yield from failures
