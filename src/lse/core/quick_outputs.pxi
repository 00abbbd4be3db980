# Outputs of the fast path ------------------------------------------------------------------------------------
#
# New arrays, laid out in memory as those of NumPy, and those that the caller gave.

cdef inline cnp.npy_intp size_of(cnp.npy_intp stride) noexcept:
    return -stride if stride < 0 else stride


cdef struct quick_shape:  # of a result
    int ndim
    cnp.npy_intp length[LSE_MAX_DIMS]
    int given            # axes of elements and weights, of which each becomes one of the result's, or -1
    int becomes[LSE_MAX_DIMS]
    cnp.npy_intp stride[2][LSE_MAX_DIMS]  # of elements and of weights, 0 without these and along axes of length 1


cdef inline void add_given(quick_shape *shape, bint kept, cnp.npy_intp length, cnp.npy_intp stride,
                           cnp.npy_intp weight_stride) noexcept:
    """Add an axis of the elements to those that a result is made of."""
    shape.stride[0][shape.given] = stride
    shape.stride[1][shape.given] = weight_stride
    shape.becomes[shape.given] = shape.ndim if kept else -1
    shape.given += 1
    if kept:
        shape.length[shape.ndim] = length
        shape.ndim += 1


cdef void find_shape(const quick_call *call, bint keepdims, quick_shape *shape) noexcept:
    """The shape of what a reduction leaves."""
    cdef int axis
    cdef bint reduced, weighted = call.request.weights.data != NULL
    shape.ndim = shape.given = 0
    for axis in range(call.ndim):
        reduced = call.request.reduced >> axis & 1
        add_given(shape, keepdims or not reduced, 1 if reduced else call.shape[axis], call.stride[axis],
                  call.weight_stride[axis] if weighted else 0)


cdef inline int compare_axes(const quick_shape *shape, int axis, int later) noexcept:
    """1 if an axis is nearer in memory than a later one, 0 if not, -1 if nothing tells; where elements and weights
    disagree, C order wins."""
    cdef int i, found = -1
    for i in range(2):
        if shape.stride[i][axis] != 0 and shape.stride[i][later] != 0:  # those of stride 0 have no place
            if size_of(shape.stride[i][axis]) >= size_of(shape.stride[i][later]):
                return 0
            found = 1
    return found


cdef cnp.ndarray empty_in_order(const quick_shape *shape, cnp.dtype dtype):
    """A new array of a shape, laid out as NumPy's functions lay out their results."""
    cdef cnp.npy_intp stride[LSE_MAX_DIMS]
    cdef int order[LSE_MAX_DIMS]  # of axes, the nearest first
    cdef cnp.npy_intp step = dtype.itemsize
    cdef int count, axis, at, i, compared
    for count in range(shape.given):
        axis, at = shape.given - 1 - count, count
        for i in range(count - 1, -1, -1):
            compared = compare_axes(shape, axis, order[i])
            if compared == 0:
                break
            if compared == 1:
                at = i
        for i in range(count, at, -1):
            order[i] = order[i - 1]
        order[at] = axis
    for at in range(shape.given):
        axis = shape.becomes[order[at]]
        if axis >= 0:
            stride[axis] = step
            step *= max(shape.length[axis], 1)
    Py_INCREF(dtype)
    return PyArray_NewFromDescr(ndarray_type, <void *>dtype, shape.ndim, shape.length, stride, NULL, 0, None)


cdef inline cnp.ndarray empty_result(const quick_shape *shape, int number):
    return empty_in_order(shape, cnp.PyArray_DescrFromType(number))


cdef cnp.ndarray empty_of(const quick_call *call, cnp.dtype dtype):
    """A new array of the shape of a call."""
    cdef quick_shape shape
    find_shape(call, True, &shape)
    for axis in range(call.ndim):
        shape.length[axis] = call.shape[axis]
    return empty_in_order(&shape, dtype)


cdef inline cnp.ndarray empty_like(const quick_call *call):
    """A new array for the result of a map."""
    return empty_of(call, cnp.PyArray_DescrFromType(call.number))


