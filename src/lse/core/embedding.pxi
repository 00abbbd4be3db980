# For compiled code ------------------------------------------------------------------------------------------

include "c_functions.pxi"

cdef extern from *:
    '''
    #define lse_assert_same_size(a, b) _Static_assert(sizeof(*(a)) == sizeof(*(b)), "State is not lse_state")
    '''
    void lse_assert_same_size(State *a, lse_state *b) noexcept

lse_assert_same_size(<State *>NULL, <lse_state *>NULL)
STATE_SIZE = sizeof(lse_state)


cdef double integrand(int n, double *x) noexcept nogil:
    cdef double value
    return value if lse_logsumexp_f64(x, n, &value) == 0 else NAN


cdef int filter_footprint(double *buffer, intptr_t size, double *result, void *user_data) noexcept nogil:
    return lse_logsumexp_f64(buffer, size, result) == 0


_C_API = PyCapsule_New(<void *>lse_get_api(), "lse._core._C_API", NULL)
