"""From the arguments of `LogSumExp` to its state, and back."""

import functools
import math
import operator
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lse import _core, _integers
from lse._arguments import Arguments, broadcast, check_arguments
from lse._dtypes import Array, as_dtype, is_mergeable
from lse._groups import Grouping, check_index, refuse_wrong
from lse._native import as_core_array

STATE_VERSION = 3  # of states as bytes, also in pickles


def checked(kind: type, shape: Any, dtype: Any, others: Sequence[Any]) -> tuple[bool, tuple[int, ...]]:
    """Check the arguments of a class, `others` are too many; return whether results are float32, and the shape."""
    try:
        if others:
            raise TypeError(f"LogSumExp: expected the arguments shape and dtype, not {len(others)} more")
        return check_dtype(dtype), check_shape(shape)
    except TypeError as error:
        if kind is not _core.LogSumExp:
            error.add_note(
                f"{kind.__name__}, a subclass of LogSumExp that takes other arguments, must override __new__ and call "
                "LogSumExp.__new__(cls, shape, dtype) there"
            )
        raise


def check_dtype(dtype: Any) -> bool:
    dtype = as_dtype(dtype, "LogSumExp", "expected float64 or float32").newbyteorder("=")
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"LogSumExp: dtype must be float64 or float32, not {dtype.name}")
    return bool(dtype == np.float32)


def check_shape(shape: Any) -> tuple[int, ...]:
    several = isinstance(shape, Sequence) and not isinstance(shape, str | bytes)
    lengths = tuple(shape) if several or (isinstance(shape, np.ndarray) and shape.ndim > 0) else (shape,)
    if any(isinstance(n, bool) or not hasattr(n, "__index__") for n in lengths):
        raise TypeError(f"LogSumExp: shape must be an integer or a tuple of integers, not {shape!r}")
    lengths = tuple(map(operator.index, lengths))
    if any(n < 0 for n in lengths):
        raise ValueError(f"LogSumExp: shape {shape!r} has a negative length")
    if math.prod(max(n, 1) for n in lengths) > sys.maxsize // 24:
        raise ValueError(f"LogSumExp: shape {shape!r} has more elements than any memory has room for")
    if len(lengths) > 63:
        raise ValueError(f"LogSumExp: shape has {len(lengths)} dimensions; 63 are the most")
    return lengths


# Subclasses, which may have attributes, and constructors that take other arguments


def new(cls: type[_core.LogSumExp], shape: tuple[int, ...], dtype: Any) -> _core.LogSumExp:
    """An empty accumulator of this class, made by no constructor of a subclass; pickles of subclasses name it."""
    return _core.LogSumExp.__new__(cls, shape, dtype)


def construct(cls: Callable[..., Any], shape: tuple[int, ...], dtype: Any, function: str) -> Any:
    """An empty accumulator as a class makes it."""
    if cls is _core.LogSumExp:
        return _core.LogSumExp(shape, dtype)
    name = f"{getattr(cls, '__name__', cls)}(shape, dtype)"
    advice = f"a subclass whose constructor takes other arguments must override {function}"
    try:
        total = cls(shape, dtype)
    except TypeError as error:
        raise TypeError(f"LogSumExp.{function}: {name} failed: {error}; {advice}") from error
    if not isinstance(total, _core.LogSumExp) or _core.LogSumExp.shape.__get__(total) != shape:
        raise TypeError(f"LogSumExp.{function}: {name} returned no accumulator of shape {shape}; {advice}")
    return total


def attributes_of(total: _core.LogSumExp) -> Any:
    """Those that a subclass has, as pickles and copies of any object hold them; None if there are none."""
    return object.__getstate__(total)


def set_attributes(total: _core.LogSumExp, attributes: Any) -> None:
    members, slots = attributes if isinstance(attributes, tuple) else (attributes, None)
    if members:
        total.__dict__.update(members)
    for name, value in (slots or {}).items():
        setattr(total, name, value)


def copy_attributes(source: _core.LogSumExp, target: _core.LogSumExp, memo: dict[int, Any] | None) -> None:
    """Or, with the memo of a deep copy, copy them deeply."""
    attributes = attributes_of(source)
    if memo is not None:
        import copy  # from where this is called

        memo[id(source)] = target  # which an attribute may refer to
        attributes = copy.deepcopy(attributes, memo)
    if attributes is not None:
        set_attributes(target, attributes)


# Data -------------------------------------------------------------------------------------------------------


