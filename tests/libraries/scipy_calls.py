"""Random calls of the functions that lse and SciPy have in common, and the comparison of their outcomes."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

INF, NAN = np.inf, np.nan
REAL = ["float16", "float32", "float64", "longdouble", ">f8"]
COMPLEX = ["complex64", "complex128", "clongdouble"]
INTEGERS = ["bool", "int8", "uint8", "int32", "int64", "uint64"]
OTHERS = ["object", "str", "datetime64[s]"]
SHAPES = [(), (1,), (3,), (4,), (0,), (2, 3), (3, 1), (2, 0, 3), (2, 3, 2), (1, 1), (0, 2), (5000,)]
VALUES = {
    "plain": [0.5, -1.25, 2.0, 0.0, 3.5, -2.0],
    "equal": [1.0],
    "steep": [0.0, -40.0, -700.0],
    "far": [1000.0, -1000.0, 999.0],
    "small": [-800.0, -801.0],
    "huge": [60000.0, -60000.0],
    "greatest": [1.7e308, -1.7e308],
    "cancelling": [800.0, 800.0, 0.0],
    "cancelling nearly": [40.0, 39.0, 0.0],
    "whole": [0.0, 255.0, 1.0, -3.0],
    "nothing": [-INF],
    "some -inf": [-INF, 1.0, 2.0],
    "+inf": [INF, 0.0, 1.0],
    "two +inf": [INF, INF, 0.0],
    "nan": [NAN, 1.0, 2.0],
    "nan and inf": [NAN, INF, -INF],
}
WEIGHTS = {
    "one": 1.0, "half": 0.5, "zero": 0.0, "negative": -1.0, "integer": 2, "true": True, "complex": 1j,
    "list": [1.0, 2.0],
}  # fmt: skip
WEIGHT_VALUES = {
    "positive": [0.5, 1.0, 2.0],
    "cancelling": [1.0, -1.0, 1.0],
    "cancelling nearly": [1.0, -2.718281828459045, 1.0],
    "signed": [1.0, -1.0, 0.25],
    "negative": [-1.0, -2.0],
    "zeros": [0.0],
    "some zeros": [0.0, 1.0, 2.0],
    "tiny and huge": [1e-300, 1e300],
    "greatest": [1.7e308],
    "inf": [INF, 1.0],
    "nan": [NAN, 1.0],
}
AXES = [None, 0, -1, 1, 2, -2, np.int64(0), (0,), (1,), (-1,), (0, 1), (1, 0), (0, -1), ()]
AXES += [(0, 0), 5, True, 1.0, "x", [0]]  # wrong
CONTAINERS = ["F", "reversed", "list", "scalar", "masked", "matrix", "read-only", "transposed"]
FLAGS = [*[True] * 12, False, 1, 0, np.True_, None, "yes"]
FUNCTIONS = ["logsumexp", "softmax", "log_softmax"]


@dataclass
class Call:
    function: str
    a: Any
    options: dict[str, Any]
    values: str = ""  # names of what is in the elements and weights
    weights: str = ""
    container: str = "array"

    @property
    def array(self):
        return np.asarray(self.a)

    @property
    def flags(self):
        return self.options.keys() & {"keepdims", "return_sign"}

    @property
    def b(self):
        return None if self.options.get("b") is None else np.asarray(self.options["b"])

    def __str__(self):
        given = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return f"{self.function}({self.a!r}, {given})" + (f"  # {self.container}" if self.container != "array" else "")


@dataclass
class Outcome:
    error: type | None = None
    results: tuple[Any, ...] = ()
    warned: bool = False
    arrays: list[Any] = field(default_factory=list)


def outcome(module, call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = getattr(module, call.function)(call.a, **call.options)
        except Exception as error:
            return Outcome(type(error), warned=bool(caught))
    results = result if isinstance(result, tuple) else (result,)
    return Outcome(None, results, bool(caught), [np.asarray(x) for x in results])


def filled(shape, values, dtype, rng):
    """An array of these values, repeated, in random order."""
    size = int(np.prod(shape))
    numbers = np.resize(np.array(values, object), size)
    numbers = (numbers if rng is None else rng.permutation(numbers)).reshape(shape)
    if dtype in INTEGERS:
        numbers = np.array([x if np.isfinite(x) else 7 for x in numbers.ravel()], float).reshape(shape)
        with np.errstate(all="ignore"):
            return np.asarray(numbers.astype(np.int64) % 256 if dtype.startswith("u") else numbers).astype(dtype)
    if dtype == "object":
        return numbers
    if dtype in OTHERS:
        return np.zeros(shape, "U1" if dtype == "str" else dtype)
    with np.errstate(all="ignore"):
        result = numbers.astype(np.longdouble).astype(dtype)
        if dtype in COMPLEX:
            result.imag = np.resize([0.0] if rng is None else rng.permutation([0.5, 0, 3]), size).reshape(shape)
        return result


def contained(a, rng):
    """The array in a different container or memory layout, and the name of that."""
    kind = rng.choice([*["array"] * 8, *CONTAINERS])
    if kind == "F":
        return np.asfortranarray(a), kind
    if kind == "reversed" and a.ndim:
        return a[..., ::-1], kind
    if kind == "list" and a.dtype.kind in "fiub" and a.itemsize <= 8:
        return a.tolist(), kind
    if kind == "scalar" and a.ndim == 0:
        return a[()], kind
    if kind == "masked":
        hidden = rng.random() < 0.5
        return np.ma.masked_array(a, (np.arange(a.size) == 0).reshape(a.shape) & hidden), kind
    if kind == "matrix" and a.ndim == 2 and a.dtype.kind in "fiubc":
        return a.view(np.matrix), kind
    if kind == "read-only":
        a.flags.writeable = False
        return a, kind
    if kind == "transposed" and a.ndim == 3:
        return a.transpose(1, 0, 2), kind
    return a, "array"


def weighted(shape, rng):
    """Random weights, and the name of their values."""
    if rng.random() < 0.4:
        name = str(rng.choice(list(WEIGHTS)))
        return WEIGHTS[name], name
    name = str(rng.choice(list(WEIGHT_VALUES)))
    dtype = str(rng.choice([*REAL, "float64", "float64", *COMPLEX, *INTEGERS, "object", "str"]))
    ways = [shape, shape, shape, shape, (), shape[-1:], (1,) * len(shape), (2, *shape), (*shape[:-1], 4), (3, 1)]
    return filled(ways[rng.integers(len(ways))], WEIGHT_VALUES[name], dtype, rng), name


def random_call(rng):
    function = str(rng.choice(FUNCTIONS, p=[0.6, 0.2, 0.2]))
    dtype = str(rng.choice([*REAL * 3, "float64", "float64", *COMPLEX * 2, *INTEGERS * 2, *OTHERS]))
    shape = SHAPES[rng.integers(len(SHAPES))]
    values = str(rng.choice(list(VALUES)))
    if values.startswith("cancelling"):
        function, shape = "logsumexp", (2, 3)
    a, container = contained(filled(shape, VALUES[values], dtype, rng), rng)
    options = {"axis": AXES[rng.integers(len(AXES))] if rng.random() < 0.4 else (None, 0, -1)[rng.integers(3)]}
    weights = ""
    if function == "logsumexp":
        if values.startswith("cancelling"):
            a, container = filled(shape, VALUES[values], dtype, None), "array"
            options["b"], weights = filled(shape, WEIGHT_VALUES[values], "float64", None), values
        elif rng.random() < 0.5:
            options["b"], weights = weighted(shape, rng)
        for name in ("keepdims", "return_sign"):
            if rng.random() < 0.3:
                options[name] = FLAGS[rng.integers(len(FLAGS))]
    return Call(function, a, options, values, weights, container)


def calls(count, seed):
    rng = np.random.default_rng(seed)
    return [random_call(rng) for _ in range(count)]


def are_same(x, y, size=1.0):
    """Where numbers agree within SciPy's rounding for elements of a size; angles, modulo a turn."""
    eps = max(np.finfo(x.dtype).eps, np.finfo(y.dtype).eps)
    turn = 2 * np.arctan2(np.longdouble(0), np.longdouble(-1))
    with np.errstate(all="ignore"):
        a, b, s, t = (part.astype(np.longdouble) for part in (x.real, y.real, x.imag, y.imag))
        near = 64 * eps * np.maximum(size, np.where(np.isfinite(b), abs(b), 1))
        real = (a == b) | (abs(a - b) <= near) | (np.isnan(a) & np.isnan(b))
        imag = (s == t) | (np.minimum(abs(s - t), abs(abs(s - t) - turn)) <= near) | (np.isnan(s) & np.isnan(t))
    return real & imag


