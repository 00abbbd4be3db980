# Products of matrices in log space --------------------------------------------------------------------------

@cython.auto_pickle(False)
cdef class _Factors:
    """The factors of one matrix, as a left or a right operand."""

    cdef lse_factors factors

    def __cinit__(self, cnp.ndarray a not None, bint right, bint single):
        cdef lse_product product
        cdef int error
        memset(&product, 0, sizeof(product))
        product.table, product.type, product.run = table, type_of(single), lse_run_tasks
        describe(&product.b if right else &product.a, a)
        with nogil:
            error = lse_make_factors(&self.factors, &product, right)
        check_failure(error, "for the factors of a product")

    def __dealloc__(self):
        lse_free_factors(&self.factors)


cdef int check_matrices(cnp.ndarray a, cnp.ndarray b, cnp.ndarray out) except -1:
    """Check, before any pointer is used, that these are the matrices of products and of their operands."""
    cdef int axis, ndim = cnp.PyArray_NDIM(out)
    cdef bint fit = ndim >= 2 and cnp.PyArray_NDIM(a) == ndim and cnp.PyArray_NDIM(b) == ndim
    for axis in range(ndim if fit else 0):
        fit = fit and cnp.PyArray_DIM(out, axis) == cnp.PyArray_DIM(b if axis == ndim - 1 else a, axis)
        fit = fit and (axis >= ndim - 2 or cnp.PyArray_DIM(out, axis) == cnp.PyArray_DIM(b, axis))
    if not fit or cnp.PyArray_DIM(a, ndim - 1) != cnp.PyArray_DIM(b, ndim - 2):
        raise ValueError("lse: matrices whose shapes do not fit each other")
    return 0


def multiply_longdouble(cnp.ndarray a not None, cnp.ndarray b not None, cnp.ndarray out not None):
    """As multiply, for an output of long doubles: sums over pairs of elements, which are added to each other."""
    cdef lse_request request = new_request(LSE_LOGSUMEXP, 0, LSE_LD)
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef cnp.npy_intp stride_a[LSE_MAX_DIMS]
    cdef cnp.npy_intp stride_b[LSE_MAX_DIMS]
    cdef int axis, last = cnp.PyArray_NDIM(out)
    check_matrices(a, b, out)
    if last >= LSE_MAX_DIMS or cnp.PyArray_TYPE(out) != cnp.NPY_LONGDOUBLE:
        raise ValueError("lse: an output with too many axes, or not of long doubles")
    for axis in range(last):
        shape[axis] = cnp.PyArray_DIM(out, axis)
        stride_a[axis] = 0 if axis == last - 1 else cnp.PyArray_STRIDE(a, axis)
        stride_b[axis] = 0 if axis == last - 2 else cnp.PyArray_STRIDE(b, axis)
    shape[last] = cnp.PyArray_DIM(a, last - 1)
    stride_a[last], stride_b[last] = cnp.PyArray_STRIDE(a, last - 1), cnp.PyArray_STRIDE(b, last - 2)
    describe(&request.a, a)
    describe(&request.weights, b)
    describe(&request.out, out)
    request.a.ndim = request.weights.ndim = last + 1
    request.a.shape = request.weights.shape = <const ptrdiff_t *>shape
    request.a.stride, request.weights.stride = <const ptrdiff_t *>stride_a, <const ptrdiff_t *>stride_b
    request.reduced = (<unsigned long long>1) << last
    request.pairs = True
    run_request(&request, cnp.PyArray_SIZE(out) * shape[last])


