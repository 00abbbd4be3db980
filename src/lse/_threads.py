"""How many threads, and what this build is."""

import math
import operator
import os
import sys
from typing import Self, SupportsIndex

from lse import _core, _process


def read(*parts: str) -> list[str] | None:
    """Return the words of a file, or None if it cannot be read."""
    try:
        with open(os.path.join(*parts)) as file:
            return file.read().split()
    except OSError:
        return None


def cgroup_quota(root: str = "/sys/fs/cgroup", membership: str = "/proc/self/cgroup") -> int | None:
    """Return how many processors the cgroup of this process may keep busy, rounded up, or None if not limited."""
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
        for depth in range(len(levels) + 1):  # a limit may stand at any level
            words = [word for name in names for word in read(directory, *levels[:depth], name) or ()]
            if len(words) == 2 and words[0] not in ("max", "-1"):
                quotas.append(int(words[0]) / int(words[1]))
    return max(1, math.ceil(min(quotas))) if quotas else None


def get_num_threads() -> int:
    """Return how many threads a large reduction uses.

    Unless `set_num_threads` has said otherwise, that is what OpenMP has been told (``OMP_NUM_THREADS``,
    threadpoolctl), but no more than the processors that the affinity and the cgroup of the process allow.
    Small reductions, those inside a parallel region of OpenMP, and all of a forked child use one.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> import lse
    >>> lse.get_num_threads() >= 1
    True
    """
    return _core.num_threads()


class set_num_threads:  # noqa: N801  used as a function
    """Set how many threads a large reduction of this process uses, for good or for a while.

    Parameters
    ----------
    n : int or None
        At least 1; None returns to what the environment says. More threads than processors are started if
        asked for.

    Raises
    ------
    TypeError, ValueError
        `n` is not an integer, or less than 1.

    Notes
    -----
    The setting is one for the whole process. As a context manager it restores the previous one at the end.
    The result of a reduction does not depend on it.

    Examples
    --------
    >>> import lse
    >>> with lse.set_num_threads(1):
    ...     lse.logsumexp([0.0, 0.0])
    np.float64(0.6931471805599453)
    """

    def __init__(self, n: SupportsIndex | None) -> None:
        if n is None:
            limit = 0
        elif isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError(f"set_num_threads: expected an integer or None, not {n!r}")
        else:
            limit = operator.index(n)
            if not 1 <= limit <= 1 << 16:
                raise ValueError(f"set_num_threads: expected 1 to 65536 threads, not {n}; None returns to the default")
        self._before = _core.limit_threads(limit, -1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        _core.limit_threads(self._before, -1)

    def __repr__(self) -> str:
        return f"<set_num_threads: previously {self._before or None}>"


def show_config() -> None:
    """Print the version of lse, its kernel, its threads and what it was built with.

    Examples
    --------
    >>> import lse
    >>> lse.show_config()  # doctest: +ELLIPSIS
    lse ...
    """
    import numpy as np

    import lse

    openmp = _core.openmp_version()
    rows = {
        "kernel": f"{_core.kernels()} (available: {', '.join(_core.available_kernels())})",
        "threads": f"{get_num_threads()} (OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')})",
        "OpenMP": f"{openmp} ({', '.join(openmp_runtimes()) or 'runtime unknown'})" if openmp else "not built in",
        "NumPy": np.__version__,
        "Python": sys.version.split()[0],
    }
    print(f"lse {lse.__version__}")
    for name, value in rows.items():
        print(f"  {name + ':':9}{value}")


def openmp_runtimes() -> list[str]:
    """Return the paths of the OpenMP libraries that this process has loaded, where the system tells (Linux)."""
    words = set(read("/proc/self/maps") or ())
    return sorted(word for word in words if os.path.basename(word).startswith(_process.RUNTIMES))


if _process.inherits_runtime(_process.BEFORE):
    _core.note_fork()
if "OMP_NUM_THREADS" not in os.environ:
    _core.limit_threads(-1, cgroup_quota() or 0)
