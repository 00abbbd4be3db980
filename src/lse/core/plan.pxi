# What is to be done -----------------------------------------------------------------------------------------

cdef enum Operation:
    LOGSUMEXP
    SOFTMAX
    LOG_SOFTMAX
    CUMULATE
    SEGMENTS


cdef inline bint maps(Operation operation) noexcept nogil:
    """Whether the output has the shape of the input."""
    return operation == SOFTMAX or operation == LOG_SOFTMAX or operation == CUMULATE


cdef inline bint by_rows_alone(Operation operation) noexcept nogil:
    return operation == CUMULATE or operation == SEGMENTS


# An array as `outer` rows of n elements, or, where `columns` is not 0, as `outer` blocks of n rows of as many
# neighbouring columns. A mask and weights have the shape of the array. Beside the output may lie, in arrays of its own
# strides, the signs of the sums and what rounding lost.
cdef struct Plan:
    Operation operation
    const lse_real_kernels *kernels
    double far  # what the kernels take: the greatest element, of weighted sums the greatest exponent
    int itemsize  # of the kernels' type
    Py_ssize_t n, outer, columns
    lse_layout row, out_row
    int outer_ndim
    Py_ssize_t outer_shape[64]
    Py_ssize_t outer_stride[64]
    Py_ssize_t outer_where_stride[64]
    Py_ssize_t outer_weight_stride[64]
    Py_ssize_t outer_out_stride[64]
    Py_ssize_t out_column_stride
    lse_row first
    char *out
    char *sign  # or NULL
    char *low  # or NULL
    lse_store store  # of one result; NULL for the kernels' own type
    # how it is cut into tasks
    Py_ssize_t together  # rows, or columns, of one task
    Py_ssize_t panels  # tasks for each block of columns
    int *failed  # set where there was no memory


cdef char kind_of(cnp.ndarray a):
    return <char>ord(a.dtype.kind)


cdef lse_load load_for(cnp.ndarray a, int to) except NULL:
    cdef lse_load load = lse_load_for(kind_of(a), <int>cnp.PyArray_ITEMSIZE(a), not cnp.PyArray_ISNOTSWAPPED(a), to)
    if load == NULL:
        raise TypeError(f"lse: no kernel reads {a.dtype}")
    return load


cdef bint is_native(cnp.ndarray a, int itemsize):
    cdef int wanted = cnp.NPY_FLOAT32 if itemsize == 4 else cnp.NPY_FLOAT64
    return cnp.PyArray_TYPE(a) == wanted and cnp.PyArray_ISNOTSWAPPED(a)


cdef void add_axis(lse_layout *layout, Py_ssize_t length, Py_ssize_t stride, Py_ssize_t where_stride,
                   Py_ssize_t weight_stride) noexcept nogil:
    """Append an axis, merged with the last one where the two are one run in everything."""
    cdef int last = layout.ndim - 1
    if length == 1:
        return
    if (last >= 0 and layout.stride[last] == length * stride and layout.where_stride[last] == length * where_stride
            and layout.weight_stride[last] == length * weight_stride):
        layout.shape[last] *= length
    else:
        last += 1
        layout.shape[last] = length
        layout.ndim = last + 1
    layout.stride[last] = stride
    layout.where_stride[last] = where_stride
    layout.weight_stride[last] = weight_stride


cdef bint is_run(const lse_layout *layout, const ptrdiff_t *strides, int itemsize) noexcept nogil:
    return layout.ndim == 0 or (layout.ndim == 1 and strides[0] == itemsize)


cdef inline Py_ssize_t stride_of(cnp.ndarray a, int axis):
    return 0 if a is None else cnp.PyArray_STRIDE(a, axis)


cdef int lay_out_rows(Plan *plan, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                      cnp.ndarray out) except -1:
    """The reduced axes; those of a mapped output too."""
    cdef bint mapped = maps(plan.operation)
    cdef int axis
    plan.row.ndim = plan.out_row.ndim = 0
    plan.n = 1
    for axis in range(cnp.PyArray_NDIM(a)):
        if reduced >> axis & 1:
            plan.n *= cnp.PyArray_DIM(a, axis)
            add_axis(&plan.row, cnp.PyArray_DIM(a, axis), cnp.PyArray_STRIDE(a, axis), stride_of(where, axis),
                     stride_of(weights, axis))
            if mapped:
                add_axis(&plan.out_row, cnp.PyArray_DIM(a, axis), cnp.PyArray_STRIDE(out, axis), 0, 0)
    plan.row.load = load_for(a, plan.itemsize)
    plan.row.direct = is_native(a, plan.itemsize) and is_run(&plan.row, plan.row.stride, plan.itemsize)
    plan.out_row.store = lse_store_for(kind_of(out), <int>cnp.PyArray_ITEMSIZE(out), plan.itemsize)
    plan.out_row.direct = is_native(out, plan.itemsize) and is_run(&plan.out_row, plan.out_row.stride, plan.itemsize)
    if weights is not None:
        plan.row.load_weight = load_for(weights, plan.itemsize)
        plan.row.native_weight = is_native(weights, plan.itemsize)
        plan.row.direct_weight = plan.row.native_weight and is_run(&plan.row, plan.row.weight_stride, plan.itemsize)
    return 0


