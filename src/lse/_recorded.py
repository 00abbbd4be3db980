"""Tensors that require a gradient: from the arguments of the public functions to the operators of `lse.torch`."""

import sys
from typing import Any, NoReturn

import numpy as np

from lse import _core
from lse._arguments import as_axis, check_empty, check_flag, normalize_axes, normalize_axis
from lse._dtypes import Array, check_dtype
from lse._foreign import check_tensor, is_recorded, is_torch, unwrap


def refuse(function: str, name: str, advice: str) -> NoReturn:
    raise TypeError(
        f"{function}: a tensor that requires a gradient, and {name}; {advice}, or detach() the tensor if no gradient "
        "is wanted"
    )


def prepare(function: str, a: Any, name: str, dtype: Any, **others: Any) -> Any:
    """The tensor, of the dtype that the function computes in, if there is nothing else that it lacks a gradient for."""
    if others.get("b") is not None:
        refuse(function, "weights", f"add b.log() to {name}, if none is negative")
    if others.get("where", True) is not True:
        refuse(function, "where", f"pass {name}.masked_fill(~where, -math.inf)")
    if others.get("out") is not None:
        refuse(function, "out", "leave out what torch could not record")
    if check_flag(others.get("return_sign", False), function, "return_sign"):
        refuse(function, "return_sign", "without weights the sign is 1, or 0 for an empty sum")
    if not np.isnan(check_empty(others.get("empty", np.nan), function)):
        refuse(function, "empty", "fill rows of NaN by torch.where")
    check_tensor(a, function, name)
    if a.is_complex():
        refuse(function, "complex numbers", f"take torch.{function}, if there is one")
    return a if dtype is None else a.to(torch_dtype(function, dtype))


def torch_dtype(function: str, dtype: Any) -> Any:
    found = check_dtype(dtype, np.dtype(np.float64), function)
    kind = getattr(sys.modules["torch"], found.name, None)
    if kind is None or found.kind == "c":
        refuse(function, f"dtype={found.name}", "pass a real one that torch has")
    return kind


def reduce(function: str, a: Any, axis: Any, keepdims: Any, dtype: Any, **others: Any) -> Any:
    from lse import _tensors

    a = prepare(function, a, "a", dtype, **others)
    kept = check_flag(keepdims, function, "keepdims")
    return getattr(_tensors, function)(a, list(normalize_axes(axis, a.ndim, function)), kept)


def map_elements(function: str, x: Any, axis: Any, dtype: Any, **others: Any) -> Any:
    from lse import _tensors

    x = prepare(function, x, "x", dtype, **others)
    return getattr(_tensors, function)(x, list(normalize_axes(axis, x.ndim, function)))


def logcumsumexp(a: Any, axis: Any, reverse: bool, dtype: Any, **others: Any) -> Any:
    from lse import _tensors_cumulative

    a = prepare("logcumsumexp", a, "a", dtype, **others)
    if axis is None or a.ndim == 0:
        a = a.reshape(-1)
    axis = normalize_axis(0 if axis is None else axis, a.ndim, "logcumsumexp")
    if not reverse:
        return _tensors_cumulative.logcumsumexp(a, axis)
    return _tensors_cumulative.logcumsumexp(a.flip(axis), axis).flip(axis)


def scatter(function: str, a: Any, index: Array, axis: Any, size: int | None, dtype: Any, **others: Any) -> Any:
    from lse import torch

    a = prepare(function, a, "a" if function == "scatter_logsumexp" else "x", dtype, **others)
    number = as_axis(axis, function, "an integer")
    if not -a.ndim <= number < a.ndim:
        raise np.exceptions.AxisError(number, a.ndim, function)
    return getattr(torch, function)(a, as_tensor(np.asarray(index, np.int64)), number, size)


def as_tensor(array: Array) -> Any:
    return sys.modules["torch"].from_numpy(array if array.flags.writeable else array.copy())


def as_operand(a: Any, name: str) -> Any:
    """An operand as a tensor; integers become float64, as elsewhere in `lse`."""
    if isinstance(a, _core.LogMatrix):
        a = np.asarray(a)
    if is_torch(a) and is_recorded(a):
        return prepare("logmatmulexp", a, name, None)
    if not is_torch(a):
        a = as_tensor(unwrap(a, "logmatmulexp", name)[0])
    return a if a.is_floating_point() else a.double()


def logmatmulexp(a: Any, b: Any, dtype: Any, **others: Any) -> Any:
    from lse import torch

    a, b = (prepare("logmatmulexp", as_operand(x, name), name, dtype, **others) for x, name in ((a, "a"), (b, "b")))
    return torch.logmatmulexp(a, b)
