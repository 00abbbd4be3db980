# Threads ----------------------------------------------------------------------------------------------------

if lse_watch_forks(False) != 0:
    raise ImportError("lse: the operating system refused to watch for fork (pthread_atfork)")


def note_fork():
    """Use no threads from now on, as in a child made by fork."""
    lse_note_fork()


def limit_threads(int limit, int environment):
    """Set both limits; 0 is none, -1 leaves the one there is. Return the explicit one there was."""
    return lse_limit_threads(limit, environment)


def limit_own_threads(limit: int) -> int:
    """Set how many threads the reductions of the calling thread use, 0: as many as others; return what it was."""
    return lse_limit_own_threads(limit)


def available_threads() -> int:
    """How many threads a large reduction of the calling thread would use now."""
    return lse_available_threads()


def openmp_version() -> int:
    """The value of _OPENMP that this was compiled with, 0 without OpenMP."""
    return lse_openmp_version()


def progress() -> int:
    """Elements that all reductions of this process have read so far."""
    return lse_progress()


# Signals ----------------------------------------------------------------------------------------------------

cdef extern from *:
    '''
    /* Of the one thread that asks. PyGILState_Ensure might take another state, where there are several interpreters. */
    static PyThreadState *asking = NULL;
    static int is_interrupted(void)
    {
        PyEval_RestoreThread(asking);
        const int raised = PyErr_CheckSignals(); /* the exception stays set */
        asking = PyEval_SaveThread();
        return raised;
    }
    static lse_question question_of_this_thread(void)
    {
        asking = PyThreadState_Get();
        return is_interrupted;
    }
    static int raise_interrupt(void) { return PyErr_Occurred() ? -1 : 0; }
    '''
    lse_question question_of_this_thread()
    int raise_interrupt() except -1


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()


cdef enum:
    SIGNALS_FROM = 1 << 20  # elements; less is done before anybody waits

cdef unsigned long main_thread = 0  # the only one that runs handlers of signals; 0 until somebody wants to know


cdef bint is_main_thread() except -1:
    global main_thread
    if main_thread == 0:
        import threading
        main_thread = threading.main_thread().ident
    return PyThread_get_thread_ident() == main_thread


def note_main_thread():
    """Take the calling thread for the main one, as it is in a child that it has forked."""
    global main_thread
    main_thread = PyThread_get_thread_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=note_main_thread)
