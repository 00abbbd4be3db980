"""Axes, weights, masks and outputs: checked, and broadcast to one shape."""

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeGuard, TypeVar

import numpy as np

from lse import _core
from lse._dtypes import (
    BFLOAT16,
    Array,
    DType,
    check_dtype,
    floating_dtype,
    is_bfloat16,
    is_longdouble,
    is_single,
    promote_weights,
)
from lse._foreign import check_returnable, is_masked, is_traced, refuse_traced, unwrap

Axes: TypeAlias = tuple[int, ...]
Like: TypeAlias = Callable[[Array], Any] | None  # converts a result to an array of the caller's library
WITH_WEIGHTS = (
    "logsumexp", "logmeanexp", "segment_logsumexp", "scatter_logsumexp", "LogSumExp.of", "LogSumExp.update",
    "LogSumExp.update_at",
)  # fmt: skip
Given = TypeVar("Given")
Length = TypeVar("Length", int, float)  # dask uses inf for unknown lengths

# Axes and shapes --------------------------------------------------------------------------------------------


def check_flag(value: object, function: str, name: str) -> bool:
    """Return an option that is a bool."""
    if not isinstance(value, bool | int | np.bool_ | np.integer):
        raise TypeError(f"{function}: {name} must be True or False, not {value!r}")
    return bool(value)


def as_axis(axis: Any, function: str, expected: str) -> int:
    """Return an axis as an integer of any size; a bool is refused, as it is probably a misplaced option."""
    if is_traced(axis):
        refuse_traced(function, "axis")
    is_array = isinstance(axis, np.ndarray)
    is_number = axis.ndim == 0 and axis.dtype.kind in "iu" if is_array else hasattr(axis, "__index__")
    if is_number and not isinstance(axis, bool) and not _core.has_units(axis):
        return operator.index(axis)
    said = repr(axis)
    if is_array:
        said = f"an array of shape {axis.shape}"
        if function in WITH_WEIGHTS and axis.dtype.kind not in "iu":
            said += "; weights are the argument b, after axis"
    raise TypeError(f"{function}: axis must be {expected}, not {said}")


def normalize_axes(axis: Any, ndim: int, function: str) -> Axes:
    """Return the axes to reduce, in ascending order."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    numbers = [as_axis(n, function, "None, an integer or a tuple of integers") for n in given]
    count = max(ndim, 1)  # of an array without axes 0 and -1 are taken, as SciPy does, and reduce nothing
    for n in numbers:
        if not -count <= n < count:
            raise np.exceptions.AxisError(n, ndim, function)
    axes = sorted({n % count for n in numbers})
    if len(axes) < len(numbers):
        raise ValueError(f"{function}: repeated axis in {axis}; name each axis once")
    return tuple(axes) if ndim > 0 else ()


def normalize_axis(axis: Any, ndim: int, function: str) -> int:
    """One axis, counted from the first, of an array that has some."""
    number = as_axis(axis, function, "an integer")
    if ndim == 0:
        raise np.exceptions.AxisError(number, ndim, function)
    return normalize_axes(number, ndim, function)[0]


def broadcast(function: str, **shapes: tuple[Length, ...]) -> tuple[Length, ...]:
    """Return the broadcast shape; NumPy's own function is limited to 32 dimensions."""
    ndim = max(map(len, shapes.values()))
    lengths = [(1,) * (ndim - len(shape)) + shape for shape in shapes.values()]
    result = tuple(min(x) if min(x) == 0 else max(x) for x in zip(*lengths, strict=True))
    if all(x in (1, n) for shape in lengths for x, n in zip(shape, result, strict=True)):
        return result
    said = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    raise ValueError(f"{function}: shapes that do not broadcast with each other: {said}")


# Arguments of reductions and maps ---------------------------------------------------------------------------


def read_arrays(
    function: str, read: Callable[[Any, str, str], Given], name: str, a: Any, b: Any, where: Any
) -> dict[str, Given]:
    """Read the elements, and b and where if given; a Python integer as weight is converted to float."""
    arrays = {name: read(a, function, name)}
    if type(b) is int:
        try:
            b = float(b)
        except OverflowError:
            raise ValueError(
                f"{function}: b is an integer beyond the range of float64; add its logarithm to a instead"
            ) from None
    if b is not None:
        arrays["b"] = read(b, function, "b")
    if where is not True:
        arrays["where"] = read(where, function, "where")
    return arrays


