"""Reductions of dask arrays: running sums of each chunk, merged by a tree of tasks."""

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import dask
import dask.array as da
import numpy as np

import lse
from lse._arguments import Axes, as_axis, check_empty, check_flag, normalize_axis, read_arrays, resolve
from lse._dtypes import BFLOAT16, Array, DType, check_integers, is_complex, is_mergeable, is_single, real_dtype
from lse._foreign import is_masked, unwrap
from lse._groups import check_size
from lse._integers import differences, is_integer
from lse._lazy_tasks import (
    by_name,
    fold,
    fold_groups,
    groups_of,
    map_chunk,
    mean_of,
    merge,
    product_of,
    scatter_chunk,
    sign_of,
    signs_of_groups,
    unchanged,
    value_of,
    whole_chunk,
)  # fmt: skip
from lse._products import result_dtype, result_shapes

Unknown: TypeAlias = tuple[tuple[int, tuple[int, ...]], ...]

KNOW_THEM = "call compute_chunk_sizes() on the arrays that have them"

# Arguments --------------------------------------------------------------------------------------------------


def as_dask(a: Any, function: str, name: str) -> da.Array:
    """Return an argument as a dask array of NumPy arrays."""
    if dask.is_dask_collection(a):
        a = da.asarray(a)
        if is_masked(a._meta):
            raise TypeError(
                f"{function}: {name} is an array of masked chunks, whose masks would be ignored; pass "
                f"dask.array.ma.getdata({name}), where=~dask.array.ma.getmaskarray({name}) to leave out what they mask"
            )
        if not isinstance(a._meta, np.ndarray):
            raise TypeError(
                f"{function}: the chunks of {name} are of {type(a._meta).__name__}, not NumPy arrays; map over them "
                "what makes them so"
            )
        return a
    a, _ = unwrap(a, function, name)
    if a.dtype == BFLOAT16:
        raise TypeError(f"{function}: a dask array cannot hold bfloat16 of torch; pass {name}.float()")
    return da.from_array(a)


def check_split(split_every: Any, axes: Axes, ndim: int, function: str) -> int | dict[int, int] | None:
    """Return how many chunks a task merges, with axes counted from the first."""
    if split_every is None:
        return None
    lengths = split_every.values() if isinstance(split_every, dict) else [split_every]
    try:
        if any(operator.index(n) < 2 for n in lengths):
            raise ValueError(f"{function}: split_every={split_every!r}: a task must merge 2 chunks or more")
        if not isinstance(split_every, dict):
            return operator.index(split_every)
        found = {normalize_axis(axis, ndim, function): operator.index(n) for axis, n in split_every.items()}
    except TypeError:
        raise TypeError(
            f"{function}: split_every must be an integer, or a dict of an integer for each axis, not {split_every!r}"
        ) from None
    if len(found) < len(split_every) or not set(found) <= set(axes):
        raise ValueError(f"{function}: split_every={split_every!r} must name each axis once, and none but {axes}")
    return found


def check_unknown(function: str, arrays: dict[str, da.Array]) -> Unknown:
    """Raise where a chunk of unknown length cannot be matched with another.

    Return the axes of unknown lengths, counted from the last, as -1, each with the indices of the arrays whose chunks
    must turn out to have the same length.
    """
    unknown = []
    for axis in range(-max(x.ndim for x in arrays.values()), 0):
        meet = [i for i, x in enumerate(arrays.values()) if x.ndim >= -axis and x.shape[axis] != 1]
        chunks = [x.chunks[axis] for i, x in enumerate(arrays.values()) if i in meet]
        if any(math.isnan(sum(lengths)) for lengths in chunks):
            unknown.append((axis, tuple(meet)))
            if len({(len(lengths), math.isnan(sum(lengths))) for lengths in chunks}) > 1:
                said = ", ".join(f"{name} {x.shape}" for name, x in arrays.items())
                raise ValueError(f"{function}: chunk sizes unknown where shapes must match: {said}; " + KNOW_THEM)
    return tuple(unknown)


