"""Operators of PyTorch: cumulative sums in log space, and the derivatives.

Element i has the share exp(x_i - y_j) in sum j, for i <= j.
"""

from typing import Any

import torch
from torch import Tensor

from lse import _core, _native
from lse._operators import WIDE, as_array, as_tensor, define, empty_like, empty_like_x, is_simple, save_shares


def compute_logcumsumexp(x: Tensor, dim: int) -> Tensor:
    if is_simple(x):
        return as_tensor(_core.logcumsumexp(as_array(x), dim))
    result = torch.empty_like(x)
    if x.numel():
        _native.logcumsumexp(as_array(x), dim, as_array(result))
    return result


def save_logcumsumexp(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, ctx.dim = inputs
    ctx.save_for_backward(x)


def differentiate_logcumsumexp(ctx: Any, grad: Tensor) -> Any:
    (x,) = ctx.saved_tensors
    return logcumsumexp_backward(grad, x, ctx.dim), None


def sum_shares(factor: Tensor, x: Tensor, dim: int, forward: bool) -> Tensor:
    """The sum of factor_j exp(x_i - y_j) over j >= i; or, forward, of factor_i over i <= j."""
    if x.dtype in WIDE and x.is_contiguous():
        return as_tensor(_core.differentiate_cumulative(as_array(x), as_array(factor), dim, forward))
    wide_x, wide_factor = as_array(x.double()), as_array(factor.double())
    result = as_tensor(_core.differentiate_cumulative(wide_x, wide_factor, dim, forward))
    return torch.empty_like(x).copy_(result)


def compute_logcumsumexp_backward(grad: Tensor, x: Tensor, dim: int) -> Tensor:
    return sum_shares(grad, x, dim, False)


def compute_logcumsumexp_tangent(tangent: Tensor, x: Tensor, dim: int) -> Tensor:
    return sum_shares(tangent, x, dim, True)


def differentiate_cumulative(of_sums: Tensor, of_elements: Tensor, x: Tensor, dim: int) -> Tensor:
    """The derivative by x of the sum of of_elements[i] of_sums[j] exp(x_i - y_j)."""
    mean = logcumsumexp_tangent(of_elements, x, dim)
    direct = of_elements * logcumsumexp_backward(of_sums, x, dim)
    return direct - logcumsumexp_backward(of_sums * mean, x, dim)


def differentiate_logcumsumexp_backward(ctx: Any, v: Tensor) -> Any:
    grad, x = ctx.saved_tensors
    of_grad = logcumsumexp_tangent(v, x, ctx.dim)
    return of_grad, differentiate_cumulative(grad, v, x, ctx.dim), None


def differentiate_logcumsumexp_tangent(ctx: Any, v: Tensor) -> Any:
    tangent, x = ctx.saved_tensors
    of_tangent = logcumsumexp_backward(v, x, ctx.dim)
    return of_tangent, differentiate_cumulative(v, tangent, x, ctx.dim), None


logcumsumexp = define(
    "logcumsumexp(Tensor x, int dim)",
    compute_logcumsumexp,
    empty_like,
    save_logcumsumexp,
    differentiate_logcumsumexp,
    (1,),
)
logcumsumexp_backward = define(  # the sum of grad_j exp(x_i - y_j) over j, where y are the sums of x
    "logcumsumexp_backward(Tensor grad, Tensor x, int dim)",
    compute_logcumsumexp_backward,
    empty_like_x,
    save_shares,
    differentiate_logcumsumexp_backward,
    (2,),
)
logcumsumexp_tangent = define(  # the sum of tangent_i exp(x_i - y_j) over i
    "logcumsumexp_tangent(Tensor tangent, Tensor x, int dim)",
    compute_logcumsumexp_tangent,
    empty_like_x,
    save_shares,
    differentiate_logcumsumexp_tangent,
    (2,),
)
