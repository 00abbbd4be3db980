"""Operators of PyTorch: log-sum-exp, softmax and log-softmax of groups of elements, and the derivatives.

Labels are integers of as many axes as the elements, each of which has the length of theirs or 1. Sums over groups are
in float64.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import lse
from lse._operators import define, empty_like


def shape_of_groups(x: Tensor, dim: int, size: int) -> list[int]:
    return [size if i == dim else n for i, n in enumerate(x.shape)]


def empty_groups(x: Tensor, index: Tensor, dim: int, size: int) -> Tensor:
    return x.new_empty(shape_of_groups(x, dim, size))


def empty_like_x(grad: Tensor, x: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(x)


def compute(function: Callable[..., Any], x: Tensor, index: Tensor, dim: int, size: int | None, out: Tensor) -> Tensor:
    """Results, laid out as `out`. Labels that are expanded along an axis are the same for all of it."""
    for i, step in enumerate(index.stride()):
        index = index.narrow(i, 0, 1) if step == 0 and index.shape[i] > 1 and i != dim else index
    result: Tensor = function(x.detach(), index, dim, size)
    return result if result.stride() == out.stride() else out.copy_(result)


def compute_logsumexp(x: Tensor, index: Tensor, dim: int, size: int) -> Tensor:
    return compute(lse.scatter_logsumexp, x, index, dim, size, empty_groups(x, index, dim, size))


def compute_softmax(x: Tensor, index: Tensor, dim: int, size: int | None) -> Tensor:
    return compute(lse.scatter_softmax, x, index, dim, size, torch.empty_like(x))


def compute_log_softmax(x: Tensor, index: Tensor, dim: int, size: int | None) -> Tensor:
    return compute(lse.scatter_log_softmax, x, index, dim, size, torch.empty_like(x))


def labels_of(index: Tensor, x: Tensor) -> Tensor:
    """One for each element, as torch takes them."""
    return index.long().expand(x.shape)


def gather(groups: Tensor, labels: Tensor, dim: int) -> Tensor:
    """For each element what its group has."""
    return groups.gather(dim, labels)


# Sums of groups ---------------------------------------------------------------------------------------------


def sum_groups(x: Tensor, index: Tensor, dim: int, size: int) -> Tensor:
    """Sums in float64, rounded once."""
    sums = x.new_zeros(shape_of_groups(x, dim, size), dtype=torch.float64)
    return sums.scatter_add(dim, labels_of(index, x), x.double()).to(x.dtype)


def compute_group_sums(x: Tensor, index: Tensor, dim: int) -> Tensor:
    size = int(index.max()) + 1 if index.numel() else 0
    return torch.empty_like(x).copy_(gather(sum_groups(x.detach(), index, dim, size), labels_of(index, x), dim))


def save_group_sums(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, index, ctx.dim = inputs
    ctx.save_for_backward(index)


def differentiate_group_sums(ctx: Any, grad: Tensor) -> Any:
    (index,) = ctx.saved_tensors
    return group_sums(grad, index, ctx.dim), None, None


group_sums = define(  # for each element the sum of its group
    "group_sums(Tensor x, Tensor index, int dim)",
    compute_group_sums,
    empty_like,
    save_group_sums,
    differentiate_group_sums,
    (2,),
)

# Log-sum-exp ------------------------------------------------------------------------------------------------


def save_logsumexp(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, index, ctx.dim, _ = inputs
    ctx.save_for_backward(x, index, output)


def differentiate_logsumexp(ctx: Any, grad: Tensor) -> Any:
    x, index, y = ctx.saved_tensors
    return scatter_logsumexp_backward(grad, x, index, y.detach(), ctx.dim), None, None, None


def compute_logsumexp_backward(grad: Tensor, x: Tensor, index: Tensor, y: Tensor, dim: int) -> Tensor:
    labels = labels_of(index, x)
    result = compute_softmax(x, index, dim, y.shape[dim]).mul_(gather(grad, labels, dim))
    empty = y.isneginf()
    return result.masked_fill_(gather(empty, labels, dim), 0.0) if empty.any() else result


def save_logsumexp_backward(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.dim = inputs
    ctx.save_for_backward(*tensors)


def differentiate_logsumexp_backward(ctx: Any, v: Tensor) -> Any:
    grad, x, index, y = ctx.saved_tensors
    labels = labels_of(index, x)
    share = scatter_logsumexp_backward(torch.ones_like(grad), x, index, y, ctx.dim)
    mean = sum_groups(v * share, index, ctx.dim, y.shape[ctx.dim])
    of_x = gather(grad, labels, ctx.dim) * share * (v - gather(mean, labels, ctx.dim))
    return mean, of_x, None, None, None


scatter_logsumexp = define(
    "scatter_logsumexp(Tensor x, Tensor index, int dim, SymInt size)",
    compute_logsumexp,
    empty_groups,
    save_logsumexp,
    differentiate_logsumexp,
    (2,),
)
scatter_logsumexp_backward = define(  # grad of the groups times the shares; y is the log-sum-exp, and no variable
    "scatter_logsumexp_backward(Tensor grad, Tensor x, Tensor index, Tensor y, int dim)",
    compute_logsumexp_backward,
    empty_like_x,
    save_logsumexp_backward,
    differentiate_logsumexp_backward,
    (4,),
)

# Softmax ----------------------------------------------------------------------------------------------------


def save_map(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, index, ctx.dim, _ = inputs
    ctx.save_for_backward(index, output)


def differentiate_softmax(ctx: Any, grad: Tensor) -> Any:
    index, y = ctx.saved_tensors
    wide_y, wide_grad = y.double(), grad.double()
    result = wide_y * (wide_grad - group_sums(wide_y * wide_grad, index, ctx.dim))
    return result.to(y.dtype), None, None, None


def differentiate_log_softmax(ctx: Any, grad: Tensor) -> Any:
    index, y = ctx.saved_tensors
    result = grad.double() - y.double().exp() * group_sums(grad.double(), index, ctx.dim)
    return result.to(y.dtype), None, None, None


scatter_softmax = define(
    "scatter_softmax(Tensor x, Tensor index, int dim, SymInt? size)",
    compute_softmax,
    empty_like,
    save_map,
    differentiate_softmax,
    (2,),
)
scatter_log_softmax = define(
    "scatter_log_softmax(Tensor x, Tensor index, int dim, SymInt? size)",
    compute_log_softmax,
    empty_like,
    save_map,
    differentiate_log_softmax,
    (2,),
)
