"""Reductions of dask arrays: the running sums of every chunk, merged by a tree of tasks."""

import math
import operator

import dask
import dask.array as da
import numpy as np

import lse
from lse._arguments import (
    as_float,
    asked,
    axes_of,
    broadcast,
    check_mask,
    flag,
    of_weights,
    real_or_complex,
    refuse_mask,
)
from lse._foreign import BRAIN, is_masked, unwrap
from lse._lazy_tasks import by_name, fold, map_chunk, mean_of, merge, sign_of, unchanged, value_of, whole_chunk

KNOW_THEM = "call compute_chunk_sizes() on the arrays that have them"

# Arguments --------------------------------------------------------------------------------------------------


def as_dask(a, function, name):
    """An argument as a dask array of NumPy arrays."""
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
    if a.dtype == BRAIN:
        raise TypeError(f"{function}: a dask array cannot hold bfloat16 of torch; pass {name}.float()")
    return da.from_array(a)


def checked_split(split_every, axes, ndim, function):
    """How many chunks a task merges, with axes counted from the first."""
    if split_every is None:
        return None
    lengths = split_every.values() if isinstance(split_every, dict) else [split_every]
    try:
        if any(operator.index(n) < 2 for n in lengths):
            raise ValueError(f"{function}: split_every={split_every!r}: a task must merge 2 chunks or more")
        if not isinstance(split_every, dict):
            return operator.index(split_every)
        found = {axes_of((axis,), ndim, function)[0]: operator.index(n) for axis, n in split_every.items()}
    except TypeError:
        raise TypeError(
            f"{function}: split_every must be an integer, or a dict of an integer for each axis, not {split_every!r}"
        ) from None
    if len(found) < len(split_every) or not set(found) <= set(axes):
        raise ValueError(f"{function}: split_every={split_every!r} must name each axis once, and none but {axes}")
    return found


def check_unknown(function, arrays):
    """Raise where a chunk of unknown length meets one that it cannot be told to fit.

    Return the axes of such lengths, counted from the last, as -1, each with the numbers of the arrays whose chunks must
    be found to have the same length.
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


def without_empty_chunks(a):
    """The same array, where dask's alignment would trip over chunks of length 0."""
    known = {axis: lengths for axis, lengths in enumerate(a.chunks) if 0 in lengths and not math.isnan(sum(lengths))}
    return a.rechunk({axis: tuple(n for n in lengths if n) or (0,) for axis, lengths in known.items()})


