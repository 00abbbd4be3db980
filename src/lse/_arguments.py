"""What a caller may pass: arrays of any library, dtypes, axes, weights, masks and outputs, checked and made plain."""

import operator
import sys

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

# How bfloat16 travels: NumPy has no such dtype of its own.
BRAIN = np.dtype("V2")
EXPECTED = "expected float16, bfloat16, float32, float64, longdouble, complex64, complex128, an integer type or bool"
CPU = 1  # in the numbering of DLPack


def is_brain(dtype):
    return dtype == BRAIN or (dtype.kind == "V" and dtype.name == "bfloat16")


def is_masked(a):
    return isinstance(a, np.ma.MaskedArray)


def refuse_masked(function, name):
    raise TypeError(
        f"{function}: {name} is a masked array, whose mask would be ignored; pass {name}.data, where=~{name}.mask "
        "to leave out what it masks"
    )


# Arrays of other libraries ----------------------------------------------------------------------------------


def from_torch(tensor, function, name):
    """A tensor's elements where they lie."""
    if tensor.requires_grad:
        raise TypeError(
            f"{function}: {name} requires a gradient, which lse does not compute; pass {name}.detach(), or use the "
            "function of torch where the gradient is wanted"
        )
    if tensor.device.type != "cpu":
        raise TypeError(
            f"{function}: {name} is a tensor on device {tensor.device}, not in main memory; pass {name}.cpu()"
        )
    torch = sys.modules["torch"]
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(BRAIN)
    return tensor.numpy()


def to_torch(result):
    torch = sys.modules["torch"]
    result = np.asarray(result)
    if result.dtype == BRAIN:
        return torch.from_numpy(result.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(result)


def is_torch(a):
    return "torch" in sys.modules and isinstance(a, sys.modules["torch"].Tensor)


def is_dask(*arguments):
    array = getattr(sys.modules.get("dask.array"), "Array", None)
    return array is not None and any(isinstance(a, array) for a in arguments)


def refuse_dask(function, name):
    raise TypeError(
        f"{function}: {name} is a dask array, which would be loaded whole; pass {name}.compute() if it fits into "
        "memory, or use lse.dask, which reads logsumexp, logmeanexp, softmax and log_softmax chunk by chunk"
    )


def from_dlpack(a, function, name):
    device = a.__dlpack_device__()[0]
    if device != CPU:
        raise TypeError(
            f"{function}: {name} is on a device (of DLPack type {int(device)}), not in main memory; copy it to the cpu"
        )
    try:
        return np.from_dlpack(a)
    except (BufferError, RuntimeError):  # a dtype that DLPack or NumPy's reading of it does not know, as jax's bfloat16
        return np.asarray(a)


def to_namespace(a):
    """How results are given back as arrays of the library that `a` is of; None for one that does not say."""
    if not hasattr(a, "__array_namespace__"):
        return None
    namespace = a.__array_namespace__()
    return lambda result: namespace.asarray(np.asarray(result))


def unwrap(a, function, name):
    """Return an argument as an ndarray, and the function that makes a result an array of its kind, or None."""
    if is_masked(a):
        refuse_masked(function, name)
    if isinstance(a, np.ndarray | np.generic | list | tuple | int | float | complex):
        a = np.asarray(a)
        if a.dtype == BRAIN:
            raise TypeError(f"{function}: dtype {a.dtype.name} of {name} is not supported; {EXPECTED}")
        return a, None
    if is_torch(a):
        return from_torch(a, function, name), to_torch
    if is_dask(a):
        refuse_dask(function, name)
    if hasattr(a, "__dlpack__") and hasattr(a, "__dlpack_device__"):
        return from_dlpack(a, function, name), to_namespace(a)
    return np.asarray(a), None


# Dtypes -----------------------------------------------------------------------------------------------------


def real_or_complex(dtype, function, name):
    """The dtype in which elements of another are computed."""
    if dtype.char in "efdgFD" or is_brain(dtype):
        return dtype if dtype.isnative else dtype.newbyteorder("=")
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    raise TypeError(f"{function}: dtype {dtype.name} of {name} is not supported; {EXPECTED}")


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
        raise ValueError(f"{function}: b is an integer beyond the range of float64") from None


def of_weights(b, given, natural, function):
    """The dtype of weights beside one of elements; a Python number does not widen that."""
    if type(given) in (bool, int, float):
        return natural
    if type(given) is complex:
        return joined(natural, np.dtype(np.complex64), function)
    return joined(natural, real_or_complex(b.dtype, function, "b"), function)


def asked(dtype, natural, function):
    """The dtype that the caller asks for, checked against the one that the arguments have."""
    try:
        dtype = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"{function}: dtype={dtype!r} is no dtype") from error
    if not (dtype.char in "efdgFD" or is_brain(dtype)) or dtype == BRAIN:
        raise TypeError(f"{function}: dtype {dtype.name} is not a floating type to compute in; {EXPECTED}")
    if natural.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{function}: the arguments are {natural.name}, which dtype={dtype.name} cannot hold")
    return dtype.newbyteorder("=")


# Axes and shapes --------------------------------------------------------------------------------------------


def axes_of(axis, ndim):
    """The axes to reduce, ascending."""
    if axis is None:
        return tuple(range(ndim))
    if not isinstance(axis, tuple):
        axis = operator.index(axis)
        if ndim == 0 and axis in (0, -1):
            return ()  # as NumPy's reductions
        if -ndim <= axis < ndim:
            return (axis % ndim,)
    try:
        return tuple(sorted(normalize_axis_tuple(axis, ndim)))
    except OverflowError:
        raise np.exceptions.AxisError(f"axis {axis} is out of bounds for array of dimension {ndim}") from None


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
                raise TypeError(f"{function}: where must be boolean, not {self.where.dtype.name}")
        self._bring_to_one_shape(name)
        self.axes = axes_of(axis, self.a.ndim)
        self.bits = bits_of(self.axes)
        self.keepdims_shape = tuple(1 if i in self.axes else n for i, n in enumerate(self.a.shape))
        self.shape = (
            self.keepdims_shape if keepdims else tuple(n for i, n in enumerate(self.a.shape) if i not in self.axes)
        )

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


def check_out(out, shape, dtype, function):
    """Raise what is wrong with an output that the caller gave."""
    if is_masked(out):
        raise TypeError(f"{function}: out must not be a masked array, whose mask would be ignored; pass out.data")
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: out must be an array, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{function}: out has shape {out.shape}, but the result has shape {shape}")
    if not out.flags.writeable:
        raise ValueError(f"{function}: output array is read-only")
    numeric = out.dtype.kind in "fc" or is_brain(out.dtype)
    if dtype == BRAIN or not numeric or not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(
            f"{function}: cannot cast the result from {dtype!r} to {out.dtype!r} with casting rule 'same_kind'"
        )


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


def delivered(result, out, like):
    """What the caller gets: `out`, an array like theirs, a scalar for a 0-d result, or the array."""
    if out is not None:
        if result is not out:
            np.copyto(out, result, casting="same_kind")
        return out
    if like is not None:
        return like(result)
    return result[()] if result.ndim == 0 else result
