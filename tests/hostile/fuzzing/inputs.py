"""Random inputs: arrays of any layout in watched buffers, and objects of all kinds."""

import array
import datetime
import decimal
import enum
import fractions
import math

import numpy as np
from hypothesis import strategies as st

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = np.float16

FLOATS = ["f8", "f4", "f2", ">f8", ">f4", ">f2", "g", bfloat16]
COMPLEX = ["F", "D", ">D", "G"]
INTEGERS = ["i1", "i8", "u1", "u8", ">i4", "i2", "u4", "?"]
NO_NUMBERS = ["O", "U3", "S3", "M8[D]", "m8[s]", "i4,f4", "V2", "V8", "G"]
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e-310, 1e308, -1e308, 65504.0, 3e38, 1.5e-45, 2.0**46]


class Watched:
    """A buffer, and a copy of its original contents."""

    def __init__(self, size):
        self.bytes = np.frombuffer(bytearray(b"\xa5" * size), np.uint8)
        self.before = None

    def remember(self):
        self.before = self.bytes.copy()

    def changed(self):
        return np.flatnonzero(self.bytes != self.before)


def place(a, watched):
    """The offset of an array's first element in its buffer."""
    return a.__array_interface__["data"][0] - watched.bytes.__array_interface__["data"][0]


def occupied(a, watched):
    """The offsets of an array's bytes in the buffer."""
    places = np.array([place(a, watched)])
    for n, stride in zip((*a.shape, a.itemsize), (*a.strides, 1), strict=True):
        places = (places[:, np.newaxis] + np.arange(n) * stride).reshape(-1)
    return places


# Arrays -----------------------------------------------------------------------------------------------------


@st.composite
def shapes(draw):
    """Mostly small; of up to 64 dimensions; with an axis longer than vectors and blocks of rows and columns."""
    which = draw(st.integers(0, 7))
    if which == 7:
        return (1,) * (draw(st.sampled_from([31, 32, 33, 63, 64])) - 1) + (3,)
    if which > 4:
        shape = draw(st.lists(st.integers(1, 3), max_size=2))
        shape.insert(draw(st.integers(0, len(shape))), draw(st.sampled_from([9, 17, 40, 70, 131, 300, 1100])))
        return tuple(shape)
    return tuple(draw(st.lists(st.integers(0, 5) | st.integers(1, 5), max_size=4)))


def numbers():
    return st.integers(-4, 4).map(float) | st.floats(-30, 30, width=16) | st.floats() | st.sampled_from(SPECIAL)


@st.composite
def strides_of(draw, shape, itemsize, distinct):
    """Axes in any order, with gaps, reversed, unaligned, or with stride 0."""
    strides, step = [0] * len(shape), itemsize
    for axis in draw(st.permutations(range(len(shape)))) if len(shape) < 8 else range(len(shape) - 1, -1, -1):
        how = draw(st.sampled_from([1, 1, 1, -1, 2, -3, 0, 0.5]))
        strides[axis] = int(how * step) if how != 0.5 else step + 1
        if distinct and strides[axis] == 0:
            strides[axis] = step
        step = max(step, abs(strides[axis]) * max(shape[axis], 1))
    return tuple(strides)


def reach(shape, strides):
    """The number of bytes before the first element, and from it to the last."""
    steps = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
    return (0, 0) if 0 in shape else (-sum(x for x in steps if x < 0), sum(x for x in steps if x > 0))


def fill(view, values, step):
    """The values repeated, each time a step higher, cast to any numeric dtype."""
    with np.errstate(all="ignore"):
        rounds = np.arange(view.size) // len(values)
        values = (np.resize(np.array(values), view.size) + step * rounds).reshape(view.shape)
        if view.dtype.kind in "iu":
            values = np.nan_to_num(values, nan=3.0, posinf=100.0, neginf=-100.0).clip(-100, 100).astype(np.int64)
        if view.dtype.kind == "c" and view.ndim:
            values = values + 1j * values[..., ::-1]
        view[...] = values.astype(view.dtype)


