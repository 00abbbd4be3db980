# The face of the C kernels; see kernels/kernels.h.

cdef extern from "kernels/kernels.h" nogil:
    const int LSE_BATCH
    const int LSE_PIECE
    const int LSE_MAX_DIMS
    const double LSE_FAR_f32
    const double LSE_FAR_f64

    ctypedef struct lse_states:
        double max[64]
        double tail[64]
        double tail_lo[64]

    ctypedef struct lse_results:
        double value[64]
        double value_lo[64]
        double sign[64]
        double scale[64]
        double scale_lo[64]
        double anchor[64]

    ctypedef void (*lse_load)(const char *, ptrdiff_t, ptrdiff_t, void *) noexcept nogil
    ctypedef void (*lse_store)(char *, ptrdiff_t, ptrdiff_t, const void *) noexcept nogil

    ctypedef struct lse_layout:
        int ndim
        int direct
        int direct_weight
        int native_weight
        ptrdiff_t shape[64]
        ptrdiff_t stride[64]
        ptrdiff_t where_stride[64]
        ptrdiff_t weight_stride[64]
        ptrdiff_t where_step
        ptrdiff_t weight_step
        lse_load load
        lse_load load_weight
        lse_store store

    ctypedef struct lse_row:
        const char *x
        const char *where
        const char *weight
        ptrdiff_t n

    ctypedef void (*lse_reduce_rows)(
        const lse_layout *layout, const lse_row *rows, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
        const double *shift, lse_states *states) noexcept nogil
    ctypedef void (*lse_reduce_columns)(
        const lse_layout *layout, const lse_row *row, ptrdiff_t start, ptrdiff_t n, ptrdiff_t count,
        lse_states *states) noexcept nogil
    ctypedef void (*lse_map_row)(
        const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
        ptrdiff_t start, ptrdiff_t n, double shift, const lse_results *results, ptrdiff_t index) noexcept nogil
    ctypedef void (*lse_map_columns)(
        const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
        ptrdiff_t start, ptrdiff_t n, ptrdiff_t count, const lse_results *results) noexcept nogil
    ctypedef void (*lse_cumulate)(
        const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out) noexcept nogil
    ctypedef void (*lse_merge)(lse_states *into, const lse_states *other, ptrdiff_t count) noexcept nogil
    ctypedef void (*lse_finish)(const lse_states *states, ptrdiff_t count, lse_results *results) noexcept nogil

    ctypedef struct lse_real_kernels:
        lse_reduce_rows rows
        lse_reduce_columns columns
        lse_reduce_rows weighted_rows
        lse_reduce_columns weighted_columns
        lse_map_row softmax_row
        lse_map_row log_softmax_row
        lse_map_columns softmax_columns
        lse_map_columns log_softmax_columns
        lse_cumulate cumulate_row
        void (*census)(
            const lse_layout *layout, const lse_row *row, ptrdiff_t *nans, ptrdiff_t *infinities) noexcept nogil
        void (*weighted_census)(
            const lse_layout *layout, const lse_row *row, double *max, int *plain) noexcept nogil
        void (*collect)(
            const lse_layout *layout, const lse_row *row, double *x, double *weight) noexcept nogil
        void (*select_infinity)(
            const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
            double at_infinity, double elsewhere) noexcept nogil
        void (*select_present)(
            const lse_layout *layout, const lse_row *row, const lse_layout *out_layout, char *out,
            double present, double absent) noexcept nogil
        ptrdiff_t panel

    ctypedef struct lse_kernels:
        const char *name
        lse_merge merge
        lse_finish finish
        lse_finish finish_scaled
        lse_merge weighted_merge
        lse_finish weighted_finish
        lse_real_kernels f32
        lse_real_kernels f64

    lse_load lse_load_for(char kind, int size, int swapped, int to) noexcept
    lse_store lse_store_for(char kind, int size, int source) noexcept
    void lse_exact(double *a, double *b, ptrdiff_t n, double *value, double *value_lo, double *sign) noexcept
    const lse_kernels *lse_available(int index) noexcept


cdef extern from "threads.h" nogil:
    int lse_omp_max_threads() noexcept
    int lse_omp_in_parallel() noexcept
    int lse_omp_version() noexcept
    int lse_affinity() noexcept
    int lse_watch_forks() noexcept
    int lse_is_forked_child
    long long lse_progress
    void lse_add_progress(long long n) noexcept


cdef extern from "fp.h" nogil:
    ctypedef struct lse_fp_state:
        pass
    lse_fp_state lse_fp_enter() noexcept
    void lse_fp_leave(lse_fp_state found) noexcept
