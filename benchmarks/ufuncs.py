"""Functions of one and two numbers, against NumPy's and SciPy's: ``python -m benchmarks ufuncs``."""

import argparse
from dataclasses import asdict, dataclass

import numpy as np

import lse
from benchmarks import tables
from benchmarks.cases import NAMES
from benchmarks.contenders import Contender, installed
from benchmarks.measure import Effort, Measured, show
from benchmarks.session import Session, share

NOTE = """\
x peer: time of the peer / time of lse. The peer of logaddexp and logsubexp is np.logaddexp, that of the others
scipy.special.log_expit, or np.logaddexp with 0 where SciPy is missing. (~: others were at work)"""
OF_TWO = ("logaddexp", "logsubexp")
FORMS = ("contiguous", "scalar", "strided", "near 0", "reduce", "accumulate")


@dataclass(frozen=True)
class Call:
    """A function of so many elements, given in some form."""

    function: str
    dtype: str
    size: int
    form: str = "contiguous"

    @property
    def name(self) -> str:
        """As in `--only` and in the table."""
        return f"{self.function} {self.dtype} n={self.size} {self.form}"

    @property
    def moved(self) -> int:
        """Bytes that must pass."""
        return self.size * np.dtype(NAMES[self.dtype]).itemsize * (3 if self.function in OF_TWO else 2)

    def described(self) -> dict:
        """What makes the same case again."""
        return asdict(self)

    def names(self) -> dict:
        """The arguments, with the output; within the domain of the function."""
        rng = np.random.default_rng(20250)
        x, y = rng.normal(size=(2, self.size)).astype(NAMES[self.dtype])
        if self.form == "near 0":
            x = -np.abs(x)
            y = np.log(-np.expm1(x))
        if self.function != "logaddexp":
            x, y = np.maximum(x, y), np.minimum(x, y)
        if self.function == "logexpm1":
            x = np.abs(x)
        if self.function == "log1mexp":
            x = -np.abs(x)
        if self.form == "scalar":
            y = y.min()
        if self.form == "strided":
            x, y = (np.repeat(one, 2)[::2] for one in (x, y))
        return {"x": x, "y": y, "out": np.empty_like(x)}


def cases(quick: bool) -> list[Call]:
    """Every function, and logaddexp in every form."""
    size = 10**4 if quick else 10**6
    every = [Call(name, dtype, n) for name in (*OF_TWO, "log1pexp", "log1mexp", "logexpm1")
             for dtype in NAMES for n in (1, size)]  # fmt: skip
    return [*every, *(Call("logaddexp", dtype, size, form) for form in FORMS[1:] for dtype in NAMES)]


def field_of(case: Call) -> list[Contender]:
    """lse and its peer."""
    peer, arguments = np.logaddexp, "x, y"
    if case.function not in OF_TWO:
        arguments = "x"
        if installed()["SciPy"]:
            from scipy.special import log_expit as peer
        else:
            peer = np.logaddexp
    statement = f"f({arguments}, out=out)"
    other = statement if peer is not np.logaddexp or case.function in OF_TWO else "f(0, x, out=out)"
    if case.form in ("reduce", "accumulate"):
        statement = other = f"f.{case.form}(x)"
    names = case.names()
    return [
        Contender("lse", 1, statement, {**names, "f": getattr(lse, case.function)}),
        Contender("peer", 1, other, {**names, "f": peer}),
    ]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser, None)


def row(measured: Measured) -> tuple[str, ...]:
    """One case."""
    ns = measured.median(("lse", 1)) / measured.case.size * 1e9
    return measured.case.name, show(ns), str(measured.ratio(("peer", 1), ("lse", 1)))


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    session = Session(options)
    effort = Effort(options.rounds or (3 if options.quick else 9), 0.002 if options.quick else 0.01, 1.0)
    results = []
    for case in session.wanted(cases(options.quick)):
        results.append(session.measure(case, field_of(case), effort))
    print(*tables.aligned([("case", "ns/element", "x peer"), *map(row, results)], 1), NOTE, "", sep="\n")
    session.close(results, {})
