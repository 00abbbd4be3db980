# Threads ----------------------------------------------------------------------------------------------------

if lse_watch_forks(False) != 0:
    raise ImportError("lse: the operating system refused to watch for fork (pthread_atfork)")


def note_fork():
    """Use one thread from now on, as in a child created by fork."""
    lse_note_fork()


def limit_threads(int limit, int environment):
    """Set both limits; 0 is no limit, -1 keeps the current one. Return the previous explicit one."""
    return lse_limit_threads(limit, environment)


def limit_own_threads(limit: int) -> int:
    """Set the number of threads for reductions of the calling thread, 0: no own limit; return the previous one."""
    return lse_limit_own_threads(limit)


def available_threads() -> int:
    """The number of threads that a large reduction of the calling thread would use now."""
    return lse_available_threads()


def openmp_version() -> int:
    """The value of _OPENMP of this build, 0 without OpenMP."""
    return lse_openmp_version()


def compiler() -> str:
    """The compiler of this build, with its version."""
    return lse_compiler().decode().strip()


def progress() -> int:
    """Elements that all reductions of this process have read so far."""
    return lse_progress()


# Signals ----------------------------------------------------------------------------------------------------

cdef extern from *:
    '''
    /* The state of the only thread that asks. With several interpreters PyGILState_Ensure might take another one. */
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
    SIGNALS_FROM = 1 << 20  # elements; smaller reductions end soon enough

cdef unsigned long main_thread = 0  # the only one that runs signal handlers; 0 until it is first needed


cdef bint is_main_thread() except -1:
    global main_thread
    if main_thread == 0:
        import threading
        main_thread = threading.main_thread().ident
    return PyThread_get_thread_ident() == main_thread


def note_main_thread():
    """Note the calling thread as the main one, as it is in a child that it has forked."""
    global main_thread
    main_thread = PyThread_get_thread_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=note_main_thread)
