# From states to the output ----------------------------------------------------------------------------------

cdef inline void store_value(const Plan *plan, char *out, double value) noexcept nogil:
    """Every NaN is stored as the same one."""
    if value != value:
        value = NAN
    if plan.store != NULL:
        plan.store(out, 0, 1, &value)
    elif plan.itemsize == 4:
        (<float *>out)[0] = <float>value
    else:
        (<double *>out)[0] = value


cdef void store_result(const Plan *plan, char *out, double shift, const lse_results *results,
                       Py_ssize_t i) noexcept nogil:
    """shift + value + value_lo, rounded once but for the last bits of value_lo; value alone where shift is 0."""
    cdef double value = results.value[i], low = results.value_lo[i], sign = results.sign[i], total, of_value
    if shift != 0:
        total = shift + value
        of_value = total - shift
        low = ((shift - (total - of_value)) + (value - of_value)) + low
        value = total + low
        low = low - (value - total)
    if plan.sign != NULL:
        store_value(plan, plan.sign + (out - plan.out), sign)
    elif sign < 0:
        value = NAN
    if plan.low != NULL:
        store_value(plan, plan.low + (out - plan.out), low)
    store_value(plan, out, value)


cdef void map_row(const Plan *plan, const lse_row *row, char *out, Py_ssize_t start, Py_ssize_t n, double shift,
                  const lse_results *results, Py_ssize_t i) noexcept nogil:
    if plan.operation == SOFTMAX:
        plan.kernels.softmax_row(&plan.row, row, &plan.out_row, out, start, n, shift, results, i)
    else:
        plan.kernels.log_softmax_row(&plan.row, row, &plan.out_row, out, start, n, shift, results, i)


cdef void map_piece_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef const Pieces *pieces = <const Pieces *>context
    cdef const Plan *plan = pieces.plan
    cdef Py_ssize_t start = index * LSE_PIECE
    cdef Py_ssize_t n = min(plan.n - start, <Py_ssize_t>LSE_PIECE)
    if pieces.columns == 0:
        map_row(plan, pieces.row, pieces.out, start, n, pieces.shift[0], pieces.results, pieces.index)
    elif plan.operation == SOFTMAX:
        plan.kernels.softmax_columns(
            &plan.row, pieces.row, &plan.out_row, pieces.out, start, n, pieces.columns, pieces.results)
    else:
        plan.kernels.log_softmax_columns(
            &plan.row, pieces.row, &plan.out_row, pieces.out, start, n, pieces.columns, pieces.results)


