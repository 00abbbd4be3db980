# Threads ----------------------------------------------------------------------------------------------------

if lse_watch_forks() != 0:
    raise ImportError("lse: the operating system refused to watch for fork (pthread_atfork)")


def limit_threads(int limit, int environment):
    """Set both limits; 0 is none, -1 leaves the one there is. Return the explicit one there was."""
    return lse_limit_threads(limit, environment)


def limit_own_threads(limit):
    """Set how many threads the reductions of the calling thread use at most, 0: no limit; return the one there was."""
    return lse_limit_own_threads(limit)


def num_threads() -> int:
    """How many threads a large reduction would use now."""
    return lse_available_threads()


def openmp_version() -> int:
    """The value of _OPENMP that this was compiled with, 0 without OpenMP."""
    return lse_openmp_version()


def progress() -> int:
    """Elements that all reductions of this process have read so far."""
    return lse_progress()


cdef void run_one(lse_task task, void *context, ptrdiff_t index) noexcept nogil:
    cdef lse_fp_state found = lse_fp_enter()
    task(context, index)
    lse_fp_leave(found)


cdef void run(lse_task task, void *context, ptrdiff_t count, int threads) noexcept nogil:
    """Rows, columns and pieces over OpenMP threads: the lse_run of core/threads.h."""
    cdef ptrdiff_t i
    if threads > count:
        threads = <int>count
    if threads <= 1:
        for i in range(count):
            task(context, i)
    else:
        for i in prange(count, num_threads=threads, schedule="dynamic"):
            run_one(task, context, i)
