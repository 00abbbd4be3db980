# The public functions ---------------------------------------------------------------------------------------

cpdef object quietly(object function, tuple arguments):
    """Call a function that uses NumPy's arithmetic in the default floating-point environment, whatever another library
    has set, without warnings, and restore modes and status flags."""
    cdef fenv_t found
    fegetenv(&found)
    fesetenv(FE_DFL_ENV)
    try:
        with np.errstate(all="ignore"):
            return function(*arguments)
    finally:
        fesetenv(&found)


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False, *, where=True, out=None, dtype=None):
    """Logarithm of the weighted sum of exponentials, ``log(sum(b * exp(a)))``.

    Computed in one pass over memory, without overflow or underflow, and without a temporary array.

    Parameters
    ----------
    a : array_like
        Any shape and memory layout. float16, bfloat16 (of ml_dtypes), float32, float64, longdouble, complex64,
        complex128 and clongdouble keep their type; integers and booleans are computed and returned in float64. A CPU
        array that supports DLPack (of torch, jax, ...) is read without a copy, and the result is an array of its
        library. A tensor of torch that requires a gradient goes to `lse.torch`.
    axis : None, int or tuple of ints, optional
        Axes to reduce; negative ones count from the last. None, the default, reduces all. The empty tuple
        reduces none.
    b : array_like, optional
        Weights of either sign, real or complex; `a` and `b` are broadcast with each other. An element of
        weight 0 is excluded, even if NaN.
    keepdims : bool, optional
        Keep the reduced axes, with length 1.
    return_sign : bool, optional
        Return a pair of the logarithm of the magnitude of the sum and its sign.
    where : array_like of bool, optional
        Broadcast to `a`; elements where it is False are excluded, even if NaN.
    out : ndarray, optional
        Where to put the result: an array of the result's shape, to whose dtype the result can be cast by
        ``casting="same_kind"``. It may overlap `a`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    result : numpy scalar or ndarray
        `out` if given, otherwise a scalar if the result is 0-d. -inf for an empty sum or
        one that cancels exactly; NaN for a negative sum, unless `return_sign` is true.
    sign : numpy scalar or ndarray
        With `return_sign` only: -1, 0, 1 or NaN; for complex sums the phase ``exp(1j * theta)``, or 0.

    Raises
    ------
    AxisError
        An axis is out of range.
    TypeError
        A dtype is not numeric, or not one to compute in, or one that the library of the arguments does not have; an
        argument is a masked array that hides something, has a unit, is sparse, or is traced by jax; `where` is not
        boolean; the result cannot be cast to `out`; a tensor is not in main memory, or requires a gradient beside `b`,
        `where`, `out` or `return_sign`.
    ValueError
        An axis is repeated; shapes do not broadcast; `out` has the wrong shape or is read-only.
    MemoryError
        Not enough memory for the result, or for recomputing a row whose weighted sum nearly cancels.
        Some results may already have been written to `out`, as after a KeyboardInterrupt.

    See Also
    --------
    logmeanexp, logcumsumexp, segment_logsumexp, softmax, log_softmax

    Notes
    -----
    The log of an empty sum is -inf; NaN anywhere gives NaN; +inf without NaN gives +inf. No floating-point
    warning is emitted, and the floating-point status flags are preserved. Without weights, or with no negative
    ones, the error is at most ``max(1 ulp of the result, 2**-52)`` (``2**-23`` for float32),
    whatever the number of elements and their order. With negative weights the error of the sum is relative to
    ``sum(abs(b) * exp(a))``; a sum that cancels to 2**-20 of its largest term (2**-10 for float32) or less is
    recomputed: float32 in double precision, and what cancels there too exactly where terms of equal `a` cancel, to
    2**-102 elsewhere. The difference of two terms, as with ``b=[1, -1]``, is within 1.5 ulp of the result, as accurate
    as log(expm1).
    float16 and bfloat16 are computed in double precision and rounded once. Differences of 64-bit integers, and sums
    of such weights, are exact where float64 cannot represent the integers themselves. longdouble is computed by
    SciPy's formula, with compensated sums and functions of the C library: these bounds do not hold for it.

    The result depends only on the values in index order and on the dtype: the bits are the same
    for any number of threads, batch, memory layout, and instruction set. Only longdouble and clongdouble,
    which use functions of the C library, may differ in their last bits between systems.

    The error of a complex sum is relative to ``sum(abs(b * exp(a)))``, and its logarithm has an imaginary part in
    (-pi, pi].

    The running state is the largest element, how often it occurs, and the sum of the other exponentials; states
    can be merged [1]_. The largest element is left out of the sum so that small terms are not lost.

    References
    ----------
    .. [1] Milakov, M. and Gimelshein, N., "Online normalizer calculation for softmax", 2018, arXiv:1805.02867.

    Examples
    --------
    >>> import lse
    >>> lse.logsumexp([1000.0, 1001.0, 1002.0])
    np.float64(1002.4076059644444)
    >>> lse.logsumexp([0.0, -40.0])
    np.float64(4.248354255291589e-18)
    >>> lse.logsumexp([[0, 0], [1, 1]], axis=1)
    array([0.69314718, 1.69314718])
    >>> lse.logsumexp([0.0, -1000.0], b=[1e-300, 1e300])
    np.float64(-309.2244721017863)
    >>> lse.logsumexp([1.0, 2.0], b=[1, -1], return_sign=True)
    (np.float64(1.5413248546129181), np.float64(-1.0))
    """
    value = try_reduce(a, axis, b, keepdims, return_sign, where, out, dtype, False)
    if value is not None:
        return value
    return quietly(_reductions.logsumexp, (a, axis, b, keepdims, return_sign, where, out, dtype))


