"""The functions of `lse` for tensors of PyTorch, with gradients of any order and torch's argument names.

CPU tensors are read without a copy. Tensors elsewhere, sparse and complex ones go to torch's functions.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

import lse
from lse import _core, _tensors, _tensors_cumulative, _tensors_groups, _tensors_products
from lse._dtypes import Array
from lse._operators import TENSORS, as_array, functorch_level, is_compiling, is_observed

__all__ = [
    "log_softmax",
    "logcumsumexp",
    "logmatmulexp",
    "logmeanexp",
    "logsumexp",
    "scatter_log_softmax",
    "scatter_logsumexp",
    "scatter_softmax",
    "softmax",
]


def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Logarithm of the sum of exponentials, ``log(sum(exp(input)))``.

    Parameters
    ----------
    input : Tensor
        Of any shape. float16, bfloat16, float32 and float64 keep their type; integers and booleans become torch's
        default.
    dim : int or tuple of ints
        Axes to reduce; the empty tuple stands for all.
    keepdim : bool, optional
        Keep the reduced axes, with length 1.

    Returns
    -------
    Tensor
        With the values, the accuracy and the special values of `lse.logsumexp`.

    Raises
    ------
    IndexError, RuntimeError, TypeError
        An axis is out of range, repeated, or no integer.

    See Also
    --------
    lse.logsumexp, torch.logsumexp, logmeanexp

    Notes
    -----
    The gradient is the softmax. Where the result is -inf it is 0; where it is +inf, the infinite elements share it.

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> x = torch.tensor([1000.0, 1000.0, -torch.inf], requires_grad=True)
    >>> y = lse.torch.logsumexp(x, 0)
    >>> y.backward()
    >>> x.grad
    tensor([0.5000, 0.5000, 0.0000])
    """
    if type(dim) is int and (a := _quick(input)) is not None:
        result = lse.logsumexp(a, dim, None, bool(keepdim))
        return _tensors.logsumexp.return_array(result, input, dim, bool(keepdim))
    input = _floating(input)
    dims = _dims(input, dim)
    if _goes_to_torch(input):
        return torch.logsumexp(input, dims, keepdim)
    return _tensors.logsumexp(input, dims, keepdim)


def logmeanexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """Logarithm of the mean of exponentials, ``log(mean(exp(input)))``.

    Parameters
    ----------
    input : Tensor
        As for `logsumexp`.
    dim : int or tuple of ints
        Axes over which the mean is taken; the empty tuple stands for all.
    keepdim : bool, optional
        Keep the reduced axes, with length 1.

    Returns
    -------
    Tensor
        With the values of `lse.logmeanexp`; NaN for the mean of no elements.

    Raises
    ------
    IndexError, RuntimeError, TypeError
        As `logsumexp`.

    See Also
    --------
    lse.logmeanexp, logsumexp

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> lse.torch.logmeanexp(torch.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.)
    """
    if type(dim) is int and (a := _quick(input)) is not None:
        result = lse.logmeanexp(a, dim, None, bool(keepdim))
        return _tensors.logmeanexp.return_array(result, input, dim, bool(keepdim))
    input = _floating(input)
    dims = _dims(input, dim)
    if not _goes_to_torch(input):
        return _tensors.logmeanexp(input, dims, keepdim)
    count = math.prod(input.shape[i] for i in dims)
    return torch.logsumexp(input, dims, keepdim) - (math.log(count) if count else math.nan)


