"""The worst errors found, beside those of peers, against mpmath: ``python -m benchmarks accuracy``."""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import mpmath
import numpy as np

from benchmarks import tables
from lse import _benchmark

DIGITS = 60
LENGTHS = (2, 7, 30, 300)

NOTE = """\
The largest error of any result, in units in the last place (ulp) of the exact result, which mpmath computes with 60
digits; of softmax and log_softmax, of any element. "all": no digit is right. NumPy: the
formula log(sum(exp(a - max))) + max."""


def plain(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return 3 * rng.standard_normal(shape)


def near_one(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Logarithms of probabilities, that sum to 1 but for rounding and a little more."""
    x = 2 * rng.standard_normal(shape)
    x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
    return x + 1e-3 * rng.standard_normal((shape[0], 1))


def dominated(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """One element far above all others, and 0."""
    x = rng.uniform(-60, -15, shape)
    x[:, 0] = 0
    return x


def far(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Log-likelihoods of a large data set."""
    return -1e5 + 20 * rng.standard_normal(shape)


KINDS: dict[str, Callable] = {
    "normal numbers": plain,
    "sums near 1": near_one,
    "0, and far below it": dominated,
    "around -100000": far,
}


@dataclass(frozen=True)
class Kind:
    """Rows of a kind, and a function of them."""

    function: str
    dtype: str
    kind: str

    @property
    def name(self) -> str:
        return f"{self.function} {self.dtype}, {self.kind}"


def exact(function: str, row: np.ndarray) -> list:
    """The result, or results, of a row."""
    terms = [mpmath.mpf(float(one)) for one in row]
    top = max(terms)
    log = top + mpmath.log(mpmath.fsum(mpmath.exp(one - top) for one in terms))
    if function == "logsumexp":
        return [log]
    return [mpmath.exp(one - log) if function == "softmax" else one - log for one in terms]


def error(found: np.floating, wanted) -> float:
    """In ulp of the exact number."""
    dtype = type(found)
    if not np.isfinite(found):
        return np.inf
    spacing = np.spacing(abs(dtype(float(wanted))))
    return float(abs(mpmath.mpf(float(found)) - wanted) / mpmath.mpf(float(spacing)))


def worst(kind: Kind, rows: int) -> dict[str, float]:
    """The largest error of lse and of each peer."""
    found: dict[str, float] = {}
    rng = np.random.default_rng(0)
    for n in LENGTHS:
        a = np.ascontiguousarray(KINDS[kind.kind](rng, (rows, n)), kind.dtype)
        calls = _benchmark.contenders(_benchmark.Case(kind.function, a.shape, 1, kind.dtype), a)
        wanted = [exact(kind.function, row) for row in a]
        for name, call in calls.items():
            results = np.asarray(call()).reshape(rows, -1)
            errors = (
                error(one, y) for row, ys in zip(results, wanted, strict=True) for one, y in zip(row, ys, strict=True)
            )
            found[name] = max(found.get(name, 0.0), *errors)
    return found


def show(ulp: float, dtype: str) -> str:
    """An error, or that no digit is right."""
    if ulp >= 0.5 / np.finfo(dtype).eps:
        return "all"
    return f"{ulp:.2f}" if ulp < 10 else f"{ulp:.0f}"


def kinds() -> Iterator[Kind]:
    for function in ("logsumexp", "softmax", "log_softmax"):
        for dtype in ("float64", "float32"):
            for kind in KINDS:
                yield Kind(function, dtype, kind)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Of this command."""
    parser.add_argument("--rows", type=int, default=30, metavar="N", help="rows of each length (default: 30)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the errors here, for report")


def run(options: argparse.Namespace) -> None:
    """Compute, print."""
    with mpmath.workdps(DIGITS), np.errstate(all="ignore"):
        found = {kind: worst(kind, options.rows) for kind in kinds()}
    names = ["lse", *(name for name in _benchmark.PEERS if any(name in errors for errors in found.values()))]
    rows = [(kind.name, *(show(errors[name], kind.dtype) for name in names)) for kind, errors in found.items()]
    print(*tables.aligned([("worst error, ulp", *names), *rows]), "", NOTE, sep="\n")
    if options.json:
        errors = [{**asdict(kind), "ulp": ulp} for kind, ulp in found.items()]
        content = {"environment": tables.environment(), "arguments": {"quick": False}, "cases": [], "errors": errors}
        options.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
