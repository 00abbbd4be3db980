# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The streaming core: which rows and columns an array has, their running states, and the threads they run on."""

from libc.math cimport INFINITY, NAN, fabs, isnan, log
from libc.stdlib cimport free, malloc

cimport numpy as cnp
from cython.parallel cimport prange

import os

from lse import _reductions

cnp.import_array()

cdef extern from *:
    '''
    #include "numpy/arrayscalars.h"
    static PyObject *lse_float64(double value)
    {
        PyObject *scalar = PyDoubleArrType_Type.tp_alloc(&PyDoubleArrType_Type, 0);
        if (scalar) PyArrayScalar_VAL(scalar, Double) = value;
        return scalar;
    }
    static PyObject *lse_float32(float value)
    {
        PyObject *scalar = PyFloatArrType_Type.tp_alloc(&PyFloatArrType_Type, 0);
        if (scalar) PyArrayScalar_VAL(scalar, Float) = value;
        return scalar;
    }
    '''
    object lse_float64(double value)
    object lse_float32(float value)


# The instruction set ----------------------------------------------------------------------------------------

cdef const lse_kernels *table = NULL


cdef const lse_kernels *choose_kernels() except NULL:
    names = []
    cdef const lse_kernels *candidate
    wanted = os.environ.get("LSE_KERNELS", "")
    while True:
        candidate = lse_available(len(names))
        if candidate == NULL:
            raise ImportError(
                f"LSE_KERNELS={wanted!r} is not available on this processor; available are {', '.join(names)}. "
                "Set it to one of these, or unset it to take the best."
            )
        name = candidate.name.decode()
        if wanted in ("", name):
            return candidate
        names.append(name)


table = choose_kernels()


def kernels() -> str:
    """Name of the instruction set in use."""
    return table.name.decode()


def available_kernels() -> list:
    """Names of the instruction sets that this processor can run, best first."""
    names = []
    while lse_available(len(names)) != NULL:
        names.append(lse_available(len(names)).name.decode())
    return names


# Threads ----------------------------------------------------------------------------------------------------

# Elements below which a second thread costs more than it brings.
cdef enum:
    PARALLEL_FROM_F32 = 1 << 17
    PARALLEL_FROM_F64 = 1 << 16

cdef int thread_limit = 0  # as set_num_threads was told; 0: as the environment says
cdef int environment_limit = 0  # from the quota of the cgroup; 0: none

if lse_watch_forks() != 0:
    raise ImportError("lse: the operating system refused to watch for fork (pthread_atfork)")


def limit_threads(int limit, int environment):
    """Set both limits; 0 is none, -1 leaves the one there is. Return the explicit one there was."""
    global thread_limit, environment_limit
    before = thread_limit
    if limit >= 0:
        thread_limit = limit
    if environment >= 0:
        environment_limit = environment
    return before


cdef int available_threads() noexcept nogil:
    cdef int threads = lse_omp_max_threads()
    cdef int affinity
    if thread_limit > 0:
        return thread_limit
    affinity = lse_affinity()
    if 0 < affinity < threads:
        threads = affinity
    if 0 < environment_limit < threads:
        threads = environment_limit
    return threads


cdef int threads_for(Py_ssize_t elements, int itemsize) noexcept nogil:
    cdef Py_ssize_t least = PARALLEL_FROM_F32 if itemsize == 4 else PARALLEL_FROM_F64
    if elements < least or lse_is_forked_child or lse_omp_in_parallel():
        return 1
    return available_threads()


def num_threads() -> int:
    """How many threads a large reduction would use now."""
    return 1 if lse_is_forked_child else available_threads()


def openmp_version() -> int:
    """The value of _OPENMP that this was compiled with, 0 without OpenMP."""
    return lse_omp_version()


def progress() -> int:
    """Elements that all reductions of this process have read so far."""
    return lse_progress


ctypedef void (*task_function)(void *context, Py_ssize_t index) noexcept nogil


cdef void run(task_function task, void *context, Py_ssize_t count, int threads) noexcept nogil:
    cdef Py_ssize_t i
    if threads > count:
        threads = <int>count
    if threads <= 1:
        for i in range(count):
            task(context, i)
    else:
        for i in prange(count, num_threads=threads, schedule="dynamic"):
            task(context, i)


