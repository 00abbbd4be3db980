"""Wrong calls of the functions of lse."""

from fractions import Fraction

import numpy as np
from numpy.exceptions import AxisError

from .words import (
    AXES,
    CAST,
    CAST_COMPLEX,
    FLAG,
    FLOATS,
    MASKED,
    MISMATCH,
    NUMBERS,
    OUT_OF_BOUNDS,
    RAGGED,
    UNSUPPORTED,
    UNSUPPORTED_B,
)

V, A, Q = np.zeros(4), np.zeros((2, 3)), np.arange(4) != 1
HIDDEN = np.ma.array(np.ones(4), mask=[True, False, False, False])
OUTPUTS = [np.zeros((), object), np.zeros((), bool), np.zeros((), "U8"), np.zeros((), "M8[s]"), np.zeros((), "V2")]
DATA = [["x"], "ab", b"ab", None, {"a": 1.0}, {1.0}, [1.0, None], [Fraction(1, 2)], [10**30]]
DATA += [np.zeros(4, "M8[s]"), np.zeros(4, "m8[s]"), np.zeros(4, "V2"), np.zeros(4, "i4,f4")]

OF_ALL = [
    (TypeError, UNSUPPORTED, "f(value)", DATA),
    (TypeError, "{f}: dtype object of {x} ... " + NUMBERS, ["f(x for x in [1.0])", "f(total)"]),
    (TypeError, "{f}: dtype str", 'f([1.0, "2"])'),
    (ValueError, RAGGED, "f([[1.0], [1.0, 2.0]])"),
    (
        TypeError,
        "{f}: dtype={value!r} ...; " + FLOATS,
        "f(v, dtype=value)",
        ["x", 3, 1.5, V, [("a",)], {"names": ["a"]}],
    ),
    (
        TypeError,
        "{f}: dtype {named.name} ... floating ...; " + FLOATS,
        "f(v, dtype=value)",
        [np.int32, bool, object, str, "M8[s]", "V2", "f8,f8", ("f8", (2,))],
    ),
    (
        TypeError,
        "{f}: the arguments are complex128, which dtype={named.name} cannot hold; pass a complex dtype",
        "f(c, dtype=value)",
        [float, "f2"],
    ),
    (
        TypeError,
        "{f}: out must be an array of NumPy, not {value.__class__.__name__}; pass one of shape ",
        "f(v, out=value)",
        [0.0, (np.zeros(4),), np.float64(0), "out"],
    ),
    (TypeError, "{f}: out must be an array of NumPy, not memoryview; pass", "f(v, out=memoryview(np.zeros(4)))"),
    (
        ValueError,
        "{f}: out has shape {value.shape}, but the result has shape ",
        "f(v, out=value)",
        [np.zeros((5, 5)), np.zeros(0)],
    ),
    (TypeError, "{f}() ...argument", "f(v, nonsense=1)"),
    (AxisError, OUT_OF_BOUNDS, "f(v, axis=value)", [1, -2, 2**63, -(10**30)]),
    (TypeError, "{f}: axis must be ..., not an array of shape (2,)", "f(v, axis=np.array([0, 1]))"),
]

OF_AXES = [
    (TypeError, AXES, "f(v, axis=value)", [0.0, "0", True, [0], {0}, 0j, ..., slice(0), np.float64(0), np.True_]),
    (TypeError, "{f}: axis must be None, ..., not <generator", "f(v, axis=(n for n in (0,)))"),
    (ValueError, "{f}: repeated axis in {value}; name each", "f(a, axis=value)", [(0, 0), (0, -2)]),
    (ValueError, "{f}: repeated axis in (0, 0, 0, ", "f(a, axis=(0,) * 65)"),
    (TypeError, AXES.replace("value", "value[0]"), "f(a, axis=value)", [((0,),), (True,)]),
    (TypeError, AXES.replace("value", "value[1]"), "f(a, axis=value)", [(0, 1.0), (0, None)]),
    (
        AxisError,
        "{f}: axis 2 is out of bounds for array of dimension 2",
        ["f(a, axis=(0, 2))", "f(a, axis=tuple(range(65)))"],
    ),
    (AxisError, "{f}: axis -3 is out of bounds for array of dimension 2", "f(a, axis=(-3,))"),
    (AxisError, "{f}: axis 1 is out of bounds for array of dimension 0", "f(1.0, axis=1)"),
    (AxisError, "{f}: axis 1 is out of bounds for array of dimension 0", "f(1.0, axis=(1,))"),
    (
        TypeError,
        "{f}: where must be boolean, not {array.dtype.name}; compare, as in where=mask != 0",
        "f(v, where=value)",
        [1, None, "yes", [1, 0, 1, 1], V, [None] * 4],
    ),
    (
        TypeError,
        "{f}: where is a masked array...ignored; pass where.data, where=~where.mask",
        "f(v, where=np.ma.array(q, mask=q))",
    ),
    (TypeError, MASKED.replace("{x}", "where"), "f(v, where=[np.ma.array(q, mask=q)])"),
    (TypeError, MASKED, "f(value)", [[HIDDEN, V], [1j, np.ma.masked], ([1.0], np.ma.array([2.0], mask=True))]),
    (ValueError, RAGGED, ["f(v, where=[[True], [True, False]])", "f((v, (v, [np.ma.zeros(1)] * 4)))"]),
    (ValueError, MISMATCH + "{x} (4,), where {value.shape}", "f(v, where=value)", [Q[:3], Q[:0]]),
    (ValueError, "{f}: where has shape (2, 4), ... of {x}, (4,)", "f(v, where=[q, q])"),
    (ValueError, "{f}: where has shape (1,), ... of {x}, ()", "f(1.0, where=[True])"),
]