def without_empty_chunks(a: da.Array) -> da.Array:
    """Return the array without empty chunks, which dask's alignment cannot handle."""
    known = {axis: lengths for axis, lengths in enumerate(a.chunks) if 0 in lengths and not math.isnan(sum(lengths))}
    return a.rechunk({axis: tuple(n for n in lengths if n) or (0,) for axis, lengths in known.items()})


def with_indices(arrays: Iterable[da.Array], ndim: int) -> list[Any]:
    """Return pairs of an array and its axes, as dask's blockwise takes them."""
    return [x for array in arrays for x in (array, tuple(range(ndim - array.ndim, ndim)))]


@dataclass(frozen=True, slots=True, eq=False)
class LazyArguments:
    """The arguments of one call, as dask arrays with aligned chunks."""

    function: str
    arrays: dict[str, da.Array]
    dtype: DType
    ndim: int
    axes: Axes
    whole: bool  # each sum is within one chunk
    unknown: Unknown
    split_every: int | dict[int, int] | None

    def blockwise(
        self, function: Callable[..., Any], *more: da.Array, keep: str = "whole",
        lengths: dict[int, int] | None = None, **options: Any,
    ) -> da.Array:  # fmt: skip
        """Apply a function to chunks; axes keep their length ("whole"), get length 1 ("ones"), or one of their own, or
        vanish ("none")."""
        adjusted = lengths or dict.fromkeys(self.axes, 1)
        left = tuple(i for i in range(self.ndim) if keep != "none" or i not in self.axes)
        return da.blockwise(
            by_name, left, *with_indices([*more, *self.arrays.values()], self.ndim), token=f"lse-{self.function}",
            adjust_chunks=adjusted if keep == "ones" else None, meta=meta_for(len(left), self.dtype),
            function=function, title=self.function, names=tuple(self.arrays), unknown=self.unknown, axes=self.axes,
            to=self.dtype, **options,
        )  # fmt: skip

    def whole_chunks(self, call: Callable[..., Any], keepdims: bool, **options: Any) -> da.Array:
        """Apply a function of lse to each chunk, where each holds whole sums."""
        keep = "ones" if keepdims else "none"
        return self.blockwise(whole_chunk, keep=keep, call=call, keepdims=keepdims, **options)

    def sums(self, keepdims: bool, weights: bool = False) -> da.Array:
        """Return the running sums, merged along the axes; with `weights` also those of the weights alone."""
        return self.merged(self.blockwise(fold, keep="ones", weights=weights), keepdims)

    def merged(self, chunks: da.Array, keepdims: bool) -> da.Array:
        ndim = self.ndim if keepdims else self.ndim - len(self.axes)
        return da.reduction(
            chunks, unchanged, merge, axis=self.axes, keepdims=keepdims, dtype=self.dtype, concatenate=False,
            split_every=self.split_every, name=f"lse-{self.function}", meta=meta_for(ndim, self.dtype),
        )  # fmt: skip


def meta_for(ndim: int, dtype: DType) -> Array:
    """Return an empty array, the `meta` that describes results to dask."""
    return np.empty((0,) * ndim, dtype)