def resolve(
    function: str,
    dtypes: dict[str, DType],
    shapes: dict[str, tuple[Length, ...]],
    a: object,
    axis: Any,
    b: object,
    dtype: Any,
) -> tuple[DType, tuple[Length, ...], Axes]:
    """Check the dtypes and shapes of the elements, listed first, and of b and where if present, from NumPy or dask.

    Return the dtype of the computation, the broadcast shape of elements and weights, and the axes to reduce.
    """
    name = next(iter(dtypes))
    natural = floating_dtype(dtypes[name], function, name)
    if "b" in dtypes:
        natural = promote_weights(a, natural, b, dtypes["b"], function)
    result = check_dtype(dtype, natural, function)
    mask = dtypes.get("where")
    if mask is not None and mask != np.bool_:
        raise TypeError(f"{function}: where must be boolean, not {mask.name}; compare, as in where=mask != 0")
    shape = broadcast(function, **{key: x for key, x in shapes.items() if key != "where"})
    if mask is not None and broadcast(function, **{name: shape, "where": shapes["where"]}) != shape:
        raise ValueError(
            f"{function}: where has shape {shapes['where']}, which does not broadcast to that of {name}, {shape}"
        )
    return result, shape, normalize_axes(axis, len(shape), function)


class Arguments(NamedTuple):
    """The arguments of one call: elements, and weights and a mask broadcast to them."""

    a: Array
    b: Array | None
    where: Array | None
    dtype: DType  # of the computation
    axes: Axes
    shape: tuple[int, ...]  # of a reduction's result
    like: Like = None
    nothing: float = math.nan  # what a map makes of a row of nothing

    @property
    def bits(self) -> int:
        """The axes as a bit mask, as the core takes them."""
        return sum(1 << axis for axis in self.axes)

    @property
    def keepdims_shape(self) -> tuple[int, ...]:
        return tuple(1 if i in self.axes else n for i, n in enumerate(self.a.shape))

    @property
    def single(self) -> bool:
        """Whether to compute in single precision."""
        wide = self.b is not None and self.b.dtype.itemsize > 4  # weights that float32 may not represent
        return is_single(self.dtype) and not wide

    def empty(self, dtype: DType) -> Array:
        """A new array for the result of a reduction, whose axes follow each other in memory as those of `a`."""
        return _core.empty_reduced(self.a, self.b, self.bits, self.shape, dtype)

    def overlaps(self, out: Array | None) -> bool:
        return out is not None and any(
            x is not None and np.may_share_memory(x, out) for x in (self.a, self.b, self.where)
        )

    def may_become(self, out: Array) -> bool:
        """Whether a map may write to an output that overlaps its elements, unless it also overlaps the mask."""
        masked = self.where is not None and np.may_share_memory(self.where, out)
        return have_same_places(self.a, out) and not masked

    def place_for_map(self, target: Array | None) -> Array:
        """The caller's output, if the results of a map can be written there directly; otherwise a new array."""
        if can_hold(target, self.dtype) and (not self.overlaps(target) or self.may_become(target)):
            return target
        return empty_like(self.a, self.dtype)

    def weights_alone(self) -> "Arguments":
        """Return the arguments for the sum of the weights: the elements are replaced by zeros."""
        b = np.broadcast_to(1.0, self.a.shape) if self.b is None else self.b
        return self._replace(a=np.broadcast_to(0.0, self.a.shape), b=b, dtype=np.dtype(np.float64))


