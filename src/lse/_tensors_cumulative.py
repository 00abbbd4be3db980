"""Operators of PyTorch: cumulative sums in log space, and the derivatives.

Element i has the share exp(x_i - y_j) in sum j, for i <= j.
"""

from math import inf
from typing import Any

import torch
from torch import Tensor

from lse import _core, _native
from lse._operators import as_array, as_tensor, define, empty_like, empty_like_x, is_simple, save_shares


def cumulate(x: Tensor, dim: int, reverse: bool = False) -> Tensor:
    result = torch.empty_like(x)
    if x.numel():
        order = tuple(slice(None, None, -1 if reverse and i == dim else 1) for i in range(x.ndim))
        _native.logcumsumexp(as_array(x)[order], dim, as_array(result)[order])
    return result


def compute_logcumsumexp(x: Tensor, dim: int) -> Tensor:
    return as_tensor(_core.logcumsumexp(as_array(x), dim)) if is_simple(x) else cumulate(x, dim)


def save_logcumsumexp(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, ctx.dim = inputs
    ctx.save_for_backward(x, output)


def differentiate_logcumsumexp(ctx: Any, grad: Tensor) -> Any:
    x, y = ctx.saved_tensors
    return logcumsumexp_backward(grad, x, y.detach(), ctx.dim), None


def parts_of(factor: Tensor | None, exponent: Tensor) -> list[tuple[int, Tensor]]:
    """The logarithms of the positive and the negative parts of factor * exp(exponent), with their signs. Where the
    exponent is +inf there is no part."""
    exponent = exponent.masked_fill(exponent == inf, -inf)
    if factor is None:
        return [(1, exponent)]
    parts = [(1, exponent + factor.clamp(min=0.0).log())]
    if (factor < 0.0).any():
        parts.append((-1, exponent + (-factor).clamp(min=0.0).log()))
    return parts


def sum_shares(factor: Tensor, exponent: Tensor, dim: int, reverse: bool, others: Tensor) -> Tensor:
    """The cumulative sums of factor * exp(exponent), times exp(others), relative to the sums of absolute values."""
    others = others.masked_fill(others == inf, -inf)
    result = torch.zeros_like(exponent)
    for sign, part in parts_of(factor, exponent):
        result.add_(torch.exp_(cumulate(part, dim, reverse).add_(others)), alpha=sign)
    return result


def wide_cumulative(factor: Tensor, x: Tensor, y: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """In float64; rounded to less, y would be off by 2^-24 of it, and a share likewise."""
    wide_x = x.double()
    return factor.double(), wide_x, y if wide_x is x else cumulate(wide_x, dim)


def compute_logcumsumexp_backward(grad: Tensor, x: Tensor, y: Tensor, dim: int) -> Tensor:
    wide_grad, wide_x, wide_y = wide_cumulative(grad, x, y, dim)
    result = sum_shares(wide_grad, -wide_y, dim, True, wide_x)
    infinite = y == inf
    if infinite.any():
        equal = (x == inf).double()
        each = torch.where(infinite, wide_grad / equal.cumsum(dim), 0.0)
        result.add_(equal * each.flip(dim).cumsum(dim).flip(dim))
    return torch.empty_like(x).copy_(result)


def compute_logcumsumexp_tangent(tangent: Tensor, x: Tensor, y: Tensor, dim: int) -> Tensor:
    wide_tangent, wide_x, wide_y = wide_cumulative(tangent, x, y, dim)
    result = sum_shares(wide_tangent, wide_x, dim, False, -wide_y)
    infinite = y == inf
    if infinite.any():
        equal = (x == inf).double()
        means = torch.where(equal > 0.0, wide_tangent, 0.0).cumsum(dim) / equal.cumsum(dim)
        result = torch.where(infinite, means, result)
    return torch.empty_like(x).copy_(result)


def differentiate_cumulative(of_sums: Tensor, of_elements: Tensor, x: Tensor, y: Tensor, dim: int) -> Tensor:
    """The derivative by x of the sum of of_elements[i] of_sums[j] exp(x_i - y_j)."""
    mean = logcumsumexp_tangent(of_elements, x, y, dim)
    direct = of_elements * logcumsumexp_backward(of_sums, x, y, dim)
    return direct - logcumsumexp_backward(of_sums * mean, x, y, dim)


def differentiate_logcumsumexp_backward(ctx: Any, v: Tensor) -> Any:
    grad, x, y = ctx.saved_tensors
    of_grad = logcumsumexp_tangent(v, x, y, ctx.dim)
    return of_grad, differentiate_cumulative(grad, v, x, y, ctx.dim), None, None


def differentiate_logcumsumexp_tangent(ctx: Any, v: Tensor) -> Any:
    tangent, x, y = ctx.saved_tensors
    of_tangent = logcumsumexp_backward(v, x, y, ctx.dim)
    return of_tangent, differentiate_cumulative(v, tangent, x, y, ctx.dim), None, None


logcumsumexp = define(
    "logcumsumexp(Tensor x, int dim)",
    compute_logcumsumexp,
    empty_like,
    save_logcumsumexp,
    differentiate_logcumsumexp,
    (1,),
)
logcumsumexp_backward = define(  # the sum of grad_j exp(x_i - y_j) over j; y is that of x, and no variable
    "logcumsumexp_backward(Tensor grad, Tensor x, Tensor y, int dim)",
    compute_logcumsumexp_backward,
    empty_like_x,
    save_shares,
    differentiate_logcumsumexp_backward,
    (3,),
)
logcumsumexp_tangent = define(  # the sum of tangent_i exp(x_i - y_j) over i
    "logcumsumexp_tangent(Tensor tangent, Tensor x, Tensor y, int dim)",
    compute_logcumsumexp_tangent,
    empty_like_x,
    save_shares,
    differentiate_logcumsumexp_tangent,
    (3,),
)
