from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Axis: TypeAlias = int | tuple[int, ...] | None
_Real: TypeAlias = np.float32 | np.float64
_Out = TypeVar("_Out", bound=NDArray[Any])

def kernels() -> str: ...
def available_kernels() -> list[str]: ...
def limit_threads(limit: int, environment: int) -> int: ...
def num_threads() -> int: ...
def openmp_version() -> int: ...
def progress() -> int: ...
@overload
def logsumexp(
    a: ArrayLike,
    axis: _Axis = None,
    b: None = None,
    keepdims: bool = False,
    return_sign: Literal[False] = False,
    *,
    out: _Out,
) -> _Out: ...
@overload
def logsumexp(
    a: ArrayLike,
    axis: None = None,
    b: None = None,
    keepdims: Literal[False] = False,
    return_sign: Literal[False] = False,
    *,
    out: None = None,
) -> _Real: ...
@overload
def logsumexp(
    a: ArrayLike,
    axis: _Axis = None,
    b: None = None,
    keepdims: bool = False,
    return_sign: Literal[False] = False,
    *,
    out: None = None,
) -> Any: ...
@overload
def softmax(x: ArrayLike, axis: _Axis = None, *, out: _Out) -> _Out: ...
@overload
def softmax(x: NDArray[Any] | Sequence[Any], axis: _Axis = None, *, out: None = None) -> NDArray[Any]: ...
@overload
def softmax(x: ArrayLike, axis: _Axis = None, *, out: None = None) -> Any: ...
@overload
def log_softmax(x: ArrayLike, axis: _Axis = None, *, out: _Out) -> _Out: ...
@overload
def log_softmax(x: NDArray[Any] | Sequence[Any], axis: _Axis = None, *, out: None = None) -> NDArray[Any]: ...
@overload
def log_softmax(x: ArrayLike, axis: _Axis = None, *, out: None = None) -> Any: ...
