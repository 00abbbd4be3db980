"""Calls with arbitrary objects as arguments, and long sequences of operations on accumulators."""

import contextlib
import io
import math
import operator
import pickle

import numpy as np
from hypothesis import strategies as st

import lse
from fuzzing import inputs, reference
from fuzzing.calls import DOCUMENTED, outcome, told, watched_call
from lse.__main__ import main

FUNCTIONS = {
    lse.logsumexp: ["a", "axis", "b", "keepdims", "return_sign", "where", "out", "dtype"],
    lse.logmeanexp: ["a", "axis", "b", "keepdims", "where", "out", "dtype"],
    lse.softmax: ["x", "axis", "where", "out", "dtype", "empty"],
    lse.log_softmax: ["x", "axis", "where", "out", "dtype"],
    lse.logcumsumexp: ["a", "axis", "reverse", "out", "dtype"],
    lse.segment_logsumexp: ["a", "indptr", "axis", "b", "return_sign", "where", "out", "dtype"],
    lse.segment_softmax: ["x", "indptr", "axis", "where", "out", "dtype"],
    lse.LogSumExp.of: ["a", "axis", "b", "where", "dtype"],
    lse.LogSumExp: ["shape", "dtype"],
    lse.LogSumExp().update: ["a", "axis", "b", "where"],
    lse.LogSumExp().merge: ["other"],
    lse.LogSumExp().__setstate__: ["state"],
}
DEFAULTS = {"indptr": np.array([0, 1]), "axis": 0, "state": None, "other": lse.LogSumExp(), "shape": (2,)}


def anything(data):
    """Any result is accepted, but only documented exceptions."""
    function = data.draw(st.sampled_from(list(FUNCTIONS)))
    names = FUNCTIONS[function]
    usual = data.draw(inputs.arrays())
    arguments = {name: DEFAULTS[name] for name in names if name in DEFAULTS}
    arguments |= {name: usual[0] for name in names[:1] if name in "ax"}
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)):
        arguments[name] = data.draw(inputs.objects())
    if is_large(arguments.get("shape")):
        return
    usual[1].remember()
    result = outcome(function, **arguments)
    if isinstance(result, Exception) or arguments.get("out") is None:
        assert not usual[1].changed().size
    if isinstance(result, Exception):
        return
    assert isinstance(result, np.ndarray | np.generic | tuple | lse.LogSumExp | None)


def is_large(shape):
    """Whether a state of this shape could be allocated, and would be large."""
    try:
        lengths = shape if hasattr(shape, "__iter__") else [shape]
        return math.prod(max(0, operator.index(n)) for n in lengths) > 1 << 16
    except (TypeError, ValueError, OverflowError):
        return False


# Accumulators -----------------------------------------------------------------------------------------------


def lives(data):
    """Updating, merging, pickling and copying; at the end the value is that of all terms."""
    shape = data.draw(st.sampled_from([(), (), (3,), (2, 1), (0,), (70,)]))
    dtype = data.draw(st.sampled_from(["f4", "f8"]))
    totals, seen = [lse.LogSumExp(shape, dtype), lse.LogSumExp(shape, "f8")], [[], []]
    for _ in range(data.draw(st.integers(1, 5))):
        i, step = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 7))
        if step == 0:
            assert totals[i].merge(totals[1 - i]) is totals[i]
            seen[i] = seen[i] + seen[1 - i]
        elif step == 1:
            totals[i] = pickle.loads(pickle.dumps(totals[i]))
        elif step == 2:
            nothing = lse.LogSumExp(shape, totals[i].dtype)
            totals[i] = totals[i].copy() if data.draw(st.booleans()) else totals[i] + nothing
        elif step == 3:
            totals[i].reset()
            seen[i] = []
        else:
            fold(data, totals[i], seen[i])
    for total, terms in zip(totals, seen, strict=True):
        check_total(total, terms, shape)


