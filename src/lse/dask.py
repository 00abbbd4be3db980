"""The functions of `lse` for dask arrays: lazy, chunk by chunk, equally accurate for any chunks."""

import math
from collections.abc import Mapping
from typing import Any, Literal, SupportsIndex, TypeAlias, overload

from dask.array import Array
from numpy.typing import ArrayLike, DTypeLike

from lse import _lazy

__all__ = ["log_softmax", "logmatmulexp", "logmeanexp", "logsumexp", "scatter_logsumexp", "softmax"]

_Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None
_Input: TypeAlias = Array | ArrayLike
_Split: TypeAlias = SupportsIndex | Mapping[int, int] | None


@overload
def logsumexp(
    a: _Input,
    axis: _Axis = None,
    b: _Input | None = None,
    keepdims: bool = False,
    return_sign: Literal[False] = False,
    *,
    where: _Input = True,
    dtype: DTypeLike | None = None,
    split_every: _Split = None,
) -> Array: ...
@overload
def logsumexp(
    a: _Input,
    axis: _Axis = None,
    b: _Input | None = None,
    keepdims: bool = False,
    *,
    return_sign: Literal[True],
    where: _Input = True,
    dtype: DTypeLike | None = None,
    split_every: _Split = None,
) -> tuple[Array, Array]: ...
@overload
def logsumexp(
    a: _Input,
    axis: _Axis = None,
    b: _Input | None = None,
    keepdims: bool = False,
    return_sign: bool = False,
    *,
    where: _Input = True,
    dtype: DTypeLike | None = None,
    split_every: _Split = None,
) -> Any: ...
def logsumexp(
    a: _Input,
    axis: _Axis = None,
    b: _Input | None = None,
    keepdims: bool = False,
    return_sign: bool = False,
    *,
    where: _Input = True,
    dtype: DTypeLike | None = None,
    split_every: _Split = None,
) -> Any:
    """Logarithm of the weighted sum of exponentials of a dask array, ``log(sum(b * exp(a)))``.

    Each chunk is read once, by one task, which returns its running sums as a `lse.LogSumExp`; a tree of tasks merges
    them. Nothing is computed until the result is requested.

    Parameters
    ----------
    a : dask array or array_like
        Of the dtypes of `lse.logsumexp` and chunked in any way, also with unknown chunk sizes. Complex and
        longdouble arrays must have one chunk along each of the reduced axes.
    axis : None, int or tuple of ints, optional
        Axes to reduce; None, the default, reduces all.
    b : dask array or array_like, optional
        Weights of either sign; `a` and `b` are broadcast with each other.
    keepdims : bool, optional
        Keep the reduced axes, with length 1.
    return_sign : bool, optional
        Return a pair of the logarithm of the magnitude of the sum and its sign. Compute both at once, as by
        ``dask.compute(value, sign)``, to read the data once.
    where : dask array or array_like of bool, optional
        Broadcast to `a`; elements where it is False are excluded, even if NaN.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.
    split_every : int or dict, optional
        How many chunks a task merges, at least 2, in all or for each axis; by default as configured for dask.

    Returns
    -------
    result : dask array
        Its dtype, shape and special values are those of `lse.logsumexp`.
    sign : dask array
        With `return_sign` only.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `lse.logsumexp`. Also TypeError for chunks that are masked or not NumPy's and for complex or longdouble
        sums across chunks, and ValueError where chunks of unknown size cannot be matched with others, or for
        `split_every` below 2.

    See Also
    --------
    lse.logsumexp, lse.LogSumExp, logmeanexp, softmax

    Notes
    -----
    The error is that of `lse.logsumexp` for any chunks: the error of merging their running sums is
    negligible. The same chunks and the same `split_every` give the same bits with every scheduler.

    With negative weights the error of the sum is relative to ``sum(abs(b) * exp(a))`` over all chunks: sums that cancel
    within a chunk are recomputed, as by `lse.logsumexp`, those that cancel across chunks are not.

    Examples
    --------
    >>> import dask.array as da
    >>> import lse.dask
    >>> a = da.from_array([[1000.0, 1001.0], [1002.0, 1003.0]], chunks=1)
    >>> lse.dask.logsumexp(a, axis=1).compute()
    array([1001.31326169, 1003.31326169])
    >>> lse.dask.logsumexp(a).compute()
    np.float64(1003.4401896985612)
    """
    return _lazy.logsumexp(a, axis, b, keepdims, return_sign, where, dtype, split_every)


