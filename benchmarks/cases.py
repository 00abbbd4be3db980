"""What is measured: operations, shapes, dtypes and axes."""

import math
from dataclasses import asdict, dataclass

import numpy as np

NAMES = {"f32": np.float32, "f64": np.float64}
# chunks of a stream: for one sum, for a sum of each row and of each column
STREAMED = [((1 << 16,), 0), ((10**6,), 0), ((10**7,), 0), ((512, 128), 1), ((8192, 8), 1), ((64, 1024), 0)]
SMALL_STREAMED = ("small streamed", "small streamed masked")


@dataclass(frozen=True)
class Case:
    """One operation on one array; `kind` is what the targets call it."""

    kind: str
    dtype: str
    shape: tuple[int, ...]
    axis: int = 0
    operation: str = "logsumexp"
    as_list: bool = False

    @property
    def name(self) -> str:
        """As in `--only`, in the tables and in the picture."""
        if self.kind == "swept":
            return f"{self.operation} {self.dtype} {self.direction} n={self.length}"
        if self.as_list:
            return f"list of {self.size} floats"
        if len(self.shape) == 1:
            text = f"{self.dtype} n={self.size}" if self.small else f"{self.dtype} {self.size:.0e}".replace("e+0", "e")
        else:
            text = f"{self.dtype} {'x'.join(map(str, self.shape))} axis {self.axis}"
        if self.kind in ("ascending", "weighted", "masked", "cumulated", "segments", "streamed", *SMALL_STREAMED):
            text += f" {self.kind.removeprefix('small ')}"
        return text if self.operation == "logsumexp" else f"{self.operation} {text}"

    @property
    def type_name(self) -> str:
        """As NumPy has it."""
        return NAMES[self.dtype].__name__

    @property
    def length(self) -> int:
        """Elements that are reduced to one."""
        return self.shape[self.axis]

    @property
    def direction(self) -> str:
        """How those lie."""
        return "rows" if self.axis in (-1, len(self.shape) - 1) else "columns"

    def described(self) -> dict:
        """What makes the same case again."""
        return asdict(self)

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def read(self) -> int:
        """Bytes of the input."""
        return self.size * np.dtype(NAMES[self.dtype]).itemsize

    @property
    def moved(self) -> int:
        """Bytes that must pass: the input and, of what maps, the output."""
        return self.read * (1 if self.operation == "logsumexp" else 2)

    @property
    def small(self) -> bool:
        """Bound by the cost of a call."""
        return self.kind.startswith("small")

    def data(self) -> np.ndarray | list[float]:
        """Normally distributed, the same in every run."""
        rng = np.random.default_rng(20250)
        if self.dtype == "f32":
            a = rng.standard_normal(self.size, dtype=np.float32).reshape(self.shape)
        else:
            a = rng.standard_normal(self.shape)
        return a.tolist() if self.as_list else a


def small_cases() -> list[Case]:
    """Bound by the call."""
    cases = [Case("small", dtype, (n,)) for dtype in NAMES for n in (1, 3, 8)]
    return [*cases, Case("small list", "f64", (8,), as_list=True), Case("small 2-D", "f64", (4, 8), -1)]


def large_cases() -> list[Case]:
    """Bound by arithmetic and memory."""
    return [
        Case("1-D", "f32", (10**6,)),
        Case("1-D", "f64", (10**6,)),
        Case("1-D out of cache", "f32", (10**8,)),
        Case("1-D out of cache", "f64", (3 * 10**7,)),
        Case("ascending", "f32", (10**7,)),
        Case("ascending", "f64", (10**7,)),
        Case("rows of 8", "f32", (10**6, 8), 1),
        Case("rows", "f64", (10**5, 128), 1),
        Case("rows", "f32", (32000, 1000), 1),
        Case("columns", "f32", (32000, 1000), 0),
        Case("columns", "f64", (64, 512, 256), 1),
        Case("short rows", "f32", (300000, 3), 1),
        Case("short rows", "f32", (60000, 17), 1),
        Case("short columns", "f64", (5, 200000), 0),
        Case("short rows", "f32", (60000, 17), 1, "softmax"),
        Case("short rows", "f64", (20000, 50), 1, "softmax"),
        Case("short columns", "f32", (50, 20000), 0, "softmax"),
        Case("image", "f32", (64, 21, 28, 28), 1, "softmax"),
        *(
            Case("softmax", dtype, shape, 1, operation)
            for operation in ("softmax", "log_softmax")
            for dtype, shape in (("f32", (1000, 32000)), ("f32", (10**5, 128)), ("f64", (10**5, 128)))
        ),
    ]


def variant_cases() -> list[Case]:
    """Held to a multiple of the plain log-sum-exp."""
    shapes = [((10**6,), 0), ((10**7,), 0), ((10**6, 8), 1), ((10**5, 128), 1), ((10000, 1000), 0)]
    return [
        *(Case(kind, d, shape, axis) for kind in ("weighted", "masked") for d in NAMES for shape, axis in shapes),
        *(Case("cumulated", d, shape, -1) for d in NAMES for shape in ((10**7,), (10000, 1000), (10**5, 16))),
        *(Case(kind, d, (8,)) for kind in SMALL_STREAMED for d in NAMES),
        *(Case("streamed", d, shape, axis) for d in NAMES for shape, axis in STREAMED),
        *(Case("segments", d, shape, 1) for d in NAMES for shape in ((10**6, 8), (10**5, 128), (10000, 1000))),
    ]


def shrunk(case: Case) -> Case:
    """The same in a fiftieth of the elements, at most: for a first look, too small to judge."""
    if case.small or case.size <= 10**6:
        return case
    first = max(2, case.shape[0] // (50 if case.size > 10**7 else 10))
    return Case(case.kind, case.dtype, (first, *case.shape[1:]), case.axis, case.operation)


def all_cases(quick: bool = False) -> list[Case]:
    """In the order of the tables."""
    cases = [*small_cases(), *large_cases(), *variant_cases()]
    return [shrunk(case) for case in cases] if quick else cases
