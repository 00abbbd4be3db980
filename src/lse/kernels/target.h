/* The one place that asks what the compiler and the processor are. */
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

/* How far ahead of the arithmetic memory is asked for, in bytes. The processor's own prefetching stops at the end of
 * a page, and is thrown off by the pause between two rows. */
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

/* What each thread has for itself. */
#if defined(_MSC_VER) && !defined(__clang__)
#define LSE_THREAD_LOCAL __declspec(thread)
#else
#define LSE_THREAD_LOCAL _Thread_local
#endif

/* Reads and writes of what threads share, atomic and in no order; addition of a long long. */
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

/* Between BEGIN and END every function may use the named instruction sets. Include <immintrin.h> before
 * the first region. MSVC needs no regions: there intrinsics compile wherever they stand. */
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
