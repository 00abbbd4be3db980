"""The tasks of a dask graph: running sums of a chunk, their merging, and results from them."""

import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from dask.core import flatten

import lse
from lse import _core, _native, _streaming
from lse._arguments import Axes, check_arguments
from lse._double_double import divide
from lse._dtypes import Array, DType, fill, is_single
from lse._threads import own_limit

Totals: TypeAlias = tuple[Any, ...]  # running sums, and those of the weights if needed


def as_task(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function like the public ones; in a thread pool on one thread, as the others have their own tasks."""

    @functools.wraps(function)
    def task(*args: Any, **kwargs: Any) -> Any:
        pooled = threading.current_thread() is not threading.main_thread()
        with own_limit(1) if pooled else contextlib.nullcontext():
            return _core.quietly(functools.partial(function, **kwargs), args)

    return task


def by_name(
    *arguments: Any,
    function: Callable[..., Any],
    title: str,
    names: tuple[str, ...],
    unknown: tuple[tuple[int, tuple[int, ...]], ...],
    **options: Any,
) -> Any:
    """Pass weights and mask by name, after checking that chunks of unknown lengths match."""
    blocks = [only(block) for block in arguments]
    first = len(blocks) - len(names)
    for axis, meet in unknown:
        lengths = [np.shape(blocks[first + i])[axis] for i in meet]
        if len(set(lengths)) > 1:
            said = ", ".join(f"{name} {np.shape(x)}" for name, x in zip(names, blocks[first:], strict=True))
            raise ValueError(f"{title}: chunks whose lengths were unknown do not match: {said}")
    return function(
        *blocks[: first + 1], **dict(zip(names[1:], blocks[first + 1 :], strict=True)), title=title, **options
    )


def only(block: Any) -> Any:
    """Return the only chunk in the nested lists that dask makes along axes missing from the result."""
    while isinstance(block, list):
        (block,) = block
    return block


def unchanged(block: Any, axis: Any, keepdims: Any) -> Any:
    return block


@as_task
def fold(a: Any, b: Any = None, where: Any = True, *, title: str, weights: bool, axes: Axes, to: DType) -> Totals:
    """Return the running sums of one chunk."""
    args = check_arguments(title, a, axes, b=b, where=where, dtype=to)
    dtype = np.float32 if is_single(args.dtype) else np.float64
    totals = [_streaming.fold(lse.LogSumExp(args.shape, dtype), args)]
    if weights:
        alone = args.weights_alone()
        totals.append(_streaming.fold(lse.LogSumExp(alone.shape), alone))
    return tuple(totals)


def in_shape(shape: tuple[int, ...], axis: int, *arrays: Any) -> list[Any]:
    """Arrays broadcast to one shape, the axis of the groups first; None and True are left as they are."""
    return [x if x is None or x is True else np.moveaxis(np.broadcast_to(x, shape), axis, 0) for x in arrays]


@as_task
def fold_groups(
    index: Array, a: Any, b: Any = None, where: Any = True, *, title: str, axes: Axes, to: DType, size: int
) -> Totals:
    """Return the running sums of the groups of one chunk."""
    (axis,), wide = axes, np.broadcast_shapes(*(np.shape(x) for x in (index, a, b) if x is not None))
    dtype = np.float32 if is_single(to) else np.float64
    total = lse.LogSumExp((size, *wide[:axis], *wide[axis + 1 :]), dtype)
    a, b, where = in_shape(wide, axis, a, b, where)
    return (total.update_at(index.reshape(-1), a, b, where=where),)


@as_task
def scatter_chunk(index: Array, a: Any, *, title: str, axes: Axes, to: DType, **options: Any) -> Any:
    """The groups of a chunk that holds all of them."""
    result = lse.scatter_logsumexp(a, index.reshape(-1), axes[0], dtype=to, **options)
    return result


@as_task
def groups_of(totals: Totals, to: DType, axis: int, signed: bool) -> Array:
    return np.moveaxis(_native.rounded(totals[0].log_abs if signed else totals[0].value, to), 0, axis)


@as_task
def signs_of_groups(totals: Totals, to: DType, axis: int) -> Array:
    return np.moveaxis(_native.rounded(totals[0].sign, to), 0, axis)


@as_task
def merge(blocks: Any, axis: Any, keepdims: Any) -> Totals:
    """Merge the running sums of several chunks, in index order."""
    first, *others = flatten(blocks) if isinstance(blocks, list) else (blocks,)
    totals = tuple(total.copy() for total in first)
    for other in others:
        for total, more in zip(totals, other, strict=True):
            total.merge(more)
    return totals


def as_result(values: Array, to: DType, kept: Axes) -> Any:
    """Round once, keeping the axes with length 1; return a scalar if there are none."""
    return np.expand_dims(_native.rounded(values, to), kept)[()]


@as_task
def value_of(totals: Totals, to: DType, kept: Axes, signed: bool) -> Any:
    return as_result(totals[0].log_abs if signed else totals[0].value, to, kept)


@as_task
def sign_of(totals: Totals, to: DType, kept: Axes) -> Any:
    return as_result(totals[0].sign, to, kept)


@as_task
def mean_of(totals: Totals, to: DType, kept: Axes) -> Any:
    under = totals[1]._parts() if len(totals) > 1 else _core.log_of_count(totals[0].count)
    return as_result(divide(totals[0]._parts(), under), to, kept)


@as_task
def map_chunk(totals: Totals, x: Any, where: Any = True, *, title: str, axes: Axes, to: DType, empty: float) -> Array:
    """Softmax or log-softmax of a chunk from its running sums and, for `where`, those of the included elements."""
    args, log = check_arguments(title, x, axes, name="x", where=where, dtype=to), title == "log_softmax"
    result = np.empty(args.a.shape, to)
    if args.a.size:
        _native.map_sums(args, log, totals[0], result)
    if not np.isnan(empty):
        nothing = np.expand_dims(np.isneginf(totals[0]._parts()[0]), axes)
        np.copyto(result, _native.rounded(np.array(empty), to), where=nothing)
    if args.where is not None:
        some = np.expand_dims(totals[1]._parts()[0] > -np.inf, axes)
        fill(result, -np.inf if log else 0, where=~args.where & some)
    return result


@as_task
def whole_chunk(a: Any, *, title: str, call: Callable[..., Any], axes: Axes, to: DType, **options: Any) -> Any:
    return call(a, axis=axes, dtype=to, **options)


@as_task
def product_of(a: Array, b: Array, *, to: DType) -> Array:
    """Multiply matrices, or stacks of them."""
    result: Array = lse.logmatmulexp(a, b, dtype=to)
    return result
