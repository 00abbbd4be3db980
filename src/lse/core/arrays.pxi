# From arrays to plans ---------------------------------------------------------------------------------------

cdef int check_shape(str name, cnp.ndarray a, cnp.ndarray other, unsigned long long reduced) except -1:
    """The last defence before pointers: `other` has the shape of a, its reduced axes left out or of length 1."""
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
    """Signs and low parts are addressed as the output is."""
    cdef int axis
    cdef bint same = cnp.PyArray_NDIM(out) == cnp.PyArray_NDIM(other) and out.dtype == other.dtype
    for axis in range(cnp.PyArray_NDIM(out)):
        same = same and (cnp.PyArray_DIM(out, axis) == cnp.PyArray_DIM(other, axis)
                         and cnp.PyArray_STRIDE(out, axis) == cnp.PyArray_STRIDE(other, axis))
    if not same:
        raise ValueError(f"lse: {name} is not laid out as the output")
    return 0


cdef int perform(Operation operation, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights,
                 unsigned long long reduced, bint single, cnp.ndarray out, cnp.ndarray sign,
                 cnp.ndarray low) except -1:
    """Carry out what is neither empty nor of a wrong shape."""
    cdef Plan plan
    cdef int failed = 0
    make_plan(&plan, operation, a, where, weights, reduced, single, out)
    plan.failed = &failed
    if sign is not None:
        plan.sign = cnp.PyArray_BYTES(sign)
    if low is not None:
        plan.low = cnp.PyArray_BYTES(low)
    if cnp.PyArray_SIZE(a) < GIL_KEPT_BELOW:
        execute(&plan)
    else:
        with nogil:
            execute(&plan)
    if failed:
        raise MemoryError("lse: no memory for a second look at a row whose weighted sum cancels")
    return 0


def reduce(int operation, cnp.ndarray a not None, cnp.ndarray where, cnp.ndarray weights,
           unsigned long long reduced, bint single, cnp.ndarray out not None, cnp.ndarray sign=None,
           cnp.ndarray low=None):
    """Reduce, or map, the axes of `a` whose bits are set into `out`, in single or double precision.

    `where` (bool) and `weights` have the shape of `a`; `sign` and `low` are laid out as `out`. bfloat16 comes as void
    of two bytes. Nothing may be empty.
    """
    cdef unsigned long long none = 0
    check_shape("the output", a, out, none if maps(<Operation>operation) else reduced)
    if where is not None:
        check_shape("where", a, where, none)
    if weights is not None:
        check_shape("b", a, weights, none)
    if sign is not None:
        check_beside("sign", out, sign)
    if low is not None:
        check_beside("low", out, low)
    perform(<Operation>operation, a, where, weights, reduced, single, out, sign, low)


def round_to(cnp.ndarray values not None, cnp.ndarray out not None):
    """Store contiguous float64 values in an array of another float type, rounded once."""
    cdef lse_store store = lse_store_for(kind_of(out), <int>cnp.PyArray_ITEMSIZE(out), 8)
    if store == NULL or not is_native(values, 8) or cnp.PyArray_SIZE(values) != cnp.PyArray_SIZE(out):
        raise ValueError("lse: arrays that do not fit each other")
    store(cnp.PyArray_BYTES(out), cnp.PyArray_ITEMSIZE(out), cnp.PyArray_SIZE(values), cnp.PyArray_BYTES(values))


# The fast path ----------------------------------------------------------------------------------------------

cdef enum:
    GIL_KEPT_BELOW = 4096  # elements; letting go of it costs as much as some hundred of them


cdef bint run_value(const lse_real_kernels *kernels, const char *data, Py_ssize_t n, double far,
                    double *value) noexcept nogil:
    """Of one contiguous run of no more than LSE_PIECE elements; False where it wants a second look."""
    cdef lse_layout layout
    cdef lse_states states
    cdef lse_results results
    cdef lse_row row
    cdef lse_fp_state found = lse_fp_enter()
    layout.direct = True
    row.x = data
    row.where = row.weight = NULL
    row.n = n
    kernels.rows(&layout, &row, 0, n, 1, NULL, &states)
    table.finish(&states, 1, &results)
    lse_fp_leave(found)
    value[0] = results.value[0]
    return fabs(states.max[0]) <= far and not isnan(value[0])


cdef object quick_run(cnp.ndarray array, bint single):
    """The log-sum-exp of one contiguous run of moderate length, without any intermediate object; else None."""
    cdef double value = 0, far = LSE_FAR_f32 if single else LSE_FAR_f64
    cdef Py_ssize_t n = cnp.PyArray_SIZE(array)
    cdef const lse_real_kernels *kernels = &table.f32 if single else &table.f64
    cdef const char *data = cnp.PyArray_BYTES(array)
    cdef bint done
    if n > LSE_PIECE:
        return None
    if n < GIL_KEPT_BELOW:
        done = run_value(kernels, data, n, far, &value)
    else:
        with nogil:
            done = run_value(kernels, data, n, far, &value)
    if not done:
        return None
    return lse_float32(<float>value) if single else lse_float64(value)


cdef object quick_array(cnp.ndarray array, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                        bint keepdims, bint signed, bint single):
    """The log-sum-exp over some axes of a plain array that is not empty; with the sign, if that is wanted, a pair."""
    cdef cnp.npy_intp shape[64]
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
    perform(LOGSUMEXP, array, where, weights, reduced, single, out, sign, None)
    if not signed:
        return out[()] if ndim == 0 else out
    return (out[()], sign[()]) if ndim == 0 else (out, sign)


cdef cnp.ndarray spread(object other, cnp.ndarray array, int kind):
    """An argument beside a plain array, as a view of its shape; None where it is not a plain array that fits."""
    cdef cnp.npy_intp strides[64]
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


cdef bint axis_bits(object axis, int ndim, unsigned long long *bits) except -1:
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


cdef cnp.ndarray plain_array(object a, bint *single):
    """An aligned native array of float32 or float64, not empty, 0-d or of a subclass; of a sequence, what it makes."""
    cdef cnp.ndarray array
    cdef int kind
    if type(a) is list or type(a) is tuple:
        a = cnp.PyArray_FROM_O(a)
    if type(a) is not cnp.ndarray:
        return None
    array = <cnp.ndarray>a
    kind = cnp.PyArray_TYPE(array)
    single[0] = kind == cnp.NPY_FLOAT32
    if kind != cnp.NPY_FLOAT64 and kind != cnp.NPY_FLOAT32:
        return None
    if not cnp.PyArray_ISBEHAVED_RO(array) or cnp.PyArray_NDIM(array) == 0 or cnp.PyArray_SIZE(array) == 0:
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


cdef object quick_map(Operation operation, object x, object axis):
    """Likewise the softmax or log-softmax."""
    cdef bint single = False
    cdef unsigned long long reduced = 0
    cdef cnp.ndarray out, array = plain_array(x, &single)
    if array is None or not axis_bits(axis, cnp.PyArray_NDIM(array), &reduced):
        return None
    out = PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, False)
    perform(operation, array, None, None, reduced, single, out, None, None)
    return out