# What is to be done -----------------------------------------------------------------------------------------

cdef enum Operation:
    LOGSUMEXP
    SOFTMAX
    LOG_SOFTMAX


# An array as `outer` rows of n elements, or, where `columns` is not 0, as `outer` blocks of n rows of as many
# neighbouring columns.
cdef struct Plan:
    Operation operation
    const lse_real_kernels *kernels
    double far
    int itemsize
    Py_ssize_t n, outer, columns
    lse_layout row  # load is NULL where the kernels may read the elements where they lie
    lse_layout copied_row  # the same elements, with a load
    lse_layout out_row, copied_out_row
    int outer_ndim
    Py_ssize_t outer_shape[64]
    Py_ssize_t outer_stride[64]
    Py_ssize_t outer_out_stride[64]
    Py_ssize_t out_column_stride
    const char *base
    char *out
    # how it is cut into tasks
    Py_ssize_t together  # rows, or columns, of one task
    Py_ssize_t panels  # tasks for each block of columns


cdef enum:
    WAVE = 256  # pieces whose states are held at a time


# Pieces of one long row or panel.
cdef struct Pieces:
    const Plan *plan
    const char *base
    char *out
    Py_ssize_t count, first
    const double *shift  # NULL, or one for each row
    lse_states *states
    const lse_results *results
    Py_ssize_t index  # of the row in results


cdef void add_axis(lse_layout *layout, Py_ssize_t length, Py_ssize_t stride) noexcept nogil:
    """Append an axis, merged with the last one where the two are one run."""
    cdef int last = layout.ndim - 1
    if length == 1:
        return
    if last >= 0 and layout.stride[last] == length * stride:
        layout.shape[last] *= length
        layout.stride[last] = stride
        return
    layout.shape[layout.ndim] = length
    layout.stride[layout.ndim] = stride
    layout.ndim += 1


cdef bint is_run(const lse_layout *layout, int itemsize) noexcept nogil:
    return layout.ndim == 0 or (layout.ndim == 1 and layout.stride[0] == itemsize)


cdef int make_plan(Plan *plan, Operation operation, cnp.ndarray a, int reduced, cnp.ndarray out) except -1:
    """Describe the reduction of the last `reduced` axes of a; a is not empty."""
    cdef int axis, column_axis = -1, outer = cnp.PyArray_NDIM(a) - reduced
    cdef cnp.dtype dtype = a.dtype
    cdef bint swapped = not dtype.isnative
    cdef bint single = dtype.kind == "f" and dtype.itemsize == 4
    cdef bint native = dtype.kind == "f" and not swapped
    cdef bint mapped = operation != LOGSUMEXP
    cdef Py_ssize_t step
    plan.operation = operation
    plan.kernels = &table.f32 if single else &table.f64
    plan.far = LSE_FAR_f32 if single else LSE_FAR_f64
    plan.itemsize = 4 if single else 8
    plan.base = <const char *>cnp.PyArray_DATA(a)
    plan.out = <char *>cnp.PyArray_DATA(out)
    plan.row.ndim = plan.out_row.ndim = 0
    plan.n = 1
    for axis in range(outer, outer + reduced):
        plan.n *= cnp.PyArray_DIM(a, axis)
        add_axis(&plan.row, cnp.PyArray_DIM(a, axis), cnp.PyArray_STRIDE(a, axis))
        if mapped:
            add_axis(&plan.out_row, cnp.PyArray_DIM(a, axis), cnp.PyArray_STRIDE(out, axis))
    plan.copied_row = plan.row
    plan.copied_out_row = plan.out_row
    plan.copied_row.load = lse_load_for(ord(dtype.kind), dtype.itemsize, swapped)
    plan.copied_out_row.store = lse_store_for(plan.itemsize)
    if plan.copied_row.load == NULL:
        raise TypeError(f"lse: no kernel reads {dtype}")
    plan.row.load = NULL if native and is_run(&plan.row, plan.itemsize) else plan.copied_row.load
    plan.out_row.store = NULL if is_run(&plan.out_row, plan.itemsize) else plan.copied_out_row.store

    plan.columns = 0
    if native and plan.row.load != NULL:
        for axis in range(outer):
            step = cnp.PyArray_STRIDE(out, axis)
            if (cnp.PyArray_STRIDE(a, axis) == plan.itemsize and cnp.PyArray_DIM(a, axis) > 1
                    and (not mapped or step == plan.itemsize)):
                column_axis = axis
                plan.columns = cnp.PyArray_DIM(a, axis)
                plan.out_column_stride = step
                plan.row.load = NULL
                plan.out_row.store = NULL
                break
    plan.outer = 1
    plan.outer_ndim = 0
    for axis in range(outer):
        if axis != column_axis:
            plan.outer_shape[plan.outer_ndim] = cnp.PyArray_DIM(a, axis)
            plan.outer_stride[plan.outer_ndim] = cnp.PyArray_STRIDE(a, axis)
            plan.outer_out_stride[plan.outer_ndim] = cnp.PyArray_STRIDE(out, axis)
            plan.outer *= plan.outer_shape[plan.outer_ndim]
            plan.outer_ndim += 1
    return 0


