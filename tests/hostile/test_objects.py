"""Objects that are inconsistent, raise or change while they are read: their own errors propagate unchanged."""

import itertools

import numpy as np
import pytest

import lse

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
ARRAYS = {
    "logsumexp": lambda x, **options: lse.logsumexp(x, axis=1, **options),
    "logsumexp, b": lambda x, **options: lse.logsumexp(A, axis=1, b=x, **options),
    "logmeanexp": lambda x, **options: lse.logmeanexp(x, axis=1, **options),
    "logmeanexp, b": lambda x, **options: lse.logmeanexp(A, axis=1, b=x, **options),
    "softmax": lambda x, **options: lse.softmax(x, axis=1, **options),
    "log_softmax": lambda x, **options: lse.log_softmax(x, axis=1, **options),
    "logcumsumexp": lambda x, **options: lse.logcumsumexp(x, axis=1, **options),
    "segment_logsumexp": lambda x, **options: lse.segment_logsumexp(x, [0, 1, 3], axis=1, **options),
    "of": lambda x: lse.LogSumExp.of(x, axis=1).value,
    "of, b": lambda x: lse.LogSumExp.of(A, axis=1, b=x).value,
    "update": lambda x: lse.LogSumExp(2).update(x, axis=1).value,
    "update, b": lambda x: lse.LogSumExp(2).update(A, 1, x).value,
}
WITH_OUTPUT = [name for name in ARRAYS if not name.startswith(("of", "update"))]


class Mine(BaseException):
    """An exception that only the user's code raises."""


def raising(error):
    def method(*args, **kwargs):
        raise error

    return method


def having(bases=(), **attributes):
    """An object of a class with these attributes."""
    return type("Hostile", bases, attributes)()


# Subclasses of ndarray --------------------------------------------------------------------------------------

LIES = {
    "shape": {"shape": property(lambda self: (10**6,))},
    "no shape": {"shape": property(raising(Mine()))},
    "ndim": {"ndim": 0, "size": 0, "nbytes": 0},
    "strides": {"strides": property(lambda self: (10**9, 10**9))},
    "dtype": {"dtype": property(lambda self: np.dtype(np.float32))},
    "flags": {"flags": property(raising(Mine()))},
    "interface": {"__array_interface__": property(raising(Mine())), "__array_struct__": property(raising(Mine()))},
    "array": {"__array__": raising(Mine())},
    "dlpack": {"__dlpack__": raising(Mine()), "__dlpack_device__": raising(Mine())},
    "finalize": {
        "__array_finalize__": lambda self, other: None if type(other) is not type(self) else raising(Mine())()
    },
    "wrap": {"__array_wrap__": raising(Mine())},
    "function": {"__array_function__": raising(Mine())},
    "items": {"__getitem__": raising(Mine()), "__setitem__": raising(Mine()), "__len__": raising(Mine())},
    "methods": dict.fromkeys(("view", "copy", "astype", "reshape", "fill", "transpose", "min", "max"), raising(Mine())),
    "iteration": {
        "__iter__": raising(Mine()),
        "__bool__": raising(Mine()),
        "__eq__": raising(Mine()),
        "__hash__": None,
    },
}


def lying(name, array):
    return array.view(type("Liar", (np.ndarray,), LIES[name]))


@pytest.mark.parametrize("call", ARRAYS)
@pytest.mark.parametrize("lie", LIES)
def test_an_input_is_what_lies_in_memory(call, lie):
    for dtype in (np.float64, np.float32, np.int8):
        a = A.astype(dtype)
        assert np.array_equal(ARRAYS[call](lying(lie, a)), ARRAYS[call](a))


@pytest.mark.parametrize("call", WITH_OUTPUT)
@pytest.mark.parametrize("lie", LIES)
def test_an_output_is_what_lies_in_memory(call, lie):
    expected = ARRAYS[call](A)
    for dtype in (np.float64, np.float32):
        memory = np.full(expected.size + 2, 7.25, dtype)
        out = lying(lie, memory[1:-1].reshape(expected.shape))
        assert ARRAYS[call](A, out=out) is out
        assert np.array_equal(memory, np.r_[7.25, expected.ravel(), 7.25].astype(dtype))
        for wrong in (memory[:1], np.broadcast_to(dtype(7.25), expected.shape)):
            with pytest.raises(ValueError, match="out"):
                ARRAYS[call](A, out=lying(lie, wrong))


@pytest.mark.parametrize("lie", LIES)
def test_masks_and_offsets_are_what_lies_in_memory(lie):
    where, indptr = A > 2, np.array([0, 2, 3])
    assert np.array_equal(lse.softmax(A, where=lying(lie, where)), lse.softmax(A, where=where))
    assert np.array_equal(lse.segment_logsumexp(A, lying(lie, indptr)), lse.segment_logsumexp(A, indptr))
    with pytest.raises(ValueError, match=r"indptr\[2\]"):
        lse.segment_logsumexp(A, lying(lie, np.array([0, 2, 4])))


# Objects with a protocol ------------------------------------------------------------------------------------

