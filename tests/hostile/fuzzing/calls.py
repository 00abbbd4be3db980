"""Calls with arrays of any dtype, shape and layout: valid calls agree with the reference, all others raise."""

import itertools
import math
import warnings

import numpy as np
from hypothesis import strategies as st

import lse
from fuzzing import inputs, reference
from fuzzing.reference import Refused

DOCUMENTED = (TypeError, ValueError, MemoryError)  # AxisError is a ValueError
MANY = [*inputs.FLOATS, *inputs.INTEGERS]
ALL = [*["f8", "f4"] * 6, *MANY, *inputs.COMPLEX, "O", "M8[D]", "V2"]
DTYPES = ["f4", np.float32, "f8", ">f8", "f2", "g", "F", "D", inputs.bfloat16, "i4", "O", "G", "V2"]


# Calls ------------------------------------------------------------------------------------------------------


def told(error):
    """Check that an exception has a message."""
    assert str(error), f"{type(error).__name__} without a message"
    return error


def outcome(function, *arguments, **options):
    """The result of a call, or the documented exception that it raises; it must not warn or change settings."""
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Warning: converting a masked element")  # NumPy's, before it is refused
        before = np.geterr()
        try:
            return function(*arguments, **options)
        except DOCUMENTED as error:
            return told(error)
        finally:
            assert np.geterr() == before


def watched_call(function, arrays, written, *arguments, **options):
    """`outcome`, checking that no bytes change except those of the output, and only after success."""
    for _, watched in arrays:
        watched.remember()
    result = outcome(function, *arguments, **options)
    for _, watched in arrays:
        allowed = []
        if written is not None and written[1] is watched and not isinstance(result, Exception):
            allowed = inputs.occupied(*written)
        assert not np.setdiff1d(watched.changed(), allowed).size, (function.__name__, arguments, options)
    if written is not None and not isinstance(result, Exception):
        assert first(result) is written[0]
    return result


def first(result):
    """The value, also of a pair with the sign."""
    return result[0] if isinstance(result, tuple) else result


def expected_or_refused(function, *arguments):
    try:
        return function(*arguments)
    except Refused:
        return None


def draw_out(data, shape, dtype, sources):
    """No output, a separate one, or one in the memory of an input: the same elements, or others that overlap them."""
    kind = data.draw(st.integers(0, 7))
    if kind < 2:
        return None
    a, watched = data.draw(st.sampled_from(sources))
    wanted = [dtype] if data.draw(st.booleans()) else [*ALL, dtype]
    if kind < 4 and a.flags.writeable and a.shape == shape and 0 not in a.strides:
        turned = tuple(slice(None, None, data.draw(st.sampled_from([1, -1]))) for _ in shape)
        out = a[(*turned, ...)], watched
    elif kind < 6 and (within := data.draw(inputs.overlapping((a, watched), wanted, shape))) is not None:
        out = within
    else:
        if data.draw(st.integers(0, 9)) == 0:
            shape = data.draw(inputs.shapes())
        out = data.draw(inputs.arrays(wanted, shape=shape, distinct=True))
    out[0].flags.writeable = data.draw(st.integers(0, 9)) > 0
    return out


def draw_dtype(data):
    return data.draw(st.sampled_from([None, None, "f4"]) | st.sampled_from(DTYPES))


def judged(function, given, out, shape, *arguments, **options):
    """The result of a call, of this shape; None if it is in `out`, or was refused, which is expected for shape None."""
    arrays = given if out is None or any(out[1] is watched for _, watched in given) else [*given, out]
    if out is not None and shape is not None:  # a copy: the call may overwrite its own input
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = np.asarray(first(function(*arguments, **options))).astype(out[0].dtype)
    result = watched_call(function, arrays, out, *arguments, out=out and out[0], **options)
    assert isinstance(result, Exception) == (shape is None), (result, arguments, options)
    if shape is None:
        return None
    assert np.shape(first(result)) == shape
    if out is None:
        return result
    assert np.all((out[0] == wanted) | ((out[0] != out[0]) & (wanted != wanted))), (out[0], wanted)
    return None


# Reductions and maps ----------------------------------------------------------------------------------------


