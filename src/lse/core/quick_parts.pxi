# The fast path for segments and groups -----------------------------------------------------------------------
#
# As quick.pxi: segments of any arrays, and groups by labels of one axis.

cdef cnp.ndarray quick_offsets(object indptr, Py_ssize_t length):
    """Offsets as a copy, which nobody changes once it is checked, if they ascend from 0 to no more than a length."""
    cdef bint weak
    cdef cnp.ndarray offsets = quick_array(indptr, &weak)
    cdef const cnp.npy_intp *offset
    cdef Py_ssize_t i, count
    if offsets is None or cnp.PyArray_NDIM(offsets) != 1 or cnp.PyArray_DIM(offsets, 0) == 0 or (
            kind_of(offsets) not in (b"i", b"u")):
        return None
    # of uint64 what is too great becomes negative
    offsets = cnp.PyArray_FROMANY(offsets, cnp.NPY_INTP, 1, 1, cnp.NPY_ARRAY_CARRAY | cnp.NPY_ARRAY_FORCECAST
                                  | cnp.NPY_ARRAY_ENSURECOPY)
    offset, count = <const cnp.npy_intp *>cnp.PyArray_DATA(offsets), cnp.PyArray_DIM(offsets, 0)
    if offset[0] < 0 or offset[count - 1] > length:
        return None
    for i in range(1, count):
        if offset[i - 1] > offset[i]:
            return None
    return offsets


cdef Py_ssize_t MOST_GROUPS = (<Py_ssize_t>1) << (8 * sizeof(Py_ssize_t) - 7)


cdef cnp.ndarray quick_labels(object index, Py_ssize_t length):
    """Labels of 4 or 8 bytes in one run, without a copy if possible, if there is one for each element."""
    cdef bint weak
    cdef cnp.ndarray labels = quick_array(index, &weak)
    cdef int size
    if labels is None or cnp.PyArray_NDIM(labels) != 1 or cnp.PyArray_DIM(labels, 0) != length or (
            kind_of(labels) not in (b"i", b"u")):
        return None
    size = cnp.PyArray_ITEMSIZE(labels)
    if size > <int>sizeof(Py_ssize_t):
        return None
    if kind_of(labels) == b"i" and (size == 4 or size == 8) and cnp.PyArray_ISCARRAY_RO(labels):
        return labels
    # of uint64 what is too great becomes negative
    return cnp.PyArray_FROMANY(labels, cnp.NPY_INTP, 1, 1, cnp.NPY_ARRAY_CARRAY | cnp.NPY_ARRAY_FORCECAST)


cdef inline Py_ssize_t greatest_of(const void *labels, int size, Py_ssize_t n) noexcept nogil:
    """The greatest label, or -1."""
    cdef Py_ssize_t i, greatest = -1
    if size == 4:
        for i in range(n):
            greatest = max(greatest, (<const int32_t *>labels)[i])
    else:
        for i in range(n):
            greatest = max(greatest, (<const int64_t *>labels)[i])
    return greatest


cdef Py_ssize_t quick_size(object size, cnp.ndarray labels) except -2:
    """The number of groups; -1 for what the general path takes or refuses."""
    cdef Py_ssize_t greatest, n = cnp.PyArray_DIM(labels, 0)
    cdef const void *data = cnp.PyArray_DATA(labels)
    cdef int bytes_of_one = cnp.PyArray_ITEMSIZE(labels)
    if size is None:
        if n < GIL_KEPT_BELOW:
            greatest = greatest_of(data, bytes_of_one, n)
        else:
            with nogil:
                greatest = greatest_of(data, bytes_of_one, n)
        return greatest + 1 if greatest < MOST_GROUPS else -1
    if type(size) is not int and not isinstance(size, np.integer):
        return -1
    return size if 0 <= size < MOST_GROUPS else -1