def check_arguments(
    function: str,
    a: Any,
    axis: Any,
    *,
    name: str = "a",
    b: Any = None,
    where: Any = True,
    dtype: Any = None,
    split_every: Any = None,
) -> LazyArguments:
    """Check the arguments of a call and align the chunks."""
    arrays = read_arrays(function, as_dask, name, a, b, where)
    unknown = check_unknown(function, arrays)
    dtypes = {key: x.dtype for key, x in arrays.items()}
    shapes = {key: tuple(math.inf if math.isnan(n) else n for n in x.shape) for key, x in arrays.items()}
    result, shape, axes = resolve(function, dtypes, shapes, a, axis, b, dtype)
    ndim = len(shape)
    split_every = check_split(split_every, axes, ndim, function)
    chunks, aligned = da.unify_chunks(*with_indices(map(without_empty_chunks, arrays.values()), ndim))
    whole = all(len(chunks[axis]) == 1 for axis in axes)
    if not whole and not is_mergeable(result):
        instead = "" if any(map(is_complex, dtypes.values())) else ", or pass dtype=float64 if it can hold them"
        raise TypeError(
            f"{function}: {result.name} sums cannot be merged across chunks; rechunk the arguments so that the axes "
            f"{axes} have one chunk each{instead}"
        )
    arrays = dict(zip(arrays, aligned, strict=True))
    return LazyArguments(function, arrays, result, ndim, axes, whole, unknown, split_every)


# Functions --------------------------------------------------------------------------------------------------


def map_blocks(
    args: LazyArguments,
    blocks: da.Array,
    function: Callable[..., Any],
    dtype: DType | None = None,
    lengths: dict[int, int] | None = None,
    **options: Any,
) -> da.Array:
    """Return an array with a result for each block, of the same lengths but those given."""
    axes, meta = tuple(range(blocks.ndim)), meta_for(blocks.ndim, dtype or args.dtype)
    return da.blockwise(
        function, axes, blocks, axes, meta=meta, token=f"lse-{args.function}", adjust_chunks=lengths, **options
    )


def logsumexp(
    a: Any, axis: Any, b: Any, keepdims: Any, return_sign: Any, where: Any, dtype: Any, split_every: Any
) -> Any:
    args = check_arguments("logsumexp", a, axis, b=b, where=where, dtype=dtype, split_every=split_every)
    keepdims = check_flag(keepdims, "logsumexp", "keepdims")
    return_sign = check_flag(return_sign, "logsumexp", "return_sign")
    if args.whole:
        results = args.whole_chunks(lse.logsumexp, keepdims, return_sign=return_sign)
        if not return_sign:
            return results
        value = map_blocks(args, results, operator.itemgetter(0), real_dtype(args.dtype))
        return value, map_blocks(args, results, operator.itemgetter(1))
    sums, kept = args.sums(keepdims), args.axes if keepdims else ()
    value = map_blocks(args, sums, value_of, signed=return_sign, to=args.dtype, kept=kept)
    return (value, map_blocks(args, sums, sign_of, to=args.dtype, kept=kept)) if return_sign else value


def logmeanexp(a: Any, axis: Any, b: Any, keepdims: Any, where: Any, dtype: Any, split_every: Any) -> da.Array:
    args = check_arguments("logmeanexp", a, axis, b=b, where=where, dtype=dtype, split_every=split_every)
    keepdims = check_flag(keepdims, "logmeanexp", "keepdims")
    if args.whole:
        return args.whole_chunks(lse.logmeanexp, keepdims)
    sums = args.sums(keepdims, weights=len(args.arrays) > 1)
    return map_blocks(args, sums, mean_of, to=args.dtype, kept=args.axes if keepdims else ())


def less_greatest(args: LazyArguments) -> LazyArguments:
    """64-bit integers less the greatest of their row, of which another pass is needed, where float64 rounds them."""
    x, where = args.arrays["x"], args.arrays.get("where")
    if not is_integer(x) or is_single(args.dtype) or 0 in x.shape:
        return args
    counted = x if where is None else da.where(where, x, np.iinfo(x.dtype).min)
    base = counted.max(axis=args.axes, keepdims=True)
    axes = tuple(range(x.ndim))
    x = da.blockwise(differences, axes, x, axes, base.astype(x.dtype.newbyteorder("=")), axes, dtype=np.float64)
    return replace(args, arrays={**args.arrays, "x": x})


