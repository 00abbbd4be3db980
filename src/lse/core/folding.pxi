# What the methods of LogSumExp do with arrays ---------------------------------------------------------------

cdef tuple begin_fold(quick_call *call, object a, object axis, object b, object where):
    """The arrays of elements, weights and mask that the fast path takes, of which the latter may be None."""
    cdef bint weak_a, weak_b = False
    cdef cnp.ndarray weights = None, mask = None, array = quick_array(a, &weak_a)
    if array is None:
        return None
    if b is not None:
        weights = quick_array(b, &weak_b)
        if weights is None:
            return None
    if where is not True:
        mask = quick_mask(where)
        if mask is None:
            return None
    if begin_call(call, LSE_SUMS, array, weak_a, weights, weak_b, mask, None) and (
            not is_complex(call.number) and not is_longdouble(call.number)
            and quick_axes(axis, call.ndim, &call.request.reduced)):
        return array, weights, mask
    return None


cdef LogSumExp try_total(object a, object axis, object b, object where, object dtype):
    """An accumulator of what the fast path takes."""
    cdef quick_call call
    cdef quick_shape shape
    cdef LogSumExp total
    cdef int i
    arrays = begin_fold(&call, a, axis, b, where)
    if arrays is None:
        return None
    find_shape(&call, False, &shape)
    if dtype is None:
        dtype = FLOAT32 if call.number == cnp.NPY_FLOAT32 else FLOAT64
    total = LogSumExp(tuple([shape.length[i] for i in range(shape.ndim)]), dtype)
    array, weights, mask = arrays
    fold(total, view_in(&call, array, call.stride), view_in(&call, mask, call.where_stride),
         view_in(&call, weights, call.weight_stride), call.request.reduced,
         call.request.type if total.single else LSE_F64)
    return total


cdef bint try_update(LogSumExp total, object a, object axis, object b, object where) except -1:
    """Add what the fast path takes, see quick_arguments.pxi; False for all else."""
    cdef quick_call call
    cdef quick_shape shape
    cdef lse_type real
    cdef int i
    arrays = begin_fold(&call, a, axis, b, where)
    if arrays is None:
        return False
    find_shape(&call, False, &shape)
    if shape.ndim + 1 != cnp.PyArray_NDIM(total.frame):
        return False
    for i in range(shape.ndim):
        if shape.length[i] != cnp.PyArray_DIM(total.frame, i + 1):
            return False
    array, weights, mask = arrays
    real = call.request.type if total.single else LSE_F64
    if weights is None and mask is None and shape.ndim == 0 and quick_run(total, array, real):
        return True
    fold(total, view_in(&call, array, call.stride), view_in(&call, mask, call.where_stride),
         view_in(&call, weights, call.weight_stride), call.request.reduced, real)
    return True


cdef bint quick_run(LogSumExp total, cnp.ndarray array, lse_type real) except -1:
    """Add one contiguous run of moderate length to a single sum; False for all else."""
    cdef lse_sum one
    cdef lse_sums sums
    cdef Py_ssize_t n = cnp.PyArray_SIZE(array)
    cdef const void *data = cnp.PyArray_DATA(array)
    if not is_run(array, npy_type(real)):
        return False
    if n < GIL_KEPT_BELOW:
        lse_quick_sum(table, real, data, n, &one)
    else:
        with nogil:
            lse_quick_sum(table, real, data, n, &one)
    with cython.critical_section(total):
        elements = add_elements(total.elements, n)  # before anything is changed, for there may be no memory for it
        sums = rows_of(total.plain)
        lse_put_sum(sums, 0, lse_merge_sum(table, False, lse_sum_at(sums, 0), one))
        total.elements = elements
    return True


cdef cnp.ndarray sums_of(LogSumExp total, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights,
                         unsigned long long reduced, lse_type real, cnp.ndarray before, cnp.ndarray offsets=None):
    """The sums of an array, or of the segments of its first axis, added to those before, if any."""
    cdef cnp.ndarray sums = new_sums(total.frame)
    cdef lse_request request = new_request(LSE_SUMS, reduced, real)
    cdef ptrdiff_t stride[LSE_MAX_DIMS]
    if before is not None:
        request.given = rows_of(before)
    request.into = rows_of(sums)
    request.sum_stride = strides_of(sums, stride)
    if offsets is not None:
        request.offsets = <const ptrdiff_t *>cnp.PyArray_DATA(offsets)
        request.segments = cnp.PyArray_DIM(offsets, 0) - 1
        request.segment_stride = stride[0] * <ptrdiff_t>sizeof(double)
        request.sum_stride += 1
    execute(&request, a, where, weights, None)
    return sums


cdef int fold(LogSumExp total, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
              lse_type real, int terms=1, cnp.ndarray offsets=None, object many=None) except -1:
    """Add what has the right shape, with so many terms for each element; or segments, of which it is known how many
    elements they have."""
    cdef bint weighted = weights is not None, kept = False
    cdef cnp.ndarray before = None, sums = None
    if many is None:
        many = elements_of(a, where, reduced)
    if terms > 1:
        many = many // terms
    if cnp.PyArray_SIZE(a) > 0:
        if cnp.PyArray_SIZE(total.frame) > 4:
            with cython.critical_section(total):
                before = total.weighted if weighted else total.plain
        sums = sums_of(total, a, where, weights, reduced, real, before, offsets)
        if before is not None:
            with cython.critical_section(total):
                kept = before is (total.weighted if weighted else total.plain)
                if kept:
                    put(total, sums, weighted, many)
            if kept:
                return 0
            # another thread has folded something in
            sums = sums_of(total, a, where, weights, reduced, real, None, offsets)
    with cython.critical_section(total):
        put(total, add_sums(total.weighted if weighted else total.plain, sums, weighted), weighted, many)
    return 0


