"""Operators of PyTorch: what `lse.torch` computes on CPU tensors, and the derivatives.

Derivatives of any order are made of the operators here, which are closed under differentiation: sums of given factors
times shares, those that exponentials have in their sum. For the shares w_i of a log-sum-exp of x

    d(w_i)/d(x_k) = w_i [i = k] - w_i w_k,

which is again made of shares. Where a sum is 0, its logarithm -inf, all shares are 0; where it is +inf, the infinite
elements have equal shares.
"""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from lse import _core, _native
from lse._arguments import Arguments
from lse._dtypes import BFLOAT16, Array

Dims: TypeAlias = list[int]

forward_ad = torch.autograd.forward_ad
functorch_level = torch._C._functorch.maybe_current_level
len_dispatch_stack = torch._C._len_torch_dispatch_stack
tracing_state = torch._C._get_tracing_state
dispatch_keys = torch._C._dispatch_keys
from_numpy = torch.from_numpy
is_compiling = torch.compiler.is_compiling

library = torch.library.Library("lse", "DEF")


class Operator(NamedTuple):
    """An operator of tensors that are in main memory, and its derivative.

    A registered operator takes several times as long to call as `compute` or `node`, and torch.func has no gradients of
    those that are registered from Python.
    """

    registered: Any  # for compilation, modes and subclasses
    transformed: Any  # for the transforms of torch.func
    node: Any  # for autograd
    compute: Callable[..., Tensor]  # without a derivative

    def __call__(self, *arguments: Any) -> Tensor:
        if is_compiling():
            return self.registered(*arguments)
        if functorch_level() is not None:
            return self.transformed.apply(*arguments)
        recorded = False
        for a in arguments:
            if type(a) in TENSORS:
                if dispatch_keys(a).raw_repr() not in PLAIN:
                    return self.registered(*arguments)
                recorded |= a.requires_grad
            elif type(a) not in OTHERS:
                return self.registered(*arguments)
        if is_observed():
            refuse_tangents(arguments)
            return self.registered(*arguments)
        if recorded and torch.is_grad_enabled():
            return self.node.apply(*arguments)
        return self.compute(*arguments)


def is_observed() -> bool:
    """Whether a mode, a tracer or forward differentiation has to see the operators that are called."""
    return bool(len_dispatch_stack() > 0 or tracing_state() is not None or forward_ad._current_level >= 0)


def refuse_tangents(arguments: tuple[Any, ...]) -> None:
    for a in arguments:
        if isinstance(a, Tensor) and forward_ad.unpack_dual(a).tangent is not None:
            raise NotImplementedError("lse.torch has no forward-mode derivatives; use torch.func.jacrev or vjp")


def plain_keys() -> frozenset[int]:
    """What torch dispatches by for dense tensors in main memory, neither wrapped by torch.vmap nor conjugated."""
    plain = torch.empty(0, device="cpu")
    with torch.inference_mode():
        return frozenset(dispatch_keys(a).raw_repr() for a in (plain, torch.empty(0, device="cpu")))


PLAIN = plain_keys()
TENSORS = frozenset((Tensor, torch.nn.Parameter))  # and no subclasses
FEW = 4096  # elements
OTHERS = frozenset((int, bool, list, type(None)))