def logmeanexp(
    a: _Input,
    axis: _Axis = None,
    b: _Input | None = None,
    keepdims: bool = False,
    *,
    where: _Input = True,
    dtype: DTypeLike | None = None,
    split_every: _Split = None,
) -> Array:
    """Logarithm of the weighted mean of exponentials of a dask array, ``log(sum(b * exp(a)) / sum(b))``.

    Parameters
    ----------
    a : dask array or array_like
        As for `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the mean is taken; None, the default, is all of them.
    b : dask array or array_like, optional
        Weights, as for `logsumexp`; 1 by default.
    keepdims : bool, optional
        Keep the reduced axes, with length 1.
    where : dask array or array_like of bool, optional
        Broadcast to `a`; elements where it is False are excluded, even if NaN, and not counted.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.
    split_every : int or dict, optional
        As for `logsumexp`.

    Returns
    -------
    dask array
        Its dtype, shape and special values are those of `lse.logmeanexp`.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `logsumexp`.

    See Also
    --------
    lse.logmeanexp, logsumexp

    Notes
    -----
    Elements are counted as they are read, so that chunk sizes need not be known. Both logarithms are computed in
    double-double precision and subtracted before rounding.

    Examples
    --------
    >>> import dask.array as da
    >>> import lse.dask
    >>> lse.dask.logmeanexp(da.full(1000, 1000.0, chunks=100)).compute()
    np.float64(1000.0)
    """
    result: Array = _lazy.logmeanexp(a, axis, b, keepdims, where, dtype, split_every)
    return result


def softmax(
    x: _Input,
    axis: _Axis = None,
    *,
    where: _Input = True,
    dtype: DTypeLike | None = None,
    empty: float = math.nan,
    split_every: _Split = None,
) -> Array:
    """Exponentials of a dask array divided by their sum, ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    x : dask array or array_like
        As the first argument of `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the result sums to 1; None, the default, is all of them.
    where : dask array or array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become 0.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.
    empty : float, optional
        What a row with nothing in it becomes, as for `lse.softmax`.
    split_every : int or dict, optional
        As for `logsumexp`.

    Returns
    -------
    dask array
        Of the shape of `x`; its dtype and special values are those of `lse.softmax`.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `logsumexp`.

    See Also
    --------
    lse.softmax, logsumexp, log_softmax

    Notes
    -----
    If each sum is within one chunk, each chunk is read once and has the bits of `lse.softmax`. Otherwise it is needed
    twice, for the sums and for the quotients, and dask keeps it in memory, or spilled to disk, between the two.

    Examples
    --------
    >>> import dask.array as da
    >>> import lse.dask
    >>> lse.dask.softmax(da.from_array([1000.0, 1000.0], chunks=1)).compute()
    array([0.5, 0.5])
    """
    result: Array = _lazy.softmax("softmax", x, axis, where, dtype, empty, split_every)
    return result


