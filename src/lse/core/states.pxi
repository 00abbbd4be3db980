# States -----------------------------------------------------------------------------------------------------

cdef enum:
    WAVE = 256  # pieces whose states are held at a time


# Pieces of one long row, or of one panel of columns.
cdef struct Pieces:
    const Plan *plan
    const lse_row *row
    char *out
    Py_ssize_t columns, first
    const double *shift
    lse_states *states
    const lse_results *results
    Py_ssize_t index  # of the row in results


cdef inline void merge(const Plan *plan, lse_states *into, const lse_states *other, Py_ssize_t count) noexcept nogil:
    if plan.first.weight != NULL:
        table.weighted_merge(into, other, count)
    else:
        table.merge(into, other, count)


cdef inline Py_ssize_t longest(const lse_row *rows, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i, n = 0
    for i in range(count):
        n = max(n, rows[i].n)
    return n


cdef void piece_states(const Plan *plan, const lse_row *rows, Py_ssize_t count, bint columns, Py_ssize_t piece,
                       const double *shift, lse_states *states) noexcept nogil:
    """Of elements piece * LSE_PIECE and on of some rows, or columns (rows: the first one)."""
    cdef bint weighted = plan.first.weight != NULL
    cdef const lse_real_kernels *kernels = plan.kernels
    cdef Py_ssize_t start = piece * LSE_PIECE
    cdef Py_ssize_t n = min(longest(rows, 1 if columns else count) - start, <Py_ssize_t>LSE_PIECE)
    if columns:
        (kernels.weighted_columns if weighted else kernels.columns)(&plan.row, rows, start, n, count, states)
    else:
        (kernels.weighted_rows if weighted else kernels.rows)(&plan.row, rows, start, n, count, shift, states)
    lse_add_progress(n * count)


cdef void piece_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef const Pieces *pieces = <const Pieces *>context
    cdef Py_ssize_t count = max(pieces.columns, <Py_ssize_t>1)
    piece_states(pieces.plan, pieces.row, count, pieces.columns > 0, pieces.first + index, pieces.shift,
                 &pieces.states[index])


cdef void whole_states(const Plan *plan, const lse_row *rows, Py_ssize_t count, bint columns, const double *shift,
                       int threads, lse_states *states) noexcept nogil:
    """Pieces are merged in the order of their indices, whoever computed them. Several rows have one piece each."""
    cdef Py_ssize_t pieces = (longest(rows, 1 if columns else count) + LSE_PIECE - 1) // LSE_PIECE
    cdef Py_ssize_t piece, some, i
    cdef Pieces context
    cdef lse_states other
    context.states = NULL
    if pieces > 1 and threads > 1:
        context.states = <lse_states *>malloc(<size_t>min(pieces, <Py_ssize_t>WAVE) * sizeof(lse_states))
    if context.states == NULL:
        piece_states(plan, rows, count, columns, 0, shift, states)
        for piece in range(1, pieces):
            piece_states(plan, rows, count, columns, piece, shift, &other)
            merge(plan, states, &other, count)
        return
    context.plan = plan
    context.row = rows
    context.columns = count if columns else 0
    context.shift = shift
    context.first = 0
    while context.first < pieces:
        some = min(pieces - context.first, <Py_ssize_t>WAVE)
        run(piece_task, &context, some, threads)
        for i in range(some):
            if context.first + i == 0:
                states[0] = context.states[0]
            else:
                merge(plan, states, &context.states[i], count)
        context.first += some
    free(context.states)


# Rows and columns that want a second look -------------------------------------------------------------------

cdef inline void settle(lse_results *results, Py_ssize_t i, double value, double sign) noexcept nogil:
    """A result that is no finite number."""
    results.value[i] = value
    results.value_lo[i] = 0
    results.sign[i] = sign
    results.scale[i] = NAN


cdef void shifted(const Plan *plan, const lse_row *row, Py_ssize_t i, double shift, int threads, lse_states *again,
                  lse_results *results) noexcept nogil:
    """Result i, of row, computed from its elements less shift."""
    cdef lse_results one
    whole_states(plan, row, 1, False, &shift, threads, again)
    if plan.first.weight != NULL:
        table.weighted_finish(again, 1, &one)
    else:
        table.finish_scaled(again, 1, &one)
    results.value[i] = one.value[0]
    results.value_lo[i] = one.value_lo[0]
    results.sign[i] = one.sign[0]
    results.scale[i] = one.scale[0]
    results.scale_lo[i] = one.scale_lo[0]
    results.anchor[i] = one.anchor[0]


cdef void second_look(const Plan *plan, const lse_row *row, const lse_states *states, Py_ssize_t i, int threads,
                      lse_results *results, double *shift, ptrdiff_t *infinities) noexcept nogil:
    """A row whose maximum is not finite or beyond what the kernels take unshifted."""
    cdef lse_states again
    cdef ptrdiff_t nans
    cdef double max = states.max[i]
    if max == -INFINITY and not isnan(states.tail[i]):
        settle(results, i, -INFINITY, 0)
        return
    plan.kernels.census(&plan.row, row, &nans, infinities)
    if nans > 0:
        infinities[0] = 0
        settle(results, i, NAN, NAN)
    elif infinities[0] > 0:
        settle(results, i, INFINITY, 1)
    else:
        shift[0] = max
        shifted(plan, row, i, max, threads, &again, results)


cdef inline bint wants_second_look(const Plan *plan, const lse_states *states, Py_ssize_t i) noexcept nogil:
    """Whether a weighted sum is not what the kernels make well.

    Either its greatest exponent is beyond them, or it is far below its greatest term, which is near 2^500: something
    cancels, or NaN stands for a weight that is not plain.
    """
    cdef double least = 2.0**490 if plan.itemsize == 4 else 2.0**480
    return not (fabs(states.max[i]) <= plan.far and fabs(states.tail[i]) >= least)


cdef void weighted_second_look(const Plan *plan, const lse_row *row, const lse_states *states, Py_ssize_t i,
                               int threads, lse_results *results, double *shift) noexcept nogil:
    cdef lse_states again
    cdef double max
    cdef int plain
    cdef double *x
    if not fabs(states.max[i]) <= plan.far:
        plan.kernels.weighted_census(&plan.row, row, &max, &plain)
        if plain and max == -INFINITY:
            settle(results, i, -INFINITY, 0)
            return
        if plain and max > -INFINITY:
            shifted(plan, row, i, max, threads, &again, results)
            if not wants_second_look(plan, &again, 0):
                shift[0] = max
                return
    x = <double *>malloc(2 * <size_t>row.n * sizeof(double))
    if x == NULL:
        plan.failed[0] = 1
        return
    plan.kernels.collect(&plan.row, row, x, x + row.n)
    lse_exact(x, x + row.n, row.n, &results.value[i], &results.value_lo[i], &results.sign[i])
    free(x)
