"""Arrays of other libraries and masked arrays, unwrapped or refused."""

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from lse import _core
from lse._dtypes import BFLOAT16, Array, DType, is_bfloat16, refuse_dtype

WITHOUT_WHERE = ("logcumsumexp",)
CPU = 1  # DLPack's device type
NESTED = 8  # levels of nested sequences that are searched; a sequence may contain itself


def is_masked(a: object) -> bool:
    return isinstance(a, np.ma.MaskedArray)


def refuse_masked(function: str, name: str, held: bool = False) -> NoReturn:
    """Refuse an argument that is a masked array, or a sequence that holds masked arrays."""
    array = "m" if held else name
    if name in ("indptr", "index"):
        advice = f"{array}.data"
    elif function in WITHOUT_WHERE:
        advice = f"{array}.filled({0 if name == 'b' else '-numpy.inf'}) to leave out what it masks"
    else:
        advice = f"{array}.data, where=~{array}.mask to leave out what it masks"
    said = "is a masked array, whose mask would be ignored;"
    if held:
        said = "holds masked arrays, whose masks would be ignored; make one array m of them, as by numpy.ma.stack, and"
    raise TypeError(f"{function}: {name} {said} pass {advice}")


def unmask(a: Any, function: str, name: str) -> Array:
    """The data of a masked array whose mask hides nothing."""
    if np.ma.is_masked(a):
        refuse_masked(function, name)
    return np.asarray(np.ma.getdata(a))


def check_tensor(tensor: Any, function: str, name: str) -> None:
    """Raise unless a tensor is dense and in main memory."""
    if tensor.device.type != "cpu":
        raise TypeError(
            f"{function}: {name} is a tensor on device {tensor.device}, not in main memory; pass {name}.cpu()"
        )
    if tensor.layout != sys.modules["torch"].strided:
        raise TypeError(
            f"{function}: {name} is a sparse tensor (of layout {tensor.layout}); pass {name}.to_dense(), or the values "
            "that it stores"
        )


def from_torch(tensor: Any, function: str, name: str) -> Array:
    """Return the elements of a tensor without a copy."""
    torch = sys.modules["torch"]
    if tensor.requires_grad:
        raise TypeError(
            f"{function}: {name} requires a gradient, which this function does not compute; pass {name}.detach() if "
            "none is wanted"
        )
    check_tensor(tensor, function, name)
    try:
        tensor = tensor.resolve_conj().resolve_neg()
        if tensor.dtype == torch.bfloat16:
            return np.asarray(tensor.view(torch.int16)).view(BFLOAT16)
        return np.asarray(tensor)
    except RuntimeError as error:
        raise TypeError(
            f"{function}: {name} is a tensor without values that can be read ({error}); call lse.{function} outside of "
            "torch.func.vmap and the like"
        ) from error
    except TypeError as error:  # a dtype that NumPy has not, as float8
        raise TypeError(
            f"{function}: {name} is a tensor of {tensor.dtype} that NumPy cannot read ({error}); convert it, as by "
            f"{name}.float()"
        ) from error


