# The fast path ----------------------------------------------------------------------------------------------
#
# Arrays of float32 and float64 as NumPy makes them, and options in their usual form: these go from the call to the
# engine without any intermediate object. Each try_... returns None for all else, and then has written nothing.

cdef object FLOAT32 = np.float32, FLOAT64 = np.float64


cdef inline int npy_type(lse_type real) noexcept:
    return cnp.NPY_FLOAT32 if real == LSE_F32 else cnp.NPY_FLOAT64


cpdef bint holds_masked(object a, int ndim) except -1:
    """Whether NumPy found masked arrays or elements in a sequence that it converted to an array of `ndim` axes."""
    if isinstance(a, (list, tuple)):
        if ndim > 0:
            for element in a:
                if type(element) is not float and holds_masked(element, ndim - 1):
                    return True
        return False
    return isinstance(a, cnp.ndarray) and type(a) is not cnp.ndarray and isinstance(a, np.ma.MaskedArray)


cdef inline cnp.ndarray fast_array(object a, lse_type *real):
    """Return an aligned native float32 or float64 array, not empty, 0-d or of a subclass; sequences are converted."""
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
    real[0] = type_of(kind == cnp.NPY_FLOAT32)
    if kind != cnp.NPY_FLOAT64 and kind != cnp.NPY_FLOAT32:
        return None
    if not cnp.PyArray_ISBEHAVED_RO(array) or cnp.PyArray_NDIM(array) == 0:
        return None
    for axis in range(cnp.PyArray_NDIM(array)):
        if cnp.PyArray_DIM(array, axis) == 0:
            return None
    return array


cdef inline bint fast_dtype(object dtype, lse_type *real) noexcept:
    """Whether a dtype is None, or float32 or float64 by name, type or dtype; None leaves `real` unchanged."""
    if dtype is None:
        return True
    if dtype is FLOAT64 or dtype is float:
        real[0] = LSE_F64
    elif dtype is FLOAT32:
        real[0] = LSE_F32
    elif type(dtype) is str and (dtype == "float64" or dtype == "float32"):
        real[0] = type_of(dtype == "float32")
    elif cnp.PyArray_DescrCheck(dtype) and (<cnp.dtype>dtype).num in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
        real[0] = type_of((<cnp.dtype>dtype).num == cnp.NPY_FLOAT32)
    else:
        return False
    return True


cdef inline bint add_axis(object axis, int ndim, unsigned long long *bits) except -1:
    """Whether an axis is an integer in range and not repeated; sets its bit."""
    cdef Py_ssize_t number
    cdef unsigned long long bit
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
    bit = (<unsigned long long>1) << number
    if bits[0] & bit:
        return False
    bits[0] |= bit
    return True


cdef inline bint fast_axes(object axis, int ndim, unsigned long long *bits) except -1:
    """Whether axes are None, an integer or a tuple of integers, in range and not repeated; sets their bits."""
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


cdef cnp.ndarray broadcast_view(object other, cnp.ndarray array, int kind):
    """Return an argument as a view broadcast to the shape of an array; None if it is not an array or does not fit."""
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


# Outputs

cdef inline int shape_left(cnp.ndarray array, unsigned long long reduced, bint keepdims, cnp.npy_intp *shape) noexcept:
    """Compute the shape of the result, and return its number of axes."""
    cdef int axis, ndim = 0
    for axis in range(cnp.PyArray_NDIM(array)):
        if keepdims or not reduced >> axis & 1:
            shape[ndim] = 1 if reduced >> axis & 1 else cnp.PyArray_DIM(array, axis)
            ndim += 1
    return ndim


cdef void find_extent(cnp.ndarray a, char **low, char **high) noexcept:
    """Compute the addresses of the first byte of an array, and of the one after its last."""
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
    """Whether two arrays cannot overlap; either may be None."""
    cdef char *low_a
    cdef char *high_a
    cdef char *low_b
    cdef char *high_b
    if a is None or b is None:
        return True
    find_extent(a, &low_a, &high_a)
    find_extent(b, &low_b, &high_b)
    return high_a <= low_b or high_b <= low_a


cdef cnp.ndarray fast_out(object out, int ndim, const cnp.npy_intp *shape, lse_type real):
    """Return an output of exactly this shape and dtype, aligned, native, writeable and no subclass; else None."""
    cdef cnp.ndarray target
    cdef int axis
    if type(out) is not cnp.ndarray:
        return None
    target = <cnp.ndarray>out
    if cnp.PyArray_TYPE(target) != npy_type(real) or cnp.PyArray_NDIM(target) != ndim or (
            not cnp.PyArray_ISBEHAVED(target)):
        return None
    for axis in range(ndim):
        if cnp.PyArray_DIM(target, axis) != shape[axis]:
            return None
    return target


