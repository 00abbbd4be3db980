# Running sums -----------------------------------------------------------------------------------------------

cdef lse_sums rows_of(cnp.ndarray states) noexcept:
    """Of an array whose first axis has the maxima, the tails, their low parts and the counts of the maxima."""
    cdef lse_sums sums
    sums.max = <double *>cnp.PyArray_DATA(states)
    sums.tail = sums.max + cnp.PyArray_SIZE(states) // 4
    sums.tail_lo = sums.tail + cnp.PyArray_SIZE(states) // 4
    sums.count = sums.tail_lo + cnp.PyArray_SIZE(states) // 4
    return sums


cdef ptrdiff_t *strides_of(cnp.ndarray states, ptrdiff_t *stride) noexcept:
    """From a sum to the next along each axis but the first, in elements."""
    cdef int axis
    for axis in range(1, cnp.PyArray_NDIM(states)):
        stride[axis - 1] = cnp.PyArray_STRIDE(states, axis) // <Py_ssize_t>sizeof(double)
    return stride


cdef inline cnp.ndarray new_sums(cnp.ndarray like):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), cnp.NPY_FLOAT64, False)


cdef cnp.ndarray no_sums(cnp.ndarray like):
    cdef cnp.ndarray sums = cnp.PyArray_ZEROS(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), cnp.NPY_FLOAT64, False)
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(sums) // 4):
        (<double *>cnp.PyArray_DATA(sums))[i] = -INFINITY
    return sums


cdef bint are_lengths(object shape) except -1:
    """Whether a shape is a tuple of a few integers, small enough to need no check."""
    cdef Py_ssize_t most = 1 << 20
    if type(shape) is not tuple or len(<tuple>shape) > 8:
        return False
    for length in <tuple>shape:
        if type(length) is not int or not 0 <= length <= most:
            return False
        most //= max(<Py_ssize_t>length, 1)
    return True


cdef cnp.ndarray ZERO = np.zeros(())


cdef cnp.ndarray frame_of(tuple lengths):
    """An array without memory of the shape of states."""
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef cnp.npy_intp stride[LSE_MAX_DIMS]
    cdef cnp.ndarray frame
    cdef int axis
    for axis in range(len(lengths) + 1):
        shape[axis] = lengths[axis - 1] if axis else 4
        stride[axis] = 0
    frame = cnp.PyArray_New(cnp.ndarray, len(lengths) + 1, shape, cnp.NPY_FLOAT64, stride, cnp.PyArray_DATA(ZERO), 0, 0,
                            None)
    cnp.set_array_base(frame, ZERO)
    return frame


cdef cnp.ndarray add_sums(cnp.ndarray a, cnp.ndarray b, bint weighted):
    """The sums of both; either may be None."""
    cdef cnp.ndarray out
    if a is None or b is None:
        return a if b is None else b
    out = new_sums(a)
    lse_merge_sums(table, weighted, rows_of(out), rows_of(a), rows_of(b), cnp.PyArray_SIZE(a) // 4,
                   lse_run_tasks)
    return out


cdef object elements_of(cnp.ndarray a, cnp.ndarray where, unsigned long long reduced):
    """How many elements go into each sum: an integer, or where there are several sums and a mask an array of int64."""
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef cnp.ndarray counts
    cdef int64_t count = 0
    cdef lse_array mask
    cdef object many = 1
    cdef int axis, left = 0
    if where is None:
        for axis in range(cnp.PyArray_NDIM(a)):
            if reduced >> axis & 1:
                many *= cnp.PyArray_DIM(a, axis)
        return many
    for axis in range(cnp.PyArray_NDIM(a)):
        if not reduced >> axis & 1:
            shape[left] = cnp.PyArray_DIM(a, axis)
            left += 1
    describe(&mask, where)
    if left == 0:
        count_mask(&mask, reduced, &count)
        return count
    counts = cnp.PyArray_ZEROS(left, shape, cnp.NPY_INT64, False)
    count_mask(&mask, reduced, <int64_t *>cnp.PyArray_DATA(counts))
    return counts


cdef int count_mask(const lse_array *mask, unsigned long long reduced, int64_t *counts) except -1:
    cdef Py_ssize_t elements = 1
    cdef int axis
    for axis in range(mask.ndim):
        elements *= mask.shape[axis]
    if elements < GIL_KEPT_BELOW:
        lse_count_mask(mask, reduced, counts)
    else:
        with nogil:
            lse_count_mask(mask, reduced, counts)
    return 0


cdef object add_elements(object a, object b):
    """The sum of two such numbers; if one is an array it is another, which nobody may write to.

    Called under the lock, which a call of Python might release.
    """
    cdef cnp.ndarray first, second = None, out
    cdef int64_t more = 0
    cdef Py_ssize_t i
    if type(a) is int and type(b) is int:
        return a + b
    first, other = (b, a) if type(a) is int else (a, b)
    if type(other) is int:
        more = other
    else:
        second = other
    out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first), cnp.NPY_INT64, False)
    for i in range(cnp.PyArray_SIZE(first)):
        if second is not None:
            more = (<int64_t *>cnp.PyArray_DATA(second))[i]
        if (<int64_t *>cnp.PyArray_DATA(first))[i] > INT64_MAX - more:
            raise OverflowError("LogSumExp: more elements than an int64 can count")
        (<int64_t *>cnp.PyArray_DATA(out))[i] = (<int64_t *>cnp.PyArray_DATA(first))[i] + more
    cnp.PyArray_CLEARFLAGS(out, cnp.NPY_ARRAY_WRITEABLE)
    return out