def multiply(cnp.ndarray a not None, cnp.ndarray b not None, cnp.ndarray out not None, LogMatrix matrix_a,
             LogMatrix matrix_b):
    """Put the products of matrices, the last two axes, into `out`; the others are those of `out`.

    `matrix_a` and `matrix_b` are what is prepared of an operand, or None.
    """
    cdef lse_product product
    cdef bint single = cnp.PyArray_ITEMSIZE(out) <= 4
    cdef _Factors of_a = factors_of(matrix_a, False, single), of_b = factors_of(matrix_b, True, single)
    cdef int ndim = cnp.PyArray_NDIM(out), error
    check_matrices(a, b, out)
    memset(&product, 0, sizeof(product))
    product.table, product.type, product.run = table, type_of(single), lse_run_tasks
    describe(&product.a, a)
    describe(&product.b, b)
    describe(&product.out, out)
    if of_a is not None:
        product.of_a = &of_a.factors
    if of_b is not None:
        product.of_b = &of_b.factors
    if is_main_thread():
        product.question = question_of_this_thread()
    if cnp.PyArray_SIZE(out) * cnp.PyArray_DIM(a, ndim - 1) < GIL_KEPT_BELOW:
        error = lse_multiply(&product)
    else:
        with nogil:
            error = lse_multiply(&product)
    check_failure(error, "for the factors of a product")


cdef class LogMatrix:
    # The docstring starts with the signature, as inspect requires for extension classes
    """LogMatrix(a)\n--\n
    A matrix that is prepared once, as an operand of many products.

    Preparing takes the exponentials of its elements, which a product would take each time: worth while for the
    transition matrix of a hidden Markov model, or the kernel of Sinkhorn's iteration.

    Parameters
    ----------
    a : array_like
        A matrix, of the dtypes that `logmatmulexp` takes. It is copied.

    Attributes
    ----------
    shape, dtype
        As those of the array.
    T : LogMatrix
        The transposed matrix.

    Raises
    ------
    TypeError, ValueError
        `a` is complex, or does not have two axes.

    See Also
    --------
    logmatmulexp

    Notes
    -----
    ``numpy.asarray(matrix)`` returns its elements, which cannot be written to. It needs up to two more doubles for each
    of them, one where it is the left operand and one where it is the right one, from the first such product on. Results
    have the bits that they have without preparation. It can be pickled, and used by several threads.

    Examples
    --------
    >>> import lse
    >>> import numpy as np
    >>> step = lse.LogMatrix(np.log([[0.9, 0.1], [0.2, 0.8]]))
    >>> np.exp(lse.logmatmulexp(np.log([0.5, 0.5]), step))
    array([0.55, 0.45])
    """

    cdef object _array
    cdef _Factors _left
    cdef _Factors _right
    cdef tuple _made_for  # the instruction set, and whether results are single

    def __init__(self, a):
        self._array = _products.as_matrix(a)

    @property
    def shape(self):
        return self._array.shape

    @property
    def dtype(self):
        return self._array.dtype

    @property
    def T(self):
        return LogMatrix(self._array.T)

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype, copy=copy)

    def __reduce__(self):
        return type(self), (self._array,)

    def __repr__(self):
        return f"LogMatrix({np.array2string(self._array, separator=', ', prefix='LogMatrix(')})"


cdef _Factors factors_of(LogMatrix matrix, bint right, bint single):
    """The factors of a prepared matrix, for results of that precision; None of none."""
    if matrix is None:
        return None
    with cython.critical_section(matrix):
        if matrix._made_for != (kernels(), single):
            matrix._left = matrix._right = None
            matrix._made_for = (kernels(), single)
        if right:
            if matrix._right is None:
                matrix._right = _Factors(_products.as_core_array(matrix._array), True, single)
            return matrix._right
        if matrix._left is None:
            matrix._left = _Factors(_products.as_core_array(matrix._array), False, single)
        return matrix._left


cdef inline cnp.ndarray as_matrix(cnp.ndarray a, bint right):
    """A matrix as it is, a vector as one row or column; None for all else."""
    if cnp.PyArray_NDIM(a) == 1:
        return (<object>a)[:, None] if right else (<object>a)[None]
    return a if cnp.PyArray_NDIM(a) == 2 else None


