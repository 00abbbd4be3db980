/* What the core asks of OpenMP and of the operating system, with answers where either is missing. */
#ifndef LSE_THREADS_H
#define LSE_THREADS_H

#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#ifdef _OPENMP
#include <omp.h>
static int lse_omp_max_threads(void) { return omp_get_max_threads(); }
static int lse_omp_in_parallel(void) { return omp_in_parallel(); }
static int lse_omp_version(void) { return _OPENMP; }
#else
static int lse_omp_max_threads(void) { return 1; }
static int lse_omp_in_parallel(void) { return 0; }
static int lse_omp_version(void) { return 0; }
#endif

/* libgomp hangs in a child that was forked after any library of the parent ran a parallel region. */
static int lse_is_forked_child = 0;
#ifdef _WIN32
static int lse_watch_forks(void) { return 0; }
#else
#include <pthread.h>
static void lse_note_fork(void) { lse_is_forked_child = 1; }
static int lse_watch_forks(void) { return pthread_atfork(NULL, NULL, lse_note_fork); }
#endif

#ifdef __linux__
#include <sched.h>
static int lse_affinity(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}
#else
static int lse_affinity(void) { return 0; }
#endif

/* Elements read so far, for progress bars; one writer at a time is not assured, so it is added atomically. */
static long long lse_progress = 0;
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
static void lse_add_progress(long long n) { _InterlockedExchangeAdd64(&lse_progress, n); }
#else
static void lse_add_progress(long long n) { __atomic_fetch_add(&lse_progress, n, __ATOMIC_RELAXED); }
#endif

#endif
