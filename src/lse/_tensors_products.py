"""Operators of PyTorch: products of matrices in log space, and the derivatives.

Element k has the share w_ikj = exp(a_ik + b_kj - c_ij) in sum ij.
"""

from math import inf
from typing import Any

import torch
from torch import Tensor

from lse import _core
from lse._operators import as_array, define


def empty_product(a: Tensor, b: Tensor) -> Tensor:
    return a.new_empty((*a.shape[:-1], b.shape[-1]))


def compute_logmatmulexp(a: Tensor, b: Tensor) -> Tensor:
    result = empty_product(a, b)
    if result.numel() and a.shape[-1] == 0:
        return result.fill_(-inf)
    if result.numel():
        _core.multiply(as_array(a), as_array(b), as_array(result), None, None)
    return result


def save_logmatmulexp(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs, output)


def differentiate_logmatmulexp(ctx: Any, grad: Tensor) -> Any:
    a, b, c = ctx.saved_tensors
    needed = ctx.needs_input_grad
    of_a = logmatmulexp_shares(None, None, grad, a, b, c.detach(), 0) if needed[0] else None
    of_b = logmatmulexp_shares(None, None, grad, a, b, c.detach(), 1) if needed[1] else None
    return of_a, of_b


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


def multiply(
    left_factor: Tensor | None,
    left: Tensor,
    right_factor: Tensor | None,
    right: Tensor,
    others: Tensor,
) -> Tensor:
    """The product of left_factor * exp(left) and right_factor * exp(right), times exp(others)."""
    others = others.masked_fill(others == inf, -inf)
    result = torch.zeros_like(others)
    for sign, a in parts_of(left_factor, left):
        for other_sign, b in parts_of(right_factor, right):
            result.add_(torch.exp_(compute_logmatmulexp(a, b).add_(others)), alpha=sign * other_sign)
    return result


def transpose(a: Tensor | None) -> Tensor | None:
    return None if a is None else a.mT


def empty_face(
    of_a: Tensor | None, of_b: Tensor | None, of_c: Tensor | None, a: Tensor, b: Tensor, c: Tensor, face: int
) -> Tensor:
    return torch.empty_like((a, b, c)[face], memory_format=torch.contiguous_format)


def compute_logmatmulexp_shares(
    of_a: Tensor | None, of_b: Tensor | None, of_c: Tensor | None, a: Tensor, b: Tensor, c: Tensor, face: int
) -> Tensor:
    out = empty_face(of_a, of_b, of_c, a, b, c, face)
    of_a, of_b, of_c = (None if factor is None else factor.double() for factor in (of_a, of_b, of_c))
    if c.dtype != torch.float64:  # rounded to less, it would be off by 2^-24 of it, and a share likewise
        a, b = a.double(), b.double()
        c = compute_logmatmulexp(a, b)
    minus_c = -c
    if face == 0:
        result = multiply(of_c, minus_c, transpose(of_b), b.mT, a)
    elif face == 1:
        result = multiply(transpose(of_a), a.mT, of_c, minus_c, b)
    else:
        result = multiply(of_a, a, of_b, b, minus_c)
    infinite = c == inf
    if infinite.any():
        result.add_(infinite_shares(of_a, of_b, of_c, a, b, infinite, face))
    return out.copy_(result)


def infinite_shares(
    of_a: Tensor | None, of_b: Tensor | None, of_c: Tensor | None, a: Tensor, b: Tensor, infinite: Tensor, face: int
) -> Tensor:
    """The same where c is +inf: the terms that are +inf have equal shares."""
    top_a, top_b = (a == inf).double(), (b == inf).double()
    pairs = [(top_a, (b > -inf).double()), (a.isfinite().double(), top_b)]
    count = sum(left @ right for left, right in pairs)
    each = torch.where(infinite, (1.0 if of_c is None or face == 2 else of_c) / count, 0.0)
    result: Any = 0.0
    for left, right in pairs:
        weighted_left, weighted_right = left if of_a is None else left * of_a, right if of_b is None else right * of_b
        if face == 0:
            result = result + left * (each @ weighted_right.mT)
        elif face == 1:
            result = result + right * (weighted_left.mT @ each)
        else:
            result = result + each * (weighted_left @ weighted_right)
    return result


def save_logmatmulexp_shares(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.face = inputs
    ctx.save_for_backward(*tensors)


def times(factor: Tensor | None, a: Tensor) -> Tensor:
    return a if factor is None else factor * a


def differentiate_logmatmulexp_shares(ctx: Any, v: Tensor) -> Any:
    """Derivatives of the sum S of of_a[ik] of_b[kj] of_c[ij] w_ikj, where v takes the place of the missing factor."""
    *factors, a, b, c = ctx.saved_tensors
    needed = ctx.needs_input_grad
    factors[ctx.face] = v

    def shares(face: int, of_a: Tensor | None, of_b: Tensor | None, of_c: Tensor | None) -> Tensor:
        return logmatmulexp_shares(of_a, of_b, of_c, a, b, c, face)

    def partial(face: int) -> Tensor:
        """The derivative by the factor of a face."""
        return shares(face, *(None if i == face else factor for i, factor in enumerate(factors)))

    of_factors = [partial(i) if needed[i] and i != ctx.face else None for i in range(3)]
    of_operands: list[Tensor | None] = [None, None]
    if needed[3] or needed[4]:
        mean = times(factors[2], partial(2))
        for i in range(2):
            if needed[3 + i]:
                of_operands[i] = times(factors[i], partial(i)) - shares(i, None, None, mean)
    return *of_factors, *of_operands, None, None


logmatmulexp = define(
    "logmatmulexp(Tensor a, Tensor b)",
    compute_logmatmulexp,
    empty_product,
    save_logmatmulexp,
    differentiate_logmatmulexp,
)
# The sum of w_ikj, times the factors of the other two faces of the cube, over the index that the face does not have:
# ik, kj or ij. The factor of the face itself is None, and so are factors of 1; c is the product of a and b, and no
# variable.
logmatmulexp_shares = define(
    "logmatmulexp_shares(Tensor? of_a, Tensor? of_b, Tensor? of_c, Tensor a, Tensor b, Tensor c, int face)",
    compute_logmatmulexp_shares,
    empty_face,
    save_logmatmulexp_shares,
    differentiate_logmatmulexp_shares,
)