cdef object try_multiply(object a, object b, object out, object dtype):
    """The product of two matrices or vectors of float64, float32, float16, integers or booleans."""
    cdef LogMatrix prepared_a = None, prepared_b = None
    cdef cnp.npy_intp shape[2]
    cdef cnp.npy_intp *length = shape
    cdef cnp.ndarray given_a, given_b, left, right, result
    cdef bint weak
    cdef int number, ndim
    if type(a) is LogMatrix:
        prepared_a = a
        a = prepared_a._array
    if type(b) is LogMatrix:
        prepared_b = b
        b = prepared_b._array
    given_a, given_b = quick_array(a, &weak), quick_array(b, &weak)
    if given_a is None or given_b is None:
        return None
    left, right = as_matrix(given_a, False), as_matrix(given_b, True)
    if left is None or right is None or cnp.PyArray_DIM(left, 1) != cnp.PyArray_DIM(right, 0) or not (
            is_real(floating_number(left)) and is_real(floating_number(right))):
        return None
    number = wanted_number(dtype, promote_real(floating_number(left), floating_number(right)))
    shape[0], shape[1] = cnp.PyArray_DIM(left, 0), cnp.PyArray_DIM(right, 1)
    if not is_real(number) or shape[0] == 0 or shape[1] == 0 or cnp.PyArray_DIM(left, 1) == 0:
        return None
    ndim = cnp.PyArray_NDIM(given_a) + cnp.PyArray_NDIM(given_b) - 2
    if cnp.PyArray_NDIM(given_a) == 1:
        length += 1
    if out is not None and not is_output(out, ndim, length, number):
        return None
    if out is not None and ndim == 2 and cnp.PyArray_ISBEHAVED(<cnp.ndarray>out) and (
            cnp.PyArray_TYPE(<cnp.ndarray>out) == number and are_apart(out, left) and are_apart(out, right)):
        result = out
    else:
        result = cnp.PyArray_EMPTY(2, shape, number, False)
    multiply(left, right, result, prepared_a, prepared_b)
    if ndim < 2:
        result = (<object>result).reshape(tuple([length[i] for i in range(ndim)]))
    return return_result(result, out)


def logmatmulexp(a, b, *, out=None, dtype=None):
    """Product of matrices in log space, ``log(exp(a) @ exp(b))``, without overflow or underflow.

    Parameters
    ----------
    a, b : array_like or LogMatrix
        Matrices, stacks of them, or vectors, with the shapes that `numpy.matmul` takes: the last axis of `a` is as long
        as the second last of `b`, or its only one; the axes before the last two are broadcast with each other. Real
        dtypes as `logsumexp` takes them; those of both decide that of the result.
    out : ndarray, optional
        Where to put the result: an array of the result's shape, to whose dtype the result can be cast by
        ``casting="same_kind"``. It may overlap the operands.
    dtype : dtype, optional
        The floating type of the result.

    Returns
    -------
    numpy scalar or ndarray
        Element ij is ``log(sum(exp(a[i, :] + b[:, j])))``; -inf where the sum is over nothing, or all of it is -inf. A
        scalar for two vectors; `out` where it was given. Arrays of torch or jax give such an array.

    Raises
    ------
    TypeError
        An operand is complex, or has a dtype that is not numeric; the result cannot be cast to `out`.
    ValueError
        The shapes do not fit each other; `out` has the wrong shape or is read-only.

    See Also
    --------
    logsumexp
    LogMatrix : An operand that is prepared once.

    Notes
    -----
    Exponentials, scaled for each row of `a` and column of `b` by a power of two, are multiplied as matrices, in blocks
    that the caches hold. Sums in which something may have been lost, because the greatest elements of the row and of
    the column do not meet, are found by a test and computed again from the exact sums of the elements. So no result is
    lost to underflow, while ``log(exp(a - a_max) @ exp(b - b_max)) + a_max + b_max`` gives -inf or wrong digits there.

    The error is below half an ulp and 27 * 2**-53 for float64, 0.501 ulp for float32 (2**-25 near 0), for any length of
    the sum; results are the same for any number of threads. Memory is needed for the exponentials of both operands.

    Examples
    --------
    >>> import lse
    >>> import numpy as np
    >>> a = np.array([[0.0, -1000.0]])
    >>> b = np.array([[-2000.0], [-500.0]])
    >>> lse.logmatmulexp(a, b)
    array([[-1500.]])
    """
    result = try_multiply(a, b, out, dtype)
    if result is not None:
        return result
    return quietly(_products.logmatmulexp, (a, b, out, dtype))
