# The fast path of complex arrays ----------------------------------------------------------------------------
#
# Arrays of complex64 and complex128 and lists that become such, with weights that are arrays, and without mask, output
# and dtype. Each try_complex_... returns None for all else, and then has written nothing.

cdef cnp.ndarray complex_array(object a):
    """An array that is not 0-d; of a list of Python's numbers what it makes."""
    cdef cnp.ndarray array
    if type(a) is list or type(a) is tuple:
        for element in a:
            if type(element) is not complex and type(element) is not float and type(element) is not int:
                return None
        a = cnp.PyArray_FROM_O(a)
    if type(a) is not cnp.ndarray:
        return None
    array = <cnp.ndarray>a
    if cnp.PyArray_TYPE(array) != cnp.NPY_COMPLEX128 and cnp.PyArray_TYPE(array) != cnp.NPY_COMPLEX64:
        return None
    return None if cnp.PyArray_NDIM(array) == 0 else array


cdef bint complex_axes(object axis, int ndim, unsigned long long *bits) except -1:
    """Whether axes are None, an integer or a tuple of integers, in range and each named once, and the bits of them."""
    bits[0] = 0
    if axis is None:
        bits[0] = (<unsigned long long>-1) >> (64 - ndim)
        return True
    if type(axis) is not tuple:
        return add_axis(axis, ndim, bits)
    for one in <tuple>axis:
        if not add_axis(one, ndim, bits):
            return False
    return True


cdef cnp.ndarray complex_weights(object b, cnp.ndarray array):
    """Weights of the shape of the elements, real or complex, that do not widen their dtype; else None."""
    cdef cnp.npy_intp strides[LSE_MAX_DIMS]
    cdef cnp.ndarray given, view
    cdef int axis, skipped, kind
    cdef cnp.npy_intp length
    if type(b) is not cnp.ndarray:
        return None
    given = <cnp.ndarray>b
    kind = cnp.PyArray_TYPE(given)
    skipped = cnp.PyArray_NDIM(array) - cnp.PyArray_NDIM(given)
    if skipped < 0 or not cnp.PyArray_ISBEHAVED_RO(given) or not (
            kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_COMPLEX64 or cnp.PyArray_TYPE(array) == cnp.NPY_COMPLEX128
            and (kind == cnp.NPY_FLOAT64 or kind == cnp.NPY_COMPLEX128)):
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


cdef object try_complex_reduce(object a, object axis, object b, object keepdims, object return_sign, bint mean):
    """The log-sum-exp, or without weights the log-mean-exp."""
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray weights = None, target, sign = None, array = complex_array(a)
    cdef lse_request request
    cdef list shape = []
    cdef int i
    if array is None or type(keepdims) is not bool or type(return_sign) is not bool or (
            not complex_axes(axis, cnp.PyArray_NDIM(array), &reduced)):
        return None
    if b is not None:
        weights = complex_weights(b, array)
        if weights is None:
            return None
    for i in range(cnp.PyArray_NDIM(array)):
        if keepdims is True or not reduced >> i & 1:
            shape.append(1 if reduced >> i & 1 else cnp.PyArray_DIM(array, i))
    target = empty_reduced(array, weights, reduced, tuple(shape), cnp.PyArray_DescrFromType(cnp.PyArray_TYPE(array)))
    if return_sign is True:
        sign = empty_reduced(array, weights, reduced, tuple(shape), cnp.PyArray_DescrFromType(cnp.PyArray_TYPE(array)))
    request = new_request(LSE_LOGSUMEXP, reduced, type_for(target, False))
    request.sign = bytes_of(sign)
    request.mean = mean
    if cnp.PyArray_SIZE(array) > 0:
        execute(&request, array, None, weights, target)
    else:
        cnp.PyArray_FillWithScalar(target, NAN if mean else -INFINITY)
        if sign is not None:
            cnp.PyArray_FillWithScalar(sign, 0.0)
    if sign is None:
        return target if shape else target[()]
    values = target.real.copy(order="K")
    return (values, sign) if shape else (values[()], sign[()])


cdef object try_complex_map(lse_operation operation, object x, object axis):
    """The softmax, the log-softmax or the cumulative log-sum-exp."""
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray target, array = complex_array(x)
    cdef lse_request request
    if array is None or not complex_axes(axis, cnp.PyArray_NDIM(array), &reduced):
        return None
    if operation == LSE_CUMULATE:
        if type(axis) is tuple or (axis is None and cnp.PyArray_NDIM(array) != 1):
            return None
    target = empty_reduced(array, None, 0, (<object>array).shape, cnp.PyArray_DescrFromType(cnp.PyArray_TYPE(array)))
    request = new_request(operation, reduced, type_for(target, False))
    if cnp.PyArray_SIZE(array) > 0:
        execute(&request, array, None, None, target)
    return target


cdef object try_complex_segments(object a, object indptr, object axis):
    """The log-sum-exps of segments along one axis."""
    cdef cnp.npy_intp length[LSE_MAX_DIMS]
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray offsets, target, array = complex_array(a)
    cdef lse_request request
    cdef list shape = []
    cdef int i, number = 0
    if array is None or axis is None or type(axis) is tuple or (
            not complex_axes(axis, cnp.PyArray_NDIM(array), &reduced)):
        return None
    while not reduced >> number & 1:
        number += 1
    offsets = quick_offsets(indptr, cnp.PyArray_DIM(array, number))
    if offsets is None:
        return None
    for i in range(cnp.PyArray_NDIM(array)):
        length[i] = cnp.PyArray_DIM(offsets, 0) - 1 if i == number else cnp.PyArray_DIM(array, i)
        shape.append(length[i])
    target = empty_reduced(array, None, 0, tuple(shape), cnp.PyArray_DescrFromType(cnp.PyArray_TYPE(array)))
    if cnp.PyArray_SIZE(array) == 0 or cnp.PyArray_SIZE(target) == 0:
        cnp.PyArray_FillWithScalar(target, -INFINITY)
        return target
    length[number] = 1
    request = new_request(LSE_LOGSUMEXP, reduced, type_for(target, False))
    request.offsets = <const ptrdiff_t *>cnp.PyArray_DATA(offsets)
    request.segments = cnp.PyArray_DIM(offsets, 0) - 1
    request.segment_stride = cnp.PyArray_STRIDE(target, number)
    describe(&request.a, array)
    describe(&request.out, target)
    request.out.shape = <const ptrdiff_t *>length
    run_request(&request, cnp.PyArray_SIZE(array))
    return target
