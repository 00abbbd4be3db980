# From arrays to requests ------------------------------------------------------------------------------------

cdef int check_shape(str name, cnp.ndarray a, cnp.ndarray other, unsigned long long reduced) except -1:
    """Check, before any pointer is used, that `other` has the shape of a, reduced axes missing or of length 1."""
    cdef bint every = cnp.PyArray_NDIM(other) == cnp.PyArray_NDIM(a)
    cdef int axis, at = 0
    cdef Py_ssize_t length
    for axis in range(cnp.PyArray_NDIM(a)):
        if reduced >> axis & 1 and not every:
            continue
        length = 1 if reduced >> axis & 1 else cnp.PyArray_DIM(a, axis)
        if at >= cnp.PyArray_NDIM(other) or cnp.PyArray_DIM(other, at) != length:
            raise ValueError(f"lse: {name} has a shape that does not fit that of the input")
        at += 1
    if at != cnp.PyArray_NDIM(other):
        raise ValueError(f"lse: {name} has a shape that does not fit that of the input")
    return 0


cdef int check_beside(str name, cnp.ndarray out, cnp.ndarray other) except -1:
    """Check that signs or low parts have the shape and strides of the output."""
    cdef int axis
    cdef bint same = cnp.PyArray_NDIM(out) == cnp.PyArray_NDIM(other) and out.dtype == other.dtype
    for axis in range(cnp.PyArray_NDIM(out)):
        same = same and (cnp.PyArray_DIM(out, axis) == cnp.PyArray_DIM(other, axis)
                         and cnp.PyArray_STRIDE(out, axis) == cnp.PyArray_STRIDE(other, axis))
    if not same:
        raise ValueError(f"lse: {name} is not laid out as the output")
    return 0


cdef enum:
    GIL_KEPT_BELOW = 4096  # elements; releasing it costs as much as some hundred of them


cdef char kind_of(cnp.ndarray a) noexcept:
    return (<cnp.dtype>cnp.PyArray_DESCR(a)).kind


cdef void describe(lse_array *array, cnp.ndarray a) noexcept:
    """Describe an array to the engine; bfloat16 is two-byte void."""
    array.data = NULL
    if a is None:
        return
    array.data = cnp.PyArray_BYTES(a)
    array.ndim = cnp.PyArray_NDIM(a)
    array.kind = kind_of(a)
    array.itemsize = <int>cnp.PyArray_ITEMSIZE(a)
    array.swapped = not cnp.PyArray_ISNOTSWAPPED(a)
    array.shape = <const ptrdiff_t *>cnp.PyArray_DIMS(a)
    array.stride = <const ptrdiff_t *>cnp.PyArray_STRIDES(a)


cdef inline char *bytes_of(cnp.ndarray a) noexcept:
    return NULL if a is None else cnp.PyArray_BYTES(a)


cdef inline lse_type type_of(bint single) noexcept:
    return LSE_F32 if single else LSE_F64


cdef inline lse_request new_request(lse_operation operation, unsigned long long reduced, lse_type type) noexcept:
    """A request with the common members set; execute adds the arrays."""
    cdef lse_request request
    memset(&request, 0, sizeof(request))
    request.operation = operation
    request.reduced = reduced
    request.type = type
    return request


cdef int execute(lse_request *request, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights,
                 cnp.ndarray out) except -1:
    """Execute a request whose arrays are not empty and of the right shapes."""
    cdef Py_ssize_t elements = cnp.PyArray_SIZE(a)
    cdef int error
    request.table = table
    request.run = lse_run_tasks
    describe(&request.a, a)
    describe(&request.where, where)
    describe(&request.weights, weights)
    describe(&request.out, out)
    if elements >= SIGNALS_FROM and is_main_thread():
        request.question = question_of_this_thread()
    if elements < GIL_KEPT_BELOW:
        error = lse_execute(request)
    else:
        with nogil:
            error = lse_execute(request)
    if error == LSE_NO_KERNEL:
        raise TypeError(f"lse: no kernel for {a.dtype}, weights of {getattr(weights, 'dtype', None)} and {out.dtype}")
    if error:
        raise_interrupt()
        raise MemoryError("lse: out of memory while recomputing a row whose weighted sum nearly cancels")
    return 0


cdef dict OPERATIONS = {lse_operation_name(<lse_operation>i).decode(): i for i in range(LSE_OPERATIONS)}


cdef lse_operation operation_named(str name) except? LSE_OPERATIONS:
    return <lse_operation><int>OPERATIONS[name]


def reduce(str operation not None, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights,
           unsigned long long reduced, bint single, cnp.ndarray out not None, cnp.ndarray sign=None,
           cnp.ndarray low=None, *, bint mean=False):
    """Reduce or map the axes of `a` whose bits are set to `out`, in single or double precision.

    `where` (bool) and `weights` have the shape of `a`; `sign` and `low` have the layout of `out`. The log-mean-exp
    takes none of these. bfloat16 is two-byte void. Nothing may be empty.
    """
    cdef unsigned long long none = 0
    cdef lse_operation number = operation_named(operation)
    cdef lse_request request = new_request(number, reduced, type_of(single))
    check_shape("the output", a, out, none if lse_is_map(number) else reduced)
    if where is not None:
        check_shape("where", a, where, none)
    if weights is not None:
        check_shape("b", a, weights, none)
    if sign is not None:
        check_beside("sign", out, sign)
    if low is not None:
        check_beside("low", out, low)
    request.sign = bytes_of(sign)
    request.low = bytes_of(low)
    request.mean = mean
    execute(&request, a, where, weights, out)


def reduce_segments(cnp.ndarray a not None, const Py_ssize_t[::1] offsets, int axis, bint single,
                    cnp.ndarray first not None, Py_ssize_t step):
    """Reduce the segments of an axis: `first` receives the results of the first segments, those of the next ones are
    `step` bytes further. There is at least one offset, and they ascend."""
    cdef lse_request request = new_request(LSE_SEGMENTS, (<unsigned long long>1) << axis, type_of(single))
    check_shape("the output", a, first, request.reduced)
    if offsets[0] < 0 or offsets[offsets.shape[0] - 1] > cnp.PyArray_DIM(a, axis):
        raise ValueError("lse: offsets that do not fit the length of the axis")
    request.offsets = <const ptrdiff_t *>&offsets[0]
    request.segments = offsets.shape[0] - 1
    request.segment_stride = step
    execute(&request, a, None, None, first)


def round_to(cnp.ndarray values not None, cnp.ndarray out not None):
    """Store contiguous float64 values in an array of another float type, rounded once."""
    cdef lse_store store = lse_store_for(kind_of(out), <int>cnp.PyArray_ITEMSIZE(out), 8)
    if (store == NULL or cnp.PyArray_TYPE(values) != cnp.NPY_FLOAT64 or not cnp.PyArray_ISCARRAY_RO(values)
            or cnp.PyArray_SIZE(values) != cnp.PyArray_SIZE(out)):
        raise ValueError("lse: arrays that do not fit each other")
    store(cnp.PyArray_BYTES(out), cnp.PyArray_ITEMSIZE(out), cnp.PyArray_SIZE(values), cnp.PyArray_BYTES(values))