def draw_reduced(data, weights=True):
    """An array, weights, a mask and an axis that usually match."""
    a = data.draw(inputs.arrays(ALL))
    shape, b, where = a[0].shape, None, None
    if weights and data.draw(st.booleans()):
        positive = st.sampled_from([0.0, 1.0, 0.5, 3.0, 1e-300, 5e-324, 1e300])
        values = data.draw(st.sampled_from([None, None, positive]))
        b = data.draw(inputs.arrays(ALL, shape=data.draw(inputs.beside(shape)), values=values))
    if data.draw(st.booleans()):
        dtypes = ["?"] if data.draw(st.integers(0, 15)) else ALL
        where = data.draw(inputs.arrays(dtypes, shape=data.draw(inputs.beside(shape))))
    return a, b, where, data.draw(inputs.axes(a[0].ndim))


def reduction(a, b, where, axis, keepdims, dtype, out, signs):
    """The sums of a valid call, and the shape and the dtype of its result."""
    found = reference.result_dtype(a, b, dtype)
    shape = a.shape if b is None else reference.broadcast(a.shape, b.shape)
    if where is not None:
        reference.refuse(where.dtype != np.bool_ or reference.broadcast(shape, where.shape) != shape)
    axes = reference.normal_axes(axis, len(shape))
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes)
    value = found.type(0).real.dtype if signs and found.kind == "c" else found
    reference.check_out(out, kept, value)
    a, b = np.broadcast_to(a, shape), None if b is None else np.broadcast_to(b, shape)
    return reference.Sums(a, b, where, axes, found), kept, found


def check_reduction(data):
    a, b, where, axis = draw_reduced(data)
    keepdims, signs, dtype = data.draw(st.booleans()), data.draw(st.booleans()), draw_dtype(data)
    given = [x for x in (a, b, where) if x is not None]
    x, w, m = (None if pair is None else pair[0] for pair in (a, b, where))
    right = expected_or_refused(reduction, x, w, m, axis, keepdims, dtype, None, signs)
    out = draw_out(data, right[1], right[2], given) if right else None
    right = expected_or_refused(reduction, x, w, m, axis, keepdims, dtype, out and out[0], signs)
    options = {"axis": axis, "b": w, "keepdims": keepdims, "return_sign": signs, "dtype": dtype}
    options["where"] = True if m is None else m
    result = judged(lse.logsumexp, given, out, right and right[1], x, **options)
    if result is None:
        return
    value, sign = result if signs else (result, None)
    assert value.dtype == (right[2].type(0).real.dtype if signs else right[2])
    if right[2].kind != "c":
        reference.check_logs(value, sign, right[0], right[2], (x, options))


def check_mean(data):
    a, b, where, axis = draw_reduced(data)
    keepdims, dtype = data.draw(st.booleans()), draw_dtype(data)
    given = [x for x in (a, b, where) if x is not None]
    x, w, m = (None if pair is None else pair[0] for pair in (a, b, where))
    right = expected_or_refused(reduction, x, w, m, axis, keepdims, dtype, None, False)
    out = draw_out(data, right[1], right[2], given) if right else None
    right = expected_or_refused(reduction, x, w, m, axis, keepdims, dtype, out and out[0], False)
    options = {"axis": axis, "b": w, "keepdims": keepdims, "dtype": dtype, "where": True if m is None else m}
    result = judged(lse.logmeanexp, given, out, right and right[1], x, **options)
    if result is None:
        return
    sums, shape, found = right
    assert result.dtype == found
    weights = None if w is None else np.broadcast_to(w, sums.a.shape)
    ones = reference.Sums(np.zeros(sums.a.shape), weights, m, sums.axes, np.dtype("f8"))
    if found.kind == "c" or np.any(ones.total < 0) or np.any(sums.total < 0) or not np.all(np.isfinite(ones.log)):
        return
    with np.errstate(all="ignore"):
        want, eps = (sums.log - ones.log).reshape(shape), reference.eps_of(found)
        noise = (sums.size / np.abs(sums.total) + ones.size / np.abs(ones.total)).reshape(shape)
        bound = np.nan_to_num((16 + 2 * np.abs(sums.log).reshape(shape)) * eps + 16 * eps * noise, posinf=math.inf)
    rounds = np.abs(want) < reference.finfo(found).max
    reference.agree(np.where(rounds, np.asarray(result).astype(np.longdouble), want), want, bound, (x, options))


