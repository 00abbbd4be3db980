# Products of matrices in log space --------------------------------------------------------------------------

cdef int raise_failure(int error) except -1:
    if error == LSE_NO_KERNEL:
        raise TypeError("lse: no kernel for these dtypes")
    raise_interrupt()
    raise MemoryError("lse: out of memory for the factors of a product")


cdef class Factors:
    """The factors of one matrix, as a left or a right operand."""

    cdef lse_factors factors
    cdef readonly bint right

    def __cinit__(self, cnp.ndarray a not None, bint right):
        cdef lse_product product
        cdef int error
        memset(&product, 0, sizeof(product))
        self.right = right
        product.table, product.run = table, lse_run_tasks
        describe(&product.b if right else &product.a, a)
        with nogil:
            error = lse_make_factors(&self.factors, &product, right)
        if error:
            raise_failure(error)

    def __dealloc__(self):
        lse_free_factors(&self.factors)


def multiply(cnp.ndarray a not None, cnp.ndarray b not None, cnp.ndarray out not None, Factors of_a, Factors of_b):
    """Put the products of matrices, the last two axes, into `out`; the others are those of `out`."""
    cdef lse_product product
    cdef int axis, ndim = cnp.PyArray_NDIM(out), error
    cdef bint fit = ndim >= 2 and cnp.PyArray_NDIM(a) == ndim and cnp.PyArray_NDIM(b) == ndim
    for axis in range(ndim if fit else 0):
        fit = fit and cnp.PyArray_DIM(out, axis) == cnp.PyArray_DIM(b if axis == ndim - 1 else a, axis)
        fit = fit and (axis >= ndim - 2 or cnp.PyArray_DIM(out, axis) == cnp.PyArray_DIM(b, axis))
    if not fit or cnp.PyArray_DIM(a, ndim - 1) != cnp.PyArray_DIM(b, ndim - 2):
        raise ValueError("lse: matrices whose shapes do not fit each other")
    memset(&product, 0, sizeof(product))
    product.table, product.run = table, lse_run_tasks
    describe(&product.a, a)
    describe(&product.b, b)
    describe(&product.out, out)
    if of_a is not None:
        product.of_a = &of_a.factors
    if of_b is not None:
        product.of_b = &of_b.factors
    if is_main_thread():
        product.question = question_of_this_thread()
    if cnp.PyArray_SIZE(out) * cnp.PyArray_DIM(a, ndim - 1) < GIL_KEPT_BELOW:
        error = lse_multiply(&product)
    else:
        with nogil:
            error = lse_multiply(&product)
    if error:
        raise_failure(error)
