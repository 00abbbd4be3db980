/* How many threads, and when none: one answer for all of a process. */
#ifndef LSE_THREADS_H
#define LSE_THREADS_H

#include <stddef.h>

/* Calls task(context, i) for i < count in any order, on so many threads. */
typedef void (*lse_task)(void *context, ptrdiff_t index);
typedef void (*lse_run)(lse_task task, void *context, ptrdiff_t count, int threads);

/* An lse_run: OpenMP's, each task in the default floating-point state; serial where there is no OpenMP. */
void lse_run_tasks(lse_task task, void *context, ptrdiff_t count, int threads);

/* Why a call stops before its end. What it has written by then means nothing. */
enum { LSE_NO_MEMORY = 1, LSE_INTERRUPTED, LSE_NO_KERNEL };

/* Sets what the calling thread asks of its caller while it works, some times a second: anything but 0 interrupts.
 * NULL is nothing. Returns what it was. */
typedef int (*lse_question)(void);
lse_question lse_ask_meanwhile(lse_question question);

/* Whether to stop, asked by all threads before each piece of work. */
int lse_is_stopped(int *failed);

/* Asks to be told of forks; 0, or an error of the operating system. Once is enough, more does no harm. late: the first
 * time looks whether this process is itself a fork, and takes note of it. */
int lse_watch_forks(int late);
/* This process is a fork: no threads from now on. */
void lse_note_fork(void);

/* Set both limits: threads as the caller wants them, and what the environment allows; 0 is none, -1 leaves the one
 * there is. Returns the first as it was. */
int lse_limit_threads(int wanted, int environment);

/* Sets how many threads the reductions of the calling thread use, whatever the other limits; 0: these hold. Returns
 * what it was. */
int lse_limit_own_threads(int limit);

/* Threads that a large reduction would use now; and those that one of so many elements should, of which more than one
 * pay from so many on, if its caller wants so many (0: as many as there are). */
int lse_available_threads(void);
int lse_threads_for(ptrdiff_t elements, ptrdiff_t parallel_from, int wanted);

/* The value of _OPENMP, 0 without. */
int lse_openmp_version(void);

/* Elements that all reductions of this process have read so far. */
long long lse_progress(void);
void lse_add_progress(long long n);

#endif