def define(
    signature: str,
    compute: Callable[..., Tensor],
    fake: Callable[..., Tensor],
    save: Callable[[Any, tuple[Any, ...], Tensor], None],
    differentiate: Callable[[Any, Tensor], Any],
    axes: tuple[int, ...] = (),
) -> Operator:
    """Register an operator. `axes` are the places of the arguments that are numbers of axes."""
    name = signature.partition("(")[0]
    library.define(f"{signature} -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))
    library.impl(name, compute, "CPU")
    torch.library.register_fake(f"lse::{name}", fake, lib=library)
    torch.library.register_autograd(f"lse::{name}", differentiate, setup_context=save, lib=library)
    registered = getattr(torch.ops.lse, name).default

    def batch(info: Any, places: tuple[Any, ...], *arguments: Any) -> tuple[Tensor, int]:
        """Over one more axis, the first."""
        given = list(arguments)
        for i, (a, place) in enumerate(zip(arguments, places, strict=True)):
            if isinstance(a, Tensor):
                given[i] = a.expand(info.batch_size, *a.shape) if place is None else a.movedim(place, 0)
            elif i in axes:
                given[i] = [dim + 1 for dim in a] if isinstance(a, list | tuple) else a + 1
        return operator(*given), 0

    class Node(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> Tensor:
            result = compute(*arguments)
            save(ctx, arguments, result)
            return result

        backward = staticmethod(differentiate)

    class Transformed(torch.autograd.Function):
        forward = staticmethod(registered)
        setup_context = staticmethod(save)
        backward = staticmethod(differentiate)
        vmap = staticmethod(batch)

    torch.library.register_vmap(f"lse::{name}", batch, lib=library)
    operator = Operator(registered, Transformed, Node, compute)
    return operator


def is_simple(x: Tensor) -> bool:
    """Whether NumPy has its dtype, and new arrays like it are laid out as torch's new tensors."""
    return bool(x.dtype != torch.bfloat16 and x.is_contiguous())


def as_tensor(result: Any) -> Tensor:
    return from_numpy(result if type(result) is ndarray else np.asarray(result))


def as_array(a: Tensor) -> Array:
    """A tensor's elements, without a copy; torch's bfloat16 as the core knows it."""
    a = a.detach()
    array: Array = a.view(torch.int16).numpy().view(BFLOAT16) if a.dtype == torch.bfloat16 else a.numpy()
    return array


def as_arguments(x: Tensor, dims: Dims, result: Tensor) -> Arguments:
    a = as_array(x)
    return Arguments(a, None, None, a.dtype, tuple(dims), tuple(result.shape))


def sum_of(a: Tensor, dims: Dims) -> Tensor:
    """The sum over axes, kept; over no axes, where there are none."""
    return a.sum(dims, keepdim=True) if dims else a


def keep_dims(a: Tensor, dims: Dims, kept: bool) -> Tensor:
    """A reduced tensor with its reduced axes, in ascending order."""
    for dim in () if kept else dims:
        a = a.unsqueeze(dim)
    return a


def empty_like(x: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(x)


def empty_like_x(factor: Tensor, x: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(x)


def save_shares(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """The inputs of what multiplies a factor by shares, but the axis or axes."""
    *tensors, ctx.dim = inputs
    ctx.save_for_backward(*tensors)


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
    result = compute_softmax(x, dim)
    result.mul_(grad)
    if x.numel() <= FEW and y.dtype != torch.bfloat16 and not (as_array(y) == -inf).any():  # quicker than by torch
        return result
    empty = y.isneginf()
    return result.masked_fill_(empty, 0.0) if empty.any() else result


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


def compute_map(function: Callable[..., Any], x: Tensor, dim: Dims) -> Tensor:
    if is_simple(x):
        return as_tensor(function(as_array(x), tuple(dim)))
    result = torch.empty_like(x)
    if x.numel():
        _native.map_elements(as_arguments(x, dim, result), function.__name__, as_array(result))
    return result


def compute_softmax(x: Tensor, dim: Dims) -> Tensor:
    return compute_map(_core.softmax, x, dim)


def compute_log_softmax(x: Tensor, dim: Dims) -> Tensor:
    return compute_map(_core.log_softmax, x, dim)


def save_map(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.dim = inputs[1]
    ctx.save_for_backward(output)


def differentiate_softmax(ctx: Any, grad: Tensor) -> Any:
    (y,) = ctx.saved_tensors
    if len(ctx.dim) == 1:
        return torch._softmax_backward_data(grad, y, ctx.dim[0], y.dtype), None
    return y * (grad - sum_of(y * grad, ctx.dim)), None


def differentiate_log_softmax(ctx: Any, grad: Tensor) -> Any:
    (y,) = ctx.saved_tensors
    if len(ctx.dim) == 1:
        return torch._log_softmax_backward_data(grad, y, ctx.dim[0], y.dtype), None
    return grad - y.exp() * sum_of(grad, ctx.dim), None


softmax = define("softmax(Tensor x, int[] dim)", compute_softmax, empty_like, save_map, differentiate_softmax, (1,))
log_softmax = define(
    "log_softmax(Tensor x, int[] dim)", compute_log_softmax, empty_like, save_map, differentiate_log_softmax, (1,)
)

# Cumulative sums: element i has the share exp(x_i - y_j) in sum j, for i <= j --------------------------------------


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

# Products of matrices: element k has the share w_ikj = exp(a_ik + b_kj - c_ij) in sum ij --------------------------


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