def log_softmax(
    x: _Input,
    axis: _Axis = None,
    *,
    where: _Input = True,
    dtype: DTypeLike | None = None,
    empty: float = math.nan,
    split_every: _Split = None,
) -> Array:
    """Logarithm of the softmax of a dask array, ``x - log(sum(exp(x)))``.

    Parameters
    ----------
    x : dask array or array_like
        As the first argument of `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the exponentials of the result sum to 1; None, the default, is all of them.
    where : dask array or array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become -inf.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.
    empty : float, optional
        What a row with nothing in it becomes, as for `lse.softmax`.
    split_every : int or dict, optional
        As for `logsumexp`.

    Returns
    -------
    dask array
        As for `softmax`.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `logsumexp`.

    See Also
    --------
    lse.log_softmax, logsumexp, softmax

    Notes
    -----
    As for `softmax`. The log-sum-exp is subtracted in two parts, so that results near 0 keep their digits.

    Examples
    --------
    >>> import dask.array as da
    >>> import lse.dask
    >>> lse.dask.log_softmax(da.from_array([0.0, -40.0], chunks=1)).compute()
    array([-4.24835426e-18, -4.00000000e+01])
    """
    result: Array = _lazy.softmax("log_softmax", x, axis, where, dtype, empty, split_every)
    return result


def scatter_logsumexp(
    a: _Input,
    index: _Input,
    axis: SupportsIndex = -1,
    size: SupportsIndex | None = None,
    b: _Input | None = None,
    return_sign: bool = False,
    *,
    where: _Input = True,
    dtype: DTypeLike | None = None,
    split_every: _Split = None,
) -> Any:
    """Log-sum-exp of groups of elements of a dask array along an axis, each of which has the number of its group.

    Each chunk is read once, by a task that returns the running sums of all groups as a `lse.LogSumExp`; a tree of
    tasks merges them.

    Parameters
    ----------
    a : dask array or array_like
        As for `logsumexp`.
    index : dask array or array_like of int
        Labels, of one dimension: element i along `axis` belongs to group ``index[i]``.
    axis : int, optional
        The axis along which elements are grouped.
    size : int
        The number of groups, which must be given.
    b : dask array or array_like, optional
        Weights, as for `logsumexp`.
    return_sign : bool, optional
        Return a pair of the logarithm of the magnitude of each sum and its sign.
    where : dask array or array_like of bool, optional
        Broadcast to `a`; elements where it is False are excluded, even if NaN.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.
    split_every : int or dict, optional
        As for `logsumexp`.

    Returns
    -------
    result : dask array
        Its dtype, shape and special values are those of `lse.scatter_logsumexp`; one chunk along `axis`.
    sign : dask array
        With `return_sign` only.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `logsumexp`, and for labels as `lse.scatter_logsumexp`; wrong labels are found when they are read.

    See Also
    --------
    lse.scatter_logsumexp, lse.LogSumExp.update_at

    Examples
    --------
    >>> import dask.array as da
    >>> import lse.dask
    >>> a = da.from_array([0.0, 5.0, 0.0, 1.0], chunks=2)
    >>> lse.dask.scatter_logsumexp(a, [0, 2, 0, 2], size=3).compute()
    array([0.69314718,       -inf, 5.01814993])
    """
    return _lazy.scatter_logsumexp(a, index, axis, size, b, return_sign, where, dtype, split_every)


def logmatmulexp(a: _Input, b: _Input, *, dtype: DTypeLike | None = None) -> Array:
    """Product of matrices in log space of dask arrays, ``log(exp(a) @ exp(b))``.

    Parameters
    ----------
    a, b : dask array, array_like or lse.LogMatrix
        As those of `lse.logmatmulexp`, chunked in any way.
    dtype : dtype, optional
        The floating type of the result.

    Returns
    -------
    dask array
        Chunked as the rows of `a` and the columns of `b`.

    Raises
    ------
    TypeError, ValueError
        As `lse.logmatmulexp`, and ValueError for chunks of unknown sizes.

    See Also
    --------
    lse.logmatmulexp

    Notes
    -----
    A task reads whole rows of `a` and whole columns of `b`, and has the bits of `lse.logmatmulexp`, unless it has three
    columns or fewer: such products add in another order.

    Examples
    --------
    >>> import dask.array as da
    >>> import lse.dask
    >>> lse.dask.logmatmulexp(da.from_array([[0.0, -1000.0]], chunks=1), [[-2000.0], [-500.0]]).compute()
    array([[-1500.]])
    """
    result: Array = _lazy.logmatmulexp(a, b, dtype)
    return result
