"""The number of threads, and the build configuration."""

import contextlib
import math
import operator
import os
import sys
from collections.abc import Iterator
from typing import Any, Literal, SupportsIndex, overload

from lse import _core, _process


def read(*parts: str) -> list[str] | None:
    """Return the words of a file, or None if it cannot be read."""
    try:
        with open(os.path.join(*parts)) as file:
            return file.read().split()
    except OSError:
        return None


def cgroup_quota(root: str = "/sys/fs/cgroup", membership: str = "/proc/self/cgroup") -> int | None:
    """Return how many processors the cgroup of this process may use, rounded up, or None if unlimited."""
    quotas: list[float] = []
    names: tuple[str, ...]
    for line in read(membership) or ():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            directory, names = root, ("cpu.max",)  # version 2
        elif "cpu" in controllers.split(","):
            directory, names = os.path.join(root, controllers), ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        else:
            continue
        levels = path.strip("/").split("/")
        for depth in range(len(levels) + 1):  # any level may have a limit
            words = [word for name in names for word in read(directory, *levels[:depth], name) or ()]
            if len(words) == 2 and words[0] not in ("max", "-1"):
                quotas.append(int(words[0]) / int(words[1]))
    return max(1, math.ceil(min(quotas))) if quotas else None


def get_num_threads() -> int:
    """Return how many threads a large reduction of the calling thread uses.

    That is the number set by `num_threads` for the calling thread, or else by `set_num_threads` for the process.
    Otherwise it is the number set for OpenMP (``OMP_NUM_THREADS``, threadpoolctl), but no more than the processors that
    the affinity and the cgroup of the process allow. Small reductions, those inside a parallel region of OpenMP, and
    all in a forked child use one.

    Returns
    -------
    int
        At least 1.

    See Also
    --------
    num_threads, set_num_threads

    Examples
    --------
    >>> import lse
    >>> lse.get_num_threads() >= 1
    True
    """
    return _core.available_threads()


def thread_limit(n: SupportsIndex | None, function: str) -> int:
    """Return a number of threads as an integer, 0 for None."""
    if n is None:
        return 0
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"{function}: expected an integer or None, not {n!r}")
    limit = operator.index(n)
    if not 1 <= limit <= 1 << 16:
        raise ValueError(f"{function}: expected 1 to 65536 threads, not {n}; None returns to the default")
    return limit


def set_num_threads(n: SupportsIndex | None) -> None:
    """Set how many threads a large reduction uses, for the whole process and until it is set again.

    Parameters
    ----------
    n : int or None
        At least 1; None restores the default described at `get_num_threads`. More threads than processors are started
        if requested.

    Raises
    ------
    TypeError, ValueError
        `n` is not an integer, or less than 1.

    See Also
    --------
    num_threads : The same for the calling thread and a ``with`` block.
    get_num_threads

    Notes
    -----
    The setting applies to all Python threads, except inside `num_threads`. Results do not depend on it.

    Examples
    --------
    >>> import lse
    >>> lse.set_num_threads(1)
    >>> lse.get_num_threads()
    1
    >>> lse.set_num_threads(None)
    """
    _core.limit_threads(thread_limit(n, "set_num_threads"), -1)


@contextlib.contextmanager
def own_limit(limit: int) -> Iterator[None]:
    """Let reductions of the calling thread use this many threads; 0 removes its own limit."""
    before = _core.limit_own_threads(limit)
    try:
        yield
    finally:
        _core.limit_own_threads(before)


