"""How operators of PyTorch are registered and called, and what they have in common.

Derivatives of any order are made of operators, which are closed under differentiation: sums of given factors times
shares, those that exponentials have in their sum. For the shares w_i of a log-sum-exp of x

    d(w_i)/d(x_k) = w_i [i = k] - w_i w_k,

which is again made of shares. Where a sum is 0, its logarithm -inf, all shares are 0; where it is +inf, the infinite
elements have equal shares.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from lse import _core
from lse._arguments import Arguments
from lse._dtypes import BFLOAT16, Array

Dims: TypeAlias = list[int]

forward_ad = torch.autograd.forward_ad
functorch_level = torch._C._functorch.maybe_current_level
dispatch_keys = torch._C._dispatch_keys
from_numpy = torch.from_numpy
is_compiling = torch.compiler.is_compiling
is_grad_enabled = torch.is_grad_enabled

view_tensor = _core.view_tensor
is_observed = _core.is_observed
_core.set_torch(torch)

library = torch.library.Library("lse", "DEF")


class Operator(NamedTuple):
    """An operator of tensors that are in main memory, and its derivative.

    A registered operator takes several times as long to call as `compute` or `record`, and torch.func has no gradients
    of those that are registered from Python.
    """

    registered: Any  # for compilation, modes and subclasses
    transformed: Any  # for the transforms of torch.func
    record: Callable[..., Tensor]  # for autograd; the last argument is an array of results, if they are known
    compute: Callable[..., Tensor]  # without a derivative
    takes_list: bool  # of axes

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
            return (self.transformed.apply if have_tangents(arguments) else self.registered)(*arguments)
        if recorded and is_grad_enabled():
            return self.record(*arguments, None)
        return self.compute(*arguments)

    def return_array(self, result: Any, x: Tensor, dim: int, *options: bool) -> Tensor:
        """What is known of a tensor that is read as an array, recorded if it requires a gradient."""
        if not x.requires_grad or not is_grad_enabled():
            return as_tensor(result)
        ndim = x.ndim
        if self.takes_list:
            return self.record(x, [dim if dim >= 0 else dim + ndim] if ndim else [], *options, result)
        return self.record(x, dim if dim >= 0 else dim + ndim, *options, result)


def have_tangents(arguments: tuple[Any, ...]) -> bool:
    return forward_ad._current_level >= 0 and any(
        isinstance(a, Tensor) and forward_ad.unpack_dual(a).tangent is not None for a in arguments
    )


class Saved:
    """What a derivative is computed from, in the place of torch's context."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad

    def save_for_backward(self, *tensors: Tensor) -> None:
        self.saved_tensors = tensors


def push_forward(
    differentiate: Callable[[Any, Tensor], Any], saved: Saved, like: Tensor, tangents: list[Any]
) -> Tensor:
    """The tangent of a result: the gradient is linear in that of the result, and this is its transpose."""
    places: list[int] = []

    def pull_back(grad: Tensor) -> tuple[Tensor, ...]:
        found = differentiate(saved, grad)
        places[:] = [i for i, needed in enumerate(saved.needs_input_grad) if needed and found[i] is not None]
        return tuple(found[i] for i in places)

    _, transposed = torch.func.vjp(pull_back, torch.zeros_like(like))
    result: Tensor = transposed(tuple(tangents[i] for i in places))[0]
    return result


def refuse_nested() -> None:
    levels = torch._C._functorch.get_interpreter_stack() or []
    if sum(level.key() == torch._C._functorch.TransformType.Jvp for level in levels) > 1:
        raise NotImplementedError("lse.torch has no forward mode within forward mode; use jacfwd of jacrev, or hessian")


def plain_keys() -> frozenset[int]:
    """What torch dispatches by for dense tensors in main memory, neither wrapped by torch.vmap nor conjugated."""
    plain = torch.empty(0, device="cpu")
    with torch.inference_mode():
        return frozenset(dispatch_keys(a).raw_repr() for a in (plain, torch.empty(0, device="cpu")))


PLAIN = plain_keys()
TENSORS = frozenset((Tensor, torch.nn.Parameter))  # and no subclasses
WIDE = (torch.float32, torch.float64)
OTHERS = frozenset((int, bool, list, type(None)))


def define(
    signature: str,
    compute: Callable[..., Tensor],
    fake: Callable[..., Tensor],
    save: Callable[[Any, tuple[Any, ...], Tensor], None],
    differentiate: Callable[[Any, Tensor], Any],
    axes: tuple[int, ...] = (),
    is_map: bool = False,
) -> Operator:
    """Register an operator. `axes` are the places of the arguments that are numbers of axes. A map is one of a tensor
    along `dim`, of which nothing but this and the results is saved."""
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
        def forward(ctx: Any, *given: Any) -> Tensor:
            arguments, array = given[:-1], given[-1]
            result = compute(*arguments) if array is None else as_tensor(array)
            save(ctx, arguments, result)
            return result

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            return *differentiate(ctx, grad), None

    if is_map:  # the same, with less of what takes as long as few elements
        Node.forward = staticmethod(_core.recorder_of_map(compute))  # type: ignore[method-assign]
    Node._backward_cls.apply = Node.backward

    class Transformed(torch.autograd.Function):
        forward = staticmethod(registered)
        backward = staticmethod(differentiate)
        vmap = staticmethod(batch)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
            save(ctx, inputs, output)
            ctx.inputs = [None if isinstance(a, Tensor) else a for a in inputs]
            ctx.places = [i for i, a in enumerate(inputs) if isinstance(a, Tensor)]
            ctx.save_for_forward(*(inputs[i] for i in ctx.places), output)

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Tensor:
            refuse_nested()
            *tensors, output = (forward_ad.unpack_dual(a).primal for a in ctx.saved_tensors)
            inputs = list(ctx.inputs)
            for i, a in zip(ctx.places, tensors, strict=True):
                inputs[i] = a
            saved = Saved(tuple(isinstance(t, Tensor) and t.is_floating_point() for t in tangents))
            save(saved, tuple(inputs), output)
            return push_forward(differentiate, saved, output, list(tangents))

    torch.library.register_vmap(f"lse::{name}", batch, lib=library)
    record = super(torch.autograd.Function, Node).apply  # without what only transforms need
    operator = Operator(registered, Transformed, record, compute, "int[]" in signature)
    return operator


def is_simple(x: Tensor) -> bool:
    """Whether NumPy has its dtype, and new arrays like it are laid out as torch's new tensors."""
    return bool(x.dtype != torch.bfloat16 and x.is_contiguous())


def as_tensor(result: Any) -> Tensor:
    return from_numpy(result if type(result) is ndarray else np.asarray(result))


def as_array(a: Tensor) -> Array:
    """A tensor's elements, without a copy; torch's bfloat16 as the core knows it."""
    array: Array | None = view_tensor(a)
    if array is not None:
        return array
    a = a.detach() if a.requires_grad else a
    array = a.view(torch.int16).numpy().view(BFLOAT16) if a.dtype == torch.bfloat16 else a.numpy()
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