def logmeanexp(a, axis=None, b=None, keepdims=False, *, where=True, out=None, dtype=None):
    """Logarithm of the weighted mean of exponentials, ``log(sum(b * exp(a)) / sum(b))``.

    Parameters
    ----------
    a : array_like
        As the first argument of `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the mean is taken; None, the default, is all of them.
    b : array_like, optional
        Weights, as for `logsumexp`; 1 by default.
    keepdims : bool, optional
        Keep the reduced axes, with length 1.
    where : array_like of bool, optional
        Broadcast to `a`; elements where it is False are excluded, even if NaN, and not counted.
    out : ndarray, optional
        As for `logsumexp`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    numpy scalar or ndarray
        NaN for the mean of no elements, if both sums are 0, and if the mean is negative.

    Raises
    ------
    AxisError, TypeError, ValueError, MemoryError
        As `logsumexp`.

    See Also
    --------
    logsumexp

    Notes
    -----
    Both logarithms are computed in double-double precision and subtracted before rounding, so that the error is that
    of `logsumexp`, also where a large sum is divided by a large count.

    Examples
    --------
    >>> import lse
    >>> lse.logmeanexp([1000.0, 1000.0])
    np.float64(1000.0)
    >>> lse.logmeanexp([0.0, 1.0], b=[3.0, 1.0])
    np.float64(0.35737401950878855)
    """
    value = try_reduce(a, axis, b, keepdims, False, where, out, dtype, True)
    if value is not None:
        return value
    return quietly(_reductions.logmeanexp, (a, axis, b, keepdims, where, out, dtype))


