"""What a caller may pass: dtypes, axes, weights, masks and outputs, checked and made plain."""

import operator

import numpy as np

from lse._foreign import BRAIN, is_masked, refuse_dtype, unwrap

FLOATING = "expected float16, bfloat16, float32, float64, longdouble, complex64 or complex128"


def is_brain(dtype):
    return dtype == BRAIN or (dtype.kind == "V" and dtype.name == "bfloat16")


# Dtypes -----------------------------------------------------------------------------------------------------


def real_or_complex(dtype, function, name):
    """The dtype in which elements of another are computed."""
    if dtype.char in "efdgFD" or is_brain(dtype):
        return dtype if dtype.isnative else dtype.newbyteorder("=")
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    refuse_dtype(dtype, function, name)


def joined(a, b, function):
    """The dtype of what is computed of both."""
    if a == b:
        return a
    if is_brain(a) or is_brain(b):
        a, b = (np.dtype(np.float32) if is_brain(t) else t for t in (a, b))
    return real_or_complex(np.result_type(a, b), function, "a and b")


def as_float(b, function):
    """A Python integer as a float."""
    try:
        return float(b)
    except OverflowError:
        raise ValueError(
            f"{function}: b is an integer beyond the range of float64; add its logarithm to a instead"
        ) from None


def of_weights(b, given, natural, function):
    """The dtype of weights beside one of elements; a Python number does not widen that."""
    if type(given) in (bool, int, float):
        return natural
    if type(given) is complex:
        return joined(natural, np.dtype(np.complex64), function)
    return joined(natural, real_or_complex(b.dtype, function, "b"), function)


