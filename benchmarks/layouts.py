"""Arrays that do not lie in plain rows or columns, for ``python -m benchmarks shapes``."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

import lse

Axes = int | tuple[int, ...]
Make = Callable[[np.ndarray], np.ndarray]  # from a contiguous array of a shape to one that lies otherwise


def same(a: np.ndarray) -> np.ndarray:
    """As it is."""
    return a


@dataclass(frozen=True)
class Layout:
    """One operation on one array; `make` lays it out, `extra` names an argument and the shape that it has."""

    group: str
    operation: str
    dtype: str
    shape: tuple[int, ...]
    axis: Axes
    text: str = ""
    make: Make = field(default=same, repr=False)
    extra: tuple[str, tuple[int, ...]] | None = None
    small: bool = False

    @property
    def name(self) -> str:
        """As in --only and in the tables."""
        axes = ",".join(map(str, self.axis)) if isinstance(self.axis, tuple) else self.axis
        shape = f"(2,)*{len(self.shape)}" if len(self.shape) > 8 else "x".join(map(str, self.shape))
        axes = "odd" if len(str(axes)) > 12 else axes
        text = f"{self.group}: {self.operation} {self.dtype} {shape} axis {axes}"
        return f"{text} {self.text}".rstrip()

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return np.dtype(self.dtype).itemsize

    @property
    def moved(self) -> int:
        """Bytes of the input."""
        return self.size * self.itemsize

    def described(self) -> dict:
        """For the file."""
        return {
            "group": self.group, "operation": self.operation, "dtype": self.dtype, "shape": self.shape,
            "axis": self.axis, "text": self.text,
        }  # fmt: skip

    def data(self) -> np.ndarray:
        """Normally distributed, integers more widely, the same in every run."""
        scale = 20 if np.dtype(self.dtype).kind == "i" else 1
        rng = np.random.default_rng(20250)
        normal = rng.standard_normal(self.shape)
        if np.dtype(self.dtype).kind == "c":
            return self.make((normal + 1j * rng.uniform(-np.pi, np.pi, self.shape)).astype(self.dtype))
        return self.make((scale * normal).astype(self.dtype))

    def argument(self) -> dict[str, np.ndarray]:
        """Weights or a mask, where there are."""
        if self.extra is None:
            return {}
        name, shape = self.extra
        drawn = np.random.default_rng(7).random(shape)
        return {name: drawn < 0.7 if name == "where" else drawn.astype(self.dtype)}

    def plain(self, a: np.ndarray) -> tuple[np.ndarray, int]:
        """As many elements in rows, or in columns if neighbours in memory are kept apart, and the axis; of complex ones
        the real parts."""
        a = a.real if a.dtype.kind == "c" else a
        axes = {axis % a.ndim for axis in (self.axis if isinstance(self.axis, tuple) else (self.axis,))}
        n = math.prod(a.shape[axis] for axis in axes)
        steps = {abs(step): axis for axis, step in enumerate(a.strides) if step and a.shape[axis] > 1}
        rows = steps[min(steps)] in axes
        dtype = a.dtype.newbyteorder("=")
        dtype = dtype if dtype in (np.float32, np.float64) else lse.softmax(a[..., :1]).dtype
        dtype = np.float32 if dtype == np.float16 else dtype
        flat = np.ascontiguousarray(a, dtype).reshape(-1)
        return (flat.reshape(-1, n), 1) if rows else (flat.reshape(n, -1), 0)


def unaligned(a: np.ndarray) -> np.ndarray:
    """One byte past where it should lie."""
    bytes_ = np.empty(a.nbytes + 1, np.uint8)
    moved = bytes_[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


def broadcast(a: np.ndarray) -> np.ndarray:
    """The first row, again and again, without a copy."""
    return np.lib.stride_tricks.as_strided(a, a.shape, (0, *a.strides[1:]))


def every_other(a: np.ndarray) -> np.ndarray:
    """Every other element of twice as many."""
    return np.repeat(a, 2, axis=-1)[..., ::2]


def images() -> Iterator[tuple]:
    """Classes or channels first, or last."""
    for shape, axis in (
        ((64, 21, 28, 28), 1), ((8, 3, 224, 224), 1), ((1000, 10, 10, 10), 1), ((3, 512, 512), 0), ((20, 224, 224), 0),
        ((512, 512, 3), 2), ((224, 224, 20), 2),
    ):  # fmt: skip
        yield "image", shape, axis


def kept_runs() -> Iterator[tuple]:
    """Some elements kept side by side, of columns that are not the last axis."""
    for kept in (1, 2, 3, 4, 7, 8, 13, 16, 31, 64):
        yield "kept run", (10**6 // (20 * kept), 20, kept), 1
    for shape, axis in (((500, 1000, 2), 0), ((500, 2, 1000), 0), ((17, 100, 100, 6), 0), ((1000, 50, 5, 4), 1)):
        yield "kept axes", shape, axis


def many_axes() -> Iterator[tuple]:
    """Many dimensions, and several of them reduced."""
    for axis in (0, 9, 17, tuple(range(1, 18, 2))):
        yield "many axes", (2,) * 18, axis
    for axis in ((0, 1), (0, 2), (1, 2)):
        yield "tuple", (100, 100, 100), axis
    for axis in ((2, 3), (0, 2, 3), (1, 3)):
        yield "tuple", (64, 21, 28, 28), axis


def lying(*order: int) -> Make:
    """Axes in the same order for who uses them, in this order in memory."""
    return lambda a: np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order))


def strides() -> Iterator[tuple]:
    """In another order than C's."""
    for shape, axis in (((1000, 1000), 0), ((1000, 1000), 1), ((100, 100, 100), 1), ((50000, 20), 1)):
        yield "order", shape, axis, "Fortran", np.asfortranarray
    yield "order", (50, 100, 200), 1, "transposed", lying(2, 0, 1)
    yield "order", (20, 300, 160), 0, "transposed", lying(1, 0, 2)
    for text, make in (
        ("broadcast", broadcast), ("reversed", lambda a: a[::-1, ::-1]), ("every other", every_other),
        ("unaligned", unaligned),
    ):  # fmt: skip
        for shape, axis in (((50, 20000), 0), ((20000, 50), 1)):
            yield "strides", shape, axis, text, make


