/* The floating-point state of a thread: the kernels run in the default one (round to nearest, subnormals kept, nothing
 * trapped), and leave modes and status flags as they were found. */
#ifndef LSE_FP_H
#define LSE_FP_H

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
typedef unsigned lse_fp_state;
static lse_fp_state lse_fp_enter(void)
{
    const lse_fp_state found = _mm_getcsr();
    _mm_setcsr(0x1f80);
    return found;
}
static void lse_fp_leave(lse_fp_state found) { _mm_setcsr(found); }
#else
#include <fenv.h>
typedef fenv_t lse_fp_state;
static lse_fp_state lse_fp_enter(void)
{
    lse_fp_state found;
    fegetenv(&found);
    fesetenv(FE_DFL_ENV);
    return found;
}
static void lse_fp_leave(lse_fp_state found) { fesetenv(&found); }
#endif

#endif