cdef Py_ssize_t offset_of(const Plan *plan, Py_ssize_t index, const Py_ssize_t *strides) noexcept nogil:
    """Bytes from the first outer row to that of this index, in the input or in the output by its strides."""
    cdef Py_ssize_t offset = 0
    cdef int axis
    for axis in range(plan.outer_ndim - 1, 0, -1):
        offset += index % plan.outer_shape[axis] * strides[axis]
        index //= plan.outer_shape[axis]
    return offset + index * strides[0] if plan.outer_ndim else 0


# States -----------------------------------------------------------------------------------------------------

cdef void piece_states(const Plan *plan, const char **base, Py_ssize_t count, Py_ssize_t piece,
                       const double *shift, lse_states *states) noexcept nogil:
    """Of elements piece * LSE_PIECE and on of some rows (base: each one's) or columns (base: the first one's)."""
    cdef Py_ssize_t start = piece * LSE_PIECE
    cdef Py_ssize_t n = min(plan.n - start, <Py_ssize_t>LSE_PIECE)
    if shift != NULL:
        plan.kernels.rows(&plan.copied_row, base, start, n, count, shift, states)
    elif plan.columns:
        plan.kernels.columns(&plan.row, base[0], start, n, count, states)
    else:
        plan.kernels.rows(&plan.row, base, start, n, count, NULL, states)
    lse_add_progress(n * count)


cdef void piece_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef const Pieces *pieces = <const Pieces *>context
    cdef const char *base = pieces.base
    piece_states(pieces.plan, &base, pieces.count, pieces.first + index, pieces.shift, &pieces.states[index])


cdef void whole_states(const Plan *plan, const char **base, Py_ssize_t count, const double *shift,
                       int threads, lse_states *states) noexcept nogil:
    """Pieces are merged in the order of their indices, whoever computed them."""
    cdef Py_ssize_t pieces = (plan.n + LSE_PIECE - 1) // LSE_PIECE
    cdef Py_ssize_t piece, some, i
    cdef Pieces context
    cdef lse_states other
    context.states = NULL
    if pieces > 1 and threads > 1:
        context.states = <lse_states *>malloc(<size_t>min(pieces, <Py_ssize_t>WAVE) * sizeof(lse_states))
    if context.states == NULL:
        piece_states(plan, base, count, 0, shift, states)
        for piece in range(1, pieces):
            piece_states(plan, base, count, piece, shift, &other)
            table.merge(states, &other, count)
        return
    context.plan = plan
    context.base = base[0]
    context.count = count
    context.shift = shift
    context.first = 0
    while context.first < pieces:
        some = min(pieces - context.first, <Py_ssize_t>WAVE)
        run(piece_task, &context, some, threads)
        for i in range(some):
            if context.first + i == 0:
                states[0] = context.states[0]
            else:
                table.merge(states, &context.states[i], count)
        context.first += some
    free(context.states)


# Rows and columns that want a second look -------------------------------------------------------------------