def empty_reduced(cnp.ndarray a not None, cnp.ndarray weights, unsigned long long reduced, tuple lengths not None,
                  cnp.dtype dtype not None):
    """A new array for what is made of an array, and weights of its shape; it lacks the axes whose bits are set, or has
    all."""
    cdef quick_shape shape
    cdef int axis
    cdef bint kept, alone, every = len(lengths) == cnp.PyArray_NDIM(a)
    shape.ndim = shape.given = 0
    for axis in range(cnp.PyArray_NDIM(a)):
        kept, alone = every or not reduced >> axis & 1, cnp.PyArray_DIM(a, axis) == 1
        if kept and shape.ndim == len(lengths):
            raise ValueError("lse: a result whose shape does not fit that of the input")
        add_given(&shape, kept, lengths[shape.ndim] if kept else 0, 0 if alone else cnp.PyArray_STRIDE(a, axis),
                  0 if alone or weights is None else cnp.PyArray_STRIDE(weights, axis))
    if shape.ndim < len(lengths):
        raise ValueError("lse: a result whose shape does not fit that of the input")
    return empty_in_order(&shape, dtype)


cdef void find_extent(cnp.ndarray a, char **low, char **high) noexcept:
    """The first byte of an array, and the one after its last."""
    cdef int axis
    cdef Py_ssize_t reach
    low[0] = cnp.PyArray_BYTES(a)
    high[0] = low[0] + cnp.PyArray_ITEMSIZE(a)
    for axis in range(cnp.PyArray_NDIM(a)):
        reach = (cnp.PyArray_DIM(a, axis) - 1) * cnp.PyArray_STRIDE(a, axis)
        if reach > 0:
            high[0] += reach
        else:
            low[0] += reach


cdef bint are_apart(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether no byte may be of both; either may be None."""
    cdef char *low_a
    cdef char *high_a
    cdef char *low_b
    cdef char *high_b
    if a is None or b is None:
        return True
    find_extent(a, &low_a, &high_a)
    find_extent(b, &low_b, &high_b)
    return high_a <= low_b or high_b <= low_a


cdef bint have_same_places(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether element i of one is element i of the other, both of the same shape."""
    cdef int axis
    if cnp.PyArray_BYTES(a) != cnp.PyArray_BYTES(b) or cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(b) or (
            cnp.PyArray_ISNOTSWAPPED(a) != cnp.PyArray_ISNOTSWAPPED(b)):
        return False
    for axis in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDE(a, axis) != cnp.PyArray_STRIDE(b, axis):
            return False
    return True


cdef bint is_output(object out, int ndim, const cnp.npy_intp *length, int number) noexcept:
    """Whether it is a writeable array of this shape to which results of a dtype may be cast, of no subclass."""
    cdef int axis, kind
    if type(out) is not cnp.ndarray or not cnp.PyArray_ISWRITEABLE(<cnp.ndarray>out):
        return False
    kind = cnp.PyArray_TYPE(<cnp.ndarray>out)
    if is_complex(number):
        if not is_complex(kind):
            return False
    elif not (kind == number or kind == cnp.NPY_FLOAT64 or kind == cnp.NPY_FLOAT32
              or (kind == cnp.NPY_FLOAT16 and number < NPY_USERDEF)):
        return False
    if cnp.PyArray_NDIM(<cnp.ndarray>out) != ndim:
        return False
    for axis in range(ndim):
        if cnp.PyArray_DIM(<cnp.ndarray>out, axis) != length[axis]:
            return False
    return True


cdef inline bint can_hold(cnp.ndarray out, int number) noexcept:
    """Whether the engine can write results of a dtype to an array, rounded to another one or as they are."""
    cdef int kind = cnp.PyArray_TYPE(out)
    return cnp.PyArray_ISBEHAVED(out) and (
        kind == number or (number == cnp.NPY_FLOAT64 and (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT16)))


cdef inline bint takes_sums(object out, int number, cnp.ndarray a, cnp.ndarray weights, cnp.ndarray mask) except -1:
    """Whether an output, if there is one, takes the results of a reduction, while these are read."""
    return out is not None and can_hold(out, number) and (
        are_apart(out, a) and are_apart(out, weights) and are_apart(out, mask))


cdef inline bint takes_map(object out, int number, cnp.ndarray a, cnp.ndarray mask) except -1:
    """Likewise those of a map, each of which is where its element is, or apart from all."""
    return out is not None and can_hold(out, number) and are_apart(out, mask) and (
        are_apart(out, a) or have_same_places(out, a))


cdef object return_result(cnp.ndarray result, object out):
    """What the caller gets: `out`, which has the result or gets it now; else a scalar for 0-d, or the array."""
    if out is None:
        return result if cnp.PyArray_NDIM(result) > 0 else cnp.PyArray_ToScalar(cnp.PyArray_DATA(result), result)
    if result is not out:
        if cnp.PyArray_TYPE(result) == cnp.PyArray_TYPE(<cnp.ndarray>out):
            cnp.PyArray_CopyInto(<cnp.ndarray>out, result)
        else:
            quietly(np.copyto, (out, result))
    return out