def pairs_apart(call, ours, theirs):
    """The pairs of values that differ by more than SciPy's error, which is relative to the largest element."""
    x, y = (np.ravel(outcome.arrays[0]) for outcome in (ours, theirs))
    with np.errstate(all="ignore"):
        sizes = np.abs(np.ravel(call.array)).astype(np.float64)
    apart = ~are_same(x, y, np.max(sizes, initial=1.0, where=np.isfinite(sizes)))
    return list(zip(x[apart], y[apart], strict=True))


def lost_tail(x, y):
    """Whether a result near 0 has lost its digits in SciPy."""
    x, y = abs(x.real), abs(y.real)
    return bool(np.any((x < 1e-3) & (x > 0) & (y < x / 2)))


def order(x):
    return "C" if x.flags.c_contiguous else "F" if x.flags.f_contiguous else "other"


def differences(call, ours, theirs):
    """The names of the aspects in which two outcomes differ."""
    if ours.error or theirs.error:
        if ours.error and theirs.error:
            return set() if issubclass(ours.error, theirs.error) else {"error"}
        return {"refused by lse"} if ours.error else {"refused by SciPy"}
    found = set()
    for x, y, p, q in zip(ours.arrays, theirs.arrays, ours.results, theirs.results, strict=True):
        if x.dtype != y.dtype:
            found.add("dtype")
        if type(p) is not type(q) and (isinstance(p, np.ndarray) != isinstance(q, np.ndarray) or x.dtype == y.dtype):
            found.add("type")
        if x.shape != y.shape:
            found.add("shape")
            continue
        if order(x) != order(y):
            found.add("order")
        if q is theirs.results[0]:
            if pairs_apart(call, ours, theirs):
                found.add("value")
            if call.function == "log_softmax" and lost_tail(x, y):
                found.add("tail")
        elif not np.all(are_same(x, y)):
            found.add("sign")
    return found
