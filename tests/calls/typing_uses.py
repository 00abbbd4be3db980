"""Uses whose types are checked by mypy and pyright, not run. Each `type: ignore` marks an error that must occur."""

from typing import Any, Literal, assert_type

import numpy as np
from numpy.typing import NDArray

import lse

f16 = np.zeros(3, np.float16)
f32 = np.zeros((2, 3), np.float32)
f64 = np.zeros((2, 3))
c64 = np.zeros(3, np.complex64)
c128 = np.zeros(3, np.complex128)
ints = np.arange(3)
bools = f64 > 0
axis = np.int64(1)
out = np.zeros(2, np.float32)  # of shape tuple[int]

Vector32 = np.ndarray[tuple[int], np.dtype[np.float32]]


class Tensor:
    """An array of another library."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> object:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class Frame:
    """What NumPy makes an array of."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.ones((2, 3), dtype)


tensor, frame = Tensor(f64), Frame()

# logsumexp: scalars
assert_type(lse.logsumexp(f16), np.float16)
assert_type(lse.logsumexp(f32), np.float32)
assert_type(lse.logsumexp(f64, None), np.float64)
assert_type(lse.logsumexp(c64), np.complex64)
assert_type(lse.logsumexp(c128), np.complex128)
assert_type(lse.logsumexp(np.zeros(3, np.longdouble)), np.longdouble)
assert_type(lse.logsumexp(ints), np.float64)
assert_type(lse.logsumexp(bools), np.float64)
assert_type(lse.logsumexp(3), np.float64)
assert_type(lse.logsumexp(np.float32(1)), np.float32)
assert_type(lse.logsumexp(np.int8(1)), np.float64)
assert_type(lse.logsumexp([1, 2.5]), np.float64)
assert_type(lse.logsumexp([[0, 0], [1, 1.5]]), np.float64)
assert_type(lse.logsumexp([(True, False)]), np.float64)
assert_type(lse.logsumexp(range(3)), np.float64)
assert_type(lse.logsumexp(f32, where=f32 > 0), np.float32)
assert_type(lse.logsumexp(f32, where=[True, False, True]), np.float32)
assert_type(lse.logsumexp(f32, where=Tensor(bools)), np.float32)

# logsumexp: weights
assert_type(lse.logsumexp(f32, b=f32), np.float32)
assert_type(lse.logsumexp(f64, b=f64), np.float64)
assert_type(lse.logsumexp(ints, None, f64), np.float64)
assert_type(lse.logsumexp(f64, b=[1, -0.5, 2]), np.float64)
assert_type(lse.logsumexp([0.0, 1.0], b=2), np.float64)
assert_type(lse.logsumexp(f32, b=ints), Any)
assert_type(lse.logsumexp(c64, b=f64), Any)
assert_type(lse.logsumexp(f64, b=tensor), Any)

# logsumexp: arrays, and arguments that may be either
assert_type(lse.logsumexp(f32, keepdims=True), NDArray[np.float32])
assert_type(lse.logsumexp(f32, 1, b=f32, keepdims=True), NDArray[np.float32])
assert_type(lse.logsumexp(c128, 0, keepdims=True), NDArray[np.complex128])
assert_type(lse.logsumexp([[1, 2]], (0, 1), keepdims=True), NDArray[np.float64])
assert_type(lse.logsumexp(ints, -1, [1, 2, 3], keepdims=True), NDArray[np.float64])
assert_type(lse.logsumexp(3.5, keepdims=True), Any)
assert_type(lse.logsumexp(f64, 1), Any)
assert_type(lse.logsumexp(f64, axis=axis), Any)
assert_type(lse.logsumexp(f64, axis=(0, axis)), Any)
assert_type(lse.logsumexp(f64, None, None, True), Any)
rows: NDArray[np.float64] = lse.logsumexp(f64, axis=1)
row: np.float64 = lse.logsumexp(f64[0], axis=0)

