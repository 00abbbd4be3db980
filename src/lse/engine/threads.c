/* Calls to OpenMP and the operating system, with fallbacks where either is missing. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "engine/threads.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "engine/fp.h"
#include "kernels/target.h"

#ifdef _OPENMP
#include <omp.h>
static int max_threads(void) { return omp_get_max_threads(); }
static int in_parallel(void) { return omp_in_parallel(); }
int lse_openmp_version(void) { return _OPENMP; }
#else
static int max_threads(void) { return 1; }
static int in_parallel(void) { return 0; }
int lse_openmp_version(void) { return 0; }
#endif

#if defined(__clang__)
const char *lse_compiler(void) { return "clang " __clang_version__; }
#elif defined(__GNUC__)
const char *lse_compiler(void) { return "gcc " __VERSION__; }
#elif defined(_MSC_FULL_VER)
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
const char *lse_compiler(void) { return "MSVC " TEXT(_MSC_FULL_VER); }
#else
const char *lse_compiler(void) { return "unknown"; }
#endif

/* libgomp hangs in a child that was forked after any library of the parent ran a parallel region. */
static int is_forked_child = 0;
void lse_note_fork(void) { LSE_STORE(&is_forked_child, 1); }

#ifdef __linux__
#include <stdio.h>
#include <string.h>
/* Whether this process was created by fork and has not called exec since. */
static int is_fork(void)
{
    char text[256] = ""; /* enough for the ninth field of /proc/PID/stat */
    unsigned flags = 0;
    FILE *file = fopen("/proc/self/stat", "r");
    if (!file) return 0;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *rest = strrchr(text, ')');
    return rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && flags & 0x40; /* PF_FORKNOEXEC */
}
#else
static int is_fork(void) { return 0; }
#endif

#ifdef _WIN32
int lse_watch_forks(int late) { return late ? is_fork() : 0; }
#else
#include <pthread.h>
int lse_watch_forks(int late)
{
    static int watched = 0;
    if (LSE_LOAD(&watched)) return 0;
    if (late && is_fork()) lse_note_fork();
    const int error = pthread_atfork(NULL, NULL, lse_note_fork);
    LSE_STORE(&watched, error == 0);
    return error;
}
#endif

#ifdef __linux__
#include <sched.h>
static int affinity(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}
#else
static int affinity(void) { return 0; }
#endif

static int wanted_limit = 0, environment_limit = 0;
static LSE_THREAD_LOCAL int own_limit = 0; /* of the calling thread, overrides the others; 0: none */

int lse_limit_own_threads(int limit)
{
    const int before = own_limit;
    own_limit = limit;
    return before;
}

int lse_limit_threads(int wanted, int environment)
{
    const int before = LSE_LOAD(&wanted_limit);
    if (wanted >= 0) LSE_STORE(&wanted_limit, wanted);
    if (environment >= 0) LSE_STORE(&environment_limit, environment);
    return before;
}

int lse_available_threads(void)
{
    const int wanted = LSE_LOAD(&wanted_limit), environment = LSE_LOAD(&environment_limit);
    if (LSE_LOAD(&is_forked_child)) return 1;
    if (own_limit > 0) return own_limit;
    if (wanted > 0) return wanted;
    int threads = max_threads();
    const int allowed = affinity();
    if (0 < allowed && allowed < threads) threads = allowed;
    if (0 < environment && environment < threads) threads = environment;
    return threads;
}

int lse_threads_for(ptrdiff_t elements, ptrdiff_t parallel_from, int wanted)
{
    if (elements < parallel_from || LSE_LOAD(&is_forked_child) || in_parallel()) return 1;
    return wanted > 0 ? wanted : lse_available_threads();
}

static void run_one(lse_task task, void *context, ptrdiff_t index)
{
    const lse_fp_state found = lse_fp_enter();
    task(context, index);
    lse_fp_leave(found);
}

/* OpenMP runtimes abort the process if the system refuses them a thread. So a thread that needs a larger team than
 * before first starts as many threads itself, all at the same time, plus one for other resources of a team; if that
 * fails, the team is 1. Teams that shrink release their threads. */
#if defined(_OPENMP) && !defined(_WIN32)
static void *pass(void *gate)
{
    pthread_mutex_lock((pthread_mutex_t *)gate);
    pthread_mutex_unlock((pthread_mutex_t *)gate);
    return NULL;
}

static int are_startable(int threads)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *started = (pthread_t *)malloc((size_t)threads * sizeof *started);
    int count = 0;
    if (!started) return 0;
    pthread_mutex_lock(&gate);
    while (count < threads && pthread_create(&started[count], NULL, pass, &gate) == 0) count++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++) pthread_join(started[i], NULL);
    free(started);
    return count == threads;
}

static int team_of(int threads)
{
    static LSE_THREAD_LOCAL int latest = 1;
    if (threads > latest && !are_startable(threads)) return 1;
    return latest = threads;
}
#else
static int team_of(int threads) { return threads; }
#endif

void lse_run_tasks(lse_task task, void *context, ptrdiff_t count, int threads)
{
    if (threads > count) threads = (int)count;
    if (threads > 1) threads = team_of(threads);
    if (threads <= 1) {
        for (ptrdiff_t i = 0; i < count; i++) task(context, i);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic)
#endif
    for (ptrdiff_t i = 0; i < count; i++) run_one(task, context, i);
}

/* Interrupts ----------------------------------------------------------------------------------------------- */

enum { PIECES = 8, INTERVAL = 100 }; /* pieces between readings of the clock; milliseconds between questions */
static LSE_THREAD_LOCAL lse_question own_question = NULL;
static LSE_THREAD_LOCAL unsigned pieces = 0;
static LSE_THREAD_LOCAL uint64_t asked = 0;

static uint64_t milliseconds(void)
{
    struct timespec now = {0, 0};
    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

lse_question lse_ask_meanwhile(lse_question question)
{
    const lse_question before = own_question;
    own_question = question;
    if (question) asked = milliseconds();
    return before;
}

int lse_is_stopped(int *failed)
{
    if (own_question && ++pieces % PIECES == 0 &&
        milliseconds() - asked > INTERVAL) { /* also if the clock is set back */
        const lse_fp_state found = lse_fp_enter();
        if (own_question()) LSE_STORE(failed, LSE_INTERRUPTED);
        asked = milliseconds();
        lse_fp_leave(found);
    }
    return LSE_LOAD(failed);
}

static long long progress = 0;
long long lse_progress(void) { return LSE_LOAD(&progress); }
void lse_add_progress(long long n) { LSE_ADD(&progress, n); }
