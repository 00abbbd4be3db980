"""Every kind of small call, beside SciPy's: ``python -m benchmarks small``."""

import argparse
import itertools
import re
import sys
import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import lse
from benchmarks.measure import show

try:
    from scipy import special
except ImportError:
    special = None
try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

MOST = 5.0  # microseconds that a call may take
MOST_OF_COMPLEX = 8.0
MOST_OF_A_SEQUENCE = 2.0  # beside what numpy.asarray takes
ROUNDS = 7

RNG = np.random.default_rng(1)
ROW, TABLE, HUNDRED = RNG.standard_normal(5), RNG.standard_normal((3, 4)), RNG.standard_normal(100)
COLUMN, PAIR, BLOCK = RNG.standard_normal((5, 1)), RNG.standard_normal((2, 5)), RNG.standard_normal((10, 10))
UNALIGNED = np.zeros(8 * TABLE.size + 1, np.uint8)[1:].view(np.float64).reshape(TABLE.shape)
UNALIGNED[...] = TABLE
HALVES = {"float16": np.float16} | ({} if ml_dtypes is None else {"bfloat16": ml_dtypes.bfloat16})
INTEGERS = (np.int8, np.uint8, np.int32, np.int64, np.uint64)

# elements, by what they are called in names of cases
ELEMENTS: dict[str, Any] = {
    "float64": ROW,
    "float32": ROW.astype(np.float32),
    **{name: ROW.astype(dtype) for name, dtype in HALVES.items()},
    **{np.dtype(dtype).name: np.arange(5).astype(dtype) for dtype in INTEGERS},
    "longdouble": ROW.astype(np.longdouble),
    "3x4 longdouble": TABLE.astype(np.longdouble),
    "100 longdouble": HUNDRED.astype(np.longdouble),
    "bool": ROW > 0,
    ">f8": ROW.astype(">f8"),
    ">i4": np.arange(5, dtype=">i4"),
    "3x4": TABLE,
    "3x4 float32": TABLE.astype(np.float32),
    "3x4 float16": TABLE.astype(np.float16),
    "3x4 int64": np.arange(12).reshape(3, 4),
    "3x4 Fortran": np.asfortranarray(TABLE),
    "3x4 reversed": TABLE[::-1, ::-1],
    "3x4 broadcast": np.broadcast_to(ROW[:4], (3, 4)),
    "3x4 unaligned": UNALIGNED,
    "5x1": COLUMN,
    "2x5": PAIR,
    "10x10": BLOCK,
    "100": HUNDRED,
    "2x3x4": RNG.standard_normal((2, 3, 4)),
    "0-d": np.array(1.5),
    "np.float64": np.float64(1.5),
    "np.int64": np.int64(3),
    "float": 1.5,
    "int": 3,
    "list": ROW.tolist(),
    "tuple of int": (1, 2, 3, 4, 5),
    "nested list": TABLE.tolist(),
    "range": range(5),
    "memoryview": memoryview(ROW),
    "empty": ROW[:0],
    "3x0": TABLE[:, :0],
    "complex128": ROW + 1j * ROW[::-1],
    "complex64": (ROW + 1j * ROW[::-1]).astype(np.complex64),
    "3x4 complex128": TABLE * (1 + 0.5j),
    "3x4 complex128 Fortran": np.asfortranarray(TABLE * (1 + 0.5j)),
    "10x10 complex64": (BLOCK * (1 + 0.5j)).astype(np.complex64),
    "100 complex128": HUNDRED * (1 + 0.5j),
    "3x4 clongdouble": (TABLE * (1 + 0.5j)).astype(np.clongdouble),
    "complex": 1.5 + 2j,
    "0-d complex128": np.array(1.5 + 2j),
    "list of complex": (ROW + 1j * ROW[::-1]).tolist(),
    "3x0 complex128": TABLE[:, :0] * 1j,
}
Option = tuple[str, dict[str, Any]]  # how it is written, and the arguments
PLAIN: Option = ("", {})