cdef void second_look(const Plan *plan, const char *base, lse_states *states, Py_ssize_t i, int threads,
                      lse_results *results, double *shift, ptrdiff_t *infinities) noexcept nogil:
    """Row or column i, whose maximum is not finite or beyond what the kernels take unshifted."""
    cdef lse_states again
    cdef lse_results finished
    cdef ptrdiff_t nans
    cdef double max = states.max[i]
    if max == -INFINITY and not isnan(states.tail[i]):
        results.value[i] = -INFINITY
        results.value_lo[i] = 0
        results.scale[i] = NAN
        return
    plan.kernels.census(&plan.copied_row, base, plan.n, &nans, infinities)
    if nans > 0 or infinities[0] > 0:
        results.value[i] = NAN if nans > 0 else INFINITY
        results.value_lo[i] = 0
        results.scale[i] = NAN
        if nans > 0:
            infinities[0] = 0
        return
    shift[0] = max
    whole_states(plan, &base, 1, shift, threads, &again)
    table.finish_scaled(&again, 1, &finished)
    results.value[i] = finished.value[0]
    results.value_lo[i] = finished.value_lo[0]
    results.scale[i] = finished.scale[0]
    results.scale_lo[i] = finished.scale_lo[0]
    results.anchor[i] = finished.anchor[0]


cdef double sum_of_three(double shift, double value, double value_lo) noexcept nogil:
    """shift + value + value_lo, rounded once but for the last bits of value_lo; value alone where shift is 0."""
    cdef double total = shift + value
    cdef double of_value = total - shift
    if shift == 0:
        return value
    return total + (((shift - (total - of_value)) + (value - of_value)) + value_lo)


cdef inline void store_value(const Plan *plan, char *out, double value) noexcept nogil:
    """Every NaN is stored as the same one."""
    if value != value:
        value = NAN
    if plan.itemsize == 4:
        (<float *>out)[0] = <float>value
    else:
        (<double *>out)[0] = value


cdef void map_row(const Plan *plan, const char *base, char *out, Py_ssize_t start, Py_ssize_t n, double shift,
                  const lse_results *results, Py_ssize_t i) noexcept nogil:
    # of a panel, one column alone is copied
    cdef bint copied = plan.columns != 0
    cdef const lse_layout *row = &plan.copied_row if copied else &plan.row
    cdef const lse_layout *out_row = &plan.copied_out_row if copied else &plan.out_row
    if plan.operation == SOFTMAX:
        plan.kernels.softmax_row(row, base, out_row, out, start, n, shift, results, i)
    else:
        plan.kernels.log_softmax_row(row, base, out_row, out, start, n, shift, results, i)


cdef void map_piece_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef const Pieces *pieces = <const Pieces *>context
    cdef const Plan *plan = pieces.plan
    cdef Py_ssize_t start = index * LSE_PIECE
    cdef Py_ssize_t n = min(plan.n - start, <Py_ssize_t>LSE_PIECE)
    if pieces.count == 0:
        map_row(plan, pieces.base, pieces.out, start, n, pieces.shift[pieces.index], pieces.results, pieces.index)
    elif plan.operation == SOFTMAX:
        plan.kernels.softmax_columns(
            &plan.row, pieces.base, &plan.out_row, pieces.out, start, n, pieces.count, pieces.results)
    else:
        plan.kernels.log_softmax_columns(
            &plan.row, pieces.base, &plan.out_row, pieces.out, start, n, pieces.count, pieces.results)