def dtype_of(dtype, function, expected):
    try:
        return np.dtype(dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{function}: dtype={dtype!r} is no dtype; {expected}") from error


def asked(dtype, natural, function):
    """The dtype that the caller asks for, checked against the one that the arguments have."""
    dtype = dtype_of(dtype, function, FLOATING)
    if not (dtype.char in "efdgFD" or is_brain(dtype)) or dtype == BRAIN:
        raise TypeError(f"{function}: dtype {dtype.name} is not a floating type to compute in; {FLOATING}")
    if natural.kind == "c" and dtype.kind != "c":
        raise TypeError(
            f"{function}: the arguments are {natural.name}, which dtype={dtype.name} cannot hold; pass a complex dtype"
        )
    return dtype.newbyteorder("=")


# Axes and shapes --------------------------------------------------------------------------------------------


def flag(value, function, name):
    """An option that is on or off."""
    if not isinstance(value, bool | int | np.bool_ | np.integer):
        raise TypeError(f"{function}: {name} must be True or False, not {value!r}")
    return bool(value)


def axis_number(axis, function, expected):
    """An integer, of whatever size; not a bool, which is an option in the wrong place."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise TypeError(f"{function}: axis must be {expected}, not {axis!r}")
    return operator.index(axis)


def axes_of(axis, ndim, function):
    """The axes to reduce, ascending."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    numbers = [axis_number(n, function, "None, an integer or a tuple of integers") for n in given]
    if ndim == 0 and given is not axis and numbers[0] in (0, -1):
        return ()  # as NumPy's reductions
    for n in numbers:
        if not -ndim <= n < ndim:
            raise np.exceptions.AxisError(n, ndim, function)
    axes = sorted({n % ndim for n in numbers})
    if len(axes) < len(numbers):
        raise ValueError(f"{function}: repeated axis in {axis}; name each axis once")
    return tuple(axes)


def bits_of(axes):
    return sum(1 << axis for axis in axes)


def broadcast(function, **shapes):
    """The shape that all have together; NumPy's own function ends at 32 dimensions."""
    ndim = max(map(len, shapes.values()))
    lengths = [(1,) * (ndim - len(shape)) + shape for shape in shapes.values()]
    result = tuple(min(x) if min(x) == 0 else max(x) for x in zip(*lengths, strict=True))
    if all(x in (1, n) for shape in lengths for x, n in zip(shape, result, strict=True)):
        return result
    said = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    raise ValueError(f"{function}: shapes that do not broadcast with each other: {said}")


def check_mask(function, name, shape, mask):
    """Raise if a mask of this shape does not broadcast to the shape of what it masks."""
    if broadcast(function, **{name: shape, "where": mask}) != shape:
        raise ValueError(f"{function}: where has shape {mask}, which does not broadcast to that of {name}, {shape}")


def refuse_mask(function, dtype):
    raise TypeError(f"{function}: where must be boolean, not {dtype.name}; compare, as in where=mask != 0")


class Arguments:
    """The arguments of one call, as plain arrays of one shape."""

    def __init__(self, function, a, axis, *, name="a", keepdims=False, b=None, where=True, dtype=None):
        self.function = function
        self.a, self.like = unwrap(a, function, name)
        natural = real_or_complex(self.a.dtype, function, name)
        self.b = self.where = None
        if b is not None:
            self.b, like = unwrap(as_float(b, function) if type(b) is int else b, function, "b")
            self.like = self.like or like
            natural = of_weights(self.b, b, natural, function)
        self.dtype = natural if dtype is None else asked(dtype, natural, function)
        if where is not True:
            self.where, _ = unwrap(where, function, "where")
            if self.where.dtype != np.bool_:
                refuse_mask(function, self.where.dtype)
        self._bring_to_one_shape(name)
        self.axes = axes_of(axis, self.a.ndim, function)
        self.bits = bits_of(self.axes)
        self.keepdims_shape = tuple(1 if i in self.axes else n for i, n in enumerate(self.a.shape))
        kept = tuple(n for i, n in enumerate(self.a.shape) if i not in self.axes)
        self.shape = self.keepdims_shape if flag(keepdims, function, "keepdims") else kept

    def _bring_to_one_shape(self, name):
        shape = self.a.shape
        if self.b is not None:
            shape = broadcast(self.function, **{name: shape, "b": self.b.shape})
            self.a, self.b = np.broadcast_to(self.a, shape), np.broadcast_to(self.b, shape)
        if self.where is not None:
            check_mask(self.function, name, shape, self.where.shape)
            self.where = np.broadcast_to(self.where, shape)

    @property
    def single(self):
        """Whether it is computed in single precision."""
        wide = self.b is not None and self.b.dtype.itemsize > 4  # weights that float32 may not hold
        return self.dtype.char == "f" and not wide

    def overlaps(self, out):
        return any(x is not None and np.may_share_memory(x, out) for x in (self.a, self.b, self.where))


def stored(a):
    """An array as the core takes it."""
    return a.view(BRAIN) if a.dtype != BRAIN and is_brain(a.dtype) else a


def loadable(a, dtype):
    """Likewise of an input, to be computed as dtype: the core does not read longdouble."""
    return a.astype(dtype) if a.dtype.char == "g" else stored(a)


# Outputs ----------------------------------------------------------------------------------------------------


def checked_out(out, shape, dtype, function):
    """An output that the caller gave as a plain array, whatever its class says of itself; None if there is none."""
    if out is None:
        return None
    if is_masked(out):
        raise TypeError(f"{function}: out must not be a masked array, whose mask would be ignored; pass out.data")
    if not isinstance(out, np.ndarray):
        raise TypeError(
            f"{function}: out must be an array of NumPy, not {type(out).__name__}; pass one of shape {shape}"
        )
    target = np.asarray(out)
    if target.shape != shape:
        raise ValueError(f"{function}: out has shape {target.shape}, but the result has shape {shape}")
    if not target.flags.writeable:
        raise ValueError(f"{function}: out is read-only; pass an array that can be written to")
    numeric = target.dtype.kind in "fc" or is_brain(target.dtype)
    if BRAIN in (dtype, target.dtype) or not numeric or not np.can_cast(dtype, target.dtype, "same_kind"):
        raise TypeError(
            f"{function}: cannot cast the result from {dtype.name} to {target.dtype.name} of out with casting rule "
            f"'same_kind'; pass an out of {dtype.name}"
        )
    return target


def is_plain(out, dtype):
    """Whether the core can write to it as it is."""
    return out.dtype == dtype and out.dtype.isnative and out.flags.aligned


def occupies(a, out):
    """Whether element i of one is element i of the other."""
    return (
        a.__array_interface__["data"][0] == out.__array_interface__["data"][0]
        and a.strides == out.strides
        and a.dtype == out.dtype
    )


def delivered(result, out, target, like):
    """What the caller gets: `out`, whose memory is that of `target`; else a like array, a scalar for 0-d, an array."""
    if out is not None:
        if result is not target:
            np.copyto(target, result, casting="same_kind")
        return out
    if like is not None:
        return like(result)
    return result[()] if result.ndim == 0 else result
