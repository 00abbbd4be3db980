"""From the checked arguments of the public functions to the core, and back."""

import math

import numpy as np

from lse import _complex, _core, _longdouble
from lse._arguments import Arguments, checked_out, delivered, flag, is_plain, loadable, occupies, stored
from lse._core import LOG_SOFTMAX, SOFTMAX
from lse._foreign import BRAIN, is_dask
from lse._results import by_core, log_of_count, quotient, rounded, two_parts, weights_alone


def lazily(function, out, *arguments, **options):
    """The same function of dask arrays."""
    from lse import dask  # whose module of that name is loaded already

    if out is not None:
        raise TypeError(f"{function}: out cannot take the result for dask arrays, computed later; leave it out")
    return getattr(dask, function)(*arguments, **options)


def logsumexp(a, axis, b, keepdims, return_sign, where, out, dtype):
    if is_dask(a, b, where):
        return lazily("logsumexp", out, a, axis, b, keepdims, return_sign, where=where, dtype=dtype)
    args = Arguments("logsumexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    return_sign, complex_result = flag(return_sign, "logsumexp", "return_sign"), args.dtype.kind == "c"
    kind = args.dtype.type(0).real.dtype if return_sign and complex_result else args.dtype
    target = checked_out(out, args.shape, kind, "logsumexp")
    if complex_result or args.dtype.char == "g":
        result, sign = (_complex if complex_result else _longdouble).logsumexp(args, return_sign)
    else:
        in_place = out is not None and not return_sign and is_plain(target, args.dtype) and not args.overlaps(target)
        result = target if in_place else np.empty(args.shape, args.dtype)
        sign = np.empty(args.shape, args.dtype) if return_sign else None
        by_core(args, result, sign)
    value = delivered(result, out, target, args.like)
    return (value, delivered(sign, None, None, args.like)) if return_sign else value


def logmeanexp(a, axis, b, keepdims, where, out, dtype):
    if is_dask(a, b, where):
        return lazily("logmeanexp", out, a, axis, b, keepdims, where=where, dtype=dtype)
    args = Arguments("logmeanexp", a, axis, keepdims=keepdims, b=b, where=where, dtype=dtype)
    target = checked_out(out, args.shape, args.dtype, "logmeanexp")
    if args.dtype.kind == "c" or args.dtype.char == "g":
        module = _complex if args.dtype.kind == "c" else _longdouble
        result = module.quotient(args, weights_alone(args, keepdims))
    else:
        alone = args.b is None and args.where is None
        count = math.prod(args.a.shape[i] for i in args.axes)
        under = log_of_count(count) if alone else two_parts(weights_alone(args, keepdims))
        result = rounded(quotient(two_parts(args), under), args.dtype)
    return delivered(result, out, target, args.like)


def softmax(operation, x, axis, where, out, dtype):
    function = "softmax" if operation == SOFTMAX else "log_softmax"
    if is_dask(x, where):
        return lazily(function, out, x, axis, where=where, dtype=dtype)
    args = Arguments(function, x, axis, name="x", where=where, dtype=dtype)
    target = checked_out(out, args.a.shape, args.dtype, function)
    if args.dtype.kind == "c" or args.dtype.char == "g":
        module = _complex if args.dtype.kind == "c" else _longdouble
        result = module.softmax(args, operation == LOG_SOFTMAX) if args.a.size else np.empty(args.a.shape, args.dtype)
        return delivered(result, out, target, args.like)
    in_place = out is not None and is_plain(target, args.dtype)
    if in_place and args.overlaps(target):
        in_place = occupies(args.a, target) and (args.where is None or not np.may_share_memory(args.where, target))
    if in_place:
        result = target
    elif args.a.dtype == BRAIN:
        result = np.empty(args.a.shape, BRAIN)
    else:
        result = np.empty_like(args.a, args.dtype, subok=False)
    if args.a.size:
        _core.reduce(
            operation,
            loadable(args.a, np.float64),
            args.where,
            None,
            args.bits,
            args.single or (operation == SOFTMAX and args.dtype.itemsize == 2),  # of 4 ulp, which halves do not see
            stored(result),
            None,
            None,
        )
    return delivered(result, out, target, args.like)
