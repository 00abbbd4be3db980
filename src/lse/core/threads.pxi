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


cdef void run_one(task_function task, void *context, Py_ssize_t index) noexcept nogil:
    cdef lse_fp_state found = lse_fp_enter()
    task(context, index)
    lse_fp_leave(found)


cdef void run(task_function task, void *context, Py_ssize_t count, int threads) noexcept nogil:
    cdef Py_ssize_t i
    if threads > count:
        threads = <int>count
    if threads <= 1:
        for i in range(count):
            task(context, i)
    else:
        for i in prange(count, num_threads=threads, schedule="dynamic"):
            run_one(task, context, i)
