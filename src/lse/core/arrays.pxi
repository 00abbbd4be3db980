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


cdef inline lse_type type_for(cnp.ndarray out, bint single) noexcept:
    """What results of a dtype are computed in: real ones as they are wanted."""
    if kind_of(out) == c'c':
        if cnp.PyArray_TYPE(out) == cnp.NPY_CLONGDOUBLE:
            return LSE_CLD
        return LSE_C64 if cnp.PyArray_ITEMSIZE(out) == 8 else LSE_C128
    return LSE_LD if cnp.PyArray_TYPE(out) == cnp.NPY_LONGDOUBLE else type_of(single)


cdef inline lse_request new_request(lse_operation operation, unsigned long long reduced, lse_type type) noexcept:
    """A request with the common members set; execute adds the arrays."""
    cdef lse_request request
    memset(&request, 0, sizeof(request))
    request.operation = operation
    request.reduced = reduced
    request.type = type
    return request


cdef int check_failure(int error, str when) except -1:
    """Raise what an error of the engine stands for."""
    if error == LSE_NO_KERNEL:
        raise TypeError("lse: no kernel for arrays of these dtypes")
    if error:
        raise_interrupt()
        raise MemoryError(f"lse: out of memory {when}")
    return 0


cdef inline int prepare_request(lse_request *request, Py_ssize_t elements) except -1:
    request.table = table
    request.run = lse_run_tasks
    if elements >= SIGNALS_FROM and is_main_thread():
        request.question = question_of_this_thread()
    return 0


cdef int run_request(lse_request *request, Py_ssize_t elements) except -1:
    """Carry out a request whose arrays are neither empty nor of a wrong shape."""
    cdef int error
    prepare_request(request, elements)
    if elements < GIL_KEPT_BELOW:
        error = lse_execute(request)
    else:
        with nogil:
            error = lse_execute(request)
    return check_failure(error, "while recomputing a row whose weighted sum nearly cancels")


cdef int execute(lse_request *request, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights,
                 cnp.ndarray out) except -1:
    """Carry out a request, once these arrays are described."""
    describe(&request.a, a)
    describe(&request.where, where)
    describe(&request.weights, weights)
    describe(&request.out, out)
    return run_request(request, cnp.PyArray_SIZE(a))


cdef dict OPERATIONS = {lse_operation_name(<lse_operation>i).decode(): i for i in range(LSE_OPERATIONS)}


cdef lse_operation operation_named(str name) except? LSE_OPERATIONS:
    return <lse_operation><int>OPERATIONS[name]


def reduce(str operation not None, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights,
           unsigned long long reduced, bint single, cnp.ndarray out not None, cnp.ndarray sign=None,
           cnp.ndarray low=None, double empty=NAN):
    """Reduce or map the axes of `a` whose bits are set to `out`, in single or double precision; where `out` is complex,
    in complex double precision, and with signs only its real part is a result.

    `where` (bool) and `weights` have the shape of `a`; `sign` and `low` have the layout of `out`. bfloat16 is two-byte
    void. No array may be empty. `empty` is for rows of a map with nothing in them.
    """
    cdef unsigned long long none = 0
    cdef lse_operation number = operation_named(operation)
    cdef lse_request request = new_request(number, reduced, type_for(out, single))
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
    request.has_empty, request.empty = not isnan(empty), empty
    execute(&request, a, where, weights, out)


# Means

cdef int reduce_to_mean(lse_request *request, Py_ssize_t elements, cnp.ndarray out) except -1:
    """The log-mean-exp, into an array without gaps. With weights or a mask it is the log of the sum less that of the
    sum of the weights, or of the count, each in two float64 parts, so that what both have in common loses no digits."""
    cdef cnp.npy_intp count = cnp.PyArray_SIZE(out), total = 3 * count
    cdef cnp.ndarray parts
    cdef double *divisors
    if request.type == LSE_LD or request.type == LSE_CLD or (
            request.weights.data == NULL and request.where.data == NULL):
        request.mean = True
        describe(&request.out, out)
        return run_request(request, elements)
    if kind_of(out) == c'c':
        return reduce_to_complex_mean(request, elements, out)
    parts = cnp.PyArray_EMPTY(1, &total, cnp.NPY_FLOAT64, False)
    divisors = <double *>cnp.PyArray_DATA(parts)
    if request.weights.data == NULL:
        put_log_counts(request, out, divisors)
    else:
        put_log_weights(request, elements, out, divisors)
        if count == 1 and put_quick_mean(request, elements, out, divisors):
            return 0
    describe(&request.out, out)
    request.divisors, request.divisor_count = divisors, count
    return run_request(request, elements)