def softmax(input: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    """Exponentials divided by their sum, ``exp(input) / sum(exp(input))``.

    Parameters
    ----------
    input : Tensor
        As for `logsumexp`.
    dim : int
        The axis over which the result sums to 1.
    dtype : torch.dtype, optional
        The type to convert the input to.

    Returns
    -------
    Tensor
        With the values of `lse.softmax`.

    Raises
    ------
    IndexError, TypeError
        The axis is out of range, or no integer.

    See Also
    --------
    lse.softmax, torch.softmax, log_softmax

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> lse.torch.softmax(torch.tensor([1000.0, 1000.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dtype is None and not is_compiling():
        result: Tensor | None = _core.map_tensor("softmax", _tensors.softmax.record, input, dim)
        if result is not None:
            return result
    input = _floating(input, dtype)
    if _goes_to_torch(input):
        return torch.softmax(input, dim)
    return _tensors.softmax(input, _dim(input, dim))


def log_softmax(input: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    """Logarithm of the softmax, ``input - log(sum(exp(input)))``.

    Parameters
    ----------
    input : Tensor
        As for `logsumexp`.
    dim : int
        The axis over which the exponentials of the result sum to 1.
    dtype : torch.dtype, optional
        The type to convert the input to.

    Returns
    -------
    Tensor
        With the values of `lse.log_softmax`.

    Raises
    ------
    IndexError, TypeError
        As `softmax`.

    See Also
    --------
    lse.log_softmax, torch.log_softmax, softmax

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> lse.torch.log_softmax(torch.tensor([0.0, -40.0]), dim=0)
    tensor([-4.2484e-18, -4.0000e+01])
    """
    if dtype is None and not is_compiling():
        result: Tensor | None = _core.map_tensor("log_softmax", _tensors.log_softmax.record, input, dim)
        if result is not None:
            return result
    input = _floating(input, dtype)
    if _goes_to_torch(input):
        return torch.log_softmax(input, dim)
    return _tensors.log_softmax(input, _dim(input, dim))


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Logarithm of the cumulative sum of exponentials, ``log(cumsum(exp(input)))``.

    Parameters
    ----------
    input : Tensor
        As for `logsumexp`.
    dim : int
        The axis along which to sum.

    Returns
    -------
    Tensor
        With the values of `lse.logcumsumexp`.

    Raises
    ------
    IndexError, TypeError
        As `softmax`.

    See Also
    --------
    lse.logcumsumexp, torch.logcumsumexp, logsumexp

    Notes
    -----
    The gradient is computed by cumulative sums from the end, in float64, within 16 * 2**-53 of the sum of absolute
    values, and rounded once. Where a result is -inf, it contributes nothing.

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> lse.torch.logcumsumexp(torch.tensor([1000.0, 1000.0, 1000.0]), dim=0)
    tensor([1000.0000, 1000.6932, 1001.0986])
    """
    if type(dim) is int and (a := _quick(input)) is not None and a.ndim > 0:
        return _tensors_cumulative.logcumsumexp.return_array(lse.logcumsumexp(a, dim), input, dim)
    input = _floating(input)
    if _goes_to_torch(input):
        return torch.logcumsumexp(input, dim)
    dims = _dim(input, dim)
    return _tensors_cumulative.logcumsumexp(input, dims[0]) if dims else input.clone()


def logmatmulexp(input: Tensor, other: Tensor) -> Tensor:
    """Product of matrices in log space, ``log(exp(input) @ exp(other))``.

    Parameters
    ----------
    input, other : Tensor
        Matrices, stacks of them, or vectors, with the shapes that `torch.matmul` takes, and the dtypes of `logsumexp`.

    Returns
    -------
    Tensor
        With the values of `lse.logmatmulexp`. Its dtype is what torch promotes both dtypes to.

    Raises
    ------
    RuntimeError
        The shapes do not fit each other, or an operand is 0-d.

    See Also
    --------
    lse.logmatmulexp

    Notes
    -----
    The gradient of an operand is computed by one or two products in log space, in float64. Tensors that are complex or
    not in main memory are broadcast against each other, which takes memory for all terms.

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> a = torch.tensor([[0.0, -1000.0]])
    >>> b = torch.tensor([[-2000.0], [-500.0]])
    >>> lse.torch.logmatmulexp(a, b)
    tensor([[-1500.]])
    """
    a, b = _floating(input), _floating(other)
    dtype = torch.promote_types(a.dtype, b.dtype)
    a, b = a.to(dtype), b.to(dtype)
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(f"logmatmulexp: expected two tensors of at least 1 dimension, not {a.ndim} and {b.ndim}")
    left = a.unsqueeze(0) if a.ndim == 1 else a
    right = b.unsqueeze(1) if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise RuntimeError(f"logmatmulexp: shapes that do not fit, {tuple(a.shape)} and {tuple(b.shape)}")
    if _goes_to_torch(left) or _goes_to_torch(right):
        result = torch.logsumexp(left.unsqueeze(-1) + right.unsqueeze(-3), -2)
    else:
        first = torch.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        left, right = left.expand(*first, *left.shape[-2:]), right.expand(*first, *right.shape[-2:])
        result = _tensors_products.logmatmulexp(left, right)
    if b.ndim == 1:
        result = result.squeeze(-1)
    return result.squeeze(-1 if b.ndim == 1 else -2) if a.ndim == 1 else result


def scatter_logsumexp(input: Tensor, index: Tensor, dim: int = -1, dim_size: int | None = None) -> Tensor:
    """Log-sum-exp of groups of elements along an axis, each of which has the number of its group.

    Parameters
    ----------
    input : Tensor
        As for `logsumexp`, of at least one axis.
    index : Tensor
        Labels, integers: element i along `dim` belongs to group ``index[i]``. Any order, any of them repeated or
        missing. Of more than one axis it is broadcast to `input`, so that each row has labels of its own.
    dim : int, optional
        The axis along which elements are grouped.
    dim_size : int, optional
        The number of groups; by default the greatest label plus one. Compiled, exported and mapped by `torch.vmap` the
        function needs it.

    Returns
    -------
    Tensor
        With the values of `lse.scatter_logsumexp`: of the shape of `input`, except that `dim` has length `dim_size`;
        -inf for a group without elements.

    Raises
    ------
    ValueError
        A label is negative, or not less than `dim_size` (the message names the first such).
    IndexError, RuntimeError, TypeError
        The axis is out of range; `index` does not fit `input`, or is not of integers.

    See Also
    --------
    lse.scatter_logsumexp, scatter_softmax, scatter_log_softmax

    Notes
    -----
    The gradient is that of the group times the softmax over it, as of `logsumexp`. Tensors that are complex or not in
    main memory are computed by functions of torch, and labels are not checked.

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> lse.torch.scatter_logsumexp(torch.tensor([0.0, 5.0, 0.0, 1.0]), torch.tensor([0, 2, 0, 2]))
    tensor([0.6931,   -inf, 5.0181])
    """
    input = _floating(input)
    number, index = _labels(input, index, dim)
    size = _size(index, dim_size)
    if _goes_to_torch(input):
        return _sum_groups_by_torch(input, index, number, size)
    return _tensors_groups.scatter_logsumexp(input, index, number, size)


def scatter_softmax(input: Tensor, index: Tensor, dim: int = -1, dim_size: int | None = None) -> Tensor:
    """Softmax of groups of elements along an axis, each of which has the number of its group.

    Parameters
    ----------
    input : Tensor
        As for `logsumexp`, of at least one axis.
    index : Tensor
        Labels of the elements, as for `scatter_logsumexp`.
    dim : int, optional
        The axis along which elements are grouped.
    dim_size : int, optional
        The number of groups; it only limits the labels.

    Returns
    -------
    Tensor
        With the values of `lse.scatter_softmax`: of the shape of `input`, the exponentials divided by the sum over
        their group.

    Raises
    ------
    IndexError, RuntimeError, TypeError, ValueError
        As `scatter_logsumexp`.

    See Also
    --------
    lse.scatter_softmax, softmax, scatter_logsumexp, scatter_log_softmax

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> lse.torch.scatter_softmax(torch.tensor([0.0, 5.0, 0.0]), torch.tensor([1, 0, 1]))
    tensor([0.5000, 1.0000, 0.5000])
    """
    input = _floating(input)
    number, index = _labels(input, index, dim)
    if _goes_to_torch(input):
        return _log_softmax_by_torch(input, index, number, dim_size).exp()
    return _tensors_groups.scatter_softmax(input, index, number, dim_size)


def scatter_log_softmax(input: Tensor, index: Tensor, dim: int = -1, dim_size: int | None = None) -> Tensor:
    """Logarithm of the softmax of groups of elements along an axis, each of which has the number of its group.

    Parameters
    ----------
    input : Tensor
        As for `logsumexp`, of at least one axis.
    index : Tensor
        Labels of the elements, as for `scatter_logsumexp`.
    dim : int, optional
        The axis along which elements are grouped.
    dim_size : int, optional
        The number of groups; it only limits the labels.

    Returns
    -------
    Tensor
        With the values of `lse.scatter_log_softmax`: of the shape of `input`, the elements less the log-sum-exp of
        their group.

    Raises
    ------
    IndexError, RuntimeError, TypeError, ValueError
        As `scatter_logsumexp`.

    See Also
    --------
    lse.scatter_log_softmax, log_softmax, scatter_logsumexp, scatter_softmax

    Examples
    --------
    >>> import torch
    >>> import lse.torch
    >>> lse.torch.scatter_log_softmax(torch.tensor([0.0, 5.0, 0.0]), torch.tensor([1, 0, 1]))
    tensor([-0.6931,  0.0000, -0.6931])
    """
    input = _floating(input)
    number, index = _labels(input, index, dim)
    if _goes_to_torch(input):
        return _log_softmax_by_torch(input, index, number, dim_size)
    return _tensors_groups.scatter_log_softmax(input, index, number, dim_size)


def _sum_groups_by_torch(a: Tensor, index: Tensor, dim: int, size: int) -> Tensor:
    labels = index.long().expand(a.shape)
    shape = [size if i == dim else n for i, n in enumerate(a.shape)]
    real = a.detach().real if a.is_complex() else a.detach()
    top = real.new_full(shape, -math.inf).scatter_reduce(dim, labels, real, "amax")
    top = top.masked_fill(top.isinf(), 0.0)
    terms = (a - top.gather(dim, labels)).exp()
    return a.new_zeros(shape).scatter_add(dim, labels, terms).log() + top


def _log_softmax_by_torch(a: Tensor, index: Tensor, dim: int, size: int | None) -> Tensor:
    sums = _sum_groups_by_torch(a, index, dim, _size(index, size))
    return a - sums.gather(dim, index.long().expand(a.shape))


# Arguments --------------------------------------------------------------------------------------------------


def _quick(a: Tensor) -> Array | None:
    """The elements of a tensor that nothing but autograd has to know of: most small calls need nothing else."""
    if is_compiling() or type(a) not in TENSORS or functorch_level() is not None or is_observed():
        return None
    try:
        array = as_array(a)
    except (TypeError, RuntimeError):  # conjugated, sparse, or not in main memory
        return None
    return array if array.dtype.char in "efd" else None


def _floating(a: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Convert to a dtype; if there is none, integers and booleans to torch's default."""
    if dtype is not None:
        return a.to(dtype)
    return a if a.is_floating_point() or a.is_complex() else a.to(torch.get_default_dtype())


def _goes_to_torch(a: Tensor) -> bool:
    return not a.is_cpu or a.layout != torch.strided or a.is_complex()


def _dims(a: Tensor, dim: int | Sequence[int]) -> list[int]:
    """Axes in ascending order, not negative; none of a 0-d tensor."""
    if type(dim) is int and -a.ndim <= dim < a.ndim:
        return [dim % a.ndim]
    if isinstance(dim, bool) or not isinstance(dim, int | tuple | list):
        raise TypeError(f"dim must be an integer or a tuple of integers, not {type(dim).__name__}")
    count = max(a.ndim, 1)
    found = []
    for number in (dim,) if isinstance(dim, int) else dim:
        if not -count <= number < count:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {number})"
            )
        if number % count in found:
            raise RuntimeError(f"dim {number % count} appears multiple times in the list of dims")
        found.append(number % count)
    if a.ndim == 0:
        return []
    return sorted(found) if found else list(range(a.ndim))