cdef int run_groups(lse_request *request, Py_ssize_t elements, cnp.ndarray labels) except -1:
    """Carry out a request for groups; whether the engine takes it and all labels are groups."""
    cdef const void *data = cnp.PyArray_DATA(labels)
    cdef int error, size = cnp.PyArray_ITEMSIZE(labels)
    prepare_request(request, elements)
    if elements < GIL_KEPT_BELOW:
        error = lse_execute_groups(request, data, size, elements)
    else:
        with nogil:
            error = lse_execute_groups(request, data, size, elements)
    if error == LSE_NOT_TAKEN or error == LSE_WRONG_LABEL:
        return False
    check_failure(error, "for the groups")
    return True


cdef struct quick_parts:  # of a call for segments, or for groups with labels
    quick_call call
    Py_ssize_t count
    int axis


cdef class Groups  # of groups.pxi


@cython.auto_pickle(False)
cdef class SortedAxis:
    """An array of several axes whose elements are sorted by labels along one of them, so that each group is a
    segment."""

    cdef Groups groups
    cdef cnp.ndarray by_group  # or the array itself, where the labels ascend


cdef SortedAxis sort_axis(quick_parts *parts, cnp.ndarray array, cnp.ndarray labels):
    """An array of a call sorted, which the call then refers to; None for what the general path takes or refuses."""
    cdef quick_call *call = &parts.call
    cdef SortedAxis result = SortedAxis.__new__(SortedAxis)
    cdef int axis
    for axis in range(call.ndim):
        if call.stride[axis] == 0:
            return None
    result.by_group = empty_of(call, <cnp.dtype>cnp.PyArray_DESCR(array))
    try:
        result.groups = Groups(labels, parts.count, array, result.by_group, parts.axis)
    except IndexError:  # a label that is no group
        return None
    if result.groups.groups.in_order:
        result.by_group = array
    describe(&call.request.a, result.by_group)
    return result


cdef object begin_parts(quick_parts *parts, lse_operation operation, cnp.ndarray array, bint weak, object b,
                        object where, object dtype, object axis, object indptr, object index, object size):
    """The offsets or the labels of a call whose arrays are described, and what is sorted, if it has several axes; None
    for what is not taken."""
    cdef quick_call *call = &parts.call
    cdef bint weak_b = False
    cdef cnp.ndarray weights = None, mask = None, division
    cdef SortedAxis by_group = None
    if axis is None or type(axis) is tuple:
        return None
    if b is not None:
        weights = quick_array(b, &weak_b)
        if weights is None:
            return None
    if where is not True:
        mask = quick_mask(where)
        if mask is None:
            return None
    if not (begin_call(call, operation, array, weak, weights, weak_b, mask, dtype) and call.ndim > 0
            and quick_axes(axis, call.ndim, &call.request.reduced)):
        return None
    parts.axis = only_axis(call.request.reduced)
    if indptr is not None:
        division = quick_offsets(indptr, call.shape[parts.axis])
        parts.count = -1 if division is None else cnp.PyArray_DIM(division, 0) - 1
    else:
        division = quick_labels(index, call.shape[parts.axis]) if call.size > 0 else None
        parts.count = -1 if division is None else quick_size(size, division)
        if parts.count >= 0 and call.ndim > 1:
            by_group = sort_axis(parts, array, division) if weights is None and mask is None else None
            if by_group is None:
                return None
            division = by_group.groups.offsets
    call.request.segments = parts.count
    return (weights, mask, division, by_group) if parts.count >= 0 else None


cdef bint run_parts(quick_parts *parts, cnp.ndarray division, bint labelled) except -1:
    """Carry out a call whose output is described, by offsets or by labels; False where the engine does not take it."""
    cdef lse_request *request = &parts.call.request
    if labelled:
        return run_groups(request, parts.call.size, division)
    request.offsets = <const ptrdiff_t *>cnp.PyArray_DATA(division)
    run_request(request, parts.call.size)
    return True


