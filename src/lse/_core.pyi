# The last overload of a function has all parameters and promises nothing; the preceding ones have `out`, or only the
# parameters that determine a type. So an axis without keepdims gives Any, because it depends on the shape whether the
# result is an array, and so do flags by position or of unknown value, and weights of another kind. Arrays are assumed
# to have dimensions: the result for a 0-d one is a scalar.

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, Self, SupportsIndex, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

class _SupportsArray(Protocol):
    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...

class _SupportsDLPack(Protocol):
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self) -> Any: ...

_T = TypeVar("_T")
_Out = TypeVar("_Out", bound=NDArray[Any])
_Float = TypeVar("_Float", bound=np.floating[Any])
_Inexact = TypeVar("_Inexact", bound=np.inexact[Any])

_True: TypeAlias = Literal[True]
_Nested: TypeAlias = Sequence[_T | Sequence[_T | Sequence[_T]]]
# computed in float64; _Double includes scalars
_Doubles: TypeAlias = _Nested[float] | NDArray[np.float64 | np.integer[Any] | np.bool]
_Double: TypeAlias = float | np.integer[Any] | np.bool | _Doubles
# not an array of another library
_NumPy: TypeAlias = complex | np.generic | _Nested[complex] | NDArray[Any]
_Array: TypeAlias = ArrayLike | _SupportsDLPack
_Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None
_Where: TypeAlias = bool | _Nested[bool | np.bool] | _SupportsArray | _SupportsDLPack
_Offsets: TypeAlias = Sequence[SupportsIndex] | _SupportsArray | _SupportsDLPack
_DType: TypeAlias = type[_Inexact] | np.dtype[_Inexact]
_Weights: TypeAlias = _Array | None
_Operand: TypeAlias = _Array | LogMatrix
_AnyOut: TypeAlias = NDArray[Any] | None
_AnyDType: TypeAlias = DTypeLike | None

STATE_SIZE: int
__pyx_capi__: dict[str, Any]

def kernels() -> str: ...
def available_kernels() -> list[str]: ...
def use_kernels(name: str) -> str: ...
def limit_threads(limit: int, environment: int) -> int: ...
def limit_own_threads(limit: int) -> int: ...
def available_threads() -> int: ...
def openmp_version() -> int: ...
def compiler() -> str: ...
def progress() -> int: ...
def note_fork() -> None: ...
def note_main_thread() -> None: ...
def multiply_longdouble(a: NDArray[Any], b: NDArray[Any], out: NDArray[Any]) -> None: ...
def multiply(
    a: NDArray[Any], b: NDArray[Any], out: NDArray[Any], matrix_a: LogMatrix | None, matrix_b: LogMatrix | None
) -> None: ...
def has_units(a: object) -> bool: ...
def holds_special(a: object, ndim: int) -> bool: ...
def holds_wide_integers(a: NDArray[Any]) -> bool: ...
def empty_reduced(
    a: NDArray[Any], weights: NDArray[Any] | None, reduced: int, lengths: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]: ...