OF_SUMS = [
    (ValueError, MISMATCH + "{x} (4,), b {value.shape}", "f(v, b=value)", [np.ones(3), np.ones((2, 3))]),
    (ValueError, MISMATCH + "{x} (2, 3), b (2,)", "f(a, b=np.ones(2))"),
    (TypeError, UNSUPPORTED_B, "f(v, b=value)", ["x", [None], {}, [10**400], np.ones(4, "m8[s]"), np.ones(4, "V2")]),
    (
        ValueError,
        "{f}: b is an integer beyond the range of float64; add its logarithm to a",
        "f(v, b=value)",
        [10**400, -(10**400)],
    ),
    (TypeError, MASKED.replace("{x}", "b"), "f(v, b=[hidden])"),
    (
        TypeError,
        "{f}: the arguments are complex128, which dtype=float... cannot hold; pass a complex dtype",
        ["f(v, b=1j, dtype=float)", "f(v, b=[1j], dtype=np.float32)"],
    ),
    (ValueError, MISMATCH + "{x} (2, 4), where (3, 4)", "f(v, b=np.ones((2, 4)), where=np.ones((3, 4), bool))"),
    (TypeError, "{f}: keepdims" + FLAG, "f(v, keepdims=value)", ["yes", None, 1.0, [], V]),
    (TypeError, "{f}: keepdims" + FLAG, "f(v, None, value, value)", [V]),
    (TypeError, CAST, "f(v, out=value)", [*OUTPUTS, np.zeros((), "f8,f8")]),
    (TypeError, CAST.replace("float64", "float16"), 'f(v, dtype="f2", out=value)', OUTPUTS[-1:]),
    (ValueError, "{f}: out is read-only; pass", "f(v, out=np.broadcast_to(0.0, ()))"),
    (ValueError, "{f}: out has shape (1,), but the result has shape ()", "f(v, out=np.zeros(1))"),
    (ValueError, "{f}: out has shape (), but the result has shape (1,)", "f(v, keepdims=True, out=np.zeros(()))"),
    (ValueError, "{f}: out has shape (2, 1), but the result has shape (2,)", "f(a, 1, out=np.zeros((2, 1)))"),
    (TypeError, CAST_COMPLEX, "f(v, b=1j, out=np.zeros(()))"),
]

OF_LOGSUMEXP = [
    (TypeError, "{f}() ...argument", ["f()", "f(x=v)", "f(v, a=v)", "f(v, None, None, False, False, True)"]),
    (TypeError, "{f}: return_sign" + FLAG, "f(v, return_sign=value)", ["yes", None, V]),
    (TypeError, CAST, "f(c, return_sign=True, out=value)", [np.zeros((), int)]),
    (ValueError, "{f}: out has shape (1,), but the result has shape ()", "f(c, return_sign=True, out=np.zeros(1))"),
]

OF_MAPS = [
    (TypeError, "{f}() ...argument", ["f(a=v)", "f(v, None, q)", "f(v, b=v)", "f(v, keepdims=True)"]),
    (
        ValueError,
        "{f}: out has shape {value.shape}, but the result has shape (2, 3)",
        "f(a, 0, out=value)",
        [np.zeros(3), np.zeros((3, 2))],
    ),
    (TypeError, CAST, "f(a, 0, out=value)", [np.zeros((2, 3), int)]),
    (TypeError, CAST_COMPLEX, "f(c, out=np.zeros(4))"),
    (ValueError, "{f}: out is read-only; pass", "f(a, out=np.broadcast_to(0.0, (2, 3)))"),
    (ValueError, MISMATCH + "{x} (2, 3), where (3, 2)", "f(a, where=np.ones((3, 2), bool), out=a)"),
]

