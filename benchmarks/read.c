/* The limits of memory: every byte of an array loaded once at full vector width, or copied, by some threads. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { WIDTH = 64 };
#elif defined(__AVX__)
enum { WIDTH = 32 };
#else
enum { WIDTH = 16 };
#endif
typedef uint64_t vector __attribute__((vector_size(WIDTH), may_alias));

static uint64_t read_range(const char *start, const char *end)
{
    uint64_t total = 0;
    for (; start < end && (uintptr_t)start % WIDTH; start++) total |= (unsigned char)*start;
    vector a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, f = {0}, g = {0}, h = {0};
    const vector *p = (const vector *)start;
    size_t whole = (size_t)(end - start) / WIDTH, i = 0;
    for (; i + 8 <= whole; i += 8) {
        a |= p[i];
        b |= p[i + 1];
        c |= p[i + 2];
        d |= p[i + 3];
        e |= p[i + 4];
        f |= p[i + 5];
        g |= p[i + 6];
        h |= p[i + 7];
    }
    for (; i < whole; i++) a |= p[i];
    a |= b | c | d | e | f | g | h;
    for (size_t lane = 0; lane < WIDTH / 8; lane++) total |= a[lane];
    for (start = (const char *)(p + whole); start < end; start++) total |= (unsigned char)*start;
    return total;
}

#ifdef _OPENMP
const int read_has_threads = 1;
#else
const int read_has_threads = 0;
#endif

/* Where the share of thread i of `threads` starts: whole cache lines, but for the last. */
static size_t share(size_t size, int i, int threads)
{
    return i == threads ? size : size / 64 / (size_t)threads * (size_t)i * 64;
}

uint64_t read_bytes(const char *data, size_t size, int threads)
{
    uint64_t total = 0;
    if (threads <= 1) return read_range(data, data + size);
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(| : total)
#endif
    for (int i = 0; i < threads; i++)
        total |= read_range(data + share(size, i, threads), data + share(size, i + 1, threads));
    return total;
}

void copy_bytes(const char *from, char *to, size_t size, int threads)
{
    if (threads <= 1) {
        memcpy(to, from, size);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1)
#endif
    for (int i = 0; i < threads; i++) {
        size_t first = share(size, i, threads);
        memcpy(to + first, from + first, share(size, i + 1, threads) - first);
    }
}