cdef int put(LogSumExp total, cnp.ndarray sums, bint weighted, many) except -1:
    """Under the lock."""
    elements = add_elements(total.elements, many)
    if weighted:
        total.weighted = sums
    else:
        total.plain = sums
    total.elements = elements
    return 0


cdef LogSumExp twin(LogSumExp total, type kind, bint single):
    """An accumulator of this class in the same state, in memory of its own; no constructor of a subclass is called."""
    cdef LogSumExp result = LogSumExp.__new__(kind, total.lengths(), FLOAT32 if single else FLOAT64)
    with cython.critical_section(total):
        result.plain = cnp.PyArray_NewCopy(total.plain, cnp.NPY_CORDER)
        if total.weighted is not None:
            result.weighted = cnp.PyArray_NewCopy(total.weighted, cnp.NPY_CORDER)
        result.elements = total.elements
    return result


cdef object copied(LogSumExp total, bint single, object memo=None):
    """Likewise one of its own class, with the attributes that a subclass has, or deep copies of them."""
    cdef LogSumExp result = twin(total, type(total), single)
    if type(total) is not LogSumExp:
        _streaming.copy_attributes(total, result, memo)
    return result


cdef cnp.ndarray finish(LogSumExp total, bint single):
    """log|sum| in two float64 arrays and the sign, one after the other; finished as a sum of float32, or with all
    digits."""
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef cnp.ndarray parts
    cdef double *value
    cdef lse_sums plain, weighted
    cdef lse_results results
    cdef lse_fp_state found
    cdef Py_ssize_t size = cnp.PyArray_SIZE(total.frame) // 4, start, i, count
    memcpy(shape, cnp.PyArray_DIMS(total.frame), cnp.PyArray_NDIM(total.frame) * sizeof(cnp.npy_intp))
    shape[0] = 3
    parts = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(total.frame), shape, cnp.NPY_FLOAT64, False)
    value = <double *>cnp.PyArray_DATA(parts)
    weighted.max = NULL
    with cython.critical_section(total):
        found = lse_fp_enter()
        for start in range(0, size, LSE_BATCH):
            count = min(<Py_ssize_t>LSE_BATCH, size - start)
            plain = lse_sums_from(rows_of(total.plain), start)
            if total.weighted is not None:
                weighted = lse_sums_from(rows_of(total.weighted), start)
            lse_finish_sums(table, type_of(single), plain, weighted, count, &results)
            for i in range(count):
                value[start + i] = results.value[i]
                value[size + start + i] = results.value_lo[i]
                value[2 * size + start + i] = results.sign[i]
        lse_fp_leave(found)
    return parts


cdef object finished(LogSumExp total, bint single, int part, bint real):
    """Values or signs as for the user, every NaN the same one; `real`: NaN for negative sums."""
    cdef cnp.ndarray parts = finish(total, single)
    cdef cnp.ndarray result = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(parts) - 1, cnp.PyArray_DIMS(parts) + 1,
                                                npy_type(type_of(total.single)), False)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(result), i
    cdef double *value = <double *>cnp.PyArray_DATA(parts) + part * size
    cdef double *sign = <double *>cnp.PyArray_DATA(parts) + 2 * size
    cdef lse_fp_state found = lse_fp_enter()
    for i in range(size):
        if isnan(value[i]) or (real and sign[i] < 0):
            value[i] = NAN
        if total.single:
            (<float *>cnp.PyArray_DATA(result))[i] = <float>value[i]
        else:
            (<double *>cnp.PyArray_DATA(result))[i] = value[i]
    lse_fp_leave(found)
    return return_result(result, None)


def log_of_count(Py_ssize_t count):
    """The logarithm of a number of elements as sums have it: in two parts, and its sign."""
    cdef double low = 0.0, value = lse_log_of_count(table, count, &low) if count > 0 else -INFINITY
    return value, low, float(count > 0)


def map_sums(str operation not None, cnp.ndarray x not None, unsigned long long reduced, bint single,
             cnp.ndarray out not None, LogSumExp total not None):
    """Softmax or log-softmax of elements whose sums over the axes whose bits are set, and over more, are in `total`.

    `total` has the shape of x, its reduced axes left out; nothing may be empty.
    """
    cdef lse_request request = new_request(operation_named(operation), reduced, type_of(single))
    cdef ptrdiff_t stride[LSE_MAX_DIMS]
    cdef cnp.ndarray given
    cdef unsigned long long none = 0
    with cython.critical_section(total):
        given = total.plain
    check_shape("the output", x, out, none)
    check_shape("the sums", x, given[0, ...], reduced)
    if reduced and cnp.PyArray_NDIM(given) - 1 == cnp.PyArray_NDIM(x):
        raise ValueError("lse: the sums have a shape that keeps the reduced axes")
    request.given = rows_of(given)
    request.sum_stride = strides_of(given, stride)
    execute(&request, x, None, None, out)
