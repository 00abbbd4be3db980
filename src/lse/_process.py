"""The process that lse is imported into: imported first, for what cannot be told once `lse._core` is there.

It may inherit an OpenMP runtime, whose threads stayed behind in the process that forked it: a region may wait for them
for ever. `lse._core` notes the forks that come after it; here is looked for one that came before. And it may have
several interpreters, of which one alone can have `lse._core`.
"""

import importlib
import os
import sys

RUNTIMES = ("libgomp", "libomp", "libiomp")
FORKED_WITHOUT_EXEC = 0x40  # in the flags of a process, field 9 of /proc/PID/stat


def is_fork(stat: str = "/proc/self/stat") -> bool:
    """Return whether this process was made by fork and has run no new program since; False where nobody tells."""
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
    """Return the lines of those that are runtimes of OpenMP."""
    return {line for line, name in programs(process).items() if name.startswith(RUNTIMES)}


def inherits_runtime(before: set[str]) -> bool:
    """Return whether the runtime in use was there before the fork, of runtimes that were there before `lse._core`.

    Programs lie at other addresses in every process but those that come of one by fork. Where the parent is gone,
    nobody knows what it had.
    """
    if not before or runtimes("self") != before:  # lse._core has brought its own, which no region has seen
        return False
    parents = programs(os.getppid()).keys() & programs("self").keys()
    return not parents or not before.isdisjoint(parents)


def is_shared() -> bool:
    """Return whether this process has several interpreters."""
    try:
        name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        return len(importlib.import_module(name).list_all()) > 1
    except ImportError:  # not of CPython
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
    last = (str(error).strip() or "no reason given").splitlines()[-1]  # NumPy's message is a page that ends with it
    raise ImportError(
        f"lse cannot be imported into this interpreter ({last}): of the interpreters of a process one alone can have "
        "lse and NumPy. Import lse in that one alone, or use processes instead of interpreters."
    ) from error
