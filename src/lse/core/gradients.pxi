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
