# The fast path ----------------------------------------------------------------------------------------------
#
# From the call to the engine without any intermediate object: all that quick_arguments.pxi takes, with any options.
# Each try_... returns None for all else, and then has written nothing.

# One run

cdef inline bint is_run(cnp.ndarray array, int number) noexcept:
    """Whether it is one contiguous run of moderate length of float32 or float64, whose result is of that dtype."""
    return (cnp.PyArray_NDIM(array) == 1 and 0 < cnp.PyArray_DIM(array, 0) <= LSE_PIECE
            and cnp.PyArray_ISCARRAY_RO(array) and cnp.PyArray_TYPE(array) == number
            and (number == cnp.NPY_FLOAT64 or number == cnp.NPY_FLOAT32))


cdef inline bint reduce_data(lse_type real, const void *data, Py_ssize_t n, bint mean, void *value) noexcept nogil:
    if mean:
        lse_quick_mean(table, real, data, n, value)
        return True
    return lse_quick_value(table, real, data, n, value)


cdef inline bint reduce_run(lse_type real, const void *data, Py_ssize_t n, bint mean, void *value) noexcept:
    """The log-sum-exp or log-mean-exp of one run; False where it needs recomputation."""
    if n < GIL_KEPT_BELOW:
        return reduce_data(real, data, n, mean, value)
    with nogil:
        return reduce_data(real, data, n, mean, value)


cdef inline object run_value(lse_type real, const void *data, Py_ssize_t n, bint mean):
    """Likewise as a scalar; else None."""
    cdef float narrow = 0
    cdef double wide = 0
    if real == LSE_F32:
        return lse_float32(narrow) if reduce_run(real, data, n, mean, &narrow) else None
    return lse_float64(wide) if reduce_run(real, data, n, mean, &wide) else None


cdef inline lse_type type_of_run(cnp.ndarray array) noexcept:
    return type_of(cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT32)


cdef const void *short_run(const quick_call *call, double *buffer) noexcept:
    """The elements of a call whose results are float32 or float64, where there are few; else NULL."""
    if not 0 < call.size <= LSE_SHORT or (call.number != cnp.NPY_FLOAT64 and call.number != cnp.NPY_FLOAT32):
        return NULL
    return lse_quick_run(&call.request.a, call.request.type, buffer)


cdef object short_value(const quick_call *call, bint mean):
    """The log-sum-exp or log-mean-exp of few elements of any type and shape; None where it needs recomputation."""
    cdef double buffer[LSE_SHORT]
    cdef const void *data = short_run(call, buffer)
    return None if data == NULL else run_value(call.request.type, data, call.size, mean)


cdef inline object scalar(double value, int number):
    return lse_float32(<float>value) if number == cnp.NPY_FLOAT32 else lse_float64(value)


cdef object weighted_value(quick_call *call, bint signed):
    """A weighted sum of few elements, and its sign; None where it needs recomputation, or is of halves."""
    cdef double value, low, sign
    if call.number != cnp.NPY_FLOAT64 and call.number != cnp.NPY_FLOAT32:
        return None
    call.request.table = table
    if not lse_quick_weighted(&call.request, call.size, &value, &low, &sign):
        return None
    if signed:
        return scalar(value, call.number), scalar(sign, call.number)
    return scalar(value if sign >= 0 else NAN, call.number)


cdef inline cnp.ndarray mapped_run(lse_operation operation, cnp.ndarray array, object axis):
    """A map of one run; None where it is long or needs recomputation."""
    cdef unsigned long long reduced
    cdef cnp.ndarray result
    if not (is_run(array, cnp.PyArray_TYPE(array)) and cnp.PyArray_DIM(array, 0) <= LSE_SHORT
            and quick_axes(axis, 1, &reduced) and reduced):
        return None
    result = cnp.PyArray_EMPTY(1, cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array), False)
    return result if lse_quick_map(table, type_of_run(array), operation, cnp.PyArray_DATA(array),
                                   cnp.PyArray_DIM(array, 0), cnp.PyArray_DATA(result)) else None


cdef bint map_short(const quick_call *call, cnp.ndarray result) noexcept:
    """Whether few elements along one axis have been mapped to a result that is one run."""
    cdef double buffer[LSE_SHORT]
    cdef const void *data
    if call.ndim != 1 or not call.request.reduced or not is_run(result, call.number):
        return False
    data = short_run(call, buffer)
    return data != NULL and lse_quick_map(
        table, call.request.type, call.request.operation, data, call.size, cnp.PyArray_DATA(result))


# Functions

