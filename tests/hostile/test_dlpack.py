"""Inconsistent DLPack capsules: unreadable ones are refused, those that were read are released once.

Invalid pointers cannot be detected; all other members of the structure are checked.
"""

import ctypes

import numpy as np
import pytest

import lse

CPU = (1, 0)
FLOAT64 = (2, 64, 1)  # code, bits, lanes
NUMBERS = np.arange(6.0)
CALLS = {
    "logsumexp": lse.logsumexp,
    "softmax": lse.softmax,
    "logcumsumexp": lse.logcumsumexp,
    "b": lambda b: lse.logsumexp(0.0, b=b),
    "update": lambda a: lse.LogSumExp().update(a).value,
}


class Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class Kind(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", Device),
        ("ndim", ctypes.c_int32),
        ("dtype", Kind),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)


class Managed(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", DELETER)]


class Lying:
    """NUMBERS, as described by a capsule."""

    def __init__(self, *, name=b"dltensor", shape=(6,), strides=None, ndim=None, dtype=FLOAT64, device=CPU, offset=0):
        self.given_back = 0
        self.name, self.numbers = name, NUMBERS.copy()
        lengths, steps = ((ctypes.c_int64 * len(x))(*x) if x is not None else None for x in (shape, strides))
        tensor = Tensor(
            self.numbers.ctypes.data, Device(*device), len(shape) if ndim is None else ndim, Kind(*dtype), lengths,
            steps, offset,
        )  # fmt: skip
        self.managed = Managed(tensor, None, DELETER(self.take_back))
        self.kept = lengths, steps

    def take_back(self, _):
        self.given_back += 1

    def __dlpack_device__(self):
        return CPU

    def __dlpack__(self, **options):
        return new_capsule(ctypes.addressof(self.managed), self.name, None) if self.name else 3


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "fields",
    [{}, {"shape": (2, 3), "strides": (1, 2)}, {"shape": (6,), "strides": (-1,), "offset": 40}, {"shape": ()}],
    ids=str,
)
def test_what_is_right_is_read_and_given_back_once(call, fields):
    lying = Lying(**fields)
    shape, strides = fields.get("shape", (6,)), fields.get("strides")
    bytes_ = None if strides is None else tuple(8 * n for n in strides)
    same = np.ndarray(shape, NUMBERS.dtype, NUMBERS.copy(), fields.get("offset", 0), bytes_)
    got, want = CALLS[call](lying), CALLS[call](same)
    np.testing.assert_array_equal(got, want)
    del got
    assert lying.given_back == 1
    np.testing.assert_array_equal(lying.numbers, NUMBERS)


# raised by np.from_dlpack for tensors that NumPy cannot represent
UNREADABLE = BufferError if np.lib.NumpyVersion(np.__version__) >= "2.5.0" else RuntimeError


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": b"used_dltensor"}, ValueError),
        ({"name": b"other"}, ValueError),
        ({"name": None}, ValueError),
        ({"dtype": (77, 64, 1)}, UNREADABLE),
        ({"dtype": (3, 64, 1)}, UNREADABLE),
        ({"dtype": (2, 7, 1)}, UNREADABLE),
        ({"dtype": (2, 0, 1)}, UNREADABLE),
        ({"dtype": (2, 64, 2)}, UNREADABLE),
        ({"dtype": (2, 64, 0)}, UNREADABLE),
        ({"device": (2, 0)}, UNREADABLE),
        ({"device": (-1, 0)}, UNREADABLE),
        ({"shape": (1,) * 65}, UNREADABLE),
        ({"ndim": 2**31 - 1}, UNREADABLE),
        ({"ndim": -1}, ValueError),
        ({"shape": (-6,)}, ValueError),
        ({"shape": (2**61,)}, ValueError),
        ({"shape": (2**32, 2**32)}, ValueError),
        ({"shape": (2**40, 0, 2**40)}, ValueError),
    ],
    ids=str,
)
def test_what_no_array_can_be_is_refused(call, fields, error):
    lying = Lying(**fields)
    with pytest.raises(error) as raised:
        CALLS[call](lying)
    assert str(raised.value)
    if error is UNREADABLE:
        assert "cannot be read through DLPack; pass an array of NumPy made of it" in raised.value.__notes__[0]
    assert lying.given_back == 0


def test_elements_that_are_not_aligned():
    got = lse.logsumexp(Lying(shape=(4,), offset=3))
    assert got == lse.logsumexp(np.frombuffer(NUMBERS.tobytes()[3:35]).copy())
