"""The calls of guard_pages.py: every function, for all types and layouts, with lengths around those of the engine."""

import ctypes
import itertools

import numpy as np

import lse
from lse import _core

EVERY_PLACE = [(at_end, offset) for offset in range(64) for at_end in (False, True)]
SOME_PLACES = [(at_end, offset) for offset in (0, 1, 2, 4, 8, 20, 32, 63) for at_end in (False, True)]
FLUSH = EVERY_PLACE[:2]
SHORT = [1, 3, 8, 17]
LENGTHS = [*range(35), 63, 64, 65, 127, 128, 129]  # around vectors, lanes and panels
LONGER = [255, 257, 511, 512, 513, 1023, 1025, 2047, 2049, 4095, 4096, 4097]  # around blocks and chunks
LONGEST = [65536, 65537]  # around pieces, and with threads
REALS = [np.dtype(np.float32), np.dtype(np.float64)]
INTEGERS = "?bBhHiIlL"
OTHERS = [np.dtype(code) for code in ("e", ">e", ">f", ">d", *INTEGERS, ">h", ">I", ">l", "g", "F", "D")]
try:
    from ml_dtypes import bfloat16
except ImportError:
    pass
else:
    OTHERS.append(np.dtype(bfloat16))

# by their array arguments: a, weights b, mask w, output o, offsets s
CALLS = {
    "logsumexp a": lse.logsumexp,
    "logsumexp ab": lambda a, axis, b: lse.logsumexp(a, axis, b, return_sign=True),
    "logsumexp aw": lambda a, axis, w: lse.logsumexp(a, axis, where=w, keepdims=True),
    "logsumexp abw": lambda a, axis, b, w: lse.logsumexp(a, axis, b, where=w, return_sign=True),
    "logsumexp abwo": lambda a, axis, b, w, o: lse.logsumexp(a, axis, b, where=w, out=o),
    "logmeanexp ab": lambda a, axis, b: lse.logmeanexp(a, axis, np.abs(b)),
    "logmeanexp awo": lambda a, axis, w, o: lse.logmeanexp(a, axis, where=w, out=o),
    "softmax a": lse.softmax,
    "softmax awo": lambda a, axis, w, o: lse.softmax(a, axis, where=w, out=o),
    "log_softmax a": lse.log_softmax,
    "log_softmax ao": lambda a, axis, o: lse.log_softmax(a, axis, out=o),
    "logcumsumexp a": lse.logcumsumexp,
    "logcumsumexp ao": lambda a, axis, o: lse.logcumsumexp(a, axis, reverse=True, out=o),
    "segment_logsumexp as": lambda a, axis, s: lse.segment_logsumexp(a, s, axis),
    "segment_logsumexp aso": lambda a, axis, s, o: lse.segment_logsumexp(a, s, axis, out=o),
    "segment_logsumexp asbw": lambda a, axis, s, b, w: lse.segment_logsumexp(a, s, axis, b, True, where=w)[0],
    "segment_softmax as": lambda a, axis, s: lse.segment_softmax(a, s, axis),
    "segment_log_softmax asw": lambda a, axis, s, w: lse.segment_log_softmax(a, s, axis, where=w),
    "scatter_logsumexp ai": lambda a, axis, i: lse.scatter_logsumexp(a, i, axis, 7),
    "scatter_logsumexp aibw": lambda a, axis, i, b, w: lse.scatter_logsumexp(a, i, axis, 7, b, where=w),
    "scatter_softmax ai": lambda a, axis, i: lse.scatter_softmax(a, i, axis),
    "LogSumExp a": lambda a, axis: accumulated(lse.LogSumExp.of(a, axis)),
    "LogSumExp ab": lambda a, axis, b: accumulated(lse.LogSumExp.of(a, axis, b).update(a, axis=axis)),
    "LogSumExp aw": lambda a, axis, w: accumulated(lse.LogSumExp.of(a, axis, where=w)),
    "LogSumExp abw": lambda a, axis, b, w: accumulated(lse.LogSumExp.of(a, axis, b, where=w).update(a, axis, where=w)),
}
IN_PLACE = {
    "softmax in place a": lambda a, axis: lse.softmax(a, axis, out=a),
    "log_softmax in place a": lambda a, axis: lse.log_softmax(a, axis, out=a),
    "logcumsumexp in place a": lambda a, axis: lse.logcumsumexp(a, axis, out=a),
}
NOT_COMPLEX = {name for name in CALLS if name.startswith("LogSumExp")}


def accumulated(total):
    return total.log_abs, total.sign, np.asarray(total.count)


# Arrays -----------------------------------------------------------------------------------------------------


def numbers(rng, shape, dtype, scale=10):
    """Numbers of a type, including a few infinities if it has them."""
    x = rng.standard_normal(shape) * scale
    if dtype.kind in "biu":
        return (np.abs(x) if dtype.kind != "i" else x).astype(dtype)
    x[rng.random(shape) < 0.05] = -np.inf
    x = x.astype(dtype)
    return x + 1j * rng.random(shape).astype(dtype) if dtype.kind == "c" else x