def is_complex(*given: Any) -> bool:
    """Whether a call on these computes in complex numbers."""
    return any(np.iscomplexobj(x) for x in given if not isinstance(x, str))


def axes(a: Any) -> Iterator[Option]:
    """Each kind of axis that an array has."""
    ndim = np.ndim(a)
    for axis in [None, 0, -1, np.int64(0), (0,), ()] + ([1, (0, 1), (np.int64(1), 0)] if ndim > 1 else []):
        yield f"axis={axis!r}", {"axis": axis}


def weights(a: Any) -> Iterator[Option]:
    """Each kind of weights."""
    last = np.shape(a)[-1:]
    for name, b in {
        "0.2": 0.2,
        "2": 2,
        "True": True,
        "np.float32(2)": np.float32(2),
        "0-d": np.array(0.5),
        "float64": np.ones(last) / 3,
        "float32": np.ones(last, np.float32),
        "int64": np.arange(1, 1 + max(last, default=1)).reshape(-1)[: max(last, default=1)],
        "bool": np.ones(last, bool),
        ">f8": np.ones(last, ">f8"),
        "float16": np.ones(last, np.float16),
        "list": np.ones(last).tolist(),
        "signed": np.where(np.arange(max(last, default=1)) % 2, -0.25, 1.0),
        "1j": 1j,
        "complex128": np.ones(last) * (1 - 0.5j),
        "complex64": np.ones(last, np.complex64) / 3,
    }.items():
        if np.size(b) == 1 or np.shape(b) == last:
            yield f"b={name}", {"b": b}
    if np.ndim(a) == 2:
        signs = [[(-1) ** i] for i in range(len(a))]
        yield f"b={signs}", {"b": signs}
        yield "b=column", {"b": np.ones((len(a), 1))}
        yield "b=whole", {"b": np.ones(np.shape(a))}


def masks(a: Any) -> Iterator[Option]:
    """Each kind of mask."""
    last = np.shape(a)[-1:]
    chosen = np.arange(max(last, default=1)).reshape(-1)[: max(last, default=1)] % 3 > 0
    for name, where in {"False": False, "np.True_": np.True_, "array": chosen, "list": chosen.tolist()}.items():
        if np.ndim(where) == 0 or (np.shape(where) == last and last[0] > 0):
            yield f"where={name}", {"where": where}
    if np.ndim(a) == 2:
        yield "where=column", {"where": np.arange(len(a))[:, None] % 2 == 0}


def flags(name: str) -> Iterator[Option]:
    """Each way to say yes."""
    for yes in (True, np.True_, 1):
        yield f"{name}={yes!r}", {name: yes}


def dtypes(a: Any) -> Iterator[Option]:
    """Each kind of dtype."""
    real = () if is_complex(a) else (np.float32, float, "float32", np.dtype(np.float64), np.float16)
    for dtype in (*real, complex, np.complex64):
        yield f"dtype={getattr(dtype, '__name__', dtype)}", {"dtype": dtype}


def outputs(function: Callable[..., Any], a: Any, options: dict[str, Any]) -> Iterator[Option]:
    """Each kind of output of a call."""
    result = np.asarray(function(a, **options))
    single, swapped = ("complex64", ">c16") if is_complex(result) else ("float32", ">f8")
    for name, out in {
        "own": np.empty_like(result),
        single: np.empty(result.shape, single),
        "strided": np.empty((*result.shape, 2), result.dtype)[..., 0],
        swapped: np.empty(result.shape, swapped),
    }.items():
        yield f"out={name}", {"out": out}


def offsets() -> Iterator[Option]:
    """Each kind of offsets of five elements."""
    indptr = [0, 2, 2, 5]
    for dtype in (np.intp, np.int32, np.uint64):
        yield np.dtype(dtype).name, {"indptr": np.array(indptr, dtype)}
    yield "list", {"indptr": indptr}