def num_threads(n: SupportsIndex | None) -> contextlib.AbstractContextManager[None]:
    """Return a context in which large reductions of the calling thread use `n` threads.

    Parameters
    ----------
    n : int or None
        At least 1; None for the setting of the process. More threads than processors are started if requested.

    Returns
    -------
    context manager
        For one ``with`` statement; these may be nested. The previous setting is restored at its end, also after an
        exception.

    Raises
    ------
    TypeError, ValueError
        `n` is not an integer, or less than 1.

    See Also
    --------
    set_num_threads : The same for the whole process, until it is called again.
    get_num_threads

    Notes
    -----
    Other Python threads, including those started inside the block, keep the setting of the process. Results do not
    depend on the number of threads.

    Examples
    --------
    >>> import lse
    >>> with lse.num_threads(2):
    ...     lse.get_num_threads()
    2
    """
    return own_limit(thread_limit(n, "num_threads"))


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> dict[str, Any]: ...
def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Print or return the version of lse, its kernel, its threads and its build configuration.

    Parameters
    ----------
    mode : {"stdout", "dict"}, optional
        Print, which is the default, or return a dictionary.

    Returns
    -------
    dict or None
        With ``mode="dict"``, under these keys:

        version
            The version of lse.
        kernel
            The instruction set in use: ``"avx512"``, ``"avx2"``, ``"neon"`` or ``"scalar"``.
        available_kernels
            Those that the processor can run, best first.
        num_threads
            What `get_num_threads` returns.
        omp_num_threads
            The environment variable ``OMP_NUM_THREADS``, or None.
        openmp
            The date of the OpenMP specification that lse was compiled with, such as 201511, or None.
        openmp_runtimes
            Paths of the OpenMP libraries that the process has loaded; empty where they cannot be determined.
        numpy, python
            Their versions.
        compiler
            What the kernels were compiled by, with its version.
        wheel
            The tags of the wheel that lse was installed from, such as ``["cp313-cp313-manylinux_2_28_x86_64"]``; empty
            where it was not.

    Raises
    ------
    ValueError
        `mode` is invalid.

    Examples
    --------
    >>> import lse
    >>> lse.show_config()  # doctest: +ELLIPSIS
    lse ...
    >>> lse.show_config(mode="dict")["kernel"] in ("avx512", "avx2", "neon", "scalar")
    True
    """
    import numpy as np

    import lse

    if mode not in ("stdout", "dict"):
        raise ValueError(f"show_config: mode must be 'stdout' or 'dict', not {mode!r}")
    found: dict[str, Any] = {
        "version": lse.__version__,
        "kernel": _core.kernels(),
        "available_kernels": _core.available_kernels(),
        "num_threads": get_num_threads(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "openmp": _core.openmp_version() or None,
        "openmp_runtimes": openmp_runtimes(),
        "numpy": np.__version__,
        "python": sys.version.split()[0],
        "compiler": _core.compiler(),
        "wheel": wheel_tags(),
    }
    if mode == "dict":
        return found
    runtimes = ", ".join(found["openmp_runtimes"]) or "runtime unknown"
    rows = {
        "kernel": f"{found['kernel']} (available: {', '.join(found['available_kernels'])})",
        "threads": f"{found['num_threads']} (OMP_NUM_THREADS={found['omp_num_threads'] or 'unset'})",
        "OpenMP": f"{found['openmp']} ({runtimes})" if found["openmp"] else "not built in",
        "NumPy": found["numpy"],
        "Python": found["python"],
        "built": f"by {found['compiler']} ({', '.join(found['wheel']) or 'no wheel'})",
    }
    print(f"lse {found['version']}")
    for name, value in rows.items():
        print(f"  {name + ':':9}{value}")
    return None


def wheel_tags() -> list[str]:
    """Return the tags of the wheel that this package was installed from, from its metadata."""
    from importlib import metadata

    try:
        text = metadata.distribution("logsumexp").read_text("WHEEL") or ""
    except metadata.PackageNotFoundError:
        return []
    return [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Tag:")]


def openmp_runtimes() -> list[str]:
    """Return the paths of the OpenMP libraries that this process has loaded, where the system provides them (Linux)."""
    words = set(read("/proc/self/maps") or ())
    return sorted(word for word in words if os.path.basename(word).startswith(_process.RUNTIMES))


if _process.inherits_runtime(_process.BEFORE):
    _core.note_fork()
if "OMP_NUM_THREADS" not in os.environ:
    _core.limit_threads(-1, cgroup_quota() or 0)