class LazyArguments:
    """The arguments of one call, as dask arrays whose chunks lie above each other."""

    def __init__(self, function, a, axis, *, name="a", b=None, where=True, dtype=None, split_every=None):
        self.function, self.name = function, name
        arrays = {name: as_dask(a, function, name)}
        natural = real_or_complex(arrays[name].dtype, function, name)
        if b is not None:
            arrays["b"] = as_dask(as_float(b, function) if type(b) is int else b, function, "b")
            natural = of_weights(arrays["b"], b, natural, function)
        self.dtype = natural if dtype is None else asked(dtype, natural, function)
        if where is not True:
            arrays["where"] = where = as_dask(where, function, "where")
            if where.dtype != np.bool_:
                refuse_mask(function, where.dtype)
        self.unknown = check_unknown(function, arrays)
        self._check_shapes({x: tuple(math.inf if math.isnan(n) else n for n in y.shape) for x, y in arrays.items()})
        self.ndim = max(x.ndim for x in arrays.values())
        self.axes = axes_of(axis, self.ndim, function)
        self.split_every = checked_split(split_every, self.axes, self.ndim, function)
        arrays = {name: without_empty_chunks(x) for name, x in arrays.items()}
        chunks, aligned = da.unify_chunks(*self._with_indices(arrays.values()))
        self.arrays = dict(zip(arrays, aligned, strict=True))
        self.whole = all(len(chunks[axis]) == 1 for axis in self.axes)  # no sum has terms of two chunks
        if not self.whole and (self.dtype.kind == "c" or self.dtype.char == "g"):
            instead = "" if natural.kind == "c" else ", or pass dtype=float64 if it can hold them"
            raise TypeError(
                f"{function}: {self.dtype.name} sums cannot be merged across chunks; rechunk the arguments so that "
                f"the axes {self.axes} have one chunk each{instead}"
            )

    def _check_shapes(self, shapes):
        shape = broadcast(self.function, **{name: x for name, x in shapes.items() if name != "where"})
        if "where" in shapes:
            check_mask(self.function, self.name, shape, shapes["where"])

    def _with_indices(self, arrays):
        """Pairs of an array and its axes, as dask's blockwise takes them."""
        return [x for array in arrays for x in (array, tuple(range(self.ndim - array.ndim, self.ndim)))]

    def blockwise(self, function, *more, keep="whole", **options):
        """One task for each chunk; the axes keep their lengths, or become "ones", or are dropped by "none"."""
        left = tuple(i for i in range(self.ndim) if keep != "none" or i not in self.axes)
        return da.blockwise(
            by_name, left, *self._with_indices([*more, *self.arrays.values()]), token=f"lse-{self.function}",
            adjust_chunks=dict.fromkeys(self.axes, 1) if keep == "ones" else None, meta=empty(len(left), self.dtype),
            function=function, title=self.function, names=tuple(self.arrays), unknown=self.unknown, axes=self.axes,
            to=self.dtype, **options,
        )  # fmt: skip

    def whole_chunks(self, call, keepdims, **options):
        """A function of lse applied to each chunk, in which whole sums lie."""
        keep = "ones" if keepdims else "none"
        return self.blockwise(whole_chunk, keep=keep, call=call, keepdims=keepdims, **options)

    def sums(self, keepdims, weights=False):
        """Running sums, those of all chunks along the axes in one; with `weights` those of the weights alone too."""
        chunks = self.blockwise(fold, keep="ones", weights=weights)
        ndim = self.ndim if keepdims else self.ndim - len(self.axes)
        return da.reduction(
            chunks, unchanged, merge, axis=self.axes, keepdims=keepdims, dtype=self.dtype, concatenate=False,
            split_every=self.split_every, name=f"lse-{self.function}", meta=empty(ndim, self.dtype),
        )  # fmt: skip


def empty(ndim, dtype):
    """What dask knows results by before there are any."""
    return np.empty((0,) * ndim, dtype)


# Functions --------------------------------------------------------------------------------------------------


def mapped(args, blocks, function, dtype=None, **options):
    """A result from each block."""
    axes, meta = tuple(range(blocks.ndim)), empty(blocks.ndim, dtype or args.dtype)
    return da.blockwise(function, axes, blocks, axes, meta=meta, token=f"lse-{args.function}", **options)


def logsumexp(a, axis, b, keepdims, return_sign, where, dtype, split_every):
    args = LazyArguments("logsumexp", a, axis, b=b, where=where, dtype=dtype, split_every=split_every)
    keepdims, return_sign = flag(keepdims, "logsumexp", "keepdims"), flag(return_sign, "logsumexp", "return_sign")
    if args.whole:
        results = args.whole_chunks(lse.logsumexp, keepdims, return_sign=return_sign)
        if not return_sign:
            return results
        real = args.dtype.type(0).real.dtype
        return mapped(args, results, operator.itemgetter(0), real), mapped(args, results, operator.itemgetter(1))
    sums, options = args.sums(keepdims), {"to": args.dtype, "kept": args.axes if keepdims else ()}
    value = mapped(args, sums, value_of, signed=return_sign, **options)
    return (value, mapped(args, sums, sign_of, **options)) if return_sign else value


def logmeanexp(a, axis, b, keepdims, where, dtype, split_every):
    args = LazyArguments("logmeanexp", a, axis, b=b, where=where, dtype=dtype, split_every=split_every)
    keepdims = flag(keepdims, "logmeanexp", "keepdims")
    if args.whole:
        return args.whole_chunks(lse.logmeanexp, keepdims)
    sums = args.sums(keepdims, weights=len(args.arrays) > 1)
    return mapped(args, sums, mean_of, to=args.dtype, kept=args.axes if keepdims else ())


def softmax(function, x, axis, where, dtype, split_every):
    """Or the log-softmax."""
    args = LazyArguments(function, x, axis, name="x", where=where, dtype=dtype, split_every=split_every)
    if args.whole:
        return args.blockwise(whole_chunk, call=getattr(lse, function))
    sums = args.sums(True, weights="where" in args.arrays)
    return args.blockwise(map_chunk, sums)
