"""logsumexp, logmeanexp, softmax and log_softmax: from public arguments to a backend, and back."""

from typing import Any

import numpy as np

from lse._arguments import can_hold, check_arguments, check_flag, check_out, return_result
from lse._backends import backend_of
from lse._dtypes import BFLOAT16, real_dtype
from lse._foreign import is_dask


def lazily(function: str, out: Any, *arguments: Any, **options: Any) -> Any:
    """Call the same function for dask arrays."""
    from lse import dask  # dask itself is already loaded

    if out is not None:
        raise TypeError(f"{function}: out cannot take the result for dask arrays, computed later; leave it out")
    return getattr(dask, function)(*arguments, **options)


def logsumexp(a: Any, axis: Any, b: Any, keepdims: Any, return_sign: Any, where: Any, out: Any, dtype: Any) -> Any:
    if is_dask(a, b, where):
        return lazily("logsumexp", out, a, axis, b, keepdims, return_sign, where=where, dtype=dtype)
    args = check_arguments("logsumexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    return_sign = check_flag(return_sign, "logsumexp", "return_sign")
    kind = real_dtype(args.dtype) if return_sign else args.dtype
    target = check_out(out, args.shape, kind, "logsumexp")
    free = not args.overlaps(target) and not return_sign  # signs have the strides of the result
    result = target if can_hold(target, kind) and free else np.empty(args.shape, kind)
    sign = np.empty(args.shape, args.dtype) if return_sign else None
    backend_of(args.dtype).logsumexp(args, result, sign)
    value = return_result(result, out, target, args.like)
    return value if sign is None else (value, return_result(sign, None, None, args.like))


def logmeanexp(a: Any, axis: Any, b: Any, keepdims: Any, where: Any, out: Any, dtype: Any) -> Any:
    if is_dask(a, b, where):
        return lazily("logmeanexp", out, a, axis, b, keepdims, where=where, dtype=dtype)
    args = check_arguments("logmeanexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    target = check_out(out, args.shape, args.dtype, "logmeanexp")
    result = target if can_hold(target, args.dtype) and not args.overlaps(target) else np.empty(args.shape, args.dtype)
    backend_of(args.dtype).logmeanexp(args, result)
    return return_result(result, out, target, args.like)


def softmax(log: bool, x: Any, axis: Any, where: Any, out: Any, dtype: Any) -> Any:
    """Softmax or log-softmax."""
    function = "log_softmax" if log else "softmax"
    if is_dask(x, where):
        return lazily(function, out, x, axis, where=where, dtype=dtype)
    args = check_arguments(function, x, axis, name="x", where=where, dtype=dtype)
    target = check_out(out, args.a.shape, args.dtype, function)
    if can_hold(target, args.dtype) and (not args.overlaps(target) or args.may_become(target)):
        result = target
    elif args.a.dtype == BFLOAT16:
        result = np.empty(args.a.shape, args.dtype)
    else:
        result = np.empty_like(args.a, args.dtype, subok=False)
    if args.a.size:
        backend_of(args.dtype).softmax(args, log, result)
    return return_result(result, out, target, args.like)