def softmax(function: str, x: Any, axis: Any, where: Any, dtype: Any, empty: Any, split_every: Any) -> da.Array:
    """Softmax or log-softmax."""
    args = check_arguments(function, x, axis, name="x", where=where, dtype=dtype, split_every=split_every)
    empty = check_empty(empty, function)
    if args.whole:
        return args.blockwise(whole_chunk, call=getattr(lse, function), empty=empty)
    args = less_greatest(args)
    sums = args.sums(True, weights="where" in args.arrays)
    return args.blockwise(map_chunk, sums, empty=empty)


def scatter_logsumexp(
    a: Any, index: Any, axis: Any, size: Any, b: Any, return_sign: Any, where: Any, dtype: Any, split_every: Any
) -> Any:
    """Groups by label: the running sums of all groups of each chunk along the axis, merged."""
    function = "scatter_logsumexp"
    axis = as_axis(axis, function, "an integer")
    args = check_arguments(function, a, axis, b=b, where=where, dtype=dtype, split_every=split_every)
    return_sign, count = check_flag(return_sign, function, "return_sign"), check_size(size, function)
    if not args.axes:
        raise np.exceptions.AxisError(axis, 0, function)
    if count is None:
        raise TypeError(
            f"{function}: size must be given for dask arrays, whose labels are not known before they are read"
        )
    axis, labels = args.axes[0], as_dask(index, function, "index")
    check_integers(labels.dtype, function, "index")
    lengths = da.unify_chunks(*with_indices(args.arrays.values(), args.ndim))[0][axis]
    if math.isnan(sum(lengths)) or math.isnan(sum(labels.shape)):
        raise ValueError(f"{function}: chunk sizes unknown along the axis; {KNOW_THEM}")
    if labels.ndim != 1 or labels.size != sum(lengths):
        raise ValueError(
            f"{function}: index has shape {labels.shape}, but the axis has length {sum(lengths)}; labels of dask "
            "arrays have one dimension"
        )
    labels = labels.rechunk((lengths,))[(None,) * axis + (slice(None),) + (None,) * (args.ndim - axis - 1)]
    grown = {axis: count}
    if args.whole:
        results = args.blockwise(scatter_chunk, labels, keep="ones", lengths=grown, size=count, return_sign=return_sign)
        if not return_sign:
            return results
        value = map_blocks(args, results, operator.itemgetter(0), real_dtype(args.dtype))
        return value, map_blocks(args, results, operator.itemgetter(1))
    chunks = args.blockwise(fold_groups, labels, keep="ones", size=count)
    sums = args.merged(chunks, keepdims=True)
    value = map_blocks(args, sums, groups_of, lengths=grown, to=args.dtype, axis=axis, signed=return_sign)
    if not return_sign:
        return value
    return value, map_blocks(args, sums, signs_of_groups, lengths=grown, to=args.dtype, axis=axis)


def logmatmulexp(a: Any, b: Any, dtype: Any) -> da.Array:
    """Each task multiplies the chunks of some rows by those of some columns."""
    function = "logmatmulexp"
    a, b = (
        as_dask(np.asarray(x) if isinstance(x, lse.LogMatrix) else x, function, name)
        for x, name in ((a, "a"), (b, "b"))
    )
    kind = result_dtype(a.dtype, b.dtype, dtype)
    if any(math.isnan(n) for x in (a, b) for n in x.shape):
        raise ValueError(f"{function}: chunk sizes unknown; {KNOW_THEM}")
    first, shape = result_shapes(a.shape, b.shape)
    left, right = a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    row, column, step = range(len(first), len(first) + 3)
    whole = da.blockwise(
        product_of, (*range(len(first)), row, column),
        left, (*range(len(first) + 2 - left.ndim, len(first)), row, step),
        right, (*range(len(first) + 2 - right.ndim, len(first)), step, column),
        concatenate=True, token=f"lse-{function}", to=kind, meta=meta_for(len(first) + 2, kind),
    )  # fmt: skip
    return whole.reshape(shape)
