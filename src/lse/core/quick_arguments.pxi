# Arguments of the fast path ---------------------------------------------------------------------------------
#
# Arrays of numbers and booleans, and sequences and numbers of which NumPy makes such arrays; what lse._arguments does
# for these, without any intermediate object. A function returns None, False or -1 for all that it does not take,
# which the general path takes or refuses.

cdef object FLOAT32 = np.float32, FLOAT64 = np.float64, GENERIC = np.generic
cdef int bfloat16_number = cnp.NPY_NOTYPE  # NumPy's number of the dtype of ml_dtypes, once one was seen


cpdef bint has_units(object a) except -1:
    """Whether it is an array of a class with ufuncs of its own, or one of pint: NumPy would drop units."""
    if isinstance(a, cnp.ndarray):
        return type(a) is not cnp.ndarray and type(a).__array_ufunc__ is not cnp.ndarray.__array_ufunc__
    return not isinstance(a, (int, float, complex)) and not isinstance(a, GENERIC) and hasattr(type(a), "m_as")


cpdef bint holds_special(object a, int ndim) except -1:
    """Whether NumPy found masked elements or units in a sequence that it converted to an array of `ndim` axes."""
    if isinstance(a, (list, tuple)):
        if ndim > 0:
            for element in a:
                kind = type(element)
                if kind is float or kind is int or kind is bool or kind is complex:
                    continue
                if holds_special(element, ndim - 1):
                    return True
        return False
    if isinstance(a, cnp.ndarray):
        return type(a) is not cnp.ndarray and (bool(np.ma.is_masked(a)) or has_units(a))
    return has_units(a)


# Dtypes, by the numbers that NumPy gives them

cdef inline int npy_type(lse_type real) noexcept:
    return cnp.NPY_FLOAT32 if real == LSE_F32 else cnp.NPY_FLOAT64


cdef bint is_bfloat16(object dtype) except -1:
    """Whether a dtype is the bfloat16 of ml_dtypes."""
    global bfloat16_number
    cdef int number = (<cnp.dtype>dtype).num
    if number >= NPY_USERDEF and bfloat16_number == cnp.NPY_NOTYPE and _dtypes.is_bfloat16(dtype):
        bfloat16_number = number
    return number == bfloat16_number


cdef inline bint is_real(int number) noexcept:
    return number == cnp.NPY_FLOAT64 or number == cnp.NPY_FLOAT32 or number == cnp.NPY_FLOAT16


cdef inline bint is_longdouble(int number) noexcept:
    return number == cnp.NPY_LONGDOUBLE or number == cnp.NPY_CLONGDOUBLE


cdef inline bint is_complex(int number) noexcept:
    return number == cnp.NPY_COMPLEX128 or number == cnp.NPY_COMPLEX64 or number == cnp.NPY_CLONGDOUBLE


cdef inline int real_part_of(int number) noexcept:
    """The number of the dtype of the real part."""
    if number == cnp.NPY_CLONGDOUBLE:
        return cnp.NPY_LONGDOUBLE
    if is_complex(number):
        return cnp.NPY_FLOAT64 if number == cnp.NPY_COMPLEX128 else cnp.NPY_FLOAT32
    return number


cdef int floating_number(cnp.ndarray array) except -2:
    """The number of the dtype in which the elements of an array are computed, if that is native; else -1."""
    cdef int number = cnp.PyArray_TYPE(array)
    if is_real(number) or is_complex(number) or is_longdouble(number):
        return number
    if number <= cnp.NPY_ULONGLONG:  # bool and integers
        return cnp.NPY_FLOAT64
    return number if number >= NPY_USERDEF and is_bfloat16(array.dtype) else -1


cdef inline int promote_real(int of_a, int of_b) noexcept:
    if of_a == of_b:
        return of_a
    if is_longdouble(of_a) or is_longdouble(of_b):
        return cnp.NPY_LONGDOUBLE
    return cnp.NPY_FLOAT64 if of_a == cnp.NPY_FLOAT64 or of_b == cnp.NPY_FLOAT64 else cnp.NPY_FLOAT32


