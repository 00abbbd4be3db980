"""Shapes, dtypes, axes, outputs and errors: from the arguments of the public functions to those of the core."""

import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

NOT_YET = "is not supported yet by this version of lse"


def as_array(a, function):
    """Return `a` as an array of a dtype that the core reads, and the dtype of the result."""
    if isinstance(a, np.ma.MaskedArray):
        raise TypeError(
            f"{function} does not take masked arrays, whose mask it would ignore; select the elements first, "
            "for instance with a.compressed() for a 1-D array or a.filled(-np.inf)"
        )
    a = np.asarray(a)
    if a.dtype.char in "fd":
        return a, a.dtype if a.dtype.isnative else a.dtype.newbyteorder("=")
    if a.dtype.kind in "biu":
        return a, np.dtype(np.float64)
    name = a.dtype.name
    if a.dtype.kind in "fc":
        raise NotImplementedError(f"{function}: dtype {name} {NOT_YET}; convert to float32 or float64")
    raise TypeError(f"{function}: dtype {name} is not numeric; expected float32, float64, an integer type or bool")


def axes_of(axis, ndim):
    """Return the axes to keep and the axes to reduce, each ascending."""
    if axis is None:
        return (), tuple(range(ndim))
    if not isinstance(axis, tuple):
        axis = operator.index(axis)
        if ndim == 0 and axis in (0, -1):
            return (), ()  # as NumPy's reductions
        if -ndim <= axis < ndim:
            axis %= ndim
            return (*range(axis), *range(axis + 1, ndim)), (axis,)
    reduced = sorted(normalize_axis_tuple(axis, ndim))
    return tuple(i for i in range(ndim) if i not in reduced), tuple(reduced)


def check_out(out, shape, dtype, function):
    """Raise what is wrong with an output that the caller gave."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: out must be an array, not {type(out).__name__}")
    if isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"{function}: out must not be a masked array, whose mask would be ignored; pass out.data")
    if out.shape != shape:
        raise ValueError(f"{function}: out has shape {out.shape}, but the result has shape {shape}")
    if not out.flags.writeable:
        raise ValueError(f"{function}: output array is read-only")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
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


def logsumexp(into, a, axis, b, keepdims, return_sign, out):
    if b is not None:
        raise NotImplementedError(f"logsumexp: b {NOT_YET}")
    if return_sign:
        raise NotImplementedError(f"logsumexp: return_sign {NOT_YET}")
    a, dtype = as_array(a, "logsumexp")
    kept, reduced = axes_of(axis, a.ndim)
    inner_shape = tuple(a.shape[i] for i in kept)
    shape = tuple(1 if i in reduced else n for i, n in enumerate(a.shape)) if keepdims else inner_shape
    if out is not None:
        check_out(out, shape, dtype, "logsumexp")
    in_place = out is not None and is_plain(out, dtype) and not np.may_share_memory(a, out)
    if in_place:
        plain = out.view(np.ndarray)  # a subclass may squeeze otherwise, as np.matrix does
        result = plain.squeeze(reduced) if keepdims else plain
    else:
        result = np.empty(inner_shape, dtype)
    if a.size:
        into(a.transpose(kept + reduced), len(reduced), result)
    else:
        result.fill(-np.inf)
    return finished(result.reshape(shape), out, in_place)


def softmax(into, x, axis, out, function):
    x, dtype = as_array(x, function)
    kept, reduced = axes_of(axis, x.ndim)
    if out is not None:
        check_out(out, x.shape, dtype, function)
    in_place = out is not None and is_plain(out, dtype) and (occupies(x, out) or not np.may_share_memory(x, out))
    result = out.view(np.ndarray) if in_place else np.empty_like(x, dtype, subok=False)
    if x.size:
        into(x.transpose(kept + reduced), len(reduced), result.transpose(kept + reduced))
    return finished(result, out, in_place)


def finished(result, out, in_place):
    """What the caller gets: a scalar for a 0-d result of our own, else an array."""
    if out is None:
        return result[()] if result.ndim == 0 else result
    if not in_place:
        np.copyto(out, result, casting="same_kind")
    return out