# Runs

cdef inline bint is_run(cnp.ndarray array, lse_type real) noexcept:
    """Whether the array is one contiguous run of moderate length of this type."""
    return (cnp.PyArray_NDIM(array) == 1 and cnp.PyArray_DIM(array, 0) <= LSE_PIECE
            and cnp.PyArray_IS_C_CONTIGUOUS(array) and cnp.PyArray_TYPE(array) == npy_type(real))


cdef inline bint reduce_run(cnp.ndarray array, lse_type real, bint mean, void *value) noexcept:
    """Compute the log-sum-exp or log-mean-exp of one run; False where it needs recomputation."""
    cdef Py_ssize_t n = cnp.PyArray_DIM(array, 0)
    cdef const void *data = cnp.PyArray_DATA(array)
    cdef bint done
    if n < GIL_KEPT_BELOW:
        return lse_quick_mean(table, real, data, n, value) if mean else lse_quick_value(table, real, data, n, value)
    with nogil:
        done = lse_quick_mean(table, real, data, n, value) if mean else lse_quick_value(table, real, data, n, value)
    return done


cdef inline object run_value(cnp.ndarray array, lse_type real, bint mean):
    """The same as a scalar; None where it needs recomputation."""
    cdef float narrow = 0
    cdef double wide = 0
    if real == LSE_F32:
        return lse_float32(narrow) if reduce_run(array, real, mean, &narrow) else None
    return lse_float64(wide) if reduce_run(array, real, mean, &wide) else None


# Functions

cdef object try_reduce(object a, object axis, object b, object keepdims, object return_sign, object where, object out,
                       object dtype, bint mean):
    """logsumexp, or logmeanexp without weights and mask."""
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef lse_type own = LSE_F64, real
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray weights = None, mask = None, target = None, sign = None, array = fast_array(a, &own)
    cdef lse_request request
    cdef int ndim
    cdef bint signed
    if array is None or type(keepdims) is not bool or type(return_sign) is not bool:
        return None
    real, signed = own, return_sign
    if not fast_dtype(dtype, &real) or not fast_axes(axis, cnp.PyArray_NDIM(array), &reduced):
        return None
    if b is not None:
        weights = broadcast_view(b, array, npy_type(own))
        if weights is None or own > real:  # weights that a narrower type may not represent
            return None
    if where is not True:
        mask = broadcast_view(where, array, cnp.NPY_BOOL)
        if mask is None:
            return None
    if out is None and not keepdims and not signed and b is None and where is True and reduced and is_run(array, real):
        value = run_value(array, real, mean)
        if value is not None:
            return value
    ndim = shape_left(array, reduced, keepdims, shape)
    if out is None:
        target = cnp.PyArray_EMPTY(ndim, shape, npy_type(real), False)
    else:
        target = fast_out(out, ndim, shape, real)
        if target is None or signed or not (are_apart(target, array) and are_apart(target, weights)
                                            and are_apart(target, mask)):
            return None
    if signed:
        sign = cnp.PyArray_EMPTY(ndim, shape, npy_type(real), False)
    if not (b is None and where is True and not signed and reduced and is_run(array, real)
            and reduce_run(array, real, mean, cnp.PyArray_DATA(target))):
        request = new_request(LSE_LOGSUMEXP, reduced, real)
        request.sign = bytes_of(sign)
        request.mean = mean
        execute(&request, array, mask, weights, target)
    if out is not None:
        return out
    value = target[()] if ndim == 0 else target
    return (value, sign[()] if ndim == 0 else sign) if signed else value


cdef object try_map(lse_operation operation, object x, object axis, object where, object out, object dtype):
    """softmax or log_softmax."""
    cdef lse_type own = LSE_F64, real
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray mask = None, target, array = fast_array(x, &own)
    cdef lse_request request
    if array is None:
        return None
    real = own
    if not fast_dtype(dtype, &real) or not fast_axes(axis, cnp.PyArray_NDIM(array), &reduced):
        return None
    if where is not True:
        mask = broadcast_view(where, array, cnp.NPY_BOOL)
        if mask is None:
            return None
    if out is None:
        target = PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, new_descr(npy_type(real)), False)
    else:
        target = fast_out(out, cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), real)
        if target is None or not are_apart(target, mask) or not (target is array or are_apart(target, array)):
            return None
    if not (reduced and where is True and is_run(array, real) and is_run(target, real)
            and cnp.PyArray_DIM(array, 0) <= LSE_SHORT
            and lse_quick_map(table, real, operation, cnp.PyArray_DATA(array), cnp.PyArray_DIM(array, 0),
                              cnp.PyArray_DATA(target))):
        request = new_request(operation, reduced, real)
        execute(&request, array, mask, None, target)
    return target if out is None else out


