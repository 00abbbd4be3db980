/* Which tables this processor and operating system can run, and which one is used. */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "target.h"

#if LSE_X86_64
#if defined(_MSC_VER)
#include <intrin.h>
static void cpuid(unsigned leaf, unsigned subleaf, unsigned r[4]) { __cpuidex((int *)r, (int)leaf, (int)subleaf); }
static unsigned long long xgetbv0(void) { return _xgetbv(0); }
#else
#include <cpuid.h>
static void cpuid(unsigned leaf, unsigned subleaf, unsigned r[4])
{
    if (!__get_cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3])) r[0] = r[1] = r[2] = r[3] = 0;
}
static unsigned long long xgetbv0(void)
{
    unsigned lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return ((unsigned long long)hi << 32) | lo;
}
#endif

/* The processor has the instructions and the operating system saves the registers they use. */
static void detect(int *avx2, int *avx512)
{
    enum { EBX = 1, ECX = 2 };
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29; /* leaf 1, ECX */
    const unsigned needed = fma | osxsave | avx | f16c;
    const unsigned avx2_bit = 1u << 5, avx512f = 1u << 16; /* leaf 7, EBX */
    const unsigned long long ymm = 0x06, zmm = 0xe6;       /* XCR0 */
    unsigned one[4], seven[4];
    *avx2 = *avx512 = 0;
    cpuid(1, 0, one);
    if ((one[ECX] & needed) != needed) return;
    cpuid(7, 0, seven);
    const unsigned long long saved = xgetbv0();
    *avx2 = (seven[EBX] & avx2_bit) && (saved & ymm) == ymm;
    *avx512 = *avx2 && (seven[EBX] & avx512f) && (saved & zmm) == zmm;
}
#else
static void detect(int *avx2, int *avx512) { *avx2 = *avx512 = 0; }
#endif

const lse_kernels *lse_available(int index)
{
    int avx2, avx512;
    detect(&avx2, &avx512);
    const lse_kernels *const all[] = {
        avx512 ? lse_kernels_avx512() : NULL,
        avx2 ? lse_kernels_avx2() : NULL,
        lse_kernels_neon(),
        lse_kernels_scalar(),
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] && index-- == 0) return all[i];
    return NULL;
}

static const lse_kernels *named(const char *wanted)
{
    const lse_kernels *table;
    for (int i = 0; (table = lse_available(i)) != NULL; i++)
        if (!wanted || !*wanted || !strcmp(wanted, table->name)) break;
    return table;
}

static const lse_kernels *chosen = NULL;

const lse_kernels *lse_chosen(void)
{
    const lse_kernels *table = LSE_LOAD(&chosen);
    if (table) return table;
    table = named(getenv("LSE_KERNELS"));
    if (table) LSE_STORE(&chosen, table); /* concurrent callers find the same table */
    return table;
}

const lse_kernels *lse_choose(const char *wanted)
{
    const lse_kernels *table = named(wanted);
    if (table) LSE_STORE(&chosen, table);
    return table;
}
