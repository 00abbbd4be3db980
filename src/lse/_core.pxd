# What Cython users cimport, by `cimport lse` or `from lse cimport ...`: the functions of include/lse/lse.h, whose
# comments hold for these, without the lse_. All may be called without the GIL, and none raises: they return 0 or an
# error, which error_message explains.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t, intptr_t, uint32_t


ctypedef struct State:  # lse_state
    uint32_t magic
    uint32_t version
    int64_t count
    double plain[4]
    double weighted[4]
    double reserved[2]


cdef const char *error_message(int error) noexcept nogil
cdef const char *kernels_in_use() noexcept nogil
cdef int logsumexp_f64(const double *x, ptrdiff_t n, double *value) noexcept nogil
cdef int logsumexp_f32(const float *x, ptrdiff_t n, float *value) noexcept nogil
cdef int logsumexp_strided_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, double *value) noexcept nogil
cdef int logsumexp_strided_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, float *value) noexcept nogil
cdef int logsumexp_weighted_f64(const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride, ptrdiff_t n,
                                double *value, double *sign) noexcept nogil
cdef int logsumexp_weighted_f32(const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride, ptrdiff_t n,
                                float *value, float *sign) noexcept nogil
cdef int logsumexp_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                            double *values, int threads) noexcept nogil
cdef int logsumexp_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                            float *values, int threads) noexcept nogil
cdef int softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                          double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil
cdef int softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                          float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil
cdef int log_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil
cdef int log_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil
cdef int state_init(State *state) noexcept nogil
cdef int state_update_f64(State *state, const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                          ptrdiff_t n) noexcept nogil
cdef int state_update_f32(State *state, const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride,
                          ptrdiff_t n) noexcept nogil
cdef int state_merge(State *into, const State *other) noexcept nogil
cdef int state_finish(const State *state, double *value, double *sign) noexcept nogil

# For scipy.LowLevelCallable.from_cython: an integrand of scipy.integrate, log(sum(exp(x))) of n numbers; and a function
# of scipy.ndimage.generic_filter, which returns 1, or 0 for an error.
cdef double integrand(int n, double *x) noexcept nogil
cdef int filter_footprint(double *buffer, intptr_t size, double *result, void *user_data) noexcept nogil
