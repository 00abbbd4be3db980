/* Memory in large pages. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* madvise */
#endif

#include "engine/memory.h"

#include <stdlib.h>

enum { LARGE = 1 << 22 }; /* bytes; NumPy does the same from there on */

#ifdef __linux__
#include <stdint.h>
#include <sys/mman.h>

static void ask_for_large_pages(void *memory, size_t bytes)
{
    enum { PAGE = 4096 };
    const uintptr_t first = ((uintptr_t)memory + PAGE - 1) / PAGE * PAGE;
    const uintptr_t end = ((uintptr_t)memory + bytes) / PAGE * PAGE;
    madvise((void *)first, end - first, MADV_HUGEPAGE);
}
#else
static void ask_for_large_pages(void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
}
#endif

void *lse_large_memory(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory && bytes >= LARGE) ask_for_large_pages(memory, bytes);
    return memory;
}