cdef cnp.ndarray reversed_view(cnp.ndarray array, int axis):
    """A view with one axis reversed."""
    cdef cnp.npy_intp strides[LSE_MAX_DIMS]
    cdef cnp.ndarray view
    cdef int i
    for i in range(cnp.PyArray_NDIM(array)):
        strides[i] = cnp.PyArray_STRIDE(array, i)
    strides[axis] = -strides[axis]
    view = cnp.PyArray_New(
        cnp.ndarray, cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array), strides,
        cnp.PyArray_BYTES(array) + (cnp.PyArray_DIM(array, axis) - 1) * cnp.PyArray_STRIDE(array, axis), 0,
        cnp.NPY_ARRAY_WRITEABLE, None)
    cnp.set_array_base(view, array)
    return view


cdef object try_cumulate(object a, object axis, object reverse, object out, object dtype):
    """logcumsumexp along one axis, or of a 1-d array."""
    cdef lse_type own = LSE_F64, real
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray source, target, result, array = fast_array(a, &own)
    cdef lse_request request
    cdef int number = 0
    if array is None or type(reverse) is not bool or (axis is None and cnp.PyArray_NDIM(array) != 1):
        return None
    real = own
    if type(axis) is tuple or not fast_dtype(dtype, &real) or (
            not fast_axes(axis, cnp.PyArray_NDIM(array), &reduced)):
        return None
    if out is None:
        target = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), npy_type(real), False)
    else:
        target = fast_out(out, cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), real)
        if target is None or not (target is array or are_apart(target, array)):
            return None
    source, result = array, target
    if reverse:
        while not reduced >> number & 1:
            number += 1
        source, result = reversed_view(array, number), reversed_view(target, number)
    request = new_request(LSE_CUMULATE, reduced, real)
    execute(&request, source, None, None, result)
    return target if out is None else out


cdef bint are_offsets(const cnp.npy_intp *offsets, Py_ssize_t count, Py_ssize_t length) noexcept:
    """Whether offsets do not decrease, and are between 0 and the length."""
    cdef Py_ssize_t i
    cdef bint right = offsets[0] >= 0 and offsets[count - 1] <= length
    for i in range(1, count):
        right &= offsets[i - 1] <= offsets[i]
    return right


cdef object try_segments(object a, object indptr, object axis, object out, object dtype):
    """segment_logsumexp along one axis, for at least two segments."""
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef lse_type own = LSE_F64, real
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray given, target, first, array = fast_array(a, &own)
    cdef lse_request request
    cdef int number = 0, i
    if array is None or type(indptr) is not cnp.ndarray or type(axis) is not int:
        return None
    given = <cnp.ndarray>indptr
    real = own
    if not fast_dtype(dtype, &real) or not fast_axes(axis, cnp.PyArray_NDIM(array), &reduced):
        return None
    while not reduced >> number & 1:
        number += 1
    if (cnp.PyArray_TYPE(given) != cnp.NPY_INTP or cnp.PyArray_NDIM(given) != 1 or cnp.PyArray_DIM(given, 0) < 2
            or not cnp.PyArray_ISCARRAY_RO(given)):
        return None
    given = cnp.PyArray_NewCopy(given, cnp.NPY_CORDER)  # a copy, so that it cannot change after the checks
    if not are_offsets(<const cnp.npy_intp *>cnp.PyArray_DATA(given), cnp.PyArray_DIM(given, 0),
                       cnp.PyArray_DIM(array, number)):
        return None
    for i in range(cnp.PyArray_NDIM(array)):
        shape[i] = cnp.PyArray_DIM(given, 0) - 1 if i == number else cnp.PyArray_DIM(array, i)
    if out is None:
        target = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(array), shape, npy_type(real), False)
    else:
        target = fast_out(out, cnp.PyArray_NDIM(array), shape, real)
        if target is None or not are_apart(target, array):
            return None
    shape[number] = 1
    first = cnp.PyArray_New(cnp.ndarray, cnp.PyArray_NDIM(target), shape, npy_type(real), cnp.PyArray_STRIDES(target),
                            cnp.PyArray_DATA(target), 0, cnp.NPY_ARRAY_WRITEABLE, None)
    request = new_request(LSE_SEGMENTS, reduced, real)
    request.offsets = <const ptrdiff_t *>cnp.PyArray_DATA(given)
    request.segments = cnp.PyArray_DIM(given, 0) - 1
    request.segment_stride = cnp.PyArray_STRIDE(target, number)
    execute(&request, array, None, None, first)
    return target if out is None else out
