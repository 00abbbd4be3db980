"""logsumexp, logmeanexp, softmax and log_softmax: from public arguments to a backend, and back."""

from typing import Any

from lse import _recorded
from lse._arguments import (
    can_hold,
    check_arguments,
    check_empty,
    check_flag,
    check_out,
    return_result,
)
from lse._backends import backend_for
from lse._dtypes import real_dtype
from lse._foreign import is_dask, is_recorded


def lazily(function: str, out: Any, *arguments: Any, **options: Any) -> Any:
    """Call the same function for dask arrays."""
    from lse import dask  # dask itself is already loaded

    if out is not None:
        raise TypeError(f"{function}: out cannot take the result for dask arrays, computed later; leave it out")
    return getattr(dask, function)(*arguments, **options)


def logsumexp(a: Any, axis: Any, b: Any, keepdims: Any, return_sign: Any, where: Any, out: Any, dtype: Any) -> Any:
    if is_dask(a, b, where):
        return lazily("logsumexp", out, a, axis, b, keepdims, return_sign, where=where, dtype=dtype)
    if is_recorded(a, b):
        others = {"b": b, "return_sign": return_sign, "where": where, "out": out}
        return _recorded.reduce("logsumexp", a, axis, keepdims, dtype, **others)
    args = check_arguments("logsumexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    return_sign = check_flag(return_sign, "logsumexp", "return_sign")
    kind = real_dtype(args.dtype) if return_sign else args.dtype
    target = check_out(out, args.shape, kind, "logsumexp")
    free = not args.overlaps(target) and not return_sign  # signs have the strides of the result
    result = target if can_hold(target, kind) and free else args.empty(kind)
    sign = args.empty(args.dtype) if return_sign else None
    backend_for(args).logsumexp(args, result, sign)
    value = return_result(result, out, target, args.like)
    return value if sign is None else (value, return_result(sign, None, None, args.like))


def logmeanexp(a: Any, axis: Any, b: Any, keepdims: Any, where: Any, out: Any, dtype: Any) -> Any:
    if is_dask(a, b, where):
        return lazily("logmeanexp", out, a, axis, b, keepdims, where=where, dtype=dtype)
    if is_recorded(a, b):
        return _recorded.reduce("logmeanexp", a, axis, keepdims, dtype, b=b, where=where, out=out)
    args = check_arguments("logmeanexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    target = check_out(out, args.shape, args.dtype, "logmeanexp")
    result = target if can_hold(target, args.dtype) and not args.overlaps(target) else args.empty(args.dtype)
    backend_for(args).logmeanexp(args, result)
    return return_result(result, out, target, args.like)


def map_elements(function: str, x: Any, axis: Any, where: Any, out: Any, dtype: Any, empty: Any) -> Any:
    """Compute a map, such as softmax or log_softmax, by the name of its function."""
    if is_dask(x, where):
        return lazily(function, out, x, axis, where=where, dtype=dtype, empty=empty)
    if is_recorded(x):
        return _recorded.map_elements(function, x, axis, dtype, where=where, out=out, empty=empty)
    args = check_arguments(function, x, axis, name="x", where=where, dtype=dtype)
    args = args._replace(nothing=check_empty(empty, function))
    target = check_out(out, args.a.shape, args.dtype, function)
    result = args.place_for_map(target)
    if args.a.size:
        backend_for(args).map_elements(args, function, result)
    return return_result(result, out, target, args.like)