def check_map(data):
    a, _, where, axis = draw_reduced(data, weights=False)
    dtype, log = draw_dtype(data), data.draw(st.booleans())
    x, m = a[0], None if where is None else where[0]
    given = [pair for pair in (a, where) if pair is not None]

    def mapping(out):
        found = reduction(x, None, m, axis, False, dtype, None, False)
        reference.check_out(out, x.shape, found[2])
        return found

    right = expected_or_refused(mapping, None)
    out = draw_out(data, x.shape, right[2], given) if right else None
    right = expected_or_refused(mapping, out and out[0])
    function = lse.log_softmax if log else lse.softmax
    options = {"axis": axis, "dtype": dtype, "where": True if m is None else m}
    result = judged(function, given, out, right and x.shape, x, **options)
    if result is None:
        return
    assert result.dtype == right[2]
    if right[2].kind != "c":
        want, units = reference.softmax(right[0], log)
        inside = np.isnan(want) | (np.abs(want) < reference.finfo(right[2]).max) | np.isinf(want)
        with np.errstate(all="ignore"):
            bound = units * reference.eps_of(right[2]) + 4 * reference.smallest(right[2])
        reference.agree(np.where(inside, np.asarray(result).astype(np.longdouble), want), want, bound, (x, options))


# Prefixes and segments --------------------------------------------------------------------------------------


def parts(x, dtype, pieces, axis):
    """Sums of consecutive pieces of an axis."""
    for piece in pieces:
        part = np.take(x, piece, axis)
        yield reference.Sums(part, None, None, (axis,), dtype)


def one_axis(axis, ndim):
    reference.refuse(isinstance(axis, tuple) or not -ndim <= axis < ndim)
    return int(axis) % ndim


def check_sequence(data, function, given, arguments, x, right, pieces):
    """Check a call whose results along an axis are sums of pieces of it."""
    positional, options = arguments
    shape, dtype, axis = right if right else ((), None, 0)
    out = draw_out(data, shape, dtype, given) if right else None
    if right and expected_or_refused(lambda: reference.check_out(out and out[0], shape, dtype) or True) is None:
        right = None
    result = judged(function, given, out, right and shape, *positional, **options)
    if result is None:
        return
    assert result.dtype == dtype
    if dtype.kind != "c":
        for i, sums in enumerate(parts(x, dtype, pieces, axis)):
            reference.check_logs(np.take(result, i, axis), None, sums, dtype, arguments)


def check_cumulative(data):
    a = data.draw(inputs.arrays(ALL))
    axis, dtype, reverse = data.draw(inputs.axes(a[0].ndim)), draw_dtype(data), data.draw(st.booleans())

    def right():
        flat = a[0].reshape(-1) if axis is None or a[0].ndim == 0 else a[0]
        return flat.shape, reference.result_dtype(a[0], None, dtype), one_axis(0 if axis is None else axis, flat.ndim)

    found = expected_or_refused(right)
    x = a[0].reshape(found[0]) if found else a[0]
    n = x.shape[found[2]] if found else 0
    pieces = [slice(i, None) if reverse else slice(0, i + 1) for i in range(n)]
    pieces = [np.arange(n)[piece] for piece in pieces]
    arguments = (a[0], axis), {"dtype": dtype, "reverse": reverse}
    check_sequence(data, lse.logcumsumexp, [a], arguments, x, found, pieces)


def check_segments(data):
    a = data.draw(inputs.arrays(ALL))
    inside = st.integers(-a[0].ndim, a[0].ndim - 1) if a[0].ndim else st.just(0)
    axis = data.draw(st.one_of(inside, inside, inputs.axes(a[0].ndim)))
    n = a[0].shape[axis] if isinstance(axis, int) and -a[0].ndim <= axis < a[0].ndim else 3
    within = st.lists(st.integers(0, n), min_size=1, max_size=5)
    offsets = data.draw(
        st.one_of(within.map(sorted), within.map(sorted), within, st.lists(st.integers(-2, 8), max_size=4))
    )
    kind, dtype = data.draw(st.sampled_from(["i8", "i4", "u2", "u8", ">i8", "f8"])), draw_dtype(data)
    indptr = np.array(offsets).astype(kind)

    def right():
        found = reference.result_dtype(a[0], None, dtype)
        reference.refuse(axis is None)
        at = one_axis(axis, a[0].ndim)
        reference.refuse(kind == "f8" or not offsets)
        reference.refuse(offsets != sorted(offsets) or offsets[0] < 0 or offsets[-1] > a[0].shape[at])
        return (*a[0].shape[:at], len(offsets) - 1, *a[0].shape[at + 1 :]), found, at

    pieces = [np.arange(x, y) for x, y in itertools.pairwise(offsets)]
    arguments = (a[0], indptr, axis), {"dtype": dtype}
    check_sequence(data, lse.segment_logsumexp, [a], arguments, a[0], expected_or_refused(right), pieces)
