# The fast path ----------------------------------------------------------------------------------------------

cdef inline object quick_run(cnp.ndarray array, bint single):
    """The log-sum-exp of one contiguous run of moderate length, without any intermediate object; else None."""
    cdef float narrow = 0
    cdef double wide = 0
    cdef void *value = <void *>&narrow if single else <void *>&wide
    cdef Py_ssize_t n = cnp.PyArray_DIM(array, 0)
    cdef const void *data = cnp.PyArray_DATA(array)
    cdef bint done
    if n > LSE_PIECE:
        return None
    if n < GIL_KEPT_BELOW:
        done = lse_quick_value(table, single, data, n, value)
    else:
        with nogil:
            done = lse_quick_value(table, single, data, n, value)
    if not done:
        return None
    return lse_float32(narrow) if single else lse_float64(wide)


cdef object quick_array(cnp.ndarray array, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                        bint keepdims, bint signed, bint single):
    """The log-sum-exp over some axes of a plain array that is not empty; with the sign, if that is wanted, a pair."""
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef int axis, ndim = 0
    cdef cnp.ndarray out, sign = None
    cdef int kind = cnp.NPY_FLOAT32 if single else cnp.NPY_FLOAT64
    for axis in range(cnp.PyArray_NDIM(array)):
        if keepdims or not reduced >> axis & 1:
            shape[ndim] = 1 if reduced >> axis & 1 else cnp.PyArray_DIM(array, axis)
            ndim += 1
    out = cnp.PyArray_EMPTY(ndim, shape, kind, False)
    if signed:
        sign = cnp.PyArray_EMPTY(ndim, shape, kind, False)
    perform(LSE_LOGSUMEXP, array, where, weights, reduced, single, out, bytes_of(sign), NULL)
    if not signed:
        return out[()] if ndim == 0 else out
    return (out[()], sign[()]) if ndim == 0 else (out, sign)


cdef cnp.ndarray spread(object other, cnp.ndarray array, int kind):
    """An argument beside a plain array, as a view of its shape; None where it is not a plain array that fits."""
    cdef cnp.npy_intp strides[LSE_MAX_DIMS]
    cdef cnp.ndarray given, view
    cdef int axis, skipped
    cdef cnp.npy_intp length
    if type(other) is not cnp.ndarray:
        return None
    given = <cnp.ndarray>other
    skipped = cnp.PyArray_NDIM(array) - cnp.PyArray_NDIM(given)
    if cnp.PyArray_TYPE(given) != kind or not cnp.PyArray_ISBEHAVED_RO(given) or skipped < 0:
        return None
    for axis in range(cnp.PyArray_NDIM(array)):
        length = 1 if axis < skipped else cnp.PyArray_DIM(given, axis - skipped)
        if length != 1 and length != cnp.PyArray_DIM(array, axis):
            return None
        strides[axis] = 0 if length == 1 else cnp.PyArray_STRIDE(given, axis - skipped)
    view = cnp.PyArray_New(cnp.ndarray, cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), kind, strides,
                           cnp.PyArray_DATA(given), 0, 0, None)
    cnp.set_array_base(view, given)
    return view


cdef inline bint axis_bits(object axis, int ndim, unsigned long long *bits) except -1:
    """Whether an axis is None or an integer in range, and the bits of what it reduces."""
    cdef Py_ssize_t number
    if axis is None:
        bits[0] = (<unsigned long long>-1) >> (64 - ndim)
        return True
    if type(axis) is not int:
        return False
    try:
        number = axis
    except OverflowError:
        return False
    if number < 0:
        number += ndim
    if not 0 <= number < ndim:
        return False
    bits[0] = (<unsigned long long>1) << number
    return True


cpdef bint holds_masked(object a, int ndim) except -1:
    """Whether NumPy found masked arrays or elements in a sequence of which it has made an array of so many axes."""
    if isinstance(a, (list, tuple)):
        if ndim > 0:
            for element in a:
                if type(element) is not float and holds_masked(element, ndim - 1):
                    return True
        return False
    return isinstance(a, cnp.ndarray) and type(a) is not cnp.ndarray and isinstance(a, np.ma.MaskedArray)


cdef inline cnp.ndarray plain_array(object a, bint *single):
    """An aligned native array of float32 or float64, not empty, 0-d or of a subclass; of a sequence, what it makes."""
    cdef cnp.ndarray array
    cdef int axis, kind
    if type(a) is list or type(a) is tuple:
        array = cnp.PyArray_FROM_O(a)
        if holds_masked(a, cnp.PyArray_NDIM(array)):
            return None
        a = array
    if type(a) is not cnp.ndarray:
        return None
    array = <cnp.ndarray>a
    kind = cnp.PyArray_TYPE(array)
    single[0] = kind == cnp.NPY_FLOAT32
    if kind != cnp.NPY_FLOAT64 and kind != cnp.NPY_FLOAT32:
        return None
    if not cnp.PyArray_ISBEHAVED_RO(array) or cnp.PyArray_NDIM(array) == 0:
        return None
    for axis in range(cnp.PyArray_NDIM(array)):
        if cnp.PyArray_DIM(array, axis) == 0:
            return None
    return array


cdef object quick(object a, object axis, object b, bint keepdims, bint signed, object where):
    """The log-sum-exp of plain arrays over plain axes; None for all else."""
    cdef bint single = False
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray weights = None, mask = None, array = plain_array(a, &single)
    if array is None or not axis_bits(axis, cnp.PyArray_NDIM(array), &reduced):
        return None
    if b is not None:
        weights = spread(b, array, cnp.NPY_FLOAT32 if single else cnp.NPY_FLOAT64)
        if weights is None:
            return None
    if where is not True:
        mask = spread(where, array, cnp.NPY_BOOL)
        if mask is None:
            return None
    elif (b is None and not keepdims and not signed and cnp.PyArray_NDIM(array) == 1
            and cnp.PyArray_IS_C_CONTIGUOUS(array)):
        value = quick_run(array, single)
        if value is not None:
            return value
    return quick_array(array, mask, weights, reduced, keepdims, signed, single)


cdef object quick_map(lse_operation operation, object x, object axis):
    """Likewise the softmax or log-softmax."""
    cdef bint single = False
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray out, array = plain_array(x, &single)
    if array is None or not axis_bits(axis, cnp.PyArray_NDIM(array), &reduced):
        return None
    if (cnp.PyArray_NDIM(array) == 1 and cnp.PyArray_DIM(array, 0) <= LSE_SHORT
            and cnp.PyArray_IS_C_CONTIGUOUS(array)):
        out = cnp.PyArray_SimpleNew(1, cnp.PyArray_DIMS(array), cnp.NPY_FLOAT32 if single else cnp.NPY_FLOAT64)
        if lse_quick_map(table, single, operation, cnp.PyArray_DATA(array), cnp.PyArray_DIM(array, 0),
                         cnp.PyArray_DATA(out)):
            return out
    out = PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    perform(operation, array, None, None, reduced, single, out, NULL, NULL)
    return out
