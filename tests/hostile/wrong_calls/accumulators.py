"""Wrong calls of LogSumExp."""

import numpy as np
from numpy.exceptions import AxisError

from .words import AXES, NUMBERS, RAGGED, REAL, UNSUPPORTED_B

STATE = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 0.0], [1.0, 1.0]])
SHAPE = "LogSumExp: shape must be an integer or a tuple of integers, not {value!r}"
TOO_MANY = "LogSumExp: shape {value} has more elements than any memory has room for"
REDUCED = (
    "LogSumExp.update: an array of shape {value.shape} reduced over axis=... has shape ...accumulator has shape (2,)"
)
BYTES = "LogSumExp.from_bytes: "

OF_ACCUMULATORS = [
    (TypeError, SHAPE, "LogSumExp(value)", [2.5, "ab", "", b"ab", {}, None, True, np.float64, {2, 3}]),
    (TypeError, SHAPE, "LogSumExp(value)", [(2, None), (2, 2.0), (2, False), ((2,),), np.ones(2)]),
    (ValueError, "LogSumExp: shape {value} has a negative length", "LogSumExp(value)", [-1, (2, -3)]),
    (
        ValueError,
        "LogSumExp: shape has 64 dimensions; 63",
        ["LogSumExp((1,) * 64)", "LogSumExp.of(np.zeros((1,) * 64), axis=())"],
    ),
    (ValueError, TOO_MANY, "LogSumExp(value)", [10**30, (2**40, 2**40), (0, 2**62)]),
    (MemoryError, "Unable to allocate", "LogSumExp(2**57)"),
    (
        TypeError,
        "LogSumExp: dtype={value!r} ...; expected float64 or float32",
        "LogSumExp((), value)",
        ["x", 3, [("a",)]],
    ),
    (
        TypeError,
        "LogSumExp: dtype must be float64 or float32, not {named.name}",
        "LogSumExp((), value)",
        [int, "f2", complex, object],
    ),
    (
        TypeError,
        "LogSumExp: dtype must be float64 or float32, not {named.name}",
        "LogSumExp.of(v, dtype=value)",
        [int, "f2"],
    ),
    (TypeError, "LogSumExp: dtype='x' ...; expected float64 or float32", 'LogSumExp.of(v, dtype="x")'),
    (
        TypeError,
        "...argument",
        [
            'LogSumExp(2, "f8", 1)',
            "LogSumExp(value=3)",
            "LogSumExp.of()",
            "total.update()",
            "total.update([1.0, 2.0], axis=(), out=v)",
            "total.merge()",
            "total.copy(1)",
            "total.reset(1)",
            "float(total)",
            "total.__setstate__()",
        ],
    ),
    (
        TypeError,
        "LogSumExp.{called}: dtype object of a ... " + NUMBERS + "...convert a",
        ["LogSumExp.of(None)", "total.update(None)"],
    ),
    (ValueError, RAGGED, "LogSumExp.of([[1.0], [1.0, 2.0]])"),
    (
        TypeError,
        "LogSumExp.{called}: complex128 data are not supported; " + REAL,
        [
            "LogSumExp.of(c)",
            "LogSumExp.of(v, b=1j)",
            "total.update(np.zeros((4, 2)), b=1j, axis=0)",
            "total.update(np.zeros((4, 2), complex), axis=0)",
        ],
    ),
    (
        TypeError,
        "LogSumExp.{called}: a is a masked array...ignored; pass a.data, where=~a.mask",
        "LogSumExp.of(hidden)",
    ),
    (
        TypeError,
        "LogSumExp.{called}: a holds masked arrays...ignored...pass m.data, where=~m.mask",
        "LogSumExp.of([hidden])",
    ),
    (
        TypeError,
        "LogSumExp.{called}: b is a masked array...ignored; pass b.data, where=~b.mask",
        ["LogSumExp.of(v, b=hidden)", "total.update(np.zeros((4, 2)), b=hidden[:2], axis=0)"],
    ),
    (AxisError, "LogSumExp.{called}: axis 1 is out of bounds for array of dimension 1", "LogSumExp.of(v, axis=1)"),
    (
        AxisError,
        "LogSumExp.{called}: axis 2 is out of bounds ... dimension 2",
        "total.update(np.zeros((4, 2)), axis=2)",
    ),
    (
        TypeError,
        AXES.replace("{f}", "LogSumExp.{called}"),
        ["LogSumExp.of(v, axis=value)", "total.update(np.zeros((4, 2)), axis=value)"],
        [True, False, "0"],
    ),
    (
        ValueError,
        "LogSumExp.{called}: repeated axis in (0, 0); name each axis once",
        ["LogSumExp.of(a, axis=(0, 0))", "total.update(np.zeros((4, 2)), axis=(0, 0))"],
    ),
    (ValueError, "LogSumExp.{called}: shapes ... broadcast...: a (4,), b (3,)", "LogSumExp.of(v, b=np.ones(3))"),
    (
        ValueError,
        "LogSumExp.{called}: shapes ... broadcast...: a (4, 2), b (3,)",
        "total.update(np.zeros((4, 2)), b=np.ones(3), axis=0)",
    ),
    (
        TypeError,
        "...argument",
        [
            'LogSumExp.of(v, None, None, "f4")',
            "LogSumExp.of(v, None, None, q)",
            "total.update(np.zeros((4, 2)), 0, None, True)",
        ],
    ),
    (
        TypeError,
        "LogSumExp.{called}: axis must be None, ... not an array of shape (2,); weights are the argument b, after axis",
        ["total.update([1.0, 2.0], np.ones(2))", "LogSumExp.of([1.0, 2.0], np.ones(2))"],
    ),
    (TypeError, "LogSumExp.update: axis must be ..., not an array of shape (1,)", "total.update(v, np.array([0]))"),
    (
        TypeError,
        "LogSumExp.{called}: where must be boolean, not float64; compare",
        ["LogSumExp.of(v, where=np.ones(4))", "total.update(np.zeros((4, 2)), 0, where=np.ones((4, 2)))"],
    ),
    (ValueError, "LogSumExp.{called}: shapes ... broadcast...: a (4,), where (3,)", "LogSumExp.of(v, where=q[:3])"),
    (
        ValueError,
        "LogSumExp.{called}: shapes ... broadcast...: a (4, 2), where (3,)",
        "total.update(np.zeros((4, 2)), 0, where=[True, False, True])",
    ),
    (
        ValueError,
        "LogSumExp.{called}: where has shape (4, 2), which does not broadcast to that of a, (2,)",
        "total.update(np.zeros(2), 0, where=np.ones((4, 2), bool))",
    ),
    (ValueError, REDUCED.replace("{value.shape}", "()"), "total.update(1.0)"),
    (ValueError, REDUCED, "total.update(value)", [np.ones(2)]),
    (ValueError, REDUCED, "total.update(value, axis=())", [np.ones(3)]),
    (ValueError, REDUCED, "total.update(value, axis=0)", [np.zeros((4, 3)), np.zeros((2, 4))]),
    (ValueError, REDUCED, "total.update(np.zeros((2, 1)), axis=1, b=value)", [np.ones((3, 2, 1))]),
    (
        TypeError,
        UNSUPPORTED_B.replace("{f}", "LogSumExp.update"),
        "total.update(np.zeros((4, 2)), b=value, axis=0)",
        ["x"],
    ),
    (
        ValueError,
        "LogSumExp.{called}: b is an integer beyond the range of float64; add its logarithm to a",
        "total.update(np.zeros((4, 2)), b=10**400, axis=0)",
    ),
    (
        TypeError,
        "LogSumExp.{called}: dtype datetime64[s] of a ... " + NUMBERS,
        'total.update(np.zeros((4, 2), "M8[s]"), axis=0)',
    ),
    (TypeError, "LogSumExp.{called}: a is an accumulator, not data; merge", "total.update(total)"),
    (
        TypeError,
        "LogSumExp.merge: expected a LogSumExp, not {value.__class__.__name__}; update",
        "total.merge(value)",
        [3, None, int, [1.0]],
    ),
    (TypeError, "LogSumExp.merge: expected a LogSumExp, not type; update", "total.merge(LogSumExp)"),
    (ValueError, "LogSumExp.merge: shapes (2,) and (3,) differ", ["total.merge(LogSumExp(3))", "total + LogSumExp(3)"]),
    (ValueError, "LogSumExp.merge: shapes (2,) and (2, 1) differ", "total.merge(LogSumExp((2, 1)))"),
    (ValueError, "LogSumExp.merge: shapes (2,) and () differ", "total += LogSumExp()"),
    (
        TypeError,
        "unsupported operand type(s) for ...LogSumExp",
        [
            "total + 1",
            "1 + total",
            "sum([total, total], 1)",
            "False + total",
            "0.0 + total",
            "total + np.zeros(2)",
            "total += 1.0",
            "total += None",
            "total - total",
            "total * 2",
        ],
    ),
    (TypeError, "...LogSumExp", ["total[0]", "len(total)", "iter(total)", "total < total"]),
    (
        AttributeError,
        "attribute ",
        [
            "total.count = 3",
            "total.value = 3",
            "total.sign = 3",
            "total.shape = (1,)",
            'total.dtype = "f4"',
            "del total.count",
        ],
    ),
    (AttributeError, "...no attribute 'nonsense'", "total.nonsense = 3"),
    (TypeError, "...not callable", "total.value()"),
    (
        TypeError,
        BYTES + "expected bytes, which to_bytes() returns, not {value.__class__.__name__}",
        ["total.__setstate__(value)", "LogSumExp.from_bytes(value)"],
        [None, [1, 1, 1, 1], (1, 1), "lse", 3],
    ),
    (
        ValueError,
        BYTES + "{value} bytes are no state; expected what to_bytes()",
        ["total.__setstate__(bytes(value))", "LogSumExp.from_bytes(bytes(value))"],
        [0, 15],
    ),
    (
        ValueError,
        BYTES + "the state is of version {value}, not 3",
        "LogSumExp.from_bytes(b'lse' + bytes([value]) + bytes(50))",
        [0, 2, 255],
    ),
    (ValueError, BYTES + "no state", "LogSumExp.from_bytes(bytes(50))"),
    (
        ValueError,
        BYTES + "119 bytes do not fit a state of shape (3,)",
        "LogSumExp.from_bytes(LogSumExp(3).to_bytes()[:-1])",
    ),
    (
        ValueError,
        BYTES + "a state of shape (3,) does not fit an accumulator of shape (2,)",
        "total.__setstate__(LogSumExp(3).to_bytes())",
    ),
]