def lay(a, gap=0, pad=0, sign=1, order="C"):
    """The same values with gaps of so many bytes between elements and more between rows, forwards or backwards."""
    strides, step = {}, a.itemsize + gap
    for axis in range(a.ndim) if order == "F" else reversed(range(a.ndim)):
        strides[axis] = sign * step
        step = step * a.shape[axis] + pad
    first = sum(abs(strides[axis]) * (a.shape[axis] - 1) for axis in strides) if sign < 0 and a.size else 0
    view = np.ndarray(a.shape, a.dtype, np.zeros(step + 1, np.uint8), first, [strides[axis] for axis in range(a.ndim)])
    view[...] = a
    return view


def repeated(a):
    """The first row of an array repeated; for a row, the first element."""
    return np.lib.stride_tricks.as_strided(a.copy(), a.shape, (0, *a.strides[1:]))


def beside(letters, rng, a, axis, function):
    """The other arguments of a call."""
    real = a.dtype if a.dtype.kind in "fcV" else np.dtype(float)
    for letter in letters:
        if letter == "b":
            yield rng.choice([-1.5, 0.0, 0.25, 2.0], a.shape).astype(real)
        elif letter == "w":
            yield rng.random(a.shape) < 0.8
        elif letter == "s":
            yield np.sort(np.append(rng.integers(0, a.shape[axis] + 1, 5), [0, a.shape[axis]]))
        elif letter == "i":
            yield rng.integers(0, 7, a.shape[axis])
        else:
            yield np.zeros_like(outcome(function, letters, rng, a, axis))


def outcome(function, letters, rng, a, axis):
    """An array like the output."""
    if "softmax" in function or "cumsum" in function:
        return lse.softmax(a, axis)
    if "segment" in function:
        return lse.segment_logsumexp(a, [0] * 7, axis)
    return np.asarray(lse.logsumexp(a, axis))


def of(rng, names, a, axis, places, **layout):
    """Cases of these functions, with all arrays in this layout."""
    for name in names:
        function, letters = (CALLS | IN_PLACE)[name], name.split()[-1][1:]
        if a.dtype.char in "FDg" and "LogSumExp" in name:
            continue
        if a.dtype.char == "g" and "o" in letters:
            continue  # the padding of longdouble is arbitrary
        arrays = [lay(x, **layout) for x in (a, *beside(letters, rng, a, axis, name))]
        call = lambda given, function=function: function(given[0], axis, *given[1:])  # noqa: E731
        title = f"{name}, {a.dtype} {a.shape}, axis {axis} {layout or ''}"
        yield title, call, arrays, places, "o" in letters or "place" in name


# Parts ------------------------------------------------------------------------------------------------------


def rows():
    """One row, of all lengths."""
    rng = np.random.default_rng(1)
    for dtype in REALS:
        for n in [*LENGTHS, *LONGER, *LONGEST]:
            places = EVERY_PLACE if n in SHORT else SOME_PLACES[:6] if n < 200 else FLUSH
            yield from of(rng, [*CALLS, *IN_PLACE], numbers(rng, n, dtype), 0, places)


def second_looks():
    """Rows that need recomputation: numbers out of range, infinities and NaN, sums that cancel."""
    rng = np.random.default_rng(2)
    for dtype, n in itertools.product(REALS, (1, 2, 7, 8, 9, 16, 31, 33, 65, 513, 4097)):
        for scale in (1e20, 1e30):
            yield from of(rng, [*CALLS, *IN_PLACE], numbers(rng, n, dtype, scale), 0, SOME_PLACES[:6])
        for special in ([np.nan], [np.inf], [np.inf, np.nan], [-np.inf]):
            a = np.resize(np.asarray(special, dtype), n)
            yield from of(rng, CALLS, a, 0, SOME_PLACES[:4])
        a, b = np.zeros(n, dtype), np.resize(np.asarray([1, -1], dtype), n)
        call = lambda given: lse.logsumexp(given[0], b=given[1], return_sign=True)  # noqa: E731
        yield f"cancelling, {dtype} {n}", call, [a, b], SOME_PLACES, False


LAYOUTS = [
    {},
    {"order": "F"},
    {"sign": -1},
    {"gap": 8},
    {"gap": 3},
    {"pad": 16},
    {"pad": 8, "order": "F", "sign": -1},
    {"gap": 8, "pad": 5, "sign": -1},
]