@dataclass(frozen=True)
class Small:
    """One call."""

    function: str
    elements: str
    text: str
    options: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.function} {self.elements} {self.text}".rstrip()

    @property
    def call(self) -> Callable[[], Any]:
        a, options = ELEMENTS[self.elements], self.options
        if self.function == "LogSumExp.update":
            total = lse.LogSumExp(lse.LogSumExp.of(a, **options).shape)
            return lambda: total.update(a, **options)
        if self.function == "LogSumExp.value":
            total = lse.LogSumExp.of(a, **options)
            return lambda: total.value
        if self.function == "logmatmulexp":
            return lambda: lse.logmatmulexp(a, **options)
        function = lse.LogSumExp.of if self.function == "LogSumExp.of" else getattr(lse, self.function)
        return lambda: function(a, **options)

    @property
    def peer(self) -> Callable[[], Any] | None:
        """The same of SciPy, where it has that."""
        function = getattr(special, self.function, None)
        if function is None or not set(self.options) <= {"axis", "b", "keepdims", "return_sign"}:
            return None
        a, options = ELEMENTS[self.elements], self.options
        try:
            with np.errstate(all="ignore"):
                function(a, **options)
        except Exception:  # what SciPy does not take
            return None
        return lambda: function(a, **options)

    @property
    def limit(self) -> float:
        """Microseconds, with what `numpy.asarray` takes for sequences, and `numpy.exp` for longdouble."""
        given = [ELEMENTS[self.elements], *self.options.values()]
        lists = [x for x in given if isinstance(x, list) or (x is given[0] and isinstance(x, tuple))]
        converted = sum(microseconds(lambda x=x: np.asarray(x), 3) for x in lists)
        more = microseconds(lambda: np.exp(given[0]), 3) if "longdouble" in self.elements else 0.0
        if is_complex(*given):
            return max(MOST_OF_COMPLEX, MOST_OF_A_SEQUENCE + converted) + more
        return (MOST_OF_A_SEQUENCE + converted if lists else MOST) + more


def right(a: Any) -> Iterator[Option]:
    """Each kind of right operand."""
    n = np.shape(a)[-1]
    matrix = np.linspace(-1, 1, 3 * n).reshape(n, 3)
    yield "vector", {"b": matrix[:, 0]}
    yield "matrix", {"b": matrix}
    yield "float32", {"b": matrix.astype(np.float32)}
    yield "LogMatrix", {"b": lse.LogMatrix(matrix)}


def kinds(function: str, a: Any) -> list[list[Option]]:
    """The options of a function, by their kinds."""
    if function == "segment_logsumexp":
        return [list(offsets()), list(dtypes(a))]
    if function == "logmatmulexp":
        return [list(right(a)), [option for option in dtypes(a) if not is_complex(np.empty(0, option[1]["dtype"]))]]
    if function == "LogSumExp.value":
        return [[option for option in axes(a) if option[1]["axis"] in (None, 0)]]
    if function == "logcumsumexp":
        some = [one for one in axes(a) if not isinstance(one[1]["axis"], tuple)]
        return [some, list(flags("reverse")), list(dtypes(a))]
    found = [list(axes(a)), list(masks(a))]
    if function not in ("softmax", "log_softmax"):
        real = "LogSumExp" in function
        found.append([option for option in weights(a) if not real or not is_complex(option[1]["b"])])
    if function in ("logsumexp", "logmeanexp"):
        found.append(list(flags("keepdims")))
    if function == "logsumexp":
        found.append(list(flags("return_sign")))
    return found if "LogSumExp" in function else [*found, list(dtypes(a))]


FUNCTIONS = ("logsumexp", "logmeanexp", "softmax", "log_softmax", "logcumsumexp", "segment_logsumexp", "LogSumExp.of",
             "LogSumExp.update", "LogSumExp.value", "logmatmulexp")  # fmt: skip


