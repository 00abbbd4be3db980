"""Valid and wrong calls of every function, for repetition: see holdings.py."""

import copy
import functools
import operator
import pickle
import sys
import threading

import numpy as np

import lse
from guarded_calls import api

RNG = np.random.default_rng(0)
ROW, TABLE = RNG.standard_normal(50), RNG.standard_normal((6, 9))
WEIGHTS, MASK, OFFSETS = RNG.standard_normal((6, 9)), RNG.random((6, 9)) < 0.7, np.array([0, 2, 2, 9])
LONG = RNG.standard_normal(70_000)
DTYPES = ["e", "f", "d", "?", "b", "H", "i", "L", ">f", ">d", ">i"]
OF_UFUNCS = ["g", "F", "D", "G"]  # computed by functions of NumPy, and so slower
SUMMED = [lse.logsumexp, lse.logmeanexp]
MAPPED = [lse.softmax, lse.log_softmax]


def refused(error, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except error:
        return
    raise AssertionError("not refused")


class Exporter:
    """An array with only DLPack; optionally on another device, or with an export that fails."""

    def __init__(self, array, device=1, fails=False):
        self.array, self.device, self.fails = array, device, fails

    def __dlpack_device__(self):
        return self.device, 0

    def __dlpack__(self, **options):
        if self.fails:
            raise KeyError("no export")
        return self.array.__dlpack__(**options)


class Unreadable:
    def __array__(self, dtype=None, copy=None):
        raise KeyError("no array")


def numbers():
    """Valid calls of functions of arrays."""
    for f in (*SUMMED, *MAPPED, lse.logcumsumexp):
        name = f.__name__
        yield f"{name} of a list", f, ([0.0, 1.0, 2.0],)
        yield f"{name} of a scalar", f, (1.0,)
        yield f"{name} of nothing", f, (np.zeros((0, 3)), 0)
        yield f"{name} of columns", f, (TABLE, 0)
        yield f"{name} of a row without the GIL", f, (LONG[:5000],)
        for code in DTYPES:
            yield f"{name} of {code}", f, (TABLE.astype(code), 1)
        for code, of_output in ("dd", "ff", "ed"):  # written directly, and cast
            yield f"{name} of {code} to an output", to_output, (f, TABLE.astype(code), np.zeros((6, 9), of_output))
        yield f"{name} in another dtype", lambda a, f=f: f(a, -1, dtype=np.float32), (TABLE,)
        yield f"{name} by DLPack", lambda a, f=f: f(Exporter(a), -1), (TABLE,)
    for f in (*SUMMED, *MAPPED):
        yield f"{f.__name__} of a part", lambda a, w, f=f: f(a, 1, where=w), (TABLE, MASK)
        yield f"{f.__name__} of two axes", lambda a, f=f: f(a, (0, 1)), (TABLE,)
    for f in SUMMED:
        for code in "efd":
            yield f"{f.__name__} with weights of {code}", f, (TABLE, 1, WEIGHTS.astype(code), True)
        yield f"{f.__name__} with a number for a weight", f, (TABLE, 1, 2)
    yield "a signed sum", lambda a, b: lse.logsumexp(a, 1, b, return_sign=True), (TABLE, WEIGHTS)
    yield "a sum that cancels", lambda a, b: lse.logsumexp(a, b=b), (np.zeros(50), np.resize([1.0, -1.0], 50))
    yield "subnormal weights", lambda a, b: lse.logsumexp(a, b=b), (ROW, np.full(50, 5e-324))
    yield "weights that cancel", lambda a, b: lse.logsumexp(a, b=b), (np.zeros(50), np.resize([1.0, -1.0], 50))
    yield "far numbers", lse.logsumexp, (ROW * 1e30,)
    yield "a large shape", lse.logsumexp, (np.zeros((1,) * 60), 3)
    for code in ("d", "f", "e", ">d"):
        yield f"segments of {code}", lambda a, s: lse.segment_logsumexp(a, s), (TABLE.astype(code), OFFSETS)
        yield f"groups of {code}", lambda a, i: lse.scatter_logsumexp(a, i, b=WEIGHTS, where=MASK), (
            TABLE.astype(code), np.array([2, 0, 1, 0, 2, 2, 0, 1, 5]),
        )  # fmt: skip
        yield f"softmax of groups of {code}", lambda a, i: lse.scatter_softmax(a, i, 0), (
            TABLE.astype(code), np.array([2, 0, 1, 0, 2, 2]),
        )  # fmt: skip
        yield f"softmax of segments of {code}", lambda a, s: lse.segment_softmax(a, s, where=MASK), (
            TABLE.astype(code), OFFSETS,
        )  # fmt: skip
    yield "a wrong label", refused, (ValueError, lse.scatter_logsumexp, TABLE, [0] * 8 + [9], -1, 5)
    yield "sums that labels name", lambda t, a: t.update_at([1, 0, 1, 1, 0, 1], a), (lse.LogSumExp((2, 9)), TABLE)
    yield (
        "segments to an output",
        lambda a, s, o: lse.segment_logsumexp(a, s, 1, out=o),
        (TABLE, OFFSETS, np.zeros((6, 3))),
    )


def complex_and_longdouble():
    """The same for dtypes computed by NumPy functions."""
    for code in OF_UFUNCS:
        for f in (*SUMMED, *MAPPED, lse.logcumsumexp):
            yield f"{f.__name__} of {code}", f, (TABLE.astype(code), 1)
            yield f"{f.__name__} of {code} to an output", to_output, (f, TABLE.astype(code), np.zeros((6, 9), "D"))
        for f in SUMMED:
            yield f"{f.__name__} with weights of {code}", f, (TABLE, 1, WEIGHTS.astype(code), True)
        yield f"segments of {code}", lambda a, s: lse.segment_logsumexp(a, s), (TABLE.astype(code), OFFSETS)


def to_output(f, a, out):
    if f in SUMMED:
        return f(a, 0, out=out[0])
    return f(a, 0, out=out)


def wrong_options(f):
    """Keyword arguments that a function of TABLE refuses, and how."""
    read_only = np.broadcast_to(0.0, (9,) if f in SUMMED else (6, 9))
    integers = np.zeros(read_only.shape, int)
    yield np.exceptions.AxisError, {"axis": 2}
    yield TypeError, {"axis": "x"}
    yield ValueError, {"axis": 2**80}
    yield TypeError, {"dtype": "nonsense"}
    yield TypeError, {"dtype": int}
    yield ValueError, {"axis": 0, "out": np.zeros(3)}
    yield TypeError, {"axis": 0, "out": [0.0]}
    yield TypeError, {"axis": 0, "out": integers}
    yield ValueError, {"axis": 0, "out": read_only}
    if f is not lse.logcumsumexp:
        yield ValueError, {"axis": (0, 0)}
        yield ValueError, {"where": MASK[:4]}
        yield TypeError, {"where": WEIGHTS}
    if f in SUMMED:
        yield ValueError, {"b": WEIGHTS[:4]}
        yield ValueError, {"b": 10**400}
        yield TypeError, {"b": np.ma.masked_less(WEIGHTS, 0)}
        yield TypeError, {"b": "x"}
        yield KeyError, {"b": Unreadable()}


NO_ARRAYS = [
    (TypeError, ["x"]),
    (TypeError, [object()]),
    (TypeError, np.ma.masked_less(TABLE, 0)),
    (ValueError, [[1.0], [1.0, 2.0]]),
    (TypeError, np.zeros(3, "M8[s]")),
    (TypeError, np.zeros(3, "V2")),
    (TypeError, Exporter(ROW, device=2)),
    (KeyError, Exporter(ROW, fails=True)),
    (KeyError, Unreadable()),
]


def errors():
    """Wrong calls."""
    for f in (*SUMMED, *MAPPED, lse.logcumsumexp):
        for error, options in wrong_options(f):
            yield f"{f.__name__}, {options}", functools.partial(refused, error, f, **options), (TABLE,)
        for error, a in NO_ARRAYS:
            yield f"{f.__name__} of {a!r}", refused, (error, f, a)
    for offsets in ([], [3, 2], [0, 10], [-1], [0.5], [[0]], "x"):
        yield f"offsets {offsets}", refused, ((TypeError, ValueError), lse.segment_logsumexp, TABLE, offsets)


def accumulators():
    """Valid and wrong calls of LogSumExp."""
    for total, a, b, w in ((lse.LogSumExp(), ROW, ROW, ROW > 0), (lse.LogSumExp(9), TABLE, WEIGHTS, MASK)):
        update = functools.partial(total.update, axis=0)
        yield f"update {a.shape}", update, (a,)
        yield f"update {a.shape} with weights", functools.partial(update, b=b), (a,)
        yield f"update {a.shape} with a mask", functools.partial(update, where=w), (a,)
        yield f"update {a.shape} with all", functools.partial(update, b=b.tolist(), where=w.tolist()), (a,)
        yield f"update {a.shape} of float16", update, (a.astype("e"),)
        yield f"of {a.shape}", lse.LogSumExp.of, (a, 0)
        yield f"of {a.shape}, in float32", functools.partial(lse.LogSumExp.of, dtype="f"), (a, 0)
        yield f"values {a.shape}", lambda t: (t.value, t.log_abs, t.sign, t.count, t.nbytes, repr(t)), (total,)
        yield f"kind {a.shape}", lambda t: (t.shape, t.dtype), (total,)
        yield f"merge {a.shape}", lambda t: lse.LogSumExp(t.shape).merge(t), (total,)
        yield f"+ {a.shape}", operator.add, (total, total)
        yield f"pickle {a.shape}", lambda t: pickle.loads(pickle.dumps(t)), (total,)
        yield f"copies {a.shape}", lambda t: (t.copy(), copy.copy(t), copy.deepcopy(t), sys.getsizeof(t)), (total,)
        yield f"reset {a.shape}", lambda t: t.copy().reset(), (total,)
        yield f"update {a.shape} of another shape", refused, (ValueError, update, np.zeros((2, 3, 4)))
        yield f"update {a.shape} of complex numbers", refused, (TypeError, update, a.astype("D"))
        yield f"update {a.shape} of no array", refused, (KeyError, update, Unreadable())
        yield f"merge {a.shape} with a number", refused, (TypeError, total.merge, 3)
        yield f"merge {a.shape} with another shape", refused, (ValueError, total.merge, lse.LogSumExp(4))
        yield f"+ {a.shape} a number", refused, (TypeError, operator.add, total, 3)
        yield f"set state {a.shape}", total.copy().__setstate__, total.__reduce__()[2:]
    for arguments in ((-1,), ("x",), ((1,) * 64,), (2, int)):
        yield f"LogSumExp{arguments}", refused, ((TypeError, ValueError), lse.LogSumExp, *arguments)
    sums = np.zeros((3, 9))
    for state in ((), 3, (2, 1, sums, None), (1, -1, sums, None), (1, 1, sums[:2], None), (1, 1, None, None)):
        yield f"wrong state {state}", refused, ((TypeError, ValueError), lse.LogSumExp(9).__setstate__, state)


def c_interface():
    """The functions of lse.h."""
    c, value, state = api(), np.zeros(2), np.zeros(96, np.uint8)
    for suffix, code in (("f64", "d"), ("f32", "f")):
        x, out = TABLE.astype(code), np.zeros((6, 9), code)
        yield f"logsumexp_{suffix}", c[f"logsumexp_{suffix}"], (x, 54, out)
        yield f"weighted_{suffix}", c[f"weighted_{suffix}"], (x, 1, x, 1, 54, out, out[1])
        yield f"weighted_{suffix}, cancelling", c[f"weighted_{suffix}"], (x, 0, x[0, :2] - x[0, 1::-1], 1, 2, out, 0)
        yield f"rows_{suffix}", c[f"rows_{suffix}"], (x, 9, 1, 6, 9, out, 0)
        yield f"softmax_{suffix}", c[f"softmax_{suffix}"], (x, 9, 1, 6, 9, out, 9, 1, 0)
        yield f"update_{suffix}", lambda s, x, f=c[f"update_{suffix}"]: (c["init"](s), f(s, x, 1, 0, 0, 54)), (state, x)
        yield f"rows_{suffix}, wrong", refused, (AssertionError, c[f"rows_{suffix}"], x, 9, 1, -6, 9, out, 0)
    yield "merge, finish", lambda s, v: (c["merge"](s, s), c["finish"](s, v[:1], v[1:])), (state, value)


def one_thread():
    with lse.num_threads(1):
        return lse.get_num_threads()


def others():
    """Thread limits, and the information for compiled callers."""
    yield "number of threads", lse.get_num_threads, ()
    yield "limit of threads", lse.set_num_threads, (None,)
    yield "limit of the thread", one_thread, ()
    for n, error in ((0, ValueError), ("x", TypeError)):
        yield f"limit of threads, {n!r}", refused, (error, lse.set_num_threads, n)
        yield f"limit of the thread, {n!r}", refused, (error, lse.num_threads, n)
    yield "directory of headers", lse.get_include, ()


def in_a_thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    thread.join()


def slow():
    """Threads that start, reduce and end; a tenth of the calls."""
    for f in (*SUMMED, *MAPPED):
        yield f"{f.__name__} by threads", f, (LONG,)
        yield f"{f.__name__} in a thread of its own", in_a_thread, (f, ROW)
        yield f"{f.__name__} in a thread that has threads", in_a_thread, (f, LONG)
    yield "an error in a thread", in_a_thread, (refused, ValueError, lse.LogSumExp(2).merge, lse.LogSumExp(3))


def dask_arrays():
    """Reductions and maps of chunks; a hundredth of the calls."""
    import dask
    import dask.array as da

    import lse.dask

    dask.config.set(scheduler="synchronous")
    a = da.from_array(TABLE, chunks=(3, 4))
    for name in ("logsumexp", "logmeanexp", "softmax", "log_softmax"):
        function = getattr(lse.dask, name)
        yield f"{name} of chunks", lambda a, f=function: f(a, axis=1).compute(), (a,)
        yield f"{name} of chunks, wrong", refused, (ValueError, function, a, 5)


def compiled_by_numba():
    """The functions in nopython mode, without errors: Numba keeps the arguments of calls that raise."""
    import numba

    import lse.numba

    @numba.njit
    def row(a):
        return lse.logsumexp(a)

    @numba.njit
    def weighted(a, b):
        return lse.logsumexp(a, b=b)

    yield "a row", row, (ROW,)
    yield "a row backwards", row, (ROW[::-1],)
    yield "with weights", weighted, (ROW, ROW)
    yield "an address", lse.numba.address, ("logsumexp_f64",)
    yield "an address of nothing", refused, (ValueError, lse.numba.address, "nothing")


# and the factors by which fewer calls are made
PARTS = {numbers: 1, complex_and_longdouble: 10, errors: 1, accumulators: 1, c_interface: 1, others: 1, slow: 10}
OPTIONAL = {dask_arrays: ("dask", 100), compiled_by_numba: ("numba", 1)}


if __name__ == "__main__":  # once each, for tools that watch the process
    cases = [case for part in PARTS for case in part()]
    for _, function, arguments in cases:
        function(*arguments)
    print(f"{len(cases)} calls")
