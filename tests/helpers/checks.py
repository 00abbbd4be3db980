"""Comparisons without tolerance, memory layouts, kernels, new processes, required programs."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

from lse import _core
from native import ROOT, STRICT  # noqa: F401  for the tests

# those that the processor can run; if LSE_KERNELS is set, only that one
KERNELS = [_core.kernels()] if os.environ.get("LSE_KERNELS") else _core.available_kernels()


@contextlib.contextmanager
def using(kernel):
    """Compute with a kernel, then restore the previous one."""
    before = _core.use_kernels(kernel)
    try:
        yield kernel
    finally:
        _core.use_kernels(before)


def missing(what):
    """Skip; fail if LSE_REQUIRE_TOOLS is set."""
    if os.environ.get("LSE_REQUIRE_TOOLS"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is not installed")


def tool(*names):
    """The path of the first program found."""
    for name in names:
        if path := shutil.which(name):
            return path
    return missing(" or ".join(names))


def skip_without(name):
    """Skip if an optional library is not installed, without importing it."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")


def needs_modules(*names):
    for name in names:
        if importlib.util.find_spec(name) is None:
            missing(name)


def fresh(program, *arguments, timeout=60, **environment):
    """The output of code or a file in a new interpreter; after the timeout it is killed, and the test fails."""
    env = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "LSE_KERNELS")}
    env |= {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    given = [program] if isinstance(program, os.PathLike) else ["-c", program]
    command = [sys.executable, "-W", "error", *given, *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"ended with {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


def same(computed, expected):
    """Compare values, shapes and dtypes exactly, component by component; NaN equals NaN."""
    computed, expected = np.asarray(computed), np.asarray(expected)
    assert computed.dtype == expected.dtype, (computed.dtype, expected.dtype)
    assert computed.shape == expected.shape, (computed.shape, expected.shape)
    for x, y in zip(components(computed), components(expected), strict=True):
        assert np.array_equal(x, y, equal_nan=x.dtype.kind == "f"), (computed, expected)


def components(x):
    """The real components, in a dtype that NumPy knows."""
    if x.dtype.name == "bfloat16":
        return (x.astype(np.float32),)
    return (x.real, x.imag) if x.dtype.kind == "c" else (x,)


def same_bits(computed, expected):
    """Compare bits, also signs of zero; any NaN equals any other, and padding of longdouble is ignored."""
    same(computed, expected)
    for x, y in zip(components(np.asarray(computed)), components(np.asarray(expected)), strict=True):
        assert np.array_equal(np.signbit(x[x == 0]), np.signbit(y[y == 0])), (computed, expected)


def layouts(a):
    """The same values in different memory layouts."""
    yield "Fortran", np.asfortranarray(a)
    spread = np.zeros([2 * k for k in a.shape], a.dtype)
    spread[tuple(slice(None, None, 2) for _ in a.shape)] = a
    yield "strided", spread[tuple(slice(None, None, 2) for _ in a.shape)]
    backwards = (slice(None, None, -1),) * a.ndim
    yield "reversed", np.ascontiguousarray(a[backwards])[backwards]
    if a.dtype.name != "bfloat16":
        yield "byte-swapped", a.astype(a.dtype.newbyteorder())
    unaligned = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    unaligned[...] = a
    yield "unaligned", unaligned
    read_only = a.copy()
    read_only.flags.writeable = False
    yield "read-only", read_only


def in_threads(work, count):
    """Call work(0), work(1), ... on threads of their own, started at once; raise the first error."""
    start, errors = threading.Barrier(count), []

    def guarded(i):
        try:
            start.wait()
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