cdef void map_pieces(const Plan *plan, const char *base, char *out, Py_ssize_t columns, Py_ssize_t index,
                     const double *shift, const lse_results *results, int threads) noexcept nogil:
    """A panel of columns, or the row that stands at `index` in the results (columns = 0)."""
    cdef Pieces context
    context.plan = plan
    context.base = base
    context.out = out
    context.count = columns
    context.index = index
    context.shift = shift
    context.results = results
    run(map_piece_task, &context, (plan.n + LSE_PIECE - 1) // LSE_PIECE, threads)


cdef void finish_group(const Plan *plan, const char **base, char **out, Py_ssize_t count, lse_states *states,
                       int threads) noexcept nogil:
    """From states to the output, for some rows or columns; base and out have one address for each."""
    cdef lse_results results
    cdef double shift[64]
    cdef ptrdiff_t infinities[64]
    cdef Py_ssize_t i
    cdef double inside
    cdef bint plain = True
    for i in range(count):
        plain &= fabs(states.max[i]) <= plan.far
    if plan.operation == LOGSUMEXP:
        table.finish(states, count, &results)
    else:
        table.finish_scaled(states, count, &results)
    if plain and plan.operation == LOGSUMEXP:
        for i in range(count):
            store_value(plan, out[i], results.value[i])
        return
    for i in range(count):
        shift[i] = 0
        infinities[i] = 0
        if not plain and not fabs(states.max[i]) <= plan.far:
            second_look(plan, base[i], states, i, threads, &results, &shift[i], &infinities[i])
    if plan.operation == LOGSUMEXP:
        for i in range(count):
            store_value(plan, out[i], sum_of_three(shift[i], results.value[i], results.value_lo[i]))
        return
    if plan.columns and plain:
        map_pieces(plan, base[0], out[0], count, 0, NULL, &results, threads)
        return
    for i in range(count):
        if infinities[i] > 0:
            inside = 1.0 / infinities[i] if plan.operation == SOFTMAX else -log(<double>infinities[i])
            plan.kernels.select_infinity(
                &plan.copied_row, base[i], &plan.copied_out_row, out[i], plan.n, inside,
                0.0 if plan.operation == SOFTMAX else -INFINITY)
            continue
        if results.value[i] == -INFINITY:
            results.value[i] = NAN
        if threads <= 1:
            map_row(plan, base[i], out[i], 0, plan.n, shift[i], &results, i)
        else:
            map_pieces(plan, base[i], out[i], 0, i, shift, &results, threads)


# The tasks --------------------------------------------------------------------------------------------------

cdef void group(const Plan *plan, Py_ssize_t index, int threads) noexcept nogil:
    """Reduce one task's rows or columns, with `threads` of its own."""
    cdef const char *base[64]
    cdef char *out[64]
    cdef lse_states states
    cdef Py_ssize_t first, count, i, row
    if plan.columns:
        row = index // plan.panels
        first = index % plan.panels * plan.together
        count = min(plan.together, plan.columns - first)
        base[0] = plan.base + offset_of(plan, row, plan.outer_stride) + first * plan.itemsize
        out[0] = plan.out + offset_of(plan, row, plan.outer_out_stride) + first * plan.out_column_stride
        for i in range(1, count):
            base[i] = base[0] + i * plan.itemsize
            out[i] = out[0] + i * plan.out_column_stride
    else:
        first = index * plan.together
        count = min(plan.together, plan.outer - first)
        for i in range(count):
            base[i] = plan.base + offset_of(plan, first + i, plan.outer_stride)
            out[i] = plan.out + offset_of(plan, first + i, plan.outer_out_stride)
    whole_states(plan, base, count, NULL, threads, &states)
    finish_group(plan, base, out, count, &states, threads)


cdef void group_task(void *context, Py_ssize_t index) noexcept nogil:
    group(<const Plan *>context, index, 1)


cdef void execute(Plan *plan) noexcept nogil:
    """Cut into tasks of some rows or columns each; where those are too few, each in turn into pieces."""
    cdef Py_ssize_t line = 64 // plan.itemsize, tasks, i
    cdef Py_ssize_t total = plan.outer * plan.n * max(plan.columns, <Py_ssize_t>1)
    cdef int threads = threads_for(total, plan.itemsize)
    if plan.columns:
        plan.together = plan.kernels.panel
        while plan.together > line and plan.outer * ((plan.columns + plan.together - 1) // plan.together) < 2 * threads:
            plan.together //= 2
        plan.panels = (plan.columns + plan.together - 1) // plan.together
        tasks = plan.outer * plan.panels
    else:
        # so many that a task fits in the cache between its reduction and its map, and that all threads have some
        plan.together = max(<Py_ssize_t>1, min(<Py_ssize_t>LSE_BATCH, 32768 // plan.n))
        if threads > 1:
            plan.together = max(<Py_ssize_t>1, min(plan.together, plan.outer // (4 * threads)))
        if plan.n > LSE_PIECE:
            plan.together = 1
        tasks = (plan.outer + plan.together - 1) // plan.together
    if threads > 1 and tasks < threads and plan.n > LSE_PIECE:
        for i in range(tasks):
            group(plan, i, threads)
    else:
        run(group_task, plan, tasks, threads)


cdef object apply(Operation operation, cnp.ndarray a, int reduced, cnp.ndarray out):
    cdef Plan plan
    make_plan(&plan, operation, a, reduced, out)
    with nogil:
        execute(&plan)
    return out


def _logsumexp_into(cnp.ndarray a not None, int reduced, cnp.ndarray out not None):
    return apply(LOGSUMEXP, a, reduced, out)


def _softmax_into(cnp.ndarray a not None, int reduced, cnp.ndarray out not None):
    return apply(SOFTMAX, a, reduced, out)


def _log_softmax_into(cnp.ndarray a not None, int reduced, cnp.ndarray out not None):
    return apply(LOG_SOFTMAX, a, reduced, out)


# The public functions ---------------------------------------------------------------------------------------

cdef enum:
    GIL_KEPT_BELOW = 4096  # elements; letting go of it costs as much as some hundred of them


cdef bint run_value(const lse_real_kernels *kernels, const char *data, Py_ssize_t n, int itemsize, double far,
                    double *value) noexcept nogil:
    """Of one contiguous run of no more than LSE_PIECE elements; False where it wants a second look."""
    cdef lse_layout layout
    cdef lse_states states
    cdef lse_results results
    layout.ndim = 1
    layout.shape[0] = n
    layout.stride[0] = itemsize
    layout.load = NULL
    kernels.rows(&layout, &data, 0, n, 1, NULL, &states)
    table.finish(&states, 1, &results)
    value[0] = results.value[0]
    return fabs(states.max[0]) <= far and not isnan(value[0])


cdef object quick(object a):
    """The log-sum-exp of a 1-D contiguous array of moderate length, without any intermediate object; else None."""
    cdef cnp.ndarray array
    cdef double value = 0
    cdef Py_ssize_t n
    cdef int kind, itemsize
    cdef bint done
    cdef const lse_real_kernels *kernels
    cdef double far
    cdef const char *data
    if type(a) is not cnp.ndarray:
        return None
    array = <cnp.ndarray>a
    if cnp.PyArray_NDIM(array) != 1 or not cnp.PyArray_ISCARRAY_RO(array):
        return None
    kind = cnp.PyArray_TYPE(array)
    n = cnp.PyArray_DIM(array, 0)
    if kind == cnp.NPY_FLOAT64:
        kernels, far = &table.f64, LSE_FAR_f64
    elif kind == cnp.NPY_FLOAT32:
        kernels, far = &table.f32, LSE_FAR_f32
    else:
        return None
    if n == 0 or n > LSE_PIECE:
        return None
    data = <const char *>cnp.PyArray_DATA(array)
    itemsize = 8 if kind == cnp.NPY_FLOAT64 else 4
    if n < GIL_KEPT_BELOW:
        done = run_value(kernels, data, n, itemsize, far, &value)
    else:
        with nogil:
            done = run_value(kernels, data, n, itemsize, far, &value)
    if not done:
        return None
    return lse_float64(value) if kind == cnp.NPY_FLOAT64 else lse_float32(<float>value)


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False, *, out=None):
    """Logarithm of the sum of exponentials, ``log(sum(exp(a)))``.

    Computed in one pass over memory, without overflow or underflow, and without a temporary array.

    Parameters
    ----------
    a : array_like
        Any shape and memory layout. float32 and float64 keep their type; integers, booleans, lists and
        scalars are computed and returned in float64.
    axis : None, int or tuple of ints, optional
        Axes to reduce; negative ones count from the last. None, the default, reduces all. The empty tuple
        reduces none.
    b : array_like, optional
        Weights. Not supported yet: anything but None raises NotImplementedError.
    keepdims : bool, optional
        Keep the reduced axes, with length 1.
    return_sign : bool, optional
        Return a pair with the sign of the sum. Not supported yet: True raises NotImplementedError.
    out : ndarray, optional
        Where to put the result: an array of the result's shape, to whose dtype the result can be cast by
        ``casting="same_kind"``. It may overlap `a`.

    Returns
    -------
    numpy scalar or ndarray
        A scalar where the result is 0-d and `out` was not given; `out` where it was.

    Raises
    ------
    AxisError
        An axis is out of range.
    TypeError
        The dtype of `a` is not numeric, `a` is a masked array, or the result cannot be cast to `out`.
    ValueError
        An axis is repeated, or `out` has the wrong shape or is read-only.
    NotImplementedError
        The dtype, `b` or `return_sign` is one of those not supported yet.

    See Also
    --------
    softmax, log_softmax

    Notes
    -----
    The sum over nothing is -inf; NaN anywhere gives NaN; +inf without NaN gives +inf. No floating-point
    warning is emitted. The error is at most ``max(1 ulp of the result, 2**-52)`` (``2**-23`` for float32),
    whatever the number of elements and their order (float32: 1.07 times that on one input built to exceed it).

    The result is a function of the values in their index order and of the dtype alone: the same bits come
    back for any number of threads, batch, memory layout, and instruction set.

    The running state is the greatest element and the sum of the other exponentials, which may be merged [1]_;
    the greatest is left out of the sum so that no tail is lost.

    References
    ----------
    .. [1] M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018, arXiv:1805.02867.

    Examples
    --------
    >>> import lse
    >>> lse.logsumexp([1000.0, 1001.0, 1002.0])
    np.float64(1002.4076059644444)
    >>> lse.logsumexp([0.0, -40.0])
    np.float64(4.248354255291589e-18)
    >>> lse.logsumexp([[0, 0], [1, 1]], axis=1)
    array([0.69314718, 1.69314718])
    """
    if b is None and out is None and keepdims is False and return_sign is False:
        if axis is None or (type(axis) is int and (axis == 0 or axis == -1)):
            value = quick(a)
            if value is not None:
                return value
    return _reductions.logsumexp(_logsumexp_into, a, axis, b, keepdims, return_sign, out)


def softmax(x, axis=None, *, out=None):
    """Exponentials divided by their sum, ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the result sums to 1; None, the default, is all of them.
    out : ndarray, optional
        Where to put the result: an array of the shape of `x`, to whose dtype the result can be cast by
        ``casting="same_kind"``. It may be `x` itself, or overlap it.

    Returns
    -------
    numpy scalar or ndarray
        Of the shape of `x`; a scalar where `x` is 0-d and `out` was not given, `out` where it was.

    Raises
    ------
    AxisError, TypeError, ValueError, NotImplementedError
        As `logsumexp`.

    See Also
    --------
    logsumexp, log_softmax

    Notes
    -----
    Where k elements are +inf they become 1/k and all others 0. NaN, or nothing but -inf, makes NaN. The error
    is at most 4 ulp of each element.

    Examples
    --------
    >>> import lse
    >>> lse.softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    return _reductions.softmax(_softmax_into, x, axis, out, "softmax")


def log_softmax(x, axis=None, *, out=None):
    """Logarithm of the softmax, ``x - log(sum(exp(x)))``.

    Parameters
    ----------
    x : array_like
        As the first argument of `logsumexp`.
    axis : None, int or tuple of ints, optional
        Axes over which the exponentials of the result sum to 1; None, the default, is all of them.
    out : ndarray, optional
        As for `softmax`.

    Returns
    -------
    numpy scalar or ndarray
        As for `softmax`.

    Raises
    ------
    AxisError, TypeError, ValueError, NotImplementedError
        As `logsumexp`.

    See Also
    --------
    logsumexp, softmax

    Notes
    -----
    Where k elements are +inf they become -log(k) and all others -inf. NaN, or nothing but -inf, makes NaN.
    The log-sum-exp is subtracted in two parts, so that results near 0 keep their digits.

    Examples
    --------
    >>> import lse
    >>> lse.log_softmax([0.0, -40.0])
    array([-4.24835426e-18, -4.00000000e+01])
    """
    return _reductions.softmax(_log_softmax_into, x, axis, out, "log_softmax")