OF_CUMULATIVE = [
    (TypeError, "{f}: axis must be an integer, not {value!r}", "f(a, axis=value)", [(0,), (), 0.5, "0", False]),
    (AxisError, "{f}: axis 1 is out of bounds for array of dimension 1", "f(1.0, axis=1)"),
    (TypeError, "{f}: reverse" + FLAG, "f(v, reverse=value)", ["yes", None, V]),
    (TypeError, "{f}() ...argument", ["f(v, 0, True)", "f(v, b=v)", "f(v, where=q)"]),
    (TypeError, "{f}: {x} is a masked array...ignored; pass a.filled(-numpy.inf)", "f(hidden)"),
    (TypeError, "{f}: {x} holds masked arrays...ignored...pass m.filled(-numpy.inf)", "f([hidden])"),
    (ValueError, "{f}: out has shape (2, 3), but the result has shape (6,)", "f(a, out=np.zeros((2, 3)))"),
    (
        ValueError,
        "{f}: out has shape (1, 2, 3), but the result has shape (2, 3)",
        "f(a, axis=0, out=np.zeros((1, 2, 3)))",
    ),
    (TypeError, CAST_COMPLEX, "f(c, out=np.zeros(4))"),
]

SEGMENT = "segment_logsumexp: "
OF_SEGMENTS = [
    (
        TypeError,
        "segment_logsumexp() ...argument",
        ["segment_logsumexp(v)", "segment_logsumexp(v, [0, 4], -1, None, False, True)"],
    ),
    (
        ValueError,
        SEGMENT + "indptr must have one dimension, not {array.ndim}",
        "segment_logsumexp(v, value)",
        [None, 4, [[0, 4]], {0: 4}],
    ),
    (ValueError, SEGMENT + "indptr is empty; it must have one offset more", "segment_logsumexp(v, [])"),
    (
        TypeError,
        SEGMENT + "indptr must be of integers, not {array.dtype.name}; convert it",
        "segment_logsumexp(v, value)",
        [[0.0, 4.0], [False, True], ["0", "4"], [0, None], [0j, 4], np.array([0, 4], "m8[s]"), [0, 2**64]],
    ),
    (ValueError, RAGGED, "segment_logsumexp(v, [0, [4]])"),
    (
        TypeError,
        SEGMENT + "indptr is a masked array...ignored; pass indptr.data",
        "segment_logsumexp(v, np.ma.array([0, 4], mask=[False, True]))",
    ),
    (
        ValueError,
        SEGMENT + "indptr[1] is {value[1]}, but the axis has length 4",
        "segment_logsumexp(v, value)",
        [[0, 5], range(0, 10, 5), np.array([0, 260], ">u2"), np.array([0, 2**64 - 1], np.uint64), [0, -(2**63)]],
    ),
    (ValueError, SEGMENT + "indptr[0] is -1, but the axis has length 4", "segment_logsumexp(v, [-1, 4])"),
    (ValueError, SEGMENT + "indptr[1] is 3, ... length 2", "segment_logsumexp(a, [0, 3], axis=0)"),
    (ValueError, SEGMENT + "indptr[2] is 2, less than 3", "segment_logsumexp(v, [0, 3, 2, 4])"),
    (ValueError, SEGMENT + "indptr[1] is 0, less than 4", "segment_logsumexp(v, [4, 0])"),
    (
        TypeError,
        SEGMENT + "axis must be an integer, not {value!r}",
        "segment_logsumexp(v, [0, 4], axis=value)",
        [None, (0,), True, "0"],
    ),
    (AxisError, SEGMENT + "axis -1 is out of bounds ...dimension 0", "segment_logsumexp(1.0, [0])"),
    (
        TypeError,
        SEGMENT + "a is a masked array...ignored; pass a.data, where=~a.mask",
        "segment_logsumexp(hidden, [0, 4])",
    ),
    (
        ValueError,
        SEGMENT + "out has shape (2,), but the result has shape (1,)",
        "segment_logsumexp(v, [0, 4], out=np.zeros(2))",
    ),
    (
        ValueError,
        SEGMENT + "out has shape (1,), but the result has shape (0,)",
        "segment_logsumexp(v, [0], out=np.zeros(1))",
    ),
    (
        ValueError,
        SEGMENT + "out has shape (2, 1), but the result has shape (1, 3)",
        "segment_logsumexp(a, [0, 1], axis=0, out=np.zeros((2, 1)))",
    ),
    (TypeError, CAST_COMPLEX.replace("{f}: ", SEGMENT), "segment_logsumexp(c, [0, 4], out=np.zeros(1))"),
]