cdef int promoted_number(cnp.ndarray a, bint weak_a, cnp.ndarray b, bint weak_b) except -2:
    """The number of the dtype of elements and weights together; a weak one, a Python number, does not widen it."""
    cdef int of_a = floating_number(a), of_b = floating_number(b), real, size = cnp.PyArray_ITEMSIZE(b)
    if weak_b and not is_complex(of_b):
        return of_a
    if weak_b and is_complex(of_b):
        of_b = cnp.NPY_COMPLEX64
    elif weak_a:
        if not is_complex(of_a):
            return of_b
        of_a = cnp.NPY_COMPLEX64
    elif cnp.PyArray_TYPE(b) <= cnp.NPY_ULONGLONG and not is_longdouble(of_a) and (
            real_part_of(of_a) != cnp.NPY_FLOAT64):
        if size == 1 or (size == 2 and real_part_of(of_a) == cnp.NPY_FLOAT32):
            return of_a
        of_b = cnp.NPY_FLOAT32 if size == 2 else cnp.NPY_FLOAT64
    real = promote_real(real_part_of(of_a), real_part_of(of_b))
    if not is_complex(of_a) and not is_complex(of_b):
        return real
    if is_longdouble(real):
        return cnp.NPY_CLONGDOUBLE
    return cnp.NPY_COMPLEX128 if real == cnp.NPY_FLOAT64 else cnp.NPY_COMPLEX64


cdef int wanted_number(object dtype, int natural) except -2:
    """The number of the floating dtype that the caller wants, if it can hold `natural`; that if it is None."""
    cdef int number
    if dtype is None:
        return natural
    if not is_complex(natural):
        if dtype is FLOAT64 or dtype is float:
            return cnp.NPY_FLOAT64
        if dtype is FLOAT32:
            return cnp.NPY_FLOAT32
    if not cnp.PyArray_DescrCheck(dtype):
        if not isinstance(dtype, (type, str)):
            return -1
        try:
            dtype = np.dtype(dtype)
        except (TypeError, ValueError):
            return -1
    number = (<cnp.dtype>dtype).num
    if is_complex(natural) and not is_complex(number):
        return -1
    if is_real(number) or is_complex(number) or is_longdouble(number) or is_bfloat16(dtype):
        return number
    return -1


cdef inline lse_type type_numbered(int number, bint single) noexcept:
    """What is computed in for results of a dtype: real ones as they are wanted."""
    if is_complex(number):
        if is_longdouble(number):
            return LSE_CLD
        return LSE_C128 if number == cnp.NPY_COMPLEX128 else LSE_C64
    return LSE_LD if is_longdouble(number) else type_of(single)


# Operands

cdef cnp.ndarray quick_array(object x, bint *weak):
    """An array of numbers and whether it is made of a Python number."""
    cdef cnp.ndarray array
    cdef type kind = type(x)
    weak[0] = False
    if kind is cnp.ndarray:
        array = <cnp.ndarray>x
    elif kind is float or kind is int or kind is bool or kind is complex:
        weak[0] = True
        array = cnp.PyArray_FROM_O(x)
    elif kind is list or kind is tuple or kind is range or kind is memoryview:
        try:
            array = cnp.PyArray_FROM_O(x)
        except Exception:  # raised again by _foreign.py, with the name of the argument
            return None
        if holds_special(x, cnp.PyArray_NDIM(array)):
            return None
    elif isinstance(x, np.generic):
        array = cnp.PyArray_FROM_O(x)
    else:
        return None
    if floating_number(array) == -1:
        return None
    return array


cdef cnp.ndarray quick_mask(object where):
    """An array of booleans."""
    cdef bint weak
    cdef cnp.ndarray array = quick_array(where, &weak)
    return None if array is None or cnp.PyArray_TYPE(array) != cnp.NPY_BOOL else array


cdef inline int quick_flag(object flag) except -2:
    """1 or 0 for an option that is on or off."""
    if flag is False or flag is True:
        return flag is True
    return bool(flag) if isinstance(flag, (int, np.bool_, np.integer)) else -1