cdef bint add_rows(cnp.npy_intp *label, Py_ssize_t rows, Py_ssize_t length, Py_ssize_t count) noexcept nogil:
    """From labels of rows to those of groups of all rows, if all are labels."""
    cdef Py_ssize_t row, i
    for row in range(rows):
        for i in range(length):
            if not 0 <= label[i] < count:
                return False
            label[i] += row * count
        label += length
    return True


cdef object flat_rows(object a, object axis, object index, object size):
    """An array as one row, labels of each of its rows as those of groups of all, the number of these, and the shape of
    what has one for each; None unless both are runs of rows along the last axis."""
    cdef bint weak, taken
    cdef int ndim
    cdef Py_ssize_t count, rows, length
    cdef unsigned long long bits
    cdef cnp.ndarray labels, array
    if type(index) is not cnp.ndarray or type(a) is not cnp.ndarray or cnp.PyArray_NDIM(<cnp.ndarray>index) < 2:
        return None
    array, ndim = a, cnp.PyArray_NDIM(<cnp.ndarray>a)
    if cnp.PyArray_SIZE(array) == 0 or not cnp.PyArray_SAMESHAPE(array, <cnp.ndarray>index) or not (
            cnp.PyArray_IS_C_CONTIGUOUS(array)) or axis is None or type(axis) is tuple or not (
            quick_axes(axis, ndim, &bits)) or only_axis(bits) != ndim - 1:
        return None
    labels = quick_array(index, &weak)
    if labels is None or kind_of(labels) not in (b"i", b"u") or cnp.PyArray_ITEMSIZE(labels) > <int>sizeof(Py_ssize_t):
        return None
    # of uint64 what is too great becomes negative
    labels = cnp.PyArray_FROMANY(labels, cnp.NPY_INTP, ndim, ndim, cnp.NPY_ARRAY_CARRAY | cnp.NPY_ARRAY_FORCECAST
                                 | cnp.NPY_ARRAY_ENSURECOPY)
    labels = cnp.PyArray_Ravel(labels, cnp.NPY_CORDER)
    count, length = quick_size(size, labels), cnp.PyArray_DIM(array, ndim - 1)
    rows = cnp.PyArray_SIZE(array) // length
    if not 0 < count < MOST_GROUPS // rows:
        return None
    with nogil:
        taken = add_rows(<cnp.npy_intp *>cnp.PyArray_DATA(labels), rows, length, count)
    if not taken:
        return None
    return cnp.PyArray_Ravel(array, cnp.NPY_CORDER), labels, rows * count, (<object>array).shape[:ndim - 1] + (count,)


cdef object try_sum_rows(object a, object axis, object b, object return_sign, object where, object out, object dtype,
                         object index, object size):
    """As try_sum_parts, of groups by labels, which may differ from row to row."""
    if b is None and where is True and out is None:
        flat = flat_rows(a, axis, index, size)
        if flat is not None:
            row, labels, count, shape = flat
            value = try_sum_parts(row, 0, None, return_sign, True, None, dtype, None, labels, count)
            if type(value) is tuple:
                return value[0].reshape(shape), value[1].reshape(shape)
            return None if value is None else value.reshape(shape)
    return try_sum_parts(a, axis, b, return_sign, where, out, dtype, None, index, size)


cdef object try_map_rows(lse_operation operation, object x, object axis, object where, object out, object dtype,
                         object index, object size):
    """Likewise as try_map_parts."""
    if where is True and out is None:
        flat = flat_rows(x, axis, index, size)
        if flat is not None:
            row, labels, count, _ = flat
            value = try_map_parts(operation, row, 0, True, None, dtype, None, labels, count)
            return None if value is None else value.reshape((<object>x).shape)
    return try_map_parts(operation, x, axis, where, out, dtype, None, index, size)