def swapped(a: np.ndarray) -> np.ndarray:
    """The other order of bytes."""
    return a.astype(a.dtype.newbyteorder())


def all_layouts(quick: bool = False) -> Iterator[Layout]:
    """In the order of the tables; quickly, in float32 and the first two operations only."""
    operations = ("logsumexp", "softmax") if quick else ("logsumexp", "softmax", "log_softmax")
    for group, shape, axis, *rest in (*images(), *kept_runs(), *many_axes(), *strides()):
        dtypes = ("float32",) if quick or group not in ("image", "kept axes") else ("float32", "float64")
        yield from (Layout(group, name, dtype, shape, axis, *rest) for name in operations for dtype in dtypes)
    plain = ((20000, 50), 1), ((50, 20000), 0)
    for dtype, rest in (
        ("float16", ()), ("int64", ()), ("int32", ()), ("float32", ("swapped", swapped)),
        ("float64", ("swapped", swapped)),
    ):  # fmt: skip
        yield from (Layout("type", name, dtype, *where, *rest) for name in operations for where in plain)
    for dtype in ("complex64", "complex128"):
        for name in operations:
            for shape, axis in (
                ((50000, 2), 1), ((15000, 7), 1), ((1000, 100), 1), ((300, 300), 1), ((100, 1000), 1), ((1, 10**5), 1),
                ((2, 50000), 0), ((7, 15000), 0), ((30000, 3), 0), ((1000, 100), 0), ((300, 300), 0),
            ):  # fmt: skip
                yield Layout("complex", name, dtype, shape, axis)
        for extra in ((1000, 100), (1, 100)):
            yield Layout("complex", "logsumexp", dtype, (1000, 100), 1, "b", same, ("b", extra))
    for shape, axis in (*plain, ((64, 21, 28, 28), 1)):
        along = tuple(n if i == axis else 1 for i, n in enumerate(shape))
        for name, extra in (("b", shape), ("b", along), ("where", shape), ("where", along)):
            text = f"{name}{'' if extra == shape else ' of the axis'}"
            yield Layout("argument", "logsumexp", "float32", shape, axis, text, same, (name, extra))
