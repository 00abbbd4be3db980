"""Sums and maps of groups of elements that have labels: sorted, they are segments."""

import math
import operator
from typing import Any

import numpy as np

from lse import _core, _recorded
from lse._arguments import (
    Arguments,
    broadcast,
    can_hold,
    check_flag,
    check_out,
    empty_like,
    return_result,
)
from lse._backends import backend_for
from lse._dtypes import Array, check_integers, real_dtype
from lse._foreign import is_dask, is_recorded, unwrap
from lse._reductions import lazily
from lse._segments import check_one_axis, with_results

# Labels -----------------------------------------------------------------------------------------------------


def check_index(index: Any, function: str) -> Array:
    given, _ = unwrap(index, function, "index")
    if not given.size and isinstance(index, list | tuple):  # float64 for NumPy
        given = given.astype(np.intp)
    check_integers(given.dtype, function, "index")
    return given


def check_size(size: Any, function: str) -> int | None:
    """Return the number of groups; None if the labels decide."""
    if size is None:
        return None
    if isinstance(size, bool | np.bool_) or not hasattr(size, "__index__"):
        raise TypeError(f"{function}: size must be None or an integer, not {size!r}")
    number = operator.index(size)
    if number < 0:
        raise ValueError(f"{function}: size must not be negative, but is {number}")
    return number


def refuse_label(index: Array, at: tuple[Any, ...], size: int | None, function: str) -> ValueError:
    """The error for the first label that is no group."""
    name = f"{function}: index[{', '.join(map(str, at))}] is {index[at]}"
    if index[at] < 0:
        return ValueError(f"{name}; labels must not be negative")
    return ValueError(f"{name}, but size is {size}; labels must be less than that")


def first_wrong(index: Array, size: int | None) -> tuple[Any, ...] | None:
    """The place of the first label that is negative or too large."""
    wrong = index < 0 if size is None else (index < 0) | (index >= size)
    return np.unravel_index(int(np.argmax(wrong)), index.shape) if wrong.any() else None


def refuse_wrong(index: Array, size: int, function: str) -> None:
    """Raise if a label is no group."""
    at = first_wrong(index, size)
    if at is not None:
        raise refuse_label(index, at, size, function)


def size_of(index: Array, size: int | None, function: str) -> int:
    """The number of groups."""
    if size is not None:
        return size
    if not index.size:
        return 0
    greatest = int(index.max())
    if greatest > np.iinfo(np.intp).max - 1:
        raise ValueError(f"{function}: index has a label of {greatest}, more groups than any memory has room for")
    return max(greatest + 1, 0)


# Groups along one axis --------------------------------------------------------------------------------------


def as_labels(index: Array) -> Array:
    """Labels as the core takes them, without a copy if possible."""
    kind = index.dtype if index.dtype.kind == "i" and index.dtype.itemsize in (4, 8) else np.dtype(np.intp)
    return np.require(index, kind.newbyteorder("="), ["C", "A"])


def as_wide_as(x: Array, y: Array) -> Array:
    return x if x.shape == y.shape else np.broadcast_to(x, y.shape)


class Grouping:
    """Groups along one axis of arrays."""

    def __init__(self, index: Array, size: int, args: Arguments, function: str) -> None:
        self.axis = args.axes[0]
        at = first_wrong(index, size) if index.dtype.kind == "u" and index.dtype.itemsize == 8 else None
        alone = self.moving_part(args.a)
        by_group = None if alone is None else empty_like(alone, alone.dtype)
        try:
            if at is not None:
                raise IndexError(*at)
            self.core = _core.Groups(as_labels(index), size, alone, by_group, self.axis)
        except IndexError as error:
            raise refuse_label(index, error.args, size, function) from None
        self.offsets = self.core.offsets
        b, where = (None if x is None else self.sort(x) for x in (args.b, args.where))
        a = args.a if by_group is None or self.core.in_order else as_wide_as(by_group, args.a)
        self.ordered = args._replace(a=a, b=b, where=where)

    def moving_part(self, x: Array) -> Array | None:
        """The elements that differ along the axis, and of each other axis; None if there are none."""
        if x.strides[self.axis] == 0:
            return None
        return x[tuple(slice(0, 1) if step == 0 else slice(None) for step in x.strides)]

    def sort(self, x: Array) -> Array:
        """The elements of each group after those of the one before it."""
        alone = self.moving_part(x)
        if self.core.in_order or alone is None:
            return x
        result = empty_like(alone, x.dtype)
        self.core.move(alone, result, self.axis, False)
        return as_wide_as(result, x)

    def unsort(self, x: Array, result: Array) -> None:
        self.core.move(result, x, self.axis, True)


# Several axes -----------------------------------------------------------------------------------------------