def checked_arguments(function: str, a: Any, axis: Any, b: Any, where: Any) -> Arguments:
    if isinstance(a, _core.LogSumExp):
        raise TypeError(f"{function}: a is an accumulator, not data; merge() takes those")
    args = check_arguments(function, a, axis, b=b, where=where)
    if not is_mergeable(args.dtype):
        raise TypeError(
            f"{function}: {args.dtype.name} data are not supported; expected float16, bfloat16, float32, float64, an "
            "integer type or bool"
        )
    return args


def prepare_fold(total: Any, args: Arguments) -> Callable[[], object]:
    """Return the call that folds checked arguments in; float32 data alone, in a float32 accumulator, are summed in
    single precision."""
    single = total.dtype == np.float32 and args.dtype == np.float32 and args.single
    if not single and _core.holds_wide_integers(args.a):
        sums, rest = _integers.without_great(args)
        both = fold(_core.LogSumExp.from_bytes(to_bytes(args.shape, False, 0, no_sums(args.shape), sums)), rest)
        return functools.partial(_core.LogSumExp.merge, total, both)
    terms = 1
    if not single and args.b is not None and _core.holds_wide_integers(args.b):
        args, terms = _integers.split(args, None), 2
    a, weights = as_core_array(args.a), None if args.b is None else as_core_array(args.b)
    return functools.partial(total._fold, a, args.where, weights, args.bits, single, terms)


def fold(total: Any, args: Arguments) -> Any:
    prepare_fold(total, args)()
    return total


# What these two return is called where nothing can fail after it: leaving NumPy's errstate may, for want
# of memory, and then the state must not have changed.


def prepare_update(total: _core.LogSumExp, a: Any, axis: Any, b: Any, where: Any) -> Callable[[], object]:
    args = checked_arguments("LogSumExp.update", a, axis, b, where)
    if args.shape != total.shape:
        raise ValueError(
            f"LogSumExp.update: an array of shape {args.a.shape} reduced over axis={axis} has shape {args.shape}, but "
            f"the accumulator has shape {total.shape}"
        )
    return prepare_fold(total, args)


