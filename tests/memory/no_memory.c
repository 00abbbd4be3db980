/* Preloaded: one allocation of the requesting thread fails. */
#include <errno.h>
#include <stddef.h>

/* glibc's own functions. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static __thread long left = -1; /* allocations before the one that fails; -1: none fails */

void refuse(long n) { left = n; }

/* Whether it has failed. */
int has_refused(void) { return left < 0; }

static int is_refused(void)
{
    if (left < 0 || left-- > 0) return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) { return is_refused() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return is_refused() ? NULL : __libc_calloc(count, size); }
void *realloc(void *memory, size_t size) { return is_refused() ? NULL : __libc_realloc(memory, size); }