cdef int lay_out_rest(Plan *plan, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights, unsigned long long reduced,
                      cnp.ndarray out) except -1:
    """The axes kept: one of columns where their elements are neighbours and those of a row are not, and the others."""
    cdef bint mapped = maps(plan.operation)
    cdef bint every = cnp.PyArray_NDIM(out) == cnp.PyArray_NDIM(a)  # it has the reduced axes, mapped or of length 1
    cdef bint by_columns = not (plan.row.direct or by_rows_alone(plan.operation)) and is_native(a, plan.itemsize)
    cdef int axis, out_axis = -1, at = 0
    cdef Py_ssize_t length, step
    plan.columns = 0
    plan.outer = 1
    for axis in range(cnp.PyArray_NDIM(a)):
        out_axis += every or not reduced >> axis & 1
        if reduced >> axis & 1:
            continue
        length = cnp.PyArray_DIM(a, axis)
        step = cnp.PyArray_STRIDE(out, out_axis)
        if (by_columns and plan.columns == 0 and length > 1 and cnp.PyArray_STRIDE(a, axis) == plan.itemsize
                and (not mapped or (step == plan.itemsize and is_native(out, plan.itemsize)))):
            plan.columns = length
            plan.out_column_stride = step
            plan.row.where_step = stride_of(where, axis)
            plan.row.weight_step = stride_of(weights, axis)
            continue
        plan.outer_shape[at] = length
        plan.outer_stride[at] = cnp.PyArray_STRIDE(a, axis)
        plan.outer_where_stride[at] = stride_of(where, axis)
        plan.outer_weight_stride[at] = stride_of(weights, axis)
        plan.outer_out_stride[at] = step
        plan.outer *= length
        at += 1
    plan.outer_ndim = at
    return 0


cdef int make_plan(Plan *plan, Operation operation, cnp.ndarray a, cnp.ndarray where, cnp.ndarray weights,
                   unsigned long long reduced, bint single, cnp.ndarray out) except -1:
    """Describe the reduction of the axes whose bits are set; a is not empty."""
    plan.operation = operation
    plan.kernels = &table.f32 if single else &table.f64
    plan.far = LSE_FAR_f32 if single else LSE_FAR_f64
    if weights is not None:
        plan.far = plan.far * 1.4 - 1100 if not single else plan.far * 1.4 - 200
    plan.itemsize = 4 if single else 8
    plan.first.x = cnp.PyArray_BYTES(a)
    plan.first.where = NULL if where is None else cnp.PyArray_BYTES(where)
    plan.first.weight = NULL if weights is None else cnp.PyArray_BYTES(weights)
    plan.out = cnp.PyArray_BYTES(out)
    plan.sign = plan.low = NULL
    plan.store = NULL
    lay_out_rows(plan, a, where, weights, reduced, out)
    lay_out_rest(plan, a, where, weights, reduced, out)
    plan.first.n = plan.n
    if not is_native(out, plan.itemsize):
        plan.store = lse_store_for(kind_of(out), <int>cnp.PyArray_ITEMSIZE(out), 8)
    return 0


cdef void find_row(const Plan *plan, Py_ssize_t index, lse_row *row, char **out) noexcept nogil:
    """The addresses of an outer row, in the input and in the output."""
    cdef Py_ssize_t i
    cdef int axis
    row[0] = plan.first
    out[0] = plan.out
    for axis in range(plan.outer_ndim - 1, -1, -1):
        i = index if axis == 0 else index % plan.outer_shape[axis]
        index = 0 if axis == 0 else index // plan.outer_shape[axis]
        row.x += i * plan.outer_stride[axis]
        out[0] += i * plan.outer_out_stride[axis]
        if row.where != NULL:
            row.where += i * plan.outer_where_stride[axis]
        if row.weight != NULL:
            row.weight += i * plan.outer_weight_stride[axis]


cdef lse_row column_of(const Plan *plan, const lse_row *first, Py_ssize_t i) noexcept nogil:
    """Column i of a panel, as a row."""
    cdef lse_row row = first[0]
    row.x += i * plan.itemsize
    if row.where != NULL:
        row.where += i * plan.row.where_step
    if row.weight != NULL:
        row.weight += i * plan.row.weight_step
    return row
