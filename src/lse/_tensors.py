"""Operators of PyTorch: log-sum-exp, softmax and log-softmax of CPU tensors, and the derivatives."""

from collections.abc import Callable
from math import inf, nan
from typing import Any

import torch
from torch import Tensor

from lse import _core, _native
from lse._operators import (
    WIDE,
    Dims,
    as_arguments,
    as_array,
    as_tensor,
    define,
    empty_like,
    empty_like_x,
    is_compiling,
    is_simple,
    keep_dims,
    save_shares,
    sum_of,
)

FEW = 100  # elements

# Log-sum-exp ------------------------------------------------------------------------------------------------


def empty_reduced(x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    shape = [1 if i in dim else n for i, n in enumerate(x.shape) if keepdim or i not in dim]
    return x.new_empty(shape)


def compute_reduction(function: Callable[..., Any], x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    if is_simple(x):
        return as_tensor(function(as_array(x), tuple(dim), None, keepdim))
    result = empty_reduced(x, dim, keepdim)
    getattr(_native, function.__name__)(as_arguments(x, dim, result), as_array(result))
    return result


def compute_logsumexp(x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    return compute_reduction(_core.logsumexp, x, dim, keepdim)


def compute_logmeanexp(x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    return compute_reduction(_core.logmeanexp, x, dim, keepdim)


def save_reduction(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, ctx.dim, ctx.keepdim = inputs
    ctx.save_for_backward(x, output)


def differentiate_reduction(ctx: Any, grad: Tensor) -> Any:
    x, y = ctx.saved_tensors
    grad, y = (keep_dims(a, ctx.dim, ctx.keepdim) for a in (grad, y))
    return logsumexp_backward(grad, x, y.detach(), ctx.dim), None, None


def compute_logsumexp_backward(grad: Tensor, x: Tensor, y: Tensor, dim: Dims) -> Tensor:
    result = compute_map(_core.softmax, x, dim, 0.0)
    if y.numel() <= FEW and y.dtype in WIDE and -inf not in as_array(y).ravel().tolist():  # quicker than by torch
        return result.mul_(grad)
    return result.mul_(grad.masked_fill(y.isneginf(), 0.0))


def differentiate_logsumexp_backward(ctx: Any, v: Tensor) -> Any:
    grad, x, y = ctx.saved_tensors
    share = logsumexp_backward(torch.ones_like(grad), x, y, ctx.dim)
    mean = sum_of(v * share, ctx.dim)
    return mean, grad * share * (v - mean), None, None


logsumexp = define(
    "logsumexp(Tensor x, int[] dim, bool keepdim)",
    compute_logsumexp,
    empty_reduced,
    save_reduction,
    differentiate_reduction,
    (1,),
)
logmeanexp = define(
    "logmeanexp(Tensor x, int[] dim, bool keepdim)",
    compute_logmeanexp,
    empty_reduced,
    save_reduction,
    differentiate_reduction,
    (1,),
)
logsumexp_backward = define(  # grad times the shares; y is the log-sum-exp or log-mean-exp of x, and no variable
    "logsumexp_backward(Tensor grad, Tensor x, Tensor y, int[] dim)",
    compute_logsumexp_backward,
    empty_like_x,
    save_shares,
    differentiate_logsumexp_backward,
    (3,),
)

# Softmax ----------------------------------------------------------------------------------------------------


def compute_map(function: Callable[..., Any], x: Tensor, dim: Dims, empty: float = nan) -> Tensor:
    """A map of rows, of which those with nothing in them become `empty`."""
    if is_simple(x):
        return as_tensor(function(as_array(x), tuple(dim), empty=empty))
    result = torch.empty_like(x)
    if x.numel():
        arguments = as_arguments(x, dim, result)._replace(nothing=empty)
        _native.map_elements(arguments, function.__name__, as_array(result))
    return result


def compute_softmax(x: Tensor, dim: Dims) -> Tensor:
    return compute_map(_core.softmax, x, dim)


def compute_log_softmax(x: Tensor, dim: Dims) -> Tensor:
    return compute_map(_core.log_softmax, x, dim)


def save_map(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.dim = inputs[1]
    ctx.save_for_backward(output)


def differentiate_map(operation: str, backward: Any, ctx: Any, grad: Tensor) -> Any:
    (y,) = ctx.saved_tensors
    result = None if is_compiling() else _core.differentiate_tensors(operation, y, grad, ctx.dim)
    return backward(grad, y, ctx.dim) if result is None else result, None


def differentiate_softmax(ctx: Any, grad: Tensor) -> Any:
    return differentiate_map("softmax", softmax_backward, ctx, grad)


def differentiate_log_softmax(ctx: Any, grad: Tensor) -> Any:
    return differentiate_map("log_softmax", log_softmax_backward, ctx, grad)


def compute_map_backward(operation: str, grad: Tensor, y: Tensor, dim: int) -> Tensor:
    """The gradient of a map, laid out as its results."""
    if y.is_contiguous():
        return as_tensor(_core.differentiate(operation, as_array(y), as_array(grad), dim))
    order = sorted(range(y.ndim), key=lambda i: -y.stride(i))
    moved = y.permute(order).contiguous()
    result = compute_map_backward(operation, grad.permute(order), moved, order.index(dim))
    return torch.empty_like(y).copy_(result.permute([order.index(i) for i in range(y.ndim)]))


def compute_softmax_backward(grad: Tensor, y: Tensor, dim: Dims) -> Tensor:
    if len(dim) != 1:
        return y * (grad - sum_of(y * grad, dim))
    if y.dtype in WIDE:  # of halves torch's own is quicker
        return compute_map_backward("softmax", grad, y, dim[0])
    return torch._softmax_backward_data(grad, y, dim[0], y.dtype)


def compute_log_softmax_backward(grad: Tensor, y: Tensor, dim: Dims) -> Tensor:
    if len(dim) != 1:
        return grad - y.exp() * sum_of(grad, dim)
    if y.dtype in WIDE:
        return compute_map_backward("log_softmax", grad, y, dim[0])
    return torch._log_softmax_backward_data(grad, y, dim[0], y.dtype)


def differentiate_softmax_backward(ctx: Any, v: Tensor) -> Any:
    """By grad, by which it is symmetric, and by y."""
    grad, y = ctx.saved_tensors
    of_y = v * (grad - sum_of(y * grad, ctx.dim)) - grad * sum_of(y * v, ctx.dim)
    return softmax_backward(v, y, ctx.dim), of_y, None


def differentiate_log_softmax_backward(ctx: Any, v: Tensor) -> Any:
    grad, y = ctx.saved_tensors
    share = y.exp()
    return v - sum_of(share * v, ctx.dim), -v * share * sum_of(grad, ctx.dim), None


softmax = define(
    "softmax(Tensor x, int[] dim)", compute_softmax, empty_like, save_map, differentiate_softmax, (1,), is_map=True
)
log_softmax = define(
    "log_softmax(Tensor x, int[] dim)",
    compute_log_softmax,
    empty_like,
    save_map,
    differentiate_log_softmax,
    (1,),
    is_map=True,
)
softmax_backward = define(  # y * (grad - sum(y * grad)), where y is the softmax
    "softmax_backward(Tensor grad, Tensor y, int[] dim)",
    compute_softmax_backward,
    empty_like_x,
    save_shares,
    differentiate_softmax_backward,
    (2,),
)
log_softmax_backward = define(  # grad - exp(y) * sum(grad), where y is the log-softmax
    "log_softmax_backward(Tensor grad, Tensor y, int[] dim)",
    compute_log_softmax_backward,
    empty_like_x,
    save_shares,
    differentiate_log_softmax_backward,
    (2,),
)
