"""Checks of the process that must be made before `lse._core` is loaded, so this module is imported first.

A forked process may inherit an OpenMP runtime whose threads remained in the parent: a parallel region may wait for them
forever. `lse._core` notes later forks; this module detects an earlier one. A process may also have several
interpreters, of which only one can load `lse._core`.
"""

import importlib
import os
import sys

RUNTIMES = ("libgomp", "libomp", "libiomp")
FORKED_WITHOUT_EXEC = 0x40  # in the flags of a process, field 9 of /proc/PID/stat


def is_fork(stat: str = "/proc/self/stat") -> bool:
    """Return whether this process was created by fork and has not called exec since; False where unknown."""
    try:
        with open(stat) as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return False
    return bool(int(fields[6]) & FORKED_WITHOUT_EXEC)


def programs(process: int | str) -> dict[str, str]:
    """Return the lines of a process's mappings of code from files, and the names of these files."""
    try:
        with open(f"/proc/{process}/maps") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    return {line: os.path.basename(line) for line in lines if "/" in line and "x" in line.split()[1]}


def runtimes(process: int | str) -> set[str]:
    """Return those lines that are OpenMP runtimes."""
    return {line for line, name in programs(process).items() if name.startswith(RUNTIMES)}


def inherits_runtime(before: set[str]) -> bool:
    """Return whether the OpenMP runtime in use was inherited by fork; `before`: those loaded before `lse._core`.

    Only processes created by fork have libraries at the same addresses. If the parent has exited, a runtime is assumed
    to be inherited.
    """
    if not before or runtimes("self") != before:  # lse._core has loaded its own, which has run no region
        return False
    parents = programs(os.getppid()).keys() & programs("self").keys()
    return not parents or not before.isdisjoint(parents)


def is_shared() -> bool:
    """Return whether this process has several interpreters."""
    try:
        name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        return len(importlib.import_module(name).list_all()) > 1
    except ImportError:  # not CPython
        return False


def is_command() -> bool:
    """Return whether this is ``python -m lse``, of which the package is imported before the module."""
    return sys.argv[:1] == ["-m"] and sys.orig_argv[len(sys.orig_argv) - len(sys.argv)] in ("lse", "-mlse")


BEFORE = runtimes("self") if is_fork() else set()

try:
    importlib.import_module("lse._core")
except ImportError as error:
    if "LSE_KERNELS" in str(error) and is_command():
        print(f"python -m lse: error: {error}", file=sys.stderr)
        sys.exit(2)
    if not is_shared():
        raise
    last = (str(error).strip() or "no reason given").splitlines()[-1]  # NumPy's message is long, the reason last
    raise ImportError(
        f"lse cannot be imported into this interpreter ({last}): of the interpreters of a process one alone can have "
        "lse and NumPy. Import lse in that one alone, or use processes instead of interpreters."
    ) from error
