/* The only place that depends on the compiler and the processor. */
#ifndef LSE_TARGET_H
#define LSE_TARGET_H

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