def counts_of(where: Array | None, offsets: Array, shape: tuple[int, ...], terms: int) -> Array:
    """How many elements of each segment of the first axis a mask keeps, where each has so many terms."""
    if where is None:
        counts = np.diff(offsets).reshape(-1, *(1,) * (len(shape) - 1))
    else:
        before = np.zeros((where.shape[0] + 1, *where.shape[1:]), np.int64)
        np.cumsum(where, axis=0, out=before[1:])
        counts = before[offsets[1:]] - before[offsets[:-1]]
    result = np.array(np.broadcast_to(counts // terms, shape), np.int64, order="C")
    result.flags.writeable = False
    return result


def prepare_update_at(total: Any, index: Any, a: Any, b: Any, where: Any) -> Callable[[], object]:
    function = "LogSumExp.update_at"
    args, shape = checked_arguments(function, a, (), b, where), total.shape
    if not shape:
        raise ValueError(f"{function}: the accumulator has no axes; it needs one of sums that labels name")
    labels = check_index(index, function)
    refuse_wrong(labels, shape[0], function)
    wanted = (*labels.shape, *shape[1:])
    if broadcast(function, a=args.a.shape, index=wanted) != wanted:
        raise ValueError(
            f"{function}: a has shape {args.a.shape}, which does not broadcast to {wanted}, the shape of index and of "
            "the accumulator after its first axis"
        )
    labels, terms = labels.reshape(-1), 1
    elements, weights, mask = (
        None if x is None else np.broadcast_to(x, wanted).reshape(-1, *shape[1:]) for x in (args.a, args.b, args.where)
    )
    single = total.dtype == np.float32 and args.dtype == np.float32 and args.single
    if weights is not None and _core.holds_wide_integers(weights) and not single:
        terms, labels = 2, np.concatenate([labels, labels])
        weights = np.concatenate(_integers.in_two_terms(weights.astype(weights.dtype.newbyteorder("="), copy=False)))
        elements, mask = (None if x is None else np.concatenate([x, x]) for x in (elements, mask))
    args = args._replace(a=args.a if elements is None else elements, b=weights, where=mask, axes=(0,))
    grouping = Grouping(labels, shape[0], args, function)
    ordered = grouping.ordered
    counts = counts_of(ordered.where, grouping.offsets, shape, terms)
    weights = None if ordered.b is None else as_core_array(ordered.b)
    a = as_core_array(ordered.a)
    return functools.partial(total._fold_at, a, ordered.where, weights, grouping.offsets, single, counts)


def of(cls: Callable[..., Any], a: Any, axis: Any, b: Any, where: Any, dtype: Any) -> Any:
    args = checked_arguments("LogSumExp.of", a, axis, b, where)
    if dtype is None:
        dtype = np.float32 if args.dtype == np.float32 else np.float64
    return fold(construct(cls, args.shape, dtype, "of"), args)


# Bytes ------------------------------------------------------------------------------------------------------

# States as bytes, as written by lse_state_to_bytes of lse.h for one sum: "lse", the version, the size of the dtype,
# whether there are weighted sums, the number of axes, whether each sum has its own count, and the count of all (or 0);
# then the length of each axis, those counts, the unweighted and the weighted sums. All numbers are little-endian.
HEAD = struct.Struct("<3sBBBBBq")
MOST = 2**63 - 1


def to_bytes(shape: tuple[int, ...], single: bool, count: Any, plain: Array, weighted: Array | None) -> bytes:
    counted = isinstance(count, np.ndarray)
    head = HEAD.pack(
        b"lse", STATE_VERSION, 4 if single else 8, weighted is not None, len(shape), counted,
        0 if counted else min(count, MOST),
    )  # fmt: skip
    parts: list[Array | None] = [np.array(shape, "<i8"), count.astype("<i8") if counted else None, plain.astype("<f8")]
    parts.append(None if weighted is None else weighted.astype("<f8"))
    return b"".join([head, *(part.tobytes() for part in parts if part is not None)])


def damaged(what: str) -> ValueError:
    return ValueError(f"LogSumExp.from_bytes: {what}; expected what to_bytes() of this version of lse returned")


def as_bytes(data: Any) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"LogSumExp.from_bytes: expected bytes, which to_bytes() returns, not {type(data).__name__}")
    return bytes(data)


def no_sums(shape: tuple[int, ...]) -> Array:
    return np.stack([np.full(shape, n, np.float64) for n in _integers.NOTHING])


def read_head(data: bytes) -> tuple[tuple[int, ...], bool, tuple[Any, ...]]:
    """Return the shape of a state, whether its dtype is float32, and its head."""
    if len(data) < HEAD.size:
        raise damaged(f"{len(data)} bytes are no state")
    magic, version, size, weighted, ndim, counted, count = head = HEAD.unpack_from(data)
    if magic != b"lse" or version != STATE_VERSION:
        raise damaged(f"the state is of version {version}, not {STATE_VERSION}" if magic == b"lse" else "no state")
    if size not in (4, 8) or weighted > 1 or counted > 1 or count < 0 or len(data) < HEAD.size + 8 * ndim:
        raise damaged("the head of the state is damaged")
    shape = tuple(np.frombuffer(data, "<i8", ndim, HEAD.size).tolist())
    elements = math.prod(shape)
    if any(n < 0 for n in shape) or len(data) != HEAD.size + 8 * ndim + elements * (8 * counted + 32 + 32 * weighted):
        raise damaged(f"{len(data)} bytes do not fit a state of shape {shape}")
    return shape, size == 4, head


def read_sums(data: bytes, shape: tuple[int, ...], at: int) -> Array:
    sums: Array = np.frombuffer(data, "<f8", 4 * math.prod(shape), at).reshape(4, *shape).astype(np.float64)
    counts = sums[3]
    if np.isnan(sums[0]).any() or np.isinf(sums[1]).any() or not (np.isfinite(counts) & (counts >= 0)).all():
        raise damaged("its numbers are no sums")
    return sums


def read_state(data: Any, shape: tuple[int, ...], single: bool) -> tuple[Any, Array, Array | None]:
    """Return the counts, and the unweighted and weighted sums, of a state of this shape and dtype."""
    data = as_bytes(data)
    found, is_single, (*_, weighted, ndim, counted, count) = read_head(data)
    if found != shape or is_single != single:
        raise damaged(f"a state of shape {found} does not fit an accumulator of shape {shape}, or its dtype another")
    at, elements = HEAD.size + 8 * ndim, math.prod(shape)
    if counted:
        count = np.frombuffer(data, "<i8", elements, at).reshape(shape).astype(np.int64)
        if ndim == 0 or count.min(initial=0) < 0:
            raise damaged("a count is negative")
        count.flags.writeable = False
        at += 8 * elements
    plain = read_sums(data, shape, at)
    return count, plain, read_sums(data, shape, at + 32 * elements) if weighted else None


def from_bytes(cls: Callable[..., Any], data: Any) -> Any:
    data = as_bytes(data)
    shape, single, _ = read_head(data)
    total = construct(cls, shape, np.float32 if single else np.float64, "from_bytes")
    total.__setstate__(data)
    return total
