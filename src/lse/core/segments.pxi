# Segments of rows -------------------------------------------------------------------------------------------

# Segment i of a row are its elements offsets[i] .. offsets[i + 1]; its result is i * step bytes from that of the first.
cdef struct Segments:
    const Plan *plan
    const Py_ssize_t *offsets
    Py_ssize_t count, step
    Py_ssize_t stride  # bytes from an element to the next
    Py_ssize_t batches  # of each row


cdef void find_segment(const Segments *segments, const lse_row *row, char *out, Py_ssize_t i, lse_row *segment,
                       char **segment_out) noexcept nogil:
    segment[0] = row[0]
    segment.x += segments.offsets[i] * segments.stride
    segment.n = segments.offsets[i + 1] - segments.offsets[i]
    segment_out[0] = out + i * segments.step


cdef void some_segments(const Segments *segments, const lse_row *row, char *base, Py_ssize_t first, Py_ssize_t least,
                        Py_ssize_t most) noexcept nogil:
    """Of a batch those that have more elements than `least`, and no more than `most`."""
    cdef lse_row rows[64]
    cdef char *out[64]
    cdef lse_states states
    cdef Py_ssize_t i, count = 0
    for i in range(first, min(first + LSE_BATCH, segments.count)):
        find_segment(segments, row, base, i, &rows[count], &out[count])
        if least < rows[count].n <= most:
            count += 1
    if count > 0:
        whole_states(segments.plan, rows, count, False, NULL, 1, &states)
        finish_group(segments.plan, rows, out, count, &states, 1)


cdef void segments_task(void *context, Py_ssize_t index) noexcept nogil:
    """The segments of one batch that are no longer than a piece; the short apart, which the kernels turn in tiles."""
    cdef const Segments *segments = <const Segments *>context
    cdef Py_ssize_t first = index % segments.batches * LSE_BATCH
    cdef Py_ssize_t tile = 64 // segments.plan.itemsize
    cdef lse_row row
    cdef char *base
    find_row(segments.plan, index // segments.batches, &row, &base)
    some_segments(segments, &row, base, first, -1, tile)
    some_segments(segments, &row, base, first, tile, LSE_PIECE)


cdef void execute_segments(Segments *segments, int threads) noexcept nogil:
    """Long segments each on all threads, then the others in batches."""
    cdef const Plan *plan = segments.plan
    cdef lse_fp_state found = lse_fp_enter()
    cdef lse_states states
    cdef lse_row row, segment
    cdef char *base
    cdef char *out
    cdef Py_ssize_t outer, i
    segments.batches = (segments.count + LSE_BATCH - 1) // LSE_BATCH
    for outer in range(plan.outer):
        for i in range(segments.count):
            if segments.offsets[i + 1] - segments.offsets[i] > LSE_PIECE:
                find_row(plan, outer, &row, &base)
                find_segment(segments, &row, base, i, &segment, &out)
                whole_states(plan, &segment, 1, False, NULL, threads, &states)
                finish_group(plan, &segment, &out, 1, &states, threads)
    run(segments_task, segments, plan.outer * segments.batches, threads)
    lse_fp_leave(found)


def reduce_segments(cnp.ndarray a not None, const Py_ssize_t[::1] offsets, int axis, bint single,
                    cnp.ndarray first not None, Py_ssize_t step):
    """Reduce the segments of an axis: `first` is where the results of the first segments go, `step` bytes from each to
    the next. Offsets are in range and ascend."""
    cdef Plan plan
    cdef Segments segments
    cdef unsigned long long reduced = (<unsigned long long>1) << axis
    check_shape("the output", a, first, reduced)
    make_plan(&plan, SEGMENTS, a, None, None, reduced, single, first)
    segments.plan = &plan
    segments.offsets = &offsets[0]
    segments.count = offsets.shape[0] - 1
    segments.step = step
    segments.stride = cnp.PyArray_STRIDE(a, axis)
    with nogil:
        execute_segments(&segments, threads_for(cnp.PyArray_SIZE(a), plan.itemsize))
