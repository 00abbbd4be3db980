"""segment_logsumexp: sums of consecutive segments of an axis."""

from typing import Any

import numpy as np

from lse import _core
from lse._arguments import can_hold, check_array, check_out, normalize_axis, return_result
from lse._backends import backend_for_array
from lse._dtypes import Array
from lse._foreign import unwrap


def check_offsets(indptr: Any, length: int, function: str) -> Array:
    """Return the offsets of a CSR matrix as contiguous integers."""
    given = np.array(unwrap(indptr, function, "indptr")[0])  # a copy, so that it cannot change after the checks
    if given.ndim != 1:
        raise ValueError(f"{function}: indptr must have one dimension, not {given.ndim}")
    if given.size == 0:
        raise ValueError(f"{function}: indptr is empty; it must have one offset more than there are segments")
    if given.dtype.kind not in "iu":
        raise TypeError(f"{function}: indptr must be of integers, not {given.dtype.name}; convert it first")
    wrong = (given < 0) | (given > length)
    falls = given[1:] < given[:-1]
    if not wrong.any() and not falls.any():
        return np.ascontiguousarray(given, np.intp)
    i = min(int(np.argmax(x)) + more for x, more in ((wrong, 0), (falls, 1)) if x.any())
    if wrong[i]:
        raise ValueError(f"{function}: indptr[{i}] is {given[i]}, but the axis has length {length}")
    raise ValueError(
        f"{function}: indptr[{i}] is {given[i]}, less than {given[i - 1]} before it; offsets must not fall"
    )


def segment_logsumexp(a: Any, indptr: Any, axis: Any, out: Any, dtype: Any) -> Any:
    array, kind, like = check_array("segment_logsumexp", a, dtype)
    axis = normalize_axis(axis, array.ndim, "segment_logsumexp")
    offsets = check_offsets(indptr, array.shape[axis], "segment_logsumexp")
    shape = (*array.shape[:axis], offsets.size - 1, *array.shape[axis + 1 :])
    target = check_out(out, shape, kind, "segment_logsumexp")
    if can_hold(target, kind) and not np.may_share_memory(array, target):
        result = target
    else:
        result = _core.empty_reduced(array, None, 0, shape, kind)
    backend_for_array(array, kind).segment_logsumexp(array, offsets, axis, result)
    return return_result(result, out, target, like)
