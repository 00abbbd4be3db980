# Gradients --------------------------------------------------------------------------------------------------

cdef inline void as_blocks(ptrdiff_t *stride, ptrdiff_t inner, ptrdiff_t n, ptrdiff_t itemsize) noexcept:
    """The strides of a contiguous array as blocks of rows."""
    stride[0], stride[1], stride[2] = n * inner * itemsize, itemsize, inner * itemsize


def differentiate(str operation not None, cnp.ndarray y not None, cnp.ndarray grad not None, int axis):
    """The gradient of softmax or log-softmax along one axis, from its results, an array in C order, which the gradient
    becomes too, of float32 or float64."""
    cdef lse_gradient g
    cdef int i, ndim = cnp.PyArray_NDIM(y), itemsize = <int>cnp.PyArray_ITEMSIZE(y)
    cdef unsigned long long none = 0
    cdef cnp.ndarray out
    cdef cnp.dtype dtype = y.dtype
    check_shape("the gradient", y, grad, none)
    if (not cnp.PyArray_ISCARRAY_RO(y) or not 0 <= axis < ndim or cnp.PyArray_TYPE(grad) != cnp.PyArray_TYPE(y)
            or cnp.PyArray_TYPE(y) not in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64)):
        raise ValueError("lse: results and a gradient that do not fit")
    Py_INCREF(dtype)
    out = PyArray_NewFromDescr(ndarray_type, <void *>dtype, ndim, cnp.PyArray_DIMS(y), NULL, NULL, 0, None)
    if cnp.PyArray_SIZE(y) == 0:
        return out
    memset(&g, 0, sizeof(g))
    g.operation, g.table = operation_named(operation), table
    g.type = type_of(itemsize == 4)
    g.outer = g.inner = 1
    g.n = cnp.PyArray_DIM(y, axis)
    for i in range(ndim):
        if i < axis:
            g.outer *= cnp.PyArray_DIM(y, i)
        elif i > axis:
            g.inner *= cnp.PyArray_DIM(y, i)
    as_blocks(g.x_stride, g.inner, g.n, itemsize)
    as_blocks(g.out_stride, g.inner, g.n, itemsize)
    if cnp.PyArray_ISCARRAY_RO(grad):
        as_blocks(g.grad_stride, g.inner, g.n, itemsize)
    else:
        grad = grad.reshape(g.outer, g.n, g.inner)
        g.grad_stride[0], g.grad_stride[1] = cnp.PyArray_STRIDE(grad, 0), cnp.PyArray_STRIDE(grad, 2)
        g.grad_stride[2] = cnp.PyArray_STRIDE(grad, 1)
    g.x, g.grad, g.out = cnp.PyArray_BYTES(y), cnp.PyArray_BYTES(grad), cnp.PyArray_BYTES(out)
    if cnp.PyArray_SIZE(y) < GIL_KEPT_BELOW:
        lse_differentiate(&g)
    else:
        with nogil:
            lse_differentiate(&g)
    return out


def differentiate_cumulative(x, given, int axis, bint forward):
    """The sum of given_j e^(x_i - y_j) over j >= i, or, forward, that of given_i over i <= j, where y is the cumulative
    log-sum-exp of x along an axis; computed in float64, of the dtype of x and in C order."""
    return quietly(sum_shares, (x, given, axis, forward))


def sum_shares(cnp.ndarray x not None, cnp.ndarray given not None, int axis, bint forward):
    cdef lse_cumulative_gradient g
    cdef unsigned long long none = 0
    cdef int last = cnp.PyArray_NDIM(x) - 1
    cdef cnp.ndarray elements, factors, out, room
    check_shape("the gradient", x, given, none)
    if not 0 <= axis <= last:
        raise ValueError("lse: an axis out of range")
    elements, factors = as_rows(x, axis), as_rows(given, axis)
    out = np.empty_like(elements)
    if cnp.PyArray_SIZE(x) > 0:
        g.table, g.forward, g.n = table, forward, cnp.PyArray_DIM(x, axis)
        g.rows = cnp.PyArray_SIZE(x) // g.n
        room = np.empty(g.rows * ((g.n - 1) // LSE_CUMULATIVE_PART + 1))
        g.x, g.given = <const double *>cnp.PyArray_DATA(elements), <const double *>cnp.PyArray_DATA(factors)
        g.out, g.room = <double *>cnp.PyArray_DATA(out), <double *>cnp.PyArray_DATA(room)
        if cnp.PyArray_SIZE(x) < GIL_KEPT_BELOW:
            lse_differentiate_cumulative(&g)
        else:
            with nogil:
                lse_differentiate_cumulative(&g)
    return np.ascontiguousarray(cnp.PyArray_SwapAxes(out, axis, last), x.dtype)


cdef cnp.ndarray as_rows(cnp.ndarray a, int axis):
    """An array of float64 whose rows along an axis have no gaps."""
    return np.ascontiguousarray(cnp.PyArray_SwapAxes(a, axis, cnp.PyArray_NDIM(a) - 1), FLOAT64)