# logsumexp: the sign
assert_type(lse.logsumexp(f64, return_sign=True), tuple[np.float64, np.float64])
assert_type(lse.logsumexp(f32, b=-f32, return_sign=True), tuple[np.float32, np.float32])
assert_type(lse.logsumexp([1.0, 2.0], b=[1, -1], return_sign=True), tuple[np.float64, np.float64])
assert_type(lse.logsumexp(f64, 1, return_sign=True), tuple[Any, Any])
assert_type(lse.logsumexp(c64, return_sign=True), tuple[Any, Any])
assert_type(lse.logsumexp(tensor, return_sign=True), tuple[Any, Any])
assert_type(lse.logsumexp(f64, keepdims=True, return_sign=True), tuple[Any, Any])
assert_type(lse.logsumexp(f64, 1, out=out, return_sign=True), tuple[Vector32, Any])
assert_type(lse.logsumexp(f64, None, None, False, True), Any)
value, sign = lse.logsumexp(f64, axis=1, b=[1, -1, 1], return_sign=True)

# logsumexp: out and dtype
assert_type(lse.logsumexp(f64, 1, out=out), Vector32)
assert_type(lse.logsumexp(tensor, 1, None, False, out=out, where=bools, dtype="f4"), Vector32)
assert_type(lse.logsumexp(f64, 1, out=None), Any)
assert_type(lse.logsumexp(ints, dtype=np.float32), np.float32)
assert_type(lse.logsumexp([1j, 2, 3], b=f32, dtype=np.dtype(np.complex64)), np.complex64)
assert_type(lse.logsumexp(f64, dtype="f4"), Any)
assert_type(lse.logsumexp(f64, dtype=float), Any)
assert_type(lse.logsumexp(tensor, dtype=np.float32), Any)

# types that cannot be inferred
assert_type(lse.logsumexp(tensor), Any)
assert_type(lse.logsumexp(frame), Any)
assert_type(lse.logsumexp([1j, 2]), Any)
assert_type(lse.logsumexp([f32, f32]), Any)
assert_type(lse.logsumexp(f64, b=frame), Any)

# logmeanexp
assert_type(lse.logmeanexp(f32), np.float32)
assert_type(lse.logmeanexp([1, 2], where=True), np.float64)
assert_type(lse.logmeanexp(f32, b=f32), np.float32)
assert_type(lse.logmeanexp([0.0, 1.0], b=[3.0, 1.0]), np.float64)
assert_type(lse.logmeanexp(f64, 0, keepdims=True), NDArray[np.float64])
assert_type(lse.logmeanexp(f32, 0, b=f32, keepdims=True), NDArray[np.float32])
assert_type(lse.logmeanexp(ints, 0, keepdims=True), NDArray[np.float64])
assert_type(lse.logmeanexp(f64, 1, out=out), Vector32)
assert_type(lse.logmeanexp(f64, dtype=np.longdouble), np.longdouble)
assert_type(lse.logmeanexp(f64, 1), Any)
assert_type(lse.logmeanexp(tensor), Any)

# softmax and log_softmax
assert_type(lse.softmax(f16), NDArray[np.float16])
assert_type(lse.softmax(c64, 0), NDArray[np.complex64])
assert_type(lse.softmax(ints, axis=(0,)), NDArray[np.float64])
assert_type(lse.softmax([[1, 2.5]], where=[True, False]), NDArray[np.float64])
assert_type(lse.softmax(f64, 1, out=f32), np.ndarray[tuple[int, int], np.dtype[np.float32]])
assert_type(lse.softmax(ints, dtype=np.float32), NDArray[np.float32])
assert_type(lse.softmax(3.5), Any)
assert_type(lse.softmax(tensor, -1), Any)
assert_type(lse.log_softmax(f32, where=f32 > 0), NDArray[np.float32])
assert_type(lse.log_softmax([1.0, 2.0]), NDArray[np.float64])
assert_type(lse.log_softmax(out, out=out), Vector32)
assert_type(lse.log_softmax([1j], dtype=np.complex64), NDArray[np.complex64])
assert_type(lse.log_softmax(tensor), Any)

