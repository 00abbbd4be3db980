/* The floating-point environment of a thread: the kernels run in the default one (round to nearest, subnormals kept, no
 * traps), and modes and status flags are restored afterwards. */
#ifndef LSE_FP_H
#define LSE_FP_H

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
typedef unsigned lse_fp_state;
/* Writing the register would make a call of 8 elements 171 ns long instead of 95, so it is only written if something
 * changed. The usual change is the inexact flag, which most callers have set already. */
static lse_fp_state lse_fp_enter(void)
{
    enum { FLAGS = 0x3f, DEFAULT_MODES = 0x1f80 };
    const lse_fp_state found = _mm_getcsr();
    if ((found & ~(unsigned)FLAGS) != DEFAULT_MODES) _mm_setcsr(DEFAULT_MODES);
    return found;
}
static void lse_fp_leave(lse_fp_state found)
{
    if (_mm_getcsr() != found) _mm_setcsr(found);
}
/* Numbers below the normal range count as 0 until lse_fp_leave: each costs some 150 cycles otherwise. */
static inline lse_fp_state lse_fp_flush(void)
{
    enum { FLUSH_BOTH = 0x8040 };
    const lse_fp_state found = _mm_getcsr();
    _mm_setcsr(found | FLUSH_BOTH);
    return found;
}
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
static inline lse_fp_state lse_fp_flush(void) { return lse_fp_enter(); } /* they cost nothing here */
#endif

#endif