cdef inline bint add_axis(object axis, int ndim, unsigned long long *bits) except -1:
    """Whether an axis is an integer in range that has not been named yet; its bit is set."""
    cdef Py_ssize_t number
    cdef unsigned long long bit
    if type(axis) is not int and not isinstance(axis, np.integer):
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


cdef inline unsigned long long every_axis(int ndim) noexcept:
    return (<unsigned long long>-1) >> (64 - ndim) if ndim > 0 else 0


cdef inline bint quick_axes(object axis, int ndim, unsigned long long *bits) except -1:
    """Whether axes are None, an integer or a tuple of integers, in range and each named once, and the bits of them."""
    cdef bint taken
    bits[0] = 0
    if axis is None:
        bits[0] = every_axis(ndim)
        return True
    if type(axis) is not tuple:
        taken = add_axis(axis, max(ndim, 1), bits)
    else:
        for one in <tuple>axis:
            if not add_axis(one, max(ndim, 1), bits):
                return False
        taken = True
    if ndim == 0:
        bits[0] = 0
    return taken


cdef inline int only_axis(unsigned long long bits) noexcept:
    """The axis whose bit alone is set."""
    cdef int axis = 0
    while not bits >> axis & 1:
        axis += 1
    return axis


# A call: what its arrays are to each other

cdef struct quick_call:
    lse_request request
    int number         # of the dtype of the result
    int ndim           # of elements and weights together, and their shape
    Py_ssize_t size
    cnp.npy_intp shape[LSE_MAX_DIMS]
    cnp.npy_intp stride[LSE_MAX_DIMS]
    cnp.npy_intp where_stride[LSE_MAX_DIMS]
    cnp.npy_intp weight_stride[LSE_MAX_DIMS]


cdef bint add_shape(quick_call *call, cnp.ndarray a) noexcept:
    """Whether a shape, no longer than that of the call, broadcasts with it, which is then that of both."""
    cdef int axis, skipped = call.ndim - cnp.PyArray_NDIM(a)
    cdef cnp.npy_intp length
    for axis in range(skipped, call.ndim):
        length = cnp.PyArray_DIM(a, axis - skipped)
        if call.shape[axis] == 1:
            call.shape[axis] = length
        elif length != 1 and length != call.shape[axis]:
            return False
    return True


cdef bint describe_in(quick_call *call, lse_array *array, cnp.ndarray a, cnp.npy_intp *stride) noexcept:
    """Whether an array broadcasts to the shape of a call; it is described to the engine in that shape."""
    cdef int axis, skipped = call.ndim - cnp.PyArray_NDIM(a)
    cdef cnp.npy_intp length
    if skipped < 0:
        return False
    for axis in range(call.ndim):
        length = 1 if axis < skipped else cnp.PyArray_DIM(a, axis - skipped)
        if length != 1 and length != call.shape[axis]:
            return False
        stride[axis] = 0 if length == 1 else cnp.PyArray_STRIDE(a, axis - skipped)
    describe(array, a)
    array.ndim = call.ndim
    array.shape = <const ptrdiff_t *>call.shape
    array.stride = <const ptrdiff_t *>stride
    return True