cdef object try_reduce(object a, object axis, object b, object keepdims, object return_sign, object where, object out,
                       object dtype, bint mean):
    """The log-sum-exp or the log-mean-exp."""
    cdef quick_call call
    cdef quick_shape shape
    cdef bint weak_a, weak_b = False, run, alone, whole
    cdef int keep = quick_flag(keepdims), signed = quick_flag(return_sign)
    cdef cnp.ndarray weights = None, mask = None, result, sign = None, array = quick_array(a, &weak_a)
    if array is None or keep == -1 or signed == -1:
        return None
    alone = b is None and where is True
    run = alone and not signed and is_run(array, wanted_number(dtype, cnp.PyArray_TYPE(array)))
    if run and not keep and out is None and quick_axes(axis, 1, &call.request.reduced) and call.request.reduced:
        value = run_value(type_of_run(array), cnp.PyArray_DATA(array), cnp.PyArray_DIM(array, 0), mean)
        if value is not None:
            return value
    if b is not None:
        weights = quick_array(b, &weak_b)
        if weights is None:
            return None
    if where is not True:
        mask = quick_mask(where)
        if mask is None:
            return None
    if not (begin_call(&call, LSE_LOGSUMEXP, array, weak_a, weights, weak_b, mask, dtype)
            and quick_axes(axis, call.ndim, &call.request.reduced)):
        return None
    whole = out is None and not keep and call.size > 0 and call.request.reduced == every_axis(call.ndim)
    value = None
    if whole and b is not None and not mean:
        value = weighted_value(&call, signed)
    elif whole and alone and not run and not signed:
        value = short_value(&call, mean)
    if value is not None:
        return value
    find_shape(&call, keep, &shape)
    if out is not None and not is_output(
            out, shape.ndim, shape.length, real_part_of(call.number) if signed else call.number):
        return None
    if not signed and (alone or not mean) and takes_sums(out, call.number, array, weights, mask):
        result = out
    else:
        result = empty_result(&shape, call.number)
    if signed:
        sign = empty_result(&shape, call.number)
    if call.size == 0:
        cnp.PyArray_FillWithScalar(result, NAN if mean else -INFINITY)
        if signed:
            cnp.PyArray_FillWithScalar(sign, 0.0)
    elif not (run and call.request.reduced and reduce_run(
            type_of_run(array), cnp.PyArray_DATA(array), call.size, mean, cnp.PyArray_DATA(result))):
        describe(&call.request.out, result)
        call.request.sign = bytes_of(sign)
        if mean:
            reduce_to_mean(&call.request, call.size, result)
        else:
            run_request(&call.request, call.size)
    if signed and is_complex(call.number):
        result = (<object>result).real.copy(order="K")
    value = return_result(result, out)
    return (value, return_result(sign, None)) if signed else value


cdef object try_map(lse_operation operation, object x, object axis, object where, object out, object dtype,
                    object empty):
    """The softmax or log-softmax."""
    cdef quick_call call
    cdef bint weak, has_empty
    cdef cnp.ndarray mask = None, result, array = quick_array(x, &weak)
    if array is None or type(empty) is not float:
        return None
    has_empty = not isnan(<double>empty)
    if where is True and out is None and dtype is None and not has_empty:
        result = mapped_run(operation, array, axis)
        if result is not None:
            return result
    if where is not True:
        mask = quick_mask(where)
        if mask is None:
            return None
    if not (begin_call(&call, operation, array, weak, None, False, mask, dtype)
            and quick_axes(axis, call.ndim, &call.request.reduced)):
        return None
    if out is not None and not is_output(out, call.ndim, call.shape, call.number):
        return None
    if takes_map(out, call.number, array, mask):
        result = out
    else:
        result = empty_like(&call)
    if call.size > 0 and not (mask is None and not has_empty and map_short(&call, result)):
        describe(&call.request.out, result)
        call.request.has_empty, call.request.empty = has_empty, empty
        run_request(&call.request, call.size)
    return return_result(result, out)


cdef inline void turn_around(lse_array *array, cnp.npy_intp *stride, int axis) noexcept:
    """Let an array begin with the last element along an axis; `stride` is room for its strides."""
    cdef int i
    for i in range(array.ndim):
        stride[i] = array.stride[i]
    array.data += (array.shape[axis] - 1) * stride[axis]
    stride[axis] = -stride[axis]
    array.stride = <const ptrdiff_t *>stride


cdef object try_cumulate(object a, object axis, object reverse, object out, object dtype):
    """The cumulative log-sum-exp along one axis, or of the flattened array."""
    cdef quick_call call
    cdef cnp.npy_intp stride[LSE_MAX_DIMS]
    cdef cnp.npy_intp out_stride[LSE_MAX_DIMS]
    cdef bint weak
    cdef int backwards = quick_flag(reverse)
    cdef cnp.ndarray result, array = quick_array(a, &weak)
    if array is None or backwards == -1 or type(axis) is tuple:
        return None
    if out is None and dtype is None and not backwards:
        result = mapped_run(LSE_CUMULATE, array, axis)
        if result is not None:
            return result
    if cnp.PyArray_NDIM(array) == 0 or (axis is None and cnp.PyArray_NDIM(array) > 1):
        array = cnp.PyArray_Ravel(array, cnp.NPY_CORDER)
    if not (begin_call(&call, LSE_CUMULATE, array, weak, None, False, None, dtype)
            and quick_axes(axis, call.ndim, &call.request.reduced)):
        return None
    if out is not None and not is_output(out, call.ndim, call.shape, call.number):
        return None
    if takes_map(out, call.number, array, None):
        result = out
    else:
        result = empty_like(&call)
    if call.size > 0 and not (not backwards and map_short(&call, result)):
        describe(&call.request.out, result)
        if backwards:
            turn_around(&call.request.a, stride, only_axis(call.request.reduced))
            turn_around(&call.request.out, out_stride, only_axis(call.request.reduced))
        run_request(&call.request, call.size)
    return return_result(result, out)
