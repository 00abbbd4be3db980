"""Values and layouts that might cost many times the plain case: ``python -m benchmarks cliffs``."""

import argparse
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

import lse
from benchmarks.contenders import Contender
from benchmarks.measure import Effort, Measured, Ratio, show
from benchmarks.session import Session, share

SIZE = 10**5  # elements of a case, about
LENGTHS = (8, 100, 1000, 20000)
DTYPES = ("float32", "float64")
NOTE = """\
x plain: time of the case / time of the plain case of the same size and layout, with elements that are normally
distributed and weights between 0 and 1. Beside it what it should be at most. (~: others were at work)"""

Call = tuple[str, dict]  # a function, and its arguments


@dataclass(frozen=True)
class Cliff:
    """A call, and the plain one that it is measured against."""

    kind: str
    operation: str
    dtype: str
    form: str
    n: int
    text: str
    limit: float
    make: Callable[["Cliff"], tuple[Call, Call]] = field(repr=False)
    whole: tuple[int, ...] = ()  # the shape, if not one of so many elements as most have

    @property
    def name(self) -> str:
        """As in --only and in the table."""
        return f"{self.kind}: {self.operation} {self.dtype} {self.form} n={self.n} {self.text}".rstrip()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of rows or columns of n elements."""
        if self.whole:
            return self.whole
        many = max(1, SIZE // self.n)
        return (many, self.n) if self.form == "rows" else (self.n, many)

    @property
    def axis(self) -> int:
        """That is reduced."""
        return 1 if self.form == "rows" else 0

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def moved(self) -> int:
        """Bytes of the input."""
        return self.size * np.dtype(self.dtype).itemsize

    def described(self) -> dict:
        """For the file."""
        names = ("kind", "operation", "dtype", "form", "n", "text", "limit")
        return {name: getattr(self, name) for name in names}

    def normal(self) -> np.ndarray:
        """The plain elements, the same in every run."""
        return np.random.default_rng(20260).standard_normal(self.shape).astype(self.dtype)

    def fractions(self) -> np.ndarray:
        """Between 0 and 1."""
        return np.random.default_rng(20261).random(self.shape).astype(self.dtype)

    def call(self, a: np.ndarray, **more: object) -> Call:
        """Of the operation on such elements."""
        if self.operation == "LogSumExp":
            return "f", {"a": a, "axis": self.axis, **more}
        return self.operation, {"a": a, "axis": self.axis, **more}

    def one_each(self, a: np.ndarray, value: float) -> np.ndarray:
        """With a value in the middle of each row or column."""
        a = a.copy()
        a[(slice(None), self.n // 2) if self.axis else self.n // 2] = value
        return a


# Elements -----------------------------------------------------------------------------------------------------------


def some_subnormal(case: Cliff, a: np.ndarray) -> np.ndarray:
    tiny = np.finfo(case.dtype).smallest_normal
    return np.where(case.fractions() < 0.03, a * (tiny / 64), a).astype(case.dtype)


def all_subnormal(case: Cliff, a: np.ndarray) -> np.ndarray:
    return (a * (np.finfo(case.dtype).smallest_normal / 64)).astype(case.dtype)


def tiny_results(case: Cliff, a: np.ndarray) -> np.ndarray:
    """Those of softmax are subnormal but for one."""
    deep = np.log(float(np.finfo(case.dtype).smallest_normal))
    return case.one_each((deep - 10 * case.fractions()).astype(case.dtype), 0)


def far(case: Cliff, a: np.ndarray) -> np.ndarray:
    return a * np.asarray(1e6 if case.dtype == "float32" else 1e15, case.dtype)


def far_below(case: Cliff, a: np.ndarray) -> np.ndarray:
    return a - np.asarray(1e6 if case.dtype == "float32" else 1e15, case.dtype)


ELEMENTS = {
    "subnormal": (1.5, {"3 %": some_subnormal, "all": all_subnormal, "results": tiny_results}),
    "far": (2.0, {"of both signs": far, "below": far_below}),
    "infinite": (
        2.0,
        {
            "+inf in each": lambda case, a: case.one_each(a, np.inf),
            "NaN in each": lambda case, a: case.one_each(a, np.nan),
            "all -inf": lambda case, a: np.full_like(a, -np.inf),
            "mostly -inf": lambda case, a: case.one_each(np.full_like(a, -np.inf), 0),
        },
    ),
}
OPERATIONS = ("logsumexp", "softmax", "log_softmax", "logcumsumexp", "logmeanexp", "LogSumExp")


def of_elements() -> Iterator[Cliff]:
    for kind, (limit, variants) in ELEMENTS.items():
        for text, change in variants.items():
            for operation, dtype, form, n in shapes(OPERATIONS):
                if operation in ("logmeanexp", "LogSumExp") and n in (8, 20000):
                    continue

                def make(case: Cliff, change=change) -> tuple[Call, Call]:
                    a = case.normal()
                    return case.call(change(case, a)), case.call(a)

                yield Cliff(kind, operation, dtype, form, n, text, limit, make)


def shapes(operations: tuple[str, ...], lengths: tuple[int, ...] = LENGTHS) -> Iterator[tuple[str, str, str, int]]:
    for operation in operations:
        for dtype in DTYPES:
            for form in ("rows", "columns"):
                for n in lengths:
                    yield operation, dtype, form, n


# Weights ------------------------------------------------------------------------------------------------------------


def one_subnormal(case: Cliff, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return a, case.one_each(b, np.finfo(case.dtype).smallest_normal / 64)


def smoother(case: Cliff, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a kernel smoother, many of them 0 and some subnormal."""
    reach = 1.5 * math.sqrt(-math.log(float(np.finfo(case.dtype).smallest_subnormal)))
    distance = np.linspace(-reach, reach, case.n, dtype=case.dtype)
    b = np.exp(-(distance**2))
    return a, np.broadcast_to(b if case.axis else b[:, None], case.shape)


