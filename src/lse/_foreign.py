"""Arrays of other libraries and masked arrays, unwrapped or refused."""

import operator
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from lse import _core
from lse._dtypes import BFLOAT16, Array, refuse_dtype

WITHOUT_WHERE = ("logcumsumexp", "segment_logsumexp")
CPU = 1  # DLPack's device type


def is_masked(a: object) -> bool:
    return isinstance(a, np.ma.MaskedArray)


def refuse_masked(function: str, name: str, held: bool = False) -> NoReturn:
    """Refuse an argument that is a masked array, or a sequence that holds masked arrays."""
    array = "m" if held else name
    if name == "indptr":
        advice = f"{array}.data"
    elif function in WITHOUT_WHERE:
        advice = f"{array}.filled({0 if name == 'b' else '-numpy.inf'}) to leave out what it masks"
    else:
        advice = f"{array}.data, where=~{array}.mask to leave out what it masks"
    said = "is a masked array, whose mask would be ignored;"
    if held:
        said = "holds masked arrays, whose masks would be ignored; make one array m of them, as by numpy.ma.stack, and"
    raise TypeError(f"{function}: {name} {said} pass {advice}")


def from_torch(tensor: Any, function: str, name: str) -> Array:
    """Return the elements of a tensor without a copy."""
    if tensor.requires_grad:
        raise TypeError(
            f"{function}: {name} requires a gradient, which lse does not compute; pass {name}.detach(), or use the "
            "function of torch where the gradient is wanted"
        )
    if tensor.device.type != "cpu":
        raise TypeError(
            f"{function}: {name} is a tensor on device {tensor.device}, not in main memory; pass {name}.cpu()"
        )
    torch = sys.modules["torch"]
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.dtype == torch.bfloat16:
        return np.asarray(tensor.view(torch.int16)).view(BFLOAT16)
    return np.asarray(tensor)


def to_torch(result: Any) -> Any:
    torch = sys.modules["torch"]
    result = np.asarray(result)
    if result.dtype == BFLOAT16:
        return torch.from_numpy(result.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(result)


def is_torch(a: object) -> bool:
    return "torch" in sys.modules and isinstance(a, sys.modules["torch"].Tensor)


def is_dask(*arguments: object) -> bool:
    array = getattr(sys.modules.get("dask.array"), "Array", None)
    return array is not None and any(isinstance(a, array) for a in arguments)


def refuse_dask(function: str, name: str) -> NoReturn:
    raise TypeError(
        f"{function}: {name} is a dask array, which would be loaded whole; pass {name}.compute() if it fits into "
        "memory, or use lse.dask, which reads logsumexp, logmeanexp, softmax and log_softmax chunk by chunk"
    )


def check_device(device: Any, function: str, name: str) -> None:
    """Raise unless `__dlpack_device__` returned main memory."""
    if not (isinstance(device, tuple) and len(device) == 2 and hasattr(device[0], "__index__")):
        raise TypeError(
            f"{function}: __dlpack_device__ of {name} returned {device!r}; expected a tuple of two integers, the type "
            "and the number of the device"
        )
    kind = operator.index(device[0])
    if kind != CPU:
        raise TypeError(
            f"{function}: {name} is on a device (of DLPack type {kind}), not in main memory; copy it to the cpu"
        )


def from_dlpack(a: Any, function: str, name: str) -> Array:
    check_device(a.__dlpack_device__(), function, name)
    try:
        return np.from_dlpack(a)
    except (BufferError, RuntimeError) as error:  # a dtype unknown to DLPack or NumPy, such as jax's bfloat16
        if hasattr(a, "__array__"):
            return np.asarray(a)
        error.add_note(f"{function}: {name} cannot be read through DLPack; pass an array of NumPy made of it")
        raise


def to_namespace(a: Any) -> Callable[[Array], Any] | None:
    """Return the function that converts results to arrays of the library of `a`; None if it has no namespace."""
    if not hasattr(a, "__array_namespace__"):
        return None
    namespace = a.__array_namespace__()
    return lambda result: namespace.asarray(np.asarray(result))


def unwrap(a: Any, function: str, name: str) -> tuple[Array, Callable[[Array], Any] | None]:
    """Return an argument as an ndarray, and the function that converts results to its type, or None."""
    if is_masked(a):
        refuse_masked(function, name)
    if isinstance(a, np.ndarray | np.generic | list | tuple | int | float | complex):
        array = np.asarray(a)
        if array.dtype == BFLOAT16:
            refuse_dtype(array.dtype, function, name)
        if _core.holds_masked(a, array.ndim):
            refuse_masked(function, name, held=True)
        return array, None
    if is_torch(a):
        return from_torch(a, function, name), to_torch
    if is_dask(a):
        refuse_dask(function, name)
    if hasattr(a, "__dlpack__") and hasattr(a, "__dlpack_device__"):
        return from_dlpack(a, function, name), to_namespace(a)
    array = np.asanyarray(a)
    if is_masked(array):
        refuse_masked(function, name)
    return np.asarray(array), None
