"""logmatmulexp: products of matrices in log space, from the arguments of the public function to the core."""

from typing import Any

import numpy as np

from lse import _core, _recorded
from lse._arguments import broadcast, can_hold, check_out, return_result
from lse._dtypes import Array, DType, check_dtype, fill, floating_dtype, is_complex, is_longdouble, promote
from lse._foreign import check_returnable, is_dask, is_recorded, unwrap
from lse._native import as_core_array
from lse._reductions import lazily

FUNCTION = "logmatmulexp"


def as_operand(a: Any, name: str) -> tuple[Array, Any, Any]:
    """An operand as an array, with what makes results like it, and the matrix that is prepared, if it is one."""
    if isinstance(a, _core.LogMatrix):
        return np.asarray(a), None, a
    array, like = unwrap(a, FUNCTION, name)
    return array, like, None


def result_dtype(a: DType, b: DType, dtype: Any) -> DType:
    """The dtype of the result, of those of the operands."""
    natural = promote(floating_dtype(a, FUNCTION, "a"), floating_dtype(b, FUNCTION, "b"), FUNCTION)
    found = check_dtype(dtype, natural, FUNCTION)
    if is_complex(found):
        raise TypeError(
            f"{FUNCTION}: no products of complex matrices; use lse.logsumexp(a[..., :, :, None] + b[..., None, :, :], "
            "axis=-2)"
        )
    return found


def result_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of the stack of matrices that two shapes make, and the shape of the result, as np.matmul has them."""
    for name, shape in (("a", a), ("b", b)):
        if not shape:
            raise ValueError(f"{FUNCTION}: {name} has no axes; expected a vector, a matrix or a stack of matrices")
    if a[-1] != b[-2:][0]:
        raise ValueError(
            f"{FUNCTION}: a {a} and b {b} do not fit; the last axis of a must be as long as the "
            f"{'only' if len(b) == 1 else 'second last'} one of b"
        )
    first = broadcast(FUNCTION, a=a[:-2], b=b[:-2])
    return first, first + a[-2:-1] + (b[-1:] if len(b) > 1 else ())


def logmatmulexp(a: Any, b: Any, out: Any, dtype: Any) -> Any:
    if is_dask(a, b):
        return lazily(FUNCTION, out, a, b, dtype=dtype)
    if is_recorded(a, b):
        return _recorded.logmatmulexp(a, b, dtype, out=out)
    (left, of_left, matrix_a), (right, of_right, matrix_b) = as_operand(a, "a"), as_operand(b, "b")
    kind = result_dtype(left.dtype, right.dtype, dtype)
    like, name = (of_left, "a") if of_left else (of_right, "b")
    if like is not None and (dtype is not None or is_longdouble(kind)):
        check_returnable(like, kind, FUNCTION, name)
    first, shape = result_shapes(left.shape, right.shape)
    left, right = left[None] if left.ndim == 1 else left, right[:, None] if right.ndim == 1 else right
    left, right = (np.broadcast_to(x, first + x.shape[-2:]) for x in (left, right))
    target = check_out(out, shape, kind, FUNCTION)
    free = target is not None and not any(np.may_share_memory(target, x) for x in (left, right))
    result = target if free and can_hold(target, kind) else np.empty(shape, kind)
    if result.size and left.shape[-1] == 0:
        fill(result, -np.inf)
    elif result.size:
        whole = result.reshape(left.shape[:-1] + right.shape[-1:])  # a view: axes of length 1 alone are added
        operands = as_core_array(left), as_core_array(right), as_core_array(whole)
        if is_longdouble(kind):
            _core.multiply_longdouble(*operands)
        else:
            _core.multiply(*operands, matrix_a, matrix_b)
    return return_result(result, out, target, like)


def as_matrix(a: Any) -> Array:
    """A copy of a matrix that nobody changes."""
    array, _ = unwrap(a, "LogMatrix", "a")
    dtype = floating_dtype(array.dtype, "LogMatrix", "a")
    if is_complex(dtype):
        raise TypeError("LogMatrix: a is complex; there are no products of complex matrices")
    if array.ndim != 2:
        raise ValueError(f"LogMatrix: a must have two axes, not {array.ndim}; pass others to logmatmulexp as they are")
    exact = array.dtype if array.dtype.kind in "biu" else dtype
    array = np.array(array, exact, order="K")
    array.flags.writeable = False
    return array
