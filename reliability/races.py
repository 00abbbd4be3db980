"""The engine and the extension under clang's thread sanitizer; archer tells it what OpenMP synchronises."""

import argparse
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reliability import scratch
from reliability.native import ENGINE, compilers, output, program
from reliability.tables import ROOT, Fault, Table

HERE = ROOT / "reliability" / "racing"
SANITIZE = "-fsanitize=thread"
FLAGS = [SANITIZE, "-fopenmp", "-g", "-O1"]
# It does not watch what is wider than 16 bytes, as vectors are. What OpenMP's runtime does is archer's to tell; of all
# that is not compiled for it, with ignore_noninstrumented_modules, it would not see our copies of memory either.
ENVIRONMENT = {
    "LSE_KERNELS": "scalar",
    "OMP_NUM_THREADS": "3",
    "TSAN_OPTIONS": f"halt_on_error=1:suppressions={HERE / 'suppressions.txt'}",
}
Command = list[str | Path]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add how often it is run."""
    parser.add_argument("--repeats", type=int, default=3, help="runs of each program, with four callers (default: 3)")


def archer() -> str:
    """Return the path of libarcher.so among the libraries of the clang that is used."""
    libraries = Path(output(["clang", "-print-resource-dir"]).strip()).parents[1]
    found = sorted(libraries.rglob("libarcher.so"))
    if not found:
        raise Fault(f"libarcher.so is not in {libraries}; it comes with libomp")
    return str(found[0])


def run(options: argparse.Namespace) -> Iterator[Table]:
    """See the races that are planted, then none in what is there."""
    compilers("clang")
    environment = {**ENVIRONMENT, "OMP_TOOL_LIBRARIES": archer()}
    table = Table("races", ["program", "calls", "elements read", "races"])
    with tempfile.TemporaryDirectory() as folder:
        for language, make in {"C": in_c, "Python": in_python}.items():
            (place := Path(folder) / language).mkdir()
            planted, command = make(place)
            table.rows.append([f"{language}, with a race planted", "", "", see_planted(planted, environment)])
            printed = [output(command, **environment).split() for _ in range(options.repeats)]
            calls, elements = (sum(map(int, column)) for column in zip(*printed, strict=True))
            table.rows.append([f"{language}, {options.repeats} times", calls, f"{elements:.2e}", 0])
    yield table


def in_c(folder: Path) -> tuple[Command, Command]:
    """Compile engine.c; what starts it, with a race first."""
    (other := folder / "planted").mkdir()
    sources = [*ENGINE, HERE / "engine.c"]
    return [program(other, "clang", sources, *FLAGS, "-DPLANTED")], [program(folder, "clang", sources, *FLAGS)]


def in_python(folder: Path) -> tuple[Command, Command]:
    """Build the extension, and an interpreter that holds the sanitizer; what starts hammer.py, with a race first."""
    scratch.build(scratch.copy(folder), "clang", "-O1", f"{SANITIZE} -g", SANITIZE)
    python = sysconfig.get_config_vars()
    library = python["LIBDIR"] if python["Py_ENABLE_SHARED"] else python["LIBPL"]
    flags = [f"-I{sysconfig.get_path('include')}", f'-DPYTHON="{sys.executable}"']
    link = [*python["LINKFORSHARED"].split(), f"-L{library}", f"-Wl,-rpath,{library}", f"-lpython{python['LDVERSION']}"]
    link += [*python["LIBS"].split(), *python["SYSLIBS"].split()]
    interpreter = folder / "python"
    output(["clang", SANITIZE, *flags, HERE / "python.c", *link, "-o", interpreter])
    folders = os.pathsep.join([str(folder / "src"), str(folder / "tests" / "memory")])
    command = ["env", f"PYTHONPATH={folders}", interpreter, HERE / "hammer.py"]
    return [*command, "planted"], command


def see_planted(command: Command, environment: dict[str, str]) -> str:
    """Return what the sanitizer calls the planted race; Fault where it sees none, for then it is blind."""
    try:
        output(command, **environment)
    except Fault as fault:
        if "data race" in str(fault) and "/src/lse/" in str(fault):
            return "seen"
        raise
    raise Fault("the thread sanitizer does not see a race that was planted")