def layouts():
    """Rows and columns, in both orders, with gaps, reversed, unaligned, repeated."""
    rng = np.random.default_rng(3)
    shapes = [(1, 9), (2, 1), (3, 16), (8, 17), (9, 33), (33, 3), (5, 64), (65, 2), (4, 129), (3, 4, 5), (9, 2, 33)]
    shapes += [(17, 300), (300, 17), (4097, 3)]  # not short; with and without stored softmax terms
    for dtype, shape in itertools.product(REALS, shapes):
        a = numbers(rng, shape, dtype)
        for layout, axis in itertools.product(LAYOUTS, (0, len(shape) - 1)):
            yield from of(rng, [*CALLS, *IN_PLACE], a, axis, SOME_PLACES[:3], **layout)
        for axis, name in itertools.product((0, len(shape) - 1), CALLS):
            if name.endswith(" a"):
                call = lambda given, name=name, axis=axis: CALLS[name](given[0], axis)  # noqa: E731
                yield f"{name}, {dtype} {shape}, axis {axis}, repeated", call, [repeated(a)], SOME_PLACES[:4], False
    names = [name for name in CALLS if name.startswith(("logsumexp a", "softmax a"))]
    for dtype, shape in itertools.product(REALS, [(33, 700), (9, 7, 301), (3, 100_001), (17, 3, 30_001)]):
        yield from of(rng, names, numbers(rng, shape, dtype), None, FLUSH, order="F")


def dtypes():
    """Input and output that need conversion."""
    rng = np.random.default_rng(4)
    for dtype in OTHERS:
        for n in (1, 3, 8, 17, 513):
            yield from of(rng, CALLS, numbers(rng, n, dtype, 3), 0, SOME_PLACES[:4])
        for layout, axis in itertools.product(LAYOUTS, (0, 1)):
            yield from of(rng, CALLS, numbers(rng, (5, 17), dtype, 3), axis, FLUSH, **layout)


# The functions of lse.h -------------------------------------------------------------------------------------

MEMBERS = ["error_message", "kernels_in_use"]
for stem in ("logsumexp", "strided", "weighted", "rows", "softmax", "log_softmax"):
    MEMBERS += [f"{stem}_f64", f"{stem}_f32"]
MEMBERS += ["init", "update_f64", "update_f32", "merge", "finish"]


class Api(ctypes.Structure):
    """lse_api of lse.h."""

    _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), *((name, ctypes.c_void_p) for name in MEMBERS)]


def api():
    """Functions of the table, which take arrays and numbers, and raise for error codes."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = Api.from_address(pointer(_core._C_API, b"lse._core._C_API"))

    def word(x):
        return ctypes.c_void_p(x.ctypes.data) if isinstance(x, np.ndarray) else ctypes.c_ssize_t(x)

    def bound(name):
        def call(*arguments):
            words = list(map(word, arguments))
            error = ctypes.CFUNCTYPE(ctypes.c_int, *map(type, words))(getattr(table, name))(*words)
            assert error == 0, (name, error)

        return call

    return {name: bound(name) for name in MEMBERS[2:]}


def c_interface():
    """Input, output and state in separate pages; aligned, as C requires."""
    rng, c = np.random.default_rng(5), api()
    places = [(at_end, offset) for offset in (0, 8, 24) for at_end in (False, True)]
    for dtype, n in itertools.product(REALS, [*LENGTHS[1:], *LONGER, 65537]):
        for name, function, arrays in of_c(c, f"f{8 * dtype.itemsize}", numbers(rng, n, dtype), rng):
            yield f"{name} from C, {dtype} {n}", function, arrays, places if n < 70 else FLUSH, True


def of_c(c, suffix, a, rng):
    n, one, few, square = a.size, np.zeros(1, a.dtype), np.zeros(3, a.dtype), numbers(rng, (3, a.size), a.dtype)

    def weighted(given):
        x, b, value, sign = given
        c[f"weighted_{suffix}"](x, 1, b[::-1], -1, n, value, sign)

    def streamed(given):
        x, b, state, found = given
        c["init"](state)
        c[f"update_{suffix}"](state, x, 1, b, 1, n)
        c[f"update_{suffix}"](state, x[::-1], -1, 0, 0, n)
        c["merge"](state, state)
        c["finish"](state, found[:1], found[1:])

    yield "a row", lambda given: c[f"logsumexp_{suffix}"](given[0], n, given[1]), [a, one]
    yield "backwards", lambda given: c[f"strided_{suffix}"](given[0][::-1], -1, n, given[1]), [a, one]
    yield "weights", weighted, [a, np.resize(np.asarray([2, -1, 0], a.dtype), n), one, one]
    yield "rows", lambda given: c[f"rows_{suffix}"](given[0], n, 1, 3, n, given[1], 0), [square, few]
    yield "columns", lambda given: c[f"rows_{suffix}"](given[0], 1, n, n, 3, given[1], 0), [square, np.zeros_like(a)]
    for name in ("softmax", "log_softmax"):
        mapped = lambda given, f=c[f"{name}_{suffix}"]: f(given[0], n, 1, 3, n, given[1], n, 1, 0)  # noqa: E731
        yield name, mapped, [square, np.zeros_like(square)]
    yield "a state", streamed, [a, np.ones_like(a), np.zeros(96, np.uint8), np.zeros(2)]
