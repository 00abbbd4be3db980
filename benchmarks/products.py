"""Products of matrices in log space, beside the usual formula and np.matmul: ``python -m benchmarks products``."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

import lse
from benchmarks.cases import NAMES
from benchmarks.contenders import Contender, installed
from benchmarks.measure import Measured, Ratio
from benchmarks.ratios import run as run_ratios
from benchmarks.session import share

# rows of a, steps, columns of b
SHAPES = (
    *((n, n, n) for n in (1, 2, 3, 5, 8, 13, 16, 23, 32, 47, 64, 100, 129, 200, 333, 500, 1000, 2000)),
    (2000, 2000, 1), (777, 1500, 2), (1, 300, 300), (1, 37, 37), (2, 1000, 1000), (1000, 50, 50), (5000, 10, 10),
    (20000, 3, 3), (10, 5000, 10), (100, 10000, 100), (3, 100000, 3), (100, 2, 3000),
)  # fmt: skip
FEW = ((8, 8, 8), (64, 64, 64), (200, 200, 200), (1000, 1000, 1), (1, 300, 300))
BROADCAST = 10**7  # elements of the array that the broadcast form makes, at most
# How far the elements are spread: of rows and columns whose largest elements meet, and of those that mostly do not.
SPREADS = {"": 1.0, " spread 100": 100.0, " spread 1000": 1000.0}

NOTE = """\
formula: log(exp(a - a_max) @ exp(b - b_max)) + a_max + b_max, by NumPy, one thread of its BLAS for one of lse if
OPENBLAS_NUM_THREADS is set so; product: np.matmul of the same arrays; torch: the formula; broadcast: logsumexp of
a[:, :, None] + b; x: their time / that of lse, above 1 lse is faster. prepared x: the time of lse / that with b as a
LogMatrix. wrong: results of the formula that are off by more than 1e-6 of themselves, or lost."""


@dataclass(frozen=True)
class Product:
    """Two matrices."""

    dtype: str
    shape: tuple[int, int, int]
    spread: str = ""

    @property
    def name(self) -> str:
        """As in --only and in the tables."""
        return f"{self.dtype} {'x'.join(map(str, self.shape))}{self.spread}"

    @property
    def size(self) -> int:
        """Products that are added."""
        n, steps, m = self.shape
        return n * steps * m

    @property
    def moved(self) -> int:
        """Bytes of the operands and of the result."""
        n, steps, m = self.shape
        return (n * steps + steps * m + n * m) * np.dtype(NAMES[self.dtype]).itemsize

    def described(self) -> dict:
        """What makes the same case again."""
        return asdict(self)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """The operands."""
        n, steps, m = self.shape
        rng = np.random.default_rng(1)
        scale = SPREADS[self.spread]
        a, b = (scale * rng.standard_normal(shape) for shape in ((n, steps), (steps, m)))
        return a.astype(NAMES[self.dtype]), b.astype(NAMES[self.dtype])


def by_formula(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What users write."""
    a_max, b_max = a.max(axis=1, keepdims=True), b.max(axis=0, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(a - a_max) @ np.exp(b - b_max)) + a_max + b_max


def by_torch(a, b):
    """The same of tensors."""
    a_max, b_max = a.amax(1, keepdim=True), b.amax(0, keepdim=True)
    return ((a - a_max).exp() @ (b - b_max).exp()).log() + a_max + b_max


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser, "1")


def cases(shapes: tuple[tuple[int, int, int], ...]) -> list[Product]:
    """All shapes, and some whose largest elements do not meet."""
    plain = [Product(dtype, shape) for dtype in NAMES for shape in shapes]
    far = [Product(dtype, (200, 200, 200), spread) for dtype in NAMES for spread in SPREADS if spread]
    return plain + far


def field_of(case: Product, threads: list[int]) -> Iterator[Contender]:
    """lse, by each count of threads, and the others."""
    a, b = case.data()
    names = {"f": lse.logmatmulexp, "a": a, "b": b, "matrix": lse.LogMatrix(b), "formula": by_formula, "np": np}
    for count in threads:
        yield Contender("lse", count, "f(a, b)", names, lambda count=count: lse.set_num_threads(count))
        yield Contender("prepared", count, "f(a, matrix)", names, lambda count=count: lse.set_num_threads(count))
    yield Contender("formula", 1, "formula(a, b)", names)
    yield Contender("product", 1, "np.matmul(a, b)", names)
    if case.size <= BROADCAST:
        statement = "f(a[:, :, None] + b, axis=1)"
        yield Contender("broadcast", 1, statement, {"f": lse.logsumexp, "a": a, "b": b}, lambda: lse.set_num_threads(1))
    if installed()["torch"]:
        import torch

        tensors = {"f": by_torch, "a": torch.from_numpy(a), "b": torch.from_numpy(b)}
        for count in threads:
            yield Contender("torch", count, "f(a, b)", tensors, lambda count=count: torch.set_num_threads(count))


def ratios(measured: Measured, threads: int) -> dict[str, Ratio | None]:
    """Times of the others in times of lse."""
    ours = ("lse", threads)
    found = {name: measured.ratio((name, 1), ours) for name in ("formula", "product", "broadcast")}
    found["torch"] = measured.ratio(("torch", threads), ours)
    return {**found, "prepared": measured.ratio(ours, ("prepared", threads))}


def wrong(case: Product) -> str:
    """How many results of the formula are of no use."""
    a, b = case.data()
    with np.errstate(all="ignore"):
        right, got = lse.logmatmulexp(a, b), by_formula(a, b)
        off = ~(np.abs(got - right) <= 1e-6 * np.abs(right).clip(min=1)) & (got != right)
    return f"{off.mean():.0%}" if off.any() else ""


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    head = ("x formula", "x product", "x broadcast", "x torch", "prepared x", "wrong")
    wanted = cases(FEW if options.quick else SHAPES)
    layout = "{:<26}{:>8}{:>12}{:>10}{:>10}{:>11}{:>8}{:>10}{:>8}"
    against = ("formula", "the formula's")
    run_ratios(options, wanted, field_of, ratios, layout, head, against, NOTE, lambda case: (wrong(case),))