cdef bint begin_call(quick_call *call, lse_operation operation, cnp.ndarray a, bint weak_a, cnp.ndarray weights,
                     bint weak_b, cnp.ndarray mask, object dtype) except -1:
    """Whether elements, weights and mask fit each other: then the request lacks axes and outputs alone."""
    cdef int axis, natural = floating_number(a) if weights is None else promoted_number(a, weak_a, weights, weak_b)
    cdef bint single
    call.number = wanted_number(dtype, natural)
    if call.number == -1:
        return False
    single = call.number == cnp.NPY_FLOAT32 or (operation == LSE_SOFTMAX and call.number != cnp.NPY_FLOAT64)
    if weights is not None:
        single = single and cnp.PyArray_ITEMSIZE(weights) <= 4
    call.request = new_request(operation, 0, type_numbered(call.number, single))
    call.ndim = cnp.PyArray_NDIM(a)
    if weights is not None:
        call.ndim = max(call.ndim, cnp.PyArray_NDIM(weights))
    for axis in range(call.ndim):
        call.shape[axis] = 1
    add_shape(call, a)
    if weights is not None and not add_shape(call, weights):
        return False
    describe_in(call, &call.request.a, a, call.stride)
    if weights is not None:
        describe_in(call, &call.request.weights, weights, call.weight_stride)
    if mask is not None and not describe_in(call, &call.request.where, mask, call.where_stride):
        return False
    call.size = 1
    for axis in range(call.ndim):
        if call.shape[axis] > 0 and call.size > (<cnp.npy_intp>1 << 60) // call.shape[axis]:
            return False  # larger than any array
        call.size *= call.shape[axis]
    return not holds_wide_integers(a) and (weights is None or weak_b or not holds_wide_integers(weights))


cdef cnp.ndarray view_in(const quick_call *call, cnp.ndarray a, cnp.npy_intp *stride):
    """An argument as a view of the shape of a call; None for None."""
    cdef cnp.ndarray view
    if a is None:
        return None
    Py_INCREF(<object>cnp.PyArray_DESCR(a))
    view = PyArray_NewFromDescr(ndarray_type, <void *>cnp.PyArray_DESCR(a), call.ndim, call.shape, stride,
                                cnp.PyArray_DATA(a), 0, None)
    cnp.set_array_base(view, a)
    return view


# Integers beyond 2^53

cdef inline uint64_t reverse_bytes(uint64_t x) noexcept nogil:
    x = x >> 32 | x << 32
    x = (x >> 16 & 0x0000ffff0000ffffULL) | (x & 0x0000ffff0000ffffULL) << 16
    return (x >> 8 & 0x00ff00ff00ff00ffULL) | (x & 0x00ff00ff00ff00ffULL) << 8


cdef bint scan_integers(const char *data, int ndim, const cnp.npy_intp *shape, const cnp.npy_intp *stride,
                        bint signed, bint swapped) noexcept nogil:
    """Whether one of the 64-bit integers of an array, not 0-d, is 2^53 or more, or less than 2048 - 2^53: beside such
    ones float64 may not hold others that matter."""
    cdef uint64_t found = 0, x, negative
    cdef cnp.npy_intp i
    if ndim > 1:
        for i in range(shape[0]):
            if scan_integers(data + i * stride[0], ndim - 1, shape + 1, stride + 1, signed, swapped):
                return True
        return False
    for i in range(shape[0]):
        memcpy(&x, data + i * stride[0], sizeof(x))
        if swapped:
            x = reverse_bytes(x)
        negative = 0 - (x >> 63) if signed else 0
        found |= (x ^ negative) + (negative & 2048)
    return found >> 53 != 0


cpdef bint holds_wide_integers(cnp.ndarray a):
    """Whether float64 may not hold each element of an array, and all that matter beside it; then it is of 64-bit
    integers."""
    cdef char kind = kind_of(a)
    cdef bint found, swapped = not cnp.PyArray_ISNOTSWAPPED(a)
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(a)
    cdef int ndim = cnp.PyArray_NDIM(a)
    cdef const cnp.npy_intp *shape = cnp.PyArray_DIMS(a)
    cdef const cnp.npy_intp *stride = cnp.PyArray_STRIDES(a)
    cdef cnp.npy_intp step = sizeof(uint64_t)
    if kind not in (b"i", b"u") or cnp.PyArray_ITEMSIZE(a) != sizeof(uint64_t) or size == 0:
        return False
    if ndim == 0 or cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_IS_F_CONTIGUOUS(a):
        ndim, shape, stride = 1, &size, &step
    if size < GIL_KEPT_BELOW:
        return scan_integers(cnp.PyArray_BYTES(a), ndim, shape, stride, kind == b"i", swapped)
    with nogil:
        found = scan_integers(cnp.PyArray_BYTES(a), ndim, shape, stride, kind == b"i", swapped)
    return found
