"""Groups of elements by labels, beside NumPy's and torch's formulas: ``python -m benchmarks groups``."""

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

# elements, groups
SIZES = (
    (8, 3), (100, 10), (10_000, 10), (10_000, 3000), (200_000, 1000), (200_000, 100_000), (2_000_000, 1),
    (2_000_000, 10), (2_000_000, 1000), (2_000_000, 50_000), (2_000_000, 300_000), (2_000_000, 1_000_000),
    (2_000_000, 4_000_000),
)  # fmt: skip
FEW = ((10_000, 10), (200_000, 1000), (200_000, 100_000))

NOTE = """\
numpy: maximum.at, exp and bincount, one thread; torch: scatter_reduce, exp and scatter_add; sorted: segment_logsumexp
of elements that are sorted already; x: their time / that of lse, above 1 lse is faster. sorted x: the time of lse /
that of segments, what sorting costs."""


@dataclass(frozen=True)
class Groups:
    """Elements with labels: random, of one huge group and others, or in order."""

    dtype: str
    function: str
    size: int  # elements
    count: int
    labels: str = ""

    @property
    def name(self) -> str:
        """As in --only and in the tables."""
        return " ".join(filter(None, (self.dtype, self.function, f"{self.size:.0e}", f"in {self.count}", self.labels)))

    @property
    def moved(self) -> int:
        """Bytes of the elements, their labels and the results."""
        results = self.count if self.function == "logsumexp" else self.size
        return self.size * np.dtype(np.intp).itemsize + (self.size + results) * np.dtype(NAMES[self.dtype]).itemsize

    def described(self) -> dict:
        """What makes the same case again."""
        return asdict(self)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """The elements and their labels."""
        rng = np.random.default_rng(1)
        index = rng.integers(0, self.count, self.size)
        if self.labels == "skewed":
            index[rng.random(self.size) < 0.9] = self.count // 2
        elif self.labels == "ascending":
            index.sort()
        return rng.standard_normal(self.size).astype(NAMES[self.dtype]), index


def by_numpy(a: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """What users write."""
    top = np.full(count, -np.inf, a.dtype)
    np.maximum.at(top, index, a)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.bincount(index, np.exp(a - top[index]), count)) + top


def softmax_by_numpy(a: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """Likewise softmax."""
    top = np.full(count, -np.inf, a.dtype)
    np.maximum.at(top, index, a)
    terms = np.exp(a - top[index])
    return terms / np.bincount(index, terms, count)[index]


def terms_by_torch(a, index, count):
    """The exponentials, their sums and the maxima."""
    import torch

    top = torch.full((count,), -torch.inf, dtype=a.dtype).scatter_reduce_(0, index, a, "amax")
    terms = (a - top[index]).exp()
    return terms, torch.zeros(count, dtype=a.dtype).scatter_add_(0, index, terms), top


def by_torch(a, index, count):
    """The same of tensors."""
    _, sums, top = terms_by_torch(a, index, count)
    return sums.log() + top


def softmax_by_torch(a, index, count):
    """Likewise softmax."""
    terms, sums, _ = terms_by_torch(a, index, count)
    return terms / sums[index]


FORMULAS = {"logsumexp": (by_numpy, by_torch), "softmax": (softmax_by_numpy, softmax_by_torch)}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser, "1")


def cases(sizes: tuple[tuple[int, int], ...]) -> list[Groups]:
    """All sizes, and other orders of labels."""
    plain = [Groups(dtype, function, *size) for dtype in NAMES for function in FORMULAS for size in sizes]
    ascending = dict.fromkeys([size for size in sizes if size[1] == 100_000] + [max(sizes)])
    others = [(max(sizes), "skewed"), *((size, "ascending") for size in ascending)]
    return plain + [Groups("f64", "logsumexp", *size, labels) for size, labels in others]


def field_of(case: Groups, threads: list[int]) -> Iterator[Contender]:
    """lse, by each count of threads, and the others."""
    a, index = case.data()
    order = np.argsort(index, kind="stable")
    indptr = np.searchsorted(index[order], np.arange(case.count + 1))
    scatter, segment = (getattr(lse, f"{kind}_{case.function}") for kind in ("scatter", "segment"))
    names = {"f": scatter, "g": segment, "a": a, "index": index, "n": case.count, "indptr": indptr, "taken": a[order]}
    of_numpy, of_torch = FORMULAS[case.function]
    for count in threads:
        yield Contender("lse", count, "f(a, index, size=n)", names, lambda count=count: lse.set_num_threads(count))
        yield Contender("sorted", count, "g(taken, indptr)", names, lambda count=count: lse.set_num_threads(count))
    yield Contender("numpy", 1, "f(a, index, n)", {**names, "f": of_numpy})
    if installed()["torch"]:
        import torch

        tensors = {"f": of_torch, "a": torch.from_numpy(a), "index": torch.from_numpy(index), "n": case.count}
        for count in threads:
            yield Contender("torch", count, "f(a, index, n)", tensors, lambda count=count: torch.set_num_threads(count))


def ratios(measured: Measured, threads: int) -> dict[str, Ratio | None]:
    """Times of the others in times of lse."""
    ours = ("lse", threads)
    found = {"numpy": measured.ratio(("numpy", 1), ours), "torch": measured.ratio(("torch", threads), ours)}
    return {**found, "sorted": measured.ratio(ours, ("sorted", threads))}


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    head = ("x numpy", "x torch", "sorted x")
    wanted = cases(FEW if options.quick else SIZES)
    layout = "{:<38}{:>8}{:>12}{:>10}{:>10}{:>10}"
    run_ratios(options, wanted, field_of, ratios, layout, head, ("numpy", "NumPy's"), NOTE)