ERRORS = [
    Mine,
    KeyboardInterrupt,
    ValueError,
    TypeError,
    RuntimeError,
    BufferError,
    MemoryError,
    RecursionError,
    KeyError,
]
HOOKS = {
    "__array__": lambda error: having(__array__=raising(error)),
    "__dlpack__": lambda error: having(__dlpack__=raising(error), __dlpack_device__=lambda self: (1, 0)),
    "__dlpack_device__": lambda error: having(__dlpack__=raising(Mine()), __dlpack_device__=raising(error)),
    "__array_namespace__": lambda error: having(
        __dlpack__=lambda self, **options: A.__dlpack__(**options),
        __dlpack_device__=lambda self: (1, 0),
        __array_namespace__=raising(error),
    ),
    "property": lambda error: having(__array__=property(raising(error))),
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
@pytest.mark.parametrize(
    ("call", "hook"),
    [
        *itertools.product(ARRAYS, HOOKS),
        *itertools.product(
            ["where", "indptr"], [hook for hook in HOOKS if hook != "__array_namespace__"]
        ),  # whose results are floats
    ],
)
def test_an_error_of_an_array_comes_out(call, hook, error):
    calls = {
        "where": lambda x, **options: lse.logsumexp(A, axis=1, where=x, **options),
        "indptr": lambda x, **options: lse.segment_logsumexp(A[0, :2], x, **options),
        **ARRAYS,
    }
    mine, out = error("mine"), np.full(2, 7.25)
    options = {"out": out} if call in calls and call.startswith(("logs", "logm", "where")) else {}
    with pytest.raises(error) as raised:
        calls[call](HOOKS[hook](mine), **options)
    assert raised.value is mine
    assert np.array_equal(out, [7.25, 7.25])


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_of_an_integer_comes_out(error):
    mine = error("mine")
    number = having(__index__=raising(mine))
    total = lse.LogSumExp(2).update([1.0, 2.0], axis=())
    for call in (
        lambda: lse.logsumexp(A, axis=number),
        lambda: lse.logmeanexp(A, axis=(0, number)),
        lambda: lse.softmax(A, axis=number),
        lambda: lse.logcumsumexp(A, axis=number),
        lambda: lse.segment_logsumexp(A, [0, 1], axis=number),
        lambda: lse.LogSumExp(number),
        lambda: lse.LogSumExp((2, number)),
        lambda: lse.LogSumExp.of(A, axis=number),
        lambda: total.update(A, axis=number),
        lambda: lse.set_num_threads(number),
        lambda: lse.num_threads(number),
    ):
        with pytest.raises(error) as raised:
            call()
        assert raised.value is mine
    assert total.count == 1


@pytest.mark.parametrize("result", [1.5, "1", None, 2j, [1]], ids=str)
def test_an_integer_that_is_none(result):
    number = having(__index__=lambda self: result)
    for call in (
        lambda: lse.softmax(A, axis=number),
        lambda: lse.LogSumExp(number),
        lambda: lse.set_num_threads(number),
        lambda: lse.num_threads(number),
    ):
        with pytest.raises(TypeError, match="__index__ returned non-int"):
            call()


def test_nobody_is_asked_whether_it_is_true():
    for name, call in (
        ("keepdims", lambda x: lse.logsumexp(A, keepdims=x)),
        ("return_sign", lambda x: lse.logsumexp(A, return_sign=x)),
        ("reverse", lambda x: lse.logcumsumexp(A, reverse=x)),
    ):
        with pytest.raises(TypeError, match=f"{name} must be True or False"):
            call(having(__bool__=raising(Mine())))


@pytest.mark.parametrize("result", [None, 3.0, "abc", [1.0], (A,), object()], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("call", ARRAYS)
def test_an_array_that_is_none(call, result):
    with pytest.raises((TypeError, ValueError), match=r"array|dtype"):
        ARRAYS[call](having(__array__=lambda self, dtype=None, copy=None: result))


@pytest.mark.parametrize("call", ARRAYS)
def test_an_array_that_is_another_each_time(call):
    """It is read only once."""
    answers = itertools.chain([A], itertools.repeat(np.zeros((10**6, 1), np.int8)))
    array = having(__array__=lambda self, dtype=None, copy=None: next(answers))
    assert np.array_equal(ARRAYS[call](array), ARRAYS[call](A))


@pytest.mark.parametrize("call", ARRAYS)
def test_masks_that_come_late_or_in_lists(call):
    masked = np.ma.array(A, mask=A > 5)
    for x in (
        having(__array__=lambda self, dtype=None, copy=None: masked),
        list(masked),
        (A[0], masked[1]),
        [[*masked]][0],
    ):
        with pytest.raises(TypeError, match="mask"):
            ARRAYS[call](x)


def test_sequences_that_change_or_lie():
    class Growing(list):
        def __len__(self):
            self.append(1.0)
            return 2

    class Long:
        __len__ = lambda self: 10**15  # noqa: E731
        __getitem__ = lambda self, i: float(i)  # noqa: E731

    class Shrinking:
        def __array__(self, dtype=None, copy=None):
            del values[1:]
            return np.float64(1)

    values = [Shrinking(), [1.0], 2.0, 3.0]
    for x in (Growing([1.0, 2.0]), values, Long(), having((list,), __iter__=raising(ValueError("mine")))):
        try:
            lse.logsumexp(x)
        except (TypeError, ValueError, MemoryError, RuntimeError):
            continue
    deep = []
    deep.append(deep)
    with pytest.raises((TypeError, ValueError)):
        lse.logsumexp(deep)


@pytest.mark.parametrize(
    "device", ["cpu", None, (), (1,), 1, [1, 0], ("cpu", 0), (1, 0, 0), (None, 0), (1.0, 0)], ids=str
)
def test_a_device_that_is_none(device):
    array = having(__dlpack__=raising(Mine()), __dlpack_device__=lambda self: device)
    with pytest.raises(
        TypeError, match=r"logsumexp: __dlpack_device__ of a returned .*; expected a tuple of two integers"
    ):
        lse.logsumexp(array)


def test_accumulators_that_are_none():
    total = lse.LogSumExp(2)
    with pytest.raises(TypeError, match="expected a LogSumExp"):
        total.merge(having(__class__=lse.LogSumExp, shape=(2,)))
    assert total.__add__(having(__class__=lse.LogSumExp)) is NotImplemented
