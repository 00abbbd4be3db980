"""logcumsumexp: sums of every prefix of an axis."""

from typing import Any

import numpy as np

from lse import _recorded
from lse._arguments import (
    can_hold,
    check_array,
    check_flag,
    check_out,
    empty_like,
    have_same_places,
    normalize_axis,
    return_result,
)
from lse._backends import backend_for_array
from lse._foreign import is_recorded


def logcumsumexp(a: Any, axis: Any, reverse: Any, out: Any, dtype: Any) -> Any:
    reverse = check_flag(reverse, "logcumsumexp", "reverse")
    if is_recorded(a):
        return _recorded.logcumsumexp(a, axis, reverse, dtype, out=out)
    array, kind, like = check_array("logcumsumexp", a, dtype)
    if axis is None or array.ndim == 0:
        array = array.reshape(-1)
    axis = normalize_axis(0 if axis is None else axis, array.ndim, "logcumsumexp")
    target = check_out(out, array.shape, kind, "logcumsumexp")
    result = (
        target
        if can_hold(target, kind) and (not np.may_share_memory(array, target) or have_same_places(array, target))
        else empty_like(array, kind)
    )
    if array.size:
        order = tuple(slice(None, None, -1 if reverse and i == axis else 1) for i in range(array.ndim))
        backend_for_array(array, kind).logcumsumexp(array[order], axis, result[order])
    return return_result(result, out, target, like)