def _dim(a: Tensor, dim: int) -> list[int]:
    if not isinstance(dim, int):
        raise TypeError(f"dim must be an integer, not {type(dim).__name__}")
    return _dims(a, dim)


def _labels(a: Tensor, index: Tensor, dim: int) -> tuple[int, Tensor]:
    """The axis, and labels of as many axes as the elements, of their lengths or 1."""
    dims = _dim(a, dim)
    if not dims:
        raise IndexError("elements of groups need an axis, and input has none")
    if not isinstance(index, Tensor) or index.is_floating_point() or index.is_complex() or index.dtype == torch.bool:
        kind = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise TypeError(f"index must be a tensor of integers, not {kind}")
    shape = [1] * (a.ndim - index.ndim) + list(index.shape)
    if index.ndim == 1:
        shape = [index.shape[0] if i == dims[0] else 1 for i in range(a.ndim)]
        fits = index.shape[0] == a.shape[dims[0]]
    else:
        fits = 0 < index.ndim <= a.ndim and all(n in (1, own) for n, own in zip(shape, a.shape, strict=True))
    if not fits:
        raise RuntimeError(f"index has shape {tuple(index.shape)}, which does not fit {tuple(a.shape)} along {dims[0]}")
    return dims[0], index.reshape(shape)


def _size(index: Tensor, size: int | None) -> int:
    """The number of groups."""
    if size is not None:
        return size
    return int(index.max()) + 1 if index.numel() else 0