def to_torch(result: Any) -> Any:
    torch = sys.modules["torch"]
    result = np.asarray(result)
    if is_bfloat16(result.dtype):
        return torch.from_numpy(result.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(result)


def is_torch(a: object) -> bool:
    return "torch" in sys.modules and isinstance(a, sys.modules["torch"].Tensor)


def is_recorded(*arguments: object) -> bool:
    """Return whether torch records what is computed from one of the arguments, to have its gradient."""
    return "torch" in sys.modules and any(is_torch(a) and a.requires_grad for a in arguments)  # type: ignore[attr-defined]


def is_dask(*arguments: object) -> bool:
    array = getattr(sys.modules.get("dask.array"), "Array", None)
    return array is not None and any(isinstance(a, array) for a in arguments)


def refuse_dask(function: str, name: str) -> NoReturn:
    raise TypeError(
        f"{function}: {name} is a dask array, which would be loaded whole; pass {name}.compute() if it fits into "
        "memory, or use lse.dask, which reads logsumexp, logmeanexp, softmax and log_softmax chunk by chunk"
    )


def is_traced(a: object) -> bool:
    """Return whether this is a tracer of jax, without values."""
    tracer = getattr(sys.modules.get("jax.core"), "Tracer", None)
    return tracer is not None and isinstance(a, tracer)


def refuse_traced(function: str, name: str) -> NoReturn:
    raise TypeError(
        f"{function}: {name} is traced by jax (jit, grad, vmap) and has no values yet; call lse.{function} outside of "
        "what is traced, or by jax.pure_callback"
    )


def is_sparse(a: object) -> bool:
    return "scipy.sparse" in sys.modules and bool(sys.modules["scipy.sparse"].issparse(a))


def refuse_sparse(function: str, name: str) -> NoReturn:
    raise TypeError(
        f"{function}: {name} is a sparse array of SciPy, and it is not known whether what it does not store is 0 or "
        f"left out; pass {name}.toarray(), or what it stores: {name}.data, whose rows segment_logsumexp sums by "
        f"{name}.indptr"
    )


def without_units(a: Any, function: str, name: str) -> Any:
    """Return the values of a dimensionless array, or of a sequence with such elements; masked arrays are refused."""
    if isinstance(a, list | tuple):
        return [without_units(element, function, name) for element in a]
    if is_masked(a):
        if np.ma.is_masked(a):
            refuse_masked(function, name, held=True)
        return np.ma.getdata(a)
    if not _core.has_units(a):
        return a
    kind = type(a).__name__
    if not hasattr(a, "to_value") and not hasattr(a, "m_as"):
        raise TypeError(
            f"{function}: {name} is an array of class {kind}, whose own rules (__array_ufunc__) would be ignored; pass "
            f"numpy.asarray({name}) if its numbers alone are meant"
        )
    try:
        if isinstance(a, np.ndarray):
            np.exp(a.reshape(-1)[:0])  # raises for logarithmic units
        numbers = a.m_as("") if hasattr(a, "m_as") else a.to_value("")
    except Exception as error:  # each library has its own
        raise TypeError(
            f"{function}: {name} is a {kind} with a unit, which an exponential cannot have ({error}); divide it by a "
            "unit first, so that it is dimensionless"
        ) from error
    if isinstance(numbers, np.ndarray) and type(numbers) is not np.ndarray:
        raise TypeError(f"{function}: {name} is a {kind}, of which {type(numbers).__name__} is left, not an array")
    return numbers


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


def check_returnable(like: Callable[[Array], Any], dtype: DType, function: str, name: str) -> None:
    """Raise if the library of the arguments, to which results are converted, does not support a dtype."""
    try:
        made = like(np.empty(0, dtype))
    except Exception as error:  # each library has its own
        raise TypeError(
            f"{function}: the library of {name} has no arrays of dtype {dtype.name} ({error}); pass an array of NumPy "
            f"made of {name}"
        ) from error
    if is_torch(made) or np.asarray(made).dtype == dtype:
        return
    advice = f"pass an array of NumPy made of {name}"
    if "jax" in sys.modules and isinstance(made, sys.modules["jax"].Array):
        advice = 'switch on 64 bits by jax.config.update("jax_enable_x64", True), or ' + advice
    raise TypeError(
        f"{function}: dtype={dtype.name} would be returned as {made.dtype}, the nearest that the library of {name} "
        f"has; {advice}"
    )


def elements_of(a: Any, depth: int = NESTED) -> Iterator[Any]:
    """Yield the elements of nested sequences that are not sequences themselves."""
    for element in a:
        if not isinstance(element, list | tuple):
            yield element
        elif depth > 0:
            yield from elements_of(element, depth - 1)


def from_sequence(a: Any, function: str, name: str) -> Array:
    try:
        array = np.asarray(a)
        special = _core.holds_special(a, array.ndim)
    except Exception as error:
        for element in elements_of(a):
            if is_traced(element):
                refuse_traced(function, name)
            if is_torch(element):
                raise TypeError(
                    f"{function}: {name} holds tensors that cannot be read ({error}); pass one that can be, such as "
                    f"torch.stack({name}).detach()"
                ) from error
        special = any(_core.has_units(element) or np.ma.is_masked(element) for element in elements_of(a))
        if not special:
            raise
    return np.asarray(without_units(a, function, name)) if special else array


def unwrap(a: Any, function: str, name: str) -> tuple[Array, Callable[[Array], Any] | None]:
    """Return an argument as an ndarray, and the function that converts results to its type, or None."""
    if is_masked(a):
        return unmask(a, function, name), None
    if isinstance(a, np.ndarray | np.generic | list | tuple | int | float | complex):
        array = from_sequence(a, function, name) if isinstance(a, list | tuple) else np.asarray(a)
        if array.dtype == BFLOAT16:
            refuse_dtype(array.dtype, function, name)
        if _core.has_units(a):
            array = np.asarray(without_units(a, function, name))
        return array, None
    if is_torch(a):
        return from_torch(a, function, name), to_torch
    if is_dask(a):
        refuse_dask(function, name)
    if is_traced(a):
        refuse_traced(function, name)
    if is_sparse(a):
        refuse_sparse(function, name)
    if _core.has_units(a):
        return np.asarray(without_units(a, function, name)), None
    if hasattr(a, "__dlpack__") and hasattr(a, "__dlpack_device__"):
        return from_dlpack(a, function, name), to_namespace(a)
    array = np.asanyarray(a)
    if is_masked(array):
        return unmask(array, function, name), None
    return np.asarray(without_units(array, function, name)), None