# logmatmulexp
assert_type(lse.logmatmulexp(f64, f64), Any)
assert_type(lse.logmatmulexp(f64, lse.LogMatrix(f64), out=out), Vector32)
assert_type(lse.LogMatrix(f32).T, lse.LogMatrix)
assert_type(lse.LogMatrix([[0.0]]).shape, tuple[int, int])

# logcumsumexp and segment_logsumexp
assert_type(lse.logcumsumexp(f32), NDArray[np.float32])
assert_type(lse.logcumsumexp(ints, 0, reverse=True), NDArray[np.float64])
assert_type(lse.logcumsumexp(3), NDArray[np.float64])
assert_type(lse.logcumsumexp(out, out=out), Vector32)
assert_type(lse.logcumsumexp(f64, dtype=np.float16), NDArray[np.float16])
assert_type(lse.logcumsumexp(tensor), Any)
assert_type(lse.segment_logsumexp(f32, [0, 1, 3]), NDArray[np.float32])
assert_type(lse.segment_logsumexp([0.0, 0.0, 5.0], ints), NDArray[np.float64])
assert_type(lse.segment_logsumexp(c128, Tensor(ints), 0), NDArray[np.complex128])
assert_type(lse.segment_logsumexp(f64[0], [0, 1, 2], out=out), Vector32)
assert_type(lse.segment_logsumexp(ints, range(3), dtype=np.float32), NDArray[np.float32])
assert_type(lse.segment_logsumexp(tensor, [0, 1]), Any)
assert_type(lse.segment_logsumexp(f64, [0, 1], b=f64, return_sign=True), tuple[Any, Any])
assert_type(lse.segment_logsumexp([0.0, 0.0], [0, 1], b=[1, 2]), NDArray[np.float64])
assert_type(lse.segment_softmax(f32, [0, 1, 3], where=f32 > 0), NDArray[np.float32])
assert_type(lse.segment_log_softmax(ints, ints, dtype=np.float32), NDArray[np.float32])
assert_type(lse.scatter_logsumexp(f32, ints, 0, 7), NDArray[np.float32])
assert_type(lse.scatter_logsumexp(f64, ints, return_sign=True), tuple[Any, Any])
assert_type(lse.scatter_logsumexp(f64[0], ints, out=out), Vector32)
assert_type(lse.scatter_softmax([0.0, 5.0], [1, 0], size=2), NDArray[np.float64])
assert_type(lse.scatter_log_softmax(c128, Tensor(ints), 0), NDArray[np.complex128])
assert_type(lse.softmax(f32, -1, where=f32 > 0, empty=0.0), NDArray[np.float32])
assert_type(lse.LogSumExp(3).update_at(ints, f64, b=f64), lse.LogSumExp)

# threads and builds
assert_type(lse.get_num_threads(), int)
assert_type(lse.__version__, str)
lse.set_num_threads(None)
with lse.num_threads(axis):
    lse.set_num_threads(axis)
lse.show_config()
assert_type(lse.show_config(mode="dict"), dict[str, Any])
assert_type(lse.get_include(), str)


def streaming(f64: NDArray[np.float64]) -> None:
    """Methods of accumulators return the accumulator."""
    total = lse.LogSumExp((3,), np.float32)
    assert_type(total.update(f64, axis=1), lse.LogSumExp)
    assert_type(total.update([1.0], b=[2.0]).merge(total), lse.LogSumExp)
    assert_type(lse.LogSumExp.of(f64, (0, 1)) + total, lse.LogSumExp)
    assert_type(sum([total, total]), lse.LogSumExp | Literal[0])
    assert_type(total.update(f64, 1, [2.0], where=f64 > 0), lse.LogSumExp)
    assert_type(total.count, int | NDArray[np.int64])
    assert_type(total.shape, tuple[int, ...])
    total += total.copy().reset()
    total.merge(f64)  # type: ignore[arg-type]
    total.update(f64, 1, [2.0], f64 > 0)  # type: ignore[call-arg]
    lse.LogSumExp.of(f64, 1, [2.0], np.float32)  # type: ignore[call-arg]
    lse.LogSumExp("3")  # type: ignore[arg-type]