cdef object try_sum_parts(object a, object axis, object b, object return_sign, object where, object out, object dtype,
                          object indptr, object index, object size):
    """The log-sum-exps of segments, or, if there are labels, of groups."""
    cdef quick_parts parts
    cdef quick_call *call = &parts.call
    cdef quick_shape shape
    cdef bint weak
    cdef int signed = quick_flag(return_sign)
    cdef cnp.ndarray weights, mask, division, result, sign = None, array = quick_array(a, &weak)
    cdef SortedAxis by_group
    if array is None or signed == -1:
        return None
    begun = begin_parts(&parts, LSE_LOGSUMEXP, array, weak, b, where, dtype, axis, indptr, index, size)
    if begun is None:
        return None
    weights, mask, division, by_group = begun
    find_shape(call, True, &shape)
    shape.length[parts.axis] = parts.count
    if out is not None and not is_output(
            out, shape.ndim, shape.length, real_part_of(call.number) if signed else call.number):
        return None
    if not signed and takes_sums(out, call.number, array, weights, mask):
        result = out
    else:
        result = empty_result(&shape, call.number)
    if signed:
        sign = empty_result(&shape, call.number)
    if call.size == 0:
        cnp.PyArray_FillWithScalar(result, -INFINITY)
        if signed:
            cnp.PyArray_FillWithScalar(sign, 0.0)
    elif cnp.PyArray_SIZE(result) > 0 or index is not None:
        call.request.segment_stride = cnp.PyArray_STRIDE(result, parts.axis)
        describe(&call.request.out, result)
        call.request.sign = bytes_of(sign)
        shape.length[parts.axis] = 1
        call.request.out.shape = <const ptrdiff_t *>shape.length
        if not run_parts(&parts, division, index is not None and by_group is None):
            return None
    if signed and is_complex(call.number):
        result = (<object>result).real.copy(order="K")
    value = return_result(result, out)
    return (value, return_result(sign, None)) if signed else value


cdef object map_sorted(quick_parts *parts, SortedAxis by_group, object out):
    """The map of a sorted array, moved back."""
    cdef quick_call *call = &parts.call
    cdef cnp.ndarray result, mapped = by_group.by_group
    if out is not None and cnp.PyArray_TYPE(<cnp.ndarray>out) == call.number and cnp.PyArray_ISBEHAVED(
            <cnp.ndarray>out):
        result = out  # everything has been copied from it, if it overlaps
    else:
        result = empty_like(call)
    if cnp.PyArray_TYPE(mapped) != call.number or not cnp.PyArray_ISNOTSWAPPED(mapped):
        mapped = empty_like(call)
    describe(&call.request.out, mapped)
    run_parts(parts, by_group.groups.offsets, False)
    by_group.groups.move(result, mapped, parts.axis, True)
    return return_result(result, out)


cdef object try_map_parts(lse_operation operation, object x, object axis, object where, object out, object dtype,
                          object indptr, object index, object size):
    """The softmax or log-softmax of each of the segments, if all elements belong to some, or of the groups."""
    cdef quick_parts parts
    cdef quick_call *call = &parts.call
    cdef bint weak
    cdef const cnp.npy_intp *offset
    cdef cnp.ndarray mask, division, result, array = quick_array(x, &weak)
    cdef SortedAxis by_group
    if array is None:
        return None
    begun = begin_parts(&parts, operation, array, weak, None, where, dtype, axis, indptr, index, size)
    if begun is None:
        return None
    _, mask, division, by_group = begun
    if index is None:
        offset = <const cnp.npy_intp *>cnp.PyArray_DATA(division)
        if offset[0] != 0 or offset[parts.count] != call.shape[parts.axis]:
            return None
    if out is not None and not is_output(out, call.ndim, call.shape, call.number):
        return None
    if by_group is not None and by_group.by_group is not array:
        return map_sorted(&parts, by_group, out)
    if takes_map(out, call.number, array, mask):
        result = out
    else:
        result = empty_like(call)
    if call.size > 0:
        describe(&call.request.out, result)
        if not run_parts(&parts, division, index is not None and by_group is None):
            return None
    return return_result(result, out)