def check_arguments(
    function: str,
    a: Any,
    axis: Any,
    *,
    name: str = "a",
    keepdims: object = False,
    b: Any = None,
    where: Any = True,
    dtype: Any = None,
) -> Arguments:
    """Check the arguments of a call and broadcast them."""
    given = read_arrays(function, unwrap, name, a, b, where)
    arrays = {key: array for key, (array, _) in given.items()}
    like = given[name][1] or (given["b"][1] if "b" in given else None)
    dtypes, shapes = {key: x.dtype for key, x in arrays.items()}, {key: x.shape for key, x in arrays.items()}
    result, shape, axes = resolve(function, dtypes, shapes, a, axis, b, dtype)
    elements, weights, mask = arrays[name], arrays.get("b"), arrays.get("where")
    if like is not None and (dtype is not None or is_longdouble(result)):
        check_returnable(like, result, function, name)
    if weights is not None:
        weights = np.broadcast_to(weights, shape)
        elements = np.broadcast_to(elements, shape)
    if mask is not None:
        mask = np.broadcast_to(mask, shape)
    if check_flag(keepdims, function, "keepdims"):
        kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    else:
        kept = tuple(n for i, n in enumerate(shape) if i not in axes)
    return Arguments(elements, weights, mask, result, axes, kept, like)


def check_array(function: str, a: Any, dtype: Any) -> tuple[Array, DType, Like]:
    """Check the only array of a call; return it with the dtype of the computation and the converter of results."""
    array, like = unwrap(a, function, "a")
    result = check_dtype(dtype, floating_dtype(array.dtype, function, "a"), function)
    if like is not None and dtype is not None:
        check_returnable(like, result, function, "a")
    return array, result, like


def check_empty(empty: object, function: str) -> float:
    """Return what rows of nothing become."""
    if isinstance(empty, bool | np.bool_) or not isinstance(empty, int | float | np.integer | np.floating):
        raise TypeError(f"{function}: empty must be a real number, not {empty!r}")
    return float(empty)


# Outputs ----------------------------------------------------------------------------------------------------


def check_out(out: Any, shape: tuple[int, ...], dtype: DType, function: str) -> Array | None:
    """Return the caller's output as a base-class ndarray, whatever its subclass claims; None if there is none."""
    if out is None:
        return None
    if is_masked(out):
        raise TypeError(f"{function}: out must not be a masked array, whose mask would be ignored; pass out.data")
    if not isinstance(out, np.ndarray):
        raise TypeError(
            f"{function}: out must be an array of NumPy, not {type(out).__name__}; pass one of shape {shape}"
        )
    if _core.has_units(out):
        raise TypeError(
            f"{function}: out is an array of class {type(out).__name__}, whose own rules (__array_ufunc__) would be "
            "ignored; pass out.view(numpy.ndarray)"
        )
    target = np.asarray(out)
    if target.shape != shape:
        raise ValueError(f"{function}: out has shape {target.shape}, but the result has shape {shape}")
    if not target.flags.writeable:
        raise ValueError(f"{function}: out is read-only; pass an array that can be written to")
    numeric = target.dtype.kind in "fc" or is_bfloat16(target.dtype)
    if BFLOAT16 in (dtype, target.dtype) or not numeric or not np.can_cast(dtype, target.dtype, "same_kind"):
        raise TypeError(
            f"{function}: cannot cast the result from {dtype.name} to {target.dtype.name} of out with casting rule "
            f"'same_kind'; pass an out of {dtype.name}"
        )
    return target


def can_hold(target: Array | None, dtype: DType) -> TypeGuard[Array]:
    """Whether there is an output to which results of a dtype can be written directly."""
    return target is not None and target.dtype == dtype and target.dtype.isnative and target.flags.aligned


def empty_like(a: Array, dtype: DType) -> Array:
    """A new array of the shape of another, whose axes follow each other in memory in the same order."""
    return _core.empty_reduced(a, None, 0, a.shape, dtype)


def have_same_places(a: Array, b: Array) -> bool:
    """Whether element i of both arrays has the same address, for all i."""
    return (
        a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and a.strides == b.strides
        and a.dtype == b.dtype
    )


def return_result(result: Array, out: Any, target: Array | None, like: Like) -> Any:
    """Return `out`, whose memory is that of `target`, if given; else an array like the input, or a scalar if 0-d."""
    if target is not None:
        if result is not target:
            np.copyto(target, result, casting="same_kind")
        return out
    if like is not None:
        return like(result)
    return result[()] if result.ndim == 0 else result