class Layout:
    """Arrays of several dimensions, whose labels may differ from row to row, as arrays with one axis of groups."""

    def __init__(self, args: Arguments, index: Array, size: int | None, function: str) -> None:
        self.function, self.shape, self.axis = function, args.a.shape, args.axes[0]
        index = self.in_shape(index)
        self.size = size_of(index, size, function)
        self.own = [i for i, n in enumerate(index.shape) if i != self.axis and n != 1]
        self.others = [i for i in range(args.a.ndim) if i not in self.own and i != self.axis]
        if not self.own:
            self.index = index.reshape(-1)
            return
        refuse_wrong(index, self.size, function)
        rows = index.transpose(*self.own, self.axis, *self.others).astype(np.intp)
        lead = [self.shape[i] for i in self.own]
        rows = rows.reshape(*lead, -1)
        rows += self.size * np.arange(math.prod(lead)).reshape(*lead, 1)
        self.index = rows.reshape(-1)

    def in_shape(self, index: Array) -> Array:
        """Labels in the dimensions of the array: those of one dimension are along the axis."""
        if index.ndim == 1:
            if index.size != self.shape[self.axis]:
                raise ValueError(
                    f"{self.function}: index has {index.size} labels, but the axis has length {self.shape[self.axis]}"
                )
            return index.reshape([-1 if i == self.axis else 1 for i in range(len(self.shape))])
        shapes = {"a" if "logsumexp" in self.function else "x": self.shape, "index": index.shape}
        if index.ndim == 0 or broadcast(self.function, **shapes) != self.shape:
            raise ValueError(
                f"{self.function}: index has shape {index.shape}, which does not broadcast to {self.shape}"
            )
        index = index.reshape((1,) * (len(self.shape) - index.ndim) + index.shape)
        if index.shape[self.axis] != self.shape[self.axis]:
            return np.repeat(index, self.shape[self.axis], axis=self.axis)
        return index

    @property
    def groups(self) -> int:
        """How many there are of all rows."""
        rows: int = math.prod(self.shape[i] for i in self.own)
        return self.size * rows

    def flat(self, x: Array) -> Array:
        """An array with the axes of the labels as one."""
        if not self.own:
            return x
        x = x.transpose(*self.own, self.axis, *self.others)
        return x.reshape(-1, *x.shape[len(self.own) + 1 :])

    def unflat(self, x: Array, length: int) -> Array:
        """The reverse, of an array with so many elements along the axis."""
        if not self.own:
            return x
        order = [*self.own, self.axis, *self.others]
        x = x.reshape(*(length if i == self.axis else self.shape[i] for i in order))
        return x.transpose(np.argsort(order))

    def flat_arguments(self, args: Arguments) -> Arguments:
        """The arguments of a call for the groups of all rows."""
        if not self.own:
            return with_results(args, self.size)
        a, b, where = (None if x is None else self.flat(x) for x in (args.a, args.b, args.where))
        return with_results(args._replace(a=args.a if a is None else a, b=b, where=where, axes=(0,)), self.groups)

    def grouping(self, args: Arguments) -> Grouping:
        return Grouping(self.index, self.groups, args, self.function)


def scatter_logsumexp(
    a: Any, index: Any, axis: Any, size: Any, b: Any, return_sign: Any, where: Any, out: Any, dtype: Any
) -> Any:
    function = "scatter_logsumexp"
    if is_dask(a, index, b, where):
        return lazily(function, out, a, index, axis, size, b, return_sign, where=where, dtype=dtype)
    if is_recorded(a, b):
        others = {"b": b, "return_sign": return_sign, "where": where, "out": out}
        labels, size = check_index(index, function), check_size(size, function)
        return _recorded.scatter(function, a, labels, axis, size, dtype, **others)
    args = check_one_axis(function, a, axis, b=b, where=where, dtype=dtype)
    return_sign = check_flag(return_sign, function, "return_sign")
    layout = Layout(args, check_index(index, function), check_size(size, function), function)
    kind = real_dtype(args.dtype) if return_sign else args.dtype
    target = check_out(out, with_results(args, layout.size).shape, kind, function)
    flat = layout.flat_arguments(args)
    grouping = layout.grouping(flat)
    free = not args.overlaps(target) and not return_sign and not layout.own
    result = target if can_hold(target, kind) and free else flat.empty(kind)
    sign = flat.empty(args.dtype) if return_sign else None
    ordered = grouping.ordered
    backend_for(ordered).segment_logsumexp(ordered, grouping.offsets, result, sign)
    value = return_result(layout.unflat(result, layout.size), out, target, args.like)
    if sign is None:
        return value
    return value, return_result(layout.unflat(sign, layout.size), None, None, args.like)


def map_groups(function: str, x: Any, index: Any, axis: Any, size: Any, where: Any, out: Any, dtype: Any) -> Any:
    """Map each group by a function that is named scatter_ and the name of the map."""
    if is_recorded(x):
        labels, size = check_index(index, function), check_size(size, function)
        return _recorded.scatter(function, x, labels, axis, size, dtype, where=where, out=out)
    args = check_one_axis(function, x, axis, name="x", where=where, dtype=dtype)
    layout = Layout(args, check_index(index, function), check_size(size, function), function)
    target = check_out(out, args.a.shape, args.dtype, function)
    if not args.a.size:
        return return_result(empty_like(args.a, args.dtype), out, target, args.like)
    flat = layout.flat_arguments(args)
    grouping = layout.grouping(flat)
    ordered = grouping.ordered
    if layout.own:
        result = empty_like(flat.a, args.dtype)
    elif not grouping.core.in_order and can_hold(target, args.dtype):
        result = target  # everything has been copied from it, if it overlaps
    else:
        result = args.place_for_map(target)
    fresh = ordered.a is not flat.a and ordered.a.dtype == args.dtype and ordered.a.flags.writeable
    mapped = result if grouping.core.in_order else ordered.a if fresh else empty_like(ordered.a, args.dtype)
    backend_for(ordered).map_segments(ordered, grouping.offsets, function.removeprefix("scatter_"), mapped)
    if mapped is not result:
        grouping.unsort(mapped, result)
    value = layout.unflat(result, layout.shape[layout.axis])
    return return_result(value, out, target, args.like)
