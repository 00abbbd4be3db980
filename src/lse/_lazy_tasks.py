"""What the tasks of a dask graph do: running sums of a chunk, their merging, and results of them."""

import contextlib
import functools
import threading

import numpy as np
from dask.core import flatten

import lse
from lse import _core, _streaming
from lse._arguments import Arguments, is_brain, loadable, stored
from lse._core import LOG_SOFTMAX, SOFTMAX
from lse._results import MINUS_INFINITY, log_of_count, quotient, rounded, weights_alone
from lse._threads import own_limit


def as_task(function):
    """Run as the functions of lse do; in a pool of threads on one thread, for the others have tasks of their own."""

    @functools.wraps(function)
    def task(*args, **kwargs):
        pooled = threading.current_thread() is not threading.main_thread()
        with own_limit(1) if pooled else contextlib.nullcontext():
            return _core.quietly(functools.partial(function, **kwargs), args)

    return task


def by_name(*blocks, function, title, names, unknown, **options):
    """Call with weights and mask by name, once chunks whose lengths nobody knew are seen to match."""
    blocks = [only(block) for block in blocks]
    first = len(blocks) - len(names)
    for axis, meet in unknown:
        lengths = [np.shape(blocks[first + i])[axis] for i in meet]
        if len(set(lengths)) > 1:
            said = ", ".join(f"{name} {np.shape(x)}" for name, x in zip(names, blocks[first:], strict=True))
            raise ValueError(f"{title}: chunks whose lengths were unknown do not match: {said}")
    return function(
        *blocks[: first + 1], **dict(zip(names[1:], blocks[first + 1 :], strict=True)), title=title, **options
    )


def only(block):
    """The one chunk in the lists of lists that dask makes along axes that the result lacks."""
    while isinstance(block, list):
        (block,) = block
    return block


def unchanged(block, axis, keepdims):
    return block


@as_task
def fold(a, b=None, where=True, *, title, weights, axes, to):
    """The running sums of one chunk."""
    args = Arguments(title, a, axes, b=b, where=where, dtype=to)
    dtype = np.float32 if args.dtype.char == "f" else np.float64
    totals = [_streaming.fold(lse.LogSumExp(args.shape, dtype), args)]
    if weights:
        alone = weights_alone(args, False)
        totals.append(_streaming.fold(lse.LogSumExp(alone.shape), alone))
    return tuple(totals)


@as_task
def merge(blocks, axis, keepdims):
    """The running sums of several chunks, in the order of their indices."""
    first, *others = flatten(blocks) if isinstance(blocks, list) else (blocks,)
    totals = tuple(total.copy() for total in first)
    for other in others:
        for total, more in zip(totals, other, strict=True):
            total.merge(more)
    return totals


def shaped(result, to, kept):
    """Rounded once, the axes kept with length 1; a scalar if there are none."""
    return np.expand_dims(rounded(result, to), kept)[()]


@as_task
def value_of(totals, to, kept, signed):
    return shaped(totals[0].log_abs if signed else totals[0].value, to, kept)


@as_task
def sign_of(totals, to, kept):
    return shaped(totals[0].sign, to, kept)


@as_task
def mean_of(totals, to, kept):
    under = totals[1]._parts() if len(totals) > 1 else log_of_count(totals[0].count)
    return shaped(quotient(totals[0]._parts(), under), to, kept)


@as_task
def map_chunk(totals, x, where=True, *, title, axes, to):
    """Softmax or log-softmax of a chunk, whose running sums, and those of what `where` leaves, are known."""
    args, brain = Arguments(title, x, axes, name="x", where=where, dtype=to), is_brain(to)
    operation, outside = (SOFTMAX, 0) if title == "softmax" else (LOG_SOFTMAX, MINUS_INFINITY if brain else -np.inf)
    result = np.empty(args.a.shape, to)
    if args.a.size:
        _core.map_sums(operation, loadable(args.a, np.float64), args.bits, args.single, stored(result), totals[0])
    if args.where is not None:
        some = np.expand_dims(totals[1]._parts()[0] > -np.inf, axes)
        np.copyto(result.view(np.uint16) if brain else result, outside, where=~args.where & some)
    return result


@as_task
def whole_chunk(a, *, title, call, axes, to, **options):
    return call(a, axis=axes, dtype=to, **options)