def logcumsumexp(a, axis=None, *, reverse=False, out=None, dtype=None):
    """Logarithm of the cumulative sum of exponentials, ``log(cumsum(exp(a)))``.

    Parameters
    ----------
    a : array_like
        As the first argument of `logsumexp`.
    axis : None or int, optional
        Axis along which to sum; None, the default, sums over the flattened array, as `numpy.cumsum`.
    reverse : bool, optional
        Sum from the end: element i of the result is the sum of elements from i on.
    out : ndarray, optional
        Where to put the result: an array of the result's shape, to whose dtype the result can be cast by
        ``casting="same_kind"``. It may be `a` itself, or overlap it.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.

    Returns
    -------
    ndarray
        Of the shape of `a`; 1-d if `axis` is None or `a` is 0-d.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `logsumexp`.

    See Also
    --------
    logsumexp, segment_logsumexp

    Notes
    -----
    Every element is within the error bound of `logsumexp`, whatever precedes it: the running sum has
    double-double precision. NaN propagates to all later elements, and so does +inf until there is NaN. Each row is
    computed on one thread.

    Examples
    --------
    >>> import lse
    >>> lse.logcumsumexp([1000.0, 1000.0, 1000.0])
    array([1000.        , 1000.69314718, 1001.09861229])
    """
    result = try_cumulate(a, axis, reverse, out, dtype)
    if result is not None:
        return result
    return quietly(_cumulative.logcumsumexp, (a, axis, reverse, out, dtype))


def softmax(x, axis=None, *, where=True, out=None, dtype=None, empty=NAN):
    """Exponentials divided by their sum, ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the result sums to 1; None, the default, is all of them.
    where : array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become 0.
    out : ndarray, optional
        Where to put the result: an array of the shape of `x`, to whose dtype the result can be cast by
        ``casting="same_kind"``. It may be `x` itself, or overlap it.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.
    empty : float, optional
        What the elements of a row become if there is nothing in it, because all of them are -inf or excluded: NaN by
        default; 0 as attention wants of a query whose keys are all masked.

    Returns
    -------
    numpy scalar or ndarray
        Of the shape of `x`; `out` if given, otherwise a scalar if `x` is 0-d.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `logsumexp`.

    See Also
    --------
    logsumexp, log_softmax

    Notes
    -----
    If k elements are +inf, they become 1/k and all others 0. The result is NaN if any element is NaN, and `empty` if
    all are -inf. The error is at most 4 ulp of each element.

    Examples
    --------
    >>> import lse
    >>> lse.softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    >>> lse.softmax([[1.0, 1.0], [2.0, 2.0]], axis=1, where=[[True, True], [False, False]], empty=0.0)
    array([[0.5, 0.5],
           [0. , 0. ]])
    """
    result = try_map(LSE_SOFTMAX, x, axis, where, out, dtype, empty)
    if result is not None:
        return result
    return quietly(_reductions.map_elements, ("softmax", x, axis, where, out, dtype, empty))


def log_softmax(x, axis=None, *, where=True, out=None, dtype=None, empty=NAN):
    """Logarithm of the softmax, ``x - log(sum(exp(x)))``.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the exponentials of the result sum to 1; None, the default, is all of them.
    where : array_like of bool, optional
        Broadcast to `x`; elements where it is False are excluded, even if NaN, and become -inf.
    out : ndarray, optional
        As for `softmax`.
    dtype : dtype, optional
        The floating or complex type to compute in and to return.
    empty : float, optional
        As for `softmax`; its logarithm may be -inf.

    Returns
    -------
    numpy scalar or ndarray
        As for `softmax`.

    Raises
    ------
    AxisError, TypeError, ValueError
        As `logsumexp`.

    See Also
    --------
    logsumexp, softmax

    Notes
    -----
    If k elements are +inf, they become -log(k) and all others -inf. The result is NaN if any element is NaN, and
    `empty` if all are -inf.
    The log-sum-exp is subtracted in two parts, so that results near 0 keep their digits.

    Examples
    --------
    >>> import lse
    >>> lse.log_softmax([0.0, -40.0])
    array([-4.24835426e-18, -4.00000000e+01])
    """
    result = try_map(LSE_LOG_SOFTMAX, x, axis, where, out, dtype, empty)
    if result is not None:
        return result
    return quietly(_reductions.map_elements, ("log_softmax", x, axis, where, out, dtype, empty))