def reduce_mean(
    a: NDArray[Any],
    where: NDArray[np.bool] | None,
    weights: NDArray[Any] | None,
    reduced: int,
    single: bool,
    out: NDArray[Any],
) -> None: ...
def reduce(
    operation: str,
    a: NDArray[Any],
    where: NDArray[np.bool] | None,
    weights: NDArray[Any] | None,
    reduced: int,
    single: bool,
    out: NDArray[Any],
    sign: NDArray[Any] | None = None,
    low: NDArray[Any] | None = None,
    empty: float = ...,
) -> None: ...
def reduce_segments(
    operation: str,
    a: NDArray[Any],
    where: NDArray[np.bool] | None,
    weights: NDArray[Any] | None,
    offsets: NDArray[np.intp],
    axis: int,
    single: bool,
    out: NDArray[Any],
    sign: NDArray[Any] | None = None,
) -> None: ...
def round_to(values: NDArray[np.float64], out: NDArray[Any]) -> None: ...
def differentiate(operation: str, y: NDArray[Any], grad: NDArray[Any], axis: int) -> NDArray[Any]: ...
def differentiate_cumulative(x: NDArray[Any], given: NDArray[Any], axis: int, forward: bool) -> NDArray[Any]: ...
def sum_shares(x: NDArray[Any], given: NDArray[Any], axis: int, forward: bool) -> NDArray[Any]: ...
def differentiate_tensors(operation: str, y: object, grad: object, axes: list[int]) -> Any: ...
def map_tensor(operation: str, record: object, x: object, axis: object) -> Any: ...
def recorder_of_map(compute: object) -> Any: ...
def is_observed() -> bool: ...
def view_tensor(tensor: object) -> NDArray[Any] | None: ...
def set_torch(torch: Any) -> bool: ...
def quietly(function: Callable[..., _T], arguments: tuple[Any, ...]) -> _T: ...
@overload
def logsumexp(
    a: _Array,
    axis: _Axis = None,
    b: _Weights = None,
    keepdims: bool = False,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def logsumexp(
    a: _Array,
    axis: _Axis = None,
    b: _Weights = None,
    keepdims: bool = False,
    *,
    return_sign: _True,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> tuple[_Out, Any]: ...
@overload
def logsumexp(
    a: _Inexact | NDArray[_Inexact], axis: None = None, b: None = None, *, where: _Where = True
) -> _Inexact: ...
@overload
def logsumexp(a: NDArray[_Float], axis: None = None, *, b: NDArray[_Float], where: _Where = True) -> _Float: ...
@overload
def logsumexp(a: _Double, axis: None = None, b: _Double | None = None, *, where: _Where = True) -> np.float64: ...
@overload
def logsumexp(
    a: _NumPy, axis: None = None, b: _NumPy | None = None, *, where: _Where = True, dtype: _DType[_Inexact]
) -> _Inexact: ...
@overload
def logsumexp(
    a: NDArray[_Inexact], axis: _Axis = None, b: None = None, *, keepdims: _True, where: _Where = True
) -> NDArray[_Inexact]: ...
@overload
def logsumexp(
    a: NDArray[_Float], axis: _Axis = None, *, b: NDArray[_Float], keepdims: _True, where: _Where = True
) -> NDArray[_Float]: ...
@overload
def logsumexp(
    a: _Doubles, axis: _Axis = None, b: _Double | None = None, *, keepdims: _True, where: _Where = True
) -> NDArray[np.float64]: ...
@overload
def logsumexp(
    a: NDArray[_Float], axis: None = None, b: NDArray[_Float] | None = None, *, return_sign: _True, where: _Where = True
) -> tuple[_Float, _Float]: ...
@overload
def logsumexp(
    a: _Double, axis: None = None, b: _Double | None = None, *, return_sign: _True, where: _Where = True
) -> tuple[np.float64, np.float64]: ...
@overload
def logsumexp(
    a: _Array,
    axis: _Axis = None,
    b: _Weights = None,
    keepdims: bool = False,
    *,
    return_sign: _True,
    where: _Where = True,
    out: None = None,
    dtype: _AnyDType = None,
) -> tuple[Any, Any]: ...
@overload
def logsumexp(
    a: _Array,
    axis: _Axis = None,
    b: _Weights = None,
    keepdims: bool = False,
    return_sign: bool = False,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def logmeanexp(
    a: _Array,
    axis: _Axis = None,
    b: _Weights = None,
    keepdims: bool = False,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def logmeanexp(
    a: _Inexact | NDArray[_Inexact], axis: None = None, b: None = None, *, where: _Where = True
) -> _Inexact: ...
@overload
def logmeanexp(a: NDArray[_Float], axis: None = None, *, b: NDArray[_Float], where: _Where = True) -> _Float: ...
@overload
def logmeanexp(a: _Double, axis: None = None, b: _Double | None = None, *, where: _Where = True) -> np.float64: ...
@overload
def logmeanexp(
    a: _NumPy, axis: None = None, b: _NumPy | None = None, *, where: _Where = True, dtype: _DType[_Inexact]
) -> _Inexact: ...
@overload
def logmeanexp(
    a: NDArray[_Inexact], axis: _Axis = None, b: None = None, *, keepdims: _True, where: _Where = True
) -> NDArray[_Inexact]: ...
@overload
def logmeanexp(
    a: NDArray[_Float], axis: _Axis = None, *, b: NDArray[_Float], keepdims: _True, where: _Where = True
) -> NDArray[_Float]: ...
@overload
def logmeanexp(
    a: _Doubles, axis: _Axis = None, b: _Double | None = None, *, keepdims: _True, where: _Where = True
) -> NDArray[np.float64]: ...
@overload
def logmeanexp(
    a: _Array,
    axis: _Axis = None,
    b: _Weights = None,
    keepdims: bool = False,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def softmax(
    x: _Array, axis: _Axis = None, *, where: _Where = True, out: _Out, dtype: _AnyDType = None, empty: float = ...
) -> _Out: ...
@overload
def softmax(
    x: NDArray[_Inexact], axis: _Axis = None, *, where: _Where = True, empty: float = ...
) -> NDArray[_Inexact]: ...
@overload
def softmax(x: _Doubles, axis: _Axis = None, *, where: _Where = True, empty: float = ...) -> NDArray[np.float64]: ...
@overload
def softmax(
    x: _Nested[complex] | NDArray[Any],
    axis: _Axis = None,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
    empty: float = ...,
) -> NDArray[_Inexact]: ...
@overload
def softmax(
    x: _Array,
    axis: _Axis = None,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
    empty: float = ...,
) -> Any: ...
@overload
def log_softmax(
    x: _Array, axis: _Axis = None, *, where: _Where = True, out: _Out, dtype: _AnyDType = None, empty: float = ...
) -> _Out: ...
@overload
def log_softmax(
    x: NDArray[_Inexact], axis: _Axis = None, *, where: _Where = True, empty: float = ...
) -> NDArray[_Inexact]: ...
@overload
def log_softmax(
    x: _Doubles, axis: _Axis = None, *, where: _Where = True, empty: float = ...
) -> NDArray[np.float64]: ...
@overload
def log_softmax(
    x: _Nested[complex] | NDArray[Any],
    axis: _Axis = None,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
    empty: float = ...,
) -> NDArray[_Inexact]: ...
@overload
def log_softmax(
    x: _Array,
    axis: _Axis = None,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
    empty: float = ...,
) -> Any: ...
@overload
def logcumsumexp(
    a: _Array, axis: SupportsIndex | None = None, *, reverse: bool = False, out: _Out, dtype: _AnyDType = None
) -> _Out: ...
@overload
def logcumsumexp(
    a: _Inexact | NDArray[_Inexact], axis: SupportsIndex | None = None, *, reverse: bool = False
) -> NDArray[_Inexact]: ...
@overload
def logcumsumexp(a: _Double, axis: SupportsIndex | None = None, *, reverse: bool = False) -> NDArray[np.float64]: ...
@overload
def logcumsumexp(
    a: _NumPy, axis: SupportsIndex | None = None, *, reverse: bool = False, dtype: _DType[_Inexact]
) -> NDArray[_Inexact]: ...
@overload
def logcumsumexp(
    a: _Array, axis: SupportsIndex | None = None, *, reverse: bool = False, out: _AnyOut = None, dtype: _AnyDType = None
) -> Any: ...
@overload
def segment_logsumexp(
    a: _Array,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    b: _Weights = None,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def segment_logsumexp(
    a: NDArray[_Inexact],
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    b: None = None,
    *,
    where: _Where = True,
) -> NDArray[_Inexact]: ...
@overload
def segment_logsumexp(
    a: _Doubles,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    b: _Double | None = None,
    *,
    where: _Where = True,
) -> NDArray[np.float64]: ...
@overload
def segment_logsumexp(
    a: _Nested[complex] | NDArray[Any],
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    b: _NumPy | None = None,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
) -> NDArray[_Inexact]: ...
@overload
def segment_logsumexp(
    a: _Array,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    b: _Weights = None,
    *,
    return_sign: _True,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> tuple[Any, Any]: ...
@overload
def segment_logsumexp(
    a: _Array,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    b: _Weights = None,
    return_sign: bool = False,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def segment_softmax(
    x: _Array,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def segment_softmax(
    x: NDArray[_Inexact],
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
) -> NDArray[_Inexact]: ...
@overload
def segment_softmax(
    x: _Doubles,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
) -> NDArray[np.float64]: ...
@overload
def segment_softmax(
    x: _Nested[complex] | NDArray[Any],
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
) -> NDArray[_Inexact]: ...
@overload
def segment_softmax(
    x: _Array,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def segment_log_softmax(
    x: _Array,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def segment_log_softmax(
    x: NDArray[_Inexact],
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
) -> NDArray[_Inexact]: ...
@overload
def segment_log_softmax(
    x: _Doubles,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
) -> NDArray[np.float64]: ...
@overload
def segment_log_softmax(
    x: _Nested[complex] | NDArray[Any],
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
) -> NDArray[_Inexact]: ...
@overload
def segment_log_softmax(
    x: _Array,
    indptr: _Offsets,
    axis: SupportsIndex = -1,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def scatter_logsumexp(
    a: _Array,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    b: _Weights = None,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def scatter_logsumexp(
    a: NDArray[_Inexact],
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    b: None = None,
    *,
    where: _Where = True,
) -> NDArray[_Inexact]: ...
@overload
def scatter_logsumexp(
    a: _Doubles,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    b: _Double | None = None,
    *,
    where: _Where = True,
) -> NDArray[np.float64]: ...
@overload
def scatter_logsumexp(
    a: _Nested[complex] | NDArray[Any],
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    b: _NumPy | None = None,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
) -> NDArray[_Inexact]: ...
@overload
def scatter_logsumexp(
    a: _Array,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    b: _Weights = None,
    *,
    return_sign: _True,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> tuple[Any, Any]: ...
@overload
def scatter_logsumexp(
    a: _Array,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    b: _Weights = None,
    return_sign: bool = False,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def scatter_softmax(
    x: _Array,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def scatter_softmax(
    x: NDArray[_Inexact],
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
) -> NDArray[_Inexact]: ...
@overload
def scatter_softmax(
    x: _Doubles,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
) -> NDArray[np.float64]: ...
@overload
def scatter_softmax(
    x: _Nested[complex] | NDArray[Any],
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
) -> NDArray[_Inexact]: ...
@overload
def scatter_softmax(
    x: _Array,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def scatter_log_softmax(
    x: _Array,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
    out: _Out,
    dtype: _AnyDType = None,
) -> _Out: ...
@overload
def scatter_log_softmax(
    x: NDArray[_Inexact],
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
) -> NDArray[_Inexact]: ...
@overload
def scatter_log_softmax(
    x: _Doubles,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
) -> NDArray[np.float64]: ...
@overload
def scatter_log_softmax(
    x: _Nested[complex] | NDArray[Any],
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
    dtype: _DType[_Inexact],
) -> NDArray[_Inexact]: ...
@overload
def scatter_log_softmax(
    x: _Array,
    index: _Offsets,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    *,
    where: _Where = True,
    out: _AnyOut = None,
    dtype: _AnyDType = None,
) -> Any: ...
@overload
def logmatmulexp(a: _Operand, b: _Operand, *, out: _Out, dtype: _AnyDType = None) -> _Out: ...
@overload
def logmatmulexp(a: _Operand, b: _Operand, *, out: _AnyOut = None, dtype: _AnyDType = None) -> Any: ...

class LogMatrix:
    def __init__(self, a: _Array) -> None: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def T(self) -> LogMatrix: ...  # noqa: N802
    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

logaddexp: np.ufunc
logsubexp: np.ufunc
log1pexp: np.ufunc
log1mexp: np.ufunc
logexpm1: np.ufunc

class Groups:
    offsets: NDArray[np.intp]
    def __new__(
        cls, labels: NDArray[Any], count: int, plain: NDArray[Any] | None, by_group: NDArray[Any] | None, axis: int
    ) -> Self: ...
    @property
    def in_order(self) -> bool: ...
    def move(self, plain: NDArray[Any], by_group: NDArray[Any], axis: int, back: bool) -> None: ...

class SortedAxis: ...

class LogSumExp:
    def __new__(cls, shape: SupportsIndex | Sequence[SupportsIndex] = (), dtype: DTypeLike = ...) -> Self: ...
    @classmethod
    def of(
        cls, a: _Array, axis: _Axis = None, b: _Weights = None, *, where: _Where = True, dtype: _AnyDType = None
    ) -> Self: ...
    def update(self, a: _Array, axis: _Axis = None, b: _Weights = None, *, where: _Where = True) -> Self: ...
    def update_at(self, index: _Array, a: _Array, b: _Weights = None, *, where: _Where = True) -> Self: ...
    def merge(self, other: LogSumExp) -> Self: ...
    def reset(self) -> Self: ...
    def copy(self) -> Self: ...
    def to_bytes(self) -> bytes: ...
    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self: ...
    def __add__(self, other: LogSumExp, /) -> Self: ...
    def __radd__(self, other: int, /) -> Self: ...
    def __iadd__(self, other: LogSumExp, /) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[np.float32 | np.float64]: ...
    @property
    def count(self) -> int | NDArray[np.int64]: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def value(self) -> Any: ...
    @property
    def log_abs(self) -> Any: ...
    @property
    def sign(self) -> Any: ...

def log_of_count(count: int) -> tuple[float, float, float]: ...
def map_sums(
    operation: str, x: NDArray[Any], reduced: int, single: bool, out: NDArray[Any], total: LogSumExp
) -> None: ...
