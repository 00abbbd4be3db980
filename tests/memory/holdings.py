"""Memory and objects held by a process before and after many calls of a function."""

import ctypes
import gc
import os
import sys
import threading
from pathlib import Path

import numpy as np

import lse

# not the dtype float64: np.empty of NumPy 2.4 leaves a reference to it in every call
WATCHED = [None, True, False, *map(np.dtype, ("?", "f", "g", "D", "V2")), lse.LogSumExp, np.ndarray]
NAMES = ["blocks", "bytes", "references", "files", "threads"]


class Mallinfo(ctypes.Structure):
    """struct mallinfo2 of glibc."""

    _fields_ = [(f"size_{i}", ctypes.c_size_t) for i in range(4)] + [
        ("mapped", ctypes.c_size_t),
        ("unused_1", ctypes.c_size_t),
        ("unused_2", ctypes.c_size_t),
        ("in_use", ctypes.c_size_t),
        ("free", ctypes.c_size_t),
        ("unused_3", ctypes.c_size_t),
    ]


def allocated_bytes():
    """Bytes allocated by malloc in all threads, apart from Python's own small blocks; 0 where unknown."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return 0
    mallinfo.restype = Mallinfo
    found = mallinfo()
    return found.in_use + found.mapped


def entries(folder):
    return len(os.listdir(folder)) if Path(folder).exists() else 0


# Python's cache of methods keeps the name that each was looked up by, in one of 4096 places by that name's address:
# np.cumsum makes a new one for "accumulate" at every call, until hundreds are kept.
forget_methods = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache


def held(arguments):
    """Counts that only grow for good if there is a leak."""
    forget_methods()
    gc.collect()
    references = sum(sys.getrefcount(x) for x in (*WATCHED, *arguments))
    tasks = entries("/proc/self/task") or threading.active_count()
    return np.array([sys.getallocatedblocks(), allocated_bytes(), references, entries("/proc/self/fd"), tasks])


def slack(times):
    """Growth that is not a leak: less than a block of Python, a reference and 16 bytes of malloc in two calls."""
    return np.array([times // 2, 8 * times, times // 2, times // 100, times // 100])


def leaks(function, arguments, times):
    """The growth after so many calls, if it is a leak: it must grow in every one of ten rounds.

    A cache grows in some.
    """
    for _ in range(20):
        function(*arguments)
    gc.collect()
    gc.freeze()  # existing objects need not be scanned again
    found = np.full(len(NAMES), np.iinfo(np.int64).max)
    before = held(arguments)
    for _ in range(10):
        for _ in range(times):
            function(*arguments)
        after = held(arguments)
        found = np.minimum(found, after - before)
        before = after
        if (found <= slack(times)).all():
            break
    gc.unfreeze()
    return {name: int(n) for name, n, most in zip(NAMES, found, slack(times), strict=True) if n > most}