cdef void describe_parts(lse_array *array, cnp.ndarray out, int itemsize, double *parts,
                         cnp.npy_intp *stride) noexcept:
    """Describe float64 parts, or pairs of them, of results in the order of an output without gaps; `stride` is room
    for their strides."""
    cdef int axis
    describe(array, out)
    for axis in range(array.ndim):
        stride[axis] = array.stride[axis] // array.itemsize * itemsize
    array.stride = <const ptrdiff_t *>stride
    array.itemsize, array.swapped, array.data = itemsize, False, <char *>parts


cdef int put_log_weights(const lse_request *request, Py_ssize_t elements, cnp.ndarray out, double *parts) except -1:
    """The three parts of the logarithms of the sums of the weights, in the order of the output's memory."""
    cdef lse_request of_weights = request[0]
    cdef cnp.npy_intp stride[LSE_MAX_DIMS]
    cdef cnp.npy_intp count = cnp.PyArray_SIZE(out)
    of_weights.a, of_weights.ones, of_weights.table = request.weights, True, table
    if count == 1 and lse_quick_weighted(&of_weights, elements, parts, parts + 1, parts + 2):
        return 0
    describe_parts(&of_weights.out, out, sizeof(double), parts, stride)
    of_weights.out.kind = b"f"
    of_weights.low, of_weights.sign = <char *>(parts + count), <char *>(parts + 2 * count)
    return run_request(&of_weights, elements)


cdef bint put_quick_mean(lse_request *request, Py_ssize_t elements, cnp.ndarray out, const double *divisors) noexcept:
    """The only mean, where one short weighted sum needs no plan; else False."""
    cdef double value, low, sign
    cdef lse_fp_state found
    request.table = table
    if not lse_quick_weighted(request, elements, &value, &low, &sign):
        return False
    found = lse_fp_enter()
    value = lse_divide_by(value, low, sign, divisors, 1, 0)
    value = NAN if isnan(value) else value
    lse_store_for(kind_of(out), <int>cnp.PyArray_ITEMSIZE(out), sizeof(double))(cnp.PyArray_BYTES(out), 0, 1, &value)
    lse_fp_leave(found)
    return True


cdef int put_log_counts(const lse_request *request, cnp.ndarray out, double *parts) except -1:
    """The three parts of the logarithms of how many elements go into each sum, in the order of the output's memory."""
    cdef cnp.ndarray counts = cnp.PyArray_ZEROS(cnp.PyArray_NDIM(out), cnp.PyArray_DIMS(out), cnp.NPY_INT64, False)
    cdef cnp.ndarray placed = counts
    count_mask(&request.where, request.reduced, <int64_t *>cnp.PyArray_DATA(counts))
    if not cnp.PyArray_IS_C_CONTIGUOUS(out):
        placed = np.empty_like(out, np.int64)
        placed[...] = counts
    lse_log_counts(table, <const int64_t *>cnp.PyArray_DATA(placed), cnp.PyArray_SIZE(out), parts)
    return 0


cdef double PI_LOW = 1.2246467991473532e-16  # what rounding pi to a double loses


cdef inline double lost_by(double a, double b, double whole) noexcept nogil:
    """What rounding a + b to `whole` lost."""
    cdef double of_b = whole - a
    return (a - (whole - of_b)) + (b - of_b)


cdef int combine_complex_parts(double *over, const double *under, Py_ssize_t count) noexcept nogil:
    """As combine_parts, of complex sums, of each of which there are log|sum| + i angle and what rounding that lost;
    angles are reduced to (-pi, pi]."""
    cdef double value, angle, whole, turned, lost
    cdef Py_ssize_t i
    for i in range(0, 2 * count, 2):
        value = lse_divide(over[i], over[2 * count + i], under[i], under[2 * count + i])
        angle = over[i + 1] - under[i + 1]
        lost = lost_by(over[i + 1], -under[i + 1], angle) + (over[2 * count + i + 1] - under[2 * count + i + 1])
        if fabs(angle) > M_PI:
            turned = -copysign(2 * M_PI, angle)
            whole = angle + turned
            lost += lost_by(angle, turned, whole) - copysign(2 * PI_LOW, angle)
            angle = whole
        over[i] = NAN if isnan(value) else value
        over[i + 1] = NAN if isnan(angle) else angle + lost
    return 0


cdef void put_real_parts(const double *real, Py_ssize_t count, double *parts) noexcept nogil:
    """The three parts of real sums as the parts of complex ones."""
    cdef Py_ssize_t i
    cdef double sign
    for i in range(count):
        sign = real[2 * count + i]
        parts[2 * i], parts[2 * count + 2 * i] = real[i], real[count + i]
        parts[2 * i + 1] = M_PI if sign < 0 else sign - sign  # NaN of NaN
        parts[2 * count + 2 * i + 1] = PI_LOW if sign < 0 else 0.0


