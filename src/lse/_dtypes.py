"""Supported dtypes, conversion of others to them, and promotion."""

from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
DType: TypeAlias = np.dtype[Any]

CODES = "efdgFDG"  # NumPy's type characters of the dtypes of results, without bfloat16
BFLOAT16: DType = np.dtype("V2")  # as used for torch's, and by the core for all; that of ml_dtypes is a different dtype
EXPECTED = "expected float16, bfloat16, float32, float64, longdouble, complex64, complex128"
FLOATING = f"{EXPECTED} or clongdouble"
NUMERIC = f"{EXPECTED}, clongdouble, an integer type or bool"


def is_bfloat16(dtype: DType) -> bool:
    return dtype == BFLOAT16 or (dtype.kind == "V" and dtype.name == "bfloat16")


def is_single(dtype: DType) -> bool:
    return dtype.char == "f"


def is_longdouble(dtype: DType) -> bool:
    """Whether it is longdouble or clongdouble."""
    return dtype.char in "gG"


def is_complex(dtype: DType) -> bool:
    return dtype.kind == "c"


def is_floating(dtype: DType) -> bool:
    return dtype.char in CODES or is_bfloat16(dtype)


def is_mergeable(dtype: DType) -> bool:
    """Whether sums of chunks can be merged, as those of `lse.LogSumExp` are."""
    return dtype.char in "efd" or is_bfloat16(dtype)


def refuse_dtype(dtype: DType, function: str, name: str) -> NoReturn:
    raise TypeError(f"{function}: dtype {dtype.name} of {name} is not supported; {NUMERIC}, so convert {name} first")


def floating_dtype(dtype: DType, function: str, name: str) -> DType:
    """Return the dtype in which elements of another dtype are computed."""
    if is_floating(dtype):
        return dtype if dtype.isnative else dtype.newbyteorder("=")
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    refuse_dtype(dtype, function, name)


def real_dtype(dtype: DType) -> DType:
    """Return the dtype of the real part."""
    return np.dtype(dtype.char.lower()) if is_complex(dtype) else dtype


def promote(a: DType, b: DType, function: str) -> DType:
    """Return the dtype in which elements of two floating dtypes are computed together."""
    if a == b:
        return a
    if is_bfloat16(a) or is_bfloat16(b):
        a, b = (np.dtype(np.float32) if is_bfloat16(t) else t for t in (a, b))
    return floating_dtype(np.result_type(a, b), function, "a and b")


def promote_weights(a: object, natural: DType, b: object, dtype: DType, function: str) -> DType:
    """The dtype for elements `a`, computed alone in `natural`, and weights `b` of another dtype, as NumPy's of a * b.

    A Python number does not widen the other one. Integers become float64, but small ones as weights.
    """
    if type(b) in (bool, int, float):
        return natural
    if type(b) is complex:
        return promote(natural, np.dtype(np.complex64), function)
    if type(a) in (bool, int, float):
        return floating_dtype(dtype, function, "b")
    if type(a) is complex:
        return promote(floating_dtype(dtype, function, "b"), np.dtype(np.complex64), function)
    if dtype.kind not in "biu":
        return promote(natural, floating_dtype(dtype, function, "b"), function)
    if is_bfloat16(natural):
        return natural if dtype.itemsize == 1 else np.dtype(np.float32 if dtype.itemsize == 2 else np.float64)
    return np.result_type(natural, dtype)


def as_dtype(dtype: Any, function: str, expected: str) -> DType:
    try:
        found: DType = np.dtype(dtype)
        return found
    except (TypeError, ValueError) as error:
        said = "is not a dtype of NumPy"
        if isinstance(dtype, str) and dtype == "bfloat16":
            said += " before ml_dtypes is imported"
        elif type(dtype).__module__ == "torch":
            said += f"; pass its name, {str(dtype).removeprefix('torch.')!r}"
        raise TypeError(f"{function}: dtype={dtype!r} {said}; {expected}") from error


def check_dtype(dtype: Any, natural: DType, function: str) -> DType:
    """Return the caller's dtype, checked against that of the arguments; the latter if it is None."""
    if dtype is None:
        return natural
    wanted = as_dtype(dtype, function, FLOATING)
    if not is_floating(wanted) or wanted == BFLOAT16:
        raise TypeError(f"{function}: dtype {wanted.name} is not a floating type to compute in; {FLOATING}")
    if is_complex(natural) and not is_complex(wanted):
        raise TypeError(
            f"{function}: the arguments are {natural.name}, which dtype={wanted.name} cannot hold; pass a complex dtype"
        )
    return wanted.newbyteorder("=")


def check_integers(dtype: DType, function: str, name: str) -> None:
    if dtype.kind not in "iu":
        raise TypeError(f"{function}: {name} must be of integers, not {dtype.name}; convert it first")


def fill(result: Array, value: float, where: Array | bool = True) -> None:
    """Fill with a number that bfloat16 holds."""
    if is_bfloat16(result.dtype):
        np.copyto(result.view(np.uint16), np.float32(value).view(np.uint32) >> 16, where=where, casting="unsafe")
    else:
        np.copyto(result, value, where=where)