def fold(data, total, terms):
    """One valid or invalid update; its terms are recorded."""
    n = data.draw(st.sampled_from([0, 1, 2, 3, 9, 40]))
    a = data.draw(inputs.arrays(["f8", "f4", "f2", ">f8", "i8"], shape=(*total.shape, n)))
    b = data.draw(st.none() | inputs.arrays(["f8", "f4", "i1"], shape=(n,), values=st.sampled_from([0.0, 1.0, 2.5])))
    mask = data.draw(st.none() | inputs.arrays(["?"], shape=(n,)))
    axis = data.draw(st.sampled_from([-1, -1, -1, len(total.shape), None, 0, (0, -1), 7]))
    state, weights, where = pickle.dumps(total), None if b is None else b[0], True if mask is None else mask[0]
    arrays = [x for x in (a, b, mask) if x is not None]
    result = watched_call(total.update, arrays, None, a[0], axis, weights, where=where)
    if isinstance(result, Exception):
        assert pickle.dumps(total) == state
        return
    single = total.dtype == np.float32 and a[0].dtype == np.float32 and (b is None or weights.itemsize <= 4)
    axes = range(a[0].ndim) if axis is None else [axis % a[0].ndim]
    where = np.broadcast_to(where, a[0].shape)
    all_weights = np.where(where, 1.0 if b is None else weights, 0.0)
    eps = np.finfo(np.float32 if single else np.float64).eps
    elements = by_rows(where, axes).sum(axis=-1)
    terms.append((*(by_rows(reference.wide(x, single), axes) for x in (a[0], all_weights)), eps, elements))


def by_rows(x, axes):
    """Move all reduced axes to the last axis."""
    kept = [i for i in range(x.ndim) if i not in axes]
    size = math.prod(x.shape[i] for i in axes)
    return x.transpose(*kept, *axes).reshape(*(x.shape[i] for i in kept), size)


def check_total(total, terms, shape):
    value, sign = total.value, total.sign
    assert np.shape(value) == np.shape(total.log_abs) == np.shape(sign) == total.shape == shape
    assert value.dtype == total.dtype
    assert np.all(total.count == sum((elements for *_, elements in terms), np.zeros(shape, int)))
    x = np.concatenate([np.empty((*shape, 0), np.longdouble), *(x for x, *_ in terms)], axis=-1)
    w = np.concatenate([np.empty((*shape, 0), np.longdouble), *(w for _, w, *_ in terms)], axis=-1)
    eps = max([np.finfo(total.dtype).eps, *(eps for _, _, eps, _ in terms)])  # merged accumulators may be less precise
    with np.errstate(all="ignore"):
        x = np.where(w > 0, x + np.log(w), -np.inf)
        top = np.max(x, axis=-1, keepdims=True, initial=-np.inf)
        shift = np.where(np.isfinite(top), top, 0)
        want = (shift + np.log(np.sum(np.exp(x - shift), axis=-1, keepdims=True)))[..., 0]
        got, bound = np.asarray(value).astype(np.longdouble), 64 * eps * (1 + np.abs(want))
        far = (np.abs(want) > np.finfo(total.dtype).max) & np.isinf(got)
        good = (np.abs(got - want) <= bound) | (got == want) | (np.isnan(got) & np.isnan(want)) | far
    assert np.all(good), (value, want, terms)


# Threads and the command line -------------------------------------------------------------------------------


def threads(data):
    """A number of threads is accepted or refused, with no other effect."""
    n = data.draw(st.sampled_from([1, 2, 65536, 65537, 0, -1]) | inputs.objects())
    before = lse.get_num_threads()
    try:
        with lse.num_threads(n):
            assert n is None or lse.get_num_threads() == n.__index__()
        assert lse.get_num_threads() == before
        lse.set_num_threads(n)
        assert n is None or lse.get_num_threads() == n.__index__()
    except DOCUMENTED as error:
        told(error)
    finally:
        lse.set_num_threads(None)
    assert lse.get_num_threads() == before


WORDS = [
    "1", "-1e3", "nan", "-inf", "1_0", "--softmax", "--log-softmax", "--axis", "0", "1,0", "-1", "--keepdims",
    "--dtype", "float32", "float64", "f4", "--", "--ax", "--nonsense", "", " ", "\0", "no.npy", "x" * 5000,
    "1e400", "\ud800", "0x1", "1,2", "1 2", "--axis=9", "--axis=0,0", "--axis=99999999999999999999",
    "--dtype=float32", "--info", "\u0661",
]  # fmt: skip


def command_line(data):
    """Status 0 and numbers, or 2 and one line."""
    words = data.draw(st.lists(st.sampled_from(WORDS) | st.floats().map(repr), max_size=5))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as leaving:
            status = leaving.code
    assert status in (0, 2), words
    if status == 2:
        assert err.getvalue().count("\n") == 1, (words, err.getvalue())
        assert "error: " in err.getvalue()
    elif "--info" not in words:
        assert not err.getvalue()
        assert all(math.isfinite(x) or x for x in map(float, out.getvalue().split()))