cdef int reduce_to_complex_mean(lse_request *request, Py_ssize_t elements, cnp.ndarray out) except -1:
    """Likewise of complex numbers with weights or a mask."""
    cdef cnp.npy_intp nothing[LSE_MAX_DIMS]
    cdef cnp.npy_intp stride[LSE_MAX_DIMS]
    cdef double zero = 0.0
    cdef lse_store store = lse_store_for(b"c", <int>cnp.PyArray_ITEMSIZE(out), 2 * sizeof(double))
    cdef cnp.npy_intp count = cnp.PyArray_SIZE(out), total = 11 * count
    cdef cnp.ndarray parts = cnp.PyArray_EMPTY(1, &total, cnp.NPY_FLOAT64, False)
    cdef double *over = <double *>cnp.PyArray_DATA(parts)
    cdef double *under = over + 4 * count
    cdef double *real = under + 4 * count
    cdef lse_fp_state found
    request.type = LSE_C128
    describe_parts(&request.out, out, 2 * sizeof(double), over, stride)
    request.low = <char *>(over + 2 * count)
    run_request(request, elements)
    if request.weights.data == NULL:
        put_log_counts(request, out, real)
        put_real_parts(real, count, under)
    elif request.weights.kind != c"c":
        request.type = LSE_F64
        put_log_weights(request, elements, out, real)
        put_real_parts(real, count, under)
    else:
        memset(nothing, 0, sizeof(nothing))
        request.a.data, request.a.stride = <char *>&zero, <const ptrdiff_t *>nothing
        request.a.kind, request.a.itemsize, request.a.swapped = b"f", sizeof(double), False
        request.out.data, request.low = <char *>under, <char *>(under + 2 * count)
        run_request(request, elements)
    found = lse_fp_enter()
    combine_complex_parts(over, under, count)
    store(cnp.PyArray_BYTES(out), cnp.PyArray_ITEMSIZE(out), count, over)
    lse_fp_leave(found)
    return 0


def reduce_mean(cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                bint single, cnp.ndarray out not None):
    """Likewise the log-mean-exp, into an array that has no gaps."""
    cdef unsigned long long none = 0
    cdef lse_request request = new_request(LSE_LOGSUMEXP, reduced, type_for(out, single))
    check_shape("the output", a, out, reduced)
    if where is not None:
        check_shape("where", a, where, none)
    if weights is not None:
        check_shape("b", a, weights, none)
    describe(&request.a, a)
    describe(&request.where, where)
    describe(&request.weights, weights)
    reduce_to_mean(&request, cnp.PyArray_SIZE(a), out)


def reduce_segments(str operation not None, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights,
                    const Py_ssize_t[::1] offsets, int axis, bint single, cnp.ndarray out not None,
                    cnp.ndarray sign=None):
    """Likewise the segments of one axis: a reduction has one result for each there. There is at least one offset, and
    they ascend."""
    cdef unsigned long long none = 0
    cdef lse_operation number = operation_named(operation)
    cdef cnp.npy_intp shape[LSE_MAX_DIMS]
    cdef Py_ssize_t count = offsets.shape[0] - 1
    cdef lse_request request = new_request(number, (<unsigned long long>1) << axis, type_for(out, single))
    if offsets[0] < 0 or offsets[count] > cnp.PyArray_DIM(a, axis):
        raise ValueError("lse: offsets that do not fit the length of the axis")
    for other, name in ((where, "where"), (weights, "b")):
        if other is not None:
            check_shape(name, a, other, none)
    if sign is not None:
        check_beside("sign", out, sign)
    describe(&request.a, a)
    describe(&request.where, where)
    describe(&request.weights, weights)
    describe(&request.out, out)
    if lse_is_map(number):
        check_shape("the output", a, out, none)
    else:
        if cnp.PyArray_NDIM(out) != cnp.PyArray_NDIM(a) or cnp.PyArray_DIM(out, axis) != count:
            raise ValueError("lse: the output has a shape that does not fit the segments")
        memcpy(shape, cnp.PyArray_DIMS(out), cnp.PyArray_NDIM(out) * sizeof(shape[0]))
        shape[axis] = 1
        request.out.shape = <const ptrdiff_t *>shape
        request.segment_stride = cnp.PyArray_STRIDE(out, axis)
    request.offsets = <const ptrdiff_t *>&offsets[0]
    request.segments = count
    request.sign = bytes_of(sign)
    run_request(&request, cnp.PyArray_SIZE(a))


def round_to(cnp.ndarray values not None, cnp.ndarray out not None):
    """Store contiguous float64 values in an array of another float type, rounded once."""
    cdef lse_store store = lse_store_for(kind_of(out), <int>cnp.PyArray_ITEMSIZE(out), 8)
    if (store == NULL or cnp.PyArray_TYPE(values) != cnp.NPY_FLOAT64 or not cnp.PyArray_ISCARRAY_RO(values)
            or cnp.PyArray_SIZE(values) != cnp.PyArray_SIZE(out)):
        raise ValueError("lse: arrays that do not fit each other")
    store(cnp.PyArray_BYTES(out), cnp.PyArray_ITEMSIZE(out), cnp.PyArray_SIZE(values), cnp.PyArray_BYTES(values))