def combinations(function: str, elements: str) -> Iterator[Option]:
    """Each option alone, and the first ones of each two kinds, and of all, together."""
    groups = kinds(function, ELEMENTS[elements])
    if function in ("segment_logsumexp", "logmatmulexp"):
        yield from groups[0]
        first, *groups = groups
        groups = [[first[0]], *groups]
        yield from ((f"{x} {y}", one | other) for (x, one), (y, other) in itertools.product(*groups))
        return
    yield PLAIN
    yield from itertools.chain(*groups)
    for count in {2, len(groups)}:
        for chosen in itertools.combinations([group[:2] for group in groups if group], count):
            for several in itertools.product(*chosen):
                merged = {key: value for _, options in several for key, value in options.items()}
                yield " ".join(text for text, _ in several), merged


def cases() -> list[Small]:
    """Elements of every kind with every option, and with several together; outputs."""
    found = []
    for function, elements in itertools.product(FUNCTIONS, ELEMENTS):
        a = ELEMENTS[elements]
        if function == "segment_logsumexp" and np.shape(a)[-1:] != (5,):
            continue
        if (is_complex(a) or "longdouble" in elements) and ("LogSumExp" in function or function == "logmatmulexp"):
            continue
        if function == "logmatmulexp" and (np.ndim(a) not in (1, 2) or np.shape(a)[-1] == 0 or elements == "bfloat16"):
            continue
        found += [Small(function, elements, *option) for option in combinations(function, elements)]
        if "LogSumExp" in function or function in ("segment_logsumexp", "logmatmulexp"):
            continue
        options = {"axis": 0 if np.ndim(a) < 2 else 1}
        for text, out in outputs(getattr(lse, function), a, options):
            found.append(Small(function, elements, f"axis={options['axis']} {text}", options | out))
    return found


def microseconds(call: Callable[[], Any], rounds: int, seconds: float = 2e-4) -> float:
    """The least of some rounds."""
    timer = timeit.Timer(call)
    number = max(1, int(seconds / max(timer.timeit(3) / 3, 1e-9)))
    return min(timer.repeat(rounds, number)) / number * 1e6


def measure(case: Small, rounds: int) -> tuple[float, float | None]:
    """The time of a call of lse, and that of SciPy, in turns."""
    call, peer = case.call, case.peer
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(microseconds(call, 1))
        if peer is not None:
            with np.errstate(all="ignore"):
                theirs.append(microseconds(peer, 1))
    return min(ours), min(theirs, default=None)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--only", metavar="REGEX", help="cases whose name contains this regular expression")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"rounds of each case ({ROUNDS})")
    parser.add_argument("--show", type=int, default=40, metavar="N", help="how many of the longest to print (40)")


def run(options: argparse.Namespace) -> None:
    """Measure, and print the longest first; what seems too long is measured again."""
    chosen = [case for case in cases() if not options.only or re.search(options.only, case.name)]
    if options.list:
        print(*(case.name for case in chosen), sep="\n")
        return
    if not chosen:
        sys.exit("no such case; --list prints their names")
    results = []
    for case in chosen:
        ours, theirs = measure(case, options.rounds)
        limit = case.limit
        for _ in range(3):
            if ours <= limit:
                break
            ours = min(ours, measure(case, 2 * options.rounds)[0])
        results.append((ours / limit, ours, limit, theirs, case.name))
    results.sort(key=lambda one: one[0], reverse=True)
    row = "{:>8}{:>8}{:>8}{:>10}  {}".format
    print(row("us", "limit", "SciPy", "x SciPy", "call"))
    for _, ours, limit, theirs, name in results[: options.show]:
        print(
            row(show(ours), show(limit), *(("", "") if theirs is None else (show(theirs), show(theirs / ours))), name)
        )
    ratios = [theirs / ours for _, ours, _, theirs, _ in results if theirs is not None]
    over = sum(ratio > 1 for ratio, *_ in results)
    print(f"\n{len(results)} calls, {over} of them longer than their limit; the longest takes "
          f"{show(max(ours for _, ours, *_ in results))} us (numpy.add.reduce of 100 elements: "
          f"{show(microseconds(lambda: np.add.reduce(HUNDRED), ROUNDS))} us).")  # fmt: skip
    if ratios:
        print(f"SciPy takes {show(min(ratios))} times as long or more, {show(float(np.median(ratios)))} in the median.")
