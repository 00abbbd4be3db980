/* The only place that depends on the compiler and the processor. */
#ifndef LSE_TARGET_H
#define LSE_TARGET_H

#include <float.h>
#include <stdint.h>

/* Each operation must round to its type. It does if floats are computed in double and then rounded, as on s390x, because
 * a double has more than twice the digits; not in the registers of x87. */
#if FLT_EVAL_METHOD == 2
#error "compile for 32-bit x86 with -msse2 -mfpmath=sse"
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define LSE_X86_64 1
#else
#define LSE_X86_64 0
#endif

#if defined(__aarch64__) || defined(_M_ARM64)
#define LSE_AARCH64 1
#else
#define LSE_AARCH64 0
#endif

/* Prefetch distance, in bytes. The hardware prefetcher stops at the end of a page, and loses track in the pause between
 * two rows. */
enum { LSE_AHEAD = 8192 };

#if defined(_MSC_VER) && !defined(__clang__)
#define LSE_INLINE static __forceinline
#define LSE_UNROLL
#define LSE_PREFETCH(address) ((void)(address))
#define LSE_PREFETCH_OUT(address) ((void)(address))
#else
#define LSE_PREFETCH(address) __builtin_prefetch(address)
#define LSE_PREFETCH_OUT(address) __builtin_prefetch(address, 1)
#define LSE_INLINE static inline __attribute__((always_inline, unused))
#define LSE_UNROLL LSE_PRAGMA(GCC unroll 16)
#endif

/* Thread-local storage. */
#if defined(_MSC_VER) && !defined(__clang__)
#define LSE_THREAD_LOCAL __declspec(thread)
#else
#define LSE_THREAD_LOCAL _Thread_local
#endif

/* Atomic, relaxed reads and writes of shared variables, and addition to a long long. */
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define LSE_LOAD(address) (*(address))
#define LSE_STORE(address, value) (*(address) = (value))
#define LSE_ADD(address, value) ((void)_InterlockedExchangeAdd64(address, value))
#else
#define LSE_LOAD(address) __atomic_load_n(address, __ATOMIC_RELAXED)
#define LSE_STORE(address, value) __atomic_store_n(address, value, __ATOMIC_RELAXED)
#define LSE_ADD(address, value) ((void)__atomic_fetch_add(address, value, __ATOMIC_RELAXED))
#endif

/* The high word of a product of two 64-bit words; the low one is a * b. */
#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 lse_two_words;
LSE_INLINE uint64_t lse_high_word(uint64_t a, uint64_t b) { return (uint64_t)((lse_two_words)a * b >> 64); }
#elif defined(_MSC_VER) && (LSE_X86_64 || LSE_AARCH64)
LSE_INLINE uint64_t lse_high_word(uint64_t a, uint64_t b) { return __umulh(a, b); }
#else
LSE_INLINE uint64_t lse_high_word(uint64_t a, uint64_t b)
{
    const uint64_t half = UINT64_C(0xffffffff), low = (a & half) * (b & half);
    const uint64_t first = (a >> 32) * (b & half) + (low >> 32), second = (a & half) * (b >> 32) + (first & half);
    return (a >> 32) * (b >> 32) + (first >> 32) + (second >> 32);
}
#endif

#define LSE_PRAGMA(text) _Pragma(#text)

/* Between BEGIN and END every function may use the named instruction sets. Include <immintrin.h> before the first
 * region. MSVC needs no regions: it compiles intrinsics anywhere. */
#if defined(__clang__)
#define LSE_REGION_BEGIN(features) \
    LSE_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define LSE_REGION_END LSE_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
#define LSE_REGION_BEGIN(features) LSE_PRAGMA(GCC push_options) LSE_PRAGMA(GCC target(features))
#define LSE_REGION_END LSE_PRAGMA(GCC pop_options)
#else
#define LSE_REGION_BEGIN(features)
#define LSE_REGION_END
#endif

#endif
