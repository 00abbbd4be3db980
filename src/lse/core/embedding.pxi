# For compiled code ------------------------------------------------------------------------------------------

cdef const char *error_message(int error) noexcept nogil:
    return lse_error_message(error)


cdef const char *kernels_in_use() noexcept nogil:
    return lse_kernels_in_use()


cdef int logsumexp_f64(const double *x, ptrdiff_t n, double *value) noexcept nogil:
    return lse_logsumexp_f64(x, n, value)


cdef int logsumexp_f32(const float *x, ptrdiff_t n, float *value) noexcept nogil:
    return lse_logsumexp_f32(x, n, value)


cdef int logsumexp_strided_f64(const double *x, ptrdiff_t stride, ptrdiff_t n, double *value) noexcept nogil:
    return lse_logsumexp_strided_f64(x, stride, n, value)


cdef int logsumexp_strided_f32(const float *x, ptrdiff_t stride, ptrdiff_t n, float *value) noexcept nogil:
    return lse_logsumexp_strided_f32(x, stride, n, value)


cdef int logsumexp_weighted_f64(const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride, ptrdiff_t n,
                                double *value, double *sign) noexcept nogil:
    return lse_logsumexp_weighted_f64(x, x_stride, b, b_stride, n, value, sign)


cdef int logsumexp_weighted_f32(const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride, ptrdiff_t n,
                                float *value, float *sign) noexcept nogil:
    return lse_logsumexp_weighted_f32(x, x_stride, b, b_stride, n, value, sign)


cdef int logsumexp_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                            double *values, int threads) noexcept nogil:
    return lse_logsumexp_rows_f64(x, row_stride, stride, rows, n, values, threads)


cdef int logsumexp_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                            float *values, int threads) noexcept nogil:
    return lse_logsumexp_rows_f32(x, row_stride, stride, rows, n, values, threads)


cdef int softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                          double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil:
    return lse_softmax_rows_f64(x, row_stride, stride, rows, n, out, out_row_stride, out_stride, threads)


cdef int softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                          float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil:
    return lse_softmax_rows_f32(x, row_stride, stride, rows, n, out, out_row_stride, out_stride, threads)


cdef int log_softmax_rows_f64(const double *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              double *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil:
    return lse_log_softmax_rows_f64(x, row_stride, stride, rows, n, out, out_row_stride, out_stride, threads)


cdef int log_softmax_rows_f32(const float *x, ptrdiff_t row_stride, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t n,
                              float *out, ptrdiff_t out_row_stride, ptrdiff_t out_stride, int threads) noexcept nogil:
    return lse_log_softmax_rows_f32(x, row_stride, stride, rows, n, out, out_row_stride, out_stride, threads)


cdef int state_init(State *state) noexcept nogil:
    return lse_state_init(<lse_state *>state)


cdef int state_update_f64(State *state, const double *x, ptrdiff_t x_stride, const double *b, ptrdiff_t b_stride,
                          ptrdiff_t n) noexcept nogil:
    return lse_state_update_f64(<lse_state *>state, x, x_stride, b, b_stride, n)


cdef int state_update_f32(State *state, const float *x, ptrdiff_t x_stride, const float *b, ptrdiff_t b_stride,
                          ptrdiff_t n) noexcept nogil:
    return lse_state_update_f32(<lse_state *>state, x, x_stride, b, b_stride, n)


cdef int state_merge(State *into, const State *other) noexcept nogil:
    return lse_state_merge(<lse_state *>into, <const lse_state *>other)


cdef int state_finish(const State *state, double *value, double *sign) noexcept nogil:
    return lse_state_finish(<const lse_state *>state, value, sign)


cdef double integrand(int n, double *x) noexcept nogil:
    cdef double value
    return value if lse_logsumexp_f64(x, n, &value) == 0 else NAN


cdef int filter_footprint(double *buffer, intptr_t size, double *result, void *user_data) noexcept nogil:
    return lse_logsumexp_f64(buffer, size, result) == 0


_C_API = PyCapsule_New(<void *>lse_get_api(), "lse._core._C_API", NULL)