def cancelling(case: Cliff, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of equal elements with weights of 1 and -1."""
    half = case.n // 2
    a, b = a.copy(), np.ones_like(b)
    rows, weights = (a, b) if case.axis else (a.T, b.T)
    rows[:, half : 2 * half] = rows[:, :half]
    weights[:, half : 2 * half] = -1
    return a, b


def nearly(case: Cliff, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Likewise, but for some ulps."""
    a, b = cancelling(case, a, b)
    return a, b * (1 + 64 * np.finfo(case.dtype).eps * case.fractions())


WEIGHTS = {
    "weights": (1.5, {"a subnormal one in each": one_subnormal, "exp(-d^2)": smoother}),
    "weighted": (
        3.0,
        {
            "NaN in the weights": lambda case, a, b: (a, case.one_each(b, np.nan)),
            "inf in the weights": lambda case, a, b: (a, case.one_each(b, np.inf)),
            "+inf in each": lambda case, a, b: (case.one_each(a, np.inf), b),
            "NaN in each": lambda case, a, b: (case.one_each(a, np.nan), b),
            "all -inf": lambda case, a, b: (np.full_like(a, -np.inf), b),
            "far": lambda case, a, b: (far(case, a), b),
            "subnormal elements": lambda case, a, b: (all_subnormal(case, a), b),
        },
    ),
    "cancelling": (20.0, {"exactly": cancelling, "nearly": nearly}),
}


def of_weights() -> Iterator[Cliff]:
    for kind, (limit, variants) in WEIGHTS.items():
        for text, change in variants.items():
            for operation, dtype, form, n in shapes(("logsumexp",)):

                def make(case: Cliff, change=change) -> tuple[Call, Call]:
                    a, b = case.normal(), case.fractions()
                    changed, weights = change(case, a, b)
                    more = {"return_sign": True}
                    return case.call(changed, b=weights, **more), case.call(a, b=b, **more)

                yield Cliff(kind, operation, dtype, form, n, text, limit, make)


# Layouts ------------------------------------------------------------------------------------------------------------

MASKS = {
    "C order": lambda full: full,
    "Fortran order": np.asfortranarray,
    "of a row": lambda full: full[:1],
    "of a column": lambda full: full[:, :1],
    "strided": lambda full: np.repeat(full, 2, axis=1)[:, ::2],
}


def of_masks() -> Iterator[Cliff]:
    for text, change in MASKS.items():
        for operation, dtype, form, n in shapes(("logsumexp", "softmax", "log_softmax"), (8, 100, 1000, 20000)):

            def make(case: Cliff, change=change) -> tuple[Call, Call]:
                a = case.normal()
                return case.call(a, where=change(case.fractions() < 0.7)), case.call(a)

            yield Cliff("mask", operation, dtype, form, n, text, 3.0, make)


def of_orders() -> Iterator[Cliff]:
    for operation, dtype, form, n in shapes(("logsumexp",)):

        def weights(case: Cliff) -> tuple[Call, Call]:
            a, b = case.normal(), case.fractions()
            return case.call(a, b=np.asfortranarray(b)), case.call(a, b=b)

        def elements(case: Cliff) -> tuple[Call, Call]:
            a, b = case.normal(), case.fractions()
            return case.call(np.asfortranarray(a), b=b), case.call(a, b=b)

        yield Cliff("order", operation, dtype, form, n, "weights in Fortran order", 3.0, weights)
        yield Cliff("order", operation, dtype, form, n, "elements in Fortran order, weights not", 3.0, elements)
    for operation, dtype, form, n in shapes(("logsumexp", "softmax", "log_softmax")):

        def whole(case: Cliff) -> tuple[Call, Call]:
            a = case.normal()
            function, arguments = case.call(a)
            return (function, {"a": np.asfortranarray(a), "axis": None}), (function, {**arguments, "axis": None})

        yield Cliff("order", operation, dtype, form, n, "axis=None of Fortran order", 3.0, whole)
    for operation, dtype in itertools.product(("logsumexp", "softmax", "log_softmax"), DTYPES):
        for shape in ((64, 64, 64), (1000, 1000), (2000, 4000), (100, 80000), (200, 200, 200)):
            text = f"axis=None of Fortran order {'x'.join(map(str, shape))}"
            yield Cliff("order", operation, dtype, "rows", shape[-1], text, 3.0, whole, shape)


# Operations ---------------------------------------------------------------------------------------------------------

RUNS = {
    "normal": lambda case, a: a,
    "ascending": lambda case, a: np.sort(a, axis=case.axis),
    "steep": lambda case, a: np.sort(100 * a, axis=case.axis),
    "descending": lambda case, a: -np.sort(100 * a, axis=case.axis),
}


def of_operations() -> Iterator[Cliff]:
    for text, change in RUNS.items():
        for operation, dtype, form, n in shapes(("logcumsumexp",)):

            def cumulated(case: Cliff, change=change) -> tuple[Call, Call]:
                a = change(case, case.normal())
                return case.call(a), ("logsumexp", {"a": a, "axis": case.axis})

            yield Cliff("cumulated", operation, dtype, form, n, text, 4.0, cumulated)
    for operation, dtype, form, n in shapes(("logmeanexp",)):

        def mean(case: Cliff) -> tuple[Call, Call]:
            arguments = {"a": case.normal(), "axis": case.axis}
            arguments |= {"b": case.fractions()} if case.text == "b" else {"where": case.fractions() < 0.7}
            return ("logmeanexp", arguments), ("logsumexp", arguments)

        for text in ("b", "where"):
            yield Cliff("mean", operation, dtype, form, n, text, 2.0, mean)
    for dtype in DTYPES:

        def empty(case: Cliff) -> tuple[Call, Call]:
            a = case.normal()
            offsets = np.zeros(case.n + 1, np.intp)
            offsets[-1] = 1
            return ("segment_logsumexp", {"a": a[:1], "indptr": offsets}), ("logsumexp", {"a": a})

        yield Segments("empty", "segment_logsumexp", dtype, "segments", 10**6, "", 10.0, empty)

        def columns(case: Cliff) -> tuple[Call, Call]:
            a = case.normal().reshape(-1, 8)
            offsets = np.arange(0, len(a) + 1, 10)
            return (case.operation, {"a": a, "indptr": offsets, "axis": 0}), (
                "logsumexp", {"a": a.reshape(-1, 10, 8), "axis": 1},
            )  # fmt: skip

        def short(case: Cliff) -> tuple[Call, Call]:
            a, offsets = case.normal(), np.sort(np.random.default_rng(1).integers(0, case.n + 1, case.n // 2 + 1))
            return (case.operation, {"a": a, "indptr": offsets}), ("logsumexp", {"a": a.reshape(-1, 2), "axis": 1})

        def labelled(case: Cliff) -> tuple[Call, Call]:
            a, labels = case.normal().reshape(4, -1), np.random.default_rng(1).integers(0, 4, (4, case.n // 4))
            rows = labels + 4 * np.arange(4)[:, None]
            return (case.operation, {"a": a, "index": labels[0] if case.text == "of an axis" else labels, "size": 4}), (
                case.operation, {"a": a.ravel(), "index": rows.ravel(), "size": 16},
            )  # fmt: skip

        for text in ("of an axis", "of each row"):
            yield Segments("labels", "scatter_logsumexp", dtype, "segments", 40, text, 8.0, labelled)
        yield Segments("columns", "segment_logsumexp", dtype, "segments", 80_000, "", 8.0, columns)
        yield Segments("short", "segment_logsumexp", dtype, "segments", 80_000, "", 30.0, short)

    def wide(case: Cliff) -> tuple[Call, Call]:
        a = 2**60 + (100 * case.normal()).astype(np.int64)
        offsets = np.unique(np.random.default_rng(1).integers(0, case.n + 1, case.n // 20))
        return ("segment_logsumexp", {"a": a, "indptr": offsets}), (
            "logsumexp", {"a": a.reshape(-1, 20), "axis": 1},
        )  # fmt: skip

    yield Segments("integers", "segment_logsumexp", "float64", "segments", 80_000, "beyond 2^53", 15.0, wide)
    for operation, dtype, form, n in shapes(("logsumexp", "softmax", "log_softmax"), (17, 24, 31)):

        def between(case: Cliff) -> tuple[Call, Call]:
            a = case.normal()
            return case.call(a), case.call(np.resize(a, (32, case.size // 32)))

        if form == "columns":
            yield Cliff("between", operation, dtype, form, n, "against 32", 1.5, between)


class Segments(Cliff):
    """n elements, or segments, in one axis."""

    @property
    def shape(self) -> tuple[int]:
        """One axis."""
        return (self.n,)

    @property
    def axis(self) -> int:
        """The only one."""
        return 0


def of_longdoubles() -> Iterator[Cliff]:
    """Many short sums against one of as many elements."""
    for dtype in ("longdouble", "clongdouble"):
        for n in LENGTHS[:3]:

            def elements(case: Cliff) -> np.ndarray:
                a = case.normal()
                return a * np.asarray(1 + 0.5j, case.dtype) if np.iscomplexobj(a) else a

            def lines(case: Cliff, elements=elements) -> tuple[Call, Call]:
                a = elements(case)
                return case.call(a), ("logsumexp", {"a": a.ravel()})

            def segments(case: Cliff, elements=elements) -> tuple[Call, Call]:
                a = elements(case).ravel()
                indptr = np.arange(0, a.size + 1, case.n)
                return ("segment_logsumexp", {"a": a, "indptr": indptr}), ("logsumexp", {"a": a})

            for form in ("rows", "columns"):
                yield Cliff("longdouble", "logsumexp", dtype, form, n, "against one sum", 4.0, lines)
            yield Cliff("longdouble", "segment_logsumexp", dtype, "rows", n, "against one sum", 4.0, segments)


def all_cliffs() -> list[Cliff]:
    """In the order of their definition."""
    return [*of_elements(), *of_weights(), *of_masks(), *of_orders(), *of_operations(), *of_longdoubles()]


# The command --------------------------------------------------------------------------------------------------------


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser, "1")


def contender(name: str, call: Call, threads: int) -> Contender:
    """A call as a statement; maps write to an output that is allocated beforehand."""
    function, given = call
    given = dict(given)
    a = given.pop("a")
    names = {"f": getattr(lse, function, None), "a": a, "given": given}
    statement = "f(a, **given)"
    if function == "f":
        shape = np.delete(a.shape, given["axis"])
        names["f"] = lse.LogSumExp(tuple(map(int, shape)), a.dtype).update
    elif function in ("softmax", "log_softmax", "logcumsumexp"):
        names["out"] = np.empty_like(a)
        statement = "f(a, out=out, **given)"
    return Contender(name, threads, statement, names, lambda: lse.set_num_threads(threads))


def ratio_of(measured: Measured, threads: int) -> Ratio:
    """How many times the plain case it takes."""
    ratio = measured.ratio(("lse", threads), ("plain", threads))
    assert ratio is not None
    return ratio


def row(measured: Measured, threads: int) -> tuple[str, ...]:
    """One line of the table."""
    ratio, case = ratio_of(measured, threads), measured.case
    ns = measured.median(("lse", threads)) / case.size * 1e9
    over = "over" if ratio.median > case.limit else ""
    return case.name, str(threads), show(ns), ratio.brief, show(case.limit), over


def run(options: argparse.Namespace) -> None:
    """Measure, print worst first, write."""
    session = Session(options)
    effort = Effort(options.rounds or (3 if options.quick else 5), 0.001 if options.quick else 0.003, 0.2)
    results = []
    for case in session.wanted(all_cliffs()):
        calls = dict(zip(("lse", "plain"), case.make(case), strict=True))
        field = [contender(name, call, threads) for threads in options.threads for name, call in calls.items()]
        results.append(session.measure(case, field, effort))
    records = [
        {"case": one.case.name, "threads": threads, "limit": one.case.limit, "x plain": ratio_of(one, threads).median}
        for one in results
        for threads in options.threads
    ]
    lines = [row(one, threads) for one in results for threads in options.threads]
    harm = [record["x plain"] / record["limit"] for record in records]
    layout = "{:<76}{:>8}{:>12}{:>10}{:>8}  {}".format
    print(layout("", "threads", "ns/element", "x plain", "limit", ""))
    for i in sorted(range(len(lines)), key=lambda i: -harm[i]):
        print(layout(*lines[i]))
    print("", f"{sum(one > 1 for one in harm)} of {len(harm)} are over their limit.", NOTE, "", sep="\n")
    session.close(results, {"ratios": records})
