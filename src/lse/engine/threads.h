/* The number of threads to use, for the whole process. */
#ifndef LSE_THREADS_H
#define LSE_THREADS_H

#include <stddef.h>

/* Calls task(context, i) for i < count in any order, on this many threads. */
typedef void (*lse_task)(void *context, ptrdiff_t index);
typedef void (*lse_run)(lse_task task, void *context, ptrdiff_t count, int threads);

/* An lse_run: OpenMP's, each task in the default floating-point environment; serial without OpenMP. */
void lse_run_tasks(lse_task task, void *context, ptrdiff_t count, int threads);

/* Reasons why a call stops early. Its output is then undefined. */
enum { LSE_NO_MEMORY = 1, LSE_INTERRUPTED, LSE_NO_KERNEL };

/* Sets the function by which the calling thread asks its caller several times a second whether to stop: nonzero
 * interrupts. NULL removes it. Returns the previous one. */
typedef int (*lse_question)(void);
lse_question lse_ask_meanwhile(lse_question question);

/* Whether to stop; checked by all threads before each piece of work. */
int lse_is_stopped(int *failed);

/* Registers a fork handler; returns 0, or an error of the operating system. Calling it again is harmless. late: the
 * first call checks whether this process is itself a fork, and if so notes that. */
int lse_watch_forks(int late);
/* This process is a fork: no threads from now on. */
void lse_note_fork(void);

/* Sets both limits: the number of threads that the user wants, and the one that the environment allows; 0 is no limit,
 * -1 keeps the current one. Returns the previous value of the first. */
int lse_limit_threads(int wanted, int environment);

/* Sets the number of threads for reductions of the calling thread, overriding all other limits; 0 removes it. Returns
 * the previous value. */
int lse_limit_own_threads(int limit);

/* The number of threads that a large reduction would use now; and the number for this many elements: 1 below
 * parallel_from, otherwise wanted, or, if that is 0, as many as available. */
int lse_available_threads(void);
int lse_threads_for(ptrdiff_t elements, ptrdiff_t parallel_from, int wanted);

/* The value of _OPENMP, or 0; and the compiler. */
int lse_openmp_version(void);
const char *lse_compiler(void);

/* Elements that all reductions of this process have read so far. */
long long lse_progress(void);
void lse_add_progress(long long n);

#endif