cdef void map_pieces(const Plan *plan, const lse_row *row, char *out, Py_ssize_t columns, Py_ssize_t index,
                     const double *shift, const lse_results *results, int threads) noexcept nogil:
    """A panel of columns, or the row that stands at `index` in the results (columns = 0)."""
    cdef Pieces context
    context.plan = plan
    context.row = row
    context.out = out
    context.columns = columns
    context.index = index
    context.shift = shift
    context.results = results
    run(map_piece_task, &context, (plan.n + LSE_PIECE - 1) // LSE_PIECE, threads)


cdef void map_group(const Plan *plan, const lse_row *rows, char **out, Py_ssize_t count, bint plain,
                    const double *shift, const ptrdiff_t *infinities, lse_results *results,
                    int threads) noexcept nogil:
    cdef Py_ssize_t i
    cdef double inside, outside = 0.0 if plan.operation == SOFTMAX else -INFINITY
    if plan.columns and plain:
        map_pieces(plan, rows, out[0], count, 0, NULL, results, threads)
        return
    for i in range(count):
        if infinities[i] > 0:
            inside = 1.0 / infinities[i] if plan.operation == SOFTMAX else -log(<double>infinities[i])
            plan.kernels.select_infinity(&plan.row, &rows[i], &plan.out_row, out[i], inside, outside)
            continue
        if results.value[i] == -INFINITY:
            results.value[i] = NAN
        if isnan(results.value[i]) and rows[i].where != NULL:
            plan.kernels.select_present(&plan.row, &rows[i], &plan.out_row, out[i], NAN, outside)
        elif threads <= 1:
            map_row(plan, &rows[i], out[i], 0, plan.n, shift[i], results, i)
        else:
            map_pieces(plan, &rows[i], out[i], 0, i, &shift[i], results, threads)


cdef void finish_weighted(const Plan *plan, const lse_row *rows, char **out, Py_ssize_t count,
                          const lse_states *states, int threads) noexcept nogil:
    cdef lse_results results
    cdef Py_ssize_t i
    cdef double shift
    table.weighted_finish(states, count, &results)
    for i in range(count):
        shift = 0
        if wants_second_look(plan, states, i):
            weighted_second_look(plan, &rows[i], states, i, threads, &results, &shift)
        store_result(plan, out[i], shift, &results, i)


cdef void finish_group(const Plan *plan, const lse_row *rows, char **out, Py_ssize_t count,
                       const lse_states *states, int threads) noexcept nogil:
    """Of some rows or columns; rows and out have one for each."""
    cdef lse_results results
    cdef double shift[64]
    cdef ptrdiff_t infinities[64]
    cdef Py_ssize_t i
    cdef bint plain = True
    if plan.first.weight != NULL:
        finish_weighted(plan, rows, out, count, states, threads)
        return
    for i in range(count):
        plain &= fabs(states.max[i]) <= plan.far
    if not maps(plan.operation):
        table.finish(states, count, &results)
    else:
        table.finish_scaled(states, count, &results)
    if plain and not maps(plan.operation) and plan.sign == NULL and plan.low == NULL:
        for i in range(count):
            store_value(plan, out[i], results.value[i])
        return
    for i in range(count):
        plain &= plan.first.where == NULL or not isnan(results.value[i])
    for i in range(count):
        shift[i] = 0
        infinities[i] = 0
        results.sign[i] = NAN if isnan(results.value[i]) else 1
        if not plain and not fabs(states.max[i]) <= plan.far:
            second_look(plan, &rows[i], states, i, threads, &results, &shift[i], &infinities[i])
            results.sign[i] = NAN if isnan(results.value[i]) else results.value[i] > -INFINITY
    if not maps(plan.operation):
        for i in range(count):
            store_result(plan, out[i], shift[i], &results, i)
    else:
        map_group(plan, rows, out, count, plain, shift, infinities, &results, threads)


# The tasks --------------------------------------------------------------------------------------------------

cdef void group(const Plan *plan, Py_ssize_t index, int threads) noexcept nogil:
    """Reduce one task's rows or columns, with `threads` of its own."""
    cdef lse_row rows[64]
    cdef char *out[64]
    cdef lse_states states
    cdef Py_ssize_t first, count, i
    if plan.columns:
        first = index % plan.panels * plan.together
        count = min(plan.together, plan.columns - first)
        find_row(plan, index // plan.panels, &rows[0], &out[0])
        rows[0] = column_of(plan, &rows[0], first)
        out[0] += first * plan.out_column_stride
        for i in range(1, count):
            rows[i] = column_of(plan, &rows[0], i)
            out[i] = out[0] + i * plan.out_column_stride
    else:
        first = index * plan.together
        count = min(plan.together, plan.outer - first)
        for i in range(count):
            find_row(plan, first + i, &rows[i], &out[i])
    whole_states(plan, rows, count, plan.columns > 0, NULL, threads, &states)
    finish_group(plan, rows, out, count, &states, threads)


cdef void group_task(void *context, Py_ssize_t index) noexcept nogil:
    group(<const Plan *>context, index, 1)


cdef void cumulate_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef const Plan *plan = <const Plan *>context
    cdef lse_row row
    cdef char *out
    find_row(plan, index, &row, &out)
    plan.kernels.cumulate_row(&plan.row, &row, &plan.out_row, out)
    lse_add_progress(row.n)


cdef void execute(Plan *plan) noexcept nogil:
    """Cut into tasks of some rows or columns each; where those are too few, each in turn into pieces."""
    cdef lse_fp_state found = lse_fp_enter()
    cdef Py_ssize_t line = 64 // plan.itemsize, tasks, i
    cdef Py_ssize_t total = plan.outer * plan.n * max(plan.columns, <Py_ssize_t>1)
    cdef int threads = threads_for(total, plan.itemsize)
    if plan.operation == CUMULATE:
        run(cumulate_task, plan, plan.outer, threads)
        lse_fp_leave(found)
        return
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
    lse_fp_leave(found)