def unknown(a: Any, x: NDArray[Any], y: NDArray[np.floating[Any]], z: NDArray[np.generic], flag: bool) -> None:
    """Partly known types; mypy and pyright differ in their treatment of Any."""
    assert_type(lse.logsumexp(z), Any)
    assert_type(lse.logsumexp(f64, keepdims=flag), Any)
    assert_type(lse.logsumexp(f64, return_sign=flag), Any)
    complexes: NDArray[np.complex64] = lse.softmax(x)
    number: np.complex64 = lse.logsumexp(x)
    real: np.floating[Any] = lse.logsumexp(y)
    array: NDArray[np.float64] = lse.logsumexp(a)
    print(complexes, number, real, array)


def errors() -> None:
    """Errors that the type checkers must report."""
    lse.logsumexp()  # type: ignore[call-overload]
    lse.logsumexp(object())  # type: ignore[call-overload]
    lse.logsumexp(None)  # type: ignore[call-overload]
    lse.logsumexp(x=f64)  # type: ignore[call-overload]
    lse.logsumexp(f64, 0.5)  # type: ignore[call-overload]
    lse.logsumexp(f64, axis="0")  # type: ignore[call-overload]
    lse.logsumexp(f64, axis=[0, 1])  # type: ignore[call-overload]
    lse.logsumexp(f64, b=object())  # type: ignore[call-overload]
    lse.logsumexp(f64, keepdims="yes")  # type: ignore[call-overload]
    lse.logsumexp(f64, where=[1, 0, 1])  # type: ignore[list-item]
    lse.logsumexp(f64, None, None, False, False, True)  # type: ignore[call-overload]
    lse.logsumexp(f64, out=[0.0])  # type: ignore[call-overload]
    lse.logsumexp(f64, out=tensor)  # type: ignore[call-overload]
    lse.logsumexp(f64, dtype=32)  # type: ignore[call-overload]
    lse.logmeanexp(f64, return_sign=True)  # type: ignore[call-overload]
    lse.softmax(f64, keepdims=True)  # type: ignore[call-overload]
    lse.softmax(f64, 0, True)  # type: ignore[call-overload]
    lse.log_softmax(f64, b=f64)  # type: ignore[call-overload]
    lse.logcumsumexp(f64, (0, 1))  # type: ignore[call-overload]
    lse.logcumsumexp(f64, where=f64 > 0)  # type: ignore[call-overload]
    lse.segment_logsumexp(f64)  # type: ignore[call-overload]
    lse.segment_logsumexp(f64, [0.0, 1.5])  # type: ignore[list-item]
    lse.segment_logsumexp(f64, [0, 1], None)  # type: ignore[call-overload]
    lse.set_num_threads("4")  # type: ignore[arg-type]
    lse.num_threads("4")  # type: ignore[arg-type]
    with lse.set_num_threads(4):  # type: ignore[attr-defined, func-returns-value]
        pass
    lse.show_config(mode="dicts")  # type: ignore[call-overload]
    single: np.float32 = lse.logsumexp(f64)  # type: ignore[assignment]
    scalar: float = lse.logsumexp(f64, keepdims=True)  # type: ignore[assignment]
    pair: tuple[Any, Any] = lse.logsumexp(f64)  # type: ignore[assignment]
    singles: NDArray[np.float32] = lse.softmax(f64)  # type: ignore[assignment]
    print(single, scalar, pair, singles)