@st.composite
def arrays(draw, dtypes=tuple(FLOATS), shape=None, values=None, distinct=False):
    """An array and its buffer, which is a little larger."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(shapes()) if shape is None else shape
    strides = draw(strides_of(shape, dtype.itemsize, distinct))
    low, high = reach(shape, strides)
    offset = draw(st.sampled_from([16, 16, 17]))
    watched = Watched(offset + low + high + dtype.itemsize + 16)
    if dtype.hasobject:
        watched.bytes[:] = 0  # so that every element is None
    a = np.ndarray(shape, dtype, watched.bytes, offset + low, strides)
    if dtype.kind in "fciub" or dtype == bfloat16:
        step = draw(st.sampled_from([0, 0.25])) if values is None else 0
        fill(a, draw(st.lists(numbers() if values is None else values, min_size=1, max_size=16)), step)
    if not distinct and draw(st.integers(0, 3)) == 3:
        a.flags.writeable = False
    return a, watched


@st.composite
def overlapping(draw, source, dtypes, shape):
    """An array in the memory of another, from its first element or anywhere; None if that does not fit."""
    dtype = np.dtype(draw(st.sampled_from([t for t in dtypes if not np.dtype(t).hasobject])))
    strides = draw(strides_of(shape, dtype.itemsize, distinct=True))
    low, high = reach(shape, strides)
    room = source[1].bytes.size - high - dtype.itemsize
    if room < low:
        return None
    first = place(*source) if draw(st.booleans()) else draw(st.integers(low, room))
    return (np.ndarray(shape, dtype, source[1].bytes, first, strides), source[1]) if low <= first <= room else None


@st.composite
def beside(draw, shape):
    """A shape that broadcasts to another, or occasionally any."""
    if draw(st.integers(0, 19)) == 0:
        return draw(shapes())
    start = draw(st.integers(0, len(shape))) if len(shape) < 8 else 0
    return tuple(1 if draw(st.integers(0, 5)) == 0 else n for n in shape[start:])


def axes(ndim):
    inside = st.integers(-ndim, ndim - 1) if ndim else st.sampled_from([0, -1])
    several = st.lists(inside, max_size=3).map(tuple) if ndim else st.just(())
    return st.one_of(st.none(), inside, several, inside.map(np.int8), st.integers(-70, 70))


# Objects ----------------------------------------------------------------------------------------------------


class Number(enum.IntEnum):
    ONE = 1


class Odd:
    """Implements some of the protocols that NumPy and lse use."""

    def __init__(self, **answers):
        self.answers = answers

    def __repr__(self):
        return f"Odd(**{self.answers})"

    def __getattr__(self, name):
        if name in self.__dict__.get("answers", ()):
            return self.answers[name]
        raise AttributeError(name)


class WithArray:
    def __init__(self, result):
        self.result = result

    def __array__(self, dtype=None, copy=None):
        return self.result


class WithIndex:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


class Subclass(np.ndarray):
    """A subclass whose parts are base-class arrays."""

    def __getitem__(self, index):
        return np.asarray(self)[index]


def endless():
    a = [1.0]
    a.append(a)
    return a


FIXED = [
    None, True, False, ..., NotImplemented, object, int, len, b"", "", "abc", "1.5", b"\0", {}, {"a": 1.0}, set(),
    frozenset([1]), range(3), slice(3), [], [[]], [[], [1.0]], (), [None], ["x", 1.0], [1, [2, 3]], endless(),
    10**400, -(10**30), [10**30, 1], 2**63, [2**64 - 1], -(2**63), decimal.Decimal("1.5"), [decimal.Decimal(1)],
    fractions.Fraction(1, 3), Number.ONE, datetime.date(2000, 1, 1), datetime.timedelta(1), 1j, [1j, 2],
    complex("nan+infj"), memoryview(b"abcd"), bytearray(b"ab"), array.array("d", [1.0, 2.0]), array.array("f"),
    np.float16(1), np.longdouble(2), np.clongdouble(1), np.bool_(True), np.datetime64("2000"), np.timedelta64(3,
    "s"), np.str_("x"), np.bytes_(b"x"), np.void(b"ab"), np.dtype("f8"), np.float64, np.array(None), np.array([None,
    1.0]), np.array("x"), np.zeros(2, "i4,f4"), np.zeros((), "V2"), np.ones((2, 3), "V2"), np.ma.array([1.0, 2.0],
    mask=[0, 1]), np.ma.masked, np.zeros((2, 2)).view(Subclass), np.zeros(3).view(np.recarray), Odd(),
    Odd(__array_interface__={}), Odd(__array_interface__=3), Odd(__array_struct__=0), Odd(__len__=3),
    WithArray(np.arange(3.0)), WithArray(3), WithArray(np.array("x")), WithIndex(1), WithIndex(2**70),
    WithIndex("x"), np.nan, np.inf, -np.inf, "float64", "f4", "O", "V2", "g", ">f4", "i8", "nonsense", np.float32,
    complex, bool,
]  # fmt: skip


def objects():
    """Any Python object."""
    leaves = st.one_of(st.sampled_from(FIXED), st.integers(), st.floats(), st.complex_numbers(), st.text(max_size=3))
    nested = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner), max_leaves=6)
    of_any_dtype = arrays([*NO_NUMBERS, *COMPLEX, *FLOATS]).map(lambda pair: pair[0])
    return nested | of_any_dtype | st.builds(iter, nested.map(as_list))


def as_list(thing):
    return thing if isinstance(thing, list) else [thing]
