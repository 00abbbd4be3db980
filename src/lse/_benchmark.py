"""``python -m lse --benchmark``: lse beside the peers that are installed, on this machine, in some 20 seconds."""

import contextlib
import importlib
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import lse
from lse._dtypes import Array

SECONDS = 20.0  # of all cases together
SAMPLE = 0.004  # seconds that a sample lasts at least
ROUNDS = 3  # at least
Call = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A function along an axis, or of all elements, of an array of normal numbers."""

    function: str
    shape: tuple[int, ...]
    axis: int | None
    dtype: str

    def __str__(self) -> str:
        axis = "" if self.axis is None else f", axis {self.axis}"
        return f"{self.function} {' x '.join(map(str, self.shape))} {self.dtype}{axis}"


CASES = [
    Case("logsumexp", (8,), None, "float64"),
    Case("logsumexp", (100_000, 7), 1, "float64"),
    Case("logsumexp", (3, 300_000), 0, "float64"),
    Case("logsumexp", (1000, 1000), 1, "float32"),
    Case("logsumexp", (10_000_000,), None, "float32"),
    Case("softmax", (10_000, 100), 1, "float32"),
    Case("log_softmax", (1000, 1000), 1, "float64"),
]


# The peers --------------------------------------------------------------------------------------------------


def of_numpy(case: Case, a: Array) -> Call:
    """Return the formula as it is written with NumPy."""

    def logsumexp() -> object:
        m = a.max(axis=case.axis, keepdims=True)
        return np.log(np.exp(a - m).sum(axis=case.axis, keepdims=True)) + m

    def softmax() -> object:
        e = np.exp(a - a.max(axis=case.axis, keepdims=True))
        return e / e.sum(axis=case.axis, keepdims=True)

    def log_softmax() -> object:
        x = a - a.max(axis=case.axis, keepdims=True)
        return x - np.log(np.exp(x).sum(axis=case.axis, keepdims=True))

    return {"logsumexp": logsumexp, "softmax": softmax, "log_softmax": log_softmax}[case.function]


def of_scipy(case: Case, a: Array) -> Call:
    function = getattr(importlib.import_module("scipy.special"), case.function)
    return lambda: function(a, axis=case.axis)


def of_torch(case: Case, a: Array) -> Call:
    torch = importlib.import_module("torch")
    tensor, function = torch.from_numpy(a), getattr(torch, case.function)
    dim = 0 if case.axis is None else case.axis
    return lambda: function(tensor, dim)


def of_jax(case: Case, a: Array) -> Call:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    function = getattr(jax.nn, case.function)
    compiled, given = jax.jit(lambda x: function(x, axis=case.axis)), jax.numpy.asarray(a)
    return lambda: compiled(given).block_until_ready()


PEERS = {"NumPy": of_numpy, "SciPy": of_scipy, "torch": of_torch, "jax": of_jax}


def of_lse(case: Case, a: Array) -> Call:
    function = getattr(lse, case.function)
    return lambda: function(a, axis=case.axis)


# Measuring --------------------------------------------------------------------------------------------------


def data(case: Case) -> Array:
    return np.random.default_rng(0).standard_normal(case.shape).astype(case.dtype)


def contenders(case: Case, a: Array) -> dict[str, Call]:
    """Return lse and the peers that are installed, each called once."""
    found = {"lse": of_lse(case, a)}
    for name, make in PEERS.items():
        with contextlib.suppress(ImportError):
            found[name] = make(case, a)
    for call in found.values():
        call()
    return found


def sample(call: Call, number: int) -> float:
    """Return the seconds of one call, of so many in a row."""
    start = time.perf_counter()
    for _ in range(number):
        call()
    return (time.perf_counter() - start) / number


def measure(case: Case, seconds: float) -> dict[str, list[float]]:
    """Time the contenders in rounds, in a new order each, for about so many seconds."""
    calls = contenders(case, data(case))
    numbers = {name: max(1, int(SAMPLE / sample(call, 1))) for name, call in calls.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    end, order = time.perf_counter() + seconds, list(calls)
    while len(taken["lse"]) < ROUNDS or time.perf_counter() < end:
        random.shuffle(order)
        for name in order:
            taken[name].append(sample(calls[name], numbers[name]))
    return taken


# Printing ---------------------------------------------------------------------------------------------------


def processor() -> str:
    """Return the name of the processor, where the system tells."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or "processor unknown"


def duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def aligned(rows: list[tuple[str, ...]], left: int = 1) -> list[str]:
    """Return lines with columns of equal width; the first `left` of them flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def row_of(case: Case, taken: dict[str, list[float]], names: list[str]) -> tuple[str, ...]:
    """Return the time of lse, and how many times as long the others took, by the median of the rounds."""
    cells = []
    for name in names:
        ratios = [theirs / ours for theirs, ours in zip(taken.get(name, []), taken["lse"], strict=False)]
        cells.append(f"{statistics.median(ratios):.3g} x" if ratios else "")
    return str(case), duration(statistics.median(taken["lse"])), *cells


def progress(cases: list[Case]) -> Any:
    """Return the cases behind a progress bar, if there is a terminal and tqdm is installed."""
    if sys.stderr is not None and sys.stderr.isatty():
        with contextlib.suppress(ImportError):
            from tqdm import tqdm

            return tqdm(cases, unit=" cases", leave=False, file=sys.stderr)
    return cases


def run(seconds: float = SECONDS) -> str:
    """Measure all cases, for about so many seconds, and return the table."""
    measured = {case: measure(case, seconds / len(CASES)) for case in progress(CASES)}
    names = [name for name in PEERS if any(name in taken for taken in measured.values())]
    rows = [("", "lse", *names), *(row_of(case, taken, names) for case, taken in measured.items())]
    config = lse.show_config(mode="dict")
    return "\n".join(
        [
            f"lse {lse.__version__} ({config['kernel']}, {config['num_threads']} threads), NumPy {np.__version__}, "
            f"Python {platform.python_version()}",
            f"{platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} processors",
            "",
            *aligned(rows),
            "",
            "lse: the time of a call; others: how many times as long theirs is; all with as many threads as they take",
            "by default. NumPy: the formula log(sum(exp(a - max))) + max. Medians of interleaved rounds.",
        ]
    )
